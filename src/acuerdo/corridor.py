"""A corridor is a folder with all that is particular to one pair of countries; the machinery finds it by name."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from acuerdo.errors import DataError, unknown_name

_HOME = Path(__file__).parent / "corridors"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same, compiled, where there is one


def read_yaml(path: Path) -> Any:
    """Read one YAML file.

    Raises:
        DataError: the file is missing or is not YAML.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _LOADER)
    except (OSError, UnicodeDecodeError) as problem:
        raise DataError(f"{path}: cannot be read ({problem.__class__.__name__})") from problem
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        reason = getattr(problem, "problem", None) or "syntax"
        raise DataError(f"{path}{line}: not valid YAML ({reason})") from problem


@dataclass(frozen=True)
class Corridor:
    """One pair of countries.

    Attributes:
        name: the folder's name.
        root: the folder.
        about: what `corridor.yaml` says (names, sides, locales, dimension members).
    """

    name: str
    root: Path
    about: dict[str, Any]

    def path(self, *parts: str) -> Path:
        """Return a path inside the folder."""
        return self.root.joinpath(*parts)

    def yaml(self, *parts: str) -> Any:
        """Read a YAML file of the folder."""
        return read_yaml(self.path(*parts))

    def module(self, name: str) -> ModuleType:
        """Import one of the folder's Python modules."""
        return importlib.import_module(f"acuerdo.corridors.{self.name}.{name}")


def available() -> list[str]:
    """Return the names of the corridors that are installed."""
    return sorted(path.parent.name for path in _HOME.glob("*/corridor.yaml"))


@cache
def load(name: str | None = None) -> Corridor:
    """Return the corridor of that name; without a name, the one in ACUERDO_CORRIDOR, else the first installed.

    Raises:
        InputError: there is no corridor of that name.
    """
    names = available()
    chosen = name or os.environ.get("ACUERDO_CORRIDOR") or (names[0] if names else "")
    if chosen not in names:
        raise unknown_name("corridor", chosen, names)
    root = _HOME / chosen
    return Corridor(chosen, root, read_yaml(root / "corridor.yaml"))
