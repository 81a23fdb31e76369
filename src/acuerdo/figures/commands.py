"""`acuerdo figures`: list the series, show one, run the cross-checks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import pandas as pd

    from acuerdo.corridor import Corridor
    from acuerdo.figures.store import Figures

app = typer.Typer(help="Official figures, as they were known on a day.", no_args_is_help=True)

_AS_OF = Annotated[str, typer.Option("--as-of", help="A day (YYYY-MM-DD), a month (YYYY-MM) or 'latest'.")]
_CORRIDOR = Annotated[str | None, typer.Option("--corridor", help="Name of the corridor.")]
_JSON = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_LANG = Annotated[str, typer.Option("--lang", help="Language of the words: en or es.")]

_WORDS = {
    "series": {"en": "Series", "es": "Serie"},
    "unit": {"en": "Unit", "es": "Unidad"},
    "period": {"en": "Period", "es": "Periodo"},
    "figures": {"en": "Figures", "es": "Cifras"},
    "member": {"en": "Member", "es": "Componente"},
    "value": {"en": "Value", "es": "Valor"},
    "vintage": {"en": "Vintage", "es": "Edición"},
    "published": {"en": "Published", "es": "Publicado"},
    "revised": {"en": "revised later", "es": "revisado después"},
    "publisher": {"en": "Publisher", "es": "Publica"},
    "table": {"en": "Table", "es": "Tabla"},
    "address": {"en": "Address", "es": "Dirección"},
    "terms": {"en": "Terms of use", "es": "Términos de uso"},
    "publication": {"en": "When it is public", "es": "Cuándo es pública"},
    "warnings": {"en": "Before using it", "es": "Antes de usarla"},
    "none": {
        "en": "No figures had been published by then.",
        "es": "Para entonces no se había publicado ninguna cifra.",
    },
    "check": {"en": "Check", "es": "Verificación"},
    "expected": {"en": "Expected", "es": "Esperado"},
    "found": {"en": "Found", "es": "Hallado"},
    "detail": {"en": "Detail", "es": "Detalle"},
    "pass": {"en": "hold", "es": "se cumplen"},
    "fail": {"en": "fail", "es": "fallan"},
    "untold": {"en": "cannot be told on that day", "es": "no pueden saberse a esa fecha"},
    "day": {"en": "day", "es": "día"},
    "month": {"en": "month", "es": "mes"},
    "twelve_months": {"en": "12 months", "es": "12 meses"},
    "year": {"en": "year", "es": "año"},
    "fiscal_year": {"en": "fiscal year", "es": "año fiscal"},
    "year_to_date": {"en": "year to date", "es": "acumulado del año"},
    "span": {"en": "other period", "es": "otro periodo"},
}


@app.command("list")
def list_series(
    as_of: _AS_OF = "latest", corridor: _CORRIDOR = None, as_json: _JSON = False, lang: _LANG = "en"
) -> None:
    """List the series, with what is held of each."""
    from acuerdo.figures.store import Figures

    pair = _pair(corridor, lang)
    view = Figures.open(pair).as_of(as_of)
    entries = [_entry(view, series_id, lang) for series_id in view.ids]
    if as_json:
        _print_json({"as_of": _day(view), "digest": view.digest, "series": entries})
        return
    from rich.markup import escape

    table = _table(lang, "series", "unit", "period", "figures")
    for entry in entries:
        period = f"{entry['first']}\n{entry['last']}" if entry["figures"] else ""
        unit = f"{entry['unit']}\n{_WORDS[entry['frequency']][lang]}"
        table.add_row(f"{entry['id']}\n[dim]{escape(entry['label'])}[/dim]", unit, period, f"{entry['figures']:,}")
    _print(table)


@app.command()
def show(
    series: Annotated[str, typer.Argument(help="Id of the series.")],
    member: Annotated[list[str] | None, typer.Option("--member", help="Only this member; can be repeated.")] = None,
    frequency: Annotated[str | None, typer.Option("--frequency", help="Only figures of this frequency.")] = None,
    last: Annotated[int, typer.Option("--last", min=1, help="How many figures to show, the latest ones.")] = 24,
    as_of: _AS_OF = "latest",
    corridor: _CORRIDOR = None,
    as_json: _JSON = False,
    lang: _LANG = "en",
) -> None:
    """Show one series: what it means, where it comes from, and its latest figures."""
    from acuerdo.figures.store import Figures

    pair = _pair(corridor, lang)
    view = Figures.open(pair).as_of(as_of)
    entry = _entry(view, series, lang)
    rows = view.frame(series, frequency, member or None).tail(last)
    if as_json:
        _print_json({"as_of": _day(view), "series": entry, "rows": _rows(rows)})
        return
    from rich.markup import escape

    facts = view.series(series)
    _print(f"[bold]{escape(entry['label'])}[/bold] ({escape(series)})", escape(entry["meaning"]), "")
    for name in ("publisher", "table", "address", "terms", "publication"):
        _print(f"[dim]{_WORDS[name][lang]}:[/dim] {escape(entry[name])}")
    if facts.warnings:
        _print("", f"[dim]{_WORDS['warnings'][lang]}:[/dim]", *(f"- {escape(line)}" for line in entry["warnings"]))
    _print("")
    if rows.empty:
        _print(_WORDS["none"][lang])
        return
    labels = view.catalogue.members(series)
    table = _table(lang, "period", "member", "value", "vintage", "published")
    for row in _rows(rows):
        note = f"\n[dim]{_WORDS['revised'][lang]}[/dim]" if row["revised"] else ""
        code = row["member"]
        table.add_row(
            f"{row['start']}\n{row['end']}\n[dim]{_WORDS[row['frequency']][lang]}[/dim]",
            code if code == "ALL" else f"{code}\n[dim]{escape(labels[code][lang])}[/dim]",
            f"{row['value']:,.10g}\n[dim]{escape(row['unit'])}[/dim]",
            f"{escape(row['vintage'])}{note}",
            row["published"],
        )
    _print(table)


@app.command()
def check(as_of: _AS_OF = "latest", corridor: _CORRIDOR = None, as_json: _JSON = False, lang: _LANG = "en") -> None:
    """Run the cross-checks; print those that fail. Exit code 1 if any fails."""
    from acuerdo.figures import checks
    from acuerdo.figures.store import Figures

    pair = _pair(corridor, lang)
    view = Figures.open(pair).as_of(as_of)
    results = checks.run(view, checks.read(pair))
    failing = [result for result in results if result.ok is False]
    counts = {
        "pass": sum(result.ok is True for result in results),
        "fail": len(failing),
        "untold": sum(result.ok is None for result in results),
    }
    if as_json:
        items = [
            {
                "id": result.id,
                "ok": result.ok,
                "text": result.text[lang],
                "expected": result.expected,
                "found": result.found,
                "detail": result.detail,
                "source": result.source,
            }
            for result in results
        ]
        _print_json({"as_of": _day(view), **counts, "checks": items})
    else:
        if failing:
            table = _table(lang, "check", "expected", "found", "detail")
            for result in failing:
                table.add_row(f"{result.text[lang]} ({result.id})", result.expected, result.found, result.detail)
            _print(table)
        told = [f"{count} {_WORDS[name][lang]}" for name, count in counts.items() if count or name != "untold"]
        _print(", ".join(told))
    if failing:
        raise typer.Exit(1)


def _pair(name: str | None, lang: str) -> Corridor:
    from acuerdo import corridor
    from acuerdo.errors import unknown_name

    if lang not in ("en", "es"):
        raise unknown_name("lang", lang, ("en", "es"))
    return corridor.load(name)


def _entry(view: Figures, series_id: str, lang: str) -> dict[str, Any]:
    facts = view.series(series_id)
    rows = view.frame(series_id)
    empty = rows.empty
    return {
        "id": facts.id,
        "label": facts.label[lang],
        "meaning": facts.meaning[lang],
        "unit": facts.unit,
        "unit_label": facts.unit_label[lang],
        "frequency": facts.frequency,
        "dimension": facts.dimension,
        "members": {}
        if empty
        else {code: _member(view, series_id, code, lang) for code in sorted(set(rows["member"]))},
        "publisher": facts.publisher,
        "table": facts.table,
        "address": facts.address,
        "terms": facts.terms[lang],
        "publication": facts.publication.lag_basis[lang],
        "warnings": [text[lang] for text in facts.warnings],
        "headline": facts.headline,
        "first": None if empty else rows["start"].min().date().isoformat(),
        "last": None if empty else rows["end"].max().date().isoformat(),
        "figures": len(rows),
    }


def _member(view: Figures, series_id: str, code: str, lang: str) -> str:
    return view.catalogue.members(series_id)[code][lang]


def _rows(rows: pd.DataFrame) -> list[dict[str, Any]]:
    dates = {name: rows[name].dt.strftime("%Y-%m-%d") for name in ("start", "end", "published")}
    return [{str(name): value for name, value in row.items()} for row in rows.assign(**dates).to_dict("records")]


def _day(view: Figures) -> str | None:
    return view.day.isoformat() if view.day is not None else None


def _print_json(data: dict[str, Any]) -> None:
    typer.echo(json.dumps(data, ensure_ascii=False, indent=2))


def _table(lang: str, *columns: str) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for name in columns:
        right = name in ("value", "figures", "expected", "found")
        whole = name in ("period", "published", "figures", "value")
        table.add_column(_WORDS[name][lang], justify="right" if right else "left", overflow="fold", no_wrap=whole)
    return table


def _print(*things: Any) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    for thing in things:
        console.print(thing)
