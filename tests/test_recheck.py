"""A full calibration checked by a short run: chains stay where nothing changed, and move where something did."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

import small_model
from acuerdo.engine.load import load_model
from acuerdo.errors import DataError
from acuerdo.figures.store import Figures
from acuerdo.inference import posterior as posteriors
from acuerdo.inference.centred import Centred
from acuerdo.inference.fit import fit
from acuerdo.inference.posterior import Posterior
from acuerdo.inference.problem import Problem, make_problem
from acuerdo.inference.recheck import SHORT, Recheck, recheck
from acuerdo.inference.sampler import Plan, sample
from acuerdo.inference.synthetic import simulate_data

CHAINS = 8
AGAIN = Plan(warm_up=20, kept=60, piece=20, seed=2)


@pytest.fixture(scope="module")
def problem() -> Problem:
    blank = small_model.make(24)
    return simulate_data(blank, np.random.default_rng(3).standard_normal(blank.size), 4)


@pytest.fixture(scope="module")
def found(problem: Problem) -> Posterior:
    """A full calibration, with what a check needs of it."""
    centred = Centred(problem, fit(problem))
    centre = centred.centre()
    plan = Plan(chains=CHAINS, warm_up=100, kept=300)
    chains = sample(centred.log_density, centre, centred.spread(centre[:, None]), plan)
    z = centred.to_problem(chains.values.reshape(-1, problem.size).T)
    nothing, draws = np.zeros((0, z.shape[1])), jnp.asarray(z)
    noise, carried = np.asarray(problem.noise_sd(draws)), np.asarray(problem.carried_part(draws))
    parts = (noise, carried, problem.data.noises, nothing, [], {}, {}, {}, {}, centre, {})
    ends = centred.to_problem(chains.values[:, -1].T)
    return Posterior(date(2021, 12, 31), pd.Period("2021-12", "M"), z[: problem.built.size], *parts, ends)


def test_chains_stay_where_nothing_has_changed(problem: Problem, found: Posterior) -> None:
    told = recheck(problem, fit(problem), found, AGAIN)
    assert told.agrees, told
    assert told.names == [name for name, _ in problem.built.labels()] + problem.data.noises


def test_chains_move_where_the_figures_are_others(problem: Problem, found: Posterior) -> None:
    data = replace(problem.data, value=1.5 * problem.data.value)
    other = replace(problem, data=data)
    told = recheck(other, fit(other), found, AGAIN)
    assert not told.agrees
    assert told.widest[0] == "usual_arrivals"
    assert told.widest[1] > 0, "half as many again arrive"


def test_a_quick_calibration_has_no_chains_to_go_on_with(problem: Problem, found: Posterior) -> None:
    with pytest.raises(DataError, match="no chains"):
        recheck(problem, fit(problem), replace(found, ends=np.empty((0, 0))), AGAIN)


def test_other_unknowns_are_told(found: Posterior) -> None:
    other = small_model.make(36)
    with pytest.raises(DataError, match=f"{found.ends.shape[0]} unknowns, the calibration {other.size}"):
        recheck(other, fit(other), found, AGAIN)


@pytest.mark.parametrize(
    ("gaps", "agrees"),
    [(np.linspace(-2, 2, 100), True), (np.full(100, 2.5), False), (np.r_[np.zeros(99), -12.0], False)],
    ids=["chance", "many", "one far away"],
)
def test_gaps_that_chance_does_not_allow_are_told(gaps: np.ndarray, agrees: bool) -> None:
    assert Recheck([str(i) for i in range(100)], gaps, 16).agrees is agrees


@pytest.mark.slow
@pytest.mark.longest
def test_the_packaged_calibration_is_found_again_by_a_short_run() -> None:
    built = load_model("us_mexico")
    figures = Figures.open(built.corridor)
    packaged = posteriors.saved(built, figures, None)
    assert packaged is not None, "no packaged posterior of this model and these figures: run `make posterior`"
    problem = make_problem(built, figures, None)
    told = recheck(problem, posteriors.search(problem, None), packaged, SHORT)
    assert told.agrees, f"{told.beyond:.0%} beyond, widest {told.widest}: run `make posterior`"


def test_what_is_reported_has_a_name_each(problem: Problem) -> None:
    z = np.random.default_rng(0).standard_normal((problem.size, 3))
    names, values = posteriors._reported(problem, z)
    assert values.shape == (3, len(names))
    assert len(set(names)) == len(names)
    end, outputs, _ = problem.simulate(jnp.asarray(z), ("arrivals",))
    np.testing.assert_allclose(values[:, names.index("waiting")], end["waiting"])
    np.testing.assert_allclose(values[:, names.index(f"arrivals {problem.months[-2]}")], outputs["arrivals"][-2])
