"""The brief as PDF, set by typst from the same content; tagged for screen readers (PDF/UA-1)."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import typst

from acuerdo import charts
from acuerdo.brief.html import TEMPLATES
from acuerdo.brief.model import Brief
from acuerdo.errors import InputError

PAPERS = {"a4": "a4", "letter": "us-letter"}
FACE = "Libertinus Serif"  # comes with typst, so that every machine sets the same pages


def _charts_in_face(tree: Any) -> Any:
    """Return the content with the lettering of its charts in the face of the document."""
    if isinstance(tree, dict):
        return {
            name: charts.with_font(value, FACE, 1.1) if name == "svg" else _charts_in_face(value)
            for name, value in tree.items()
        }
    if isinstance(tree, list | tuple):
        return [_charts_in_face(value) for value in tree]
    return tree


def render(brief: Brief, paper: str = "a4") -> bytes:
    """Return the PDF.

    Args:
        brief: the content.
        paper: a4 or letter.

    Raises:
        InputError: there is no such paper.
    """
    if paper not in PAPERS:
        raise InputError("paper", paper, ", ".join(PAPERS))
    content = {**_charts_in_face(brief.to_dict()), "paper": PAPERS[paper]}
    day = date.fromisoformat(brief.day)
    compiler = typst.Compiler(
        (TEMPLATES / "brief.typ").read_bytes(),
        ignore_system_fonts=True,
        sys_inputs={"brief": json.dumps(content, ensure_ascii=False)},
    )
    stamp = datetime(day.year, day.month, day.day, tzinfo=UTC)
    made = compiler.compile(format="pdf", pdf_standards="ua-1", timestamp=stamp)
    if not isinstance(made, bytes):
        raise TypeError("typst returned no document")
    return made
