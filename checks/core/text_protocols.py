"""How services of text lines greet, list what they can, and change to TLS: SMTP, IMAP, POP3, FTP and others.

Each protocol is a value: the steps before TLS, the step that asks for TLS, the steps after it, the farewell. A reply
other than the protocol's good one ends the run with `dialogue_mismatch` at once; a refusal of TLS is `tls_missing`.
What is a check and what its options are lives in `named_dialogue.py`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from .dialogue import MAX_BANNER, Talk
from .failures import Code, Stop
from .quote import printable, quoted
from .result import Fact

MAX_LINES = 200  # of one reply
MAX_CAPABILITIES, MAX_CAPABILITY = 60, 100  # kept; characters of one
LIMIT_BYTES = 16_384  # of a line
_REPLY = re.compile(rb"([0-9]{3})(?:[ -](.*))?", re.DOTALL)
_EHLO = "EHLO"

Said = Callable[[Talk], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Part:
    """One step with its title; an `Act` of a dialogue."""

    title: str
    do: Said

    async def perform(self, talk: Talk) -> bool:
        """Do it; raises `Stop`."""
        await self.do(talk)
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """A protocol's steps; `offer` is the capability that stands for TLS, empty where there is no such list."""

    name: str
    port: int
    secure_port: int = 0
    opening: tuple[Part, ...] = ()
    upgrade: Part
    again: tuple[Part, ...] = ()
    offer: str = ""
    farewell: bytes = b""


# --- reading ------------------------------------------------------------------------------------------------


async def read_line(talk: Talk) -> bytes:
    """Return the next line without its end. Raises `Stop`."""
    seen = 0
    while (end := talk.unused.find(b"\n", seen)) < 0:
        seen = len(talk.unused)
        await talk.hear()
    line = bytes(talk.unused[:end]).rstrip(b"\r")
    del talk.unused[: end + 1]
    talk.is_line_open = False
    return line


async def read_bytes(talk: Talk, count: int) -> bytes:
    """Return exactly so many bytes. Raises `Stop`."""
    while len(talk.unused) < count:
        await talk.hear()
    data = bytes(talk.unused[:count])
    del talk.unused[:count]
    return data


async def read_reply(talk: Talk, wanted: bytes, code: Code = Code.DIALOGUE_MISMATCH) -> list[bytes]:
    """Return the texts of a reply of numbered lines, as in SMTP and FTP; `code` if its number is another."""
    texts: list[bytes] = []
    while len(texts) < MAX_LINES:
        line = await read_line(talk)
        match = _REPLY.fullmatch(line)
        last = match is not None and line[3:4] != b"-"
        if (not texts and match is None) or (
            match is not None and match[1] != wanted and (last or not texts)
        ):
            raise Stop(code, f"expected {wanted.decode()}, the target said {quoted(line)}")
        # In between, FTP allows lines of any kind.
        texts.append(match[2] or b"" if match is not None and match[1] == wanted else line)
        if last:
            return texts
    raise Stop(Code.DIALOGUE_LIMIT, f"the reply has more than {MAX_LINES} lines")


def note_banner(talk: Talk, text: bytes) -> None:
    """Write down the target's greeting."""
    talk.watch.facts["banner"] = printable(text, MAX_BANNER)


def note_capabilities(talk: Talk, found: list[bytes]) -> None:
    """Write down what the target says it can."""
    known: list[Fact] = [printable(each.strip(), MAX_CAPABILITY) for each in found if each.strip()]
    talk.watch.facts["capabilities"] = known[:MAX_CAPABILITIES]


def has_capability(capabilities: Fact, wanted: str) -> bool:
    """Say whether a list of capabilities has one of that name, with or without parameters after it."""
    names = [str(each).upper() for each in capabilities] if isinstance(capabilities, list) else []
    return any(name == wanted.upper() or name.startswith(f"{wanted.upper()} ") for name in names)


# --- SMTP and FTP -------------------------------------------------------------------------------------------


async def _greeting(talk: Talk) -> None:
    note_banner(talk, b"\n".join(await read_reply(talk, b"220")))


async def _hello(talk: Talk, name: str) -> None:
    await talk.link.send(f"EHLO {name}\r\n".encode())
    note_capabilities(talk, (await read_reply(talk, b"250"))[1:])


async def _smtp_upgrade(talk: Talk) -> None:
    await talk.link.send(b"STARTTLS\r\n")
    await read_reply(talk, b"220", Code.TLS_MISSING)


def smtp(hello: str = "prober.invalid") -> Protocol:
    """Mail transfer; `hello` is the name that we give ourselves."""
    ehlo = Part(_EHLO, partial(_hello, name=hello))
    return Protocol(
        name="smtp", port=25, secure_port=465, opening=(Part("greeting", _greeting), ehlo),
        upgrade=Part("STARTTLS", _smtp_upgrade), again=(Part("EHLO over TLS", ehlo.do),), offer="STARTTLS",
        farewell=b"QUIT\r\n",
    )  # fmt: skip


async def _features(talk: Talk) -> None:
    await talk.link.send(b"FEAT\r\n")
    line = await read_line(talk)
    if line[:3] != b"211":  # not every server knows the command
        note_capabilities(talk, [])
        return
    texts = [] if line[3:4] != b"-" else await _until_last(talk, b"211 ")
    note_capabilities(talk, texts)


async def _until_last(talk: Talk, last: bytes) -> list[bytes]:
    lines: list[bytes] = []
    while len(lines) < MAX_LINES:
        line = await read_line(talk)
        if line.startswith(last) or line == last.strip():
            return lines
        lines.append(line)
    raise Stop(Code.DIALOGUE_LIMIT, f"the reply has more than {MAX_LINES} lines")


async def _ftp_upgrade(talk: Talk) -> None:
    await talk.link.send(b"AUTH TLS\r\n")
    await read_reply(talk, b"234", Code.TLS_MISSING)


FTP = Protocol(
    name="ftp", port=21, secure_port=990, opening=(Part("greeting", _greeting), Part("FEAT", _features)),
    upgrade=Part("AUTH TLS", _ftp_upgrade), offer="AUTH TLS", farewell=b"QUIT\r\n",
)  # fmt: skip


# --- IMAP ---------------------------------------------------------------------------------------------------


async def _imap_greeting(talk: Talk) -> None:
    line = await read_line(talk)
    if not line.upper().startswith((b"* OK", b"* PREAUTH")):
        raise Stop(Code.DIALOGUE_MISMATCH, f"expected * OK, the target said {quoted(line)}")
    note_banner(talk, line[2:])


async def _tagged(talk: Talk, command: bytes, code: Code) -> list[bytes]:
    """Send a command; return the untagged lines before its good end."""
    await talk.link.send(b"p1 " + command + b"\r\n")
    lines: list[bytes] = []
    while len(lines) < MAX_LINES:
        line = await read_line(talk)
        if not line.startswith(b"* "):
            if line.upper().startswith(b"P1 OK"):
                return lines
            raise Stop(code, f"expected OK, the target said {quoted(line)}")
        lines.append(line)
    raise Stop(Code.DIALOGUE_LIMIT, f"the reply has more than {MAX_LINES} lines")


async def _imap_capability(talk: Talk) -> None:
    lines = await _tagged(talk, b"CAPABILITY", Code.DIALOGUE_MISMATCH)
    found = [line.split()[2:] for line in lines if line.upper().startswith(b"* CAPABILITY")]
    note_capabilities(talk, found[0] if found else [])


async def _imap_upgrade(talk: Talk) -> None:
    await _tagged(talk, b"STARTTLS", Code.TLS_MISSING)


IMAP = Protocol(
    name="imap", port=143, secure_port=993,
    opening=(Part("greeting", _imap_greeting), Part("CAPABILITY", _imap_capability)),
    upgrade=Part("STARTTLS", _imap_upgrade), again=(Part("CAPABILITY over TLS", _imap_capability),),
    offer="STARTTLS", farewell=b"p2 LOGOUT\r\n",
)  # fmt: skip


# --- POP3 ---------------------------------------------------------------------------------------------------


async def _pop3_ok(talk: Talk, code: Code = Code.DIALOGUE_MISMATCH) -> bytes:
    line = await read_line(talk)
    if not line.startswith(b"+OK"):
        raise Stop(code, f"expected +OK, the target said {quoted(line)}")
    return line


async def _pop3_greeting(talk: Talk) -> None:
    note_banner(talk, await _pop3_ok(talk))


async def _pop3_capabilities(talk: Talk) -> None:
    await talk.link.send(b"CAPA\r\n")
    known = (await read_line(talk)).startswith(b"+OK")  # not every server knows the command
    note_capabilities(talk, await _until_last(talk, b". ") if known else [])


async def _pop3_upgrade(talk: Talk) -> None:
    await talk.link.send(b"STLS\r\n")
    await _pop3_ok(talk, Code.TLS_MISSING)


POP3 = Protocol(
    name="pop3", port=110, secure_port=995,
    opening=(Part("greeting", _pop3_greeting), Part("CAPA", _pop3_capabilities)),
    upgrade=Part("STLS", _pop3_upgrade), again=(Part("CAPA over TLS", _pop3_capabilities),), offer="STLS",
    farewell=b"QUIT\r\n",
)  # fmt: skip
