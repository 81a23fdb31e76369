"""The brief as one HTML page that opens without a network and without scripts."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Template
from markupsafe import Markup

from acuerdo.brief.model import Brief
from acuerdo.pages import environment

TEMPLATES = Path(__file__).parent / "templates"


@cache
def _template() -> Template:
    templates = environment(TEMPLATES)
    return templates.get_template("brief.html.j2")


def _css_string(text: str) -> Markup:
    """Return text as a string of a style sheet."""
    safe = "".join(letter if letter.isalnum() or letter in " .,:;-" else f"\\{ord(letter):x} " for letter in text)
    return Markup(f'"{safe}"')


def render(brief: Brief) -> str:
    """Return the page as text."""
    style = (TEMPLATES / "brief.css").read_text(encoding="utf-8")
    day = f"{brief.as_of} · {brief.mark}" if brief.mark else brief.as_of
    running = {"left": _css_string(f"{brief.corridor}: {brief.title}"), "right": _css_string(day)}
    return _template().render(brief=brief, words=brief.words, style=Markup(style), running=running, markup=Markup)
