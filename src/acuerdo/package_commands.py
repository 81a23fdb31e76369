"""`acuerdo packages`: the library of packages of measures, what each sets, and whether a file is valid."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd

    from acuerdo.corridor import Corridor
    from acuerdo.i18n import Texts
    from acuerdo.levers import Floats, Lever
    from acuerdo.packages import Package

app = typer.Typer(help="Packages of measures: list, show, check.", no_args_is_help=True)

_CORRIDOR = Annotated[str | None, typer.Option("--corridor", help="Name of the corridor.")]
_LANG = Annotated[str, typer.Option("--lang", help="Language of the words: en or es.")]


@app.command("list")
def list_(corridor: _CORRIDOR = None, lang: _LANG = "en") -> None:
    """List the packages of the library."""
    from rich.console import Console
    from rich.table import Table

    from acuerdo import corridor as corridors
    from acuerdo.i18n import Texts
    from acuerdo.levers import load_levers
    from acuerdo.packages import library

    home = corridors.load(corridor)
    texts, levers = Texts(lang, home), load_levers(home)
    table = Table(*(texts.t(f"packages.{name}") for name in ("name", "kind", "title", "owner")))
    table.columns[0].no_wrap = True
    for package in library(home).values():
        owners = ", ".join(_owner(home, texts, owner) for owner in package.owners(levers))
        table.add_row(package.name, texts.t(f"packages.{package.head.kind}"), _title(package, texts), owners)
    Console().print(table)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Package of the library, or a file.")],
    as_of: Annotated[
        str | None,
        typer.Option(help="Day, month (its last day) or 'latest': what would be without the measures, as known."),
    ] = None,
    months: Annotated[int, typer.Option(help="Months ahead.")] = 12,
    ahead: Annotated[
        bool, typer.Option("--ahead", help="For a past measure: the same again, in the months ahead.")
    ] = False,
    corridor: _CORRIDOR = None,
    lang: _LANG = "en",
) -> None:
    """Show what a package sets against what would be without it, whenever that changes, its cost, evidence and sources.

    A past measure is shown in the record: the levers as they were, and as they would have been without it.
    """
    from acuerdo import corridor as corridors
    from acuerdo import packages
    from acuerdo.i18n import Texts

    home = corridors.load(corridor)
    texts = Texts(lang, home)
    package = packages.find(name, home)

    import pandas as pd

    from acuerdo import scenario
    from acuerdo.engine.load import load_model
    from acuerdo.figures.store import Figures
    from acuerdo.inference.problem import lever_record, record_months
    from acuerdo.projection import MOST_MONTHS, whole
    from acuerdo.timeline import parse_as_of

    whole("months", months, 1, MOST_MONTHS)
    day = parse_as_of(as_of)
    built, figures = load_model(corridor), Figures.open(home)
    levers, members = built.levers, dict(built.model.dimensions)
    package.check(levers, members)
    past = record_months(figures, day)
    back = package.replays and not ahead
    span = past if back else pd.period_range(past[-1] + 1, periods=months, freq="M")
    record = lever_record(built, span, figures.as_of(day), day)
    if back:
        with_, without = record, packages.without(package, record, levers, span, members)
    else:
        settings = package.ahead(span)
        moved = [item.start for item in settings] != [item.start for item in package.settings[: len(settings)]]
        scenario.check(settings, levers, span, members)
        with_, without = scenario.apply(settings, record, levers, span, members), record

    typer.echo(_title(package, texts))
    if package.head.notes:
        typer.echo(texts.pick(package.head.notes))
    if package.head.source:
        typer.echo(texts.t("packages.source_of", source=package.head.source))
    if package.head.calendar:
        rows = ", ".join(f"{row.measure} {texts.day(row.start, short=True)}" for row in package.head.calendar)
        typer.echo(texts.t("packages.calendar", rows=rows))
    dates = {"first": texts.month(span[0]), "last": texts.month(span[-1])}
    if back:
        typer.echo(texts.t("packages.past", **dates))
    else:
        known = day or past[-1].end_time.date()
        if moved:
            typer.echo(texts.t("packages.again"))
        typer.echo(texts.t("packages.ahead", day=texts.day(known), **dates))
    _print_changes(home, texts, package, levers, members, span, with_, without)


@app.command()
def replay(
    name: Annotated[str, typer.Argument(help="A past measure of the library, or a file.")],
    as_of: Annotated[
        str | None, typer.Option(help="Day, month (its last day) or 'latest': the record as known then.")
    ] = None,
    months: Annotated[int, typer.Option(help="Months compared, from the first of the measure.")] = 12,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    corridor: _CORRIDOR = None,
    lang: _LANG = "en",
) -> None:
    """Run the record again with and without a measure of the past: what it changed in every outcome, in the model."""
    from acuerdo import corridor as corridors
    from acuerdo import packages
    from acuerdo.i18n import Texts

    home = corridors.load(corridor)
    texts, package = Texts(lang, home), packages.find(name, home)

    from acuerdo.cli import _Steps
    from acuerdo.engine.load import load_model
    from acuerdo.figures.store import Figures
    from acuerdo.inference.posterior import posterior_for
    from acuerdo.projection import MOST_MONTHS, whole
    from acuerdo.replay import Recorded, changes
    from acuerdo.timeline import parse_as_of

    whole("months", months, 1, MOST_MONTHS)
    built, figures = load_model(corridor), Figures.open(home)
    package.check(built.levers, dict(built.model.dimensions))
    with _Steps("Fitting the model to the figures of that day") as steps:
        posterior = posterior_for(built, figures, parse_as_of(as_of), steps)
    found = changes(Recorded.of(built, figures, posterior), package, months)
    if as_json:
        import json

        rows = [
            {
                "outcome": one.outcome.name,
                "unit": one.outcome.unit,
                "recorded": one.recorded,
                "change": {"q05": one.change.low, "q50": one.change.median, "q95": one.change.high},
            }
            for one in found
        ]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    from rich.console import Console
    from rich.table import Table

    typer.echo(_title(package, texts))
    typer.echo(texts.t("packages.replayed", months=months))
    table = Table(*(texts.t(f"packages.{key}") for key in ("outcome", "recorded", "changed", "interval")))
    for one in found:
        if abs(one.change.low) + abs(one.change.high) > 0:
            table.add_row(
                f"{texts.pick(one.outcome.label)} ({texts.pick(one.outcome.unit_label)})",
                texts.rounded(one.recorded),
                texts.signed_rounded(one.change.median),
                texts.interval(one.change.low, one.change.high, sign=True),
            )
    Console().print(table)


def _print_changes(
    home: Corridor,
    texts: Texts,
    package: Package,
    levers: Mapping[str, Lever],
    members: Mapping[str, Sequence[str]],
    months: pd.PeriodIndex,
    with_: Mapping[str, Floats],
    without: Mapping[str, Floats],
) -> None:
    import numpy as np
    from rich.console import Console
    from rich.table import Table

    from acuerdo.packages import monthly_cost

    table = Table(*(texts.t(f"packages.{name}") for name in ("lever", "month", "set", "without", "cost")))
    for name in ("set", "without", "cost"):
        table.columns[("lever", "month", "set", "without", "cost").index(name)].justify = "right"
    changed = np.zeros(len(months), bool)
    for name in package.levers:
        lever = levers[name]
        codes = members[lever.over] if lever.over is not None else [""]
        show = _format(lever, texts)
        for column, code in enumerate(codes):
            one, other = (x[name].reshape(len(months), -1)[:, column] for x in (with_, without))
            label = texts.pick(lever.label)
            if lever.over is not None:
                label += f", {texts.pick(home.about['dimensions'][lever.over][code])}"
            for at, first in _turns(one, other):
                cost = (one[at] - other[at]) * lever.cost.value / 1e6
                table.add_row(
                    label if first else "",
                    texts.month(months[at], short=True),
                    show(one[at]),
                    show(other[at]),
                    texts.signed_rounded(cost, 2),
                )
            changed |= ~np.isclose(one, other)
    console = Console()
    if not changed.any():
        typer.echo(texts.t("packages.nothing"))
    else:
        console.print(table)
        for side, cost in monthly_cost(without, with_, levers, list(home.about["sides"])).items():
            mean = texts.signed_rounded(float(cost[changed].mean()) / 1e6, 2)
            typer.echo(texts.t("packages.cost_change", cost=mean, side=_owner(home, texts, side)))
    about = Table(*(texts.t(f"packages.{name}") for name in ("lever", "owner", "evidence", "source")))
    for name in package.levers:
        lever = levers[name]
        evidence = texts.t(f"evidence.{lever.evidence}")
        if lever.contested:
            evidence += f"; {texts.t('packages.contested')}"
        sources = [
            lever.source,
            *(f.record.source for f in package.lines if f.record.lever == name and f.record.source),
        ]
        about.add_row(
            f"{texts.pick(lever.label)} ({name})", _owner(home, texts, lever.owner), evidence, "; ".join(sources)
        )
    console.print(about)


def _turns(one: Floats, other: Floats) -> Iterator[tuple[int, bool]]:
    """Yield each month in which the two values differ and have changed, or in which they come together again."""
    import numpy as np

    first = True
    for at in range(len(one)):
        differ = not np.isclose(one[at], other[at])
        before = at > 0 and not np.isclose(one[at - 1], other[at - 1])
        same = at > 0 and np.isclose(one[at], one[at - 1]) and np.isclose(other[at], other[at - 1])
        if (differ and not same) or (before and not differ):
            yield at, first
            first = False


def _format(lever: Lever, texts: Texts) -> Callable[[float], str]:
    if lever.unit == "1":
        return lambda x: texts.percent(x)
    return lambda x: texts.number(x, 0 if abs(x) >= 10 or float(x).is_integer() else 2)


def _title(package: Package, texts: Texts) -> str:
    return texts.pick(package.head.title) or f"{package.name} ({texts.t('packages.plain')})"


def _owner(home: Corridor, texts: Texts, owner: str) -> str:
    return texts.pick(home.about["both"] if owner == "both" else home.about["sides"][owner])


@app.command()
def check(
    file: Annotated[Path | None, typer.Argument(help="A file of measures; the whole library without it.")] = None,
    corridor: _CORRIDOR = None,
) -> None:
    """Check a file of measures, or the whole library against the levers, the languages and the policy calendar."""
    from acuerdo import corridor as corridors
    from acuerdo.levers import load_levers
    from acuerdo.packages import check_library, load_package

    home = corridors.load(corridor)
    if file is None:
        found = check_library(home)
        replays = sum(package.replays for package in found.values())
        typer.echo(f"{len(found)} packages: valid; {replays} of the past, {len(found) - replays} proposals")
        return
    package = load_package(file)
    package.check(load_levers(home), {name: list(codes) for name, codes in home.about["dimensions"].items()})
    typer.echo(f"{file}: valid; sets {', '.join(package.levers) or 'nothing'}")
