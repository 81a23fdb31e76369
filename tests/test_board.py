"""The board's API over the corridor's model: right numbers, good reasons for bad requests, and no surprise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings

import board_app
from acuerdo.board.api import About, PackageAbout, PictureAbout, RunAnswer
from acuerdo.board.server import make_app
from acuerdo.board.shelf import Shelf
from acuerdo.effects import over_horizon
from acuerdo.figures.store import Figures
from acuerdo.scenario import Setting

pytestmark = pytest.mark.model
LEVER = "asylum_decisions"


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(board_app.app(), base_url="http://localhost", raise_server_exceptions=False)


@pytest.fixture(scope="module")
def about(client: TestClient) -> About:
    return About.model_validate(client.get("/api/about").json())


def run(client: TestClient, /, **asked: Any) -> RunAnswer:
    answer = client.post("/api/run", json=asked)
    assert answer.status_code == 200, answer.text
    return RunAnswer.model_validate(answer.json())


def refused(client: TestClient, status: int = 422, /, **asked: Any) -> dict[str, Any]:
    answer = client.post("/api/run", json=asked)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    return dict(answer.json()["error"])


# ---- what there is


def test_everything_that_can_be_set_and_seen_is_told_in_every_language(about: About) -> None:
    built = board_app.projector().built
    assert [lever.name for lever in about.levers] == list(built.levers)
    assert {outcome.name for outcome in about.outcomes} == set(board_app.projector().outcomes)
    codes = {language.code for language in about.languages}
    labels = [*about.levers, *about.outcomes, *about.lines, *about.assumptions]
    assert all(codes <= set(item.label) and all(item.label.values()) for item in labels)
    assert set(about.sectors) >= {lever.sector for lever in about.levers}
    assert len(about.months) == board_app.MONTHS
    assert about.months[0] == "2025-01"
    assert about.as_of == "2024-12-31"


def test_levers_tell_their_record_inside_their_range(about: About) -> None:
    for lever in about.levers:
        low, high = lever.range
        assert len(lever.ahead) == board_app.MONTHS
        assert 0 < lever.step <= (high - low) / 50
        slack = 1e-5 * (high - low)
        assert all(low - slack <= value <= high + slack for value in lever.ahead), lever.name


def test_charts_that_are_open_come_first(about: About) -> None:
    flags = [line.open for line in about.lines]
    assert flags == sorted(flags, reverse=True)
    assert sum(flags) == 6


def test_history_ends_before_the_day_of_the_view(client: TestClient, about: About) -> None:
    for line in about.lines:
        told = client.get(f"/api/history/{line.id}").json()
        assert len(told["months"]) == len(told["values"])
        assert all(month <= "2024-12" for month in told["months"])
        if line.open:
            assert sum(value is not None for value in told["values"]) > 3
            assert told["source"]


def test_texts_of_both_languages_have_the_same_keys(client: TestClient) -> None:
    english, spanish = (client.get(f"/api/texts/{lang}").json() for lang in ("en", "es"))
    assert list(english) == list(spanish)
    assert client.get("/api/texts/fr").status_code == 404


def test_every_variable_can_be_looked_into(client: TestClient) -> None:
    desk = board_app.app().state.desk
    for name in desk.projector.built.model.variables:
        said = json.loads(json.dumps(desk.variable(name), allow_nan=False))
        assert said["meanings"]["en"]
        assert set(said["neighbours"]) == {*said["depends_on"], *said["used_by"]}
        if said["prior"] is not None:
            for triple in said["posterior"].values():
                assert triple["low"] <= triple["median"] <= triple["high"]
    answer = client.get("/api/variable/asylum_decision")
    assert answer.status_code == 404
    assert answer.json()["error"]["nearest"] == "asylum_decisions"


def test_the_picture_is_that_of_the_posterior(client: TestClient) -> None:
    pictures = [PictureAbout.model_validate(item) for item in client.get("/api/picture").json()]
    assert [picture.name for picture in pictures] == ["people", "fentanyl"]
    state = board_app.projector().posterior.state
    stage = next(stage for stage in pictures[0].stages if stage.variables == ["in_transit"])
    low, median, high = np.quantile(state["in_transit"].sum(axis=0), [0.05, 0.5, 0.95])
    assert stage.now.q50 == pytest.approx(median, rel=1e-4)
    assert stage.now.q05 == pytest.approx(low, rel=1e-4)
    assert stage.now.q95 == pytest.approx(high, rel=1e-4)
    assert not stage.flow


# ---- what a scenario does


def test_without_settings_nothing_changes(client: TestClient) -> None:
    answer = run(client, months=6)
    assert len(answer.months) == 6
    assert all(line.scenario is None for line in answer.lines)
    assert all(row.change == row.q05 == row.q95 == 0 for row in answer.outcomes)
    assert not answer.levers


def test_numbers_are_those_of_the_projector(client: TestClient) -> None:
    projector = board_app.projector()
    answer = run(client, months=9, settings=[{"lever": LEVER, "value": 9000, "start": "2025-03"}])
    made = [Setting(LEVER, 9000.0, projector.months[2])]
    base, after = projector.run(noise=False), projector.run(made, noise=False)
    for row in answer.outcomes:
        outcome = projector.outcomes[row.name]
        without = over_horizon(outcome, base, 9)
        change = over_horizon(outcome, after, 9) - without
        assert row.base == pytest.approx(without.mean(), rel=1e-5)
        assert row.change == pytest.approx(change.mean(), rel=1e-4, abs=1e-5 * abs(row.base))
        assert row.q05 == pytest.approx(np.quantile(change, 0.05), rel=1e-4, abs=1e-5 * abs(row.base))
    assert answer.levers[LEVER][:2] == pytest.approx(projector.base[LEVER][:2], rel=1e-5)
    assert answer.levers[LEVER][2:] == [9000.0] * 10


def test_bands_are_in_order_and_of_the_months_asked_for(client: TestClient, about: About) -> None:
    names = [line.id for line in about.lines[:9]]
    answer = run(client, months=12, settings=[{"lever": LEVER, "value": 4000}], lines=names)
    assert [line.id for line in answer.lines] == names
    for line in answer.lines:
        assert line.scenario is not None
        for band in (line.baseline, line.scenario):
            rows = np.array([band.q05, band.q25, band.q50, band.q75, band.q95])
            assert rows.shape == (5, 12)
            assert np.all(np.diff(rows, axis=0) >= 0)


def test_a_shorter_horizon_shows_the_same_months(client: TestClient) -> None:
    made = [{"lever": LEVER, "value": 8000}]
    long, short = (run(client, months=months, settings=made) for months in (12, 3))
    for one, other in zip(long.lines, short.lines, strict=True):
        assert one.scenario is not None
        assert other.scenario is not None
        assert one.scenario.q50[:3] == other.scenario.q50


def test_every_line_can_be_drawn(client: TestClient, about: About) -> None:
    for start in range(0, len(about.lines), 9):
        names = [line.id for line in about.lines[start : start + 9]]
        assert [line.id for line in run(client, lines=names).lines] == names


def test_every_package_of_the_library_runs_or_says_why_not(client: TestClient) -> None:
    packages = [PackageAbout.model_validate(item) for item in client.get("/api/packages").json()]
    assert {item.kind for item in packages} == {"proposal", "replay"}
    assert all(item.problem is None for item in packages if item.kind == "proposal")
    for item in packages:
        if item.problem is None:
            run(client, settings=[setting.model_dump() for setting in item.settings])
        else:
            assert "nearest" in item.problem


def test_an_assumption_moves_both_runs_and_its_ends_are_allowed(client: TestClient, about: About) -> None:
    free = run(client)
    moved = 0
    for item in about.assumptions[:40:8]:
        for value in (item.low, item.high):
            held = run(client, held={item.name: value})
            moved += held.outcomes != free.outcomes
    assert moved > 0
    assert not [item.name for item in about.assumptions if item.name.endswith(("_sd", "_persistence"))]


def test_the_same_scenario_has_the_same_hash_and_bytes_whoever_asks(client: TestClient) -> None:
    asked = {"settings": [{"lever": LEVER, "value": 5000}]}
    one, other = (client.post("/api/run", json={**asked, "client": name}).content for name in ("a", "b"))
    assert one == other
    assert run(client, settings=[{"lever": LEVER, "value": 5001}]).scenario != json.loads(one)["scenario"]


def test_a_late_request_of_a_client_is_told_so(client: TestClient) -> None:
    def ask(number: int, value: float) -> int:
        asked = {"client": "late", "number": number, "settings": [{"lever": LEVER, "value": value}]}
        return int(client.post("/api/run", json=asked).status_code)

    assert [ask(2, 3001), ask(1, 3002), ask(3, 3003)] == [200, 409, 200]


# ---- what is refused


def test_unknown_names_are_told_with_the_nearest(client: TestClient) -> None:
    assert refused(client, settings=[{"lever": "asylum_decision", "value": 1}])["nearest"] == LEVER
    assert refused(client, held={"patienc": 9})["nearest"] == "patience"
    assert refused(client, lines=["mexico.homicide"])["nearest"] == "mexico.homicides"
    assert refused(client, settings=[{"lever": "parole_places", "value": 1, "member": "VNE"}])["nearest"] == "VEN"


@pytest.mark.parametrize(
    ("setting", "nearest"),
    [
        ({"value": 1e9}, "20000"),
        ({"value": -1}, "0"),
        ({"value": 1, "start": "2031-01"}, "2025-12"),
        ({"value": 1, "start": "2025-09", "end": "2025-03"}, "2025-09"),
        ({"value": 1, "start": "soon"}, None),
        ({"value": 1e6, "times": True}, None),
        ({"value": 1, "ramp": 0}, None),
        ({"value": 1, "member": "VEN"}, None),
    ],
)
def test_values_out_of_range_are_told_with_the_nearest(
    client: TestClient, setting: dict[str, Any], nearest: str | None
) -> None:
    problem = refused(client, settings=[{"lever": LEVER, **setting}])
    if nearest is not None:
        assert problem["nearest"] == nearest
    assert problem["message"]


def test_assumptions_stay_inside_their_range(client: TestClient, about: About) -> None:
    item = next(item for item in about.assumptions if item.name == "patience")
    problem = refused(client, held={"patience": item.high * 3})
    assert float(problem["nearest"]) == pytest.approx(item.high, rel=1e-4)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", '"NaN"'])
def test_numbers_that_are_none_are_refused(client: TestClient, number: str) -> None:
    for body in (
        f'{{"settings": [{{"lever": "{LEVER}", "value": {number}}}]}}',
        f'{{"held": {{"patience": {number}}}}}',
        f'{{"months": {number}}}',
    ):
        answer = client.post("/api/run", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 422, body
        assert answer.json()["error"]["field"]


@pytest.mark.parametrize(
    "asked",
    [
        {"months": 10**9},
        {"months": 0},
        {"months": board_app.MONTHS + 1},
        {"draws": 10**9},
        {"settings": [{"lever": LEVER, "value": 1}] * 61},
        {"lines": ["mexico.homicides"] * 10},
        {"client": "x" * 41},
        {"client": "../etc"},
        {"number": -1},
        {"settings": "all"},
        {"settings": [{"lever": "x" * 5000, "value": 1}]},
    ],
)
def test_work_is_bounded(client: TestClient, asked: dict[str, Any]) -> None:
    problem = refused(client, **asked)
    assert problem["field"]
    assert len(problem["value"]) <= 81


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 60_000, b"\xff\xfe", b'{"months": 1' + b"0" * 6000 + b"}"])
def test_what_is_not_json_is_refused(client: TestClient, body: bytes) -> None:
    answer = client.post("/api/run", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.json()["error"]["message"]


def test_a_large_body_is_refused_and_the_board_stays_up(client: TestClient) -> None:
    assert client.post("/api/run", content=b"x" * 10_000_000).status_code == 413
    assert client.post("/api/run", json={}).status_code == 200


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "'; DROP TABLE scenarios; --", "{{7*7}}", "\u202e%s%n"])
def test_injected_text_is_only_ever_quoted_as_json(client: TestClient, text: str) -> None:
    for answer in (
        client.post("/api/run", json={"settings": [{"lever": text, "value": 1}]}),
        client.post("/api/run", json={"held": {text: 1}}),
        client.get(f"/api/variable/{text}"),
        client.get(f"/api/history/{text}"),
        client.get(f"/api/texts/{text}"),
        client.get(f"/{text}"),
    ):
        assert 400 <= answer.status_code < 500
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert text in answer.json()["error"]["value"] or text not in answer.text


def test_nothing_but_the_page_and_its_files_is_served(client: TestClient) -> None:
    assert client.get("/").status_code == 200
    assert client.get("/static/board.js").status_code == 200
    for path in ("/static/../server.py", "/static/..%2fserver.py", "/docs", "/redoc", "/static/"):
        assert client.get(path).status_code == 404


def test_answers_are_compressed(client: TestClient) -> None:
    answer = client.get("/api/about", headers={"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"


# ---- the documented form


def test_every_path_is_documented(client: TestClient) -> None:
    paths = client.get("/api/openapi.json").json()["paths"]
    assert set(paths) == {
        "/api/about",
        "/api/run",
        "/api/answers/{key}",
        "/api/variable/{name}",
        "/api/history/{line}",
        "/api/picture",
        "/api/packages",
        "/api/texts/{lang}",
        "/api/days",
        "/api/days/{day}",
        "/api/scenarios",
        "/api/scenarios/{name}",
        "/api/download/netcdf",
        "/api/download/brief",
        "/api/why",
        "/api/record/{line}",
        "/api/diagram/{sector}",
    }
    assert {"409", "413", "422", "503"} <= set(paths["/api/run"]["post"]["responses"])


def test_made_up_requests_never_break_the_server(tmp_path: Path) -> None:
    schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
    # an app of its own: it is shut down with the last of these requests
    app = make_app(board_app.projector, Figures.open(), shelf=Shelf(tmp_path / "library.sqlite"))
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", app, headers={"host": "localhost"})
    quiet = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    for operation in schema.get_all_operations():

        @quiet
        @given(case=operation.ok().as_strategy())
        def answers(case: Any) -> None:
            assert case.call(headers={"host": "localhost"}).status_code < 500

        answers()
