"""Expectations in CEL (Common Expression Language) over a response: options, and their evaluation in a child process.

Expressions are compiled here once, to refuse what cannot be meant; evaluated are they by `cel_worker.py`, one process
for all checks of this one, started when first needed. What is sent in by a target can so neither hang nor fill this
process: a whole response has a bounded share of CPU time and memory, and what needs more does not hold.
"""

from __future__ import annotations

import atexit
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field

from .bell import Bell
from .cel_worker import LENGTHS, MISSING, TAKEN
from .clock import monotonic_ns
from .failures import Code, DeadlinePassed, Stop
from .quote import printable, quoted
from .reactor import Channel
from .schema import unusable
from .watch import Watch

if TYPE_CHECKING:
    from .http_response import Response

MAX_EXPRESSION = 1000  # characters
CPU_S = 1.0  # seconds of CPU time for all expressions on one response
LEAST_CPU_S = 0.05
MAX_BODY = 2 * 1024 * 1024  # bytes read as JSON
# Without the folder of the file in the path: its modules have names of other packages.
WORKER_ARGUMENTS: tuple[str, ...] = ("-P", str(Path(__file__).with_name("cel_worker.py")))
MAX_ANSWER = 64 * 1024  # bytes of all lines of the worker
VARIABLES = ("body", "headers", "status")
_MACRO = re.compile(r"\.\s*(?:all|exists|exists_one|map|filter)\s*\(\s*([A-Za-z_]\w*)\s*,")
_FUNCTION = re.compile(r"[A-Za-z]\w*")
_SYNTAX = re.compile(r"<input>:1:(\d+): (?:Syntax error: )?(.*)")


def meant_expression(text: str, known: tuple[str, ...] = VARIABLES) -> str:
    """Compile an expression to see whether it can be meant, and return it. Raises a validation error in clear words."""
    try:
        import cel
    except ImportError:
        raise unusable("CEL expressions need the extra cel", "pip install 'uptime-prober[cel]'") from None
    try:
        program = cel.compile(text)
    except ValueError as error:
        raise unusable(f"not a CEL expression: {_syntax(str(error))}") from None
    unknown = set(program.variables()) - set(known) - set(_MACRO.findall(text))
    if unknown:
        names = ", ".join(known)
        raise unusable(f"an expression knows {names}, not {min(unknown)}", "such as body.status == 'ok'")
    for name in program.functions():
        if _FUNCTION.fullmatch(name) and not _is_function(cel.evaluate, name):
            raise unusable(f"CEL has no function {name}()", "such as size(), has(), matches(), startsWith()")
    return text


def _syntax(error: str) -> str:
    match = _SYNTAX.search(error)
    reason = error if match is None else f"{match[2].partition(' expecting ')[0]} (character {match[1]})"
    return printable(reason, 200)


def _is_function(evaluate: Any, name: str) -> bool:  # Any: a library function
    """Say whether a function is there, called or as a method: any other error means that it was found."""
    for call in (f"{name}('')", f"''.{name}('')", f"''.{name}()"):
        try:
            evaluate(call)
        except RuntimeError as error:
            if not str(error).startswith("Undefined"):
                return True
        except Exception:
            return True
        else:
            return True
    return name == "has"


Expression = Annotated[str, Field(min_length=1, max_length=MAX_EXPRESSION), AfterValidator(meant_expression)]
"""Text that is a CEL expression over `body`, `headers` and `status`."""


def reads_body(expressions: Iterable[str]) -> bool:
    """Say whether any of the expressions looks into the body."""
    if not (every := tuple(expressions)):
        return False
    import cel

    return any("body" in cel.compile(text).variables() for text in every)


@dataclass(frozen=True, slots=True)
class CelRules:
    """The expressions of one probe."""

    expressions: tuple[str, ...]
    parse: bool  # some of them look into the body
    hides_body: bool = False  # not to be shown: it holds a secret

    async def judge(self, watch: Watch, response: Response, raw: bytes) -> None:
        """Evaluate and record every expression. Raises `Stop` with an `agent_` code for trouble of our own."""
        if self.parse and len(raw) > MAX_BODY:
            reason = f"{len(raw)} bytes are more than the {MAX_BODY} that are read as JSON"
            self._invalid(watch, raw, reason)
            return
        variables = {"status": response.status, "headers": _headers(response)}
        head = {"expressions": self.expressions, "parse": self.parse, "variables": variables}
        answers = await WORKER.ask(watch, head, raw if self.parse else b"", len(self.expressions))
        if answers and "invalid" in answers[0]:
            self._invalid(watch, raw, str(answers[0]["invalid"]))
            return
        for number, expression in enumerate(self.expressions):
            held, seen = _verdict(answers, number)
            watch.expect("cel", quoted(expression), seen, held, Code.EXPRESSION_MISMATCH)

    def _invalid(self, watch: Watch, raw: bytes, reason: str) -> None:
        seen = f"{len(raw)} bytes" if self.hides_body else quoted(raw)
        watch.expect("body", "JSON", f"{seen} ({printable(reason, 200)})", False, Code.JSON_INVALID)


def _verdict(answers: list[dict[str, Any]], number: int) -> tuple[bool, str]:
    if number > len(answers):
        return False, "nothing, the one before was too much"
    if number == len(answers):
        return False, f"no end within {CPU_S:g} s of CPU time and the memory there is for it"
    answer = answers[number]
    if "held" in answer:
        return answer["held"] is True, "true" if answer["held"] else "false"
    return False, f"an error: {printable(str(answer.get('error')), 200)}"


def _headers(response: Response) -> dict[str, str]:
    """Return headers by name in lower case, several of one name joined by commas."""
    joined: dict[str, str] = {}
    for name, value in response.headers:
        key, text = name.decode("latin-1"), value.decode("utf-8", "replace")
        joined[key] = f"{joined[key]}, {text}" if key in joined else text
    return joined


class Worker:
    """The child process: asked by one run after another, replaced when an answer broke off.

    Each request has a connection of its own, whose other end is handed to the child over a socket that both keep.
    """

    def __init__(self) -> None:
        self._busy = False
        self._free: Bell[None] = Bell()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    async def ask(self, watch: Watch, head: dict[str, Any], body: bytes, lines: int) -> list[dict[str, Any]]:
        """Return the answers that came, fewer than `lines` when an expression was too much."""
        try:
            while self._busy:
                await self._free.wait()
            self._busy = True
            try:
                return await self._ask(watch, head, body, lines)
            finally:
                self._busy = False
                self._free.ring(None)
        except DeadlinePassed:
            raise Stop(Code.AGENT_STALLED, "the expressions were not evaluated in time here") from None

    async def _ask(self, watch: Watch, head: dict[str, Any], body: bytes, lines: int) -> list[dict[str, Any]]:
        # A part of what is left, so that an expression that never ends is told from a machine that is too busy.
        left_s = (watch.deadline_ns - monotonic_ns()) / 2e9
        text = json.dumps({**head, "cpu_s": max(min(CPU_S, left_s), LEAST_CPU_S)}).encode()
        channel = Channel(watch.reactor, self._connection())
        data = b""
        try:
            await _send(channel, LENGTHS.pack(len(text), len(body)) + text + body)
            data = await _receive(channel, lines)
        finally:
            channel.close()
            status = None if _is_whole(data, lines) else self._end()
        if not data.startswith(TAKEN):
            raise _no_worker(status)
        with suppress(ValueError):
            return [json.loads(line) for line in data.split(b"\n")[1:-1]]
        return []

    def _connection(self) -> socket.socket:
        """Return our end of a new connection to the child, which is started if need be."""
        if self._process is not None and self._process.poll() is not None:
            self._end()
        control = self._control or self._start()
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs, suppress(OSError):  # it has just ended: so does the connection
            socket.send_fds(control, [b"."], [theirs.fileno()])
        return ours

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = subprocess.Popen(
                    [sys.executable, *WORKER_ARGUMENTS],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            except BaseException:
                ours.close()
                raise
        atexit.register(self.close)
        self._control = ours
        return ours

    def _end(self) -> int:
        """End the child and return how it ended."""
        process, control = self._process, self._control
        self._process = self._control = None
        if control is not None:
            control.close()
        if process is None:
            return 0
        process.kill()
        return process.wait()

    def close(self) -> None:
        """End the process, if there is one."""
        atexit.unregister(self.close)
        self._end()


def _no_worker(status: int | None) -> Stop:
    if status == MISSING:
        return Stop(Code.AGENT_UNSUPPORTED, "CEL expressions need the extra cel, which is not installed here")
    return Stop(Code.AGENT_ERROR, f"the process that evaluates CEL expressions ended at once ({status})")


async def _send(channel: Channel, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[channel.sock.send(view) :]
        except BlockingIOError:
            await channel
        except OSError:  # it has ended; what it managed to say is read
            return


async def _receive(channel: Channel, lines: int) -> bytes:
    """Return what the child said, up to its last word."""
    data = b""
    while not _is_whole(data, lines) and len(data) < MAX_ANSWER:
        try:
            part = channel.sock.recv(MAX_ANSWER)
        except BlockingIOError:
            await channel
            continue
        except OSError:
            part = b""
        if not part:
            break
        data += part
    return data


def _is_whole(data: bytes, lines: int) -> bool:
    """Say whether no line is missing: the one that says that the request was taken, and one for each expression."""
    return data.count(b"\n") > (1 if data.startswith(TAKEN + b'{"invalid"') else lines)


WORKER = Worker()
"""The one of this process; it ends with it, since it sees the end of its input."""
