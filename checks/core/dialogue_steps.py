"""The steps of a dialogue as options: what people write, checked when the configuration is read.

What the steps do on a connection lives in `dialogue.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from pydantic import Field, field_validator, model_validator

from .patterns import Pattern, compiled_bytes
from .schema import Section, unusable

MAX_STEPS = 100
MAX_TEXT = 65_536  # characters of one step's text
_ESCAPED = re.compile(r"(?:\\x[0-9a-fA-F]{2}|\\[rnt0\\]|[ -\[\]-~])+")
_ESCAPE = re.compile(r"\\(?:x(..)|(.))")
_SHORT = {"r": "\r", "n": "\n", "t": "\t", "0": "\0", "\\": "\\"}


class Step(Section):
    """One step of a dialogue: exactly one of the keys."""

    expect: str | None = Field(default=None, max_length=MAX_TEXT)
    """A regular expression to be found in what the target sends; `^` and `$` also match at line ends.
    Named groups, `(?P<version>...)`, become facts."""
    expect_bytes: str | None = Field(default=None, max_length=MAX_TEXT)
    """The very next bytes: in hexadecimal (`50 4f 4e 47`), or as text with escapes in it (`PONG\\x00`)."""
    send: str | None = Field(default=None, min_length=1, max_length=MAX_TEXT)
    """Text to send, in UTF-8, exactly as it stands: line ends are written out (`"QUIT\\r\\n"`)."""
    send_bytes: str | None = Field(default=None, max_length=MAX_TEXT)
    """Bytes to send, written as in `expect_bytes`."""
    starttls: Literal[True] | None = None
    """Shake hands for TLS; the steps after it are spoken over TLS."""

    def secret_parts(self) -> Iterator[str]:
        """Yield what is sent: it may be a password, and some targets repeat it."""
        if self.send is not None:
            yield self.send.strip()

    @field_validator("expect")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        if value is not None and compile_expression(value).search(b""):
            raise unusable("the expression matches even if the target sends nothing", "say what must come")
        return value

    @field_validator("expect_bytes", "send_bytes")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        if value is not None:
            parse_bytes(value)
        return value

    @model_validator(mode="after")
    def _one(self) -> Step:
        keys = (self.expect, self.expect_bytes, self.send, self.send_bytes, self.starttls)
        if sum(key is not None for key in keys) != 1:
            words = "a step has exactly one of expect, expect_bytes, send, send_bytes, starttls"
            raise unusable(words, "write a step for each")
        return self


def compile_expression(text: str) -> Pattern[bytes]:
    """Return the expression over bytes; `^` and `$` also match at line ends."""
    return compiled_bytes(text, "m")


def parse_bytes(text: str) -> bytes:
    """Read hexadecimal, or escaped text if there is a backslash in it."""
    if "\\" not in text:
        try:
            data = bytes.fromhex(text)
        except ValueError:
            raise unusable(
                "not hexadecimal", "for text, use escapes such as PING\\x0d\\x0a, or expect and send"
            ) from None
    elif _ESCAPED.fullmatch(text):
        data = _ESCAPE.sub(lambda match: _byte(match[1], match[2]), text).encode("latin-1")
    else:
        raise unusable("an escape cannot be read", "known are \\xHH, \\r, \\n, \\t, \\0 and \\\\")
    if not data:
        raise unusable("there are no bytes in it", "leave the step out")
    return data


def _byte(digits: str | None, short: str) -> str:
    return chr(int(digits, 16)) if digits is not None else _SHORT[short]
