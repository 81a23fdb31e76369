"""Exchange: one draw of a model as XMILE, which PySD and pysimlin run unchanged, and the declarations as JSON.

What the two engines share decides the form of the file:

- Every member of a dimension is a variable of its own (`waiting` of the member `north` is `waiting_north`). Neither
  spelling of a sum over a dimension is read by both, and PySD reads no graphical function of a single member.
- A monthly series is a function of the number of the month, a whole number at every step: nested conditions where it
  changes a few times only, as a lever does, else a graphical function. Both engines draw straight lines between the
  points of a graphical function, also of a discrete one, so a function over time itself would not hold its value for a
  month; and PySD keeps eight digits of each point.
- Flows out of one stock share what it can give by auxiliaries of their own: what each asks for, what all ask for in a
  step, and the share of it that is given.
- The length of a step is a constant, since PySD does not know `DT`.
"""

from __future__ import annotations

import importlib
import json
import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pint

from acuerdo import __version__
from acuerdo.engine.declare import TIME_STEP, Model, Variable
from acuerdo.engine.describe import catalogue
from acuerdo.engine.expr import Call, Const, Expr, Var
from acuerdo.engine.load import CorridorModel, load_model
from acuerdo.engine.mathematics import text
from acuerdo.engine.run import Array, Simulator
from acuerdo.engine.units import parse, registry
from acuerdo.errors import DataError, InputError
from acuerdo.scenario import Setting

Floats = npt.NDArray[np.float64]
Format = Literal["xmile", "json"]
NAMESPACE = "http://docs.oasis-open.org/xmile/ns/XMILE/v1.0"
SMALLEST_BASE = 1e-12
"""What `acuerdo.engine.ops.power` holds its base to."""

# words of XMILE and names that an engine keeps for itself
_WORDS = """
    abs and arccos arcsin arctan cos delay delay1 delay3 delayn dt else exp final_time forcst if inf init
    initial_time int ln log10 max mean min mod nan not or pi previous pulse ramp random rank safediv saveper sin size
    smth1 smth3 smthn sqrt starttime step stddev stoptime sum tan then time time_step trend
"""
_RESERVED = frozenset(_WORDS.split())
_SYMBOLS = {"add": ("+", 1), "sub": ("-", 1), "mul": ("*", 2), "div": ("/", 2)}
_CALLS = {"exp": "EXP", "log": "LN", "min": "MIN", "max": "MAX"}
_WHOLE = 3  # strength of what needs no brackets
_FEW_CHANGES = 12  # a series that changes no more often is written as conditions


# ---- names


class _Names:
    """Gives every variable and member a name that both engines take; case does not count."""

    def __init__(self, model: Model) -> None:
        self._used: set[str] = set()
        self.of: dict[str, tuple[str, ...]] = {}
        for name, variable in model.variables.items():
            members = model.dimensions[variable.over] if variable.over else ()
            wanted = [f"{name}_{member}" for member in members] or [name]
            self.of[name] = tuple(self.take(one) for one in wanted)

    def take(self, wanted: str) -> str:
        """Return a name that is free and make it taken."""
        first = re.sub(r"\W+", "_", wanted)
        if first.lower() in _RESERVED or first.lower().startswith("not"):  # PySD reads "notice" as "not ice"
            first = f"var_{first}"
        found, again = first, 2
        while found.lower() in self._used:
            found, again = f"{first}_{again}", again + 1
        self._used.add(found.lower())
        return found


def xmile_names(model: Model) -> dict[str, tuple[str, ...]]:
    """Return the names that a variable has in XMILE: one for each member of its dimension, in order, or one."""
    return _Names(model).of


# ---- equations as text


def number(value: float) -> str:
    """Return a number as text that reads back as the same number.

    Raises:
        DataError: it is not finite.
    """
    if not math.isfinite(value):
        raise DataError(f"{value} cannot be written as a number")
    return repr(float(value))


def _binary(op: str, left: tuple[str, int], right: tuple[str, int]) -> tuple[str, int]:
    symbol, strength = _SYMBOLS[op]
    one = left[0] if left[1] >= strength else f"({left[0]})"
    other = right[0] if right[1] > strength else f"({right[0]})"
    return f"{one} {symbol} {other}", strength


def tree(node: Expr) -> Any:
    """Return an equation as nested lists [operation, argument, ...]; a string is a variable, a number a number."""
    if isinstance(node, Var):
        return node.name
    if isinstance(node, Const):
        return node.value
    assert isinstance(node, Call)
    return [node.op, *(tree(arg) for arg in node.args), *([node.over] if node.over else [])]


def _unit_of(node: Expr, model: Model) -> pint.Unit:
    """Return the unit of an equation that has passed the unit check."""
    none = parse("1")
    if isinstance(node, Var):
        return parse("month" if node.name == TIME_STEP else model.variables[node.name].unit)
    if isinstance(node, Const):
        return none
    assert isinstance(node, Call)
    units = [_unit_of(arg, model) for arg in node.args]
    if node.op == "mul":
        product: pint.Unit = units[0] * units[1]
        return product
    if node.op in ("div", "ratio"):
        quotient: pint.Unit = units[0] / units[1]
        return quotient
    if node.op in ("exp", "log", "pow"):
        exponent = node.args[-1]
        return registry().Unit(units[0] ** exponent.value) if node.op == "pow" and isinstance(exponent, Const) else none
    return next((u for arg, u in zip(node.args, units, strict=True) if not isinstance(arg, Const)), none)


def unit_text(unit: pint.Unit | str) -> str:
    """Return a unit as XMILE writes it: names joined by `*` and `/`, `dmnl` for none."""
    found = f"{parse(unit) if isinstance(unit, str) else unit:C}".replace("**", "^")
    return "dmnl" if found == "dimensionless" else found


# ---- the document


def to_xmile(
    built: CorridorModel,
    parameters: Mapping[str, Array],
    state: Mapping[str, Array],
    inputs: Mapping[str, Array],
    months: pd.PeriodIndex,
    *,
    draw: int = 0,
    note: str = "",
) -> str:
    """Return one draw of a corridor's model as an XMILE document.

    Args:
        built: the model.
        parameters: as `Simulator.run` takes them, shape (draws,) or (members, draws); one draw may stand for all.
        state: first value of every stock and level, as `Simulator.run` takes it.
        inputs: levers, latent series and given series, shape (months, draws) or (months, members, draws).
        months: the months of the inputs; time 0 is the start of the first.
        draw: the draw to write.
        note: what the document says of itself besides.

    Raises:
        DataError: a value is missing or is not finite.
    """
    words: dict[str, Any] = {"title": built.corridor.about["title"]["en"], "note": note, "meanings": built.meanings}
    return write_xmile(built.simulator, parameters, state, inputs, months, draw=draw, **words)


def write_xmile(
    simulator: Simulator,
    parameters: Mapping[str, Array],
    state: Mapping[str, Array],
    inputs: Mapping[str, Array],
    months: pd.PeriodIndex,
    *,
    draw: int = 0,
    title: str = "",
    note: str = "",
    meanings: Mapping[str, Mapping[str, str]] | None = None,
) -> str:
    """Return one draw of any model as an XMILE document; see `to_xmile`."""
    writer = _Writer(simulator, meanings or {}, draw)
    return writer.document({**parameters, **inputs}, set(inputs), state, months, title or simulator.model.name, note)


class _Writer:
    def __init__(self, simulator: Simulator, meanings: Mapping[str, Mapping[str, str]], draw: int) -> None:
        self.model, self.steps, self.meanings, self.draw = simulator.model, simulator.steps, meanings, draw
        self.names = _Names(self.model)
        self.step = self.names.take("step_length")
        self.month = self.names.take("month_number")
        self.parts: dict[tuple[str, int, str], str] = {}
        self.sums: dict[str, str] = {}
        self.variables = ET.Element("variables")

    # -- what is written

    def document(
        self,
        given: Mapping[str, Array],
        series: set[str],
        state: Mapping[str, Array],
        months: pd.PeriodIndex,
        title: str,
        note: str,
    ) -> str:
        root = ET.Element("xmile", {"version": "1.0", "xmlns": NAMESPACE})
        header = ET.SubElement(root, "header")
        ET.SubElement(header, "vendor").text = "acuerdo"
        ET.SubElement(header, "product", {"version": __version__, "lang": "en"}).text = "acuerdo"
        ET.SubElement(header, "name").text = title
        ET.SubElement(header, "caption").text = " ".join(filter(None, (f"Time 0 is the start of {months[0]}.", note)))
        specs = ET.SubElement(root, "sim_specs", {"method": "Euler", "time_units": "month"})
        ET.SubElement(specs, "start").text = "0"
        ET.SubElement(specs, "stop").text = str(len(months))
        ET.SubElement(specs, "dt", {"reciprocal": "true"}).text = str(self.steps)
        ET.SubElement(root, "model").append(self.variables)
        self._clock()
        equations = [self.model.variables[name] for name in self.model.order] + self.model.of_kind("level")
        needed = {name for variable in equations for name in variable.depends}
        for name in self.model.variables:
            if name in needed and self.model.variables[name].kind in ("parameter", "process", "input", "lever"):
                self._given(name, given, name in series, len(months))
        for variable in self.model.of_kind("stock"):
            self._stock(variable, state)
        for variable in self.model.of_kind("level"):
            self._level(variable, state)
        for name in self.model.order:
            variable = self.model.variables[name]
            (self._flow if variable.kind == "flow" else self._aux)(variable)
        ET.indent(root)
        return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'

    def _add(self, kind: str, name: str, equation: str, unit: pint.Unit | str, doc: str) -> ET.Element:
        element = ET.SubElement(self.variables, kind, {"name": name})
        ET.SubElement(element, "doc").text = doc
        ET.SubElement(element, "eqn").text = equation
        ET.SubElement(element, "units").text = unit_text(unit)
        return element

    def _clock(self) -> None:
        self._add(
            "aux", self.step, number(1.0 / self.steps), "month", "Length of a step; the same as dt of the simulation."
        )
        doc = "Number of the month, from 0: a whole number at every step, so that a monthly series holds its value."
        self._add("aux", self.month, f"INT(TIME + {self.step} / 2.0)", "month", doc)

    def _given(self, name: str, given: Mapping[str, Array], is_series: bool, months: int) -> None:
        variable = self.model.variables[name]
        if name not in given:
            raise DataError(f"{name}: the {variable.kind} has no value")
        values = self._values(name, given[name], months if is_series else None)
        for i, column in enumerate(values.T):
            name_i, doc = self.names.of[name][i], self._doc(variable, i)
            changes = [int(t) for t in np.flatnonzero(np.diff(column)) + 1]
            if len(changes) <= _FEW_CHANGES:
                self._add("aux", name_i, self._held(column, changes), variable.unit, doc)
                continue
            element = self._add("aux", name_i, self.month, variable.unit, doc)
            points = ET.SubElement(element, "gf", {"type": "discrete"})
            ET.SubElement(points, "xscale", {"min": "0", "max": str(months)})
            # the end of the last month is a step of its own, with the last month's value
            ET.SubElement(points, "ypts").text = ",".join(number(y) for y in (*column, column[-1]))

    def _held(self, values: Floats, changes: Sequence[int]) -> str:
        """Return a series that holds its value between a few changes, as nested conditions; a constant as it is."""
        found = number(values[changes[-1]] if changes else values[0])
        for before, change in reversed(list(zip([0, *changes], changes, strict=False))):
            rest = f"({found})" if changes[-1] != change else found
            found = f"IF {self.month} < {number(change)} THEN {number(values[before])} ELSE {rest}"
        return found

    def _stock(self, variable: Variable, state: Mapping[str, Array]) -> None:
        enters, leaves = self.model.flows(enters=variable.name), self.model.flows(leaves=variable.name)
        for i, first in enumerate(self._first(variable, state)):
            name = self.names.of[variable.name][i]
            element = self._add("stock", name, number(first), variable.unit, self._doc(variable, i))
            for tag, flows in (("inflow", enters), ("outflow", leaves)):
                for flow in flows:
                    ET.SubElement(element, tag).text = self.names.of[flow.name][i]
            if leaves:
                self._share(variable, leaves, i)

    def _share(self, stock: Variable, leaves: Sequence[Variable], i: int) -> None:
        """Write what is asked of a stock in a step and the share of it that the stock can give."""
        name = self.names.of[stock.name][i]
        asked, share = self._part(stock.name, i, "asked"), self._part(stock.name, i, "share")
        wishes = " + ".join(self._part(flow.name, i, "asked") for flow in leaves)
        doc = f"What all flows out of {name} ask for in a step."
        self._add("aux", asked, f"({wishes}) * {self.step}", stock.unit, doc)
        # rounding may leave a stock a trifle below zero
        holds = f"MAX({name}, 0.0)"
        doc = f"Share of what is asked that {name} can give."
        self._add("aux", share, f"IF {asked} <= {holds} THEN 1.0 ELSE {holds} / {asked}", "1", doc)

    def _level(self, variable: Variable, state: Mapping[str, Array]) -> None:
        unit = parse(variable.unit) / parse("month")
        for i, first in enumerate(self._first(variable, state)):
            name, change = self.names.of[variable.name][i], self._part(variable.name, i, "change")
            element = self._add("stock", name, number(first), variable.unit, self._doc(variable, i))
            ET.SubElement(element, "inflow").text = change
            self._add("flow", change, self._text(variable, i), unit, f"Change a month of: {self._doc(variable, i)}")

    def _aux(self, variable: Variable) -> None:
        for i, name in enumerate(self.names.of[variable.name]):
            self._add("aux", name, self._text(variable, i), variable.unit, self._doc(variable, i))

    def _flow(self, variable: Variable) -> None:
        for i, name in enumerate(self.names.of[variable.name]):
            asks = f"MAX({self._text(variable, i)}, 0.0)"
            if variable.leaves is None:
                self._add("flow", name, asks, variable.unit, self._doc(variable, i))
                continue
            asked, share = self._part(variable.name, i, "asked"), self._part(variable.leaves, i, "share")
            doc = f"What {name} asks for; it gets it as far as {self.names.of[variable.leaves][i]} can give it."
            self._add("aux", asked, asks, variable.unit, doc)
            self._add("flow", name, f"{asked} * {share}", variable.unit, self._doc(variable, i))

    # -- pieces

    def _part(self, name: str, i: int, word: str) -> str:
        """Return the name of an auxiliary that belongs to a variable and member."""
        if (name, i, word) not in self.parts:
            self.parts[name, i, word] = self.names.take(f"{self.names.of[name][i]}_{word}")
        return self.parts[name, i, word]

    def _doc(self, variable: Variable, i: int) -> str:
        meanings = self.meanings.get(variable.name) or {"en": variable.meaning}
        words = " / ".join(meaning.rstrip(".") for meaning in meanings.values() if meaning)
        member = f" {variable.over}: {self.model.dimensions[variable.over][i]}." if variable.over else ""
        return f"{words}.{member} {variable.kind}; sector: {variable.sector}; source: {variable.source}."

    def _values(self, name: str, array: Array, months: int | None = None) -> Floats:
        """Return the values of the draw, shape (months or 1, members or 1)."""
        shape = ((months,) if months is not None else ()) + self.model.shape(name)
        values = np.asarray(array, float)
        if values.ndim != len(shape) + 1:
            values = values.reshape(*([1] * (len(shape) + 1 - values.ndim)), *values.shape)
        one = values[..., 0 if values.shape[-1] == 1 else self.draw]
        if not np.isfinite(one).all():
            raise DataError(f"{name}: not a finite number in draw {self.draw}")
        return np.broadcast_to(one, shape).reshape(months or 1, -1)

    def _first(self, variable: Variable, state: Mapping[str, Array]) -> list[float]:
        if variable.name not in state:
            raise DataError(f"{variable.name}: the {variable.kind} has no first value")
        return [float(x) for x in self._values(variable.name, state[variable.name])[0]]

    # -- equations

    def _text(self, variable: Variable, i: int) -> str:
        node = variable.tree()
        if isinstance(node, Call) and node.op == "total" and isinstance(node.args[0], Var):
            return self._sum(node, variable.name)  # a plain total needs no further variable
        return self._node(node, i, variable.name)[0]

    def _node(self, node: Expr, i: int, owner: str) -> tuple[str, int]:
        """Return the text of a node for a member, and how strongly it holds together."""
        if isinstance(node, Var):
            if node.name == TIME_STEP:
                return self.step, _WHOLE
            names = self.names.of[node.name]
            return names[i] if len(names) > 1 else names[0], _WHOLE
        if isinstance(node, Const):
            return (number(node.value), _WHOLE) if node.value >= 0 else (f"({number(node.value)})", _WHOLE)
        assert isinstance(node, Call)
        if node.op == "total":
            return self._total(node, owner), _WHOLE
        parts = [self._node(arg, i, owner) for arg in node.args]
        if node.op in _SYMBOLS:
            return _binary(node.op, *parts)
        if node.op in _CALLS:
            return f"{_CALLS[node.op]}({', '.join(part for part, _ in parts)})", _WHOLE
        if node.op == "pow":
            base = f"MAX({parts[0][0]}, {number(SMALLEST_BASE)})"
            return f"({base} ^ {self._bracket(parts[1])})", _WHOLE
        if node.op == "ratio":
            below = self._bracket(parts[1])
            return f"(IF {below} > 0.0 THEN {self._bracket(parts[0])} / {below} ELSE 0.0)", _WHOLE
        raise DataError(f"{owner}: operation {node.op} cannot be written as XMILE")

    @staticmethod
    def _bracket(part: tuple[str, int]) -> str:
        return part[0] if part[1] == _WHOLE else f"({part[0]})"

    def _sum(self, node: Call, owner: str) -> str:
        assert node.over is not None
        terms = (self._node(node.args[0], i, owner)[0] for i in range(len(self.model.dimensions[node.over])))
        return " + ".join(terms)

    def _total(self, node: Call, owner: str) -> str:
        """Return the name of an auxiliary with a sum over a dimension; the same sum is written once."""
        what = self._sum(node, owner)
        if what not in self.sums:
            arg = node.args[0]
            name = self.names.take(f"total_of_{arg.name}" if isinstance(arg, Var) else f"total_in_{owner}")
            doc = f"Sum over {node.over} of {text(arg)}."
            self.sums[what] = name
            self._add("aux", name, what, _unit_of(arg, self.model), doc)
        return self.sums[what]


# ---- running the document elsewhere, and reading the results


def _engine(name: str, package: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as problem:
        raise DataError(f"{package} is not installed; install it with: pip install {package}") from problem


def run_pysd(path: Path) -> pd.DataFrame:
    """Run an XMILE file with PySD, which writes a translation beside the file.

    Raises:
        DataError: PySD is not installed.
    """
    found: pd.DataFrame = _engine("pysd", "pysd").read_xmile(str(path)).run()
    return found


def run_simlin(path: Path) -> pd.DataFrame:
    """Run an XMILE file with pysimlin.

    Raises:
        DataError: pysimlin is not installed.
    """
    found: pd.DataFrame = _engine("simlin", "pysimlin").load(path).run(analyze_loops=False).results
    return found


def from_frame(simulator: Simulator, frame: pd.DataFrame, keep: Iterable[str]) -> dict[str, Floats]:
    """Return the results of another engine in the names and shape of our own runs.

    Args:
        simulator: of the model that was written.
        frame: a row for each step, from time 0 to the end, and a column for each variable.
        keep: names of variables to return.

    Returns:
        For each variable an array (months,) or (months, members): a stock or level at the end of the month, any other
        variable as the month's mean.

    Raises:
        DataError: a variable is missing, or the rows are not whole months.
    """
    model, steps = simulator.model, simulator.steps
    names = xmile_names(model)
    months, rest = divmod(len(frame) - 1, steps)
    if rest or months < 1:
        raise DataError(f"{len(frame)} rows are not whole months of {steps} steps and the end of the last")
    columns = {str(name).strip('"').replace(" ", "_").lower(): j for j, name in enumerate(frame.columns)}
    found: dict[str, Floats] = {}
    for name in keep:
        missing = [one for one in names[name] if one.lower() not in columns]
        if missing:
            raise DataError(f"{missing[0]}: not among the results")
        values = frame.iloc[:, [columns[one.lower()] for one in names[name]]].to_numpy(float)
        if model.variables[name].kind in ("stock", "level"):
            monthly = values[steps::steps]
        else:
            monthly = values[:-1].reshape(months, steps, -1).mean(axis=1)
        found[name] = monthly if model.variables[name].over else monthly[:, 0]
    return found


# ---- declarations


def declarations(built: CorridorModel) -> dict[str, Any]:
    """Return every declaration of a model, ready for JSON.

    Each variable has what `describe` says of it and, if it has an equation, `arguments` (the names that the equation
    asks for) and `tree` (see `tree`); a level has `initial`, the name of the variable that it starts at.
    """
    model, rows = built.model, []
    for row in catalogue(built):
        variable = model.variables[row["name"]]
        if variable.equation is not None:
            row |= {"arguments": list(variable.depends), "tree": tree(variable.tree())}
        rows.append(row | ({"initial": variable.initial} if variable.initial else {}))
    return {
        "model": model.name,
        "steps_per_month": built.simulator.steps,
        "dimensions": {name: list(members) for name, members in model.dimensions.items()},
        "variables": rows,
    }


def export(
    corridor: str | None,
    as_of: str | date | None,
    months: int,
    settings: Sequence[Setting],
    draw: int,
    out: Path,
    form: Format = "xmile",
    draws: int = 1000,
    seed: int = 1,
) -> None:
    """Write the model to a file, whole or not at all.

    As XMILE it is one draw of a projection, with its levers and its chance events: draw `draw` of
    `acuerdo project` with the same day, months, settings, draws and seed. As JSON it is the declarations.

    Args:
        corridor: name of the corridor.
        as_of: day, month (its last day) or None for everything in the snapshot.
        months: months ahead, from the month after the as-of month.
        settings: lever settings; none for what is in force.
        draw: number of the draw, from 0.
        out: the file to write.
        form: `xmile` or `json`.
        draws: number of draws of the projection.
        seed: seed of the projection.

    Raises:
        InputError: an argument is not valid.
        DataError: the snapshot, the model or a file is damaged.
    """
    from acuerdo.files import write_whole

    if form == "json":
        declared = json.dumps(declarations(load_model(corridor)), ensure_ascii=False, indent=1, allow_nan=False)
        write_whole(out, f"{declared}\n")
        return
    if form != "xmile":
        raise InputError("format", form, "xmile, json", "xmile")
    write_whole(out, _projected(corridor, as_of, months, settings, draw, draws, seed))


def _projected(
    corridor: str | None,
    as_of: str | date | None,
    months: int,
    settings: Sequence[Setting],
    draw: int,
    draws: int,
    seed: int,
) -> str:
    from acuerdo import projection

    projection.whole("draw", draw, 0, draws - 1)
    projector = projection.make_projector(as_of, months, draws, seed, corridor, dtype=np.float64)
    inputs = projector.inputs(settings)
    made = "; ".join(f"{s.lever}={s.value:g}" + (f"@{s.start}" if s.start else "") for s in settings) or "none"
    note = f"As of {projector.posterior.day or 'latest'}; draw {draw} of {draws}, seed {seed}; settings: {made}."
    if projector.posterior.notes.get("provisional", 1):
        note += " The calibration is provisional."
    state = projector.posterior.state
    return to_xmile(projector.built, projector.parameters, state, inputs, projector.months, draw=draw, note=note)


__all__ = [
    "declarations",
    "export",
    "from_frame",
    "run_pysd",
    "run_simlin",
    "to_xmile",
    "tree",
    "unit_text",
    "write_xmile",
    "xmile_names",
]
