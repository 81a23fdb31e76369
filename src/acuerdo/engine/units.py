"""Unit and dimension check of every equation, on its tree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import pint

from acuerdo.engine.declare import TIME_STEP, Model, Variable
from acuerdo.engine.expr import Call, Const, Expr, Var
from acuerdo.errors import DataError

# things that are counted, each a base unit of its own so that people are never added to crossings
_COUNTED = ("person", "event", "case", "truck", "kit", "appointment", "operation", "listing", "opening", "USD", "MXN")


@cache
def registry() -> pint.UnitRegistry[float]:
    """Return the unit registry: pint's, with counted things and money as base units."""
    units: pint.UnitRegistry[float] = pint.UnitRegistry()
    for name in _COUNTED:
        units.define(f"{name} = [{name}]")
    return units


def parse(unit: str) -> pint.Unit:
    """Return the unit that a string names; "1" is no unit.

    Raises:
        DataError: there is no such unit.
    """
    try:
        return registry().Unit("" if unit == "1" else unit)
    except Exception as problem:  # pint raises several unrelated classes here
        raise DataError(f"unit {unit!r} is not known") from problem


def _same(one: pint.Unit, other: pint.Unit) -> bool:
    between = registry().Quantity(1.0, one / other).to_base_units()
    return bool(between.dimensionless) and abs(float(between.magnitude) - 1.0) < 1e-9


@dataclass(frozen=True)
class _Kind:
    unit: pint.Unit | None  # None: the number 0, which has any unit
    over: str | None


def _join(left: _Kind, right: _Kind, where: str) -> str | None:
    if left.over and right.over and left.over != right.over:
        raise DataError(f"{where}: mixes the dimensions {left.over} and {right.over}")
    return left.over or right.over


def _infer(node: Expr, kinds: Mapping[str, _Kind], where: str) -> _Kind:
    none = registry().Unit("")
    if isinstance(node, Var):
        return kinds[node.name]
    if isinstance(node, Const):
        return _Kind(None if node.value == 0 else none, None)
    assert isinstance(node, Call)
    args = [_infer(arg, kinds, where) for arg in node.args]
    if node.op == "total":
        if args[0].over != node.over:
            raise DataError(f"{where}: total over {node.over} of something that runs over {args[0].over}")
        return _Kind(args[0].unit, None)
    if node.op in ("exp", "log"):
        if args[0].unit is not None and not _same(args[0].unit, none):
            raise DataError(f"{where}: {node.op} of a quantity in {args[0].unit:~P}")
        return _Kind(none, args[0].over)
    left, right = args
    over = _join(left, right, where)
    lu, ru = left.unit, right.unit
    if node.op in ("add", "sub", "min", "max"):
        if lu is not None and ru is not None and not _same(lu, ru):
            raise DataError(f"{where}: {node.op} of {lu:~P} and {ru:~P}")
        return _Kind(lu if lu is not None else ru, over)
    lu, ru = lu if lu is not None else none, ru if ru is not None else none
    if node.op == "mul":
        return _Kind(lu * ru, over)
    if node.op in ("div", "ratio"):
        return _Kind(lu / ru, over)
    if node.op == "pow":
        exponent = node.args[1]
        if isinstance(exponent, Const):
            return _Kind(registry().Unit(lu**exponent.value), over)
        if not (_same(lu, none) and _same(ru, none)):
            raise DataError(f"{where}: power of {lu:~P} to {ru:~P}")
        return _Kind(none, over)
    raise DataError(f"{where}: unknown operation {node.op}")


def _expected(variable: Variable) -> pint.Unit:
    unit = parse(variable.unit)
    return unit / registry().Unit("month") if variable.kind == "level" else unit


def check(model: Model) -> None:
    """Check unit and dimension of every equation of a model.

    Raises:
        DataError: names the first equation that does not balance, with what it gives and what was declared.
    """
    kinds = {v.name: _Kind(parse(v.unit), v.over) for v in model.variables.values()}
    kinds[TIME_STEP] = _Kind(registry().Unit("month"), None)
    month = registry().Unit("month")
    for variable in model.variables.values():
        for end in filter(None, (variable.leaves, variable.enters)):
            per_month = parse(model.variables[end].unit) / month
            if not _same(parse(variable.unit), per_month):
                raise DataError(f"{variable.name}: flows in {variable.unit}, but {end} needs {per_month:~P}")
        if variable.initial and not _same(parse(variable.unit), parse(model.variables[variable.initial].unit)):
            raise DataError(f"{variable.name}: first value {variable.initial} has another unit")
        if variable.equation is None:
            continue
        found = _infer(variable.tree(), kinds, variable.name)
        expected = _expected(variable)
        if found.unit is not None and not _same(found.unit, expected):
            raise DataError(f"{variable.name}: declared in {expected:~P}, but the equation gives {found.unit:~P}")
        same = found.over == variable.over or (found.over is None and variable.kind in ("stock", "level"))
        if not same:
            raise DataError(f"{variable.name}: declared over {variable.over}, but the equation runs over {found.over}")
