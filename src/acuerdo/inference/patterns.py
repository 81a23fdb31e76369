"""How values that hang together hang on the spread of their own shocks, whatever that is: pattern by pattern.

A path that lasts is hardly told month by month, and well told over years. Its values are a sum of patterns, the axes
that prior and figures have in common, so that coefficients are independent before the figures and after. Were all else
normal, one with the prior precision q = (usual spread / spread) ** 2 and the information `known` from the figures has
the variance 1 / (known + q), and its mean is what the figures pull plus q times what its prior pulls, times that
variance: where the spread is small it stays near what parameters say, where it is large, near the figures.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from scipy import linalg

from acuerdo.engine.run import Array

Floats = npt.NDArray[np.float64]
FEW = 48  # unknowns, of those that a path leans on, that are heeded: all would take 7 % more time
_ALL = 1e12  # information with which a spread changes nothing


class Moves(NamedTuple):
    """What given spreads and unknowns make of the coefficients of each path, (paths, months, draws).

    Attributes:
        basis: the patterns, by columns, (paths, months, months).
        back: coefficients for values, the inverse of `basis`, (paths, months, months).
        log_longer: logarithm of how many times longer a coefficient is than at the usual spread.
        further: how much further from the usual one it is.
    """

    basis: Array
    back: Array
    log_longer: Array
    further: Array

    def move(self, values: Array) -> Array:
        """Return values for those that they would be at the usual spread, all (paths, months, draws)."""
        return self.basis @ (jnp.exp(self.log_longer) * (self.back @ values) + self.further)

    def undo(self, values: Array) -> Array:
        """Return what `move` made these values of."""
        return self.basis @ ((self.back @ values - self.further) * jnp.exp(-self.log_longer))


class Patterns(NamedTuple):
    """Patterns of each path, what is known of their coefficients and what these lean on, near the usual point.

    Attributes:
        basis: the patterns, by columns, (paths, months, months).
        back: coefficients for values, the inverse of `basis`, (paths, months, months).
        known: information of the figures about each coefficient, in prior precisions, (paths, months).
        level: mean coefficients at the usual point, counted from those of the prior there, (paths, months).
        leans: which unknowns they lean on most, (paths, few).
        pull: how far the figures, and then the prior, pull when each of those rises by 1, (2, paths, months, few).
    """

    basis: Floats
    back: Floats
    known: Floats
    level: Floats
    leans: npt.NDArray[np.int64]
    pull: Floats

    def moves(self, log_spread: Array, unknowns: Array) -> Moves:
        """Return what spreads and unknowns make of the coefficients.

        Args:
            log_spread: logarithm of spread / usual spread, (paths, draws).
            unknowns: counted from the usual point, (unknowns, draws).
        """
        kind = unknowns.dtype
        basis, back, pull = (jnp.asarray(part, kind) for part in (self.basis, self.back, self.pull))
        known, level = (jnp.asarray(part, kind)[..., None] for part in (self.known, self.level))
        prior = jnp.exp(-2 * log_spread)[:, None]
        by_figures, by_prior = pull @ unknowns[jnp.asarray(self.leans)]
        log_longer = 0.5 * jnp.log((known + 1) / (known + prior))
        usual = (by_figures + by_prior) / (known + 1)
        mean = (by_figures + prior * by_prior + (1 - prior) * level) / (known + prior)
        return Moves(basis, back, log_longer, mean - jnp.exp(log_longer) * usual)


def straight(paths: int, months: int, unknowns: int) -> Patterns:
    """Return patterns with which a spread changes nothing, of the shapes that those that are found have."""
    few, same = min(FEW, unknowns), np.broadcast_to(np.eye(months), (paths, months, months))
    nothing = np.zeros((paths, months))
    leans = np.zeros((paths, few), dtype=np.int64)
    return Patterns(same, same, nothing + _ALL, nothing, leans, np.zeros((2, paths, months, few)))


def find(precision: Floats, prior: Floats, turned: Floats, by_prior: Floats, shift: Floats, free: Floats) -> Patterns:
    """Return the patterns of paths from what is known of them at the usual point.

    Args:
        precision: of the values of each path, figures and prior together, whatever other paths are,
            (paths, months, months).
        prior: of that what their own shocks give, likewise.
        turned: how far the most probable values move when each unknown rises by 1, (paths, months, unknowns).
        by_prior: how far their own shocks pull them then, in precision times values, likewise.
        shift: how far the most probable values move when the log of their own spread rises by 1, (paths, months).
        free: variance of each unknown, (unknowns,).
    """
    found = []
    for all_known, own, moved, own_pull, with_spread in zip(precision, prior, turned, by_prior, shift, strict=True):
        known, basis = linalg.eigh(all_known - own, own)
        known, back = np.clip(known, 0.0, None), basis.T @ own
        figures, before = basis.T @ (all_known @ moved - own_pull), basis.T @ own_pull
        # how fast means move in their uncertainties, from where unknowns usually are, with the log of the spread
        moving = (figures - (1 + 2 * known[:, None]) * before) / (known[:, None] + 1) ** 1.5
        leans = np.argsort(-(moving**2).sum(axis=0) * free)[:FEW]
        level = 0.5 * (known + 1) * (back @ with_spread)
        found.append((basis, back, known, level, leans, np.stack([figures[:, leans], before[:, leans]])))
    basis, back, known, level, leans, pull = (np.stack(part) for part in zip(*found, strict=True))
    return Patterns(basis, back, known, level, leans, pull.swapaxes(0, 1))
