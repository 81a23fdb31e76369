"""Counterfactual from a series' own past: a structural time series fitted before the measure and run on after it.

The logarithm of the series is a level (a random walk, or one with a slope of its own for smooth series), a fixed
seasonal pattern and noise, with the logarithm of a donor series as regressor if there is one (Harvey 1989; the use as
a counterfactual follows Brodersen et al. 2015). It is fitted by maximum likelihood on the months before the measure.
Draws of the months after it carry the uncertainty of the level, of the season, of the regression and of the noise, but
not that of the estimated variances: the windows of earlier dates tell whether the intervals hold.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from statsmodels.tsa.statespace.structural import UnobservedComponents  # type: ignore[import-untyped]

Array = npt.NDArray[np.float64]
Level = Literal["level", "slope"]

SEASON_FROM = 36
"""Months before the measure from which a seasonal pattern is fitted."""

_FORM = {"level": "local level", "slope": "smooth trend"}


@dataclass(frozen=True)
class Structural:
    """What a series would have been after the measure.

    Attributes:
        fitted: one step ahead before the measure, on the scale of the series, shape (pre,).
        draws: without the measure, on the scale of the series, shape (post, N).
        errors: standardised one-step errors before the measure, shape (pre,), NaN while the filter starts.
    """

    fitted: Array
    draws: Array
    errors: Array

    def total(self) -> Array:
        """Draws of the total after the measure, shape (N,)."""
        total: Array = self.draws.sum(axis=0)
        return total


def structural(
    series: Array,
    pre: int,
    rng: np.random.Generator,
    donor: Array | None = None,
    level: Level = "level",
    seasonal: bool = True,
    draws: int = 1000,
) -> Structural:
    """Fit the months before the measure and draw those after it.

    Args:
        series: positive, shape (T,); NaN where there is no figure. Months after `pre` only give the length.
        pre: number of months before the measure.
        rng: source of the draws.
        donor: positive series that the measure does not touch, shape (T,), without gaps.
        level: `level` for a random walk, `slope` for a smooth series with a slope that drifts.
        seasonal: whether to fit a seasonal pattern (only from 36 months on).
        draws: number of draws.
    """
    logs = np.log(series[:pre])
    outside = None if donor is None else np.log(donor)[:, None]
    centre = 0.0 if outside is None else outside[:pre].mean()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of convergence: a poor fit shows in the windows of earlier dates
        model = UnobservedComponents(
            logs,
            level=_FORM[level],
            seasonal=12 if seasonal and pre >= SEASON_FROM else None,
            stochastic_seasonal=False,
            exog=None if outside is None else outside[:pre] - centre,
            mle_regression=False,
        )
        result = model.fit(disp=False, maxiter=200)
        months = len(series) - pre
        ahead = result.simulate(
            months,
            anchor="end",
            repetitions=draws,
            exog=None if outside is None else outside[pre:] - centre,
            rng=rng,
        )
    errors = result.filter_results.standardized_forecasts_error[0].copy()
    start = model.k_states + 1
    errors[:start] = np.nan
    fitted = np.exp(result.fittedvalues)
    fitted[:start] = np.nan
    return Structural(fitted, np.exp(np.asarray(ahead).reshape(months, draws)), errors)
