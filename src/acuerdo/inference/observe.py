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

STUDENT_DF = 5.0
"""Degrees of freedom of the noise: heavier tails than the normal, so that one odd month does not bend a curve (assumption)."""


class Observable(BaseModel):
    """How one published series follows from the model.

    Attributes:
        series: id of the series.
        variable: variable that it observes, by origin or other dimension if `over` is set.
        members: for a series whose members are variables of their own, the variable of each.
        member: the series' member that `variable` is.
        over: dimension that the series shares with the variable.
        factor: from the variable's unit to the series' unit.
        kind: `flow` (a figure is the sum over its months), `stock` (value at the end) or `mean` (average of its months).
        noise: (5 %, median, 95 %) of the spread of the noise, in logs.
        offset: added before taking logs; about the size below which counts are noise.
        count: whether the series counts things (Poisson noise is added, predictions are whole and not negative).
        frequencies: the frequencies of figures that are fitted.
        rolling: months over which the published series is summed (12 for 12 months ending).
        completeness: share that the publisher has counted when it first prints, by member, where it is not all.
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
    offset: float = 5.0
    count: bool = True
    frequencies: list[str] = Field(default_factory=lambda: ["month"])
    rolling: int | None = None
    completeness: dict[str, float] = Field(default_factory=dict)
    fit: bool = True
    since: str = "2018-01"

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

    `column` points into the stacked predictions, `first` and `last` are months counted from the first modelled month,
    `noise` points into the list of series.
    """

    columns: list[tuple[str, int | None]]
    series: list[str]
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

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the variables that the rows need."""
        return tuple(dict.fromkeys(name for name, _ in self.columns))


_KINDS = {"flow": 0, "stock": 1, "mean": 2}


def _rows(item: Observable, figures: Figures, member: str) -> list[tuple[pd.Period, pd.Period, float]]:
    """Return (first month, last month, value) of the figures of a member, without windows that say the same twice."""
    table = figures.frame(item.series, members=[member])
    table = table[table["frequency"].isin(item.frequencies)]
    rows = [
        (pd.Period(r.start, "M"), pd.Period(r.end, "M"), float(r.value), str(r.frequency)) for r in table.itertuples()
    ]
    plain = [(s, e, v) for s, e, v, f in rows if f not in ("year_to_date",)]
    to_date = [(s, e, v) for s, e, v, f in rows if f in ("year_to_date", "year") and item.kind == "flow"]
    if "year_to_date" not in item.frequencies:
        return plain
    # figures for the year to a date overlap: their differences do not
    months_taken: set[pd.Period] = set()
    pieces: list[tuple[pd.Period, pd.Period, float]] = []
    for _, group in pd.DataFrame(to_date, columns=["start", "end", "value"]).groupby("start"):
        before, reached = 0.0, None
        for row in group.drop_duplicates("end", keep="last").sort_values("end").itertuples():
            begin = row.start if reached is None else reached + 1
            if row.value > before and row.end >= begin:
                pieces.append((begin, row.end, row.value - before))
                months_taken |= set(pd.period_range(begin, row.end, freq="M"))
                before, reached = row.value, row.end
    return pieces + [(s, e, v) for s, e, v in plain if s == e and s not in months_taken]


def _undo_rolling(item: Observable, rows: list[tuple[pd.Period, pd.Period, float]], anchor: dict[pd.Period, float]) -> list[tuple[pd.Period, pd.Period, float]]:
    """Turn sums over rolling months into single months, from single months known before: d[t] = S[t] - S[t-1] + d[t-n]."""
    sums = {end: value for _, end, value in rows}
    months = dict(anchor)
    new: list[tuple[pd.Period, pd.Period, float]] = []
    assert item.rolling is not None
    for end in sorted(sums):
        back = end - item.rolling
        if end not in months and end - 1 in sums and back in months:
            months[end] = max(sums[end] - sums[end - 1] + months[back], 0.0)
            new.append((end, end, months[end]))
    return new


def line_up(
    observables: dict[str, Observable], model: Model, figures: Figures, months: pd.PeriodIndex
) -> Data:
    """Line the figures of a view up with the months of a run."""
    columns: dict[tuple[str, int | None], int] = {}
    out: dict[str, list[float]] = {k: [] for k in ("column", "first", "last", "kind", "value", "offset", "poisson", "factor", "noise")}
    labels: list[tuple[str, str]] = []
    fitted = [item for item in observables.values() if item.fit]
    names = [item.series for item in fitted]
    seen: dict[tuple[str, int | None], dict[pd.Period, float]] = {}
    for item in fitted:
        for member, variable, row in item.parts(model):
            column = columns.setdefault((variable, row), len(columns))
            rows = _rows(item, figures, member)
            if item.rolling:
                rows = _undo_rolling(item, rows, seen.get((variable, row), {}))
            known = seen.setdefault((variable, row), {})
            for start, end, value in rows:
                if start == end:
                    known.setdefault(start, value)
                if start < max(months[0], pd.Period(item.since, "M")) and item.kind != "stock":
                    continue
                if end > months[-1] or end < months[0] or not np.isfinite(value):
                    continue
                first = max((start - months[0]).n, 0)
                for key, entry in (
                    ("column", column), ("first", first), ("last", (end - months[0]).n), ("kind", _KINDS[item.kind]),
                    ("value", value), ("offset", item.offset), ("poisson", float(item.count)), ("factor", item.factor),
                    ("noise", names.index(item.series)),
                ):  # fmt: skip
                    out[key].append(entry)
                labels.append((item.series, member))
    ints = {key: np.array(out[key], dtype=np.int64) for key in ("column", "first", "last", "kind", "noise")}
    floats = {key: np.array(out[key], dtype=float) for key in ("value", "offset", "poisson", "factor")}
    return Data(list(columns), names, labels, **ints, **floats)


def predict(data: Data, outputs: dict[str, Array]) -> Array:
    """Return what the model says for each row of the data, in the series' unit, shape (rows, draws)."""
    stacked = jnp.stack([outputs[name] if row is None else outputs[name][:, row] for name, row in data.columns], axis=1)
    running = jnp.concatenate([jnp.zeros_like(stacked[:1]), jnp.cumsum(stacked, axis=0)])
    window = running[data.last + 1, data.column] - running[data.first, data.column]
    at_end = stacked[data.last, data.column]
    length = (data.last - data.first + 1)[:, None]
    kind = data.kind[:, None]
    value = jnp.where(kind == 1, at_end, jnp.where(kind == 2, window / length, window))
    return value * jnp.asarray(data.factor[:, None], value.dtype)


def spread(mean: Array, sd: Array, offset: Array, poisson: Array) -> Array:
    """Return the spread of a figure in logs: the series' own noise and, for counts, that of counting."""
    return jnp.sqrt(sd**2 + poisson / (mean + offset))


def with_noise(
    mean: Floats, sd: Floats, noise: Floats, offset: float, count: bool
) -> Floats:
    """Return figures as they would be published: `mean` with noise in logs; counts are whole, and 0 stays 0."""
    whole = np.maximum(mean, 0.0)
    width = np.sqrt(sd**2 + (1.0 / (whole + offset) if count else 0.0))
    seen = np.maximum(np.exp(np.log(whole + max(offset, 1e-9)) + width * noise) - max(offset, 1e-9), 0.0)
    if count:
        seen = np.where(whole < 0.5, 0.0, np.round(seen))
    return np.asarray(seen)


def members_of(item: Observable, model: Model) -> Sequence[str]:
    """Return the members of a series that the model observes."""
    return [member for member, _, _ in item.parts(model)]
