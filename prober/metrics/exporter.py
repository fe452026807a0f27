"""Names that the field knows from the Prometheus blackbox exporter, and what of a result appears under them.

A table, read by `lines`: a kind of check that is not in it still has the families that every kind has. Nothing here is
filled in: what a run did not reach or did not learn is absent, where that exporter would show 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from checks.core.result import Fact

from .text import Family, gauge

SUCCESS = gauge("probe_success", "Whether the last scheduled run passed; absent if it was void.")
DURATION = gauge("probe_duration_seconds", "Duration of the last scheduled run: the sum of its phases.")
LOOKUP = gauge("probe_dns_lookup_time_seconds", "Time that the last scheduled run took to look up the name.")

_TLS_VERSIONS = {"TLSv1": "TLS 1.0", "TLSv1.1": "TLS 1.1", "TLSv1.2": "TLS 1.2", "TLSv1.3": "TLS 1.3"}

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
    """A kind's phases: per label value the stage it shows, and one that is added to it."""

    family: Family
    stages: tuple[tuple[str, str, str | None], ...]  # label value, stage, added stage


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


def _shown(fact: str, name: str, line: Reader, text: str) -> Shown:
    return Shown(fact, gauge(name, text), line)


_COMMON = (
    _shown("family", "probe_ip_protocol", number, "IP protocol of the address used: 4 or 6."),
    _shown("chain_expires", "probe_ssl_earliest_cert_expiry", number,
           "Earliest expiry among the certificates that the target sent, in unix time."),
    _shown("tls_version", "probe_tls_version_info", tls_version, "TLS version agreed on."),
)  # fmt: skip

_HTTP = Kind(
    Phases(
        gauge("probe_http_duration_seconds", "Duration of each phase of an HTTP run, summed over redirects."),
        (("resolve", "resolve", None), ("connect", "connect", None), ("tls", "tls", None),
         ("processing", "wait", "send"), ("transfer", "transfer", None)),
    ),
    (
        *_COMMON,
        _shown("status", "probe_http_status_code", number, "Status code of the last response."),
        _shown("http_version", "probe_http_version", number, "HTTP version of the last response."),
        _shown("redirects", "probe_http_redirects", number, "Redirects that were followed."),
        _shown("final_url", "probe_http_ssl", secure, "Whether the last request was to go over TLS."),
        _shown("size", "probe_http_uncompressed_body_length", number, "Length of the response body that was read."),
    ),
)  # fmt: skip

_DNS = Kind(
    Phases(
        gauge("probe_dns_duration_seconds", "Duration of each phase of a DNS run."),
        (("resolve", "resolve", None), ("connect", "connect", None), ("tls", "tls", None), ("request", "query", None)),
    ),
    (
        *_COMMON,
        _shown("answers", "probe_dns_answer_rrs", number, "Records in the answer section."),
        _shown("serial", "probe_dns_serial", number, "Serial number of the zone, where its SOA record was asked for."),
    ),
)  # fmt: skip

KINDS = {"http": _HTTP, "dns": _DNS}
OTHER = Kind(None, _COMMON)

_OF_KINDS = [family for kind in (*KINDS.values(), OTHER) for family in kind.families]
FAMILIES = tuple(dict.fromkeys((SUCCESS, DURATION, LOOKUP, *_OF_KINDS)))
"""Every family of this file, in the order of the exposition."""
