"""Targets that do everything to hurt who looks at them, all at once, under the real daemon.

What the checks make of each alone is in tests/checks; here it matters what they do to the process they share.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support import http_answers as answers
from support.certs import certificates
from support.daemons import Daemon, daemon
from support.dns_peer import SILENT, Fault, Reply, dns_peer
from support.http_peer import Answer, http_peer
from support.tcp_peer import (
    Behaviour,
    close_at_once,
    drip,
    endless,
    garbage,
    never_accepting,
    silence,
    tcp_peer,
)

ROUNDS = 4  # of every hostile target; they come once a second
CALM = ("calm-1", "calm-2", "calm-3")
MEMORY_LIMIT_KB = 90 * 1024  # resident, at its highest
LATENESS_LIMIT_US = 20_000  # of nine starts in ten; a busy machine is late by itself now and then
CALM_INTERVAL_US = 200_000
DEFAULTS = "defaults: {interval: 1s, timeout: 600ms, confirm: {retries: 0}, recheck: never}\n"
AGENTS = "agents: {max_lag: 250ms}\n"  # a busy machine alone may hold an agent longer than the usual limit
HEAD = b"HTTP/1.1 200 OK\r\n"
TEN_MB = 10 * 2**20
READS_BODY = {"expect": {"body": {"contains": "never there"}}}


@dataclass(slots=True)
class Villains:
    """Probes of hostile targets, each with the one code that says what its target does."""

    probes: list[dict[str, Any]] = field(default_factory=list)  # Any: as a configuration has them
    codes: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, code: str, **check: object) -> None:
        """Add one."""
        self.probes.append({"name": name, **check})
        self.codes[name] = code


WEB: dict[str, tuple[str, Answer, dict[str, object]]] = {
    "mute": ("timeout_headers", answers.hang(), {}),
    "stops-in-head": ("timeout_headers", answers.hang(HEAD + b"A: b\r\n"), {}),
    "drips-head": ("timeout_headers", answers.drip(HEAD + b"A: " + b"x" * 10_000, 5_000), {}),
    "drips-body": ("timeout_body", answers.drip_body(b"x" * 10_000, 5_000), {}),
    "10-gb-declared": ("body_limit", answers.endless_body(), {}),
    "10-gb": ("body_limit", answers.endless_body(declare=False), {**READS_BODY, "body_limit": "1MiB"}),
    "bomb": ("body_limit", answers.gzip_body(bytes(50 * TEN_MB)), READS_BODY),
    "endless-head": ("http_header_limit", answers.endless_headers(), {}),
    "giant-header": ("http_header_limit", answers.giant_header(), {}),
    "circle": ("http_redirect_limit", answers.redirect("/circle"), {"redirects": {"limit": 10}}),
    "no-http": ("http_malformed", answers.garbage(), {}),
    "closes": ("connection_closed", answers.no_answer(), {}),
}
TLS: dict[str, tuple[str, Behaviour]] = {
    "tls-garbage": ("tls_handshake", garbage(b"\x16\x03\x03\xff\xff" + b"x" * 70_000)),
    "tls-nonsense": ("tls_handshake", garbage()),
    "tls-mute": ("tls_timeout", silence),
    "tls-drips": ("tls_timeout", drip(b"\x16\x03\x03\x40\x00" + b"x" * 10_000, 5_000)),
    "tls-endless": ("tls_handshake", endless),
}
TALK: dict[str, tuple[str, Behaviour]] = {
    "talk-endless": ("dialogue_limit", endless),
    "talk-mute": ("dialogue_timeout", silence),
    "talk-drips": ("dialogue_timeout", drip(b"x" * 10_000, 5_000)),
    "talk-closes": ("dialogue_closed", close_at_once),
}
NAMES: dict[str, tuple[str, Reply]] = {
    "dns-garbage": ("dns_malformed", Reply(fault=Fault.GARBAGE)),
    "dns-short": ("dns_malformed", Reply(records=("203.0.113.7",), fault=Fault.SHORT)),
    "dns-mute": ("dns_timeout", SILENT),
}


@contextlib.asynccontextmanager
async def villains() -> AsyncIterator[Villains]:
    """Serve all of them."""
    made = Villains()
    async with contextlib.AsyncExitStack() as stack:
        web = await stack.enter_async_context(http_peer({f"/{name}": one[1] for name, one in WEB.items()}))
        for name, (code, _, options) in WEB.items():
            made.add(name, code, http={"url": web.url(f"/{name}"), **options})
        for name, (code, behaviour) in TLS.items():
            peer = await stack.enter_async_context(tcp_peer(behaviour))
            made.add(name, code, http={"url": f"https://{peer.address}/"})
        for name, (code, behaviour) in TALK.items():
            peer = await stack.enter_async_context(tcp_peer(behaviour))
            made.add(name, code, tcp={"address": peer.address, "dialogue": [{"expect": "never said"}]})
        zone = {(f"{name}.test", "A"): reply for name, (_, reply) in NAMES.items()}
        server = (await stack.enter_async_context(dns_peer(zone))).address
        for name, (code, _) in NAMES.items():
            made.add(name, code, dns={"name": f"{name}.test", "server": server})
        full = stack.enter_context(never_accepting())
        made.add("full", "connect_timeout", tcp={"address": full.address})
        yield made


@contextlib.asynccontextmanager
async def calm() -> AsyncIterator[list[dict[str, Any]]]:
    """Serve the well-behaved, watched five times a second."""
    async with (
        http_peer({"/": answers.plain()}, tls=certificates().valid.server_context()) as secure,
        tcp_peer(close_at_once) as peer,
    ):
        trusted = {"ca_file": str(certificates().ca_file)}
        checks: list[dict[str, Any]] = [
            {"tcp": {"address": peer.address}},
            {"tcp": {"address": peer.address}},
            {"http": {"url": secure.url("/"), "tls": trusted}},
        ]
        yield [
            {"name": name, "interval": f"{CALM_INTERVAL_US}us", **check}
            for name, check in zip(CALM, checks, strict=True)
        ]


async def test_hostile_targets_hurt_nobody_but_themselves(tmp_path: Path) -> None:
    async with villains() as bad, calm() as good:
        text = f"{DEFAULTS}{AGENTS}probes: {json.dumps([*bad.probes, *good])}\n"
        async with daemon(tmp_path, text) as running:
            await running.until(lambda it: _seen(it, set(bad.codes)))
            rows = await everything(running)
            gaps = (await running.get("/api/v1/gaps"))["gaps"]
            (pid,) = await running.agents()
            peak_kb = peak_resident_kb(pid)
            (agent,) = (await running.get("/api/v1/status"))["agents"]
    by_probe = {name: [row for row in rows if row["probe"] == name] for name in (*bad.codes, *CALM)}
    assert {name: codes_of(by_probe[name]) for name in bad.codes} == {
        name: {(code,)} for name, code in bad.codes.items()
    }
    assert {row["outcome"] for name in CALM for row in by_probe[name]} == {"pass"}
    assert gaps == []
    assert all(follow_each_other(found) for found in by_probe.values())
    late_us = [row["started_us"] - row["due_us"] for name in CALM for row in by_probe[name]]
    assert sorted(late_us)[len(late_us) * 9 // 10] < LATENESS_LIMIT_US
    assert max(late_us) < CALM_INTERVAL_US
    assert peak_kb < MEMORY_LIMIT_KB
    assert agent["restarts"] == 0


async def _seen(running: Daemon, names: set[str]) -> bool:
    """Say whether each of these has run so often."""
    counts = {
        probe["name"]: sum(sum(region["outcomes"].values()) for region in probe["regions"])
        for probe in (await running.get("/api/v1/probes"))["probes"]
    }
    return names <= counts.keys() and min(counts[name] for name in names) >= ROUNDS


async def everything(running: Daemon) -> list[dict[str, Any]]:
    """Return all results, page by page."""
    rows: list[dict[str, Any]] = []
    after = ""
    while after is not None:
        page = await running.get(f"/api/v1/results?limit=1000{after and '&after=' + after}")
        rows += page["results"]
        after = page["after"]
    return rows


def codes_of(rows: list[dict[str, Any]]) -> set[tuple[str, ...]]:
    """Return the codes of each run, all its failures together."""
    return {tuple(each["code"] for each in row["detail"]["failures"]) for row in rows}


def follow_each_other(rows: list[dict[str, Any]]) -> bool:
    """Say whether no slot is missing between the first and the last, and none is there twice."""
    slots = sorted(row["slot"] for row in rows)
    return slots == list(range(slots[0], slots[0] + len(slots)))


def peak_resident_kb(pid: int) -> int:
    """Return the most memory that a process ever held, in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (peak,) = [line for line in lines if line.startswith("VmHWM:")]
    return int(peak.split()[1])
