"""`acuerdo model`: what the model is made of, how it hangs together, and whether it passes its checks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from acuerdo.files import write_whole

if TYPE_CHECKING:
    from acuerdo.compare.report import Teller
    from acuerdo.engine.checks import Result
    from acuerdo.engine.load import CorridorModel
    from acuerdo.i18n import Texts
    from acuerdo.inference.posterior import Posterior

app = typer.Typer(help="The model, equation by equation: list, show, graph, check, compare.", no_args_is_help=True)

_CORRIDOR = Annotated[str | None, typer.Option("--corridor", help="Name of the corridor.")]
_JSON = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_LANG = Annotated[str, typer.Option("--lang", help="Language of the words: en or es.")]

_WORDS = {
    "variable": {"en": "Variable", "es": "Variable"},
    "kind": {"en": "Kind", "es": "Tipo"},
    "sector": {"en": "Sector", "es": "Sector"},
    "unit": {"en": "Unit", "es": "Unidad"},
    "meaning": {"en": "What it is", "es": "Qué es"},
    "by": {"en": "by {name}", "es": "por {name}"},
    "moves": {"en": "Moves", "es": "Mueve"},
    "prior": {"en": "Prior", "es": "A priori"},
    "evidence": {"en": "Evidence", "es": "Evidencia"},
    "source": {"en": "Source", "es": "Fuente"},
    "depends_on": {"en": "Depends on", "es": "Depende de"},
    "used_by": {"en": "Used by", "es": "Lo usan"},
    "outcomes": {"en": "Outcome", "es": "Resultado"},
    "series": {"en": "Compared with the series", "es": "Se compara con las series"},
    "lever": {"en": "Lever", "es": "Palanca"},
    "owner": {"en": "Owner", "es": "Responsable"},
    "range": {"en": "Range", "es": "Intervalo"},
    "start": {"en": "In time", "es": "En el tiempo"},
    "cost": {"en": "Cost", "es": "Costo"},
    "history": {"en": "Record", "es": "Registro"},
    "count": {"en": "variables: {count}", "es": "variables: {count}"},
    "built": {
        "en": "The model is built; units and dimensions of its {count} equations balance.",
        "es": "El modelo se construye; las unidades y dimensiones de sus {count} ecuaciones concuerdan.",
    },
    "check": {"en": "Check", "es": "Verificación"},
    "why": {"en": "Why it should hold", "es": "Por qué debe cumplirse"},
    "found": {"en": "Found", "es": "Hallado"},
    "pass": {"en": "hold", "es": "se cumplen"},
    "fail": {"en": "fail", "es": "fallan"},
    "known": {"en": "known not to hold", "es": "se sabe que no se cumplen"},
    "holds_now": {
        "en": "holds now, though it is marked as known not to: take the mark away",
        "es": "ya se cumple, aunque está marcada como incumplida: quite la marca",
    },
}


@app.command("list")
def list_variables(
    sector: Annotated[str | None, typer.Option("--sector", help="Only this sector.")] = None,
    kind: Annotated[str | None, typer.Option("--kind", help="Only this kind: stock, flow, aux, lever, ...")] = None,
    as_json: _JSON = False,
    lang: _LANG = "en",
    corridor: _CORRIDOR = None,
) -> None:
    """List the variables of the model."""
    from acuerdo.engine.describe import KINDS
    from acuerdo.errors import unknown_name

    texts, built = _open(corridor, lang)
    variables = list(built.model.variables.values())
    sectors = dict.fromkeys(v.sector for v in variables)
    if sector is not None and sector not in sectors:
        raise unknown_name("sector", sector, sectors)
    if kind is not None and kind not in KINDS:
        raise unknown_name("kind", kind, KINDS)
    wanted = [v for v in variables if sector in (None, v.sector) and kind in (None, v.kind)]
    if as_json:
        rows = [
            {
                "name": v.name,
                "kind": v.kind,
                "sector": v.sector,
                "unit": v.unit,
                "dimension": v.over,
                "meaning": built.meanings[v.name][lang],
            }
            for v in wanted
        ]
        _print_json({"corridor": built.corridor.name, "variables": rows})
        return
    from rich.markup import escape

    table = _table(lang, "variable", "kind", "sector", "unit", "meaning")
    for v in wanted:
        over = f"\n[dim]{_say('by', lang, name=v.over)}[/dim]" if v.over else ""
        meaning = escape(built.meanings[v.name][lang])
        table.add_row(v.name, KINDS[v.kind][lang], v.sector, escape(v.unit) + over, meaning)
    _print(table, _say("count", lang, count=texts.number(len(wanted))))


@app.command()
def show(
    variable: Annotated[str, typer.Argument(metavar="VAR", help="Name of a variable or of a lever.")],
    as_json: _JSON = False,
    lang: _LANG = "en",
    corridor: _CORRIDOR = None,
) -> None:
    """Show one variable: meaning, equation, unit, source, what it depends on and what depends on it."""
    from acuerdo.engine.describe import describe

    _, built = _open(corridor, lang)
    entry = describe(built, variable)
    if as_json:
        _print_json(entry)
        return
    from rich.markup import escape

    from acuerdo.engine.describe import EVIDENCE, KINDS, ROLES
    from acuerdo.engine.signs import polarities

    over = ", " + _say("by", lang, name=entry["dimension"]["name"]) if entry["dimension"] else ""
    facts = f"{KINDS[entry['kind']][lang]}, {entry['sector']}, {entry['unit']}{over}"
    _print(f"[bold]{entry['name']}[/bold] ({escape(facts)})", escape(entry["meanings"][lang]))
    for equation in entry["equations"]:
        _print("", f"[dim]{ROLES[equation['role']][lang]}:[/dim]")
        _print(f"  {escape(equation['text'])}", wrap=False)
    _print("")
    if entry["flow"]:
        _fact(lang, "moves", entry["flow"]["words"][lang])
    if entry["prior"]:
        _fact(lang, "prior", entry["prior"]["words"][lang])
    if entry["evidence"]:
        _fact(lang, "evidence", EVIDENCE[entry["evidence"]][lang])
    _fact(lang, "source", entry["source"])
    signs = polarities(built)
    needs = [f"{need}{_signed(signs.get((need, variable)))}" for need in entry["depends_on"]]
    users = [f"{user}{_signed(signs.get((variable, user)))}" for user in entry["used_by"]]
    _fact(lang, "depends_on", ", ".join(needs))
    _fact(lang, "used_by", ", ".join(users))
    _fact(lang, "outcomes", ", ".join(label[lang] for label in entry["outcomes"].values()))
    _fact(lang, "series", ", ".join(entry["series"]))
    if entry["lever"]:
        _show_lever(entry["lever"], lang)


@app.command()
def graph(
    sector: Annotated[
        str | None, typer.Option("--sector", help="Causal diagram of this sector; without it, the sectors as a whole.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="SVG file to write; standard output without it.")] = None,
    lang: _LANG = "en",
    corridor: _CORRIDOR = None,
) -> None:
    """Draw what moves what, as SVG."""
    from acuerdo.engine import drawing

    texts, built = _open(corridor, lang)
    svg = drawing.overview_svg(built, texts) if sector is None else drawing.sector_svg(built, sector, texts)
    if out is None:
        typer.echo(svg, nl=False)
    else:
        write_whole(out, svg)
        typer.echo(str(out))


@app.command()
def check(
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Day, month or 'latest': the posterior to run with.")
    ] = None,
    file: Annotated[Path | None, typer.Option("--file", help="Checks to run (YAML) instead of the corridor's.")] = None,
    as_json: _JSON = False,
    lang: _LANG = "en",
    corridor: _CORRIDOR = None,
) -> None:
    """Build the model, check its units, run its checks; print those that fail. Exit code 1 if any fails."""
    from acuerdo.errors import DataError

    try:
        _, built = _open(corridor, lang)
    except DataError as problem:
        typer.echo(str(problem))
        raise typer.Exit(1) from None
    import numpy as np

    from acuerdo.engine import checks
    from acuerdo.projection import make_projector

    wanted = checks.read(built, file)
    with _Bar(len(wanted)) as bar:
        projector = make_projector(as_of, checks.MONTHS, checks.DRAWS, 1, corridor, bar.fit, np.float64)
        results = checks.run(projector, wanted, bar.tick)
    equations = sum(v.equation is not None for v in built.model.variables.values())
    if as_json:
        _print_json({"equations": equations, "checks": [_plain(result, lang) for result in results]})
    else:
        _print(_say("built", lang, count=equations))
        _print_results(results, lang)
    if any(result.fails for result in results):
        raise typer.Exit(1)


@app.command()
def reference(
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.")],
    corridor: _CORRIDOR = None,
) -> None:
    """Write the model reference: a page for each sector, with its diagrams."""
    from acuerdo.engine import reference as pages

    _, built = _open(corridor, "en")
    files = pages.reference(built, pages.anchors(out))
    for name, content in files.items():
        write_whole(out / name, content)
    stale = [path for path in out.glob("*") if path.suffix in (".md", ".svg") and path.name not in files]
    for path in stale:  # of a sector that is no more
        path.unlink()
    typer.echo(f"{out}: {len(files)}")


def _of_posterior(texts: Texts, posterior: Posterior) -> str:
    """Return the day of a posterior, and how it was calibrated, for the head of a page."""
    from acuerdo.inference.posterior import standing

    day = texts.day(posterior.day) if posterior.day else "latest"
    return texts.t(f"calibrated.{standing(posterior.notes)}", day=day)


@app.command()
def studies(
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Day, month or 'latest': the posterior to run with.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Markdown page to write besides.")] = None,
    as_json: _JSON = False,
    lang: _LANG = "en",
    corridor: _CORRIDOR = None,
) -> None:
    """Compare the model with the studies of the evidence register: dose, response, register, prior and posterior."""
    texts, built = _open(corridor, lang)
    from acuerdo import studies as comparison
    from acuerdo import studies_page
    from acuerdo.figures.store import Figures
    from acuerdo.inference.posterior import posterior_for
    from acuerdo.timeline import parse_as_of

    wanted, figures, day = comparison.load_studies(built), Figures.open(built.corridor), parse_as_of(as_of)
    with _Bar(len(wanted)) as bar:
        posterior = posterior_for(built, figures, day, bar.fit)
        rows = comparison.compare(built, figures, posterior, wanted, tick=bar.tick)
    if as_json:
        _print_json({"as_of": str(day or "latest"), "studies": studies_page.plain(rows, lang)})
    else:
        _print(studies_page.table(built, rows, texts), texts.t("studies.summary", **studies_page.counts(rows)))
    if out is not None:
        shown = _of_posterior(texts, posterior)
        write_whole(out, studies_page.markdown(built, rows, comparison.load_absent(built), texts, shown))
        typer.echo(str(out), err=as_json)


@app.command()
def replay(
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Day, month or 'latest': the posterior to run with.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="HTML page to write besides.")] = None,
    docs: Annotated[
        Path | None, typer.Option("--docs", help="Folder to write the page to as Markdown, with pictures.")
    ] = None,
    as_json: _JSON = False,
    lang: _LANG = "en",
    corridor: _CORRIDOR = None,
) -> None:
    """Replay the falls of the record with nothing but the policy calendar moving, against what was published."""
    texts, built = _open(corridor, lang)
    from acuerdo import replay as history
    from acuerdo import replay_page
    from acuerdo.figures.store import Figures
    from acuerdo.inference.posterior import posterior_for
    from acuerdo.timeline import parse_as_of

    wanted, figures, day = history.load_episodes(built), Figures.open(built.corridor), parse_as_of(as_of)
    with _Bar(len(wanted)) as bar:
        posterior = posterior_for(built, figures, day, bar.fit)
        outcomes = history.run_episodes(built, figures, posterior, wanted, bar.tick)
    if as_json:
        _print_json({"as_of": str(day or "latest"), "episodes": replay_page.plain(outcomes, lang)})
    else:
        _print(replay_page.table(outcomes, texts), texts.t("replay.honest"))
    shown = _of_posterior(texts, posterior)
    files = {} if docs is None else replay_page.markdown(built, figures, outcomes, texts, shown)
    pages = {docs / name: content for name, content in files.items()} if docs is not None else {}
    if out is not None:
        pages[out] = replay_page.html(built, figures, outcomes, texts, shown)
    for path, content in pages.items():
        write_whole(path, content)
        typer.echo(str(path), err=as_json)


@app.command()
def export(
    out: Annotated[Path, typer.Option("--out", help="File to write; XMILE ends in .xmile, .xml or .stmx.")],
    form: Annotated[
        str, typer.Option("--format", help="xmile (one draw, runs elsewhere) or json (declarations).")
    ] = "xmile",
    as_of: Annotated[str | None, typer.Option("--as-of", help="Day, month or 'latest'.")] = None,
    months: Annotated[int, typer.Option("--months", help="Months ahead.")] = 36,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="LEVER=VALUE[@YYYY-MM]", help="Set a lever; may be repeated.")
    ] = None,
    draw: Annotated[int, typer.Option("--draw", help="Number of the draw, from 0.")] = 0,
    corridor: _CORRIDOR = None,
) -> None:
    """Write the model for another engine (XMILE) or as data (JSON)."""
    from acuerdo.engine import xmile
    from acuerdo.errors import InputError
    from acuerdo.projection import collect

    if form not in ("xmile", "json"):
        raise InputError("format", form, "xmile, json", "xmile")
    if form == "xmile" and out.suffix not in (".xmile", ".xml", ".stmx"):
        raise InputError("out", str(out), "a name that ends in .xmile, .xml or .stmx", str(out.with_suffix(".xmile")))
    xmile.export(corridor, as_of, months, collect(set_, None), draw, out, "xmile" if form == "xmile" else "json")
    typer.echo(str(out))


@app.command()
def compare(
    before: Annotated[str, typer.Argument(metavar="REV_A", help="A git revision; `.` for the working tree.")],
    after: Annotated[str, typer.Argument(metavar="REV_B", help="Another one.")] = ".",
    out: Annotated[
        Path | None, typer.Option("--out", help="Page to write; model-compare.html without it (none with --json).")
    ] = None,
    threshold: Annotated[float, typer.Option("--threshold", help="Leave out relative changes up to this.")] = 0.001,
    fail_above: Annotated[
        float | None, typer.Option("--fail-above", help="Exit code 1 if a relative change is larger than this.")
    ] = None,
    repo: Annotated[Path, typer.Option("--repo", help="A folder of the checkout.")] = Path(),
    as_json: _JSON = False,
    lang: _LANG = "en",
    corridor: _CORRIDOR = None,
) -> None:
    """Draw what a change to the model did to the standard scenarios. Nothing is calibrated: priors only."""
    from acuerdo import corridor as corridors
    from acuerdo.errors import InputError
    from acuerdo.i18n import Texts

    for name, value in (("threshold", threshold), ("fail-above", fail_above)):
        if value is not None and not 0 <= value < float("inf"):
            raise InputError(name, value, "a relative change, 0 or more", "0.001")
    home = corridors.load(corridor)
    texts = Texts(lang, home)
    from acuerdo.compare import report, revisions
    from acuerdo.figures.store import Figures
    from acuerdo.inference.problem import record_months

    last = record_months(Figures.open(home), None)[-1]
    with _Runs() as bar:
        sides = revisions.compare_runs(repo, (before, after), str(last), corridor, bar.tick)
    found = report.compare(*sides, min(threshold, fail_above if fail_above is not None else threshold), lang)
    page = out or (None if as_json else Path("model-compare.html"))
    if page is not None:
        write_whole(page, report.page(found, texts))
    if as_json:
        _print_json(report.as_data(found))
    else:
        _print_comparison(report.Teller(found, texts))
        _print(str(page), wrap=False)
    if fail_above is not None and found.largest > fail_above:
        raise typer.Exit(1)


# ---- words and tables


def _open(corridor: str | None, lang: str) -> tuple[Texts, CorridorModel]:
    """Return the words of a language and the model; an unknown language is refused before any work."""
    from acuerdo import corridor as corridors
    from acuerdo.i18n import Texts

    texts = Texts(lang, corridors.load(corridor))
    from acuerdo.engine.load import load_model

    return texts, load_model(corridor)


def _say(key: str, lang: str, **values: object) -> str:
    return _WORDS[key][lang].format(**values)


def _signed(sign: str | None) -> str:
    return f" ({sign})" if sign else ""


def _fact(lang: str, key: str, words: str) -> None:
    from rich.markup import escape

    if words:
        _print(f"[dim]{_WORDS[key][lang]}:[/dim] {escape(words)}")


def _show_lever(lever: dict[str, Any], lang: str) -> None:
    words = lever["words"][lang]
    _print("")
    _fact(lang, "lever", f"{lever['label'][lang]}. {lever['help'][lang]}")
    _fact(lang, "owner", lever["owner_label"][lang])
    _fact(lang, "range", words["range"])
    _fact(lang, "start", f"{words['build_up']}; {words['wears_off']}")
    _fact(lang, "cost", words["cost"])
    for line in words["history"]:
        _fact(lang, "history", line)


def _plain(result: Result, lang: str) -> dict[str, Any]:
    check = result.check
    return {
        "name": check.name,
        "kind": check.kind,
        "why": check.why[lang],
        "ok": result.ok,
        "known": check.known.get(lang),
        "fails": result.fails,
        "detail": result.detail.get(lang),
    }


def _print_results(results: list[Result], lang: str) -> None:
    from rich.markup import escape

    told = [result for result in results if result.fails or not result.ok]
    if told:
        table = _table(lang, "check", "why", "found")
        for result in sorted(told, key=lambda one: not one.fails):
            known = result.check.known.get(lang, "")
            note = f"\n[dim]{_WORDS['known'][lang]}: {escape(known)}[/dim]" if known and not result.fails else ""
            found = result.detail[lang] if not result.ok else _WORDS["holds_now"][lang]
            table.add_row(result.check.name, escape(result.check.why[lang]), escape(found) + note)
        _print(table)
    counts = {
        "pass": sum(result.ok and not result.fails for result in results),
        "known": sum(not result.ok and not result.fails for result in results),
        "fail": sum(result.fails for result in results),
    }
    _print(", ".join(f"{count} {_WORDS[key][lang]}" for key, count in counts.items() if count or key != "known"))


def _print_comparison(teller: Teller) -> None:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    texts, found = teller.texts, teller.found
    _print(escape(teller.sides()))
    rows = teller.moves()
    if rows:
        # names instead of words, which a terminal has no room for
        columns = {"id": "outcome", "case": "scenario", **{name: name for name in ("change", "interval", "month")}}
        table = Table(box=box.SIMPLE_HEAD)
        for name, title in columns.items():
            words = name in ("id", "case")
            table.add_column(texts.t(f"compare.{title}"), justify="left" if words else "right", overflow="fold")
        for row in rows[:20]:
            table.add_row(*(escape(row[name]) for name in columns))
        _print(table)
        if len(rows) > 20:
            _print(texts.t("compare.more_json", more=texts.t("compare.more", count=len(rows) - 20)))
    else:
        _print(texts.t("compare.none", threshold=teller.threshold()))
    if not found.declarations:
        _print(texts.t("compare.declared_none"))
    else:
        _print(f"{texts.t('compare.declared')}: {teller.counts()}")
    for each in found.declarations:
        _print(f"[bold]{each.name}[/bold] ({texts.t(f'compare.how.{each.how}')})")
        for one in each.differences if each.how == "changed" else ():
            _print(f"  [dim]{texts.t(f'compare.what.{one.what}')}[/dim]")
            _print(f"    A: {escape(one.before)}", f"    B: {escape(one.after)}", wrap=False)
    for title, lines in (("records", teller.records()), ("only", teller.only())):
        if lines:
            _print(f"{texts.t(f'compare.{title}')}:", *(f"  {escape(line)}" for line in lines))


class _Runs:
    """Progress bars on standard error, one for each revision that runs."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> _Runs:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def tick(self, revision: str, done: int, total: int) -> None:
        """Show how far a revision is."""
        if revision not in self._tasks:
            self._tasks[revision] = self._bar.add_task(revision, total=total)
        self._bar.update(self._tasks[revision], completed=done, total=total)


class _Bar:
    """A progress bar on standard error: first of a fit, if there has to be one, then of the checks."""

    def __init__(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._checks = self._bar.add_task("Checks", total=total)
        self._fit: Any = None

    def __enter__(self) -> _Bar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def fit(self, step: int, most: int, value: float) -> None:
        """Show a step of a fit."""
        if self._fit is None:
            self._fit = self._bar.add_task("Fitting the model to the figures", total=most)
        self._bar.update(self._fit, completed=step, total=most)

    def tick(self, name: str) -> None:
        """Show that a check is done."""
        self._bar.advance(self._checks)


def _print_json(data: Any) -> None:
    typer.echo(json.dumps(data, ensure_ascii=False, indent=2))


def _table(lang: str, *columns: str) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for name in columns:
        table.add_column(_WORDS[name][lang], overflow="fold")
    return table


def _print(*things: Any, wrap: bool = True) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    for thing in things:
        console.print(thing, soft_wrap=not wrap)


__all__ = ["app"]
