"""The months of a question as the view has them: treated unit, donors, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from acuerdo.attribution.questions import Question
from acuerdo.figures.store import Figures
from acuerdo.i18n import Texts

MIN_PRE = 24
"""Months before the measure without which there is no answer."""

MIN_DONORS = 3
"""Donors without which there is no synthetic control."""

MAX_GAPS = 0.2
"""Share of months before the measure that may lack a figure."""


@dataclass(frozen=True)
class Note:
    """A remark by the key of its text (under `attribution.note`), with the values to fill in."""

    key: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def say(self, texts: Texts) -> str:
        """Return the remark in words."""
        return texts.t(
            f"attribution.note.{self.key}", **{name: _word(value, texts) for name, value in self.values.items()}
        )


def _word(value: Any, texts: Texts) -> Any:
    if isinstance(value, pd.Period):
        return texts.month(value, short=True)
    if isinstance(value, date):
        return texts.day(value, short=True)
    if isinstance(value, list):
        return texts.listing(value)
    if isinstance(value, float):
        return texts.rounded(value, 2)
    return value


@dataclass(frozen=True)
class Panel:
    """Treated unit and donors month by month, positive and without gaps (but for the treated unit before).

    Attributes:
        treated: by month; the members of the question added up.
        donors: by month, a column for each donor that can be used; may have no columns.
        pre: number of months before the measure.
        overlapping: figures are totals of twelve months, which must not be added.
        notes: what was left out and why.
    """

    treated: pd.Series[float]
    donors: pd.DataFrame
    pre: int
    overlapping: bool
    notes: list[Note]

    @property
    def months(self) -> pd.PeriodIndex:
        """The months, before and after."""
        return pd.PeriodIndex(self.treated.index)


def build_panel(question: Question, view: Figures) -> Panel | Note:
    """Return the panel of a question in a view of the figures, or the reason why there can be no answer."""
    series = view.series(question.series)
    monthly = view.monthly(question.series)
    pre, post = question.pre.months, question.post.months
    if not set(question.treated) <= set(monthly.columns):
        return Note("no_monthly_figures")
    treated = monthly[question.treated].sum(axis=1, skipna=False).reindex(pre.union(post))
    after = treated.loc[post]
    held = int(after.isna().to_numpy().argmax()) if after.isna().any() else len(after)
    if held < question.needs_post:
        return Note("too_short", {"months": held, "needed": question.needs_post})
    before = treated.loc[pre]
    before = before.loc[before.first_valid_index() :] if before.notna().any() else before.iloc[:0]
    if len(before) < MIN_PRE or before.isna().mean() > MAX_GAPS:
        return Note("too_little_before", {"months": int(before.notna().sum()), "needed": MIN_PRE})
    months = pd.PeriodIndex(before.index).union(post[:held])
    treated = treated.loc[months]
    if (treated <= 0).any():
        return Note("zeros")
    notes = []
    if held < len(post):
        notes.append(Note("cut_short", {"last": post[held - 1], "wanted": post[-1]}))
    donors, dropped = _donors(question, view, months)
    if dropped:
        notes.append(Note("donors_dropped", {"donors": dropped}))
    rows = view.frame(question.series, members=question.treated)
    in_months = rows["end"].dt.to_period("M").isin(months)
    if rows.loc[in_months, "revised"].any():
        notes.append(Note("revised"))
    return Panel(treated, donors, len(before), series.frequency == "twelve_months", notes)


def _donors(question: Question, view: Figures, months: pd.PeriodIndex) -> tuple[pd.DataFrame, list[str]]:
    """Return the donors that have a positive figure in every month, and the names of the others."""
    if question.donors is None:
        return pd.DataFrame(index=months), []
    monthly = view.monthly(question.donors.series or question.series)
    wide = monthly.reindex(index=months, columns=question.donors.members)
    usable = ((wide > 0) & np.isfinite(wide)).all()
    return wide.loc[:, usable], [name for name in wide.columns if not usable[name]]
