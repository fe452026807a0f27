"""Where jobs call, on both listeners: what a path means, what is answered, and what nobody gets to see."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st
from support.served import sample
from yarl import URL

from prober.hub.heartbeats import Caller
from prober.hub.rhythm import Verb
from prober.site import public_app
from prober.web import internal_app
from prober.web.listener import serve
from prober.web.ping import CALLS, GUESSES, MAX_BODY_BYTES, Said, read_path

TOKEN = "backup-token-0123456789"
LISTENERS = pytest.mark.parametrize("make", [internal_app, public_app])


@dataclass(slots=True)
class Desk:
    """Knows one job and notes what it calls."""

    methods: tuple[str, ...] = ("GET", "HEAD", "POST")
    works: bool = True
    heard: list[tuple[Verb, int | None, str]] = field(default_factory=list)

    def find(self, token: str) -> Caller | None:
        return Caller(probe="backup", methods=self.methods, token=TOKEN) if token == TOKEN else None

    async def take(self, caller: Caller, verb: Verb, exit_code: int | None, output: str) -> bool:
        if output == "break":
            raise RuntimeError(f"something about {TOKEN}")
        self.heard.append((verb, exit_code, output))
        return self.works

    def refused(self) -> None: ...


@dataclass(slots=True)
class Job:
    """Calls by HTTP; returns status and text."""

    session: aiohttp.ClientSession
    url: str
    desk: Desk

    async def call(self, path: str, method: str = "GET", data: bytes | None = None) -> tuple[int, str]:
        async with self.session.request(method, f"{self.url}ping/{path}", data=data) as answer:
            return answer.status, await answer.text()


@contextlib.asynccontextmanager
async def job(make, desk: Desk | None = None) -> AsyncIterator[Job]:
    desk = desk or Desk()
    app: web.Application = make(replace(sample().served(), desk=desk))
    listener = await serve(app, "127.0.0.1", 0)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield Job(session, listener.url, desk)
    await listener.close()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/ping/abc", Said("abc", Verb.SUCCESS)),
        ("/ping/abc/", Said("abc", Verb.SUCCESS)),
        ("/ping/abc/start", Said("abc", Verb.START)),
        ("/ping/abc/fail", Said("abc", Verb.FAIL)),
        ("/ping/abc/0", Said("abc", Verb.SUCCESS, 0)),
        ("/ping/abc/1", Said("abc", Verb.FAIL, 1)),
        ("/ping/abc/255", Said("abc", Verb.FAIL, 255)),
        ("/ping/abc/256", None),
        ("/ping/abc/-1", None),
        ("/ping/abc/success", None),
        ("/ping/abc/start/now", None),
        ("/ping/", None),
        ("/ping/" + "a" * 128, Said("a" * 128, Verb.SUCCESS)),
        ("/ping/" + "a" * 129, None),
    ],
)
def test_a_path_says_who_calls_and_what_it_means(path: str, said: Said | None) -> None:
    assert read_path(path) == said


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_any_path_is_read_without_a_fault(text: str) -> None:
    said = read_path(f"/ping/{text}")
    assert said is None or said.exit_code is None or 0 <= said.exit_code <= 255


@LISTENERS
async def test_a_known_job_is_answered_ok_by_any_method(make) -> None:
    async with job(make) as backup:
        assert await backup.call(TOKEN) == (200, "ok")
        assert await backup.call(TOKEN, "HEAD") == (200, "")
        assert await backup.call(f"{TOKEN}/3", "POST", b"disk full") == (200, "ok")
        assert backup.desk.heard == [
            (Verb.SUCCESS, None, ""),
            (Verb.SUCCESS, None, ""),
            (Verb.FAIL, 3, "disk full"),
        ]


@LISTENERS
@pytest.mark.parametrize(
    "path", ["nobody-0123456789abcd", f"{TOKEN}x", f"{TOKEN}/nothing", f"{TOKEN}/256", ""]
)
async def test_what_is_not_known_is_not_found_and_told_nothing(make, path: str) -> None:
    async with job(make) as backup:
        for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
            assert await backup.call(path, method) == (404, "not found")
        assert backup.desk.heard == []


@LISTENERS
async def test_a_method_that_is_not_wanted_does_not_count(make) -> None:
    async with job(make, Desk(methods=("POST",))) as backup:
        assert (await backup.call(TOKEN))[0] == 405
        assert (await backup.call(TOKEN, "PUT"))[0] == 405
        assert await backup.call(TOKEN, "POST") == (200, "ok")
        assert len(backup.desk.heard) == 1


@LISTENERS
@pytest.mark.parametrize("size", [MAX_BODY_BYTES, MAX_BODY_BYTES + 1, 50 * MAX_BODY_BYTES])
async def test_a_body_of_any_size_counts_and_its_beginning_is_kept(make, size: int) -> None:
    async with job(make) as backup:
        assert await backup.call(TOKEN, "POST", b"x" * size) == (200, "ok")
        assert backup.desk.heard == [(Verb.SUCCESS, None, "x" * min(size, MAX_BODY_BYTES))]


@LISTENERS
async def test_bytes_that_are_no_text_are_taken_as_such(make) -> None:
    async with job(make) as backup:
        assert (await backup.call(TOKEN, "POST", b"\xff\xfe"))[0] == 200
        assert backup.desk.heard[0][2] == "\ufffd\ufffd"


@LISTENERS
async def test_a_call_that_is_not_on_record_is_not_answered_ok(make) -> None:
    async with job(make, Desk(works=False)) as backup:
        assert (await backup.call(TOKEN))[0] == 503


@LISTENERS
async def test_a_fault_of_ours_shows_no_token(make, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with job(make) as backup:
        status, text = await backup.call(TOKEN, "POST", b"break")
    assert status == 500
    assert TOKEN not in text + caplog.text


@LISTENERS
@pytest.mark.parametrize(
    "rest", [" HTTP/9.9 x", " HTTP/1.1\r\nbroken header", " HTTP/1.1\r\nContent-Length: x"]
)
async def test_a_request_that_cannot_be_read_leaves_no_token_in_the_log(
    make, rest: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with job(make) as backup:
        port = URL(backup.url).port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"POST /ping/{TOKEN}{rest}\r\n\r\n".encode())
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
    assert b" 400 " in answer.partition(b"\r\n")[0]
    assert TOKEN not in caplog.text


@LISTENERS
async def test_who_guesses_is_held_up_and_who_knows_is_not(make) -> None:
    async with job(make) as backup:
        answers = [(await backup.call(f"guess-{number:020}"))[0] for number in range(GUESSES.burst + 10)]
        assert answers[: GUESSES.burst] == [404] * GUESSES.burst
        assert 429 in answers[GUESSES.burst :]
        assert await backup.call(TOKEN) == (200, "ok")


async def test_a_job_that_calls_without_end_is_held_up() -> None:
    async with job(internal_app) as backup:
        answers = [(await backup.call(TOKEN))[0] for _ in range(CALLS.burst + 20)]
        assert set(answers[: CALLS.burst]) == {200}
        assert 429 in answers


async def test_nobody_calls_where_there_is_no_desk() -> None:
    listener = await serve(internal_app(sample().served()), "127.0.0.1", 0)
    async with aiohttp.ClientSession() as session, session.get(f"{listener.url}ping/{TOKEN}") as answer:
        assert answer.status == 404
    await listener.close()
