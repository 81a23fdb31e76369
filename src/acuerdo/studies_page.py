"""The comparison of the model with the studies as a page in Markdown, as a table for the terminal and as plain data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from acuerdo.engine.load import CorridorModel
from acuerdo.i18n import Texts
from acuerdo.studies import SETTLE, Absent, Interval, Range, Row, Study
from acuerdo.timeline import parse_month

COLUMNS = ("entry", "title", "measure", "setting", "register", "prior", "posterior", "verdict")
SHORT = ("entry", "title", "register", "prior", "posterior", "verdict")
REGISTER = "evidence.md"


def command(lang: str) -> str:
    """Return the command that makes the page of a language."""
    return "acuerdo model studies --out docs/studies.md" + ("" if lang == "en" else f" --lang {lang}")


def plain(rows: Sequence[Row], lang: str) -> list[dict[str, Any]]:
    """Return the comparison as plain data: register, prior and posterior with their verdicts, one entry a study."""
    return [
        {
            "id": row.study.id,
            "entry": row.study.entry,
            "title": row.study.title[lang],
            "start": row.study.start,
            "levers": [move.model_dump(exclude_none=True) for move in row.study.levers],
            "kind": row.study.measure.kind,
            "months": row.study.measure.months if row.study.start else None,
            "register": row.study.register_.model_dump(exclude_none=True),
            "prior": _ends(row.prior),
            "posterior": _ends(row.posterior),
            "prior_verdict": row.prior_verdict,
            "posterior_verdict": row.posterior_verdict,
            "note": row.study.note[lang],
        }
        for row in rows
    ]


def cells(built: CorridorModel, row: Row, texts: Texts) -> dict[str, str]:
    """Return what a table shows of a study, by the names in `COLUMNS`."""
    study = row.study
    before, after = texts.t(f"studies.verdict.{row.prior_verdict}"), texts.t(f"studies.verdict.{row.posterior_verdict}")
    return {
        "entry": study.entry,
        "title": study.title[texts.lang],
        "measure": _measured(study, texts),
        "setting": setting(built, study, texts),
        "register": _range(study.register_, texts),
        "prior": _interval(row.prior, texts),
        "posterior": _interval(row.posterior, texts),
        "verdict": before if before == after else f"{before}; {after}",
    }


def setting(built: CorridorModel, study: Study, texts: Texts) -> str:
    """Return the dose of a study in words: levers, values before and after, and the month whose record holds."""
    if study.start is None:
        return texts.t("studies.no_move")
    held = texts.month(parse_month(study.start) - 1, short=True)
    moves = []
    for move in study.levers:
        lever = built.levers[move.lever]
        words = {"lever": texts.pick(lever.label), "unit": texts.pick(lever.unit_label)}
        before, after = (_number(value, texts) for value in (move.before, move.after))
        if move.before == move.after:
            moves.append(texts.t("studies.held_at", value=after, **words))
        elif move.lasts is not None:
            moves.append(texts.t("studies.moved_for", before=before, after=after, count=move.lasts, **words))
        else:
            moves.append(texts.t("studies.moved", before=before, after=after, **words))
    return "; ".join([*moves, texts.t("studies.held" if moves else "studies.record", month=held)])


def markdown(built: CorridorModel, rows: Sequence[Row], absent: Sequence[Absent], texts: Texts, day: str) -> str:
    """Return the page.

    Args:
        built: the model.
        rows: the comparison.
        absent: entries that the model does not represent.
        texts: words and formats of the reader's language.
        day: the view of the figures that the posterior belongs to, as shown.
    """
    lines = [
        f"# {texts.t('studies.title')}",
        "",
        texts.t("studies.made", command=f"`{command(texts.lang)}`", day=day),
        "",
        f"## {texts.t('studies.method_title')}",
        "",
        texts.t("studies.method", settle=SETTLE),
        "",
        texts.t("studies.read"),
        "",
        texts.t("studies.summary", **counts(rows)),
        "",
        "| " + " | ".join(texts.t(f"studies.column.{name}") for name in COLUMNS) + " |",
        "|" + " --- |" * len(COLUMNS),
    ]
    for row in rows:
        shown = cells(built, row, texts)
        shown["entry"] = f"[{shown['entry']}]({REGISTER}#{shown['entry'].lower()})"
        lines.append("| " + " | ".join(shown[name].replace("|", "\\|") for name in COLUMNS) + " |")
    lines += ["", f"## {texts.t('studies.notes_title')}", ""]
    lines += [f"- **{row.study.entry}, {row.study.title[texts.lang]}.** {row.study.note[texts.lang]}" for row in rows]
    lines += ["", f"## {texts.t('studies.absent_title')}", ""]
    lines += [f"- **[{a.entry}]({REGISTER}#{a.entry.lower()}).** {a.note[texts.lang]}" for a in absent]
    return "\n".join(lines) + "\n"


def table(built: CorridorModel, rows: Sequence[Row], texts: Texts) -> Any:
    """Return the comparison as a table for the terminal."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    shown = Table(box=box.SIMPLE_HEAD)
    for name in SHORT:
        shown.add_column(texts.t(f"studies.column.{name}"), overflow="fold")
    for row in rows:
        found = cells(built, row, texts)
        shown.add_row(*(escape(found[name]) for name in SHORT))
    return shown


def counts(rows: Sequence[Row]) -> dict[str, int]:
    """Return how many studies have a range or a point in the register, and how many posteriors agree with it."""
    found = Counter(row.posterior_verdict for row in rows)
    ranged = sum(found[name] for name in ("inside", "overlaps", "outside"))
    points = found["holds"] + found["misses"]
    return {
        "studies": len(rows),
        "ranged": ranged,
        "inside": found["inside"],
        "overlaps": found["overlaps"],
        "outside": found["outside"],
        "points": points,
        "holds": found["holds"],
    }


def _measured(study: Study, texts: Texts) -> str:
    kind = texts.t(f"studies.kind.{study.measure.kind}")
    if study.measure.kind == "parameter":
        return kind
    first, last = study.measure.months
    months = (
        texts.t("studies.month", month=first) if first == last else texts.t("studies.months", first=first, last=last)
    )
    return f"{kind}, {months}"


def _ends(interval: Interval) -> dict[str, float]:
    return {"low": interval.low, "median": interval.median, "high": interval.high}


def _number(value: float, texts: Texts) -> str:
    return texts.number(value) if float(value).is_integer() else texts.rounded(value, 2)


def _interval(interval: Interval, texts: Texts) -> str:
    size = max(abs(interval.low), abs(interval.high))
    figures = 2 if size < 10 else 3
    return f"{texts.rounded(interval.median, figures)} ({texts.interval(interval.low, interval.high, figures)})"


def _range(register: Range, texts: Texts) -> str:
    if register.low is None or register.high is None:
        return texts.rounded(register.median)
    return _interval(Interval(register.low, register.median, register.high), texts)


__all__ = ["COLUMNS", "cells", "command", "counts", "markdown", "plain", "setting", "table"]
