"""The playground in a real Chromium, as a student meets it."""

import io
import re

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.app import (
    Journal,
    SharedPage,
    answered,
    exceptions,
    look_around,
    open_page,
    settle,
)
from tests.browser.film import described, move_beta, numbers, picture, pixels, query, shows_beta
from tests.pictures import digit_png, portrait

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def shared(browser, address):
    asked: list[str] = []

    def opened() -> Page:
        return open_page(
            browser,
            f"{address}/?lang=en",
            listen=lambda page: page.on("request", lambda request: asked.append(request.url)),
        )

    def failures(page: Page) -> list[str]:
        """Exceptions on the page, and requests to anybody but the app."""
        own = (address, "data:", "blob:")
        assert f"{address}/" in "".join(asked)
        return exceptions(page) + [url for url in asked if not url.startswith(own)]

    shared = SharedPage(opened, failures)
    yield shared
    shared.close()


@pytest.fixture
def page(request, shared):
    """A student's page in English, with whatever the last test has chosen."""
    with shared.test(request.session) as page:
        yield page


def on_first_screen(page: Page) -> None:
    """The picture, its reconstruction, the loss and the plane's top are seen without scrolling."""
    for part in (".reconstruction canvas", ".bars"):
        box = page.locator(f".film-flow {part}").bounding_box()
        assert box["y"] + box["height"] <= 900, part
    assert page.locator(".film-plane").bounding_box()["y"] <= 900


def choose(page: Page, key: str, label: str) -> None:
    """Press one of the buttons of a choice, unless it is pressed already."""
    button = page.locator(f".st-key-{key} button", has_text=label)
    if button.get_attribute("aria-checked") != "true":
        with answered(page):
            button.click()


def choose_model(page: Page, label: str) -> None:
    model = page.locator(".st-key-model input")
    if model.input_value() != label:
        with answered(page):
            model.click()
            page.get_by_role("option", name=label, exact=True).click()


def test_a_student_uploads_moves_beta_and_shares_the_link(page, tmp_path):
    on_first_screen(page)
    example = pixels(page, "reconstruction")
    choose(page, "source", "Upload")
    file = tmp_path / "seven.png"
    file.write_bytes(digit_png())
    with answered(page):
        page.locator(".st-key-upload input[type=file]").set_input_files(file)
        alternative = "Your picture, shown at 300 × 400 pixels"
        expect(picture(page, "file")).to_have_attribute("alt", alternative)
    uploaded = pixels(page, "reconstruction")
    assert uploaded != example
    at_one = numbers(page)
    move_beta(page, to="10")
    assert numbers(page) != at_one
    assert pixels(page, "reconstruction") != uploaded
    assert query(page)["beta"] == ["10"]
    # The link does not hold the upload; it opens on the example and says so.
    page.reload()
    settle(page)
    shows_beta(page, "10")
    assert query(page)["beta"] == ["10"]
    expect(page.get_by_text("A picture of one's own goes with its session")).to_be_visible()


def test_reloading_the_link_shows_the_same_view(page):
    choose(page, "source", "Examples")
    choose(page, "example", "8")
    move_beta(page, to="0.2")
    with answered(page):
        page.locator(".st-key-new_eps button").first.click()
        page.wait_for_url(re.compile("eps=1"))
    with answered(page):
        page.locator(".st-key-new_seed button").first.click()
        page.wait_for_url(re.compile("seed=8"))
    choose(page, "noise", "the mean")
    choose(page, "count", "16")
    view = [
        numbers(page),
        *(described(page, name) for name in ("seen", "reconstruction", "difference")),
    ]
    images = [pixels(page, name) for name in ("reconstruction", "difference")]
    page.reload()
    settle(page)
    shows_beta(page, "0.2")
    assert [
        numbers(page),
        *(described(page, name) for name in ("seen", "reconstruction", "difference")),
    ] == view
    assert [pixels(page, name) for name in ("reconstruction", "difference")] == images
    assert page.locator(".st-key-count [aria-checked=true]").inner_text() == "16"


def test_a_digit_drawn_with_the_mouse_is_seen(page):
    choose(page, "source", "Draw")
    frame = page.locator(".st-key-canvas canvas").last
    frame.scroll_into_view_if_needed()
    box = frame.bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 140, box["y"] + 50, steps=8)
    page.mouse.move(box["x"] + 85, box["y"] + 160, steps=8)
    page.mouse.up()
    alternative = "Your picture, shown at 200 × 200 pixels"
    expect(picture(page, "file")).to_have_attribute("alt", alternative)
    settle(page)
    assert page.locator(".st-key-steps img").count() == 6
    assert page.locator(".stAlert").count() == 0


def test_a_camera_picture_never_breaks_the_page(page):
    choose(page, "source", "Camera")
    page.wait_for_function("document.querySelector('.st-key-camera video')?.readyState === 4")
    take, clear = (
        page.locator(".st-key-camera button", has_text=label)
        for label in ("Take Photo", "Clear photo")
    )
    # Streamlit's camera may show the stream a moment before it can take a photograph of it.
    while not clear.is_visible():
        if take.is_visible():
            take.dispatch_event("click")
        page.wait_for_timeout(500)
    # The fake camera shows a test pattern: either it is read as a shape, or one sentence says that
    # it is no digit.
    page.wait_for_selector(".stAlert, .film-flow .file img:not([alt*='28 × 28'])")
    settle(page)


def test_a_file_that_is_no_picture_is_one_sentence_and_the_page_lives_on(page):
    choose(page, "source", "Upload")
    page.locator(".st-key-upload input[type=file]").set_input_files(
        {"name": "notes.png", "mimeType": "image/png", "buffer": b"dear diary"}
    )
    expect(page.locator(".stAlert")).to_have_count(1)
    expect(page.locator(".stAlert")).to_contain_text("save it as PNG or JPEG")
    move_beta(page, to="2")


def test_a_file_beyond_the_limit_is_refused_with_the_limit(page, tmp_path):
    choose(page, "source", "Upload")
    with open(tmp_path / "huge.png", "wb") as file:
        file.truncate(21 << 20)
    page.locator(".st-key-upload input[type=file]").set_input_files(tmp_path / "huge.png")
    expect(page.locator(".st-key-upload")).to_contain_text("must be 20")
    move_beta(page, to="1.6")


def test_a_portrait_is_framed_by_the_keyboard_until_the_eyes_lie_on_their_line(page, tmp_path):
    choose_model(page, "Faces, in colour")
    choose(page, "source", "Upload")
    file = tmp_path / "portrait.png"
    file.write_bytes(portrait())
    with answered(page):
        page.locator(".st-key-upload input[type=file]").set_input_files(file)
        expect(page.get_by_text("Eyes on the upper line")).to_be_visible()
    whole = pixels(page, "seen")
    guide = page.locator("img[alt^='The square that the model will see']")
    before = guide.get_attribute("src")
    with answered(page):
        page.locator("[class*=st-key-zoom-] input[type=range]").focus()
        for _ in range(8):
            page.keyboard.press("ArrowRight")
        expect(guide).not_to_have_attribute("src", before)
    zoomed = pixels(page, "seen")
    assert zoomed != whole
    with answered(page):
        page.locator("[class*=st-key-across-] input[type=range]").focus()
        page.keyboard.press("Home")
    assert pixels(page, "seen") != zoomed


def test_clicking_a_point_of_the_plane_goes_to_its_beta_again_and_again(page):
    choose_model(page, "Handwritten digits")
    choose(page, "source", "Examples")
    choose(page, "example", "5")  # a hard one: its own curve lies far from the test set's
    for index, beta in ((0, "0.01"), (10, "0.1"), (30, "10"), (10, "0.1")):
        point = page.locator(".film-plane circle.dot.average").nth(index)
        point.scroll_into_view_if_needed()
        box = point.bounding_box()
        with answered(page):
            page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            page.wait_for_url(re.compile(f"beta={beta}(&|$)"))
            shows_beta(page, beta)


def test_the_language_changes_everything_but_the_state(page):
    move_beta(page, to="2.5")
    english = numbers(page)
    choose(page, "language", "한국어")
    expect(page.get_by_text("내 그림")).to_be_visible()
    assert numbers(page) != english
    assert query(page)["beta"] == ["2.5"]
    assert query(page)["lang"] == ["ko"]
    # What the browser asks for right after a run doesn't begin the gallery's controls anew.
    assert "temperature" not in query(page)
    shows_beta(page, "2.5")
    choose(page, "language", "English")
    assert numbers(page) == english


def test_what_was_chosen_by_hand_stays_chosen_in_the_other_language(page):
    """The next action keeps it as well, though the browser then sends the labels that it shows."""
    choose_model(page, "Garments")
    choose(page, "source", "Examples")
    choose(page, "example", "Sandal")
    choose(page, "noise", "the mean")
    choose(page, "pixels", "draw")
    chosen = {
        "model": ["fashion-mnist"],
        "example": ["Sandal"],
        "noise": ["mean"],
        "pixels": ["draw"],
    }
    for language, code, beta, named in (
        ("한국어", "ko", "1.25", "옷과 신발"),
        ("English", "en", "1.6", "Garments"),
    ):
        choose(page, "language", language)
        move_beta(page, to=beta, model="fashion-mnist")
        expected = chosen | {"lang": [code], "beta": [beta]}
        assert query(page) | expected == query(page)
        expect(page.locator(".st-key-model input")).to_have_value(named)
    choose(page, "pixels", "mean")
    choose(page, "noise", "drawn")


def test_a_korean_browser_opens_in_korean_and_the_idea_fits_on_one_screen(browser, address):
    page = open_page(browser, address, locale="ko-KR")
    expect(page.get_by_text("내 그림")).to_be_visible()
    on_first_screen(page)
    page.close()


def test_the_gallery_is_downloaded_as_a_png(page):
    choose_model(page, "Handwritten digits")
    with page.expect_download() as download:
        page.locator(".film-gallery .download").click()
    beta, seed = query(page).get("beta", ["1"])[0], query(page).get("seed", ["7"])[0]
    assert download.value.suggested_filename == f"mnist-beta-{beta}-seed-{seed}.png"
    image = Image.open(io.BytesIO(download.value.path().read_bytes()))
    assert image.format == "PNG"
    assert image.width > 800


def test_nothing_sticks_out_and_every_picture_has_an_alternative_text(browser, address):
    journal = Journal()
    page = open_page(browser, f"{address}/?lang=en", width=390, listen=journal.listen)
    for model in ("Garments", "Faces, in colour", "Handwritten digits"):
        page.set_viewport_size({"width": 1440, "height": 844})  # the model's list is in view
        choose_model(page, model)
        look_around(page, journal, most_bytes=1_000_000)  # a film of faces
    page.close()


FOCUSED = """() => {
    let focused = document.activeElement;
    const names = [focused.closest('[class*=st-key-]')?.className.match(/st-key-([\\w-]+)/)?.[1]];
    while (focused.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
    return [...names, focused.dataset.part, focused.className || focused.localName]
        .filter(Boolean).flatMap(name => name.split(' '));
}"""


def test_the_keyboard_reaches_every_control(page):
    choose(page, "noise", "drawn")  # with the mean there is no new eps
    reached = set()
    for _ in range(140):  # twice around the page
        page.keyboard.press("Tab")
        reached.update(page.evaluate(FOCUSED))
    assert {
        "model",
        "beta_bar_mnist",
        "seed",
        "new_seed",
        "noise",
        "language",
        "source",
        "example",
        "encoder",
        "code",
        "sampling",
        "decoder",
        "distortion",
        "rate",
        "new_eps",
        "plot",
        "count",
        "pixels",
        "temperature",
        "download",
    } <= reached
