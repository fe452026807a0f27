"""Files in a folder: whole, never over others, the same ones again are no others."""

from __future__ import annotations

import errno
import os
import resource
import signal
from pathlib import Path

import pytest

from prober.accounts.shelf import NotPut, put, replace

NAME = "gold-acme-2026-03-r1.pdf"


def everything(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder, hidden ones too."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_file_is_there_whole_and_nothing_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    assert put(folder, NAME, b"one", "abcd1234") == folder / NAME
    assert everything(folder) == {NAME: b"one"}
    assert (folder / NAME).stat().st_mode & 0o777 & ~0o640 == 0


def test_the_same_again_changes_nothing(tmp_path: Path) -> None:
    put(tmp_path, NAME, b"one", "abcd1234")
    before = (tmp_path / NAME).stat()
    assert put(tmp_path, NAME, b"one", "abcd1234") == tmp_path / NAME
    after = (tmp_path / NAME).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_what_somebody_else_put_there_stays(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"of somebody else")
    marked = "gold-acme-2026-03-r1-abcd1234.pdf"
    assert put(tmp_path, NAME, b"one", "abcd1234") == tmp_path / marked
    assert put(tmp_path, NAME, b"one, rendered anew", "abcd1234") == tmp_path / marked
    assert everything(tmp_path) == {NAME: b"of somebody else", marked: b"one"}


def test_what_a_crash_left_half_done_is_done_anew(tmp_path: Path) -> None:
    hidden = tmp_path / ".gold-acme-2026-03-r1-abcd1234.pdf.part"
    hidden.write_bytes(b"on")
    put(tmp_path, NAME, b"one", "abcd1234")
    assert everything(tmp_path) == {NAME: b"one"}


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"secret")
    (tmp_path / ".gold-acme-2026-03-r1-abcd1234.pdf.part").symlink_to(other)
    put(tmp_path, NAME, b"one", "abcd1234")
    assert other.read_bytes() == b"secret"


def test_a_file_system_without_links_is_good_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(os, "link", link)
    put(tmp_path, NAME, b"one", "abcd1234")
    (tmp_path / "b.pdf").write_bytes(b"of somebody else")
    assert put(tmp_path, "b.pdf", b"two", "abcd1234").name == "b-abcd1234.pdf"
    assert everything(tmp_path) == {NAME: b"one", "b.pdf": b"of somebody else", "b-abcd1234.pdf": b"two"}


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("a/b", "no such file or directory"),
        ("file", "file exists"),
        ("file/x", "not a directory"),
        ("nul\0", "not the path of a folder"),
        ("/proc/nowhere", "no such file or directory"),
        ("/dev/full/x", "not a directory"),
    ],
)
def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path, place: str, words: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotPut, match=words):
        put(tmp_path / place, NAME, b"one", "abcd1234")


def test_what_is_asked_for_by_hand_takes_the_place_of_the_old_file(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"old")
    assert replace(tmp_path, NAME, b"new") == tmp_path / NAME
    assert everything(tmp_path) == {NAME: b"new"}


def test_the_old_file_stays_where_there_is_no_room_for_the_new_one(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    was = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            replace(tmp_path, NAME, b"n" * 2_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, was)
    assert everything(tmp_path) == {NAME: b"old"}
