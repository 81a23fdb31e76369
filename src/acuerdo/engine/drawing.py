"""Diagrams of a model as SVG: boxes, pipes with valves, signed arrows, and a legend; in the language of the reader."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from acuerdo.charts import theme
from acuerdo.engine import graph
from acuerdo.engine.graph import Diagram, Link, Node
from acuerdo.engine.layout import Arrow, Layout, Point, layered, layers_of
from acuerdo.engine.load import CorridorModel
from acuerdo.i18n import Texts, upper_first

_WORDS = {
    "title": {"en": "{sector}: what moves what", "es": "{sector}: qué mueve a qué"},
    "desc": {
        "en": "Causal diagram of the sector {sector}: {boxes} boxes, {links} signed links.",
        "es": "Diagrama causal del sector {sector}: {boxes} cuadros, {links} vínculos con signo.",
    },
    "left_out": {
        "en": "Auxiliaries left out between those shown: {count}; the signs along the way are multiplied.",
        "es": "Auxiliares omitidas entre las mostradas: {count}; los signos del camino se multiplican.",
    },
    "stock": {"en": "stock", "es": "existencia"},
    "flow": {"en": "flow", "es": "flujo"},
    "aux": {"en": "auxiliary", "es": "auxiliar"},
    "level": {"en": "level", "es": "nivel"},
    "lever": {"en": "lever", "es": "palanca"},
    "process": {"en": "latent series", "es": "serie latente"},
    "other": {"en": "from another sector", "es": "de otro sector"},
    "outcome": {"en": "outcome", "es": "resultado"},
    "+": {"en": "raises", "es": "aumenta"},
    "-": {"en": "lowers", "es": "reduce"},
    "?": {"en": "depends", "es": "depende"},
    "to": {"en": "to {sectors}", "es": "a {sectors}"},
    "sectors": {"en": "The sectors and the links between them", "es": "Los sectores y los vínculos entre ellos"},
    "sectors_desc": {
        "en": "An arrow carries the number of variables that equations of its end take from its start.",
        "es": "Cada flecha lleva el número de variables que las ecuaciones de su final toman de su inicio.",
    },
    "links": {"en": "{a} to {b}: {count}", "es": "{a} a {b}: {count}"},
}
_HOLDS = {
    "stocks": {"en": "stocks:\u00a0{count}", "es": "existencias:\u00a0{count}"},
    "flows": {"en": "flows:\u00a0{count}", "es": "flujos:\u00a0{count}"},
    "others": {"en": "auxiliaries:\u00a0{count}", "es": "auxiliares:\u00a0{count}"},
    "levers": {"en": "levers:\u00a0{count}", "es": "palancas:\u00a0{count}"},
}

SIGNS = {"+": "+", "-": "\N{MINUS SIGN}", "?": "?"}
_COLOURS = {"+": theme.BLUE, "-": theme.VERMILION, "?": theme.MUTED}
_DASHES = {"+": "", "-": ' stroke-dasharray="7 3"', "?": ' stroke-dasharray="1.5 3"'}
_SIZE, _LINE, _PIPE = 12, 14, 7  # px: letters, lines, width of a pipe
_VALVE, _CLOUD = 22, 26  # px: room for a valve and for a cloud
_MARGIN, _PORT = 16, 11
_MOST_LINES = 4  # of a label
_FAR = 2  # layers between two uses of the same lever beyond which it is shown twice


# ---- words


def _say(texts: Texts, key: str, **values: object) -> str:
    return _WORDS[key][texts.lang].format(**values)


def readable(name: str) -> str:
    """Return the name of a variable as words."""
    return name.replace("_", " ")


def sector_name(name: str, texts: Texts) -> str:
    """Return the name of a sector in a language: the text `sector.NAME` of the corridor, or the name itself."""
    key = f"sector.{name}"
    return texts.t(key) if texts.has(key) else readable(name)


def short(meaning: str) -> str:
    """Return the first part of a meaning, for a label."""
    for mark in ("; ", ": ", " (", ", "):
        head = meaning.partition(mark)[0]
        if len(head) >= 12:
            meaning = head
    return meaning.rstrip(". ")


def label(built: CorridorModel, node: Node, texts: Texts) -> str:
    """Return the short name of a box.

    It is the label of a lever; of others the corridor's text `short.NAME` where there is one, else the name of the
    variable made readable (in English) or its meaning shortened.
    """
    if node.form == "lever":
        return built.levers[node.key].label[texts.lang]
    if texts.has(f"short.{node.key}"):
        return texts.t(f"short.{node.key}")
    if texts.lang == "en":
        return readable(node.key)
    return short(built.meanings[node.key][texts.lang])


def _meaning(built: CorridorModel, node: Node, texts: Texts) -> str:
    if node.form == "lever":
        return built.levers[node.key].help[texts.lang]
    return built.meanings[node.key][texts.lang]


def _stock_name(built: CorridorModel, name: str, texts: Texts) -> str:
    variable = built.model.variables[name]
    return textwrap.shorten(label(built, Node(name, "stock", variable.sector), texts), 18, placeholder=" …")


def text_width(text: str, size: float = _SIZE, bold: bool = False) -> float:
    """Return about how wide a text is in the type face of the charts."""
    narrow, wide = set("ijltfrI.,:;'|()[] "), set("mwMW%")
    units = sum(0.3 if c in narrow else 0.86 if c in wide else 0.68 if c.isupper() else 0.555 for c in text)
    return units * size * (1.07 if bold else 1.0)


# ---- boxes


@dataclass(frozen=True)
class _Box:
    node: Node
    lines: tuple[str, ...]
    note: str
    width: float
    height: float
    ends: tuple[str | None, str | None] = ("", "")  # of a flow: "" within the sector, None the boundary, else a stock

    @property
    def words_height(self) -> float:
        return _LINE * len(self.lines) + (_LINE - 2 if self.note else 0)


def _box(built: CorridorModel, node: Node, texts: Texts, ports: int, diagram: Diagram) -> _Box:
    width = 15 if texts.lang == "en" else 17
    words = label(built, node, texts)
    lines = textwrap.wrap(words, width, break_long_words=False) or [words]
    if len(lines) > _MOST_LINES:
        rest = textwrap.shorten(" ".join(lines[_MOST_LINES - 1 :]), width, placeholder=" …")
        lines = [*lines[: _MOST_LINES - 1], rest]
    note = ""
    if node.form == "other":
        note = f"({sector_name(node.sector, texts)})"
    elif node.reaches:
        names = ", ".join(sector_name(name, texts) for name in node.reaches)
        note = _say(texts, "to", sectors=names)
        note = textwrap.shorten(note, width + 12, placeholder=" …")
    bold = node.form == "stock"
    across = max([text_width(line, _SIZE, bold) for line in lines] + ([text_width(note, _SIZE - 2)] if note else []))
    height = _LINE * len(lines) + (_LINE - 2 if note else 0) + 8
    if node.form == "flow":
        ends = [
            "" if _within(diagram, end) else None if end is None else _stock_name(built, end, texts)
            for end in (node.leaves, node.enters)
        ]
        half = max(_CLOUD if end is None else text_width(end, _SIZE, True) + 22 if end else 0 for end in ends)
        room = max(across + 6, _VALVE + 2 * half)
        return _Box(node, tuple(lines), note, room, max(height, _PORT * ports) + _VALVE, (ends[0], ends[1]))
    padding = {"stock": 22, "lever": 22, "process": 18}.get(node.form, 12)
    return _Box(node, tuple(lines), note, across + padding, max(height, _PORT * ports + 4))


# ---- arrows


@dataclass(frozen=True)
class _Line:
    source: str
    target: str
    sign: str  # or "pipe"


def _lines_of(diagram: Diagram) -> list[_Line]:
    found = [_Line(link.source, link.target, link.sign) for link in diagram.links]
    for key, node in diagram.nodes.items():
        if node.form == "flow":
            if _within(diagram, node.leaves):
                found.append(_Line(str(node.leaves), key, "pipe"))
            if _within(diagram, node.enters):
                found.append(_Line(key, str(node.enters), "pipe"))
    pipes = {(line.source, line.target) for line in found if line.sign == "pipe"}
    return [line for line in found if line.sign == "pipe" or (line.source, line.target) not in pipes]


def _within(diagram: Diagram, stock: str | None) -> bool:
    """Tell whether a stock is one of the sector's own; the others stand at the end of a pipe as a name."""
    return stock is not None and stock in diagram.nodes and diagram.nodes[stock].form == "stock"


def _arrows(lines: Sequence[_Line]) -> list[Arrow]:
    return [Arrow(line.source, line.target, 4.0 if line.sign == "pipe" else 1.0) for line in lines]


def _repeated(diagram: Diagram) -> Diagram:
    """Return a diagram in which what comes from outside stands once more near each place far from the first."""
    layer = layers_of(list(diagram.nodes), _arrows(_lines_of(diagram)))
    nodes, moved = dict(diagram.nodes), {}
    for key, node in diagram.nodes.items():
        if node.form not in ("lever", "process", "other"):
            continue
        targets = sorted((layer[link.target], link.target) for link in diagram.links if link.source == key)
        first, copy = None, 0
        for at, target in targets:
            if first is not None and at - first > _FAR:
                copy, first = copy + 1, at
                nodes[f"{key}#{copy}"] = node
            first = at if first is None else first
            if copy:
                moved[key, target] = f"{key}#{copy}"
    links = [Link(moved.get((link.source, link.target), link.source), link.target, link.sign) for link in diagram.links]
    return Diagram(diagram.sector, nodes, links, diagram.left_out)


@dataclass
class _Page:
    """Boxes placed, and the place where each line leaves and enters them."""

    boxes: Mapping[str, _Box]
    lines: Sequence[_Line]
    layout: Layout

    def __post_init__(self) -> None:
        self.ends: dict[tuple[int, str], Point] = {}
        sides: dict[tuple[str, str], list[tuple[float, int, str]]] = {}
        for i, line in enumerate(self.lines):
            route = self.layout.routes[i]
            for key, other, near in (
                (line.source, line.target, route[:1]),
                (line.target, line.source, route[-1:]),
            ):
                toward = near[0] if near else self.layout.places[other]
                side = "right" if toward[0] > self.layout.places[key][0] else "left"
                sides.setdefault((key, side), []).append((toward[1], i, "out" if key == line.source else "in"))
        for (key, side), found in sides.items():
            self._spread(key, side, sorted(found))

    def top(self, key: str) -> float:
        """Return the upper edge of a box."""
        return self.layout.places[key][1] - self.boxes[key].height / 2

    def edge(self, key: str, side: str) -> float:
        """Return the left or right edge of a box."""
        half = self.boxes[key].width / 2
        return self.layout.places[key][0] + (half if side == "right" else -half)

    def valve(self, key: str) -> Point:
        """Return the middle of the valve of a flow."""
        return self.layout.places[key][0], self.top(key) + _VALVE / 2

    def _spread(self, key: str, side: str, found: Sequence[tuple[float, int, str]]) -> None:
        box, x = self.boxes[key], self.edge(key, side)
        if box.node.form == "flow":
            pipes = [item for item in found if self.lines[item[1]].sign == "pipe"]
            at, y = self.valve(key)
            for _, i, end in pipes:
                self.ends[i, end] = (at + (11 if side == "right" else -11), y)
            found = [item for item in found if item not in pipes]
            top, height = self.top(key) + _VALVE, box.height - _VALVE
            half = max(text_width(line, _SIZE) for line in box.lines) / 2 + 3
            x = at + (half if side == "right" else -half)
        else:
            top, height = self.top(key), box.height
        room = min(_PORT + 1, (height - 6) / max(len(found), 1))
        start = top + height / 2 - room * (len(found) - 1) / 2
        for j, (_, i, end) in enumerate(found):
            self.ends[i, end] = (x, start + room * j)

    def path(self, i: int) -> list[Point]:
        """Return the points of a line from end to end; a pipe is level as long as it is over the words of a flow."""
        line, route = self.lines[i], self.layout.routes[i]
        first, last = self.ends[i, "out"], self.ends[i, "in"]
        points = [first, *route, last]
        if line.sign == "pipe" and self.boxes[line.target].node.form == "flow":
            points.insert(-1, (self.edge(line.target, "left" if points[-2][0] < last[0] else "right"), last[1]))
        elif line.sign == "pipe":
            points.insert(1, (self.edge(line.source, "right" if points[1][0] > first[0] else "left"), first[1]))
        return points


def _n(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")


def _curve(points: Sequence[Point]) -> str:
    """Return a smooth line through points, level at each of them."""
    path = f"M{_n(points[0][0])},{_n(points[0][1])}"
    for (x0, y0), (x1, y1) in pairwise(points):
        if abs(y1 - y0) < 0.05:
            path += f"H{_n(x1)}"
            continue
        bend = (x1 - x0) * 0.5
        path += f"C{_n(x0 + bend)},{_n(y0)} {_n(x1 - bend)},{_n(y1)} {_n(x1)},{_n(y1)}"
    return path


def _head(at: Point, rightwards: bool, colour: str, size: float = 6.5) -> str:
    x, y = at
    back = x - size if rightwards else x + size
    return f'<path d="M{_n(x)},{_n(y)}L{_n(back)},{_n(y - size * 0.5)}V{_n(y + size * 0.5)}Z" fill="{colour}"/>'


def _link(points: Sequence[Point], sign: str) -> str:
    colour = _COLOURS[sign]
    rightwards = points[-1][0] >= points[-2][0]
    way = 1 if rightwards else -1
    end = (points[-1][0] - 5 * way, points[-1][1])
    body = f'<path d="{_curve([*points[:-1], end])}" fill="none" stroke="{colour}" stroke-width="1.3"{_DASHES[sign]}/>'
    x, y = points[-1][0] - 14 * way, points[-1][1]
    mark = (
        f'<circle cx="{_n(x)}" cy="{_n(y)}" r="5.2" fill="white"/><text x="{_n(x)}" y="{_n(y + 4)}" '
        f'text-anchor="middle" font-weight="bold" fill="{colour}">{SIGNS[sign]}</text>'
    )
    return body + _head(points[-1], rightwards, colour) + mark


def _pipe(points: Sequence[Point], arrow: bool) -> str:
    """Draw a pipe: a dark line with a light core, and an arrowhead where it enters a stock."""
    rightwards = points[-1][0] >= points[-2][0]
    if arrow:
        points = [*points[:-1], (points[-1][0] - (8 if rightwards else -8), points[-1][1])]
    path = _curve(points)
    lines = "".join(
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{_n(width)}"/>'
        for colour, width in ((theme.INK, _PIPE), ("#DDE1E5", _PIPE - 2.4))
    )
    if arrow:
        x, y = points[-1]
        lines += _head((x + (8 if rightwards else -8), y), rightwards, theme.INK, 13)
    return lines


def _cloud(x: float, y: float) -> str:
    """Draw the boundary of the model."""
    d = "m-11,4a5,5 0 0 1 1,-9a6.5,6.5 0 0 1 11.5,-3a5.5,5.5 0 0 1 7.5,5a4.5,4.5 0 0 1 0,8h-19.5z"
    return (
        f'<path transform="translate({_n(x)},{_n(y)})" d="{d}" fill="white" stroke="{theme.INK}" stroke-width="1.2"/>'
    )


def _beyond(x: float, y: float, name: str | None, way: int) -> str:
    """Draw what lies at the end of a pipe: a stock of another sector by its name, or the boundary of the model."""
    if name is None:
        return _cloud(x + 8 * way, y)
    side = "start" if way > 0 else "end"
    return (
        f'<text x="{_n(x + 4 * way)}" y="{_n(y + 4)}" text-anchor="{side}" font-size="{_SIZE - 1}" font-weight="bold" '
        f'fill="{theme.MUTED}">{escape(name)}</text>'
    )


def _flow(page: _Page, key: str) -> str:
    box = page.boxes[key]
    x, y = page.valve(key)
    shape = ""
    if box.ends[0] != "":
        shape += _pipe([(x - 30, y), (x - 10, y)], False) + _beyond(x - 30, y, box.ends[0], -1)
    if box.ends[1] != "":
        shape += _pipe([(x + 10, y), (x + 28, y)], True) + _beyond(x + 28, y, box.ends[1], 1)
    valve = f"M{_n(x - 11)},{_n(y - 8)}L{_n(x + 11)},{_n(y + 8)}V{_n(y - 8)}L{_n(x - 11)},{_n(y + 8)}Z"
    shape += f'<path d="{valve}" fill="white" stroke="{theme.INK}" stroke-width="1.6" stroke-linejoin="round"/>'
    if box.node.outcome:
        half = max(text_width(line) for line in box.lines) / 2 + 4
        height = box.height - _VALVE
        middle = page.top(key) + _VALVE + height / 2
        shape += _rect(x - half, middle - box.words_height / 2 - 2, 2 * half, box.words_height + 4, "outcome")
    return shape + _words(box, x, page.top(key) + _VALVE + (box.height - _VALVE) / 2)


_SHAPES = {
    "stock": f'fill="white" stroke="{theme.INK}" stroke-width="2.2"',
    "lever": f'rx="11" fill="{theme.BAND_OUTER}" stroke="{theme.BLUE}" stroke-width="1.6"',
    "process": f'rx="11" fill="white" stroke="{theme.PURPLE}" stroke-width="1.4" stroke-dasharray="5 2"',
    "other": f'rx="2" fill="#F4F5F6" stroke="{theme.RULE}" stroke-width="1"',
    "aux": f'rx="3" fill="white" stroke="{theme.RULE}" stroke-width="1"',
    "level": f'rx="3" fill="white" stroke="{theme.INK}" stroke-width="1.2"',
    "outcome": f'rx="3" fill="#FDF0D9" stroke="{theme.ORANGE}" stroke-width="2"',
}


def _rect(x: float, y: float, width: float, height: float, shape: str) -> str:
    return f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" {_SHAPES[shape]}/>'


def _words(box: _Box, x: float, middle: float) -> str:
    y = middle - box.words_height / 2 + _SIZE - 1.5
    style = ""
    if box.node.form == "flow":
        style = ' paint-order="stroke" stroke="white" stroke-width="3"'
    elif box.node.form == "stock":
        style = ' font-weight="bold"'
    elif box.node.form in ("other", "process"):
        style = ' font-style="italic"'
    found = [
        f'<text x="{_n(x)}" y="{_n(y + _LINE * i)}" text-anchor="middle"{style}>{escape(line)}</text>'
        for i, line in enumerate(box.lines)
    ]
    if box.note:
        y += _LINE * len(box.lines) - 1
        found.append(
            f'<text x="{_n(x)}" y="{_n(y)}" text-anchor="middle" font-size="{_SIZE - 2}" fill="{theme.MUTED}">'
            f"{escape(box.note)}</text>"
        )
    return "".join(found)


def _drawn_box(page: _Page, key: str, title: str) -> str:
    box = page.boxes[key]
    x, y = page.layout.places[key]
    if box.node.form == "flow":
        body = _flow(page, key)
    else:
        shape = "outcome" if box.node.outcome and box.node.form != "stock" else box.node.form
        left, top = x - box.width / 2, y - box.height / 2
        body = ""
        if box.node.outcome and box.node.form == "stock":
            body = _rect(left - 3.5, top - 3.5, box.width + 7, box.height + 7, "outcome")
        body += _rect(left, top, box.width, box.height, shape) + _words(box, x, y)
    return f"<g><title>{escape(title)}</title>{body}</g>"


# ---- the page


def sector_svg(built: CorridorModel, sector: str, texts: Texts, most: int = graph.MOST) -> str:
    """Draw the causal diagram of a sector.

    Raises:
        InputError: there is no such sector.
    """
    diagram = _repeated(graph.diagram(built, sector, most))
    lines = _lines_of(diagram)
    busy = {key: _ports(key, lines, diagram) for key in diagram.nodes}
    boxes = {key: _box(built, node, texts, busy[key], diagram) for key, node in diagram.nodes.items()}
    sizes = {key: (box.width, box.height) for key, box in boxes.items()}
    page = _Page(boxes, lines, layered(sizes, _arrows(lines), gap_x=30.0))
    parts = [_link(page.path(i), line.sign) for i, line in enumerate(lines) if line.sign != "pipe"]
    pipes = [_pipe(page.path(i), diagram.nodes[line.target].form == "stock") for i, line in _pipes(lines)]
    drawn = [_drawn_box(page, key, f"{box.node.key}: {_meaning(built, box.node, texts)}") for key, box in boxes.items()]
    name = upper_first(sector_name(sector, texts))
    note = _say(texts, "left_out", count=len(diagram.left_out)) if diagram.left_out else ""
    legend, legend_width = _legend(diagram, texts)
    width, height = max(page.layout.width, legend_width, text_width(note)), page.layout.height
    body = f'<g transform="translate({_n((width - page.layout.width) / 2)},30)">{"".join([*pipes, *parts, *drawn])}</g>'
    body += f'<text y="14" font-size="15" font-weight="bold">{escape(_say(texts, "title", sector=name))}</text>'
    body += f'<g transform="translate(0,{_n(height + 56)})">{legend}</g>'
    if note:
        body += f'<text y="{_n(height + 82)}" fill="{theme.MUTED}">{escape(note)}</text>'
    desc = _say(texts, "desc", sector=name, boxes=len(boxes), links=len(diagram.links))
    return _svg(body, width, height + (92 if note else 68), _say(texts, "title", sector=name), desc, texts.lang)


def _pipes(lines: Sequence[_Line]) -> list[tuple[int, _Line]]:
    return [(i, line) for i, line in enumerate(lines) if line.sign == "pipe"]


def _ports(key: str, lines: Sequence[_Line], diagram: Diagram) -> int:
    """Return how many lines a box must have room for on its busier side."""
    flow = diagram.nodes[key].form == "flow"
    counted = [line for line in lines if not (flow and line.sign == "pipe")]
    return max(sum(line.target == key for line in counted), sum(line.source == key for line in counted))


def _svg(body: str, width: float, height: float, title: str, desc: str, lang: str) -> str:
    w, h = width + 2 * _MARGIN, height + 2 * _MARGIN
    mark = re.sub(r"\W+", "-", f"{title}-{lang}".lower()).strip("-")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(w)}" height="{_n(h)}" viewBox="0 0 {_n(w)} {_n(h)}" '
        f'role="img" lang="{lang}" aria-labelledby="t-{mark} d-{mark}" font-family="{theme.FONT}" font-size="{_SIZE}" '
        f'fill="{theme.INK}"><title id="t-{mark}">{escape(title)}</title><desc id="d-{mark}">{escape(desc)}</desc>'
        f'<rect width="100%" height="100%" fill="white"/><g transform="translate({_MARGIN},{_MARGIN})">\n'
        + body.replace("<g><title>", "\n<g><title>")
        + "\n</g></svg>\n"
    )


def _legend(diagram: Diagram, texts: Texts) -> tuple[str, float]:
    """Return one row that explains the marks used, and its width."""
    forms = {node.form for node in diagram.nodes.values() if not (node.form == "aux" and node.outcome)}
    x, found = 0.0, []
    for form in ("stock", "flow", "aux", "level", "lever", "process", "other"):
        if form not in forms:
            continue
        words = _say(texts, form)
        if form == "flow":
            found.append(_pipe([(x, 0), (x + 20, 0)], False) + _pipe([(x + 30, 0), (x + 56, 0)], True))
            valve = f"M{_n(x + 16)},-8L{_n(x + 38)},8V-8L{_n(x + 16)},8Z"
            found.append(f'<path d="{valve}" fill="white" stroke="{theme.INK}" stroke-width="1.6"/>')
            width = 56.0
        else:
            width = 26.0
            found.append(_rect(x, -8, width, 16, form))
        found.append(f'<text x="{_n(x + width + 6)}" y="4">{escape(words)}</text>')
        x += width + 6 + text_width(words) + 20
    if any(node.outcome for node in diagram.nodes.values()):
        words = _say(texts, "outcome")
        found.append(_rect(x, -8, 26, 16, "outcome") + f'<text x="{_n(x + 32)}" y="4">{escape(words)}</text>')
        x += 32 + text_width(words) + 20
    for sign in ("+", "-", "?"):
        if any(link.sign == sign for link in diagram.links):
            words = _say(texts, sign)
            found.append(_link([(x, 0), (x + 40, 0)], sign) + f'<text x="{_n(x + 46)}" y="4">{escape(words)}</text>')
            x += 46 + text_width(words) + 20
    return "".join(found), x


# ---- the sectors among themselves


def overview_svg(built: CorridorModel, texts: Texts) -> str:
    """Draw the sectors on a ring, with the number of links from one to another."""
    parts, links = graph.overview(built)
    names = [part.name for part in parts]
    links = {pair: count for pair, count in links.items() if pair[0] in names and pair[1] in names}
    order = _ring(names, links)
    across, down = 350.0, 260.0
    middle = {
        name: (
            across * math.sin(2 * math.pi * i / len(order)),
            -down * math.cos(2 * math.pi * i / len(order)),
        )
        for i, name in enumerate(order)
    }
    boxes, sizes = [], {}
    for part in parts:
        counts = [_HOLDS[key][texts.lang].format(count=getattr(part, key)) for key in _HOLDS if getattr(part, key) > 0]
        lines = textwrap.wrap(", ".join(counts), 26)
        title = upper_first(sector_name(part.name, texts))
        width = max(text_width(title, 14, True), *(text_width(line, 11) for line in lines)) + 24
        height = 26 + 13 * len(lines)
        sizes[part.name] = (width, height)
        x, y = middle[part.name]
        words = "".join(
            f'<text x="{_n(x)}" y="{_n(y - height / 2 + 31 + 13 * i)}" text-anchor="middle" font-size="11" '
            f'fill="{theme.MUTED}">{escape(line)}</text>'
            for i, line in enumerate(lines)
        )
        boxes.append(
            f'<rect x="{_n(x - width / 2)}" y="{_n(y - height / 2)}" width="{_n(width)}" height="{_n(height)}" rx="6" '
            f'fill="white" stroke="{theme.INK}" stroke-width="1.6"/>'
            f'<text x="{_n(x)}" y="{_n(y - height / 2 + 17)}" text-anchor="middle" font-size="14" font-weight="bold">'
            f"{escape(title)}</text>{words}"
        )
    arrows = [
        _bow(middle[a], middle[b], sizes[a], sizes[b], count, _say(texts, "links", a=a, b=b, count=count))
        for (a, b), count in sorted(links.items(), key=lambda item: item[1])
    ]
    wide = max(abs(x) + sizes[name][0] / 2 for name, (x, _) in middle.items())
    high = max(abs(y) + sizes[name][1] / 2 for name, (_, y) in middle.items())
    title = _say(texts, "sectors")
    body = (
        f'<text y="14" font-size="15" font-weight="bold">{escape(title)}</text>'
        f'<text y="34" fill="{theme.MUTED}">{escape(_say(texts, "sectors_desc"))}</text>'
        f'<g transform="translate({_n(wide)},{_n(high + 56)})">{"".join(line for line, _ in arrows)}'
        f"{''.join(boxes)}{''.join(mark for _, mark in arrows)}</g>"
    )
    return _svg(body, 2 * wide, 2 * high + 60, title, _say(texts, "sectors_desc"), texts.lang)


def _ring(names: Sequence[str], links: Mapping[tuple[str, str], int]) -> list[str]:
    """Return an order on a ring that keeps sectors with many links close together (swaps until none helps)."""
    order = list(names)

    def cost() -> float:
        at = {name: i for i, name in enumerate(order)}
        count = len(order)
        steps = {(a, b): min(abs(at[a] - at[b]), count - abs(at[a] - at[b])) for a, b in links}
        return sum(n * math.sqrt(steps[pair] ** 3) for pair, n in links.items())

    best, better = cost(), True
    while better:
        better = False
        for i in range(len(order)):
            for j in range(i + 1, len(order)):
                order[i], order[j] = order[j], order[i]
                now = cost()
                if now < best - 1e-9:
                    best, better = now, True
                else:
                    order[i], order[j] = order[j], order[i]
    return order


def _bow(a: Point, b: Point, size_a: Point, size_b: Point, count: int, title: str) -> tuple[str, str]:
    """Draw a bent arrow between two boxes; the two directions of a pair bend away from each other."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = math.hypot(dx, dy)
    bend = 0.10 * length
    control = ((a[0] + b[0]) / 2 - dy / length * bend, (a[1] + b[1]) / 2 + dx / length * bend)
    start, end = _border(a, control, size_a, 3), _border(b, control, size_b, 5)
    width = 1.0 + 0.9 * math.sqrt(count)
    angle = math.atan2(end[1] - control[1], end[0] - control[0])
    size = 7 + 1.5 * width
    base = (end[0] - size * 0.8 * math.cos(angle), end[1] - size * 0.8 * math.sin(angle))
    turned = [(math.cos(angle + turn), math.sin(angle + turn)) for turn in (0.42, -0.42)]
    corners = [end, *((end[0] - size * c, end[1] - size * s) for c, s in turned)]
    line = (
        f'<path d="M{_n(start[0])},{_n(start[1])}Q{_n(control[0])},{_n(control[1])} {_n(base[0])},{_n(base[1])}" '
        f'fill="none" stroke="{theme.BLUE}" stroke-opacity="0.65" stroke-width="{_n(width)}"/>'
        f'<path d="M{"L".join(f"{_n(x)},{_n(y)}" for x, y in corners)}Z" fill="{theme.BLUE}"/>'
    )
    t = 0.5
    x = (1 - t) ** 2 * start[0] + 2 * t * (1 - t) * control[0] + t**2 * end[0]
    y = (1 - t) ** 2 * start[1] + 2 * t * (1 - t) * control[1] + t**2 * end[1]
    mark = (
        f"<g><title>{escape(title)}</title>"
        f'<circle cx="{_n(x)}" cy="{_n(y)}" r="9" fill="white" stroke="{theme.BLUE}"/>'
        f'<text x="{_n(x)}" y="{_n(y + 4)}" text-anchor="middle" font-size="11" font-weight="bold">{count}</text></g>'
    )
    return line, mark


def _border(box: Point, toward: Point, size: Point, gap: float) -> Point:
    """Return where a line from the middle of a box towards a point leaves the box, a little outside."""
    dx, dy = toward[0] - box[0], toward[1] - box[1]
    scale = min(
        (size[0] / 2 + gap) / abs(dx) if dx else math.inf,
        (size[1] / 2 + gap) / abs(dy) if dy else math.inf,
    )
    return box[0] + dx * scale, box[1] + dy * scale


__all__ = ["label", "overview_svg", "readable", "sector_name", "sector_svg", "short", "text_width"]
