"""The page of a backtest: what was wanted and reached, where the model loses, skill, coverage, fans at the breaks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Template
from markupsafe import Markup

from acuerdo.backtest import keep, record
from acuerdo.backtest.evaluate import BEST, COMBINED, FORECASTERS, OURS, Evaluation
from acuerdo.backtest.plan import MEMBERS, TOTAL, Plan, Target, month_of
from acuerdo.backtest.pool import MODEL, POOLED
from acuerdo.backtest.rivals import PERSISTENCE, RIVALS
from acuerdo.backtest.run import MODEL_RECORD
from acuerdo.brief.html import TEMPLATES as BRIEF_TEMPLATES
from acuerdo.charts import fan, render, skill
from acuerdo.figures.store import Figures
from acuerdo.i18n import Texts
from acuerdo.pages import environment

_HOME = Path(__file__).parent / "templates"
_COVERED, _LEAST_HEADLINE = (0.85, 0.95), 0.75
_BELOW_PERSISTENCE, _ABOVE_BEST = 0.10, 0.05
_MIDDLE = (3, 6)
_SHOWN = ("crps", "crps_log", "log_score", "coverage_50", "coverage_90", "bias", "bias_log", "mape")
_SHARES = ("coverage_50", "coverage_90", "mape")


@dataclass(frozen=True)
class Picture:
    """A chart with its title."""

    title: str
    svg: str


@dataclass(frozen=True)
class _Page:
    """What every part of the page needs."""

    plan: Plan
    found: Evaluation
    figures: Figures
    texts: Texts

    def who(self, name: str) -> str:
        return self.texts.t(f"backtest.who.{name}")

    def label(self, series: str) -> str:
        return self.texts.pick(self.figures.series(series).label)

    def skills(self, ours: str, rival: str) -> pd.DataFrame:
        table = self.found.skill
        totals = {(series, members[0]) for series, members in self.plan.series.items()}
        chosen = table[(table["forecaster"] == ours) & (table["rival"] == rival)]
        keep_ = [(s, m) in totals or m == MEMBERS for s, m in zip(chosen["series"], chosen["members"], strict=True)]
        return chosen[keep_]

    def unit_name(self, series: str, members: str) -> str:
        t = self.texts.t
        if members == self.plan.series[series][0]:
            return self.label(series)
        if members == MEMBERS:
            return t("backtest.members", series=self.label(series))
        if members in self.plan.groups:
            return t(
                "backtest.group", series=self.label(series), group=self.texts.pick(self.plan.groups[members].label)
            )
        return t("backtest.part", series=self.label(series), member=self.member(series, members))

    def member(self, series: str, code: str) -> str:
        dimension = self.figures.series(series).dimension
        words = self.texts.corridor.about["dimensions"].get(str(dimension), {})
        return self.texts.pick(words[code]) if code in words else code

    def with_interval(self, value: float, low: float, high: float) -> str:
        if not (np.isfinite(low) and np.isfinite(high)):
            return self.texts.change(value)
        ends = self.texts.t("format.interval", low=self.texts.change(low), high=self.texts.change(high))
        return self.texts.t("backtest.with_interval", value=self.texts.change(value), interval=ends)


def pages(
    plan: Plan,
    whole: int,
    found: Evaluation,
    figures: Figures,
    forecasts: Mapping[date, keep.Kept],
    texts: Texts,
    digests: Mapping[str, str],
) -> str:
    """Return the page in one language.

    Args:
        plan: the plan that was run.
        whole: number of origins of the whole plan.
        found: the scores.
        figures: the snapshot.
        forecasts: the kept forecasts, for the fans.
        texts: the language.
        digests: `model` and `data`, shown in the footer.
    """
    page, t = _Page(plan, found, figures, texts), texts.t
    losses, compared = _losses(page)
    return _template().render(
        lang=texts.lang,
        corridor=texts.pick(texts.corridor.about["title"]),
        mark=t("backtest.mark"),
        words=texts.words("backtest"),
        style=Markup((BRIEF_TEMPLATES / "brief.css").read_text(encoding="utf-8")),
        markup=Markup,
        span=t(
            "backtest.span",
            count=len(plan.origins),
            first=texts.day(plan.origins[0]),
            last=texts.day(plan.origins[-1]),
            horizons=texts.listing(str(h) for h in plan.horizons),
        ),
        partial=t("backtest.partial", count=len(plan.origins), whole=whole) if len(plan.origins) < whole else "",
        claims=_claims(page),
        losses=losses,
        losses_intro=t("backtest.losses_intro", count=len(losses), whole=compared),
        skill=[_skill(page, ours) for ours in (MODEL, COMBINED, MODEL_RECORD)],
        coverage=[_coverage(page, share) for share in (0.9, 0.5)],
        pit=_pit(page),
        breaks=_breaks(page, forecasts),
        members=[page.who(name) for name in POOLED],
        weights=_weights(page),
        columns=[t(f"backtest.score.{name}") for name in _SHOWN],
        tables=_tables(page),
        footer=[
            t("backtest.footer_truth", series=texts.listing(page.label(series) for series in plan.deaths)),
            t("backtest.footer_vintages"),
            t("backtest.footer_digest", model=digests["model"][:12], data=digests["data"][:12]),
        ],
    )


@cache
def _template() -> Template:
    templates = environment(_HOME)
    return templates.get_template("report.html.j2")


def _claims(page: _Page) -> list[dict[str, Any]]:
    """Return what was wanted and what was measured."""
    texts, t, coverage = page.texts, page.texts.t, page.found.coverage
    rows: list[dict[str, Any]] = []

    def add(claim: str, wanted: str, measured: str, reached: bool) -> None:
        rows.append({"claim": claim, "wanted": wanted, "measured": measured, "reached": reached})

    low, high = _COVERED
    band = t("backtest.between", low=texts.percent(low), high=texts.percent(high))
    for who in OURS:
        one = coverage[(coverage["forecaster"] == who) & (coverage["of"] == "all")]
        if len(one):
            share = float(one["coverage_90"].iloc[0])
            claim = t("backtest.claim_coverage", who=page.who(who))
            add(claim, band, texts.percent(share, 1), low <= share <= high)
    for who in OURS:
        some = coverage[(coverage["forecaster"] == who) & (coverage["of"] != "all")]
        if len(some):
            worst = min(some.to_dict("records"), key=lambda row: float(row["coverage_90"]))
            share = float(worst["coverage_90"])
            claim = t("backtest.claim_headline", who=page.who(who), series=page.label(str(worst["of"])))
            least = t("backtest.at_least", value=texts.percent(_LEAST_HEADLINE))
            add(claim, least, texts.percent(share), share >= _LEAST_HEADLINE)
    for series in page.plan.bar:
        for who in (MODEL, COMBINED):
            table = page.skills(who, PERSISTENCE)
            totals = table[(table["series"] == series) & (table["members"] == page.plan.series[series][0])]
            for row in totals[totals["horizon"].isin(_MIDDLE)].to_dict("records"):
                claim = t(
                    "backtest.claim_persistence",
                    horizon=int(row["horizon"]),
                    series=page.label(series),
                    who=page.who(who),
                )
                value = float(row["skill"])
                measured = page.with_interval(value, float(row["skill_low"]), float(row["skill_high"]))
                wanted = t("backtest.at_least", value=texts.percent(_BELOW_PERSISTENCE))
                add(claim, wanted, measured, value >= _BELOW_PERSISTENCE)
    best = page.skills(COMBINED, BEST)["skill"].dropna()
    over = int((best < -_ABOVE_BEST).sum())
    if len(best):
        measured = t("backtest.of", count=over, whole=len(best))
        add(t("backtest.claim_best"), "0", measured, over == 0)
    return rows


def _losses(page: _Page) -> tuple[list[dict[str, Any]], int]:
    """Return where the model alone has a higher CRPS than the best rival, and how many comparisons there are."""
    model = page.skills(MODEL, BEST).dropna(subset=["skill"])
    combined = {
        (row["series"], row["members"], row["horizon"]): float(row["skill"])
        for row in page.skills(COMBINED, BEST).to_dict("records")
    }
    rows = []
    for row in model.sort_values("skill").to_dict("records"):
        if row["skill"] >= 0:
            continue
        other = combined.get((row["series"], row["members"], row["horizon"]), float("nan"))
        rows.append(
            {
                "series": page.unit_name(str(row["series"]), str(row["members"])),
                "horizon": int(row["horizon"]),
                "best": page.who(str(row["best"])),
                "model": page.with_interval(float(row["skill"]), float(row["skill_low"]), float(row["skill_high"])),
                "combined": page.texts.change(other),
                "over": other < -_ABOVE_BEST,
            }
        )
    return rows, len(model)


def _skill(page: _Page, ours: str) -> Picture:
    table = pd.concat([page.skills(ours, rival) for rival in RIVALS])
    rows = [
        {
            "panel": page.label(series),
            "row": str(horizon),
            "who": page.who(str(row["rival"])),
            "skill": row["skill"],
            "low": row["skill_low"],
            "high": row["skill_high"],
        }
        for series in page.plan.headline
        for horizon in page.plan.horizons
        for row in table[
            (table["series"] == series)
            & (table["members"] == page.plan.series[series][0])
            & (table["horizon"] == horizon)
        ].to_dict("records")
    ]
    title = page.who(ours)
    spec = skill.skill_spec(pd.DataFrame(rows, columns=["panel", "row", "who", "skill", "low", "high"]), page.texts)
    words = page.texts.t("backtest.skill_intro")
    return Picture(title, render.to_svg(spec, title, words, page.texts))


def _coverage(page: _Page, share: float) -> Picture:
    table, t = page.found.coverage, page.texts.t
    column = f"coverage_{round(share * 100)}"
    rows = [
        {
            "row": t("backtest.all_points") if row["of"] == "all" else page.label(str(row["of"])),
            "who": page.who(str(row["forecaster"])),
            "coverage": row[column],
        }
        for row in table[table["forecaster"].isin([*OURS, PERSISTENCE])].to_dict("records")
    ]
    band = _COVERED if share == 0.9 else (share - 0.1, share + 0.1)
    title = t("backtest.coverage_chart", share=page.texts.percent(share))
    spec = skill.coverage_spec(pd.DataFrame(rows), share, band, page.texts)
    return Picture(title, render.to_svg(spec, title, t("backtest.coverage_intro"), page.texts))


def _pit(page: _Page) -> Picture:
    points = page.found.points
    rows = pd.concat(
        [
            pd.DataFrame({"who": page.who(name), "pit": points.loc[points["forecaster"] == name, "pit"]})
            for name in FORECASTERS
        ]
    )
    title = page.texts.t("backtest.pit")
    spec = skill.pit_spec(rows, page.texts)
    return Picture(title, render.to_svg(spec, title, page.texts.t("backtest.pit_intro"), page.texts))


def _breaks(page: _Page, forecasts: Mapping[date, keep.Kept]) -> list[dict[str, Any]]:
    """Return fans of the first headline series from the last origin before each break."""
    series = page.plan.headline[0]
    target = Target(series, page.plan.series[series][0])
    came = record.published(page.figures, target)
    history = pd.DataFrame({"month": came.index, "value": came.to_numpy(dtype=float)})
    shown = []
    for one in page.plan.breaks:
        earlier = [day for day in page.plan.origins if month_of(day) < pd.Period(one.month, "M")]
        if not earlier or (pd.Period(one.month, "M") - month_of(earlier[-1])).n > max(page.plan.horizons):
            continue
        day = earlier[-1]
        fans = []
        for who, key in ((MODEL, "backtest.fan_known"), (MODEL_RECORD, "backtest.fan_later")):
            if target not in forecasts[day].bands.get(who, {}):
                continue
            bands = forecasts[day].bands[who][target]
            months = keep.months_after(month_of(day), len(bands))
            frame = pd.DataFrame(bands, columns=["q05", "q25", "q50", "q75", "q95"]).assign(month=months)
            words = page.texts.t(
                "backtest.fan_words",
                count=len(bands),
                median=page.texts.rounded(float(bands[-1, 2])),
                interval=page.texts.interval(float(bands[-1, 0]), float(bands[-1, 4])),
            )
            seen = history[history["month"] <= months[-1]]
            title, unit = page.label(series), page.texts.pick(page.figures.series(series).unit_label)
            svg = fan(seen, frame, title, unit, page.texts, words, as_of=day, months_back=24 + len(bands))
            fans.append(Picture(page.texts.t(key, series=page.label(series)), svg))
        if fans:
            title = page.texts.t("backtest.break_title", label=page.texts.pick(one.label), day=page.texts.day(day))
            shown.append({"title": title, "fans": fans})
    return shown


def _weights(page: _Page) -> list[dict[str, Any]]:
    rows = []
    for series, scopes in page.found.final.items():
        for scope, by_horizon in scopes.items():
            name = page.unit_name(series, page.plan.series[series][0] if scope == TOTAL else MEMBERS)
            for horizon, weights in sorted(by_horizon.items()):
                cells = [page.texts.percent(weights[one]) if weights.get(one) else "–" for one in POOLED]
                origins = page.found.counts[series][scope][horizon]
                rows.append({"series": name, "horizon": horizon, "origins": origins, "cells": cells})
    return rows


def _tables(page: _Page) -> list[dict[str, Any]]:
    blocks = []
    for (series, members), part in page.found.scores.groupby(["series", "members"], sort=False):
        rows = [
            {
                "horizon": int(row["horizon"]),
                "forecaster": page.who(str(row["forecaster"])),
                "origins": int(row["origins"]),
                "cells": [_cell(page, name, float(row[name])) for name in _SHOWN],
            }
            for row in part.to_dict("records")
        ]
        blocks.append({"title": page.unit_name(str(series), str(members)), "rows": rows})
    return blocks


def _cell(page: _Page, name: str, value: float) -> str:
    if not np.isfinite(value):
        return "–"
    if name in _SHARES:
        return page.texts.percent(value)
    return page.texts.signed_rounded(value, 3) if name.startswith("bias") else page.texts.rounded(value)
