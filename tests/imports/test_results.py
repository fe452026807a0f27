"""`prober import results`: what of a file is taken, what is refused and why, and that nothing is taken twice."""

from __future__ import annotations

import asyncio
import csv
import gzip
import hashlib
import io
import json
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.commands import prober
from support.store_values import T0_US

from prober.imports.lines import MAX_LINE_BYTES, Unreadable
from prober.imports.results import EARLIEST_US, MAX_REFUSALS, Names, Tally, import_results
from prober.store.base import ImportedRow
from prober.store.sqlite import SqliteStore

NOW_US = T0_US + 1_000_000
NAMES = Names(probes=["shop-web", "shop-db"], regions=["fra", "iad"])


def line(**fields: object) -> dict[str, object]:
    values = {"probe": "shop-web", "region": "fra", "at": T0_US, "outcome": "pass", "duration_us": 81250}
    return values | fields


def text(*lines: dict[str, object] | str) -> bytes:
    return "".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in lines).encode()


def bring(folder: Path, data: bytes, *, names: Names = NAMES, strict: bool = False) -> Tally:
    return import_results(
        io.BytesIO(data), folder / "prober.db", source="old", names=names, now_us=NOW_US, strict=strict
    )


def on_record(folder: Path, probe: str = "shop-web", region: str = "fra") -> list[ImportedRow]:
    async def read() -> list[ImportedRow]:
        store = SqliteStore(folder / "prober.db")
        await store.open()
        try:
            return [row async for some in store.imported(probe, region, 0, 2**60) for row in some]
        finally:
            await store.close()

    return asyncio.run(read())


def refusal(folder: Path, one: dict[str, object] | str, names: Names = NAMES) -> str:
    """Return why a line is refused."""
    tally = bring(folder, text(one), names=names)
    assert (tally.read, tally.new, tally.refused) == (1, 0, 1)
    (found,) = tally.refusals
    assert found[0] == 1
    return found[1]


def test_a_line_becomes_a_result_as_it_says(tmp_path: Path) -> None:
    lines = [
        line(at="2026-05-01T12:00:00.25+02:00", outcome="warn", failure="slow"),
        line(
            at="2026-05-01T10:00:01Z", outcome="fail", failure={"code": "http_status", "detail": "status 500"}
        ),
        line(at=1_777_629_602_000_000, outcome="fail", kind="retry", duration_us=0),
        line(at=1_777_629_603_000_000, outcome="void", kind="recheck", failure={"code": "agent_stalled"}),
    ]
    assert bring(tmp_path, text(*lines)).new == 4
    found = [
        (row.at_us, row.outcome, row.duration_us, row.code, row.detail, row.kind)
        for row in on_record(tmp_path)
    ]
    assert found == [
        (1_777_629_600_250_000, "warn", 81250, "slow", "", 0),
        (1_777_629_601_000_000, "fail", 81250, "http_status", "status 500", 0),
        (1_777_629_602_000_000, "fail", 0, "", "", 1),
        (1_777_629_603_000_000, "void", 81250, "agent_stalled", "", 2),
    ]


def test_a_code_that_is_none_of_ours_is_kept_in_the_detail(tmp_path: Path) -> None:
    failures = ["E_DOWN", {"code": "503", "detail": "too\tbusy"}, {"code": "imported", "detail": "x" * 999}]
    lines = [line(at=T0_US + at, outcome="fail", failure=each) for at, each in enumerate(failures)]
    assert bring(tmp_path, text(*lines)).refused == 0
    assert [(row.code, row.detail) for row in on_record(tmp_path)] == [
        ("imported", "E_DOWN"),
        ("imported", "503: too busy"),
        ("imported", "x" * 300),
    ]


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (line(probe="shop-wbe"), "no probe is called 'shop-wbe' (hint: did you mean 'shop-web'?)"),
        (line(region="nrt"), "no region is called 'nrt' (hint: known: fra, iad)"),
        (line(probe=""), "'' is no name of a probe"),
        (line(region="a\nb"), "is no name of a region"),
        (line(at=NOW_US + 1), "`at` lies in the future"),
        (line(at=EARLIEST_US - 1), "before the year 2000 (hint: a number is micro-seconds"),
        (line(at=T0_US // 1000), "before the year 2000 (hint: a number is micro-seconds"),
        (line(at="1999-12-31T23:59:59.999999Z"), "`at` lies before the year 2000"),
        (line(at="2026-05-01T12:00:00"), "has no time zone (hint: end it with Z"),
        (line(at="yesterday"), "is no instant (hint: 2026-05-01T12:00:00Z"),
        (line(at="2026-02-30T12:00:00Z"), "is no instant"),
        (line(at=None), "`at`: expected a whole number or an instant such as 2026-05-01T12:00:00Z, got null"),
        (line(at=1.5), "got a number with decimals"),
        (line(outcome="up"), "`outcome`: 'up' is unknown (hint: pass, warn, fail, void)"),
        (line(outcome="PASS"), "`outcome`: 'PASS' is unknown"),
        (line(kind="first"), "`kind`: 'first' is unknown (hint: scheduled, retry, recheck)"),
        (line(duration_us=-1), "`duration_us`: expected a whole number >= 0"),
        (line(duration_us=86_400_000_001), "`duration_us`: expected a whole number <= 86400000000"),
        (line(duration_us=1.5), "`duration_us`: expected a whole number, got a number with decimals"),
        (line(failure="slow"), "a pass has no failure (hint: warn"),
        (
            line(outcome="fail", failure=5),
            "`failure`: expected a text or an object or null, got a whole number",
        ),
        (line(duration=3), "unknown field `duration`"),
        ({"probe": "shop-web"}, "missing required field `region`"),
        ("[1, 2]", "expected an object, got a list"),
        (json.dumps(line())[:-1] + ', "outcome": "fail"}', "`outcome` is given twice"),
        (json.dumps(line())[:-1] + r', "outc\u006fme": "pass"}', "`outcome` is given twice"),
        (
            json.dumps(line(outcome="fail"))[:-1] + ', "failure": {"code": "a", "code": "b"}}',
            "`code` is given twice",
        ),
        ('{"probe": "shop', "JSON is malformed"),
        ("x" * 9, "JSON is malformed"),
        (json.dumps(line(probe="x" * MAX_LINE_BYTES)), "longer than 65,536 bytes"),
    ],
)
def test_a_line_that_cannot_be_is_refused_with_its_reason(
    tmp_path: Path, one: dict[str, object] | str, words: str
) -> None:
    # What a file is, is seen by its first line.
    tally = bring(tmp_path, text(line(at=T0_US - 5), one, line(at=T0_US - 6)))
    assert (tally.read, tally.new, tally.refused) == (3, 2, 1)
    (found,) = tally.refusals
    assert found[0] == 2
    assert words in found[1]


@pytest.mark.parametrize("at", [NOW_US, EARLIEST_US, "2000-01-01T00:00:00Z"])
def test_the_borders_of_time_belong_to_it(tmp_path: Path, at: object) -> None:
    assert bring(tmp_path, text(line(at=at))).new == 1


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    data = text(line()) + b'{"probe": "\xff\xfe"}\n'
    assert bring(tmp_path, data).refused == 1


def test_any_name_may_be_taken_if_wanted(tmp_path: Path) -> None:
    assert bring(tmp_path, text(line(probe="gone", region="moon")), names=Names()).new == 1
    assert len(on_record(tmp_path, "gone", "moon")) == 1
    assert "is no name" in refusal(tmp_path, line(probe="x" * 201), Names())


def test_the_same_file_twice_is_the_same_as_once(tmp_path: Path) -> None:
    data = text(*(line(at=T0_US - at) for at in range(5000)))
    first, again = bring(tmp_path, data), bring(tmp_path, data)
    assert (first.new, first.known) == (5000, 0)
    assert (again.new, again.known, again.refused) == (0, 5000, 0)
    assert first.sha256 == again.sha256 == hashlib.sha256(data).hexdigest()
    assert len(on_record(tmp_path)) == 5000


def test_a_line_that_contradicts_what_is_on_record_is_refused_with_its_number(tmp_path: Path) -> None:
    bring(tmp_path, text(line(), line(at=T0_US - 1)))
    tally = bring(
        tmp_path, text(line(at=T0_US - 1), line(outcome="fail"), line(at=T0_US - 2), line(at=T0_US - 2))
    )
    assert [number for number, _ in tally.refusals] == [2]
    assert "is on record, and says otherwise" in tally.refusals[0][1]
    assert (tally.new, tally.known, tally.refused) == (1, 2, 1)
    assert [row.outcome for row in on_record(tmp_path)] == ["pass"] * 3


def test_the_first_refused_lines_are_told_and_all_are_counted(tmp_path: Path) -> None:
    lines = [line(at=T0_US - at, outcome="up" if at % 2 else "pass") for at in range(6 * MAX_REFUSALS)]
    tally = bring(tmp_path, text(*lines))
    assert (tally.refused, tally.new) == (3 * MAX_REFUSALS, 3 * MAX_REFUSALS)
    assert [number for number, _ in tally.refusals] == list(range(2, 2 * MAX_REFUSALS + 2, 2))


@pytest.mark.parametrize("last", [line(outcome="up"), line(at=T0_US - 7, outcome="fail")])
def test_strict_takes_all_or_nothing(tmp_path: Path, last: dict[str, object]) -> None:
    bring(tmp_path, text(line(at=T0_US - 9)))
    lines = [line(at=T0_US - at, probe="shop-db") for at in range(3000)] + [line(at=T0_US - 7)]
    tally = bring(tmp_path, text(*lines, last), strict=True)
    assert (tally.refused, tally.new, tally.is_on_record) == (1, 0, False)
    connection = sqlite3.connect(tmp_path / "prober.db")
    counts = [
        connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("imports", "imported")
    ]
    connection.close()
    assert counts == [1, 1]
    assert bring(tmp_path, text(*lines), strict=True).new == 3001


def as_csv(lines: list[dict[str, object]], columns: list[str], sign: str = ",") -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, delimiter=sign)
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue().encode()


@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_csv_says_the_same_in_columns_of_any_order(tmp_path: Path, sign: str) -> None:
    columns = ["at", "probe", "outcome", "region", "duration_us", "failure", "detail", "kind"]
    lines = [
        line(at="2026-05-01T10:00:00Z"),
        line(at=T0_US, outcome="fail", failure="http_status", detail='said "no",\nand went', kind="retry"),
        line(at=T0_US - 1, outcome="warn", detail="a little slow"),
    ]
    tally = bring(tmp_path, b"\xef\xbb\xbf" + as_csv(lines, columns, sign))
    assert (tally.new, tally.refusals) == (3, [])
    assert [(row.outcome, row.code, row.detail, row.kind) for row in on_record(tmp_path)] == [
        ("pass", "", "", 0),
        ("warn", "imported", "a little slow", 0),
        ("fail", "http_status", 'said "no", and went', 1),
    ]


def test_rows_of_csv_that_cannot_be_are_refused_with_their_line(tmp_path: Path) -> None:
    good = "shop-web,fra,2026-05-01T10:00:00Z,pass,5"
    rows = [
        "probe,region,at,outcome,duration_us",
        good,
        "",
        "shop-web,fra,5",
        f"{good[:-1]}x",
        good.replace("fra", ""),
    ]
    tally = bring(tmp_path, "\r\n".join(rows).encode())
    assert [number for number, _ in tally.refusals] == [4, 5, 6]
    assert "3 columns where the first line names 5" in tally.refusals[0][1]
    assert "`duration_us`: expected a whole number" in tally.refusals[1][1]
    assert "missing required field `region`" in tally.refusals[2][1]
    assert tally.new == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"probe,region,at,outcome\n", "missing: duration_us (hint: or write one JSON object a line)"),
        (
            b"probe,region,at,outcome,duration_us,knid\n",
            "no column is called 'knid' (hint: did you mean 'kind'?)",
        ),
        (b"probe,probe,region,at,outcome,duration_us\n", "two columns have the same name"),
        (b"\x7fELF\x02\x01\x01\0\0\0", "it is no text in UTF-8 (hint: one JSON object a line, or CSV"),
        ("probe,region,at\n".encode("utf-16"), "it is no text in UTF-8"),
        (b"<html>", "has to name the columns"),
        (gzip.compress(text(line()))[:-9], "gzip data is damaged"),
        (gzip.compress(text(line()))[:-8] + b"\0" * 8, "gzip data is damaged"),
        (b"\x1f\x8bnonsense", "gzip data is damaged"),
        (b"probe,region,at,outcome,duration_us\n" + b"x" * (MAX_LINE_BYTES + 9), "line 2 is longer than"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_and_changes_nothing(
    tmp_path: Path, data: bytes, words: str
) -> None:
    with pytest.raises(Unreadable) as told:
        bring(tmp_path, data)
    assert words in str(told.value)
    assert on_record(tmp_path) == []


def test_gzip_is_seen_whatever_the_name_and_known_by_its_own_digest(tmp_path: Path) -> None:
    data = gzip.compress(text(line(), "", "  ", line(at=T0_US - 1)))
    tally = bring(tmp_path, data + b"\0" * 512)  # tapes and tar leave such padding
    assert (tally.new, tally.read) == (2, 2)
    assert tally.sha256 == hashlib.sha256(data + b"\0" * 512).hexdigest()


@settings(max_examples=25, deadline=None)
@given(
    lines=st.lists(st.tuples(st.integers(0, 20), st.sampled_from(["pass", "fail"])), min_size=1, max_size=30),
    cut=st.integers(0, 30),
    order=st.randoms(use_true_random=False),
)
def test_no_order_and_no_cut_of_true_lines_changes_what_is_on_record(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[int, str]], cut: int, order: object
) -> None:
    outcomes = dict(lines)  # one truth an instant
    told = [line(at=T0_US - at, outcome=outcomes[at]) for at, _ in lines]
    whole, pieces = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("pieces")
    bring(whole, text(*told))
    order.shuffle(told)  # type: ignore[attr-defined]  # hypothesis does not name the type
    for some in (told[:cut], told[cut:], told):
        bring(pieces, text(*some))
    assert on_record(pieces) == on_record(whole)
    assert len(on_record(whole)) == len(outcomes)


CONFIG = """
regions: {fra: {local: true}}
probes: [{name: shop-web, tcp: {address: "shop.example:443"}}]
"""


def test_the_command_takes_a_file_and_tells_the_rest(tmp_path: Path) -> None:
    (tmp_path / "probes.yaml").write_text(CONFIG)
    (tmp_path / "old.jsonl").write_bytes(
        text(line(at="2026-05-01T10:00:00Z"), line(probe="shop"), line(at=5))
    )
    done = prober("import", "results", "old.jsonl", folder=tmp_path)
    assert (done.code, done.out) == (1, "3 results read: 1 new, 0 on record already, 2 refused\n")
    assert "old.jsonl:2: no probe is called 'shop' (hint: did you mean 'shop-web'?)" in done.err
    assert "old.jsonl:3: `at` lies before the year 2000" in done.err
    strict = prober("import", "results", "old.jsonl", "--strict", "--any-name", folder=tmp_path)
    assert (strict.code, strict.out) == (1, "1 line of 3 refused: nothing was taken\n")


def test_what_is_printed_for_programs_is_json(tmp_path: Path) -> None:
    (tmp_path / "probes.yaml").write_text(CONFIG)
    data = text(line(at="2026-05-01T10:00:00Z"))
    (tmp_path / "old.jsonl").write_bytes(data)
    done = prober("import", "results", "old.jsonl", "--source", "the old monitor", "--json", folder=tmp_path)
    assert json.loads(done.out) == {
        "source": "the old monitor",
        "sha256": hashlib.sha256(data).hexdigest(),
        "read": 1,
        "new": 1,
        "known": 0,
        "refused": 0,
        "on_record": True,
        "refusals": [],
    }
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing.jsonl"], "cannot read missing.jsonl: no such file"),
        (["empty.jsonl"], "there is no result in empty.jsonl"),
        (["html.jsonl"], "cannot read html.jsonl: the first line has to name the columns"),
        (["html.jsonl", "--source", "a\nb"], "not printable"),
        (["html.jsonl", "--config", "none.yaml"], "fault in the configuration"),
    ],
)
def test_wrong_use_is_told(tmp_path: Path, arguments: list[str], words: str) -> None:
    (tmp_path / "probes.yaml").write_text(CONFIG)
    (tmp_path / "empty.jsonl").write_text("\n\n")
    (tmp_path / "html.jsonl").write_text("<html>")
    done = prober("import", "results", *arguments, folder=tmp_path)
    assert (done.code, words in done.err) == (2, True)
