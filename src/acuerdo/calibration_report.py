"""How far a calibration can be trusted: what it learned, how well it fits, and what its results hang on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import arviz as az
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import pandas as pd

from acuerdo.effects import over_horizon
from acuerdo.engine.load import CorridorModel
from acuerdo.figures.store import Figures
from acuerdo.inference.observe import STUDENT_DF, predict, spread
from acuerdo.inference.posterior import Posterior
from acuerdo.inference.problem import Problem, make_problem
from acuerdo.projection import Projector

Floats = npt.NDArray[np.float64]
Tick = Callable[[str], None]
QUANTILES = {"q05": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95}
REPLICAS = 20
"""Noise drawn for each kept path in predictive checks."""
HORIZON = 12
_SHUFFLES = 100
SENSITIVE = 0.05
"""Power-scaling sensitivity above which a prior is said to matter (Kallioinen and others, 2024)."""


@dataclass(frozen=True)
class Check:
    """Published figures of one member of a series against what the calibrated model would publish.

    Attributes:
        series: the series.
        member: its member.
        rows: columns month (of the window's end), length (months), value and quantiles, all per month for sums.
        inside_50: share of the figures inside the 50 % interval.
        inside_90: share inside the 90 % interval.
    """

    series: str
    member: str
    rows: pd.DataFrame
    inside_50: float
    inside_90: float


@dataclass(frozen=True)
class Report:
    """What the page on a calibration shows.

    Attributes:
        posterior: the calibration.
        learned: one row a parameter and member; see `learned`.
        chains: R-hat and effective sizes by parameter of the draws kept, or None where there are no chains.
        checks: predictive checks.
        coverage: by series: figures, share inside the 50 and 90 % intervals.
        pairs: see `inseparable`.
        own: power-scaling sensitivity of each parameter to its own prior.
        outcomes: power-scaling sensitivity of outcomes (columns) to the prior of each parameter (rows).
        together: of outcomes, to all those priors at once.
        chance: of outcomes, what luck of the draws makes where there is none; see `sensitivity_by_chance`.
    """

    posterior: Posterior
    learned: pd.DataFrame
    chains: pd.DataFrame | None
    checks: list[Check]
    coverage: pd.DataFrame
    pairs: pd.DataFrame
    own: pd.Series[float]
    outcomes: pd.DataFrame
    together: pd.Series[float]
    chance: pd.DataFrame


def make(built: CorridorModel, figures: Figures, posterior: Posterior, tick: Tick | None = None) -> Report:
    """Examine a posterior.

    Args:
        built: the model.
        figures: the snapshot.
        posterior: of that model.
        tick: called with a name as each of `pieces(built)` is done.
    """

    def done(name: str) -> None:
        if tick:
            tick(name)

    table = learned(built, posterior.parameters)
    done("parameters")
    problem = make_problem(built, figures, posterior.day)
    checks = predictive_checks(problem, posterior)
    done("figures")
    projector = Projector(built, figures, posterior, HORIZON, posterior.draws, seed=1)
    ensemble = projector.run(noise=False)
    results = {name: over_horizon(outcome, ensemble, HORIZON) for name, outcome in projector.outcomes.items()}
    done("outcomes")
    z = projector.posterior.parameters
    own, outcomes, together = prior_sensitivity(z, names(built), results, done)
    chance = sensitivity_by_chance(z, results, done)
    return Report(
        posterior,
        table,
        mixing(built, posterior),
        checks,
        coverage(checks),
        inseparable(posterior.parameters, names(built)),
        own,
        outcomes,
        together,
        chance,
    )


def pieces(built: CorridorModel) -> int:
    """Return how many pieces of work a report is made of."""
    return 3 + 2 * built.size


def names(built: CorridorModel) -> list[str]:
    """Return the name of each unknown parameter, with its member where it has one."""
    return [f"{name}[{member}]" if member else name for name, member in built.labels()]


def learned(built: CorridorModel, z: Floats) -> pd.DataFrame:
    """Return what the figures taught about each parameter.

    Args:
        built: the model.
        z: standard normal unknowns of the parameters, (size, draws).

    Returns:
        A row a parameter and member, by name: parameter, member, sector, evidence, unit; `shift`, the move of the mean
        in prior standard deviations; `sd`, the posterior standard deviation over the prior's; `shrinkage`, 1 - sd**2
        (below zero where the posterior is wider); `bits`, how much was learned (divergence of posterior from prior,
        both taken as normal); quantiles in prior standard deviations; and the 5, 50 and 95 % points
        of prior and posterior in the parameter's unit.
    """
    labels = built.labels()
    quantiles = np.quantile(z, list(QUANTILES.values()), axis=1)
    prior_points = np.repeat(np.array([[-1.6448536269514722, 0.0, 1.6448536269514722]]), built.size, axis=0)
    units = {
        when: _in_units(built, points)
        for when, points in (("prior", prior_points), ("posterior", quantiles[[0, 2, 4]].T))
    }
    shift, sd = z.mean(axis=1), z.std(axis=1)
    items = [built.parameters[name] for name, _ in labels]
    return pd.DataFrame(
        {
            "parameter": [name for name, _ in labels],
            "member": [member for _, member in labels],
            "sector": [item.sector for item in items],
            "evidence": [item.evidence for item in items],
            "unit": [item.unit for item in items],
            "shift": shift,
            "sd": sd,
            "shrinkage": 1 - sd**2,
            "bits": (0.5 * (sd**2 + shift**2 - 1) - np.log(sd)) / np.log(2),
            **dict(zip(QUANTILES, quantiles, strict=True)),
            **{
                f"{when}_{point}": values[:, i]
                for when, values in units.items()
                for i, point in enumerate(("low", "median", "high"))
            },
        },
        index=names(built),
    )


def _in_units(built: CorridorModel, points: Floats) -> Floats:
    """Return points of the standard normal unknowns, (size, points), in the units of the parameters."""
    values = built.values(jnp.asarray(points))
    return np.concatenate([np.asarray(values[name]).reshape(-1, points.shape[1]) for name in built.slices])


def mixing(built: CorridorModel, posterior: Posterior) -> pd.DataFrame | None:
    """Return R-hat and effective sample sizes by parameter of the draws kept, worst first; None without chains."""
    chains = int(posterior.notes.get("chains", 0))
    if chains < 2 or posterior.draws % chains:
        return None
    values = posterior.parameters.T.reshape(chains, -1, posterior.parameters.shape[0])
    data = az.convert_to_dataset({"x": values})
    table = pd.DataFrame(
        {
            "r_hat": az.rhat(data)["x"].values,
            "ess_bulk": az.ess(data, method="bulk")["x"].values,
            "ess_tail": az.ess(data, method="tail")["x"].values,
        },
        index=names(built),
    )
    return table.sort_values("r_hat", ascending=False)


def predictive_checks(problem: Problem, posterior: Posterior) -> list[Check]:
    """Compare every fitted figure with what the posterior would publish for it, noise included.

    The latent series are those kept with the posterior, which have seen the figures: this is a check of fit, and says
    nothing about forecasts.
    """
    data, few = problem.data, posterior.few
    parameters = problem.built.values(jnp.asarray(posterior.parameters[:, few]))
    paths = {name: jnp.asarray(path) for name, path in posterior.paths.items()}
    _, outputs = problem.follow(parameters, paths, data.variables)
    mean = np.maximum(np.asarray(predict(data, outputs)), 0.0)
    offset = data.offset[:, None] + 1e-9
    width = np.asarray(
        spread(mean, posterior.noise[data.noise][:, few], offset, data.poisson[:, None], data.late[:, None])
    )
    noise = np.random.default_rng(1).standard_t(STUDENT_DF, (REPLICAS, *mean.shape))
    seen = np.maximum(np.exp(np.log(mean + offset) + width * noise) - offset, 0.0)
    quantiles = np.quantile(seen, list(QUANTILES.values()), axis=(0, 2))
    length = data.last - data.first + 1
    table = pd.DataFrame(
        {
            "month": problem.months[data.last],
            "length": length,
            "value": data.value,
            **dict(zip(QUANTILES, quantiles, strict=True)),
        }
    )
    shown = ["value", *QUANTILES]
    table[shown] = table[shown].div(np.where(data.kind == 0, length, 1), axis=0)
    found = []
    for label in dict.fromkeys(data.labels):
        rows = table[[one == label for one in data.labels]].sort_values("month").reset_index(drop=True)
        within = {
            share: float(((rows["value"] >= rows[low]) & (rows["value"] <= rows[high])).mean())
            for share, low, high in ((50, "q25", "q75"), (90, "q05", "q95"))
        }
        found.append(Check(*label, rows, within[50], within[90]))
    return found


def coverage(checks: list[Check]) -> pd.DataFrame:
    """Return by series, and over all (row `ALL`), how many figures there are and how many lie inside the intervals."""
    table = pd.DataFrame(
        [
            {
                "series": check.series,
                "figures": len(check.rows),
                "inside_50": check.inside_50 * len(check.rows),
                "inside_90": check.inside_90 * len(check.rows),
            }
            for check in checks
        ]
    )
    sums = table.groupby("series", sort=False).sum()
    sums.loc["ALL"] = sums.sum()
    sums[["inside_50", "inside_90"]] = sums[["inside_50", "inside_90"]].div(sums["figures"], axis=0)
    return sums.astype({"figures": int})


def inseparable(z: Floats, labels: list[str], least: float = 0.5) -> pd.DataFrame:
    """Return pairs of parameters whose posterior correlation is `least` or more in size, strongest first.

    A priori parameters are independent: a correlation is what the figures say about the two together and not apart.
    """
    correlation = np.asarray(np.corrcoef(z))
    one, other = np.triu_indices(len(labels), 1)
    found = pd.DataFrame(
        {
            "one": [labels[i] for i in one],
            "other": [labels[j] for j in other],
            "correlation": correlation[one, other],
        }
    )
    found = found[found["correlation"].abs() >= least]
    return found.sort_values("correlation", key=np.abs, ascending=False).reset_index(drop=True)


def prior_sensitivity(
    z: Floats, labels: list[str], results: Mapping[str, Floats], tick: Tick | None = None
) -> tuple[pd.Series[float], pd.DataFrame, pd.Series[float]]:
    """Return how much posterior and results move when priors are made a little narrower or wider.

    Power-scaling (Kallioinen and others, 2024), by ArviZ: the density of a prior is raised to 1.01 and to 1 / 1.01, the
    draws are weighted accordingly with Pareto smoothing, and the distance of the weighted from the plain distribution
    (cumulative Jensen-Shannon) is given per doubling of the power.

    Args:
        z: standard normal unknowns of the parameters, (size, draws).
        labels: their names.
        results: outcomes by name, (draws,).
        tick: called with a name after each parameter.

    Returns:
        Sensitivity of each parameter to its own prior; of results (columns) to the prior of each parameter (rows); and
        of results to all priors at once.
    """
    log_prior = -0.5 * z**2
    wanted = list(results)
    block = np.stack([results[name] for name in wanted], axis=-1)
    own, rows = [], []
    for i, label in enumerate(labels):
        found = _power_scaled(log_prior[i], {"own": z[i], "results": block})
        own.append(float(found["own"]))
        rows.append(found["results"].values)
        if tick:
            tick(label)
    together = _power_scaled(log_prior.sum(axis=0), {"results": block})["results"].values
    return (
        pd.Series(own, index=labels),
        pd.DataFrame(np.array(rows).reshape(len(labels), len(wanted)), index=labels, columns=wanted),
        pd.Series(together, index=wanted),
    )


def sensitivity_by_chance(z: Floats, results: Mapping[str, Floats], tick: Tick | None = None) -> pd.DataFrame:
    """Return what sensitivity of each result luck of the draws makes: they are shuffled, which breaks every link.

    Args:
        z: standard normal unknowns of the parameters, (size, draws).
        results: outcomes by name, (draws,).
        tick: called with a name after each parameter.

    Returns:
        By result: `one`, the largest for any one prior; `together`, the 95 % point for all priors at once.
    """
    rng = np.random.default_rng(1)
    shuffled = rng.permuted(z, axis=1)
    _, single, _ = prior_sensitivity(shuffled, [str(i) for i in range(len(z))], results, tick)
    log_prior = -0.5 * (z**2).sum(axis=0)
    block = {"results": np.stack(list(results.values()), axis=-1)}
    together = [_power_scaled(rng.permutation(log_prior), block)["results"].values for _ in range(_SHUFFLES)]
    return pd.DataFrame(
        {"one": single.max(), "together": np.quantile(together, 0.95, axis=0)}, index=pd.Index(list(results))
    )


def _power_scaled(log_prior: Floats, quantities: Mapping[str, Floats]) -> Any:
    data = az.InferenceData(
        posterior=az.dict_to_dataset({name: values[None] for name, values in quantities.items()}),
        log_prior=az.dict_to_dataset({"prior": log_prior[None]}),
    )
    return az.psens(data, component="prior")


__all__ = [
    "HORIZON",
    "SENSITIVE",
    "Check",
    "Report",
    "coverage",
    "inseparable",
    "learned",
    "make",
    "mixing",
    "names",
    "pieces",
    "predictive_checks",
    "prior_sensitivity",
    "sensitivity_by_chance",
]
