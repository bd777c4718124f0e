"""Step 4: variational inference.

A Gaussian moved by hand and by its gradient until it is p(z|x), or as near as it gets.
"""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui.lesson import frame
from ui.lesson.step4_variational import cache, view
from ui.service.cache import map_atlas, posterior_map
from ui.text import Text
from ui.view import latent_sentences, map_tiles, pictures, sentences
from ui.view.source_picture import SourcePicture
from ui.widgets import chart, concurrency, latent_map, link, picture_input
from ui.widgets.sidebar import ReferenceSelection
from vae import experiments
from vae.experiments import WHOLE_PLANE, PosteriorMap, Reconstruction
from vae.experiments.lesson.inference import window_about, window_of_both
from vae.experiments.lesson.variational import LOG_DEVIATION, START, Gaussian

Q = "q"  # slot of the pin in the link that is the Gaussian's mean
WIDTHS = ("logsigma1", "logsigma2")
ALLOWED = link.number(*LOG_DEVIATION)
NEAR = 4.0  # times the size of p(z|x)
PICTURE = 132  # pixels on the screen
MANY = 10  # steps
FORMULA = r"""\begin{aligned}
\log p(x) &= \mathrm{ELBO}(\phi) + \mathrm{KL}_\phi \\
\mathrm{KL}_\phi &= \mathrm{KL}(q_\phi \,\|\, p(z \mid x)) \\[1ex]
\arg\max_\phi \mathrm{ELBO}(\phi) &= \arg\min_\phi \mathrm{KL}_\phi
\end{aligned}"""


def main() -> None:
    text, choice = frame.begin("step4", "mnist-2d", "one_shot", beta=1.0)
    with frame.experiment(text("step4.do_move"), text("step4.do_move_help")):
        given = picture_input.row(text, choice.model)
        seen, posterior = _posterior(text, choice, given)
        _hand(text, choice, seen, posterior)
    _revealed(text, choice, seen, posterior)
    frame.foot(text, "step4")


def _posterior(
    text: Text, choice: ReferenceSelection, given: SourcePicture
) -> tuple[Reconstruction, PosteriorMap]:
    seen = experiments.reconstruct(
        choice.model.network, given.image, choice.beta, seed=choice.seed, use_mean=True
    )
    with concurrency.spinner(text("map.counting")):
        return seen, posterior_map(choice.model, seen.observed, choice.beta, False)


@concurrency.fragment
def _hand(
    text: Text, choice: ReferenceSelection, seen: Reconstruction, posterior: PosteriorMap
) -> None:
    with st.container(key="hand_board"):
        left, right = st.columns([2.2, 1], gap="medium")
    with right:
        st.caption(text("picture.seen"))
        st.image(
            pictures.picture_uri(seen.observed),
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
            with concurrency.released_slot():
                _ascend(text, choice, seen, tried, steps, place)
        for label, key, usual in zip(
            (text("step4.width_across"), text("step4.width_down")), WIDTHS, START[1], strict=True
        ):
            _width(label, key, usual)
        q = _measured(choice, seen)
        if not tried or tried[-1] != q:
            tried.append(q)
        del tried[: -view.MOST_ATTEMPTS]
        st.markdown(view.elbo_summary(text, q, posterior.log_evidence))
        st.caption(view.position_text(text, q))
    with left:
        _map(text, choice, q, tried, posterior)
    chart.show(
        view.bars(text, q, posterior.log_evidence),
        key="bars",
        alt=view.bars_alt(text, q, posterior.log_evidence),
    )
    chart.show(
        view.tries_figure(text, tried, posterior.log_evidence),
        key="tries",
        alt=view.tries_alt(text, tried, posterior.log_evidence),
    )


def _width(label: str, key: str, usual: float) -> None:
    link.linked_widget(
        st.slider, label, *LOG_DEVIATION, key=key, default=usual, accept=ALLOWED, step=0.01
    )


def _tried(seen: Reconstruction, again: bool) -> list[Gaussian]:
    """The Gaussians tried for this picture, kept in the session: no link could hold them.

    again: start anew.
    """
    of, tried = st.session_state.get("tried", (b"", []))
    now = seen.observed.tobytes()
    if again:
        _set(*START)
    if again or of != now:
        of, tried = now, []
        st.session_state["tried"] = of, tried
    return tried


def _ascend(
    text: Text,
    choice: ReferenceSelection,
    seen: Reconstruction,
    tried: list[Gaussian],
    steps: int,
    place: DeltaGenerator,
) -> None:
    found = cache.gradient_ascent(
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
    link.set_pin(None if mean == START[0] else mean, Q)
    for key, value in zip(WIDTHS, log_deviation, strict=True):
        link.put(key, value)


def _measured(choice: ReferenceSelection, seen: Reconstruction) -> Gaussian:
    """The Gaussian that the link describes, with its ELBO."""
    across, up = (
        link.value_of(key, usual, ALLOWED) for key, usual in zip(WIDTHS, START[1], strict=True)
    )
    mean = link.pin(Q) or START[0]
    return cache.gaussian(choice.model, seen.observed, choice.beta, mean, (across, up))


def _map(
    text: Text,
    choice: ReferenceSelection,
    q: Gaussian,
    tried: list[Gaussian],
    posterior: PosteriorMap,
) -> None:
    shown = link.choice(
        st.segmented_control,
        text("map.window"),
        ("whole", "near"),
        key="part",
        default="whole",
        required=True,
        format_func=lambda part: text(f"step4.part_{part}"),
        label_visibility="collapsed",
    )
    window = window_about(posterior, room=NEAR) if shown == "near" else WHOLE_PLANE
    drawn = map_atlas(choice.model, choice.beta, window)
    image = experiments.decode_point(choice.model.network, q.mean, choice.beta)
    alt = latent_sentences.pinned_alt(text, choice.model, float(image.mean()), *q.mean)
    map_view = map_tiles.view(
        drawn,
        choice.model,
        window,
        None,
        codes=False,
        posterior=posterior,
        pinned=True,
        pin=view.pinned(q, image, alt) if window.covers(q.mean) else None,
        ellipses=[view.ellipse(q)],
        trail=view.trail(tried),
        legend=view.hand_legend(text),
        text={"live": text("map.live"), "pinned": text("step4.at_mean")},
        alt=view.hand_alt(text, q, posterior),
    )
    latent_map.show(drawn, map_view, key="hand_map", on_pin=lambda point: link.set_pin(point, Q))
    st.caption(text("step4.use"))
    if not window.covers(q.mean):
        st.caption(text("step4.outside"))


def _revealed(
    text: Text, choice: ReferenceSelection, seen: Reconstruction, posterior: PosteriorMap
) -> None:
    if not frame.reveal(text, "step4", "one_shot", right="b"):
        return
    place = st.empty()
    with concurrency.released_slot():
        found = cache.amortisation(
            choice.model,
            seen.observed,
            choice.beta,
            posterior,
            lambda share: place.progress(share, text("step4.searching")),
        )
    place.empty()
    with frame.experiment(text("step4.encoder_heading"), text("step4.encoder_help")):
        left, right = st.columns([1.2, 1], gap="medium")
        with left:
            window = window_of_both(posterior, seen)
            drawn = map_atlas(choice.model, choice.beta, window)
            map_view = map_tiles.view(
                drawn,
                choice.model,
                window,
                seen,
                codes=False,
                posterior=posterior,
                pin=None,
                pinned=False,
                ellipses=[view.ellipse(found.best, view.BEST)],
                legend=view.encoder_legend(text),
                text={"live": text("map.live"), "pinned": text("map.pinned")},
                alt=view.encoder_alt(text, found),
            )
            latent_map.show(
                drawn, map_view, key="encoder_map", on_pin=lambda point: link.set_pin(point, Q)
            )
        with right:
            st.markdown(view.table(text, _measured(choice, seen), found))
            chart.show(
                view.gaps(text, found),
                key="gaps",
                alt=view.gaps_alt(text, found),
            )
            st.markdown(view.amortisation(text, found))
    frame.explanation(text, text("step4.why", **view.gap_values(found)), FORMULA)
    frame.check(text, "moved_evidence", right="b")
    frame.article(text, text("step4.article"))


if __name__ == "__main__":
    main()
