"""The JSON Schema of a dossier, made from the records that read it."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from acuerdo.dialogue.dossier import Commitment, Dialogue, Meeting, Reported, Score, Statement

FILES: dict[str, type[BaseModel] | dict[str, type[BaseModel]]] = {
    "meetings.yaml": {"dialogues": Dialogue, "meetings": Meeting},
    "statements.yaml": Statement,
    "reported.yaml": Reported,
    "commitments.yaml": Commitment,
    "scores.yaml": Score,
}
"""What each file of a dossier holds: a list of records, or several lists by name."""


def dossier_schema() -> dict[str, Any]:
    """Return the schema of a dossier folder: one definition for each file (`#/$defs/commitments.yaml`).

    Names of sides, owners, coders, languages, series and members are checked against the corridor by `acuerdo dossier
    check`, not by the schema.
    """
    kinds: list[type[BaseModel]] = [Dialogue, Meeting, Statement, Reported, Commitment, Score]
    refs, shared = models_json_schema([(kind, "validation") for kind in kinds], ref_template="#/$defs/{model}")
    items = {kind: {"type": "array", "items": refs[kind, "validation"]} for kind in kinds}
    files: dict[str, Any] = {}
    for name, held in FILES.items():
        if isinstance(held, dict):
            lists = {key: items[kind] for key, kind in held.items()}
            files[name] = {
                "type": "object",
                "properties": lists,
                "required": list(lists),
                "additionalProperties": False,
            }
        else:
            files[name] = items[held]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Dossier of a dialogue: the YAML files of one folder",
        "type": "object",
        "properties": {name: {"$ref": f"#/$defs/{name}"} for name in FILES},
        "required": [name for name in FILES if name != "scores.yaml"],
        "additionalProperties": False,
        "$defs": {**files, **shared["$defs"]},
    }


def schema_text() -> str:
    """Return the schema as the text that is published."""
    return json.dumps(dossier_schema(), ensure_ascii=False, indent=1) + "\n"
