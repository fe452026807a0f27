"""How the daemon fares, as gauges and counters."""

from __future__ import annotations

from support.exposing import NOW_US, config_of, view_of
from support.samples import samples_of, value

from prober import __version__
from prober.hub.view import ReloadView, View
from prober.metrics import Exposition


def view() -> View:
    return view_of(config_of({"web": "http"}))


def test_the_store_shows_whether_it_can_be_written_and_what_commits_took() -> None:
    seen = view()
    made = Exposition(seen, None)
    assert value(made, "prober_store_writable") == 1
    seen.store.writable, seen.store.waiting_batches = False, 7
    seen.store.commits, seen.store.commit_seconds = 5, 0.25
    assert value(made, "prober_store_writable") == 0
    assert value(made, "prober_store_waiting_batches") == 7
    assert value(made, "prober_hub_commit_seconds_count") == 5
    assert value(made, "prober_hub_commit_seconds_sum") == 0.25


def test_a_reload_that_was_refused_shows_and_the_digest_stays() -> None:
    seen = view()
    made = Exposition(seen, None)
    assert value(made, "prober_config_last_reload_successful") == 1
    seen.reload = ReloadView(
        ok=False, at_us=NOW_US + 5_000_000, faults=("probes.yaml:1:1: probes: secret-ish words",)
    )
    assert value(made, "prober_config_last_reload_successful") == 0
    assert value(made, "prober_config_last_reload_timestamp_seconds") == NOW_US / 1e6 + 5
    assert value(made, "prober_config_info", digest=seen.config.digest) == 1


def test_the_daemon_says_who_it_is_and_what_it_uses() -> None:
    found = samples_of(Exposition(view(), None))
    (build,) = [dict(labels) for name, labels in found if name == "prober_build_info"]
    assert build["version"] == __version__
    assert found["prober_hub_cpu_seconds_total", frozenset()] > 0
    assert found["prober_start_time_seconds", frozenset()] == NOW_US / 1e6
