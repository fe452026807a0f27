"""Logging: one line an event on standard error, for people on a terminal, as JSON elsewhere.

Here: the two formats, what every line has, and what no line may show. Not here: what is worth a line.
Events are logged as `log.info("what happened", extra={"field": value})`. The fields of a JSON line are `time`,
`level`, `logger`, `event`, then those of the event, and `exception` where there is one.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import traceback
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TextIO

FORMATS = ("auto", "human", "json")
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

MAX_TEXT = 2_000  # characters of one value; a traceback gets ten times as many
MAX_ITEMS = 50  # members of one list or mapping
HIDDEN = "***"

_OURS = ("prober", "checks", "reports")
_FIXED = ("time", "level", "logger", "event", "exception")
_ORDINARY = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"})
_SECRET_NAME = re.compile(
    r"(^|_)(tokens?|password|passwd|secrets?|authorization|cookie|credentials?|api_?key)$", re.I
)
_CREDENTIALS = re.compile(r"//[^/@\s]*@")
_BEARER = re.compile(r"\b(bearer|basic)\s+[^\s\"',;]{8,}", re.I)
_COLOURS = {
    logging.DEBUG: "2",
    logging.INFO: "32",
    logging.WARNING: "33",
    logging.ERROR: "31",
    logging.CRITICAL: "1;31",
}


def configure(format: str, level: str, stream: TextIO | None = None) -> None:
    """Send every event of this process to `stream` (standard error); safe to call again.

    `format` is one of FORMATS, `level` one of LEVELS; ValueError otherwise. Libraries are heard from warnings up.
    """
    if format not in FORMATS or level not in LEVELS:
        raise ValueError(f"unknown log format or level: {format!r}, {level!r}")
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter(format, stream))
    logging.basicConfig(handlers=[handler], level=max(LEVELS[level], logging.WARNING), force=True)
    for name in _OURS:
        logging.getLogger(name).setLevel(LEVELS[level])
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # a log that cannot be written must not stop what is logged


def _formatter(format: str, stream: TextIO) -> logging.Formatter:
    on_terminal = stream.isatty()
    if format == "json" or (format == "auto" and not on_terminal):
        return JsonLines()
    return HumanLines(coloured=on_terminal and not os.environ.get("NO_COLOR"))


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the event as one line of JSON."""
        line = {
            "time": _instant(record).isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": clean(record.getMessage()),
            **_fields(record),
        }
        if trace := _trace(record):
            line["exception"] = trace
        return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace").decode()


class HumanLines(logging.Formatter):
    """`12:00:01 warning what happened  field=value`, in local time; a traceback follows on lines of its own."""

    def __init__(self, *, coloured: bool) -> None:
        super().__init__()
        self._coloured = coloured

    def format(self, record: logging.LogRecord) -> str:
        """Return the event as one line, or more with a traceback."""
        clock = _instant(record).astimezone().strftime("%H:%M:%S")
        level = self._paint(f"{record.levelname.lower():<8}", _COLOURS.get(record.levelno, "0"))
        fields = _fields(record)
        lists = {name: value for name, value in fields.items() if isinstance(value, list) and value}
        pairs = [
            f"{self._paint(name + '=', '2')}{_short(value)}"
            for name, value in fields.items()
            if name not in lists
        ]
        event = one_line(clean(record.getMessage()))
        line = "  ".join([f"{self._paint(clock, '2')} {level} {event}", *pairs])
        items = [one_line(str(item)) for value in lists.values() for item in value]
        return "\n    ".join([line, *items, *self._trace(record)])

    def _trace(self, record: logging.LogRecord) -> list[str]:
        return [one_line(part) for part in _trace(record).splitlines()]

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._coloured else text


def clean(text: str, limit: int = MAX_TEXT) -> str:
    """Blank credentials in a text and cut it."""
    text = _CREDENTIALS.sub(f"//{HIDDEN}@", text[: limit + 1])
    text = _BEARER.sub(rf"\1 {HIDDEN}", text)
    return text if len(text) <= limit else text[:limit] + "..."


def one_line(text: str) -> str:
    """Escape what would move the cursor or start a line: an event of ours, or forged by a target, is one line."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def _trace(record: logging.LogRecord) -> str:
    if record.exc_info is None or record.exc_info[0] is None:
        return ""
    return clean("".join(traceback.format_exception(*record.exc_info)).rstrip(), 10 * MAX_TEXT)


def _instant(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    extra = {name: value for name, value in vars(record).items() if name not in _ORDINARY}
    return {f"{name}_" if name in _FIXED else name: _plain(value, name) for name, value in extra.items()}


def _plain(value: object, name: str = "") -> object:
    """Return a value that JSON can hold, bounded, without what its name says is secret."""
    if _SECRET_NAME.search(name) and value is not None:
        return HIDDEN
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(below, str(key)) for key, below in list(value.items())[:MAX_ITEMS]}
    if isinstance(value, list | tuple | set | frozenset):
        return _some(value)
    return clean(str(value))


def _some(values: Iterable[object]) -> list[object]:
    items = list(values)
    left_out = [f"and {len(items) - MAX_ITEMS} more"] if len(items) > MAX_ITEMS else []
    return [*(_plain(item) for item in items[:MAX_ITEMS]), *left_out]


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    bare = isinstance(value, str) and text.isprintable() and text and not set(' "') & set(text)
    return text if bare or not isinstance(value, str) else one_line(json.dumps(text, ensure_ascii=False))
