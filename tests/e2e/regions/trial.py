"""One scenario under way in a world: waits for what should be shown, then judges what was shown and what is on record.

Judged is the same for every scenario: no false down time, every slot with exactly one fate, and how long it took after
the fault was over until that was so and every state was true.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

import aiohttp

from .layout import REGIONS
from .records import Key, Records
from .truth import Span, down_spans, false_us
from .watch import Sample, Watch, wrongly_down
from .world import World, now_us

SECOND_US = 1_000_000
EARLY_US = 300_000  # a check that began while the target was well may end after it was told to fail
LATE_US = 2_500_000  # DOWN lasts until the next run passes: a recheck's pace, a timeout and some
SHOWN_LATE_US = 5_000_000  # and is shown until that has been delivered and committed
DELIVERY_US = 4_000_000  # from a slot's due instant to its fate on record, where nothing is wrong
UP_SECONDS = 20.0
RESTORED_SECONDS = 40.0
POLL_SECONDS = 0.25
Told = Callable[[], Awaitable[list[str]]]


@dataclass(slots=True)
class Report:
    """How a scenario went; `error` is what it failed by."""

    name: str
    broken_seconds: float = 0.0
    restored_seconds: float | None = None
    seen: str = ""  # the states that were shown, in order
    slots: int = 0
    late: int = 0  # results of the time of the fault that arrived after it was over
    lost: int = 0
    false_down_seconds: float = 0.0
    note: str = ""
    error: BaseException | None = None


@dataclass(slots=True)
class Trial:
    """A scenario in a world. `begin_us` is its start, `healed_us` the end of its fault."""

    world: World
    watch: Watch
    records: Records
    report: Report
    begin_us: int = field(default_factory=now_us)
    broken_us: int = 0
    healed_us: int = 0
    restored_us: int = 0
    shown_late_us: int = SHOWN_LATE_US
    blind: frozenset[str] = (
        frozenset()
    )  # regions that the scenario lets see wrongly: their own views are not judged
    known_at_heal: set[tuple[Key, int]] = field(default_factory=set)

    async def until(self, holds: Callable[[Sample], bool], words: str, seconds: float = UP_SECONDS) -> float:
        """Wait until what is shown holds; how long that took."""
        begin = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(seconds):
                while True:
                    sample = await self.watch.look()
                    if sample is not None and holds(sample):
                        return asyncio.get_running_loop().time() - begin
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise AssertionError(f"{words}: not in {seconds:.0f} s; shown is {self._shown()}") from None

    def _shown(self) -> str:
        return str(self.watch.samples[-1])[:1500] if self.watch.samples else "nothing"

    def breaks(self) -> None:
        """Note that the fault begins."""
        self.broken_us = now_us()

    async def heals(self) -> None:
        """Note that the fault is over, and what is on record by then."""
        self.healed_us = now_us()
        self.report.broken_seconds = (self.healed_us - self.broken_us) / SECOND_US
        self.known_at_heal = await self._known()

    async def _known(self) -> set[tuple[Key, int]]:
        """Return the slots of the time of the fault that have a result on record."""
        try:
            fates = await self.records.fates(self.broken_us)
        except (aiohttp.ClientError, OSError):  # the hub itself is what is broken
            return set()
        keys = self.records.grids
        return {
            (key, slot)
            for key in keys
            for slot in self.records.slots(key, self.broken_us, self.healed_us)
            if slot in fates.scheduled.get(key, ())
        }

    async def restored(self, told: Told | None = None, seconds: float = RESTORED_SECONDS) -> None:
        """Wait until the truth is back: links, states, the fate of every slot, and every region measures again.

        `told` says what else is not yet on record as it was; nothing once it is.
        """
        await self.until(self.is_well, "states and links are as before", seconds)
        deadline_us = now_us() + int(seconds * SECOND_US)
        while missing := (
            await self._unaccounted(self.healed_us)
            or await self._unmeasured()
            or (await told() if told else [])
        ):
            assert now_us() < deadline_us, f"not on record {seconds:.0f} s after the fault: {missing}"
            await asyncio.sleep(POLL_SECONDS)
        self.restored_us = now_us()
        self.report.restored_seconds = (self.restored_us - self.healed_us) / SECOND_US

    async def _unmeasured(self) -> list[str]:
        """Name the quick probes, by region, without a passed scheduled run since the end of the fault."""
        fates = await self.records.fates(self.healed_us)
        return [
            f"{probe}@{region} has no scheduled pass"
            for probe, region in self.records.grids
            if probe in self.world.quick and "pass" not in fates.ends((probe, region))
        ]

    async def _unaccounted(self, to_us: int) -> list[str]:
        return await self.records.unaccounted(self.begin_us, to_us)

    def always(self, *states: str, probes: Iterable[str] = ("web",)) -> None:
        """Fail unless the probes were shown in these states only, since the scenario began."""
        seen = {sample.probes[probe] for sample in self.watch.since(self.begin_us) for probe in probes}
        assert seen <= set(states), f"{probes} were shown {seen}"

    async def measured(self, *regions: str, ends: Iterable[str] = ("pass",)) -> None:
        """Fail unless every slot of these regions ended so, from the begin of the fault until all was well again."""
        for region in regions:
            found = await self.records.ended_as(region, self.broken_us, self.restored_us - DELIVERY_US)
            assert found.total() > 0
            assert set(found) <= set(ends), f"{region}: {found}"

    async def look(self) -> Sample:
        """Return what is shown now."""
        sample = await self.watch.look()
        assert sample is not None
        return sample

    def is_well(self, sample: Sample) -> bool:
        """Say whether all agents have links, no region is cut off, and every region sees every target well."""
        states = [sample.probes[name] for name in self.world.quick]
        views = [state for (name, _), state in sample.views.items() if name in self.world.quick]
        is_cut_off = any(sample.region(region)["cut_off"] for region in REGIONS)
        return sample.linked >= frozenset(REGIONS) and not is_cut_off and {*states, *views} == {"up"}

    async def judge(self) -> None:
        """Fill in the report, and fail where something false was said or something is lost."""
        samples = self.watch.since(self.begin_us)
        self.report.seen = " ".join(_in_order(sample.probes.get("web", "?") for sample in samples))
        await self._count_lost()
        for probe in self.world.probes:
            true = self.world.failures(probe)
            self._judge_shown(samples, probe, true)
            await self._judge_changes(probe, true)
            await self._judge_figures(probe, true)

    def _seeing(self) -> list[str]:
        return [region for region in REGIONS if region not in self.blind]

    def _judge_shown(self, samples: list[Sample], probe: str, true: list[Span]) -> None:
        """Nothing is shown down while the target is well: not the probe, and not a region's view of it."""
        shown = [(sample.at_us, sample.probes[probe]) for sample in samples]
        for region in self._seeing():
            shown += [(sample.at_us, sample.views[probe, region]) for sample in samples]
        assert wrongly_down(shown, true, self.shown_late_us) == [], (
            f"{probe} was shown down, its target at {true}"
        )

    async def _judge_changes(self, probe: str, true: list[Span]) -> None:
        """No time is down by the changes that stand but that in which the target failed."""
        for subject in (f"probe:{probe}", *(f"region:{probe}@{region}" for region in self._seeing())):
            down = down_spans(await self.records.changes(subject), now_us(), self.begin_us)
            wrong_us = false_us(down, true, EARLY_US, LATE_US)
            self.report.false_down_seconds += wrong_us / SECOND_US
            assert wrong_us == 0, f"{subject} was down at {down}, its target at {true}"

    async def _judge_figures(self, probe: str, true: list[Span]) -> None:
        """The truth lies within the bounds: surely down is no more, possibly down no less."""
        figures = (await self.records.figures(f"probe:{probe}"))["down"]
        true_us = sum(span.length_us for span in true)
        assert figures["sure_us"] <= true_us + EARLY_US * len(true), (probe, figures, true)
        assert true_us <= figures["possible_us"] + EARLY_US * len(true), (probe, figures, true)

    async def _count_lost(self) -> None:
        to_us = max(self.restored_us - DELIVERY_US, self.healed_us)
        missing = await self._unaccounted(to_us)
        keys = self.records.grids
        self.report.slots = sum(len(self.records.slots(key, self.begin_us, to_us)) for key in keys)
        self.report.lost = len(missing)
        assert missing == []
        self.report.late = len(await self._known() - self.known_at_heal)


def _in_order(states: Iterable[str]) -> list[str]:
    found: list[str] = []
    for state in states:
        if not found or found[-1] != state:
            found.append(state)
    return found


Scenario = Callable[[Trial], Awaitable[None]]
