"""Announced maintenance for the public: beside the state and never instead of it, what comes next, and the API."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from support.asking import public
from support.maintenance import DAY_US, HOUR_US
from support.served import NOW_US, Scene, sample

from prober.hub.verdict import State
from prober.site.page import page
from prober.site.planned import MAX_SHOWN, span_text
from prober.site.statuspage import Overview
from reports.contract import MaintenanceWindow

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
FIELDS = {
    "id", "name", "status", "created_at", "updated_at", "monitoring_at", "resolved_at", "impact", "shortlink",
    "started_at", "page_id", "incident_updates", "components", "scheduled_for", "scheduled_until",
}  # fmt: skip


def window(start_us: int, key: str = "k", **more: Any) -> MaintenanceWindow:
    """Return a window of two hours of the checkout."""
    made = MaintenanceWindow(
        key=key,
        title="Database upgrade",
        services=("checkout",),
        start_us=start_us,
        end_us=start_us + 2 * HOUR_US,
        announced_us=start_us - 5 * DAY_US,
        logged_us=start_us - 4 * DAY_US,
    )
    return replace(made, **more)


def with_windows(*windows: MaintenanceWindow) -> Scene:
    """Return the sample with windows."""
    scene = sample()
    scene.view.maintenance = windows
    return scene


def said(scene: Scene, now_us: int = NOW_US) -> dict[str, tuple[State, tuple[str, ...]]]:
    """Return the state of each line, and what is announced for it now."""
    shown = page(scene.view, scene.history, now_us)
    return {line.title: (line.state, line.maintenance) for _, lines in shown.groups for line in lines}


def listed(scene: Scene, path: str, now_us: int = NOW_US) -> list[dict[str, Any]]:
    """Return the windows of a path of the API."""
    body = msgspec.json.decode(Overview(scene.view, {}, now_us).body(f"/api/v2/{path}.json"))
    found: list[dict[str, Any]] = body["scheduled_maintenances"]
    return found


@pytest.mark.parametrize(
    ("now_us", "shown"),
    [(NOW_US - 1, False), (NOW_US, True), (NOW_US + 2 * HOUR_US - 1, True), (NOW_US + 2 * HOUR_US, False)],
)
def test_a_window_stands_beside_the_state_while_it_lasts(now_us: int, shown: bool) -> None:
    state, words = said(with_windows(window(NOW_US)), now_us)["Checkout"]
    assert words == (("Database upgrade, until 15 March 2026, 16:02 UTC",) if shown else ())
    assert state is State.DOWN


def test_other_components_and_cancelled_windows_are_left_alone() -> None:
    scene = with_windows(window(NOW_US), window(NOW_US, "c", cancelled_us=NOW_US - 1))
    assert [title for title, (_, words) in said(scene).items() if words] == ["Checkout"]
    assert len(said(scene)["Checkout"][1]) == 1


@pytest.mark.parametrize(("ahead_us", "count"), [(0, 0), (1, 1), (7 * DAY_US, 1), (7 * DAY_US + 1, 0)])
def test_what_begins_within_7_days_is_planned(ahead_us: int, count: int) -> None:
    shown = page(*_of(with_windows(window(NOW_US + ahead_us))))
    assert len(shown.planned) == count


def _of(scene: Scene) -> tuple[Any, Any, int]:
    return scene.view, scene.history, NOW_US


def test_what_is_planned_names_when_and_what_it_touches() -> None:
    one = window(NOW_US + DAY_US, services=("checkout", "shop", "unknown"), description="Read only meanwhile")
    (shown,) = page(*_of(with_windows(one))).planned
    assert (shown.title, shown.description) == ("Database upgrade", "Read only meanwhile")
    assert (shown.when, shown.services) == ("16 March 2026, 14:02 to 16:02 UTC", "Checkout, Web shop")
    many = with_windows(*(window(NOW_US + 1 + each, f"k{each}") for each in range(MAX_SHOWN + 3)))
    assert (len(page(*_of(many)).planned), page(*_of(many)).planned_more) == (MAX_SHOWN, 3)


def test_a_span_over_midnight_names_both_days() -> None:
    midnight_us = NOW_US // DAY_US * DAY_US + DAY_US
    assert span_text(midnight_us - HOUR_US, midnight_us + HOUR_US) == (
        "15 March 2026, 23:00 UTC to 16 March 2026, 01:00 UTC"
    )


async def test_the_page_shows_it_and_escapes_it() -> None:
    now = window(NOW_US, title="<b>Upgrade</b>")
    later = window(NOW_US + DAY_US, "later", title="<i>Later</i>", description="<script>")
    async with public(with_windows(now, later)) as site:
        text = (await site.ask("/")).text
    assert "<b>Under maintenance:</b> &lt;b&gt;Upgrade&lt;/b&gt;, until 15 March 2026" in text
    assert "Planned maintenance" in text
    assert "&lt;i&gt;Later&lt;/i&gt;" in text
    assert "<script>" not in text.partition("<main>")[2].partition("</main>")[0]
    async with public(sample()) as site:
        assert "aintenance" not in (await site.ask("/")).text


def test_each_path_has_its_windows() -> None:
    scene = with_windows(
        window(NOW_US - 3 * HOUR_US, "over"),
        window(NOW_US - HOUR_US, "now"),
        window(NOW_US + HOUR_US, "next"),
        window(NOW_US + DAY_US, "off", cancelled_us=NOW_US - 1),
        window(NOW_US + 2 * DAY_US, "later"),
    )
    words = {
        path: [one["status"] for one in listed(scene, path)]
        for path in (
            "scheduled-maintenances",
            "scheduled-maintenances/upcoming",
            "scheduled-maintenances/active",
            "summary",
        )
    }
    assert words == {
        "scheduled-maintenances": ["scheduled", "completed", "scheduled", "in_progress", "completed"],
        "scheduled-maintenances/upcoming": ["scheduled", "scheduled"],
        "scheduled-maintenances/active": ["in_progress"],
        "summary": ["in_progress", "scheduled", "scheduled"],
    }
    starts = [one["scheduled_for"] for one in listed(scene, "scheduled-maintenances/upcoming")]
    assert starts == sorted(starts)


def test_a_window_has_every_field_of_its_shape() -> None:
    (one,) = listed(with_windows(window(NOW_US)), "summary")
    assert set(one) == FIELDS
    assert re.fullmatch("[a-z0-9]{12}", one["id"])
    assert (one["impact"], one["scheduled_for"], one["scheduled_until"]) == (
        "maintenance", "2026-03-15T14:02:11.000Z", "2026-03-15T16:02:11.000Z",
    )  # fmt: skip
    assert [component["name"] for component in one["components"]] == ["Checkout"]
    assert [update["status"] for update in one["incident_updates"]] == ["in_progress", "scheduled"]
    assert all(TIME.fullmatch(one[name]) for name in ("created_at", "updated_at", "started_at"))
    assert one["created_at"] == "2026-03-10T14:02:11.000Z"
    assert {update["incident_id"] for update in one["incident_updates"]} == {one["id"]}


def test_components_keep_the_state_that_was_measured() -> None:
    def words(scene: Scene) -> dict[str, str]:
        body = msgspec.json.decode(Overview(scene.view, {}, NOW_US).body("/api/v2/components.json"))
        return {one["name"]: one["status"] for one in body["components"]}

    assert words(with_windows(window(NOW_US))) == words(sample())


@pytest.mark.parametrize(
    ("changed", "updates", "resolved"),
    [
        (
            {"start_us": NOW_US - 3 * HOUR_US, "end_us": NOW_US},
            ["completed", "in_progress", "scheduled"],
            NOW_US,
        ),
        (
            {"start_us": NOW_US + 1, "end_us": NOW_US + 2, "cancelled_us": NOW_US},
            ["completed", "scheduled"],
            NOW_US,
        ),
        ({"start_us": NOW_US + 1, "end_us": NOW_US + 2}, ["scheduled"], None),
    ],
)
def test_updates_tell_what_became_of_it(
    changed: dict[str, Any], updates: list[str], resolved: int | None
) -> None:
    (one,) = listed(with_windows(replace(window(0), **changed)), "scheduled-maintenances")
    assert [update["status"] for update in one["incident_updates"]] == updates
    assert one["resolved_at"] == (None if resolved is None else "2026-03-15T14:02:11.000Z")
    assert one["status"] == updates[0]


def test_at_most_50_are_listed_and_ids_are_stable_and_apart() -> None:
    scene = with_windows(*(window(NOW_US + each, f"k{each}") for each in range(60)))
    found = listed(scene, "scheduled-maintenances")
    assert len(found) == len({one["id"] for one in found}) == 50
    assert found == listed(scene, "scheduled-maintenances")
    assert found[0]["scheduled_for"] >= found[-1]["scheduled_for"]
