"""`acuerdo dossier`: check the dossier, list its meetings, print its schema, add a commitment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="What is on record: meetings, statements, reported facts and commitments.", no_args_is_help=True)


new_app = typer.Typer(help="Add to the dossier.", no_args_is_help=True)
app.add_typer(new_app, name="new")

Folder = Annotated[Path | None, typer.Option(help="Folder of the dossier; that of the corridor without it.")]


@app.command()
def check(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of the dossier; that of the corridor without it.")
    ] = None,
) -> None:
    """Check that the whole dossier is valid and print how much it holds."""
    from acuerdo import corridor
    from acuerdo.dialogue.dossier import load_dossier

    dossier = load_dossier(corridor.load(), folder)
    tested = sum(one.test is not None for one in dossier.commitments)
    typer.echo(
        f"{len(dossier.meetings)} meetings, {len(dossier.statements)} statements, "
        f"{len(dossier.reported)} reported facts, {len(dossier.commitments)} commitments "
        f"({tested} with a test), {len(dossier.scores)} scores: valid"
    )


@app.command()
def schema(
    out: Annotated[Path | None, typer.Option(help="File to write; standard output without it.")] = None,
) -> None:
    """Print the JSON Schema of the dossier's files."""
    from acuerdo.dialogue.schema import schema_text
    from acuerdo.files import write_whole

    if out is None:
        typer.echo(schema_text(), nl=False)
    else:
        write_whole(out, schema_text())


@new_app.command()
def commitment(
    answers: Annotated[
        list[str] | None,
        typer.Option("--answer", metavar="NAME=VALUE", help="An answer given beforehand; may be repeated."),
    ] = None,
    ask: Annotated[bool, typer.Option(help="Ask for what was not given; --no-ask takes the defaults.")] = True,
    folder: Folder = None,
) -> None:
    """Ask the questions that make up a commitment and append it to commitments.yaml."""
    from datetime import date

    from acuerdo import corridor
    from acuerdo.dialogue.adding import append_commitment, entry_text, questions
    from acuerdo.dialogue.dossier import load_dossier
    from acuerdo.errors import InputError, unknown_name

    home = corridor.load()
    place = folder or home.path("dossier")
    asked = questions(home, load_dossier(home, place))
    given: dict[str, str] = {}
    for answer in answers or []:
        name, mark, value = answer.partition("=")
        if not mark:
            raise InputError("answer", answer, "NAME=VALUE")
        if name not in [one.name for one in asked]:
            raise unknown_name("answer", name, [one.name for one in asked])
        given[name] = value
    found: dict[str, object] = {}
    for one in asked:
        if one.name in given:
            found[one.name] = one.check(given[one.name])
            continue
        if not ask:
            if one.default is None:
                raise InputError(one.name, None, one.words)
            found[one.name] = one.check(one.default)
            continue
        while one.name not in found:
            text = typer.prompt(one.words, default=one.default, show_default=bool(one.default))
            try:
                found[one.name] = one.check(text)
            except InputError as problem:
                typer.echo(str(problem), err=True)
    append_commitment(home, place, entry_text(found, list(home.about["locales"]), date.today()))
    typer.echo(f"{place / 'commitments.yaml'}: {found['id']} added")


@app.command()
def meetings(
    as_of: Annotated[
        str, typer.Option("--as-of", help="A day (YYYY-MM-DD), a month (YYYY-MM) or 'latest'.")
    ] = "latest",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with the words in every language.")] = False,
    lang: Annotated[str, typer.Option("--lang", help="Language of the words.")] = "en",
) -> None:
    """List the meetings and the status that each had on a day."""
    from acuerdo import corridor
    from acuerdo.dialogue.dossier import STATUS_WORDS, load_dossier, words
    from acuerdo.errors import unknown_name
    from acuerdo.timeline import parse_as_of

    pair = corridor.load()
    if lang not in pair.about["locales"]:
        raise unknown_name("lang", lang, pair.about["locales"])
    day = parse_as_of(as_of)
    found = load_dossier(pair).as_of(day).meetings
    if as_json:
        data = {
            "as_of": day.isoformat() if day is not None else None,
            "meetings": [meeting.model_dump(mode="json") for meeting in found],
        }
        typer.echo(json.dumps(data, ensure_ascii=False, indent=2))
        return
    for meeting in found:
        status = STATUS_WORDS[meeting.status][lang]
        if meeting.by:
            status += " (" + ", ".join(pair.about["sides"][side][lang] for side in meeting.by) + ")"
        when = words(meeting.when, lang) or (meeting.date.isoformat() if meeting.date is not None else "—")
        place = words(meeting.place, lang)
        typer.echo(f"{when}  {words(meeting.title, lang)}{', ' if place else ''}{place}: {status}")
