"""Historical replay: how much of a fall of the record the policy calendar explains when nothing else moves.

The model is run over the months of the record with draws of the posterior: parameters, and the latent series that were
fitted to the figures. For each episode it is run three times, and the draws are the same in all:

- `fitted`: levers as recorded and latent series as fitted;
- `policy`: from the month before the measure every latent series stays at its value of that month, and only the levers
  move as recorded (the season goes on, and stocks run on);
- `neither`: the levers stay at their values of that month too, so that what moves is season and what was under way.

What `fitted` has and `policy` has not is the doing of a latent series, that is of nothing that the model explains.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Literal

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import StringConstraints

from acuerdo.effects import over_horizon
from acuerdo.engine.load import CorridorModel
from acuerdo.engine.run import Array, Arrays
from acuerdo.errors import DataError, InputError
from acuerdo.figures.catalogue import ALL
from acuerdo.figures.store import Figures
from acuerdo.inference.observe import Observable, load_observables
from acuerdo.inference.posterior import Posterior
from acuerdo.inference.problem import FIRST_MONTH, announcements, lever_inputs, lever_record, season_inputs
from acuerdo.packages import Package, without
from acuerdo.projection import Ensemble, load_outcomes
from acuerdo.projection import Outcome as Cared
from acuerdo.records import Found, Record, contexts, one_of, read_records
from acuerdo.studies import Entry, Interval, LeverName, Words
from acuerdo.timeline import parse_month

Floats = npt.NDArray[np.float64]
Verdict = Literal["policy", "part", "other"]
Month = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}$")]

FILE = ("model", "episodes.yaml")
BEFORE, AFTER = 3, 8


class Episode(Record):
    """A fall (or rise) of a published series after a measure.

    Attributes:
        id: its name.
        entry: the entry of the evidence register.
        title: what happened.
        start: day of the measure; what follows is compared with the month before it.
        levers: levers that the record moves around that day.
        series: the published series.
        direction: where it went.
        by: month by which it had gone there.
        recovers_by: month by which it had come back at least in part; None where it had not in eight months.
    """

    id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
    entry: Entry
    title: Words
    start: date
    levers: list[LeverName]
    series: Annotated[str, one_of("series")]
    direction: Literal["falls", "rises"]
    by: Month
    recovers_by: Month | None = None

    @property
    def base(self) -> pd.Period:
        """The month before the measure."""
        return pd.Period(self.start, "M") - 1

    @property
    def months(self) -> pd.PeriodIndex:
        """The months shown: from three before the measure's to eight after it."""
        return pd.period_range(self.base + 1 - BEFORE, self.base + 1 + AFTER, freq="M")


def load_episodes(built: CorridorModel) -> list[Episode]:
    """Read and check the corridor's episodes, in the order of the file.

    Raises:
        DataError: the file is missing or is not YAML.
        InputError: an episode is not valid; the message names file, line, episode, field, what is allowed, the nearest.
    """
    series = [name for name, item in load_observables(built.corridor, built.model).items() if item.variable is not None]
    names = {**contexts(built.corridor), "levers": list(built.levers), "series": series}
    found = read_records(built.corridor.path(*FILE), Episode, context=names)
    seen: set[str] = set()
    for item in found:
        _check(item, seen)
        seen.add(item.record.id)
    return [item.record for item in found]


def _check(item: Found[Episode], seen: set[str]) -> None:
    episode = item.record
    if episode.id in seen:
        raise InputError("id", episode.id, "a name that no other episode has", where=item.where("id"))
    first, last = episode.base + 1, episode.months[-1]
    by = parse_month(episode.by, f"{episode.id}, by", item.where("by"))
    if not first <= by <= last:
        raise InputError(
            f"{episode.id}, by", episode.by, f"{first} to {last}", str(min(max(by, first), last)), item.where("by")
        )
    if episode.recovers_by is not None:
        back = parse_month(episode.recovers_by, f"{episode.id}, recovers_by", item.where("recovers_by"))
        if not by < back <= last:
            nearest = str(min(max(back, by + 1), last))
            where = item.where("recovers_by")
            raise InputError(f"{episode.id}, recovers_by", episode.recovers_by, f"{by + 1} to {last}", nearest, where)


# ---- running


def held_from(series: Array, at: int) -> Floats:
    """Return a series (months first) that from month `at` on stays at its value of that month."""
    held = np.array(series)
    held[at:] = held[at]
    return held


def replay(
    built: CorridorModel,
    inputs: Mapping[str, Array],
    parameters: Arrays,
    paths: Mapping[str, Array],
    state: Mapping[str, Array],
    keep: Sequence[str],
    hold: int | None = None,
    hold_levers: bool = False,
    hold_latent: bool = True,
) -> dict[str, Floats]:
    """Run the months of the record.

    Args:
        built: the model.
        inputs: levers (names ending in `_set` or `_announced`) and season by month; the draws axis may be 1.
        parameters: by name, (draws,) or (members, draws).
        paths: latent series by month, (months, [members,] draws).
        state: stocks and levels before the first month.
        keep: variables to return.
        hold: number of the month from which something is held; None to follow `inputs` and `paths` to the end.
        hold_levers: hold the levers from that month on.
        hold_latent: hold the latent series from that month on.

    Returns:
        Kept variables, (months, [members,] draws).
    """
    given = {**inputs, **paths}
    if hold is not None:
        levers = {f"{name}_{part}" for name in built.levers for part in ("set", "announced")} if hold_levers else set()
        held = levers | (set(paths) if hold_latent else set())
        given = {name: held_from(series, hold) if name in held else series for name, series in given.items()}
    _, outputs = built.simulator.run(state, parameters, given, tuple(keep))
    return {name: np.asarray(values) for name, values in outputs.items()}


@dataclass(frozen=True)
class Outcome:
    """An episode with what was published and what the three runs make of it.

    Attributes:
        episode: the episode.
        published: published figures of the months shown, NaN where there is none, (months,).
        fitted: levers as recorded, latent series as fitted, (months, draws).
        policy: latent series held, levers as recorded.
        neither: latent series and levers held.
    """

    episode: Episode
    published: Floats
    fitted: Floats
    policy: Floats
    neither: Floats

    def change(self, run: Floats, month: str) -> Floats:
        """Return a run (or what was published) in a month as a multiple of the month before the measure."""
        return np.asarray(run[self._at(pd.Period(month, "M"))] / run[self._at(self.episode.base)])

    @property
    def by_policy(self) -> Floats:
        """What the levers do by the month named: the run with them as recorded, over that with them held, by draw."""
        at = self._at(pd.Period(self.episode.by, "M"))
        return np.asarray(self.policy[at] / self.neither[at])

    @property
    def strongest(self) -> tuple[pd.Period, Floats]:
        """Month from the measure on in which the levers move the series furthest this way, and how far, by draw."""
        first = BEFORE
        effect = self.policy[first:] / self.neither[first:]
        medians = np.median(effect, axis=1)
        at = int(np.nanargmin(medians) if self.episode.direction == "falls" else np.nanargmax(medians))
        return self.episode.months[first + at], np.asarray(effect[at])

    @property
    def by_latent(self) -> Floats:
        """What latent series do by the month named: the fitted run over that with them held, by draw."""
        at = self._at(pd.Period(self.episode.by, "M"))
        return np.asarray(self.fitted[at] / self.policy[at])

    @property
    def verdict(self) -> Verdict:
        """Whose doing the move is in the model.

        `policy`: the levers surely move the series this way, and with nothing but them (and the season) the 90 %
        interval holds the published change. `part`: they surely move it this way, but not as far. `other`: they do not
        surely move it this way. Surely: the 90 % interval of their effect lies on that side of no change.
        """
        effect, reach = Interval.of(self.by_policy), Interval.of(self.change(self.policy, self.episode.by))
        sure = effect.high < 1 if self.episode.direction == "falls" else effect.low > 1
        if not sure:
            return "other"
        published = float(self.change(self.published, self.episode.by))
        return "policy" if reach.low <= published <= reach.high else "part"

    def recovery(self, run: Floats) -> Floats:
        """Return the change from the month named to that by which the series had come back.

        Raises:
            DataError: the episode has no recovery.
        """
        if self.episode.recovers_by is None:
            raise DataError(f"{self.episode.id}: no recovery is given")
        first, last = (pd.Period(month, "M") for month in (self.episode.by, self.episode.recovers_by))
        return np.asarray(run[self._at(last)] / run[self._at(first)])

    def _at(self, month: pd.Period) -> int:
        return int((month - self.episode.months[0]).n)


@dataclass(frozen=True)
class Recorded:
    """The record, ready to be run again with those draws of a posterior whose latent series are kept.

    Attributes:
        built: the model.
        months: the months of the record.
        levers: what each lever was, (months,) or (months, members).
        announced: share of each month in which next month's change had been announced (see `announcements`).
        parameters: by name, (draws,) or (members, draws).
        paths: latent series by month, (months, [members,] draws).
        state: stocks and levels before the first month.
    """

    built: CorridorModel
    months: pd.PeriodIndex
    levers: dict[str, Floats]
    announced: dict[str, Floats]
    parameters: Arrays
    paths: Arrays
    state: Arrays

    @classmethod
    def of(cls, built: CorridorModel, figures: Figures, posterior: Posterior) -> Recorded:
        """Return the record as it was known on the posterior's day."""
        months = pd.period_range(FIRST_MONTH, posterior.month, freq="M")
        parameters = built.values(jnp.asarray(posterior.parameters[:, posterior.few]))
        paths = {name: jnp.asarray(path) for name, path in posterior.paths.items()}
        view, day = figures.as_of(posterior.day), posterior.day
        levers, announced = lever_record(built, months, view, day), announcements(built, months, day)
        inputs = {**season_inputs(months), **lever_inputs(built, levers, announced), **paths}
        state = built.simulator.first_state(parameters, inputs, len(posterior.few))
        return cls(built, months, levers, announced, parameters, paths, state)

    def reaches(self, package: Package) -> bool:
        """Tell whether the record holds a month before each line of a replay, and its first month."""
        starts = [line.record.from_ for line in package.lines]
        return all(start is not None and self.months[0] < start <= self.months[-1] for start in starts)

    def without(self, packages: Sequence[Package]) -> Recorded:
        """Return the record as it would have been without measures of the past; see `packages.without`.

        Raises:
            InputError: a package is no replay, or the record does not start before it and reach it.
        """
        members, levers = dict(self.built.model.dimensions), self.levers
        for package in packages:
            levers = without(package, levers, self.built.levers, self.months, members)
        return replace(self, levers=levers)

    def run(
        self, keep: Sequence[str], hold: int | None = None, levers: bool = False, latent: bool = False
    ) -> dict[str, Floats]:
        """Run the months of the record; see `replay`. Levers and latent series are held where this says so."""
        inputs = {**season_inputs(self.months), **lever_inputs(self.built, self.levers, self.announced)}
        return replay(
            self.built, inputs, self.parameters, self.paths, self.state, keep, hold, levers, hold_latent=latent
        )


@dataclass(frozen=True)
class Change:
    """What a measure of the past did to an outcome, in the model.

    Attributes:
        outcome: the outcome.
        recorded: mean of the outcome with the levers as they were.
        change: what the measure changed, draw by draw.
    """

    outcome: Cared
    recorded: float
    change: Interval


def changes(record: Recorded, package: Package, months: int = 12) -> list[Change]:
    """Return what a measure of the past did to each outcome: the record with it less the record without it.

    Draws, latent series and everything but the levers of the package are the same in both.

    Args:
        record: the record.
        package: a replay.
        months: months compared, from the first month of the package; fewer where the record ends before.

    Raises:
        InputError: the package is no replay, or the record does not start before it and reach it.
    """
    outcomes = load_outcomes(record.built.corridor).values()
    keep = tuple(dict.fromkeys(outcome.variable for outcome in outcomes))
    runs = [one.run(keep) for one in (record, record.without([package]))]
    first = min(line.record.from_ for line in package.lines if line.record.from_ is not None)
    inside = (record.months >= first) & (record.months < first + months)
    shown = record.months[inside]
    with_, other = (Ensemble(shown, {name: values[inside] for name, values in run.items()}, {}) for run in runs)
    found = []
    for outcome in outcomes:
        one, two = (over_horizon(outcome, ensemble, len(shown)) for ensemble in (with_, other))
        found.append(Change(outcome, float(one.mean()), Interval.of(one - two)))
    return found


def run_episodes(
    built: CorridorModel,
    figures: Figures,
    posterior: Posterior,
    episodes: Sequence[Episode],
    tick: Callable[[str], None] | None = None,
) -> list[Outcome]:
    """Replay every episode with those draws of a posterior whose latent series are kept.

    Args:
        built: the model.
        figures: the snapshot.
        posterior: parameters, latent series over the record, and its last month.
        episodes: what to replay.
        tick: called with the name of each episode when it is done.

    Raises:
        InputError: an episode is not inside the record.
    """
    record = Recorded.of(built, figures, posterior)
    months, view = record.months, figures.as_of(posterior.day)
    observables = load_observables(built.corridor, built.model)
    keep = tuple(dict.fromkeys(str(observables[e.series].variable) for e in episodes))
    fitted = record.run(keep)
    found = []
    for episode in episodes:
        shown = episode.months.intersection(months)
        if episode.base not in shown or pd.Period(episode.by, "M") not in shown:
            raise InputError(
                f"{episode.id}, start", str(episode.start), f"inside the record, {months[0]} to {months[-1]}"
            )
        hold = int((episode.base - months[0]).n)
        runs = [fitted, *(record.run(keep, hold, levers, latent=True) for levers in (False, True))]
        item = observables[episode.series]
        three = [_total(item, run, months, episode.months) for run in runs]
        found.append(Outcome(episode, _published(view, item, episode.months), *three))
        if tick:
            tick(episode.id)
    return found


def _total(item: Observable, run: Mapping[str, Floats], months: pd.PeriodIndex, shown: pd.PeriodIndex) -> Floats:
    """Return what the series would show without noise, all members, in the months shown; NaN after the record."""
    values = run[str(item.variable)] * item.factor
    values = (values.sum(axis=1) if values.ndim == 3 else values) * item.lengths(months)[:, None]
    at = months.get_indexer(shown)
    return np.where((at >= 0)[:, None], values[at], np.nan)


def _published(figures: Figures, item: Observable, shown: pd.PeriodIndex) -> Floats:
    table = figures.monthly(item.series).reindex(shown)
    column = ALL if item.over is not None else item.member
    return np.asarray(table[column], float)


__all__ = [
    "Change",
    "Episode",
    "Outcome",
    "Recorded",
    "changes",
    "held_from",
    "load_episodes",
    "replay",
    "run_episodes",
]
