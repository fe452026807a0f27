"""Answers of a registry's RDAP service, for http_peer."""

from __future__ import annotations

import json
import time
from typing import Any

from support.http_answers import plain
from support.http_peer import Answer

DAY_SECONDS = 86_400


def instant(days: float) -> str:
    """Return an instant so many days from now, as registries write it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + days * DAY_SECONDS))


def registration(days: float = 100.5, **changes: Any) -> dict[str, Any]:  # Any: JSON
    """Return a registration that ends in so many days, with members changed or (None) left out."""
    answer = {
        "objectClassName": "domain",
        "ldhName": "SHOP.EXAMPLE",
        "status": ["active", "client transfer prohibited"],
        "events": [
            {"eventAction": "registration", "eventDate": "2001-02-03T04:05:06Z"},
            {"eventAction": "expiration", "eventDate": instant(days)},
        ],
        "nameservers": [{"ldhName": "NS2.shop.example."}, {"ldhName": "ns1.shop.example"}],
        "entities": [
            {"roles": ["abuse"], "handle": "A1"},
            {"roles": ["registrar"], "vcardArray": ["vcard", [["fn", {}, "text", "Example Registrar Ltd"]]]},
        ],
        **changes,
    }
    return {key: value for key, value in answer.items() if value is not None}


def rdap(answer: Any, status: int = 200) -> Answer:  # Any: JSON
    """Answer with JSON."""
    return plain(
        json.dumps(answer).encode(), status=status, headers=[("Content-Type", "application/rdap+json")]
    )
