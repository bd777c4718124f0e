"""Step 4 in Streamlit's test driver: q follows link, sliders and steps.

The numbers are the package's.
"""

import functools

import numpy as np
import pytest

from tests.pictures import digit_png
from tests.ui.drawings import accepted
from tests.ui.driver import alternative_text, good, open_page, said, shown_map, shown_maps, signed
from ui.lesson.step4_variational import view
from ui.text import Text
from vae import experiments
from vae.experiments.lesson import variational
from vae.hub import sources

Q = {"pinq": "0.72,0.31", "logsigma1": "-4", "logsigma2": "-3.6"}


@pytest.fixture(scope="module")
def digits():
    return sources.resolve("mnist-2d")


def observed(digits, name: str = "0") -> np.ndarray:
    return experiments.observation(digits.network, digits.examples.picture(name).numpy(), seed=7)


@functools.cache
def amortised(name: str) -> variational.Amortisation:
    digits = sources.resolve("mnist-2d")
    picture = observed(digits, name)
    posterior = experiments.posterior_map(digits.network, picture, 1.0)
    return variational.amortisation(digits.network, picture, 1.0, posterior)


def test_it_opens_with_q_in_the_middle_of_the_prior(digits):
    app = open_page("step4", lang="ko")
    assert not app.error
    (ellipse,) = shown_map(app)["ellipses"]
    assert ellipse["mean"] == [0, 0]
    assert ellipse["deviation"] == pytest.approx([0.4966, 0.4966], abs=1e-3)
    assert shown_map(app)["own"] is None
    assert shown_map(app)["posterior"]
    assert not app.get("progress")


def test_a_link_holds_q_and_its_elbo_and_gap_are_the_packages(digits):
    picture = observed(digits)
    q = variational.gaussian(digits.network, picture, 1.0, (0.72, 0.31), (-4.0, -3.6))
    evidence = experiments.posterior_map(digits.network, picture, 1.0).log_evidence
    app = open_page("step4", **Q)
    assert signed(f"ELBO = **{q.elbo:,.2f} nats** · log p(x) = {evidence:,.2f}") in said(app)
    assert signed(f"KL(q ‖ p(z|x)) = **{q.gap(evidence):,.2f} nats**") in said(app)
    assert signed(f"distortion {q.distortion:,.1f} + rate {q.rate:,.1f}") in alternative_text(
        app, "Two bars"
    )
    assert shown_map(app)["pin"]["x"] == 0.72
    good(app.slider(key="logsigma1").set_value(-3.0).run())
    wider = variational.gaussian(digits.network, picture, 1.0, (0.72, 0.31), (-3.0, -3.6))
    assert signed(f"ELBO = **{wider.elbo:,.2f} nats**") in said(app)
    assert app.query_params["logsigma1"] == "-3"
    assert signed(f"{q.elbo:,.1f}, {wider.elbo:,.1f}") in alternative_text(app, "ELBO of every q")


def test_steps_lead_up_leave_a_trail_and_can_be_begun_again(digits):
    picture = observed(digits)
    start = variational.gaussian(digits.network, picture, 1.0, (0.6, 0.4), (-3.0, -3.0))
    steps = variational.gradient_ascent(digits.network, picture, 1.0, start, steps=4)
    app = open_page("step4", pinq="0.6,0.4", logsigma1="-3", logsigma2="-3")
    for number, q in enumerate(steps[:3], 1):
        good(app.button(key="one_step").click().run())
        assert signed(f"ELBO = **{q.elbo:,.2f} nats**") in said(app)
        assert app.query_params["pinq"] == f"{q.mean[0]:.5g},{q.mean[1]:.5g}"
        assert shown_map(app)["trail"] == [list(tried.mean) for tried in (start, *steps[:number])]
        assert app.slider(key="logsigma2").value == pytest.approx(q.log_deviation[1])
    copied = open_page("step4", **dict(app.query_params.items()))
    good(copied.button(key="one_step").click().run())  # a link goes on from where it is
    assert signed(f"ELBO = **{steps[3].elbo:,.2f} nats**") in said(copied)
    good(app.button(key="many_steps").click().run())
    assert signed(f"{steps[3].elbo:,.1f}") in alternative_text(app, "ELBO of every q")
    assert len(shown_map(app)["trail"]) > 8
    good(app.button(key="again").click().run())
    assert shown_map(app)["trail"] == [[0, 0]]
    assert not {"pinq", "logsigma1", "logsigma2"} & set(app.query_params)


def test_another_picture_begins_a_new_trail_and_keeps_q():
    app = open_page("step4", **Q)
    good(app.slider(key="logsigma1").set_value(-3.0).run())
    assert len(shown_map(app)["trail"]) == 2
    good(app.button_group(key="example").set_value("6").run())
    assert shown_map(app)["trail"] == [[0.72, 0.31]]


def test_around_the_true_posterior_a_q_that_lies_elsewhere_is_announced():
    app = open_page("step4", part="near")
    assert "lies outside this part" in said(app)
    assert shown_map(app)["window"]["half"] < 0.5
    assert shown_map(app)["pin"] is None
    assert "lies outside this part" not in said(open_page("step4", part="near", **Q))


def test_on_a_peak_no_step_leads_higher(digits):
    q = variational.gaussian(
        digits.network, observed(digits), 1.0, (0.7115, 0.2975), (-4.342, -3.997)
    )
    for _ in range(5):
        steps = variational.gradient_ascent(digits.network, observed(digits), 1.0, q, steps=20)
        if not steps:
            break
        q = steps[-1]
    assert not steps
    first, second = map(str, q.log_deviation)
    app = open_page("step4", pinq=f"{q.mean[0]},{q.mean[1]}", logsigma1=first, logsigma2=second)
    good(app.button(key="many_steps").click().run())
    assert "No step leads higher" in said(app)


def test_the_reveal_compares_with_the_encoder_and_the_best_gaussian(digits):
    text = Text("ko")
    found = amortised("0")
    app = open_page("step4", lang="ko")
    good(app.toggle(key="reveal_step4").set_value(True).run())
    assert view.amortisation(text, found) in said(app)
    hand = variational.gaussian(digits.network, observed(digits), 1.0, *variational.START)
    for q in (hand, found.encoder, found.best):
        assert signed(f"{q.elbo:,.2f} | {q.gap(found.log_evidence):,.2f} |") in said(app)
    shown = shown_maps(app)[-1]
    assert shown["own"]["mean"] == pytest.approx(list(found.encoder.mean))
    assert shown["ellipses"][0]["mean"] == pytest.approx(list(found.best.mean))
    assert text("step4.article") in said(app)
    accepted(view.gaps(text, found))
    accepted(view.bars(text, hand, found.log_evidence))
    accepted(view.tries_figure(text, [hand, found.best], found.log_evidence))


def test_where_steps_from_the_encoder_end_on_a_lower_peak_the_page_says_so(digits):
    q, best = (
        variational.gaussian(digits.network, observed(digits, "5"), 1.0, mean, (-3.0, -3.0))
        for mean in ((0.07, 1.2), (-0.12, 0.72))
    )
    said_of = view.amortisation(Text("en"), variational.Amortisation(q, q, best, -234.5))
    assert signed(f"end on a lower peak, at {q.elbo:,.2f} nats") in said_of
    assert "lower peak" not in view.amortisation(
        Text("en"), variational.Amortisation(q, best, best, -234.5)
    )


def test_every_answer_gets_its_own_reason():
    app = open_page("step4", seen="step4", answers="one_shot-c")
    assert "the search can start at the encoder's q" in " ".join(entry.value for entry in app.info)
    good(app.radio(key="ask_moved_evidence").set_value("a").run())
    assert "moving q changes neither" in " ".join(entry.value for entry in app.info)
    good(app.radio(key="ask_moved_evidence").set_value("b").run())
    assert "only its hatched part shrinks" in " ".join(entry.value for entry in app.success)


def test_a_picture_of_ones_own_and_another_language_keep_q():
    app = open_page("step4", source="upload", **Q)
    before = said(app)
    good(app.file_uploader(key="upload").set_value(("seven.png", digit_png(), "image/png")).run())
    assert said(app) != before
    good(app.button_group(key="language").set_value("ko").run())
    assert {key: app.query_params[key] for key in Q} == Q


def test_only_the_last_attempts_are_kept(monkeypatch):
    monkeypatch.setattr(view, "MOST_ATTEMPTS", 3)
    app = open_page("step4", **Q)
    for width in (-3.0, -2.9, -2.8):
        good(app.slider(key="logsigma1").set_value(width).run())
    assert len(shown_map(app)["trail"]) == 3
