"""Closed reports on their way: who gets what, in which language and files, and nothing of anybody else."""

from __future__ import annotations

import asyncio
import io
import os
import zipfile
from pathlib import Path

import msgspec
import pypdf
from support.deliveries import ACME, BETA, BOTH, FINAL_US, closed, to
from support.late import until
from support.measured import DAY_US, HOUR_US, MARCH, MINUTE_US, us
from support.smtp_peer import smtp_peer

from prober.accounts.courier import file_base
from prober.accounts.schedule import DONE
from prober.store.base import ImportedRow
from reports.render.json_format import read


async def test_each_customer_gets_their_own_reports_in_their_language_once(tmp_path: Path) -> None:
    async with smtp_peer() as peer, closed(tmp_path, peer, BOTH) as (one, _):
        assert await one.send() == 3
        mails = {(taken.recipients[0], taken.message["Subject"]): taken for taken in peer.mails}
        assert set(mails) == {
            (ACME, "SLA-Bericht für März 2026: Web shop"),
            (BETA, "SLA report for March 2026: Web shop"),
            (BETA, "SLA report for March 2026: Public API"),
        }
        mine = mails[ACME, "SLA-Bericht für März 2026: Web shop"]
        assert "verletzt" in mine.text
        assert sorted(mine.files) == ["gold-acme-2026-03-r1.html", "gold-acme-2026-03-r1.json"]
        report = read(mine.files["gold-acme-2026-03-r1.json"])
        assert (report.customer, report.provenance.revision) == ("acme", 1)
        assert all(not outage.detail and not outage.results for outage in report.outages)
        assert await one.sent() == [
            (to(BETA), "beta", DONE, 1), (to(BETA), "beta", DONE, 1), (to(ACME), "acme", DONE, 1),
        ]  # fmt: skip
        for now_us in (FINAL_US, FINAL_US + MINUTE_US, FINAL_US + DAY_US):
            assert await one.send(now_us) == 0
        one.restart()
        assert await one.send() == 0
        assert len(peer.mails) == 3


def contents(data: bytes) -> str:
    """Return all text in a file, packed or not."""
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            return "\n".join(packed.read(name).decode("utf-8", "replace") for name in packed.namelist())
    if data.startswith(b"%PDF"):
        pages = pypdf.PdfReader(io.BytesIO(data)).pages
        return "\n".join(page.extract_text() for page in pages)
    return data.decode("utf-8", "replace")


async def test_nothing_of_another_customer_is_in_a_customer_s_mail(tmp_path: Path) -> None:
    """Names, brands, fees, contracts and services, and the names of files that results were imported from."""
    words = {
        ACME: ["beta", "Beta", "silver", "Silver", "Public API", "Interface", "old.jsonl"],
        BETA: ["acme", "Acme", "1234", "1.234", "1,234", "old.jsonl"],
    }
    every = BOTH.replace("[html, json]", "[pdf, html, json, csv, xlsx, md, terminal]")
    async with smtp_peer() as peer, closed(tmp_path, peer, every) as (one, store):
        rows = [
            ImportedRow(
                probe="web", region="fra", at_us=MARCH + k * HOUR_US, duration_us=9, outcome="pass", code="", kind=0
            )
            for k in range(4)
        ]  # fmt: skip
        store.bring("beta-and-acme-old.jsonl", rows, FINAL_US - DAY_US)
        await one.at(FINAL_US + HOUR_US)
        assert await one.send() == 3
        for taken in peer.mails:
            assert len(taken.files) == 7
            shown = [
                taken.text,
                str(taken.message["Subject"]),
                *taken.files,
                *map(contents, taken.files.values()),
            ]
            (address,) = taken.recipients
            assert [word for word in words[address] if word in "\n".join(shown)] == []
        assert all(
            ("Acme Brand" in contents(taken.files[name]))
            for taken in peer.mails
            for name in taken.files
            if taken.recipients == [ACME] and name.endswith("html")
        )


async def test_a_chinese_subject_arrives_whole(tmp_path: Path) -> None:
    async with smtp_peer() as peer, closed(tmp_path, peer, BOTH + ", language: zh") as (one, _):
        await one.send()
        subjects = {str(taken.message["Subject"]) for taken in peer.mails}
        assert subjects == {"2026年3月SLA报告：Web shop", "2026年3月SLA报告：Public API"}
        assert all(taken.data.isascii() for taken in peer.mails)


async def test_who_has_a_report_gets_its_revision_which_says_what_it_is(tmp_path: Path) -> None:
    async with (
        smtp_peer() as peer,
        closed(
            tmp_path,
            peer,
            BOTH,
            "name: first, customers: [beta], folder: x, formats: [json], revisions: first",
        ) as (one, store),
    ):
        await one.send()
        await store.measure(
            one.accounts.config, us("2026-02-28T20:00"), MARCH + 2 * HOUR_US, lambda *_: "void"
        )
        peer.mails.clear()
        assert await one.at(FINAL_US + HOUR_US) == 5
        assert await one.send() == 3
        mine = next(taken for taken in peer.mails if taken.recipients == [ACME])
        assert mine.message["Subject"] == "SLA-Bericht für März 2026: Web shop (Fassung 2)"
        assert "Dies ist Fassung 2." in mine.text
        assert sorted(mine.files) == ["gold-acme-2026-03-r2.html", "gold-acme-2026-03-r2.json"]
        assert sorted(os.listdir(tmp_path / "x")) == [
            "gold-beta-2026-03-r1.json",
            "silver-beta-2026-03-r1.json",
        ]


async def test_a_folder_gets_whole_files_and_keeps_what_was_there(tmp_path: Path) -> None:
    folder = "name: shelf, customers: [acme], folder: shelf, formats: [json, csv, md]"
    (tmp_path / "shelf").mkdir()
    (tmp_path / "shelf" / "gold-acme-2026-03-r1.md").write_text("mine")
    async with smtp_peer() as peer, closed(tmp_path, peer, folder) as (one, _):
        assert await one.send() == 1
        mark = (await one.rows("gold"))[1].digest[:8]
        assert set(os.listdir(tmp_path / "shelf")) == {
            "gold-acme-2026-03-r1-csv.zip", f"gold-acme-2026-03-r1-{mark}.md", "gold-acme-2026-03-r1.json",
            "gold-acme-2026-03-r1.md",
        }  # fmt: skip
        assert (tmp_path / "shelf" / "gold-acme-2026-03-r1.md").read_text() == "mine"
        report = read((tmp_path / "shelf" / "gold-acme-2026-03-r1.json").read_bytes())
        assert report.provenance.digest == (await one.rows("gold"))[1].digest


async def test_parts_of_a_month_have_names_of_their_own(tmp_path: Path) -> None:
    async with smtp_peer() as peer, closed(tmp_path, peer, BOTH) as (one, _):
        report = (await one.reports("gold"))[1]
        assert file_base(report) == "gold-acme-2026-03-r1"
        part = msgspec.structs.replace(report, period=msgspec.structs.replace(report.period, part=2, parts=3))
        assert file_base(part) == "gold-acme-2026-03-part2-r1"
        dates = msgspec.structs.replace(
            report,
            customer=None,
            period=msgspec.structs.replace(report.period, label="2026-03-05..2026-04-05"),
        )
        assert file_base(dates) == "gold-2026-03-05..2026-04-05-r1"


async def test_it_runs_by_itself_when_something_is_closed(tmp_path: Path) -> None:
    async with smtp_peer() as peer, closed(tmp_path, peer, BOTH) as (one, _):
        running = asyncio.create_task(one.courier.run())
        try:

            async def is_there() -> bool:
                return len(peer.mails) == 3

            await until(is_there)
        finally:
            running.cancel()
