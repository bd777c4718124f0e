"""Step 1: p(x), the distribution of the data, is the goal.

Pixels drawn one by one never make a digit; a model's draws do.
"""

import streamlit as st

from ui.lesson import frame
from ui.lesson.step1_pixels import cache, view
from ui.text import Text
from ui.widgets import chart, concurrency, link, picture_input
from ui.widgets.sidebar import ReferenceSelection
from vae import experiments
from vae.experiments.lesson.pixels import LAWS, PICTURE, Counts, Verdict, counts


def main() -> None:
    text, choice = frame.begin("step1", "mnist", "million", beta=1.0)
    _sheets(text, choice)
    frame.check(text, "cloud", right="b")
    found = _verdicts(text, choice)
    _revealed(text, choice, found)
    frame.foot(text, "step1")


@concurrency.fragment
def _sheets(text: Text, choice: ReferenceSelection) -> None:
    with frame.experiment(text("step1.do_draw"), text("step1.do_draw_help")):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            law = link.choice(
                st.segmented_control,
                text("step1.law"),
                LAWS,
                key="law",
                default=LAWS[0],
                required=True,
                format_func=lambda law: text(f"step1.law_{law}"),
            )
            numbers = view.sheet_numbers(link.words("sheets"))
            st.button(
                text("step1.more"),
                key="more_sheets",
                icon=":material/casino:",
                on_click=lambda: link.set_words("sheets", view.sheet_words(numbers, law)),
            )
        drawn = cache.sheet(choice.model, law, choice.beta, choice.seed, numbers[law])
        st.image(view.sheet_picture(drawn), width=640, alt=view.sheet_alt(text, drawn))
        st.markdown(
            view.sheet_summary(text, drawn, numbers[law], cache.reference_distance(choice.model))
        )
        dimensions = choice.model.network.config.latent_dim
        st.caption(text(f"step1.said_{law}", dimensions=dimensions))


def _verdicts(text: Text, choice: ReferenceSelection) -> dict[str, Verdict]:
    with frame.experiment(text("step1.do_rate"), text("step1.do_rate_help")):
        st.markdown(text("step1.rate"))
        given = picture_input.row(text, choice.model)
        observed = experiments.observation(choice.model.network, given.image, seed=choice.seed)
        with concurrency.spinner(text("step1.rating")):
            found = cache.verdicts(choice.model, observed, choice.beta, choice.seed)
        chart.show(
            view.verdicts_figure(text, found),
            key="verdicts",
            alt=view.verdicts_alt(text, found),
        )
        st.caption(view.precision(text, found))
    return found


def _revealed(text: Text, choice: ReferenceSelection, found: dict[str, Verdict]) -> None:
    large = counts(choice.model.metrics, found[PICTURE].observed.size)
    values = view.counts_values(large)
    if not frame.reveal(text, "step1", "million", right="c", **values):
        return
    _counts(text, large)
    st.markdown(view.noise_comparison(text, found))
    st.markdown(view.blank_page(text, choice.model.metrics, found))
    frame.explanation(
        text, text("step1.why"), r"\sum_{x \in \{0,1\}^{784}} p(x) = 1 \qquad\qquad x \sim p(x)"
    )


def _counts(text: Text, large: Counts) -> None:
    with frame.experiment(text("step1.counts")):
        chart.show(
            view.counts_figure(text, large),
            key="counts",
            alt=view.counts_alt(text, large),
        )
        st.caption(text("step1.counted", **view.counts_values(large)))


if __name__ == "__main__":
    main()
