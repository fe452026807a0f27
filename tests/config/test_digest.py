"""The digest: the same for the same meaning, another for every change, and no secret in it."""

from __future__ import annotations

import pytest
from support.configs import COMPLETE, ENVIRON, WEB, loaded

from prober.config import load_text


def test_comments_order_of_keys_and_spelling_do_not_change_it() -> None:
    base = loaded("probes: [{name: web, interval: 90s, tcp: {address: 'x:1'}}]\n").digest
    same = "# hello\nprobes:\n- tcp: {'address': \"x:1\"}\n  interval: 1m30s\n  name: web\n"
    assert loaded(same).digest == base
    assert len(base) == 64


def test_a_default_written_out_does_not_change_it() -> None:
    assert loaded("defaults: {interval: 30s}\n" + WEB).digest == loaded(WEB).digest


def test_the_folder_does_not_change_it() -> None:
    assert load_text(WEB, "/a/probes.yaml", {}).digest == load_text(WEB, "/b/probes.yaml", {}).digest


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("interval: 30s", "interval: 31s"),
        ("shop.example/health", "shop.example/healthz"),
        ('claim: "99.95%"', 'claim: "99.951%"'),
        ("1200.00 EUR", "1200.01 EUR"),
        ("127.0.0.1:8081", "127.0.0.1:8082"),
        ("start: 2026-12-06T02:00:00", "start: 2026-12-06T02:00:01"),
        ("title: Frankfurt", "title: Frankfort"),
        ("up_when: all", "up_when: any"),
    ],
)
def test_any_change_of_meaning_changes_it(before: str, after: str) -> None:
    assert before in COMPLETE
    assert loaded(COMPLETE.replace(before, after)).digest != loaded(COMPLETE).digest


def test_another_secret_changes_it() -> None:
    bearer = "probes: [{name: web, http: {url: 'https://x.example/', auth: {bearer: '${B}'}}}]\n"
    assert loaded(bearer, {"B": "one"}).digest != loaded(bearer, {"B": "two"}).digest
    other = {"IAD_TOKEN": ENVIRON["IAD_TOKEN"] + "2"}
    assert loaded(COMPLETE, other).digest != loaded(COMPLETE, ENVIRON).digest


def test_it_is_the_same_in_every_run() -> None:
    assert loaded(WEB).digest == loaded(WEB).digest
