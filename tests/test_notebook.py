"""Projections in a notebook: they draw and tabulate themselves, and the tour runs from its first cell to its last."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import xarray as xr

import acuerdo.notebook  # noqa: F401  registers what is tested
import brief_fakes as fakes
from acuerdo import corridor as corridors
from acuerdo.charts import theme
from acuerdo.errors import InputError

TOUR = Path(__file__).parents[1] / "docs" / "tour.ipynb"
SERIES = "us.encounters.between_ports"


@pytest.fixture
def ahead() -> xr.Dataset:
    """A projection with an outcome, and a published series by origin."""
    found = fakes.projection()[["sur.waiting"]].assign_attrs(corridor=corridors.load().name, as_of="2023-09-29")
    outcome = found["sur.waiting"]
    series = outcome.expand_dims(origin=["ALL", "VEN"]).transpose("statistic", "month", "origin") * xr.DataArray(
        [1000.0, 100.0], dims="origin"
    )
    return found.assign({SERIES: series.assign_attrs(outcome.attrs, label_en="Encounters", label_es="Encuentros")})


def rows_of(chart: Any, field: str) -> list[dict[str, Any]]:
    """The rows of the first layer that has a field."""
    layers = chart.to_dict()["layer"]
    return next((x["data"]["values"] for x in layers if field in x["data"]["values"][0]), [])


def test_plot_of_a_series_has_its_history_and_its_bands(ahead: xr.Dataset) -> None:
    chart = ahead.acuerdo.plot(SERIES)
    spec = chart.to_dict()
    assert spec["title"]["text"] == "Encounters"
    assert spec["config"]["font"] == theme.FONT
    history = rows_of(chart, "value")
    bands = rows_of(chart, "q05")
    assert len(history) > 12
    last = ahead[SERIES].sel(origin="ALL").isel(month=-1)
    assert [bands[-1][q] for q in ("q05", "q50", "q95")] == last.sel(statistic=["q05", "q50", "q95"]).values.tolist()
    assert max(row["month"] for row in history) <= bands[0]["month"]
    assert any(layer["mark"].get("strokeDash") for layer in spec["layer"])  # the day of the view


def test_history_is_what_was_known_on_the_day(ahead: xr.Dataset) -> None:
    known = rows_of(ahead.acuerdo.plot(SERIES), "value")
    later = rows_of(ahead.assign_attrs(as_of="latest").acuerdo.plot(SERIES), "value")
    assert max(row["month"] for row in known) < max(row["month"] for row in later)


def test_history_may_be_given_or_left_out(ahead: xr.Dataset) -> None:
    assert rows_of(ahead.acuerdo.plot(SERIES, history=False), "value") == []
    own = pd.DataFrame({"month": ["2023-07", "2023-08"], "value": [5.0, 6.0]})
    values = [row["value"] for row in rows_of(ahead.acuerdo.plot(SERIES, history=own), "value")]
    assert values == [5.0, 6.0]


def test_plot_of_a_member_and_of_an_outcome_in_spanish(ahead: xr.Dataset) -> None:
    chart = ahead.acuerdo.plot(SERIES, member="VEN", lang="es", height=90)
    assert chart.to_dict()["title"]["text"] == "Encuentros (VEN)"
    assert chart.to_dict()["height"] == 90
    outcome = ahead.acuerdo.plot("sur.waiting").to_dict()
    assert outcome["title"]["subtitle"] == ahead["sur.waiting"].attrs["units"]


def test_what_is_not_there_is_named(ahead: xr.Dataset) -> None:
    with pytest.raises(InputError, match=r"nearest valid: sur\.waiting"):
        ahead.acuerdo.plot("sur.waitin")
    with pytest.raises(InputError, match="'VNE' is not valid"):
        ahead.acuerdo.plot(SERIES, member="VNE")
    with pytest.raises(InputError, match="member: None is not valid; allowed: one of origin: VEN"):
        ahead.sel(origin=["VEN"]).acuerdo.plot(SERIES)
    with pytest.raises(InputError, match="lang"):
        ahead.acuerdo.plot(SERIES, lang="fr")


def test_table_has_a_row_for_each_month_and_member(ahead: xr.Dataset) -> None:
    table = ahead.acuerdo.table()
    assert len(table) == ahead.sizes["month"] * 3
    one = table[(table["id"] == SERIES) & (table["member"] == "VEN")]
    assert one["q95"].tolist() == ahead[SERIES].sel(origin="VEN", statistic="q95").values.tolist()


def test_it_works_on_a_file_read_again(ahead: xr.Dataset, tmp_path: Path) -> None:
    ahead.to_netcdf(tmp_path / "ahead.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "ahead.nc", engine="h5netcdf") as again:
        assert again.acuerdo.plot(SERIES).to_dict() == ahead.acuerdo.plot(SERIES).to_dict()


def cells(kind: str) -> list[str]:
    notebook = json.loads(TOUR.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == kind]


def test_tour_holds_no_results_that_could_grow_old() -> None:
    notebook = json.loads(TOUR.read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    assert all(cell.get("outputs", []) == [] for cell in notebook["cells"])
    assert len(cells("markdown")) >= 5


@pytest.mark.model
@pytest.mark.slow
def test_the_tour_runs() -> None:
    names: dict[str, Any] = {}
    for number, source in enumerate(cells("code")):
        exec(compile(source, f"tour, cell {number}", "exec"), names)
    assert names["ahead"].attrs["settings"] == "none"
    assert names["faster"].attrs["settings"] == "asylum_decisions=6000"
    assert set(names["table"]["id"]) == set(names["ahead"].data_vars)
    # the paired draws behind the interval are those of the two projections
    totals = names["effect"]["people_protected"].sum()
    assert names["change"].mean() == pytest.approx(totals, rel=1e-6)
    assert names["low"] < names["change"].mean() < names["high"]
    assert names["written"]
