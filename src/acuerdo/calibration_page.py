"""The examination of a calibration as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from arviz.stats.ecdf_utils import ecdf_confidence_band
from jinja2 import Environment
from markupsafe import Markup

from acuerdo.calibration_report import HORIZON, SENSITIVE, Check, Report
from acuerdo.charts import calibration as pictures
from acuerdo.engine.drawing import sector_name
from acuerdo.engine.load import CorridorModel
from acuerdo.figures.catalogue import Catalogue
from acuerdo.i18n import Texts, upper_first
from acuerdo.inference.divergences import Divergence, Divergences
from acuerdo.inference.observe import load_observables
from acuerdo.inference.synthetic import DRAWS, Ranks
from acuerdo.pages import environment
from acuerdo.projection import load_outcomes

TEMPLATES = Path(__file__).parent / "templates"
MOST_DRAWN, MOST_PAIRS, MOST_CAUSES = 40, 25, 3
LEAST_CORRELATION = 0.5
_LEARNED = ("parameter", "evidence", "unit", "prior", "posterior", "shift", "sd", "bits")
_CHAINS = ("parameter", "r_hat", "ess_bulk", "ess_tail")
_DIVERGED = ("path", "curvature", "along", "far")
_COVERAGE = ("series", "figures", "inside_50", "inside_90")
_PAIRS = ("one", "other", "correlation")
_CAUSES = ("outcome", "together", "luck_together", "luck_one", "most")
_RANKS = ("quantity", "p_value", "inside_50", "inside_90", "recovered", "bias", "sd")


class _Page:
    def __init__(self, built: CorridorModel, catalogue: Catalogue, texts: Texts) -> None:
        self.built, self.catalogue, self.texts = built, catalogue, texts
        self.observables = load_observables(built.corridor, built.model)
        self.labels = {
            f"{name}[{member}]" if member else name: self._label(name, member) for name, member in built.labels()
        }

    def t(self, key: str, **values: object) -> str:
        return self.texts.t(f"calibration.{key}", **values)

    def columns(self, names: tuple[str, ...]) -> list[str]:
        return [self.t(f"column.{name}") for name in names]

    def _label(self, name: str, member: str) -> str:
        words = self.built.meanings[name][self.texts.lang].partition("; ")[0].partition(" (")[0].rstrip(". ")
        return f"{words}, {self._member(self.built.model.variables[name].over, member)}" if member else words

    def _member(self, over: str | None, member: str) -> str:
        labels = self.built.corridor.about["dimensions"].get(over, {})
        return self.texts.pick(labels.get(member, member)) if isinstance(labels, dict) else member

    def points(self, row: dict[str, Any], when: str) -> str:
        low, median, high = (row[f"{when}_{point}"] for point in ("low", "median", "high"))
        return f"{self.texts.rounded(median)} ({self.texts.interval(low, high)})"

    def summary(self, report: Report) -> list[tuple[str, str]]:
        notes, texts = report.posterior.notes, self.texts
        found = [
            ("rows", texts.number(notes["rows"])),
            ("unknowns", texts.number(notes["unknowns"])),
            ("coverage", texts.percent(notes["in_sample_coverage_90"], 1)),
        ]
        if "chains" in notes:
            sizes = (texts.number(notes[f"least_ess_{part}"]) for part in ("bulk", "tail"))
            found += [
                ("chains", f"{texts.number(notes['chains'])} × {texts.number(notes['iterations'])}"),
                ("r_hat", texts.number(notes["worst_r_hat"], 3)),
                ("ess", ", ".join(sizes)),
                ("divergences", texts.number(notes["divergences"])),
            ]
            if "within_bounds" in notes:
                found.append(("within_bounds", texts.percent(notes["within_bounds"], 1)))
            for name, digits in (("mixes_worst", 3), ("fewest_draws", 0)):
                if name in notes:
                    found.append((name, self.worst(notes[name], digits)))
        return [(self.t(f"numbers.{name}"), value) for name, value in found]

    def worst(self, told: str, digits: int) -> str:
        """Return what `posterior.diagnose` tells of what mixes worst, parameters in the reader's words."""
        entries = []
        for entry in told.split("; "):
            name, _, value = entry.rpartition(" (")
            entries.append(f"{self.unknown(name)} ({self.texts.number(float(value.rstrip(')')), digits)})")
        return "; ".join(entries)

    def unknown(self, name: str) -> str:
        """Return the reader's words for a parameter or a variable in a month, with its member; other names as is."""
        variable, _, rest = name.partition(" ")
        label = self.labels.get(f"{variable}[{rest}]" if rest else variable)
        if label or variable not in self.built.meanings:
            return label or name
        month, _, member = rest.partition(" ")
        try:
            when = [self.texts.month(pd.Period(month, "M"))]
        except ValueError:  # no month: a stock, or a latent series at the end
            when, member = [], rest
        return ", ".join([self._label(variable, member), *when])

    def chains(self, report: Report) -> dict[str, Any] | None:
        if report.chains is None:
            return None
        rows = [
            [
                self.labels[str(name)],
                self.texts.number(row["r_hat"], 3),
                self.texts.number(row["ess_bulk"]),
                self.texts.number(row["ess_tail"]),
            ]
            for name, row in report.chains.head(10).iterrows()
        ]
        words = self.t("chains", draws=self.texts.number(report.posterior.draws))
        return {"title": self.t("section.chains"), "words": words, "columns": self.columns(_CHAINS), "rows": rows}

    def diverged(self, report: Report) -> dict[str, Any] | None:
        """Return the table of the paths that diverged, or None where there is none, or it is not known."""
        if "diverged" not in report.posterior.notes:
            return None
        told, texts = Divergences.read(report.posterior.notes["diverged"]), self.texts

        def listed(pairs: list[tuple[str, float]]) -> str:
            return "; ".join(f"{self.unknown(name)} ({texts.signed(value, 1)})" for name, value in pairs)

        def named(path: Divergence) -> str:
            name = self.t("path", chain=texts.number(path.chain), iteration=texts.number(path.iteration))
            return self.t("path_ahead", path=name, share=texts.number(100 * path.ahead)) if path.ahead else name

        rows = [
            [
                named(path),
                texts.number(path.curvature),
                listed(path.along),
                listed(path.far),
            ]
            for path in told.paths
        ]
        usual = texts.listing(texts.number(value) for value in told.usual)
        words = self.t(
            "diverged",
            usual=usual,
            shown=texts.number(len(told.paths)),
            count=texts.number(report.posterior.notes["divergences"]),
        )
        return {"title": self.t("section.diverged"), "words": words, "columns": self.columns(_DIVERGED), "rows": rows}

    def learned(self, report: Report) -> dict[str, Any]:
        table, texts = report.learned, self.texts
        far = table[table["shift"].abs() > 2].sort_values("shift", key=np.abs, ascending=False)
        listed = texts.listing(self.labels[str(name)] for name in far.index) if len(far) else self.t("none")
        words = self.t(
            "learned",
            count=texts.number(len(table)),
            moved=texts.number(int((table["shift"].abs() > 1).sum())),
            narrowed=texts.number(int((table["sd"] <= 0.5).sum())),
            nothing=texts.number(int((table["bits"] < 0.1).sum())),
        )
        spec = pictures.overview_spec(
            pd.DataFrame({"group": table["sector"].map(self._sector), "shift": table["shift"], "sd": table["sd"]}),
            self.t("picture.shift"),
            self.t("picture.sd"),
        )
        overview = pictures.draw(spec, self.t("picture.overview"), words, texts)
        return {
            "title": self.t("section.learned"),
            "words": words,
            "far": self.t("learned_far", names=listed),
            "overview": Markup(overview),
            "columns": self.columns(_LEARNED),
            "all": self.t("all"),
            "sectors": [self._one_sector(str(name), part) for name, part in table.groupby("sector", sort=False)],
        }

    def _sector(self, name: str) -> str:
        return upper_first(sector_name(name, self.texts))

    def _one_sector(self, name: str, table: pd.DataFrame) -> dict[str, Any]:
        table, texts = table.sort_values("bits", ascending=False), self.texts
        top = table.head(MOST_DRAWN)
        spec = pictures.learned_spec(
            top.assign(label=[self.labels[str(i)] for i in top.index]), self.t("picture.prior_sds")
        )
        words = self.t("sector", count=texts.number(len(top)), all=texts.number(len(table)))
        rows = []
        for label, row in zip(table.index, table.to_dict("records"), strict=True):
            named = {str(key): value for key, value in row.items()}
            cells = [self.labels[str(label)], texts.t(f"evidence.{row['evidence']}"), str(row["unit"])]
            cells += [self.points(named, "prior"), self.points(named, "posterior")]
            rows.append(
                [*cells, texts.signed(row["shift"], 2), texts.number(row["sd"], 2), texts.number(row["bits"], 2)]
            )
        title = self._sector(name)
        return {
            "title": title,
            "words": words,
            "svg": Markup(pictures.draw(spec, f"{self.t('section.learned')}: {title}", words, texts)),
            "rows": rows,
        }

    def _series(self, name: str) -> str:
        return self.texts.pick(self.catalogue[name].label)

    def fit(self, report: Report) -> dict[str, Any]:
        texts = self.texts
        rows = [
            [
                self.t("all_series") if name == "ALL" else self._series(str(name)),
                texts.number(row["figures"]),
                texts.percent(row["inside_50"]),
                texts.percent(row["inside_90"]),
            ]
            for name, row in report.coverage.iterrows()
        ]
        every = [check.rows["month"] for check in report.checks]
        span = min(months.min() for months in every), max(months.max() for months in every)
        grouped: dict[str, list[Check]] = {}
        for check in report.checks:
            grouped.setdefault(check.series, []).append(check)
        return {
            "title": self.t("section.fit"),
            "words": self.t("fit"),
            "columns": self.columns(_COVERAGE),
            "rows": rows,
            "series": [self._one_series(name, checks, span) for name, checks in grouped.items()],
        }

    def _one_series(self, name: str, checks: list[Check], span: tuple[pd.Period, pd.Period]) -> dict[str, Any]:
        entry, texts = self.catalogue[name], self.texts
        members = self.catalogue.members(name)
        panels = []
        for check in checks:
            label = texts.pick(members[check.member]) if len(checks) > 1 else texts.pick(entry.unit_label)
            if self.observables[name].rolling:
                label = self.t("single_months")
            inside = f"{texts.percent(check.inside_50)}, {texts.percent(check.inside_90)}"
            panels.append((f"{label} ({inside})", check.rows))
        title = texts.pick(entry.label)
        svg = pictures.draw(pictures.checks_spec(panels, span), title, self.t("fit"), texts)
        return {"title": title, "svg": Markup(svg)}

    def pairs(self, report: Report) -> dict[str, Any]:
        least = self.texts.number(LEAST_CORRELATION, 1)
        count = len(report.pairs)
        rows = [
            [self.labels[row["one"]], self.labels[row["other"]], self.texts.signed(row["correlation"], 2)]
            for row in report.pairs.head(MOST_PAIRS).to_dict("records")
        ]
        words = self.t("pairs", count=self.texts.number(count), least=least) if count else ""
        return {
            "title": self.t("section.pairs"),
            "words": words or self.t("pairs_none", least=least),
            "columns": self.columns(_PAIRS),
            "rows": rows,
        }

    def sensitivity(self, report: Report) -> dict[str, Any]:
        texts = self.texts
        outcomes = load_outcomes(self.built.corridor)
        rows = []
        for name in report.together.sort_values(ascending=False).index:
            luck = report.chance.loc[name]
            least = max(SENSITIVE, luck["one"])
            causes = report.outcomes[name].sort_values(ascending=False).head(MOST_CAUSES)
            words = [f"{self.labels[str(i)]} ({texts.number(x, 2)})" for i, x in causes.items() if x > least]
            cells = [texts.pick(outcomes[str(name)].label), texts.number(report.together[name], 2)]
            cells += [texts.number(luck["together"], 2), texts.number(luck["one"], 2)]
            rows.append([*cells, "; ".join(words) or self.t("none")])
        shown = texts.number(SENSITIVE, 2)
        count = texts.number(int((report.own >= SENSITIVE).sum()))
        return {
            "title": self.t("section.sensitivity"),
            "words": self.t("sensitivity", months=HORIZON, least=shown),
            "own": self.t("own", count=count, all=texts.number(len(report.own)), least=shown),
            "columns": self.columns(_CAUSES),
            "rows": rows,
        }


def labels(built: CorridorModel, catalogue: Catalogue, texts: Texts) -> dict[str, str]:
    """Return the words for each parameter, with its member, by the names of `calibration_report.names`."""
    return _Page(built, catalogue, texts).labels


def _environment() -> Environment:
    return environment(TEMPLATES)


def html(built: CorridorModel, catalogue: Catalogue, report: Report, texts: Texts) -> str:
    """Return the page as one file without scripts and without anything to load.

    Args:
        built: the model.
        catalogue: of the corridor's series, for their names.
        report: what was found.
        texts: words and formats of the reader's language.
    """
    page, posterior = _Page(built, catalogue, texts), report.posterior
    day = texts.day(posterior.day) if posterior.day else page.t("latest")
    chains = page.chains(report)
    return (
        _environment()
        .get_template("calibration.html.j2")
        .render(
            lang=texts.lang,
            title=page.t("title"),
            made=page.t("made", day=day, draws=texts.number(posterior.draws), command="acuerdo calibrate --report"),
            method=page.t("method", method=posterior.notes["method"]),
            provisional=page.t("unsound" if chains else "provisional") if posterior.notes.get("provisional", 1) else "",
            summary=page.summary(report),
            chains=chains,
            diverged=page.diverged(report),
            learned=page.learned(report),
            fit=page.fit(report),
            pairs=page.pairs(report),
            sensitivity=page.sensitivity(report),
        )
    )


def ranks_html(ranks: Ranks, texts: Texts) -> str:
    """Return the result of simulation-based calibration as one HTML page."""

    def t(key: str, **values: object) -> str:
        return texts.t(f"calibration.{key}", **values)

    numbers = {"p_value": 3, "inside_50": 2, "inside_90": 2, "recovered": 2, "bias": 2, "sd": 2}
    rows = [
        [str(row["quantity"]), *(texts.number(row[name], digits) for name, digits in numbers.items())]
        for row in ranks.table().to_dict("records")
    ]
    return (
        _environment()
        .get_template("ranks.html.j2")
        .render(
            lang=texts.lang,
            title=t("sbc.title"),
            method=t("sbc.method", draws=DRAWS),
            summary=ranks_summary(ranks, texts),
            svg=Markup(ranks_picture(ranks, texts)) if len(ranks.rank) else "",
            columns=[t(f"column.{name}") for name in _RANKS],
            rows=rows,
        )
    )


def ranks_summary(ranks: Ranks, texts: Texts) -> str:
    """Return the result of simulation-based calibration in two sentences."""
    failing = ranks.failing()
    return texts.t(
        "calibration.sbc.summary",
        fits=len(ranks.rank),
        failed=ranks.failed,
        failing=texts.listing(failing) if failing else texts.t("calibration.none"),
        inside_50=texts.percent(float(ranks.inside(0.5).mean())),
        inside_90=texts.percent(float(ranks.inside(0.9).mean())),
    )


def ranks_picture(ranks: Ranks, texts: Texts) -> str:
    """Draw how the distribution of each quantity's ranks departs from the uniform, with a simultaneous band."""
    at = np.arange(1, 21) / 20
    rng = np.random.default_rng(1)
    below = (ranks.rank[:, None, :] + 0.5 < at[None, :, None] * (DRAWS + 1)).mean(axis=0)
    low, high = ecdf_confidence_band(
        len(ranks.rank),
        at,
        at,
        prob=0.95,
        method="simulated",
        rvs=lambda size: rng.integers(1, DRAWS + 2, size) / (DRAWS + 1),
    )
    steps = pd.DataFrame(
        [
            {"quantity": name, "at": a, "difference": below[i, k] - a}
            for k, name in enumerate(ranks.names)
            for i, a in enumerate(at)
        ]
    )
    spec = pictures.ranks_spec(
        steps,
        pd.DataFrame({"at": at, "low": low - at, "high": high - at}),
        texts.t("calibration.picture.rank"),
        texts.t("calibration.picture.difference"),
    )
    return pictures.draw(spec, texts.t("calibration.picture.ranks"), ranks_summary(ranks, texts), texts)
