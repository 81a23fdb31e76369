"""Settings of levers: their forms, and what is refused with file and line."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acuerdo import corridor as corridors
from acuerdo.errors import InputError
from acuerdo.levers import load_levers
from acuerdo.scenario import Setting, apply, check, parse_setting

MONTHS = pd.period_range("2025-01", periods=12, freq="M")


@pytest.fixture(scope="module")
def levers():
    return load_levers(corridors.load())


def test_forms():
    assert parse_setting("naloxone_kits=5e5") == Setting("naloxone_kits", 5e5)
    assert parse_setting("a=1@2025-03").start == pd.Period("2025-03", "M")
    assert parse_setting("a=1@2025-03..2025-06") == Setting("a", 1.0, MONTHS[2], MONTHS[5])


@pytest.mark.parametrize("value", ["0.25", "-3", "400000"])
@pytest.mark.parametrize("dates", ["", "@2025-03", "@2025-03..2025-03"])
def test_a_setting_is_written_as_it_is_read(value, dates):
    assert str(parse_setting(f"a={value}{dates}")) == f"a={value}{dates}"


@pytest.mark.parametrize(
    "text",
    ["", "a", "=3", "a=", "a=x", "a=1@", "a=1@2025", "a=1@2025-13", "a=True@x", "a=1@2025-03..", "a=1@..2025-03"],
)
def test_other_forms_are_refused(text):
    with pytest.raises(InputError):
        parse_setting(text)


def test_last_month_before_the_first_is_refused():
    with pytest.raises(InputError, match=r"last month: '2025-02' .*2025-03 or later"):
        parse_setting("a=1@2025-03..2025-02")


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text):
    try:
        found = parse_setting(text)
    except InputError:
        return
    assert isinstance(found.value, float)


def test_unknown_lever_gives_the_nearest(levers):
    with pytest.raises(InputError, match="nearest valid: naloxone_kits"):
        check([Setting("naloxon_kits", 1.0)], levers, MONTHS)


def test_month_outside_gives_the_nearest(levers):
    with pytest.raises(InputError, match="nearest valid: 2025-01"):
        check([parse_setting("naloxone_kits=1@2024-12")], levers, MONTHS)


def test_settings_hold_in_their_months_and_the_last_wins(levers):
    base = {"naloxone_kits": np.full(12, 7.0)}
    settings = [
        Setting("naloxone_kits", 1.0, MONTHS[2], MONTHS[5]),
        Setting("naloxone_kits", 2.0, MONTHS[5]),
    ]
    values = apply(settings, base, levers, MONTHS, {})["naloxone_kits"]
    assert values.tolist() == [7, 7, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2]
    assert base["naloxone_kits"].tolist() == [7.0] * 12, "the base is left as it was"


def test_setting_a_lever_by_origin_leaves_the_others(levers):
    members = {"origin": ("MEX", "CUB", "HTI", "NIC", "VEN")}
    base = {"return_acceptance": np.full((12, 5), 0.5)}
    values = apply([Setting("return_acceptance", 1.0)], base, levers, MONTHS, members)["return_acceptance"]
    assert values[0].tolist() == [0.5, 1, 1, 1, 1]


ORIGINS = {"origin": ("MEX", "CUB", "HTI", "NIC", "VEN")}


def test_a_ramp_reaches_the_value_in_equal_steps_and_ends_at_once(levers):
    base = {"naloxone_kits": np.full(12, 100.0)}
    ramp = Setting("naloxone_kits", 400.0, MONTHS[1], MONTHS[5], ramp=3)
    values = apply([ramp], base, levers, MONTHS, {})["naloxone_kits"]
    np.testing.assert_allclose(values, [100, 200, 300, 400, 400, 400, 100, 100, 100, 100, 100, 100])


def test_a_factor_multiplies_what_would_be_without_it(levers):
    base = {"naloxone_kits": np.arange(1.0, 13.0), "parole_places": np.ones((12, 5))}
    settings = [
        Setting("naloxone_kits", 3.0, MONTHS[10]),
        Setting("naloxone_kits", 2.0, MONTHS[9], times=True),
        Setting("parole_places", 0.5, times=True),
    ]
    values = apply(settings, base, levers, MONTHS, ORIGINS)
    assert values["naloxone_kits"].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 20, 6, 6]
    assert (values["parole_places"] == 0.5).all()


def test_a_factor_that_leaves_the_range_gives_the_largest_that_does_not(levers):
    base = {"scanning_share": np.full(12, 0.4)}
    with pytest.raises(InputError, match=r"scanning_share times: 3.0 .*0 to 2.5.*nearest valid: 2.5"):
        apply([Setting("scanning_share", 3.0, times=True)], base, levers, MONTHS, {})
    at_the_edge = apply([Setting("scanning_share", 2.5, times=True)], base, levers, MONTHS, {})
    assert at_the_edge["scanning_share"].max() == 1.0


def test_a_factor_may_not_fall_below_the_range(levers):
    base = {"treatment_coverage": np.full(12, 0.25)}
    with pytest.raises(InputError, match=r"nearest valid: 0\.2"):
        apply([Setting("treatment_coverage", 0.1, times=True)], base, levers, MONTHS, {})


def test_one_member_leaves_the_others(levers):
    base = {"parole_places": np.full((12, 5), 7.0)}
    values = apply([Setting("parole_places", 100.0, member="HTI")], base, levers, MONTHS, ORIGINS)["parole_places"]
    assert values[3].tolist() == [7, 7, 100, 7, 7]


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        (Setting("parole_places", 1.0, member="HTL"), "nearest valid: HTI"),
        (Setting("naloxone_kits", 1.0, member="HTI"), "no members"),
        (Setting("naloxone_kits", -1.0, times=True), "a factor of 0 or more"),
        (Setting("naloxone_kits", float("nan"), times=True), "a factor of 0 or more"),
        (Setting("naloxone_kits", 1.0, ramp=0), "nearest valid: 1"),
        (Setting("naloxone_kits", float("nan")), "nearest valid: 0"),
    ],
)
def test_what_a_lever_cannot_be_is_refused(levers, setting, says):
    with pytest.raises(InputError, match=says):
        check([setting], levers, MONTHS, ORIGINS)


@given(
    value=st.floats(0, 1),
    base=st.floats(0, 1),
    ramp=st.integers(1, 20),
    span=st.tuples(st.integers(0, 11), st.integers(0, 11)).map(sorted),
)
def test_values_stay_between_what_is_set_and_what_would_be(value, base, ramp, span):
    levers = load_levers(corridors.load())
    setting = Setting("scanning_share", value, MONTHS[span[0]], MONTHS[span[1]], ramp=ramp)
    found = apply([setting], {"scanning_share": np.full(12, base)}, levers, MONTHS, {})["scanning_share"]
    assert (found >= min(value, base) - 1e-12).all()
    assert (found <= max(value, base) + 1e-12).all()
    outside = np.r_[found[: span[0]], found[span[1] + 1 :]]
    assert (outside == base).all()
