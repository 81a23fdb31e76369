"""The parts of the benchmark, each a list of rows; opponents of one ratio are measured in turns in one run."""

from __future__ import annotations

import importlib
import os
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from acuerdo.bench import child, native, packages, subset
from acuerdo.bench.clock import Timing, cores, summary, take_turns
from acuerdo.bench.profile import profile
from acuerdo.bench.rows import Row, number, timed
from acuerdo.bench.work import Work, finished, of_projection, scalar_equations
from acuerdo.engine import xmile
from acuerdo.engine.run import place
from acuerdo.errors import AcuerdoError
from acuerdo.projection import Projector, make_projector

Tick = Callable[[], None]
_NEEDED_BYTES = 2e9  # free memory without which the largest number of draws is left out


@dataclass(frozen=True)
class Plan:
    """What to measure and how often.

    Attributes:
        corridor: name of the corridor.
        repeats: of each figure that takes less than a second; slower ones are repeated less.
        draws: draws of the standard run.
        months: months of every run.
        sizes: other numbers of draws.
        profile: also say where the time goes.
    """

    corridor: str
    repeats: int = 21
    draws: int = 1000
    months: int = 36
    sizes: tuple[int, ...] = (200, 10_000)
    profile: bool = False

    @property
    def few(self) -> int:
        """Repeats of what takes seconds."""
        return max(1, self.repeats // 5)


class Bench:
    """Measures the parts of a plan; the standard projection is made once.

    Args:
        plan: what to measure.
        tick: called when a piece of a part is done.
    """

    def __init__(self, plan: Plan, tick: Tick = lambda: None) -> None:
        self.plan, self.tick = plan, tick
        self.projector = self._projector(plan.draws)
        self.work = of_projection(self.projector)
        self.equations = scalar_equations(self.work.simulator.model)
        self.parts: dict[str, Callable[[], list[Row]]] = {
            "model": self.model,
            "engines": self.engines,
            "c": self.c,
            "gradient": self.gradient,
            "packages": self.packages,
            "dask": self.dask,
            "start": self.start,
            "memory": self.memory,
            "brief": self.brief,
        }

    def _projector(self, draws: int) -> Projector:
        return make_projector(None, self.plan.months, draws, 1, self.plan.corridor)

    def model(self) -> list[Row]:
        """The whole model: a run, a what-if, each precision, other numbers of draws."""
        plan, work = self.plan, self.work
        opponents: dict[str, Callable[[], object]] = {
            "run": work.run,
            "what_if": lambda: self.projector.run(noise=False),
            **{precision: work.cast(precision).run for precision in ("float32", "float64")},
        }
        found = take_turns(opponents, plan.repeats)
        self.tick()
        run = found["run"]
        each = run.median / work.draws
        size = f"{work.draws:,} draws x {work.months} months"
        rows = [
            Row("model.equations", "scalar equations of a step", self.equations),
            timed("model.run", f"{size}, as projections run ({work.precision})", run),
            timed("model.what_if", f"{size}, from levers set to arrays of every outcome", found["what_if"]),
            Row("model.draw", "one draw", each * 1e6, "µs", repeats=run.repeats),
            Row(
                "model.equation_step",
                "one scalar equation, step and draw",
                each / (self.equations * work.steps) * 1e9,
                "ns",
                repeats=run.repeats,
            ),
            Row("model.rate", "draws in a second", 1 / each, "1/s", repeats=run.repeats),
        ]
        for precision in ("float32", "float64"):
            ratio = found[precision].median / run.median
            words = f"{size}, {precision}"
            rows.append(timed(f"model.{precision}", words, found[precision], ratio=ratio, against="as projections run"))
        rows += [self._size(draws, each) for draws in plan.sizes]
        return rows + (profile(work, run, plan.repeats) if plan.profile else [])

    def _size(self, draws: int, each: float) -> Row:
        name, words = f"model.{draws}_draws", f"{draws:,} draws x {self.plan.months} months, as projections run"
        if draws > self.plan.draws and _free_bytes() < _NEEDED_BYTES:
            return Row(name, words, note="not measured: less than 2 GB of memory is free")
        found = take_turns({"it": of_projection(self._projector(draws)).run}, self.plan.repeats)["it"]
        self.tick()
        return timed(name, words, found, ratio=found.median / draws / each, against="as long for a draw")

    def engines(self) -> list[Row]:
        """The same model, exported, in other engines: one run of one draw."""
        work, rows, opponents = self.work, [], {}
        words = {"pysd": "one run in PySD, returning what we keep", "simlin": "one run in pysimlin, values left inside"}
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            path = Path(folder) / "model.xmile"
            exported = xmile.to_xmile(
                self.projector.built, work.parameters, work.state, work.inputs, self.projector.months
            )
            path.write_text(exported, encoding="utf-8")
            names = xmile.xmile_names(work.simulator.model)
            keep = [name for variable in work.keep for name in names[variable]]
            for engine, prepare in {"pysd": _pysd, "simlin": _simlin}.items():
                try:
                    opponents[engine] = prepare(path, keep)
                except ImportError:
                    rows.append(Row(f"engines.{engine}", words[engine], note="not measured: not installed"))
                self.tick()
            found = take_turns({**opponents, "ours": work.run}, self.plan.few)
        for engine in opponents:
            ratio, note = _ratio(found[engine], found["ours"], work.draws)
            rows.append(
                timed(f"engines.{engine}", words[engine], found[engine], ratio=ratio, against="our draw", note=note)
            )
        return rows

    def c(self) -> list[Row]:
        """The frozen subset, declared as ours is and written by hand in C."""
        plan, simulator = self.plan, subset.simulator()
        equations, threads = scalar_equations(simulator.model), cores()
        case = subset.case(plan.draws, plan.months)
        parameters, inputs = (place(group, plan.draws, jnp.float32) for group in (case.parameters, case.inputs))
        state = place(simulator.first_state(parameters, inputs, plan.draws), plan.draws, jnp.float32)
        ours = Work(simulator, state, parameters, inputs, subset.KEEP)
        opponents: dict[str, Callable[[], object]] = {"ours": ours.run}
        size = f"subset of {equations} equations, {plan.draws:,} draws x {plan.months} months, float32"
        note = ""
        with tempfile.TemporaryDirectory() as folder:
            try:
                opponents["c"] = native.runner(native.build(Path(folder)), case, threads)[0]
            except AcuerdoError as problem:
                note = f"not measured: {problem}"
            found = take_turns(opponents, plan.repeats)
        self.tick()
        if "c" not in found:
            return [timed("c.ours", f"ours: {size}", found["ours"]), Row("c.hand", f"C: {size}", note=note)]
        ratio, note = _ratio(found["ours"], found["c"])
        step = found["c"].median / (plan.draws * ours.steps * equations) * 1e9
        return [
            timed("c.hand", f"C by hand, {threads} threads: {size}", found["c"], note=f"{step:.2f} ns an equation"),
            timed("c.ours", f"ours: {size}", found["ours"], ratio=ratio, against="C", note=note),
        ]

    def gradient(self) -> list[Row]:
        """Value and gradient, by every parameter, of a number that depends on all that is kept (float64)."""
        rows = []
        for draws in (1, 8):
            work = self.work.first(draws).cast("float64")
            functions: dict[str, Callable[[Any], Any]] = {
                "forward": work.mean_of_all,
                "both": jax.value_and_grad(work.mean_of_all),
            }
            found = take_turns(
                {name: _compiled(function, work.parameters) for name, function in functions.items()},
                self.plan.repeats,
            )
            self.tick()
            what = f"value and gradient, {draws} draw{'s' if draws > 1 else ''} x {work.months} months"
            ratio = found["both"].median / found["forward"].median
            rows.append(timed(f"gradient.{draws}", what, found["both"], ratio=ratio, against="the value alone"))
        return rows

    def packages(self) -> list[Row]:
        """Packages by futures by draws, as the search of priorities runs a generation of them."""
        made = packages.generation(self.plan.corridor)
        found = take_turns({"it": made.run}, self.plan.few)["it"]
        self.tick()
        return [packages.row("packages.rate", "as the search of priorities runs them", made, found)]

    def dask(self) -> list[Row]:
        """The same shared out over local workers, one thread each."""
        rows = []
        for count in (1, 2):
            words = f"the same, shared out over {count} local worker{'s' if count > 1 else ''} of Dask"
            try:
                with packages.workers(count) as client:
                    made = packages.generation(self.plan.corridor, client)
                    found = take_turns({"it": made.run}, self.plan.few)["it"]
                rows.append(packages.row(f"dask.{count}", words, made, found))
            except ImportError:
                rows.append(Row(f"dask.{count}", words, note="not measured: not installed"))
            self.tick()
        return rows

    def start(self) -> list[Row]:
        """What a person waits for before anything runs; processes of their own."""
        commands = {
            "python": ("Python itself", ["-c", "pass"]),
            "import": ("import acuerdo", ["-c", "import acuerdo"]),
            "engine": ("import acuerdo.projection, with JAX", ["-c", "import acuerdo.projection"]),
            "help": ("acuerdo --help", ["-m", "acuerdo.cli", "--help"]),
        }
        turns = {name: partial(child.seconds, command) for name, (_, command) in commands.items()}
        found = take_turns(turns, self.plan.few)
        rows = [timed(f"start.{name}", words, found[name], "s") for name, (words, _) in commands.items()]
        self.tick()
        taken = [
            child.measure("first", self.plan.draws, self.plan.months, self.plan.corridor)
            for _ in range(max(1, self.plan.few // 2))
        ]
        self.tick()
        compiling = summary([it["first"] - it["warm"] for it in taken])
        return [*rows, timed("start.compile", "compiling: a projection's first run less a warm one", compiling, "s")]

    def memory(self) -> list[Row]:
        """Peak memory of a projection with its published series, in processes of their own."""
        rows = []
        for draws in (self.plan.draws, *(n for n in self.plan.sizes if n > self.plan.draws)):
            peak = child.measure("memory", draws, self.plan.months, self.plan.corridor)["peak_mb"]
            words = f"peak memory of a projection, {draws:,} draws x {self.plan.months} months"
            rows.append(Row(f"memory.{draws}", words, peak, "MB"))
            self.tick()
        return rows

    def brief(self) -> list[Row]:
        """The brief from the packaged posterior, in a process of its own."""
        with tempfile.TemporaryDirectory() as folder:
            command = ["-m", "acuerdo.cli", "brief", "--corridor", self.plan.corridor, "--out", folder]
            taken = child.seconds(command)
        self.tick()
        words = "brief in every language, HTML and PDF, cold"
        return [timed("brief.cold", words, summary([taken]), "s")]


PIECES = {
    "model": 3,
    "engines": 2,
    "c": 1,
    "gradient": 2,
    "packages": 1,
    "dask": 2,
    "start": 2,
    "memory": 2,
    "brief": 1,
}
"""How many pieces of each part are ticked off, with the standard sizes."""


def _ratio(one: Timing, other: Timing, times: int = 1) -> tuple[float, str]:
    """Return the ratio of two medians, the other's shared by so many, and the same of processor time in words."""
    by_processor = one.processor / other.processor * times
    return one.median / other.median * times, f"by processor time of all threads: {number(by_processor)} x"


def _compiled(function: Callable[[Any], Any], argument: Any) -> Callable[[], object]:
    fast = jax.jit(function)
    return lambda: finished(fast(argument))


def _pysd(path: Path, keep: list[str]) -> Callable[[], object]:
    model: Any = importlib.import_module("pysd").read_xmile(str(path))
    return lambda: model.run(return_columns=keep)


def _simlin(path: Path, _: list[str]) -> Callable[[], object]:
    simulation: Any = importlib.import_module("simlin").load(path).simulate()

    def run() -> None:
        simulation.reset()
        simulation.run_to_end()

    return run


def _free_bytes() -> float:
    """Return how much memory is free, or infinity where the system does not say."""
    if "SC_AVPHYS_PAGES" not in os.sysconf_names:
        return float("inf")
    return float(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
