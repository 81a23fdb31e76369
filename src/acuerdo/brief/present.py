"""From numbers to words: how a reading, its period and its change are written."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd

from acuerdo import charts
from acuerdo.brief import compute
from acuerdo.brief.model import Chart, KeyFigure
from acuerdo.brief.settings import Item
from acuerdo.brief.sources import Sources, ordered
from acuerdo.corridor import Corridor
from acuerdo.errors import unknown_name
from acuerdo.figures.store import Figure, Figures
from acuerdo.i18n import Texts

_SHARES = {"share", "1", "fraction"}


def amount(texts: Texts, value: float, unit: str) -> str:
    """Write an official figure in full: whole numbers as they are, others with at most three figures after rounding."""
    if unit in _SHARES:
        return texts.percent(value, 1)
    if float(value).is_integer() or abs(value) >= 1000:
        return texts.number(value)
    return texts.rounded(value, 3)


def period(texts: Texts, start: date, end: date, frequency: str) -> str:
    """Write what a figure covers."""
    month = pd.Period(end, "M")
    whole = end.day == month.days_in_month
    if frequency == "month":
        return texts.month(month)
    if frequency == "twelve_months":
        return texts.t("period.twelve_months", end=texts.month(month))
    if frequency in ("year", "pace"):
        return texts.t("period.year", year=end.year)
    if frequency == "fiscal_year":
        return texts.t("period.fiscal_year", year=end.year)
    if frequency == "year_to_date":
        if whole and month.month == 1:
            return texts.month(month)
        key = "period.year_to_month" if whole else "period.year_to_day"
        return texts.t(key, start=texts.month_name(start), end=texts.month(month) if whole else texts.day(end))
    if frequency == "day":
        return texts.day(end)
    return texts.t("period.cumulative", start=texts.day(start), end=texts.day(end))


def direction(change: float | None) -> str:
    """Tell whether a relative change is up, down or hardly a change (within two per cent)."""
    if change is None:
        return ""
    if abs(change) <= 0.02:
        return "flat"
    return "up" if change > 0 else "down"


class Presenter:
    """Turns items of the settings into printed figures, citing their sources as it goes."""

    def __init__(self, figures: Figures, texts: Texts, sources: Sources, history_months: int) -> None:
        self.figures = figures
        self.texts = texts
        self.sources = sources
        self.history_months = history_months

    def key_figure(self, item: Item, spark: bool = False) -> KeyFigure | None:
        """Return an item as printed, or None if the figures for it were not public."""
        if item.method == "constant":
            return self._constant(item)
        found = compute.reading(self.figures, item)
        if found is None:
            return None
        texts, entry = self.texts, self.figures.series(item.series)
        label = texts.pick(item.label or entry.label)
        change = found.change
        published = max((part.published for part in found.parts), default=None)
        return KeyFigure(
            label=label,
            value=self._value(found, item),
            unit=texts.pick(item.unit or entry.other_units.get(found.unit) or entry.unit_label),
            period=period(texts, found.start, found.end, found.frequency),
            change="" if change is None else texts.change(change, 0 if abs(change) >= 0.0095 else 1),
            direction=direction(change),
            change_note="" if change is None else self._change_note(found),
            change_short="" if change is None else self._change_short(found),
            note=" ".join(filter(None, [self._method_note(found, item), texts.pick(item.note)])),
            published=texts.day(published, short=True) if published else "",
            revised=found.revised,
            sources=ordered(self.sources.figure(entry, part) for part in found.parts),
            spark=self._spark(item, label) if spark else None,
        )

    def missing(self, item: Item) -> str:
        """Return the name of an item that has no figure in this view."""
        return self.texts.pick(item.label or self.figures.series(item.series).label)

    def _value(self, found: compute.Reading, item: Item) -> str:
        if item.method == "pace":
            return self.texts.rounded(found.value, 3)
        return amount(self.texts, found.value, found.unit)

    def _change_note(self, found: compute.Reading) -> str:
        before = amount(self.texts, found.earlier or 0.0, found.unit)
        if found.frequency == "pace":
            return self.texts.t("brief.against_whole", value=before, year=found.earlier_parts[-1].end.year)
        return self.texts.t("brief.against", value=before)

    def _change_short(self, found: compute.Reading) -> str:
        if found.frequency == "pace":
            return self.texts.t("brief.against_year", year=found.earlier_parts[-1].end.year)
        return self.texts.t("brief.against_short")

    def _method_note(self, found: compute.Reading, item: Item) -> str:
        texts = self.texts
        if item.method == "pace":
            part = found.parts[0]
            return texts.t("brief.method.pace", value=texts.number(part.value), period=self._covers(part))
        if item.method == "twelve_months":
            now, whole, before = found.parts
            return texts.t(
                "brief.method.twelve_months",
                now=texts.number(now.value),
                now_period=self._covers(now),
                whole=texts.number(whole.value),
                whole_period=self._covers(whole),
                before=texts.number(before.value),
                before_period=self._covers(before),
            )
        return ""

    def _covers(self, figure: Figure) -> str:
        return period(self.texts, figure.start, figure.end, figure.frequency)

    def _spark(self, item: Item, label: str) -> Chart | None:
        past = compute.history(self.figures, item, self.history_months)
        known = past.dropna()
        if len(known) < 3:
            return None
        texts = self.texts
        words = texts.t(
            "brief.spark_words",
            start=texts.month(known["month"].iloc[0]),
            end=texts.month(known["month"].iloc[-1]),
            low=texts.rounded(float(known["value"].min())),
            high=texts.rounded(float(known["value"].max())),
        )
        return Chart(charts.sparkline(past, label, texts, words), label, words)

    def _constant(self, item: Item) -> KeyFigure:
        fact = constant(self.texts.corridor, item.series)
        texts = self.texts
        value = float(fact["value"])
        other = fact.get("also")
        note = texts.t(f"unit.{other['unit']}", count=float(other["value"])) if other else ""
        number = self.sources.cite("", "", str(fact.get("address") or fact["source"]))
        return KeyFigure(
            label=texts.pick(item.label or fact["label"]),
            value=texts.number(value),
            unit=texts.t(f"unit.{fact['unit']}", count=value).replace(texts.number(value), "").strip(),
            period="",
            note=" ".join(filter(None, [note, texts.pick(item.note)])),
            sources=(number,),
        )


def constant(corridor: Corridor, name: str) -> dict[str, Any]:
    """Return a fact of corridor.yaml.

    Raises:
        InputError: there is no such fact.
    """
    facts: dict[str, dict[str, Any]] = {fact["id"]: fact for fact in corridor.about.get("facts", [])}
    if name not in facts:
        raise unknown_name("fact", name, facts)
    return facts[name]
