from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET
from datetime import date
from typing import Any

import altair as alt
import jsonschema
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acuerdo import charts
from acuerdo.charts import axis, skill
from acuerdo.i18n import Texts

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(params=["en", "es"])
def texts(request: pytest.FixtureRequest) -> Texts:
    return Texts(request.param)


def history(months: int = 48, last: str = "2023-08", level: float = 120_000) -> pd.DataFrame:
    index = pd.period_range(end=pd.Period(last, "M"), periods=months, freq="M")
    return pd.DataFrame({"month": index, "value": level + 100.0 * np.arange(months)})


def bands(first: str = "2023-09", months: int = 13, level: float = 125_000) -> pd.DataFrame:
    index = pd.period_range(first, periods=months, freq="M")
    width = 0.04 * np.sqrt(np.arange(1, months + 1))
    places = {"q05": -1.6, "q25": -0.7, "q50": 0.0, "q75": 0.7, "q95": 1.6}
    return pd.DataFrame({"month": index, **{name: level * np.exp(z * width) for name, z in places.items()}})


def words(svg: str) -> list[str]:
    return [node.text or "" for node in ET.fromstring(svg).iter(f"{SVG}text")]


def test_fan_is_named_described_and_in_the_readers_language(texts: Texts) -> None:
    svg = charts.fan(
        history(), bands(), "Encuentros <b>", "personas & más", texts, "Una descripción.", as_of=date(2023, 9, 29)
    )
    root = ET.fromstring(svg)
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert root.get("role") == "img"
    assert root.get("lang") == texts.lang
    assert title is not None
    assert title.text == "Encuentros <b> (personas & más)"
    assert description is not None
    assert description.text == "Una descripción."
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    shown = words(svg)
    assert texts.day(date(2023, 9, 29), short=True) in shown
    assert "125,000" in shown  # the median of the last month
    assert "0" in shown  # the axis starts from zero
    assert "150,000" in shown


def test_fan_draws_the_same_twice(texts: Texts) -> None:
    made = [charts.fan(history(), bands(), "a", "b", texts) for _ in range(2)]
    assert made[0] == made[1]


def test_fan_takes_timestamps_as_months(texts: Texts) -> None:
    past = history()
    stamps = past.assign(month=past["month"].dt.to_timestamp())
    assert charts.fan(stamps, bands(), "a", "b", texts) == charts.fan(past, bands(), "a", "b", texts)


@pytest.mark.parametrize(
    ("past", "ahead"), [(history(), bands()[:0]), (history()[:0], bands()), (history()[:0], bands()[:0])]
)
def test_fan_with_a_part_missing(past: pd.DataFrame, ahead: pd.DataFrame) -> None:
    ET.fromstring(charts.fan(past, ahead, "a", "b", Texts("en"), as_of=date(2023, 9, 29)))


def test_fan_joins_the_bands_to_the_last_month_only_without_a_gap() -> None:
    def starts(spec: dict[str, Any]) -> set[int]:
        rows = [layer["data"]["values"] for layer in spec["layer"] if "q05" in layer["data"]["values"][0]]
        return {found[0]["month"] for found in rows}

    texts = Texts("en")
    joined = charts.fan_spec(history(), bands("2023-09"), "a", "b", texts)
    apart = charts.fan_spec(history(), bands("2023-11"), "a", "b", texts)
    assert starts(joined) == {axis.stamp(pd.Period("2023-08", "M"))}
    assert starts(apart) == {axis.stamp(pd.Period("2023-11", "M"))}


def test_fan_leaves_gaps_open_and_dots_lone_months() -> None:
    past = history(12).drop(index=[3, 5, 8, 9])  # month 4 stands alone
    spec = charts.fan_spec(past, bands()[:0], "a", "b", Texts("en"))
    lines, dots = (layer["data"]["values"] for layer in spec["layer"][-2:])
    assert [row["value"] is None for row in lines].count(True) == 3
    assert [row["month"] for row in dots] == [axis.stamp(past["month"].loc[row]) for row in (4, 11)]


def test_sparkline_breaks_at_a_gap_and_stands_on_zero(texts: Texts) -> None:
    past = history(12)
    past.loc[5, "value"] = np.nan
    svg = charts.sparkline(past, "Curso", texts, "Doce meses.")
    lines = [node.get("d") or "" for node in ET.fromstring(svg).iter(f"{SVG}path") if node.get("stroke-width") == "1.3"]
    assert sum(line.count("M") for line in lines) == 2
    ET.fromstring(charts.sparkline(past[:0], "Curso", texts))


def effects_panel(outcome: str) -> charts.EffectsPanel:
    rows = pd.DataFrame(
        {"label": ["Uno", "Dos"], "change": [-4.0, 1.0], "q05": [-6.0, -1.0], "q95": [-2.0, 3.0], "ignored": ["x", "y"]}
    )
    return charts.EffectsPanel(outcome, "%", rows)


def test_effects_fill_the_dots_that_are_clear_of_zero() -> None:
    svg = charts.effects([effects_panel("Cruces")], "Efectos", Texts("es"), "Dos medidas.")
    fills = [
        node.get("fill") for node in ET.fromstring(svg).iter(f"{SVG}path") if (node.get("d") or "").count("A") == 2
    ]
    assert fills == ["#0072B2", "white"]
    assert {"Uno", "Dos", "Cruces", "0", "−5"} <= set(words(svg))


def test_effects_beside_each_other_share_one_column_of_names() -> None:
    panels = [effects_panel("Cruces"), effects_panel("Muertes")]
    wide = words(charts.effects(panels, "a", Texts("es")))
    tall = words(charts.effects(panels, "a", Texts("es"), layout="tall", width=400))
    assert [wide.count("Uno"), tall.count("Uno")] == [1, 2]


def test_specifications_follow_the_schema() -> None:
    texts = Texts("es")
    panels = [effects_panel("Cruces"), effects_panel("Muertes")]
    for spec in (
        charts.fan_spec(history(), bands(), "a", "b", texts, as_of=date(2023, 9, 29)),
        charts.sparkline_spec(history()),
        charts.effects_spec(panels, texts),
        charts.effects_spec(panels, texts, layout="tall", width=400),
    ):
        jsonschema.Draft7Validator(alt.load_schema()).validate(spec)


def test_with_font_changes_every_face_and_size() -> None:
    svg = charts.with_font(charts.fan(history(), bands(), "a", "b", Texts("en")), "Libertinus Serif", 1.1)
    root = ET.fromstring(svg)
    assert {node.get("font-family") for node in root.iter(f"{SVG}text")} == {"Libertinus Serif"}
    assert {node.get("font-size") for node in root.iter(f"{SVG}text")} <= {"14.3px", "12.1px", "11px"}


def test_chart_texts_have_accents_in_the_readers_language() -> None:
    svg = charts.fan(history(), bands(), "México: evolución", "años", Texts("es"))
    assert "México: evolución" in words(svg)


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9), st.booleans())
def test_nice_domain_holds_both_ends(one: float, two: float, zero: bool) -> None:
    low, high = min(one, two), max(one, two)
    start, end, step = axis.nice_domain(low, high, zero)
    slack = 1e-6 * max(abs(low), abs(high), 1.0)
    assert start <= low + slack
    assert end >= high - slack
    assert step > 0
    assert start < end
    if zero:
        assert start <= 0 <= end
    assert 2 <= len(axis.tick_values(start, end, step)) <= 9


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=5).map(sorted), st.floats(0.1, 50))
def test_spread_keeps_order_and_distance(values: list[float], gap: float) -> None:
    places = axis.spread(values, gap)
    assert all(after - before >= gap * 0.9 for before, after in itertools.pairwise(places))


@pytest.mark.parametrize(
    ("step", "form"), [(50_000, ",.0f"), (1, ",.0f"), (2.5, ",.1f"), (0.5, ",.1f"), (0.25, ",.2f"), (0.01, ",.2f")]
)
def test_tick_format_has_the_decimals_of_the_step(step: float, form: str) -> None:
    assert axis.tick_format(step) == form


def test_names_of_series_stay_within_their_panel(texts: Texts) -> None:
    """A long name takes two lines, and every word of it is there."""
    name = "Muertes con opioides sintéticos, un solo mes, en todo el país"
    rows = pd.DataFrame([(name, "1", "ETS", 0.1, -0.1, 0.3)], columns=["panel", "row", "who", "skill", "low", "high"])
    (panel,) = skill.skill_spec(rows, texts, width=205)["concat"]
    lines = panel["title"]["text"]
    assert " ".join(lines) == name
    assert max(len(line) for line in lines) <= 30  # of bold letters some 7 pixels wide
