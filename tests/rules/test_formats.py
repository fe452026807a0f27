"""The files themselves: what Sloth and Pyrra ask of a name, a number and a query, and what stands on top of each."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.commands import prober
from support.configs import COMPLETE, ENVIRON, loaded
from support.contracts_drawn import EVERY_METHOD, SHOP, configuration, contract, drawn

from prober.rules.formats import FORMATS, Made, made
from prober.rules.objective import objectives

NOW_US = 1_772_000_000_000_000  # 2026-02-25
EVERYTHING = [COMPLETE, *(SHOP + each for each in EVERY_METHOD), *drawn(30)]
SLOTH_NAME = re.compile(r"[A-Za-z0-9][-A-Za-z0-9_.]*[A-Za-z0-9]")
KUBERNETES_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
KUBERNETES_LABEL = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
SELECTOR = re.compile(r'[a-z_]+\{[a-z]+=~?"[^"]+"(,[a-z]+=~?"[^"]+")*\}')


def rules(format_name: str, text: str) -> Made:
    found, notes = objectives(loaded(text), [], NOW_US)
    return made(format_name, found, notes)


def read(format_name: str, text: str) -> list[Any]:
    return list(yaml.safe_load_all(rules(format_name, text).text))


@pytest.mark.parametrize("format_name", FORMATS)
def test_notes_stand_on_top_and_every_line_of_them_is_a_comment(format_name: str) -> None:
    for text in EVERYTHING:
        found = rules(format_name, text)
        lines = found.text.splitlines()
        assert lines[0].startswith(f"# Made by prober rules --format {format_name}")
        assert [f"# {note}" for note in found.notes] == lines[1 : 1 + len(found.notes)]


def test_labels_and_numbers_of_prometheus_rules_are_bounded_and_short() -> None:
    for text in EVERYTHING:
        config = loaded(text)
        for document in read("prometheus", text):
            for rule in (rule for group in document["groups"] for rule in group["rules"]):
                labels = set(rule["labels"]) - {"severity"}
                assert labels == {"contract", "service"}
                assert rule["labels"]["contract"] in {block.name for block in config.contracts}
                for number in re.findall(r"[<>=] ([0-9.]+)", rule["expr"]):
                    assert re.fullmatch(r"[0-9]{1,5}(\.[0-9]{1,30})?", number), number


def test_groups_and_records_are_each_once() -> None:
    for text in EVERYTHING:
        (document,) = read("prometheus", text)
        names = [group["name"] for group in document["groups"]]
        assert len(names) == len(set(names))
        records = [
            (rule["record"], rule["labels"]["contract"])
            for group in document["groups"]
            for rule in group["rules"]
            if "record" in rule
        ]
        assert len(records) == len(set(records))
        windows = {
            name.rpartition("_")[2] for name, _ in records if name.startswith("contract:prober_errors:")
        }
        assert windows == {"5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"}


def test_sloth_gets_what_its_reader_asks_for() -> None:
    for text in EVERYTHING:
        whole = rules("sloth", text).text
        # Sloth cuts at lines that begin with ---, and takes lines that begin with # away.
        assert whole.count("\n---\n") == len(read("sloth", text)) - 1
        for document in read("sloth", text):
            assert document["version"] == "prometheus/v1"
            assert SLOTH_NAME.fullmatch(document["service"])
            names = [slo["name"] for slo in document["slos"]]
            assert len(names) == len(set(names))
            for slo in document["slos"]:
                _check_slo(slo)


def _check_slo(slo: dict[str, Any]) -> None:
    assert SLOTH_NAME.fullmatch(slo["name"])
    assert 0 < slo["objective"] <= 100
    queries = slo["sli"]["events"]
    assert queries["error_query"] != queries["total_query"]
    assert all("[{{.window}}" in query for query in queries.values())
    assert slo["alerting"]["page_alert"]["labels"] == {"severity": "page"}
    assert slo["alerting"]["ticket_alert"]["labels"] == {"severity": "ticket"}


def test_an_objective_keeps_every_digit_of_its_claim() -> None:
    text = SHOP + contract("c", "99.999999999%", "requests")
    assert "\n    objective: 99.999999999\n" in rules("sloth", text).text
    assert "\n  target: '99.999999999'\n" in rules("pyrra", text).text


def test_contracts_of_one_service_are_one_specification_of_sloth() -> None:
    lines = contract("a", "99%", "time") + contract("b", "98%", "requests", service="trio")
    documents = read("sloth", SHOP + lines + contract("c_", "97%", "time"))
    assert [(each["service"], [slo["name"] for slo in each["slos"]]) for each in documents] == [
        ("shop", ["contract-a", "contract-c"]),
        ("trio", ["contract-b"]),
    ]


def test_pyrra_gets_what_its_reader_asks_for() -> None:
    for text in EVERYTHING:
        names = []
        for document in read("pyrra", text):
            assert (document["apiVersion"], document["kind"]) == (
                "pyrra.dev/v1alpha1",
                "ServiceLevelObjective",
            )
            names.append(document["metadata"]["name"])
            assert KUBERNETES_NAME.fullmatch(names[-1])
            assert all(KUBERNETES_LABEL.fullmatch(value) for value in document["metadata"]["labels"].values())
            spec = document["spec"]
            assert isinstance(spec["target"], str)
            assert 0 < float(spec["target"]) <= 100
            assert re.fullmatch("[0-9]+d", spec["window"])
            assert all(SELECTOR.fullmatch(metric) for metric in _metrics(spec["indicator"]))
        assert len(names) == len(set(names))


def _metrics(indicator: dict[str, Any]) -> list[str]:
    if "bool_gauge" in indicator:
        return [indicator["bool_gauge"]["metric"]]
    return [indicator["ratio"]["errors"]["metric"], indicator["ratio"]["total"]["metric"]]


def test_names_that_kubernetes_takes_for_one_are_told_apart() -> None:
    documents = read(
        "pyrra", SHOP + "".join(contract(name, "99%", "time") for name in ("a_b", "a-b", "a-b-"))
    )
    assert [each["metadata"]["name"] for each in documents] == ["a-b", "a-b-2", "a-b-3"]


def test_what_pyrra_and_sloth_cannot_do_is_told() -> None:
    weighted = SHOP + contract("c", "100%", "{weighted: {by: services, weights: {shop: 3, mail_out: '0.5'}}}")
    said = "\n".join((*rules("pyrra", weighted).notes, *rules("sloth", weighted).notes))
    for words in ("weights are not applied", "divide by", "infinite", "one failed run can set its"):
        assert words in said
    yearly = rules("sloth", configuration("{name: c, service: shop, claim: '99%', window: year}")).notes
    assert "c: generate with --default-slo-period=365d, in a file of their own" in yearly


def test_the_command_prints_rules_and_says_what_they_leave_out(tmp_path: Path) -> None:
    (tmp_path / "probes.yaml").write_text(COMPLETE, encoding="utf-8")
    said = prober("rules", folder=tmp_path, environ=ENVIRON)
    assert said.code == 0
    assert "shop-gold: announced maintenance is not taken out" in said.err
    assert yaml.safe_load(said.out)["groups"][0]["name"] == "prober-contract-shop-gold"


def test_a_file_is_made_again_over_itself_but_over_no_other(tmp_path: Path) -> None:
    (tmp_path / "probes.yaml").write_text(COMPLETE, encoding="utf-8")
    command = ("rules", "--format", "sloth", "-o", "rules.yml")
    assert prober(*command, folder=tmp_path, environ=ENVIRON).code == 0
    first = (tmp_path / "rules.yml").read_text(encoding="utf-8")
    assert prober(*command, folder=tmp_path, environ=ENVIRON).code == 0
    assert (tmp_path / "rules.yml").read_text(encoding="utf-8") == first
    (tmp_path / "rules.yml").write_text("groups: []\n", encoding="utf-8")
    refused = prober(*command, folder=tmp_path, environ=ENVIRON)
    assert (refused.code, "was not made by this command" in refused.err) == (2, True)
    assert (tmp_path / "rules.yml").read_text(encoding="utf-8") == "groups: []\n"
    assert prober(*command, "--force", folder=tmp_path, environ=ENVIRON).code == 0


@pytest.mark.parametrize(
    ("text", "arguments", "words"),
    [
        (COMPLETE, ("--contract", "shop-gol"), "no contract is named 'shop-gol'"),
        ("probes: [{name: a, tcp: {address: 'x:1'}}]", (), "the configuration has no contracts"),
        (COMPLETE, ("-o", "none/rules.yml"), "cannot write none"),
        (COMPLETE, ("--format", "nagios"), "invalid choice"),
    ],
)
def test_wrong_use_is_told(text: str, arguments: tuple[str, ...], words: str, tmp_path: Path) -> None:
    (tmp_path / "probes.yaml").write_text(text, encoding="utf-8")
    said = prober("rules", *arguments, folder=tmp_path, environ=ENVIRON)
    assert (said.code, words in said.err) == (2, True), said.err


def test_no_rule_asks_for_a_metric_that_is_not_there() -> None:
    sources = (Path(__file__).parents[2] / "prober" / "metrics").glob("*.py")
    there = set(
        re.findall(r'"(prober_[a-z_]+)"', "".join(path.read_text(encoding="utf-8") for path in sources))
    )
    asked = set()
    for format_name in FORMATS:
        for text in EVERYTHING:
            body = re.sub("(?m)^#.*", "", rules(format_name, text).text)
            asked |= set(re.findall(r"(?<![a-z:])prober_[a-z_]+(?=[{])", body))
    assert asked - there == set()
    assert len(asked) >= 8
