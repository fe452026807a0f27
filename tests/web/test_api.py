"""The own API over a real connection: what it answers about the present and the past, and what it refuses."""

from __future__ import annotations

import pytest
from support.asking import internal
from support.served import DAY_US, MINUTE_US, NOW_US, SECOND_US, grid_of, sample, with_results

INTERVAL_US = 30 * SECOND_US


async def test_status_tells_version_configuration_store_and_agents() -> None:
    async with internal(sample()) as api:
        status = (await api.ask("/api/v1/status")).json
    assert status["uptime_us"] == 3 * DAY_US
    assert (status["config_digest"], status["probes"], status["services"]) == ("d1" * 32, 10, 7)
    assert status["store"]["writable"] is True
    assert [agent["name"] for agent in status["agents"]] == ["local-0"]
    assert status["regions"][0] == {
        "name": "fra",
        "title": "Frankfurt",
        "local": True,
        "silent": False,
        "cut_off": False,
    }


async def test_probes_tell_the_state_and_last_result_of_each_region() -> None:
    async with internal(sample()) as api:
        probes = {probe["name"]: probe for probe in (await api.ask("/api/v1/probes")).json["probes"]}
        alone = (await api.ask("/api/v1/probes/checkout")).json
    assert alone == probes["checkout"]
    assert (alone["state"], alone["quorum"], alone["target"]) == (
        "down",
        2,
        "https://checkout.internal.example/",
    )
    assert {region["region"]: region["state"] for region in alone["regions"]} == {
        "fra": "down",
        "iad": "down",
        "sin": "up",
    }
    assert alone["regions"][0]["last"]["failure"]["code"] == "connect_refused"


async def test_options_are_not_served() -> None:
    """They may hold secrets; only the target is shown."""
    async with internal(sample()) as api:
        assert "options" not in (await api.ask("/api/v1/probes")).json["probes"][0]


async def test_services_tell_their_state_and_rule() -> None:
    async with internal(sample()) as api:
        services = {one["name"]: one for one in (await api.ask("/api/v1/services")).json["services"]}
    assert (services["shop"]["up_when"], services["shop"]["needed"], services["shop"]["state"]) == (
        "all",
        2,
        "up",
    )
    assert services["downloads"]["state"] == "degraded"


async def test_an_unknown_name_is_404_with_the_nearest_one() -> None:
    async with internal(sample()) as api:
        heard = await api.ask("/api/v1/probes/chekout")
    assert (heard.status, heard.json) == (
        404,
        {"error": "no probe named 'chekout'", "hint": "did you mean 'checkout'?"},
    )


async def test_results_are_exact_where_a_detail_is_kept() -> None:
    scene = with_results()
    async with internal(scene) as api:
        kept, retry, plain = (await api.ask("/api/v1/results?probe=shop-web&region=fra")).json["results"]
    assert (kept["started_us"], kept["started_exact"], kept["outcome"]) == (
        NOW_US - 31 * SECOND_US + 7,
        True,
        "fail",
    )
    assert kept["detail"]["failures"][0]["code"] == "http_status"
    assert kept["detail"]["facts"]["status"] == 200
    assert (retry["kind"], retry["started_us"], retry["started_exact"]) == (
        "retry",
        NOW_US - 60 * SECOND_US + 3,
        True,
    )
    assert plain["detail"] is None
    due_us = grid_of(scene, 1).due_us(plain["slot"])
    assert (plain["due_us"], plain["started_us"], plain["started_exact"]) == (due_us, due_us + 7_000, False)


async def test_results_are_paged_by_key() -> None:
    async with internal(with_results()) as api:
        first = (await api.ask("/api/v1/results?limit=2")).json
        second = (await api.ask(f"/api/v1/results?limit=2&after={first['after']}")).json
    assert [len(first["results"]), len(second["results"])] == [2, 1]
    assert second["after"] is None


async def test_results_filter_by_outcome_and_region() -> None:
    async with internal(with_results()) as api:
        assert len((await api.ask("/api/v1/results?outcome=fail,void")).json["results"]) == 1
        assert len((await api.ask("/api/v1/results?outcome=pass")).json["results"]) == 2
        assert (await api.ask("/api/v1/results?region=sin")).json["results"] == []


async def test_results_start_at_or_after_from_and_before_to() -> None:
    scene = with_results()
    started_us = NOW_US - 31 * SECOND_US + 7
    async with internal(scene) as api:

        async def count(window: str) -> int:
            return len((await api.ask(f"/api/v1/results?{window}")).json["results"])

        assert await count(f"from={started_us}") == 1
        assert await count(f"from={started_us + 1}") == 0
        assert await count(f"to={started_us + 1}") == 3
        assert await count(f"to={started_us}") == 2
        assert await count("from=2026-03-15T14:00:00Z") == 3
        assert await count("from=2026-03-15T15:00:00%2B01:00&to=2026-03-15T14:00:01Z") == 0
    assert scene.store.asked[0].series[0].from_slot == grid_of(scene, 1).slot_at(started_us)


async def test_states_show_where_things_stand_and_the_changes() -> None:
    async with internal(with_results()) as api:
        everything = (await api.ask("/api/v1/states")).json
        one = (await api.ask("/api/v1/states?subject=probe:checkout")).json
        region = (await api.ask("/api/v1/states?subject=region:checkout@sin")).json
        limited = (await api.ask("/api/v1/states?limit=1")).json
    assert (len(everything["states"]), len(everything["changes"])) == (17, 2)
    assert [change["after"] for change in one["changes"]] == ["down"]
    assert one["states"][0]["state"] == "down"
    assert region["states"][0]["state"] == "up"
    assert len(limited["changes"]) == 1


async def test_availability_gives_exact_ratios_with_bounds() -> None:
    async with internal(sample()) as api:
        got = (await api.ask("/api/v1/availability?subject=service:api")).json
    assert sorted(got["windows"]) == ["1h", "24h", "30d", "7d", "90d", "month"]
    week = got["windows"]["7d"]
    down_us = 2 * MINUTE_US
    assert week["down"]["measured_us"] == down_us
    assert week["measured"]["num"] * 7 * DAY_US == week["measured"]["den"] * (7 * DAY_US - down_us)
    assert [week[bound]["text"] for bound in ("lowest", "measured", "highest")] == [
        "99.976",
        "99.980",
        "99.984",
    ]


async def test_availability_without_data_is_null_and_not_loaded_is_said() -> None:
    scene = sample()
    async with internal(scene) as api:
        hour = (await api.ask("/api/v1/availability?subject=service:mail")).json["windows"]["90d"]
        assert hour["coverage"]["text"] == "21.111"
        scene.history.ready = False
        assert (await api.ask("/api/v1/availability?subject=service:mail")).json == {
            "subject": "service:mail",
            "ready": False,
            "settled_us": None,
            "provisional": False,
            "awaited": [],
            "windows": {},
        }


async def test_gaps_tell_reason_and_time() -> None:
    async with internal(with_results()) as api:
        (gap,) = (await api.ask("/api/v1/gaps?probe=shop-web")).json["gaps"]
    assert (gap["region"], gap["slots"], gap["to_us"] - gap["from_us"]) == ("iad", 3, 3 * INTERVAL_US)


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/api/v1/results?limit=0", 400, "limit"),
        ("/api/v1/results?limit=1001", 400, "limit"),
        ("/api/v1/results?limit=ten", 400, "limit"),
        ("/api/v1/results?outcome=bad", 400, "outcome"),
        ("/api/v1/results?from=yesterday", 400, "from"),
        ("/api/v1/results?from=2026-03-15T14:00:00", 400, "from"),
        ("/api/v1/results?from=5&to=5", 400, "to"),
        ("/api/v1/results?prob=shop-web", 400, "prob"),
        ("/api/v1/results?limit=1&limit=2", 400, "limit"),
        ("/api/v1/results?probe=", 400, "probe"),
        ("/api/v1/results?probe=nope", 404, "nope"),
        ("/api/v1/gaps?region=nope", 404, "nope"),
        ("/api/v1/availability", 400, "subject"),
        ("/api/v1/availability?subject=shop", 400, "subject"),
        ("/api/v1/availability?subject=service:nope", 404, "nope"),
        ("/api/v1/states?subject=region:checkout@nope", 404, "nope"),
        ("/api/v1/status?verbose=1", 400, "verbose"),
        ("/api/v1/nothing", 404, "nothing"),
    ],
)
async def test_what_cannot_be_answered_is_said_with_the_parameter_named(
    path: str, status: int, word: str
) -> None:
    async with internal(with_results()) as api:
        heard = await api.ask(path)
    assert heard.status == status
    assert heard.json.keys() == {"error", "hint"}
    assert word in heard.json["error"]


@pytest.mark.parametrize("path", ["/api/v1/results?limit=1", "/api/v1/results?limit=1000"])
async def test_limits_are_taken_up_to_both_ends(path: str) -> None:
    async with internal(with_results()) as api:
        assert (await api.ask(path)).status == 200


async def test_a_store_that_cannot_be_read_is_503_with_its_words() -> None:
    scene = sample()
    scene.store.problem = "the file is gone"
    async with internal(scene) as api:
        heard = await api.ask("/api/v1/results")
    assert (heard.status, heard.json["error"]) == (503, "the store cannot be read: the file is gone")


async def test_a_bug_is_500_without_its_inside() -> None:
    scene = sample()
    scene.view.probes["checkout"].regions["fra"].last_kind = 99
    async with internal(scene) as api:
        heard = await api.ask("/api/v1/probes")
    assert (heard.status, heard.json["error"]) == (500, "an error of our own")


async def test_the_index_links_to_everything_that_can_be_opened() -> None:
    async with internal(sample()) as api:
        heard = await api.ask("/")
    assert heard.headers["Content-Type"] == "text/html; charset=utf-8"
    for path in ("/regions", "/metrics", "/readyz", "/api/v1/openapi.json", "/api/v1/results"):
        assert f'href="{path}"' in heard.text
