"""`acuerdo attribution`: what the series alone say about the declared measures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from acuerdo.attribution.interval import Comparison
    from acuerdo.i18n import Texts


def attribution(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Questions; all without it.")] = None,
    as_of: Annotated[
        str | None, typer.Option(help="Day, month (its last day) or 'latest': only what was published by then.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    out: Annotated[Path | None, typer.Option(help="HTML page to write, with a picture for each question.")] = None,
    lang: Annotated[str, typer.Option(help="en or es")] = "en",
    seed: Annotated[int, typer.Option(help="Seed: the same gives the same numbers.")] = 1,
    model: Annotated[
        bool, typer.Option(help="Beside it, what the model says without the measures (its calibration is needed).")
    ] = True,
    corridor: Annotated[str | None, typer.Option(help="Corridor; the one installed if there is only one.")] = None,
) -> None:
    """Tell what measures did, by two roads: the series and their donors alone, and the model without the measures."""
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
    beside: dict[str, Comparison | None] = {}
    if model:
        from acuerdo.attribution.roads import model_road
        from acuerdo.cli import _Steps
        from acuerdo.figures.store import Figures

        with _Steps("Fitting the model to the figures of that day") as steps:
            road = model_road(corridor, Figures.open(home), steps)
            beside = {one.question.id: road.compare(one) for one in found}
    if out is not None:
        from acuerdo.attribution.page import page
        from acuerdo.figures.catalogue import read
        from acuerdo.files import write_whole

        write_whole(out, page(found, read(home), texts, day, beside))
        typer.echo(str(out), err=as_json)
    if as_json:
        import json

        rows = [{**one.record(texts), "model": compared(beside.get(one.question.id), texts)} for one in found]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1, allow_nan=False))
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
            if (met := beside.get(one.question.id)) is not None:
                own = texts.t(
                    "format.interval", low=texts.number(met.model.low, 2), high=texts.number(met.model.high, 2)
                )
                said = texts.t(f"attribution.compare.{met.why}")
                table.add_row(
                    "", texts.t("attribution.model"), f"{texts.number(met.model.mid, 2)}\n{own}", "", "", said
                )
        Console().print(table)


def compared(met: Comparison | None, texts: Texts) -> dict[str, Any] | None:
    """Return the model's answer and whether the two roads agree as plain data, or None if there is none."""
    if met is None:
        return None
    own = met.model
    return {
        "ratio": {"low": own.low, "mid": own.mid, "high": own.high, "level": own.level},
        "agree": met.agree,
        "why": met.why,
        "why_words": texts.t(f"attribution.compare.{met.why}"),
    }
