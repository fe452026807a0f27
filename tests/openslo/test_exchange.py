"""Contracts that go out as OpenSLO and come back: sound documents, and the same contracts, to the fraction."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from support.commands import prober
from support.configs import COMPLETE, ENVIRON, loaded
from support.contracts_drawn import EVERY_METHOD, SHOP, configuration, contract, drawn
from support.openslo_rules import broken

from prober.accounts.terms import contracts_of
from prober.config.documents import documents_of, write_documents
from prober.config.presets import PRESETS
from prober.imports.draft import Draft
from prober.openslo.export import comments, export, remarks
from prober.openslo.library import library
from prober.openslo.read import Read, Reader
from prober.openslo.result import Exchanged, finish

VERSIONS = (
    SHOP
    + "  - {name: a, service: shop, claim: '99%', effective: {to: 2026-02-25}}\n"
    + "  - {name: a, service: trio, claim: '98%', effective: {from: 2026-02-25}, window: billing day 31}\n"
    + "  - {name: a_, service: mail_out, claim: '97%', title: '"
    + "x" * 200
    + "', promise: '"
    + "y" * 2000
    + "'}\n"
)
OF_PRESETS = [
    f"  - {{name: c, service: shop, preset: {name}{'' if 'claim' in preset.terms else ', claim: 99%'}}}\n"
    for name, preset in PRESETS.items()
]
EVERYTHING = [COMPLETE, VERSIONS, *(SHOP + each for each in (*EVERY_METHOD, *OF_PRESETS)), *drawn(30)]


def written(text: str, *names: str) -> str:
    config = loaded(text)
    return write_documents(export(config, names), comments(remarks(config, names)))


def read(text: str) -> Exchanged:
    """Read a text as if it stood in slos.yaml."""
    found = Read(Draft())
    roots = documents_of(text, "slos.yaml")
    Reader(found, library(roots, "slos.yaml", found.draft)).all(roots)
    return finish(found)


def notes(text: str) -> list[str]:
    return [note.text for note in read(text).notes]


def came_back(original: str, exchanged: Exchanged) -> str:
    """Return a configuration whose contracts, and what services they name, are what came back."""
    whole, back = yaml.safe_load(original), yaml.safe_load(exchanged.text)
    services = {each["name"]: each for each in [*whole["services"], *back["services"]]}
    changed = {**whole, "services": list(services.values()), "contracts": back["contracts"]}
    return json.dumps(changed, default=str)


def same(text: str) -> None:
    exchanged = read(written(text))
    assert exchanged.notes == ()
    assert contracts_of(loaded(came_back(text, exchanged))) == contracts_of(loaded(text))
    assert loaded(came_back(text, exchanged)).services == loaded(text).services


@pytest.mark.parametrize("text", EVERYTHING)
def test_a_contract_that_goes_out_comes_back_as_it_was(text: str) -> None:
    same(text)


@settings(max_examples=60)
@given(st.integers(100, 10**9))
def test_so_does_any_other(seed: int) -> None:
    same(drawn(1, seed)[0])


@pytest.mark.parametrize("text", EVERYTHING)
def test_the_documents_keep_the_rules_of_openslo(text: str) -> None:
    assert broken(list(yaml.safe_load_all(written(text)))) == []


def slo(text: str) -> Any:
    return next(each for each in yaml.safe_load_all(written(text)) if each["kind"] == "SLO")


@pytest.mark.parametrize(
    ("method", "wanted"),
    [
        ("requests", ("Occurrences", {})),
        ("time", ("RatioTimeslices", {"timeSliceWindow": "1m"})),
        ("{slices: {length: 5m}}", ("RatioTimeslices", {"timeSliceWindow": "5m"})),
        ("{slices: {length: 90s}}", ("RatioTimeslices", {"timeSliceWindow": "2m"})),
        ("{slices: {length: 1d}}", ("RatioTimeslices", {"timeSliceWindow": "1d"})),
        ("{minutes: {threshold: '5%'}}", ("Timeslices", {"timeSliceTarget": 0.95, "timeSliceWindow": "1m"})),
        ("{minutes: {threshold: all}}", ("Timeslices", {"timeSliceTarget": 0.0001, "timeSliceWindow": "1m"})),
        ("{minutes: {threshold: '0%'}}", ("Timeslices", {"timeSliceTarget": 1, "timeSliceWindow": "1m"})),
        ("{periods: {minutes: 9}}", ("Timeslices", {"timeSliceTarget": 0.0001, "timeSliceWindow": "1m"})),
    ],
)  # fmt: skip
def test_methods_get_the_nearest_words(method: str, wanted: tuple[str, dict[str, Any]]) -> None:
    spec = slo(SHOP + contract("c", "99.95%", method))["spec"]
    assert (spec["budgetingMethod"], spec["objectives"]) == (wanted[0], [{"target": 0.9995, **wanted[1]}])


def test_weights_become_shares_of_a_composite() -> None:
    weights = "{weighted: {by: services, weights: {shop: 3, mail_out: '0.5', nightly: '1.5'}}}"
    spec = slo(SHOP + contract("c", "99%", weights))["spec"]
    assert "indicatorRef" not in spec
    assert [
        (each["displayName"], each["indicatorRef"], each["compositeWeight"]) for each in spec["objectives"]
    ] == [("shop", "c-shop", 0.6), ("mail_out", "c-mail-out", 0.1), ("nightly", "c-nightly", 0.3)]


@pytest.mark.parametrize(
    ("window", "wanted"),
    [
        ("month", ("1M", "2026-01-01 00:00:00")),
        ("quarter", ("1Q", "2026-01-01 00:00:00")),
        ("year", ("1Y", "2026-01-01 00:00:00")),
        ("billing day 31", ("1M", "2026-01-31 00:00:00")),
        ("rolling 30d", ("30d", None)),
    ],
)
def test_windows_are_aligned_to_the_contract_s_zone_or_roll(
    window: str, wanted: tuple[str, str | None]
) -> None:
    keys = f"window: {window}, timezone: Europe/Berlin, effective: {{from: 2026-05-05}}"
    (found,) = slo(configuration(f"{{name: c, service: shop, claim: 99%, {keys}}}"))["spec"]["timeWindow"]
    calendar = found.get("calendar", {})
    assert (found["duration"], calendar.get("startTime")) == wanted
    assert found["isRolling"] is (wanted[1] is None)
    assert calendar.get("timeZone", "Europe/Berlin") == "Europe/Berlin"


@pytest.mark.parametrize(
    ("claim", "target"),
    [("99.95%", "0.9995"), ("99.999999999%", "0.99999999999"), ("100%", "0.99999999999999"), ("99%", "0.99"),
     ("0.000000000001%", "0.00000000000001")],
)  # fmt: skip
def test_a_target_keeps_every_digit(claim: str, target: str) -> None:
    assert f"\n    - target: {target}\n" in written(SHOP + contract("c", claim, "requests"))


def test_only_what_is_asked_for_goes_out() -> None:
    text = SHOP + contract("a", "99%", "time") + contract("b", "98%", "time", service="trio")
    documents = list(yaml.safe_load_all(written(text, "b")))
    assert [each["metadata"]["name"] for each in documents if each["kind"] in ("SLO", "Service")] == [
        "trio",
        "b",
    ]


def test_what_only_annotations_say_is_told_on_top() -> None:
    lines = written(COMPLETE).splitlines()
    assert lines[2] == "# shop-gold: only annotations say credits, effective, gap, hours, maintenance"
    assert any(
        "cannot promise 100%" in line for line in remarks(loaded(SHOP + contract("c", "100%", "time")), [])
    )


EDITS = [
    ("target: 0.9995", "target: 0.9999", "claim: 99.99%", None),
    ("duration: 1M", "duration: 1Q", "window: quarter", None),
    ("timeZone: Europe/Berlin", "timeZone: Asia/Tokyo", "timezone: Asia/Tokyo", None),
    ("displayName: Web shop", "displayName: The shop", "title: The shop", None),
    ("budgetingMethod: RatioTimeslices", "budgetingMethod: Occurrences", "method: requests", "uptime-prober/method"),
    ("timeSliceWindow: 1m", "timeSliceWindow: 10m", "length: 10m", "uptime-prober/method"),
    ("uptime-prober/gap: '\"2m\"'", "uptime-prober/gap: '\"3m\"'", "gap: 3m", None),
    ("uptime-prober/gap: '\"2m\"'", "uptime-prober/gap: 2m", "name: shop-gold", "holds no JSON"),
    ("uptime-prober/gap:", "uptime-prober/gapp:", "name: shop-gold", "'uptime-prober/gapp' is not known"),
    ("'{\"time\": {}}'", "'{\"tim\": {}}'", "length: 1m", "uptime-prober/method"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "wanted", "told"), EDITS)
def test_what_was_edited_since_wins_over_its_annotation(
    old: str, new: str, wanted: str, told: str | None
) -> None:
    text = written(COMPLETE)
    assert old in text
    exchanged = read(text.replace(old, new))
    assert f"{wanted}\n" in exchanged.text
    said = "\n".join(note.text for note in exchanged.notes)
    assert (told in said) if told else "annotation" not in said
    assert exchanged.contracts == 1


def test_a_promise_of_100_percent_holds_as_long_as_its_stand_in_stands() -> None:
    text = written(SHOP + contract("c", "100%", "requests"))
    assert "claim: 100%\n" in read(text).text
    exchanged = read(text.replace("target: 0.99999999999999", "target: 0.999"))
    assert "claim: 99.9%\n" in exchanged.text
    assert [note.text for note in exchanged.notes] == [
        "SLO c: the annotation uptime-prober/claim no longer fits the document, which is followed"
    ]


def test_an_annotation_that_makes_no_contract_leaves_it_out_with_a_note() -> None:
    text = written(COMPLETE).replace('"25%"', '"250%"')
    exchanged = read(text)
    assert exchanged.contracts == 0
    assert [note.text for note in exchanged.notes] == [
        "shop-gold is left out: credits.1.credit: a percentage is at most 100%"
    ]


def test_text_that_looks_like_a_reference_stays_text() -> None:
    keys = "promise: 'costs $${HOME} $$5'"
    same(configuration(f"{{name: c, service: shop, claim: 99%, {keys}}}"))
    exchanged = read(written(configuration(f"{{name: c, service: shop, claim: 99%, {keys}}}")))
    assert "promise: costs $${HOME} $$5" in exchanged.text


def test_the_commands_go_there_and_back(tmp_path: Path) -> None:
    (tmp_path / "probes.yaml").write_text(COMPLETE, encoding="utf-8")
    out = prober("export", "openslo", "-o", "slos.yaml", folder=tmp_path, environ=ENVIRON)
    assert (out.code, out.out) == (0, "")
    assert "only annotations say" in out.err
    back = prober("import", "openslo", "slos.yaml", "-o", "contracts.yaml", folder=tmp_path)
    assert (back.code, back.err) == (0, "1 contract, nothing left behind\n")
    found = yaml.safe_load((tmp_path / "contracts.yaml").read_text(encoding="utf-8"))
    assert found["contracts"][0]["claim"] == "99.95%"
    assert prober("export", "openslo", "--contract", "x", folder=tmp_path, environ=ENVIRON).code == 2
    assert prober("import", "openslo", "slos.yaml", "-o", "probes.yaml", folder=tmp_path).code == 2
