"""Whom DNSSEC validation trusts to begin with: the root's keys, or those of zones that the operator names.

How trust goes on from there lives in `dns_chain.py`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field, StrictBool, StringConstraints

from .failures import Code, Stop
from .schema import Section, unusable

if TYPE_CHECKING:
    import dns.name
    import dns.rdata

MAX_ANCHORS = 100
MAX_FILE_BYTES = 1024 * 1024
ROOT = (
    ". 3600 IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
    ". 3600 IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
)
"""The root's key signing keys of 2017 and 2024, as IANA publishes them."""

Anchors = Mapping["dns.name.Name", tuple["dns.rdata.Rdata", ...]]
"""DS and DNSKEY records by zone."""


def _anchor(text: str) -> str:
    parse_anchors(text)
    return text


AnchorText = Annotated[str, StringConstraints(min_length=1, max_length=4096), AfterValidator(_anchor)]


class DnssecOptions(Section):
    """How answers are validated by DNSSEC."""

    anchors: Annotated[tuple[AnchorText, ...], Field(max_length=MAX_ANCHORS)] = ()
    """DS or DNSKEY records to trust, as in a zone file: `"example. DS 4711 13 2 0a1b..."` (default: the root's)."""
    anchor_file: Path | None = None
    """File with such records, in place of the root's or beside `anchors`."""
    required: StrictBool = True
    """Whether an answer from a zone that is not signed fails with `dnssec_missing`; with `false` it passes."""


def parse_anchors(text: str) -> dict[dns.name.Name, tuple[dns.rdata.Rdata, ...]]:
    """Read DS and DNSKEY records; raises a validation error in clear words."""
    import dns.exception
    import dns.rdatatype
    import dns.zonefile

    try:
        rrsets = dns.zonefile.read_rrsets(text, rdclass=None, default_ttl=3600)
    except (dns.exception.DNSException, ValueError) as error:
        raise unusable(
            f"not DS or DNSKEY records: {error}", 'such as "example. DS 4711 13 2 0a1b..."'
        ) from None
    found: dict[dns.name.Name, tuple[dns.rdata.Rdata, ...]] = {}
    for rrset in rrsets:
        if rrset.rdtype not in (dns.rdatatype.DS, dns.rdatatype.DNSKEY):
            kind = dns.rdatatype.to_text(rrset.rdtype)
            raise unusable(f"a {kind} record is no anchor of trust", "give DS or DNSKEY records")
        found[rrset.name] = (*found.get(rrset.name, ()), *rrset)
    if not found:
        raise unusable("there are no records in it")
    return found


def anchors_of(options: DnssecOptions) -> Anchors:
    """Return the anchors, the file's read anew when it has changed. Raises `Stop` with AGENT_FILE."""
    texts = options.anchors
    if options.anchor_file is not None:
        try:
            texts += (_read(options.anchor_file, os.stat(options.anchor_file).st_mtime_ns),)
        except OSError as error:
            words = (error.strerror or "unreadable").lower()
            raise Stop(Code.AGENT_FILE, f"cannot read {options.anchor_file}: {words}") from None
    try:
        return _parse(texts or ROOT)
    except ValueError as error:
        raise Stop(Code.AGENT_FILE, f"cannot use {options.anchor_file}: {error}") from None


@lru_cache(maxsize=64)
def _read(file: Path, _stamp: int) -> str:
    with file.open(encoding="utf-8", errors="replace") as opened:
        return opened.read(MAX_FILE_BYTES)


@lru_cache(maxsize=64)
def _parse(texts: tuple[str, ...]) -> Anchors:
    return parse_anchors("\n".join(texts))
