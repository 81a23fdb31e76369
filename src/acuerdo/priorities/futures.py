"""External futures: what neither side decides, laid over the draws of the posterior."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from acuerdo.engine.load import CorridorModel
from acuerdo.errors import InputError, unknown_name
from acuerdo.levers import Floats
from acuerdo.records import Found, Record, Text, read_records

FILE = "futures.yaml"
Number = float | int


class Shift(Record):
    """A change of a latent series: full from month `first` for `months`, then fading in a straight line over `fade`."""

    series: Text
    member: Text | None = None
    add: Number
    first: int = Field(ge=1)
    months: int = Field(ge=1)
    fade: int = Field(ge=0)

    def course(self, horizon: int) -> Floats:
        """Return what is added in each month, shape (horizon,)."""
        month = np.arange(1, horizon + 1)
        past = month - (self.first + self.months - 1)
        share = np.clip(1 - past / (self.fade + 1), 0.0, 1.0)
        return np.where(month >= self.first, self.add * share, 0.0)


class Forced(Record):
    """A lever held at a value from a month on, whatever a package says."""

    lever: Text
    value: Number
    first: int = Field(ge=1)


class Future(Record):
    """One future, with its source or the word assumption.

    A `test` is an assumption changed: it is not crossed with the rest, but results are told with and without it.
    """

    id: Text
    title: dict[str, Text]
    source: Text
    kind: Literal["future", "test"] = "future"
    shifts: list[Shift] = Field(default_factory=list)
    state: dict[str, Number] = Field(default_factory=dict)
    parameters: dict[str, Number] = Field(default_factory=dict)
    levers: list[Forced] = Field(default_factory=list)

    @property
    def changes(self) -> bool:
        """Whether it changes anything: the course as projected does not."""
        return bool(self.shifts or self.state or self.parameters or self.levers)

    def starts(self, state: Mapping[str, Floats]) -> dict[str, Floats]:
        """Return stocks and levels at the start, draws on the last axis, with those that this future scales."""
        return {name: np.asarray(value) * self.state.get(name, 1.0) for name, value in state.items()}

    def held(self, parameters: Mapping[str, Floats]) -> dict[str, Floats]:
        """Return the parameters that this future holds at a value, shaped as they are drawn."""
        return {name: np.full_like(np.asarray(parameters[name]), value) for name, value in self.parameters.items()}

    def latent(self, latent: Mapping[str, Floats], built: CorridorModel) -> dict[str, Floats]:
        """Return latent series, (months, [members,] draws), with the shifts added."""
        changed = dict(latent)
        for shift in self.shifts:
            values = np.array(changed[shift.series], float)
            course = shift.course(len(values)).reshape(-1, *[1] * (values.ndim - 1))
            if shift.member is not None:
                members = built.members(built.processes[shift.series].over)
                course = course * _flags(members, shift.member)[:, None]
            changed[shift.series] = values + course
        return changed

    def force(self, levers: Mapping[str, Floats], built: CorridorModel) -> dict[str, Floats]:
        """Return lever values by month, months on the first axis, with those that this future forces."""
        changed = dict(levers)
        for item in self.levers:
            lever = built.levers[item.lever]
            values = np.array(changed[item.lever], float)
            wanted = lever.spread(float(item.value), built.members(lever.over))
            shape = (-1, *[1] * (values.ndim - 1 - wanted.ndim))
            values[item.first - 1 :] = wanted.reshape(shape) if wanted.ndim else wanted
            changed[item.lever] = values
        return changed


def _flags(members: Sequence[str], wanted: str) -> npt.NDArray[np.float64]:
    return np.array([float(name == wanted) for name in members])


def load_futures(built: CorridorModel) -> list[Future]:
    """Read a corridor's futures and check every name in them against the model.

    Raises:
        DataError, InputError: the file or one of its entries is not valid.
    """
    found = read_records(built.corridor.path(FILE), Future)
    seen: set[str] = set()
    for item in found:
        if item.record.id in seen:
            raise InputError("id", item.record.id, "a name that no other future has", where=item.where("id"))
        seen.add(item.record.id)
        _check(item, built)
    return [item.record for item in found]


def _check(item: Found[Future], built: CorridorModel) -> None:
    future = item.record
    for shift in future.shifts:
        if shift.series not in built.processes:
            raise unknown_name(f"{future.id} series", shift.series, built.processes, item.where("shifts"))
        members = built.members(built.processes[shift.series].over)
        if shift.member is not None and shift.member not in members:
            raise unknown_name(f"{future.id} member", shift.member, members, item.where("shifts"))
    states = [v.name for v in (*built.model.of_kind("stock"), *built.model.of_kind("level"))]
    for name, known in (("state", states), ("parameters", list(built.parameters))):
        for given in getattr(future, name):
            if given not in known:
                raise unknown_name(f"{future.id} {name}", given, known, item.where(name))
    for forced in future.levers:
        if forced.lever not in built.levers:
            raise unknown_name(f"{future.id} lever", forced.lever, built.levers, item.where("levers"))
        built.levers[forced.lever].check(float(forced.value), item.where("levers"))
