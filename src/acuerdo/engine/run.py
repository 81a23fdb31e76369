"""Run a model month by month for many draws at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from acuerdo.engine.declare import TIME_STEP, Model, Variable

Array = Any
Arrays = dict[str, Array]
_Layers = tuple[tuple[tuple[str, str], ...], ...]
_LEAST = 1e-6  # below it a variable counts as this much when its logarithm is taken


class Simulator:
    """A model ready to run. Arrays have the draws on the last axis, and a variable's dimension just before it.

    Args:
        model: the checked model.
        steps: steps in a month; more where fast flows ask for it.
    """

    def __init__(self, model: Model, steps: int = 2) -> None:
        self.model, self.steps = model, steps
        self.time_step = 1.0 / steps
        self._stocks = model.of_kind("stock")
        self._levels = model.of_kind("level")
        self._run = jax.jit(self._scan, static_argnames=("keep", "follows", "given"))

    def first_state(self, parameters: Mapping[str, Array], inputs: Mapping[str, Array], draws: int) -> Arrays:
        """Return the first value of every stock and level; a level may start at the first value of an input."""
        known: Arrays = {**parameters, **{name: series[0] for name, series in inputs.items()}}
        state: Arrays = {}
        for variable in self._stocks:
            assert variable.equation is not None
            known[variable.name] = variable.equation(*(known[name] for name in variable.depends))
            state[variable.name] = known[variable.name]
        for variable in self._levels:
            assert variable.initial is not None
            state[variable.name] = known[variable.initial]
        dtype = jnp.result_type(*parameters.values())
        return {
            name: jnp.broadcast_to(jnp.asarray(value, dtype), (*self.model.shape(name), draws))
            for name, value in state.items()
        }

    def run(
        self,
        state: Mapping[str, Array],
        parameters: Mapping[str, Array],
        inputs: Mapping[str, Array],
        keep: Sequence[str],
        follows: Mapping[str, str] | None = None,
        given: bool = False,
    ) -> tuple[Arrays, Arrays]:
        """Run for as many months as the inputs have.

        Args:
            state: value of every stock and level at the start.
            parameters: by name, shape (draws,) or (members, draws).
            inputs: levers, processes and given series by name, shape (months, draws) or (months, members, draws);
                the draws axis may be 1.
            keep: names of variables to return.
            follows: latent series, and the variable that each raises in proportion. In their place `inputs` has them
                plus the logarithm of what their variable would be without them at the beginning of the month, with
                the series on which it also depends in the same month as they are.
            given: `inputs` has the series of `follows` themselves.

        Returns:
            The state at the end, and for each kept variable an array (months, [members,] draws): a stock or level at
            the end of the month, a flow or other variable as the month's mean (so a monthly flow is its total). With
            `follows`, also each such series, and as NAME_without the logarithm of its variable without it.
        """
        layers = self._layers(follows or {})
        found: tuple[Arrays, Arrays] = self._run(
            dict(state), dict(parameters), dict(inputs), keep=tuple(keep), follows=layers, given=given
        )
        return found

    def _layers(self, follows: Mapping[str, str]) -> _Layers:
        """Return series with the variable that each follows, in layers: each after those that move its variable too."""
        names = set(follows)
        upstream = {name: self._at_once(variable) & names - {name} for name, variable in follows.items()}
        layers: list[tuple[tuple[str, str], ...]] = []
        left = list(follows)
        while left:
            # where two wait for each other, the first goes first
            ready = [name for name in left if not upstream[name] & set(left)] or left[:1]
            layers.append(tuple((name, follows[name]) for name in ready))
            left = [name for name in left if name not in ready]
        return tuple(layers)

    def _at_once(self, variable: str) -> set[str]:
        """Return the names on which a variable depends within a step, through no stock and no level."""
        found: set[str] = set()
        waiting = [variable]
        while waiting:
            one = self.model.variables.get(waiting.pop())
            if one is None or one.name in found:
                continue
            found.add(one.name)
            if one.kind in ("aux", "flow"):
                waiting += one.depends
                if one.leaves is not None:  # flows out of a stock share what is in it
                    waiting += [flow.name for flow in self.model.flows(leaves=one.leaves)]
        return found

    def _scan(
        self,
        state: Arrays,
        parameters: Arrays,
        inputs: Arrays,
        keep: tuple[str, ...],
        follows: _Layers,
        given: bool,
    ) -> tuple[Arrays, Arrays]:
        kind = jnp.result_type(*state.values())  # the precision of the run is that of the state
        parameters = {name: jnp.asarray(value, kind) for name, value in parameters.items()}
        inputs = {name: jnp.asarray(value, kind) for name, value in inputs.items()}
        shapes = {name: value.shape for name, value in state.items()}
        at_end = {v.name for v in (*self._stocks, *self._levels)}

        @jax.checkpoint  # slopes work a step out again: cheaper than to keep and read back all that it passed through
        def small(now: Arrays, values: Arrays) -> tuple[Arrays, Arrays]:
            after, env = self._step(now, parameters, values)
            after = {name: jnp.broadcast_to(value, shapes[name]) for name, value in after.items()}
            return after, {name: env[name] for name in keep if name not in at_end}

        @partial(jax.checkpoint, static_argnums=2)
        def followed(now: Arrays, values: Arrays, variables: tuple[str, ...]) -> Arrays:
            _, env = self._step(now, parameters, values)
            return {variable: env[variable] for variable in variables}

        def month(now: Arrays, values: Arrays) -> tuple[Arrays, Arrays]:
            found: Arrays = {}
            series = {name: jnp.zeros_like(values[name]) for layer in follows for name, _ in layer}
            for layer in follows:
                seen = followed(now, {**values, **series}, tuple(variable for _, variable in layer))
                for name, variable in layer:
                    without = jnp.log(jnp.maximum(seen[variable], _LEAST))
                    series[name] = values[name] - (0.0 if given else without)
                    found |= {name: series[name], f"{name}_without": without}
            values = {**values, **series}
            after, within = jax.lax.scan(lambda s, _: small(s, values), now, None, length=self.steps)
            out = {name: series.mean(axis=0) for name, series in within.items()}
            out |= {name: after[name] for name in keep if name in at_end}
            return after, {**out, **found}

        return jax.lax.scan(month, state, inputs)

    def _step(self, state: Arrays, parameters: Arrays, inputs: Arrays) -> tuple[Arrays, Arrays]:
        env: Arrays = {TIME_STEP: self.time_step, **parameters, **inputs, **state}
        wanted: Arrays = {}
        shares: Arrays = {}

        def value(variable: Variable) -> Array:
            assert variable.equation is not None
            return variable.equation(*(env[name] for name in variable.depends))

        for name in self.model.order:
            variable = self.model.variables[name]
            if variable.kind == "aux":
                env[name] = value(variable)
                continue
            stock = variable.leaves
            if stock is None:
                env[name] = jnp.maximum(value(variable), 0.0)
                continue
            if stock not in shares:
                leaving = self.model.flows(leaves=stock)
                for flow in leaving:
                    wanted[flow.name] = jnp.maximum(value(flow), 0.0)
                asked = sum(wanted[flow.name] for flow in leaving) * self.time_step
                enough = asked <= state[stock]
                shares[stock] = jnp.where(enough, 1.0, state[stock] / jnp.where(enough, 1.0, asked))
            env[name] = wanted[name] * shares[stock]

        after: Arrays = {}
        for variable in self._stocks:
            change = sum(env[f.name] for f in self.model.flows(enters=variable.name))
            change = change - sum(env[f.name] for f in self.model.flows(leaves=variable.name))
            after[variable.name] = jnp.maximum(state[variable.name] + self.time_step * change, 0.0)
        for variable in self._levels:
            after[variable.name] = state[variable.name] + self.time_step * value(variable)
        return after, env


def place(arrays: Mapping[str, Array], draws: int, dtype: Any) -> Arrays:
    """Return arrays in a precision, their draws shared out over the devices of the machine.

    Args:
        arrays: by name, draws on the last axis; an axis of length 1 is given to every device.
        draws: number of draws. As many devices are used as divide it.
        dtype: precision of the run that they are for.
    """
    devices = jax.devices()
    used = max(n for n in range(1, len(devices) + 1) if draws % n == 0)
    if used == 1:
        return {name: jnp.asarray(value, dtype) for name, value in arrays.items()}
    mesh = Mesh(np.array(devices[:used]), ("draws",))

    def put(value: Array) -> Array:
        shared = np.ndim(value) > 0 and np.shape(value)[-1] == draws
        axes = (*[None] * (np.ndim(value) - 1), "draws") if shared else ()
        where = PartitionSpec(*axes)  # type: ignore[no-untyped-call]
        return jax.device_put(jnp.asarray(value, dtype), NamedSharding(mesh, where))

    return {name: put(value) for name, value in arrays.items()}


def process_paths(shocks: Array, persistence: Array, sd: Array, before: Array | None = None) -> Array:
    """Return paths of a first-order autoregressive process, x[t] = persistence * x[t-1] + sd * shocks[t].

    Args:
        shocks: standard normal, shape (months, [members,] draws).
        persistence: share of the departure kept from one month to the next, below 1.
        sd: standard deviation of a month's shock.
        before: value in the month before the first; None starts from the stationary distribution.

    Returns:
        An array like `shocks`.
    """
    first = sd / jnp.sqrt(1.0 - persistence**2) * shocks[0] if before is None else persistence * before + sd * shocks[0]

    def step(x: Array, shock: Array) -> tuple[Array, Array]:
        after = persistence * x + sd * shock
        return after, after

    _, rest = jax.lax.scan(step, first, shocks[1:])
    return jnp.concatenate([first[None], rest])


def audit(model: Model, start: Mapping[str, Array], outputs: Mapping[str, Array]) -> dict[str, float]:
    """Return for each stock the largest relative gap between its change and the sum of its flows.

    Args:
        model: the model that was run.
        start: the state before the first month.
        outputs: what `Simulator.run` returned when it kept every stock and every flow.
    """
    gaps: dict[str, float] = {}
    for stock in model.of_kind("stock"):
        levels = np.asarray(outputs[stock.name])
        before = np.concatenate([np.asarray(start[stock.name])[None], levels[:-1]])
        change = levels - before
        moved = np.zeros_like(change)
        size = np.abs(before).copy()
        for flow in model.flows(enters=stock.name):
            moved, size = moved + np.asarray(outputs[flow.name]), size + np.abs(np.asarray(outputs[flow.name]))
        for flow in model.flows(leaves=stock.name):
            moved, size = moved - np.asarray(outputs[flow.name]), size + np.abs(np.asarray(outputs[flow.name]))
        gaps[stock.name] = float(np.max(np.abs(change - moved) / np.maximum(size, 1e-12)))
    return gaps


__all__ = ["Array", "Arrays", "Simulator", "audit", "place", "process_paths"]
