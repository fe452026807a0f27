"""The dns check's DNSSEC and serials against zones that a real knot signs, by NSEC and by NSEC3."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dns.dnssec
import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rdatatype
import pytest
from bench.rig import Missing, process, program
from support.looks import codes, look
from support.ports import LOOPBACK, free_port

from checks.core.result import Outcome, Result
from checks.dns import DnsCheck, DnsOptions

PATIENCE_SECONDS = 20
ZONES = ("nsec", "nsec3", "open")
ZONE = """$ORIGIN {name}.
$TTL 300
@ SOA ns hostmaster 7 3600 600 86400 300
@ NS ns
ns A 127.0.0.1
www A 203.0.113.7
alias CNAME www
plain NS ns.plain
ns.plain A 127.0.0.1
"""
CONF = """
server:
    listen: 127.0.0.1@{port}
    rundir: {folder}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: {folder}
log:
  - target: {folder}/knot.log
    any: error
policy:
  - id: nsec
    algorithm: ecdsap256sha256
  - id: nsec3
    algorithm: rsasha256
    nsec3: on
  - id: opt-out
    algorithm: ed25519
    nsec3: on
    nsec3-opt-out: on
template:
  - id: default
    dnssec-signing: on
    zonefile-sync: -1
zone:
  - domain: nsec
    file: {folder}/nsec.zone
    dnssec-policy: nsec
  - domain: nsec3
    file: {folder}/nsec3.zone
    dnssec-policy: nsec3
  - domain: open
    file: {folder}/open.zone
    dnssec-policy: opt-out
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run knot; gives its address once both zones are signed."""
    try:
        knotd = program("knotd")
    except Missing as problem:
        pytest.skip(str(problem))
    folder: Path = tmp_path_factory.mktemp("knot")
    port = free_port(kind=socket.SOCK_DGRAM)
    (folder / "knot.conf").write_text(CONF.format(port=port, folder=folder))
    for name in ZONES:
        (folder / f"{name}.zone").write_text(ZONE.format(name=name))
    with process(knotd, "-c", str(folder / "knot.conf")):
        address = f"{LOOPBACK}:{port}"
        for name in ZONES:
            anchor(address, name)
        yield address


def anchor(address: str, zone: str) -> str:
    """Return the DS record of the zone's key signing key; waits until there is one."""
    query = dns.message.make_query(zone, "DNSKEY", want_dnssec=True)
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            answer = dns.query.udp(query, LOOPBACK, port=int(address.rpartition(":")[2]), timeout=1)
            keys = [key for rrset in answer.answer if rrset.rdtype == dns.rdatatype.DNSKEY for key in rrset]
            key = next(key for key in keys if key.flags & 1)
        except (OSError, StopIteration, dns.exception.Timeout):
            assert time.monotonic() < until, "knot does not sign"
            time.sleep(0.1)
            continue
        return f"{zone}. DS {dns.dnssec.make_ds(f'{zone}.', key, 'SHA256').to_text()}"


async def ask(server: str, zone: str, name: str, **options: Any) -> Result:
    raw = {"name": f"{name}.{zone}" if name else zone, "server": server, **options}
    raw.setdefault("dnssec", {"anchors": [anchor(server, zone)]})
    return await look(DnsCheck(DnsOptions.model_validate(raw)))


@pytest.mark.parametrize("zone", ["nsec", "nsec3"])
@pytest.mark.parametrize(
    ("name", "rdtype", "rcode"),
    [
        ("www", "A", "NOERROR"),
        ("alias", "A", "NOERROR"),
        ("", "SOA", "NOERROR"),
        ("www", "AAAA", "NOERROR"),
        ("", "MX", "NOERROR"),
        ("nobody", "A", "NXDOMAIN"),
        ("no.body.here", "A", "NXDOMAIN"),
    ],
)
async def test_what_knot_signs_is_secure(server: str, zone: str, name: str, rdtype: str, rcode: str) -> None:
    result = await ask(server, zone, name, type=rdtype, expect={"rcodes": [rcode], "min_answers": 0})
    assert (result.outcome, result.failures) == (Outcome.PASS, ())
    assert result.facts["dnssec"] == "secure"


@pytest.mark.parametrize("zone", ["nsec", "nsec3"])
async def test_another_anchor_is_bogus(server: str, zone: str) -> None:
    other = "nsec3" if zone == "nsec" else "nsec"
    wrong = anchor(server, other).replace(f"{other}.", f"{zone}.", 1)
    result = await ask(server, zone, "www", dnssec={"anchors": [wrong]})
    assert codes(result) == ["dnssec_bogus"]


async def test_opt_out_leaves_the_absence_of_a_name_open(server: str) -> None:
    exists = await ask(server, "open", "www")
    no_type = await ask(server, "open", "www", type="AAAA", expect={"min_answers": 0})
    no_name = await ask(server, "open", "nobody", expect={"rcodes": ["NXDOMAIN"]})
    assert exists.facts["dnssec"] == no_type.facts["dnssec"] == "secure"
    assert codes(no_name) == ["dnssec_missing"]
    assert "opt-out" in no_name.failures[0].detail


@pytest.mark.parametrize("zone", ZONES)
async def test_a_delegation_without_ds_is_not_signed(server: str, zone: str) -> None:
    """Knot is not the server of the zone below, so its referral stands for the answer."""
    result = await ask(server, zone, "ns.plain", expect={"min_answers": 0})
    assert codes(result) == ["dnssec_missing"]
    left_open = "open. leaves open" if zone == "open" else f"plain.{zone}. is not signed"
    assert left_open in result.failures[0].detail


async def test_serials_are_compared(server: str) -> None:
    serials = {"servers": [server, server]}
    result = await ask(server, "nsec", "", type="SOA", serials=serials, dnssec=False)
    assert (result.outcome, result.failures) == (Outcome.PASS, ())
    assert result.facts["serials"][0]["serial"] == result.facts["serial"]
