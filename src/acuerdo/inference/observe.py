"""Observation models: which published series observes which variable of the model, over which months, how noisily."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from acuerdo.corridor import Corridor
from acuerdo.engine.declare import Model
from acuerdo.engine.run import Array
from acuerdo.errors import DataError
from acuerdo.figures.store import Figures

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

MOST_CARRIED = 0.9
"""Bound of the part of noise that is carried on: above it, noise could take the place of the model."""

STUDENT_DF = 5.0
"""Degrees of freedom of noise: tails heavier than normal, so that one odd month bends no curve (assumption)."""

_DAYS_A_MONTH = 365.2425 / 12
_OF = "|"


class Observable(BaseModel):
    """How one published series follows from the model.

    Attributes:
        series: id of the series.
        variable: variable that it observes, by origin or other dimension if `over` is set.
        members: for a series whose members are variables of their own, the variable of each.
        member: the series' member that `variable` is.
        over: dimension that the series shares with the variable.
        factor: from the variable's unit to the series' unit.
        kind: `flow` (a figure is the sum over its months), `stock` (value at the end) or `mean` (of its months).
        noise: (5 %, median, 95 %) of the spread of the noise of each member, in logs.
        carried: part of a month's noise that is carried into the next (5 %, median, 95 %), below `MOST_CARRIED`: what a
            model misses in one month it tends to miss in the next. None where a latent series of its own follows them.
        offset: added before taking logs; about the size below which counts are noise.
        count: whether the series counts things (Poisson noise is added, predictions are whole and not negative).
        frequencies: the frequencies of figures that are fitted.
        rolling: months over which the published series is summed (12 for 12 months ending).
        completeness: share that the publisher has counted when it first prints, by member, where it is not all.
        revisions: of provisional figures: by the age in months from which it holds, the spread in logs by which later
            editions still change a single month. The age is that of the edition, or on the as-of day if that is
            earlier: what had been seen then was provisional, and the months cut off last were known least.
        weekend: of a flow, how much a Saturday or Sunday brings against a weekday; a month's figure is in proportion to
            its days so counted.
        fit: whether figures of this series inform the posterior.
        since: figures of periods before this are not used.
    """

    model_config = ConfigDict(extra="forbid")

    series: str
    variable: str | None = None
    members: dict[str, str] = Field(default_factory=dict)
    member: str = "ALL"
    over: str | None = None
    skip: list[str] = Field(default_factory=list)
    factor: float = 1.0
    kind: Literal["flow", "stock", "mean"] = "flow"
    noise: tuple[float, float, float]
    carried: tuple[float, float, float] = (0.02, 0.1, 0.3)
    offset: float = 5.0
    count: bool = True
    frequencies: list[str] = Field(default_factory=lambda: ["month"])
    rolling: int | None = None
    completeness: dict[str, float] = Field(default_factory=dict)
    revisions: dict[int, float] = Field(default_factory=dict)
    weekend: float = Field(default=1.0, ge=0.0)
    fit: bool = True
    since: str = "2018-01"

    def noise_of(self, member: str) -> str:
        """Return the name of the noise of a member's figures."""
        return f"{self.series}{_OF}{member}" if self.over or self.members else self.series

    def lengths(self, months: pd.PeriodIndex) -> Floats:
        """Return how long each month is, in months of average length, by the days that count; 1 for what is no flow."""
        if self.kind != "flow":
            return np.ones(len(months))
        first, after = (part.start_time.to_numpy("datetime64[D]") for part in (months, months + 1))
        days, weekdays = (after - first).astype(float), np.busday_count(first, after).astype(float)
        counted = weekdays + self.weekend * (days - weekdays)
        return np.asarray(counted / (_DAYS_A_MONTH * (5 + 2 * self.weekend) / 7))

    def still_changes(self, age: int) -> float:
        """Return the spread, in logs, by which figures of an age in months still change."""
        reached = [since for since in self.revisions if since <= age]
        return self.revisions[max(reached)] if reached else max(self.revisions.values(), default=0.0)

    def parts(self, model: Model) -> list[tuple[str, str, int | None]]:
        """Return (member of the series, variable, row of the variable's dimension or None) for everything observed."""
        if self.members:
            return [(member, variable, None) for member, variable in self.members.items()]
        assert self.variable is not None
        if self.over is None:
            return [(self.member, self.variable, None)]
        names = model.dimensions[self.over]
        return [(name, self.variable, i) for i, name in enumerate(names) if name not in self.skip]


def load_observables(corridor: Corridor, model: Model) -> dict[str, Observable]:
    """Read and check the corridor's observation models, in the order of the file.

    Raises:
        DataError: an entry is not valid or names a variable that the model does not have.
    """
    found: dict[str, Observable] = {}
    for series, entry in corridor.yaml("model", "observables.yaml").items():
        try:
            item = Observable(series=series, **entry)
        except ValidationError as problem:
            first = problem.errors()[0]
            raise DataError(f"observables.yaml: {series}: {first['loc']}: {first['msg']}") from problem
        for _, variable, _ in item.parts(model):
            if variable not in model.variables:
                raise DataError(f"observables.yaml: {series}: no variable {variable!r} in the model")
        found[series] = item
    return found


@dataclass
class Data:
    """Figures lined up with the model: one row each.

    `columns` are the variables, with a row of their dimension, that predictions are stacked from; `length` is by how
    much each is multiplied in each month, (months, columns). `column` points into the stacked predictions, `first` and
    `last` are months counted from the first modelled month, `noise` points into the list of noises, one for each member
    of each series. `before` points to the figure of the same member before, if both are for one month (else -1), and
    `apart` is the number of months between them. `late` is the spread, in logs, by which a figure is still likely to be
    revised.
    """

    columns: list[tuple[str, int | None]]
    length: Floats
    noises: list[str]
    labels: list[tuple[str, str]]
    column: Ints
    first: Ints
    last: Ints
    kind: Ints
    value: Floats
    offset: Floats
    poisson: Floats
    factor: Floats
    noise: Ints
    before: Ints
    apart: Ints
    late: Floats

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the variables that the rows need."""
        return tuple(dict.fromkeys(name for name, _ in self.columns))


_KINDS = {"flow": 0, "stock": 1, "mean": 2}


Row = tuple[pd.Period, pd.Period, float]
"""First month, last month and value of a figure."""


def _ages(item: Observable, figures: Figures, member: str) -> dict[pd.Period, int]:
    """Return by the last month of a figure how many months later it was seen: in its edition, or on the view's day."""
    ages: dict[pd.Period, int] = {}
    for row in figures.frame(item.series, members=[member]).to_dict("records"):
        month, edition = pd.Period(row["end"], "M"), pd.to_datetime(row["vintage"])
        seen = [pd.Period(day, "M") for day in (edition, figures.day) if pd.notna(day)]
        ages[month] = (min(seen) - month).n if seen else 0
    return ages


def _rows(item: Observable, figures: Figures, member: str) -> list[Row]:
    """Return the figures of a member, without windows that say the same twice."""
    records = figures.frame(item.series, members=[member]).to_dict("records")
    rows = [
        (str(r["frequency"]), (pd.Period(r["start"], "M"), pd.Period(r["end"], "M"), float(r["value"])))
        for r in records
        if r["frequency"] in item.frequencies
    ]
    if "year_to_date" not in item.frequencies:
        return [row for _, row in rows]
    # figures for the year to a date overlap: their differences do not
    to_date = [row for frequency, row in rows if frequency in ("year_to_date", "year")]
    pieces: list[Row] = []
    for start in sorted({row[0] for row in to_date}):
        ends = {end: value for first, end, value in to_date if first == start}
        begin, before = start, 0.0
        for end in sorted(ends):
            if ends[end] > before:
                pieces.append((begin, end, ends[end] - before))
                begin, before = end + 1, ends[end]
    taken = {month for start, end, _ in pieces for month in pd.period_range(start, end, freq="M")}
    return pieces + [row for frequency, row in rows if frequency == "month" and row[0] not in taken]


def _undo_rolling(item: Observable, rows: list[Row], anchor: dict[pd.Period, float]) -> list[Row]:
    """Turn sums over rolling months into single months, from months known before: d[t] = S[t] - S[t-1] + d[t-n]."""
    sums = {end: value for _, end, value in rows}
    months = dict(anchor)
    new: list[Row] = []
    assert item.rolling is not None
    for end in sorted(sums):
        back = end - item.rolling
        if end not in months and end - 1 in sums and back in months:
            months[end] = max(sums[end] - sums[end - 1] + months[back], 0.0)
            new.append((end, end, months[end]))
    return new


def line_up(observables: dict[str, Observable], model: Model, figures: Figures, months: pd.PeriodIndex) -> Data:
    """Line the figures of a view up with the months of a run."""
    columns: dict[tuple[str, int | None, bytes], int] = {}
    rows: list[tuple[int, int, int, int, float, float, float, float, int, float]] = []
    labels: list[tuple[str, str]] = []
    fitted = [item for item in observables.values() if item.fit]
    names = [item.noise_of(member) for item in fitted for member, _, _ in item.parts(model)]
    seen: dict[tuple[str, int | None], dict[pd.Period, float]] = {}
    for item in fitted:
        length = item.lengths(months).tobytes()
        for member, variable, row in item.parts(model):
            column = columns.setdefault((variable, row, length), len(columns))
            found = _rows(item, figures, member)
            known = seen.setdefault((variable, row), {})
            if item.rolling:
                found = _undo_rolling(item, found, known)
            ages = _ages(item, figures, member) if item.revisions else {}
            for start, end, value in found:
                if start == end:
                    known.setdefault(start, value)
                early = start < max(months[0], pd.Period(item.since, "M")) and item.kind != "stock"
                if early or not months[0] <= end <= months[-1] or not np.isfinite(value):
                    continue
                first, last = max((start - months[0]).n, 0), (end - months[0]).n
                kind, noise = _KINDS[item.kind], names.index(item.noise_of(member))
                late = item.still_changes(ages[end]) if ages else 0.0
                rows.append(
                    (column, first, last, kind, value, item.offset, float(item.count), item.factor, noise, late)
                )
                labels.append((item.series, member))
    table = list(zip(*rows, strict=True)) or [()] * 10
    column_, first_, last_, kind_, value_, offset_, poisson_, factor_, noise_, late_ = table
    ints = [np.array(part, dtype=np.int64) for part in (column_, first_, last_, kind_, noise_)]
    floats = [np.array(part, dtype=float) for part in (value_, offset_, poisson_, factor_, late_)]
    before, apart = _chains(labels, ints[1], ints[2])
    return Data(
        columns=[(variable, row) for variable, row, _ in columns],
        length=np.array([np.frombuffer(length) for *_, length in columns]).reshape(len(columns), len(months)).T,
        noises=names,
        labels=labels,
        column=ints[0],
        first=ints[1],
        last=ints[2],
        kind=ints[3],
        value=floats[0],
        offset=floats[1],
        poisson=floats[2],
        factor=floats[3],
        noise=ints[4],
        before=before,
        apart=apart,
        late=floats[4],
    )


def _chains(labels: Sequence[tuple[str, str]], first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """Return for each row that of the same member before it, and the months between; -1 and 1 where there is none."""
    before, apart = np.full(len(labels), -1), np.ones(len(labels), dtype=np.int64)
    latest: dict[tuple[str, str], int] = {}
    for row in np.argsort(last, kind="stable"):
        if first[row] != last[row]:
            continue
        past = latest.get(labels[row])
        if past is not None and last[row] > last[past]:
            before[row], apart[row] = past, last[row] - last[past]
        latest[labels[row]] = int(row)
    return before, apart


def predict(data: Data, outputs: dict[str, Array]) -> Array:
    """Return what the model says for each row of the data, in the series' unit, shape (rows, draws)."""
    stacked = jnp.stack([outputs[name] if row is None else outputs[name][:, row] for name, row in data.columns], axis=1)
    stacked = stacked * jnp.asarray(data.length[:, :, None], stacked.dtype)
    running = jnp.concatenate([jnp.zeros_like(stacked[:1]), jnp.cumsum(stacked, axis=0)])
    window = running[data.last + 1, data.column] - running[data.first, data.column]
    at_end = stacked[data.last, data.column]
    length = (data.last - data.first + 1)[:, None]
    kind = data.kind[:, None]
    value = jnp.where(kind == 1, at_end, jnp.where(kind == 2, window / length, window))
    return value * jnp.asarray(data.factor[:, None], value.dtype)


def spread(mean: Array, sd: Array, offset: Array, poisson: Array, late: Array) -> Array:
    """Return the spread of a figure in logs: the series' own noise, that of counting, and later revisions."""
    return jnp.sqrt(sd**2 + poisson / (mean + offset) + late**2)


def with_noise(mean: Floats, sd: Floats, noise: Floats, offset: float, count: bool) -> Floats:
    """Return figures as they would be published: `mean` with noise in logs; counts are whole, and 0 stays 0."""
    whole = np.maximum(mean, 0.0)
    width = np.sqrt(sd**2 + (1.0 / (whole + offset) if count else 0.0))
    seen = np.maximum(np.exp(np.log(whole + max(offset, 1e-9)) + width * noise) - max(offset, 1e-9), 0.0)
    if count:
        seen = np.where(whole < 0.5, 0.0, np.round(seen))
    return np.asarray(seen)


def series_of(noise: str) -> str:
    """Return the series of a noise by its name."""
    return noise.partition(_OF)[0]


def members_of(item: Observable, model: Model) -> Sequence[str]:
    """Return the members of a series that the model observes."""
    return [member for member, _, _ in item.parts(model)]
