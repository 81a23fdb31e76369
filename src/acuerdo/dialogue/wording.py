"""The scorecard in words and as plain data, for the command line and the brief."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import pandas as pd

from acuerdo.attribution.interval import Interval, compare
from acuerdo.dialogue.outcome import Amount, Outcome
from acuerdo.dialogue.scorecard import STATUSES, Attribution, Indicator, Row, Scorecard, Tally
from acuerdo.dialogue.target import Chance, Deadline
from acuerdo.figures.catalogue import Catalogue
from acuerdo.i18n import Texts, lower_first
from acuerdo.records import CODERS


class ScoreWords:
    """Words for scorecards in one language."""

    def __init__(self, texts: Texts, catalogue: Catalogue) -> None:
        self.texts = texts
        self.catalogue = catalogue

    def owner(self, name: str) -> str:
        """Return the name of a side, of both, or of others."""
        about = self.texts.corridor.about
        if name == "both":
            return self.texts.pick(about["both"])
        if name in about["sides"]:
            return self.texts.pick(about["sides"][name])
        return self.texts.t("score.third")

    def coder(self, name: str) -> str:
        """Return the role of who scored."""
        return self.texts.t(f"score.by.{name}") if name in CODERS else self.owner(name)

    def status(self, row: Row) -> str:
        """Return the status, with the reason if there is no score."""
        words = self.texts.t(f"score.status.{row.status}")
        if not row.reason:
            return words
        reason = self.texts.pick(row.promise.untestable) if row.reason == "untestable" else ""
        reason = reason or self.texts.t(f"score.reason.{row.reason}")
        return f"{words}: {reason}"

    def views(self, row: Row) -> list[str]:
        """Return each view: who, what, since when, why."""
        return [
            self.texts.t(
                "score.view",
                coder=self.coder(one.by),
                delivery=self.texts.t(f"score.delivery.{_sign(one.delivery)}"),
                day=self.texts.day(one.published, short=True),
                note=self.texts.pick(one.note),
            )
            for one in row.views
        ]

    def label(self, indicator: Indicator) -> str:
        """Return the name of a figure, with its member."""
        entry = self.catalogue[indicator.measure.series]
        member = indicator.measure.member
        name = self.texts.pick(entry.label)
        return name if member == "ALL" else f"{name}: {lower_first(self.texts.pick(entry.members[member]))}"

    def outcome(self, indicator: Indicator) -> str:
        """Return what a figure did, or why that cannot be said."""
        found = indicator.outcome
        if isinstance(found, str):
            return self.texts.t(f"score.gap.{found}")
        parts = [
            self.texts.t(
                "score.outcome",
                latest=self.amount(found.latest),
                unit=self.unit(indicator),
                span=self.span(found.latest, found),
                baseline=self.amount(found.baseline),
                before=self.span(found.baseline, found),
                change=self.change(found),
                move=self.texts.t(f"score.move.{found.move}"),
            )
        ]
        if found.overlap:
            parts.append(self.texts.t("score.overlap", count=found.overlap))
        if found.highest is not None:
            parts.append(self.texts.t("score.highest", month=self.texts.month(found.highest)))
        if found.lowest is not None:
            parts.append(self.texts.t("score.lowest", month=self.texts.month(found.lowest)))
        if found.latest.revised or found.baseline.revised:
            parts.append(self.texts.t("score.revised", vintage=found.latest.vintage))
        return " ".join(parts)

    def unit(self, indicator: Indicator) -> str:
        """Return the unit of a figure in words."""
        return self.texts.pick(self.catalogue[indicator.measure.series].unit_label)

    def amount(self, amount: Amount) -> str:
        """Return a figure, with its interval if it has one."""
        number = self.texts.number(amount.value) if abs(amount.value) >= 100 else self.texts.rounded(amount.value, 3)
        if amount.exact:
            return number
        return f"{number} ({self.texts.interval(amount.low, amount.high)})"

    def change(self, found: Outcome) -> str:
        """Return the relative change, with its interval if it has one."""
        if found.change is None:
            return self.texts.t("format.missing")
        words = self._relative(found.change)
        if found.change_interval is None:
            return words
        low, high = found.change_interval
        return f"{words} ({self.texts.t('format.interval', low=self._relative(low), high=self._relative(high))})"

    def span(self, amount: Amount, found: Outcome) -> str:
        """Return what a figure covers."""
        first, last = pd.Period(amount.start, "M"), pd.Period(amount.end, "M")
        if found.basis == "years":
            return self.texts.t(f"period.{found.frequency}", year=last.year)
        if first == last:
            return self.texts.month(last, short=True)
        if found.basis == "same_months" and found.periods < (last - first).n + 1:
            return self.texts.t("score.months_of", count=found.periods, start=self._m(first), end=self._m(last))
        return self.texts.t("format.interval", low=self._m(first), high=self._m(last))

    def standing(self, indicator: Indicator, due: date | None) -> str:
        """Return how a target stands; nothing without one."""
        found, target = indicator.standing, indicator.measure.target
        if found is None or target is None or due is None:
            return ""
        if found.state == "unknown":
            return self.texts.t("score.target.unknown", due=self.texts.day(due, short=True))
        value = "" if found.value is None else self.texts.number(found.value)
        return self.texts.t(
            f"score.target.{found.state}",
            side=self.texts.t(f"score.target.{target.side}"),
            mark=self.texts.number(found.mark),
            months=self.texts.month(found.months[-1]),
            due=self.texts.day(due, short=True),
            value=value,
        )

    def chance(self, indicator: Indicator) -> str:
        """Return the chance of meeting an open target, or why there is none; nothing if the target is not open."""
        if indicator.standing is None or indicator.standing.state != "open":
            return ""
        if indicator.chance is None:
            return self.texts.t("score.chance_none")
        one = indicator.chance
        return self.texts.t(
            "score.chance_provisional" if one.provisional else "score.chance",
            share=chance_words(one, self.texts),
            draws=self.texts.number(one.draws),
            low=self.texts.percent(one.low, 1),
            high=self.texts.percent(one.high, 1),
        )

    def attribution(self, indicator: Indicator) -> list[str]:
        """Return what each road says, the one beside the other, and whether they agree."""
        said = [self._road(name, found) for name, found in indicator.attribution.items()]
        effects = [_effect(found) for found in indicator.attribution.values() if found is not None]
        if len(effects) == 2:
            said.append(self.texts.t(f"attribution.compare.{compare(effects[0], effects[1]).why}"))
        return said

    def attribution_line(self, indicator: Indicator) -> str:
        """Return the same in one line: what each road has without what followed, and a word if they disagree."""
        found = [one for one in indicator.attribution.values() if one is not None]
        parts = [
            self.texts.t(
                "score.short",
                road=lower_first(self.texts.t(f"score.road.{one.road}")),
                without=self.texts.rounded(one.without[1]),
                interval=self.texts.interval(one.without[0], one.without[2]),
            )
            for one in found
        ]
        if not parts:
            return ""
        line = self.texts.t("score.shorts", parts="; ".join(parts))
        if len(found) == 2 and not (met := compare(_effect(found[0]), _effect(found[1]))).agree:
            line += " " + self.texts.t(f"attribution.compare.{met.why}")
        return line

    def agreement(self, card: Scorecard) -> str:
        """Return how the independent coders agree, or that there was only one."""
        found = card.agreement
        if found.both == 0:
            return self.texts.t("score.agreement.one" if found.coders < 2 else "score.agreement.none")
        if found.kappa is None or found.low is None or found.high is None:
            return self.texts.t("score.agreement.flat", both=found.both, same=found.same)
        return self.texts.t(
            "score.agreement.kappa",
            both=found.both,
            same=found.same,
            kappa=self.texts.number(found.kappa, 2),
            low=self.texts.number(found.low, 2),
            high=self.texts.number(found.high, 2),
        )

    def written(self, card: Scorecard) -> str:
        """Return when the tests were written and the scores given."""
        tests = [row.promise.test.written for row in card.rows if row.promise.test is not None]
        scores = [one.coded for row in card.rows for one in row.views]
        if not tests:
            return ""
        coded = self.texts.day(max(scores)) if scores else self.texts.t("format.missing")
        return self.texts.t("score.written", tests=self.texts.day(max(tests)), coded=coded)

    def total(self, tally: Tally) -> str:
        """Return counts with their denominator."""
        mean = self.texts.percent(tally.mean) if tally.mean is not None else self.texts.t("format.missing")
        return self.texts.t(
            "score.total",
            total=tally.total,
            scored=tally.scored,
            mean=mean,
            **{name: tally.counts[name] for name in STATUSES},
        )

    def _road(self, name: str, found: Attribution | None) -> str:
        road = self.texts.t(f"score.road.{name}")
        if found is None:
            return f"{road}: {self.texts.t('score.not_computed')}"
        low, mid, high = found.without
        return f"{road}: " + self.texts.t(
            "score.without",
            method=self.texts.t(f"score.method.{found.method}"),
            observed=self.texts.rounded(found.observed),
            without=self.texts.rounded(mid),
            interval=self.texts.interval(low, high),
            start=self._m(found.start),
            end=self._m(found.end),
            verdict=self.texts.t(f"score.verdict.{found.verdict}"),
        )

    def _relative(self, share: float) -> str:
        return self.texts.change(share, 0 if abs(share) >= 0.0095 else 1)

    def _m(self, month: pd.Period) -> str:
        return self.texts.month(month, short=True)


def _effect(found: Attribution) -> Interval:
    """Return what was recorded less what would have been, as a share of the latter."""
    low, mid, high = (found.observed / max(one, 1e-9) - 1 for one in reversed(found.without))
    return Interval(low, mid, high)


def chance_words(one: Chance, texts: Texts) -> str:
    """Return a chance in per cent, never as 0 or 100 % because the draws are finite."""
    edge = 1 / one.draws
    if one.probability < edge:
        return "<" + texts.percent(edge, 1)
    if one.probability > 1 - edge:
        return ">" + texts.percent(1 - edge, 1)
    return texts.percent(one.probability)


def _sign(delivery: int) -> str:
    return {1: "full", 0: "part", -1: "not"}[delivery]


def record(card: Scorecard, words: ScoreWords) -> dict[str, Any]:
    """Return a scorecard as plain data."""
    agreed = card.agreement
    return {
        "as_of": card.day.isoformat() if card.day else None,
        "chosen": words.texts.t("score.chosen") if words.texts.has("score.chosen") else None,
        "base_rate": words.texts.t("score.base_rate"),
        "tested": card.tested(),
        "all": _tally(card.tally()),
        "by_dialogue": [_tally(one) for one in card.tallies()],
        "agreement": {
            "coders": agreed.coders,
            "both": agreed.both,
            "same": agreed.same,
            "kappa": agreed.kappa,
            "interval": None if agreed.low is None else [agreed.low, agreed.high],
            "words": words.agreement(card),
        },
        "commitments": [_row(row, words) for row in card.rows],
    }


def _tally(one: Tally) -> dict[str, Any]:
    counts: dict[str, int] = {name: one.counts[name] for name in STATUSES}
    return {"name": one.name, "total": one.total, "scored": one.scored, **counts, "mean_of_scored": one.mean}


def _row(row: Row, words: ScoreWords) -> dict[str, Any]:
    promise = row.promise
    return {
        "id": promise.id,
        "dialogue": promise.dialogue,
        "meeting": promise.meeting,
        "owner": promise.owner,
        "kind": promise.kind,
        "made": promise.made.isoformat(),
        "due": promise.due.isoformat() if promise.due else None,
        "mark": promise.mark,
        "text": promise.text,
        "test": promise.test.model_dump(mode="json") if promise.test else None,
        "sources": [one.model_dump(mode="json", exclude_none=True) for one in promise.sources],
        "delivery": {
            "status": row.status,
            "reason": row.reason or None,
            "words": words.status(row),
            "views_differ": row.differ,
            "views": [one.model_dump(mode="json", exclude={"commitment"}) for one in row.views],
        },
        "indicators": [_indicator(one, promise.due, words) for one in row.indicators],
    }


def _indicator(one: Indicator, due: date | None, words: ScoreWords) -> dict[str, Any]:
    return {
        "series": one.measure.series,
        "member": one.measure.member,
        "better": one.measure.better,
        "label": words.label(one),
        "outcome": _outcome(one.outcome),
        "outcome_words": words.outcome(one),
        "target": _standing(one.standing, one.chance),
        "target_words": " ".join(filter(None, [words.standing(one, due), words.chance(one)])),
        "attribution": {name: _attribution(found) for name, found in one.attribution.items()},
    }


def _outcome(found: Outcome | str) -> dict[str, Any]:
    if isinstance(found, str):
        return {"gap": found}
    return {
        "basis": found.basis,
        "unit": found.unit,
        "baseline": _amount(found.baseline),
        "latest": _amount(found.latest),
        "change": found.change,
        "change_interval": found.change_interval,
        "move": found.move,
        "periods": found.periods,
        "overlap_months": found.overlap,
        "record_high": str(found.highest) if found.highest is not None else None,
        "record_low": str(found.lowest) if found.lowest is not None else None,
        "path": [{**row, "month": str(row["month"])} for row in _rows(found.path)],
    }


def _amount(one: Amount) -> dict[str, Any]:
    return {
        "value": one.value,
        "interval": None if one.exact else [one.low, one.high],
        "start": one.start.isoformat(),
        "end": one.end.isoformat(),
        "vintage": one.vintage,
        "revised": one.revised,
    }


def _standing(found: Deadline | None, one: Chance | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "state": found.state,
        "months": [str(found.months[0]), str(found.months[-1])],
        "baseline": None if found.state == "unknown" else found.baseline,
        "mark": None if found.state == "unknown" else found.mark,
        "value": found.value,
        "probability": one.probability if one else None,
        "probability_interval": [one.low, one.high] if one else None,
        "draws": one.draws if one else None,
        "provisional": one.provisional if one else None,
    }


def _attribution(found: Attribution | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "method": found.method,
        "unit": found.unit,
        "start": str(found.start),
        "end": str(found.end),
        "observed": found.observed,
        "without": dict(zip(("q05", "q50", "q95"), found.without, strict=True)),
        "verdict": found.verdict,
    }


def _rows(frame: pd.DataFrame) -> Iterable[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]
