"""Sensitivity, value of information and scenario discovery against answers known in closed form."""

import numpy as np
import pytest
from scipy.stats import norm

from acuerdo.priorities.discovery import inside, prim
from acuerdo.priorities.information import evppi
from acuerdo.priorities.sensitivity import screen, shares

ISHIGAMI = ("x1", "x2", "x3")
RANGE = [(-np.pi, np.pi)] * 3


def ishigami(points):
    x, y, z = points.T
    return (np.sin(x) + 7 * np.sin(y) ** 2 + 0.1 * z**4 * np.sin(x))[:, None]


def test_sobol_shares_of_ishigami():
    found = shares(ishigami, ISHIGAMI, ["y"], 4096, seed=1, bounds=RANGE).set_index("factor")
    assert found["first"].to_numpy() == pytest.approx([0.313905, 0.442411, 0.0], abs=0.02)
    assert found["total"].to_numpy() == pytest.approx([0.557589, 0.442411, 0.243684], abs=0.02)
    for share, known in (("first", [0.313905, 0.442411, 0.0]), ("total", [0.557589, 0.442411, 0.243684])):
        assert (np.abs(found[share] - known) < 2.5 * found[f"{share}_conf"] + 1e-3).all(), (
            "the intervals hold what is known"
        )
        assert (found[f"{share}_conf"] < 0.06).all()


def test_variance_of_ishigami():
    points = np.random.default_rng(1).uniform(-np.pi, np.pi, (400_000, 3))
    assert ishigami(points).var() == pytest.approx(13.844588, rel=0.01)


def test_morris_finds_what_matters_and_what_does_not():
    def evaluate(points):
        x = points.T
        return (3 * x[0] - x[1] + 5 * x[2] * x[3] + 0 * x[4])[:, None]

    found = screen(evaluate, list("abcde"), ["y"], 200, seed=1).set_index("factor")
    assert found.loc["a", "mu_star"] == pytest.approx(3)
    assert found.loc["a", "mu_star_conf"] == pytest.approx(0, abs=1e-9), "the same in every trajectory"
    assert 0 < found.loc["c", "mu_star_conf"] < 0.5
    assert found.loc["a", "sigma"] == pytest.approx(0, abs=1e-9)
    assert found.loc["b", "mu_star"] == pytest.approx(1)
    assert found.loc["e", "mu_star"] == 0
    assert found.loc["c", "mu_star"] == pytest.approx(2.5, rel=0.1)
    assert found.loc["c", "sigma"] > 1


@pytest.mark.parametrize("mean", [-1.0, -0.3, 0.0, 0.5])
def test_value_of_knowing_a_normal_unknown(mean):
    """Nothing, or mean + unknown: knowing it is worth pdf(mean) + mean cdf(mean) - max(mean, 0)."""
    unknown = np.random.default_rng(2).standard_normal(200_000)
    values = np.stack([np.zeros_like(unknown), mean + unknown])
    known = norm.pdf(mean) + mean * norm.cdf(mean) - max(mean, 0)
    assert evppi(values, unknown) == pytest.approx(known, abs=0.005)


def test_knowing_what_does_not_matter_is_worth_nothing():
    rng = np.random.default_rng(3)
    values = np.stack([np.zeros(20_000), 0.1 + rng.standard_normal(20_000)])
    assert evppi(values, rng.standard_normal(20_000)) < 0.01
    assert evppi(values[:1], rng.standard_normal(20_000)) == 0
    assert evppi(values, np.ones(20_000)) == 0


def test_prim_finds_a_known_box():
    """Failures are where a > 0.7 and b < 0.4, with one in twenty elsewhere; c and d do not matter."""
    rng = np.random.default_rng(4)
    inputs = rng.random((6000, 4))
    fails = ((inputs[:, 0] > 0.7) & (inputs[:, 1] < 0.4)) | (rng.random(6000) < 0.05)
    box = prim(inputs, fails, list("abcd"))
    assert box is not None
    assert set(box.limits) == {"a", "b"}
    assert box.limits["a"][0] == pytest.approx(0.7, abs=0.04)
    assert box.limits["b"][1] == pytest.approx(0.4, abs=0.04)
    assert box.limits["a"][1] == np.inf
    assert box.density > 0.93
    assert box.coverage > 0.65
    assert box.mass == pytest.approx(0.12, abs=0.02)


def test_prim_takes_yes_or_no_inputs():
    rng = np.random.default_rng(5)
    inputs = np.stack([rng.random(3000), (rng.random(3000) < 0.3).astype(float)], axis=1)
    fails = inputs[:, 1] > 0.5
    box = prim(inputs, fails, ["x", "surge"])
    assert box is not None
    assert set(box.limits) == {"surge"}
    assert (box.density, box.coverage) == (1, 1)


def test_prim_without_contrast_says_nothing():
    inputs = np.random.default_rng(6).random((100, 2))
    assert prim(inputs, np.zeros(100, bool), ["a", "b"]) is None
    assert prim(inputs, np.ones(100, bool), ["a", "b"]) is None
    assert inside(inputs, np.full(2, -np.inf), np.full(2, np.inf)).all()
