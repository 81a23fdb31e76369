"""Equations as trees: the symbolic reading of the same Python function that computes with arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

Operand = Union["Expr", float, int]


class Expr:
    """A node of an equation. Arithmetic on nodes builds larger trees; nothing is computed."""

    def __add__(self, other: Operand) -> Expr:
        return Call("add", (self, wrap(other)))

    def __radd__(self, other: Operand) -> Expr:
        return Call("add", (wrap(other), self))

    def __sub__(self, other: Operand) -> Expr:
        return Call("sub", (self, wrap(other)))

    def __rsub__(self, other: Operand) -> Expr:
        return Call("sub", (wrap(other), self))

    def __mul__(self, other: Operand) -> Expr:
        return Call("mul", (self, wrap(other)))

    def __rmul__(self, other: Operand) -> Expr:
        return Call("mul", (wrap(other), self))

    def __truediv__(self, other: Operand) -> Expr:
        return Call("div", (self, wrap(other)))

    def __rtruediv__(self, other: Operand) -> Expr:
        return Call("div", (wrap(other), self))

    def __pow__(self, other: Operand) -> Expr:
        return Call("pow", (self, wrap(other)))

    def __neg__(self) -> Expr:
        return Call("sub", (Const(0.0), self))

    def __bool__(self) -> bool:
        raise TypeError("an equation may not branch on a value: use minimum, maximum, clip or ratio")


@dataclass(frozen=True, eq=False)
class Var(Expr):
    """A variable of the model, by name."""

    name: str


@dataclass(frozen=True, eq=False)
class Const(Expr):
    """A number, with a unit if it has one."""

    value: float
    unit: str | None = None


@dataclass(frozen=True, eq=False)
class Call(Expr):
    """An operation on other nodes; `over` names the dimension of a total."""

    op: str
    args: tuple[Expr, ...]
    over: str | None = None


def wrap(value: Operand) -> Expr:
    """Turn a plain number into a node."""
    return value if isinstance(value, Expr) else Const(float(value))
