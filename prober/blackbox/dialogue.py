"""The exporter's dialogue over a stream: what to expect line by line, what to send, when to change to TLS.

Within one step the order is expect, expect_bytes, send, starttls. Unlike the exporter's, exact bytes are read until
all of them are there, and none is lost between a line and what follows it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from checks.core.failures import Code, Stop
from checks.core.link import Link
from checks.core.quote import quoted
from checks.core.watch import Watch

from .expressions import Found, search
from .sight import Expected, StreamSeen

if TYPE_CHECKING:
    from .modules import QueryResponse
    from .probe import Probe

MAX_LINE = 65_536  # bytes of one line with its end


class Talk:
    """The dialogue of one run; `seen` says what became of it."""

    def __init__(
        self, probe: Probe, watch: Watch, link: Link, start_tls: Callable[[], Awaitable[None]]
    ) -> None:
        self._probe = probe
        self._watch = watch
        self._link = link
        self._start_tls = start_tls
        self._unused = bytearray()
        self._ended = False
        self._regex_failed = self._bytes_failed = False
        self._expected: list[Expected] = []

    def seen(self) -> StreamSeen:
        """Return what the metrics are made of."""
        return StreamSeen(
            dialled=True,
            regex_failed=self._regex_failed,
            bytes_failed=self._bytes_failed,
            expected=tuple(self._expected),
        )

    async def hold(self, steps: tuple[QueryResponse, ...]) -> None:
        """Take the steps in order; raises `Stop`. The stage is `dialogue`."""
        self._watch.enter("dialogue")
        for number, step in enumerate(steps, 1):
            self._probe.say("next step of the dialogue", step=number)
            await self._take(step)
        self._watch.leave()

    async def _take(self, step: QueryResponse) -> None:
        send = (step.send or "").encode()
        if step.expect is not None:
            found = await self._expect(step.expect)
            send = found.filled(step.send or "")
            if step.labels:
                values = {
                    each.name: found.filled(each.value).decode("utf-8", "replace") for each in step.labels
                }
                self._expected.append(Expected(values))
        if step.expect_bytes:
            await self._expect_bytes(step.expect_bytes.encode())
        if send:
            self._probe.say("sending a line", bytes=len(send) + 1)
            await self._link.send(send + b"\n")
        if step.starttls:
            self._unused.clear()  # what came in the clear ahead of TLS must not be taken for what comes over it
            await self._start_tls()
            self._watch.enter("dialogue")

    async def _expect(self, pattern: str) -> Found:
        while (line := await self._line()) is not None:
            self._probe.say("line read", level="debug", line=quoted(line))
            if (found := search(pattern, line)) is not None:
                self._probe.say("the expression matched", regexp=pattern, line=quoted(line))
                return found
        self._regex_failed = True
        raise Stop(Code.DIALOGUE_MISMATCH, f"the target closed without a line that matches {quoted(pattern)}")

    async def _expect_bytes(self, wanted: bytes) -> None:
        while len(self._unused) < len(wanted) and await self._hear():
            pass
        came = bytes(self._unused[: len(wanted)])
        del self._unused[: len(wanted)]
        if came != wanted:
            self._bytes_failed = True
            raise Stop(Code.DIALOGUE_MISMATCH, f"expected {quoted(wanted)}, got {quoted(came)}")
        self._probe.say("the bytes matched", bytes=len(wanted))

    async def _line(self) -> bytes | None:
        """Return the next line without its end; the rest of the stream counts as one. None at its end."""
        looked = 0
        while (end := self._unused.find(b"\n", looked, MAX_LINE)) < 0:
            if len(self._unused) >= MAX_LINE:
                raise Stop(Code.DIALOGUE_LIMIT, f"a line is longer than {MAX_LINE} bytes")
            looked = len(self._unused)
            if not await self._hear():
                end = len(self._unused)
                break
        if end == 0 and not self._unused:
            return None
        line = bytes(self._unused[:end])
        del self._unused[: end + 1]
        return line.removesuffix(b"\r")

    async def _hear(self) -> bool:
        data = b"" if self._ended else await self._link.receive(MAX_LINE)
        self._ended = not data
        self._unused += data
        return bool(data)
