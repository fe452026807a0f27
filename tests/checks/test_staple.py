"""OCSP staples: which are believed, and what follows."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.looks import codes
from support.tls_checks import LEAF, MIDDLE, ROOT, see
from support.tls_peer import Signed, leaf_of, ocsp_signer, showing, staple

from checks.core.result import Outcome
from checks.core.staple import read_staple


@pytest.fixture(scope="module")
def root_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ROOT.file(tmp_path_factory.mktemp("root"))


# --- staples ------------------------------------------------------------------------------------------------


async def test_a_good_staple_passes(root_file: Path) -> None:
    result = await see(
        showing(LEAF, MIDDLE, response=staple(LEAF, MIDDLE)), root_file, expect={"staple": "required"}
    )
    assert result.failures == ()
    fact: Any = result.facts["staple"]
    assert fact["status"] == "good"
    assert fact["this_update"] < fact["next_update"]


async def test_an_entrusted_signer_is_believed_and_no_other() -> None:
    at = LEAF.certificate.not_valid_after_utc.timestamp() - 364 * 86_400
    for entrusted, status in ((True, "good"), (False, "invalid")):
        signer = ocsp_signer(MIDDLE, entrusted=entrusted)
        said = staple(LEAF, MIDDLE, signer=signer, carried=signer)
        assert read_staple(said, LEAF.certificate, MIDDLE.certificate, at).status == status


async def test_a_revoked_certificate_fails(root_file: Path) -> None:
    revoked = showing(LEAF, MIDDLE, response=staple(LEAF, MIDDLE, revoked=True))
    result = await see(revoked, root_file)
    ignored = await see(revoked, root_file, expect={"staple": "any"})
    assert codes(result) == ["tls_revoked"]
    assert (ignored.outcome, ignored.facts["staple"]["status"]) == (Outcome.PASS, "revoked")  # type: ignore[index,call-overload]


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (staple(LEAF, MIDDLE, days=-1), "expired"),
        (staple(LEAF, MIDDLE, signer=ROOT), "not signed by"),
        (b"\x30\x03\x0a\x01\x06", "answered unauthorized"),
    ],
)
async def test_a_staple_that_is_no_good_warns_and_fails_if_required(
    root_file: Path, response: bytes, words: str
) -> None:
    result = await see(showing(LEAF, MIDDLE, response=response), root_file)
    required = await see(showing(LEAF, MIDDLE, response=response), root_file, expect={"staple": "required"})
    assert (result.outcome, codes(result)) == (Outcome.WARN, ["tls_staple"])
    assert (required.outcome, codes(required)) == (Outcome.FAIL, ["tls_staple"])
    assert words in required.failures[0].detail


@pytest.mark.parametrize(
    ("response", "issuer", "words"),
    [
        (staple(leaf_of(MIDDLE), MIDDLE), MIDDLE, "another certificate"),
        (staple(LEAF, MIDDLE), None, "issuer is not known"),
        (staple(LEAF, MIDDLE, days=4000), ROOT, "not signed by"),
        (b"nonsense", MIDDLE, "cannot be read"),
    ],
)
def test_a_staple_that_no_server_here_would_send(response: bytes, issuer: Signed | None, words: str) -> None:
    now_s = LEAF.certificate.not_valid_after_utc.timestamp() - 365 * 86_400
    read = read_staple(response, LEAF.certificate, issuer.certificate if issuer else None, now_s)
    assert read.status == "invalid"
    assert words in read.words


@pytest.mark.parametrize(("seconds", "status"), [(-301, "invalid"), (-299, "good")])
def test_a_staple_from_the_future_is_no_good_but_clocks_may_differ(seconds: int, status: str) -> None:
    response = staple(LEAF, MIDDLE)
    made = read_staple(response, LEAF.certificate, MIDDLE.certificate, time.time()).this_update
    assert made is not None
    assert read_staple(response, LEAF.certificate, MIDDLE.certificate, made + seconds).status == status


async def test_a_missing_staple_fails_where_it_is_required_or_promised(root_file: Path) -> None:
    required = await see(showing(LEAF, MIDDLE), root_file, expect={"staple": "required"})
    promised = await see(showing(leaf_of(MIDDLE, must_staple=True), MIDDLE), root_file)
    assert codes(required) == ["tls_staple"]
    assert codes(promised) == ["tls_staple"]
    assert "as the certificate demands" in promised.failures[0].detail


@settings(max_examples=200, deadline=None, derandomize=True)
@given(data=st.binary(max_size=200), cut=st.integers(0, 400))
def test_no_staple_raises(data: bytes, cut: int) -> None:
    good = staple(LEAF, MIDDLE)
    for said in (data, good[:cut], good[:cut] + data):
        read_staple(said, LEAF.certificate, MIDDLE.certificate, 0)
