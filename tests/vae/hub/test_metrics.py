"""Bias, spread and slope in metrics.json, and what the card says of them."""

import dataclasses
import json

import pytest

from tests.conftest import some_metrics
from training import card
from vae.hub.metrics import (
    BinarisationSpread,
    BoundBias,
    ImportanceWeighted,
    read_metrics,
    slopes,
    write_metrics,
)

TIGHTER = BoundBias(
    ImportanceWeighted(1.0, 5, 3, 30.0, 0.1), ImportanceWeighted(1.0, 50, 3, 29.75, 0.1)
)
REPEATED = BinarisationSpread(beta=1.0, count=5, negative_elbo=31.0, spread=0.2)


def curve(*points: tuple[float, float, float]):
    """Metrics with these betas, rates and distortions."""
    entry = some_metrics().betas[0]
    return dataclasses.replace(
        some_metrics(),
        betas=tuple(
            dataclasses.replace(entry, beta=beta, rate=rate, distortion=distortion)
            for beta, rate, distortion in points
        ),
    )


def test_the_slope_is_that_between_the_betas_on_both_sides():
    assert slopes(curve((0.5, 30.0, 40.0), (1.0, 25.0, 44.0), (2.0, 20.0, 52.0))) == [
        (1.0, pytest.approx(1.2))
    ]


def test_where_the_rate_all_but_stands_still_there_is_no_slope():
    assert slopes(curve((0.5, 30.0, 40.0), (1.0, 30.0, 40.0), (2.0, 29.95, 40.1))) == []
    assert slopes(curve((1.0, 30.0, 40.0))) == []


def test_how_far_numbers_can_be_trusted_comes_back_as_it_was_and_need_not_be_there(tmp_path):
    metrics = dataclasses.replace(some_metrics(), tighter=TIGHTER, repeated=REPEATED)
    write_metrics(tmp_path / "metrics.json", metrics)
    assert read_metrics(tmp_path / "metrics.json") == metrics
    assert metrics.tighter.bias == pytest.approx(0.25)
    write_metrics(tmp_path / "metrics.json", some_metrics())
    assert not {"tighter", "repeated"} & set(json.loads((tmp_path / "metrics.json").read_text()))
    assert read_metrics(tmp_path / "metrics.json") == some_metrics()


def test_the_card_says_so():
    metrics = dataclasses.replace(
        curve((0.5, 30.0, 40.0), (1.0, 25.0, 44.0), (2.0, 20.0, 52.0)),
        tighter=TIGHTER,
        repeated=REPEATED,
    )
    said = card._measurements(metrics, "Test set") + card._slopes(metrics)
    assert (
        "Of the first 3 pictures, K = 5 gives\n30.00 and K = 50 29.75: "
        "the former lies at least 0.25 nats too high." in said
    )
    assert (
        "Over 5 binarisations of the whole test set distortion + rate at beta = 1 is\n31.00 ± 0.20"
        in said
    )
    assert "| 1 | 1.2 | 1.20 |" in said
