"""Futures and downloads on the board's API: the same numbers as the rest of the project, in files that can be opened."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

import board_app
from acuerdo.board.api import RunAnswer
from acuerdo.board.desk import Desk
from acuerdo.priorities.batch import Batch
from acuerdo.scenario import Setting

pytestmark = pytest.mark.model
MEASURES = [{"lever": "asylum_decisions", "value": 6000}, {"lever": "parole_places", "value": 20000}]


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(board_app.app(), base_url="http://localhost", raise_server_exceptions=False)


def run(client: TestClient, **asked: Any) -> RunAnswer:
    answer = client.post("/api/run", json=asked)
    assert answer.status_code == 200, answer.text
    return RunAnswer.model_validate(answer.json())


def desk() -> Desk:
    found = board_app.app().state.desk
    assert isinstance(found, Desk)
    return found


# ---- futures


@pytest.mark.parametrize(
    "name", ["surge_venezuela", "recession", "cooperation_lost", "parole_closed", "cooperation_off"]
)
def test_a_future_gives_the_numbers_of_the_search_for_packages(client: TestClient, name: str) -> None:
    """Two roads through the model: the board's single runs, and the batches that `acuerdo priorities` runs."""
    projector, future = board_app.projector(), desk().futures[name]
    names = list(projector.outcomes)
    package = [Setting(item["lever"], float(item["value"])) for item in MEASURES]  # type: ignore[arg-type]
    levels = Batch(projector, [future], names, columns=2 * board_app.DRAWS).levels([[], package])
    answer = run(client, months=board_app.MONTHS, settings=MEASURES, future=name)
    without, with_ = levels[:, 0].mean(axis=1)
    for at, row in enumerate(answer.outcomes):
        assert row.base == pytest.approx(without[at], rel=1e-4), row.name
        assert row.scenario == pytest.approx(with_[at], rel=1e-4), row.name


def test_a_future_is_laid_over_both_runs_and_is_part_of_the_hash(client: TestClient) -> None:
    plain, boom = run(client, settings=MEASURES), run(client, settings=MEASURES, future="boom")
    assert plain.scenario != boom.scenario
    lower, higher = ({line.id: line for line in answer.lines} for answer in (plain, boom))
    crossed = "us.encounters.between_ports"
    assert higher[crossed].baseline.q50[-1] > 1.1 * lower[crossed].baseline.q50[-1]
    with_boom, with_plain = higher[crossed].scenario, lower[crossed].scenario
    assert with_boom is not None
    assert with_plain is not None
    assert with_boom.q50[-1] > 1.1 * with_plain.q50[-1]


def test_a_lever_that_a_future_forces_stays_forced(client: TestClient) -> None:
    closed = run(client, settings=MEASURES, future="parole_closed")
    assert closed.levers["parole_places"][1:] == [0.0] * 11
    assert closed.levers["asylum_decisions"][1:] == [6000.0] * 11


def test_futures_are_told_and_unknown_ones_refused(client: TestClient) -> None:
    told = client.get("/api/about").json()["futures"]
    assert [one["name"] for one in told] == list(desk().futures)
    assert "as_projected" not in desk().futures
    assert all(one["source"] and one["title"]["en"] and one["title"]["es"] for one in told)
    refused = client.post("/api/run", json={"future": "bom"})
    assert (refused.status_code, refused.json()["error"]["nearest"]) == (422, "boom")
