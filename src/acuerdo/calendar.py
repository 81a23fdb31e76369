"""The policy calendar: what each measure was, day by day, and what of it was known on a given day.

The calendar itself is a file of the corridor (`model/calendar.yaml`); its header explains the fields.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from acuerdo.corridor import Corridor
from acuerdo.errors import DataError, InputError, nearest_name, unknown_name

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


def one_of(name: str) -> AfterValidator:
    """Return a check that a value is among the names that the reader of the file gave as its context `name`."""

    def check(value: str, info: ValidationInfo) -> str:
        choices = (info.context or {}).get(name)
        if choices is not None and value not in choices:
            raise PydanticCustomError("one_of", "{expected}", {"expected": ", ".join(choices)})
        return value

    return AfterValidator(check)


Owner = Annotated[str, one_of("owners")]
"""A side of the corridor, `both`, or `third` for another state or actor."""


class Record(BaseModel):
    """Base of everything read from a corridor's YAML: exact types, no unknown fields, nothing changed later."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, populate_by_name=True)


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


# --- reading a list of records from YAML, with the line of whatever is wrong -----------------------------------------

R = TypeVar("R", bound=BaseModel)
R_co = TypeVar("R_co", bound=BaseModel, covariant=True)


@dataclass(frozen=True)
class Found(Generic[R_co]):
    """A record and where it stands in its file."""

    record: R_co
    label: str
    path: Path
    node: yaml.MappingNode

    def where(self, *field: str | int) -> str:
        """File and line of the record, or of one of its fields."""
        return f"{self.path}, line {_line(self.node, field)}"


def contexts(corridor: Corridor) -> dict[str, list[str]]:
    """Return the names of the corridor against which records are checked: its sides, owners and languages."""
    sides = list(corridor.about["sides"])
    return {
        "sides": sides,
        "owners": [*sides, "both", "third"],
        "languages": list(corridor.about.get("locales", {})),
    }


def read_records(
    path: Path,
    model: type[R],
    label: Sequence[str] = ("id",),
    key: str | None = None,
    context: Mapping[str, Sequence[str]] | None = None,
) -> list[Found[R]]:
    """Read a YAML file that holds a list of records of one kind.

    Args:
        path: the file.
        model: the kind of record.
        label: the fields by which a message names a record.
        key: for a file with several lists by name, the name of the list.
        context: the corridor's own names, for the checks that need them (see `contexts`).

    Raises:
        DataError: the file is missing, is not YAML or is not a list.
        InputError: a record is not valid; the message names file, line, record, field and what is allowed.
    """
    root, loader = _compose(path)
    if key is not None and isinstance(root, yaml.MappingNode):
        root = next((value for name, value in root.value if name.value == key), None)
    if not isinstance(root, yaml.SequenceNode):
        raise DataError(f"{path}: must be a list of entries" if key is None else f"{path}: has no list named {key!r}")
    found = []
    for number, node in enumerate(root.value, start=1):
        _refuse_repeated_fields(path, node)
        data = loader.construct_object(node, deep=True)
        if not isinstance(node, yaml.MappingNode):
            raise InputError(
                f"entry {number}", data, "fields and their values", where=f"{path}, line {node.start_mark.line + 1}"
            )
        name = " ".join(str(data[field]) for field in label if field in data) or f"entry {number}"
        try:
            record = model.model_validate(data, context=context)
        except ValidationError as problem:
            raise _as_input_error(problem, model, name, path, node) from None
        found.append(Found(record, name, path, node))
    return found


def _compose(path: Path) -> tuple[yaml.Node | None, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise DataError(f"{path}: cannot be read ({problem.__class__.__name__})") from problem
    loader_class = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        loader = loader_class(text)
        return loader.get_single_node(), loader
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise DataError(f"{path}{line}: not valid YAML ({getattr(problem, 'problem', None) or 'syntax'})") from problem


def _refuse_repeated_fields(path: Path, node: yaml.Node) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                raise InputError("field", key.value, "each field once", where=f"{path}, line {key.start_mark.line + 1}")
            seen.add(key.value)
            _refuse_repeated_fields(path, value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_repeated_fields(path, value)


def _line(node: yaml.Node, field: Sequence[str | int]) -> int:
    """Line of the innermost part of `field` that the file has."""
    line = node.start_mark.line + 1
    for step in field:
        if isinstance(node, yaml.MappingNode):
            pair = next(((key, value) for key, value in node.value if key.value == step), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
    return line


def _as_input_error(
    problem: ValidationError, model: type[BaseModel], name: str, path: Path, node: yaml.Node
) -> InputError:
    """Turn the first of pydantic's complaints (a misspelt field before a missing one) into one line of ours."""
    details = problem.errors(include_url=False)
    detail = next((one for one in details if one["type"] == "extra_forbidden"), details[0])
    kind, context = detail["type"], detail.get("ctx", {})
    steps = _steps(node, detail["loc"])
    field = ".".join(str(step) for step in steps)
    nearest: str | None = None
    value = detail["input"]
    if kind == "missing":
        value, allowed = None, "a value (the field is required)"
    elif kind == "extra_forbidden":
        fields = list(model.model_fields)
        value = str(steps[-1])
        if len(steps) == 1:
            allowed, nearest, field = f"the fields {', '.join(fields)}", nearest_name(value, fields), "field"
        else:
            allowed, field = "no such field here", ".".join(str(step) for step in steps[:-1])
    elif kind in {"literal_error", "one_of"}:
        choices = context["expected"].replace(" or ", ", ").replace("'", "").split(", ")
        allowed, nearest = ", ".join(choices), nearest_name(str(value), choices)
    else:
        allowed = str(context.get("error") or detail["msg"].removeprefix("Input should be "))
        if isinstance(value, dict | BaseModel):
            value = "the entry" if not steps else "what is given"
    return InputError(
        f"{name}, {field}" if field else name, value, allowed, nearest, f"{path}, line {_line(node, steps)}"
    )


def _steps(node: yaml.Node, loc: Sequence[str | int]) -> list[str | int]:
    """Return the part of pydantic's location that the file knows (not the names of the branches of a union)."""
    steps: list[str | int] = []
    here: yaml.Node | None = node
    for step in loc:
        if isinstance(here, yaml.MappingNode):
            steps.append(step)
            here = next((value for key, value in here.value if key.value == step), None)
        elif isinstance(here, yaml.SequenceNode) and isinstance(step, int):
            steps.append(step)
            here = here.value[step] if step < len(here.value) else None
    return steps
