"""The public listener over a real connection: the page, its headers, its weight, what it keeps to itself."""

from __future__ import annotations

import asyncio
import gzip
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from support.asking import Heard, public
from support.served import (
    MINUTE_US,
    NOW_US,
    SECOND_US,
    Past,
    Scene,
    crowd,
    make_probe,
    make_scene,
    make_service,
    sample,
)

from prober.hub.verdict import State
from reports.evidence import Window

MAX_PAGE_BYTES = 30_000  # compressed, of twenty services


async def front(scene: Scene, **headers: str) -> Heard:
    """Return the front page of a scene."""
    async with public(scene) as site:
        return await site.ask("/", **headers)


async def test_the_page_tells_the_sentence_the_services_and_their_states() -> None:
    html = (await front(sample())).text
    assert '<p id="sentence">Checkout is down</p>' in html
    assert re.findall("<h3>(.*?)</h3>", html) == [
        "Web shop",
        "Catalogue",
        "Checkout",
        "Public API",
        "Downloads",
        "Name service",
        "Mail",
    ]
    assert "2 of 3 regions see a failure: connections are refused" in html


async def test_each_state_has_a_word_and_a_shape_beside_its_colour() -> None:
    html = (await front(sample())).text
    for state, word in (("up", "Up"), ("degraded", "Degraded"), ("down", "Down")):
        assert re.search(
            rf'<span class="state {state}"><svg [^>]*><use href="#{state}"/></svg> {word}</span>', html
        )


async def test_the_figure_is_truncated_and_has_its_bounds() -> None:
    scene = make_scene([make_probe("a")], [make_service("a", "Alpha", ["a"])])
    start_us = NOW_US - 5 * MINUTE_US
    scene.history.pasts["service:a"] = Past(
        NOW_US - 9**9 * SECOND_US, (Window(start_us, start_us + MINUTE_US),)
    )
    html = (await front(scene)).text
    assert "<b>99.999 % available</b>" in html
    assert "over 90 days · between 99.998 and 99.999 % · 100 % measured" in html


async def test_a_past_that_is_not_read_yet_shows_no_figure() -> None:
    scene = sample()
    scene.history.ready = False
    html = (await front(scene)).text
    assert "no data: the past is still being read" in html
    assert "% available" not in html


async def test_twenty_services_weigh_at_most_30_kilobytes() -> None:
    heard = await front(crowd(20), Accept_Encoding="gzip")
    assert heard.headers["Content-Encoding"] == "gzip"
    assert len(heard.body) <= MAX_PAGE_BYTES
    assert gzip.decompress(heard.body).decode().count("<h3>") == 20


async def test_nothing_internal_is_on_the_page_or_in_the_api() -> None:
    async with public(sample()) as site:
        texts = [(await site.ask(path)).text for path in ("/", "/api/v2/summary.json")]
    for text in texts:
        for secret in (
            "internal.example",
            "203.0.113",
            "connect_refused",
            "backoffice",
            "Backoffice",
            "mirror-asia",
        ):
            assert secret not in text


async def test_what_operators_wrote_is_escaped() -> None:
    scene = make_scene(
        [make_probe("a", "<b>A</b>")], [make_service("a", "<script>alert(1)</script>", ["a"], '"<i>')]
    )
    html = (await front(scene)).text
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<i>" not in html


async def test_style_and_script_are_the_ones_the_policy_names() -> None:
    heard = await front(sample())
    policy = heard.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    for tag in ("style", "script"):
        (inside,) = re.findall(f"<{tag}>(.*?)</{tag}>", heard.text, re.DOTALL)
        assert f"{tag}-src 'sha256-{b64encode(sha256(inside.encode()).digest()).decode()}'" in policy
    assert " style=" not in heard.text


class _Loads(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag in ("script", "img", "iframe", "link") and (source := named.get("src") or named.get("href")):
            self.loaded.append(source)


async def test_one_response_is_the_whole_page() -> None:
    loads = _Loads()
    loads.feed((await front(sample())).text)
    assert [source for source in loads.loaded if not source.startswith("data:")] == []


async def test_headers_guard_the_page() -> None:
    headers = (await front(sample())).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Server"] == "prober"
    assert headers["Cache-Control"] == "public, max-age=5"
    assert headers["Content-Type"] == "text/html; charset=utf-8"


async def test_what_the_reader_has_is_not_sent_again() -> None:
    scene = sample()
    async with public(scene) as site:
        first = await site.ask("/")
        again = await site.ask("/", If_None_Match=first.headers["ETag"])
        packed = await site.ask("/", Accept_Encoding="gzip")
    assert (again.status, again.body) == (304, b"")
    assert packed.headers["ETag"] != first.headers["ETag"]
    assert first.headers["Vary"] == "Accept-Encoding"


async def test_a_change_is_sent_within_a_second() -> None:
    scene, now = sample(), [NOW_US]
    async with public(scene, lambda: now[0]) as site:
        before = await site.ask("/")
        scene.set_state("service:mail", State.DOWN)
        now[0] += SECOND_US
        after = await site.ask("/", If_None_Match=before.headers["ETag"])
    assert after.status == 200
    assert "2 of 7 services are down" in after.text


async def test_many_visitors_cost_one_render_a_second() -> None:
    """The figures of a service are asked for once, however many ask for the page."""
    scene, asked = sample(), []
    rolling = scene.history.rolling

    class Counting:
        ready, days, outages = True, scene.history.days, scene.history.outages

        def rolling(self, subject: str, now_us: int) -> object:
            asked.append(subject)
            return rolling(subject, now_us)

    scene.history = Counting()
    now = [NOW_US]
    async with public(scene, lambda: now[0]) as site:
        await asyncio.gather(*(site.ask("/") for _ in range(20)))
        await site.ask("/")
        assert len(asked) == 7
        now[0] += SECOND_US
        await site.ask("/")
    assert len(asked) == 14


async def test_a_head_has_the_headers_and_no_body() -> None:
    async with public(sample()) as site:
        head, got = await site.ask("/", "HEAD"), await site.ask("/")
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", str(len(got.body)))
    assert head.headers["ETag"] == got.headers["ETag"]


async def test_an_address_that_leads_nowhere_is_a_page_of_its_own() -> None:
    async with public(sample()) as site:
        heard = await site.ask("/nowhere?<script>")
    assert heard.status == 404
    assert "There is nothing at this address" in heard.text
    assert "<script>" not in heard.text
    assert "Content-Security-Policy" in heard.headers


async def test_other_methods_are_refused() -> None:
    async with public(sample()) as site:
        heard = await site.ask("/", "POST")
    assert (heard.status, heard.headers["Allow"]) == (405, "GET,HEAD")


@pytest.mark.parametrize(("path", "kind"), [("/", "text/plain"), ("/api/v2/status.json", "application/json")])
async def test_a_bug_is_500_without_its_inside(path: str, kind: str) -> None:
    scene = sample()
    scene.view.services["shop"].since_us = "broken"
    async with public(scene) as site:
        heard = await site.ask(path)
    assert (heard.status, heard.headers["Content-Type"].partition(";")[0]) == (500, kind)
    assert "an error of our own" in heard.text
    assert "broken" not in heard.text


async def test_without_javascript_the_page_is_complete_and_renews_itself() -> None:
    html = (await front(sample())).text
    assert '<noscript><meta http-equiv="refresh" content="30"></noscript>' in html
