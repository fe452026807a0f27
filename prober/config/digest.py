"""The digest of a configuration: equal for equal meaning, different for any change, secrets never readable.

Here: canonical bytes and their hash. Not here: who compares digests.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

from checks.core.values import SecretView

from .config import Config
from .terms import Quorum

_LEFT_OUT = frozenset({"folder", "digest"})


def digest_of(config: Config) -> str:
    """Return the SHA-256 of the configuration's canonical JSON, in hexadecimal."""
    whole = {name: _plain(getattr(config, name)) for name in _fields(Config) if name not in _LEFT_OUT}
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@cache
def _fields(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


def _plain(value: object) -> object:
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, context=SecretView.DIGEST)
    if isinstance(value, Quorum):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: _plain(getattr(value, name)) for name in _fields(type(value))}
    return value
