"""Step 7: KL divergence keeps the latent space without holes, and what it costs."""

import streamlit as st

from ui.film import frames, parts
from ui.lesson import frame
from ui.lesson.step7_holes import cache, view
from ui.service.cache import is_kept
from ui.text import Text
from ui.widgets import chart, concurrency, film, film_parts, link, sidebar
from ui.widgets.film_parts import Follow
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
    text, choice = frame.begin("step7", VAE, "between_islands", beta_on_page=True)
    plain = sidebar.with_reference(text, sidebar.resolve(text, PLAIN))
    _experiments(text, choice, plain)
    if frame.reveal(text, "step7", "between_islands", right="b"):
        _maps(text, choice, plain)
        frame.explanation(text, text("step7.why"), FORMULA)
        frame.article(text, text("step7.article"))
        frame.check(text, "at_the_largest_beta", right="d")
    frame.foot(text, "step7")


def _plane(text: Text, model: WithReference, beta: float) -> holes.Plane:
    if is_kept(cache.latent_plane, model, beta):  # a spinner would start a thread at every move
        return cache.latent_plane(model, beta)
    with concurrency.spinner(text("step7.measuring")):
        return cache.latent_plane(model, beta)


@concurrency.fragment
def _experiments(text: Text, choice: ReferenceSelection, plain: WithReference) -> None:
    """Draw what follows beta, and the slider with it: at rest the exact answer comes."""
    follow = film_parts.follow(choice, "step7")
    choice = film_parts.beta(text, choice, follow.scope)
    with frame.experiment(text("step7.walk_heading"), text("step7.walk_help")):
        kind = _walks(text, choice, follow)
    with frame.experiment(text("step7.kl_heading"), text("step7.kl_help")):
        _kl(text)
    with frame.experiment(text("step7.beta_heading"), text("step7.beta_help")):
        _beta(text, choice, follow)
        _film(text, choice, plain, kind, follow)


def _walks(text: Text, choice: ReferenceSelection, follow: Follow) -> str:
    """Draw the walks; returns whose emptiest place they cross."""
    kind = link.choice(
        st.segmented_control,
        text("step7.whose"),
        WALKS,
        key="hole",
        default="plain",
        required=True,
        format_func=lambda kind: text(f"step7.whose_{kind}"),
    )
    follow = follow.showing(cache.walks_name(choice.model, kind, text.language))
    left, right = st.columns([1, 6], vertical_alignment="center")
    with left, st.container(width=130):
        film_parts.strip(follow, "ends", key="ends")
    with right:
        film_parts.sentences(follow, "ends", key="ends")
    film_parts.sentences(follow, "collapsed", key="collapsed", caption=True)
    for way in ("plain", "vae") if kind == "plain" else ("vae", "plain"):
        film_parts.sentences(follow, f"{way}_title", key=f"{way}_title", caption=True)
        film_parts.strip(follow, way, key=f"walk_{way}")
        film_parts.sentences(follow, f"{way}_numbers", key=f"{way}_numbers", caption=True)
    return kind


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


def _beta(text: Text, choice: ReferenceSelection, follow: Follow) -> None:
    follow = follow.showing(
        cache.prior_name(choice.model, choice.seed, text.language),
        cache.planes_name(choice.model, text.language),
    )
    if not link.is_hidden("beta"):
        st.markdown(text("step7.beta_do"))
    st.caption(text("step7.prior_strip", count=holes.STEPS))
    film_parts.strip(follow, "prior", key="prior")
    film_parts.curve(
        follow,
        "rate",
        across="beta",
        down=text("step7.rate_axis"),
        region=text("step7.collapsed"),
        point=text("step7.rate_hover", beta="{beta}", value="{value}"),
    )
    film_parts.sentences(follow, "numbers", "plane", key="numbers")


@concurrency.fragment
def _film(
    text: Text, choice: ReferenceSelection, plain: WithReference, kind: str, follow: Follow
) -> None:
    """Carry what the views show: at first at the present beta; then at the others, in parts.

    A fragment of its own: what the browser asks for comes right after a run.
    """
    with st.container(gap=None):
        _carried(text, choice, plain, kind, follow)


def _carried(
    text: Text, choice: ReferenceSelection, plain: WithReference, kind: str, follow: Follow
) -> None:
    stops, language = frames.stops(choice.model), text.language
    prior = cache.prior_name(choice.model, choice.seed, language)
    walks = cache.walks_name(choice.model, kind, language)
    planes = cache.planes_name(choice.model, language)
    waiting = text("step7.waiting", known="{known}", count="{count}")
    wanted = film_parts.awaited(follow, (prior, walks, planes), waiting, stops)
    _plane(text, plain, 0.0)
    _plane(text, choice.model, choice.beta)
    present = (stops.index(choice.beta),)
    of_prior = (choice.model, choice.seed, language)
    of_walks = (choice.model, plain, kind, language)
    if wanted is not None:
        with concurrency.released_slot():
            cache.measure(choice.model, wanted)
            cache.prior_film(*of_prior)
    if is_kept(cache.prior_film, *of_prior):
        film.carry(cache.prior_film(*of_prior), key="carried_prior")
    else:
        one = cache.prior(*of_prior, present, parts.present(prior))
        film.carry(one, key="carried_prior_now")
    known = cache.known(choice.model)
    film.carry(cache.planes(choice.model, language, known, planes), key="carried_planes")
    is_whole = len(known) == len(stops)
    if is_whole and (wanted is not None or is_kept(cache.walks_film, *of_walks)):
        film.carry(cache.walks_film(*of_walks), key="carried_walks")
    else:
        one = cache.walks(*of_walks, present, parts.present(walks))
        film.carry(one, key="carried_walks_now")


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
