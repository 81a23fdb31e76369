"""Futures, library, comparison, downloads, presenting and replay of the board, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import board_app
from acuerdo.board.server import make_app
from acuerdo.figures.store import Figures
from acuerdo.projection import make_projector
from browser_board import CHROMIUM, SLIDER, address_of, chromium, visits

pytestmark = [
    pytest.mark.browser,
    pytest.mark.model,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}"),
]
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
MEASURES = "v=1&lang=en&m=6&s=asylum_decisions=9000"


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


def test_the_levers_stay_below_the_bar(visit: Any) -> None:
    seen = visit(MEASURES, viewport={"width": 1000, "height": 800})
    seen.page.evaluate("scrollTo(0, 900)")
    edge = "node => Math.round(node.getBoundingClientRect().{})"
    assert seen.page.locator("#panel").evaluate(edge.format("top")) >= seen.page.locator("header.bar").evaluate(
        edge.format("bottom")
    )


def test_a_future_moves_the_outlook_and_is_in_the_link(visit: Any) -> None:
    seen = visit(MEASURES)
    before, crossed = seen.drawn, "tr[data-outcome=encounters_between] .without"
    plain = seen.text(crossed)
    seen.page.select_option("#future", "boom")
    boom = seen.redrawn(before)
    assert seen.text(crossed) != plain
    assert "macro.us_job_openings" in seen.text("#future-note")
    assert "f=boom" in seen.page.url
    other = visit(seen.page.url.split("#")[1])
    assert (other.drawn, other.text(crossed)) == (boom, seen.text(crossed))
    assert other.page.input_value("#future") == "boom"
    seen.page.click("#do-undo")
    assert seen.redrawn(boom) == before
    assert not seen.page.is_visible("#future-note")
    assert "there is no future “bom”" in visit("v=1&lang=en&f=bom").text("#notice")


def test_a_scenario_is_saved_found_loaded_changed_and_deleted(visit: Any) -> None:
    seen = visit(f"{MEASURES}&f=recession&s=naloxone_kits=x1.5")
    drawn, page = seen.drawn, seen.page
    page.click("#do-library")
    page.click("#library-save")
    page.locator("#library .said", has_text="Give it a name").wait_for()
    page.fill("#library-name", "<b>Wider door</b>")
    page.click("#library-save")
    entry = page.locator(".entry", has_text="<b>Wider door</b>")
    entry.wait_for()
    page.keyboard.press("Escape")
    page.click("#do-reset")
    empty = seen.redrawn(drawn)
    page.click("#do-library")
    page.fill("#library input[type=search]", "no such name")
    page.locator("#library", has_text="Nothing saved of that name").wait_for()
    page.fill("#library input[type=search]", "wider")
    entry.locator("text=Load").click()
    assert seen.redrawn(empty) == drawn
    page.click("#do-library")
    entry.locator("text=Rename").click()
    entry_id = page.locator(".entry").first.get_attribute("data-entry")
    row = page.locator(f".entry[data-entry='{entry_id}']")
    row.locator("input").first.fill("Narrow door")
    row.locator("text=Keep").click()
    page.locator(".entry strong", has_text="Narrow door").wait_for()
    row.locator("text=Delete").click()
    row.locator("text=Really delete?").click()
    row.wait_for(state="detached")


def test_who_comes_second_is_told_and_changes_nothing(visit: Any) -> None:
    one = visit(MEASURES)
    one.page.click("#do-library")
    one.page.fill("#library-name", "Shared")
    one.page.click("#library-save")
    one.page.locator(".entry", has_text="Shared").wait_for()
    other = visit("v=1&lang=es&s=asylum_decisions=3000")
    other.page.click("#do-library")
    mine = other.page.locator(".entry", has_text="Shared")
    mine.locator("text=Sustituir por la página").click()
    other.page.locator("#library .said", has_text="Sustituido").wait_for()
    one.page.locator(".entry", has_text="Shared").locator("text=Replace with the page").click()
    one.page.locator("#library .said.bad", has_text="Somebody else changed it first").wait_for()
    one.problems.clear()  # the browser reports the refused request
    drawn = one.drawn
    one.page.locator(".entry", has_text="Shared").locator("text=Load").click()
    one.redrawn(drawn)
    assert one.page.input_value(SLIDER) == "3000"


def test_without_a_library_the_reason_is_told_in_place(browser: Any) -> None:
    with visits(browser, address_of(make_app(board_app.projector, Figures.open()))) as open_page:
        seen = open_page(MEASURES)
        seen.page.click("#do-library")
        seen.page.locator("#library .said", has_text="started without a library").wait_for()
        assert not seen.page.is_visible("#library-save")
        seen.page.keyboard.press("Escape")
        seen.page.click("#do-compare")
        seen.page.locator(".picker", has_text="started without a library").wait_for()
        seen.problems.clear()  # the browser reports what was refused


def test_up_to_four_scenarios_stand_beside_each_other(visit: Any) -> None:
    seen = visit(f"{MEASURES}&f=boom")
    page = seen.page
    change = seen.text("tr[data-outcome=people_protected] .change")
    page.click("#do-compare")
    boxes = page.locator(".picker input")
    for at in range(1, 4):
        page.locator(f".results[data-shown='{at}']").wait_for()
        boxes.nth(at).check()
    page.locator(".results[data-shown='4']").wait_for()
    assert boxes.nth(4).is_disabled()
    row = page.locator("#compare tr[data-outcome=people_protected]")
    assert row.locator("td").count() == 5
    assert change in row.locator("td").nth(1).inner_text()
    assert page.locator(".multiple").count() == 6
    for part in ("stroke", "strokeDasharray"):  # told apart by colour, and without it
        looks = f"[...document.querySelectorAll('.comparekey .course')].map(node => getComputedStyle(node).{part})"
        assert len(set(page.evaluate(looks))) == 5, part
    assert "What is on the page" in page.locator(".multiple svg").first.get_attribute("aria-label")
    boxes.nth(1).uncheck()
    page.locator(".results[data-shown='3']").wait_for()
    assert boxes.nth(4).is_enabled()


def test_files_of_the_scenario_can_be_taken_along(visit: Any, tmp_path: Path) -> None:
    seen = visit(f"{MEASURES}&f=boom")
    seen.page.click("#do-download")

    def get(name: str) -> bytes:
        with seen.page.expect_download() as download:
            seen.page.click(f"#get-{name}")
        return Path(download.value.path()).read_bytes()

    assert get("netcdf").startswith(b"\x89HDF")
    assert get("pdf").startswith(b"%PDF")
    assert b"What these measures would change" in get("html")
    seen.page.select_option("#get-chart", "3")
    drawn = ElementTree.fromstring(get("svg"))
    words = " ".join("".join(node.itertext()) for node in drawn.iter("{http://www.w3.org/2000/svg}text"))
    assert "Overdose deaths" in words
    assert "with the measures" in words
    assert "Published: US Centers for Disease Control" in words
    assert not [node for node in drawn.iter() if node.get("class")]
    picture = get("png")
    assert picture.startswith(b"\x89PNG")
    width, height = (int.from_bytes(picture[at : at + 4], "big") for at in (16, 20))
    assert width >= 900
    assert height >= 500


def test_charts_are_added_and_taken_away_up_to_nine(visit: Any) -> None:
    seen = visit(MEASURES)
    page = seen.page
    for _ in range(3):
        before = seen.drawn
        page.click("#add-chart")
        seen.redrawn(before)
    assert page.locator(".card").count() == 9
    assert not page.is_visible("#add-chart")
    nine = visit(page.url.split("#")[1])
    assert nine.drawn == seen.drawn
    nine.page.click("#do-present")
    nine.page.keyboard.press("9")
    large = nine.page.locator(".card.large .key")
    assert "9" in large.all_inner_texts()
    before = seen.drawn
    page.locator(".card .remove").nth(8).click()
    seen.redrawn(before)
    assert page.locator(".card").count() == 8


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_the_last_change_is_replayed(visit: Any, motion: str) -> None:
    seen = visit(reduced_motion=motion)
    page = seen.page
    assert page.locator("#do-replay").is_disabled()
    line = ".card:nth-child(2) path.scen.line"
    seen.set(3000)
    low = page.locator(line).get_attribute("d")
    seen.set(12000)
    high = page.locator(line).get_attribute("d")
    page.evaluate(
        """line => { window.seen = []; const node = document.querySelector(line);
        new MutationObserver(() => window.seen.push(node.getAttribute('d'))).observe(node, {attributes: true}); }""",
        line,
    )
    page.click("#do-replay")
    page.locator("#notice", has_text=re.compile("^Now")).wait_for()
    ways = list(dict.fromkeys(page.evaluate("window.seen")))
    assert page.locator(line).get_attribute("d") == high
    assert ways[-1] == high
    assert low != high
    assert len(ways) == 2 if motion == "reduce" else len(ways) > 5


@pytest.mark.slow
@pytest.mark.parametrize("width", [1440, 360])
@pytest.mark.parametrize("name", ["library", "compare", "download"])
def test_accessibility_rules_hold_in_the_dialogs(visit: Any, width: int, name: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    seen = visit(MEASURES, viewport={"width": width, "height": 900})
    seen.page.click(f"#do-{name}")
    seen.page.wait_for_selector("dialog[open]")
    if name == "compare":
        seen.page.wait_for_selector(".results[data-shown='1']")
    found = axe.Axe().run(
        seen.page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    )
    assert found.violations_count == 0, found.generate_report()
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_page_goes_to_the_board_of_another_day_and_back(browser: Any) -> None:
    app = make_app(
        board_app.projector, Figures.open(), other_day=lambda day: make_projector(day, 12, 20, 1, share=False)
    )
    with visits(browser, address_of(app)) as open_page:
        seen = open_page("v=1&lang=es&m=6&s=asylum_decisions=9000")
        page = seen.page
        page.locator("#day option[value='2023-09-29']").wait_for(state="attached")
        page.select_option("#day", "2023-09-29")
        page.locator("#notice", has_text="se está preparando").wait_for()
        page.wait_for_url("**/on/2023-09-29/**")
        page.wait_for_selector("body[data-drawn]")
        assert "29 de septiembre de 2023" in seen.text("#about")
        assert page.input_value(SLIDER) == "9000"
        assert page.input_value("#day") == "2023-09-29"
        page.click("#do-share")
        link = page.input_value("#share input")
        assert "/on/" not in link
        shared = open_page(link.split("#")[1])
        shared.page.wait_for_url("**/on/2023-09-29/**")
        shared.page.wait_for_selector("body[data-drawn]")
        assert shared.drawn == seen.drawn
        page.keyboard.press("Escape")
        page.select_option("#day", "2024-12-31")
        page.wait_for_url(re.compile(r"^[^/]*//[^/]*/#"))
        page.wait_for_selector("body[data-drawn]")
        assert "31 de diciembre de 2024" in seen.text("#about")


@pytest.mark.parametrize("lang", ["en", "es"])
def test_arrows_join_the_stages(visit: Any, lang: str) -> None:
    seen = visit(f"v=1&lang={lang}&s=asylum_decisions=9000")
    pictures = seen.page.locator(".picture")
    for at in range(pictures.count()):
        stages = pictures.nth(at).locator(".stagebox")
        assert pictures.nth(at).locator(".link-on").count() == stages.count() - 1
    ribbons = seen.page.locator(".ribbon").evaluate_all("nodes => nodes.map(node => node.getAttribute('d'))")
    assert any(ribbons)
    assert not all(ribbons)
