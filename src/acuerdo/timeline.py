"""Months and as-of dates: the two notions of time that every part shares."""

from __future__ import annotations

import re
from datetime import date

import pandas as pd

from acuerdo.errors import InputError

_FORMS = "a day (YYYY-MM-DD), a month (YYYY-MM, meaning its last day) or 'latest'"


def parse_as_of(text: str | date | None) -> date | None:
    """Return the day that `text` names, or None for the latest view (everything in the snapshot).

    A month stands for its last day.

    Raises:
        InputError: `text` is not a day, a month or 'latest'.
    """
    if text is None or isinstance(text, date):
        return text
    if text == "latest":
        return None
    try:
        if re.fullmatch(r"\d{4}-\d{2}", text):
            return pd.Period(text, "M").end_time.date()
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise InputError("as-of", text, _FORMS)


def parse_month(text: str, field: str = "month", where: str | None = None) -> pd.Period:
    """Return the month that `text` (YYYY-MM) names.

    Raises:
        InputError: `text` is not a month.
    """
    if re.fullmatch(r"\d{4}-\d{2}", str(text)):
        try:
            return pd.Period(text, "M")
        except ValueError:
            pass
    raise InputError(field, text, "a month written YYYY-MM", where=where)
