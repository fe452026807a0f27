"""Where results are kept. `open_store` chooses the implementation by the URL's scheme; the contract is `base.py`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .base import Store, StoreError
from .sqlite import SqliteStore


def _sqlite(rest: str) -> Store:
    if not rest.startswith("/") or rest.endswith("/") or rest == "/:memory:":
        raise StoreError(
            "a store.url of sqlite names a file (hint: sqlite:///relative.db or sqlite:////absolute.db)"
        )
    return SqliteStore(Path(rest[1:]))


# Scheme to what is made of the rest of the URL. A new kind of store is a file beside this one and a line here.
_KINDS: dict[str, Callable[[str], Store]] = {"sqlite": _sqlite}


def open_store(url: str) -> Store:
    """Return the store of a URL, not yet opened; raises `StoreError` for one that names none."""
    scheme, separator, rest = url.partition("://")
    make = _KINDS.get(scheme)
    if not separator or make is None:
        raise StoreError(
            f"store.url has no known kind of store: {scheme!r} (hint: {', '.join(_KINDS)}, as in sqlite:///prober.db)"
        )
    return make(rest)
