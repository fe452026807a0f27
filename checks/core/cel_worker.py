"""The child process in which CEL expressions are evaluated: started by `cel.py`, run as a file of its own.

The library has no bound on time or memory (two nested `map` over 2,000 items take minutes), and a call into it cannot
be interrupted. Here the kernel ends it: a timer of CPU time kills the process, a limit on its memory has it abort.
Imports nothing of this package, so that a start is quick.

Over descriptor 0 come connections, one a request: two lengths, a JSON head and the body. The answer is a line that says
that the request was taken, then one line of JSON for each expression, in order. Who reads an early end of the stream
knows that the expression whose line is missing was too much.
"""

from __future__ import annotations

import json
import resource
import signal
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any

LENGTHS = struct.Struct("=II")
MAX_ADDRESS_SPACE = 1 << 30  # bytes, of which the interpreter and the library map some 150 MB
MAX_PROGRAMS = 1024
MAX_WORDS = 300  # characters of an error
TAKEN = b"{}\n"  # said of a request that is whole: what comes after is about its expressions
MISSING = 3  # exit code: the library is not installed


def main() -> int:
    """Serve requests until the other end of descriptor 0 closes."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        import cel
    except ImportError:
        return MISSING
    resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESS_SPACE, MAX_ADDRESS_SPACE))
    compiled = lru_cache(maxsize=MAX_PROGRAMS)(cel.compile)
    with socket.socket(fileno=0) as control:
        while descriptors := socket.recv_fds(control, 1, 1)[1]:
            with socket.socket(fileno=descriptors[0]) as sock, suppress(OSError):  # the other end has gone
                _serve(sock, compiled)
    return 0


def _serve(sock: socket.socket, compiled: Callable[[str], Any]) -> None:  # Any: a program of the library
    with sock.makefile("rb") as source:
        lengths = source.read(LENGTHS.size)
        if len(lengths) < LENGTHS.size:
            return
        head_bytes, body_bytes = LENGTHS.unpack(lengths)
        head, body = json.loads(source.read(head_bytes)), source.read(body_bytes)
    sock.sendall(TAKEN)
    # SIGPROF is not handled: it ends the process, whatever the library is busy with.
    signal.setitimer(signal.ITIMER_PROF, head["cpu_s"])
    for line in _lines(head, body, compiled):
        sock.sendall(line)
    signal.setitimer(signal.ITIMER_PROF, 0)


def _lines(
    head: dict[str, Any], body: bytes, compiled: Callable[[str], Any]
) -> Iterator[bytes]:  # Any: JSON, a program of the library
    variables = head["variables"]
    try:
        if head["parse"]:
            variables["body"] = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        yield _line({"invalid": reason[:MAX_WORDS]})
        return
    for expression in head["expressions"]:
        yield _line(_judged(compiled, expression, variables))


def _judged(compiled: Callable[[str], Any], expression: str, variables: dict[str, Any]) -> dict[str, object]:
    try:
        value = compiled(expression).execute(variables)
    except MemoryError:
        raise
    except BaseException as error:  # the library's panics are no Exception
        return {"error": _words(error)}
    if isinstance(value, bool):
        return {"held": value}
    return {"error": f"its value is not true or false but of type {type(value).__name__}"}


def _words(error: BaseException) -> str:
    if isinstance(error, KeyError):
        return f"there is no {error.args[0]!r}"[:MAX_WORDS]
    return (str(error).partition("\n")[0] or type(error).__name__)[:MAX_WORDS]


def _line(answer: dict[str, object]) -> bytes:
    return json.dumps(answer).encode() + b"\n"


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


if __name__ == "__main__":
    sys.exit(main())
