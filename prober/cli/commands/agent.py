"""`prober agent`: a remote region, linked to a hub elsewhere."""

from __future__ import annotations

import argparse
import os

from prober.cli.command import CannotGoOn, Command

_DESCRIPTION = """\
Run the checks of a remote region. The agent links to the hub by itself, takes
its probes from there, and keeps what it measures on disk until the hub has it.

  prober agent --hub https://hub.example:8443 --region fra --token-file token

Needed are --hub, --region and the region's token, which comes from
$PROBER_AGENT_TOKEN or a file. Each argument can come from a variable too:
$PROBER_AGENT_HUB, $PROBER_AGENT_SPOOL_SIZE and so on. HTTPS_PROXY, HTTP_PROXY
and NO_PROXY say how the hub is reached.
"""
# What is first is the default.
_LOG_FORMATS = ("auto", "human", "json")
_LOG_LEVELS = ("info", "debug", "warning", "error")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.usage = "%(prog)s --hub URL --region NAME [option ...]"
    parser.allow_abbrev = False  # `--token SECRET` is no short form of --token-file
    parser.add_argument("--token", nargs="?", const="", help=argparse.SUPPRESS)

    def add(name: str, metavar: str, text: str) -> None:
        parser.add_argument(f"--{name}", metavar=metavar, help=text)

    add("hub", "URL", "the hub's agents' listener, such as https://hub.example:8443 (needed)")
    add("region", "NAME", "the region it runs, as the hub's configuration names it (needed)")
    add("name", "NAME", "its own name (default: the region's and digits of its key)")
    add("token-file", "FILE", "the region's token (default: $PROBER_AGENT_TOKEN)")
    add("ca-file", "FILE", "authorities for the hub's certificate (default: the system's)")
    add(
        "spool",
        "DIR",
        "where results wait (default: /var/lib/prober-agent if writable, else ./prober-agent-REGION)",
    )
    add("spool-size", "SIZE", "how much may wait; then the oldest is given up (default: 2GiB)")
    add("spool-age", "DURATION", "how old it may get (default: 7d)")
    plain = "go to a hub on another machine without TLS: only if something else encrypts"
    parser.add_argument("--plain", action="store_const", const="1", help=plain)
    add("log-format", "FORMAT", f"one of {', '.join(_LOG_FORMATS)} (default: auto)")
    add("log-level", "LEVEL", f"one of {', '.join(_LOG_LEVELS)} (default: info)")


def _run(arguments: argparse.Namespace) -> int:
    from prober.agent.dial import LinkError
    from prober.agent.errors import AgentError
    from prober.agent.options import NAMES, TOKEN, OptionError, read_options
    from prober.agent.remote import main

    if arguments.token is not None:
        hint = f"${TOKEN}, or --token-file FILE; and replace that one"
        raise CannotGoOn("a token does not belong on a command line, where every user can read it", hint)
    given = {name: getattr(arguments, name) for name in NAMES}
    log_format = _choice("log-format", arguments.log_format, _LOG_FORMATS)
    log_level = _choice("log-level", arguments.log_level, _LOG_LEVELS)
    try:
        options = read_options(given, os.environ)
        os.environ.pop(TOKEN, None)  # no process that a check starts is to have it
        return main(options, log_format, log_level)
    except (OptionError, LinkError, AgentError) as problem:
        raise CannotGoOn(str(problem), problem.hint) from None


def _choice(name: str, given: str | None, known: tuple[str, ...]) -> str:
    from prober.agent.options import argument_or_variable

    text = argument_or_variable(name.replace("-", "_"), given, os.environ) or known[0]
    if text not in known:
        raise CannotGoOn(f"--{name} is not one of {', '.join(known)}")
    return text


COMMAND = Command(
    name="agent",
    summary="run a remote region, linked to a hub elsewhere",
    description=_DESCRIPTION,
    order=25,
    arguments=_arguments,
    run=_run,
)
