"""Reading an exposition back with prometheus-client's parsers, as samples by name and labels."""

from __future__ import annotations

from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from prober.metrics import Exposition

Sample = tuple[str, frozenset[tuple[str, str]]]


def text_of(exposition: Exposition, openmetrics: bool = False) -> str:
    """Return the whole text."""
    return b"".join(exposition.pieces(openmetrics)).decode()


def samples_of(exposition: Exposition, openmetrics: bool = False) -> dict[Sample, float]:
    """Return every sample; fails on one that is there twice."""
    read = read_openmetrics if openmetrics else read_text
    found: dict[Sample, float] = {}
    for family in read(text_of(exposition, openmetrics)):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, f"{key} is there twice"
            found[key] = sample.value
    return found


def value(exposition: Exposition, name: str, **labels: str) -> float | None:
    """Return the value of one sample, None if it is absent."""
    return samples_of(exposition).get((name, frozenset(labels.items())))
