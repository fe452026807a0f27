"""The deployment files agree with the tree and with each other; tests/e2e asks their own tools."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from prober.agent.options import DEFAULT_FOLDER

ROOT = Path(__file__).resolve().parent.parent.parent
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")


def load(path: Path) -> Any:  # Any: a YAML document of another program's format
    return yaml.safe_load(path.read_text(encoding="utf-8"))


COMPOSE = load(DEPLOY / "compose.yaml")
REGIONS = load(DEPLOY / "regions" / "compose.yaml")


def copied_from_the_tree() -> set[str]:
    """Return what the Dockerfile copies out of the build context."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
    return {source for line in lines for source in line.split()[:-1]}


def test_the_builder_is_given_what_the_dockerfile_copies() -> None:
    """`.dockerignore` keeps everything out that it does not name."""
    let_in = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE))
    assert copied_from_the_tree() == let_in
    assert [source for source in copied_from_the_tree() if not (ROOT / source).exists()] == []


def test_the_image_is_built_with_the_tool_of_the_pins() -> None:
    (pin,) = re.findall(
        r"^hatchling==.+$", (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8"), re.M
    )
    assert pin in DOCKERFILE


def test_the_final_image_runs_unprivileged_and_carries_no_build_step() -> None:
    final = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER [1-9][0-9]*:[1-9][0-9]*$", final, re.MULTILINE)
    assert "HEALTHCHECK" in final
    assert "/healthz" in final
    assert "pip" not in final


def test_compose_mounts_files_that_exist_and_writes_only_to_volumes() -> None:
    for service in COMPOSE["services"].values():
        assert service["read_only"] is True
        for source, _, rest in (volume.partition(":") for volume in service["volumes"]):
            if source.startswith("."):
                assert (DEPLOY / source).exists(), source
                assert rest.endswith(":ro"), source
            else:
                assert source in COMPOSE["volumes"]


def test_prometheus_in_compose_sees_the_internal_listener_on_loopback() -> None:
    """The internal listener is never published: Prometheus shares the daemon's network instead."""
    services = COMPOSE["services"]
    assert services["prometheus"]["network_mode"] == "service:prober"
    assert not any("8081" in port for port in services["prober"]["ports"])
    scraped = load(DEPLOY / "prometheus" / "prometheus.yml")["scrape_configs"]
    assert scraped[0]["static_configs"] == [{"targets": ["127.0.0.1:8081"]}]


def test_every_alert_is_tried() -> None:
    """Each alert has a case in which it fires, a severity, and words for people."""
    rules = [
        rule for group in load(DEPLOY / "prometheus/rules/prober.yml")["groups"] for rule in group["rules"]
    ]
    cases = [
        case
        for test in load(DEPLOY / "prometheus/rules/prober_test.yml")["tests"]
        for case in test["alert_rule_test"]
    ]
    for rule in rules:
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert {"summary", "description"} == set(rule["annotations"])
        assert any(case["alertname"] == rule["alert"] and case["exp_alerts"] for case in cases), rule["alert"]


def settings_of(name: str) -> dict[str, str]:
    """Return what a unit sets; of what is set twice the last."""
    text = (DEPLOY / "systemd" / name).read_text(encoding="utf-8")
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))


def test_the_unit_waits_longer_than_draining_takes_and_keeps_the_watchdog() -> None:
    settings = settings_of("prober.service")
    assert settings["Type"] == "notify"
    assert int(settings["WatchdogSec"].removesuffix("s")) > 0
    assert int(settings["TimeoutStopSec"].removesuffix("s")) > 5
    assert settings["ExecStart"].endswith("prober run --config /etc/prober/probes.yaml")


@pytest.mark.parametrize(("unit", "variable"), [
    ("prober.service", "PROBER_STORE__URL=sqlite:///%S/{folder}/"),
    ("prober-agent.service", "PROBER_AGENT_SPOOL=%S/{folder}"),
])  # fmt: skip
def test_what_a_unit_writes_lies_in_the_one_folder_that_it_may_write_to(unit: str, variable: str) -> None:
    settings = settings_of(unit)
    assert settings["ProtectSystem"] == "strict"
    assert settings["Environment"].startswith(variable.format(folder=settings["StateDirectory"]))


def test_the_unit_of_an_agent_gives_nobody_the_token_and_never_gives_up() -> None:
    settings = settings_of("prober-agent.service")
    credential = settings["LoadCredential"].partition(":")[0]
    assert settings["ExecStart"].endswith(
        f"prober agent --token-file ${{CREDENTIALS_DIRECTORY}}/{credential}"
    )
    assert (settings["Restart"], settings["StartLimitIntervalSec"]) == ("always", "0")
    assert "RestartPreventExitStatus" not in settings
    daemons = settings_of("prober.service")
    limits = {"LimitNOFILE", "TasksMax", "MemoryHigh", "MemoryMax"}
    own = limits | {
        "Description",
        "ExecStart",
        "LoadCredential",
        "EnvironmentFile",
        "Environment",
        "RestartSec",
    }
    folders = {"StateDirectory", "StateDirectoryMode", "WorkingDirectory", "UMask"}
    shared = settings.keys() - own - folders
    assert {name: settings[name] for name in shared} == {name: daemons[name] for name in shared}


def test_the_image_keeps_the_state_of_a_daemon_and_of_an_agent_in_volumes() -> None:
    final = DOCKERFILE.rpartition("\nFROM ")[2]
    (line,) = re.findall(r"^VOLUME (.+)$", final, re.MULTILINE)
    volumes = json.loads(line)
    assert str(DEFAULT_FOLDER) in volumes
    (store,) = re.findall(r"PROBER_STORE__URL=sqlite:///(\S+)", final)
    assert str(Path(store).parent) in volumes
    for volume in volumes:
        assert re.search(rf"install -d -o prober -g prober -m 07[05]0 {volume}\b", final)


def test_an_agent_of_the_compose_file_is_contained_opens_no_port_and_has_a_spool_of_its_own() -> None:
    services, secrets = REGIONS["services"], REGIONS["secrets"]
    regions = list(load(DEPLOY / "regions" / "probes.yaml")["regions"])
    assert [name for name in services if name != "hub"] == regions
    for service in services.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]
    for region in regions:
        agent = services[region]
        assert "ports" not in agent
        assert agent["command"] == ["agent"]
        assert f"{region}:{DEFAULT_FOLDER}" in agent["volumes"]
        assert agent["environment"]["PROBER_AGENT_REGION"] == region
        assert agent["environment"]["PROBER_AGENT_TOKEN_FILE"] == f"/run/secrets/{agent['secrets'][0]}"
        assert secrets[agent["secrets"][0]]["file"] == f"secrets/{region}.token"
    assert REGIONS["volumes"].keys() == {"hub", *regions}


def test_nothing_secret_of_the_regions_is_taken_into_the_repository() -> None:
    ignored = (DEPLOY / "regions" / ".gitignore").read_text(encoding="utf-8").split()
    assert ignored == ["/secrets/"]
