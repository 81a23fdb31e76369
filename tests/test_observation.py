"""The noise of figures: what is carried from month to month, in the fit and in projections."""

from __future__ import annotations

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from acuerdo.inference.observe import Observable, _chains, series_of
from acuerdo.inference.problem import Problem
from acuerdo.projection import Projector

A, B = ("a.series", "X"), ("a.series", "Y")


def test_figures_of_a_member_hang_together_by_month() -> None:
    """Two members, a gap of two months, and a yearly figure that belongs to no chain."""
    labels = [A, B, A, A, A, B]
    first = np.array([0, 0, 1, 3, 0, 2])
    last = np.array([0, 0, 1, 3, 11, 2])
    before, apart = _chains(labels, first, last)
    assert before.tolist() == [-1, -1, 0, 2, -1, 1]
    assert apart[[2, 3, 5]].tolist() == [1, 2, 2]


def problem(length: int) -> SimpleNamespace:
    before, apart = _chains([A] * length, np.arange(length), np.arange(length))
    return SimpleNamespace(data=SimpleNamespace(before=before, apart=apart, noise=np.zeros(length, dtype=int)))


@given(st.floats(0.0, 0.95), st.integers(2, 8), st.integers(0, 2**16))
@settings(max_examples=40, deadline=None)
def test_density_is_that_of_an_autoregression(carried: float, length: int, seed: int) -> None:
    """With normal noise, residuals and widths give the density of a stationary AR(1) with its full covariance."""
    gap = np.random.default_rng(seed).normal(size=length)
    width = np.full(length, 0.3)
    found = Problem.news(
        problem(length), jnp.asarray(gap)[:, None], jnp.asarray(width)[:, None], jnp.full((1, 1), carried)
    )  # type: ignore[arg-type]
    residual, log_width = (np.asarray(x)[:, 0] for x in found)
    ours = (-0.5 * residual**2 - log_width - 0.5 * np.log(2 * np.pi)).sum()
    lag = np.abs(np.subtract.outer(np.arange(length), np.arange(length)))
    exact = stats.multivariate_normal.logpdf(gap, cov=0.3**2 * carried**lag)
    assert ours == pytest.approx(exact, rel=1e-6, abs=1e-6)


def test_noise_of_a_projection_goes_on_from_the_last_gap() -> None:
    draws, months = 4000, 24
    posterior = SimpleNamespace(
        figures=[("a.series", "X", 1)],
        noises=["a.series"],
        carried=np.full((1, draws), 0.8),
        gap=np.full((1, draws), 3.0),
    )
    item = Observable(series="a.series", variable="x", member="X", noise=(0.1, 0.2, 0.3))
    fresh = np.random.default_rng(0).standard_normal((months, draws))
    noise = Projector._noise(SimpleNamespace(posterior=posterior), item, "X", fresh.copy())  # type: ignore[arg-type]
    # one month old at the start: the first month ahead is two months after the figure
    np.testing.assert_allclose(noise.mean(axis=1)[:3], 3.0 * 0.8 ** np.array([2, 3, 4]), atol=0.08)
    assert noise[-1].std() == pytest.approx(1.0, abs=0.05)
    other = Projector._noise(SimpleNamespace(posterior=posterior), item, "Y", fresh.copy())  # type: ignore[arg-type]
    np.testing.assert_array_equal(other, fresh)


def test_each_member_of_a_series_has_noise_of_its_own() -> None:
    members = Observable(series="a.series", variable="x", over="place", noise=(0.1, 0.2, 0.3))
    alone = Observable(series="b.series", variable="y", noise=(0.1, 0.2, 0.3))
    assert [members.noise_of(name) for name in ("X", "Y")] == ["a.series|X", "a.series|Y"]
    assert alone.noise_of("ALL") == "b.series"
    assert {series_of(members.noise_of("X")), series_of(alone.noise_of("ALL"))} == {"a.series", "b.series"}
