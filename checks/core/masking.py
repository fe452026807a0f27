"""Keeps a probe's own secrets out of what is told of its runs: a target may well echo what it was sent.

Secrets are the values of secret options and whatever else an options value names by `secret_parts()` (query values of
a URL, an authorization header, what a dialogue sends). Masked are details, expectations and facts.

What is shown is cut, and may begin or end within a secret. So pieces of a secret are masked as well: its beginning
where a text ends or an ellipsis stands, its end behind an opening quote, its middle between the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
from pydantic import BaseModel

from .result import Expectation, Fact, Failure, Result
from .values import Secret
from .watch import MAX_DETAIL

SHORTEST = 4  # characters: anything shorter stands in too many innocent texts
SHORTEST_MIDDLE = 16  # characters of a piece that neither begins nor ends its secret
CUT = 60  # characters: nothing shorter than this is cut without an ellipsis that says so
MASK = "***"
_ENDS = re.compile(r'"?(?:\.\.\.|\.{0,2}\Z)')  # where what is shown ends; the ellipsis may be cut itself


def secrets_of(value: object) -> tuple[str, ...]:
    """Return the secrets in an options value, the longest first, so that none is left in part."""
    return tuple(sorted({text for text in _parts(value) if len(text) >= SHORTEST}, key=len, reverse=True))


def with_learned(known: tuple[str, ...], learned: list[str]) -> tuple[str, ...]:
    """Return a probe's secrets with those that a run has learned, in the order that masking needs."""
    if not learned:
        return known
    return tuple(
        sorted({*known, *(text for text in learned if len(text) >= SHORTEST)}, key=len, reverse=True)
    )


def masked(result: Result, secrets: tuple[str, ...]) -> Result:
    """Return the result without these texts; the very same one when there are none."""
    if not secrets:
        return result
    expectations = tuple(
        Expectation(each.what, _text(each.expected, secrets), _text(each.seen, secrets), each.held)
        for each in result.expectations
    )
    # A failure says what its expectation says, also when both are masked: people are shown one of the two.
    said = dict(zip(map(_said, result.expectations), expectations, strict=True)) if result.failures else {}
    return msgspec.structs.replace(
        result,
        failures=tuple(
            Failure(
                each.code, _said(said[each.detail]) if each.detail in said else _text(each.detail, secrets)
            )
            for each in result.failures
        ),
        expectations=expectations,
        facts={  # texts are the most of them
            name: _text(fact, secrets) if isinstance(fact, str) else _fact(fact, secrets)
            for name, fact in result.facts.items()
        },
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
    if len(text) > SHORTEST and ('"' in text or "..." in text or len(text) >= CUT):
        for secret in secrets:
            for start, end in reversed(_pieces(text, secret)):
                text = text[:start] + MASK + text[end:]
    return text


def _said(each: Expectation) -> str:
    return f"{each.what}: expected {each.expected}, got {each.seen}"[:MAX_DETAIL]


def _pieces(text: str, secret: str) -> list[tuple[int, int]]:
    """Return where pieces of a secret stand at the ends of what is shown, one after the other."""
    has_head, has_tail = secret[:SHORTEST] in text, secret[-SHORTEST:] in text
    may_be_middle = len(secret) > SHORTEST_MIDDLE < len(text) and '"' in text
    if not (has_head or has_tail or may_be_middle):
        return []
    ends = [at.start() for at in _ENDS.finditer(text) if "..." in at[0] or len(text) >= CUT]
    starts = [at.end() for at in re.finditer('"', text)]
    found = [_head(text, secret, end) for end in ends] if has_head else []
    if has_tail:
        found += [_tail(text, secret, start) for start in starts]
    if may_be_middle:
        found += [_middle(text, secret, start, ends) for start in starts]
    return _merged([piece for piece in found if piece is not None])


def _head(text: str, secret: str, end: int) -> tuple[int, int] | None:
    """Return the longest beginning of a secret that ends there."""
    start = text.find(secret[:SHORTEST], max(end - len(secret), 0), end)
    while start >= 0:
        if secret.startswith(text[start:end]):
            return start, end
        start = text.find(secret[:SHORTEST], start + 1, end)
    return None


def _middle(text: str, secret: str, start: int, ends: list[int]) -> tuple[int, int] | None:
    """Return the longest piece of a secret from there to one of the ends, if it is long enough to be no chance."""
    if text[start : start + SHORTEST_MIDDLE] not in secret:
        return None
    fit = (end for end in reversed(ends) if end - start >= SHORTEST_MIDDLE and text[start:end] in secret)
    return next(((start, end) for end in fit), None)


def _tail(text: str, secret: str, start: int) -> tuple[int, int] | None:
    """Return the longest end of a secret that begins there."""
    end = text.rfind(secret[-SHORTEST:], start, start + len(secret))
    while end >= 0:
        if secret.endswith(text[start : end + SHORTEST]):
            return start, end + SHORTEST
        end = text.rfind(secret[-SHORTEST:], start, end + SHORTEST - 1)
    return None


def _merged(pieces: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(pieces):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _fact(fact: Fact, secrets: tuple[str, ...]) -> Fact:
    if isinstance(fact, str):
        return _text(fact, secrets)
    if isinstance(fact, list):
        return [_fact(each, secrets) for each in fact]
    if isinstance(fact, dict):
        return {name: _fact(each, secrets) for name, each in fact.items()}
    return fact
