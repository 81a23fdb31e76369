"""Levers: what either side can set, how it builds up and wears off, and what it was in the past."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from acuerdo import calendar
from acuerdo.corridor import Corridor
from acuerdo.errors import DataError, InputError
from acuerdo.figures.store import Figures

Floats = npt.NDArray[np.float64]
Triple = tuple[float, float, float]
Words = dict[str, str]


class Rule(BaseModel):
    """One piece of a lever's record: a measure of the policy calendar, a published series, or dated values."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    source: str
    measure: str | None = None
    series: str | None = None
    members: list[str] = Field(default_factory=list)
    exclude: list[str] = Field(default_factory=list)
    targets: bool = False
    value: float | None = None
    add: float | None = None
    times: float | None = None
    max: float | None = None
    number: bool = False
    events: float | None = None
    any: bool = False
    stack: bool = False
    words: dict[str, float] = Field(default_factory=dict)
    from_: date | None = Field(default=None, alias="from")
    to: date | None = None
    until: date | None = None
    after: Literal["hold", "zero"] = "hold"
    known_from: date | None = None
    known_until: date | None = None


class Cost(BaseModel):
    """Public cost of one unit of a lever for one month, in US dollars."""

    model_config = ConfigDict(extra="forbid")

    value: float
    unit: str
    source: str


class Trial(BaseModel):
    """The setting whose effect is shown: a value, or a factor on what would be without it."""

    model_config = ConfigDict(extra="forbid")

    value: float | None = None
    times: float | None = None


class Lever(BaseModel):
    """One lever; the fields are explained at the head of the corridor's levers.yaml."""

    model_config = ConfigDict(extra="forbid")

    name: str
    sector: str
    owner: str
    unit: str
    label: Words
    unit_label: Words
    help: Words
    range: tuple[float, float]
    start: float
    history: list[Rule]
    cost: Cost
    trial: Trial
    evidence: Literal["strong", "moderate", "weak", "assumption"]
    source: str
    build_up: Triple | None = None
    half_life: Triple | dict[str, Triple] | None = None
    fade: Triple | None = None
    over: str | None = None
    targets: dict[str, float] = Field(default_factory=dict)
    contested: bool = False
    announced: bool = False

    def check(self, value: float, where: str | None = None) -> float:
        """Return `value` if it is finite and in range.

        Raises:
            InputError: it is not; the message gives the range and the nearest valid value.
        """
        low, high = self.range
        if not np.isfinite(value) or not low <= value <= high:
            nearest = low if np.isnan(value) else float(np.clip(value, low, high))
            raise InputError(self.name, value, f"{low:g} to {high:g} {self.unit_label['en']}", f"{nearest:g}", where)
        return value

    def spread(self, value: float, members: Sequence[str]) -> Floats:
        """Return what setting the lever to `value` means for each member: shape (M,), or () without a dimension."""
        if self.over is None:
            return np.asarray(value, float)
        return np.array([value * self.targets.get(member, 0.0) for member in members])

    def one_number(self, values: Floats, members: Sequence[str]) -> Floats:
        """Return the setting that values by member stand for; the reverse of `spread` on the lever's targets."""
        if self.over is None:
            return values
        weights = np.array([self.targets.get(member, 0.0) for member in members])
        return np.asarray((values * (weights > 0)).sum(axis=-1) / weights.sum())


def load_levers(corridor: Corridor) -> dict[str, Lever]:
    """Read and check the corridor's levers.

    Raises:
        DataError: an entry is not valid; the message names lever and field.
    """
    found: dict[str, Lever] = {}
    for name, entry in corridor.yaml("model", "levers.yaml").items():
        try:
            lever = Lever(name=name, **entry)
        except ValidationError as problem:
            first = problem.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            raise DataError(f"levers.yaml: {name}: {field}: {first['msg']}") from problem
        if lever.owner not in (*corridor.about["sides"], "both"):
            raise DataError(f"levers.yaml: {name}: owner {lever.owner!r} is not a side of the corridor")
        found[name] = lever
    return found


def history(
    lever: Lever,
    months: pd.PeriodIndex,
    members: Sequence[str],
    entries: Sequence[calendar.Entry],
    figures: Figures,
    day: date | None,
) -> Floats:
    """Return what the lever was in each month, as far as it was known on a day; the last value known is held.

    Args:
        lever: the lever.
        months: months wanted, in order.
        members: members of the lever's dimension; ignored if it has none.
        entries: policy calendar as it was known on the day.
        figures: view of the figures on the day.
        day: the day, or None for everything known.

    Returns:
        Shape (T,) or (T, M).
    """
    wanted = list(members) if lever.over else None
    values = np.full((len(months), len(members)) if wanted else len(months), lever.start)
    for rule in lever.history:
        known_from = rule.known_from or rule.from_
        if day is not None and known_from is not None and known_from > day:
            continue
        if rule.known_until is not None and (day is None or day >= rule.known_until):
            continue
        values = _apply(_as_known(rule, day), lever, values, months, wanted, entries, figures)
    return np.asarray(np.clip(values, 0.0, None if lever.over else lever.range[1]))


def announced_ahead(lever: Lever, months: pd.PeriodIndex, entries: Sequence[calendar.Entry]) -> Floats:
    """Return for each month the share of it in which next month's change of the lever had been announced: shape (T,).

    A change is announced from the day that the policy calendar gives for a measure of the lever that starts in the next
    month; without such a day it is a surprise.
    """
    measures = {rule.measure for rule in lever.history if rule.measure}
    shares = np.zeros(len(months))
    for entry in entries:
        if entry.measure not in measures or entry.anticipated_from is None:
            continue
        before = pd.Period(entry.start, "M") - 1
        known = (before.end_time.date() - max(entry.anticipated_from, before.start_time.date())).days + 1
        shares = np.where(months == before, np.maximum(shares, known / before.days_in_month), shares)
    return shares


def _as_known(rule: Rule, day: date | None) -> Rule:
    """Return a rule without an end that was not yet known on the day."""
    ends = {name: None for name in ("to", "until") if day is not None and (getattr(rule, name) or day) > day}
    return rule.model_copy(update=ends) if ends else rule


def _share_in_force(rule: Rule, months: pd.PeriodIndex) -> Floats:
    start = rule.from_ or date(1900, 1, 1)
    end = rule.to or rule.until or date(2999, 12, 31)
    shares = np.zeros(len(months))
    for i, month in enumerate(months):
        first, last = max(month.start_time.date(), start), min(month.end_time.date(), end)
        shares[i] = max((last - first).days + 1, 0) / month.days_in_month
    return shares


def _apply(
    rule: Rule,
    lever: Lever,
    values: Floats,
    months: pd.PeriodIndex,
    members: list[str] | None,
    entries: Sequence[calendar.Entry],
    figures: Figures,
) -> Floats:
    if rule.series is not None:
        return _from_series(rule, values, months, figures)
    window = _share_in_force(rule, months)
    window = window[:, None] if members else window
    if rule.measure is None:
        assert rule.value is not None
        chosen = (
            rule.value
            * np.array([lever.targets.get(m, 0.0) if rule.targets else float(m in rule.members) for m in members])
            if members
            else np.asarray(rule.value)
        )
        touched = chosen > 0 if members else np.asarray(True)
        return np.where(touched & (window > 0), values * (1 - window) + chosen * window, values)
    measure = [e for e in entries if e.measure == rule.measure]
    if rule.any:
        measure = [e.model_copy(update={"value": "on"}) for e in measure]
    words = {str(key): value for key, value in rule.words.items()}
    if "0" in words:
        measure = [e.model_copy(update={"value": "stopped"}) if e.value == 0 else e for e in measure]
        words = {"stopped": words["0"]}
    if rule.events is not None:
        for event in measure:
            at = months == pd.Period(event.start, "M")
            values = values + rule.events * at
        return values
    on = calendar.monthly_values(measure, rule.measure, months, members, stack=rule.stack, words=words or None)
    if rule.exclude and members:
        on = on * np.array([m not in rule.exclude for m in members])
    on = on * (window > 0)
    if rule.number:
        return values + on
    if rule.add is not None:
        return values + rule.add * on
    if rule.max is not None:
        return np.maximum(values, rule.max * on)
    assert rule.times is not None
    return values * (1 - on * (1 - rule.times))


def _from_series(rule: Rule, values: Floats, months: pd.PeriodIndex, figures: Figures) -> Floats:
    assert rule.series is not None
    table = figures.frame(rule.series, members=rule.members or None)
    last = None
    values = values.copy()
    spans: dict[tuple[Any, Any], float] = {}
    for row in table.to_dict("records"):
        if row["frequency"] in ("month", "year", "fiscal_year"):
            key = (row["start"], row["end"])
            spans[key] = spans.get(key, 0.0) + float(row["value"])
    for (start, end), amount in sorted(spans.items(), key=lambda item: (item[0][0] - item[0][1], item[0])):
        first, final = pd.Period(start, "M"), pd.Period(end, "M")
        length = (final - first).n + 1
        inside = (months >= first) & (months <= final)
        values[inside] = amount / length
        if last is None or final >= last[0]:
            last = (final, amount / length)
    if last is not None:
        values[months > last[0]] = last[1] if rule.after == "hold" else 0.0
    return values
