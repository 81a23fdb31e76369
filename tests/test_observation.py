"""The noise of figures: what is carried from month to month, in the fit and in projections."""

from __future__ import annotations

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from acuerdo.corridor import load
from acuerdo.engine.load import load_model
from acuerdo.figures.store import Figures
from acuerdo.inference.observe import Observable, _ages, _chains, line_up, load_observables, predict, series_of, spread
from acuerdo.inference.problem import Problem, record_months
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


# --- provisional figures ----------------------------------------------------------------------------------------------

DEATHS = "us.overdose_deaths.all.12m"


@pytest.mark.parametrize(
    ("age", "spread"), [(-1, 0.04), (0, 0.04), (11, 0.04), (12, 0.02), (23, 0.02), (24, 0), (99, 0)]
)
def test_a_figure_changes_less_the_older_it_was_when_seen(age: int, spread: float) -> None:
    noisy = Observable(series="a.series", variable="x", noise=(0.1, 0.2, 0.3), revisions={0: 0.04, 12: 0.02, 24: 0.0})
    assert noisy.still_changes(age) == spread
    assert Observable(series="a.series", variable="x", noise=(0.1, 0.2, 0.3)).still_changes(age) == 0


def test_later_revisions_widen_what_is_noisy_anyway() -> None:
    mean, sd, offset = np.array([96.0]), np.array([0.03]), np.array([4.0])
    assert float(spread(mean, sd, offset, np.zeros(1), np.zeros(1))[0]) == pytest.approx(0.03)
    assert float(spread(mean, sd, offset, np.ones(1), np.array([0.04]))[0]) == pytest.approx(np.sqrt(0.0025 + 0.01))


def test_the_last_months_before_the_day_are_known_least() -> None:
    """Recent deaths of a past day were provisional, though the snapshot holds what they became."""
    corridor = load("us_mexico")
    item = load_observables(corridor, load_model("us_mexico").model)[DEATHS]
    figures = Figures.open(corridor)
    for day, wide in ((None, False), ("2023-09-29", True)):
        view = figures.as_of(day)
        data = line_up({DEATHS: item}, load_model("us_mexico").model, view, record_months(figures, view.day))
        # without single months to start from there is nothing to difference
        assert not len(data.value)
        ages = _ages(item, view, "predicted")
        april = next(age for month, age in ages.items() if str(month) == "2023-04")
        assert (april == 5) is wide
        assert (item.still_changes(april) > 0) is wide


def test_differenced_months_carry_what_may_still_change() -> None:
    corridor, model = load("us_mexico"), load_model("us_mexico").model
    figures = Figures.open(corridor)
    view = figures.as_of("2023-09-29")
    data = line_up(load_observables(corridor, model), model, view, record_months(figures, view.day))
    late = [data.late[row] for row, label in enumerate(data.labels) if label == (DEATHS, "predicted")]
    assert late
    assert late[-1] == max(late) > 0
    rest = [data.late[row] for row, (series, _) in enumerate(data.labels) if not series.endswith(".12m")]
    assert not any(rest), "only series with revisions have any"


# --- the days of a month ----------------------------------------------------------------------------------------------


def of_days(weekend: float, kind: str = "flow") -> Observable:
    return Observable(series="a.series", variable="x", noise=(0.1, 0.2, 0.3), weekend=weekend, kind=kind)  # type: ignore[arg-type]


def test_a_month_brings_as_much_as_it_has_days_that_count() -> None:
    """Known days: February 2023 has 20 weekdays and 8 days of weekend, March 23 and 8."""
    months = pd.PeriodIndex(["2023-02", "2023-03"], freq="M")
    for weekend in (0.0, 0.3, 1.0):
        usual = 365.2425 / 12 * (5 + 2 * weekend) / 7
        found = of_days(weekend).lengths(months)
        np.testing.assert_allclose(found, [(20 + 8 * weekend) / usual, (23 + 8 * weekend) / usual])
    np.testing.assert_array_equal(of_days(0.3, "stock").lengths(months), 1.0)
    np.testing.assert_array_equal(of_days(0.3, "mean").lengths(months), 1.0)


@given(st.floats(0.0, 2.0))
@settings(max_examples=20, deadline=None)
def test_months_are_of_average_length_over_a_turn_of_the_calendar(weekend: float) -> None:
    """400 years are whole weeks, after which every date falls on the same weekday again."""
    months = pd.period_range("1901-01", periods=4800, freq="M")
    assert of_days(weekend).lengths(months).mean() == pytest.approx(1.0, abs=1e-12)


def test_predictions_of_a_steady_rate_go_with_the_days() -> None:
    """At one a month, a month's figure is its length, and a year's the sum of twelve; a stock stays one."""
    corridor, model = load("us_mexico"), load_model("us_mexico").model
    observables, months = load_observables(corridor, model), pd.period_range("2018-01", "2024-12", freq="M")
    data = line_up(observables, model, Figures.open(corridor), months)
    ones = {
        name: jnp.ones((len(months), *(model.shape(name)), 1)) for name in dict.fromkeys(n for n, _ in data.columns)
    }
    found = np.asarray(predict(data, ones))[:, 0] / data.factor
    for row, (series, _) in enumerate(data.labels):
        item = observables[series]
        span = item.lengths(months[data.first[row] : data.last[row] + 1])
        wanted = {"flow": span.sum(), "mean": 1.0, "stock": 1.0}[item.kind]
        assert found[row] == pytest.approx(wanted, rel=1e-4), series
    assert {observables[series].weekend for series, _ in data.labels} > {1.0}, "trade counts weekends for less"
