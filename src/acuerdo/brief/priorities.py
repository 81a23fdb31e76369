"""Priorities for the coming year: packages that both sides prefer to no agreement, in words and one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from acuerdo.brief.measures import side_name
from acuerdo.brief.model import Chart, MeasureLine, NamedText, PackageItem, Priorities, SideLine
from acuerdo.charts.gains import Gains, gains
from acuerdo.i18n import Texts, lower_first, upper_first
from acuerdo.levers import load_levers
from acuerdo.priorities.bargaining import SOLUTIONS
from acuerdo.projection import load_outcomes

_LETTERS = "ABCDE"
_GAINS, _LOSSES = 3, 2
_FELT = 0.05  # points below which a change of an outcome is not told
_KNOWN = 3  # parameters told that it would be worth most to know
_GIVEN = 3  # concessions told where no trade was found

Found = Mapping[str, Any]


def priorities_section(found: Found, texts: Texts) -> Priorities:
    """Build the section from the findings of a study, fresh or kept.

    Args:
        found: the findings (see `acuerdo.priorities.report.to_dict`).
        texts: words of a language, with the corridor's.
    """
    return _Writer(found, texts).section()


class _Writer:
    def __init__(self, found: Found, texts: Texts) -> None:
        self.found, self.texts = found, texts
        self.levers, self.outcomes = load_levers(texts.corridor), load_outcomes(texts.corridor)
        self.sides: list[str] = list(found["sides"])
        self.packages: list[Found] = found["packages"]
        self.told = sorted((p for p in self.packages if p["told"]), key=lambda p: int(p["told"]))

    def section(self) -> Priorities:
        return Priorities(
            intro=self.intro(),
            finding=self.finding(),
            summary=self.summary(),
            alone=self.alone(),
            packages=tuple(self.package(*one) for one in zip(_LETTERS, self.told, strict=False)),
            columns=self.columns(),
            table=self.table(),
            assumptions=self.assumptions(),
            contested=tuple(self.contested(one) for one in self.found["contested"]),
            trades=self.trades(),
            know=self.know(),
            picture=self.picture(),
            notes=self.notes(),
        )

    def t(self, key: str, **values: object) -> str:
        return self.texts.t(f"priorities.{key}", **values)

    def side(self, name: str) -> str:
        return side_name(name, self.texts)

    def both(self, values: Found, digits: int = 1) -> dict[str, str]:
        """Return the words of a number of points for each of the two sides."""
        one, other = ((self.side(side), self.texts.signed(float(values[side]), digits)) for side in self.sides)
        return {"one": one[0], "first": one[1], "other": other[0], "second": other[1]}

    def month(self, text: str) -> str:
        return self.texts.month(pd.Period(text, "M"))

    def intro(self) -> str:
        found, number = self.found, self.texts.number
        first, last = (self.month(one) for one in found["months"])
        said = self.t(
            "intro",
            first=first,
            last=last,
            packages=number(len(self.packages)),
            futures=number(len(found["futures"])),
            draws=number(found["draws"]),
            runs=number(found["runs"]),
        )
        return f"{said} {self.t('quick')}" if found["quick"] else said

    def finding(self) -> str:
        zone = self.texts.number(self.found["zone"])
        if not self.packages:
            return self.t("nothing_allowed")
        if self.found["zone_empty"]:
            return self.t("empty_zone", share=self.share(float(self.found["zone_empty_share_of_weights"])))
        said = self.t("found", count=len(self.told), zone=zone) if self.told else self.t("not_robust", zone=zone)
        return f"{said} {self.t('front', count=sum(one['on_front'] for one in self.packages))}"

    def summary(self) -> str:
        """Return one sentence: what the first package holds and gives, or that there is none."""
        if not self.told:
            return self.finding()  # an empty zone among them
        first = self.told[0]
        names = [lower_first(self.lever(one["lever"])) for one in first["measures"]]
        words = self.both(first["robustness"]["mean"])
        return self.t("summary", count=len(self.told), measures=self.texts.listing(names), **words)

    def lever(self, name: str) -> str:
        return self.texts.pick(self.levers[name].label)

    def alone(self) -> tuple[NamedText, ...]:
        none = self.found["no_agreement"]
        said = []
        for side in self.sides:
            measures = [
                f"{self.lever(one['lever'])}: {self.setting(one, 'in_force')}" for one in none["measures"][side]
            ]
            text = "; ".join(measures) if measures else self.t("goes_on")
            cost, points = self.money(none["cost"][side]), self.texts.signed(float(none["value"][side]), 1)
            said.append(NamedText(self.side(side), self.t("alone", measures=text, cost=cost, points=points)))
        return tuple(said)

    def measure(self, one: Found) -> str:
        return f"{self.lever(one['lever'])}: {self.setting(one, 'without_agreement')}"

    def setting(self, one: Found, without: str) -> str:
        lever = self.levers[one["lever"]]
        unit = self.texts.pick(lever.unit_label)
        share = lever.unit == "1" and "(" not in unit
        show = self.texts.percent if share else self.plain
        value, before = show(float(one["value"])), show(float(one[without]))
        return self.texts.t("measure.setting", value=value, unit=unit, without=before)

    def plain(self, value: float) -> str:
        return self.texts.number(value, 0 if abs(value) >= 10 or float(value).is_integer() else 2)

    def money(self, dollars: float) -> str:
        return self.texts.signed_rounded(float(dollars) / 1e6, 2)

    def package(self, letter: str, one: Found) -> PackageItem:
        title = self.t("package", letter=letter)
        if one["name"]:
            from acuerdo.packages import find

            words = find(one["name"], self.texts.corridor).head.title
            title = f"{title}: {self.texts.pick(words) or one['name']}"
        reasons: list[str] = one["first_by"]
        firsts = [self.t(f"criterion.{x}") for x in reasons if not x.startswith("near_")]
        near = [self.t(f"criterion.{x.removeprefix('near_')}") for x in reasons if x.startswith("near_")]
        why = self.t("first_by", criteria=self.texts.listing(firsts)) if firsts else self.t("also")
        if one["best_without"]:
            why = (f"{why} " if firsts else "") + self.t("best_without", lever=self.lever(one["best_without"]))
        if near:
            why += " " + self.t("near", criteria=self.texts.listing(near))
        met = sum(one["preferred_by"].values())
        return PackageItem(
            letter=letter,
            title=title,
            why=why,
            measures=tuple(self.line(x) for x in one["measures"]),
            sides=tuple(self.gains_of(side, one) for side in self.sides),
            passes=self.t("passes", met=met, all=len(one["preferred_by"])),
            turns=self.turns(one),
        )

    def line(self, one: Found) -> MeasureLine:
        return MeasureLine(
            who=self.side(one["owner"]),
            what=self.lever(one["lever"]),
            setting=self.setting(one, "without_agreement"),
            when=self.t("from", month=self.month(one["from"])),
        )

    def gains_of(self, side: str, one: Found) -> SideLine:
        worth = sorted(one["outcomes"], key=lambda name: -float(one["outcomes"][name]["points"][side]))
        points = {name: float(one["outcomes"][name]["points"][side]) for name in worth}
        gets = [self.outcome(name, one) for name in worth[:_GAINS] if points[name] > _FELT]
        gives = [self.outcome(name, one) for name in worth[::-1][:_LOSSES] if points[name] < -_FELT]
        low, high = (self.texts.signed(float(one[end][side]), 1) for end in ("q05", "q95"))
        said = {
            "side": self.side(side),
            "gain": self.texts.signed(float(one["robustness"]["mean"][side]), 1),
            "interval": self.texts.t("format.interval", low=low, high=high),
            "cost": self.money(one["cost"][side]),
            "backfiring": self.share(float(one["backfiring"][side])),
        }
        return SideLine(**said, text=self.t("side", **said), gets=tuple(gets), gives=tuple(gives))

    def share(self, share: float) -> str:
        """Return a share of cases; one below a per cent is not told as none."""
        small = self.texts.t("brief.below", value=self.texts.percent(0.01))
        return small if share < 0.01 else self.texts.percent(share)

    def outcome(self, name: str, one: Found) -> str:
        item, change = self.outcomes[name], one["outcomes"][name]
        unit = self.texts.t("unit.points") if item.unit == "percent" else self.texts.pick(item.unit_label)
        return self.t(
            "outcome",
            name=self.texts.pick(item.label),
            change=self.texts.signed_rounded(float(change["mean"])),
            interval=self.texts.interval(float(change["q05"]), float(change["q95"]), figures=2, sign=True),
            unit=unit,
        )

    def turns(self, one: Found) -> tuple[str, ...]:
        """Say what would change whether the package is preferred."""
        both, top = (self.texts.percent(float(one["weights"][name])) for name in ("both_prefer", "among_first"))
        said = [self.t("turn_weights", both=both, top=top)]
        titles = {future["id"]: self.texts.pick(future["title"]) for future in self.found["futures"]}
        for side in self.sides:
            turning = one["turns_on_weight"][side]
            if turning is not None:
                label = self.texts.pick(self.outcomes[turning["outcome"]].label)
                key = "turn_weight_up" if turning["correlation"] > 0 else "turn_weight_down"
                said.append(self.t(key, side=self.side(side), outcome=label))
            bad = [titles[name] for name, gain in one["by_future"].items() if gain[side] < 0]
            if bad:
                said.append(self.t("turn_future", side=self.side(side), futures=self.texts.listing(bad)))
        if one["fails"] is not None:
            said.append(self.fails(one["fails"], titles))
        return tuple(said)

    def fails(self, box: Found, titles: Mapping[str, str]) -> str:
        """Say under which conditions a package fails most."""
        said = []
        for one in box["conditions"]:
            if "future" in one:
                said.append(self.t("when_future" if one["holds"] else "unless_future", future=titles[one["future"]]))
            else:
                key, share = "when_high" if one["high"] else "when_low", self.texts.percent(float(one["share"]))
                said.append(self.t(key, parameter=self.texts.pick(one["label"]), share=share))
        return self.t(
            "turn_box",
            conditions=self.texts.listing(said),
            density=self.texts.percent(float(box["share_failing"])),
            overall=self.texts.percent(float(box["share_failing_overall"])),
        )

    def columns(self) -> tuple[str, ...]:
        letters = [self.t("package", letter=letter) for letter, _ in zip(_LETTERS, self.told, strict=False)]
        return (self.t("column.measure"), *letters)

    def table(self) -> tuple[tuple[str, ...], ...]:
        rows: list[tuple[str, ...]] = []
        for name in ("mean", "tenth", "worst_future", "regret"):
            for side in self.sides:
                values = [float(one["robustness"][name][side]) for one in self.told]
                cells = [self.texts.number(x, 1) if name == "regret" else self.texts.signed(x, 1) for x in values]
                rows.append((f"{self.t(f'column.{name}')}, {self.side(side)}", *cells))
        rows.append((self.t("column.satisficing"), *(self.texts.percent(float(x["both_gain"])) for x in self.told)))
        return tuple(rows) if self.told else ()

    def assumptions(self) -> tuple[str, ...]:
        """Say for each assumption changed what the packages told gain without it, and whether their order stays."""
        said = []
        for test in self.found["assumptions"] if self.told else ():
            gains = [one["with_assumption_changed"][test["id"]] for one in self.told]
            each = [
                self.t("assumption_package", letter=letter, **self.both(gain))
                for letter, gain in zip(_LETTERS, gains, strict=False)
            ]
            before, after = ([_product(x, self.sides) for x in group]
                             for group in ([one["robustness"]["mean"] for one in self.told], gains))  # fmt: skip
            lost = [letter for letter, gain in zip(_LETTERS, gains, strict=False) if min(gain.values()) <= 0]
            same = sorted(range(len(gains)), key=lambda at: -before[at]) == sorted(
                range(len(gains)), key=lambda at: -after[at]
            )
            end = self.t("assumption_same" if same else "assumption_other")
            if lost:
                end = f"{end} {self.t('assumption_lost', letters=self.texts.listing(lost))}"
            title = self.texts.pick(test["title"])
            said.append(self.t("assumption", assumption=title, packages="; ".join(each), end=end))
        return tuple(said)

    def contested(self, one: Found) -> str:
        lever = self.levers[one["lever"]]
        said = []
        for side in self.sides:
            low, high = (self.texts.signed(float(one[end][side]), 1) for end in ("q05", "q95"))
            said.append(
                self.t(
                    "contested_side",
                    side=self.side(side),
                    points=self.texts.signed(float(one["points"][side]), 1),
                    interval=self.texts.t("format.interval", low=low, high=high),
                    worse=self.texts.percent(float(one["worse_off"][side])),
                )
            )
        priors = [
            self.t(
                "prior",
                parameter=self.texts.pick(prior["label"]),
                median=self.texts.rounded(float(prior["median"]), 2),
                interval=self.texts.interval(float(prior["low"]), float(prior["high"]), figures=2),
                evidence=self.texts.t(f"evidence.{prior['evidence']}"),
            )
            for prior in one["priors"]
        ]
        owner = self.side(one["owner"])
        words = [
            self.t("contested", lever=self.texts.pick(lever.label), owner=owner, sides="; ".join(said)),
            self.t("contested_chosen" if one["chosen"] else "contested_not_chosen", owner=owner),
            self.t("contested_priors", priors="; ".join(priors), source=lever.source.removeprefix("register "))
            if priors
            else "",
        ]
        return " ".join(word for word in words if word)

    def trades(self) -> tuple[str, ...]:
        said = []
        for trade in self.found["trades"]:
            one, other = trade["one"], trade["other"]
            nets = [f"{self.side(side)} {self.texts.signed(float(net), 1)}" for side, net in trade["net"].items()]
            said.append(
                self.t(
                    "trade",
                    giver=self.side(one["giver"]),
                    one=self.measure(one["measure"]),
                    taker=self.side(other["giver"]),
                    other=self.measure(other["measure"]),
                    net="; ".join(nets),
                )
            )
        return tuple(said) or tuple(self.concession(one) for one in self.found["concessions"][:_GIVEN])

    def concession(self, one: Found) -> str:
        return self.t(
            "concession",
            giver=self.side(one["giver"]),
            measure=self.measure(one["measure"]),
            loss=self.texts.number(float(one["loss"]), 1),
            taker=self.side(one["taker"]),
            gain=self.texts.signed(float(one["gain"]), 1),
        )

    def know(self) -> tuple[str, ...]:
        """Say which parameters it would be worth most to know before choosing among the packages told."""
        said = []
        for side, worth in self.found["worth_knowing"].items():
            telling = [one for one in worth if one["points"] > one["chance"]][:_KNOWN]
            if not telling:
                said.append(self.t("know_nothing", side=self.side(side)))
                continue
            each = [
                self.t("know_one", parameter=self.texts.pick(one["label"]), points=self.texts.number(one["points"], 2))
                for one in telling
            ]
            said.append(self.t("know", side=self.side(side), parameters="; ".join(each)))
        return tuple(said)

    def picture(self) -> Chart:
        def pair(one: Found) -> tuple[float, float]:
            mean = one["robustness"]["mean"]
            return float(mean[self.sides[0]]), float(mean[self.sides[1]])

        pairs = [pair(one) for one in self.packages]
        edge = sorted(pair(one) for one in self.packages if one["on_front"])
        told = [(*pair(one), letter) for letter, one in zip(_LETTERS, self.told, strict=False)]
        named = []
        for name in SOLUTIONS:
            # the package that is the solution, or the one told in its place because the two are alike
            keys = {name: "picture_solution", f"near_{name}": "picture_solution_near"}
            solution = upper_first(self.t(f"criterion.{name}"))
            for letter, package in zip(_LETTERS, self.told, strict=False):
                said = [keys[reason] for reason in package["first_by"] if reason in keys]
                named += [self.t(key, solution=solution, letter=letter) for key in said]
        one, other = (self.t("picture_axis", side=self.side(side)) for side in self.sides)
        title = self.t("picture_title")
        words = [
            self.t("picture_point", letter=letter, **self.both(one["robustness"]["mean"]))
            for letter, one in zip(_LETTERS, self.told, strict=False)
        ]
        description = " ".join([self.t("picture_words", count=len(pairs)), *words, *named])
        drawn = Gains(pairs, edge, told, (one, other), self.t("picture_nothing"), tuple(named))
        return Chart(gains(drawn, title, self.texts, description), title, description)

    def notes(self) -> tuple[str, ...]:
        left = [f"{self.lever(name)} ({self.texts.pick(why)})" for name, why in self.found["left_out"].items()]
        said = [self.t("note_points"), self.t("note_weights"), self.t("note_limits"), self.t("note_cost")]
        return (*said, self.t("note_left_out", levers="; ".join(left))) if left else tuple(said)


def _product(gain: Found, sides: Sequence[str]) -> float:
    """Return the product of both sides' gains; a loss counts as nothing gained."""
    return max(float(gain[sides[0]]), 0.0) * max(float(gain[sides[1]]), 0.0)
