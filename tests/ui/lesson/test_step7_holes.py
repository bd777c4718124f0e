"""Step 7 in Streamlit's test driver: every control, both languages, the package's numbers."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from tests.ui.drawings import accepted
from tests.ui.driver import (
    alternative_text,
    alternative_texts,
    beta_of,
    good,
    move_beta,
    open_page,
    said,
)
from ui.lesson.step6_reparameterisation.view import signed_term
from ui.lesson.step7_holes import cache, view
from ui.text import LANGUAGES, Text
from vae.experiments.lesson import gaussian, holes
from vae.experiments.lesson.holes import Plane
from vae.hub import sources


@pytest.fixture(scope="module")
def digits():
    return sources.resolve("mnist-2d")


@pytest.fixture(scope="module")
def plain():
    return sources.resolve("mnist-2d-autoencoder")


def plane(model, beta: float) -> Plane:
    return cache.latent_plane(model, beta)


def test_the_walks_are_the_packages_of_the_same_two_pictures(digits, plain):
    app = open_page("step7")
    for kind, pair in (("plain", plane(plain, 0.0).pair), ("beta", plane(digits, 1.0).pair)):
        good(app.button_group(key="hole").set_value(kind).run())
        for model, beta, title in (
            (plain, 0.0, "**Plain autoencoder:**"),
            (digits, 1.0, "**VAE at beta = 1**"),
        ):
            walk = holes.walk(
                model.network, plane(model, beta).codes, digits.reference.labels, pair, beta
            )
            alt = alternative_text(app, title)
            assert f"from a {walk.labels[0]} to a {walk.labels[1]}" in alt
            assert ", ".join(f"{distance:.2f}" for distance in walk.distances) in alt
            assert (
                f"Emptiest at step {walk.emptiest + 1}: {walk.distances[walk.emptiest]:.2f}"
                in said(app)
            )
            assert f"{walk.undecided[walk.emptiest]:.0f} at the emptiest step" in said(app)


def test_the_autoencoder_is_less_sure_in_its_gap_than_at_both_ends(plain):
    """The page's right answer says so."""
    found = plane(plain, 0.0)
    walk = holes.walk(plain.network, found.codes, plain.reference.labels, found.pair, 0.0)
    assert walk.undecided[walk.emptiest] > 1.1 * max(walk.undecided[0], walk.undecided[-1])
    assert walk.labels == (5, 7)  # the question names them


def test_beta_moves_the_walk_the_rate_and_the_pictures_until_nothing_is_left(digits):
    app = open_page("step7")
    for beta in (0.001, 50.0):
        move_beta(app, beta)
        now, found = digits.metrics.at(beta), plane(digits, beta).holes
        decoded = holes.prior_pictures(digits.network, beta, seed=7)
        assert f"At beta = {beta:g}: rate {now.rate:.2f} nats" in said(app)
        assert f"distortion {now.distortion:.1f} nats" in said(app)
        assert f"{now.active_units} of 2 dimensions active" in said(app)
        assert f"holes {found.share:.1%}" in said(app)
        assert f"{decoded.difference:.0%} of white" in said(app)
        assert f"at the current beta {beta:g} it is {now.rate:.2f}" in alternative_text(
            app, "Rate in nats by beta"
        )
        assert any(alt.startswith(f"**VAE at beta = {beta:g}**") for alt in alternative_texts(app))
    assert Text("en")("step7.walk_collapsed") in said(app)
    move_beta(app, 1.0)
    assert Text("en")("step7.walk_collapsed") not in said(app)


@pytest.mark.parametrize(("mean", "log_variance"), [(1.5, -3.0), (-2.0, 1.0), (0.0, 0.0)])
def test_the_kl_in_the_students_hands(mean, log_variance):
    app = open_page("step7")
    good(app.slider(key="klmu").set_value(mean).run())
    good(app.slider(key="kllogvar").set_value(log_variance).run())
    found = gaussian.gaussian_kl(mean, log_variance)
    parts = (
        f"{found.mean_part:.3f} + {found.variance_part:.3f} {signed_term(found.log_part)} = "
        f"**:orange[{found.nats:.3f} nats]**"
    )
    assert parts in said(app)
    assert f"KL {found.nats:.3f} nats" in alternative_text(app, "Density of the prior")
    assert f"now {found.nats:.3f} nats" in alternative_text(app, "KL by mu")
    assert f"now {found.nats:.3f} nats" in alternative_text(app, "KL by log sigma²")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_maps_are_those_of_the_autoencoder_and_of_four_betas(digits, plain, language):
    app = open_page("step7", seen="step7", lang=language)
    text = Text(language)
    found = [
        plane(plain, 0.0).holes,
        *(plane(digits, beta).holes for beta in (0.001, 0.1, 1.0, 10.0)),
    ]
    for one in found:
        assert view.map_alt(text, one) in alternative_texts(app)
        assert f"{one.share:.1%}" in view.map_numbers(text, one)
        assert view.map_numbers(text, one) in said(app)
    for share in (
        found[0].share,
        found[1].share,
        found[3].share,
        found[4].share,
        found[0].yardstick,
    ):
        assert f"{share:.1%}" in view.maps_verdict(text, found)
    assert view.maps_verdict(text, found) in said(app)


def test_a_map_is_small_and_shows_every_dot_and_cross(digits):
    found = plane(digits, 1.0).holes
    address = view.map_picture(found, digits.reference.labels)
    assert len(address) < 100_000
    pixels = np.asarray(
        Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))).convert("RGBA")
    )
    assert pixels.shape == (view.SIDE, view.SIDE, 4)
    clear = pixels[..., 3] < 30
    assert 0.5 < clear.mean() < 0.95

    def place(points: np.ndarray) -> np.ndarray:
        inside = points[(np.abs(points) < 0.98 * view.HALF).all(1)]
        return ((inside * (1, -1) / view.HALF + 1) * view.SIDE / 2).astype(int)

    for points in (found.points, found.far):
        columns, rows = place(points).T
        assert not clear[rows, columns].any()


@pytest.mark.parametrize("language", LANGUAGES)
def test_plotly_accepts_the_figures(language):
    text = Text(language)
    for mean, log_variance in ((0.0, 0.0), (-3.0, 3.0), (1.5, -6.0)):
        found = gaussian.gaussian_kl(mean, log_variance)
        accepted(view.densities(text, found))
        for over_mean in (True, False):
            accepted(view.kl_curve(text, found, over_mean=over_mean))


def test_a_link_opens_every_choice():
    app = open_page("step7", hole="beta", klmu="-1.25", kllogvar="0.5", beta="10")
    assert app.button_group(key="hole").value == "beta"
    assert (app.slider(key="klmu").value, app.slider(key="kllogvar").value) == (-1.25, 0.5)
    assert beta_of(app) == 10
