"""The policy calendar: what each measure was, day by day, and what of it was known on a given day.

The calendar itself is a file of the corridor (`model/calendar.yaml`); its header explains the fields.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field, StringConstraints, model_validator

from acuerdo.corridor import Corridor
from acuerdo.errors import InputError, nearest_name, unknown_name
from acuerdo.records import Owner, Record, Text, contexts, read_records

Code = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class Scope(Record):
    """Whom an entry applies to: everyone (but for `except_`), or only those listed."""

    all: bool = False
    except_: list[Code] = Field(default_factory=list, alias="except")
    only: list[Code] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, data: Any) -> Any:
        return {"only": data} if isinstance(data, list) else data

    @model_validator(mode="after")
    def _one_form(self) -> Scope:
        if self.all == bool(self.only):
            raise ValueError("either {all: true}, with or without except, or a list of codes")
        return self

    def covers(self, member: str, members: Sequence[str], other: str | None) -> bool:
        """Whether `member` is meant; codes outside `members` fall on `other`."""
        if self.all:
            return member not in self.except_
        return member in self.only or (member == other and any(code not in members for code in self.only))


class Entry(Record):
    """One measure at one setting; the fields are explained in the calendar's header."""

    measure: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
    owner: Owner
    start: date
    end: date | None = None
    value: float | Text
    unit: Text
    place: Text | None = None
    applies_to: Scope
    adds: bool = False
    description: Text
    anticipated_from: date | None = None
    known_from: date
    end_known_from: date | None = None
    source: list[Text] = Field(min_length=1)
    confidence: Literal["read", "unverified"]

    @model_validator(mode="after")
    def _dates_in_order(self) -> Entry:
        if self.end is not None and self.end < self.start:
            raise ValueError(f"end {self.end} comes before start {self.start}")
        if self.end is None and self.end_known_from is not None:
            raise ValueError("end_known_from without an end")
        if self.anticipated_from is not None and self.anticipated_from > self.start:
            raise ValueError(f"anticipated_from {self.anticipated_from} comes after start {self.start}")
        if self.end_known_from is not None and self.end_known_from < self.known_from:
            raise ValueError(f"end_known_from {self.end_known_from} comes before known_from {self.known_from}")
        return self

    def same_setting(self, later: Entry) -> bool:
        """Whether `later` is a setting of the same thing: same measure, same people, same place."""
        return (self.measure, self.applies_to, self.place) == (later.measure, later.applies_to, later.place)


def load_calendar(corridor: Corridor) -> list[Entry]:
    """Read and check the corridor's calendar.

    Raises:
        DataError: the file is missing or is not YAML.
        InputError: an entry is not valid; the message names file, line, entry, field and what is allowed.
    """
    found = read_records(
        corridor.path("model", "calendar.yaml"), Entry, label=("measure", "start"), context=contexts(corridor)
    )
    return [item.record for item in found]


def known(entries: Sequence[Entry], day: date | None) -> list[Entry]:
    """Return the entries as they were known on `day`: later ones are left out, an end not yet known is shown as open.

    Without a day, everything is known.
    """
    if day is None:
        return list(entries)
    seen = []
    for entry in entries:
        if entry.known_from > day:
            continue
        end_known = entry.end_known_from or entry.end
        if end_known is not None and end_known > day:
            entry = entry.model_copy(update={"end": None, "end_known_from": None})
        seen.append(entry)
    return seen


def require(entries: Sequence[Entry], measures: Sequence[str]) -> None:
    """Check that the calendar has each of `measures`.

    Raises:
        InputError: one is not in the calendar; the message gives the nearest name.
    """
    names = {entry.measure for entry in entries}
    for measure in measures:
        if measure not in names:
            raise unknown_name("measure", measure, names)


def monthly_values(
    entries: Sequence[Entry],
    measure: str,
    months: pd.PeriodIndex,
    members: Sequence[str] | None = None,
    stack: bool = False,
    on: float = 1.0,
    words: Mapping[str, float] | None = None,
    other: str | None = "OTH",
) -> npt.NDArray[np.float64]:
    """Return the mean over the days of each month of what the measure was set to; days out of force count as 0.

    So an on/off measure gives the share of the month's days in force (times `on`), and a number its day-weighted mean.
    An open entry is replaced by the next one of the same setting (see `Entry.same_setting`), unless it adds.

    Args:
        entries: the calendar, or what was `known` of it. A measure that it does not have gives 0: see `require`.
        measure: name of the measure.
        months: the months wanted, in order and without gaps.
        members: members of the dimension wanted; None for one value, whomever the entries apply to.
        stack: where several entries are in force on one day, True adds them up, False takes the latest to start.
        on: number for the word `on`.
        words: numbers for other words; `off` is 0 unless given here (a suspension, which the calendar has only as
            `off`, is read with `{"off": 1.0}`).
        other: the member on which codes outside `members` fall. It takes the full value even if an entry names only
            some of those codes; None to leave them out.

    Returns:
        Shape (T,) without members, else (T, M).

    Raises:
        InputError: an entry's value is a word without a number.
    """
    scale = {"on": on, "off": 0.0, **(words or {})}
    width = 1 if members is None else len(members)
    if len(months) == 0:
        return np.zeros((0, width) if members is not None else 0)
    first, last = months[0].start_time.date(), months[-1].end_time.date()
    daily = np.zeros(((last - first).days + 1, width))
    chosen = [entry for entry in entries if entry.measure == measure]
    for position in sorted(range(len(chosen)), key=lambda index: chosen[index].start):
        entry = chosen[position]
        end = _last_day(entry, chosen[position + 1 :], last)
        begin, stop = max((entry.start - first).days, 0), (end - first).days + 1
        if stop <= begin:
            continue
        value = _number(entry, scale)
        columns = (
            slice(None)
            if members is None
            else np.array([entry.applies_to.covers(member, members, other) for member in members], dtype=bool)
        )
        if stack:
            daily[begin:stop, columns] += value
        else:
            daily[begin:stop, columns] = value
    sizes = np.array([month.days_in_month for month in months])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    values: npt.NDArray[np.float64] = np.add.reduceat(daily, starts, axis=0) / sizes[:, None]
    return values[:, 0] if members is None else values


def _last_day(entry: Entry, later: Sequence[Entry], horizon: date) -> date:
    """Last day in force: the end, or the eve of the entry that replaces an open one, or the horizon."""
    if entry.end is not None:
        return min(entry.end, horizon)
    if entry.adds:
        return horizon
    starts = [next_.start for next_ in later if entry.same_setting(next_)]
    return min([start - timedelta(days=1) for start in starts] + [horizon])


def _number(entry: Entry, scale: Mapping[str, float]) -> float:
    if isinstance(entry.value, float):
        return entry.value
    if entry.value not in scale:
        raise InputError(
            f"{entry.measure}, {entry.start}, value",
            entry.value,
            f"a number, or a word with a number given for it ({', '.join(scale)})",
            nearest_name(entry.value, scale),
        )
    return scale[entry.value]
