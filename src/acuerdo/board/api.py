"""The forms of the board's API: what it takes and what it answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_MONTHS, MOST_SETTINGS, MOST_HELD, MOST_LINES = 36, 60, 100, 9
MOST_BYTES = 64 * 1024

Name = Annotated[str, Field(min_length=1, max_length=100)]
MonthText = Annotated[str, Field(max_length=7, description="a month, YYYY-MM")]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Words = dict[str, str]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AskedSetting(_Asked):
    """One lever set to a value, or to a factor on what would be without it, from a month on or up to a month."""

    lever: Name
    value: Finite
    start: MonthText | None = Field(default=None, description="first month; the first projected without it")
    end: MonthText | None = Field(default=None, description="last month; no end without it")
    times: bool = Field(default=False, description="the value is a factor")
    ramp: int = Field(default=1, ge=1, le=120, description="months in equal steps until the value is reached")
    member: Name | None = Field(default=None, description="one member of the lever's dimension")


class RunRequest(_Asked):
    """A scenario to run against the outlook without it."""

    client: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")] = Field(
        default="anyone", description="who asks: of the waiting requests of one client only the newest is run"
    )
    number: int = Field(default=0, ge=0, le=2**53, description="rises with every request of a client; 0: keep no order")
    months: int = Field(default=12, ge=1, le=MOST_MONTHS)
    settings: list[AskedSetting] = Field(default_factory=list, max_length=MOST_SETTINGS)
    held: dict[Name, Finite] = Field(
        default_factory=dict, max_length=MOST_HELD, description="assumptions held at a value, in both runs"
    )
    future: Name | None = Field(
        default=None, description="an external future, laid over both runs; the course as projected without it"
    )
    lines: list[Name] = Field(
        default_factory=list, max_length=MOST_LINES, description="series and outcomes; the board's own without it"
    )


class Band(BaseModel):
    """Quantiles by month."""

    q05: list[float]
    q25: list[float]
    q50: list[float]
    q75: list[float]
    q95: list[float]


class LineAnswer(BaseModel):
    """A published series or an outcome ahead, without and with the scenario (None when it sets nothing)."""

    id: str
    baseline: Band
    scenario: Band | None


class Spread(BaseModel):
    """Median and 90 % interval."""

    q05: float
    q50: float
    q95: float


class OutcomeAnswer(BaseModel):
    """One outcome over the months: mean without, mean with, and the change, draw by draw.

    `p_wrong_sign` is the chance that the change has not the sign of its mean.
    """

    name: str
    base: float
    scenario: float
    change: float
    q05: float
    q95: float
    p_wrong_sign: float


class StageAnswer(BaseModel):
    """A stage of a picture at the end of the months, without and with the scenario."""

    baseline: Spread
    scenario: Spread | None


class RunAnswer(BaseModel):
    """What a scenario does."""

    scenario: str = Field(description="hash of the request and of what the board runs: the same gives the same numbers")
    months: list[str]
    lines: list[LineAnswer]
    outcomes: list[OutcomeAnswer]
    pictures: dict[str, list[StageAnswer]]
    levers: dict[str, list[float]] = Field(description="value by month of each lever that is set")


class LeverAbout(BaseModel):
    """A lever: whose it is, in what range, what it was and what it will be if nothing is done."""

    name: str
    variable: str
    sector: str
    owner: str
    label: Words
    unit_label: Words
    help: Words
    range: tuple[float, float]
    step: float
    share: bool = Field(description="a share of something, to be shown in per cent")
    ahead: list[float]
    past: list[float]
    evidence: str
    contested: bool
    source: str
    targets: list[str]


class OutcomeAbout(BaseModel):
    """An outcome: what it is, who cares, and which direction they prefer."""

    name: str
    variable: str
    group: str
    label: Words
    unit_label: Words
    over: Literal["sum", "mean", "end"]
    sides: list[str]
    prefers: Literal["lower", "higher"]


class LineAbout(BaseModel):
    """Something that can be drawn: a published series (of one member) or an outcome by month."""

    id: str
    kind: Literal["series", "outcome"]
    label: Words
    unit_label: Words
    variable: str
    open: bool


class AssumptionAbout(BaseModel):
    """A parameter that can be held at a value inside its 5-95 % range."""

    name: str
    sector: str
    label: Words
    unit: str
    low: float
    median: float
    high: float
    evidence: str
    source: str


class StageAbout(BaseModel):
    """A stage of a picture, as it was at the end of the record (a flow: in the first month ahead)."""

    variables: list[str]
    label: Words
    unit_label: Words
    flow: bool
    now: Spread


class PictureAbout(BaseModel):
    """Where people or goods are now."""

    name: str
    title: Words
    stages: list[StageAbout]


class FutureAbout(BaseModel):
    """An external future: what neither side decides; a `test` is an assumption changed."""

    name: str
    kind: Literal["future", "test"]
    title: Words
    source: str


class PackageAbout(BaseModel):
    """A package of the library, as settings of the months ahead; `problem` says why it cannot be loaded here."""

    name: str
    kind: str
    title: Words
    notes: Words
    owners: list[str]
    settings: list[AskedSetting]
    problem: str | None


class Language(BaseModel):
    """A language of the board, with the tag of its locale."""

    code: str
    tag: str


class About(BaseModel):
    """What there is to set and to see."""

    version: str
    corridor: str
    title: Words
    as_of: str | None = Field(description="the day whose published figures are used; None for all")
    last_recorded: str
    months: list[str]
    draws: int
    provisional: bool
    languages: list[Language]
    sides: dict[str, Words]
    sectors: dict[str, Words]
    members: dict[str, Words]
    levers: list[LeverAbout]
    outcomes: list[OutcomeAbout]
    lines: list[LineAbout]
    assumptions: list[AssumptionAbout]
    futures: list[FutureAbout]


class History(BaseModel):
    """What has been published of a series, by month; months without a figure are None."""

    id: str
    months: list[str]
    values: list[float | None]
    source: str
    address: str
    warnings: list[Words]


class Problem(BaseModel):
    """Why a request was refused."""

    field: str
    value: str
    allowed: str
    nearest: str | None = None
    message: str


class Refusal(BaseModel):
    """The body of every answer of 4xx and 5xx."""

    error: Problem


Described = dict[str, Any]
