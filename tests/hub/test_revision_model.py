"""Whatever the order and repetition of delivery, wherever the hub crashes: the states of all results in order."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.model import BEGIN_US, Desk, T, World, lanes

LATE_US = 5_000  # a start is kept this well where nothing was wrong
Change = tuple[str, int, str, str]


async def check(folder: Path, seed: int, retries: int, slots: int, crashes: bool, late_us: int = 0) -> None:
    """Deliver one world in one order and compare what stands with the truth."""
    chance = Random(seed)
    desk = Desk(folder / f"{seed}.db", retries)
    await desk.begin()
    world = World(retries, desk.grids, desk.rows)
    world.late_us = late_us
    world.draw(chance, slots)
    waiting = lanes(chance, world.records)
    delivered = []
    while waiting:
        lane = chance.choice(waiting)
        one = lane.pop(0)
        waiting = [lane for lane in waiting if lane]
        await desk.take(one)
        delivered.append(one)
        if chance.random() < 0.2:
            await desk.take(chance.choice(delivered))  # it comes again
        if chance.random() < 0.1:
            await desk.pass_time(chance.choice([1, T, 5 * T]))
        if chance.random() < 0.1:
            await desk.look_back()
        if crashes and chance.random() < 0.1:
            await desk.crash()
        if chance.random() < 0.05:
            await desk.reload()
    await desk.pass_time(max(0, BEGIN_US + (slots + 10) * T - desk.now_us))
    await desk.look_back()
    standing, states = await desk.standing(), desk.states()
    await desk.store.close()
    differ(standing, world.truth(desk.now_us), late_us)
    last = {subject: after for subject, _, _, after in standing}
    for subject, state in states.items():
        assert last.get(subject, "unknown") == state.value or _has_tie(standing, subject)


def differ(found: list[Change], true: list[Change], by_us: int) -> None:
    """Fail unless both are the same changes, at the same instants or nearly so."""
    assert [one[:1] + one[2:] for one in found] == [one[:1] + one[2:] for one in true]
    assert all(abs(one[1] - other[1]) <= by_us for one, other in zip(found, true, strict=True))


def _has_tie(standing: list[Change], subject: str) -> bool:
    """Say whether the order of the last two changes is not told by their instants."""
    instants = [at_us for name, at_us, _, _ in standing if name == subject]
    return len(instants) > 1 and instants[-1] == instants[-2]


@given(
    seed=st.integers(0, 10**9),
    retries=st.integers(0, 2),
    slots=st.integers(1, 14),
    crashes=st.booleans(),
    late_us=st.sampled_from([0, LATE_US]),
)
@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_states_are_those_of_the_full_ordered_results(
    tmp_path_factory: pytest.TempPathFactory, seed: int, retries: int, slots: int, crashes: bool, late_us: int
) -> None:
    asyncio.run(check(tmp_path_factory.mktemp("model"), seed, retries, slots, crashes, late_us))
