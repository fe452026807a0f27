"""Which agents are known: each by its name, its region and the key that was pinned when it came first.

Decides who is let in. Not here: tokens (`tokens.py`), and putting on record who was let in, which the caller does
before anything of a new agent is taken.
"""

from __future__ import annotations

import hmac
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from prober.agent.keys import HUBS_OWN, NAME, PUBLIC_BYTES, fingerprint, verify
from prober.store.base import AgentRow
from prober.wire import Challenge, Hello, hello_bytes

MAX_AGENTS = 1_000  # known in one region; one more is refused until others are forgotten
KEPT_AGENTS = (
    100  # known in one region, whether heard of or not; of more than these the stale ones are forgotten
)
MAX_SOFTWARE = 40  # characters kept of what an agent says it is


class Stranger(Exception):
    """This agent is not let in: why, and what to do. `name` is of a known agent that it is mistaken for, or nothing."""

    def __init__(self, reason: str, hint: str, name: str = "") -> None:
        super().__init__(f"{reason} (hint: {hint})")
        self.name = name


class Enrolment:
    """The agents that are known, as they are on record."""

    def __init__(self, rows: Iterable[AgentRow] = ()) -> None:
        self.rows = {row.name: row for row in rows}

    def admit(self, challenge: Challenge, hello: Hello, now_us: int) -> AgentRow:
        """Return the row of an agent that is let in, new or known, to be put on record. Raises Stranger."""
        if not NAME.fullmatch(hello.agent):
            raise Stranger("not a name for an agent", "lower case letters, digits, . - and _; at most 63")
        if HUBS_OWN.fullmatch(hello.agent):
            raise Stranger(f"the name {hello.agent} is the hub's own", "choose another one with --name")
        _check_signature(challenge, hello)
        known = self.rows.get(hello.agent)
        software = "".join(sign for sign in hello.software if sign.isprintable())[:MAX_SOFTWARE]
        if known is not None:
            _check_known(known, challenge.region, hello.key)
            return replace(known, seen_us=max(now_us, known.seen_us), software=software)
        if sum(row.region == challenge.region for row in self.rows.values()) >= MAX_AGENTS:
            hint = "let the hub forget those that are gone: prober regions forget NAME"
            raise Stranger(f"{MAX_AGENTS} agents are known in region {challenge.region} already", hint)
        return AgentRow(
            name=hello.agent,
            region=challenge.region,
            key=hello.key,
            enrolled_us=now_us,
            seen_us=now_us,
            software=software,
        )

    def pin(self, row: AgentRow) -> None:
        """Know an agent that is on record."""
        self.rows[row.name] = row

    def see(self, name: str, now_us: int) -> AgentRow | None:
        """Note that a known agent was seen; returns its row as it is now."""
        row = self.rows.get(name)
        if row is not None:
            row = self.rows[name] = replace(row, seen_us=max(now_us, row.seen_us))
        return row

    def forget(self, name: str) -> bool:
        """Know an agent no longer; False if nobody was known by that name."""
        return self.rows.pop(name, None) is not None

    def stale(self, before_us: int) -> list[str]:
        """Return who may be forgotten: not seen since an instant, in regions where many are known."""
        by_region: defaultdict[str, list[AgentRow]] = defaultdict(list)
        for row in self.rows.values():
            by_region[row.region].append(row)
        found = []
        for rows in by_region.values():
            rows.sort(key=lambda row: row.seen_us)
            surplus = rows[: max(len(rows) - KEPT_AGENTS, 0)]
            found += [row.name for row in surplus if row.seen_us < before_us]
        return found


def _check_signature(challenge: Challenge, hello: Hello) -> None:
    signed = hello_bytes(challenge.nonce, challenge.hub, challenge.region, hello.agent, hello.key)
    if len(hello.key) != PUBLIC_BYTES or not verify(hello.key, hello.signature, signed):
        raise Stranger(
            f"the signature of {hello.agent} is not by the key that it shows", "is it the agent's own?"
        )


def _check_known(known: AgentRow, region: str, key: bytes) -> None:
    hint = f"if that is meant, let the hub forget it: prober regions forget {known.name}"
    if not hmac.compare_digest(known.key, key):
        reason = f"another key was pinned for {known.name} ({fingerprint(known.key)}, not {fingerprint(key)})"
        raise Stranger(reason, hint, known.name)
    if known.region != region:
        reason = f"{known.name} is known in region {known.region}, and its token is of {region}"
        raise Stranger(reason, hint, known.name)
