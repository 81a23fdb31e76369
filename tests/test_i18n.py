from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from acuerdo import corridor as corridors
from acuerdo import i18n
from acuerdo.errors import DataError, InputError
from acuerdo.i18n import Texts

MACHINERY = Path(i18n.__file__).parent / "texts"
LANGS = ["en", "es"]


@pytest.fixture(params=LANGS)
def texts(request: pytest.FixtureRequest) -> Texts:
    return Texts(request.param, corridors.load())


def _files() -> list[Path]:
    return [MACHINERY, *(corridors.load(name).path("texts") for name in corridors.available())]


@pytest.mark.parametrize("folder", _files(), ids=lambda folder: folder.parent.name)
def test_both_languages_have_the_same_keys_and_slots(folder: Path) -> None:
    english, spanish = (i18n.read_texts(folder / f"{lang}.yaml") for lang in LANGS)
    assert list(english) == list(spanish)
    for key in english:
        assert i18n.is_plural(english[key]) == i18n.is_plural(spanish[key]), key
        forms = [
            list(found[key].values()) if i18n.is_plural(found[key]) else [found[key]] for found in (english, spanish)
        ]
        wanted, given = (set().union(*(i18n.slots(str(form)) for form in one)) for one in forms)
        assert wanted == given, key


@pytest.mark.parametrize("lang", LANGS)
def test_every_text_is_words(lang: str) -> None:
    for folder in _files():
        for key, form in i18n.read_texts(folder / f"{lang}.yaml").items():
            for line in form.values() if i18n.is_plural(form) else [form]:
                assert isinstance(line, str), key
                assert line.strip(), key


def test_machinery_texts_name_no_side() -> None:
    about = corridors.load().about
    for lang in LANGS:
        whole = (MACHINERY / f"{lang}.yaml").read_text("utf-8").lower()
        assert not [side for side in about["sides"].values() if side[lang].lower() in whole]


def test_missing_key_says_which_and_the_nearest() -> None:
    with pytest.raises(DataError, match=r"texts \(en\).*'brief.mrak'.*nearest valid: brief.mark"):
        Texts("en").t("brief.mrak")


def test_missing_value_is_named() -> None:
    with pytest.raises(DataError, match=r"'brief.as_of' expects the value 'day'"):
        Texts("en").t("brief.as_of")


def test_unknown_language() -> None:
    with pytest.raises(InputError, match=r"lang: 'fr' is not valid; allowed: en, es"):
        Texts("fr")


def test_numbers_in_both_languages(texts: Texts) -> None:
    assert texts.number(110828) == "110,828"
    assert texts.number(-1234.56, 1) == "−1,234.6"
    assert texts.number(-0.2) == "0"
    assert texts.rounded(152_345) == "152,000"
    assert texts.rounded(0.04213, 2) == "0.042"
    assert texts.rounded(0) == "0"
    assert texts.change(-0.27) == "−27%"
    assert texts.change(0.04) == "+4%"
    assert texts.change(0.0) == "0%"
    assert texts.change(-0.004, 1) == "−0.4%"
    assert texts.percent(0.1234, 1) == "12.3%"
    assert texts.signed(12) == "+12"
    assert texts.signed_rounded(-12_345) == "−12,000"
    assert texts.signed_rounded(0.0) == "0"
    assert texts.number(float("nan")) == texts.t("format.missing")


def test_words_by_language() -> None:
    english, spanish = Texts("en"), Texts("es")
    april, day = pd.Period("2023-04", "M"), date(2023, 9, 29)
    assert [english.month(april), spanish.month(april)] == ["April 2023", "abril de 2023"]
    assert [english.month(april, short=True), spanish.month(april, short=True)] == ["Apr 2023", "abr 2023"]
    assert [english.day(day), spanish.day(day)] == ["September 29, 2023", "29 de septiembre de 2023"]
    assert [english.day(day, short=True), spanish.day(day, short=True)] == ["Sep 29, 2023", "29 sep 2023"]
    assert [english.month_name(day), spanish.month_name(day)] == ["September", "septiembre"]
    assert [english.interval(98_213, 231_456), spanish.interval(98_213, 231_456)] == [
        "98,000 to 231,000",
        "98,000 a 231,000",
    ]
    assert [one.days(day, date(2023, 10, 1)) for one in (english, spanish)] == [
        "Sep 29\u2009–\u2009Oct 1, 2023",
        "29 de septiembre\u2009–\u20091 de octubre de 2023",
    ]
    assert english.interval(-1.23, 0.4, figures=2, sign=True) == "−1.2 to +0.4"
    assert [english.compact(110828), spanish.compact(110828).replace("\xa0", " ")] == ["111K", "111 k"]
    assert spanish.listing(["a", "b", "c"]) == "a, b y c"
    assert [english.weekday(day), spanish.weekday(day)] == [
        "Friday, September 29, 2023",
        "viernes, 29 de septiembre de 2023",
    ]


def test_plural_forms() -> None:
    english, spanish = Texts("en"), Texts("es")
    assert [english.t("unit.mile", count=count) for count in (1, 1954)] == ["1 mile", "1,954 miles"]
    assert [spanish.t("unit.km", count=count) for count in (1, 3145, 1_000_000)] == [
        "1 kilómetro",
        "3,145 kilómetros",
        "1,000,000 kilómetros",
    ]


def test_pick_takes_labels_and_says_what_is_missing() -> None:
    spanish = Texts("es")
    assert spanish.pick({"en": "border", "es": "frontera"}) == "frontera"
    assert spanish.pick("CBP") == "CBP"
    assert spanish.pick(None) == ""
    with pytest.raises(DataError, match=r"a label lacks the language 'es'"):
        spanish.pick({"en": "border"})


def test_chart_locales(texts: Texts) -> None:
    assert texts.d3_number_locale()["thousands"] == ","
    locale = texts.d3_time_locale()
    assert [len(locale[name]) for name in ("days", "shortDays", "months", "shortMonths")] == [7, 7, 12, 12]
    assert locale["days"][0] == {"en": "Sunday", "es": "domingo"}[texts.lang]
