"""Equations for people: brackets where they are needed and nowhere else, and every equation of the model readable."""

from __future__ import annotations

import math
import random
import re
from typing import Any

import pytest

from acuerdo.engine import ops
from acuerdo.engine.declare import Sector, Variable, assemble
from acuerdo.engine.expr import Call, Const, Expr, Var
from acuerdo.engine.load import CorridorModel, load_model
from acuerdo.engine.mathematics import formulas, indices, latex, names, number, same, symbol, text, tidy

a, b, c, d = (Var(name) for name in "abcd")


@pytest.fixture(scope="module")
def built() -> CorridorModel:
    return load_model()


# --- text -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tree", "line"),
    [
        (a + b + c, "a + b + c"),
        (a + (b + c), "a + b + c"),
        (a - (b + c), "a - (b + c)"),
        (a - (b - c), "a - (b - c)"),
        (a + (b - c), "a + b - c"),
        ((a - b) - c, "a - b - c"),
        (a * (b + c), "a * (b + c)"),
        ((a + b) * c, "(a + b) * c"),
        (a * b * c, "a * b * c"),
        (a / (b * c), "a / (b * c)"),
        (a / b / c, "a / b / c"),
        (a / (b / c), "a / (b / c)"),
        (a * (b / c), "a * b / c"),
        (a * b + c / d, "a * b + c / d"),
        (-a * b, "-a * b"),
        (a - b * -c, "a - b * (-c)"),
        (a + -b, "a - b"),
        (a - -b, "a + b"),
        (-(0.0 - a), "a"),
        (-(a + b), "-(a + b)"),
        (2 * -a, "2 * (-a)"),
        (0.0 + a, "a"),
        (1.0 * a, "a"),
        (a / 1, "a"),
        (1 - a, "1 - a"),
        (a**2, "a^2"),
        ((a + b) ** 2, "(a + b)^2"),
        (ops.power(a, -b), "a^(-b)"),
        (ops.power(ops.power(a, b), c), "(a^b)^c"),
        (ops.exp(-a * b), "exp(-a * b)"),
        (ops.clip(a, 0.0, 1.0), "min(max(a, 0), 1)"),
        (ops.ratio(a, b + c), "ratio(a, b + c)"),
        (ops.total(a * b, "place") / c, "sum(a * b, over place) / c"),
        (a * math.log(2) / b, "a * ln 2 / b"),
        (a * 1e-7, "a * 1e-07"),
        (a + Const(3.0, "month"), "a + 3 month"),
    ],
)
def test_text(tree: Expr, line: str) -> None:
    assert text(tree) == line


def value(node: Expr, env: dict[str, float]) -> float:
    """Compute a tree with numbers; a dimension has three members that are all alike."""
    if isinstance(node, Var):
        return env[node.name]
    if isinstance(node, Const):
        return node.value
    assert isinstance(node, Call)
    args = [value(arg, env) for arg in node.args]
    return float(FUNCTIONS[node.op](*args))


FUNCTIONS: dict[str, Any] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "pow": lambda x, y: x**y,
    "neg": lambda x: -x,
    "exp": math.exp,
    "log": math.log,
    "min": min,
    "max": max,
    "ratio": lambda x, y: x / y if y > 0 else 0.0,
    "total": lambda x: 3 * x,
}


def as_python(line: str) -> str:
    line = re.sub(r", over \w+\)", ")", line).replace("^", "**").replace("ln 2", "log(2)")
    return line.replace("sum(", "total(")


def test_text_of_every_equation_computes_the_same(built: CorridorModel) -> None:
    """The line that a person reads means what the tree means: brackets are where they must be."""
    rng = random.Random(4)
    functions = {name: FUNCTIONS[name] for name in ("exp", "log", "min", "max", "ratio", "total")}
    for variable in built.model.variables.values():
        if variable.equation is None:
            continue
        tree = variable.tree()
        for _ in range(5):
            env = {name: rng.uniform(0.2, 0.8) for name in names(tree)}
            line = as_python(text(tree))
            assert eval(line, {"__builtins__": {}}, {**functions, **env}) == pytest.approx(value(tree, env)), line
            assert value(tidy(tree), env) == pytest.approx(value(tree, env))


def test_text_has_no_needless_brackets(built: CorridorModel) -> None:
    for variable in built.model.variables.values():
        for formula in formulas(built.model, variable.name):
            line = formula.text
            assert "((" not in re.sub(r"(exp|log|min|max|ratio|sum)\(\(", "", line) or "* (" in line, line
            assert not re.search(r"[^\w]\(\w+\)", line.split(" = ")[1]), line  # a name alone in brackets
            assert "\n" not in line


@pytest.mark.parametrize(
    ("given", "shown"), [(1.0, "1"), (12000.0, "12000"), (0.1, "0.1"), (math.log(2), "ln 2"), (1e-7, "1e-07")]
)
def test_number(given: float, shown: str) -> None:
    assert number(given) == shown


def test_same_trees() -> None:
    assert same(a * (b + 1), Var("a") * (Var("b") + 1))
    assert not same(a + b, b + a)
    assert not same(ops.total(a, "x"), ops.total(a, "y"))


# --- LaTeX ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small() -> Any:
    sector = Sector("one")

    @sector.stock("person", over="place", source="test")
    def people_here(first):
        """People."""
        return first

    @sector.flow("person/month", leaves="people_here", over="place", source="test")
    def leaving(people_here, rate, all_people):
        """People who leave."""
        return people_here * rate * people_here / all_people

    @sector.flow("person/month", enters="people_here", over="place", source="test")
    def coming(rate, people_here):
        """People who come."""
        return rate * people_here

    @sector.aux("person", source="test")
    def all_people(people_here):
        """Everyone."""
        return ops.total(people_here, "place")

    @sector.aux("1", over="place", source="test")
    def share_here(people_here):
        """Share."""
        return ops.ratio(people_here, ops.total(people_here, "place"))

    @sector.level("1", initial="one", source="test")
    def habit(habit, one, pace):
        """Habit."""
        return (one - habit) / pace

    given = [
        Variable("first", "parameter", "person", "place", "First.", "test", "one"),
        Variable("rate", "parameter", "1/month", None, "Rate.", "test", "one"),
        Variable("one", "parameter", "1", None, "One.", "test", "one"),
        Variable("pace", "parameter", "month", None, "Pace.", "test", "one"),
    ]
    return assemble("small", {"place": ("x", "y")}, [sector], given)


def test_names_and_indices() -> None:
    assert symbol("waiting_time") == r"\mathrm{waiting\_time}"
    assert symbol("waiting_time", "o") == r"\mathrm{waiting\_time}_{o}"
    assert symbol("time_step") == r"\Delta t"
    assert indices({"origin": (), "drug": ()}) == {"origin": "o", "drug": "d"}
    assert indices({"origin": (), "offence": ()}) == {"origin": "o", "offence": "of"}


@pytest.mark.parametrize(
    ("tree", "shown"),
    [
        (Var("rate") * (Var("one") + 1), r"\mathrm{rate} \cdot \left(\mathrm{one} + 1\right)"),
        (Var("rate") / (Var("one") + 1), r"\frac{\mathrm{rate}}{\mathrm{one} + 1}"),
        (ops.exp(-Var("one")), r"\exp\left(-\mathrm{one}\right)"),
        (ops.minimum(Var("one"), 2.0), r"\min\left(\mathrm{one},\; 2\right)"),
        (ops.log(Var("one")), r"\ln\left(\mathrm{one}\right)"),
        (Var("one") ** 2, r"{\mathrm{one}}^{2}"),
        ((Var("one") + 1) ** 2, r"\left(\mathrm{one} + 1\right)^{2}"),
        (ops.ratio(Var("one"), Var("pace")), r"\left[\frac{\mathrm{one}}{\mathrm{pace}}\right]_{0}"),
        (ops.total(Var("first"), "place"), r"\sum_{p} \mathrm{first}_{p}"),
        (Var("one") * ops.total(Var("first"), "place"), r"\mathrm{one} \cdot \sum_{p} \mathrm{first}_{p}"),
        (ops.total(Var("first"), "place") * Var("one"), r"\left(\sum_{p} \mathrm{first}_{p}\right) \cdot \mathrm{one}"),
        (Var("one") * 1e-7, r"\mathrm{one} \cdot 10^{-7}"),
        (Var("one") * 12000, r"\mathrm{one} \cdot 12\,000"),
    ],
)
def test_latex(small: Any, tree: Expr, shown: str) -> None:
    assert latex(tree, small) == shown


def test_sum_within_an_equation_over_the_same_dimension_has_its_own_index(small: Any) -> None:
    (formula,) = formulas(small, "share_here")
    assert formula.latex == (
        r"\mathrm{share\_here}_{p} = \left[\frac{\mathrm{people\_here}_{p}}{\sum_{p'} \mathrm{people\_here}_{p'}}"
        r"\right]_{0}"
    )


def test_each_kind_has_its_equations(small: Any) -> None:
    found = {name: [(f.role, f.text) for f in formulas(small, name)] for name in small.variables}
    assert found["people_here"] == [
        ("change", "d(people_here)/dt = coming - leaving"),
        ("first", "people_here(0) = first"),
    ]
    assert found["leaving"] == [("asked", "leaving[asked] = people_here * rate * people_here / all_people")]
    assert found["all_people"] == [("value", "all_people = sum(people_here, over place)")]
    assert found["habit"] == [("rate", "d(habit)/dt = (one - habit) / pace"), ("first", "habit(0) = one")]
    assert found["rate"] == []


def test_latent_series_and_levers(built: CorridorModel) -> None:
    name = next(iter(built.processes))
    (path,) = formulas(built.model, name)
    assert path.role == "path"
    assert path.text.startswith(f"{name}(t) = {name}_persistence * {name}(t - 1)")
    lever = next(iter(built.levers))
    assert formulas(built.model, f"{lever}_set") == []
    assert [f.role for f in formulas(built.model, lever)] == ["rate", "first"]


def test_latex_of_every_equation_is_balanced_and_whole(built: CorridorModel) -> None:
    for variable in built.model.variables.values():
        found = formulas(built.model, variable.name)
        assert bool(found) == (variable.equation is not None or variable.kind == "process"), variable.name
        for formula in found:
            shown = formula.latex
            depth = 0
            for mark in re.findall(r"(?<!\\)[{}]", shown):
                depth += 1 if mark == "{" else -1
                assert depth >= 0, variable.name
            assert depth == 0, variable.name
            for line in shown.split(r"\\"):  # brackets that stretch must close on their line
                assert line.count(r"\left") == line.count(r"\right"), variable.name
            assert shown.count("igl(") == shown.count("igr)"), variable.name
            for name in re.findall(r"\\mathrm\{((?:[^{}\\]|\\_)+)\}", shown):
                assert "_" not in name.replace(r"\_", ""), variable.name
        if variable.equation is not None:
            shown = " ".join(formula.latex for formula in found)
            for name in names(variable.tree()):
                assert symbol(name) in shown, f"{variable.name}: {name} is missing"


def test_long_equations_are_set_on_several_lines(built: CorridorModel) -> None:
    longest = max(
        (formula for name in built.model.variables for formula in formulas(built.model, name)),
        key=lambda formula: len(formula.text),
    )
    assert longest.latex.startswith(r"\begin{aligned}")
    assert longest.latex.count(r"\\") > 3
