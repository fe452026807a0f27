"""Value types that options of any kind may use: durations, sizes, secrets.

Here: text of the configuration turned into exact integers, and a secret that does not show itself.
Not here: anything about one kind of check, files, or the environment.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from enum import StrEnum
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

_UNITS_US = {
    "d": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1_000, "us": 1,
}  # fmt: skip
_DURATION = re.compile("".join(rf"(?:([0-9]{{1,15}}){unit}(?![a-z]))?" for unit in _UNITS_US))
MAX_DURATION_US = 36_500 * _UNITS_US["d"]
"""A hundred years: sums of two durations and an instant stay far inside 64 bits."""

_SIZE = re.compile(r"([0-9]{1,15}) ?([kKMG]i?)?B")
_SIZE_FACTORS = {
    None: 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "ki": 2**10, "Ki": 2**10, "Mi": 2**20,
    "Gi": 2**30,
}  # fmt: skip
MAX_SIZE_BYTES = 2**50
MAX_SECRET_BYTES = 64 * 1024


def parse_duration(text: str) -> int:
    """Read `1h30m` as microseconds; ValueError if it is not a duration."""
    match = _DURATION.fullmatch(text) if text else None
    if match is None:
        raise ValueError("expected a duration such as 30s, 5m or 1h30m")
    total_us = sum(
        int(count) * unit for count, unit in zip(match.groups("0"), _UNITS_US.values(), strict=True)
    )
    if total_us > MAX_DURATION_US:
        raise ValueError("a duration is at most 36500d")
    return total_us


def format_duration(duration_us: int) -> str:
    """Write microseconds as the shortest text that `parse_duration` reads back exactly."""
    parts: list[str] = []
    for unit, size_us in _UNITS_US.items():
        count, duration_us = divmod(duration_us, size_us)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def parse_size(text: str) -> int:
    """Read `10MB` or `64KiB` as bytes; ValueError if it is not a size."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError("expected a size such as 64KiB or 10MB")
    size = int(match[1]) * _SIZE_FACTORS[match[2]]
    if size > MAX_SIZE_BYTES:
        raise ValueError("a size is at most 1048576GiB")
    return size


def _duration(value: object) -> int:
    # A bare number is refused on purpose: nobody can tell whether 30 means seconds or milliseconds.
    try:
        return parse_duration(value if isinstance(value, str) else "")
    except ValueError as error:
        raise PydanticCustomError("duration", "{what}", {"what": str(error)}) from None


def _size(value: object) -> int:
    try:
        return parse_size(value if isinstance(value, str) else "")
    except ValueError as error:
        raise PydanticCustomError("size", "{what}", {"what": str(error)}) from None


def at_least(shortest: str) -> AfterValidator:
    """Bound a duration from below; a limit of a field, written as people write durations."""
    minimum_us = parse_duration(shortest)

    def check(value_us: int) -> int:
        if value_us < minimum_us:
            raise PydanticCustomError("duration_short", "must be at least {least}", {"least": shortest})
        return value_us

    return AfterValidator(check)


def at_most(longest: str) -> AfterValidator:
    """Bound a duration from above; a limit of a field, written as people write durations."""
    maximum_us = parse_duration(longest)

    def check(value_us: int) -> int:
        if value_us > maximum_us:
            raise PydanticCustomError("duration_long", "must be at most {most}", {"most": longest})
        return value_us

    return AfterValidator(check)


DurationUs = Annotated[
    int,
    PlainValidator(_duration),
    PlainSerializer(format_duration, return_type=str, when_used="json"),
    WithJsonSchema(
        {
            "type": "string",
            "format": "duration-text",
            "pattern": "^([0-9]+(d|h|m|s|ms|us))+$",
            "examples": ["30s", "1h30m"],
        }
    ),
]
"""Microseconds, read from text such as `30s`, `5m`, `1h30m`, `800ms`; JSON shows the text again."""

SizeBytes = Annotated[
    int,
    PlainValidator(_size),
    PlainSerializer(lambda size: f"{size}B", return_type=str, when_used="json"),
    WithJsonSchema(
        {
            "type": "string",
            "format": "size-text",
            "pattern": "^[0-9]+ ?([kKMG]i?)?B$",
            "examples": ["64KiB", "10MB"],
        }
    ),
]
"""Bytes, read from text such as `64KiB` or `10MB`; JSON shows text again."""


class SecretView(StrEnum):
    """How secrets appear in `model_dump(mode="json", context=view)`; without a context they are hidden."""

    HIDDEN = "hidden"
    DIGEST = "digest"
    """The SHA-256 of the secret: for the digest of a configuration, never for display."""
    REVEAL = "reveal"
    """The secret itself: only for handing options to the agent that needs them."""


class Secret:
    """Text that never shows in repr, str, format or JSON; `reveal()` is the only way to it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the secret text; what takes it must not log, store or raise it."""
        return self._value

    def sha256(self) -> str:
        """Return the SHA-256 of the UTF-8 text, in hexadecimal."""
        return hashlib.sha256(self._value.encode()).hexdigest()

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let pydantic read it from text and write it as the context's `SecretView` says."""
        return core_schema.no_info_plain_validator_function(
            _secret,
            serialization=core_schema.plain_serializer_function_ser_schema(
                _show_secret, info_arg=True, when_used="json", return_schema=core_schema.str_schema()
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Show editors a write-only text field."""
        return {"type": "string", "format": "password", "writeOnly": True}


def _secret(value: object) -> Secret:
    if isinstance(value, Secret):
        return value
    if not isinstance(value, str):
        raise PydanticCustomError("secret", "expected a secret as text", {"hint": "put it in quotes"})
    if not value:
        raise PydanticCustomError("secret", "the secret is empty")
    if len(value.encode(errors="surrogatepass")) > MAX_SECRET_BYTES:
        raise PydanticCustomError("secret", "a secret is at most 64KiB")
    return Secret(value)


def _show_secret(secret: Secret, info: core_schema.SerializationInfo) -> str:
    if info.context is SecretView.REVEAL:
        return secret.reveal()
    return secret.sha256() if info.context is SecretView.DIGEST else str(secret)
