"""The No-U-Turn sampler in whitened coordinates, in pieces that survive a kill.

A density with thousands of unknowns is out of reach of a sampler that has to learn their scales by itself. Where a good
guess of centre and curvature is at hand (for example from a Laplace approximation), x = centre + spread @ u makes the
unknowns u nearly standard normal, and a few steps of the integrator move far. The sampler is NumPyro's.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from numpyro.infer import NUTS

from acuerdo.files import write_whole

Floats = npt.NDArray[np.float64]
LogDensity = Callable[[jax.Array], jax.Array]
Progress = Callable[[int, int, float], None]
DEEPEST = 7  # a path has at most 2**7 steps


@dataclass(frozen=True)
class Plan:
    """How long to sample.

    Attributes:
        chains: chains run side by side.
        warm_up: iterations in which the step is tuned, which are left out of the result.
        kept: iterations kept of each chain.
        piece: iterations between two checkpoints.
        accept: share of proposals that the step is tuned to accept.
        seed: the same seed gives the same chains.
    """

    chains: int = 4
    warm_up: int = 200
    kept: int = 400
    piece: int = 20
    accept: float = 0.8
    seed: int = 1


@dataclass(frozen=True)
class Chains:
    """What the sampler returns.

    Attributes:
        values: the unknowns, (chains, draws, size).
        diverging: whether an iteration diverged, (chains, draws).
        steps: integrator steps of each iteration, (chains, draws).
        accepted: mean acceptance of each iteration, (chains, draws).
        step_size: the step that each chain settled on, (chains,).
    """

    values: Floats
    diverging: npt.NDArray[np.bool_]
    steps: npt.NDArray[np.int64]
    accepted: Floats
    step_size: Floats


def sample(
    log_density: LogDensity,
    centre: Floats,
    spread: Floats,
    plan: Plan,
    folder: Path | None = None,
    key: str = "",
    progress: Progress | None = None,
) -> Chains:
    """Sample a density by NUTS in the coordinates u of x = centre + spread @ u.

    Args:
        log_density: logarithm of the density at x, shape (size,), up to a constant.
        centre: where the density is high, (size,).
        spread: a factor of about the covariance there, (size, size), or its diagonal, (size,).
        plan: how long.
        folder: where checkpoints are kept; a run that was stopped goes on from the last one. None for no checkpoints.
        key: what the density is, so that a checkpoint of something else is not used.
        progress: called after each piece with (iterations done, iterations in all, share of proposals accepted).
    """
    first, keys = jax.random.split(jax.random.PRNGKey(plan.seed))
    start = jax.random.normal(first, (plan.chains, len(centre)))
    place = jnp.asarray(centre), jnp.asarray(spread)

    def ready(centre: jax.Array, spread: jax.Array) -> tuple[NUTS, Any]:
        # made where it is traced, so that the large factor is an argument of what is compiled, not a constant in it
        kernel = NUTS(
            potential_fn=lambda u: -log_density(_to_x(u, centre, spread)),
            adapt_mass_matrix=False,
            inverse_mass_matrix=jnp.ones(len(centre)),
            dense_mass=False,
            target_accept_prob=plan.accept,
            max_tree_depth=DEEPEST,
        )
        return kernel, kernel.init(jax.random.split(keys, plan.chains), plan.warm_up, start, (), {})

    @jax.jit
    def begin(centre: jax.Array, spread: jax.Array) -> Any:
        return ready(centre, spread)[1]

    @jax.jit
    def piece(state: Any, centre: jax.Array, spread: jax.Array) -> tuple[Any, Any]:
        kernel, _ = ready(centre, spread)

        def one(state: Any, _: None) -> tuple[Any, Any]:
            after = kernel.sample(state, (), {})
            x = jax.vmap(lambda u: _to_x(u, centre, spread))(after.z)
            return after, (x, after.diverging, after.num_steps, after.accept_prob)

        return jax.lax.scan(one, state, None, length=plan.piece)

    state = begin(*place)
    total = plan.warm_up + plan.kept
    pieces = -(-total // plan.piece)
    done: list[tuple[npt.NDArray[Any], ...]] = []
    store = _Checkpoints(folder, f"{key}:{plan}") if folder else None
    if store:
        state, done = store.resume(state)
    for at in range(len(done), pieces):
        state, out = piece(state, *place)
        found = tuple(np.asarray(x) for x in out)
        done.append(found)
        if store:
            store.keep(at, state, found)
        if progress:
            progress(min((at + 1) * plan.piece, total), total, float(found[3].mean()))
    values, diverging, steps, accepted = (
        np.concatenate(part)[plan.warm_up : total].swapaxes(0, 1) for part in zip(*done, strict=True)
    )
    step_size = np.asarray(state.adapt_state.step_size)
    if store:
        store.clear()
    return Chains(values.astype(float), diverging, steps, accepted, step_size)


def _to_x(u: jax.Array, centre: jax.Array, spread: jax.Array) -> jax.Array:
    return centre + (spread * u if spread.ndim == 1 else spread @ u)


class _Checkpoints:
    """A folder with the state of the chains after each piece, and the pieces; written whole or not at all."""

    def __init__(self, folder: Path, key: str) -> None:
        self.folder, self.key = folder, key
        folder.mkdir(parents=True, exist_ok=True)

    def _path(self, name: str) -> Path:
        return self.folder / name

    def resume(self, state: Any) -> tuple[Any, list[tuple[npt.NDArray[Any], ...]]]:
        """Return the state and the pieces of an earlier run of the same work, or the state given and no pieces."""
        try:
            told = json.loads(self._path("progress.json").read_text(encoding="utf-8"))
            if told["key"] != self.key:
                raise ValueError("another run")
            leaves, form = jax.tree_util.tree_flatten(state)
            with np.load(self._path(f"state_{told['pieces'] - 1}.npz")) as kept:
                found = [jnp.asarray(kept[str(i)], leaf.dtype) for i, leaf in enumerate(leaves)]
            done = []
            for at in range(told["pieces"]):
                with np.load(self._path(f"piece_{at}.npz")) as kept:
                    done.append(tuple(kept[str(i)] for i in range(4)))
        except (OSError, ValueError, KeyError, TypeError, BadZipFile):
            self.clear()
            return state, []
        return jax.tree_util.tree_unflatten(form, found), done

    def keep(self, at: int, state: Any, found: tuple[npt.NDArray[Any], ...]) -> None:
        """Keep a piece and the state after it; the state before it is no longer needed."""
        self._save(f"piece_{at}.npz", found)
        self._save(f"state_{at}.npz", jax.tree_util.tree_leaves(state))
        write_whole(self._path("progress.json"), json.dumps({"key": self.key, "pieces": at + 1}))
        self._path(f"state_{at - 1}.npz").unlink(missing_ok=True)

    def _save(self, name: str, arrays: Any) -> None:
        buffer, named = io.BytesIO(), {str(i): np.asarray(x) for i, x in enumerate(arrays)}
        np.savez(buffer, allow_pickle=False, **named)
        write_whole(self._path(name), buffer.getvalue())

    def clear(self) -> None:
        """Remove what was kept."""
        for path in self.folder.glob("*"):
            if path.suffix in (".npz", ".json"):
                path.unlink()
