"""Answers: what a measure did to a series, by the series and its donors alone, and whether chance would do as much."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import t as student

from acuerdo.attribution.interval import LEVEL, Interval, compare
from acuerdo.attribution.panel import MIN_DONORS, MIN_PRE, Note, Panel, build_panel
from acuerdo.attribution.questions import Method, Question, load_questions
from acuerdo.attribution.structural import structural
from acuerdo.attribution.synthetic import Synthetic, across_units, synthetic_control, synthetic_did
from acuerdo.corridor import Corridor
from acuerdo.errors import unknown_name
from acuerdo.figures.store import Figures
from acuerdo.i18n import Texts

Array = npt.NDArray[np.float64]
Kind = Literal["time", "units", "both"]
Verdict = Literal["fall", "rise", "not_distinguishable", "cannot_be_answered"]

ALPHA = 0.1
"""A placebo p-value above this tells no effect from chance."""

POOR_COVERAGE = 0.7
"""Below this share of earlier windows inside the 90 % interval, a structural fit is poor."""

POOR_FIT = 0.5
"""Above this ratio of error before the measure to standard deviation, a synthetic control is poor."""

MAX_DATES = 20
"""Earlier dates tried, evenly spread where there are more."""

MIN_PRE_PANEL = 12
"""Months before an earlier date for methods with donors, which have no season to learn."""

MONTHS_PER_DONOR = 2
"""Fewer months than this for each donor fit by chance, and their small error would inflate the ratio after it."""

MIN_COVERAGE_WINDOWS = 5
"""Earlier windows from which a coverage is given."""


@dataclass(frozen=True)
class Test:
    """A placebo test: the same method where there was no measure.

    Attributes:
        kind: `time` for earlier dates, `units` for the donors, `both` for the two together.
        own: statistic at the true date or for the treated unit; larger is further from no effect.
        others: statistics of the placebos, by month or donor.
        p: share of all, the own one included, that are at least as large.
    """

    kind: Kind
    own: float
    others: pd.Series[float]
    p: float

    @property
    def smallest(self) -> float:
        """The smallest p-value that so many placebos can give."""
        return 1 / (len(self.others) + 1)


@dataclass(frozen=True)
class Fit:
    """How well the method follows the series where there was no measure.

    Attributes:
        error: root mean square error before the measure, in log points (one step ahead for the structural method).
        relative: `error` divided by the standard deviation of the log series before the measure.
        coverage: share of earlier windows whose total lay in the interval; NaN where there are too few.
        poor: whether the rule calls it poor.
    """

    error: float
    relative: float
    coverage: float
    poor: bool


@dataclass(frozen=True)
class Estimate:
    """What one method says.

    Attributes:
        method: its name.
        path: by month, columns observed, q05, q50, q95 of the series without the measure (before it: q50 fitted), and
            effect_q05, effect_q50, effect_q95 after it; `attrs` has unit and level.
        ratio: observed total after the measure over the total without it (of the last month for overlapping figures).
        total: the same as a difference, in the unit of the series.
        weights: of the donors, for methods that have them.
        fit: how well it follows the series before.
        tests: the placebo tests that could be run.
        verdict: by the rule (see `verdict`).
        why: the reason of the verdict.
    """

    method: Method
    path: pd.DataFrame
    ratio: Interval
    total: Interval
    weights: pd.Series[float] | None
    fit: Fit
    tests: list[Test]
    verdict: Verdict
    why: Note

    @property
    def p(self) -> float:
        """The largest p-value of the tests that count (see `decisive`); NaN if there is none."""
        return max((test.p for test in decisive(self.tests)), default=float("nan"))


@dataclass(frozen=True)
class Answer:
    """The answer to a question as of a day.

    Attributes:
        question: the question.
        day: day of the view; None for everything in the snapshot.
        unit: unit of the series.
        estimates: one for each method that could be run, the one that counts first; empty if there is no answer.
        verdict: that of the first estimate.
        why: its reason.
        notes: remarks on data and methods; the question's own cautions come on top.
    """

    question: Question
    day: date | None
    unit: str
    estimates: list[Estimate]
    verdict: Verdict
    why: Note
    notes: list[Note]

    def record(self, texts: Texts) -> dict[str, Any]:
        """Return the answer as plain data, words in the language of `texts`."""
        question = self.question
        return {
            "id": question.id,
            "title": texts.pick(question.title),
            "as_of": self.day.isoformat() if self.day else None,
            "series": question.series,
            "treated": question.treated,
            "unit": self.unit,
            "measure": question.measure.model_dump(mode="json"),
            "together": question.together,
            "verdict": self.verdict,
            "verdict_words": texts.t(f"attribution.verdict.{self.verdict}"),
            "why": self.why.say(texts),
            "estimates": [_estimate_record(one) for one in self.estimates],
            "notes": [note.say(texts) for note in self.notes] + [texts.pick(words) for words in question.cautions],
            "donors": question.donors.members if question.donors else [],
            "donor_reason": texts.pick(question.donors.reason if question.donors else question.no_donors),
        }


def _estimate_record(one: Estimate) -> dict[str, Any]:
    path = one.path.reset_index()
    path["month"] = path["month"].astype(str)
    rows = [{key: _plain(value) for key, value in row.items()} for row in path.to_dict("records")]
    return {
        "method": one.method,
        "verdict": one.verdict,
        "ratio": _interval_record(one.ratio),
        "cumulative_effect": _interval_record(one.total),
        "p": _plain(one.p),
        "tests": [
            {
                "kind": test.kind,
                "p": test.p,
                "statistic": _plain(test.own),
                "placebos": {str(name): _plain(value) for name, value in test.others.items()},
            }
            for test in one.tests
        ],
        "fit": {
            "error_log": _plain(one.fit.error),
            "relative": _plain(one.fit.relative),
            "coverage": _plain(one.fit.coverage),
            "poor": one.fit.poor,
        },
        "weights": {} if one.weights is None else {str(name): float(w) for name, w in one.weights.items()},
        "path": rows,
    }


def _interval_record(one: Interval) -> dict[str, Any]:
    return {"low": _plain(one.low), "mid": _plain(one.mid), "high": _plain(one.high), "level": one.level}


def _plain(value: Any) -> Any:
    """Return a number that JSON has; None for one that it has not."""
    if isinstance(value, int | float | np.number):
        return float(value) if np.isfinite(value) else None
    return value


def answers(
    corridor: Corridor,
    as_of: date | str | None = None,
    ids: list[str] | None = None,
    seed: int = 1,
    tick: Callable[[str], None] | None = None,
) -> list[Answer]:
    """Answer the declared questions of a corridor with what had been published by a day.

    Args:
        corridor: the corridor.
        as_of: day, month or None for the latest view.
        ids: the questions wanted; all without them.
        seed: the same gives the same numbers.
        tick: called with the id of each question when it is done.

    Raises:
        InputError: there is no question of that id, or the day is not a day.
    """
    questions = load_questions(corridor)
    names = {question.id for question in questions}
    for name in ids or []:
        if name not in names:
            raise unknown_name("id", name, names)
    view = Figures.open(corridor).as_of(as_of)
    found = []
    for question in questions:
        if not ids or question.id in ids:
            found.append(answer(question, view, seed))
            if tick is not None:
                tick(question.id)
    return found


def answer(question: Question, figures: Figures, seed: int = 1) -> Answer:
    """Answer one question with a view of the figures; only what the view holds is used.

    The answer for a view that ends before the measure, or too soon after it, is that it cannot be given.
    """
    unit = figures.series(question.series).unit
    panel = build_panel(question, figures)
    if isinstance(panel, Note):
        return Answer(question, figures.day, unit, [], "cannot_be_answered", panel, [])
    notes, estimates = list(panel.notes), []
    for method in question.methods:
        if method == "structural":
            rng = np.random.default_rng([seed, zlib.crc32(question.id.encode())])
            estimates.append(_structural(panel, question, unit, rng))
        elif panel.donors.shape[1] < MIN_DONORS:
            notes.append(Note("too_few_donors", {"donors": panel.donors.shape[1], "needed": MIN_DONORS}))
        else:
            estimates.append(_synthetic(panel, method, unit))
    if not estimates:
        return Answer(question, figures.day, unit, [], "cannot_be_answered", notes.pop(), notes)
    first = estimates[0]
    if any(not compare(first.ratio, other.ratio, none=1.0).agree for other in estimates[1:]):
        notes.append(Note("methods_disagree"))
    elif len({one.verdict for one in estimates}) > 1:
        notes.append(Note("verdicts_differ"))
    if first.weights is not None and panel.pre < MONTHS_PER_DONOR * panel.donors.shape[1]:
        notes.append(Note("short_for_donors", {"months": panel.pre, "donors": panel.donors.shape[1]}))
    return Answer(question, figures.day, unit, estimates, first.verdict, first.why, notes)


def verdict(ratio: Interval, tests: list[Test], poor: bool) -> tuple[Verdict, Note]:
    """Return the verdict by rule, and its reason.

    An effect is called distinguishable only if the fit before the measure is not poor, there is a placebo test that
    counts (see `decisive`), each of them gives a p-value of at most 0.1, and the interval of the ratio leaves out 1.
    """
    usable = decisive(tests)
    if poor:
        return "not_distinguishable", Note("poor_fit")
    if not usable:
        return "not_distinguishable", Note("untested", {"placebos": sum(len(test.others) for test in tests)})
    worst = max(usable, key=lambda test: test.p)
    if worst.p > ALPHA:
        return "not_distinguishable", Note(f"placebo_{worst.kind}", {"p": worst.p, "placebos": len(worst.others)})
    if ratio.holds(1.0):
        return "not_distinguishable", Note("interval_holds_one")
    return ("fall" if ratio.mid < 1 else "rise"), Note("clear", {"p": worst.p, "placebos": len(worst.others)})


def decisive(tests: list[Test]) -> list[Test]:
    """Return the tests that count: those with placebos enough for a p-value of 0.1.

    Where none has, and the statistic is the same, the placebos of all together are one test.
    """
    usable = [test for test in tests if test.smallest <= ALPHA]
    if usable or len(tests) < 2:
        return usable
    both = _rank("both", tests[0].own, pd.concat([test.others for test in tests]))
    return [both] if both.smallest <= ALPHA else []


def _rank(kind: Kind, own: float, others: pd.Series[float]) -> Test:
    return Test(kind, own, others, float((1 + (others >= own).sum()) / (1 + len(others))))


def _dates(pre: int, after: int, least: int) -> list[int]:
    """Return earlier numbers of months before: late enough to fit, early enough to end before the measure."""
    every = np.arange(least, pre - after + 1)
    if len(every) > MAX_DATES:
        every = every[np.unique(np.linspace(0, len(every) - 1, MAX_DATES).round().astype(int))]
    return [int(one) for one in every]


def _structural(panel: Panel, question: Question, unit: str, rng: np.random.Generator) -> Estimate:
    values: Array = np.asarray(panel.treated, dtype=np.float64)
    donor: Array | None = np.asarray(panel.donors.sum(axis=1), dtype=np.float64) if panel.donors.shape[1] else None
    pre, after = panel.pre, len(values) - panel.pre
    seasonal = not panel.overlapping

    def run(before: int, draws: int) -> tuple[Any, Array, float]:
        stop = before + after
        made = structural(
            values[:stop], before, rng, None if donor is None else donor[:stop], question.level, seasonal, draws
        )
        ratios = _collapse(values[before:stop], panel.overlapping) / _collapse(made.draws, panel.overlapping)
        logs = np.log(ratios)
        return made, ratios, abs(float(np.median(logs))) / float(logs.std())

    made, ratios, own = run(pre, 2000)
    dates = [one for one in _dates(pre, after, MIN_PRE) if np.isfinite(values[one : one + after]).all()]
    earlier = [run(one, 500)[1:] for one in dates]
    inside = [Interval.of_draws(ratio).holds(1.0) for ratio, _ in earlier]
    others = pd.Series([score for _, score in earlier], index=[str(panel.months[one]) for one in dates], dtype=float)
    tests = [_rank("time", own, others)] if dates else []
    coverage = float(np.mean(inside)) if len(inside) >= MIN_COVERAGE_WINDOWS else float("nan")
    logs = np.log(values[:pre])
    error = float(np.sqrt(np.nanmean((logs - np.log(made.fitted)) ** 2)))
    fit = Fit(error, error / float(np.nanstd(logs)), coverage, coverage < POOR_COVERAGE)
    ratio = Interval.of_draws(ratios)
    observed = _collapse(values[pre:], panel.overlapping)
    total = Interval.of_draws(observed - _collapse(made.draws, panel.overlapping))
    quantiles = np.quantile(made.draws, [(1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2], axis=1)
    path = _path(panel, made.fitted, quantiles, unit)
    return Estimate("structural", path, ratio, total, None, fit, tests, *verdict(ratio, tests, fit.poor))


def _synthetic(panel: Panel, method: Method, unit: str) -> Estimate:
    treated = np.log(panel.treated.to_numpy(dtype=np.float64))
    donors = np.log(panel.donors.to_numpy(dtype=np.float64))
    pre, after = panel.pre, len(treated) - panel.pre
    did = method == "synthetic_did"

    def run(one: Array, others: Array, before: int) -> Synthetic:
        if did:
            return synthetic_did(one, others, before)
        return synthetic_control(one, others, before, intercept=True)

    def score(found: Synthetic) -> float:
        return abs(found.effect) if did else found.ratio

    made = run(treated, donors, pre)
    units = across_units(donors, pre, run)
    tests = [_rank("units", score(made), pd.Series([score(one) for one in units], index=panel.donors.columns))]
    dates = _dates(pre, after, max(MIN_PRE_PANEL, MONTHS_PER_DONOR * donors.shape[1]))
    if dates:
        moved = [score(run(treated[: one + after], donors[: one + after], one)) for one in dates]
        others = pd.Series(moved, index=[str(panel.months[one]) for one in dates])
        tests.append(_rank("time", score(made), others))
    spread = student.ppf((1 + LEVEL) / 2, len(units))
    gaps = np.array([one.gap[pre:] for one in units])
    by_month = spread * np.sqrt((gaps**2).mean(axis=0))
    overall = spread * float(np.sqrt((gaps.mean(axis=1) ** 2).mean()))
    values = panel.treated.to_numpy(dtype=np.float64)
    error = made.rmspe if not did else float(np.std(made.gap[:pre]))
    relative = error / float(treated[:pre].std())
    fit = Fit(error, relative, float("nan"), relative > POOR_FIT)
    observed = float(_collapse(values[pre:], panel.overlapping))
    without = float(_collapse(np.exp(made.path[pre:]), panel.overlapping))
    low, high = without * np.exp(-overall), without * np.exp(overall)
    ratio = Interval(observed / high, observed / without, observed / low)
    total = Interval(observed - high, observed - without, observed - low)
    quantiles = np.exp(made.path[pre:] + np.array([-1, 0, 1])[:, None] * by_month)
    path = _path(panel, np.exp(made.path[:pre]), quantiles, unit)
    weights = pd.Series(made.weights, index=panel.donors.columns, name="weight")
    return Estimate(method, path, ratio, total, weights, fit, tests, *verdict(ratio, tests, fit.poor))


def _collapse(values: npt.NDArray[Any], overlapping: bool) -> Any:
    """Return the total over the months, or the last month where figures overlap."""
    return values[-1] if overlapping else values.sum(axis=0)


def _path(panel: Panel, fitted: Array, quantiles: Array, unit: str) -> pd.DataFrame:
    observed = panel.treated.to_numpy(dtype=np.float64)
    blank = np.full(panel.pre, np.nan)
    path = pd.DataFrame({"observed": observed}, index=panel.months)
    for name, row in zip(("q05", "q50", "q95"), quantiles, strict=True):
        path[name] = np.concatenate([fitted if name == "q50" else blank, row])
    for name, other in (("q05", "q95"), ("q50", "q50"), ("q95", "q05")):
        path[f"effect_{name}"] = np.concatenate([blank, observed[panel.pre :] - path[other].to_numpy()[panel.pre :]])
    path.index.name = "month"
    path.attrs = {"unit": unit, "level": LEVEL}
    return path
