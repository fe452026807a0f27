"""`promtool` takes every rule file we make, and alerts come and stay away on both sides of each threshold."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from support.configs import COMPLETE, loaded
from support.contracts_drawn import EVERY_METHOD, SHOP, configuration, drawn
from support.promtool import Story, check, promtool, told

from prober.rules.formats import made
from prober.rules.objective import objectives

NOW_US = 1_772_000_000_000_000  # 2026-02-25
UP, FATES = 'prober_service_up{service="shop"}', 'prober_slots_total{probe="web",region="%s",fate="%s"}'
KNOWN = {FATES % ("fra", "pass"): "0+1x9000", FATES % ("fra", "agent_off"): "0x9000"}
PASSED, FAILED = (
    f'prober_results_total{{probe="web",region="fra",outcome="{outcome}"}}' for outcome in ("pass", "fail")
)


def rules(contract: str, down_when: str = "2", claim: str = "99.9%") -> str:
    """Return the rule file of a contract `gold` about the service `shop`."""
    text = configuration(f"{{name: gold, service: shop, claim: '{claim}'{contract}}}", down_when=down_when)
    found, notes = objectives(loaded(text), [], NOW_US)
    return made("prometheus", found, notes).text


def runs(*parts: tuple[int, int]) -> str:
    """Write samples one after the other: (value, how many)."""
    return " ".join(f"{value}x{count - 1}" for value, count in parts if count)


THREE_DAYS = 4_320  # samples, one a minute


def says(folder: Path, rules: str, stories: list[Story], evaluated: str = "5m") -> str:
    """Return what is not as the stories tell; empty if all is."""
    code, said = told(folder, rules, stories, evaluated)
    return said if code else ""


def test_every_file_that_is_made_is_taken(tmp_path: Path) -> None:
    promtool()
    paths = []
    for number, text in enumerate([COMPLETE, *(SHOP + each for each in EVERY_METHOD), *drawn(40)]):
        found, notes = objectives(loaded(text), [], NOW_US)
        path = tmp_path / f"{number}.yml"
        path.write_text(made("prometheus", found, notes).text, encoding="utf-8")
        paths.append(path)
    code, said = check(paths)
    assert (code, said.count("SUCCESS")) == (0, len(paths)), said


def test_every_query_for_sloth_and_pyrra_is_one(tmp_path: Path) -> None:
    expressions = []
    for text in [COMPLETE, *(SHOP + each for each in EVERY_METHOD), *drawn(20)]:
        found, notes = objectives(loaded(text), [], NOW_US)
        for document in yaml.safe_load_all(made("sloth", found, notes).text):
            queries = (query for slo in document["slos"] for query in slo["sli"]["events"].values())
            expressions += [query.replace("{{.window}}", "5m") for query in queries]
        for document in yaml.safe_load_all(made("pyrra", found, notes).text):
            expressions += re.findall(r"'metric': '([^']+)'", str(document["spec"]["indicator"]))
    assert len(expressions) > 200
    each = [{"record": f"a:{number}", "expr": expr} for number, expr in enumerate(expressions)]
    path = tmp_path / "queries.yml"
    path.write_text(json.dumps({"groups": [{"name": "a", "rules": each}]}), encoding="utf-8")
    code, said = check([path])
    assert (code, f"{len(each)} rules found" in said) == (0, True), said


def test_an_hour_that_burns_14_times_too_fast_pages_until_it_is_over(tmp_path: Path) -> None:
    """In 1 h there are 61 samples; 0.144 of them are 8.8. Groups run in any order, so an alert may be a round late."""
    fires = {8: {"72h5m": []}, 9: {"71h55m": [], "72h5m": ["page"], "72h15m": []}}
    stories = [
        Story(
            name=f"{down} samples",
            series={UP: runs((1, THREE_DAYS + 1 - down), (0, down), (1, 30)), **KNOWN},
            fires=fires[down],
        )
        for down in (8, 9)
    ]
    assert says(tmp_path, rules("", claim="99%"), stories) == ""


def test_six_hours_that_burn_6_times_too_fast_page(tmp_path: Path) -> None:
    """In 6 h there are 361 samples; 0.06 of them are 21.7. The last hour alone burns too slowly to page."""
    stories = [
        Story(
            name=f"{first} and {last}",
            series={UP: runs((1, THREE_DAYS - 200), (0, first), (1, 200 - first - last), (0, last), (1, 30)), **KNOWN},
            fires={"72h10m": alerts},
        )
        for first, last, alerts in ((14, 8, ["page"]), (13, 8, []))
    ]  # fmt: skip
    assert says(tmp_path, rules("", claim="99%"), stories) == ""


@pytest.mark.parametrize(
    ("first", "last", "gap", "alerts"),
    [
        (37, 7, 2_000, ["ticket"]),  # 44 of 4,321 samples in 3 d are more than 0.01, as are 7 in the last 6 h
        (36, 7, 2_000, []),
        (37, 7, 1_000, ["ticket"]),  # 44 of 1,441 samples in 1 d are more than 0.03, as are 7 in the last 2 h
        (36, 7, 1_000, []),
    ],
)
def test_days_that_burn_too_fast_make_a_ticket(
    first: int, last: int, gap: int, alerts: list[str], tmp_path: Path
) -> None:
    ups = runs((1, THREE_DAYS - gap - last - 60), (0, first), (1, gap - first), (0, last), (1, 100))
    story = Story(name="days", series={UP: ups, **KNOWN}, fires={"72h": alerts})
    assert says(tmp_path, rules("", claim="99%"), [story]) == ""


def test_one_failed_result_tells_nobody_and_two_do(tmp_path: Path) -> None:
    """Of 120 results in an hour, one that failed burns a budget of 99.95% 16.7 times too fast."""
    passed = {PASSED: "0+1x400", **KNOWN}
    stories = [
        Story(
            name="one", series={FAILED: runs((0, 350), (1, 50)), **passed}, every="30s", fires={"2h59m": []}
        ),
        Story(
            name="two",
            series={FAILED: runs((0, 350), (1, 3), (2, 50)), **passed},
            every="30s",
            fires={"2h55m": [], "2h59m": ["page", "ticket"]},
        ),
        Story(
            name="two, but one is long past: of the short windows only those of tickets hold both",
            series={FAILED: runs((0, 160), (1, 190), (2, 50)), **passed},
            every="30s",
            fires={"2h59m": ["ticket"]},
        ),
    ]
    assert says(tmp_path, rules(", method: requests", claim="99.95%"), stories, evaluated="1m") == ""


def test_where_one_region_decides_a_down_minute_tells_nobody_without_a_second_failed_result(
    tmp_path: Path,
) -> None:
    """A state that is down for 10 minutes of 61, on the word of one result: a probe that runs seldom."""
    down = {UP: runs((1, 51), (0, 20)), PASSED: "0+1x100"}
    stories = [
        Story(name="one", series={FAILED: runs((0, 57), (1, 20)), **down, **KNOWN}, fires={"1h": []}),
        Story(
            name="two",
            series={FAILED: runs((0, 57), (1, 2), (2, 20)), **down, **KNOWN},
            fires={"1h": ["page", "ticket"]},
        ),
    ]
    assert says(tmp_path, rules("", down_when="1"), stories, evaluated="1m") == ""


def test_a_promise_of_100_percent_pages_with_the_first_agreed_minute(tmp_path: Path) -> None:
    story = Story(
        name="a minute",
        series={UP: runs((1, 40), (0, 1), (1, 100)), **KNOWN},
        fires={"39m": [], "41m": ["page"], "45m": ["page"], "47m": []},
    )
    assert says(tmp_path, rules("", claim="100%"), [story], evaluated="1m") == ""


def test_silence_is_told_and_sets_no_other_alert_off(tmp_path: Path) -> None:
    up = {UP: "1x200"}
    unknown = 'prober_service_state{service="shop",state="unknown"}'
    told_by = ["ContractUnmeasured/ticket"]
    half = {FATES % ("fra", "pass"): "0+1x200", FATES % ("iad", "void"): "0+1x200"}
    paused = {FATES % ("fra", "paused"): "0+9x200"}
    stories = [
        Story(name="half is known", series={**up, **half}, fires={"1h30m": []}),
        Story(
            name="a little less than half is known",
            series={**up, **half, **paused, FATES % ("iad", "late"): runs((0, 60), (1, 140))},
            fires={"1h9m": [], "1h11m": told_by, "1h59m": told_by, "2h1m": []},
        ),
        Story(name="what is paused is on no schedule", series={**up, **half, **paused}, fires={"1h30m": []}),
        Story(name="no metrics at all", series={}, fires={"9m": [], "11m": told_by}),
        Story(
            name="runs that cannot agree",
            series={**KNOWN, unknown: "1x200", UP: "_x200"},
            fires={"9m": [], "11m": told_by},
        ),
    ]
    assert says(tmp_path, rules(""), stories, evaluated="1m") == ""


def test_what_was_void_or_missed_is_neither_good_nor_bad(tmp_path: Path) -> None:
    """Two of 122 results failed, 0.0164 of them, whatever else there was; 2 of 662 are too few to page."""
    void = PASSED.replace("pass", "void")
    failed = {FAILED: runs((0, 57), (1, 2), (2, 20))}
    stories = [
        Story(
            name="void",
            series={PASSED: "0+2x200", void: "0+9x200", **failed, **KNOWN},
            fires={"1h": ["page", "ticket"]},
        ),
        Story(name="passed", series={PASSED: "0+11x200", **failed, **KNOWN}, fires={"1h": ["ticket"]}),
    ]
    assert says(tmp_path, rules(", method: requests"), stories, evaluated="1m") == ""


def test_ignored_failures_are_no_attempts(tmp_path: Path) -> None:
    code = 'prober_failures_total{probe="web",region="fra",code="%s"}'
    failed = {PASSED: "0+2x100", FAILED: "0+1x100", **KNOWN}
    text = rules(", method: {requests: {ignore: [http_status]}}")
    stories = [
        Story(name="ignored", series={**failed, code % "http_status": "0+1x100"}, fires={"1h": []}),
        Story(
            name="others",
            series={**failed, code % "connect_refused": "0+1x100"},
            fires={"1h": ["page", "ticket"]},
        ),
    ]
    assert says(tmp_path, text, stories, evaluated="1m") == ""


def test_minutes_of_pooled_runs_are_judged_one_by_one(tmp_path: Path) -> None:
    """One region of two fails: half of the runs, but every minute."""
    text = rules(", quorum: pooled, method: {minutes: {threshold: '50%'}}", claim="90%")
    other = PASSED.replace("fra", "iad")
    passing = {PASSED: "0+1x240", other: "0+1x240", **KNOWN}
    stories = [
        Story(
            name="not more than half", series={**passing, FAILED: "0+2x240"}, fires={"1h": []}, every="15s"
        ),
        Story(
            name="more than half",
            series={**passing, FAILED: "0+3x240"},
            fires={"1h": ["page", "ticket"]},
            every="15s",
        ),
    ]
    assert says(tmp_path, text, stories, evaluated="1m") == ""


def test_parts_burn_by_their_weights(tmp_path: Path) -> None:
    """A region of weight 1 in 10 is down all the time: 0.1 of a budget of 0.007 or of 0.0065 an hour."""
    weights = ", method: {weighted: {by: regions, weights: {fra: 9, iad: 1}}}"
    up = 'prober_region_up{probe="web",region="%s"}'
    failed = {FAILED.replace("fra", "iad"): "0+1x100", PASSED: "0+1x100", **KNOWN}
    down = {up % "fra": "1x100", up % "iad": "0x100"}
    burns = Story(name="burns", series={**down, **failed}, fires={"1h": ["page", "ticket"]})
    assert says(tmp_path, rules(weights, claim="99.4%"), [burns], evaluated="1m") == ""
    slowly = Story(name="slowly", series={**down, **failed}, fires={"1h": ["ticket"]})
    assert says(tmp_path, rules(weights + ", window: quarter", claim="99.4%"), [slowly], evaluated="1m") == ""


def test_a_lost_claim_is_a_ticket(tmp_path: Path) -> None:
    lost = 'prober_contract_lost{contract="gold"}'
    series = {lost: "0 0 1 1", UP: "1x9", **KNOWN}
    story = Story(name="lost", series=series, fires={"1m": [], "2m": ["ContractLost/ticket"]})
    assert says(tmp_path, rules(""), [story], evaluated="1m") == ""
