"""The evidence register: every citation in the model can be followed to an entry, and the entries are whole."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "acuerdo"
MODEL = PACKAGE / "corridors" / "us_mexico" / "model"
DOCUMENT = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")

ENTRY = r"(?:[MDT]\d{1,2}|A0\.\d|part [A-Z])\b"
REMARK = r"(?: \([^)]*\))?"
# "register M4", "register D1, D2", "register M3 (times 0.45) and M5", "register A0.2", "register, part E"
CITED = re.compile(rf"\bregister,? ({ENTRY}{REMARK}(?:(?:, and |, | and ){ENTRY}{REMARK})*)")
HEADING = re.compile(r'^#{2,3} <a id="([\w-]+)"></a>(?:([MDT]\d+)\. |(A0\.\d) |(Part [A-Z])\. )?', re.MULTILINE)


def cited_in(text: str) -> list[str]:
    """Ids that a source text cites, in order; parts as "part E"."""
    found = CITED.findall(" ".join(text.split()))
    return [name for group in found for name in re.findall(ENTRY, re.sub(r"\([^)]*\)", "", group))]


def yaml_sources(item: Any) -> Iterator[str]:
    if isinstance(item, dict):
        for key, value in item.items():
            if key == "source" and isinstance(value, str):
                yield value
            else:
                yield from yaml_sources(value)
    elif isinstance(item, list):
        for value in item:
            yield from yaml_sources(value)


def python_sources(tree: ast.AST) -> Iterator[str]:
    """Source texts of equations, and other text that begins with a citation."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "source" and isinstance(node.value, ast.Constant):
            yield str(node.value.value)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and CITED.match(node.value):
            yield node.value


def sources() -> Iterator[tuple[str, str]]:
    for path in sorted(MODEL.glob("*.yaml")):
        for text in yaml_sources(yaml.safe_load(path.read_text(encoding="utf-8"))):
            yield path.name, text
    for path in [*sorted(MODEL.glob("*.py")), *sorted((PACKAGE / "engine").glob("*.py"))]:
        for text in python_sources(ast.parse(path.read_text(encoding="utf-8"))):
            yield path.name, text


def entries() -> dict[str, str]:
    """Text of each entry by id, and of each part as "part E"."""
    heads = list(HEADING.finditer(DOCUMENT))
    ends = [head.start() for head in heads[1:]] + [len(DOCUMENT)]
    names = [head[2] or head[3] or (head[4] or "").replace("Part", "part") for head in heads]
    return {name: DOCUMENT[head.end() : end] for name, head, end in zip(names, heads, ends, strict=True) if name}


SOURCES = list(sources())
ENTRIES = entries()


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("register M4: net effect of a full surge", ["M4"]),
        ("register M3 and M5", ["M3", "M5"]),
        ("register M3 (times 0.45) and M5 (-40 %)", ["M3", "M5"]),
        ("register D1, D2: gross weight is pure weight by purity", ["D1", "D2"]),
        ("register D8, D7, D14, D15: controls", ["D8", "D7", "D14", "D15"]),
        ("assumption; register A0.2", ["A0.2"]),
        ("returns go on after 11 May (register, part E)", ["part E"]),
        ("register D12 and critique of register D7", ["D12", "D7"]),
        ("register M10 for Mexico and the northern Triangle", ["M10"]),
        ("federalregister.gov document 2023-14472", []),
        ("times that an authority registers a person", []),
    ],
)
def test_citations_are_found(text: str, ids: list[str]) -> None:
    assert cited_in(text) == ids


def test_every_citation_has_an_entry() -> None:
    missing = {(where, name) for where, text in SOURCES for name in cited_in(text) if name not in ENTRIES}
    assert not missing
    assert len({name for _, text in SOURCES for name in cited_in(text)}) > 30


def test_every_mention_of_the_register_names_an_entry() -> None:
    vague = [(where, text) for where, text in SOURCES if re.search(r"\bregister\b", text) and not cited_in(text)]
    assert not vague


def test_entries_are_complete_and_in_order() -> None:
    wanted = [f"M{i}" for i in range(1, 18)] + [f"D{i}" for i in range(1, 18)] + [f"T{i}" for i in range(1, 5)]
    found = [name for name in ENTRIES if re.fullmatch(r"[MDT]\d+", name)]
    assert found == wanted


@pytest.mark.parametrize("name", [name for name in ENTRIES if re.fullmatch(r"[MDT]\d+", name)])
def test_entry_is_whole(name: str) -> None:
    text = ENTRIES[name]
    for part in ("Sources say", "Prior", "Lag and decay", "Strength", "Addresses"):
        assert f"- **{part}:**" in text
    strength = text.split("**Strength:**")[1].split("\n- ")[0]
    assert re.search(r"\b(strong|moderate|weak|assumption)\b", strength)
    claims, addresses = text.split("- **Addresses:**")
    claims = " ".join(claims.split())
    numbers = {int(n) for group in re.findall(r"\[(\d+(?:, \d+)*)\]", claims) for n in group.split(", ")}
    listed = [int(n) for n in re.findall(r"^  (\d+)\. ", addresses, re.MULTILINE)]
    assert listed == sorted(numbers) == list(range(1, len(listed) + 1))


def test_names_used_are_those_of_the_model() -> None:
    names: set[str] = set()
    for file in ("parameters.yaml", "levers.yaml"):
        names |= set(yaml.safe_load((MODEL / file).read_text(encoding="utf-8")))
    lines = [line for text in ENTRIES.values() for line in re.findall(r"\*\*Used by:\*\*((?:.|\n  )*)", text)]
    used = {name for line in lines for name in re.findall(r"`(\w+)`", line)}
    assert used
    assert used <= names


def test_links_inside_the_document_lead_somewhere() -> None:
    anchors = set(re.findall(r'<a id="([\w-]+)"></a>', DOCUMENT))
    assert set(re.findall(r"\]\(#([\w-]+)\)", DOCUMENT)) <= anchors
    assert len(anchors) == len(re.findall(r'<a id="', DOCUMENT))


def test_the_document_stands_alone() -> None:
    assert not re.search(r"/(?:home|tmp|root|work)/|(?<!\.)\.\./|\bS\d{1,3}\b", DOCUMENT)
    assert DOCUMENT.index('## <a id="a0">') < DOCUMENT.index('## <a id="labels">') < DOCUMENT.index("M1. ")


def test_hindsight_of_a_2023_brief_is_named() -> None:
    last = DOCUMENT.split("\n## ")[-1]
    assert "Evidence published after an as-of date" in last
    assert "**M4**" in last
    assert "**M5**" in last
    assert "November 2026" in last
