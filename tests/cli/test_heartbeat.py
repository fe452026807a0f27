"""The commands and a heartbeat: it is called, so there is nothing to look at."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.commands import prober_beside
from support.configs import loaded

from prober.cli.command import CannotGoOn
from prober.cli.targets import from_config

BACKUP = "  - {name: backup, heartbeat: {token: 0123456789abcdef, period: 1h}}\n"
WEB = "  - {name: web, tcp: {address: '127.0.0.1:9'}}\n"


async def test_checking_it_by_name_says_that_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "probes.yaml").write_text("probes:\n" + BACKUP)
    said = await prober_beside("check", "backup", "--config", str(tmp_path / "probes.yaml"))
    assert said.code == 2
    assert "probe 'backup' is a heartbeat: its job calls the daemon, there is nothing to look at" in said.err
    assert "0123456789abcdef" not in said.out + said.err


async def test_it_is_a_sound_configuration(tmp_path: Path) -> None:
    (tmp_path / "probes.yaml").write_text("probes:\n" + BACKUP)
    said = await prober_beside("validate", "--config", str(tmp_path / "probes.yaml"))
    assert said.code == 0


def test_checking_everything_leaves_it_out() -> None:
    targets = from_config([], loaded("probes:\n" + BACKUP + WEB), None)
    assert [target.name for target in targets] == ["web"]


def test_checking_everything_says_so_where_there_is_nothing_else() -> None:
    with pytest.raises(CannotGoOn, match="its job calls the daemon"):
        from_config([], loaded("probes:\n" + BACKUP), None)
