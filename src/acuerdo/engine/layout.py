"""Places boxes and arrows on a page: a layered layout from left to right, without any program from outside.

Arrows that go round in a circle are turned for the time of the layout; each box gets a layer (longest path, then pulled
towards what it is linked to); the order within layers follows the mean place of the neighbours; heights are the closest
to the neighbours' that keep boxes apart.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

Point = tuple[float, float]
_SWEEPS = 40


@dataclass(frozen=True)
class Arrow:
    """A link between two boxes; heavier ones are kept shorter and straighter."""

    source: str
    target: str
    weight: float = 1.0


@dataclass
class Layout:
    """Where everything is.

    Attributes:
        places: middle of each box.
        routes: for each arrow (by its number) the points between its two boxes, in the direction of the arrow.
        width: width of the whole.
        height: height of the whole.
    """

    places: dict[str, Point]
    routes: dict[int, list[Point]]
    width: float
    height: float


@dataclass
class _Graph:
    """Boxes and, for each arrow that spans several layers, a chain of points."""

    layers: list[list[str]]
    sizes: dict[str, Point]
    left: dict[str, list[tuple[str, float]]] = field(default_factory=dict)
    right: dict[str, list[tuple[str, float]]] = field(default_factory=dict)
    chains: dict[int, list[str]] = field(default_factory=dict)

    def link(self, a: str, b: str, weight: float) -> None:
        self.right.setdefault(a, []).append((b, weight))
        self.left.setdefault(b, []).append((a, weight))


def layered(sizes: Mapping[str, Point], arrows: Sequence[Arrow], *, gap_x: float = 44.0, gap_y: float = 15.0) -> Layout:
    """Lay boxes out in layers from left to right.

    Args:
        sizes: width and height of each box.
        arrows: links between boxes; those from a box to itself are left out.
        gap_x: room between layers.
        gap_y: room between boxes of a layer.
    """
    if not sizes:
        return Layout({}, {}, 0.0, 0.0)
    kept = {i: arrow for i, arrow in enumerate(arrows) if arrow.source != arrow.target}
    order = _without_circles(list(sizes), list(kept.values()))
    forward = _forward(order, kept)
    weights = {i: arrow.weight for i, arrow in kept.items()}
    layer = _layers(order, forward, weights)
    graph = _with_chains(sizes, layer, forward, weights)
    _order(graph)
    heights = _heights(graph, gap_y)
    return _placed(graph, heights, kept, forward, gap_x)


def _without_circles(names: list[str], arrows: Sequence[Arrow]) -> list[str]:
    """Return an order in which little weight points backwards (greedy: sources first, sinks last)."""
    out: dict[str, dict[str, float]] = {name: {} for name in names}
    into: dict[str, dict[str, float]] = {name: {} for name in names}
    for arrow in arrows:
        out[arrow.source][arrow.target] = out[arrow.source].get(arrow.target, 0.0) + arrow.weight
        into[arrow.target][arrow.source] = into[arrow.target].get(arrow.source, 0.0) + arrow.weight
    left, head, tail = dict.fromkeys(names), [], []  # type: ignore[var-annotated]

    def take(name: str) -> None:
        for other in out.pop(name):
            into[other].pop(name, None)
        for other in into.pop(name):
            out[other].pop(name, None)
        del left[name]

    while left:
        sinks = [name for name in left if not out[name]]
        sources = [name for name in left if not into[name] and out[name]]
        if sinks:
            tail += reversed(sinks)
            for name in sinks:
                take(name)
        elif sources:
            head += sources
            for name in sources:
                take(name)
        else:
            best = max(left, key=lambda name: sum(out[name].values()) - sum(into[name].values()))
            head.append(best)
            take(best)
    return _sifted([*head, *reversed(tail)], arrows)


def _sifted(order: list[str], arrows: Sequence[Arrow]) -> list[str]:
    """Return an order in which each box stands where least weight points backwards, given the others."""
    touching: dict[str, list[tuple[str, float, bool]]] = {name: [] for name in order}
    for arrow in arrows:
        touching[arrow.source].append((arrow.target, arrow.weight, True))
        touching[arrow.target].append((arrow.source, arrow.weight, False))
    for _ in range(4):
        for name in tuple(order):
            at = order.index(name)
            rest = order[:at] + order[at + 1 :]
            place = {other: i for i, other in enumerate(rest)}
            change = [0.0] * (len(rest) + 1)  # of the weight that points backwards, at each place
            for other, weight, out in touching[name]:
                if out:  # backwards once this box stands behind the other
                    change[place[other] + 1] += weight
                else:
                    change[0] += weight
                    change[place[other] + 1] -= weight
            costs = list(accumulate(change))
            best = min(range(len(costs)), key=lambda i: (costs[i], abs(i - at)))
            if costs[best] < costs[at] - 1e-9:
                order = [*rest[:best], name, *rest[best:]]
    return order


def layers_of(names: Sequence[str], arrows: Sequence[Arrow]) -> dict[str, int]:
    """Return the layer in which each box would stand."""
    kept = {i: arrow for i, arrow in enumerate(arrows) if arrow.source != arrow.target}
    order = _without_circles(list(names), list(kept.values()))
    return _layers(order, _forward(order, kept), {i: arrow.weight for i, arrow in kept.items()})


def _forward(order: Sequence[str], kept: Mapping[int, Arrow]) -> dict[int, tuple[str, str]]:
    rank = {name: i for i, name in enumerate(order)}
    return {
        i: (a.source, a.target) if rank[a.source] < rank[a.target] else (a.target, a.source) for i, a in kept.items()
    }


def _layers(
    order: Sequence[str], forward: Mapping[int, tuple[str, str]], weights: Mapping[int, float]
) -> dict[str, int]:
    """Return the layer of each box: as far left as it can be, then towards the side with more weight."""
    before: dict[str, list[tuple[str, float]]] = {name: [] for name in order}
    after: dict[str, list[tuple[str, float]]] = {name: [] for name in order}
    for i, (a, b) in forward.items():
        before[b].append((a, weights[i]))
        after[a].append((b, weights[i]))
    layer: dict[str, int] = {}
    for name in order:
        layer[name] = max((layer[a] + 1 for a, _ in before[name]), default=0)
    for sweep in range(8):
        for name in order if sweep % 2 else reversed(order):
            low = max((layer[a] + 1 for a, _ in before[name]), default=None)
            high = min((layer[b] - 1 for b, _ in after[name]), default=None)
            pull = sum(w for _, w in after[name]) - sum(w for _, w in before[name])
            if high is not None and (low is None or pull > 0):
                layer[name] = high
            elif low is not None:
                layer[name] = low
    first = min(layer.values())
    used = sorted({at - first for at in layer.values()})
    return {name: used.index(at - first) for name, at in layer.items()}


def _with_chains(
    sizes: Mapping[str, Point],
    layer: Mapping[str, int],
    forward: Mapping[int, tuple[str, str]],
    weights: Mapping[int, float],
) -> _Graph:
    layers: list[list[str]] = [[] for _ in range(max(layer.values()) + 1)]
    for name, at in layer.items():
        layers[at].append(name)
    graph = _Graph(layers, dict(sizes))
    for i, (a, b) in forward.items():
        chain = [a]
        for at in range(layer[a] + 1, layer[b]):
            point = f"\0{i}.{at}"
            graph.sizes[point] = (0.0, 0.0)
            layers[at].append(point)
            chain.append(point)
        chain.append(b)
        for one, other in pairwise(chain):
            graph.link(one, other, weights[i])
        graph.chains[i] = chain
    return graph


def _crossings(graph: _Graph) -> int:
    """Return how often links cross, between all neighbouring layers."""
    found = 0
    for one, other in pairwise(graph.layers):
        at = {name: i for i, name in enumerate(other)}
        ends = [at[b] for a in one for b in sorted((b for b, _ in graph.right.get(a, [])), key=lambda b: at[b])]
        seen: list[int] = []
        for end in ends:
            found += len(seen) - bisect_right(seen, end)
            insort(seen, end)
    return found


def _order(graph: _Graph) -> None:
    """Order boxes within layers by the mean place of their neighbours, and keep the best order seen."""
    best, fewest = [list(names) for names in graph.layers], _crossings(graph)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        sides = graph.left if down else graph.right
        numbered = range(1, len(graph.layers)) if down else range(len(graph.layers) - 2, -1, -1)
        for i in numbered:
            _sort_by_neighbours(graph.layers[i], graph.layers[i - 1 if down else i + 1], sides)
        _exchange(graph)
        now = _crossings(graph)
        if now < fewest:
            best, fewest = [list(names) for names in graph.layers], now
    graph.layers[:] = best


def _sort_by_neighbours(
    names: list[str], near: Sequence[str], sides: Mapping[str, Sequence[tuple[str, float]]]
) -> None:
    at = {name: i / max(len(near) - 1, 1) for i, name in enumerate(near)}
    place = {name: i / max(len(names) - 1, 1) for i, name in enumerate(names)}
    for name in names:
        found = [(at[other], weight) for other, weight in sides.get(name, []) if other in at]
        if found:
            place[name] = sum(p * w for p, w in found) / sum(w for _, w in found)
    names.sort(key=place.__getitem__)


def _exchange(graph: _Graph) -> None:
    """Swap neighbours where that makes fewer links cross."""
    for i, names in enumerate(graph.layers):
        sides = []
        if i > 0:
            sides.append((graph.left, {n: j for j, n in enumerate(graph.layers[i - 1])}))
        if i + 1 < len(graph.layers):
            sides.append((graph.right, {n: j for j, n in enumerate(graph.layers[i + 1])}))
        for j in range(len(names) - 1):
            gain = 0
            for links, at in sides:
                one = [at[n] for n, _ in links.get(names[j], []) if n in at]
                other = [at[n] for n, _ in links.get(names[j + 1], []) if n in at]
                gain += sum((a > b) - (a < b) for a in one for b in other)
            if gain > 0:
                names[j], names[j + 1] = names[j + 1], names[j]


def _heights(graph: _Graph, gap: float) -> dict[str, float]:
    """Return the height of each box: near its neighbours, and apart from those of its layer."""
    y: dict[str, float] = {}
    for names in graph.layers:
        at = 0.0
        for name in names:
            at += graph.sizes[name][1] / 2
            y[name] = at
            at += graph.sizes[name][1] / 2 + gap
    for sweep in range(_SWEEPS):
        layers = graph.layers if sweep % 2 == 0 else graph.layers[::-1]
        for names in layers:
            wished, weights = [], []
            for name in names:
                found = [
                    (y[other], weight * _straight(graph, name, other))
                    for other, weight in (*graph.left.get(name, []), *graph.right.get(name, []))
                ]
                total = sum(weight for _, weight in found)
                wished.append(sum(p * w for p, w in found) / total if total else y[name])
                weights.append(max(total, 0.1))
            y.update(zip(names, _apart(graph, names, wished, weights, gap), strict=True))
    return y


def _straight(graph: _Graph, one: str, other: str) -> float:
    """Return how much a link weighs more because it is part of a chain, which should be straight."""
    return (1.0, 2.0, 8.0)[(graph.sizes[one][0] == 0) + (graph.sizes[other][0] == 0)]


def _apart(
    graph: _Graph, names: Sequence[str], wished: Sequence[float], weights: Sequence[float], gap: float
) -> list[float]:
    """Return the places closest to those wished for that keep the order and the gaps (pool adjacent violators)."""
    offset, at = [], 0.0
    for i, name in enumerate(names):
        if i:
            both = graph.sizes[names[i - 1]][1] or graph.sizes[name][1]
            room = gap if both else gap * 0.7
            at += graph.sizes[names[i - 1]][1] / 2 + graph.sizes[name][1] / 2 + room
        offset.append(at)
    blocks: list[tuple[float, float, int]] = []
    for want, weight, shift in zip(wished, weights, offset, strict=True):
        block = (want - shift, weight, 1)
        while blocks and blocks[-1][0] > block[0]:
            mean, heavy, count = blocks.pop()
            whole = heavy + block[1]
            block = ((mean * heavy + block[0] * block[1]) / whole, whole, count + block[2])
        blocks.append(block)
    flat = [mean for mean, _, count in blocks for _ in range(count)]
    return [mean + shift for mean, shift in zip(flat, offset, strict=True)]


def _placed(
    graph: _Graph,
    heights: Mapping[str, float],
    kept: Mapping[int, Arrow],
    forward: Mapping[int, tuple[str, str]],
    gap_x: float,
) -> Layout:
    top = min(heights[name] - graph.sizes[name][1] / 2 for name in heights)
    bottom = max(heights[name] + graph.sizes[name][1] / 2 for name in heights)
    places: dict[str, Point] = {}
    edge = 0.0
    spans: dict[str, tuple[float, float]] = {}
    for names in graph.layers:
        width = max((graph.sizes[name][0] for name in names), default=0.0)
        for name in names:
            places[name] = (edge + width / 2, heights[name] - top)
            spans[name] = (edge, edge + width)
        edge += width + gap_x
    routes = {}
    for i, arrow in kept.items():
        points = []
        for name in graph.chains[i][1:-1]:
            x_left, x_right = spans[name]
            points += [(x_left, places[name][1]), (x_right, places[name][1])]
        routes[i] = points if forward[i][0] == arrow.source else points[::-1]
    boxes = {name: place for name, place in places.items() if not name.startswith("\0")}
    return Layout(boxes, routes, edge - gap_x, bottom - top)


__all__ = ["Arrow", "Layout", "Point", "layered", "layers_of"]
