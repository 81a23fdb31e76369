"""What the levers were: known answers from the calendar, and nothing that was not known on the day."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from acuerdo import calendar
from acuerdo import corridor as corridors
from acuerdo.errors import InputError
from acuerdo.figures.store import Figures
from acuerdo.levers import history, load_levers

MONTHS = pd.period_range("2018-01", "2024-12", freq="M")


@pytest.fixture(scope="module")
def home():
    return corridors.load()


@pytest.fixture(scope="module")
def levers(home):
    return load_levers(home)


@pytest.fixture(scope="module")
def figures(home):
    return Figures.open(home)


@pytest.fixture(scope="module")
def record(home, levers, figures):
    entries = calendar.load_calendar(home)
    members = {name: tuple(m) for name, m in home.about["dimensions"].items()}

    def of(name, day=None):
        view = figures.as_of(day)
        values = history(levers[name], MONTHS, members["origin"], calendar.known(entries, day), view, day)
        return pd.DataFrame(values, index=MONTHS, columns=members["origin"] if values.ndim == 2 else None).squeeze()

    return of


def test_appointments_follow_the_cap_by_days(record):
    values = record("port_appointments")
    assert values["2022-12"] == 0
    assert values["2023-05"] == pytest.approx((11 * 760 + 20 * 1000) / 31)
    assert values["2023-08"] == 1450


def test_expulsion_ends_inside_the_month(record):
    values = record("expulsion_regime")
    assert values["2020-03"] == pytest.approx(11 / 31)
    assert values["2022-06"] == 1
    assert values["2023-05"] == pytest.approx(11 / 31)
    assert values["2023-06"] == 0


def test_parole_begins_with_one_nationality_and_pauses(record):
    values = record("parole_places")
    assert values.loc["2022-11", "VEN"] > 0
    assert values.loc["2022-11", "CUB"] == 0
    assert values.loc["2023-06"].sum() == pytest.approx(30000)
    assert values.loc["2024-08", "VEN"] < 0.2 * values.loc["2024-06", "VEN"]
    assert (values["MEX"] == 0).all()


def test_decisions_follow_the_published_year(record, figures):
    values = record("asylum_decisions")
    merits = figures.frame("mexico.asylum_decisions", "year", ["recognised", "complementary", "rejected"])
    of_2023 = merits[pd.PeriodIndex(merits["start"], freq="Y").year == 2023]["value"].sum()
    assert values["2023-07"] == pytest.approx(of_2023 / 12)


@pytest.mark.parametrize(
    "lever", ["consequence_share", "interior_enforcement", "port_appointments", "asylum_decisions"]
)
def test_a_record_does_not_know_what_came_later(record, lever):
    day = date(2023, 9, 29)
    values = record(lever, day)
    after = values[pd.Period(day, "M") < MONTHS]
    assert after.nunique() == 1, "the last value known is held"


def test_an_end_not_yet_known_is_open(record):
    values = record("return_acceptance", date(2022, 6, 1))
    assert values.loc["2023-06", "GTM"] == 1, "the end of May 2023 was not known in June 2022"
    assert values.loc["2023-06", "VEN"] == 0


def test_record_stays_in_range(record, levers):
    for name, lever in levers.items():
        values = np.asarray(record(name))
        assert np.isfinite(values).all(), name
        assert (values >= 0).all(), name
        if lever.over is None:
            assert (values <= lever.range[1]).all(), name


def test_setting_by_member_and_back(levers):
    lever = levers["parole_places"]
    members = ("MEX", "CUB", "HTI", "NIC", "VEN")
    values = lever.spread(20000, members)
    assert values.sum() == pytest.approx(20000)
    assert values[0] == 0
    assert lever.one_number(values, members) == pytest.approx(20000)


@pytest.mark.parametrize(
    ("value", "nearest"), [(-1, "0"), (1e9, "20000"), (float("nan"), "0"), (float("inf"), "20000")]
)
def test_a_value_out_of_range_is_refused(levers, value, nearest):
    with pytest.raises(InputError, match="asylum_decisions") as caught:
        levers["asylum_decisions"].check(value)
    assert caught.value.nearest == nearest
    assert "0 to 20000" in str(caught.value)
