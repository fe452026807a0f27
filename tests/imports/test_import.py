"""`prober import`: what real configurations become, and that nothing of them is lost in silence."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.commands import prober

from prober.config import load_text
from prober.config.sources import source
from prober.imports.draft import Draft
from prober.imports.gatus import read_gatus
from prober.imports.read import read_import
from prober.imports.result import Imported, finish
from prober.imports.uptime_kuma import read_uptime_kuma

FILES = Path(__file__).parent / "files"
GATUS, KUMA = FILES / "gatus.yaml", FILES / "uptime-kuma.json"
BLACKBOX, PROMETHEUS = FILES / "blackbox.yml", FILES / "prometheus.yml"
SECRETS = ("very-secret-indeed", "hunter2", "potato-potato-potato", "abcdefghij", "abcabcabc")


def gatus() -> Imported:
    return read_import("gatus", GATUS)


def kuma() -> Imported:
    return read_import("uptime-kuma", KUMA)


def blackbox() -> Imported:
    return read_import("blackbox", BLACKBOX, targets=PROMETHEUS)


def probes(imported: Imported) -> dict[str, Any]:  # Any: options as a file has them
    return {probe["name"]: probe for probe in yaml.safe_load(imported.text)["probes"]}


def notes(imported: Imported) -> list[str]:
    return [f"{note.line}: {note.text}" for note in imported.notes]


@pytest.mark.parametrize("read", [gatus, kuma, blackbox])
def test_what_is_written_can_be_run_and_holds_no_secret(read: Any) -> None:
    imported = read()
    environ = {wanted.variable: "a-secret-of-the-user" for wanted in imported.wanted}
    config = load_text(imported.text, "probes.yaml", environ)
    assert len(config.probes) == imported.probes > 3
    assert [secret for secret in SECRETS if secret in imported.text] == []
    assert imported.wanted != () or read is blackbox


def test_secrets_are_copied_only_when_asked_to() -> None:
    imported = read_import("gatus", GATUS, copies_secrets=True)
    assert "very-secret-indeed" in imported.text
    assert imported.wanted == ()


def test_a_gatus_endpoint_becomes_an_http_probe() -> None:
    probe = probes(gatus())["front-end"]
    assert (probe["group"], probe["interval"], probe["timeout"]) == ("core", "5m", "3s")
    assert probe["http"] == {
        "url": "https://shop.example/health",
        "headers": {"X-Env": "production"},
        "tls": {"verify": False},
        "redirects": False,
        "auth": {
            "oauth2": {
                "token_url": "https://id.example/token",
                "client_id": "shop",
                "client_secret": "${FRONT_END_CLIENT_SECRET}",
                "scopes": ["read:health"],
            }
        },
        "expect": {
            "status": ["200"],
            "within": "800ms",
            "certificate_days": 10,
            "body": {"regex": [r"(?s)^.*all\ systems.*$"]},
            "json": {
                "$.status": {"==": "UP"},
                "$.items[0].count": {">=": 3},
                "$.errors": {"exists": False},
            },
        },
    }


def test_gatus_schemes_become_kinds() -> None:
    found = probes(gatus())
    kinds = {
        name: (set(probe) - {"name", "title", "group", "interval", "timeout"}).pop()
        for name, probe in found.items()
    }
    assert kinds == {
        "front-end": "http", "queue": "tcp", "router": "icmp", "example-dns-query": "dns", "mail": "tls",
        "login": "ssh", "feed": "websocket", "registration": "domain", "nightly-backup": "heartbeat",
    }  # fmt: skip
    assert found["example-dns-query"]["dns"]["expect"] == {"rcodes": ["NOERROR"], "any": ["203.0.113.7"]}
    assert found["mail"]["tls"] == {
        "address": "mail.example:25",
        "starttls": "smtp",
        "expect": {"certificate_days": 2},
    }


def test_what_gatus_has_and_we_have_not_is_told_with_its_line() -> None:
    text = "\n".join(notes(gatus()))
    for line, words in (
        (2, "storage"), (6, "alerting"), (24, r"\[IP\] == 203.0.113.7"), (35, "alerts"), (56, "ssh"),
        (66, "old: is disabled"), (70, "udp is not supported"), (75, "/ping/TOKEN"),
    ):  # fmt: skip
        assert re.search(rf"^{line}: .*{words}", text, re.M), (line, words)


@pytest.mark.parametrize(
    ("conditions", "status"),
    [
        (["[STATUS] < 300"], ["100-299"]),
        (["[STATUS] >= 200", "[STATUS] < 300"], ["200-299"]),
        (["[STATUS] > 199", "[STATUS] <= 204"], ["200-204"]),
        (["[STATUS] == any(200, 429)"], ["200", "429"]),
        (["[STATUS] == any(200, 429)", "[STATUS] < 300"], ["200"]),
        ([], ["100-599"]),  # Gatus asks for none by itself
    ],
)
def test_conditions_on_the_status_become_ranges(conditions: list[str], status: list[str] | None) -> None:
    text = json.dumps({"endpoints": [{"name": "a", "url": "http://a.example", "conditions": conditions}]})
    draft = Draft()
    read_gatus(source(text, "gatus.yaml"), draft)
    found = probes(finish(draft, "gatus"))["a"]["http"].get("expect", {})
    assert found.get("status") == status
    assert draft.notes == []


def test_an_uptime_kuma_monitor_becomes_an_http_probe() -> None:
    probe = probes(kuma())["web-shop"]
    assert (probe["title"], probe["group"], probe["labels"]) == ("Web shop", "Commerce", {"team": "web"})
    assert (probe["interval"], probe["timeout"], probe["confirm"]) == (
        "1m",
        "48s",
        {"retries": 2, "after": "20s"},
    )
    assert probe["http"] == {
        "url": "https://shop.example/?price=$$9",
        "method": "GET",
        "headers": {"X-Env": "prod", "X-Api-Key": "${WEB_SHOP_X_API_KEY}"},
        "auth": {"basic": {"username": "probe", "password": "${WEB_SHOP_PASSWORD}"}},
        "proxy": {"url": "http://proxy.example:3128"},
        "redirects": {"limit": 3},
        "expect": {
            "status": ["200-299", "304"],
            "certificate_days": 21,
            "body": {"contains": "all is well"},
        },
    }


def test_uptime_kuma_types_become_kinds() -> None:
    found = probes(kuma())
    assert found["api"]["http"]["expect"]["json"] == {"$.database.state": {"==": "ok"}}
    assert found["database"]["tcp"] == {"address": "db.example:5432"}
    assert found["must-be-closed"]["tcp"] == {"address": "db.example:22", "state": "closed"}
    assert found["router"]["icmp"] == {"host": "192.0.2.1", "packets": 1, "payload": 120}
    assert found["names"]["dns"] == {"name": "shop.example", "type": "MX", "server": "192.0.2.53:53"}
    assert found["nightly-backup"]["heartbeat"] == {
        "token": "${NIGHTLY_BACKUP_TOKEN}",
        "period": "1d",
        "grace": "10m",
    }


def test_what_uptime_kuma_has_and_we_have_not_is_told_with_its_line() -> None:
    text = "\n".join(notes(kuma()))
    for line, words in (
        (3, "Pager"), (14, "description"), (21, "/ping/TOKEN"), (23, "mqtt"), (24, "paused"),
        (26, "JSONata"),
    ):  # fmt: skip
        assert re.search(rf"^{line}: .*{words}", text, re.M), (line, words)
    assert "resendInterval" in text


def test_modules_and_targets_become_probes() -> None:
    found = probes(blackbox())
    assert found["web-https-shop-example"]["http"] == {
        "url": "https://shop.example",
        "method": "GET",
        "headers": {"Accept-Language": "en-US", "X-Api-Key": "${HTTP_2XX_X_API_KEY}"},
        "redirects": False,
        "ip": "prefer_ip4",
        "tls": {"verify": False},
        "auth": {"basic": {"username": "probe", "password": "${HTTP_2XX_PASSWORD}"}},
        "expect": {
            "status": [200, 204],
            "version": ["1.1", "2"],
            "tls": "required",
            "headers": {"Strict-Transport-Security": {"regex": r"max-age=\d+", "allow_missing": True}},
            "body": {"regex": ["ok", r"cost \$$[0-9]+"]},
        },
    }
    assert found["web-blog-example-feed"]["http"]["url"] == "http://blog.example/feed"
    assert found["web-https-shop-example"]["labels"] == {"team": "web"}
    assert (found["web-https-shop-example"]["interval"], found["web-https-shop-example"]["timeout"]) == (
        "1m",
        "5s",
    )
    assert [next(iter(step.items())) for step in found["mail-mail-example-25"]["tcp"]["dialogue"]] == [
        ("expect", "(?:^220 ([^ ]+) ESMTP)"), ("send", "EHLO {1}\n"), ("expect", "(?:^250[ -]STARTTLS)"),
        ("send", "STARTTLS\n"), ("expect", "(?:^220)"), ("starttls", True),
    ]  # fmt: skip
    assert found["names-192-0-2-53"]["dns"]["expect"]["answer"] == {"every": [".*SOA.*"]}
    assert found["routers-192-0-2-1"]["icmp"]["ttl"] == 5


def test_what_a_scrape_file_has_and_cannot_be_followed_is_told_with_its_file() -> None:
    found = [(Path(note.file).name, note.line, note.text) for note in blackbox().notes]
    assert (
        "prometheus.yml",
        23,
        "job mail: a rule for host is not followed: check the probes it touches",
    ) in found
    assert any(name == "prometheus.yml" and "file_sd_configs" in text for name, _, text in found)
    assert any("grpc_plain: no target uses it" in text for _, _, text in found)
    assert any("no module nope" in text for _, _, text in found)
    assert any("http_headers" in text for _, _, text in found)


@pytest.mark.parametrize(
    ("text", "read"),
    [(GATUS.read_text(), read_gatus), (KUMA.read_text(), read_uptime_kuma)],
    ids=["gatus", "kuma"],
)
def test_a_key_that_nobody_knows_is_told_wherever_it_stands(text: str, read: Any) -> None:
    """The law behind `nothing is lost in silence`: plant a key in every mapping, and each time it is noted."""
    document = yaml.safe_load(text)
    planted = list(_planted(document, document))
    assert len(planted) > 10
    for where, changed in planted:
        draft = Draft()
        read(source(json.dumps(changed), "planted"), draft)
        assert any("x-planted" in note.text or where in note.text for note in draft.notes), where


def _planted(root: Any, part: Any) -> Any:
    """Yield the document with a key planted in one mapping after the other, and the words that may tell of it."""
    if isinstance(part, dict):
        if not _is_free(part):
            part["x-planted"] = "x"
            # A part that is left behind as a whole is told by its name.
            yield str(part.get("name") or part.get("type") or ""), json.loads(json.dumps(root))
            del part["x-planted"]
        for value in list(part.values()):
            yield from _planted(root, value)
    elif isinstance(part, list):
        for value in part:
            yield from _planted(root, value)


def _is_free(part: dict[str, Any]) -> bool:
    """Whether a mapping takes any key: headers, ids of notices; or is part of what is left behind as a whole."""
    left_behind = {"webhook-url", "path", "failure-threshold", "username", "protocol"}
    return (
        "X-Env" in part
        or "1" in part
        or bool(left_behind & set(part))
        or part.get("type") in ("group", "slack", "sqlite")
        or "slack" in part
    )


def test_the_command_writes_a_file_and_tells_the_rest(tmp_path: Path) -> None:
    target = tmp_path / "probes.yaml"
    done = prober("import", "gatus", str(GATUS), "-o", str(target))
    assert (done.code, done.out) == (1, "")
    assert "9 probes, 11 lines not carried over" in done.err
    assert f"{GATUS}:70: voice: udp is not supported" in done.err
    assert "set NIGHTLY_BACKUP_TOKEN in the environment" in done.err
    again = prober("import", "gatus", str(GATUS), "-o", str(target))
    assert (again.code, "exists already" in again.err) == (2, True)
    assert prober("import", "gatus", str(GATUS), "-o", str(target), "--force").code == 1


def test_a_file_that_is_carried_over_whole_is_a_good_end(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("endpoints: [{name: a, url: 'http://a.example', conditions: ['[STATUS] == 200']}]")
    done = prober("import", "gatus", str(file))
    assert (done.code, "nothing left behind" in done.err) == (0, True)
    assert yaml.safe_load(done.out)["probes"][0]["http"]["expect"] == {"status": ["200"]}


def test_what_is_printed_for_programs_is_json() -> None:
    done = prober("import", "blackbox", str(BLACKBOX), "--targets", str(PROMETHEUS), "--json")
    seen = json.loads(done.out)
    assert (seen["probes"], done.err) == (5, "")
    assert {note["file"] for note in seen["notes"]} == {str(BLACKBOX), str(PROMETHEUS)}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["gatus", "missing.yaml"], "cannot read the file"),
        (["gatus", str(GATUS), "--targets", "x"], "--targets belongs to blackbox"),
        (["nagios", "x"], "no command named 'nagios'"),
    ],
)
def test_wrong_use_is_told(arguments: list[str], words: str) -> None:
    done = prober("import", *arguments)
    assert (done.code, words in done.err) == (2, True)


@pytest.mark.parametrize(
    "text", ["", "a: [", "- 1", "endpoints: 5", "endpoints: [1, {}]", "monitorList: {a: 1}"]
)
@pytest.mark.parametrize("name", ["gatus", "uptime-kuma"])
def test_a_file_of_another_shape_makes_no_probe_and_no_mess(text: str, name: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text(text)
    done = prober("import", name, str(file))
    assert done.code in (0, 1, 2)
    assert "Traceback" not in done.err


@pytest.mark.parametrize("read", [gatus, kuma, blackbox])
def test_what_is_written_is_laid_out_for_people(read: Any) -> None:
    text = read().text
    assert text.count("\n\n  - name: ") == read().probes - 1
    assert max(map(len, text.splitlines())) <= 90
