"""What a notebook needs: projections that draw and tabulate themselves, as `ds.acuerdo.plot(...)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import xarray as xr

from acuerdo import corridor as corridors
from acuerdo.errors import InputError
from acuerdo.i18n import Texts
from acuerdo.timeline import parse_as_of

if TYPE_CHECKING:
    from acuerdo.figures.store import Figures


@xr.register_dataset_accessor("acuerdo")  # type: ignore[no-untyped-call]
class Projection:
    """Methods of a projection, as `project` returns it or as it was read from its netCDF file.

    Args:
        dataset: the projection.
    """

    def __init__(self, dataset: xr.Dataset) -> None:
        self._data = dataset

    def plot(
        self,
        name: str,
        member: str | None = None,
        history: bool | pd.DataFrame = True,
        lang: str = "en",
        **options: Any,
    ) -> Any:
        """Draw a published series or an outcome: what was recorded, then the median with its 50 and 90 % bands.

        Args:
            name: variable of the projection.
            member: member of its dimension, if it has one; the whole (`ALL`) without it, where there is one.
            history: figures as they were known on the day of the projection; or a table of months (`month`) and values
                (`value`) to draw instead; or none.
            lang: language of the words.
            **options: `months_back`, `zero`, `width` and `height` of `acuerdo.charts.fan_spec`.

        Returns:
            An Altair chart.

        Raises:
            InputError: there is no such variable, member or language, or the variable needs a member.
        """
        import altair as alt

        from acuerdo.brief import outlook
        from acuerdo.charts import fan_spec
        from acuerdo.figures.store import Figures

        home = corridors.load(self._data.attrs.get("corridor"))
        texts, figures = Texts(lang, home), Figures.open(home)
        bands = outlook.bands(self._data, name, self._member(name, member))
        said = self._data.attrs.get("as_of", "latest")
        day = None if said == "latest" else parse_as_of(str(said))
        if isinstance(history, pd.DataFrame):
            past = history
        else:
            past = outlook.recorded(figures.as_of(day), name, member or "ALL")
            past = past if history else past.iloc[:0]
        if len(past) and not isinstance(history, pd.DataFrame):
            bands = bands[bands["month"] > past["month"].iloc[-1]]
        title = outlook.label(self._data, name, texts)
        if member is not None and member != "ALL":
            title = f"{title} ({member})"
        spec = fan_spec(past, bands, title, self._unit(figures, name, texts), texts, as_of=day, **options)
        return alt.Chart.from_dict(spec)

    def table(self) -> pd.DataFrame:
        """Return a long table: month, id, kind, member, unit, and mean and quantiles."""
        from acuerdo.projection import to_table

        return to_table(self._data)

    def _member(self, name: str, member: str | None) -> str:
        if member is None and name in self._data.data_vars:
            for dimension in (str(dim) for dim in self._data[name].dims if dim not in ("statistic", "month")):
                members = [str(value) for value in self._data[name][dimension].values]
                if "ALL" not in members:
                    raise InputError("member", None, f"one of {dimension}: {', '.join(members)}", members[0])
        return member or "ALL"

    def _unit(self, figures: Figures, name: str, texts: Texts) -> str:
        if name in figures.ids:
            return texts.pick(figures.series(name).unit_label)
        return str(self._data[name].attrs["units"])


__all__ = ["Projection"]
