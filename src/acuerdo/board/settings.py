"""What a corridor wants its board to show first: read from the corridor's `board.yaml`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from acuerdo.corridor import Corridor
from acuerdo.errors import DataError

Words = dict[str, str]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Chart(_Strict):
    """A chart that is open at first: a published series, or an outcome."""

    id: str
    member: str | None = None


class Stage(_Strict):
    """One place of a picture: variables of the model that are added up, over all members."""

    variables: list[str] = Field(min_length=1)
    label: Words
    unit: Words


class Picture(_Strict):
    """Stages in the order in which people or goods pass through them."""

    name: str
    title: Words
    stages: list[Stage] = Field(min_length=1)


class BoardSettings(_Strict):
    """The corridor's `board.yaml`."""

    charts: list[Chart] = Field(min_length=1, max_length=9)
    sectors: dict[str, Words] = Field(default_factory=dict)
    pictures: list[Picture] = Field(default_factory=list)


def read(corridor: Corridor) -> BoardSettings:
    """Read and check the corridor's `board.yaml`.

    Raises:
        DataError: the file is missing, or an entry is not valid.
    """
    try:
        return BoardSettings.model_validate(corridor.yaml("board.yaml"))
    except ValidationError as problem:
        first = problem.errors()[0]
        raise DataError(f"board.yaml: {'.'.join(map(str, first['loc']))}: {first['msg']}") from problem
