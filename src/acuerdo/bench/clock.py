"""Timing on a machine that others use too: opponents take turns, and medians are compared."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Timing:
    """Seconds that something took, and how often it was measured.

    Attributes:
        median: of the repeats.
        lower: lower quartile.
        upper: upper quartile.
        fastest: of the repeats.
        processor: median of the processor time of all threads of this process, which other work disturbs little.
        repeats: how many there were.
    """

    median: float
    lower: float
    upper: float
    fastest: float
    processor: float
    repeats: int


def cores() -> int:
    """Return how many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def summary(seconds: list[float], processor: list[float] | None = None) -> Timing:
    """Return the timing of some seconds, and of the processor time of the same repeats."""
    lower, median, upper = np.quantile(seconds, [0.25, 0.5, 0.75])
    return Timing(
        float(median), float(lower), float(upper), min(seconds), float(np.median(processor or seconds)), len(seconds)
    )


def take_turns(
    opponents: Mapping[str, Callable[[], object]], repeats: int, tick: Callable[[], None] = lambda: None
) -> dict[str, Timing]:
    """Time each opponent `repeats` times, in turns, after one run of each that does not count.

    Args:
        opponents: by name, a function that does the work once and returns when it is done.
        repeats: how many times to measure each.
        tick: called after each round.
    """
    seconds: dict[str, list[float]] = {name: [] for name in opponents}
    processor: dict[str, list[float]] = {name: [] for name in opponents}
    for run in opponents.values():
        run()
    for _ in range(repeats):
        for name, run in opponents.items():
            start, used = time.perf_counter(), time.process_time()
            run()
            seconds[name].append(time.perf_counter() - start)
            processor[name].append(time.process_time() - used)
        tick()
    return {name: summary(seconds[name], processor[name]) for name in opponents}
