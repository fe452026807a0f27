"""Badges: the JSON that shields.io reads, an image of the same words, and nothing of what is not shown."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from support.asking import public
from support.months import months
from support.served import NOW_US, SECOND_US, make_probe, make_scene, make_service, sample

from prober.hub.verdict import State
from prober.site.badges import MAX_TEXT, Badge, as_svg

HOSTILE = '<script>alert("1")</script>&'


async def test_the_json_has_the_four_keys_of_the_schema_and_no_other() -> None:
    async with public(sample()) as site:
        heard = await site.ask("/badge/checkout.json")
        shop = (await site.ask("/badge/shop.json")).json
    assert heard.json == {"schemaVersion": 1, "label": "Checkout", "message": "down", "color": "#b93815"}
    assert heard.headers["Content-Type"] == "application/json; charset=utf-8"
    assert (shop["message"], shop["color"]) == ("up", "#0b7a5c")


@pytest.mark.parametrize("figure", ["status", "uptime"])
async def test_the_image_says_what_the_json_says(figure: str) -> None:
    async with public(sample()) as site:
        told = (await site.ask(f"/badge/downloads.json?figure={figure}")).json
        image = await site.ask(f"/badge/downloads.svg?figure={figure}")
    root = ElementTree.fromstring(image.text)
    texts = [one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == [told["label"], told["message"]]
    assert root.get("aria-label") == f"{told['label']}: {told['message']}"
    assert image.headers["Content-Type"] == "image/svg+xml; charset=utf-8"


async def test_the_uptime_is_the_one_of_the_page() -> None:
    async with public(sample()) as site:
        told = (await site.ask("/badge/shop.json?figure=uptime")).json
        html = (await site.ask("/")).text
        none = (await site.ask("/badge/mail.json?figure=uptime")).json
    figure = re.search(r"<h3>Web shop</h3>.*?<b>([0-9.]+ %) available</b>", html, re.DOTALL)
    assert figure is not None
    assert (told["message"], told["label"]) == (figure[1], "Web shop, 90 days")
    assert none["message"] == "no downtime measured"


async def test_the_contract_says_what_is_measured_and_the_finding(tmp_path: Path) -> None:
    async with months(tmp_path) as made, public(made, made.now_us) as site:
        told = (await site.ask("/badge/shop.json?figure=contract")).json
        others = [await site.ask(f"/badge/{name}.json?figure=contract") for name in ("mail", "names")]
    assert told == {
        "schemaVersion": 1,
        "label": "Web shop, 99.9 % a month promised",
        "message": "99.928 %, not proven so far",
        "color": "#935900",
    }
    assert [other.status for other in others] == [404, 404]


async def test_what_we_cannot_tell_is_not_known() -> None:
    scene, later_us = sample(), NOW_US + 3_600 * SECOND_US
    async with public(scene, lambda: later_us) as site:
        assert (await site.ask("/badge/shop.json")).json["message"] == "not known"


async def test_badges_may_be_read_anywhere_and_need_not_be_sent_twice() -> None:
    async with public(sample()) as site:
        first = await site.ask("/badge/shop.svg")
        again = await site.ask("/badge/shop.svg", If_None_Match=first.headers["ETag"])
        asked = await site.ask("/badge/shop.json", method="OPTIONS")
    assert first.headers["Cache-Control"] == "public, max-age=5"
    assert first.headers["Access-Control-Allow-Origin"] == asked.headers["Access-Control-Allow-Origin"] == "*"
    assert first.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/badge/nobody.svg", "/badge/secret-backoffice.json", "/badge/shop-web.svg", "/badge/shop.png",
        "/badge/shop.svg?figure=secret", "/badge/shop.json?figure=contract",
        "/badge/shop.svg?figur=uptime", "/badge/shop.svg?figure=status&x=1",
        "/badge/shop.svg?figure=status&figure=uptime",
    ],
)  # fmt: skip
async def test_there_is_no_badge_of_what_is_not_shown(path: str) -> None:
    async with public(sample()) as site:
        heard = await site.ask(path)
    assert (heard.status, heard.json) == (404, {"error": "not found"})


async def test_where_there_are_no_services_probes_have_badges() -> None:
    scene = make_scene([make_probe("web", "Web")])
    async with public(scene) as site:
        assert (await site.ask("/badge/web.json")).json["label"] == "Web"


async def test_names_are_escaped() -> None:
    scene = make_scene([make_probe("a")], [make_service("a", HOSTILE, ["a"])], state=State.UP)
    async with public(scene) as site:
        image = (await site.ask("/badge/a.svg")).text
    assert "<script>" not in image
    assert ElementTree.fromstring(image).get("aria-label") == f"{HOSTILE}: up"


def test_long_names_are_cut_and_signs_that_no_image_may_hold_left_out() -> None:
    root = ElementTree.fromstring(as_svg(Badge("x\x00\n" * 99, "y" * 99, "#000000")))
    label, message = (one.text or "" for one in root.iter("{http://www.w3.org/2000/svg}text"))
    assert (len(label), len(message)) == (MAX_TEXT, MAX_TEXT)
    assert label.endswith("…")
