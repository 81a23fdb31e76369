"""Build a corridor's model from its equations, parameters, latent series and levers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from math import log
from pathlib import Path
from typing import Any

import jax.numpy as jnp
from pydantic import BaseModel, ConfigDict, ValidationError

from acuerdo import corridor as corridors
from acuerdo.corridor import Corridor
from acuerdo.engine import units
from acuerdo.engine.declare import Model, Sector, Variable, assemble
from acuerdo.engine.priors import Parameter, Prior, Transform
from acuerdo.engine.run import Array, Arrays, Simulator
from acuerdo.errors import DataError
from acuerdo.levers import Lever, load_levers

SEASON = (
    *(f"year_{wave}_{k}" for k in range(1, 6) for wave in ("cos", "sin")),
    "year_cos_6",
    "year_december",
)
"""What is given of the time of the year: every wave that twelve months can tell apart, and 1 in December, else 0."""
STEPS_PER_MONTH = 2

# what the machinery declares by itself, in each language
_GENERATED = {
    "set": {"en": "{label}: value set", "es": "{label}: valor fijado"},
    "announced": {
        "en": "{label}: value announced for the next month",
        "es": "{label}: valor anunciado para el mes siguiente",
    },
    "at_once": {"en": "{label}: in place", "es": "{label}: en vigor"},
    "level": {"en": "{label}: in place, after build-up", "es": "{label}: en vigor, tras su puesta en marcha"},
    "usual": {
        "en": "{label}: what people have got used to",
        "es": "{label}: aquello a lo que la gente se ha acostumbrado",
    },
    "felt": {"en": "{label}: as felt by those who decide", "es": "{label}: según lo perciben quienes deciden"},
    "build_up": {"en": "{label}: time to build up", "es": "{label}: tiempo de puesta en marcha"},
    "half_life": {"en": "{label}: half-life of what wears off", "es": "{label}: vida media de lo que se desgasta"},
    "fade": {"en": "{label}: part of the effect that wears off", "es": "{label}: parte del efecto que se desgasta"},
    "cost": {"en": "{label}: public cost of a unit and month", "es": "{label}: costo público de una unidad y mes"},
    "sd": {"en": "{label}: spread of a month's change", "es": "{label}: dispersión del cambio mensual"},
    "persistence": {
        "en": "{label}: part kept from month to month",
        "es": "{label}: parte que se conserva de mes a mes",
    },
    "public_cost": {"en": "Public cost of the levers: {label}", "es": "Costo público de las palancas: {label}"},
    "season": {"en": "Time of the year ({label})", "es": "Época del año ({label})"},
}


class Process(BaseModel):
    """A latent monthly series, with (5 %, median, 95 %) of its spread and persistence.

    `follows` names a variable of the model that the series raises about in proportion in the same month: the sampler
    moves that variable, which figures tell much about, in place of the series.
    """

    model_config = ConfigDict(extra="forbid")

    name: str
    en: str
    es: str
    sd: tuple[float, float, float]
    persistence: tuple[float, float, float]
    sector: str
    over: str | None = None
    follows: str | None = None


@dataclass
class CorridorModel:
    """A corridor's model, ready to run.

    Attributes:
        corridor: the folder it comes from.
        model: checked variables.
        simulator: compiled runner.
        parameters: by name, with prior and evidence.
        transforms: from standard normal to parameter, by name.
        processes: latent series by name.
        levers: by name.
        meanings: of each variable, by language.
    """

    corridor: Corridor
    model: Model
    simulator: Simulator
    parameters: dict[str, Parameter]
    transforms: dict[str, Transform]
    processes: dict[str, Process]
    levers: dict[str, Lever]
    meanings: dict[str, dict[str, str]]
    slices: dict[str, slice] = field(default_factory=dict)

    def __post_init__(self) -> None:
        at = 0
        for name, transform in self.transforms.items():
            if transform.dist != "fixed":
                size = transform.location.shape[0]
                self.slices[name] = slice(at, at + size)
                at += size
        self.size = at

    def members(self, over: str | None) -> tuple[str, ...]:
        """Return the members of a dimension, or none."""
        return self.model.dimensions[over] if over else ()

    def lever_of(self, name: str) -> Lever | None:
        """Return the lever of which a variable is the value set, the value announced or the value in place."""
        return self.levers.get(name.removesuffix("_set").removesuffix("_announced"))

    def values(self, z: Array) -> Arrays:
        """Return every parameter for standard normal `z`, shape (size, draws)."""
        found: Arrays = {}
        for name, transform in self.transforms.items():
            if transform.dist == "fixed":
                found[name] = jnp.asarray(transform.location, z.dtype)
            else:
                part = z[self.slices[name]]
                found[name] = transform(part if self.parameters[name].over else part[0])
        return found

    def labels(self) -> list[tuple[str, str]]:
        """Return parameter and member for each row of `z`."""
        rows = []
        for name in self.slices:
            members = self.members(self.parameters[name].over) or ("",)
            rows += [(name, member) for member in members]
        return rows


def _text(kind: str, label: dict[str, str]) -> dict[str, str]:
    return {lang: form.format(label=label[lang]) for lang, form in _GENERATED[kind].items()}


def _triple(dist: str, triple: Any) -> Prior:
    if isinstance(triple, dict):
        low, median, high = ({m: t[i] for m, t in triple.items()} for i in range(3))
        return Prior(dist=dist, median=median, low=low, high=high)  # type: ignore[arg-type]
    low, median, high = triple
    return Prior(dist=dist, median=median, low=low, high=high)  # type: ignore[arg-type]


class _Builder:
    def __init__(self, corridor: Corridor) -> None:
        self.corridor = corridor
        self.given: list[Variable] = []
        self.parameters: dict[str, Parameter] = {}
        self.processes: dict[str, Process] = {}
        self.meanings: dict[str, dict[str, str]] = {}
        self.levers = load_levers(corridor)

    def variable(
        self, name: str, kind: Any, unit: str, texts: dict[str, str], source: str, sector: str, **more: Any
    ) -> None:
        self.given.append(Variable(name, kind, unit, more.pop("over", None), texts["en"], source, sector, **more))
        self.meanings[name] = texts

    def parameter(self, **entry: Any) -> None:
        item = Parameter(**entry)
        self.parameters[item.name] = item
        texts = {"en": item.en, "es": item.es}
        self.variable(item.name, "parameter", item.unit, texts, item.source, item.sector, over=item.over)

    def read_parameters(self) -> None:
        for name, entry in self.corridor.yaml("model", "parameters.yaml").items():
            try:
                self.parameter(name=name, **entry)
            except (ValidationError, TypeError) as problem:
                first = str(problem).splitlines()
                raise DataError(f"parameters.yaml: {name}: {' '.join(first[1:3]) or first[0]}") from problem

    def read_processes(self) -> None:
        for name, entry in self.corridor.yaml("model", "processes.yaml").items():
            item = Process(name=name, **entry)
            self.processes[name] = item
            label = {"en": item.en, "es": item.es}
            self.variable(
                name, "process", "1", label, "latent series, fitted to the figures", item.sector, over=item.over
            )
            for kind, dist in (("sd", "lognormal"), ("persistence", "share")):
                self.parameter(
                    name=f"{name}_{kind}",
                    unit="1",
                    prior=_triple(dist, getattr(item, kind)),
                    source="assumption",
                    evidence="assumption",
                    sector=item.sector,
                    over=item.over if kind == "sd" else None,
                    **_text(kind, label),
                )

    def declare_lever(self, lever: Lever) -> None:
        name, unit, sector, over = lever.name, lever.unit, lever.sector, lever.over
        self.variable(f"{name}_set", "lever", unit, _text("set", lever.label), lever.source, sector, over=over)
        if lever.announced:
            texts = _text("announced", lever.label)
            self.variable(
                f"{name}_announced", "lever", unit, texts, "policy calendar, anticipated_from", sector, over=over
            )
        self._declare_build_up(lever)
        self.parameter(
            name=f"{name}_cost",
            unit=f"USD/month/({unit})",
            prior=Prior(dist="fixed", median=lever.cost.value),
            source=lever.cost.source,
            evidence="assumption",
            sector=sector,
            **_text("cost", lever.label),
        )
        if lever.half_life is None:
            return
        assert lever.fade is not None
        by_member = over if isinstance(lever.half_life, dict) else None
        self.parameter(
            name=f"{name}_half_life",
            unit="month",
            over=by_member,
            prior=_triple("lognormal", lever.half_life),
            source="assumption",
            evidence="assumption",
            sector=sector,
            **_text("half_life", lever.label),
        )
        self.parameter(
            name=f"{name}_fade",
            unit="1",
            prior=_triple("share", lever.fade),
            source="assumption",
            evidence="assumption",
            sector=sector,
            **_text("fade", lever.label),
        )

        def gets_used(usual: Any, now: Any, half_life: Any) -> Any:
            return (now - usual) * log(2) / half_life

        def felt(now: Any, usual: Any, fade: Any) -> Any:
            return now - fade * usual

        self.variable(
            f"{name}_usual",
            "level",
            unit,
            _text("usual", lever.label),
            "first-order delay",
            sector,
            over=over,
            equation=gets_used,
            depends=(f"{name}_usual", name, f"{name}_half_life"),
            initial=f"{name}_set",
        )
        self.variable(
            f"{name}_felt",
            "aux",
            unit,
            _text("felt", lever.label),
            "register A0.2: size, build-up and decay",
            sector,
            over=over,
            equation=felt,
            depends=(name, f"{name}_usual", f"{name}_fade"),
        )

    def _declare_build_up(self, lever: Lever) -> None:
        name, unit, sector, over = lever.name, lever.unit, lever.sector, lever.over
        if lever.build_up is None:
            self.variable(
                name,
                "aux",
                unit,
                _text("at_once", lever.label),
                "definition: in place at once",
                sector,
                over=over,
                equation=lambda aim: aim,
                depends=(f"{name}_set",),
            )
            return
        self.parameter(
            name=f"{name}_build_up",
            unit="month",
            prior=_triple("lognormal", lever.build_up),
            source="assumption",
            evidence="assumption",
            sector=sector,
            **_text("build_up", lever.label),
        )

        def builds_up(now: Any, aim: Any, build_up: Any, time_step: Any) -> Any:
            return (aim - now) / _longer(build_up, time_step)

        self.variable(
            name,
            "level",
            unit,
            _text("level", lever.label),
            "first-order delay",
            sector,
            over=over,
            equation=builds_up,
            depends=(name, f"{name}_set", f"{name}_build_up", "time_step"),
            initial=f"{name}_set",
        )

    def declare_costs(self) -> None:
        for side, label in self.corridor.about["sides"].items():
            shares = {
                lever.name: 1.0 if lever.owner == side else 0.5
                for lever in self.levers.values()
                if lever.owner in (side, "both")
            }
            names = list(shares)

            def cost(*args: Any, names: list[str] = names, shares: dict[str, float] = shares) -> Any:
                from acuerdo.engine.ops import total

                amount: Any = 0.0
                for i, name in enumerate(names):
                    value = args[i]
                    over = self.levers[name].over
                    amount = amount + shares[name] * args[len(names) + i] * (total(value, over) if over else value)
                return amount

            self.variable(
                f"public_cost_{side}",
                "aux",
                "USD/month",
                _text("public_cost", label),
                "definition: levers by their cost, shared measures by half",
                "costs",
                equation=cost,
                depends=(*names, *(f"{n}_cost" for n in names)),
            )


def _longer(one: Any, other: Any) -> Any:
    from acuerdo.engine.ops import maximum

    return maximum(one, other)


def build(corridor: Corridor) -> CorridorModel:
    """Build and check a corridor's model.

    Raises:
        DataError: a declaration is incomplete, names something unknown, or an equation's units do not balance.
    """
    builder = _Builder(corridor)
    builder.read_parameters()
    builder.read_processes()
    for lever in builder.levers.values():
        builder.declare_lever(lever)
    builder.declare_costs()
    for name in SEASON:
        builder.variable(name, "input", "1", _text("season", {"en": name, "es": name}), "definition", "time")
    sectors: list[Sector] = corridor.module("model").SECTORS
    dimensions = {name: tuple(members) for name, members in corridor.about["dimensions"].items()}
    model = assemble(corridor.name, dimensions, sectors, builder.given)
    units.check(model)
    for process in builder.processes.values():
        check_follows(process, model)
    spanish = (
        corridor.yaml("model", "variables.es.yaml") if corridor.path("model", "variables.es.yaml").exists() else {}
    )
    for variable in model.variables.values():
        builder.meanings.setdefault(variable.name, {"en": variable.meaning, "es": spanish.get(variable.name, "")})
    transforms = {
        name: Transform.of(item.prior, dimensions[item.over] if item.over else ())
        for name, item in builder.parameters.items()
    }
    return CorridorModel(
        corridor,
        model,
        Simulator(model, STEPS_PER_MONTH),
        builder.parameters,
        transforms,
        builder.processes,
        builder.levers,
        builder.meanings,
    )


def check_follows(process: Process, model: Model) -> None:
    """Check that the variable that a series follows is there and has the same members.

    Raises:
        DataError: it is not, or it has others.
    """
    name = process.follows
    if name is None:
        return
    if name not in model.variables:
        near = get_close_matches(name, model.variables, 1)
        hint = f"; nearest: {near[0]}" if near else ""
        raise DataError(f"processes.yaml: {process.name}: follows: no variable {name!r} in the model{hint}")
    over = model.variables[name].over
    if over != process.over:
        raise DataError(f"processes.yaml: {process.name}: follows: {name} is over {over}, not {process.over}")


@cache
def load_model(name: str | None = None) -> CorridorModel:
    """Return the (cached) model of a corridor; see `acuerdo.corridor.load` for the name."""
    return build(corridors.load(name))


def code_digest(paths: Sequence[Path]) -> str:
    """Return a hash of source files, the same on every version of Python."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(paths))).hexdigest()


def model_digest(built: CorridorModel) -> str:
    """Return a hash of the model: declarations, equations, priors, and the code that runs them."""
    digest = hashlib.sha256()
    for v in sorted(built.model.variables.values(), key=lambda v: v.name):
        tree = v.tree() if v.equation is not None else ""
        digest.update(repr((v.name, v.kind, v.unit, v.over, v.leaves, v.enters, v.initial, tree)).encode())
    for name, item in sorted(built.parameters.items()):
        digest.update(f"{name}{item.prior.model_dump_json()}".encode())
    digest.update(str(built.simulator.steps).encode())
    here = Path(__file__).parent
    digest.update(code_digest([here / name for name in ("ops.py", "priors.py", "run.py")]).encode())
    return digest.hexdigest()
