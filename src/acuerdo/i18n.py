"""Words and numbers in the language of the reader: texts by key, and formats by the corridor's locales."""

from __future__ import annotations

import math
import string
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
from babel import Locale
from babel.dates import format_date, format_interval, format_skeleton
from babel.lists import format_list
from babel.numbers import format_compact_decimal, format_decimal, format_percent

from acuerdo.corridor import Corridor, read_yaml
from acuerdo.corridor import load as load_corridor
from acuerdo.errors import DataError, unknown_name

MINUS = "\N{MINUS SIGN}"
_HOME = Path(__file__).parent / "texts"
_PLURALS = {"zero", "one", "two", "few", "many", "other"}


class Label(Protocol):
    """Words in every language, by its code: a mapping `{en: ..., es: ...}` or anything that reads like one."""

    def __getitem__(self, lang: str, /) -> str:
        """Return the words in `lang`."""
        ...


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a nested mapping of texts as one level with dotted keys; plural forms stay together."""
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping) and not is_plural(value):
            flat.update(flatten(value, f"{key}."))
        else:
            flat[key] = value
    return flat


def is_plural(value: object) -> bool:
    """Tell whether a text is given in plural forms (a mapping with `other`, chosen by `count`)."""
    return isinstance(value, Mapping) and "other" in value and set(value) <= _PLURALS


def read_texts(path: Path) -> dict[str, Any]:
    """Read one file of texts as dotted keys.

    Raises:
        DataError: the file is missing, is not YAML or does not hold a mapping.
    """
    tree = read_yaml(path)
    if not isinstance(tree, Mapping):
        raise DataError(f"{path}: texts must be a mapping of keys to words")
    return flatten(tree)


@cache
def _cached(path: Path) -> dict[str, Any]:
    return read_texts(path)


def slots(text: str) -> set[str]:
    """Return the names of the values that a text expects."""
    return {name.split(".")[0].split("[")[0] for _, name, _, _ in string.Formatter().parse(text) if name}


class Texts:
    """The texts of one language, of the machinery first and then of the corridor.

    Args:
        lang: the language, one of those the corridor has a locale for.
        corridor: the corridor, or None for the default one.

    Raises:
        InputError: the corridor has no such language.
    """

    def __init__(self, lang: str, corridor: Corridor | None = None) -> None:
        self.corridor = corridor if corridor is not None else load_corridor()
        locales: dict[str, str] = self.corridor.about["locales"]
        if lang not in locales:
            raise unknown_name("lang", lang, locales)
        self.lang = lang
        self.locale = Locale.parse(locales[lang])
        self._machinery = _cached(_HOME / f"{lang}.yaml")
        own = self.corridor.path("texts", f"{lang}.yaml")
        self._corridor = _cached(own) if own.exists() else {}

    # -- words ---------------------------------------------------------------------------------------------------------

    def has(self, key: str) -> bool:
        """Tell whether there is a text of that key."""
        return key in self._machinery or key in self._corridor

    def keys(self, prefix: str = "") -> list[str]:
        """Return the keys that start with `prefix`, in the order of the files."""
        names = dict.fromkeys([*self._machinery, *self._corridor])
        return [key for key in names if key.startswith(prefix)]

    def t(self, key: str, **values: object) -> str:
        """Return the text of `key` with the values filled in; plural forms are chosen by the value `count`.

        Raises:
            DataError: there is no such text, or it expects a value that was not given.
        """
        form = self._machinery.get(key, self._corridor.get(key))
        if form is None:
            raise DataError(f"texts ({self.lang}): {unknown_name('key', key, self.keys())}")
        if isinstance(form, Mapping):
            count = values.get("count", 0)
            rule = self.locale.plural_form(abs(count) if isinstance(count, int | float) else 0)
            form = form.get(rule, form["other"])
            values["count"] = self.number(count) if isinstance(count, int | float) else count
        try:
            return str(form).strip().format(**values)
        except (KeyError, IndexError) as problem:
            raise DataError(f"texts ({self.lang}): key {key!r} expects the value {problem}") from problem

    def words(self, prefix: str) -> dict[str, str]:
        """Return the plain texts under `prefix` by the rest of their key, for a template."""
        found = {}
        for key in self.keys(f"{prefix}."):
            form = self._machinery.get(key, self._corridor.get(key))
            if isinstance(form, str) and not slots(form):
                found[key.removeprefix(f"{prefix}.")] = form.strip()
        return found

    def raw(self, prefix: str) -> dict[str, Any]:
        """Return the texts under `prefix` by the rest of their key as they are written, slots and plural forms too."""
        keys = self.keys(f"{prefix}.")
        return {key.removeprefix(f"{prefix}."): self._machinery.get(key, self._corridor.get(key)) for key in keys}

    def pick(self, label: Label | str | None) -> str:
        """Return the words of a label `{en: ..., es: ...}` in this language (a plain string stands for itself).

        Raises:
            DataError: the label lacks this language.
        """
        if label is None:
            return ""
        if isinstance(label, str):
            return label
        try:
            return str(label[self.lang]).strip()
        except KeyError as problem:
            raise DataError(f"a label lacks the language {self.lang!r}: {label!r}") from problem

    def listing(self, items: Iterable[str]) -> str:
        """Join items as a sentence does ("a, b and c")."""
        return format_list(list(items), locale=self.locale)

    # -- numbers -------------------------------------------------------------------------------------------------------

    def number(self, value: float, digits: int = 0) -> str:
        """Format a number with `digits` decimals ("110,828")."""
        if not math.isfinite(value):
            return self.t("format.missing")
        shape = "#,##0" + ("." + "0" * digits if digits > 0 else "")
        return self._minus(format_decimal(round(float(value), digits) + 0.0, format=shape, locale=self.locale))

    def rounded(self, value: float, figures: int = 3) -> str:
        """Format a number to so many significant figures, for estimates ("152,000", "0.42")."""
        if not math.isfinite(value):
            return self.t("format.missing")
        places = decimals(value, figures)
        return self.number(round(value, places), max(places, 0))

    def compact(self, value: float, digits: int = 0) -> str:
        """Format a number in short form ("111K")."""
        return self._minus(format_compact_decimal(value, locale=self.locale, fraction_digits=digits))

    def percent(self, share: float, digits: int = 0) -> str:
        """Format a share as a percentage (0.12 gives "12%")."""
        if not math.isfinite(share):
            return self.t("format.missing")
        pattern = self.locale.percent_formats[None].pattern
        whole = pattern.replace("#,##0", "#,##0" + ("." + "0" * digits if digits else ""))
        return self._minus(format_percent(round(share, digits + 2) + 0.0, format=whole, locale=self.locale))

    def change(self, share: float, digits: int = 0) -> str:
        """Format a relative change with its sign (-0.27 gives "−27%", 0.04 gives "+4%")."""
        if not math.isfinite(share):
            return self.t("format.missing")
        text = self.percent(share, digits)
        return f"+{text}" if round(share, digits + 2) > 0 else text

    def signed(self, value: float, digits: int = 0) -> str:
        """Format a difference with its sign ("+1,234")."""
        text = self.number(value, digits)
        return f"+{text}" if math.isfinite(value) and round(value, digits) > 0 else text

    def signed_rounded(self, value: float, figures: int = 2) -> str:
        """Format an estimated difference with its sign, to so many significant figures ("−12,000")."""
        text = self.rounded(value, figures)
        return f"+{text}" if math.isfinite(value) and value > 0 and text != self.number(0) else text

    def interval(self, low: float, high: float, figures: int = 3, sign: bool = False) -> str:
        """Format an interval of estimates ("98,000 to 231,000"), both ends to the same decimal place."""
        if not (math.isfinite(low) and math.isfinite(high)):
            return self.t("format.missing")
        places = decimals(max(abs(low), abs(high)), figures)
        ends = []
        for end in (low, high):
            text = self.number(round(end, places), max(places, 0))
            ends.append(f"+{text}" if sign and round(end, places) > 0 else text)
        return self.t("format.interval", low=ends[0], high=ends[1])

    # -- time ----------------------------------------------------------------------------------------------------------

    def month(self, value: pd.Period | date, short: bool = False) -> str:
        """Format a month ("September 2023", "sep 2023")."""
        return format_skeleton("yMMM" if short else "yMMMM", _start(value), locale=self.locale)

    def month_name(self, value: date) -> str:
        """Format the name of a month without its year ("January")."""
        return format_date(value, "LLLL", locale=self.locale)

    def day(self, value: date, short: bool = False) -> str:
        """Format a day ("September 29, 2023", "29 sep 2023")."""
        return format_date(_start(value), "medium" if short else "long", locale=self.locale)

    def days(self, start: date, end: date, short: bool = False) -> str:
        """Format a span of days ("May 18 – 19, 2023")."""
        return format_interval(_start(start), _start(end), "yMMMd" if short else "yMMMMd", locale=self.locale)

    def weekday(self, value: date) -> str:
        """Format a day with its weekday ("Friday, September 29, 2023")."""
        return format_date(_start(value), "full", locale=self.locale)

    # -- charts --------------------------------------------------------------------------------------------------------

    def d3_number_locale(self) -> dict[str, Any]:
        """Return the number locale in the form that Vega takes."""
        symbols = self.locale.number_symbols["latn"]
        return {
            "decimal": symbols["decimal"],
            "thousands": symbols["group"],
            "grouping": [3],
            "currency": ["$", ""],
            "minus": MINUS,
        }

    def d3_time_locale(self) -> dict[str, Any]:
        """Return the time locale in the form that Vega takes."""
        months, days = self.locale.months["format"], self.locale.days["format"]
        week = [6, 0, 1, 2, 3, 4, 5]
        return {
            "dateTime": "%x %X",
            "date": "%Y-%m-%d",
            "time": "%H:%M:%S",
            "periods": ["AM", "PM"],
            "days": [days["wide"][day] for day in week],
            "shortDays": [days["abbreviated"][day] for day in week],
            "months": [months["wide"][month] for month in range(1, 13)],
            "shortMonths": [months["abbreviated"][month] for month in range(1, 13)],
        }

    @staticmethod
    def _minus(text: str) -> str:
        return text.replace("-", MINUS)


def decimals(value: float, figures: int) -> int:
    """Return the decimal place that keeps so many significant figures (negative: tens, hundreds, ...).

    From 10 on there are no decimals: estimates of people, deaths or trucks are whole numbers.
    """
    if value == 0 or not math.isfinite(value):
        return 0
    places = figures - 1 - math.floor(math.log10(abs(value)))
    return min(places, 0) if abs(value) >= 10 else places


def lower_first(text: str) -> str:
    """Return a name as it stands within a sentence; names that start with an acronym keep it."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def upper_first(text: str) -> str:
    """Return a text as it stands at the start of a sentence."""
    return text[:1].upper() + text[1:]


def _start(value: pd.Period | date) -> date:
    if isinstance(value, pd.Period):
        return value.start_time.date()
    return value.date() if isinstance(value, datetime) else value
