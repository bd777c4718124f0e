"""Step 1 in Streamlit's test driver: every control, both languages, the package's numbers."""

import pytest

from tests.pictures import digit_png
from tests.ui.drawings import accepted
from tests.ui.driver import alternative_text, alternative_texts, good, open_page, said, signed
from ui.lesson.step1_pixels import cache, view
from ui.text import LANGUAGES, Text
from vae import experiments
from vae.experiments.lesson.pixels import BLANK, CLOUD, LAWS, NOISE, PICTURE, SUBJECTS, counts
from vae.hub import sources


@pytest.fixture(scope="module")
def digits():
    return sources.resolve("mnist")


def everything(app) -> str:
    return said(app) + " ".join(entry.value for entry in app.success)


def test_the_reveal_counts_the_pictures():
    app = open_page("step1", lang="ko")
    text = Text("ko")
    assert not app.error
    assert text("step1.why") not in said(app)
    good(app.radio(key="ask_million").set_value("a").run())
    good(app.toggle(key="reveal_step1").set_value(True).run())
    assert text("step1.why") in said(app)
    assert "10^{236}" in said(app)
    assert app.query_params["answers"] == "million-a"
    assert app.query_params["seen"] == "step1"
    assert len(alternative_texts(app)) == 3


def test_more_pictures_are_drawn_counted_and_stand_in_the_link(digits):
    app = open_page("step1")
    first = alternative_text(app, "32 pictures")
    assert "**32 pictures**" in said(app)
    good(app.button(key="more_sheets").click().run())
    good(app.button(key="more_sheets").click().run())
    assert "**96 pictures**" in said(app)
    assert app.query_params["sheets"] == "3,1,1"
    assert alternative_text(app, "32 pictures") != first
    good(app.button_group(key="law").set_value("model").run())
    assert "**32 pictures**" in said(app)
    drawn = cache.sheet(digits, "model", 1.0, 7, 1)
    assert f"**{drawn.distances.min()} pixels**" in said(app)
    assert signed(
        f"nearest other one in {cache.reference_distance(digits):.0f} on average."
    ) in said(app)
    assert signed(f"{drawn.images.mean():.0%} ink") in alternative_text(app, "32 pictures")
    assert app.query_params["law"] == "model"
    good(app.button_group(key="law").set_value("uniform").run())
    assert "**96 pictures**" in said(app)


def test_a_link_shows_the_same_sheet():
    app = open_page("step1", law="frequencies", sheets="2,5")
    assert "**160 pictures**" in said(app)


def test_the_four_pictures_have_the_packages_log_p(digits):
    app = open_page("step1", example="3", seed="11", seen="step1")
    observed = experiments.observation(
        digits.network, digits.examples.picture("3").numpy(), seed=11
    )
    found = cache.verdicts(digits, observed, 1.0, 11)
    alt = alternative_text(app, "log p(x) in nats")
    for name in SUBJECTS:
        one = found[name]
        assert (
            signed(
                f"coin {one.uniform:,.0f}, frequencies {one.frequencies:,.0f}, "
                f"model at least {one.model:,.0f}"
            )
            in alt
        )
    assert signed(
        f"**{found[PICTURE].model - found[NOISE].ceiling:,.0f} nats** above noise"
    ) in said(app)
    assert signed(
        f"**{found[BLANK].model:,.0f} nats**, above 99 % of the test digits or more"
    ) in said(app)
    noise, cloud = (found[name].effective_samples for name in (NOISE, CLOUD))
    assert signed(f"from coins {noise:,.0f}, from frequencies {cloud:,.0f}") in said(app)


def test_a_picture_of_ones_own_is_rated_too():
    app = open_page("step1", source="upload")
    before = alternative_text(app, "log p(x) in nats")
    good(app.file_uploader(key="upload").set_value(("seven.png", digit_png(), "image/png")).run())
    assert alternative_text(app, "log p(x) in nats") != before


@pytest.mark.parametrize("letter", ["a", "b", "c"])
def test_every_answer_is_answered(letter):
    app = open_page("step1", answers=f"million-{letter},cloud-{letter}", seen="step1")
    marked = everything(app)
    for question, right in (("million", "c"), ("cloud", "b")):
        assert Text("en")(f"ask.{question}_{letter}_why", all=236, digits=36, one_in=200) in marked
        assert any(
            Text("en")(f"ask.{question}_{right}_why", all=236, digits=36, one_in=200) == entry.value
            for entry in app.success
        ) == (letter == right)


def test_plotly_accepts_its_figures_and_they_show_every_number(digits):
    observed = experiments.observation(digits.network, digits.examples.picture("0").numpy(), seed=7)
    found = cache.verdicts(digits, observed, 1.0, 7)
    large = counts(digits.metrics, 784)
    for language in LANGUAGES:
        bars = view.verdicts_figure(Text(language), found)
        accepted(bars)
        accepted(view.counts_figure(Text(language), large))
    shown = [[float(value) for value in trace["x"]] for trace in bars.to_dict()["data"]]
    assert shown == [[getattr(found[name], law) for name in SUBJECTS] for law in LAWS]


def test_a_picture_below_the_ceiling_of_noise_is_not_called_more_probable(digits):
    found = cache.verdicts(
        digits,
        experiments.observation(digits.network, digits.examples.picture("0").numpy(), seed=7),
        1.0,
        7,
    )
    assert "hardly seen" in view.noise_comparison(Text("en"), found | {PICTURE: found[NOISE]})
