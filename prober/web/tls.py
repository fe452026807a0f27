"""TLS of a listener of ours: a certificate and its key from files, read anew when they were renewed."""

from __future__ import annotations

import ssl
from pathlib import Path

from .listener import ListenError


class CertificateError(ListenError):
    """The files cannot be used; the text says which, why, and what to try."""


class Certificate:
    """A server's certificate chain and key. `context` stays the same over renewals: new connections use the newest."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """Read both files; raises CertificateError."""
        self._files = certificate, key
        self.context = self._read()

    def renew(self) -> None:
        """Read both files anew; raises CertificateError, and then the ones before stay in use."""
        self._read()  # a pair that does not match would spoil the one in use
        self._load(self.context)

    def _read(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION
        self._load(context)
        return context

    def _load(self, context: ssl.SSLContext) -> None:
        certificate, key = self._files
        for path in self._files:
            try:
                path.open("rb").close()
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
                raise CertificateError(
                    f"cannot read {path}: {reason} (hint: listen.agents names it, relative to the configuration)"
                ) from None
        try:
            context.load_cert_chain(certificate, key, password=_no_password)
        except (ssl.SSLError, OSError, ValueError) as error:
            raise CertificateError(_words(certificate, key, error)) from None


def _no_password() -> str:
    raise ValueError("encrypted")


def _words(certificate: Path, key: Path, error: Exception) -> str:
    reason = getattr(error, "reason", None) or ""
    if isinstance(error, ValueError) and str(error) == "encrypted":
        return f"the key {key} is encrypted (hint: keep it without a passphrase, readable to the daemon only)"
    if "MISMATCH" in reason:
        return f"the key {key} is not that of the certificate {certificate} (hint: was only one of them renewed?)"
    if "TOO_SMALL" in reason or "TOO_WEAK" in reason:
        return f"the certificate {certificate} is too weak to be used: {reason.lower().replace('_', ' ')}"
    hint = "both are PEM; the certificate first, then those that signed it, without the root"
    return f"{certificate} and {key} are not a certificate and its key (hint: {hint})"
