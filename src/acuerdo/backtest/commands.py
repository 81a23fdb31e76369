"""`acuerdo backtest`: forecasts of past days made again, scored, and turned into weights of the issued forecast."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acuerdo.errors import InputError

if TYPE_CHECKING:
    from rich.progress import TaskID

_QUICK_STEP = 3  # a quick run takes every third origin


def backtest(
    origins: Annotated[
        list[str] | None, typer.Option(help="Only this origin of the plan (day or month); may be repeated.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for forecasts, tables and pages.")] = Path("backtest"),
    report: Annotated[
        bool, typer.Option("--report", help="Only score and show the forecasts that are ready in the folder.")
    ] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Every third origin, with fewer draws.")] = False,
    weights: Annotated[
        bool, typer.Option("--weights", help="Also write the corridor's weights for the issued forecast.")
    ] = False,
    corridor: Annotated[str | None, typer.Option(help="Corridor; the one installed if there is only one.")] = None,
) -> None:
    """Forecast again from past days, score against rivals and against what came; a stopped run goes on where it was."""
    if weights and (quick or origins):
        raise InputError("weights", "with --quick or --origins", "a backtest of the whole plan", "--weights alone")
    from acuerdo import forecast
    from acuerdo.backtest import evaluate, output, run
    from acuerdo.backtest.plan import load_plan
    from acuerdo.engine.load import load_model
    from acuerdo.figures.store import Figures
    from acuerdo.files import write_whole
    from acuerdo.i18n import Texts
    from acuerdo.inference.observe import load_observables

    built = load_model(corridor)
    home = built.corridor
    figures, observables = Figures.open(home), load_observables(home, built.model)
    whole = load_plan(home, built.model, observables)
    plan = whole.at(origins) if origins else whole
    if quick:
        plan, out = plan.model_copy(update={"origins": plan.origins[::_QUICK_STEP]}), out / "quick"
    makers = run.forecasters(built, figures, observables, plan, quick)
    if report:
        plan = plan.model_copy(update={"origins": run.ready(plan, makers, out)})
        if weights and plan.origins != whole.origins:
            missing = [str(day) for day in whole.origins if day not in plan.origins]
            raise InputError("weights", f"{out} lacks {', '.join(missing)}", "a backtest of the whole plan")
    early = plan.model_copy(update={"origins": plan.before})
    with _Bars(len(early.origins) + len(plan.origins) * len(makers)) as bars:
        before = run.run(early, makers[:1], out, bars.inside, bars.tick)
        forecasts = run.run(plan, makers, out, bars.inside, bars.tick)
    found = evaluate.evaluate(plan, figures, observables, forecasts, before)
    digests = run.tied(built, figures)
    languages = [Texts(lang, home) for lang in home.about["locales"]]
    written = output.write_tables(found, plan, digests, out)
    written += output.write_pages(plan, len(whole.origins), found, figures, forecasts, languages, digests, out)
    if weights:
        path = forecast.weights_path(home)
        write_whole(path, output.weights_file(found, plan, digests).to_json())
        written.append(path)
        written += forecast.package_all(built, figures, observables, plan)
    for path in written:
        typer.echo(str(path))


class _Bars:
    """Two progress bars on standard error: the forecasts to make, with the time left, and the work inside one."""

    def __init__(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
        from rich.progress import TimeRemainingColumn as Left

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), Left())
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._whole = self._bar.add_task("Forecasts of past days", total=total)
        self._part: TaskID = self._bar.add_task("of which this one", total=None, visible=False)

    def __enter__(self) -> _Bars:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def inside(self, step: int, most: int, value: float) -> None:
        """Show a step inside a forecast."""
        self._bar.update(self._part, completed=step, total=most, visible=True)

    def tick(self, name: str) -> None:
        """Show that a forecast is ready."""
        self._bar.update(self._whole, advance=1, description=f"Forecasts of past days ({name})")
        self._bar.reset(self._part, visible=False)
