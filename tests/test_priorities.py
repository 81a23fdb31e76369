"""The study on the model, from draws of the prior: batches equal single runs, and the result hangs together."""

import json
from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

from acuerdo import corridor as corridors
from acuerdo.brief.priorities import priorities_section
from acuerdo.cli import app
from acuerdo.effects import over_horizon
from acuerdo.engine.load import load_model
from acuerdo.errors import AcuerdoError, DataError, InputError
from acuerdo.figures.store import Figures
from acuerdo.i18n import Texts
from acuerdo.inference.posterior import _posterior
from acuerdo.inference.problem import make_problem
from acuerdo.priorities.batch import Batch
from acuerdo.priorities.futures import Future, Shift, load_futures
from acuerdo.priorities.lever_effects import AS_PROJECTED, lever_effects
from acuerdo.priorities.report import to_dict
from acuerdo.priorities.sensitivity import Factors
from acuerdo.priorities.space import load_limits, make_space
from acuerdo.priorities.study import Effort, study
from acuerdo.priorities.values import load_values
from acuerdo.projection import Projector
from acuerdo.scenario import Setting

CORRIDOR = corridors.load("us_mexico")
SMALL = Effort(search_draws=4, check_draws=12, size=12, generations=2, again=1, weights=50)
PACKAGES = [[], [Setting("military_action", 1.0)], [Setting("parole_places", 10_000.0), Setting("naloxone_kits", 4e5)]]


@pytest.fixture(scope="module")
def built():
    return load_model("us_mexico")


@pytest.fixture(scope="module")
def figures():
    return Figures.open(CORRIDOR)


@pytest.fixture(scope="module")
def posterior(built, figures):
    """Narrow draws of the prior run through the record: a start that needs no calibration."""
    problem = make_problem(built, figures, date(2024, 12, 31))
    z = 0.4 * np.random.default_rng(1).standard_normal((problem.size, 24))
    return _posterior(problem, SimpleNamespace(mode=z[:, 0]), z, z, {})


@pytest.fixture(scope="module")
def projector(built, figures, posterior):
    return Projector(built, figures, posterior, 6, 8, 1)


@pytest.fixture(scope="module")
def result(built, figures, posterior):
    ticks: list[str] = []
    found = study(built, figures, posterior, load_values(CORRIDOR), 6, 1, None, True, SMALL, None, ticks.append)
    assert len(ticks) == SMALL.steps
    return found


def test_course_of_a_shift():
    shift = Shift(series="x", add=1.0, first=2, months=2, fade=3)
    assert shift.course(8) == pytest.approx([0, 1, 1, 0.75, 0.5, 0.25, 0, 0])


@pytest.mark.model
def test_futures_of_the_corridor_name_what_there_is(built):
    futures = load_futures(built)
    assert futures[0].id == "as_projected"
    assert not futures[0].shifts
    for future in futures:
        assert set(future.title) == {"en", "es"}


@pytest.mark.model
def test_batches_equal_single_runs(projector):
    """Packages side by side give what each gives alone, whatever the number of packages in a run."""
    outcomes = list(projector.outcomes)
    for columns in (8, 24, 64):
        levels = Batch(projector, [AS_PROJECTED], outcomes, columns).levels(PACKAGES)
        for at, package in enumerate(PACKAGES):
            alone = projector.run(package, noise=False)
            for o, name in enumerate(outcomes):
                single = over_horizon(projector.outcomes[name], alone, 6)
                assert levels[at, 0, :, o] == pytest.approx(single, rel=1e-3), (columns, at, name)


@pytest.mark.model
def test_futures_move_what_they_should(projector, built):
    futures = load_futures(built)
    batch = Batch(projector, futures, ["encounters_between", "fentanyl_supply", "cooperation"])
    mean = batch.levels([[]])[0].mean(axis=1)
    at = {future.id: mean[f] - mean[0] for f, future in enumerate(futures)}
    assert at["surge_haiti"][0] > 0
    assert at["surge_venezuela"][0] > 0
    assert at["recession"][0] < 0 < at["boom"][0]
    assert at["supply_innovation"][1] > 0
    assert at["cooperation_lost"][2] < 0
    assert batch.runs == len(futures) * projector.draws


@pytest.mark.model
def test_a_forced_lever_goes_over_a_package(projector):
    closed = Future.model_validate(
        {
            "id": "closed",
            "title": {},
            "source": "assumption",
            "levers": [{"lever": "parole_places", "value": 0, "first": 1}],
        }
    )
    wanted = [[Setting("parole_places", 40_000.0)], [Setting("parole_places", 0.0)]]
    levels = Batch(projector, [closed], ["encounters_between", "lawful_share"]).levels(wanted)
    assert levels[0] == pytest.approx(levels[1], rel=1e-5)


@pytest.mark.model
def test_effects_of_levers(projector):
    table = lever_effects(projector, [], (3, 6))
    assert set(table["months"]) == {3, 6}
    treatment = table[(table["lever"] == "treatment_coverage") & (table["outcome"] == "people_in_treatment")]
    assert (treatment["change"] > 0).all()
    assert (treatment["better"]).all()
    assert treatment["per_unit"].to_numpy() == pytest.approx(treatment["change"] / 0.14, rel=1e-6)
    assert (table["q05"] <= table["q95"]).all()
    assert table["p_wrong_sign"].between(0, 1).all()
    for _, rows in table.groupby(["outcome", "months"]):
        assert sorted(rows["rank"]) == list(range(1, len(rows) + 1))
        assert rows.loc[rows["rank"] == 1, "better"].item() or not rows["better"].any()
    on_top = lever_effects(projector, [Setting("treatment_coverage", 0.4)], (6,))
    assert "treatment_coverage" not in set(on_top["lever"])


@pytest.mark.model
def test_factors_in_the_middle_are_the_median_and_levers_move(projector, built):
    limits, _ = load_limits(CORRIDOR, built.levers)
    space = make_space(built.levers, projector.base, projector.members, limits, ("us", "mexico"), 6)
    factors = Factors(projector, ("job_pull",), space, ("treatment_coverage",), ("people_in_treatment",), 8)
    values = factors(np.array([[0.5, 0.0], [0.5, 1.0], [0.9, 1.0]]))
    assert values[1, 0] > values[0, 0]
    assert values[1, 0] == pytest.approx(values[2, 0], rel=1e-6)


@pytest.mark.model
@pytest.mark.slow
def test_a_study_hangs_together(result):
    assert result.plans
    assert result.gains.shape == (len(result.plans), len(result.futures), 12, 2)
    assert result.runs > 0
    assert not any(m.lever == "military_action" for plan in result.plans for m in plan)
    assert [one.measure.lever for one in result.contested] == ["military_action"]
    assert (result.space.excess(result.plans, result.costs) <= 0).all()
    for at in result.shown:
        assert result.agreement.zone[at]
        assert sum(flags[at] for flags in result.passes().values()) > len(result.passes()) / 2
    for side, plan in result.none.plans.items():
        assert all(result.built.levers[m.lever].owner == side for m in plan)
    data = to_dict(result)
    assert len(data["packages"]) == len(result.plans)
    assert data == json.loads(json.dumps(data))
    told = [entry for entry in data["packages"] if entry["told"]]
    assert sorted(entry["told"] for entry in told) == list(range(1, len(result.shown) + 1))
    for entry in told:
        assert all(gain >= 0.1 for gain in entry["robustness"]["mean"].values()), "a trifle is not told"
        by_outcome = {side: sum(o["points"][side] for o in entry["outcomes"].values()) for side in data["sides"]}
        assert by_outcome == pytest.approx(entry["robustness"]["mean"], abs=0.01), "outcomes add up to the gain"
    (contested,) = data["contested"]
    assert {prior["parameter"] for prior in contested["priors"]} == {
        "military_supply_effect",
        "military_homicides",
        "cooperation_loss",
    }
    assert contested["chosen"] == any(m.lever == contested["lever"] for m in result.none.together)


@pytest.mark.model
@pytest.mark.slow
def test_a_study_is_reproducible(result, built, figures, posterior):
    again = study(built, figures, posterior, load_values(CORRIDOR), 6, 1, None, True, SMALL)
    assert again.plans == result.plans
    assert np.array_equal(again.gains, result.gains)


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.parametrize("lang", ["en", "es"])
def test_section_in_words(result, lang):
    section = priorities_section(to_dict(result), Texts(lang, CORRIDOR))
    assert len(section.packages) == len(result.shown)
    assert {len(row) for row in section.table} <= {1 + len(result.shown)}
    assert len(section.columns) == 1 + len(result.shown)
    for item, at in zip(section.packages, result.shown, strict=True):
        assert len(item.measures) == len(result.plans[at])
        assert len(item.sides) == 2
        assert item.turns
    assert section.picture.svg.startswith("<svg")
    assert section.contested


@pytest.mark.model
@pytest.mark.slow
def test_an_empty_zone_is_told(result):
    """Sides that ask more than any package gives cannot agree; the section says so."""
    from acuerdo.priorities.bargaining import agree

    asked = dict.fromkeys(result.values.sides, 1000.0)
    values = replace(result.values, reservation=asked)
    agreement = agree(result.robust.mean, np.zeros(2), np.array([1000.0, 1000.0]))
    nothing = replace(result, values=values, agreement=agreement, shown=[], worth={})
    section = priorities_section(to_dict(nothing), Texts("en", CORRIDOR))
    assert "zone of agreement is empty" in section.finding
    assert "zone of agreement is empty" in section.summary
    assert section.packages == ()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["priorities", "--budget", "us=-5"], "0 or more"),
        (["priorities", "--budget", "us"], "SIDE=MILLIONS"),
        (["priorities", "--budget", "uk=5"], "nearest valid: us"),
        (["priorities", "--values", "nowhere.yaml"], "no such file"),
        (["priorities", "--package", "--quick"], "not together with --package"),
        (["priorities", "--package", "--seed", "2"], "not together with --package"),
        (["priorities", "--scheduler", "nowhere"], "scheduler"),
        (["priorities", "weights", "--side", "canada"], "side"),
        (["priorities", "weights", "--side", "us", "--rate", "homicides=5"], "not valid"),
        (["priorities", "weights", "--side", "us", "--rate", "overdose_deaths=-5"], "0 or more"),
        (["priorities", "sensitivity", "--samples", "100"], "a power of two"),
        (["levers", "effects", "--outcome", "overdose"], "nearest valid: overdose_deaths"),
    ],
)
def test_plain_answers(arguments, said):
    found = CliRunner().invoke(app, arguments)
    assert isinstance(found.exception, AcuerdoError | InputError | DataError)
    assert said in str(found.exception)


def test_weights_from_ratings():
    found = CliRunner().invoke(
        app, ["priorities", "weights", "--side", "us", "--rate", "overdose_deaths=100", "--rate", "goods_trade=25"]
    )
    assert found.exit_code == 0
    assert "overdose_deaths: 80.0" in found.stdout
    assert "goods_trade: 20.0" in found.stdout


def test_listing_of_levers_is_still_there():
    found = CliRunner().invoke(app, ["levers"])
    assert found.exit_code == 0
    assert "unilateral" in found.stdout.lower() or "military" in found.stdout.lower()
