"""Rules about whole records of the three sections of an answer."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from support.dns_checks import ask
from support.dns_peer import NXDOMAIN, records
from support.looks import codes

from checks.core.dns_sections import section_lines
from checks.core.dns_wire import Malformed
from checks.core.result import Outcome
from checks.dns import DnsOptions

TWO = records("203.0.113.7", "203.0.113.8")


@pytest.mark.parametrize(
    ("rules", "good"),
    [
        ({"any": "203.0.113.7$"}, True),
        ({"any": ["nothing", "^shop[.]test[.]\\t60\\tIN\\tA\\t203.0.113.8$"]}, True),
        ({"any": ["nothing", "else"]}, False),
        ({"all": ["[.]7$", "[.]8$"]}, True),
        ({"all": ["[.]7$", "[.]9$"]}, False),
        ({"every": ["\\tA\\t", "203"]}, True),
        ({"every": ["[.]7$"]}, False),
        ({"none": ["[.]9$"]}, True),
        ({"none": ["[.]9$", "[.]8$"]}, False),
        ({"min": 2, "max": 2}, True),
        ({"min": 3}, False),
        ({"max": 1}, False),
    ],
)
async def test_rules_hold_or_not(rules: dict[str, Any], good: bool) -> None:
    result = await ask(TWO, expect={"answer": rules})
    assert codes(result) == ([] if good else ["dns_records"])


async def test_every_needs_a_record_and_none_does_not() -> None:
    every = await ask(TWO, expect={"authority": {"every": "x"}})
    none = await ask(TWO, expect={"authority": {"none": "x"}, "additional": {"max": 0}})
    assert codes(every) == ["dns_records"]
    assert "authority section: expected only matches of /x/, got no records" in every.failures[0].detail
    assert none.outcome is Outcome.PASS


async def test_the_authority_section_is_looked_at() -> None:
    expect = {"rcodes": ["NXDOMAIN"], "authority": {"any": "\\tSOA\\t"}}
    assert (await ask(NXDOMAIN, expect=expect)).outcome is Outcome.PASS


@pytest.mark.parametrize(("wanted", "good"), [(True, True), (False, False)])
async def test_the_offer_of_recursion_can_be_expected(wanted: bool, good: bool) -> None:
    result = await ask(TWO, expect={"recursion_available": wanted})
    assert codes(result) == ([] if good else ["dns_records"])


@pytest.mark.parametrize("rules", [{"any": "("}, {"min": 2, "max": 1}, {"any": [""]}, {"min": -1}, {"x": 1}])
def test_rules_that_make_no_sense_are_refused(rules: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DnsOptions.model_validate({"name": "a", "expect": {"answer": rules}})


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.binary(max_size=120), st.binary(min_size=8, max_size=8))
def test_any_bytes_are_read_or_malformed(tail: bytes, counts: bytes) -> None:
    try:
        lines = section_lines(b"\0\0\x80\0" + counts + tail)
    except Malformed:
        return
    assert set(lines) == {"answer", "authority", "additional"}
