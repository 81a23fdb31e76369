"""What measures do: the change of each side's outcomes when one lever moves, with the same draws on both sides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from acuerdo.engine.load import CorridorModel
from acuerdo.i18n import Texts
from acuerdo.levers import Floats, Lever
from acuerdo.projection import Ensemble, Outcome, Projector
from acuerdo.scenario import Setting

Tick = Callable[[str], None]


def over_horizon(outcome: Outcome, ensemble: Ensemble, months: int) -> Floats:
    """Return one number a draw for the first `months` months: sum, mean or value at the end, as the outcome says."""
    values = ensemble.outputs[outcome.variable][:months] * outcome.factor
    if outcome.over == "sum":
        return np.asarray(values.sum(axis=0))
    return np.asarray(values.mean(axis=0) if outcome.over == "mean" else values[-1])


def trial(projector: Projector, lever: Lever) -> tuple[Setting, float]:
    """Return the setting of a lever that the brief tries, and what it would be without it.

    The value without it is that of the last month projected. A factor that changes nothing, or goes out of range, is
    held at the range.
    """
    base = lever.one_number(projector.base[lever.name], projector.members.get(lever.over or "", ()))
    without = float(np.asarray(base)[-1])
    if lever.trial.value is not None:
        value = lever.trial.value
    else:
        assert lever.trial.times is not None
        value = without * lever.trial.times
    return Setting(lever.name, float(np.clip(value, *lever.range))), without


def measure_effects(projector: Projector, months: int = 12, tick: Tick | None = None) -> pd.DataFrame:
    """Return the change that each lever's trial setting makes in each outcome after some months.

    Args:
        projector: what to run; its horizon is at least `months`.
        months: horizon of the comparison.
        tick: called with each lever's name when it is done.

    Returns:
        One row for each lever that its trial moves and each outcome: lever, labels by language, owner, evidence,
        outcome, side, unit, base (mean without), change (mean), q05, q95, p_wrong_sign (chance that the change has not
        the sign of its mean).
    """
    built = projector.built
    before = projector.run(noise=False)
    base = {name: over_horizon(outcome, before, months) for name, outcome in projector.outcomes.items()}
    rows: list[dict[str, Any]] = []
    for lever in built.levers.values():
        setting, without = trial(projector, lever)
        if not np.isclose(setting.value, without):
            after = projector.run([setting], noise=False)
            for name, outcome in projector.outcomes.items():
                change = over_horizon(outcome, after, months) - base[name]
                rows.append(_row(built, lever, setting, without, outcome, base[name], change))
        if tick:
            tick(lever.name)
    return pd.DataFrame(rows)


def _row(
    built: CorridorModel, lever: Lever, setting: Setting, without: float, outcome: Outcome, base: Floats, change: Floats
) -> dict[str, Any]:
    low, high = np.quantile(change, [0.05, 0.95])
    mean = float(change.mean())
    wrong = float((np.sign(change) != np.sign(mean)).mean()) if np.any(change != 0) else 0.0
    side = outcome.sides[0] if len(outcome.sides) == 1 else "both"
    return {
        "lever": lever.name,
        "lever_label": lever.label,
        "owner": lever.owner,
        "setting_label": setting_label(built, lever, setting.value, without),
        "evidence": lever.evidence,
        "contested": lever.contested,
        "outcome": outcome.name,
        "outcome_label": outcome.label,
        "side": side,
        "unit": outcome.unit,
        "unit_label": outcome.unit_label,
        "prefers": outcome.prefers,
        "base": float(base.mean()),
        "change": mean,
        "q05": float(low),
        "q95": float(high),
        "p_wrong_sign": wrong,
    }


def setting_label(built: CorridorModel, lever: Lever, value: float, without: float) -> dict[str, str]:
    """Return in each language what was tried, as "3,000 people a month instead of 0"."""
    found = {}
    for lang in built.corridor.about["locales"]:
        texts = Texts(lang, built.corridor)
        share = lever.unit == "1" and "(" not in lever.unit_label[lang]
        show = _percent(texts) if share else _plain(texts)
        found[lang] = texts.t("measure.setting", value=show(value), unit=lever.unit_label[lang], without=show(without))
    return found


def _plain(texts: Texts) -> Callable[[float], str]:
    return lambda x: texts.number(x, 0 if abs(x) >= 10 or float(x).is_integer() else 2)


def _percent(texts: Texts) -> Callable[[float], str]:
    return lambda x: texts.percent(x)


def unknowns(built: CorridorModel, standing: str, shown: int = 12) -> list[Mapping[str, str]]:
    """Return what the model says of its own ignorance: limits, bundles, and the widest assumptions.

    The assumptions listed are those of the widest priors, on the scale of their link.

    Args:
        built: the model.
        standing: that of the calibration behind the results, as `posterior.standing` tells it.
        shown: number of assumptions.
    """
    texts = {lang: Texts(lang, built.corridor) for lang in built.corridor.about["locales"]}
    first = next(iter(texts.values()))
    found = [] if standing == "full" else [_said("provisional", texts, f"calibration_limits.{standing}")]
    found += [_said("other", texts, key) for key in first.keys("measure_limits.")]
    found += [_said("bundle", texts, key) for key in first.keys("corridor_bundles.")]
    assumed = [p for p in built.parameters.values() if p.evidence == "assumption" and p.prior.dist != "fixed"]
    effects = [p for p in assumed if not p.name.endswith(("_sd", "_persistence", "_build_up", "_fade", "_half_life"))]
    widths = {p.name: float(np.max(built.transforms[p.name].above + built.transforms[p.name].below)) for p in effects}
    widest = sorted(effects, key=lambda p: -widths[p.name])[:shown]
    return found + [{"kind": "assumption", "text_en": item.en, "text_es": item.es} for item in widest]


def _said(kind: str, texts: Mapping[str, Texts], key: str) -> Mapping[str, str]:
    return {"kind": kind, **{f"text_{lang}": words.t(key) for lang, words in texts.items()}}
