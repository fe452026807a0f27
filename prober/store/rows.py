"""Between values of the contract and rows of the tables. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from checks.core.result import Result

from .base import (
    AgentRow,
    AsideRow,
    CallRow,
    ChangeRow,
    Detail,
    GapRow,
    ListeningRow,
    Receipt,
    RunRow,
    SeriesRow,
    StoreError,
)

Row = tuple[Any, ...]  # what SQLite takes and gives: each place has the type of its column

OUTCOMES = ("pass", "warn", "fail", "void")  # their places are stored: only ever add at the end, up to four
PLACES = {outcome: place for place, outcome in enumerate(OUTCOMES)}

RUN_COLUMNS = (
    "series, number, outcome, code, first_us, first_took_us, last_end_us, last_took_us, count, longest_gap_us"
)
CHANGE_COLUMNS = "at_us, noted_us, subject, before, after, because, revision, withdrawn"
AGENT_COLUMNS = "name, region, key, enrolled_us, seen_us, software"
ASIDE_COLUMNS = "agent, region, epoch, sequence, noted_us, reason, data"


class _Body(msgspec.Struct, frozen=True, array_like=True):
    kind: int
    digest: str
    agent: str
    result: Result


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Body)


def unpack(packed: int) -> tuple[int, str]:
    """Return duration and outcome of a packed number."""
    return packed >> 2, OUTCOMES[packed & 3]


def run_head(run: RunRow) -> Row:
    """Return what stays as it is while a run grows: number, outcome, code, first_us, first_took_us."""
    return run.number, PLACES[run.outcome], run.code, run.first_us, run.first_end_us - run.first_us


def run_tail(run: RunRow) -> Row:
    """Return what changes while a run grows: last_end_us, last_took_us, count, longest_gap_us."""
    return run.last_end_us, run.last_end_us - run.last_us, run.count, run.longest_gap_us


def run_value(row: Row) -> RunRow:
    """Return the run of a row in the order of `RUN_COLUMNS`."""
    (
        series,
        number,
        outcome,
        code,
        first_us,
        first_took_us,
        last_end_us,
        last_took_us,
        count,
        longest_gap_us,
    ) = row
    return RunRow(
        series=series,
        number=number,
        outcome=OUTCOMES[outcome],
        code=code,
        first_us=first_us,
        first_end_us=first_us + first_took_us,
        last_us=last_end_us - last_took_us,
        last_end_us=last_end_us,
        count=count,
        longest_gap_us=longest_gap_us,
    )


def body(detail: Detail) -> bytes:
    """Return what is kept of a detail beside its key."""
    return _encoder.encode(_Body(detail.kind, detail.digest, detail.agent, detail.result))


def detail_value(series: int, slot: int, data: bytes) -> Detail:
    """Return the detail of a key and its body."""
    try:
        kept = _decoder.decode(data)
    except msgspec.MsgspecError as error:
        raise StoreError(f"a stored detail of series {series}, slot {slot} cannot be read: {error}") from None
    return Detail(
        series=series, slot=slot, kind=kept.kind, digest=kept.digest, agent=kept.agent, result=kept.result
    )


def series_key(row: SeriesRow) -> Row:
    """Return what makes two series the same."""
    return row.probe, row.region, row.interval_us, row.schedule, json.dumps(row.regions)


def series_value(row: Row) -> SeriesRow:
    """Return the series of a row in the order number, then `series_key`, then created_us."""
    number, probe, region, interval_us, schedule, regions, created_us = row
    return SeriesRow(
        number=number,
        probe=probe,
        region=region,
        interval_us=interval_us,
        schedule=schedule,
        regions=tuple(json.loads(regions)),
        created_us=created_us,
    )


def change_row(change: ChangeRow) -> Row:
    """Return a change in the order of `CHANGE_COLUMNS`."""
    return (
        change.at_us,
        change.noted_us,
        change.subject,
        change.before,
        change.after,
        change.because,
        change.revision,
        change.withdrawn,
    )


def change_value(row: Row) -> ChangeRow:
    """Return the change of a row in the order of `CHANGE_COLUMNS`."""
    at_us, noted_us, subject, before, after, because, revision, withdrawn = row
    return ChangeRow(
        at_us=at_us,
        noted_us=noted_us,
        subject=subject,
        before=before,
        after=after,
        because=because,
        revision=revision,
        withdrawn=withdrawn,
    )


def agent_row(agent: AgentRow) -> Row:
    """Return an agent in the order of `AGENT_COLUMNS`."""
    return agent.name, agent.region, agent.key, agent.enrolled_us, agent.seen_us, agent.software


def agent_value(row: Row) -> AgentRow:
    """Return the agent of a row in the order of `AGENT_COLUMNS`."""
    name, region, key, enrolled_us, seen_us, software = row
    return AgentRow(
        name=name, region=region, key=key, enrolled_us=enrolled_us, seen_us=seen_us, software=software
    )


def aside_row(aside: AsideRow) -> Row:
    """Return a batch kept aside in the order of `ASIDE_COLUMNS`."""
    return (
        aside.agent,
        aside.region,
        aside.epoch,
        aside.sequence,
        aside.noted_us,
        aside.reason,
        aside.data,
    )


def aside_value(row: Row) -> AsideRow:
    """Return the batch kept aside of a row in the order of `ASIDE_COLUMNS`."""
    agent, region, epoch, sequence, noted_us, reason, data = row
    return AsideRow(
        agent=agent,
        region=region,
        epoch=epoch,
        sequence=sequence,
        noted_us=noted_us,
        reason=reason,
        data=data,
    )


def gap_value(row: Row) -> GapRow:
    """Return the gap of a row."""
    return GapRow(series=row[0], first_slot=row[1], last_slot=row[2], reason=row[3])


def receipt_value(row: Row) -> Receipt:
    """Return the receipt of a row."""
    return Receipt(agent=row[0], epoch=row[1], sequence=row[2], hash=row[3])


def call_row(call: CallRow) -> Row:
    """Return a call in the order of its table."""
    return call.probe, call.at_us, call.verb, call.exit_code, call.output


def call_value(row: Row) -> CallRow:
    """Return the call of a row."""
    return CallRow(probe=row[0], at_us=row[1], verb=row[2], exit_code=row[3], output=row[4])


def listening_row(row: ListeningRow) -> Row:
    """Return a time of listening in the order of its table."""
    return row.from_us, row.until_us, json.dumps(row.probes)


def listening_value(row: Row) -> ListeningRow:
    """Return the time of listening of a row."""
    return ListeningRow(from_us=row[0], until_us=row[1], probes=tuple(json.loads(row[2])))


def numbers(values: Sequence[int]) -> str:
    """Return numbers as JSON, for `IN (SELECT value FROM json_each(?))`."""
    return json.dumps(list(values))
