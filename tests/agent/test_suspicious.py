"""Which results a dead network could bring about, and which show that the network works."""

from __future__ import annotations

import pytest
from support.suspects import failing, passing

from checks.core.failures import Code
from checks.core.result import Outcome, Result
from prober.agent.suspicion import SILENT_CODES, is_suspicious, proven_reach


@pytest.mark.parametrize("code", sorted(SILENT_CODES))
def test_silence_is_suspicious(code: Code) -> None:
    assert is_suspicious(failing(code))


@pytest.mark.parametrize(
    "code",
    [
        Code.CONNECT_REFUSED, Code.CONNECT_RESET, Code.CONNECTION_CLOSED, Code.CONNECTION_RESET, Code.TLS_CLOSED,
        Code.TLS_EXPIRED, Code.HTTP_STATUS, Code.BODY_MISMATCH, Code.DNS_SERVFAIL, Code.DNS_NXDOMAIN,
        Code.DIALOGUE_CLOSED, Code.TOO_SLOW, Code.RESOLVE_INVALID, Code.CONNECT_ACCEPTED, Code.PROXY_REFUSED,
    ],
)  # fmt: skip
def test_an_answer_is_not(code: Code) -> None:
    assert not is_suspicious(failing(code))


def test_one_answer_among_the_silence_is_enough_to_trust_a_failure() -> None:
    assert is_suspicious(failing(Code.CONNECT_TIMEOUT, Code.RESOLVE_TIMEOUT))
    assert not is_suspicious(failing(Code.CONNECT_TIMEOUT, Code.HTTP_STATUS))


def test_a_warning_beside_it_changes_nothing() -> None:
    assert is_suspicious(failing(Code.TIMEOUT_HEADERS, Code.TLS_EXPIRING))
    assert not is_suspicious(failing(Code.TLS_EXPIRING, Code.SLOW))


@pytest.mark.parametrize("outcome", [Outcome.PASS, Outcome.WARN, Outcome.VOID])
def test_only_failures_are(outcome: Outcome) -> None:
    assert not is_suspicious(failing(Code.CONNECT_TIMEOUT, outcome=outcome))


@pytest.mark.parametrize(
    ("result", "reach"),
    [
        (passing("127.0.0.1"), 1),
        (passing("::1"), 1),
        (passing("192.168.1.1"), 2),
        (passing("fe80::1"), 2),
        (passing("100.64.0.1"), 2),
        (passing("8.8.8.8"), 3),
        (passing("2606:4700:4700::1111"), 3),
        (passing(None, server="8.8.8.8:53"), 3),
        (passing(None, server="[2606:4700:4700::1111]:5353"), 3),
        (failing(Code.SLOW, outcome=Outcome.WARN), 3),
        (passing(None), 0),
        (passing("somewhere"), 0),
        (passing("8.8.8.8", state="closed"), 0),
        (passing("8.8.8.8", state="refused"), 3),
        (failing(Code.HTTP_STATUS), 0),
        (failing(Code.AGENT_STALLED, outcome=Outcome.VOID), 0),
    ],
)
def test_a_pass_proves_the_network_as_far_as_it_went(result: Result, reach: int) -> None:
    assert proven_reach(result) == reach
