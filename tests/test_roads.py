"""The model's road to attribution: the record again without measures, and what stands beside the series' answer."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from acuerdo import corridor as corridors
from acuerdo.attribution.questions import load_questions
from acuerdo.attribution.roads import ModelRoad, model_road
from acuerdo.cli import app
from acuerdo.errors import InputError
from acuerdo.figures.store import Figures
from acuerdo.packages import library
from acuerdo.replay import Recorded, changes

HOME = corridors.load()
DAY = date(2024, 12, 31)
pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def road() -> ModelRoad:
    return model_road(None, Figures.open(HOME))


@pytest.fixture(scope="module")
def record(road: ModelRoad) -> Recorded:
    return road._record(DAY)


def question(name: str):  # type: ignore[no-untyped-def]
    return next(one for one in load_questions(HOME) if one.id == name)


def test_nothing_taken_out_changes_nothing(record: Recorded) -> None:
    keep = ("encounters_between_ports_total",)
    np.testing.assert_array_equal(record.without([]).run(keep)[keep[0]], record.run(keep)[keep[0]])


def test_before_a_measure_the_record_is_the_same_without_it(record: Recorded) -> None:
    keep = ("encounters_between_ports_total", "waiting_in_mexico")
    without = record.without([library(HOME)["parole_and_returns_2023"]]).run(keep)
    before = record.months < pd.Period("2022-12")  # the month before may rush or wait for what is announced
    for name, values in record.run(keep).items():
        np.testing.assert_array_equal(values[before], without[name][before])
        assert not np.allclose(values[~before], without[name][~before], rtol=1e-3)


@pytest.mark.parametrize("name", ["parole-and-returns-2023", "enforcement-2024", "proclamation-2024"])
def test_restrictions_lower_crossing_in_the_model(road: ModelRoad, name: str) -> None:
    asked = question(name)
    months = pd.period_range(asked.post.first, asked.post.last, freq="M")
    found = road.ratio(asked, DAY, months)
    assert found is not None
    assert 0 < found.low <= found.mid <= found.high < 1


def test_no_answer_is_made_up(road: ModelRoad) -> None:
    months = pd.period_range("2024-08", periods=4, freq="M")
    assert road.ratio(question("darien-2024"), DAY, months) is None, "no lever stands for it"
    assert road.ratio(question("proclamation-2024"), date(2023, 9, 29), months) is None, "the record ends before it"
    assert road("us.safe_mobility", "ALL", date(2023, 9, 29), DAY) is None, "not in the model"


def test_levers_held_from_the_last_month_leave_nothing_to_compare(road: ModelRoad) -> None:
    assert road("us.encounters.between_ports", "ALL", DAY, DAY) is None


def test_totals_are_those_of_the_draws(road: ModelRoad) -> None:
    found = road("us.encounters.between_ports", "ALL", date(2023, 9, 29), DAY)
    assert found is not None
    low, middle, high = found.without
    assert low < middle < high
    # months move together only in part: narrower than the sums of the monthly ends
    assert low >= found.band["q05"].sum() * (1 - 1e-9)
    assert high <= found.band["q95"].sum() * (1 + 1e-9)


def test_what_a_measure_changed(record: Recorded) -> None:
    found = {one.outcome.name: one for one in changes(record, library(HOME)["appointments_2023"], 12)}
    assert found["lawful_share"].change.low > 0
    assert found["homicides"].recorded > 0
    with pytest.raises(InputError, match="a replay of a measure of the past"):
        changes(record, library(HOME)["double_asylum_decisions"])


def test_replay_by_command() -> None:
    made = CliRunner().invoke(
        app, ["packages", "replay", "enforcement_surge_2024", "--as-of", "2024-12", "--lang", "es"]
    )
    assert made.exit_code == 0, made.output
    assert "Encuentros entre puertos" in made.output
