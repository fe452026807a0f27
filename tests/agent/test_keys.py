"""An agent's key is made once, is its user's alone, and is never taken for another one."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from prober.agent.errors import AgentError
from prober.agent.files import write_private
from prober.agent.keys import FILE_NAME, AgentKey, default_name, fingerprint, verify


def test_the_first_start_makes_a_key_that_later_ones_find(tmp_path: Path) -> None:
    made = AgentKey.load_or_make(tmp_path / "a" / "spool")
    again = AgentKey.load_or_make(tmp_path / "a" / "spool")
    assert made.public == again.public
    assert len(made.public) == 32
    assert AgentKey.load_or_make(tmp_path / "b").public != made.public


def test_only_its_user_may_read_it_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        AgentKey.load_or_make(tmp_path / "spool")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "spool" / FILE_NAME).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "spool").stat().st_mode) == 0o700
    assert [file.name for file in (tmp_path / "spool").iterdir()] == [FILE_NAME]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o601])
def test_a_key_that_others_can_reach_is_refused_with_a_hint(mode: int, tmp_path: Path) -> None:
    AgentKey.load_or_make(tmp_path)
    (tmp_path / FILE_NAME).chmod(mode)
    with pytest.raises(AgentError, match="others may read ") as caught:
        AgentKey.load_or_make(tmp_path)
    assert caught.value.hint.startswith("chmod 600 ")


@pytest.mark.parametrize("damage", ["empty", "cut", "public half", "private half", "other half", "noise"])
def test_a_damaged_key_is_refused_and_stays_as_it_is(damage: str, tmp_path: Path) -> None:
    AgentKey.load_or_make(tmp_path)
    path = tmp_path / FILE_NAME
    whole = path.read_bytes()
    other = AgentKey.load_or_make(tmp_path / "other")
    assert other.public
    foreign = (tmp_path / "other" / FILE_NAME).read_bytes()
    middle = whole.index(b"-----BEGIN PUBLIC")
    damaged = {
        "empty": b"",
        "cut": whole[:100],
        "public half": whole[:middle],
        "private half": whole[middle:],
        "other half": whole[:middle] + foreign[middle:],
        "noise": os.urandom(len(whole)),
    }[damage]
    path.write_bytes(damaged)
    with pytest.raises(AgentError, match="is damaged") as caught:
        AgentKey.load_or_make(tmp_path)
    assert caught.value.hint.startswith("restore it")
    assert whole[40:80].decode() not in str(caught.value)
    assert path.read_bytes() == damaged


def test_one_flipped_bit_is_noticed_wherever_it_is(tmp_path: Path) -> None:
    public = AgentKey.load_or_make(tmp_path).public
    path = tmp_path / FILE_NAME
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            assert AgentKey.load_or_make(tmp_path).public == public  # a letter that says nothing
        except AgentError:
            continue


def test_a_folder_that_cannot_be_written_is_an_error_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(AgentError, match=r"cannot make the spool's folder .*: not a directory") as caught:
        AgentKey.load_or_make(tmp_path / "file" / "spool")
    assert "--spool names another folder" in caught.value.hint
    with pytest.raises(AgentError, match="file is not a folder"):
        AgentKey.load_or_make(tmp_path / "file")


def test_of_two_that_make_it_at_once_one_wins_and_both_have_it(tmp_path: Path) -> None:
    path = tmp_path / "some.key"
    assert write_private(path, b"first", replace=False)
    assert not write_private(path, b"second", replace=False)
    assert path.read_bytes() == b"first"
    assert [file.name for file in tmp_path.iterdir()] == ["some.key"]


def test_a_signature_holds_for_its_data_and_key_only(tmp_path: Path) -> None:
    key, other = AgentKey.load_or_make(tmp_path / "a"), AgentKey.load_or_make(tmp_path / "b")
    signature = key.sign(b"data")
    assert verify(key.public, signature, b"data")
    assert not verify(key.public, signature, b"Data")
    assert not verify(other.public, signature, b"data")
    assert not verify(key.public, signature[:-1], b"data")
    assert not verify(b"short", signature, b"data")
    assert not verify(b"", b"", b"")


def test_it_shows_its_fingerprint_and_nothing_else(tmp_path: Path) -> None:
    key = AgentKey.load_or_make(tmp_path)
    assert repr(key) == str(key) == f"AgentKey({key.fingerprint})"
    assert key.fingerprint == fingerprint(key.public)
    assert len(key.fingerprint) == 16


def test_the_default_name_has_the_region_and_eight_digits() -> None:
    # SHA-256 of 32 zero bytes begins 66687aadf862bd77.
    assert default_name("iad", bytes(32)) == "iad-66687aad"
    assert fingerprint(bytes(32)) == "66687aadf862bd77"
