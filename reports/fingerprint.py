"""The digest of the evidence that a figure rests on: the same for the same evidence, whatever order it came in.

It covers every instant of the period by the contract's verdict and by what each region knows of it, and every slot
that is due in the period by what became of it. What was measured outside the period enters as far as it decides
about an instant inside; how much was read around it does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256

from reports import methods
from reports.contract import Contract
from reports.counting import Lane, lanes
from reports.evidence import Window
from reports.intervals import Interval
from reports.timeline import Timeline
from reports.track import Tracks

_FORMAT = b"prober evidence 2\n"
_AROUND_US = 60_000_000  # marks are looked at on either side of a period: does an outage reach over its edge?
Known = Mapping[tuple[str, str], Sequence[Lane]]
"""(probe, region) -> its attempts."""


def around(window: Window) -> Interval:
    """Return the time for which a contract's timeline is made."""
    return window.start_us - _AROUND_US, window.end_us + _AROUND_US


def evidence_digest(
    contract: Contract,
    tracks: Tracks,
    window: Window,
    verdict: Timeline | None = None,
    known: Known | None = None,
) -> str:
    """Return the SHA-256, in hexadecimal, of what was seen of a contract's probes in a window.

    `verdict` is the contract's timeline `around` it, and `known` the attempts of each track, where they are at hand.
    """
    digest = sha256(_FORMAT)
    if verdict is None:
        verdict = methods.timeline_of(contract, tracks, around(window))
    digest.update(b"verdict\n" + _marks(verdict, window))
    for probe in sorted(contract.probes(), key=lambda probe: probe.name):
        for region in sorted(probe.regions):
            digest.update(f"{probe.name}@{region}\n".encode())
            track = tracks.get((probe.name, region))
            if track is not None:
                digest.update(_marks(methods.region_track(contract, track), window))
                rows = (known or {}).get((probe.name, region)) or lanes(
                    track, probe.timeout_us, probe.interval_us
                )
                digest.update(b"".join(_attempts(rows, window)))
    return digest.hexdigest()


def watched_digest(contract: Contract) -> str:
    """Return the SHA-256, in hexadecimal, of which evidence a contract rests on: probes, regions and gaps.

    Two evidence digests tell of late evidence only where this is the same for both.
    """
    pairs = sorted(
        f"{probe.name}@{region} {contract.gap_of(probe.interval_us)}\n"
        for probe in contract.probes()
        for region in probe.regions
    )
    return sha256(_FORMAT + "".join(pairs).encode()).hexdigest()


def _marks(timeline: Timeline, window: Window) -> bytes:
    return b"".join(b"%d %d\n" % (span.start_us, span.mark) for span in timeline.spans(window))


def _attempts(rows: Sequence[Lane], window: Window) -> Iterator[bytes]:
    for lane in rows:
        for low, high, fate, why in lane.within(window.start_us, window.end_us):
            yield b"%d: %d to %d: %d %s\n" % (*_named(lane, low, high), fate, why.encode())


def _named(lane: Lane, low: int, high: int) -> tuple[int, int, int]:
    """Return the interval, and two slots. Places of imported results depend on how much was read, instants do not."""
    era = lane.era
    return (0, era.due_us(low), era.due_us(high)) if era.imported else (era.interval_us, low, high)
