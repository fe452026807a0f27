"""Reload over HTTP: how it went, and that no foreign page can ask for it."""

from __future__ import annotations

import pytest
from support.asking import Asker, Heard, internal
from support.served import sample

from prober.hub.view import ReloadView

DONE = ReloadView(ok=True, at_us=5)


async def reload(headers: dict[str, str]) -> tuple[Heard, int]:
    """Ask for a reload; return the answer and how many were left undone."""
    scene = sample()
    scene.reloads = [DONE]
    async with internal(scene) as api:
        heard = await api.ask(
            "/-/reload", "POST", **{k: v.replace("{own}", _authority(api)) for k, v in headers.items()}
        )
    return heard, len(scene.reloads)


def _authority(api: Asker) -> str:
    return api.url.removeprefix("http://").rstrip("/")


async def test_an_accepted_configuration_is_200_with_its_digest() -> None:
    heard, left = await reload({})
    assert (heard.status, left) == (200, 0)
    assert heard.json == {"ok": True, "at_us": 5, "digest": "d1" * 32, "faults": []}


async def test_a_refused_configuration_is_422_with_its_faults() -> None:
    scene = sample()
    scene.reloads = [ReloadView(ok=False, at_us=6, faults=("probes.yaml:3:5: probes.0: wrong",))]
    async with internal(scene) as api:
        heard = await api.ask("/-/reload", "POST")
        status = (await api.ask("/api/v1/status")).json
    assert (heard.status, heard.json["faults"]) == (422, ["probes.yaml:3:5: probes.0: wrong"])
    assert status["reload"] == heard.json


async def test_a_get_reloads_nothing() -> None:
    scene = sample()
    scene.reloads = [DONE]
    async with internal(scene) as api:
        heard = await api.ask("/-/reload")
    assert (heard.status, heard.headers["Allow"], len(scene.reloads)) == (405, "POST", 1)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://{own}"},
        {"Origin": "http://{own}", "Sec_Fetch_Site": "same-origin"},
        {"Sec_Fetch_Site": "none"},
        {"Host": "prober.internal:8081"},  # no browser: scripts may use any name
    ],
)
async def test_own_pages_and_programs_may_ask(headers: dict[str, str]) -> None:
    heard, left = await reload(headers)
    assert (heard.status, left) == (200, 0)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
        {"Origin": "http://evil.example", "Host": "evil.example"},  # a name rebound to our address
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
async def test_foreign_pages_may_not(headers: dict[str, str]) -> None:
    heard, left = await reload(headers)
    assert (heard.status, left) == (403, 1)
