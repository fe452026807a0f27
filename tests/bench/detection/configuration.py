"""The daemon's probes.yaml for a table of scenarios: three regions, one probe for each scenario and policy. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from bench.detection.names import ADDRESS
from bench.detection.pages import FORBIDDEN, KEYWORD
from bench.detection.scenarios import POLICIES, REGIONS, Policy, Scenario

INTERVAL_US = 1_000_000
TIMEOUT_US = 800_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where the target listens; `own` by host."""

    web: int
    secure: int
    ns1: int
    ns2: int
    own: Mapping[str, int]
    ca_file: Path


def configuration(scenarios: Sequence[Scenario], places: Places) -> str:
    """Return the YAML text, without `listen`."""
    servers = [f"{ADDRESS}:{port}" for port in (places.ns1, places.ns2)]
    tree = {
        "regions": {
            name: {"local": True, "source_address": source, "resolver": {"servers": servers}}
            for name, source in REGIONS.items()
        },
        "defaults": {"interval": _ms(INTERVAL_US), "timeout": _ms(TIMEOUT_US)},
        "probes": [_probe(scenario, policy, places) for scenario in scenarios for policy in POLICIES],
    }
    return yaml.safe_dump(tree, sort_keys=False, width=1_000)


def _probe(scenario: Scenario, policy: Policy, places: Places) -> dict[str, Any]:  # Any: YAML
    return {
        "name": scenario.probe_name(policy.name),
        "regions": list(policy.regions),
        "schedule": policy.schedule,
        "down_when": policy.needed,
        "confirm": {"retries": policy.retries, "after": _ms(policy.retry_after_us)},
        "recheck": _ms(policy.recheck_us) if policy.recheck_us else "never",
        **filled(scenario.probe, scenario.host(policy.name), places),
    }


def filled(value: Any, host: str, places: Places) -> Any:  # Any: YAML
    """Return a block with its placeholders filled in."""
    if isinstance(value, dict):
        return {key: filled(below, host, places) for key, below in value.items()}
    if isinstance(value, list):
        return [filled(below, host, places) for below in value]
    if value == "{forbidden}":
        return list(FORBIDDEN)
    if not isinstance(value, str):
        return value
    words = {
        "{host}": host,
        "{web}": str(places.web),
        "{secure}": str(places.secure),
        "{own}": str(places.own.get(host, 0)),
        "{ns1}": f"{ADDRESS}:{places.ns1}",
        "{ns2}": f"{ADDRESS}:{places.ns2}",
        "{ca_file}": str(places.ca_file),
        "{keyword}": KEYWORD,
    }
    for mark, word in words.items():
        value = value.replace(mark, word)
    return value


def _ms(us: int) -> str:
    return f"{us // 1000}ms"
