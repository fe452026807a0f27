"""A conversation over an open WebSocket: messages out, messages in, pings answered, a polite close.

Framing is wsproto's; limits, times and verdicts are ours. A message comes in pieces as its sender likes, and is looked
at when it is whole. The dialogue ends the run with
- `dialogue_mismatch` when the next message is another than expected, or the target closes after others than expected,
- `dialogue_closed` when the target closes and no message came that the step could have looked at,
- `dialogue_limit` when a message is longer than `MAX_MESSAGE_BYTES`, more than `MAX_FRAMES` frames came, or what came
  would take too long to be searched,
- `dialogue_timeout` when the run's deadline comes first,
- `websocket_malformed` when what comes breaks the framing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from wsproto import events
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import LocalProtocolError

from .captures import Captures, Search
from .clock import monotonic_ns
from .dialogue_steps import Template, compile_expression, parse_bytes, template
from .failures import Code, DeadlinePassed, Stop
from .link import Link
from .patterns import Pattern
from .quote import printable, quoted
from .watch import Watch
from .websocket_steps import MessageStep

MAX_MESSAGE_BYTES = 1024 * 1024
MAX_FRAMES = 10_000  # of one run, control frames and pieces included: each costs CPU, however short it is
READ_BYTES = 16 * 1024  # a read holds at most half as many frames, so that none keeps others waiting for long
FAREWELL_NS = 500_000_000  # how long the target's answer to our close is waited for, outside every phase
MAX_REASON = 100  # characters


@dataclass(frozen=True, slots=True)
class Heard:
    """One whole message."""

    data: bytes
    is_text: bool

    def __str__(self) -> str:
        return f"{'text' if self.is_text else 'bytes'} {quoted(self.data)}"


class Act(Protocol):
    """A step made ready; its title names it for people, without what may be secret."""

    @property
    def title(self) -> str:
        """The name."""

    async def perform(self, talk: MessageTalk) -> None:
        """Do the step; raises `Stop`."""


def make_ready(steps: tuple[MessageStep, ...]) -> tuple[Act, ...]:
    """Turn options into acts, once for many runs."""
    return tuple(map(_act, steps))


def _act(step: MessageStep) -> Act:
    if step.expect is not None:
        return _Expect(f"expect {quoted(step.expect)}", compile_expression(step.expect), False)
    if step.expect_next is not None:
        return _Expect(f"expect_next {quoted(step.expect_next)}", compile_expression(step.expect_next), True)
    if step.expect_text is not None:
        return _Exactly(f"expect_text {quoted(step.expect_text)}", Heard(step.expect_text.encode(), True))
    if step.expect_bytes is not None:
        wanted = Heard(parse_bytes(step.expect_bytes), False)
        return _Exactly(f"expect_bytes {quoted(step.expect_bytes)}", wanted)
    if step.send is not None:
        return _Send("send", template(step.send))
    return _SendBytes("send_bytes", parse_bytes(step.send_bytes or ""))


class MessageTalk:
    """The conversation of one run; `early` is what came together with the handshake's answer."""

    __slots__ = ("_early", "_events", "_frames", "_heard_ns", "_lag_ns", "_link", "_parts", "_size", "_watch", "_wire",
                 "captures", "last")  # fmt: skip

    def __init__(self, watch: Watch, link: Link, early: bytes) -> None:
        self._watch = watch
        self._link = link
        self._early = early
        self._wire = Connection(ConnectionType.CLIENT)
        self._events: Iterator[events.Event] = iter(())
        self._frames = 0
        self.captures = Captures(watch)
        self._parts: list[bytes] = []
        self._size = 0
        self._lag_ns = 0
        self._heard_ns = 0
        self.last: Heard | None = None  # the newest message that the present step has seen

    async def hold(self, acts: tuple[Act, ...]) -> bool:
        """Perform the acts in order; the stage is `dialogue`. False when the deadline came; raises `Stop`."""
        watch = self._watch
        self._heard_ns = watch.enter("dialogue")
        for number, act in enumerate(acts, 1):
            self.last = None
            try:
                await act.perform(self)
            except Stop as stop:
                self._leave()
                raise Stop(stop.code, f"step {number}, {act.title}: {stop.detail}") from None
            except DeadlinePassed:
                watch.expired((Code.DIALOGUE_TIMEOUT, f"step {number}, {act.title}: {self._so_far()}"))
                return False
        self._leave()
        return True

    def _leave(self) -> None:
        """End the stage, less the time that data lay here before this process looked at it."""
        self._watch.leave(monotonic_ns(), lag_ns=self._lag_ns)

    async def say(self, event: events.Event) -> None:
        """Send one message."""
        await self._link.send(self._wire.send(event))

    async def say_text(self, text: str) -> None:
        """Send one message of text."""
        await self.say(events.TextMessage(text))

    async def hear(self) -> Heard:
        """Return the next whole message; raises `Stop` when the target closes or goes beyond a limit."""
        while True:
            for event in self._events:
                if (message := await self._take(event)) is not None:
                    self.last = message
                    return message
            await self._read()

    async def close(self) -> None:
        """Say goodbye and wait a little for the answer; how the target takes that is no part of the verdict."""
        # Whoever does not answer is hung up on. What the system or the clock says now changes nothing either.
        timer = self._watch.reactor.call_at(monotonic_ns() + FAREWELL_NS, self._link.hang_up)
        try:
            await self._link.send(self._wire.send(events.CloseConnection(CloseReason.NORMAL_CLOSURE)))
            while True:
                await self.hear()
        except (Stop, DeadlinePassed, LocalProtocolError):
            pass
        finally:
            timer.cancel()

    async def _read(self) -> None:
        data, self._early = self._early, b""
        if not data:
            data = await self._link.receive(READ_BYTES)
            if self._link.received_ns > self._heard_ns:
                self._lag_ns += monotonic_ns() - self._link.received_ns
                self._heard_ns = self._link.received_ns
        if not data:
            raise self._closed("the target closed the connection without a close frame")
        self._wire.receive_data(data)
        self._events = self._wire.events()

    async def _take(self, event: events.Event) -> Heard | None:
        self._frames += 1
        if self._frames > MAX_FRAMES:
            raise Stop(Code.DIALOGUE_LIMIT, f"more than {MAX_FRAMES} frames")
        if isinstance(event, events.Ping):
            await self._answer(event.response())
        elif isinstance(event, events.CloseConnection):
            await self._end(event)
        elif isinstance(event, events.TextMessage):
            return self._piece(event.data.encode(), event.message_finished, True)
        elif isinstance(event, events.BytesMessage):
            return self._piece(bytes(event.data), event.message_finished, False)
        return None

    def _piece(self, data: bytes, is_last: bool, is_text: bool) -> Heard | None:
        self._size += len(data)
        if self._size > MAX_MESSAGE_BYTES:
            raise Stop(Code.DIALOGUE_LIMIT, f"a message is longer than {MAX_MESSAGE_BYTES} bytes")
        self._parts.append(data)
        if not is_last:
            return None
        whole, self._parts, self._size = b"".join(self._parts), [], 0
        return Heard(whole, is_text)

    async def _answer(self, event: events.Event) -> None:
        if self._wire.state is ConnectionState.OPEN:  # after our own close nothing more may be said
            await self._link.send(self._wire.send(event))

    async def _end(self, event: events.CloseConnection) -> None:
        """Raise what the end means: a close frame of the target's, or what wsproto makes of broken framing."""
        reason = printable(event.reason or "", MAX_REASON)
        if self._wire.state in (ConnectionState.REMOTE_CLOSING, ConnectionState.CLOSED):
            self._watch.facts["close_code"] = int(event.code)
            await self._say_back(event.response())
            words = f"the target closed with code {int(event.code)}"
            raise self._closed(words + (f" ({reason})" if reason else ""))
        await self._say_back(events.CloseConnection(event.code))
        raise Stop(
            Code.WEBSOCKET_MALFORMED, f"what came breaks the framing: {reason[:1].lower()}{reason[1:]}"
        )

    async def _say_back(self, event: events.CloseConnection) -> None:
        with suppress(Stop, LocalProtocolError):  # they have gone, or may not be told such a code
            await self._link.send(self._wire.send(event))

    def _closed(self, words: str) -> Stop:
        code = Code.DIALOGUE_CLOSED if self.last is None else Code.DIALOGUE_MISMATCH
        return Stop(code, f"{words}; {self._so_far()}")

    def _so_far(self) -> str:
        if self.last is not None:
            return f"got only {self.last}"
        return "got nothing" if not self._parts else "got a part of a message"


@dataclass(frozen=True, slots=True)
class _Send:
    title: str
    text: Template

    async def perform(self, talk: MessageTalk) -> None:
        await talk.say(events.TextMessage(talk.captures.filled(self.text).decode("utf-8", "replace")))


@dataclass(frozen=True, slots=True)
class _SendBytes:
    title: str
    data: bytes

    async def perform(self, talk: MessageTalk) -> None:
        await talk.say(events.BytesMessage(self.data))


@dataclass(frozen=True, slots=True)
class _Expect:
    title: str
    pattern: Pattern[bytes]
    is_next: bool

    async def perform(self, talk: MessageTalk) -> None:
        search = Search(self.pattern)
        while True:
            heard = await talk.hear()
            if (match := search.within(heard.data)) is not None:
                talk.captures.keep(match)
                return
            if self.is_next:
                raise Stop(Code.DIALOGUE_MISMATCH, f"got {heard}")


@dataclass(frozen=True, slots=True)
class _Exactly:
    title: str
    wanted: Heard

    async def perform(self, talk: MessageTalk) -> None:
        heard = await talk.hear()
        if heard != self.wanted:
            raise Stop(Code.DIALOGUE_MISMATCH, f"got {heard}")
