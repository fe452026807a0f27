"""`prober agent`: wrong use is said in two lines with exit code 2, and no token is ever printed."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.commands import prober
from support.ports import free_port

TOKEN = "a-token-that-nobody-sees"
HUB = "http://127.0.0.1:1"


def agent(*arguments: str, folder: Path, **environ: str) -> tuple[int, str]:
    """Run the command to its end; returns the exit code and the errors."""
    given = {"PROBER_AGENT_TOKEN": TOKEN, **{f"PROBER_AGENT_{name}": text for name, text in environ.items()}}
    said = prober("agent", *arguments, environ=given, folder=folder)
    assert said.out == ""
    assert TOKEN not in said.err
    return said.code, said.err


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        ((), "--region is missing", "or set $PROBER_AGENT_REGION"),
        (("--region", "fra"), "--hub is missing", "or set $PROBER_AGENT_HUB"),
        (("--region", "fra", "--hub", "nowhere"), "--hub is not the address of a hub", "such as https://"),
        (("--region", "fra", "--hub", HUB, "--name", "hub"), "the name hub is the hub's own", "another --name"),
        (("--region", "fra", "--hub", HUB, "--log-format", "xml"), "--log-format is not one of auto, human, json", ""),
        (("--region", "fra", "--token", TOKEN), "a token does not belong on a command line", "or --token-file FILE"),
        ((f"--token={TOKEN}",), "a token does not belong on a command line", "or --token-file FILE"),
    ],
)  # fmt: skip
def test_wrong_use_is_said_in_two_lines(
    tmp_path: Path, arguments: tuple[str, ...], error: str, hint: str
) -> None:
    said = prober("agent", *arguments, environ={"PROBER_AGENT_TOKEN": TOKEN}, folder=tmp_path)
    assert said.code == 2
    assert TOKEN not in said.err
    first, *rest = said.err.splitlines()
    assert first.startswith(f"error: {error}")
    assert len(rest) == bool(hint)
    assert all(hint in line for line in rest)


def test_a_spool_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for spool, error, hint in (
        (
            "file/spool",
            "cannot make the spool's folder file/spool: not a directory",
            "the agent's user needs to write",
        ),
        ("file", "file is not a folder", "--spool names the folder where results wait"),
    ):
        code, errors = agent("--region", "fra", "--hub", HUB, "--spool", spool, folder=tmp_path)
        assert code == 2
        first, second = errors.splitlines()
        assert first == f"error: {error}"
        assert second.startswith(f"hint: {hint}")


def test_help_says_what_is_needed_and_gives_an_example() -> None:
    text = prober("agent", "--help").out
    assert text.splitlines()[0] == "usage: prober agent --hub URL --region NAME [option ...]"
    assert "prober agent --hub https://hub.example:8443 --region fra --token-file token" in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_a_hub_without_tls_elsewhere_has_to_be_wanted(tmp_path: Path) -> None:
    code, errors = agent("--region", "fra", "--hub", "http://192.0.2.1:8443", folder=tmp_path)
    assert code == 2
    assert errors.startswith(
        "error: the token and all results would travel in the clear to http://192.0.2.1:8443\nhint: "
    )


def test_a_ca_file_that_is_none_ends_a_first_start(tmp_path: Path) -> None:
    arguments = ("--ca-file", "none.pem", "--spool", "spool", "--log-level", "error")
    hub = f"https://127.0.0.1:{free_port()}"
    code, errors = agent(*arguments, folder=tmp_path, HUB=hub, REGION="fra")
    assert code == 2
    assert errors.splitlines() == [  # and it is not told a second time in the log
        "error: none.pem cannot be used: no such file or directory",
        "hint: --ca-file names a PEM file with the authority that signed the hub's certificate",
    ]
