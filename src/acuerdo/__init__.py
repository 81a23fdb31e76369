"""acuerdo: the shared model, scorecard and briefing book of a bilateral high-level dialogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from acuerdo.projection import project

__version__ = "0.1.0"
__all__ = ["__version__", "project"]


def __getattr__(name: str) -> Any:
    """Import what needs the engine only when it is asked for."""
    if name == "project":
        from acuerdo.projection import project

        return project
    raise AttributeError(f"module 'acuerdo' has no attribute {name!r}")
