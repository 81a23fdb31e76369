"""What differs between two revisions: declarations, the record of the levers, and the paths of the scenarios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Words = Mapping[str, str]

THRESHOLD = 0.001
RECORD = "record"
"""Name of the scenario that is the past: the months of the record, with the levers as they were."""
_ALIKE = 1e-9  # relative difference that counts as none


# ---- declarations


@dataclass(frozen=True)
class Difference:
    """One thing said of a variable that is not the same in both: in words, before and after."""

    what: str
    before: str
    after: str


@dataclass(frozen=True)
class Declaration:
    """A variable that was added, removed or changed, with what is said of it.

    For one that was added or removed, the differences are its unit, equation, prior and source against nothing.
    """

    name: str
    how: Literal["added", "removed", "changed"]
    kind: str
    sector: str
    differences: tuple[Difference, ...]


def declarations(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]], lang: str = "en"
) -> list[Declaration]:
    """Compare the declarations of two revisions, in order of declaration; those removed come last.

    Args:
        before: for each variable what `describe` says of it, and its equation as a tree (`tree`).
        after: the same of the other revision.
        lang: language of the words.
    """
    old = {entry["name"]: entry for entry in before}
    new = {entry["name"]: entry for entry in after}
    found = []
    for name, entry in new.items():
        if name not in old:
            found.append(_alone(entry, "added", lang))
            continue
        one, other = _facts(old[name], lang), _facts(entry, lang)
        nothing = (None, "")
        differences = tuple(
            Difference(what, one.get(what, nothing)[1], other.get(what, nothing)[1])
            for what in dict.fromkeys([*other, *one])
            if one.get(what, nothing)[0] != other.get(what, nothing)[0]
        )
        if differences:
            found.append(Declaration(name, "changed", entry["kind"], entry["sector"], differences))
    return found + [_alone(entry, "removed", lang) for name, entry in old.items() if name not in new]


def _alone(entry: Mapping[str, Any], how: Literal["added", "removed"], lang: str) -> Declaration:
    told = ("unit", "equation", "prior", "source")
    facts = {what: shown for what, (_, shown) in _facts(entry, lang).items() if what in told}
    differences = [Difference(what, *(("", shown) if how == "added" else (shown, ""))) for what, shown in facts.items()]
    return Declaration(entry["name"], how, entry["kind"], entry["sector"], tuple(differences))


def _facts(entry: Mapping[str, Any], lang: str) -> dict[str, tuple[Any, str]]:
    """Return what is said of a variable: by what it is, something to compare and the words to show for it."""
    facts: dict[str, tuple[Any, str]] = {what: (entry[what], entry[what]) for what in ("kind", "sector", "unit")}
    dimension = entry["dimension"]
    if dimension:
        members = list(dimension["members"])
        facts["dimension"] = ((dimension["name"], members), f"{dimension['name']}: {', '.join(members)}")
    # how a stock changes is told of its flows
    texts = [each["text"] for each in entry["equations"] if not (entry["kind"] == "stock" and each["role"] == "change")]
    if texts:
        facts["equation"] = (entry["tree"] or texts, "; ".join(texts))
    if entry["prior"]:
        exact = (entry["prior"]["distribution"], entry["prior"]["points"])
        facts["prior"] = (exact, entry["prior"]["words"][lang])
    if entry["flow"]:
        facts["flow"] = ((entry["flow"]["from"], entry["flow"]["to"]), entry["flow"]["words"][lang])
    lever = entry["lever"]
    if lever and entry["kind"] == "lever":  # build-up, wearing off and cost are parameters of their own
        words = lever["words"][lang]
        facts["range"] = (lever["range"], words["range"])
        facts["trial"] = (lever["trial"], words["trial"])
        facts["targets"] = (
            lever["targets"],
            ", ".join(f"{name} {share:g}" for name, share in lever["targets"].items()),
        )
        facts["history"] = (lever["history"], "; ".join(words["history"]))
    facts["evidence"] = (entry["evidence"], entry["evidence"] or "")
    facts["source"] = (entry["source"], entry["source"])
    facts["meaning"] = (entry["meanings"], entry["meanings"].get(lang, ""))
    return facts


def records(before: Mapping[str, Any], after: Mapping[str, Any], months: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return the first and the last month in which the record of a lever is not the same, by lever.

    Args:
        before: by lever its values by month, (T,) or (T, members).
        after: the same of the other revision; a lever that only one of them has is left out.
        months: the months.
    """
    found = {}
    for name in before:
        if name in after:
            one, other = np.asarray(before[name], float), np.asarray(after[name], float)
            if one.shape != other.shape:
                found[name] = (months[0], months[-1])
                continue
            apart = ~np.isclose(one, other, rtol=_ALIKE, atol=0.0, equal_nan=True).reshape(len(months), -1).all(axis=1)
            if apart.any():
                at = np.flatnonzero(apart)
                found[name] = (months[at[0]], months[at[-1]])
    return found


# ---- paths


@dataclass(frozen=True)
class Move:
    """How far one path of one scenario moved.

    Changes are relative: the largest gap of any month, with its sign, as a share of the largest value that the path had
    before in that scenario (of the largest it has after, if it was zero throughout).

    Attributes:
        id: outcome or published series.
        member: member of the series, or nothing.
        kind: outcome or observable.
        scenario: name of the scenario.
        month: month of the largest gap at the medians of the priors.
        before, after: values in that month, at the medians.
        unit: their unit.
        change: relative change at the medians.
        low, high: 5 % and 95 % of it over draws of the priors.
        size: the largest of the three without its sign; infinite if a value is not finite in only one revision.
    """

    id: str
    member: str
    kind: str
    scenario: str
    month: str
    before: float
    after: float
    unit: str
    change: float
    low: float
    high: float
    size: float


def moves(before: xr.Dataset, after: xr.Dataset, threshold: float = THRESHOLD) -> list[Move]:
    """Return the paths that moved by more than `threshold`, the largest first; paths and scenarios that both have.

    Args:
        before: `record` (path, past, draw) and `ahead` (scenario, path, month, draw), draw 0 at the medians; the path
            has coordinates id, member, kind and unit.
        after: the same of the other revision, for the same months.
        threshold: relative change up to which a path counts as not moved.
    """
    left, right = common(before, after)
    found = _moved(left["record"].values, right["record"].values, RECORD, left, "past", threshold)
    for scenario in left["scenario"].values:
        one, other = (data["ahead"].sel(scenario=scenario).values for data in (left, right))
        found += _moved(one, other, str(scenario), left, "month", threshold)
    return sorted(found, key=lambda move: -move.size)


def common(before: xr.Dataset, after: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset]:
    """Return both with the paths (same id, member and unit) and scenarios that both have, as ordered in the second."""
    keys = [
        list(zip(*(data[name].values.tolist() for name in ("id", "member", "unit")), strict=True))
        for data in (before, after)
    ]
    shared = [key for key in keys[1] if key in set(keys[0])]
    scenarios = [name for name in after["scenario"].values if name in before["scenario"].values]
    left, right = (
        data.isel(path=[key.index(k) for k in shared]).sel(scenario=scenarios)
        for data, key in zip((before, after), keys, strict=True)
    )
    return left, right


def relative_changes(before: Floats, after: Floats) -> tuple[Floats, Ints]:
    """Return for each path and draw its relative change (see `Move`) and the month of the gap: both (path, draw).

    Args:
        before: values, (path, month, draw).
        after: the same of the other revision; where both are not finite, they count as the same.
    """
    broken = ~(np.isfinite(before) & np.isfinite(after))
    same = broken & ~(np.isfinite(before) | np.isfinite(after))
    gap = np.where(broken, np.where(same, 0.0, np.inf), np.where(broken, 0.0, after) - np.where(broken, 0.0, before))
    at = np.abs(gap).argmax(axis=1)
    largest = np.take_along_axis(gap, at[:, None], axis=1)[:, 0]
    scale = np.abs(np.where(np.isfinite(before), before, 0.0)).max(axis=1)
    scale = np.where(scale > 0, scale, np.abs(np.where(np.isfinite(after), after, 0.0)).max(axis=1))
    return np.divide(largest, scale, out=np.where(np.isinf(largest), np.inf, 0.0), where=scale > 0), at


def _moved(before: Floats, after: Floats, scenario: str, about: xr.Dataset, axis: str, threshold: float) -> list[Move]:
    changes, at = relative_changes(before, after)
    # a quantile that is one of the draws, since between infinite ones there is nothing
    low, high = np.quantile(changes[:, 1:], [0.05, 0.95], axis=1, method="inverted_cdf")
    sizes = np.abs([changes[:, 0], low, high]).max(axis=0)
    months = about[axis].values
    return [
        Move(
            id=str(about["id"].values[i]),
            member=str(about["member"].values[i]),
            kind=str(about["kind"].values[i]),
            scenario=scenario,
            month=str(months[at[i, 0]]),
            before=float(before[i, at[i, 0], 0]),
            after=float(after[i, at[i, 0], 0]),
            unit=str(about["unit"].values[i]),
            change=float(changes[i, 0]),
            low=float(low[i]),
            high=float(high[i]),
            size=float(sizes[i]),
        )
        for i in np.flatnonzero(sizes > threshold)
    ]


def only_in_one(before: xr.Dataset, after: xr.Dataset) -> dict[str, tuple[list[str], list[str]]]:
    """Return the outcomes and series (`paths`) and `scenarios` that only the first, and only the second, has."""

    def names(data: xr.Dataset) -> dict[str, list[str]]:
        parts = zip(*(data[name].values.tolist() for name in ("id", "member", "unit")), strict=True)
        paths = [f"{name} {member} ({unit})".replace("  ", " ") for name, member, unit in parts]
        return {"paths": paths, "scenarios": data["scenario"].values.tolist()}

    one, other = names(before), names(after)
    return {
        what: ([x for x in one[what] if x not in other[what]], [x for x in other[what] if x not in one[what]])
        for what in one
    }
