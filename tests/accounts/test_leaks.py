"""What a customer is given holds nothing of another one: searched for in the bytes of every format, unpacked."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pypdf import PdfReader
from support.months import months

from prober.accounts.plans import Wanted
from prober.accounts.rendering import files_of
from reports.render import FORMATS

CONTRACTS = """\
contracts:
  - name: shop-gold
    title: Availability of the shop
    service: shop
    customers: [acme]
    claim: "99.9%"
    promise: Sworn to the first one.
    credits: [{below: "99.9%", credit: "11%"}]
    actions: [{on: 2026-02-20, text: Repaired for the first one.}]
    maintenance: {rule: shrink, notice: 1h}
    exclusions:
      - {title: Strike at the first one, kind: customer, start: 2026-02-02T10:00:00Z, end: 2026-02-02T10:30:00Z,
         reason: unsaid reason, approved_by: Jane Approver, approved: 2026-02-03T10:00:00Z}
  - name: shop-silver
    title: Lesser terms
    service: shop
    customers: [zeta]
    claim: "97.53%"
    fee: "777.77 EUR"
    promise: Whispered to the second one.
    credits: [{below: "97.53%", credit: "13%"}]
    actions: [{on: 2026-02-21, text: Mended for the second one.}]
  - name: mail-both
    title: Mail for both
    service: mail
    customers: [acme, zeta]
    claim: "99.5%"
  - name: names-nobody
    title: For our own eyes
    service: names
    claim: "98.76%"
"""
OF_ACME = (
    "shop-gold", "acme", "Acme", "1234.56", "Confidential", "Sworn", "Repaired", "Strike", "Jane", "unsaid",
)  # fmt: skip
OF_ZETA = ("shop-silver", "zeta", "Zeta", "777.77", "Whispered", "Mended", "97.53", "Lesser")
OF_NOBODY = ("names-nobody", "own eyes", "98.76", "hidden.")
OF_BOTH = "Mail for both"


def unpacked(name: str, data: bytes) -> Iterator[str]:
    """Yield all text in a file: parts of archives by themselves, of a PDF the text and what it says of itself."""
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for part in archive.namelist():
                yield from unpacked(f"{name}/{part}", archive.read(part))
    elif data.startswith(b"%PDF"):
        reader = PdfReader(io.BytesIO(data))
        yield from (page.extract_text() for page in reader.pages)
        yield str(reader.metadata)
        yield data.decode("latin-1")
    else:
        yield data.decode()
    yield name


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
async def test_no_file_of_one_customer_names_another(tmp_path: Path, name: str) -> None:
    async with months(tmp_path, contracts=CONTRACTS) as made:
        accounts = made.office.accounts
        for customer, own, others in (
            ("acme", "Availability of the shop", (*OF_ZETA, *OF_NOBODY)),
            ("zeta", "Lesser terms", (*OF_ACME, *OF_NOBODY)),
        ):
            reports = await accounts.reports(Wanted(customer=customer, period="2026-02"), made.now_us())
            files = files_of(name, reports, "en", "customer")
            text = "\n".join(part for file, data in files.items() for part in unpacked(file, data))
            assert OF_BOTH in text
            assert own in text
            assert [other for other in others if other in text] == []


@pytest.mark.slow
async def test_the_whole_document_of_a_customer_names_nobody_else(tmp_path: Path) -> None:
    """The record that every format is made from, whatever they show of it."""
    import msgspec

    async with months(tmp_path, contracts=CONTRACTS) as made:
        reports = await made.office.accounts.reports(Wanted(customer="zeta", period="2026-02"), made.now_us())
        text = msgspec.json.encode(reports).decode()
    assert [report.contract for report in reports] == ["shop-silver", "mail-both"]
    assert [other for other in (*OF_ACME, *OF_NOBODY) if other in text] == []
