"""Adding a commitment to a dossier: each answer is checked, and the entry is appended as text."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from acuerdo.corridor import Corridor
from acuerdo.dialogue.dossier import Dossier, load_dossier
from acuerdo.errors import DataError, InputError, unknown_name
from acuerdo.figures import catalogue as catalogues
from acuerdo.files import write_whole
from acuerdo.records import contexts

KINDS = ("action", "outcome", "spending")
MARKS = ("read", "read-1", "unverified")
TYPES = ("O", "M", "P")


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes:
        name: of the answer.
        words: how it is asked.
        check: turns an answer into its value, or raises InputError.
        default: answer if none is given; None if one is needed.
    """

    name: str
    words: str
    check: Callable[[str], Any]
    default: str | None = None


def questions(corridor: Corridor, dossier: Dossier) -> list[Question]:
    """Return the questions that make up a commitment, in the order of the file."""
    names = contexts(corridor)
    taken = [one.id for one in dossier.commitments]
    dialogues = [one.id for one in dossier.dialogues]
    meetings = [one.id for one in dossier.meetings]
    series = catalogues.read(corridor).entries

    def new_id(text: str) -> str:
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", text):
            raise InputError("id", text, "small letters, digits and hyphens")
        if text in taken:
            raise InputError("id", text, "an id that is not yet used")
        return text

    def known(field: str, choices: list[str]) -> Callable[[str], str | None]:
        def check(text: str) -> str | None:
            if text and text not in choices:
                raise unknown_name(field, text, choices)
            return text or None

        return check

    found = [
        Question("id", "Short id, for example mt27-group", new_id),
        Question("dialogue", f"Dialogue ({', '.join(dialogues)})", known("dialogue", dialogues)),
        Question("meeting", "Meeting, if it was made at one on record", known("meeting", meetings), ""),
        Question("made", "Day on which it was made (YYYY-MM-DD)", lambda text: _day("made", text)),
        Question("owner", f"Who has to deliver ({', '.join(names['owners'])})", known("owner", names["owners"])),
    ]
    found += [
        Question(f"text_{lang}", f"What was promised, in own words ({lang})", _words(f"text_{lang}"))
        for lang in names["languages"]
    ]
    found += [
        Question("kind", f"Kind ({', '.join(KINDS)})", known("kind", list(KINDS))),
        Question("due", "Last day, if there is one (YYYY-MM-DD)", lambda text: _day("due", text) if text else None, ""),
        Question("series", "Series of the catalogue that measures it, if any", known("series", list(series)), ""),
    ]
    found += [
        Question(f"passes_{lang}", f"Test: what counts as done ({lang}); empty for no test yet", str, "")
        for lang in names["languages"]
    ]
    found += [
        Question(f"changes_{lang}", f"Test: what would change the score ({lang})", str, "")
        for lang in names["languages"]
    ]
    return [
        *found,
        Question("source", "Address where it was read", _words("source")),
        Question("type", f"Type of the source ({', '.join(TYPES)})", known("type", list(TYPES))),
        Question("mark", f"Mark ({', '.join(MARKS)})", known("mark", list(MARKS)), "read"),
    ]


def entry_text(answers: Mapping[str, Any], languages: list[str], today: date) -> str:
    """Return the entry as YAML text.

    Raises:
        InputError: the test is given in part.
    """
    entry: dict[str, Any] = {"id": answers["id"], "dialogue": answers["dialogue"]}
    if answers.get("meeting"):
        entry["meeting"] = answers["meeting"]
    entry |= {"made": answers["made"], "known_from": answers["made"], "owner": answers["owner"]}
    entry["text"] = {lang: answers[f"text_{lang}"] for lang in languages}
    entry["kind"] = answers["kind"]
    if answers.get("due"):
        entry["due"] = answers["due"]
    if answers.get("series"):
        entry["measures"] = [{"series": answers["series"]}]
    test = {
        part: {lang: str(answers.get(f"{part}_{lang}") or "").strip() for lang in languages}
        for part in ("passes", "changes")
    }
    given = [bool(words) for part in test.values() for words in part.values()]
    if any(given) and not all(given):
        allowed = f"what counts as done and what would change the score, each in {', '.join(languages)}, or neither"
        raise InputError("test", "given in part", allowed)
    if all(given):
        entry["test"] = {"written": today, **test}
    entry["sources"] = [{"address": answers["source"], "type": answers["type"]}]
    entry["mark"] = answers["mark"]
    dumped: str = yaml.safe_dump([entry], allow_unicode=True, sort_keys=False, width=118)
    return dumped


def append_commitment(corridor: Corridor, folder: Path, text: str) -> None:
    """Append an entry to `commitments.yaml`; the file is replaced whole, and only if the dossier with it is valid.

    Raises:
        DataError, InputError: the dossier with the entry is not valid, or the file cannot be read or written.
    """
    path = folder / "commitments.yaml"
    try:
        before = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise DataError(f"{path}: cannot be read ({problem.__class__.__name__})") from problem
    after = before.rstrip("\n") + "\n\n" + text
    with tempfile.TemporaryDirectory() as place:
        trial = Path(place)
        for file in folder.glob("*.yaml"):
            shutil.copy(file, trial / file.name)
        (trial / path.name).write_text(after, encoding="utf-8")
        try:
            load_dossier(corridor, trial)
        except InputError as problem:  # named without the place of the trial copy
            raise InputError(problem.field, problem.value, problem.allowed, problem.nearest) from None
    write_whole(path, after)


def _day(field: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(field, text, "a day written YYYY-MM-DD") from None


def _words(field: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not text.strip():
            raise InputError(field, text, "some words")
        return text.strip()

    return check
