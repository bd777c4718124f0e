"""Step 1: the goal is p(x), the distribution of the data. Pixels drawn one by one never make a
digit; a model's draws do."""

import streamlit as st

from ui import sidebar, state, turns
from ui.lesson import frame, pixels, remembered
from ui.sidebar import Choice
from ui.text import Text
from vae import experiments
from vae.experiments.pixels import LAWS, PICTURE, Counts, Verdict, counts

STATIC = {"displayModeBar": False}


def main() -> None:
    text = state.current_text()
    choice = sidebar.show(text, only="mnist", beta=1.0, noise=False)
    frame.head(text, "step1", text("step1.idea"))
    frame.predict(text, "million")
    frame.needs_reference(text, choice.model)
    _sheets(text, choice)
    frame.check(text, "cloud", right="b")
    found = _verdicts(text, choice)
    _revealed(text, choice, found)
    frame.foot(text, "step1")


@turns.fragment
def _sheets(text: Text, choice: Choice) -> None:
    with frame.experiment(text("step1.do_draw"), text("step1.do_draw_help")):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            law = state.linked(
                st.segmented_control,
                text("step1.law"),
                LAWS,
                key="law",
                default=LAWS[0],
                accept=state.one_of(LAWS),
                required=True,
                format_func=lambda law: text(f"step1.law_{law}"),
            )
            numbers = pixels.sheet_numbers(state.words("sheets"))
            st.button(
                text("step1.more"),
                key="more_sheets",
                icon=":material/casino:",
                on_click=lambda: state.set_words("sheets", pixels.one_more(numbers, law)),
            )
        drawn = remembered.sheet(choice.model, law, choice.beta, choice.seed, numbers[law])
        st.image(pixels.sheet_picture(drawn), width=640, alt=pixels.sheet_alt(text, drawn))
        st.markdown(
            pixels.drawn_so_far(
                text, drawn, numbers[law], remembered.reference_distance(choice.model)
            )
        )
        st.caption(text(f"step1.said_{law}"))


def _verdicts(text: Text, choice: Choice) -> dict[str, Verdict]:
    with frame.experiment(text("step1.do_rate"), text("step1.do_rate_help")):
        st.markdown(text("step1.rate"))
        given = frame.picture(text, choice.model)
        observed = experiments.observe(choice.model.model, given.view.image, seed=choice.seed)
        with st.spinner(text("step1.rating")), turns.aside():
            found = remembered.verdicts(choice.model, observed, choice.beta, choice.seed)
        st.plotly_chart(
            pixels.verdicts_figure(text, found),
            config=STATIC,
            key="verdicts",
            alt=pixels.verdicts_alt(text, found),
        )
        st.caption(pixels.precision(text, found))
    return found


def _revealed(text: Text, choice: Choice, found: dict[str, Verdict]) -> None:
    large = counts(choice.model.metrics, found[PICTURE].observed.size)
    values = pixels.counts_values(large)
    if not frame.reveal(text, "step1", "million", right="c", **values):
        return
    _counts(text, large)
    st.markdown(pixels.compared(text, found))
    st.markdown(pixels.blank_page(text, choice.model.metrics, found))
    frame.why(
        text, text("step1.why"), r"\sum_{x \in \{0,1\}^{784}} p(x) = 1 \qquad\qquad x \sim p(x)"
    )


def _counts(text: Text, large: Counts) -> None:
    with frame.experiment(text("step1.counts")):
        st.plotly_chart(
            pixels.counts_figure(text, large),
            config=STATIC,
            key="counts",
            alt=pixels.counts_alt(text, large),
        )
        st.caption(text("step1.counted", **pixels.counts_values(large)))


main()
