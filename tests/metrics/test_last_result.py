"""The last scheduled result under the names that the field knows."""

from __future__ import annotations

import pytest
from support.exposing import HTTPS_FACTS, HTTPS_PHASES, config_of, record, result, view_of
from support.samples import samples_of

from checks.core.result import Outcome, Result
from prober.metrics import Exposition


def shown(*results: Result, kind: str = "http") -> dict[str, float]:
    """Return the exporter's samples after these results, by name and what label value there is of its own."""
    view = view_of(config_of({"web": kind}, ["fra"]))
    exposition = Exposition(view, None)
    exposition.restructure(view)
    for each in results:
        exposition.take(1, record(1, each))
    found = {}
    for (name, labels), at in samples_of(exposition).items():
        if name.startswith("probe_"):
            own = [text for label, text in labels if label not in ("probe", "region")]
            found[" ".join([name, *own])] = at
    return found


def test_a_flow_shows_what_http_shows() -> None:
    assert shown(result(), kind="flow") == shown(result())


def test_a_pass_over_https_shows_all_that_it_saw() -> None:
    assert (
        shown(result())
        == {
            "probe_success": 1,
            "probe_duration_seconds": 0.032577,
            "probe_dns_lookup_time_seconds": 0.000812,
            "probe_http_duration_seconds resolve": 0.000812,
            "probe_http_duration_seconds connect": 0.001203,
            "probe_http_duration_seconds tls": 0.00912,
            "probe_http_duration_seconds processing": 0.020142,  # send and wait: from the connection to the first byte
            "probe_http_duration_seconds transfer": 0.0013,
            "probe_ip_protocol": 4,
            "probe_ssl_earliest_cert_expiry": 1_792_592_000,
            "probe_tls_version_info TLS 1.3": 1,
            "probe_http_status_code": 200,
            "probe_http_version": 1.1,
            "probe_http_redirects": 1,
            "probe_http_ssl": 1,
            "probe_http_uncompressed_body_length": 5_120,
        }
    )


def test_what_a_refused_connection_did_not_reach_is_absent_not_zero() -> None:
    facts = {"redirects": 0, "final_url": "http://shop.example/", "family": 6}
    refused = result(Outcome.FAIL, {"resolve": 812, "connect": 90}, facts, ["connect_refused"])
    assert shown(result(), refused) == {
        "probe_success": 0,
        "probe_duration_seconds": 0.000902,
        "probe_dns_lookup_time_seconds": 0.000812,
        "probe_http_duration_seconds resolve": 0.000812,
        "probe_http_duration_seconds connect": 0.00009,
        "probe_ip_protocol": 6,
        "probe_http_redirects": 0,
        "probe_http_ssl": 0,
    }


def test_a_request_that_was_never_answered_shows_how_long_it_was_waited_for() -> None:
    phases = {"connect": 90, "send": 10, "wait": 9_000_000}
    found = shown(result(Outcome.FAIL, phases, {}, ["timeout_headers"]))
    assert found["probe_http_duration_seconds processing"] == 9.00001


def test_a_phase_of_less_than_a_micro_second_is_zero_and_there() -> None:
    assert shown(result(phases_us={"connect": 0}, facts={}))["probe_http_duration_seconds connect"] == 0


def test_a_warning_is_a_success() -> None:
    assert shown(result(Outcome.WARN, failures=["slow"]))["probe_success"] == 1


def test_a_void_run_measured_nothing_and_shows_nothing() -> None:
    assert shown(result(), result(Outcome.VOID, failures=["agent_resolver"])) == {}


def test_after_a_void_run_everything_comes_back() -> None:
    assert shown(result(), result(Outcome.VOID), result()) == shown(result())


def test_a_fact_that_is_learnt_no_more_goes() -> None:
    plain = {fact: at for fact, at in HTTPS_FACTS.items() if not fact.startswith(("tls", "chain"))}
    gone = shown(result()).keys() - shown(result(), result(facts=plain)).keys()
    assert gone == {"probe_ssl_earliest_cert_expiry", "probe_tls_version_info TLS 1.3"}


def test_a_fact_that_changes_is_shown_changed() -> None:
    assert shown(result(), result(facts={**HTTPS_FACTS, "status": 503}))["probe_http_status_code"] == 503
    found = shown(result(), result(facts={**HTTPS_FACTS, "tls_version": "TLSv1.2"}))
    assert [name for name in found if name.startswith("probe_tls")] == ["probe_tls_version_info TLS 1.2"]


def test_a_tls_version_that_nobody_has_heard_of_makes_no_label_of_its_own() -> None:
    found = shown(result(facts={"tls_version": 'v"9\n'}))
    assert [name for name in found if name.startswith("probe_tls")] == ["probe_tls_version_info unknown"]


def test_facts_of_an_unexpected_type_are_left_out() -> None:
    odd = {
        "status": [200],
        "http_version": "one",
        "redirects": None,
        "final_url": 7,
        "size": {"a": 1},
        "tls_version": 3,
    }
    assert shown(result(phases_us={}, facts=odd)) == {"probe_success": 1, "probe_duration_seconds": 0}


def test_a_dns_run_has_the_names_of_dns() -> None:
    facts = {"server": "192.0.2.53:53", "family": 4, "rcode": "NOERROR", "answers": 2, "serial": 2026112201}
    assert shown(result(phases_us={"resolve": 5, "query": 812}, facts=facts), kind="dns") == {
        "probe_success": 1,
        "probe_duration_seconds": 0.000817,
        "probe_dns_lookup_time_seconds": 0.000005,
        "probe_dns_duration_seconds resolve": 0.000005,
        "probe_dns_duration_seconds request": 0.000812,
        "probe_ip_protocol": 4,
        "probe_dns_answer_rrs": 2,
        "probe_dns_query_succeeded": 1,
        "probe_dns_serial": 2026112201,
    }


def test_an_icmp_run_has_the_names_of_icmp() -> None:
    facts = {"family": 6, "hops_left": 57, "rtt_mean_us": 812}
    assert shown(result(phases_us={"resolve": 5, "ping": 812}, facts=facts), kind="icmp") == {
        "probe_success": 1,
        "probe_duration_seconds": 0.000817,
        "probe_dns_lookup_time_seconds": 0.000005,
        "probe_icmp_duration_seconds resolve": 0.000005,
        "probe_icmp_duration_seconds rtt": 0.000812,
        "probe_ip_protocol": 6,
        "probe_icmp_reply_hop_limit": 57,
    }
    lost = shown(result(Outcome.FAIL, {"resolve": 5, "ping": 9}, {"hops_left": None}), kind="icmp")
    assert "probe_icmp_reply_hop_limit" not in lost


def test_a_grpc_run_has_the_names_of_grpc() -> None:
    facts = {"grpc_status": 0, "serving_status": "NOT_SERVING", "tls_version": "TLSv1.3"}
    phases = {"resolve": 1, "connect": 2, "tls": 4, "send": 8, "wait": 16, "transfer": 32}
    found = shown(result(phases_us=phases, facts=facts), kind="grpc")
    assert found["probe_grpc_duration_seconds check"] == 0.000062
    assert (found["probe_grpc_status_code"], found["probe_grpc_ssl"]) == (0, 1)
    assert found["probe_grpc_healthcheck_response NOT_SERVING"] == 1
    assert found["probe_grpc_healthcheck_response SERVING"] == 0
    plain = shown(result(phases_us={"resolve": 1}, facts={"serving_status": "made up"}), kind="grpc")
    assert [name for name in plain if name.startswith("probe_grpc")] == [
        "probe_grpc_duration_seconds resolve"
    ]


def test_a_websocket_run_has_the_names_of_websocket() -> None:
    phases = {"connect": 1, "send": 2, "wait": 4, "dialogue": 8}
    found = shown(result(phases_us=phases, facts={"status": 101}), kind="websocket")
    assert found["probe_websocket_duration_seconds processing"] == 0.000006
    assert found["probe_websocket_duration_seconds transfer"] == 0.000008
    assert (found["probe_websocket_status_code"], found["probe_websocket_connection_upgraded"]) == (101, 1)
    refused = shown(result(Outcome.FAIL, phases, {"status": 200}), kind="websocket")
    assert refused["probe_websocket_connection_upgraded"] == 0


@pytest.mark.parametrize("kind", ["tls", "smtp", "unix", "tcp", "http", "grpc"])
def test_a_certificate_is_shown_for_every_kind_that_speaks_tls(kind: str) -> None:
    told = {"sha256": "ab" * 32, "subject": 'CN="x"', "issuer": "CN=ca", "serial": "0f", "sans": ["a", "b"]}
    found = shown(result(facts={"certificate": told, "chain_expires": 7}), kind=kind)
    labels = next(name for name in found if name.startswith("probe_ssl_last_chain_info "))
    assert sorted(labels.split(" ")[1:]) == sorted(["ab" * 32, "CN=ca", "0f", 'CN="x"', "a,b"])
    assert found["probe_ssl_earliest_cert_expiry"] == 7
    nameless = shown(result(facts={"certificate": {"subject": "CN=x"}}), kind=kind)
    assert not [name for name in nameless if name.startswith("probe_ssl")]


def test_a_tcp_run_has_what_every_kind_has() -> None:
    found = shown(result(phases_us=HTTPS_PHASES), kind="tcp")
    assert not [name for name in found if name.startswith(("probe_http", "probe_dns_duration"))]
    assert found["probe_ssl_earliest_cert_expiry"] == 1_792_592_000
