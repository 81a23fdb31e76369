"""The declared questions of attribution: which measure, which series, which windows, which donors and why these.

They are a file of the corridor (`attribution.yaml`), whose header explains the fields.
"""

from __future__ import annotations

from datetime import date as Day  # noqa: N812  (fields are named date)
from typing import Annotated, Literal

import pandas as pd
from pydantic import Field, StringConstraints, model_validator

from acuerdo.calendar import Entry, load_calendar
from acuerdo.corridor import Corridor
from acuerdo.dialogue.dossier import Id, Words
from acuerdo.errors import InputError, nearest_name, unknown_name
from acuerdo.figures.catalogue import Catalogue
from acuerdo.figures.catalogue import read as read_catalogue
from acuerdo.packages import library
from acuerdo.records import Found, Record, contexts, read_records
from acuerdo.records import Text as Line

FILE = "attribution.yaml"

Month = Annotated[str, StringConstraints(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]
Method = Literal["structural", "synthetic_control", "synthetic_did"]


class Measure(Record):
    """An entry of the policy calendar: the day on which it starts, or the last day on which it is in force."""

    name: Line
    date: Day
    event: Literal["start", "end"] = "start"


class Window(Record):
    """Months from first to last, both included."""

    first: Month = Field(alias="from")
    last: Month = Field(alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> Window:
        if self.last < self.first:
            raise ValueError(f"a window that ends ({self.last}) after it begins ({self.first})")
        return self

    @property
    def months(self) -> pd.PeriodIndex:
        """The months of the window."""
        return pd.period_range(self.first, self.last, freq="M", name="month")


class Donors(Record):
    """Series that the measure does not touch.

    Attributes:
        series: their series; that of the question if not given.
        members: the members, each a donor.
        reason: why the measure does not touch them, and how it might all the same (spill-over).
    """

    series: Line | None = None
    members: list[Line] = Field(min_length=1)
    reason: Words


class Question(Record):
    """One question: did this measure move this series, and by how much.

    Attributes:
        id: name of the question.
        title: the question in words.
        series: the series that the measure may have moved.
        treated: members that are added up to the treated unit.
        measure: the measure, as the calendar has it.
        together: other measures of the calendar that came so close that the effect is that of all together.
        pre: months before; it ends before the measure, or before people could act on its announcement.
        post: months after.
        needs_post: months after the measure without which there is no answer.
        donors: series that the measure does not touch; none if there are none.
        no_donors: why there are none.
        methods: methods, the first being the one whose verdict counts.
        level: whether the level of the series is a random walk or has a slope of its own.
        cautions: what to know before using the answer.
        packages: replays of the library that the model takes out for its own answer; none where no lever stands for the
            measure.
    """

    id: Id
    title: Words
    series: Line
    treated: list[Line] = Field(min_length=1)
    measure: Measure
    together: list[Line] = Field(default_factory=list)
    pre: Window
    post: Window
    needs_post: int = Field(default=3, ge=1, le=60)
    donors: Donors | None = None
    no_donors: Words | None = None
    methods: list[Method] = Field(min_length=1)
    level: Literal["level", "slope"] = "level"
    cautions: list[Words] = Field(default_factory=list)
    packages: list[Line] = Field(default_factory=list)

    @model_validator(mode="after")
    def _consistent(self) -> Question:
        if not self.pre.last < self.post.first:
            raise ValueError(f"a window before that ends before the window after begins ({self.post.first})")
        if self.post.first < self.measure.date.isoformat()[:7]:
            raise ValueError(f"a window after that begins no earlier than the measure ({self.measure.date})")
        if self.pre.last > self.measure.date.isoformat()[:7]:
            raise ValueError(f"a window before that ends no later than the month of the measure ({self.measure.date})")
        if (self.donors is None) == (self.no_donors is None):
            raise ValueError("donors, or no_donors with the reason why there are none")
        panel = [method for method in self.methods if method != "structural"]
        if panel and (self.donors is None or len(self.donors.members) < 3):
            raise ValueError(f"three or more donors for {panel[0]}")
        if len(set(self.methods)) != len(self.methods):
            raise ValueError("each method once")
        return self


def load_questions(corridor: Corridor) -> list[Question]:
    """Read and check the corridor's questions; a corridor without the file has none.

    Raises:
        DataError: the file is not YAML.
        InputError: a question is not valid, or names a series, a member or a measure that is not there; the message
            names file, line, question, field and what is allowed.
    """
    path = corridor.path(FILE)
    if not path.exists():
        return []
    catalogue, calendar = read_catalogue(corridor), load_calendar(corridor)
    found = read_records(path, Question, context=contexts(corridor))
    replays = [name for name, package in library(corridor).items() if package.replays]
    seen: set[str] = set()
    for item in found:
        if item.record.id in seen:
            raise InputError(
                f"{item.label}, id", item.record.id, "an id that no other question has", where=item.where("id")
            )
        seen.add(item.record.id)
        _check_series(item, catalogue)
        _check_measures(item, calendar)
        for name in item.record.packages:
            if name not in replays:
                raise unknown_name(f"{item.label}, packages", name, replays, item.where("packages"))
    return [item.record for item in found]


def _check_series(item: Found[Question], catalogue: Catalogue) -> None:
    question = item.record
    places: list[tuple[str, list[str], tuple[str, ...]]] = [(question.series, question.treated, ())]
    if question.donors is not None:
        places.append((question.donors.series or question.series, question.donors.members, ("donors",)))
    for series, members, under in places:
        if series not in catalogue.entries:
            field = ".".join([*under, "series"])
            raise unknown_name(f"{item.label}, {field}", series, catalogue.entries, item.where(*under, "series"))
        known = catalogue.members(series)
        name = "members" if under else "treated"
        for member in members:
            if member not in known:
                field = ".".join([*under, name])
                raise unknown_name(f"{item.label}, {field}", member, known, item.where(*under, name))
    if question.donors is not None and question.donors.series in (None, question.series):
        both = sorted(set(question.treated) & set(question.donors.members))
        if both:
            raise InputError(
                f"{item.label}, donors.members",
                both[0],
                "members that are not treated",
                where=item.where("donors", "members"),
            )


def _check_measures(item: Found[Question], calendar: list[Entry]) -> None:
    question, names = item.record, {entry.measure for entry in calendar}
    for name, place in [
        (question.measure.name, ("measure", "name")),
        *((one, ("together",)) for one in question.together),
    ]:
        if name not in names:
            raise unknown_name(f"{item.label}, {'.'.join(place)}", name, names, item.where(*place))
    measure = question.measure
    days = sorted(
        {
            day.isoformat()
            for entry in calendar
            if entry.measure == measure.name and (day := entry.start if measure.event == "start" else entry.end)
        }
    )
    if measure.date.isoformat() not in days:
        raise InputError(
            f"{item.label}, measure.date",
            measure.date.isoformat(),
            f"the {measure.event} of an entry of {measure.name} in the calendar: {', '.join(days) or 'none'}",
            nearest_name(measure.date.isoformat(), days),
            item.where("measure", "date"),
        )
