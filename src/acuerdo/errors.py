"""Errors that a person can mend: one line that names field, value, what is allowed and the nearest valid choice."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class AcuerdoError(Exception):
    """A problem to show as one line, never as a traceback; the command line ends with exit code 2."""


class DataError(AcuerdoError):
    """A packaged or given file is missing, damaged or out of step with what it belongs to."""


class InputError(AcuerdoError):
    """A value given by a person is not valid.

    Args:
        field: what the value was given for, as the person would name it.
        value: what was given.
        allowed: what would be allowed, in words.
        nearest: the closest valid choice, if there is one.
        where: file and line, if the value came from a file.
    """

    def __init__(
        self, field: str, value: object, allowed: str, nearest: object | None = None, where: str | None = None
    ) -> None:
        self.field, self.value, self.allowed, self.nearest, self.where = field, value, allowed, nearest, where
        start = f"{where}: " if where else ""
        end = f"; nearest valid: {nearest}" if nearest is not None else ""
        super().__init__(f"{start}{field}: {value!r} is not valid; allowed: {allowed}{end}")


def nearest_name(name: str, names: Iterable[str]) -> str | None:
    """Return the name most like `name` among `names`, or None when there are none."""
    choices = list(names)
    close = difflib.get_close_matches(name, choices, n=1, cutoff=0.0)
    return close[0] if close else None


def unknown_name(field: str, name: str, names: Iterable[str], where: str | None = None) -> InputError:
    """Build the error for a name that is not among `names`, with the nearest one."""
    choices = sorted(names)
    shown = ", ".join(choices) if len(choices) <= 30 else f"one of {len(choices)} names"
    return InputError(field, name, shown, nearest_name(name, choices), where)
