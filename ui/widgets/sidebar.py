"""The side bar: model, beta, seed, noise, language; every page depends on them."""

from dataclasses import dataclass, replace
from typing import Self

import streamlit as st

from ui.service.selection import Selection
from ui.service.validation import DEFAULT_SEED, LARGEST_SEED
from ui.text import LANGUAGES, Text
from ui.view import sentences
from ui.widgets import concurrency, link, share
from vae.hub import sources
from vae.hub.folder import WeightsError
from vae.hub.metrics import BetaMetrics


@dataclass(frozen=True)
class SidebarSelection(Selection):
    """The selection in the side bar: model, beta, seed and noise."""

    seed: int
    use_mean: bool


@dataclass(frozen=True)
class ReferenceSelection(SidebarSelection):
    """A selection whose model has reference pictures."""

    model: sources.WithReference

    def moved(self, beta: float) -> Self:
        """The selection at another beta: in a fragment, what the slider on the page says."""
        return replace(self, beta_metrics=self.model.metrics.at(beta))


def show(
    text: Text,
    *,
    only: str | None = None,
    beta: float | None = None,
    beta_note: str | None = None,
    noise: bool = True,
    beta_on_page: bool = False,
) -> SidebarSelection:
    """Draw the side bar and return its selection.

    Stops the page with a sentence where the model cannot be used. only, beta: the page's one model
    and beta. beta_note: shown in place of beta where the page uses several. noise: whether the page
    depends on z, drawn or the mean. beta_on_page: whether the page itself draws the slider.
    """
    with st.sidebar:
        st.title(text("app.title"), anchor=False)
        name = only or _model(text)
        if only or link.is_hidden("model"):
            st.caption(f"{text('sidebar.model')}: {sentences.title(text, name)}")
        controls, foot = st.container(), st.container()
        with foot:
            share.button(text)
            _language(text)
        model = resolve(text, name)
        with controls:
            now = _beta(text, model, beta, beta_note, beta_on_page)
            seed = _seed(text)
            kind = (
                "mean"
                if model.network.config.autoencoder or not noise
                else link.choice(
                    st.segmented_control,
                    text("sidebar.noise"),
                    ("draw", "mean"),
                    key="noise",
                    default="draw",
                    required=True,
                    format_func=lambda kind: text(f"sidebar.noise_{kind}"),
                    help=text("sidebar.noise_help"),
                )
            )
            st.caption(
                sentences.source(text, model), help=sentences.public_reason(model.reason) or None
            )
            if text.has(f"credit.{name}"):
                st.caption(text(f"credit.{name}"))
    return SidebarSelection(model, now, seed, kind == "mean")


def language_bar(text: Text) -> None:
    """Draw the side bar of a page without a model: the language alone."""
    with st.sidebar:
        st.title(text("app.title"), anchor=False)
        share.button(text)
        _language(text)


def _model(text: Text) -> str:
    names = sources.names()
    return (
        link.choice(
            st.selectbox,
            text("sidebar.model"),
            names,
            key="model",
            default="mnist",
            format_func=lambda name: sentences.title(text, name),
        )
        if names
        else ""
    )


def resolve(text: Text, name: str) -> sources.Resolved:
    """A loaded model; stops the page with a sentence where it cannot be used."""
    try:
        if sources.is_loaded(name):  # a spinner would start a thread at every move of beta
            return sources.resolve(name)
        with concurrency.spinner(text("sidebar.loading")):
            return sources.resolve(name)
    except WeightsError as error:
        st.error(
            text("problems.weights", reason=sentences.public_reason(str(error))),
            icon=":material/error:",
        )
        st.stop()


def with_reference(
    text: Text, model: sources.Resolved, problem: str = "lesson.no_reference"
) -> sources.WithReference:
    """A loaded model with its reference pictures.

    Stops the page with a sentence where the model's folder lacks them. problem: the sentence's key.
    """
    if model.reference is None:
        st.error(text(problem, file=f"weights/{model.name}/reference.npz"), icon=":material/error:")
        st.stop()
    return sources.WithReference(**vars(model))


def select_with_reference(
    text: Text, choice: SidebarSelection, problem: str = "lesson.no_reference"
) -> ReferenceSelection:
    """The selection with its model's reference pictures; stops the page as `with_reference`."""
    model = with_reference(text, choice.model, problem)
    return ReferenceSelection(model, choice.beta_metrics, choice.seed, choice.use_mean)


def _beta(
    text: Text, model: sources.Resolved, fixed: float | None, note: str | None, on_page: bool
) -> BetaMetrics:
    if fixed is not None:
        st.caption(note or text("sidebar.fixed_beta", beta=fixed))
        return model.metrics.at(fixed)
    stops = tuple(entry.beta for entry in model.metrics.betas)
    if model.network.config.autoencoder:
        st.caption(text("sidebar.no_beta"))
        return model.metrics.betas[0]
    if len(stops) == 1:  # a network for one beta has nothing to slide
        st.caption(f"{text('sidebar.beta')} {stops[0]:g}")
        return model.metrics.betas[0]
    if on_page and not link.is_hidden("beta"):
        return model.metrics.at(
            link.value_of("beta", model.metrics.at(1.0).beta, link.nearest(stops))
        )
    beta = link.stop(
        st.select_slider,
        text("sidebar.beta"),
        stops,
        key="beta",
        default=model.metrics.at(1.0).beta,
        format_func=lambda stop: f"{stop:g}",
        help=text("sidebar.beta_help"),
    )
    if link.is_hidden("beta"):
        st.caption(f"{text('sidebar.beta')} {beta:g}")
    else:
        st.caption(text("sidebar.beta_ends", low=f"{stops[0]:g}", high=f"{stops[-1]:g}"))
    return model.metrics.at(beta)


def _seed(text: Text) -> int:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seed = link.quantity(
            st.number_input,
            text("sidebar.seed"),
            0,
            LARGEST_SEED,
            key="seed",
            default=DEFAULT_SEED,
            help=text("sidebar.seed_help"),
        )
        if link.is_hidden("seed"):
            st.caption(f"{text('sidebar.seed')} {seed}")
        else:
            st.button(text("sidebar.new_seed"), on_click=link.new_seed, key="new_seed")
    return seed


def _language(text: Text) -> None:
    if link.is_hidden("language"):
        return
    st.segmented_control(
        text("sidebar.language"),
        list(LANGUAGES),
        format_func=lambda code: LANGUAGES[code],
        required=True,
        key="language",
        label_visibility="collapsed",
        on_change=link.keep_choices,
    )
