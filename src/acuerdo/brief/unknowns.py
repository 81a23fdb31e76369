"""What is not known: the model's own list, gaps in the figures, and what the corridor adds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from acuerdo.brief.model import UnknownGroup
from acuerdo.i18n import Texts

_ORDER = ["provisional", "assumption", "bundle", "gap", "revised", "other"]


def gather(
    unknowns: Iterable[Mapping[str, str]],
    missing: Iterable[str],
    revised: Iterable[str],
    warnings: Iterable[str],
    texts: Texts,
) -> tuple[UnknownGroup, ...]:
    """Group what is not known by kind.

    Args:
        unknowns: entries with text_en, text_es and kind, from the model.
        missing: names of figures that the brief asked for and the view does not have.
        revised: names of figures printed from a later vintage.
        warnings: cautions of the catalogue on the figures printed.
        texts: words of the reader's language.
    """
    groups: dict[str, list[str]] = {kind: [] for kind in _ORDER}
    for unknown in unknowns:
        kind = unknown["kind"] if texts.has(f"unknown.{unknown['kind']}") else "other"
        groups.setdefault(kind, []).append(unknown[f"text_{texts.lang}"])
    absent = list(dict.fromkeys(missing))
    if absent:
        groups["gap"].append(texts.t("brief.gap_words", names=texts.listing(absent)))
    later = list(dict.fromkeys(revised))
    if later:
        groups["revised"].append(texts.t("brief.revised_words", names=texts.listing(later)))
    groups["gap"] += list(dict.fromkeys(warnings))
    groups["other"] += [texts.t(key) for key in texts.keys("corridor_unknowns.")]
    return tuple(UnknownGroup(texts.t(f"unknown.{kind}"), tuple(items)) for kind, items in groups.items() if items)
