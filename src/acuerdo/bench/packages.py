"""A generation of the search of priorities: as many packages, futures and draws, run as the search runs them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from acuerdo import corridor as corridors
from acuerdo.bench.clock import Timing
from acuerdo.bench.rows import Row
from acuerdo.engine.load import load_model
from acuerdo.figures.store import Figures
from acuerdo.inference.posterior import posterior_for
from acuerdo.priorities.batch import Batch, Package
from acuerdo.priorities.futures import load_futures
from acuerdo.priorities.kept import MONTHS, SEED, posterior_digest
from acuerdo.priorities.shared import Recipe, SharedBatch
from acuerdo.priorities.space import load_limits, make_space, settings
from acuerdo.priorities.study import Effort
from acuerdo.projection import Projector, load_outcomes


@dataclass(frozen=True)
class Generation:
    """Packages made up at random within the limits, and the batch that runs them."""

    batch: Batch
    packages: list[Package]

    def run(self) -> None:
        """Run all of them in every future with every draw."""
        self.batch.levels(self.packages)


def generation(corridor: str, client: Any = None) -> Generation:
    """Return a generation of the default search, run here or over the workers of a Dask client."""
    effort, home = Effort(), corridors.load(corridor)
    built, figures = load_model(corridor), Figures.open(home)
    posterior = posterior_for(built, figures, None)
    draws = np.arange(effort.search_draws)
    projector = Projector(built, figures, posterior.take(draws), MONTHS, len(draws), SEED)
    futures = [future for future in load_futures(built) if future.kind == "future"]
    outcomes = tuple(load_outcomes(home))
    if client is None:
        batch = Batch(projector, futures, outcomes)
    else:
        ids = tuple(future.id for future in futures)
        digest = posterior_digest(posterior)
        recipe = Recipe(home.name, None, digest, tuple(map(int, draws)), MONTHS, SEED, ids, outcomes)
        batch = SharedBatch(projector, futures, client, recipe)
    limits, _ = load_limits(home, built.levers)
    space = make_space(built.levers, projector.base, projector.members, limits, list(home.about["sides"]), MONTHS)
    genes = np.random.default_rng(SEED).random((effort.size, space.size))
    return Generation(batch, [settings(space.decode(one), projector.months) for one in genes])


@contextmanager
def workers(count: int) -> Iterator[Any]:
    """Yield a client of so many local workers, processes of one thread each.

    Raises:
        ImportError: the extra `dask` is not installed.
    """
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=count, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,  # type: ignore[no-untyped-call]
        Client(cluster, set_as_default=False) as client,  # type: ignore[no-untyped-call]
    ):
        yield client


def row(name: str, words: str, made: Generation, found: Timing) -> Row:
    """Return the row of runs in a second."""
    batch = made.batch
    packages, futures, draws = len(made.packages), len(batch.futures), batch.projector.draws
    size = f"{packages} packages x {futures} futures x {draws} draws x {len(batch.projector.months)} months"
    rate = packages * futures * draws / found.median
    return Row(name, f"runs in a second: {size}, {words}", rate, "1/s", repeats=found.repeats)
