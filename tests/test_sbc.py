"""Calibration of made-up figures: what is true is found again, and the check finds what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import optimize, stats

import small_model
from acuerdo.inference import fit as fitting
from acuerdo.inference.centred import Centred, Guide, Slopes
from acuerdo.inference.fit import Fit, fit
from acuerdo.inference.observe import STUDENT_DF
from acuerdo.inference.problem import Problem
from acuerdo.inference.sampler import Plan
from acuerdo.inference.synthetic import DRAWS, Ranks, by_laplace, by_sampling, quantities, sbc, simulate_data

QUANTITIES = 8


@pytest.fixture(scope="module")
def problem() -> Problem:
    return small_model.make(24)


def ranks(rank: NDArray[np.int64]) -> Ranks:
    truth = np.random.default_rng(0).standard_normal(rank.shape)
    return Ranks([str(i) for i in range(rank.shape[1])], truth, rank, truth, np.zeros(rank.shape))


# --- made-up figures --------------------------------------------------------------------------------------------------


def test_made_up_figures_have_the_noise_of_the_observation_model(problem: Problem) -> None:
    truth = np.random.default_rng(0).standard_normal(problem.size)
    residuals = []
    for seed in range(20):
        made = simulate_data(problem, truth, seed)
        residual, _ = made.compare(truth[:, None])
        residuals.append(np.asarray(residual)[:, 0])
    assert stats.kstest(np.concatenate(residuals), stats.t(STUDENT_DF).cdf).pvalue > 0.001


def test_made_up_figures_keep_rows_and_months_and_come_back_with_their_seed(problem: Problem) -> None:
    truth = np.zeros(problem.size)
    one, two, other = (simulate_data(problem, truth, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.data.value, two.data.value)
    assert not np.array_equal(one.data.value, other.data.value)
    assert one.data.labels == problem.data.labels
    assert one.size == problem.size
    assert (problem.data.value == 1000).all(), "the problem given stays as it is"


def test_places_with_calm_and_with_restless_arrivals_get_spreads_of_their_own() -> None:
    problem = small_model.make(60, ("calm", "restless"))
    spread = problem.built.transforms["pressure_sd"]
    at = problem.built.slices["pressure_sd"]
    true = np.random.default_rng(0).standard_normal(problem.size)
    true[at] = -1.5, 2.0
    found = fit(simulate_data(problem, true, 1))
    calm, restless = np.asarray(spread(found.mode[at, None]))[:, 0]
    assert found.converged
    assert restless > 1.3 * calm
    assert abs(np.log(restless / np.asarray(spread(true[at, None]))[1, 0])) < 0.35


# --- the check itself -------------------------------------------------------------------------------------------------


def test_ranks_among_draws_of_the_prior_are_uniform(problem: Problem) -> None:
    """An inference that has seen nothing answers with the prior: right on average, and nothing is recovered."""
    found = sbc(problem, lambda p, seed: np.random.default_rng(seed).standard_normal((p.size, DRAWS)), fits=100)
    assert found.rank.shape == (100, QUANTITIES)
    assert found.failing() == []
    assert abs(found.inside(0.9).mean() - 0.9) < 0.04
    assert abs(found.inside(0.5).mean() - 0.5) < 0.06
    assert (found.recovered() < 0.2).all()
    assert found.rank.min() >= 0
    assert found.rank.max() <= DRAWS


@pytest.mark.parametrize(("scale", "shift"), [(0.5, 0.0), (2.0, 0.0), (1.0, 0.7)], ids=["narrow", "wide", "shifted"])
def test_intervals_that_are_wrong_are_found(problem: Problem, scale: float, shift: float) -> None:
    found = sbc(
        problem, lambda p, seed: shift + scale * np.random.default_rng(seed).standard_normal((p.size, DRAWS)), fits=100
    )
    assert set(found.failing()) == set(found.names) == set(quantities(problem))


def test_uniform_ranks_rarely_fail_and_few_fits_are_not_judged() -> None:
    rng = np.random.default_rng(3)
    failing = sum(bool(ranks(rng.integers(0, DRAWS + 1, (60, 6))).failing(0.05)) for _ in range(60))
    assert failing <= 9  # 3 are expected of 60 at 5 %; more than 9 has a chance below 0.001
    assert ranks(np.zeros((9, 3), dtype=np.int64)).failing() == []


def test_coverage_counts_the_central_ranks() -> None:
    every = ranks(np.arange(DRAWS + 1)[:, None])
    assert every.inside(0.9)[0] == pytest.approx(0.9)
    assert every.inside(0.5)[0] == pytest.approx(0.5)
    assert every.p_values()[0] == pytest.approx(1.0)


def test_a_fit_that_fails_is_counted(problem: Problem) -> None:
    calls: list[int] = []

    def infer(p: Problem, seed: int) -> NDArray[np.float64]:
        calls.append(seed)
        if len(calls) == 2:
            raise np.linalg.LinAlgError
        return np.zeros((p.size, DRAWS))

    found = sbc(problem, infer, fits=4)
    assert (found.failed, len(found.rank), len(set(calls))) == (1, 3, 4)


def test_a_run_that_was_stopped_goes_on(problem: Problem, tmp_path: Path) -> None:
    def infer(p: Problem, seed: int) -> NDArray[np.float64]:
        return np.random.default_rng(seed).standard_normal((p.size, DRAWS))

    def stop(done: int, total: int, inside: float) -> None:
        assert 0 <= inside <= 1
        if done == 2:
            raise KeyboardInterrupt

    path, done = tmp_path / "sbc.json", []
    with pytest.raises(KeyboardInterrupt):
        sbc(problem, infer, 4, path=path, key="a", progress=stop)
    found = sbc(problem, infer, 4, path=path, key="a", progress=lambda at, total, inside: done.append(at))
    assert done == [3, 4]
    np.testing.assert_array_equal(found.rank, sbc(problem, infer, 4).rank)
    done.clear()
    sbc(problem, infer, 4, path=path, key="another", progress=lambda at, total, inside: done.append(at))
    assert done == [1, 2, 3, 4]


# --- the sampler's coordinates ----------------------------------------------------------------------------------------


TOLD, UNTOLD = 1.3, 1.01  # of figures that leave 0.59 or 0.98 of each variance


def at_zero(problem: Problem, factor: float = TOLD) -> Centred:
    """Sampler's coordinates about the prior medians, with a curvature of factor ** 2 there."""
    active = np.ones(problem.size, dtype=bool)
    return Centred(problem, Fit(np.zeros(problem.size), active, factor * np.eye(problem.size), np.zeros(0), [], True))


@pytest.mark.parametrize(("follows", "factor"), [(None, TOLD), ("arrivals", TOLD), ("served", TOLD), (None, UNTOLD)])
@pytest.mark.parametrize("places", [(), ("north", "south")])
def test_the_density_in_the_samplers_coordinates_is_that_of_the_problem(
    places: tuple[str, ...], follows: str | None, factor: float
) -> None:
    """Density of values = density of shocks times the Jacobian, which is measured here by finite differences.

    It is so for whatever variable a latent series follows: one that it moves, and one that hangs on the past alone; and
    for a series that figures leave untold.
    """
    problem = small_model.make(24, places, follows)
    rng = np.random.default_rng(0)
    made = simulate_data(problem, rng.standard_normal(problem.size), 1)
    centred = at_zero(made, factor)
    assert centred.untold == ({"pressure"} if factor == UNTOLD else set())

    def of_problem(z: NDArray[np.float64]) -> float:
        residual, log_width = (np.asarray(part)[:, 0] for part in made.compare(z[:, None]))
        likelihood = -0.5 * (STUDENT_DF + 1) * np.log1p(residual**2 / STUDENT_DF) - log_width
        return float(likelihood.sum() - 0.5 * (z**2).sum())

    differences = []
    for _ in range(3):
        x, h = 0.5 * rng.standard_normal(problem.size), 1e-5
        moved = x[:, None] + h * np.eye(problem.size)
        back = x[:, None] - h * np.eye(problem.size)
        jacobian = (centred.to_problem(moved) - centred.to_problem(back)) / (2 * h)
        there = of_problem(centred.to_problem(x[:, None])[:, 0]) + np.linalg.slogdet(jacobian)[1]
        differences.append(float(centred.log_density(jnp.asarray(x))) - there)
    np.testing.assert_allclose(differences, differences[0], atol=2e-3)  # single precision


def test_a_series_that_figures_leave_untold_keeps_its_shocks_for_unknowns() -> None:
    problem = small_model.make(24, ("north", "south"))
    x = np.random.default_rng(0).standard_normal((problem.size, 3))
    centred = at_zero(problem, UNTOLD)
    np.testing.assert_array_equal(centred.to_problem(x), x)
    np.testing.assert_array_equal(centred.from_problem(x), x)
    assert not at_zero(small_model.make(24, follows="arrivals"), UNTOLD).untold, "what it follows is its coordinate"


def test_a_series_that_follows_a_variable_leaves_it_in_place_when_a_parameter_moves() -> None:
    problem = small_model.make(24, follows="arrivals")
    centred = at_zero(problem)
    x = np.random.default_rng(0).standard_normal(problem.size)
    x[problem.built.slices["pressure_sd"]] = 0.0  # at the usual spread; at others values lean on the parameter
    moved = x.copy()
    moved[problem.built.slices["usual_arrivals"]] += 1.0
    (paths, before), (moved_paths, after) = (centred.run(jnp.asarray(one)[:, None]) for one in (x, moved))
    np.testing.assert_allclose(after["arrivals"], before["arrivals"])
    step = problem.built.transforms["usual_arrivals"].linked(jnp.asarray([x[0], moved[0]]))
    np.testing.assert_allclose(moved_paths["pressure"], paths["pressure"] - float(step[1] - step[0]), atol=1e-9)


def test_the_spread_comes_from_the_expected_curvature(problem: Problem) -> None:
    """Information is what the curvature of minus the log density is on average over figures and latent series.

    That about spreads, and parts carried on, has tests of its own.
    """
    rng = np.random.default_rng(0)
    head, sums, informed = 0.3 * rng.standard_normal(problem.head), [], []
    centred = at_zero(simulate_data(problem, np.zeros(problem.size), 0))

    @jax.jit
    def curvature_at(x: jax.Array, values: jax.Array) -> jax.Array:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(centred, "problem", replace(problem, data=replace(problem.data, value=values)))
            return -jax.hessian(centred.log_density)(x)

    for seed in range(60):
        z = np.concatenate([head, rng.standard_normal(problem.size - problem.head)])
        x = centred.from_problem(z[:, None])
        np.testing.assert_allclose(centred.to_problem(x)[:, 0], z, atol=1e-9)
        values = simulate_data(problem, z, seed).data.value
        sums.append(np.asarray(curvature_at(jnp.asarray(x[:, 0]), jnp.asarray(values))))
        if seed < 10:
            spread = centred.spread(x)
            informed.append(np.linalg.inv(spread @ spread.T))
    sd = problem.built.slices["pressure_sd"]
    here = np.setdiff1d(np.arange(problem.size), np.r_[sd, problem.built.size : problem.head])
    sums, informed = (np.array(of)[:, here][:, :, here] for of in (sums, informed))
    curvature, information = sums.mean(axis=0), informed.mean(axis=0)
    scale = np.sqrt(np.outer(np.diag(information), np.diag(information)))
    error = sums.std(axis=0) / np.sqrt(len(sums)) + informed.std(axis=0) / np.sqrt(len(informed))
    assert (np.abs(curvature - information) <= 5 * error + 0.03 * scale).all()
    assert (error < 0.5 * scale).all(), "enough figures to tell"


def test_the_spread_of_places_that_differ_is_between_the_means(monkeypatch: pytest.MonkeyPatch) -> None:
    """Known answer: of informations that share their axes, each axis has sqrt(mean of 1 / a / mean of a)."""
    problem = small_model.make(24)
    size = problem.size
    centred = at_zero(problem)
    there = np.array([1.0, 100.0])
    turned = np.linalg.qr(np.random.default_rng(0).standard_normal((size, size)))[0]
    nothing = np.zeros((1, size))

    def slopes(point: NDArray[np.float64], _: Guide) -> Slopes:
        told = np.full(size, there[int(point[0])])
        return Slopes(nothing, nothing, nothing, nothing, np.sqrt(told)[:, None] * turned.T, nothing)

    monkeypatch.setattr(centred, "_slopes", slopes)
    monkeypatch.setattr(problem, "spreads", np.arange(0))
    monkeypatch.setattr(centred, "_of_widths", np.arange(0))
    monkeypatch.setattr(centred, "_own_slopes", lambda _: np.zeros(0))
    monkeypatch.setattr(centred, "guide", centred.guide._replace(told=np.zeros((0, 0))))
    monkeypatch.setattr(problem, "head", 0)
    spread = centred.spread(np.array([[0.0, 1.0]] * size))
    expected = np.sqrt((1 / there).mean() / there.mean())
    np.testing.assert_allclose(spread @ spread.T, expected * np.eye(size), atol=1e-9)


def test_values_hang_on_spreads_as_those_of_a_normal_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Known answer: values x each of which has a figure, noise of width s about it, and a shock x / t of its own.

    With w = (1 / s) ** 2 / ((1 / s) ** 2 + (1 / t) ** 2), where the information of a figure counts `share` times: when
    log s rises, the uncertainty of x rises w times as fast and x moves by -2 w times what its figure is off, near zero;
    log t does the opposite with 1 - w, pattern by pattern. What figures say about log s in spite of x is
    2 (1 - w) ** 2 each.
    """
    problem = small_model.make(24)
    centred, head, size = at_zero(problem), problem.head, problem.size
    s, t, off = 0.6, 0.9, 1e-3 * np.random.default_rng(0).standard_normal(24)
    noise, sd = problem.built.size, problem.built.slices["pressure_sd"].start
    own = centred._own_slopes(np.zeros(size))
    figure, wide, month, width = np.zeros((4, 24, size))
    figure[:, head:], month[:, head:] = -np.eye(24) / s, np.eye(24) / t
    wide[:, noise], width[:, sd] = own[0], own[2]
    shock = off / s**2 * t  # so that x is at its most probable value
    shape = (STUDENT_DF + 1) / STUDENT_DF
    monkeypatch.setattr(centred, "_slopes", lambda *_: Slopes(off / s, figure, wide, shock, month, width))
    told = centred._guide()
    share, about = (STUDENT_DF + 1) / (STUDENT_DF + 3), STUDENT_DF / (STUDENT_DF + 3)
    w = share / s**2 / (share / s**2 + 1 / t**2)
    variance = 1 / (share / s**2 + 1 / t**2)
    np.testing.assert_allclose(told.stretch[:, [0, 1, 2]], np.tile([w, 0, 0], (24, 1)), atol=1e-12)
    np.testing.assert_allclose(told.shift[:, 0], -2 * shape * variance / s**2 * off, rtol=1e-5)
    np.testing.assert_array_equal(told.shift[:, 2], 0.0)
    moves = told.patterns.moves(jnp.full((1, 1), 1e-5), jnp.zeros((head, 1)))
    np.testing.assert_allclose(moves.log_longer, 1e-5 * (1 - w), rtol=1e-4)
    np.testing.assert_allclose(moves.move(jnp.zeros((1, 24, 1)))[0, :, 0], 2e-5 * variance * shock / t, rtol=1e-4)
    both = np.sqrt(about) * w * (1 - w)
    expected = 48 * np.array([[about * (1 - w) ** 2, both], [both, w**2]])
    np.testing.assert_allclose(told.told[np.ix_([0, 2], [0, 2])], expected, rtol=1e-9)


@pytest.mark.parametrize("follows", [None, "arrivals"])
def test_values_stay_where_they_are_most_probable_when_a_spread_changes(follows: str | None) -> None:
    """Against a search for them on either side: they move by less than half as far as they would unguided."""
    blank = small_model.make(24, follows=follows)
    problem = simulate_data(blank, np.random.default_rng(1).standard_normal(blank.size), 2)
    centred, head = Centred(problem, fit(problem)), problem.head
    centre = centred.centre()

    def most_probable(unknown: int, by: float) -> NDArray[np.float64]:
        start = centre.copy()
        start[unknown] += by

        def down(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            x = jnp.concatenate([jnp.asarray(start[:head]), jnp.asarray(values)])
            value, slope = density(x)
            return -float(value), -np.asarray(slope)[head:]

        return np.asarray(optimize.minimize(down, start[head:], jac=True, method="BFGS").x)

    density = jax.jit(jax.value_and_grad(centred.log_density))
    for k, unknown in enumerate(problem.spreads):
        x = np.stack([centre, centre], axis=1)
        x[unknown] += [0.3, -0.3]
        shift, _, moves = centred._guided(jnp.asarray(x), centred.guide)
        guided = np.asarray(shift + moves.move(jnp.zeros((1, 24, 2)))[0])
        moved = most_probable(unknown, 0.3) - most_probable(unknown, -0.3)
        assert np.linalg.norm(moved) < 0.5 * np.linalg.norm(guided[:, 0] - guided[:, 1]), k


@pytest.mark.parametrize("start", [-1.5, 1.5])
def test_spreads_and_persistence_of_paths_known_in_part_are_the_most_probable_ones(
    monkeypatch: pytest.MonkeyPatch, start: float
) -> None:
    """Against the exact marginal posterior: paths of two places, each seen twice through normal noise."""
    for name, value in (("STUDENT_DF", 1e9), ("LOCATION", 1.0), ("SCALE", 2.0)):
        monkeypatch.setattr(fitting, name, value)
    months = 80
    problem = small_model.make(months, ("calm", "restless"))
    problem.data.before[:] = -1  # nothing is carried on
    built, place, head = problem.built, problem.shock_slices["pressure"], problem.head
    at_kept = built.slices["pressure_persistence"].start
    kept = built.transforms["pressure_persistence"]

    def moved(z_kept: float) -> NDArray[np.float64]:
        """The path that a shock of 1 in each month makes, (months, months)."""
        persistence, age = kept(np.float64(z_kept)).item(), np.subtract.outer(np.arange(months), np.arange(months))
        found: NDArray[np.float64] = np.tril(persistence ** np.abs(age))
        found[:, 0] /= np.sqrt(1 - persistence**2)
        return found

    def spreads(z: NDArray[np.float64]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = np.exp(np.asarray(problem.log_spreads(jnp.asarray(z)[:, None])))[:, 0]
        return found

    rng = np.random.default_rng(5)
    path = moved(0.5) @ rng.standard_normal((months, 2)) * [0.08, 0.2]
    seen = path[None] + np.array([0.05, 0.15])[:, None, None] * rng.standard_normal((2, months, 2))

    def minus_log_posterior(free: NDArray[np.float64]) -> float:
        z = np.zeros(problem.size)
        z[at_kept], z[problem.spreads] = free[0], free[1:]
        (one, two, *sds), eye, total = spreads(z), np.eye(months), 0.5 * free @ free
        for member, sd in enumerate(sds):
            own = sd**2 * moved(free[0]) @ moved(free[0]).T
            both = np.block([[own + one**2 * eye, own], [own, own + two**2 * eye]])
            total -= stats.multivariate_normal(np.zeros(2 * months), both).logpdf(seen[:, :, member].ravel())
        return float(total)

    found = optimize.minimize(minus_log_posterior, np.zeros(5), method="Nelder-Mead", options={"maxfev": 2000})
    active = np.ones(problem.size, dtype=bool)
    active[[at_kept, *problem.spreads]] = active[built.size : head] = False
    climber, held = fitting._Climber(problem, active), np.ones(problem.size)
    z = np.zeros(problem.size)
    z[problem.spreads] = start
    rows = [(k, m, t) for k in range(2) for m in range(2) for t in range(months)]
    for _ in range(25):
        here, ahead = spreads(z), moved(z[at_kept])
        slopes = np.zeros((len(rows), problem.size))
        for row, (k, m, t) in enumerate(rows):
            slopes[row, place.start + m : place.stop : 2] = here[2 + m] * ahead[t] / here[k]
        given = np.array([seen[k, t, m] / here[k] for k, m, t in rows])
        mean = slopes[:, active]
        z[active] = np.linalg.solve(mean.T @ mean + np.eye(mean.shape[1]), mean.T @ given)
        width = np.array([np.log(here[k]) for k, _, _ in rows])
        told = fitting._Slopes(given - mean @ z[active], width, mean.astype(np.float32), np.zeros_like(mean))
        change = fitting._set_spreads(problem, climber, z, told, held)
    assert change < 0.02
    np.testing.assert_allclose(z[[at_kept, *problem.spreads]], found.x, atol=0.04)  # persistence is set on a grid
    bend = [_bend(minus_log_posterior, found.x, i) for i in range(1, 5)]
    np.testing.assert_array_less(0.75 / np.sqrt(bend), held[problem.spreads])


def _bend(objective: Callable[[NDArray[np.float64]], float], at: NDArray[np.float64], i: int) -> float:
    """Return the second difference along an axis, over steps of 0.3."""
    step = 0.3 * np.eye(len(at))[i]
    return (objective(at + step) - 2 * objective(at) + objective(at - step)) / 0.09


# --- the whole pipeline -----------------------------------------------------------------------------------------------


def assert_calibrated(found: Ranks) -> None:
    assert found.failed == 0
    assert found.failing(0.001) == []
    assert 0.8 <= found.inside(0.9).mean() <= 0.98
    recovered = dict(zip(found.names, found.recovered(), strict=True))
    assert min(recovered["usual_arrivals"], recovered["service_rate"]) > 0.7, "two parameters that the figures tell"


@pytest.mark.slow
def test_known_parameters_are_found_again_by_the_quick_method(problem: Problem) -> None:
    assert_calibrated(sbc(problem, by_laplace, fits=15))


@pytest.mark.slow
def test_known_parameters_are_found_again_by_the_full_method(problem: Problem) -> None:
    assert_calibrated(sbc(problem, by_sampling(Plan(chains=2, warm_up=100, kept=160)), fits=15, seed=2))
