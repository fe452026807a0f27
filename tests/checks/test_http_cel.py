"""Expectations in CEL: what holds, what does not, and that no document and no expression can hang or fill the agent."""

from __future__ import annotations

import asyncio
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support import http_answers as answers
from support.http_checks import PATIENCE_US, RESOLVER, check, codes, look, reactor
from support.http_peer import http_peer

from checks.core import cel
from checks.core.cel import CelRules, Worker, reads_body
from checks.core.check import Place, run_once
from checks.core.http_response import Response
from checks.core.reactor import Reactor
from checks.core.watch import Watch

DOCUMENT = {"status": "ok", "items": [1, 2, 3], "n": 3, "x": 1.5, "u": "é😀", "none": None, "big": 2**70}


@pytest.mark.parametrize(
    ("expression", "held", "seen"),
    [
        ("body.status == 'ok' && size(body.items) > 2", True, "true"),
        ("size(body.items) > 3", False, "false"),
        ("body.gone == 1", False, "an error: there is no 'gone'"),
        ("has(body.gone)", False, "false"),
        ("!has(body.gone)", True, "true"),
        ("body.n", False, "an error: its value is not true or false but of type int"),
        ("body.none", False, "an error: its value is not true or false but of type NoneType"),
        ("body.n / 0 == 1", False, "an error: division by zero in CEL expression"),
        ("body.items[9] == 1", False, "an error: index out of bounds: 9"),
        ("body.n == 3.0 && body.x > 1", True, "true"),
        ("body.items.all(i, i > 0)", True, "true"),
        ("body.u == 'é😀'", True, "true"),
        ("body.big > 5", True, "true"),
        ("status == 200 && headers['content-type'] == 'application/json'", True, "true"),
        ("headers['x-gone'] == 'a'", False, "an error: there is no 'x-gone'"),
        ("'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'.matches('(a+)+$')", False, "false"),
    ],
)
async def test_an_expression_has_to_be_true(expression: str, held: bool, seen: str) -> None:
    async with http_peer({"/": answers.json_body(DOCUMENT)}) as peer:
        result = await look(peer.url(), expect={"cel": expression})
    assert codes(result) == ([] if held else ["expression_mismatch"])
    assert result.expectations[1].seen == seen


async def test_all_expressions_are_judged_and_headers_are_joined() -> None:
    answer = answers.plain(b"no json", headers=[("X-A", "1"), ("x-a", "2")])
    async with http_peer({"/": answer}) as peer:
        result = await look(
            peer.url(), expect={"cel": ["headers['x-a'] == '1, 2'", "status == 1", "status < 300"]}
        )
    assert [each.held for each in result.expectations] == [True, True, False, True]
    assert codes(result) == ["expression_mismatch"]


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"NaN", b"[" * 200_000, b"9" * 5_000, b"\xff\xfe\xff", b'"' + b"x" * 2**21 + b'"'],
)
async def test_a_body_that_is_no_json_is_one_failure(body: bytes) -> None:
    async with http_peer({"/": answers.plain(body)}) as peer:
        result = await look(peer.url(), expect={"cel": ["body.a == 1", "status == 200"]})
        both = await look(peer.url(), expect={"json": {"$.a": 1}, "cel": "body.a == 1"})
    assert (codes(result), codes(both)) == (["json_invalid"], ["json_invalid"])


async def test_a_lone_surrogate_is_an_error_of_the_expression_and_not_of_ours() -> None:
    async with http_peer({"/": answers.plain(b'{"a": "\\ud800", "b": 1}')}) as peer:
        assert codes(await look(peer.url(), expect={"cel": "body.b == 1"})) == ["expression_mismatch"]


BOMBS = [
    "body.all(a, body.all(b, body.all(c, a + b + c >= 0)))",
    "size(body.map(a, body.map(b, body))) > 0",
    "size(body.map(a, body.map(b, [a, b, body]))) > 0",
]


@pytest.mark.parametrize("expression", BOMBS)
async def test_an_expression_that_blows_up_fails_within_its_share_of_time_and_memory(expression: str) -> None:
    async with http_peer({"/": answers.json_body(list(range(5_000)))}) as peer:
        began = time.monotonic()
        result = await look(peer.url(), expect={"cel": ["size(body) == 5000", expression, "status == 200"]})
        assert time.monotonic() - began < PATIENCE_US / 1e6
        after = await look(peer.url(), expect={"cel": "size(body) == 5000"})
    assert (result.outcome, codes(result)) == ("fail", ["expression_mismatch", "expression_mismatch"])
    assert [each.held for each in result.expectations] == [True, True, False, False]
    assert "no end within 1 s" in result.expectations[2].seen
    assert codes(after) == []


async def test_the_agent_measures_on_while_an_expression_blows_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cel, "CPU_S", 0.3)
    async with http_peer({"/bomb": answers.json_body(list(range(5_000))), "/": answers.plain()}) as peer:
        with reactor() as engine:
            place = Place(
                reactor=engine, timeout_us=PATIENCE_US, resolver=RESOLVER, max_lag_ns=PATIENCE_US * 1000
            )
            slow = asyncio.ensure_future(run_once(check(peer.url("/bomb"), expect={"cel": BOMBS[0]}), place))
            runs = 0
            while not slow.done():
                assert codes(await run_once(check(peer.url()), place)) == []
                runs += 1
    assert codes(slow.result()) == ["expression_mismatch"]
    assert runs > 10


async def test_runs_take_their_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cel, "CPU_S", 0.3)
    async with http_peer(
        {"/": answers.json_body(DOCUMENT), "/bomb": answers.json_body(list(range(5_000)))}
    ) as peer:
        with reactor() as engine:
            place = Place(
                reactor=engine, timeout_us=PATIENCE_US, resolver=RESOLVER, max_lag_ns=PATIENCE_US * 1000
            )
            good, bad = (
                check(peer.url(), expect={"cel": "body.n == 3"}),
                check(peer.url("/bomb"), expect={"cel": BOMBS[0]}),
            )
            results = await asyncio.gather(
                *(run_once(each, place) for each in (good, bad, good, good, bad, good))
            )
            assert engine.channels == {}
    assert [codes(each) for each in results] == [
        [],
        ["expression_mismatch"],
        [],
        [],
        ["expression_mismatch"],
        [],
    ]


async def test_a_turn_that_does_not_come_in_time_says_nothing_about_the_target() -> None:
    """One run's share is half of what it has left, so what is not done at its deadline was not the expression."""
    async with http_peer({"/": answers.json_body(DOCUMENT)}) as peer:
        with reactor() as engine:
            cel.WORKER._busy = True
            try:
                place = Place(
                    reactor=engine, timeout_us=300_000, resolver=RESOLVER, max_lag_ns=PATIENCE_US * 1000
                )
                result = await run_once(check(peer.url(), expect={"cel": "body.n == 3"}), place)
            finally:
                cel.WORKER._busy = False
    assert (result.outcome, codes(result)) == ("void", ["agent_stalled"])


async def test_a_run_that_is_cut_short_leaves_no_half_answer_behind() -> None:
    async with http_peer({"/": answers.json_body(list(range(5_000)))}) as peer:
        with reactor() as engine:
            place = Place(
                reactor=engine, timeout_us=PATIENCE_US, resolver=RESOLVER, max_lag_ns=PATIENCE_US * 1000
            )
            run = asyncio.ensure_future(run_once(check(peer.url(), expect={"cel": BOMBS[0]}), place))
            while not cel.WORKER._busy:  # noqa: ASYNC110  # it has no event to wait for
                await asyncio.sleep(0)
            run.cancel()
            await asyncio.wait([run])
            assert engine.channels == {}
        assert not cel.WORKER._busy
        assert codes(await look(peer.url(), expect={"cel": "size(body) == 5000"})) == []


async def test_a_worker_without_the_library_is_our_own_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    cel.WORKER.close()
    monkeypatch.setattr(cel, "WORKER_ARGUMENTS", ("-c", "import sys; sys.exit(3)"))
    async with http_peer({"/": answers.json_body(DOCUMENT)}) as peer:
        result = await look(peer.url(), expect={"cel": "body.n == 3"})
    assert (result.outcome, codes(result)) == ("void", ["agent_unsupported"])


def test_only_an_expression_that_names_the_body_needs_one() -> None:
    assert not reads_body(("status == 200 && headers['body'] == 'x'",))
    assert reads_body(("status == 200", "has(body.a)"))


@contextmanager
def _bench() -> Iterator[tuple[asyncio.AbstractEventLoop, Reactor]]:
    loop = asyncio.new_event_loop()

    async def make() -> Reactor:
        return Reactor(loop)

    engine = loop.run_until_complete(make())
    try:
        yield loop, engine
    finally:
        engine.close()
        loop.close()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda below: st.lists(below) | st.dictionaries(st.text(), below),
    max_leaves=20,
)  # fmt: skip
RULES = CelRules(
    ("body.a == 1", "size(body) > 1 || body == body", "body.all(x, x == 1)", "string(body) == 'x'"), True
)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(JSON.map(json.dumps).map(str.encode) | st.binary(max_size=50))
@example(b'{"a":' * 900 + b"1" + b"}" * 900)
@example(b'{"a": 1e999, "b": -0, "c": "\\ud800\\u0000"}')
def test_any_document_ends_in_verdicts(body: bytes) -> None:
    with _bench() as (loop, engine):
        watch = Watch(Place(reactor=engine, timeout_us=PATIENCE_US))
        response = Response(body_limit=10**6, keep_body=True)
        loop.run_until_complete(engine.run(RULES.judge(watch, response, body)))
        result: Any = watch.result()
    assert result.outcome in ("pass", "fail")
    assert len(result.expectations) == (1 if codes(result) == ["json_invalid"] else 4)
    assert set(codes(result)) <= {"json_invalid", "expression_mismatch"}
    assert all(failure.detail.isprintable() for failure in result.failures)


def test_a_worker_that_was_never_needed_closes_quietly() -> None:
    Worker().close()


AGENT = """
import signal
from checks.core.cel import WORKER
WORKER._connection()
print(WORKER._process.pid, flush=True)
signal.pause()
"""


def test_the_worker_ends_with_an_agent_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", AGENT], stdout=subprocess.PIPE) as agent:
        assert agent.stdout is not None
        worker = os.pidfd_open(int(agent.stdout.readline()))
        try:
            assert select.select([worker], [], [], 0)[0] == []
            agent.kill()
            assert select.select([worker], [], [], 30)[0] == [worker]
        finally:
            os.close(worker)
