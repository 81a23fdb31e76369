"""Settings of levers: their forms, and what is refused with file and line."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acuerdo import corridor as corridors
from acuerdo import scenario
from acuerdo.errors import DataError, InputError
from acuerdo.levers import load_levers
from acuerdo.scenario import Setting, apply, check, parse_setting, read_measures

MONTHS = pd.period_range("2025-01", periods=12, freq="M")


@pytest.fixture(scope="module")
def levers():
    return load_levers(corridors.load())


def test_forms():
    assert parse_setting("naloxone_kits=5e5") == Setting("naloxone_kits", 5e5)
    assert parse_setting("a=1@2025-03").start == pd.Period("2025-03", "M")


@pytest.mark.parametrize("text", ["", "a", "=3", "a=", "a=x", "a=1@", "a=1@2025", "a=1@2025-13", "a=True@x"])
def test_other_forms_are_refused(text):
    with pytest.raises(InputError):
        parse_setting(text)


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


GOOD = """\
title: {en: x, es: x}
measures:
  - {lever: naloxone_kits, value: 400000, from: 2025-02, to: 2025-06}
  - lever: scanning_share
    value: 0.4
"""


def test_a_measures_file(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text(GOOD)
    first, second = read_measures(path)
    assert (first.lever, first.value, str(first.start), str(first.end)) == ("naloxone_kits", 4e5, "2025-02", "2025-06")
    assert second.start is None
    assert second.where.endswith("line 4")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("measures: [", "not valid YAML"),
        ("- 1", "a list `measures`"),
        ("measures: 3", "a list `measures`"),
        ("measures:\n  - 7\n", "line 2"),
        ("measures:\n  - {lever: a}\n", "line 2: value"),
        ("measures:\n  - {lever: a, value: x}\n", "line 2: value: 'x'"),
        ("measures:\n  - {lever: a, value: 1, form: 2025-01}\n", "nearest valid: from"),
        ("measures:\n  - {lever: a, value: 1, from: May}\n", "line 2: from"),
        ("measures:\n  - {lever: a, value: 1, from: 2025-05, to: 2025-04}\n", "nearest valid: 2025-05"),
        ("measure:\n  - {lever: a, value: 1}\n", "a list `measures`"),
        ("measures: []\nnote: x\n", "nearest valid: notes"),
    ],
)
def test_a_malformed_measures_file_is_refused(tmp_path, text, says):
    path = tmp_path / "m.yaml"
    path.write_text(text)
    with pytest.raises((InputError, DataError)) as caught:
        read_measures(path)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00bad", None])
def test_an_unreadable_measures_file_is_refused(tmp_path, content):
    path = tmp_path / "m.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match="cannot be read"):
        scenario.read_measures(path)
