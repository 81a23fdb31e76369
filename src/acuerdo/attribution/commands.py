"""`acuerdo attribution`: what the series alone say about the declared measures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def attribution(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Questions; all without it.")] = None,
    as_of: Annotated[
        str | None, typer.Option(help="Day, month (its last day) or 'latest': only what was published by then.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    out: Annotated[Path | None, typer.Option(help="HTML page to write, with a picture for each question.")] = None,
    lang: Annotated[str, typer.Option(help="en or es")] = "en",
    seed: Annotated[int, typer.Option(help="Seed: the same gives the same numbers.")] = 1,
    corridor: Annotated[str | None, typer.Option(help="Corridor; the one installed if there is only one.")] = None,
) -> None:
    """Tell what measures did from the series and their donors alone, with placebo tests, as of a day."""
    from rich.console import Console
    from rich.progress import Progress

    from acuerdo import corridor as corridors
    from acuerdo.attribution.answer import answers
    from acuerdo.attribution.questions import load_questions
    from acuerdo.i18n import Texts
    from acuerdo.timeline import parse_as_of

    home = corridors.load(corridor)
    texts = Texts(lang, home)
    day = parse_as_of(as_of)
    count = len(ids) if ids else len(load_questions(home))
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(texts.t("attribution.title"), total=count)
        found = answers(home, day, ids, seed, lambda _: progress.advance(task))
    if out is not None:
        from acuerdo.attribution.page import page
        from acuerdo.figures.catalogue import read
        from acuerdo.files import write_whole

        write_whole(out, page(found, read(home), texts, day))
        typer.echo(str(out), err=as_json)
    if as_json:
        import json

        typer.echo(json.dumps([one.record(texts) for one in found], ensure_ascii=False, indent=1, allow_nan=False))
    elif out is None:
        from rich.table import Table

        columns = ("question", "method", "ratio", "total", "p", "verdict")
        table = Table(*(texts.t(f"attribution.column.{name}") for name in columns), show_lines=True)
        for one in found:
            title = f"{texts.pick(one.question.title)}\n[dim]{one.question.id}[/dim]"
            verdict = f"{texts.t(f'attribution.verdict.{one.verdict}')}: {one.why.say(texts)}"
            if not one.estimates:
                table.add_row(title, "", "", "", "", verdict)
            for made in one.estimates:
                first = made is one.estimates[0]
                table.add_row(
                    title if first else "",
                    texts.t(f"attribution.method.{made.method}"),
                    f"{texts.number(made.ratio.mid, 2)}\n"
                    + texts.t(
                        "format.interval", low=texts.number(made.ratio.low, 2), high=texts.number(made.ratio.high, 2)
                    ),
                    f"{texts.signed_rounded(made.total.mid)}\n"
                    + texts.interval(made.total.low, made.total.high, 2, sign=True),
                    texts.number(made.p, 2),
                    verdict if first else f"{texts.t(f'attribution.verdict.{made.verdict}')}: {made.why.say(texts)}",
                )
        Console().print(table)
