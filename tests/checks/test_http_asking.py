"""What differs from run to run: a body read from a file, an id of the request's own."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest
from support import http_answers as answers
from support.http_checks import PATIENCE_US, RESOLVER, check, codes, look, reactor
from support.http_peer import http_peer

from checks.core.check import Place, run_once
from checks.core.http_asking import MAX_BODY_FILE


async def test_the_body_is_what_the_file_holds_at_each_run(tmp_path: Path) -> None:
    file = tmp_path / "body"
    async with http_peer({"/": answers.plain()}) as peer:
        made = check(peer.url(), method="POST", body_file=str(file))
        with reactor() as engine:
            place = Place(
                reactor=engine, timeout_us=PATIENCE_US, resolver=RESOLVER, max_lag_ns=PATIENCE_US * 1000
            )
            for content in (b"\x00one\n", b"two", b""):
                file.write_bytes(content)
                assert codes(await run_once(made, place)) == []
    assert [request.body for request in peer.requests] == [b"\x00one\n", b"two", b""]
    assert peer.requests[1].header("content-length") == "3"


async def test_a_file_that_cannot_be_read_is_our_own_trouble(tmp_path: Path) -> None:
    folder, pipe, long = tmp_path / "folder", tmp_path / "pipe", tmp_path / "long"
    folder.mkdir()
    os.mkfifo(pipe)
    long.write_bytes(bytes(MAX_BODY_FILE + 1))
    async with http_peer({"/": answers.plain()}) as peer:
        results = [
            await look(peer.url(), method="POST", body_file=str(file))
            for file in (tmp_path / "none", folder, pipe, long, folder / "x" / "y")
        ]
    assert {(result.outcome, *codes(result)) for result in results} == {("void", "agent_file")}
    assert results[0].failures[0].detail == f"body_file {tmp_path / 'none'}: no such file or directory"
    assert "longer than 1 MiB" in results[3].failures[0].detail
    assert (peer.connections, results[0].phases_us) == (0, {})


async def test_a_file_may_be_as_long_as_the_limit(tmp_path: Path) -> None:
    file = tmp_path / "body"
    file.write_bytes(bytes(MAX_BODY_FILE))
    async with http_peer({"/": answers.plain()}) as peer:
        assert codes(await look(peer.url(), method="POST", body_file=str(file))) == []
    assert len(peer.requests[0].body) == MAX_BODY_FILE


@pytest.mark.parametrize(("path", "sent"), [("/", "/?once={}"), ("/?a=1", "/?a=1&once={}")])
async def test_each_run_has_an_id_of_its_own_in_the_query(path: str, sent: str) -> None:
    async with http_peer({"/": answers.plain()}) as peer:
        results = [await look(peer.url(path), unique_id={"query": "once"}) for _ in range(2)]
    ids = [str(result.facts["request_id"]) for result in results]
    assert [request.target for request in peer.requests] == [sent.format(each) for each in ids]
    assert len({uuid.UUID(each) for each in ids}) == 2
    assert ids[0] not in str(results[0].facts["final_url"])


async def test_an_id_in_a_header_goes_along_with_redirects_and_one_in_the_query_does_not() -> None:
    routes = {"/": answers.redirect("/end?b=2"), "/end": answers.plain()}
    async with http_peer(routes) as peer:
        result = await look(peer.url(), unique_id={"header": "X-Request-Id", "query": "once"})
    sent = result.facts["request_id"]
    assert [request.header("x-request-id") for request in peer.requests] == [sent, sent]
    assert [request.target for request in peer.requests] == [f"/?once={sent}", "/end?b=2"]


async def test_without_the_option_there_is_no_id() -> None:
    async with http_peer({"/": answers.plain()}) as peer:
        assert "request_id" not in (await look(peer.url())).facts
