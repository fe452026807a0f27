"""Field types that options of HTTP share: URLs, request headers, one value or a list of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, SerializationInfo

from .http_request import check_header_name, check_header_value, is_private, plain_headers
from .http_url import parse_url
from .schema import unusable
from .values import Secret, SecretView

MAX_HEADERS = 100


def one_or_more(value: object) -> object:
    """Take a plain text for a list of one."""
    return [value] if isinstance(value, str) else value


def header_name(name: str) -> str:
    """Return the name of a request header. Raises a validation error for one that cannot be set."""
    try:
        check_header_name(name)
    except ValueError as error:
        raise unusable(str(error)) from None
    return name


def hide_private(headers: object) -> object:
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


UrlField = Annotated[
    str,
    AfterValidator(_url),
    Field(repr=False),
    PlainSerializer(_show_url, return_type=str, when_used="json"),
]
HeadersField = Annotated[
    dict[str, str | Secret],
    BeforeValidator(hide_private),
    AfterValidator(_check_headers),
    Field(max_length=MAX_HEADERS),
]
