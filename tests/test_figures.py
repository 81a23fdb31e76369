"""The figures store: as-of views, the packaged snapshot, building one, and what damage gets."""

from __future__ import annotations

import json
import re
import shutil
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from acuerdo import corridor as corridors
from acuerdo.corridor import Corridor
from acuerdo.errors import DataError, InputError
from acuerdo.figures import build, catalogue, store
from acuerdo.figures.commands import app
from acuerdo.figures.store import KEY, Figures

PAIR = corridors.load("us_mexico")
ALL = Figures.open(PAIR)
DAYS = st.dates(date(2005, 1, 1), date(2027, 12, 31))


def keys(view: Figures) -> set[int]:
    return set(view._best["key"])


# As-of views


@given(DAYS)
@settings(max_examples=40, deadline=None)
def test_nothing_published_later_is_shown(day: date) -> None:
    view = ALL.as_of(day)
    best = view._best
    assert (best["published"] <= pd.Timestamp(day)).all()
    known = best["vintage_day"] <= pd.Timestamp(day)
    assert (best["revised"] == ~known).all()
    assert not best.duplicated(KEY).any()


@given(DAYS, st.integers(0, 4000))
@settings(max_examples=30, deadline=None)
def test_more_days_never_show_fewer_periods(day: date, more: int) -> None:
    assert keys(ALL.as_of(day)) <= keys(ALL.as_of(day + timedelta(days=more)))


@given(DAYS)
@settings(max_examples=15, deadline=None)
def test_a_view_prefers_the_latest_vintage_then_known(day: date) -> None:
    series = "mexico.asylum_applications"
    view = ALL.as_of(day)
    shown = view.frame(series)
    held = view.vintages(series)
    for row in shown[~shown["revised"]].tail(20).itertuples():
        same = held[(held["start"] == row.start) & (held["end"] == row.end) & (held["member"] == row.member)]
        same = same[(same["frequency"] == row.frequency) & (same["vintage_day"] <= pd.Timestamp(day))]
        best = same["vintage_day"].max()
        assert row.vintage in set(same.loc[same["vintage_day"] == best, "vintage"])


def test_deaths_known_at_the_talks_of_2023() -> None:
    view = ALL.as_of("2023-09-29")
    figure = view.latest("us.overdose_deaths.all.12m", "reported")
    assert figure is not None
    assert (figure.start, figure.end) == (date(2022, 5, 1), date(2023, 4, 30))
    assert figure.value == 110_828
    assert figure.published == date(2023, 9, 13)
    assert figure.vintage == "2025-01-08"
    assert figure.revised
    assert ALL.at("us.overdose_deaths.all.12m", "2023-04", "reported").revised is False
    before = ALL.as_of("2023-09-12").latest("us.overdose_deaths.all.12m", "reported")
    assert before is not None
    assert before.end == date(2023, 3, 31)


def test_the_lag_of_provisional_deaths_was_longer_before_2022() -> None:
    name = "us.overdose_deaths.all.12m"
    assert ALL.as_of("2021-11-17").latest(name, "reported").end == date(2021, 4, 30)
    assert ALL.as_of("2022-02-20").latest(name, "reported").end == date(2021, 9, 30)


def test_a_print_is_public_from_its_day_and_is_not_revised() -> None:
    name = "mexico.asylum_applications"
    figure = ALL.as_of("2023-07-11").latest(name, frequency="year_to_date")
    assert figure is not None
    assert (figure.value, figure.end, figure.published) == (74_764, date(2023, 6, 30), date(2023, 7, 11))
    assert not figure.revised
    assert ALL.as_of("2023-07-10").at(name, "2023-01-01/2023-06-30") is None
    assert ALL.at(name, "2023-01-01/2023-06-30").value == 76_130


def test_a_first_print_is_replaced_by_the_revision_only_later() -> None:
    name = "panama.darien_transits"
    assert ALL.as_of("2023-03-31").at(name, "2023-02").value == 21_093
    assert ALL.at(name, "2023-02").value == 24_657


def test_tables_first_released_in_2024_are_not_in_earlier_views() -> None:
    assert ALL.as_of("2024-01-04").latest("us.bookouts") is None
    figure = ALL.as_of("2024-01-05").latest("us.bookouts")
    assert figure is not None
    assert figure.end == date(2023, 9, 30)


def test_a_view_of_a_view_never_widens() -> None:
    narrow = ALL.as_of("2020-06-30")
    assert narrow.as_of("2024-01-01").digest == narrow.digest
    assert narrow.as_of(None) is narrow
    assert ALL.as_of("2020-06").digest == narrow.digest
    assert ALL.as_of("latest") is ALL


def test_the_digest_tells_views_apart() -> None:
    assert Figures.open(PAIR).digest == ALL.digest
    assert len({ALL.digest, ALL.as_of("2023-09-29").digest, ALL.as_of("2023-08-29").digest}) == 3
    assert re.fullmatch(r"[0-9a-f]{64}", ALL.digest)


def test_vintages_show_every_print_that_was_known() -> None:
    name = "mexico.asylum_applications"
    prints = ALL.vintages(name, "year", ["ALL"])
    of_2021 = prints[prints["end"] == pd.Timestamp(2021, 12, 31)]
    assert of_2021["value"].nunique() >= 6
    earlier = ALL.as_of("2023-01-31").vintages(name, "year", ["ALL"])
    assert len(earlier) < len(prints)


# Reading a view


def test_a_frame_is_sorted_and_has_one_row_a_period() -> None:
    frame = ALL.frame("us.encounters.between_ports", members=["ALL", "VEN"])
    assert list(frame.columns) == store.COLUMNS
    assert frame["end"].is_monotonic_increasing
    assert not frame.duplicated(["start", "end", "frequency", "member"]).any()
    assert set(frame["member"]) == {"ALL", "VEN"}


def test_monthly_is_a_table_of_months_by_member() -> None:
    wide = ALL.monthly("us.encounters.at_ports")
    assert isinstance(wide.index, pd.PeriodIndex)
    assert wide.index.freqstr == "M"
    assert str(wide.index[0]) == "2013-10"
    assert str(wide.index[-1]) == "2024-12"
    assert wide.loc["2019-09", "NIC"] != wide.loc["2019-09", "NIC"]
    assert wide.loc["2019-10", "NIC"] >= 0
    assert ALL.monthly("us.overdose_deaths.all.12m").loc["2023-04", "reported"] == 110_828
    assert ALL.monthly("us.naloxone_kits").empty


def test_missing_months_stay_missing() -> None:
    wide = ALL.monthly("panama.darien_transits")
    assert wide.loc["2020-04":"2020-05", "ALL"].isna().all()
    assert ALL.monthly("us.mpp_returns").loc["2021-02":"2021-10", "ALL"].isna().all()


@pytest.mark.parametrize(
    ("series", "period", "member", "value"),
    [
        ("us.encounters.between_ports", "2023-12", "ALL", 249_740),
        ("us.encounters.at_ports", "2023-12", "ALL", 52_241),
        ("mexico.asylum_applications", "2024", "ALL", 78_966),
        ("mexico.asylum_decisions", "2024", "recognised", 24_966),
        ("us.fentanyl_seized.total", "FY2023", "ALL", 27_022.850916),
        ("us.court_backlog", "FY2020", "eoir_2021", 1_258_882),
        ("us.fentanyl_purity", "FY2023", "powder", 19.5),
        ("mexico.asylum_pending", "2023", "ALL", 257_396),
        ("us.refugee_admissions", "FY2024", "ALL", 25_358),
    ],
)
def test_known_values(series: str, period: str, member: str, value: float) -> None:
    figure = ALL.at(series, period, member)
    assert figure is not None
    assert figure.value == pytest.approx(value)


def test_latest_uses_the_main_frequency_unless_told() -> None:
    assert ALL.latest("us.court_backlog", "trac").frequency == "fiscal_year"
    assert ALL.latest("us.court_backlog", "trac", "month").value == 3_747_675
    assert ALL.latest("us.moud_treated") is None


def test_unknown_names_get_the_nearest_one() -> None:
    with pytest.raises(InputError, match=r"nearest valid: us\.bookouts$"):
        ALL.series("us.bookout")
    with pytest.raises(InputError, match="nearest valid: fiscal_year"):
        ALL.frame("us.bookouts", "fiscal")
    with pytest.raises(InputError, match="nearest valid: VEN"):
        ALL.latest("us.chnv_paroles", "VENE")
    with pytest.raises(InputError, match="allowed: YYYY-MM"):
        ALL.at("us.bookouts", "20xx")
    with pytest.raises(InputError, match="as-of"):
        ALL.as_of("29/09/2023")


# The catalogue


def test_every_entry_is_complete_in_both_languages() -> None:
    entries = ALL.catalogue.entries.values()
    words = [
        text for entry in entries for text in (entry.meaning, entry.terms, entry.publication.lag_basis, *entry.warnings)
    ]
    assert all(text.en.strip() and text.es.strip() and text.en != text.es for text in words)
    accents = sum(bool(re.search("[áéíóúñü]", text.es)) for text in words)
    assert accents > 0.7 * len(words)
    assert not any(re.search(r"\b(the|and|of|with)\b", text.es) for text in words)
    assert not any(re.search(r"\b(el|los|las|una|para|con)\b", text.en) for text in words)


def test_every_lag_has_a_basis_or_is_an_assumption() -> None:
    for entry in ALL.catalogue.entries.values():
        basis = entry.publication.lag_basis.en
        assert "assumption" in basis or re.search(r"20\d\d", basis) or entry.publication.vintage, entry.id


def test_series_with_mixed_units_say_so() -> None:
    for entry in ALL.catalogue.entries.values():
        if entry.other_units:
            assert any("Mixed units" in text.en for text in entry.warnings), entry.id
            assert any("Unidades" in text.es for text in entry.warnings), entry.id


def test_a_handful_of_series_are_headlines() -> None:
    headlines = [entry.id for entry in ALL.catalogue.entries.values() if entry.headline]
    assert 5 <= len(headlines) <= 15


def test_the_machinery_names_no_country() -> None:
    folder = Path(store.__file__).parent
    for path in folder.glob("*.py"):
        assert not re.search(r"mexic|united states|us_mexico|panama", path.read_text().lower()), path.name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"unit": None}, "unit"),
        ({"extra": 1}, "extra"),
        ({"publication": {"lag_basis": {"en": "a", "es": "b"}}}, "exactly one"),
        ({"publication": {"vintage": True, "lag_days": 3, "lag_basis": {"en": "a", "es": "b"}}}, "exactly one"),
        ({"meaning": {"en": "only English"}}, "meaning.es"),
        ({"dimension": "planet"}, "declares no dimension"),
    ],
)
def test_a_bad_entry_is_named_with_its_field(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    entry = SMALL["series"][0] | change
    write_yaml(tmp_path / "figures" / "catalogue.yaml", {"series": [entry]})
    with pytest.raises(DataError, match=message) as caught:
        catalogue.read(Corridor("small", tmp_path, {}))
    assert "\n" not in str(caught.value)


def test_publication_rules() -> None:
    words = {"en": "assumption", "es": "supuesto"}
    lag = catalogue.Publication.model_validate({"lag_days": 22, "lag_basis": words})
    assert lag.day(date(2023, 8, 31)) == date(2023, 9, 22)
    annual = catalogue.Publication.model_validate({"annual": {"months_after_year_end": 13}, "lag_basis": words})
    assert annual.day(date(2022, 3, 31)) == date(2024, 1, 31)
    assert catalogue.Publication.model_validate({"vintage": True, "lag_basis": words}).day(date(2022, 3, 31)) is None


# The packaged snapshot, and damage to it


@pytest.fixture
def copy(tmp_path: Path) -> Corridor:
    shutil.copytree(PAIR.path("figures"), tmp_path / "figures", ignore=shutil.ignore_patterns("__pycache__", "*.py"))
    return Corridor(PAIR.name, tmp_path, PAIR.about)


def test_the_packaged_snapshot_is_whole() -> None:
    manifest = store.read_manifest(PAIR.path("figures"))
    assert manifest["rows"] == len(ALL._rows)
    assert set(manifest["series"]) == set(ALL.ids)
    assert sum(manifest["series"].values()) == manifest["rows"]
    assert all(len(item["sha256"]) == 64 for item in manifest["inputs"])
    assert all(item["reason"] for item in manifest["set_aside"])
    assert PAIR.path("figures", "figures.parquet").stat().st_size < 1_000_000


def test_every_row_has_source_vintage_and_a_day_of_publication() -> None:
    held = ALL._rows
    assert (held["source"].astype(str).str.len() > 3).all()
    assert held["published"].notna().all()
    assert ((held["published"] <= held["vintage_day"]) | held["vintage_day"].isna()).all()
    assert held["value"].notna().all()


def test_a_copy_opens(copy: Corridor) -> None:
    assert Figures.open(copy).digest == ALL.digest


def damage_missing(folder: Path) -> None:
    (folder / "figures.parquet").unlink()


def damage_truncated(folder: Path) -> None:
    path = folder / "figures.parquet"
    path.write_bytes(path.read_bytes()[:-100])


def damage_one_byte(folder: Path) -> None:
    path = folder / "figures.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def damage_manifest_missing(folder: Path) -> None:
    (folder / "snapshot.json").unlink()


def damage_manifest_not_json(folder: Path) -> None:
    (folder / "snapshot.json").write_text("{")


def damage_manifest_empty(folder: Path) -> None:
    (folder / "snapshot.json").write_text("{}")


def damage_not_parquet(folder: Path) -> None:
    rewrite(folder, b"not a table")


def damage_columns(folder: Path) -> None:
    import pyarrow.parquet as pq

    table = pq.read_table(folder / "figures.parquet").drop_columns(["unit"])
    pq.write_table(table, folder / "figures.parquet")
    rewrite(folder, (folder / "figures.parquet").read_bytes())


def damage_unknown_series(folder: Path) -> None:
    held = ALL._rows.drop(columns="key").head(3).assign(series="us.unicorns")
    rewrite(folder, build.to_parquet(held), rows=3)


def damage_row_count(folder: Path) -> None:
    rewrite(folder, (folder / "figures.parquet").read_bytes(), rows=5)


def rewrite(folder: Path, content: bytes, **changes: Any) -> None:
    import hashlib

    (folder / "figures.parquet").write_bytes(content)
    manifest = json.loads((folder / "snapshot.json").read_text())
    manifest |= {"sha256": hashlib.sha256(content).hexdigest()} | changes
    (folder / "snapshot.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damage_missing, "cannot be read"),
        (damage_truncated, "damaged or changed"),
        (damage_one_byte, "damaged or changed"),
        (damage_manifest_missing, "cannot be read"),
        (damage_manifest_not_json, "not JSON"),
        (damage_manifest_empty, "sha256 and rows"),
        (damage_not_parquet, "not a Parquet file"),
        (damage_columns, "has columns .*expected .*unit"),
        (damage_unknown_series, "us.unicorns"),
        (damage_row_count, "expected 5"),
    ],
)
def test_damage_is_one_clear_line(copy: Corridor, damage: Any, message: str) -> None:
    damage(copy.path("figures"))
    with pytest.raises(DataError, match=message) as caught:
        Figures.open(copy)
    text = str(caught.value)
    assert "\n" not in text
    assert str(copy.path("figures")) in text
    assert store.REBUILD in text


# Building


def text(en: str, es: str) -> dict[str, str]:
    return {"en": en, "es": es}


SMALL: dict[str, Any] = {
    "series": [
        {
            "id": "a.events",
            "label": text("Events", "Eventos"),
            "meaning": text("Events in a month.", "Eventos en un mes."),
            "unit": "events",
            "unit_label": text("events", "eventos"),
            "frequency": "month",
            "publisher": "Somebody",
            "table": "Table 1",
            "address": "https://example.org/",
            "terms": text("Free.", "Libre."),
            "publication": {"lag_days": 30, "lag_basis": text("assumption", "supuesto")},
            "warnings": [],
        }
    ]
}


def write_yaml(path: Path, data: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")


def raw(**columns: Any) -> dict[str, Any]:
    return {
        "series": "a.events",
        "frequency": "month",
        "start": pd.Timestamp(2020, 1, 1),
        "end": pd.Timestamp(2020, 1, 31),
        "member": "ALL",
        "value": 10.0,
        "unit": "events",
        "source": "Somebody, Table 1",
        "vintage": "2021-05",
        "vintage_day": pd.Timestamp(2021, 5, 31),
        "printed": False,
        "aside": "",
        "table": "t.csv",
        "line": 2,
    } | columns


class SmallCorridor(Corridor):
    """A corridor whose readers give the rows written in a JSON file of the source folder."""

    def module(self, name: str) -> Any:
        def rows(folder: Path) -> pd.DataFrame:
            frame = pd.DataFrame([raw(**item) for item in json.loads((folder / "t.csv").read_text())])
            for column in ("start", "end", "vintage_day"):
                frame[column] = pd.to_datetime(frame[column]).astype("datetime64[s]")
            return frame

        return SimpleNamespace(TABLES=("t.csv",), rows=rows)


@pytest.fixture
def small(tmp_path: Path) -> SmallCorridor:
    write_yaml(tmp_path / "pair" / "figures" / "catalogue.yaml", SMALL)
    return SmallCorridor("small", tmp_path / "pair", {})


def source(tmp_path: Path, *items: dict[str, Any]) -> Path:
    folder = tmp_path / "tables"
    folder.mkdir(exist_ok=True)
    (folder / "t.csv").write_text(json.dumps(items))
    return folder


def test_build_round_trip(tmp_path: Path, small: SmallCorridor) -> None:
    early = {"value": 9, "vintage": "2020-02-10", "vintage_day": "2020-02-10", "printed": True, "line": 3}
    report = build.build(small, source(tmp_path, {}, early))
    assert report.rows == 2
    assert report.series == {"a.events": 2}
    assert report.through == "2021-05-31"
    view = Figures.open(small)
    assert view.at("a.events", "2020-01").value == 10
    assert view.as_of("2020-02-09").latest("a.events") is None
    first = view.as_of("2020-02-10").latest("a.events")
    assert (first.value, first.revised, first.published) == (9, False, date(2020, 2, 10))
    assert view.as_of("2020-12-31").latest("a.events").value == 9


def test_without_a_vintage_of_the_time_the_earliest_later_one_stands_in(tmp_path: Path, small: SmallCorridor) -> None:
    later = {"value": 11, "vintage": "2022-05", "vintage_day": "2022-05-31", "line": 3}
    unknown = {"value": 12, "vintage": "", "vintage_day": None, "line": 4}
    build.build(small, source(tmp_path, {}, later, unknown))
    view = Figures.open(small)
    figure = view.as_of("2020-03-01").latest("a.events")
    assert (figure.value, figure.revised, figure.published) == (10, True, date(2020, 3, 1))
    assert view.as_of("2021-06-01").latest("a.events").revised is False
    assert view.latest("a.events").value == 11


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"value": None}, "not a number"),
        ({"value": -1}, "negative"),
        ({"series": "a.others"}, "series is not in the catalogue"),
        ({"member": "XXX"}, "member"),
        ({"unit": "miles"}, "unit"),
        ({"end": None}, "date is not understood"),
        ({"frequency": "century"}, "date is not understood"),
        ({"start": "2020-03-01"}, "ends before it starts"),
        ({"source": " "}, "source is empty"),
        ({"printed": True, "vintage_day": None}, "printed without a date"),
        ({"vintage_day": "2020-01-01"}, "earlier than the end"),
        ({"aside": "the reader knows better"}, "the reader knows better"),
        ({}, "second row"),
    ],
)
def test_a_bad_row_is_set_aside_with_its_reason(
    tmp_path: Path, small: SmallCorridor, change: dict[str, Any], reason: str
) -> None:
    report = build.build(small, source(tmp_path, {}, change | {"line": 7}))
    assert report.rows == 1
    (aside,) = report.aside
    assert reason in aside.reason
    assert (aside.table, aside.line) == ("t.csv", 7)
    manifest = store.read_manifest(small.path("figures"))
    assert manifest["set_aside"][0]["reason"] == aside.reason


def test_the_same_tables_give_the_same_bytes(tmp_path: Path, small: SmallCorridor) -> None:
    folder = source(tmp_path, {}, {"value": 11, "vintage": "2022-05", "vintage_day": "2022-05-31"})
    build.build(small, folder)
    files = [small.path("figures", name) for name in ("figures.parquet", "snapshot.json")]
    first = [path.read_bytes() for path in files]
    build.build(small, folder)
    assert [path.read_bytes() for path in files] == first


def test_a_failed_build_leaves_the_last_snapshot(tmp_path: Path, small: SmallCorridor) -> None:
    folder = source(tmp_path, {})
    build.build(small, folder)
    before = {path.name: path.read_bytes() for path in small.path("figures").iterdir()}
    source(tmp_path, {"value": None})
    with pytest.raises(DataError, match=r"no valid row for series a\.events"):
        build.build(small, folder)
    (folder / "t.csv").unlink()
    with pytest.raises(DataError, match=r"t\.csv: cannot be read"):
        build.build(small, folder)
    assert {path.name: path.read_bytes() for path in small.path("figures").iterdir()} == before


def test_the_packaged_rows_give_the_packaged_bytes() -> None:
    content = build.to_parquet(ALL._rows.drop(columns="key"))
    assert content == PAIR.path("figures", "figures.parquet").read_bytes()


# The corridor's readers


READERS = PAIR.module("figures.readers")


@pytest.mark.parametrize(
    ("written", "fiscal", "frequency", "first", "last"),
    [
        ("2023-02", False, "month", "2023-02-01", "2023-02-28"),
        ("2023", False, "year", "2023-01-01", "2023-12-31"),
        ("2023", True, "fiscal_year", "2022-10-01", "2023-09-30"),
        ("FY2023", False, "fiscal_year", "2022-10-01", "2023-09-30"),
        ("2023-09-15", False, "day", "2023-09-15", "2023-09-15"),
        ("2022-07/2022-11", False, "span", "2022-07-01", "2022-11-30"),
        ("2019-H2", False, "span", "2019-07-01", "2019-12-31"),
    ],
)
def test_dates_of_the_tables(written: str, fiscal: bool, frequency: str, first: str, last: str) -> None:
    assert READERS.period(written, fiscal) == (frequency, pd.Timestamp(first), pd.Timestamp(last))


@pytest.mark.parametrize("written", ["", "2023-13", "sometime", "2023-02-30"])
def test_dates_not_understood(written: str) -> None:
    assert READERS.period(written)[0] == ""


@pytest.mark.parametrize(
    ("vintage", "source_text", "day"),
    [
        ("2023-07", "COMAR, reported by EFE, 11 Jul 2023", "2023-07-11"),
        ("2023-07", "COMAR, reported by EFE (Jul 2023)", "2023-07-31"),
        ("2023-07", "COMAR, reported 3 Apr 2021", "2023-07-31"),
        ("2024", "A page without a date", "2024-12-31"),
        ("2023-02-21", "TRAC bulletin 20 Feb 2023", "2023-02-21"),
        ("edition with data through May 2025 (June 2025)", "CBP", "2025-06-30"),
        ("2023-07 (partial month)", "IOM", "2023-07-31"),
    ],
)
def test_days_of_prints(vintage: str, source_text: str, day: str) -> None:
    assert READERS.print_day(vintage, source_text) == pd.Timestamp(day)


def test_an_unknown_vintage_has_no_day() -> None:
    assert pd.isna(READERS.vintage_day(""))


def test_a_reader_marks_values_that_are_no_numbers() -> None:
    table = pd.DataFrame(
        {
            "date": ["2023-01", "never"],
            "series": "s",
            "group": ["All", "Peru"],
            "value": ["12", "twelve"],
            "unit": "encounters",
            "source": "CBP",
            "vintage": "2024-01",
            "table": "t.csv",
            "line": [2, 3],
        }
    )
    made = READERS.make(table, "us.encounters.at_ports", READERS.ALL_NAMES, "encounters")
    good, aside = build.validate(made, ALL.catalogue)
    assert good["value"].tolist() == [12.0]
    assert [item.line for item in aside] == [3]


# The command line


def run(*words: str) -> Any:
    return CliRunner().invoke(app, list(words))


def test_list_as_json() -> None:
    done = run("list", "--json", "--as-of", "2023-09-29")
    data = json.loads(done.stdout)
    assert done.exit_code == 0
    assert data["as_of"] == "2023-09-29"
    assert [item["id"] for item in data["series"]] == ALL.ids


def test_list_for_people_in_spanish() -> None:
    done = run("list", "--lang", "es")
    assert done.exit_code == 0
    assert "Periodo" in done.stdout
    assert "us.encounters.between_ports" in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 80


def test_show_as_json_has_numbers_and_iso_dates() -> None:
    done = run(
        "show", "us.overdose_deaths.all.12m", "--json", "--as-of", "2023-09-29", "--member", "reported", "--last", "1"
    )
    (row,) = json.loads(done.stdout)["rows"]
    assert row["value"] == 110_828
    assert row["end"] == "2023-04-30"
    assert row["revised"] is True


@pytest.mark.parametrize("lang", ["en", "es"])
def test_show_for_people(lang: str) -> None:
    done = run("show", "us.fentanyl_purity", "--lang", lang, "--frequency", "month", "--last", "3")
    assert done.exit_code == 0
    assert ALL.series("us.fentanyl_purity").label[lang] in done.stdout


def test_show_says_when_nothing_was_known() -> None:
    done = run("show", "us.fentanyl_purity", "--as-of", "2015-01")
    assert done.exit_code == 0
    assert "No figures had been published" in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("show", "us.nothing"),
        ("list", "--lang", "fr"),
        ("show", "us.bookouts", "--member", "x"),
        ("list", "--as-of", "x"),
    ],
)
def test_bad_input_is_for_the_main_command_to_word(words: tuple[str, ...]) -> None:
    assert isinstance(run(*words).exception, InputError)
