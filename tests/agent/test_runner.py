"""Every slot has its fate: run once, retried, rechecked, or missed with its reason."""

from __future__ import annotations

from support.agents import SEED, Bench, running, tcp_series
from support.dns_peer import NXDOMAIN, SILENT, DnsPeer, dns_peer, records
from support.tcp_peer import close_at_once, never_accepting, refused, silence, tcp_peer

from checks.core.result import Outcome, Result
from prober.agent.grid import Grid
from prober.wire import Gap, Kind, Resolver, Series

HOUR_NS = 3_600_000_000_000
SLEEP = '{"address": "127.0.0.1:%d", "dialogue": [{"expect": "never"}]}'


def slots(bench: Bench, kind: Kind = Kind.SCHEDULED) -> list[int]:
    return [record.slot for record in bench.reports.records if record.kind == kind]


async def test_slots_follow_each_other_without_a_hole() -> None:
    async with tcp_peer(close_at_once) as peer, running() as bench:
        bench.assign(tcp_series(1, peer.port))
        await bench.reports.until(lambda reports: len(reports.records) >= 5)
        first = slots(bench)[0]
        assert slots(bench) == list(range(first, first + len(slots(bench))))
        assert bench.reports.gaps == []
        assert {record.result.outcome for record in bench.reports.records} == {Outcome.PASS}


async def test_a_run_starts_at_its_due_instant() -> None:
    async with tcp_peer(close_at_once) as peer, running() as bench:
        bench.assign(tcp_series(1, peer.port))
        await bench.reports.until(lambda reports: len(reports.records) >= 3)
        grid = Grid(SEED, "p1", "here", ("here",), 100_000)
        for record in bench.reports.records:
            assert 0 <= record.result.started_us - grid.due_us(record.slot) <= record.late_us + 2000


async def test_a_failure_is_retried_then_rechecked_and_each_is_flagged() -> None:
    with refused() as peer:
        async with running() as bench:
            bench.assign(
                tcp_series(
                    1, peer.port, interval_us=400_000, retries=1, retry_after_us=10_000, recheck_us=30_000
                )
            )
            await bench.reports.until(lambda reports: len(reports.records) >= 5)
            kinds = [record.kind for record in bench.reports.records]
            assert kinds[:4] == [Kind.SCHEDULED, Kind.RETRY, Kind.RECHECK, Kind.RECHECK]


async def test_nothing_is_tried_again_when_it_passes_or_when_told_never() -> None:
    async with tcp_peer(close_at_once) as peer, running() as bench:
        with refused() as dead:
            bench.assign(
                tcp_series(1, peer.port, retries=1, recheck_us=10_000),
                tcp_series(2, dead.port, retries=0, recheck_us=0),
            )
            await bench.reports.until(lambda reports: len(reports.records) >= 8)
        assert {record.kind for record in bench.reports.records} == {Kind.SCHEDULED}


async def test_a_slot_that_finds_the_run_before_still_going_is_missed_as_overrun() -> None:
    async with tcp_peer(silence) as peer, running() as bench:
        options = (SLEEP % peer.port).encode()
        bench.assign(tcp_series(1, peer.port, options=options, interval_us=100_000, timeout_us=350_000))
        await bench.reports.until(lambda reports: len(reports.records) >= 2)
        done = set(slots(bench)) | {
            slot for gap in bench.reports.gaps for slot in range(gap.first, gap.last + 1)
        }
        assert {gap.reason for gap in bench.reports.gaps} == {"overrun"}
        assert done == set(range(min(done), max(done) + 1))


async def test_a_slot_due_within_the_run_before_waits_for_its_end_and_counts_as_late() -> None:
    """Two random instants of neighbouring slots may lie close together: that is no reason to lose a slot."""
    async with tcp_peer(silence) as peer, running() as bench:
        options = (SLEEP % peer.port).encode()
        bench.assign(tcp_series(1, peer.port, options=options, interval_us=100_000, timeout_us=60_000))
        await bench.reports.until(lambda reports: any(record.late_us > 5_000 for record in reports.records))
        assert bench.reports.gaps == []


async def test_slots_between_two_lives_are_missed_as_agent_off() -> None:
    async with tcp_peer(close_at_once) as peer, running() as bench:
        grid = Grid(SEED, "p1", "here", ("here",), 100_000)
        now = grid.first_due(bench.runner.shared.clock.now_us())
        bench.assign(tcp_series(1, peer.port, resume_slot=now - 50))
        await bench.reports.until(lambda reports: len(reports.records) >= 1)
        first = slots(bench)[0]
        assert bench.reports.gaps == [Gap(1, now - 50, first - 1, "agent_off")]


async def test_a_clock_set_forward_gives_one_gap_and_no_burst() -> None:
    async with tcp_peer(close_at_once) as peer, running() as bench:
        bench.assign(tcp_series(1, peer.port))
        await bench.reports.until(lambda reports: len(reports.records) >= 2)
        bench.wall.ahead_ns = HOUR_NS
        bench.runner.follow_clock()
        count = len(bench.reports.records)
        await bench.reports.until(lambda reports: len(reports.records) >= count + 3)
        assert [gap.reason for gap in bench.reports.gaps] == ["clock"]
        gap = bench.reports.gaps[0]
        assert 35_990 <= gap.last - gap.first <= 36_010
        assert slots(bench)[count] == gap.last + 1
        assert all(record.result.duration_us >= 0 for record in bench.reports.records)


async def test_a_clock_set_back_runs_slots_lived_twice_as_rechecks() -> None:
    async with tcp_peer(close_at_once) as peer, running() as bench:
        bench.assign(tcp_series(1, peer.port))
        await bench.reports.until(lambda reports: len(reports.records) >= 2)
        bench.wall.ahead_ns = -HOUR_NS
        bench.runner.follow_clock()
        count = len(bench.reports.records)
        await bench.reports.until(lambda reports: len(reports.records) >= count + 3)
        after = bench.reports.records[count:]
        assert {record.kind for record in after} == {Kind.RECHECK}
        assert bench.reports.gaps == []
        assert len(set(slots(bench))) == len(slots(bench))


async def test_slots_slept_over_are_missed_as_suspended() -> None:
    async with tcp_peer(close_at_once) as peer, running() as bench:
        bench.assign(tcp_series(1, peer.port))
        await bench.reports.until(lambda reports: len(reports.records) >= 2)
        bench.wall.slept_ns = HOUR_NS
        count, woke_us = len(bench.reports.records), bench.runner.shared.clock.now_us() + HOUR_NS // 1000
        await bench.reports.until(lambda reports: len(reports.records) >= count + 3)
        (gap,) = [gap for gap in bench.reports.gaps if gap.reason != "late"]  # which a busy machine may add
        assert gap.reason == "suspended"
        assert 35_900 <= gap.last - gap.first <= 36_010
        after = [record for record in bench.reports.records if record.slot > gap.last]
        assert after
        assert all(record.result.started_us >= woke_us for record in after)
        missed = [slot for each in bench.reports.gaps for slot in range(each.first, each.last + 1)]
        both = sorted(slots(bench) + missed)
        assert both == list(range(both[0], both[0] + len(both)))


async def test_nothing_begins_with_the_time_before_a_step() -> None:
    async with tcp_peer(close_at_once) as peer, running() as bench:
        bench.assign(tcp_series(1, peer.port, interval_us=50_000))
        await bench.reports.until(lambda reports: len(reports.records) >= 2)
        bench.wall.ahead_ns = HOUR_NS
        count, old_us = len(bench.reports.records), bench.runner.shared.clock.now_us()
        await bench.reports.until(lambda reports: len(reports.records) >= count + 3)
        begun = [record.result.started_us for record in bench.reports.records[count:]]
        assert all(at_us <= old_us or at_us >= old_us + HOUR_NS // 1000 for at_us in begun)


async def test_a_run_that_the_machine_slept_through_is_void_and_says_what_it_saw() -> None:
    async with tcp_peer(silence) as peer, running() as bench:
        options = (SLEEP % peer.port).encode()
        bench.assign(
            tcp_series(1, peer.port, options=options, interval_us=30 * 86_400_000_000, timeout_us=200_000)
        )
        bench.runner.recheck((1,))
        assert bench.runner.oldest_in_flight_us() > 0
        bench.wall.slept_ns = HOUR_NS
        await bench.reports.until(lambda reports: bool(reports.records))
        result = bench.reports.records[0].result
        assert result.outcome is Outcome.VOID
        assert [failure.code for failure in result.failures] == ["agent_stalled", "dialogue_timeout"]
        assert "slept 3600.0 s" in result.failures[0].detail
        assert bench.runner.oldest_in_flight_us() == 0


async def test_a_runner_names_the_targets_of_what_it_runs() -> None:
    async with running() as bench:
        bench.assign(tcp_series(1, 9))
        assert [bench.runner.target_of(number) for number in (1, 2)] == ["127.0.0.1:9", ""]


async def test_a_new_assignment_leaves_what_did_not_change_undisturbed() -> None:
    async with tcp_peer(close_at_once) as peer, running() as bench:
        bench.assign(tcp_series(1, peer.port), tcp_series(2, peer.port))
        await bench.reports.until(lambda reports: len(reports.records) >= 4)
        bench.assign(tcp_series(1, peer.port, resume_slot=5), tcp_series(3, peer.port))
        await bench.reports.until(lambda reports: any(record.series == 3 for record in reports.records))
        mine = [record.slot for record in bench.reports.records if record.series == 1]
        assert mine == list(range(mine[0], mine[0] + len(mine)))
        assert [gap for gap in bench.reports.gaps if gap.series == 1] == []


async def test_a_changed_probe_goes_on_where_it_was_and_no_slot_counts_twice() -> None:
    async with tcp_peer(close_at_once) as peer, running() as bench:
        bench.assign(tcp_series(1, peer.port))
        for change in range(6):
            count = len(bench.reports.records)
            await bench.reports.until(lambda reports, count=count: len(reports.records) >= count + 2)  # type: ignore[misc]
            bench.assign(tcp_series(1, peer.port, timeout_us=500_000 + change, resume_slot=1))
        missed = [slot for gap in bench.reports.gaps for slot in range(gap.first, gap.last + 1)]
        both = sorted(slots(bench) + missed)
        assert both == list(range(both[0], both[0] + len(both)))


def named(number: int, port: int, region: str = "here") -> Series:
    options = f'{{"address": "shop.example:{port}", "ip": "ip4"}}'.encode()
    return tcp_series(number, port, options=options, region=region, regions=(region,))


def resolver(region: str, server: DnsPeer, **hosts: str) -> Resolver:
    pairs = tuple((name.replace("_", "."), (address,)) for name, address in hosts.items())
    return Resolver(region, ((server.host, server.port, 4),), pairs, timeout_us=200_000, attempts=1)


def last(bench: Bench, number: int) -> Result:
    return next(each.result for each in reversed(bench.reports.records) if each.series == number)


async def test_a_region_asks_its_own_name_servers_and_knows_its_own_hosts() -> None:
    zone = {("shop.example", "A"): records("127.0.0.1")}
    async with tcp_peer(close_at_once) as peer, dns_peer(zone) as names, running() as bench:
        here, there = resolver("here", names), resolver("there", names, shop_example="127.0.0.1")
        bench.assign(named(1, peer.port), named(2, peer.port, "there"), resolvers=(here, there))
        await bench.reports.until(lambda reports: {each.series for each in reports.records} == {1, 2})
        assert [last(bench, number).outcome for number in (1, 2)] == [Outcome.PASS, Outcome.PASS]
        asked = names.count("shop.example")
        assert asked == sum(each.series == 1 for each in bench.reports.records)


async def test_other_name_servers_restart_what_runs_in_their_region_and_nothing_else() -> None:
    good, bad = {("shop.example", "A"): records("127.0.0.1")}, {("shop.example", "A"): NXDOMAIN}
    async with (
        tcp_peer(close_at_once) as peer,
        dns_peer(good) as names,
        dns_peer(bad) as wrong,
        running() as bench,
    ):
        series = named(1, peer.port), named(2, peer.port, "there")
        bench.assign(*series, resolvers=(resolver("here", names), resolver("there", names)))
        await bench.reports.until(lambda reports: {each.series for each in reports.records} == {1, 2})
        bench.assign(*series, resolvers=(resolver("here", wrong), resolver("there", names)))
        await bench.reports.until(lambda reports: reports.records[-1].result.failure is not None)
        assert last(bench, 1).outcome is Outcome.FAIL
        assert last(bench, 2).outcome is Outcome.PASS


async def test_a_resolver_that_is_of_no_use_is_named_and_the_run_is_void() -> None:
    zone = {("shop.example", "A"): SILENT, (".", "NS"): SILENT}
    async with dns_peer(zone) as names, running() as bench:
        bench.assign(named(1, 9), resolvers=(resolver("here", names),))
        await bench.reports.until(lambda reports: bool(reports.records))
        (failure,) = last(bench, 1).failures
        assert failure.code == "agent_resolver"
        assert "see regions.here.resolver" in failure.detail


async def test_a_scheduled_run_in_flight_when_taken_out_is_accounted_for() -> None:
    async with tcp_peer(silence) as peer, running() as bench:
        bench.assign(tcp_series(1, peer.port, options=(SLEEP % peer.port).encode(), timeout_us=5_000_000))
        await bench.reports.until(lambda reports: bool(reports.gaps))  # an overrun: so one is in flight
        bench.assign()
        missed = [slot for gap in bench.reports.gaps for slot in range(gap.first, gap.last + 1)]
        assert {gap.reason for gap in bench.reports.gaps} == {"overrun", "paused"}
        assert sorted(missed) == list(range(min(missed), min(missed) + len(missed)))


async def test_many_probes_due_at_once_do_not_start_in_one_burst() -> None:
    with never_accepting() as peer:
        async with running() as bench:
            series = [
                tcp_series(n, peer.port, interval_us=60_000_000, timeout_us=500_000) for n in range(300)
            ]
            bench.assign(*series)
            bench.runner.recheck(tuple(range(300)))
            await bench.reports.until(lambda reports: len(reports.records) >= 300)
            starts = sorted(record.result.started_us for record in bench.reports.records)
            assert max(sum(at <= each < at + 1000 for each in starts) for at in starts) < 60
