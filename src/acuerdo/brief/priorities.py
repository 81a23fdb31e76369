"""Priorities for the coming year: packages that both sides prefer to no agreement, in words and one picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from acuerdo.brief.measures import side_name
from acuerdo.brief.model import Chart, NamedText
from acuerdo.charts.gains import Gains, gains
from acuerdo.i18n import Texts, upper_first
from acuerdo.levers import Floats
from acuerdo.priorities.bargaining import SOLUTIONS
from acuerdo.priorities.failure import failure
from acuerdo.priorities.space import Measure
from acuerdo.priorities.study import Contested, Study
from acuerdo.priorities.trades import Concession

_LETTERS = "ABCDE"
_GAINS, _LOSSES = 4, 3
_FELT = 0.05  # points below which a change of an outcome is not told


@dataclass(frozen=True)
class MeasureLine:
    """Who does what from when."""

    who: str
    what: str
    setting: str
    when: str


@dataclass(frozen=True)
class SideLine:
    """What a package brings one side."""

    side: str
    gain: str
    interval: str
    cost: str
    backfiring: str
    text: str
    gets: tuple[str, ...]
    gives: tuple[str, ...]


@dataclass(frozen=True)
class PackageItem:
    """One package."""

    letter: str
    title: str
    why: str
    measures: tuple[MeasureLine, ...]
    sides: tuple[SideLine, ...]
    passes: str
    turns: tuple[str, ...]


@dataclass(frozen=True)
class Priorities:
    """The section of the brief.

    Attributes:
        intro: what was compared.
        finding: how many packages are told, or that the zone of agreement is empty.
        alone: what each side does without agreement.
        packages: best first.
        table: the robustness table, a row for each measure and side: its name, then a cell for each package.
        columns: headings of that table.
        contested: what contested levers would do.
        trades: what one side could give that costs it little.
        know: what it would be worth most to know.
        picture: both sides' gains.
        notes: what the numbers mean.
    """

    intro: str
    finding: str
    alone: tuple[NamedText, ...]
    packages: tuple[PackageItem, ...]
    columns: tuple[str, ...]
    table: tuple[tuple[str, ...], ...]
    contested: tuple[str, ...]
    trades: tuple[str, ...]
    know: tuple[str, ...]
    picture: Chart
    notes: tuple[str, ...]


def priorities_section(study: Study, texts: Texts) -> Priorities:
    """Build the section from a study.

    Args:
        study: what was found.
        texts: words of a language.
    """
    writer = _Writer(study, texts)
    return Priorities(
        intro=writer.intro(),
        finding=writer.finding(),
        alone=writer.alone(),
        packages=tuple(writer.package(letter, at) for letter, at in zip(_LETTERS, study.shown, strict=False)),
        columns=writer.columns(),
        table=writer.table(),
        contested=tuple(writer.contested(one) for one in study.contested),
        trades=writer.trades(),
        picture=writer.picture(),
        know=writer.know(),
        notes=writer.notes(),
    )


class _Writer:
    def __init__(self, study: Study, texts: Texts) -> None:
        self.study, self.texts = study, texts
        self.months = study.projector.months

    def t(self, key: str, **values: object) -> str:
        return self.texts.t(f"priorities.{key}", **values)

    def side(self, name: str) -> str:
        return side_name(name, self.texts)

    def intro(self) -> str:
        study, number = self.study, self.texts.number
        return self.t(
            "intro",
            first=self.texts.month(self.months[0]),
            last=self.texts.month(self.months[-1]),
            packages=number(len(study.plans)),
            futures=number(len(study.futures)),
            draws=number(study.gains.shape[2]),
            runs=number(study.runs),
        )

    def finding(self) -> str:
        study = self.study
        if not study.plans:
            return self.t("nothing_allowed")
        if study.agreement.empty:
            return self.t("empty_zone", share=self.texts.percent(study.sweep.empty))
        if not study.shown:
            return self.t("not_robust", zone=int(study.agreement.zone.sum()))
        return self.t("found", count=len(study.shown), zone=self.texts.number(int(study.agreement.zone.sum())))

    def alone(self) -> tuple[NamedText, ...]:
        study = self.study
        found = []
        for at, side in enumerate(study.values.sides):
            said = [self.measure(measure, study.in_force) for measure in study.none.plans[side]]
            text = "; ".join(said) if said else self.t("goes_on")
            cost = self.money(study.no_agreement_cost[at])
            points = self.texts.signed(float(study.no_agreement_points[at]), 1)
            found.append(NamedText(self.side(side), self.t("alone", measures=text, cost=cost, points=points)))
        return tuple(found)

    def measure(self, measure: Measure, without: dict[str, float]) -> str:
        lever = self.study.built.levers[measure.lever]
        return f"{self.texts.pick(lever.label)}: {self.setting(measure, without)}"

    def setting(self, measure: Measure, without: dict[str, float]) -> str:
        lever = self.study.built.levers[measure.lever]
        unit = self.texts.pick(lever.unit_label)
        share = lever.unit == "1" and "(" not in unit
        show = self.texts.percent if share else self.plain
        return self.texts.t("measure.setting", value=show(measure.value), unit=unit, without=show(without[lever.name]))

    def plain(self, value: float) -> str:
        return self.texts.number(value, 0 if abs(value) >= 10 or float(value).is_integer() else 2)

    def money(self, dollars: float) -> str:
        return self.texts.signed_rounded(float(dollars) / 1e6, 2)

    def package(self, letter: str, at: int) -> PackageItem:
        study = self.study
        name = study.names[at]
        title = self.t("package", letter=letter)
        if name:
            from acuerdo.packages import find

            words = find(name, study.built.corridor).head.title
            title = f"{title}: {self.texts.pick(words) or name}"
        reasons = study.reasons.get(at, [])
        firsts = [self.t(f"criterion.{one}") for one in reasons if not one.startswith("near_")]
        near = [self.t(f"criterion.{one.removeprefix('near_')}") for one in reasons if one.startswith("near_")]
        why = self.t("first_by", criteria=self.texts.listing(firsts)) if firsts else self.t("also")
        if at in study.lacks:
            lever = self.texts.pick(study.built.levers[study.lacks[at]].label)
            why = (f"{why} " if firsts else "") + self.t("best_without", lever=lever)
        if near:
            why += " " + self.t("near", criteria=self.texts.listing(near))
        passes = study.passes()
        met = sum(bool(flags[at]) for flags in passes.values())
        return PackageItem(
            letter=letter,
            title=title,
            why=why,
            measures=tuple(self.line(measure) for measure in study.plans[at]),
            sides=tuple(self.gains_of(side, s, at) for s, side in enumerate(study.values.sides)),
            passes=self.t("passes", met=met, all=len(passes)),
            turns=self.turns(at),
        )

    def met(self, at: int) -> list[str]:
        """Return the criteria by which a package told is first, or as good as the first."""
        return [name.removeprefix("near_") for name in self.study.reasons.get(at, [])]

    def line(self, measure: Measure) -> MeasureLine:
        study = self.study
        lever = study.built.levers[measure.lever]
        setting = self.setting(measure, study.space.without)
        return MeasureLine(
            who=self.side(lever.owner),
            what=self.texts.pick(lever.label),
            setting=setting,
            when=self.t("from", month=self.texts.month(self.months[measure.start])),
        )

    def gains_of(self, side: str, s: int, at: int) -> SideLine:
        study = self.study
        gain = study.gains[at, :, :, s]
        low, high = np.quantile(gain, [0.05, 0.95])
        change = study.changes[at].reshape(-1, study.changes.shape[-1])
        worth = study.values.weights[side] * change.mean(axis=0) / study.values.swings(study.base)
        order = np.argsort(-worth, kind="stable")
        gets = [self.outcome(int(o), change) for o in order[:_GAINS] if worth[o] > _FELT]
        gives = [self.outcome(int(o), change) for o in order[::-1][:_LOSSES] if worth[o] < -_FELT]
        said = {
            "side": self.side(side),
            "gain": self.texts.signed(float(gain.mean()), 1),
            "interval": self.texts.t(
                "format.interval", low=self.texts.signed(float(low), 1), high=self.texts.signed(float(high), 1)
            ),
            "cost": self.money(study.costs[at, s]),
            "backfiring": self.share(float(study.robust.backfiring[at, s])),
        }
        return SideLine(**said, text=self.t("side", **said), gets=tuple(gets), gives=tuple(gives))

    def share(self, share: float) -> str:
        """Return a share of cases; one below a per cent is not told as none."""
        small = self.texts.t("brief.below", value=self.texts.percent(0.01))
        return small if share < 0.01 else self.texts.percent(share)

    def outcome(self, o: int, change: Floats) -> str:
        study = self.study
        name = study.values.outcomes[o]
        item = study.projector.outcomes[name]
        low, high = np.quantile(change[:, o], [0.05, 0.95])
        unit = self.texts.t("unit.points") if item.unit == "percent" else self.texts.pick(item.unit_label)
        return self.t(
            "outcome",
            name=self.texts.pick(item.label),
            change=self.texts.signed_rounded(float(change[:, o].mean())),
            interval=self.texts.interval(float(low), float(high), figures=2, sign=True),
            unit=unit,
        )

    def turns(self, at: int) -> tuple[str, ...]:
        """Say what would change whether the package is preferred."""
        study = self.study
        said = [
            self.t(
                "turn_weights",
                both=self.texts.percent(float(study.sweep.both[at])),
                top=self.texts.percent(float(study.sweep.top[at])),
            )
        ]
        for s, side in enumerate(study.values.sides):
            found = study.sweep.turning[side][at]
            if found is not None:
                name, correlation = found
                label = self.texts.pick(study.projector.outcomes[name].label)
                key = "turn_weight_up" if correlation > 0 else "turn_weight_down"
                said.append(self.t(key, side=self.side(side), outcome=label))
            by_future = study.gains[at, :, :, s].mean(axis=1)
            bad = [self.texts.pick(f.title) for f, gain in zip(study.futures, by_future, strict=True) if gain < 0]
            if bad:
                said.append(self.t("turn_future", side=self.side(side), futures=self.texts.listing(bad)))
        box = self.failure(at)
        if box is not None:
            said.append(box)
        for name, future in study.test_futures.items():
            one, other = (self.texts.signed(float(x), 1) for x in study.tests[name][at])
            sides = [self.side(side) for side in study.values.sides]
            title = self.texts.pick(future.title)
            said.append(self.t("turn_test", test=title, one=sides[0], first=one, other=sides[1], second=other))
        return tuple(said)

    def columns(self) -> tuple[str, ...]:
        letters = [self.t("package", letter=letter) for letter, _ in zip(_LETTERS, self.study.shown, strict=False)]
        return (self.t("column.measure"), *letters)

    def table(self) -> tuple[tuple[str, ...], ...]:
        study = self.study
        rows: list[tuple[str, ...]] = []
        for name in ("mean", "tenth", "worst_future", "regret"):
            for s, side in enumerate(study.values.sides):
                values = [float(getattr(study.robust, name)[at, s]) for at in study.shown]
                cells = [self.texts.number(x, 1) if name == "regret" else self.texts.signed(x, 1) for x in values]
                rows.append((f"{self.t(f'column.{name}')}, {self.side(side)}", *cells))
        shares = [self.texts.percent(float(study.robust.satisficing[at])) for at in study.shown]
        rows.append((self.t("column.satisficing"), *shares))
        return tuple(rows) if study.shown else ()

    def contested(self, one: Contested) -> str:
        study = self.study
        lever = study.built.levers[one.measure.lever]
        said = []
        for s, side in enumerate(study.values.sides):
            low, high = (self.texts.signed(float(x[s]), 1) for x in (one.low, one.high))
            said.append(
                self.t(
                    "contested_side",
                    side=self.side(side),
                    points=self.texts.signed(float(one.points[s]), 1),
                    interval=self.texts.t("format.interval", low=low, high=high),
                    worse=self.texts.percent(float(one.worse[s])),
                )
            )
        return self.t(
            "contested",
            lever=self.texts.pick(lever.label),
            owner=self.side(one.owner),
            evidence=self.texts.t(f"evidence.{lever.evidence}"),
            source=lever.source,
            sides="; ".join(said),
        )

    def trades(self) -> tuple[str, ...]:
        study = self.study
        found = []
        for trade in study.trades:
            one, other = (self.measure(given.measure, study.space.without) for given in (trade.one, trade.other))
            nets = [f"{self.side(side)} {self.texts.signed(net, 1)}" for side, net in trade.net.items()]
            giver, taker = self.side(trade.one.giver), self.side(trade.other.giver)
            found.append(self.t("trade", giver=giver, one=one, taker=taker, other=other, net="; ".join(nets)))
        return tuple(found) or tuple(self.concession(given) for given in study.concessions[:3])

    def concession(self, given: Concession) -> str:
        return self.t(
            "concession",
            giver=self.side(given.giver),
            measure=self.measure(given.measure, self.study.space.without),
            loss=self.texts.number(given.loss, 1),
            taker=self.side(given.taker),
            gain=self.texts.signed(given.gain, 1),
        )

    def failure(self, at: int) -> str | None:
        """Say under which conditions a package fails most, if it fails often enough to tell."""
        found = failure(self.study, at)
        if found is None:
            return None
        titles = {future.id: self.texts.pick(future.title) for future in self.study.futures}
        said = []
        for one in found.conditions:
            if one.future is not None:
                said.append(self.t("when_future" if one.above else "unless_future", future=titles[one.future]))
            else:
                label = self.texts.pick(self.study.built.meanings[one.parameter])
                key = "when_high" if one.above else "when_low"
                said.append(self.t(key, parameter=label, share=self.texts.percent(one.share)))
        return self.t(
            "turn_box",
            conditions=self.texts.listing(said),
            density=self.texts.percent(found.density),
            overall=self.texts.percent(found.overall),
        )

    def know(self) -> tuple[str, ...]:
        """Say which parameter it would be worth most to know before choosing among the packages told."""
        study = self.study
        found = []
        for side, worth in study.worth.items():
            first = worth[0]
            if first.value <= first.noise:
                found.append(self.t("know_nothing", side=self.side(side)))
                continue
            label = self.texts.pick(study.built.meanings[first.parameter])
            points = self.texts.number(first.value, 2)
            found.append(self.t("know", parameter=label, points=points, side=self.side(side)))
        return tuple(found)

    def picture(self) -> Chart:
        study = self.study
        mean = study.robust.mean
        pairs = [(float(x), float(y)) for x, y in mean]
        edge = sorted(pairs[at] for at in np.flatnonzero(study.agreement.front))
        told = [(*pairs[at], letter) for letter, at in zip(_LETTERS, study.shown, strict=False)]
        solutions = {
            name: [one for one, at in zip(_LETTERS, study.shown, strict=False) if name in self.met(at)]
            for name in SOLUTIONS
        }
        named = [self.t("picture_solution", solution=upper_first(self.t(f"criterion.{name}")), letter=letters[0])
                 for name, letters in solutions.items() if letters]  # fmt: skip
        one, other = (self.side(side) for side in study.values.sides)
        title = self.t("picture_title")
        axes = self.t("picture_axis", side=one), self.t("picture_axis", side=other)
        words = [self.t("picture_point", letter=letter, one=one, first=self.texts.signed(x, 1), other=other,
                        second=self.texts.signed(y, 1)) for x, y, letter in told]  # fmt: skip
        description = " ".join([self.t("picture_words", count=len(pairs)), *words])
        description = " ".join([description, *named])
        drawn = Gains(pairs, edge, told, axes, self.t("picture_nothing"), tuple(named))
        return Chart(gains(drawn, title, self.texts, description), title, description)

    def notes(self) -> tuple[str, ...]:
        study = self.study
        left = [
            f"{self.texts.pick(study.built.levers[name].label)} ({self.texts.pick(why)})"
            for name, why in study.space.limits.left_out.items()
        ]
        said = [self.t("note_points"), self.t("note_weights"), self.t("note_limits"), self.t("note_cost")]
        return (*said, self.t("note_left_out", levers="; ".join(left))) if left else tuple(said)
