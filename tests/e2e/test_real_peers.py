"""Checks against a real nginx and a real knot, judged beside the real blackbox exporter on the same targets."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.rig import Missing, Targets, process, program, targets, wait_for
from support.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
MODULES = """
modules:
  plain: {{prober: http, timeout: 5s, http: {{preferred_ip_protocol: ip4}}}}
  trusted: {{prober: http, timeout: 5s, http: {{preferred_ip_protocol: ip4, tls_config: {{ca_file: {ca}}}}}}}
  words: {{prober: http, timeout: 5s, http: {{preferred_ip_protocol: ip4, fail_if_body_not_matches_regexp: [absent]}}}}
  tcp: {{prober: tcp, timeout: 5s, tcp: {{preferred_ip_protocol: ip4}}}}
  name: {{prober: dns, timeout: 5s, dns: {{preferred_ip_protocol: ip4, query_name: www.example, query_type: A}}}}
  no-name: {{prober: dns, timeout: 5s, dns: {{preferred_ip_protocol: ip4, query_name: none.example, query_type: A}}}}
"""
# Our probe, the exporter's module, its target, and whether the target is good.
CASES = {
    "plain": ('http: {{url: "http://127.0.0.1:{http}/"}}', "http://127.0.0.1:{http}/", True),
    "trusted": (
        'http: {{url: "https://localhost:{https}/", ip: ip4, tls: {{ca_file: {ca}}}}}',
        "https://localhost:{https}/",
        True,
    ),
    "words": (
        'http: {{url: "http://127.0.0.1:{http}/", expect: {{body: {{contains: absent}}}}}}',
        "http://127.0.0.1:{http}/",
        False,
    ),
    "tcp": ('tcp: {{address: "127.0.0.1:{http}"}}', "127.0.0.1:{http}", True),
    "name": ('dns: {{name: www.example, server: "127.0.0.1:{dns}"}}', "127.0.0.1:{dns}", True),
    "no-name": ('dns: {{name: none.example, server: "127.0.0.1:{dns}"}}', "127.0.0.1:{dns}", False),
}


@pytest.fixture(scope="module")
def where() -> Iterator[Targets]:
    """Run nginx and knot."""
    try:
        running = targets()
        for name in ("nginx", "knotd", "prometheus-blackbox-exporter"):
            program(name)
    except Missing as problem:
        pytest.skip(str(problem))
    with running as found:
        yield found


def filled(text: str, where: Targets) -> str:
    return text.format(http=where.http, https=where.https, dns=where.dns, ca=where.ca_file)


@pytest.fixture(scope="module")
def exporter(where: Targets, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run the exporter; gives its address."""
    modules = tmp_path_factory.mktemp("exporter") / "blackbox.yml"
    modules.write_text(MODULES.format(ca=where.ca_file))
    address = f"http://127.0.0.1:{free_port()}"
    listen = f"--web.listen-address={address.removeprefix('http://')}"
    with process(program("prometheus-blackbox-exporter"), f"--config.file={modules}", listen):
        wait_for(f"{address}/-/healthy")
        yield address


@pytest.fixture(scope="module")
def ours(where: Targets, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    """Run every probe once by `prober check --json`."""
    folder = tmp_path_factory.mktemp("ours")
    probes = "".join(
        f"  - name: {name}\n    {filled(block, where)}\n" for name, (block, _, _) in CASES.items()
    )
    (folder / "probes.yaml").write_text(f"probes:\n{probes}")
    command = [sys.executable, "-m", "prober", "check", "--json", "--config", str(folder / "probes.yaml")]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60, check=False)
    assert made.returncode == 1, made.stderr  # two of them fail on purpose
    return {run["probe"]: run for run in map(json.loads, made.stdout.splitlines())}


@pytest.mark.parametrize("name", CASES)
def test_both_say_the_same_of_a_real_target(
    name: str, where: Targets, exporter: str, ours: dict[str, dict[str, object]]
) -> None:
    _, target, is_good = CASES[name]
    query = urllib.parse.urlencode({"module": name, "target": filled(target, where)})
    with urllib.request.urlopen(f"{exporter}/probe?{query}", timeout=20) as answer:
        theirs = re.search(r"^probe_success (\d)", answer.read().decode(), re.MULTILINE)
    assert theirs is not None
    assert (theirs[1] == "1") == is_good
    assert (ours[name]["outcome"] == "pass") == is_good


def test_the_certificate_and_the_version_are_those_of_nginx(ours: dict[str, dict[str, object]]) -> None:
    facts = ours["trusted"]["facts"]
    assert isinstance(facts, dict)
    assert facts["tls_version"] == "TLSv1.3"
    assert "localhost" in facts["certificate"]["sans"]
    assert facts["certificate"]["days"] > 300
