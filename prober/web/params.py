"""Parameters of a request: each declared once, read strictly, described in the API document from the same values."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from multidict import MultiMapping

from prober.config.faults import did_you_mean, quote

from .errors import ApiError

T = TypeVar("T")
MAX_LIMIT = 1_000
MAX_PARAMETER = 500  # characters of one value
Json = dict[str, object]


@dataclass(frozen=True, slots=True, eq=False)
class Param(Generic[T]):
    """One parameter of the query: `read` raises ValueError, with what was expected, for what it cannot take."""

    name: str
    about: str
    schema: Json
    read: Callable[[str], T]
    required: bool = False


class Query:
    """The parameters of one request, read and typed."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values

    def get(self, param: Param[T]) -> T | None:
        """Return what was given, or None."""
        value: Any = self._values.get(
            param.name
        )  # Any: `read_query` put there what this param's `read` returned
        return None if value is None else value

    def need(self, param: Param[T]) -> T:
        """Return what was given for a required parameter."""
        value: Any = self._values[param.name]  # Any: see above
        return value  # type: ignore[no-any-return]  # of type T by the way it was read


def read_query(params: Sequence[Param[Any]], given: MultiMapping[str]) -> Query:
    """Read all parameters; ApiError 400 names the one that is unknown, missing, given twice or unusable."""
    known = {param.name: param for param in params}
    values: dict[str, object] = {}
    for name, text in given.items():
        if name not in known:
            raise ApiError(400, f"no parameter {quote(name)} here", did_you_mean(name, known))
        if name in values:
            raise ApiError(400, f"{name}: given twice")
        values[name] = _read(known[name], text)
    for param in params:
        if param.required and param.name not in values:
            raise ApiError(400, f"{param.name}: missing", param.about)
    return Query(values)


def _read(param: Param[T], text: str) -> T:
    try:
        if len(text) > MAX_PARAMETER:
            raise ValueError(f"expected at most {MAX_PARAMETER} characters")
        return param.read(text)
    except ValueError as error:
        raise ApiError(400, f"{param.name}: {quote(text)} cannot be used", str(error)) from None


def text(name: str, about: str, *, required: bool = False) -> Param[str]:
    """Declare a text that is not empty."""

    def read(value: str) -> str:
        if not value:
            raise ValueError("expected a text")
        return value

    return Param(name, about, {"type": "string", "minLength": 1}, read, required)


def limit(default: int) -> Param[int]:
    """Declare the most rows of an answer."""

    def read(value: str) -> int:
        if not (value.isascii() and value.isdigit() and len(value) <= 9 and 1 <= int(value) <= MAX_LIMIT):
            raise ValueError(f"expected a whole number from 1 to {MAX_LIMIT}")
        return int(value)

    schema: Json = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": default}
    return Param("limit", "at most so many rows", schema, read)


def whole(name: str, about: str, *, required: bool = False) -> Param[int]:
    """Declare a whole number that is not negative."""

    def read(value: str) -> int:
        if not (value.isascii() and value.isdigit() and len(value) <= 18):
            raise ValueError("expected a whole number")
        return int(value)

    return Param(name, about, {"type": "integer", "minimum": 0}, read, required)


def pair(name: str, about: str) -> Param[tuple[int, int]]:
    """Declare two whole numbers with a dot between them: the key of a page."""

    def read(value: str) -> tuple[int, int]:
        one, dot, other = value.partition(".")
        if not (dot and value.isascii() and one.isdigit() and other.isdigit() and len(value) <= 37):
            raise ValueError("expected what the page before gave as `after`")
        return int(one), int(other)

    return Param(name, about, {"type": "string", "pattern": "^[0-9]+[.][0-9]+$"}, read)


def choices(name: str, about: str, known: Collection[str]) -> Param[frozenset[str]]:
    """Declare a list of words, separated by commas."""

    def read(value: str) -> frozenset[str]:
        words = frozenset(value.split(","))
        if not words <= set(known):
            raise ValueError(f"expected some of {', '.join(known)}, separated by commas")
        return words

    items: Json = {"type": "string", "enum": list(known)}
    return Param(name, about, {"type": "array", "items": items}, read)


def instant(name: str, about: str, *, required: bool = False) -> Param[int]:
    """Declare an instant; read as micro-seconds since the epoch."""
    schema: Json = {
        "anyOf": [{"type": "string", "format": "date-time"}, {"type": "integer", "minimum": 0}],
        "examples": ["2026-03-01T00:00:00Z", 1772323200000000],
    }
    text = f"{about}: RFC 3339 with a zone, or micro-seconds since the epoch"
    return Param(name, text, schema, _instant_us, required)


def _instant_us(value: str) -> int:
    if value.isascii() and value.isdigit() and len(value) <= 18:
        return int(value)
    expected = "expected an instant such as 2026-03-01T00:00:00Z (a + is written %2B)"
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(expected) from None
    if at.tzinfo is None:
        raise ValueError(expected)
    since = at.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
