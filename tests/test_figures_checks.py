"""The cross-checks: all hold on the packaged snapshot, and each kind can fail."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from acuerdo import corridor as corridors
from acuerdo.corridor import Corridor
from acuerdo.errors import DataError
from acuerdo.figures import checks
from acuerdo.figures.commands import app
from acuerdo.figures.store import Figures

PAIR = corridors.load("us_mexico")
ALL = Figures.open(PAIR)
CHECKS = {check.id: check for check in checks.read(PAIR)}
RESULTS = {result.id: result for result in checks.run(ALL, list(CHECKS.values()))}


@pytest.mark.parametrize("name", list(CHECKS))
def test_the_packaged_snapshot_holds(name: str) -> None:
    result = RESULTS[name]
    assert result.ok is True, f"expected {result.expected}, found {result.found} ({result.detail})"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("encounters_fy2018", "521,090"),
        ("encounters_fy2019", "977,509"),
        ("encounters_fy2020", "458,088"),
        ("encounters_fy2021", "1,734,686"),
        ("encounters_fy2022", "2,378,944"),
        ("encounters_fy2023", "2,475,669"),
        ("encounters_fy2024", "2,135,005"),
        ("encounters_2023_12", "301,981"),
        ("encounters_2023_09", "269,735"),
        ("title42_total", "2,912,200"),
        ("cbp_one_printed", "459,118"),
        ("darien_2021", "133,726"),
        ("darien_2022", "248,284"),
        ("darien_2023", "520,085"),
        ("darien_2024", "302,203"),
        ("fentanyl_fy2023", "27,022.85"),
        ("t404_2021", "70,601"),
        ("t404_2024", "47,735"),
    ],
)
def test_the_sums_that_everybody_quotes(name: str, found: str) -> None:
    assert RESULTS[name].found == found


def test_texts_are_in_both_languages() -> None:
    for check in CHECKS.values():
        assert check.text.en != check.text.es, check.id
        assert not re.search(r"\b(the|and|of|by)\b", check.text.es), check.id


def changed(series: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Figures:
    rows = ALL._rows
    mine = rows["series"] == series
    return Figures(pd.concat([rows[~mine], change(rows[mine].copy())]).sort_index(), ALL.catalogue)


def doubled(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(value=rows["value"].where(rows["member"] != "ALL", rows["value"] * 2))


def one_off(rows: pd.DataFrame) -> pd.DataFrame:
    value = rows["value"].copy()
    value.iloc[-1] += 1
    return rows.assign(value=value)


@pytest.mark.parametrize(
    ("name", "series", "change"),
    [
        ("darien_2023_01", "panama.darien_transits", doubled),
        ("encounters_fy2024", "us.encounters.at_ports", doubled),
        ("citizenship_at_ports", "us.encounters.at_ports", one_off),
        ("encounters_components", "us.encounters.by_group", doubled),
        (
            "comar_unhcr_origins_2024",
            "mexico.asylum_applications.unhcr",
            lambda rows: rows.assign(value=rows["value"] + 2),
        ),
        ("t404_years", "us.overdose_deaths.synthetic_opioids", one_off),
        ("comar_unhcr_range", "mexico.asylum_applications.unhcr", doubled),
        ("homicides_firearm", "mexico.homicides", doubled),
    ],
)
def test_each_kind_of_check_can_fail(name: str, series: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    (result,) = checks.run(changed(series, change), [CHECKS[name]])
    assert result.ok is False
    assert result.expected != result.found


def test_a_missing_month_fails_a_sum() -> None:
    view = changed("panama.darien_transits", lambda rows: rows[rows["end"] != pd.Timestamp(2023, 5, 31)])
    (result,) = checks.run(view, [CHECKS["darien_2023"]])
    assert result.ok is False
    assert "11 of 12 months" in result.detail


@pytest.mark.parametrize("day", ["2021-03-31", "2023-09-29"])
def test_a_view_never_fails_a_check_that_holds_later(day: str) -> None:
    results = checks.run(ALL.as_of(day), list(CHECKS.values()))
    assert [result.id for result in results if result.ok is False] == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "wish"}, "kind"),
        ({"equals": "many"}, "equals"),
        ({"colour": "red"}, "colour"),
        ({"text": {"en": "only"}}, r"text\.es"),
        ({"parts": [{"series": "a", "frequency": "century"}]}, "frequency"),
    ],
)
def test_a_bad_entry_is_named_with_its_field(tmp_path: Any, change: dict[str, Any], message: str) -> None:
    entry = {
        "id": "one",
        "kind": "sum",
        "text": {"en": "a", "es": "b"},
        "source": "s",
        "parts": [{"series": "a"}],
        "first": "2020-01",
        "last": "2020-12",
        "equals": 1.0,
    }
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "checks.yaml").write_text(json.dumps({"checks": [entry | change]}))
    with pytest.raises(DataError, match=message) as caught:
        checks.read(Corridor("small", tmp_path, {}))
    assert "one" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.fixture
def a_few(monkeypatch: pytest.MonkeyPatch) -> int:
    few = list(CHECKS.values())[:6]
    monkeypatch.setattr(checks, "read", lambda corridor: few)
    return len(few)


def test_the_command_counts_what_holds(a_few: int) -> None:
    done = CliRunner().invoke(app, ["check"])
    assert done.exit_code == 0
    assert f"{a_few} hold, 0 fail" in done.stdout


def test_the_command_as_json(a_few: int) -> None:
    done = CliRunner().invoke(app, ["check", "--json", "--as-of", "2021-03-31", "--lang", "es"])
    data = json.loads(done.stdout)
    assert done.exit_code == 0
    assert data["fail"] == 0
    assert data["pass"] > 0
    assert data["untold"] > 0
    assert data["pass"] + data["untold"] == a_few


def test_a_failing_check_ends_with_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = CHECKS["darien_2024"].model_copy(update={"equals": 1.0})
    monkeypatch.setattr(checks, "read", lambda corridor: [wrong])
    done = CliRunner().invoke(app, ["check"])
    assert done.exit_code == 1
    assert "darien_2024" in done.stdout
    assert "0 hold, 1 fail" in done.stdout
