"""Hosts that are network namespaces, each joined to one router by a veth pair; nothing leads out of them.

What breaks the paths between them lives in `faults.py` and `delay.py`. The names are unique per run, and everything
made here is removed by name at the end, whatever happened. Needs root and iproute2.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROUTER = "router"
ROUTER_ADDRESS = "192.0.2.254"  # the addresses are those for documentation: nobody's, even if one leaked
COMMAND_SECONDS = 20.0
CLONE_NEWNET = 0x40000000  # from <sched.h>
NAMES = Path("/run/netns")
COMPONENTS = {"ip": "iproute2", "nft": "nftables"}
_libc = ctypes.CDLL(None, use_errno=True)
_serial = itertools.count(1)


def need_namespaces() -> None:
    """Skip with what is missing, unless namespaces can be made here."""
    for command, component in COMPONENTS.items():
        if shutil.which(command) is None:
            pytest.skip(f"missing component: {component} (hint: make e2e as root on Debian installs it)")
    if subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("missing: the right to make a network namespace (hint: run make e2e as root)")
    if not Path("/dev/net/tun").exists():
        pytest.skip("missing: /dev/net/tun (hint: modprobe tun)")


def run(*command: str, given: str | None = None) -> str:
    """Run a command to its end; what it prints. Raises with its own words when it fails."""
    done = subprocess.run(
        command, input=given, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


@dataclass(frozen=True, slots=True)
class Network:
    """Hosts by name with their addresses; each host's namespace is `prefix-name`, as is the router's."""

    prefix: str
    hosts: Mapping[str, tuple[str, ...]]

    def namespace(self, host: str) -> str:
        """Return the name of a host's namespace."""
        return f"{self.prefix}-{host}"

    def command(self, host: str, *command: str) -> tuple[str, ...]:
        """Return a command that runs another one on a host; the process keeps its id."""
        return ("ip", "netns", "exec", self.namespace(host), *command)

    def set_link(self, host: str, up: bool) -> None:
        """Plug a host in or pull its plug; the router sees it at once, the other hosts do not."""
        run("ip", "-n", self.namespace(ROUTER), "link", "set", host, "up" if up else "down")
        if up:  # the kernel drops the routes of a link that goes down
            run("ip", "-n", self.namespace(ROUTER), "-batch", "-", given=self._routes(host))

    @contextlib.contextmanager
    def inside(self, host: str) -> Iterator[None]:
        """Let this thread be on a host: what is opened meanwhile stays there. Never await in the block."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        there = os.open(NAMES / self.namespace(host), os.O_RDONLY | os.O_CLOEXEC)
        try:
            _enter(there)
            yield
        finally:
            _enter(home)
            os.close(there)
            os.close(home)

    def socket(
        self, host: str, family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM
    ) -> socket.socket:
        """Open a socket on a host."""
        with self.inside(host):
            return socket.socket(family, kind)

    def _routes(self, host: str) -> str:
        return "".join(f"route replace {address} dev {host}\n" for address in self.hosts[host])

    def make(self) -> None:
        """Make namespaces, links, addresses and routes."""
        router = self.namespace(ROUTER)
        for host in (ROUTER, *self.hosts):
            run("ip", "netns", "add", self.namespace(host))
        run("ip", "-batch", "-", given="".join(self._link(router, host) for host in self.hosts))
        lines = f"link set lo up\naddress add {ROUTER_ADDRESS}/32 dev lo\n"
        lines += "".join(f"link set {host} up\n{self._routes(host)}" for host in self.hosts)
        run("ip", "-n", router, "-batch", "-", given=lines)
        for host, addresses in self.hosts.items():
            run("ip", "-n", self.namespace(host), "-batch", "-", given=_interface(addresses))
        with self.inside(ROUTER):
            _set("ip_forward", "1")
            _set("conf/all/rp_filter", "0")  # a packet that was delayed comes back by another way
            _set("conf/default/rp_filter", "0")

    def _link(self, router: str, host: str) -> str:
        return f"link add {host} netns {router} type veth peer name eth0 netns {self.namespace(host)}\n"

    def remove(self) -> None:
        """Remove what was made, as far as it was; links and rules go with their namespaces."""
        for host in (ROUTER, *self.hosts):
            if (NAMES / self.namespace(host)).exists():
                run("ip", "netns", "delete", self.namespace(host))


@contextlib.contextmanager
def network(hosts: Mapping[str, tuple[str, ...]]) -> Iterator[Network]:
    """Make hosts that reach each other, until the end of the block."""
    made = Network(f"prober-{os.getpid()}-{next(_serial)}", hosts)
    try:
        made.make()
        yield made
    finally:
        made.remove()


def _enter(namespace: int) -> None:
    if _libc.setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def _set(name: str, value: str) -> None:
    Path("/proc/sys/net/ipv4", name).write_text(value)


def _interface(addresses: tuple[str, ...]) -> str:
    lines = "link set lo up\n"
    lines += "".join(f"address add {address}/32 dev eth0\n" for address in addresses)
    return lines + f"link set eth0 up\nroute add default via {ROUTER_ADDRESS} dev eth0 onlink\n"
