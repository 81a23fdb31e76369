"""Findings kept as files: valid for one key, those packaged for the model, figures, posterior and files of today."""

import io
import json
from pathlib import Path

import pypdf
import pytest

from acuerdo import corridor as corridors
from acuerdo.brief import html, pdf
from acuerdo.brief.content import assemble
from acuerdo.brief.priorities import priorities_section
from acuerdo.dialogue.dossier import load_dossier
from acuerdo.engine.load import load_model
from acuerdo.figures.store import Figures
from acuerdo.i18n import Texts
from acuerdo.inference.posterior import saved
from acuerdo.levers import load_levers
from acuerdo.priorities import kept
from acuerdo.priorities.study import _ties
from acuerdo.priorities.values import load_values
from acuerdo.timeline import parse_as_of
from test_posterior import made as made_posterior

CORRIDOR = corridors.load("us_mexico")
DOSSIER = load_dossier(CORRIDOR)
BRIEFS = ["latest", "2023-09-29"]
"""Days of the briefs that `make brief` writes."""


@pytest.mark.parametrize("day", BRIEFS)
def test_packaged_findings_belong_to_what_is_packaged(day):
    built, asked = load_model("us_mexico"), parse_as_of(day)
    posterior = saved(built, Figures.open(CORRIDOR), asked)
    assert posterior is not None, "renew the posteriors: make posterior"
    found = kept.load(kept.packaged(built, asked), kept.key(built, posterior))
    assert found is not None, f"renew the findings: acuerdo priorities --package --as-of {day} (or: make priorities)"
    assert not found["quick"]
    assert found["runs"] >= 200_000


@pytest.mark.parametrize("lang", ["en", "es"])
@pytest.mark.parametrize("day", BRIEFS)
def test_packaged_findings_make_the_section(day, lang):
    path = kept.packaged(load_model("us_mexico"), parse_as_of(day))
    found = json.loads(path.read_text("utf-8"))["findings"]
    section = priorities_section(found, Texts(lang, CORRIDOR))
    told = [one for one in found["packages"] if one["told"]]
    assert len(section.packages) == len(told)
    assert len(told) <= 5
    for item in section.packages:
        assert [side.gain[0] for side in item.sides] == ["+", "+"], "both gain by what is told"
    assert len(section.contested) == len(found["contested"]) > 0
    assert "D14" in section.contested[0]
    if not told:
        assert section.summary == section.finding


@pytest.fixture(scope="module")
def found():
    return json.loads(kept.packaged(load_model("us_mexico"), parse_as_of("2023-09-29")).read_text("utf-8"))["findings"]


def brief(found, lang="en"):
    return assemble(Figures.open(CORRIDOR), DOSSIER, None, None, [], CORRIDOR, lang, "2023-09-29", findings=found)


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["en", "es"])
def test_the_page_of_the_brief(found, lang):
    made, texts = brief(found, lang), Texts(lang, CORRIDOR)
    page = html.render(made)
    pages = [one.extract_text() for one in pypdf.PdfReader(io.BytesIO(pdf.render(made))).pages]
    assert texts.t("priorities.title") in pages[0], "in the contents"
    (sentence,) = [one.text for one in made.summary if one.name == texts.t("brief.lead.priorities")]
    first = min((one for one in found["packages"] if one["told"]), key=lambda one: one["told"])
    for side, gain in first["robustness"]["mean"].items():
        assert f"{texts.pick(CORRIDOR.about['sides'][side])} {texts.signed(gain, 1)}" in sentence
    (at,) = [at for at, one in enumerate(pages) if texts.t("priorities.no_agreement") in one]
    whole = pages[at] + pages[at + 1]  # with many packages it runs on
    military = texts.pick(load_levers(CORRIDOR)["military_action"].label)
    for words in (texts.t("priorities.package", letter="A"), military, "D14", texts.t("priorities.know_title")):
        assert words in page
        assert words in whole
    assert 'id="priorities"' in page


def test_an_empty_zone_is_on_the_first_page(found):
    nothing = [{**one, "told": None, "in_zone": False} for one in found["packages"]]
    made = brief({**found, "zone": 0, "zone_empty": True, "packages": nothing, "worth_knowing": {}, "trades": []})
    assert any("zone of agreement is empty" in one.text for one in made.summary)
    page = html.render(made)
    assert page.count("zone of agreement is empty") == 2, "and in the section"
    assert made.priorities is not None
    assert made.priorities.packages == made.priorities.table == ()


def test_assumptions_say_whether_the_order_stays(found):
    base = next(one for one in found["packages"] if one["told"])
    name = found["assumptions"][0]["id"]

    def said(first, second):
        """Return what is said of two packages, the first better with the assumption, by their gains without it."""
        half = {**base["robustness"], "mean": {side: x / 2 for side, x in base["robustness"]["mean"].items()}}
        one = {**base, "told": 1, "with_assumption_changed": {name: dict(zip(found["sides"], first, strict=True))}}
        other = {**base, "told": 2, "robustness": half}
        other["with_assumption_changed"] = {name: dict(zip(found["sides"], second, strict=True))}
        return priorities_section({**found, "packages": [one, other]}, Texts("en", CORRIDOR)).assumptions[0]

    assert "order of the packages stays" in said((3.0, 3.0), (2.0, 2.0))
    assert "order of the packages changes" in said((3.0, 3.0), (4.0, 4.0))
    assert "no longer gains" not in said((3.0, 3.0), (4.0, 4.0))
    assert "no longer gains by: A" in said((-1.0, 3.0), (2.0, 2.0))


def test_findings_come_back_for_their_key_only(tmp_path: Path):
    path = tmp_path / "new" / "found.json"
    kept.save(path, {"runs": 3, "title": "á"}, "key")
    assert kept.load(path, "key") == {"runs": 3, "title": "á"}
    assert kept.load(path, "other") is None
    assert kept.load(tmp_path / "none.json", "key") is None
    assert [one.name for one in path.parent.iterdir()] == ["found.json"], "no part of a file is left behind"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"key": "key"}', '{"key": "key", "findings": 3}'])
def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, content: str):
    path = tmp_path / "found.json"
    path.write_text(content, "utf-8")
    assert kept.load(path, "key") is None


def test_other_draws_have_another_digest():
    one, other = made_posterior(), made_posterior()
    assert kept.posterior_digest(one) == kept.posterior_digest(other)
    other.parameters[0, 0] += 1e-3
    assert kept.posterior_digest(one) != kept.posterior_digest(other)
    third = made_posterior()
    third.state["queue"][0] += 1
    assert kept.posterior_digest(one) != kept.posterior_digest(third)


@pytest.mark.parametrize("name", ["values.yaml", "limits.yaml", "futures.yaml", "model/levers.yaml", "packages/x.yaml"])
def test_the_key_follows_the_files(tmp_path: Path, name: str):
    from dataclasses import replace

    built, posterior = load_model("us_mexico"), made_posterior()
    for part in ("values.yaml", "limits.yaml", "futures.yaml", "model/levers.yaml", "model/outcomes.yaml"):
        (tmp_path / part).parent.mkdir(exist_ok=True)
        (tmp_path / part).write_bytes(CORRIDOR.path(part).read_bytes())
    moved = replace(built, corridor=replace(CORRIDOR, root=tmp_path))
    before = kept.key(moved, posterior)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    with (tmp_path / name).open("a") as file:
        file.write("# changed\n")
    assert kept.key(moved, posterior) != before


@pytest.mark.parametrize(
    ("lang", "same", "like"),
    [
        ("en", "The Nash solution: package A.", "The egalitarian solution: a package much like A."),
        ("es", "La solución de Nash: paquete A.", "La solución igualitaria: un paquete muy parecido a A."),
    ],
)
def test_a_package_told_in_place_of_a_solution_is_not_called_the_solution(lang, same, like):
    found = json.loads(kept.packaged(load_model("us_mexico"), None).read_text("utf-8"))["findings"]
    told = [one for one in found["packages"] if one["told"]]
    if not told:
        pytest.skip("the packaged findings tell no package")
    for one in told:
        one["first_by"] = ["nash", "near_egalitarian"] if one["told"] == 1 else []
    said = priorities_section(found, Texts(lang, CORRIDOR)).picture.description
    assert same in said
    assert like in said


def test_a_search_stopped_is_taken_up_with_the_same_draws_and_effort_only():
    built, values = load_model("us_mexico"), load_values(CORRIDOR)
    one, other = made_posterior(), made_posterior()
    assert _ties(built, one, values, 16) == _ties(built, other, values, 16)
    assert _ties(built, one, values, 16) != _ties(built, one, values, 8)
    other.parameters[0, 0] += 1e-3
    assert _ties(built, one, values, 16) != _ties(built, other, values, 16)
