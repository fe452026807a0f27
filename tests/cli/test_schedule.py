"""`prober report --schedule`: who gets what, and how it stands, in 80 columns or as JSON, beside a running daemon."""

from __future__ import annotations

import json
from pathlib import Path

from support.commands import prober_beside
from support.measured import APRIL, CONFIG, DAY_US, HOUR_US, MARCH, S, desk, measured
from support.smtp_peer import smtp_peer

PASSWORD = "correct-horse-battery-staple"
DELIVERIES = """\
mail: {{server: "127.0.0.1:{port}", from: reports@provider.example, tls: none, username: u, password: "{password}"}}
reports:
  deliver:
    - {{name: monthly, customers: all, customer_email: true, formats: [html, json], language: de}}
    - {{name: archive, contracts: [gold], folder: "archive/of/all/closed/reports", formats: [json]}}
"""


def write(folder: Path, port: int, more: str = DELIVERIES) -> str:
    """Write the configuration; returns its text."""
    text = CONFIG + more.format(port=port, password=PASSWORD)
    (folder / "probes.yaml").write_text(text)
    return text


async def test_the_schedule_is_shown_before_there_is_a_store(tmp_path: Path) -> None:
    write(tmp_path, 25)
    said = await prober_beside("report", "--schedule", folder=tmp_path)
    assert said.code == 0, said.err
    assert said.out.count("nothing") == 3
    assert "sla@acme.example" in said.out
    assert max(map(len, said.out.splitlines())) <= 80


async def test_what_was_sent_what_waits_and_what_failed_is_told_beside_a_store_in_use(tmp_path: Path) -> None:
    async with smtp_peer() as peer, measured(tmp_path) as store:
        more = DELIVERIES.replace(", username: u", "").replace(', password: "{password}"', "")
        text = write(tmp_path, peer.port, more)
        one, config = desk(store.store)
        one.take(text, tmp_path)
        final_us = APRIL + HOUR_US + 15 * S
        await store.measure(config, MARCH, final_us)
        await one.at(final_us)
        peer.recipient_answers["sla@acme.example"] = "550 no such user"
        await one.send()
        write(tmp_path, peer.port)  # the password may be anywhere but in what is shown
        said = await prober_beside("report", "--schedule", folder=tmp_path)
        assert said.code == 1, said.err  # something has failed
        lines = said.out.splitlines()
        assert max(map(len, lines)) <= 80
        assert lines[0].startswith("! monthly to sla@acme.example: the address is refused: 550 no such")
        assert any(line.startswith("monthly") and "2026-03" in line and "delivered" in line for line in lines)
        assert any(line.startswith("archive") and "waiting" in line for line in lines)
        as_json = await prober_beside("report", "--schedule", "--json", folder=tmp_path)
        assert as_json.code == 1
        found = {each["target"]: each for each in json.loads(as_json.out)}
        acme, beta = found["sla@acme.example"], found["ops@beta.example"]
        assert (acme["state"], acme["failed"], acme["last"]) == ("failed", 1, None)
        assert (beta["state"], beta["delivered"], beta["customers"]) == ("delivered", 2, ["beta"])
        assert beta["last"]["period"] == "2026-03"
        assert beta["formats"] == ["html", "json"]
        archive = found["archive/of/all/closed/reports"]
        assert (archive["kind"], archive["state"], archive["contracts"]) == ("folder", "waiting", ["gold"])
        assert "no such file or directory" in archive["error"]
        assert PASSWORD not in said.out + said.err + as_json.out + as_json.err
        assert await one.send(final_us + DAY_US) == 0


async def test_without_deliveries_it_says_how_to_have_some(tmp_path: Path) -> None:
    (tmp_path / "probes.yaml").write_text(CONFIG)
    said = await prober_beside("report", "--schedule", folder=tmp_path)
    assert (said.code, said.out) == (
        0,
        "no deliveries are configured (hint: reports.deliver in the configuration)\n",
    )
    assert (await prober_beside("report", "--schedule", "--json", folder=tmp_path)).out == "[]\n"


async def test_a_store_that_is_none_is_said(tmp_path: Path) -> None:
    write(tmp_path, 25)
    (tmp_path / "prober.db").write_text("something else")
    said = await prober_beside("report", "--schedule", folder=tmp_path)
    assert (said.code, said.out) == (2, "")
    assert "hint" in said.err
