"""One request and its answer on an open link, with exact phases: send, wait, transfer.

`wait` runs from the sent request to the first byte of an answer, `transfer` from there to the last byte read.
A deadline counts as one for the head until the head is complete, even if its bytes keep dripping in.
"""

from __future__ import annotations

from .clock import monotonic_ns
from .failures import Code, Stop
from .http_response import Response
from .link import Link
from .watch import Watch

AT_ONCE = 16 * 1024  # bytes that a fresh connection's buffer takes without a wait


async def read_head(watch: Watch, link: Link, request: bytes, response: Response) -> None:
    """Send the request and read to the end of the response head; the stage is then `transfer`. Raises `Stop`.

    What is wrong with the body that has come along is raised by `read_body`, after the head could be judged.
    """
    watch.enter("send")
    await link.send(request)
    # What went out in one call was not waited for, so our own clock is exact.
    watch.leave(monotonic_ns() if len(request) <= AT_ONCE else None)
    watch.enter("wait")
    data = await link.receive()
    if not data:
        raise Stop(Code.CONNECTION_CLOSED, "the target closed the connection without an answer")
    watch.leave(link.received_ns)
    watch.enter("transfer", since_ns=link.received_ns, awaiting="wait")
    response.feed(data)
    while not response.head_complete:
        _raise_problem(watch, link, response)
        if data := await link.receive():
            response.feed(data)
        else:
            response.end()
    watch.arrived()


async def read_body(watch: Watch, link: Link, response: Response) -> None:
    """Read to the end of the response and end the stage `transfer`. Raises `Stop`."""
    while not response.complete and response.problem is None:
        if data := await link.receive():
            response.feed(data)
        else:
            response.end()
    _raise_problem(watch, link, response)
    watch.leave(link.received_ns)


def _raise_problem(watch: Watch, link: Link, response: Response) -> None:
    # Timed to the last byte that came, not to the moment when we understood it.
    if response.problem is not None:
        watch.leave(link.received_ns)
        raise response.problem
