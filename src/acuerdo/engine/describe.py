"""What a model says about each of its variables: as data, and in words of every language of its corridor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from acuerdo.corridor import Corridor
from acuerdo.engine.declare import TIME_STEP, Variable
from acuerdo.engine.load import CorridorModel
from acuerdo.engine.mathematics import formulas
from acuerdo.engine.signs import points
from acuerdo.errors import unknown_name
from acuerdo.i18n import Texts
from acuerdo.levers import Lever, Rule

Words = dict[str, str]

KINDS: dict[str, Words] = {
    "stock": {"en": "stock", "es": "existencia"},
    "flow": {"en": "flow", "es": "flujo"},
    "aux": {"en": "auxiliary", "es": "auxiliar"},
    "level": {"en": "level", "es": "nivel"},
    "lever": {"en": "lever", "es": "palanca"},
    "parameter": {"en": "parameter", "es": "parámetro"},
    "process": {"en": "latent series", "es": "serie latente"},
    "input": {"en": "given series", "es": "serie dada"},
}
ROLES: dict[str, Words] = {
    "value": {"en": "Value", "es": "Valor"},
    "asked": {"en": "What it asks for", "es": "Lo que pide"},
    "rate": {"en": "Change in a month", "es": "Cambio en un mes"},
    "change": {"en": "Change in a month", "es": "Cambio en un mes"},
    "first": {"en": "First value", "es": "Valor inicial"},
    "path": {"en": "From month to month", "es": "De mes a mes"},
}
EVIDENCE: dict[str, Words] = {
    "strong": {"en": "strong", "es": "fuerte"},
    "moderate": {"en": "moderate", "es": "moderada"},
    "weak": {"en": "weak", "es": "débil"},
    "assumption": {"en": "assumption", "es": "supuesto"},
    "definition": {"en": "definition", "es": "definición"},
}
_WORDS: dict[str, Words] = {
    "moves": {"en": "from {leaves} to {enters}", "es": "de {leaves} a {enters}"},
    "boundary": {"en": "outside the model", "es": "fuera del modelo"},
    "fixed": {"en": "fixed at {median}", "es": "fijo en {median}"},
    "spread": {"en": "{median} ({low} to {high})", "es": "{median} ({low} a {high})"},
    "prior": {
        "en": "median {of}, in brackets the 5 % and 95 % points",
        "es": "mediana {of}; entre paréntesis, los puntos de 5 % y 95 %",
    },
    "others": {"en": "others", "es": "otros"},
    "range": {"en": "{low} to {high} {unit}", "es": "{low} a {high} {unit}"},
    "no_record": {"en": "no record: {value} throughout", "es": "sin registro: {value} en todo momento"},
    "start": {"en": "{value} where nothing else is said", "es": "{value} donde no se dice otra cosa"},
    "series": {"en": "published series {name}", "es": "serie publicada {name}"},
    "held": {"en": "the last value is held", "es": "se mantiene el último valor"},
    "zero": {"en": "then zero", "es": "después cero"},
    "measure": {
        "en": "measure {name} of the policy calendar: {effect}",
        "es": "medida {name} del calendario de políticas: {effect}",
    },
    "number": {"en": "its own number is added", "es": "se suma su propio número"},
    "events": {"en": "{value} in the month of each event", "es": "{value} en el mes de cada suceso"},
    "add": {"en": "{value} more while in force", "es": "{value} más mientras está en vigor"},
    "times": {"en": "times {value} while in force", "es": "por {value} mientras está en vigor"},
    "max": {"en": "at least {value} while in force", "es": "al menos {value} mientras está en vigor"},
    "for": {"en": "for {names}", "es": "para {names}"},
    "except": {"en": "except {names}", "es": "salvo {names}"},
    "targets": {"en": "shared among those it is for", "es": "repartido entre quienes abarca"},
    "from": {"en": "from {day}", "es": "desde el {day}"},
    "to": {"en": "to {day}", "es": "hasta el {day}"},
    "known_from": {"en": "known from {day} on", "es": "conocido desde el {day}"},
    "known_until": {"en": "as known before {day}", "es": "según se sabía antes del {day}"},
    "build_up": {"en": "builds up in {value} months", "es": "puesta en marcha en {value} meses"},
    "at_once": {"en": "in place at once", "es": "en vigor de inmediato"},
    "wears_off": {
        "en": "half-life in months {half_life}; part that wears off {fade}",
        "es": "vida media en meses {half_life}; parte que se desgasta {fade}",
    },
    "lasts": {"en": "does not wear off", "es": "no se desgasta"},
    "cost": {"en": "{value} {unit} ({source})", "es": "{value} {unit} ({source})"},
    "trial_value": {"en": "set to {value}", "es": "fijada en {value}"},
    "trial_times": {"en": "times {value}", "es": "por {value}"},
}


def describe(built: CorridorModel, name: str) -> dict[str, Any]:
    """Return all that the model says about one variable, as plain data.

    The keys are name, kind, sector, unit, dimension (name and members with their words), meanings (by language),
    source, evidence (of a parameter or a lever), equations (role, text, latex), depends_on, used_by, flow (from, to),
    prior (distribution, points by member, words), lever (owner, range, record, build-up, wearing-off, cost, words),
    outcomes and series (where the variable is shown or observed). What does not apply is None or empty.

    Raises:
        InputError: there is no such variable; the message gives the nearest name.
    """
    if name not in built.model.variables:
        raise unknown_name("variable", name, built.model.variables)
    return _describe(built, built.model.variables[name], *links(built), shown(built.corridor))


def catalogue(built: CorridorModel) -> list[dict[str, Any]]:
    """Return `describe` of every variable, in order of declaration."""
    found, places = links(built), shown(built.corridor)
    return [_describe(built, variable, *found, places) for variable in built.model.variables.values()]


def links(built: CorridorModel) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return for each variable what it depends on at once, and what depends on it.

    A stock depends on its flows and on what gives its first value, a flow on the stock that it leaves as well, since
    that holds it to what is there. A variable's own part in its rate and the length of a step are left out.
    """
    model = built.model
    before: dict[str, list[str]] = {name: [] for name in model.variables}
    for name, variable in model.variables.items():
        needs = [*variable.depends, *filter(None, (variable.initial, variable.leaves))]
        before[name] += needs
        for stock in filter(None, (variable.leaves, variable.enters)):
            before[stock].append(name)
        if name in built.processes:
            before[name] += [f"{name}_persistence", f"{name}_sd"]
    after: dict[str, list[str]] = {name: [] for name in model.variables}
    for name in before:
        before[name] = [need for need in dict.fromkeys(before[name]) if need not in (name, TIME_STEP)]
        for need in before[name]:
            after[need].append(name)
    return before, after


def shown(corridor: Corridor) -> dict[str, dict[str, Any]]:
    """Return for each variable the outcomes (name to label) that show it and the published series that observe it."""
    found: dict[str, dict[str, Any]] = {}

    def at(variable: str) -> dict[str, Any]:
        return found.setdefault(variable, {"outcomes": {}, "series": []})

    for name, entry in corridor.yaml("model", "outcomes.yaml").items():
        at(entry["variable"])["outcomes"][name] = entry["label"]
    for name, entry in corridor.yaml("model", "observables.yaml").items():
        for variable in [entry["variable"]] if "variable" in entry else entry["members"].values():
            at(variable)["series"].append(name)
    return found


def _describe(
    built: CorridorModel,
    variable: Variable,
    before: Mapping[str, list[str]],
    after: Mapping[str, list[str]],
    places: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    name = variable.name
    texts = {lang: Texts(lang, built.corridor) for lang in built.corridor.about["locales"]}
    lever, parameter = built.lever_of(variable.name), built.parameters.get(name)
    dimension = None
    if variable.over is not None:
        dimension = {"name": variable.over, "members": dict(built.corridor.about["dimensions"][variable.over])}
    evidence = parameter.evidence if parameter is not None else lever.evidence if lever is not None else None
    return {
        "name": name,
        "kind": variable.kind,
        "sector": variable.sector,
        "unit": variable.unit,
        "dimension": dimension,
        "meanings": dict(built.meanings[name]),
        "source": variable.source,
        "evidence": evidence,
        "equations": [asdict(formula) for formula in formulas(built.model, name)],
        "depends_on": list(before[name]),
        "used_by": list(after[name]),
        "flow": _flow(variable, texts) if variable.kind == "flow" else None,
        "prior": _prior(built, name, texts) if parameter is not None else None,
        "lever": _lever(built, lever, texts) if lever is not None else None,
        "outcomes": dict(places.get(name, {}).get("outcomes", {})),
        "series": list(places.get(name, {}).get("series", [])),
    }


# ---- in words


def number(texts: Texts, value: float, figures: int = 4) -> str:
    """Format a number of the model to so many significant figures, without zeros at the end."""
    exponent = Decimal(f"{value:.{figures}g}").normalize().as_tuple().exponent
    return texts.number(value, max(0, -exponent)) if isinstance(exponent, int) else texts.number(value)


def _say(texts: Texts, key: str, **values: object) -> str:
    return _WORDS[key][texts.lang].format(**values)


def _flow(variable: Variable, texts: Mapping[str, Texts]) -> dict[str, Any]:
    words = {
        lang: _say(
            one,
            "moves",
            leaves=variable.leaves or _say(one, "boundary"),
            enters=variable.enters or _say(one, "boundary"),
        )
        for lang, one in texts.items()
    }
    return {"from": variable.leaves, "to": variable.enters, "words": words}


def _triple(texts: Texts, triple: Iterable[float]) -> str:
    low, median, high = triple
    if low == median == high:
        return number(texts, median, 6)
    return _say(texts, "spread", low=number(texts, low), median=number(texts, median), high=number(texts, high))


def _by_member(texts: Texts, triples: Mapping[str, tuple[float, float, float]]) -> str:
    """Say triples by member; members with the same one are told together."""
    groups: dict[tuple[float, float, float], list[str]] = {}
    for member, triple in triples.items():
        groups.setdefault(tuple(triple), []).append(member)  # type: ignore[arg-type]
    if len(groups) == 1:
        return _triple(texts, next(iter(groups)))
    most = max(groups.values(), key=len)
    rest = len(most) > 3  # the largest group is "others", at the end
    said = [f"{', '.join(m)}: {_triple(texts, t)}" for t, m in groups.items() if not (rest and m is most)]
    said += [f"{_say(texts, 'others')}: {_triple(texts, t)}" for t, m in groups.items() if rest and m is most]
    return "; ".join(said)


def _prior(built: CorridorModel, name: str, texts: Mapping[str, Texts]) -> dict[str, Any]:
    parameter = built.parameters[name]
    found = points(parameter, built.members(parameter.over))
    fixed = parameter.prior.dist == "fixed"
    words = {}
    for lang, one in texts.items():
        said = _by_member(one, found)
        words[lang] = _say(one, "fixed", median=said) if fixed else _say(one, "prior", of=said)
    shape = {"low": 0, "median": 1, "high": 2}
    by_member = {member: {key: triple[i] for key, i in shape.items()} for member, triple in found.items()}
    return {"distribution": parameter.prior.dist, "points": by_member, "words": words}


def _lever(built: CorridorModel, lever: Lever, texts: Mapping[str, Texts]) -> dict[str, Any]:
    about = built.corridor.about
    return {
        "name": lever.name,
        "owner": lever.owner,
        "owner_label": dict(about["both"] if lever.owner == "both" else about["sides"][lever.owner]),
        "label": dict(lever.label),
        "unit_label": dict(lever.unit_label),
        "help": dict(lever.help),
        "range": list(lever.range),
        "start": lever.start,
        "contested": lever.contested,
        "build_up": list(lever.build_up) if lever.build_up else None,
        "half_life": lever.half_life,
        "fade": lever.fade,
        "targets": dict(lever.targets),
        "cost": lever.cost.model_dump(),
        "trial": lever.trial.model_dump(exclude_none=True),
        "history": [rule.model_dump(mode="json", exclude_defaults=True, by_alias=True) for rule in lever.history],
        "evidence": lever.evidence,
        "source": lever.source,
        "words": {lang: _lever_words(lever, one) for lang, one in texts.items()},
    }


def _lever_words(lever: Lever, texts: Texts) -> dict[str, Any]:
    half_life, wear = lever.half_life, _say(texts, "lasts")
    if half_life is not None and lever.fade is not None:
        by_member = half_life if isinstance(half_life, dict) else {"": half_life}
        said = _by_member(texts, by_member)
        wear = _say(texts, "wears_off", half_life=said, fade=_triple(texts, lever.fade))
    kind, amount = ("value", lever.trial.value) if lever.trial.value is not None else ("times", lever.trial.times)
    low, high = (number(texts, end) for end in lever.range)
    return {
        "range": _say(texts, "range", low=low, high=high, unit=lever.unit_label[texts.lang]),
        "build_up": _say(texts, "build_up", value=_triple(texts, lever.build_up))
        if lever.build_up
        else _say(texts, "at_once"),
        "wears_off": wear,
        "cost": _say(
            texts, "cost", value=number(texts, lever.cost.value), unit=lever.cost.unit, source=lever.cost.source
        ),
        "trial": _say(texts, f"trial_{kind}", value=number(texts, amount or 0.0)),
        "history": history_words(lever, texts),
    }


def history_words(lever: Lever, texts: Texts) -> list[str]:
    """Say a lever's record, one line for each rule in the order in which they apply."""
    start = number(texts, lever.start)
    if not lever.history:
        return [_say(texts, "no_record", value=start)]
    return [_say(texts, "start", value=start), *(_rule(rule, texts) for rule in lever.history)]


def _rule(rule: Rule, texts: Texts) -> str:
    said: list[str] = []
    if rule.series is not None:
        said.append(_say(texts, "series", name=rule.series))
        if rule.members:
            said[0] += f" ({', '.join(rule.members)})"
        said.append(_say(texts, "held" if rule.after == "hold" else "zero"))
    elif rule.measure is not None:
        effect = _say(texts, "number")
        for kind in ("events", "add", "max", "times"):
            amount = getattr(rule, kind)
            if amount is not None:
                effect = _say(texts, kind, value=number(texts, amount))
                break
        said.append(_say(texts, "measure", name=rule.measure, effect=effect))
    else:
        said.append(number(texts, rule.value or 0.0))
    if rule.series is None and rule.members:
        said.append(_say(texts, "for", names=", ".join(rule.members)))
    if rule.exclude:
        said.append(_say(texts, "except", names=", ".join(rule.exclude)))
    if rule.targets:
        said.append(_say(texts, "targets"))
    for key, day in (
        ("from", rule.from_),
        ("to", rule.to or rule.until),
        ("known_from", rule.known_from),
        ("known_until", rule.known_until),
    ):
        if day is not None:
            said.append(_say(texts, key, day=texts.day(day, short=True)))
    return f"{', '.join(said)} ({rule.source})"


__all__ = [
    "EVIDENCE",
    "KINDS",
    "ROLES",
    "catalogue",
    "describe",
    "history_words",
    "links",
    "number",
    "shown",
]
