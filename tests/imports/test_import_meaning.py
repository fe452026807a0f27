"""`prober import`: what means something else here, or has to be put in other words, and that none of it is silent."""

from __future__ import annotations

import json
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

PROMETHEUS = Path(__file__).parent / "files" / "prometheus.yml"


def probes(imported: Imported) -> dict[str, Any]:  # Any: options as a file has them
    return {probe["name"]: probe for probe in yaml.safe_load(imported.text)["probes"]}


def written(text: str, read: Any) -> Imported:
    """Import a text of one of the two formats that are one file."""
    draft = Draft()
    read(source(text, "file"), draft)
    return finish(draft, "elsewhere")


def of_gatus(**endpoint: Any) -> Imported:
    made = {"name": "a", "url": "https://a.example", **endpoint}
    return written(json.dumps({"endpoints": [made]}), read_gatus)


def of_kuma(**monitor: Any) -> Imported:
    made = {"name": "a", "type": "http", "url": "https://a.example", **monitor}
    return written(json.dumps({"monitorList": [made]}), read_uptime_kuma)


@pytest.mark.parametrize(
    ("url", "client", "kept", "told"),
    [
        ("icmp://a.example", {"network": "ip6"}, {"ip": "ip6"}, []),
        ("tcp://a.example:1", {"network": "ip4", "insecure": True}, {"ip": "ip4"}, ["insecure or tls"]),
        ("tls://a.example:1", {"network": "ip4", "insecure": True}, {"ip": "ip4", "verify": False}, []),
        ("ssh://a.example:22", {"proxy-url": "http://p.example:1"}, {}, ["proxy-url"]),
        ("wss://a.example/", {"ignore-redirect": True}, {}, ["ignore-redirect"]),
        ("wss://a.example/", {"insecure": True}, {"tls": {"verify": False}}, []),
        ("grpcs://a.example:1", {"network": "ip6"}, {"ip": "ip6", "tls": True}, []),
    ],
)  # fmt: skip
def test_what_a_client_is_told_is_kept_or_noted_by_every_kind(
    url: str, client: dict[str, Any], kept: dict[str, Any], told: list[str]
) -> None:
    imported = of_gatus(url=url, client=client)
    (options,) = [value for value in probes(imported)["a"].values() if isinstance(value, dict)]
    assert {key: value for key, value in options.items() if key in ("ip", "tls", "verify")} == kept
    assert len(imported.notes) == len(told)
    assert all(words in note.text for words, note in zip(told, imported.notes, strict=True))


def test_what_is_sent_without_a_condition_on_the_answer_is_still_sent() -> None:
    found = probes(of_gatus(url="tcp://a.example:6379", body="PING"))["a"]["tcp"]
    assert found["dialogue"] == [{"send": "PING"}]


def test_headers_and_proxies_of_gatus_give_no_secret_away() -> None:
    imported = of_gatus(
        headers={"Authorization": "Bearer hunter2", "Accept": "text/plain"},
        client={"proxy-url": "http://user:hunter2@proxy.example:3128"},
    )
    options = probes(imported)["a"]["http"]
    assert "hunter2" not in imported.text
    assert options["headers"] == {"Authorization": "${A_AUTHORIZATION}", "Accept": "text/plain"}
    assert options["proxy"] == {
        "url": "http://proxy.example:3128",
        "username": "user",
        "password": "${A_PROXY_PASSWORD}",
    }


def test_variables_of_gatus_stay_variables_wherever_they_stand(tmp_path: Path) -> None:
    file = tmp_path / "gatus.yaml"
    file.write_text(
        "endpoints:\n  - {name: a, url: 'https://$HOST/', conditions: ['[BODY] == pat(*${WORD}.$$5*)']}\n"
    )
    environ = {"HOST": "a.example", "WORD": "up"}
    options = load_text(read_import("gatus", file).text, "probes.yaml", environ).probes[0].options
    assert options.url == "https://a.example/"  # type: ignore[attr-defined]
    assert options.expect.body.regex == (r"(?s)^.*up\.\$5.*$",)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("condition", "expect", "told"),
    [
        ("[RESPONSE_TIME] < 1m30s", {"within": "1m30s"}, ""),
        ("[CERTIFICATE_EXPIRATION] > 48h", {"certificate_days": 2}, "a warning here"),
        ("[CERTIFICATE_EXPIRATION] > 2881m", {"certificate_days": 3}, "a warning here"),
        ("[CERTIFICATE_EXPIRATION] > soon", {}, "no counterpart"),
        ("[BODY].some-id == x", {"json": {"$['some-id']": {"==": "x"}}}, ""),
        ("[BODY].count == 5", {"json": {"$.count": {"==": 5}}}, "by type"),
    ],
)
def test_a_condition_that_means_something_else_here_is_told(
    condition: str, expect: dict[str, Any], told: str
) -> None:
    imported = of_gatus(conditions=[condition])
    found = probes(imported)["a"]["http"]["expect"]
    assert found == {"status": ["100-599"], **expect}
    assert told in "".join(note.text for note in imported.notes)
    assert bool(told) == bool(imported.notes)


def test_days_of_a_registration_fail_as_they_did() -> None:
    found = probes(of_gatus(url="domain://a.example", conditions=["[DOMAIN_EXPIRATION] > 720h"]))
    assert found["a"]["domain"]["expect"] == {"days": 30, "fail_days": 30}


def test_a_token_that_is_too_short_here_is_told() -> None:
    imported = of_kuma(type="push", pushToken="abcdefghij")
    assert "no usable one here" in "".join(note.text for note in imported.notes)
    assert "no usable one here" not in "".join(
        note.text for note in of_kuma(type="push", pushToken="abcdefghij" * 2).notes
    )


@pytest.mark.parametrize(
    ("monitor", "options"),
    [
        ({"body": "{}"}, {"headers": {"Content-Type": "application/json"}}),
        ({"body": "<a/>", "httpBodyEncoding": "xml"}, {"headers": {"Content-Type": "text/xml; charset=utf-8"}}),
        ({"body": "{}", "headers": '{"content-type": "a/b"}'}, {"headers": {"content-type": "a/b"}}),
        ({"cacheBust": True}, {"unique_id": {"query": "uptime_kuma_cachebuster"}}),
    ],
)  # fmt: skip
def test_what_uptime_kuma_adds_to_a_request_is_added(
    monitor: dict[str, Any], options: dict[str, Any]
) -> None:
    found = probes(of_kuma(**monitor))["a"]["http"]
    assert found == {
        "url": "https://a.example",
        **({"body": monitor["body"]} if "body" in monitor else {}),
        **options,
    }


def test_conditions_of_uptime_kuma_are_told() -> None:
    assert of_kuma(conditions=[]).notes == ()
    told = of_kuma(conditions=[{"type": "expression", "variable": "record", "value": "1"}]).notes
    assert [note.text for note in told] == ["a: conditions: write them under expect"]


@pytest.mark.parametrize(
    ("module", "scrape", "timeout"), [("30s", "10s", "10s"), ("5s", "10s", "5s"), (None, "7s", "7s")]
)
def test_the_shorter_timeout_holds_as_it_does_there(
    module: str | None, scrape: str, timeout: str, tmp_path: Path
) -> None:
    (tmp_path / "b.yml").write_text(
        f"modules: {{m: {{prober: icmp, {f'timeout: {module}, ' if module else ''}icmp: {{payload_size: 10}}}}}}"
    )
    (tmp_path / "p.yml").write_text(
        f"scrape_configs: [{{job_name: j, metrics_path: /probe, scrape_timeout: {scrape},"
        " params: {module: [m]}, static_configs: [{targets: [a.example]}]}]"
    )
    probe = probes(read_import("blackbox", tmp_path / "b.yml", targets=tmp_path / "p.yml"))["j-a-example"]
    assert (probe["timeout"], probe["icmp"]["payload"]) == (timeout, 10)


def test_a_secret_of_a_module_is_one_variable_for_all_its_targets(tmp_path: Path) -> None:
    (tmp_path / "b.yml").write_text(
        "modules: {m: {prober: http, http: {headers: {Authorization: Bearer x}}}}"
    )
    (tmp_path / "p.yml").write_text(
        "scrape_configs: [{job_name: j, metrics_path: /probe, params: {module: [m]},"
        " static_configs: [{targets: [a.example, b.example]}]}]"
    )
    imported = read_import("blackbox", tmp_path / "b.yml", targets=tmp_path / "p.yml")
    assert [wanted.variable for wanted in imported.wanted] == ["M_AUTHORIZATION"]


@pytest.mark.parametrize("name", ["gatus", "uptime-kuma"])
def test_a_file_of_another_program_is_told_in_one_line(name: str) -> None:
    done = prober("import", name, str(PROMETHEUS))
    assert done.code == 2
    assert f"it is no file of {name}" in done.err
