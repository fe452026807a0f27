"""The cases: a module's options and a target; both sides probe the same. `{name}` stands for a place of targets.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Case:
    """One module and target. `reasons` name the differences that this case may have, beside those of every case."""

    name: str
    prober: str
    target: str
    options: dict[str, Any] = field(default_factory=dict)  # Any: as in blackbox.yml
    reasons: tuple[str, ...] = ()


def _http(name: str, target: str, *reasons: str, **options: Any) -> Case:  # Any: as above
    return Case(f"http_{name}", "http", target, options, reasons)


def _tcp(name: str, target: str, *reasons: str, **options: Any) -> Case:  # Any: as above
    return Case(f"tcp_{name}", "tcp", target, options, reasons)


def _dns(
    name: str, query: str, *reasons: str, target: str = "{dns}", **options: Any
) -> Case:  # Any: as above
    domain, _, kind = query.partition(" ")
    return Case(
        f"dns_{name}", "dns", target, {"query_name": domain, "query_type": kind or "A", **options}, reasons
    )


_CA = {"ca_file": "{ca}"}
_TRUSTING = {"insecure_skip_verify": True}
_CLIENT = {"client_id": "me", "client_secret": "mine"}
_BODY = {"fail_if_body_not_matches_regexp": ["hello"]}

HTTP = (
    _http("plain", "{http}/"),
    _http("no_scheme", "{web}"),
    _http("upper_scheme", "HTTP://{web}/", "upper case scheme"),
    _http("bad_url", "http://[::1"),
    _http("port_too_large", "http://127.0.0.1:99999/"),
    _http("port_zero", "http://127.0.0.1:0/"),
    _http("port_no_number", "http://127.0.0.1:http/"),
    _http("port_empty", "http://127.0.0.1:/"),
    _http("port_too_large_of_nobody", "http://{no_name}:99999/"),
    _http("query_only", "{web}?x=1"),
    _http("empty_body", "{http}/empty"),
    _http("204", "{http}/204"),
    _http("304", "{http}/304", valid_status_codes=[304]),
    _http("503", "{http}/503"),
    _http("503_listed", "{http}/503", valid_status_codes=[200, 503]),
    _http("404_with_body_rule", "{http}/404", fail_if_body_not_matches_regexp=["never"]),
    _http("299", "{http}/299"),
    _http("200_not_listed", "{http}/", valid_status_codes=[301]),
    _http("head", "{http}/", method="HEAD"),
    _http("chunked", "{http}/chunked"),
    _http("until_close", "{http}/close"),
    _http("truncated", "{http}/truncated"),
    _http("truncated_with_rule", "{http}/truncated", fail_if_body_not_matches_regexp=["short"]),
    _http("truncated_chunks", "{http}/cut-chunk"),
    _http("garbage", "{http}/garbage"),
    _http("no_answer", "{http}/nothing"),
    _http("hang", "{http}/hang"),
    _http("hang_in_body", "{http}/hang-body"),
    _http("interim", "{http}/interim"),
    _http("refused", "{dead}"),
    _http("unknown_name", "{no_name}"),
    _http("modified", "{http}/modified"),
    _http("modified_badly", "{http}/modified-badly"),
    _http("body_matches", "{http}/", **_BODY),
    _http("body_misses", "{http}/", fail_if_body_not_matches_regexp=["hello", "absent"]),
    _http("body_forbidden", "{http}/", fail_if_body_matches_regexp=["absent", "wor.d"]),
    _http("body_anchor", "{http}/", fail_if_body_not_matches_regexp=["^hello.*body\n$"]),
    _http("body_dot_is_no_newline", "{http}/", fail_if_body_not_matches_regexp=["body.$"]),
    _http("body_latin", "{http}/latin", fail_if_body_not_matches_regexp=["caf. ", "(?i)CAF"]),
    _http("gzip_untouched", "{http}/gzip", **_BODY),
    _http("gzip", "{http}/gzip", compression="gzip", **_BODY),
    _http("gzip_unnamed", "{http}/gzip-unnamed", compression="gzip"),
    _http("gzip_cut", "{http}/gzip-cut", compression="gzip"),
    _http("gzip_of_plain", "{http}/", compression="gzip"),
    _http("deflate", "{http}/deflate", compression="deflate", **_BODY),
    _http("deflate_of_plain", "{http}/", compression="deflate"),
    _http("br", "{http}/br", compression="br", **_BODY),
    _http("br_of_plain", "{http}/", compression="br"),
    _http("identity", "{http}/", compression="identity"),
    _http("limit_over", "{http}/", body_size_limit="10B"),
    _http("limit_exact", "{http}/empty", body_size_limit="1B"),
    _http("limit_over_with_rule", "{http}/", body_size_limit="10B", **_BODY),
    _http("limit_chunked", "{http}/chunked", body_size_limit="11B"),
    _http("limit_chunked_over", "{http}/chunked", body_size_limit="10B"),
    _http("limit_gzip", "{http}/gzip", compression="gzip", body_size_limit="5B"),
    _http("redirect", "{http}/redirect"),
    _http("redirect_off", "{http}/redirect", follow_redirects=False),
    _http("redirect_off_listed", "{http}/redirect", follow_redirects=False, valid_status_codes=[302]),
    _http("redirect_off_body_rule", "{http}/redirect", follow_redirects=False, valid_status_codes=[302],
          fail_if_body_not_matches_regexp=["x"]),
    _http("redirect_off_body_forbidden", "{http}/redirect", follow_redirects=False, valid_status_codes=[302],
          fail_if_body_matches_regexp=["x"]),
    _http("redirect_off_body_unread", "{http}/redirect-body", follow_redirects=False, valid_status_codes=[302],
          fail_if_body_matches_regexp=["never"]),
    _http("redirect_with_body", "{http}/redirect-body"),
    _http("redirect_three", "{http}/three0"),
    _http("redirect_ten", "{http}/ten0"),
    _http("redirect_eleven", "{http}/eleven0"),
    _http("redirect_loop", "{http}/loop"),
    _http("redirect_lost", "{http}/redirect-lost"),
    _http("redirect_bad", "{http}/redirect-bad"),
    _http("redirect_refused", "{http}/redirect-refused"),
    _http("redirect_503", "{http}/redirect-503"),
    _http("redirect_post", "{http}/redirect-301", method="POST", body="data",
          fail_if_body_not_matches_regexp=["^GET "]),
    _http("redirect_put_kept", "{http}/redirect-307", method="PUT", body="data",
          fail_if_body_not_matches_regexp=["^PUT ", "data *$"]),
    _http("redirect_to_name", "{http}/to-name", headers={"X-Mine": "kept"},
          fail_if_body_not_matches_regexp=["X-Mine: kept", "Host: localhost"]),
    _http("redirect_to_https", "{http}/to-https", tls_config=_CA),
    _http("redirect_to_server_name", "{http}/to-by-name", tls_config=_CA),
    _http("redirect_to_named_host", "{http}/to-by-name", headers={"Host": "elsewhere.test"}, tls_config=_CA),
    _http("redirect_to_other_certificate", "{http}/to-wrong", tls_config=_CA),
    _http("redirect_between_certificates", "{https}/to-by-name", tls_config=_CA),
    _http("redirect_with_server_name", "{http}/to-wrong", tls_config={**_CA, "server_name": "elsewhere.test"}),
    _http("redirect_over_families", "{http}/to-six", preferred_ip_protocol="ip4"),
    _http("redirect_over_families_pinned", "{http}/to-six", preferred_ip_protocol="ip4",
          ip_protocol_fallback=False),
    _http("six", "{six}/"),
    _http("six_not_wanted", "{six}/", preferred_ip_protocol="ip4", ip_protocol_fallback=False),
    _http("drip", "{http}/drip", **_BODY),
    _http("endless", "{http}/endless", body_size_limit="1MB"),
    _http("giant_header", "{http}/giant-header", "a head over 64 KiB"),
    _http("limit_chunked_gzip", "{http}/chunked-gzip", compression="gzip", body_size_limit="30B", **_BODY),
    _http("limit_chunked_gzip_over", "{http}/chunked-gzip", compression="gzip", body_size_limit="29B", **_BODY),
    _http("limit_until_close", "{http}/close", body_size_limit="29B"),
    _http("limit_truncated", "{http}/truncated", body_size_limit="5B"),
    _http("slow_head", "{http}/slow"),
    _http("slow_body", "{http}/slow-body"),
    _http("slow_after_redirect", "{http}/to-slow"),
    _http("cookie", "{http}/cookie", fail_if_body_not_matches_regexp=["Cookie: a=b"]),
    _http("host_header", "{http}/echo", headers={"Host": "shop.test"},
          fail_if_body_not_matches_regexp=["(?m)^Host: shop.test\r$"]),
    _http("host_of_target", "http://localhost:{port}/echo",
          fail_if_body_not_matches_regexp=["Host: localhost:[0-9]+\r\n"]),
    _http("basic_auth", "{http}/echo", basic_auth={"username": "u", "password": "p"},
          fail_if_body_not_matches_regexp=["Authorization: Basic dTpw"]),
    _http("bearer", "{http}/echo", authorization={"credentials": "token"},
          fail_if_body_not_matches_regexp=["Authorization: Bearer token"]),
    _http("url_credentials", "http://u:p@{web}/echo", fail_if_body_not_matches_regexp=["Authorization: Basic dTpw"]),
    _http("header_matches", "{http}/headers", fail_if_header_matches=[{"header": "x-one", "regexp": "sec"}]),
    _http("header_matches_not", "{http}/headers", fail_if_header_matches=[{"header": "X-One", "regexp": "third"}]),
    _http("header_missing", "{http}/headers", fail_if_header_matches=[{"header": "X-Two", "regexp": "x"}]),
    _http("header_missing_allowed", "{http}/headers",
          fail_if_header_matches=[{"header": "X-Two", "regexp": "x", "allow_missing": True}]),
    _http("header_not_matches", "{http}/headers",
          fail_if_header_not_matches=[{"header": "X-One", "regexp": "^second$"}]),
    _http("header_not_matches_fails", "{http}/headers",
          fail_if_header_not_matches=[{"header": "X-One", "regexp": "^third$"}]),
    _http("header_not_missing", "{http}/headers", fail_if_header_not_matches=[{"header": "X-Two", "regexp": "x"}]),
    _http("header_empty", "{http}/headers", fail_if_header_not_matches=[{"header": "X-Empty", "regexp": "^$"}]),
    _http("version_right", "{http}/", valid_http_versions=["HTTP/1.1", "HTTP/2.0"]),
    _http("version_wrong", "{http}/", valid_http_versions=["HTTP/2"]),
    _http("not_ssl", "{http}/", fail_if_not_ssl=True),
    _http("not_ssl_503", "{http}/503", fail_if_not_ssl=True),
    _http("ssl", "{https}/", fail_if_ssl=True, tls_config=_CA),
    _http("https", "{https}/", fail_if_not_ssl=True, tls_config=_CA),
    _http("https_untrusted", "{https}/"),
    _http("https_unverified", "{https}/", tls_config=_TRUSTING),
    _http("https_expired", "{expired}/", tls_config=_CA),
    _http("https_expired_unverified", "{expired}/", tls_config=_TRUSTING),
    _http("https_early", "{early}/", tls_config=_CA),
    _http("https_self_signed", "{own}/", tls_config=_CA),
    _http("https_wrong_host", "{wrong}/", tls_config=_CA),
    _http("https_server_name", "{wrong}/", tls_config={**_CA, "server_name": "elsewhere.test"}),
    _http("https_chained", "{chained}/", tls_config=_CA),
    _http("https_incomplete", "{incomplete}/", tls_config=_CA),
    _http("https_to_plain", "https://{web}/", tls_config=_CA),
    _http("plain_to_https", "http://localhost:{https_port}/"),
    _http("https_by_name", "https://{by_name}/", tls_config=_CA),
    _http("tls_for_plain", "{http}/", tls_config={**_CA, "server_name": "nobody.test"}),
    _http("ip6_only", "http://127.0.0.1:{port}/", preferred_ip_protocol="ip6", ip_protocol_fallback=False),
    _http("ip4_only", "http://127.0.0.1:{port}/", preferred_ip_protocol="ip4", ip_protocol_fallback=False),
    _http("proxy", "{http}/", proxy_url="{proxy}"),
    _http("proxy_skip", "{http}/", proxy_url="{proxy}", skip_resolve_phase_with_proxy=True),
    _http("proxy_skip_https", "{https}/", proxy_url="{proxy}", skip_resolve_phase_with_proxy=True, tls_config=_CA),
    _http("proxy_skip_redirect", "{http}/redirect", proxy_url="{proxy}", skip_resolve_phase_with_proxy=True),
    _http("proxy_redirect", "{http}/to-https", proxy_url="{proxy}", tls_config=_CA),
    _http("proxy_dead", "{http}/", proxy_url="http://{dead}"),
    _http("proxy_dead_https", "{https}/", proxy_url="http://{dead}", tls_config=_CA),
    _http("oauth", "{http}/echo", oauth2={**_CLIENT, "token_url": "{http}/token"},
          fail_if_body_not_matches_regexp=["Authorization: Bearer tok-en"]),
    _http("oauth_refused", "{http}/echo", oauth2={**_CLIENT, "token_url": "{http}/503"}),
    _http("oauth_dead", "{http}/echo", oauth2={**_CLIENT, "token_url": "http://{dead}/"}),
    _http("tls_oldest", "{https}/", tls_config={**_CA, "min_version": "TLS13"}),
    _http("tls_newest", "{https}/", tls_config={**_CA, "max_version": "TLS12"}),
    _http("proxy_https", "{https}/", proxy_url="{proxy}", tls_config=_CA),
    _http("proxy_refuses", "{http}/", "407 of a proxy", proxy_url="{guarded_proxy}"),
)  # fmt: skip

HTTP2 = (
    _http("h2", "{h2}/", tls_config=_CA, **_BODY),
    _http("h2_version", "{h2}/", tls_config=_CA, valid_http_versions=["HTTP/2.0"]),
    _http("h2_off", "{https}/", tls_config=_CA, enable_http2=False),
    _http("h2_503", "{h2}/503", tls_config=_CA),
    _http("h2_204", "{h2}/204", tls_config=_CA),
    _http("h2_redirect", "{h2}/redirect", tls_config=_CA),
    _http("h2_silence", "{h2}/silence", tls_config=_CA),
)

_SMTP = [
    {"expect": "^220 ([^ ]+) ESMTP"},
    {"send": "EHLO prober\r"},
    {"expect": "^250 STARTTLS"},
    {"send": "STARTTLS\r"},
    {"expect": "^220"},
    {"starttls": True},
    {"send": "EHLO prober\r"},
    {"expect": "^250 mail"},
]
TCP = (
    _tcp("connect", "{ssh}"),
    _tcp("refused", "{dead}"),
    _tcp("no_port", "127.0.0.1"),
    _tcp("empty_host", ":0"),
    _tcp("bad_port", "127.0.0.1:99999"),
    _tcp("port_zero", "127.0.0.1:0"),
    _tcp("unknown_name", "{no_name}:80"),
    _tcp("by_name", "localhost:{ssh_port}"),
    _tcp("ip6_only", "127.0.0.1:{ssh_port}", preferred_ip_protocol="ip6", ip_protocol_fallback=False),
    _tcp("source", "{ssh}", source_ip_address="127.0.0.3"),
    _tcp("six", "[::1]:1"),
    _tcp("banner", "{ssh}", query_response=[{"expect": "^SSH-2.0-"}]),
    _tcp("banner_wrong", "{ssh}", query_response=[{"expect": "^SSH-1"}]),
    _tcp("banner_end", "{ssh}", query_response=[{"expect": "OpenSSH_9.2$"}]),
    _tcp("unfinished", "{unfinished}", query_response=[{"expect": "^220"}]),
    _tcp("last_line", "{last_line}", query_response=[{"expect": "^two$"}]),
    _tcp("last_line_wrong", "{last_line}", query_response=[{"expect": "three"}]),
    _tcp("silence", "{silence}", query_response=[{"expect": "x"}]),
    _tcp("closing", "{closing}", query_response=[{"expect": "x"}]),
    _tcp("closing_unasked", "{closing}"),
    _tcp("reset", "{reset}", query_response=[{"expect": "x"}]),
    _tcp("long_line", "{long}", query_response=[{"expect": "^end"}]),
    _tcp("too_long_line", "{too_long}", query_response=[{"expect": "^end"}]),
    _tcp("binary", "{binary}", query_response=[{"expect": "^caf."}]),
    _tcp("blank_line", "{many_lines}", query_response=[{"expect": "^$"}, {"expect": "^third$"}]),
    _tcp("skipped_line", "{many_lines}", query_response=[{"expect": "second"}, {"expect": "first"}]),
    _tcp("echo", "{echo_line}", query_response=[{"send": "ping"}, {"expect": "^ping$"}]),
    _tcp("captured", "{echo_line}", query_response=[
        {"send": "one two"}, {"expect": "^(?P<a>[a-z]+) ([a-z]+)$", "send": "${2} $a $$ $2x ${1}x"},
        {"expect": r"^two one \$  onex$"}]),
    _tcp("smtp", "localhost:{smtp_port}", query_response=_SMTP, tls_config=_CA),
    _tcp("smtp_untrusted", "localhost:{smtp_port}", query_response=_SMTP),
    _tcp("tls", "localhost:{https_port}", tls=True, tls_config=_CA),
    _tcp("tls_by_address", "{https_address}", tls=True, tls_config=_CA),
    _tcp("tls_untrusted", "localhost:{https_port}", tls=True),
    _tcp("tls_unverified", "localhost:{expired_port}", tls=True, tls_config=_TRUSTING),
    _tcp("tls_wrong_host", "localhost:{wrong_port}", tls=True, tls_config=_CA),
    _tcp("tls_server_name", "localhost:{wrong_port}", tls=True,
         tls_config={**_CA, "server_name": "elsewhere.test"}),
    _tcp("tls_chained", "localhost:{chained_port}", tls=True, tls_config=_CA),
    _tcp("tls_odd_names", "localhost:{odd_port}", tls=True, tls_config=_TRUSTING),
    _tcp("tls_renewed_root", "localhost:{renewed_port}", tls=True, tls_config={"ca_file": "{roots}"}),
    _tcp("tls_old", "localhost:{https_port}", tls=True, tls_config={**_CA, "max_version": "TLS12"}),
    _tcp("tls_to_plain", "{no_tls}", tls=True, tls_config=_CA),
    _tcp("tls_to_silence", "{silence}", tls=True, tls_config=_CA),
)  # fmt: skip

DNS = (
    _dns("a", "good.test A"),
    _dns("by_tcp", "good.test A", transport_protocol="tcp"),
    _dns("by_tls", "good.test A", target="localhost:{dot_port}", transport_protocol="tcp", dns_over_tls=True,
         tls_config=_CA),
    _dns("by_tls_untrusted", "good.test A", target="localhost:{dot_port}", transport_protocol="tcp",
         dns_over_tls=True),
    _dns("no_type", "good.test ANY"),
    _dns("soa", "good.test SOA"),
    _dns("soa_missing", "nothing.test SOA", valid_rcodes=["NXDOMAIN"]),
    _dns("soa_of_known_name", "alias.test SOA"),
    _dns("nxdomain", "missing.test A"),
    _dns("nxdomain_listed", "missing.test A", valid_rcodes=["NOERROR", "NXDOMAIN"]),
    _dns("servfail", "servfail.test A"),
    _dns("refused", "refused.test A"),
    _dns("rcode_unknown", "good.test A", valid_rcodes=["NONSENSE"]),
    _dns("silent", "silent.test A"),
    _dns("garbage", "garbage.test A"),
    _dns("short", "short.test A"),
    _dns("truncated", "truncated.test A"),
    _dns("dead", "good.test A", target="{dead}"),
    _dns("dead_tcp", "good.test A", target="{dead}", transport_protocol="tcp"),
    _dns("server_unknown", "good.test A", target="{no_name}"),
    _dns("no_recursion", "good.test A", recursion_desired=False),
    _dns("answer_matches", "good.test A", validate_answer_rrs={"fail_if_not_matches_regexp": [
        r"^good\.test\.\t60\tIN\tA\t192\.0\.2\.[12]$"]}),
    _dns("answer_one_misses", "good.test A", validate_answer_rrs={"fail_if_not_matches_regexp": ["2.1$"]}),
    _dns("answer_forbidden", "good.test A", validate_answer_rrs={"fail_if_matches_regexp": ["2.2$"]}),
    _dns("answer_all", "good.test A", validate_answer_rrs={"fail_if_all_match_regexp": ["192"]}),
    _dns("answer_all_not", "good.test A", validate_answer_rrs={"fail_if_all_match_regexp": ["2.1$"]}),
    _dns("answer_all_two", "good.test A", validate_answer_rrs={"fail_if_all_match_regexp": ["2.1$", "2.2$"]}),
    _dns("answer_none", "good.test A", validate_answer_rrs={"fail_if_none_matches_regexp": ["x", "2.2$"]}),
    _dns("answer_none_fails", "good.test A", validate_answer_rrs={"fail_if_none_matches_regexp": ["x"]}),
    _dns("authority_empty", "good.test A", validate_authority_rrs={"fail_if_not_matches_regexp": ["x"]}),
    _dns("authority_empty_all", "good.test A", validate_authority_rrs={"fail_if_all_match_regexp": ["x"]}),
    _dns("additional_empty_none", "good.test A",
         validate_additional_rrs={"fail_if_none_matches_regexp": ["x"]}),
    _dns("authority", "missing.test A", valid_rcodes=["NXDOMAIN"],
         validate_authority_rrs={"fail_if_not_matches_regexp": [r"^\.\t60\tIN\tSOA\t\. \. 1 2 3 4 5$"]}),
    _dns("txt", "good.test TXT", validate_answer_rrs={"fail_if_none_matches_regexp": [
        r'TXT\t"two" "parts"$']}),
    _dns("mx", "good.test MX", validate_answer_rrs={"fail_if_not_matches_regexp": [
        r"MX\t10 mail\.good\.test\.$"]}),
    _dns("aaaa", "good.test AAAA", validate_answer_rrs={"fail_if_not_matches_regexp": [
        r"AAAA\t2001:db8::1$"]}),
    _dns("caa", "good.test CAA", validate_answer_rrs={"fail_if_not_matches_regexp": [
        r'CAA\t0 issue "ca\.test"$']}),
    _dns("alias", "alias.test A", validate_answer_rrs={"fail_if_none_matches_regexp": [
        r"^alias\.test\.\t60\tIN\tCNAME\treal\.test\.$"]}),
    _dns("chaos", "good.test TXT", query_class="CH"),
    _dns("source", "good.test A", source_ip_address="127.0.0.3"),
    _dns("source_by_tcp", "good.test A", source_ip_address="127.0.0.3", transport_protocol="tcp"),
    _dns("root", ". NS", valid_rcodes=["NOERROR", "NXDOMAIN"]),
    _dns("ip6_only", "good.test A", preferred_ip_protocol="ip6", ip_protocol_fallback=False),
)  # fmt: skip

ICMP = (
    Case("icmp_loopback", "icmp", "127.0.0.1"),
    Case("icmp_name", "icmp", "localhost"),
    Case("icmp_unknown", "icmp", "{no_name}"),
    Case("icmp_ip6", "icmp", "::1"),
    Case(
        "icmp_ip6_only", "icmp", "127.0.0.1", {"preferred_ip_protocol": "ip6", "ip_protocol_fallback": False}
    ),
    Case("icmp_ttl", "icmp", "127.0.0.1", {"ttl": 3}),
    Case("icmp_large", "icmp", "127.0.0.1", {"payload_size": 1000}),
    Case("icmp_source", "icmp", "127.0.0.1", {"source_ip_address": "127.0.0.3"}),
)

GRPC = (
    Case("grpc_serving", "grpc", "{grpc}", {"service": "shop"}),
    Case("grpc_server", "grpc", "{grpc}", {"service": ""}),
    Case("grpc_not_serving", "grpc", "{grpc}", {"service": "down"}),
    Case("grpc_odd_state", "grpc", "{grpc}", {"service": "odd"}),
    Case("grpc_not_found", "grpc", "{grpc}", {"service": "nobody"}),
    Case("grpc_unimplemented", "grpc", "{grpc_unimplemented}", {"service": "shop"}),
    Case("grpc_refused", "grpc", "{dead}", {"service": "shop"}),
    Case("grpc_to_ssh", "grpc", "{ssh}", {"service": "shop"}),
    Case("grpc_unknown_name", "grpc", "{no_name}:1", {"service": "shop"}),
    Case("grpc_tls", "grpc", "localhost:{grpcs_port}", {"tls": True, "tls_config": _CA}),
    Case("grpc_tls_untrusted", "grpc", "localhost:{grpcs_port}", {"tls": True}),
    Case("grpc_plain_to_tls", "grpc", "localhost:{grpcs_port}", {"service": "shop"}),
    Case("grpc_no_block", "grpc", "{grpc}"),
)

SLOW = {
    "http_slow_head": "processing",
    "http_slow_body": "transfer",
    "http_slow_after_redirect": "processing",
}
"""Cases whose target waits, and the phase that has to show it."""
CASES = (*HTTP, *HTTP2, *TCP, *DNS, *ICMP, *GRPC)
