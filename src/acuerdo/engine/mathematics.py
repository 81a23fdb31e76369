"""Equations for people: one line of text with names, and LaTeX, from the tree of an equation."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from acuerdo.engine.declare import TIME_STEP, Model, Variable
from acuerdo.engine.expr import Call, Const, Expr, Var

Role = Literal["value", "asked", "rate", "change", "first", "path"]
WIDEST = 88  # characters of one line of LaTeX, as a reader sees them

# how tightly an operation binds; what binds less than its place asks for is put in brackets
_SUM, _SERIES, _PRODUCT, _POWER, _WHOLE = range(1, 6)
_TIGHT = {"add": _SUM, "sub": _SUM, "neg": _SUM, "mul": _PRODUCT, "div": _PRODUCT, "pow": _POWER}


@dataclass(frozen=True)
class Formula:
    """One equation of a variable, for people.

    Attributes:
        role: value (of an auxiliary), asked (by a flow), rate (of a level), change (of a stock), first (value of a
            stock or level), path (of a latent series).
        text: one line with the names of the model.
        latex: the same for a display of mathematics.
    """

    role: Role
    text: str
    latex: str


# ---- trees


def names(node: Expr) -> list[str]:
    """Return the variables that a tree holds, in order of appearance."""

    def walk(at: Expr) -> Iterator[str]:
        if isinstance(at, Var):
            yield at.name
        elif isinstance(at, Call):
            for arg in at.args:
                yield from walk(arg)

    return list(dict.fromkeys(walk(node)))


def same(one: Expr, other: Expr) -> bool:
    """Tell whether two trees are written alike."""
    if isinstance(one, Var) and isinstance(other, Var):
        return one.name == other.name
    if isinstance(one, Const) and isinstance(other, Const):
        return one.value == other.value and one.unit == other.unit
    if isinstance(one, Call) and isinstance(other, Call):
        alike = one.op == other.op and one.over == other.over and len(one.args) == len(other.args)
        return alike and all(same(a, b) for a, b in zip(one.args, other.args, strict=True))
    return False


def tidy(node: Expr) -> Expr:
    """Return a tree that means the same, without 0 + x and 1 * x, and with a minus sign as the operation `neg`."""
    if not isinstance(node, Call):
        if isinstance(node, Const) and (node.value < 0 or (node.value == 0 and math.copysign(1, node.value) < 0)):
            return Const(0.0) if node.value == 0 else _minus(Const(-node.value, node.unit))
        return node
    args = tuple(tidy(arg) for arg in node.args)
    op = node.op
    if op == "neg":
        return _minus(args[0])
    if op in ("add", "sub", "mul", "div"):
        left, right = args
        if op == "add" and _is(left, 0):
            return right
        if op in ("add", "sub") and _is(right, 0):
            return left
        if op == "sub" and _is(left, 0):
            return _minus(right)
        if op == "mul" and _is(left, 1):
            return right
        if op in ("mul", "div") and _is(right, 1):
            return left
        if op in ("mul", "div") and _op(left) == "neg":
            return _minus(Call(op, (_inner(left), right)))
        if op in ("add", "sub") and _op(right) == "neg":
            return Call("sub" if op == "add" else "add", (left, _inner(right)))
    return Call(op, args, node.over)


def _is(node: Expr, value: float) -> bool:
    return isinstance(node, Const) and node.value == value and node.unit is None


def _op(node: Expr) -> str:
    return node.op if isinstance(node, Call) else ""


def _inner(node: Expr) -> Expr:
    assert isinstance(node, Call)
    return node.args[0]


def _minus(node: Expr) -> Expr:
    return _inner(node) if _op(node) == "neg" else Call("neg", (node,))


# ---- text


def text(node: Expr) -> str:
    """Return a tree as one line of text, with brackets only where they are needed."""
    return _text(tidy(node), _SUM)


def number(value: float) -> str:
    """Return a number as short as it can be told ("0.1", "12000", "ln 2")."""
    if value == math.log(2):
        return "ln 2"
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return repr(float(value))


def _text(node: Expr, least: int) -> str:
    if isinstance(node, Var):
        return node.name
    if isinstance(node, Const):
        return number(node.value) + (f" {node.unit}" if node.unit else "")
    assert isinstance(node, Call)
    op, args = node.op, node.args
    if op == "total":
        return f"sum({_text(args[0], _SUM)}, over {node.over})"
    if op not in _TIGHT:
        return f"{op}({', '.join(_text(arg, _SUM) for arg in args)})"
    binds = _TIGHT[op]
    if op == "neg":
        body = f"-{_text(args[0], _PRODUCT)}"
    elif op == "pow":
        body = f"{_text(args[0], _WHOLE)}^{_text(args[1], _WHOLE)}"
    else:
        sign = {"add": " + ", "sub": " - ", "mul": " * ", "div": " / "}[op]
        right = _text(args[1], binds + 1 if op in ("sub", "div") else binds)
        body = _text(args[0], binds) + sign + right
    return f"({body})" if binds < least else body


# ---- LaTeX


def indices(dimensions: Mapping[str, object]) -> dict[str, str]:
    """Return a short index for each dimension: its first letters, as few as tell it from the others."""
    found: dict[str, str] = {}
    for name in dimensions:
        length = next(i for i in range(1, len(name) + 1) if name[:i] not in found.values() or i == len(name))
        found[name] = name[:length]
    return found


def symbol(name: str, index: str | None = None, mark: str = "") -> str:
    """Return the name of a variable in LaTeX, with the index of its dimension and a mark above if there is one."""
    if name == TIME_STEP:
        return r"\Delta t"
    return r"\mathrm{" + name.replace("_", r"\_") + "}" + (f"^{{{mark}}}" if mark else "") + _sub(index)


def _sub(index: str | None) -> str:
    return f"_{{{index}}}" if index else ""


@dataclass(frozen=True)
class _Setting:
    """What LaTeX needs to know of the model: dimension of each variable, index of each dimension, indices in use."""

    over: Mapping[str, str | None]
    index: Mapping[str, str]
    free: str | None = None

    def subscript(self, name: str) -> str | None:
        over = self.over.get(name)
        return self.index[over] if over else None

    def inside(self, dimension: str) -> _Setting:
        """Return the setting within a sum over a dimension: its index is another one if that letter is in use."""
        letter = self.index[dimension] + ("'" if dimension == self.free else "")
        return _Setting(self.over, {**self.index, dimension: letter}, self.free)


def latex(node: Expr, model: Model, free: str | None = None) -> str:
    """Return a tree as LaTeX.

    Args:
        node: the tree.
        model: gives the dimension of each name.
        free: the dimension over which the whole equation runs, if it has one.
    """
    return _latex(tidy(node), _SUM, _setting(model, free))


def _setting(model: Model, free: str | None) -> _Setting:
    return _Setting({v.name: v.over for v in model.variables.values()}, indices(model.dimensions), free)


def _latex_number(value: float) -> str:
    if value == math.log(2):
        return r"\ln 2"
    shown = number(value)
    if "e" in shown:
        digits, power = shown.split("e")
        return (f"{digits} \\cdot " if digits != "1" else "") + f"10^{{{int(power)}}}"
    whole, dot, part = shown.partition(".")
    return f"{int(whole):,}".replace(",", r"\,") + dot + part


def _function(op: str) -> str:
    return {"log": r"\ln"}.get(op, rf"\{op}" if op in ("exp", "min", "max") else rf"\operatorname{{{op}}}")


def _bracket(body: str) -> str:
    return rf"\left({body}\right)"


def _latex(node: Expr, least: int, at: _Setting) -> str:
    if isinstance(node, Var):
        return symbol(node.name, at.subscript(node.name))
    if isinstance(node, Const):
        return _latex_number(node.value) + (rf"\,\mathrm{{{node.unit}}}" if node.unit else "")
    assert isinstance(node, Call)
    op, args = node.op, node.args
    if op == "div":
        return rf"\frac{{{_latex(args[0], _SUM, at)}}}{{{_latex(args[1], _SUM, at)}}}"
    if op == "ratio":
        return rf"\left[\frac{{{_latex(args[0], _SUM, at)}}}{{{_latex(args[1], _SUM, at)}}}\right]_{{0}}"
    if op == "total":
        assert node.over is not None
        within = at.inside(node.over)
        body = rf"\sum_{{{within.index[node.over]}}} {_latex(args[0], _SERIES + 1, within)}"
        return _bracket(body) if least > _SERIES else body
    if op not in _TIGHT:
        return _function(op) + _bracket(r",\; ".join(_latex(arg, _SUM, at) for arg in args))
    binds = _TIGHT[op]
    if op == "neg":
        body = f"-{_latex(args[0], _SERIES + 1, at)}"
    elif op == "pow":
        base = args[0]
        plain = isinstance(base, Var) or (isinstance(base, Const) and base.value >= 0)
        start = _latex(base, _SUM, at)
        start = f"{{{start}}}" if plain else _bracket(start)
        body = f"{start}^{{{_latex(args[1], _SUM, at)}}}"
    elif op == "mul":
        right = args[1]
        end = _latex(right, _PRODUCT if least >= _PRODUCT else _SERIES, at)  # nothing follows a sum at the end
        body = rf"{_latex(args[0], _PRODUCT, at)} \cdot {end}"
    else:
        sign = {"add": " + ", "sub": " - "}[op]
        body = _latex(args[0], binds, at) + sign + _latex(args[1], binds + 1 if op == "sub" else binds, at)
    return _bracket(body) if binds < least else body


# ---- long equations on several lines


@dataclass(frozen=True)
class _Piece:
    sign: str
    body: str
    width: int

    def between(self, before: str, after: str) -> _Piece:
        return _Piece(self.sign, before + self.body + after, self.width + 3)


def _width(node: Expr, at: _Setting) -> int:
    """Return about how many characters wide a tree is when it is set."""
    if isinstance(node, Var):
        return len(node.name) + (1 if at.subscript(node.name) else 0)
    if isinstance(node, Const):
        return len(number(node.value))
    assert isinstance(node, Call)
    widths = [_width(arg, at) for arg in node.args]
    if node.op in ("div", "ratio"):
        return max(widths) + 2
    if node.op == "pow":
        return widths[0] + widths[1] // 2 + 2
    return sum(widths) + 3 * (len(widths) - 1) + (0 if node.op in ("add", "sub", "mul") else 5)


def _pieces(node: Expr, at: _Setting, room: int, least: int = _SUM, sign: str = "") -> list[_Piece]:
    """Cut a tree where a line may end; what fits the room is left whole, except the terms of the whole equation."""
    op, wide = _op(node), _width(node, at) > room
    if not isinstance(node, Call) or not (wide or (op in ("add", "sub") and least <= _SUM)):
        return [_Piece(sign, _latex(node, least, at), _width(node, at) + 3)]
    args, open_, close = node.args, "", ""
    if op in ("add", "sub"):
        if least > _SUM:
            open_, close = rf"{_size(node)}l(", rf"{_size(node)}r)"
        end = _pieces(args[1], at, room, _SUM + 1 if op == "sub" else _SUM, "+" if op == "add" else "-")
        found = [*_pieces(args[0], at, room, _SUM, "" if open_ else sign), *end]
    elif op == "mul" and _op(args[1]) != "neg":
        end = _pieces(args[1], at, room, _SERIES if least < _PRODUCT else _PRODUCT, r"\cdot")
        found = [*_pieces(args[0], at, room, _PRODUCT, sign), *end]
    elif op in ("exp", "log", "min", "max"):
        open_, close = rf"{_function(op)}{_size(node)}l(", rf"{_size(node)}r)"
        found = []
        for i, arg in enumerate(args):
            part = _pieces(arg, at, room, _SUM)
            if i + 1 < len(args):
                part[-1] = part[-1].between("", r",\;")
            found += part
    else:
        return [_Piece(sign, _latex(node, least, at), _width(node, at) + 3)]
    if open_:
        found[0] = found[0].between(open_, "")
        found[0] = _Piece(sign, f"{found[0].sign} {found[0].body}".strip(), found[0].width)
        found[-1] = found[-1].between("", close)
    return found


def _size(node: Expr) -> str:
    """Return the size of brackets whose content is cut: larger around a fraction."""
    return r"\Big" if any(op in ("div", "ratio", "total") for op in _operations(node)) else r"\big"


def _operations(node: Expr) -> Iterator[str]:
    if isinstance(node, Call):
        yield node.op
        for arg in node.args:
            yield from _operations(arg)


def _lines(left: str, node: Expr, at: _Setting, used: int) -> str:
    """Set `left = node`, on several lines where one would be too wide."""
    node = tidy(node)
    if used + _width(node, at) <= WIDEST:
        return f"{left} = {_latex(node, _SUM, at)}"
    lines, width = [""], 0
    for piece in _pieces(node, at, WIDEST - 8):
        if lines[-1] and width + piece.width > WIDEST - 8:
            lines.append("")
            width = 0
        width += piece.width
        lines[-1] += f" {piece.sign} {piece.body}" if piece.sign else f" {piece.body}"
    first, *rest = (line.strip() for line in lines)
    more = "".join(rf" \\ &\qquad {line}" for line in rest)
    return rf"\begin{{aligned}} & {left} \\ &\quad = {first}{more} \end{{aligned}}"


# ---- the equations of a variable


def formulas(model: Model, name: str) -> list[Formula]:
    """Return the equations of a variable; a lever, a parameter or a given series has none.

    A stock and a level have two: how it changes, and its first value.
    """
    variable = model.variables[name]
    at = _setting(model, variable.over)
    index = at.subscript(name)
    plain = symbol(name, index)
    if variable.kind == "process":
        return [_path(model, variable, index)]
    if variable.kind == "stock":
        return [_change(model, variable, at), _first(name, plain, variable.tree(), at)]
    if variable.equation is None:
        return []
    tree = variable.tree()
    if variable.kind == "level":
        assert variable.initial is not None
        rate = rf"\frac{{d}}{{dt}}\,{plain}"
        return [
            Formula("rate", f"d({name})/dt = {text(tree)}", _lines(rate, tree, at, len(name) + 4)),
            _first(name, plain, Var(variable.initial), at),
        ]
    if variable.kind == "flow":
        left = symbol(name, index, r"\mathrm{asked}")
        return [Formula("asked", f"{name}[asked] = {text(tree)}", _lines(left, tree, at, len(name) + 5))]
    return [Formula("value", f"{name} = {text(tree)}", _lines(plain, tree, at, len(name)))]


def _first(name: str, plain: str, tree: Expr, at: _Setting) -> Formula:
    return Formula("first", f"{name}(0) = {text(tree)}", _lines(f"{plain}(0)", tree, at, len(name) + 3))


def _change(model: Model, variable: Variable, at: _Setting) -> Formula:
    """Return the change of a stock: what enters less what leaves, by the declared flows."""
    tree: Expr = Const(0.0)
    for flow in model.flows(enters=variable.name):
        tree = tree + Var(flow.name)
    for flow in model.flows(leaves=variable.name):
        tree = tree - Var(flow.name)
    left = rf"\frac{{d}}{{dt}}\,{symbol(variable.name, at.subscript(variable.name))}"
    size = len(variable.name) + 4
    return Formula("change", f"d({variable.name})/dt = {text(tree)}", _lines(left, tree, at, size))


def _path(model: Model, variable: Variable, index: str | None) -> Formula:
    """Return the path of a latent series: what is kept of the month before, and a shock."""
    name, kept, spread = variable.name, f"{variable.name}_persistence", f"{variable.name}_sd"
    at = _setting(model, variable.over)
    plain = symbol(name, index)
    return Formula(
        "path",
        f"{name}(t) = {kept} * {name}(t - 1) + {spread} * shock(t)",
        rf"{plain}(t) = {symbol(kept, at.subscript(kept))} \cdot {plain}(t - 1)"
        rf" + {symbol(spread, at.subscript(spread))} \cdot \varepsilon{_sub(index)}(t)",
    )


__all__ = ["Formula", "Role", "formulas", "indices", "latex", "names", "number", "same", "symbol", "text", "tidy"]
