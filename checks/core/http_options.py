"""Options of an HTTP request that are more than one value: authentication, redirects, codings, a unique id."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StrictBool,
    StrictInt,
    StringConstraints,
    model_validator,
)

from .http_body import Coding
from .http_fields import HeadersField, UrlField, header_name, one_or_more
from .http_oauth import OAuth2Options
from .http_request import basic, check_header_value
from .schema import Section, unusable
from .values import Secret

MAX_REDIRECTS = 50
MAX_CODINGS = 10  # in a list
_ZERO = re.compile(r"q\s*=\s*0(\.0{0,3})?")
MAX_BODY_LIMIT = 256 * 1024 * 1024  # bytes; a body that expectations look into is kept in memory


def _method(method: str) -> str:
    if method == "CONNECT":
        raise unusable("CONNECT opens a tunnel and fetches nothing", "see proxy")
    return method


def _check_body_limit(size: int) -> int:
    if size > MAX_BODY_LIMIT:
        raise unusable(f"a body limit is at most {MAX_BODY_LIMIT // 2**20}MiB")
    return size


MethodField = Annotated[
    str, StringConstraints(pattern="^[A-Za-z]{1,20}$", to_upper=True), AfterValidator(_method)
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
    def _one(self) -> Self:
        return self._one_of_two("give basic or bearer")

    def _one_of_two(self, demand: str) -> Self:
        if (self.basic is None) == (self.bearer is None):
            raise unusable(demand)
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


class HttpAuthOptions(AuthOptions):
    """How the probe proves who it is; given only to the origin (scheme, host and port) of the probe's own URL."""

    oauth2: OAuth2Options | None = None
    """Bearer token by OAuth2 client credentials."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.oauth2 is None:
            return self._one_of_two("give basic, bearer or oauth2")
        if self.basic is not None or self.bearer is not None:
            raise unusable("give basic, bearer or oauth2")
        return self

    def secret_parts(self) -> Iterator[str]:
        """Yield the credentials in the form in which they travel; a token is not known here."""
        if self.oauth2 is None:
            yield from super().secret_parts()


class UniqueId(Section):
    """Where a fresh UUID travels, so that a run can be found in the target's logs or gets past its caches."""

    header: Annotated[str, AfterValidator(header_name)] | None = None
    """Request header that carries it, such as `X-Request-Id`; after redirects as well."""
    query: Annotated[str, StringConstraints(pattern="^[A-Za-z0-9._~-]{1,100}$")] | None = None
    """Query parameter that carries it, added to the URL; where a redirect leads is left as it is."""

    @model_validator(mode="after")
    def _some(self) -> UniqueId:
        if self.header is None and self.query is None:
            raise unusable("give header, query or both")
        return self


CompressionField = Annotated[
    tuple[Coding, ...],
    BeforeValidator(one_or_more, json_schema_input_type=Coding | list[Coding]),
    Field(min_length=1, max_length=MAX_CODINGS),
]


def accepts(accept_encoding: str, coding: str) -> bool:
    """Say whether a header Accept-Encoding admits a coding (RFC 9110, 12.5.3)."""
    weights: dict[str, bool] = {}
    for part in accept_encoding.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        weights[name] = not any(map(_ZERO.fullmatch, parameters))
    names = {"gzip": ("gzip", "x-gzip")}.get(coding, (coding,))
    for name in (*names, "*"):
        if name in weights:
            return weights[name]
    return coding == "identity"  # good enough, unless it is excluded


def check_headers(
    headers: Mapping[str, object], codings: tuple[Coding, ...], unique: UniqueId | None
) -> None:
    """Refuse headers that contradict what else is asked for. Raises a validation error in clear words."""
    given = {name.lower(): value for name, value in headers.items()}
    accept = given.get("accept-encoding")
    for coding in codings:
        if isinstance(accept, str) and not accepts(accept, coding):
            raise unusable(
                f"the header Accept-Encoding excludes {coding}, which compression asks for",
                "leave the header out: compression sets it",
            )
    if unique is not None and unique.header is not None and unique.header.lower() in given:
        raise unusable(f"the header {unique.header} is given twice, by headers and by unique_id")


__all__ = [
    "AuthOptions",
    "BasicAuth",
    "BodyLimit",
    "CompressionField",
    "HeadersField",
    "HttpAuthOptions",
    "MethodField",
    "Redirects",
    "RedirectsField",
    "UniqueId",
    "UrlField",
    "accepts",
    "check_headers",
]
