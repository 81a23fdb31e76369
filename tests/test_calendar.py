"""The policy calendar: its entries, what was known when, and the monthly values."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acuerdo import calendar, corridor
from acuerdo.calendar import Entry
from acuerdo.corridor import Corridor
from acuerdo.errors import DataError, InputError

TALKS = date(2023, 9, 29)


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    return calendar.load_calendar(corridor.load("us_mexico"))


@pytest.fixture(scope="module")
def origins() -> list[str]:
    return list(corridor.load("us_mexico").about["dimensions"]["origin"])


def months(first: str, last: str | None = None) -> pd.PeriodIndex:
    return pd.period_range(first, last or first, freq="M")


def make(**given: object) -> Entry:
    start = given.get("start", date(2020, 1, 1))
    fields = {
        "measure": "measure",
        "owner": "both",
        "start": start,
        "value": "on",
        "unit": "regime",
        "applies_to": {"all": True},
        "description": "A measure.",
        "known_from": start,
        "source": ["somewhere"],
        "confidence": "read",
    }
    return Entry.model_validate(fields | given)


# --- the entries ------------------------------------------------------------------------------------------------------


def test_counts(entries: list[Entry]) -> None:
    assert len(entries) == 256
    assert sum(entry.confidence == "read" for entry in entries) == 180
    assert sum(entry.confidence == "unverified" for entry in entries) == 76


def test_every_end_has_a_day_from_which_it_was_known(entries: list[Entry]) -> None:
    assert all((entry.end is None) == (entry.end_known_from is None) for entry in entries)


def test_entries_of_one_measure_stand_in_order_of_date(entries: list[Entry]) -> None:
    for one, two in itertools.pairwise(entries):
        if one.same_setting(two):
            assert one.start <= two.start


def test_nothing_is_known_before_it_was_announced(entries: list[Entry]) -> None:
    for entry in entries:
        assert entry.known_from >= min(entry.start, entry.anticipated_from or entry.start)


# --- monthly values ---------------------------------------------------------------------------------------------------


def test_appointments_of_may_2023_are_weighted_by_day(entries: list[Entry]) -> None:
    value = calendar.monthly_values(entries, "cbp_one_appointments", months("2023-05"))
    assert value == pytest.approx([(11 * 760 + 20 * 1000) / 31])


@pytest.mark.parametrize(("month", "share"), [("2020-03", 11 / 31), ("2020-04", 1.0), ("2023-05", 11 / 31)])
def test_share_of_month_in_force(entries: list[Entry], month: str, share: float) -> None:
    assert calendar.monthly_values(entries, "title42_in_force", months(month)) == pytest.approx([share])


def test_nothing_in_force_outside_the_window(entries: list[Entry]) -> None:
    values = calendar.monthly_values(entries, "title42_in_force", months("2020-01", "2023-07"))
    assert values[:2].tolist() == [0.0, 0.0]
    assert values[-2:].tolist() == [0.0, 0.0]


def test_by_origin(entries: list[Entry], origins: list[str]) -> None:
    bar = calendar.monthly_values(entries, "asylum_bar_lawful_pathways_2023", months("2023-06"), origins)[0]
    assert bar.tolist() == [0.0] + [1.0] * 11  # everyone but the first, who is the host country's own
    wait = calendar.monthly_values(entries, "mpp", months("2022-01"), origins)[0]
    assert wait.tolist() == [0.0] + [1.0] * 11
    visa = calendar.monthly_values(entries, "mex_visa", months("2022-06"), origins, words={"visa": 1.0} | BY_AIR)[0]
    assert dict(zip(origins, visa, strict=True)) == {
        name: float(name in {"VEN", "ECU", "OTH"}) for name in origins
    }  # OTH for Brazil


BY_AIR = {"electronic permit by air, visa by land": 1.0}


def test_origins_outside_the_model_can_be_left_out(entries: list[Entry], origins: list[str]) -> None:
    kept = calendar.monthly_values(entries, "parole_u4u", months("2022-06"), origins, words={"no cap": 1.0})
    left = calendar.monthly_values(entries, "parole_u4u", months("2022-06"), origins, words={"no cap": 1.0}, other=None)
    assert kept[0, origins.index("OTH")] == 1.0
    assert left.sum() == 0.0


def test_open_entry_is_replaced_by_the_next_of_the_same_setting() -> None:
    first = make(value=10)
    second = make(value=4, start=date(2020, 2, 1), end=date(2020, 2, 29), end_known_from=date(2020, 2, 1))
    values = calendar.monthly_values([first, second], "measure", months("2020-01", "2020-03"))
    assert values.tolist() == [10.0, 4.0, 0.0]


def test_entries_that_add_do_not_replace() -> None:
    both = [make(adds=True), make(adds=True, start=date(2020, 2, 1))]
    values = calendar.monthly_values(both, "measure", months("2020-01", "2020-03"), stack=True)
    assert values.tolist() == [1.0, 2.0, 2.0]


def test_places_stand_side_by_side(entries: list[Entry]) -> None:
    words = {"closed": 1.0, "no cargo": 1.0, "no vehicles": 1.0}
    closed = calendar.monthly_values(entries, "port_closure", months("2023-12"), stack=True, words=words)
    expected = 1 + 1 + 28 / 31 + 23 / 31  # the cargo bridge (no end found), then from 27 November, 4 and 9 December
    assert closed == pytest.approx([expected])


def test_number_for_on() -> None:
    assert calendar.monthly_values([make()], "measure", months("2020-01"), on=0.7) == pytest.approx([0.7])


def test_suspension_is_read_by_its_own_word(entries: list[Entry]) -> None:
    stopped = calendar.monthly_values(
        entries, "mex_inm_operations", months("2023-11", "2024-01"), on=0.0, words={"off": 1.0}
    )
    assert stopped.tolist() == [0.0, 1.0, 0.0]


def test_word_without_a_number_is_refused(entries: list[Entry]) -> None:
    with pytest.raises(InputError, match=r"metering, 2016-02-01, value: 'partial' .*on, off"):
        calendar.monthly_values(entries, "metering", months("2018-01"))
    assert calendar.monthly_values(entries, "metering", months("2018-01"), words={"partial": 0.3}) == pytest.approx(
        [0.3]
    )


def test_unknown_measure(entries: list[Entry]) -> None:
    calendar.require(entries, ["mpp"])
    with pytest.raises(InputError, match="title42_in_force"):
        calendar.require(entries, ["title42_inforce"])


def test_shapes(entries: list[Entry], origins: list[str]) -> None:
    assert calendar.monthly_values(entries, "mpp", months("2019-01", "2019-12")).shape == (12,)
    assert calendar.monthly_values(entries, "mpp", months("2019-01", "2019-12"), origins).shape == (12, 12)
    assert calendar.monthly_values(entries, "mpp", months("2019-01", "2018-12"), origins).shape == (0, 12)


START = date(2020, 1, 1)
WINDOWS = st.tuples(st.integers(0, 700), st.none() | st.integers(0, 300), st.floats(0, 1e6))


@given(st.lists(WINDOWS, min_size=1, max_size=6))
def test_values_stay_within_those_of_the_entries(windows: list[tuple[int, int | None, float]]) -> None:
    rows = []
    for offset, length, value in windows:
        start = START + timedelta(days=offset)
        end = None if length is None else start + timedelta(days=length)
        rows.append(make(start=start, end=end, end_known_from=end, value=value))
    found = calendar.monthly_values(rows, "measure", months("2019-12", "2022-06"))
    assert np.all(found >= 0)
    assert np.all(found <= max(value for _, _, value in windows) * (1 + 1e-12))
    share = calendar.monthly_values(
        [row.model_copy(update={"value": "on"}) for row in rows], "measure", months("2019-12", "2022-06")
    )
    assert np.all((share >= 0) & (share <= 1))


# --- what was known when ----------------------------------------------------------------------------------------------


def test_as_of_the_talks_of_2023(entries: list[Entry]) -> None:
    seen = calendar.known(entries, TALKS)
    assert not [entry for entry in seen if entry.measure == "asylum_bar_proclamation_2024"]
    assert [entry.end for entry in seen if entry.measure == "title42_in_force"] == [date(2023, 5, 11)]
    deport = [entry for entry in seen if entry.measure == "mex_deport_border_cities"]
    assert [(entry.start, entry.end) for entry in deport] == [(date(2023, 9, 22), None)]
    assert calendar.monthly_values(seen, "mex_deport_border_cities", months("2023-12")) == [1.0]
    assert calendar.monthly_values(entries, "mex_deport_border_cities", months("2023-12")) == [0.0]


def test_later_counts_do_not_leak_into_the_past(entries: list[Entry]) -> None:
    for measure in ["nii_systems_installed", "mex_inm_operations", "mex_enforcement_surge"]:
        (entry,) = (entry for entry in entries if entry.measure == measure)
        assert entry.known_from > entry.start
    seen = calendar.known(entries, date(2023, 3, 31))
    assert not [entry for entry in seen if entry.measure == "cbp_one_appointments"]


def test_without_a_day_everything_is_known(entries: list[Entry]) -> None:
    assert calendar.known(entries, None) == entries
    assert calendar.known(entries, date(2026, 12, 31)) == entries


@pytest.mark.parametrize("day", [date(2014, 6, 1), date(2019, 6, 8), date(2021, 9, 9), TALKS, date(2024, 12, 31)])
def test_nothing_known_lies_in_the_future(entries: list[Entry], day: date) -> None:
    for entry in calendar.known(entries, day):
        assert entry.known_from <= day
        assert entry.end_known_from is None or entry.end_known_from <= day


# --- bad input --------------------------------------------------------------------------------------------------------

GOOD = """\
- measure: one
  owner: mexico
  start: 2020-01-01
  value: 'on'
  unit: regime
  applies_to: {all: true}
  description: Something.
  known_from: 2020-01-01
  source: [somewhere]
  confidence: read
"""


def write(tmp_path: Path, text: str) -> Corridor:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "calendar.yaml").write_text(text, encoding="utf-8")
    return Corridor("test", tmp_path, {"sides": {"us": {}, "mexico": {}}})


def test_small_calendar(tmp_path: Path) -> None:
    (entry,) = calendar.load_calendar(write(tmp_path, GOOD))
    assert (entry.measure, entry.owner, entry.end) == ("one", "mexico", None)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("owner: mexico", "owner: mexiko", r"line 2: one 2020-01-01, owner: 'mexiko' .*mexico.*nearest valid: mexico"),
        (
            "confidence: read",
            "confidence: red",
            r"line 10: .*confidence: 'red' .*read, unverified; nearest valid: read",
        ),
        ("value: 'on'", "value: on", r"line 4: one 2020-01-01, value: True"),
        ("start: 2020-01-01", "start: early", r"line 3: one early, start: 'early' .*date"),
        ("unit: regime", "units: regime", r"line 5: one 2020-01-01, field: 'units' .*nearest valid: unit"),
        ("  unit: regime\n", "", r"line 1: one 2020-01-01, unit: None .*required"),
        ("{all: true}", "[MEX, Cuba]", r"line 6: one 2020-01-01, applies_to.*'Cuba'"),
        ("{all: true}", "[]", r"line 6: one 2020-01-01, applies_to: .*list of codes"),
        ("known_from", "end: 2019-12-31\n  known_from", r"line 1: .*end 2019-12-31 comes before start"),
        ("unit: regime", "unit: regime\n  unit: other", r"line 6: field: 'unit' .*once"),
    ],
)
def test_bad_entry_is_refused_with_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        calendar.load_calendar(write(tmp_path, GOOD.replace(old, new, 1)))


def test_file_that_is_no_list(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="list of entries"):
        calendar.load_calendar(write(tmp_path, "measure: one\n"))


def test_broken_yaml(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 3: not valid YAML"):
        calendar.load_calendar(write(tmp_path, "- measure: one\n  owner: [\n"))


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        calendar.load_calendar(Corridor("test", tmp_path, {"sides": {}}))
