"""The exposition before its real readers: promtool finds nothing to say, and a Prometheus takes all of it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from msgspec import structs
from support.exposing import FIGURES, NOW_US, Past, agent, config_of, record, remote, result, view_of
from support.ports import free_port
from support.report_samples import SAMPLES
from support.samples import text_of

from checks.core.result import Outcome
from prober.accounts.live import Shown
from prober.hub.verdict import State
from prober.hub.view import RegionWatch
from prober.metrics import Exposition
from prober.wire import Gap

ROOT = Path(__file__).resolve().parent.parent.parent
RULES = ROOT / "deploy" / "prometheus" / "rules" / "prober.yml"
DEADLINE_SECONDS = 60
TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def tool(name: str) -> str:
    """Return where a command is; skip with what to install."""
    found = shutil.which(name)
    if not found:
        pytest.skip("missing component: prometheus (hint: make e2e as root on Debian installs it)")
    return found


def filled() -> Exposition:
    """Return an exposition with a sample in every family."""
    view = view_of(config_of({"web": "http", "db": "tcp", "names": "dns"}))
    view.agents["local-1"] = agent()
    view.agents["iad-1a2b3c4d"] = remote()
    view.regions["iad"] = RegionWatch(name="iad", complete_us=NOW_US, alone=("web",))
    for probe in view.probes.values():
        probe.state = State.UP
        for region in probe.regions.values():
            region.state = State.UP
    view.services["shop"].state = State.DOWN
    exposition = Exposition(view, Past({"1h": FIGURES}))
    exposition.restructure(view)
    exposition.take(1, record(1))
    exposition.take(2, record(2, result(Outcome.FAIL, {"resolve": 9}, {"family": 4}, ["connect_refused"])))
    exposition.take(5, record(5, result(Outcome.PASS, {"query": 812}, {"answers": 2, "serial": 2026112201})))
    exposition.gap(1, Gap(1, 3, 5, "late"))
    report = SAMPLES["running"]()
    assert report.budget is not None
    timed = structs.replace(report, budget=structs.replace(report.budget, unit="us"))
    exposition.show_contracts(Shown(NOW_US, {report.contract: (timed,)}))
    return exposition


def check(text: str) -> tuple[int, str]:
    """Return what promtool makes of an exposition."""
    done = subprocess.run(
        [tool("promtool"), "check", "metrics"],
        input=text,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
    )
    return done.returncode, done.stdout + done.stderr


def test_promtool_has_nothing_to_say() -> None:
    assert check(text_of(filled())) == (0, "")


def test_promtool_is_really_asked() -> None:
    """A counter without its ending, planted, is found."""
    code, said = check(text_of(filled()).replace("prober_reruns_total", "prober_reruns"))
    assert code != 0
    assert "prober_reruns" in said


def test_the_alert_rules_ask_for_metrics_that_are_there() -> None:
    text = text_of(filled())
    named = set(re.findall(r"\b(?:prober|probe)_[a-z0-9_]+", "\n".join(_expressions())))
    assert {name for name in named if not re.search(rf"^{name}[{{ ]", text, re.M)} == set()
    assert len(named) >= 8


def _expressions() -> list[str]:
    """Return the expressions of the rules, block texts joined."""
    return re.findall(r"expr: (?:\|\n)?(.*?)\n +(?:for|labels):", RULES.read_text(encoding="utf-8"), re.S)


@pytest.mark.parametrize("openmetrics", [False, True])
def test_a_prometheus_takes_every_sample(openmetrics: bool, tmp_path: Path) -> None:
    exposition = filled()
    lines = [line for line in text_of(exposition, openmetrics).splitlines() if not line.startswith("#")]
    with _served(exposition, openmetrics) as target, _prometheus(tmp_path, target) as url:
        scraped = _answer(url, 'scrape_samples_scraped{job="prober"}', at_least=1)
        assert scraped == len(lines)
        assert _answer(url, "probe_duration_seconds{probe='web',region='fra'}") == 0.032577
        assert _answer(url, 'prober_probe_duration_seconds_bucket{le="0.05",region="fra",probe="web"}') == 1
        assert _answer(url, "prober_slots_total{fate='late',probe='web',region='fra'}") == 3
        assert _answer(url, "prober_service_state{state='down'}") == 1
        assert _answer(url, "prober_availability_ratio{bound='lowest',service='shop',window='1h'}") == 0.9


@contextmanager
def _served(exposition: Exposition, openmetrics: bool) -> Iterator[str]:
    """Serve the exposition in one format, and yield host:port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = text_of(exposition, openmetrics).encode()
            self.send_response(200)
            self.send_header("Content-Type", OPENMETRICS if openmetrics else TEXT)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(DEADLINE_SECONDS)


@contextmanager
def _prometheus(folder: Path, target: str) -> Iterator[str]:
    """Run a Prometheus that scrapes the target each second, and yield its address."""
    config = folder / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
        f"scrape_configs: [{{job_name: prober, static_configs: [{{targets: ['{target}']}}]}}]\n",
        encoding="utf-8",
    )
    address = f"127.0.0.1:{free_port()}"
    command = [tool("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}",
               f"--web.listen-address={address}"]  # fmt: skip
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            yield f"http://{address}"
        finally:
            process.terminate()
            process.wait(DEADLINE_SECONDS)


def _answer(url: str, query: str, at_least: float | None = None) -> float:
    """Ask until there is one answer, and it is large enough."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        found = _ask(url, query)
        if len(found) == 1 and (at_least is None or found[0] >= at_least):
            return found[0]
        assert time.monotonic() < deadline, f"{query} gives {found}"
        time.sleep(0.1)  # Prometheus tells nobody when it has scraped


def _ask(url: str, query: str) -> list[float]:
    try:
        with urlopen(f"{url}/api/v1/query?{urlencode({'query': query})}", timeout=5) as response:
            return [float(each["value"][1]) for each in json.load(response)["data"]["result"]]
    except OSError:  # not listening yet
        return []
