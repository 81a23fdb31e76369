"""`acuerdo priorities`: packages that both sides prefer to no agreement, and the weights behind them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from acuerdo.errors import InputError
from acuerdo.files import write_whole

if TYPE_CHECKING:
    from acuerdo.brief.model import Priorities
    from acuerdo.i18n import Texts

app = typer.Typer(help="Priorities: packages that both sides prefer to no agreement.", invoke_without_command=True)

_CORRIDOR = Annotated[str | None, typer.Option("--corridor", help="Name of the corridor.")]
_LANG = Annotated[str, typer.Option("--lang", help="Language of the words: en or es.")]
_VALUES = Annotated[
    Path | None, typer.Option("--values", help="File of weights, in the form of the corridor's values.yaml.")
]


@app.callback()
def priorities(
    context: typer.Context,
    as_of: Annotated[str | None, typer.Option(help="Day, month (its last day) or 'latest'.")] = None,
    months: Annotated[int, typer.Option(help="Months compared.")] = 12,
    seed: Annotated[int, typer.Option(help="Seed: the same gives the same packages.")] = 1,
    budget: Annotated[
        list[str] | None,
        typer.Option(metavar="SIDE=MILLIONS", help="Budget of a side for the package, in million US dollars a year."),
    ] = None,
    values: _VALUES = None,
    in_force: Annotated[
        bool,
        typer.Option("--in-force", help="No agreement: what is in force goes on, instead of each side's best alone."),
    ] = False,
    quick: Annotated[bool, typer.Option("--quick", help="A smaller search, for a first look.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for priorities.json, the picture and a checkpoint from which to go on.")
    ] = None,
    package: Annotated[
        bool, typer.Option("--package", help="Also keep the findings in the corridor's folder, for the brief.")
    ] = False,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Dask scheduler over whose workers packages are shared out.")
    ] = None,
    corridor: _CORRIDOR = None,
    lang: _LANG = "en",
) -> None:
    """Search packages, and show three to five that both sides prefer to no agreement under most measures."""
    if context.invoked_subcommand is not None:
        return
    from acuerdo import corridor as corridors
    from acuerdo.i18n import Texts
    from acuerdo.levers import load_levers
    from acuerdo.priorities.space import load_limits
    from acuerdo.priorities.values import load_file
    from acuerdo.timeline import parse_as_of

    home = corridors.load(corridor)
    texts = Texts(lang, home)
    amounts = _budget(budget)
    given = load_file(home, values)
    load_limits(home, load_levers(home), amounts)  # what is not valid is refused before any work
    day = parse_as_of(as_of)
    if package:
        _only_defaults(months=months == 12, seed=seed == 1, budget=not budget, values=values is None,
                       in_force=not in_force, quick=not quick)  # fmt: skip

    from acuerdo.brief.priorities import priorities_section
    from acuerdo.cli import _Steps
    from acuerdo.engine.load import load_model
    from acuerdo.figures.store import Figures
    from acuerdo.inference.posterior import posterior_for
    from acuerdo.priorities import kept
    from acuerdo.priorities.report import to_dict
    from acuerdo.priorities.study import QUICK, Effort, study
    from acuerdo.projection import MOST_MONTHS, whole

    whole("months", months, 1, MOST_MONTHS)
    whole("seed", seed, 0, 2**32 - 1)
    client = None
    if scheduler is not None:
        from acuerdo.priorities.shared import connect

        client = connect(scheduler)
    built, figures = load_model(corridor), Figures.open(home)
    with _Steps("Fitting the model to the figures of that day") as steps:
        posterior = posterior_for(built, figures, day, steps)
    effort = QUICK if quick else Effort()
    checkpoint = None if out is None else out / "search.json"
    with _Steps("Searching packages", effort.steps) as steps:
        found = study(
            built,
            figures,
            posterior,
            given,
            months,
            seed,
            amounts,
            not in_force,
            effort,
            checkpoint,
            steps.tick,
            client,
        )
    findings = to_dict(found, quick)
    section = priorities_section(findings, texts)
    data = json.dumps(findings, ensure_ascii=False, indent=1) + "\n"
    if package:
        kept.save(kept.packaged(built, day), findings, kept.key(built, posterior))
    if out is not None:
        write_whole(out / "priorities.json", data)
        write_whole(out / f"gains_{lang}.svg", section.picture.svg)
    if as_json:
        typer.echo(data, nl=False)
    else:
        _show(section, texts)


def _only_defaults(**default: bool) -> None:
    """Refuse a study that is not the one that the brief tells.

    Raises:
        InputError: an option is not at its default.
    """
    for name, is_default in default.items():
        if not is_default:
            raise InputError(
                name.replace("_", "-"), "set", "not together with --package, which keeps the default study"
            )


def _budget(given: list[str] | None) -> dict[str, float]:
    found = {}
    for text in given or []:
        name, equals, amount = text.partition("=")
        try:
            found[name.strip()] = float(amount)
        except ValueError:
            equals = ""
        if not equals:
            raise InputError("budget", text, "SIDE=MILLIONS, such as 1500 million US dollars as SIDE=1500")
    return found


@app.command()
def weights(
    side: Annotated[str, typer.Option(help="Whose weights.")],
    ratings: Annotated[
        list[str] | None,
        typer.Option("--rate", metavar="OUTCOME=0..100", help="Rating of a swing; asked for one by one without it."),
    ] = None,
    values: _VALUES = None,
    corridor: _CORRIDOR = None,
    lang: _LANG = "en",
) -> None:
    """Make weights by swing weighting: rate what the whole way from worst to best of each outcome is worth, 0 to 100.

    Give 100 to the swing that matters most, and to each other one its share of that. The weights are printed as YAML,
    for the `weights` of a side in a file of values.
    """
    import yaml

    from acuerdo import corridor as corridors
    from acuerdo.errors import unknown_name
    from acuerdo.i18n import Texts
    from acuerdo.priorities.values import as_weights, load_file, swing_weights
    from acuerdo.projection import load_outcomes

    home = corridors.load(corridor)
    texts, outcomes, known = Texts(lang, home), load_outcomes(home), load_file(home, values)
    if side not in known.sides:
        raise unknown_name("side", side, known.sides)
    mine = [name for name in known.outcomes if side in outcomes[name].sides]
    rated: dict[str, float] = {}
    for text in ratings or []:
        name, _, number = text.partition("=")
        try:
            rated[name.strip()] = float(number)
        except ValueError:
            raise InputError("rate", text, "OUTCOME=NUMBER") from None
    if ratings is None:
        for name in mine:
            reference = known.references[name]
            unit = "%" if reference.scale == "percent" else texts.pick(outcomes[name].unit_label)
            swing = f"{reference.worst:+g} -> {reference.best:+g} {unit}"
            rated[name] = typer.prompt(
                f"{texts.pick(outcomes[name].label)} ({swing})", type=float, default=0.0, err=True
            )
    as_weights(side, rated, mine)
    typer.echo(yaml.safe_dump({side: {"weights": swing_weights(rated)}}, sort_keys=False, allow_unicode=True), nl=False)


@app.command()
def sensitivity(
    as_of: Annotated[str | None, typer.Option(help="Day, month (its last day) or 'latest'.")] = None,
    months: Annotated[int, typer.Option(help="Months compared.")] = 12,
    outcome: Annotated[
        list[str] | None, typer.Option(help="Outcome; may be repeated. Without it, all that a side counts.")
    ] = None,
    trajectories: Annotated[int, typer.Option(help="Trajectories of the screening (Morris).")] = 8,
    samples: Annotated[int, typer.Option(help="Samples of the shares (Sobol); a power of two.")] = 256,
    factors: Annotated[
        int, typer.Option("--top", help="Factors of each outcome that are kept after the screening.")
    ] = 8,
    seed: Annotated[int, typer.Option(help="Seed: the same gives the same numbers.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    corridor: _CORRIDOR = None,
    lang: _LANG = "en",
) -> None:
    """Show which parameters and levers move each outcome most: Morris over all, Sobol over those that matter."""
    from acuerdo import corridor as corridors
    from acuerdo.errors import unknown_name
    from acuerdo.i18n import Texts
    from acuerdo.priorities.values import load_values
    from acuerdo.projection import MOST_DRAWS, MOST_MONTHS, make_projector, whole

    home = corridors.load(corridor)
    texts, values = Texts(lang, home), load_values(home)
    chosen = list(outcome or values.outcomes)
    for name in chosen:
        if name not in values.outcomes:
            raise unknown_name("outcome", name, values.outcomes)
    whole("months", months, 1, MOST_MONTHS)
    whole("trajectories", trajectories, 2, 1000)
    whole("top", factors, 1, 100)
    whole("samples", samples, 2, MOST_DRAWS)
    if samples & (samples - 1):
        raise InputError("samples", samples, "a power of two", 1 << (samples.bit_length() - 1))

    from acuerdo.cli import _Steps
    from acuerdo.priorities.sensitivity import screened_shares

    with _Steps("Fitting the model to the figures of that day") as steps:
        projector = make_projector(as_of, months, 200, seed, corridor, steps)
    with _Steps("Runs", 1 + len(chosen)) as steps:
        table = screened_shares(projector, chosen, values.sides, trajectories, samples, factors, seed, steps.tick)
    if as_json:
        plain = table.astype(object).where(table.notna(), None).to_dict("records")
        typer.echo(json.dumps(plain, ensure_ascii=False, indent=1, allow_nan=False))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    for moved, rows in table.groupby("outcome", sort=False):
        title = texts.pick(projector.outcomes[str(moved)].label)
        grid = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
        for key in ("factor", "kind", "first", "total", "effect"):
            grid.add_column(texts.t(f"sensitivity.{key}"), justify="left" if key in ("factor", "kind") else "right")
        for row in rows.to_dict("records"):
            factor = str(row["factor"])
            label = texts.pick(projector.built.meanings.get(factor, projector.built.meanings.get(f"{factor}_set")))
            shares = [f"{texts.number(row[k], 2)} ± {texts.number(row[f'{k}_conf'], 2)}" for k in ("first", "total")]
            effect, half = (texts.rounded(float(row[k]), 2) for k in ("mu_star", "mu_star_conf"))
            grid.add_row(label, texts.t(f"sensitivity.{row['kind']}"), *shares, f"{effect} ± {half}")
        console.print(grid)
    console.print(texts.t("sensitivity.note"))


def _show(section: Priorities, texts: Texts) -> None:
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)

    def say(text: str, style: str = "") -> None:
        console.print(escape(text), style=style)

    def table(*columns: str) -> Any:
        made = Table(box=box.SIMPLE_HEAD)
        for name in columns:
            made.add_column(name, overflow="fold")
        return made

    def word(key: str) -> str:
        return texts.t(f"priorities.{key}")

    say(word("title"), "bold")
    say(section.intro)
    say(section.finding)
    say(f"\n{word('no_agreement')}", "bold")
    for alone in section.alone:
        say(f"{alone.name}: {alone.text}")
    for item in section.packages:
        say(f"\n{item.title}", "bold")
        say(f"{item.why} {item.passes}")
        rows = table(*(word(key) for key in ("who", "what", "setting", "when")))
        for measure in item.measures:
            rows.add_row(*(escape(x) for x in (measure.who, measure.what, measure.setting, measure.when)))
        console.print(rows)
        for side in item.sides:
            say(side.text)
            for key, lines in (("gets", side.gets), ("gives", side.gives)):
                for text in lines:
                    say(f"  {word(key)}: {text}")
        say(word("turns"), "dim")
        for line in item.turns:
            say(f"  {line}")
    if section.table:
        say(f"\n{word('robust_title')}", "bold")
        rows = table(*section.columns)
        for cells in section.table:
            rows.add_row(*(escape(x) for x in cells))
        console.print(rows)
    for key, lines in (
        ("assumptions_title", section.assumptions),
        ("trades", section.trades),
        ("contested_title", section.contested),
        ("know_title", section.know),
        ("notes", section.notes),
    ):
        if lines:
            say(f"\n{word(key)}", "bold")
            for text in lines:
                say(text)


__all__ = ["app"]
