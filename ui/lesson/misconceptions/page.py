"""What people get wrong: twelve questions with feedback, each beside a short experiment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import streamlit as st

from ui.lesson import frame, progress
from ui.lesson.misconceptions import cache, figures, sentences
from ui.lesson.misconceptions.cache import BETA
from ui.text import Text
from ui.view import pictures
from ui.view.sentences import public_reason
from ui.view.source_picture import SourcePicture
from ui.widgets import chart, concurrency, link, picture_input, sidebar
from ui.widgets.sidebar import ReferenceSelection
from vae import experiments
from vae.experiments.lesson import beta_conventions, decoders, misconceptions
from vae.hub import sources
from vae.hub.folder import WeightsError

PLANE, DIGITS, PLAIN = "mnist-2d", "mnist", "mnist-2d-autoencoder"
COLLAPSING = (0.01, 0.1, 1.0, 10.0, 50.0)
TRAVERSED = (1.0, 10.0)
BLUR_BETAS = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 16.0, 50.0)
SEVERAL_BETAS = ("log", "zero", "blur", "sum", "axes")
MOST_VALUES, MOST_DIMENSIONS = 10_000_000, 100_000


@dataclass(frozen=True)
class Entry:
    """A question: its model, its right answer, its experiment, and the formula of its explanation.

    experiment: draws the experiment, and returns the numbers of the question and its feedback.
    """

    model: str
    right: str
    experiment: Callable[[Text, ReferenceSelection], Mapping[str, object]]
    formula: str | None = None


def main() -> None:
    text = link.current_text()
    frame.head(text, "misconceptions", text("wrong.idea"))
    topic = link.choice(
        st.pills,
        text("wrong.topic"),
        tuple(ENTRIES),
        key="topic",
        default="kl",
        required=True,
        wrap=True,
        label_visibility="collapsed",
        format_func=lambda topic: text(f"wrong.topic_{topic}"),
    )
    marks = st.empty()
    entry = ENTRIES[topic]
    note = text("wrong.several") if topic in SEVERAL_BETAS else None
    choice = sidebar.show(text, only=entry.model, beta=BETA, beta_note=note, noise=False)
    choice = sidebar.select_with_reference(text, choice)
    left, right = st.columns([1, 1.3], gap="medium")
    try:
        with right, frame.experiment(text(f"wrong.{topic}_do")):
            values = entry.experiment(text, choice)
    except WeightsError as error:  # one question also needs the plain autoencoder
        st.error(
            text("problems.weights", reason=public_reason(str(error))),
            icon=":material/error:",
        )
        return
    with left:
        answered = frame.check(text, f"wrong_{topic}", right=entry.right, **values)
        if topic == "sum":
            with st.container(border=True, gap="xsmall"):
                st.markdown(sentences.known_traps(text))
    if answered:
        frame.explanation(text, text(f"wrong.{topic}_why"), entry.formula)
    marks.caption(sentences.answer_summary(text, tuple(ENTRIES), progress.answers()))
    following = sentences.next_topic(tuple(ENTRIES), topic)
    if following:
        st.button(
            text("wrong.next"),
            icon=":material/arrow_forward:",
            on_click=_go,
            args=(following,),
            key="next_topic",
        )
    frame.foot(text, "misconceptions")


def _go(topic: str) -> None:
    st.session_state["topic"] = topic


def _picture(text: Text, choice: ReferenceSelection) -> SourcePicture:
    below = st.container()
    return picture_input.choose(text, choice.model, below)


def _chart(drawing: figures.Drawing, alt: str, key: str) -> None:
    chart.show(drawing, key=f"wrong_{key}", alt=alt)


def _kl(text: Text, choice: ReferenceSelection) -> Mapping[str, object]:
    given = _picture(text, choice)
    observed = experiments.observation(choice.model.network, given.image, seed=choice.seed)
    with concurrency.spinner(text("wrong.computing")):
        found = cache.which_kl(choice.model, observed)
    _chart(figures.divergences(text, found), sentences.kl_alt(text, found), "kl")
    st.markdown(text("wrong.kl_said", elbo=found.elbo, evidence=found.log_evidence))
    return sentences.kl_values(found)


def _factor(text: Text, choice: ReferenceSelection) -> Mapping[str, object]:
    given = _picture(text, choice)
    seen = experiments.reconstruct(
        choice.model.network, given.image, choice.beta, seed=choice.seed, use_mean=True
    )
    found = misconceptions.spreads(seen, seed=choice.seed)
    _chart(figures.spreads(text, found), sentences.factor_alt(text, found), "factor")
    st.markdown(
        text(
            "wrong.factor_said",
            dimensions=len(found.claimed),
            draws=found.draws,
            seed=choice.seed,
        )
    )
    return sentences.factor_values(found)


def _log(text: Text, choice: ReferenceSelection) -> Mapping[str, object]:
    with concurrency.spinner(text("wrong.computing")):
        found = cache.log_variances(choice.model)
    _chart(figures.log_variances(text, found), sentences.log_alt(text, found), "log")
    st.markdown(
        text("wrong.log_said", count=found.count, betas=len(found.betas), ratio=found.ratio)
    )
    st.caption(text("wrong.log_note"))
    return {"low": found.smallest_sigma, "high": found.largest_sigma}


def _prior(text: Text, choice: ReferenceSelection) -> Mapping[str, object]:
    with concurrency.spinner(text("wrong.computing")):
        found = cache.mixture(choice.model, choice.seed)
    _chart(figures.mixture(text, found), sentences.prior_alt(text, found), "prior")
    st.markdown(sentences.prior_text(text, found, choice.seed))
    return sentences.prior_values(found)


def _zero(text: Text, choice: ReferenceSelection) -> Mapping[str, object]:
    examples = choice.model.examples
    found = misconceptions.collapse(
        choice.model.network,
        choice.model.metrics,
        np.stack([examples.picture(name).numpy() for name in examples.names]),
        COLLAPSING,
        seed=choice.seed,
    )
    _chart(figures.losses(text, found), sentences.zero_alt(text, found), "zero")
    st.markdown(text("wrong.zero_said", **sentences.zero_values(found)))
    for place in (found.best, -1):
        values = {"beta": found.betas[place], "unlike": found.unlike[place]}
        st.caption(text("wrong.zero_good", **values))
        _row(found.images[place], text("alt_wrong.zero_strip", **values))
    return sentences.zero_values(found)


def _blur(text: Text, choice: ReferenceSelection) -> Mapping[str, object]:
    model = choice.model
    given = _picture(text, choice)
    beta = link.stop(
        st.select_slider,
        text("wrong.blur_beta"),
        BLUR_BETAS,
        key="blur",
        default=BETA,
        format_func=lambda stop: f"{stop:g}",
    )
    observed = experiments.observation(model.network, given.image, seed=choice.seed)
    found = decoders.blur(
        model.network, cache.codes(model, beta), model.reference.images, observed, beta
    )
    sides = (text("wrong.blur_mean"), text("wrong.blur_decoded"))
    images = (found.weighted_mean, found.decoded)
    alts = sentences.blur_alts(text, found)
    for column, heading, image, alt in zip(
        st.columns(2, wrap=False), sides, images, alts, strict=True
    ):
        with column, st.container(gap="xsmall"):
            _shown(image, alt)
            st.caption(heading)
    st.markdown(sentences.blur_text(text, found))
    st.caption(text("wrong.blur_note", count=found.count))
    return {"effective": found.effective, "count": found.count}


def _shown(image: np.ndarray, alt: str) -> None:
    st.image(pictures.picture_uri(image), width="stretch", alt=alt)


def _row(images: np.ndarray, alt: str) -> None:
    """A few pictures side by side, small enough for a phone's screen: they are to be compared."""
    st.image(pictures.strip(images), width="stretch", alt=alt)


def _sum(text: Text, choice: ReferenceSelection) -> Mapping[str, object]:
    name = link.choice(
        st.selectbox,
        text("wrong.sum_from"),
        beta_conventions.CONVENTIONS,
        key="loss",
        default="mean",
        format_func=lambda name: sentences.convention(text, name),
    )
    numbers = st.columns(3)
    with numbers[0]:
        weight = link.quantity(
            st.number_input,
            text("wrong.sum_value"),
            1e-6,
            1e6,
            key="weight",
            default=1.0,
            format="%.6g",
            step=None,
        )
    with numbers[1]:
        values = link.quantity(
            st.number_input,
            text("wrong.sum_pixels"),
            1,
            MOST_VALUES,
            key="values",
            default=784,
        )
    with numbers[2]:
        dimensions = link.quantity(
            st.number_input,
            text("wrong.sum_dimensions"),
            1,
            MOST_DIMENSIONS,
            key="width",
            default=32,
        )
    found = beta_conventions.convert(name, weight, pixels=values, dimensions=dimensions)
    st.markdown(sentences.conventions(text, found))
    st.caption(text("wrong.sum_note"))
    return {"empty": beta_conventions.empty_from(choice.model.metrics)}


def _axes(text: Text, choice: ReferenceSelection) -> Mapping[str, object]:
    given = _picture(text, choice)
    found = misconceptions.axes(
        choice.model.network,
        choice.model.metrics,
        given.image,
        TRAVERSED,
        seed=choice.seed,
    )
    _chart(figures.active(text, found), sentences.axes_alt(text, found), "axes")
    st.markdown(text("wrong.axes_said", **sentences.axes_values(found)))
    for beta, moved in zip(found.moved_at, found.moved, strict=True):
        heading, alt = sentences.traversal_texts(text, beta, moved)
        st.caption(heading)
        _row(moved.images, alt)
    return sentences.axes_values(found)


def _bce(text: Text, choice: ReferenceSelection) -> Mapping[str, object]:
    p = link.quantity(
        st.slider,
        text("wrong.bce_p"),
        0.01,
        0.99,
        key="grey",
        default=0.3,
        step=0.01,
    )
    found = decoders.grey_bce(p)
    _chart(figures.grey(text, found), sentences.grey_alt(text, found), "bce")
    st.markdown(text("wrong.bce_said", p=p, integral=found.integral))
    name = choice.model.examples.names[0]
    picture = decoders.grey_picture(
        choice.model.network, choice.model.examples.picture(name).numpy(), choice.beta
    )
    st.markdown(sentences.grey_picture(text, picture, name))
    return {"integral": found.integral}


def _sample(text: Text, choice: ReferenceSelection) -> Mapping[str, object]:
    found = decoders.mean_and_draws(choice.model.network, choice.beta, seed=choice.seed)
    _row(np.stack([found.mean, found.mode, *found.draws]), sentences.sample_alt(text, found))
    st.caption(text("wrong.sample_strip"))
    st.markdown(sentences.sample_text(text, found, choice.seed))
    return {"mode": found.mode_log_prob}


def _noise(text: Text, choice: ReferenceSelection) -> Mapping[str, object]:
    with concurrency.spinner(text("wrong.computing")):
        found = cache.code_noise(choice.model, sources.resolve(PLAIN), choice.seed)
    variational, plain = found.rises
    _chart(figures.code_noise(text, found), sentences.noise_alt(text, found), "noise")
    st.markdown(
        text(
            "wrong.noise_said",
            count=found.count,
            seed=choice.seed,
            variational=variational,
            plain=plain,
        )
    )
    st.caption(text("wrong.noise_random"))
    _row(found.random_variational, text("alt_wrong.noise_variational"))
    _row(found.random_plain, text("alt_wrong.noise_plain"))
    return {"variational": variational, "plain": plain}


def _blank(text: Text, choice: ReferenceSelection) -> Mapping[str, object]:
    with concurrency.spinner(text("wrong.computing")):
        found = cache.blank_page(choice.model, choice.seed)
    _chart(figures.blank(text, found), sentences.blank_alt(text, found), "blank")
    st.markdown(sentences.blank_text(text, found, choice.seed))
    return sentences.blank_values(found)


ENTRIES: dict[str, Entry] = {
    "kl": Entry(
        PLANE,
        "c",
        _kl,
        r"\log p(x) = \mathrm{ELBO} "
        r"+ \mathrm{KL}\big(q(z|x)\,\|\,p(z|x)\big)",
    ),
    "factor": Entry(
        DIGITS,
        "b",
        _factor,
        r"z = \mu + \sigma \odot \varepsilon, \quad "
        r"\sigma = e^{\frac12 \log \sigma^2}",
    ),
    "log": Entry(
        PLANE,
        "c",
        _log,
        r"\begin{gathered} s = \log\sigma^2, \quad \sigma = e^{s/2} > 0 \\ "
        r"d\sigma / ds = \sigma / 2 \end{gathered}",
    ),
    "prior": Entry(PLANE, "a", _prior, r"q(z) = \frac1N \sum_{n=1}^N q(z|x_n) \approx p(z)"),
    "zero": Entry(
        DIGITS,
        "b",
        _zero,
        r"\begin{gathered} -\mathrm{ELBO} = -\mathbb{E}_q[\log p(x|z)] \\ "
        r"+\, \mathrm{KL}\big(q(z|x)\,\|\,p(z)\big)\end{gathered}",
    ),
    "blur": Entry(
        PLANE, "c", _blur, r"\mathbb{E}[x|z] = \frac{\sum_n q(z|x_n)\,x_n}{\sum_n q(z|x_n)}"
    ),
    "sum": Entry(
        DIGITS,
        "c",
        _sum,
        r"\begin{gathered} \tfrac1P\,\mathrm{BCE} + w\,\mathrm{KL} "
        r"= \tfrac1P\left(\mathrm{BCE} + wP\,\mathrm{KL}\right) \\ \beta = wP \end{gathered}",
    ),
    "axes": Entry(
        DIGITS, "b", _axes, r"z \sim \mathcal{N}(0, I) \;\Rightarrow\; Rz \sim \mathcal{N}(0, I)"
    ),
    "bce": Entry(
        DIGITS,
        "a",
        _bce,
        r"\begin{gathered} \int_0^1 p^x (1-p)^{1-x}\,dx \\ "
        r"= \frac{2p-1}{\log p - \log(1-p)} \le \frac12 \end{gathered}",
    ),
    "sample": Entry(
        DIGITS,
        "b",
        _sample,
        r"\begin{gathered} p(x|z) = \prod_i p_i^{x_i} (1-p_i)^{1-x_i} \\ "
        r"\mathbb{E}[x_i|z] = p_i \end{gathered}",
    ),
    "noise": Entry(
        PLANE,
        "a",
        _noise,
        r"-\mathbb{E}_{\varepsilon \sim \mathcal{N}(0, I)}"
        r"[\log p(x \,|\, \mu + \sigma \odot \varepsilon)]",
    ),
    "blank": Entry(DIGITS, "b", _blank),
}


if __name__ == "__main__":
    main()
