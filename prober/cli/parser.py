"""The parser of the command line, made of the commands that are there, and the way out of every command.

Here: finding commands, help, errors and exit codes. Not here: any command.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import importlib
import io
import os
import pkgutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NoReturn

import prober

from . import commands
from .command import GOOD, INTERRUPTED, WRONG_USE, CannotGoOn, Command

_ENDING = """\
exit codes: 0 good, 1 the answer is "no" (a check failed), 2 wrong use or configuration
`prober COMMAND --help` tells more about each.
"""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""What writing says where there is no room: nothing that a connection or a missing file could say."""


def run(arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code; nothing but a bug of ours comes out as an exception."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(
                errors="backslashreplace"
            )  # a sign that an encoding lacks is no reason to stop
    found = build().parse_args(arguments)
    command: Command = found.command
    try:
        code = command.run(found)
        sys.stdout.flush()
    except CannotGoOn as trouble:
        return _complain(str(trouble), trouble.hint)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # `prober schema | head`: whoever read has enough
        _drop_output()
        return GOOD
    except OSError as error:
        if error.errno not in _FULL:
            raise
        _drop_output()
        return _complain(f"cannot write the output: {(error.strerror or 'error').lower()}", "")
    return code


def build() -> argparse.ArgumentParser:
    """Return the parser with every command."""
    parser = Parser(
        prog="prober",
        description="Measures services from several regions and says whether an SLA claim is backed.",
        epilog=_ENDING,
        formatter_class=_Help,
    )
    parser.add_argument("--version", action="version", version=f"prober {prober.__version__}")
    below = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    for command in sorted(all_commands(), key=lambda command: (command.order, command.name)):
        part = below.add_parser(command.name, help=command.summary, description=command.description)
        command.arguments(part)
        part.set_defaults(command=command)
    return parser


def all_commands() -> Iterator[Command]:
    """Import every file of `commands/` and yield what it declares."""
    for module in pkgutil.iter_modules(commands.__path__):
        command: Command = importlib.import_module(f"{commands.__name__}.{module.name}").COMMAND
        yield command


class _Help(argparse.RawDescriptionHelpFormatter):
    """Leaves room for the longest command: argparse measures them without the indent they are written with."""

    def add_arguments(self, actions: Iterable[argparse.Action]) -> None:
        """Measure all of them, subcommands one step further in."""
        super().add_arguments(actions)
        self._action_max_length += self._indent_increment


class Parser(argparse.ArgumentParser):
    """Says what is wrong in the words of every other error."""

    def error(self, message: str) -> NoReturn:
        """Print the fault and leave with exit code 2."""
        sys.exit(_complain(message[:1].lower() + message[1:], f"{self.prog} --help"))

    def _check_value(self, action: argparse.Action, value: Any) -> None:  # Any: argparse's own word
        if isinstance(action.choices, dict) and value not in action.choices:
            import difflib

            nearest = difflib.get_close_matches(str(value), action.choices, n=1)
            hint = f"did you mean {self.prog} {nearest[0]}?" if nearest else f"{self.prog} --help"
            sys.exit(_complain(f"no command named {value!r}", hint))
        super()._check_value(action, value)


def _complain(problem: str, hint: str) -> int:
    lines = [f"error: {problem}", *([f"hint: {hint}"] if hint else [])]
    with contextlib.suppress(OSError):
        print("\n".join(lines), file=sys.stderr, flush=True)
    return WRONG_USE


def _drop_output() -> None:
    """Let the interpreter's own flush at exit go nowhere instead of complaining."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
