"""How the scenarios went, as a table for people."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from .trial import Report

COLUMNS = (
    "scenario", "fault s", "truth after s", "web was shown", "slots", "came later", "lost", "false down s", "note",
)  # fmt: skip


def show(reports: Iterable[Report], console: Console) -> None:
    """Print one line a scenario."""
    table = Table(*COLUMNS, title="Regions: what faults did to the truth")
    for report in reports:
        restored = "never" if report.restored_seconds is None else f"{report.restored_seconds:.1f}"
        note = f"FAILED: {str(report.error)[:60]}" if report.error else report.note
        table.add_row(
            report.name.replace("_", " "), f"{report.broken_seconds:.1f}", restored, report.seen, str(report.slots),
            str(report.late), str(report.lost), f"{report.false_down_seconds:.1f}", note,
        )  # fmt: skip
    console.print(table)
