"""Hamiltonian Monte Carlo in whitened coordinates, in pieces that survive a kill.

A density with thousands of unknowns is out of reach of a sampler that has to learn their scales by itself. Where a good
guess of centre and curvature is at hand (for example from a Laplace approximation), x = centre + spread @ u makes the
unknowns u nearly standard normal, and a few steps of the integrator move far. The sampler is NumPyro's: the No-U-Turn
sampler, or, where the coordinates are good enough for one length of path to suit all, paths of a fixed number of steps.
These go to the end of their path, where the No-U-Turn sampler draws a point along it, on average half as far away.

The guess can be bettered in rounds before the sampling: after each, the spread is made anew from where the chains are,
and stretched along the directions of unknowns that roam further than it says.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as Parts
from numpyro.infer import HMC, NUTS
from scipy import linalg, special

from acuerdo.files import write_whole
from acuerdo.inference.divergences import MOST

Floats = npt.NDArray[np.float64]
LogDensity = Callable[[jax.Array], jax.Array]
Respread = Callable[[Floats], Floats]
Progress = Callable[[int, int, float], None]
Place = tuple[jax.Array, jax.Array]
"""Centre and factor of the coordinates."""
_DIRECTIONS, _CANDIDATES, _ROAMING = 256, 800, 1.1
_LEAST = 0.8  # of the usual step
_SMALL, _SELDOM = 0.3, 1 / 16  # of the usual step, and how often, so that no chain sits long where its own is too large
_APART = 0x5EED  # far from the few numbers by which the kernel derives keys of its own: steps know nothing of momenta
_GRID = np.geomspace(1e-3, 1e2, 1000)
_COMPILER = {"xla_cpu_prefer_vector_width": "512"}  # a third less time where a core has such; elsewhere no change
_POINTS = 6  # chains from which a spread is made anew: each takes as long as some iterations of all


@dataclass(frozen=True)
class Plan:
    """How long to sample.

    Attributes:
        chains: chains run side by side.
        warm_up: iterations in which the step is tuned, which are left out of the result; a multiple of `piece`, not 0.
        kept: iterations kept of each chain.
        piece: iterations between two checkpoints.
        accept: share of proposals that the step is tuned to accept.
        seed: the same seed gives the same chains.
        rounds: rounds of `warm_up` iterations before, after each of which the spread is made anew.
        deepest: a path has at most 2 ** deepest steps.
        steps: steps of every path, of a size that varies from path to path; None for paths that end where they turn.
    """

    chains: int = 4
    warm_up: int = 200
    kept: int = 400
    piece: int = 20
    accept: float = 0.8
    seed: int = 1
    rounds: int = 0
    deepest: int = 7
    steps: int | None = None

    @property
    def total(self) -> int:
        """Iterations in all."""
        return self.rounds * self.warm_up + self.warm_up + self.kept


FULL = Plan(warm_up=60, kept=3800, rounds=2, steps=16, accept=0.8)
"""How a full calibration samples; docs/calibration.md says why."""


@dataclass(frozen=True)
class Chains:
    """What the sampler returns.

    Attributes:
        values: the unknowns, (chains, draws, size).
        diverging: whether an iteration diverged, (chains, draws).
        steps: integrator steps of each iteration, (chains, draws).
        accepted: mean acceptance of each iteration, (chains, draws).
        step_size: the step that each chain settled on, (chains,).
        spread: the factor of the coordinates in which they were drawn, (size, size), or its diagonal, (size,).
        launches: how paths that diverged set out, for the first few by (chain, iteration): the slope of minus the log
            density there, and the momentum, in these coordinates, both (size,).
    """

    values: Floats
    diverging: npt.NDArray[np.bool_]
    steps: npt.NDArray[np.int64]
    accepted: Floats
    step_size: Floats
    spread: Floats
    launches: dict[tuple[int, int], tuple[Floats, Floats]] = field(default_factory=dict)


def sample(
    log_density: LogDensity,
    centre: Floats,
    spread: Floats,
    plan: Plan,
    folder: Path | None = None,
    key: str = "",
    progress: Progress | None = None,
    respread: Respread | None = None,
    start: Floats | None = None,
) -> Chains:
    """Sample a density in the coordinates u of x = centre + spread @ u.

    Args:
        log_density: logarithm of the density at x, shape (size,), up to a constant.
        centre: where the density is high, (size,).
        spread: a factor of about the covariance there, (size, size), or its diagonal, (size,).
        plan: how long.
        folder: where checkpoints are kept; a run that was stopped goes on from the last one. They stay when it is done,
            until `remove_checkpoints`, so that nothing is lost on the way to a file. None for no checkpoints.
        key: what the density is, so that a checkpoint of something else is not used.
        progress: called after each piece with (iterations done, iterations in all, share of proposals accepted).
        respread: a better factor, (size, size), from points of the chains, (size, number of points); for rounds.
        start: where each chain starts, (size, chains), for example where an earlier run ended; without it normal draws
            around the centre, as wide as the spread.

    Raises:
        ValueError: the warm-up is no multiple of the piece, rounds have no `respread`, or `start` is not one point
            for each chain.
    """
    if start is not None and start.shape != (len(centre), plan.chains):
        raise ValueError(f"start: {start.shape}; one point for each chain is {(len(centre), plan.chains)}")
    if plan.warm_up <= 0 or plan.warm_up % plan.piece:
        raise ValueError("the warm-up takes one piece or more, whole")
    if plan.rounds and respread is None:
        raise ValueError("rounds need a way to make the spread anew")
    first, keys = jax.random.split(jax.random.PRNGKey(plan.seed))

    def ready(place: Place, step: jax.Array, begins: bool = False) -> HMC:
        # made where it is traced, so that the large factor is an argument of what is compiled, not a constant in it
        def potential(u: jax.Array) -> jax.Array:
            if begins and plan.steps is not None:
                return jnp.inf + 0 * u.sum()  # as good as unknown: the first path is accepted wherever it ends
            return -log_density(_to_x(jax.lax.stop_gradient(u) if begins else u, *place))

        about: dict[str, Any] = {
            "potential_fn": potential,
            "step_size": step,
            "adapt_mass_matrix": False,
            "inverse_mass_matrix": jnp.ones(len(centre)),
            "dense_mass": False,
            "target_accept_prob": plan.accept,
        }
        if plan.steps is None:
            return NUTS(**about, max_tree_depth=plan.deepest)
        return HMC(**about, num_steps=plan.steps, trajectory_length=None)

    def begin(place: Place, start: jax.Array, step: jax.Array, at: jax.Array) -> Any:
        # a large model takes minutes to compile, so it is compiled once, in `piece`: here slopes are 0, and the first
        # half step of a round, whose iterations are left out, goes without
        keys_now = jax.random.split(jax.random.fold_in(keys, at), plan.chains)
        return ready(place, step, begins=True).init(keys_now, plan.warm_up, start, (), {})

    devices = jax.devices()
    cores = Mesh(np.array(devices[: max(n for n in range(1, len(devices) + 1) if plan.chains % n == 0)]), ("chains",))

    @partial(jax.jit, compiler_options=_COMPILER)
    @partial(
        jax.shard_map,
        mesh=cores,
        in_specs=(_along("chains"), _along()),
        out_specs=(_along("chains"), _along(None, "chains")),
        check_vma=False,
    )
    def piece(state: Any, place: Place) -> tuple[Any, Any]:
        # each core runs its chains by itself
        kernel = ready(place, jnp.asarray(1.0))
        kernel.init(state.rng_key, plan.warm_up, state.z, (), {})

        def one(state: Any, _: None) -> tuple[Any, Any]:
            after = kernel.sample(state, (), {}) if plan.steps is None else _varied(kernel, state, plan.warm_up)
            # of the very types that it began with, or all is compiled again when it comes back
            after = jax.tree.map(lambda now, was: jax.lax.convert_element_type(now, was.dtype), after, state)
            step = state.adapt_state.step_size
            return after, (after.z, after.z_grad, after.diverging, after.num_steps, after.accept_prob, step)

        return jax.lax.scan(one, state, None, length=plan.piece)

    def put(arrays: Any, *axes: str) -> Any:
        return jax.device_put(arrays, NamedSharding(cores, _along(*axes)))

    # how many iterations are kept changes none of them: a run that was stopped may go on with more, or end with fewer
    store = _Checkpoints(folder, f"{key}:{replace(plan, kept=0)}") if folder else None
    if start is None:
        at_first = jax.random.normal(first, (plan.chains, len(centre)))
    else:
        gap = start.T - centre
        at_first = jnp.asarray(gap / spread if spread.ndim == 1 else np.linalg.solve(spread, gap.T).T)
    step, done, begin_now = 1.0, 0, jax.jit(begin)
    for at in range(plan.rounds + 1):
        last = at == plan.rounds
        pieces = -(-(plan.warm_up + (plan.kept if last else 0)) // plan.piece)
        place = jnp.asarray(centre), jnp.asarray(spread, jnp.float32)
        given = place, at_first, jnp.asarray(step), jnp.asarray(at)
        found: list[_Piece] = []
        state: Any = None
        if store:
            place, state, found = store.resume(at, place, jax.eval_shape(begin, *given))
            found = found[:pieces]
        if state is None:
            state = begin_now(*given)
        state, place = put(state, "chains"), put(place)  # laid out as they come back, or all is compiled again
        for number in range(len(found), pieces):
            state, out = piece(state, place)
            found.append(tuple(np.asarray(part) for part in out))
            if last and number + 1 == plan.warm_up // plan.piece:
                state = put(_one_step(state, found, plan.accept), "chains")
            if store:
                store.keep(at, number, place, state, found[-1])
            if progress:
                progress(min(done + (number + 1) * plan.piece, plan.total), plan.total, float(found[-1][4].mean()))
        done += plan.warm_up
        centre, spread = (np.asarray(part, float) for part in place)
        if not last:
            assert respread is not None
            centre, spread, at_first = _better(centre, spread, found, respread)
            step = float(np.median(state.adapt_state.step_size))
    u, _, diverging, steps, accepted, _ = (
        np.concatenate(part)[plan.warm_up : plan.warm_up + plan.kept].swapaxes(0, 1)
        for part in zip(*found, strict=True)
    )
    step_size = np.asarray(state.adapt_state.step_size)
    values = centre + (spread * u if spread.ndim == 1 else u @ spread.T)
    launches = _launches(begin_now(*given).rng_key, found, np.argwhere(diverging)[:MOST], plan)
    return Chains(np.asarray(values, float), diverging, steps, accepted, step_size, spread, launches)


def remove_checkpoints(folder: Path) -> None:
    """Remove the checkpoints of a run from its folder, if there are any, and nothing else."""
    for pattern in ("piece_*.npz", "place_*.npz", "state_*.npz", "progress.json"):
        for path in folder.glob(pattern):
            path.unlink()


_Piece = tuple[npt.NDArray[Any], ...]
"""Of each iteration and chain: u, the slope of minus the log density there, diverging, steps, share accepted, step."""


def _to_x(u: jax.Array, centre: jax.Array, spread: jax.Array) -> jax.Array:
    # the large factor is read at every step of the integrator: in single precision that takes half the time
    near = u.astype(spread.dtype)
    return centre + (spread * near if spread.ndim == 1 else spread @ near).astype(centre.dtype)


def _varied(kernel: HMC, state: Any, warm_up: int) -> Any:
    """Take a path of larger or smaller steps than usual: paths of one length may come back to where they began.

    Where the density is narrower than nearly everywhere, steps of about the usual size are refused time and again, and
    a chain that has come there stays: so once the step is set, one path in so many is of much smaller ones.
    """
    usual = state.adapt_state.step_size
    keys = jax.vmap(partial(jax.random.fold_in, data=_APART))(state.rng_key)
    factor = jax.vmap(partial(jax.random.uniform, minval=_LEAST, maxval=2 - _LEAST))(keys)
    seldom = jax.vmap(jax.random.uniform)(jax.vmap(partial(jax.random.fold_in, data=_APART))(keys)) < _SELDOM
    factor = jnp.where(seldom & (state.i >= warm_up), _SMALL, factor)
    moved = state.adapt_state._replace(step_size=usual * factor.astype(usual.dtype))
    after = kernel.sample(state._replace(adapt_state=moved), (), {})
    step = jnp.where(state.i < warm_up, after.adapt_state.step_size, usual)
    return after._replace(adapt_state=after.adapt_state._replace(step_size=step))


def _launches(
    key: jax.Array, found: list[_Piece], chosen: npt.NDArray[np.int64], plan: Plan
) -> dict[tuple[int, int], tuple[Floats, Floats]]:
    """Return slope and momentum with which the paths of some iterations set out, by (chain, iteration kept).

    The momentum is drawn again, from the keys that the kernel derives one after another from its first.
    """
    if not len(chosen):
        return {}

    def next_keys(now: jax.Array, _: None) -> tuple[jax.Array, jax.Array]:
        split = jax.vmap(partial(jax.random.split, num=3))(now)
        return split[:, 0], split[:, 1]

    _, keys = jax.lax.scan(next_keys, key, None, length=plan.warm_up + plan.kept)
    launches = {}
    for chain, iteration in chosen.tolist():
        at = plan.warm_up + iteration
        slope = found[(at - 1) // plan.piece][1][(at - 1) % plan.piece, chain]
        momentum = jax.random.normal(keys[at, chain], slope.shape)
        launches[chain, iteration] = np.asarray(slope, float), np.asarray(momentum, float)
    return launches


def _along(*axes: str | None) -> Parts:
    return Parts(*axes)  # type: ignore[no-untyped-call]


def _one_step(state: Any, found: list[_Piece], accept: float) -> Any:
    """Give all chains the step with which the share `accept` of proposals is accepted, from the warm-up of all of them.

    Each chain's own tuning is too short to settle, and one that came out small by luck would hold up all others. In
    many dimensions the share accepted is erfc(k step ** 2), for a k of the density (Beskos and others, 2013, Bernoulli
    19: 1501-1534), which the second half of the warm-up tells.
    """
    accepted, step = (np.concatenate([piece[i] for piece in found]) for i in (4, 5))
    half = len(step) // 2
    usual = np.median(step[half:])
    told = special.erfc(_GRID[:, None] * (step[half:].ravel() / usual) ** 2)
    k = _GRID[np.argmin(((accepted[half:].ravel() - told) ** 2).sum(axis=1))]
    chosen = usual * np.clip(np.sqrt(special.erfcinv(accept) / k), 0.5, 2.0)
    one = state.adapt_state.step_size
    return state._replace(adapt_state=state.adapt_state._replace(step_size=jnp.full_like(one, chosen)))


def _better(
    centre: Floats, spread: Floats, found: list[_Piece], respread: Respread
) -> tuple[Floats, Floats, jax.Array]:
    """Return a centre and spread from where the chains are after a round, and their coordinates there.

    Along the directions of the unknowns that roam further than the factor says, it is stretched by (variance of the
    draws / variance of the slopes) ** 1/4, which makes draws and slopes equally large, as those of a standard normal
    are. Stretched by how far the draws roam alone, the narrowest places would hold the integrator to a smaller step.
    """
    u, slope = (np.concatenate([piece[i] for piece in found]).astype(float) for i in (0, 1))
    half = len(u) // 2
    full = np.diag(spread) if spread.ndim == 1 else spread
    x, slope_x = centre + u[half:] @ full.T, np.linalg.solve(full.T, slope[half:].reshape(-1, len(centre)).T)
    centre, last = x.mean(axis=(0, 1)), x[-1]
    made = respread(last[:: -(-len(last) // _POINTS)].T)
    directions = _roaming(made, x.std(axis=(0, 1)))
    along = np.linalg.solve(made, (x - centre).reshape(-1, len(centre)).T).T @ directions
    uphill = slope_x.T @ (made @ directions)
    stretch = np.clip((along.var(axis=0) / uphill.var(axis=0)) ** 0.25, 1.0, None)
    factor = made + (made @ directions) * (stretch - 1) @ directions.T
    return centre, factor, jnp.asarray(np.linalg.solve(factor, (last - centre).T).T)


def _roaming(spread: Floats, seen: Floats) -> Floats:
    """Return directions, orthonormal columns, of the unknowns that spread more than a factor of the covariance says.

    Of unknowns that go together the first counts: the others add no direction.

    Args:
        spread: the factor, (size, size).
        seen: standard deviations that were seen, (size,).
    """
    wider = seen / np.sqrt((spread**2).sum(axis=1))
    chosen = np.argsort(-wider)[:_CANDIDATES]
    chosen = chosen[wider[chosen] > _ROAMING]
    if not len(chosen):
        return np.empty((len(seen), 0))
    found, _, _ = linalg.qr(spread[chosen].T * (wider[chosen] ** 2 / seen[chosen]), mode="economic", pivoting=True)
    return np.asarray(found[:, :_DIRECTIONS])


class _Checkpoints:
    """A folder with the state of the chains after each piece, and the pieces; written whole or not at all."""

    def __init__(self, folder: Path, key: str) -> None:
        self.folder, self.key = folder, key
        folder.mkdir(parents=True, exist_ok=True)

    def _path(self, name: str) -> Path:
        return self.folder / name

    def resume(self, at: int, place: Any, form: Any) -> tuple[Any, Any, list[_Piece]]:
        """Return place, state and pieces of a round of an earlier run of the same work.

        Of a round that has not begun: the place given, no state, and no pieces. Of one that is over, no more is needed
        than where it led: the next round's place and start are worked out again from its pieces.
        """
        try:
            told = json.loads(self._path("progress.json").read_text(encoding="utf-8"))
            if told["key"] != self.key:
                raise ValueError("another run")
            pieces = int(told["pieces"].get(str(at), 0))
            if not pieces:
                return place, None, []
            leaves, tree = jax.tree_util.tree_flatten(form)
            with np.load(self._path(f"state_{at}_{pieces - 1}.npz")) as kept:
                state = [jnp.asarray(kept[str(i)], leaf.dtype) for i, leaf in enumerate(leaves)]
            with np.load(self._path(f"place_{at}.npz")) as kept:
                place = jnp.asarray(kept["0"]), jnp.asarray(kept["1"])
            done = []
            for number in range(pieces):
                with np.load(self._path(f"piece_{at}_{number}.npz")) as kept:
                    done.append(tuple(kept[str(i)] for i in range(6)))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, BadZipFile):
            remove_checkpoints(self.folder)
            return place, None, []
        return place, jax.tree_util.tree_unflatten(tree, state), done

    def keep(self, at: int, number: int, place: Any, state: Any, found: _Piece) -> None:
        """Keep a piece of a round and the state after it; the state before it is no longer needed."""
        if number == 0:
            self._save(f"place_{at}.npz", place)
        self._save(f"piece_{at}_{number}.npz", found)
        self._save(f"state_{at}_{number}.npz", jax.tree_util.tree_leaves(state))
        told = {} if at == 0 and number == 0 else self._pieces()
        write_whole(self._path("progress.json"), json.dumps({"key": self.key, "pieces": {**told, str(at): number + 1}}))
        self._path(f"state_{at}_{number - 1}.npz").unlink(missing_ok=True)

    def _pieces(self) -> dict[str, int]:
        told = json.loads(self._path("progress.json").read_text(encoding="utf-8"))
        return dict(told["pieces"])

    def _save(self, name: str, arrays: Any) -> None:
        buffer, named = io.BytesIO(), {str(i): np.asarray(x) for i, x in enumerate(arrays)}
        np.savez(buffer, allow_pickle=False, **named)
        write_whole(self._path(name), buffer.getvalue())
