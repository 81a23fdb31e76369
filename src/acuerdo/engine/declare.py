"""Declarations: every variable of a model is declared once, as a function whose arguments are what it depends on."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from acuerdo.engine.expr import Expr, Var, wrap
from acuerdo.errors import DataError, nearest_name

Kind = Literal["parameter", "process", "input", "lever", "stock", "level", "flow", "aux"]
Equation = Callable[..., Any]

TIME_STEP = "time_step"
"""Reserved name that an equation may ask for: the length of one step, in months."""


@dataclass(frozen=True)
class Variable:
    """One variable of a model.

    Attributes:
        name: unique name; other equations ask for it by this name.
        kind: stock (conserved; changed only by flows), level (information; changed by its own rate), flow (moves a
            quantity between stocks or across the boundary), aux (computed at once), lever (set by a scenario),
            parameter (a draw from the posterior), process (a latent series), input (a given series).
        unit: pint unit string.
        over: name of the dimension it has, or None.
        meaning: what it is, in English; other languages are in the corridor's texts.
        source: where the equation or value comes from, or "assumption".
        sector: the sector that declares it.
        equation: for aux and flow the value; for a level its rate of change a month; for a stock its first value.
        depends: names of the equation's arguments.
        leaves: for a flow, the stock it leaves, or None for the boundary.
        enters: for a flow, the stock it enters, or None for the boundary.
        initial: for a level, the name of the variable that gives its first value.
    """

    name: str
    kind: Kind
    unit: str
    over: str | None
    meaning: str
    source: str
    sector: str
    equation: Equation | None = None
    depends: tuple[str, ...] = ()
    leaves: str | None = None
    enters: str | None = None
    initial: str | None = None

    def tree(self) -> Expr:
        """Return the equation as a tree over the names it depends on.

        Raises:
            DataError: the variable has no equation.
        """
        if self.equation is None:
            raise DataError(f"{self.name}: a {self.kind} has no equation")
        return wrap(self.equation(*(Var(name) for name in self.depends)))


class Sector:
    """Collects the declarations of one part of a model."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.variables: list[Variable] = []

    def _add(self, kind: Kind, unit: str, over: str | None, source: str, **more: Any) -> Callable[[Equation], Equation]:
        def register(equation: Equation) -> Equation:
            meaning = (inspect.getdoc(equation) or "").strip().split("\n")[0]
            depends = tuple(inspect.signature(equation).parameters)
            name = equation.__name__
            self.variables.append(
                Variable(name, kind, unit, over, meaning, source, self.name, equation, depends, **more)
            )
            return equation

        return register

    def aux(self, unit: str, *, over: str | None = None, source: str = "definition") -> Callable[[Equation], Equation]:
        """Declare a variable that is computed at once from others."""
        return self._add("aux", unit, over, source)

    def flow(
        self, unit: str, *, leaves: str | None = None, enters: str | None = None, over: str | None = None, source: str
    ) -> Callable[[Equation], Equation]:
        """Declare a flow: what its equation asks for is moved, as far as the stock it leaves can give it."""
        return self._add("flow", unit, over, source, leaves=leaves, enters=enters)

    def stock(self, unit: str, *, over: str | None = None, source: str) -> Callable[[Equation], Equation]:
        """Declare a stock; the function gives its first value from parameters."""
        return self._add("stock", unit, over, source)

    def level(self, unit: str, *, initial: str, over: str | None = None, source: str) -> Callable[[Equation], Equation]:
        """Declare an information level; the function gives its rate of change a month."""
        return self._add("level", unit, over, source, initial=initial)


@dataclass
class Model:
    """A checked set of variables.

    Attributes:
        name: the model's name.
        dimensions: for each dimension its members, in order.
        variables: by name, in order of declaration.
        order: names of aux and flow variables in the order they can be computed.
    """

    name: str
    dimensions: Mapping[str, tuple[str, ...]]
    variables: dict[str, Variable]
    order: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._check_names()
        self.order = self._sort()

    def of_kind(self, *kinds: Kind) -> list[Variable]:
        """Return the variables of these kinds, in order of declaration."""
        return [variable for variable in self.variables.values() if variable.kind in kinds]

    def flows(self, *, leaves: str | None = None, enters: str | None = None) -> list[Variable]:
        """Return the flows that leave or enter a stock."""
        return [
            flow
            for flow in self.of_kind("flow")
            if (leaves is not None and flow.leaves == leaves) or (enters is not None and flow.enters == enters)
        ]

    def used_by(self, name: str) -> list[str]:
        """Return the names of variables whose equation asks for `name`."""
        return [v.name for v in self.variables.values() if name in v.depends or v.initial == name]

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a variable without the draws axis."""
        over = self.variables[name].over
        return (len(self.dimensions[over]),) if over else ()

    def _check_names(self) -> None:
        known = set(self.variables) | {TIME_STEP}
        for variable in self.variables.values():
            if not variable.meaning or not variable.unit or not variable.source:
                raise DataError(f"{variable.name}: unit, meaning and source (or the word assumption) are required")
            if variable.over is not None and variable.over not in self.dimensions:
                raise DataError(f"{variable.name}: no dimension {variable.over!r}; there are {list(self.dimensions)}")
            for need in (*variable.depends, *filter(None, (variable.initial, variable.leaves, variable.enters))):
                if need not in known:
                    raise DataError(
                        f"{variable.name}: depends on unknown {need!r}; nearest: {nearest_name(need, known)}"
                    )
            for end in filter(None, (variable.leaves, variable.enters)):
                stock = self.variables[end]
                if stock.kind != "stock":
                    raise DataError(
                        f"{variable.name}: a flow ends at a stock or the boundary, not at the {stock.kind} {end}"
                    )
                if stock.over != variable.over:
                    raise DataError(f"{variable.name}: runs over {variable.over}, but {end} runs over {stock.over}")
            if variable.kind == "stock":
                wrong = [n for n in variable.depends if n == TIME_STEP or self.variables[n].kind != "parameter"]
                if wrong:
                    raise DataError(f"{variable.name}: a first value depends on parameters only, not on {wrong}")
            if variable.initial is not None:
                first = self.variables[variable.initial]
                if first.kind not in ("parameter", "lever", "input", "process"):
                    raise DataError(
                        f"{variable.name}: starts at a parameter or an input, not at the {first.kind} {first.name}"
                    )
                if first.over not in (None, variable.over):
                    raise DataError(f"{variable.name}: runs over {variable.over}, but {first.name} over {first.over}")

    def needs(self, name: str) -> list[str]:
        """Return the aux and flow variables that must be known before `name` at one instant.

        A flow also waits for what every flow out of the same stock asks for, since they share what the stock can give.
        """
        variable = self.variables[name]
        wanted = list(variable.depends)
        if variable.kind == "flow" and variable.leaves:
            wanted += [need for flow in self.flows(leaves=variable.leaves) for need in flow.depends]
        return [n for n in dict.fromkeys(wanted) if n in self.variables and self.variables[n].kind in ("aux", "flow")]

    def _sort(self) -> list[str]:
        done: dict[str, bool] = {}
        order: list[str] = []

        def visit(name: str, path: tuple[str, ...]) -> None:
            if done.get(name):
                return
            if name in path:
                raise DataError(
                    "equations form a loop without a stock: " + " -> ".join((*path[path.index(name) :], name))
                )
            for need in self.needs(name):
                visit(need, (*path, name))
            done[name] = True
            order.append(name)

        for variable in self.of_kind("aux", "flow"):
            visit(variable.name, ())
        return order


def assemble(
    name: str, dimensions: Mapping[str, Sequence[str]], parts: Sequence[Sector], given: Sequence[Variable] = ()
) -> Model:
    """Join sectors and given variables (parameters, processes, inputs, levers) into one checked model.

    Raises:
        DataError: a name is declared twice, is unknown, has no unit, meaning or source, or equations form a loop.
    """
    variables: dict[str, Variable] = {}
    for variable in [*given, *(v for part in parts for v in part.variables)]:
        if variable.name in variables:
            raise DataError(
                f"{variable.name}: declared twice, in {variables[variable.name].sector} and {variable.sector}"
            )
        variables[variable.name] = variable
    return Model(name, {key: tuple(members) for key, members in dimensions.items()}, variables)
