"""Scenarios: dated settings of levers, from the command line or a measures file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from acuerdo.errors import DataError, InputError, unknown_name
from acuerdo.levers import Floats, Lever
from acuerdo.timeline import parse_month


@dataclass(frozen=True)
class Setting:
    """One lever set to a value from a month on, up to a month if one is given."""

    lever: str
    value: float
    start: pd.Period | None = None
    end: pd.Period | None = None
    where: str | None = None


def parse_setting(text: str) -> Setting:
    """Read LEVER=VALUE or LEVER=VALUE@YYYY-MM.

    Raises:
        InputError: the text has not that form.
    """
    form = "LEVER=VALUE or LEVER=VALUE@YYYY-MM"
    name, equals, rest = text.partition("=")
    value, at, month = rest.partition("@")
    if not equals or not name.strip():
        raise InputError("set", text, form)
    return Setting(name.strip(), _number(value, f"set {name.strip()}"), parse_month(month) if at else None)


def _number(value: object, field: str, where: str | None = None) -> float:
    try:
        if isinstance(value, bool):
            raise TypeError
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise InputError(field, value, "a number", where=where) from None


def read_measures(path: Path) -> list[Setting]:
    """Read a measures file: a list `measures` of {lever, value, from, to}, with an optional title and notes.

    Raises:
        DataError: the file cannot be read or is not YAML.
        InputError: a field is missing, unknown or not valid; the message names file, line and field.
    """
    try:
        text = path.read_text(encoding="utf-8")
        node: Any = yaml.compose(text, yaml.SafeLoader)
        data = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as problem:
        raise DataError(f"measures {path}: cannot be read ({problem.__class__.__name__})") from problem
    except (yaml.YAMLError, ValueError) as problem:
        mark = getattr(problem, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise DataError(f"measures {path}{line}: not valid YAML; a list `measures` is expected") from problem
    fields = ("title", "notes", "measures")
    if not isinstance(data, dict) or not isinstance(data.get("measures"), list):
        raise InputError("measures", type(data).__name__, "a mapping with a list `measures`", where=str(path))
    for key in data:
        if key not in fields:
            raise unknown_name("field", str(key), fields, where=str(path))
    lines = next(value for key, value in node.value if key.value == "measures").value
    return [
        _one(entry, f"{path}, line {mark.start_mark.line + 1}")
        for entry, mark in zip(data["measures"], lines, strict=True)
    ]


def _one(entry: object, where: str) -> Setting:
    fields = ("lever", "value", "from", "to")
    if not isinstance(entry, dict):
        raise InputError("measure", entry, "fields lever, value, from, to", where=where)
    for key in entry:
        if key not in fields:
            raise unknown_name("field", str(key), fields, where=where)
    for key in ("lever", "value"):
        if key not in entry:
            raise InputError(key, None, "a value (the field is required)", where=where)
    start, end = (parse_month(str(entry[k]), k, where) if k in entry else None for k in ("from", "to"))
    if start is not None and end is not None and end < start:
        raise InputError("to", str(end), f"{start} or later", str(start), where)
    return Setting(str(entry["lever"]), _number(entry["value"], "value", where), start, end, where)


def check(settings: Sequence[Setting], levers: Mapping[str, Lever], months: pd.PeriodIndex) -> None:
    """Check that every setting names a lever, is in its range and starts inside the months.

    Raises:
        InputError: one does not; the message names lever, value, what is allowed and the nearest valid choice.
    """
    for item in settings:
        if item.lever not in levers:
            raise unknown_name("lever", item.lever, levers, item.where)
        levers[item.lever].check(item.value, item.where)
        for field, month in (("from", item.start), ("to", item.end)):
            if month is not None and not months[0] <= month <= months[-1]:
                nearest = months[0] if month < months[0] else months[-1]
                raise InputError(
                    f"{item.lever} {field}", str(month), f"{months[0]} to {months[-1]}", str(nearest), item.where
                )


def apply(
    settings: Sequence[Setting],
    base: Mapping[str, Floats],
    levers: Mapping[str, Lever],
    months: pd.PeriodIndex,
    members: Mapping[str, Sequence[str]],
) -> dict[str, Floats]:
    """Return lever values by month with the settings made, later ones over earlier ones.

    Args:
        settings: checked settings.
        base: values without them, (T,) or (T, M).
        levers: the levers.
        months: the months of `base`.
        members: members of each dimension.
    """
    changed = {name: np.array(values, float) for name, values in base.items()}
    for item in settings:
        lever = levers[item.lever]
        chosen = lever.spread(item.value, members.get(lever.over or "", ()))
        inside = (months >= (item.start or months[0])) & (months <= (item.end or months[-1]))
        if lever.over is None:
            changed[item.lever][inside] = chosen
        else:
            targeted = np.array([m in lever.targets for m in members[lever.over]])
            changed[item.lever][np.ix_(inside, targeted)] = chosen[targeted]
    return changed
