"""Values of a path against the spread of their own shocks: known answers of a normal density."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from acuerdo.inference.patterns import FEW, Patterns, find, straight

MONTHS, UNKNOWNS = 12, 5


class Normal:
    """A path x with prior mean D u, shocks of precision `own` that counts q times, and figures y = x - E u of its own.

    Figures look at part of the months only, and together at some.
    """

    def __init__(self, seed: int, unknowns: int = UNKNOWNS) -> None:
        rng = np.random.default_rng(seed)
        kept = rng.uniform(0.5, 0.99)
        steps = np.eye(MONTHS) - kept * np.eye(MONTHS, k=-1)
        steps[0, 0] = np.sqrt(1 - kept**2)
        seen = rng.standard_normal((MONTHS // 2, MONTHS))
        self.own, self.figures = steps.T @ steps, seen.T @ seen * rng.uniform(0.01, 10)
        self.before, self.beside = rng.standard_normal((2, MONTHS, unknowns))
        self.y, self.at = rng.standard_normal(MONTHS), rng.standard_normal(unknowns)

    def about(self, q: float, off: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and covariance of the values for unknowns `off` from the usual ones."""
        unknowns = self.at + off
        covariance = np.linalg.inv(self.figures + q * self.own)
        pulled = self.figures @ (self.y + self.beside @ unknowns) + q * self.own @ self.before @ unknowns
        return covariance @ pulled, covariance

    def patterns(self, free: NDArray[np.float64] | None = None) -> Patterns:
        usual, covariance = self.about(1.0, 0 * self.at)
        by_prior = self.own @ self.before
        with_spread = 2 * covariance @ self.own @ (usual - self.before @ self.at)
        turned = covariance @ (self.figures @ self.beside + by_prior)
        told = (self.figures + self.own, self.own, turned, by_prior, with_spread)
        return find(*(part[None] for part in told), free=np.ones(len(self.at)) if free is None else free)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(-1.5, 1.5))
def test_values_of_a_normal_path_follow_its_spread_and_what_they_lean_on(seed: int, log_spread: float) -> None:
    """Those most probable at the usual spread become those most probable at another; so does the covariance."""
    normal = Normal(seed)
    off = np.random.default_rng(seed + 1).standard_normal(UNKNOWNS)
    usual, _ = normal.about(1.0, 0 * off)
    there, covariance = normal.about(1.0, off)
    expected, moved = normal.about(np.exp(-2 * log_spread), off)
    moves = normal.patterns().moves(jnp.full((1, 1), log_spread), jnp.asarray(off)[:, None])
    scale = np.sqrt(np.diag(moved))
    found = np.asarray(moves.move(jnp.asarray(there - usual)[None, :, None]))[0, :, 0]
    np.testing.assert_allclose(found / scale, (expected - usual) / scale, atol=1e-6)
    root = np.linalg.cholesky(covariance)
    wide = np.asarray(moves.move(jnp.asarray(root)[None]) - moves.move(jnp.zeros((1, MONTHS, 1))))[0]
    np.testing.assert_allclose(wide @ wide.T / np.outer(scale, scale), moved / np.outer(scale, scale), atol=1e-6)
    np.testing.assert_allclose(
        np.asarray(moves.log_longer).sum(), 0.5 * (np.linalg.slogdet(moved)[1] - np.linalg.slogdet(covariance)[1])
    )
    back = moves.undo(moves.move(jnp.asarray(root)[None]))[0]
    np.testing.assert_allclose(back, root, atol=1e-8)


def test_at_the_usual_spread_nothing_moves_whatever_the_unknowns_are() -> None:
    off = jnp.asarray(np.random.default_rng(0).standard_normal((UNKNOWNS, 3)))
    values = jnp.asarray(np.random.default_rng(1).standard_normal((1, MONTHS, 3)))
    for patterns in (Normal(2).patterns(), straight(1, MONTHS, UNKNOWNS)):
        np.testing.assert_allclose(patterns.moves(jnp.zeros((1, 3)), off).move(values), values, atol=1e-10)


@pytest.mark.parametrize("log_spread", [-2.0, 2.0])
def test_straight_patterns_heed_no_spread(log_spread: float) -> None:
    values = jnp.asarray(np.random.default_rng(1).standard_normal((2, MONTHS, 1)))
    moves = straight(2, MONTHS, UNKNOWNS).moves(jnp.full((2, 1), log_spread), jnp.ones((UNKNOWNS, 1)))
    np.testing.assert_allclose(moves.move(values), values, atol=1e-9)
    np.testing.assert_allclose(moves.log_longer, 0.0, atol=1e-9)


def test_of_many_unknowns_those_are_heeded_that_move_a_path_most() -> None:
    """One that hardly varies moves it little, however much the path leans on it."""
    count = FEW + 30
    normal, free = Normal(3, count), np.ones(count)
    normal.before[:, :20] *= 1e-3
    normal.beside[:, :20] *= 1e-3
    free[20:30] = 1e-8
    leans = normal.patterns(free).leans
    assert leans.shape == (1, FEW)
    assert set(leans[0]) == set(range(30, count))
    assert straight(1, MONTHS, count).leans.shape == leans.shape
