"""Pages of contracts for people: whole without a script, guarded, one report a period, nothing hostile gets in."""

from __future__ import annotations

import re
import time
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest
from support.asking import Heard, internal
from support.months import CONTRACTS, NOW_US, Months, months

from prober.store.base import ClosedRow, WriteSet
from prober.web.contract_page import taken_apart
from prober.web.contracts_page import STALE_US, page
from reports.catalogue import languages
from reports.render.json_format import canonical

HOSTILE = CONTRACTS.replace("Availability of the shop", "<script>alert(1)</script> & co")
SAID = (
    "Availability of the shop", "Not proven so far", "99.9 %", "acme", "Europe/Berlin", "Mail behind doors",
    "Broken so far", "99.5 %", "by requests", "0.00 EUR to 123.46 EUR", "none left",
)  # fmt: skip
MAX_PAGE_SECONDS = 0.05


def policy_of(heard: Heard) -> str:
    """Return the policy of a page; every style sheet of it is one that it names."""
    policy = heard.headers["Content-Security-Policy"]
    for style in re.findall("<style>(.*?)</style>", heard.text, re.DOTALL):
        assert f"'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'" in policy
    return policy


async def test_the_list_has_a_line_for_each_contract_with_all_that_is_known(tmp_path: Path) -> None:
    async with months(tmp_path) as made, internal(made, made.now_us) as api:
        heard = await api.ask("/contracts")
    text = re.sub("<[^>]+>", " ", heard.text)
    for said in SAID:
        assert said in text
    assert "✗ Mail behind doors: 99.5 % is lost for 2026-03" in text
    assert "<title>(1) Contracts</title>" in heard.text
    assert heard.headers["Refresh"] == "30"
    assert "frame-ancestors 'none'" in policy_of(heard)
    assert "<script" not in heard.text


async def test_what_stands_in_the_way_of_figures_is_said_first(tmp_path: Path) -> None:
    async with months(tmp_path) as made:
        shown, contracts = made.office.shown, made.office.accounts.contracts
        shown.problem = "the disk is gone"
        assert "✗ The figures cannot be worked out: the disk is gone" in page(contracts, shown, NOW_US)
        assert "The figures are 15m old" not in page(contracts, shown, NOW_US + STALE_US)
        assert "▲ The figures are 15m old" in page(contracts, shown, NOW_US + STALE_US + 1)
        shown.reports, shown.at_us, shown.problem = {}, 0, ""
        assert "▲ The figures have not been worked out yet" in page(contracts, shown, NOW_US)
        assert "see `contracts` in the configuration" in page((), shown, NOW_US)


async def test_names_are_escaped(tmp_path: Path) -> None:
    async with months(tmp_path, contracts=HOSTILE) as made, internal(made, made.now_us) as api:
        pages = [await api.ask(path) for path in ("/contracts", "/contracts/shop-gold")]
    for heard in pages:
        assert "<script>" not in heard.text
        assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; co" in heard.text


async def test_a_contract_has_its_report_below_a_bar_to_choose_and_download(tmp_path: Path) -> None:
    async with months(tmp_path) as made, internal(made, made.now_us) as api:
        heard = await api.ask("/contracts/shop-gold?period=2026-02&language=de&audience=customer")
    assert heard.status == 200
    assert "Verfügbarkeit" in heard.text
    assert "form-action 'self'" in policy_of(heard)
    assert "<script" not in heard.text
    assert '<option value="2026-02" selected>' in heard.text
    for link in (
        'rel="prev" href="/contracts/shop-gold?period=2026-01&amp;language=de&amp;audience=customer"',
        'rel="next" href="/contracts/shop-gold?period=2026-03&amp;language=de&amp;audience=customer"',
        'href="/api/v1/contracts/shop-gold/report.pdf?period=2026-02&amp;language=zh&amp;audience=customer"',
    ):
        assert link.partition("href")[2] in heard.text.replace('href="?', 'href="/contracts/shop-gold?')


async def test_every_download_of_the_page_is_there(tmp_path: Path) -> None:
    async with months(tmp_path) as made, internal(made, made.now_us) as api:
        text = (await api.ask("/contracts/mail-internal?period=2026-02&customer=zeta")).text
        links = [link.replace("&amp;", "&") for link in re.findall(r'href="(/api/v1/contracts/[^"]+)"', text)]
        statuses = {link: (await api.ask(link)).status for link in links}
    assert len(statuses) == 6 * len(languages())
    assert set(statuses.values()) == {200}
    assert all("customer=zeta" in link for link in links)


@pytest.mark.parametrize(
    ("query", "status", "told"),
    [
        ("?period=2031-01", 400, "2031-01 has not begun"),
        ("?period=soon", 400, "names no month"),
        ("?customer=nobody", 404, "no customer has this name"),
        ("?language=xx", 400, "there is no catalogue"),
    ],
)
async def test_what_cannot_be_shown_is_told_below_the_bar(
    tmp_path: Path, query: str, status: int, told: str
) -> None:
    async with months(tmp_path) as made, internal(made, made.now_us) as api:
        heard = await api.ask(f"/contracts/shop-gold{query}")
    assert heard.status == status
    assert told in heard.text
    assert "<select" in heard.text
    assert "frame-ancestors" in policy_of(heard)


async def test_a_contract_that_is_not_there_is_told_on_a_page_too(tmp_path: Path) -> None:
    async with months(tmp_path) as made, internal(made, made.now_us) as api:
        heard = await api.ask("/contracts/shop-golt")
    assert heard.status == 404
    assert "did you mean &#39;shop-gold&#39;?" in heard.text
    assert '<a href="/contracts">Contracts</a>' in heard.text


async def test_an_empty_choice_of_a_form_is_none(tmp_path: Path) -> None:
    async with months(tmp_path) as made, internal(made, made.now_us) as api:
        heard = await api.ask("/contracts/mail-internal?period=&customer=&language=&audience=")
    assert (heard.status, "in March 2026" in heard.text) == (200, True)


async def test_closed_revisions_of_the_period_are_listed_and_can_be_shown(tmp_path: Path) -> None:
    async with months(tmp_path) as made:
        await close(made, revision=1)
        await close(made, revision=2)
        async with internal(made, made.now_us) as api:
            text = (await api.ask("/contracts/shop-gold?period=2026-02")).text
            other = (await api.ask("/contracts/shop-gold?period=2026-01")).text
            shown = await api.ask("/contracts/shop-gold?period=2026-02&revision=1")
    assert "2 closed reports" in text
    assert text.index("Revision 2") < text.index("Revision 1")
    assert 'href="/api/v1/closed/' + "1" * 64 in text
    assert "closed report" not in other
    assert shown.status == 200


async def close(made: Months, revision: int) -> None:
    """Put a closed report on record."""
    from prober.accounts.plans import Wanted

    (report,) = await made.office.reports(
        Wanted(contracts=("shop-gold",), period="2026-02", past=0, fresh=True)
    )
    row = ClosedRow(
        contract="shop-gold",
        customer="acme",
        from_us=1_769_900_400_000_000,  # 2026-02-01 in Berlin
        to_us=1_772_319_600_000_000,
        revision=revision,
        made_us=NOW_US + revision,
        digest=str(revision) * 64,
        supersedes="",
        reason="watermark",
        body=canonical(report),
    )
    await made.store.write(WriteSet(closed=[row]))


def test_what_is_no_report_is_not_taken_apart() -> None:
    with pytest.raises(ValueError, match="not a report"):
        taken_apart("<html><body><p>Hello</body></html>")


async def test_the_list_costs_little(tmp_path: Path) -> None:
    """Figures are not worked out for a page: 70 days of history are behind this one."""
    async with months(tmp_path) as made:
        contracts, shown = made.office.accounts.contracts, made.office.shown
        page(contracts, shown, NOW_US)
        began = time.process_time()
        page(contracts, shown, NOW_US)
        assert time.process_time() - began < MAX_PAGE_SECONDS
