"""Studies of the evidence register, run in the model: the lever moved as in the study, and what answers to it.

A study is run from a neutral state, so that nothing but the levers named differs between its two runs:

1. every lever is held at what the record says for the month before the study, the levers of the study at their value
   `before`; all latent series are held at zero, their median; the model runs for 24 months under these settings;
2. from that state it runs on twice for 48 months, with the season of the calendar: once with the levers unchanged, once
   with the levers of the study at their value `after`, for good or for the number of months given;
3. the two runs share every draw of the parameters; what is measured is computed draw by draw.

This is done with draws from the priors and with draws from the posterior. A study that is about a parameter and not
about a response is compared with the parameter's own draws.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field, StringConstraints, model_validator

from acuerdo import scenario
from acuerdo.engine.load import CorridorModel
from acuerdo.engine.run import Arrays
from acuerdo.errors import InputError, unknown_name
from acuerdo.figures.store import Figures
from acuerdo.inference.posterior import Posterior
from acuerdo.inference.problem import lever_inputs, lever_record, record_months, season_inputs
from acuerdo.records import Found, Record, Text, contexts, one_of, read_records
from acuerdo.scenario import Setting
from acuerdo.timeline import parse_month

Floats = npt.NDArray[np.float64]
Kind = Literal["ratio", "change", "value", "share", "elasticity", "per", "parameter"]
Verdict = Literal["inside", "overlaps", "outside", "holds", "misses"]

FILE = ("model", "studies.yaml")
SETTLE, HORIZON, DRAWS, SEED = 24, 48, 1000, 1
_SLACK = 0.05  # of the register's width: what so many draws do not resolve

Entry = Annotated[str, StringConstraints(pattern=r"^[A-Z]\d{1,2}$")]
Variable = Annotated[str, one_of("variables")]
LeverName = Annotated[str, one_of("levers")]


class Words(Record):
    """Words in each language."""

    en: Text
    es: Text

    def __getitem__(self, lang: str) -> str:
        """Return the words in a language."""
        return str(getattr(self, lang))


class Move(Record):
    """A lever that the study moves: from `before` to `after`, for some months (for good without `lasts`)."""

    lever: LeverName
    before: float
    after: float
    lasts: Annotated[int, Field(ge=1, le=HORIZON)] | None = None


class Measure(Record):
    """What is measured.

    Attributes:
        kind: `ratio` of the variable with the move to without it; `change` by the move; `value` with the move; `share`
            of the variable in what `of` names, with the move; `elasticity`, log ratio of the variable by that of `of`
            (a variable) or of the lever moved; `per`, change of the variable by change of `of`; `parameter`, the value
            of a parameter.
        variable: variables (added up), or the parameter.
        of: variables (added up) of `share`, `elasticity` and `per`.
        members: members of the variable's dimension; all without them.
        across: how members become one number.
        months: first and last month after the move, counted from 1.
        over: how these months become one number.
        factor: from the variable's unit to that of the register.
    """

    kind: Kind
    variable: Annotated[list[str], Field(min_length=1)]
    of: list[Variable] = Field(default_factory=list)
    members: list[str] = Field(default_factory=list)
    across: Literal["sum", "mean"] = "sum"
    months: Annotated[list[int], Field(min_length=2, max_length=2)] = Field(default_factory=lambda: [1, 1])
    over: Literal["mean", "sum"] = "mean"
    factor: float = 1.0

    @model_validator(mode="after")
    def _whole(self) -> Measure:
        if not 1 <= self.months[0] <= self.months[1] <= HORIZON:
            raise ValueError(f"months in order, from 1 to {HORIZON}")
        if self.kind in ("share", "per") and not self.of:
            raise ValueError(f"variables in `of`, which {self.kind} compares with")
        if self.kind == "parameter" and len(self.variable) != 1:
            raise ValueError("one parameter")
        return self


class Range(Record):
    """What the register says: a median or a point, with its 5 % and 95 % points where it gives them."""

    low: float | None = None
    median: float
    high: float | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Range:
        if (self.low is None) != (self.high is None):
            raise ValueError("low and high, or neither")
        if self.low is not None and self.high is not None and not self.low <= self.median <= self.high:
            raise ValueError("low, median and high in this order")
        return self


class Study(Record):
    """One comparison of the model with an entry of the evidence register.

    Attributes:
        id: its name.
        entry: the entry of the register.
        title: what is compared.
        start: month in which the levers move; the record of the month before holds for all other levers.
        levers: the levers moved; none for a value under the record.
        measure: what is measured.
        register: the register's figures.
        note: what differs between study and model.
    """

    id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
    entry: Entry
    title: Words
    start: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}$")] | None = None
    levers: list[Move] = Field(default_factory=list)
    measure: Measure
    register_: Range = Field(alias="register")
    note: Words

    @property
    def sign(self) -> int:
        """Direction that the register gives (1 up, -1 down), 0 where it gives none."""
        if self.measure.kind in ("value", "share", "parameter"):
            return 0
        still = 1.0 if self.measure.kind == "ratio" else 0.0
        low, high = self.register_.low, self.register_.high
        ends = [self.register_.median if end is None else end for end in (low, high)]
        if min(ends) >= still and max(ends) > still:
            return 1
        return -1 if max(ends) <= still and min(ends) < still else 0


class Absent(Record):
    """An entry of the register that the model does not represent, and why."""

    entry: Entry
    note: Words


@dataclass(frozen=True)
class Interval:
    """Median and 5 % and 95 % points."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, draws: Floats) -> Interval:
        """Return the interval of draws."""
        low, median, high = (float(x) for x in np.quantile(draws, [0.05, 0.5, 0.95]))
        return cls(low, median, high)

    def against(self, register: Range) -> Verdict:
        """Say whether the interval lies inside the register's, overlaps it or lies outside; of a point, if it holds it.

        An end beyond the register's by a twentieth of its width still counts as inside.
        """
        if register.low is None or register.high is None:
            return "holds" if self.low <= register.median <= self.high else "misses"
        slack = _SLACK * (register.high - register.low)
        if register.low - slack <= self.low and self.high <= register.high + slack:
            return "inside"
        return "overlaps" if self.low <= register.high and register.low <= self.high else "outside"


@dataclass(frozen=True)
class Row:
    """A study with what the model makes of it, by prior and by posterior."""

    study: Study
    prior: Interval
    posterior: Interval

    @property
    def prior_verdict(self) -> Verdict:
        """The prior against the register."""
        return self.prior.against(self.study.register_)

    @property
    def posterior_verdict(self) -> Verdict:
        """The posterior against the register."""
        return self.posterior.against(self.study.register_)


# ---- reading


def load_studies(built: CorridorModel) -> list[Study]:
    """Read and check the corridor's studies, in the order of the file.

    Raises:
        DataError: the file is missing or is not YAML.
        InputError: a study is not valid; the message names file, line, study, field, what is allowed and the nearest.
    """
    names = {
        **contexts(built.corridor),
        "variables": list(built.model.variables),
        "levers": list(built.levers),
    }
    found = read_records(built.corridor.path(*FILE), Study, key="studies", context=names)
    seen: set[str] = set()
    for item in found:
        if item.record.id in seen:
            raise InputError("id", item.record.id, "a name that no other study has", where=item.where("id"))
        seen.add(item.record.id)
        _check(built, item)
    return [item.record for item in found]


def load_absent(built: CorridorModel) -> list[Absent]:
    """Read the entries of the register that the model does not represent.

    Raises:
        DataError, InputError: as for `load_studies`.
    """
    found = read_records(built.corridor.path(*FILE), Absent, ("entry",), "absent", contexts(built.corridor))
    return [item.record for item in found]


def _check(built: CorridorModel, item: Found[Study]) -> None:
    study, measure = item.record, item.record.measure
    for at, move in enumerate(study.levers):
        for field in ("before", "after"):
            built.levers[move.lever].check(getattr(move, field), item.where("levers", at, field))
    where = item.where("measure", "variable")
    choices = list(built.parameters) if measure.kind == "parameter" else list(built.model.variables)
    for name in measure.variable:
        if name not in choices:
            raise unknown_name(f"{study.id}, measure.variable", name, choices, where)
    over = built.model.variables[measure.variable[0]].over
    members = built.members(over)
    for member in measure.members:
        if member not in members:
            known = members or (f"nothing: {measure.variable[0]} has no dimension",)
            raise unknown_name(f"{study.id}, measure.members", member, known, item.where("measure", "members"))
    if measure.kind == "parameter":
        if members and not measure.members:
            raise InputError(f"{study.id}, measure.members", None, f"some of {', '.join(members)}", where=where)
        return
    if study.start is None:
        raise InputError(f"{study.id}, start", None, "a month written YYYY-MM", where=item.where())
    parse_month(study.start, f"{study.id}, start", item.where("start"))
    moving = measure.kind in ("ratio", "change", "elasticity", "per")
    if moving and not study.levers:
        raise InputError(f"{study.id}, levers", None, "a lever to move", where=item.where())
    one = len(study.levers) == 1 and min(study.levers[0].before, study.levers[0].after) > 0
    if measure.kind == "elasticity" and not measure.of and not one:
        allowed = "one lever with values above 0, or variables in measure.of"
        raise InputError(f"{study.id}, levers", len(study.levers), allowed, where=item.where("levers"))


# ---- running


class Laboratory:
    """Runs studies from a neutral state; see the head of the module for what is done.

    Args:
        built: the model.
        figures: the snapshot, for what the levers were.
        studies: what will be run.
        settle: months that the model runs before the levers move.
    """

    def __init__(self, built: CorridorModel, figures: Figures, studies: Sequence[Study], settle: int = SETTLE) -> None:
        self.built, self.settle = built, settle
        self.months = record_months(figures, None)
        self.record = lever_record(built, self.months, figures, None)
        measured = [
            name for s in studies if s.measure.kind != "parameter" for name in (*s.measure.variable, *s.measure.of)
        ]
        self._keep = tuple(dict.fromkeys(measured))

    def run(self, study: Study, parameters: Arrays, draws: int) -> Floats:
        """Return what the study measures for each draw of the parameters, shape (draws,).

        Args:
            study: the study.
            parameters: by name, (draws,) or (members, draws); the last axis may be 1.
            draws: number of draws.

        Raises:
            InputError: the study starts outside the record.
        """
        if study.measure.kind == "parameter":
            return np.broadcast_to(_parameter(self.built, study.measure, parameters), (draws,))
        with_, without = self._pair(study, parameters, draws)
        return measured(self.built, study, with_, without)

    def _pair(self, study: Study, parameters: Arrays, draws: int) -> tuple[dict[str, Floats], dict[str, Floats]]:
        """Return the kept variables with the levers moved and without, (48 months, [members,] draws)."""
        assert study.start is not None
        start = parse_month(study.start)
        if not self.months[0] < start <= self.months[-1]:
            raise InputError(f"{study.id}, start", study.start, f"{self.months[1]} to {self.months[-1]}")
        before = pd.period_range(start - self.settle, periods=self.settle, freq="M")
        after = pd.period_range(start, periods=HORIZON, freq="M")
        row = (start - 1 - self.months[0]).n
        held = {name: values[row] for name, values in self.record.items()}
        still = [Setting(move.lever, move.before) for move in study.levers]
        moved = still + [Setting(m.lever, m.after, start, start + (m.lasts or HORIZON) - 1) for m in study.levers]
        inputs = self._inputs(before, held, still)
        first = self.built.simulator.first_state(parameters, inputs, draws)
        state, _ = self.built.simulator.run(first, parameters, inputs, ())
        runs = []
        for settings in (moved, still):
            _, outputs = self.built.simulator.run(state, parameters, self._inputs(after, held, settings), self._keep)
            runs.append({name: _full(np.asarray(values), draws) for name, values in outputs.items()})
        return runs[0], runs[1]

    def _inputs(self, months: pd.PeriodIndex, held: Mapping[str, Floats], settings: Sequence[Setting]) -> Arrays:
        base = {name: np.repeat(np.asarray(value)[None], len(months), axis=0) for name, value in held.items()}
        members = dict(self.built.model.dimensions)
        levers = scenario.apply(settings, base, self.built.levers, months, members)
        quiet = {
            name: jnp.zeros((len(months), *([len(self.built.members(item.over))] if item.over else []), 1))
            for name, item in self.built.processes.items()
        }
        return {**lever_inputs(self.built, levers), **season_inputs(months), **quiet}


def measured(built: CorridorModel, study: Study, with_: Mapping[str, Floats], without: Mapping[str, Floats]) -> Floats:
    """Return what a study measures, draw by draw, from the variables with its move and without it.

    Args:
        built: the model.
        study: the study, of any kind but `parameter`.
        with_: variables with the levers moved, (months, [members,] draws).
        without: the same without the move.
    """
    measure = study.measure

    def one(run: Mapping[str, Floats], names: Sequence[str], members: Sequence[str]) -> Floats:
        first, last = measure.months
        parts = []
        for name in names:
            values = run[name][first - 1 : last]
            over = built.model.variables[name].over
            if over is not None:
                chosen = [built.members(over).index(m) for m in members or built.members(over)]
                values = values[:, chosen]
                values = values.sum(axis=1) if measure.across == "sum" else values.mean(axis=1)
            parts.append(values.sum(axis=0) if measure.over == "sum" else values.mean(axis=0))
        return np.asarray(np.sum(parts, axis=0))

    def both(names: Sequence[str], members: Sequence[str] = ()) -> tuple[Floats, Floats]:
        return one(with_, names, members), one(without, names, members)

    moved, still = both(measure.variable, measure.members)
    if measure.kind == "ratio":
        found = moved / still
    elif measure.kind == "change":
        found = moved - still
    elif measure.kind == "value":
        found = moved
    elif measure.kind == "share":
        found = moved / one(with_, measure.of, ())
    elif measure.kind == "elasticity":
        if measure.of:
            there, here = both(measure.of)
            found = np.log(moved / still) / np.log(there / here)
        else:
            found = np.log(moved / still) / np.log(study.levers[0].after / study.levers[0].before)
    else:
        there, here = both(measure.of)
        found = (moved - still) / (there - here)
    return np.asarray(found * measure.factor)


def _parameter(built: CorridorModel, measure: Measure, parameters: Arrays) -> Floats:
    values = np.asarray(parameters[measure.variable[0]])
    members = built.members(built.parameters[measure.variable[0]].over)
    if members:
        values = values[[members.index(m) for m in measure.members]].mean(axis=0)
    return values * measure.factor


def _full(values: Floats, draws: int) -> Floats:
    return np.broadcast_to(values, (*values.shape[:-1], draws))


def prior_draws(built: CorridorModel, draws: int = DRAWS, seed: int = SEED) -> Arrays:
    """Return parameters drawn from their priors."""
    z = np.random.default_rng(seed).standard_normal((built.size, draws))
    return built.values(jnp.asarray(z))


def posterior_draws(built: CorridorModel, posterior: Posterior, draws: int = DRAWS, seed: int = SEED) -> Arrays:
    """Return parameters drawn from a posterior, each draw at most once where it has enough."""
    rng = np.random.default_rng(seed)
    index = rng.choice(posterior.draws, draws, replace=draws > posterior.draws)
    return built.values(jnp.asarray(posterior.parameters[:, index]))


def compare(
    built: CorridorModel,
    figures: Figures,
    posterior: Posterior,
    studies: Sequence[Study],
    draws: int = DRAWS,
    tick: Callable[[str], None] | None = None,
) -> list[Row]:
    """Run every study with draws from the priors and from a posterior.

    Args:
        built: the model.
        figures: the snapshot.
        posterior: the posterior.
        studies: what to run.
        draws: draws of each.
        tick: called with the name of each study when it is done.

    Raises:
        InputError: a study starts outside the record.
    """
    laboratory = Laboratory(built, figures, studies)
    prior, fitted = prior_draws(built, draws), posterior_draws(built, posterior, draws)
    rows = []
    for study in studies:
        one, other = (Interval.of(laboratory.run(study, values, draws)) for values in (prior, fitted))
        rows.append(Row(study, one, other))
        if tick:
            tick(study.id)
    return rows


__all__ = [
    "Absent",
    "Interval",
    "Laboratory",
    "Measure",
    "Move",
    "Range",
    "Row",
    "Study",
    "compare",
    "load_absent",
    "load_studies",
    "measured",
    "posterior_draws",
    "prior_draws",
]
