from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from lightkeeper.evidence import Tier
from lightkeeper.scan import Policy, ScanRow, default_examiners, scan_file
from lightkeeper.scan._html import HtmlReport
from lightkeeper.testing.gallery import build_gallery

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

HOSTILE = "<img src=x onerror=document.title='taken'></script><script>document.title='taken'"


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[ScanRow]:
    gallery = build_gallery(tmp_path_factory.mktemp("gallery"))
    policy = Policy(tier=Tier.PIXELS, trust_anchors=gallery.anchors)
    examiners = default_examiners(policy)
    return [
        scan_file(str(path), examiners, policy, thumbnail=True)
        for path in sorted(gallery.pictures.iterdir())
    ]


@pytest.fixture
def show(chromium: Browser, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    context = chromium.new_context(viewport={"width": 1200, "height": 900})
    requests: list[str] = []
    troubles: list[str] = []

    def _show(rows: list[ScanRow]) -> Page:
        target = tmp_path / "report.html"
        output = HtmlReport(target, tier=Tier.PIXELS)
        for row in rows:
            output.add(row)
        output.finish()
        page = context.new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(target.as_uri())
        return page

    yield _show
    context.close()
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert troubles == []


@pytest.fixture
def page(show: Callable[..., Page], rows: list[ScanRow]) -> Page:
    return show(rows)


def names(page: Page) -> list[str]:
    return page.locator(".row .base").all_inner_texts()


def test_every_file_is_listed_with_its_origin_in_words(page: Page, rows: list[ScanRow]) -> None:
    assert names(page) == [Path(row.file).name for row in rows]
    line = page.locator(".row", has_text="poster-signed.png").locator("button")
    expect(line).to_contain_text("generated")
    expect(line.get_by_role("img")).to_have_attribute("aria-label", "very strong support")


def test_the_filter_finds_by_text_origin_and_conflict(page: Page) -> None:
    page.get_by_label("Filter").fill("comfyui")
    expect(page.locator("#found")).to_have_text("1 of 16 files")
    assert names(page) == ["dusk-comfyui.webp"]
    page.get_by_label("Filter").fill("")
    expect(page.locator("#found")).to_have_text(re.compile("^16 files in "))
    page.locator("#origins").get_by_role("button", name="captured").click()
    assert names(page) == ["garden-camera.jpg", "garden-truncated.jpg"]
    page.locator("#origins").get_by_role("button", name="captured").click()
    page.get_by_label("With conflicts").check()
    assert "poster-signed-tampered.png" in names(page)
    assert "poster-signed.png" not in names(page)
    page.get_by_label("Order").select_option("strength")
    assert names(page)[-1] == "poster-signed-tampered.png"


def test_the_keyboard_alone_moves_opens_filters_and_helps(page: Page) -> None:
    page.keyboard.press("j")
    page.keyboard.press("j")
    focused = page.locator(":focus")
    expect(focused).to_contain_text("dusk-comfyui.webp")
    page.keyboard.press("Enter")
    expect(focused).to_have_attribute("aria-expanded", "true")
    expect(page.locator(".evidence")).to_contain_text("Moderate support for generated")
    page.keyboard.press("k")
    expect(page.locator(":focus")).to_contain_text("bicycle-novelai-stealth.png")
    page.keyboard.press("/")
    page.keyboard.type("umbrella")
    expect(page.locator("#found")).to_contain_text("3 of 16")
    page.keyboard.press("Escape")
    expect(page.locator("#found")).to_have_text(re.compile("^16 files in "))
    page.keyboard.press("c")
    expect(page.get_by_label("With conflicts")).to_be_checked()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_prompts_are_folded_until_somebody_asks(page: Page) -> None:
    page.locator(".row", has_text="umbrella-infotext.png").locator("> button").click()
    prompt = page.get_by_text("a red umbrella on a rainy street")
    expect(prompt).to_be_hidden()
    page.get_by_text("Show: Prompt").click()
    expect(prompt).to_be_visible()
    expect(page.get_by_text("Show: Negative prompt (not wanted)")).to_be_visible()


def test_pictures_are_blurred_until_the_keyboard_or_a_click_asks(page: Page) -> None:
    page.locator(".row", has_text="garden-camera.jpg").locator("> button").click()
    veil = page.get_by_role("button", name="Show the picture")
    picture = veil.locator("img")
    expect(picture).to_have_css("filter", "blur(18px) grayscale(1)")
    assert picture.evaluate("image => image.naturalWidth") > 100
    veil.press("Enter")
    expect(picture).to_have_css("filter", "none")
    veil.click()
    expect(picture).to_have_css("filter", "blur(18px) grayscale(1)")


def edited(row: ScanRow) -> ScanRow:
    finding = {
        "claim": "region-edited",
        "basis": "measured",
        "summary": "A part of the picture bears the grid of the decoder house; the rest does not.",
        "source": "pixels:decoder-grid",
        "examiner": "edited-regions",
        "p_value": 1e-9,
        "tests": 64,
        "null_size": None,
        "limits": ["re-encoding-destroys"],
        "details": {
            "autoencoder": "house",
            "overlay": {"tones": ["0" * 12, "0000048ff800", "00000afffa00", "0" * 12], "cell": 16},
            "region": {"top": 16, "left": 80, "width": 80, "height": 32},
        },
    }
    return replace(row, file="/pictures/part.png", findings=[finding])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_map_is_shown_before_the_picture_and_told_in_words(
    show: Callable[..., Page], rows: list[ScanRow], scheme: str
) -> None:
    captured = next(row for row in rows if row.file.endswith("garden-camera.jpg"))
    page = show([edited(captured)])
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    figure = page.get_by_role("img", name="Map of 4 rows by 12 columns of cells of 16 pixels.")
    expect(figure).to_be_visible()
    expect(figure).to_have_accessible_name(re.compile("around the middle\\."))
    assert figure.locator("path").count() == 4
    expect(figure.locator(".part")).to_have_attribute("width", "5")
    tone, ground = figure.evaluate(
        "(map) => [getComputedStyle(map).fill, getComputedStyle(map).backgroundColor]"
    )
    assert abs(brightness(tone) - brightness(ground)) > 150
    expect(page.locator(".veil img")).to_have_css("filter", "blur(18px) grayscale(1)")
    page.get_by_text("Show: particulars").click()
    assert "0000048ff800" not in page.locator(".evidence").inner_text()
    assert page.evaluate(CONTRAST) == []
    page.set_viewport_size({"width": 320, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def brightness(colour: str) -> float:
    return sum(map(float, re.findall(r"[\d.]+", colour)[:3])) / 3


def test_without_thumbnails_there_is_no_picture(
    show: Callable[..., Page], rows: list[ScanRow]
) -> None:
    page = show([replace(row, thumbnail=None) for row in rows])
    page.locator(".row > button").first.click()
    expect(page.locator(".evidence")).to_be_visible()
    assert page.locator("img").count() == 0


def test_text_of_a_file_stays_text(show: Callable[..., Page], rows: list[ScanRow]) -> None:
    hostile = next(row for row in rows if row.file.endswith("umbrella-infotext.png"))
    [finding] = [f for f in hostile.findings if f["claim"] == "parameters"]
    details = finding["details"] | {"positive_prompt": HOSTILE, "model_name": HOSTILE}
    finding = finding | {"summary": HOSTILE, "details": details}
    page = show([replace(hostile, file=f"/pictures/{HOSTILE}.png", findings=[finding])])
    page.locator(".row > button").click()
    page.get_by_text("Show: Prompt").click()
    expect(page.locator("blockquote").first).to_have_text(HOSTILE)
    assert page.title() == "Lightkeeper scan report"
    assert page.locator("img").count() == 1  # the thumbnail


def test_ten_thousand_rows_stay_usable(show: Callable[..., Page], rows: list[ScanRow]) -> None:
    many = [
        replace(rows[n % 16], file=f"/pictures/{n:05}.png", thumbnail=None) for n in range(10_000)
    ]
    started = time.monotonic()
    page = show(many)
    expect(page.locator("#page")).to_have_text("Page 1 of 100")
    assert page.locator(".row").count() == 100
    page.get_by_label("Filter").fill("comfyui 0000")
    expect(page.locator("#found")).to_have_text("1 of 10,000 files")
    page.get_by_label("Filter").fill("")
    expect(page.locator("#found")).to_have_text(re.compile("^10,000 files in "))
    page.locator(".row > button").first.focus()
    page.keyboard.press("n")
    expect(page.locator("#page")).to_have_text("Page 2 of 100")
    expect(page.locator(":focus")).to_contain_text("00100.png")
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_the_contrast_of_wcag_aa_in_both_schemes(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    for name in ("market-wrong-size.png", "not-an-image.jpg", "harbour-mark.png"):
        page.locator(".row", has_text=name).locator("> button").click()
    page.get_by_text("How to read this").click()
    assert page.evaluate(CONTRAST) == []


def test_the_theme_button_overrules_the_system(page: Page) -> None:
    page.emulate_media(color_scheme="light")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    button = page.get_by_role("button", name="Dark")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before


def test_everything_that_takes_input_has_a_name_and_figures_have_words(page: Page) -> None:
    page.locator(".row > button").first.click()
    assert page.evaluate(NAMELESS) == []
    for figure in page.locator("figure svg").all():
        assert figure.get_attribute("aria-label")
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("h1").count() == 1


def test_a_narrow_window_needs_no_sideways_scrolling(page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 700})
    page.locator(".row > button").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


NAMELESS = """() => [...document.querySelectorAll("button, input, select, summary")]
  .filter((node) => !node.getAttribute("aria-label") && !node.textContent.trim())
  .filter((node) => !node.labels || !node.labels.length)
  .map((node) => node.outerHTML.slice(0, 80))"""

# Contrast of text against the nearest opaque background, by the formula of WCAG 2.2.
CONTRAST = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) =>
    0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = parse(getComputedStyle(node).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const node = walker.currentNode.parentElement;
    if (!text || !node.checkVisibility() || node.closest("svg, :disabled")) continue;
    const [a, b] = [parse(getComputedStyle(node).color), behind(node)].map(light);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${ratio.toFixed(2)} ${node.className} ${text.slice(0, 40)}`);
  }
  return poor;
}"""
