"""Compares two expositions of one case: every sample that is no time by its value, every phase by its presence.

What may differ stands in `EVERYWHERE` (for all cases) or is named by a case, each with its reason; anything else is
a difference without one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from support.blackbox_probes import Labels, samples_of

Samples = Mapping[tuple[str, Labels], float]
TIMES = frozenset(
    {
        "probe_duration_seconds", "probe_dns_lookup_time_seconds", "probe_http_duration_seconds",
        "probe_dns_duration_seconds", "probe_icmp_duration_seconds", "probe_grpc_duration_seconds",
    }
)  # fmt: skip
ZERO_MATTERS = frozenset({"connect", "processing", "tls", "transfer", "request", "rtt"})
"""Phases of which it is compared whether they are 0."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One sample that is not the same; None where it is absent."""

    name: str
    labels: Labels
    theirs: float | None
    ours: float | None
    prober: str


NEWER = {
    "probe_timeout_seconds": "newer than 0.23: probe_timeout_seconds",
    "probe_tls_cipher_info": "newer than 0.23: probe_tls_cipher_info",
    "probe_failed_due_to_bytes": "newer than 0.23: probe_failed_due_to_bytes",
}
EVERYWHERE: dict[str, Callable[[Difference], bool]] = {
    **{
        reason: (lambda found, name=name: found.name == name and found.theirs is None)  # type: ignore[misc]
        for name, reason in NEWER.items()
    },
    "newer than 0.23: tcp shows probe_failed_due_to_regex only once connected": lambda found: (
        found.name == "probe_failed_due_to_regex" and found.prober == "tcp" and found.ours is None
    ),
    "newer than 0.23: grpc shows certificates only after a handshake": lambda found: (
        found.name == "probe_ssl_earliest_cert_expiry"
        and found.prober == "grpc"
        and (found.theirs, found.ours) == (0, None)
    ),
}
_LABELS_OF_LATER = frozenset({"serialnumber"})


def differences(prober: str, theirs: Samples, ours: Samples) -> Iterator[Difference]:
    """Yield what is not the same."""
    theirs, ours = _comparable(theirs), _comparable(ours)
    for key in sorted(theirs.keys() | ours.keys()):
        left, right = theirs.get(key), ours.get(key)
        if left != right:
            yield Difference(*key, left, right, prober)


def reason_of(found: Difference, allowed: Mapping[str, Callable[[Difference], bool]]) -> str | None:
    """Return why a difference is all right, None if it is not."""
    return next((reason for reason, fits in allowed.items() if fits(found)), None)


def read(text: str) -> Samples:
    """Return the samples of an exposition."""
    return samples_of(text)


def _comparable(samples: Samples) -> Samples:
    found = {}
    for (name, labels), value in samples.items():
        kept = tuple(pair for pair in labels if pair[0] not in _LABELS_OF_LATER)
        found[name, kept] = _shown(name, dict(labels).get("phase"), value)
    return found


def _shown(name: str, phase: str | None, value: float) -> float:
    if name not in TIMES:
        return value
    return float(value > 0) if phase in ZERO_MATTERS else 1.0
