"""The frame of a lesson's page: predict → do → reveal → why. No part blocks the next."""

from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui.lesson import progress
from ui.service import navigation
from ui.text import Text
from ui.widgets import link, sidebar
from ui.widgets.sidebar import ReferenceSelection

LETTERS = "abcd"
RIGHT, WRONG = ":material/check_circle:", ":material/lightbulb:"


def begin(
    step: str,
    model: str,
    question: str,
    *,
    beta: float | None = None,
    beta_on_page: bool = False,
) -> tuple[Text, ReferenceSelection]:
    """The opening of a step: side bar, title, idea, and the prediction that is asked for.

    model: the one that the step is about. beta: fixed where the step holds at one beta alone.
    beta_on_page: whether the page itself draws the slider. The page ends here with a sentence where
    the model has no reference pictures.
    """
    text = link.current_text()
    choice = sidebar.show(text, only=model, beta=beta, noise=False, beta_on_page=beta_on_page)
    head(text, step, text(f"{step}.idea"))
    selection = sidebar.select_with_reference(text, choice)
    prediction(text, question)
    return text, selection


def head(text: Text, name: str, idea: str) -> None:
    """The page's title, the student's progress, and the idea in one sentence."""
    with st.container(
        horizontal=True,
        horizontal_alignment="distribute",
        vertical_alignment="center",
        key="lesson_head",
    ):
        st.header(text(f"pages.{name}"), anchor=False, width="content")
        with st.container(
            horizontal=True,
            vertical_alignment="center",
            gap="xsmall",
            width="content",
            key="lesson_progress",
        ):
            done = sum(progress.is_revealed(step) for step in navigation.STEPS)
            st.caption(
                text("lesson.progress", done=done, steps=len(navigation.STEPS)), width="content"
            )
            for number, step in enumerate(navigation.STEPS, 1):
                label = f"**{number}**" if step == name else str(number)
                st.page_link(
                    navigation.file(step),
                    label=f"{label} ✓" if progress.is_revealed(step) else label,
                    help=text(f"pages.{step}"),
                )
    st.markdown(idea)


def prediction(text: Text, question: str, **values: object) -> None:
    """The question that opens a step; its feedback waits for `reveal`.

    values: numbers in the question.
    """
    with st.container(border=True, gap="small", key="predict"):
        st.subheader(text("lesson.predict"), anchor=False)
        chosen = _ask(text, question, values)
        st.caption(text("lesson.predicted") if chosen else text("lesson.predict_first"))


def experiment(heading: str, explained: str | None = None) -> DeltaGenerator:
    """A card for an experiment. explained: help behind the question mark."""
    card = st.container(border=True, gap="small")
    card.subheader(heading, anchor=False, help=explained)
    return card


def reveal(text: Text, name: str, question: str, right: str, **values: object) -> bool:
    """The switch that reveals the answer and the prediction's feedback; returns whether it is on.

    values: numbers in the question and in its feedback.
    """
    shown = link.widget_at(
        st.toggle, text("lesson.reveal"), key=f"reveal_{name}", value=progress.is_revealed(name)
    )
    progress.set_revealed(name, shown)
    if shown:
        chosen = progress.answers().get(question)
        if chosen not in _letters(text, question):
            st.markdown(
                text("lesson.right_answer", answer=text(f"ask.{question}_{right}", **values))
            )
        _feedback(text, question, chosen or right, right, values)
    return shown


def check(text: Text, question: str, right: str, **values: object) -> bool:
    """A question with feedback at once; returns whether it has an answer, right or wrong."""
    with st.container(border=True, gap="xsmall"):
        chosen = _ask(text, question, values)
        if chosen:
            _feedback(text, question, chosen, right, values)
        else:
            st.caption(text("lesson.answer_first"))
    return bool(chosen)


def explanation(text: Text, sentence: str, formula: str | None = None) -> None:
    """The explanation in one sentence, and its formula."""
    with st.container(border=True, gap="small"):
        st.subheader(text("lesson.why"), anchor=False)
        st.markdown(sentence)
        if formula:
            st.latex(formula)


def article(text: Text, note: str) -> None:
    """A note on an error of the article that this lesson follows."""
    st.info(f"**{text('lesson.article')}** {note}", icon=":material/menu_book:")


def foot(text: Text, name: str) -> None:
    """Links to the pages before and after."""
    place = navigation.LESSON.index(name)
    around: dict[int, Literal["left", "right"]] = {place - 1: "left", place + 1: "right"}
    with st.container(horizontal=True, horizontal_alignment="distribute", key="lesson_foot"):
        for other, side in around.items():
            if not 0 <= other < len(navigation.LESSON):
                continue
            page = navigation.LESSON[other]
            icon = ":material/arrow_back:" if side == "left" else ":material/arrow_forward:"
            st.page_link(
                navigation.file(page), label=text(f"pages.{page}"), icon=icon, icon_position=side
            )


def _letters(text: Text, question: str) -> tuple[str, ...]:
    return tuple(letter for letter in LETTERS if text.has(f"ask.{question}_{letter}"))


def _ask(text: Text, question: str, values: dict[str, object]) -> str | None:
    """Draw the question with its options; returns the chosen letter."""
    letters = _letters(text, question)
    given, asked = progress.answers().get(question), text(f"ask.{question}", **values)
    st.markdown(asked)
    chosen = link.widget_at(
        st.radio,
        asked,
        letters,
        key=f"ask_{question}",
        value=given if given in letters else None,
        width="stretch",
        format_func=lambda letter: text(f"ask.{question}_{letter}", **values),
        label_visibility="collapsed",
    )
    progress.answer(question, chosen)
    return chosen


def _feedback(
    text: Text, question: str, chosen: str, right: str, values: dict[str, object]
) -> None:
    said = text(f"ask.{question}_{chosen}_why", **values)
    if chosen == right:
        st.success(said, icon=RIGHT)
    else:
        st.info(said, icon=WRONG)
