"""The module file: what loads and with which defaults, and every way in which a file is no good, to the column."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prober.blackbox.modules import Module, load_modules, read
from prober.blackbox.showing import SECRET, module_yaml, modules_yaml
from prober.config import ConfigError

GOOD = """
modules:
  http_2xx: {prober: http, timeout: 5s}
  web:
    prober: http
    timeout: 1m1.5s
    http:
      valid_status_codes: [200, 301]
      valid_http_versions: ["HTTP/1.1", HTTP/2.0]
      method: POST
      headers: {Host: a.example, Accept-Encoding: "br;q=0, gzip", X-Number: 5, X-Empty: , Authorization: hidden-1}
      http_headers: {X-A: {values: [a, b]}, X-B: {secrets: [hidden-2]}, X-Api-Key: {values: [hidden-11]},
                     X-C: {files: [f.txt]}}
      fail_if_not_ssl: yes
      compression: gzip
      body: "hello"
      body_size_limit: 1MB
      basic_auth: {username: u, password: hidden-3}
      tls_config: {ca_file: ca.pem, cert_file: c.pem, key: hidden-4, min_version: TLS12, max_version: TLS13}
      proxy_url: http://u:hidden-5@proxy.example:3128
      no_proxy: internal.example
      proxy_connect_header: {X: [hidden-6]}
      fail_if_body_matches_regexp: ["a.*b", '^\\s+$']
      fail_if_header_matches: [{header: A, regexp: b, allow_missing: true}]
  oauth:
    prober: http
    http: {oauth2: {client_id: c, client_secret: hidden-7, token_url: "https://id.example/", scopes: [s],
                    endpoint_params: {audience: a, api_key: hidden-8}}}
  ssh:
    prober: tcp
    tcp: {query_response: [{expect: "^SSH-(.*)", send: "x ${1}", labels: [{name: a, value: "${1}"}]}, {starttls: true}]}
  soa:
    prober: dns
    dns: {query_name: example.org, query_type: SOA, transport_protocol: tcp, dns_over_tls: true,
          valid_rcodes: [NOERROR], validate_answer_rrs: {fail_if_not_matches_regexp: ["SOA"]}}
  bare_dns: {prober: dns}
  bare_grpc: {prober: grpc}
  grpc: {prober: grpc, grpc: {service: s, metadata: {k: [v], authorization: [hidden-9]}}}
  ping: {prober: icmp, icmp: {ttl: 255, payload_size: 1000}}
  sock: {prober: unix}
  chat:
    prober: websocket
    websocket: {http_config: {bearer_token: hidden-10}, headers: {Origin: {values: [x]}},
                query_response: [{expect: hi, send: ho}]}
"""


def module(text: str) -> Module:
    return read(f"modules: {{m: {{{text}}}}}", "blackbox.yml").modules["m"]


def faults(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(text, "blackbox.yml")
    return [str(fault) for fault in caught.value.faults]


def test_a_good_file_loads_with_every_module() -> None:
    modules = read(GOOD, "blackbox.yml").modules
    assert len(modules) == 11
    web = modules["web"]
    assert (web.timeout_us, web.http.body_size_limit, web.http.fail_if_not_ssl) == (61_500_000, 2**20, True)
    assert (web.http.headers["X-Number"], web.http.headers["X-Empty"]) == ("5", "")
    assert web.http.http_headers["X-C"].chosen[0] == "files"
    assert modules["ssh"].tcp.query_response[0].send == "x ${1}"


def test_defaults_are_those_of_the_exporter() -> None:
    http = module("prober: http").http
    assert (http.method, http.follow_redirects, http.enable_http2, http.enable_http3) == (
        "GET",
        True,
        True,
        False,
    )
    assert (http.preferred_ip_protocol, http.ip_protocol_fallback, http.body_size_limit) == ("ip6", True, 0)
    dns = module("prober: dns, dns: {query_name: a}").dns
    assert (dns.query_type, dns.query_class, dns.transport_protocol, dns.recursion_desired) == (
        "ANY",
        "IN",
        "udp",
        True,
    )
    assert module("prober: icmp").icmp.ttl == 64
    assert module("prober: http").timeout_us == 0


def test_a_grpc_module_without_a_block_is_ipv6_only() -> None:
    assert not module("prober: grpc").grpc.ip_protocol_fallback
    assert not module("prober: grpc, grpc: ").grpc.ip_protocol_fallback
    assert module("prober: grpc, grpc: {}").grpc.ip_protocol_fallback


def test_a_block_without_a_value_is_no_block() -> None:
    assert module("prober: http, http: ").http == module("prober: http").http
    assert module("prober: dns, dns: ").dns.query_name == ""


@pytest.mark.parametrize(
    ("written", "follows"),
    [
        ("", True),
        ("follow_redirects: false", False),
        ("no_follow_redirects: true", False),
        ("no_follow_redirects: false, follow_redirects: false", True),
        ("no_follow_redirects: true, follow_redirects: true", False),
    ],
)
def test_the_old_key_of_redirects_wins(written: str, follows: bool) -> None:
    assert module(f"prober: http, http: {{{written}}}").http.follow_redirects is follows


@pytest.mark.parametrize(
    ("written", "limit"),
    [("0B", 0), ("10B", 10), ("1KB", 1024), ("1KiB", 1024), ("1.5MB", 1572864), ("1GB1MB", 2**30 + 2**20),
     ("-1MB", 2**63 - 2), ("8EB", 2**63 - 2)],
)  # fmt: skip
def test_sizes_are_powers_of_1024_and_clamped(written: str, limit: int) -> None:
    assert module(f"prober: http, http: {{body_size_limit: {written}}}").http.body_size_limit == limit


@pytest.mark.parametrize(
    ("written", "us"),
    [("5s", 5_000_000), ("1.5s", 1_500_000), ("1h2m", 3_720_000_000), ("-5s", -5_000_000), ("'0'", 0)],
)
def test_durations_are_those_of_go(written: str, us: int) -> None:
    assert module(f"prober: http, timeout: {written}").timeout_us == us


@pytest.mark.parametrize("word", ["yes", "on", "true", "True", "y", "'yes'"])
def test_words_of_truth_are_those_of_go(word: str) -> None:
    assert module(f"prober: http, http: {{fail_if_ssl: {word}}}").http.fail_if_ssl


BAD = [
    ("headers: {}", "blackbox.yml:1:1: headers: unknown key (known: modules)"),
    ("modules: {m: {prober: http, bogus: }}", "1:29: modules.m.bogus: unknown key"),
    ("modules: {m: {prober: http, http: {bogus: 1}}}", "1:36: modules.m.http.bogus: unknown key"),
    ("modules: {m: {timeout: 5s}}", "1:11: modules.m.prober: required, but missing"),
    ("modules: {m: {prober: gopher}}", "1:23: modules.m.prober: expected 'http', 'tcp'"),
    ("modules: {m: {prober: http, timeout: 5}}", "1:38: modules.m.timeout: expected a duration"),
    ("modules: {m: {prober: http, prober: tcp}}", "1:29: modules.m.prober: the same key twice"),
    ("modules: {m: {prober: http, http: {valid_status_codes: 200}}}", "valid_status_codes: expected a list"),
    ("modules: {m: {prober: http, http: {valid_status_codes: [2xx]}}}", "codes.0: expected a whole number"),
    ("modules: {m: {prober: http, http: {fail_if_ssl: maybe}}}", "fail_if_ssl: expected true or false"),
    ("modules: {m: {prober: http, http: {fail_if_ssl: 'true'}}}", "fail_if_ssl: expected true or false"),
    ("modules: {m: {prober: http, http: {body: a, body_file: b}}}", "body and body_file exclude each other"),
    ("modules: {m: {prober: http, http: {body_size_limit: 10}}}", "body_size_limit: expected a size"),
    ("modules: {m: {prober: http, http: {fail_if_body_matches_regexp: [':[']}}}", "regexp.0: not a regular"),
    ("modules: {m: {prober: http, http: {fail_if_body_not_matches_regexp: ['(?=a)']}}}", "regexp.0: not a regular"),
    ("modules: {m: {prober: http, http: {fail_if_header_matches: [{header: a, regexp: ':['}]}}}", "not a regular"),
    ("modules: {m: {prober: http, http: {fail_if_header_matches: [{header: a}]}}}", "a header rule needs regexp"),
    ("modules: {m: {prober: http, http: {fail_if_header_not_matches: [{regexp: a}]}}}", "a header rule needs header"),
    ("modules: {m: {prober: http, http: {compression: br, headers: {accept-encoding: gzip}}}}", "excludes compression"),
    ("modules: {m: {prober: http, http: {headers: {'a b': c}}}}", "not the name of a header"),
    ("modules: {m: {prober: http, http: {http_headers: {Host: {values: [a]}}}}}", "http_headers cannot set Host"),
    ("modules: {m: {prober: http, http: {basic_auth: {}, authorization: {credentials: a}}}}", "at most one of"),
    ("modules: {m: {prober: http, http: {basic_auth: {password: a, password_file: b}}}}", "at most one of password"),
    ("modules: {m: {prober: http, http: {bearer_token: a, basic_auth: {}}}}", "exclude each other"),
    ("modules: {m: {prober: http, http: {authorization: {type: Basic}}}}", "the type cannot be basic (use basic_auth)"),
    ("modules: {m: {prober: http, http: {oauth2: {client_id: a}}}}", "oauth2 needs client_secret"),
    ("modules: {m: {prober: http, http: {proxy_url: 'http://x', proxy_from_environment: true}}}", "excludes"),
    ("modules: {m: {prober: http, http: {proxy_connect_header: {a: [b]}}}}", "proxy_connect_header without a proxy"),
    ("modules: {m: {prober: http, http: {no_proxy: a}}}", "no_proxy without proxy_url"),
    ("modules: {m: {prober: http, http: {proxy_url: 'proxy'}}}", "expected the URL of a proxy"),
    ("modules: {m: {prober: http, http: {tls_config: {min_version: TLS14}}}}", "did you mean 'TLS13'?"),
    ("modules: {m: {prober: http, http: {tls_config: {cert_file: a}}}}", "a client certificate and its key"),
    ("modules: {m: {prober: http, http: {tls_config: {min_version: TLS13, max_version: TLS12}}}}", "newer"),
    ("modules: {m: {prober: http, http: {enable_http3: true}}}", "enable_http3 needs enable_http2: false"),
    ("modules: {m: {prober: http, http: {fail_if_body_json_matches_cel: 'body.a =='}}}", "cel: not a CEL expression"),
    ("modules: {m: {prober: http, http: {fail_if_body_json_not_matches_cel: 'status'}}}", "knows body, not status"),
    ("modules: {m: {prober: http, http: {preferred_ip_protocol: ipv4}}}", "expected ip4 or ip6"),
    ("modules: {m: {prober: tcp, tcp: {query_response: [{expect: '('}]}}}", "query_response.0.expect: not a regular"),
    ("modules: {m: {prober: tcp, tcp: {query_response: [{expect: a, expect_bytes: b}]}}}", "exclude each other"),
    ("modules: {m: {prober: tcp, tcp: {query_response: [{labels: [{name: 1a}]}]}}}", "not the name of a label"),
    ("modules: {m: {prober: dns, dns: {}}}", "dns needs query_name"),
    ("modules: {m: {prober: dns, dns: {query_name: a, query_class: X}}}", "not a class of records"),
    ("modules: {m: {prober: dns, dns: {query_name: a, query_type: a}}}", "not a type of records"),
    ("modules: {m: {prober: dns, dns: {query_name: a, dns_over_tls: true}}}", "needs transport_protocol: tcp"),
    ("modules: {m: {prober: dns, dns: {query_name: a, validate_answer_rrs: {fail_if_matches_regexp: [':[']}}}}",
     "regexp.0: not a regular"),
    ("modules: {m: {prober: icmp, icmp: {ttl: -1}}}", "icmp.ttl: must be at least 0"),
    ("modules: {m: {prober: icmp, icmp: {ttl: 256}}}", "icmp.ttl: must be at most 255"),
    ("modules: [a]", "modules: expected a mapping"),
    ("- a", "expected a mapping of sections"),
    ("modules: {m: {prober: http, http: {body: ${1}", "1:"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "words"), BAD)
def test_a_bad_file_is_told_with_its_place(text: str, words: str) -> None:
    said = faults(text)
    assert len(said) == 1
    assert said[0].startswith("blackbox.yml:")
    assert words.removeprefix("blackbox.yml:") in said[0]


@pytest.mark.parametrize(
    ("library", "options", "extra"),
    [
        ("cel", "fail_if_body_json_matches_cel: 'body.a'", "cel"),
        ("cel", "fail_if_body_json_not_matches_cel: 'body.a'", "cel"),
        ("aioquic", "enable_http3: true, enable_http2: false", "http3"),
    ],
)
def test_a_file_that_needs_an_extra_which_is_not_installed_says_so(
    library: str, options: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"modules: {{m: {{prober: http, http: {{{options}}}}}}}"
    assert read(text, "blackbox.yml").modules.keys() == {"m"}
    monkeypatch.setitem(sys.modules, library, None)  # as if it were not there
    (said,) = faults(text)
    assert f"the extra {extra} (pip install 'uptime-prober[{extra}]')" in said


def test_every_fault_is_told_at_once() -> None:
    assert (
        len(faults("modules:\n  a: {prober: x}\n  b: {prober: http, http: {method: [1], fail_if_ssl: 7}}\n"))
        == 3
    )


ENCODINGS = [
    ("", "gzip", True),
    ("gzip", "", True),
    ("gzip", "gzip", True),
    ("gzip", "br, gzip", True),
    ("gzip", "br", False),
    ("gzip", "*", True),
    ("gzip", "gzip;q=0", False),
    ("gzip", "gzip;q=0.5", True),
    ("gzip", "gzip;q=0.0, *", True),
    ("gzip", "*;q=0.0", False),
    ("gzip", "br;q=1, gzip;q=0.001", True),
    ("gzip", "gzip; q=nonsense", False),
    ("identity", "br, identity;q=0.1", True),
]


@pytest.mark.parametrize(("compression", "header", "fits"), ENCODINGS)
def test_a_header_that_excludes_the_compression_is_refused(compression: str, header: str, fits: bool) -> None:
    block = f"{{compression: '{compression}', headers: {{Accept-Encoding: '{header}'}}}}"
    text = f"modules: {{m: {{prober: http, http: {block}}}}}"
    if fits:
        read(text, "blackbox.yml")
    else:
        assert "excludes compression" in faults(text)[0]


def test_no_secret_is_ever_shown() -> None:
    modules = read(GOOD, "blackbox.yml").modules
    shown = modules_yaml(modules) + "".join(map(module_yaml, modules.values()))
    assert "hidden" not in shown
    assert shown.count(SECRET) == 2 * 11
    hidden = [line for each in modules.values() for line in repr(each).split(",") if "hidden" in line]
    assert [line for line in hidden if "Secret" in line] == []


def test_what_is_shown_can_be_read_back() -> None:
    modules = read(GOOD, "/etc/prober/blackbox.yml").modules
    again = read(modules_yaml(modules), "/etc/prober/blackbox.yml").modules
    assert modules_yaml(again) == modules_yaml(modules)
    assert again["ssh"] == modules["ssh"]


def test_files_are_sought_where_the_module_file_lies(tmp_path: Path) -> None:
    path = tmp_path / "blackbox.yml"
    path.write_text(
        "modules: {m: {prober: http, http: {body_file: b.txt, tls_config: {ca_file: /etc/ca.pem}}}}"
    )
    http = load_modules(path).modules["m"].http
    assert (http.body_file, http.tls_config.ca_file) == (str(tmp_path / "b.txt"), "/etc/ca.pem")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the file"):
        load_modules(tmp_path / "nope.yml")


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.text(alphabet="modulesprb{}[]:,-'\"$&*! \n\t<>0123", max_size=80))
def test_any_text_is_read_or_told_of(text: str) -> None:
    with contextlib.suppress(ConfigError):
        read(text, "blackbox.yml")
