"""An office over a real hub: what the pipeline took is closed, what came late leads to a revision, both are sent."""

from __future__ import annotations

from pathlib import Path

from support.hubs import THREE, Rig, S, T, Wall, hub
from support.late import deliver, is_settled, until
from support.measured import HOUR_US, MINUTE_US, us
from support.smtp_peer import smtp_peer

from checks.core.result import Outcome
from prober.accounts.office import Office
from prober.config import load_text
from prober.hub.view import AgentView
from reports.render.json_format import is_intact, read

OCTOBER = us("2026-10-01T00:00")
FINAL_US = OCTOBER + 10 * MINUTE_US
MORE = """\
contracts: [{name: gold, service: shop, claim: "99%", customers: [acme]}]
customers: [{name: acme, title: Acme GmbH, language: de, email: [sla@acme.example]}]
"""
SEND = """\
mail: {{server: "127.0.0.1:{port}", from: reports@provider.example, tls: none}}
reports: {{deliver: [{{name: monthly, customers: all, customer_email: true, formats: [json]}}]}}
"""


def office(rig: Rig) -> Office:
    """Return an office over a hub that runs."""
    return Office(
        rig.hub.config, rig.hub.store, rig.hub.pipeline, rig.view, lambda _from_us, _to_us: (), rig.wall.read
    )


async def measure(
    rig: Rig, region: str, from_us: int, to_us: int, down: tuple[int, int] = (0, 0), epoch: int = 1
) -> None:
    """Deliver what an agent of a region measured in a time, in batches as they come."""
    grid = rig.grid(region)
    slots = range(grid.first_due(from_us), grid.first_due(to_us))
    for at in range(0, len(slots), 40):
        records = [
            rig.record(region, slot, Outcome.FAIL if down[0] <= grid.due_us(slot) < down[1] else Outcome.PASS)
            for slot in slots[at : at + 40]
        ]
        await deliver(rig, f"{region}-1", epoch, *records, follow=region != "sin")


async def test_a_month_is_closed_when_a_region_s_watermark_passes_and_revised_when_it_brings_more(
    tmp_path: Path,
) -> None:
    begin_us = OCTOBER - 30 * MINUTE_US
    outage = (OCTOBER - 9 * MINUTE_US, OCTOBER - 4 * MINUTE_US)
    async with smtp_peer() as peer:
        config = load_text(THREE + MORE + SEND.format(port=peer.port), str(tmp_path / "probes.yaml"), {})
        async with hub(tmp_path, config, Wall(begin_us)) as rig:
            one = office(rig)
            rig.view.agents["sin-1"] = AgentView(name="sin-1", regions=("sin",), remote=True)
            for region in ("fra", "iad"):
                await measure(rig, region, begin_us, FINAL_US + T)
            assert await one.closer.round() == 0  # of the third region nothing is known since the start
            wait_us = config.agents.settle_after_us
            rig.wall.now_us = OCTOBER + wait_us
            assert await one.closer.round() == 2
            assert await one.courier.round() == 1
            # The agent comes back and brings what it kept: an outage that only it saw, with one that another saw.
            await measure(rig, "sin", begin_us, FINAL_US, outage)
            await until(lambda: is_settled(rig))
            rig.view.regions["sin"].complete_us = rig.wall.now_us = OCTOBER + wait_us + HOUR_US
            rig.view.regions["fra"].complete_us = rig.view.regions["iad"].complete_us = rig.wall.now_us
            assert await one.closer.round() == 2
            assert await one.courier.round() == 1
            rows = await rig.hub.store.closed("gold", body=True)
            assert [(row.customer, row.revision, row.reason) for row in rows] == [
                ("", 1, "deadline"), ("", 2, "late_results"), ("acme", 1, "deadline"), ("acme", 2, "late_results"),
            ]  # fmt: skip
            assert all(is_intact(row.body) for row in rows)
            first, second = read(rows[0].body), read(rows[1].body)
            grid = rig.grid("sin")
            seen = grid.first_due(outage[1]) - grid.first_due(outage[0])
            assert second.coverage.slots.bad - first.coverage.slots.bad == seen
            # Nothing new, whatever is measured from here on, and after a restart of the office.
            again = office(rig)
            for hours in (1, 2):
                at_us = rig.wall.now_us
                for region in ("fra", "iad"):
                    await measure(rig, region, at_us, at_us + 5 * MINUTE_US, epoch=1 + hours)
                rig.wall.now_us = at_us + HOUR_US + S
                for watch in rig.view.regions.values():
                    watch.complete_us = rig.wall.now_us
                assert (await again.closer.round(), await again.courier.round()) == (0, 0)
            (standing,) = await again.deliveries()
            assert (standing.state, standing.last and standing.last.revision) == ("delivered", 2)
            assert [str(taken.message["Subject"]) for taken in peer.mails] == [
                "SLA-Bericht für September 2026: shop",
                "SLA-Bericht für September 2026: shop (Fassung 2)",
            ]
