"""Runs an example of docs/examples/ as its reader would: the file as it stands, its variables set, looked at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.looks import USUAL, Setting, tidy_reactor

from checks.core.check import KINDS, Check, run_once
from checks.core.result import Result
from prober.config import load_text

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "docs" / "examples"


def example_check(kind: str, **variables: str) -> Check[Any]:  # Any: of any options
    """Return the check of the first probe in `docs/examples/KIND.yaml`; variables fill its `${...}`."""
    text = (EXAMPLES / f"{kind}.yaml").read_text(encoding="utf-8")
    probe = load_text(text, f"{kind}.yaml", variables).probes[0]
    assert probe.kind == kind
    return KINDS[kind](probe.options)


async def run_example(kind: str, setting: Setting = USUAL, **variables: str) -> Result:
    """Look once as the example says."""
    with tidy_reactor() as engine:
        return await run_once(example_check(kind, **variables), setting.place(engine))
