"""Step 7: KL divergence keeps the latent space without holes, and what it costs."""

import streamlit as st

from ui.lesson import frame
from ui.lesson.step7_holes import cache, view
from ui.text import Text
from ui.view import pictures
from ui.widgets import chart, concurrency, link, sidebar, strip
from ui.widgets.sidebar import ReferenceSelection
from vae.experiments.lesson import gaussian, holes
from vae.hub.sources import WithReference

VAE, PLAIN = "mnist-2d", "mnist-2d-autoencoder"
WALKS = ("plain", "beta")
BETAS = (0.001, 0.1, 1.0, 10.0)  # of the maps
FORMULA = r"""\begin{gathered}
\mathrm{KL}\big(\mathcal N(\mu, \sigma^2) \,\|\, \mathcal N(0, 1)\big) \\
= \tfrac12 \mu^2 + \tfrac12 \sigma^2 - \tfrac12 \log \sigma^2 - \tfrac12
\end{gathered}"""


def main() -> None:
    text, choice = frame.begin("step7", VAE, "between_islands")
    plain = sidebar.with_reference(text, sidebar.resolve(text, PLAIN))
    with frame.experiment(text("step7.walk_heading"), text("step7.walk_help")):
        _walks(text, choice, plain)
    with frame.experiment(text("step7.kl_heading"), text("step7.kl_help")):
        _kl(text)
    _beta(text, choice)
    if frame.reveal(text, "step7", "between_islands", right="b"):
        _maps(text, choice, plain)
        frame.explanation(text, text("step7.why"), FORMULA)
        frame.article(text, text("step7.article"))
        frame.check(text, "at_the_largest_beta", right="d")
    frame.foot(text, "step7")


def _plane(text: Text, model: WithReference, beta: float) -> holes.Plane:
    with concurrency.spinner(text("step7.measuring")):
        return cache.latent_plane(model, beta)


@concurrency.fragment
def _walks(text: Text, choice: ReferenceSelection, plain: WithReference) -> None:
    kind = link.choice(
        st.segmented_control,
        text("step7.whose"),
        WALKS,
        key="hole",
        default="plain",
        required=True,
        format_func=lambda kind: text(f"step7.whose_{kind}", beta=choice.beta),
    )
    at_beta, of_plain = _plane(text, choice.model, choice.beta), _plane(text, plain, 0.0)
    pair = (of_plain if kind == "plain" else at_beta).pair
    labels = choice.model.reference.labels
    ways = [
        holes.walk(plain.network, of_plain.codes, labels, pair, 0.0),
        holes.walk(choice.model.network, at_beta.codes, labels, pair, choice.beta),
    ]
    ends = choice.model.reference.images[list(pair)]
    left, right = st.columns([1, 6], vertical_alignment="center")
    with left, st.container(width=130):
        st.image(pictures.strip(ends / 255), width="stretch", alt=view.ends_alt(text, ways[0]))
    right.markdown(view.end_pictures(text, ways[0]))
    if at_beta.collapsed:
        st.caption(text("step7.walk_collapsed"))
    for way in ways if kind == "plain" else reversed(ways):
        st.caption(view.walk_title(text, way))
        strip.show(
            pictures.strip(way.images),
            [f"{distance:.2f}" for distance in way.distances],
            view.walk_alt(text, way),
            key=f"walk_{way.beta:g}".replace(".", "_"),
        )
        st.caption(view.walk_numbers(text, way))


@concurrency.fragment
def _kl(text: Text) -> None:
    left, right = st.columns(2, gap="medium")
    with left:
        mean = link.quantity(
            st.slider,
            "mu",
            *gaussian.MEANS,
            step=0.05,
            key="klmu",
            default=1.5,
        )
    with right:
        log_variance = link.quantity(
            st.slider,
            "log sigma²",
            *gaussian.LOG_VARIANCES,
            step=0.05,
            key="kllogvar",
            default=-3.0,
        )
    found = gaussian.gaussian_kl(mean, log_variance)
    st.markdown(view.kl_numbers(text, found))
    first, *others = st.columns(3, gap="medium")
    with first:
        chart.show(
            view.densities(text, found),
            key="densities",
            alt=view.densities_alt(text, found),
        )
    for column, over_mean in zip(others, (True, False), strict=True):
        with column:
            chart.show(
                view.kl_curve(text, found, over_mean=over_mean),
                key=f"kl_{over_mean}",
                alt=view.kl_curve_alt(text, found, over_mean=over_mean),
            )
    st.caption(text("step7.kl_note"))


def _beta(text: Text, choice: ReferenceSelection) -> None:
    decoded = holes.prior_pictures(choice.model.network, choice.beta, seed=choice.seed)
    with frame.experiment(text("step7.beta_heading"), text("step7.beta_help")):
        st.markdown(text("step7.beta_do"))
        st.caption(text("step7.prior_strip", count=len(decoded.images)))
        strip.show(
            pictures.strip(decoded.images),
            [],
            view.prior_alt(text, choice.beta_metrics, decoded),
            key="prior",
        )
        chart.show(
            view.rate_curve(text, choice.model.metrics, choice.beta_metrics),
            key="rate",
            alt=view.rate_alt(text, choice.model.metrics, choice.beta_metrics),
        )
        st.markdown(
            view.beta_numbers(
                text, choice.beta_metrics, _plane(text, choice.model, choice.beta).holes, decoded
            )
        )


def _maps(text: Text, choice: ReferenceSelection, plain: WithReference) -> None:
    with frame.experiment(text("step7.maps_heading"), text("step7.maps_help")):
        betas = [choice.model.metrics.at(beta).beta for beta in BETAS]
        found = [
            _plane(text, plain, 0.0).holes,
            *(_plane(text, choice.model, beta).holes for beta in betas),
        ]
        with st.container(horizontal=True, key="hole_maps"):
            for one in found:
                with st.container(width=190, gap="xsmall"):
                    st.markdown(f"**{view.map_title(text, one)}**")
                    st.image(
                        cache.hole_map(plain if one.beta == 0 else choice.model, one.beta),
                        width="stretch",
                        alt=view.map_alt(text, one),
                    )
                    st.caption(view.map_numbers(text, one))
        st.caption(view.maps_legend(text, found[0]))
        st.markdown(view.maps_verdict(text, found))


if __name__ == "__main__":
    main()
