"""TLS of the target: certificates that are right or wrong in one real way, chosen by server name and fault."""

from __future__ import annotations

import ssl
import warnings
from pathlib import Path

from bench.detection.faults import Asked, Board
from bench.detection.names import ZONE
from support.certs import Term, certificates

EXPIRED_DAYS, EXPIRING_DAYS = 30, 5


class Secure:
    """Server contexts for one board. `ca_file` is what probes trust."""

    def __init__(self, board: Board) -> None:
        self._board = board
        made = certificates()
        names = (f"*.{ZONE}",)
        leaves = {
            "expired": made.root.issue(*names, term=Term(start_days=-120, end_days=-EXPIRED_DAYS)),
            "expiring": made.root.issue(*names, term=Term(start_days=-85, end_days=EXPIRING_DAYS)),
            "self-signed": made.self_signed_for(*names),
            "other-host": made.root.issue("elsewhere.test"),
        }
        good = made.root.issue(*names)
        self.ca_file: Path = made.ca_file
        self._contexts = {name: leaf.server_context() for name, leaf in leaves.items()}
        self._good = good.server_context()
        self._good.sni_callback = self._choose
        self._old = good.server_context()
        with warnings.catch_warnings():  # old on purpose
            warnings.simplefilter("ignore", DeprecationWarning)
            self._old.minimum_version = self._old.maximum_version = ssl.TLSVersion.TLSv1_1
        self._old.set_ciphers("DEFAULT@SECLEVEL=0")

    def context(self) -> ssl.SSLContext:
        """Return the context for a port that many hosts share; the certificate goes by the server name."""
        return self._good

    def context_of(self, host: str) -> ssl.SSLContext:
        """Return the context for a port of one host: the versions of TLS are settled before the name is known."""
        return self._old if self._board.fault(host, Asked(), "old-tls") else self._good

    def _choose(self, connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
        fault = self._board.fault(name or "", Asked(), "certificate")
        if fault is not None:
            connection.context = self._contexts[fault.settings["kind"]]
