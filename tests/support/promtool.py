"""Rule files tried by Prometheus's own tool: whether it takes them, and what they say of series that are made up."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

DEADLINE_SECONDS = 120


def promtool() -> str:
    """Return where promtool is; skip with what to install."""
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("missing component: prometheus (hint: make e2e as root on Debian installs it)")
    return found


def check(paths: Sequence[Path]) -> tuple[int, str]:
    """Return what `promtool check rules` makes of files: exit code and words."""
    return _run("check", "rules", *map(str, paths))


def _run(*arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        (promtool(), *arguments), capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False
    )
    return done.returncode, done.stdout + done.stderr


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Series told sample by sample (`0x3 1x4`: three more zeros, then 1 and four more), and which alerts fire when.

    `fires`: by time of asking, the severities of `ContractBudgetBurns`, or another alert as `Name/severity`.
    """

    name: str
    series: Mapping[str, str]
    fires: Mapping[str, Sequence[str]]
    contract: str = "gold"
    service: str = "shop"
    every: str = "1m"

    def test(self) -> dict[str, Any]:
        """Return the story as promtool reads it."""
        return {
            "name": self.name,
            "interval": self.every,
            "input_series": [{"series": key, "values": values} for key, values in self.series.items()],
            "promql_expr_test": [
                {"expr": 'ALERTS{alertstate="firing"}', "eval_time": at, "exp_samples": self._samples(alerts)}
                for at, alerts in self.fires.items()
            ],
        }

    def _samples(self, alerts: Iterable[str]) -> list[dict[str, Any]]:
        named = (alert if "/" in alert else f"ContractBudgetBurns/{alert}" for alert in alerts)
        return [
            {
                "labels": f'ALERTS{{alertname="{name}",alertstate="firing",contract="{self.contract}",'
                f'service="{self.service}",severity="{severity}"}}',
                "value": 1,
            }
            for name, _, severity in (alert.partition("/") for alert in named)
        ]


def told(folder: Path, rules: str, stories: Sequence[Story], evaluated: str = "15s") -> tuple[int, str]:
    """Return what `promtool test rules` makes of stories: exit code, and what was not as told."""
    (folder / "rules.yml").write_text(rules, encoding="utf-8")
    tests = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": evaluated,
        "tests": [story.test() for story in stories],
    }
    path = folder / "test.yml"
    path.write_text(json.dumps(tests), encoding="utf-8")  # JSON is YAML
    return _run("test", "rules", str(path))
