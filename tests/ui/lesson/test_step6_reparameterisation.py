"""Step 6 in Streamlit's test driver: every control, both languages, the package's numbers."""

import dataclasses

import numpy as np
import pytest

from tests.pictures import digit_png
from tests.ui.drawings import accepted
from tests.ui.driver import alternative_text, good, open_page, said, signed
from ui.lesson.step6_reparameterisation import view
from ui.text import LANGUAGES, Text
from vae import experiments
from vae.experiments.lesson import reparameterisation
from vae.hub import sources


@pytest.fixture(scope="module")
def mnist():
    return sources.resolve("mnist")


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    """Fewer draws of the gradient: the page's content does not depend on their number."""
    monkeypatch.setattr(reparameterisation, "REFERENCE_DRAWS", 300)


def seen(mnist, example: str = "0", draw: int = 0) -> experiments.Reconstruction:
    return experiments.reconstruct(
        mnist.network, mnist.examples.picture(example).numpy(), 1.0, seed=7, draw=draw
    )


def test_the_numbers_of_one_dimension_are_the_packages(mnist):
    app = open_page("step6", example="3", zdim="14", eps="2")
    draw = reparameterisation.follow(seen(mnist, "3", draw=2), 14)
    for number in (draw.mean, draw.log_variance, draw.deviation, draw.eps, draw.z):
        assert signed(f"{number:.3f}") in said(app)
        assert signed(f"{draw.eps:.3f} from N(0, 1)") in alternative_text(app, "Three number lines")
    assert signed(f"z = {draw.z:.3f} ") in alternative_text(app, "Three number lines")
    assert view.signed_term(draw.scaled) in said(app)


def test_a_new_eps_moves_the_dot_and_nothing_else(mnist):
    app = open_page("step6")
    assert not app.select_slider  # beta is fixed
    before = alternative_text(app, "Histogram"), alternative_text(app, "Single-draw")
    good(app.button(key="new_eps").click().run())
    draw = reparameterisation.follow(seen(mnist, draw=1), app.selectbox(key="zdim").value)
    assert signed(f"z = {draw.z:.3f} from a Gaussian about {draw.mean:.3f}") in alternative_text(
        app, "Three number lines"
    )
    assert (alternative_text(app, "Histogram"), alternative_text(app, "Single-draw")) == before
    assert app.query_params["eps"] == "1"


def test_only_sigma_fits_and_the_articles_factor_is_the_first_to_be_tried(mnist):
    app = open_page("step6")
    draw = reparameterisation.follow(seen(mnist), app.selectbox(key="zdim").value)
    for factor, verdict in (
        ("variance", "Too narrow"),
        ("deviation", "It fits."),
        ("log_variance", "Too wide"),
    ):
        good(app.button_group(key="factor").set_value(factor).run())
        found = reparameterisation.spread(draw, factor, seed=7)
        assert verdict in said(app)
        assert signed(f"**{found.measured:.4f}**. Claimed: **{found.claimed:.4f}**") in said(app)
        assert signed(f"standard deviation {found.measured:.4f}") in alternative_text(
            app, "Histogram"
        )
    assert app.query_params["factor"] == "log_variance"


def test_the_gradient_is_the_packages_in_each_way(mnist):
    app = open_page("step6", example="1", zdim="5")
    observed = seen(mnist, "1").observed
    drawn = reparameterisation.draw_gradients(mnist.network, observed, 1.0, seed=7)
    for parameter in reparameterisation.PARAMETERS:
        good(app.button_group(key="gradof").set_value(parameter).run())
        found = reparameterisation.gradients(drawn, 5, parameter)
        for one in (found.pathwise, found.score_baseline, found.score):
            assert signed(
                f"| {one.mean:,.2f} ± {one.standard_error:,.2f} | {one.deviation:,.2f} |"
            ) in said(app)
        assert signed(f"| {found.variance_ratio:,.0f} |") in said(app)
        assert signed(f"{found.reference:,.2f} ± {found.reference_error:,.2f}") in said(app)
        assert signed(f"through the noise {found.pathwise.mean:,.2f}") in alternative_text(
            app, "Single-draw"
        )


def test_the_article_is_answered_with_numbers_of_this_picture(mnist):
    app = open_page("step6", seen="step6", example="8")
    found = reparameterisation.spread(
        reparameterisation.follow(seen(mnist, "8"), app.selectbox(key="zdim").value),
        "variance",
        seed=7,
    )
    note = next(entry.value for entry in app.info if "z = mu + sigma² ⊙ eps" in entry.value)
    assert signed(f"sigma = {found.claimed:.4f}, sigma² = {found.value:.4f}") in note
    assert signed(f"spreads by {found.measured:.4f}, {found.ratio:.3f} times") in note


def test_a_picture_of_ones_own_has_its_own_numbers():
    app = open_page("step6", source="upload", seen="step6")
    before = [
        alternative_text(app, beginning)
        for beginning in ("Three number", "Histogram", "Single-draw")
    ]
    good(app.file_uploader(key="upload").set_value(("seven.png", digit_png(), "image/png")).run())
    after = [
        alternative_text(app, beginning)
        for beginning in ("Three number", "Histogram", "Single-draw")
    ]
    assert not set(before) & set(after)


def test_a_link_opens_every_choice():
    app = open_page("step6", zdim="14", factor="deviation", gradof="log_deviation", lang="ko")
    assert app.selectbox(key="zdim").value == 14
    assert app.button_group(key="factor").value == "deviation"
    assert app.button_group(key="gradof").value == "log_deviation"


@pytest.mark.parametrize("language", LANGUAGES)
def test_plotly_accepts_the_figures_whatever_the_factor_and_the_parameter(mnist, language):
    text, code = Text(language), seen(mnist)
    drawn = reparameterisation.draw_gradients(
        mnist.network, code.observed, 1.0, seed=7, samples=400
    )
    accepted(view.one_draw(text, reparameterisation.follow(code, 14)))
    for factor in reparameterisation.FACTORS:
        accepted(
            view.draws(
                text, reparameterisation.spread(reparameterisation.follow(code, 14), factor, seed=7)
            )
        )
    for parameter in reparameterisation.PARAMETERS:
        for close in (False, True):
            accepted(
                view.estimates(
                    text, reparameterisation.gradients(drawn, 14, parameter), close=close
                )
            )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_factor_that_fits_by_coincidence_is_not_called_right(mnist, language):
    text, code = Text(language), seen(mnist)
    near_one = dataclasses.replace(
        code, posterior_deviation=np.full_like(code.posterior_deviation, 0.999)
    )
    found = reparameterisation.spread(reparameterisation.follow(near_one, 0), "variance", seed=7)
    assert view.verdict(text, found) == text(
        "step6.fits_by_chance", deviation=found.claimed, value=found.value
    )
    right = reparameterisation.spread(reparameterisation.follow(near_one, 0), "deviation", seed=7)
    assert view.verdict(text, right) != view.verdict(text, found)


def test_an_exact_gradient_says_so():
    plane = sources.resolve("mnist-2d")
    code = experiments.reconstruct(plane.network, plane.examples.picture("1").numpy(), 1.0, seed=7)
    drawn = reparameterisation.draw_gradients(
        plane.network, code.observed, 1.0, seed=7, samples=400
    )
    found = reparameterisation.gradients(drawn, 1, "mean")
    said = view.reference(Text("en"), found)
    assert said == f"Dashed line: the exact gradient by quadrature, {found.reference:,.2f}."
