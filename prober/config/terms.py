"""Types of single values that the configuration's models share.

Here: names, addresses, labels, counts of agreement; text in, exact values out.
Not here: durations, sizes, secrets (`checks.core.values`), what contracts need (`contract_terms`), models.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated, Any

from pydantic import AfterValidator, PlainSerializer, PlainValidator, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from .faults import did_you_mean, quote

NAME_PATTERN = "[a-z0-9][a-z0-9_-]{0,62}"
_NAME = re.compile(NAME_PATTERN)
_HOST = re.compile(r"[A-Za-z0-9_.-]{1,253}")
_OF = re.compile(r"([1-9][0-9]{0,3}) of ([1-9][0-9]{0,3})")


def wrong(message: str, hint: str = "") -> PydanticCustomError:
    """Return an error that pydantic carries to the fault's message and hint unchanged."""
    return PydanticCustomError("unusable", "{what}", {"what": message, "hint": hint})


def text_as(value: object, read: Callable[[str], Any], expected: str) -> Any:  # Any: what `read` returns
    """Read a text; anything else, a number above all, is refused with what was expected."""
    if isinstance(value, str):
        return read(value)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    raise wrong(expected, "write it as text, in quotes" if number else "")


def _read_name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise wrong("not a name", "lower case letters, digits, - and _; at most 63, a letter or digit first")
    return text


Name = Annotated[
    str,
    PlainValidator(lambda value: text_as(value, _read_name, "expected a name")),
    WithJsonSchema({"type": "string", "pattern": f"^{NAME_PATTERN}$"}),
]
"""A name that other parts of the file, labels and addresses of pages use."""

_URL = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")


def _read_url(text: str) -> str:
    if len(text) > 500 or not _URL.fullmatch(text):
        raise wrong("expected an address such as https://status.example", "without user, query and fragment")
    return text


PageUrl = Annotated[
    str,
    PlainValidator(
        lambda value: text_as(value, _read_url, "expected an address such as https://status.example")
    ),
    WithJsonSchema({"type": "string", "format": "uri", "examples": ["https://status.example"]}),
]

Title = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Prose = Annotated[str, StringConstraints(max_length=2_000)]


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port to listen on."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def _read_address(text: str) -> Address:
    host, colon, port = text.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    if not colon or not (port.isascii() and port.isdigit()) or len(port) > 5 or int(port) > 65_535:
        raise wrong("expected host:port", "such as 127.0.0.1:8080 or [::1]:8080")
    if ":" in bare:
        if host != f"[{bare}]" or not _is_ip(bare):
            raise wrong("expected host:port", "an IPv6 address stands in brackets, such as [::1]:8080")
    elif not _HOST.fullmatch(bare) or bare != host:
        raise wrong("expected host:port", "such as 127.0.0.1:8080 or [::1]:8080")
    return Address(bare, int(port))


def read_ip_port(text: str, port: int, expected: str) -> Address:
    """Read an IP address, alone (then with `port`) or as `address:port`; pydantic's error says what was `expected`."""
    bare = text.removeprefix("[").removesuffix("]") if text.startswith("[") == text.endswith("]") else text
    if _is_ip(bare):
        return Address(bare, port)
    try:
        address = _read_address(text)
    except PydanticCustomError:
        raise wrong(expected) from None
    if not _is_ip(address.host) or not address.port:
        raise wrong(expected)
    return address


def read_known_host(name: str) -> str:
    """Check a name that gets its addresses from the configuration; returns it in lower case, without a last dot."""
    if not _HOST.fullmatch(name) or _is_ip(name):
        raise wrong("expected the name of a host", "such as shop.example")
    return name.lower().removesuffix(".")


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _read_ip(text: str) -> str:
    if not _is_ip(text):
        raise wrong("expected an IP address", "such as 192.0.2.10")
    return text


def _read_canary(text: str) -> str:
    if not text.startswith("tcp://"):
        raise wrong("expected a control target such as tcp://192.0.2.1:53")
    address = _read_address(text.removeprefix("tcp://"))
    if not address.port:
        raise wrong("expected a control target such as tcp://192.0.2.1:53", "port 0 cannot be reached")
    return text


ListenAddress = Annotated[
    Address,
    PlainValidator(
        lambda value: (
            value if isinstance(value, Address) else text_as(value, _read_address, "expected host:port")
        )
    ),
    PlainSerializer(str, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "examples": ["127.0.0.1:8080"]}),
]
IpAddress = Annotated[
    str,
    PlainValidator(lambda value: text_as(value, _read_ip, "expected an IP address")),
    WithJsonSchema({"type": "string", "examples": ["192.0.2.10"]}),
]
Canary = Annotated[
    str,
    PlainValidator(
        lambda value: text_as(value, _read_canary, "expected a control target such as tcp://192.0.2.1:53")
    ),
    WithJsonSchema({"type": "string", "pattern": "^tcp://", "examples": ["tcp://192.0.2.1:53"]}),
]


@dataclass(frozen=True, slots=True)
class Quorum:
    """How many of a number must agree: a word or a count; `2 of 3` also says what number it was meant for."""

    rule: str
    """`any`, `majority`, `all`, or empty for a count."""
    count: int | None = None
    of: int | None = None

    def __str__(self) -> str:
        return self.rule or (f"{self.count} of {self.of}" if self.of else str(self.count))

    def needed(self, total: int) -> int:
        """Return how many of `total` must agree."""
        words = {"any": 1, "majority": total // 2 + 1, "all": total}
        return self.count if self.count is not None else words[self.rule]


def read_quorum(value: object, words: tuple[str, ...]) -> Quorum:
    """Read a word, a count or `2 of 3`; raises pydantic's error otherwise."""
    if isinstance(value, Quorum):
        return value
    expected = f"expected {', '.join(words)}, a count, or a text such as 2 of 3"
    if isinstance(value, int) and not isinstance(value, bool):
        if not 1 <= value <= 1_000:
            raise wrong("a count is from 1 to 1000")
        return Quorum("", value)
    if not isinstance(value, str):
        raise wrong(expected)
    if value in words:
        return Quorum(value)
    if not (match := _OF.fullmatch(value)):
        raise wrong(expected, did_you_mean(value, words))
    count, of = int(match[1]), int(match[2])
    if count > of:
        raise wrong(f"{count} of {of} can never agree")
    return Quorum("", count, of)


def _quorum_schema(words: list[str]) -> WithJsonSchema:
    text = {"type": "string", "pattern": "^[1-9][0-9]* of [1-9][0-9]*$"}
    return WithJsonSchema({"anyOf": [{"enum": words}, {"type": "integer", "minimum": 1}, text]})


DownWhen = Annotated[
    Quorum,
    PlainValidator(lambda value: read_quorum(value, ("any", "majority", "all"))),
    PlainSerializer(str, return_type=str, when_used="json"),
    _quorum_schema(["any", "majority", "all"]),
]
UpWhen = Annotated[
    Quorum,
    PlainValidator(lambda value: read_quorum(value, ("all", "any"))),
    PlainSerializer(str, return_type=str, when_used="json"),
    _quorum_schema(["all", "any"]),
]

MAX_LABELS = 16
RESERVED_LABELS = frozenset(
    {"probe", "kind", "region", "outcome", "fate", "phase", "service", "le", "instance", "job"}
)
_LABEL = re.compile("[a-z_][a-z0-9_]{0,62}")
MAX_LABEL_CHARACTERS = 128


def _labels(labels: dict[str, str]) -> dict[str, str]:
    if len(labels) > MAX_LABELS:
        raise wrong(f"at most {MAX_LABELS} labels")
    for name, value in labels.items():
        if not _LABEL.fullmatch(name) or name.startswith("__"):
            raise wrong(
                f"the label {quote(name)} is not a name", "lower case letters, digits and _; at most 63"
            )
        if name in RESERVED_LABELS:
            raise wrong(f"the label {quote(name)} is taken by Prober's own metrics")
        if len(value) > MAX_LABEL_CHARACTERS:
            raise wrong(f"the label {quote(name)} is over {MAX_LABEL_CHARACTERS} characters")
    return labels


Labels = Annotated[dict[str, str], AfterValidator(_labels)]
