"""Counterfactuals from other units: synthetic control and synthetic difference in differences, on outcomes alone.

All functions take a treated series of shape (T,), donors of shape (T, J) and `pre`, the number of leading periods
before the measure. Series are used as given: take logs before for effects that multiply.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

from acuerdo.errors import InputError

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Synthetic:
    """The treated series as a weighted mean of its donors.

    Attributes:
        weights: of the donors, shape (J,); not negative, sum 1.
        path: the series without the measure, shape (T,).
        gap: the treated series less `path`, shape (T,).
        pre: number of periods before the measure.
        time_weights: of the periods before the measure, shape (pre,), for synthetic difference in differences.
    """

    weights: Array
    path: Array
    gap: Array
    pre: int
    time_weights: Array | None = None

    @property
    def effect(self) -> float:
        """Mean gap after the measure."""
        return float(self.gap[self.pre :].mean())

    @property
    def rmspe(self) -> float:
        """Root mean square gap before the measure."""
        return _root_mean_square(self.gap[: self.pre])

    @property
    def ratio(self) -> float:
        """Root mean square gap after the measure, divided by that before it."""
        return _root_mean_square(self.gap[self.pre :]) / max(self.rmspe, 1e-12)


def simplex_weights(target: Array, donors: Array, ridge: float = 0.0) -> Array:
    """Return the weights w (not negative, sum 1) for which |donors w - target|^2 + ridge |w|^2 is smallest.

    Solved exactly by one non-negative least-squares problem. With E = donors - target and weights of sum 1, the first
    term is |E w|^2; minimising |E u|^2 + (sum u - 1)^2 over u >= 0 gives u = s w for a scalar s, because for any w the
    best s leaves q / (1 + q), which rises with q = |E w|^2. A general optimiser started from equal weights can stop
    there and report success when the objective is not scaled.

    Args:
        target: shape (T,).
        donors: shape (T, J).
        ridge: penalty on unequal weights.
    """
    count = donors.shape[1]
    gaps = donors - target[:, None]
    if ridge > 0:
        gaps = np.vstack([gaps, np.sqrt(ridge) * np.eye(count)])
    size = np.linalg.norm(gaps, axis=0).min()
    scale = size if size > 0 else max(np.abs(gaps).max(), 1.0)
    system = np.vstack([gaps / scale, np.ones(count)])
    solution: Array = nnls(system, np.append(np.zeros(len(gaps)), 1.0), maxiter=50 * count + 100)[0]
    weights: Array = solution / solution.sum()
    return weights


def synthetic_control(treated: Array, donors: Array, pre: int, intercept: bool = False) -> Synthetic:
    """Return the classic synthetic control on outcomes alone (Abadie, Diamond and Hainmueller 2010).

    Args:
        treated: shape (T,).
        donors: shape (T, J).
        pre: number of periods before the measure.
        intercept: compare departures from each unit's mean before the measure, so that the treated unit need not lie
            among the levels of its donors (Doudchenko and Imbens 2016; Ferman and Pinto 2021).

    Raises:
        InputError: fewer than two donors, or no period before or after.
    """
    _check(treated, donors, pre)
    weights, gap = _fit(treated, donors, pre, intercept)
    return Synthetic(weights, treated - gap, gap, pre)


def synthetic_did(treated: Array, donors: Array, pre: int) -> Synthetic:
    """Return the synthetic difference in differences (Arkhangelsky, Athey, Hirshberg, Imbens and Wager 2021).

    `path` is the weighted mean of the donors, moved to meet the treated series in the weighted periods before the
    measure; so `effect` is the estimator of the paper (its algorithm 1, one treated unit).

    Raises:
        InputError: fewer than two donors, or no period before or after.
    """
    _check(treated, donors, pre)
    noise = float(np.diff(donors[:pre], axis=0).std(ddof=1)) if pre > 2 else 0.0
    zeta = (len(treated) - pre) ** 0.25 * noise
    weights = simplex_weights(
        treated[:pre] - treated[:pre].mean(), donors[:pre] - donors[:pre].mean(axis=0), ridge=zeta**2 * pre
    )
    before = donors[:pre].T
    after = donors[pre:].mean(axis=0)
    times = simplex_weights(
        after - after.mean(), before - before.mean(axis=0), ridge=(1e-6 * noise) ** 2 * donors.shape[1]
    )
    mean = donors @ weights
    path = mean + times @ (treated[:pre] - mean[:pre])
    return Synthetic(weights, path, treated - path, pre, times)


def difference_in_differences(treated: Array, donors: Array, pre: int) -> float:
    """Return the plain difference in differences: change of the treated mean less that of the donors' mean."""
    _check(treated, donors, pre)
    mean = donors.mean(axis=1)
    return float((treated[pre:].mean() - treated[:pre].mean()) - (mean[pre:].mean() - mean[:pre].mean()))


def across_units(donors: Array, pre: int, method: Callable[[Array, Array, int], Synthetic]) -> list[Synthetic]:
    """Return `method` for each donor as if it were the treated one, with the other donors as its donors.

    Raises:
        InputError: fewer than three donors.
    """
    return [method(donors[:, unit], np.delete(donors, unit, axis=1), pre) for unit in range(donors.shape[1])]


def _fit(treated: Array, donors: Array, pre: int, intercept: bool) -> tuple[Array, Array]:
    """Return the weights fitted on the first `pre` periods, and the gap in all periods."""
    centre, centres = treated[:pre].mean(), donors[:pre].mean(axis=0)
    if not intercept:
        centre, centres = 0.0 * centre, 0.0 * centres
    weights = simplex_weights(treated[:pre] - centre, donors[:pre] - centres)
    return weights, treated - ((donors - centres) @ weights + centre)


def _check(treated: Array, donors: Array, pre: int) -> None:
    if donors.ndim != 2 or len(donors) != len(treated) or donors.shape[1] < 2:
        raise InputError("donors", donors.shape, f"two or more series of {len(treated)} periods, shape (T, J)")
    if not 1 <= pre < len(treated):
        raise InputError("pre", pre, f"a number of periods from 1 to {len(treated) - 1}")
    if not (np.isfinite(treated).all() and np.isfinite(donors).all()):
        raise InputError("panel", "missing values", "a figure for every unit and period")


def _root_mean_square(values: Array) -> float:
    return float(np.sqrt(np.mean(values**2)))
