"""The digest of evidence: the same for the same evidence of a period, another one for any change of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.questions import one, promised, seen
from support.tracks import DAY, MINUTE, track, tracks

from reports.evidence import Stretches, Window
from reports.fingerprint import evidence_digest
from reports.track import Hole, Oddity, Tracks

BEGIN = 20_000 * DAY
WINDOW = Window(BEGIN, BEGIN + DAY)
CONTRACT = promised()


def at(minute: int) -> int:
    return BEGIN + minute * MINUTE


def digest(found: Tracks) -> str:
    return evidence_digest(CONTRACT, found, WINDOW)


PLAIN = seen(BEGIN - DAY, BEGIN + 2 * DAY, [(at(60), at(70))], [(at(200), at(203))])


@pytest.mark.parametrize(
    "other",
    [
        seen(BEGIN - DAY, BEGIN + 2 * DAY, [(at(60), at(71))], [(at(200), at(203))]),
        seen(BEGIN - DAY, BEGIN + 2 * DAY, [(at(60), at(70))], [(at(200), at(204))]),
        seen(BEGIN - DAY, at(1000), [(at(60), at(70))], [(at(200), at(203))]),
        seen(at(1), BEGIN + 2 * DAY, [(at(60), at(70))], [(at(200), at(203))]),
        {pair: each for pair, each in PLAIN.items() if pair[1] != "sin"},
        {},
    ],
)
def test_another_evidence_has_another_digest(other: Tracks) -> None:
    assert digest(other) != digest(PLAIN)


def test_what_lies_outside_of_the_period_makes_no_difference() -> None:
    more = [(at(60), at(70)), (BEGIN - 5 * 60 * MINUTE, BEGIN - 4 * 60 * MINUTE), (at(1500), at(1510))]
    assert digest(seen(BEGIN - 2 * DAY, BEGIN + 9 * DAY, more, [(at(200), at(203))])) == digest(PLAIN)


def test_a_run_that_was_written_in_pieces_is_the_same_run() -> None:
    era = one(BEGIN - DAY, BEGIN + 2 * DAY)
    stretch = era.stretches[0]
    middle = at(700)
    pieces = Stretches(
        [
            replace(stretch, last_us=middle, last_end_us=middle),
            replace(stretch, first_us=middle + MINUTE, first_end_us=middle + MINUTE),
        ]
    )
    whole, cut = (tracks(track("fra", each)) for each in (era, replace(era, stretches=pieces)))
    assert digest(whole) == digest(cut)


def test_the_reason_and_the_code_are_evidence() -> None:
    era = PLAIN["web", "fra"].eras[0]
    lost = replace(era, holes=[Hole(hole.first, hole.last, "dropped") for hole in era.holes])
    coded = replace(era, oddities=[Oddity(odd.slot, odd.fate, "http_status") for odd in era.oddities])
    digests = {digest(PLAIN | tracks(track("fra", each))) for each in (era, lost, coded)}
    assert len(digests) == 3


def test_regions_and_probes_of_other_contracts_make_no_difference() -> None:
    other = tracks(track("fra", one(BEGIN, BEGIN + DAY), probe="db"), track("gru", one(BEGIN, BEGIN + DAY)))
    assert digest(PLAIN | other) == digest(PLAIN)
