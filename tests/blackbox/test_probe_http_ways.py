"""The http prober's ways to a target: TLS, versions, addresses, proxies, tokens."""

from __future__ import annotations

import os

import pytest
from support import http2_peer as http2
from support import http3_peer as http3
from support.blackbox_probes import Ran, gate_of, module, run_probe
from support.certs import Leaf, by_server_name, certificates
from support.http_answers import echo, json_body, plain, redirect
from support.http_peer import http_peer
from support.http_proxy import http_proxy

from checks.core.resolver_config import ResolverConfig

CA = {"ca_file": str(certificates().ca_file)}
UNVERIFIED = -62135596800
NAMES = ResolverConfig(
    servers=(),
    hosts={
        "localhost": ("127.0.0.1",), "peer.test": ("127.0.0.1",), "elsewhere.test": ("127.0.0.1",),
        "six.test": ("::1",), "both.test": ("127.0.0.1", "::1"),
    },
)  # fmt: skip


async def fetched(leaf: Leaf, host: str = "localhost", **options: object) -> Ran:
    """Run a module against a server with this certificate."""
    async with http_peer({"/": plain()}, tls=leaf.server_context()) as peer:
        return await run_probe(module("http", **options), peer.url(host=host), resolver=NAMES)


# --- TLS --------------------------------------------------------------------------------------------------


async def test_a_trusted_certificate_is_shown() -> None:
    leaf = certificates().valid
    ran = await fetched(leaf, tls_config=CA, fail_if_not_ssl=True)
    expiry = int(leaf.certificate.not_valid_after_utc.timestamp())
    assert ran.success
    assert ran.value("probe_http_ssl") == 1
    assert ran.value("probe_ssl_earliest_cert_expiry") == expiry
    assert ran.value("probe_ssl_last_chain_expiry_timestamp_seconds") == expiry
    assert ran.value("probe_tls_version_info", version="TLS 1.3") == 1
    assert ran.labels("probe_tls_cipher_info")[0]["cipher"].startswith("TLS_")
    (about,) = ran.labels("probe_ssl_last_chain_info")
    assert about["subjectalternative"] == "localhost,peer.test"
    assert about["issuer"] == "CN=Prober test root"


async def test_an_untrusted_certificate_fails_with_nothing_of_tls() -> None:
    ran = await fetched(certificates().foreign, tls_config=CA)
    assert not ran.success
    assert ran.value("probe_http_ssl") == ran.value("probe_http_status_code") == 0
    assert not any(name.startswith(("probe_ssl", "probe_tls")) for name, _ in ran.samples)
    assert ran.value("probe_http_duration_seconds", phase="tls") == 0
    assert ran.value("probe_http_duration_seconds", phase="connect") == 0


async def test_an_unverified_certificate_succeeds_without_a_chain() -> None:
    ran = await fetched(certificates().self_signed, tls_config={"insecure_skip_verify": True})
    assert ran.success
    assert ran.value("probe_ssl_last_chain_expiry_timestamp_seconds") == UNVERIFIED
    assert ran.value("probe_ssl_earliest_cert_expiry") > 0


async def test_tls_options_mean_nothing_for_plain_http() -> None:
    async with http_peer({"/": plain()}) as peer:
        options = {"ca_file": "/nowhere", "server_name": "x"}
        assert (await run_probe(module("http", tls_config=options), peer.url())).success


@pytest.mark.parametrize(("host", "right"), [("elsewhere.test", True), ("localhost", False)])
async def test_the_targets_name_is_verified_though_an_address_is_dialled(host: str, right: bool) -> None:
    assert (await fetched(certificates().wrong_host, host, tls_config=CA)).success is right


@pytest.mark.parametrize("options", [
    {"tls_config": {**CA, "server_name": "elsewhere.test"}},
    {"tls_config": CA, "headers": {"Host": "elsewhere.test"}},
])  # fmt: skip
async def test_the_server_name_is_the_modules_or_that_of_the_host_header(options: dict[str, object]) -> None:
    assert (await fetched(certificates().wrong_host, "127.0.0.1", **options)).success


async def test_the_callers_hostname_is_the_server_name() -> None:
    async with http_peer({"/": plain()}, tls=certificates().wrong_host.server_context()) as peer:
        ran = await run_probe(module("http", tls_config=CA), peer.url(), hostname="elsewhere.test")
        assert ran.success


async def test_a_redirect_to_another_host_has_another_server_name() -> None:
    asked: list[str | None] = []
    context = by_server_name(certificates().foreign, {"elsewhere.test": certificates().wrong_host}, asked)
    async with http_peer({"/": plain()}, tls=context) as other:
        routes = {"/": redirect(other.url(host="elsewhere.test"))}
        async with http_peer(routes, tls=certificates().valid.server_context()) as peer:
            ran = await run_probe(module("http", tls_config=CA), peer.url(host="peer.test"), resolver=NAMES)
    assert ran.success
    assert asked == ["elsewhere.test"]
    assert ran.labels("probe_ssl_last_chain_info")[0]["subjectalternative"] == "elsewhere.test"


async def test_only_the_last_hop_counts_for_tls() -> None:
    async with http_peer({"/": plain()}) as other:
        routes = {"/": redirect(other.url())}
        async with http_peer(routes, tls=certificates().valid.server_context()) as peer:
            for options, right in (({"fail_if_ssl": True}, True), ({"fail_if_not_ssl": True}, False)):
                ran = await run_probe(module("http", tls_config=CA, **options), peer.url())
                assert ran.success is right
                assert ran.value("probe_http_ssl") == 0
                assert not ran.has("probe_ssl_earliest_cert_expiry")


async def test_a_client_certificate_is_shown_to_the_server() -> None:
    client = certificates().client
    context = certificates().valid.server_context(client_ca=certificates().ca_file)
    async with http_peer({"/": plain()}, tls=context) as peer:
        keys = {"cert_file": str(client.chain_file), "key_file": str(client.key_file)}
        assert (await run_probe(module("http", tls_config={**CA, **keys}), peer.url())).success
        assert not (await run_probe(module("http", tls_config=CA), peer.url())).success


async def test_certificates_may_stand_in_the_module_itself() -> None:
    text = certificates().ca_file.read_text()
    assert (await fetched(certificates().valid, tls_config={"ca": text})).success


def test_certificates_of_modules_hold_descriptors_no_longer_than_their_modules() -> None:
    open_before = len(os.listdir("/proc/self/fd"))
    config = module("http", tls_config={"ca": "one"}).http.tls_config
    assert config.file_of("one").read_text() == "one"
    assert config.file_of("one") == config.file_of("one")
    for number in range(300):
        text = f"ca {number}"
        other = module("http", tls_config={"ca": text}).http.tls_config
        assert other.file_of(text).read_text() == text
    assert config.file_of("one").read_text() == "one"
    del config, other
    assert len(os.listdir("/proc/self/fd")) == open_before


@pytest.mark.parametrize(
    ("limits", "right"),
    [({"max_version": "TLS12"}, True), ({"min_version": "TLS13"}, False), ({"min_version": "TLS12"}, True)],
)
async def test_versions_are_limited(limits: dict[str, str], right: bool) -> None:
    import ssl

    context = certificates().valid.server_context(newest=ssl.TLSVersion.TLSv1_2)
    async with http_peer({"/": plain()}, tls=context) as peer:
        ran = await run_probe(module("http", tls_config={**CA, **limits}), peer.url())
    assert ran.success is right
    if right:
        assert ran.value("probe_tls_version_info", version="TLS 1.2") == 1
        assert ran.labels("probe_tls_cipher_info")[0]["cipher"].startswith("TLS_ECDHE_ECDSA_WITH_AES_")


# --- HTTP/2 -----------------------------------------------------------------------------------------------


async def test_http2_is_spoken_where_both_can() -> None:
    context = certificates().valid.server_context()
    async with http2.http2_peer({"/": http2.plain(b"hello")}, tls=context) as peer:
        ran = await run_probe(module("http", tls_config=CA, valid_http_versions=["HTTP/2.0"]), peer.url())
        assert peer.protocols == ["h2"]
    assert ran.success
    assert ran.value("probe_http_version") == 2
    assert ran.value("probe_http_uncompressed_body_length") == 5


async def test_http2_is_not_offered_where_it_is_off() -> None:
    context = certificates().valid.server_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    async with http_peer({"/": plain()}, tls=context) as peer:
        ran = await run_probe(module("http", tls_config=CA, enable_http2=False), peer.url())
    assert ran.success
    assert ran.value("probe_http_version") == 1.1


HTTP3 = {"enable_http3": True, "enable_http2": False, "tls_config": CA}


@pytest.mark.parametrize(("scheme", "versions", "right"), [
    ("https://", [], True), ("HTTPS://", ["HTTP/3.0"], True), ("http://", [], True), ("", [], False),
    ("https://", ["HTTP/2.0"], False), ("https://", ["HTTP/1.1", "HTTP/3.0"], True),
])  # fmt: skip
async def test_http3_is_spoken_over_https_only(scheme: str, versions: list[str], right: bool) -> None:
    async with http3.http3_peer({"/": http3.plain(b"hello")}, certificates().valid) as peer:
        target = f"{scheme}localhost:{peer.port}/"
        ran = await run_probe(module("http", **HTTP3, valid_http_versions=versions), target, resolver=NAMES)
    assert ran.success is right
    if scheme:
        assert ran.value("probe_http_version") == 3
        assert ran.value("probe_http_ssl") == 1
        assert ran.value("probe_http_uncompressed_body_length") == 5
        assert ran.value("probe_tls_version_info", version="TLS 1.3") == 1
        assert ran.labels("probe_ssl_last_chain_info")[0]["subjectalternative"] == "localhost,peer.test"
        assert ran.value("probe_http_duration_seconds", phase="processing") > 0


async def test_an_untrusted_certificate_fails_over_http3_as_well() -> None:
    async with http3.http3_peer({"/": http3.plain(b"hello")}, certificates().foreign) as peer:
        ran = await run_probe(module("http", **HTTP3), f"https://localhost:{peer.port}/", resolver=NAMES)
    assert not ran.success
    assert not ran.has("probe_ssl_earliest_cert_expiry")


# --- addresses --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "preferred", "fallback", "family"),
    [
        ("both.test", "ip6", True, 6), ("both.test", "ip4", True, 4), ("both.test", "ip4", False, 4),
        ("both.test", "ip6", False, 6), ("peer.test", "ip6", True, 4), ("six.test", "ip4", True, 6),
        ("peer.test", "ip6", False, 0), ("six.test", "ip4", False, 0),
    ],
)  # fmt: skip
async def test_one_address_of_the_preferred_family(
    host: str, preferred: str, fallback: bool, family: int
) -> None:
    options = {"preferred_ip_protocol": preferred, "ip_protocol_fallback": fallback}
    ran = await run_probe(module("http", **options), f"http://{host}:1/", resolver=NAMES)
    assert ran.value("probe_ip_protocol") == family
    assert (ran.value("probe_ip_addr_hash") > 0) is (family > 0)


@pytest.mark.parametrize("fallback", [True, False])
async def test_a_redirect_may_lead_to_the_other_family_whatever_the_rule_of_the_first_hop(
    fallback: bool,
) -> None:
    async with (
        http_peer({"/": plain()}, host="::1") as other,
        http_peer({"/": redirect(f"http://[::1]:{other.port}/")}) as peer,
    ):
        options = {"preferred_ip_protocol": "ip4", "ip_protocol_fallback": fallback}
        ran = await run_probe(module("http", **options), peer.url())
    assert ran.success
    assert ran.value("probe_ip_protocol") == 4  # that of the target itself


async def test_a_relative_redirect_stays_at_the_address_and_keeps_the_host() -> None:
    async with http_peer({"/": redirect("/there"), "/there": plain()}) as peer:
        target = f"http://peer.test:{peer.port}/"
        assert (await run_probe(module("http"), target, resolver=NAMES)).success
        assert {request.header("host") for request in peer.requests} == {f"peer.test:{peer.port}"}


# --- proxies ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("configured", "from_environment", "skip", "resolves"),
    [
        (False, False, False, True), (False, False, True, True), (True, False, False, True),
        (True, False, True, False), (False, True, False, True), (False, True, True, False),
    ],
)  # fmt: skip
async def test_the_lookup_is_left_out_only_where_a_proxy_does_it(
    configured: bool, from_environment: bool, skip: bool, resolves: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with http_peer({"/": plain()}) as peer, http_proxy() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        options: dict[str, object] = {"skip_resolve_phase_with_proxy": skip}
        options |= {"proxy_url": proxy.url} if configured else {}
        options |= {"proxy_from_environment": True} if from_environment else {}
        ran = await run_probe(module("http", **options), peer.url())
    assert ran.success
    phases = [each["phase"] for each in ran.labels("probe_http_duration_seconds")]
    assert ("resolve" in phases) is resolves
    assert ran.has("probe_ip_protocol") is resolves


async def test_a_redirect_by_a_proxy_that_looks_up_has_a_phase_resolve_nevertheless() -> None:
    async with http_peer({"/": redirect("/there"), "/there": plain()}) as peer, http_proxy() as proxy:
        options = {"proxy_url": proxy.url, "skip_resolve_phase_with_proxy": True}
        for follows, has_phase in ((True, True), (False, False)):
            under_test = module("http", follow_redirects=follows, valid_status_codes=[200, 302], **options)
            ran = await run_probe(under_test, peer.url())
            assert ran.success
            phases = [each["phase"] for each in ran.labels("probe_http_duration_seconds")]
            assert ("resolve" in phases) is has_phase


async def test_a_proxy_is_sent_the_address_unless_it_is_to_look_up() -> None:
    async with (
        http_peer({"/": echo()}) as peer,
        http_proxy(routes={f"peer.test:{80}": ("127.0.0.1", 1)}) as proxy,
    ):
        proxy.routes[f"peer.test:{peer.port}"] = ("127.0.0.1", peer.port)
        target = f"http://peer.test:{peer.port}/"
        for skip, host in ((False, "127.0.0.1"), (True, "peer.test")):
            options = {"proxy_url": proxy.url, "skip_resolve_phase_with_proxy": skip}
            assert (await run_probe(module("http", **options), target, resolver=NAMES)).success
            assert proxy.requests[-1].target.startswith(f"http://{host}:{peer.port}/")
            assert proxy.requests[-1].header("host") == f"peer.test:{peer.port}"


async def test_a_tunnel_leads_to_https_and_gets_its_own_headers() -> None:
    async with (
        http_peer({"/": plain()}, tls=certificates().valid.server_context()) as peer,
        http_proxy(credentials="user:pass") as proxy,
    ):
        url = proxy.url.replace("http://", "http://user:pass@")
        options = {"proxy_url": url, "proxy_connect_header": {"X-Proxy": ["mine"]}, "tls_config": CA}
        ran = await run_probe(module("http", **options), peer.url(host="localhost"))
        assert ran.success
        assert proxy.requests[0].header("x-proxy") == "mine"
        assert peer.requests[0].header("x-proxy") is None


async def test_a_refused_address_is_not_asked_for_by_a_proxy_either() -> None:
    async with http_peer({"/": plain()}, host="127.0.0.2") as peer, http_proxy() as proxy:
        refuses = {"127.0.0.2": "private"}.get
        ran = await run_probe(module("http", proxy_url=proxy.url), peer.url(), refuses=refuses)
        assert (ran.sight.void or "").startswith("agent_forbidden")
        assert proxy.requests == []


async def test_hosts_of_no_proxy_are_reached_directly() -> None:
    async with http_peer({"/": plain()}) as peer, http_proxy() as proxy:
        options = {"proxy_url": proxy.url, "no_proxy": "127.0.0.1"}
        assert (await run_probe(module("http", **options), peer.url())).success
        assert proxy.requests == []


async def test_a_proxy_that_looks_names_up_is_not_told_private_addresses() -> None:
    async with http_proxy() as proxy:
        options = {"proxy_url": proxy.url, "skip_resolve_phase_with_proxy": True}
        gate = gate_of("8.8.8.8")
        own = lambda host: None if host == "127.0.0.1" else gate.refuses(host)  # noqa: E731  # where the proxy is
        for target in ("http://169.254.169.254/", "http://2852039166/", "https://10.0.0.1/"):
            ran = await run_probe(module("http", **options), target, refuses=own)
            assert (ran.sight.void or "").startswith("agent_forbidden"), target
        assert proxy.requests == []


async def test_a_configured_private_target_is_reached_directly_where_a_proxy_is_not_for_it() -> None:
    async with http_peer({"/": plain()}) as peer, http_proxy() as proxy:
        options = {"proxy_url": proxy.url, "no_proxy": "peer.test", "skip_resolve_phase_with_proxy": True}
        target = f"http://peer.test:{peer.port}/"
        for configured, right in (("peer.test", True), ("other.test", False)):
            gate = gate_of("peer.test", configured)
            ran = await run_probe(module("http", **options), target, resolver=NAMES, gate=gate)
            assert ran.success is right
        assert len(peer.requests) == 1


# --- OAuth2 -----------------------------------------------------------------------------------------------


async def test_a_token_is_fetched_once_and_sent_with_every_request() -> None:
    routes = {"/token": json_body({"access_token": "t0ken-of-test", "expires_in": 600}), "/": plain()}
    async with http_peer(routes) as peer:
        oauth2 = {"client_id": "me", "client_secret": "secret-of-test", "token_url": peer.url("/token")}
        under_test = module("http", oauth2=oauth2)
        for _ in range(2):
            ran = await run_probe(under_test, peer.url())
            assert ran.success
            assert not ran.said("t0ken")
        asked = [request.header("authorization") for request in peer.requests if request.path == "/"]
        assert asked == ["Bearer t0ken-of-test"] * 2


async def test_a_token_that_is_refused_fails_the_probe() -> None:
    async with http_peer({"/token": plain(b"no", status=400), "/": plain()}) as peer:
        oauth2 = {"client_id": "me", "client_secret": "another", "token_url": peer.url("/token")}
        ran = await run_probe(module("http", oauth2=oauth2), peer.url())
    assert not ran.success
    assert ran.said("oauth_failed")
    phases = [each["phase"] for each in ran.labels("probe_http_duration_seconds")]
    assert phases == ["connect", "processing", "resolve", "tls", "transfer"]


async def test_the_token_server_does_not_use_up_the_exemption_of_a_private_target() -> None:
    """Nor has it one of its own: what the module names is reached under the rules of every address."""
    async with (
        http_peer({"/": plain()}) as peer,
        http_peer(
            {"/token": json_body({"access_token": "t", "expires_in": 600})}, host="127.0.0.2"
        ) as tokens,
    ):
        target = f"http://peer.test:{peer.port}/"
        oauth2 = {"client_id": "me", "client_secret": "third", "token_url": tokens.url("/token")}
        gate = gate_of("peer.test", "peer.test")
        assert (await run_probe(module("http"), target, resolver=NAMES, gate=gate)).success
        gate = gate_of("peer.test", "peer.test")
        ran = await run_probe(module("http", oauth2=oauth2), target, resolver=NAMES, gate=gate)
    assert (ran.sight.void or "").startswith("agent_forbidden: 127.0.0.2")
    assert tokens.requests == []
