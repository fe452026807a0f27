"""What an agent makes of a hub that refuses: a batch for now or for good, or the agent itself, always in words."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.fake_hub import TOKEN, FakeHub, fake_hub
from support.uplinks import bench, running, without_pauses

from prober import wire
from prober.agent.dial import LinkError
from prober.wire import Batch, Recheck, Refusal


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    without_pauses(monkeypatch)


# --- refusals of batches ---


def once(fate: str, sequence: int) -> Callable[[Batch], Refusal | None]:
    """Refuse a batch the first time, and what is sent behind it."""
    seen: set[int] = set()

    def refuse(batch: Batch) -> Refusal | None:
        if batch.sequence != sequence or batch.epoch in seen:
            return None
        seen.add(batch.epoch)
        return Refusal(batch.epoch, batch.sequence, fate, "not now")

    return refuse


async def test_a_batch_that_is_refused_for_now_comes_again_and_all_behind_it(tmp_path: Path) -> None:
    async with fake_hub(refuse=once("retry", 3)) as hub, running(tmp_path, hub) as made:
        await made.append(20)
        await hub.until(lambda: len(hub.slots(1)) == 20)
        assert made.uplink.is_linked
    assert hub.slots(1) == list(range(20))
    assert len(hub.hellos) == 1


async def test_after_a_batch_that_is_kept_aside_the_rest_comes_in_a_new_epoch(tmp_path: Path) -> None:
    refuse_first_of_first = once("aside", 3)
    async with fake_hub() as hub, running(tmp_path, hub) as made:
        first = made.spool.epoch
        hub.refuse = lambda batch: refuse_first_of_first(batch) if batch.epoch == first else None
        await made.append(20)
        await hub.until(lambda: len(hub.slots(1)) == 20)
        await made.append(1)
        await hub.until(lambda: len(hub.slots(1)) == 21)
        assert made.spool.epoch > first
    assert sorted(hub.slots(1)) == list(range(21))
    assert {batch.epoch for batch in hub.batches() if batch.epoch != first}
    assert hub.repeated == 0


async def test_a_hub_that_keeps_everything_aside_does_not_get_it_all_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prober.agent.backoff.FIRST_SECONDS", 0.4)
    monkeypatch.setattr("prober.agent.backoff.LONGEST_SECONDS", 30.0)
    asked: list[float] = []

    def refuse(batch: Batch) -> Refusal:
        asked.append(time.monotonic())
        return Refusal(batch.epoch, batch.sequence, "aside", "never")

    async with fake_hub(refuse=refuse) as hub, running(tmp_path, hub) as made:
        await made.append(1)
        await hub.until(lambda: len(asked) == 3)
    assert asked[1] - asked[0] >= 0.2
    assert asked[2] - asked[1] >= 0.4


async def test_stop_ends_the_link_and_is_tried_again_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with fake_hub(refuse=once("stop", 2)) as hub, running(tmp_path, hub) as made:
        await made.append(5)
        await hub.until(lambda: len(hub.slots(1)) == 5)
    assert len(hub.hellos) == 2
    assert [record for record in caplog.records if getattr(record, "problem", "") == "not now"]


async def test_a_whole_conversation_that_is_refused_for_now_is_tried_again(tmp_path: Path) -> None:
    async with (
        fake_hub(refuse_greeting=Refusal(0, 0, "retry", "not now")) as hub,
        running(tmp_path, hub) as made,
    ):
        await hub.until(lambda: len(hub.hellos) >= 2)
        hub.refuse_greeting = None
        await made.append(1)
        await hub.until(lambda: len(hub.slots(1)) == 1)


# --- no way in ---


async def hopeless(folder: Path, hub: FakeHub, **given: object) -> LinkError:
    async with bench(folder, hub, busy=False, **given) as made:  # type: ignore[arg-type]  # a test's shorthand
        with pytest.raises(LinkError) as caught:
            await asyncio.wait_for(made.uplink.run(), 10)
        return caught.value


async def test_a_region_that_is_not_the_token_s_is_said_at_once(tmp_path: Path) -> None:
    async with fake_hub() as hub:
        problem = await hopeless(tmp_path, hub, region="iad")
    assert str(problem) == "the token is of the region 'fra', and this agent was started for 'iad'"
    assert problem.hint == "say --region fra, or give it the token of iad"


async def test_a_wrong_token_is_said_at_once_when_there_is_nothing_else_to_do(tmp_path: Path) -> None:
    async with fake_hub() as hub:
        problem = await hopeless(tmp_path, hub, token="a-token-that-is-wrong")
    assert str(problem) == "the hub does not know this token"


async def test_a_wrong_token_does_not_end_an_agent_that_has_something_to_do(tmp_path: Path) -> None:
    async with fake_hub(token="another-token-for-now") as hub, running(tmp_path, hub) as made:
        await made.append(1)
        await hub.until(lambda: len(hub.tokens) >= 2)
        hub.token = TOKEN
        await hub.until(lambda: len(hub.slots(1)) == 1)


async def test_a_region_that_changes_under_a_running_agent_does_not_end_it(tmp_path: Path) -> None:
    async with fake_hub() as hub, running(tmp_path, hub) as made:
        await hub.until(lambda: made.uplink.is_linked)
        hub.region = "iad"
        hub.drop()
        await hub.until(lambda: len(hub.tokens) >= 3)
        hub.region = "fra"
        await made.append(1)
        await hub.until(lambda: len(hub.slots(1)) == 1)


@pytest.mark.parametrize(
    ("version", "oldest", "words"),
    [
        (wire.VERSION + 2, wire.VERSION, "upgrade this one"),
        (wire.VERSION + 1, wire.VERSION + 1, "upgrade this one"),
        (wire.OLDEST - 1, wire.OLDEST - 1, "upgrade the hub"),
    ],
)
async def test_a_hub_of_another_time_is_refused_in_words(
    tmp_path: Path, version: int, oldest: int, words: str
) -> None:
    async with fake_hub(version=version, oldest=oldest) as hub:
        problem = await hopeless(tmp_path, hub)
    assert words in str(problem)


async def test_a_hub_one_release_ahead_is_spoken_to_and_what_it_says_anew_is_passed_over(
    tmp_path: Path,
) -> None:
    async with fake_hub(version=wire.VERSION + 1, oldest=wire.VERSION) as hub, running(tmp_path, hub) as made:
        await hub.until(lambda: made.uplink.is_linked)
        await hub.send(b"Zsomething new")
        await hub.send(Recheck((5,)))
        await hub.until(lambda: made.orders.rechecked == [(5,)])
        assert len(hub.hellos) == 1


async def test_a_refusal_of_this_agent_is_told_in_the_hub_s_words_with_its_hint(tmp_path: Path) -> None:
    reason = "another agent is named fra-1 (hint: prober regions forget fra-1)"
    async with fake_hub(refuse_greeting=Refusal(0, 0, "stop", reason)) as hub:
        problem = await hopeless(tmp_path, hub)
    assert (str(problem), problem.hint) == ("another agent is named fra-1", "prober regions forget fra-1")
