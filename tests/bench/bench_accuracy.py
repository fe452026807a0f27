"""How exactly checks are started and timed, by one agent's own runner against a server that reports its delay.

Lateness: start minus due instant, beside a bare timer in the same seconds. Error: measured wait minus the delay that
the server reports. Then once more with the loop blocked for 30 ms each second.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import threading
import time
from dataclasses import dataclass

from rig import process
from support.agents import Bench, running, tcp_series
from support.ports import free_port

from prober.loop import run_loop
from prober.wire import Kind, Series

SECONDS = 6.0
PROBES = 200
# Checks a second, stall of the loop each second, goals for late p50, late p99, error p50, error p99 in milliseconds.
ROUNDS = (
    (500, 0, (0.2, 1.0, None, None)),
    (1000, 0, (None, None, 0.15, 1.0)),
    (1000, 30, (None, None, None, 5.0)),
)


@dataclass(frozen=True, slots=True)
class Figures:
    """What one round gave: sorted lateness and error in micro-seconds, CPU share, slots missed."""

    late: list[int]
    error: list[int]
    cores: float
    missed: int
    checks: int


def at(values: list[int], share: float) -> float:
    """Return a percentile in milliseconds."""
    return values[min(len(values) - 1, int(len(values) * share))] / 1000


def bare_timer(rate: float, seconds: float, late: list[int]) -> None:
    """Sleep to `rate` absolute instants a second and note how late each wake-up was: what this machine adds."""
    due = time.monotonic_ns()
    end = due + int(seconds * 1e9)
    while due < end:
        due += int(1e9 / rate)
        time.sleep(max(due - time.monotonic_ns(), 0) / 1e9)
        late.append(max(time.monotonic_ns() - due, 0) // 1000)


def series(number: int, port: int, rate: int) -> Series:
    """Return one of the probes that together make `rate` checks a second."""
    rule = '{"X-Delay-Us": {"regex": "^[0-9]+$"}}'
    options = f'{{"url": "http://127.0.0.1:{port}/", "expect": {{"headers": {rule}}}}}'
    return tcp_series(
        number,
        port,
        kind="http",
        options=options.encode(),
        interval_us=PROBES * 1_000_000 // rate,
        timeout_us=5_000_000,
    )


async def measure(bench: Bench, port: int, rate: int, stall_ms: int) -> Figures:
    """Run at `rate` for some seconds, blocking the loop once a second if asked."""
    bench.assign(*(series(number, port, rate) for number in range(PROBES)))
    await asyncio.sleep(1.0)
    bench.reports.records.clear()
    bench.reports.gaps.clear()
    began, used = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
    while (left := began + SECONDS - time.monotonic()) > 0:
        await asyncio.sleep(min(1.0, left))
        time.sleep(stall_ms / 1000)  # noqa: ASYNC251  # the stall is what is measured
    now = resource.getrusage(resource.RUSAGE_SELF)
    records = [record for record in bench.reports.records if record.kind == Kind.SCHEDULED]
    errors = [
        abs(record.result.phases_us["wait"] - reported(record.result.expectations))
        for record in records
        if "wait" in record.result.phases_us
    ]
    cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    return Figures(
        sorted(record.late_us for record in records),
        sorted(errors),
        cpu / (time.monotonic() - began),
        sum(gap.last - gap.first + 1 for gap in bench.reports.gaps),
        len(records),
    )


def reported(expectations: object) -> int:
    """Return the delay that the server reported, from what the header expectation saw."""
    seen = next(each.seen for each in expectations if "X-Delay-Us" in each.what)  # type: ignore[attr-defined]
    return int("".join(character for character in seen if character.isdigit()))


async def rounds(port: int) -> bool:
    """Print all rounds; False when a goal was missed."""
    good = True
    for rate, stall_ms, goals in ROUNDS:
        timer: list[int] = []
        thread = threading.Thread(target=_timer_process, args=(rate, timer))
        thread.start()
        async with running() as bench:
            figures = await measure(bench, port, rate, stall_ms)
        thread.join()
        timer.sort()
        values = (at(series, share) for series in (figures.late, figures.error) for share in (0.5, 0.99))
        held = [goal is None or value <= goal for goal, value in zip(goals, values, strict=True)]
        good &= all(held) and figures.missed == 0
        print(
            f"{rate:5d}/s stall {stall_ms:2d} ms  late {at(figures.late, 0.5):6.3f} / {at(figures.late, 0.99):6.3f}"
            f"  (bare timer {at(timer, 0.5):6.3f} / {at(timer, 0.99):6.3f})"
            f"  error {at(figures.error, 0.5):6.3f} / {at(figures.error, 0.99):6.3f} ms"
            f"  {figures.cores * 100:4.0f} % of a core  missed {figures.missed}  {'met' if all(held) else 'MISSED'}",
            flush=True,
        )
    return good


def _timer_process(rate: int, late: list[int]) -> None:
    import subprocess

    code = (
        f"import sys; sys.path[:0] = {sys.path!r}; from bench_accuracy import bare_timer\n"
        f"late = []; bare_timer({rate}, {SECONDS}, late); print(*late)"
    )
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=SECONDS + 20)
    late += [int(word) for word in made.stdout.split()]


def main() -> int:
    """Run against a server in a process of its own; 1 when a goal was missed."""
    port = free_port()
    server = str(__file__).replace("bench_accuracy.py", "honest_server.py")
    print("p50 / p99 in ms; goals: late 0.2 / 1 at 500/s, error 0.15 / 1 at 1000/s, p99 error 5 when stalled")
    with process(sys.executable, server, str(port)):
        time.sleep(0.5)
        return 0 if run_loop(rounds(port)) else 1


if __name__ == "__main__":
    sys.exit(main())
