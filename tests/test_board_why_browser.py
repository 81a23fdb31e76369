"""Why a number moved, past forecasts and diagrams, in a real browser: by mouse, by keyboard, in both languages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

import board_app
from browser_board import CHROMIUM, Visit, address_of, chromium, visits

pytestmark = [
    pytest.mark.browser,
    pytest.mark.model,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}"),
]
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
SET = "v=1&lang={lang}&s=asylum_decisions=9000&s=refugee_places=8000"


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
        yield lambda lang="en", fragment=SET, **options: open_page(fragment.format(lang=lang), **options)


def explained(seen: Visit) -> None:
    seen.page.wait_for_selector("#why .bars li")


def test_an_outcome_says_why_it_moved_and_leads_upstream(visit: Any) -> None:
    seen = visit()
    shown = seen.text("tr[data-outcome=people_protected] .change")
    seen.page.click("tr[data-outcome=people_protected] .change button")
    explained(seen)
    assert shown in seen.text("#why > p:nth-of-type(2)")
    assert seen.page.locator("#why-levers li").count() == 2
    assert "asylum" in seen.text("#why-levers").lower()
    first = seen.text("#why .why-what")
    cause = seen.page.locator("#why-drivers button[data-cause]").first
    name = cause.inner_text()
    cause.click()
    seen.page.locator("#why .why-what strong", has_text=name).wait_for()
    seen.page.click("#why-back")
    seen.page.wait_for_function("text => document.querySelector('#why .why-what').innerText === text", arg=first)
    assert seen.page.locator("#why-back").count() == 0


def test_a_chart_says_why_by_keyboard_alone(visit: Any) -> None:
    seen = visit()
    chart = seen.page.locator(".card", has=seen.page.locator("select")).nth(1)
    chart.locator("svg.chart").focus()
    seen.page.keyboard.press("End")
    seen.page.keyboard.press("ArrowLeft")
    chart.locator(".whyline").focus()
    with seen.page.expect_request("**/api/why") as asked:
        seen.page.keyboard.press("Enter")
    assert json.loads(asked.value.post_data)["month"] == "2025-11"
    explained(seen)
    assert "Nov 2025" in seen.text("#why .why-what")
    assert seen.page.evaluate("document.activeElement.closest('dialog').id") == "why"
    for _ in range(20):
        seen.page.keyboard.press("Tab")
        if seen.page.evaluate("document.activeElement.dataset.cause"):
            break
    else:
        pytest.fail("Tab does not reach a cause")
    before = seen.text("#why .why-what")
    seen.page.keyboard.press("Enter")
    seen.page.wait_for_function("text => document.querySelector('#why .why-what').innerText !== text", arg=before)
    assert seen.page.evaluate("document.activeElement.closest('dialog').id") == "why"
    seen.page.keyboard.press("Escape")
    assert seen.page.locator("dialog[open]").count() == 0


def test_without_a_setting_there_is_nothing_to_explain(visit: Any) -> None:
    seen = visit(fragment="v=1&lang=en")
    assert not seen.page.locator(".whyline").first.is_visible()
    assert seen.page.locator(".change button").count() == 0


def test_it_speaks_spanish(visit: Any) -> None:
    seen = visit("es")
    seen.page.click("tr[data-outcome=people_protected] .change button")
    explained(seen)
    assert seen.text("#why-title") == "¿Por qué cambió?"
    assert "Según sus causas directas" in seen.text("#why")
    seen.page.click("#why .why-foot button:last-child")
    seen.page.wait_for_selector("#inside[open]")
    seen.page.click("#inside-diagram summary")
    image = seen.page.wait_for_selector("#inside-diagram img")
    assert image.get_attribute("src").endswith("lang=es")
    seen.page.wait_for_function("document.querySelector('#inside-diagram img').naturalWidth > 300")


def test_looking_inside_a_series_shows_its_past_forecasts(visit: Any) -> None:
    seen = visit()
    seen.page.locator(".card", has=seen.page.locator("option[value='mexico.homicides']:checked")).locator(
        "svg.chart"
    ).press("Enter")
    seen.page.wait_for_selector("#inside-record svg")
    said = re.search(r"of (\d+) figures that came since, (\d+) fell", seen.text("#inside-record"))
    assert said is not None
    points = seen.page.locator("#inside-record circle")
    assert points.count() == int(said[1])
    assert seen.page.locator("#inside-record circle.outside").count() == int(said[1]) - int(said[2])
    seen.page.click("#inside-record summary")
    assert seen.page.locator("#inside-record tbody tr").count() == int(said[1])


def test_a_parameter_shows_its_range_before_and_after_the_figures(visit: Any) -> None:
    seen = visit()
    seen.page.locator("svg.chart").nth(4).press("Enter")
    seen.page.wait_for_selector("#inside[open]")
    seen.page.click("#inside .neighbours li:has(code:text-is('homicide_season')) button")
    seen.page.click("#inside .neighbours li:has(code:text-is('homicide_cos')) button")
    seen.page.wait_for_selector(".ranges svg")
    assert seen.page.locator(".ranges circle.before").count() == 1
    assert seen.page.locator(".ranges circle.after").count() == 1
    before, after = (seen.page.locator(f".ranges line.{kind}").bounding_box()["width"] for kind in ("before", "after"))
    assert after < before


@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("lang", ["en", "es"])
def test_nothing_sticks_out(visit: Any, width: int, lang: str) -> None:
    seen = visit(lang, viewport={"width": width, "height": 900})
    seen.page.locator("tr[data-outcome=people_protected] .change button").click()
    explained(seen)
    wide = "(() => { const box = document.querySelector('dialog[open]'); return box.scrollWidth - box.clientWidth })()"
    assert seen.page.evaluate(wide) <= 0
    seen.page.click("#why .why-foot button:last-child")
    seen.page.wait_for_selector("#inside[open]")
    seen.page.click("#inside-diagram summary")
    assert seen.page.evaluate(wide) <= 0


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 1440])
def test_accessibility_rules_hold(visit: Any, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    seen = visit(viewport={"width": width, "height": 900})
    seen.page.click("tr[data-outcome=people_protected] .change button")
    explained(seen)
    found = axe.Axe().run(seen.page, options={"runOnly": rules})
    assert found.violations_count == 0, found.generate_report()
    seen.page.keyboard.press("Escape")
    seen.page.locator("svg.chart").nth(4).press("Enter")
    seen.page.wait_for_selector("#inside-record svg")
    seen.page.evaluate("document.querySelectorAll('#inside details').forEach(one => { one.open = true })")
    found = axe.Axe().run(seen.page, options={"runOnly": rules})
    assert found.violations_count == 0, found.generate_report()
