"""The command line as a whole: help, exit codes, errors and hints, and what it must not load."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import ROOT, environment, prober

from prober import __version__
from prober.cli.parser import all_commands, build

HEAVY = (
    "aiohttp",
    "pydantic",
    "rich",
    "msgspec",
    "yaml",
    "asyncio",
    "OpenSSL",
    "dns",
    "uvloop",
    "checks",
    "logging",
)


def test_help_and_every_module_of_a_command_load_nothing_heavy() -> None:
    script = (
        "import sys, prober.__main__\n"
        "from prober.cli.parser import build\n"
        "build().format_help()\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = subprocess.run(
        (sys.executable, "-c", script),
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == "[]"


def test_help_names_every_file_of_a_command() -> None:
    files = {path.stem.rstrip("_") for path in (ROOT / "prober" / "cli" / "commands").glob("[!_]*.py")}
    assert {command.name for command in all_commands()} == files
    text = build().format_help()
    assert [name for name in files if f"\n    {name} " not in text] == []
    assert prober("--help").out == text


@pytest.mark.parametrize("command", [command.name for command in all_commands()])
def test_every_command_has_help(command: str) -> None:
    said = prober(command, "--help")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"usage: prober {command}")
    assert max(map(len, said.out.splitlines())) <= 80


def test_version() -> None:
    assert prober("--version").out == f"prober {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        ((), "the following arguments are required: COMMAND", "prober --help"),
        (("vaildate",), "no command named 'vaildate'", "did you mean prober validate?"),
        (("xyzzy",), "no command named 'xyzzy'", "prober --help"),
        (("check", "--jsn"), "unrecognized arguments: --jsn", "prober --help"),
        (("status", "--url"), "argument --url: expected one argument", "prober status --help"),
    ],
)
def test_wrong_use_is_said_in_two_lines_and_gives_2(
    arguments: tuple[str, ...], error: str, hint: str
) -> None:
    said = prober(*arguments)
    assert (said.code, said.out) == (2, "")
    assert said.err == f"error: {error}\nhint: {hint}\n"


def test_a_reader_that_has_enough_is_no_trouble() -> None:
    with subprocess.Popen(
        (sys.executable, "-m", "prober", "schema"),
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert (running.stderr.read(), running.wait(60)) == (b"", 0)


def test_the_schema_is_that_of_the_configuration() -> None:
    schema = json.loads(prober("schema").out)
    assert {"probes", "regions", "services"} <= set(schema["properties"])


def test_run_with_a_configuration_that_cannot_be_used_gives_2_and_every_fault(tmp_path: Path) -> None:
    path = tmp_path / "probes.yaml"
    path.write_text("probes:\n  - {name: web, tcp: {address: nowhere}}\nsrvices: []\n")
    said = prober("run", "--config", str(path))
    assert (said.code, said.out) == (2, "")
    assert [line.split(": ")[0] for line in said.err.splitlines()[:2]] == [f"{path}:2:32", f"{path}:3:1"]


def test_the_environment_names_the_configuration_and_the_command_line_wins(tmp_path: Path) -> None:
    for name, probe in (("a.yaml", "first"), ("b.yaml", "second")):
        (tmp_path / name).write_text(f"probes:\n  - {{name: {probe}, tcp: {{address: 'x.example:1'}}}}\n")
    environ = {"PROBER_CONFIG": str(tmp_path / "a.yaml")}
    assert "a.yaml can be used" in prober("validate", environ=environ).out
    assert (
        "b.yaml can be used" in prober("validate", "--config", str(tmp_path / "b.yaml"), environ=environ).out
    )
