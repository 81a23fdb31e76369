"""The catalogue: for each series its meaning, unit, publisher, publication rule and warnings, in both languages."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from acuerdo.corridor import Corridor
from acuerdo.errors import DataError, unknown_name

ALL = "ALL"
"""The member that stands for the total."""

OTH = "OTH"
"""The member that stands for everything that is not named."""

Frequency = Literal["day", "month", "twelve_months", "year", "fiscal_year", "year_to_date", "span"]
"""What a period is: `twelve_months` are the twelve months that end with a month; `span` is any other stretch of time
(a running total, a survey round)."""

FREQUENCIES: tuple[Frequency, ...] = (
    "day",
    "month",
    "twelve_months",
    "year",
    "fiscal_year",
    "year_to_date",
    "span",
)


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Text(_Strict):
    """The same words in English and Spanish."""

    en: str = Field(min_length=1)
    es: str = Field(min_length=1)

    def __getitem__(self, lang: str) -> str:
        """Return the words in `lang` (en or es)."""
        return self.es if lang == "es" else self.en


class Annual(_Strict):
    """Monthly figures that come out as a whole year."""

    months_after_year_end: int = Field(ge=0, le=60)


class Earlier(_Strict):
    """The longer or shorter lag that held for periods which ended by a day."""

    ends_through: date
    lag_days: int = Field(ge=0, le=2000)


class Publication(_Strict):
    """When a figure is first public: exactly one of three rules, and where the rule comes from.

    Attributes:
        lag_days: days from the end of the period.
        earlier: the lag of older periods, where the practice changed.
        not_before: the day of the first release, where older periods came out together.
        annual: the whole calendar year comes out together, so many months after its end.
        vintage: every row was printed in a dated source and is public from that date.
        lag_basis: the source of the lag, or the word "assumption".
    """

    lag_days: int | None = Field(default=None, ge=0, le=2000)
    earlier: Earlier | None = None
    not_before: date | None = None
    annual: Annual | None = None
    vintage: bool = False
    lag_basis: Text

    @model_validator(mode="after")
    def _exactly_one(self) -> Publication:
        if (self.lag_days is not None) + (self.annual is not None) + self.vintage != 1:
            raise ValueError("give exactly one of lag_days, annual and vintage: true")
        if self.lag_days is None and (self.earlier or self.not_before):
            raise ValueError("earlier and not_before go with lag_days")
        return self

    def day(self, end: date) -> date | None:
        """Return the day on which a figure for a period that ends on `end` is public; None for rule `vintage`."""
        if self.lag_days is not None:
            old = self.earlier is not None and end <= self.earlier.ends_through
            lag = self.earlier.lag_days if self.earlier is not None and old else self.lag_days
            return max(end + timedelta(days=lag), self.not_before or date.min)
        if self.annual is not None:
            month = pd.Period(year=end.year, month=12, freq="M") + self.annual.months_after_year_end
            return month.end_time.date()
        return None


class Series(_Strict):
    """One series of official figures.

    Attributes:
        id: the name used everywhere.
        label: a short name for charts.
        meaning: what is counted, in a sentence.
        unit: short unit of the values.
        unit_label: the unit in words.
        other_units: units of members that differ from `unit`, with their words.
        frequency: the main frequency; rows of other frequencies may exist.
        dimension: what the members are (for example origin), or None if there is only the total.
        members: labels of the members; left out when the corridor declares the dimension.
        publisher: who publishes it.
        table: the table or file.
        address: the public address of the publisher's page.
        terms: terms of use.
        publication: when a figure is first public.
        warnings: what to know before using it.
        headline: whether it is one of the handful a brief shows first.
    """

    id: str = Field(pattern=r"^[a-z]+(\.[a-z0-9_]+)+$")
    label: Text
    meaning: Text
    unit: str = Field(min_length=1)
    unit_label: Text
    other_units: dict[str, Text] = Field(default_factory=dict)
    frequency: Frequency
    dimension: str | None = None
    members: dict[str, Text] = Field(default_factory=dict)
    publisher: str = Field(min_length=1)
    table: str = Field(min_length=1)
    address: str = Field(pattern=r"^https://")
    terms: Text
    publication: Publication
    warnings: list[Text]
    headline: bool = False

    @model_validator(mode="after")
    def _dimension_and_members(self) -> Series:
        if self.dimension is None and self.members:
            raise ValueError("members need a dimension")
        return self


class Catalogue(BaseModel):
    """All the series of a corridor, by id."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    entries: dict[str, Series]

    def __getitem__(self, series_id: str) -> Series:
        """Return the entry of that id.

        Raises:
            InputError: there is no such series.
        """
        if series_id not in self.entries:
            raise unknown_name("series", series_id, self.entries)
        return self.entries[series_id]

    def members(self, series_id: str) -> dict[str, Text]:
        """Return the members that rows of the series may have, with their labels (`ALL` is always allowed)."""
        entry = self[series_id]
        return {ALL: Text(en="Total", es="Total")} | entry.members


def read(corridor: Corridor) -> Catalogue:
    """Read the corridor's `figures/catalogue.yaml`.

    The members of a dimension that the corridor declares (`dimensions` in corridor.yaml) are filled in.

    Raises:
        DataError: an entry is missing a field, has one too many, or a value of the wrong kind.
    """
    path = corridor.path("figures", "catalogue.yaml")
    raw = _load(corridor, path)
    shared: dict[str, Any] = corridor.about.get("dimensions", {})
    if not isinstance(raw, dict) or not isinstance(raw.get("series"), list) or set(raw) - {"series", "shared"}:
        raise DataError(f"{path}: expected a list under 'series', and at most pieces to share under 'shared'")
    entries: dict[str, Series] = {}
    for number, item in enumerate(raw["series"], start=1):
        name = item.get("id", f"entry {number}") if isinstance(item, dict) else f"entry {number}"
        try:
            entry = Series.model_validate(item)
        except ValidationError as problem:
            first = problem.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "entry"
            raise DataError(f"{path}: {name}: {where}: {first['msg']}") from problem
        if entry.dimension is not None and not entry.members:
            if entry.dimension not in shared:
                raise DataError(f"{path}: {name}: members: the corridor declares no dimension {entry.dimension!r}")
            labels = {code: Text.model_validate(text) for code, text in shared[entry.dimension].items()}
            entry = entry.model_copy(update={"members": labels})
        if entry.id in entries:
            raise DataError(f"{path}: {name}: the id appears twice")
        entries[entry.id] = entry
    return Catalogue(entries=entries)


def _load(corridor: Corridor, path: Path) -> Any:
    """Read the file with the fast loader if there is one; on any trouble, the plain one words the error."""
    try:
        return yaml.load(path.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return corridor.yaml("figures", path.name)
