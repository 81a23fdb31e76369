"""The examination of a calibration: statistics with known answers, and pages that hold what was found."""

from __future__ import annotations

import re
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import small_model
from acuerdo import calibration_commands, calibration_page, calibration_report, cli
from acuerdo.calibration_report import Check, Report
from acuerdo.charts import calibration as pictures
from acuerdo.engine.load import CorridorModel, load_model
from acuerdo.errors import AcuerdoError, DataError, InputError
from acuerdo.figures.store import Figures
from acuerdo.i18n import Texts
from acuerdo.inference import posterior as posteriors
from acuerdo.inference.divergences import Divergence, Divergences
from acuerdo.inference.fit import Fit
from acuerdo.inference.posterior import Posterior
from acuerdo.inference.sampler import Plan
from acuerdo.inference.synthetic import DRAWS, Ranks, simulate_data
from acuerdo.projection import load_outcomes


@pytest.fixture(scope="module")
def built() -> CorridorModel:
    return load_model()


def fake(built: CorridorModel, draws: int = 200, **notes: Any) -> Posterior:
    """A posterior that is the prior."""
    z = np.random.default_rng(0).standard_normal((built.size, draws))
    told = {"method": "none", "provisional": 1, "rows": 10, "unknowns": 20, "in_sample_coverage_90": 0.9, **notes}
    return Posterior(
        date(2024, 12, 31),
        pd.Period("2024-12", "M"),
        z,
        np.ones((1, draws)),
        np.full((1, draws), 0.1),
        ["a"],
        np.zeros((0, draws)),
        [],
        {},
        {},
        {},
        {},
        np.zeros(1),
        told,
    )


# --- what was learned -------------------------------------------------------------------------------------------------


def test_a_posterior_that_is_the_prior_has_learned_nothing(built: CorridorModel) -> None:
    table = calibration_report.learned(built, fake(built, 4000).parameters)
    assert len(table) == built.size
    np.testing.assert_allclose(table["shift"], 0.0, atol=0.08)
    np.testing.assert_allclose(table["sd"], 1.0, atol=0.06)
    assert table["bits"].max() < 0.02
    one = table.drop_duplicates("parameter").iloc[0]
    assert one["prior_low"] < one["prior_median"] < one["prior_high"]


def test_what_was_learned_is_told_in_prior_sds_and_in_units() -> None:
    built = small_model.build()
    z = np.random.default_rng(0).standard_normal((built.size, 20_000))
    z[0] = 1.0 + 0.5 * z[0]
    table = calibration_report.learned(built, z).loc["usual_arrivals"]
    assert table["shift"] == pytest.approx(1.0, abs=0.02)
    assert table["sd"] == pytest.approx(0.5, abs=0.02)
    assert table["shrinkage"] == pytest.approx(0.75, abs=0.02)
    # divergence of N(1, 0.5) from N(0, 1)
    assert table["bits"] == pytest.approx((0.5 * (0.25 + 1 - 1) + np.log(2)) / np.log(2), abs=0.05)
    prior = [table[f"prior_{point}"] for point in ("low", "median", "high")]
    np.testing.assert_allclose(prior, [1000 / 1.5, 1000, 1500], rtol=1e-6)
    # one prior sd is log(1.5) / 1.645 in logs
    assert table["posterior_median"] == pytest.approx(1000 * 1.5 ** (1 / 1.645), rel=0.02)


def test_correlated_parameters_are_found_and_others_not() -> None:
    z = np.random.default_rng(0).standard_normal((5, 3000))
    z[3] = -0.8 * z[1] + 0.6 * z[3]
    pairs = calibration_report.inseparable(z, list("abcde"))
    assert pairs[["one", "other"]].to_numpy().tolist() == [["b", "d"]]
    assert pairs["correlation"][0] == pytest.approx(-0.8, abs=0.03)
    assert calibration_report.inseparable(z[[0, 2, 4]], list("ace")).empty


def test_chains_that_do_not_agree_come_first(built: CorridorModel) -> None:
    posterior = fake(built, chains=4)
    posterior.parameters[7, :50] += 4.0
    table = calibration_report.mixing(built, posterior)
    assert table is not None
    assert table.index[0] == calibration_report.names(built)[7]
    assert table["r_hat"].iloc[0] > 1.5
    assert table["r_hat"].iloc[5] < 1.1
    assert calibration_report.mixing(built, fake(built)) is None


# --- prior sensitivity ------------------------------------------------------------------------------------------------


def test_a_result_is_sensitive_to_the_prior_that_it_hangs_on_and_to_no_other() -> None:
    z = np.random.default_rng(0).standard_normal((6, 2000))
    told = 0.05 * z[5]  # the figures have fixed the last one
    z[5] = told
    results = {"hangs": np.exp(z[2] ** 2), "free": np.random.default_rng(1).standard_normal(2000)}
    own, outcomes, together = calibration_report.prior_sensitivity(z, list("abcdef"), results)
    chance = calibration_report.sensitivity_by_chance(z, results)
    assert outcomes["hangs"].idxmax() == "c"
    assert outcomes.loc["c", "hangs"] > 2 * chance.loc["hangs", "one"]
    assert outcomes.drop("c")["hangs"].max() < outcomes.loc["c", "hangs"] / 3
    assert outcomes["free"].max() < 0.05
    assert together["hangs"] > chance.loc["hangs", "together"]
    assert own["f"] < 0.01 < 0.05 < own.drop("f").min()


# --- predictive checks ------------------------------------------------------------------------------------------------


def test_figures_of_the_model_itself_are_covered_as_they_should_be() -> None:
    rng = np.random.default_rng(0)
    empty = small_model.make(120)
    truth = 0.5 * rng.standard_normal(empty.size)
    problem = simulate_data(empty, truth, 1)
    z = np.repeat(truth[:, None], 50, axis=1)
    _, _, paths = problem.simulate(z, problem.data.variables)
    sure = Posterior(
        None,
        problem.months[-1],
        z[: problem.built.size],
        np.asarray(problem.noise_sd(z)),
        np.asarray(problem.carried_part(z)),
        problem.data.noises,
        np.zeros((0, z.shape[1])),
        [],
        {},
        {},
        {},
        {name: np.asarray(path) for name, path in paths.items()},
        truth,
        {},
    )
    checks = calibration_report.predictive_checks(problem, sure)
    assert [(check.series, check.member) for check in checks] == [("test.arrivals", "ALL"), ("test.waiting", "ALL")]
    table = calibration_report.coverage(checks)
    assert table.loc["ALL", "figures"] == 240
    assert table.loc["ALL", "inside_50"] == pytest.approx(0.5, abs=0.1)
    assert table.loc["ALL", "inside_90"] == pytest.approx(0.9, abs=0.06)
    for check in checks:
        assert check.rows["month"].is_monotonic_increasing
        assert (check.rows[["q05", "q25", "q50", "q75", "q95"]].diff(axis=1).iloc[:, 1:] >= 0).all().all()


def test_sums_over_several_months_are_shown_by_the_month() -> None:
    problem = small_model.make(24)
    data = problem.data
    data.first[:] = np.maximum(data.last - 2, 0)  # each figure is now one of three months
    z = np.zeros((problem.size, 10))
    _, _, paths = problem.simulate(z, data.variables)
    noise = np.full((2, 10), 1e-6)
    still = {name: np.asarray(path) for name, path in paths.items()}
    posterior = Posterior(
        None,
        problem.months[-1],
        z[:4],
        noise,
        np.full_like(noise, 0.1),
        data.noises,
        np.zeros((0, noise.shape[1])),
        [],
        {},
        {},
        {},
        still,
        np.zeros(problem.size),
        {},
    )
    arrivals, waiting = calibration_report.predictive_checks(problem, posterior)
    assert arrivals.rows["q50"].iloc[-1] == pytest.approx(1000.0, rel=0.05)
    assert arrivals.rows["value"].iloc[-1] == pytest.approx(1000.0 / 3)
    assert waiting.rows["value"].iloc[-1] == 1000.0, "a stock is not divided"


# --- pages ------------------------------------------------------------------------------------------------------------


def report(built: CorridorModel, figures: Figures, **notes: Any) -> Report:
    posterior, names = fake(built, **notes), calibration_report.names(built)
    rng, months = np.random.default_rng(0), pd.period_range("2020-01", "2024-12", freq="M")
    order = np.sort(rng.uniform(10, 90, (5, len(months))), axis=0)
    quantiles = dict(zip(calibration_report.QUANTILES, order, strict=True))
    rows = pd.DataFrame({"month": months, "value": 50.0, **quantiles})
    series = "us.encounters.between_ports"
    members = list(figures.catalogue.members(series))[1:4]
    checks = [Check(series, member, rows, 0.4, 0.8) for member in members]
    checks.append(Check("us.overdose_deaths.all.12m", "predicted", rows.tail(5), 0.4, 0.8))
    outcomes = list(load_outcomes(built.corridor))
    small = pd.DataFrame(0.01, index=names, columns=outcomes)
    small.loc[names[3], outcomes[0]] = 0.4
    return Report(
        posterior,
        calibration_report.learned(built, posterior.parameters),
        calibration_report.mixing(built, posterior),
        checks,
        calibration_report.coverage(checks),
        pd.DataFrame([{"one": names[0], "other": names[1], "correlation": -0.7}]),
        pd.Series(0.1, index=names),
        small,
        pd.Series(0.2, index=outcomes),
        pd.DataFrame({"one": 0.03, "together": 0.1}, index=outcomes),
    )


FULL = {
    "provisional": 0,
    "chains": 4,
    "iterations": 400,
    "worst_r_hat": 1.0123,
    "least_ess_bulk": 456.0,
    "least_ess_tail": 512.0,
    "within_bounds": 0.987,
    "mixes_worst": "detection_rate NIC (1.014); noise of test.series|NIC (1.011)",
    "fewest_draws": "detection_rate NIC (456)",
    "divergences": 3,
    "diverged": Divergences(
        [14.6, 15.2, 25.1],
        [
            Divergence(
                2,
                1234,
                105.4,
                [("detection_rate NIC", 1.0), ("departures 2024-10 VEN", -0.71)],
                [("noise of test.series|NIC", -3.84)],
                0.5,
            )
        ],
    ).text(),
}


@pytest.mark.parametrize(
    ("lang", "notes"), [("en", FULL), ("es", {**FULL, "provisional": 1}), ("es", {})], ids=["full", "unsound", "quick"]
)
def test_the_page_holds_what_was_found(built: CorridorModel, lang: str, notes: dict[str, Any]) -> None:
    figures, texts = Figures.open(built.corridor), Texts(lang, built.corridor)
    found = report(built, figures, **notes)
    page = calibration_page.html(built, figures.catalogue, found, texts)
    assert page.startswith("<!DOCTYPE html>")
    assert "<script" not in page
    assert not re.findall(r'(?:src|href)="(?!#)', page)
    sectors = found.learned["sector"].nunique()
    assert page.count("<svg") == 1 + sectors + 2
    assert (texts.t("calibration.provisional") in page) is (not notes)
    assert (texts.t("calibration.unsound") in page) is (notes.get("provisional") == 1)
    assert (texts.t("calibration.section.chains") in page) is bool(notes)
    words = calibration_page.labels(built, figures.catalogue, texts)["detection_rate[NIC]"]
    worst = f"{words} ({texts.number(1.014, 3)}); noise of test.series|NIC ({texts.number(1.011, 3)})"
    for value in ("1.012", "456, 512", texts.percent(0.987, 1), worst, f"{words} (456)") if notes else ():
        assert value in page
    assert (texts.t("calibration.section.diverged") in page) is bool(notes)
    month = texts.month(pd.Period("2024-10", "M"))
    path = texts.t("calibration.path", chain="2", iteration=texts.number(1234))
    path = texts.t("calibration.path_ahead", path=path, share="50")
    for value in (
        (path, f"{words} ({texts.signed(1, 1)})", f"{month} ({texts.signed(-0.71, 1)})", "15, 15", ">105<")
        if notes
        else ()
    ):
        assert value in page
    assert texts.signed(-0.7, 2) in page
    assert texts.number(0.4, 2) in page
    assert texts.t("calibration.single_months") in page


def test_every_parameter_has_a_name_of_its_own(built: CorridorModel) -> None:
    """Pictures put names on an axis: two of the same would fall on one line."""
    figures = Figures.open(built.corridor)
    for lang in ("en", "es"):
        labels = calibration_page.labels(built, figures.catalogue, Texts(lang, built.corridor))
        assert len(labels) == built.size
        assert len(set(labels.values())) == built.size


def test_pictures_keep_to_their_edges() -> None:
    rows = pd.DataFrame(
        {"label": ["far", "near"], "q05": [-9, -1], "q25": [-8, -0.5], "q50": [-7, 0], "q75": [-6, 0.5], "q95": [9, 1]}
    ).astype({"q05": float, "q25": float, "q50": float, "q75": float, "q95": float})
    spec = pictures.learned_spec(rows, "axis")
    drawn = spec["layer"][2]["data"]["values"]
    assert [row["label"] for row in drawn] == ["far", "near"]
    assert all(-4 <= row[name] <= 4 for row in drawn for name in ("q05", "q25", "q50", "q75", "q95"))


@pytest.mark.parametrize("lang", ["en", "es"])
def test_the_page_of_ranks_says_what_fails(lang: str) -> None:
    rng, texts = np.random.default_rng(0), Texts(lang)
    rank = rng.integers(0, DRAWS + 1, (60, 3))
    rank[:, 1] = rng.integers(0, 20, 60)
    truth = rng.standard_normal((60, 3))
    ranks = Ranks(["first", "second", "third"], truth, rank, truth, np.ones((60, 3)), failed=2)
    assert ranks.failing() == ["second"]
    page = calibration_page.ranks_html(ranks, texts)
    assert page.count("<svg") == 1
    assert calibration_page.ranks_summary(ranks, texts) in page
    assert "second" in calibration_page.ranks_summary(ranks, texts)


# --- command ----------------------------------------------------------------------------------------------------------


def refused(*arguments: str) -> AcuerdoError:
    found = CliRunner().invoke(cli.app, ["calibrate", *arguments])
    assert isinstance(found.exception, AcuerdoError), found.output
    return found.exception


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--chains", "1"), "chains: 1 is not valid; allowed: 2 to 16; nearest valid: 2"),
        (("--iterations", "20"), "iterations: 20 is not valid; allowed: 100 to 10000; nearest valid: 100"),
        (("--sbc", "0"), "sbc: 0 is not valid; allowed: 1 to 1000; nearest valid: 1"),
        (("--sbc", "3", "--report"), "allowed: one of --report, --check and --sbc"),
        (("--check", "--report"), "allowed: one of --report, --check and --sbc"),
        (("--report", "--lang", "fr"), "lang: 'fr' is not valid; allowed: en, es"),
    ],
)
def test_what_is_not_valid_is_refused_before_any_work(arguments: tuple[str, ...], says: str) -> None:
    problem = refused(*arguments)
    assert isinstance(problem, InputError)
    assert says in str(problem)


@pytest.mark.parametrize("what", ["--report", "--check"])
def test_without_a_saved_posterior_the_command_to_make_one_is_told(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    monkeypatch.setattr(posteriors, "saved", lambda *_: None)
    problem = refused(what, "--as-of", "2024-12")
    assert isinstance(problem, DataError)
    assert "acuerdo calibrate --as-of 2024-12-31" in str(problem)


def test_a_stopped_run_is_told_of(
    built: CorridorModel, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(posteriors, "kept", lambda _: tmp_path)
    calibration_commands.tell_of_checkpoints(built, None)
    assert capsys.readouterr().err == ""
    folder = posteriors.sampling_folder(built, None)
    folder.mkdir()
    (folder / "progress.json").write_text('{"key": "k", "pieces": {"0": 2, "1": 5}}')
    calibration_commands.tell_of_checkpoints(built, None)
    assert "after 140 iterations" in capsys.readouterr().err


def run_to(built: CorridorModel, out: Path, kept: int = 400) -> list[str]:
    plan = Plan(kept=kept)
    return calibration_commands.fit(built.corridor, None, plan, lambda *_: None, lambda *_: None, out)


@pytest.fixture
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, built: CorridorModel) -> list[Path]:
    """What a run has kept on its way, by its end."""
    monkeypatch.setattr(posteriors, "kept", lambda _: tmp_path)
    folder = posteriors.sampling_folder(built, None)
    folder.mkdir()
    (folder / "progress.json").write_text('{"key": "k", "pieces": {"0": 2}}')
    (folder / "search.npz").write_text("")
    return list(folder.iterdir())


def with_mixing(built: CorridorModel, **told: float) -> posteriors.Posterior:
    good = {"worst_r_hat": 1.005, "least_ess_bulk": 500.0, "least_ess_tail": 600.0, "divergences": 1}
    found = fake(built)
    found.notes |= good | told
    return found


def test_checkpoints_stay_until_the_posterior_is_written(
    built: CorridorModel, checkpoints: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that ends while its draws are examined, or whose file cannot be written, is not lost."""
    monkeypatch.setattr(posteriors, "calibrate", lambda *_, **__: with_mixing(built))
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        run_to(built, tmp_path / "file" / "latest.nc")
    assert all(path.exists() for path in checkpoints)
    lines = run_to(built, tmp_path / "latest.nc")
    assert (tmp_path / "latest.nc").exists()
    assert not any(path.exists() for path in checkpoints)
    assert not any("go on" in line for line in lines)  # longer chains take no divergence back


@pytest.mark.parametrize("bad", [{"worst_r_hat": 1.0101}, {"least_ess_bulk": 399.0}, {"least_ess_tail": 399.0}])
def test_a_run_that_was_too_short_can_go_on(
    built: CorridorModel,
    checkpoints: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    bad: dict[str, float],
) -> None:
    monkeypatch.setattr(posteriors, "calibrate", lambda *_, **__: with_mixing(built, **bad))
    lines = run_to(built, tmp_path / "latest.nc")
    assert all(path.exists() for path in checkpoints)
    assert "--iterations 800" in lines[-1]
    assert str(checkpoints[0].parent) in lines[-1]
    run_to(built, tmp_path / "latest.nc", calibration_commands.MOST_KEPT)  # it cannot go on from there
    assert not any(path.exists() for path in checkpoints)


def test_where_a_path_diverged_is_told(
    built: CorridorModel, checkpoints: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert checkpoints
    found = with_mixing(built)
    found.notes["diverged"] = FULL["diverged"]
    monkeypatch.setattr(posteriors, "calibrate", lambda *_, **__: found)
    lines = run_to(built, tmp_path / "latest.nc")
    assert lines[-1].strip() == (
        "diverged: chain 2, iteration 1234: curvature 105, 50% of its way on (usual places: 15, 15, 25), along"
        " detection_rate NIC (+1); departures 2024-10 VEN (-0.71); far out: noise of test.series|NIC (-3.8)"
    )


def test_a_run_goes_on_from_where_its_own_search_ended(
    built: CorridorModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another calibration may have been packaged since: a new search would give its checkpoints another meaning."""
    rng, made = np.random.default_rng(1), []

    def search(*_: Any) -> Fit:
        size = 5 + len(made)
        made.append(
            Fit(rng.normal(size=size), np.arange(size) > 1, rng.normal(size=(3, 3)), np.ones(2), [2.0, 1.0], True)
        )
        return made[-1]

    monkeypatch.setattr(posteriors, "search", search)
    folder = tmp_path / "sampling"
    of_run = partial(posteriors._search_of_run, None, folder)

    def pieces() -> Path:
        path = folder / "piece_0_0.npz"
        path.write_text("")
        return path

    first = of_run("key", None)
    kept = pieces()
    again = of_run("key", None)
    assert len(made) == 1
    assert kept.exists()
    for one, other in zip(vars(first).values(), vars(again).values(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert isinstance(again.converged, bool)
    assert isinstance(again.objective, list)
    of_run("other", None)  # figures, model or code are others
    assert len(made) == 2
    assert not kept.exists()
    kept = pieces()
    (folder / "search.npz").write_bytes((folder / "search.npz").read_bytes()[:100])
    of_run("other", None)
    assert len(made) == 3
    assert not kept.exists()
