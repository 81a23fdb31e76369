"""What a projection asks of the engine, recorded so that the benchmark times exactly that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from acuerdo.engine.declare import Model
from acuerdo.engine.run import Arrays, Simulator
from acuerdo.projection import Projector


def finished(values: Any) -> Any:
    """Wait until arrays are computed, and return them."""
    return jax.block_until_ready(values)  # type: ignore[no-untyped-call]


def scalar_equations(model: Model) -> int:
    """Return how many numbers a step computes: every aux, flow, level and stock, once for each member."""
    return sum(prod(model.shape(v.name)) for v in model.of_kind("aux", "flow", "level", "stock"))


@dataclass(frozen=True)
class Work:
    """One run of a model: the arguments of `Simulator.run`."""

    simulator: Simulator
    state: Arrays
    parameters: Arrays
    inputs: Arrays
    keep: tuple[str, ...]

    @property
    def precision(self) -> str:
        """Name of the type of the state."""
        return str(next(iter(self.state.values())).dtype)

    @property
    def draws(self) -> int:
        """Number of draws."""
        return int(next(iter(self.state.values())).shape[-1])

    @property
    def months(self) -> int:
        """Number of months."""
        return len(next(iter(self.inputs.values())))

    @property
    def steps(self) -> int:
        """Number of steps in all months."""
        return self.months * self.simulator.steps

    def each(self, change: Callable[[Any], Any]) -> Work:
        """Return the same work with every array changed."""
        groups = ({k: change(v) for k, v in group.items()} for group in (self.state, self.parameters, self.inputs))
        state, parameters, inputs = groups
        return replace(self, state=state, parameters=parameters, inputs=inputs)

    def cast(self, precision: str) -> Work:
        """Return the same work in another precision."""
        return self.each(lambda array: jnp.asarray(array, precision))

    def first(self, draws: int) -> Work:
        """Return the same work for the first draws only."""
        return self.each(lambda array: jnp.asarray(np.asarray(array)[..., :draws]))

    def run(self) -> None:
        """Run and wait for the end."""
        finished(self.simulator.run(self.state, self.parameters, self.inputs, self.keep))

    def mean_of_all(self, parameters: Arrays) -> jax.Array:
        """Return one number that depends on everything that is kept, for gradients."""
        _, outputs = self.simulator.run(self.state, parameters, self.inputs, self.keep)
        return jnp.sum(jnp.stack([jnp.mean(values) for values in outputs.values()]))


class _Recorder(Simulator):
    """A simulator that remembers what it was last asked for."""

    def __init__(self, simulator: Simulator) -> None:
        self.__dict__.update(simulator.__dict__)
        self.plain = simulator

    def run(
        self,
        state: Mapping[str, Any],
        parameters: Mapping[str, Any],
        inputs: Mapping[str, Any],
        keep: Sequence[str],
        follows: Mapping[str, str] | None = None,
        given: bool = False,
    ) -> tuple[Arrays, Arrays]:
        self.asked = Work(self.plain, dict(state), dict(parameters), dict(inputs), tuple(keep))
        return self.plain.run(state, parameters, inputs, keep, follows, given)


def of_projection(projector: Projector) -> Work:
    """Return what a projection without settings asks of the engine, as it asks for it (precision, place of arrays)."""
    built, recorder = projector.built, _Recorder(projector.built.simulator)
    projector.built = replace(built, simulator=recorder)
    try:
        projector.run(noise=False)
    finally:
        projector.built = built
    return recorder.asked
