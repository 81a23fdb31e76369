"""How a model hangs together: what moves what within a sector, and the sectors among themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from acuerdo.engine.declare import Variable
from acuerdo.engine.describe import links, shown
from acuerdo.engine.load import CorridorModel
from acuerdo.engine.signs import Polarity, polarities
from acuerdo.errors import unknown_name

Form = Literal["stock", "flow", "aux", "level", "lever", "process", "other"]
MOST = 36  # boxes of one diagram; beyond it, auxiliaries between two others are left out
_SOME = 24  # beyond it, auxiliaries that lead nowhere are left out
_PARTS_OF_A_LEVER = ("", "_set", "_announced", "_usual", "_felt")


@dataclass(frozen=True)
class Node:
    """One box of a diagram.

    Attributes:
        key: the variable, or the lever.
        form: what it is; `other` is a variable of another sector.
        sector: the sector that declares it.
        outcome: whether either side cares about it.
        leaves: for a flow, the stock it leaves, or None for the boundary.
        enters: for a flow, the stock it enters, or None for the boundary.
        reaches: other sectors whose equations use it.
    """

    key: str
    form: Form
    sector: str
    outcome: bool = False
    leaves: str | None = None
    enters: str | None = None
    reaches: tuple[str, ...] = ()


@dataclass(frozen=True)
class Link:
    """One arrow of a diagram: `source` pushes `target` up (+), down (-), or it depends (?)."""

    source: str
    target: str
    sign: Polarity


@dataclass(frozen=True)
class Diagram:
    """What moves what in a sector. Flows between stocks are not links: the nodes of the flows name their ends.

    Attributes:
        sector: the sector.
        nodes: boxes by key.
        links: arrows.
        left_out: auxiliaries of the sector that are not shown.
    """

    sector: str
    nodes: dict[str, Node]
    links: list[Link]
    left_out: tuple[str, ...] = ()


def sectors(built: CorridorModel) -> list[str]:
    """Return the sectors that have equations, in order of declaration."""
    found = (v.sector for v in built.model.of_kind("stock", "flow", "aux", "level"))
    return list(dict.fromkeys(found))


def check_sector(built: CorridorModel, sector: str) -> str:
    """Return the name of a sector.

    Raises:
        InputError: there is no such sector.
    """
    if sector not in sectors(built):
        raise unknown_name("sector", sector, sectors(built))
    return sector


def lever_parts(built: CorridorModel) -> dict[str, str]:
    """Return the lever of each variable that the machinery declares for one."""
    names = ((f"{name}{part}", name) for name in built.levers for part in _PARTS_OF_A_LEVER)
    return {variable: name for variable, name in names if variable in built.model.variables}


def diagram(built: CorridorModel, sector: str, most: int = MOST) -> Diagram:
    """Return the causal diagram of a sector: its stocks, flows, levels, levers, outcomes, and what lies between them.

    Parameters and given series are left out. In a large sector, auxiliaries that lead nowhere are left out as well; in
    one with more than `most` boxes also those with few links, and what came in is linked to what went out.

    Raises:
        InputError: there is no such sector.
    """
    check_sector(built, sector)
    whole = _whole(built, sector)
    nodes, arrows = dict(whole.nodes), {(link.source, link.target): link.sign for link in whole.links}
    gone: list[str] = []
    while len(nodes) > min(_SOME, most):
        spare = _spare(nodes, arrows, ends_only=len(nodes) <= most)
        if spare is None:
            break
        _leave_out(spare, nodes, arrows)
        if whole.nodes[spare].form == "aux":
            gone.append(spare)
        for key in [k for k, node in nodes.items() if node.form in ("process", "other") and not _touches(k, arrows)]:
            del nodes[key]
    return Diagram(sector, nodes, [Link(a, b, sign) for (a, b), sign in arrows.items()], tuple(sorted(gone)))


def _touches(key: str, arrows: Iterable[tuple[str, str]]) -> bool:
    return any(key in pair for pair in arrows)


def _whole(built: CorridorModel, sector: str) -> Diagram:
    model, signs, parts = built.model, polarities(built), lever_parts(built)
    places = shown(built.corridor)
    _, after = links(built)
    own = [v for v in model.of_kind("stock", "level", "flow", "aux") if v.sector == sector and v.name not in parts]
    nodes: dict[str, Node] = {}
    for variable in own:
        elsewhere = {model.variables[user].sector for user in after[variable.name]} - {sector}
        nodes[variable.name] = _node(variable, bool(places.get(variable.name, {}).get("outcomes")), elsewhere)
    found: dict[tuple[str, str], Polarity] = {}
    for variable in own:
        if variable.kind == "stock":
            continue  # it depends on its flows alone; its first value comes from parameters
        for need in variable.depends:
            sign = signs.get((need, variable.name))
            if sign is None or sign == "0":
                continue
            source = _source(built, need, sector, nodes, parts)
            if source is not None:
                pair = (source, variable.name)
                found[pair] = sign if found.get(pair, sign) == sign else "?"
    return Diagram(sector, nodes, [Link(a, b, sign) for (a, b), sign in found.items()])


def _node(variable: Variable, outcome: bool, elsewhere: Iterable[str]) -> Node:
    form: Form = variable.kind if variable.kind in ("stock", "flow", "level") else "aux"
    return Node(
        variable.name, form, variable.sector, outcome, variable.leaves, variable.enters, tuple(sorted(elsewhere))
    )


def _source(
    built: CorridorModel, need: str, sector: str, nodes: dict[str, Node], parts: Mapping[str, str]
) -> str | None:
    """Return the box that stands for something an equation asks for, adding it if it is new; None if it has none."""
    variable = built.model.variables[need]
    if need in parts:
        key = f"lever {parts[need]}"
        nodes.setdefault(key, Node(parts[need], "lever", built.levers[parts[need]].sector))
        return key
    if variable.kind == "process":
        nodes.setdefault(need, Node(need, "process", variable.sector))
    elif variable.kind in ("parameter", "input", "lever"):
        return None
    elif variable.sector != sector:
        nodes.setdefault(need, Node(need, "other", variable.sector))
    return need


def _spare(
    nodes: Mapping[str, Node], arrows: Mapping[tuple[str, str], Polarity], ends_only: bool = False
) -> str | None:
    """Return the box that a reader misses least, or None if all should stay."""
    into = {key: sum(b == key for _, b in arrows) for key in nodes}
    out = {key: sum(a == key for a, _ in arrows) for key in nodes}
    kept = {key for key, node in nodes.items() if node.outcome or node.form not in ("aux", "process")}
    kept |= {key for key, node in nodes.items() if node.reaches and not out[key]}
    loose = [key for key in nodes if key not in kept and not (ends_only and (out[key] or nodes[key].form != "aux"))]
    if not loose:
        return None

    def cost(key: str) -> tuple[bool, bool, int, int]:
        adds = into[key] * out[key] - into[key] - out[key]
        return (out[key] > 0, nodes[key].form != "process", adds, into[key])

    best = min(loose, key=cost)
    return best if cost(best)[2] <= 0 else None


def _leave_out(key: str, nodes: dict[str, Node], arrows: dict[tuple[str, str], Polarity]) -> None:
    """Take a box out and link what came in to what went out, with the product of the signs."""
    before = [(a, sign) for (a, b), sign in arrows.items() if b == key and a != key]
    after = [(b, sign) for (a, b), sign in arrows.items() if a == key and b != key]
    for pair in [pair for pair in arrows if key in pair]:
        del arrows[pair]
    for source, first in before:
        for target, second in after:
            if source != target:
                sign: Polarity = "?" if "?" in (first, second) else "+" if first == second else "-"
                pair = (source, target)
                arrows[pair] = sign if arrows.get(pair, sign) == sign else "?"
        reaches = tuple(sorted({*nodes[source].reaches, *nodes[key].reaches} - {nodes[source].sector}))
        if nodes[source].form not in ("lever", "process", "other"):
            nodes[source] = replace(nodes[source], reaches=reaches)
    del nodes[key]


@dataclass(frozen=True)
class Part:
    """One sector: how many of each kind it declares."""

    name: str
    stocks: int
    flows: int
    others: int
    levers: int


def overview(built: CorridorModel) -> tuple[list[Part], dict[tuple[str, str], int]]:
    """Return the sectors, and for each pair the number of links from variables of the one to equations of the other.

    Parameters and given series are not counted.
    """
    model, parts = built.model, lever_parts(built)
    found: dict[tuple[str, str], int] = {}
    for variable in model.of_kind("stock", "level", "flow", "aux"):
        for need in dict.fromkeys((*variable.depends, *filter(None, (variable.leaves, variable.enters)))):
            source = model.variables.get(need)
            if source is None or source.kind in ("parameter", "input") or source.sector == variable.sector:
                continue
            pair = (source.sector, variable.sector)
            if need == variable.enters and need not in variable.depends:
                pair = (variable.sector, source.sector)
            found[pair] = found.get(pair, 0) + 1
    listed = []
    for name in sectors(built):
        own = [v for v in model.variables.values() if v.sector == name and v.name not in parts]
        kinds = [v.kind for v in own]
        listed.append(
            Part(
                name,
                kinds.count("stock"),
                kinds.count("flow"),
                kinds.count("aux") + kinds.count("level"),
                sum(lever.sector == name for lever in built.levers.values()),
            )
        )
    return listed, found


__all__ = ["Diagram", "Form", "Link", "Node", "Part", "check_sector", "diagram", "lever_parts", "overview", "sectors"]
