"""What is expected of an HTTP response: the options, and the rules compiled from them.

Every rule is judged and recorded, whatever the ones before it said. Comparisons inside a JSON body live in
`http_json.py`, expressions in `cel.py`, limits on time and certificate in `thresholds.py`, age in `http_age.py`.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    JsonValue,
    StrictBool,
    StringConstraints,
    model_validator,
)

from .cel import Expression, reads_body
from .http_age import MaxAge
from .http_body import Coding
from .http_fields import one_or_more
from .http_json import comparisons_of, compile_path
from .patterns import Regex, compiled
from .schema import Section, unusable
from .thresholds import ConnectionLimits, PhaseField
from .values import SizeBytes

MAX_RULES = 100  # of one sort
MAX_TEXT = 4096  # characters
MAX_EXPRESSIONS = 20
_STATUS = re.compile(r"([1-5])xx|([1-9][0-9]{2})(?:-([1-9][0-9]{2}))?", re.IGNORECASE)
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}")


def _absent(text: str) -> str:
    if (pattern := between_slashes(text)) is not None:
        compiled(pattern)
    return text


def between_slashes(text: str) -> str | None:
    """Return the regular expression in `/.../`, or None for plain text."""
    return text[1:-1] if len(text) > 2 and text.startswith("/") and text.endswith("/") else None


Text = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT)]
_LISTED = (BeforeValidator(one_or_more, json_schema_input_type=str | list[str]), Field(max_length=MAX_RULES))


class BodyExpect(Section):
    """What the body must and must not hold; each key takes one text or a list."""

    contains: Annotated[tuple[Text, ...], *_LISTED] = ()
    """Texts that must all be there."""
    regex: Annotated[tuple[Regex, ...], *_LISTED] = ()
    """Regular expressions that must all be found somewhere in the body. One with large counted repetitions, such as
    `a.{500}z`, is not searched for in very long bodies: these fail with `body_limit`."""
    absent: Annotated[tuple[Annotated[Text, AfterValidator(_absent)], ...], *_LISTED] = ()
    """Texts, or regular expressions between slashes (`/error [0-9]+/`), none of which may be there."""


class SizeExpect(Section):
    """How long the body must be once its content encoding is undone; another length fails with `body_mismatch`."""

    min: SizeBytes | None = None
    """Shortest length that is right (default: none)."""
    max: SizeBytes | None = None
    """Longest length that is right (default: none). More than `body_limit` is not read at all."""

    @model_validator(mode="after")
    def _ordered(self) -> SizeExpect:
        if self.min is None and self.max is None:
            raise unusable("give min, max or both")
        if self.min is not None and self.max is not None and self.max < self.min:
            raise unusable("max is shorter than min", "swap the two")
        return self


class HeaderExpect(Section):
    """What one response header must be. Of a header that came several times one value has to fit `equals`, `contains`
    and `regex`, each for itself, and none may match `not_regex`. A missing header fails all of these."""

    equals: str | None = Field(None, max_length=MAX_TEXT)
    """The whole value, to the letter."""
    contains: Text | None = None
    """A part of the value."""
    regex: Regex | None = None
    """A regular expression to be found in the value."""
    not_regex: Regex | None = None
    """A regular expression that must not be found in any value."""
    allow_missing: StrictBool = False
    """`true`: a response without the header is right as well."""
    absent: StrictBool = False
    """`true`: the response must not carry the header at all."""

    @model_validator(mode="after")
    def _sensible(self) -> HeaderExpect:
        every = (self.equals, self.contains, self.regex, self.not_regex)
        if self.absent == any(value is not None for value in every):
            raise unusable(
                "give equals, contains, regex, not_regex or absent: true",
                "absent goes with none of the others",
            )
        if self.absent and self.allow_missing:
            raise unusable("absent goes without allow_missing")
        return self


def _header_shorthand(value: object) -> object:
    return {"equals": value} if isinstance(value, str) else value


def _header_name(name: str) -> str:
    if not _HEADER_NAME.fullmatch(name):
        raise unusable("a header's name is made of letters, digits and hyphens")
    return name


def _statuses(value: object) -> object:
    """Bring numbers and single values into the form that is kept: a list of texts."""
    every = list(value) if isinstance(value, list | tuple) else [value]
    return [str(each) if isinstance(each, int) and not isinstance(each, bool) else each for each in every]


def status_range(text: str) -> range:
    """Read `2xx`, `200-204` or `200`. Raises a validation error in clear words."""
    match = _STATUS.fullmatch(text)
    if match is None:
        raise unusable("not a status", "write 200, 200-204 or 2xx")
    if match[1]:
        return range(int(match[1]) * 100, int(match[1]) * 100 + 100)
    first, last = int(match[2]), int(match[3] or match[2])
    if last < first:
        raise unusable("the range of statuses ends before it begins", f"write {last}-{first}")
    return range(first, last + 1)


def _status(text: str) -> str:
    status_range(text)
    return text


def _path(path: str) -> str:
    compile_path(path)
    return path


def _comparisons(value: JsonValue) -> JsonValue:
    comparisons_of(value)
    return value


HeaderField = Annotated[
    HeaderExpect, BeforeValidator(_header_shorthand, json_schema_input_type=str | HeaderExpect)
]
HeaderName = Annotated[str, AfterValidator(_header_name)]
StatusField = Annotated[
    tuple[Annotated[str, AfterValidator(_status)], ...],
    BeforeValidator(_statuses, json_schema_input_type=str | int | list[str | int]),
    Field(min_length=1, max_length=MAX_RULES),
]


def _age(value: object) -> object:
    return {"limit": value} if isinstance(value, str) else value


HttpPhase = Literal["resolve", "connect", "tls", "authorize", "send", "wait", "transfer"]
HttpVersion = Literal["1.0", "1.1", "2", "3"]
VersionsField = Annotated[
    tuple[HttpVersion, ...],
    BeforeValidator(one_or_more, json_schema_input_type=HttpVersion | list[HttpVersion]),
    Field(min_length=1, max_length=10),
]
CodingsField = Annotated[
    tuple[Coding, ...],
    BeforeValidator(one_or_more, json_schema_input_type=Coding | list[Coding]),
    Field(min_length=1, max_length=10),
]


class ExpectOptions(ConnectionLimits):
    """What the response must be. All of it is judged, and every expectation that does not hold is reported."""

    status: StatusField = ("2xx",)
    """Statuses that are right: `200`, `200-204`, `2xx`, or a list of these."""
    headers: dict[HeaderName, HeaderField] = Field(default={}, max_length=MAX_RULES)
    """Rules by header name; a plain text stands for `equals`."""
    body: BodyExpect = BodyExpect()
    """Rules for the body, after its content encoding (gzip, br, deflate) is undone."""
    size: SizeExpect | None = None
    """Length of the body, after its content encoding is undone (default: any within `body_limit`)."""
    json_: dict[Annotated[str, AfterValidator(_path)], Annotated[JsonValue, AfterValidator(_comparisons)]] = (
        Field(default={}, alias="json", max_length=MAX_RULES)
    )
    """Rules by JSONPath (RFC 9535), for documents of up to 2 MiB and 200,000 values: a value to be equal to, or
    comparisons (`==`, `!=`, `<`, `<=`, `>`, `>=`, `contains`, `matches`, `exists`)."""
    cel: Annotated[
        tuple[Expression, ...],
        BeforeValidator(one_or_more, json_schema_input_type=str | list[str]),
        Field(max_length=MAX_EXPRESSIONS),
    ] = ()
    """Expressions in CEL that must all be true (needs the extra `cel`). They know `body` (the JSON of up to 2 MiB),
    `headers` (by name in lower case, several of one name joined by commas) and `status`. One that is false, fails with
    an error or takes more than 1 s of CPU time fails with `expression_mismatch`."""
    encoding: CodingsField | None = None
    """Content-Encoding that the response must have: `gzip`, `br`, `deflate`, `identity` (none), or a list of these.
    Another one, or a body that does not decode, fails with `http_encoding` (default: any)."""
    version: VersionsField | None = None
    """Versions of HTTP that are right, of the last response: `1.0`, `1.1`, `2`, `3`, or a list of these. Another one
    fails with `http_version` (default: any)."""
    tls: Literal["required", "forbidden"] | None = None
    """Whether the last response has to come over TLS: `required` fails with `tls_missing` if it did not, `forbidden`
    with `tls_unwanted` if it did (default: either)."""
    max_age: Annotated[MaxAge, BeforeValidator(_age, json_schema_input_type=str | MaxAge)] | None = None
    """How old the document may be by its Last-Modified (default: any age); a plain duration stands for `limit`."""
    phases: dict[HttpPhase, PhaseField] = Field(default={})
    """Limits of single phases, `{wait: 500ms, connect: {warn_within: 100ms}}`: `too_slow` or `slow` beyond them."""

    @property
    def looks_into_body(self) -> bool:
        """Whether a response without a body cannot do."""
        return bool(self.json_ or self.body.model_fields_set or self.size or reads_body(self.cel))
