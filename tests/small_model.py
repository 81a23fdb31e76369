"""A model of one queue, or of one at each of several places, small enough to be calibrated in seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from acuerdo.corridor import Corridor
from acuerdo.engine import ops
from acuerdo.engine.declare import Sector, Variable, assemble
from acuerdo.engine.load import CorridorModel, Process
from acuerdo.engine.priors import Parameter, Prior, Transform
from acuerdo.engine.run import Simulator
from acuerdo.inference.observe import MOST_CARRIED, Data, Observable, _chains
from acuerdo.inference.problem import Problem

_PRIORS = {
    "usual_arrivals": ("person/month", Prior(dist="lognormal", median=1000.0, times=1.5)),
    "service_rate": ("1/month", Prior(dist="lognormal", median=0.5, times=1.6)),
    "pressure_sd": ("1", Prior(dist="lognormal", median=0.1, times=1.5)),
    "pressure_persistence": ("1", Prior(dist="share", median=0.7, low=0.5, high=0.85)),
}
_NOISE = (0.05, 0.08, 0.12)


def _queue(over: str | None) -> Sector:
    sector = Sector("queue")

    @sector.stock("person", over=over, source="test")
    def waiting(usual_arrivals: Any, service_rate: Any) -> Any:
        """People who wait."""
        return usual_arrivals / service_rate

    @sector.flow("person/month", enters="waiting", over=over, source="test")
    def arrivals(usual_arrivals: Any, pressure: Any) -> Any:
        """People who arrive."""
        return usual_arrivals * ops.exp(pressure)

    @sector.flow("person/month", leaves="waiting", over=over, source="test")
    def served(waiting: Any, service_rate: Any) -> Any:
        """People who are served."""
        return waiting * service_rate

    return sector


def build(places: tuple[str, ...] = (), follows: str | None = None) -> CorridorModel:
    """Return the model: with places, arrivals and people who wait at each, with a latent series of its own.

    Args:
        places: members of the dimension, if any.
        follows: variable that the latent series follows.
    """
    over, dimensions = ("place", {"place": places}) if places else (None, {})
    parameters = {
        name: Parameter(name=name, unit=unit, en=name, es=name, prior=prior, source="test", evidence="assumption")
        for name, (unit, prior) in _PRIORS.items()
    }
    for item in parameters.values():
        item.sector = "queue"
    parameters["pressure_sd"].over = over
    given = [Variable(p.name, "parameter", p.unit, p.over, p.en, p.source, "queue") for p in parameters.values()]
    given.append(Variable("pressure", "process", "1", over, "pressure", "test", "queue"))
    model = assemble("small", dimensions, [_queue(over)], given)
    process = Process(
        name="pressure",
        en="pressure",
        es="presión",
        sd=(0.05, 0.1, 0.2),
        persistence=(0.5, 0.7, 0.85),
        sector="queue",
        over=over,
        follows=follows,
    )
    about = {"dimensions": dimensions, "locales": {"en": "en_US", "es": "es_MX"}, "sides": {}}
    return CorridorModel(
        Corridor("small", Path("nowhere"), about),
        model,
        Simulator(model, 2),
        parameters,
        {name: Transform.of(item.prior, places if item.over else ()) for name, item in parameters.items()},
        {"pressure": process},
        {},
        {name: {"en": name, "es": name} for name in model.variables},
    )


def make(months: int = 24, places: tuple[str, ...] = (), follows: str | None = None) -> Problem:
    """Return a calibration to arrivals and to people who wait, all of whose figures are 1,000."""
    built, names = build(places, follows), ["test.arrivals", "test.waiting"]
    index = pd.period_range("2020-01", periods=months, freq="M")
    width, over = len(places) or 1, "place" if places else None
    rows = 2 * months * width
    at, column = np.tile(np.arange(months), 2 * width), np.repeat(np.arange(2 * width), months)
    series = column // width
    labels = [(names[k // width], places[k % width] if places else "ALL") for k in column]
    before, apart = _chains(labels, at, at)
    data = Data(
        columns=[(name, i if places else None) for name in ("arrivals", "waiting") for i in range(width)],
        length=np.ones((months, 2 * width)),
        noises=names,
        labels=labels,
        column=column,
        first=at,
        last=at.copy(),
        kind=series.copy(),  # arrivals are a flow, people who wait a stock
        value=np.full(rows, 1000.0),
        offset=np.full(rows, 5.0),
        poisson=np.ones(rows),
        factor=np.ones(rows),
        noise=series.copy(),
        before=before,
        apart=apart,
        late=np.zeros(rows),
    )
    observables = {
        names[0]: Observable(series=names[0], variable="arrivals", noise=_NOISE, over=over),
        names[1]: Observable(series=names[1], variable="waiting", kind="stock", noise=_NOISE, over=over),
    }
    low, median, high = _NOISE
    by = ("0", "1")
    prior = Prior(
        dist="lognormal", low=dict.fromkeys(by, low), median=dict.fromkeys(by, median), high=dict.fromkeys(by, high)
    )
    figures: Any = None  # the rows are given
    carried = Prior(
        dist="share",
        low=dict.fromkeys(by, 0.02),
        median=dict.fromkeys(by, 0.1),
        high=dict.fromkeys(by, 0.3),
        upper=MOST_CARRIED,
    )
    spreads = Transform.of(prior, by), Transform.of(carried, by)
    return Problem(built, figures, None, index, observables, data, {}, *spreads)
