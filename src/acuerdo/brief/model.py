"""The content of a brief, ready to print: every word and number is text, so that templates compute nothing."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Chart:
    """A drawing with its accessible name and description."""

    svg: str
    title: str
    description: str


@dataclass(frozen=True)
class KeyFigure:
    """One figure on the first page or one row of the picture.

    Attributes:
        label: what it is.
        value: the number.
        unit: the unit in words.
        period: what it covers.
        change: change on a year earlier, or empty.
        direction: up, down, flat (within two per cent) or empty.
        change_note: what the change compares with.
        change_short: the same in a word or two.
        note: how it was worked out, or a caution.
        published: when it was first public.
        revised: whether the value is from a later vintage than the day of the brief.
        sources: numbers in the list of sources.
        spark: the course of the series.
    """

    label: str
    value: str
    unit: str
    period: str
    change: str = ""
    direction: str = ""
    change_note: str = ""
    change_short: str = ""
    note: str = ""
    published: str = ""
    revised: bool = False
    sources: tuple[int, ...] = ()
    spark: Chart | None = None


@dataclass(frozen=True)
class FigureGroup:
    """Rows of the picture that belong together."""

    title: str
    rows: tuple[KeyFigure, ...]


@dataclass(frozen=True)
class NamedText:
    """A text with a name before it."""

    name: str
    text: str


@dataclass(frozen=True)
class ReportedFact:
    """A fact as reported, with the figures that were public by then beside it."""

    text: str
    sources: tuple[int, ...] = ()
    checks: tuple[KeyFigure, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class MeetingItem:
    """A meeting as it was known on the day."""

    title: str
    when: str
    when_short: str
    place: str
    status: str
    state: str
    delegations: tuple[NamedText, ...] = ()
    agenda: tuple[str, ...] = ()
    notes: tuple[ReportedFact, ...] = ()
    sources: tuple[int, ...] = ()


@dataclass(frozen=True)
class StatementItem:
    """Something said or written, by whom and on what terms."""

    when: str
    who: str
    attribution: str
    text: str
    sources: tuple[int, ...] = ()


@dataclass(frozen=True)
class CommitmentItem:
    """Something promised."""

    when: str
    owner: str
    text: str
    sources: tuple[int, ...] = ()


@dataclass(frozen=True)
class Talks:
    """The dialogue section: `facts` have figures beside them, `told` have none."""

    upcoming: tuple[MeetingItem, ...] = ()
    recent: tuple[MeetingItem, ...] = ()
    facts: tuple[ReportedFact, ...] = ()
    told: tuple[ReportedFact, ...] = ()
    statements: tuple[StatementItem, ...] = ()
    commitments: tuple[CommitmentItem, ...] = ()
    empty: bool = False


@dataclass(frozen=True)
class FanItem:
    """One projection: `text` stands under the chart, `clause` within a sentence."""

    id: str
    chart: Chart
    text: str
    clause: str


@dataclass(frozen=True)
class Column:
    """A column of the table of measures."""

    side: str
    label: str
    unit: str


@dataclass(frozen=True)
class EffectCell:
    """What a measure changes in one outcome; all empty when it was not worked out."""

    change: str = ""
    interval: str = ""
    wrong: str = ""
    clear: bool = False


@dataclass(frozen=True)
class MeasureRow:
    """One measure."""

    label: str
    setting: str
    evidence: str
    mark: str
    cells: tuple[EffectCell, ...]


@dataclass(frozen=True)
class MeasureTable:
    """The measures of one owner, with some of the outcomes."""

    owner: str
    title: str
    columns: tuple[Column, ...]
    spans: tuple[tuple[str, int], ...]
    rows: tuple[MeasureRow, ...]


@dataclass(frozen=True)
class Measures:
    """What each measure would change."""

    intro: str = ""
    tables: tuple[MeasureTable, ...] = ()
    wide: Chart | None = None
    tall: tuple[Chart, ...] = ()
    chart_note: str = ""
    footnotes: tuple[NamedText, ...] = ()


@dataclass(frozen=True)
class ProgressChart:
    """One figure since the last dialogue: what it did, and of which commitments it tells."""

    chart: Chart
    unit: str
    text: str


@dataclass(frozen=True)
class ProgressItem:
    """One commitment.

    Attributes:
        text: what was promised.
        about: owner and day.
        notes: the views of it, and the chance of meeting it where there is one.
        differ: whether views differ.
        sources: numbers in the list of sources.
    """

    text: str
    about: str
    notes: tuple[str, ...] = ()
    differ: bool = False
    sources: tuple[int, ...] = ()


@dataclass(frozen=True)
class ProgressGroup:
    """Commitments of one status, with their number."""

    state: str
    title: str
    items: tuple[ProgressItem, ...]


@dataclass(frozen=True)
class ProgressTally:
    """Counts of one dialogue: one cell for each status, then the total."""

    name: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Progress:
    """Progress since the last dialogue.

    Attributes:
        intro: since which meetings, and what is counted.
        charts: small multiples.
        columns: heads of the counts.
        tallies: counts by dialogue, the total last.
        groups: commitments made or scored since, by status.
        open: open targets with their chance.
        rest: what is not listed, and why.
        notes: how the commitments were chosen, by whom they were scored, when the tests were written.
    """

    intro: str
    charts: tuple[ProgressChart, ...] = ()
    columns: tuple[str, ...] = ()
    tallies: tuple[ProgressTally, ...] = ()
    groups: tuple[ProgressGroup, ...] = ()
    open: tuple[ProgressItem, ...] = ()
    rest: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class MeasureLine:
    """Who does what from when."""

    who: str
    what: str
    setting: str
    when: str


@dataclass(frozen=True)
class SideLine:
    """What a package brings one side; `text` says the numbers in one sentence."""

    side: str
    gain: str
    interval: str
    cost: str
    backfiring: str
    text: str
    gets: tuple[str, ...]
    gives: tuple[str, ...]


@dataclass(frozen=True)
class PackageItem:
    """One package."""

    letter: str
    title: str
    why: str
    measures: tuple[MeasureLine, ...]
    sides: tuple[SideLine, ...]
    passes: str
    turns: tuple[str, ...]


@dataclass(frozen=True)
class Priorities:
    """Priorities for the coming year.

    Attributes:
        intro: what was compared.
        finding: how many packages are told, or that the zone of agreement is empty.
        summary: the same in one sentence for the first page, with what the first package holds.
        alone: what each side does without agreement.
        packages: best first.
        columns: headings of the table of robustness.
        table: its rows, one for each measure and side: its name, then a cell for each package.
        assumptions: what the packages gain where an assumption of the model is switched off.
        contested: what contested levers would do, and the priors behind it.
        trades: what one side could give that costs it little.
        know: what it would be worth most to know, by side.
        picture: both sides' gains.
        notes: what the numbers mean.
    """

    intro: str
    finding: str
    summary: str
    alone: tuple[NamedText, ...]
    packages: tuple[PackageItem, ...]
    columns: tuple[str, ...]
    table: tuple[tuple[str, ...], ...]
    assumptions: tuple[str, ...]
    contested: tuple[str, ...]
    trades: tuple[str, ...]
    know: tuple[str, ...]
    picture: Chart
    notes: tuple[str, ...]


@dataclass(frozen=True)
class UnknownGroup:
    """Gaps in knowledge of one kind."""

    title: str
    items: tuple[str, ...]


@dataclass(frozen=True)
class SourceItem:
    """One numbered source."""

    number: int
    publisher: str
    table: str
    address: str
    link: str
    vintage: str
    terms: str


@dataclass(frozen=True)
class Brief:
    """A whole brief in one language.

    Attributes:
        lang: language code.
        locale: language tag for the page, as in `en-US`.
        day: the as-of day, YYYY-MM-DD.
        words: fixed words of the templates.
    """

    lang: str
    locale: str
    day: str
    title: str
    corridor: str
    as_of: str
    mark: str
    notice: str
    summary: tuple[NamedText, ...]
    key_figures: tuple[KeyFigure, ...]
    picture: tuple[FigureGroup, ...]
    picture_notes: tuple[str, ...]
    talks: Talks
    outlook_intro: str
    outlook: tuple[FanItem, ...]
    measures: Measures
    unknowns: tuple[UnknownGroup, ...]
    sources: tuple[SourceItem, ...]
    progress: Progress | None = None
    priorities: Priorities | None = None
    words: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the content as plain lists and mappings."""
        return asdict(self)
