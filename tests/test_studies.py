"""Studies of the evidence register: a malformed one says what is wrong; each runs and moves as the register says."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from acuerdo import corridor as corridors
from acuerdo import studies, studies_page
from acuerdo.engine.load import CorridorModel, load_model
from acuerdo.errors import InputError
from acuerdo.figures.store import Figures
from acuerdo.i18n import Texts
from acuerdo.inference.posterior import Posterior, packaged
from acuerdo.model_commands import app
from acuerdo.studies import Interval, Laboratory, Range, Row, Study, measured

DRAWS = 60
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def built() -> CorridorModel:
    return load_model()


@pytest.fixture(scope="module")
def declared(built: CorridorModel) -> list[Study]:
    return studies.load_studies(built)


# --- what the file says -----------------------------------------------------------------------------------------------


def test_every_entry_on_levers_is_compared_or_said_to_be_absent(built: CorridorModel, declared: list[Study]) -> None:
    register = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")
    entries = set(re.findall(r"^### <a id=\"\w+\"></a>([MDT]\d+)\. ", register, re.MULTILINE))
    compared = {study.entry for study in declared}
    absent = {item.entry for item in studies.load_absent(built)}
    assert not compared & absent
    assert compared | absent == entries


def good(**changed: Any) -> dict[str, Any]:
    entry = {
        "id": "one",
        "entry": "M4",
        "title": {"en": "One", "es": "Uno"},
        "start": "2023-01",
        "levers": [{"lever": "naloxone_kits", "before": 0, "after": 10}],
        "measure": {"kind": "ratio", "variable": ["overdose_deaths"], "months": [2, 3]},
        "register": {"low": 0.5, "median": 0.9, "high": 1},
        "note": {"en": "Note", "es": "Nota"},
    }
    return {key: value for key, value in {**entry, **changed}.items() if value is not None}


def lever(**changed: Any) -> list[dict[str, Any]]:
    return [{"lever": "naloxone_kits", "before": 0, "after": 10, **changed}]


def measure(**changed: Any) -> dict[str, Any]:
    return {"kind": "ratio", "variable": ["overdose_deaths"], **changed}


def read(built: CorridorModel, folder: Path, *entries: dict[str, Any]) -> list[Study]:
    (folder / "model").mkdir(exist_ok=True)
    text = yaml.safe_dump({"studies": list(entries), "absent": []}, allow_unicode=True)
    folder.joinpath(*studies.FILE).write_text(text, encoding="utf-8")
    home = corridors.Corridor("elsewhere", folder, built.corridor.about)
    return studies.load_studies(replace(built, corridor=home))


def test_a_whole_study_is_read(built: CorridorModel, tmp_path: Path) -> None:
    (study,) = read(built, tmp_path, good())
    assert (study.sign, study.measure.months, study.register_.median) == (-1, [2, 3], 0.9)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (good(levers=lever(lever="naloxon_kits")), ("levers.0.lever: 'naloxon_kits'", "nearest valid: naloxone_kits")),
        (good(levers=lever(after=1e9)), ("naloxone_kits: 1000000000.0 is not valid", "0 to 2e+06")),
        (good(levers=lever(lasts=0)), ("levers.0.lasts: 0 is not valid",)),
        (good(levers=[]), ("levers: None is not valid", "a lever to move")),
        (good(measure=measure(variable=["overdose_death"])), ("'overdose_death'", "nearest valid: overdose_deaths")),
        (good(measure=measure(kind="ration")), ("measure.kind: 'ration'", "nearest valid: ratio")),
        (good(measure=measure(members=["MEX"])), ("measure.members: 'MEX'", "overdose_deaths has no dimension")),
        (good(measure=measure(variable=["departures"], members=["MEXX"])), ("'MEXX'", "nearest valid: MEX")),
        (good(measure=measure(months=[3, 2])), ("months in order, from 1 to 48",)),
        (good(measure=measure(kind="share")), ("variables in `of`",)),
        (good(measure=measure(kind="elasticity")), ("levers: 1 is not valid", "one lever with values above 0")),
        (good(measure=measure(kind="parameter")), ("'overdose_deaths'", "one of")),
        (good(measure=measure(kind="parameter", variable=["transit_time"])), ("measure.members: None", "MEX")),
        (good(register={"low": 1, "median": 0.5, "high": 2}), ("low, median and high in this order",)),
        (good(register={"low": 1, "median": 1.5}), ("low and high, or neither",)),
        (good(start=None), ("start: None is not valid", "YYYY-MM")),
        (good(start="2023-13"), ("start: '2023-13' is not valid",)),
        (good(entry="Z"), ("entry: 'Z' is not valid",)),
        (good(titel="x"), ("field: 'titel' is not valid", "nearest valid: title")),
        (good(note={"en": "Note"}), ("note.es: None is not valid", "required")),
    ],
)
def test_a_malformed_study_says_where_and_what_is_allowed(
    built: CorridorModel, tmp_path: Path, entry: dict[str, Any], says: tuple[str, ...]
) -> None:
    with pytest.raises(InputError) as problem:
        read(built, tmp_path, entry)
    message = str(problem.value)
    assert "studies.yaml, line " in message
    assert "\n" not in message
    for words in says:
        assert words in message, message


def test_a_name_that_stands_twice_is_refused(built: CorridorModel, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="id: 'one' is not valid"):
        read(built, tmp_path, good(), good())


# --- what is computed -------------------------------------------------------------------------------------------------

WITH = {"overdose_deaths": np.full((48, 2), 8.0), "effective_supply": np.full((48, 2), 0.25)}
WITHOUT = {"overdose_deaths": np.full((48, 2), 16.0), "effective_supply": np.full((48, 2), 0.5)}


@pytest.mark.parametrize(
    ("given_", "found"),
    [
        (measure(), 0.5),
        (measure(kind="change"), -8.0),
        (measure(kind="change", months=[1, 4], over="sum"), -32.0),
        (measure(kind="value", factor=10), 80.0),
        (measure(kind="share", of=["overdose_deaths", "effective_supply"]), 8 / 8.25),
        (measure(kind="elasticity", of=["effective_supply"]), 1.0),
        (measure(kind="per", of=["effective_supply"]), 32.0),
    ],
)
def test_measures_have_known_answers(built: CorridorModel, given_: dict[str, Any], found: float) -> None:
    study = Study.model_validate(good(measure=given_))
    np.testing.assert_allclose(measured(built, study, WITH, WITHOUT), [found, found])


def test_an_elasticity_can_be_that_of_a_lever(built: CorridorModel) -> None:
    study = Study.model_validate(good(measure=measure(kind="elasticity"), levers=lever(before=10, after=20)))
    np.testing.assert_allclose(measured(built, study, WITH, WITHOUT), -1.0)


def test_members_are_added_up_or_averaged(built: CorridorModel) -> None:
    members = built.members("origin")
    values = np.broadcast_to(np.arange(len(members))[None, :, None], (48, len(members), 3))
    run: Mapping[str, Any] = {"departures": values}
    for across, wanted in (("sum", 3.0), ("mean", 1.5)):
        chosen = measure(kind="value", variable=["departures"], members=list(members[1:3]), across=across)
        np.testing.assert_allclose(measured(built, Study.model_validate(good(measure=chosen)), run, run), wanted)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.6, 0.9, "inside"), (0.49, 0.9, "inside"), (0.2, 0.7, "overlaps"), (0.1, 2, "overlaps"), (1.3, 2, "outside")],
)
def test_verdicts(low: float, high: float, verdict: str) -> None:
    assert Interval(low, (low + high) / 2, high).against(Range(low=0.5, median=0.7, high=1.0)) == verdict


def test_verdicts_on_a_point() -> None:
    assert Interval(1, 2, 3).against(Range(median=2.5)) == "holds"
    assert Interval(1, 2, 3).against(Range(median=3.5)) == "misses"


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=50))
def test_an_interval_is_in_order_and_no_wider_than_its_draws(draws: list[float]) -> None:
    found = Interval.of(np.array(draws))
    assert min(draws) <= found.low <= found.median <= found.high <= max(draws)


@pytest.mark.parametrize(
    ("kind", "register", "sign"),
    [
        ("ratio", {"low": 0.5, "median": 0.9, "high": 1.0}, -1),
        ("ratio", {"low": 0.5, "median": 0.9, "high": 1.1}, 0),
        ("change", {"low": 0.0, "median": 1.0, "high": 2.0}, 1),
        ("change", {"median": -3.0}, -1),
        ("value", {"low": 1.0, "median": 2.0, "high": 3.0}, 0),
    ],
)
def test_the_sign_that_the_register_gives(kind: str, register: dict[str, float], sign: int) -> None:
    assert Study.model_validate(good(measure=measure(kind=kind), register=register)).sign == sign


# --- with the model ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rows(built: CorridorModel, declared: list[Study]) -> list[Row]:
    figures = Figures.open(built.corridor)
    posterior = Posterior.load(packaged(built) / "latest.nc")
    return studies.compare(built, figures, posterior, declared, DRAWS)


@pytest.mark.model
def test_every_study_runs(rows: list[Row]) -> None:
    for row in rows:
        for interval in (row.prior, row.posterior):
            assert np.isfinite([interval.low, interval.median, interval.high]).all(), row.study.id


@pytest.mark.model
def test_no_response_goes_against_the_sign_of_the_register(rows: list[Row]) -> None:
    """A response may be too small to see in the first month, never the other way."""
    signed = [row for row in rows if row.study.sign]
    assert len(signed) > 15
    for row in signed:
        still = 1.0 if row.study.measure.kind == "ratio" else 0.0
        for interval in (row.prior, row.posterior):
            assert row.study.sign * (interval.median - still) >= -1e-9, row.study.id


@pytest.mark.model
def test_a_lever_that_does_not_move_changes_nothing(built: CorridorModel) -> None:
    study = Study.model_validate(good(levers=lever(before=10, after=10)))
    laboratory = Laboratory(built, Figures.open(built.corridor), [study], settle=2)
    np.testing.assert_array_equal(laboratory.run(study, studies.prior_draws(built, 5), 5), 1.0)


@pytest.mark.model
def test_a_study_outside_the_record_is_refused(built: CorridorModel) -> None:
    study = Study.model_validate(good(start="1999-01"))
    laboratory = Laboratory(built, Figures.open(built.corridor), [study])
    with pytest.raises(InputError, match="one, start: '1999-01' is not valid"):
        laboratory.run(study, studies.prior_draws(built, 5), 5)


@pytest.mark.model
@pytest.mark.parametrize("lang", ["en", "es"])
def test_the_page_shows_every_study(built: CorridorModel, rows: list[Row], lang: str) -> None:
    texts = Texts(lang, built.corridor)
    page = studies_page.markdown(built, rows, studies.load_absent(built), texts, "latest")
    table = [line for line in page.splitlines() if line.startswith("| [")]
    assert len(table) == len(rows)
    assert {line.count(" | ") for line in table} == {len(studies_page.COLUMNS) - 1}
    for row in rows:
        assert row.study.note[lang] in page
    counts = studies_page.counts(rows)
    assert counts["inside"] + counts["overlaps"] + counts["outside"] + counts["points"] == len(rows)


@pytest.mark.model
def test_the_command_prints_and_writes(rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studies, "compare", lambda *_, **__: rows)
    out = tmp_path / "studies.md"
    result = CliRunner().invoke(app, ["studies", "--json", "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert len(json.loads(result.stdout)["studies"]) == len(rows)
    assert out.read_text(encoding="utf-8").startswith("# ")
