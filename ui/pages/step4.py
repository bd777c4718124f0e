"""Step 4: variational inference. A Gaussian moved by hand and by its gradient until it is p(z|x),
or as near as it gets."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui import (
    atlas,
    inside_sentences,
    latent_map,
    pictures,
    remembered,
    sentences,
    sidebar,
    state,
    turns,
)
from ui.given import Given
from ui.lesson import frame, variational
from ui.lesson import remembered as lesson
from ui.pictures import SHARP
from ui.sidebar import Choice
from ui.text import Text
from vae import experiments
from vae.experiments import WHOLE_PLANE, PosteriorMap, Reconstruction
from vae.experiments.inference import window_about, window_of_both
from vae.experiments.variational import LOG_DEVIATION, START, Gaussian

STATIC = {"displayModeBar": False}
Q = "q"  # of the point in the link that is the Gaussian's mean
WIDTHS = ("logsigma1", "logsigma2")
ALLOWED = state.number(*LOG_DEVIATION)
NEAR = 4.0  # times the size of p(z|x)
PICTURE = 132  # pixels on the screen
MANY = 10  # steps
FORMULA = r"""\begin{aligned}
\log p(x) &= \mathrm{ELBO}(\phi) + \mathrm{KL}_\phi \\
\mathrm{KL}_\phi &= \mathrm{KL}(q_\phi \,\|\, p(z \mid x)) \\[1ex]
\arg\max_\phi \mathrm{ELBO}(\phi) &= \arg\min_\phi \mathrm{KL}_\phi
\end{aligned}"""


def main() -> None:
    text = state.current_text()
    choice = sidebar.show(text, only="mnist-2d", beta=1.0, noise=False)
    frame.head(text, "step4", text("step4.idea"))
    frame.needs_reference(text, choice.model)
    frame.predict(text, "one_shot")
    with frame.experiment(text("step4.do_move"), text("step4.do_move_help")):
        given = frame.picture(text, choice.model)
        seen, posterior = _posterior(text, choice, given)
        _hand(text, choice, seen, posterior)
    _revealed(text, choice, seen, posterior)
    frame.foot(text, "step4")


def _posterior(text: Text, choice: Choice, given: Given) -> tuple[Reconstruction, PosteriorMap]:
    seen = experiments.reconstruct(
        choice.model.model, given.view.image, choice.beta, seed=choice.seed, use_mean=True
    )
    with st.spinner(text("map.counting")), turns.aside():
        return seen, remembered.posterior_map(choice.model, seen.observed, choice.beta, False)


@turns.fragment
def _hand(text: Text, choice: Choice, seen: Reconstruction, posterior: PosteriorMap) -> None:
    with st.container(key="hand_board"):
        left, right = st.columns([2.2, 1], gap="medium")
    with right:
        st.caption(text("picture.seen"))
        st.image(
            pictures.photo_uri(pictures.to_uint8(seen.observed), SHARP),
            width=PICTURE,
            alt=sentences.seen_alt(text, choice.model, seen),
        )
        with st.container(horizontal=True, gap="xsmall"):
            steps = (
                st.button(text("step4.one_step"), key="one_step", help=text("step4.step_help")) * 1
            )
            steps += st.button(text("step4.many_steps", steps=MANY), key="many_steps") * MANY
            again = st.button(text("step4.again"), key="again", icon=":material/restart_alt:")
        place = st.empty()
        tried = _tried(seen, again)
        if steps:
            with turns.aside():
                _climb(text, choice, seen, tried, steps, place)
        for label, key, usual in zip(
            (text("step4.width_across"), text("step4.width_down")), WIDTHS, START[1], strict=True
        ):
            _width(label, key, usual)
        q = _measured(choice, seen)
        if not tried or tried[-1] != q:
            tried.append(q)
        del tried[: -variational.MOST_TRIED]
        st.markdown(variational.now(text, q, posterior.log_evidence))
        st.caption(variational.where(text, q))
    with left:
        _map(text, choice, q, tried, posterior)
    st.plotly_chart(
        variational.bars(text, q, posterior.log_evidence),
        config=STATIC,
        key="bars",
        alt=variational.bars_alt(text, q, posterior.log_evidence),
    )
    st.plotly_chart(
        variational.tries_figure(text, tried, posterior.log_evidence),
        config=STATIC,
        key="tries",
        alt=variational.tries_alt(text, tried, posterior.log_evidence),
    )


def _width(label: str, key: str, usual: float) -> None:
    state.linked(
        st.slider, label, *LOG_DEVIATION, key=key, default=usual, accept=ALLOWED, step=0.01
    )


def _tried(seen: Reconstruction, again: bool) -> list[Gaussian]:
    """The Gaussians that were tried for this picture; with `again`, from the start: no link could
    hold them."""
    of, tried = st.session_state.get("tried", (b"", []))
    now = seen.observed.tobytes()
    if again:
        _set(*START)
    if again or of != now:
        of, tried = now, []
        st.session_state["tried"] = of, tried
    return tried


def _climb(
    text: Text,
    choice: Choice,
    seen: Reconstruction,
    tried: list[Gaussian],
    steps: int,
    place: DeltaGenerator,
) -> None:
    found = lesson.climb(
        choice.model,
        seen.observed,
        choice.beta,
        _measured(choice, seen),
        steps,
        lambda share: place.progress(share, text("step4.climbing")),
    )
    place.empty()
    if found:
        tried.extend(found)
        _set(found[-1].mean, found[-1].log_deviation)
    else:
        place.caption(text("step4.on_top"))


def _set(mean: tuple[float, float], log_deviation: tuple[float, float]) -> None:
    state.set_pin(None if mean == START[0] else mean, Q)
    for key, value in zip(WIDTHS, log_deviation, strict=True):
        state.put(key, value)


def _measured(choice: Choice, seen: Reconstruction) -> Gaussian:
    """The Gaussian that the link describes."""
    widths = tuple(
        state.value_of(key, usual, ALLOWED) for key, usual in zip(WIDTHS, START[1], strict=True)
    )
    return lesson.gaussian(
        choice.model, seen.observed, choice.beta, state.pin(Q) or START[0], widths
    )


def _map(
    text: Text, choice: Choice, q: Gaussian, tried: list[Gaussian], posterior: PosteriorMap
) -> None:
    shown = state.linked(
        st.segmented_control,
        text("map.window"),
        ("whole", "near"),
        key="part",
        default="whole",
        accept=state.one_of(("whole", "near")),
        required=True,
        format_func=lambda part: text(f"step4.part_{part}"),
        label_visibility="collapsed",
    )
    window = window_about(posterior, room=NEAR) if shown == "near" else WHOLE_PLANE
    drawn = remembered.map_atlas(choice.model, choice.beta, window)
    image = experiments.decode_point(choice.model.model, q.mean, choice.beta)
    alt = inside_sentences.pinned_alt(text, choice.model, float(image.mean()), *q.mean)
    view = atlas.view(
        drawn,
        choice.model,
        window,
        None,
        codes=False,
        posterior=posterior,
        pinned=True,
        pin=variational.pinned(q, image, alt) if window.covers(q.mean) else None,
        ellipses=[variational.ellipse(q)],
        trail=variational.trail(tried),
        legend=variational.hand_legend(text),
        text={"live": text("map.live"), "pinned": text("step4.at_mean")},
        alt=variational.hand_alt(text, q, posterior),
    )
    latent_map.show(drawn, view, key="hand_map", on_pin=lambda point: state.set_pin(point, Q))
    st.caption(text("step4.use"))
    if not window.covers(q.mean):
        st.caption(text("step4.outside"))


def _revealed(text: Text, choice: Choice, seen: Reconstruction, posterior: PosteriorMap) -> None:
    if not frame.reveal(text, "step4", "one_shot", right="b"):
        return
    place = st.empty()
    with turns.aside():
        found = lesson.amortisation(
            choice.model,
            seen.observed,
            choice.beta,
            lambda share: place.progress(share, text("step4.searching")),
        )
    place.empty()
    with frame.experiment(text("step4.encoder_heading"), text("step4.encoder_help")):
        left, right = st.columns([1.2, 1], gap="medium")
        with left:
            window = window_of_both(posterior, seen)
            drawn = remembered.map_atlas(choice.model, choice.beta, window)
            view = atlas.view(
                drawn,
                choice.model,
                window,
                seen,
                codes=False,
                posterior=posterior,
                pin=None,
                pinned=False,
                ellipses=[variational.ellipse(found.best, variational.BEST)],
                legend=variational.encoder_legend(text),
                text={"live": text("map.live"), "pinned": text("map.pinned")},
                alt=variational.encoder_alt(text, found),
            )
            latent_map.show(
                drawn, view, key="encoder_map", on_pin=lambda point: state.set_pin(point, Q)
            )
        with right:
            st.markdown(variational.table(text, _measured(choice, seen), found))
            st.plotly_chart(
                variational.gaps(text, found),
                config=STATIC,
                key="gaps",
                alt=variational.gaps_alt(text, found),
            )
            st.markdown(variational.amortisation(text, found))
    frame.why(text, text("step4.why", **variational.gap_values(found)), FORMULA)
    frame.check(text, "moved_evidence", right="b")
    frame.article(text, text("step4.article"))


main()
