"""Calendars worked out in a child process: their text comes from elsewhere, the libraries have no bound on time.

`work_out` is what the daemon calls; run as a module this file is the child: one request on its standard input, one
answer on its standard output. The kernel ends a child that takes too much time or memory.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys

import msgspec

from .calendars import CalendarError, Terms, expand_calendar
from .expand import Expansion
from .rules import RuleError

DEADLINE_SECONDS = 60.0
CPU_SECONDS = 30
MAX_MEMORY_BYTES = 1 << 30
MAX_ANSWER_BYTES = 32 << 20
TOO_MUCH = "takes too long or too much memory to work out"


class _Request(msgspec.Struct, frozen=True, kw_only=True):
    data: bytes
    terms: Terms
    from_us: int
    to_us: int


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    expansion: Expansion | None = None
    error: str = ""


async def work_out(
    data: bytes, terms: Terms, from_us: int, to_us: int, deadline_seconds: float = DEADLINE_SECONDS
) -> Expansion:
    """Return the windows of a calendar as `expand_calendar` does; CalendarError says why there are none."""
    request = msgspec.msgpack.encode(_Request(data=data, terms=terms, from_us=from_us, to_us=to_us))
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        limit=MAX_ANSWER_BYTES,
    )  # fmt: skip
    try:
        async with asyncio.timeout(deadline_seconds):
            said, _ = await child.communicate(request)
    except TimeoutError:
        raise CalendarError(TOO_MUCH) from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return _read(said, child.returncode)


def _read(said: bytes, code: int | None) -> Expansion:
    try:
        answer = msgspec.msgpack.decode(said, type=_Answer)
    except msgspec.DecodeError:
        raise CalendarError(TOO_MUCH if code != 0 else "was not worked out") from None
    if answer.expansion is None:
        raise CalendarError(answer.error)
    return answer.expansion


def main() -> int:
    """Answer one request; the exit code is 0 whenever there is an answer."""
    os.nice(10)  # never at the expense of what is measured
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    request = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=_Request)
    try:
        found = expand_calendar(request.data, request.terms, request.from_us, request.to_us)
        answer = _Answer(expansion=found)
    except (CalendarError, RuleError) as problem:
        answer = _Answer(error=str(problem))
    sys.stdout.buffer.write(msgspec.msgpack.encode(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
