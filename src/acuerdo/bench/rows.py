"""What a benchmark says: rows of a value with its unit, a ratio, and the target that it meets or misses."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Any, Literal

from acuerdo.bench.clock import Timing

Side = Literal["at most", "at least"]


@dataclass(frozen=True)
class Target:
    """A bound on a row's value or ratio."""

    side: Side
    bound: float
    of: Literal["value", "ratio"] = "value"

    def met(self, number: float) -> bool:
        """Return whether a number keeps the bound."""
        return number <= self.bound if self.side == "at most" else number >= self.bound


TARGETS = {
    "model.run": Target("at most", 25.0),
    "model.what_if": Target("at most", 25.0),
    "engines.pysd": Target("at least", 1000.0, "ratio"),
    "c.ours": Target("at most", 3.0, "ratio"),
    "packages.rate": Target("at least", 200_000 / 600),
    "start.help": Target("at most", 0.5),
    "memory.10000": Target("at most", 2000.0),
    "brief.cold": Target("at most", 60.0),
}
"""By row; in the unit of its value."""


@dataclass(frozen=True)
class Row:
    """One figure.

    Attributes:
        name: part and row, by which targets and comparisons find it.
        what: what was measured, in words.
        value: the figure (a median, where it was repeated), or None where it could not be measured.
        unit: its unit.
        ratio: against another figure of the same run.
        against: what the ratio is of.
        spread: lower and upper quartile of the repeats.
        fastest: the fastest of the repeats: what a busy machine disturbs least.
        repeats: how many times it was measured.
        note: why there is no figure, or what a reader should know.
    """

    name: str
    what: str
    value: float | None = None
    unit: str = ""
    ratio: float | None = None
    against: str = ""
    spread: tuple[float, float] | None = None
    fastest: float | None = None
    repeats: int = 1
    note: str = ""

    @property
    def target(self) -> Target | None:
        """The target of this row, if it has one."""
        return TARGETS.get(self.name)

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without a target or a figure."""
        if self.target is None:
            return None
        number = self.value if self.target.of == "value" else self.ratio
        return None if number is None else self.target.met(number)

    def as_dict(self) -> dict[str, Any]:
        """Return the row for JSON, with its target and whether that is met."""
        target = asdict(self.target) if self.target else None
        return asdict(self) | {"target": target, "met": self.met}


def timed(name: str, what: str, timing: Timing, unit: Literal["s", "ms"] = "ms", **more: Any) -> Row:
    """Return the row of a timing."""
    factor = {"s": 1.0, "ms": 1e3}[unit]
    spread = timing.lower * factor, timing.upper * factor
    fastest = timing.fastest * factor
    return Row(name, what, timing.median * factor, unit, spread=spread, fastest=fastest, repeats=timing.repeats, **more)


def about() -> dict[str, Any]:
    """Return what the figures depend on: processor, cores, versions."""
    from acuerdo import __version__
    from acuerdo.bench.clock import cores

    return {
        "acuerdo": __version__,
        "python": platform.python_version(),
        "jax": metadata.version("jax"),
        "system": platform.system(),
        "machine": platform.machine(),
        "cores": cores(),
        "load_at_start": round(os.getloadavg()[0], 2),
    }


def number(value: float) -> str:
    """Return three digits or, from a hundred, whole thousands apart."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def cells(row: Row) -> tuple[str, str, str, str, str, str]:
    """Return a row in words: what, median, fastest, ratio, target, whether it is met."""
    value = "" if row.value is None else f"{number(row.value)} {row.unit}".strip()
    fastest = "" if row.fastest is None else number(row.fastest)
    ratio = "" if row.ratio is None else f"{number(row.ratio)} x {row.against}"
    if row.target is None:
        return row.what, value, fastest, ratio, "", ""
    unit = row.unit if row.target.of == "value" else "x"
    met = {True: "met", False: "NOT MET", None: "not measured"}[row.met]
    return row.what, value, fastest, ratio, f"{row.target.side} {number(row.target.bound)} {unit}", met
