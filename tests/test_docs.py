"""What the documents tell a reader to type exists. Whether it works is for the tests of each command."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def make_targets() -> set[str]:
    """Return the targets that `make help` lists."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z0-9-]+):.*## ", text, re.MULTILINE))


def commands(path: Path) -> list[str]:
    """Return the command lines in a document's shell blocks, prompts and comments removed."""
    blocks = re.findall(
        r"^```(?:sh|shell|console|bash)\n(.*?)^```", path.read_text(encoding="utf-8"), re.M | re.S
    )
    lines = [
        line.removeprefix("$ ").partition("  #")[0].strip() for block in blocks for line in block.splitlines()
    ]
    return [line for line in lines if line and not line.startswith("#")]


def documents() -> list[Path]:
    """Return the documents that tell a reader what to type."""
    return [
        ROOT / "README.md",
        *sorted((ROOT / "docs").glob("*.md")),
        *sorted((ROOT / "deploy").rglob("*.md")),
    ]


def test_the_readme_shows_the_commands_of_a_first_visit() -> None:
    shown = {command.split()[1] for command in commands(ROOT / "README.md") if command.startswith("make ")}
    assert {"demo", "test", "run"} <= shown


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
def test_every_make_target_of_a_document_exists(path: Path) -> None:
    named = {command.split()[1] for command in commands(path) if command.startswith("make ")}
    assert named - make_targets() == set()


def test_every_target_is_declared_phony() -> None:
    """A file that happens to be called `test` must not stop `make test`."""
    (phony,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert make_targets() <= set(phony.split())
