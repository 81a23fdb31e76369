"""What the charts of the board can draw: published series, member by member, and outcomes by month."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from acuerdo.board.api import History, Words
from acuerdo.board.settings import BoardSettings
from acuerdo.errors import DataError, unknown_name
from acuerdo.figures.catalogue import ALL
from acuerdo.figures.store import Figures
from acuerdo.projection import Ensemble, Floats, Projector


@dataclass(frozen=True)
class Line:
    """One line of a chart.

    Attributes:
        id: name in the API: the series, `series:member` for members other than the first, or the outcome.
        kind: where it comes from.
        source: the series or the outcome.
        member: member of the series.
        variable: variable of the model behind it.
        label: what it is.
        unit_label: its unit in words.
        factor: from the variable's unit to the unit shown, for an outcome.
    """

    id: str
    kind: Literal["series", "outcome"]
    source: str
    member: str
    variable: str
    label: Words
    unit_label: Words
    factor: float = 1.0

    def of(self, ensemble: Ensemble) -> Floats:
        """Return the draws of this line: shape (months, draws)."""
        if self.kind == "series":
            return ensemble.observed[self.source][self.member]
        return ensemble.outputs[self.variable] * self.factor


def all_lines(projector: Projector, figures: Figures) -> dict[str, Line]:
    """Return every line by id: series in the order of the observation models, then outcomes."""
    built = projector.built
    languages = list(built.corridor.about["locales"])
    found: dict[str, Line] = {}
    for series, item in projector.observables.items():
        entry = figures.series(series)
        parts = item.parts(built.model)
        variables = {ALL: parts[0][1]} if item.over is not None else {member: name for member, name, _ in parts}
        variables |= {member: parts[0][1] for member in item.completeness if member not in variables}
        labels = figures.catalogue.members(series)
        for i, (member, variable) in enumerate(variables.items()):
            label = {lang: entry.label[lang] for lang in languages}
            if len(variables) > 1 and not (i == 0 and item.completeness):
                label = {lang: f"{words}: {labels[member][lang]}" for lang, words in label.items()}
            name = series if i == 0 else f"{series}:{member}"
            unit = {lang: entry.unit_label[lang] for lang in languages}
            found[name] = Line(name, "series", series, member, variable, label, unit)
    for name, outcome in projector.outcomes.items():
        found[name] = Line(
            name, "outcome", name, ALL, outcome.variable, outcome.label, outcome.unit_label, outcome.factor
        )
    return found


def opened(settings: BoardSettings, lines: dict[str, Line]) -> list[str]:
    """Return the ids of the lines that the board opens with.

    Raises:
        DataError: the corridor's settings name a line that there is not.
    """
    names = [chart.id if chart.member is None else f"{chart.id}:{chart.member}" for chart in settings.charts]
    for name in names:
        if name not in lines:
            raise DataError(f"board.yaml: {unknown_name('charts', name, lines)}")
    return names


def history(line: Line, figures: Figures, first: pd.Period) -> History:
    """Return what had been published of a line by the day of the view, month by month from `first` on."""
    if line.kind == "outcome":
        return History(id=line.id, months=[], values=[], source="", address="", warnings=[])
    entry = figures.series(line.source)
    table = figures.monthly(line.source)
    column = table[line.member] if line.member in table else pd.Series([], index=table.index[:0], dtype=float)
    column = column[column.index >= first].dropna()
    if len(column):
        column = column.reindex(pd.period_range(column.index[0], column.index[-1], freq="M"))
    values = [None if np.isnan(value) else float(value) for value in column.to_numpy(dtype=float)]
    return History(
        id=line.id,
        months=[str(month) for month in column.index],
        values=values,
        source=f"{entry.publisher}, {entry.table}",
        address=entry.address,
        warnings=[{"en": text.en, "es": text.es} for text in entry.warnings],
    )
