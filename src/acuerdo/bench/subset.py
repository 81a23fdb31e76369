"""The frozen subset: a small model with the mechanisms of the whole one, declared here and written by hand in subset.c.

It has transit, a border, a queue with a waiting time, a choice between queue and crossing, beliefs that follow, flows
that share what a stock can give, and a dimension of twelve members. It never changes, so that ratios of different days
can be compared; a change of an equation here is a change of `subset.c`, and a test compares their numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from acuerdo.engine import units
from acuerdo.engine.declare import Kind, Model, Sector, Variable, assemble
from acuerdo.engine.ops import exp, log, maximum, ratio, total
from acuerdo.engine.run import Simulator

Floats = npt.NDArray[np.floating[Any]]
MEMBERS = tuple(f"place_{number}" for number in range(1, 13))
PLACE = "place"
STEPS = 2
KEEP = ("crossings", "admitted", "in_queue", "wait", "crossings_total")

# name, unit, over, median, spread of its logarithm; in the order in which subset.c reads them
_PARAMETERS: tuple[tuple[str, str, str | None, float, float], ...] = (
    ("base_departures", "person/month", PLACE, 8000.0, 0.5),
    ("exposure", "1", PLACE, 0.8, 0.2),
    ("queue_taste", "1", PLACE, 0.3, 0.4),
    ("queue_first", "month", PLACE, 0.5, 0.4),
    ("belief_first", "1", PLACE, 0.3, 0.3),
    ("transit_time", "month", None, 0.6, 0.4),
    ("border_first", "month", None, 0.7, 0.3),
    ("deterrence", "1", None, 0.8, 0.4),
    ("season_size", "1", None, 0.2, 0.3),
    ("enforcement_effect", "1", None, 0.7, 0.3),
    ("turned_home_share", "1", None, 0.4, 0.3),
    ("acting_rate", "1/month", None, 1.6, 0.3),
    ("wait_aversion", "1", None, 0.9, 0.3),
    ("wait_reference", "month", None, 2.0, 0.3),
    ("patience", "month", None, 6.0, 0.3),
    ("abandon_rate", "1/month", None, 0.3, 0.4),
    ("belief_delay", "month", None, 3.0, 0.4),
    ("capacity_build_up", "month", None, 4.0, 0.4),
    ("enforcement_build_up", "month", None, 2.0, 0.4),
)
# the same for inputs; a series that varies by draw runs over the dimension as well
_INPUTS: tuple[tuple[str, Kind, str, str | None], ...] = (
    ("season_wave", "input", "1", None),
    ("capacity_set", "lever", "person/month", None),
    ("enforcement_set", "lever", "1", None),
    ("pressure", "process", "1", PLACE),
)
PARAMETERS = tuple(name for name, *_ in _PARAMETERS)
INPUTS = tuple(name for name, *_ in _INPUTS)

sector = Sector("subset")
_GIVEN = "assumption: made up for the benchmark"


@sector.aux("1", source=_GIVEN)
def season(season_size, season_wave):  # type: ignore[no-untyped-def]
    """Seasonal multiplier of departures."""
    return exp(season_size * season_wave)


@sector.level("person/month", initial="capacity_set", source=_GIVEN)
def capacity(capacity, capacity_set, capacity_build_up, time_step):  # type: ignore[no-untyped-def]
    """Places that the queue offers a month, after build-up."""
    return (capacity_set - capacity) / maximum(capacity_build_up, time_step)


@sector.level("1", initial="enforcement_set", source=_GIVEN)
def enforcement(enforcement, enforcement_set, enforcement_build_up, time_step):  # type: ignore[no-untyped-def]
    """Effort on the way, after build-up."""
    return (enforcement_set - enforcement) / maximum(enforcement_build_up, time_step)


@sector.flow("person/month", enters="in_transit", over=PLACE, source=_GIVEN)
def departures(base_departures, season, pressure, deterrence, belief):  # type: ignore[no-untyped-def]
    """People who set out."""
    return base_departures * season * exp(pressure - deterrence * belief)


@sector.stock("person", over=PLACE, source=_GIVEN)
def in_transit(base_departures, transit_time):  # type: ignore[no-untyped-def]
    """People on the way."""
    return base_departures * transit_time


@sector.aux("1", over=PLACE, source=_GIVEN)
def passage(enforcement_effect, enforcement, exposure):  # type: ignore[no-untyped-def]
    """Share of those who move on that is not stopped."""
    return exp(-enforcement_effect * enforcement * exposure)


@sector.flow("person/month", leaves="in_transit", enters="at_border", over=PLACE, source=_GIVEN)
def arrivals(in_transit, transit_time, time_step, passage):  # type: ignore[no-untyped-def]
    """People who reach the border."""
    return in_transit / maximum(transit_time, time_step) * passage


@sector.flow("person/month", leaves="in_transit", over=PLACE, source=_GIVEN)
def turned_home(in_transit, transit_time, time_step, passage, turned_home_share):  # type: ignore[no-untyped-def]
    """People stopped on the way who give up."""
    return in_transit / maximum(transit_time, time_step) * (1 - passage) * turned_home_share


@sector.stock("person", over=PLACE, source=_GIVEN)
def at_border(base_departures, border_first):  # type: ignore[no-untyped-def]
    """People at the border who have not acted."""
    return base_departures * border_first


@sector.aux("person", source="definition")
def queue_length(in_queue):  # type: ignore[no-untyped-def]
    """People in the queue, all places."""
    return total(in_queue, PLACE)


@sector.aux("month", source="definition")
def wait(queue_length, capacity):  # type: ignore[no-untyped-def]
    """Time that somebody who joins the queue will wait."""
    return ratio(queue_length, capacity)


@sector.aux("1", over=PLACE, source=_GIVEN)
def queue_choice(wait_aversion, wait, wait_reference, queue_taste, deterrence, belief):  # type: ignore[no-untyped-def]
    """Share of those who act that joins the queue."""
    against = wait_aversion * log(1 + wait / wait_reference) - queue_taste - deterrence * belief
    return 1 / (1 + exp(against))


@sector.flow("person/month", leaves="at_border", over=PLACE, source=_GIVEN)
def crossings(at_border, acting_rate, queue_choice):  # type: ignore[no-untyped-def]
    """People who cross."""
    return at_border * acting_rate * (1 - queue_choice)


@sector.flow("person/month", leaves="at_border", enters="in_queue", over=PLACE, source=_GIVEN)
def joined(at_border, acting_rate, queue_choice):  # type: ignore[no-untyped-def]
    """People who join the queue."""
    return at_border * acting_rate * queue_choice


@sector.stock("person", over=PLACE, source=_GIVEN)
def in_queue(base_departures, queue_first):  # type: ignore[no-untyped-def]
    """People in the queue."""
    return base_departures * queue_first


@sector.flow("person/month", leaves="in_queue", over=PLACE, source=_GIVEN)
def admitted(capacity, in_queue, queue_length):  # type: ignore[no-untyped-def]
    """People admitted from the queue, each place by its share of it."""
    return capacity * ratio(in_queue, queue_length)


@sector.flow("person/month", leaves="in_queue", enters="at_border", over=PLACE, source=_GIVEN)
def abandoned(in_queue, abandon_rate, wait, patience):  # type: ignore[no-untyped-def]
    """People who leave the queue, more of them the longer it is."""
    return in_queue * abandon_rate * (1 - exp(-(wait / patience)))


@sector.level("1", initial="belief_first", over=PLACE, source=_GIVEN)
def belief(belief, passage, belief_delay, time_step):  # type: ignore[no-untyped-def]
    """What people believe of being stopped; follows what happens."""
    return (1 - passage - belief) / maximum(belief_delay, time_step)


@sector.aux("person/month", source="definition")
def crossings_total(crossings):  # type: ignore[no-untyped-def]
    """People who cross, all places."""
    return total(crossings, PLACE)


@cache
def simulator() -> Simulator:
    """Return the subset, checked, ready to run."""
    words = "Given."
    given = [Variable(name, "parameter", unit, over, words, _GIVEN, "given") for name, unit, over, *_ in _PARAMETERS]
    given += [Variable(name, kind, unit, over, words, _GIVEN, "given") for name, kind, unit, over in _INPUTS]
    model: Model = assemble("subset", {PLACE: MEMBERS}, [sector], given)
    units.check(model)
    return Simulator(model, STEPS)


@dataclass(frozen=True)
class Case:
    """What one run of the subset is given.

    Attributes:
        parameters: by name, shape (draws,) or (members, draws).
        inputs: by name, shape (months, 1) or (months, members, draws).
    """

    parameters: Mapping[str, Floats]
    inputs: Mapping[str, Floats]


def case(draws: int, months: int, dtype: npt.DTypeLike = np.float32, seed: int = 1) -> Case:
    """Return parameters and inputs of a run: a queue that is at times longer and at times shorter than what it offers.

    Args:
        draws: number of draws.
        months: number of months.
        dtype: precision.
        seed: the same gives the same numbers.
    """
    rng = np.random.default_rng(seed)
    parameters = {}
    for name, _, over, median, spread in _PARAMETERS:
        shape = (len(MEMBERS), draws) if over else (draws,)
        parameters[name] = median * np.exp(spread * rng.standard_normal(shape))
    month = np.arange(months)[:, None]
    inputs = {
        "season_wave": np.cos(2 * np.pi * month / 12),
        "capacity_set": np.where(month < months // 2, 20000.0, 90000.0),
        "enforcement_set": np.where(month < months // 3, 0.2, 1.0),
        "pressure": 0.3 * rng.standard_normal((months, len(MEMBERS), draws)),
    }
    return Case(
        {name: np.ascontiguousarray(value, dtype) for name, value in parameters.items()},
        {name: np.ascontiguousarray(inputs[name], dtype) for name in INPUTS},
    )
