"""`prober import history`: what Uptime Kuma and Gatus measured, beat by beat, and what of it is told as left behind."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.commands import prober
from support.old_monitors import Beat, gatus, kuma

from prober.imports.history import History, convert_history
from prober.imports.history_parts import instant
from prober.imports.results import Names, import_results
from prober.store.foreign import ForeignError

DOWN, UP, PENDING, MAINTENANCE = range(4)
MONITORS = [
    (1, "Web shop", "http"),
    (2, "Database", "port"),
    (3, "All of it", "group"),
    (4, "web shop!", "http"),
]
AT = "2026-05-01 10:0{}:00.250"


def convert(path: Path, region: str = "fra", **given: str) -> tuple[History, list[dict[str, Any]]]:
    """Return what was told and the lines. Any: JSON as programs read it."""
    out = io.BytesIO()
    history = convert_history(path, out, region=region, given=given)
    return history, [json.loads(line) for line in out.getvalue().splitlines()]


def beats(*statuses: int, monitor: int = 1) -> list[Beat]:
    return [(monitor, status, AT.format(minute), 12.5, "200 - OK") for minute, status in enumerate(statuses)]


@pytest.mark.parametrize("version", [1, 2])
def test_a_beat_becomes_a_result_with_the_name_that_its_configuration_gets(
    tmp_path: Path, version: int
) -> None:
    told: list[Beat] = [
        (1, UP, "2026-05-01 10:00:00.250", 12.5, "200 - OK"),
        (1, DOWN, "2026-05-01 10:01:00", None, "connect ECONNREFUSED 192.0.2.7:443"),
        (2, DOWN, "2026-05-01 10:02:00.001", None, "something odd"),
        (4, UP, "2026-05-01 10:00:00.000", None, ""),
    ]
    kuma(tmp_path / "kuma.db", MONITORS, told, version).close()
    history, lines = convert(tmp_path / "kuma.db")
    base = {"region": "fra"}
    assert lines == [
        base
        | {"probe": "web-shop", "at": "2026-05-01T10:00:00.250000Z", "outcome": "pass", "duration_us": 12500},
        base
        | {
            "probe": "web-shop",
            "at": "2026-05-01T10:01:00Z",
            "outcome": "fail",
            "duration_us": 0,
            "failure": {"code": "connect_refused", "detail": "connect ECONNREFUSED 192.0.2.7:443"},
        },
        base
        | {
            "probe": "database",
            "at": "2026-05-01T10:02:00.001000Z",
            "outcome": "fail",
            "duration_us": 0,
            "failure": {"code": "imported", "detail": "something odd"},
        },
        base | {"probe": "web-shop-2", "at": "2026-05-01T10:00:00Z", "outcome": "pass", "duration_us": 0},
    ]
    assert (history.origin, dict(history.results)) == (
        "Uptime Kuma",
        {"database": 1, "web-shop": 2, "web-shop-2": 1},
    )
    assert history.notes == ("monitor 3 (All of it): takes the states of others, and is left out",)


def test_what_follows_a_pending_beat_is_a_retry_and_the_first_of_them_was_scheduled(tmp_path: Path) -> None:
    statuses = [UP, PENDING, PENDING, DOWN, DOWN, PENDING, UP, MAINTENANCE, UP, PENDING]
    other = beats(PENDING, UP, monitor=2)
    kuma(tmp_path / "kuma.db", MONITORS, [*other, *beats(*statuses)]).close()
    found = [(line["outcome"], line.get("kind", "scheduled")) for line in convert(tmp_path / "kuma.db")[1]]
    assert found == [
        ("pass", "scheduled"), ("fail", "scheduled"), ("fail", "retry"), ("fail", "retry"), ("fail", "scheduled"),
        ("fail", "scheduled"), ("pass", "retry"), ("void", "scheduled"), ("pass", "scheduled"), ("fail", "scheduled"),
        ("fail", "scheduled"), ("pass", "retry"),
    ]  # fmt: skip


def test_a_beat_under_maintenance_measured_nothing(tmp_path: Path) -> None:
    kuma(tmp_path / "kuma.db", MONITORS, beats(MAINTENANCE)).close()
    (line,) = convert(tmp_path / "kuma.db")[1]
    assert (line["outcome"], line["duration_us"]) == ("void", 0)
    assert "nothing was measured" in line["failure"]["detail"]


def test_what_uptime_kuma_keeps_only_as_sums_is_told(tmp_path: Path) -> None:
    connection = kuma(
        tmp_path / "kuma.db", MONITORS, [*beats(UP, 7), (99, UP, AT.format(1), 1, "")], version=2
    )
    connection.execute("INSERT INTO heartbeat(monitor_id, status, time) VALUES (1, 1, 'noon')")
    connection.executemany(
        "INSERT INTO stat_daily(monitor_id, timestamp, ping, up, down) VALUES (1, ?, 1, 1, 0)",
        [(day,) for day in range(1200)],
    )
    connection.execute("INSERT INTO maintenance(title, description) VALUES ('Upgrade', '')")
    connection.close()
    history, lines = convert(tmp_path / "kuma.db")
    assert len(lines) == 1
    assert history.notes[1:] == (
        "sums of days, which hold no single results, so that what is older cannot be carried over: 1,200",
        "announced maintenances, to be written under `maintenance` in the configuration: 1",
        "beats whose time or status cannot be read: 2",
        "beats of monitors that no longer exist: 1",
    )


def test_what_a_running_uptime_kuma_has_only_in_its_log_is_read_and_nothing_is_written(
    tmp_path: Path,
) -> None:
    path = tmp_path / "kuma.db"
    connection = kuma(path, MONITORS, [])
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.executemany(
        "INSERT INTO heartbeat(monitor_id, status, time, ping, msg) VALUES (?, ?, ?, ?, ?)", beats(UP, DOWN)
    )
    before, log = path.read_bytes(), path.with_name("kuma.db-wal").read_bytes()
    assert len(convert(path)[1]) == 2
    assert (path.read_bytes(), path.with_name("kuma.db-wal").read_bytes()) == (before, log)
    connection.close()
    assert len(convert(path)[1]) == 2
    assert sorted(each.name for each in tmp_path.iterdir()) == ["kuma.db"]


ENDPOINTS = [(1, "front-end", "core"), (2, "Queue", ""), (3, "front-end", "other")]


@pytest.mark.parametrize("suites", [False, True])
def test_a_result_of_gatus_is_dated_by_its_end_and_lasts_nano_seconds(tmp_path: Path, suites: bool) -> None:
    runs = [
        (1, 1, "", 250_000_999, "2026-05-01 10:00:00.75 +0000 UTC"),
        (2, 0, "dial tcp: lookup queue.example: no such host|~|giving up", 0, "2026-05-01 10:00:01+00:00"),
        (3, 0, "", 5_000_000, "2026-05-01T12:00:02.005000001+02:00"),
    ]
    connection = gatus(tmp_path / "gatus.db", ENDPOINTS, runs, suites=suites)
    connection.executemany(
        "INSERT INTO endpoint_result_conditions(endpoint_result_id, condition, success) VALUES (?, ?, ?)",
        [(1, "[STATUS] == 200", 1), (3, "[STATUS] (503) == 200", 0), (3, "[BODY] == ok", 0)],
    )
    connection.close()
    history, lines = convert(tmp_path / "gatus.db")
    assert [(line["probe"], line["at"], line["outcome"], line["duration_us"]) for line in lines] == [
        ("front-end", "2026-05-01T10:00:00.500000Z", "pass", 250_000),
        ("queue", "2026-05-01T10:00:01Z", "fail", 0),
        ("front-end-2", "2026-05-01T10:00:02Z", "fail", 5000),
    ]
    assert [line.get("failure") for line in lines] == [
        None,
        {"code": "resolve_nxdomain", "detail": "dial tcp: lookup queue.example: no such host; giving up"},
        {"code": "http_status", "detail": "[STATUS] (503) == 200; [BODY] == ok"},
    ]
    assert (history.origin, history.notes) == ("Gatus", ())


def test_what_gatus_keeps_only_as_sums_or_of_suites_is_told(tmp_path: Path) -> None:
    connection = gatus(tmp_path / "gatus.db", ENDPOINTS, [(1, 1, "", 5, "2026-05-01 10:00:00 +0000 UTC")] * 2)
    connection.execute("INSERT INTO suites VALUES (1, 'k', 'checkout', '')")
    connection.execute("INSERT INTO suite_results VALUES (1, 1, 1, '', 5, '2026-05-01 10:00:00 +0000 UTC')")
    connection.execute("UPDATE endpoint_results SET suite_result_id = 1 WHERE endpoint_result_id = 2")
    connection.execute("INSERT INTO endpoint_uptimes VALUES (1, 1, 0, 60, 60, 6000)")
    connection.close()
    history, lines = convert(tmp_path / "gatus.db")
    assert len(lines) == 1
    assert [note.partition(",")[0] for note in history.notes] == [
        "sums of hours",
        "results of suites",
        "results of steps of suites",
    ]


def test_names_may_be_given_and_those_that_fit_nothing_are_told(tmp_path: Path) -> None:
    kuma(tmp_path / "kuma.db", MONITORS, [*beats(UP), *beats(UP, monitor=2), *beats(UP, monitor=4)]).close()
    given = {"Web shop": "shop-web", "database": "shop-db", "nobody": "x"}
    history, lines = convert(tmp_path / "kuma.db", **given)
    assert [line["probe"] for line in lines] == ["shop-web", "shop-db", "web-shop"]
    assert history.unused == ("nobody",)
    gatus(tmp_path / "gatus.db", ENDPOINTS, [(3, 1, "", 5, "2026-05-01 10:00:00 +0000 UTC")]).close()
    assert convert(tmp_path / "gatus.db", **{"other/front-end": "mine"})[1][0]["probe"] == "mine"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-05-01 10:00:00", "2026-05-01T10:00:00+00:00"),
        ("2026-05-01 10:00:00.5", "2026-05-01T10:00:00.500000+00:00"),
        ("2026-05-01T10:00:00.123456789Z", "2026-05-01T10:00:00.123456+00:00"),
        ("2026-05-01 10:00:00.123456789 +0000 UTC", "2026-05-01T10:00:00.123456+00:00"),
        ("2026-05-01 10:00:00.1 +0000 UTC m=+0.015", "2026-05-01T10:00:00.100000+00:00"),
        ("2026-05-01 12:00:00+02:00", "2026-05-01T10:00:00+00:00"),
        ("2026-02-30 10:00:00", None),
        ("0001-01-01 00:00:00+14:00", None),
        ("noon", None),
        (1_777_629_600, None),
        (None, None),
    ],
)
def test_instants_of_every_writer_are_read(text: object, wanted: str | None) -> None:
    found = instant(text)
    assert (found.isoformat() if found else None) == wanted


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),
    st.sampled_from(["", " +0000 UTC", "Z", "+00:00"]),
)
def test_an_instant_is_read_as_it_was_written(at: datetime, ending: str) -> None:
    assert instant(at.isoformat(" ") + ending) == at.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is no SQLite database (hint: name the .db file"),
        (b"[1, 2]", "is no SQLite database"),
        (b"SQLite format 3\0" + b"\xff" * 5000, "damaged"),
    ],
)
def test_a_file_that_is_no_database_is_told(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "kuma.db").write_bytes(data)
    with pytest.raises(ForeignError) as told:
        convert(tmp_path / "kuma.db")
    assert words in str(told.value)


def test_a_damaged_or_missing_or_foreign_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "kuma.db"
    connection = kuma(path, MONITORS, [(1, UP, AT.format(1), 1, "x" * 900)] * 500)
    connection.close()
    whole = path.read_bytes()
    path.write_bytes(whole[: 12 * 4096] + b"\xff" * (len(whole) - 12 * 4096))
    with pytest.raises(ForeignError, match=r"(damaged|cannot read).*hint: "):
        convert(path)
    with pytest.raises(ForeignError, match=r"cannot read .*no such file"):
        convert(tmp_path / "none.db")
    (tmp_path / "other.db").touch()
    other = gatus(tmp_path / "other.db", [], [])
    other.execute("DROP TABLE endpoint_results")
    other.close()
    with pytest.raises(
        ForeignError, match="neither Uptime Kuma nor Gatus; its tables: endpoint_result_conditions"
    ):
        convert(tmp_path / "other.db")


def test_all_that_is_written_can_be_imported(tmp_path: Path) -> None:
    kuma(tmp_path / "kuma.db", MONITORS, beats(UP, PENDING, DOWN, MAINTENANCE, UP)).close()
    gatus(tmp_path / "gatus.db", ENDPOINTS, [(1, 0, "odd", 5, "2026-05-01 10:00:00 +0000 UTC")]).close()
    now_us = 1_790_000_000_000_000
    for name, rows in (("kuma.db", 5), ("gatus.db", 1)):
        out = io.BytesIO()
        convert_history(tmp_path / name, out, region="fra", given={})
        stream = io.BytesIO(out.getvalue())
        tally = import_results(stream, tmp_path / "prober.db", source=name, names=Names(), now_us=now_us)
        assert (tally.new, tally.refused) == (rows, 0)


def test_the_command_writes_what_import_results_reads(tmp_path: Path) -> None:
    kuma(tmp_path / "kuma.db", MONITORS, beats(UP, DOWN)).close()
    (tmp_path / "probes.yaml").write_text(
        "regions: {fra: {local: true}}\nprobes: [{name: shop, tcp: {address: 'shop.example:443'}}]"
    )
    arguments = [
        "import",
        "history",
        "kuma.db",
        "--region",
        "fra",
        "--map",
        "Web shop=shop",
        "-o",
        "old.jsonl",
    ]
    done = prober(*arguments, folder=tmp_path)
    assert (done.code, done.out) == (1, "")
    assert "All of it): takes the states of others" in done.err
    assert "2 results of 1 probe from Uptime Kuma" in done.err
    loaded = prober("import", "results", "old.jsonl", folder=tmp_path)
    assert (loaded.code, loaded.out) == (0, "2 results read: 2 new, 0 on record already, 0 refused\n")
    again = prober(*arguments, folder=tmp_path)
    assert (again.code, "exists already" in again.err) == (2, True)
    as_json = prober(*arguments, "--force", "--json", folder=tmp_path)
    assert json.loads(as_json.out)["results"] == {"shop": 2}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.db"], "cannot read none.db: no such file"),
        (["kuma.db", "--map", "a"], "--map a names no two names"),
        (["kuma.db", "--json"], "--json needs -o"),
        (["kuma.db", "-o", "none/x.jsonl"], "cannot write none/x.jsonl"),
    ],
)
def test_wrong_use_is_told(tmp_path: Path, arguments: list[str], words: str) -> None:
    kuma(tmp_path / "kuma.db", MONITORS, []).close()
    done = prober("import", "history", *arguments, folder=tmp_path)
    assert (done.code, words in done.err) == (2, True)
