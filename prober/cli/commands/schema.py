"""`prober schema`: the JSON Schema of the configuration."""

from __future__ import annotations

import argparse

from prober.cli.command import GOOD, Command, print_json


def _arguments(parser: argparse.ArgumentParser) -> None:
    """Take none."""


def _run(_: argparse.Namespace) -> int:
    from prober.config.schema import json_schema

    print_json(json_schema())
    return GOOD


COMMAND = Command(
    name="schema",
    summary="print the JSON Schema of the configuration",
    description="Print the JSON Schema of probes.yaml, for editors and for checks elsewhere.",
    order=50,
    arguments=_arguments,
    run=_run,
)
