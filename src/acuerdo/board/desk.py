"""The desk behind the board: answers from one projector, whose draws every scenario shares."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property
from threading import Lock
from typing import Generic, TypeVar

import numpy as np

from acuerdo import __version__
from acuerdo.board import about, lines, settings
from acuerdo.board.api import (
    About,
    AskedSetting,
    Band,
    Described,
    History,
    LineAnswer,
    OutcomeAnswer,
    PackageAbout,
    PictureAbout,
    RunAnswer,
    RunRequest,
    StageAnswer,
)
from acuerdo.effects import over_horizon
from acuerdo.engine.describe import EVIDENCE, KINDS, ROLES, describe
from acuerdo.engine.graph import sectors
from acuerdo.errors import InputError, unknown_name
from acuerdo.figures.store import Figures
from acuerdo.priorities.futures import FILE as FUTURES
from acuerdo.priorities.futures import Future, load_futures
from acuerdo.projection import QUANTILES, Ensemble, Floats, Projector, whole
from acuerdo.scenario import Setting
from acuerdo.timeline import parse_month

T = TypeVar("T")
KEPT_ANSWERS, KEPT_BASELINES = 512, 6
_SHORT = 12


class Recent(Generic[T]):
    """The values used last, by key, at most so many; safe to use from several threads."""

    def __init__(self, most: int) -> None:
        self._most, self._kept, self._lock = most, OrderedDict[object, T](), Lock()

    def get(self, key: object) -> T | None:
        """Return the value of a key, or None."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key]

    def put(self, key: object, value: T) -> T:
        """Keep a value, and let go of the one that was used longest ago."""
        with self._lock:
            self._kept[key] = value
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return value

    def __len__(self) -> int:
        return len(self._kept)


class Desk:
    """Answers what the board asks. `run` is for one thread at a time; the rest may be asked from any.

    Args:
        projector: what to run; its months are the longest horizon.
        figures: the snapshot.

    Raises:
        DataError: the corridor's `board.yaml` is not valid.
    """

    def __init__(self, projector: Projector, figures: Figures) -> None:
        self.projector = projector
        self.snapshot, self.figures = figures, figures.as_of(projector.posterior.day)
        self.settings = settings.read(projector.built.corridor)
        self.lines = lines.all_lines(projector, self.figures)
        self.open_lines = lines.opened(self.settings, self.lines)
        self.movable = {name: about.parameter_range(projector.built, name) for name in about.movable(projector.built)}
        built = projector.built
        told = load_futures(built) if built.corridor.path(FUTURES).exists() else []
        self.futures = {one.id: one for one in told if one.changes}
        stages = [stage for picture in self.settings.pictures for stage in picture.stages]
        self.keep = tuple(dict.fromkeys(name for stage in stages for name in stage.variables))
        notes = projector.posterior.notes
        ties = [__version__, projector.posterior.day, len(projector.months), projector.draws, projector.seed]
        self._print = repr([*ties, notes.get("model_digest"), notes.get("data_digest")])
        self._answers: Recent[bytes] = Recent(KEPT_ANSWERS)
        self._baselines: Recent[Ensemble] = Recent(KEPT_BASELINES)
        self._histories: Recent[History] = Recent(len(self.lines))

    @cached_property
    def about(self) -> About:
        """What there is to set and to see."""
        return about.about(
            self.projector, self.figures, self.settings, self.lines, self.open_lines, self.futures.values()
        )

    @cached_property
    def packages(self) -> list[PackageAbout]:
        """The packages of the library."""
        return about.library(self.projector)

    @cached_property
    def pictures(self) -> list[PictureAbout]:
        """Where people and goods are now."""
        return about.pictures(self.projector, self.settings, self._baseline({}, None, self.open_lines, self._length(1)))

    def warm(self) -> None:
        """Run the model for each length that is run, which compiles it, so that nobody has to wait for that."""
        for months in {self._length(1), len(self.projector.months)}:
            self.run(RunRequest(months=months))
        assert len(self.pictures) == len(self.settings.pictures)

    def history(self, name: str) -> History:
        """Return what has been published of a line.

        Raises:
            InputError: there is no such line.
        """
        known = self._histories.get(self._line(name).id)
        first = self.projector.posterior.month - about.PAST_MONTHS
        return known or self._histories.put(name, lines.history(self._line(name), self.figures, first))

    def variable(self, name: str) -> Described:
        """Return all that the model says of a variable (see `describe`), with words for a page.

        Further keys: kind_label, evidence_label, roles (words for the roles of equations), diagram (whether its sector
        has one), neighbours (the meaning of each variable that it depends on or that uses it) and, of a parameter,
        posterior (5, 50 and 95 % points by member).

        Raises:
            InputError: there is no such variable.
        """
        built = self.projector.built
        said = describe(built, name)
        said["kind_label"] = KINDS[said["kind"]]
        said["evidence_label"] = EVIDENCE.get(said["evidence"] or "")
        said["roles"] = ROLES
        said["diagram"] = said["sector"] in sectors(built)
        said["neighbours"] = {other: built.meanings[other] for other in (*said["depends_on"], *said["used_by"])}
        if said["prior"] is not None:
            draws = np.asarray(self.projector.parameters[name], float)
            low, median, high = np.quantile(draws, [0.05, 0.5, 0.95], axis=-1)
            points = [np.atleast_1d(part) for part in (low, median, high)]
            members = list(said["prior"]["points"])
            said["posterior"] = {
                member: dict(zip(("low", "median", "high"), (float(part[i]) for part in points), strict=True))
                for i, member in enumerate(members)
            }
        return said

    def key(self, asked: RunRequest) -> str:
        """Return the hash of a scenario: the same hash stands for the same answer."""
        content = asked.model_dump_json(exclude={"client", "number"})
        return hashlib.sha256(f"{self._print}{content}".encode()).hexdigest()[:32]

    def check(self, asked: RunRequest) -> list[Setting]:
        """Return the settings of a request, checked together with everything else that it asks for.

        Raises:
            InputError: a lever, month, assumption or line is not valid, or the horizon is too long for this board.
        """
        whole("months", asked.months, 1, len(self.projector.months))
        for name in asked.lines:
            self._line(name)
        for name, value in asked.held.items():
            if name not in self.movable:
                raise unknown_name("held", name, self.movable)
            low, _, high = self.movable[name]
            slack = 1e-4 * (high - low)  # ends are told in six figures
            if not low - slack <= value <= high + slack:
                raise InputError(name, value, f"{low:.6g} to {high:.6g}", f"{min(max(value, low), high):.6g}")
        self._future(asked)
        found = [_setting(item) for item in asked.settings]
        self.projector.levers(found)
        return found

    def known(self, key: str) -> bytes | None:
        """Return an answer that was given before, as JSON."""
        return self._answers.get(key)

    def run(self, asked: RunRequest) -> bytes:
        """Run a scenario and the outlook without it, with the same draws; return a `RunAnswer` as JSON.

        Raises:
            InputError: the request is not valid.
        """
        key = self.key(asked)
        known = self.known(key)
        if known is not None:
            return known
        made = self.check(asked)
        wanted = list(dict.fromkeys(asked.lines or self.open_lines))
        base, after = self.runs(asked, made, wanted)
        answer = RunAnswer(
            scenario=key,
            months=[str(month) for month in base.months[: asked.months]],
            lines=self._answer_lines(wanted, base, after, asked.months),
            outcomes=self._answer_outcomes(base, after, asked.months),
            pictures=self._answer_pictures(base, after, asked.months),
            levers=self._paths(made, self._future(asked)),
        )
        return self._answers.put(key, answer.model_dump_json().encode())

    def runs(
        self, asked: RunRequest, made: Sequence[Setting], wanted: Sequence[str]
    ) -> tuple[Ensemble, Ensemble | None]:
        """Return the runs without and with the settings of a request that was checked; None if it sets nothing."""
        future = self._future(asked)
        length = self._length(asked.months)
        base = self._baseline(asked.held, future, wanted, length)
        return base, self._ensemble(made, asked.held, future, wanted, length) if made else None

    def _future(self, asked: RunRequest) -> Future | None:
        if asked.future is None:
            return None
        if asked.future not in self.futures:
            raise unknown_name("future", asked.future, self.futures)
        return self.futures[asked.future]

    def _line(self, name: str) -> lines.Line:
        if name not in self.lines:
            raise unknown_name("line", name, self.lines)
        return self.lines[name]

    def _length(self, months: int) -> int:
        """Return how many months are run where so many are asked for: a year if that will do, or all."""
        return min(_SHORT, len(self.projector.months)) if months <= _SHORT else len(self.projector.months)

    def _ensemble(
        self,
        made: Sequence[Setting],
        held: dict[str, float],
        future: Future | None,
        wanted: Sequence[str],
        length: int,
    ) -> Ensemble:
        noisy = sorted({self.lines[name].source for name in wanted if self.lines[name].kind == "series"})
        return self.projector.run(made, noise=noisy, keep=self.keep, parameters=held, future=future, horizon=length)

    def _baseline(self, held: dict[str, float], future: Future | None, wanted: Sequence[str], length: int) -> Ensemble:
        key = tuple(sorted(held.items())), future and future.id, tuple(sorted(wanted)), length
        return self._baselines.get(key) or self._baselines.put(key, self._ensemble((), held, future, wanted, length))

    def _answer_lines(
        self, wanted: Sequence[str], base: Ensemble, after: Ensemble | None, months: int
    ) -> list[LineAnswer]:
        runs = [base] if after is None else [base, after]
        bands = _bands([self.lines[name].of(run)[:months] for run in runs for name in wanted])
        return [
            LineAnswer(id=name, baseline=bands[i], scenario=None if after is None else bands[len(wanted) + i])
            for i, name in enumerate(wanted)
        ]

    def _answer_outcomes(self, base: Ensemble, after: Ensemble | None, months: int) -> list[OutcomeAnswer]:
        outcomes = self.projector.outcomes
        without = np.stack([over_horizon(outcome, base, months) for outcome in outcomes.values()])
        change = np.zeros_like(without)
        if after is not None:
            change = np.stack([over_horizon(outcome, after, months) for outcome in outcomes.values()]) - without
        mean, (low, high) = change.mean(axis=1), np.quantile(change, [0.05, 0.95], axis=1)
        wrong = (np.sign(change) != np.sign(mean)[:, None]).mean(axis=1)
        return [
            OutcomeAnswer(
                name=name,
                base=float(without[i].mean()),
                scenario=float(without[i].mean() + mean[i]),
                change=float(mean[i]),
                q05=float(low[i]),
                q95=float(high[i]),
                p_wrong_sign=float(wrong[i]),
            )
            for i, name in enumerate(outcomes)
        ]

    def _answer_pictures(self, base: Ensemble, after: Ensemble | None, months: int) -> dict[str, list[StageAnswer]]:
        stages = [(picture.name, stage) for picture in self.settings.pictures for stage in picture.stages]
        runs = [base] if after is None else [base, after]
        values = [about.stage_values(stage, run.outputs, months - 1) for run in runs for _, stage in stages]
        spreads = about.spreads(values)
        found: dict[str, list[StageAnswer]] = {}
        for i, (name, _) in enumerate(stages):
            with_ = None if after is None else spreads[len(stages) + i]
            found.setdefault(name, []).append(StageAnswer(baseline=spreads[i], scenario=with_))
        return found

    def _paths(self, made: Sequence[Setting], future: Future | None) -> dict[str, list[float]]:
        values = self.projector.levers(made, future)
        levers = self.projector.built.levers
        return {
            name: about.lever_path(self.projector, levers[name], values[name])
            for name in dict.fromkeys(item.lever for item in made)
        }


def _setting(asked: AskedSetting) -> Setting:
    """Return a setting of a request.

    Raises:
        InputError: a month is not one, or the last month comes before the first.
    """
    start, end = (
        None if text is None else parse_month(text, f"{asked.lever} {field}")
        for field, text in (("from", asked.start), ("to", asked.end))
    )
    if start is not None and end is not None and end < start:
        raise InputError(f"{asked.lever} to", str(end), f"{start} or later", str(start))
    return Setting(asked.lever, asked.value, start, end, None, asked.times, asked.ramp, asked.member)


def _bands(draws: Sequence[Floats]) -> list[Band]:
    """Return quantiles by month, to five figures, of arrays (months, draws)."""
    found = np.quantile(np.stack(draws), list(QUANTILES.values()), axis=-1)
    return [
        Band(**{name: [float(f"{x:.5g}") for x in found[j, i]] for j, name in enumerate(QUANTILES)})
        for i in range(len(draws))
    ]
