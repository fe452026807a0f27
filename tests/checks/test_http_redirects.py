"""Redirects are followed by the rules, counted, bounded, and never carry secrets to another origin."""

from __future__ import annotations

import pytest
from support import http_answers as answers
from support.certs import certificates
from support.http_checks import codes, look
from support.http_peer import http_peer


@pytest.mark.parametrize(("hops", "expected"), [(0, []), (10, []), (11, ["http_redirect_limit"])])
async def test_ten_redirects_are_followed_and_no_more(hops: int, expected: list[str]) -> None:
    async with http_peer(answers.redirect_chain(hops)) as peer:
        result = await look(peer.url("/hop0"))
    assert codes(result) == expected
    assert (result.facts["redirects"], len(peer.requests)) == (min(hops, 10), min(hops, 10) + 1)
    assert result.facts["final_url"] == peer.url(f"/hop{min(hops, 10)}")


@pytest.mark.parametrize(("limit", "expected"), [(0, ["http_redirect_limit"]), (1, [])])
async def test_the_limit_is_exact(limit: int, expected: list[str]) -> None:
    async with http_peer(answers.redirect_chain(1)) as peer:
        assert codes(await look(peer.url("/hop0"), redirects={"limit": limit})) == expected


async def test_a_loop_ends() -> None:
    async with http_peer({"/": answers.redirect("/")}) as peer:
        assert codes(await look(peer.url())) == ["http_redirect_limit"]


async def test_without_following_the_redirect_is_the_answer() -> None:
    async with http_peer({"/": answers.redirect("/next")}) as peer:
        assert codes(await look(peer.url(), redirects=False)) == ["http_status"]
        assert codes(await look(peer.url(), redirects={"follow": False}, expect={"status": 302})) == []
        assert len(peer.requests) == 2


async def test_a_forbidden_redirect_fails_and_names_where_it_leads() -> None:
    async with http_peer({"/": answers.redirect("http://other.test/login?token=abc")}) as peer:
        result = await look(peer.url(), redirects={"forbid": True})
    assert [(each.code, each.detail) for each in result.failures] == [
        ("http_redirect_forbidden", "redirected (302) to http://other.test/login?token=...")
    ]


async def test_a_redirect_status_without_a_location_is_an_answer() -> None:
    async with http_peer({"/": answers.plain(status=302)}) as peer:
        assert codes(await look(peer.url())) == ["http_status"]


@pytest.mark.parametrize(
    "location",
    ["ftp://x.test/", "http://", "http://x:99999/", "http://x:0/", "http://[::1/", "http://ex ample/",
     "javascript:alert(1)", "http://" + "x" * 64 + ".test/", "http://..", "/\x01", "/" + "x" * 8192, "http://[fe80::1%eth0]/"],
)  # fmt: skip
async def test_a_location_that_cannot_be_followed(location: str) -> None:
    async with http_peer({"/": answers.redirect(location)}) as peer:
        result = await look(peer.url())
    expected = "http_malformed" if "\x01" in location else "http_redirect_invalid"
    assert (result.outcome, codes(result)) == ("fail", [expected])


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("next", "/a/next"), ("/next", "/next"), ("?q=1", "/a/b?q=1"), ("../up", "/up"), ("//HOST/x#part", "/x"),
        ("http://user:word@HOST/x", "/x"), ("/s p\u00e9", "/s%20p%C3%A9"), ("/%7e%zz", "/%7e%zz"),
    ],
)  # fmt: skip
async def test_locations_are_read_as_browsers_do(location: str, target: str) -> None:
    async with http_peer({}) as peer:
        peer.routes["/a/b"] = answers.redirect(location.replace("HOST", peer.address))
        await look(peer.url("/a/b"))
    assert peer.requests[-1].target == target
    assert peer.requests[-1].header("authorization") is None


@pytest.mark.parametrize(
    ("status", "method", "then", "body"),
    [
        (301, "POST", "GET", b""), (302, "POST", "GET", b""), (303, "POST", "GET", b""),
        (307, "POST", "POST", b"data"), (308, "POST", "POST", b"data"), (301, "PUT", "PUT", b"data"),
        (303, "PUT", "GET", b""), (303, "HEAD", "HEAD", None),
        (302, "HEAD", "HEAD", None),
    ],
)  # fmt: skip
async def test_method_and_body_change_by_status(
    status: int, method: str, then: str, body: bytes | None
) -> None:
    async with http_peer({"/": answers.redirect("/next", status=status), "/next": answers.plain()}) as peer:
        given = {} if body is None else {"body": "data", "headers": {"Content-Type": "text/plain"}}
        assert codes(await look(peer.url(), method=method, **given)) == []
    seen = peer.requests[1]
    assert (seen.method, seen.body) == (then, body or b"")
    assert (seen.header("content-type") is None) == (not body)


SECRETS = {
    "auth": {"bearer": "t0ken"},
    "headers": {"Cookie": "c=1", "X-Api-Key": "k", "X-Plain": "p", "Host": "shop.test"},
}


async def test_secrets_stay_with_their_origin() -> None:
    async with http_peer({"/": answers.plain()}) as other, http_peer({"/here": answers.plain()}) as peer:
        peer.routes["/home"] = answers.redirect(peer.url("/here"))
        peer.routes["/away"] = answers.redirect(other.url())
        await look(peer.url("/home"), **SECRETS)
        await look(peer.url("/away"), **SECRETS)
    sent = {
        "authorization": "Bearer t0ken",
        "cookie": "c=1",
        "x-api-key": "k",
        "x-plain": "p",
        "host": "shop.test",
    }
    assert {name: peer.requests[1].header(name) for name in sent} == sent
    kept = {"authorization": None, "cookie": None, "x-api-key": None, "x-plain": "p", "host": other.address}
    assert {name: other.requests[0].header(name) for name in kept} == kept


async def test_secrets_come_back_to_their_origin() -> None:
    async with http_peer({}) as other, http_peer({"/end": answers.plain()}) as peer:
        peer.routes["/"] = answers.redirect(other.url())
        other.routes["/"] = answers.redirect(peer.url("/end"))
        await look(peer.url(), **SECRETS)
    assert peer.requests[1].header("authorization") == "Bearer t0ken"


async def test_phases_are_summed_over_the_hops() -> None:
    routes = {"/": answers.delayed(15_000, answers.redirect("/next")), "/next": answers.delayed(15_000)}
    async with http_peer(routes) as peer:
        result = await look(peer.url())
    assert result.phases_us["wait"] >= 29_800
    assert result.duration_us == sum(result.phases_us.values())


async def test_the_body_of_a_redirect_is_not_read() -> None:
    head = answers.head(302, [("Location", "/next"), ("Content-Length", "1000000000")])
    async with http_peer({"/": answers.hang(head), "/next": answers.plain()}) as peer:
        assert codes(await look(peer.url())) == []


async def test_a_way_from_https_to_http_is_noted_and_each_host_has_its_own_certificate() -> None:
    made = certificates()
    tls = {"ca_file": str(made.ca_file)}
    async with http_peer({"/": answers.plain()}) as plain:
        async with http_peer({"/": answers.redirect(plain.url())}, tls=made.valid.server_context()) as peer:
            result = await look(peer.url(), tls=tls)
            assert (codes(result), result.facts["downgraded"]) == ([], True)
        async with http_peer({"/": answers.plain()}, tls=made.wrong_host.server_context()) as other:
            start = answers.redirect(other.url(host="elsewhere.test"))
            async with http_peer({"/": start}, tls=made.valid.server_context()) as peer:
                tls["server_name"] = "peer.test"
                result = await look(peer.url(), tls=tls)
    assert (codes(result), "downgraded" in result.facts) == ([], False)
