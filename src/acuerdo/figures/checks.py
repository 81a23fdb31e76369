"""Cross-checks of the figures, declared in the corridor's `figures/checks.yaml`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

import pandas as pd
from pydantic import Field, TypeAdapter, ValidationError

from acuerdo.corridor import Corridor
from acuerdo.errors import DataError
from acuerdo.figures.catalogue import ALL, Frequency, Text, _Strict
from acuerdo.figures.store import Figures


class Part(_Strict):
    """A choice of figures: one member of a series, at one frequency.

    Attributes:
        series: id of the series.
        member: code of the member.
        frequency: the main frequency of the series if not given.
        source: words that the source of a row must contain (then every vintage counts, the latest of them wins).
        vintage: the vintage that a row must have, as the source table has it.
        factor: what the values are multiplied by in an identity.
    """

    series: str
    member: str = ALL
    frequency: Frequency | None = None
    source: str | None = None
    vintage: str | None = None
    factor: float = 1.0


class _Check(_Strict):
    id: str = Field(min_length=1)
    text: Text
    source: str = Field(min_length=1)
    tolerance: float = Field(default=0.0, ge=0)
    share: float = Field(default=0.0, ge=0)


class Value(_Check):
    """The figure of one period (written as for `Figures.at`) is the given number."""

    kind: Literal["value"]
    part: Part
    period: str
    equals: float


class Sum(_Check):
    """The figures of one or more parts from a first to a last month add up to (or average) the given number."""

    kind: Literal["sum"]
    parts: list[Part]
    first: str
    last: str
    equals: float
    average: bool = False
    gaps: bool = False


class Margin(_Check):
    """Members add up to the total in every period."""

    kind: Literal["margin"]
    series: str
    frequency: Frequency | None = None
    members: list[str] = Field(default_factory=list)
    first: str | None = None
    last: str | None = None
    at_least: int = 1


class Identity(_Check):
    """Parts times their factors add up to zero in every common period."""

    kind: Literal["identity"]
    parts: list[Part]
    first: str | None = None
    last: str | None = None
    at_least: int = 1


class Equal(_Check):
    """Two parts agree in every common period (and for each of several members, if given)."""

    kind: Literal["equal"]
    left: Part
    right: Part
    members: list[str] = Field(default_factory=list)
    first: str | None = None
    last: str | None = None
    at_least: int = 1


class YearSum(_Check):
    """Monthly figures add up to the figure printed for the year, fiscal year or year to date that holds them."""

    kind: Literal["year_sum"]
    months: Part
    years: Part
    members: list[str] = Field(default_factory=list)
    first: str | None = None
    last: str | None = None
    at_least: int = 1


class Range(_Check):
    """A yearly value lies between the lowest and the highest number printed for that year."""

    kind: Literal["range"]
    value: Part
    printed: Part
    first: str
    last: str
    at_least: int = 1


class Ratio(_Check):
    """One part divided by another lies between two numbers in every common period."""

    kind: Literal["ratio"]
    left: Part
    right: Part
    low: float
    high: float
    first: str | None = None
    last: str | None = None
    at_least: int = 1


Check = Annotated[
    Value | Sum | Margin | Identity | Equal | YearSum | Range | Ratio,
    Field(discriminator="kind"),
]


@dataclass(frozen=True)
class Result:
    """What a check gave.

    Attributes:
        id: of the check.
        ok: True if it holds, False if not, None if it cannot be told in an as-of view: the view has not the figures
            for it, or an earlier vintage than the one for which the number is given.
        expected: what was expected, in words or as a number.
        found: what was found.
        detail: where it fails worst, or how many periods were compared.
        text: what the check says, in both languages.
        source: where the expectation comes from.
    """

    id: str
    ok: bool | None
    expected: str
    found: str
    detail: str
    text: Text
    source: str


class _NoFiguresError(Exception):
    """The view has not the figures that a check needs."""


def read(corridor: Corridor) -> list[Check]:
    """Read the checks of a corridor.

    Raises:
        DataError: the file is missing, or an entry is not valid.
    """
    path = corridor.path("figures", "checks.yaml")
    raw = corridor.yaml("figures", "checks.yaml")
    if not isinstance(raw, dict) or list(raw) != ["checks"] or not isinstance(raw["checks"], list):
        raise DataError(f"{path}: expected one list under 'checks'")
    adapter: TypeAdapter[Check] = TypeAdapter(Check)
    checks: list[Check] = []
    for number, item in enumerate(raw["checks"], start=1):
        name = item.get("id", f"entry {number}") if isinstance(item, dict) else f"entry {number}"
        try:
            check = adapter.validate_python(item)
        except ValidationError as problem:
            first = problem.errors(include_url=False)[0]
            where = ".".join(str(step) for step in first["loc"])
            raise DataError(f"{path}: {name}: {where}: {first['msg']}") from problem
        if any(check.id == other.id for other in checks):
            raise DataError(f"{path}: {name}: the id appears twice")
        checks.append(check)
    return checks


def run(figures: Figures, checks: list[Check]) -> list[Result]:
    """Run checks on a view of the figures.

    Raises:
        InputError: a check names a series, member or frequency that does not exist.
    """
    return [_run(figures, check) for check in checks]


def _run(figures: Figures, check: Check) -> Result:
    try:
        ok, expected, found, detail = _KINDS[check.kind](figures, check)
    except _NoFiguresError as missing:
        outcome = None if figures.day is not None else False
        return Result(check.id, outcome, "figures", "none", str(missing), check.text, check.source)
    if not ok and figures.day is not None and isinstance(check, Value | Sum):
        return Result(check.id, None, expected, found, f"{detail}; earlier vintage", check.text, check.source)
    return Result(check.id, ok, expected, found, detail, check.text, check.source)


_Outcome = tuple[bool, str, str, str]
_Table = TypeVar("_Table", pd.Series, pd.DataFrame)


def _value(figures: Figures, check: Value) -> _Outcome:
    figure = figures.at(check.part.series, check.period, check.part.member)
    rows = pd.DataFrame()
    if figure is not None:
        rows = _rows(figures, check.part.model_copy(update={"frequency": figure.frequency}))
        rows = rows[(rows["start"].dt.date == figure.start) & (rows["end"].dt.date == figure.end)]
    if figure is None or rows.empty:
        raise _NoFiguresError(f"{check.part.series} {check.part.member} {check.period}")
    return _compare(float(rows["value"].iloc[-1]), check.equals, check, check.period)


def _sum(figures: Figures, check: Sum) -> _Outcome:
    first, last = pd.Period(check.first, "M"), pd.Period(check.last, "M")
    total, count = 0.0, 0
    for part in check.parts:
        rows = _between(_rows(figures, part), check.first, check.last)
        wanted = (last - first).n + 1
        if rows.empty or (len(rows) < wanted and not check.gaps):
            raise _NoFiguresError(f"{part.series} {part.member}: {len(rows)} of {wanted} months")
        total += float(rows["value"].sum())
        count += len(rows)
    found = total / count if check.average else total
    return _compare(found, check.equals, check, f"{check.first} to {check.last}, {count} figures")


def _margin(figures: Figures, check: Margin) -> _Outcome:
    frequency = check.frequency or figures.series(check.series).frequency
    names = check.members or [name for name in figures.catalogue.members(check.series) if name != ALL]
    rows = _between(figures.frame(check.series, frequency, [ALL, *names]), check.first, check.last)
    wide = rows.pivot(index=["start", "end"], columns="member", values="value")
    if ALL not in wide or len(wide.columns) < 2:
        raise _NoFiguresError(f"{check.series}: no total or no members")
    parts = wide.drop(columns=ALL)
    both = wide[ALL].notna() & parts.notna().any(axis=1)
    return _worst(parts[both].sum(axis=1), wide[ALL][both], check, check.at_least)


def _identity(figures: Figures, check: Identity) -> _Outcome:
    columns = [_series(figures, part) * part.factor for part in check.parts]
    table = _span(pd.concat(columns, axis=1).dropna(), check.first, check.last)
    if table.empty:
        raise _NoFiguresError("no common period")
    scale = table.abs().max(axis=1)
    return _worst(table.sum(axis=1) + scale, scale, check, check.at_least)


def _equal(figures: Figures, check: Equal) -> _Outcome:
    pairs = []
    for left, right in zip(_each(check.left, check.members), _each(check.right, check.members), strict=True):
        pairs.append(pd.concat([_series(figures, left), _series(figures, right)], axis=1, keys=["left", "right"]))
    table = _span(pd.concat(pairs).dropna(), check.first, check.last)
    return _worst(table["left"], table["right"], check, check.at_least)


def _year_sum(figures: Figures, check: YearSum) -> _Outcome:
    sums: list[float] = []
    printed: list[pd.Series] = []
    for part, whole in zip(_each(check.months, check.members), _each(check.years, check.members), strict=True):
        months, years = _rows(figures, part), _span(_series(figures, whole), check.first, check.last)
        inside = [months[(months["start"] >= start) & (months["end"] <= end)] for start, end in years.index]
        covered = [len(rows) > 0 for rows in inside]
        sums += [float(rows["value"].sum()) for rows in inside if len(rows)]
        printed.append(years[covered])
    right = pd.concat(printed)
    return _worst(pd.Series(sums, index=right.index, dtype=float), right, check, check.at_least)


def _range(figures: Figures, check: Range) -> _Outcome:
    values = _span(_series(figures, check.value), check.first, check.last)
    rows = figures.vintages(check.printed.series, _frequency(figures, check.printed), [check.printed.member])
    rows = _filter(rows, check.printed)
    limits = rows.groupby(["start", "end"])["value"].agg(["min", "max"])
    table = limits.join(values.rename("value"), how="inner")
    if len(table) < check.at_least:
        raise _NoFiguresError(f"{len(table)} of {check.at_least} periods")
    low, high = table["min"] * (1 - check.share) - check.tolerance, table["max"] * (1 + check.share) + check.tolerance
    bad = table[(table["value"] < low) | (table["value"] > high)]
    worst = (bad if len(bad) else table).iloc[-1]
    expected = f"{_number(worst['min'])} to {_number(worst['max'])}{_slack(check)}"
    where = (bad if len(bad) else table).index[-1]
    detail = f"{len(bad)} of {len(table)} periods outside; shown: {_when(where)}"
    return bad.empty, expected, _number(worst["value"]), detail


def _ratio(figures: Figures, check: Ratio) -> _Outcome:
    table = pd.concat(
        [_series(figures, check.left), _series(figures, check.right)], axis=1, keys=["left", "right"]
    ).dropna()
    table = _span(table, check.first, check.last)
    if len(table) < check.at_least:
        raise _NoFiguresError(f"{len(table)} of {check.at_least} periods")
    ratio = table["left"] / table["right"]
    found = f"{ratio.min():.4f} to {ratio.max():.4f}"
    ok = bool(ratio.between(check.low, check.high).all())
    return ok, f"{check.low} to {check.high}", found, f"{len(ratio)} periods"


_KINDS: dict[str, Callable[[Figures, Any], _Outcome]] = {
    "value": _value,
    "sum": _sum,
    "margin": _margin,
    "identity": _identity,
    "equal": _equal,
    "year_sum": _year_sum,
    "range": _range,
    "ratio": _ratio,
}


def _each(part: Part, members: list[str]) -> list[Part]:
    """Return the part itself, or one copy of it for each of the members."""
    return [part.model_copy(update={"member": member}) for member in members] if members else [part]


def _frequency(figures: Figures, part: Part) -> str:
    return part.frequency or figures.series(part.series).frequency


def _filter(rows: pd.DataFrame, part: Part) -> pd.DataFrame:
    if part.source is not None:
        rows = rows[rows["source"].str.contains(part.source, regex=False)]
    if part.vintage is not None:
        rows = rows[rows["vintage"] == part.vintage]
    return rows


def _rows(figures: Figures, part: Part) -> pd.DataFrame:
    """One row a period: the best vintage, or the latest of those that the part's source and vintage allow."""
    if part.source is None and part.vintage is None:
        return figures.frame(part.series, _frequency(figures, part), [part.member])
    rows = _filter(figures.vintages(part.series, _frequency(figures, part), [part.member]), part)
    return rows.sort_values(["end", "start", "vintage_day"]).drop_duplicates(["start", "end"], keep="last")


def _series(figures: Figures, part: Part) -> pd.Series:
    rows = _rows(figures, part)
    values: pd.Series = rows.set_index(["start", "end"])["value"]
    return values


def _limits(first: str | None, last: str | None) -> tuple[pd.Timestamp, pd.Timestamp]:
    low = pd.Period(first).start_time if first else pd.Timestamp.min
    high = pd.Period(last).end_time if last else pd.Timestamp.max
    return low, high


def _between(rows: pd.DataFrame, first: str | None, last: str | None) -> pd.DataFrame:
    low, high = _limits(first, last)
    return rows[(rows["start"] >= low) & (rows["end"] <= high)]


def _span(table: _Table, first: str | None, last: str | None) -> _Table:
    low, high = _limits(first, last)
    start, end = table.index.get_level_values("start"), table.index.get_level_values("end")
    return table[(start >= low) & (end <= high)]


def _compare(found: float, expected: float, check: _Check, detail: str) -> _Outcome:
    slack = max(check.tolerance, abs(expected) * check.share) + 1e-9 * max(1.0, abs(expected))
    return abs(found - expected) <= slack, _number(expected) + _slack(check), _number(found), detail


def _worst(left: pd.Series, right: pd.Series, check: _Check, at_least: int) -> _Outcome:
    if len(left) < at_least:
        raise _NoFiguresError(f"{len(left)} of {at_least} periods")
    gap = (left - right).abs()
    slack = (right.abs() * check.share).clip(lower=check.tolerance) + 1e-9 * right.abs().clip(lower=1.0)
    excess = gap - slack
    place = int(excess.to_numpy().argmax())
    failing = int((excess > 0).sum())
    detail = f"{failing} of {len(left)} periods differ; shown: {_when(left.index[place])}"
    return failing == 0, _number(right.iloc[place]) + _slack(check), _number(left.iloc[place]), detail


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def _slack(check: _Check) -> str:
    words = [f"±{_number(check.tolerance)}"] if check.tolerance else []
    words += [f"±{check.share:.2%}"] if check.share else []
    return " " + " or ".join(words) if words else ""


def _when(key: tuple[pd.Timestamp, pd.Timestamp]) -> str:
    return f"{key[0].date()} to {key[1].date()}"
