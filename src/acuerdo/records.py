"""Lists of records in a corridor's YAML: read whole or refused, with file, line, record, field and what is allowed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError, ValidationInfo
from pydantic_core import PydanticCustomError

from acuerdo.corridor import Corridor
from acuerdo.errors import DataError, InputError, nearest_name

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


def one_of(name: str) -> AfterValidator:
    """Return a check that a value is among the names that the reader of the file gave as its context `name`."""

    def check(value: str, info: ValidationInfo) -> str:
        choices = (info.context or {}).get(name)
        if choices is not None and value not in choices:
            raise PydanticCustomError("one_of", "{expected}", {"expected": ", ".join(choices)})
        return value

    return AfterValidator(check)


CODERS = ("coder_1", "coder_2")
"""Independent coders of commitments, by role."""

Owner = Annotated[str, one_of("owners")]
"""A side of the corridor, `both`, or `third` for another state or actor."""


class Record(BaseModel):
    """Base of everything read from a corridor's YAML: exact types, no unknown fields, nothing changed later."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, populate_by_name=True)


R = TypeVar("R", bound=BaseModel)
R_co = TypeVar("R_co", bound=BaseModel, covariant=True)


@dataclass(frozen=True)
class Found(Generic[R_co]):
    """A record and where it stands in its file."""

    record: R_co
    label: str
    path: Path
    node: yaml.MappingNode

    def where(self, *field: str | int) -> str:
        """File and line of the record, or of one of its fields."""
        return f"{self.path}, line {_line(self.node, field)}"


def contexts(corridor: Corridor) -> dict[str, list[str]]:
    """Return the names of the corridor against which records are checked: its sides, owners, coders and languages."""
    sides = list(corridor.about["sides"])
    return {
        "sides": sides,
        "owners": [*sides, "both", "third"],
        "coders": [*sides, *CODERS],
        "languages": list(corridor.about.get("locales", {})),
    }


def read_records(
    path: Path,
    model: type[R],
    label: Sequence[str] = ("id",),
    key: str | None = None,
    context: Mapping[str, Sequence[str]] | None = None,
    optional: bool = False,
) -> list[Found[R]]:
    """Read a YAML file that holds a list of records of one kind.

    Args:
        path: the file.
        model: the kind of record.
        label: the fields by which a message names a record.
        key: for a file with several lists by name, the name of the list.
        context: the corridor's own names, for the checks that need them (see `contexts`).
        optional: whether the file may be missing, which stands for an empty list.

    Raises:
        DataError: the file is missing, is not YAML or is not a list.
        InputError: a record is not valid; the message names file, line, record, field and what is allowed.
    """
    if optional and not path.exists():
        return []
    root, loader = _compose(path)
    if key is not None and isinstance(root, yaml.MappingNode):
        root = next((value for name, value in root.value if name.value == key), None)
    if not isinstance(root, yaml.SequenceNode):
        raise DataError(f"{path}: must be a list of entries" if key is None else f"{path}: has no list named {key!r}")
    found = []
    for number, node in enumerate(root.value, start=1):
        _refuse_repeated_fields(path, node)
        try:
            data = loader.construct_object(node, deep=True)
        except ValueError:
            raise _impossible(node, path, f"entry {number}") from None
        if not isinstance(node, yaml.MappingNode):
            raise InputError(
                f"entry {number}", data, "fields and their values", where=f"{path}, line {node.start_mark.line + 1}"
            )
        name = " ".join(str(data[field]) for field in label if field in data) or f"entry {number}"
        try:
            record = model.model_validate(data, context=context)
        except ValidationError as problem:
            raise _as_input_error(problem, model, name, path, node) from None
        found.append(Found(record, name, path, node))
    return found


def read_record(
    path: Path, model: type[R], expected: str, context: Mapping[str, Sequence[str]] | None = None
) -> Found[R]:
    """Read a YAML file that holds one record; messages name it by the file's name without its ending.

    Args:
        path: the file.
        model: the kind of record.
        expected: what the file should hold, for the message when it holds no fields at all.
        context: the corridor's own names, for the checks that need them (see `contexts`).

    Raises:
        DataError: the file is missing, is not YAML or does not hold fields.
        InputError: the record is not valid; the message names file, line, field and what is allowed.
    """
    root, loader = _compose(path)
    if not isinstance(root, yaml.MappingNode):
        raise DataError(f"{path}: {expected} is expected")
    _refuse_repeated_fields(path, root)
    try:
        record = model.model_validate(loader.construct_object(root, deep=True), context=context)
    except ValidationError as problem:
        raise _as_input_error(problem, model, path.stem, path, root) from None
    return Found(record, path.stem, path, root)


def _compose(path: Path) -> tuple[yaml.Node | None, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise DataError(f"{path}: cannot be read ({problem.__class__.__name__})") from problem
    loader_class = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        loader = loader_class(text)
        return loader.get_single_node(), loader
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise DataError(f"{path}{line}: not valid YAML ({getattr(problem, 'problem', None) or 'syntax'})") from problem


def _refuse_repeated_fields(path: Path, node: yaml.Node) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                raise InputError("field", key.value, "each field once", where=f"{path}, line {key.start_mark.line + 1}")
            seen.add(key.value)
            _refuse_repeated_fields(path, value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_repeated_fields(path, value)


def _impossible(node: yaml.Node, path: Path, name: str) -> InputError:
    """Return the error for the first value that looks like a day, a time or a number and is none (2021-09-31)."""
    if isinstance(node, yaml.MappingNode):
        name = next((value.value for key, value in node.value if key.value == "id"), name)
    for steps, scalar in _scalars(node):
        try:
            yaml.safe_load("" if scalar.style in {"'", '"', "|", ">"} else scalar.value)
        except ValueError:
            where = f"{path}, line {scalar.start_mark.line + 1}"
            return InputError(f"{name}, {'.'.join(steps)}", scalar.value, "a valid date or number", where=where)
    return InputError(name, "the entry", "valid dates and numbers", where=f"{path}, line {_line(node, ())}")


def _scalars(node: yaml.Node, steps: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], yaml.ScalarNode]]:
    """Yield every plain value under a node, with the fields that lead to it."""
    if isinstance(node, yaml.ScalarNode):
        yield steps, node
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _scalars(value, (*steps, key.value))
    else:
        for number, value in enumerate(node.value):
            yield from _scalars(value, (*steps, str(number)))


def _line(node: yaml.Node, field: Sequence[str | int]) -> int:
    """Line of the innermost part of `field` that the file has."""
    line = node.start_mark.line + 1
    for step in field:
        if isinstance(node, yaml.MappingNode):
            pair = next(((key, value) for key, value in node.value if key.value == step), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
    return line


def _as_input_error(
    problem: ValidationError, model: type[BaseModel], name: str, path: Path, node: yaml.Node
) -> InputError:
    """Turn the first of pydantic's complaints (a misspelt field before a missing one) into one line of ours."""
    details = problem.errors(include_url=False)
    detail = next((one for one in details if one["type"] == "extra_forbidden"), details[0])
    kind, context = detail["type"], detail.get("ctx", {})
    steps = _steps(node, detail["loc"])
    field = ".".join(str(step) for step in steps)
    nearest: str | None = None
    value = detail["input"]
    if kind == "missing":
        value, allowed = None, "a value (the field is required)"
    elif kind == "extra_forbidden":
        fields = [item.alias or field_name for field_name, item in model.model_fields.items()]
        value = str(steps[-1])
        if len(steps) == 1:
            allowed, nearest, field = f"the fields {', '.join(fields)}", nearest_name(value, fields), "field"
        else:
            allowed, field = "no such field here", ".".join(str(step) for step in steps[:-1])
    elif kind in {"literal_error", "one_of"}:
        choices = context["expected"].replace(" or ", ", ").replace("'", "").split(", ")
        allowed, nearest = ", ".join(choices), nearest_name(str(value), choices)
    else:
        allowed = str(context.get("error") or detail["msg"].removeprefix("Input should be "))
        if isinstance(value, dict | BaseModel):
            value = "the entry" if not steps else "what is given"
    return InputError(
        f"{name}, {field}" if field else name, value, allowed, nearest, f"{path}, line {_line(node, steps)}"
    )


def _steps(node: yaml.Node, loc: Sequence[str | int]) -> list[str | int]:
    """Return the part of pydantic's location that the file knows (not the names of the branches of a union)."""
    steps: list[str | int] = []
    here: yaml.Node | None = node
    for step in loc:
        if isinstance(here, yaml.MappingNode):
            steps.append(step)
            here = next((value for key, value in here.value if key.value == step), None)
        elif isinstance(here, yaml.SequenceNode) and isinstance(step, int):
            steps.append(step)
            here = here.value[step] if step < len(here.value) else None
    return steps
