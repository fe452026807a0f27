"""docs/method.md tells the truth: its worked example, tables, codes and program are held against the engine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import msgspec
import pytest
from support import method_document as document
from support.method_document import (
    BEGIN_US,
    LENGTH_US,
    by_hand,
    code,
    evidence,
    results,
    section,
    table,
    text,
)
from support.tracks import S

from prober.accounts.terms import contracts_of, customers_of
from prober.config import load
from prober.maintenance.book import book_for
from prober.wire import Missed
from reports.contract import Contract, Method, Minutes, Periods, Requests, Slices, Time, Weighted
from reports.document import ContractReport, Number, Ratio
from reports.latency import MEDIAN, P95, P99, Latencies, objective
from reports.methods import region_track, timeline_of
from reports.periods import period_between
from reports.render.json_format import digest, render
from reports.report import Account, Question, account, report_of
from reports.statistics import bound_text, line, lower, upper
from reports.telling import bounds, ratio
from reports.timeline import Mark
from reports.track import Fate
from reports.words import load as load_words

END_US = BEGIN_US + LENGTH_US


@pytest.fixture(scope="module")
def question(tmp_path_factory: pytest.TempPathFactory) -> Question:
    """Return what the example asks, from its own configuration."""
    path = tmp_path_factory.mktemp("example") / "probes.yaml"
    path.write_text(code(20, "yaml"), encoding="utf-8")
    config = load(path, {})
    (contract,) = contracts_of(config)
    return Question(
        contract=contract,
        # the document lets a quarter of an hour stand for the contract's own month
        period=replace(period_between(BEGIN_US, END_US, contract.zone), unit="month"),
        start_us=BEGIN_US,
        end_us=END_US,
        as_of_us=END_US,
        tracks=evidence(),
        made_us=END_US,
        customer=customers_of(config)["acme"],
        maintenance=book_for(config, [], BEGIN_US, END_US).windows(BEGIN_US, END_US),
    )


@pytest.fixture(scope="module")
def found(question: Question) -> Account:
    return account(question)


@pytest.fixture(scope="module")
def report(found: Account) -> ContractReport:
    return report_of(found)


def _latencies() -> tuple[Latencies, int]:
    """Return the lengths of the example's good runs that count, and how many slots are unknown."""
    rows = [row for each in results().values() for row in each if row.slot is not None]
    excused = document.at_us("10:05"), document.at_us("10:06")
    counted = [
        row
        for row in rows
        if BEGIN_US <= row.start_us < END_US and not excused[0] <= row.start_us < excused[1]
    ]
    lengths = Latencies(row.end_us - row.start_us for row in counted if row.fate is Fate.GOOD)
    return lengths, 42 - sum(1 for row in counted if row.fate is not Fate.UNKNOWN)


def _objective(report: ContractReport) -> dict[str, Ratio | None]:
    lengths, unknown = _latencies()
    told = bounds(objective(lengths.within(800_000), lengths.count, unknown), Fraction("0.95"))
    return {"lowest": told.lowest, "measured": told.measured, "highest": told.highest}


Told = Number | Ratio | Fraction | int | str | None
FIGURES: dict[str, Callable[[ContractReport], Told]] = {
    "N": lambda report: report.eligible_seconds,
    "sure": lambda report: report.down_seconds.lowest,
    "down": lambda report: report.down_seconds.measured,
    "unknown": lambda report: report.coverage.unknown_seconds,
    "possible": lambda report: report.down_seconds.highest,
    "lowest": lambda report: report.availability.lowest,
    "measured": lambda report: report.availability.measured,
    "highest": lambda report: report.availability.highest,
    "coverage": lambda report: report.coverage.ratio,
    "without exclusions, lowest": lambda report: report.without_exclusions.lowest,
    "without exclusions, measured": lambda report: report.without_exclusions.measured,
    "without exclusions, highest": lambda report: report.without_exclusions.highest,
    "budget": lambda report: report.budget and report.budget.total,
    "left, lowest": lambda report: report.budget and report.budget.left.lowest,
    "left, measured": lambda report: report.budget and report.budget.left.measured,
    "left, highest": lambda report: report.budget and report.budget.left.highest,
    "overrun": lambda report: report.excluded.overrun_seconds,
    "outage, sure": lambda report: report.outages[0].seconds.lowest,
    "outage, measured": lambda report: report.outages[0].seconds.measured,
    "outage, possible": lambda report: report.outages[0].seconds.highest,
    "outage, counted": lambda report: report.outages[0].counted_seconds,
    "slots, all": lambda report: report.coverage.slots.total,
    "slots, good": lambda report: report.coverage.slots.good,
    "slots, bad": lambda report: report.coverage.slots.bad,
    "slots, void": lambda report: report.coverage.slots.void,
    "slots, missed": lambda report: sum(report.coverage.slots.missed.values()),
    "smallest sure outage": lambda report: report.smallest_sure_outage_seconds,
    "credit, least": lambda report: report.credit.lowest,
    "credit, most": lambda report: report.credit.highest,
    "latency objective, lowest": lambda report: _objective(report)["lowest"],
    "latency objective, measured": lambda report: _objective(report)["measured"],
    "latency objective, highest": lambda report: _objective(report)["highest"],
}


def _exact(told: Told) -> Fraction:
    assert told is not None
    return Fraction(told.num, told.den) if isinstance(told, Number | Ratio) else Fraction(told)


@pytest.mark.parametrize("row", table(20, "figure"), ids=lambda row: row["figure"])
def test_each_figure_of_the_example_is_what_the_report_says(row, report):
    told = FIGURES[row["figure"]](report)
    assert _exact(told) == Fraction(row["exact"]) == by_hand(row["by hand"])
    assert row["printed"] == (told.text if isinstance(told, Ratio) else "")


def test_the_example_leaves_no_figure_out():
    assert {row["figure"] for row in table(20, "figure")} == set(FIGURES)


def test_the_example_s_finding_credit_and_latencies_are_those_told_in_words(report):
    told = " ".join(section(20).split())
    lengths, unknown = _latencies()
    assert (report.finding, report.credit.kind) == ("not_proven", "range")
    assert f"between {report.credit.lowest} and {report.credit.highest} EUR" in told
    assert (report.statistics.applies, report.statistics.why_not) == (False, "fixed_schedule")
    assert (lengths.count, unknown) == (31, 4)
    told_us = [value for value in lengths.percentiles((MEDIAN, P95, P99)) if value is not None]
    median, p95, p99 = (f"{value // S}.{value % S // 100_000} s" for value in told_us)
    assert (
        f"the median is the 16th, {median}; the 95th percentile the 30th, {p95}; the 99th the 31st, {p99}"
        in told
    )


def _since(at_us: int) -> Fraction:
    return Fraction(at_us - BEGIN_US, S)


def _spans(timeline, least: Mark) -> list[tuple[Fraction, Fraction]]:
    """Return where a timeline's marks are at least so strong, unknown ones apart."""
    merged: list[tuple[Fraction, Fraction]] = []
    for span in timeline.spans(period_between(BEGIN_US, END_US, "UTC").window):
        if span.mark < least or span.mark is Mark.UNKNOWN:
            continue
        start, end = _since(span.start_us), _since(span.end_us)
        if merged and merged[-1][1] == start:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def _interval(cell: str) -> tuple[Fraction, Fraction]:
    start, _, end = cell.partition(" to ")
    return Fraction(start), Fraction(end)


def test_each_region_of_the_example_is_marked_as_its_table_says(question):
    rows = table(20, "region", "core")
    for region in ("fra", "iad", "sin"):
        timeline = region_track(question.contract, question.tracks["web", region])
        own = [row for row in rows if row["region"] == region]
        cores = [_interval(row["core"]) for row in own if row["core"] != "none"]
        assert _spans(timeline, Mark.CORE) == cores
        assert _spans(timeline, Mark.EDGE_DOWN) == [_interval(row["as measured"]) for row in own]
        brackets = [_interval(row["bracket"]) for row in own]
        assert [
            span for span in _spans(timeline, Mark.EDGE_UP) if span != (740, Fraction("740.5"))
        ] == brackets


def test_the_quorum_of_the_example_is_marked_as_its_table_says(question):
    window = question.window
    spans = timeline_of(question.contract, question.tracks).spans(window)
    seen = [(str(int(span.mark)), _since(span.start_us), _since(span.end_us)) for span in spans if span.mark]
    assert seen == [
        (row["mark"], Fraction(row["from"]), Fraction(row["to"])) for row in table(20, "mark", "from")
    ]


METHODS: dict[str, tuple[Method, str]] = {
    "time, POOLED": (Time(), "pooled"),
    "minutes, all": (Minutes(threshold=Fraction(1)), "regional"),
    "periods, 3 minutes": (Periods(minutes=3), "regional"),
    "requests": (Requests(), "regional"),
    "slices of 300 s": (Slices(length_us=300 * S), "regional"),
    "weighted by region 5 : 3 : 2": (
        Weighted(by="regions", weights=(("fra", Fraction(5)), ("iad", Fraction(3)), ("sin", Fraction(2)))),
        "regional",
    ),
}


@pytest.mark.parametrize("row", table(20, "method"), ids=lambda row: row["method"])
def test_the_example_by_other_methods_gives_what_its_table_says(row, question):
    method, quorum = METHODS[row["method"]]
    contract: Contract = replace(question.contract, method=method, quorum=quorum)
    figures = account(replace(question, contract=contract)).figures
    size = S if figures.unit == "us" else 1
    assert {
        "N": figures.total / size,
        "sure": figures.sure / size,
        "down": figures.down / size,
        "possible": figures.possible / size,
        "unknown": figures.unknown / size,
        "lowest": figures.lowest,
        "measured": figures.measured,
        "highest": figures.highest,
    } == {name: Fraction(value) for name, value in row.items() if name != "method"}


@pytest.mark.parametrize("row", table(10, "trials"), ids=lambda row: row["bad"])
def test_the_statistical_line_gives_what_its_table_says(row):
    trials, bad = int(row["trials"]), int(row["bad"])
    assert bound_text(lower(bad, trials), up=False) == row["lower"]
    assert bound_text(upper(bad, trials), up=True) == row["upper"]
    told = line(trials, bad, Fraction("0.9999"), "stratified").finding
    assert told is not None
    assert told.value.replace("_", " ").upper() == row["of 99.99 %"]


@pytest.mark.parametrize("audience", ["customer", "provider"])
def test_the_document_s_own_program_tells_an_intact_report_from_a_changed_one(audience, tmp_path, report):
    program = tmp_path / "check.py"
    program.write_text(code(17, "python"), encoding="utf-8")
    bare = msgspec.structs.replace(report, title='Gold "für" 星商事\n')
    provenance = msgspec.structs.replace(bare.provenance, digest=digest(bare))
    final = msgspec.structs.replace(bare, provenance=provenance)
    answers = []
    for each in (final, msgspec.structs.replace(final, finding="backed")):
        path = tmp_path / "report.json"
        path.write_bytes(render([each], load_words("en"), audience=audience))
        command = [sys.executable, program, path]
        answers.append(subprocess.run(command, capture_output=True, text=True, check=True, timeout=30))
    assert [answer.stdout for answer in answers] == ["intact\n", "CHANGED\n"]


@pytest.mark.parametrize("reason", [*(reason.value for reason in Missed), "not_begun", "no_record"])
def test_each_reason_of_a_missed_slot_is_explained(reason):
    assert f"`{reason}`" in section(2)


@pytest.mark.parametrize(
    "code",
    [
        "partly_cap", "partly_hours", "partly_cancelled", "cap_used", "outside_hours", "outside_service_hours",
        "cancelled", "no_notice", "late_notice", "not_agreed", "some_services", "not_approved", "no_reason",
    ],
)  # fmt: skip
def test_each_reason_why_a_window_does_not_count_is_explained(code):
    assert f"`{code}`" in section(4)


def test_numbers_are_printed_as_the_document_says():
    assert ratio(Fraction(21599, 21600)).text == "99.995"
    assert "21599/21600 is 99.995 %" in text()


def test_sections_are_numbered_without_a_hole():
    numbers = [
        line.split(".")[0].removeprefix("## ") for line in text().splitlines() if line.startswith("## ")
    ]
    assert numbers == [str(number) for number in range(1, len(numbers) + 1)]
