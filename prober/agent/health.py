"""How an agent process itself fares, for the hub to see; and the collector's pauses kept out of what is measured."""

from __future__ import annotations

import gc
import os
import resource

from checks.core.reactor import Reactor
from prober.wire import Health

from .runner import Runner

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def take_health(reactor: Reactor, runner: Runner) -> Health:
    """Return the state of the process; the worst lag is since the last call."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    worst_lag_ns, reactor.worst_lag_ns = reactor.worst_lag_ns, 0
    pace = runner.shared.pace
    return Health(
        worst_lag_us=worst_lag_ns // 1000,
        in_flight=pace.in_flight,
        queued=len(pace.waiting),
        cpu_us=int((usage.ru_utime + usage.ru_stime) * 1_000_000),
        resident_bytes=resident_bytes(),
        clock_steps=runner.shared.clock.steps,
    )


def resident_bytes() -> int:
    """Return how much memory the process has, 0 where the system does not say."""
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * _PAGE_BYTES
    except OSError:
        return 0


def freeze() -> None:
    """Take what is there out of the collector's sight: its longest pause shrinks to a millisecond.

    What a start leaves behind is not worth the walk; a process that is about to start keeps the collector away until
    it has called this.
    """
    if gc.isenabled():
        gc.collect()
    gc.freeze()
    gc.enable()
