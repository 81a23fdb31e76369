"""`acuerdo bench`: how fast the model runs, against other engines and hand-written C, and which targets are met."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from acuerdo.errors import unknown_name
from acuerdo.files import write_whole

if TYPE_CHECKING:
    from acuerdo.bench.rows import Row

PARTS = ("model", "engines", "c", "gradient", "packages", "start", "memory")


def bench(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer repeats.")] = False,
    only: Annotated[list[str] | None, typer.Option(help=f"Only this part ({', '.join(PARTS)}); repeat.")] = None,
    brief: Annotated[bool, typer.Option("--brief", help="Also the brief, cold.")] = False,
    dask: Annotated[
        bool, typer.Option("--dask", help="Also packages shared out over one and two local workers (extra: dask).")
    ] = False,
    profile: Annotated[bool, typer.Option("--profile", help="Also where the time of a run goes.")] = False,
    json_: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write the figures as JSON.")
    ] = None,
    corridor: Annotated[str | None, typer.Option(help="Corridor; the one installed if there is only one.")] = None,
) -> None:
    """Measure speed, memory and start, as ratios to other engines and to C, against the targets."""
    chosen = list(dict.fromkeys(only or PARTS))
    for part in chosen:
        if part not in PARTS:
            raise unknown_name("only", part, PARTS)
    chosen += (["brief"] if brief else []) + (["dask"] if dask else [])
    import json

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from acuerdo import corridor as corridors
    from acuerdo.bench import measure, rows

    about = rows.about()
    plan = measure.Plan(corridors.load(corridor).name, repeats=5 if quick else 21, profile=profile)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    found: dict[str, list[Row]] = {}
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("model", total=sum(measure.PIECES[part] for part in chosen))
        it = measure.Bench(plan, lambda: bar.advance(task))
        for part in chosen:
            bar.update(task, description=part)
            found[part] = it.parts[part]()
    _show(about, found)
    if json_ is not None:
        document = {"about": about, "rows": [row.as_dict() for part in found.values() for row in part]}
        write_whole(json_, json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n")


def _show(about: dict[str, Any], found: dict[str, list[Row]]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from acuerdo.bench.rows import cells

    console = Console()
    if not console.is_terminal:
        console = Console(width=140)  # a file or a pipe has no width of its own
    table = Table("what")
    for heading in ("median", "fastest", "ratio", "target", ""):
        table.add_column(heading, no_wrap=heading != "ratio")
    for part in found.values():
        for row in part:
            style = {True: "green", False: "bold red", None: "dim"}[row.met]
            what, *words, met = (escape(cell) for cell in cells(row))
            note = f"\n[dim]{escape(row.note)}[/dim]" if row.note else ""
            table.add_row(what + note, *words, f"[{style}]{met}[/]" if met else "")
        table.add_section()
    console.print(table)
    repeats = sorted({row.repeats for part in found.values() for row in part})
    console.print(f"Repeats: {repeats[0]} to {repeats[-1]}; opponents of a ratio took turns.", highlight=False)
    console.print(", ".join(f"{key} {value}" for key, value in about.items()), highlight=False)
    if about["load_at_start"] > about["cores"] / 2:
        console.print("The machine was busy: only ratios by processor time can be trusted, no verdict.", style="bold")
