"""What registries say of a domain in RDAP (RFC 9083), and where each is asked (RFC 9224). Pure: bytes to values.

Everything comes from outside: only what is needed is read, in bounded numbers, and what cannot be read is said in
one `ValueError`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

MAX_ANSWER_BYTES = 1024 * 1024
MAX_ITEMS = 200  # of any list that is read
MAX_TEXT = 255  # characters kept of a name or a status
MAX_SERVICES = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """The registration of a domain. Instants in seconds since the epoch, None where the registry keeps silent."""

    name: str
    expires: int | None
    registered: int | None
    statuses: tuple[str, ...]
    registrar: str | None
    nameservers: tuple[str, ...]


def read_registration(data: bytes) -> Registration:
    """Read the answer to a question for a domain. Raises ValueError."""
    answer = _object(data)
    if answer.get("objectClassName") not in (None, "domain"):
        raise ValueError("the answer is not about a domain")
    events = dict(_events(answer))
    return Registration(
        name=_text(answer.get("ldhName")) or "",
        expires=events.get("expiration"),
        registered=events.get("registration"),
        statuses=tuple(status for each in _items(answer, "status") if (status := _text(each))),
        registrar=_registrar(answer),
        nameservers=tuple(
            sorted(
                {
                    name.lower().rstrip(".")
                    for each in _items(answer, "nameservers")
                    if isinstance(each, dict) and (name := _text(each.get("ldhName")))
                }
            )
        ),
    )


def read_bootstrap(data: bytes) -> Mapping[str, str]:
    """Read the registry of registries: the address to ask, by top level domain. Raises ValueError."""
    services = _object(data).get("services")
    if not isinstance(services, list):
        raise ValueError("the list of services is missing")
    found: dict[str, str] = {}
    for service in services[:MAX_SERVICES]:
        if not isinstance(service, list) or len(service) < 2:
            continue
        zones, urls = service[0], service[1]
        if isinstance(zones, list) and isinstance(urls, list) and (url := _best(urls)):
            found.update((zone.lower(), url) for zone in zones[:MAX_SERVICES] if isinstance(zone, str))
    if not found:
        raise ValueError("there is no service in it")
    return found


def server_for(name: str, servers: Mapping[str, str]) -> str | None:
    """Return the address for a domain: the longest entry that it ends with counts."""
    labels = name.split(".")
    return next(
        (servers[zone] for at in range(1, len(labels)) if (zone := ".".join(labels[at:])) in servers), None
    )


def plain_status(status: str) -> str:
    """Return a status so that all ways to write it are one: `client hold` as RDAP has it, `clientHold` as EPP has."""
    return "".join(sign for sign in status.lower() if sign.isalnum())


def question_url(server: str, name: str) -> str:
    """Return the URL that asks a server for a domain."""
    return f"{server.rstrip('/')}/domain/{name}"


def _best(urls: list[object]) -> str | None:
    usable = [url for url in urls[:MAX_ITEMS] if isinstance(url, str) and len(url) <= 2 * MAX_TEXT]
    secure = [url for url in usable if url.startswith("https://")]
    return next(iter(secure or [url for url in usable if url.startswith("http://")]), None)


def _object(data: bytes) -> dict[str, object]:
    if len(data) > MAX_ANSWER_BYTES:
        raise ValueError(f"it is longer than {MAX_ANSWER_BYTES} bytes")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise ValueError("it is no JSON") from None
    if not isinstance(value, dict):
        raise ValueError("it is no JSON object")
    return value


def _items(answer: dict[str, object], key: str) -> list[object]:
    value = answer.get(key)
    return value[:MAX_ITEMS] if isinstance(value, list) else []


def _text(value: object) -> str | None:
    return value[:MAX_TEXT] if isinstance(value, str) else None


def _events(answer: dict[str, object]) -> Iterator[tuple[str, int]]:
    for event in _items(answer, "events"):
        if isinstance(event, dict) and isinstance(action := event.get("eventAction"), str):
            instant = _instant(event.get("eventDate"))
            if instant is not None:
                yield action, instant


def _instant(value: object) -> int | None:
    """Read an instant of RFC 3339; one without a zone, as some registries send it, is taken for UTC."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        instant = datetime.fromisoformat(value)
        return int((instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None


def _registrar(answer: dict[str, object]) -> str | None:
    for entity in _items(answer, "entities"):
        if isinstance(entity, dict) and "registrar" in _items(entity, "roles"):
            return _full_name(entity) or _text(entity.get("handle"))
    return None


def _full_name(entity: dict[str, object]) -> str | None:
    """Return the `fn` of a jCard (RFC 7095): ["vcard", [["fn", {}, "text", "Example Registrar"], ...]]."""
    card = _items(entity, "vcardArray")
    fields = card[1][:MAX_ITEMS] if len(card) > 1 and isinstance(card[1], list) else []
    for field in fields:
        if isinstance(field, list) and len(field) > 3 and field[0] == "fn":
            return _text(field[3])
    return None
