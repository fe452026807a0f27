"""The cached assignment is whole or ignored, its user's alone, and never in a log."""

from __future__ import annotations

import logging
import os
import resource
import stat
from pathlib import Path

import msgspec
import pytest

from prober import wire
from prober.agent.cache import FILE_NAME, Cache
from prober.wire import Assignment, Series

SECRET = "correct horse battery staple"
SERIES = Series(
    number=1, probe="shop", region="iad", kind="http", options=b'{"password":"%s"}' % SECRET.encode(),
    interval_us=30_000_000, timeout_us=10_000_000, schedule="stratified", regions=("iad",), retries=1,
    retry_after_us=2_000_000, recheck_us=5_000_000, source_address=None, resume_slot=0,
)  # fmt: skip
ASSIGNMENT = Assignment(
    version=wire.VERSION, digest="d", seed=b"s" * 32, series=(SERIES,), max_lag_us=1, max_in_flight=2, hub=b"h" * 16
)  # fmt: skip
DATA = wire.encode(ASSIGNMENT)


def test_what_was_saved_last_is_loaded(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    assert cache.load() is None
    assert cache.save(DATA)
    newer = msgspec.structs.replace(ASSIGNMENT, digest="e")
    assert cache.save(wire.encode(newer))
    assert Cache(tmp_path).load() == newer


def test_only_its_user_may_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        for _ in range(2):
            Cache(tmp_path).save(DATA)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == [FILE_NAME]


def test_any_changed_byte_and_any_cut_is_ignored_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache, path = Cache(tmp_path), tmp_path / FILE_NAME
    cache.save(DATA)
    whole = path.read_bytes()
    for place in range(len(whole)):
        for spoiled in (whole[:place], whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :]):
            caplog.clear()
            path.write_bytes(spoiled)
            assert cache.load() is None
            assert "is ignored" in caplog.text
            assert SECRET not in caplog.text


@pytest.mark.parametrize("version", [0, wire.VERSION + 2])
def test_an_assignment_of_a_release_too_far_away_is_ignored(
    version: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    cache = Cache(tmp_path)
    cache.save(wire.encode(msgspec.structs.replace(ASSIGNMENT, version=version)))
    assert cache.load() is None
    assert "of another release" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("data", [b"", b"?", wire.encode(wire.Ack(1, 1)), DATA[:-5]])
def test_what_is_no_assignment_is_ignored(data: bytes, tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.save(data)
    assert cache.load() is None


def test_a_disk_that_takes_nothing_leaves_what_was_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = Cache(tmp_path)
    cache.save(DATA)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        assert not cache.save(wire.encode(msgspec.structs.replace(ASSIGNMENT, digest="e")))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert cache.load() == ASSIGNMENT
    assert [file.name for file in tmp_path.iterdir()] == [FILE_NAME]
    assert "cannot be kept on disk" in caplog.text
    assert SECRET not in caplog.text


def test_a_folder_in_its_place_is_said_and_ignored(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / FILE_NAME).mkdir()
    assert Cache(tmp_path).load() is None
    assert not Cache(tmp_path).save(DATA)
    assert "cannot be read" in caplog.text
