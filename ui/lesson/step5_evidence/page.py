"""Step 5: log p(x) = ELBO + KL, as two rows of bars that end at the same place.

Only one of the two KLs closes the gap; then another q, and the loss.
"""

import streamlit as st

from ui.lesson import frame
from ui.lesson.step5_evidence import cache, view
from ui.service.cache import posterior_map
from ui.text import Text
from ui.view import figures, pictures, sentences
from ui.widgets import chart, concurrency, formula, link, picture_input, sidebar
from ui.widgets.sidebar import SidebarSelection
from vae import experiments
from vae.experiments import PosteriorMap, Reconstruction
from vae.experiments.lesson import evidence
from vae.experiments.lesson.evidence import Balance, LogEvidence

MODELS = {"plane": "mnist-2d", "many": "mnist"}
FILLERS = ("none", *view.NAMES)
FORMULA = r"""\begin{aligned}
\log p(x) = {}&\mathrm{ELBO} \\
&+ \mathrm{KL}\big(q(z|x)\,\|\,p(z|x)\big) \\
\mathrm{ELBO} = {}&\mathbb E_q[\log p(x|z)] \\
&- \mathrm{KL}\big(q(z|x)\,\|\,p(z)\big)
\end{aligned}"""


def main() -> None:
    text = link.current_text()
    heading, asked, picture = (
        st.container(),
        st.container(),
        st.container(border=True, gap="xsmall", key="your_picture"),
    )
    with picture:
        explained = text(
            "step5.code_help", samples=f"{evidence.SAMPLES:,}", draws=f"{evidence.DRAWS:,}"
        )
        with picture_input.source_row(text("step5.picture"), explained) as below:
            kind = link.choice(
                st.segmented_control,
                text("step5.code"),
                tuple(MODELS),
                key="code",
                default="plane",
                required=True,
                label_visibility="collapsed",
                format_func=lambda kind: text(f"step5.code_{kind}"),
            )
            choice = sidebar.show(text, only=MODELS[kind], beta=1.0, noise=False)
            given = picture_input.choose(text, choice.model, below)
        seen = experiments.reconstruct(
            choice.model.network, given.image, 1.0, seed=choice.seed, use_mean=True
        )
        posterior, known = _known(text, choice, seen)
        _seen(text, choice, seen, known)
    with heading:
        frame.head(text, "step5", text("step5.idea"))
        st.caption(text("step5.beta"))
    with asked:
        frame.prediction(text, "which_kl")
    own = cache.balance(choice.model, seen.observed, known, choice.seed, 0.0, 1.0)
    with frame.experiment(text("step5.do"), text("step5.do_help")):
        _fill(text, own)
    if frame.reveal(text, "step5", "which_kl", right="b", **view.feedback_values(text, own)):
        frame.explanation(text, text("step5.why"), FORMULA)
        frame.article(text, view.article_error(text, own))
        frame.check(text, "worse_q", right="b")
        with frame.experiment(text("step5.formula"), text("step5.formula_help")):
            _another(text, choice, seen, own, posterior)
        with frame.experiment(text("step5.loss")):
            _loss(text, choice, seen, own)
    frame.foot(text, "step5")


def _known(
    text: Text, choice: SidebarSelection, seen: Reconstruction
) -> tuple[PosteriorMap | None, LogEvidence]:
    """The true posterior where quadrature can compute it, and what is known of log p(x)."""
    if choice.model.network.config.latent_dim == 2:
        with concurrency.spinner(text("step5.counting")):
            posterior = posterior_map(choice.model, seen.observed, 1.0, False)
        return posterior, evidence.quadrature(posterior)
    with concurrency.spinner(text("step5.bounding", samples=f"{evidence.SAMPLES:,}")):
        return None, cache.evidence_bound(choice.model, seen.observed, choice.seed)


def _seen(text: Text, choice: SidebarSelection, seen: Reconstruction, known: LogEvidence) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.image(
            pictures.picture_uri(seen.observed),
            width=96,
            alt=sentences.seen_alt(text, choice.model, seen),
        )
        st.markdown(view.evidence_precision(text, known))


@concurrency.fragment
def _fill(text: Text, own: Balance) -> None:
    filler = link.choice(
        st.segmented_control,
        text("step5.filler"),
        FILLERS,
        key="filler",
        default="none",
        required=True,
        format_func=lambda filler: view.NAMES.get(filler) or text("step5.filler_none"),
    )
    formula.show(
        {"bars": view.bars(text, own, filler), "loose": view.loose_bars(text, own)},
        key="filled_bars",
    )
    st.markdown(view.verdict(text, own, filler))


@concurrency.fragment
def _another(
    text: Text,
    choice: SidebarSelection,
    seen: Reconstruction,
    own: Balance,
    posterior: PosteriorMap | None,
) -> None:
    left, right = st.columns(2)
    with left:
        shift = link.quantity(
            st.slider,
            text("step5.shift"),
            0.0,
            evidence.FARTHEST,
            step=0.25,
            key="qshift",
            default=0.0,
            format="%.2f",
        )
    with right:
        widening = link.stop(
            st.select_slider,
            text("step5.widen"),
            evidence.WIDENINGS,
            key="qwide",
            default=1.0,
            format_func=lambda times: f"× {times:g}",
        )
    sides = cache.balance(choice.model, seen.observed, own.evidence, choice.seed, shift, widening)
    found = evidence.pixel_terms(
        choice.model.network,
        seen.observed,
        1.0,
        seed=choice.seed,
        shift=shift,
        widening=widening,
    )
    st.markdown(view.shift_effect(text, sides, own))
    formula.show(
        {
            "bars": view.bars(text, sides, "posterior", own),
            "formula": view.formula(text, sides, seen, found, posterior),
        },
        key="whole_formula",
    )


def _loss(text: Text, choice: SidebarSelection, seen: Reconstruction, own: Balance) -> None:
    loss = evidence.beside_average(own, choice.beta_metrics, seen.observed.size)
    chart.show(figures.loss_bars(text, loss), key="loss", alt=sentences.loss_alt(text, loss))
    st.markdown(view.loss_share(text, own, choice.beta_metrics))
    st.caption(text("step5.loss_gap"))


if __name__ == "__main__":
    main()
