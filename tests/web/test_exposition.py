"""/metrics over a real connection: which format, which encoding, every byte."""

from __future__ import annotations

import gzip

import pytest
from support.asking import internal
from support.served import Scene, sample

from prober.web.bodies import weight_of
from prober.web.exposition import OPENMETRICS, TEXT, prefers_openmetrics

PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


def scene() -> Scene:
    """Return a scene with a large text and a small OpenMetrics exposition."""
    made = sample()
    made.exposition = {False: [b"probe_success 1\n" * 100] * 500, True: [b"a 1\n", b"# EOF\n"]}
    return made


async def test_text_is_the_default() -> None:
    async with internal(scene()) as api:
        heard = await api.ask("/metrics")
    assert (heard.status, heard.headers["Content-Type"]) == (200, TEXT)
    assert heard.body == b"probe_success 1\n" * 50_000


async def test_prometheus_gets_openmetrics() -> None:
    async with internal(scene()) as api:
        heard = await api.ask("/metrics", Accept=PROMETHEUS)
    assert (heard.headers["Content-Type"], heard.body) == (OPENMETRICS, b"a 1\n# EOF\n")


async def test_gzip_when_it_is_accepted() -> None:
    async with internal(scene()) as api:
        heard = await api.ask("/metrics", Accept_Encoding="gzip")
    assert heard.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(heard.body) == b"probe_success 1\n" * 50_000


async def test_a_head_has_no_body() -> None:
    async with internal(scene()) as api:
        heard = await api.ask("/metrics", "HEAD")
    assert (heard.status, heard.headers["Content-Length"], heard.body) == (200, str(16 * 50_000), b"")


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", False),
        ("*/*", False),
        ("text/plain", False),
        ("application/openmetrics-text", True),
        ("application/openmetrics-text;q=0.4, text/plain;q=0.5", False),
        ("application/openmetrics-text;q=0.5, text/plain;q=0.5", True),
        ("application/openmetrics-text;q=0, */*", False),
        (PROMETHEUS, True),
    ],
)
def test_the_format_is_the_one_the_reader_weighs_higher(accept: str, expected: bool) -> None:
    assert prefers_openmetrics(accept) is expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("gzip", 1.0),
        ("gzip;q=0", 0.0),
        ("br, gzip;q=0.5", 0.5),
        ("gzip;q=x", 0.0),
        ("GZIP;Q=9", 1.0),
        ("br", 0.0),
    ],
)
def test_weights_are_read_leniently_and_bounded(header: str, expected: float) -> None:
    assert weight_of(header, ("gzip",)) == expected
