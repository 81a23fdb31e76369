"""Futures and downloads on the board's API: the same numbers as the rest of the project, in files that open."""

from __future__ import annotations

import io
import threading
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
from fastapi.testclient import TestClient

import board_app
from acuerdo.board.api import RunAnswer
from acuerdo.board.desk import Desk
from acuerdo.board.scheduler import Busy, Scheduler
from acuerdo.i18n import Texts
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


# ---- downloads


def test_the_dataset_holds_the_numbers_of_the_answer(client: TestClient, tmp_path: Path) -> None:
    asked = {"months": 6, "settings": MEASURES, "future": "recession"}
    answer = run(client, **asked)
    got = client.post("/api/download/netcdf", json=asked)
    assert got.status_code == 200, got.text
    assert 'filename="scenario-' in got.headers["content-disposition"]
    (tmp_path / "scenario.nc").write_bytes(got.content)
    with xr.open_dataset(tmp_path / "scenario.nc", engine="h5netcdf") as data:
        assert data.sizes["month"] == 6
        assert list(data["run"].values) == ["without", "with"]
        for line in answer.lines:
            values = data[line.id].sel(quantile=0.95)
            assert line.scenario is not None
            assert values.sel(run="without").values.tolist() == line.baseline.q95
            assert values.sel(run="with").values.tolist() == line.scenario.q95
            assert data[line.id].attrs["label_es"]
        for row in answer.outcomes:
            figures = data[f"outcome.{row.name}"]
            assert float(figures.sel(figure="change_q05")) == row.q05
            assert float(figures.sel(figure="with")) == row.scenario
        assert (data.attrs["future"], data.attrs["as_of"]) == ("recession", "2024-12-31")
        assert "asylum_decisions=6000" in data.attrs["settings"]


def test_a_scenario_that_sets_nothing_has_only_the_run_without(client: TestClient, tmp_path: Path) -> None:
    (tmp_path / "outlook.nc").write_bytes(client.post("/api/download/netcdf", json={"months": 3}).content)
    with xr.open_dataset(tmp_path / "outlook.nc", engine="h5netcdf") as data:
        assert list(data["run"].values) == ["without"]
        assert data.attrs["settings"] == "none"


@pytest.mark.parametrize(("lang", "words"), [("en", "What is set"), ("es", "Qué se ha fijado")])
def test_the_brief_says_what_is_set_and_what_it_changes(client: TestClient, lang: str, words: str) -> None:
    asked = {
        "months": 6,
        "settings": [*MEASURES, {"lever": "naloxone_kits", "value": 2, "times": True, "end": "2025-04", "ramp": 3}],
        "held": {"other_deaths_base": desk().movable["other_deaths_base"][1]},
        "future": "boom",
        "lines": ["mexico.homicides", "people_protected"],
    }
    answer = run(client, **asked)
    page = client.post("/api/download/brief", params={"lang": lang}, json=asked)
    assert page.status_code == 200, page.text
    built, texts = desk().projector.built, Texts(lang)
    assert f'<h2><span class="no">1</span> {words}</h2>' in page.text
    for item in asked["settings"]:  # type: ignore[attr-defined]
        assert built.levers[item["lever"]].label[lang] in page.text
    assert desk().futures["boom"].title[lang] in page.text
    assert page.text.count("<figure>") == 2
    for row in answer.outcomes:
        assert projector_label(row.name, lang) in page.text
        assert texts.rounded(row.base) in page.text
    protected = next(row for row in answer.outcomes if row.name == "people_protected")
    assert f"<b>{texts.signed_rounded(protected.change)}</b>" in page.text
    clear = [row for row in answer.outcomes if row.q05 > 0 or row.q95 < 0]
    assert 0 < page.text.count("<b>") - 1 <= len(clear) < len(answer.outcomes)
    assert "built-in" not in page.text
    assert "<script" not in page.text


def projector_label(name: str, lang: str) -> str:
    return board_app.projector().outcomes[name].label[lang]


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["en", "es"])
def test_the_brief_prints(client: TestClient, lang: str) -> None:
    pypdf = pytest.importorskip("pypdf")
    asked = {"months": 12, "settings": MEASURES, "future": "boom"}
    got = client.post("/api/download/brief", params={"lang": lang, "form": "pdf"}, json=asked)
    assert got.headers["content-type"] == "application/pdf"
    pages = pypdf.PdfReader(io.BytesIO(got.content)).pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    assert len(pages) <= 6
    assert projector_label("people_protected", lang) in text
    assert desk().futures["boom"].title[lang] in text


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("netcdf", {"settings": [{"lever": "asylum_decision", "value": 1}]}, "lever"),
        ("netcdf", {"months": 10**9}, "months"),
        ("brief", {"future": "bom"}, "future"),
        ("brief?lang=fr", {}, "lang"),
        ("brief?form=docx", {}, "form"),
        ("brief", {"draws": 10**9}, "draws"),
    ],
)
def test_downloads_of_what_is_not_valid_are_refused(client: TestClient, path: str, body: Any, field: str) -> None:
    answer = client.post(f"/api/download/{path}", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["field"] == field


def test_only_so_many_downloads_wait() -> None:
    makers, hold, started = Scheduler[bytes](2), threading.Event(), threading.Event()

    def work() -> bytes:
        started.set()
        hold.wait(20)
        return b""

    try:
        makers.submit("anyone", 0, work)
        assert started.wait(20)
        waiting = [makers.submit("anyone", 0, lambda: b"done") for _ in range(2)]
        with pytest.raises(Busy):
            makers.submit("anyone", 0, lambda: b"")
        hold.set()
        assert [one.result(20) for one in waiting] == [b"done", b"done"]
    finally:
        hold.set()
        makers.close()
