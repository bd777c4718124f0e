"""The playground: one picture, one beta, and everything that answers to them."""

import numpy as np
import streamlit as st
import torch
from streamlit.delta_generator import DeltaGenerator

from ui import figures, picture_input, pictures, sidebar, state
from ui.picture_input import Given
from ui.pictures import SHARP, THUMBNAIL
from ui.sidebar import Choice
from ui.text import Text
from vae import experiments, hub
from vae.experiments import Breakdown, Reconstruction, TradeOff
from vae.metrics import Metrics, regret

STATIC = {"displayModeBar": False}
GALLERY_COUNTS = (8, 16, 32, 64)


def main() -> None:
    text = state.current_text()
    choice = sidebar.show(text)
    with st.container(border=True, gap="xsmall", key="your_picture"):
        row, below = st.container(horizontal=True, key="source_row"), st.container()
        with row:
            st.subheader(text("picture.heading"), anchor=False, width="content")
            given = picture_input.choose(text, choice.model, below)
        image = given.view.image
        seen = experiments.reconstruct(
            choice.model.model, image, choice.beta, seed=choice.seed, draw=state.eps_number(), use_mean=choice.use_mean,
        )
        _picture(text, choice, given, seen)
        own = _trade_off(choice.model.name, image.numpy(), choice.seed)
        loss = experiments.breakdown(own, choice.now)
        _loss(text, choice, own, loss)
    left, right = st.columns(2, border=not choice.autoencoder)
    with left, st.container(gap="medium" if choice.autoencoder else "xsmall", border=choice.autoencoder):
        if choice.autoencoder:
            st.subheader(text("plane.heading"), anchor=False)
            st.write(text("plane.no_point"))
        else:
            _plane(text, choice, own, loss)
    with right, st.container(gap="xsmall", border=choice.autoencoder):
        _gallery(text, choice)
    if text.has(f"use.{choice.model.name}"):
        st.caption(text(f"use.{choice.model.name}"))


@st.cache_data(max_entries=512, show_spinner=False)
def _trade_off(name: str, image: np.ndarray, seed: int) -> TradeOff:
    resolved = hub.resolve(name)
    betas = tuple(entry.beta for entry in resolved.metrics.betas)
    return experiments.trade_off(resolved.model, torch.from_numpy(image), betas, seed=seed)


def _picture(text: Text, choice: Choice, given: Given, seen: Reconstruction) -> None:
    """File → what the model sees → q(z|x) → reconstruction → difference."""
    before, code, after = st.columns([1.7, 2.6, 1.7])
    observed = pictures.to_uint8(seen.observed)
    stuff = text(f"stuff.{choice.model.model.config.preprocess}")
    with before:
        left, right = st.columns(2, wrap=False)
        height, width = given.view.steps[0].image.shape[:2]
        _labelled(left, "file", text("picture.file"), given.file, text("alt.file", width=width, height=height))
        height, width = observed.shape[:2]
        _labelled(right, "seen", text("picture.seen"), pictures.photo_uri(observed, SHARP),
                  text("alt.seen", width=width, height=height, share=seen.ink_seen, stuff=stuff))
        binarised = {"binarised": pictures.photo_uri(observed, THUMBNAIL)} if choice.model.model.config.binarised else {}
        _steps(text, given.thumbnails | binarised)
    with code, st.container(gap="xsmall"):
        st.caption(text("picture.point_code") if choice.autoencoder else text("picture.code"))
        order = choice.model.metrics.at(1.0).dimensions_by_rate
        st.plotly_chart(
            figures.posterior(text, seen, order), config=STATIC, key="code",
            alt=_code_alt(text, choice, seen),
        )
    with after:
        reconstruction, difference = st.columns(2, wrap=False)
        _labelled(reconstruction, "reconstruction", text("picture.reconstruction"),
                  pictures.photo_uri(pictures.to_uint8(seen.mean), SHARP),
                  text("alt.point_reconstruction", share=seen.ink_expected, stuff=stuff) if choice.autoencoder
                  else text("alt.reconstruction", beta=f"{choice.beta:g}", share=seen.ink_expected, stuff=stuff))
        _labelled(difference, "difference", text("picture.difference"),
                  pictures.photo_uri(pictures.difference(seen.difference), SHARP),
                  text("alt.difference", lost=seen.lost, added=seen.added, stuff=stuff))
        with st.container(horizontal=True, vertical_alignment="center"):
            if not choice.autoencoder:
                st.button(text("picture.new_eps"), icon=":material/casino:", on_click=state.next_eps, disabled=choice.use_mean,
                          help=text("picture.new_eps_help"), key="new_eps")
            st.caption(text("picture.difference_key", stuff=stuff), width="content")


def _code_alt(text: Text, choice: Choice, seen: Reconstruction) -> str:
    if choice.autoencoder:
        return text("alt.point_code", code=", ".join(f"{value:.2f}" for value in seen.z))
    return text("alt.code", beta=f"{choice.beta:g}", active=seen.active_units, dimensions=len(seen.z), rate=seen.rate)


def _labelled(place: DeltaGenerator, key: str, label: str, uri: str, alt: str) -> None:
    with place, st.container(key=key, gap="xsmall"):
        st.caption(label)
        st.image(uri, width="stretch", alt=alt)


def _steps(text: Text, steps: dict[str, str]) -> None:
    with st.container(horizontal=True, gap="xsmall", key="steps"):
        for number, (step, uri) in enumerate(steps.items(), start=1):
            name = text(f"steps.{step}")
            st.image(uri, caption=name, width=40, alt=text("alt.step", number=number, name=name))


def _loss(text: Text, choice: Choice, own: TradeOff, loss: Breakdown) -> None:
    values = {"distortion": loss.distortion, "average_distortion": loss.average_distortion}
    count = f"{choice.model.metrics.test_count:,}"
    if choice.autoencoder:
        alt, numbers = text("alt.point_loss", **values), text("breakdown.point", **values)
        explanation = text("breakdown.point_help", count=count)
    else:
        alt = text("alt.breakdown", rate=loss.rate, average_rate=loss.average_rate, **values)
        numbers = text("breakdown.sum", distortion=loss.distortion, rate=loss.rate, total=loss.negative_elbo,
                       average=loss.average_negative_elbo)
        explanation = text("breakdown.help", draws=own.draws, count=count)
    st.plotly_chart(figures.loss_bars(text, loss), config=STATIC, key="loss", alt=alt)
    with st.container(horizontal=True, vertical_alignment="center", key="numbers"):
        st.markdown(numbers, help=explanation, width="content")
        if not choice.model.model.config.binarised:
            st.markdown(text("breakdown.bits", bits=loss.bits_per_dimension, average=loss.average_bits_per_dimension),
                        help=text("breakdown.bits_help", count=loss.pixel_values), width="content")
        st.caption(_verdict(text, loss), width="content")


def _verdict(text: Text, loss: Breakdown) -> str:
    name = text("breakdown.objective", beta=f"{loss.beta:g}") if loss.beta else text("breakdown.only_distortion")
    values = {"name": name, "objective": loss.objective}
    if loss.easier_than >= 1:
        return text("breakdown.easier_than_all", **values)
    if loss.easier_than <= 0:
        return text("breakdown.harder_than_all", **values)
    if loss.easier_than >= 0.5:
        return text("breakdown.easier", percent=loss.percent_harder, **values)
    return text("breakdown.harder", percent=loss.percent_easier, **values)


def _plane(text: Text, choice: Choice, own: TradeOff, loss: Breakdown) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(text("plane.heading"), anchor=False, help=text("plane.help"), width="content")
        st.caption(text("plane.click"), width="content")
    metrics = choice.model.metrics
    first, last = metrics.betas[0], metrics.betas[-1]
    # A new key after each click forgets the selection, or the same point could not be clicked twice.
    key = f"plane-{st.session_state.get('plane_clicks', 0)}"
    st.plotly_chart(
        figures.plane(text, metrics, choice.model.dedicated, own, loss), config=STATIC, key=key, selection_mode="points",
        on_select=lambda: _go_to_clicked(key, metrics),
        alt=text("alt.plane", high_rate=first.rate, low_distortion=first.distortion, low_rate=last.rate,
                 high_distortion=last.distortion, beta=f"{loss.beta:g}", rate=loss.average_rate,
                 distortion=loss.average_distortion, own_rate=loss.rate, own_distortion=loss.distortion),
    )
    _regret(text, choice)


def _regret(text: Text, choice: Choice) -> None:
    """What one network for every beta costs, where networks for single betas were trained."""
    metrics, dedicated = choice.model.metrics, choice.model.dedicated
    if dedicated:
        differences = ", ".join(f"{regret(metrics, network):+,.2f} ({network.beta:g})" for network in dedicated)
        st.caption(text("plane.regret", differences=differences),
                   help=text("plane.regret_help", examples=f"{dedicated[0].examples:,}"))


def _go_to_clicked(key: str, metrics: Metrics) -> None:
    points = st.session_state[key]["selection"]["points"]
    if points:
        beta = points[0]["customdata"]
        st.session_state["beta"] = metrics.at(beta[0] if isinstance(beta, list) else beta).beta
        st.session_state["plane_clicks"] = st.session_state.get("plane_clicks", 0) + 1


@st.fragment
def _gallery(text: Text, choice: Choice) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.subheader(text("gallery.point_heading") if choice.autoencoder else text("gallery.heading"), anchor=False,
                     width="content")
        download = st.empty()
    shown = st.empty()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        count = state.linked(
            st.segmented_control, text("gallery.count"), GALLERY_COUNTS, key="count", default=32,
            accept=state.one_of(GALLERY_COUNTS), required=True,
        )
        pixels = state.linked(
            st.segmented_control, text("gallery.pixels"), ("mean", "draw"), key="pixels", default="mean",
            accept=state.one_of(("mean", "draw")), required=True,
            format_func=lambda kind: text(f"gallery.pixels_{kind}"), help=text("gallery.pixels_help"),
        )
        temperature = state.linked(
            st.slider, text("gallery.temperature"), 0.0, 1.5, step=0.1, key="temperature", default=1.0,
            accept=state.number(0.0, 1.5), width=104,
            help=text("gallery.point_temperature_help") if choice.autoencoder else text("gallery.temperature_help"),
        )
    drawn = experiments.gallery(choice.model.model, choice.beta, count=count, seed=choice.seed, temperature=temperature,
                                draw_pixels=pixels == "draw")
    sheet = pictures.grid(drawn.images, columns=16 if count > 32 else 8)
    settings = {"count": count, "temperature": temperature, "seed": choice.seed}
    alt = (text("alt.point_gallery", **settings) if choice.autoencoder
           else text("alt.gallery", beta=f"{choice.beta:g}", **settings))
    content = pictures.png(sheet, SHARP)
    shown.image(pictures.uri("png", content), width="stretch", alt=alt)
    if choice.autoencoder:
        st.caption(text("gallery.no_prior", temperature=temperature))
    elif temperature != 1.0:
        st.caption(text("gallery.not_prior", temperature=temperature))
    download.download_button(
        text("gallery.download"), content, icon=":material/download:", mime="image/png",
        file_name=f"{choice.model.name}{'' if choice.autoencoder else f'-beta-{choice.beta:g}'}-seed-{choice.seed}.png",
        on_click="ignore", key="download",
    )


main()
