"""The scorecard: known cases, what a day may know, agreement of coders, targets, and the words for it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from acuerdo import corridor as corridors
from acuerdo.cli import app
from acuerdo.corridor import Corridor
from acuerdo.dialogue import target as targets
from acuerdo.dialogue.agreement import agreement
from acuerdo.dialogue.dossier import Commitment, Dossier, Evidence, Measure, Score, Source, load_dossier
from acuerdo.dialogue.dossier import Test as OperationalTest
from acuerdo.dialogue.outcome import Outcome, outcome, revisions, same_month_before
from acuerdo.dialogue.scorecard import ROADS, Attribution, Row, Scorecard, chances_of, scorecard
from acuerdo.dialogue.wording import ScoreWords, chance_words, record
from acuerdo.figures.store import Figures
from acuerdo.i18n import Texts
from acuerdo.inference.observe import Observable

TALKS = date(2023, 9, 29)
YEAR_END = date(2024, 12, 31)
CROSSINGS = Measure(series="us.encounters.between_ports", better="lower")
DEATHS = Measure(series="us.overdose_deaths.all.12m", member="predicted", counted="reported", better="lower")


@pytest.fixture(scope="module")
def pair() -> Corridor:
    return corridors.load("us_mexico")


@pytest.fixture(scope="module")
def dossier(pair: Corridor) -> Dossier:
    return load_dossier(pair)


@pytest.fixture(scope="module")
def figures(pair: Corridor) -> Figures:
    return Figures.open(pair)


@pytest.fixture(scope="module")
def cards(dossier: Dossier, figures: Figures) -> dict[date, Scorecard]:
    return {day: scorecard(dossier, figures, day) for day in (TALKS, YEAR_END)}


def found(value: object) -> Outcome:
    assert isinstance(value, Outcome), value
    return value


# --- the real dossier -------------------------------------------------------------------------------------------------


def test_tests_are_written_before_scores_and_scores_rest_on_evidence(dossier: Dossier) -> None:
    tests = {one.id: one.test for one in dossier.commitments if one.test is not None}
    assert len(tests) >= 60
    assert len({score.commitment for score in dossier.scores}) >= 40
    for score in dossier.scores:
        assert tests[score.commitment].written <= score.coded
        assert score.evidence
        assert set(score.note) == {"en", "es"}


def test_evidence_is_of_the_record(dossier: Dossier) -> None:
    """Evidence is what the dossier already cites, up to a few pages read for the scores alone."""
    cited = {
        source.address
        for group in (dossier.commitments, dossier.meetings, dossier.statements)
        for one in group
        for source in [*one.sources, *getattr(one, "later_sources", [])]
    }
    fresh = {one.address for score in dossier.scores for one in score.evidence} - cited
    assert len(fresh) <= 4, sorted(fresh)


def test_one_coder_is_said_to_be_one(cards: dict[date, Scorecard], pair: Corridor, figures: Figures) -> None:
    card = cards[YEAR_END]
    assert (card.agreement.coders, card.agreement.both, card.agreement.kappa) == (1, 0, None)
    assert "One independent coder" in ScoreWords(Texts("en", pair), figures.catalogue).agreement(card)


def test_denominator_counts_every_commitment(cards: dict[date, Scorecard], dossier: Dossier) -> None:
    for day, card in cards.items():
        known = [one for one in dossier.commitments if one.known_from <= day]
        assert card.tally().total == len(known) == sum(one.total for one in card.tallies())
        assert all(row.reason for row in card.rows if row.status == "not_scored")
        assert not any(row.reason for row in card.rows if row.status != "not_scored")


def test_plain_cases_of_delivery(cards: dict[date, Scorecard]) -> None:
    status = {row.promise.id: row.status for row in cards[YEAR_END].rows}
    assert status["hi22-otay"] == "failed"  # promised for 2024, put off
    assert status["de23-meet"] == "delivered"
    assert status["he23-semi"] == "in_progress"
    assert status["bi24-steps"] == "not_scored"  # its text is not public
    (stopped,) = [row for row in cards[YEAR_END].rows if row.promise.id == "ju23-deport"]
    assert [view.delivery for view in stopped.views] == [0]  # stopped for a month, then resumed


# --- what a day may know ----------------------------------------------------------------------------------------------


def view_keys(row: Row) -> set[tuple[str, date]]:
    return {(view.by, view.published) for view in row.views}


def test_two_days_differ_only_by_what_was_published_between(cards: dict[date, Scorecard], dossier: Dossier) -> None:
    early = {row.promise.id: row for row in cards[TALKS].rows}
    late = {row.promise.id: row for row in cards[YEAR_END].rows}
    assert set(early) <= set(late)
    assert {late[name].promise.known_from > TALKS for name in set(late) - set(early)} == {True}
    between = {one.commitment for one in dossier.scores if TALKS < one.published <= YEAR_END}
    changed = {name for name, row in early.items() if view_keys(row) != view_keys(late[name])}
    assert changed == between & set(early)
    for name in set(early) - between:
        assert (early[name].status, early[name].reason) == (late[name].status, late[name].reason)
    assert all(view.published <= TALKS for row in early.values() for view in row.views)


@settings(deadline=None)
@given(day=st.dates(date(2021, 6, 1), date(2025, 1, 31)))
def test_later_records_leave_an_earlier_day_alone(dossier: Dossier, day: date) -> None:
    past = replace(
        dossier,
        commitments=[one for one in dossier.commitments if one.known_from <= day],
        scores=[one for one in dossier.scores if one.published <= day],
    )
    assert dossier.as_of(day).scores == past.as_of(day).scores == past.scores
    assert dossier.as_of(day).commitments == past.as_of(day).commitments


def test_figures_of_a_day_were_public(cards: dict[date, Scorecard], figures: Figures) -> None:
    for day, card in cards.items():
        view = figures.as_of(day)
        for row in card.rows:
            for one in row.indicators:
                if isinstance(one.outcome, Outcome):
                    rows = view.frame(one.measure.series, None, [one.measure.member])
                    assert pd.Timestamp(one.outcome.latest.end) in set(rows["end"])
                    assert rows["published"].max() <= pd.Timestamp(day)


# --- known cases of the figures ---------------------------------------------------------------------------------------


def test_deaths_fell_from_2023_to_2024(figures: Figures) -> None:
    """110,037 in 2023 and 80,391 in 2024 by the first copies, 27 per cent less; later copies lie close."""
    change = found(outcome(figures, DEATHS, date(2023, 12, 31)))
    assert change.latest.end == YEAR_END
    assert change.change == pytest.approx(-0.26, abs=0.02)
    assert change.change_interval is not None
    assert change.change_interval[1] < 0
    assert change.move == "toward"


def test_deaths_before_the_publication_carry_an_interval_for_late_reports(figures: Figures) -> None:
    seen = found(outcome(figures.as_of(YEAR_END), DEATHS, date(2023, 10, 5)))
    assert seen.latest.end == date(2024, 7, 31)
    assert seen.latest.low < seen.latest.value < seen.latest.high
    assert seen.latest.low == 90_157  # what had been counted
    assert seen.latest.low <= 94_100 <= seen.latest.high  # the figure of a later copy
    assert 0 < revisions(figures, DEATHS, "twelve_months") < 0.03


def test_record_of_december_2023_after_the_agreement_of_september(figures: Figures) -> None:
    agreed = date(2023, 9, 22)
    before = found(outcome(figures.as_of("2023-12-31"), CROSSINGS, agreed))
    assert before.highest is None
    after = found(outcome(figures.as_of("2024-01-31"), CROSSINGS, agreed))
    assert after.highest == pd.Period("2023-12", "M")
    assert after.path["value"].iloc[-1] == pytest.approx(249_740, rel=1e-3)
    assert after.path["value"].iloc[-1] > after.path["before"].iloc[-1]


def test_end_of_title_42_dip_and_return(figures: Figures) -> None:
    path = found(outcome(figures.as_of(TALKS), CROSSINGS, date(2023, 5, 11))).path
    assert [str(month) for month in path["month"]] == ["2023-06", "2023-07", "2023-08"]
    june, july, august = path["value"]
    assert june < july < august
    assert june < 0.6 * path["before"].iloc[0]
    assert august > 0.95 * path["before"].iloc[-1]


def test_asylum_applications_in_mexico_fell_in_2024(figures: Figures) -> None:
    whole = found(outcome(figures, Measure(series="mexico.asylum_applications", better="lower"), date(2023, 12, 31)))
    assert (whole.basis, whole.latest.end, whole.move) == ("years", YEAR_END, "toward")
    part = found(outcome(figures.as_of(YEAR_END), Measure(series="mexico.asylum_applications"), date(2023, 7, 26)))
    assert (part.basis, part.latest.end, part.baseline.end) == ("year_to_date", date(2024, 11, 30), date(2022, 11, 30))
    assert part.change is not None
    assert part.change < -0.3


def test_no_figure_since_and_no_baseline_are_said(figures: Figures) -> None:
    assert outcome(figures.as_of(TALKS), CROSSINGS, TALKS) == "nothing_since"
    assert outcome(figures, Measure(series="us.cbp_one_processed"), date(2023, 1, 5)) == "no_baseline"
    assert outcome(figures.as_of("2001-01-01"), DEATHS, date(2000, 1, 1)) == "no_figures"


@given(since=st.integers(0, 600), ahead=st.integers(1, 400))
def test_comparison_is_with_the_same_month_of_the_year_before_the_meeting(since: int, ahead: int) -> None:
    made = pd.Period("2000-01", "M") + since
    before = same_month_before(made + ahead, made)
    assert before.month == (made + ahead).month
    assert made - 12 <= before < made


# --- targets and chances ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("due", "last"), [(date(2024, 12, 31), "2024-12"), (date(2024, 12, 30), "2024-11"), (date(2024, 2, 29), "2024-02")]
)
def test_deciding_months_end_by_the_due_date(due: date, last: str) -> None:
    months = targets.deciding_months(due)
    assert (len(months), str(months[-1])) == (12, last)


def test_target_of_homicides_is_open_and_then_met(dossier: Dossier, figures: Figures) -> None:
    (promise,) = [one for one in dossier.commitments if one.id == "hs21-homicide"]
    (measure,) = promise.measures
    early = targets.deadline(figures.as_of(TALKS), promise, measure)
    late = targets.deadline(figures, promise, measure)
    assert early is not None
    assert late is not None
    assert (early.state, early.value, early.mark) == ("open", None, early.baseline)
    assert late.state == "met"
    assert late.value is not None
    assert late.value < late.mark


def test_only_open_targets_get_a_chance(dossier: Dossier, figures: Figures) -> None:
    names = [promise.id for promise, _, _ in targets.open_targets(figures.as_of(TALKS), dossier.commitments)]
    assert names == ["hs21-homicide", "hs22-112"]
    assert targets.open_targets(figures, dossier.commitments) == []
    assert chances_of(dossier, figures, None) == {}  # and then the model is not run


def homicide_target(dossier: Dossier, view: Figures) -> tuple[Measure, targets.Deadline]:
    """The target on homicides and how it stands in a view."""
    (promise,) = [one for one in dossier.commitments if one.id == "hs21-homicide"]
    standing = targets.deadline(view, promise, promise.measures[0])
    assert standing is not None
    return promise.measures[0], standing


def projected(figures: Figures, low: float, high: float) -> tuple[Any, Any]:
    """A projection of homicides with half of the draws at each of two levels."""
    months = pd.period_range("2023-10", "2024-12", freq="M")
    draws = np.tile(np.repeat([low, high], 50), (len(months), 1))
    fitted = {"homicides": np.full((12, 100), 2400.0)}
    item = Observable(series="mexico.homicides", variable="homicides", noise=(0.1, 0.2, 0.3))
    built = SimpleNamespace(model=None)
    posterior = SimpleNamespace(recent=fitted)
    projector = SimpleNamespace(draws=100, observables={item.series: item}, built=built, posterior=posterior)
    return projector, SimpleNamespace(months=months, observed={"mexico.homicides": {"ALL": draws}})


@pytest.mark.parametrize(
    ("low", "high", "share"), [(2000.0, 3500.0, 0.5), (2000.0, 2100.0, 1.0), (3500.0, 3600.0, 0.0)]
)
def test_chance_is_the_share_of_draws(
    dossier: Dossier, figures: Figures, low: float, high: float, share: float
) -> None:
    view = figures.as_of(TALKS)
    measure, standing = homicide_target(dossier, view)
    projector, ensemble = projected(figures, low, high)
    one = targets.chance(projector, ensemble, view, measure, standing)
    assert one is not None
    assert (one.probability, one.draws, one.known) == (share, 100, 0)
    assert one.low <= share <= one.high


def test_public_months_are_taken_as_printed(dossier: Dossier, figures: Figures) -> None:
    view = figures.as_of("2024-06-30")
    measure, standing = homicide_target(dossier, view)
    projector, ensemble = projected(figures, 2000.0, 3500.0)
    one = targets.chance(projector, ensemble, view, measure, standing)
    assert one is not None
    assert one.known == 5


def test_months_of_the_record_that_are_not_public_yet_are_the_fitted_ones(dossier: Dossier, figures: Figures) -> None:
    view = figures.as_of(TALKS)
    measure, standing = homicide_target(dossier, view)
    projector, ensemble = projected(figures, 2000.0, 3500.0)
    ahead = ensemble.observed["mexico.homicides"]["ALL"][6:]  # the record ends in March 2024
    ensemble.months, ensemble.observed = ensemble.months[6:], {"mexico.homicides": {"ALL": ahead}}
    shares = []
    for fitted in (2400.0, 20_000.0):
        projector.posterior.recent["homicides"] = np.full((12, 100), fitted)
        one = targets.chance(projector, ensemble, view, measure, standing)
        assert one is not None
        assert one.known == 0
        shares.append(one.probability)
    assert shares == [0.5, 0.0]


def test_no_chance_where_the_projection_lacks_a_deciding_month(dossier: Dossier, figures: Figures) -> None:
    view = figures.as_of(TALKS)
    measure, standing = homicide_target(dossier, view)
    projector, ensemble = projected(figures, 2000.0, 3500.0)
    ensemble.months = ensemble.months[:-1]
    ensemble.observed = {"mexico.homicides": {"ALL": ensemble.observed["mexico.homicides"]["ALL"][:-1]}}
    assert targets.chance(projector, ensemble, view, measure, standing) is None


def test_a_chance_is_never_printed_as_certain(pair: Corridor) -> None:
    texts = Texts("en", pair)
    assert chance_words(targets.Chance(1.0, 0.99, 1.0, 400, 0), texts) == ">99.8%"
    assert chance_words(targets.Chance(0.0, 0.0, 0.01, 400, 0), texts) == "<0.3%"
    assert chance_words(targets.Chance(0.625, 0.6, 0.65, 400, 0), texts) == "62%"


@pytest.mark.model
@pytest.mark.slow
def test_chances_of_september_2023(dossier: Dossier, figures: Figures) -> None:
    found = chances_of(dossier, figures, TALKS, draws=200)
    assert set(found) == {("hs21-homicide", 0), ("hs22-112", 0)}
    for one in found.values():
        assert 0 <= one.low <= one.probability <= one.high <= 1
        assert (one.draws, one.known) == (200, 0)


# --- coders -----------------------------------------------------------------------------------------------------------


def score(name: str, by: str, delivery: int, day: date = TALKS) -> Score:
    return Score(
        commitment=name,
        by=by,
        published=day,
        coded=date(2026, 11, 24),
        delivery=delivery,
        evidence=[Evidence(title="Paper", address="press.example/paper", type="P")],
        note={"en": "seen", "es": "visto"},
    )


def promise(name: str, tested: bool = True) -> Commitment:
    words = {"en": "seen to be done", "es": "consta como hecho"}
    return Commitment(
        id=name,
        dialogue="economic",
        made=TALKS - timedelta(days=400),
        known_from=TALKS - timedelta(days=400),
        owner="both",
        text={"en": "Meet.", "es": "Reunirse."},
        kind="action",
        test=OperationalTest(written=date(2026, 11, 24), passes=words, changes=words) if tested else None,
        sources=[Source(address="press.example/promise", type="P")],
        mark="read",
    )


def card_of(dossier: Dossier, figures: Figures, promises: Sequence[Commitment], scores: Sequence[Score]) -> Scorecard:
    made = Dossier(dossier.dialogues, [], [], [], list(promises), list(scores))
    return scorecard(made, figures, TALKS)


def test_kappa_of_a_known_table() -> None:
    """Cohen's kappa of [[20, 5], [10, 15]] is 0.4."""
    cells = {(1, 1): 20, (1, 0): 5, (0, 1): 10, (0, 0): 15}
    scores, number = [], 0
    for (first, second), count in cells.items():
        for _ in range(count):
            number += 1
            scores += [score(f"p{number}", "coder_1", first), score(f"p{number}", "coder_2", second)]
    scores += [score("alone", "coder_1", -1), score("p1", "us", -1)]  # neither counts
    one = agreement(scores)
    assert (one.coders, one.both, one.same) == (2, 50, 35)
    assert one.kappa == pytest.approx(0.4)
    assert one.low is not None
    assert one.high is not None
    assert one.low < 0.4 < one.high


def test_kappa_is_not_made_up_where_there_is_none() -> None:
    assert agreement([score("a", "coder_1", 1), score("b", "coder_2", 1)]).kappa is None
    flat = agreement([score("a", "coder_1", 1), score("a", "coder_2", 1)])
    assert (flat.both, flat.same, flat.kappa) == (1, 1, None)


def test_disagreement_is_shown_and_never_averaged(dossier: Dossier, figures: Figures, pair: Corridor) -> None:
    scores = [score("p", "coder_1", 1), score("p", "coder_2", -1), score("p", "us", 1)]
    card = card_of(dossier, figures, [promise("p")], scores)
    (row,) = card.rows
    assert (row.status, row.differ) == ("disputed", True)
    assert card.tally().scored == 0
    assert card.tally().mean is None
    lines = ScoreWords(Texts("en", pair), figures.catalogue).views(row)
    assert len(lines) == 3
    assert any("Independent coder 2: −1" in line for line in lines)
    assert any(line.startswith("United States: +1") for line in lines)


@pytest.mark.parametrize(
    ("tested", "by", "status", "reason"),
    [
        (True, ["coder_1"], "delivered", ""),
        (True, ["us", "mexico"], "not_scored", "no_independent_coder"),
        (True, [], "not_scored", "no_evidence"),
        (False, [], "not_scored", "no_test"),
    ],
)
def test_not_scored_is_a_result_with_its_reason(
    dossier: Dossier, figures: Figures, tested: bool, by: list[str], status: str, reason: str
) -> None:
    (row,) = card_of(dossier, figures, [promise("p", tested)], [score("p", one, 1) for one in by]).rows
    assert (row.status, row.reason) == (status, reason)


def test_last_score_of_a_coder_holds(dossier: Dossier, figures: Figures) -> None:
    scores = [score("p", "coder_1", 1), score("p", "coder_1", -1, TALKS - timedelta(days=30))]
    (row,) = card_of(dossier, figures, [promise("p")], scores).rows
    assert [view.delivery for view in row.views] == [1]


# --- attribution ------------------------------------------------------------------------------------------------------


def road(series: str, member: str, since: date, day: date | None) -> Attribution | None:
    """A made-up road that answers for crossings only."""
    if series != CROSSINGS.series:
        return None
    months = pd.period_range("2023-10", "2024-11", freq="M")
    band = pd.DataFrame({"month": months, "q05": 150_000.0, "q50": 200_000.0, "q95": 250_000.0})
    return Attribution("model", "levers_held", "encounters", months[0], months[-1], 1e6, (2e6, 3e6, 4e6), "fall", band)


def test_roads_stand_side_by_side_and_a_missing_one_is_said(dossier: Dossier, figures: Figures, pair: Corridor) -> None:
    card = scorecard(dossier, figures, YEAR_END, roads={"model": road})
    (row,) = [row for row in card.rows if row.promise.id == "hs23-migration"]
    assert list(row.indicators[0].attribution) == list(ROADS)
    words = ScoreWords(Texts("en", pair), figures.catalogue)
    model, series = words.attribution(row.indicators[0])
    assert model.startswith(
        "Model: levers held as in the month of the agreement: 1,000,000 recorded against 3,000,000 without it"
    )
    assert series == "Series alone: not computed"


# --- output -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["en", "es"])
def test_command(lang: str) -> None:
    result = CliRunner().invoke(app, ["score", "--as-of", "2024-12", "--draws", "0", "--lang", lang])
    assert result.exit_code == 0, result.output
    assert {"en": "143 commitments: ", "es": "143 compromisos: "}[lang] in result.output
    assert {"en": "not computed", "es": "sin calcular"}[lang] in result.output
    assert "ju23-transport" in result.output


def test_command_as_json(cards: dict[date, Scorecard], figures: Figures, pair: Corridor) -> None:
    result = CliRunner().invoke(app, ["score", "--as-of", "2024-12-31", "--draws", "0", "--json"])
    data = json.loads(result.output)
    assert data == json.loads(json.dumps(record(cards[YEAR_END], ScoreWords(Texts("en", pair), figures.catalogue))))
    assert data["as_of"] == "2024-12-31"
    assert data["all"]["total"] == len(data["commitments"]) == 143
    (one,) = [row for row in data["commitments"] if row["id"] == "hs21-homicide"]
    assert one["indicators"][0]["target"]["state"] == "open"
    assert one["indicators"][0]["attribution"] == {"model": None, "statistical": None}
