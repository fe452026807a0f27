"""The steps of a dialogue as options: what people write, checked when the configuration is read.

What the steps do on a connection lives in `dialogue.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from .patterns import Pattern, compiled_bytes
from .schema import Section, unusable

MAX_STEPS = 100
MAX_TEXT = 65_536  # characters of one step's text
MAX_REFERENCES = 20  # of one text to what was captured
MAX_LABELS, MAX_LABEL = 20, 200  # of one step; characters of one text
_ESCAPED = re.compile(r"(?:\\x[0-9a-fA-F]{2}|\\[rnt0\\]|[ -\[\]-~])+")
_ESCAPE = re.compile(r"\\(?:x(..)|(.))")
_REFERENCE = re.compile(r"\{\{([0-9]{1,2}|[A-Za-z_]\w*)\}\}|\{([0-9]{1,2}|[A-Za-z_]\w*)\}", re.ASCII)
LabelName = Annotated[str, StringConstraints(pattern="^[A-Za-z_][A-Za-z0-9_]*$", max_length=MAX_LABEL)]
Template = tuple["bytes | Reference", ...]
"""Bytes as they stand, and references to be filled in."""
_SHORT = {"r": "\r", "n": "\n", "t": "\t", "0": "\0", "\\": "\\"}


class Step(Section):
    """One step of a dialogue: exactly one of the keys."""

    expect: str | None = Field(default=None, max_length=MAX_TEXT)
    """A regular expression to be found in what the target sends; `^` and `$` also match at line ends.
    Named groups, `(?P<version>...)`, become facts. With large counted repetitions, such as `a.{500}z`, very much text
    fails with `dialogue_limit`."""
    labels: dict[LabelName, Annotated[str, Field(max_length=MAX_LABEL)]] = Field(
        default={}, max_length=MAX_LABELS
    )
    """With `expect`: facts to note when it matched, `{1}` or `{version}` standing for what a group matched."""
    expect_bytes: str | None = Field(default=None, max_length=MAX_TEXT)
    """The very next bytes: in hexadecimal (`50 4f 4e 47`), or as text with escapes in it (`PONG\\x00`)."""
    send: str | None = Field(default=None, min_length=1, max_length=MAX_TEXT)
    """Text to send, in UTF-8, as it stands: line ends are written out (`"QUIT\\r\\n"`). `{1}` stands for what the
    first group of the last `expect` matched, `{version}` for the last match of the group of that name; `{{1}}` and
    `{{version}}` send such a text itself. Other braces are nothing special."""
    send_bytes: str | None = Field(default=None, max_length=MAX_TEXT)
    """Bytes to send, written as in `expect_bytes`."""
    starttls: Literal[True] | None = None
    """Shake hands for TLS; the steps after it are spoken over TLS."""

    def secret_parts(self) -> Iterator[str]:
        """Yield what is sent: it may be a password, and some targets repeat it."""
        if self.send is not None:
            yield from (part.decode().strip() for part in template(self.send) if isinstance(part, bytes))

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
        if self.labels and self.expect is None:
            raise unusable("labels belong to a step with expect", "they are filled from what it matched")
        return self


class Reference(str):
    """A group of an expression, by its number or name."""

    __slots__ = ()


def template(text: str) -> Template:
    """Take a text with references apart."""
    parts: list[bytes | Reference] = []
    literal, at = "", 0
    for match in _REFERENCE.finditer(text):
        literal += text[at : match.start()]
        at = match.end()
        if match[1] is not None:
            literal += f"{{{match[1]}}}"
            continue
        parts += [literal.encode(), Reference(match[2])]
        literal = ""
    literal += text[at:]
    return tuple(part for part in (*parts, literal.encode()) if part)


def check_references(steps: Iterable[Step]) -> None:
    """Raise a validation error for a reference to a group that no `expect` before it has."""
    names: set[str] = set()
    numbers: set[str] = set()
    for step in steps:
        if step.expect is not None:
            pattern = compile_expression(step.expect)
            names |= {name.decode() for name in pattern.groupindex}
            numbers = {str(number) for number in range(pattern.groups + 1)}
        for text in (step.send or "", *step.labels.values()):
            _known(template(text), names | numbers)


def _known(parts: Template, groups: set[str]) -> None:
    references = [part for part in parts if isinstance(part, Reference)]
    if len(references) > MAX_REFERENCES:
        raise unusable(f"a text has at most {MAX_REFERENCES} references to what was captured")
    for each in references:
        if each not in groups:
            hint = f"to send it as it stands, write {{{{{each}}}}}"
            raise unusable(f"{{{each}}} is no group of an expect before it", hint)


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
