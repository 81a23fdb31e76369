"""Which way one variable pushes another: the sign of a partial derivative, by reasoning on the tree of an equation.

Nothing is sampled. A derivative is taken on the tree, and its sign follows from the range that each name can have: a
stock and a flow are never negative, a parameter lies between the 5 % and 95 % points of its prior, and a lever in its
range. Where terms of both signs are left after cancelling, the sign is not known and is called "?".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Literal, NamedTuple

from acuerdo.engine.declare import TIME_STEP, Variable
from acuerdo.engine.expr import Call, Const, Expr, Var
from acuerdo.engine.load import SEASON, CorridorModel
from acuerdo.engine.mathematics import names, same, text, tidy
from acuerdo.engine.priors import Number, Parameter

Polarity = Literal["+", "-", "?", "0"]
_MOST_TERMS = 400  # an expansion longer than this is not tried


class Range(NamedTuple):
    """Lowest and highest value that something can have."""

    low: float
    high: float


_ANY, _POSITIVE = Range(-math.inf, math.inf), Range(0.0, math.inf)


# ---- ranges of values


def ranges(built: CorridorModel) -> dict[str, Range]:
    """Return the range of every variable of a model.

    A level is held to the range of where it starts and of what it tends to, where its rate has that form; otherwise it
    is taken to stay on the side of zero where it starts.
    """
    model = built.model
    known: dict[str, Range] = {TIME_STEP: Range(0.0, 1.0)}
    for variable in model.variables.values():
        known[variable.name] = _given(built, variable)
    levels = model.of_kind("level")
    for level in levels:
        known[level.name] = _side(known[level.initial or level.name])
    for _ in range(2):  # the second time, levels have the range of what they tend to
        for name in model.order:
            found = bounds(model.variables[name].tree(), known, _sizes(built))
            if model.variables[name].kind == "flow":
                found = Range(max(found.low, 0.0), max(found.high, 0.0))
            known[name] = found
        for level in levels:
            aim = _aim(level.tree(), level.name, known)
            if aim is not None and level.initial is not None:
                known[level.name] = _hull([known[level.initial], bounds(aim, known, _sizes(built))])
    return known


def _sizes(built: CorridorModel) -> dict[str, int]:
    return {name: len(members) for name, members in built.model.dimensions.items()}


def _given(built: CorridorModel, variable: Variable) -> Range:
    if variable.kind == "parameter":
        found = points(built.parameters[variable.name], built.members(variable.over)).values()
        return _hull([Range(low, high) for low, _, high in found])
    if variable.kind == "lever":
        lever = built.lever_of(variable.name)
        assert lever is not None
        low, high = lever.range
        return Range(low if variable.over is None else min(low, 0.0), high)
    if variable.kind in ("stock", "flow"):
        return _POSITIVE
    return Range(-1.0, 1.0) if variable.name in SEASON else _ANY


def points(parameter: Parameter, members: Sequence[str] = ()) -> dict[str, tuple[float, float, float]]:
    """Return the 5 %, 50 % and 95 % points of a prior by member of its dimension, or under "" if it has none."""
    prior = parameter.prior

    def of(number: Number | None, member: str) -> float:
        assert number is not None
        return float(number[member] if isinstance(number, dict) else number)

    found = {}
    for member in members or ("",):
        median = of(prior.median, member)
        if prior.dist == "fixed":
            found[member] = (median, median, median)
        elif prior.times is not None:
            found[member] = (median / prior.times, median, median * prior.times)
        else:
            found[member] = (of(prior.low, member), median, of(prior.high, member))
    return found


def _side(of: Range) -> Range:
    """Return the side of zero on which a range lies."""
    if of.low >= 0:
        return _POSITIVE
    return Range(-math.inf, 0.0) if of.high <= 0 else _ANY


def _hull(parts: Iterable[Range]) -> Range:
    low, high = zip(*parts, strict=True)
    return Range(min(low), max(high))


def _aim(node: Expr, name: str, known: Mapping[str, Range]) -> Expr | None:
    """Return what a level tends to, if its rate is (aim - level) times something that is not negative."""
    node = tidy(node)
    while isinstance(node, Call) and node.op in ("mul", "div"):
        first, second = node.args
        if name in names(second):
            first, second = second, first
            if node.op == "div":
                return None
        if bounds(second, known).low < 0:
            return None
        node = first
    if isinstance(node, Call) and node.op == "sub" and isinstance(node.args[1], Var) and node.args[1].name == name:
        return node.args[0] if name not in names(node.args[0]) else None
    return None


def bounds(node: Expr, known: Mapping[str, Range], sizes: Mapping[str, int] | None = None) -> Range:
    """Return the range of a tree from the ranges of its names (interval arithmetic)."""
    if isinstance(node, Var):
        return known[node.name]
    if isinstance(node, Const):
        return Range(node.value, node.value)
    assert isinstance(node, Call)
    args = [bounds(arg, known, sizes) for arg in node.args]
    a, b = args[0], args[-1]
    mixed = _mixture(node, known)
    if mixed is not None:
        return _hull([bounds(part, known, sizes) for part in mixed])
    if node.op == "neg":
        return Range(-a.high, -a.low)
    if node.op == "add":
        return Range(a.low + b.low, a.high + b.high)
    if node.op == "sub":
        return Range(a.low - b.high, a.high - b.low)
    if node.op == "mul":
        return _hull([Range(x, x) for x in (_times(p, q) for p, q in product(a, b))])
    cap = _smooth_cap(node)
    if cap is not None and a.low >= 0:
        return Range(0.0, min(a.high, cap))
    if node.op in ("div", "ratio"):
        found = _quotient(a, b, zero=node.op == "ratio")
        if a.low >= 0 and _is_share(node, known, sizes):
            found = Range(max(found.low, 0.0), min(found.high, 1.0))
        return found
    if node.op == "exp":
        return Range(_exp(a.low), _exp(a.high))
    if node.op == "log":
        return Range(_log(a.low), _log(a.high))
    if node.op == "min":
        return Range(min(a.low, b.low), min(a.high, b.high))
    if node.op == "max":
        return Range(max(a.low, b.low), max(a.high, b.high))
    if node.op == "pow":
        base = Range(_log(max(a.low, 0.0)), _log(max(a.high, 0.0)))
        powers = [_times(p, q) for p, q in product(base, b)]
        return Range(_exp(min(powers)), _exp(max(powers)))
    if node.op == "total":
        count = (sizes or {}).get(node.over or "", 1)
        return Range(_times(a.low, count), _times(a.high, count))
    return _hull(args)  # either one or the other


def _mixture(node: Call, known: Mapping[str, Range]) -> tuple[Expr, Expr] | None:
    """Return x and y of s * x + (1 - s) * y, if that is the form of a tree and s is a share."""
    if node.op != "add" or not all(isinstance(arg, Call) and arg.op == "mul" for arg in node.args):
        return None
    (s, x), (rest, y) = (arg.args for arg in node.args if isinstance(arg, Call))
    whole = isinstance(rest, Call) and rest.op == "sub" and same(rest.args[0], Const(1.0)) and same(rest.args[1], s)
    if not whole:
        return None
    share = bounds(s, known)
    return (x, y) if share.low >= 0 and share.high <= 1 else None


def _is_share(node: Call, known: Mapping[str, Range], sizes: Mapping[str, int] | None) -> bool:
    """Tell whether a tree is a / (a + b) with a `b` that is never negative."""
    a, whole = node.args
    if not (isinstance(whole, Call) and whole.op == "add"):
        return False
    one, other = whole.args
    rest = other if same(a, one) else one if same(a, other) else None
    return rest is not None and bounds(rest, known, sizes).low >= 0


def _times(a: float, b: float) -> float:
    return 0.0 if a == 0 or b == 0 else a * b


def _exp(x: float) -> float:
    return math.exp(x) if x < 700 else math.inf


def _log(x: float) -> float:
    return -math.inf if x <= 0 else math.log(x)


def _quotient(a: Range, b: Range, zero: bool) -> Range:
    if b.low < 0 < b.high:
        return _ANY
    low = math.copysign(math.inf, 1) if b.low == 0 else 1 / b.low
    high = -math.inf if b.high == 0 and b.low < 0 else (math.inf if b.high == 0 else 1 / b.high)
    found = _hull([Range(x, x) for x in (_times(p, q) for p, q in product(a, (low, high)))])
    return _hull([found, Range(0.0, 0.0)]) if zero else found


# ---- derivatives


def derivative(node: Expr, name: str) -> Expr:
    """Return the derivative of a tree by one of its names; `either` stands for a choice between two."""
    return tidy(_derive(tidy(node), name))


def _derive(node: Expr, name: str) -> Expr:
    if isinstance(node, Var):
        return Const(1.0 if node.name == name else 0.0)
    if isinstance(node, Const) or name not in names(node):
        return Const(0.0)
    assert isinstance(node, Call)
    a, b = node.args[0], node.args[-1]
    da, db = _derive(a, name), _derive(b, name)
    if _softly_held(node):
        return Call("either", (da, _derive(_numerator(node), name)))  # it grows with both
    if _smooth_cap(node) is not None:
        return da  # it grows with what is held
    if node.op in ("add", "sub"):
        return Call(node.op, (da, db))
    if node.op == "neg":
        return Call("neg", (da,))
    if node.op == "mul":
        return _plus(_by(da, b), _by(a, db))
    if node.op in ("div", "ratio"):
        return Call("div", (_less(_by(da, b), _by(a, db)), Call("mul", (b, b))))
    if node.op == "exp":
        return _by(node, da)
    if node.op == "log":
        return Call("div", (da, a))
    if node.op == "pow":
        by_base = _by(_by(b, Call("div", (node, a))), da)
        return _plus(by_base, _by(_by(node, Call("log", (a,))), db))
    if node.op == "total":
        return Call("total", (da,), node.over)
    return Call("either", (da, db))  # min, max


def _softly_held(node: Call) -> bool:
    """Tell whether a tree is x * (1 - exp(-c / x)): nearly the smaller of x and c, and it grows with both."""
    if node.op != "mul":
        return False
    x, rest = node.args
    if not (isinstance(rest, Call) and rest.op == "sub" and same(rest.args[0], Const(1.0))):
        return False
    fall = rest.args[1]
    if not (isinstance(fall, Call) and fall.op == "exp" and isinstance(fall.args[0], Call)):
        return False
    minus = fall.args[0]
    share = minus.args[0] if minus.op == "neg" else None
    return isinstance(share, Call) and share.op in ("div", "ratio") and same(share.args[1], x)


def _smooth_cap(node: Call) -> float | None:
    """Return the c of x / (1 + (x / c) ** n) ** (1 / n), which for positive x grows with x and stays below c."""
    if node.op != "div" or not (isinstance(node.args[1], Call) and node.args[1].op == "pow"):
        return None
    whole, root = node.args[1].args
    if not (isinstance(whole, Call) and whole.op == "add" and same(whole.args[0], Const(1.0))):
        return None
    raised = whole.args[1]
    if not (isinstance(raised, Call) and raised.op == "pow" and isinstance(raised.args[0], Call)):
        return None
    part, power = raised.args
    if not (isinstance(part, Call) and part.op == "div" and same(part.args[0], node.args[0])):
        return None
    numbers = [one.value for one in (part.args[1], power, root) if isinstance(one, Const) and one.value > 0]
    if len(numbers) < 3 or not math.isclose(numbers[1] * numbers[2], 1.0):
        return None
    return numbers[0]


def _numerator(node: Call) -> Expr:
    """Return the c of x * (1 - exp(-c / x))."""
    at: Expr = node
    for index in (1, 1, 0, 0, 0):
        assert isinstance(at, Call)
        at = at.args[index]
    return at


def _zero(node: Expr) -> bool:
    return isinstance(node, Const) and node.value == 0


def _by(a: Expr, b: Expr) -> Expr:
    return Const(0.0) if _zero(a) or _zero(b) else Call("mul", (a, b))


def _plus(a: Expr, b: Expr) -> Expr:
    return b if _zero(a) else a if _zero(b) else Call("add", (a, b))


def _less(a: Expr, b: Expr) -> Expr:
    return a if _zero(b) else Call("sub", (a, b))


# ---- signs


def sign(node: Expr, known: Mapping[str, Range]) -> int | None:
    """Return 1 where a tree is never negative, -1 where it is never positive, 0 where it is zero, None otherwise."""
    found = _sign_of(bounds(node, known))
    if found is not None or not isinstance(node, Call):
        return found
    signs = [sign(arg, known) for arg in node.args]
    if node.op in ("mul", "div", "ratio"):
        return 0 if 0 in signs else None if None in signs else math.prod(s for s in signs if s is not None)
    if node.op == "neg":
        return None if signs[0] is None else -signs[0]
    if node.op in ("total", "either"):
        return _agree(signs)
    if node.op in ("add", "sub"):
        second = signs[1] if node.op == "add" or signs[1] is None else -signs[1]
        found = _agree([signs[0], second])
        return found if found is not None else _after_cancelling(node, known)
    return None


def _sign_of(found: Range) -> int | None:
    if found.low == found.high == 0:
        return 0
    return 1 if found.low >= 0 else -1 if found.high <= 0 else None


def _agree(signs: Iterable[int | None]) -> int | None:
    different = set(signs) - {0}
    if not different:
        return 0
    return different.pop() if len(different) == 1 else None


_Term = tuple[tuple[str, int], ...]


def _after_cancelling(node: Expr, known: Mapping[str, Range]) -> int | None:
    """Return the sign of a sum written out as products of names, where equal terms cancel."""
    atoms: dict[str, Expr] = {}
    terms = _expand(node, atoms)
    if terms is None:
        return None
    signs: list[int | None] = []
    for term, factor in terms.items():
        found: int | None = 1 if factor > 0 else -1
        for atom, power in term:
            one = _sign_of(bounds(atoms[atom], known))
            if one is None and power % 2 == 0:
                one = 1
            found = None if found is None or one is None else found * (one if power % 2 else abs(one))
        signs.append(found)
    return _agree(signs)


def _expand(node: Expr, atoms: dict[str, Expr]) -> dict[_Term, float] | None:
    if isinstance(node, Const):
        return {(): node.value} if node.value else {}
    if isinstance(node, Call) and node.op in ("add", "sub", "neg", "mul", "div"):
        parts = [_expand(arg, atoms) for arg in node.args]
        first, last = parts[0], parts[-1]
        if first is None or last is None:
            return None
        if node.op == "neg":
            return {term: -factor for term, factor in first.items()}
        if node.op in ("add", "sub"):
            return _collect([(1.0, first), (1.0 if node.op == "add" else -1.0, last)])
        if node.op == "div":
            if len(last) != 1:
                last = {_atom(node.args[1], atoms): 1.0}
            last = {tuple((a, -p) for a, p in term): 1 / factor for term, factor in last.items()}
        if len(first) * len(last) > _MOST_TERMS:
            return None
        return _collect([(f * g, {_merge(s, t): 1.0}) for (s, f), (t, g) in product(first.items(), last.items())])
    return {_atom(node, atoms): 1.0}


def _atom(node: Expr, atoms: dict[str, Expr]) -> _Term:
    key = text(node)
    atoms[key] = node
    return ((key, 1),)


def _merge(one: _Term, other: _Term) -> _Term:
    powers = dict(one)
    for atom, power in other:
        powers[atom] = powers.get(atom, 0) + power
    return tuple(sorted((atom, power) for atom, power in powers.items() if power))


def _collect(parts: Iterable[tuple[float, Mapping[_Term, float]]]) -> dict[_Term, float]:
    found: dict[_Term, float] = {}
    for times, terms in parts:
        for term, factor in terms.items():
            found[term] = found.get(term, 0.0) + times * factor
    return {term: factor for term, factor in found.items() if abs(factor) > 1e-12}


def polarity(node: Expr, name: str, known: Mapping[str, Range]) -> Polarity:
    """Return which way a tree moves when one of its names rises: "+", "-", "0" (not at all) or "?" (it depends)."""
    found = sign(derivative(node, name), known)
    return "?" if found is None else "0" if found == 0 else "+" if found > 0 else "-"


def polarities(built: CorridorModel) -> dict[tuple[str, str], Polarity]:
    """Return the polarity of every link of a model, by (from, to).

    A flow raises the stock that it enters and lowers the one that it leaves. A level is moved by what raises its rate;
    its own part in that rate is left out, as is the length of a step.
    """
    known = ranges(built)
    found: dict[tuple[str, str], Polarity] = {}
    for variable in built.model.variables.values():
        if variable.equation is not None:
            tree = variable.tree()
            for name in variable.depends:
                if name not in (variable.name, TIME_STEP):
                    found[name, variable.name] = polarity(tree, name, known)
        if variable.initial is not None:
            found.setdefault((variable.initial, variable.name), "+")
        if variable.leaves is not None:
            found[variable.name, variable.leaves] = "-"
        if variable.enters is not None:
            found[variable.name, variable.enters] = "+"
    return found


__all__ = ["Polarity", "Range", "bounds", "derivative", "points", "polarities", "polarity", "ranges", "sign"]
