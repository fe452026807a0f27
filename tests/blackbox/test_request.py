"""How a request of `/probe` is read: the time limit, the target, the hostname, `debug`."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prober.blackbox.modules import read
from prober.blackbox.request import BadRequest, UnknownModule, decoded, limit_us, read_request

SECOND_US = 1_000_000
MODULES = read(
    """
modules:
  http_2xx: {prober: http, timeout: 5s}
  named: {prober: http, http: {headers: {hOst: shop.example}}}
  plain: {prober: tcp}
""",
    "blackbox.yml",
).modules


def limit_s(header: str | None, module_s: float = 0) -> float:
    return limit_us(header, round(module_s * SECOND_US)) / SECOND_US


@pytest.mark.parametrize(
    ("module_s", "header", "expected_s"),
    [
        (0, None, 119.5),
        (0, "", 119.5),
        (0, "0", 119.5),
        (0, "10", 9.5),
        (0, "1.5", 1),
        (5, None, 5),
        (5, "0", 5),
        (5, "10", 5),
        (5, "5.5", 5),
        (5, "5", 4.5),
        (120, "10", 9.5),
        (119.6, None, 119.5),
        (-5, "10", 9.5),
        (0, "1e1", 9.5),
    ],
)
def test_the_shorter_of_module_and_caller_less_the_offset_is_the_limit(
    module_s: float, header: str | None, expected_s: float
) -> None:
    assert limit_s(header, module_s) == expected_s


@pytest.mark.parametrize(
    ("module_s", "header", "expected_s"),
    [(2, "0.3", 0.15), (0, "0.3", 0.15), (0, "0.5", 0.25), (0.1, "0.3", 0.1), (0, "0.6", 0.1)],
)
def test_a_caller_that_gives_less_than_the_offset_is_not_overrun(
    module_s: float, header: str, expected_s: float
) -> None:
    assert limit_s(header, module_s) == expected_s


@settings(derandomize=True, deadline=None)
@given(st.floats(0.002, 1e9), st.floats(-10, 1e6))
def test_our_limit_never_exceeds_the_callers(header_s: float, module_s: float) -> None:
    assert 0 < limit_s(f"{header_s:.6f}", module_s) < round(header_s, 6)


@pytest.mark.parametrize("header", ["x", "1s", "-1", "nan", "inf", "1_0", "0x10", "1e400", " 5", "٥"])
def test_a_header_that_is_no_number_is_refused_as_the_exporter_does(header: str) -> None:
    with pytest.raises(BadRequest) as caught:
        limit_us(header, 0)
    assert caught.value.status == 500


@pytest.mark.parametrize(
    ("given_", "read_as"),
    [
        ("http://shop.example/", "http://shop.example/"),
        ("http%3A%2F%2Fshop.example%2F", "http://shop.example/"),
        ("http://shop.example/?q=a+b", "http://shop.example/?q=a+b"),
        ("http://shop.example/%ff", "http://shop.example/%ff"),
    ],
)
def test_a_target_is_decoded_once_more(given_: str, read_as: str) -> None:
    assert decoded(given_) == read_as


def test_the_module_is_http_2xx_unless_named() -> None:
    asked = read_request({"target": "shop.example"}, "10", MODULES)
    assert (asked.module_name, asked.target, asked.timeout_us) == ("http_2xx", "shop.example", 5 * SECOND_US)
    assert not asked.debug


def test_parameters_that_nobody_knows_are_passed_over() -> None:
    asked = read_request({"target": "a", "module": "plain", "debug": "true", "zone": "x"}, None, MODULES)
    assert (asked.module_name, asked.debug) == ("plain", True)


@pytest.mark.parametrize(
    ("query", "header", "status", "words"),
    [
        ({"module": "nope", "target": "a"}, "x", 400, 'unknown module "nope"'),
        ({"module": "http_2xx"}, None, 400, "target parameter is missing"),
        ({"module": "http_2xx"}, "x", 500, "cannot read X-Prometheus"),
        ({"target": "a\r\nb"}, None, 400, "control characters"),
        ({"target": "a" * 8_193}, None, 400, "over 8192 characters"),
        ({"target": "a", "hostname": "x y"}, None, 400, "hostname"),
        ({"target": "a", "hostname": "x\r\nEvil: 1"}, None, 400, "hostname"),
        ({"target": "a", "module": "named", "hostname": "other.example"}, None, 400, "Host header"),
    ],
)
def test_what_cannot_be_served_is_refused(
    query: dict[str, str], header: str | None, status: int, words: str
) -> None:
    with pytest.raises(BadRequest) as caught:
        read_request(query, header, MODULES)
    assert (caught.value.status, words in caught.value.error) == (status, True)
    assert isinstance(caught.value, UnknownModule) is ("nope" in query.values())


def test_a_hostname_that_agrees_with_the_module_is_taken() -> None:
    asked = read_request({"target": "a", "module": "named", "hostname": "shop.example"}, None, MODULES)
    assert asked.hostname == "shop.example"


def test_a_target_of_the_longest_length_is_taken() -> None:
    assert len(read_request({"target": "a" * 8_192}, None, MODULES).target) == 8_192
