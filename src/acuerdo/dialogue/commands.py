"""`acuerdo dossier`: check the dossier and list its meetings."""

from __future__ import annotations

import json
from typing import Annotated

import typer

app = typer.Typer(help="What is on record: meetings, statements, reported facts and commitments.", no_args_is_help=True)


@app.command()
def check() -> None:
    """Check that the whole dossier is valid and print how much it holds."""
    from acuerdo import corridor
    from acuerdo.dialogue.dossier import load_dossier

    dossier = load_dossier(corridor.load())
    typer.echo(
        f"{len(dossier.meetings)} meetings, {len(dossier.statements)} statements, "
        f"{len(dossier.reported)} reported facts, {len(dossier.commitments)} commitments: valid"
    )


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
