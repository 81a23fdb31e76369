"""`acuerdo score`: delivery, outcome and attribution of each commitment, kept apart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from acuerdo.dialogue.scorecard import Row, Scorecard
    from acuerdo.dialogue.wording import ScoreWords


def score(
    as_of: Annotated[
        str | None, typer.Option(help="Day, month (its last day) or 'latest': only what was published by then.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    lang: Annotated[str, typer.Option(help="Language of the words.")] = "en",
    draws: Annotated[int, typer.Option(help="Draws for chances; 0 leaves out chances and attribution.")] = 1000,
    seed: Annotated[int, typer.Option(help="Seed: the same gives the same numbers.")] = 1,
    corridor: Annotated[str | None, typer.Option(help="Corridor; the one installed if there is only one.")] = None,
) -> None:
    """Score the commitments: delivery, outcome and attribution, kept apart, as known on a day."""
    from acuerdo import corridor as corridors
    from acuerdo.attribution.roads import roads_for
    from acuerdo.dialogue.dossier import load_dossier
    from acuerdo.dialogue.scorecard import chances_of, scorecard
    from acuerdo.dialogue.wording import ScoreWords, record
    from acuerdo.figures.store import Figures
    from acuerdo.i18n import Texts
    from acuerdo.timeline import parse_as_of

    home = corridors.load(corridor)
    texts, day = Texts(lang, home), parse_as_of(as_of)
    dossier, figures = load_dossier(home), Figures.open(home)
    chances = chances_of(dossier, figures, day, draws, seed, corridor) if draws else {}
    roads = roads_for(corridor, figures) if draws else {}
    card = scorecard(dossier, figures, day, chances, roads)
    words = ScoreWords(texts, figures.catalogue)
    if as_json:
        typer.echo(json.dumps(record(card, words), ensure_ascii=False, indent=1))
        return
    for line in lines(card, words):
        typer.echo(line)


def lines(card: Scorecard, words: ScoreWords) -> Iterator[str]:
    """Yield the scorecard line by line: what it is, the counts, then each commitment by dialogue."""
    texts = words.texts
    yield texts.t("brief.as_of", day=texts.day(card.day)) if card.day else texts.t("score.latest")
    yield words.total(card.tally())
    if texts.has("score.chosen"):
        yield texts.t("score.chosen")
    for key in ("score.scale", "score.base_rate"):
        yield texts.t(key)
    yield words.agreement(card)
    if written := words.written(card):
        yield written
    titles = {one.id: texts.pick(one.title) for one in card.dialogues}
    for tally in card.tallies():
        yield ""
        yield titles[tally.name].upper()
        yield words.total(tally)
        for row in card.rows:
            if row.promise.dialogue == tally.name:
                yield ""
                yield from row_lines(row, words)


def row_lines(row: Row, words: ScoreWords) -> Iterator[str]:
    """Yield one commitment."""
    texts, promise = words.texts, row.promise
    due = texts.pick(promise.due_words) or (texts.day(promise.due, short=True) if promise.due else "")
    when = texts.t("score.made", day=texts.day(promise.made, short=True))
    if due:
        when += "; " + texts.t("score.due", due=due)
    yield f"{promise.id}  {words.owner(promise.owner)}  {when}"
    yield f"  {texts.pick(promise.text)}"
    yield f"  {texts.t('score.head.delivery')}: {words.status(row)}"
    for view in words.views(row):
        yield f"    {view}"
    if row.differ:
        yield f"    {texts.t('score.differ')}"
    for indicator in row.indicators:
        yield f"  {texts.t('score.head.outcome')}: {words.label(indicator)}: {words.outcome(indicator)}"
        target = [words.standing(indicator, promise.due), words.chance(indicator)]
        if any(target):
            yield f"    {' '.join(filter(None, target))}"
        yield f"  {texts.t('score.head.attribution')}: {'; '.join(words.attribution(indicator))}"
