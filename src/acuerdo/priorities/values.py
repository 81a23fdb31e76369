"""Values: what each side's outcomes are worth to it, from weights and reference levels that anyone can change.

The value of a package to a side is a weighted sum. Each outcome counts 0 at no change from the course without new
measures; the way from its worst to its best reference level counts as many points as its weight (weights sum to 100),
on a straight line that goes on beyond both. So 1 point is a hundredth of moving everything from worst to best.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from acuerdo.corridor import Corridor
from acuerdo.errors import DataError, InputError, unknown_name
from acuerdo.projection import Outcome, load_outcomes
from acuerdo.records import Found, Record, Text, read_record

Floats = npt.NDArray[np.float64]
FILE = "values.yaml"
POINTS = 100.0
Words = dict[str, Text]
Number = float | int


class Reference(Record):
    """Worst and best level of an outcome, as change from the course without new measures over the months compared.

    `scale` is `percent` of that course's mean, or `amount` in the outcome's unit.
    """

    worst: Number
    best: Number
    scale: Literal["percent", "amount"]
    source: Text


class SideValues(Record):
    """One side: its weights by outcome (or equal ones over groups of outcomes), and what it asks before it signs."""

    weights: Literal["equal_groups"] | dict[str, Number] = "equal_groups"
    reservation: Number = 0.0
    source: Text


class _File(Record):
    references: dict[str, Reference]
    left_out: dict[str, Words] = Field(default_factory=dict)
    sides: dict[str, SideValues]


@dataclass(frozen=True)
class Values:
    """The value functions of all sides over the same outcomes.

    Attributes:
        outcomes: names of the outcomes, in the order of every array.
        weights: by side, shape (outcomes,), summing to 100; zero for what the side does not care about.
        references: by outcome.
        reservation: by side, the least gain on no agreement in points.
        left_out: outcomes that no side counts, with the reason.
    """

    outcomes: tuple[str, ...]
    weights: dict[str, Floats]
    references: dict[str, Reference]
    reservation: dict[str, float]
    left_out: dict[str, Words]

    @property
    def sides(self) -> tuple[str, ...]:
        """Names of the sides."""
        return tuple(self.weights)

    def swings(self, base: Floats) -> Floats:
        """Return the way from worst to best of each outcome in its unit, negative where less is better.

        Args:
            base: mean of each outcome on the course without new measures, shape (outcomes,).
        """
        found = []
        for name, level in zip(self.outcomes, base, strict=True):
            reference = self.references[name]
            unit = level / 100 if reference.scale == "percent" else 1.0
            found.append((reference.best - reference.worst) * unit)
        return np.array(found)

    def points(self, changes: Floats, base: Floats) -> Floats:
        """Return the value of changes to each side: shape (..., outcomes) to (..., sides)."""
        weights = np.stack([self.weights[side] for side in self.sides], axis=1)
        return np.asarray((changes / self.swings(base)) @ weights)

    def with_weights(self, weights: Mapping[str, Floats]) -> Values:
        """Return the same with other weights, made to sum to 100."""
        scaled = {side: POINTS * one / one.sum() for side, one in weights.items()}
        return Values(self.outcomes, {**self.weights, **scaled}, self.references, self.reservation, self.left_out)


def equal_groups(outcomes: Mapping[str, Outcome], side: str, left_out: Sequence[str] = ()) -> dict[str, float]:
    """Return equal weights over the groups of outcomes that a side cares about, and equal ones within each group."""
    mine = {name: item for name, item in outcomes.items() if side in item.sides and name not in left_out}
    groups = [item.group for item in mine.values()]
    return {name: POINTS / len(set(groups)) / groups.count(item.group) for name, item in mine.items()}


def load_values(corridor: Corridor, path: Path | None = None) -> Values:
    """Read the values of a corridor, or those of a file of the same form.

    Raises:
        InputError: a weight is negative, all are zero, an outcome is not known, or a reference has the wrong direction.
        DataError: the file cannot be read.
    """
    found = read_record(path or corridor.path(FILE), _File, "references of outcomes and the values of the sides")
    outcomes = load_outcomes(corridor)
    given = found.record
    for name in [*given.references, *given.left_out]:
        if name not in outcomes:
            raise unknown_name("outcome", name, outcomes, found.where("references"))
    counted = tuple(name for name in outcomes if name not in given.left_out)
    for name in counted:
        if name not in given.references:
            raise InputError(
                f"references, {name}", None, "worst and best, or a reason in left_out", where=found.where()
            )
        _check_reference(given.references[name], outcomes[name], found)
    sides = tuple(corridor.about["sides"])
    for side in (*sides, *given.sides):
        if side not in given.sides or side not in sides:
            raise unknown_name("sides", side, sides, found.where("sides"))
    weights = {side: _weights(found, side, outcomes, counted) for side in sides}
    reservation = {side: float(given.sides[side].reservation) for side in sides}
    return Values(counted, weights, dict(given.references), reservation, dict(given.left_out))


def _check_reference(reference: Reference, outcome: Outcome, found: Found[_File]) -> None:
    wanted = "below" if outcome.prefers == "lower" else "above"
    swing = reference.best - reference.worst
    if not np.isfinite(swing) or swing == 0 or (swing < 0) != (outcome.prefers == "lower"):
        where = found.where("references", outcome.name)
        raise InputError(f"{outcome.name} best", reference.best, f"a level {wanted} the worst", where=where)


def _weights(found: Found[_File], side: str, outcomes: Mapping[str, Outcome], counted: Sequence[str]) -> Floats:
    given = found.record.sides[side].weights
    where = found.where("sides", side, "weights")
    if isinstance(given, str):
        return as_weights(side, equal_groups(outcomes, side, list(found.record.left_out)), counted, where)
    return as_weights(side, given, counted, where)


def as_weights(side: str, given: Mapping[str, Number], outcomes: Sequence[str], where: str | None = None) -> Floats:
    """Return weights as an array that sums to 100, shape (outcomes,).

    Raises:
        InputError: an outcome is not known, a weight is negative or not a number, or all are zero.
    """
    weights = np.zeros(len(outcomes))
    for name, value in given.items():
        if name not in outcomes:
            raise unknown_name(f"{side} weights, outcome", name, outcomes, where)
        if not np.isfinite(value) or value < 0:
            raise InputError(f"{side} weights, {name}", value, "0 or more", 0, where)
        weights[list(outcomes).index(name)] = value
    if weights.sum() == 0:
        raise InputError(f"{side} weights", "all zero", "at least one weight above 0", where=where)
    return np.asarray(POINTS * weights / weights.sum(), dtype=float)


def swing_weights(ratings: Mapping[str, Number]) -> dict[str, float]:
    """Return weights from swing ratings: how much each swing from worst to best matters, the most important being 100.

    Only the ratios of the ratings count, so any other largest rating is as good.

    Raises:
        InputError: a rating is negative or not a number, or all are zero.
    """
    names = list(ratings)
    weights = as_weights("swing", ratings, names)
    return dict(zip(names, (round(float(weight), 2) for weight in weights), strict=True))


def load_file(corridor: Corridor, path: Path | None) -> Values:
    """Read a given file of values, or the corridor's own; see `load_values`.

    Raises:
        DataError: the file does not exist.
    """
    if path is not None and not path.exists():
        raise DataError(f"{path}: there is no such file; the form is that of the corridor's {FILE}")
    return load_values(corridor, path)
