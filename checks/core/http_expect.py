"""What is expected of an HTTP response: the options, and the rules compiled from them.

Every rule is judged and recorded, whatever the ones before it said. Comparisons inside a JSON body live in
`http_json.py`, limits on time and certificate in `thresholds.py`.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    JsonValue,
    StrictBool,
    StringConstraints,
    model_validator,
)

from .http_json import comparisons_of, compile_path
from .patterns import Regex, compiled
from .schema import Section, unusable
from .thresholds import ConnectionLimits

MAX_RULES = 100  # of one sort
MAX_TEXT = 4096  # characters
_STATUS = re.compile(r"([1-5])xx|([1-9][0-9]{2})(?:-([1-9][0-9]{2}))?", re.IGNORECASE)
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}")


def _one_or_more(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _absent(text: str) -> str:
    if (pattern := between_slashes(text)) is not None:
        compiled(pattern)
    return text


def between_slashes(text: str) -> str | None:
    """Return the regular expression in `/.../`, or None for plain text."""
    return text[1:-1] if len(text) > 2 and text.startswith("/") and text.endswith("/") else None


Text = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT)]
_LISTED = (BeforeValidator(_one_or_more, json_schema_input_type=str | list[str]), Field(max_length=MAX_RULES))


class BodyExpect(Section):
    """What the body must and must not hold; each key takes one text or a list."""

    contains: Annotated[tuple[Text, ...], *_LISTED] = ()
    """Texts that must all be there."""
    regex: Annotated[tuple[Regex, ...], *_LISTED] = ()
    """Regular expressions that must all be found somewhere in the body."""
    absent: Annotated[tuple[Annotated[Text, AfterValidator(_absent)], ...], *_LISTED] = ()
    """Texts, or regular expressions between slashes (`/error [0-9]+/`), none of which may be there."""


class HeaderExpect(Section):
    """What one response header must be; of a header that came several times, one value has to fit."""

    equals: str | None = Field(None, max_length=MAX_TEXT)
    """The whole value, to the letter."""
    contains: Text | None = None
    """A part of the value."""
    regex: Regex | None = None
    """A regular expression to be found in the value."""
    absent: StrictBool = False
    """`true`: the response must not carry the header at all."""

    @model_validator(mode="after")
    def _sensible(self) -> HeaderExpect:
        wanted = [value for value in (self.equals, self.contains, self.regex) if value is not None]
        if self.absent == bool(wanted):
            raise unusable(
                "give equals, contains, regex or absent: true", "absent goes with none of the others"
            )
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


class ExpectOptions(ConnectionLimits):
    """What the response must be. All of it is judged, and every expectation that does not hold is reported."""

    status: StatusField = ("2xx",)
    """Statuses that are right: `200`, `200-204`, `2xx`, or a list of these."""
    headers: dict[HeaderName, HeaderField] = Field(default={}, max_length=MAX_RULES)
    """Rules by header name; a plain text stands for `equals`."""
    body: BodyExpect = BodyExpect()
    """Rules for the body, after its content encoding (gzip, deflate) is undone."""
    json_: dict[Annotated[str, AfterValidator(_path)], Annotated[JsonValue, AfterValidator(_comparisons)]] = (
        Field(default={}, alias="json", max_length=MAX_RULES)
    )
    """Rules by JSONPath (RFC 9535): a value to be equal to, or comparisons
    (`==`, `!=`, `<`, `<=`, `>`, `>=`, `contains`, `matches`, `exists`)."""
