"""Keeps a probe's own secrets out of what is told of its runs: a target may well echo what it was sent.

Secrets are the values of secret options and whatever else an options value names by `secret_parts()` (query values of
a URL, an authorization header, what a dialogue sends). Masked are details, expectations and facts.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from pydantic import BaseModel

from .result import Expectation, Fact, Failure, Result
from .values import Secret

SHORTEST = 4  # characters: anything shorter stands in too many innocent texts
MASK = "***"


def secrets_of(value: object) -> tuple[str, ...]:
    """Return the secrets in an options value, the longest first, so that none is left in part."""
    return tuple(sorted({text for text in _parts(value) if len(text) >= SHORTEST}, key=len, reverse=True))


def masked(result: Result, secrets: tuple[str, ...]) -> Result:
    """Return the result without these texts; the very same one when there are none."""
    if not secrets:
        return result
    return msgspec.structs.replace(
        result,
        failures=tuple(Failure(each.code, _text(each.detail, secrets)) for each in result.failures),
        expectations=tuple(
            Expectation(each.what, _text(each.expected, secrets), _text(each.seen, secrets), each.held)
            for each in result.expectations
        ),
        facts={name: _fact(fact, secrets) for name, fact in result.facts.items()},
    )


def _parts(value: object) -> Iterator[str]:
    if isinstance(value, Secret):
        yield value.reveal()
    named = getattr(value, "secret_parts", None)
    if named is not None:
        yield from named()
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _parts(getattr(value, name))
    elif isinstance(value, dict):
        for each in value.values():
            yield from _parts(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _parts(each)


def _text(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        if secret in text:
            text = text.replace(secret, MASK)
    return text


def _fact(fact: Fact, secrets: tuple[str, ...]) -> Fact:
    if isinstance(fact, str):
        return _text(fact, secrets)
    if isinstance(fact, list):
        return [_fact(each, secrets) for each in fact]
    if isinstance(fact, dict):
        return {name: _fact(each, secrets) for name, each in fact.items()}
    return fact
