"""Packages shared out over Dask workers: the same numbers as without, and plain answers where that cannot be."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from acuerdo.bench import packages
from acuerdo.errors import DataError, InputError
from acuerdo.priorities.shared import connect


def test_without_the_extra_it_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"pip install 'acuerdo\[dask\]'"):
        connect("tcp://127.0.0.1:8786")


@pytest.mark.model
@pytest.mark.slow
def test_shared_out_it_gives_the_same():
    alone = packages.generation("us_mexico")
    some = [[], *alone.packages[:70]]  # more than one block
    here = alone.batch.levels(some, [6, 12])
    with packages.workers(2) as client:
        shared = packages.generation("us_mexico", client).batch
        there = shared.levels(some, [6, 12])
        assert np.array_equal(here, there)
        assert shared.runs == alone.batch.runs == len(some) * len(shared.futures) * shared.projector.draws
        assert shared.levels([]).shape == alone.batch.levels([]).shape
        shared.recipe = replace(shared.recipe, posterior="another")
        with pytest.raises(DataError, match="another posterior"):
            shared.levels(some[:1])
