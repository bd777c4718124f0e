"""Step 3: p(z|x) is not known. z guessed by hand, z drawn from the prior, and the true posterior,
added up over the plane."""

import numpy as np
import streamlit as st

from ui import atlas, latent_map, pictures, remembered, sentences, sidebar, state, strip, turns
from ui.given import Given
from ui.lesson import frame, inference
from ui.lesson import remembered as lesson
from ui.pictures import SHARP
from ui.sidebar import Choice
from ui.text import Text
from vae import experiments
from vae.experiments import WHOLE_PLANE, PosteriorMap, Reconstruction, Window
from vae.experiments.inference import COUNTS, Guess, window_of_both

FORMULA = r"""\begin{gathered} p(z \mid x) = \frac{p(x \mid z)\, p(z)}{p(x)} \\[1ex]
p(x) = \int p(x \mid z)\, p(z)\, dz \end{gathered}"""
STATIC = {"displayModeBar": False}
BEST = "best"  # of the two points in the link: the best guess


def main() -> None:
    text = state.current_text()
    choice = sidebar.show(text, only="mnist-2d", beta=1.0, noise=False)
    frame.head(text, "step3", text("step3.idea"))
    frame.needs_reference(text, choice.model)
    frame.predict(text, "prior_draws")
    with frame.experiment(text("step3.do_guess"), text("step3.do_guess_help")):
        given = frame.picture(text, choice.model)
        _guess(text, choice, given)
    seen = experiments.reconstruct(
        choice.model.model, given.view.image, choice.beta, seed=choice.seed, use_mean=True
    )
    with st.spinner(text("map.counting")), turns.aside():
        posterior = remembered.posterior_map(choice.model, seen.observed, choice.beta, False)
    with frame.experiment(text("step3.do_draw"), text("step3.do_draw_help")):
        _draw(text, choice, seen, posterior)
    _revealed(text, choice, seen, posterior)
    frame.foot(text, "step3")


@turns.fragment
def _guess(text: Text, choice: Choice, given: Given) -> None:
    seen = experiments.reconstruct(
        choice.model.model, given.view.image, choice.beta, seed=choice.seed, use_mean=True
    )
    guess, best = _tried(choice, seen), _tried(choice, seen, BEST)
    if guess and (best is None or guess.log_likelihood > best.log_likelihood):
        best = guess
        state.set_pin(guess.point, BEST)
    drawn = remembered.map_atlas(choice.model, choice.beta, WHOLE_PLANE)
    with st.container(key="guess_board"):
        left, right = st.columns([2.4, 1], gap="medium")
    with left:
        view = atlas.view(
            drawn,
            choice.model,
            WHOLE_PLANE,
            None,
            codes=False,
            pin=inference.pinned(text, _within(guess, WHOLE_PLANE)),
            pinned=guess is not None,
            legend=inference.search_legend(text),
            alt=inference.search_alt(text, guess),
            text={"live": text("map.live"), "pinned": text("map.pinned")},
        )
        latent_map.show(drawn, view, key="guess_map", on_pin=state.set_pin)
        st.caption(text("map.use", spacing=atlas.spacing(WHOLE_PLANE)))
    with right:
        own, tried = st.columns(2, wrap=False)
        with own, st.container(gap="xsmall"):
            _picture(
                text("picture.seen"), seen.observed, sentences.seen_alt(text, choice.model, seen)
            )
        if guess:
            with tried, st.container(gap="xsmall"):
                _picture(text("step3.guess"), guess.image, inference.guess_alt(text, guess))
        st.markdown(inference.score(text, guess, best))
        st.caption(text("step3.score_note"))


def _tried(choice: Choice, seen: Reconstruction, slot: str = "") -> Guess | None:
    return inference.tried(choice.model, seen, state.pin(slot), choice.beta)


@turns.fragment
def _draw(text: Text, choice: Choice, seen: Reconstruction, posterior: PosteriorMap) -> None:
    count = state.linked(
        st.segmented_control,
        text("step3.count"),
        COUNTS,
        key="k",
        default=COUNTS[0],
        accept=state.one_of(COUNTS),
        required=True,
        format_func=lambda count: f"{count:,}",
    )
    place, draws = st.empty(), []
    with turns.aside():
        for fewer in COUNTS[: COUNTS.index(count) + 1]:
            draws.append(
                lesson.prior_draws(
                    choice.model,
                    seen.observed,
                    choice.beta,
                    fewer,
                    choice.seed,
                    lambda share, fewer=fewer: place.progress(
                        share, text("step3.drawing", count=f"{fewer:,}")
                    ),
                )
            )
    place.empty()
    now, truth = draws[-1], posterior.log_evidence
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(inference.draws_said(text, now, truth))
        st.caption(text("step3.best_draws"))
        strip.show(
            inference.best_strip(now),
            inference.below_strip(now),
            inference.best_alt(text, now),
            key="best",
        )
    with right:
        st.plotly_chart(
            inference.estimates_figure(text, draws, truth),
            config=STATIC,
            key="estimates",
            alt=inference.estimates_alt(text, draws, truth),
        )
    st.caption(inference.bias_said(text, now, truth))


def _revealed(text: Text, choice: Choice, seen: Reconstruction, posterior: PosteriorMap) -> None:
    values = inference.posterior_values(posterior)
    if not frame.reveal(text, "step3", "prior_draws", right="c", **values):
        return
    with frame.experiment(text("step3.posterior_heading"), text("map.posterior_help")):
        _maps(text, choice, seen, posterior)
    frame.why(text, text("step3.why", **values), FORMULA)
    frame.check(text, "more_dimensions", right="b")


@turns.fragment
def _maps(text: Text, choice: Choice, seen: Reconstruction, posterior: PosteriorMap) -> None:
    guess, best = _tried(choice, seen), _tried(choice, seen, BEST)
    peak = inference.tried(choice.model, seen, posterior.peak, choice.beta)
    near = window_of_both(posterior, seen)
    for column, window, name in zip(
        st.columns(2, gap="medium"), (WHOLE_PLANE, near), ("whole", "near"), strict=True
    ):
        drawn = remembered.map_atlas(choice.model, choice.beta, window)
        view = atlas.view(
            drawn,
            choice.model,
            window,
            seen,
            posterior=posterior,
            pin=inference.pinned(text, _within(guess, window)),
            pinned=guess is not None,
            legend=inference.posterior_legend(text),
            alt=inference.posterior_alt(text, posterior, seen),
            text={"live": text("map.live"), "pinned": text("map.pinned")},
        )
        with column:
            st.markdown(text(f"step3.map_{name}"))
            latent_map.show(drawn, view, key=f"{name}_map", on_pin=state.set_pin)
    st.markdown(inference.posterior_said(text, posterior))
    st.caption(inference.compared(text, peak, best, posterior))


def _within(guess: Guess | None, window: Window) -> Guess | None:
    return guess if guess and window.covers(guess.point) else None


def _picture(caption: str, image: np.ndarray, alt: str) -> None:
    st.caption(caption)
    st.image(pictures.photo_uri(pictures.to_uint8(image), SHARP), width="stretch", alt=alt)


main()
