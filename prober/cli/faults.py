"""Faults of a configuration, told to the person who wrote it. Finding them is `prober.config`'s business."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .command import CannotGoOn, config_file

if TYPE_CHECKING:
    from prober.config import Config


def load_config(arguments: argparse.Namespace) -> Config:
    """Load the configuration; its faults are printed, one a line, and end the command with exit code 2."""
    from prober.config import load

    with told():
        return load(config_file(arguments), os.environ)


@contextmanager
def told() -> Iterator[None]:
    """Print every fault of a ConfigError as `file:line:column: path: what is wrong (hint)`."""
    from prober.config import ConfigError

    try:
        yield
    except ConfigError as error:
        for fault in error.faults:
            print(fault, file=sys.stderr)
        raise CannotGoOn(counted(len(error.faults), "fault") + " in the configuration") from None


@contextmanager
def started() -> Iterator[None]:
    """Tell in words why a daemon could not start: its configuration, its store, or its addresses."""
    from prober.store.base import StoreError
    from prober.web.listener import ListenError

    try:
        with told():
            yield
    except (StoreError, ListenError) as error:
        raise CannotGoOn(str(error)) from None


def counted(number: int, noun: str) -> str:
    """Return `1 fault`, `2 faults`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
