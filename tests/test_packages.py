"""Packages of measures: one file form, a valid library, and the record as it would have been without a measure."""

import re
from datetime import date

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from acuerdo import calendar, packages
from acuerdo import corridor as corridors
from acuerdo.cli import app
from acuerdo.corridor import Corridor
from acuerdo.errors import AcuerdoError, DataError, InputError
from acuerdo.figures.store import Figures
from acuerdo.levers import history, load_levers
from acuerdo.packages import check_library, find, library, load_package, monthly_cost, without
from acuerdo.projection import Projector, collect, make_projector, project
from acuerdo.scenario import Setting, apply

HOME = corridors.load()
LEVERS = load_levers(HOME)
MEMBERS = {name: tuple(codes) for name, codes in HOME.about["dimensions"].items()}
LIBRARY = library(HOME)
REPLAYS = [name for name, package in LIBRARY.items() if package.replays]
PAST = pd.period_range("2018-01", "2024-12", freq="M")
AHEAD = pd.period_range("2025-01", periods=12, freq="M")


def within(line):
    last = line.to or PAST[-1]
    return np.array([line.from_ <= month <= last for month in PAST])


@pytest.fixture(scope="module")
def record():
    entries, figures = calendar.load_calendar(HOME), Figures.open(HOME).as_of(None)
    return {
        name: history(lever, PAST, MEMBERS.get(lever.over or "", ()), entries, figures, None)
        for name, lever in LEVERS.items()
    }


# --- the file ---------------------------------------------------------------------------------------------------------

OLD = """\
title: {en: x, es: x}
measures:
  - {lever: naloxone_kits, value: 400000, from: 2025-02, to: 2025-06}
  - lever: scanning_share
    value: 0.4
"""


def write(tmp_path, text, name="m.yaml"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_of_measures_of_the_first_form_is_a_package(tmp_path):
    package = load_package(write(tmp_path, OLD))
    first, second = package.settings
    assert (first.lever, first.value, str(first.start), str(first.end)) == ("naloxone_kits", 4e5, "2025-02", "2025-06")
    assert (first.times, first.ramp, first.member) == (False, 1, None)
    assert second.start is None
    assert second.where.endswith("line 4")
    assert not package.replays
    assert package.ahead(AHEAD) == package.settings
    assert load_package(write(tmp_path, "measures: []\n")).settings == []


def test_everything_that_a_line_can_say(tmp_path):
    text = """\
title: {en: x, es: y}
measures:
  - {lever: parole_places, value: {VEN: 6000, HTI: 10}, from: 2025-03, ramp: 4}
  - {lever: court_capacity, times: 1.5, to: 2025-06}
"""
    package = load_package(write(tmp_path, text))
    package.check(LEVERS, MEMBERS)
    found = [(s.lever, s.value, s.times, s.member, s.ramp) for s in package.settings]
    assert found == [
        ("parole_places", 6000, False, "VEN", 4),
        ("parole_places", 10, False, "HTI", 4),
        ("court_capacity", 1.5, True, None, 1),
    ]
    assert package.levers == ["parole_places", "court_capacity"]
    assert package.owners(LEVERS) == ["us"]


@given(
    st.lists(
        st.fixed_dictionaries(
            {"lever": st.sampled_from([n for n, lever in LEVERS.items() if lever.over is None])},
            optional={"from": st.sampled_from([str(month) for month in AHEAD]), "ramp": st.integers(1, 24)},
        ).flatmap(
            lambda line: st.tuples(
                st.just(line), st.sampled_from(["value", "times"]), st.floats(0, 1e6, allow_subnormal=False)
            )
        ),
        max_size=5,
    )
)
def test_what_is_written_is_what_is_read(tmp_path_factory, drawn):
    lines = [{**line, kind: value} for line, kind, value in drawn]
    path = tmp_path_factory.mktemp("packages") / "drawn.yaml"
    path.write_text(yaml.safe_dump({"title": "x", "measures": lines}), encoding="utf-8")
    for line, setting in zip(lines, load_package(path).settings, strict=True):
        assert setting.lever == line["lever"]
        assert setting.value == line.get("value", line.get("times"))
        assert setting.times == ("times" in line)
        assert str(setting.start or "") == line.get("from", "")
        assert setting.ramp == line.get("ramp", 1)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("measures: [", "not valid YAML"),
        ("- 1", "a list `measures`"),
        ("measures: 3", "line 1: m, measures: 3"),
        ("measures:\n  - 7\n", "line 2"),
        ("measures:\n  - {lever: a}\n", "line 2: a, value: None"),
        ("measures:\n  - {value: 1}\n", "line 2: entry 1, lever: None"),
        ("measures:\n  - {lever: a, value: x}\n", "line 2: a, value: 'x'"),
        ("measures:\n  - {lever: a, value: true}\n", "line 2: a, value: True"),
        ("measures:\n  - {lever: a, value: 1, times: 2}\n", "either a value or a factor"),
        ("measures:\n  - {lever: a, value: 1, form: 2025-01}\n", "nearest valid: from"),
        ("measures:\n  - {lever: a, value: 1, from: May}\n", "line 2: a, from: 'May'"),
        ("measures:\n  - {lever: a, value: 1, from: 2025-13}\n", "a month written YYYY-MM"),
        ("measures:\n  - {lever: a, value: 1, from: 2025-05, to: 2025-04}\n", "nearest valid: 2025-05"),
        ("measures:\n  - {lever: a, value: 1, ramp: 0}\n", "line 2: a, ramp: 0"),
        ("measures:\n  - {lever: a, value: 1, ramp: 1.5}\n", "line 2: a, ramp: 1.5"),
        ("measures:\n  - {lever: a, value: 1, value: 2}\n", "each field once"),
        ("measures:\n  - {lever: a, value: 1, without: {value: 0}}\n", "only in a replay"),
        ("measure:\n  - {lever: a, value: 1}\n", "nearest valid: measures"),
        ("measures: []\nnote: x\n", "nearest valid: notes"),
        ("measures: []\nkind: reply\n", "nearest valid: replay"),
        ("measures:\n  - {lever: a, value: 1, from: 2024-01}\nkind: replay\n", "calendar: None"),
    ],
)
def test_a_malformed_file_is_refused(tmp_path, text, says):
    with pytest.raises(AcuerdoError) as caught:
        load_package(write(tmp_path, text))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


PAST_LINES = """\
kind: replay
calendar: [{measure: mpp, start: 2019-01-28}]
measures:
  - {lever: keep_in_mexico_places, value: 10, from: 2019-03, to: 2019-04, without: WITHOUT}
"""


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ("{}", "one of value, add and times"),
        ("{value: 0, times: 1}", "one of value, add and times"),
        ("{level: 0}", "without"),
        ("0", "line 4"),
    ],
)
def test_a_malformed_counterfactual_is_refused(tmp_path, other, says):
    with pytest.raises(InputError, match=says):
        load_package(write(tmp_path, PAST_LINES.replace("WITHOUT", other)))
    with pytest.raises(InputError, match="a replay is dated"):
        load_package(write(tmp_path, PAST_LINES.replace(", without: WITHOUT", "").replace("from: 2019-03, ", "")))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{lever: naloxon_kits, value: 1}", "m.yaml, line 2: lever: 'naloxon_kits' .*nearest valid: naloxone_kits"),
        ("{lever: scanning_share, value: 2}", "m.yaml, line 2: scanning_share: 2.0 .*0 to 1 .*nearest valid: 1"),
        ("{lever: parole_places, value: {VEZ: 1}}", "m.yaml, line 2: parole_places origin: 'VEZ' .*nearest valid: VEN"),
        ("{lever: scanning_share, value: {VEN: 1}}", "no members"),
        ("{lever: scanning_share, times: -1}", "a factor of 0 or more"),
    ],
)
def test_what_the_levers_do_not_allow_is_refused_with_its_line(tmp_path, line, says):
    package = load_package(write(tmp_path, f"measures:\n  - {line}\n"))
    with pytest.raises(InputError, match=says):
        package.check(LEVERS, MEMBERS)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00bad", None])
def test_an_unreadable_file_is_refused(tmp_path, content):
    path = tmp_path / "m.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match="cannot be read"):
        load_package(path)


# --- the library ------------------------------------------------------------------------------------------------------


def test_the_library_is_valid_and_forgets_no_measure_of_the_years_it_covers():
    assert list(check_library(HOME)) == list(LIBRARY)
    first, last, _ = packages.not_represented(HOME)
    assert (first, last) == (date(2019, 1, 1), date(2024, 12, 31))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("- {measure: mpp, start: 2019-01-28}", "- {measure: mpp, start: 2019-01-29}", "mpp 2019-01-29"),
        ("  - {measure: mpp, start: 2019-01-28}\n", "", "mpp of 2019-01-28 is neither replayed"),
        ('\n  es: "', '\n  fr: "', "title lacks the language 'es'"),
    ],
)
def test_a_library_with_a_gap_is_refused(tmp_path, old, new, says):
    for source in HOME.path().rglob("*.yaml"):
        target = tmp_path / source.relative_to(HOME.root)
        target.parent.mkdir(parents=True, exist_ok=True)
        text = source.read_text(encoding="utf-8")
        target.write_text(text.replace(old, new) if source.stem == "remain_in_mexico_2019" else text, encoding="utf-8")
    with pytest.raises(AcuerdoError, match=says):
        check_library(Corridor("copy", tmp_path, HOME.about))


def test_nothing_is_both_replayed_and_listed_as_not_represented():
    replayed = {row.measure for name in REPLAYS for row in LIBRARY[name].head.calendar}
    _, _, gaps = packages.not_represented(HOME)
    assert not replayed & {name for gap in gaps if not gap.starts for name in gap.measures}
    assert all({"en", "es"} <= set(gap.why) for gap in gaps)


@pytest.mark.parametrize("name", REPLAYS)
def test_a_replay_says_what_the_record_says(record, name):
    """Each value lies in the span of the record over its line's months; the first month is near a calendar entry."""
    package = LIBRARY[name]
    entries = calendar.load_calendar(HOME)
    for item in package.lines:
        line = item.record
        inside = within(line)
        values = record[line.lever][inside]
        if isinstance(line.value, dict):
            wanted = {MEMBERS["origin"].index(code): value for code, value in line.value.items()}
            pairs = [(values[:, column], value) for column, value in wanted.items()]
        elif line.value is not None:
            whole = LEVERS[line.lever].one_number(values, MEMBERS.get(LEVERS[line.lever].over or "", ()))
            pairs = [(whole, line.value)]
        else:
            pairs = []
        for found, value in pairs:
            assert found.min() * 0.98 - 1e-9 <= value <= found.max() * 1.02 + 1e-9, line
    starts = {pd.Period(e.start, "M") for e in entries for r in package.head.calendar if r.measure == e.measure}
    ends = {pd.Period(e.end, "M") for e in entries for r in package.head.calendar if r.measure == e.measure and e.end}
    first = min(item.record.from_ for item in package.lines)
    assert min(abs((first - month).n) for month in starts | ends) <= 2


@pytest.mark.parametrize("name", REPLAYS)
def test_without_a_measure_only_its_levers_change_and_only_in_its_months(record, name):
    package = LIBRARY[name]
    other = without(package, record, LEVERS, PAST, MEMBERS)
    for lever, values in record.items():
        moved = ~np.isclose(other[lever], values).reshape(len(PAST), -1).all(axis=1)
        if lever not in package.levers:
            assert not moved.any()
            continue
        assert moved.any(), lever
        mine = [item.record for item in package.lines if item.record.lever == lever]
        inside = np.any([within(line) for line in mine], axis=0)
        assert not (moved & ~inside).any()
        low, high = LEVERS[lever].range
        assert (other[lever] >= low).all()
        assert (other[lever] <= high).all()


def at(record, lever, month, member=None):
    values = record[lever][PAST.get_loc(pd.Period(month, "M"))]
    return values if member is None else values[MEMBERS["origin"].index(member)]


def test_known_counterfactuals(record):
    def gone(name):
        return without(LIBRARY[name], record, LEVERS, PAST, MEMBERS)

    rule = gone("lawful_pathways_rule_2023")
    assert at(rule, "consequence_share", "2023-12") == 0
    assert at(rule, "consequence_share", "2024-12") == pytest.approx(0.35), "the proclamation stays"
    assert at(gone("proclamation_2024"), "consequence_share", "2024-12") == pytest.approx(0.35), "the rule stays"
    assert at(gone("enforcement_surge_2024"), "interior_enforcement", "2024-06") == 0.6
    assert at(gone("controls_stopped_december_2023"), "interior_enforcement", "2023-12") == pytest.approx(0.6)
    assert at(gone("appointments_raised_2023"), "port_appointments", "2024-12") == 760
    assert at(gone("mexican_deployment_2021"), "interior_enforcement", "2022-06") == pytest.approx(0.4, rel=1e-3)
    assert at(gone("asylum_capacity_2021"), "asylum_decisions", "2023-06") == at(record, "asylum_decisions", "2020-12")
    assert at(gone("end_of_title42_2023"), "expulsion_regime", "2024-12") == 1
    assert at(gone("parole_pause_2024"), "parole_places", "2024-08", "HTI") == at(
        record, "parole_places", "2024-06", "HTI"
    )
    january = gone("parole_and_returns_2023")
    assert at(january, "return_acceptance", "2023-03", "MEX") == 1, "other nationalities stay"
    assert at(january, "parole_places", "2023-06", "VEN") == 0


def test_the_record_itself_is_left_as_it_was(record):
    before = {name: values.copy() for name, values in record.items()}
    for name in REPLAYS:
        without(LIBRARY[name], record, LEVERS, PAST, MEMBERS)
    for name, values in record.items():
        np.testing.assert_array_equal(values, before[name])


def test_without_needs_a_replay_and_a_record_from_before_it(record):
    with pytest.raises(InputError, match="a replay"):
        without(LIBRARY["trade_lanes"], record, LEVERS, PAST, MEMBERS)
    late = {name: values[-12:] for name, values in record.items()}
    with pytest.raises(InputError, match="a record that starts before 2019-06"):
        without(LIBRARY["mexican_deployment_2019"], late, LEVERS, PAST[-12:], MEMBERS)


# --- in the months ahead ----------------------------------------------------------------------------------------------


def test_a_replay_ahead_is_the_same_measure_again():
    moved = LIBRARY["appointments_2023"].ahead(AHEAD)
    assert [(str(s.start), str(s.end), s.value) for s in moved] == [
        ("2025-01", "2025-04", 760),
        ("2025-05", "2025-05", 915),
        ("2025-06", "2025-06", 1250),
        ("2025-07", "None", 1450),
    ]
    assert len(LIBRARY["remain_in_mexico_2019"].ahead(AHEAD)) == 3, "what lies beyond the horizon is left out"
    assert LIBRARY["remain_in_mexico_2019"].ahead(AHEAD)[-1].end == AHEAD[-1]


def test_a_replay_that_lies_ahead_keeps_its_dates():
    months = pd.period_range("2023-10", periods=12, freq="M")
    assert str(LIBRARY["proclamation_2024"].ahead(months)[0].start) == "2024-06"


def test_a_package_is_found_by_name_or_read_from_a_file(tmp_path):
    assert find("trade_lanes", HOME).settings == LIBRARY["trade_lanes"].settings
    assert find(write(tmp_path, OLD), HOME).levers == ["naloxone_kits", "scanning_share"]
    with pytest.raises(InputError, match="nearest valid: trade_lanes"):
        find("trade_lane", HOME)
    with pytest.raises(InputError, match=r"measures: 'trade_lanes\.yaml' .*nearest valid: trade_lanes"):
        find("trade_lanes.yaml", HOME)
    with pytest.raises(InputError, match="allowed"):
        find("not_represented", HOME)


def test_settings_of_a_package_come_before_those_given_besides():
    found = collect(["trade_capacity=1.5"], "trade_lanes")
    assert [item.lever for item in found] == ["trade_capacity", "trade_capacity"]
    assert found[-1] == Setting("trade_capacity", 1.5)


def test_cost_of_a_change(record):
    settings = [Setting("naloxone_kits", 300_000.0, PAST[-1]), Setting("support_coverage", 0.25, PAST[-1])]
    after = apply(settings, record, LEVERS, PAST, MEMBERS)
    cost = monthly_cost(record, after, LEVERS, ["us", "mexico"])
    kits = (300_000 - record["naloxone_kits"][-1]) * LEVERS["naloxone_kits"].cost.value
    shared = 0.1 * LEVERS["support_coverage"].cost.value / 2
    assert cost["us"][-1] == pytest.approx(kits + shared)
    assert cost["mexico"][-1] == pytest.approx(shared)
    assert not cost["us"][:-1].any()


@pytest.fixture(scope="module")
def projector() -> Projector:
    return make_projector("2024-12", 12, 20, 1)


@pytest.mark.model
def test_every_package_projects_to_finite_outcomes_that_are_not_negative(projector):
    base = projector.run(noise=False)
    moved = set()
    for name, package in LIBRARY.items():
        found = projector.run(package.ahead(projector.months), noise=False)
        for outcome in projector.outcomes.values():
            values = found.outputs[outcome.variable]
            assert np.isfinite(values).all(), (name, outcome.name)
            assert (values >= 0).all(), (name, outcome.name)
        if any(not np.array_equal(found.outputs[v], base.outputs[v]) for v in base.outputs):
            moved.add(name)
    assert {name for name, package in LIBRARY.items() if not package.replays} <= moved


@pytest.mark.model
@pytest.mark.parametrize("as_of", [None, "2023-09-29"])
def test_every_package_can_be_set_on_every_packaged_day(as_of):
    one = make_projector(as_of, 36, 2, 1)
    for package in LIBRARY.values():
        values = one.levers(package.ahead(one.months))
        assert all(np.isfinite(x).all() for x in values.values())


@pytest.mark.model
def test_a_file_and_the_same_settings_give_the_same_numbers(tmp_path):
    path = write(tmp_path, "measures:\n  - {lever: naloxone_kits, value: 400000, from: 2025-02, to: 2025-03}\n")
    one = project("2024-12", 12, None, path, draws=20)
    two = project("2024-12", 12, ["naloxone_kits=400000@2025-02..2025-03"], draws=20)
    assert one.identical(two)
    assert one.attrs["settings"] == "naloxone_kits=400000@2025-02..2025-03"


# --- the commands -----------------------------------------------------------------------------------------------------


def run(*arguments):
    result = CliRunner().invoke(app, ["packages", *arguments], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return result.output


def test_list_names_every_package_in_either_language():
    for lang in ("en", "es"):
        text = run("list", "--lang", lang)
        assert all(name in text for name in LIBRARY)
    assert "medida pasada" in text


def test_check_of_the_library_and_of_a_file(tmp_path):
    assert f"{len(LIBRARY)} packages: valid" in run("check")
    assert "valid; sets naloxone_kits, scanning_share" in run("check", str(write(tmp_path, OLD)))


@pytest.mark.model
def test_show_of_the_past_and_of_the_months_ahead():
    past = run("show", "lawful_pathways_rule_2023")
    assert re.search(r"Jul 2024 .*70% .*35%", past)
    assert "register M3" in past
    ahead = run("show", "support_while_waiting", "--lang", "es", "--as-of", "2024-12")
    assert re.search(r"jun 2025 .*60% .*15%", ahead)
    assert "supuesto" in ahead
    assert "Ambos" in ahead
