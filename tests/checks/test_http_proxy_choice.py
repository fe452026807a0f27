"""Which proxy a URL goes through, who looks its name up, and what the proxy alone is told."""

from __future__ import annotations

import pytest
from support import http_answers as answers
from support.certs import certificates
from support.http_checks import check, codes, look
from support.http_peer import http_peer
from support.http_proxy import http_proxy

from checks.core.http_environment import is_excepted, proxy_variables
from checks.core.http_url import parse_url

MADE = certificates()
TRUST = {"ca_file": str(MADE.ca_file)}
VARIABLES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy")


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


async def test_resolved_here_the_proxy_of_http_is_told_the_address() -> None:
    async with http_peer({"/a": answers.plain()}) as peer, http_proxy() as proxy:
        url = f"http://peer.test:{peer.port}/a?q=1"
        result = await look(url, proxy={"url": proxy.url, "resolve": "local"})
    assert codes(result) == []
    assert list(result.phases_us) == ["resolve", "connect", "send", "wait", "transfer"]
    assert proxy.requests[0].target == f"http://127.0.0.1:{peer.port}/a?q=1"
    assert peer.requests[0].header("host") == f"peer.test:{peer.port}"
    assert (result.facts["address"], result.facts["family"]) == ("127.0.0.1", 4)


async def test_the_address_that_is_stated_is_the_one_told_to_the_proxy() -> None:
    async with http_peer({"/": answers.plain()}, host="127.0.0.2") as peer, http_proxy() as proxy:
        result = await look(peer.url(), proxy={"url": proxy.url, "resolve": "local"})
        left = await look(peer.url(), proxy=proxy.url)
    assert (result.facts["address"], left.facts["address"]) == ("127.0.0.2", "127.0.0.1")


async def test_resolved_here_a_tunnel_leads_to_the_address_and_the_name_stays_in_tls() -> None:
    async with (
        http_peer({"/": answers.plain()}, tls=MADE.valid.server_context()) as peer,
        http_proxy() as proxy,
    ):
        options = {"url": proxy.url, "resolve": "local", "connect_headers": {"X-Team": "web"}}
        result = await look(peer.url(host="peer.test"), proxy=options, tls=TRUST)
    assert codes(result) == []
    assert (proxy.requests[0].target, proxy.requests[0].header("x-team")) == (peer.address, "web")
    assert (peer.requests[0].header("host"), peer.requests[0].header("x-team")) == (
        f"peer.test:{peer.port}",
        None,
    )


async def test_a_name_that_does_not_resolve_here_never_gets_to_the_proxy() -> None:
    async with http_proxy() as proxy:
        result = await look("http://nowhere.invalid/", proxy={"url": proxy.url, "resolve": "local"})
    assert (result.outcome, proxy.requests) == ("void", [])  # these tests have no name server at all


async def test_the_family_rule_holds_for_an_address_told_to_the_proxy() -> None:
    async with http_proxy() as proxy:
        options = {"url": proxy.url, "resolve": "local"}
        assert codes(await look("http://peer.test/", proxy=options, ip="ip6")) == ["agent_resolver"]
        assert codes(await look("http://127.0.0.1/", proxy=options, ip="ip6")) == ["resolve_no_address"]
    assert proxy.requests == []


async def test_the_environment_is_read_when_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    async with http_peer({"/": answers.plain()}) as peer, http_proxy(credentials="me:p@ss") as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("//", "//me:p%40ss@"))
        monkeypatch.setenv("NO_PROXY", "other.test, .elsewhere.test")
        options = {"proxy": {"from_environment": True}}
        for host in ("127.0.0.1", "other.test", "elsewhere.test"):
            assert codes(await look(peer.url(host=host), **options)) == []
        assert codes(await look(peer.url())) == []
    assert [request.header("host") for request in proxy.requests] == [peer.address]


async def test_without_variables_the_way_is_direct() -> None:
    async with http_peer({"/": answers.plain()}) as peer:
        result = await look(peer.url(), proxy={"from_environment": True})
    assert (codes(result), "proxy" in result.facts) == ([], False)


async def test_each_hop_of_a_redirect_chooses_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    async with http_peer({"/": answers.plain()}) as last, http_proxy() as proxy:
        start = answers.redirect(f"http://other.test:{last.port}/")
        async with http_peer({"/": start}) as peer:
            monkeypatch.setenv("http_proxy", proxy.url)
            monkeypatch.setenv("no_proxy", "other.test")
            result = await look(peer.url(), proxy={"from_environment": True})
    assert (codes(result), len(proxy.requests), len(last.requests)) == ([], 1, 1)


def test_lower_case_wins_and_a_scheme_may_be_left_out() -> None:
    given = {
        "HTTP_PROXY": "http://a",
        "http_proxy": "b:3128",
        "HTTPS_PROXY": "http://c",
        "NO_PROXY": " x , ,Y ",
    }
    assert proxy_variables(given) == ({"http": "http://b:3128", "https": "http://c"}, ("x", "y"))
    assert proxy_variables({}) == ({}, ())


@pytest.mark.parametrize(
    ("entry", "url", "excepted"),
    [
        ("*", "http://shop.test/", True), ("shop.test", "http://shop.test/", True),
        (".shop.test", "http://shop.test/", True),
        ("shop.test", "http://www.shop.test/", True), ("shop.test", "http://myshop.test/", False),
        ("*.shop.test", "http://www.shop.test/", True), ("shop.test:8080", "http://shop.test:8080/", True),
        ("shop.test:8080", "http://shop.test/", False), ("www.shop.test", "http://shop.test/", False),
        ("10.0.0.0/8", "http://10.1.2.3/", True), ("10.0.0.0/8", "http://11.1.2.3/", False),
        ("10.1.2.3", "http://10.1.2.3/", True),
        ("10.1.2.3:80", "http://10.1.2.3/", True), ("::1", "http://[::1]/", True),
        ("fd00::/8", "http://[fd00::1]/", True),
        ("fd00::/8", "http://shop.test/", False), ("[::1]", "http://[::1]/", True), (".", "http://shop.test/", False),
    ],
)  # fmt: skip
def test_who_goes_without_a_proxy(entry: str, url: str, excepted: bool) -> None:
    assert is_excepted(parse_url(url), (entry,)) is excepted


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "from_environment"), ({"url": "http://p", "from_environment": True}, "from_environment"),
        ({"url": "http://p", "resolve": "nobody"}, "resolve"),
        ({"url": "http://p", "connect_headers": {"A\n": "x"}}, "letters"),
        ({"url": "http://p", "username": "me"}, "go together"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check("http://shop.test/", proxy=options)


def test_a_variable_that_is_no_proxy_is_refused_when_it_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://me:hunter2@proxy.test")
    with pytest.raises(ValueError, match="http://") as caught:
        check("http://shop.test/", proxy={"from_environment": True})
    assert "hunter2" not in str(caught.value)


def test_credentials_of_the_environment_are_masked_and_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:hunter2@proxy.test")
    made = check("https://shop.test/", proxy={"from_environment": True})
    assert "hunter2" in made._secrets
    assert "hunter2" not in repr(made._transport) + repr(made.options) + made.options.model_dump_json()
