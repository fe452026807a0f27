"""Regions over the own API: agents elsewhere, what was kept aside, provisional figures, and forgetting a key."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from support.asking import Asker, Heard, internal
from support.regions import AWAY, AWAY_US, FAR, LAG_US, NEAR, remote, silence, troubled
from support.served import DAY_US, MINUTE_US, NOW_US, SECOND_US, Scene, sample

from prober.web.errors import ApiError
from prober.web.params import Query
from prober.web.regions import _is_loopback
from prober.web.regions import forget as forget_key
from prober.web.routes import Call


async def regions(scene: Scene) -> dict[str, Any]:
    """Return the answer about all regions."""
    async with internal(scene) as api:
        got: dict[str, Any] = (await api.ask("/api/v1/regions")).json
    return got


async def region(scene: Scene, name: str) -> dict[str, Any]:
    """Return what is said of one region."""
    return next(one for one in (await regions(scene))["regions"] if one["name"] == name)


async def agent(scene: Scene, name: str) -> dict[str, Any]:
    """Return what is said of one agent."""
    found = [one for each in (await regions(scene))["regions"] for one in each["agents"]]
    return next(one for one in found if one["name"] == name)


async def test_regions_stand_in_the_order_of_the_file_with_their_agents() -> None:
    got = await regions(remote())
    assert [(one["name"], one["title"], one["local"], one["mode"]) for one in got["regions"]] == [
        ("fra", "Frankfurt", True, "share"),
        ("iad", "Virginia", False, "share"),
        ("sin", "Singapore", False, "all"),
    ]
    assert [[each["name"] for each in one["agents"]] for one in got["regions"]] == [
        ["local-0"],
        [NEAR, AWAY],
        [FAR],
    ]
    assert got["now_us"] == NOW_US


async def test_a_remote_agent_tells_who_it_is_and_how_it_fares() -> None:
    got = await agent(remote(), NEAR)
    assert (got["standing"], got["up"], got["remote"], got["software"]) == ("up", True, True, "0.1.0")
    assert (got["fingerprint"], got["enrolled_us"]) == ("00112233aabbccdd", NOW_US - 40 * DAY_US)
    assert (got["seen_us"], got["lag_us"], got["gone_us"]) == (NOW_US, LAG_US, None)
    assert got["clock"] == {"offset_us": 12_000, "error_us": 3_000, "measured_us": NOW_US}
    assert got["spool"]["oldest_us"] is None
    assert got["health"]["resident_bytes"] == 41_000_000
    assert (got["aside"], got["refused"], got["restarts"]) == (0, None, 0)


async def test_an_agent_that_is_away_tells_since_when_and_what_it_had() -> None:
    got = await agent(remote(), AWAY)
    assert (got["standing"], got["connected_us"], got["gone_us"]) == ("away", None, NOW_US - AWAY_US)
    assert (got["seen_us"], got["lag_us"]) == (NOW_US - AWAY_US, AWAY_US + LAG_US)
    assert (got["spool"]["results"], got["spool"]["dropped_results"], got["spool"]["dropped_why"]) == (
        12,
        1_200,
        "size",
    )
    assert [event["kind"] for event in got["clock_events"]] == ["suspend"]


async def test_of_an_agent_on_this_machine_nothing_is_made_up() -> None:
    got = await agent(remote(), "local-0")
    unknown = (
        "software",
        "wire_version",
        "fingerprint",
        "enrolled_us",
        "connected_us",
        "gone_us",
        "complete_us",
        "lag_us",
    )
    assert {got[name] for name in (*unknown, "clock", "spool", "refused")} == {None}
    assert (got["pid"], got["seen_us"]) == (4_242, NOW_US - SECOND_US)


async def test_events_of_a_clock_stand_newest_first() -> None:
    got = await agent(troubled(), NEAR)
    assert [(event["kind"], event["by_us"]) for event in got["clock_events"]] == [
        ("step", -3_200_000),
        ("slew", 9_000),
    ]


async def test_a_region_tells_its_watermark_and_its_trouble() -> None:
    scene = troubled()
    silent, cut_off = await region(scene, "sin"), await region(scene, "iad")
    assert (silent["standing"], silent["silent"], silent["lag_us"]) == ("silent", True, AWAY_US)
    assert silent["watermark_us"] == NOW_US - AWAY_US
    assert (cut_off["standing"], cut_off["cut_off"], cut_off["asked_us"]) == (
        "cut_off",
        True,
        NOW_US - 40 * SECOND_US,
    )
    assert cut_off["evidence"][1] == "tcp://192.0.2.2:53: connect_refused"
    assert (cut_off["alone"], cut_off["alone_since_us"]) == (["api", "names"], NOW_US - 4 * MINUTE_US)


async def test_what_is_wrong_is_told_in_words_the_gravest_first() -> None:
    found = (await regions(troubled()))["troubles"]
    assert [(one["region"], one["agent"], one["grave"]) for one in found[:4]] == [
        ("iad", None, True),
        ("sin", None, True),
        ("iad", NEAR, True),
        ("iad", None, False),
    ]


async def test_shares_are_exact_with_their_counts() -> None:
    scene = sample()
    got = await region(scene, "fra")
    assert got["missed"]["count"] == len(scene.view.probes)
    assert (got["missed"]["ratio"]["num"], got["missed"]["ratio"]["den"]) == (1, 8_004)
    assert got["void"] == {"count": 0, "total": 80_030, "ratio": {"num": 0, "den": 1, "text": "0.000"}}


async def test_each_probe_is_told_as_the_region_sees_it() -> None:
    probes = {one["probe"]: one for one in (await region(remote(), "fra"))["probes"]}
    assert len(probes) == 10
    assert (probes["checkout"]["state"], probes["checkout"]["because"]) == ("down", "connect_refused")
    assert probes["checkout"]["last"]["failure"]["code"] == "connect_refused"
    assert probes["api"]["state"] == "up"


async def test_a_probe_that_is_not_run_there_is_not_told_of() -> None:
    scene = remote()
    del scene.view.probes["api"].regions["iad"]
    assert "api" not in {one["probe"] for one in (await region(scene, "iad"))["probes"]}


async def test_status_has_agents_and_regions_in_short() -> None:
    async with internal(troubled()) as api:
        status = (await api.ask("/api/v1/status")).json
    assert [(one["name"], one["standing"]) for one in status["agents"]] == [
        ("local-0", "up"), (NEAR, "refused"), (AWAY, "away"), (FAR, "away"),
    ]  # fmt: skip
    assert [(one["silent"], one["cut_off"]) for one in status["regions"]] == [
        (False, False), (False, True), (True, False),
    ]  # fmt: skip


async def test_batches_kept_aside_are_told_newest_first_without_their_bytes() -> None:
    async with internal(troubled()) as api:
        newest, older = (await api.ask("/api/v1/aside")).json["batches"]
        (only,) = (await api.ask("/api/v1/aside?limit=1")).json["batches"]
    assert only == newest == {
        "agent": NEAR,
        "region": "iad",
        "epoch": 7,
        "sequence": 412,
        "noted_us": NOW_US - 6 * MINUTE_US,
        "reason": "its hash of the batch before is not that of batch 411",
        "bytes": 900,
    }  # fmt: skip
    assert older["reason"] == "batch 412 is missing"


@pytest.mark.parametrize("subject", ["service:mail", "probe:mail", "region:mail@iad"])
async def test_figures_are_provisional_while_results_that_they_rest_on_are_late(subject: str) -> None:
    scene = remote()
    async with internal(scene) as api:
        path = f"/api/v1/availability?subject={subject}"
        scene.history.pasts["region:mail@iad"] = scene.history.pasts["probe:mail"]
        before = (await api.ask(path)).json
        silence(scene, "iad")
        after = (await api.ask(path)).json
    assert (before["provisional"], before["awaited"], before["settled_us"]) == (False, [], NOW_US - LAG_US)
    assert (after["provisional"], after["settled_us"]) == (True, NOW_US - AWAY_US)
    assert after["awaited"] == [{"region": "iad", "since_us": NOW_US - AWAY_US}]


async def test_figures_of_one_region_do_not_wait_for_another() -> None:
    scene = remote()
    silence(scene, "iad")
    scene.history.pasts["region:mail@sin"] = scene.history.pasts["probe:mail"]
    async with internal(scene) as api:
        got = (await api.ask("/api/v1/availability?subject=region:mail@sin")).json
    assert (got["provisional"], got["awaited"]) == (False, [])


async def test_without_figures_nothing_is_provisional() -> None:
    scene = remote()
    silence(scene, "iad")
    scene.history.ready = False
    async with internal(scene) as api:
        got = (await api.ask("/api/v1/availability?subject=service:mail")).json
    assert (got["provisional"], got["windows"]) == (False, {})


async def test_probes_and_services_tell_whether_what_is_said_of_them_may_change() -> None:
    scene = remote()
    silence(scene, "iad")
    del scene.view.probes["names"].regions["iad"]
    async with internal(scene) as api:
        probes = {one["name"]: one for one in (await api.ask("/api/v1/probes")).json["probes"]}
        services = {one["name"]: one for one in (await api.ask("/api/v1/services")).json["services"]}
        alone = (await api.ask("/api/v1/probes/mail")).json
    assert (probes["mail"]["provisional"], probes["mail"]["settled_us"]) == (True, NOW_US - AWAY_US)
    assert (services["mail"]["provisional"], services["mail"]["settled_us"]) == (True, NOW_US - AWAY_US)
    assert (probes["names"]["provisional"], services["names"]["provisional"]) == (False, False)
    assert alone == probes["mail"]


async def test_where_no_region_is_elsewhere_nothing_is_settled_or_provisional() -> None:
    async with internal(sample()) as api:
        probe = (await api.ask("/api/v1/probes/mail")).json
    assert (probe["settled_us"], probe["provisional"]) == (None, False)


def _authority(api: Asker) -> str:
    return api.url.removeprefix("http://").rstrip("/")


async def forget(
    name: str = NEAR, pinned: set[str] | None = None, **headers: str
) -> tuple[Heard, set[str] | None]:
    """Ask to forget an agent; return the answer and whose keys are pinned still."""
    scene = remote()
    scene.pinned = pinned
    async with internal(scene) as api:
        sent = {key: text.replace("{own}", _authority(api)) for key, text in headers.items()}
        heard = await api.ask(f"/api/v1/regions/forget?agent={name}", "POST", **sent)
    return heard, scene.pinned


async def test_a_pinned_key_is_forgotten() -> None:
    heard, left = await forget(pinned={NEAR, FAR})
    assert (heard.status, heard.json, left) == (200, {"agent": NEAR, "forgotten": True}, {FAR})


async def test_an_unknown_name_is_404_with_the_nearest_one() -> None:
    heard, left = await forget("iad-1a2b3c4", {NEAR})
    assert (heard.status, left) == (404, {NEAR})
    assert heard.json == {
        "error": "no agent named 'iad-1a2b3c4' has a pinned key",
        "hint": f"did you mean '{NEAR}'?",
    }


async def test_where_no_agent_comes_from_elsewhere_there_is_nothing_to_forget() -> None:
    heard, _ = await forget(pinned=None)
    assert (heard.status, heard.json["error"]) == (404, "no agent comes from elsewhere here")


async def test_a_get_forgets_nothing() -> None:
    scene = remote()
    scene.pinned = {NEAR}
    async with internal(scene) as api:
        heard = await api.ask(f"/api/v1/regions/forget?agent={NEAR}")
    assert (heard.status, heard.headers["Allow"], scene.pinned) == (405, "POST", {NEAR})


async def test_a_name_is_needed() -> None:
    scene = remote()
    scene.pinned = {NEAR}
    async with internal(scene) as api:
        heard = await api.ask("/api/v1/regions/forget", "POST")
    assert (heard.status, heard.json["error"]) == (400, "agent: missing")


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Sec_Fetch_Site": "cross-site"}])
async def test_foreign_pages_may_not(headers: dict[str, str]) -> None:
    heard, left = await forget(pinned={NEAR}, **headers)
    assert (heard.status, left) == (403, {NEAR})


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://{own}"}])
async def test_own_pages_and_programs_may(headers: dict[str, str]) -> None:
    heard, left = await forget(pinned={NEAR}, **headers)
    assert (heard.status, left) == (200, set())


@pytest.mark.parametrize(("remote_address", "is_taken"), [("127.0.0.1", True), ("192.0.2.7", False)])
async def test_another_machine_may_not(remote_address: str, is_taken: bool) -> None:
    scene = remote()
    scene.pinned = {NEAR}
    request = make_mocked_request("POST", "/api/v1/regions/forget").clone(remote=remote_address)
    call = Call(scene.served(), request, NOW_US, Query({"agent": NEAR}), ())
    if is_taken:
        assert (await forget_key(call)).forgotten
    else:
        with pytest.raises(ApiError) as refused:
            await forget_key(call)
        assert refused.value.status == 403
    assert (NEAR in scene.pinned) is not is_taken


@pytest.mark.parametrize(
    ("remote", "is_near"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("::ffff:192.0.2.7", False),
        ("128.0.0.1", False),
        ("192.0.2.7", False),
        ("", False),
        ("nonsense", False),
    ],
)
def test_only_this_machine_is_near(remote: str, is_near: bool) -> None:
    assert _is_loopback(remote) is is_near
