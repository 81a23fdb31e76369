"""Findings of a study kept as a file, valid for one key: model, figures, posterior, values, limits, futures, packages.

The brief takes them from the corridor's folder, or from what was kept on this machine; it never runs a long study.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from acuerdo.engine.load import CorridorModel
from acuerdo.files import write_whole
from acuerdo.inference import posterior as posteriors
from acuerdo.inference.posterior import Posterior

Findings = dict[str, Any]
"""A study as plain data; see `report.to_dict`."""
FORM = 1
"""Raised when findings are worked out or written differently, so that those of before are not taken up."""
MONTHS, SEED = 12, 1
"""Of the study whose findings are packaged."""
_FILES = ("values.yaml", "limits.yaml", "futures.yaml", "model/levers.yaml", "model/outcomes.yaml")


def posterior_digest(posterior: Posterior) -> str:
    """Return a hash of the draws of a posterior and of what they were fitted to."""
    seen = hashlib.sha256()
    for name in ("data_digest", "model_digest"):
        seen.update(str(posterior.notes.get(name)).encode())
    seen.update(np.asarray(posterior.parameters, "float32").tobytes())
    for group in (posterior.state, posterior.latent):
        for name, values in sorted(group.items()):
            seen.update(name.encode() + np.asarray(values, "float32").tobytes())
    return seen.hexdigest()


def key(built: CorridorModel, posterior: Posterior) -> str:
    """Return a hash of all that the findings of a packaged study rest on."""
    home = built.corridor
    seen = hashlib.sha256(f"{FORM} {MONTHS} {SEED} {posterior_digest(posterior)}".encode())
    for path in [*(home.path(name) for name in _FILES), *sorted(home.path("packages").glob("*.yaml"))]:
        seen.update(path.name.encode() + path.read_bytes())
    return seen.hexdigest()


def file_name(day: date | None) -> str:
    """Return the name of the file of a view's findings."""
    return f"{day or 'latest'}.json"


def packaged(built: CorridorModel, day: date | None) -> Path:
    """Return where findings of a view are that ship with the corridor."""
    return built.corridor.path("priorities") / file_name(day)


def on_machine(built: CorridorModel, day: date | None) -> Path:
    """Return where findings of a view are that were made on this machine."""
    return posteriors.kept(built) / "priorities" / file_name(day)


def save(path: Path, findings: Findings, digest: str) -> None:
    """Write findings, whole or not at all.

    Raises:
        InputError: the place cannot be written to.
    """
    write_whole(path, json.dumps({"key": digest, "findings": findings}, ensure_ascii=False) + "\n")


def load(path: Path, digest: str) -> Findings | None:
    """Return the findings of a file; None without one, or if it is damaged or belongs to another key."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return dict(data["findings"]) if data["key"] == digest else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def find(built: CorridorModel, posterior: Posterior) -> Findings | None:
    """Return the findings that belong to a posterior, packaged or kept on this machine, or None without any."""
    digest = key(built, posterior)
    for path in (packaged(built, posterior.day), on_machine(built, posterior.day)):
        found = load(path, digest)
        if found is not None:
            return found
    return None


def keep(built: CorridorModel, posterior: Posterior, findings: Findings) -> None:
    """Keep findings on this machine, if there is a place for them."""
    with contextlib.suppress(OSError, ValueError):
        save(on_machine(built, posterior.day), findings, key(built, posterior))
