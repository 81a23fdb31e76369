"""Backtests: scores against known answers, rivals that see only their view, weights of their time, resuming, pages."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scoringrules as sr
from hypothesis import given, settings
from hypothesis import strategies as st

from acuerdo import corridor as corridors
from acuerdo import forecast
from acuerdo.backtest import evaluate, keep, output, pool, record, report, rivals, run, scores
from acuerdo.backtest.plan import MEMBERS, TOTAL, Break, Plan, Target, load_plan, month_of
from acuerdo.backtest.pool import POOLED, Past, WeightsFile, read_weights
from acuerdo.engine.load import load_model
from acuerdo.errors import DataError, InputError
from acuerdo.figures.store import Figures
from acuerdo.i18n import Texts
from acuerdo.inference.observe import Observable
from acuerdo.projection import collect, to_dataset, to_table

SERIES, DEATHS = "us.encounters.between_ports", "border.deaths_on_route"
DAYS = [date(2021, 6, 30), date(2021, 12, 31), date(2022, 6, 30), date(2022, 12, 31), date(2023, 6, 30)]


@pytest.fixture(scope="module")
def figures() -> Figures:
    return Figures.open(corridors.load())


@pytest.fixture(scope="module")
def observables() -> dict[str, Observable]:
    return {
        SERIES: Observable(series=SERIES, variable="x", over="origin", noise=(0.1, 0.2, 0.3), offset=20),
        DEATHS: Observable(series=DEATHS, variable="y", member="area_box", noise=(0.1, 0.2, 0.3), offset=1),
    }


@pytest.fixture(scope="module")
def plan() -> Plan:
    return Plan(
        origins=DAYS,
        horizons=[1, 3],
        series={SERIES: ["ALL", "MEX", "GTM"], DEATHS: ["area_box"]},
        headline=[SERIES, DEATHS],
        bar=[SERIES],
        deaths=[DEATHS],
        groups={"one": {"label": {"en": "One", "es": "Una"}, "members": ["GTM"]}},
        breaks=[Break(month="2023-01", label={"en": "January 2023", "es": "Enero de 2023"})],
        history=48,
    )


# ---- scores


def test_crps_of_the_formulas_that_scores_rest_on() -> None:
    assert sr.crps_normal(0.0, 0.0, 1.0) == pytest.approx(0.23369498, abs=1e-8)
    assert sr.crps_normal(3.7, 1.0, 2.0) == pytest.approx(1.73521099, abs=1e-8)
    assert sr.crps_uniform(0.5, 0.0, 1.0) == pytest.approx(1 / 12)


@pytest.mark.parametrize(
    ("quantile", "value", "answer"),
    [
        (lambda u: sr_normal(u) * 1.0 + 10.0, 10.0, 0.23369498),
        (lambda u: sr_normal(u) * 2.0 + 11.0, 13.7, 1.73521099),
        (lambda u: u, 0.5, 1 / 12),
    ],
)
def test_crps_of_draws_against_known_answers(quantile, value: float, answer: float) -> None:
    draws = quantile((np.arange(4000) + 0.5) / 4000)
    found = scores.score(draws[None], np.array([value]), offset=1.0)
    assert found["crps"][0] == pytest.approx(answer, rel=2e-3)


def sr_normal(u: np.ndarray) -> np.ndarray:
    from scipy.stats import norm

    return np.asarray(norm.ppf(u))


def test_log_score_is_the_density_in_the_unit_of_the_figure() -> None:
    draws = np.exp(5 + 0.3 * sr_normal((np.arange(4000) + 0.5) / 4000))
    found = scores.score(draws[None], np.array([150.0]), offset=0.0)
    z = (math.log(150) - 5) / 0.3
    exact = 0.5 * z**2 + math.log(0.3 * math.sqrt(2 * math.pi) * 150)
    assert found["log_score"][0] == pytest.approx(exact, abs=0.02)


def test_intervals_bias_and_pit() -> None:
    draws = np.arange(1.0, 1001.0)[None].repeat(3, axis=0)
    found = scores.score(draws, np.array([500.0, 800.0, 990.0]), offset=1.0)
    np.testing.assert_array_equal(found["in_50"], [1, 0, 0])
    np.testing.assert_array_equal(found["in_90"], [1, 1, 0])
    np.testing.assert_allclose(found["bias"], 500.5 - np.array([500, 800, 990]))
    np.testing.assert_allclose(found["pit"], [0.5, 0.8, 0.99], atol=2e-3)


def test_skill_of_half_the_error_and_its_interval() -> None:
    theirs = np.random.default_rng(1).uniform(1, 3, (14, 2))
    theirs[3, 1] = np.nan
    skill, difference = scores.compare(theirs / 2, theirs)
    assert skill == pytest.approx((0.5, 0.5, 0.5))
    assert difference[1] < difference[0] < 0
    assert difference[0] == pytest.approx(-np.nanmean(theirs) / 2)


def test_one_origin_has_no_interval() -> None:
    skill, _ = scores.compare(np.array([1.0]), np.array([2.0]))
    assert skill[0] == 0.5
    assert np.isnan(skill[1:]).all()


def test_bootstrap_draws_whole_blocks() -> None:
    times = scores.resampled(12)
    np.testing.assert_array_equal(times.sum(axis=1), 12)
    assert times.mean() == pytest.approx(1.0)


# ---- rivals


def _past(values: np.ndarray, end: str = "2023-03") -> pd.Series:
    return pd.Series(values, index=pd.period_range(end=end, periods=len(values), freq="M"))


def test_rivals_spread_is_that_of_the_package() -> None:
    """The moving averages by which paths are drawn give the package's own intervals."""
    from statsforecast.models import AutoARIMA, AutoETS

    rng = np.random.default_rng(3)
    season = 0.3 * np.sin(2 * np.pi * np.arange(96) / 12)
    logs = 7 + np.cumsum(rng.normal(0, 0.1, 96)) + season
    for ours, theirs in ((rivals.ets, AutoETS(12, model="AZZ")), (rivals.arima, AutoARIMA(season_length=12))):
        mean, sd, weights = ours(logs, 12)
        said = theirs.fit(logs).predict(12, level=[90])
        np.testing.assert_allclose(mean, said["mean"])
        wide = np.asarray(said["hi-90"]) - np.asarray(said["mean"])
        np.testing.assert_allclose(sd[-1], wide[-1] / 1.6448536, rtol=1e-2)
        assert weights[0] == 1


def test_persistence_and_seasonal_naive_by_hand() -> None:
    values = np.exp(np.arange(48) % 12 / 10.0)
    mean, sd, _ = rivals.seasonal_naive(np.log(values), 14)
    np.testing.assert_allclose(mean, np.log(np.concatenate([values[:12], values[:2]])))
    np.testing.assert_allclose(sd, 0, atol=1e-12)
    mean, sd, _ = rivals.persistence(np.log(values), 14)
    np.testing.assert_allclose(mean, np.log(values[-1]))
    assert sd[0] == pytest.approx(np.sqrt(np.mean(np.diff(np.log(values)) ** 2)))


def test_a_rival_bridges_the_months_not_yet_published() -> None:
    past = _past(100 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.1, 60))))
    near = rivals.rivals(past, pd.Period("2023-03", "M"), 6, 1.0, False)["persistence"]
    late = rivals.rivals(past, pd.Period("2023-06", "M"), 3, 1.0, False)["persistence"]
    np.testing.assert_allclose(near.sd[3:], late.sd)
    spread = [np.log(one.draw(3, 4000, 1, "x") + 1).std(axis=1) for one in (near, late)]
    np.testing.assert_allclose(spread[0], near.sd[:3], rtol=0.06)
    np.testing.assert_allclose(spread[1], late.sd, rtol=0.06)


def test_too_short_or_too_old_a_past_has_no_rivals() -> None:
    assert rivals.rivals(_past(np.ones(24)), pd.Period("2023-03", "M"), 3, 1.0, True) == {}
    assert rivals.rivals(_past(np.ones(40)), pd.Period("2026-03", "M"), 3, 1.0, True) == {}


@pytest.mark.slow
def test_rivals_cover_what_they_should_on_an_autoregression() -> None:
    rng = np.random.default_rng(5)
    inside = {name: [] for name in rivals.RIVALS}
    for _ in range(20):
        x = np.zeros(102)
        for t in range(1, 102):
            x[t] = 0.8 * x[t - 1] + rng.normal(0, 0.2)
        past = _past(np.exp(5 + x[:96]))
        for name, one in rivals.rivals(past, past.index[-1], 6, 0.0, False).items():
            low, high = np.quantile(one.draw(6, 500, 1, name)[[0, 5]], [0.05, 0.95], axis=1)
            inside[name].append((low <= np.exp(5 + x[[96, 101]])) & (np.exp(5 + x[[96, 101]]) <= high))
    for name, hits in inside.items():
        assert 0.75 <= np.mean(hits) <= 0.99, name


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 40), st.floats(0.1, 10.0))
def test_history_uses_only_what_had_been_published(figures, observables, day: int, factor: float) -> None:
    """Rows published later may say what they like: the history that a rival sees does not change."""
    when = date(2022, 1, 5) + pd.Timedelta(days=17 * day).to_pytimedelta()
    rows = figures._rows
    later = rows["published"] > pd.Timestamp(when)
    changed = rows.assign(value=np.where(later, rows["value"] * factor + 1, rows["value"]))
    other = Figures(changed, figures.catalogue)
    for target in (Target(SERIES, "GTM"), Target(DEATHS, "area_box")):
        one, two = (record.history(f.as_of(when), observables, target, 72) for f in (figures, other))
        pd.testing.assert_series_equal(one, two)
        assert one.index[-1].end_time.date() <= when


def test_single_months_go_on_by_differences_of_sums() -> None:
    months = pd.period_range("2019-01", "2021-06", freq="M")
    values = pd.Series(np.random.default_rng(2).uniform(50, 80, len(months)), index=months)
    sums = values.rolling(12).sum().dropna()
    found = record._extended(values[:"2020-12"], sums, 12)
    pd.testing.assert_series_equal(found, values, check_names=False)


# ---- the pool


def _cases(errors: np.ndarray, days: int) -> list[Past]:
    apart = np.full((len(errors), len(errors)), 0.1) * (1 - np.eye(len(errors)))
    return [Past(date(2020, 1, 1 + i), "x", errors, apart) for i in range(days)]


def test_distance_between_samples() -> None:
    rng = np.random.default_rng(1)
    samples = rng.normal(0, 1, (3, 200)) + np.array([[0.0], [2.0], [5.0]])
    brute = np.abs(samples[:, None, :, None] - samples[None, :, None, :]).mean(axis=(2, 3))
    np.testing.assert_allclose(pool.apart(samples), brute, rtol=1e-9)


def test_quadratic_form_is_the_crps_of_the_mixed_draws() -> None:
    rng = np.random.default_rng(1)
    draws = np.stack([rng.normal(10, 1, 2000), rng.normal(13, 2, 2000)])
    thinned = pool.thin(draws)
    one = Past(DAYS[0], "x", np.abs(thinned - 12.0).mean(axis=1), pool.apart(thinned))
    mixed = pool.mix(draws[:, None], np.array([[0.3, 0.7]]), 1, "x")[0]
    crps = scores.score(mixed[None], np.array([12.0]), 1.0)["crps"][0]
    assert one.crps(np.array([0.3, 0.7])) == pytest.approx(crps, rel=0.05)


def test_weights_go_to_the_better_member_and_never_all_the_way() -> None:
    equal = np.full(3, 1 / 3)
    errors = np.array([1.0, 2.0, 4.0])
    few, many = pool.learn(_cases(errors, 4), equal), pool.learn(_cases(errors, 20), equal)
    assert few.sum() == pytest.approx(1)
    assert few[0] > few[1]
    assert few.min() > 0.1
    assert many[0] > few[0]
    np.testing.assert_array_equal(pool.learn(_cases(errors, 3), equal), equal)


@settings(deadline=None)
@given(st.lists(st.floats(0.01, 1), min_size=10, max_size=10), st.integers(1, 36))
def test_weights_of_every_month_sum_to_one_and_hold_beyond_the_last_horizon(values, months: int) -> None:
    rows = {h: dict(zip(POOLED, values[i * 5 : i * 5 + 5], strict=True)) for i, h in enumerate((1, 12))}
    table = pool.over_months(rows, months)
    np.testing.assert_allclose(table.sum(axis=1), 1)
    first = np.array(values[:5]) / sum(values[:5])
    np.testing.assert_allclose(table[0], first)
    if months > 12:
        np.testing.assert_allclose(table[12:], table[11:12].repeat(months - 12, axis=0))


@settings(deadline=None)
@given(st.integers(0, 1000), st.floats(0.05, 0.95))
def test_pooled_quantiles_lie_between_those_of_the_members(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    paths = np.stack([rng.normal(0, 1, (4, 500)), rng.normal(3, 2, (4, 500))])
    mixed = pool.mix(paths, np.array([[share, 1 - share]] * 4), seed, "x")
    assert mixed.shape == (4, 500)
    both = np.quantile(paths, [0.1, 0.5, 0.9], axis=-1)
    found = np.quantile(mixed, [0.1, 0.5, 0.9], axis=-1)
    slack = 0.35  # a mixed sample has only some of each member's draws
    assert (found >= both.min(axis=1) - slack).all()
    assert (found <= both.max(axis=1) + slack).all()
    for draw in mixed.T:  # with constant weights a draw stays with one member
        assert any((draw == member.T).all(axis=1).any() for member in paths)


def test_weights_use_only_what_had_come(plan, figures) -> None:
    """Weights of a day are the same whatever the forecasts of that day and later said."""
    rng = np.random.default_rng(1)

    def cases(factor: float) -> list[evaluate._Case]:
        found = []
        for day in DAYS:
            for target in plan.targets:
                for horizon in plan.horizons:
                    scale = factor if day >= DAYS[3] else 1.0
                    draws = scale * np.exp(rng.normal(9, 0.5, (len(POOLED), 300)))
                    found.append(evaluate._Case(day, target, horizon, draws, pool.thin(draws), pool.apart(draws)))
        return found

    tables = []
    for factor in (1.0, 50.0):
        rng = np.random.default_rng(1)
        tables.append(evaluate._weights(plan, cases(factor), [], figures.as_of(DAYS[3]), DAYS[3]))
    assert tables[0] == tables[1]
    counts = tables[0][1][SERIES][TOTAL]
    assert counts == {1: 3, 3: 3}
    assert evaluate._weights(plan, cases(1.0), [], figures.as_of(DAYS[1]), DAYS[1])[1][SERIES][TOTAL] == {1: 1, 3: 1}


def test_weights_file_round_trip_and_damage(tmp_path: Path) -> None:
    table = {SERIES: {TOTAL: {1: {"model": 0.6, "ets": 0.4}}}}
    held = WeightsFile("digest", [(DAYS[0], table), (DAYS[2], {})], table, {SERIES: {TOTAL: {1: 5}}}, {"a": 1})
    path = tmp_path / "weights.json"
    assert read_weights(path) is None
    path.write_text(held.to_json())
    found = read_weights(path)
    assert found == held
    assert found.known_on(date(2021, 1, 1)) is None
    assert found.known_on(DAYS[1]) == table
    assert found.known_on(None) == table
    path.write_text(held.to_json().replace("0.6", "0.7"))
    with pytest.raises(DataError, match="acuerdo backtest"):
        read_weights(path)


# ---- a whole backtest, with a stand-in for the model


class _StandIn:
    """Persistence with too little spread, instead of the model."""

    name = "model"

    def __init__(self, figures: Figures, observables: dict[str, Observable], plan: Plan) -> None:
        self.figures, self.observables, self.plan, self.made = figures, observables, plan, 0

    def key(self, day: date) -> str:
        return f"{day}"

    def paths(self, day: date, progress: object = None) -> keep.Paths:
        self.made += 1
        found: dict[str, dict[Target, np.ndarray]] = {name: {} for name in (pool.MODEL, run.MODEL_RECORD)}
        for target in self.plan.targets:
            past = record.history(self.figures.as_of(day), self.observables, target, 72)
            chance = np.random.default_rng(1).standard_normal((3, 200))
            for name, spread in zip(found, (0.1, 0.3), strict=True):
                found[name][target] = float(past.iloc[-1]) * np.exp(spread * chance)
        return found


@pytest.fixture(scope="module")
def finished(plan, figures, observables, tmp_path_factory):
    folder = tmp_path_factory.mktemp("backtest")
    makers = [run.Rivals(figures, observables, plan, 200), _StandIn(figures, observables, plan)]
    forecasts = run.run(plan, makers, folder)
    return folder, makers, forecasts, evaluate.evaluate(plan, figures, observables, forecasts)


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_was(finished, plan) -> None:
    folder, makers, forecasts, _ = finished
    stand_in = makers[1]
    made = stand_in.made
    ticks: list[str] = []
    again = run.run(plan, makers, folder, tick=ticks.append)
    assert stand_in.made == made
    assert len(ticks) == 2 * len(DAYS)
    target = plan.targets[0]
    np.testing.assert_array_equal(again[DAYS[0]].draws["ets"][target], forecasts[DAYS[0]].draws["ets"][target])
    broken = folder / "forecasts" / f"model-{DAYS[2]}.nc"
    broken.write_bytes(broken.read_bytes()[:500])  # as if killed while writing without care
    assert run.ready(plan, makers, folder) == [day for day in DAYS if day != DAYS[2]]
    run.run(plan, makers, folder)
    assert stand_in.made == made + 1
    assert run.ready(plan, makers, folder) == DAYS


@pytest.mark.slow
def test_scores_of_a_backtest_add_up(finished, plan, figures) -> None:
    *_, found = finished
    points = found.points
    assert set(points["forecaster"]) == set(evaluate.FORECASTERS)
    row = points.iloc[0]
    came = record.came(figures, Target(row["series"], row["member"]), month_of(row["origin"]) + row["horizon"])
    assert row["value"] == came
    table = found.scores.set_index(["series", "members", "horizon", "forecaster"])
    part = points[(points["series"] == SERIES) & (points["member"] != "ALL") & (points["horizon"] == 3)]
    mean = part.loc[part["forecaster"] == "ets", "crps"].mean()
    assert table.loc[(SERIES, MEMBERS, 3, "ets"), "crps"] == pytest.approx(mean)
    skill = found.skill.set_index(["series", "members", "horizon", "forecaster", "rival"])
    ours, theirs = (table.loc[(SERIES, "ALL", 1, who), "crps"] for who in ("model", "persistence"))
    assert skill.loc[(SERIES, "ALL", 1, "model", "persistence"), "skill"] == pytest.approx(1 - ours / theirs)
    assert (skill["skill_low"] <= skill["skill_high"]).all()
    least = skill["skill"].groupby(level=[0, 1, 2, 3]).min()
    best = skill.xs(evaluate.BEST, level="rival")["skill"].reindex(least.index)
    np.testing.assert_allclose(best, least)


@pytest.mark.slow
def test_first_origin_is_pooled_half_of_the_model_and_half_of_the_rivals(finished) -> None:
    *_, found = finished
    day, table = found.tables[0]
    assert day == DAYS[0]
    assert table[SERIES][TOTAL][1] == {pool.MODEL: 0.5, **dict.fromkeys(rivals.RIVALS, 0.125)}


@pytest.mark.slow
def test_pages_and_tables_in_both_languages(finished, plan, figures, tmp_path: Path) -> None:
    *_, forecasts, found = finished
    digests = {"model": "m" * 64, "data": "d" * 64}
    tables = output.write_tables(found, plan, digests, tmp_path)
    assert {path.name for path in tables} == {"points.csv", "scores.csv", "skill.csv", "coverage.csv", "backtest.json"}
    assert len(pd.read_csv(tmp_path / "points.csv")) == len(found.points)
    for lang, word in (("en", "Where the model loses"), ("es", "Dónde pierde el modelo")):
        page = report.pages(plan, 5, found, figures, forecasts, Texts(lang), digests)
        assert word in page
        assert page.count("<svg") == 3 + 2 + 1 + 2
        assert ("January 2023" if lang == "en" else "Enero de 2023") in page
        assert "{" not in page.split("</style>")[1]


# ---- plan and command


def test_the_corridors_plan_is_sound() -> None:
    built = load_model()
    from acuerdo.inference.observe import load_observables

    plan = load_plan(built.corridor, built.model, load_observables(built.corridor, built.model))
    assert len(plan.origins) >= 12
    assert {day.year for day in plan.origins} == {2021, 2022, 2023, 2024}
    assert plan.horizons == [1, 3, 6, 12]
    for one in plan.breaks:
        assert any(month_of(day) + 1 == pd.Period(one.month, "M") for day in plan.origins), one.month
    assert plan.at(["2023-04"]).origins == [date(2023, 4, 30)]
    with pytest.raises(InputError, match="nearest valid: 2023-04-30"):
        plan.at(["2023-05"])


# ---- the issued forecast


@pytest.fixture(scope="module")
def projector():
    from acuerdo.projection import make_projector

    return make_projector("2024-12", 15, 300, 1)


@pytest.fixture
def flat_rivals(monkeypatch: pytest.MonkeyPatch) -> Target:
    """Rivals that all say 1,000 to within a tenth, for one target."""
    target = Target(SERIES, "ALL")
    one = rivals.Predictive(np.full(120, np.log(1020.0)), np.full(120, 0.1), np.ones(121), 20.0, 1e6, True)
    monkeypatch.setattr(forecast, "fitted_rivals", lambda *_: {target: dict.fromkeys(rivals.RIVALS, one)})
    return target


def _weights_file(projector, **weights: float) -> WeightsFile:
    table = {SERIES: {TOTAL: {1: weights, 12: weights}}}
    return WeightsFile(str(projector.posterior.notes["model_digest"]), [(DAYS[0], table)], table)


@pytest.mark.model
def test_an_issue_mixes_model_and_rivals_and_keeps_the_models_own_curve(projector, flat_rivals) -> None:
    ensemble = projector.run()
    issued = forecast.issue(projector, ensemble, (), _weights_file(projector, model=0.25, ets=0.75))
    mixed, own = issued.ensemble.observed[SERIES]["ALL"], ensemble.observed[SERIES]["ALL"]
    assert mixed.shape == own.shape
    assert np.mean((mixed == own).all(axis=0)) == pytest.approx(0.25, abs=0.01)
    assert np.mean(mixed < 2000) == pytest.approx(0.75 + 0.25 * np.mean(own < 2000), abs=0.05)
    assert issued.ensemble.observed[SERIES]["VEN"] is ensemble.observed[SERIES]["VEN"]
    found = to_dataset(projector, ensemble, (), issued)
    assert "model w=0.25, ets w=0.75" in found[SERIES].attrs["method"]
    assert found.attrs["combined"] == "combined: 1 series"
    plain = to_dataset(projector, ensemble)
    np.testing.assert_array_equal(found[f"{SERIES}.model"].values, plain[SERIES].values)
    assert found[f"{SERIES}.model"].attrs["kind"] == "model"
    assert set(to_table(found)["kind"]) == {"observable", "outcome", "model"}
    assert (found[SERIES].sel(origin="ALL", statistic="q50") < plain[SERIES].sel(origin="ALL", statistic="q50")).all()


@pytest.mark.model
def test_levers_act_through_the_model_in_a_combined_forecast(projector, flat_rivals) -> None:
    held = _weights_file(projector, model=0.5, ets=0.5)
    wanted = collect({"consequence_share": 0.0}, None)
    base, scenario = projector.run(), projector.run(wanted)
    before = forecast.issue(projector, base, (), held).ensemble.observed[SERIES]["ALL"]
    after = forecast.issue(projector, scenario, wanted, held).ensemble.observed[SERIES]["ALL"]
    a, b = base.observed[SERIES]["ALL"], scenario.observed[SERIES]["ALL"]
    offset = projector.observables[SERIES].offset
    ratio = (b + offset) / (a + offset)
    assert not np.allclose(ratio, 1)
    np.testing.assert_allclose(after, np.maximum((before + offset) * ratio - offset, 0), atol=0.51)
    whole = (before == a).all(axis=0)
    np.testing.assert_allclose(after[:, whole], b[:, whole], atol=0.51)


@pytest.mark.model
def test_a_forecast_that_cannot_be_combined_says_why(projector, flat_rivals) -> None:
    ensemble = projector.run()
    held = _weights_file(projector, model=1.0)
    stranger = WeightsFile("other", held.tables, held.final)
    late = WeightsFile(held.model_digest, [(date(2030, 1, 1), held.final)], held.final)
    for one, words in ((stranger, "another version of the model"), (late, "no weights had been learned by 2024-12-31")):
        issued = forecast.issue(projector, ensemble, (), one)
        assert words in issued.status
        assert issued.notes == {}
        assert issued.ensemble is ensemble


def test_rivals_of_an_issue_round_trip_and_belong_to_their_view(tmp_path: Path, plan, figures, observables) -> None:
    small = plan.model_copy(update={"series": {DEATHS: ["area_box"]}, "headline": [DEATHS], "bar": []})
    month = month_of(DAYS[2])
    fitted = forecast.fit_rivals(figures.as_of(DAYS[2]), observables, small, month)
    path = tmp_path / "rivals.nc"
    forecast.save_rivals(path, fitted, "key")
    found = forecast.load_rivals(path, "key", observables)
    assert found is not None
    assert forecast.load_rivals(path, "another", observables) is None
    target = Target(DEATHS, "area_box")
    for name, one in fitted[target].items():
        np.testing.assert_allclose(found[target][name].draw(24, 50, 1, "x"), one.draw(24, 50, 1, "x"), atol=1.01)
    path.write_bytes(path.read_bytes()[:300])
    assert forecast.load_rivals(path, "key", observables) is None
