"""Run the standard scenarios with the code of one revision; a script, started in a process of its own.

    python -P runner.py OUT '{"source": ..., "corridor": null, "last": "2024-12", "months": 24, "draws": 40, "seed": 1}'

It uses whatever `acuerdo` the Python path holds, so it asks for little of it: the declarations (`describe.catalogue`),
the record of the levers, priors and latent series, and `Simulator.run`. There is no posterior: parameters are draws of
their priors and the latent series draws of their processes, each from a stream named after it, so that what two
revisions share is drawn alike in both. The first draw is the median of every prior, with latent series at zero.

It writes `declarations.json` and `paths.nc` into the folder OUT, and prints "done/total" after each step.
"""

from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Mapping
from inspect import signature
from pathlib import Path
from types import SimpleNamespace
from typing import Any

NOT_RUN = 3
"""Exit code when the code of the revision has not what this script asks for, or its model cannot be built or run."""


def main(out: Path, wanted: Mapping[str, Any]) -> None:
    """Run the scenarios and write what was declared and what came out."""
    import pandas as pd
    import xarray as xr

    import acuerdo
    from acuerdo.engine.load import load_model
    from acuerdo.figures.store import Figures
    from acuerdo.inference.problem import FIRST_MONTH

    if not Path(acuerdo.__file__).resolve().is_relative_to(Path(wanted["source"]).resolve()):
        raise RuntimeError(f"another acuerdo comes first on the Python path: {acuerdo.__file__}")
    built = load_model(wanted["corridor"])
    figures = Figures.open(built.corridor)
    last = pd.Period(wanted["last"], "M")
    past = pd.period_range(FIRST_MONTH, last, freq="M")
    ahead = pd.period_range(last + 1, periods=wanted["months"], freq="M")
    run = _Run(built, figures, past, ahead, wanted["draws"], wanted["seed"])
    record, scenarios, labels = run.scenarios()
    coords = {
        **{name: ("path", [path[name] for path in run.paths]) for name in ("id", "member", "kind", "unit")},
        "scenario": list(scenarios),
        "past": past.astype(str).tolist(),
        "month": ahead.astype(str).tolist(),
    }
    data = {
        "record": (("path", "past", "draw"), record),
        "ahead": (("scenario", "path", "month", "draw"), list(scenarios.values())),
    }
    xr.Dataset(data, coords=coords).to_netcdf(out / "paths.nc", engine="h5netcdf")
    said = {
        "variables": _declarations(built),
        "record": {name: values.tolist() for name, values in run.base_past.items()},
        "scenarios": labels,
        "labels": {path["id"]: {lang: path["label"][lang] for lang in run.languages} for path in run.paths},
    }
    (out / "declarations.json").write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")


def _declarations(built: Any) -> list[dict[str, Any]]:
    """Return what is said of each variable, with its equation as a tree, which tells more than the words do."""
    from acuerdo.engine.describe import catalogue

    found = []
    for entry in catalogue(built):
        variable = built.model.variables[entry["name"]]
        found.append({**entry, "tree": repr(variable.tree()) if variable.equation is not None else None})
    return found


class _Run:
    def __init__(self, built: Any, figures: Any, past: Any, ahead: Any, draws: int, seed: int) -> None:
        import numpy as np

        from acuerdo.inference.problem import lever_record

        self.built, self.past, self.ahead, self.seed = built, past, ahead, seed
        self.draws = draws + 1  # the first is the median
        self.languages = list(built.corridor.about["locales"])
        levers = lever_record(built, past.append(ahead), figures.as_of(None), None)
        self.base_past = {name: np.asarray(values)[: len(past)] for name, values in levers.items()}
        self.base = {name: np.asarray(values)[len(past) :] for name, values in levers.items()}
        self.paths = self._paths(figures)
        self.keep = tuple(dict.fromkeys(path["variable"] for path in self.paths))
        z = np.zeros((built.size, self.draws))
        for name, rows in built.slices.items():
            z[rows, 1:] = self._rng(name).standard_normal((rows.stop - rows.start, draws))
        self.parameters = built.values(_device(z))
        self.latent = self._latent()

    def _rng(self, name: str) -> Any:
        import numpy as np

        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    def _latent(self) -> dict[str, Any]:
        import numpy as np

        from acuerdo.engine.run import process_paths

        found = {}
        for name, process in self.built.processes.items():
            members = self.built.members(process.over)
            months = len(self.past) + len(self.ahead)
            shape = (months, *([len(members)] if members else []))
            shocks = np.zeros((*shape, self.draws))
            shocks[..., 1:] = self._rng(name).standard_normal((*shape, self.draws - 1))
            persistence, sd = self.parameters[f"{name}_persistence"], self.parameters[f"{name}_sd"]
            found[name] = process_paths(_device(shocks), persistence, sd)
        return found

    def _paths(self, figures: Any) -> list[dict[str, Any]]:
        """Return each outcome, and each member of each observable: where it is found, its unit and its words."""
        from acuerdo.inference.observe import load_observables
        from acuerdo.projection import load_outcomes

        built, found = self.built, []
        for name, outcome in load_outcomes(built.corridor).items():
            said = {"id": name, "member": "", "kind": "outcome", "label": outcome.label, "unit": outcome.unit}
            found.append({**said, "variable": outcome.variable, "row": None, "factor": outcome.factor, "rolling": 1})
        for name, item in load_observables(built.corridor, built.model).items():
            entry = figures.catalogue[name]
            for member, variable, row in item.parts(built.model):
                said = {"id": name, "member": member, "kind": "observable", "label": entry.label, "unit": entry.unit}
                how = {"variable": variable, "row": row, "factor": item.factor, "rolling": item.rolling or 1}
                found.append({**said, **how})
        return found

    def scenarios(self) -> tuple[Any, dict[str, Any], dict[str, dict[str, str]]]:
        """Return the record (path, past, draw), the months ahead of each scenario (path, month, draw), and its words.

        The scenarios are the levers as recorded, all at their lowest, all at their highest, and each alone at the
        setting that the brief tries, if that is another than is recorded.
        """
        import numpy as np

        from acuerdo.effects import setting_label, trial
        from acuerdo.scenario import Setting

        levers = self.built.levers
        cases: dict[str, list[Any]] = {"base": []}
        cases["all_low"] = [Setting(name, lever.range[0]) for name, lever in levers.items()]
        cases["all_high"] = [Setting(name, lever.range[1]) for name, lever in levers.items()]
        stage: Any = SimpleNamespace(base=self.base, members=dict(self.built.model.dimensions))
        labels: dict[str, dict[str, str]] = {}
        for name, lever in levers.items():
            setting, without = trial(stage, lever)
            if not np.isclose(setting.value, without):
                cases[name] = [setting]
                said = setting_label(self.built, lever, setting.value, without)
                labels[name] = {lang: f"{lever.label[lang]}: {words}" for lang, words in said.items()}
        total = len(cases) + 1
        simulator = self.built.simulator
        inputs = self._inputs(self.past, self.base_past, slice(0, len(self.past)))
        state = simulator.first_state(self.parameters, inputs, self.draws)
        state, before = simulator.run(state, self.parameters, inputs, self.keep)
        found, start = {}, len(self.past)
        print(f"1/{total}", flush=True)
        for done, (name, settings) in enumerate(cases.items(), start=2):
            inputs = self._inputs(self.ahead, self._set(settings), slice(start, None))
            _, after = simulator.run(state, self.parameters, inputs, self.keep)
            found[name] = self._read(before, after)
            print(f"{done}/{total}", flush=True)
        record = found["base"][:, :start]
        return record, {name: values[:, start:] for name, values in found.items()}, labels

    def _set(self, settings: list[Any]) -> Any:
        from acuerdo.scenario import apply

        return apply(settings, self.base, self.built.levers, self.ahead, dict(self.built.model.dimensions))

    def _inputs(self, months: Any, levers: Any, part: slice) -> dict[str, Any]:
        from acuerdo.inference.problem import lever_inputs, season_inputs

        latent = {name: values[part] for name, values in self.latent.items()}
        whole: Any = lever_inputs  # until announcements came in, it took the levers alone
        told = whole(self.built, levers) if len(signature(lever_inputs).parameters) > 1 else whole(levers)
        return {**told, **season_inputs(months), **latent}

    def _read(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> Any:
        """Return every path over the record and the months ahead: (path, months, draws)."""
        import numpy as np

        joined = {name: np.concatenate([np.asarray(before[name]), np.asarray(after[name])]) for name in self.keep}
        found = np.empty((len(self.paths), len(self.past) + len(self.ahead), self.draws))
        for at, path in enumerate(self.paths):
            values = joined[path["variable"]]
            values = (values if path["row"] is None else values[:, path["row"]]) * path["factor"]
            found[at] = _rolling(np.broadcast_to(values, found[at].shape), path["rolling"])
        return found


def _rolling(values: Any, months: int) -> Any:
    """Return sums over so many months; not a number where the record is too short for one."""
    import numpy as np

    if months == 1:
        return values
    running = np.concatenate([np.zeros_like(values[:1]), np.cumsum(values, axis=0)])
    sums = running[months:] - running[:-months]
    return np.concatenate([np.full_like(values[: months - 1], np.nan), sums])


def _device(values: Any) -> Any:
    import jax.numpy as jnp

    return jnp.asarray(values)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), json.loads(sys.argv[2]))
    except Exception as problem:  # whatever the code of another time may raise becomes one line for a person
        print(f"{type(problem).__name__}: {' '.join(str(problem).split())}", file=sys.stderr)
        sys.exit(NOT_RUN)
