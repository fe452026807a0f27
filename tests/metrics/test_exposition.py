"""The exposition as a whole: valid in both formats, in a fixed order, whole after a change of configuration."""

from __future__ import annotations

import dataclasses
import re

import pytest
from support.exposing import agent, config_of, record, result, view_of
from support.samples import samples_of, text_of, value

from checks.core.result import Outcome
from prober.hub.verdict import State
from prober.metrics import Exposition, columns
from prober.wire import Gap, Kind

KINDS = {"web": "http", "db": "tcp", "names": "dns"}


def filled() -> Exposition:
    """Return an exposition with something in every family that needs no history."""
    view = view_of(config_of(KINDS))
    view.agents["local-1"] = agent()
    exposition = Exposition(view, None)
    exposition.restructure(view)
    exposition.take(1, record(1))
    exposition.take(2, record(2, result(Outcome.FAIL, {"connect": 9}, {"family": 4}, ["connect_refused"])))
    exposition.take(3, record(3, result(Outcome.WARN, {"resolve": 7, "connect": 9}, {}, ["slow"])))
    exposition.take(3, record(3, kind=Kind.RECHECK))
    exposition.take(5, record(5, result(Outcome.PASS, {"query": 812}, {"answers": 2, "rcode": "NOERROR"})))
    exposition.gap(4, Gap(4, 10, 14, "late"))
    exposition.state("probe:web", State.DEGRADED)
    return exposition


def test_both_formats_hold_the_same_samples() -> None:
    exposition = filled()
    changing = {"prober_hub_cpu_seconds_total", "prober_hub_resident_bytes"}
    text, openmetrics = (samples_of(exposition, form) for form in (False, True))
    assert {key: at for key, at in text.items() if key[0] not in changing} == {
        key: at for key, at in openmetrics.items() if key[0] not in changing
    }
    assert len(text) > 100


@pytest.mark.parametrize("openmetrics", [False, True])
def test_each_family_is_declared_once_and_stands_together(openmetrics: bool) -> None:
    text = text_of(filled(), openmetrics)
    declared = re.findall(r"^# TYPE (\S+) ", text, re.M)
    assert len(declared) == len(set(declared))
    assert declared == re.findall(r"^# HELP (\S+) \S", text, re.M)
    of_lines = [_family(line, declared) for line in text.splitlines() if not line.startswith("#")]
    seen_in_order = list(dict.fromkeys(of_lines))
    assert seen_in_order == declared, "a family is declared without samples, or its samples are apart"
    runs = [name for name, before in zip(of_lines, [None, *of_lines], strict=False) if name != before]
    assert runs == declared


def _family(line: str, declared: list[str]) -> str:
    name = re.split(r"[{ ]", line)[0]
    endings = ("", "_total", "_bucket", "_sum", "_count")
    return next(name.removesuffix(ending) for ending in endings if name.removesuffix(ending) in declared)


def test_counters_are_declared_as_each_format_wants_it() -> None:
    exposition = filled()
    assert "# TYPE prober_results_total counter\n" in text_of(exposition)
    assert "# TYPE prober_results counter\n" in text_of(exposition, openmetrics=True)


def test_only_openmetrics_has_an_end_mark_and_it_is_the_end() -> None:
    exposition = filled()
    assert "# EOF" not in text_of(exposition)
    assert text_of(exposition, openmetrics=True).count("# EOF") == 1
    assert text_of(exposition, openmetrics=True).endswith("\n# EOF\n")


def test_lines_stand_in_the_order_of_the_configuration_not_of_arrival() -> None:
    exposition = filled()
    exposition.take(4, record(4, result(facts={})))
    found = re.findall(r'^probe_success\{probe="(\w+)",region="(\w+)"\}', text_of(exposition), re.M)
    assert found == [("web", "fra"), ("web", "iad"), ("db", "fra"), ("db", "iad"), ("names", "fra")]


def test_before_the_first_result_nothing_is_claimed_about_targets() -> None:
    exposition = Exposition(view := view_of(config_of(KINDS)), None)
    exposition.restructure(view)
    names = {name for name, _ in samples_of(exposition)}
    assert not {name for name in names if name.startswith("probe_")}
    assert not names & {"prober_probe_up", "prober_region_up", "prober_service_up"}


def test_hostile_label_values_come_back_as_they_were() -> None:
    name = 'a"b\\c\nd\\n{e},é'
    view = view_of(config_of({"web": "http"}, ["fra"]))
    shown = view.probes.pop("web")
    shown.probe = dataclasses.replace(shown.probe, name=name, labels={"team": 'x"\ny\\'})
    view.probes[name] = shown
    exposition = Exposition(view, None)
    exposition.restructure(view)
    exposition.take(1, record(1))
    for openmetrics in (False, True):
        found = samples_of(exposition, openmetrics)
        assert found["probe_success", frozenset({("probe", name), ("region", "fra")})] == 1
        info = frozenset({("probe", name), ("kind", "http"), ("team", 'x"\ny\\')})
        assert found["prober_probe_info", info] == 1


def test_a_name_that_utf8_cannot_carry_does_not_break_the_scrape() -> None:
    view = view_of(config_of({"web": "http"}, ["fra"]))
    view.probes["\udc80"] = view.probes.pop("web")
    exposition = Exposition(view, None)
    exposition.restructure(view)
    exposition.take(1, record(1))
    assert value(exposition, "probe_success", probe="?", region="fra") == 1


def test_results_of_series_that_are_not_configured_are_left_out() -> None:
    exposition = filled()
    before = text_of(exposition).count("\n")
    exposition.take(99, record(99))
    exposition.gap(99, Gap(99, 1, 2, "late"))
    for subject in ("probe:gone", "service:gone", "region:gone@fra", "region:web@gone", "nonsense"):
        exposition.state(subject, State.UP)
    assert text_of(exposition).count("\n") == before


def test_counters_never_fall_over_a_change_of_configuration() -> None:
    """Series get other numbers and places, one probe goes, one comes; what stays counts on."""
    exposition = filled()
    before = samples_of(exposition)
    after_change = view_of(config_of({"new": "http", "db": "tcp", "web": "http"}), numbers_from=50)
    exposition.restructure(after_change)
    number = after_change.probes["web"].regions["fra"].series
    exposition.take(number, record(number))
    after = samples_of(exposition)
    counters = {
        key: at for key, at in before.items() if key[0].endswith(("_total", "_bucket", "_count", "_sum"))
    }
    stayed = {key: at for key, at in counters.items() if dict(key[1]).get("probe") in ("web", "db")}
    assert len(stayed) > 40
    fell = {key: (at, after.get(key)) for key, at in stayed.items() if after.get(key, -1.0) < at}
    assert fell == {}
    assert value(exposition, "prober_results_total", probe="web", region="fra", outcome="pass") == 2
    assert value(exposition, "prober_results_total", probe="new", region="fra", outcome="pass") == 0
    assert not [labels for _, labels in after if ("probe", "names") in labels]


def test_the_last_result_and_later_ones_show_after_a_change_of_configuration() -> None:
    exposition = filled()
    view = view_of(config_of({"db": "tcp", "web": "http"}), numbers_from=50)
    exposition.restructure(view)
    assert value(exposition, "probe_http_status_code", probe="web", region="fra") == 200
    number = view.probes["web"].regions["fra"].series
    exposition.take(number, record(number, result(facts={"status": 204})))
    assert value(exposition, "probe_http_status_code", probe="web", region="fra") == 204


def test_a_result_under_a_number_of_before_the_change_counts_for_nobody() -> None:
    exposition = filled()
    exposition.restructure(view_of(config_of(KINDS), numbers_from=50))
    exposition.take(1, record(1))
    assert value(exposition, "prober_results_total", probe="web", region="fra", outcome="pass") == 1


def test_a_probe_that_becomes_another_kind_shows_nothing_of_the_old_one_but_its_counts() -> None:
    exposition = filled()
    view = view_of(config_of({"web": "tcp"}))
    exposition.restructure(view)
    assert value(exposition, "probe_http_status_code", probe="web", region="fra") is None
    assert value(exposition, "probe_success", probe="web", region="fra") is None
    assert value(exposition, "prober_results_total", probe="web", region="fra", outcome="pass") == 1


@pytest.mark.parametrize("openmetrics", [False, True])
def test_a_change_of_configuration_during_a_scrape_leaves_that_scrape_whole(openmetrics: bool) -> None:
    exposition = filled()
    whole = text_of(exposition, openmetrics).count("\n")
    pieces = exposition.pieces(openmetrics)
    head = [next(pieces) for _ in range(9)]
    exposition.restructure(view_of(config_of({"only": "tcp"}, ["fra"])))
    assert b"".join([*head, *pieces]).count(b"\n") == whole


def test_every_series_is_there_once_around_the_edges_of_blocks() -> None:
    for series in (columns.BLOCK - 1, columns.BLOCK, columns.BLOCK + 1):
        view = view_of(config_of({f"p{number}": "tcp" for number in range(series)}, ["fra"]))
        exposition = Exposition(view, None)
        exposition.restructure(view)
        for number in (1, series):
            exposition.take(number, record(number, result(facts={"family": 4})))
        text = text_of(exposition)
        assert text.count('prober_results_total{outcome="fail"') == series
        assert text.count("probe_ip_protocol{") == 2
        exposition.take(series, record(series, result(facts={"family": 6})))  # after its block was kept
        assert f'probe_ip_protocol{{probe="p{series - 1}",region="fra"}} 6\n' in text_of(exposition)
