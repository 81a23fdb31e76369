"""Scenarios: dated settings of levers, and the lever values by month that follow from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from acuerdo.errors import InputError, unknown_name
from acuerdo.levers import Floats, Lever
from acuerdo.timeline import parse_month

MOST_RAMP = 120


@dataclass(frozen=True)
class Setting:
    """One lever set to a value from a month on, up to a month if one is given; then back to what would be without it.

    Attributes:
        lever: name of the lever.
        value: value, or factor if `times`.
        start: first month; None for the first one there is.
        end: last month; None for no end.
        where: file and line, if the setting came from a file.
        times: the value is a factor on what would be without this setting (earlier settings counted).
        ramp: months over which the value is reached in equal steps; with 1 it holds at once.
        member: the member of the lever's dimension that is set; None for all that the lever targets (with `times`: for
            all members).
    """

    lever: str
    value: float
    start: pd.Period | None = None
    end: pd.Period | None = None
    where: str | None = None
    times: bool = False
    ramp: int = 1
    member: str | None = None

    def __str__(self) -> str:
        """Return the setting in short, as LEVER=VALUE@START..END where that says it all."""
        name = self.lever if self.member is None else f"{self.lever} {self.member}"
        dates = f"@{self.start or ''}" + (f"..{self.end}" if self.end else "") if self.start or self.end else ""
        ramp = f" in {self.ramp} steps" if self.ramp > 1 else ""
        return f"{name}={'x' if self.times else ''}{self.value:g}{dates}{ramp}"


def parse_setting(text: str) -> Setting:
    """Read LEVER=VALUE, LEVER=VALUE@YYYY-MM or LEVER=VALUE@YYYY-MM..YYYY-MM.

    Raises:
        InputError: the text has not that form, or the last month comes before the first.
    """
    form = "LEVER=VALUE, LEVER=VALUE@YYYY-MM or LEVER=VALUE@YYYY-MM..YYYY-MM"
    name, equals, rest = (part.strip() for part in text.partition("="))
    value, at, dates = (part.strip() for part in rest.partition("@"))
    first, dots, last = (part.strip() for part in dates.partition(".."))
    if not equals or not name:
        raise InputError("set", text, form)
    try:
        number = float(value)
    except ValueError:
        raise InputError(f"set {name}", value, "a number") from None
    start = parse_month(first, f"set {name}, first month") if at else None
    end = parse_month(last, f"set {name}, last month") if dots else None
    if start is not None and end is not None and end < start:
        raise InputError(f"set {name}, last month", str(end), f"{start} or later", str(start))
    return Setting(name, number, start, end)


def check(
    settings: Sequence[Setting],
    levers: Mapping[str, Lever],
    months: pd.PeriodIndex | None = None,
    members: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Check that every setting names a lever, is in its range and starts inside the months.

    Args:
        settings: the settings.
        levers: the levers.
        months: the months that settings may name; None to leave dates unchecked.
        members: members of each dimension; None to leave members unchecked.

    Raises:
        InputError: one does not; the message names lever, value, what is allowed and the nearest valid choice.
    """
    for item in settings:
        if item.lever not in levers:
            raise unknown_name("lever", item.lever, levers, item.where)
        lever = levers[item.lever]
        if not item.times:
            lever.check(item.value, item.where)
        elif not (np.isfinite(item.value) and item.value >= 0):
            raise InputError(f"{item.lever} times", item.value, "a factor of 0 or more", where=item.where)
        if not 1 <= item.ramp <= MOST_RAMP:
            nearest = min(max(item.ramp, 1), MOST_RAMP)
            raise InputError(f"{item.lever} ramp", item.ramp, f"1 to {MOST_RAMP} months", nearest, item.where)
        if item.member is not None:
            if lever.over is None:
                raise InputError(f"{item.lever} member", item.member, "one value: this lever has no members")
            if members is not None and item.member not in members[lever.over]:
                raise unknown_name(f"{item.lever} {lever.over}", item.member, members[lever.over], item.where)
        if months is None:
            continue
        for field, month in (("from", item.start), ("to", item.end)):
            if month is not None and not months[0] <= month <= months[-1]:
                nearest_month = months[0] if month < months[0] else months[-1]
                raise InputError(
                    f"{item.lever} {field}", str(month), f"{months[0]} to {months[-1]}", str(nearest_month), item.where
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

    Raises:
        InputError: a factor takes a lever out of its range; the message gives the largest or smallest that does not.
    """
    changed = {name: np.array(values, float) for name, values in base.items()}
    for item in settings:
        lever = levers[item.lever]
        names = members[lever.over] if lever.over is not None else ()
        before = changed[item.lever]
        if item.times:
            wanted = before * item.value
        elif item.member is not None:
            wanted = np.full_like(before, item.value)
        else:
            wanted = np.broadcast_to(lever.spread(item.value, names), before.shape)
        inside = (months >= (item.start or months[0])) & (months <= (item.end or months[-1]))
        touched = inside if lever.over is None else inside[:, None] & _columns(item, lever, names)
        if item.times:
            _check_factor(item, lever, before[touched])
        step = np.arange(1, len(months) + 1) - int(np.argmax(inside))
        share = np.clip(step / item.ramp, 0.0, 1.0).reshape(-1, *[1] * (before.ndim - 1))
        changed[item.lever] = np.where(touched, (1 - share) * before + share * wanted, before)
    return changed


def _columns(item: Setting, lever: Lever, names: Sequence[str]) -> npt.NDArray[np.bool_]:
    if item.member is not None:
        return np.array([name == item.member for name in names])
    return np.array([item.times or name in lever.targets for name in names])


def _check_factor(item: Setting, lever: Lever, before: Floats) -> None:
    low, high = lever.range
    top, bottom = before.max(initial=0.0), before.min(initial=np.inf)
    most = high / top if top > 0 else np.inf
    least = low / bottom if low > 0 else 0.0
    if not least * (1 - 1e-9) <= item.value <= most * (1 + 1e-9):
        kept = f"so that it stays within {low:g} to {high:g} {lever.unit_label['en']}"
        nearest = f"{np.clip(item.value, least, most):.4g}"
        raise InputError(
            f"{item.lever} times", item.value, f"{least:.4g} to {most:.4g}, {kept}", nearest, where=item.where
        )
