"""The `ssh` check: an SSH server must introduce itself with a protocol version that is spoken today."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field

from .core.address_options import AddressOptions
from .core.addresses import visit
from .core.check import Check
from .core.dialogue import MAX_BANNER, Talk
from .core.failures import Code, Stop, codes_of
from .core.link import Link
from .core.patterns import Regex, compiled
from .core.quote import printable, quoted
from .core.text_protocols import LIMIT_BYTES, Part, read_line
from .core.thresholds import TimeLimits
from .core.watch import Watch

SSH_PORT = 22
MAX_LINES_BEFORE = 50  # a server may say something else first (RFC 4253, section 4.2)
MAX_LINE_BYTES = 253  # of the introduction, less its end
_INTRODUCTION = re.compile(rb"SSH-([^-\s]+)-([^\s]+)(?: (.*))?")
_SPOKEN = ("2.0", "1.99")  # the latter speaks both
_OURS = b"SSH-2.0-prober\r\n"


class SshExpect(TimeLimits):
    """What the server must say of itself, and the limits on the time."""

    software: Regex | None = None
    """A regular expression to be found in the name of the server's software, such as `^OpenSSH_9`."""


class SshOptions(AddressOptions):
    """An SSH server that must introduce itself; nobody logs in."""

    usual_port = SSH_PORT

    address: Annotated[str, Field(min_length=1)]
    """`host`, `host:port`, or `[address]:port` for IPv6 (default port: 22)."""
    expect: SshExpect = SshExpect()
    """What the server must say of itself, and the limits on the time."""


class SshCheck(Check[SshOptions], kind="ssh"):
    """Connects to an SSH server and reads its introduction: protocol version and software."""

    phases = ("resolve", "connect", "dialogue")
    codes = codes_of("resolve", "connect", "connection", "dialogue") | {Code.TIMEOUT_SEND}
    schemes = ("ssh",)

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        """Return the options for `ssh://host[:port]`."""
        return {"address": url.partition("://")[2].removesuffix("/")}

    def prepare(self) -> None:
        """Take the options apart once."""
        options = self.options
        self._reach = options.reach(SSH_PORT)
        software = options.expect.software
        self._software = compiled(software) if software is not None else None
        self._acts = (Part("introduction", self._introduction),)

    @property
    def target(self) -> str:
        """Host and port."""
        return self._reach.title

    async def look(self, watch: Watch) -> None:
        """Connect and listen; the link is closed on every way out."""
        await visit(watch, self._reach, self._talk)

    async def _talk(self, watch: Watch, link: Link) -> None:
        if not await Talk(watch, link, LIMIT_BYTES).hold(self._acts):
            return
        protocol, software = str(watch.facts["protocol"]), str(watch.facts["software"])
        held = protocol in _SPOKEN
        watch.expect("protocol version", "2.0", protocol, held, Code.DIALOGUE_MISMATCH)
        if self._software is not None:
            held = self._software.search(software) is not None
            wanted = quoted(self.options.expect.software or "")
            watch.expect("software", wanted, quoted(software), held, Code.DIALOGUE_MISMATCH)
        self.options.expect.judge_time(watch)

    async def _introduction(self, talk: Talk) -> None:
        for _ in range(MAX_LINES_BEFORE):
            line = await read_line(talk)
            if line.startswith(b"SSH-"):
                self._read(talk, line)
                return await talk.link.send(_OURS)  # so that they need not wonder who called
        raise Stop(Code.DIALOGUE_LIMIT, f"{MAX_LINES_BEFORE} lines without an introduction")

    @staticmethod
    def _read(talk: Talk, line: bytes) -> None:
        facts = talk.watch.facts
        facts["banner"] = printable(line, MAX_BANNER)
        match = _INTRODUCTION.fullmatch(line)
        if match is None or len(line) > MAX_LINE_BYTES:
            raise Stop(Code.DIALOGUE_MISMATCH, f"not an introduction: {quoted(line)}")
        facts["protocol"], facts["software"] = printable(match[1]), printable(match[2], MAX_BANNER)
        if match[3]:
            facts["comments"] = printable(match[3], MAX_BANNER)
