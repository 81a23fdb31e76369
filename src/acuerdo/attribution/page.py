"""Answers as one HTML page with a picture for each question, which opens without a network and without scripts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from markupsafe import Markup

from acuerdo.attribution.answer import Answer, Estimate
from acuerdo.attribution.interval import LEVEL, Comparison
from acuerdo.charts import counterfactual, render
from acuerdo.figures.catalogue import Catalogue
from acuerdo.i18n import Texts, upper_first
from acuerdo.pages import environment

TEMPLATES = Path(__file__).parent / "templates"


def page(
    answers: list[Answer],
    catalogue: Catalogue,
    texts: Texts,
    day: date | None,
    beside: Mapping[str, Comparison | None] | None = None,
) -> str:
    """Return the page as text.

    Args:
        answers: the answers to show, in order.
        catalogue: the catalogue, for the names of series and members.
        texts: the language.
        day: day of the view; None for the latest.
        beside: by question, the model's answer beside that of the series; None where it has none.
    """
    templates = environment(TEMPLATES)
    style = (TEMPLATES / "attribution.css").read_text(encoding="utf-8")
    return templates.get_template("attribution.html.j2").render(
        lang=texts.lang,
        corridor=texts.pick(texts.corridor.about["title"]),
        title=texts.t("attribution.title"),
        intro=texts.t("attribution.intro"),
        as_of=texts.t("brief.as_of", day=texts.day(day)) if day else texts.t("attribution.as_of_latest"),
        legend=texts.t("attribution.label.legend", level=texts.percent(LEVEL)),
        words=texts.words("attribution"),
        style=Markup(style),
        questions=[_question(one, catalogue, texts, beside) for one in answers],
    )


def _question(
    one: Answer, catalogue: Catalogue, texts: Texts, beside: Mapping[str, Comparison | None] | None
) -> dict[str, Any]:
    question, met = one.question, (beside or {}).get(one.question.id)
    notes = [upper_first(note.say(texts)) for note in one.notes] + [texts.pick(words) for words in question.cautions]
    if question.together:
        notes.insert(0, texts.t("attribution.label.together", measures=texts.listing(question.together)))
    shown: dict[str, Any] = {
        "id": question.id,
        "title": texts.pick(question.title),
        "verdict": upper_first(texts.t(f"attribution.verdict.{one.verdict}")),
        "why": one.why.say(texts),
        "ratio": texts.t("format.missing"),
        "interval": "",
        "p": texts.t("format.missing"),
        "months": "",
        "estimates": [_estimate(made, one, catalogue, texts) for made in one.estimates],
        "model": _model(one, texts, beside),
        "model_ratio": texts.t("format.missing") if met is None else texts.number(met.model.mid, 2),
        "model_interval": ""
        if met is None
        else texts.t("format.interval", low=texts.number(met.model.low, 2), high=texts.number(met.model.high, 2)),
        "has_donors": question.donors is not None,
        "donor_reason": texts.pick(question.donors.reason if question.donors else question.no_donors),
        "notes": notes,
    }
    if one.estimates:
        first = one.estimates[0]
        after = int(first.path["q05"].notna().sum())
        shown |= {
            "ratio": texts.number(first.ratio.mid, 2),
            "interval": texts.t(
                "format.interval", low=texts.number(first.ratio.low, 2), high=texts.number(first.ratio.high, 2)
            ),
            "p": texts.number(first.p, 2),
            "months": texts.t("attribution.label.months", pre=len(first.path) - after, post=after),
        }
    return shown


def _model(one: Answer, texts: Texts, beside: Mapping[str, Comparison | None] | None) -> str:
    """Return what the model says beside the series, in words; nothing where it was not asked."""
    if beside is None or one.question.id not in beside:
        return ""
    met = beside[one.question.id]
    if met is None:
        return texts.t("attribution.no_model" if one.question.packages else "attribution.no_lever")
    own = _interval(met.model.low, met.model.mid, met.model.high, texts, digits=2)
    return f"{texts.t('attribution.model')}: {own}. {texts.t(f'attribution.compare.{met.why}')}"


def _estimate(made: Estimate, one: Answer, catalogue: Catalogue, texts: Texts) -> dict[str, Any]:
    question, series = one.question, catalogue[one.question.series]
    labels = catalogue.members(question.series)
    title, unit = texts.pick(series.label), texts.pick(series.unit_label)
    who = texts.listing(texts.pick(labels[name]) for name in question.treated)
    name = texts.t(f"attribution.method.{made.method}")
    spec = counterfactual.counterfactual_spec(made.path, question.measure.date, title, f"{who}, {unit}", texts)
    after = made.path.dropna(subset=["q05"])
    observed, without = float(after["observed"].sum()), float(after["q50"].sum())
    interval = texts.interval(float(after["q05"].sum()), float(after["q95"].sum()))
    told = texts.t(
        "attribution.label.picture",
        title=title,
        observed=texts.rounded(observed),
        unit=unit,
        without=texts.rounded(without),
        interval=interval,
    )
    return {
        "name": name,
        "ratio": _interval(made.ratio.low, made.ratio.mid, made.ratio.high, texts, digits=2),
        "total": f"{_interval(made.total.low, made.total.mid, made.total.high, texts)} · {unit}",
        "verdict": texts.t(f"attribution.verdict.{made.verdict}"),
        "why": made.why.say(texts),
        "fit": _fit(made, texts),
        "chart": Markup(render.to_svg(spec, f"{name}: {title}", told, texts)),
        "side": [Markup(picture) for picture in _side(made, one, catalogue, texts)],
    }


def _fit(made: Estimate, texts: Texts) -> str:
    if made.fit.coverage == made.fit.coverage:
        return texts.t(
            "attribution.fit.coverage", coverage=texts.percent(made.fit.coverage), level=texts.percent(LEVEL)
        )
    return texts.t(
        "attribution.fit.relative", error=texts.number(made.fit.error, 2), share=texts.percent(made.fit.relative)
    )


def _interval(low: float, mid: float, high: float, texts: Texts, digits: int | None = None) -> str:
    if digits is None:
        words = [texts.signed_rounded(value) for value in (low, mid, high)]
    else:
        words = [texts.number(value, digits) for value in (low, mid, high)]
    return f"{words[1]}; " + texts.t("attribution.label.level", low=words[0], high=words[2], level=texts.percent(LEVEL))


def _side(made: Estimate, one: Answer, catalogue: Catalogue, texts: Texts) -> list[str]:
    pictures = []
    for test in made.tests:
        title = texts.t(f"attribution.test.{test.kind}")
        p = texts.t("attribution.test.p", p=texts.number(test.p, 2), count=len(test.others))
        subtitle = [texts.t(f"attribution.statistic.{made.method}"), p]
        spec = counterfactual.placebo_spec(test.own, test.others, title, subtitle)
        pictures.append(render.to_svg(spec, title, "; ".join(subtitle), texts))
    donors = one.question.donors
    if made.weights is not None and donors is not None:
        labels = catalogue.members(donors.series or one.question.series)
        weights = made.weights.rename(index={name: texts.pick(labels[str(name)]) for name in made.weights.index})
        title = texts.t("attribution.label.weights")
        told = texts.listing(f"{name} {texts.percent(float(weight))}" for name, weight in weights.items())
        pictures.append(render.to_svg(counterfactual.weights_spec(weights, title, texts), title, told, texts))
    return pictures
