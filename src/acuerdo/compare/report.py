"""A comparison put together, and told: as data, as text of the terminal, and as one page of HTML with charts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Template
from markupsafe import Markup

from acuerdo.brief import html
from acuerdo.charts.pair import pair
from acuerdo.compare import diff
from acuerdo.compare.revisions import DRAWS, Found
from acuerdo.engine.describe import number
from acuerdo.i18n import Texts, upper_first
from acuerdo.pages import environment

TEMPLATES = Path(__file__).parent / "templates"
SHOWN, CHARTS = 40, 3
"""Rows of the page's table before the rest is folded away; charts of one outcome."""


@dataclass(frozen=True)
class Comparison:
    """Two revisions and what differs.

    Attributes:
        before, after: the revisions.
        threshold: relative change up to which a path counts as not moved.
        moves: the paths that moved, the largest change first.
        declarations: variables added, removed and changed.
        records: first and last month in which a lever's record differs, by lever.
        only: outcomes and series, and scenarios, of only one revision.
    """

    before: Found
    after: Found
    threshold: float
    moves: list[diff.Move]
    declarations: list[diff.Declaration]
    records: dict[str, tuple[str, str]]
    only: dict[str, tuple[list[str], list[str]]]

    @property
    def largest(self) -> float:
        """The largest relative change of a path; 0 if none moved."""
        return max((move.size for move in self.moves), default=0.0)


def compare(before: Found, after: Found, threshold: float = diff.THRESHOLD, lang: str = "en") -> Comparison:
    """Compare what two revisions declared and gave."""
    months = before.paths["past"].values.tolist()
    return Comparison(
        before,
        after,
        threshold,
        diff.moves(before.paths, after.paths, threshold),
        diff.declarations(before.said["variables"], after.said["variables"], lang),
        diff.records(before.said["record"], after.said["record"], months),
        diff.only_in_one(before.paths, after.paths),
    )


def by_scenario(moves: Sequence[diff.Move]) -> list[diff.Move]:
    """Return for each outcome or series and scenario the member that moved most, the largest change first."""
    most: dict[tuple[str, str], diff.Move] = {}
    for move in moves:
        most.setdefault((move.id, move.scenario), move)
    return list(most.values())


# ---- as data


def as_data(found: Comparison) -> dict[str, Any]:
    """Return a comparison as plain data; a change that is not finite is None."""

    def plain(move: diff.Move) -> dict[str, Any]:
        return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in asdict(move).items()}

    return {
        "a": {"revision": found.before.revision, "commit": found.before.commit},
        "b": {"revision": found.after.revision, "commit": found.after.commit},
        "threshold": found.threshold,
        "largest": found.largest if math.isfinite(found.largest) else None,
        "moves": [plain(move) for move in found.moves],
        "declarations": [asdict(each) for each in found.declarations],
        "records": {name: list(months) for name, months in found.records.items()},
        "only": {what: {"a": one, "b": other} for what, (one, other) in found.only.items()},
    }


# ---- in words


class Teller:
    """Says a comparison in one language.

    Args:
        found: the comparison.
        texts: words and formats of the language.
    """

    def __init__(self, found: Comparison, texts: Texts) -> None:
        self.found, self.texts = found, texts

    def revision(self, side: Found) -> str:
        """Name a revision, with its commit."""
        if not side.commit:
            return self.texts.t("compare.working_tree")
        if side.commit == side.revision:
            return side.commit
        return self.texts.t("compare.revision", name=side.revision, commit=side.commit)

    def sides(self) -> str:
        """Say which revisions A and B are."""
        return self.texts.t("compare.sides", a=self.revision(self.found.before), b=self.revision(self.found.after))

    def share(self, value: float) -> str:
        """Say a relative change."""
        if not math.isfinite(value):
            return self.texts.t("compare.broken")
        return self.texts.change(value, 1 if abs(value) >= 0.01 else 2)

    def threshold(self) -> str:
        """Say up to what change a path counts as not moved."""
        share = self.found.threshold
        return self.texts.percent(
            share, next(digits for digits in range(9) if digits == 8 or round(share, digits + 2) == share)
        )

    def scenario(self, name: str) -> str:
        """Say a scenario."""
        if name in self.found.after.said["scenarios"]:
            return str(self.texts.pick(self.found.after.said["scenarios"][name]))
        return self.texts.t(f"compare.case.{name}", **({"last": self.last()} if name == diff.RECORD else {}))

    def last(self) -> str:
        """Say the last month of the record."""
        return self.month(str(self.found.after.paths["past"].values[-1]))

    def month(self, month: str) -> str:
        """Say a month."""
        return self.texts.month(pd.Period(month, "M"), short=True)

    def path(self, move: diff.Move) -> str:
        """Say an outcome, or a series and its member."""
        label = self.texts.pick(self.found.after.said["labels"][move.id])
        return f"{label} ({move.member})" if move.member not in ("", "ALL") else label

    def number(self, value: float) -> str:
        """Say a value of a path."""
        return number(self.texts, value, 5) if math.isfinite(value) else self.texts.t("compare.broken")

    def moves(self) -> list[dict[str, str]]:
        """Say each outcome or series that moved, by scenario."""
        return [
            {
                "id": f"{move.id} {move.member}".strip(),
                "case": move.scenario,
                "path": self.path(move),
                "scenario": self.scenario(move.scenario),
                "change": self.share(move.change),
                "interval": self.texts.t("format.interval", low=self.share(move.low), high=self.share(move.high)),
                "month": self.month(move.month),
                "before": self.number(move.before),
                "after": self.number(move.after),
                "unit": move.unit,
            }
            for move in by_scenario(self.found.moves)
        ]

    def counts(self) -> str:
        """Say how many declarations were added, removed and changed."""
        hows = [each.how for each in self.found.declarations]
        return self.texts.t("compare.counts", **{how: hows.count(how) for how in ("added", "removed", "changed")})

    def records(self) -> list[str]:
        """Say which levers' records differ, and from when to when."""
        return [
            self.texts.t("compare.record_line", lever=name, first=self.month(first), last=self.month(last))
            for name, (first, last) in self.found.records.items()
        ]

    def only(self) -> list[str]:
        """Say what only one revision has."""
        return [
            self.texts.t(f"compare.only_{side}", names=", ".join(names))
            for sides in self.found.only.values()
            for side, names in zip("ab", sides, strict=True)
            if names
        ]

    def charts(self) -> list[tuple[str, list[str]]]:
        """Draw each outcome that moved: as recorded if it moved there, and the scenarios in which it moved most.

        Returns:
            The words of each outcome, with its charts as SVG text.
        """
        before, after = diff.common(self.found.before.paths, self.found.after.paths)
        ids = list(zip(after["id"].values.tolist(), after["member"].values.tolist(), strict=True))
        drawn: dict[str, list[diff.Move]] = {}
        for move in self.found.moves:
            if move.kind == "outcome":
                drawn.setdefault(move.id, []).append(move)
        found = []
        for moves in drawn.values():
            first = [move for move in moves if move.scenario == "base"]
            chosen = [*first, *(move for move in moves if move.scenario != "base")][:CHARTS]
            at = ids.index((moves[0].id, moves[0].member))
            found.append((self.path(moves[0]), [self._chart(move, before, after, at) for move in chosen]))
        return found

    def _chart(self, move: diff.Move, before: Any, after: Any, at: int) -> str:
        past = move.scenario == diff.RECORD
        one, other = (
            (data["record"] if past else data["ahead"].sel(scenario=move.scenario)).isel(path=at).values
            for data in (before, after)
        )
        said = self.texts.t(
            "compare.chart_words",
            change=self.share(move.change),
            month=self.month(move.month),
            before=self.number(move.before),
            after=self.number(move.after),
        )
        months = after["past" if past else "month"].values.tolist()
        relative = self.texts.t("compare.relative")
        return pair(
            months, one, other, upper_first(self.scenario(move.scenario)), move.unit, relative, said, self.texts
        )


@cache
def _template() -> Template:
    templates = environment(TEMPLATES)
    return templates.get_template("compare.html.j2")


def page(found: Comparison, texts: Texts) -> str:
    """Return the comparison as one page of HTML that opens without a network and without scripts."""
    teller = Teller(found, texts)
    styles = [html.TEMPLATES / "brief.css", TEMPLATES / "compare.css"]
    return _template().render(
        lang=texts.lang,
        t=texts.t,
        style=Markup("".join(path.read_text(encoding="utf-8") for path in styles)),
        teller=teller,
        found=found,
        rows=teller.moves(),
        shown=SHOWN,
        method=texts.t("compare.method", months=found.after.paths.sizes["month"], last=teller.last(), draws=DRAWS),
        measure=texts.t("compare.measure", threshold=teller.threshold()),
        charts=[(name, [Markup(svg) for svg in drawings]) for name, drawings in teller.charts()],
    )
