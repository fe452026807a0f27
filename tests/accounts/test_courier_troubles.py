"""Deliveries that fail: refusals, pauses, servers that are away or slow, full disks, crashes, secrets."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import Path

import pytest
from support.deliveries import ACME, BOTH, FINAL_US, closed, text, to
from support.measured import DAY_US, MINUTE_US, Killed
from support.smtp_peer import PASSWORD, USER, smtp_peer

from prober.accounts import courier
from prober.accounts.schedule import DONE, FAILED, MOST_ATTEMPTS, WAITING, pause_us
from prober.store.base import ClosedRow, Store


async def test_what_is_refused_for_good_has_failed_and_the_others_go_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with smtp_peer() as peer, closed(tmp_path, peer, BOTH) as (one, _):
        peer.recipient_answers[ACME] = "550 no such user"
        with caplog.at_level(logging.INFO):
            assert await one.send() == 2
        assert (to(ACME), "acme", FAILED, 1) in await one.sent()
        (record,) = [each for each in caplog.records if each.levelname == "ERROR"]
        assert record.problem == "the address is refused: 550 no such user"  # type: ignore[attr-defined]
        peer.recipient_answers.clear()
        assert await one.send(FINAL_US + DAY_US) == 0


async def test_what_may_be_taken_later_is_tried_again_after_growing_pauses(tmp_path: Path) -> None:
    async with smtp_peer() as peer, closed(tmp_path, peer, BOTH) as (one, _):
        peer.recipient_answers[ACME] = "450 mailbox busy"
        assert await one.send() == 2
        now_us = FINAL_US
        for attempts in range(1, 6):
            assert (to(ACME), "acme", WAITING, attempts) in await one.sent()
            assert await one.send(now_us + pause_us(attempts) - 1) == 0
            assert (to(ACME), "acme", WAITING, attempts) in await one.sent()
            if attempts == 3:
                one.restart()
            now_us += pause_us(attempts)
            assert await one.send(now_us) == 0
        peer.recipient_answers.clear()
        assert await one.send(now_us + pause_us(6)) == 1
        assert (to(ACME), "acme", DONE, 7) in await one.sent()


async def test_after_a_week_of_trying_it_has_failed(tmp_path: Path) -> None:
    async with smtp_peer() as peer, closed(tmp_path, peer, BOTH) as (one, _):
        peer.data_answer = "451 not now"
        now_us = FINAL_US
        for attempts in range(1, MOST_ATTEMPTS):
            await one.send(now_us)
            assert {(state, tried) for _, _, state, tried in await one.sent()} == {(WAITING, attempts)}
            now_us += pause_us(attempts)
        await one.send(now_us)
        assert {state for _, _, state, _ in await one.sent()} == {FAILED}
        assert 7 * DAY_US <= now_us - FINAL_US < 8 * DAY_US


async def test_a_server_that_is_away_is_asked_once_a_round_and_folders_go_on(tmp_path: Path) -> None:
    async with smtp_peer() as peer:
        peer.sender_answer = "550 not you"
        folder = "name: shelf, contracts: all, folder: shelf, formats: [json]"
        async with closed(tmp_path, peer, BOTH, folder) as (one, _):
            assert await one.send() == 2
            assert peer.connections == 1
            mails = [
                (state, attempts) for target, _, state, attempts in await one.sent() if "mail:" in target
            ]
            assert mails == [(WAITING, 1)] * 3
            peer.sender_answer = ""
            assert await one.send(FINAL_US + MINUTE_US) == 3


async def test_a_server_that_is_slow_holds_a_round_up_only_so_long(tmp_path: Path) -> None:
    async with smtp_peer() as peer:
        peer.hangs = True
        copies = (
            "name: monthly, customers: all, formats: [json], to: ["
            + ", ".join(f"boss{number}@provider.example" for number in range(4))
            + "]"
        )
        async with closed(tmp_path, peer, copies) as (one, _):
            assert await one.send() == 0
            assert peer.connections == courier.MOST_SLOW
            peer.hangs = False
            assert await one.send(FINAL_US + MINUTE_US) == 12


@pytest.mark.parametrize("takes_first", [False, True])
async def test_a_connection_that_breaks_means_one_more_mail_that_its_receiver_knows(
    tmp_path: Path, takes_first: bool
) -> None:
    async with smtp_peer() as peer, closed(tmp_path, peer, BOTH.replace("all,", "[acme],")) as (one, _):
        peer.drops, peer.takes_first = 1, takes_first
        assert await one.send() == 0
        one.restart()
        assert await one.send(FINAL_US + MINUTE_US) == 1
        assert len(peer.mails) == (2 if takes_first else 1)
        assert len({taken.data for taken in peer.mails}) == 1
        assert await one.send(FINAL_US + DAY_US) == 0


async def test_a_crash_after_the_mail_was_taken_leads_to_the_same_mail_once_more(tmp_path: Path) -> None:
    async with smtp_peer() as peer, closed(tmp_path, peer, BOTH.replace("all,", "[acme],")) as (one, _):
        one.fail_after = 1  # that it is under way goes on record, that it is done no more
        with pytest.raises(Killed):
            await one.send()
        assert await one.sent() == [(to(ACME), "acme", WAITING, 1)]
        one.fail_after = None
        one.restart()
        assert await one.send(FINAL_US + MINUTE_US) == 1
        first, second = peer.mails
        assert first.data == second.data
        assert await one.sent() == [(to(ACME), "acme", DONE, 2)]


async def test_a_folder_that_cannot_be_written_is_waited_for(tmp_path: Path) -> None:
    folder = "name: shelf, contracts: all, folder: missing/shelf, formats: [json]"
    async with smtp_peer() as peer, closed(tmp_path, peer, folder) as (one, _):
        assert await one.send() == 0
        (known, _) = await one.store.deliveries()
        assert (known.state, known.error) == (WAITING, f"{tmp_path}/missing/shelf: no such file or directory")
        (tmp_path / "missing").mkdir()
        assert await one.send(FINAL_US + MINUTE_US) == 2


async def test_a_disk_that_is_full_leaves_no_half_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    async with (
        smtp_peer() as peer,
        closed(tmp_path, peer, "name: shelf, contracts: [gold], folder: shelf") as (one, _),
    ):
        monkeypatch.setattr(os, "fsync", full)
        assert await one.send() == 0
        (known,) = await one.store.deliveries()
        assert known.error.endswith("shelf: no space left on device")
        assert os.listdir(tmp_path / "shelf") in ([], [".gold-2026-03-r1-" + known.digest[:8] + ".pdf.part"])
        monkeypatch.undo()
        assert await one.send(FINAL_US + MINUTE_US) == 1
        assert os.listdir(tmp_path / "shelf") == ["gold-2026-03-r1.pdf"]


async def test_a_report_that_cannot_be_rendered_keeps_no_other_back(tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    async with smtp_peer() as peer, closed(tmp_path, peer, BOTH) as (one, _):
        one.take(text(peer.port, BOTH).replace("reports:\n", "reports:\n  languages: words\n"), tmp_path)
        (tmp_path / "words" / "de.json").write_text("[]")
        assert await one.send() == 2
        assert (to(ACME), "acme", WAITING, 1) in await one.sent()
        (tmp_path / "words" / "de.json").unlink()
        assert await one.send(FINAL_US + MINUTE_US) == 1


async def test_no_secret_is_in_what_is_logged_or_remembered(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    login = f", username: {USER}, password: wrong-{PASSWORD}"
    async with smtp_peer(login=True) as peer, closed(tmp_path, peer, BOTH, mail=login) as (one, _):
        with caplog.at_level(logging.DEBUG):
            assert await one.send() == 0
        known = await one.store.deliveries()
        assert {row.error for row in known} == {"the server does not take the user and the password (535)"}
        shown = f"{known} {[vars(record) for record in caplog.records]} {one.accounts.config.mail}"
        assert PASSWORD not in shown


async def test_an_attempt_that_ends_the_process_every_time_is_given_up(tmp_path: Path) -> None:
    async with smtp_peer() as peer, closed(tmp_path, peer, BOTH.replace("all,", "[acme],")) as (one, _):
        now_us = FINAL_US
        for attempts in range(1, MOST_ATTEMPTS + 1):
            one.restart()
            one.fail_after = 1
            with pytest.raises(Killed):
                await one.send(now_us)
            now_us += pause_us(attempts)
        one.restart()
        one.fail_after = None
        assert await one.send(now_us) == 0
        assert [state for _, _, state, _ in await one.sent()] == [FAILED]


class Damaged:
    """A store whose closed reports are not what was put there."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def closed_by_digest(self, digest: str) -> ClosedRow | None:
        found = await self._store.closed_by_digest(digest)
        return replace(found, body=found.body.replace(b"99", b"98")) if found else None


async def test_a_damaged_report_is_never_sent(tmp_path: Path) -> None:
    async with smtp_peer() as peer, closed(tmp_path, peer, BOTH.replace("all,", "[acme],")) as (one, _):
        real, one.store = one.store, Damaged(one.store)  # type: ignore[assignment]
        one.restart()
        one.store = real
        assert await one.send() == 0
        assert (peer.mails, await one.sent()) == ([], [(to(ACME), "acme", FAILED, 1)])
