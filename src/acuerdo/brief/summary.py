"""The sentences of the first page, written from the same content as the sections."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from acuerdo.brief.measures import measure_name
from acuerdo.brief.model import FanItem, KeyFigure, MeetingItem, NamedText
from acuerdo.brief.settings import BriefSettings
from acuerdo.i18n import Texts, lower_first


def sentences(
    meetings: Sequence[MeetingItem],
    key_figures: Sequence[KeyFigure],
    fans: Sequence[FanItem],
    effects: pd.DataFrame | None,
    settings: BriefSettings,
    unknown_count: int,
    texts: Texts,
    priorities: str = "",
) -> tuple[NamedText, ...]:
    """Return three to six sentences: meetings, figures, outlook, measures, priorities, what is not known."""
    found = {
        "meetings": _meetings(meetings, texts),
        "figures": _figures(key_figures, texts),
        "outlook": _outlook(fans, texts),
        "measures": _measures(effects, settings, texts),
        "priorities": priorities,
        "unknowns": texts.t("brief.summary.unknowns", count=unknown_count) if unknown_count else "",
    }
    return tuple(NamedText(texts.t(f"brief.lead.{name}"), line) for name, line in found.items() if line)


def _meetings(meetings: Sequence[MeetingItem], texts: Texts) -> str:
    lines = []
    for meeting in meetings:
        status = lower_first(meeting.status)
        where = ", ".join(filter(None, [meeting.place, meeting.when]))
        lines.append(f"{meeting.title}, " + ", ".join(filter(None, [status, where])))
    return "; ".join(lines) + "." if lines else ""


def _figures(key_figures: Sequence[KeyFigure], texts: Texts) -> str:
    """Say which key figures rose, fell or hardly moved."""
    groups: dict[str, list[str]] = {"up": [], "down": [], "flat": []}
    for figure in key_figures:
        if figure.change:
            groups[figure.direction].append(f"{lower_first(figure.label)} {figure.change}")
    lines = [texts.t(f"brief.summary.{way}", figures=texts.listing(names)) for way, names in groups.items() if names]
    return " ".join(lines)


def _outlook(fans: Sequence[FanItem], texts: Texts) -> str:
    return texts.t("brief.summary.outlook", title=fans[0].chart.title, words=fans[0].clause) if fans else ""


def _measures(effects: pd.DataFrame | None, settings: BriefSettings, texts: Texts) -> str:
    if effects is None or not len(effects):
        return ""
    for outcome in settings.measures.chart:
        rows = effects[effects["outcome"] == outcome]
        if not len(rows):
            continue
        clear = rows[(rows["q05"] > 0) | (rows["q95"] < 0)]
        name = lower_first(texts.pick(rows.iloc[0]["outcome_label"]))
        if not len(clear):
            return texts.t("brief.summary.measures_none", count=len(rows), outcome=name)
        largest = clear.iloc[int(clear["change"].abs().to_numpy().argmax())]
        return texts.t(
            "brief.summary.measures",
            clear=texts.number(len(clear)),
            count=len(rows),
            outcome=name,
            measure=lower_first(measure_name(largest, texts)),
            setting=texts.pick(largest["setting_label"]),
            change=texts.signed_rounded(float(largest["change"])),
            interval=texts.interval(float(largest["q05"]), float(largest["q95"]), figures=2, sign=True),
            unit=texts.pick(largest["unit_label"]),
        )
    return ""
