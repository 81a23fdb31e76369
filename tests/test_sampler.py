"""The sampler: known posteriors recovered, runs that survive a kill, and trouble that is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import arviz as az
import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import pytest
from scipy import linalg, optimize, special

from acuerdo.inference import posterior, sampler
from acuerdo.inference.posterior import diagnose
from acuerdo.inference.sampler import Chains, Plan, _one_step, _varied, remove_checkpoints, sample

Floats = npt.NDArray[np.float64]


def gaussian(size: int, seed: int = 0) -> tuple[Callable[[jax.Array], jax.Array], Floats, Floats]:
    """A normal density with correlations and scales from 0.01 to 100: density, mean and covariance."""
    rng = np.random.default_rng(seed)
    mixed = rng.standard_normal((size, size)) / np.sqrt(size) + np.eye(size)
    factor = np.diag(10.0 ** np.linspace(-2, 2, size)) @ mixed
    mean, covariance = rng.standard_normal(size), factor @ factor.T
    precision = jnp.asarray(np.linalg.inv(covariance))

    def log_density(x: jax.Array) -> jax.Array:
        return -0.5 * (x - mean) @ precision @ (x - mean)

    return log_density, mean, covariance


def laplace(log_density: Callable[[jax.Array], jax.Array], start: Floats) -> tuple[Floats, Floats]:
    """Return the top of a density and a factor of the inverse of its curvature there."""
    minus = jax.jit(lambda x: -log_density(x))
    found = optimize.minimize(minus, start, jac=jax.jit(jax.grad(minus)), method="BFGS")
    curvature = np.asarray(jax.hessian(minus)(jnp.asarray(found.x)))
    lower = linalg.cholesky(curvature, lower=True)
    return np.asarray(found.x), linalg.solve_triangular(lower, np.eye(len(lower)), lower=True).T


def assert_means(values: Floats, reference: dict[str, float], within: float = 0.01) -> None:
    """Means of chains (chains, draws, quantities) agree with a reference within 4 standard errors and a share."""
    data = az.convert_to_dataset({"x": values})
    error = az.mcse(data)["x"].values
    assert float(az.rhat(data)["x"].max()) <= 1.01
    for i, (name, mean) in enumerate(reference.items()):
        gap = abs(values[..., i].mean() - mean)
        assert gap <= 4 * error[i] + within * abs(mean), f"{name}: {values[..., i].mean():.5g}, reference {mean:.5g}"


# --- known posteriors -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [None, 4])
def test_a_correlated_normal_of_fifty_unknowns_is_recovered(steps: int | None) -> None:
    log_density, mean, covariance = gaussian(50)
    # what whitens is a guess: off centre, and of the covariance of a thinned sample
    rng = np.random.default_rng(1)
    seen = rng.multivariate_normal(mean, covariance, 500)
    spread = linalg.cholesky(np.cov(seen.T), lower=True)
    chains = sample(log_density, seen.mean(axis=0), spread, Plan(chains=4, warm_up=200, kept=500, steps=steps))
    assert steps is None or (chains.steps == steps).all()
    told = diagnose(chains)
    assert told["divergences"] == 0
    assert told["worst_r_hat"] < 1.02
    assert told["least_ess_bulk"] > 400
    flat = chains.values.reshape(-1, 50)
    scale = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose((flat.mean(axis=0) - mean) / scale, 0.0, atol=0.12)
    whitened = linalg.solve_triangular(linalg.cholesky(covariance, lower=True), (flat - mean).T, lower=True)
    np.testing.assert_allclose(np.cov(whitened), np.eye(50), atol=0.25)


def test_rounds_mend_a_spread_that_is_far_off() -> None:
    """Directions a hundred times too narrow or too wide: rounds find them, and steps become few."""
    log_density, mean, covariance = gaussian(30, seed=4)
    factor = linalg.cholesky(covariance, lower=True)
    wrong = factor @ np.diag(10.0 ** np.linspace(-1, 1, 30))
    plain, rounds = (
        sample(log_density, mean, wrong, Plan(chains=6, warm_up=60, kept=200, rounds=number), respread=respread)
        for number, respread in ((0, None), (3, lambda points: factor @ np.diag(np.linspace(0.2, 1, 30))))
    )
    assert rounds.steps.mean() < 0.5 * plain.steps.mean()
    told = diagnose(rounds)
    assert (told["divergences"], told["worst_r_hat"] < 1.03) == (0, True)
    flat = rounds.values.reshape(-1, 30)
    np.testing.assert_allclose(flat.std(axis=0) / np.sqrt(np.diag(covariance)), 1.0, atol=0.2)
    np.testing.assert_allclose((flat.mean(axis=0) - mean) / np.sqrt(np.diag(covariance)), 0.0, atol=0.15)


def test_the_density_is_compiled_once_however_long_the_run(caplog: pytest.LogCaptureFixture) -> None:
    plan = Plan(chains=2, warm_up=4, kept=4, piece=2, steps=3, rounds=1)
    with jax.log_compiles():
        sample(gaussian(3)[0], np.zeros(3), np.eye(3), plan, respread=lambda points: np.eye(3))
    assert sum("Finished XLA compilation of jit(piece)" in line for line in caplog.messages) == 1


@pytest.mark.parametrize("k", [10.0, 40.0])
def test_the_step_is_the_one_at_which_the_share_wanted_is_accepted(k: float) -> None:
    """Known answer: shares of erfc(k step ** 2) and luck, at steps that chains tried while they tuned."""
    rng = np.random.default_rng(0)
    step = np.exp(rng.normal(np.log(0.1), 0.4, (400, 4)))
    step[:200] *= 5.0  # before it settles
    accepted = rng.beta(*(4 * np.array([share := special.erfc(k * step**2), 1 - share]) + 1e-6))
    found = [(np.zeros(0),) * 4 + (accepted[part], step[part]) for part in (slice(150), slice(150, 400))]
    state = SimpleNamespace(adapt_state=_Tuned(jnp.ones(4)))
    state._replace = lambda adapt_state: adapt_state
    given = _one_step(state, found, 0.7).step_size
    np.testing.assert_allclose(given, np.sqrt(special.erfcinv(0.7) / k), rtol=0.05)


@pytest.mark.parametrize("iteration", [0, 10])
def test_once_the_step_is_set_one_path_in_sixteen_is_of_much_smaller_steps(iteration: int) -> None:
    count, taken = 4000, []

    def sample_one(state: _Chain, *_: object) -> _Chain:
        taken.append(np.asarray(state.adapt_state.step_size))
        return state

    keys = jax.random.split(jax.random.PRNGKey(0), count)
    start = _Chain(jnp.full(count, iteration), keys, _Tuned(jnp.full(count, 0.5)))
    kernel: Any = SimpleNamespace(sample=sample_one)
    after = _varied(kernel, start, warm_up=10)
    small = taken[0] < 0.8 * 0.5
    np.testing.assert_allclose(taken[0][small], 0.3 * 0.5, rtol=1e-6)
    assert (taken[0][~small] <= 1.2 * 0.5).all()
    assert small.mean() == (0 if iteration < 10 else pytest.approx(1 / 16, abs=0.015))
    if iteration >= 10:
        np.testing.assert_array_equal(after.adapt_state.step_size, 0.5)


def test_how_paths_set_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The momentum drawn again is the kernel's: of a standard normal each path is a sum of its start and momentum."""
    plan, real, every = Plan(chains=2, warm_up=20, kept=40, steps=4, seed=5), sampler._launches, np.ones((2, 40), bool)
    monkeypatch.setattr(sampler, "_launches", lambda key, found, _, plan: real(key, found, np.argwhere(every), plan))
    found = sample(lambda x: -0.5 * (x**2).sum(), np.zeros(6), np.ones(6), plan)
    assert len(found.launches) == every.size
    moved = 0
    for (chain, iteration), (slope, momentum) in found.launches.items():
        if not iteration:
            continue
        before, after = found.values[chain, iteration - 1], found.values[chain, iteration]
        np.testing.assert_allclose(slope, before, atol=1e-5)
        both = np.stack([before, momentum], axis=1)
        np.testing.assert_allclose(both @ np.linalg.lstsq(both, after)[0], after, atol=1e-5)
        moved += not np.array_equal(before, after)
    assert moved > 40


def test_paths_that_do_not_diverge_have_no_launch(whole: Chains) -> None:
    assert not whole.diverging.any()
    assert whole.launches == {}


def test_one_step_for_all_chains_after_the_warm_up(whole: Chains) -> None:
    assert np.ptp(whole.step_size) == 0
    for warm_up in (0, 30):
        with pytest.raises(ValueError, match="one piece or more, whole"):
            sample(gaussian(2)[0], np.zeros(2), np.ones(2), Plan(warm_up=warm_up, piece=20))
    with pytest.raises(ValueError, match="rounds"):
        sample(gaussian(2)[0], np.zeros(2), np.ones(2), Plan(rounds=1))


@pytest.mark.parametrize("whole_factor", [True, False])
def test_chains_start_where_they_are_told_to(whole_factor: bool) -> None:
    log_density, mean, covariance = gaussian(4)
    spread = linalg.cholesky(covariance, lower=True) if whole_factor else np.sqrt(np.diag(covariance))
    far = mean[:, None] + 30 * np.sqrt(np.diag(covariance))[:, None] * np.array([1.0, -1.0])
    plan = Plan(chains=2, warm_up=1, kept=1, piece=1, deepest=1)
    chains = sample(lambda x: 1e-9 * log_density(x), mean, 1e-4 * spread, plan, start=far)  # flat: nothing moves far
    np.testing.assert_allclose(chains.values[:, 0].T, far, rtol=1e-3)
    with pytest.raises(ValueError, match="one point for each chain"):
        sample(log_density, mean, spread, plan, start=far[:, :1])


def test_scales_alone_whiten_what_is_not_correlated() -> None:
    sd = jnp.asarray([0.01, 1.0, 100.0])
    chains = sample(
        lambda x: -0.5 * ((x / sd) ** 2).sum(), np.zeros(3), np.asarray(sd), Plan(chains=2, warm_up=100, kept=2000)
    )
    np.testing.assert_allclose(chains.values.std(axis=(0, 1)) / sd, 1.0, atol=0.1)


class _Chain(NamedTuple):
    i: jax.Array
    rng_key: jax.Array
    adapt_state: _Tuned


class _Tuned(NamedTuple):
    step_size: jax.Array


SCHOOLS = np.array([28, 8, -3, 7, -1, 1, 18, 12.0]), np.array([15, 10, 16, 11, 9, 11, 10, 18.0])


def schools(x: jax.Array) -> jax.Array:
    """Eight schools, not centred (Rubin 1981; as in posteriordb): mean, log of the spread, standardised effects."""
    mu, log_tau, eta = x[0], x[1], x[2:]
    effect, error = SCHOOLS
    tau = jnp.exp(log_tau)
    likelihood = -0.5 * (((effect - mu - tau * eta) / error) ** 2).sum()
    return likelihood - 0.5 * (mu / 5) ** 2 - jnp.log1p((tau / 5) ** 2) + log_tau - 0.5 * (eta**2).sum()


def test_eight_schools_agree_with_posteriordb() -> None:
    centre, spread = laplace(schools, np.zeros(10))
    chains = sample(schools, centre, spread, Plan(chains=4, warm_up=500, kept=2500, accept=0.9))
    shown = chains.values[..., :2].copy()
    shown[..., 1] = np.exp(shown[..., 1])
    assert_means(shown, {"mu": 4.4105, "tau": 3.6021})


# Pelts taken in by the Hudson's Bay Company, thousands, 1900 to 1920: snowshoe hare and Canadian lynx. Figures of
# Hewitt (1921), as tabulated by Howard (2009) and used in Carpenter's case study of Stan (2018) and in posteriordb.
HARE = [
    30, 47.2, 70.2, 77.4, 36.3, 20.6, 18.1, 21.4, 22, 25.4, 27.1, 40.3, 57, 76.6, 52.3, 19.5, 11.2, 7.6, 14.6, 16.2,
    24.7,
]  # fmt: skip
LYNX = [
    4, 6.1, 9.8, 35.2, 59.4, 41.7, 19, 13, 8.3, 9.1, 7.4, 8, 12.3, 19.5, 45.7, 51.1, 29.7, 15.8, 9.7, 10.1, 8.6,
]  # fmt: skip
PELTS = np.log(np.column_stack([HARE, LYNX]))
STEPS = 10  # Runge-Kutta steps a year


def lotka_volterra(x: jax.Array) -> jax.Array:
    """Log density of the logarithms of the rates (4), the numbers at the start (2) and the spreads (2)."""
    theta, start, sigma = jnp.exp(x[:4]), x[4:6], jnp.exp(x[6:])

    def change(log_number: jax.Array) -> jax.Array:
        hare, lynx = jnp.exp(log_number)
        return jnp.stack([theta[0] - theta[1] * lynx, -theta[2] + theta[3] * hare])

    def step(now: jax.Array, _: None) -> tuple[jax.Array, None]:
        h = 1 / STEPS
        k1 = change(now)
        k2 = change(now + h / 2 * k1)
        k3 = change(now + h / 2 * k2)
        k4 = change(now + h * k3)
        return now + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4), None

    def year(now: jax.Array, _: None) -> tuple[jax.Array, jax.Array]:
        after, _ = jax.lax.scan(step, now, None, length=STEPS)
        return after, after

    _, later = jax.lax.scan(year, start, None, length=len(PELTS) - 1)
    path = jnp.concatenate([start[None], later])
    likelihood = -0.5 * (((PELTS - path) / sigma) ** 2).sum() - len(PELTS) * x[6:].sum()
    of_rates = -0.5 * (((theta - jnp.array([1, 0.05, 1, 0.05])) / jnp.array([0.5, 0.05, 0.5, 0.05])) ** 2).sum()
    of_start = -0.5 * ((start - np.log(10)) ** 2).sum()
    of_spreads = -0.5 * ((x[6:] + 1) ** 2).sum()
    total = likelihood + of_rates + x[:4].sum() + of_start + of_spreads
    return jnp.where(jnp.isfinite(total), total, -jnp.inf)


@pytest.mark.slow
@pytest.mark.parametrize("steps", [None, 4])
def test_lotka_volterra_agrees_with_posteriordb(steps: int | None) -> None:
    start = np.log([0.5, 0.03, 0.8, 0.03, 30, 5, 0.3, 0.3])
    centre, spread = laplace(lotka_volterra, start)
    chains = sample(lotka_volterra, centre, spread, Plan(chains=4, warm_up=200, kept=800, steps=steps))
    told = diagnose(chains)
    assert told["divergences"] == 0
    assert told["least_ess_bulk"] > 400
    reference = {
        "theta[1]": 0.54686,
        "theta[2]": 0.027747,
        "theta[3]": 0.80010,
        "theta[4]": 0.024086,
        "z_init[1]": 34.035,
        "z_init[2]": 5.9359,
        "sigma[1]": 0.24806,
        "sigma[2]": 0.25102,
    }
    assert_means(np.exp(chains.values), reference)


# --- trouble is told --------------------------------------------------------------------------------------------------


def test_what_rounding_alone_moves_is_not_judged() -> None:
    rng = np.random.default_rng(0)
    values = np.stack([rng.standard_normal((4, 200)), 7.0 + 1e-15 * rng.integers(-1, 2, (4, 200))], axis=2)
    assert list(posterior._mixing(values).index) == [0]


def test_a_funnel_is_not_called_sound() -> None:
    """Neal's funnel, whose neck no single step size fits: divergences, or chains that do not agree."""

    def funnel(x: jax.Array) -> jax.Array:
        return -0.5 * (x[0] / 3) ** 2 - 0.5 * (x[1:] ** 2).sum() * jnp.exp(-x[0]) - 0.5 * (len(x) - 1) * x[0]

    chains = sample(funnel, np.zeros(10), np.ones(10), Plan(chains=4, warm_up=200, kept=300))
    told = diagnose(chains)
    assert told["divergences"] > 0 or told["worst_r_hat"] > 1.01 or told["least_ess_bulk"] < 400
    assert told["divergences"] == chains.diverging.sum()


def test_chains_in_two_places_are_told() -> None:
    rng = np.random.default_rng(0)
    values = rng.standard_normal((4, 200, 3))
    values[0, :, 1] += 3.0
    none = np.zeros((4, 200), dtype=bool)
    steps = np.full((4, 200), 7)
    told = diagnose(Chains(values, none, steps, np.full((4, 200), 0.9), np.full(4, 0.5), np.ones(3)))
    assert told["worst_r_hat"] > 1.1
    assert told["least_ess_bulk"] < 50
    assert (told["divergences"], told["mean_steps"], told["mean_accepted"]) == (0, 7.0, pytest.approx(0.9))


def test_reported_quantities_are_judged_and_the_unknowns_told_beside_them() -> None:
    rng = np.random.default_rng(0)
    values = rng.standard_normal((4, 200, 3))
    none, steps = np.zeros((4, 200), dtype=bool), np.full((4, 200), 7)
    chains = Chains(values, none, steps, np.full((4, 200), 0.9), np.full(4, 0.5), np.ones(3))
    apart = values.sum(axis=2, keepdims=True) + np.arange(4)[:, None, None]
    held = np.full_like(apart, 2.0)
    fine = rng.standard_normal((4, 200, 1)) * np.ones(1)
    told = diagnose(chains, np.concatenate([held, apart, fine], axis=2), ["held", "apart", "fine"])
    assert str(told["mixes_worst"]).startswith("apart (")
    assert str(told["fewest_draws"]).startswith("apart (")
    assert "held" not in str(told["mixes_worst"]) + str(told["fewest_draws"])
    assert told["within_bounds"] == pytest.approx(0.5)
    assert told["worst_r_hat"] > 1.1 > 1.03 > told["worst_r_hat_of_unknowns"]
    assert told["least_ess_bulk"] < 50 < 300 < told["least_ess_bulk_of_unknowns"]


@pytest.mark.parametrize(
    ("change", "sound"),
    [
        ({}, True),
        ({"worst_r_hat": 1.0101}, False),
        ({"worst_r_hat": float("nan")}, False),
        ({"least_ess_bulk": 399.0}, False),
        ({"least_ess_tail": 399.0}, False),
        ({"divergences": 1}, False),
    ],
)
def test_only_chains_that_agree_end_the_provisional_state(change: dict[str, float], sound: bool) -> None:
    told = {"worst_r_hat": 1.01, "least_ess_bulk": 400.0, "least_ess_tail": 400.0, "divergences": 0.0}
    assert posterior.sound({**told, **change}) is sound


# --- a run that is stopped goes on ------------------------------------------------------------------------------------

SHORT = Plan(chains=2, warm_up=40, kept=60, piece=20)
ROUNDS = replace(SHORT, rounds=2)


class StoppedError(Exception):
    pass


def stop_after(pieces: int) -> Callable[[int, int, float], None]:
    def progress(done: int, total: int, accepted: float) -> None:
        assert total == 100
        assert 0 <= accepted <= 1
        if done >= pieces * SHORT.piece:
            raise StoppedError

    return progress


def run(folder: Path | None = None, key: str = "one", seed: int = 0, **more: Any) -> Chains:
    log_density, mean, covariance = gaussian(5, seed)
    return sample(log_density, mean, linalg.cholesky(covariance, lower=True), SHORT, folder, key, **more)


@pytest.fixture(scope="module")
def whole() -> Chains:
    return run()


def assert_same(one: Chains, two: Chains) -> None:
    for name in ("values", "diverging", "steps", "accepted", "step_size"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)


@pytest.mark.parametrize("pieces", [1, 3])
def test_a_run_that_was_stopped_gives_the_same_draws(tmp_path: Path, whole: Chains, pieces: int) -> None:
    with pytest.raises(StoppedError):
        run(tmp_path, progress=stop_after(pieces))
    # a kill between two files: the state of a later piece is there, the word that it counts is not
    state = next(tmp_path.glob(f"state_0_{pieces - 1}.npz"))
    (tmp_path / f"state_0_{pieces}.npz").write_bytes(state.read_bytes())
    reported: list[int] = []
    again = run(tmp_path, progress=lambda done, total, accepted: reported.append(done))
    assert reported == [20 * (i + 1) for i in range(pieces, 5)], "pieces that were done are not done again"
    assert_same(again, whole)
    assert_same(run(tmp_path, progress=lambda *_: pytest.fail("all is done")), whole)
    remove_checkpoints(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kept", [20, 40, 80])
def test_a_run_that_was_stopped_can_end_with_fewer_draws_or_go_on_to_more(tmp_path: Path, kept: int) -> None:
    with pytest.raises(StoppedError):
        run(tmp_path, progress=stop_after(4))
    log_density, mean, covariance = gaussian(5)
    given = log_density, mean, linalg.cholesky(covariance, lower=True), replace(SHORT, kept=kept)
    assert_same(sample(*given, tmp_path, "one"), sample(*given))


@pytest.mark.parametrize("steps", [None, 4])
@pytest.mark.parametrize("pieces", [1, 2, 3, 6])
def test_a_run_that_was_stopped_in_a_round_or_after_gives_the_same_draws(
    tmp_path: Path, pieces: int, steps: int | None
) -> None:
    log_density, mean, covariance = gaussian(5)
    factor = linalg.cholesky(covariance, lower=True)

    def go(folder: Path | None, most: int = 99) -> Chains:
        calls: list[int] = []

        def progress(done: int, total: int, accepted: float) -> None:
            assert total == ROUNDS.total == 180
            calls.append(done)
            if len(calls) >= most:
                raise StoppedError

        plan = replace(ROUNDS, steps=steps)
        return sample(log_density, mean, 3 * factor, plan, folder, "one", progress, lambda points: factor)

    with pytest.raises(StoppedError):
        go(tmp_path, pieces)
    assert_same(go(tmp_path), go(None))


def test_checkpoints_of_something_else_are_not_used(tmp_path: Path) -> None:
    with pytest.raises(StoppedError):
        run(tmp_path, key="one", progress=stop_after(2))
    assert_same(run(tmp_path, key="two", seed=3), run(seed=3))


@pytest.mark.parametrize("content", ["", '{"pieces": 2}'])
def test_damaged_checkpoints_are_not_used(tmp_path: Path, whole: Chains, content: str) -> None:
    (tmp_path / "progress.json").write_text(content)
    assert_same(run(tmp_path), whole)


def test_another_seed_gives_other_chains(whole: Chains) -> None:
    log_density, mean, covariance = gaussian(5)
    other = sample(log_density, mean, linalg.cholesky(covariance, lower=True), Plan(**{**vars(SHORT), "seed": 2}))
    assert not np.array_equal(other.values, whole.values)
