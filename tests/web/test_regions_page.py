"""The page of regions: whole without a script, guarded, renewed, told by words and signs; nothing hostile gets in."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from support.asking import Heard, internal
from support.regions import FAR, NEAR, remote, silence, troubled
from support.served import NOW_US, Scene, crowd, make_scene, sample

from prober.hub.verdict import State
from prober.store.base import AsideRow
from prober.web.regions_page import MAX_PROBES, page


class _Rows(HTMLParser):
    """Tables as lists of rows, a row as the texts of its cells."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.loaded: list[str] = []
        self._is_open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag in ("script", "img", "iframe", "link", "form"):
            self.loaded.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self._is_open = True
        assert not [name for name in named if name.startswith("on") or name == "style"]

    def handle_endtag(self, tag: str) -> None:
        self._is_open = self._is_open and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._is_open:
            cell = self.tables[-1][-1]
            cell[-1] = f"{cell[-1]} {data}".strip()


def read(html: str) -> _Rows:
    """Return the tables of a page."""
    rows = _Rows()
    rows.feed(html)
    return rows


def tables(scene: Scene) -> list[list[list[str]]]:
    """Return the tables of the page of a scene: regions, agents, probes, and what is kept aside."""
    return read(page(scene.view, scene.store.refused, NOW_US)).tables


async def asked(scene: Scene) -> Heard:
    """Ask for the page."""
    async with internal(scene) as api:
        return await api.ask("/regions")


async def test_the_page_guards_and_renews_itself_and_is_whole() -> None:
    heard = await asked(troubled())
    policy = heard.headers["Content-Security-Policy"]
    (style,) = re.findall("<style>(.*?)</style>", heard.text, re.DOTALL)
    assert heard.headers["Content-Type"] == "text/html; charset=utf-8"
    assert heard.headers["Refresh"] == "10"
    assert f"style-src 'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert read(heard.text).loaded == []


async def test_every_region_stands_with_its_state_in_a_word() -> None:
    regions = tables(troubled())[0]
    assert [(row[0], row[1]) for row in regions[1:]] == [
        ("fra Frankfurt", "✓ sound"),
        ("iad Virginia", "✗ cut off"),
        ("sin Singapore", "✗ silent"),
    ]
    assert regions[1][2:] == [
        "2s ago 2026-03-15 14:02:09 UTC",
        "0 % 0 of 80,030",
        "0.012 % 10 of 80,040",
        "1 on this machine",
    ]


def test_every_agent_stands_with_all_that_is_known_of_it() -> None:
    rows = {row[0].split()[0]: row[1:] for row in tables(remote())[1]}
    assert rows[NEAR] == [
        "iad", "✓ up for 3d enrolled 2026-02-03", "2s", "nothing waits", "+12.0 ms ± 3.0 ms", "1.5 ms lag 41.0 MB", "0",
    ]  # fmt: skip
    assert rows["iad-5e6f7a8b"][1:4] == [
        "▲ away for 12m enrolled 2026-02-03", "12m",
        "12 results 4.1 kB, oldest 12m old when it was there last ▲ gave up 1,200 (size)",
    ]  # fmt: skip
    assert rows["local-0"][2:5] == ["–", "–", "–"]


def test_a_clock_beyond_the_limit_is_marked_and_its_events_are_told() -> None:
    rows = {row[0].split()[0]: row for row in tables(troubled())[1]}
    assert rows[NEAR][5] == "✗ −3.20 s ± 40.0 ms step −3.20 s, 7m ago slew +9.0 ms, 3d ago"
    assert rows[FAR][5] == "+12.0 ms ± 3.0 ms when it was there last"


def test_probes_on_which_regions_disagree_come_first_with_the_reason() -> None:
    head, first, second, third, *_ = tables(remote())[2]
    assert head == ["probe", "fra Frankfurt", "iad Virginia", "sin Singapore"]
    assert first == [
        "checkout ✗ down",
        "✗ down for 9m connect_ refused",
        "✗ down for 9m connect_ refused",
        "✓ up",
    ]
    assert second[0] == "mirror-asia ▲ degraded"
    assert third[1:] == ["✓ up", "✓ up", "✓ up"]


def test_the_newest_result_is_told_where_the_state_does_not_say_it() -> None:
    scene = remote()
    scene.set_region("api", "iad", State.UNKNOWN, "agent_cut_off")
    (row,) = [row for row in tables(scene)[2] if row[0].startswith("api")]
    assert row[2] == "? unknown for 9m agent_ cut_ off newest: void"


def test_a_probe_that_is_not_run_there_says_so() -> None:
    scene = remote()
    del scene.view.probes["api"].regions["sin"]
    (row,) = [row for row in tables(scene)[2] if row[0].startswith("api")]
    assert row[3] == "– not run there"


def test_batches_kept_aside_are_told_with_the_reason() -> None:
    (_, newest, _) = tables(troubled())[3]
    assert newest == [
        f"{NEAR} epoch 7, batch 412",
        "6m ago",
        "its hash of the batch before is not that of batch 411",
    ]
    assert len(tables(remote())) == 3


def test_what_is_wrong_is_told_on_top_and_in_the_title() -> None:
    html = page(troubled().view, [], NOW_US)
    assert "<title>(3) Regions</title>" in html
    assert html.count('<li class="bad">✗ ') == 3
    assert html.count('<li class="mild">▲ ') == 4


def test_when_nothing_is_wrong_the_page_says_so() -> None:
    html = page(sample().view, [], NOW_US)
    assert "<title>Regions</title>" in html
    assert '<li class="good">✓ Every region delivers and has a network</li>' in html


async def test_the_page_is_there_while_the_store_cannot_be_read() -> None:
    scene = troubled()
    scene.store.problem = "the file is gone"
    heard = await asked(scene)
    assert heard.status == 200
    assert "cut off" in heard.text


def test_without_any_probe_or_agent_there_is_a_page() -> None:
    scene = make_scene([])
    scene.view.agents.clear()
    assert [len(table) for table in tables(scene)] == [4, 1, 1]


@pytest.mark.parametrize(
    ("count", "words"), [(MAX_PROBES, ""), (MAX_PROBES + 1, "and 1 more that fare no worse")]
)
def test_only_so_many_probes_are_shown_the_worst_first(count: int, words: str) -> None:
    scene = crowd(count)
    scene.view.probes[f"probe-{count - 1}"].regions["sin"].state = State.DOWN
    html = page(scene.view, [], NOW_US)
    assert len(read(html).tables[2]) == MAX_PROBES + 1
    assert ("more that fare no worse" in html) is bool(words)
    assert words in html
    assert f"probe-{count - 1}" in html


def test_nothing_that_an_agent_says_becomes_markup() -> None:
    scene = troubled()
    evil = '<script>alert(1)</script>"><img src=x>'
    agent = scene.view.agents[NEAR]
    agent.name = agent.software = agent.refused = agent.fingerprint = evil
    scene.view.regions["iad"].evidence = (evil,)
    scene.view.probes["api"].regions["iad"].because = evil
    scene.view.probes["api"].regions["iad"].state = State.DOWN
    row = AsideRow(agent=evil, region=evil, epoch=1, sequence=1, noted_us=NOW_US, reason=evil, data=b"")
    html = page(scene.view, [row], NOW_US)
    assert read(html).loaded == []
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 6


def test_all_silent_at_once_is_one_sentence() -> None:
    scene = remote()
    for name in ("fra", "iad", "sin"):
        silence(scene, name)
    scene.view.all_silent_since_us = NOW_US - 60_000_000
    html = page(scene.view, [], NOW_US)
    assert html.count("<li ") == 1
