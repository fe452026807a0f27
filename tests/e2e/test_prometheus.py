"""A real Prometheus, set up as deploy/ says, beside a running daemon: it takes all metrics, and its alerts work."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import shutil
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp import web
from support.certs import certificates
from support.daemons import ROOT, Daemon, daemon
from support.dns_peer import NXDOMAIN, SILENT, dns_peer, records
from support.http_answers import delayed, hang, plain
from support.http_peer import http_peer
from support.ports import free_port
from support.tcp_peer import banner, refused, tcp_peer

DEPLOY = ROOT / "deploy" / "prometheus"
RULES = yaml.safe_load((DEPLOY / "rules" / "prober.yml").read_text(encoding="utf-8"))
DEADLINE_SECONDS = 40
TEXT, OPENMETRICS = "text/plain", "application/openmetrics-text"
PROBES, NEVER_VOID = (
    15,
    4,
)  # a look at loopback may only be had from loopback, so dns does not use the foreign address
NOWHERE = "198.51.100.53"
# What only an agent elsewhere tells: test_metrics sees to it that the rules ask for what there is.
ONLY_REMOTE = re.compile(
    r"prober_agent_(refused|spool_\w+|dropped_results_total|aside_batches_total|clock_(offset|error)_seconds)"
)
# The second region has an address that is not of this machine: all its runs are VOID.
SETTINGS = """\
regions:
  fra: {title: Frankfurt, local: true}
  iad: {title: Virginia, local: true, source_address: "192.0.2.1"}
defaults: {interval: 500ms, timeout: 300ms, down_when: any, confirm: {retries: 0}, recheck: 1s}
"""


def tool(name: str) -> str:
    """Return where a command is; skip with what to install."""
    found = shutil.which(name)
    if found is None:
        pytest.skip("missing component: prometheus (hint: make e2e as root on Debian installs it)")
    return found


async def promtool(metrics: str) -> tuple[int | None, str]:
    """Return what `promtool check metrics` makes of an exposition."""
    process = await asyncio.create_subprocess_exec(
        tool("promtool"), "check", "metrics",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate(metrics.encode())
    return process.returncode, said.decode()


def names_in_rules() -> set[str]:
    """Return the names of all own metrics that the alert rules ask for."""
    expressions = [rule["expr"] for group in RULES["groups"] for rule in group["rules"]]
    return set(re.findall(r"\b(?:prober|probe)_[a-z0-9_]+\b", " ".join(expressions)))


@dataclass(slots=True)
class Prometheus:
    """A running Prometheus."""

    url: str
    session: aiohttp.ClientSession

    async def api(self, path: str, **query: str) -> Any:  # Any: JSON
        """Return the data of an answer; None while there is none."""
        with contextlib.suppress(aiohttp.ClientError):
            async with self.session.get(f"{self.url}/api/v1/{path}", params=query) as answer:
                return (await answer.json()).get("data")
        return None

    async def ask(self, query: str) -> list[float]:
        """Return the values of a query."""
        data = await self.api("query", query=query)
        return [float(each["value"][1]) for each in data["result"]] if data else []

    async def until(self, query: str, wanted: list[float]) -> None:
        """Wait until a query has this answer."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while (found := await self.ask(query)) != wanted:
            assert time.monotonic() < deadline, f"{query} gives {found}"
            await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def prometheus(
    folder: Path, targets: dict[str, str], jobs: Sequence[dict[str, Any]] = ()
) -> AsyncIterator[Prometheus]:
    """Run Prometheus on the configuration of deploy/, at a faster pace, with a job for each target, and more jobs."""
    address = f"127.0.0.1:{free_port()}"
    shutil.copytree(DEPLOY, folder / "etc")
    path = folder / "etc" / "prometheus.yml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    settings["global"] = dict.fromkeys(("scrape_interval", "scrape_timeout", "evaluation_interval"), "1s")
    usual = [
        {"job_name": name, "static_configs": [{"targets": [target]}]} for name, target in targets.items()
    ]
    settings["scrape_configs"] = [*usual, *jobs]
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    with (folder / "prometheus.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            tool("prometheus"), f"--config.file={path}", f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={address}", stdout=log, stderr=log,
        )  # fmt: skip
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        try:
            yield Prometheus(f"http://{address}", session)
        finally:
            process.terminate()
            async with asyncio.timeout(DEADLINE_SECONDS):
                await process.wait()


@contextlib.asynccontextmanager
async def in_format(running: Daemon, wanted: str) -> AsyncIterator[str]:
    """Pass the metrics on as if the reader knew one format only; yields host:port."""

    async def relay(_: web.Request) -> web.Response:
        async with running.session.get(running.internal + "/metrics", headers={"Accept": wanted}) as answer:
            kind = answer.headers["Content-Type"]
            assert kind.startswith(wanted)
            return web.Response(body=await answer.read(), headers={"Content-Type": kind})

    app = web.Application()
    app.router.add_get("/metrics", relay)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        yield f"{host}:{port}"
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def targets() -> AsyncIterator[str]:
    """Serve something for every outcome of every kind; yields the probes that look at it."""
    known = certificates()
    zone = {
        ("good.test", "A"): records("203.0.113.7"),
        ("none.test", "A"): NXDOMAIN,
        ("mute.test", "A"): SILENT,
    }
    async with contextlib.AsyncExitStack() as stack:
        enter = stack.enter_async_context
        routes = {"/": plain(), "/slow": delayed(50_000, plain()), "/hang": hang(), "/bad": plain(status=503)}
        web_peer = await enter(http_peer(routes))
        good, soon, ended = [
            await enter(http_peer({"/": plain()}, tls=leaf.server_context()))
            for leaf in (known.valid, known.ending_in(3), known.expired)
        ]
        greeting = await enter(tcp_peer(banner(b"220 mail.test\r\n")))
        closed = stack.enter_context(refused())
        names = await enter(dns_peer(zone))
        tls = {"ca_file": str(known.ca_file)}
        greets = {"address": greeting.address, "dialogue": [{"expect": "^220 "}]}
        dns = {"name": "good.test", "server": names.address}
        yield listed(
            {"name": "web-pass", "http": {"url": web_peer.url("/")}},
            {"name": "web-warn", "http": {"url": web_peer.url("/slow"), "expect": {"warn_within": "20ms"}}},
            {"name": "web-fail", "http": {"url": web_peer.url("/bad")}},
            {"name": "web-hang", "http": {"url": web_peer.url("/hang")}},
            {"name": "tls-pass", "http": {"url": good.url("/"), "tls": tls}},
            {
                "name": "tls-warn",
                "http": {"url": soon.url("/"), "tls": tls, "expect": {"certificate_days": 14}},
            },
            {"name": "tls-fail", "http": {"url": ended.url("/"), "tls": tls}},
            {"name": "tcp-pass", "tcp": greets},
            {"name": "tcp-warn", "tcp": {**greets, "expect": {"warn_within": "1us"}}},
            {"name": "tcp-fail", "tcp": {"address": closed.address}},
            {"name": "dns-pass", "dns": dns},
            {"name": "dns-warn", "dns": {**dns, "expect": {"warn_within": "1us"}}},
            {"name": "dns-fail", "dns": {**dns, "name": "none.test"}},
            {"name": "dns-hang", "dns": {**dns, "name": "mute.test"}},
            {"name": "dns-void", "regions": ["iad"], "dns": {**dns, "server": NOWHERE}},
        )


def listed(*probes: dict[str, Any]) -> str:
    """Write probes as a configuration has them, two services and a contract; JSON is YAML."""
    services = [
        {"name": "shop", "probes": ["web-pass", "web-warn"]},
        {"name": "broken", "probes": ["web-fail"]},
    ]
    contracts = [{"name": "shop-gold", "service": "shop", "claim": "99.9%"}]
    return f"probes: {json.dumps(probes)}\nservices: {json.dumps(services)}\ncontracts: {json.dumps(contracts)}\n"


async def seen_all(running: Daemon) -> bool:
    """Say whether every probe has a result from both regions."""
    probes = (await running.get("/api/v1/probes"))["probes"]
    return bool(probes) and all(region["last"] for probe in probes for region in probe["regions"])


async def test_promtool_has_nothing_to_say_of_a_daemon_without_a_result(tmp_path: Path) -> None:
    settings = "defaults: {interval: 1d}\nprobes:\n  - {name: web, http: {url: http://127.0.0.1:9/}}\n"
    async with daemon(tmp_path, settings) as running:
        assert await running.results() == []
        metrics = await running.text(running.internal + "/metrics")
        assert "prober_build_info" in metrics
        assert await promtool(metrics) == (0, "")


async def test_everything_that_is_measured_reaches_a_prometheus(tmp_path: Path) -> None:
    """Both formats, all kinds, all outcomes; and no alert rule asks for a metric that is not there."""
    async with targets() as probes, daemon(tmp_path, SETTINGS + probes) as running:
        await running.until(seen_all)
        assert await outcomes(running, "fra") == {
            "pass": {"web-pass", "tls-pass", "tcp-pass", "dns-pass"},
            "warn": {"web-warn", "tls-warn", "tcp-warn", "dns-warn"},
            "fail": {"web-fail", "web-hang", "tls-fail", "tcp-fail", "dns-fail", "dns-hang"},
        }
        assert len((await outcomes(running, "iad"))["void"]) == PROBES - NEVER_VOID
        assert await promtool(await running.text(running.internal + "/metrics")) == (0, "")
        async with (
            in_format(running, TEXT) as text,
            in_format(running, OPENMETRICS) as openmetrics,
            prometheus(tmp_path, {"text": text, "openmetrics": openmetrics}) as it,
        ):
            for job in ("text", "openmetrics"):
                await it.until(f'up{{job="{job}"}}', [1])
                await it.until(f'count(prober_probe_info{{job="{job}"}})', [PROBES])
                void = f'prober_results_total{{job="{job}",outcome="void",region="iad"}}'
                await it.until(f"count({void} > 0)", [PROBES - NEVER_VOID])
                await it.until(f'probe_success{{job="{job}",probe="tls-pass",region="fra"}}', [1])
                await it.until(f'count(prober_contract_lost{{job="{job}"}})', [1])
                wanted = [name for name in names_in_rules() if not ONLY_REMOTE.fullmatch(name)]
                missing = [name for name in wanted if not await it.ask(f'{name}{{job="{job}"}}')]
                assert missing == []
            assert len(names_in_rules()) >= 8


async def outcomes(running: Daemon, region: str) -> dict[str, set[str]]:
    """Return the probes by the outcome of their last look from a region."""
    found: dict[str, set[str]] = {}
    for probe in (await running.get("/api/v1/probes"))["probes"]:
        for each in probe["regions"]:
            if each["region"] == region:
                found.setdefault(each["last"]["outcome"], set()).add(probe["name"])
    return found


async def test_the_alert_of_a_probe_fires_while_it_is_down(tmp_path: Path) -> None:
    """All rules load and can be evaluated; the one for an outage fires, and falls silent afterwards."""
    async with http_peer({"/": plain()}) as peer:
        probes = [
            {"name": "web", "http": {"url": peer.url("/")}},
            {"name": "db", "tcp": {"address": peer.address}},
        ]
        settings = f"defaults: {{interval: 500ms, confirm: {{retries: 0}}}}\nprobes: {json.dumps(probes)}\n"
        async with daemon(tmp_path, settings) as running:
            internal = running.internal.removeprefix("http://")
            async with prometheus(tmp_path, {"prober": internal}) as it:
                await it.until('prober_probe_up{probe="web"}', [1])
                peer.routes["/"] = plain(status=500)
                await it.until(
                    'ALERTS{alertname="ProbeDown",alertstate="firing",probe="web",severity="page"}', [1]
                )
                assert await firing(it) == {("ProbeDown", "web")}
                assert await rules(it) == {
                    rule["alert"] for group in RULES["groups"] for rule in group["rules"]
                }
                peer.routes["/"] = plain()
                await it.until('ALERTS{alertname="ProbeDown"}', [])


async def firing(it: Prometheus) -> set[tuple[str, str]]:
    """Return the alerts that fire now."""
    alerts = (await it.api("alerts"))["alerts"]
    labels = [alert["labels"] for alert in alerts if alert["state"] == "firing"]
    return {(label["alertname"], label.get("probe", "")) for label in labels}


async def rules(it: Prometheus) -> set[str]:
    """Return the names of the loaded rules; all of them were evaluated without an error."""
    loaded = [rule for group in (await it.api("rules"))["groups"] for rule in group["rules"]]
    assert {rule["health"] for rule in loaded} == {"ok"}
    return {rule["name"] for rule in loaded}


def job_of_the_docs(internal: str, *probed: str) -> dict[str, Any]:
    """Return the scrape job of docs/blackbox.md with these targets, pointed at a daemon."""
    text = (ROOT / "docs" / "blackbox.md").read_text(encoding="utf-8")
    (job,) = yaml.safe_load(text.partition("```yaml\n")[2].partition("```")[0])["scrape_configs"]
    job["static_configs"] = [{"targets": list(probed)}]
    job["relabel_configs"][-1]["replacement"] = internal
    assert isinstance(job, dict)
    return job


async def test_prometheus_scrapes_probe_as_it_did_the_exporter(tmp_path: Path) -> None:
    """A target that is well and one that is not, by the scrape job of the docs; and promtool likes the text."""
    (tmp_path / "blackbox.yml").write_text("modules: {http_2xx: {prober: http, timeout: 800ms}}")
    settings = 'blackbox: {file: blackbox.yml, allow: ["*"], private: true}\nstore: {url: "sqlite:///p.db"}\n'
    async with (
        http_peer({"/": plain(), "/bad": plain(status=503)}) as peer,
        daemon(tmp_path, settings) as running,
    ):
        good, bad = peer.url("/"), peer.url("/bad")
        job = job_of_the_docs(running.internal.removeprefix("http://"), good, bad)
        async with prometheus(tmp_path, {}, [job]) as it:
            await it.until(f'probe_success{{job="blackbox",instance="{good}"}}', [1])
            await it.until(f'probe_success{{job="blackbox",instance="{bad}"}}', [0])
            await it.until(f'probe_http_status_code{{instance="{bad}"}}', [503])
            await it.until('count(up{job="blackbox"} == 1)', [2])
            await it.until(f'count(probe_http_duration_seconds{{instance="{good}"}})', [5])
            await it.until(f'probe_timeout_seconds{{instance="{good}"}}', [0.5])  # Prometheus gave 1 s
        said = await running.text(f"{running.internal}/probe?target={good}")
        assert await promtool(said) == (0, "")
