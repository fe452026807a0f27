"""What the documents tell a reader to type exists. Whether it works is for the tests of each command."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from prober.cli.parser import build
from prober.config import load

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


def prober_commands() -> list[tuple[str, str]]:
    """Return every `prober` command of the documents, comments and redirections removed, with its document's name."""
    found = []
    for path in documents():
        for command in commands(path):
            bare = re.split(r" [>|] ", command.removeprefix(".venv/bin/"))[0]
            if bare.startswith("prober "):
                found.append((path.name, bare))
    return found


@pytest.mark.parametrize(("document", "command"), prober_commands())
def test_every_command_of_a_document_is_understood(document, command):
    """With all of its options; what it then does is for its own tests."""
    assert build().parse_args(shlex.split(command, comments=True)[1:]).command


def test_documents_show_the_commands_that_customers_reports_take() -> None:
    shown = {command.split()[1] for _, command in prober_commands()}
    assert {"report", "maintenance", "rules", "import", "validate"} <= shown


def links(path: Path) -> list[str]:
    """Return where a document's links to other files of the repository lead, anchors removed."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    return [
        target.partition("#")[0] for target in targets if "://" not in target and not target.startswith("#")
    ]


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
def test_every_link_of_a_document_leads_to_a_file(path: Path) -> None:
    assert [link for link in links(path) if not (path.parent / link).exists()] == []


def test_the_readme_s_contract_can_be_used_with_its_own_probes(tmp_path: Path) -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.M | re.S)
    path = tmp_path / "probes.yaml"
    path.write_text("regions: {fra: {local: true}}\n" + "".join(blocks), encoding="utf-8")
    config = load(path, {})
    assert [contract.name for contract in config.contracts] == ["shop-gold"]


def test_every_folder_of_the_architecture_is_there() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:checks|reports|prober)/(?:[a-z_]+/)*)`", text)
    assert [folder for folder in named if not (ROOT / folder).is_dir()] == []
