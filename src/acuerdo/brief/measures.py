"""What each measure would change: tables by owner, and dots with intervals for the outcomes that matter most."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from acuerdo import charts
from acuerdo.brief import settings as brief_settings
from acuerdo.brief.model import Chart, Column, EffectCell, MeasureRow, Measures, MeasureTable, NamedText
from acuerdo.errors import DataError
from acuerdo.i18n import Texts

_NEEDED = [
    "lever",
    "lever_label",
    "owner",
    "setting_label",
    "evidence",
    "outcome",
    "outcome_label",
    "side",
    "unit",
    "unit_label",
    "base",
    "change",
    "q05",
    "q95",
    "p_wrong_sign",
]
_NOTHING = 5e-5  # share of the value without the measure below which a change is printed as none
_VISIBLE = 0.5  # per cent: a measure whose intervals all stay inside is not drawn
_MARKS = "abcdefgh"
_EVIDENCE = ["strong", "moderate", "weak", "assumption"]


def assemble(effects: pd.DataFrame, wanted: brief_settings.Measures, months: int, texts: Texts) -> Measures:
    """Build tables, chart and footnotes from one row per measure and outcome.

    Raises:
        DataError: a column is missing.
    """
    missing = [name for name in _NEEDED if name not in effects]
    if missing:
        raise DataError(f"effects of measures: the column {missing[0]!r} is missing")
    known = set(effects["outcome"])
    marks = _marks(effects["evidence"])
    tables = []
    parts = [(part.title, [outcome for outcome in part.columns if outcome in known]) for part in wanted.tables]
    for owner in _owners(effects, texts):
        first = True  # the settings tested are printed once for each owner
        for title, present in parts:
            if present:
                rows = effects[(effects["owner"] == owner) & effects["outcome"].isin(present)]
                tables.append(_table(rows, owner, texts.pick(title), present, marks, first, texts))
                first = False
    if not tables:
        return Measures(intro=texts.t("brief.measures_none"))
    wide, tall, left_out = _charts(
        effects, [name for name in wanted.chart if name in set(effects["outcome"])], months, texts
    )
    return Measures(
        intro=texts.t("brief.measures_intro", months=months, count=effects["lever"].nunique()),
        tables=tuple(tables),
        wide=wide,
        tall=tall,
        chart_note=texts.t("brief.effects_left_out", count=left_out) if left_out and wide else "",
        footnotes=tuple(NamedText(marks[label], texts.t(f"evidence_note.{label}")) for label in marks),
    )


def side_name(side: str, texts: Texts) -> str:
    """Return the name of a side of the corridor, of both, or of others."""
    about = texts.corridor.about
    if side == "third":
        return texts.t("brief.third")
    return texts.pick(about["both"] if side == "both" else about["sides"].get(side, side))


def _owners(effects: pd.DataFrame, texts: Texts) -> list[str]:
    order = [*texts.corridor.about["sides"], "both"]
    found = list(dict.fromkeys(effects["owner"]))
    return [owner for owner in order if owner in found] + [owner for owner in found if owner not in order]


def _marks(evidence: Iterable[str]) -> dict[str, str]:
    found = set(evidence)
    return {label: _MARKS[index] for index, label in enumerate(name for name in _EVIDENCE if name in found)}


def _table(
    rows: pd.DataFrame,
    owner: str,
    title: str,
    outcomes: Sequence[str],
    marks: dict[str, str],
    settings: bool,
    texts: Texts,
) -> MeasureTable:
    columns = []
    for outcome in outcomes:
        of = rows[rows["outcome"] == outcome]
        if len(of):
            first = of.iloc[0]
            scale = _scale(of)
            unit = texts.t("unit.thousand", unit=_unit(first, texts)) if scale > 1 else _unit(first, texts)
            side = side_name(first["side"], texts)
            columns.append((outcome, Column(side, _text(first, "outcome_label", texts), unit), scale))
    spans: list[tuple[str, int]] = []
    for _, column, _ in columns:
        if spans and spans[-1][0] == column.side:
            spans[-1] = (column.side, spans[-1][1] + 1)
        else:
            spans.append((column.side, 1))
    lines = []
    for _, of in rows.groupby("lever", sort=False):
        first = of.iloc[0]
        by_outcome = {row["outcome"]: row for row in of.to_dict("records")}
        lines.append(
            MeasureRow(
                label=measure_name(first, texts),
                setting=_text(first, "setting_label", texts) if settings else "",
                evidence=texts.t(f"evidence.{first['evidence']}"),
                mark=marks[first["evidence"]],
                cells=tuple(_cell(by_outcome.get(outcome), scale, texts) for outcome, _, scale in columns),
            )
        )
    return MeasureTable(
        owner=texts.t("brief.owner_both" if owner == "both" else "brief.owner", owner=side_name(owner, texts)),
        title=title,
        columns=tuple(column for _, column, _ in columns),
        spans=tuple(spans),
        rows=tuple(lines),
    )


def _text(row: Any, name: str, texts: Texts) -> str:
    return texts.pick(row[name])


def measure_name(row: Any, texts: Texts) -> str:
    """Return the name of a measure; one that a side does not accept is marked as contested."""
    label = _text(row, "lever_label", texts)
    return texts.t("brief.contested", label=label) if row.get("contested", False) else label


def _unit(row: Any, texts: Texts) -> str:
    """Return the unit of a change: a change of per cents is one of percentage points."""
    return texts.t("unit.points") if row["unit"] in ("percent", "%") else texts.pick(row["unit_label"])


def _scale(rows: pd.DataFrame) -> float:
    """Return 1000 where the changes are so large that they would not fit a column, else 1."""
    largest = rows[["change", "q05", "q95"]].astype(float).abs().to_numpy().max()
    return 1000.0 if largest >= 100_000 else 1.0


def _cell(row: dict[Any, Any] | None, scale: float, texts: Texts) -> EffectCell:
    if row is None or pd.isna(row["change"]):
        return EffectCell()
    change, low, high = (float(row[name]) / scale for name in ("change", "q05", "q95"))
    if max(abs(change), abs(low), abs(high)) <= _NOTHING * abs(float(row["base"])) / scale:
        return EffectCell(change=texts.number(0))
    wrong = float(row["p_wrong_sign"])
    below = 0 <= wrong < 0.01
    return EffectCell(
        change=texts.signed_rounded(change),
        interval=texts.interval(low, high, figures=2, sign=True),
        wrong=texts.t("brief.below", value=texts.percent(0.01)) if below else texts.percent(wrong),
        clear=low > 0 or high < 0,
    )


def _relative(rows: pd.DataFrame) -> pd.DataFrame:
    """Return changes by measure in per cent of the value without it, where there is one."""
    rows = rows[rows["base"] > 0]
    scaled = rows[["change", "q05", "q95"]].astype(float).div(rows["base"].astype(float), axis=0) * 100
    return scaled.set_index(rows["lever"].astype(str))


def _charts(
    effects: pd.DataFrame, outcomes: Sequence[str], months: int, texts: Texts
) -> tuple[Chart | None, tuple[Chart, ...], int]:
    """Return the chart in both layouts, and how many measures were left out because they change next to nothing."""
    panels, words = [], []
    names = {row["lever"]: measure_name(row, texts) for row in effects.to_dict("records")}
    order = [lever for owner in _owners(effects, texts) for lever in names if _owner(effects, lever) == owner]
    found = {outcome: _relative(effects[effects["outcome"] == outcome]) for outcome in outcomes}
    seen = {
        lever
        for scaled in found.values()
        for lever in scaled.index[scaled[["q05", "q95"]].abs().max(axis=1) >= _VISIBLE]
    }
    order = [lever for lever in order if lever in seen]
    for outcome, whole in found.items():
        rows = effects[effects["outcome"] == outcome]
        scaled = whole.loc[[lever for lever in order if lever in whole.index]]
        scaled["label"] = [names[str(lever)] for lever in scaled.index]
        title = _text(rows.iloc[0], "outcome_label", texts)
        panels.append(charts.EffectsPanel(title, texts.t("brief.effects_unit"), scaled))
        clear = scaled[(scaled["q05"] > 0) | (scaled["q95"] < 0)]
        words.append(texts.t("brief.effects_words", outcome=title, clear=len(clear), count=len(scaled)))
    if not panels or not order:
        return None, (), 0
    title = texts.t("brief.effects_title", months=months)
    description = " ".join(words)
    wide = Chart(charts.effects(panels, title, texts, description), title, description)
    tall = tuple(
        Chart(charts.effects([panel], panel.title, texts, line, layout="tall", width=400), panel.title, line)
        for panel, line in zip(panels, words, strict=True)
    )
    return wide, tall, len(names) - len(order)


def _owner(effects: pd.DataFrame, lever: str) -> str:
    return str(effects.loc[effects["lever"] == lever, "owner"].iloc[0])
