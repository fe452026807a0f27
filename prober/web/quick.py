"""Imports aiohttp for our listeners, without what only its client needs. Whoever imports `aiohttp` imports this first.

On import aiohttp reads the machine's authorities for its client: 60 ms of every start and 2 MB. We have no such
client; one that comes must bring its own TLS context, for aiohttp's trusts nobody.
"""

from __future__ import annotations

import os

_FILE, _FOLDER = "SSL_CERT_FILE", "SSL_CERT_DIR"


def _import_quickly() -> None:
    given = {name: os.environ.get(name) for name in (_FILE, _FOLDER)}
    os.environ[_FILE] = os.environ[_FOLDER] = os.devnull
    try:
        import aiohttp  # noqa: F401
    finally:
        for name, value in given.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


_import_quickly()
