"""What a `tls` check demands of certificates, keys, versions and staples, and the judgement of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Literal

from cryptography import x509
from OpenSSL import crypto
from pydantic import Field, StrictInt

from .certificates import UNREADABLE, CertificateFacts, certificate_facts
from .chain import problems_of, strength_bits
from .failures import Code
from .staple import Staple, read_staple
from .thresholds import MAX_CERTIFICATE_DAYS, TimeLimits
from .tls import UNKNOWN_ISSUER, TlsLayer
from .watch import Watch

_NAMES = {"1.0": "TLSv1", "1.1": "TLSv1.1", "1.2": "TLSv1.2", "1.3": "TLSv1.3"}


class TlsExpect(TimeLimits):
    """What the handshake and the certificates must be, and the limits on the time."""

    certificate_days: Annotated[StrictInt, Field(ge=0, le=MAX_CERTIFICATE_DAYS)] = 14
    """A certificate sent, of the target or of an authority, with fewer whole days left gets a warning
    (`tls_expiring`)."""
    key_bits: Annotated[StrictInt, Field(ge=0, le=16384)] = 2048
    """Shortest RSA key allowed in the certificates sent; keys of other kinds count as the RSA key that is as hard
    to break, so 2048 stands for 224 bits on an elliptic curve, 3072 for 256. `tls_key` otherwise."""
    version: Literal["1.0", "1.1", "1.2", "1.3"] | None = None
    """Oldest TLS version that may come out of the handshake (`tls_version`); unlike `min_version` it lets the
    handshake end, so that the certificate is read (default: whatever was agreed on)."""
    warn_version: Literal["1.0", "1.1", "1.2", "1.3"] = "1.2"
    """An older TLS version passes with a warning (`tls_version`); below 1.2, a `min_version` must let it in."""
    chain: Literal["complete", "strict", "any"] = "complete"
    """How the certificates sent are judged: `complete` fails with `tls_chain` where the chain is incomplete or a
    signature can be forged, and warns where certificates are out of order or one that is not needed has expired;
    `strict` also fails for those, and for certificates that are of no use; `any` only notes them."""
    staple: Literal["valid", "required", "any"] = "valid"
    """How an OCSP staple is judged: `valid` fails with `tls_revoked` for a revoked certificate, warns of a staple
    that is no good, and fails where the certificate demands one that is missing; `required` fails for a staple
    that is missing or no good (`tls_staple`); `any` only notes it."""

    def judge_tls(self, watch: Watch, layer: TlsLayer) -> None:
        """Write down what was sent and compare it with what is expected."""
        wires = layer.sent
        sent = [certificate_facts(each) for each in wires]
        if not sent:
            return
        now_s = time.time()
        watch.facts["chain"] = [each.as_chain_fact(now_s) for each in sent]
        self._judge_version(watch)
        self._judge_days(watch, sent, now_s)
        self._judge_keys(watch, sent)
        self._judge_chain(watch, layer, sent, now_s)
        self._judge_staple(watch, sent[0], _staple(layer, wires, now_s))

    def _judge_version(self, watch: Watch) -> None:
        seen = str(watch.facts.get("tls_version"))
        if self.version is not None:
            held = seen >= _NAMES[self.version]
            watch.expect("version", f"TLS {self.version} or newer", seen, held, Code.TLS_VERSION)
            if not held:
                return
        if seen < _NAMES[self.warn_version]:
            watch.prefer("version", f"TLS {self.warn_version} or newer", seen, False, Code.TLS_VERSION)

    def _judge_days(self, watch: Watch, sent: Sequence[CertificateFacts], now_s: float) -> None:
        number, first = min(enumerate(sent), key=lambda each: each[1].not_after)
        days = first.days_left(now_s)
        where = "certificate" if number == 0 else f"certificate {number} of the chain"
        expected, held = f"at least {self.certificate_days} days left", days >= self.certificate_days
        watch.prefer(where, expected, f"{days} days", held, Code.TLS_EXPIRING)

    def _judge_keys(self, watch: Watch, sent: Sequence[CertificateFacts]) -> None:
        for number, each in enumerate(sent):
            held = strength_bits(each) >= self.key_bits
            if held and number:
                continue  # one line for the target's own key is enough when all is well
            what = "key" if number == 0 else f"key of certificate {number}"
            seen = f"{each.key_type or 'unknown kind'} {each.key_bits or ''}".strip()
            watch.expect(what, f"as strong as RSA {self.key_bits}", seen, held, Code.TLS_KEY)

    def _judge_chain(
        self, watch: Watch, layer: TlsLayer, sent: Sequence[CertificateFacts], now_s: float
    ) -> None:
        unknown = bool(layer.problems & UNKNOWN_ISSUER)
        found = problems_of(sent, now_s, unknown, trusted=not layer.problems)
        watch.facts["chain_problems"] = [each.name for each in found]
        if self.chain == "any":
            return
        for each in found:
            if each.grave == "fail" or self.chain == "strict":
                watch.expect("chain", "complete and in order", each.words, False, Code.TLS_CHAIN)
            elif each.grave == "warn":
                watch.prefer("chain", "complete and in order", each.words, False, Code.TLS_CHAIN)

    def _judge_staple(self, watch: Watch, leaf: CertificateFacts, staple: Staple) -> None:
        watch.facts["staple"] = staple.as_fact()
        if self.staple == "any":
            return
        if staple.status == "revoked":
            watch.expect("staple", "good", "revoked", False, Code.TLS_REVOKED)
        elif staple.status == "absent":
            if self.staple == "required" or leaf.must_staple:
                why = "good" if self.staple == "required" else "good, as the certificate demands"
                watch.expect("staple", why, "none", False, Code.TLS_STAPLE)
        else:
            judge = watch.expect if self.staple == "required" or leaf.must_staple else watch.prefer
            seen = staple.words or staple.status
            judge("staple", "good", seen, staple.status == "good", Code.TLS_STAPLE)


def _staple(layer: TlsLayer, wires: list[crypto.X509], now_s: float) -> Staple:
    try:
        leaf = wires[0].to_cryptography()
        return read_staple(layer.staple, leaf, _issuer(leaf, [*layer.path(), *wires[1:]]), now_s)
    except UNREADABLE:
        return Staple(status="invalid" if layer.staple else "absent", words="the certificate cannot be read")


def _issuer(leaf: x509.Certificate, known: list[crypto.X509]) -> x509.Certificate | None:
    for each in known:
        with suppress(*UNREADABLE):
            candidate = each.to_cryptography()
            if candidate.subject == leaf.issuer:
                return candidate
    return None
