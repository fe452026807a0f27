"""Options of an HTTP request that are more than one value: headers, authentication, redirects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    SerializationInfo,
    StrictBool,
    StrictInt,
    StringConstraints,
    model_validator,
)

from .http_request import basic, check_header_name, check_header_value, is_private, plain_headers
from .http_url import parse_url
from .schema import Section, unusable
from .values import Secret, SecretView

MAX_HEADERS = 100
MAX_REDIRECTS = 50
MAX_BODY_LIMIT = 256 * 1024 * 1024  # bytes; a body that expectations look into is kept in memory


def _url(text: str) -> str:
    try:
        parse_url(text)
    except ValueError as error:
        raise unusable(str(error)) from None
    return text


def _show_url(text: str, info: SerializationInfo) -> str:
    """Leave the values of the query out of what people see: a token may be among them."""
    if info.context in (SecretView.REVEAL, SecretView.DIGEST):
        return text
    return parse_url(text).shown()


def _method(method: str) -> str:
    if method == "CONNECT":
        raise unusable("CONNECT opens a tunnel and fetches nothing", "see proxy")
    return method


def _hide_private(headers: object) -> object:
    """Make secrets of the values of headers that carry one by their nature."""
    if not isinstance(headers, dict):
        return headers
    return {name: _hidden(name, value) for name, value in headers.items()}


def _hidden(name: object, value: object) -> object:
    if isinstance(name, str) and isinstance(value, str) and value and is_private(name):
        return Secret(value)
    return value


def _check_headers(headers: dict[str, str | Secret]) -> dict[str, str | Secret]:
    for name, value in plain_headers(headers):
        try:
            check_header_name(name)
            check_header_value(value)
        except ValueError as error:
            raise unusable(str(error)) from None
    if len({name.lower() for name in headers}) < len(headers):
        raise unusable(
            "a header is given twice", "upper and lower case make no difference in a header's name"
        )
    return headers


def _check_body_limit(size: int) -> int:
    if size > MAX_BODY_LIMIT:
        raise unusable(f"a body limit is at most {MAX_BODY_LIMIT // 2**20}MiB")
    return size


UrlField = Annotated[
    str,
    AfterValidator(_url),
    Field(repr=False),
    PlainSerializer(_show_url, return_type=str, when_used="json"),
]
MethodField = Annotated[
    str, StringConstraints(pattern="^[A-Za-z]{1,20}$", to_upper=True), AfterValidator(_method)
]
HeadersField = Annotated[
    dict[str, str | Secret],
    BeforeValidator(_hide_private),
    AfterValidator(_check_headers),
    Field(max_length=MAX_HEADERS),
]
BodyLimit = AfterValidator(_check_body_limit)


class Redirects(Section):
    """What happens when the target answers with a redirect (301, 302, 303, 307, 308 with a Location)."""

    follow: StrictBool = True
    """Go where it points to; `false` takes the redirect itself as the answer, judged like any other."""
    limit: StrictInt = Field(default=10, ge=0, le=MAX_REDIRECTS)
    """How many are followed; one more fails with `http_redirect_limit`."""
    forbid: StrictBool = False
    """`true`: any redirect fails with `http_redirect_forbidden`."""


def _redirects(value: object) -> object:
    return {"follow": value} if isinstance(value, bool) else value


RedirectsField = Annotated[Redirects, BeforeValidator(_redirects, json_schema_input_type=bool | Redirects)]
"""Redirect options; `false` for short means not to follow."""


class BasicAuth(Section):
    """Name and password (RFC 7617), sent with the first request."""

    username: str = Field(max_length=1000)
    """Name, without a colon."""
    password: Secret
    """Password."""

    @model_validator(mode="after")
    def _readable(self) -> BasicAuth:
        if ":" in self.username:
            raise unusable("a username for basic authentication has no colon")
        return self


class AuthOptions(Section):
    """How the probe proves who it is; given only to the origin (scheme, host and port) of the probe's own URL."""

    basic: BasicAuth | None = None
    """Basic authentication."""
    bearer: Secret | None = None
    """Bearer token (RFC 6750)."""

    @model_validator(mode="after")
    def _one(self) -> AuthOptions:
        if (self.basic is None) == (self.bearer is None):
            raise unusable("give basic or bearer")
        if self.bearer is not None:
            try:
                check_header_value(self.bearer.reveal())
            except ValueError:
                raise unusable(
                    "the bearer token cannot stand in a header", "is there a line break in it?"
                ) from None
        return self

    def secret_parts(self) -> Iterator[str]:
        """Yield the credentials in the form in which they travel."""
        yield self.authorization.partition(" ")[2]

    @property
    def authorization(self) -> str:
        """What the header Authorization says, in the clear."""
        if self.basic is not None:
            return basic(self.basic.username, self.basic.password.reveal())
        return f"Bearer {self.bearer.reveal()}" if self.bearer is not None else ""
