"""Files of others: what their words become, exactly, and that nothing of them is lost in silence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.commands import prober

from prober.config import ConfigError
from prober.config.documents import documents_of
from prober.imports.draft import Draft
from prober.openslo.library import library
from prober.openslo.read import Read, Reader
from prober.openslo.result import Exchanged, finish

SOURCE = {"metricSource": {"type": "Prometheus", "spec": {"query": "sum(secret_series)"}}}
INLINE = {"metadata": {"name": "good-answers"}, "spec": {"ratioMetric": {"good": SOURCE, "total": SOURCE}}}


def sli(name: str, **metric: Any) -> dict[str, Any]:
    return {
        "apiVersion": "openslo/v1",
        "kind": "SLI",
        "metadata": {"name": name, "displayName": name.title()},
        "spec": metric or {"ratioMetric": {"bad": SOURCE, "total": SOURCE}},
    }


def slo(*objectives: dict[str, Any], method: str = "Occurrences", **spec: Any) -> dict[str, Any]:
    about = {"service": "web", "indicator": INLINE, "timeWindow": [{"duration": "30d", "isRolling": True}]}
    return {
        "apiVersion": "openslo/v1",
        "kind": "SLO",
        "metadata": {"name": "web-slo", "displayName": "Web"},
        "spec": {key: value for key, value in (about | spec).items() if value is not None}
        | {"budgetingMethod": method, "objectives": list(objectives) or [{"target": 0.99}]},
    }


def read(*documents: dict[str, Any]) -> Exchanged:
    return read_text(yaml.safe_dump_all(documents, sort_keys=False))


def read_text(text: str) -> Exchanged:
    found = Read(Draft())
    roots = documents_of(text, "slos.yaml")
    Reader(found, library(roots, "slos.yaml", found.draft)).all(roots)
    return finish(found)


def contracts(exchanged: Exchanged) -> list[Any]:
    return yaml.safe_load(exchanged.text)["contracts"]


def notes(exchanged: Exchanged) -> str:
    return "\n".join(note.text for note in exchanged.notes)


def test_an_slo_becomes_a_contract_and_its_indicator_a_stand_in() -> None:
    service = {"apiVersion": "openslo/v1", "kind": "Service", "metadata": {"name": "web", "displayName": "Web site"},
               "spec": {"description": "What people see"}}  # fmt: skip
    exchanged = read(service, slo(description="It is there"))
    assert yaml.safe_load(exchanged.text) == {
        "services": [
            {
                "name": "web",
                "title": "Web site",
                "description": "What people see",
                "probes": ["good-answers"],
            }
        ],
        "contracts": [
            {"name": "web-slo", "title": "Web", "service": "web", "claim": "99%", "window": "rolling 30d",
             "method": "requests", "promise": "It is there"}
        ],
    }  # fmt: skip
    assert notes(exchanged) == (
        "SLI good-answers: its query (a ratio) is left behind: make a probe good-answers that measures it"
    )
    assert "# It needs probes: good-answers\n" in exchanged.text
    assert "secret_series" not in exchanged.text + notes(exchanged)


@pytest.mark.parametrize(
    ("written", "claim"),
    [
        ("target: 0.9995", "99.95%"),
        ("target: 9.995e-1", "99.95%"),
        ("target: .9", "90%"),
        ("targetPercent: 99.95", "99.95%"),
        ("targetPercent: 99.999999999", "99.999999999%"),
        ("target: 0.1", "10%"),
        ("target: 0.12345678901234", "12.345678901234%"),
        ("target: 0.123456789012345", "12.345678901234%"),  # cut off, and told
        ("target: 1", "100%"),
    ],
)
def test_targets_stay_exact(written: str, claim: str) -> None:
    exchanged = read_text(yaml.safe_dump(slo()).replace("target: 0.99", written))
    assert [each["claim"] for each in contracts(exchanged)] == [claim]
    assert ("12 decimals" in notes(exchanged)) == written.endswith("2345")
    assert ("no target below 1" in notes(exchanged)) == written.endswith(": 1")


@pytest.mark.parametrize(
    ("window", "wanted", "told"),
    [
        ({"duration": "4w", "isRolling": True}, "rolling 28d", ""),
        ({"duration": "48h", "isRolling": True}, "rolling 2d", ""),
        ({"duration": "1440m", "isRolling": True}, "rolling 1d", ""),
        ({"duration": "1M", "isRolling": True}, "rolling 30d", "1M that roll are taken for 30 days"),
        ({"duration": "1M", "calendar": {"startTime": "2026-01-01 00:00:00", "timeZone": "UTC"}}, "month", ""),
        ({"duration": "1M", "calendar": {"startTime": "2026-01-15 00:00:00", "timeZone": "UTC"}}, "billing day 15", ""),
        ({"duration": "3M", "calendar": {"startTime": "2026-04-01 00:00:00", "timeZone": "UTC"}}, "quarter", ""),
        ({"duration": "1Q", "calendar": {"startTime": "2026-02-01 00:00:00", "timeZone": "UTC"}}, "quarter",
         "quarters and years begin with those of the calendar here"),
        ({"duration": "1Y", "calendar": {"startTime": "2026-01-01 12:30:00", "timeZone": "UTC"}}, "year",
         "windows begin at midnight here"),
        ({"duration": "1M", "calendar": {"startTime": "soon", "timeZone": "UTC"}}, "month", "'soon' is no start"),
        ({"duration": "2w", "calendar": {"startTime": "2026-01-01 00:00:00", "timeZone": "UTC"}}, "rolling 14d",
         "2w aligned to the calendar is no window here: it rolls instead"),
        ({"duration": "1M", "isRolling": True, "calendar": {"startTime": "2026-01-01 00:00:00"}}, "rolling 30d",
         "what rolls has no calendar"),
    ],
)  # fmt: skip
def test_windows_are_read_or_the_nearest_is_told(window: dict[str, Any], wanted: str, told: str) -> None:
    exchanged = read(slo(timeWindow=[window]))
    assert [each["window"] for each in contracts(exchanged)] == [wanted]
    said = [note for note in notes(exchanged).splitlines() if "good-answers" not in note]
    assert (told in "\n".join(said)) if told else said == []


@pytest.mark.parametrize("duration", ["90m", "0d", "1000d", "x", ""])
def test_a_window_that_no_contract_can_have_leaves_the_slo_out(duration: str) -> None:
    exchanged = read(slo(timeWindow=[{"duration": duration, "isRolling": True}]))
    assert exchanged.contracts == 0
    assert "SLO web-slo: is left out" in notes(exchanged)


def test_no_window_at_all_is_a_month_and_told() -> None:
    exchanged = read(slo(timeWindow=None))
    assert contracts(exchanged)[0]["window"] == "month"
    assert "a calendar month in UTC is taken" in notes(exchanged)


@pytest.mark.parametrize(
    ("method", "objective", "wanted", "told"),
    [
        ("Occurrences", {}, "requests", ""),
        ("Occurrences", {"timeSliceWindow": "1m"}, "requests", "slices mean nothing to Occurrences"),
        ("Timeslices", {"timeSliceTarget": 0.95, "timeSliceWindow": "1m"}, {"minutes": {"threshold": "5%"}}, ""),
        ("Timeslices", {"timeSliceTarget": 1, "timeSliceWindow": 1}, {"minutes": {"threshold": "0%"}}, ""),
        ("Timeslices", {"timeSliceWindow": "1m"}, {"minutes": {"threshold": "0%"}}, "no timeSliceTarget"),
        ("Timeslices", {"timeSliceTarget": 0.9, "timeSliceWindow": "5m"}, {"minutes": {"threshold": "10%"}},
         "slices of 5m are judged there, minutes here"),
        ("RatioTimeslices", {"timeSliceWindow": "5m"}, {"slices": {"length": "5m", "empty": "unknown"}},
         "what a slice without data counts as"),
        ("RatioTimeslices", {}, {"slices": {"length": "1m", "empty": "unknown"}}, "is no timeSliceWindow"),
    ],
)  # fmt: skip
def test_methods_are_read(method: str, objective: dict[str, Any], wanted: Any, told: str) -> None:
    exchanged = read(slo({"target": 0.99, **objective}, method=method))
    assert [each["method"] for each in contracts(exchanged)] == [wanted]
    said = [note for note in notes(exchanged).splitlines() if "good-answers" not in note]
    assert (told in "\n".join(said)) if told else said == []


def test_several_targets_of_one_indicator_are_a_contract_each() -> None:
    objectives = (
        {"displayName": "Internal", "target": 0.995},
        {"target": 0.99},
        {"target": 0.9, "value": 5, "op": "lt"},
    )
    exchanged = read(slo(*objectives))
    assert [(each["name"], each["claim"]) for each in contracts(exchanged)] == [
        ("web-slo-internal", "99.5%"), ("web-slo-2", "99%"), ("web-slo-3", "90%"),
    ]  # fmt: skip
    assert contracts(exchanged)[0]["title"] == "Web: Internal"
    assert "a value of '5' is not carried over" in notes(exchanged)


def part(name: str, weight: float | None = None, **more: Any) -> dict[str, Any]:
    found = {"target": 0.99, "indicatorRef": name, "timeSliceWindow": "1m", **more}
    return found | ({"compositeWeight": weight} if weight is not None else {})


def test_missing_parts_of_a_composite_add_up_by_weight() -> None:
    """Bad shares m1, m2 miss 0.01 there if 2 m1 + 0.5 m2 > 0.01: here if their mean is above 0.01 / 2.5."""
    parts = part("a", 2), part("b", 0.5)
    exchanged = read(sli("a"), sli("b"), slo(*parts, method="RatioTimeslices", indicator=None))
    (found,) = contracts(exchanged)
    assert found["method"] == {"weighted": {"by": "probes", "weights": {"a": "2", "b": "0.5"}}}
    assert Fraction(found["claim"].removesuffix("%")) / 100 == 1 - Fraction("0.01") / Fraction("2.5")
    assert yaml.safe_load(exchanged.text)["services"] == [{"name": "web", "probes": ["a", "b"]}]
    assert "the claim is restated" in notes(exchanged)


def test_weights_that_are_shares_leave_the_claim_as_it_is() -> None:
    parts = part("a", 0.75), part("b", 0.25)
    exchanged = read(sli("a"), sli("b"), slo(*parts, method="RatioTimeslices", indicator=None))
    assert contracts(exchanged)[0]["claim"] == "99%"
    assert "restated" not in notes(exchanged)


def test_bad_in_one_is_bad_where_minutes_are_judged() -> None:
    parts = part("a", 2, timeSliceTarget=0.9), part("b", timeSliceTarget=0.9)
    exchanged = read(sli("a"), sli("b"), slo(*parts, method="Timeslices", indicator=None))
    (found,) = contracts(exchanged)
    assert (found["method"], found["claim"]) == ({"minutes": {"threshold": "10%"}}, "99%")
    assert yaml.safe_load(exchanged.text)["services"] == [{"name": "web", "probes": ["a", "b"]}]
    assert "weights mean nothing to Timeslices here" in notes(exchanged)


def test_parts_with_targets_of_their_own_become_contracts_about_services_of_their_own() -> None:
    parts = part("a"), part("b", target=0.9)
    exchanged = read(sli("a"), sli("b"), slo(*parts, method="RatioTimeslices", indicator=None))
    assert [(each["name"], each["service"], each["claim"]) for each in contracts(exchanged)] == [
        ("web-slo-a", "web", "99%"), ("web-slo-b", "web-b", "90%"),
    ]  # fmt: skip
    assert "parts with targets of their own become a contract each" in notes(exchanged)


def test_what_is_of_no_use_here_is_told_by_its_name() -> None:
    def document(kind: str, **spec: Any) -> dict[str, Any]:
        return {"apiVersion": "openslo/v1", "kind": kind, "metadata": {"name": "x"}, "spec": spec}

    exchanged = read(
        slo(alertPolicies=[{"alertPolicyRef": "x"}, None]),
        document("DataSource", connectionDetails={"accessKeyID": "very-secret"}),
        document("AlertPolicy", conditions=[]),
        document("AlertNotificationTarget", target="mail"),
        document("Service"),
        document("Dashboard"),
        sli("unused"),
        sli("unused"),
        {"apiVersion": "v1", "kind": "ConfigMap"},
    )
    for words in (
        "SLO web-slo: alerts are not carried over", "DataSource x: how to reach", "AlertPolicy x: alerts are not",
        "AlertNotificationTarget x: whom alerts tell", "Service x: no SLO", "the kind 'Dashboard' is not of",
        "SLI unused: no SLO", "SLI unused is here twice", "no document of openslo/v1",
    ):  # fmt: skip
        assert words in notes(exchanged)
    assert "very-secret" not in notes(exchanged) + exchanged.text
    assert exchanged.contracts == 1


def test_an_indicator_that_is_not_there_is_told() -> None:
    exchanged = read(slo(indicator=None, indicatorRef="gone"))
    assert "SLO web-slo: no SLI named 'gone' is in the file" in notes(exchanged)
    assert yaml.safe_load(exchanged.text)["services"] == [{"name": "web", "probes": ["gone"]}]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("apiVersion: openslo/v1alpha\nkind: SLO\n", "slos.yaml:1:1: openslo/v1alpha is not read, only openslo/v1 (w"),
        ("---\nkind: SLO\napiVersion: openslo.com/v2alpha\n", "slos.yaml:2:1: openslo.com/v2alpha is not read"),
        ("a: 1\n", "no SLO in it"),
        ("", "no SLO in it"),
        ("a: [", "slos.yaml:2:1: not YAML"),
    ],
)  # fmt: skip
def test_other_files_are_refused_with_a_hint(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_text(text)
    assert words in str(caught.value)


WHOLE = [
    sli("a"),
    sli("b"),
    {"apiVersion": "openslo/v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"description": "d"}},
    slo(part("a", 2), part("b", 1), method="RatioTimeslices", indicator=None,
        timeWindow=[{"duration": "1M", "isRolling": False, "calendar": {"startTime": "2026-01-01 00:00:00",
                     "timeZone": "Europe/Berlin"}}]),
    {**slo({"target": 0.9, "displayName": "x"}), "metadata": {"name": "other"}},
]  # fmt: skip


def test_a_key_that_nobody_knows_is_told_wherever_it_stands() -> None:
    """The law behind `nothing is lost in silence`: plant a key in every mapping, and each time it is noted."""
    planted = list(_planted(WHOLE, WHOLE))
    assert len(planted) > 20
    for changed in planted:
        assert "x-planted" in notes(read(*changed))


def _planted(root: Any, item: Any) -> Iterator[list[Any]]:
    """Yield the documents with a key planted in one mapping after the other, but for queries, left behind whole."""
    if isinstance(item, dict) and "ratioMetric" not in item and item.get("kind") != "spec":
        item["x-planted"] = "x"
        yield json.loads(json.dumps(root))
        del item["x-planted"]
    for value in list(item.values()) if isinstance(item, dict) else item if isinstance(item, list) else ():
        if not (isinstance(value, dict) and ("metricSource" in str(value) and "ratioMetric" in value)):
            yield from _planted(root, value)


@pytest.mark.parametrize(
    "change",
    [
        {"spec": 1}, {"spec": None}, {"metadata": None}, {"metadata": [1]}, {"metadata": {"name": [1]}},
        {"spec": {"budgetingMethod": "Occurrences", "objectives": 5}},
        {"spec": {"budgetingMethod": "Occurrences", "objectives": [1, {}], "timeWindow": [], "indicator": 3}},
        {"spec": {"budgetingMethod": "Timeslices", "objectives": [{"target": "NaN"}], "timeWindow": {"duration": 3}}},
        {"spec": {"budgetingMethod": "Occurrences", "objectives": [{"target": "1e99999"}], "alertPolicies": [1, {}]}},
        {"spec": {"budgetingMethod": "Occurrences", "service": "ÄÖ", "objectives": [{"target": -1}, {"target": 0}]}},
        {"metadata": {"name": "a", "annotations": {"uptime-prober/method": "{", "uptime-prober/services": "3"}}},
        {"metadata": {"name": "a", "annotations": {"uptime-prober/method": "[]", "uptime-prober/services": "[3]"}}},
        {"metadata": {"name": "a", "annotations": {"uptime-prober/method": "{\"time\": {}}", "uptime-prober/name": "3",
                                                  "uptime-prober/customers": "{}", "uptime-prober/regions": "[[1]]"}}},
        {"metadata": {"name": "a", "annotations": {"uptime-prober/method": "[" * 5000}}},
    ],
)  # fmt: skip
def test_a_document_of_another_shape_makes_no_mess(change: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "slos.yaml"
    file.write_text(yaml.safe_dump({**slo(), **change}, allow_unicode=True), encoding="utf-8")
    said = prober("import", "openslo", str(file))
    assert said.code in (0, 1, 2)
    assert "Traceback" not in said.err


def test_what_is_printed_for_programs_is_json(tmp_path: Path) -> None:
    file = tmp_path / "slos.json"
    file.write_text(json.dumps([slo()]), encoding="utf-8")
    said = prober("import", "openslo", str(file), "--json")
    seen = json.loads(said.out)
    assert (said.code, seen["contracts"], len(seen["notes"]), said.err) == (1, 1, 1, "")
