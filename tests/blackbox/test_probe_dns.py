"""The dns prober, over UDP, TCP and TLS: rcodes, rules on three sections, serial numbers, families."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import AsyncIterator

import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rrset
import pytest
from support.blackbox_probes import Ran, module, run_probe
from support.certs import certificates
from support.dns_peer import SILENT, Fault, Reply, Zone, dns_peer, records
from support.ports import serving
from support.tcp_peer import refused

from checks.core.resolver_config import ResolverConfig

CA = {"ca_file": str(certificates().ca_file)}
NAMES = ResolverConfig(servers=(), hosts={"both.test": ("127.0.0.1", "::1"), "localhost": ("127.0.0.1",)})
ZONE: Zone = {
    ("good.test", "A"): records("192.0.2.1", "192.0.2.2"),
    ("good.test", "SOA"): records("ns.good.test. admin.good.test. 1234 3600 600 86400 60"),
    ("silent.test", "A"): SILENT,
    ("garbage.test", "A"): Reply(fault=Fault.GARBAGE),
    ("refused.test", "A"): Reply(rcode="REFUSED"),
    ("failing.test", "A"): Reply(rcode="SERVFAIL"),
    ("none.test", "A"): Reply(rcode="NXDOMAIN"),
}
TRANSPORTS = ("udp", "tcp")


async def asked(
    name: str = "good.test", *, kind: str = "A", timeout_us: int = 5_000_000, **options: object
) -> Ran:
    """Ask the server of `ZONE`."""
    async with dns_peer(ZONE) as peer:
        under_test = module("dns", query_name=name, query_type=kind, **options)
        return await run_probe(under_test, peer.address, timeout_us=timeout_us)


class Sections:
    """A server whose every answer has records in all three sections, authoritative, over UDP and TCP."""

    @staticmethod
    def answer(wire: bytes) -> bytes:
        """Answer one query."""
        query = dns.message.from_wire(wire)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        question = query.question[0]
        if question.rdclass == dns.rdataclass.CH:
            response.answer.append(dns.rrset.from_text(question.name, 0, "CH", "TXT", '"9.18"'))
        elif not query.flags & dns.flags.RD:
            response.set_rcode(dns.rcode.REFUSED)
        else:
            response.answer.append(dns.rrset.from_text(question.name, 30, "IN", "SOA", "a. b. 1000 1 1 1 1"))
            response.authority.append(
                dns.rrset.from_text(question.name, 40, "IN", "NS", "ns1.test.", "ns2.test.")
            )
            response.additional.append(dns.rrset.from_text("ns1.test.", 50, "IN", "A", "127.0.0.1"))
            response.additional.append(dns.rrset.from_text("ns2.test.", 50, "IN", "A", "127.0.0.2"))
        return response.to_wire()


@contextlib.asynccontextmanager
async def sections() -> AsyncIterator[str]:
    """Serve `Sections` over TCP; yields its address."""
    import asyncio

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (size,) = struct.unpack("!H", await reader.readexactly(2))
        answer = Sections.answer(await reader.readexactly(size))
        writer.write(struct.pack("!H", len(answer)) + answer)
        await writer.drain()

    async with serving(handle) as (host, port):
        yield f"{host}:{port}"


async def of_sections(**options: object) -> Ran:
    """Ask a server that fills all sections."""
    async with sections() as address:
        given = {"query_name": "example.test", "query_type": "SOA", "transport_protocol": "tcp", **options}
        return await run_probe(module("dns", **given), address)


# --- rcodes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(
    ("name", "rcodes", "right", "answers"),
    [
        ("good.test", [], True, 2), ("good.test", ["SERVFAIL", "NXDOMAIN"], False, 2),
        ("good.test", ["NOERROR", "NXDOMAIN"], True, 2), ("none.test", [], False, 0),
        ("none.test", ["NXDOMAIN"], True, 0), ("refused.test", [], False, 0), ("refused.test", ["REFUSED"], True, 0),
        ("failing.test", ["SERVFAIL"], True, 0), ("good.test", ["NOERROR", "NONSENSE"], False, 2),
    ],
)  # fmt: skip
async def test_rcodes(transport: str, name: str, rcodes: list[str], right: bool, answers: int) -> None:
    ran = await asked(name, transport_protocol=transport, valid_rcodes=rcodes)
    assert ran.success is right
    assert ran.value("probe_dns_answer_rrs") == answers
    assert ran.value("probe_dns_query_succeeded") == 1


@pytest.mark.parametrize(("desired", "right"), [(True, True), (False, False)])
async def test_recursion_is_desired_unless_the_module_says_no(desired: bool, right: bool) -> None:
    assert (await of_sections(recursion_desired=desired)).success is right


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_without_an_answer_all_counts_are_0(transport: str) -> None:
    ran = await asked("silent.test", transport_protocol=transport, timeout_us=300_000)
    names = ("answer_rrs", "authority_rrs", "additional_rrs", "query_succeeded")
    assert not ran.success
    assert [ran.value(f"probe_dns_{name}") for name in names] == [0, 0, 0, 0]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_garbage_is_no_answer(transport: str) -> None:
    ran = await asked("garbage.test", transport_protocol=transport, timeout_us=300_000)
    assert (ran.success, ran.value("probe_dns_query_succeeded")) == (False, 0)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_refused_port_has_its_lookup_only(transport: str) -> None:
    with refused() as dead:
        under_test = module("dns", query_name="good.test", transport_protocol=transport)
        ran = await run_probe(under_test, dead.address)
    assert not ran.success
    assert ran.value("probe_ip_protocol") == 4
    assert ran.value("probe_dns_query_succeeded") == 0


# --- rules ------------------------------------------------------------------------------------------------

NS = "^example.test.\t40\tIN\tNS\tns[12].test.$"


@pytest.mark.parametrize(
    ("section", "rules", "right"),
    [
        ("answer", {"fail_if_matches_regexp": [".*7200.*"]}, True),
        ("answer", {"fail_if_matches_regexp": [".*1000.*"]}, False),
        ("answer", {"fail_if_not_matches_regexp": ["SOA\ta\\. b\\. 1000 "]}, True),
        ("answer", {"fail_if_not_matches_regexp": ["SOA", "absent"]}, False),
        ("authority", {"fail_if_not_matches_regexp": [NS]}, True),
        ("authority", {"fail_if_not_matches_regexp": ["ns1"]}, False),
        ("authority", {"fail_if_matches_regexp": ["ns2"]}, False),
        ("authority", {"fail_if_none_matches_regexp": ["ns2", "absent"]}, True),
        ("authority", {"fail_if_none_matches_regexp": ["absent"]}, False),
        ("additional", {"fail_if_all_match_regexp": ["127"]}, True),  # as in the exporter, against its name
        ("additional", {"fail_if_all_match_regexp": ["127.0.0.1"]}, False),
        ("additional", {"fail_if_all_match_regexp": ["127.0.0.1", "127.0.0.2"]}, False),
        ("additional", {"fail_if_not_matches_regexp": ["127.0.0.[12]"]}, True),
    ],
)
async def test_rules_on_a_section(section: str, rules: dict[str, list[str]], right: bool) -> None:
    ran = await of_sections(**{f"validate_{section}_rrs": rules})
    assert ran.success is right
    names = ("answer_rrs", "authority_rrs", "additional_rrs")
    assert [ran.value(f"probe_dns_{name}") for name in names] == [1, 2, 2]


@pytest.mark.parametrize("section", ["answer", "authority", "additional"])
@pytest.mark.parametrize(
    ("rule", "right"),
    [
        ("fail_if_matches_regexp", True), ("fail_if_all_match_regexp", True),
        ("fail_if_not_matches_regexp", False), ("fail_if_none_matches_regexp", False),
    ],
)  # fmt: skip
async def test_rules_on_an_empty_section(section: str, rule: str, right: bool) -> None:
    ran = await asked("refused.test", valid_rcodes=["REFUSED"], **{f"validate_{section}_rrs": {rule: ["x"]}})
    assert ran.success is right


async def test_rules_are_not_asked_after_a_wrong_rcode() -> None:
    assert not (await asked("none.test", validate_answer_rrs={"fail_if_not_matches_regexp": ["x"]})).said(
        "section"
    )


async def test_classes_other_than_in() -> None:
    ran = await of_sections(
        query_class="CH", query_name="version.bind", query_type="TXT",
        validate_answer_rrs={"fail_if_not_matches_regexp": ['^version.bind.\t0\tCH\tTXT\t"9.18"$']},
    )  # fmt: skip
    assert ran.success


# --- serial numbers, phases, families ---------------------------------------------------------------------


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_serial_number_is_shown_for_soa_queries_with_an_answer(transport: str) -> None:
    assert (await asked(kind="SOA", transport_protocol=transport)).value("probe_dns_serial") == 1234
    assert not (await asked(transport_protocol=transport)).has("probe_dns_serial")
    assert (await asked("none.test", kind="SOA", transport_protocol=transport)).value("probe_dns_serial") == 0
    with refused() as dead:
        under_test = module("dns", query_name="good.test", query_type="SOA", transport_protocol=transport)
        assert not (await run_probe(under_test, dead.address)).has("probe_dns_serial")


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_names_and_phases(transport: str) -> None:
    ran = await asked(transport_protocol=transport)
    assert {name for name, _ in ran.samples} == {
        "probe_dns_additional_rrs", "probe_dns_answer_rrs", "probe_dns_authority_rrs", "probe_dns_duration_seconds",
        "probe_dns_lookup_time_seconds", "probe_dns_query_succeeded", "probe_duration_seconds", "probe_ip_addr_hash",
        "probe_ip_protocol", "probe_success", "probe_timeout_seconds",
    }  # fmt: skip
    assert sorted(each["phase"] for each in ran.labels("probe_dns_duration_seconds")) == [
        "connect", "request", "resolve",
    ]  # fmt: skip
    assert all(ran.value("probe_dns_duration_seconds", phase=phase) > 0 for phase in ("connect", "request"))


async def test_phases_are_0_where_the_server_has_no_address() -> None:
    ran = await run_probe(module("dns", query_name="good.test"), "no..name")
    for phase in ("connect", "request", "resolve"):
        assert ran.value("probe_dns_duration_seconds", phase=phase) == 0
    assert ran.has("probe_dns_lookup_time_seconds")


@pytest.mark.parametrize(
    ("preferred", "fallback", "family"),
    [("ip4", True, 4), ("ip6", True, 6), ("ip4", False, 4), ("ip6", False, 6)],
)
async def test_families(preferred: str, fallback: bool, family: int) -> None:
    options = {
        "preferred_ip_protocol": preferred,
        "ip_protocol_fallback": fallback,
        "query_name": "good.test",
    }
    async with dns_peer(ZONE) as peer:
        ran = await run_probe(
            module("dns", **options), f"both.test:{peer.port}", resolver=NAMES, timeout_us=300_000
        )
    assert ran.value("probe_ip_protocol") == family
    assert ran.success is (family == 4)  # nobody answers at ::1


@pytest.mark.parametrize(("ca", "right"), [(CA, True), ({}, False)])
async def test_over_tls(ca: dict[str, str], right: bool) -> None:
    async with dns_peer(ZONE, tls=certificates().valid.server_context()) as peer:
        options = {"dns_over_tls": True, "transport_protocol": "tcp", "tls_config": ca, "query_name": "good.test",
                   "query_type": "A"}  # fmt: skip
        ran = await run_probe(module("dns", **options), f"localhost:{peer.tls_port}", resolver=NAMES)
    assert ran.success is right
    assert ran.value("probe_dns_answer_rrs") == (2 if right else 0)


async def test_the_query_goes_from_the_modules_source_address() -> None:
    async with dns_peer(ZONE) as peer:
        options = {"query_name": "good.test", "query_type": "A", "source_ip_address": "127.0.0.9"}
        assert (await run_probe(module("dns", **options), peer.address)).success
        assert peer.queries[0].peer[0] == "127.0.0.9"


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_an_address_that_is_refused_is_never_asked(transport: str) -> None:
    async with dns_peer(ZONE) as peer:
        under_test = module("dns", query_name="good.test", transport_protocol=transport)
        ran = await run_probe(under_test, peer.address, refuses=lambda host: "private")
        assert (ran.sight.void or "").startswith("agent_forbidden")
        assert peer.queries == []
