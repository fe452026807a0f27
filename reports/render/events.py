"""Chapters of a sheet about what happened: outages, maintenance, coverage, latency.

A customer is told who saw what and why; how it reads inside (details of failures, paths of results) is for the
provider only.
"""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from typing import Any

import msgspec

from reports.document import ExcludedWindow, Latency, Number, Outage
from reports.render.opening import finding_code
from reports.render.parts import Cell, Column, Section, Table
from reports.render.speaker import Speaker


def outages(speaker: Speaker) -> Section:
    """Return every outage: when, how long for sure and at most, where, and why."""
    report, words = speaker.report, speaker.words
    if finding_code(report) == "no_data":
        return speaker.section("outages", [words.say("figure.no_data_sentence")])
    if not report.outages:
        return speaker.section("outages", [words.say("outages.none")])
    total = report.outages_total or len(report.outages)
    paragraphs = [words.count("outages.count", total), words.say("outages.rule")]
    if total > len(report.outages):
        paragraphs.insert(1, words.say("outages.longest", count=words.integer(len(report.outages))))
    tables = [outage_table(speaker), seen_table(speaker)]
    return speaker.section("outages", paragraphs, tables=tables)


def outage_table(speaker: Speaker) -> Table:
    """Return the outages, one a row."""
    columns = [
        speaker.column("number", "number"),
        speaker.column("start", "instant"),
        speaker.column("end", "instant"),
        speaker.column("sure", "duration"),
        speaker.column("as_measured", "duration"),
        speaker.column("possible_length", "duration"),
        speaker.column("counted", "duration"),
        speaker.column("regions"),
        speaker.column("cause"),
        speaker.column("codes"),
        speaker.column("incident"),
    ]
    rows = [_outage_row(speaker, each) for each in speaker.report.outages]
    if speaker.is_internal:
        columns += [speaker.column("detail"), speaker.column("results")]
    return speaker.table("outages", columns, rows)


def _outage_row(speaker: Speaker, outage: Outage) -> tuple[Cell, ...]:
    start, end = speaker.instant(outage.from_), speaker.instant(outage.to)
    if outage.began_before:
        start = Cell(text=speaker.words.say("outages.began_before", instant=start.text), raw=start.raw)
    if outage.goes_on:
        end = Cell(text=speaker.words.say("outages.goes_on", instant=end.text), raw=end.raw)
    regions = dict.fromkeys(speaker.region(each.region) for each in outage.regions)
    row = (
        speaker.number(outage.number),
        start,
        end,
        speaker.duration(outage.seconds.lowest),
        speaker.duration(outage.seconds.measured),
        speaker.duration(outage.seconds.highest, up=True),
        speaker.duration(outage.counted_seconds),
        speaker.text(speaker.join(regions)),
        speaker.text(_cause_so_far(speaker, outage)),
        speaker.text(", ".join(outage.codes)),
        _incident(speaker, outage.incident),
    )
    if not speaker.is_internal:
        return row
    return (*row, speaker.text(outage.detail), speaker.text(outage.results))


def cause(speaker: Speaker, codes: list[str]) -> str:
    """Return why, in plain words, by the code that was seen most often."""
    return speaker.words.code("cause", codes[0]) if codes else speaker.words.say("cause_unknown")


def _cause_so_far(speaker: Speaker, outage: Outage) -> str:
    """Return why; of an outage that goes on, and of which no failed run is known yet, that it is being measured."""
    is_young = outage.goes_on and not outage.codes and not outage.regions and not outage.seconds.lowest.num
    return speaker.words.say("cause_measuring") if is_young else cause(speaker, outage.codes)


def _incident(speaker: Speaker, incident: str | None) -> Cell:
    """Return what people were told of it; a link only where the document has a whole address."""
    if incident is None:
        return speaker.none()
    is_address = incident.startswith(("https://", "http://"))
    return Cell(
        text=incident.rstrip("/").rpartition("/")[2], raw=incident, link=incident if is_address else None
    )


def seen_table(speaker: Speaker) -> Table:
    """Return what each region saw of each outage."""
    columns = [speaker.column("number", "number"), speaker.column("probe"), speaker.column("region")]
    columns += [speaker.column("failed_runs", "number"), speaker.column("codes")]
    rows = [
        (
            speaker.number(outage.number),
            speaker.text(speaker.probe(each.probe)),
            speaker.text(speaker.region(each.region)),
            speaker.number(each.failed),
            speaker.text(", ".join(each.codes)),
        )
        for outage in speaker.report.outages
        for each in outage.regions
    ]
    return speaker.table("seen", columns, rows, speaker.words.say("outages.seen"))


def maintenance(speaker: Speaker) -> Section:
    """Return what was asked to be left out, what of it counts, and why not."""
    found, words = speaker.report.excluded, speaker.words
    paragraphs = []
    if found.outside_hours_seconds.num:
        paragraphs.append(words.say("excluded.hours", length=words.duration(found.outside_hours_seconds)))
    if not found.windows:
        return speaker.section("maintenance", [*paragraphs, words.say("excluded.none")])
    counted = sum(each.counted for each in found.windows)
    paragraphs.append(words.count("excluded.count", len(found.windows), counted=words.integer(counted)))
    paragraphs.append(words.say("excluded.sum", length=words.duration(found.seconds)))
    if found.overrun_seconds.num:
        paragraphs.append(words.say("excluded.overrun", length=words.duration(found.overrun_seconds)))
    return speaker.section("maintenance", paragraphs, tables=[window_table(speaker)])


def window_table(speaker: Speaker) -> Table:
    """Return the windows, counted and not."""
    names: list[Column] = [
        speaker.column("title"),
        speaker.column("kind"),
        speaker.column("start", "instant"),
        speaker.column("end", "instant"),
        speaker.column("announced", "instant"),
        speaker.column("is_counted"),
        speaker.column("counted", "duration"),
        speaker.column("down_inside", "duration"),
        speaker.column("reason"),
        speaker.column("approved_by"),
        speaker.column("approved", "instant"),
    ]
    return speaker.table(
        "windows", names, [_window_row(speaker, each) for each in speaker.report.excluded.windows]
    )


def _window_row(speaker: Speaker, window: ExcludedWindow) -> tuple[Cell, ...]:
    words = speaker.words
    why = words.code("reason", window.reason)
    if window.counted:
        why += words.say("format.gap") + words.code("exclusion_rule", window.rule)
    if window.text:
        why += words.say("format.gap") + window.text
    return (
        speaker.text(window.title),
        speaker.text(words.code("exclusion", window.kind)),
        speaker.instant(window.from_),
        speaker.instant(window.to),
        _announced(speaker, window),
        speaker.message("yes" if window.counted else "no"),
        speaker.duration(window.counted_seconds),
        speaker.none() if window.down_seconds is None else speaker.duration(window.down_seconds),
        speaker.text(why),
        speaker.text(window.approved_by) if window.approved_by else speaker.none(),
        speaker.instant(window.approved),
    )


def _announced(speaker: Speaker, window: ExcludedWindow) -> Cell:
    """Return when it was announced; where it came on record here only later, that this is what somebody states."""
    told = speaker.instant(window.announced)
    if window.announced is None or window.logged is None:
        return told
    if datetime.fromisoformat(window.logged) <= datetime.fromisoformat(window.announced):
        return told
    logged = speaker.instant(window.logged).text
    return Cell(text=speaker.words.say("excluded.stated", announced=told.text, logged=logged), raw=told.raw)


def coverage(speaker: Speaker) -> Section:
    """Return how much was measured, and what the prober itself missed."""
    found, words = speaker.report.coverage, speaker.words
    is_blank = finding_code(speaker.report) == "no_data"
    measured = words.duration(found.measured_seconds)
    paragraphs = [words.say("coverage.share", share=words.ratio(found.ratio), measured=measured)]
    if is_blank:
        paragraphs = [words.say("figure.no_data_sentence")]
    if found.unknown_seconds.num and not is_blank:
        paragraphs.append(
            words.say("coverage.unknown", unknown=words.duration(found.unknown_seconds, up=True))
        )
    paragraphs.append(words.say("coverage.rule"))
    if found.gaps:
        paragraphs.append(words.say("coverage.gaps"))
    return speaker.section("coverage", paragraphs, tables=[slot_table(speaker), gap_table(speaker)])


def slot_table(speaker: Speaker) -> Table:
    """Return what became of the scheduled runs."""
    slots, words = speaker.report.coverage.slots, speaker.words
    counts = {name: getattr(slots, name) for name in ("total", "good", "bad", "void")}
    rows = [(speaker.message(f"slots.{name}"), speaker.number(count)) for name, count in counts.items()]
    rows += [
        (speaker.text(words.code("missed", reason)), speaker.number(count))
        for reason, count in sorted(slots.missed.items())
        if count
    ]
    return speaker.table("slots", [speaker.column("runs"), speaker.column("count", "number")], rows)


def gap_table(speaker: Speaker) -> Table:
    """Return the longest times of which nothing is known."""
    columns = [speaker.column("start", "instant"), speaker.column("end", "instant")]
    columns.append(speaker.column("length", "duration"))
    rows = [
        (
            speaker.instant(gap["from"]),
            speaker.instant(gap["to"]),
            speaker.duration(_seconds(gap["seconds"]), up=True),
        )
        for gap in speaker.report.coverage.gaps
    ]
    return speaker.table("gaps", columns, rows)


def _seconds(value: Any) -> Number:
    """Return a length of a gap, which the document leaves open: a number of seconds, or a rational as read or made."""
    if isinstance(value, Number):
        return value
    return msgspec.convert(value if isinstance(value, dict) else {"num": value, "den": 1}, Number)


def latency(speaker: Speaker) -> Section:
    """Return how fast it was: exact percentiles, and what the contract asks for."""
    report, words = speaker.report, speaker.words
    if not any(each.count for each in report.latency) and not report.objectives:
        return speaker.section("latency", [words.say("figure.no_data_sentence")])
    tables = [objective_table(speaker), latency_table(speaker)]
    return speaker.section("latency", [words.say("latency.rule")], tables=tables)


def latency_table(speaker: Speaker) -> Table:
    """Return median and percentiles by probe and region."""
    columns = [speaker.column("probe"), speaker.column("region"), speaker.column("runs_passed", "number")]
    columns += [speaker.column(name, "duration") for name in ("median", "p95", "p99")]
    rows = [_latency_row(speaker, each) for each in speaker.report.latency if each.count]
    return speaker.table("latency", columns, rows)


def _latency_row(speaker: Speaker, found: Latency) -> tuple[Cell, ...]:
    region = speaker.message("latency.all_regions")
    if found.region is not None:
        region = speaker.text(speaker.region(found.region))
    values = (found.median_us, found.p95_us, found.p99_us)
    cells = [
        speaker.none()
        if each is None
        else Cell(text=speaker.words.latency(each), raw=Fraction(each, 1_000_000))
        for each in values
    ]
    return (speaker.text(speaker.probe(found.probe)), region, speaker.number(found.count), *cells)


def objective_table(speaker: Speaker) -> Table:
    """Return what the contract asks of response times, and what was measured."""
    words = speaker.words
    columns = [
        speaker.column("objective"),
        speaker.column("good_runs", "number"),
        speaker.column("all_runs", "number"),
    ]
    columns += [speaker.column("unknown_runs", "number"), speaker.column("lowest", "percent")]
    columns += [speaker.column("highest", "percent"), speaker.column("finding")]
    rows = [
        (
            speaker.message(
                "latency.objective", share=words.ratio(each.share), limit=words.latency(each.within_us)
            ),
            speaker.number(each.good),
            speaker.number(each.total),
            speaker.number(each.unknown),
            speaker.percent(each.availability.lowest),
            speaker.percent(each.availability.highest),
            speaker.finding(None if each.availability.lowest is None else each.finding),
        )
        for each in speaker.report.objectives
    ]
    return speaker.table("objectives", columns, rows)
