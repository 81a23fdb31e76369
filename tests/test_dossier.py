"""The dossier: what is on record, what was known on a day, and what bad entries get."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel
from typer.testing import CliRunner

from acuerdo import corridor
from acuerdo.corridor import Corridor, read_yaml
from acuerdo.dialogue import commands
from acuerdo.dialogue.dossier import ATTRIBUTION_WORDS, STATUS_WORDS, Dossier, KnownMeeting, Picture, load_dossier
from acuerdo.dialogue.schema import FILES, dossier_schema, schema_text
from acuerdo.errors import DataError, InputError
from acuerdo.figures import catalogue

TALKS = date(2023, 9, 29)


@pytest.fixture(scope="module")
def pair() -> Corridor:
    return corridor.load("us_mexico")


@pytest.fixture(scope="module")
def dossier(pair: Corridor) -> Dossier:
    return load_dossier(pair)


@pytest.fixture(scope="module")
def picture(dossier: Dossier) -> Picture:
    return dossier.as_of(TALKS)


@pytest.fixture(scope="module")
def known(picture: Picture) -> dict[str, KnownMeeting]:
    return {meeting.id: meeting for meeting in picture.meetings}


# --- the real dossier -------------------------------------------------------------------------------------------------


def test_counts(dossier: Dossier) -> None:
    assert len(dossier.meetings) == 38 + 1  # and the one that one side sought
    assert len(dossier.statements) == 52
    assert len(dossier.commitments) == 143
    assert len(dossier.reported) == 14
    assert len(dossier.scores) == 59


def test_annual_meetings_of_the_pair(dossier: Dossier) -> None:
    found = [(meeting.dialogue, meeting.date) for meeting in dossier.meetings if meeting.annual]
    assert found == [
        ("economic", date(2021, 9, 9)),
        ("security", date(2021, 10, 8)),
        ("economic", date(2022, 9, 12)),
        ("security", date(2022, 10, 13)),
        ("economic", date(2023, 9, 29)),
        ("security", date(2023, 10, 5)),
    ]
    assert [dialogue.id for dialogue in dossier.dialogues if dialogue.pair] == ["economic", "security"]


def test_what_is_not_plainly_read_keeps_its_mark(dossier: Dossier) -> None:
    (noted,) = [one for one in dossier.commitments if one.mark_note is not None]
    assert noted.id == "ap24-crossings"
    assert "read-1" in str(noted.mark_note)


def test_everything_has_a_source(dossier: Dossier) -> None:
    for group in (dossier.meetings, dossier.statements, dossier.reported, dossier.commitments):
        for one in group:
            assert one.sources


def test_figures_that_are_named_exist(dossier: Dossier, pair: Corridor) -> None:
    series = set(catalogue.read(pair).entries)
    named = {measure.series for one in dossier.commitments for measure in one.measures}
    named |= {one.series for one in dossier.reported if one.series is not None}
    assert named <= series
    assert {"mexico.asylum_applications", "us.overdose_deaths.all.12m"} <= named


def labels(value: Any) -> Iterator[dict[str, str]]:
    """Every piece of words in several languages inside a record."""
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from labels(getattr(value, name))
    elif isinstance(value, dict):
        if "en" in value:
            yield value
        else:
            for one in value.values():
                yield from labels(one)
    elif isinstance(value, list):
        for one in value:
            yield from labels(one)


def test_both_languages_are_complete(dossier: Dossier) -> None:
    found = [
        label
        for group in (
            dossier.dialogues,
            dossier.meetings,
            dossier.statements,
            dossier.reported,
            dossier.commitments,
            dossier.scores,
        )
        for one in group
        for label in labels(one)
    ]
    assert len(found) > 700
    for label in found:
        assert set(label) == {"en", "es"}
        assert all(words.strip() for words in label.values())
        if len(label["en"]) > 45:
            assert label["en"] != label["es"]
    for words in [*STATUS_WORDS.values(), *ATTRIBUTION_WORDS.values()]:
        assert set(words) == {"en", "es"}


# --- the picture of 29 September 2023 ---------------------------------------------------------------------------------


def test_economic_dialogue_is_held(known: dict[str, KnownMeeting]) -> None:
    meeting = known["hled-2023"]
    assert (meeting.status, meeting.date, meeting.place) == ("held", TALKS, {"en": "Washington", "es": "Washington"})
    assert "Antony Blinken" in meeting.delegations.sides["us"]
    assert "Alicia Bárcena" in meeting.delegations.sides["mexico"]


def test_security_dialogue_is_announced_with_the_delegation_of_the_announcement(
    known: dict[str, KnownMeeting],
) -> None:
    meeting = known["hlsd-2023"]
    assert (meeting.status, meeting.date) == ("announced", date(2023, 10, 5))
    assert meeting.place == {"en": "Mexico City", "es": "Ciudad de México"}
    assert meeting.delegations.sides == {"us": ["Antony Blinken", "Merrick Garland", "Alejandro Mayorkas"]}
    assert meeting.document is None
    assert {source.address for source in meeting.sources} >= {"AFP report of 29 September 2023"}


def test_meeting_of_the_presidents_is_sought_by_one_side_and_not_announced(known: dict[str, KnownMeeting]) -> None:
    meeting = known["pres-sought-2023"]
    assert (meeting.status, meeting.by, meeting.announced, meeting.date) == (
        "sought_by_one_side",
        ["mexico"],
        False,
        None,
    )


def test_no_other_meeting_lies_ahead(picture: Picture) -> None:
    ahead = [one.id for one in picture.meetings if one.status not in {"held", "published"}]
    assert ahead == ["pres-sought-2023", "hlsd-2023"]
    assert all(one.date is None or one.date <= TALKS for one in picture.meetings if one.id != "hlsd-2023")


def test_reported_facts_with_their_sources(picture: Picture) -> None:
    facts = {fact.id: fact for fact in picture.reported}
    amounts = {name: (fact.amount.value, fact.amount.unit) for name, fact in facts.items() if fact.amount is not None}
    assert amounts == {
        "border-length": (1954, "mile"),
        "asylum-applications-in-mexico": (140_000, "applications/year"),
        "overdose-deaths": (110_000, "deaths/12 months"),
    }
    assert facts["border-length"].also is not None
    assert facts["border-length"].also.value == 3145
    assert all(fact.reported_by["en"] == "AFP, 29 September 2023" for fact in facts.values())
    assert "“assess our progress and drive strategic priorities for the coming year”" in " ".join(
        facts["purpose-of-the-pair"].text["en"].split()
    )
    assert [source.type for source in facts["deportation-from-border-cities"].sources] == ["P", "P"]
    assert {fact.meeting for fact in facts.values()} >= {"hled-2023", "hlsd-2023", "pres-sought-2023", "juarez-2023"}


def test_nothing_said_or_promised_later_is_known(picture: Picture, dossier: Dossier) -> None:
    assert all(one.known_from <= TALKS for one in picture.statements)
    assert all(one.known_from <= TALKS for one in picture.commitments)
    assert all(one.later is None and not one.later_sources for one in picture.commitments)
    assert {one.id for one in picture.commitments} >= {"ju23-deport", "he23-semi", "mi23-chnv"}
    assert not {one.id for one in picture.commitments} & {"hs23-drugs", "de23-meet"}
    assert any(one.later for one in dossier.commitments)


def test_statement_under_embargo_is_known_when_the_embargo_ends(dossier: Dossier) -> None:
    before = {one.id for one in dossier.as_of(date(2023, 9, 28)).statements}
    assert "us-official-2023-09-28" not in before
    (statement,) = [one for one in dossier.as_of(TALKS).statements if one.id == "us-official-2023-09-28"]
    assert statement.attribution == "customary_anonymity"


def test_other_days(dossier: Dossier) -> None:
    eve = {one.id: one for one in dossier.as_of(date(2023, 9, 28)).meetings}
    assert not {"hled-2023", "hlsd-2023", "pres-sought-2023"} & set(eve)
    after = {one.id: one for one in dossier.as_of(date(2023, 10, 5)).meetings}
    assert after["hlsd-2023"].status == "held"
    assert "Gupta" in after["hlsd-2023"].delegations.sides["us"]
    spring = {one.id: one for one in dossier.as_of(date(2022, 6, 1)).meetings}
    assert (spring["hled-2022"].status, spring["hled-2022"].date) == ("announced", None)
    assert spring["hled-2022"].when == {"en": "autumn 2022", "es": "otoño de 2022"}


def test_without_a_day_all_of_it(dossier: Dossier) -> None:
    everything = dossier.as_of(None)
    assert len(everything.meetings) == len(dossier.meetings)
    assert everything.commitments == dossier.commitments


# --- commands ---------------------------------------------------------------------------------------------------------


def test_check_command() -> None:
    result = CliRunner().invoke(commands.app, ["check"])
    assert result.exit_code == 0
    assert "39 meetings, 52 statements, 14 reported facts, 143 commitments" in result.output


def test_meetings_command() -> None:
    result = CliRunner().invoke(commands.app, ["meetings", "--as-of", "2023-09-29", "--lang", "es"])
    assert result.exit_code == 0
    assert result.output.splitlines()[-3:] == [
        "2023-09-29  Tercer Diálogo Económico de Alto Nivel, Washington: se celebró",
        "—  Encuentro de los presidentes sobre migración: lo busca una de las partes (México)",
        "2023-10-05  Tercer Diálogo de Alto Nivel de Seguridad, Ciudad de México: se anunció",
    ]


def test_meetings_command_as_json() -> None:
    result = CliRunner().invoke(commands.app, ["meetings", "--as-of", "2023-09-29", "--json"])
    data = json.loads(result.output)
    assert data["as_of"] == "2023-09-29"
    assert data["meetings"][-1]["status"] == "announced"


def test_check_of_another_folder(copy: Corridor) -> None:
    line = edit(copy, "scores.yaml", "delivery: 0", "delivery: 2")
    result = CliRunner().invoke(commands.app, ["check", str(copy.path("dossier"))])
    assert isinstance(result.exception, InputError)
    assert f"scores.yaml, line {line}: he21-annual coder_1 2022-09-12, delivery: 2" in str(result.exception)


def test_bad_dossier_ends_with_code_2_and_one_line(copy: Corridor) -> None:
    edit(copy, "commitments.yaml", "owner: both", "owner: nobody")
    command = [sys.executable, "-m", "acuerdo.cli", "dossier", "check", str(copy.path("dossier"))]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (2, "")
    assert len(found.stderr.strip().splitlines()) == 1
    assert "nearest valid" in found.stderr


# --- schema -----------------------------------------------------------------------------------------------------------


def test_published_schema_is_current() -> None:
    published = Path(__file__).parents[1] / "docs" / "dossier.schema.json"
    assert published.read_text(encoding="utf-8") == schema_text(), (
        "acuerdo dossier schema --out docs/dossier.schema.json"
    )
    assert CliRunner().invoke(commands.app, ["schema"]).output == schema_text()


def plain(value: Any) -> Any:
    """What YAML reads, with days as text, as the schema has them."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value.isoformat() if isinstance(value, date) else value


def test_dossier_obeys_the_schema(pair: Corridor) -> None:
    schema = dossier_schema()
    Draft202012Validator.check_schema(schema)
    checker = Draft202012Validator(schema)
    content = {path.name: plain(read_yaml(path)) for path in sorted(pair.path("dossier").glob("*.yaml"))}
    assert list(content) == sorted(FILES)
    checker.validate(content)
    content["scores.yaml"][0]["evidence"] = []
    assert not checker.is_valid(content)


# --- a new commitment -------------------------------------------------------------------------------------------------

ANSWERS = {
    "id": "mt27-group",
    "dialogue": "security",
    "made": "2027-03-01",
    "owner": "both",
    "text_en": "Set up a group: it meets twice a year.",
    "text_es": "Crear un grupo: se reúne dos veces al año.",
    "kind": "action",
    "due": "2027-12-31",
    "series": "mexico.homicides",
    "passes_en": "Two meetings in 2027.",
    "passes_es": "Dos reuniones en 2027.",
    "changes_en": "A record of a meeting.",
    "changes_es": "Un registro de una reunión.",
    "source": "press.example/group",
    "type": "P",
}


def add(pair: Corridor, **changes: str) -> Any:
    answers = {name: value for name, value in (ANSWERS | changes).items() if value != "-"}
    options = [part for name, value in answers.items() for part in ("--answer", f"{name}={value}")]
    folder = str(pair.path("dossier"))
    return CliRunner().invoke(commands.app, ["new", "commitment", "--no-ask", "--folder", folder, *options])


def test_new_commitment_is_appended_and_nothing_else_changes(copy: Corridor) -> None:
    path = copy.path("dossier", "commitments.yaml")
    before = path.read_text(encoding="utf-8")
    assert add(copy).exit_code == 0
    after = path.read_text(encoding="utf-8")
    assert after.startswith(before.rstrip("\n"))  # comments and all
    one = load_dossier(copy).commitments[-1]
    assert (one.id, one.due, one.mark) == ("mt27-group", date(2027, 12, 31), "read")
    assert one.text["es"] == ANSWERS["text_es"]
    assert one.test is not None
    assert one.test.written == date.today()
    assert one.measures[0].series == "mexico.homicides"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": "he21-annual"}, "id: 'he21-annual' .*not yet used"),
        ({"made": "soon"}, "made: 'soon' .*YYYY-MM-DD"),
        ({"owner": "nobody"}, "owner: 'nobody' .*allowed: both, mexico, third, us"),
        ({"owner": "-"}, "owner: None"),
        ({"series": "mexico.homicide"}, "series: 'mexico.homicide' .*nearest valid: mexico.homicides"),
        ({"due": "2026-01-01"}, "due on or after made"),
        ({"changes_es": ""}, "test: 'given in part'"),
        ({"nickname": "x"}, "answer: 'nickname'"),
    ],
)
def test_bad_answer_leaves_the_file_alone(copy: Corridor, changes: dict[str, str], message: str) -> None:
    path = copy.path("dossier", "commitments.yaml")
    before = path.read_bytes()
    result = add(copy, **changes)
    assert isinstance(result.exception, InputError)
    assert re.search(message, str(result.exception))
    assert path.read_bytes() == before
    assert not list(path.parent.glob(".*"))


def test_questions_are_asked_again_until_the_answer_is_valid(copy: Corridor) -> None:
    asked = ["MT 27", "mt27-group", "security", "", "2027-03-01", "bth", "both", "Meet.", "Reunirse.", "action"]
    asked += ["", "", "", "", "", "", "press.example/group", "P", ""]
    command = ["new", "commitment", "--folder", str(copy.path("dossier"))]
    result = CliRunner().invoke(commands.app, command, input="\n".join(asked) + "\n")
    assert result.exit_code == 0, result.output
    assert "nearest valid: both" in result.output
    one = load_dossier(copy).commitments[-1]
    assert (one.id, one.test, one.measures) == ("mt27-group", None, [])


@pytest.mark.parametrize("options", [["--as-of", "yesterday"], ["--lang", "fr"]])
def test_bad_option_reaches_the_main_command(options: list[str]) -> None:
    result = CliRunner().invoke(commands.app, ["meetings", *options])
    assert isinstance(result.exception, InputError)


# --- bad entries ------------------------------------------------------------------------------------------------------


@pytest.fixture
def copy(pair: Corridor, tmp_path: Path) -> Corridor:
    shutil.copytree(pair.path("dossier"), tmp_path / "dossier")
    (tmp_path / "figures").mkdir()
    shutil.copy(pair.path("figures", "catalogue.yaml"), tmp_path / "figures")
    return Corridor("copy", tmp_path, pair.about)


def edit(pair: Corridor, name: str, old: str, new: str) -> int:
    """Replace the first `old` in a file of the dossier and return its line."""
    path = pair.path("dossier", name)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("meetings.yaml", "status: announced", "status: anounced", "'anounced' .*held, announced.*valid: announced"),
        ("meetings.yaml", "mark: read", "mark: red", "mark: 'red' .*read, read-1, unverified; nearest valid: read"),
        ("meetings.yaml", "dialogue: security", "dialogue: securty", "dialogue: 'securty' .*nearest valid: security"),
        ("meetings.yaml", "by: [mexico]", "by: [mexiko]", "pres-sought-2023, status.1.by.0: 'mexiko' .*us, mexico"),
        ("statements.yaml", "side: us", "side: usa", "harris-2021-09-09, side: 'usa' .*third; nearest valid: us"),
        ("statements.yaml", "date: 2021-09-09", "date: soon", "harris-2021-09-09, date: 'soon' .*valid date"),
        ("reported.yaml", "value: 1954", "value: many", "border-length, amount.value: 'many' .*number"),
        ("commitments.yaml", "owner: both", "owner: nobody", "he21-annual, owner: 'nobody' .*both, third"),
        ("commitments.yaml", "kind: action", "kinds: action", "field: 'kinds' .*nearest valid: kind"),
        ("commitments.yaml", "meeting: hled-2021", "meeting: hled-2020", "'hled-2020' .*nearest valid: hled-202"),
        (
            "commitments.yaml",
            "{en: meetings held, es: reuniones celebradas}",
            "{en: meetings held}",
            "he21-annual, indicator: .*each of the languages en, es",
        ),
        ("commitments.yaml", "made: 2021-09-09", "made: 2021-09-31", "he21-annual, made: '2021-09-31' .*valid date"),
        (
            "commitments.yaml",
            "series: mexico.homicides,",
            "series: mexico.homicide,",
            "hs21-homicide, measures.0.series: 'mexico.homicide' .*nearest valid: mexico.homicides",
        ),
        ("commitments.yaml", "member: texas", "member: texsa", "measures.0.member: 'texsa' .*nearest valid: texas"),
        ("commitments.yaml", "better: higher", "better: more", "better: 'more' .*lower, higher"),
        ("commitments.yaml", "share: 1.0}", "share: 1.0, level: 5}", "exactly one of share and level"),
        ("commitments.yaml", "written: 2026-11-24", "written: lately", "he21-annual, test.written: 'lately' .*date"),
        ("reported.yaml", "series: us.overdose", "series: us.overdoes", "series: 'us.overdoes.*nearest valid"),
        (
            "scores.yaml",
            "commitment: he21-annual",
            "commitment: he21-anual",
            "'he21-anual' .*nearest valid: he21-annual",
        ),
        (
            "scores.yaml",
            "commitment: he21-annual",
            "commitment: he21-crisis",
            "'he21-crisis' .*with an operational test",
        ),
        ("scores.yaml", "by: coder_1", "by: A. Name", "by: 'A. Name' .*us, mexico, coder_1, coder_2"),
        ("scores.yaml", "delivery: 0", "delivery: 0.5", "delivery: 0.5 .*integer"),
        ("scores.yaml", "published: 2022-09-12", "published: 2020-01-01", "published: .*2021-09-09 or later"),
        ("scores.yaml", "coded: 2026-11-24", "coded: 2026-11-23", "coded: .*2026-11-24 or later, when the test"),
        ("scores.yaml", "published: 2023-09-29", "published: 2022-09-12", "published: '2022.*already in .*scores"),
        ("commitments.yaml", "id: he21-stakeholders", "id: he21-annual", "id: 'he21-annual' .*already used in .*line"),
    ],
)
def test_bad_entry_is_refused_with_file_and_line(copy: Corridor, name: str, old: str, new: str, message: str) -> None:
    line = edit(copy, name, old, new)
    with pytest.raises(InputError, match=message) as caught:
        load_dossier(copy)
    assert f"{copy.path('dossier', name)}, line {line}:" in str(caught.value)


def test_missing_owner_is_named_at_the_line_of_its_entry(copy: Corridor) -> None:
    edit(copy, "commitments.yaml", "  owner: both\n", "")
    line = edit(copy, "commitments.yaml", "- id: he21-annual", "- id: he21-annual")
    with pytest.raises(InputError, match=rf"line {line}: he21-annual, owner: None .*the field is required"):
        load_dossier(copy)


def test_score_without_evidence_is_refused(copy: Corridor) -> None:
    path = copy.path("dossier", "scores.yaml")
    text = path.read_text(encoding="utf-8")
    start = text.index("  evidence:")
    path.write_text(text[:start] + "  evidence: []\n" + text[text.index("  note:", start) :], encoding="utf-8")
    with pytest.raises(InputError, match=r"he21-annual coder_1 2022-09-12, evidence: \[\] .*at least 1 item"):
        load_dossier(copy)
    path.write_text(text[:start] + text[text.index("  note:", start) :], encoding="utf-8")
    with pytest.raises(InputError, match=r"evidence: None .*field is required"):
        load_dossier(copy)


def test_dossier_without_scores_is_valid(copy: Corridor) -> None:
    copy.path("dossier", "scores.yaml").unlink()
    assert load_dossier(copy).scores == []


def test_held_meeting_without_a_date_is_refused(copy: Corridor) -> None:
    edit(copy, "meetings.yaml", "    date: 2021-05-14\n", "")
    with pytest.raises(InputError, match=r"m-2021-05: .*a date"):
        load_dossier(copy)


def test_missing_file_and_missing_list(copy: Corridor) -> None:
    edit(copy, "meetings.yaml", "\nmeetings:\n", "\nmeeting:\n")
    with pytest.raises(DataError, match="no list named 'meetings'"):
        load_dossier(copy)
    copy.path("dossier", "meetings.yaml").unlink()
    with pytest.raises(DataError, match="cannot be read"):
        load_dossier(copy)
