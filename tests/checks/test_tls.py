"""The tls check against real servers: what is in a chain, and how grave each oddity is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from OpenSSL import SSL
from pydantic import ValidationError
from support.certs import certificates
from support.looks import BRIEF, Setting, codes, look
from support.tcp_peer import (
    Behaviour,
    close_at_once,
    garbage,
    silence,
    tcp_peer,
)
from support.tls_checks import HOSTS, LEAF, MIDDLE, ROOT, USUAL, check, see
from support.tls_peer import Signed, leaf_of, short_key, showing

from checks.core.certificates import CertificateFacts
from checks.core.chain import problems_of, strength_bits
from checks.core.result import Outcome
from checks.tls import TlsCheck, TlsCheckOptions


@pytest.fixture(scope="module")
def root_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ROOT.file(tmp_path_factory.mktemp("root"))


async def test_a_good_chain_passes_and_every_certificate_is_told(root_file: Path) -> None:
    result = await see(showing(LEAF, MIDDLE), root_file)
    assert (result.outcome, result.failures) == (Outcome.PASS, ())
    assert list(result.phases_us) == ["resolve", "connect", "tls"]
    chain: Any = result.facts["chain"]
    assert [each["subject"] for each in chain] == ["CN=peer.test", "CN=middle"]
    assert [each["issuer"] for each in chain] == ["CN=middle", "CN=root"]
    assert [(each["key_type"], each["key_bits"]) for each in chain] == [("EC", 256)] * 2
    assert [each["signature"] for each in chain] == ["ecdsa_with_sha256"] * 2
    assert [each["days"] for each in chain] == [365, 3000]
    assert result.facts["chain_problems"] == []
    assert result.facts["staple"] == {"status": "absent"}


# --- the chain ----------------------------------------------------------------------------------------------


async def test_a_missing_intermediate_fails_as_incomplete(root_file: Path) -> None:
    result = await see(showing(LEAF), root_file)
    assert result.outcome is Outcome.FAIL
    assert codes(result) == ["tls_untrusted", "tls_chain"]
    assert result.facts["chain_problems"] == ["incomplete"]
    assert 'the issuer "CN=middle" is not sent' in result.failures[1].detail


async def test_a_wrong_order_warns(root_file: Path) -> None:
    upper = Signed("upper", ROOT)
    lower = Signed("lower", upper)
    leaf = leaf_of(lower)
    good = await see(showing(leaf, lower, upper), root_file)
    mixed = await see(showing(leaf, upper, lower), root_file)
    strict = await see(showing(leaf, upper, lower), root_file, expect={"chain": "strict"})
    ignored = await see(showing(leaf, upper, lower), root_file, expect={"chain": "any"})
    assert (good.outcome, good.facts["chain_problems"]) == (Outcome.PASS, [])
    assert (mixed.outcome, codes(mixed)) == (Outcome.WARN, ["tls_chain"])
    assert (strict.outcome, codes(strict)) == (Outcome.FAIL, ["tls_chain"])
    assert (ignored.outcome, ignored.facts["chain_problems"]) == (Outcome.PASS, ["order"])


async def test_what_is_of_no_use_is_noted_and_fails_only_if_strict(root_file: Path) -> None:
    stray = Signed("stray")
    result = await see(showing(LEAF, MIDDLE, ROOT, stray), root_file)
    strict = await see(showing(LEAF, MIDDLE, ROOT, stray), root_file, expect={"chain": "strict"})
    assert result.outcome is Outcome.PASS
    assert result.facts["chain_problems"] == ["unneeded", "root_sent"]
    assert codes(strict) == ["tls_chain", "tls_chain"]


async def test_an_expired_intermediate_on_the_path_fails(root_file: Path) -> None:
    old = Signed("old", ROOT, end_days=-5)
    result = await see(showing(leaf_of(old), old), root_file)
    assert codes(result) == ["tls_expired", "tls_expiring"]
    assert "certificate 1 of the chain" in result.failures[0].detail


async def test_an_expired_certificate_that_the_path_does_without_warns(root_file: Path) -> None:
    """The same authority was signed anew; the old certificate is still sent behind it."""
    old = Signed("middle", ROOT, end_days=-5, key=MIDDLE.key)
    result = await see(showing(LEAF, MIDDLE, old), root_file, expect={"certificate_days": 0})
    assert result.outcome is Outcome.WARN
    assert codes(result) == ["tls_expiring", "tls_chain"]
    assert result.facts["chain_problems"] == ["expired", "unneeded"]


@pytest.mark.parametrize(("days", "outcome"), [(9, Outcome.PASS), (10, Outcome.PASS), (11, Outcome.WARN)])
async def test_the_first_certificate_to_end_decides_the_days(
    root_file: Path, days: int, outcome: Outcome
) -> None:
    ending = Signed("ending", ROOT, end_days=10)
    result = await see(showing(leaf_of(ending), ending), root_file, expect={"certificate_days": days})
    assert result.outcome is outcome
    assert codes(result) == ([] if outcome is Outcome.PASS else ["tls_expiring"])


# --- trust, names, keys, versions ---------------------------------------------------------------------------


async def test_the_chain_is_read_whatever_is_wrong_with_it(root_file: Path) -> None:
    server = certificates().expired.server_context()
    async with tcp_peer(silence, tls=server) as peer:
        expired = await look(check(peer, certificates().ca_file), USUAL)
        foreign = await look(check(peer, root_file), USUAL)
        blind = await look(check(peer, root_file, verify=False), USUAL)
    assert codes(expired)[0] == "tls_expired"
    assert "tls_untrusted" in codes(foreign)
    assert (blind.outcome, codes(blind)) == (Outcome.WARN, ["tls_expiring"])
    assert all(len(result.facts["chain"]) == 1 for result in (expired, foreign, blind))  # type: ignore[arg-type]


async def test_another_name_and_a_self_signed_certificate_fail(root_file: Path) -> None:
    assert codes(await see(showing(LEAF, MIDDLE), root_file, server_name="shop.test")) == ["tls_hostname"]
    assert "tls_self_signed" in codes(
        await see(showing(Signed("peer.test", names=("peer.test",))), root_file)
    )


async def test_a_short_key_fails(root_file: Path) -> None:
    weak = leaf_of(MIDDLE, key=short_key())
    result = await see(showing(weak, MIDDLE), root_file)
    allowed = await see(showing(weak, MIDDLE), root_file, expect={"key_bits": 1024})
    strong = await see(showing(LEAF, MIDDLE), root_file, expect={"key_bits": 3073})
    assert set(codes(result)) == {"tls_key"}
    assert "RSA 1024" in result.failures[-1].detail
    assert allowed.expectations[1].held
    assert codes(strong) == ["tls_key", "tls_key"]
    assert "key of certificate 1" in strong.failures[1].detail


async def test_an_old_version_fails_with_the_certificate_read(root_file: Path) -> None:
    old = showing(LEAF, MIDDLE, newest=SSL.TLS1_2_VERSION)
    assert (await see(old, root_file)).outcome is Outcome.PASS
    assert (await see(old, root_file, expect={"version": "1.2"})).outcome is Outcome.PASS
    judged = await see(old, root_file, expect={"version": "1.3"})
    refused = await see(old, root_file, min_version="1.3")
    assert (codes(judged), "certificate" in judged.facts) == (["tls_version"], True)
    assert codes(refused)[0] in {"tls_version", "tls_alert"}


async def test_a_version_that_is_old_and_let_in_is_a_warning(root_file: Path) -> None:
    old = showing(LEAF, MIDDLE, newest=SSL.TLS1_2_VERSION)
    warned = await see(old, root_file, expect={"warn_version": "1.3"})
    assert (warned.outcome, codes(warned)) == (Outcome.WARN, ["tls_version"])
    assert (await see(old, root_file, expect={"warn_version": "1.2"})).outcome is Outcome.PASS
    both = await see(old, root_file, expect={"version": "1.3", "warn_version": "1.3"})
    assert (both.outcome, codes(both)) == (Outcome.FAIL, ["tls_version"])


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (garbage(), {"tls_handshake"}),
        (close_at_once, {"tls_closed", "connection_reset"}),
        (silence, {"tls_timeout"}),
    ],
)
async def test_what_is_no_tls_has_its_code(root_file: Path, behaviour: Behaviour, code: set[str]) -> None:
    (seen,) = codes(await see(behaviour, root_file, Setting(timeout_us=BRIEF.timeout_us, resolver=HOSTS)))
    assert seen in code


# --- options, and whatever comes ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "target"),
    [
        ({"address": "shop.example"}, "shop.example:443"),
        ({"address": "mail.example", "starttls": "smtp"}, "mail.example:25"),
        ({"address": "[2001:db8::1]:993"}, "[2001:db8::1]:993"),
    ],
)
def test_the_port_has_a_default(options: dict[str, Any], target: str) -> None:
    assert TlsCheck(TlsCheckOptions.model_validate(options)).target == target
    assert TlsCheck.options_from_url("tls://shop.example/") == {"address": "shop.example"}


@pytest.mark.parametrize(
    "options",
    [{"address": "a b"}, {"address": "a", "starttls": "gopher"}, {"address": "a", "ip": "ip4", "source_address": "::1"},
     {"address": "a", "min_version": "1.3", "max_version": "1.2"}],
)  # fmt: skip
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TlsCheckOptions.model_validate(options)


def facts(**changes: Any) -> CertificateFacts:
    usual: dict[str, Any] = {
        "subject": "CN=a", "issuer": "CN=b", "sans": (), "not_before": 0, "not_after": 10**10, "serial": "1",
        "sha256": "", "key_type": "RSA", "key_bits": 2048, "signature": "rsa_with_sha256",
    }  # fmt: skip
    return CertificateFacts(**(usual | changes))


def test_a_forgeable_signature_is_found_except_on_a_root() -> None:
    root = facts(subject="CN=b", signature="rsa_with_sha1")
    weak = facts(signature="rsa_with_sha1")
    assert [each.name for each in problems_of([facts(), root], 0, False, True)] == ["root_sent"]
    found = problems_of([weak, root], 0, False, True)
    assert [(each.name, each.grave) for each in found] == [("weak_signature", "fail"), ("root_sent", "note")]


@pytest.mark.parametrize(
    ("key", "bits", "strength"),
    [("RSA", 2048, 2048), ("EC", 224, 2048), ("EC", 255, 2048), ("EC", 256, 3072), ("EC", 384, 7680),
     ("EC", 521, 15360),     ("EC", 159, 0), ("Ed25519PublicKey", 0, 3072), ("", 0, 0)],
)  # fmt: skip
def test_keys_are_compared_by_strength(key: str, bits: int, strength: int) -> None:
    assert strength_bits(facts(key_type=key, key_bits=bits)) == strength
