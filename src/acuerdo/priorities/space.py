"""The packages that may be searched: levers with feasible settings and first months, and each side's limits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from acuerdo.corridor import Corridor
from acuerdo.errors import InputError, unknown_name
from acuerdo.levers import Floats, Lever
from acuerdo.records import Found, Record, Text, read_record
from acuerdo.scenario import Setting

FILE = "limits.yaml"
GENES = 3  # of each lever: whether it is moved, to what, and when
_STEPS = 20
Number = float | int


class Bounds(Record):
    """Lowest and highest setting that can be in place within the year."""

    low: Number
    high: Number


class Room(Record):
    """Most cost (million US dollars over twelve months) and most measures of each side."""

    budget: dict[str, Number]
    most_measures: dict[str, int]


class _File(Record):
    alone: Room
    agreed: Room
    latest_start: int = Field(ge=1)
    levers: dict[str, Bounds]
    left_out: dict[str, dict[str, Text]]
    consented: list[Text]


@dataclass(frozen=True)
class Limits:
    """What each side can do alone, or what a package agreed on can hold besides.

    Attributes:
        budget: by side, most that its measures may cost, in US dollars over twelve months.
        most: by side, most measures.
        latest: last month in which a measure may start, counted from 1.
        bounds: lowest and highest setting of every lever.
        left_out: levers that no side may use, with the reason.
        consented: contested levers that packages may hold.
    """

    budget: dict[str, float]
    most: dict[str, int]
    latest: int
    bounds: dict[str, tuple[float, float]]
    left_out: dict[str, dict[str, str]]
    consented: tuple[str, ...]

    def over(self, months: int) -> dict[str, float]:
        """Return the budget of each side for so many months."""
        return {side: amount * months / 12 for side, amount in self.budget.items()}


def load_limits(
    corridor: Corridor, levers: Mapping[str, Lever], budget: Mapping[str, float] | None = None
) -> tuple[Limits, Limits]:
    """Read what each side can do alone, and what a package can hold besides.

    Args:
        corridor: the corridor.
        levers: its levers.
        budget: by side, million US dollars over twelve months for the package; goes over those of the file.

    Raises:
        DataError: the file cannot be read.
        InputError: a name or number in it, or in `budget`, is not valid.
    """
    found = read_record(corridor.path(FILE), _File, "alone, agreed, latest_start, levers, left_out and consented")
    given, sides = found.record, list(corridor.about["sides"])
    for field, names in (("levers", given.levers), ("left_out", given.left_out), ("consented", given.consented)):
        for name in names:
            if name not in levers:
                raise unknown_name(field, name, levers, found.where(field))
    for name in budget or {}:
        if name not in sides:
            raise unknown_name("budget, side", name, sides)
    bounds = {name: _bounds(name, lever, found) for name, lever in levers.items()}

    def limits(field: str, room: Room, over: Mapping[str, float]) -> Limits:
        for name in [*room.budget, *room.most_measures]:
            if name not in sides:
                raise unknown_name(field, name, sides, found.where(field))
        amounts = {**room.budget, **over}
        for side in sides:
            where = None if side in over else found.where(field)
            amount, most = amounts.get(side), room.most_measures.get(side)
            if amount is None or not np.isfinite(amount) or amount < 0:
                raise InputError(f"budget, {side}", amount, "0 or more million US dollars", 0, where)
            if most is None or most < 1:
                raise InputError(f"most_measures, {side}", most, "1 or more", 1, where)
        return Limits(
            {side: float(amounts[side]) * 1e6 for side in sides},
            {side: room.most_measures[side] for side in sides},
            given.latest_start,
            bounds,
            dict(given.left_out),
            tuple(given.consented),
        )

    return limits("alone", given.alone, {}), limits("agreed", given.agreed, budget or {})


def _bounds(name: str, lever: Lever, found: Found[_File]) -> tuple[float, float]:
    if name not in found.record.levers:
        return lever.range
    one = found.record.levers[name]
    where = found.where("levers", name)
    for value in (one.low, one.high):
        lever.check(float(value), where)
    if one.low >= one.high:
        raise InputError(f"{name} high", one.high, f"above {one.low:g}", where=where)
    return float(one.low), float(one.high)


@dataclass(frozen=True, order=True)
class Measure:
    """One lever set to a value from a month on, counted from 0."""

    lever: str
    value: float
    start: int = 0

    def setting(self, months: pd.PeriodIndex) -> Setting:
        """Return the setting of this measure in the months projected."""
        return Setting(self.lever, self.value, months[self.start])


Plan = tuple[Measure, ...]
"""A package: one measure at most for each lever, in the order of the levers."""


def settings(plan: Plan, months: pd.PeriodIndex) -> list[Setting]:
    """Return the settings of a package in the months projected."""
    return [measure.setting(months) for measure in plan]


def nice_step(low: float, high: float) -> float:
    """Return the round number (1, 2 or 5 times a power of ten) nearest to a twentieth of a range."""
    rough = (high - low) / _STEPS
    power = 10.0 ** math.floor(math.log10(rough))
    return float(min((1.0, 2.0, 5.0, 10.0), key=lambda m: abs(math.log(m * power / rough))) * power)


@dataclass(frozen=True)
class Space:
    """Levers that may be moved, as numbers from 0 to 1 for a search.

    Attributes:
        levers: by name.
        without: setting of each lever that packages start from, as one number.
        limits: what packages may hold.
        months: length of the horizon.
        sides: names of the sides.
    """

    levers: dict[str, Lever]
    without: dict[str, float]
    limits: Limits
    months: int
    sides: tuple[str, ...]

    @property
    def size(self) -> int:
        """Number of genes."""
        return GENES * len(self.levers)

    @property
    def starts(self) -> int:
        """Number of months in which a measure may start."""
        return min(self.limits.latest, self.months)

    def only(self, owner: str, contested: bool = False) -> Space:
        """Return the space of one side's own levers; contested ones only if asked for."""
        mine = {
            name: lever
            for name, lever in self.levers.items()
            if lever.owner == owner and (contested or not lever.contested)
        }
        return replace(self, levers=mine)

    def value(self, name: str, share: float) -> float:
        """Return the setting of a lever at a share of its bounds, rounded to a step that can be read."""
        low, high = self.limits.bounds[name]
        step = nice_step(low, high)
        return float(np.clip(round(round((low + share * (high - low)) / step) * step, 10), low, high))

    def decode(self, genes: Floats) -> Plan:
        """Return the package that genes in [0, 1], shape (size,), stand for; a lever left as it is does not count."""
        plan = []
        for (name, _), (on, share, start) in zip(self.levers.items(), genes.reshape(-1, GENES), strict=True):
            value = self.value(name, float(share))
            if on > 0.5 and abs(value - self.without[name]) > 1e-9:
                plan.append(Measure(name, value, min(int(start * self.starts), self.starts - 1)))
        return tuple(plan)

    def encode(self, plan: Plan) -> Floats:
        """Return genes that decode to a package, up to rounding; levers outside the space are left out."""
        genes = np.tile([0.0, 0.5, 0.0], (len(self.levers), 1))
        at = {name: i for i, name in enumerate(self.levers)}
        for measure in plan:
            if measure.lever in at:
                low, high = self.limits.bounds[measure.lever]
                share = np.clip((measure.value - low) / (high - low), 0.0, 1.0)
                genes[at[measure.lever]] = [1.0, share, min((measure.start + 0.5) / self.starts, 1.0)]
        return genes.reshape(-1)

    def counts(self, plan: Plan) -> npt.NDArray[np.float64]:
        """Return the number of measures that each side carries, shape (sides,); a joint one counts for both."""
        owners = [self.levers[measure.lever].owner for measure in plan]
        return np.array([sum(owner in (side, "both") for owner in owners) for side in self.sides], float)

    def excess(self, plans: Sequence[Plan], costs: Floats) -> Floats:
        """Return by how much packages exceed the limits, shape (packages, 2 x sides); 0 or less is within.

        Args:
            plans: the packages.
            costs: cost of each for each side in US dollars, shape (packages, sides).
        """
        budget = np.array([self.limits.over(self.months)[side] for side in self.sides])
        most = np.array([self.limits.most[side] for side in self.sides], float)
        counted = np.array([self.counts(plan) for plan in plans]).reshape(len(plans), len(self.sides))
        scale = np.maximum(budget, 1e6)
        return np.concatenate([(costs - budget) / scale - 1e-9, (counted - most) / np.maximum(most, 1.0)], axis=1)


def make_space(
    levers: Mapping[str, Lever],
    base: Mapping[str, Floats],
    members: Mapping[str, Sequence[str]],
    limits: Limits,
    sides: Sequence[str],
    months: int,
) -> Space:
    """Return the space of all levers that the limits allow; contested ones are in it, marked as such.

    Args:
        levers: the corridor's levers.
        base: values in force by month, (T,) or (T, members).
        members: members of each dimension.
        limits: what packages may hold.
        sides: names of the sides.
        months: length of the horizon.
    """
    free = {name: lever for name, lever in levers.items() if name not in limits.left_out}
    without = {
        name: float(np.asarray(lever.one_number(base[name], members.get(lever.over or "", ())))[-1])
        for name, lever in free.items()
    }
    return Space(free, without, limits, months, tuple(sides))


def after(space: Space, plan: Plan, limits: Limits) -> Space:
    """Return the space of packages on top of a plan (what would be done anyway), within other limits."""
    kept = {name: lever for name, lever in space.levers.items() if not lever.contested or name in limits.consented}
    without = {**space.without, **{measure.lever: measure.value for measure in plan}}
    return replace(space, levers=kept, without=without, limits=limits)
