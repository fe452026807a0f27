"""A target that echoes what it was sent does not get a probe's secrets into results."""

from __future__ import annotations

import hashlib

import msgspec
import pytest
from support.http_answers import plain
from support.http_checks import look
from support.http_peer import http_peer

from checks.core.masking import CUT, masked, secrets_of
from checks.core.result import Expectation, Failure, Outcome, Result
from checks.core.watch import MAX_DETAIL
from checks.http import HttpOptions
from checks.tcp import TcpOptions

SECRET = "correct-horse"


TRAVELLING = "YW15OmNvcnJlY3QtaG9yc2U="  # amy:correct-horse


@pytest.mark.parametrize(
    ("options", "echoed"),
    [
        ({"auth": {"bearer": SECRET}}, SECRET),
        ({"auth": {"basic": {"username": "amy", "password": SECRET}}}, SECRET),
        ({"auth": {"basic": {"username": "amy", "password": SECRET}}}, TRAVELLING),
        ({"headers": {"X-Api-Key": SECRET}}, SECRET),
        ({"body": SECRET, "method": "POST"}, SECRET),
        ({}, SECRET),
    ],
    ids=["bearer", "password", "basic", "header", "body", "query"],
)
async def test_an_echoed_secret_is_masked(options: dict[str, object], echoed: str) -> None:
    async with http_peer({"/": plain(f"you sent {echoed}".encode())}) as peer:
        url = peer.url("/") + ("" if options else f"?token={SECRET}&page=2")
        result = await look(url, expect={"body": {"contains": "not there at all"}}, **options)
    assert result.outcome == "fail"
    assert '"you sent ***"' in result.failures[0].detail
    assert echoed not in msgspec.json.encode(result).decode()


def test_what_a_dialogue_sends_is_a_secret_and_so_is_the_credential_as_it_travels() -> None:
    tcp = TcpOptions.model_validate({"address": "a:1", "dialogue": [{"send": f"AUTH {SECRET}\r\n"}]})
    assert secrets_of(tcp) == (f"AUTH {SECRET}",)
    http = HttpOptions.model_validate(
        {"url": "http://a/?k=abcd%20e&s=1", "auth": {"basic": {"username": "amy", "password": SECRET}}}
    )
    assert set(secrets_of(http)) == {SECRET, TRAVELLING, "abcd%20e", "abcd e"}


LONG = "tok-" + hashlib.sha512(b"").hexdigest()[:120]
FILL = "x" * CUT


def shown(text: str, secret: str = LONG) -> str:
    """Return what becomes of a fact."""
    result = Result(outcome=Outcome.PASS, started_us=0, duration_us=0, phases_us={}, facts={"text": text})
    fact = masked(result, (secret,)).facts["text"]
    assert isinstance(fact, str)
    return fact


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f'got "a {LONG[:4]}"...', 'got "a ***"...'), (f'got "a {LONG[:3]}"...', f'got "a {LONG[:3]}"...'),
        (f"got a {LONG[:50]}... (and more)", "got a ***... (and more)"),
        (f'"{LONG[:30]}"..., "{LONG[:40]}"...', '"***"..., "***"...'),
        (f'"x {LONG[:30]}".', None), (f'{FILL} "x {LONG[:30]}".', f'{FILL} "x ***".'),
        (f"{FILL}{LONG[:9]}", f"{FILL}***"), (f"{FILL[7:]}{LONG[:6]}", None),
        (f"{FILL[6:]}{LONG[:6]}", FILL[6:] + "***"),
        (f'got "{LONG[-4:]} there"', 'got "*** there"'), (f'got "{LONG[-3:]} there"', None),
        (f'got "{LONG[30:]}{LONG}"', 'got "******"'), (f"got {LONG[-30:]} there", None),
        (f'{FILL} got "{LONG[30:110]}"', f'{FILL} got "***"'), (f'got "{LONG[30:46]}"...', 'got "***"...'),
        (f'got "{LONG[30:45]}"...', None), (f'got "{LONG[30:46]} there"...', None),
        ('"tok" is no part of it...', None), ("", None),
    ],
)  # fmt: skip
def test_pieces_of_a_secret_are_masked_where_a_text_was_cut(text: str, left: str | None) -> None:
    assert shown(text) == (text if left is None else left)


def test_a_piece_that_could_end_at_two_places_is_masked_in_full() -> None:
    assert shown('got "x abab-abab"...', "abab-abab-abab") == 'got "x ***"...'
    assert shown('got "abab-abab x"', "abab-abab-abab") == 'got "*** x"'


def test_a_failure_says_what_its_expectation_says_however_both_are_cut() -> None:
    seen, wanted = f'"{LONG[:80]}"...', '"' + "w" * (MAX_DETAIL - 120) + '"'
    every = (Expectation("body", wanted, seen, False), Expectation("body", '"a"', f'"{LONG[:9]}', False))
    details = [f"{each.what}: expected {each.expected}, got {each.seen}"[:MAX_DETAIL] for each in every]
    result = Result(
        outcome=Outcome.FAIL, started_us=0, duration_us=0, phases_us={}, expectations=every,
        failures=tuple(Failure("body_mismatch", detail) for detail in (*details, f"{FILL}{LONG[:30]}")),
    )  # fmt: skip
    hidden = masked(result, (LONG,))
    again = [
        f"{each.what}: expected {each.expected}, got {each.seen}"[:MAX_DETAIL] for each in hidden.expectations
    ]
    assert [each.detail for each in hidden.failures] == [*again, f"{FILL}***"]
    assert LONG[:9] not in again[0]


async def test_a_long_secret_that_is_cut_where_it_is_shown_is_masked() -> None:
    async with http_peer({"/": plain(f"{FILL[10:]} you sent {LONG}".encode())}) as peer:
        expect = {"body": {"contains": "not there at all", "absent": [LONG[4:17], LONG[40:53]]}}
        result = await look(peer.url("/"), auth={"bearer": LONG}, expect=expect)
    assert [each.detail.partition(" got ")[2] for each in result.failures] == [
        f'"{FILL[10:]} you sent ***"...',
        '"xxxxxx you sent ***"',
        '"***"',
    ]
