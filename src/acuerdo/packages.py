"""Packages of measures: files of dated lever values with a title and notes, and the corridor's library of them.

A file of measures that an analyst writes and a package of the library are the same thing, read by the same reader.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import BeforeValidator, ConfigDict, Field

from acuerdo import calendar, scenario
from acuerdo.corridor import Corridor
from acuerdo.errors import DataError, InputError, nearest_name
from acuerdo.levers import Floats, Lever, load_levers
from acuerdo.records import Found, Record, Text, read_record, read_records
from acuerdo.scenario import MOST_RAMP, Setting
from acuerdo.timeline import parse_month

NOT_REPRESENTED = "not_represented.yaml"


def _month(value: object) -> pd.Period:
    try:
        return parse_month(str(value))
    except InputError:
        raise ValueError("a month written YYYY-MM") from None


Month = Annotated[pd.Period, BeforeValidator(_month)]
Words = dict[str, Text]


class Without(Record):
    """What a lever would have been without a measure of the past: a value, or the record changed by a sum or factor."""

    value: float | dict[str, float] | None = None
    add: float | None = None
    times: float | None = None


class Line(Record):
    """One lever set to a value, or values by member, or a factor on what would be without it; see docs/packages.md."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    lever: Text
    value: float | dict[str, float] | None = None
    times: float | None = None
    from_: Month | None = Field(default=None, alias="from")
    to: Month | None = None
    ramp: int = Field(default=1, ge=1, le=MOST_RAMP)
    without: Without | None = None
    source: Text | None = None


class Row(Record):
    """An entry of the policy calendar, by measure and first day."""

    measure: Text
    start: date


class Head(Record):
    """What a file says of itself besides its measures."""

    title: Words | Text | None = None
    notes: Words | Text | None = None
    kind: Literal["replay", "proposal"] = "proposal"
    source: Text | None = None
    calendar: list[Row] = Field(default_factory=list)
    measures: list[Any]


class Gap(Record):
    """Measures of the policy calendar that no package replays: the entries of the days `starts`, or all of them."""

    measures: list[Text] = Field(min_length=1)
    starts: list[date] = Field(default_factory=list)
    why: Words


class _Gaps(Record):
    first: date
    last: date
    measures: list[Any]


@dataclass(frozen=True)
class Package:
    """Measures that go together.

    Attributes:
        name: the file's name without its ending.
        head: title, notes, kind, source, and the entries of the policy calendar that it replays.
        lines: what it sets, with file and line.
    """

    name: str
    head: Head
    lines: tuple[Found[Line], ...]

    @property
    def replays(self) -> bool:
        """Whether this is a measure of the past."""
        return self.head.kind == "replay"

    @property
    def levers(self) -> list[str]:
        """Names of the levers that it sets, in order."""
        return list(dict.fromkeys(item.record.lever for item in self.lines))

    @property
    def settings(self) -> list[Setting]:
        """The settings as written; a value by member becomes one setting for each member."""
        found: list[Setting] = []
        for item in self.lines:
            line = item.record
            one = Setting(
                line.lever, line.times or 0.0, line.from_, line.to, item.where(), line.times is not None, line.ramp
            )
            if isinstance(line.value, dict):
                found += [replace(one, value=value, member=name) for name, value in line.value.items()]
            else:
                found.append(one if line.value is None else replace(one, value=line.value))
        return found

    def ahead(self, months: pd.PeriodIndex) -> list[Setting]:
        """Return the settings for months to come.

        A replay that does not start within these months is the same measure again: it is moved so that it starts in the
        first of them, and what then lies beyond the last is left out. Settings of a proposal stay as written.
        """
        if not self.replays:
            return self.settings
        first = min(_first(item.record) for item in self.lines)
        shift = 0 if months[0] <= first <= months[-1] else (months[0] - first).n
        moved = []
        for item in self.settings:
            start, end = (None if month is None else month + shift for month in (item.start, item.end))
            if start is not None and start <= months[-1]:
                moved.append(replace(item, start=start, end=None if end is None else min(end, months[-1])))
        return moved

    def owners(self, levers: Mapping[str, Lever]) -> list[str]:
        """Return the sides that own the levers set, or `both`, each once."""
        return list(dict.fromkeys(levers[name].owner for name in self.levers))

    def check(self, levers: Mapping[str, Lever], members: Mapping[str, Sequence[str]]) -> None:
        """Check names, ranges and members of everything that it sets, also of what would have been without it.

        Raises:
            InputError: something is not valid; the message names file, line, lever and what is allowed.
        """
        scenario.check(self.settings, levers, members=members)
        for item in self.lines:
            line = item.record
            value = line.without.value if line.without is not None else None
            if isinstance(value, dict):
                counter = [Setting(line.lever, x, where=item.where("without"), member=m) for m, x in value.items()]
            else:
                counter = [] if value is None else [Setting(line.lever, value, where=item.where("without"))]
            scenario.check(counter, levers, members=members)


def load_package(path: Path) -> Package:
    """Read a file of measures. Names of levers and ranges are checked later, against a corridor (see `Package.check`).

    Raises:
        DataError: the file cannot be read or is not YAML.
        InputError: a field is missing, unknown or not valid; the message names file, line and field.
    """
    head = read_record(path, Head, "a title, notes and a list `measures`")
    lines = read_records(path, Line, label=("lever",), key="measures")
    for item in lines:
        _check_line(item, head.record.kind)
    if head.record.kind == "replay" and not (head.record.calendar and lines):
        raise InputError("calendar", None, "the calendar entries that the replay's measures stand for", where=str(path))
    return Package(path.stem, head.record, tuple(lines))


def _check_line(item: Found[Line], kind: str) -> None:
    line, label = item.record, item.label
    if (line.value is None) == (line.times is None):
        given = None if line.value is None else "both value and times"
        raise InputError(f"{label}, value", given, "either a value or a factor `times`", where=item.where("value"))
    if line.from_ is not None and line.to is not None and line.to < line.from_:
        raise InputError(
            f"{label}, to", str(line.to), f"{line.from_} or later", str(line.from_), where=item.where("to")
        )
    if kind == "replay" and line.from_ is None:
        raise InputError(f"{label}, from", None, "a month: a replay is dated", where=item.where())
    if line.without is not None:
        if kind != "replay":
            raise InputError(f"{label}, without", "given", "only in a replay", where=item.where("without"))
        if sum(value is not None for value in (line.without.value, line.without.add, line.without.times)) != 1:
            raise InputError(f"{label}, without", "given", "one of value, add and times", where=item.where("without"))


def library(corridor: Corridor) -> dict[str, Package]:
    """Return the corridor's packages by name; none if it has no folder `packages`.

    Raises:
        DataError, InputError: a file is not valid.
    """
    return {path.stem: load_package(path) for path in _library_files(corridor)}


def _library_files(corridor: Corridor) -> list[Path]:
    return sorted(path for path in corridor.path("packages").glob("*.yaml") if path.name != NOT_REPRESENTED)


def find(wanted: str | Path, corridor: Corridor) -> Package:
    """Read the file, or else return the package of the library of that name.

    Raises:
        InputError: neither a package of the library nor a file; the message gives the nearest name.
        DataError: the file cannot be read.
    """
    path = Path(wanted)
    if path.is_file():
        return load_package(path)
    names = [file.stem for file in _library_files(corridor)]
    if str(wanted) not in names:
        allowed = "a file, or the name of a package of the library"
        raise InputError("measures", str(wanted), allowed, nearest_name(path.stem, names))
    return load_package(corridor.path("packages", f"{wanted}.yaml"))


def without(
    package: Package,
    record: Mapping[str, Floats],
    levers: Mapping[str, Lever],
    months: pd.PeriodIndex,
    members: Mapping[str, Sequence[str]],
) -> dict[str, Floats]:
    """Return the record of the levers as it would have been without a measure of the past.

    Within the months of each line, the lever is what the line says under `without`; where it says nothing, the lever is
    held at what it was, without the lines before, in the month before. It is never taken out of its range.

    Args:
        package: a replay.
        record: what the levers were, (T,) or (T, M).
        levers: the levers.
        months: the months of the record, from before the measure.
        members: members of each dimension.

    Raises:
        InputError: the package is no replay, or the record does not start before it.
    """
    if not package.replays:
        raise InputError("package", package.name, "a replay of a measure of the past")
    changed = {name: np.array(values, float) for name, values in record.items()}
    for item in package.lines:
        line, lever = item.record, levers[item.record.lever]
        first = _first(line)
        if not months[0] < first <= months[-1]:
            allowed = f"a record that starts before {first} and reaches it"
            raise InputError(f"{package.name}, months", f"{months[0]} to {months[-1]}", allowed, where=item.where())
        names = members[lever.over] if lever.over is not None else ()
        before = changed[line.lever]
        inside = (months >= first) & (months <= (line.to or months[-1]))
        counter = _counterfactual(line, lever, before, int(np.argmax(inside)), names)
        touched = inside if lever.over is None else inside[:, None] & _named(line, lever, names)
        changed[line.lever] = np.where(touched, np.clip(counter, *lever.range), before)
    return changed


def _first(line: Line) -> pd.Period:
    assert line.from_ is not None  # a replay is dated: see _check_line
    return line.from_


def _counterfactual(line: Line, lever: Lever, before: Floats, first: int, names: Sequence[str]) -> Floats:
    other = line.without
    if other is None:
        return np.broadcast_to(before[first - 1], before.shape)
    if other.times is not None:
        return np.asarray(before * other.times)
    if other.add is not None:
        return np.asarray(before + lever.spread(other.add, names))
    if isinstance(other.value, dict):
        return np.broadcast_to([other.value.get(name, np.nan) for name in names], before.shape)
    assert other.value is not None
    return np.broadcast_to(lever.spread(other.value, names), before.shape)


def _named(line: Line, lever: Lever, names: Sequence[str]) -> Any:
    """Return which members a line is about: those it names, else those that the lever targets."""
    named = line.value if isinstance(line.value, dict) else lever.targets
    return np.array([name in named for name in names])


def monthly_cost(
    before: Mapping[str, Floats], after: Mapping[str, Floats], levers: Mapping[str, Lever], sides: Sequence[str]
) -> dict[str, Floats]:
    """Return what the change of the levers costs each side, in US dollars a month: shape (T,) for each side.

    Cost of one unit of a lever times the change of its setting, summed over members; a lever of both is shared equally.
    """
    months = len(next(iter(before.values())))
    total = {side: np.zeros(months) for side in sides}
    for name, lever in levers.items():
        change = (after[name] - before[name]).reshape(months, -1).sum(axis=1) * lever.cost.value
        payers = list(sides) if lever.owner == "both" else [lever.owner]
        for side in payers:
            total[side] += change / len(payers)
    return total


def not_represented(corridor: Corridor) -> tuple[date, date, list[Gap]]:
    """Return the days that the replays cover, and the measures of the calendar in them that no lever represents.

    Raises:
        DataError, InputError: the file is not valid.
    """
    path = corridor.path("packages", NOT_REPRESENTED)
    head = read_record(path, _Gaps, "the days covered and a list `measures`").record
    return head.first, head.last, [item.record for item in read_records(path, Gap, label=("measures",), key="measures")]


def check_library(corridor: Corridor) -> dict[str, Package]:
    """Check the whole library and return it: valid, in every language, and no calendar entry forgotten.

    Raises:
        DataError, InputError: a package is not valid, lacks a language, names a calendar entry that does not exist, or
            an entry of the years covered is neither replayed nor listed as not represented.
    """
    found = library(corridor)
    levers = load_levers(corridor)
    members = {name: list(codes) for name, codes in corridor.about["dimensions"].items()}
    entries = calendar.load_calendar(corridor)
    known = {(entry.measure, entry.start) for entry in entries}
    replayed: set[tuple[str, date]] = set()
    for package in found.values():
        package.check(levers, members)
        for field in ("title", "notes"):
            words = getattr(package.head, field)
            for lang in corridor.about["locales"]:
                if not isinstance(words, dict) or lang not in words:
                    raise DataError(f"package {package.name}: {field} lacks the language {lang!r}")
        rows = {(row.measure, row.start) for row in package.head.calendar}
        if rows - known:
            measure, start = min(rows - known)
            raise InputError(f"{package.name}, calendar", f"{measure} {start}", "an entry of the policy calendar")
        replayed |= rows
    first, last, gaps = not_represented(corridor)
    calendar.require(entries, [name for gap in gaps for name in gap.measures])
    whole = {name for gap in gaps if not gap.starts for name in gap.measures}
    listed = {(name, start) for gap in gaps for name in gap.measures for start in gap.starts}
    if listed - known:
        measure, start = min(listed - known)
        raise InputError(f"{NOT_REPRESENTED}", f"{measure} {start}", "an entry of the policy calendar")
    for entry in entries:
        seen = (entry.measure, entry.start) in replayed
        told = entry.measure in whole or (entry.measure, entry.start) in listed
        if entry.start <= last and (entry.end is None or entry.end >= first) and not (seen or told):
            raise DataError(f"packages: {entry.measure} of {entry.start} is neither replayed nor in {NOT_REPRESENTED}")
    return found
