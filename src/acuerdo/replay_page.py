"""The historical replay as one HTML page, as Markdown with pictures, and as rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from acuerdo.charts import theme
from acuerdo.charts.replay import ReplayChart
from acuerdo.charts.replay import replay as draw
from acuerdo.engine.load import CorridorModel
from acuerdo.figures.store import Figures
from acuerdo.i18n import Texts
from acuerdo.pages import environment
from acuerdo.replay import Floats, Outcome
from acuerdo.studies import Interval
from acuerdo.timeline import parse_month

COLUMNS = ("episode", "published", "fitted", "neither", "policy", "effect", "strongest", "latent", "verdict")
SHORT = ("episode", "published", "policy", "effect", "verdict")
PICTURES = "replay"
TEMPLATES = Path(__file__).parent / "templates"
_KEY = {
    "published": f'<path d="M0 6H30" stroke="{theme.INK}" stroke-width="2"/>'
    f'<circle cx="15" cy="6" r="3" fill="{theme.INK}"/>',
    "policy": f'<rect width="30" height="12" fill="{theme.BAND_OUTER}"/><rect y="3" width="30" height="6" '
    f'fill="{theme.BAND_INNER}"/><path d="M0 6H30" stroke="{theme.BLUE}" stroke-width="2"/>',
    "neither": f'<path d="M0 6H30" stroke="{theme.MUTED}" stroke-width="2" stroke-dasharray="2 3"/>',
    "fitted": f'<path d="M0 6H30" stroke="{theme.VERMILION}" stroke-width="2" stroke-dasharray="7 3"/>',
}


def command(lang: str) -> str:
    """Return the command that makes the pages of a language."""
    return "acuerdo model replay --docs docs" + ("" if lang == "en" else f" --lang {lang}")


def cells(outcome: Outcome, texts: Texts) -> dict[str, str]:
    """Return what a table shows of an episode, by the names in `COLUMNS`: multiples of the month before the measure."""
    episode = outcome.episode
    month, most = outcome.strongest
    return {
        "episode": texts.t("replay.by", title=episode.title[texts.lang], month=_month(episode.by, texts)),
        "published": _times(float(outcome.change(outcome.published, episode.by)), texts),
        "fitted": _interval(outcome.change(outcome.fitted, episode.by), texts),
        "neither": _interval(outcome.change(outcome.neither, episode.by), texts),
        "policy": _interval(outcome.change(outcome.policy, episode.by), texts),
        "effect": _interval(outcome.by_policy, texts),
        "strongest": f"{_interval(most, texts)}, {texts.month(month, short=True)}",
        "latent": _interval(outcome.by_latent, texts),
        "verdict": texts.t(f"replay.verdict.{outcome.verdict}"),
    }


def plain(outcomes: Sequence[Outcome], lang: str) -> list[dict[str, Any]]:
    """Return the replay as plain data, one entry an episode."""
    return [_plain(one, lang) for one in outcomes]


def said(outcome: Outcome, texts: Texts) -> str:
    """Return in words what was published, what policy alone does in the model, and what is left to latent series."""
    episode = outcome.episode
    published = float(outcome.change(outcome.published, episode.by)) - 1
    parts = [
        texts.t(
            "replay.said.published",
            before=texts.month(episode.base),
            by=_month(episode.by, texts, short=False),
            change=texts.change(published),
        ),
        texts.t(
            f"replay.said.{outcome.verdict}",
            effect=_interval(outcome.by_policy, texts),
            reach=_interval(outcome.change(outcome.policy, episode.by), texts),
            published=_times(published + 1, texts),
            latent=_interval(outcome.by_latent, texts),
        ),
    ]
    if episode.recovers_by is not None:
        alone = outcome.recovery(outcome.policy)
        parts.append(
            texts.t(
                "replay.said.recovery",
                month=_month(episode.recovers_by, texts, short=False),
                by=_month(episode.by, texts, short=False),
                published=_times(float(outcome.recovery(outcome.published)), texts),
                fitted=_interval(outcome.recovery(outcome.fitted), texts),
                policy=_interval(alone, texts),
            )
        )
        back = Interval.of(alone).low > 1 if episode.direction == "falls" else Interval.of(alone).high < 1
        parts.append(texts.t("replay.said.comes_back" if back else "replay.said.stays"))
    else:
        parts.append(texts.t("replay.said.no_recovery"))
    return " ".join(parts)


def picture(outcome: Outcome, figures: Figures, texts: Texts) -> str:
    """Return the picture of an episode as SVG text."""
    entry = figures.series(outcome.episode.series)
    shown = ReplayChart(
        outcome.episode.months,
        outcome.published,
        outcome.policy,
        outcome.fitted,
        outcome.neither,
        outcome.episode.start,
    )
    return draw(
        shown, outcome.episode.title[texts.lang], texts.pick(entry.label), texts, description=said(outcome, texts)
    )


def html(built: CorridorModel, figures: Figures, outcomes: Sequence[Outcome], texts: Texts, day: str) -> str:
    """Return the page as one file without scripts and without anything to load.

    Args:
        built: the model.
        figures: the snapshot, for the names of series.
        outcomes: the replay.
        texts: words and formats of the reader's language.
        day: the view of the figures that the posterior belongs to, as shown.
    """
    templates = environment(TEMPLATES)
    return templates.get_template("replay.html.j2").render(
        lang=texts.lang,
        words=_words(texts, day),
        key=[{"mark": Markup(mark), "words": texts.t(f"replay.key.{name}")} for name, mark in _KEY.items()],
        columns=[texts.t(f"replay.column.{name}") for name in COLUMNS],
        rows=[list(cells(one, texts).values()) for one in outcomes],
        episodes=[
            {
                "title": one.episode.title[texts.lang],
                "said": said(one, texts),
                "levers": _levers(built, one, texts),
                "svg": Markup(picture(one, figures, texts)),
            }
            for one in outcomes
        ],
    )


def markdown(
    built: CorridorModel, figures: Figures, outcomes: Sequence[Outcome], texts: Texts, day: str
) -> dict[str, str]:
    """Return the page in Markdown and its pictures, by file name; arguments as for `html`."""
    words = _words(texts, day)
    page = f"{PICTURES}.md" if texts.lang == "en" else f"{PICTURES}.{texts.lang}.md"
    files: dict[str, str] = {}
    lines = [f"# {words['title']}", "", words["made"], "", words["method"], "", words["honest"], ""]
    lines += [
        "| " + " | ".join(texts.t(f"replay.column.{name}") for name in COLUMNS) + " |",
        "|" + " --- |" * len(COLUMNS),
    ]
    lines += ["| " + " | ".join(cells(one, texts).values()) + " |" for one in outcomes]
    lines += ["", words["read"], "", texts.t("replay.colours"), ""]
    for one in outcomes:
        name = f"{PICTURES}/{one.episode.id}.{texts.lang}.svg"
        files[name] = picture(one, figures, texts)
        title = one.episode.title[texts.lang]
        entry = one.episode.entry
        lines += [f"## {title}", "", said(one, texts), "", _levers(built, one, texts), ""]
        lines += [f"[{entry}](evidence.md#{entry.lower()})", "", f"![{title}]({name})", ""]
    files[page] = "\n".join(lines)
    return files


def table(outcomes: Sequence[Outcome], texts: Texts) -> Any:
    """Return the replay as a table for the terminal."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    shown = Table(box=box.SIMPLE_HEAD)
    for name in SHORT:
        shown.add_column(texts.t(f"replay.column.{name}"), overflow="fold")
    for one in outcomes:
        found = cells(one, texts)
        shown.add_row(*(escape(found[name]) for name in SHORT))
    return shown


def _plain(outcome: Outcome, lang: str) -> dict[str, Any]:
    episode = outcome.episode
    month, most = outcome.strongest
    found: dict[str, Any] = {
        "id": episode.id,
        "entry": episode.entry,
        "title": episode.title[lang],
        "before": str(episode.base),
        "by": episode.by,
        "published": float(outcome.change(outcome.published, episode.by)),
        **{name: _ends(outcome.change(getattr(outcome, name), episode.by)) for name in ("fitted", "policy", "neither")},
        "by_policy": _ends(outcome.by_policy),
        "by_latent": _ends(outcome.by_latent),
        "strongest": {"month": str(month), **_ends(most)},
        "verdict": outcome.verdict,
    }
    if episode.recovers_by is not None:
        found["recovery"] = {
            "by": episode.recovers_by,
            "published": float(outcome.recovery(outcome.published)),
            "fitted": _ends(outcome.recovery(outcome.fitted)),
            "policy": _ends(outcome.recovery(outcome.policy)),
        }
    return found


def _words(texts: Texts, day: str) -> dict[str, str]:
    found = {name: texts.t(f"replay.{name}") for name in ("title", "method", "honest", "read")}
    return {**found, "made": texts.t("replay.made", command=command(texts.lang), day=day)}


def _levers(built: CorridorModel, outcome: Outcome, texts: Texts) -> str:
    names = [texts.pick(built.levers[name].label) for name in outcome.episode.levers]
    return texts.t("replay.levers", levers=texts.listing(names))


def _month(month: str, texts: Texts, short: bool = True) -> str:
    return texts.month(parse_month(month), short=short)


def _times(value: float, texts: Texts) -> str:
    return texts.number(value, 2)


def _interval(draws: Floats, texts: Texts) -> str:
    found = Interval.of(draws)
    ends = texts.t("format.interval", low=_times(found.low, texts), high=_times(found.high, texts))
    return f"{_times(found.median, texts)} ({ends})"


def _ends(draws: Floats) -> dict[str, float]:
    low, median, high = (float(x) for x in np.quantile(draws, [0.05, 0.5, 0.95]))
    return {"low": low, "median": median, "high": high}


__all__ = ["COLUMNS", "cells", "command", "html", "markdown", "picture", "plain", "said", "table"]
