"""The files of a backtest: tables as CSV and JSON, a page in each language, and the weights of the issued forecast."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from acuerdo.backtest import keep, report
from acuerdo.backtest.evaluate import Evaluation
from acuerdo.backtest.plan import Plan
from acuerdo.backtest.pool import WeightsFile
from acuerdo.figures.store import Figures
from acuerdo.files import write_whole
from acuerdo.i18n import Texts

TABLES = ("points", "scores", "skill", "coverage")


def write_tables(found: Evaluation, plan: Plan, digests: Mapping[str, str], folder: Path) -> list[Path]:
    """Write each table as CSV and all but the points together as JSON; return what was written.

    Raises:
        InputError: the folder cannot be written to.
    """
    paths = []
    for name in TABLES:
        table: pd.DataFrame = getattr(found, name)
        path = folder / f"{name}.csv"
        write_whole(path, table.to_csv(index=False, float_format="%.6g"))
        paths.append(path)
    content: dict[str, Any] = {
        "about": {"origins": [str(day) for day in plan.origins], "horizons": plan.horizons, **digests},
        **{
            name: json.loads(getattr(found, name).to_json(orient="records", double_precision=10)) for name in TABLES[1:]
        },
        "weights": found.final,
    }
    path = folder / "backtest.json"
    write_whole(path, json.dumps(content, ensure_ascii=False, indent=1) + "\n")
    return [*paths, path]


def write_pages(
    plan: Plan,
    whole: int,
    found: Evaluation,
    figures: Figures,
    forecasts: Mapping[date, keep.Kept],
    languages: Sequence[Texts],
    digests: Mapping[str, str],
    folder: Path,
) -> list[Path]:
    """Write the page in each language; return what was written. Arguments as for `report.pages`."""
    paths = []
    for texts in languages:
        path = folder / f"backtest_{texts.lang}.html"
        write_whole(path, report.pages(plan, whole, found, figures, forecasts, texts, digests))
        paths.append(path)
    return paths


def weights_file(found: Evaluation, plan: Plan, digests: Mapping[str, str]) -> WeightsFile:
    """Return the weights of the issued forecast as the corridor keeps them, tied to the `model` and `data` digests."""
    about = {"origins": [str(day) for day in plan.origins], "horizons": plan.horizons, "data_digest": digests["data"]}
    return WeightsFile(digests["model"], found.tables, found.final, found.counts, about)
