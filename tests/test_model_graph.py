"""Signs of links, layout and drawings; and the reference in docs/model is the one that the model gives."""

from __future__ import annotations

import math
import re
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from typer.testing import CliRunner

from acuerdo.engine import drawing, graph, layout, ops, reference, signs
from acuerdo.engine.declare import TIME_STEP
from acuerdo.engine.expr import Call, Const, Expr, Var
from acuerdo.engine.load import CorridorModel, load_model
from acuerdo.engine.mathematics import names
from acuerdo.engine.signs import Range, bounds, polarity
from acuerdo.errors import InputError
from acuerdo.i18n import Texts
from acuerdo.model_commands import app

LANGS = ("en", "es")
DOCS = Path(__file__).parents[1] / "docs" / "model"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def built() -> CorridorModel:
    return load_model()


@pytest.fixture(scope="module")
def polarities(built: CorridorModel) -> dict[tuple[str, str], str]:
    return dict(signs.polarities(built))


# --- signs ------------------------------------------------------------------------------------------------------------

x, y, p, s, free = (Var(name) for name in ("x", "y", "p", "s", "free"))
KNOWN = {
    "x": Range(0, math.inf),
    "y": Range(0, math.inf),
    "p": Range(0, 1),
    "s": Range(0, 1),
    "free": Range(-math.inf, math.inf),
}


@pytest.mark.parametrize(
    ("tree", "name", "sign"),
    [
        (x * y, "x", "+"),
        (x / y, "y", "-"),
        (x * (1 - p), "x", "+"),
        (x * (1 - p), "p", "-"),
        (x * free, "x", "?"),
        (ops.exp(-x * y), "x", "-"),
        (ops.exp(free), "free", "+"),
        (free * free, "free", "?"),
        (x * 0.0, "x", "0"),
        (ops.minimum(x, y), "x", "+"),
        (ops.minimum(x, 1 - x), "x", "?"),
        (ops.maximum(x - y, 0.1 * x), "x", "+"),
        (ops.maximum(x - y, 0.1 * x), "y", "-"),
        (ops.clip(1 - p * x, 0.5, 1.2), "x", "-"),
        (x / (x + y), "x", "+"),  # equal terms cancel
        (x / (x + y), "y", "-"),
        (x / (1 - p) / y, "p", "+"),
        (p / (1 - p), "p", "+"),
        (ops.ratio(x, y + p * x), "x", "+"),
        (ops.ratio(x, ops.total(x, "place")), "x", "?"),  # one's own share rises, that of the others falls
        (x * ops.ratio(y, ops.total(y, "place")), "x", "+"),
        (ops.power(x, y), "x", "+"),
        (ops.power(x, -y), "x", "-"),
        (ops.power(p, y), "y", "-"),
        (ops.power(x, y), "y", "?"),
        (ops.log(x), "x", "+"),
        (x * (1 - ops.exp(-ops.ratio(y * p, x))), "x", "+"),  # nearly the smaller of two
        (x * (1 - ops.exp(-ops.ratio(y * p, x))), "y", "+"),
        (x / ops.power(1 + ops.power(x / 0.9, 12), 1 / 12), "x", "+"),  # held below 0.9, smoothly
        (1 - (x * y) / ops.power(1 + ops.power(x * y / 0.9, 4), 1 / 4), "y", "-"),
        (x / ops.power(1 + ops.power(x / 0.9, 12), 1 / 6), "x", "?"),  # falls again where x is large
        (x / ops.power(1 + ops.power(y / 0.9, 12), 1 / 12), "y", "-"),
        (1 - (s * p + (1 - s) * Const(0.5)), "x", "0"),
        (x * (1 - (s * p + (1 - s) * Const(0.5))), "x", "+"),  # a mixture of shares is a share
        (s * p + (1 - s) * Const(0.5), "s", "?"),
    ],
)
def test_polarity(tree: Expr, name: str, sign: str) -> None:
    assert polarity(tree, name, KNOWN) == sign


@pytest.mark.parametrize(
    ("tree", "found"),
    [
        (1 - p, (0, 1)),
        (p * 2 + 1, (1, 3)),
        (1 / (1 + p), (0.5, 1)),
        (ops.exp(-x), (0, 1)),
        (x / (x + y), (0, 1)),
        (free / free, (-math.inf, math.inf)),
        (ops.ratio(1 + p, y), (0, math.inf)),
        (ops.power(p, Const(2.0)), (0, 1)),
        (ops.total(p, "place"), (0, 3)),
        (x / ops.power(1 + ops.power(x / 0.9, 12), 1 / 12), (0, 0.9)),
        (p / ops.power(1 + ops.power(p / 2.0, 12), 1 / 12), (0, 1)),
        (x / ops.power(1 + ops.power(x / 0.9, 12), 1 / 6), (0, math.inf)),
    ],
)
def test_bounds(tree: Expr, found: tuple[float, float]) -> None:
    assert bounds(tree, KNOWN, {"place": 3}) == pytest.approx(found)


def test_levels_are_held_to_what_they_tend_to(built: CorridorModel) -> None:
    known = signs.ranges(built)
    for name, lever in built.levers.items():
        if lever.over is None:
            assert known[name] == Range(*lever.range)
    for stock in built.model.of_kind("stock", "flow"):
        assert known[stock.name].low >= 0


OPERATIONS: dict[str, Any] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "exp": np.exp, "log": np.log,
    "min": np.minimum, "max": np.maximum, "pow": lambda a, b: np.maximum(a, 1e-12) ** b,
    "ratio": lambda a, b: np.where(b > 0, a / np.where(b > 0, b, 1.0), 0.0),
}  # fmt: skip


def compute(node: Expr, env: dict[str, Any]) -> Any:
    if isinstance(node, Var):
        return env[node.name]
    if isinstance(node, Const):
        return np.asarray(node.value)
    assert isinstance(node, Call)
    args = [compute(arg, env) for arg in node.args]
    return args[0].sum(axis=0) if node.op == "total" else OPERATIONS[node.op](*args)


def test_signs_hold_at_random_places(built: CorridorModel, polarities: dict[tuple[str, str], str]) -> None:
    """Where a sign was told, no place within the ranges contradicts it, whichever member is raised."""
    rng, known, model = np.random.default_rng(7), signs.ranges(built), built.model
    draws = 300

    def drawn(name: str) -> Any:
        low, high = known[name]
        unit = "month" if name == TIME_STEP else model.variables[name].unit
        most = 6.0 if unit == "1" else 1e5
        if high > low:
            low, high = max(low, -most), min(high, max(low, 0.0) + most)
        over = None if name == TIME_STEP else model.variables[name].over
        return rng.uniform(low, high, (len(built.members(over)), draws) if over else draws)

    for variable in model.variables.values():
        if variable.equation is None:
            continue
        tree = variable.tree()
        env = {name: drawn(name) for name in names(tree)}
        with np.errstate(all="ignore"):
            before = compute(tree, env)
            for name in env:
                sign = polarities.get((name, variable.name))
                if sign is None or sign == "?" or name == variable.name:
                    continue
                more = env[name] + 1e-4 * np.maximum(np.abs(env[name]), 1e-3)
                if more.ndim == 2:  # one member alone
                    raised = rng.integers(0, more.shape[0], draws)
                    more = np.where(np.arange(more.shape[0])[:, None] == raised, more, env[name])
                change = compute(tree, {**env, name: more}) - before
                change = change[np.isfinite(change)]
                slack = 1e-9 * np.nanmax(np.abs(np.where(np.isfinite(before), before, 0.0)), initial=1.0)
                if sign in ("+", "0"):
                    assert (change >= -slack).all(), (name, variable.name, sign)
                if sign in ("-", "0"):
                    assert (change <= slack).all(), (name, variable.name, sign)


def test_flows_fill_and_empty_stocks(built: CorridorModel, polarities: dict[tuple[str, str], str]) -> None:
    for flow in built.model.of_kind("flow"):
        if flow.enters:
            assert polarities[flow.name, flow.enters] == "+"
        if flow.leaves:
            assert polarities[flow.name, flow.leaves] == "-"


def test_most_links_between_equations_have_a_sign(built: CorridorModel, polarities: dict[tuple[str, str], str]) -> None:
    kinds = ("aux", "flow", "stock", "level")
    told = [sign for (one, _), sign in polarities.items() if built.model.variables[one].kind in kinds]
    assert sum(sign == "?" for sign in told) / len(told) < 0.1


# --- layout -----------------------------------------------------------------------------------------------------------


def some_layout() -> tuple[dict[str, tuple[float, float]], list[layout.Arrow], layout.Layout]:
    rng = np.random.default_rng(3)
    sizes = {f"n{i}": (float(rng.integers(40, 120)), float(rng.integers(16, 60))) for i in range(30)}
    pairs = {tuple(rng.choice(30, 2, replace=False)) for _ in range(50)}
    arrows = [layout.Arrow(f"n{a}", f"n{b}") for a, b in sorted(pairs)]
    return sizes, arrows, layout.layered(sizes, arrows)


def test_boxes_do_not_overlap() -> None:
    sizes, _, found = some_layout()
    for one, other in combinations(sizes, 2):
        (ax, ay), (bx, by) = found.places[one], found.places[other]
        apart_x = abs(ax - bx) - (sizes[one][0] + sizes[other][0]) / 2
        apart_y = abs(ay - by) - (sizes[one][1] + sizes[other][1]) / 2
        assert apart_x > -1e-6 or apart_y > -1e-6, (one, other)
    for name, (left, top) in found.places.items():
        width, height = sizes[name]
        assert left - width / 2 >= -1e-6
        assert left + width / 2 <= found.width + 1e-6
        assert top - height / 2 >= -1e-6
        assert top + height / 2 <= found.height + 1e-6


def test_layout_is_the_same_every_time() -> None:
    assert some_layout()[2] == some_layout()[2]


def test_arrows_point_to_the_right_unless_they_close_a_circle() -> None:
    chain = [layout.Arrow(a, b) for a, b in ("ab", "bc", "cd", "ad")]
    layer = layout.layers_of("abcd", chain)
    assert [layer[name] for name in "abcd"] == [0, 1, 2, 3]
    assert layout.layers_of("abc", [layout.Arrow(a, b) for a, b in ("ab", "bc", "ca")]) == {"a": 0, "b": 1, "c": 2}
    found = layout.layered(dict.fromkeys("abcd", (10.0, 10.0)), chain)
    assert len(found.routes[3]) == 4  # the long arrow goes round two layers
    assert layout.layered({}, []).places == {}


# --- diagrams ---------------------------------------------------------------------------------------------------------


def test_diagrams_hold_stocks_flows_levers_and_outcomes(built: CorridorModel) -> None:
    outcomes = {entry["variable"] for entry in built.corridor.yaml("model", "outcomes.yaml").values()}
    parts = graph.lever_parts(built)
    for sector in graph.sectors(built):
        found = graph.diagram(built, sector)
        own = [v for v in built.model.variables.values() if v.sector == sector and v.name not in parts]
        for variable in own:
            if variable.kind in ("stock", "flow", "level") or variable.name in outcomes:
                assert variable.name in found.nodes, variable.name
        shown = {node.key for node in found.nodes.values()} | set(found.left_out)
        assert {v.name for v in own if v.kind in ("stock", "flow", "level", "aux")} <= shown
        users = {parts[need] for v in own for need in v.depends if need in parts}
        levers = {node.key for node in found.nodes.values() if node.form == "lever"}
        assert levers <= users
        for link in found.links:
            assert link.source in found.nodes
            assert link.target in found.nodes
            assert link.sign in "+-?"


def test_levers_of_a_large_sector_still_reach_what_they_move(built: CorridorModel) -> None:
    for sector in graph.sectors(built):
        whole, short = graph.diagram(built, sector, 10_000), graph.diagram(built, sector)
        assert len(short.nodes) <= len(whole.nodes)
        for key, node in short.nodes.items():
            if node.form == "lever":
                ends = {k for k, n in short.nodes.items() if n.form in ("flow", "stock") or n.outcome}
                assert reached(whole, key) & ends <= reached(short, key), key


def reached(found: graph.Diagram, start: str) -> set[str]:
    seen, edge = {start}, [start]
    while edge:
        at = edge.pop()
        after = [link.target for link in found.links if link.source == at]
        edge += [name for name in after if name not in seen]
        seen |= set(after)
    return seen


def test_signs_along_a_way_are_multiplied() -> None:
    nodes = {name: graph.Node(name, "aux", "one") for name in "abc"}
    arrows: dict[tuple[str, str], Any] = {("a", "b"): "-", ("b", "c"): "-"}
    graph._leave_out("b", nodes, arrows)
    assert arrows == {("a", "c"): "+"}
    nodes = {name: graph.Node(name, "aux", "one") for name in "abc"}
    arrows = {("a", "b"): "-", ("b", "c"): "+", ("a", "c"): "+"}
    graph._leave_out("b", nodes, arrows)
    assert arrows == {("a", "c"): "?"}


@pytest.mark.parametrize("lang", LANGS)
def test_pictures_are_well_formed_and_named(built: CorridorModel, lang: str) -> None:
    texts = Texts(lang, built.corridor)
    for sector in (None, *graph.sectors(built)):
        svg = drawing.overview_svg(built, texts) if sector is None else drawing.sector_svg(built, sector, texts)
        root = ElementTree.fromstring(svg)
        assert root.tag == f"{SVG}svg"
        assert root.get("lang") == lang
        ids = {element.get("id") for element in root.iter() if element.get("id")}
        assert set((root.get("aria-labelledby") or "").split()) <= ids
        attributes = re.sub(r">[^<]*<", "><", svg)
        assert not re.search(r"\b(nan|inf)\b", attributes)
        if sector is None:
            continue
        titles = {t.text.split(":")[0] for t in root.iter(f"{SVG}title") if t.text}
        assert {node.key for node in graph.diagram(built, sector).nodes.values()} <= titles
        left, _, right, bottom = (float(number) for number in (root.get("viewBox") or "").split())
        for text in root.iter(f"{SVG}text"):
            assert text.text
        assert left == 0
        assert right < 2400
        assert bottom < 1400


def test_overview_counts_links_between_sectors(built: CorridorModel) -> None:
    parts, found = graph.overview(built)
    assert [part.name for part in parts] == graph.sectors(built)
    assert sum(part.stocks for part in parts) == len(built.model.of_kind("stock"))
    assert sum(part.flows for part in parts) == len(built.model.of_kind("flow"))
    assert all(a != b and count > 0 for (a, b), count in found.items())


@pytest.mark.parametrize(
    ("meaning", "label"),
    [
        ("Personas en camino por México.", "Personas en camino por México"),
        ("Desaliento del cruce irregular, en logaritmos, por el parole.", "Desaliento del cruce irregular"),
        ("Personas expulsadas que no lo intentan; las demás permanecen.", "Personas expulsadas que no lo intentan"),
        ("Agua, sal.", "Agua, sal"),
    ],
)
def test_short_label(meaning: str, label: str) -> None:
    assert drawing.short(meaning) == label


def test_unknown_sector(built: CorridorModel) -> None:
    with pytest.raises(InputError, match=r"sector: 'trad' is not valid.*nearest valid: trade"):
        graph.diagram(built, "trad")


def test_command_draws_to_a_file_or_standard_output(built: CorridorModel, tmp_path: Path) -> None:
    sector = graph.sectors(built)[-1]
    assert run.invoke(app, ["graph"]).stdout.startswith("<svg")
    out = tmp_path / "new" / "sector.svg"
    assert run.invoke(app, ["graph", "--sector", sector, "--lang", "es", "--out", str(out)]).exit_code == 0
    assert 'lang="es"' in out.read_text(encoding="utf-8")
    assert [path.name for path in out.parent.iterdir()] == ["sector.svg"]


run = CliRunner()

# --- the reference ----------------------------------------------------------------------------------------------------

COORDINATES = re.compile(r"-?\d+(?:\.\d+)?")


@pytest.fixture(scope="module")
def pages(built: CorridorModel) -> dict[str, str]:
    return reference.reference(built, reference.anchors(DOCS))


def same_picture(one: str, other: str) -> bool:
    """Tell whether two pictures differ only in the last digit of their coordinates."""
    if COORDINATES.sub("#", one) != COORDINATES.sub("#", other):
        return False
    pairs = zip(COORDINATES.findall(one), COORDINATES.findall(other), strict=True)
    return all(abs(float(a) - float(b)) <= 0.2 for a, b in pairs)


def test_reference_in_docs_is_up_to_date(pages: dict[str, str]) -> None:
    hint = f"run: {reference.COMMAND}"
    have = {path.name for path in DOCS.glob("*")}
    assert have == set(pages), f"docs/model holds other files than the model gives; {hint}"
    stale = []
    for name, content in pages.items():
        text = (DOCS / name).read_text(encoding="utf-8")
        if not (same_picture(text, content) if name.endswith(".svg") else text == content):
            stale.append(name)
    assert not stale, f"{', '.join(stale)} in docs/model: the model has changed; {hint}"


def test_every_variable_has_its_place_and_every_link_an_end(built: CorridorModel, pages: dict[str, str]) -> None:
    anchors = {name: set(re.findall(r'<a id="([\w-]+)"></a>', text)) for name, text in pages.items()}
    placed = [anchor for name, found in anchors.items() if name.endswith(".md") for anchor in found]
    assert sorted(placed) == sorted(built.model.variables)
    evidence = reference.anchors(DOCS)
    assert evidence
    for name, text in pages.items():
        if not name.endswith(".md"):
            continue
        assert text.count("```") % 2 == 0
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            page, _, anchor = target.partition("#")
            if page == "../evidence.md":
                assert not anchor or anchor in evidence, target
            elif page == "../method.md":
                assert (DOCS.parent / "method.md").exists()
            else:
                assert (page or name) in pages, target
                assert not anchor or anchor in anchors[page or name], f"{name}: {target}"


def test_every_entry_has_meaning_source_and_mathematics(built: CorridorModel, pages: dict[str, str]) -> None:
    text = "\n".join(content for name, content in pages.items() if name.endswith(".md"))
    plain = text.replace("\\", "")
    for variable in built.model.variables.values():
        for lang in LANGS:
            assert built.meanings[variable.name][lang].replace("\\", "") in plain, variable.name
        if variable.equation is not None:
            assert f"\\mathrm{{{variable.name.replace('_', chr(92) + '_')}}}" in text, variable.name
    assert text.count("```math") >= len([v for v in built.model.variables.values() if v.kind in ("aux", "flow")])


def test_command_writes_the_reference_and_clears_pages_of_sectors_that_are_no_more(
    tmp_path: Path, pages: dict[str, str]
) -> None:
    (tmp_path / "gone.md").write_text("old", encoding="utf-8")
    assert run.invoke(app, ["reference", "--out", str(tmp_path)]).exit_code == 0
    assert {path.name for path in tmp_path.iterdir()} == set(pages)
