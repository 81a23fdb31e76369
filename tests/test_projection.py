"""Projections: reproducible, paired, labelled, in order, and zero measures mean no change."""

import copy
import dataclasses

import numpy as np
import pandas as pd
import pytest

import acuerdo
from acuerdo.effects import measure_effects, over_horizon, trial
from acuerdo.errors import InputError
from acuerdo.figures.store import Figures
from acuerdo.inference.posterior import FULL, Posterior, digests, file_name, packaged, sound
from acuerdo.inference.problem import record_months
from acuerdo.projection import Projector, make_projector, project, to_dataset, to_table
from acuerdo.scenario import Setting
from acuerdo.timeline import parse_as_of

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def projector() -> Projector:
    return make_projector("2024-12", 12, 200, 1)


@pytest.fixture(scope="module")
def ahead(projector):
    return to_dataset(projector, projector.run())


@pytest.mark.parametrize("as_of", [None, "2023-09-29", "2024-12"])
def test_packaged_posteriors_belong_to_the_model_and_the_figures(projector, as_of):
    """A changed model or snapshot needs new posteriors: run `make posterior`."""
    built, day = projector.built, parse_as_of(as_of)
    path = packaged(built) / file_name(day)
    assert path.exists(), f"no packaged posterior for {as_of or 'latest'}: run `make posterior`"
    notes = Posterior.load(path).notes
    figures = Figures.open(built.corridor)
    wanted = digests(built, figures.as_of(day), day, record_months(figures, day))
    found = {key: notes[key] for key in wanted}
    assert found == wanted, "the model or the snapshot changed: run `make posterior`"
    full = notes["method"] == FULL
    assert notes["provisional"] == int(not (full and sound(notes))), "only chains that agree end the provisional state"
    assert notes["in_sample_coverage_90"] > 0.8


def test_every_observable_of_the_list_is_projected(ahead):
    wanted = [
        "us.encounters.between_ports",
        "us.encounters.at_ports",
        "us.encounters.title42",
        "us.mpp_returns",
        "us.cbp_one_processed",
        "us.chnv_paroles",
        "us.repatriations",
        "us.bookouts",
        "us.court_backlog",
        "panama.darien_transits",
        "mexico.irregular_events",
        "mexico.returns",
        "mexico.asylum_applications",
        "mexico.asylum_decisions",
        "mexico.asylum_pending",
        "us.overdose_deaths.all",
        "us.overdose_deaths.synthetic_opioids",
        "us.overdose_deaths.all.12m",
        "us.overdose_deaths.synthetic_opioids.12m",
        "us.fentanyl_seized.at_ports",
        "us.fentanyl_seized.between_ports",
        "us.fentanyl_purity",
        "us.moud_treated",
        "us.naloxone_kits",
        "mexico.homicides",
        "border.deaths_on_route",
        "trade.us_imports_from_mexico",
        "trade.us_exports_to_mexico",
        "trade.trucks_northbound",
        "macro.mxn_per_usd",
        "macro.us_job_openings",
        "mexico.remittances",
        "us.ofac_counternarcotics_listings",
    ]
    assert set(wanted) <= set(ahead.data_vars)
    for name in wanted:
        assert ahead[name].attrs["kind"] == "observable"


def test_values_are_finite_not_negative_and_quantiles_are_in_order(ahead):
    for name, array in ahead.data_vars.items():
        values = array.values.reshape(*array.shape[:2], -1)
        held = ~np.isnan(values).all(axis=(0, 1))  # a series without some member of a shared dimension has a gap there
        assert held.any(), name
        values = values[..., held]
        assert np.isfinite(values).all(), name
        assert (values >= 0).all(), name
        assert (np.diff(values[1:], axis=0) >= -1e-9).all(), f"{name}: quantiles out of order"


def test_only_the_parole_programme_lacks_origins(projector, ahead):
    gaps = {name for name, array in ahead.data_vars.items() if "origin" in array.dims and array.isnull().any()}
    short = {n for n, item in projector.observables.items() if item.over == "origin" and item.skip}
    assert gaps <= short


def test_shocks_to_come_leave_the_mean_of_what_they_multiply_where_it_returns_to():
    """Known answer of a first-order autoregression: on average exp of a path is exp(persistence ** months * now)."""
    one = make_projector("2024-12", 12, 4000, 3)
    ages = np.arange(1, 13)
    for name, path in one.latent.items():
        kept = np.asarray(one.parameters[f"{name}_persistence"], float)
        now = np.asarray(one.posterior.latent[name], float)
        back = kept ** ages.reshape(-1, *[1] * now.ndim) * now
        ratio = np.exp(np.asarray(path, float) - back)
        mean, error = ratio.mean(axis=-1), ratio.std(axis=-1) / np.sqrt(one.draws)
        assert (np.abs(mean - 1) <= 5 * error).mean() > 0.99, name
        assert (error > 0).all(), f"{name}: shocks move it"
    widest = np.asarray(one.latent["origin_pressure"], float)[-1].std(axis=-1).max()
    assert widest > 0.8, "without the correction the mean would be a third above"


def test_figures_ahead_go_with_the_days_of_their_months(projector):
    """Without noise a figure is the month by the days that count, and a window the sum of its months so counted."""
    one = copy.copy(projector)
    one.posterior = dataclasses.replace(projector.posterior, noise=np.zeros_like(projector.posterior.noise))
    item = one.observables["trade.us_imports_from_mexico"]
    run = projector.run(noise=False)
    seen = one._observe(item, run.outputs)["ALL"]
    length = item.lengths(run.months)
    assert length.min() < 0.95, "February is short"
    np.testing.assert_allclose(seen, run.outputs["imports_from_mexico"] * item.factor * length[:, None], rtol=1e-5)
    deaths = one.observables["us.overdose_deaths.all.12m"].model_copy(update={"count": False})
    window = one._observe(deaths, run.outputs)["predicted"][-1]  # the twelve months ahead
    months = run.outputs["overdose_deaths"] * deaths.lengths(run.months)[:, None]
    np.testing.assert_allclose(window, months.sum(axis=0), rtol=1e-4)


def test_labels_and_units_in_both_languages(ahead, projector):
    for name, array in ahead.data_vars.items():
        for key in ("units", "label_en", "label_es", "kind", "source"):
            assert array.attrs[key], f"{name}: {key}"
    assert ahead.attrs["provisional"] == projector.posterior.notes["provisional"]


def test_months_follow_the_as_of_month(ahead):
    assert str(ahead["month"].values[0])[:7] == "2025-01"
    assert ahead.sizes["month"] == 12


def test_same_seed_same_numbers_and_another_seed_others(projector, ahead):
    again = make_projector("2024-12", 12, 200, 1)
    same = to_dataset(again, again.run())
    for name in ahead.data_vars:
        np.testing.assert_array_equal(ahead[name].values, same[name].values, err_msg=str(name))
    other = make_projector("2024-12", 12, 200, 2)
    assert not np.allclose(other.run().outputs["homicides"], projector.run().outputs["homicides"])


def test_total_is_the_sum_of_its_members(projector):
    members = projector.run().observed["us.encounters.between_ports"]
    parts = sum(values for name, values in members.items() if name != "ALL")
    np.testing.assert_allclose(members["ALL"], parts)


def test_a_setting_equal_to_the_base_changes_nothing(projector):
    before = projector.run()
    for lever in projector.built.levers.values():
        if lever.over is None:
            base = projector.base[lever.name]
            same = [Setting(lever.name, float(v), m, m) for v, m in zip(base, projector.months, strict=True)]
            after = projector.run(same)
            for name, values in before.outputs.items():
                np.testing.assert_allclose(after.outputs[name], values, rtol=1e-9, atol=1e-9, err_msg=lever.name)


def test_nothing_changes_before_the_month_of_a_setting(projector):
    before, month = projector.run(), projector.months[6]
    after = projector.run([Setting("consequence_share", 0.0, month), Setting("naloxone_kits", 1e6, month)])
    for name, values in before.outputs.items():
        np.testing.assert_allclose(after.outputs[name][:6], values[:6], rtol=1e-9, atol=1e-9, err_msg=name)
    assert not np.allclose(after.outputs["overdose_deaths"][6:], before.outputs["overdose_deaths"][6:])


@pytest.mark.parametrize(
    ("lever", "outcome", "sign"),
    [
        ("naloxone_kits", "overdose_deaths", -1),
        ("treatment_coverage", "people_in_treatment", 1),
        ("precursor_control", "overdose_deaths", -1),
        ("asylum_decisions", "asylum_wait", -1),
        ("asylum_decisions", "people_protected", 1),
        ("military_action", "homicides", 1),
        ("military_action", "cooperation", -1),
        ("trade_capacity", "delay_cost", -1),
        ("court_capacity", "court_queue", -1),
        ("port_appointments", "lawful_share", 1),
        ("southbound_checks", "homicides", -1),
        ("scanning_share", "fentanyl_supply", -1),
    ],
)
def test_more_of_a_lever_moves_its_outcome_the_expected_way(projector, lever, outcome, sign):
    low, high = projector.built.levers[lever].range
    span = [Setting(lever, low + share * (high - low)) for share in (0.1, 0.8)]
    small, large = (projector.run([s], noise=False) for s in span)
    item = projector.outcomes[outcome]
    change = over_horizon(item, large, 12) - over_horizon(item, small, 12)
    assert sign * change.mean() > 0
    assert np.mean(sign * change > 0) > 0.85


def test_cooperation_can_be_switched_off(projector):
    harm = [Setting("military_action", 1.0)]
    counted = projector.run(harm, noise=False, keep=["cooperation_factor"])
    left_out = projector.run(harm, noise=False, keep=["cooperation_factor"], parameters={"cooperation_switch": 0.0})
    assert counted.outputs["cooperation_factor"][-1].mean() < 0.9
    np.testing.assert_allclose(left_out.outputs["cooperation_factor"], 1.0)


def test_effects_of_measures(projector):
    table = measure_effects(projector, 12)
    moved = [n for n, lever in projector.built.levers.items() if not _same(*trial(projector, lever))]
    assert set(table["lever"]) == set(moved)
    assert len(table) == len(moved) * len(projector.outcomes)
    assert (table["q05"] <= table["q95"]).all()
    assert table["p_wrong_sign"].between(0, 1).all()
    for column in ("setting_label", "lever_label", "outcome_label"):
        assert all(set(entry) == {"en", "es"} for entry in table[column])


def _same(setting, without):
    return np.isclose(setting.value, without)


def test_table_has_one_row_a_month_and_member(ahead):
    table = to_table(ahead)
    assert not table.duplicated(["month", "id", "member"]).any()
    of = table[(table["id"] == "us.encounters.between_ports") & (table["member"] == "ALL")]
    assert len(of) == 12
    expected = ahead["us.encounters.between_ports"].sel(statistic="q50", origin="ALL").values
    np.testing.assert_allclose(of["q50"], expected)


def test_from_python():
    found = acuerdo.project(as_of="2024-12", months=3, set={"naloxone_kits": "400000@2025-02"}, draws=20)
    assert found.sizes["month"] == 3
    assert found.attrs["settings"] == "naloxone_kits=400000@2025-02"
    assert isinstance(found["mexico.homicides"].to_series(), pd.Series)


def test_more_draws_than_the_posterior_has():
    assert project(as_of="2024-12", months=2, draws=1500).attrs["draws"] == 1500


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"months": 0}, "months"),
        ({"draws": 10**9}, "draws"),
        ({"seed": -1}, "seed"),
        ({"as_of": "1999-01-01"}, "as-of"),
    ],
)
def test_numbers_out_of_range_are_refused(given, field):
    with pytest.raises(InputError, match=field):
        project(**given)
