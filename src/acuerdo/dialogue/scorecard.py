"""The scorecard: for each commitment delivery, outcome and attribution, kept apart, as known on a day.

Delivery is what coders scored from evidence that was public; views that differ stand side by side and are never
averaged. Outcome is what the figures did. Attribution is what would have happened otherwise, by each road that has an
answer. A chance is given only for a target that is still open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

import pandas as pd

from acuerdo.dialogue.agreement import Agreement, agreement
from acuerdo.dialogue.dossier import Commitment, Dialogue, Dossier, Measure, Score
from acuerdo.dialogue.outcome import Gap, Outcome, outcome
from acuerdo.dialogue.target import Chance, Deadline, deadline
from acuerdo.figures.store import Figures
from acuerdo.records import CODERS

Status = Literal["delivered", "in_progress", "failed", "disputed", "not_scored"]
Reason = Literal["", "untestable", "no_test", "no_evidence", "no_independent_coder"]

STATUSES: tuple[Status, ...] = ("delivered", "in_progress", "failed", "disputed", "not_scored")
_STATUS: dict[int, Status] = {1: "delivered", 0: "in_progress", -1: "failed"}

ROADS = ("model", "statistical")
"""The independent roads to what would have happened otherwise."""


@dataclass(frozen=True)
class Attribution:
    """What a series would have been without a measure, by one road.

    Attributes:
        road: model or statistical.
        method: its name: the text `score.method.<method>` says it.
        unit: short unit.
        start: first month compared.
        end: last month compared.
        observed: total recorded over those months.
        without: q05, q50 and q95 of the total without the measure.
        verdict: fall, rise, not_distinguishable or cannot_be_answered.
        band: columns month, q05, q50, q95 of the series without the measure.
    """

    road: str
    method: str
    unit: str
    start: pd.Period
    end: pd.Period
    observed: float
    without: tuple[float, float, float]
    verdict: str
    band: pd.DataFrame


Road = Callable[[str, str, date, date | None], Attribution | None]
"""A road: what a series and member would have been without what was agreed on the first day, as of the second."""


@dataclass(frozen=True)
class Indicator:
    """One figure of a commitment."""

    measure: Measure
    outcome: Outcome | Gap
    standing: Deadline | None
    chance: Chance | None
    attribution: dict[str, Attribution | None]


@dataclass(frozen=True)
class Row:
    """One commitment on the scorecard.

    Attributes:
        promise: the commitment.
        views: of each coder, the score that holds on the day.
        status: that of the independent coders; disputed if they differ.
        reason: why it is not scored.
        differ: whether any two views differ, a side's own included.
        indicators: its figures.
    """

    promise: Commitment
    views: list[Score]
    status: Status
    reason: Reason
    differ: bool
    indicators: list[Indicator]


@dataclass(frozen=True)
class Tally:
    """How many commitments have each status; `total` is the denominator."""

    name: str
    counts: Counter[Status] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """All commitments, scored or not."""
        return sum(self.counts.values())

    @property
    def scored(self) -> int:
        """Those with a score that is not disputed."""
        return sum(self.counts[name] for name in _STATUS.values())

    @property
    def mean(self) -> float | None:
        """Mean of the scores as a share: 1 if all scored were delivered, 0 if all failed; None if none was scored."""
        if not self.scored:
            return None
        return (self.counts["delivered"] + 0.5 * self.counts["in_progress"]) / self.scored


@dataclass(frozen=True)
class Scorecard:
    """All of it, as known on a day (None for everything on record)."""

    day: date | None
    rows: list[Row]
    dialogues: list[Dialogue]
    agreement: Agreement

    def tally(self) -> Tally:
        """Return the counts over all commitments."""
        return Tally("", Counter(row.status for row in self.rows))

    def tallies(self) -> list[Tally]:
        """Return the counts by dialogue, in the order of the dossier, without dialogues that have no commitment."""
        found = []
        for dialogue in self.dialogues:
            counts = Counter(row.status for row in self.rows if row.promise.dialogue == dialogue.id)
            if counts:
                found.append(Tally(dialogue.id, counts))
        return found

    def tested(self) -> int:
        """Return how many commitments have an operational test."""
        return sum(row.promise.test is not None for row in self.rows)


def scorecard(
    dossier: Dossier,
    figures: Figures,
    day: date | None,
    chances: Mapping[tuple[str, int], Chance] | None = None,
    roads: Mapping[str, Road] | None = None,
) -> Scorecard:
    """Put the scorecard together.

    Args:
        dossier: the dossier; narrowed here to what was known on the day.
        figures: the figures; narrowed here likewise.
        day: the day, or None for everything.
        chances: by commitment and place of the measure, the chance of an open target (see `chances_of`).
        roads: by name, the roads to attribution; one that is missing has no answer.
    """
    picture, view = dossier.as_of(day), figures.as_of(day)
    held = latest(picture.scores)
    by_name: dict[str, list[Score]] = {}
    for score in held:
        by_name.setdefault(score.commitment, []).append(score)
    rows = []
    for promise in picture.commitments:
        views = by_name.get(promise.id, [])
        status, reason = status_of(promise, views)
        indicators = [
            Indicator(
                measure,
                outcome(view, measure, promise.made),
                deadline(view, promise, measure),
                (chances or {}).get((promise.id, number)),
                {
                    name: road(measure.series, measure.member, promise.made, day)
                    if (road := (roads or {}).get(name)) is not None
                    else None
                    for name in ROADS
                },
            )
            for number, measure in enumerate(promise.measures)
        ]
        rows.append(Row(promise, views, status, reason, len({one.delivery for one in views}) > 1, indicators))
    return Scorecard(day, rows, picture.dialogues, agreement(held))


def latest(scores: Iterable[Score]) -> list[Score]:
    """Return the last score of each coder for each commitment, in the order of the file."""
    found: dict[tuple[str, str], Score] = {}
    for score in sorted(scores, key=lambda one: one.published):
        found[score.commitment, score.by] = score
    return list(found.values())


def status_of(promise: Commitment, views: Iterable[Score]) -> tuple[Status, Reason]:
    """Return the status by the independent coders, and the reason if there is none."""
    given = list(views)
    coded = {one.delivery for one in given if one.by in CODERS}
    if len(coded) > 1:
        return "disputed", ""
    if coded:
        return _STATUS[coded.pop()], ""
    if given:
        return "not_scored", "no_independent_coder"
    if promise.untestable is not None:
        return "not_scored", "untestable"
    return "not_scored", "no_test" if promise.test is None else "no_evidence"


def chances_of(
    dossier: Dossier,
    figures: Figures,
    day: date | None,
    draws: int = 1000,
    seed: int = 1,
    corridor: str | None = None,
    progress: Callable[[int, int, float], None] | None = None,
) -> dict[tuple[str, int], Chance]:
    """Return the chance of each open target, from the projection of that day; the model runs only if there is one.

    Raises:
        InputError, DataError: as for `projection.make_projector`, whose arguments these are.
    """
    from acuerdo.dialogue.target import chance, months_needed, open_targets

    view = figures.as_of(day)
    targets = open_targets(view, dossier.as_of(day).commitments)
    if not targets:
        return {}
    from acuerdo.engine.load import load_model
    from acuerdo.inference.posterior import posterior_for
    from acuerdo.projection import MOST_MONTHS, Projector

    built = load_model(corridor)
    posterior = posterior_for(built, figures, day, progress)
    most = min(months_needed(targets, posterior.month), MOST_MONTHS)
    projector = Projector(built, figures, posterior, most, draws, seed)
    ensemble = projector.run()
    found = {}
    for promise, measure, standing in targets:
        one = chance(projector, ensemble, view, measure, standing)
        if one is not None:
            provisional = bool(posterior.notes.get("provisional", 1))
            found[promise.id, promise.measures.index(measure)] = replace(one, provisional=provisional)
    return found
