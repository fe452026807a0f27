"""`prober validate`: every fault at once, or a summary; the same as JSON."""

from __future__ import annotations

import json
from pathlib import Path

from support.commands import Said, prober
from support.configs import COMPLETE, ENVIRON

FAULTY = (
    "probes:\n  - {name: web, tcp: {address: 'web.example:80'}, intervall: 3s}\n"
    "services:\n  - {name: shop, probes: [wbe]}\n"
)


def validate(folder: Path, text: str, *more: str) -> Said:
    """Validate a text as the `probes.yaml` of a folder."""
    (folder / "probes.yaml").write_text(text, encoding="utf-8")
    (folder / "blackbox.yml").write_text("modules: {a: {prober: http}, b: {prober: tcp}}", encoding="utf-8")
    return prober("validate", *more, folder=folder, environ=ENVIRON)


def test_a_good_file_is_summed_up(tmp_path: Path) -> None:
    said = validate(tmp_path, COMPLETE)
    assert (said.code, said.err) == (0, "")
    lines = [line.split() for line in said.out.splitlines()]
    assert lines[0] == ["probes.yaml", "can", "be", "used"]
    assert ["regions", "2", "fra,", "iad"] in lines
    assert ["probes", "4", "1", "dns,", "1", "http,", "2", "tcp"] in lines
    assert ["contracts", "1", "1", "by", "time"] in lines
    assert len(lines[-1][1]) == 64


def test_every_fault_is_told_with_its_place_and_hint(tmp_path: Path) -> None:
    said = validate(tmp_path, FAULTY)
    assert (said.code, said.out) == (2, "")
    assert said.err.splitlines() == [
        "probes.yaml:2:51: probes.0.intervall: unknown key (did you mean 'interval'?)",
        "probes.yaml:4:27: services.0.probes.0: no probe is named 'wbe' (did you mean 'web'?)",
        "error: 2 faults in the configuration",
    ]


def test_json_of_a_good_file(tmp_path: Path) -> None:
    said = validate(tmp_path, COMPLETE, "--json")
    found = json.loads(said.out)
    assert said.code == 0
    assert (found["ok"], found["faults"], found["regions"]) == (True, [], ["fra", "iad"])
    assert (found["probes"], found["services"], found["contracts"], len(found["digest"])) == (4, 1, 1, 64)


def test_json_of_a_faulty_file_gives_2_and_the_faults_in_parts(tmp_path: Path) -> None:
    said = validate(tmp_path, FAULTY, "--json")
    found = json.loads(said.out)
    assert (said.code, said.err, found["ok"]) == (2, "", False)
    assert [(fault["line"], fault["column"], fault["path"]) for fault in found["faults"]] == [
        (2, 51, "probes.0.intervall"),
        (4, 27, "services.0.probes.0"),
    ]


def test_a_missing_file_gives_2_and_says_how_to_name_one(tmp_path: Path) -> None:
    said = prober("validate", folder=tmp_path)
    assert (said.code, said.out) == (2, "")
    assert "probes.yaml: cannot read the file: no such file or directory (name it with --config)" in said.err


def test_no_secret_is_printed(tmp_path: Path) -> None:
    secret = ENVIRON["IAD_TOKEN"]
    for text in (COMPLETE, COMPLETE + "nonsense: 1\n"):
        for said in (validate(tmp_path, text), validate(tmp_path, text, "--json")):
            assert secret not in said.out + said.err


UNPROVABLE = """\
probes: [{name: web, interval: 5m, tcp: {address: 'x:1'}}]
services: [{name: shop, probes: [web]}]
contracts: [{name: gold, service: shop, preset: github-2021, effective: {from: 2026-07-01}}]
"""


def test_a_claim_that_can_never_be_proven_is_a_warning_and_the_file_is_good(tmp_path: Path) -> None:
    said = validate(tmp_path, UNPROVABLE)
    assert (said.code, said.err) == (0, "")
    assert max(map(len, said.out.splitlines()[:-1])) <= 80
    text = " ".join(said.out.split())
    assert (
        "warning: gold (from 2026-07-01): the claim of 99.9% cannot be backed, not even in a perfect" in text
    )
    assert "what would help: interval: 30s for web" in text


def test_json_holds_the_warnings_in_codes_and_in_words(tmp_path: Path) -> None:
    said = validate(tmp_path, UNPROVABLE, "--json")
    found = json.loads(said.out)
    assert (said.code, found["ok"], found["faults"]) == (0, True, [])
    (warning,) = found["warnings"]
    assert (warning["contract"], warning["from"]) == ("gold", "2026-07-01")
    assert warning["code"].startswith("cannot_be_backed claim=99.9% best=")
    assert warning["needs"] == ["interval_at_most probe=web interval_us=30000000"]
    assert warning["text"][-1] == "what would help: interval: 30s for web"
    assert "one_region_unproves" in [note["code"].split()[0] for note in found["notes"]]


def test_json_of_a_good_file_has_no_warning(tmp_path: Path) -> None:
    assert json.loads(validate(tmp_path, COMPLETE, "--json").out)["warnings"] == []
