"""Reports as JSON: for programs and archives; the shape is published as docs/report.schema.json.

The canonical form (sorted keys, no spaces) is what digests are made of. A customer gets the document without what is
internal, and the digest covers just what a customer gets: both copies bear the same one, and both can be checked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from reports.document import VERSION, ContractReport
from reports.render.speaker import Audience
from reports.words import Words

MAX_BYTES = 64_000_000  # of one document that is read back
INDENT = 2


def render(reports: Sequence[ContractReport], words: Words, *, audience: Audience) -> bytes:
    """Return one report as an object, several as a list, indented for people; words have no part in it."""
    shown = [each if audience == "provider" else without_internal(each) for each in reports]
    body = msgspec.json.encode(shown[0] if len(shown) == 1 else shown)
    return msgspec.json.format(body, indent=INDENT) + b"\n"


def without_internal(report: ContractReport) -> ContractReport:
    """Return the report as a customer may have it: no details of failures, no paths of the internal listener."""
    replace = msgspec.structs.replace
    return replace(report, outages=[replace(each, detail="", results="") for each in report.outages])


def canonical(report: ContractReport) -> bytes:
    """Return the report with sorted keys and nothing between: equal reports have equal bytes."""
    return msgspec.json.encode(report, order="sorted")


def digest(report: ContractReport) -> str:
    """Return the SHA-256 of the canonical form, as a customer gets it and without `provenance.digest`."""
    return _digest(msgspec.to_builtins(report))


def is_intact(body: bytes) -> bool:
    """Say whether a stored document has the digest that it states.

    The document is taken as it is written, so those of earlier versions, with fewer fields, can still be checked.
    """
    try:
        found = msgspec.json.decode(body)
        return isinstance(found["provenance"]["digest"], str) and found["provenance"]["digest"] == _digest(
            found
        )
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
        return False


def _digest(document: dict[str, Any]) -> str:
    outages = [{**each, "detail": "", "results": ""} for each in document["outages"]]
    provenance = {key: value for key, value in document["provenance"].items() if key != "digest"}
    bare = {**document, "outages": outages, "provenance": provenance}
    return hashlib.sha256(msgspec.json.encode(bare, order="sorted")).hexdigest()


def read(body: bytes) -> ContractReport:
    """Return the report in a document, canonical or indented. Raises ValueError if it is none that we can read."""
    if len(body) > MAX_BYTES:
        raise ValueError(
            f"a report has at most {MAX_BYTES} bytes (hint: is this the document of one contract?)"
        )
    try:
        found = msgspec.json.decode(body, type=ContractReport)
    except msgspec.DecodeError as error:
        raise ValueError(f"not a report: {error} (hint: compare with docs/report.schema.json)") from None
    if found.version != VERSION:
        raise ValueError(f"a report of version {found.version} (hint: this program reads version {VERSION})")
    return found
