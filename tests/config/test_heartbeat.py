"""Heartbeats in a configuration: what they may say, what means nothing for them, and whose token is whose."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.configs import faults_of, loaded

from checks.heartbeat import HeartbeatOptions
from prober.config import load

TOKEN = "0123456789abcdef"
ONE = f"probes:\n  - {{name: backup, heartbeat: {{token: {TOKEN}, period: 1h}}}}\n"
SECOND = "  - {name: report, heartbeat: {token: TOKEN, period: 1h}}\n"


def test_a_heartbeat_is_resolved_to_slots_of_its_period_in_the_hub() -> None:
    config = loaded(
        "defaults: {interval: 5s, regions: [local], confirm: {retries: 3}, down_when: 1 of 1}\n" + ONE
    )
    (probe,) = config.probes
    assert (probe.interval_us, probe.timeout_us, probe.regions) == (3_600_000_000, 60_000_000, ("hub",))
    assert (probe.schedule, probe.confirm.retries, probe.recheck_us) == ("end", 0, None)
    assert [region.name for region in config.regions] == ["local", "hub"]


def test_there_is_no_such_region_without_a_heartbeat() -> None:
    config = loaded("regions: {hub: {local: true}}\nprobes: [{name: a, tcp: {address: 'x:1'}}]\n")
    assert [region.name for region in config.regions] == ["hub"]


def test_probes_in_all_regions_are_not_in_the_hub() -> None:
    config = loaded(ONE + "  - {name: web, tcp: {address: 'x:1'}, regions: all}\n")
    assert config.probes[1].regions == ("local",)


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("interval: 5s", "write period in the heartbeat block"),
        ("timeout: 5s", "leave it out"),
        ("regions: all", "leave it out"),
        ("schedule: fixed", "leave it out"),
        ("confirm: {retries: 1}", "leave it out"),
        ("recheck: 5s", "leave it out"),
        ("down_when: any", "leave it out"),
    ],
)
def test_what_says_how_a_check_is_run_is_a_fault_beside_it(key: str, hint: str) -> None:
    (fault,) = faults_of(ONE.replace("name: backup", f"name: backup, {key}"))
    name = key.partition(":")[0]
    assert fault == (
        f"probes.yaml:2:20: probes.0.{name}: no agent runs a heartbeat, so it has no {name} ({hint})"
    )


def test_two_jobs_do_not_share_a_token() -> None:
    (fault,) = faults_of(ONE + SECOND.replace("TOKEN", TOKEN))
    assert fault == (
        "probes.yaml:3:39: probes.1.heartbeat.token: another probe has this token "
        "(first on line 2; give each job its own)"
    )
    assert faults_of(ONE + SECOND.replace("TOKEN", TOKEN + "0")) == []


def test_a_region_of_the_hubs_name_is_a_fault_beside_a_heartbeat() -> None:
    assert faults_of(ONE + "regions: {hub: {local: true}}\n") == [
        "probes.yaml:3:11: regions.hub: the name is taken: a heartbeat is there (name it otherwise)"
    ]


def test_a_token_from_the_environment_is_not_shown_in_a_fault() -> None:
    (fault,) = faults_of(ONE.replace(TOKEN, '"${JOB}"'), {"JOB": "too-short"})
    assert "too-short" not in fault
    assert "from 16 to 128 characters" in fault


def test_a_token_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "job.token").write_text(TOKEN + "\n")
    (tmp_path / "probes.yaml").write_text(ONE.replace(f"token: {TOKEN}", "token_file: job.token"))
    options = load(tmp_path / "probes.yaml", {}).probes[0].options
    assert isinstance(options, HeartbeatOptions)
    assert options.token.reveal() == TOKEN


def test_a_contract_may_be_about_it() -> None:
    services = "services: [{name: nightly, probes: [backup]}]\n"
    contract = "contracts: [{name: c, service: nightly, claim: '99%', effective: {from: 2026-01-01}}]\n"
    assert faults_of(ONE + services + contract) == []
