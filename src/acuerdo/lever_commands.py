"""`acuerdo levers`: what either side can move, and what moving it buys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from acuerdo.errors import InputError, unknown_name

if TYPE_CHECKING:
    import pandas as pd

    from acuerdo.i18n import Texts

app = typer.Typer(invoke_without_command=True)

_CORRIDOR = Annotated[str | None, typer.Option("--corridor", help="Corridor; the one installed if there is only one.")]
_LANG = Annotated[str, typer.Option("--lang", help="en or es")]


@app.callback()
def levers(context: typer.Context, corridor: _CORRIDOR = None, lang: _LANG = "en") -> None:
    """List the levers: owner, unit, range, and the evidence behind them."""
    if context.invoked_subcommand is not None:
        return
    from rich.console import Console
    from rich.table import Table

    from acuerdo import corridor as corridors
    from acuerdo.i18n import Texts
    from acuerdo.levers import load_levers

    home = corridors.load(corridor)
    texts = Texts(lang, home)
    table = Table("lever", "owner", "range", "what it is", "evidence")
    for lever in load_levers(home).values():
        owner = texts.pick(home.about["both"] if lever.owner == "both" else home.about["sides"][lever.owner])
        span = f"{texts.number(lever.range[0], 2)} - {texts.number(lever.range[1], 2)} {lever.unit_label[lang]}"
        table.add_row(lever.name, owner, span, lever.help[lang], lever.evidence)
    Console().print(table)


@app.command()
def effects(
    package: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="Try each lever on top of this package.")
    ] = None,
    months: Annotated[
        list[int] | None, typer.Option(help="Months after which to compare; may be repeated. Default: 6, 12, 24.")
    ] = None,
    outcome: Annotated[
        list[str] | None, typer.Option(help="Only this outcome; may be repeated. Without it, all of them.")
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="Day, month (its last day) or 'latest'.")] = None,
    draws: Annotated[int, typer.Option(help="Number of draws.")] = 500,
    seed: Annotated[int, typer.Option(help="Seed: the same gives the same numbers.")] = 1,
    shown: Annotated[int, typer.Option("--top", help="Levers shown for each outcome.")] = 8,
    as_json: Annotated[bool, typer.Option("--json", help="Print all rows as JSON.")] = False,
    corridor: _CORRIDOR = None,
    lang: _LANG = "en",
) -> None:
    """Rank what each lever changes in every outcome, with 90% intervals, per dollar, and the chance of a wrong sign."""
    from acuerdo import corridor as corridors
    from acuerdo.i18n import Texts
    from acuerdo.projection import MOST_MONTHS, collect, load_outcomes, make_projector, whole

    home = corridors.load(corridor)
    texts, known = Texts(lang, home), load_outcomes(home)
    horizons = sorted(set(months or [6, 12, 24]))
    for horizon in horizons:
        whole("months", horizon, 1, MOST_MONTHS)
    for name in outcome or []:
        if name not in known:
            raise unknown_name("outcome", name, known)
    if shown < 1:
        raise InputError("top", shown, "1 or more", 1)
    collect(None, package, corridor)

    import json

    from acuerdo.cli import _Steps
    from acuerdo.priorities.lever_effects import lever_effects

    with _Steps("Fitting the model to the figures of that day") as steps:
        projector = make_projector(as_of, horizons[-1], draws, seed, corridor, steps)
    table = lever_effects(projector, collect(None, package, corridor, projector.months), horizons)
    if outcome:
        table = table[table["outcome"].isin(outcome)]
    if as_json:
        rows = table.astype(object).where(table.notna(), None).to_dict("records")
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    _show(table, horizons, shown, texts)


def _show(table: pd.DataFrame, horizons: list[int], shown: int, texts: Texts) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from acuerdo.levers import load_levers
    from acuerdo.projection import load_outcomes

    home = texts.corridor
    levers, outcomes, console = load_levers(home), load_outcomes(home), Console(highlight=False)
    for name, rows in table.groupby("outcome", sort=False):
        item = outcomes[str(name)]
        end = rows[rows["months"] == horizons[-1]]
        strongest = end[end["change"].abs() > 1e-9].assign(size=end["change"].abs()).nlargest(shown, "size")["lever"]
        if not len(strongest):
            continue
        unit = texts.t("unit.points") if item.unit == "percent" else texts.pick(item.unit_label)
        grid = Table(box=box.SIMPLE_HEAD, title=f"{texts.pick(item.label)} ({unit})", title_justify="left")
        grid.add_column(texts.t("levers.lever"), max_width=24)
        for key in ("months", "change", "wrong", "per_unit", "per_million", "rank"):
            grid.add_column(texts.t(f"levers.{key}"), justify="right")
        for lever in strongest:
            for row in rows[rows["lever"] == lever].to_dict("records"):
                low, high, wrong = (float(row[key]) for key in ("q05", "q95", "p_wrong_sign"))
                small = texts.t("brief.below", value=texts.percent(0.01))
                grid.add_row(
                    texts.pick(levers[str(lever)].label) if row["months"] == horizons[0] else "",
                    texts.number(float(row["months"])),
                    f"{texts.signed_rounded(float(row['change']))} ({texts.interval(low, high, figures=2, sign=True)})",
                    texts.percent(wrong) if wrong >= 0.01 else small,
                    texts.signed_rounded(float(row["per_unit"])),
                    texts.signed_rounded(float(row["per_million"])),
                    texts.number(float(row["rank"])),
                )
        console.print(grid)
    console.print(texts.t("levers.note"))


__all__ = ["app"]
