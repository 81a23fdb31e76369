"""Files appear whole or not at all."""

import pytest

from acuerdo.errors import InputError
from acuerdo.files import write_whole


def test_old_content_is_replaced_and_nothing_is_left_behind(tmp_path):
    path = tmp_path / "new" / "a.txt"
    write_whole(path, "één\n")
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


def test_a_place_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="a place that can be written to"):
        write_whole(tmp_path / "file" / "a.txt", "y")
    assert (tmp_path / "file").read_text() == "x"


def test_a_failure_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    write_whole(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "\ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
