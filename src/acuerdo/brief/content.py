"""Assembling a brief from figures, dossier, projection and effects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import pandas as pd
import xarray as xr

from acuerdo.brief import measures, outlook, progress, summary, unknowns
from acuerdo.brief import settings as brief_settings
from acuerdo.brief.model import Brief, FigureGroup, KeyFigure, Measures
from acuerdo.brief.present import Presenter
from acuerdo.brief.priorities import priorities_section
from acuerdo.brief.sources import Sources
from acuerdo.brief.talks import TalksWriter
from acuerdo.corridor import Corridor
from acuerdo.dialogue.dossier import Dossier
from acuerdo.dialogue.scorecard import Road, scorecard
from acuerdo.dialogue.target import Chance
from acuerdo.figures.store import Figures
from acuerdo.i18n import Texts
from acuerdo.timeline import parse_as_of


def assemble(
    figures: Figures,
    dossier: Dossier,
    projection: xr.Dataset | None,
    effects: pd.DataFrame | None,
    unknown: Iterable[Mapping[str, str]],
    corridor: Corridor,
    lang: str,
    as_of: date | str | None,
    chances: Mapping[tuple[str, int], Chance] | None = None,
    roads: Mapping[str, Road] | None = None,
    findings: Mapping[str, Any] | None = None,
) -> Brief:
    """Build the content of a brief.

    Args:
        figures: the figures; narrowed here to what was public on the day.
        dossier: the dossier; narrowed here to what was known on the day.
        projection: quantiles by month of observables and outcomes, or None.
        effects: one row per measure and outcome, or None.
        unknown: entries with text_en, text_es and kind.
        corridor: the corridor, whose key `brief` says what to show.
        lang: language of the brief.
        as_of: the day, or None for the latest view.
        chances: chances of open targets (see `dialogue.scorecard.chances_of`).
        roads: roads to attribution for the page of progress (see `dialogue.scorecard.Road`).
        findings: of a study of priorities (see `priorities.report.to_dict`), or None.

    Raises:
        InputError: the language, the day or a name in the settings is not known.
        DataError: the settings or texts of the corridor are not valid.
    """
    texts = Texts(lang, corridor)
    wanted = brief_settings.read(corridor)
    asked = parse_as_of(as_of)
    view = figures.as_of(asked)
    day = asked or _last_day(view, projection)
    sources = Sources(texts)
    presenter = Presenter(view, texts, sources, wanted.history_months)

    key_figures, missing = _printed(presenter, wanted.key_figures)
    groups = []
    for group in wanted.picture:
        rows, absent = _printed(presenter, group.rows)
        missing += absent
        if rows:
            groups.append(FigureGroup(texts.pick(group.title), tuple(rows)))
    everything = [*key_figures, *(row for group in groups for row in group.rows)]
    revised = [figure.label for figure in everything if figure.revised]

    talks = TalksWriter(dossier, presenter, wanted.talks, day).write()
    card = scorecard(dossier, view, asked, chances, roads)
    since = progress.since(dossier.as_of(day), day, wanted.talks.eve_days)
    writer = progress.ProgressWriter(card, view, texts, sources, wanted.progress, roads)
    made = writer.write(since) if since else None
    fans = (
        outlook.fans(projection, view, wanted.outlook, day, wanted.history_months, wanted.outlook_months, texts)
        if projection is not None
        else ()
    )
    bought = (
        measures.assemble(effects, wanted.measures, wanted.outlook_months, texts)
        if effects is not None and len(effects)
        else Measures(intro=texts.t("brief.measures_none"))
    )
    first = priorities_section(findings, texts) if findings is not None else None
    gaps = unknowns.gather(unknown, missing, revised, _warnings(view, wanted, texts), texts)
    provisional = projection is not None and bool(projection.attrs.get("provisional", False))
    horizon = texts.month(outlook.horizon(day, wanted.outlook_months))
    return Brief(
        lang=lang,
        locale=str(texts.locale).replace("_", "-"),
        day=day.isoformat(),
        title=texts.pick(wanted.title),
        corridor=texts.pick(corridor.about["title"]),
        as_of=texts.t("brief.as_of" if asked else "brief.as_of_latest", day=texts.day(day)),
        mark=texts.t("brief.mark") if provisional else "",
        notice=texts.t("brief.notice") if provisional else "",
        summary=summary.sentences(
            talks.upcoming,
            key_figures,
            fans,
            effects,
            wanted,
            sum(len(group.items) for group in gaps),
            texts,
            first.summary if first else "",
        ),
        key_figures=tuple(key_figures),
        picture=tuple(groups),
        picture_notes=(texts.t("brief.picture_note_revised"),) if revised else (),
        talks=talks,
        outlook_intro=texts.t("brief.outlook_intro", month=horizon) if fans else texts.t("brief.outlook_none"),
        outlook=fans,
        measures=bought,
        unknowns=gaps,
        sources=sources.listing(),
        progress=made,
        priorities=first,
        words={
            **texts.words("brief.words"),
            **{f"priorities_{key}": text for key, text in texts.words("priorities").items()},
            "priorities": texts.t("priorities.title"),
        },
    )


def _printed(presenter: Presenter, items: Iterable[brief_settings.Item]) -> tuple[list[KeyFigure], list[str]]:
    found, missing = [], []
    for item in items:
        figure = presenter.key_figure(item, spark=True)
        if figure is None:
            missing.append(presenter.missing(item))
        else:
            found.append(figure)
    return found, missing


def _last_day(view: Figures, projection: xr.Dataset | None) -> date:
    """Return the day of a brief that names none.

    It is the day of the projection, else the last day before the projected months, else the last publication.
    """
    if projection is not None:
        named = str(projection.attrs.get("as_of", "latest"))
        found = parse_as_of(named)
        if found is not None:
            return found
        if projection.sizes.get("month"):
            return (pd.Timestamp(projection["month"].to_numpy()[0]) - pd.Timedelta(days=1)).date()
    days = [figure.published for name in view.ids if (figure := view.latest(name)) is not None]
    return view.day or max(days, default=date.today())


def _warnings(view: Figures, wanted: brief_settings.BriefSettings, texts: Texts) -> list[str]:
    """Return the first caution of the catalogue on each key figure."""
    lines = []
    for item in wanted.key_figures:
        if item.method != "constant":
            entry = view.series(item.series)
            lines += [f"{texts.pick(entry.label)}: {texts.pick(warning)}" for warning in entry.warnings[:1]]
    return lines
