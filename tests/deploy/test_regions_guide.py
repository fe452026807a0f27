"""What `docs/regions.md` and `deploy/README.md` name exists: alerts, metrics, arguments, keys, words of the log."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support.documents import blocks

from prober.agent.spool_limits import MEMORY_BYTES, SpoolLimits
from prober.cli.commands.agent import COMMAND
from prober.config.operations import AgentsBlock
from prober.config.probes import DefaultsBlock
from prober.config.regions import RegionBlock
from prober.wire import Missed

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "regions.md").read_text(encoding="utf-8")
README = (ROOT / "deploy" / "README.md").read_text(encoding="utf-8")
FAULTS = GUIDE.partition("## What each fault looks like")[2]
RULES = (ROOT / "deploy" / "prometheus" / "rules" / "prober.yml").read_text(encoding="utf-8")
SOURCE = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "prober").rglob("*.py")))
BOTH = pytest.mark.parametrize("text", [GUIDE, README], ids=["guide", "readme"])


def keys(block: type[AgentsBlock | DefaultsBlock | RegionBlock]) -> set[str]:
    """Return the keys of a section of the configuration."""
    return {field.alias or name for name, field in block.model_fields.items()}


def test_every_alert_that_a_fault_names_exists_and_every_alert_about_regions_is_named() -> None:
    defined = re.findall(r"- alert: (\w+)", RULES)
    named = set(re.findall(r"`([A-Z][A-Za-z]+)`", FAULTS))
    assert named <= set(defined)
    of_regions = {name for name in defined if name.startswith(("ProberAgent", "ProberRegion", "ProberAll"))}
    assert of_regions - named == {"ProberAgentSpoolGrows"}  # of a hub that is too slow: no fault of a region


@BOTH
def test_every_metric_that_is_named_exists(text: str) -> None:
    assert [name for name in re.findall(r"`(prober_[a-z_]+)`", text) if f'"{name}"' not in SOURCE] == []


@BOTH
def test_every_argument_of_an_agent_exists(text: str) -> None:
    parser = argparse.ArgumentParser()
    COMMAND.arguments(parser)
    known = {option for action in parser._actions for option in action.option_strings}
    commands = [line for line in re.sub(r"\\\n\s+", "", text).splitlines() if line.startswith("prober agent")]
    named = re.findall(r"`(--[a-z-]+)`", text) + [
        word for line in commands for word in re.findall(r"--[a-z-]+", line)
    ]
    assert named
    assert set(named) <= known
    variables = {f"PROBER_AGENT_{option[2:].replace('-', '_').upper()}" for option in known}
    assert set(re.findall(r"PROBER_AGENT_[A-Z_]+", text)) <= variables


def test_every_key_that_the_guide_names_exists() -> None:
    assert set(re.findall(r"`agents\.([a-z_]+)`", GUIDE)) <= keys(AgentsBlock)
    for key in ("down_when", "min_regions", "regions", "confirm"):
        assert f"`{key}" in GUIDE
        assert key in keys(DefaultsBlock)
    assert "agents" in keys(RegionBlock)


def test_limits_and_defaults_are_those_of_the_program() -> None:
    limits, agents = SpoolLimits(), AgentsBlock()
    assert f"`--spool-size` ({limits.max_bytes // 2**30}GiB" in GUIDE
    assert f"`--spool-age` ({limits.max_age_us // 86_400_000_000}d)" in GUIDE
    assert f"`agents.max_clock_offset` ({agents.max_clock_offset_us // 1_000_000} s" in GUIDE
    assert f"`agents.settle_after` ({agents.settle_after_us // 86_400_000_000} days)" in GUIDE
    assert f"`agents.forget_after` ({agents.forget_after_us // 86_400_000_000} days)" in GUIDE


def test_what_waits_in_memory_lasts_as_long_as_is_said() -> None:
    per_second = 1000 / 30 * 250  # bytes of HTTPS results, see `SpoolLimits`
    assert 14 * 60 < MEMORY_BYTES / per_second < 18 * 60
    assert f"({MEMORY_BYTES // 2**20} MB, a quarter of an hour of 1,000 probes at 30 s)" in GUIDE


@pytest.mark.skipif(
    shutil.which("openssl") is None, reason="missing component: openssl (hint: apt install openssl)"
)
def test_the_block_of_certificates_replaces_nothing_when_it_is_run_again(tmp_path: Path) -> None:
    (block,) = blocks(ROOT / "deploy" / "README.md", "Certificates and tokens")
    secrets = tmp_path / "deploy" / "regions" / "secrets"
    secrets.parent.mkdir(parents=True)
    for number in range(2):
        done = subprocess.run(("sh", "-c", block), cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert (done.returncode == 0) is (number == 0)
        found = {path.name: path.read_bytes() for path in secrets.iterdir()}
        if number == 0:
            first = found
            assert {"ca.pem", "ca.key", "hub.pem", "hub.key", "hub.env", "fra.token"} <= set(found)
            assert found["hub.env"].count(b"_TOKEN_SHA256=") == 3
    assert found == first


def test_what_the_log_is_said_to_say_it_says() -> None:
    quoted = [
        "connected to the hub", "lost the hub", "no link to the hub", "no agent has been heard of",
        "batches wait in memory", "its results are void", "the hub does not know this token",
        "some probes cannot be run by this release", "are kept aside",
        "another link of this agent took the place",
    ]  # fmt: skip
    one_line = re.sub(r'"\s*f?"', "", SOURCE)
    assert [words for words in quoted if words not in GUIDE] == []
    assert [words for words in quoted if words not in one_line] == []


def test_the_reasons_of_missed_slots_are_those_of_the_wire() -> None:
    assert set(re.findall(r"missed, `(\w+)`", GUIDE)) <= {reason.value for reason in Missed}
