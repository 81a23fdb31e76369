"""What the board says of itself: levers, outcomes, lines, assumptions, pictures and packages."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import jax.numpy as jnp
import numpy as np
import pandas as pd

from acuerdo import __version__, packages, scenario
from acuerdo.board.api import (
    About,
    AskedSetting,
    AssumptionAbout,
    FutureAbout,
    Language,
    LeverAbout,
    LineAbout,
    OutcomeAbout,
    PackageAbout,
    PictureAbout,
    Spread,
    StageAbout,
    Words,
)
from acuerdo.board.lines import Line
from acuerdo.board.settings import BoardSettings, Stage
from acuerdo.engine.drawing import sector_name
from acuerdo.engine.load import CorridorModel
from acuerdo.errors import InputError
from acuerdo.figures.store import Figures
from acuerdo.i18n import Texts
from acuerdo.inference.problem import lever_record
from acuerdo.levers import Lever
from acuerdo.priorities.futures import Future
from acuerdo.projection import Ensemble, Floats, Projector
from acuerdo.scenario import Setting

PAST_MONTHS = 72


def about(
    projector: Projector,
    figures: Figures,
    settings: BoardSettings,
    lines: dict[str, Line],
    open_lines: list[str],
    futures: Iterable[Future],
) -> About:
    """Return what there is to set and to see."""
    built, posterior = projector.built, projector.posterior
    home = built.corridor
    months = [str(month) for month in projector.months]
    texts = {lang: Texts(lang, home) for lang in home.about["locales"]}
    assumptions = [_assumption(built, name) for name in movable(built)]
    sectors = dict.fromkeys(variable.sector for variable in built.model.variables.values())
    ordered = [*open_lines, *(name for name in lines if name not in open_lines)]
    return About(
        version=__version__,
        corridor=home.name,
        title=home.about["title"],
        as_of=None if posterior.day is None else str(posterior.day),
        last_recorded=str(posterior.month),
        months=months,
        draws=projector.draws,
        provisional=bool(posterior.notes.get("provisional", 1)),
        languages=[Language(code=code, tag=tag.replace("_", "-")) for code, tag in home.about["locales"].items()],
        sides={**home.about["sides"], "both": home.about["both"]},
        sectors={
            name: settings.sectors.get(name) or {lang: sector_name(name, words) for lang, words in texts.items()}
            for name in sectors
        },
        members={member: words for members in home.about["dimensions"].values() for member, words in members.items()},
        levers=_levers(projector, figures),
        outcomes=[
            OutcomeAbout(**outcome.model_dump(include=set(OutcomeAbout.model_fields)))
            for outcome in projector.outcomes.values()
        ],
        lines=[_line(lines[name], name in open_lines) for name in ordered],
        assumptions=assumptions,
        futures=[FutureAbout(name=one.id, kind=one.kind, title=one.title, source=one.source) for one in futures],
    )


def _line(line: Line, is_open: bool) -> LineAbout:
    return LineAbout(
        id=line.id, kind=line.kind, label=line.label, unit_label=line.unit_label, variable=line.variable, open=is_open
    )


def lever_path(projector: Projector, lever: Lever, values: Floats) -> list[float]:
    """Return one number a month for a lever's values, (T,) or (T, members)."""
    return [float(f"{x:.6g}") for x in lever.one_number(values, projector.members.get(lever.over or "", ()))]


def _levers(projector: Projector, figures: Figures) -> list[LeverAbout]:
    built, posterior = projector.built, projector.posterior
    past = pd.period_range(posterior.month - PAST_MONTHS + 1, posterior.month, freq="M")
    record = lever_record(built, past, figures.as_of(posterior.day), posterior.day)
    return [
        LeverAbout(
            name=lever.name,
            variable=f"{lever.name}_set",
            sector=lever.sector,
            owner=lever.owner,
            label=lever.label,
            unit_label=lever.unit_label,
            help=lever.help,
            range=lever.range,
            step=round_step((lever.range[1] - lever.range[0]) / 100),
            share=lever.unit == "1" and "(" not in next(iter(lever.unit_label.values())),
            ahead=lever_path(projector, lever, projector.base[lever.name]),
            past=lever_path(projector, lever, record[lever.name]),
            evidence=lever.evidence,
            contested=lever.contested,
            source=lever.source,
            targets=list(lever.targets),
        )
        for lever in built.levers.values()
    ]


def round_step(raw: float) -> float:
    """Return the largest of 1, 2 and 5 times a power of ten that is not above `raw`."""
    power = 10.0 ** math.floor(math.log10(raw) + 1e-9)
    return float(f"{max(factor * power for factor in (1, 2, 5) if factor * power <= raw * (1 + 1e-9)):.12g}")


def movable(built: CorridorModel) -> list[str]:
    """Return the parameters that can be held at a value in the months ahead.

    They are uncertain, have one value (no members), and stand in an equation that is worked out in those months: first
    values of stocks, and the spread and persistence of latent series, act before or beside it.
    """
    model = built.model
    active = {need for v in model.variables.values() if v.kind in ("aux", "flow", "level") for need in v.depends}
    return [
        name
        for name, item in built.parameters.items()
        if item.prior.dist != "fixed" and item.over is None and name in active
    ]


def parameter_range(built: CorridorModel, name: str) -> tuple[float, float, float]:
    """Return the 5 %, 50 % and 95 % points of the prior of a parameter without members."""
    z = 1.6448536269514722
    low, median, high = np.asarray(built.transforms[name](jnp.asarray([-z, 0.0, z]))).reshape(-1)
    return float(low), float(median), float(high)


def _assumption(built: CorridorModel, name: str) -> AssumptionAbout:
    item = built.parameters[name]
    low, median, high = (float(f"{x:.6g}") for x in parameter_range(built, name))
    return AssumptionAbout(
        name=name,
        sector=item.sector,
        label=built.meanings[name],
        unit=item.unit,
        low=low,
        median=median,
        high=high,
        evidence=item.evidence,
        source=item.source,
    )


def stage_values(stage: Stage, outputs: dict[str, Floats], month: int) -> Floats:
    """Return the draws of a stage in one month: its variables added up over all their members, shape (draws,)."""
    parts = [outputs[name][month].reshape(-1, outputs[name].shape[-1]).sum(axis=0) for name in stage.variables]
    return np.asarray(np.sum(parts, axis=0))


def spreads(draws: Sequence[Floats]) -> list[Spread]:
    """Return median and 90 % interval of arrays (draws,)."""
    rows = np.quantile(np.stack(draws), [0.05, 0.5, 0.95], axis=-1).T if draws else np.empty((0, 3))
    return [Spread(q05=float(f"{a:.5g}"), q50=float(f"{b:.5g}"), q95=float(f"{c:.5g}")) for a, b, c in rows]


def pictures(projector: Projector, settings: BoardSettings, baseline: Ensemble) -> list[PictureAbout]:
    """Return where people and goods are: stocks at the end of the record, flows in the first month ahead."""
    model = projector.built.model
    state = {name: np.asarray(values)[None] for name, values in projector.posterior.state.items()}
    found = []
    for picture in settings.pictures:
        stages = []
        for stage in picture.stages:
            flow = any(model.variables[name].kind not in ("stock", "level") for name in stage.variables)
            now = stage_values(stage, baseline.outputs if flow else state, 0)
            stages.append(
                StageAbout(
                    variables=stage.variables,
                    label=stage.label,
                    unit_label=stage.unit,
                    flow=flow,
                    now=spreads([now])[0],
                )
            )
        found.append(PictureAbout(name=picture.name, title=picture.title, stages=stages))
    return found


def library(projector: Projector) -> list[PackageAbout]:
    """Return the packages of the library as settings of the months ahead, proposals first."""
    built, months = projector.built, projector.months
    found = []
    for package in packages.library(built.corridor).values():
        settings = package.ahead(months)
        problem = None
        try:
            scenario.check(settings, built.levers, months, projector.members)
            scenario.apply(settings, projector.base, built.levers, months, projector.members)
        except InputError as error:
            problem = str(error)
        title, notes = (_words(built, text) for text in (package.head.title or package.name, package.head.notes or ""))
        found.append(
            PackageAbout(
                name=package.name,
                kind=package.head.kind,
                title=title,
                notes=notes,
                owners=package.owners(built.levers),
                settings=[asked(item) for item in settings],
                problem=problem,
            )
        )
    return sorted(found, key=lambda item: item.kind != "proposal")


def _words(built: CorridorModel, text: Words | str) -> Words:
    return text if isinstance(text, dict) else dict.fromkeys(built.corridor.about["locales"], text)


def asked(item: Setting) -> AskedSetting:
    """Return a setting in the form of the API."""
    return AskedSetting(
        lever=item.lever,
        value=item.value,
        start=None if item.start is None else str(item.start),
        end=None if item.end is None else str(item.end),
        times=item.times,
        ramp=item.ramp,
        member=item.member,
    )
