"""Slow paths: packets between two hosts go through a relay that holds them back, until the end of a block."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from .namespaces import ROUTER, Network, run

RELAY = Path(__file__).with_name("relay.py")
TABLE = "100"  # of routes, in the router's namespace
STOP_SECONDS = 5.0


@contextlib.contextmanager
def delayed(network: Network, one: str, other: str, milliseconds: int, jitter: int = 0) -> Iterator[None]:
    """Hold back what goes between two hosts, both ways; one such block at a time in a network."""
    with _relay(network, milliseconds, jitter):
        run("ip", "-n", network.namespace(ROUTER), "-batch", "-", given=_rules(network, one, other, "add"))
        try:
            yield
        finally:
            run(
                "ip",
                "-n",
                network.namespace(ROUTER),
                "-batch",
                "-",
                given=_rules(network, one, other, "delete"),
            )


@contextlib.contextmanager
def _relay(network: Network, milliseconds: int, jitter: int) -> Iterator[None]:
    command = network.command(ROUTER, sys.executable, str(RELAY), str(milliseconds), str(jitter))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as relay:
        assert relay.stdin is not None
        assert relay.stdout is not None
        try:
            if relay.stdout.readline().strip() != b"ready":
                raise RuntimeError("the relay did not start")
            yield
        finally:
            relay.stdin.close()
            relay.wait(STOP_SECONDS)


def _rules(network: Network, one: str, other: str, verb: str) -> str:
    """Return what leads packets to the relay; those that come back from it have another way in."""
    device = "link set delay up\nroute add default dev delay table {TABLE}\n".replace("{TABLE}", TABLE)
    pairs = ((one, other), (other, one))
    ways = [(source, address) for source, target in pairs for address in network.hosts[target]]
    rules = "".join(f"rule {verb} iif {source} to {address} lookup {TABLE}\n" for source, address in ways)
    return (device if verb == "add" else "") + rules
