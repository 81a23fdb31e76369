"""Where the time of a run goes: what the compiled program does in a step, and what that costs on this machine."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import jax
import jax.numpy as jnp

from acuerdo.bench.clock import Timing, take_turns
from acuerdo.bench.rows import Row
from acuerdo.bench.work import Work, finished
from acuerdo.engine.declare import Model
from acuerdo.engine.expr import Call, Expr, Var

_FEW_DRAWS = 8
"""Draws of a run that costs almost nothing but starting its operations."""
_COSTLY = {"exp": ("exponential", "exponentials"), "log": ("log", "logarithms"), "div": ("divide", "divisions")}
_OPERATION = re.compile(r"^\s+(?:ROOT )?%(?P<name>\S+) = (?P<shape>\(.*?\)|\S+) (?P<kind>[a-z\-]+)\((?P<rest>.*)$")
_SHAPE = re.compile(r"[a-z]+(?P<bits>\d*)\[(?P<sizes>[\d,]*)\]")


def declared(model: Model) -> Counter[str]:
    """Return how many exponentials, logarithms and divisions the equations of one step ask for, per draw.

    A power counts as an exponential and a logarithm, a ratio as a division; a first value does not count.
    """
    found: Counter[str] = Counter()

    def visit(node: Expr) -> int:
        """Count what a node computes; return how many members it has."""
        if isinstance(node, Var):
            return prod(model.shape(node.name)) if node.name in model.variables else 1
        if not isinstance(node, Call):
            return 1
        members = max(visit(arg) for arg in node.args)
        for name in {"pow": ("exp", "log"), "ratio": ("div",)}.get(node.op, (node.op,)):
            if name in _COSTLY:
                found[name] += members
        return 1 if node.op == "total" else members

    for variable in model.of_kind("aux", "flow", "level"):
        visit(variable.tree())
    return found


@dataclass(frozen=True)
class _Operation:
    """An operation of a compiled program: what it makes (numbers, bytes), what it reads, what it calls."""

    name: str
    kind: str
    numbers: int
    size: int
    reads: tuple[str, ...]
    calls: str | None


@dataclass(frozen=True)
class Step:
    """What a compiled program does in each step.

    Attributes:
        loops: fused loops.
        moved: bytes that these read and write.
        numbers: exponentials, logarithms and divisions.
    """

    loops: int
    moved: int
    numbers: Counter[str]


def _parse(text: str) -> dict[str, list[_Operation]]:
    found: dict[str, list[_Operation]] = {}
    inside: list[_Operation] = []
    for line in text.splitlines():
        if line.endswith("{") and (header := re.match(r"(?:ENTRY )?%(\S+)", line)):
            inside = found.setdefault(header[1], [])
            continue
        match = _OPERATION.match(line)
        if match is None:
            continue
        numbers = size = 0
        for shape in _SHAPE.finditer(match["shape"]):
            count = prod(int(n) for n in shape["sizes"].split(",") if n)
            numbers += count
            size += count * (int(shape["bits"] or 8) // 8)
        arguments, _, rest = match["rest"].partition(")")
        calls = re.search(r"(?:calls|body)=%([^\s,]+)", rest)
        reads = tuple(re.findall(r"%([^\s,]+)", arguments))
        inside.append(_Operation(match["name"], match["kind"], numbers, size, reads, calls[1] if calls else None))
    return found


def compiled_step(work: Work) -> Step:
    """Return what the innermost loop of the compiled run does each time, for the draws of one core."""

    def run(state: Any, parameters: Any, inputs: Any) -> Any:
        return work.simulator.run(state, parameters, inputs, work.keep)

    text = jax.jit(run).lower(work.state, work.parameters, work.inputs).compile().as_text() or ""
    parts = _parse(text)
    bodies = {o.calls for operations in parts.values() for o in operations if o.kind == "while"}
    innermost = [b for b in bodies if b and not any(o.kind == "while" for o in parts[b])]
    loops = moved = 0
    numbers: Counter[str] = Counter()
    kinds = {kind: name for name, (kind, _) in _COSTLY.items()}
    for body in innermost:
        sizes = {o.name: o.size for o in parts[body]}
        for fused in (o for o in parts[body] if o.kind == "fusion"):
            loops += 1
            moved += fused.size + sum(sizes[name] for name in fused.reads)
            for o in parts[fused.calls or ""]:
                if o.kind in kinds:
                    numbers[kinds[o.kind]] += o.numbers
    return Step(loops, moved, numbers)


def _repeated(step: Callable[[Any], Any], times: int, start: Any) -> Callable[[], object]:
    loop = jax.jit(lambda x: jax.lax.fori_loop(0, times, lambda _, y: step(y), x))
    return lambda: finished(loop(start))


def _nanoseconds(precision: str, repeats: int) -> dict[str, float]:
    """Return what an exponential, a logarithm and a division cost on one core, of numbers that stay in its cache."""
    many, size = 200, 2048
    start = jnp.linspace(1.0, 2.0, size, dtype=precision)
    steps: dict[str, Callable[[Any], Any]] = {
        "exp": lambda x: jnp.exp(0.5 * x) - 0.5,
        "log": lambda x: jnp.log(x) + 1.1,
        "div": lambda x: 2.1 / (x + 0.5),
        "nothing": lambda x: 0.5 * x + 0.6,
    }
    turns = take_turns({name: _repeated(step, many, start) for name, step in steps.items()}, repeats)
    idle = turns.pop("nothing").fastest
    return {name: max(timing.fastest - idle, 0.0) / (many * size) * 1e9 for name, timing in turns.items()}


def profile(work: Work, run: Timing, repeats: int) -> list[Row]:
    """Return what explains the time of a run.

    Args:
        work: the run.
        run: how long it takes.
        repeats: how often to measure.
    """
    step, asked = compiled_step(work), declared(work.simulator.model)
    fixed = take_turns({"few": work.first(_FEW_DRAWS).run}, repeats)["few"].median
    held = sum(array.nbytes for array in (*work.state.values(), *work.parameters.values()))
    rows = [
        Row(
            "profile.fixed",
            f"a run of {_FEW_DRAWS} draws: what starting its loops costs",
            fixed * 1e3,
            "ms",
            ratio=fixed / run.median,
            against="the run",
            repeats=repeats,
        ),
        Row("profile.loops", "fused loops in a step", step.loops, note="each takes its arrays from memory and back"),
        Row(
            "profile.moved",
            "moved between memory and these loops in a step, for the draws of one core",
            step.moved / 1e6,
            "MB",
            note=f"{step.moved * work.steps / run.median / 1e9:.0f} GB/s",
        ),
        Row("profile.held", "parameters and state, which a step passes over", held / 1e6, "MB"),
    ]
    cost = _nanoseconds(work.precision, repeats)
    for name, (_, words) in _COSTLY.items():
        share = step.numbers[name] * work.steps * cost[name] * 1e-9 / run.fastest
        rows.append(
            Row(
                f"profile.{name}",
                f"part of the run spent on {words}, by what one costs",
                100 * share,
                "%",
                note=f"{step.numbers[name]:,} in a step for the draws of one core, {cost[name]:.2f} ns each; "
                f"the equations have {asked[name]} for each draw",
            )
        )
    return rows
