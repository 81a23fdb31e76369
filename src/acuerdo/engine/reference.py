"""The model reference: one page for each sector, generated from the declarations, with its diagrams."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from acuerdo.engine import drawing, graph
from acuerdo.engine.describe import KINDS, ROLES, catalogue
from acuerdo.engine.load import CorridorModel
from acuerdo.engine.mathematics import indices
from acuerdo.engine.signs import Polarity, polarities
from acuerdo.i18n import Texts, upper_first

COMMAND = "acuerdo model reference --out docs/model"
INDEX = "index.md"
_EVIDENCE = "../evidence.md"
_SECTIONS = (
    ("stock", "Stocks"),
    ("level", "Levels"),
    ("flow", "Flows"),
    ("aux", "Auxiliaries"),
)


def reference(built: CorridorModel, evidence: Collection[str] = ()) -> dict[str, str]:
    """Return the pages and diagrams of the reference by file name.

    Args:
        built: the model.
        evidence: anchors of the evidence register; entries that sources name are linked to them.
    """
    writer = _Writer(built, evidence)
    texts = {lang: Texts(lang, built.corridor) for lang in built.corridor.about["locales"]}
    files = {INDEX: writer.index()}
    for lang, words in texts.items():
        files[f"sectors.{lang}.svg"] = drawing.overview_svg(built, words)
    for sector in graph.sectors(built):
        files[f"{sector}.md"] = writer.sector(sector)
        for lang, words in texts.items():
            files[f"{sector}.{lang}.svg"] = drawing.sector_svg(built, sector, words)
    return files


def anchors(folder: Path) -> set[str]:
    """Return the anchors of the evidence register next to a folder of the reference; none if there is no register."""
    path = folder.parent / Path(_EVIDENCE).name
    return set(re.findall(r'<a id="([\w-]+)"></a>', path.read_text(encoding="utf-8"))) if path.exists() else set()


class _Writer:
    def __init__(self, built: CorridorModel, evidence: Collection[str]) -> None:
        self.built, self.evidence = built, evidence
        self.texts = Texts("en", built.corridor)
        self.entries = {entry["name"]: entry for entry in catalogue(built)}
        self.signs: Mapping[tuple[str, str], Polarity] = polarities(built)
        self.parts = graph.lever_parts(built)
        self.paged = set(graph.sectors(built))

    # ---- words

    def page(self, name: str) -> str:
        """Return the page on which a variable is explained."""
        sector = self.entries[name]["sector"]
        return f"{sector}.md" if sector in self.paged else INDEX

    def link(self, name: str, here: str, sign: str = "") -> str:
        """Return a link to a variable, with the sign of the push if there is one."""
        page = self.page(name)
        mark = f" ({drawing.SIGNS.get(sign, sign)})" if sign else ""
        return f"[{name}]({'' if page == here else page}#{name}){mark}"

    def links(self, names: Iterable[str], here: str) -> str:
        return ", ".join(self.link(name, here) for name in names) or "nothing"

    def source(self, words: str) -> str:
        """Return a source with links to the entries of the evidence register that it names."""
        if "register" not in words:
            return _plain(words)

        def linked(found: re.Match[str]) -> str:
            anchor = found.group().lower().replace(".", "-")
            return f"[{found.group()}]({_EVIDENCE}#{anchor})" if anchor in self.evidence else found.group()

        return re.sub(r"\b[A-Z]\d{1,2}(?:\.\d)?\b", linked, _plain(words))

    def title(self, sector: str) -> str:
        return upper_first(drawing.sector_name(sector, self.texts))

    # ---- pages

    def index(self) -> str:
        built = self.built
        parts, _ = graph.overview(built)
        title = built.corridor.about["title"]["en"]
        lines = [f"# Model reference: {title}", "", _NOTE, _READING.rstrip(), *self._indices(), "", "## Sectors", ""]
        lines += ["![The sectors and the links between them](sectors.en.svg)", "", "([en español](sectors.es.svg))", ""]
        lines += _table(
            ("sector", "stocks", "flows", "levels and auxiliaries", "levers", "parameters"),
            (
                (
                    f"[{self.title(part.name)}]({part.name}.md)",
                    *(str(n) for n in (part.stocks, part.flows, part.others, part.levers)),
                    str(sum(p.sector == part.name for p in built.parameters.values())),
                )
                for part in parts
            ),
        )
        shown = [entry for entry in self.entries.values() if entry["outcomes"]]
        lines += ["", "## Outcomes", "", "What either side cares about, and the variable that shows it.", ""]
        lines += _table(
            ("outcome", "en español", "variable"),
            (
                (label["en"], label["es"], self.link(entry["name"], INDEX))
                for entry in shown
                for label in entry["outcomes"].values()
            ),
        )
        given = [entry for entry in self.entries.values() if self.page(entry["name"]) == INDEX]
        lines += ["", "## Given series", ""]
        lines += _table(
            ("series", "meaning", "en español", "unit", "used by"),
            (
                (
                    f'<a id="{entry["name"]}"></a>`{entry["name"]}`',
                    _plain(entry["meanings"]["en"]),
                    _plain(entry["meanings"]["es"]),
                    f"`{entry['unit']}`",
                    self.links(entry["used_by"], INDEX),
                )
                for entry in given
            ),
        )
        lines += ["", "## All variables", "", " · ".join(self.link(name, INDEX) for name in sorted(self.entries)), ""]
        return "\n".join(lines)

    def _indices(self) -> list[str]:
        lines = []
        for name, letter in indices(self.built.model.dimensions).items():
            members = self.built.corridor.about["dimensions"][name]
            said = ", ".join(f"{code} {words['en']}" for code, words in members.items())
            lines.append(f"- The index *{letter}* runs over {name}: {said}.")
        return lines

    def sector(self, sector: str) -> str:
        here = f"{sector}.md"
        own = [entry for entry in self.entries.values() if entry["sector"] == sector]
        title = self.title(sector)
        lines = [f"# {title}", "", f"[Model reference]({INDEX}). Generated by `{COMMAND}`: do not edit.", ""]
        lines += [f"![{title}: what moves what]({sector}.en.svg)", "", f"([en español]({sector}.es.svg))", ""]
        levers = [name for name, lever in self.built.levers.items() if lever.sector == sector]
        if levers:
            lines += ["## Levers", ""]
            for name in levers:
                lines += self._lever(name, here)
        for kind, heading in _SECTIONS:
            entries = [e for e in own if e["kind"] == kind and e["name"] not in self.parts]
            if entries:
                lines += [f"## {heading}", ""]
                for entry in entries:
                    lines += self._variable(entry, here)
        series = [e for e in own if e["kind"] == "process"]
        if series:
            lines += ["## Latent series", ""]
            for entry in series:
                lines += self._variable(entry, here)
        parameters = [e for e in own if e["kind"] == "parameter"]
        if parameters:
            lines += ["## Parameters", "", *self._parameters(parameters, here), ""]
        return "\n".join(lines)

    def _head(self, entry: Mapping[str, Any]) -> list[str]:
        over = f", by {entry['dimension']['name']}" if entry["dimension"] else ""
        what = f"*{KINDS[entry['kind']]['en']}*, `{entry['unit']}`{over}"
        return [
            f'### <a id="{entry["name"]}"></a>{entry["name"]}',
            "",
            f"{_plain(entry['meanings']['en'])} {_dash(what)}  ",
            f"*{_plain(entry['meanings']['es'])}*",
            "",
        ]

    def _equations(self, entry: Mapping[str, Any]) -> list[str]:
        lines: list[str] = []
        several = len(entry["equations"]) > 1
        for equation in entry["equations"]:
            if several:
                lines += [f"{ROLES[equation['role']]['en']}:", ""]
            lines += ["```math", _broken(equation["latex"]), "```", ""]
        return lines

    def _variable(self, entry: Mapping[str, Any], here: str) -> list[str]:
        name = entry["name"]
        lines = [*self._head(entry), *self._equations(entry)]
        if entry["flow"]:
            ends = [
                self.link(end, here) if end else "outside the model"
                for end in (entry["flow"]["from"], entry["flow"]["to"])
            ]
            lines += [f"- Moves: from {ends[0]} to {ends[1]}"]
        lines += [f"- Source: {self.source(entry['source'])}"]
        needs = [self.link(need, here, self.signs.get((need, name), "")) for need in entry["depends_on"]]
        lines += [f"- Depends on: {', '.join(needs) or 'nothing'}", f"- Used by: {self.links(entry['used_by'], here)}"]
        return [*lines, *self._places(entry), ""]

    def _places(self, entry: Mapping[str, Any]) -> list[str]:
        lines = []
        if entry["outcomes"]:
            lines += ["- Outcome: " + ", ".join(label["en"] for label in entry["outcomes"].values())]
        if entry["series"]:
            lines += ["- Compared with the series: " + ", ".join(f"`{series}`" for series in entry["series"])]
        return lines

    def _lever(self, name: str, here: str) -> list[str]:
        entry = self.entries[name]
        lever = entry["lever"]
        words = lever["words"]["en"]
        contested = " (contested)" if lever["contested"] else ""
        lines = [
            f'### <a id="{name}"></a>{name}',
            "",
            f"**{_plain(lever['label']['en'])}**{contested}. {_plain(lever['help']['en'])}.  ",
            f"***{_plain(lever['label']['es'])}**. {_plain(lever['help']['es'])}.*",
            "",
            f"- Owner: {lever['owner_label']['en']}",
            f"- Range: {_plain(words['range'])}; unit `{entry['unit']}`"
            + (f", by {entry['dimension']['name']}" if entry["dimension"] else ""),
            f"- {upper_first(words['build_up'])}; {words['wears_off']} (median and, in brackets, 5 % and 95 % points)",
            f"- Cost of a unit and month: {_plain(words['cost'])}",
            f"- Evidence: {lever['evidence']}; source: {self.source(lever['source'])}",
            "- Record:",
            *(f"  - {_plain(line)}" for line in words["history"]),
            *self._places(entry),
            "",
        ]
        for part in ("_set", "_announced", "", "_usual", "_felt"):
            variable = self.entries.get(f"{name}{part}")
            if variable is None:
                continue
            anchor = f'<a id="{variable["name"]}"></a>' if part else ""
            used = self.links(variable["used_by"], here)
            meaning = f"{_plain(variable['meanings']['en'])} / *{_plain(variable['meanings']['es'])}*"
            lines += [f"{anchor}`{variable['name']}` {_dash(meaning)}. Used by: {used}.", ""]
            if variable["equations"]:
                latex = [equation["latex"] for equation in variable["equations"]]
                lines += ["```math", _broken(r" \qquad ".join(latex)), "```", ""]
        return lines

    def _parameters(self, entries: Sequence[Mapping[str, Any]], here: str) -> list[str]:
        return _table(
            ("parameter", "meaning, en español", "unit", "prior", "evidence", "source", "used by"),
            (
                (
                    f'<a id="{entry["name"]}"></a>`{entry["name"]}`',
                    f"{_plain(entry['meanings']['en'])}<br>*{_plain(entry['meanings']['es'])}*",
                    f"`{entry['unit']}`",
                    _prior(entry["prior"]["words"]["en"]),
                    entry["evidence"],
                    self.source(entry["source"]),
                    self.links(entry["used_by"], here),
                )
                for entry in entries
            ),
        )


_NOTE = f"""\
Generated from the declarations of the model by `{COMMAND}`: do not edit. Each equation is the one that runs; its units
and dimensions are checked when the model is built. What the words mean and how far each step can be trusted is in
[Method](../method.md); the sources are in the [evidence register]({_EVIDENCE}).
"""
_READING = r"""## How to read it

- A **stock** changes only by its flows: what enters less what leaves.
- A **flow** is written as what it asks for, $`x^{\mathrm{asked}}`$. What it moves is never below zero, and when the
  flows out of a stock ask for more than it has, each gets the same share of what it asked for.
- A **level** is information, not a quantity: it changes by its own rate.
- A **lever** `x` is declared in up to five parts: `x_set`, the value set; `x_announced`, the value announced for the
  next month; `x`, what is in place after build-up; `x_usual`, what people have got used to; `x_felt`, what those who
  decide respond to.
- A **latent series** is what the figures imply and nothing else explains; $`\varepsilon`$ is a standard normal shock.
- $`\left[a/b\right]_0`$ is $`a/b`$, and 0 where $`b`$ is 0. $`\Delta t`$ is the length of a step, in months.
- A prior is given as its median and, in brackets, its 5 % and 95 % points.
- (+) after a name: when it rises, so does this; (−): this falls; (?): it depends on other values; (0): no effect.
  The sign is that of the partial derivative, all else equal, as far as it follows from the ranges of the variables:
  stocks and flows are not negative, parameters lie between the 5 % and 95 % points of their priors, levers in their
  range.
- In the diagrams boxes are stocks, thick arrows with a valve are flows, and clouds are the boundary of the model.
  Parameters are not drawn; a lever is drawn again where it acts far from its first place.
"""


def _plain(words: str) -> str:
    """Return words that Markdown shows as they are."""
    return re.sub(r"([<>*|`\[\]])", r"\\\1", words.strip())


def _dash(words: str) -> str:
    return f"({words})"


def _prior(words: str) -> str:
    """Return a prior without the explanation that the index gives once for all."""
    return _plain(words.removeprefix("median ").split(", in brackets")[0])


def _broken(latex: str) -> str:
    """Return LaTeX with a line for each line of the equation."""
    return (
        latex.replace(r" \\ ", " \\\\\n")
        .replace(r"\begin{aligned} ", "\\begin{aligned}\n")
        .replace(r" \end{aligned}", "\n\\end{aligned}")
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        f"|{' --- |' * len(head)}",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


__all__ = ["COMMAND", "anchors", "reference"]
