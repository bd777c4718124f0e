"""Step 6: the reparameterisation trick, with the numbers of one dimension."""

import streamlit as st

from ui.lesson import frame
from ui.lesson.step6_reparameterisation import cache, view
from ui.text import Text
from ui.view import pictures, sentences
from ui.widgets import chart, concurrency, link, picture_input, sidebar
from ui.widgets.sidebar import SidebarSelection
from vae import experiments
from vae.experiments import Reconstruction
from vae.experiments.lesson import reparameterisation

FORMULA = r"""\begin{gathered}
z = \mu + \sigma \odot \varepsilon, \quad \varepsilon \sim \mathcal N(0, I) \\
\sigma = \exp\!\big(\tfrac12 \log \sigma^2\big) \\
\operatorname{Var}[\mu + c\,\varepsilon] = c^2 = \sigma^2 \;\Rightarrow\; c = \sigma
\end{gathered}"""
WAYS = (
    r"""\begin{aligned}
\nabla_{\!\mu}\, \mathbb E_q[f(z)] &= \mathbb E_\varepsilon\big[\partial f / \partial z\big] \\
&= \mathbb E_q\big[f(z)\,\varepsilon / \sigma\big] \\
\nabla_{\!\log\sigma}\, \mathbb E_q[f(z)] &= """
    r"""\mathbb E_\varepsilon\big[\sigma\varepsilon\;\partial f / \partial z\big] \\
&= \mathbb E_q\big[f(z)\,(\varepsilon^2 - 1)\big]
\end{aligned}"""
)


def main() -> None:
    text = link.current_text()
    choice = sidebar.show(text, only="mnist", beta=1.0, noise=False)
    frame.head(text, "step6", text("step6.idea"))
    frame.prediction(text, "which_factor")
    with st.container(border=True, gap="xsmall", key="your_picture"):
        given = picture_input.row(text, choice.model, text("picture.heading"))
    seen = experiments.reconstruct(
        choice.model.network,
        given.image,
        choice.beta,
        seed=choice.seed,
        draw=link.eps_number(),
    )
    dimension = _one_draw(text, choice, seen)
    draw = reparameterisation.follow(seen, dimension)
    _draws(text, choice, draw)
    with frame.experiment(text("step6.gradient_heading"), text("step6.gradient_help")):
        _gradient(text, choice, seen, dimension)
    wrong = reparameterisation.spread(draw, "variance", seed=choice.seed)
    values = {
        "number": dimension + 1,
        "deviation": draw.deviation,
        "variance": wrong.value,
        "log_variance": draw.log_variance,
        "measured": wrong.measured,
        "ratio": wrong.ratio,
    }
    if frame.reveal(text, "step6", "which_factor", right="b", **values):
        frame.explanation(text, text("step6.why"), FORMULA)
        frame.article(text, text("step6.article", **values))
        frame.check(text, "which_gradient", right="c")
    frame.foot(text, "step6")


def _one_draw(text: Text, choice: SidebarSelection, seen: Reconstruction) -> int:
    order = choice.beta_metrics.dimensions_by_rate
    with frame.experiment(text("step6.draw_heading")):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            dimension = link.choice(
                st.selectbox,
                text("step6.dimension"),
                order,
                key="zdim",
                default=order[len(order) // 5],
                width=320,
                help=text("step6.dimension_help"),
                format_func=lambda number: text(
                    "step6.dimension_of",
                    number=number + 1,
                    deviation=float(seen.posterior_deviation[number]),
                ),
            )
            st.button(
                text("step6.new_eps"),
                on_click=link.next_eps,
                key="new_eps",
                icon=":material/casino:",
            )
        draw = reparameterisation.follow(seen, dimension)
        left, right = st.columns([4, 1], vertical_alignment="center")
        with left:
            chart.show(
                view.one_draw(text, draw),
                key="one_draw",
                alt=view.one_draw_alt(text, draw),
            )
        with right, st.container(width=128, gap="xsmall"):
            st.caption(text("picture.seen"))
            st.image(
                pictures.picture_uri(seen.observed),
                width="stretch",
                alt=sentences.seen_alt(text, choice.model, seen),
            )
            st.caption(text("step6.decoded", dimensions=len(seen.posterior_mean)))
            st.image(
                pictures.picture_uri(seen.mean),
                width="stretch",
                alt=sentences.reconstruction_alt(text, choice.model, choice.beta, seen),
            )
        st.markdown(view.one_draw_numbers(text, draw))
        st.caption(text("step6.draw_note"))
    return dimension


def _draws(text: Text, choice: SidebarSelection, draw: reparameterisation.OneDraw) -> None:
    with frame.experiment(text("step6.spread_heading"), text("step6.spread_help")):
        factor = link.choice(
            st.segmented_control,
            text("step6.factor"),
            reparameterisation.FACTORS,
            key="factor",
            default="variance",
            required=True,
            format_func=view.SIGNS.get,
        )
        found = reparameterisation.spread(draw, factor, seed=choice.seed)
        chart.show(
            view.draws(text, found),
            key="draws",
            alt=view.draws_alt(text, found),
        )
        st.markdown(view.draws_numbers(text, found))
        st.markdown(view.verdict(text, found))


@concurrency.fragment
def _gradient(text: Text, choice: SidebarSelection, seen: Reconstruction, dimension: int) -> None:
    st.markdown(text("step6.gradient_intro", samples=reparameterisation.SAMPLES))
    parameter = link.choice(
        st.segmented_control,
        text("step6.parameter"),
        reparameterisation.PARAMETERS,
        key="gradof",
        default="mean",
        required=True,
        format_func=view.PARAMETERS.get,
    )
    with concurrency.spinner(text("step6.deriving", samples=reparameterisation.SAMPLES)):
        drawn = cache.gradient_draws(choice.model, seen.observed, choice.beta, choice.seed)
    found = reparameterisation.gradients(drawn, dimension, parameter)
    left, right = st.columns(2, gap="medium", vertical_alignment="bottom")
    for column, close in ((left, False), (right, True)):
        with column:
            st.caption(
                view.magnification(text, found) if close else text("step6.all", dots=view.DOTS)
            )
            chart.show(
                view.estimates(text, found, close=close),
                key=f"estimates_{close}",
                alt=view.estimates_alt(text, found, close=close),
            )
    st.markdown(view.table(text, found))
    st.caption(view.reference(text, found))
    st.latex(WAYS)


if __name__ == "__main__":
    main()
