"""Batches shared out over the workers of a Dask scheduler: each builds the same projector once, then runs blocks.

What travels is a recipe (which view, which draws, which futures) and packages; a worker has its own copy of the
corridor and of its posterior, and refuses to run if that is not the posterior of the one who asks. Blocks are those of
a batch that is not shared, so the numbers are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from threading import Lock
from typing import Any

import numpy as np

from acuerdo.errors import DataError, InputError
from acuerdo.figures.store import Figures
from acuerdo.levers import Floats
from acuerdo.priorities.batch import COLUMNS, Batch, Package
from acuerdo.priorities.futures import Future, load_futures
from acuerdo.priorities.kept import posterior_digest
from acuerdo.projection import Projector
from acuerdo.scenario import Setting

_LOCK = Lock()
_WAIT = 20  # seconds until a scheduler that does not answer is given up
_KEPT = 4  # batches, and lever values of blocks, that a worker keeps ready


@dataclass(frozen=True)
class Recipe:
    """All that a worker needs to build a batch.

    Attributes:
        corridor: name of the corridor.
        day: the as-of day, or None for the latest view.
        posterior: digest of the posterior.
        draws: its draws that are used, in order.
        months, seed: of the projector.
        futures: ids of the futures.
        outcomes: names of the outcomes.
    """

    corridor: str
    day: date | None
    posterior: str
    draws: tuple[int, ...]
    months: int
    seed: int
    futures: tuple[str, ...]
    outcomes: tuple[str, ...]


def connect(address: str) -> Any:
    """Return a client of a Dask scheduler.

    Args:
        address: as in `tcp://host:8786`.

    Raises:
        InputError: the extra `dask` is not installed, or no scheduler answers there.
    """
    try:
        from distributed import Client
    except ImportError:
        allowed = "nothing without the extra dask: pip install 'acuerdo[dask]'"
        raise InputError("scheduler", address, allowed) from None
    try:
        return Client(address, timeout=_WAIT, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError, ValueError) as problem:
        raise InputError(
            "scheduler", address, f"the address of a Dask scheduler that answers ({problem})", "tcp://127.0.0.1:8786"
        ) from problem


class SharedBatch(Batch):
    """A batch whose blocks are run by workers, one job for each block and future; see `Batch`.

    Args:
        projector: model, draws and months, for what is done here: costs, and what a package sets.
        futures: the futures.
        client: of the scheduler.
        recipe: what the workers build.
    """

    def __init__(self, projector: Projector, futures: Sequence[Future], client: Any, recipe: Recipe) -> None:
        super().__init__(projector, futures, recipe.outcomes, COLUMNS)
        self.client, self.recipe = client, recipe

    def _fill(self, found: Floats, packages: Sequence[Package], horizons: Sequence[int]) -> None:
        from distributed.scheduler import KilledWorker

        places = [(first, block, f) for first, block in self._blocks(packages) for f in range(len(self.futures))]
        jobs = [
            self.client.submit(
                run_block, self.recipe, tuple(tuple(one) for one in block), f, tuple(horizons), pure=False
            )
            for _, block, f in places
        ]
        try:
            parts = self.client.gather(jobs)
        except (OSError, KilledWorker) as problem:
            raise DataError(f"the workers of the scheduler did not finish: {problem}") from problem
        for (first, block, f), part in zip(places, parts, strict=True):
            found[:, first : first + len(block), f] = part


Block = tuple[tuple[Setting, ...], ...]


def run_block(recipe: Recipe, packages: Block, future: int, horizons: Sequence[int]) -> Floats:
    """Run one block of packages in one future on a worker; return shape (horizons, packages, draws, outcomes).

    Raises:
        DataError: the worker's posterior is another.
    """
    with _LOCK:  # a worker with several threads builds once, and runs one block at a time
        return _batch(recipe).in_future(_levers(recipe, packages), future, horizons)[:, : len(packages)]


@lru_cache(maxsize=_KEPT)
def _levers(recipe: Recipe, packages: Block) -> dict[str, Floats]:
    """Return the lever values of a block, the same in all futures."""
    return _batch(recipe).padded(packages)


@lru_cache(maxsize=_KEPT)
def _batch(recipe: Recipe) -> Batch:
    from acuerdo.engine.load import load_model
    from acuerdo.inference.posterior import posterior_for

    built = load_model(recipe.corridor)
    figures = Figures.open(built.corridor)
    posterior = posterior_for(built, figures, recipe.day)
    if posterior_digest(posterior) != recipe.posterior:
        raise DataError("a worker has another posterior than the one who asks; install the same version on both")
    index = np.array(recipe.draws, dtype=np.int64)
    projector = Projector(built, figures, posterior.take(index), recipe.months, len(index), recipe.seed)
    every = {future.id: future for future in load_futures(built)}
    return Batch(projector, [every[name] for name in recipe.futures], recipe.outcomes)


__all__ = ["Recipe", "SharedBatch", "connect", "run_block"]
