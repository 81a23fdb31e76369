"""The plan of a backtest: at which days, how far ahead, which series and members, and which groups of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from acuerdo.corridor import Corridor
from acuerdo.engine.declare import Model
from acuerdo.errors import DataError, InputError
from acuerdo.figures.catalogue import ALL
from acuerdo.inference.observe import Observable, members_of
from acuerdo.timeline import parse_as_of, parse_month

Words = dict[str, str]
TOTAL, MEMBERS = "total", "members"
"""Scopes that share weights: a series' total (or its only member), and its members."""


@dataclass(frozen=True, order=True)
class Target:
    """One published series, or one member of it, that is forecast and scored."""

    series: str
    member: str

    @property
    def name(self) -> str:
        """The name under which forecasts of it are kept."""
        return f"{self.series}|{self.member}"


class Group(BaseModel):
    """Members that are scored together."""

    model_config = ConfigDict(extra="forbid")

    label: Words
    members: list[str]


class Break(BaseModel):
    """A month in which things changed, and the origin before it whose forecasts are shown."""

    model_config = ConfigDict(extra="forbid")

    month: str
    label: Words


class Plan(BaseModel):
    """What a backtest does; read from the corridor's backtest.yaml.

    Attributes:
        origins: days on which forecasts are made, in order.
        before: earlier days on which only the rivals forecast, from which the first weights of the pool are learned.
        horizons: months ahead, counted from the origin's month, in order.
        series: the members to score of each series.
        headline: series whose totals stand for all.
        bar: series whose totals should beat persistence by a tenth at the middle horizons.
        groups: groups of members.
        breaks: months in which things changed.
        deaths: series whose truth is the final figure, which is published long after the month.
        history: months of history that a rival sees at most.
    """

    model_config = ConfigDict(extra="forbid")

    origins: list[date]
    before: list[date] = Field(default_factory=list)
    horizons: list[int]
    series: dict[str, list[str]]
    headline: list[str]
    bar: list[str] = Field(default_factory=list)
    groups: dict[str, Group] = Field(default_factory=dict)
    breaks: list[Break] = Field(default_factory=list)
    deaths: list[str] = Field(default_factory=list)
    history: int = 120

    @property
    def targets(self) -> list[Target]:
        """Everything that is scored."""
        return [Target(series, member) for series, members in self.series.items() for member in members]

    def scope(self, target: Target) -> str:
        """Return which of a series' two sets of weights a target uses."""
        return TOTAL if target.member == self.series[target.series][0] else MEMBERS

    def at(self, wanted: list[str]) -> Plan:
        """Return the plan for some of its origins only.

        Raises:
            InputError: a day is not an origin of the plan.
        """
        days = [parse_as_of(text) for text in wanted]
        for text, day in zip(wanted, days, strict=True):
            if day not in self.origins:
                nearest = min(self.origins, key=lambda one: abs((one - day).days)) if day else self.origins[-1]
                allowed = "origins of the plan: " + ", ".join(map(str, self.origins))
                raise InputError("origins", text, allowed, nearest)
        return self.model_copy(update={"origins": [day for day in self.origins if day in days]})


def load_plan(corridor: Corridor, model: Model, observables: dict[str, Observable]) -> Plan:
    """Read and check the corridor's backtest.yaml.

    Raises:
        DataError: it is not valid, or names a series or member that the model does not observe.
    """
    raw = corridor.yaml("backtest.yaml")
    try:
        days = {name: [parse_as_of(text) for text in raw.get(name, [])] for name in ("origins", "before")}
        plan = Plan(**{**raw, **days})
        for one in plan.breaks:
            parse_month(one.month)
    except (ValidationError, InputError, KeyError, TypeError) as problem:
        raise DataError(f"backtest.yaml: {problem}") from problem
    days_in_order = [*plan.before, *plan.origins]
    if days_in_order != sorted(set(days_in_order)) or plan.horizons != sorted(set(plan.horizons)):
        raise DataError("backtest.yaml: origins and horizons must rise")
    for series, members in plan.series.items():
        if series not in observables:
            raise DataError(f"backtest.yaml: {series} has no observation model")
        item = observables[series]
        known = [*members_of(item, model), *([ALL] if item.over else [])]
        for member in members:
            if member not in known:
                raise DataError(f"backtest.yaml: {series}: no member {member!r}; there are {', '.join(known)}")
    for series in [*plan.headline, *plan.bar, *plan.deaths]:
        if series not in plan.series:
            raise DataError(f"backtest.yaml: {series} is not among the series scored")
    return plan


def month_of(day: date) -> pd.Period:
    """Return the month of an origin; horizon 1 is the month after it."""
    return pd.Period(day, "M")
