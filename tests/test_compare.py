"""Comparison of two revisions: what differs is found and nothing else, and nothing of it stays on the disk."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from typer.testing import CliRunner

from acuerdo import corridor as corridors
from acuerdo.charts import render
from acuerdo.charts.pair import pair_spec
from acuerdo.compare import diff, report, revisions
from acuerdo.compare.revisions import Found
from acuerdo.engine.declare import Sector, Variable, assemble
from acuerdo.engine.describe import catalogue
from acuerdo.engine.load import CorridorModel
from acuerdo.engine.priors import Parameter, Prior, Transform
from acuerdo.engine.run import Simulator
from acuerdo.errors import DataError, InputError
from acuerdo.i18n import Texts
from acuerdo.model_commands import app

PACKAGE = Path(corridors.__file__).parent


# ---- declarations of small models


def small(
    loss: float = 0.5,
    high: float = 0.3,
    unit: str = "kg/month",
    extra: bool = False,
    meaning: str = "Water that runs out.",
) -> list[dict[str, Any]]:
    """The declarations of a tank that drains, as a revision would tell them."""
    sector = Sector("tank")

    @sector.stock("kg", source="assumption")
    def water(at_first):
        """Water in the tank."""
        return at_first

    def outflow(water, rate):
        return loss * water * rate

    outflow.__doc__ = meaning
    sector.flow(unit, leaves="water", source="assumption")(outflow)

    if extra:

        @sector.flow("kg/month", enters="water", source="a study")
        def inflow(rate, at_first):
            """Water that runs in."""
            return rate * at_first

    parameters = {
        name: Parameter(
            name=name,
            unit=unit,
            en=name,
            es=name,
            prior=prior,
            source="assumption",
            evidence="assumption",
            sector="tank",
        )
        for name, unit, prior in (
            ("at_first", "kg", Prior(dist="fixed", median=10.0)),
            ("rate", "1/month", Prior(dist="lognormal", median=0.2, low=0.1, high=high)),
        )
    }
    given = [Variable(p.name, "parameter", p.unit, None, p.en, p.source, p.sector) for p in parameters.values()]
    model = assemble("small", {}, [sector], given)
    meanings = {name: {"en": v.meaning, "es": v.meaning} for name, v in model.variables.items()}
    transforms = {name: Transform.of(p.prior) for name, p in parameters.items()}
    built = CorridorModel(corridors.load(), model, Simulator(model), parameters, transforms, {}, {}, meanings)
    return [
        {**entry, "tree": repr(variable.tree()) if variable.equation is not None else None}
        for entry in catalogue(built)
        for variable in [model.variables[entry["name"]]]
    ]


def changed(after: list[dict[str, Any]], before: list[dict[str, Any]] | None = None) -> dict[str, dict[str, Any]]:
    found = diff.declarations(small() if before is None else before, after)
    assert all(each.how == "changed" for each in found)
    return {each.name: {one.what: (one.before, one.after) for one in each.differences} for each in found}


def test_what_is_the_same_is_not_told() -> None:
    assert diff.declarations(small(), small()) == []


def test_a_constant_of_an_equation() -> None:
    found = changed(small(loss=0.25))
    assert found == {
        "outflow": {"equation": ("outflow[asked] = 0.5 * water * rate", "outflow[asked] = 0.25 * water * rate")}
    }


def test_a_constant_that_differs_in_the_last_digits_only() -> None:
    assert list(changed(small(loss=0.5 * (1 + 1e-15)))) == ["outflow"]


def test_a_prior() -> None:
    found = changed(small(high=0.4))
    assert list(found) == ["rate"]
    before, after = found["rate"]["prior"]
    assert "0.2 (0.1 to 0.3)" in before
    assert "0.2 (0.1 to 0.4)" in after


def test_a_prior_that_differs_by_less_than_the_words_say() -> None:
    assert list(changed(small(high=0.3000001))["rate"]) == ["prior"]


def test_unit_and_meaning() -> None:
    assert changed(small(unit="g/month"))["outflow"] == {"unit": ("kg/month", "g/month")}
    assert changed(small(meaning="Loss."))["outflow"] == {"meaning": ("Water that runs out.", "Loss.")}


def test_a_variable_added_and_removed() -> None:
    (added,) = diff.declarations(small(), small(extra=True))  # the stock that it fills is told of by it alone
    assert (added.name, added.how, added.kind, added.sector) == ("inflow", "added", "flow", "tank")
    told = {one.what: one.after for one in added.differences}
    assert told == {"unit": "kg/month", "equation": "inflow[asked] = rate * at_first", "source": "a study"}
    (removed,) = diff.declarations(small(extra=True), small())
    assert (removed.name, removed.how) == ("inflow", "removed")
    assert all(one.after == "" for one in removed.differences)


def test_records_of_levers() -> None:
    months = ["2020-01", "2020-02", "2020-03"]
    before = {"one": [0.0, 1.0, 1.0], "by_member": [[0.0, 1.0]] * 3, "gone": [1.0] * 3, "shape": [1.0] * 3}
    after = {"one": [0.0, 1.0, 2.0], "by_member": [[0.0, 1.0], [0.5, 1.0], [0.0, 1.0]], "shape": [[1.0]] * 3}
    assert diff.records(before, before, months) == {}
    assert diff.records(before, after, months) == {
        "one": ("2020-03", "2020-03"),
        "by_member": ("2020-02", "2020-02"),
        "shape": ("2020-01", "2020-03"),
    }


# ---- paths


def paths(values: dict[str, Any], scenarios: tuple[str, ...] = ("base", "all_low"), draws: int = 21) -> xr.Dataset:
    """Runs in which a path has the same value in every draw, by path: (scenario, month) or a number."""
    past, months = ["2023-12"], ["2024-01", "2024-02", "2024-03"]
    shape = (len(scenarios), len(values), len(months), draws)
    ahead = np.empty(shape)
    for i, value in enumerate(values.values()):
        ahead[:, i] = np.broadcast_to(np.asarray(value, float), shape[:1] + shape[2:3])[..., None]
    names = list(values)
    return xr.Dataset(
        {
            "record": (("path", "past", "draw"), np.ones((len(names), 1, draws))),
            "ahead": (("scenario", "path", "month", "draw"), ahead),
        },
        coords={
            "id": ("path", names),
            "member": ("path", [""] * len(names)),
            "kind": ("path", ["outcome"] * len(names)),
            "unit": ("path", ["people"] * len(names)),
            "scenario": list(scenarios),
            "past": past,
            "month": months,
        },
    )


def test_moves_of_known_size() -> None:
    before = paths({"still": 1.0, "up": [[1, 2, 4]] * 2, "down": [[10, 10, 10], [10, 10, 10]]})
    after = paths({"still": 1.0, "up": [[1, 3, 4]] * 2, "down": [[10, 10, 10], [10, 9, 8]]})
    found = {(move.id, move.scenario): move for move in diff.moves(before, after)}
    assert set(found) == {("up", "base"), ("up", "all_low"), ("down", "all_low")}
    up = found["up", "base"]
    assert (up.change, up.low, up.high, up.month, up.before, up.after) == (0.25, 0.25, 0.25, "2024-02", 2, 3)
    assert found["down", "all_low"].change == pytest.approx(-0.2)
    assert found["down", "all_low"].size == pytest.approx(0.2)
    assert [move.id for move in diff.moves(before, after)] == ["up", "up", "down"]


def test_threshold() -> None:
    before, after = paths({"a": 100.0}), paths({"a": 101.0})
    assert len(diff.moves(before, after, 0.0099)) == 2
    assert diff.moves(before, after, 0.0101) == []


def test_the_past_is_a_scenario() -> None:
    before, after = paths({"a": 1.0}), paths({"a": 1.0})
    after["record"] = after["record"] * 1.5
    (move,) = diff.moves(before, after)
    assert (move.scenario, move.month, move.change) == (diff.RECORD, "2023-12", 0.5)


def test_a_change_in_the_draws_alone_counts() -> None:
    before, after = paths({"a": 1.0}), paths({"a": 1.0})
    after["ahead"][..., 1:] *= 1.2
    for move in diff.moves(before, after):
        assert (move.change, move.high) == (0.0, pytest.approx(0.2))
        assert move.size == move.high


def test_from_and_to_zero_and_not_finite() -> None:
    same = paths({"never": 0.0, "nan": np.nan})
    assert diff.moves(same, same) == []
    (from_zero, _) = diff.moves(paths({"a": 0.0}), paths({"a": 3.0}))
    assert from_zero.change == 1.0
    (to_zero, _) = diff.moves(paths({"a": 3.0}), paths({"a": 0.0}))
    assert to_zero.change == -1.0
    for one, other in ((1.0, np.nan), (np.nan, 1.0), (1.0, np.inf), (0.0, np.nan)):
        (broken, _) = diff.moves(paths({"a": one}), paths({"a": other}))
        assert broken.size == math.inf


def test_only_what_both_have_is_compared() -> None:
    before = paths({"gone": 1.0, "a": 1.0}, ("base", "old_lever"))
    after = paths({"a": 2.0, "new": 1.0}, ("new_lever", "base"))
    (move,) = diff.moves(before, after)
    assert (move.id, move.scenario, move.change) == ("a", "base", 1.0)
    assert diff.only_in_one(before, after) == {
        "paths": (["gone (people)"], ["new (people)"]),
        "scenarios": (["old_lever"], ["new_lever"]),
    }


@settings(deadline=None)
@given(
    values=arrays(float, (2, 4, 5), elements=st.floats(-1e6, 1e6).filter(lambda x: x == 0 or abs(x) > 1e-6)),
    factor=st.floats(0.1, 10),
)
def test_scaling_a_path_is_a_change_of_that_factor(values: Any, factor: float) -> None:
    changes, at = diff.relative_changes(values, values * factor)
    largest = np.abs(values).max(axis=1)
    np.testing.assert_allclose(np.abs(changes), np.where(largest > 0, abs(factor - 1), 0.0), rtol=1e-9, atol=1e-12)
    back, _ = diff.relative_changes(values * factor, values)
    np.testing.assert_allclose(np.abs(back), np.where(largest > 0, abs(1 / factor - 1), 0.0), rtol=1e-9, atol=1e-12)
    assert at.shape == (2, 5)


# ---- the page


def found_of(data: xr.Dataset, commit: str, entries: list[dict[str, Any]]) -> Found:
    labels = {name: {"en": f"<{name}>", "es": f"<{name}>"} for name in data["id"].values.tolist()}
    said = {"variables": entries, "record": {"lever": [1.0]}, "scenarios": {}, "labels": labels}
    return Found("HEAD" if commit else ".", commit, said, data)


@pytest.fixture
def comparison() -> report.Comparison:
    before = found_of(paths({"a": 1.0, "b": 1.0}), "abc1234", small())
    after = found_of(paths({"a": [[1, 2, 3]] * 2, "b": np.nan}), "", small(loss=0.25))
    return report.compare(before, after)


@pytest.mark.parametrize("lang", ["en", "es"])
def test_page_tells_all_and_asks_for_nothing(comparison: report.Comparison, lang: str) -> None:
    text = report.page(comparison, Texts(lang))
    assert f'lang="{lang}"' in text
    assert "HEAD (abc1234)" in text
    assert "&lt;a&gt;" in text  # words are escaped
    assert "0.25 * water * rate" in text
    assert "200.0" in text
    assert text.count("<svg") == 4  # two outcomes, two scenarios
    assert not re.search(r"<script|@import|<link|src=|url\(", text)
    assert set(re.findall(r"https?://[^\s\"'<]+", text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_page_of_no_difference(comparison: report.Comparison) -> None:
    text = report.page(report.compare(comparison.before, comparison.before), Texts("en"))
    assert "No path moved by more than 0.1%." in text
    assert "No declaration changed." in text
    assert "<svg" not in text


def test_data_is_json(comparison: report.Comparison) -> None:
    data = json.loads(json.dumps(report.as_data(comparison), allow_nan=False))
    assert data["a"] == {"revision": "HEAD", "commit": "abc1234"}
    assert data["largest"] is None  # one path is no longer a finite number
    assert {move["id"] for move in data["moves"]} == {"a", "b"}
    assert [each["name"] for each in data["declarations"]] == ["outflow"]


def test_members_of_a_series_are_one_line_in_the_summary() -> None:
    before, after = paths({"a": 1.0, "b": 1.0}), paths({"a": 2.0, "b": 4.0})
    for data in (before, after):
        data["id"] = ("path", ["series", "series"])
        data["member"] = ("path", ["X", "Y"])
    rows = report.by_scenario(diff.moves(before, after))
    assert [(row.member, row.scenario) for row in rows] == [("Y", "base"), ("Y", "all_low")]


def test_chart_is_valid_and_leaves_out_what_is_not_finite() -> None:
    from altair.vegalite.v6.schema import core

    before = np.ones((3, 5))
    after = before * [[1.0], [2.0], [np.nan]]
    spec = pair_spec(["2024-01", "2024-02", "2024-03"], before, after, "t", "people", "change")
    core.Root.validate_class = True
    core.Root.from_dict(spec)
    assert "NaN" not in json.dumps(spec)
    assert "<svg" in render.to_svg(spec, "t", "d", Texts("en"))


# ---- revisions


def git(folder: Path, *args: str) -> str:
    who = ("-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", str(folder), *who, *args], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A checkout: first without a model, then with an old one, then with one whose package cannot be imported."""
    home = tmp_path / "a checkout"
    (home / "src" / "acuerdo" / "engine").mkdir(parents=True)
    git(home.parent, "init", "-q", "-b", "trunk", str(home))
    (home / "README.md").write_text("nothing yet")
    for name, path in (
        ("empty", "README.md"),
        ("old", "src/acuerdo/engine/load.py"),
        ("broken", "src/acuerdo/engine/describe.py"),
    ):
        (home / path).touch()
        (home / "src" / "acuerdo" / "__init__.py").write_text("raise RuntimeError('on purpose')\n")
        git(home, "add", path, *(["src"] if name == "broken" else []))
        git(home, "commit", "-qm", name)
        git(home, "tag", name)
    return home


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where folders that must not stay are made."""
    place = tmp_path / "scratch"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def test_checkout_and_names(repo: Path, tmp_path: Path) -> None:
    assert revisions.checkout(repo / "src") == repo
    assert revisions.resolve(repo, "old") == git(repo, "rev-parse", "--short", "old")
    assert revisions.resolve(repo, ".") == revisions.resolve(repo, "worktree") == ""
    with pytest.raises(InputError, match="a folder of a git checkout"):
        revisions.checkout(tmp_path)
    with pytest.raises(InputError, match=r"'brokn' is not valid.*nearest valid: broken"):
        revisions.resolve(repo, "brokn")
    with pytest.raises(InputError, match="'--all' is not valid"):
        revisions.resolve(repo, "--all")


def test_files_of_a_revision_do_not_stay(repo: Path, scratch: Path) -> None:
    with revisions.files_of(repo, "broken", "broken") as source:
        assert source.is_relative_to(scratch)
        assert (source / "acuerdo" / "engine" / "describe.py").is_file()
    with revisions.files_of(repo, ".", "") as source:
        assert source == repo / "src"
    assert list(scratch.iterdir()) == []
    assert git(repo, "worktree", "list").count("\n") == 0


@pytest.mark.parametrize(
    ("revision", "says"),
    [
        ("empty", "revision empty: it holds no model"),
        ("old", "revision old: its model does not describe itself yet; the oldest that can be compared is"),
        ("broken", "revision broken: its model cannot be run on the scenarios .RuntimeError: on purpose"),
    ],
)
def test_a_revision_that_cannot_run_is_named_and_leaves_nothing(
    repo: Path, scratch: Path, revision: str, says: str
) -> None:
    with pytest.raises(DataError, match=says) as problem:
        revisions.compare_runs(repo, ("broken", revision), "2024-12")
    assert "\n" not in str(problem.value)
    assert list(scratch.iterdir()) == []


def acuerdo(*args: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "acuerdo.cli", "model", "compare", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_what_is_wrong_is_one_line(tmp_path: Path) -> None:
    done = acuerdo("HEAD", ".", "--repo", tmp_path, "--out", tmp_path / "page.html")
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert "a folder of a git checkout" in line
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--threshold", "-1"), "threshold: -1.0 is not valid"),
        (("--fail-above", "nan"), "fail-above: nan is not valid"),
        (("--lang", "fr"), "lang: 'fr' is not valid"),
    ],
)
def test_options_are_checked_first(args: tuple[str, ...], says: str) -> None:
    result = CliRunner().invoke(app, ["compare", "HEAD", ".", *args])
    assert isinstance(result.exception, InputError)
    assert says in str(result.exception)


# ---- the whole


@pytest.fixture(scope="module")
def model_repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of this package in which one constant of one equation of the working tree was changed."""
    home = tmp_path_factory.mktemp("model")
    ignored: Callable[..., Any] = shutil.ignore_patterns("__pycache__", "posterior")
    shutil.copytree(PACKAGE, home / "src" / "acuerdo", ignore=ignored)
    git(home, "init", "-q")
    git(home, "add", "-A")
    git(home, "commit", "-qm", "before")
    path = home / "src" / "acuerdo" / "corridors" / corridors.load().name / "model" / "trade.py"
    text, count = re.subn(r"(def delay_cost\(.*?\n    return )([^\n]+)", r"\1 1.1 * (\2)", path.read_text(), flags=re.S)
    assert count == 1
    path.write_text(text)
    return home


@pytest.mark.model
@pytest.mark.slow
def test_one_constant_changed_moves_what_depends_on_it_and_nothing_else(model_repo: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = acuerdo("HEAD", ".", "--repo", model_repo, "--json", "--fail-above", "0.05", "--out", page)
    assert done.returncode == 1, done.stderr  # 10 % is more than 5 %
    data = json.loads(done.stdout)
    (declared,) = data["declarations"]
    assert (declared["name"], declared["how"]) == ("delay_cost", "changed")
    assert [one["what"] for one in declared["differences"]] == ["equation"]
    assert data["records"] == {}
    assert {move["id"] for move in data["moves"]} == {"delay_cost"}
    scenarios = {move["scenario"] for move in data["moves"]}
    assert {"record", "base", "all_low", "all_high"} < scenarios
    assert len(scenarios) > 10
    for move in data["moves"]:
        assert [move[name] for name in ("change", "low", "high")] == pytest.approx([0.1] * 3)
    assert data["largest"] == pytest.approx(0.1)
    assert "<svg" in page.read_text()
    assert git(model_repo, "status", "--porcelain", "--ignored").splitlines() == [
        f"M src/acuerdo/corridors/{corridors.load().name}/model/trade.py"
    ]
