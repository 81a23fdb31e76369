"""The board in a real browser: move, share, undo, translate, by mouse and by keyboard, and nothing leaves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import board_app
from browser_board import CHROMIUM, SLIDER, address_of, chromium, visits

pytestmark = [
    pytest.mark.browser,
    pytest.mark.model,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}"),
]
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
FIELD = f"{SLIDER} ~ input"
PROTECTED = "tr[data-outcome=people_protected]"


@pytest.fixture(scope="module")
def address() -> str:
    return address_of(board_app.app())


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium(playwright) as started:
        yield started


@pytest.fixture
def visit(browser: Any, address: str) -> Iterator[Any]:
    with visits(browser, address) as open_page:
        yield open_page


def test_moving_a_slider_changes_the_numbers_and_the_charts(visit: Any) -> None:
    seen = visit()
    assert seen.page.locator(f"{PROTECTED} .change").inner_text() == ""
    path = seen.page.locator("path.scen.line").first.get_attribute("d")
    assert not path
    seen.set(12000)
    change = seen.page.locator(f"{PROTECTED} .change").inner_text()
    assert change.startswith("+")
    assert "better" in seen.text(f"{PROTECTED} .verdict")
    assert seen.page.locator(".card path.scen.line").first.get_attribute("d").startswith("M")
    assert seen.page.locator(FIELD).input_value() == "12000"
    seen.set(200)
    assert seen.page.locator(f"{PROTECTED} .change").inner_text().startswith("−")
    assert "worse" in seen.text(f"{PROTECTED} .verdict")


def test_the_link_opens_the_same_scenario(visit: Any) -> None:
    seen = visit()
    seen.page.select_option("#horizon", "6")
    seen.set(7000)
    seen.set(50, "#lever-support_coverage")
    link = seen.page.url
    assert "s=asylum_decisions=7000" in link
    assert len(link) < 200
    other = visit(link.split("#")[1])
    assert other.drawn == seen.drawn
    assert other.text(PROTECTED) == seen.text(PROTECTED)
    assert other.page.locator("#horizon").input_value() == "6"
    assert other.page.locator(SLIDER).input_value() == "7000"


@pytest.mark.parametrize(
    ("fragment", "said"),
    [
        ("v=9&s=asylum_decisions=7000", "another version"),
        ("s=asylum_decisions=7000", "another version"),
        ("v=1&s=asylum_decision=7000", "there is no lever “asylum_decision”"),
        ("v=1&s=asylum_decisions=1e9", "asylum_decisions cannot be 1e9"),
        ("v=1&s=asylum_decisions=5@2031-01", "2031-01 is not among the months ahead"),
        ("v=1&m=400", "400 months ahead are not possible"),
        ("v=1&a=patience=NaN", "patience cannot be NaN"),
        ("v=1&c=nothing", "there is no series “nothing”"),
        ("v=1&s=%E0%A4%A", "is not a setting"),
        ("v=1&<img src=x onerror=alert(1)>", "is not a setting"),
    ],
)
def test_a_link_that_cannot_be_read_says_why_and_shows_the_outlook(visit: Any, fragment: str, said: str) -> None:
    seen = visit(fragment)
    assert said in seen.text("#notice")
    assert seen.page.locator("#notice img").count() == 0
    assert seen.page.locator(f"{PROTECTED} .change").inner_text() == ""


def test_a_link_of_another_day_is_shown_with_a_word(visit: Any) -> None:
    seen = visit("v=1&lang=en&d=2023-09-29&s=asylum_decisions=7000")
    assert "September 29, 2023" in seen.text("#notice")
    assert seen.page.locator(SLIDER).input_value() == "7000"


def test_undo_and_redo(visit: Any) -> None:
    seen = visit()
    first = seen.drawn
    one = seen.set(6000)
    two = seen.set(9000)
    seen.page.click("#do-undo")
    assert seen.redrawn(two) == one
    assert seen.page.locator(SLIDER).input_value() == "6000"
    seen.page.keyboard.press("Control+z")
    assert seen.redrawn(one) == first
    seen.page.keyboard.press("Control+Shift+Z")
    assert seen.redrawn(first) == one
    seen.page.click("#do-reset")
    assert seen.redrawn(one) == first
    seen.page.click("#do-undo")
    assert seen.redrawn(first) == one


def test_a_lever_can_rise_in_steps_and_keeps_them(visit: Any) -> None:
    seen = visit("v=1&lang=en&s=asylum_decisions=9000")
    card = seen.page.locator(".lever", has=seen.page.locator(SLIDER))
    card.locator("button[aria-expanded]").click()
    before = seen.drawn
    steps = card.get_by_label(re.compile("^months until it is reached"))
    steps.fill("6")
    steps.press("Enter")
    after = seen.redrawn(before)
    assert "s=asylum_decisions=9000~6" in seen.page.url
    assert seen.set(8000) != after
    assert "s=asylum_decisions=8000~6" in seen.page.url


def test_language_changes_in_place(visit: Any) -> None:
    seen = visit()
    before = seen.set(9000)
    english = seen.text(f"{PROTECTED} .change")
    seen.page.click(".langs button[lang=es-MX]")
    seen.page.wait_for_selector("html[lang=es-MX]")
    assert "Personas protegidas en México" in seen.text(PROTECTED)
    assert seen.text(f"{PROTECTED} .change") == english
    assert seen.page.locator(SLIDER).input_value() == "9000"
    assert seen.drawn == before
    assert seen.page.evaluate("document.activeElement.lang") == "es-MX"
    other = visit(seen.page.url.split("#")[1])
    assert other.page.get_attribute("html", "lang") == "es-MX"
    assert "Palancas" in other.text("#panel")


def test_the_browser_s_language_is_met(visit: Any) -> None:
    assert "Resultados por parte" in visit(locale="es-ES").text("#outcomes")


def test_keyboard_alone_is_enough(visit: Any) -> None:
    seen = visit()
    page = seen.page
    page.keyboard.press("Tab")
    assert page.locator(":focus").get_attribute("id") == "skip"
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.locator(":focus").get_attribute("id") == "lever-refugee_places":
            break
    else:
        pytest.fail("Tab does not reach the levers")
    before = seen.drawn
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    seen.redrawn(before)
    page.locator("#live", has_text="With these measures").wait_for(state="attached")
    assert "s=refugee_places=" in page.url
    page.locator("#tab-levers").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator(":focus").get_attribute("id") == "tab-packages"
    assert page.locator(".package").count() > 5
    page.locator("svg.chart").first.focus()
    page.keyboard.press("Home")
    assert "published" in page.locator(".readout").first.inner_text()
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    assert page.evaluate("document.activeElement.matches('svg.chart')")


def test_looking_inside_leads_along_the_equations(visit: Any) -> None:
    seen = visit()
    seen.page.click("tr[data-outcome=deaths_on_route] button")
    seen.page.wait_for_selector("dialog[open]")
    assert "deaths_on_route = " in seen.text("#inside")
    seen.page.click("#inside .neighbours button")
    seen.page.locator("#inside > p code", has_text=re.compile("^died_on_route$")).wait_for()
    seen.page.click("#inside >> text=Back")
    seen.page.locator("#inside > p code", has_text=re.compile("^deaths_on_route$")).wait_for()


def test_packages_load_and_a_slider_takes_over(visit: Any) -> None:
    seen = visit()
    before = seen.drawn
    seen.page.click("#tab-packages")
    seen.page.locator(".package", has_text="Double Mexico's asylum decisions").locator("button").click()
    loaded = seen.redrawn(before)
    assert "s=asylum_decisions=x2" in seen.page.url
    assert visit(seen.page.url.split("#")[1]).drawn == loaded
    seen.page.click("#tab-levers")
    assert "1 dated setting" in seen.text(".lever.set")
    seen.set(4000)
    assert "s=asylum_decisions=4000" in seen.page.url


def test_assumptions_move_the_outlook_and_come_back(visit: Any) -> None:
    seen = visit()
    first = seen.drawn
    base = seen.text("tr[data-outcome=overdose_deaths] .without")
    seen.page.click("#tab-assumptions")
    seen.page.fill(".assumptions input[type=search]", "deaths without synthetic")
    seen.page.locator("#assumption-other_deaths_base").fill("100")
    moved = seen.redrawn(first)
    assert "a=" in seen.page.url
    assert seen.text("tr[data-outcome=overdose_deaths] .without") != base
    seen.page.locator(".assumptions li.set button").first.click()
    assert seen.redrawn(moved) == first


def test_data_can_be_taken_along(visit: Any) -> None:
    seen = visit("v=1&m=6&s=asylum_decisions=9000")
    seen.page.click("#do-download")
    with seen.page.expect_download() as download:
        seen.page.click("#get-csv")
    lines = Path(download.value.path()).read_text("utf-8-sig").splitlines()
    assert "s=asylum_decisions=9000" in lines[0]
    assert sum(line.startswith("series,mexico.homicides,") for line in lines) == 6
    assert sum(line.startswith("outcome_") for line in lines) == len(board_app.projector().outcomes)


def test_presenting(visit: Any) -> None:
    seen = visit()
    seen.page.click("#do-present")
    assert seen.page.locator(".card.large").count() == 2
    assert not seen.page.locator("#panel").is_visible()
    seen.page.keyboard.press("5")
    assert "homicide" in str(
        seen.page.evaluate("document.querySelector('.card.large[style*=\"order: 0\"] select').selectedOptions[0].value")
    )
    seen.page.keyboard.press("Escape")
    assert seen.page.locator("#panel").is_visible()


@pytest.mark.parametrize("width", [360, 768, 1440])
@pytest.mark.parametrize("lang", ["en", "es"])
def test_nothing_sticks_out(visit: Any, width: int, lang: str) -> None:
    seen = visit(f"v=1&lang={lang}&s=asylum_decisions=9000", viewport={"width": width, "height": 800})
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.slow
@pytest.mark.parametrize(("width", "tab"), [(1440, "levers"), (1440, "packages"), (360, "assumptions")])
def test_accessibility_rules_hold(visit: Any, width: int, tab: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    seen = visit("v=1&lang=en&s=asylum_decisions=9000", viewport={"width": width, "height": 900})
    seen.page.click(f"#tab-{tab}")
    seen.page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true })")
    found = axe.Axe().run(
        seen.page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    )
    assert found.violations_count == 0, found.generate_report()


def test_without_motion_nothing_moves(visit: Any) -> None:
    seen = visit(reduced_motion="reduce")
    moving = "[...document.querySelectorAll('*')].filter(n => getComputedStyle(n).transitionDuration !== '0s').length"
    assert seen.page.evaluate(moving) == 0
