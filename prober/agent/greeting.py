"""The first three messages of a link: the hub says who it is, the agent shows its key, the hub takes it in.

Nothing is delivered before both sides know that they understand each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from prober import __version__, wire
from prober.wire import Challenge, Hello, Refusal, Welcome, WireError

from .dial import LinkError
from .keys import AgentKey
from .link import Link

SECONDS = 15.0  # for all of it
STOP = "stop"  # the fate of an agent that nothing is taken of


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who an agent is, for as long as its process lives."""

    name: str
    region: str
    key: AgentKey
    started_us: int


@dataclass(frozen=True, slots=True)
class Greeting:
    """What the hub said of itself and of what it has on record."""

    hub: bytes
    welcome: Welcome


class WrongRegion(LinkError):
    """The token is another region's."""


async def greet(link: Link, agent: Identity, now_us: Callable[[], int]) -> Greeting:
    """Introduce the agent. Raises LinkError with the hub's words, or with ours on who has to be upgraded."""
    try:
        async with asyncio.timeout(SECONDS):
            challenge = await _next(link, Challenge)
            _check(challenge, agent)
            await link.send(wire.encode(_hello(challenge, agent, now_us())))
            return Greeting(challenge.hub, await _next(link, Welcome))
    except TimeoutError:
        raise LinkError(f"the hub did not greet in {SECONDS:.0f} s") from None


def _check(challenge: Challenge, agent: Identity) -> None:
    try:
        wire.check_version(challenge.version, challenge.oldest, "the hub")
    except WireError as problem:
        raise LinkError(str(problem), lasting=True) from None
    if challenge.region != agent.region:
        raise WrongRegion(
            f"the token is of the region {challenge.region!r}, and this agent was started for {agent.region!r}",
            f"say --region {challenge.region}, or give it the token of {agent.region}",
            lasting=True,
        )


def _hello(challenge: Challenge, agent: Identity, asked_us: int) -> Hello:
    key = agent.key.public
    signed = wire.hello_bytes(challenge.nonce, challenge.hub, challenge.region, agent.name, key)
    return Hello(
        version=wire.VERSION,
        oldest=wire.OLDEST,
        agent=agent.name,
        software=__version__,
        key=key,
        signature=agent.key.sign(signed),
        started_us=agent.started_us,
        asked_us=asked_us,
    )


async def _next(link: Link, wanted: type[wire.T]) -> wire.T:
    """Return the next message of a kind; what a later release may say in between is passed over."""
    while (data := await link.receive()) is not None:
        try:
            message = wire.decode(data)
        except wire.UnknownMessage:
            continue
        except WireError as problem:
            raise LinkError(str(problem), lasting=True) from None
        if isinstance(message, wanted):
            return message
        if isinstance(message, Refusal):
            raise refused(message)
    raise LinkError(f"the hub took no greeting: {link.ended}")


def refused(refusal: Refusal) -> LinkError:
    """Return what a refusal of the whole agent comes to; a hint stands in brackets at its end."""
    words, _, hint = refusal.reason.partition(" (hint: ")
    return LinkError(words, hint.removesuffix(")"), lasting=refusal.fate == STOP)
