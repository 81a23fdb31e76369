"""The library of saved scenarios: a table in SQLite, or in any database that SQLAlchemy is given the address of."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import platformdirs
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from acuerdo.errors import AcuerdoError, DataError, InputError

MOST_KEPT, MOST_PAGE = 2000, 100
_MIGRATIONS = Path(__file__).parent / "migrations"
_TABLE = sa.table(
    "scenarios",
    *[sa.column(name) for name in ("id", "title", "note", "scenario", "as_of", "model", "revision", "made", "changed")],
)


class ShelfError(AcuerdoError):
    """The library cannot be reached or read now."""


class GoneError(AcuerdoError):
    """There is no such entry."""


class ChangedError(AcuerdoError):
    """Somebody else changed the entry first.

    Attributes:
        revision: the entry's revision now.
    """

    def __init__(self, revision: int) -> None:
        self.revision = revision
        super().__init__(f"changed by somebody else; it is at revision {revision} now")


@dataclass(frozen=True)
class Entry:
    """A saved scenario.

    Attributes:
        id: what it is asked for by.
        title, note: words of the one who saved it.
        scenario: the scenario, as JSON.
        as_of: day of the figures that it was saved on, or `latest`.
        model: digest of the model that it was saved on.
        revision: 1, and one more with each change.
        made, changed: times in UTC, ISO 8601.
    """

    id: str
    title: str
    note: str
    scenario: str
    as_of: str
    model: str
    revision: int
    made: str
    changed: str


def default_path() -> Path:
    """Return where the library of this person is."""
    return Path(platformdirs.user_data_dir("acuerdo")) / "scenarios.sqlite"


class Shelf:
    """A library that is open. Safe to use from several threads; several boards may share one.

    Args:
        place: a file, which is made if there is none, or the address of a database as SQLAlchemy writes it
            (`postgresql+psycopg://user@host/name`).

    Raises:
        DataError: it cannot be opened, is no library, or is of a newer form than this program knows.
    """

    def __init__(self, place: str | Path) -> None:
        text = str(place)
        try:
            if "://" in text:
                url = sa.make_url(text)
            else:
                path = Path(text).expanduser()
                path.parent.mkdir(parents=True, exist_ok=True)
                url = sa.URL.create("sqlite", database=str(path))
            self.name = url.render_as_string(hide_password=True)
            self._engine = sa.create_engine(url, pool_pre_ping=True)
            if url.get_backend_name() == "sqlite":
                sa.event.listen(self._engine, "connect", _careful)
            for more in (True, True, False):
                try:
                    self._migrate()
                    break
                except SQLAlchemyError:  # another board may be making the same tables
                    if not more:
                        raise
                    time.sleep(0.2)
        except (SQLAlchemyError, OSError, ImportError, ValueError) as problem:
            raise DataError(f"scenario library {_hidden(text)}: {_first_line(problem)}") from problem

    def _migrate(self) -> None:
        from alembic import command
        from alembic.config import Config
        from alembic.script import ScriptDirectory
        from alembic.util import CommandError

        settings = Config()
        settings.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        known = {step.revision for step in ScriptDirectory.from_config(settings).walk_revisions()}
        with self._engine.begin() as connection:
            if sa.inspect(connection).has_table("alembic_version"):
                at = set(connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalars())
                if at - known:
                    raise DataError(
                        f"scenario library {self.name}: made by a newer acuerdo (form {', '.join(sorted(at))}); "
                        "install that, or name another file with --library"
                    )
            settings.attributes["connection"] = connection
            try:
                command.upgrade(settings, "head")
            except CommandError as problem:
                raise DataError(f"scenario library {self.name}: {problem}") from problem

    @contextmanager
    def _work(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except (SQLAlchemyError, OSError) as problem:
            raise ShelfError(_first_line(problem)) from problem

    def find(self, words: str = "", offset: int = 0, limit: int = 50) -> tuple[int, list[Entry]]:
        """Return how many entries have these words in their title, and some of them, the newest change first.

        Raises:
            ShelfError: the library cannot be reached.
        """
        asked = _TABLE.c.title.icontains(words, autoescape=True) if words else sa.true()
        with self._work() as connection:
            total = connection.execute(sa.select(sa.func.count()).select_from(_TABLE).where(asked)).scalar_one()
            rows = connection.execute(
                sa.select(_TABLE)
                .where(asked)
                .order_by(_TABLE.c.changed.desc(), _TABLE.c.id)
                .offset(offset)
                .limit(min(limit, MOST_PAGE))
            )
            return int(total), [Entry(**row) for row in rows.mappings()]

    def get(self, name: str) -> Entry:
        """Return an entry.

        Raises:
            GoneError: there is no such entry.
            ShelfError: the library cannot be reached.
        """
        with self._work() as connection:
            return _get(connection, name)

    def add(self, title: str, note: str, scenario: str, as_of: str, model: str) -> Entry:
        """Keep a new entry and return it.

        Raises:
            InputError: the library is full.
            ShelfError: the library cannot be reached.
        """
        now = _now()
        entry = Entry(secrets.token_urlsafe(9), title, note, scenario, as_of, model, 1, now, now)
        with self._work() as connection:
            if connection.execute(sa.select(sa.func.count()).select_from(_TABLE)).scalar_one() >= MOST_KEPT:
                raise InputError("library", f"{MOST_KEPT} entries", f"at most {MOST_KEPT}; delete some first")
            connection.execute(sa.insert(_TABLE).values(**vars(entry)))
        return entry

    def change(self, name: str, revision: int, **new: str) -> Entry:
        """Change an entry and return it.

        Args:
            name: its id.
            revision: the revision that the change was made to.
            new: new values of title, note, scenario, as_of and model.

        Raises:
            GoneError: there is no such entry.
            ChangedError: it is not at this revision any more.
            ShelfError: the library cannot be reached.
        """
        values: dict[str, Any] = {**new, "revision": revision + 1, "changed": _now()}
        with self._work() as connection:
            done = connection.execute(
                sa.update(_TABLE).where(_TABLE.c.id == name, _TABLE.c.revision == revision).values(**values)
            )
            found = _get(connection, name)
            if not done.rowcount:
                raise ChangedError(found.revision)
            return found

    def remove(self, name: str, revision: int) -> None:
        """Delete an entry.

        Raises:
            GoneError, ChangedError, ShelfError: as of `change`.
        """
        with self._work() as connection:
            done = connection.execute(sa.delete(_TABLE).where(_TABLE.c.id == name, _TABLE.c.revision == revision))
            if not done.rowcount:
                raise ChangedError(_get(connection, name).revision)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def _get(connection: sa.Connection, name: str) -> Entry:
    row = connection.execute(sa.select(_TABLE).where(_TABLE.c.id == name)).mappings().first()
    if row is None:
        raise GoneError(name)
    return Entry(**row)


def _careful(connection: Any, _: object) -> None:
    """A save that was answered is on the disk; readers do not wait for writers."""
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _hidden(text: str) -> str:
    try:
        return sa.make_url(text).render_as_string(hide_password=True) if "://" in text else text
    except SQLAlchemyError:
        return text.partition("://")[0] + "://…"


def _first_line(problem: BaseException) -> str:
    original = getattr(problem, "orig", None) or problem
    return str(original).strip().splitlines()[0] if str(original).strip() else type(original).__name__


__all__ = ["MOST_KEPT", "MOST_PAGE", "ChangedError", "Entry", "GoneError", "Shelf", "ShelfError", "default_path"]
