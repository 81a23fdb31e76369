"""The brief of one scenario: what is set, the outlook without and with it, and what it changes for each side."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import typst
from jinja2 import Template
from markupsafe import Markup

from acuerdo import charts
from acuerdo.board.api import AskedSetting, Band, LineAnswer, OutcomeAnswer, RunAnswer, RunRequest
from acuerdo.board.desk import Desk
from acuerdo.brief.html import TEMPLATES as BRIEF_TEMPLATES
from acuerdo.brief.pdf import FACE
from acuerdo.charts.fan import fan
from acuerdo.i18n import Texts, upper_first
from acuerdo.pages import environment
from acuerdo.timeline import parse_month

TEMPLATES = Path(__file__).parent / "templates"
_HISTORY_MONTHS = 36
_NOTHING = 1e-3  # of the value without: a change whose whole interval is nearer to zero counts as none


def content(desk: Desk, asked: RunRequest, answer: RunAnswer, texts: Texts) -> dict[str, Any]:
    """Return the content of the brief: words and numbers as text, charts as SVG, so that templates compute nothing."""
    projector = desk.projector
    about = projector.built.corridor.about
    day = projector.posterior.day
    last = texts.month(pd.Period(answer.months[-1], "M"))
    provisional = bool(projector.posterior.notes.get("provisional", 1))
    fans = [_fan(desk, line, answer.months, texts) for line in answer.lines]
    return {
        "lang": texts.lang,
        "locale": str(texts.locale).replace("_", "-"),
        "day": str(day or projector.posterior.month.end_time.date()),
        "corridor": texts.pick(about["title"]),
        "title": texts.t("board.brief.title"),
        "as_of": texts.t("board.as_of", day=texts.day(day))
        if day
        else texts.t("board.as_of_latest", month=texts.month(projector.posterior.month)),
        "mark": texts.t("brief.mark") if provisional else "",
        "notice": texts.t("brief.notice") if provisional else "",
        "settings": [_setting(desk, item, texts) for item in asked.settings],
        "held": [_held(desk, name, value, texts) for name, value in asked.held.items()],
        "future": _future(desk, asked, texts),
        "intro": texts.t("board.brief.outlook_intro", month=last),
        "fans": fans,
        "table_intro": texts.t("board.outcomes.intro", months=len(answer.months)),
        "tables": _tables(desk, answer, texts),
        "scenario": texts.t("board.brief.scenario", hash=answer.scenario[:8], draws=texts.number(projector.draws)),
        "words": {
            **texts.words("board.brief"),
            **texts.words("board.outcomes"),
            "footer": texts.t("brief.words.footer"),
        },
    }


def html(told: dict[str, Any]) -> str:
    """Return the brief as one page that opens without a network and without scripts."""
    style = (BRIEF_TEMPLATES / "brief.css").read_text(encoding="utf-8")
    return _template().render(brief=told, words=told["words"], style=Markup(style), markup=Markup)


def pdf(told: dict[str, Any]) -> bytes:
    """Return the brief as a tagged PDF."""
    fans = [{**item, "svg": charts.with_font(item["svg"], FACE, 1.1)} for item in told["fans"]]
    compiler = typst.Compiler(
        (TEMPLATES / "scenario.typ").read_bytes(),
        ignore_system_fonts=True,
        sys_inputs={"brief": json.dumps({**told, "fans": fans}, ensure_ascii=False)},
    )
    stamp = datetime.fromisoformat(told["day"]).replace(tzinfo=UTC)
    made = compiler.compile(format="pdf", pdf_standards="ua-1", timestamp=stamp)
    if not isinstance(made, bytes):
        raise TypeError("typst returned no document")
    return made


@cache
def _template() -> Template:
    templates = environment(TEMPLATES)
    return templates.get_template("scenario.html.j2")


def _setting(desk: Desk, item: AskedSetting, texts: Texts) -> dict[str, str]:
    built = desk.projector.built
    lever = built.levers[item.lever]
    owner = "both" if lever.owner == "both" else texts.pick(built.corridor.about["sides"][lever.owner])
    name = texts.pick(lever.label)
    if item.member is not None:
        members = built.corridor.about["dimensions"][lever.over or ""]
        name = f"{name}, {texts.pick(members[item.member])}"
    share = lever.unit == "1" and "(" not in texts.pick(lever.unit_label)
    if item.times:
        value = texts.t("board.brief.times", factor=texts.rounded(item.value))
    else:
        number = texts.percent(item.value, 1 if abs(item.value) < 0.1 else 0) if share else texts.rounded(item.value)
        value = f"{number} {texts.pick(lever.unit_label)}"
    first = parse_month(item.start, "from") if item.start else desk.projector.months[0]
    when = texts.t("board.brief.from", month=texts.month(first))
    if item.end:
        when = texts.t("board.brief.between", first=texts.month(first), last=texts.month(parse_month(item.end, "to")))
    if item.ramp > 1:
        when = f"{when}, {texts.t('board.brief.steps', count=item.ramp)}"
    return {
        "name": name,
        "owner": texts.t("board.owner_both") if owner == "both" else owner,
        "value": value,
        "when": when,
        "evidence": texts.t(f"evidence.{lever.evidence}"),
    }


def _held(desk: Desk, name: str, value: float, texts: Texts) -> str:
    low, _, high = desk.movable[name]
    spread = texts.t("board.assumption.range", low=texts.rounded(low), high=texts.rounded(high))
    return f"{upper_first(texts.pick(desk.projector.built.meanings[name]))}: {texts.rounded(value)} ({spread})"


def _future(desk: Desk, asked: RunRequest, texts: Texts) -> str:
    if asked.future is None:
        return texts.t("board.future.none")
    chosen = desk.futures[asked.future]
    source = texts.t("board.future.source", source=chosen.source)
    return f"{texts.pick(chosen.title)}. {texts.t('board.future.help')} {source}"


def _table(band: Band, months: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame(band.model_dump())
    frame.insert(0, "month", pd.PeriodIndex(months, freq="M"))
    return frame


def _fan(desk: Desk, line: LineAnswer, months: list[str], texts: Texts) -> dict[str, str]:
    known = desk.lines[line.id]
    past = desk.history(line.id)
    record = pd.DataFrame({"month": pd.PeriodIndex(past.months, freq="M"), "value": past.values}).dropna()
    record["value"] = record["value"].astype(float)
    shown = line.scenario or line.baseline
    title, unit = texts.pick(known.label), texts.pick(known.unit_label)

    def last(band: Band) -> dict[str, str]:
        return {"value": texts.rounded(band.q50[-1]), "interval": texts.interval(band.q05[-1], band.q95[-1])}

    words = texts.t("board.charts.readout", month=texts.month(pd.Period(months[-1], "M")), **last(line.baseline))
    if line.scenario:
        words = f"{words}; {texts.t('board.charts.readout_with', **last(line.scenario))}"
    words = f"{upper_first(words)}."
    svg = fan(
        record,
        _table(shown, months),
        title,
        unit,
        texts,
        words,
        as_of=desk.projector.posterior.day,
        months_back=_HISTORY_MONTHS,
        without=_table(line.baseline, months) if line.scenario else None,
    )
    return {"svg": svg, "title": title, "text": words, "source": past.source}


def _tables(desk: Desk, answer: RunAnswer, texts: Texts) -> list[dict[str, Any]]:
    """Return the outcomes by side: those of both first, then those of one side."""
    sides = desk.projector.built.corridor.about["sides"]
    found = []
    for side in ("both", *sides):
        rows = [row for row in answer.outcomes if _side(desk, row.name, len(sides)) == side]
        title = (
            texts.t("board.outcomes.of_both")
            if side == "both"
            else texts.t("board.outcomes.of", side=texts.pick(sides[side]))
        )
        if rows:
            found.append({"title": title, "rows": [_row(desk, row, texts) for row in rows]})
    return found


def _side(desk: Desk, name: str, sides: int) -> str:
    outcome = desk.projector.outcomes[name]
    return "both" if len(outcome.sides) == sides else outcome.sides[0]


def _row(desk: Desk, row: OutcomeAnswer, texts: Texts) -> dict[str, Any]:
    outcome = desk.projector.outcomes[row.name]
    form = {"end": "at_end", "mean": "mean", "sum": "total"}[outcome.over]
    nothing = max(abs(row.q05), abs(row.q95)) <= _NOTHING * abs(row.base)
    return {
        "label": texts.pick(outcome.label),
        "unit": texts.t(f"board.outcomes.{form}", unit=texts.pick(outcome.unit_label)),
        "base": texts.rounded(row.base),
        "change": texts.number(0) if nothing else texts.signed_rounded(row.change),
        "interval": "" if nothing else texts.interval(row.q05, row.q95, figures=2, sign=True),
        "sure": not nothing and (row.q05 > 0 or row.q95 < 0),
        "prefers": texts.t(f"board.outcomes.{outcome.prefers}"),
    }
