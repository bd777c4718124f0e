"""Both front ends in one process, and a student at the Gradio page.

It shows the same pictures and numbers as Streamlit's.
"""

import re
import urllib.request
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser import film
from tests.browser.app import LOADED, SharedPage, answered, open_page, visitor
from tests.pictures import digit_png, portrait
from tests.servers import running
from ui.text import Text
from vae.hub.sources import resolve

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def both():
    command = (
        "-m",
        "uvicorn",
        "asgi:app",
        "--port",
        "{port}",
        "--no-access-log",
        "--timeout-graceful-shutdown",
        "3",
    )
    with running(*command, health="/_stcore/health") as address:
        yield address


PICTURES = ("file", "seen", "reconstruction", "difference")


def elsewhere(url: str, address: str) -> bool:
    """Whether a request goes to another server."""
    return not url.startswith(("data:", "blob:", "/".join(address.split("/")[:3]) + "/"))


def open_gradio(
    browser, address: str, *, width: int = 1440, height: int = 900, locale: str = "en-US"
) -> Page:
    """A new visitor's Gradio page, completely drawn.

    Its failures are kept in page.failed, its sessions, a new one with each page, in page.sessions.
    """
    page = visitor(browser, locale=locale)
    page.set_viewport_size({"width": width, "height": height})
    page.failed, page.sessions = [], []
    page.on("pageerror", lambda error: page.failed.append(str(error)))
    page.on(
        "response",
        lambda answer: answer.status >= 400 and page.failed.append(f"{answer.status} {answer.url}"),
    )

    def sent(request: Request) -> None:
        if elsewhere(request.url, address):
            page.failed.append(f"elsewhere: {request.url}")
        session = parse_qs(urlsplit(request.url).query).get("session_hash", [None])[0]
        if session and session not in page.sessions:
            page.sessions.append(session)

    page.on("request", sent)
    page.goto(address)
    page.wait_for_selector(".film-flow[aria-busy=false]")
    page.wait_for_selector(".film-gallery .download:enabled")
    return page


def failures(page: Page) -> list[str]:
    """What failed on a page, without the answers of which a student went away.

    A page that is being left may still ask for them, when its session has just ended.
    """
    left = [f"404 .*/queue/data.*session_hash={session}" for session in page.sessions[:-1]]
    return [line for line in page.failed if not any(re.match(gone, line) for gone in left)]


@pytest.fixture(scope="module")
def shared(browser, both):
    shared = SharedPage(lambda: open_gradio(browser, f"{both}/gradio/?lang=en"), failures)
    yield shared
    shared.close()


@pytest.fixture
def page(request, shared):
    """A student's page in English, with whatever the last test has chosen."""
    with shared.test(request.session) as page:
        yield page


def shows(page: Page, name: str, text: str) -> None:
    """Wait until the alternative text of a picture (film.picture) has a text."""
    shown = film.picture(page, name)
    attribute = "aria-label" if name in ("reconstruction", "difference") else "alt"
    expect(shown).to_have_attribute(attribute, re.compile(text))


def move_beta(page: Page, to: str, model: str = "mnist") -> None:
    """Move beta by the keyboard alone, until the link has it."""
    stops = [f"{entry.beta:g}" for entry in resolve(model).metrics.betas]
    steps = stops.index(to) - int(film.bar(page).input_value())
    film.bar(page).focus()
    for _ in range(abs(steps)):
        page.keyboard.press("ArrowRight" if steps > 0 else "ArrowLeft")
    links_to(page, f"beta={to}")


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def upload_digit(page: Page, folder: Path) -> None:
    file = folder / "seven.png"
    file.write_bytes(digit_png())
    tab(page, "Upload")
    page.locator("#source-upload input").set_input_files(file)
    shows(page, "file", "300 × 400 pixels")


def choose_model(page: Page, name: str) -> None:
    """Choose a model by the keyboard; once more where an answer has just drawn the choice anew."""
    choice = page.locator("#model").get_by_label(name, exact=True)
    while not choice.is_checked():
        choice.focus()
        page.keyboard.press("Space")
        page.wait_for_timeout(200)


def pictures(page: Page) -> dict[str, str]:
    """The pixels of all pictures of the flow."""
    return {name: film.pixels(page, name) for name in PICTURES}


def changed(page: Page, name: str, before: dict[str, str]) -> dict[str, str]:
    """Wait until a picture has changed; returns all of them."""
    page.wait_for_function(
        f"([shown, before]) => ({film.PIXELS})(shown) !== before",
        arg=[film.picture(page, name).element_handle(), before[name]],
    )
    return pictures(page)


def test_one_process_serves_both(both):
    for path, expected in (
        ("/_stcore/health", b"ok"),
        ("/gradio/", b"gradio_config"),
        ("/gradio?lang=ko", b"gradio_config"),
        ("/", b"<title>Streamlit"),
    ):
        with urllib.request.urlopen(both + path) as answer:
            assert expected in answer.read()
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_neither_page_asks_anybody_else_or_leaves_a_cookie(browser, both):
    context = browser.new_context()  # of its own: nothing is in its cache
    context.set_default_timeout(LOADED)
    page, asked = context.new_page(), []
    context.on("request", lambda sent: asked.append(sent.url))
    for path, drawn in (
        ("/?lang=en", ".film-gallery .download"),
        ("/gradio/?lang=en", ".film-gallery .download:enabled"),
    ):
        page.goto(both + path)
        page.wait_for_selector(drawn)
        page.wait_for_load_state("load")
    assert len(asked) > 20
    assert [url for url in asked if elsewhere(url, both)] == []
    assert [cookie["name"] for cookie in context.cookies()] == []
    context.close()


@pytest.mark.parametrize(
    ("link", "language"),
    [
        pytest.param(
            "?lang=en&model=mnist&beta=0.1&seed=11&example=3", "en", marks=pytest.mark.weekly
        ),
        (
            "?lang=ko&model=fashion-mnist&beta=5&seed=2&example=Bag&noise=mean&pixels=draw&count=16&temperature=0.8",
            "ko",
        ),
        ("?lang=en&model=faces&beta=1&seed=7&example=2", "en"),
        pytest.param(
            "?lang=en&model=mnist-2d-autoencoder&example=8", "en", marks=pytest.mark.weekly
        ),
    ],
)
def test_a_link_shows_the_same_pictures_and_numbers_at_both(browser, both, link, language):
    streamlit = open_page(browser, f"{both}/{link}")
    gradio = open_gradio(browser, f"{both}/gradio/{link}")
    for name in PICTURES:
        assert film.described(gradio, name) == film.described(streamlit, name)
        assert film.pixels(gradio, name) == film.pixels(streamlit, name)
    theirs, ours = (page.locator(".film-gallery canvas") for page in (streamlit, gradio))
    assert ours.evaluate(film.PIXELS) == theirs.evaluate(film.PIXELS)
    assert ours.get_attribute("aria-label") == theirs.get_attribute("aria-label")
    assert film.numbers(gradio) == film.numbers(streamlit)
    charts = ".film-flow [role=img], .film-plane .plot"
    described = "all => all.map(chart => chart.getAttribute('aria-label'))"
    ours, theirs = (page.locator(charts).evaluate_all(described) for page in (gradio, streamlit))
    assert set(theirs) <= set(ours)  # of a plain autoencoder Gradio's plane is there and not seen
    assert gradio.get_by_role("tab", name=Text(language)("picture.source_upload")).count() == 1
    assert failures(gradio) == []
    streamlit.close()
    gradio.close()


def test_an_upload_is_the_same_at_both_and_survives_a_bad_file(browser, both, page, tmp_path):
    digit, bad = tmp_path / "seven.png", tmp_path / "notes.txt"
    digit.write_bytes(digit_png())
    bad.write_text("no picture at all, but long enough to be one", encoding="utf-8")
    tab(page, "Upload")
    page.locator("#source-upload input").set_input_files(digit)
    shows(page, "file", "300 × 400 pixels")
    taken = pictures(page)
    page.locator("#source-upload input").set_input_files(bad)
    expect(page.get_by_text("not a picture that can be read here")).to_be_visible()
    assert pictures(page) == taken

    streamlit = open_page(browser, f"{both}/?lang=en&source=upload")
    with answered(streamlit):
        streamlit.locator(".st-key-upload input[type=file]").set_input_files(digit)
        expect(film.picture(streamlit, "file")).to_have_attribute("alt", re.compile("300 × 400"))
    assert pictures(page) == pictures(streamlit)
    streamlit.close()


def test_beta_by_the_keyboard_moves_everything(page):
    move_beta(page, to="1")
    shows(page, "reconstruction", "at beta 1:")
    page.wait_for_selector(".film-gallery[aria-busy=false]")  # all of its frames are there
    gallery = page.locator(".film-gallery canvas")
    before, samples, said = pictures(page), gallery.evaluate(film.PIXELS), film.numbers(page)
    move_beta(page, to="50")
    shows(page, "reconstruction", "at beta 50:")
    after = pictures(page)
    assert after["seen"] == before["seen"]
    assert after["reconstruction"] != before["reconstruction"]
    expect(gallery).to_have_attribute("aria-label", re.compile("at beta 50,"))
    assert gallery.evaluate(film.PIXELS) != samples
    assert film.numbers(page) != said
    assert "beta=50" in page.locator(".languages a[lang=ko]").get_attribute("href")


def test_while_beta_is_dragged_the_server_hears_nothing(page):
    page.wait_for_selector(".film-gallery[aria-busy=false]")
    asked, seen = [], set()
    page.on("request", lambda sent: asked.append(sent.url))
    rests = film.drag(page, 1, lambda: seen.add(film.pixels(page, "reconstruction")))
    page.evaluate("0")  # Playwright passes on what has been asked while it waits for an answer
    assert len(seen) > 2
    # Of a hand that rests it hears twice: the beta, and the new link.
    assert len([url for url in asked if "queue/join" in url]) <= 2 * rests
    page.mouse.up()
    stop = resolve("mnist").metrics.betas[int(film.bar(page).input_value())]
    links_to(page, f"beta={stop.beta:g}")


def test_drawing_and_camera_send_a_picture(page):
    tab(page, "Draw")
    field = page.locator("#source-draw canvas").bounding_box()
    page.mouse.move(field["x"] + 60, field["y"] + 50)
    page.mouse.down()
    page.mouse.move(field["x"] + 140, field["y"] + 50, steps=5)
    page.mouse.move(field["x"] + 90, field["y"] + 160, steps=5)
    page.mouse.up()
    shows(page, "file", "400 × 400 pixels")
    drawn = film.picture(page, "file").get_attribute("src")
    tab(page, "Camera")
    page.get_by_role("button", name="Start the camera").click()
    page.wait_for_function("document.querySelector('#source-camera video').videoWidth > 0")
    told = page.get_by_test_id("toast-text").count()
    page.get_by_role("button", name="Take the photograph").click()
    # The fake camera shows a test pattern: either it is read as a shape, or one sentence says that
    # it is no digit.
    page.wait_for_function(
        """([before, told]) => document.querySelector('.film-flow .file img').src !== before
            || document.querySelectorAll('[data-testid=toast-text]').length > told""",
        arg=[drawn, told],
    )


def test_without_a_camera_it_says_so(page):
    page.evaluate("""() => {
        window.camera = navigator.mediaDevices.getUserMedia;
        navigator.mediaDevices.getUserMedia = () => Promise.reject(new Error('none'));
    }""")
    tab(page, "Camera")
    page.get_by_role("button", name="Start the camera").click()
    expect(page.get_by_text(Text("en")("source.no_camera"))).to_be_visible()
    page.evaluate("() => { navigator.mediaDevices.getUserMedia = window.camera; }")


def test_a_photograph_is_framed_and_stays_for_the_models_that_can_read_it(page, tmp_path):
    choose_model(page, "Faces, in colour")
    shows(page, "seen", "64 × 64 pixels")
    face = tmp_path / "face.jpg"
    face.write_bytes(portrait())
    tab(page, "Upload")
    page.locator("#source-upload input").set_input_files(face)
    expect(page.locator("#framing .guide img")).to_be_visible()
    shows(page, "file", "300 × 400 pixels")
    whole = pictures(page)
    page.locator("#framing input[type=range]").first.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    zoomed = changed(page, "seen", whole)
    assert zoomed["file"] == whole["file"]  # the model sees another part of it
    page.locator("#framing input[type=checkbox]").click()
    changed(page, "seen", zoomed)
    film.bar(page).focus()
    page.keyboard.press("End")
    largest = resolve("faces").metrics.betas[-1].beta
    shows(page, "reconstruction", f"at beta {largest:g}:")
    links_to(page, f"beta={largest:g}")
    choose_model(page, "Garments")
    shows(page, "seen", "28 × 28 pixels, .* light")
    shows(page, "file", "300 × 400 pixels")
    # Kept, or the nearest that this model knows.
    largest = resolve("fashion-mnist").metrics.at(largest).beta
    shows(page, "reconstruction", f"at beta {largest:g}:")
    choose_model(page, "Handwritten digits")
    expect(page.get_by_text(re.compile("No ink found"))).to_be_visible()
    shows(page, "file", "28 × 28 pixels")  # an example again, and the sentence that says why


def test_beta_survives_a_model_without_one(page):
    choose_model(page, "Handwritten digits")
    links_to(page, "model=mnist")
    move_beta(page, to="10")
    choose_model(page, "Plain autoencoder, 2-D code")
    links_to(page, "model=mnist-2d-autoencoder")
    expect(film.bar(page)).to_be_hidden()
    expect(page.get_by_text("no beta to move")).to_be_visible()
    choose_model(page, "Handwritten digits")
    shows(page, "reconstruction", "at beta 10:")
    expect(film.bar(page)).to_have_attribute("aria-valuetext", re.compile("^Beta 10,"))


def link(page: Page) -> str:
    """The link of the current view."""
    return page.locator(".languages a[lang=en]").get_attribute("href")


def links_to(page: Page, *settings: str) -> None:
    for setting in settings:
        expect(page.locator(".languages a[lang=en]")).to_have_attribute(
            "href", re.compile(rf"{setting}(&|$)")
        )


def eps_of(page: Page) -> int:
    """The number of eps in the link of the current view."""
    return int(re.search(r"eps=(\d+)", link(page))[1])


def test_the_address_holds_everything_but_a_file_of_ones_own(browser, both):
    page = open_gradio(browser, f"{both}/gradio/?lang=en")
    page.locator("#count").get_by_text("16", exact=True).click()
    page.wait_for_function("location.search.includes('count=16')")
    page.locator("#seed input").fill("12")
    page.locator("#noise").get_by_text("the mean").click()
    links_to(page, "seed=12&noise=mean&eps=0&example=0&count=16&pixels=mean&temperature=1")
    page.wait_for_function(
        "location.search.includes('seed=12&noise=mean&eps=0&example=0&count=16')"
    )
    expect(page.locator("#new-eps")).to_be_disabled()
    page.locator(".languages a[lang=ko]").click()
    expect(page.get_by_role("heading", name=Text("ko")("app.title"))).to_be_visible()
    gallery = page.locator(".film-gallery canvas")
    expect(gallery).to_have_attribute("aria-label", re.compile("12.*16"))
    assert failures(page) == []
    page.close()


def test_a_seed_that_is_none_is_one_sentence_and_an_empty_field_none(browser, both):
    page = open_gradio(browser, f"{both}/gradio/?lang=en")  # on which nothing was said yet
    page.locator("#seed input").fill("100000")
    expect(
        page.get_by_text("Seed must be a whole number from 0 to 99999; 100000 is not.")
    ).to_have_count(1)
    page.locator("#seed input").fill("")
    page.wait_for_timeout(800)
    assert page.get_by_test_id("toast-text").count() == 1
    page.locator("#seed input").fill("3")
    links_to(page, "seed=3")
    assert failures(page) == []
    page.close()


def test_after_a_file_each_example_can_be_chosen(page, tmp_path):
    upload_digit(page, tmp_path)
    tab(page, "Examples")
    page.locator("#example label").first.click()
    shows(page, "file", "28 × 28 pixels")


def test_whoever_clicks_fast_ends_where_the_last_click_was(page):
    for wait in (0, 20, 120):
        for name in ("5", "8", "4"):
            page.locator("#example label").filter(has_text=name).click()
            page.wait_for_timeout(wait)
        links_to(page, "example=4")
        page.wait_for_timeout(800)
        assert "example=4&" in link(page)
    eps = eps_of(page)
    for _ in range(5):
        page.locator("#new-eps").click()
    links_to(page, f"eps={eps + 5}")
    choose_model(page, "Faces, in colour")
    choose_model(page, "Garments")
    links_to(page, "model=fashion-mnist")
    page.wait_for_selector(".film-gallery .download:enabled")
    with page.expect_download() as saved:
        page.locator(".film-gallery .download").click()
    assert saved.value.suggested_filename.startswith("fashion-mnist")
    page.wait_for_timeout(1500)
    assert "model=fashion-mnist&" in link(page)
    shows(page, "seen", "28 × 28 pixels, .* light")


def test_a_new_eps_is_another_z_and_the_mean_has_none(page):
    first, eps = pictures(page), eps_of(page)
    page.locator("#new-eps").click()
    changed(page, "reconstruction", first)
    links_to(page, f"eps={eps + 1}")
    page.locator("#noise").get_by_text("the mean").click()
    expect(page.locator(".languages a[lang=en]")).to_have_attribute(
        "href", re.compile("noise=mean")
    )


def test_the_browsers_language_is_the_first(browser, both):
    page = open_gradio(browser, f"{both}/gradio/", locale="ko-KR")
    expect(page.get_by_role("heading", name=Text("ko")("app.title"))).to_be_visible()
    expect(page.get_by_role("tab", name=Text("ko")("picture.source_draw"))).to_be_visible()
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("tab", name="Draw")).to_be_visible()
    expect(page.get_by_role("heading", name="VAE Lab")).to_be_visible()
    page.close()


def test_a_reload_loses_a_file_and_says_so(page, tmp_path):
    upload_digit(page, tmp_path)
    page.wait_for_function("location.search.includes('picture=own')")
    page.reload()
    shows(page, "file", "28 × 28 pixels")
    expect(page.get_by_text(Text("en")("source.gone"))).to_be_visible()
    page.wait_for_function("!location.search.includes('picture=own')")


def test_the_arrow_keys_move_between_radio_buttons(page):
    choose_model(page, "Handwritten digits")
    links_to(page, "model=mnist")
    page.locator("#example input").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("location.search.includes('example=1&')")


def test_on_a_phone_every_source_is_in_sight_and_the_sums_are_whole(browser, both):
    page = open_gradio(browser, f"{both}/gradio/?lang=en", width=390, height=844)
    for source in ("Examples", "Upload", "Draw", "Camera"):
        expect(page.get_by_role("tab", name=source)).to_be_in_viewport(ratio=1)
    bar = film.bar(page).bounding_box()  # at the lower edge, wherever the page is
    assert bar["y"] > 844 - 100
    bars = page.locator(".film-flow .bars").bounding_box()
    for total in page.locator(".film-flow .bars .sum").all():
        box = total.bounding_box()
        assert box["x"] + box["width"] <= bars["x"] + bars["width"] + 1
    page.close()
