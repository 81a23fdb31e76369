"""Why a number moved: its change split over the levers that were set, and over what its own equation asks for."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from pydantic import BaseModel, Field

from acuerdo.board.api import MonthText, Name, RunRequest, Words
from acuerdo.board.desk import Desk, Recent
from acuerdo.board.steps import Month, Stepper, needs, work_out
from acuerdo.engine.declare import TIME_STEP, Variable
from acuerdo.engine.describe import KINDS
from acuerdo.engine.units import parse
from acuerdo.errors import InputError, unknown_name
from acuerdo.figures.catalogue import ALL
from acuerdo.priorities.futures import Future
from acuerdo.projection import Floats
from acuerdo.scenario import Setting
from acuerdo.timeline import parse_month

MOST_LEVERS, MOST_INPUTS = 5, 6
"""Up to so many, all orders are tried; beyond it each is moved alone, and what is left is stated."""
KEPT = 256
Over = Literal["sum", "mean", "end"]
Method = Literal["orders", "alone", "sums"]
Role = Literal["input", "enters", "leaves", "limit", "itself", "rest"]


class WhyRequest(RunRequest):
    """A scenario, and the number whose change is to be split."""

    name: Name = Field(description="a line, an outcome or a variable of the model")
    member: Name | None = Field(default=None, description="one member of a variable that has members")
    month: MonthText | None = Field(default=None, description="a month of the horizon; its last without it")
    over: Over | None = Field(
        default=None, description="total, mean or end of the months; an outcome's own without it, else the end"
    )


class Share(BaseModel):
    """Part of a change: its mean and its 90 % interval over the paired draws."""

    mean: float
    q05: float
    q95: float


class LeverPart(BaseModel):
    """What one lever's settings did; `interaction` (lever None) is what is left of moving each alone."""

    lever: str | None
    label: Words
    change: Share


class DriverPart(BaseModel):
    """What one direct cause did.

    `role` says how: an input of the equation, a flow that enters or leaves the stock, the limit that the stock which it
    leaves sets to a flow, a level's own earlier value, or the rest that no single one accounts for.
    """

    name: str | None
    role: Role
    label: Words
    change: Share


class WhyAnswer(BaseModel):
    """Why a number moved. Means of the parts add up to the mean of the change, draw by draw."""

    scenario: str
    name: str
    variable: str
    label: Words
    unit_label: Words
    kind: str
    kind_label: Words
    months: list[str] = Field(description="first and last of the months that are counted")
    over: Over
    members: Literal["one", "sum", "mean"]
    base: float
    with_scenario: float
    change: Share
    levers: list[LeverPart]
    levers_method: Method
    drivers: list[DriverPart]
    drivers_method: Method


@dataclass(frozen=True)
class _Measure:
    """How a variable's path becomes the one number that is explained: weights by month, rows of members, a factor."""

    name: str
    variable: Variable
    label: Words
    unit_label: Words
    rows: list[int] | None
    members: Literal["one", "sum", "mean"]
    factor: float
    over: Over
    weights: Floats

    def join(self, values: Floats) -> Floats:
        """Return values ([members,] n) as one of shape (n,), in the unit shown."""
        if values.ndim > 1:
            picked = values if self.rows is None else values[self.rows]
            values = picked.mean(axis=0) if self.members == "mean" else picked.sum(axis=0)
        return values * self.factor


class Reasons:
    """Splits changes. `steps` is for one thread at a time; the rest may be asked from any."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.built = desk.projector.built
        self.stepper = Stepper(desk.projector)
        self._kept = frozenset(desk.projector.run(noise=False, keep=desk.keep).outputs)
        self._answers: Recent[bytes] = Recent(KEPT)

    def known(self, asked: WhyRequest) -> bytes | None:
        """Return an answer that was given before, as JSON."""
        return self._answers.get(self.desk.key(asked))

    def check(self, asked: WhyRequest) -> tuple[list[Setting], _Measure]:
        """Return the settings and the measure of a request.

        Raises:
            InputError: a name or value is not valid.
        """
        return self.desk.check(asked), self._measure(asked)

    def steps(self, asked: WhyRequest) -> Iterator[bytes]:
        """Split a change: yields nothing (b"") after each run, for others to have their turn, at last a `WhyAnswer`.

        Raises:
            InputError: a name or value is not valid.
        """
        made, measure = self.check(asked)
        months, future = len(measure.weights), self.desk.futures[asked.future] if asked.future else None
        levers = list(dict.fromkeys(item.lever for item in made))
        runs: dict[frozenset[str], Floats] = {}
        for part in _parts(levers, MOST_LEVERS):
            runs[part] = yield from self._run([item for item in made if item.lever in part], asked, future, measure)
        nothing, everything = frozenset[str](), frozenset(levers)
        change = runs[everything] - runs[nothing]
        by_lever, rest = split(levers, runs.__getitem__, MOST_LEVERS, both_ways=False)
        pair = zip(*(self.stepper.walk(months, some, asked.held, future) for some in ((), made)), strict=True)
        causes = _Causes(self, measure)
        for weight, (base, after) in zip(measure.weights, pair, strict=True):
            causes.add(weight, base, after)
            yield b""
        drivers = self._drivers(causes, change)
        label = {name: self.built.levers[name].label for name in levers}
        parts = [LeverPart(lever=name, label=label[name], change=_share(x)) for name, x in by_lever.items()]
        if len(levers) > MOST_LEVERS:
            parts.append(LeverPart(lever=None, label={}, change=_share(rest)))
        counted = np.flatnonzero(measure.weights)
        answer = WhyAnswer(
            scenario=self.desk.key(asked),
            name=measure.name,
            variable=measure.variable.name,
            label=measure.label,
            unit_label=measure.unit_label,
            kind=measure.variable.kind,
            kind_label=KINDS[measure.variable.kind],
            months=[str(self.desk.projector.months[i]) for i in (counted[0], counted[-1])],
            over=measure.over,
            members=measure.members,
            base=float(runs[nothing].mean()),
            with_scenario=float(runs[everything].mean()),
            change=_share(change),
            levers=parts,
            levers_method="orders" if len(levers) <= MOST_LEVERS else "alone",
            drivers=drivers,
            drivers_method=causes.method,
        )
        yield self._answers.put(self.desk.key(asked), answer.model_dump_json().encode())

    # ---- what is explained

    def _measure(self, asked: WhyRequest) -> _Measure:
        desk, model = self.desk, self.built.model
        ahead = desk.projector.months[: asked.months]
        months = len(ahead)
        if asked.month is not None:
            month = parse_month(asked.month, "month")
            if not ahead[0] <= month <= ahead[-1]:
                nearest = ahead[0] if month < ahead[0] else ahead[-1]
                raise InputError("month", asked.month, f"{ahead[0]} to {ahead[-1]}", str(nearest))
            months = (month - ahead[0]).n + 1
        line, outcome = desk.lines.get(asked.name), desk.projector.outcomes.get(asked.name)
        name = line.variable if line is not None else asked.name
        if name not in model.variables:
            raise unknown_name("name", asked.name, list(dict.fromkeys([*desk.lines, *model.variables])))
        variable = model.variables[name]
        over: Over = asked.over or (outcome.over if outcome is not None and asked.month is None else "end")
        weights = np.zeros(months)
        weights[-1 if over == "end" else slice(None)] = 1.0 if over != "mean" else 1.0 / months
        factor, rows = 1.0 if line is None else line.factor, None
        if line is not None and line.kind == "series":
            item = desk.projector.observables[line.source]
            parts = {member: row for member, _, row in item.parts(model)}
            # a member that the model does not make by itself is the share of another that is printed first
            factor = item.factor * (1.0 if line.member in (ALL, *parts) else item.completeness[line.member])
            rows = [row for member, row in parts.items() if row is not None and line.member in (ALL, member)] or None
            if item.rolling and over == "end":
                weights[-item.rolling :] = 1.0
            weights *= item.lengths(ahead[:months])
        if asked.member is not None:
            known = self.built.members(variable.over) or ()
            if asked.member not in known:
                raise unknown_name("member", asked.member, known or ["none: it has no members"])
            rows = [list(known).index(asked.member)]
        single = variable.over is None or (rows is not None and len(rows) == 1)
        return _Measure(
            asked.name,
            variable,
            self.built.meanings[name] if line is None else line.label,
            dict.fromkeys(self.built.corridor.about["locales"], variable.unit) if line is None else line.unit_label,
            rows,
            "one" if single else "sum" if rows is not None or _adds_up(variable) else "mean",
            factor,
            over,
            weights,
        )

    def _run(
        self, picked: Sequence[Setting], asked: WhyRequest, future: Future | None, measure: _Measure
    ) -> Generator[bytes, None, Floats]:
        """Return the number that is explained with some of the settings, (draws,)."""
        name = measure.variable.name
        if name in self._kept:  # the projector's own run is faster, but has few variables
            run = self.desk.projector.run(
                picked, noise=False, keep=self.desk.keep, parameters=asked.held, future=future
            ).outputs[name]
            yield b""
            return np.asarray(np.sum([w * measure.join(run[i]) for i, w in enumerate(measure.weights)], axis=0))
        found: Floats = np.zeros(self.desk.projector.draws)
        walked = self.stepper.walk(len(measure.weights), picked, asked.held, future)
        for weight, month in zip(measure.weights, walked, strict=True):
            found = found + weight * measure.join(month.value(name))
            yield b""
        return found

    # ---- by cause

    def _drivers(self, causes: _Causes, change: Floats) -> list[DriverPart]:
        """Return what each direct cause of a variable did, the largest first, and the rest that is left."""
        parts = causes.parts
        left = change - np.sum(list(parts.values()) or [np.zeros_like(change)], axis=0)
        rounding = float(np.abs(left).mean()) <= 1e-4 * float(np.abs(change).mean())
        if parts and rounding:  # runs carry seven digits; what that leaves goes to the largest part
            largest = max(parts, key=lambda key: abs(float(parts[key].mean())))
            parts[largest] = parts[largest] + left
        found = [
            DriverPart(name=name, role=role, label=self.built.meanings[name], change=_share(part))
            for (name, role), part in parts.items()
        ]
        found.sort(key=lambda part: -abs(part.change.mean))
        if causes.split and not rounding:
            found.append(DriverPart(name=None, role="rest", label={}, change=_share(left)))
        return found


class _Causes:
    """Adds up, month by month, what each direct cause did to a variable."""

    def __init__(self, reasons: Reasons, measure: _Measure) -> None:
        model = reasons.built.model
        self._measure, self._variable = measure, measure.variable
        self._shape = model.shape(self._variable.name)
        self._step, self._steps = reasons.stepper.time_step, reasons.stepper.steps
        self._flows: list[tuple[Variable, Role]] = [
            *((flow, "enters") for flow in model.flows(enters=self._variable.name)),
            *((flow, "leaves") for flow in model.flows(leaves=self._variable.name)),
        ]
        self.split = self._variable.kind in ("stock", "level", "flow", "aux")
        self._tree = self._variable.tree() if self.split and self._variable.kind != "stock" else None
        self._asked = [] if self._tree is None else sorted(needs(self._tree))
        self.method: Method = "sums" if self._variable.kind == "stock" else "orders"
        self._sums = self._variable.kind in ("stock", "level")  # what happens in a month stays
        self._so_far: dict[tuple[str, Role], Floats] = {}
        self._counted: dict[tuple[str, Role], Floats] = {}

    @property
    def parts(self) -> dict[tuple[str, Role], Floats]:
        """By cause and role: its part of the change, (draws,)."""
        return {key: part for key, part in self._counted.items() if np.any(part)}

    def add(self, weight: float, base: Month, after: Month) -> None:
        """Count one month more; its weight is that of its end, or of its mean."""
        if not self.split:
            return
        found = self._of_flows(base, after) if self._tree is None else self._of_inputs(base, after)
        for key, part in found.items():
            if self._sums:
                self._so_far[key] = self._so_far.get(key, 0.0) + part * self._step * self._steps
        now = self._so_far if self._sums else found
        for key, part in now.items():
            self._counted[key] = self._counted.get(key, 0.0) + weight * part

    def _of_flows(self, base: Month, after: Month) -> dict[tuple[str, Role], Floats]:
        found: dict[tuple[str, Role], Floats] = {}
        for flow, role in self._flows:
            sign = 1.0 if role == "enters" else -1.0
            one, other = (self._measure.join(month.value(flow.name)) for month in (base, after))
            found[flow.name, role] = sign * (other - one)
        return found

    def _of_inputs(self, base: Month, after: Month) -> dict[tuple[str, Role], Floats]:
        assert self._tree is not None
        variable = self._variable
        without, with_ = ({name: _flat(month.seen(name)) for name in self._asked} for month in (base, after))
        moved = [name for name in self._asked if not np.array_equal(without[name], with_[name])]
        shares: tuple[Floats, Floats] | None = None
        if variable.kind == "flow" and variable.leaves is not None:
            shares = self._share_given(without, base), self._share_given(with_, after)
            if variable.leaves not in moved and not np.allclose(*shares, rtol=1e-6, atol=0):
                moved.append(variable.leaves)

        def value(part: frozenset[str]) -> Floats:
            mixed = {name: with_[name] if name in part else without[name] for name in self._asked}
            found = self._ask(mixed)
            if shares is not None:
                found = found * shares[variable.leaves in part]
            return self._joined(found)

        if len(moved) > MOST_INPUTS:
            self.method = "alone"
        parts, _ = split(moved, value, MOST_INPUTS, both_ways=True)
        return {(name, self._role(name)): part for name, part in parts.items()}

    def _ask(self, values: Mapping[str, Floats]) -> Floats:
        assert self._tree is not None
        found = work_out(self._tree, {**values, TIME_STEP: np.asarray(self._step)})
        return np.asarray(np.maximum(found, 0.0) if self._variable.kind == "flow" else found)

    def _share_given(self, values: Mapping[str, Floats], month: Month) -> Floats:
        """Return which share of what a flow asks for the stock that it leaves has given."""
        asked, moved = self._ask(values), _flat(month.seen(self._variable.name))
        return np.where(asked > 0, moved / np.where(asked > 0, asked, 1.0), 1.0)

    def _joined(self, values: Floats) -> Floats:
        """Return values of all steps, ([members,] steps x draws), as the month's mean of the measure, (draws,)."""
        if values.ndim == 1 and self._shape:  # a rate that is the same for all members
            values = np.broadcast_to(values, (*self._shape, len(values)))
        return np.asarray(self._measure.join(values).reshape(self._steps, -1).mean(axis=0))

    def _role(self, name: str) -> Role:
        if name == self._variable.name:
            return "itself"
        return "limit" if name == self._variable.leaves and name not in self._asked else "input"


def _flat(values: Floats) -> Floats:
    """Return values (steps, [members,] draws) as ([members,] steps x draws), one step after another."""
    return np.moveaxis(values, 0, -2).reshape(*values.shape[1:-1], -1)


def _parts(names: Sequence[str], most: int) -> list[frozenset[str]]:
    """Return the sets of names whose value `split` asks for."""
    if len(names) <= most:
        return [frozenset(part) for size in range(len(names) + 1) for part in combinations(names, size)]
    return [frozenset(), frozenset(names), *(frozenset([name]) for name in names)]


def split(
    names: Sequence[str], value: Callable[[frozenset[str]], Floats], most: int, both_ways: bool
) -> tuple[dict[str, Floats], Floats]:
    """Split the change of a value over what was moved.

    Up to `most` names, each gets the mean of its part over all orders in which they could be moved (Shapley values),
    and the parts add up. With more, each gets what it does moved alone; with `both_ways`, the mean of that and of what
    it does moved last.

    Args:
        names: what was moved.
        value: the value with only some of them moved; any shape.
        most: how many at most are tried in all orders.
        both_ways: see above.

    Returns:
        The part of each, and what they leave over.
    """
    known: dict[frozenset[str], Floats] = {}

    def of(part: frozenset[str]) -> Floats:
        if part not in known:
            known[part] = value(part)
        return known[part]

    nothing, everything = frozenset[str](), frozenset(names)
    change = of(everything) - of(nothing)
    if len(names) > most:
        parts = {name: of(frozenset([name])) - of(nothing) for name in names}
        if both_ways:
            parts = {name: (x + of(everything) - of(everything - {name})) / 2 for name, x in parts.items()}
        return parts, change - np.sum(list(parts.values()), axis=0)
    count = len(names)
    parts = {name: np.zeros_like(change) for name in names}
    for part in _parts(names, most):
        for name in everything - part:
            orders = math.factorial(len(part)) * math.factorial(count - len(part) - 1) / math.factorial(count)
            parts[name] = parts[name] + orders * (of(part | {name}) - of(part))
    return parts, change - np.sum(list(parts.values()) or [np.zeros_like(change)], axis=0)


def _share(draws: Floats) -> Share:
    low, high = np.quantile(draws, [0.05, 0.95])
    return Share(mean=float(draws.mean()), q05=float(low), q95=float(high))


def _adds_up(variable: Variable) -> bool:
    """Return whether members of a variable can be added: counts and amounts, not rates, shares and prices."""
    powers = [power for name, power in parse(variable.unit).dimensionality.items() if name != "[time]"]
    return bool(powers) and all(np.real(power) > 0 for power in powers)


__all__ = ["DriverPart", "LeverPart", "Reasons", "Share", "WhyAnswer", "WhyRequest", "split"]
