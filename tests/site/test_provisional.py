"""Figures that late results may still change say so, to everyone, by the figure; the Statuspage API stays as it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest
from support.asking import public
from support.regions import AWAY_US, LAG_US, remote, silence
from support.served import DAY_US, MINUTE_US, NOW_US, Scene, sample

from prober.hub.verdict import State
from prober.site.page import page
from prober.site.statuspage import PATHS, Overview
from reports.availability import Availability

NOTE = "Provisional: results from Virginia since 13:50 UTC are still to come"


def notes(scene: Scene) -> dict[str, str]:
    """Return what is said by the figures, by the title of the component."""
    shown = page(scene.view, scene.history, NOW_US)
    return {line.title: line.provisional for _, lines in shown.groups for line in lines}


def late(name: str = "iad", since_us: int = NOW_US - AWAY_US) -> Scene:
    """Return the sample while a region is silent."""
    scene = remote()
    silence(scene, name, since_us)
    return scene


def test_while_results_come_as_usual_nothing_is_provisional() -> None:
    assert set(notes(remote()).values()) == {""}
    assert set(notes(sample()).values()) == {""}


def test_every_figure_that_a_late_region_may_change_says_so() -> None:
    assert set(notes(late()).values()) == {NOTE}


@pytest.mark.parametrize(("behind_us", "is_told"), [(75_000_000, False), (75_000_001, True)])
def test_late_begins_beyond_what_the_probes_may_be_silent(behind_us: int, is_told: bool) -> None:
    assert bool(notes(late(since_us=NOW_US - behind_us))["Mail"]) is is_told


def test_a_component_that_is_not_measured_from_there_says_nothing() -> None:
    scene = late()
    for probe in ("shop-web", "shop-cache"):
        del scene.view.probes[probe].regions["iad"]
    assert notes(scene)["Web shop"] == ""
    assert notes(scene)["Mail"] == NOTE


class _Behind:
    """The history of a scene as if nothing newer than an instant were known."""

    ready = True

    def __init__(self, scene: Scene, until_us: int) -> None:
        self.days, self.outages = scene.history.days, scene.history.outages
        self._rolling, self._until_us = scene.history.rolling, until_us

    def rolling(self, subject: str, now_us: int) -> Mapping[str, Availability]:
        """Return the figures of windows that end early."""
        return self._rolling(subject, self._until_us)


@pytest.mark.parametrize(("until_us", "is_told"), [(0, False), (1, True)])
def test_a_figure_that_ends_before_what_is_missing_is_final(until_us: int, is_told: bool) -> None:
    scene = late()
    history = _Behind(scene, NOW_US - AWAY_US + until_us)
    shown = page(scene.view, history, NOW_US)
    assert {line.provisional for _, lines in shown.groups for line in lines} == {NOTE if is_told else ""}


def test_several_late_regions_are_all_named() -> None:
    scene = late()
    silence(scene, "sin", NOW_US - 30 * MINUTE_US)
    scene.view.settled_us = NOW_US - 30 * MINUTE_US
    assert notes(scene)["Mail"] == (
        "Provisional: results from Virginia since 13:50 UTC and from Singapore since 13:32 UTC are still to come"
    )


def test_another_day_is_named_with_its_date() -> None:
    assert notes(late(since_us=NOW_US - DAY_US))["Mail"] == (
        "Provisional: results from Virginia since 14 March 2026, 14:02 UTC are still to come"
    )


def test_without_a_figure_there_is_nothing_provisional() -> None:
    scene = late()
    scene.history.ready = False
    assert set(notes(scene).values()) == {""}


async def test_the_note_stands_on_the_page_and_holds_no_name_from_the_inside() -> None:
    async with public(late()) as site:
        html = (await site.ask("/")).text
    assert html.count(f'<p class="small late">{NOTE}</p>') == 7
    assert "iad" not in html


async def test_the_title_of_a_region_is_escaped() -> None:
    scene = late()
    titled = tuple(replace(region, title="<i>x</i>") for region in scene.view.config.regions)
    scene.view.config = replace(scene.view.config, regions=titled)
    async with public(scene) as site:
        assert "<i>x" not in (await site.ask("/")).text


def test_the_statuspage_api_has_the_same_shape_and_states_while_figures_are_provisional() -> None:
    before, after = remote(), late()
    for path in PATHS:
        bodies = [json.loads(Overview(scene.view, {}, NOW_US).body(path)) for scene in (before, after)]
        assert bodies[0] == bodies[1]


def test_all_agents_silent_is_one_sentence_about_us() -> None:
    scene = remote()
    scene.view.all_silent_since_us = NOW_US - LAG_US
    banner = page(scene.view, scene.history, NOW_US).banner
    assert banner.state is State.UNKNOWN
    assert banner.sentence.startswith("Nothing has been measured since 15 March 2026, 14:02:07 UTC")
    summary = json.loads(Overview(scene.view, {}, NOW_US).body("/api/v2/summary.json"))
    assert {one["status"] for one in summary["components"] if not one["group"]} == {"degraded_performance"}
