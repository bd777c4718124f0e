"""For teachers: a link for the class, a lesson of 45 minutes, a worksheet and its answers."""

import streamlit as st

from ui.lesson.teacher import cache, sheets
from ui.lesson.teacher.class_link import ClassLink
from ui.service import navigation
from ui.service.validation import DEFAULT_SEED, LARGEST_SEED
from ui.text import LANGUAGES, Text
from ui.view import sentences
from ui.widgets import concurrency, link, share, sidebar
from vae.experiments.lesson.worksheet import Solutions
from vae.hub import sources

PLANE, LAB = "mnist-2d", "mnist"
SCOPES = ("all", "lesson")


def main() -> None:
    text = link.current_text()
    sidebar.language_bar(text)
    st.header(text("pages.teacher"), anchor=False)
    with st.container(border=True):
        st.subheader(text("teacher.heading"), anchor=False, help=text("teacher.help"))
        left, right = st.columns([3, 2], gap="large")
        with left:
            class_link = _choose(text)
        address = class_link.address(st.context.url or "")  # no URL without a browser
        with right:
            _show_link(text, address)
    plane, lab = sidebar.resolve(text, PLANE), sidebar.resolve(text, LAB)
    example = (
        class_link.example
        if class_link.example in plane.examples.names
        else plane.examples.names[0]
    )
    with concurrency.spinner(text("teacher.computing")):
        solved = cache.solutions(plane, lab, example, class_link.seed)
    _plan(text, solved, example, class_link.seed)
    _sheet(Text(class_link.language), text, solved, example, class_link, address)


def _choose(text: Text) -> ClassLink:
    """Draw the controls; returns the class link.

    Each control stands in this page's own link as well, so that a teacher can come back to it.
    """
    first, second = st.columns(2)
    with first:
        scope = link.choice(
            st.segmented_control,
            text("teacher.scope"),
            SCOPES,
            key="to_only",
            default="all",
            required=True,
            format_func=lambda scope: text(f"teacher.scope_{scope}"),
        )
    pages = tuple(
        name for names in navigation.sections(scope).values() for name in names if name != "teacher"
    )
    with second:
        page = link.choice(
            st.selectbox,
            text("teacher.start"),
            pages,
            key="to_page",
            default="step1",
            format_func=lambda name: text(f"pages.{name}"),
        )
    model = None
    with first:
        if scope == "all":
            models = sources.names()
            model = link.choice(
                st.selectbox,
                text("teacher.model"),
                models,
                key="to_model",
                default=LAB,
                format_func=lambda name: sentences.title(text, name),
            )
        stops = tuple(
            entry.beta
            for entry in sidebar.resolve(text, model or PLANE).metrics.betas
            if entry.beta
        )
        beta = (
            link.stop(
                st.select_slider,
                text("teacher.beta"),
                stops,
                key="to_beta",
                default=1.0,
                format_func=lambda stop: f"{stop:g}",
            )
            if 1.0 in stops
            else 1.0
        )
    with second:
        names = sidebar.resolve(
            text, model if model and page in navigation.LAB else PLANE
        ).examples.names
        example = link.choice(
            st.selectbox,
            text("teacher.example"),
            names,
            key="to_example",
            default=names[0],
            format_func=lambda name: (
                text(f"examples.{name}") if text.has(f"examples.{name}") else name
            ),
        )
        seed = link.quantity(
            st.number_input,
            text("teacher.seed"),
            0,
            LARGEST_SEED,
            key="to_seed",
            default=DEFAULT_SEED,
        )
    language = link.choice(
        st.segmented_control,
        text("teacher.language"),
        tuple(LANGUAGES),
        key="to_language",
        default=text.language,
        required=True,
        format_func=LANGUAGES.get,
    )
    hidden = link.widget_at(
        st.pills,
        text("teacher.hide"),
        link.CONTROLS,
        key="to_hide",
        value=[name for name in link.CONTROLS if name in link.words("to_hide")],
        selection_mode="multi",
        format_func=lambda name: text(f"teacher.hide_{name}"),
        wrap=True,
    )
    link.set_words("to_hide", hidden)
    return ClassLink(
        page, beta, seed, language, example, model, hidden, lesson_only=scope == "lesson"
    )


def _show_link(text: Text, address: str) -> None:
    share.show_code(text, address)
    st.caption(text("teacher.link"))
    share.show_link(text, address)
    with st.container(horizontal=True):
        st.link_button(text("teacher.open"), address, icon=":material/open_in_new:")
        share.save_code(text, address)


def _plan(text: Text, solved: Solutions, example: str, seed: int) -> None:
    with st.container(border=True):
        st.subheader(text("teacher.plan_heading"), anchor=False)
        st.caption(text("teacher.plan_note", example=example, seed=seed))
        for minutes, name, doing in sheets.plan(text, solved):
            first, second, third = st.columns([1, 3, 9], vertical_alignment="center")
            first.markdown(f"**{minutes}** {text('teacher.minutes')}")
            second.page_link(navigation.file(name), label=text(f"pages.{name}"))
            third.markdown(doing)


def _sheet(
    printed: Text, text: Text, solved: Solutions, example: str, class_link: ClassLink, address: str
) -> None:
    """Draw the worksheet's downloads and preview.

    printed: the language of the class link, in which the class reads it.
    """
    lab = not class_link.lesson_only
    with st.container(border=True, key="worksheet"):
        st.subheader(text("teacher.sheet_heading"), anchor=False)
        st.markdown(text("teacher.sheet_note"))
        with st.container(horizontal=True):
            for label, file, answers in (
                (text("teacher.sheet"), "worksheet", False),
                (text("teacher.key"), "answers", True),
            ):
                st.download_button(
                    label,
                    sheets.page(
                        printed,
                        solved,
                        example=example,
                        seed=class_link.seed,
                        address=address,
                        answers=answers,
                        lab=lab,
                    ),
                    f"vae-lab-{file}-{printed.language}.html",
                    "text/html",
                    icon=":material/print:",
                    on_click="ignore",
                    key=f"download_{file}",
                )
        with st.expander(text("teacher.preview")):
            for number, (name, task, solution) in enumerate(
                sheets.tasks(printed, solved, lab=lab), 1
            ):
                st.markdown(
                    f"**{number}. {printed('sheet.where', page=printed(f'pages.{name}'))}** "
                    f"— {task}"
                )
                st.markdown(f"{printed('sheet.answer')}: {solution}")


if __name__ == "__main__":
    main()
