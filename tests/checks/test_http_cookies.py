"""Cookies travel within a run, where they belong and nowhere else, in bounded number and size."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import http_answers as answers
from support.http_checks import codes, look
from support.http_peer import http_peer

from checks.core.http_cookies import MAX_COOKIE, MAX_COOKIES, MAX_HEADER, Jar, read_cookie
from checks.core.http_request import Message, build_hop
from checks.core.http_response import Response
from checks.core.http_url import parse_url

NOW_S = 1_800_000_000.0
HOME = "https://www.shop.test/a/b?q=1"


def _jar(*cookies: str, url: str = HOME) -> Jar:
    response = Response(body_limit=0, keep_body=False)
    response.headers = [(b"set-cookie", cookie.encode("latin-1")) for cookie in cookies]
    jar = Jar()
    jar.keep(parse_url(url), response)
    return jar


def _sent(cookie: str, to: str, url: str = HOME) -> bool:
    return bool(_jar(cookie, url=url).header(parse_url(to)))


@pytest.mark.parametrize(
    ("cookie", "to", "sent"),
    [
        ("a=1", "https://www.shop.test/a/b", True), ("a=1", "https://www.shop.test/a/", True),
        ("a=1", "https://www.shop.test/a", True), ("a=1", "https://www.shop.test/ab", False),
        ("a=1", "https://www.shop.test/", False), ("a=1", "https://www.shop.test:8443/a/x", True),
        ("a=1", "http://www.shop.test/a/x", True), ("a=1; Secure", "http://www.shop.test/a/x", False),
        ("a=1; Secure", "https://www.shop.test/a/x", True), ("a=1; Path=/", "https://www.shop.test/", True),
        ("a=1; Path=/c", "https://www.shop.test/c?x", True), ("a=1; Path=/c", "https://www.shop.test/cd", False),
        ("a=1; Path=c", "https://www.shop.test/c", False),
        ("a=1; Path=/", "https://shop.test/", False), ("a=1; Path=/", "https://x.www.shop.test/", False),
        ("a=1; Path=/; Domain=shop.test", "https://shop.test/", True),
        ("a=1; Path=/; Domain=.SHOP.test", "https://other.shop.test/", True),
        ("a=1; Path=/; Domain=shop.test", "https://myshop.test/", False),
        ("a=1; Path=/; Domain=www.shop.test", "https://x.www.shop.test/", True),
        ("a=1; Path=/; Domain=test", "https://www.shop.test/", False),
        ("a=1; Path=/; Domain=else.test", "https://else.test/", False),
        ("a=1; Path=/; Domain=else.test", "https://www.shop.test/", False),
        ("a=1; Path=/; Domain=", "https://www.shop.test/", True),
        ("a=1; Path=/; Max-Age=1", "https://www.shop.test/", True),
        ("a=1; Path=/; Max-Age=0", "https://www.shop.test/", False),
        ("a=1; Path=/; Max-Age=-5", "https://www.shop.test/", False),
        ("a=1; Path=/; Max-Age=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "https://www.shop.test/", False),
        ("a=1; Path=/; Max-Age=9; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "https://www.shop.test/", True),
        ("a=1; Path=/; Expires=Fri, 01 Jan 2999 00:00:00 GMT", "https://www.shop.test/", True),
        ("a=1; Path=/; Expires=never", "https://www.shop.test/", True),
        ("__Host-a=1; Path=/; Secure", "https://www.shop.test/", True),
        ("__Host-a=1; Path=/", "https://www.shop.test/", False),
        ("__Secure-a=1; Path=/", "https://www.shop.test/", False),
        ("=1; Path=/", "https://www.shop.test/", False), ("a; Path=/", "https://www.shop.test/", False),
        ("a=; Path=/", "https://www.shop.test/", True), ("a=\x01; Path=/", "https://www.shop.test/", False),
    ],
)  # fmt: skip
def test_a_cookie_goes_where_it_belongs(cookie: str, to: str, sent: bool) -> None:
    assert _sent(cookie, to) is sent


@pytest.mark.parametrize(
    ("cookie", "to", "sent"),
    [
        ("a=1", "http://127.0.0.1/", True), ("a=1", "http://127.0.0.2/", False),
        ("a=1; Domain=0.0.1", "http://9.0.0.1/", False),
        ("a=1; Domain=127.0.0.1", "http://127.0.0.1/", True), ("a=1; Secure", "https://127.0.0.1/", False),
    ],
)  # fmt: skip
def test_addresses_have_no_hosts_below_and_plain_http_sets_nothing_secure(
    cookie: str, to: str, sent: bool
) -> None:
    assert _sent(cookie, to, url="http://127.0.0.1/") is sent


def test_a_later_one_takes_the_place_of_an_earlier_one_and_longer_paths_go_first() -> None:
    jar = _jar("a=1; Path=/", "b=2; Path=/a", "a=3; Path=/", "c=4; Path=/", "c=; Path=/; Max-Age=0")
    assert jar.header(parse_url(HOME)) == "b=2; a=3"


def test_given_cookies_stay_unless_the_target_sets_one_of_that_name() -> None:
    home = parse_url(HOME)
    hop = build_hop(home, Message(private=(("Cookie", "mine=1; a=old"),)), home)
    changed = _jar("a=new").added(hop)
    assert ("Cookie", "mine=1; a=new") in changed.headers
    assert b"\r\nCookie: mine=1; a=new\r\n" in changed.data


def test_number_and_sizes_are_bounded() -> None:
    assert _sent("a=" + "x" * (MAX_COOKIE - 1), HOME)
    assert not _sent("a=" + "x" * MAX_COOKIE, HOME)
    many = _jar(*(f"c{number}=1" for number in range(MAX_COOKIES + 1))).header(parse_url(HOME))
    assert many.count("=") == MAX_COOKIES
    large = _jar(*(f"c{number}=" + "x" * 4000 for number in range(10))).header(parse_url(HOME))
    assert (large.count("=") == 4, len(large) <= MAX_HEADER) == (True, True)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.text('a=;, \t"Domain.Path/MxAgEpires-0123456789GMT\xff\x00', max_size=80)
    | st.binary(max_size=60).map(bytes.hex)
)
def test_whatever_is_set_nothing_raises(text: str) -> None:
    url = parse_url(HOME)
    read = read_cookie(text.encode("latin-1"), url, NOW_S)
    assert read is None or read[0].domain in ("www.shop.test", "shop.test")


LOGIN = answers.plain(
    b"",
    status=302,
    headers=[("Location", "/in"), ("Set-Cookie", "sid=s3cret; Path=/"), ("Set-Cookie", "x=y")],
)


async def test_a_login_by_redirect_works_and_can_be_switched_off() -> None:
    async with http_peer({"/": LOGIN, "/in": answers.plain()}) as peer:
        assert codes(await look(peer.url(), headers={"Cookie": "mine=1"})) == []
        assert codes(await look(peer.url(), cookies=False)) == []
    assert [request.header("cookie") for request in peer.requests] == [
        "mine=1",
        "mine=1; sid=s3cret; x=y",
        None,
        None,
    ]


async def test_cookies_are_forgotten_with_the_run() -> None:
    async with http_peer({"/": LOGIN, "/in": answers.plain()}) as peer:
        await look(peer.url())
        await look(peer.url("/in"))
    assert peer.requests[2].header("cookie") is None


async def test_another_site_gets_none() -> None:
    async with http_peer({"/": answers.plain()}) as other:
        away = [("Location", f"http://elsewhere.test:{other.port}/"), ("Set-Cookie", "sid=1; Path=/")]
        async with http_peer({"/": answers.plain(b"", status=302, headers=away)}) as peer:
            assert codes(await look(peer.url(host="peer.test"))) == []
    assert other.requests[0].header("cookie") is None


async def test_cookies_gather_over_several_hops() -> None:
    first = answers.plain(b"", status=302, headers=[("Location", "/2"), ("Set-Cookie", "a=1")])
    second = answers.plain(b"", status=307, headers=[("Location", "/3"), ("Set-Cookie", "b=2")])
    third = answers.plain(b"", status=303, headers=[("Location", "/4"), ("Set-Cookie", "a=; Max-Age=0")])
    async with http_peer({"/": first, "/2": second, "/3": third, "/4": answers.plain()}) as peer:
        result = await look(peer.url())
    assert [request.header("cookie") for request in peer.requests] == [None, "a=1", "a=1; b=2", "b=2"]
    assert [hop["url"] for hop in result.facts["hops"]] == [
        peer.url(path) for path in ("/", "/2", "/3", "/4")
    ]
