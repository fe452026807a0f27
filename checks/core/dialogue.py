"""A conversation over an open connection: what to send, what to expect, when to change to TLS.

An `expect` searches what has come and is unused, uses it up to the end of the match, and reads on while
nothing matches; no newline is waited for, none is added. It ends the run with
- `dialogue_mismatch` when the target closes with something unused that does not match (or bytes differ),
- `dialogue_closed` when the target closes and nothing unused is left,
- `dialogue_limit` when `MAX_UNUSED_BYTES` have come without a match, or would take too long to be searched,
- `dialogue_timeout` when the run's deadline comes first.
`starttls` passes over the rest of the line that was matched last. Anything further that came ahead of TLS
could have been slipped in by someone else: `dialogue_mismatch`. What groups matched can be sent again and noted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from .captures import MAX_CAPTURED, MAX_CAPTURES, Captures, Search
from .clock import monotonic_ns
from .dialogue_steps import Step, Template, compile_expression, parse_bytes, template
from .failures import Code, DeadlinePassed, Stop
from .link import Link
from .patterns import Pattern
from .quote import printable, quoted
from .watch import Watch

MAX_UNUSED_BYTES = 65_536
MAX_BANNER = 200  # characters

ChangeToTls = Callable[[Watch, Link, bool], Awaitable[bool]]
"""Shake hands and say whether the target is trusted; the flag is `Link.start_tls`'s `open_line`."""


class Act(Protocol):
    """A step made ready; its title names it for people, without what may be secret."""

    @property
    def title(self) -> str:
        """The name."""

    async def perform(self, talk: Talk) -> bool:
        """Do the step and say whether to go on; raises `Stop`."""


def make_ready(steps: tuple[Step, ...], change_to_tls: ChangeToTls) -> tuple[Act, ...]:
    """Turn options into acts, once for many runs."""
    return tuple(_act(step, change_to_tls) for step in steps)


def _act(step: Step, change_to_tls: ChangeToTls) -> Act:
    if step.expect is not None:
        labels = tuple((name, template(text)) for name, text in step.labels.items())
        return _Expect(f"expect {quoted(step.expect)}", compile_expression(step.expect), labels)
    if step.expect_bytes is not None:
        return _ExpectBytes(f"expect_bytes {quoted(step.expect_bytes)}", parse_bytes(step.expect_bytes))
    if step.send is not None:
        return _Send("send", template(step.send))
    if step.send_bytes is not None:
        return _Send("send_bytes", (parse_bytes(step.send_bytes),))
    return StartTls("starttls", change_to_tls)


class Talk:
    """The dialogue of one run."""

    __slots__ = ("_heard_ns", "_lag_ns", "_limit", "captures", "is_line_open", "link", "unused", "watch")

    def __init__(self, watch: Watch, link: Link, limit: int = MAX_UNUSED_BYTES) -> None:
        """`limit` is the number of bytes that may come without being used."""
        self.watch = watch
        self.link = link
        self.unused = bytearray()
        self.captures = Captures(watch)
        self._limit = limit
        self.is_line_open = False  # whether the last match ended within a line
        self._lag_ns = 0
        self._heard_ns = 0

    async def hold(self, acts: tuple[Act, ...]) -> bool:
        """Perform the acts in order; the stage is `dialogue`. False when it was broken off; raises `Stop`."""
        watch = self.watch
        self._heard_ns = watch.enter("dialogue")
        for number, act in enumerate(acts, 1):
            try:
                if not await act.perform(self):
                    return False
            except Stop as stop:
                raise Stop(stop.code, f"step {number}, {act.title}: {stop.detail}") from None
            except DeadlinePassed:
                if watch.stage != "dialogue":  # within the handshake, whose own code says more
                    raise
                watch.expired((Code.DIALOGUE_TIMEOUT, f"step {number}, {act.title}: {self._heard()}"))
                return False
        self.pause()
        return True

    def pause(self) -> None:
        """End the stage, less the time that data lay here before this process looked at it."""
        self.watch.leave(monotonic_ns(), lag_ns=self._lag_ns)

    def resume(self) -> None:
        """Begin the stage anew."""
        self._lag_ns = 0
        self._heard_ns = self.watch.enter("dialogue")

    async def hear(self) -> None:
        """Take in more from the target; raises `Stop` at its end or over the limit."""
        if len(self.unused) >= self._limit:
            start = quoted(bytes(self.unused[:400]))
            raise Stop(
                Code.DIALOGUE_LIMIT, f"{len(self.unused)} bytes without a match, beginning with {start}"
            )
        data = await self.link.receive(self._limit - len(self.unused))
        if self.link.received_ns > self._heard_ns:
            self._lag_ns += monotonic_ns() - self.link.received_ns
            self._heard_ns = self.link.received_ns
        if not data:
            code = Code.DIALOGUE_MISMATCH if self.unused else Code.DIALOGUE_CLOSED
            raise Stop(code, f"the target closed the connection; {self._heard()}")
        self.watch.facts.setdefault("banner", printable(data, MAX_BANNER))
        self.unused += data

    def _heard(self) -> str:
        return f"got only {quoted(bytes(self.unused[:400]))}" if self.unused else "got nothing"


@dataclass(frozen=True, slots=True)
class _Send:
    title: str
    data: Template

    async def perform(self, talk: Talk) -> bool:
        await talk.link.send(talk.captures.filled(self.data))
        talk.is_line_open = False
        return True


@dataclass(frozen=True, slots=True)
class _Expect:
    title: str
    pattern: Pattern[bytes]
    labels: tuple[tuple[str, Template], ...]

    async def perform(self, talk: Talk) -> bool:
        search = Search(self.pattern)
        while (match := search.within(talk.unused)) is None:
            await talk.hear()
        talk.captures.keep(match)
        if self.labels:
            _label(talk, self.labels)
        talk.is_line_open = not match.group().endswith(b"\n")
        end = match.end()
        del match  # holds the buffer, which could not shrink under it
        del talk.unused[:end]
        return True


@dataclass(frozen=True, slots=True)
class _ExpectBytes:
    title: str
    data: bytes

    async def perform(self, talk: Talk) -> bool:
        while self.data.startswith(bytes(talk.unused[: len(self.data)])):
            if len(talk.unused) >= len(self.data):
                del talk.unused[: len(self.data)]
                talk.is_line_open = False
                return True
            await talk.hear()
        raise Stop(Code.DIALOGUE_MISMATCH, f"got {quoted(bytes(talk.unused[:400]))}")


@dataclass(frozen=True, slots=True)
class StartTls:
    """Change to TLS, once nothing else has come ahead of it."""

    title: str
    change: ChangeToTls

    async def perform(self, talk: Talk) -> bool:
        if talk.is_line_open:
            _, newline, rest = talk.unused.partition(b"\n")
            talk.unused, talk.is_line_open = rest, not newline
        if talk.unused:
            words = f"the target sent more ahead of TLS than was expected: {quoted(bytes(talk.unused[:400]))}"
            raise Stop(Code.DIALOGUE_MISMATCH, words)
        talk.pause()
        if not await self.change(talk.watch, talk.link, talk.is_line_open):
            return False
        talk.is_line_open = False
        talk.resume()
        return True


def _label(talk: Talk, labels: tuple[tuple[str, Template], ...]) -> None:
    noted = talk.watch.facts.setdefault("labels", [])
    assert isinstance(noted, list)  # nobody else writes this fact
    if len(noted) < MAX_CAPTURES:
        noted.append({name: printable(talk.captures.filled(text), MAX_CAPTURED) for name, text in labels})
