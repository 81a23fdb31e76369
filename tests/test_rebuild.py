"""The packaged calibration is what a new one finds."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from numpy.typing import NDArray

from acuerdo.engine.load import load_model
from acuerdo.figures.store import Figures
from acuerdo.inference.fit import fit
from acuerdo.inference.posterior import Posterior, file_name, packaged
from acuerdo.inference.problem import make_problem

DAY = date(2023, 9, 29)  # the shortest record of those packaged
Floats = NDArray[np.float64]


def gaps(one: Floats, two: Floats) -> tuple[Floats, Floats]:
    """Return gaps of means and log ratios of spreads, in standard errors of two sets of draws, (unknowns, draws)."""
    spread = np.sqrt((one.var(axis=1) + two.var(axis=1)) / 2)
    error = np.sqrt(1 / one.shape[1] + 1 / two.shape[1])
    means = (one.mean(axis=1) - two.mean(axis=1)) / spread
    return means / error, np.log(one.std(axis=1) / two.std(axis=1)) / (error / np.sqrt(2))


def agree(one: Floats, two: Floats) -> bool:
    """Whether parameters agree: nineteen in twenty within chance, all within chance and a tenth of a spread."""
    slack = 0.1 / np.sqrt(1 / one.shape[1] + 1 / two.shape[1])  # the search stops within a tolerance
    return all(
        bool(np.quantile(np.abs(part), 0.95) < 3 and np.abs(part).max() < 4.5 + room * slack)
        for part, room in zip(gaps(one, two), (1, 2), strict=True)
    )


@pytest.mark.slow
def test_a_search_from_elsewhere_finds_the_packaged_calibration_again() -> None:
    """Of all parameters but persistence and spread of the latent series, which have a spread of their own."""
    built = load_model("us_mexico")
    problem = make_problem(built, Figures.open(built.corridor), DAY)
    kept = Posterior.load(packaged(built) / file_name(DAY))
    away = np.random.default_rng(0).standard_normal(problem.size)
    found = fit(problem, start=kept.mode + 0.3 * away)
    assert found.converged
    shown = found.active[: built.size]
    new, old = found.draw(kept.draws, 7)[: built.size][shown], kept.parameters[shown]
    assert agree(new, old)
    moved = old.copy()
    moved[3] += 0.6 * old[3].std()
    assert not agree(new, moved), "one parameter of all that is elsewhere would be seen"
    assert not agree(new, old.mean(axis=1, keepdims=True) + 1.4 * (old - old.mean(axis=1, keepdims=True)))
