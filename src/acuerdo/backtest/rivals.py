"""Rivals: simple forecasts of one series from its own past, as draws of whole paths.

Each rival is normal in logs. A path is `mean + sd * u`, where u is a moving average of independent shocks, scaled to
spread 1 in each month; so draws have the rival's own spread in each month and move as smoothly as it says.
"""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.signal import lfilter

Floats = npt.NDArray[np.float64]

PERSISTENCE, SEASONAL, ETS, ARIMA = "persistence", "seasonal_naive", "ets", "arima"
LEAST_MONTHS = 25
"""Two years and a month: below that there is no error of a seasonal forecast to learn from."""
MOST_STALE = 30
"""A series whose newest figure is older than this many months is not forecast."""
_SEASON = 12
_FEW = 12  # fewer errors than this give no spread of their own
_LEAST_SD = 1e-3
_MOST_TIMES = 10.0  # no draw above ten times the largest figure of the history: a trend in logs knows no end


@dataclass(frozen=True)
class Predictive:
    """A rival's forecast of the months after an origin.

    Attributes:
        mean: of logs (with the offset), (months,).
        sd: spread in logs, (months,).
        weights: how a shock goes on, from the newest figure, (lag + months,).
        offset: added before taking logs.
        most: draws are held below this.
        count: whether figures are whole numbers.
    """

    mean: Floats
    sd: Floats
    weights: Floats
    offset: float
    most: float
    count: bool

    def draw(self, months: int, draws: int, seed: int, name: str) -> Floats:
        """Return paths of the first months after the origin, (months, draws); a name has its own chance events."""
        lag = len(self.weights) - len(self.mean)
        rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
        shocks = rng.standard_normal((lag + months, draws))
        weights = self.weights[: lag + months]
        norm = np.sqrt(np.cumsum(weights**2))
        paths = (lfilter(weights, [1.0], shocks, axis=0) / norm[:, None])[lag:]
        logs = self.mean[:months, None] + self.sd[:months, None] * paths
        values = np.clip(np.exp(np.minimum(logs, np.log(self.most + self.offset))) - self.offset, 0.0, self.most)
        return np.asarray(np.round(values) if self.count else values)


def rivals(past: pd.Series[float], origin: pd.Period, months: int, offset: float, count: bool) -> dict[str, Predictive]:
    """Return what each rival says of the months after an origin; nothing if there is too little or too old a past.

    Args:
        past: monthly figures without gaps; the newest may be months before the origin, which a rival bridges.
        origin: month of the origin.
        months: months ahead of it.
        offset: added before taking logs.
        count: whether the series counts things.
    """
    lag = (origin - past.index[-1]).n if len(past) else 0
    if len(past) < LEAST_MONTHS or not 0 <= lag <= MOST_STALE:
        return {}
    shift = max(offset, 1e-9)
    logs = np.log(np.asarray(past, dtype=float) + shift)
    most = _MOST_TIMES * (float(past.max()) + 1.0)
    found = {}
    for name, rival in RIVALS.items():
        mean, sd, weights = rival(logs, lag + months)
        found[name] = Predictive(mean[lag:], np.maximum(sd, _LEAST_SD)[lag:], weights, shift, most, count)
    return found


Fitted = tuple[Floats, Floats, Floats]
"""Mean and spread in logs of each step after the newest figure, and how a shock goes on."""


def persistence(logs: Floats, steps: int) -> Fitted:
    """The newest figure stays; the spread of each step is that of past changes over as many months."""
    known = max(len(logs) - _FEW, 1)
    spread = np.array([_rms(logs[k:] - logs[:-k]) for k in range(1, min(known, steps) + 1)])
    sd = np.append(spread, spread[-1] * np.sqrt(np.arange(len(spread) + 1, steps + 1) / len(spread)))
    return np.full(steps, logs[-1]), sd, np.ones(steps)


def seasonal_naive(logs: Floats, steps: int) -> Fitted:
    """The same month of the last year known; the spread is that of past changes over as many whole years."""
    ahead = np.arange(1, steps + 1)
    years = (ahead - 1) // _SEASON + 1
    mean = logs[len(logs) - _SEASON + (ahead - 1) % _SEASON]
    change = logs[_SEASON:] - logs[:-_SEASON]
    spread: list[float] = []
    for year in range(1, int(years[-1]) + 1):
        back = year * _SEASON
        enough = len(logs) - back >= _FEW
        spread.append(_rms(logs[back:] - logs[:-back]) if enough else spread[-1] * np.sqrt(year / (year - 1)))
    centred = change - change.mean()
    total = float(np.sum(centred**2))
    stays = float(np.clip(np.sum(centred[1:] * centred[:-1]) / total, 0.0, 0.98)) if total > 0 else 0.0
    return mean, np.array(spread)[years - 1], np.power(stays, np.arange(steps, dtype=float))


def ets(logs: Floats, steps: int) -> Fitted:
    """Exponential smoothing in logs with additive errors; trend, damping and season chosen by AICc (AutoETS)."""
    from statsforecast.models import AutoETS  # type: ignore[import-untyped]  # slow to import

    season = _SEASON if len(logs) >= 3 * _SEASON else 1
    fitted = AutoETS(season_length=season, model="AZZ").fit(logs)
    alpha, beta, gamma, phi = np.nan_to_num(np.asarray(fitted.model_["par"][:4], dtype=float))
    _, trend, seasonal, damped = fitted.model_["components"]
    after = np.arange(1, steps)
    slope = np.cumsum((phi if damped == "D" else 1.0) ** after) if trend != "N" else np.zeros(steps - 1)
    returns = (after % season == 0) if seasonal != "N" else np.zeros(steps - 1)
    weights = np.concatenate([[1.0], alpha + beta * slope + gamma * returns])
    sd = np.sqrt(fitted.model_["sigma2"] * np.cumsum(weights**2))
    return np.asarray(fitted.predict(steps)["mean"], dtype=float), sd, weights


def arima(logs: Floats, steps: int) -> Fitted:
    """ARIMA in logs with orders chosen by AICc (AutoARIMA)."""
    from statsforecast.models import AutoARIMA  # slow to import

    season = _SEASON if len(logs) >= 3 * _SEASON else 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of candidates that do not converge, which the search discards
        fitted = AutoARIMA(season_length=season).fit(logs)
        mean = np.asarray(fitted.predict(steps)["mean"], dtype=float)
    parts = fitted.model_["model"]
    own = np.concatenate([[1.0], -np.asarray(parts["phi"], dtype=float)])
    differences = np.concatenate([[1.0], -np.asarray(parts["delta"], dtype=float)])
    shocks = np.concatenate([[1.0], np.asarray(parts["theta"], dtype=float)])
    weights = np.asarray(lfilter(shocks, np.convolve(own, differences), np.eye(1, steps)[0]))
    return mean, np.sqrt(fitted.model_["sigma2"] * np.cumsum(weights**2)), weights


RIVALS: dict[str, Callable[[Floats, int], Fitted]] = {
    PERSISTENCE: persistence,
    SEASONAL: seasonal_naive,
    ETS: ets,
    ARIMA: arima,
}


def _rms(errors: Floats) -> float:
    return float(np.sqrt(np.mean(errors**2)))
