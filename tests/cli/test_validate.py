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
    assert any(line[:2] == ["contracts", "1"] and "yet" in line for line in lines)
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
