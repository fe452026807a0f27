"""The page as values: the sentence, the notices, the lines. What we do not know is never told as up or down."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.served import MINUTE_US, NOW_US, SECOND_US, Scene, make_probe, make_scene, make_service, sample

from prober.hub.verdict import State
from prober.site.components import components, grouped, sight, troubles
from prober.site.page import Line, Page, page

STALE_US = 90 * SECOND_US  # three intervals of the sample's probes


def shown(scene: Scene, now_us: int = NOW_US) -> Page:
    """Return the page of a scene."""
    return page(scene.view, scene.history, now_us)


def line(scene: Scene, title: str) -> Line:
    """Return a line of the page of a scene."""
    return next(one for _, lines in shown(scene).groups for one in lines if one.title == title)


def two(first: State = State.UP, second: State = State.UP) -> Scene:
    """Return two services of one probe each, in these states."""
    probes = [make_probe("a", "Probe A"), make_probe("b", "Probe B")]
    scene = make_scene(probes, [make_service("a", "Alpha", ["a"]), make_service("b", "Beta", ["b"])])
    for name, state in (("a", first), ("b", second)):
        scene.set_state(f"probe:{name}", state)
        scene.set_state(f"service:{name}", state)
    return scene


def blinded(code: str = "agent_no_route", regions: tuple[str, ...] = ("fra", "iad", "sin")) -> Scene:
    """Return two services of which some regions know nothing, for trouble of our own."""
    scene = two(State.UNKNOWN, State.UNKNOWN) if len(regions) == 3 else two()
    for probe in ("a", "b"):
        for region in regions:
            scene.set_region(probe, region, State.UNKNOWN, code)
    return scene


@pytest.mark.parametrize(
    ("states", "state", "sentence"),
    [
        ((State.UP, State.UP), State.UP, "All services are up"),
        ((State.UP, State.DOWN), State.DOWN, "Beta is down"),
        ((State.DOWN, State.DOWN), State.DOWN, "All 2 services are down"),
        ((State.DEGRADED, State.DOWN), State.DOWN, "Beta is down"),
        ((State.DEGRADED, State.UP), State.DEGRADED, "Alpha is degraded"),
        ((State.DEGRADED, State.UNKNOWN), State.DEGRADED, "Alpha is degraded"),
        ((State.UNKNOWN, State.UP), State.UNKNOWN, "We cannot tell how Alpha is at the moment"),
        ((State.UNKNOWN, State.UNKNOWN), State.UNKNOWN, "We cannot tell how 2 services are at the moment"),
    ],
)
def test_the_banner_names_the_worst_that_is_known(
    states: tuple[State, State], state: State, sentence: str
) -> None:
    banner = shown(two(*states)).banner
    assert (banner.state, banner.sentence) == (state, sentence)


def test_some_of_many_are_counted() -> None:
    scene = sample()
    scene.set_state("service:mail", State.DOWN)
    assert shown(scene).banner.sentence == "2 of 7 services are down"


def test_without_network_the_page_says_that_it_cannot_tell() -> None:
    got = shown(blinded())
    assert got.banner.state is State.UNKNOWN
    assert got.banner.sentence == "We cannot tell at the moment: our own measuring points have no network"
    assert "nothing about the services" in got.notices[0]


def test_other_trouble_of_our_own_is_not_called_the_network() -> None:
    assert shown(blinded("agent_stalled")).banner.sentence.endswith("our own measuring points are in trouble")


def test_one_region_without_network_is_a_notice_and_no_more() -> None:
    got = shown(blinded(regions=("sin",)))
    assert got.banner.sentence == "All services are up"
    assert got.notices == (
        "Our measuring point in Singapore has no network at the moment and says nothing about the services.",
    )


def test_a_region_that_sees_one_probe_is_not_blind() -> None:
    scene = blinded(regions=("sin",))
    scene.set_region("a", "sin", State.UP)
    assert shown(scene).notices == ()


@pytest.mark.parametrize(("since_us", "is_stale"), [(STALE_US, False), (STALE_US + 1, True)])
def test_nothing_measured_for_three_intervals_is_said(since_us: int, is_stale: bool) -> None:
    scene = two()
    got = sight(scene.view, components(scene.view), NOW_US)
    assert got.newest_us is not None
    later = shown(scene, got.newest_us + since_us)
    assert (later.banner.state is State.UNKNOWN) is is_stale
    assert (
        later.banner.sentence.startswith("Nothing has been measured since 15 March 2026, 14:02:07 UTC")
        is is_stale
    )
    assert bool(later.notices) is is_stale


@pytest.mark.parametrize(
    ("since_us", "sentence"), [(STALE_US, "Measuring has just begun"), (STALE_US + 1, "Nothing")]
)
def test_before_the_first_result_measuring_has_begun(since_us: int, sentence: str) -> None:
    scene = two(State.UNKNOWN, State.UNKNOWN)
    for probe in scene.view.probes.values():
        for region in probe.regions.values():
            region.last, region.state = None, State.UNKNOWN
    got = shown(scene, scene.view.started_us + since_us)
    assert got.banner.sentence.startswith(sentence)
    assert got.measured == "No measurement yet"


def test_a_store_that_cannot_be_written_is_a_notice_without_its_inside() -> None:
    scene = two()
    scene.view.store.writable, scene.view.store.problem = False, "/var/lib/prober.db: disk full"
    (notice,) = shown(scene).notices
    assert notice.startswith("New measurements cannot be stored")
    assert "/var" not in notice


def test_trouble_is_told_in_plain_words_with_the_regions_that_see_it() -> None:
    assert line(sample(), "Checkout").troubles == ("2 of 3 regions see a failure: connections are refused",)
    assert line(sample(), "Downloads").troubles == (
        "Mirror in Asia: 1 of 3 regions sees a failure: it does not answer in time",
    )


def test_different_failures_are_counted_and_equal_words_are_one() -> None:
    scene = two(State.DOWN)
    for region, code in (("fra", "connect_unreachable"), ("iad", "connect_error"), ("sin", "http_status")):
        scene.set_region("a", region, State.DOWN, code)
    (trouble,) = line(scene, "Alpha").troubles
    assert trouble == "All 3 regions see a failure: it cannot be reached (2), it answers with an error (1)"


def test_regions_that_cannot_tell_are_told_apart_from_those_that_see_a_failure() -> None:
    scene = two(State.UNKNOWN)
    scene.set_region("a", "fra", State.DOWN, "http_status")
    scene.set_region("a", "iad", State.UNKNOWN, "agent_resolver")
    scene.view.probes["a"].regions["sin"].state = State.UNKNOWN
    (trouble,) = line(scene, "Alpha").troubles
    assert trouble == (
        "1 of 3 regions sees a failure: it answers with an error; "
        "2 of 3 regions cannot tell: our measuring point has no network (1), nothing was measured lately (1)"
    )


def test_the_reason_of_the_newest_result_is_taken_where_none_is_on_record() -> None:
    scene = two(State.DOWN)
    for region in ("fra", "iad", "sin"):
        scene.set_region("a", region, State.DOWN, "tls_expired")
        scene.view.probes["a"].regions[region].because = "2 regions"
    (component, _) = components(scene.view)
    assert list(troubles(component)) == ["All 3 regions see a failure: its certificate has expired"]


def test_probes_of_no_service_are_not_shown_when_there_is_a_service() -> None:
    titles = [component.title for component in components(sample().view)]
    assert "Backoffice" not in titles
    assert len(titles) == 7


def test_without_services_every_probe_is_shown_by_its_title() -> None:
    scene = make_scene([make_probe("a", "Probe A", group="One"), make_probe("b", "Probe B")])
    assert [component.title for component in components(scene.view)] == ["Probe A", "Probe B"]
    assert [name for name, _ in shown(scene).groups] == [None, "One"]


def test_groups_keep_the_order_of_the_file() -> None:
    groups = grouped(components(sample().view))
    assert {name: len(members) for name, members in groups.items()} == {
        "Commerce": 3,
        "Platform": 3,
        "Communication": 1,
    }
    assert list(groups) == ["Commerce", "Platform", "Communication"]


def test_the_matrix_has_every_probe_and_region() -> None:
    got = line(sample(), "Downloads")
    assert got.regions == ("Frankfurt", "Virginia", "Singapore")
    assert [(title, [cell.state for cell in cells]) for title, cells in got.matrix] == [
        ("Mirror in Europe", [State.UP, State.UP, State.UP]),
        ("Mirror in Asia", [State.UP, State.UP, State.DOWN]),
    ]


def test_a_probe_that_does_not_run_in_a_region_has_no_state_there() -> None:
    scene = sample()
    del scene.view.probes["mirror-asia"].regions["fra"]
    assert [cell.state for cell in line(scene, "Downloads").matrix[1][1]] == [None, State.UP, State.DOWN]


def test_the_newest_outages_are_listed_first_with_bounds() -> None:
    got = line(sample(), "Checkout")
    assert got.outages_total == 3
    assert got.outages[0] == "15 March 2026, 13:53 UTC: 9 min (at least 8 min 36 s, at most 9 min 24 s)"


def test_nothing_configured_is_said() -> None:
    assert shown(make_scene([])).banner.sentence == "Nothing is watched yet"


def test_a_state_tells_since_when() -> None:
    assert NOW_US % MINUTE_US == 11 * SECOND_US
    assert line(sample(), "Checkout").since == "since 15 March 2026, 13:53 UTC"


def test_a_job_that_calls_us_is_told_of_without_regions() -> None:
    """No region saw anything: the job said so itself, or nothing."""
    probe = replace(make_probe("backup", "Nightly backup"), kind="heartbeat", regions=("hub",))
    scene = make_scene([probe], state=State.DOWN)
    scene.set_region("backup", "hub", State.DOWN, "heartbeat_missing")
    (component,) = components(scene.view)
    assert list(troubles(component)) == ["It has not run when it should"]
