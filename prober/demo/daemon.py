"""`prober demo`: the real daemon on stand-in services that fail on a script. No network needed, nothing left behind."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import tempfile
from functools import partial
from pathlib import Path

from prober import logs
from prober.config import load
from prober.daemon import Daemon, now_us
from prober.loop import run_loop
from prober.web.listener import Listener

from .bygone import bring_in
from .promises import promises
from .standins import stand_ins

PUBLIC_PORT, INTERNAL_PORT = 8080, 8081  # taken when they are free


def main() -> int:
    """Run the demo until Ctrl-C."""
    with tempfile.TemporaryDirectory(prefix="prober-demo-") as folder:
        run_loop(_demo(Path(folder)))
    return 0


async def _demo(folder: Path) -> None:
    async with stand_ins(folder) as services:
        path = folder / "probes.yaml"
        path.write_text(services.configuration + promises(now_us()), encoding="utf-8")
        environ = {
            "PROBER_LISTEN__PUBLIC": f"127.0.0.1:{_port(PUBLIC_PORT)}",
            "PROBER_LISTEN__INTERNAL": f"127.0.0.1:{_port(INTERNAL_PORT)}",
            **{name: value for name, value in os.environ.items() if name.startswith("PROBER_")},
        }
        config = load(path, environ)
        logs.configure(config.log.format, config.log.level)
        await Daemon(path, environ, config, on_ready=partial(_welcome, config.store_path)).run()


async def _welcome(store: Path, public: Listener, internal: Listener) -> None:
    # Reports would be of a few minutes: last month comes from a script, and is marked as imported everywhere.
    await asyncio.to_thread(bring_in, store, now_us())
    lines = (
        "",
        "  Prober is watching stand-in services from three regions. They fail on a script that",
        "  repeats every few minutes; everything you see is measured. First trouble within 15 seconds.",
        "",
        f"  status page   {public.url}",
        f"  contracts     {internal.url}contracts   (what lies before this start comes from a script)",
        f"  metrics       {internal.url}metrics",
        f"  terminal      prober status --watch --url {internal.url.rstrip('/')}",
        "",
        "  Ctrl-C stops it.",
        "",
    )
    print("\n".join(lines), file=sys.stderr, flush=True)
    await asyncio.sleep(0)


def _port(wanted: int) -> int:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", wanted))
        except OSError:
            return 0
        return wanted
