"""Names that the field knows from the Prometheus blackbox exporter, and what of a result appears under them.

A table, read by `lines`: a kind of check that is not in it still has the families that every kind has. Nothing here is
filled in: what a run did not reach or did not learn is absent, where that exporter would show 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from checks.core.result import Fact

from .text import Family, gauge, labels

SUCCESS = gauge("probe_success", "Whether the last scheduled run passed; absent if it was void.")
DURATION = gauge("probe_duration_seconds", "Duration of the last scheduled run: the sum of its phases.")
LOOKUP = gauge("probe_dns_lookup_time_seconds", "Time that the last scheduled run took to look up the name.")

_TLS_VERSIONS = {"TLSv1": "TLS 1.0", "TLSv1.1": "TLS 1.1", "TLSv1.2": "TLS 1.2", "TLSv1.3": "TLS 1.3"}

_SERVING = ("NOT_SERVING", "SERVICE_UNKNOWN", "SERVING", "UNKNOWN")
MAX_LABEL = 500  # characters of what a target says of itself

Reader = Callable[[str, str, Fact], str]
"""Returns the sample line for a family's name, the labels with their closing brace, and a fact; or nothing."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One fact and the family it is shown as."""

    fact: str
    family: Family
    line: Reader


@dataclass(frozen=True, slots=True)
class Phases:
    """A kind's phases: per label value the stage it shows, and those that are added to it."""

    family: Family
    stages: tuple[tuple[str, str, tuple[str, ...]], ...]  # label value, stage, added stages


@dataclass(frozen=True, slots=True)
class Kind:
    """What a kind of check shows beside what every kind shows."""

    phases: Phases | None
    facts: tuple[Shown, ...]

    @property
    def families(self) -> tuple[Family, ...]:
        """The families of this kind's own lines."""
        own = (self.phases.family,) if self.phases is not None else ()
        return (*own, *(shown.family for shown in self.facts))


def number(name: str, rest: str, value: Fact) -> str:
    """Show a number, or a text that is one."""
    try:
        shown = float(value) if isinstance(value, str) else value
    except ValueError:
        return ""
    if not isinstance(shown, int | float):
        return ""
    return f"{name}{{{rest}{shown + 0}\n"  # adding nothing makes a number of a truth value


def tls_version(name: str, rest: str, value: Fact) -> str:
    """Show a TLS version as a label of a sample that is 1."""
    version = _TLS_VERSIONS.get(value, "unknown") if isinstance(value, str) else None
    return f'{name}{{version="{version}",{rest}1\n' if version is not None else ""


def secure(name: str, rest: str, value: Fact) -> str:
    """Show whether a URL, the last one that was asked, is https."""
    return f"{name}{{{rest}{int(value.startswith('https:'))}\n" if isinstance(value, str) else ""


def certificate(name: str, rest: str, value: Fact) -> str:
    """Show who the certificate is for and from, as labels of a sample that is 1."""
    if not isinstance(value, dict) or not value.get("sha256"):
        return ""
    sans = value.get("sans")
    told = {
        "fingerprint_sha256": value["sha256"],
        "issuer": value.get("issuer", ""),
        "serialnumber": value.get("serial", ""),
        "subject": value.get("subject", ""),
        "subjectalternative": ",".join(map(str, sans)) if isinstance(sans, list) else "",
    }
    return f"{name}{{{labels({key: str(text)[:MAX_LABEL] for key, text in told.items()})},{rest}1\n"


def there(name: str, rest: str, value: Fact) -> str:
    """Show 1 for a fact that is there."""
    return f"{name}{{{rest}1\n" if value is not None else ""


def switched(name: str, rest: str, value: Fact) -> str:
    """Show whether a status says that the protocol was switched."""
    return f"{name}{{{rest}{int(value == 101)}\n" if isinstance(value, int) else ""


def serving(name: str, rest: str, value: Fact) -> str:
    """Show a gRPC serving status as one of four samples that is 1."""
    if value not in _SERVING:
        return ""
    return "".join(f'{name}{{serving_status="{each}",{rest}{int(value == each)}\n' for each in _SERVING)


def _shown(fact: str, name: str, line: Reader, text: str) -> Shown:
    return Shown(fact, gauge(name, text), line)


_COMMON = (
    _shown("family", "probe_ip_protocol", number, "IP protocol of the address used: 4 or 6."),
    _shown("chain_expires", "probe_ssl_earliest_cert_expiry", number,
           "Earliest expiry among the certificates that the target sent, in unix time."),
    _shown("tls_version", "probe_tls_version_info", tls_version, "TLS version agreed on."),
    _shown("certificate", "probe_ssl_last_chain_info", certificate, "The certificate that the target sent."),
)  # fmt: skip

_HTTP = Kind(
    Phases(
        gauge("probe_http_duration_seconds", "Duration of each phase of an HTTP run, summed over redirects."),
        (("resolve", "resolve", ()), ("connect", "connect", ()), ("tls", "tls", ()),
         ("processing", "wait", ("send",)), ("transfer", "transfer", ())),
    ),
    (
        *_COMMON,
        _shown("status", "probe_http_status_code", number, "Status code of the last response."),
        _shown("http_version", "probe_http_version", number, "HTTP version of the last response."),
        _shown("redirects", "probe_http_redirects", number, "Redirects that were followed."),
        _shown("final_url", "probe_http_ssl", secure, "Whether the last request was to go over TLS."),
        _shown("size", "probe_http_uncompressed_body_length", number, "Length of the response body that was read."),
        _shown("last_modified", "probe_http_last_modified_timestamp_seconds", number,
               "When the content was last modified, by its Last-Modified header, in unix time."),
    ),
)  # fmt: skip

_DNS = Kind(
    Phases(
        gauge("probe_dns_duration_seconds", "Duration of each phase of a DNS run."),
        (("resolve", "resolve", ()), ("connect", "connect", ()), ("tls", "tls", ()), ("request", "query", ())),
    ),
    (
        *_COMMON,
        _shown("answers", "probe_dns_answer_rrs", number, "Records in the answer section."),
        _shown("rcode", "probe_dns_query_succeeded", there, "Whether an answer arrived, whatever its rcode."),
        _shown("serial", "probe_dns_serial", number, "Serial number of the zone, where its SOA record was asked for."),
    ),
)  # fmt: skip

_ICMP = Kind(
    Phases(
        gauge("probe_icmp_duration_seconds", "Duration of each phase of an ICMP run; rtt is the mean of its packets."),
        (("resolve", "resolve", ()), ("rtt", "ping", ())),
    ),
    (
        *_COMMON,
        _shown("hops_left", "probe_icmp_reply_hop_limit", number, "Hop limit (TTL) that the last reply arrived with."),
    ),
)  # fmt: skip

_GRPC = Kind(
    Phases(
        gauge(
            "probe_grpc_duration_seconds",
            "Duration of each phase of a gRPC run; check is connection and call.",
        ),
        (("resolve", "resolve", ()), ("check", "wait", ("connect", "tls", "send", "transfer"))),
    ),
    (
        *_COMMON,
        _shown("grpc_status", "probe_grpc_status_code", number, "Status code of the call."),
        _shown(
            "serving_status", "probe_grpc_healthcheck_response", serving, "What the health service answered."
        ),
        _shown("tls_version", "probe_grpc_ssl", there, "Whether the call went over TLS; absent if not."),
    ),
)

_WEBSOCKET = Kind(
    Phases(
        gauge("probe_websocket_duration_seconds", "Duration of each phase of a WebSocket run."),
        (("resolve", "resolve", ()), ("connect", "connect", ()), ("tls", "tls", ()),
         ("processing", "wait", ("send",)), ("transfer", "dialogue", ())),
    ),
    (
        *_COMMON,
        _shown("status", "probe_websocket_status_code", number, "Status code of the answer to the upgrade."),
        _shown("status", "probe_websocket_connection_upgraded", switched, "Whether the connection was upgraded."),
    ),
)  # fmt: skip

KINDS = {"http": _HTTP, "flow": _HTTP, "dns": _DNS, "icmp": _ICMP, "grpc": _GRPC, "websocket": _WEBSOCKET}
OTHER = Kind(None, _COMMON)

_OF_KINDS = [family for kind in (*KINDS.values(), OTHER) for family in kind.families]
FAMILIES = tuple(dict.fromkeys((SUCCESS, DURATION, LOOKUP, *_OF_KINDS)))
"""Every family of this file, in the order of the exposition."""
