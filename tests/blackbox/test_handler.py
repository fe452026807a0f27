"""`/probe` as callers see it: the exporter's answers, refusals, debug text, history, modules. The runs are made up."""

from __future__ import annotations

from html import escape
from urllib.parse import quote

import pytest
from support.asking import internal
from support.blackbox_served import METRICS, front, loaded_of
from support.served import NOW_US, sample

from prober.blackbox.guard import Rules
from prober.blackbox.messages import Told
from prober.blackbox.service import Unanswered
from prober.blackbox.sight import Line

FILE = """
modules:
  http_2xx: {prober: http, timeout: 5s}
  named: {prober: http, http: {headers: {Host: shop.example}}}
  tls: {prober: tcp, tcp: {tls: true}}
  secret: {prober: http, http: {basic_auth: {username: u, password: hush-hush}, bearer_token: }}
"""


async def test_a_passed_probe_is_200_with_its_metrics() -> None:
    async with front(FILE) as served:
        heard = await served.ask.ask("/probe?target=shop.example")
    assert (heard.status, heard.text) == (200, METRICS)
    assert heard.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert served.runner.asked == [("http_2xx", "shop.example", "", 5_000_000)]


async def test_a_failed_probe_is_still_200() -> None:
    async with front(FILE) as served:
        served.runner.told = Told(0, False, METRICS.replace(" 1", " 0"))
        heard = await served.ask.ask("/probe?target=shop.example")
    assert (heard.status, "probe_success 0" in heard.text) == (200, True)


@pytest.mark.parametrize(
    ("query", "header", "status", "words"),
    [
        ("module=nope&target=a", "10", 400, "unknown module"),
        ("module=http_2xx", "10", 400, "target parameter is missing"),
        ("target=a", "soon", 500, "cannot read X-Prometheus-Scrape-Timeout-Seconds"),
        ("module=named&target=a&hostname=other.example", "10", 400, "Host header"),
    ],
)
async def test_what_cannot_be_served_is_refused_in_words(
    query: str, header: str, status: int, words: str
) -> None:
    async with front(FILE) as served:
        heard = await served.ask.ask(f"/probe?{query}", X_Prometheus_Scrape_Timeout_Seconds=header)
    assert (heard.status, words in heard.json["error"], served.runner.asked) == (status, True, [])


async def test_unknown_modules_are_counted_and_nothing_else_is() -> None:
    async with front(FILE) as served:
        for query in ("module=nope&target=a", "module=nope", "target=", "target=a"):
            await served.ask.ask(f"/probe?{query}")
        assert served.blackbox.view.unknown_modules == 2


@pytest.mark.parametrize(("header", "timeout_us"), [("10", 5_000_000), ("3", 2_500_000), ("0.3", 150_000)])
async def test_the_limit_comes_from_the_header_and_the_module(header: str, timeout_us: int) -> None:
    async with front(FILE) as served:
        await served.ask.ask("/probe?target=a", X_Prometheus_Scrape_Timeout_Seconds=header)
    assert served.runner.asked[0][3] == timeout_us


@pytest.mark.parametrize("module", ["http_2xx", "named", "tls"])
async def test_the_hostname_goes_to_the_prober(module: str) -> None:
    async with front(FILE) as served:
        await served.ask.ask(f"/probe?module={module}&target=192.0.2.1:443&hostname=shop.example")
    assert served.runner.asked[0][:3] == (module, "192.0.2.1:443", "shop.example")


@pytest.mark.parametrize(
    "sent",
    [
        "http://shop.example/a%20b",
        quote("http://shop.example/a b", safe=""),
        quote(quote("http://shop.example/a b", safe=""), safe=""),
    ],
)
async def test_targets_are_decoded_however_often_they_were_encoded(sent: str) -> None:
    async with front(FILE) as served:
        await served.ask.ask(f"/probe?target={sent}")
    assert served.runner.asked[0][1] == "http://shop.example/a b"


async def test_debug_shows_log_metrics_and_module() -> None:
    async with front(FILE) as served:
        lines = (Line(NOW_US, "debug", "first"), Line(NOW_US, "error", "second thing", {"code": "x"}))
        served.runner.told = Told(0, False, METRICS, lines)
        heard = await served.ask.ask("/probe?target=shop.example&debug=true")
    log, _, rest = heard.text.partition("\n\n\n\nMetrics that would have been returned:\n")
    metrics, _, module = rest.partition("\n\n\nModule configuration:\n")
    assert log.splitlines()[0] == "Logs for the probe:"
    assert "level=debug msg=first" in log
    assert 'level=error msg="second thing" module=http_2xx target=shop.example code=x' in log
    assert metrics == METRICS
    assert module == "prober: http\ntimeout: 5s\n"
    assert (heard.status, heard.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")


async def test_debug_and_config_hide_secrets() -> None:
    async with front(FILE) as served:
        debug = await served.ask.ask(
            "/probe?module=secret&target=http://u:hush-hush@shop.example/&debug=true"
        )
        config = await served.ask.ask("/probe/config")
        history = await served.ask.ask("/probe/history")
    for heard in (debug, config, history):
        assert (heard.status, "hush-hush" in heard.text) == (200, False)
    assert "password: <secret>" in debug.text
    assert "password: <secret>" in config.text


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("u:hush@a.example/x", "<secret>@a.example/x"),
        ("http://u:hu@hush@a.example/x", "http://<secret>@a.example/x"),
        ("https://a.example/x?key=hush&hush#hush", "https://a.example/x?key=...&..."),
        ("a.example?hush=", "a.example?hush=..."),
        ("//u:hush@a.example/", "//<secret>@a.example/"),
        ("wss://a.example:8080/@x", "wss://a.example:8080/@x"),
        ("[2001:db8::1]:80", "[2001:db8::1]:80"),
    ],
)
async def test_secrets_of_a_target_are_in_no_text_and_its_run_is_found_nevertheless(
    target: str, shown: str
) -> None:
    asked = quote(target, safe="")
    async with front(FILE) as served:
        debug = (await served.ask.ask(f"/probe?target={asked}&debug=true")).text
        page = (await served.ask.ask("/probe/history")).text
        found = await served.ask.ask(f"/probe/logs?target={asked}")
        assert served.runner.asked[0][1] == target
    assert f"http_2xx: {escape(shown)}</a>" in page
    assert (">again</a>" in page) is (shown == target)
    assert (found.status, found.text) == (200, debug)
    if shown != target:
        assert not any(f"{sign}hush" in text for text in (debug, page) for sign in ":=@&#")


async def test_a_worker_that_is_gone_is_503_with_the_reason_and_no_measurement() -> None:
    async with front(FILE) as served:
        served.runner.problem = Unanswered("the worker is being started")
        heard = await served.ask.ask("/probe?target=a")
        history = await served.ask.ask("/probe/history")
    assert heard.status == 503
    assert heard.json["error"] == "nothing was measured: the worker is being started"
    assert "probe_success" not in heard.text
    assert "none yet" in history.text


async def test_own_trouble_is_503_and_debug_explains_it() -> None:
    async with front(FILE) as served:
        served.runner.told = Told(0, False, METRICS, (), "agent_resolver: no name server\r\nanswers")
        heard = await served.ask.ask("/probe?target=a")
        debug = await served.ask.ask("/probe?target=a&debug=true")
    assert (heard.status, "agent_resolver" in heard.json["error"]) == (503, True)
    assert (debug.status, debug.headers["X-Prober-Void"]) == (200, "agent_resolver: no name server??answers")


async def test_an_address_that_the_worker_refused_is_403() -> None:
    async with front(FILE) as served:
        served.runner.told = Told(0, False, "", (), "agent_forbidden: 127.0.0.1 must not be probed: loopback")
        assert (await served.ask.ask("/probe?target=a")).status == 403


@pytest.mark.parametrize(
    ("rules", "target", "status"),
    [
        (Rules(), "shop.example", 403),
        (Rules(configured=("shop.example",)), "http://shop.example/x", 200),
        (Rules(configured=("shop.example",)), "http://www.shop.example/x", 403),
        (Rules(allow=("*.example",)), "shop.example", 200),
        (Rules(allow=("*.example",)), "http://shop.example@evil.org/", 403),
        (Rules(allow=("*",)), "anything.org", 200),
        (Rules(allow=("*",)), "http://127.0.0.1:9090/", 403),
        (Rules(allow=("*",)), "http://[::ffff:10.0.0.1]/", 403),
        (Rules(allow=("*",)), "169.254.169.254", 403),
        (Rules(allow=("*",), private=True), "127.0.0.1", 200),
        (Rules(allow=("198.51.100.0/24",)), "198.51.100.1", 200),
        (Rules(allow=("198.51.100.0/24",)), "198.51.101.1", 403),
    ],
)
async def test_targets_that_may_not_be_probed_are_403_with_a_hint(
    rules: Rules, target: str, status: int
) -> None:
    async with front(FILE, rules) as served:
        heard = await served.ask.ask(f"/probe?target={quote(target, safe='')}")
    assert heard.status == status
    assert len(served.runner.asked) == (status == 200)
    if status == 403:
        assert "under blackbox, or a probe for it" in heard.json["hint"]


async def test_the_history_lists_runs_newest_first_and_finds_them() -> None:
    async with front(FILE) as served:
        await served.ask.ask("/probe?target=one.example")
        await served.ask.ask("/probe?target=two.example%2F%3Cscript%3E")
        await served.ask.ask("/probe?target=one.example&module=named")
        page = (await served.ask.ask("/probe/history")).text
        by_id = await served.ask.ask("/probe/logs?id=1")
        newest = await served.ask.ask("/probe/logs?target=one.example")
        of_module = await served.ask.ask("/probe/logs?target=one.example&module=http_2xx")
        gone = await served.ask.ask("/probe/logs?id=9")
        wrong = await served.ask.ask("/probe/logs?id=x")
        nothing = await served.ask.ask("/probe/logs")
    assert page.index("logs?id=3") < page.index("logs?id=2") < page.index("logs?id=1")
    assert "<script>" not in page
    assert "Logs for the probe:" in by_id.text
    assert "Host: shop.example" in newest.text
    assert "timeout: 5s" in of_module.text
    assert (gone.status, wrong.status, nothing.status) == (404, 400, 400)


async def test_without_a_module_file_there_is_nothing_to_ask() -> None:
    async with internal(sample()) as api:
        heard = await api.ask("/probe?target=a")
    assert (heard.status, heard.json["hint"]) == (404, "add blackbox: {file: blackbox.yml} to probes.yaml")


async def test_an_unchanged_file_changes_nothing_and_a_new_one_is_taken() -> None:
    async with front(FILE) as served:
        everything = Rules(allow=("*",), private=True)
        served.blackbox.view.success_us = 5
        assert not await served.blackbox.take(loaded_of(FILE, everything))
        assert (len(served.runner.loads), served.blackbox.view.success_us) == (1, 5)
        assert await served.blackbox.take(loaded_of("modules: {other: {prober: tcp}}", everything))
        assert (len(served.runner.loads), served.blackbox.view.success_us) == (2, NOW_US)
        assert (await served.ask.ask("/probe?target=a&module=other")).status == 200
        assert await served.blackbox.take(loaded_of("modules: {other: {prober: tcp}}", Rules()))
        assert (await served.ask.ask("/probe?target=a&module=other")).status == 403
        assert await served.blackbox.take(None)
        assert (await served.ask.ask("/probe?target=a")).status == 404
        assert served.runner.loads[-1].name == "stopped"
