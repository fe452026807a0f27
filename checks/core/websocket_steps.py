"""The steps of a WebSocket dialogue as options: whole messages, where `dialogue_steps.py` has a stream of bytes.

What the steps do on a connection lives in `websocket_talk.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import Field, field_validator, model_validator

from .dialogue_steps import MAX_TEXT, Step, check_references, compile_expression, parse_bytes, template
from .schema import Section, unusable

_KEYS = ("expect", "expect_next", "expect_text", "expect_bytes", "send", "send_bytes")


class MessageStep(Section):
    """One step of the dialogue: exactly one of the keys."""

    expect: str | None = Field(default=None, max_length=MAX_TEXT)
    """A regular expression to be found in a message, text or binary; messages without it are passed over until it
    comes. `^` and `$` also match at line ends. Named groups, `(?P<version>...)`, become facts. With large counted
    repetitions, such as `a.{500}z`, very much text fails with `dialogue_limit`."""
    expect_next: str | None = Field(default=None, max_length=MAX_TEXT)
    """The same, but the very next message must have it."""
    expect_text: str | None = Field(default=None, max_length=MAX_TEXT)
    """The very next message must be this text, to the letter."""
    expect_bytes: str | None = Field(default=None, max_length=MAX_TEXT)
    """The very next message must be binary and be these bytes: in hexadecimal (`50 4f 4e 47`), or as text with
    escapes in it (`PONG\\x00`)."""
    send: str | None = Field(default=None, max_length=MAX_TEXT)
    """A text message to send, as it stands. `{1}` stands for what the first group of the last expression matched,
    `{version}` for the last match of the group of that name; `{{1}}` and `{{version}}` send such a text itself.
    Other braces are nothing special."""
    send_bytes: str | None = Field(default=None, max_length=MAX_TEXT)
    """A binary message to send, written as in `expect_bytes`."""

    def secret_parts(self) -> Iterator[str]:
        """Yield what is sent: it may be a password, and some targets repeat it."""
        if self.send is not None:
            yield from (part.decode().strip() for part in template(self.send) if isinstance(part, bytes))

    @field_validator("expect", "expect_next")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        if value is not None:
            compile_expression(value)
        return value

    @field_validator("expect_bytes", "send_bytes")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        if value is not None:
            parse_bytes(value)
        return value

    @model_validator(mode="after")
    def _one(self) -> MessageStep:
        if sum(getattr(self, key) is not None for key in _KEYS) != 1:
            raise unusable(f"a step has exactly one of {', '.join(_KEYS)}", "write a step for each")
        return self


def check_captures(steps: Iterable[MessageStep]) -> None:
    """Raise a validation error for a reference to a group that no expression before it has."""
    check_references(
        Step.model_construct(expect=step.expect or step.expect_next, send=step.send) for step in steps
    )
