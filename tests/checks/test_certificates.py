"""What is read of certificates: of those with many names, and of those that break the rules of X.509."""

from __future__ import annotations

import time

import pytest
from OpenSSL import crypto
from support.odd_certs import against_the_rules, many_names

from checks.core.certificates import SHOWN_NAMES, certificate_facts, matches_host
from checks.core.tls_expect import _staple


def test_a_host_is_found_among_all_names_however_many() -> None:
    facts = certificate_facts(many_names(SHOWN_NAMES + 60))
    assert matches_host(facts, "host0.test")
    assert matches_host(facts, f"host{SHOWN_NAMES + 59}.test")
    assert not matches_host(facts, f"host{SHOWN_NAMES + 60}.test")


def test_of_many_names_the_first_are_shown() -> None:
    shown = certificate_facts(many_names(SHOWN_NAMES + 1)).as_fact(0)
    assert isinstance(shown, dict)
    assert isinstance(shown["sans"], list)
    assert len(shown["sans"]) == SHOWN_NAMES


@pytest.mark.parametrize(
    "certificate",
    [against_the_rules(version=5), against_the_rules(names_twice=True)],
    ids=["unknown version", "names twice"],
)
def test_a_certificate_against_the_rules_is_no_fault_of_ours(certificate: crypto.X509) -> None:
    facts = certificate_facts(certificate)
    assert facts.sans == ()
    assert not matches_host(facts, "localhost")
    assert facts.days_left(time.time()) in (89, 90)
    assert not facts.must_staple


def test_a_staple_beside_such_a_certificate_is_told_as_unreadable() -> None:
    class Shown:
        """As much of a layer as is asked here."""

        staple = b"x"

        def path(self) -> list[crypto.X509]:
            return [against_the_rules(version=5)]

    for certificate in (against_the_rules(version=5), against_the_rules(names_twice=True)):
        assert _staple(Shown(), [certificate], time.time()).status == "invalid"  # type: ignore[arg-type]
