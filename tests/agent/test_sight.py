"""An agent tells its own trouble from the target's before anything leaves it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import msgspec
import pytest
from support.agents import tcp_series
from support.dns_peer import dns_peer, records
from support.sights import Listening, Scene, hole, listening, seeing
from support.suspects import failing, passing
from support.tcp_peer import close_at_once, never_accepting, refused, silence, tcp_peer

from checks.core.failures import Code
from checks.core.result import Outcome
from prober.agent import suspicion
from prober.agent.sight import MAX_CUTOFFS
from prober.agent.suspicion import HOLD_US
from prober.wire import (
    Alone,
    ClockState,
    Cutoff,
    Gap,
    Record,
    Resolver,
    Series,
)

SECOND_NS = 1_000_000_000
RARE_US = 30 * 86_400_000_000  # an interval within which nothing happens by itself
SLACK_US = 200_000  # what a busy machine may add to a wait
TIMEOUT = '{"address": "127.0.0.1:%d", "dialogue": [{"expect": "never"}]}'


@pytest.fixture
def canary() -> Iterator[Listening]:
    """A canary that can be reached."""
    with listening() as held:
        yield held


def silent_series(number: int, port: int, **changes: object) -> Series:
    """A series whose target accepts and never says what is expected."""
    plain = {"options": (TIMEOUT % port).encode(), "timeout_us": 50_000, "interval_us": RARE_US}
    return tcp_series(number, port, **(plain | changes))


def outcomes(scene: Scene) -> list[Outcome]:
    return [record.result.outcome for record in scene.records]


async def test_without_canaries_nothing_is_held() -> None:
    async with tcp_peer(silence) as peer, seeing() as scene:
        scene.assign(silent_series(1, peer.port))
        await scene.run_once(1)
        assert outcomes(scene) == [Outcome.FAIL]


async def test_a_failure_is_the_targets_when_a_canary_is_reached(canary: Listening) -> None:
    async with tcp_peer(silence) as peer, seeing() as scene:
        scene.assign(silent_series(1, peer.port), canaries=(canary.target,))
        await scene.run_once(1)
        assert scene.out == []
        assert scene.sight.oldest_held_us() > 0
        await scene.until(lambda scene: bool(scene.out))
        (result,) = [record.result for record in scene.records]
        assert [failure.code for failure in result.failures] == ["dialogue_timeout"]
        assert [cutoff.reached for cutoff in scene.sight.take_cutoffs()] == [True]
        assert scene.sight.oldest_held_us() == 0


async def test_a_canary_that_refuses_shows_that_the_network_works() -> None:
    async with tcp_peer(silence) as peer, seeing() as scene:
        with refused() as canary:
            scene.assign(silent_series(1, peer.port), canaries=(f"tcp://{canary.address}",))
            await scene.run_once(1)
            await scene.until(lambda scene: bool(scene.out))
            assert outcomes(scene) == [Outcome.FAIL]


async def test_a_failure_is_void_when_no_canary_is_reached_and_the_evidence_goes_with_it() -> None:
    async with tcp_peer(silence) as one, tcp_peer(silence) as other, seeing() as scene:
        with hole() as first, hole() as second:
            scene.assign(
                silent_series(1, one.port),
                silent_series(2, other.port),
                canaries=(first.target, second.target),
            )
            await scene.run_once(1, 2)
            await scene.until(lambda scene: len(scene.out) == 2)
            for record in scene.records:
                assert record.result.outcome is Outcome.VOID
                assert [failure.code for failure in record.result.failures] == [
                    "agent_cut_off",
                    "dialogue_timeout",
                ]
                canaries = record.result.facts["canaries"]
                assert isinstance(canaries, list)
                assert [words.partition(": ")[0] for words in canaries] == [first.target, second.target]
            assert scene.sight.has_news
            (cutoff,) = scene.sight.take_cutoffs()
            assert (cutoff.region, cutoff.reached, list(cutoff.evidence)) == ("here", False, canaries)
            assert abs(cutoff.at_us - scene.clock.now_us()) < 5_000_000
            assert not scene.sight.has_news
            assert scene.sight.take_cutoffs() == ()


async def test_nothing_is_held_longer_than_the_limit() -> None:
    async with tcp_peer(silence) as peer, seeing() as scene:
        with hole() as canary:
            scene.assign(silent_series(1, peer.port), canaries=(canary.target,))
            await scene.run_once(1)
            began = time.monotonic()
            await scene.until(lambda scene: bool(scene.out))
            assert (time.monotonic() - began) * 1_000_000 < HOLD_US + SLACK_US


async def test_sight_comes_back_when_a_canary_answers_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suspicion, "ASK_US", 100_000)
    async with tcp_peer(silence) as peer, seeing() as scene:
        with hole() as canary:
            scene.assign(silent_series(1, peer.port), canaries=(canary.target,))
            await scene.run_once(1)
            await scene.until(lambda scene: bool(scene.out))
            canary.open()
            told: list[Cutoff] = []
            await scene.until_true(lambda: (told.extend(scene.sight.take_cutoffs()), told[-1].reached)[1])
            count = len(scene.out)
            await scene.run_once(1)
            await scene.until(lambda scene: len(scene.out) > count)
            assert outcomes(scene)[0] is Outcome.VOID
            assert outcomes(scene)[-1] is Outcome.FAIL


async def test_a_pass_elsewhere_lets_a_failure_go_without_asking_anyone(canary: Listening) -> None:
    async with tcp_peer(silence) as peer, tcp_peer(close_at_once) as good, seeing() as scene:
        scene.assign(
            silent_series(1, peer.port),
            tcp_series(2, good.port, interval_us=50_000),
            canaries=(canary.target,),
        )
        await scene.until(lambda scene: len(scene.records) >= 2)
        scene.runner.recheck((1,))
        await scene.until(lambda scene: any(record.series == 1 for record in scene.records))
        assert canary.peers() == []
        assert scene.sight.take_cutoffs() == ()


async def test_two_probes_of_one_target_are_no_company_for_each_other(canary: Listening) -> None:
    async with tcp_peer(silence) as peer, seeing() as scene:
        scene.assign(silent_series(1, peer.port), silent_series(2, peer.port), canaries=(canary.target,))
        began = time.monotonic()
        await scene.run_once(1, 2)
        await scene.until(lambda scene: len(scene.out) == 2)
        assert (time.monotonic() - began) * 1_000_000 >= suspicion.COMPANY_US


async def test_canaries_are_asked_from_the_regions_address_by_the_name_its_servers_know(
    canary: Listening,
) -> None:
    zone = {("canary.example", "A"): records("127.0.0.1")}
    async with dns_peer(zone) as names, seeing() as scene:
        scene.assign(
            silent_series(1, 9, source_address="127.0.0.9"),
            canaries=(canary.target.replace("127.0.0.1", "canary.example"),),
            resolvers=(Resolver("here", ((names.host, names.port, 4),), (), 200_000, 1),),
        )
        scene.sight.alone(Alone("here", 1))
        await scene.until_true(lambda: scene.sight.has_news)
        assert canary.peers() == ["127.0.0.9"]
        assert names.count("canary.example")


async def test_a_pass_within_a_long_run_tells_of_it() -> None:
    async with seeing() as scene:
        series = silent_series(1, 9, timeout_us=10_000_000), silent_series(2, 10)
        scene.assign(*series, canaries=("tcp://127.0.0.1:9",))
        now_us = scene.clock.now_us()
        scene.sight.report(Record(2, 1, 0, 0, msgspec.structs.replace(passing(), started_us=now_us)))
        failed = msgspec.structs.replace(failing(Code.CONNECT_TIMEOUT), started_us=now_us - 10_000_000)
        scene.sight.report(Record(1, 1, 0, 0, failed))
        assert outcomes(scene) == [Outcome.PASS, Outcome.FAIL]


async def test_a_clock_that_was_set_makes_no_run_longer_than_its_timeout() -> None:
    async with seeing() as scene:
        with hole() as canary:
            scene.assign(silent_series(1, 9), silent_series(2, 10), canaries=(canary.target,))
            scene.sight.report(Record(2, 1, 0, 0, passing()))
            await scene.until_true(_after(700_000))
            scene.sight.report(Record(1, 1, 0, 0, failing(Code.CONNECT_TIMEOUT)))  # begun in 1970
            assert outcomes(scene) == [Outcome.PASS]


def _after(us: int) -> Callable[[], bool]:
    due_ns = time.monotonic_ns() + us * 1000
    return lambda: time.monotonic_ns() >= due_ns


async def test_canaries_that_are_no_longer_configured_are_left_alone(
    canary: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suspicion, "ASK_US", 100_000)
    async with tcp_peer(silence) as peer, seeing() as scene:
        series = silent_series(1, peer.port, timeout_us=200_000)
        scene.assign(series, canaries=(canary.target,))
        scene.sight.alone(Alone("here", 1))
        await scene.until_true(lambda: scene.sight.has_news)
        scene.sight.alone(Alone("here", 1))  # as soon as they may be asked again
        scene.assign(series)
        await scene.run_once(1)
        assert len(canary.peers()) == 1


async def test_word_that_a_region_is_alone_has_its_canaries_asked(canary: Listening) -> None:
    async with seeing() as scene:
        scene.assign(canaries=(canary.target,))
        scene.sight.alone(Alone("elsewhere", 1))
        scene.sight.alone(Alone("here", 1))
        await scene.until_true(lambda: scene.sight.has_news)
        assert [(cutoff.region, cutoff.reached) for cutoff in scene.sight.take_cutoffs()] == [("here", True)]


async def test_what_was_held_belongs_to_the_configuration_it_was_measured_under(canary: Listening) -> None:
    async with tcp_peer(silence) as peer, seeing() as scene:
        series, canaries = silent_series(1, peer.port), (canary.target,)
        scene.assign(series, canaries=canaries, digest="one")
        await scene.run_once(1)
        assert scene.out == []
        scene.assign(series, canaries=canaries, digest="two")
        await scene.until(lambda scene: bool(scene.out))
        assert scene.out[0][0] == "one"
        assert scene.collector.digest == "two"
        assert scene.collector.take()[0] == "one"


async def test_a_series_that_is_taken_out_leaves_in_order(canary: Listening) -> None:
    async with tcp_peer(silence) as peer, seeing() as scene:
        canaries = (canary.target,)
        scene.assign(silent_series(1, peer.port), canaries=canaries)
        await scene.run_once(1)
        scene.assign(canaries=canaries)
        scene.sight.report(Gap(1, 5, 5, "paused"))
        assert scene.out == []
        await scene.until(lambda scene: len(scene.out) == 2)
        assert [type(item) for _, item in scene.out] == [Record, Gap]


async def test_other_canaries_start_afresh_and_what_was_held_goes_on_as_it_is(canary: Listening) -> None:
    async with tcp_peer(silence) as peer, seeing() as scene:
        with hole() as dead:
            series = silent_series(1, peer.port)
            scene.assign(series, canaries=(dead.target,))
            await scene.run_once(1)
            await scene.until(lambda scene: bool(scene.out))
            assert outcomes(scene) == [Outcome.VOID]
            scene.assign(series, canaries=(canary.target,))
            await scene.run_once(1)
            await scene.until(lambda scene: len(scene.out) == 2)
            scene.assign(series)
            await scene.run_once(1)
            assert outcomes(scene) == [Outcome.VOID, Outcome.FAIL, Outcome.FAIL]


async def test_a_new_assignment_leaves_a_verdict_standing_where_nothing_changed() -> None:
    async with tcp_peer(silence) as peer, seeing() as scene:
        with hole() as dead:
            series = silent_series(1, peer.port)
            scene.assign(series, canaries=(dead.target,))
            await scene.run_once(1)
            await scene.until(lambda scene: bool(scene.out))
            scene.assign(series, silent_series(2, peer.port), canaries=(dead.target,), digest="two")
            await scene.run_once(1)
            assert outcomes(scene) == [Outcome.VOID, Outcome.VOID]


async def test_leaving_lets_everything_go_as_it_is_and_asks_nobody() -> None:
    async with tcp_peer(silence) as peer, seeing() as scene:
        with never_accepting() as canary:
            scene.assign(silent_series(1, peer.port), canaries=(f"tcp://{canary.address}",))
            await scene.run_once(1)
            scene.sight.alone(Alone("here", 1))
            scene.sight.close()
            assert outcomes(scene) == [Outcome.FAIL]
            assert scene.reactor.channels == {}


async def test_only_the_newest_verdicts_are_kept_until_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suspicion, "ASK_US", 0)
    with refused() as canary:
        async with seeing() as scene:
            scene.assign(canaries=(f"tcp://{canary.address}",))
            for _ in range(MAX_CUTOFFS + 1):
                scene.sight.alone(Alone("here", 1))
                await scene.until_true(lambda: scene.reactor.channels == {})
            assert len(scene.sight.take_cutoffs()) == MAX_CUTOFFS


# --- the clock ------------------------------------------------------------------------------------------


async def test_everything_is_void_while_the_clock_is_too_far_from_the_hubs() -> None:
    async with tcp_peer(close_at_once) as good, tcp_peer(silence) as bad, seeing() as scene:
        scene.wall.ahead_ns = 3 * SECOND_NS
        scene.runner.follow_clock()
        scene.assign(
            tcp_series(1, good.port, interval_us=RARE_US), silent_series(2, bad.port), limit_us=2_000_000
        )
        scene.clock.against_hub(ClockState(3_000_000, 1000, 0))
        scene.runner.follow_clock()
        count = len(scene.out)
        await scene.run_once(1, 2)
        results = {record.series: record.result for record in scene.records[count:]}
        assert [results[number].outcome for number in (1, 2)] == [Outcome.VOID, Outcome.VOID]
        assert [[each.code for each in results[number].failures] for number in (1, 2)] == [
            ["agent_clock"], ["agent_clock", "dialogue_timeout"]
        ]  # fmt: skip
        assert abs(results[1].started_us - time.time_ns() // 1000) < 2_000_000  # the hub's time
        clock = results[1].facts["clock"]
        assert isinstance(clock, dict)
        assert {name: round(us / 1000) for name, us in clock.items()} == {
            "offset_us": 3000, "error_us": 1, "limit_us": 2000
        }  # fmt: skip
        assert "the clock here is +3.00" in results[1].failures[0].detail
        assert {event.kind for event in scene.sight.take_clock_events()} == {"step"}
        scene.clock.against_hub(ClockState(1_000_000, 1000, 1))
        scene.runner.follow_clock()
        await scene.run_once(1)
        assert outcomes(scene)[-1] is Outcome.PASS
