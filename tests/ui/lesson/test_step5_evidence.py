"""Step 5 in Streamlit's test driver: the bars have the package's numbers.

Only one KL closes the gap.
"""

import base64
import io
from functools import cache

import numpy as np
import pytest
from PIL import Image

from tests.pictures import digit_png
from tests.ui.driver import alternative_text, good, open_page, said, shown_formulas
from ui.lesson.step5_evidence import view
from ui.text import LANGUAGES, Text
from ui.view import figures
from vae import experiments
from vae.experiments.lesson import evidence
from vae.experiments.lesson.evidence import Balance, LogEvidence
from vae.hub import sources

nats_of = view.nats_of
EXACT = LogEvidence(-100.0, 1e-6)
BOUND = LogEvidence(-100.0, 0.2, 5_000, 60.0)


def sides(
    known: LogEvidence = EXACT,
    *,
    distortion: float = 95.0,
    rate: float = 7.0,
    divergence: float = 2.0,
) -> Balance:
    """Made-up numbers: the gap is distortion + rate - 100."""
    return Balance(
        mean=np.array([0.5, -1.0]),
        deviation=np.array([0.1, 0.2]),
        rate_per_dimension=np.array([rate - 1, 1.0]),
        distortion=distortion,
        distortion_error=0.1,
        divergence=divergence,
        evidence=known,
    )


def ends(bars: dict) -> list[float]:
    """Where each row ends, percent."""
    return [row["segments"][-1]["left"] + row["segments"][-1]["width"] for row in bars["rows"]]


def pixels(address: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))))


@cache
def package(name: str, example: str, shift: float = 0.0, widening: float = 1.0) -> Balance:
    model = sources.resolve(name)
    observed = experiments.observation(
        model.network, model.examples.picture(example).numpy(), seed=7
    )
    if (shift, widening) != (0, 1):
        known = package(name, example).evidence
    elif name == "mnist-2d":
        known = evidence.quadrature(experiments.posterior_map(model.network, observed, 1.0))
    else:
        known = evidence.evidence_bound(model.network, observed, 1.0, seed=7)
    return evidence.balance(
        model.network, observed, 1.0, known, seed=7, shift=shift, widening=widening
    )


def test_the_step_opens_and_reveals_the_answer_with_the_pictures_own_numbers():
    app = open_page("step5", lang="ko", answers="which_kl-a,worse_q-c")
    text, own = Text("ko"), package("mnist-2d", "0")
    assert not app.error
    assert "beta = 1" in said(app)
    assert len(shown_formulas(app)) == 1
    assert "formula" not in shown_formulas(app)[0]
    good(app.toggle(key="reveal_step5").set_value(True).run())
    assert text("step5.why") in said(app)
    assert text("ask.which_kl_a_why", rate=nats_of(own.rate), gap=nats_of(own.gap)) in said(app)
    assert text("ask.worse_q_c_why") in said(app)
    assert text(
        "step5.slip",
        elbo=nats_of(-own.negative_elbo),
        rate=nats_of(own.rate),
        sum=nats_of(-own.distortion),
        evidence=nats_of(own.evidence.nats),
    ) in said(app)
    assert app.query_params["seen"] == "step5"
    assert len(shown_formulas(app)) == 2
    assert not [slider for slider in app.select_slider if slider.key == "beta"]


def test_only_the_divergence_from_the_true_posterior_closes_the_gap():
    app, own = open_page("step5", example="3"), package("mnist-2d", "3")
    assert f"**{nats_of(own.gap)} nats** are missing" in said(app)
    apart = {}
    for filler in ("none", "prior", "posterior"):
        good(app.button_group(key="filler").set_value(filler).run())
        bars = shown_formulas(app)[0]["bars"]
        upper, lower = ends(bars)
        apart[filler] = abs(upper - lower)
        assert f"= −ELBO **{nats_of(own.negative_elbo)}**" in bars["rows"][0]["head"]
        assert f"−log p(x) {nats_of(-own.evidence.nats)} nats" in bars["alt"]
    assert apart["posterior"] < 0.01 < 1 < apart["prior"]
    assert "It fits" in said(app)
    good(app.button_group(key="filler").set_value("prior").run())
    assert f"**{nats_of(own.rate - own.gap)} nats too long**" in said(app)
    assert app.query_params["filler"] == "prior"


def test_log_p_of_x_stands_still_while_q_is_moved():
    app, own = open_page("step5", seen="step5", example="3"), package("mnist-2d", "3")
    untouched, before = shown_formulas(app)
    good(app.slider(key="qshift").set_value(2.0).run())
    good(app.select_slider(key="qwide").set_value(3.0).run())
    after, moved = shown_formulas(app)[1], package("mnist-2d", "3", shift=2.0, widening=3.0)
    assert (
        before["formula"][0]["value"] == after["formula"][0]["value"] == nats_of(own.evidence.nats)
    )
    assert [term["value"] for term in after["formula"]] == [
        nats_of(value)
        for value in (moved.evidence.nats, -moved.distortion, moved.rate, moved.divergence)
    ]
    for bars in (before["bars"], after["bars"]):
        evidence_bar = bars["rows"][1]["segments"][0]
        assert evidence_bar["left"] + evidence_bar["width"] == 50
        assert ends(bars)[0] == pytest.approx(ends(bars)[1], abs=0.01)
    change = nats_of(moved.negative_elbo - own.negative_elbo)
    assert f"**log p(x) stands still at {nats_of(own.evidence.nats)}.**" in said(app)
    assert f"falls by **{change}** nats to {nats_of(-moved.negative_elbo)}," in said(app)
    assert f"KL(q ‖ p(z|x)) grows by **{change}**" in said(app)
    assert len(after["bars"]["marks"]) == 2
    assert (app.query_params["qshift"], app.query_params["qwide"]) == ("2", "3")
    assert shown_formulas(app)[0] == untouched
    # The split of the loss is the encoder's, in the same numbers.
    assert f"distortion {own.distortion:.1f}, rate {own.rate:.1f} nats" in alternative_text(
        app, "This picture: distortion"
    )
    assert f"**{100 * own.distortion / own.negative_elbo:.0f} %**" in said(app)


@pytest.mark.parametrize("language", LANGUAGES)
def test_with_many_numbers_all_that_is_known_is_a_bound_and_it_is_called_one(language):
    app = open_page(
        "step5",
        code="many",
        seen="step5",
        filler="posterior",
        lang=language,
        example="5",
        qshift="1",
    )
    text, own = Text(language), package("mnist", "5")
    moved = package("mnist", "5", shift=1.0)
    known = own.evidence
    assert text(
        "step5.bound",
        evidence=nats_of(known.nats),
        samples="5,000",
        error=nats_of(known.error),
        effective=f"{known.effective_samples:,.1f}",
    ) in said(app)
    assert text("step5.bound_few") in said(app)
    assert text("step5.fits_bound", gap=nats_of(own.gap), error=nats_of(own.gap_error)) in said(app)
    assert text("step5.stands_bound", evidence=nats_of(known.nats)) in said(app)
    first, second = shown_formulas(app)
    assert first["bars"]["rows"][1]["segments"][0]["open"]
    assert f"≤ {nats_of(-known.nats)}" in first["bars"]["alt"]
    assert f"≥ {nats_of(own.gap)}" in first["bars"]["alt"]
    assert own.prior_excess > 0  # the article's sum lies above the bound, which cannot refute it
    assert text(
        "step5.slip_bound",
        elbo=nats_of(-own.negative_elbo),
        rate=nats_of(own.rate),
        sum=nats_of(-own.distortion),
        evidence=nats_of(known.nats),
    ) in said(app)
    assert [term["value"] for term in second["formula"]] == [
        f"≥ {nats_of(known.nats)}",
        nats_of(-moved.distortion),
        nats_of(moved.rate),
        f"≥ {nats_of(moved.gap)}",
    ]
    dimensions = sources.resolve("mnist").network.config.latent_dim
    assert len(second["formula"][2]["columns"]["values"]) == dimensions
    assert "plane" not in second["formula"][3]
    good(app.button_group(key="filler").set_value("prior").run())
    assert text(
        "step5.too_long_bound",
        needed=nats_of(-own.distortion),
        bound=nats_of(known.nats),
        error=nats_of(known.error),
        misfit=nats_of(own.prior_excess),
    ) in said(app)
    good(app.button_group(key="code").set_value("plane").run())
    assert not shown_formulas(app)[0]["bars"]["rows"][1]["segments"][0]["open"]


def test_a_picture_of_ones_own_and_another_seed_get_their_own_numbers():
    app = open_page("step5", source="upload", seen="step5")
    before = shown_formulas(app)[0]["bars"]["alt"]
    good(app.file_uploader(key="upload").set_value(("seven.png", digit_png(), "image/png")).run())
    own = shown_formulas(app)[0]["bars"]["alt"]
    assert own != before
    good(app.button(key="new_seed").click().run())
    assert shown_formulas(app)[0]["bars"]["alt"] != own
    assert alternative_text(app, "This picture: distortion")


# Pure


def test_each_term_has_its_picture():
    model = sources.resolve("mnist-2d")
    picture = model.examples.picture("3").numpy()
    seen = experiments.reconstruct(model.network, picture, 1.0, seed=7, use_mean=True)
    observed = seen.observed
    posterior = experiments.posterior_map(model.network, observed, 1.0)
    own = evidence.balance(model.network, observed, 1.0, evidence.quadrature(posterior), seed=7)
    found = evidence.pixel_terms(model.network, observed, 1.0, seed=7)
    terms = {term["term"]: term for term in view.formula(Text("en"), own, seen, found, posterior)}
    assert list(terms) == ["evidence", "distortion", "rate", "gap"]
    assert (terms["distortion"]["colour"], terms["rate"]["colour"]) == (
        figures.DISTORTION,
        figures.RATE,
    )
    assert terms["gap"]["colour"] == figures.POSTERIOR
    own_picture = pixels(terms["evidence"]["pictures"][0]["source"])
    np.testing.assert_array_equal(
        own_picture[8::16, 8::16], (seen.observed[0] * 255).astype(np.uint8)
    )
    assert len(terms["distortion"]["pictures"]) == 3
    ellipse = terms["rate"]["plane"]["ellipses"][1]
    assert (ellipse["x"], ellipse["y"]) == pytest.approx(own.mean.tolist())
    assert (ellipse["across"], ellipse["down"]) == pytest.approx(own.deviation.tolist())
    window = terms["gap"]["plane"]["window"]
    for other in (posterior.window, experiments.Window(*own.mean, float(3 * own.deviation.max()))):
        assert (
            max(abs(other.x - window["x"]), abs(other.y - window["y"])) + other.half
            <= window["half"] * 1.001
        )
    for term in terms.values():
        for alt in (
            entry["alt"]
            for entry in (term, *term.get("pictures", []), *filter(None, [term.get("plane")]))
        ):
            assert any(letter.isdigit() for letter in alt)


def test_the_dearest_pixel_is_the_brightest_and_a_free_one_is_dark():
    picture = view.cost_picture(np.array([[[0.0, 1.0], [2.0, 4.0]]]))
    assert picture[0, 0].tolist() == [24, 24, 27]
    assert picture[1, 1].tolist() == view.BRIGHT.tolist()
    assert (np.diff(picture.reshape(4, 3).astype(int), axis=0) > 0).all()


@pytest.mark.parametrize(
    ("changes", "filler", "verdict"),
    [
        ({}, "none", "**2.00 nats** are missing"),
        ({}, "prior", "**5.00 nats too long**"),
        ({}, "posterior", "It fits"),
        ({"distortion": 110.0}, "prior", "**10.00 nats too short**"),
        ({"distortion": 100.05}, "prior", "by chance"),
        ({"known": BOUND}, "none", "**At least 2.00 nats**"),
        ({"known": BOUND, "distortion": 110.0}, "prior", "too short"),
        ({"known": BOUND}, "prior", "log p(x) would have to be −95.00"),
        ({"known": BOUND}, "posterior", "at least 2.00 nats (± 0.22)"),
    ],
)
def test_what_is_said_of_a_kl_in_the_gap(changes, filler, verdict):
    assert verdict in view.verdict(Text("en"), sides(**changes), filler)


def test_a_better_q_is_called_better():
    worse, better = sides(distortion=97.0, divergence=4.0), sides()
    assert "falls by **2.00**" in view.shift_effect(Text("en"), worse, better)
    assert "rises by **2.00** nats to −102.00" in view.shift_effect(Text("en"), better, worse)
    assert "better than the encoder's" in view.shift_effect(
        Text("en"), sides(BOUND), sides(BOUND, distortion=97.0)
    )
    assert "encoder's q." in view.shift_effect(Text("en"), better, better)


@pytest.mark.parametrize(
    ("rate", "distortion"), [(7.0, 95.0), (0.4, 99.7), (26.0, 76.1), (6.0, 155.0), (90.0, 336.0)]
)
def test_the_scale_shows_the_ends_of_all_bars_and_some_round_numbers(rate, distortion):
    made = sides(rate=rate, distortion=distortion, divergence=distortion + rate - 100)
    scale = view.scale(made)
    assert scale.place(-made.evidence.nats) == 50
    for nats in (made.distortion, made.negative_elbo, -made.evidence.nats + made.rate):
        assert 0 < scale.place(nats) < 100
    assert 3 <= len(scale.ticks()) <= 7
    for tick in scale.ticks():
        assert scale.place(float(tick["label"].replace(",", ""))) == pytest.approx(tick["left"])


def test_bars_that_are_shown_from_their_beginning_are_not_called_cut():
    short = sides(LogEvidence(-45.0, 1e-6), distortion=66.0, rate=6.0, divergence=27.0)
    bars = view.bars(Text("en"), short, "posterior")
    assert bars["axis"] == "nats"
    assert bars["ticks"][0]["label"] == "0"
    assert not any(segment["cut"] for row in bars["rows"] for segment in row["segments"])
    assert view.bars(Text("en"), sides(), "posterior")["axis"] == Text("en")("step5.axis")


def test_numbers_have_a_true_minus_sign_and_are_never_minus_nothing():
    assert [nats_of(value) for value in (-1234.5, 0.004, -0.004, 2)] == [
        "−1,234.50",
        "0.00",
        "0.00",
        "2.00",
    ]
