"""The ground truth: what was broken from when to when, stamped when it was in force. Append-only lines of JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = dict[str, Any]  # Any: JSON


def now_us() -> int:
    """Return the wall clock in micro-seconds, the clock that the daemon stamps by as well."""
    return time.time_ns() // 1000


class TruthLog:
    """Rows go to the file as they come, each with its instant; nothing is ever changed."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def note(self, event: str, at_us: int | None = None, **more: Any) -> None:  # Any: JSON
        """Write one row."""
        row: Row = {"at_us": now_us() if at_us is None else at_us, "event": event, **more}
        self._file.write(json.dumps(row, separators=(",", ":")) + "\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One failure: of which scenario and policy, in which repeat, from when to when."""

    scenario: str
    policy: str
    repeat: int
    start_us: int
    end_us: int


@dataclass(frozen=True, slots=True)
class Stall:
    """A time in which the target itself did not run: whatever a check saw then says nothing."""

    from_us: int
    to_us: int


def read(path: Path) -> list[Row]:
    """Return all rows of a log."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def windows(rows: Iterable[Row]) -> list[Window]:
    """Pair starts with their ends; a start without an end is left out."""
    started: dict[tuple[str, str, int], int] = {}
    found = []
    for row in rows:
        if row["event"] not in ("failure_start", "failure_end"):
            continue
        key = (row["scenario"], row["policy"], row["repeat"])
        if row["event"] == "failure_start":
            started[key] = row["at_us"]
        elif key in started:
            scenario, policy, repeat = key
            found.append(
                Window(
                    scenario=scenario,
                    policy=policy,
                    repeat=repeat,
                    start_us=started.pop(key),
                    end_us=row["at_us"],
                )
            )
    return sorted(found, key=lambda window: window.start_us)


def stalls(rows: Iterable[Row]) -> list[Stall]:
    """Return when the target stood still, what overlaps put together."""
    found: list[Stall] = []
    noted = [Stall(row["at_us"] - row["stalled_us"], row["at_us"]) for row in rows if row["event"] == "stall"]
    for stall in sorted(noted, key=lambda each: each.from_us):
        if found and stall.from_us <= found[-1].to_us:
            found[-1] = Stall(found[-1].from_us, max(found[-1].to_us, stall.to_us))
        else:
            found.append(stall)
    return found


def stalled_us(stalls: Iterable[Stall], from_us: int, to_us: int) -> int:
    """Return how long the target stood still between two instants, all in all."""
    return sum(max(min(stall.to_us, to_us) - max(stall.from_us, from_us), 0) for stall in stalls)
