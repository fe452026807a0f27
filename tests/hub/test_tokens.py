"""What a token opens: one region, as long as the configuration names it, and nothing that shows it."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from support.configs import loaded

from prober.hub.tokens import MAX_TOKEN_CHARACTERS, Access, Tokens

FRA, IAD, NEXT = "0123456789abcdef-fra", "0123456789abcdef-iad", "0123456789abcdef-new"
PROBES = 'probes: [{name: web, tcp: {address: "127.0.0.1:9"}}]\n'


def tokens(fra: str = FRA, iad: str = IAD) -> Tokens:
    text = f"regions: {{fra: {{token: {fra}}}, iad: {{token: {iad}}}, here: {{local: true}}}}\n" + PROBES
    return Tokens(loaded(text).regions)


def opened(found: Access | None) -> str | None:
    return found.region if found is not None else None


def test_a_token_opens_its_region_and_no_other() -> None:
    assert [opened(tokens().find(token)) for token in (FRA, IAD)] == ["fra", "iad"]


@pytest.mark.parametrize(
    "token", ["", " ", FRA[:-1], FRA + "x", FRA.upper(), hashlib.sha256(FRA.encode()).hexdigest(), "\udc80"]
)
def test_what_is_no_token_opens_nothing(token: str) -> None:
    """The hash, which stands in the configuration, is no token either."""
    assert tokens().find(token) is None


def test_a_token_given_as_its_hash_opens_its_region() -> None:
    digest = hashlib.sha256(NEXT.encode()).hexdigest()
    found = Tokens(loaded(f'regions: {{fra: {{token_sha256: "{digest}"}}}}\n' + PROBES).regions)
    assert opened(found.find(NEXT)) == "fra"


def test_while_one_is_replaced_both_open_and_afterwards_only_the_new_one() -> None:
    both, after = tokens(f"[{FRA}, {NEXT}]"), tokens(NEXT)
    access = both.find(FRA)
    assert access is not None
    assert opened(both.find(NEXT)) == "fra"
    assert both.still_opens(access)
    assert after.find(FRA) is None
    assert not after.still_opens(access)


def test_a_token_that_moved_to_another_region_no_longer_opens_the_first() -> None:
    access = tokens().find(FRA)
    assert access is not None
    assert not tokens(NEXT, FRA).still_opens(access)


def test_a_token_of_two_regions_opens_none_and_they_are_named() -> None:
    """No file can say so; should it come to that all the same, nobody is let in by mistake."""
    fra, iad = loaded(f"regions: {{fra: {{token: {FRA}}}, iad: {{token: {IAD}}}}}\n" + PROBES).regions
    found = Tokens((fra, replace(iad, token_sha256=fra.token_sha256 + iad.token_sha256)))
    assert (found.find(FRA), opened(found.find(IAD)), found.ambiguous) == (None, "iad", ["fra", "iad"])


def test_a_token_longer_than_the_limit_is_not_looked_at() -> None:
    at_limit = "x" * MAX_TOKEN_CHARACTERS
    found = tokens(at_limit)
    assert opened(found.find(at_limit)) == "fra"
    assert found.find(at_limit + "y") is None


def test_nothing_that_is_kept_shows_a_token() -> None:
    found = tokens()
    shown = repr((found.find(FRA), found, vars(found)))
    assert FRA not in shown
    assert repr(hashlib.sha256(FRA.encode()).digest()) not in repr(found.find(FRA))
