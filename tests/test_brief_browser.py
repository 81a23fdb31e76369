from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import brief_fakes as fakes
from acuerdo import corridor as corridors
from acuerdo.brief.content import assemble
from acuerdo.brief.output import write
from acuerdo.dialogue.dossier import load_dossier
from acuerdo.figures.store import Figures

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}"),
]
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    corridor = fakes.corridor(tmp_path_factory.mktemp("corridor"))
    out = tmp_path_factory.mktemp("out")
    made = {}
    for lang in ("en", "es"):
        brief = assemble(
            fakes.figures(),
            fakes.dossier(),
            fakes.projection(),
            fakes.effects(),
            fakes.UNKNOWNS,
            corridor,
            lang,
            fakes.DAY,
        )
        made[lang] = write(brief, out, ["html"])[0]
    return made


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture(params=["en", "es"])
def page(request: pytest.FixtureRequest, browser: Any, pages: dict[str, Path]) -> Iterator[Any]:
    """The page of one language, opened without scripts and with every request but its own file refused and noted."""
    context = browser.new_context(java_script_enabled=False, offline=True)
    opened = context.new_page()
    opened.refused = []

    def guard(route: Any) -> None:
        if route.request.url == pages[request.param].as_uri():
            route.continue_()
        else:
            opened.refused.append(route.request.url)
            route.abort()

    context.route("**/*", guard)
    opened.problems = []
    opened.on("console", lambda message: opened.problems.append(message.text))
    opened.goto(pages[request.param].as_uri())
    opened.lang = request.param
    yield opened
    context.close()


def test_no_request_leaves_and_nothing_is_complained_of(page: Any) -> None:
    page.wait_for_load_state("networkidle")
    assert page.refused == []
    assert page.problems == []


def test_language_and_headings(page: Any) -> None:
    assert page.locator("html").get_attribute("lang") == {"en": "en-US", "es": "es-MX"}[page.lang]
    assert page.locator("h1").count() == 1
    levels = [int(name[1]) for name in _tag_names(page)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert levels.count(2) == 7


def _tag_names(page: Any) -> list[str]:
    snapshot = page.locator("h1, h2, h3, h4, h5, h6")
    return [
        str(snapshot.nth(index).evaluate("node => node.tagName.toLowerCase()")) for index in range(snapshot.count())
    ]


def test_every_drawing_has_a_name_and_a_description(page: Any) -> None:
    drawings = page.locator("svg")
    assert drawings.count() > 8
    for index in range(drawings.count()):
        drawing = drawings.nth(index)
        assert drawing.get_attribute("role") == "img"
        ids = str(drawing.get_attribute("aria-labelledby")).split()
        for name in ids:
            assert page.locator(f"[id='{name}']").first.text_content().strip()


def test_tables_have_captions_and_headers(page: Any) -> None:
    tables = page.locator("table")
    for index in range(tables.count()):
        table = tables.nth(index)
        assert table.locator("caption").count() == 1
        assert table.locator("th[scope]").count() > 0


@pytest.mark.parametrize("width", [360, 768, 1200])
def test_nothing_sticks_out(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_nothing_sticks_out_of_the_real_brief(browser: Any, tmp_path: Path) -> None:
    corridor = corridors.load("us_mexico")
    findings = json.loads(corridor.path("priorities", "2023-09-29.json").read_text("utf-8"))["findings"]
    figures, dossier = Figures.open(corridor), load_dossier(corridor)
    brief = assemble(figures, dossier, None, None, [], corridor, "es", "2023-09-29", findings=findings)
    context = browser.new_context(java_script_enabled=False, offline=True, viewport={"width": 360, "height": 800})
    page = context.new_page()
    page.goto(write(brief, tmp_path, ["html"])[0].as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    beyond = """[...document.querySelectorAll('svg')].flatMap(drawing => {
        const edge = drawing.getBoundingClientRect()
        return [...drawing.querySelectorAll('text')]
            .filter(text => edge.width && text.getBoundingClientRect().right > edge.right + 1)
            .map(text => text.textContent)
    })"""
    assert page.evaluate(beyond) == [], "words that a drawing cuts off"
    context.close()


def test_at_narrow_width_the_tall_charts_stand_in(page: Any) -> None:
    for width, shown in ((360, ".narrow"), (1200, ".broad")):
        page.set_viewport_size({"width": width, "height": 800})
        for part in (".narrow", ".broad"):
            assert page.locator(part).is_visible() == (part == shown)


def test_keyboard_reaches_the_figures_first(page: Any) -> None:
    page.keyboard.press("Tab")
    assert page.locator(":focus").get_attribute("href") == "#picture"


def test_prints_with_page_numbers(page: Any, tmp_path: Path) -> None:
    import pypdf

    page.pdf(path=tmp_path / "print.pdf", prefer_css_page_size=True, format="A4")
    made = pypdf.PdfReader(tmp_path / "print.pdf")
    title = {"en": "Brief for the high-level dialogues", "es": "Informe para los diálogos de alto nivel"}[page.lang]
    assert title in made.pages[1].extract_text()
    assert f"2 / {len(made.pages)}" in made.pages[1].extract_text()
