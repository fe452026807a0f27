"""The deployment files agree with the tree and with each other; tests/e2e asks their own tools."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")


def load(path: Path) -> Any:  # Any: a YAML document of another program's format
    return yaml.safe_load(path.read_text(encoding="utf-8"))


COMPOSE = load(DEPLOY / "compose.yaml")


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


def test_the_unit_waits_longer_than_draining_takes_and_keeps_the_watchdog() -> None:
    text = (DEPLOY / "systemd" / "prober.service").read_text(encoding="utf-8")
    settings = dict(
        line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#")
    )
    assert settings["Type"] == "notify"
    assert int(settings["WatchdogSec"].removesuffix("s")) > 0
    assert int(settings["TimeoutStopSec"].removesuffix("s")) > 5
    assert settings["ExecStart"].endswith("prober run --config /etc/prober/probes.yaml")
