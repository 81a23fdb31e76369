"""Attribution by the series alone: known answers, recovery, invariance, the rules, and what bad input gets."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acuerdo import corridor as corridors
from acuerdo.attribution import answer as answering
from acuerdo.attribution.answer import ALPHA, Test, answer, decisive, verdict
from acuerdo.attribution.counterfactual import counterfactual
from acuerdo.attribution.interval import Interval, compare
from acuerdo.attribution.page import page
from acuerdo.attribution.panel import Note, Panel
from acuerdo.attribution.questions import FILE, load_questions
from acuerdo.attribution.structural import structural
from acuerdo.attribution.synthetic import (
    across_units,
    difference_in_differences,
    simplex_weights,
    synthetic_control,
    synthetic_did,
)
from acuerdo.corridor import Corridor
from acuerdo.errors import InputError
from acuerdo.figures.store import Figures
from acuerdo.i18n import Texts

Test.__test__ = False  # a placebo test, not one of pytest's

DATA = Path(__file__).parent / "data"
HOME = corridors.load()


@pytest.fixture(scope="module")
def tobacco() -> tuple[np.ndarray, np.ndarray, list[str], int]:
    """Proposition 99: California, the other 38 states, their names, years before."""
    wide = pd.read_csv(DATA / "california_prop99.csv", index_col="Year")
    others = wide.drop(columns="California")
    return wide["California"].to_numpy(), others.to_numpy(), list(others), int((wide.index < 1989).sum())


@pytest.fixture(scope="module")
def figures() -> Figures:
    return Figures.open(HOME)


# --- known answers ---------------------------------------------------------------------------------------------------


def test_proposition_99_synthetic_control(tobacco) -> None:
    treated, donors, names, pre = tobacco
    made = synthetic_control(treated, donors, pre)
    assert made.effect == pytest.approx(-19.514, abs=2e-3)  # published: -19.6
    assert made.rmspe == pytest.approx(1.656, abs=1e-3)
    weights = dict(zip(names, made.weights, strict=True))
    known = {
        "Utah": 0.394,
        "Montana": 0.232,
        "Nevada": 0.205,
        "Connecticut": 0.109,
        "New Hampshire": 0.045,
        "Colorado": 0.015,
    }
    for name, weight in weights.items():
        assert weight == pytest.approx(known.get(name, 0.0), abs=6e-4), name


def test_proposition_99_synthetic_difference_in_differences(tobacco) -> None:
    treated, donors, _, pre = tobacco
    made = synthetic_did(treated, donors, pre)
    assert made.effect == pytest.approx(-15.605, abs=2e-3)  # published: -15.6
    assert made.time_weights is not None
    assert made.time_weights[-3:] == pytest.approx([0.366, 0.206, 0.427], abs=1e-3)
    assert made.time_weights[:-3] == pytest.approx(0.0, abs=1e-3)


def test_proposition_99_difference_in_differences(tobacco) -> None:
    treated, donors, _, pre = tobacco
    assert difference_in_differences(treated, donors, pre) == pytest.approx(-27.349, abs=1e-3)  # published: -27.3


def test_proposition_99_is_rare_among_its_placebos(tobacco) -> None:
    treated, donors, _, pre = tobacco
    own = synthetic_control(treated, donors, pre).ratio
    others = [one.ratio for one in across_units(donors, pre, synthetic_control)]
    assert (1 + sum(one >= own for one in others)) / 39 <= 3 / 39  # Abadie et al. with predictors: 1/39


def test_pysyncon_finds_no_better_weights(tobacco) -> None:
    """An independent package, given the outcomes before as its predictors, comes to the same fit."""
    from pysyncon import Synth

    treated, donors, _, pre = tobacco
    theirs, _ = Synth.w_optimize(np.eye(pre), donors[:pre], treated[:pre])
    ours = synthetic_control(treated, donors, pre)
    error = float(np.sqrt(np.mean((treated[:pre] - donors[:pre] @ theirs) ** 2)))
    assert ours.rmspe <= error + 1e-9
    assert error == pytest.approx(ours.rmspe, rel=0.01)
    assert ours.weights == pytest.approx(theirs, abs=0.02)


# --- weights: optimal, recovered, invariant --------------------------------------------------------------------------

SEEDS = st.integers(0, 10_000)


def _random(seed: int, periods: int = 20, units: int = 6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    donors = 50 + np.cumsum(rng.normal(size=(periods, units)), axis=0) * rng.uniform(0.5, 3, units)
    return donors @ rng.dirichlet(np.ones(units)) + rng.normal(0, 0.3, periods), donors


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.sampled_from([0.0, 0.7]))
def test_weights_are_optimal(seed: int, ridge: float) -> None:
    """The conditions of Karush, Kuhn and Tucker: no weight can be moved to another donor with gain."""
    target, donors = _random(seed)
    weights = simplex_weights(target, donors, ridge)
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1)
    slope = donors.T @ (donors @ weights - target) + ridge * weights
    used = weights > 1e-9
    scale = np.abs(donors.T @ donors).max() * 1e-9
    assert np.ptp(slope[used]) <= scale
    assert slope[~used].min(initial=np.inf) >= slope[used].min() - scale


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.permutations(range(6)))
def test_order_of_donors_does_not_matter(seed: int, order: list[int]) -> None:
    target, donors = _random(seed)
    for method in (synthetic_control, synthetic_did):
        made, shuffled = method(target, donors, 14), method(target, donors[:, order], 14)
        assert shuffled.weights == pytest.approx(made.weights[order], abs=1e-7)
        assert shuffled.effect == pytest.approx(made.effect, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.floats(1e-3, 1e6), st.floats(-1e3, 1e3))
def test_unit_and_origin_do_not_matter(seed: int, factor: float, shift: float) -> None:
    target, donors = _random(seed)
    for method in (synthetic_control, synthetic_did):
        made = method(target, donors, 14)
        moved = method(factor * target + shift, factor * donors + shift, 14)
        assert moved.weights == pytest.approx(made.weights, abs=1e-5)
        assert moved.effect == pytest.approx(factor * made.effect, abs=1e-5 * factor + 1e-5)


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.floats(-1e3, 1e3))
def test_with_an_intercept_the_level_of_each_unit_does_not_matter(seed: int, shift: float) -> None:
    target, donors = _random(seed)
    made = synthetic_control(target, donors, 14, intercept=True)
    moved = synthetic_control(target + shift, donors + np.arange(6) * shift, 14, intercept=True)
    assert moved.weights == pytest.approx(made.weights, abs=1e-5)
    assert moved.effect == pytest.approx(made.effect, abs=1e-5)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.floats(-20, 20))
def test_known_weights_and_effect_are_recovered(seed: int, effect: float) -> None:
    rng = np.random.default_rng(seed)
    donors = rng.normal(100, 10, (30, 5))
    weights = rng.dirichlet(np.ones(5))
    treated = donors @ weights
    treated[24:] += effect
    made = synthetic_control(treated, donors, 24)
    assert made.weights == pytest.approx(weights, abs=1e-6)
    assert made.effect == pytest.approx(effect, abs=1e-6)
    assert synthetic_did(treated + 7, donors, 24).effect == pytest.approx(effect, abs=8)


def test_a_donor_equal_to_the_treated_takes_all() -> None:
    _, donors = _random(3)
    assert simplex_weights(donors[:, 2], donors) == pytest.approx(np.eye(6)[2], abs=1e-9)


@pytest.mark.parametrize(
    ("donors", "pre", "field"),
    [(np.ones((10, 1)), 5, "donors"), (np.ones((9, 3)), 5, "donors"), (np.ones((10, 3)), 10, "pre")],
)
def test_panels_that_cannot_be_used_are_refused(donors: np.ndarray, pre: int, field: str) -> None:
    with pytest.raises(InputError) as refused:
        synthetic_control(np.ones(10), donors, pre)
    assert refused.value.field == field


# --- structural time series ------------------------------------------------------------------------------------------


def _walk(seed: int, months: int = 84, drift: float = 0.08) -> np.ndarray:
    rng = np.random.default_rng(seed)
    season = 0.3 * np.sin(2 * np.pi * np.arange(months) / 12)
    return np.exp(9 + np.cumsum(rng.normal(0, drift, months)) + season + rng.normal(0, 0.03, months))


def test_structural_recovers_a_known_effect() -> None:
    series = _walk(1, drift=0.02)
    series[72:] *= 0.5
    made = structural(series, 72, np.random.default_rng(0))
    ratio = Interval.of_draws(series[72:].sum() / made.total())
    assert ratio.holds(0.5)
    assert not ratio.holds(1.0)


def test_structural_follows_the_season() -> None:
    series = np.exp(9 + 0.5 * np.sin(2 * np.pi * np.arange(84) / 12) + np.random.default_rng(0).normal(0, 0.02, 84))
    made = structural(series, 72, np.random.default_rng(0))
    assert np.median(made.draws, axis=1) == pytest.approx(series[72:], rel=0.08)


def test_structural_follows_a_donor() -> None:
    donor = _walk(2, drift=0.2)
    series = 3 * donor**0.7 * np.exp(np.random.default_rng(5).normal(0, 0.02, len(donor)))
    alone = structural(series, 72, np.random.default_rng(0))
    led = structural(series, 72, np.random.default_rng(0), donor=donor)
    assert np.median(led.draws, axis=1) == pytest.approx(series[72:], rel=0.1)
    assert np.log(led.draws).std() < np.log(alone.draws).std()


def test_structural_scales_with_the_unit() -> None:
    series = _walk(3)
    small, large = (structural(series * factor, 72, np.random.default_rng(0)).draws for factor in (1, 1000))
    assert np.median(large, axis=1) == pytest.approx(1000 * np.median(small, axis=1), rel=0.02)


def test_structural_lives_with_gaps_and_sees_nothing_after() -> None:
    series = _walk(4)
    series[[5, 30, 31]] = np.nan
    made = structural(series, 72, np.random.default_rng(0)).draws
    assert np.isfinite(made).all()
    changed = series.copy()
    changed[72:] *= 100
    assert structural(changed, 72, np.random.default_rng(0)).draws == pytest.approx(made)


@pytest.mark.slow
def test_structural_intervals_hold_what_they_say() -> None:
    inside = []
    for seed in range(60):
        series = _walk(100 + seed)
        made = structural(series, 76, np.random.default_rng(seed), draws=400)
        inside.append(Interval.of_draws(made.total()).holds(series[76:].sum()))
    assert 0.78 <= np.mean(inside) <= 0.99  # 0.9 less what estimated variances cost, and chance in 60


# --- the rules -------------------------------------------------------------------------------------------------------


def _test(kind: str, p: float, placebos: int = 19) -> Test:
    return Test(kind, 1.0, pd.Series(np.zeros(placebos)), p)  # type: ignore[arg-type]


CLEAR = Interval(0.4, 0.5, 0.7)


def test_verdict_by_rule() -> None:
    good = [_test("units", 0.05), _test("time", 0.1)]
    assert verdict(CLEAR, good, poor=False)[0] == "fall"
    assert verdict(Interval(1.2, 1.5, 2.0), good, poor=False)[0] == "rise"
    for ratio, tests, poor, why in [
        (CLEAR, good, True, "poor_fit"),
        (CLEAR, [], False, "untested"),
        (CLEAR, [_test("time", 0.01, 5)], False, "untested"),
        (CLEAR, [_test("units", 0.05), _test("time", 0.2)], False, "placebo_time"),
        (CLEAR, [_test("units", 0.2), _test("time", 0.05)], False, "placebo_units"),
        (Interval(0.4, 0.7, 1.1), good, False, "interval_holds_one"),
    ]:
        word, note = verdict(ratio, tests, poor)
        assert (word, note.key) == ("not_distinguishable", why)


def test_two_tests_too_small_alone_are_one_together() -> None:
    small = [
        Test("units", 9.0, pd.Series(np.arange(8.0)), 1 / 9),
        Test("time", 9.0, pd.Series([1.0] * 7 + [20.0]), 2 / 9),
    ]
    assert all(test.smallest > ALPHA for test in small)
    (both,) = decisive(small)
    assert (both.kind, both.p) == ("both", pytest.approx(2 / 17))
    assert decisive([*small, _test("time", 0.05)]) != [both]


@pytest.mark.parametrize(
    ("one", "other", "none", "agree", "why"),
    [
        (Interval(-5, -3, -1), Interval(-4, -2, 1), 0.0, True, "overlap_same_sign"),
        (Interval(-5, -3, -2), Interval(-1, -0.5, 1), 0.0, False, "no_overlap"),
        (Interval(-5, -3, 1), Interval(-1, 2, 4), 0.0, False, "opposite_sign_neither_clear"),
        (Interval(-5, -3, -0.5), Interval(-1, 2, 4), 0.0, False, "opposite_sign"),
        (Interval(0.3, 0.5, 0.9), Interval(0.6, 0.8, 1.2), 1.0, True, "overlap_same_sign"),
        (Interval(0.3, 0.8, 1.2), Interval(0.6, 1.1, 1.2), 1.0, False, "opposite_sign_neither_clear"),
    ],
)
def test_agreement_of_the_two_roads(one: Interval, other: Interval, none: float, agree: bool, why: str) -> None:
    for found in (compare(one, other, none), compare(other, one, none)):
        assert (found.agree, found.why) == (agree, why)
    assert Texts("en", HOME).has(f"attribution.compare.{why}")


numbers = st.floats(-100, 100)


@given(st.tuples(numbers, numbers, numbers), st.tuples(numbers, numbers, numbers), st.floats(0.1, 50))
def test_agreement_is_symmetric_and_without_unit(
    one: tuple[float, ...], other: tuple[float, ...], factor: float
) -> None:
    first, second = Interval(*sorted(one)), Interval(*sorted(other))
    found = compare(first, second)
    assert compare(second, first).why == found.why
    assert compare(first, first).agree
    wide = [Interval(factor * i.low, factor * i.mid, factor * i.high) for i in (first, second)]
    if min(abs(value) for value in (*one, *other)) > 1e-6:
        assert compare(*wide).why == found.why


def test_intervals_are_checked() -> None:
    with pytest.raises(InputError, match="low <= mid <= high"):
        Interval(2, 1, 3)
    with pytest.raises(InputError, match="level"):
        compare(Interval(1, 2, 3, 0.9), Interval(1, 2, 3, 0.5))


# --- the method as a whole on panels with known truth ----------------------------------------------------------------


def _panel(seed: int, effect: float, months: int = 40, after: int = 5, units: int = 11) -> Panel:
    rng = np.random.default_rng(seed)
    factors = np.cumsum(rng.normal(0, 0.2, (months, 2)), axis=0)
    logs = factors @ rng.uniform(0.3, 1.5, (2, units)) + rng.normal(0, 0.12, (months, units)) + rng.normal(8, 1, units)
    logs[months - after :, 0] += effect
    index = pd.period_range("2019-01", periods=months, freq="M", name="month")
    values = pd.DataFrame(np.exp(logs), index=index, columns=[f"D{number}" for number in range(units)])
    return Panel(values["D0"], values.drop(columns="D0"), months - after, False, [])


@pytest.mark.parametrize("method", ["synthetic_control", "synthetic_did"])
def test_panel_methods_tell_an_effect_and_stay_silent_without(method: str) -> None:
    wrong, right, held = [], [], []
    for seed in range(40):
        none = answering._synthetic(_panel(seed, 0.0), method, "people")
        halved = answering._synthetic(_panel(seed, np.log(0.3)), method, "people")
        wrong.append(none.verdict != "not_distinguishable")
        right.append(halved.verdict == "fall")
        held.append(none.ratio.holds(1.0))
        assert halved.ratio.mid == pytest.approx(0.3 * none.ratio.mid, rel=1e-6)
    assert np.mean(wrong) <= 0.2  # 0.1 by design, and chance in 40
    assert np.mean(right) >= 0.5
    assert np.mean(held) >= 0.8


def test_path_adds_up() -> None:
    made = answering._synthetic(_panel(1, -1.0), "synthetic_control", "people")
    after = made.path.dropna(subset=["effect_q50"])
    assert len(after) == 5
    assert made.total.mid == pytest.approx(after["effect_q50"].sum())
    assert made.ratio.mid == pytest.approx(after["observed"].sum() / after["q50"].sum())
    assert (after["q05"] <= after["q50"]).all()
    assert (after["q50"] <= after["q95"]).all()
    assert (after["effect_q05"] <= after["effect_q95"]).all()
    assert made.path.attrs == {"unit": "people", "level": 0.9}


# --- questions -------------------------------------------------------------------------------------------------------


def test_every_question_is_valid_and_has_words_for_all() -> None:
    questions = load_questions(HOME)
    assert len(questions) >= 10
    assert {question.post.first[:4] for question in questions} >= {"2019", "2022", "2023", "2024"}


def _corridor_with(tmp_path: Path, text: str) -> Corridor:
    for name in ("figures", "model", "packages"):
        (tmp_path / name).symlink_to(HOME.path(name))
    (tmp_path / FILE).write_text(text, encoding="utf-8")
    return Corridor(HOME.name, tmp_path, HOME.about)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "series: us.encounters.between_ports",
            "series: us.encounters.betwen_ports",
            "nearest valid: us.encounters.betw",
        ),
        ("treated: [ECU]", "treated: [ECUA]", "nearest valid: ECU"),
        ("name: mex_visa,", "name: mex_vissa,", "nearest valid: mex_visa"),
        ("date: 2021-09-04", "date: 2021-09-05", "2021-09-04"),
        ("to: 2021-08}", "to: 2021-10}", "before the window after begins"),
        ("to: 2021-08}", "to: 2021-8}", "pre.to"),
        ("members: [MEX, GTM, HND, SLV, NIC, CUB, VEN, COL, OTH]", "members: [MEX, ECU, HND]", "not treated"),
        ("members: [MEX, GTM, HND, SLV, NIC, CUB, VEN, COL, OTH]", "members: [MEX]", "three or more donors"),
        ("methods: [synthetic_control,", "methods: [synthetic_kontrol,", "nearest valid: synthetic_control"),
        ("  treated: [ECU]\n", "", "treated"),
        ("packages: [visa_ecuador_2021]", "packages: [visa_ecuador_2012]", "nearest valid: visa_ecuador_2021"),
    ],
)
def test_a_malformed_question_is_refused_with_its_line(tmp_path: Path, old: str, new: str, says: str) -> None:
    text = HOME.path(FILE).read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(InputError) as refused:
        load_questions(_corridor_with(tmp_path, text.replace(old, new, 1)))
    assert says in str(refused.value)
    assert f"{FILE}, line " in str(refused.value)


def test_a_repeated_id_is_refused(tmp_path: Path) -> None:
    text = HOME.path(FILE).read_text(encoding="utf-8")
    with pytest.raises(InputError, match="that no other question has"):
        load_questions(_corridor_with(tmp_path, text.replace("id: venezuela-2022", "id: darien-2024")))


def test_a_corridor_without_questions_has_none(tmp_path: Path) -> None:
    assert load_questions(Corridor("other", tmp_path, {})) == []


# --- answers from the figures ----------------------------------------------------------------------------------------


def _ask(name: str, figures: Figures, as_of: str | None = None, **options: int) -> answering.Answer:
    question = next(one for one in load_questions(HOME) if one.id == name)
    return answer(question, figures.as_of(as_of), **options)


@pytest.mark.parametrize(
    ("name", "as_of"),
    [("precursor-control-2024", None), ("asylum-applications-2024", None), ("enforcement-2024", "2023-09-29")],
)
def test_what_cannot_be_answered_says_why(figures: Figures, name: str, as_of: str | None) -> None:
    found = _ask(name, figures, as_of)
    assert (found.verdict, found.why.key, found.estimates) == ("cannot_be_answered", "too_short", [])
    assert json.dumps(found.record(Texts("es", HOME)), allow_nan=False)


def test_parole_and_returns_of_january_2023(figures: Figures) -> None:
    found = _ask("parole-and-returns-2023", figures)
    assert found.verdict == "fall"
    assert found.estimates[0].ratio.high < 0.3
    assert found.estimates[0].weights is not None
    assert found.estimates[0].weights.sum() == pytest.approx(1)
    assert all(one.ratio.mid < 0.3 for one in found.estimates)


def test_an_answer_uses_only_what_was_published(figures: Figures) -> None:
    """Two months of the window were public on that day; neither later months nor later prints enter."""
    day = "2023-04-30"
    view = figures.as_of(day)
    found = _ask("parole-and-returns-2023", figures, day)
    assert found.estimates[0].path.index[-1] == pd.Period("2023-03", "M")
    assert "cut_short" in [note.key for note in found.notes]
    rows = figures._rows.copy()
    rows.loc[rows["published"] > pd.Timestamp(day), "value"] *= 9
    changed = _ask("parole-and-returns-2023", Figures(rows, figures.catalogue), day)
    assert view.day is not None
    assert changed.record(Texts("en", HOME)) == found.record(Texts("en", HOME))


def test_the_same_seed_gives_the_same_numbers(figures: Figures) -> None:
    one, two, other = (_ask("transit-visa-peru-2024", figures, seed=seed).estimates[-1].ratio for seed in (1, 1, 2))
    assert one == two
    assert one != other
    assert one.mid == pytest.approx(other.mid, rel=0.1)


@pytest.mark.slow
def test_end_of_title_42_has_a_dip_and_a_return(figures: Figures) -> None:
    whole, dip = (_ask(name, figures).estimates[0] for name in ("title42-end-2023", "title42-end-2023-dip"))
    assert dip.ratio.mid < 0.85 < whole.ratio.mid < 1.1
    june, december = (whole.path.loc[pd.Period(month, "M")] for month in ("2023-06", "2023-12"))
    assert june["observed"] < 0.7 * june["q50"]
    assert december["observed"] > december["q50"]


def test_counterfactual_of_a_series(figures: Figures) -> None:
    made = counterfactual("us.encounters.between_ports", "2024-01", figures=figures)
    assert made.reason is None
    assert made.path is not None
    assert list(made.path.columns) == ["observed", "q05", "q50", "q95"]
    assert made.path.index[0] == pd.Period("2024-01", "M")
    assert (made.path["q05"] < made.path["q95"]).all()
    assert 0.5 <= made.coverage <= 1


@pytest.mark.parametrize(
    ("series", "since", "as_of", "member", "why"),
    [
        ("us.encounters.between_ports", "2024-01", "2023-09-29", "ALL", "too_short"),
        ("us.court_receipts", "2020-01", None, "ALL", "too_short"),
        ("panama.darien_transits", "2021-06", None, "ALL", "too_little_before"),
        ("us.encounters.between_ports", "2023-01", None, "HTI", "zeros"),
    ],
)
def test_counterfactual_says_why_there_is_none(
    figures: Figures, series: str, since: str, as_of: str | None, member: str, why: str
) -> None:
    made = counterfactual(series, since, member, as_of, figures)
    assert made.path is None
    assert made.reason is not None
    assert made.reason.key == why
    assert made.reason.say(Texts("en", HOME))


def test_counterfactual_refuses_what_is_not_there(figures: Figures) -> None:
    with pytest.raises(InputError, match="nearest valid"):
        counterfactual("us.encounter", "2023-01", figures=figures)
    with pytest.raises(InputError, match="member"):
        counterfactual("us.encounters.between_ports", "2023-01", "XXX", figures=figures)
    with pytest.raises(InputError, match="YYYY-MM"):
        counterfactual("us.encounters.between_ports", "2023", figures=figures)


# --- words, page, command line ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["en", "es"])
def test_page_shows_picture_placebos_and_weights(figures: Figures, lang: str) -> None:
    texts = Texts(lang, HOME)
    found = [_ask(name, figures) for name in ("parole-and-returns-2023", "precursor-control-2024")]
    html = page(found, figures.catalogue, texts, None)
    assert html.count("<svg") == 3 + 2 + 2 + 2  # paths; two tests each, none for the structural method; weights
    assert texts.pick(found[0].question.title) in html
    assert texts.t("attribution.label.weights") in html
    assert not re.search(r"\bnan\b", html, re.IGNORECASE)
    assert "{" not in html.split("</style>")[1].split("<svg")[0]


@pytest.mark.parametrize("lang", ["en", "es"])
def test_every_reason_has_words(lang: str) -> None:
    texts = Texts(lang, HOME)
    for kind in ("time", "units", "both"):
        assert Note(f"placebo_{kind}", {"p": 0.2, "placebos": 9}).say(texts)
    for word in ("fall", "rise", "not_distinguishable", "cannot_be_answered"):
        assert texts.t(f"attribution.verdict.{word}")


def _acuerdo(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "acuerdo.cli", *args], capture_output=True, text=True, check=False)


def test_command_line(tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    made = _acuerdo("attribution", "parole-and-returns-2023", "--as-of", "2023-09-29", "--json", "--out", str(out))
    assert made.returncode == 0, made.stderr
    (record,) = json.loads(made.stdout)
    assert record["verdict"] == "fall"
    assert record["estimates"][0]["ratio"]["level"] == 0.9
    assert record["as_of"] == "2023-09-29"
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_command_line_refuses_an_unknown_question() -> None:
    made = _acuerdo("attribution", "parole-and-return-2023")
    assert made.returncode == 2
    assert made.stdout == ""
    assert len(made.stderr.strip().splitlines()) == 1
    assert "nearest valid: parole-and-returns-2023" in made.stderr


def test_machinery_names_no_side() -> None:
    folder = Path(answering.__file__).parent
    names = {words[lang].lower() for words in HOME.about["sides"].values() for lang in ("en", "es")}
    for path in [*folder.rglob("*.py"), *folder.rglob("*.j2")]:
        text = path.read_text(encoding="utf-8").lower()
        assert not [name for name in names if name in text], path
