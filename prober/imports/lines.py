"""Results one a line, as JSON or CSV, packed by gzip or not: from bytes to values of the right types. No judging.

What a file is, is seen by its first bytes, whatever its name. Every line gives its number and what it says, or why it
cannot be read.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import re
import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, BinaryIO, Literal, TypeAlias, get_args, get_type_hints

import msgspec

from prober.config.faults import did_you_mean, quote

MAX_LINE_BYTES = 65_536
MAX_DURATION_US = 86_400_000_000
"""A day. What is longer was most likely told in another unit."""
_CHUNK = 1 << 18
_SEEN = 4_096  # bytes in which a file that is no text shows it
_GZIP = b"\x1f\x8b"
_MARK = b"\xef\xbb\xbf"  # that some editors put before UTF-8


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Why a result was no plain pass."""

    code: str
    detail: str = ""


class Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One result as its line says it; `at` is an instant with its zone, or micro-seconds since the epoch."""

    probe: str
    region: str
    at: Annotated[datetime, msgspec.Meta(tz=True)] | int
    outcome: Literal["pass", "warn", "fail", "void"]
    duration_us: Annotated[int, msgspec.Meta(ge=0, le=MAX_DURATION_US)]
    failure: str | Reason | None = None
    kind: Literal["scheduled", "retry", "recheck"] = "scheduled"


Read: TypeAlias = tuple[int, Line | str]
"""The number of a line, from 1, and what it says; or why it cannot be read."""

_decoder = msgspec.json.Decoder(Line)
_KEYS = [f'"{name}"'.encode() for name in (*Line.__struct_fields__, *Reason.__struct_fields__)]
_COLUMNS = (*Line.__struct_fields__, "detail")
_NEEDED = frozenset({"probe", "region", "at", "outcome", "duration_us"})


class Unreadable(Exception):
    """The file as a whole cannot be read; the text says why."""


class Source:
    """A stream of results. `digest` is the SHA-256 of its bytes as they came, once it has been read to its end."""

    def __init__(self, stream: BinaryIO) -> None:
        self._hashed = _Hashed(stream)
        self.lines = 0

    @property
    def digest(self) -> str:
        """The SHA-256 so far, in hexadecimal."""
        return self._hashed.sha256.hexdigest()

    def read(self) -> Iterator[Read]:
        """Yield every line that is not empty, in their order; raises `Unreadable`."""
        try:
            text = self._unpacked()
            head = text.peek(_CHUNK)
            first = head.removeprefix(_MARK).lstrip()[:1]
            if first != b"{" and b"\0" in head[:_SEEN]:
                raise Unreadable(
                    "it is no text in UTF-8 (hint: one JSON object a line, or CSV; gzip is fine)"
                )
            yield from _json_lines(text, self) if first in (b"{", b"") else _csv_lines(text, self)
            self._hashed.drain()
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise Unreadable(f"its gzip data is damaged after line {self.lines}: {error}") from None
        except csv.Error as error:
            raise Unreadable(f"line {self.lines} is no CSV: {error}") from None
        except OSError as error:
            raise Unreadable((error.strerror or str(error)).lower()) from None

    def _unpacked(self) -> io.BufferedReader:
        raw: io.BufferedReader = io.BufferedReader(self._hashed, _CHUNK)
        if raw.peek(2)[:2] != _GZIP:
            return raw
        return io.BufferedReader(gzip.GzipFile(fileobj=raw), _CHUNK)


class _Hashed(io.RawIOBase):
    """Bytes passed on, and hashed on their way."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.sha256 = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what RawIOBase gives is one
        data = self._stream.read(len(buffer))
        self.sha256.update(data)
        buffer[: len(data)] = data
        return len(data)

    def drain(self) -> None:
        """Read what nobody wanted, such as padding after the end of gzip data."""
        while self.read(_CHUNK):
            pass


def _json_lines(text: io.BufferedReader, source: Source) -> Iterator[Read]:
    for number, line in _lines(text):
        source.lines = number
        if line is None:
            yield number, _TOO_LONG
        elif not line.isspace():
            try:
                yield number, _one(line)
            except (msgspec.MsgspecError, UnicodeDecodeError, _Twice) as error:
                yield number, _words(error)


class _Twice(Exception):
    """A key is given twice."""


def _one(line: bytes) -> Line:
    """Return what a line says. Of a key given twice the decoder takes the last, but nobody knows which is meant."""
    found = _decoder.decode(line)
    if b"\\" in line or any(line.count(key) > 1 for key in _KEYS):  # else no key can be there twice
        json.loads(line, object_pairs_hook=_once)
    return found


def _once(pairs: list[tuple[str, object]]) -> None:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise _Twice(next(name for name in names if names.count(name) > 1))


_TOO_LONG = f"longer than {MAX_LINE_BYTES:,} bytes"


def _lines(text: io.BufferedReader) -> Iterator[tuple[int, bytes | None]]:
    """Yield the number of each line and its bytes; None for one that is too long."""
    number = 0
    while line := text.readline(MAX_LINE_BYTES):
        number += 1
        if number == 1:
            line = line.removeprefix(_MARK)
        if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
            while (rest := text.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
                pass
            yield number, None
        else:
            yield number, line


def _csv_lines(text: io.BufferedReader, source: Source) -> Iterator[Read]:
    # A field may hold ends of lines: its row is known by the number of its last line.
    rows = _texts(text, source)
    header = next(rows)
    columns = _header(header)
    sign = _separator(header)
    for cells in csv.reader(rows, delimiter=sign):
        if not cells:
            continue
        if len(cells) != len(columns):
            yield source.lines, f"{len(cells)} columns where the first line names {len(columns)}"
            continue
        yield source.lines, _of_cells(dict(zip(columns, cells, strict=True)))


def _texts(text: io.BufferedReader, source: Source) -> Iterator[str]:
    for number, line in _lines(text):
        source.lines = number
        if line is None:
            raise Unreadable(f"line {number} is {_TOO_LONG}")
        yield line.decode("utf-8", "replace")


def _separator(header: str) -> str:
    return max(",;\t", key=header.count)


def _header(header: str) -> list[str]:
    columns = [cell.strip() for cell in next(csv.reader([header], delimiter=_separator(header)))]
    missing = sorted(_NEEDED - set(columns))
    if missing:
        raise Unreadable(
            f"the first line has to name the columns; missing: {', '.join(missing)} "
            "(hint: or write one JSON object a line)"
        )
    for column in columns:
        if column not in _COLUMNS:
            raise Unreadable(f"no column is called {quote(column)} (hint: {did_you_mean(column, _COLUMNS)})")
    if len(set(columns)) < len(columns):
        raise Unreadable("two columns have the same name")
    return columns


def _of_cells(cells: dict[str, str]) -> Line | str:
    detail = cells.pop("detail", "")
    values: dict[str, object] = {name: cell for name, cell in cells.items() if cell}
    for name in ("at", "duration_us"):
        if re.fullmatch(r"-?[0-9]{1,19}", cells[name]):
            values[name] = int(cells[name])
    if detail:
        values["failure"] = {"code": cells.get("failure", ""), "detail": detail}
    try:
        return msgspec.convert(values, Line)
    except msgspec.MsgspecError as error:
        return _words(error)


_WORDS = (
    ("timezone component", "`at` has no time zone (hint: end it with Z if it is UTC)"),
    ("RFC3339", "`at` is no instant (hint: 2026-05-01T12:00:00Z, or micro-seconds since 1970)"),
)


_CHOICES = {name: get_args(get_type_hints(Line)[name]) for name in ("outcome", "kind")}
_TYPES = {
    "int": "a whole number",
    "float": "a number with decimals",
    "str": "a text",
    "bool": "true or false",
    "null": "null",
    "array": "a list",
    "object": "an object",
    "datetime": "an instant such as 2026-05-01T12:00:00Z",
}


def _plain(types: re.Match[str]) -> str:
    return " or ".join(_TYPES.get(name, name) for name in types[1].split(" | "))


def _words(error: Exception) -> str:
    """Return what is wrong with a line, short."""
    if isinstance(error, UnicodeDecodeError):
        return "no UTF-8"
    text = str(error)
    if isinstance(error, _Twice):
        return f"`{text}` is given twice"
    for part, words in _WORDS:
        if part in text:
            return words
    found = re.search(r" - at `\$\.([\w.]+)`$", text)
    told = text[: found.start()] if found else text
    if found and told.startswith("Invalid enum value"):
        return f"`{found[1]}`: {quote(told[20:-1])} is unknown (hint: {', '.join(_CHOICES[found[1]])})"
    if told.startswith("Expected"):
        told = re.sub(r"`([a-z |]+)`", _plain, told)
    told = told if told.startswith("JSON") else told[:1].lower() + told[1:]
    return f"`{found[1]}`: {told}" if found else told
