"""The library of saved scenarios: nothing saved is lost, nobody's change is overwritten, and trouble is told."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acuerdo.board import shelf as shelf_module
from acuerdo.board.shelf import ChangedError, Entry, GoneError, Shelf, ShelfError
from acuerdo.errors import DataError, InputError

POSTGRES = "ACUERDO_TEST_POSTGRES"
ODD = ["'; DROP TABLE scenarios; --", "<script>alert(1)</script>", "100 % _ \\", "Ñandú · 渡 · 🙂", "a" * 120]


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield str(tmp_path / "new folder" / "library.sqlite")
        return
    address = os.environ.get(POSTGRES)
    if not address:
        pytest.skip(f"no PostgreSQL server: {POSTGRES} is not set (.ci/run starts one where Debian's package is)")
    name = f"acuerdo_{os.getpid()}_{abs(hash(request.node.name)) % 10**6}"
    server = sa.create_engine(address, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    yield sa.make_url(address).set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture
def shelf(place: str) -> Iterator[Shelf]:
    opened = Shelf(place)
    yield opened
    opened.close()


def add(shelf: Shelf, title: str = "One") -> Entry:
    return shelf.add(title, "why", '{"form": 1, "scenario": {}}', "2024-12-31", "digest")


@pytest.mark.parametrize("title", ODD)
def test_what_is_saved_comes_back_whatever_its_title(shelf: Shelf, title: str) -> None:
    other, made = add(shelf, "something else"), add(shelf, title)
    assert made.title == title
    assert made.revision == 1
    assert shelf.get(made.id) == made
    assert shelf.find(title) == (1, [made])
    assert shelf.find()[0] == 2
    assert shelf.get(other.id).title == "something else"


def test_the_newest_change_comes_first_and_pages_follow_each_other(shelf: Shelf) -> None:
    made = [add(shelf, f"Number {i}") for i in range(7)]
    shelf.change(made[2].id, 1, title="Number 2 again")
    total, first = shelf.find("number", 0, 4)
    assert (total, [entry.title for entry in first]) == (7, ["Number 2 again", "Number 6", "Number 5", "Number 4"])
    assert [entry.title for entry in shelf.find("number", 4, 4)[1]] == ["Number 3", "Number 1", "Number 0"]
    assert shelf.find("nothing like it") == (0, [])


def test_of_two_changes_of_one_revision_only_the_first_counts(shelf: Shelf) -> None:
    made = add(shelf)
    after = shelf.change(made.id, 1, title="Mine", note="n")
    assert (after.title, after.note, after.scenario, after.revision) == ("Mine", "n", made.scenario, 2)
    assert after.made == made.made < after.changed
    for refused in (lambda: shelf.change(made.id, 1, title="Yours"), lambda: shelf.remove(made.id, 1)):
        with pytest.raises(ChangedError) as told:
            refused()
        assert told.value.revision == 2
    assert shelf.get(made.id) == after
    shelf.remove(made.id, 2)
    for missing in (
        lambda: shelf.get(made.id),
        lambda: shelf.change(made.id, 2, title="x"),
        lambda: shelf.remove(made.id, 2),
    ):
        with pytest.raises(GoneError):
            missing()


def test_many_at_once_lose_nothing(shelf: Shelf) -> None:
    made, won, lost = add(shelf), [], []

    def work(person: int) -> None:
        add(shelf, f"Person {person}")
        try:
            won.append(shelf.change(made.id, 1, title=f"by {person}"))
        except ChangedError:
            lost.append(person)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost), shelf.find()[0]) == (1, 11, 13)
    assert shelf.get(made.id) == won[0]


def test_a_library_is_opened_again_with_all_that_was_in_it(place: str) -> None:
    first = Shelf(place)
    made = add(first)
    first.close()
    second, third = Shelf(place), Shelf(place)
    assert second.get(made.id) == third.get(made.id) == made
    second.close()
    third.close()


def test_a_full_library_says_so(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf_module, "MOST_KEPT", 2)
    add(shelf), add(shelf)
    with pytest.raises(InputError, match="at most 2"):
        add(shelf)
    assert shelf.find()[0] == 2


def test_a_library_of_a_newer_form_is_left_alone(place: str) -> None:
    first = Shelf(place)
    made = add(first)
    engine = first._engine
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DataError, match="newer acuerdo"):
        Shelf(place)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
    assert Shelf(place).get(made.id) == made
    first.close()


# --- a file that is no library, a server that is not there, a kill ---------------------------------------------------


def test_a_file_that_is_no_library_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear colleague, " * 100)
    with pytest.raises(DataError, match=r"letter\.txt"):
        Shelf(path)
    assert path.read_text() == "Dear colleague, " * 100


@pytest.mark.parametrize(
    "address",
    [
        "postgresql+psycopg://someone:secret@127.0.0.1:1/none?connect_timeout=2",
        "nothing+odd://someone:secret@host/db",
        "://secret",
    ],
)
def test_a_database_that_cannot_be_reached_is_told_without_its_password(address: str) -> None:
    with pytest.raises(DataError) as told:
        Shelf(address)
    assert "\n" not in str(told.value)
    assert "someone:secret" not in str(told.value)


def test_a_library_that_breaks_while_in_use_is_told(tmp_path: Path) -> None:
    path = tmp_path / "library.sqlite"
    shelf = Shelf(path)
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE scenarios")
    with pytest.raises(ShelfError, match="no such table"):
        shelf.find()
    with pytest.raises(ShelfError):
        add(shelf)


SAVER = """
import sys
from acuerdo.board.shelf import Shelf
shelf = Shelf(sys.argv[1])
while True:
    entry = shelf.add("kept", "x" * 1000, "{}", "latest", "m")
    print(entry.id, flush=True)
"""


def test_a_kill_in_the_middle_of_saving_loses_nothing_that_was_saved(tmp_path: Path) -> None:
    path = tmp_path / "library.sqlite"
    told: list[str] = []
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", SAVER, str(path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        told += [process.stdout.readline().strip() for _ in range(15)]
        process.send_signal(signal.SIGKILL)
        told += [line.strip() for line in process.stdout.read().splitlines() if len(line) == len(told[0])]
        process.wait()
    assert len(told) >= 45
    shelf = Shelf(path)
    assert {shelf.get(name).title for name in told} == {"kept"}
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=120))
def test_any_words_can_be_saved_and_looked_for(tmp_path: Path, title: str) -> None:
    shelf = Shelf(tmp_path / "library.sqlite")
    made = add(shelf, title)
    assert shelf.get(made.id).title == title
    assert made.id in {entry.id for entry in shelf.find(title, limit=100)[1]}
    shelf.remove(made.id, 1)
    shelf.close()
