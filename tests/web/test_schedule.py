"""What the schedule was, for whoever counts attempts themselves: grids, due instants of the past, gaps of a window."""

from __future__ import annotations

import pytest
from support.asking import internal
from support.served import MINUTE_US, NOW_US, grid_of, with_results

from prober.store.base import GapRow


async def test_every_grid_is_listed_with_what_it_is_made_of() -> None:
    scene = with_results()
    async with internal(scene) as api:
        rows = (await api.ask("/api/v1/series?probe=shop-web")).json["series"]
    assert [(row["region"], row["interval_us"], row["schedule"]) for row in rows] == [
        ("fra", 30_000_000, "stratified"),
        ("iad", 30_000_000, "stratified"),
        ("sin", 30_000_000, "stratified"),
    ]
    assert {(row["first_slot"], row["last_slot"]) for row in rows} == {(None, None)}


async def test_slots_tell_when_each_was_due_page_by_page() -> None:
    scene = with_results()
    grid = grid_of(scene, 1)
    begin_us, end_us = NOW_US - 10 * MINUTE_US, NOW_US - 5 * MINUTE_US
    due = [
        {"slot": slot, "due_us": grid.due_us(slot)}
        for slot in range(grid.slot_at(begin_us) - 1, grid.slot_at(end_us) + 2)
        if begin_us <= grid.due_us(slot) < end_us
    ]
    found, after, pages = [], "", 0
    async with internal(scene) as api:
        while after is not None:
            more = f"&after={after}" if after else ""
            answer = await api.ask(f"/api/v1/slots?series=1&from={begin_us}&to={end_us}&limit=4{more}")
            found += answer.json["slots"]
            after, pages = answer.json["after"], pages + 1
    assert found == due
    assert pages == -(-len(due) // 4)


async def test_slots_to_come_are_not_told() -> None:
    scene = with_results()
    grid = grid_of(scene, 1)
    async with internal(scene) as api:
        answer = await api.ask(
            f"/api/v1/slots?series=1&from={NOW_US - MINUTE_US}&to={NOW_US + 60 * MINUTE_US}"
        )
    dues = [slot["due_us"] for slot in answer.json["slots"]]
    assert dues
    assert max(dues) <= NOW_US < grid.due_us(answer.json["slots"][-1]["slot"] + 1)


async def test_the_slot_that_is_due_now_is_told_and_not_an_instant_before() -> None:
    scene = with_results()
    grid = grid_of(scene, 1)
    due_us = grid.due_us(grid.first_due(NOW_US))
    asked = f"/api/v1/slots?series=1&from={due_us}&to={due_us + 1}"
    for now_us, count in ((due_us - 1, 0), (due_us, 1)):
        async with internal(scene, lambda now_us=now_us: now_us) as api:
            assert len((await api.ask(asked)).json["slots"]) == count


async def test_gaps_of_a_window_come_page_by_page_and_only_those_that_touch_it() -> None:
    scene = with_results()
    grid = grid_of(scene, 2)
    slot = grid.slot_at(NOW_US - 60 * MINUTE_US)
    scene.store.missed = [
        GapRow(series=2, first_slot=slot + 10 * place, last_slot=slot + 10 * place + 2, reason="late")
        for place in range(5)
    ]
    begin_us, end_us = grid.start_us(slot + 3), grid.start_us(slot + 30)  # touches the ones at 10 and 20 only
    found, after = [], ""
    async with internal(scene) as api:
        while after is not None:
            more = f"&after={after}" if after else ""
            answer = await api.ask(f"/api/v1/gaps?from={begin_us}&to={end_us}&limit=1{more}")
            found += answer.json["gaps"]
            after = answer.json["after"]
    assert [gap["first_slot"] for gap in found] == [slot + 10, slot + 20]


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/api/v1/slots?series=1&from=1", 400, "to"),
        ("/api/v1/slots?series=one&from=1&to=2", 400, "series"),
        ("/api/v1/slots?series=99999&from=1&to=2", 404, "99999"),
        ("/api/v1/gaps?from=5&to=5", 400, "to"),
        ("/api/v1/gaps?from=5&after=here", 400, "after"),
        ("/api/v1/series?probe=nope", 404, "nope"),
    ],
)
async def test_what_cannot_be_answered_is_said(path: str, status: int, word: str) -> None:
    async with internal(with_results()) as api:
        answer = await api.ask(path)
    assert answer.status == status
    assert word in answer.text


async def test_an_empty_window_has_no_slots() -> None:
    async with internal(with_results()) as api:
        answer = await api.ask("/api/v1/slots?series=1&from=2000&to=2000")
    assert answer.json == {"series": 1, "slots": [], "after": None}
