"""How past forecasts did: what the model said on earlier days, beside what came, and its weight among simple rivals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from threading import Lock
from typing import Literal

import numpy as np
from pydantic import BaseModel, Field

from acuerdo.backtest import record, scores
from acuerdo.backtest.plan import Plan, Target, load_plan
from acuerdo.backtest.pool import MODEL, WeightsFile, read_weights
from acuerdo.backtest.rivals import PERSISTENCE
from acuerdo.board.api import Band
from acuerdo.board.desk import Desk
from acuerdo.board.lines import Line
from acuerdo.errors import unknown_name
from acuerdo.figures.store import Figures
from acuerdo.forecast import Fitted, read_rivals, weights_path
from acuerdo.inference.posterior import packaged, saved
from acuerdo.projection import QUANTILES, Floats, Projector


class Scored(BaseModel):
    """One month of a past forecast whose figure has come."""

    month: str
    horizon: int = Field(description="months after the last month of the record that the forecast started from")
    published: float
    inside_50: bool
    inside_90: bool
    crps: float = Field(description="score of the forecast, in the figure's unit; lower is better")
    persistence: float | None = Field(description="the same score of the rival that holds the newest figure")


class PastForecast(BaseModel):
    """What the model says from what had been published by an earlier day alone."""

    day: str
    months: list[str]
    band: Band
    scored: list[Scored]
    inside_50: int
    inside_90: int
    skill: float | None = Field(description="share by which the mean score is below that of persistence")


class ModelWeight(BaseModel):
    """Weight of the model in the combined forecast of the series, learned from past forecasts."""

    horizon: int
    weight: float
    origins: int | None = Field(description="past forecasts that it was learned from, with all of the record")


class RecordAnswer(BaseModel):
    """The track record of a line; `reason` says why there is no past forecast."""

    id: str
    reason: Literal["outcome", "no_forecast", "nothing_came"] | None
    forecasts: list[PastForecast]
    weights: list[ModelWeight]
    weights_known: str | None = Field(description="day on which the weights were known; None for all of the record")
    weights_same_model: bool = Field(description="whether the weights were learned with the equations of today")


@dataclass(frozen=True)
class _Past:
    """What was said on one day: draws of every published series, and the rivals."""

    day: date
    projector: Projector
    observed: dict[str, dict[str, Floats]]
    rivals: Fitted


class Tracks:
    """Track records, from the posteriors of earlier days that come with the corridor; none is fitted here."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._lock = desk, Lock()
        self._answers: dict[str, RecordAnswer] = {}

    def record(self, name: str) -> RecordAnswer:
        """Return the record of a line.

        Raises:
            InputError: there is no such line.
            DataError: the corridor's file of weights is damaged.
        """
        if name not in self._desk.lines:
            raise unknown_name("line", name, self._desk.lines)
        line = self._desk.lines[name]
        with self._lock:
            if name not in self._answers:
                self._answers[name] = self._record(line)
            return self._answers[name]

    @cached_property
    def _plan(self) -> Plan:
        projector = self._desk.projector
        return load_plan(projector.built.corridor, projector.built.model, projector.observables)

    @cached_property
    def _weights(self) -> WeightsFile | None:
        return read_weights(weights_path(self._desk.projector.built.corridor))

    @cached_property
    def _past(self) -> list[_Past]:
        """Forecasts of the days before the board's that have a posterior of the model as it is."""
        projector = self._desk.projector
        built, figures = projector.built, Figures.open(projector.built.corridor)
        found = []
        for path in sorted(packaged(built).glob("*.nc")):
            try:
                day = date.fromisoformat(path.stem)
            except ValueError:  # that of the latest view is no past day
                continue
            if projector.posterior.day is not None and day >= projector.posterior.day:
                continue
            posterior = saved(built, figures, day)
            if posterior is None:
                continue
            # the board's own length and number of draws: then its run is compiled already
            then = Projector(built, figures, posterior, len(projector.months), projector.draws, projector.seed)
            fitted = read_rivals(built.corridor, figures, then.observables, self._plan, day, posterior.month) or {}
            found.append(_Past(day, then, then.run(keep=self._desk.keep).observed, fitted))
        return found

    def _record(self, line: Line) -> RecordAnswer:
        answer = RecordAnswer(
            id=line.id, reason="outcome", forecasts=[], weights=[], weights_known=None, weights_same_model=False
        )
        if line.kind == "outcome":
            return answer
        forecasts = [self._forecast(past, line) for past in self._past]
        came = [forecast for forecast in forecasts if forecast.scored]
        reason: Literal["no_forecast", "nothing_came"] = "nothing_came" if forecasts else "no_forecast"
        return answer.model_copy(
            update={"reason": None if came else reason, "forecasts": came, **self._weights_of(line)},
        )

    def _forecast(self, past: _Past, line: Line) -> PastForecast:
        target = Target(line.source, line.member)
        draws, months = past.observed[line.source][line.member], past.projector.months
        figures = {
            month: value for month, value in record.published(self._desk.figures, target).items() if month in months
        }
        item = past.projector.observables[line.source]
        rival = past.rivals.get(target, {}).get(PERSISTENCE)
        said = {"model": draws}
        if rival is not None:
            said[PERSISTENCE] = rival.draw(len(months), draws.shape[1], past.projector.seed, target.name)
        at = np.array([months.get_loc(month) for month in figures], dtype=int)
        values = np.array(list(figures.values()), dtype=float)
        found = {name: scores.score(of[at], values, item.offset) for name, of in said.items()} if len(at) else {}
        rows = [
            Scored(
                month=str(months[i]),
                horizon=int(i) + 1,
                published=float(values[k]),
                inside_50=bool(found["model"]["in_50"][k]),
                inside_90=bool(found["model"]["in_90"][k]),
                crps=float(found["model"]["crps"][k]),
                persistence=float(found[PERSISTENCE]["crps"][k]) if rival is not None else None,
            )
            for k, i in enumerate(at)
        ]
        other = sum(row.persistence or 0.0 for row in rows)
        shown = int(at.max()) + 1 if len(at) else 0
        return PastForecast(
            day=str(past.day),
            months=[str(month) for month in months[:shown]],
            band=_band(draws[:shown]),
            scored=rows,
            inside_50=sum(row.inside_50 for row in rows),
            inside_90=sum(row.inside_90 for row in rows),
            skill=1.0 - sum(row.crps for row in rows) / other if other > 0 else None,
        )

    def _weights_of(self, line: Line) -> dict[str, object]:
        held, posterior = self._weights, self._desk.projector.posterior
        target = Target(line.source, line.member)
        known = None if held is None else held.known_on(posterior.day)
        if held is None or known is None or target not in self._plan.targets:
            return {}
        scope = self._plan.scope(target)
        by_horizon = known.get(line.source, {}).get(scope, {})
        counts = held.counts.get(line.source, {}).get(scope, {}) if posterior.day is None else {}
        days = [day for day, _ in held.tables if posterior.day is not None and day <= posterior.day]
        return {
            "weights": [
                ModelWeight(horizon=horizon, weight=row.get(MODEL, 0.0), origins=counts.get(horizon))
                for horizon, row in sorted(by_horizon.items())
            ],
            "weights_known": str(days[-1]) if days else None,
            "weights_same_model": held.model_digest == posterior.notes.get("model_digest"),
        }


def _band(draws: Floats) -> Band:
    found = np.quantile(draws, list(QUANTILES.values()), axis=-1)
    return Band(**{name: [float(f"{x:.5g}") for x in row] for name, row in zip(QUANTILES, found, strict=True)})


__all__ = ["ModelWeight", "PastForecast", "RecordAnswer", "Scored", "Tracks"]
