"""What a corridor wants in its brief: the key `brief` of corridor.yaml."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from acuerdo.corridor import Corridor
from acuerdo.errors import DataError
from acuerdo.figures.catalogue import Text

Method = Literal["latest", "sum_12", "pace", "twelve_months", "constant"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Item(_Strict):
    """A figure to show.

    Attributes:
        series: id in the catalogue, or id of a fact of the corridor for the method `constant`.
        method: the latest figure; the sum of the latest twelve months; the year-to-date figure at the same pace for a
            whole year; twelve months from year-to-date and yearly figures; or a constant of the corridor.
        member: member of the series.
        frequency: frequency of the figures, if not the main one.
        label: name, if not the series' own.
        unit: unit in words, if not the series' own.
        scale: what one printed unit is in units of the series (1000000 for a unit of millions).
        note: a caution to print with it.
    """

    series: str
    method: Method = "latest"
    member: str = "ALL"
    frequency: str | None = None
    label: Text | None = None
    unit: Text | None = None
    scale: float = Field(default=1, gt=0)
    note: Text | None = None


class Group(_Strict):
    """Rows of the picture under one title."""

    title: Text
    rows: list[Item]


class Check(_Strict):
    """Figures to print beside a fact as reported."""

    figures: list[Item]
    note: Text | None = None


class Talks(_Strict):
    """The dialogue section: how far back and ahead to look, in days, and what to print beside the reported facts.

    Attributes:
        eve_days: a meeting so long ago still counts as one of these days.
        upcoming_days: how far ahead to list meetings.
        recent_days: how far back to list meetings.
        reported_days: how old a reported fact may be.
        promised_days: how old a commitment may be.
        said_days: how old a statement may be.
        checks: by id of a reported fact, what to print beside it.
    """

    eve_days: int = Field(default=7, ge=0)
    upcoming_days: int = Field(default=90, ge=0)
    recent_days: int = Field(default=365, ge=0)
    reported_days: int = Field(default=14, ge=0)
    promised_days: int = Field(default=31, ge=0)
    said_days: int = Field(default=31, ge=0)
    checks: dict[str, Check] = Field(default_factory=dict)


class Fan(_Strict):
    """A projection to draw.

    Attributes:
        id: the variable of the projection.
        member: member of its dimension, if it has one.
        history: the series that gives its history, if it has another name.
        history_member: member of that series, if it has another name.
        label: name, if not the projection's own.
        unit: unit in words, if not the series' own.
        zero: whether the axis starts from zero, as it must for counts.
    """

    id: str
    member: str = "ALL"
    history: str | None = None
    history_member: str | None = None
    label: Text | None = None
    unit: Text | None = None
    zero: bool = True


class EffectsTable(_Strict):
    """Outcomes that stand beside each other in one table of measures; six fit the page."""

    title: Text
    columns: list[str] = Field(min_length=1, max_length=7)


class Measures(_Strict):
    """Tables of the effects of measures, made for each owner, and the outcomes of the chart."""

    tables: list[EffectsTable]
    chart: list[str]


class BriefSettings(_Strict):
    """All that a corridor says about its brief.

    `progress` names the series of the small multiples on the page of progress; left out, those that most commitments
    name.
    """

    title: Text
    key_figures: list[Item]
    picture: list[Group]
    talks: Talks = Talks()
    outlook: list[Fan]
    measures: Measures
    progress: list[str] = Field(default_factory=list)
    history_months: int = Field(default=36, ge=12)
    outlook_months: int = Field(default=12, ge=1)


def read(corridor: Corridor) -> BriefSettings:
    """Return the corridor's settings for the brief.

    Raises:
        DataError: the key `brief` is missing or an entry is not valid.
    """
    path = corridor.path("corridor.yaml")
    raw = corridor.about.get("brief")
    if raw is None:
        raise DataError(f"{path}: the key 'brief' is missing")
    try:
        return BriefSettings.model_validate(raw)
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DataError(f"{path}: brief.{where}: {first['msg']}") from problem
