"""Plotly accepts the figures' descriptions, and the page sends them unchanged."""

import plotly.io as pio
import pytest

from tests.ui.drawings import accepted
from ui.text import Text
from ui.view import figures, latent_figures
from vae import experiments
from vae.hub import sources

TEXT = Text("en")


def drawings(name: str) -> dict[str, figures.Drawing]:
    """All figures of a model's first example at the middle of its betas."""
    model = sources.resolve(name)
    image, betas = (
        model.examples.picture(model.examples.names[0]).numpy(),
        tuple(entry.beta for entry in model.metrics.betas),
    )
    now = model.metrics.betas[len(betas) // 2]
    seen = experiments.reconstruct(model.network, image, now.beta, seed=3)
    own = experiments.trade_off(model.network, image, betas, seed=3, draws=4)
    loss = experiments.breakdown(own, now)
    found = {"loss": figures.loss_bars(TEXT, loss)}
    if not model.network.config.autoencoder:
        path = experiments.path(
            model.network, (image, image), (seen, seen), now.beta, seed=3, steps=5, spherical=True
        )
        found |= {
            "radii": latent_figures.radii(TEXT, path),
            "losses": latent_figures.path_losses(TEXT, path),
        }
    return found


@pytest.mark.parametrize("name", sources.names())
def test_plotly_itself_accepts_every_figure(name):
    for drawing in drawings(name).values():
        accepted(drawing)


def test_a_value_that_plotly_does_not_know_would_be_found():
    wrong = figures.build(
        [{"type": "scatter", "x": [1], "y": [2], "mode": "dots"}], 100, x={}, y={}
    )
    with pytest.raises(ValueError, match="dots"):
        accepted(wrong)


def test_the_template_is_the_same_whatever_plotly_would_take_by_itself(monkeypatch):
    """Streamlit changes Plotly's default when it is loaded; the drawing must not depend on that."""
    descriptions = []
    for default in ("plotly", "plotly_dark"):
        monkeypatch.setattr(pio.templates, "default", default)
        descriptions.append(figures.build([{"type": "bar"}], 100, x={}, y={}).to_json())
    assert descriptions[0] == descriptions[1]
    dark = figures.build([{"type": "bar"}], 100, x={}, y={}).with_template("plotly_dark")
    assert dark.to_dict()["layout"]["template"] == pio.templates["plotly_dark"].to_plotly_json()
