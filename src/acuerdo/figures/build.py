"""Build a snapshot from a folder of source tables: read, validate, set bad rows aside, write atomically."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from acuerdo.corridor import Corridor
from acuerdo.errors import DataError
from acuerdo.figures.catalogue import FREQUENCIES, Catalogue, read
from acuerdo.figures.store import MANIFEST, PARQUET, SCHEMA

RAW = [
    "series",
    "frequency",
    "start",
    "end",
    "member",
    "value",
    "unit",
    "source",
    "vintage",
    "vintage_day",
    "printed",
    "aside",
    "table",
    "line",
]
"""What a corridor's readers give for each row: the columns of the snapshot without `published`, and

`printed`: the row comes from a dated print, so it is public from its vintage on;
`aside`: why the reader sets the row aside ("" if it does not);
`table`, `line`: the source table and the line in it.
"""


@dataclass(frozen=True)
class Aside:
    """A row that was not taken, and why."""

    table: str
    line: int
    series: str
    reason: str


@dataclass
class Report:
    """What a build did.

    Attributes:
        rows: rows in the snapshot.
        series: rows by series.
        aside: rows set aside, each with its reason.
        through: the latest vintage among the rows.
        sha256: of the Parquet file.
    """

    rows: int = 0
    series: dict[str, int] = field(default_factory=dict)
    aside: list[Aside] = field(default_factory=list)
    through: str = ""
    sha256: str = ""


def build(corridor: Corridor, folder: Path, target: Path | None = None) -> Report:
    """Build the corridor's snapshot from a folder of source tables and write it.

    Args:
        corridor: its `figures.readers` module has `TABLES` and `rows(folder)`.
        folder: where the source tables are.
        target: where to write; the corridor's own `figures` folder if not given.

    Raises:
        DataError: a table is missing, or a series of the catalogue gets no row. The last snapshot is then untouched.
    """
    catalogue = read(corridor)
    readers = corridor.module("figures.readers")
    inputs = [_input(folder, name) for name in readers.TABLES]
    rows, aside = validate(readers.rows(folder), catalogue)
    empty = sorted(set(catalogue.entries) - set(rows["series"]))
    if empty:
        raise DataError(f"{folder}: no valid row for series {', '.join(empty)}; the last snapshot is untouched")
    content = to_parquet(rows)
    report = Report(
        rows=len(rows),
        series={str(name): int(count) for name, count in rows.groupby("series").size().items()},
        aside=aside,
        through=str(rows["vintage_day"].max().date()),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    _write(target or corridor.path("figures"), content, report, inputs)
    return report


def validate(raw: pd.DataFrame, catalogue: Catalogue) -> tuple[pd.DataFrame, list[Aside]]:
    """Check every row against the catalogue, and add `published`.

    Returns the good rows with the columns of the snapshot, sorted by series, end, start, frequency, member and vintage,
    and the rows set aside with their reasons.
    """
    missing = [name for name in RAW if name not in raw.columns]
    if missing:
        raise DataError(f"readers: rows have no column {missing[0]!r}")
    rows = raw[RAW].reset_index(drop=True)
    rows["value"] = pd.to_numeric(rows["value"], errors="coerce").astype(float)
    reason = rows["aside"].astype(str)
    for test, why in _tests(rows, catalogue):
        reason = reason.mask((reason == "") & test, why)
    rows["published"] = _published(rows[reason == ""], catalogue)
    order = ["series", "end", "start", "frequency", "member", "vintage_day", "vintage", "source", "value"]
    rows = rows.assign(reason=reason).sort_values(order, kind="stable", na_position="first")
    same = ["series", "frequency", "start", "end", "member", "vintage", "source"]
    again = (rows["reason"] == "") & rows[rows["reason"] == ""].duplicated(same).reindex(rows.index, fill_value=False)
    rows["reason"] = rows["reason"].mask(again, "second row for the same period, member, vintage and source")
    bad = rows[rows["reason"] != ""].sort_values(["table", "line", "series"])
    named = (bad[name].tolist() for name in ("table", "line", "series", "reason"))
    aside = [Aside(*fields) for fields in zip(*named, strict=True)]
    good = rows[rows["reason"] == ""]
    return good[SCHEMA.names].reset_index(drop=True), aside


def to_parquet(rows: pd.DataFrame) -> bytes:
    """Write rows as Parquet; the same rows always give the same bytes."""
    columns = []
    for column in SCHEMA:
        values = rows[column.name]
        if pa.types.is_date32(column.type):
            array = pa.array([None if pd.isna(day) else day.date() for day in values], pa.date32())
        elif pa.types.is_dictionary(column.type):
            array = pa.array(values.astype(str).tolist(), pa.string()).dictionary_encode()
        else:
            array = pa.array(values.astype(float).tolist(), pa.float64())
        columns.append(array)
    table = pa.Table.from_arrays(columns, schema=SCHEMA)
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd", compression_level=19, use_dictionary=True)
    return buffer.getvalue()


def _tests(rows: pd.DataFrame, catalogue: Catalogue) -> list[tuple[pd.Series, str]]:
    known = rows["series"].isin(list(catalogue.entries))
    pairs = {(name, member) for name in catalogue.entries for member in catalogue.members(name)}
    units = {(name, unit) for name, entry in catalogue.entries.items() for unit in (entry.unit, *entry.other_units)}
    member_known = pd.Series([pair in pairs for pair in zip(rows["series"], rows["member"], strict=True)], dtype=bool)
    unit_known = pd.Series([pair in units for pair in zip(rows["series"], rows["unit"], strict=True)], dtype=bool)
    value = rows["value"]
    prints = [name for name, entry in catalogue.entries.items() if entry.publication.vintage]
    dated = rows["printed"] | rows["series"].isin(prints)
    return [
        (~known, "series is not in the catalogue"),
        (rows["start"].isna() | rows["end"].isna() | ~rows["frequency"].isin(FREQUENCIES), "date is not understood"),
        (rows["start"] > rows["end"], "period ends before it starts"),
        (value.isna() | value.abs().eq(float("inf")), "value is not a number"),
        (value < 0, "value is negative"),
        (~member_known, "member is not in the catalogue"),
        (~unit_known, "unit is not in the catalogue"),
        (rows["source"].astype(str).str.strip() == "", "source is empty"),
        (dated & rows["vintage_day"].isna(), "printed without a date"),
        (rows["vintage_day"] + pd.Timedelta(days=15) < rows["end"], "vintage is earlier than the end of the period"),
    ]


def _published(rows: pd.DataFrame, catalogue: Catalogue) -> pd.Series:
    """Give the day of publication: the print's day, else the rule's, never later than the vintage."""
    days: dict[tuple[str, date], date | None] = {}
    out = []
    for series, end, printed, vintage in zip(
        rows["series"], rows["end"], rows["printed"], rows["vintage_day"], strict=True
    ):
        held = None if pd.isna(vintage) else vintage.date()
        asked = (series, end.date())
        if asked not in days:
            days[asked] = catalogue[series].publication.day(end.date())
        rule = held if printed else days[asked]
        chosen = min(day for day in (rule, held, date.max) if day is not None)
        out.append(pd.Timestamp(chosen) if chosen != date.max else pd.NaT)
    return pd.Series(out, index=rows.index, dtype="datetime64[s]")


def _input(folder: Path, name: str) -> dict[str, Any]:
    try:
        content = (folder / name).read_bytes()
    except OSError as problem:
        raise DataError(
            f"{folder / name}: cannot be read ({problem.__class__.__name__}); the last snapshot is untouched"
        ) from problem
    return {"table": name, "sha256": hashlib.sha256(content).hexdigest()}


def _write(folder: Path, content: bytes, report: Report, inputs: list[dict[str, Any]]) -> None:
    manifest = {
        "file": PARQUET,
        "sha256": report.sha256,
        "rows": report.rows,
        "through": report.through,
        "series": report.series,
        "inputs": inputs,
        "set_aside": [vars(item) for item in report.aside],
    }
    text = json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
    pending = []
    try:
        for name, data in ((PARQUET, content), (MANIFEST, text.encode())):
            new = folder / f".{name}.new"
            pending.append((new, folder / name))
            new.write_bytes(data)
        for new, final in pending:
            new.replace(final)
    finally:
        for new, _ in pending:
            new.unlink(missing_ok=True)
