"""The question of the `dns` check as people write it: name, type and class, and the server that is asked.

What is sent is built in `dns_wire.py`.
"""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import parse_qsl, unquote

from pydantic import PlainSerializer, SerializationInfo

from .dns_https import parse_https
from .schema import unusable
from .values import SecretView

CLASSES = {"IN": 1, "CH": 3, "HS": 4, "ANY": 255}
ANY = 255


def show_server(server: str) -> str:
    """Return a server for people: of a URL without the values of its query."""
    return parse_https(server).shown() if server.lower().startswith("https:") else server


def _server_for(server: str, info: SerializationInfo) -> str:
    """Leave the values of a URL's query out of what people see."""
    return server if info.context in (SecretView.REVEAL, SecretView.DIGEST) else show_server(server)


ServerField = Annotated[str, PlainSerializer(_server_for, return_type=str, when_used="json")]
"""Host and port, or a URL whose query values are shown to nobody."""


def options_of_url(url: str) -> dict[str, Any]:
    """Return the options for `dns://server/name?type=A`, or `dns:name`. Raises ValueError with a hint."""
    place, _, query = url.partition(":")[2].partition("?")
    server, slash, name = (
        place.removeprefix("//").partition("/") if place.startswith("//") else ("", "/", place)
    )
    if not slash or not name:
        raise ValueError("it names no server or no name", "dns://192.0.2.53/shop.example?type=A")
    raw: dict[str, Any] = {"name": unquote(name), **({"server": server} if server else {})}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key not in {"type", "class"}:
            raise ValueError(f"{key!r} means nothing here", "known: type, class")
        raw[key] = value.upper()
    return raw


def type_number(text: str) -> int:
    """Return a type's number. Raises a validation error for one that no name can have."""
    import dns.exception
    import dns.rdatatype

    try:
        number = int(dns.rdatatype.from_text(text))
    except (dns.exception.DNSException, ValueError):
        raise unusable(
            "not a type of DNS record", "known are A, AAAA, CNAME, MX, NS, SOA, TXT, TYPE65, ..."
        ) from None
    if number != ANY and dns.rdatatype.is_metatype(dns.rdatatype.RdataType(number)):
        raise unusable(
            "not a type that a name can have", "zone transfers and the like are no single question"
        )
    return number


def encode(name: str) -> bytes:
    """Return a name in wire form; it may hold escapes. Raises a validation error."""
    import dns.exception
    import dns.name

    try:
        return dns.name.from_text(name).to_wire() or b"\0"
    except (dns.exception.DNSException, UnicodeError) as error:
        raise unusable(f"not a name that can be asked for: {error}") from None
