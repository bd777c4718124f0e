"""Step 3 in Streamlit's test driver: scores of guesses, the package's draws, a hidden answer."""

import pytest

from tests.pictures import digit_png
from tests.ui.drawings import accepted
from tests.ui.driver import alternative_text, good, open_page, said, shown_map, shown_maps, signed
from ui.lesson.step3_posterior import view
from ui.text import Text
from vae import experiments
from vae.experiments.lesson import inference
from vae.hub import sources


@pytest.fixture(scope="module")
def digits():
    return sources.resolve("mnist-2d")


def seen(digits, name: str = "0", seed: int = 7) -> experiments.Reconstruction:
    return experiments.reconstruct(
        digits.network, digits.examples.picture(name).numpy(), 1.0, seed=seed, use_mean=True
    )


def test_it_opens_without_giving_the_answer_away():
    app = open_page("step3", lang="ko")
    assert not app.error
    view = shown_map(app)
    assert view["own"] is None
    assert view["codes"] is False
    assert view["posterior"] is None
    assert len(shown_maps(app)) == 1
    assert Text("ko")("step3.no_guess") in said(app)
    assert Text("ko")("step3.why", share=0, hits=0, evidence=0)[:12] not in said(app)


def test_a_guess_is_scored_and_the_best_one_is_kept_in_the_link(digits):
    observed = seen(digits).observed
    good_one, bad_one = (
        inference.guess(digits.network, observed, point, 1.0) for point in ((0.7, 0.3), (-1.0, 1.0))
    )
    app = open_page("step3", pin="0.7,0.3")
    assert signed(f"**{good_one.log_likelihood:,.1f} nats**: your best guess so far") in said(app)
    assert app.query_params["pinbest"] == "0.7,0.3"
    assert (
        signed(f"log p(x|z) = {good_one.log_likelihood:,.1f} nats") in shown_map(app)["pin"]["alt"]
    )
    again = open_page("step3", pin="-1,1", pinbest="0.7,0.3")
    assert signed(
        f"**{bad_one.log_likelihood:,.1f} nats**. "
        f"Your best guess so far: {good_one.log_likelihood:,.1f}"
    ) in said(again)
    assert again.query_params["pinbest"] == "0.7,0.3"
    outside = open_page("step3", pin="9,9")
    assert shown_map(outside)["pin"] is None


def test_draws_and_estimates_are_the_packages(digits):
    observed = seen(digits).observed
    found = [
        inference.prior_draws(digits.network, observed, 1.0, count=count, seed=7)
        for count in (1, 10, 100)
    ]
    truth = experiments.posterior_map(digits.network, observed, 1.0).log_evidence
    app = open_page("step3")
    assert signed(f"log p(x|z) = **{found[0].estimates[0]:,.1f} nats**") in said(app)
    good(app.button_group(key="k").set_value(100).run())
    assert app.query_params["k"] == "100"
    last = found[-1]
    assert f"rests on {last.dominant[0]} of the first 100 draws" in said(app)
    assert signed(f"effective sample size {last.effective[0]:.1f}") in said(app)
    assert signed(f"**{last.estimates[0]:,.1f} nats**, the truth **{truth:,.1f} nats**") in said(
        app
    )
    alt = alternative_text(app, "Estimates of log p(x)")
    for draws in found:
        assert (
            signed(
                f"{draws.estimates.min():,.1f} to {draws.estimates.max():,.1f}, "
                f"mean {draws.mean:,.1f}"
            )
            in alt
        )
    assert ", ".join(view.shares(last)) in alternative_text(app, "The 8 draws of 100")
    accepted(view.estimates_figure(Text("en"), found, truth))
    before = said(app)
    good(app.button(key="new_seed").click().run())
    assert said(app) != before


def test_the_reveal_shows_the_true_posterior_and_how_little_of_the_prior_lies_there(
    digits,
):
    app = open_page("step3", lang="ko", pin="0,0.9")
    good(app.toggle(key="reveal_step3").set_value(True).run())
    found = experiments.posterior_map(digits.network, seen(digits).observed, 1.0)
    text = Text("ko")
    assert view.posterior_text(text, found) in said(app)
    assert signed(f"{found.prior_share:.3%}") in said(app)
    assert signed(f"{1000 * found.prior_share:.1f}") in said(app)
    whole, near = shown_maps(app)[-2:]
    assert whole["window"]["half"] == 4
    assert near["posterior"]
    assert near["window"]["half"] < 1
    for place in (found.peak, seen(digits).posterior_mean):
        assert abs(place[0] - near["window"]["x"]) < near["window"]["half"]
        assert abs(place[1] - near["window"]["y"]) < near["window"]["half"]
    assert app.query_params["seen"] == "step3"


def test_every_answer_gets_its_own_reason_after_the_reveal():
    app = open_page("step3")
    good(app.radio(key="ask_prior_draws").set_value("a").run())
    assert "p(x|z) differs by hundreds of nats" not in " ".join(entry.value for entry in app.info)
    good(app.toggle(key="reveal_step3").set_value(True).run())
    assert "p(x|z) differs by hundreds of nats" in " ".join(entry.value for entry in app.info)
    good(app.radio(key="ask_prior_draws").set_value("b").run())
    assert "0.083%" in " ".join(entry.value for entry in app.info)
    good(app.radio(key="ask_prior_draws").set_value("c").run())
    good(app.radio(key="ask_more_dimensions").set_value("b").run())
    assert len(app.success) == 2


def test_a_picture_of_ones_own_is_the_one_that_is_guessed():
    app = open_page("step3", source="upload", pin="-1.2,-0.6")
    before = said(app)
    good(app.file_uploader(key="upload").set_value(("seven.png", digit_png(), "image/png")).run())
    assert said(app) != before
    good(app.button_group(key="language").set_value("ko").run())
    assert app.query_params["own"] == "1"
