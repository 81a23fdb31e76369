"""The command line: `acuerdo ...`. Heavy parts are imported only by the command that needs them."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from acuerdo import __version__
from acuerdo.attribution.commands import attribution
from acuerdo.backtest.commands import backtest
from acuerdo.bench.commands import bench
from acuerdo.board.commands import board
from acuerdo.dialogue.commands import app as dossier_app
from acuerdo.dialogue.score_command import score
from acuerdo.errors import AcuerdoError, InputError
from acuerdo.figures.commands import app as figures_app
from acuerdo.files import write_whole
from acuerdo.lever_commands import app as levers_app
from acuerdo.model_commands import app as model_app
from acuerdo.package_commands import app as packages_app
from acuerdo.priority_commands import app as priorities_app

if TYPE_CHECKING:
    from acuerdo.engine.load import CorridorModel
    from acuerdo.figures.store import Figures
    from acuerdo.inference.posterior import Posterior

app = typer.Typer(
    help="The shared model, scorecard and briefing book of a bilateral high-level dialogue.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(figures_app, name="figures", help="Official figures: list, show, check.")
app.add_typer(model_app, name="model", help="The model, equation by equation: list, show, graph, check, export.")
app.add_typer(levers_app, name="levers", help="Levers of both sides: list; what each of them buys.")
app.add_typer(packages_app, name="packages", help="Packages of measures: list, show, check.")
app.command()(backtest)
app.add_typer(priorities_app, name="priorities", help="Priorities: packages that both sides prefer to no agreement.")
app.add_typer(dossier_app, name="dossier", help="Record of the dialogues: meetings, statements, commitments.")
app.command()(bench)
app.command()(attribution)
app.command()(score)
app.command()(board)

AsOf = Annotated[
    str | None, typer.Option(help="Day, month (its last day) or 'latest': only what was published by then.")
]
CorridorName = Annotated[str | None, typer.Option(help="Corridor; the one installed if there is only one.")]


class Format(StrEnum):
    """Forms in which a projection can be written."""

    csv = "csv"
    json = "json"
    netcdf = "netcdf"


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"acuerdo {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Shared options."""


class _Steps:
    """A progress bar on standard error, for work of known length."""

    def __init__(self, title: str, total: int | None = None) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._title, self._total, self._task = title, total, None

    def __enter__(self) -> _Steps:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, step: int, most: int, value: float) -> None:
        """Show a step of a fit."""
        if self._task is None:
            self._task = self._bar.add_task(self._title, total=most)  # type: ignore[assignment]
        self._bar.update(self._task, completed=step, total=most)  # type: ignore[arg-type]

    def stage(self, title: str) -> Callable[[int, int, float], None]:
        """Return a further bar; it counts time from its first step, so that what an earlier run did is not counted."""
        task: Any = None

        def show(step: int, most: int, value: float) -> None:
            nonlocal task
            if task is None:
                task = self._bar.add_task(title, total=most, completed=step)
            self._bar.update(task, completed=step)

        return show

    def tick(self, name: str) -> None:
        """Show that one of `total` pieces is done."""
        if self._task is None:
            self._task = self._bar.add_task(self._title, total=self._total)  # type: ignore[assignment]
        self._bar.advance(self._task)  # type: ignore[arg-type]


@app.command()
def project(
    as_of: AsOf = None,
    months: Annotated[int, typer.Option(help="Months ahead.")] = 12,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="LEVER=VALUE[@YYYY-MM[..YYYY-MM]]", help="Set a lever; may be repeated."),
    ] = None,
    measures: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="Package of the library (acuerdo packages list), or a file.")
    ] = None,
    draws: Annotated[int, typer.Option(help="Number of draws.")] = 1000,
    seed: Annotated[int, typer.Option(help="Seed: the same gives the same numbers.")] = 1,
    format_: Annotated[Format, typer.Option("--format", help="Form of the output.")] = Format.csv,
    out: Annotated[
        Path | None, typer.Option(help="File to write; standard output without it (netcdf needs one).")
    ] = None,
    combine: Annotated[
        bool, typer.Option(help="Combine published series with simple rivals, as the backtest says.")
    ] = True,
    corridor: CorridorName = None,
) -> None:
    """Project the published series and the outcomes, under any setting of the levers."""
    if format_ is Format.netcdf and out is None:
        raise InputError("out", None, "a file name, for --format netcdf", "projection.nc")
    from acuerdo import projection

    with _Steps("Fitting to the figures of that day") as steps:
        found = projection.project(as_of, months, set_, measures, draws, seed, corridor, steps, combine)
    if format_ is Format.netcdf:
        assert out is not None
        write_whole(out, bytes(found.to_netcdf(engine="h5netcdf")))
        return
    table = projection.to_table(found)
    if format_ is Format.csv:
        text = table.to_csv(index=False, float_format="%.6g")
    else:
        import json

        text = (
            json.dumps({"about": _plain(found.attrs), "rows": table.to_dict("records")}, ensure_ascii=False, indent=1)
            + "\n"
        )
    if out is None:
        sys.stdout.write(text)
        if found.attrs["provisional"]:
            typer.echo("Provisional: the calibration is a quick one; see docs/method.md.", err=True)
    else:
        write_whole(out, text)


def _plain(attrs: dict[str, Any]) -> dict[str, Any]:
    return {key: value.item() if hasattr(value, "item") else value for key, value in attrs.items()}


@app.command()
def calibrate(
    as_of: AsOf = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Only the normal approximation (minutes; the result is provisional).")
    ] = False,
    chains: Annotated[int, typer.Option(help="Chains of the sampler.")] = 4,
    iterations: Annotated[
        int | None, typer.Option(help="Iterations kept of each chain; without it as many as the packaged ones have.")
    ] = None,
    report: Annotated[
        bool, typer.Option("--report", help="Examine the saved posterior instead, as one HTML page.")
    ] = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="Go on with the chains of the saved posterior instead; exit code 1 if they move."),
    ] = False,
    sbc: Annotated[
        int | None, typer.Option(metavar="N", help="Calibrate N made-up records instead, and check what is recovered.")
    ] = None,
    lang: Annotated[str, typer.Option(help="Language of a page: en or es.")] = "en",
    out: Annotated[
        Path | None,
        typer.Option(help="File to write; without it the corridor's packaged posterior, or a page in this folder."),
    ] = None,
    corridor: CorridorName = None,
) -> None:
    """Calibrate the model to what had been published by a day and keep the posterior; a run cut short goes on."""
    from acuerdo import calibration_commands as commands
    from acuerdo.projection import whole

    whole("chains", chains, 2, 16)
    if iterations is not None:
        whole("iterations", iterations, 100, commands.MOST_KEPT)
    if report + check + (sbc is not None) > 1:
        several = " ".join(name for name, on in (("--report", report), ("--check", check), ("--sbc", sbc)) if on)
        raise InputError("calibrate", several, "one of --report, --check and --sbc", several.split()[0])
    if sbc is not None:
        whole("sbc", sbc, 1, 1000)
    from acuerdo import corridor as corridors
    from acuerdo.i18n import Texts
    from acuerdo.timeline import parse_as_of

    texts, day = Texts(lang, corridors.load(corridor)), parse_as_of(as_of)
    from acuerdo.inference.sampler import FULL

    plan = None if quick else replace(FULL, chains=chains, kept=iterations or FULL.kept)
    with _Steps("Fitting the model to the figures") as steps:
        if report:
            lines = commands.report(texts, day, steps.stage("Examining the calibration"), out)
        elif check:
            lines = commands.check(texts, day, steps, steps.stage("Going on with the chains"))
        elif sbc is not None:
            lines = commands.made_up(texts, day, sbc, plan, steps.stage("Calibrating made-up records"), out)
        else:
            lines = commands.fit(texts.corridor, day, plan, steps, steps.stage("Sampling"), out)
    for line in lines:
        typer.echo(line)


@app.command()
def brief(
    as_of: AsOf = None,
    lang: Annotated[list[str] | None, typer.Option(help="en or es; may be repeated; both without it.")] = None,
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("briefs"),
    draws: Annotated[int, typer.Option(help="Number of draws.")] = 1000,
    seed: Annotated[int, typer.Option(help="Seed: the same gives the same numbers.")] = 1,
    corridor: CorridorName = None,
) -> None:
    """Write the brief as HTML and PDF."""
    from acuerdo import corridor as corridors
    from acuerdo.i18n import Texts

    home = corridors.load(corridor)
    languages = list(dict.fromkeys(lang or list(home.about["locales"])))
    for language in languages:
        Texts(language, home)  # an unknown language is refused before any work
    from acuerdo import effects, projection
    from acuerdo.attribution.roads import roads_for
    from acuerdo.brief import content, output
    from acuerdo.dialogue.dossier import load_dossier
    from acuerdo.dialogue.scorecard import chances_of
    from acuerdo.figures.store import Figures
    from acuerdo.inference.posterior import posterior_for, standing

    with _Steps("Fitting the model to the figures of that day") as steps:
        projector = projection.make_projector(as_of, 12, draws, seed, corridor, steps)
    ahead = projection.to_dataset(projector, projector.run())
    with _Steps("What each measure does", len(projector.built.levers)) as steps:
        table = effects.measure_effects(projector, 12, steps.tick)
    figures, dossier, day = Figures.open(home), load_dossier(home), projector.posterior.day
    findings = _findings(projector.built, figures, posterior_for(projector.built, figures, day))
    chances = chances_of(dossier, figures, day, draws, seed, corridor)
    roads = roads_for(corridor, figures)
    for language in languages:
        made = content.assemble(
            figures,
            dossier,
            ahead,
            table,
            effects.unknowns(projector.built, standing(projector.posterior.notes)),
            home,
            language,
            day,
            chances,
            roads,
            findings,
        )
        for path in output.write(made, out):
            typer.echo(str(path))


def _findings(built: CorridorModel, figures: Figures, posterior: Posterior) -> dict[str, Any]:
    """Return the findings of priorities kept for a posterior, or those of a quick study now, kept for next time."""
    from acuerdo.priorities import kept

    found = kept.find(built, posterior)
    if found is not None:
        return found
    from acuerdo.priorities.report import to_dict
    from acuerdo.priorities.study import QUICK, study
    from acuerdo.priorities.values import load_values

    values = load_values(built.corridor)
    with _Steps("A quick search of packages", QUICK.steps) as steps:
        made = study(built, figures, posterior, values, kept.MONTHS, kept.SEED, effort=QUICK, tick=steps.tick)
    found = to_dict(made, quick=True)
    kept.keep(built, posterior, found)
    return found


def main() -> None:
    """Run the command line; an error that a person can mend is one line on standard error, and exit code 2."""
    # what libraries tell their own developers: compiling that takes minutes, versions to come
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.filterwarnings("ignore", r"\s*ArviZ is undergoing", FutureWarning)
    try:
        app(prog_name="acuerdo")
    except AcuerdoError as problem:
        typer.echo(f"acuerdo: {problem}", err=True)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
