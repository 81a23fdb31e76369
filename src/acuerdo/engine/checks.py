"""Checks that a model must pass, written in YAML: what stays between, what rises when, what changes nothing, what sums.

A check holds for every draw and month over a grid of lever extremes: the levers as they are, all at their lowest and
all at their highest value, and each alone at either end.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import yaml

from acuerdo.corridor import read_yaml
from acuerdo.engine.load import CorridorModel
from acuerdo.errors import InputError, unknown_name
from acuerdo.levers import Lever
from acuerdo.projection import Projector
from acuerdo.scenario import Setting

Floats = npt.NDArray[np.float64]
Kind = Literal["stays_between", "rises_when", "falls_when", "zero_equals_baseline", "sums_to"]

FILE = "checks.yaml"
MONTHS, DRAWS = 12, 200
_ALIKE = 1e-9  # relative difference that counts as none

_WORDS: dict[str, Mapping[str, str]] = {
    "recorded": {"en": "with the levers as recorded", "es": "con las palancas según el registro"},
    "all low": {"en": "with all levers at their lowest", "es": "con todas las palancas en su mínimo"},
    "all high": {"en": "with all levers at their highest", "es": "con todas las palancas en su máximo"},
    "low": {"en": "with {lever} at its lowest", "es": "con {lever} en su mínimo"},
    "high": {"en": "with {lever} at its highest", "es": "con {lever} en su máximo"},
    "not_finite": {
        "en": "{variable} is not a finite number, {case}",
        "es": "{variable} no es un número finito, {case}",
    },
    "beyond": {
        "en": "{variable} is {value:.6g} in month {month}, {case}",
        "es": "{variable} es {value:.6g} en el mes {month}, {case}",
    },
    "moves": {
        "en": "{variable} goes from {before:.6g} to {after:.6g} when {lever} goes from {low:g} to {high:g}; the "
        "direction is right, or there is no change, in {right:.0%} of the draws, where {share:.0%} is needed",
        "es": "{variable} va de {before:.6g} a {after:.6g} cuando {lever} va de {low:g} a {high:g}; la dirección es "
        "la correcta, o no hay cambio, en {right:.0%} de las muestras, y se necesita {share:.0%}",
    },
    "no_one_value": {
        "en": "no one value of {lever} says what is recorded ({said})",
        "es": "ningún valor único de {lever} dice lo registrado ({said})",
    },
    "changes": {
        "en": "{variable} changes by {gap:.3g} of its largest value",
        "es": "{variable} cambia en {gap:.3g} de su mayor valor",
    },
    "misses": {
        "en": "the parts miss {variable} by {gap:.3g} of its largest value, {case}",
        "es": "las partes difieren de {variable} en {gap:.3g} de su mayor valor, {case}",
    },
}
_FIELDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {  # of each kind: required, optional
    "stays_between": (("variable",), ("low", "high", "member")),
    "rises_when": (("variable", "lever"), ("months", "low", "high", "share", "member")),
    "falls_when": (("variable", "lever"), ("months", "low", "high", "share", "member")),
    "zero_equals_baseline": (("lever",), ("value",)),
    "sums_to": (("parts", "total"), ()),
}
_COMMON = ("kind", "why", "known")
_NUMBERS = ("low", "high", "share", "value")


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        name: its name in the file.
        kind: what it asks for.
        why: reason by language.
        variable: the variable looked at (of `sums_to`, the total).
        lever: the lever that is moved.
        parts: variables that sum to `variable`.
        low: lowest value of the variable; of `rises_when` and `falls_when`, the lever's value to start from.
        high: highest value of the variable, or the lever's value to compare with.
        member: the one member of the variable's dimension that is looked at; all without it.
        months: length of the comparison; the mean over these months is compared.
        share: share of the draws that must move in the right direction, or not at all.
        value: lever value that changes nothing; the recorded values without it.
        known: by language, why the check does not hold yet; empty where it must hold.
    """

    name: str
    kind: Kind
    why: Mapping[str, str]
    variable: str | None = None
    lever: str | None = None
    parts: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    member: str | None = None
    months: int = MONTHS
    share: float = 0.95
    value: float | None = None
    known: Mapping[str, str] = field(default_factory=dict)

    def variables(self) -> tuple[str, ...]:
        """Return the variables that the check looks at."""
        return (*self.parts, *((self.variable,) if self.variable else ()))


@dataclass(frozen=True)
class Result:
    """What became of a check: whether it holds, and if not, the worst that was found, by language."""

    check: Check
    ok: bool
    detail: Mapping[str, str] = field(default_factory=dict)

    @property
    def fails(self) -> bool:
        """Tell whether this is news: a check that must hold does not, or one known not to hold does."""
        return self.ok == bool(self.check.known)


@dataclass(frozen=True)
class Case:
    """One place of the grid: the settings of levers, and how to say it in each language."""

    words: Mapping[str, str]
    settings: tuple[Setting, ...] = ()


# ---- reading


def read(built: CorridorModel, path: Path | None = None) -> list[Check]:
    """Read the checks of a corridor, or those of another file; a corridor without a file has none.

    Raises:
        DataError: the file cannot be read or is not YAML.
        InputError: an entry is not valid; the message names file, entry, field, what is allowed and the nearest.
    """
    path = path if path is not None else built.corridor.path(FILE)
    if path == built.corridor.path(FILE) and not path.exists():
        return []
    data = read_yaml(path)
    if not isinstance(data, dict) or not data:
        raise InputError("checks", type(data).__name__, "a mapping of names to checks", where=str(path))
    _refuse_repeated(path)
    return [_one(built, str(name), entry, f"{path}, {name}") for name, entry in data.items()]


def _refuse_repeated(path: Path) -> None:
    """Refuse a name that stands twice: of two entries, YAML would keep the later one in silence."""
    node: Any = yaml.compose(path.read_text(encoding="utf-8"), yaml.SafeLoader)
    seen: set[str] = set()
    for key, _ in node.value:
        if key.value in seen:
            line = key.start_mark.line + 1
            raise InputError("name", key.value, "a name that no other check has", where=f"{path}, line {line}")
        seen.add(key.value)


def _one(built: CorridorModel, name: str, entry: object, where: str) -> Check:
    if not isinstance(entry, dict):
        raise InputError("check", entry, "fields kind, why and those of its kind", where=where)
    kind = entry.get("kind")
    if kind not in _FIELDS:
        raise unknown_name("kind", str(kind), _FIELDS, where=where)
    required, optional = _FIELDS[kind]
    for key in entry:
        if key not in (*_COMMON, *required, *optional):
            raise unknown_name("field", str(key), (*_COMMON, *required, *optional), where=where)
    for key in ("why", *required):
        if entry.get(key) is None:
            raise InputError(key, None, "a value (the field is required)", where=where)
    given: dict[str, Any] = {key: _number(entry[key], key, where) for key in _NUMBERS if entry.get(key) is not None}
    if "months" in entry:
        given["months"] = _months(entry["months"], where)
    if not 0 < given.get("share", 1.0) <= 1:
        raise InputError("share", given["share"], "above 0, at most 1", 0.95, where)
    if "variable" in entry or "total" in entry:
        key = "variable" if "variable" in entry else "total"
        given["variable"] = _named(entry[key], key, built.model.variables, where)
    if "lever" in entry:
        given["lever"] = _named(entry["lever"], "lever", built.levers, where)
        _lever_values(built.levers[given["lever"]], kind, given, where)
    if "parts" in entry:
        given["parts"] = _parts(built, entry["parts"], given["variable"], where)
    if "member" in entry:
        given["member"] = _member(built, given["variable"], entry["member"], where)
    if kind == "stays_between":
        _range(given, where)
    if "known" in entry:
        given["known"] = _words(built, "known", entry["known"], where)
    return Check(name, kind, _words(built, "why", entry["why"], where), **given)


def _words(built: CorridorModel, key: str, words: object, where: str) -> dict[str, str]:
    langs = tuple(built.corridor.about["locales"])
    if not isinstance(words, dict) or set(words) != set(langs) or not all(words.values()):
        raise InputError(key, words, f"words in each of the languages {', '.join(langs)}", where=where)
    return {lang: str(words[lang]) for lang in langs}


def _number(value: object, key: str, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise InputError(key, value, "a number", where=where)
    return float(value)


def _months(value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MONTHS:
        nearest = min(max(value, 1), MONTHS) if isinstance(value, int) else MONTHS
        raise InputError("months", value, f"1 to {MONTHS}", nearest, where)
    return value


def _named(value: object, key: str, names: Collection[str], where: str) -> str:
    if not isinstance(value, str) or value not in names:
        raise unknown_name(key, str(value), names, where=where)
    return value


def _lever_values(lever: Lever, kind: str, given: Mapping[str, Any], where: str) -> None:
    low, high = given.get("low", lever.range[0]), given.get("high", lever.range[1])
    for value in (low, high, given.get("value", low)):
        lever.check(value, where)
    if kind in ("rises_when", "falls_when") and not low < high:
        raise InputError("high", high, f"above low ({low:g})", f"{lever.range[1]:g}", where)


def _parts(built: CorridorModel, value: object, total: str, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise InputError("parts", value, "a list of variables", where=where)
    parts = tuple(_named(part, "parts", built.model.variables, where) for part in value)
    model = built.model
    over = model.variables[total].over
    other = [name for name in parts if over is not None and model.variables[name].over != over]
    if other:
        raise InputError("parts", ", ".join(other), f"variables by {over}, as {total} is", where=where)
    at_end = {model.variables[name].kind in ("stock", "level") for name in (*parts, total)}
    if len(at_end) > 1:
        allowed = "stocks and levels only (values at the end of a month), or none of them (means of a month)"
        raise InputError("parts", ", ".join((*parts, total)), allowed, where=where)
    return parts


def _member(built: CorridorModel, variable: str, value: object, where: str) -> str:
    members = built.members(built.model.variables[variable].over)
    if not members:
        raise InputError("member", value, f"nothing: {variable} has no dimension", where=where)
    return _named(value, "member", members, where)


def _range(given: Mapping[str, Any], where: str) -> None:
    low, high = given.get("low"), given.get("high")
    if low is None and high is None:
        raise InputError("low", None, "a number for low, for high or for both", where=where)
    if low is not None and high is not None and low > high:
        raise InputError("high", high, f"{low:g} or more", f"{low:g}", where)


# ---- running


def cases(levers: Mapping[str, Lever]) -> list[Case]:
    """Return the grid: the record, all levers at either end, and each alone at either end."""
    ends = ("low", "high")
    whole = [
        Case(_say(f"all {end}"), tuple(Setting(name, lever.range[i]) for name, lever in levers.items()))
        for i, end in enumerate(ends)
    ]
    alone = [
        Case(_say(end, lever=name), (Setting(name, lever.range[i]),))
        for name, lever in levers.items()
        for i, end in enumerate(ends)
    ]
    return [Case(_say("recorded")), *whole, *alone]


def _say(key: str, case: Case | None = None, **values: object) -> dict[str, str]:
    """Return a text in each language, filled in."""
    where = case.words if case is not None else {}
    return {lang: form.format(**values, case=where.get(lang, "")) for lang, form in _WORDS[key].items()}


@dataclass
class Runner:
    """Runs the cases that checks ask for, each once.

    Attributes:
        projector: what to run.
        keep: the variables looked at.
    """

    projector: Projector
    keep: tuple[str, ...]
    _found: dict[tuple[Setting, ...], dict[str, Floats]] = field(default_factory=dict)

    def outputs(self, settings: Sequence[Setting] = ()) -> dict[str, Floats]:
        """Return the variables looked at under some settings: (months, [members,] draws) each."""
        key = tuple(settings)
        if key not in self._found:
            run = self.projector.run(list(key), noise=False, keep=self.keep)
            self._found[key] = {name: np.array(run.outputs[name]) for name in self.keep}
        return self._found[key]

    def of(self, check: Check, settings: Sequence[Setting], name: str) -> Floats:
        """Return one variable, only the check's member if it names one."""
        values = self.outputs(settings)[name]
        if check.member is None:
            return values
        members = self.projector.built.members(self.projector.built.model.variables[name].over)
        return values[:, members.index(check.member)]


def make_runner(projector: Projector, checks: Sequence[Check]) -> Runner:
    """Return a runner that keeps what the checks look at, and the outcomes.

    Raises:
        InputError: the projector's horizon is shorter than a check needs.
    """
    longest = max((check.months for check in checks), default=1)
    if len(projector.months) < longest:
        raise InputError("months", len(projector.months), f"{longest} or more", longest)
    names = [name for check in checks for name in check.variables()]
    outcomes = [outcome.variable for outcome in projector.outcomes.values()]
    return Runner(projector, tuple(dict.fromkeys([*names, *outcomes])))


def run_one(runner: Runner, check: Check) -> Result:
    """Run one check over the grid of lever extremes."""
    if check.kind == "stays_between":
        return _stays_between(runner, check)
    if check.kind == "zero_equals_baseline":
        return _changes_nothing(runner, check)
    return _sums_to(runner, check) if check.kind == "sums_to" else _moves(runner, check)


def run(projector: Projector, checks: Sequence[Check], tick: Callable[[str], None] | None = None) -> list[Result]:
    """Run checks over the grid of lever extremes.

    Args:
        projector: model, posterior, months and draws to run with; 12 months or more.
        checks: what to check.
        tick: called with the name of each check when it is done.

    Raises:
        InputError: the projector's horizon is shorter than a check needs.
    """
    runner = make_runner(projector, checks)
    results = []
    for check in checks:
        results.append(run_one(runner, check))
        if tick:
            tick(check.name)
    return results


def _stays_between(runner: Runner, check: Check) -> Result:
    assert check.variable is not None
    low = -np.inf if check.low is None else check.low
    high = np.inf if check.high is None else check.high
    worst, detail = 0.0, {}
    for case in cases(runner.projector.built.levers):
        values = runner.of(check, case.settings, check.variable)
        if not np.isfinite(values).all():
            return Result(check, False, _say("not_finite", case, variable=check.variable))
        slack = _ALIKE * max(abs(v) for v in (low, high, 1.0) if np.isfinite(v))
        for beyond, at in ((low - values, values.argmin()), (values - high, values.argmax())):
            most = float(beyond.max())
            if most > max(worst, slack):
                month = int(np.unravel_index(at, values.shape)[0])
                worst, value = most, float(values.flat[at])
                detail = _say("beyond", case, variable=check.variable, value=value, month=month + 1)
    return Result(check, not detail, detail)


def _moves(runner: Runner, check: Check) -> Result:
    """Compare the mean over the first months, summed over members, with the lever low and high, draw by draw."""
    assert check.variable is not None
    assert check.lever is not None
    lever = runner.projector.built.levers[check.lever]
    ends = (lever.range[0] if check.low is None else check.low, lever.range[1] if check.high is None else check.high)
    means = []
    for end in ends:
        values = runner.of(check, (Setting(check.lever, end),), check.variable)[: check.months]
        means.append(values.reshape(check.months, -1, values.shape[-1]).sum(axis=1).mean(axis=0))
    change = means[1] - means[0]
    if not np.isfinite(change).all():
        return Result(check, False, _say("not_finite", Case(_say("low", lever=check.lever)), variable=check.variable))
    way = 1.0 if check.kind == "rises_when" else -1.0
    slack = _ALIKE * np.maximum(np.abs(means[0]), np.abs(means[1]))
    right = float(np.mean(way * change >= -slack))
    ok = way * float(change.mean()) > float(slack.mean()) and right >= check.share
    detail = _say(
        "moves",
        variable=check.variable,
        lever=check.lever,
        before=float(means[0].mean()),
        after=float(means[1].mean()),
        low=ends[0],
        high=ends[1],
        right=right,
        share=check.share,
    )
    return Result(check, bool(ok), {} if ok else detail)


def _changes_nothing(runner: Runner, check: Check) -> Result:
    assert check.lever is not None
    projector = runner.projector
    lever = projector.built.levers[check.lever]
    if check.value is not None:
        settings: tuple[Setting, ...] = (Setting(check.lever, check.value),)
    else:
        base, members = projector.base[check.lever], projector.members.get(lever.over or "", ())
        one = np.atleast_1d(lever.one_number(base, members))
        for value, recorded in zip(one, base, strict=True):
            targeted = np.array([m in lever.targets for m in members]) if lever.over else np.asarray(True)
            if not np.allclose(np.where(targeted, lever.spread(float(value), members) - recorded, 0.0), 0.0):
                said = "; ".join(f"{m} {v:g}" for m, v in zip(members, recorded, strict=True) if m in lever.targets)
                return Result(check, False, _say("no_one_value", lever=check.lever, said=said))
        settings = tuple(Setting(check.lever, float(v), m, m) for v, m in zip(one, projector.months, strict=True))
    before, after = runner.outputs(), runner.outputs(settings)
    worst, detail = _ALIKE, {}
    for name in runner.keep:
        scale = max(float(np.abs(before[name]).max()), 1e-12)
        gap = float(np.abs(after[name] - before[name]).max()) / scale
        if not gap <= worst:
            worst, detail = gap, _say("changes", variable=name, gap=gap)
    return Result(check, not detail, detail)


def _sums_to(runner: Runner, check: Check) -> Result:
    assert check.variable is not None
    over = runner.projector.built.model.variables[check.variable].over
    worst, detail = _ALIKE, {}
    for case in cases(runner.projector.built.levers):
        found = runner.outputs(case.settings)
        total = found[check.variable]
        parts = [found[name] for name in check.parts]
        if over is None:
            parts = [part.sum(axis=1) if part.ndim > total.ndim else part for part in parts]
        whole = np.sum(np.broadcast_arrays(*parts), axis=0)
        gap = float(np.abs(whole - total).max()) / max(float(np.abs(total).max()), 1e-12)
        if not gap <= worst:
            worst, detail = gap, _say("misses", case, variable=check.variable, gap=gap)
    return Result(check, not detail, detail)


__all__ = [
    "DRAWS",
    "FILE",
    "MONTHS",
    "Case",
    "Check",
    "Result",
    "Runner",
    "cases",
    "make_runner",
    "read",
    "run",
    "run_one",
]
