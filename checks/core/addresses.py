"""What is behind a name: the first address, any that connects, or all of them.

- `first`: one address, as the family rule picks it. What becomes of it decides.
- `any`: the addresses one after the other until one connects. Each attempt gets its share of the time that is
  left, so that silent addresses leave some to those after them. Passed over ones are in the fact `tried`.
- `all`: every address is looked at in full, side by side and within the same deadline. One that fails fails the
  run. Addresses that the region has no route to are left out, unless there are no others.

Families take turns in the order, beginning with the rule's first choice. Here is the choice only: names are
resolved in `resolve.py`, connections made in `link.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeVar

from .check import looked
from .clock import monotonic_ns
from .failures import Code, DeadlinePassed, Stop
from .link import Address, Link, connect
from .reactor import Run, outside
from .resolve import FamilyRule, resolve, resolve_all
from .result import Fact
from .watch import Watch

T = TypeVar("T")
AddressRule = Literal["first", "any", "all"]
MAX_TRIES = 8  # addresses that `any` tries

LookAt = Callable[[Watch, Address], Awaitable[None]]
"""Look at one address in full: whatever it opens it closes; raises `Stop`."""
Talk = Callable[[Watch, Link], Awaitable[None]]
"""Use an open connection, which is closed by the caller; raises `Stop`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """A name with a port, and how to get to it; `source` is used in place of the region's source address."""

    host: str
    port: int
    family: FamilyRule = "any"
    addresses: AddressRule = "first"
    source: str | None = None

    @property
    def title(self) -> str:
        """Host and port as people write them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


async def visit(watch: Watch, reach: Reach, talk: Talk) -> None:
    """Resolve, connect by the rule, talk and close; with `all` once an address. Raises `Stop`.

    With `all`, `talk` gets a watch of its own for each address and everything that is judged belongs into it.
    """
    if reach.addresses == "all":
        return await look_at_all(watch, reach, partial(_visit_one, talk=talk, source=reach.source))
    link = await open_link(watch, reach)
    try:
        await talk(watch, link)
    finally:
        link.close()


async def look_at_each(watch: Watch, reach: Reach, look: LookAt) -> None:
    """Look at the first address, or with `all` at every one, where connecting is the affair of `look`."""
    if reach.addresses == "all":
        return await look_at_all(watch, reach, look)
    address = await resolve(watch, reach.host, reach.port, reach.family)
    note(watch, address)
    await look(watch, address)


async def open_link(watch: Watch, reach: Reach) -> Link:
    """Resolve and connect to the first address, or to any; the facts say to which. Raises `Stop`."""
    if reach.addresses == "first":
        address = await resolve(watch, reach.host, reach.port, reach.family)
        note(watch, address)
        return await connect(watch, address, reach.source)
    found = await resolve_all(watch, reach.host, reach.port, reach.family)

    async def attempt(address: Address, until_ns: int | None) -> Link:
        return await connect(watch, address, reach.source, until_ns)

    return await in_turn(watch, found, attempt)


def note(watch: Watch, address: Address) -> None:
    """Write down which address is used."""
    watch.facts["address"] = address.host
    watch.facts["family"] = address.family


async def in_turn(
    watch: Watch, found: tuple[Address, ...], attempt: Callable[[Address, int | None], Awaitable[T]]
) -> T:
    """Return the first success; `attempt` raises `Stop`, at the latest at the instant it is given.

    The last attempt gets None: it has what is left. When all fail the code is that of the first address whose
    failure is not our own side's.
    """
    found = found[:MAX_TRIES]
    failed: list[tuple[Address, Stop]] = []
    for number, address in enumerate(found, 1):
        note(watch, address)
        try:
            return await attempt(address, _share(watch, len(found) - number))
        except Stop as stop:
            watch.leave()
            if not _is_of_address(stop.code) or len(found) == 1:
                raise
            failed.append((address, stop))
            watch.facts["tried"] = [_attempt(*each) for each in failed]
    raise _none_of(failed)


async def look_at_all(watch: Watch, reach: Reach, look: LookAt) -> None:
    """Look at every address, side by side; the watch takes in what was seen. Raises `Stop` when there is none."""
    found = await resolve_all(watch, reach.host, reach.port, reach.family)
    parts = [(address, watch.part()) for address in found]
    for address, part in parts:
        note(part, address)
    await side_by_side(watch, [(part, partial(look, part, address)) for address, part in parts])
    seen: list[Fact] = [_seen(address, part) for address, part in parts]
    reached = [(address, part) for address, part in parts if not _has_no_route(part)]
    watch.take_in([(address.host, part) for address, part in reached or parts])
    watch.facts["addresses"] = seen


async def side_by_side(watch: Watch, looks: Sequence[tuple[Watch, Callable[[], Awaitable[None]]]]) -> None:
    """Look several times at once, each on a watch of its own; what has not ended with `watch`'s time has expired."""
    done = asyncio.get_running_loop().create_future()
    left = len(looks)
    runs: list[Run[None]] = []

    def ended(_value: None, _error: BaseException | None) -> None:
        nonlocal left
        left -= 1
        if left == 0 and not done.done():
            done.set_result(None)

    try:
        for part, look in looks:
            runs.append(watch.reactor.start(looked(part, look()), ended, part.deadline_ns))
        with suppress(DeadlinePassed):  # theirs came a moment earlier
            await outside(done)
    finally:
        for run, (part, _) in zip(runs, looks, strict=False):  # fewer runs than looks if one could not start
            if not run.finished:
                run.cancel()
                part.expired()


async def _visit_one(watch: Watch, address: Address, *, talk: Talk, source: str | None) -> None:
    link = await connect(watch, address, source)
    try:
        await talk(watch, link)
    finally:
        link.close()


def _share(watch: Watch, others: int) -> int | None:
    """Return until when an attempt may last: as long as each of the others, and what comes after connecting."""
    if not others:
        return None
    now_ns = monotonic_ns()
    return now_ns + (watch.deadline_ns - now_ns) // (others + 2)


def _is_of_address(code: Code) -> bool:
    """Say whether another address may do better."""
    return not code.value.startswith("agent_") or code is Code.AGENT_NO_ROUTE


def _none_of(failed: list[tuple[Address, Stop]]) -> Stop:
    theirs = [stop for _, stop in failed if stop.code is not Code.AGENT_NO_ROUTE]
    code = (theirs or [failed[-1][1]])[0].code
    return Stop(code, f"none of {len(failed)} addresses: " + "; ".join(stop.detail for _, stop in failed))


def _attempt(address: Address, stop: Stop) -> dict[str, Fact]:
    return {"address": address.host, "family": address.family, "code": stop.code.value, "detail": stop.detail}


def _has_no_route(part: Watch) -> bool:
    return part.gravest is not None and part.gravest.code == Code.AGENT_NO_ROUTE


def _seen(address: Address, part: Watch) -> dict[str, Fact]:
    return {
        "address": address.host,
        "family": address.family,
        "outcome": part.outcome.value,
        "duration_us": part.elapsed_us(),
        "code": part.gravest.code if part.gravest is not None else None,
    }


__all__ = [
    "AddressRule",
    "LookAt",
    "Reach",
    "Talk",
    "in_turn",
    "look_at_all",
    "look_at_each",
    "note",
    "open_link",
    "visit",
]
