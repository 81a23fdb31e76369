"""The order of the tests."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked `longest` begin first, so that no core is left with them alone at the end."""
    items.sort(key=lambda item: item.get_closest_marker("longest") is None)
