"""`PYTHONPATH=.:tests python -m bench.detection`: run the detection benchmark and print its tables."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from bench.detection.report import as_json, faults, show
from bench.detection.run import run
from rich.console import Console

from prober.loop import run_loop

REPEATS = 5


def main(arguments: list[str] | None = None) -> int:
    """Run once; 1 when the goal was missed."""
    parser = argparse.ArgumentParser(prog="bench.detection", description=__doc__)
    parser.add_argument("--repeats", type=int, default=REPEATS, help="failures of each scenario and policy")
    parser.add_argument("--seed", type=int, default=None, help="of draws and offsets; the clock's if absent")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="scenarios by id, such as 'tls-*'")
    parser.add_argument(
        "--json", type=Path, default=None, metavar="FILE", help="write all figures and samples"
    )
    parser.add_argument(
        "--keep", type=Path, default=None, metavar="FOLDER", help="ground truth, store and log"
    )
    given = parser.parse_args(arguments)
    seed = given.seed if given.seed is not None else time.time_ns() // 1_000_000 % 2**31
    if given.keep is not None:
        given.keep.mkdir(parents=True, exist_ok=True)
        outcome = run_loop(run(given.keep, given.repeats, seed, given.only))
    else:
        with tempfile.TemporaryDirectory(prefix="prober-detection-") as folder:
            outcome = run_loop(run(Path(folder), given.repeats, seed, given.only))
    show(outcome, Console(width=None if sys.stdout.isatty() else 170))
    if given.json is not None:
        given.json.write_text(json.dumps(as_json(outcome), indent=1))
    return 1 if faults(outcome) else 0


if __name__ == "__main__":
    sys.exit(main())
