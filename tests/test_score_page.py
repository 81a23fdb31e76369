"""The page "progress since the last dialogue" in the brief."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import date
from typing import Any

import altair as alt
import pandas as pd
import pypdf
import pytest

from acuerdo import corridor as corridors
from acuerdo.brief import html, pdf
from acuerdo.brief.content import assemble
from acuerdo.brief.model import Brief, Progress
from acuerdo.brief.progress import since
from acuerdo.charts import progress_spec
from acuerdo.dialogue.dossier import Dossier, load_dossier
from acuerdo.dialogue.scorecard import Attribution
from acuerdo.dialogue.target import Chance
from acuerdo.figures.store import Figures

LANGS = ["en", "es"]
DAYS = ["2023-09-29", "2024-12-31"]
CHANCES = {("hs21-homicide", 0): Chance(0.95, 0.93, 0.97, 400, 0), ("hs22-112", 0): Chance(0.62, 0.58, 0.66, 400, 0)}
HOME = corridors.load("us_mexico")


@pytest.fixture(scope="module")
def dossier() -> Dossier:
    return load_dossier(HOME)


@pytest.fixture(scope="module")
def briefs(dossier: Dossier) -> dict[tuple[str, str], Brief]:
    figures = Figures.open(HOME)
    return {
        (day, lang): assemble(
            figures, dossier, None, None, [], HOME, lang, day, CHANCES if day == "2023-09-29" else None
        )
        for day in DAYS
        for lang in LANGS
    }


def page(brief: Brief) -> Progress:
    assert brief.progress is not None
    return brief.progress


@pytest.mark.parametrize(
    ("day", "meetings"),
    [
        (date(2023, 9, 29), ["hled-2022", "hlsd-2022"]),
        (date(2023, 11, 1), ["hled-2023", "hlsd-2023"]),
        (date(2024, 12, 31), ["hled-2023", "hlsd-2023"]),
        (date(2021, 9, 10), []),
    ],
)
def test_last_dialogue_is_the_one_before_these_days(dossier: Dossier, day: date, meetings: list[str]) -> None:
    assert [one.id for one in since(dossier.as_of(day), day, 7)] == meetings


@pytest.mark.parametrize("day", DAYS)
def test_both_languages_say_the_same(briefs: dict[tuple[str, str], Brief], day: str) -> None:
    english, spanish = (page(briefs[day, lang]) for lang in LANGS)
    for one, other in zip(english.groups, spanish.groups, strict=True):
        assert (one.state, [item.sources for item in one.items]) == (
            other.state,
            [item.sources for item in other.items],
        )
    assert [row.cells for row in english.tallies] == [row.cells for row in spanish.tallies]
    numbers = [re.findall(r"[−+]?\d[\d,.]*%", chart.text) for chart in english.charts]
    assert numbers == [re.findall(r"[−+]?\d[\d,.]*%", chart.text) for chart in spanish.charts]
    assert len(english.charts) == 6


def test_counts_add_up(briefs: dict[tuple[str, str], Brief]) -> None:
    rows = page(briefs["2024-12-31", "en"]).tallies
    numbers = [[0 if cell == "–" else int(cell) for cell in row.cells] for row in rows]
    assert [sum(column) for column in zip(*numbers[:-1], strict=True)] == numbers[-1]
    assert all(sum(row[:-1]) == row[-1] for row in numbers)
    assert numbers[-1][-1] == 143


def test_scored_commitments_carry_evidence(briefs: dict[tuple[str, str], Brief]) -> None:
    for brief in briefs.values():
        listed = [item for group in page(brief).groups for item in group.items]
        assert listed
        assert all(item.sources for item in listed)
        assert {number for item in listed for number in item.sources} <= {source.number for source in brief.sources}


def test_open_targets_and_their_chances(briefs: dict[tuple[str, str], Brief]) -> None:
    early = page(briefs["2023-09-29", "en"]).open
    assert len(early) == 2
    assert "95% of 400 draws" in early[0].notes[1]
    late = page(briefs["2024-12-31", "en"]).open
    assert all("No chance is given" in item.notes[1] for item in late)


def test_known_cases_stand_on_the_page(briefs: dict[tuple[str, str], Brief]) -> None:
    charts = {item.chart.title: item.text for item in page(briefs["2024-12-31", "en"]).charts}
    assert "Record month: Dec 2023." in charts["Encounters between ports of entry"]
    assert "−34%" in charts["Asylum applications in Mexico"]
    assert "In the direction asked for." in charts["Overdose deaths, 12 months"]
    failed = next(group for group in page(briefs["2024-12-31", "en"]).groups if group.state == "failed")
    assert any("Otay Mesa East" in item.text for item in failed.items)


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("lang", LANGS)
def test_it_is_one_page_of_the_pdf(briefs: dict[tuple[str, str], Brief], day: str, lang: str) -> None:
    pages = [one.extract_text() for one in pypdf.PdfReader(io.BytesIO(pdf.render(briefs[day, lang]))).pages]
    words = briefs[day, lang].words
    first = [at for at, text in enumerate(pages) if f"4 {words['progress']}" in " ".join(text.split())][
        -1
    ]  # after the contents
    assert f"5 {words['outlook']}" in " ".join(pages[first + 1].split())


def test_page_is_numbered_and_linked(briefs: dict[tuple[str, str], Brief]) -> None:
    whole = html.render(briefs["2024-12-31", "es"])
    assert whole.count("<h2") == 8
    assert re.findall(r'<span class="no">(\d)</span>', whole) == list("2345678")
    assert 'href="#progress"' in whole
    assert set(re.findall(r'href="#([^"]+)"', whole)) <= set(re.findall(r'\bid="([^"]+)"', whole))


def test_without_commitments_or_an_earlier_dialogue_there_is_no_page(dossier: Dossier) -> None:
    bare = replace(dossier, commitments=[], scores=[])
    figures = Figures.open(HOME)
    assert assemble(figures, bare, None, None, [], HOME, "en", "2024-12-31").progress is None
    assert assemble(figures, dossier, None, None, [], HOME, "en", "2021-09-10").progress is None


def road(series: str, member: str, start: date, day: date | None) -> Attribution | None:
    """A made-up road that answers for crossings only."""
    if series != "us.encounters.between_ports":
        return None
    months = pd.period_range("2023-10", "2024-11", freq="M")
    band = pd.DataFrame({"month": months, "q05": 1.5e5, "q50": 2e5, "q95": 2.5e5})
    return Attribution("model", "levers_held", "people", months[0], months[-1], 1e6, (2e6, 3e6, 4e6), "fall", band)


def test_band_of_a_road_is_drawn_and_told(briefs: dict[tuple[str, str], Brief], dossier: Dossier) -> None:
    made = assemble(Figures.open(HOME), dossier, None, None, [], HOME, "en", "2024-12-31", roads={"model": road})
    before, after = page(briefs["2024-12-31", "en"]).charts, page(made).charts
    assert "Without what followed: model" in after[0].text
    assert after[0].chart.svg != before[0].chart.svg
    assert [one.chart.svg for one in after[1:]] == [one.chart.svg for one in before[1:]]


@pytest.mark.parametrize("extra", [{}, {"target": 90.0}, {"band": True}, {"now": True}])
def test_chart_obeys_the_grammar(extra: dict[str, Any]) -> None:
    months = pd.period_range("2022-01", "2024-06", freq="M")
    history = pd.DataFrame({"month": months, "value": range(100, 130)})
    before = history.tail(8).assign(value=100.0)
    options = dict(extra)
    if "band" in extra:
        options["band"] = pd.DataFrame({"month": months[-8:], "q05": 90.0, "q50": 100.0, "q95": 180.0})
    if "now" in extra:
        options["now"] = history.tail(1)
    spec = progress_spec(history, before, date(2023, 9, 29), **options)
    alt.LayerChart.from_dict({name: value for name, value in spec.items() if name != "config"}, validate=True)
    domain = spec["layer"][0]["encoding"]["y"]["scale"]["domain"]
    assert domain[0] == 0
    assert domain[1] >= (180 if "band" in extra else 129)
