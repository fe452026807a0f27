"""Renews the example reports in docs/ from a running `prober demo`: a PDF, and pictures of pages of it and of another.

Run as `python tests/support/show_report.py http://127.0.0.1:8081`; needs pdftoppm. Look at the pictures before they are
committed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import urlopen

DOCS = Path(__file__).resolve().parents[2] / "docs"
TIMEOUT_SECONDS = 30
DOTS = 80  # an inch: to read a page by, in some 100 KB
PICTURES = (
    ("shop-gold", "acme", "en", {1: "report", 2: "report-outages"}),
    ("api-silver", "hoshi", "zh", {1: "report-chinese"}),
)
"""Contract, customer, language, and which pages are shown under which names."""


def main(internal: str) -> None:
    """Write everything."""
    month = (datetime.now(UTC).replace(day=1) - timedelta(days=1)).strftime("%Y-%m")
    for contract, customer, language, pages in PICTURES:
        query = f"period={month}&customer={customer}&language={language}"
        url = f"{internal.rstrip('/')}/api/v1/contracts/{contract}/report.pdf?{query}"
        with urlopen(url, timeout=TIMEOUT_SECONDS) as answer:
            data = answer.read()
        if 2 in pages:
            (DOCS / "examples" / f"{contract}-{customer}.pdf").write_bytes(data)
        draw(data, pages)


def draw(pdf: bytes, pages: dict[int, str]) -> None:
    """Write pictures of some pages."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "report.pdf"
        source.write_bytes(pdf)
        for page, name in pages.items():
            target = DOCS / "images" / name
            options = ["-png", "-singlefile", "-r", str(DOTS), "-f", str(page), "-l", str(page)]
            subprocess.run(
                ["pdftoppm", *options, str(source), str(target)], check=True, timeout=TIMEOUT_SECONDS
            )


if __name__ == "__main__":
    main(sys.argv[1])
