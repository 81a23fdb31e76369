"""The queue of asylum claims against one that keeps every month's claimants apart."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np
import pytest

from acuerdo.corridors.us_mexico.model import asylum

STEP = 0.5
Course = Callable[[float], float]


def in_model(
    arrivals: Callable[[float], float],
    capacity: Callable[[float], float],
    giving_up: float,
    patience: float,
    months: int,
) -> np.ndarray:
    """Pending claims and wait of the model's equations, one row a month."""
    pending, wait, rows = arrivals(0.0) * 3, 3.0, []
    for k in range(int(months / STEP)):
        age = float(asylum.mean_age(wait, giving_up))
        rate = float(asylum.abandonment_rate(giving_up, age, patience, 0.0, 1.0))
        decided = float(asylum.decision_capacity(capacity(k * STEP), 0.9, pending))
        head = float(asylum.head_of_queue(rate, wait))
        change = float(asylum.waiting_time(wait, decided, pending, head, STEP))
        pending += STEP * (arrivals(k * STEP) - decided - rate * pending)
        wait += STEP * change
        if (k + 1) % int(1 / STEP) == 0:
            rows.append((pending, wait))
    return np.array(rows)


def by_cohort(
    arrivals: Callable[[float], float],
    capacity: Callable[[float], float],
    giving_up: float,
    patience: float,
    months: int,
) -> np.ndarray:
    """The same with cohorts of a tenth of a month, the oldest decided first; each claimant gives up by own age."""
    step = 0.1
    queue: deque[list[float]] = deque([age, arrivals(0.0) * step] for age in np.arange(3.0, 0.0, -step))
    rows = []
    for k in range(int(months / step)):
        pending = sum(size for _, size in queue)
        left = step * float(asylum.decision_capacity(capacity(k * step), 0.9, pending))
        while left > 0 and queue:
            taken = min(left, queue[0][1])
            queue[0][1] -= taken
            left -= taken
            if queue[0][1] <= 1e-9:
                queue.popleft()
        for cohort in queue:
            cohort[1] *= np.exp(-step * giving_up * (1 + cohort[0] / patience))
            cohort[0] += step
        queue.append([0.0, arrivals(k * step) * step])
        if (k + 1) % int(1 / step) == 0:
            rows.append((sum(size for _, size in queue), queue[0][0]))
    return np.array(rows)


CASES = {
    "even": (lambda t: 5000.0, lambda t: 3000.0, 0.05, 12.0),
    "overloaded": (lambda t: 10_000.0, lambda t: 2000.0, 0.08, 10.0),
    "surge and decline": (lambda t: 4000.0 + 6000.0 * np.exp(-(((t - 24) / 8) ** 2)), lambda t: 2500.0, 0.06, 12.0),
    "doubled capacity": (lambda t: 6000.0, lambda t: 2000.0 if t < 30 else 4000.0, 0.06, 12.0),
}


@pytest.mark.parametrize("name", CASES)
def test_wait_is_that_of_a_queue_first_in_first_out(name: str) -> None:
    case = CASES[name]
    ours, exact = (f(*case, 60) for f in (in_model, by_cohort))
    settled = slice(12, None)
    np.testing.assert_allclose(ours[settled, 0], exact[settled, 0], rtol=0.15)
    np.testing.assert_allclose(ours[settled, 1], exact[settled, 1], rtol=0.3, atol=1.0)
    # in the end, where nothing changes any more, they agree closely
    np.testing.assert_allclose(ours[-1, 1], exact[-1, 1], rtol=0.15)


def test_without_giving_up_the_wait_is_the_queue_by_what_is_served() -> None:
    """Little's law: 6,000 pending and 1,000 decided a month make a wait of six months."""
    head = float(asylum.head_of_queue(0.002, 6.0))
    assert 1000 / (6000 * head) == pytest.approx(1.0, rel=0.01)


def test_more_decisions_shorten_the_wait_and_fewer_give_up() -> None:
    few, many = (in_model(lambda t: 6000.0, lambda t, c=c: c, 0.06, 12.0, 60)[-1] for c in (2000.0, 4000.0))
    assert many[1] < few[1]
    assert many[0] < few[0]


def test_nobody_waits_less_than_nothing() -> None:
    waits = in_model(lambda t: 8000.0 if t < 24 else 10.0, lambda t: 8000.0, 0.06, 12.0, 60)[:, 1]
    assert np.isfinite(waits).all()
    assert (waits >= 0).all()
