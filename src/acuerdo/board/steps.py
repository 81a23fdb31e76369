"""Runs step by step: every value that the equations saw in each step of a month, and equations worked out apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np

from acuerdo.engine.declare import TIME_STEP
from acuerdo.engine.expr import Call, Const, Expr, Var
from acuerdo.engine.run import Simulator
from acuerdo.priorities.futures import Future
from acuerdo.projection import Floats, Projector
from acuerdo.scenario import Setting


@dataclass(frozen=True)
class Month:
    """One month of a run.

    Attributes:
        during: value of each variable in each step, as the equations of that step saw it, (steps, [members,] draws).
        end: value of each stock and level at the end of the month, ([members,] draws).
        draws: number of draws.
    """

    during: Mapping[str, Any]
    end: Mapping[str, Any]
    draws: int

    def seen(self, name: str) -> Floats:
        """Return what the equations saw of a variable, (steps, [members,] draws)."""
        values = np.asarray(self.during[name], float)  # what has no uncertainty has one draw for all
        return np.broadcast_to(values, (*values.shape[:-1], self.draws))

    def value(self, name: str) -> Floats:
        """Return a variable's value of the month, ([members,] draws): at its end, or the mean of its steps."""
        return np.asarray(self.end[name], float) if name in self.end else self.seen(name).mean(axis=0)


class Stepper:
    """Walks through the months of a scenario with the draws of a projector.

    The projector's own runs keep a few variables of all months; this keeps all variables of one month at a time, which
    takes as little memory and needs to be compiled once, whatever is asked for.
    """

    def __init__(self, projector: Projector) -> None:
        self.projector = projector
        model, whole = projector.built.model, projector.built.simulator
        self.steps = whole.steps
        self.time_step = whole.time_step
        self._simulator = Simulator(model, steps=1)
        self._simulator.time_step = whole.time_step  # a "month" of this one is one step of the other
        self._ends = [v.name for v in model.of_kind("stock", "level")]
        self._keep = tuple(v.name for v in model.of_kind("stock", "level", "flow", "aux"))
        self._lock, self._ready = Lock(), False

    def ready(self) -> None:
        """Compile, so that nobody who asks has to wait for that."""
        with self._lock:
            if not self._ready:
                next(self.walk(1))
                self._ready = True

    def walk(
        self,
        months: int,
        settings: Sequence[Setting] = (),
        held: Mapping[str, float] | None = None,
        future: Future | None = None,
    ) -> Iterator[Month]:
        """Yield the first months of a scenario; the arguments are those of `Projector.run`.

        Raises:
            InputError: a setting is not valid.
        """
        projector = self.projector
        start, parameters, driving = projector.driven(settings, held, future)
        state: Any = start
        constants = {name: np.broadcast_to(np.asarray(x), (self.steps, *np.shape(x))) for name, x in parameters.items()}
        inputs = {name: np.asarray(x) for name, x in driving.items()}
        for i in range(months):
            now = {name: np.repeat(x[i : i + 1], self.steps, axis=0) for name, x in inputs.items()}
            after, kept = self._simulator.run(state, parameters, now, self._keep)
            during: dict[str, Any] = {**constants, **now, **kept}
            for name in self._ends:  # a step sees what the step before has left
                during[name] = np.concatenate([np.asarray(state[name])[None], np.asarray(kept[name])[:-1]])
            state = after
            yield Month(during, {name: after[name] for name in self._ends}, projector.draws)


def needs(tree: Expr) -> set[str]:
    """Return the names that an equation asks for."""
    if isinstance(tree, Var):
        return {tree.name} - {TIME_STEP}
    return set().union(*(needs(arg) for arg in tree.args)) if isinstance(tree, Call) else set()


def work_out(tree: Expr, values: Mapping[str, Floats]) -> Floats:
    """Return the value of an equation for given values of what it asks for, as the model's run has it.

    Args:
        tree: the equation.
        values: by name, ([members,] n); a number for the length of a step.
    """
    if isinstance(tree, Var):
        return values[tree.name]
    if isinstance(tree, Const):
        return np.asarray(tree.value)
    assert isinstance(tree, Call)
    args = [work_out(arg, values) for arg in tree.args]
    return np.asarray(_OPERATIONS[tree.op](*args))


def _ratio(x: Floats, y: Floats) -> Floats:
    positive = y > 0
    return np.where(positive, x / np.where(positive, y, 1.0), 0.0)


def _power(x: Floats, y: Floats) -> Floats:
    return np.asarray(x**y) if np.ndim(y) == 0 else np.exp(y * np.log(np.maximum(x, 1e-12)))


_OPERATIONS: dict[str, Any] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "pow": _power,
    "ratio": _ratio,
    "min": np.minimum,
    "max": np.maximum,
    "exp": np.exp,
    "log": np.log,
    "total": lambda x: x.sum(axis=-2),
}


__all__ = ["Month", "Stepper", "needs", "work_out"]
