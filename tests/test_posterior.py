"""Posteriors as files: what goes in comes out, and a damaged one is refused."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from acuerdo.errors import DataError
from acuerdo.inference import posterior as posterior_module
from acuerdo.inference.posterior import Posterior


def made(draws: int = 7) -> Posterior:
    rng = np.random.default_rng(0)
    return Posterior(
        date(2023, 9, 29),
        pd.Period("2023-09", "M"),
        rng.standard_normal((5, draws)),
        rng.random((2, draws)),
        rng.random((2, draws)),
        ["a.b", "c.d"],
        rng.standard_normal((1, draws)),
        [("a.b", "X|Y", 2)],
        {"queue": rng.random(draws), "by_place": rng.random((3, draws))},
        {"pressure": rng.random((3, draws))},
        {"deaths": rng.random((12, draws))},
        {"pressure": rng.random((24, 3, 4))},
        rng.standard_normal(9),
        {"method": "m", "provisional": 1, "objective": 1.5},
    )


def test_round_trip(tmp_path):
    one = made()
    one.save(tmp_path / "p.nc")
    two = Posterior.load(tmp_path / "p.nc")
    assert (two.day, two.month, two.noises, two.draws) == (one.day, one.month, one.noises, 7)
    assert two.notes == one.notes
    np.testing.assert_allclose(two.parameters, one.parameters, rtol=1e-6)
    np.testing.assert_allclose(two.mode, one.mode, rtol=1e-6)
    np.testing.assert_allclose(two.gap, one.gap, rtol=1e-6)
    np.testing.assert_allclose(two.carried, one.carried, rtol=1e-6)
    assert two.figures == one.figures
    np.testing.assert_array_equal(two.few, [0, 2, 4, 6])
    for group in ("state", "latent", "recent", "paths"):
        for name, values in getattr(one, group).items():
            np.testing.assert_allclose(getattr(two, group)[name], values, rtol=1e-6)
    assert [p.name for p in tmp_path.iterdir()] == ["p.nc"], "no part of a file is left behind"


def test_where_chains_ended_is_kept_of_a_full_calibration(tmp_path):
    one = made()
    assert one.ends.size == 0, "a quick calibration has no chains"
    one.ends = np.random.default_rng(1).standard_normal((9, 2))
    one.save(tmp_path / "p.nc")
    np.testing.assert_allclose(Posterior.load(tmp_path / "p.nc").ends, one.ends, rtol=1e-6)


def test_taking_draws_takes_the_same_everywhere():
    one = made()
    two = one.take(np.array([3, 3, 0]))
    np.testing.assert_array_equal(two.parameters, one.parameters[:, [3, 3, 0]])
    np.testing.assert_array_equal(two.state["by_place"], one.state["by_place"][:, [3, 3, 0]])
    assert two.paths == {}, "paths of the record belong to few draws only, and those may be gone"


@pytest.mark.parametrize("harm", ["cut", "empty", "text", "missing"])
def test_a_damaged_file_is_refused(tmp_path, harm):
    path = tmp_path / "p.nc"
    made().save(path)
    content = path.read_bytes()
    if harm == "missing":
        path.unlink()
    else:
        path.write_bytes({"cut": content[: len(content) // 2], "empty": b"", "text": b"not a posterior"}[harm])
    with pytest.raises(DataError, match="acuerdo calibrate"):
        Posterior.load(path)


def test_a_search_that_breaks_down_begins_again_from_the_prior(monkeypatch):
    tried = []

    def search(problem, progress, start=None):
        tried.append(start)
        if start is not None or not ends:
            raise np.linalg.LinAlgError
        return "found"

    problem = SimpleNamespace(day=None)
    monkeypatch.setattr(posterior_module, "fit", search)
    monkeypatch.setattr(posterior_module, "_elsewhere", lambda _: np.zeros(3))
    ends = True
    assert posterior_module.search(problem, None) == "found"
    assert [start is None for start in tried] == [False, True]
    ends = False
    with pytest.raises(DataError, match="latest: the search found no most probable point"):
        posterior_module.search(problem, None)
