"""Makes a world: hosts, targets, canaries, the hub and its agents; and takes all of it away again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
from support.daemons import Daemon

from .layout import (
    CANARIES,
    HOSTS,
    INTERNAL,
    PUBLIC,
    QUICK_PROBES,
    REGIONS,
    TARGETS,
    write_configuration,
)
from .namespaces import Network, network, run
from .servers import servers
from .world import World

ANSWER_SECONDS = 10.0
SMALL_DISK = "4m"


@contextlib.asynccontextmanager
async def world(
    folder: Path, probes: tuple[str, ...] = QUICK_PROBES, small_spool: str = ""
) -> AsyncIterator[World]:
    """Run a whole world until the end of the block; its agents are started but not waited for.

    `small_spool` names a region whose spool lies on a disk of its own, which is soon full.
    """
    write_configuration(folder, probes)
    with contextlib.ExitStack() as stack:
        if small_spool:
            stack.enter_context(_small_disk(folder / f"spool-{small_spool}"))
        hosts = stack.enter_context(network(HOSTS))
        async with (
            _session(hosts) as session,
            servers(hosts, "targets", folder / "truth.jsonl", TARGETS) as targets,
            servers(hosts, "canaries", folder / "canaries.jsonl", dict(zip(CANARIES, CANARIES, strict=True))),
        ):
            # The targets' process stands in for the hub's until that is started.
            hub = Daemon(folder, targets.process, f"http://{PUBLIC}", f"http://{INTERNAL}", session)
            made = World(hosts, folder, hub, targets, probes)
            try:
                await made.start_hub()
                await asyncio.gather(*(made.start_agent(region) for region in REGIONS))
                yield made
            finally:
                await made.end()


def _session(hosts: Network) -> aiohttp.ClientSession:
    """Return a client whose connections come from the hub's host, where its internal listener is."""
    connector = aiohttp.TCPConnector(socket_factory=lambda info: hosts.socket("hub", info[0], info[1]))
    return aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS))


@contextlib.contextmanager
def _small_disk(folder: Path) -> Iterator[None]:
    """Mount a disk of a few megabytes on a folder."""
    folder.mkdir(mode=0o700)
    run("mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK},mode=700", "prober-test", str(folder))
    try:
        yield
    finally:
        run("umount", "--lazy", str(folder))
