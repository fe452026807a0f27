"""The words of OpenSLO v1 that export and import share: names, annotations, lengths of time.

Source: github.com/OpenSLO/OpenSLO, README of version 1; the limits of names are those of its own checker.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection

VERSION = "openslo/v1"
PREFIX = "uptime-prober/"
"""Before the keys of our own annotations; each holds the JSON text of what OpenSLO has no word for."""
MADE = f"{PREFIX}made-by"
"""On documents that follow from others and are read by nobody here: alerts."""

MAX_NAME = 63
MAX_TITLE = 63
MAX_DESCRIPTION = 1_050
NAME = re.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def named(name: str, taken: Collection[str] = ()) -> str:
    """Return a name as OpenSLO takes it, that is not taken yet."""
    plain = re.sub("[^a-z0-9-]+", "-", name.lower()).strip("-") or "unnamed"
    if plain[:MAX_NAME].strip("-") not in taken:
        return plain[:MAX_NAME].strip("-")
    numbered = (f"{plain[: MAX_NAME - 6].strip('-')}-{number}" for number in range(2, 100_000))
    return next(each for each in numbered if each not in taken)


def noted(value: object) -> str:
    """Return the text of an annotation: JSON with its keys as they come, for the order of weights is theirs."""
    return json.dumps(value, ensure_ascii=False)


def shorthand(length_us: int) -> str:
    """Return a length of time as OpenSLO writes it, rounded up to whole minutes: `5m`, `6h`, `30d`."""
    minutes = -(-length_us // 60_000_000)
    for unit, size in (("d", 1_440), ("h", 60)):
        if minutes % size == 0:
            return f"{minutes // size}{unit}"
    return f"{minutes}m"
