"""Official figures as they were known on a day."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from acuerdo import corridor as corridors
from acuerdo.corridor import Corridor
from acuerdo.errors import DataError, InputError, unknown_name
from acuerdo.figures.catalogue import ALL, FREQUENCIES, Catalogue, Series, read
from acuerdo.timeline import parse_as_of

_WORD = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema(
    [
        ("series", _WORD),
        ("frequency", _WORD),
        ("start", pa.date32()),
        ("end", pa.date32()),
        ("member", _WORD),
        ("value", pa.float64()),
        ("unit", _WORD),
        ("source", _WORD),
        ("vintage", _WORD),
        ("vintage_day", pa.date32()),
        ("published", pa.date32()),
    ]
)
"""Columns of a snapshot, whose rows are sorted by series, end, start, frequency, member and vintage.

`start` and `end` are the first and last day of the period. `vintage` is as the source table has it, and `vintage_day`
the day it stands for (empty when not known). `published` is the day when a figure for the period was first public or,
for a row printed in a dated source, the day of that print.
"""

KEY = ["series", "frequency", "start", "end", "member"]
COLUMNS = ["start", "end", "frequency", "member", "value", "unit", "source", "vintage", "published", "revised"]
REBUILD = "python tools/build_snapshot.py FOLDER"
PARQUET, MANIFEST = "figures.parquet", "snapshot.json"


@dataclass(frozen=True)
class Figure:
    """One figure: the value of a series for a period, as known in the view it came from.

    Attributes:
        series: id of the series.
        value: in `unit`.
        unit: short unit.
        start: first day of the period.
        end: last day of the period.
        frequency: what the period is (month, year, ...).
        member: code of the member; ALL is the total.
        source: publisher and table.
        vintage: date or edition of the copy, as the source table has it.
        published: when a figure for the period was first public, or when this print was.
        revised: the period was public by the view's day, but this value is from a later vintage.
    """

    series: str
    value: float
    unit: str
    start: date
    end: date
    frequency: str
    member: str
    source: str
    vintage: str
    published: date
    revised: bool


class Figures:
    """A view of the figures: everything, or what had been published by a day.

    Make one with `Figures.open()`, narrow it with `as_of`.
    """

    def __init__(self, rows: pd.DataFrame, catalogue: Catalogue, day: date | None = None) -> None:
        self._rows = rows
        self.catalogue = catalogue
        self.day = day

    @classmethod
    def open(cls, corridor: Corridor | None = None) -> Figures:
        """Read the packaged snapshot of a corridor (the default one if none is given).

        Raises:
            DataError: the snapshot is missing, damaged or out of step with its manifest or the catalogue.
        """
        chosen = corridor or corridors.load()
        table = read_snapshot(chosen.path("figures"))
        catalogue = read(chosen)
        strangers = sorted(set(table.column("series").unique().to_pylist()) - set(catalogue.entries))
        if strangers:
            raise _damage(chosen.path("figures", PARQUET), f"series {strangers[0]!r} is not in catalogue.yaml")
        return cls(to_frame(table), catalogue)

    def as_of(self, day: date | str | None) -> Figures:
        """Return what had been published by `day` (a date, YYYY-MM-DD, YYYY-MM for its last day, or None for all).

        For one period and member, among the rows published by then, the latest vintage dated by then is preferred. If
        there is none, the earliest later vintage stands in and is marked `revised`.

        Raises:
            InputError: `day` is not a day, a month or 'latest'.
        """
        chosen = parse_as_of(day)
        if chosen is None:
            return self
        if self.day is not None and self.day < chosen:
            chosen = self.day
        rows = self._rows[self._rows["published"] <= pd.Timestamp(chosen)]
        return Figures(rows, self.catalogue, chosen)

    @property
    def ids(self) -> list[str]:
        """The ids of all series in the catalogue, sorted."""
        return sorted(self.catalogue.entries)

    def series(self, series_id: str) -> Series:
        """Return the catalogue entry of a series.

        Raises:
            InputError: there is no such series.
        """
        return self.catalogue[series_id]

    def frame(self, series: str, frequency: str | None = None, members: Iterable[str] | None = None) -> pd.DataFrame:
        """Return the best vintage of each period and member of a series, sorted by end, start and member.

        Columns: start, end (timestamps of the first and last day), frequency, member, value, unit, source, vintage,
        published, revised.

        Raises:
            InputError: the series, the frequency or a member is not known.
        """
        return self._pick(self._best, series, frequency, members)[COLUMNS]

    def vintages(self, series: str, frequency: str | None = None, members: Iterable[str] | None = None) -> pd.DataFrame:
        """Return every row of a series that this view may know, all vintages, with `vintage_day` as well.

        Raises:
            InputError: the series, the frequency or a member is not known.
        """
        columns = [name for name in COLUMNS if name != "revised"] + ["vintage_day"]
        return self._pick(self._rows, series, frequency, members)[columns]

    def monthly(self, series: str) -> pd.DataFrame:
        """Return the monthly figures of a series: one row a month (a PeriodIndex), one column a member.

        Months without a figure inside the span are rows of NaN; nothing is filled in. Twelve-month figures stand at
        the month in which they end.

        Raises:
            InputError: there is no such series.
        """
        best = self._pick(self._best, series, None, None)
        best = best[best["frequency"].isin(["month", "twelve_months"])]
        if best.empty:
            return pd.DataFrame(index=pd.PeriodIndex([], freq="M", name="month"), dtype=float)
        best = best.assign(month=best["end"].dt.to_period("M"))
        wide = best.pivot(index="month", columns="member", values="value")
        wide.columns.name = "member"
        span = pd.period_range(wide.index.min(), wide.index.max(), freq="M", name="month")
        return wide.reindex(span)

    def latest(self, series: str, member: str = ALL, frequency: str | None = None) -> Figure | None:
        """Return the figure of the latest period, or None if the view has none.

        Without a frequency, the main frequency of the series counts.

        Raises:
            InputError: the series, the member or the frequency is not known.
        """
        rows = self._pick(self._best, series, frequency or self.series(series).frequency, [member])
        return None if rows.empty else _figure(rows.iloc[-1])

    def at(self, series: str, period: str | pd.Period, member: str = ALL) -> Figure | None:
        """Return the figure for a period, or None if the view has none.

        A period is written YYYY-MM (month, or the twelve months that end there if the series has such figures),
        YYYY (calendar year), FYyyyy (fiscal year), YYYY-MM-DD (day) or FIRST/LAST with two days.

        Raises:
            InputError: the series or the member is not known, or the period is not written in one of these ways.
        """
        rows = self._pick(self._best, series, None, [member])
        rows = rows[_matches(rows, period)]
        return None if rows.empty else _figure(rows.iloc[-1])

    @cached_property
    def digest(self) -> str:
        """A sha256 over the content of the view: same figures, same digest."""
        content = self._best[["series", *COLUMNS]]
        seen = hashlib.sha256()
        for name in content.columns:
            column = content[name]
            if name == "value":
                text = column.to_numpy(dtype="<f8").tobytes().hex()
            elif name in ("start", "end", "published"):
                text = column.to_numpy(dtype="datetime64[D]").astype("<i8").tobytes().hex()
            else:
                text = "\x1f".join(column.astype(str))
            seen.update(f"{name}\x1e{text}\x1d".encode())
        return seen.hexdigest()

    @cached_property
    def _best(self) -> pd.DataFrame:
        """The best vintage of each period and member, with `revised`."""
        rows = self._rows
        vintage = rows["vintage_day"].to_numpy(dtype="datetime64[D]")
        unknown = np.isnat(vintage)
        number = vintage.astype("int64")
        if self.day is None:
            held = np.ones(len(rows), dtype=bool)
            rank = np.where(unknown, np.iinfo(np.int64).min, number)
        else:
            held = ~unknown & (vintage <= np.datetime64(self.day, "D"))
            rank = np.where(held, number, np.where(unknown, np.iinfo(np.int64).min + 1, -number - 10**9))
        order = np.lexsort((np.arange(len(rows)), rank, rows["key"].to_numpy()))
        keys = rows["key"].to_numpy()[order]
        last = np.append(keys[1:] != keys[:-1], True) if len(keys) else np.zeros(0, dtype=bool)
        chosen = np.sort(order[last])
        best = rows.iloc[chosen]
        return best.assign(revised=~held[chosen])

    def _pick(
        self, rows: pd.DataFrame, series: str, frequency: str | None, members: Iterable[str] | None
    ) -> pd.DataFrame:
        known = self.catalogue.members(self.series(series).id)
        keep = rows["series"] == series
        if frequency is not None:
            if frequency not in FREQUENCIES:
                raise unknown_name("frequency", frequency, FREQUENCIES)
            keep &= rows["frequency"] == frequency
        if members is not None:
            wanted = [members] if isinstance(members, str) else list(members)
            for member in wanted:
                if member not in known:
                    raise unknown_name(f"member of {series}", member, known)
            keep &= rows["member"].isin(wanted)
        return rows[keep].reset_index(drop=True)


def read_snapshot(folder: Path) -> pa.Table:
    """Read and verify `figures.parquet` against `snapshot.json` in a folder.

    Raises:
        DataError: a file is missing, damaged or not what the manifest says.
    """
    manifest = read_manifest(folder)
    path = folder / PARQUET
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise _damage(path, f"cannot be read ({problem.__class__.__name__})") from problem
    found = hashlib.sha256(content).hexdigest()
    if found != manifest["sha256"]:
        raise _damage(path, f"is damaged or changed: sha256 {found[:12]}, expected {str(manifest['sha256'])[:12]}")
    try:
        table = pq.read_table(pa.BufferReader(content))
    except (pa.ArrowException, OSError) as problem:
        raise _damage(path, "is not a Parquet file") from problem
    if table.schema.names != SCHEMA.names:
        raise _damage(path, f"has columns {', '.join(table.schema.names)}; expected {', '.join(SCHEMA.names)}")
    if table.schema.types != SCHEMA.types:
        raise _damage(path, "has columns of other types than expected")
    if table.num_rows != manifest["rows"]:
        raise _damage(path, f"has {table.num_rows} rows, expected {manifest['rows']}")
    return table


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read `snapshot.json` of a folder.

    Raises:
        DataError: it is missing or not a manifest.
    """
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise _damage(path, f"cannot be read ({problem.__class__.__name__})") from problem
    except ValueError as problem:
        raise _damage(path, "is not JSON") from problem
    if not isinstance(manifest, dict) or not {"sha256", "rows"} <= manifest.keys():
        raise _damage(path, "has no sha256 and rows")
    return manifest


def to_frame(table: pa.Table) -> pd.DataFrame:
    """Turn a snapshot into rows for `Figures`: dates as timestamps, words as text, and a `key` number."""
    rows: pd.DataFrame = table.to_pandas(date_as_object=False)
    rows["key"] = rows.groupby(KEY, observed=True, sort=False).ngroup()
    return rows.astype(dict.fromkeys(("frequency", "member", "unit", "source", "vintage"), str))


def _damage(path: Path, what: str) -> DataError:
    return DataError(f"{path}: {what}; rebuild the snapshot with: {REBUILD}")


def _figure(row: pd.Series) -> Figure:
    return Figure(
        series=str(row["series"]),
        value=float(row["value"]),
        unit=row["unit"],
        start=row["start"].date(),
        end=row["end"].date(),
        frequency=row["frequency"],
        member=row["member"],
        source=row["source"],
        vintage=row["vintage"],
        published=row["published"].date(),
        revised=bool(row["revised"]),
    )


def _matches(rows: pd.DataFrame, period: str | pd.Period) -> pd.Series:
    text = str(period)
    forms = "YYYY-MM, YYYY, FYyyyy, YYYY-MM-DD or FIRST/LAST"
    frequency, end, year = rows["frequency"], rows["end"], rows["end"].dt.year
    chosen: pd.Series
    try:
        if "/" in text:
            first, last = (pd.Timestamp(date.fromisoformat(part)) for part in text.split("/"))
            chosen = (rows["start"] == first) & (end == last)
        elif text.startswith("FY"):
            chosen = (frequency == "fiscal_year") & (year == int(text[2:]))
        elif len(text) == 4:
            chosen = (frequency == "year") & (year == int(text))
        elif len(text) == 7:
            month = pd.Period(text, "M").end_time.normalize()
            chosen = frequency.isin(["month", "twelve_months"]) & (end == month)
        else:
            chosen = (frequency == "day") & (end == pd.Timestamp(date.fromisoformat(text)))
    except ValueError as problem:
        raise InputError("period", text, forms) from problem
    return chosen
