"""Step 3: p(z|x) is not known.

z guessed by hand, z drawn from the prior, and the true posterior by quadrature over the plane.
"""

from functools import partial

import numpy as np
import streamlit as st

from ui.lesson import frame
from ui.lesson.step3_posterior import cache, view
from ui.service.cache import map_atlas, posterior_map
from ui.text import Text
from ui.view import map_tiles, pictures, sentences
from ui.view.source_picture import SourcePicture
from ui.widgets import chart, concurrency, latent_map, link, picture_input, strip
from ui.widgets.sidebar import ReferenceSelection
from vae import experiments
from vae.experiments import WHOLE_PLANE, PosteriorMap, Reconstruction, Window
from vae.experiments.lesson.inference import COUNTS, Guess, window_of_both

FORMULA = r"""\begin{gathered} p(z \mid x) = \frac{p(x \mid z)\, p(z)}{p(x)} \\[1ex]
p(x) = \int p(x \mid z)\, p(z)\, dz \end{gathered}"""
BEST = "best"  # slot of the best guess's pin in the link


def main() -> None:
    text, choice = frame.begin("step3", "mnist-2d", "prior_draws", beta=1.0)
    with frame.experiment(text("step3.do_guess"), text("step3.do_guess_help")):
        given = picture_input.row(text, choice.model)
        _guess(text, choice, given)
    seen = experiments.reconstruct(
        choice.model.network, given.image, choice.beta, seed=choice.seed, use_mean=True
    )
    with concurrency.spinner(text("map.counting")):
        posterior = posterior_map(choice.model, seen.observed, choice.beta, False)
    with frame.experiment(text("step3.do_draw"), text("step3.do_draw_help")):
        _draw(text, choice, seen, posterior)
    _revealed(text, choice, seen, posterior)
    frame.foot(text, "step3")


@concurrency.fragment
def _guess(text: Text, choice: ReferenceSelection, given: SourcePicture) -> None:
    seen = experiments.reconstruct(
        choice.model.network, given.image, choice.beta, seed=choice.seed, use_mean=True
    )
    guess, best = _tried(choice, seen), _tried(choice, seen, BEST)
    if guess and (best is None or guess.log_likelihood > best.log_likelihood):
        best = guess
        link.set_pin(guess.point, BEST)
    drawn = map_atlas(choice.model, choice.beta, WHOLE_PLANE)
    with st.container(key="guess_board"):
        left, right = st.columns([2.4, 1], gap="medium")
    with left:
        map_view = map_tiles.view(
            drawn,
            choice.model,
            WHOLE_PLANE,
            None,
            codes=False,
            pin=view.pinned(text, _within(guess, WHOLE_PLANE)),
            pinned=guess is not None,
            legend=view.search_legend(text),
            alt=view.search_alt(text, guess),
            text={"live": text("map.live"), "pinned": text("map.pinned")},
        )
        latent_map.show(drawn, map_view, key="guess_map", on_pin=link.set_pin)
        st.caption(text("map.use", spacing=map_tiles.spacing(WHOLE_PLANE)))
    with right:
        own, tried = st.columns(2, wrap=False)
        with own, st.container(gap="xsmall"):
            _picture(
                text("picture.seen"), seen.observed, sentences.seen_alt(text, choice.model, seen)
            )
        if guess:
            with tried, st.container(gap="xsmall"):
                _picture(text("step3.guess"), guess.image, view.guess_alt(text, guess))
        st.markdown(view.score(text, guess, best))
        st.caption(text("step3.score_note"))


def _tried(choice: ReferenceSelection, seen: Reconstruction, slot: str = "") -> Guess | None:
    return view.tried(choice.model, seen, link.pin(slot), choice.beta)


@concurrency.fragment
def _draw(
    text: Text, choice: ReferenceSelection, seen: Reconstruction, posterior: PosteriorMap
) -> None:
    count = link.choice(
        st.segmented_control,
        text("step3.count"),
        COUNTS,
        key="k",
        default=COUNTS[0],
        required=True,
        format_func=lambda count: f"{count:,}",
    )
    place, draws = st.empty(), []
    with concurrency.released_slot():
        for fewer in COUNTS[: COUNTS.index(count) + 1]:
            said = text("step3.drawing", count=f"{fewer:,}")
            draws.append(
                cache.prior_draws(
                    choice.model,
                    seen.observed,
                    choice.beta,
                    fewer,
                    choice.seed,
                    partial(place.progress, text=said),
                )
            )
    place.empty()
    now, truth = draws[-1], posterior.log_evidence
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(view.draws_text(text, now, truth))
        st.caption(text("step3.best_draws"))
        strip.show(
            view.best_strip(now),
            view.strip_labels(now),
            view.best_alt(text, now),
            key="best",
        )
    with right:
        chart.show(
            view.estimates_figure(text, draws, truth),
            key="estimates",
            alt=view.estimates_alt(text, draws, truth),
        )
    st.caption(view.bias_text(text, now, truth))


def _revealed(
    text: Text, choice: ReferenceSelection, seen: Reconstruction, posterior: PosteriorMap
) -> None:
    values = view.posterior_values(posterior)
    if not frame.reveal(text, "step3", "prior_draws", right="c", **values):
        return
    with frame.experiment(text("step3.posterior_heading"), text("map.posterior_help")):
        _maps(text, choice, seen, posterior)
    frame.explanation(text, text("step3.why", **values), FORMULA)
    frame.check(text, "more_dimensions", right="b")


@concurrency.fragment
def _maps(
    text: Text, choice: ReferenceSelection, seen: Reconstruction, posterior: PosteriorMap
) -> None:
    guess, best = _tried(choice, seen), _tried(choice, seen, BEST)
    peak = view.guess_at(choice.model, seen, posterior.peak.tolist(), choice.beta)
    near = window_of_both(posterior, seen)
    for column, window, name in zip(
        st.columns(2, gap="medium"), (WHOLE_PLANE, near), ("whole", "near"), strict=True
    ):
        drawn = map_atlas(choice.model, choice.beta, window)
        map_view = map_tiles.view(
            drawn,
            choice.model,
            window,
            seen,
            posterior=posterior,
            pin=view.pinned(text, _within(guess, window)),
            pinned=guess is not None,
            legend=view.posterior_legend(text),
            alt=view.posterior_alt(text, posterior, seen),
            text={"live": text("map.live"), "pinned": text("map.pinned")},
        )
        with column:
            st.markdown(text(f"step3.map_{name}"))
            latent_map.show(drawn, map_view, key=f"{name}_map", on_pin=link.set_pin)
    st.markdown(view.posterior_text(text, posterior))
    st.caption(view.peak_comparison(text, peak, best, posterior))


def _within(guess: Guess | None, window: Window) -> Guess | None:
    return guess if guess and window.covers(guess.point) else None


def _picture(caption: str, image: np.ndarray, alt: str) -> None:
    st.caption(caption)
    st.image(pictures.picture_uri(image), width="stretch", alt=alt)


if __name__ == "__main__":
    main()
