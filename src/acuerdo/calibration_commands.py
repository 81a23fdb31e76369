"""What `acuerdo calibrate` does: fit and keep a posterior, examine one, or calibrate made-up records."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import typer

from acuerdo.corridor import Corridor
from acuerdo.engine.load import CorridorModel, load_model
from acuerdo.errors import DataError
from acuerdo.figures.store import Figures
from acuerdo.files import write_whole
from acuerdo.i18n import Texts
from acuerdo.inference import posterior
from acuerdo.inference.divergences import Divergences
from acuerdo.inference.sampler import Plan

Progress = Callable[[int, int, float], None]
MOST_KEPT = 10_000
"""Iterations of each chain that may be kept: what they take up is memory of the machine."""
_SHOWN = (
    "rows",
    "unknowns",
    "steps",
    "converged",
    "objective",
    "in_sample_coverage_90",
    "chains",
    "iterations",
    "worst_r_hat",
    "least_ess_bulk",
    "least_ess_tail",
    "within_bounds",
    "mixes_worst",
    "fewest_draws",
    "divergences",
)


def fit(
    home: Corridor, day: date | None, plan: Plan | None, fitting: Progress, sampling: Progress, out: Path | None
) -> list[str]:
    """Calibrate to what had been published by a day and keep the posterior.

    Args:
        home: the corridor.
        day: the as-of day, or None for the latest view.
        plan: how long to sample; None for the quick method.
        fitting: called after each step of the fit.
        sampling: called after each piece of the sampling.
        out: file to write; the corridor's packaged posterior without it.

    Returns:
        Lines that say what was written, and how the calibration went.
    """
    built, figures = load_model(home.name), Figures.open(home)
    if plan is not None:
        tell_of_checkpoints(built, day)
    try:
        found = posterior.calibrate(built, figures, day, fitting, plan=plan, sampling=sampling)
    except KeyboardInterrupt:
        if plan is not None:
            typer.echo("Stopped. The same command goes on from the last checkpoint.", err=True)
        raise
    path = out or posterior.packaged(built) / posterior.file_name(day)
    found.save(path)
    lines = [str(path)]
    for name in _SHOWN:
        if name in found.notes:
            value = found.notes[name]
            lines.append(f"  {name}: {value:.4g}" if isinstance(value, float) else f"  {name}: {value}")
    lines += _diverged(found.notes)
    if plan is None:
        return lines
    if posterior.long_enough(found.notes) or plan.kept >= MOST_KEPT:
        posterior.forget_run(built, day)
        return lines
    longer = min(2 * plan.kept, MOST_KEPT)
    return [
        *lines,
        f"R-hat or effective sizes are not within their bounds ({posterior.MOST_R_HAT}, {posterior.LEAST_ESS}). The"
        f" chains are kept in {posterior.sampling_folder(built, day)}: with --iterations {longer} they go on.",
    ]


def _diverged(notes: dict[str, Any]) -> list[str]:
    """Return a line for each path that diverged, of those that were looked at."""
    if "diverged" not in notes:
        return []
    told = Divergences.read(notes["diverged"])
    usual = ", ".join(f"{value:.0f}" for value in told.usual)

    def listed(pairs: list[tuple[str, float]]) -> str:
        return "; ".join(f"{name} ({value:+.2g})" for name, value in pairs)

    def place(ahead: float) -> str:
        return f"{ahead:.0%} of its way on" if ahead else "where it began"

    return [
        f"  diverged: chain {path.chain}, iteration {path.iteration}: curvature {path.curvature:.0f},"
        f" {place(path.ahead)} (usual places: {usual}), along {listed(path.along)}; far out: {listed(path.far)}"
        for path in told.paths
    ]


def tell_of_checkpoints(built: CorridorModel, day: date | None) -> None:
    """Say that an earlier run was stopped or too short, and how far it had come."""
    try:
        told = json.loads((posterior.sampling_folder(built, day) / "progress.json").read_text(encoding="utf-8"))
        pieces = sum(int(number) for number in told["pieces"].values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return
    done = pieces * Plan().piece
    typer.echo(
        f"An earlier run ended after {done} iterations: if model, figures and chains are the same, sampling goes on"
        " from there.",
        err=True,
    )


def report(texts: Texts, day: date | None, progress: Progress, out: Path | None) -> list[str]:
    """Examine the saved posterior of a day and write the page.

    Raises:
        DataError: there is no saved posterior of that day for this model and these figures.
    """
    from acuerdo import calibration_page, calibration_report

    home = texts.corridor
    built, figures = load_model(home.name), Figures.open(home)
    found = _saved(built, figures, day)
    total, done = calibration_report.pieces(built), 0

    def tick(name: str) -> None:
        nonlocal done
        done += 1
        progress(done, total, 0.0)

    made = calibration_report.make(built, figures, found, tick)
    path = out or Path(f"calibration_{day or 'latest'}.html")
    write_whole(path, calibration_page.html(built, figures.catalogue, made, texts))
    return [str(path)]


def _saved(built: CorridorModel, figures: Figures, day: date | None) -> posterior.Posterior:
    found = posterior.saved(built, figures, day)
    if found is None:
        option = f" --as-of {day}" if day else ""
        raise DataError(f"no posterior of this model and these figures is saved; make one: acuerdo calibrate{option}")
    return found


def check(texts: Texts, day: date | None, fitting: Progress, sampling: Progress) -> list[str]:
    """Go on with the chains of the saved posterior of a day for a short run, and say whether their means stay.

    Raises:
        DataError: there is no saved posterior of that day for this model and these figures, or it is a quick one.
        typer.Exit: they do not (code 1).
    """
    from acuerdo.inference.problem import make_problem
    from acuerdo.inference.recheck import SHORT, recheck

    home = texts.corridor
    built, figures = load_model(home.name), Figures.open(home)
    found, problem = _saved(built, figures, day), make_problem(built, figures, day)
    told = recheck(problem, posterior.search(problem, fitting), found, SHORT, sampling)
    name, gap = told.widest
    lines = [
        texts.t("calibration.check.agrees" if told.agrees else "calibration.check.moved"),
        texts.t("calibration.check.beyond", share=texts.percent(told.beyond), count=len(told.gap)),
        texts.t("calibration.check.widest", name=name, gap=texts.number(gap, 1)),
    ]
    if told.agrees:
        return lines
    for line in lines:
        typer.echo(line)
    raise typer.Exit(1)


def made_up(
    texts: Texts, day: date | None, fits: int, plan: Plan | None, progress: Progress, out: Path | None
) -> list[str]:
    """Run simulation-based calibration of the corridor's model and write its page.

    Args:
        texts: words of the reader's language, and the corridor.
        day: the view whose months and rows are used.
        fits: how many records to make up and calibrate.
        plan: how long to sample each; None for the quick method.
        progress: called after each calibration.
        out: page to write.
    """
    from acuerdo import calibration_page
    from acuerdo.inference import synthetic
    from acuerdo.inference.problem import make_problem

    home = texts.corridor
    built, figures = load_model(home.name), Figures.open(home)
    problem = make_problem(built, figures, day)
    ties = posterior.digests(built, problem.figures, day, problem.months)
    infer = synthetic.by_laplace if plan is None else synthetic.by_sampling(plan)
    store = posterior.kept(built) / f"sbc_{'quick' if plan is None else 'full'}_{day or 'latest'}.json"
    ranks = synthetic.sbc(
        problem, infer, fits, path=store, key=":".join([*ties.values(), str(plan)]), progress=progress
    )
    path = out or Path(f"sbc_{day or 'latest'}.html")
    write_whole(path, calibration_page.ranks_html(ranks, texts))
    return [str(path), calibration_page.ranks_summary(ranks, texts)]
