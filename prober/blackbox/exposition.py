"""Prometheus text (0.0.4) of one run: the names, labels, presence rules and zeros of the exporter we stand in for.

A pure function of what the run saw. The zeros are the exporter's own (an unreached phase is 0 here): nothing else in
this project fills in what was not measured.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, cast

from prober.metrics.text import labels, seconds

from .sight import (
    DnsSeen,
    GrpcSeen,
    HttpSeen,
    IcmpSeen,
    Lookup,
    Seen,
    Sight,
    StreamSeen,
    TlsSeen,
    WebsocketSeen,
)

UNVERIFIED = -62135596800
"""What the exporter shows as the expiry of a chain that was not verified: the first instant of the year 1."""
HEALTHS = ("NOT_SERVING", "SERVICE_UNKNOWN", "SERVING", "UNKNOWN")
_FNV_OFFSET, _FNV_PRIME = 0x811C9DC5, 0x01000193
_HTTP_PHASES = ("connect", "processing", "resolve", "tls", "transfer")
_DNS_PHASES = ("connect", "request", "resolve")
_ICMP_PHASES = ("resolve", "rtt", "setup")

HELP = {
    "probe_success": "Whether the probe succeeded.",
    "probe_duration_seconds": "How long the probe took, from start to end.",
    "probe_timeout_seconds": "The limit that the probe ran under.",
    "probe_ip_protocol": "Family of the address used: 4 or 6, 0 without one.",
    "probe_ip_addr_hash": "FNV-1a hash (32 bits) of the address used.",
    "probe_dns_lookup_time_seconds": "Time that looking up the target's name took.",
    "probe_ssl_earliest_cert_expiry": "Earliest expiry among the certificates that the target sent, in unix time.",
    "probe_ssl_last_chain_expiry_timestamp_seconds": "Expiry of the verified chain that lasts longest, in unix time.",
    "probe_ssl_last_chain_info": "The target's own certificate.",
    "probe_tls_version_info": "TLS version agreed on.",
    "probe_tls_cipher_info": "TLS cipher suite agreed on.",
    "probe_failed_due_to_regex": "Whether a regular expression made the probe fail.",
    "probe_failed_due_to_cel": "Whether a CEL expression made the probe fail.",
    "probe_failed_due_to_bytes": "Whether other bytes than expected made the probe fail.",
    "probe_expect_info": "What a step of the dialogue filled its labels with.",
    "probe_http_duration_seconds": "Duration of each phase, summed over redirects.",
    "probe_http_status_code": "Status code of the last response.",
    "probe_http_version": "HTTP version of the last response.",
    "probe_http_content_length": "Length that the last response announced; -1 if it announced none.",
    "probe_http_uncompressed_body_length": "Bytes read of the body of the last response.",
    "probe_http_redirects": "Number of redirects.",
    "probe_http_ssl": "Whether the last response came over TLS.",
    "probe_http_last_modified_timestamp_seconds": "The response's Last-Modified, in unix time.",
    "probe_dns_duration_seconds": "Duration of each phase.",
    "probe_dns_answer_rrs": "Number of records in the answer section.",
    "probe_dns_authority_rrs": "Number of records in the authority section.",
    "probe_dns_additional_rrs": "Number of records in the additional section.",
    "probe_dns_query_succeeded": "Whether an answer came, whatever it said.",
    "probe_dns_serial": "Serial number of the zone.",
    "probe_icmp_duration_seconds": "Duration of each phase.",
    "probe_icmp_reply_hop_limit": "TTL or hop limit that the reply arrived with.",
    "probe_grpc_duration_seconds": "Duration of each phase.",
    "probe_grpc_ssl": "Whether the call went over TLS.",
    "probe_grpc_status_code": "gRPC status code of the call.",
    "probe_grpc_healthcheck_response": "The serving status that the service answered.",
    "probe_websocket_duration_seconds": "Duration of each phase that was reached.",
    "probe_websocket_status_code": "Status code of the answer to the handshake.",
    "probe_websocket_connection_upgraded": "Whether the connection became a WebSocket.",
    "probe_websocket_failed_due_to_regex": "Whether a regular expression made the probe fail.",
}


class Sample(NamedTuple):
    """One sample: name, labels (sorted by name once it is a line), and the value as text."""

    name: str
    pairs: Mapping[str, str]
    value: str


def render(sight: Sight) -> str:
    """Return the exposition: families by name, samples by the values of their labels."""
    samples = {(each.name, labels(dict(sorted(each.pairs.items())))): each.value for each in _samples(sight)}
    parts: list[str] = []
    last = ""
    for (name, pairs), value in sorted(samples.items()):
        if name != last:
            parts.append(f"# HELP {name} {HELP[name]}\n# TYPE {name} gauge\n")
            last = name
        parts.append(f"{name}{{{pairs}}} {value}\n" if pairs else f"{name} {value}\n")
    return "".join(parts)


def address_hash(address: str) -> int:
    """Return the 32-bit FNV-1a hash of the 4 or 16 bytes of an address."""
    value = _FNV_OFFSET
    for byte in ipaddress.ip_address(address.partition("%")[0]).packed:
        value = (value ^ byte) * _FNV_PRIME & 0xFFFFFFFF
    return value


def _samples(sight: Sight) -> Iterator[Sample]:
    yield _plain("probe_success", sight.success)
    yield Sample("probe_duration_seconds", {}, seconds(sight.duration_us))
    yield Sample("probe_timeout_seconds", {}, seconds(sight.timeout_us))
    if sight.lookup is not None:
        yield from _lookup(sight.lookup)
    if sight.tls is not None:
        yield from _tls(sight.tls, sight.prober)
    yield from _OF_PROBER[type(sight.seen)](sight)


def _plain(name: str, value: float | bool) -> Sample:
    return Sample(name, {}, repr(value) if isinstance(value, float) else str(int(value)))


def _phases(name: str, phases_us: Mapping[str, int], wanted: tuple[str, ...]) -> Iterator[Sample]:
    for phase in wanted:
        yield Sample(name, {"phase": phase}, seconds(phases_us.get(phase, 0)))


def _lookup(lookup: Lookup) -> Iterator[Sample]:
    yield Sample("probe_dns_lookup_time_seconds", {}, seconds(lookup.took_us))
    yield _plain("probe_ip_protocol", lookup.family or 0)
    yield _plain("probe_ip_addr_hash", address_hash(lookup.address) if lookup.address else 0)


def _tls(tls: TlsSeen, prober: str) -> Iterator[Sample]:
    yield _plain("probe_ssl_earliest_cert_expiry", tls.earliest_expiry)
    if prober != "grpc":
        expiry = UNVERIFIED if tls.last_chain_expiry is None else tls.last_chain_expiry
        yield _plain("probe_ssl_last_chain_expiry_timestamp_seconds", expiry)
    about = {
        "fingerprint_sha256": tls.fingerprint,
        "issuer": tls.issuer,
        "serialnumber": tls.serial,
        "subject": tls.subject,
        "subjectalternative": tls.names,
    }
    yield Sample("probe_ssl_last_chain_info", about, "1")
    yield Sample("probe_tls_version_info", {"version": tls.version}, "1")
    if prober == "http":
        yield Sample("probe_tls_cipher_info", {"cipher": tls.cipher}, "1")


def _http(sight: Sight) -> Iterator[Sample]:
    seen = cast(HttpSeen, sight.seen)
    yield _plain("probe_http_status_code", seen.status)
    yield _plain("probe_http_version", seen.version)
    yield _plain("probe_http_content_length", seen.declared)
    yield _plain("probe_http_uncompressed_body_length", seen.body)
    yield _plain("probe_http_redirects", seen.redirects)
    yield _plain("probe_http_ssl", seen.secure)
    yield _plain("probe_failed_due_to_regex", seen.regex_failed)
    if seen.cel_failed is not None:
        yield _plain("probe_failed_due_to_cel", seen.cel_failed)
    if seen.modified_s is not None:
        yield _plain("probe_http_last_modified_timestamp_seconds", seen.modified_s)
    wanted: tuple[str, ...] = _HTTP_PHASES if seen.asked else ("resolve",)
    if sight.lookup is None and not seen.followed:  # left to a proxy, or the target could not be read
        wanted = tuple(phase for phase in wanted if phase != "resolve")
    yield from _phases("probe_http_duration_seconds", sight.phases_us, wanted)


def _stream(sight: Sight) -> Iterator[Sample]:
    seen = cast(StreamSeen, sight.seen)
    if seen.dialled:
        yield _plain("probe_failed_due_to_regex", seen.regex_failed)
        yield _plain("probe_failed_due_to_bytes", seen.bytes_failed)
    for expected in seen.expected:
        yield Sample("probe_expect_info", expected.labels, "1")


def _dns(sight: Sight) -> Iterator[Sample]:
    seen = cast(DnsSeen, sight.seen)
    yield _plain("probe_dns_query_succeeded", seen.answered)
    yield _plain("probe_dns_answer_rrs", seen.answers)
    yield _plain("probe_dns_authority_rrs", seen.authorities)
    yield _plain("probe_dns_additional_rrs", seen.additionals)
    if seen.serial is not None:
        yield _plain("probe_dns_serial", seen.serial)
    yield from _phases("probe_dns_duration_seconds", sight.phases_us, _DNS_PHASES)


def _icmp(sight: Sight) -> Iterator[Sample]:
    seen = cast(IcmpSeen, sight.seen)
    if seen.hop_limit is not None:
        yield _plain("probe_icmp_reply_hop_limit", seen.hop_limit)
    yield from _phases("probe_icmp_duration_seconds", sight.phases_us, _ICMP_PHASES)


def _grpc(sight: Sight) -> Iterator[Sample]:
    seen = cast(GrpcSeen, sight.seen)
    yield _plain("probe_grpc_ssl", seen.secure)
    yield _plain("probe_grpc_status_code", seen.status)
    yield from _phases("probe_grpc_duration_seconds", sight.phases_us, ("resolve",))
    if seen.called:
        yield from _phases("probe_grpc_duration_seconds", sight.phases_us, ("check",))
        for health in HEALTHS:
            value = "1" if health == seen.health else "0"
            yield Sample("probe_grpc_healthcheck_response", {"serving_status": health}, value)


def _websocket(sight: Sight) -> Iterator[Sample]:
    seen = cast(WebsocketSeen, sight.seen)
    yield _plain("probe_websocket_status_code", seen.status)
    yield _plain("probe_websocket_connection_upgraded", seen.upgraded)
    yield _plain("probe_websocket_failed_due_to_regex", seen.regex_failed)
    yield from _phases("probe_websocket_duration_seconds", sight.phases_us, tuple(sight.phases_us))


_OF_PROBER: dict[type[Seen], Callable[[Sight], Iterator[Sample]]] = {
    HttpSeen: _http,
    StreamSeen: _stream,
    DnsSeen: _dns,
    IcmpSeen: _icmp,
    GrpcSeen: _grpc,
    WebsocketSeen: _websocket,
}
