"""What a scenario can be taken along as: a labelled dataset (netCDF), and a brief of a few pages (HTML, PDF)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
import xarray as xr
from fastapi import FastAPI, Query, Response

from acuerdo.board import scenario_brief
from acuerdo.board.api import Refusal, RunAnswer, RunRequest
from acuerdo.board.desk import Desk
from acuerdo.board.scheduler import Scheduler
from acuerdo.i18n import Texts
from acuerdo.projection import QUANTILES

MOST_WAITING = 8
_FIGURES = ("without", "with", "change", "change_q05", "change_q95", "p_wrong_sign")
_REFUSALS: dict[int | str, dict[str, Any]] = {
    code: {"model": Refusal, "description": words}
    for code, words in {
        422: "A name or value is not valid; the answer names the nearest valid one.",
        503: "Too many requests wait.",
    }.items()
}
_FILE: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_NETCDF = "application/x-netcdf"
_BRIEFS = {"html": "text/html", "pdf": "application/pdf"}


def _answers(*types: str) -> dict[int | str, dict[str, Any]]:
    return {**_REFUSALS, 200: {"content": dict.fromkeys(types, _FILE), "description": "The file."}}


def add_downloads(app: FastAPI, desk: Desk, run: Callable[[RunRequest], Awaitable[bytes]]) -> Scheduler[bytes]:
    """Add the downloads to a board; return the worker that makes them, one at a time, to be closed with the board.

    Args:
        app: the board.
        desk: what it answers from.
        run: runs a request in its turn, as `POST /api/run` does; returns a `RunAnswer` as JSON.
    """
    makers = Scheduler[bytes](MOST_WAITING)

    async def made(asked: RunRequest, make: Callable[[RunAnswer], bytes], kind: str, name: str) -> Response:
        answer = RunAnswer.model_validate_json(await run(asked))
        content = await asyncio.wrap_future(makers.submit("anyone", 0, lambda: make(answer)))
        named = {"content-disposition": f'attachment; filename="{name}"'}
        return Response(content, media_type=kind, headers=named)

    @app.post(
        "/api/download/netcdf",
        summary="Lines and outcomes of a scenario as a labelled dataset",
        responses=_answers(_NETCDF),
        response_class=Response,
    )
    async def netcdf(asked: RunRequest) -> Response:
        def make(answer: RunAnswer) -> bytes:
            return bytes(dataset(desk, asked, answer).to_netcdf(engine="h5netcdf"))

        return await made(asked, make, _NETCDF, f"{_stem(desk, asked)}.nc")

    @app.post(
        "/api/download/brief",
        summary="A brief of a scenario",
        responses=_answers(*_BRIEFS.values()),
        response_class=Response,
    )
    async def brief(
        asked: RunRequest,
        lang: Annotated[str, Query(max_length=10)] = "en",
        form: Annotated[Literal["html", "pdf"], Query()] = "html",
    ) -> Response:
        texts = Texts(lang, desk.projector.built.corridor)  # a language that there is not is refused here

        def make(answer: RunAnswer) -> bytes:
            content = scenario_brief.content(desk, asked, answer, texts)
            return scenario_brief.html(content).encode() if form == "html" else scenario_brief.pdf(content)

        return await made(asked, make, _BRIEFS[form], f"{_stem(desk, asked)}.{lang}.{form}")

    return makers


def dataset(desk: Desk, asked: RunRequest, answer: RunAnswer) -> xr.Dataset:
    """Return the numbers of an answer with labels, units and sources.

    Each line has dimensions run (without, with the settings), quantile and month; each outcome over the months, named
    `outcome.NAME`, has the dimension figure (mean without and with, mean change, ends of its 90 % interval, chance of
    the other sign). A scenario that sets nothing has only the run without.
    """
    languages = list(desk.projector.built.corridor.about["locales"])
    data: dict[str, xr.DataArray] = {}
    for line in answer.lines:
        known = desk.lines[line.id]
        bands = [line.baseline] if line.scenario is None else [line.baseline, line.scenario]
        attrs = {
            "units": known.unit_label[languages[0]],
            "kind": known.kind,
            "variable": known.variable,
            **{f"label_{lang}": known.label[lang] for lang in languages},
        }
        if known.kind == "series":
            attrs["source"] = desk.history(line.id).source
        values = [[getattr(band, q) for q in QUANTILES] for band in bands]
        data[line.id] = xr.DataArray(np.array(values), dims=("run", "quantile", "month"), attrs=attrs)
    for row in answer.outcomes:
        outcome = desk.projector.outcomes[row.name]
        attrs = {
            "units": outcome.unit,
            "over": outcome.over,
            "sides": ",".join(outcome.sides),
            "prefers": outcome.prefers,
            **{f"label_{lang}": outcome.label[lang] for lang in languages},
        }
        figures = [row.base, row.scenario, row.change, row.q05, row.q95, row.p_wrong_sign]
        data[f"outcome.{row.name}"] = xr.DataArray(np.array(figures), dims=("figure",), attrs=attrs)
    months = pd.PeriodIndex(answer.months, freq="M").to_timestamp()
    runs = ["without", "with"] if answer.lines[0].scenario else ["without"]
    notes = desk.projector.posterior.notes
    found = xr.Dataset(data, {"run": runs, "quantile": list(QUANTILES.values()), "month": months})
    return found.assign_coords(figure=list(_FIGURES)).assign_attrs(
        corridor=desk.projector.built.corridor.name,
        as_of=str(desk.projector.posterior.day or "latest"),
        scenario=answer.scenario,
        settings="; ".join(map(str, desk.check(asked))) or "none",
        held="; ".join(f"{name}={value:g}" for name, value in asked.held.items()) or "none",
        future=asked.future or "as projected",
        draws=desk.projector.draws,
        seed=desk.projector.seed,
        provisional=int(notes.get("provisional", 1)),
        data_digest=str(notes.get("data_digest", "")),
        model_digest=str(notes.get("model_digest", "")),
    )


def _stem(desk: Desk, asked: RunRequest) -> str:
    return f"scenario-{desk.key(asked)[:8]}"


__all__ = ["add_downloads", "dataset"]
