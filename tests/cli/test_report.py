"""`prober report`: what cannot be made is refused before anything is written, and nothing is written by halves."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.commands import environment, prober, prober_beside
from support.measured import APRIL, CONFIG, HOUR_US, MARCH, S, desk, measured

FINAL_US = APRIL + HOUR_US + 15 * S
REPORT = ("report", "--contract", "silver", "--from", "2026-03-01T00:00:00Z", "--to", "2026-03-02T00:00:00Z")


async def one_day(folder: Path) -> None:
    """Leave a store with a day of results, and its configuration."""
    (folder / "probes.yaml").write_text(CONFIG)
    async with measured(folder) as store:
        _, config = desk(store.store)
        await store.measure(config, MARCH, MARCH + 24 * HOUR_US)


def into_full(*arguments: str, folder: Path) -> tuple[int, str]:
    """Run a command whose output has no room; returns its exit code and its complaint."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            (sys.executable, "-m", "prober", *arguments),
            cwd=folder, env=environment(), stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        )  # fmt: skip
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--format", "csv"), "error: csv makes 3 files\nhint: name a folder with -o\n"),
        (("--languages", "nowhere"), "error: nowhere is no folder\n"),
        (("--revision", "1", "--fresh"), "error: --revision and --fresh exclude each other\n"),
        (("--json", "--format", "md"), "error: --json and --format exclude each other\nhint: --format md,json\n"),
        (("--format", "md,"), "error: no format is named ''\nhint: known: json, html, pdf, csv, xlsx, md, terminal\n"),
        (("--language", "xx"), "error: there is no catalogue for the language 'xx'\nhint: there are: de, en, zh\n"),
    ],
)  # fmt: skip
async def test_what_cannot_be_meant_is_refused(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    await one_day(tmp_path)
    said = await prober_beside(*REPORT, *arguments, folder=tmp_path)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(words)
    assert said.err.count("hint:") == 1


async def test_json_said_twice_is_said_once(tmp_path: Path) -> None:
    await one_day(tmp_path)
    said = await prober_beside(*REPORT, "--json", "--format", "json", folder=tmp_path)
    assert json.loads(said.out)["contract"] == "silver", said.err


async def test_a_format_that_cannot_be_had_leaves_no_file_of_the_others(tmp_path: Path) -> None:
    await one_day(tmp_path)
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nsys.modules['openpyxl'] = None\nsys.modules['xlsxwriter'] = None\n"
    )
    more = {"PYTHONPATH": f"{tmp_path}:{environment()['PYTHONPATH']}"}
    said = await prober_beside(*REPORT, "--format", "md,xlsx", "-o", "out", folder=tmp_path, environ=more)
    assert (said.code, said.out) == (2, ""), said.err
    assert "the format xlsx needs a package" in said.err
    assert not (tmp_path / "out").exists()


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    await one_day(tmp_path)
    (tmp_path / "out").touch()
    said = await prober_beside(*REPORT, "--format", "md", "-o", "out", folder=tmp_path)
    assert (said.code, said.err) == (
        2,
        "error: cannot write out/silver-beta-2026-03-01..2026-03-01.md: file exists\n",
    )


@pytest.mark.parametrize("name", ["terminal", "json", "html"])
async def test_output_without_room_is_told_in_words(tmp_path: Path, name: str) -> None:
    await one_day(tmp_path)
    code, err = into_full(*REPORT, "--format", name, folder=tmp_path)
    assert (code, err) == (2, "error: cannot write the output: no space left on device\n")


@pytest.mark.parametrize("arguments", [("rules",), ("schema",), ("report", "--schedule", "--json")])
def test_no_command_ends_in_a_traceback_where_its_output_has_no_room(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "probes.yaml").write_text(CONFIG)
    code, err = into_full(*arguments, folder=tmp_path)
    assert (code, err) == (2, "error: cannot write the output: no space left on device\n")


async def test_what_was_closed_of_a_contract_that_is_gone_can_be_printed(tmp_path: Path) -> None:
    async with measured(tmp_path) as store:
        one, config = desk(store.store)
        await store.measure(config, MARCH, FINAL_US)
        await one.at(FINAL_US)
        (kept,) = [each for each in await one.reports("gold") if not each.customer]
    gone = "".join(text for text in CONFIG.splitlines(keepends=True) if "name: gold" not in text)
    (tmp_path / "probes.yaml").write_text(gone)

    def asked(*more: str) -> tuple[int, Any]:
        said = prober("report", "--json", "--contract", *more, folder=tmp_path)
        return (said.code, said.err) if said.err else (said.code, json.loads(said.out))

    own, of_acme = (
        asked("gold", "--month", "2026-03"),
        asked("gold", "--month", "2026-03", "--customer", "acme"),
    )
    assert own[1]["provenance"]["digest"] == kept.provenance.digest
    assert of_acme[1]["customer"] == "acme"
    refused = (2, "error: no contract is named 'gold'\nhint: known: silver\n")
    for more in (("2026-02",), ("2026-Q1",), ("2026-03", "--revision", "2"), ("2026-03", "--fresh")):
        assert asked("gold", "--month", *more) == refused
    both = asked("gold", "--contract", "silver", "--month", "2026-03")[1]
    assert [each["contract"] for each in both] == ["gold", "silver"]
