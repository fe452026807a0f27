"""Values carried from one step of a flow to the next: how they are found in an answer and put into a request.

Pure. A value is text; in a request it stands where `{name}` stood, in the form that place needs: percent-encoded in a
URL or a form, escaped in JSON, as it is anywhere else. `{{name}}` stands for the text `{name}` itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote, quote_plus

from pydantic import AfterValidator, Field, StrictBool, StrictInt, StringConstraints, model_validator

from .failures import Code, Stop
from .http_body import Content, decode
from .http_json import compile_path, find_first, read_json
from .http_response import Response
from .patterns import Regex, compiled, longest
from .quote import printable
from .schema import Section, unusable

if TYPE_CHECKING:
    from jsonpath import JSONPath

MAX_VALUE = 8192  # characters of one value
MAX_GROUP = 20
_NAME = "[A-Za-z_][A-Za-z0-9_]{0,49}"
_REFERENCE = re.compile(rf"\{{\{{({_NAME})\}}\}}|\{{({_NAME})\}}")
_SECRET = re.compile(
    "token|password|passwd|secret|session|key|csrf|xsrf|jwt|cookie|credential", re.IGNORECASE
)
ValueName = Annotated[str, StringConstraints(pattern=f"^{_NAME}$")]


def _path(path: str) -> str:
    compile_path(path)
    return path


class Capture(Section):
    """Where a value stands in an answer: `json`, `header` or `regex`, the last one also within a header. A value that
    is not there, is empty or has more than 8192 characters fails with `capture_missing`."""

    json_: Annotated[str, AfterValidator(_path)] | None = Field(default=None, alias="json")
    """JSONPath (RFC 9535) of it in the body; text is taken as it is, anything else as JSON writes it."""
    header: Annotated[str, StringConstraints(pattern="^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}$")] | None = None
    """Name of the response header that holds it; of several the first one that has a value, or that `regex` fits."""
    regex: Regex | None = None
    """Regular expression to be found in the body, or in the header. One with large counted repetitions is not searched
    for in very long bodies: these fail with `body_limit`."""
    group: StrictInt = Field(default=1, ge=0, le=MAX_GROUP)
    """Group of the expression that is the value (default 1); 0 is the whole match."""
    secret: StrictBool | None = None
    """`true`: the value is masked in everything that is told of the run, and the body that it is taken from is not
    shown. Default: `true` where the value's name contains `token`, `password`, `passwd`, `secret`, `session`, `key`,
    `csrf`, `xsrf`, `jwt`, `cookie` or `credential`, else `false`."""

    @model_validator(mode="after")
    def _one(self) -> Capture:
        if self.json_ is not None and (self.header is not None or self.regex is not None):
            raise unusable("json goes with neither header nor regex")
        if self.json_ is None and self.header is None and self.regex is None:
            raise unusable("give json, header or regex")
        if self.regex is not None and self.group > compiled(self.regex).groups:
            raise unusable(
                f"the expression has no group {self.group}", "put parentheses around the value, or group: 0"
            )
        return self

    @property
    def reads_body(self) -> bool:
        """Whether the body has to be kept."""
        return self.header is None

    def is_secret(self, name: str) -> bool:
        """Say whether a value of that name is masked."""
        return _SECRET.search(name) is not None if self.secret is None else self.secret

    def find(self, name: str, answer: Answer) -> str:
        """Return the value. Raises `Stop` when there is none, or none that can be carried."""
        value = self._find(answer)
        if value is None:
            raise _missing(name, f"{self._where} was not found")
        if not value:
            raise _missing(name, f"{self._where} is empty")
        if len(value) > MAX_VALUE:
            raise _missing(name, f"{self._where} has {len(value)} characters, the limit is {MAX_VALUE}")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _missing(name, f"{self._where} is no text: it holds half of a surrogate pair") from None
        return value

    def _find(self, answer: Answer) -> str | None:
        if self.json_ is not None:
            return find_first(_query(self.json_), answer.document)
        if self.header is not None:
            values = answer.response.every(self.header.lower().encode("ascii"))
            found = [self._part(value.decode("utf-8", "replace"), len(value)) for value in values]
            return next(filter(None, found), next((value for value in found if value is not None), None))
        return self._part(answer.content.text, len(answer.content.raw))

    def _part(self, text: str, size: int) -> str | None:
        if self.regex is None:
            return text
        pattern = compiled(self.regex)
        if size > (limit := longest(pattern)):
            words = f"{size} bytes, which is too long for this expression (at most {limit})"
            raise Stop(Code.BODY_LIMIT, f"{self._where}: {words}")
        match = pattern.search(text)
        return None if match is None else match.group(self.group)

    @property
    def _where(self) -> str:
        if self.json_ is not None:
            return self.json_
        place = f"the header {self.header}" if self.header is not None else "the body"
        return place if self.regex is None else f"{self.regex} in {place}"


@lru_cache(maxsize=1024)
def _query(path: str) -> JSONPath:
    return compile_path(path)


def _missing(name: str, why: str) -> Stop:
    return Stop(Code.CAPTURE_MISSING, f"no value for {name}: {why}")


class Answer:
    """An answer that values are looked for in. Its body is decoded, and read as JSON, once and when it is needed."""

    def __init__(self, response: Response, limit: int, *, hides_body: bool) -> None:
        """`limit` is that of the decoded body in bytes; a body that hides is not shown where it is no JSON."""
        self.response = response
        self._limit = limit
        self._hides_body = hides_body
        self._content: Content | Stop | None = None
        self._document: list[object] | Stop | None = None  # the list holds it, since it may be anything

    @property
    def content(self) -> Content:
        """The decoded body. Raises `Stop`."""
        if self._content is None:
            try:
                self._content = decode(self.response, self._limit)
                self._content.hides = self._hides_body
            except Stop as stop:
                self._content = stop
        if isinstance(self._content, Stop):
            raise self._content
        return self._content

    @property
    def document(self) -> object:
        """The body's JSON. Raises `Stop`."""
        if self._document is None:
            try:
                self._document = [read_json(self.content)]
            except Stop as stop:
                self._document = stop
        if isinstance(self._document, Stop):
            raise self._document
        return self._document[0]


def names_in(text: str) -> Iterator[str]:
    """Yield the names that a text refers to."""
    return (match[2] for match in _REFERENCE.finditer(text) if match[2] is not None)


def begins_with_value(text: str) -> bool:
    """Say whether a text begins with a reference."""
    match = _REFERENCE.match(text)
    return match is not None and match[2] is not None


def filled(text: str, values: Mapping[str, str], form: Callable[[str], str] = str) -> str:
    """Return the text with the values in place; braces around anything else stay."""

    def value(match: re.Match[str]) -> str:
        if match[2] is None:
            return f"{{{match[1]}}}"
        return form(values[match[2]]) if match[2] in values else match[0]

    return _REFERENCE.sub(value, text)


def filled_body(text: str, values: Mapping[str, str], form: Callable[[str], str] = str) -> str:
    """Return a body with the values in place; a body has braces of its own, so that other names stay as they are."""

    def value(match: re.Match[str]) -> str:
        if (match[2] or match[1]) not in values:
            return match[0]
        return f"{{{match[1]}}}" if match[2] is None else form(values[match[2]])

    return _REFERENCE.sub(value, text)


def forms_of(value: str) -> set[str]:
    """Return a value in every form that it travels in or is shown in, to be masked."""
    shown = printable(value, len(value))
    return {
        value,
        shown,
        in_url(value),
        quote_plus(value),
        in_json(value),
        json.dumps(value, ensure_ascii=False)[1:-1],
    }


def in_url(value: str) -> str:
    """Return a value as a URL or a form holds it."""
    return quote(value, safe="")


def in_json(value: str) -> str:
    """Return a value as it stands between the quotes of a JSON text."""
    return json.dumps(value)[1:-1]


def form_of_body(content_type: str) -> Callable[[str], str]:
    """Return how values are written into a body of that type."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json" or kind.endswith("+json"):
        return in_json
    return in_url if kind == "application/x-www-form-urlencoded" else str
