"""The reference of the benchmarks: the Debian blackbox exporter, asked over kept-alive connections."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rig import Targets, cpu_ns, process, program, wait_for
from support.ports import free_port

CLIENTS = 16
_MODULES = """
modules:
  http: {{prober: http, timeout: 5s, http: {{preferred_ip_protocol: ip4, fail_if_body_not_matches_regexp: [hello]}}}}
  https: {{prober: http, timeout: 5s, http: {{preferred_ip_protocol: ip4, fail_if_body_not_matches_regexp: [hello],
    tls_config: {{ca_file: {ca}}}}}}}
  tcp: {{prober: tcp, timeout: 5s, tcp: {{preferred_ip_protocol: ip4}}}}
  dns: {{prober: dns, timeout: 5s, dns: {{preferred_ip_protocol: ip4, query_name: www.example, query_type: A}}}}
  dns-records: {{prober: dns, timeout: 5s, dns: {{preferred_ip_protocol: ip4, query_name: www.example, query_type: A,
    validate_answer_rrs: {{fail_if_none_matches_regexp: ["203.0.113.7"]}}}}}}
"""


@dataclass(frozen=True, slots=True)
class Exporter:
    """A running exporter."""

    pid: int
    port: int

    def cpu_us_per_probe(self, module: str, target: str, count: int, rate: int = 0) -> float:
        """Probe `count` times and return the exporter's CPU per probe, in micro-seconds; a failed probe raises.

        `rate` probes a second, evenly; with 0 each client asks again as soon as it was answered.
        """
        before = cpu_ns(self.pid)
        asyncio.run(self._ask(module, target, count, rate))
        return (cpu_ns(self.pid) - before) / count / 1000

    async def _ask(self, module: str, target: str, count: int, rate: int) -> None:
        request = f"GET /probe?module={module}&target={target} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        shares = [count // CLIENTS + (client < count % CLIENTS) for client in range(CLIENTS)]
        pause = CLIENTS / rate if rate else 0.0
        await asyncio.gather(
            *(
                self._client(request, share, pause, pause * place / CLIENTS)
                for place, share in enumerate(shares)
            )
        )

    async def _client(self, request: bytes, count: int, pause: float, first: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        due = time.monotonic() + first
        for _ in range(count):
            if pause:
                await asyncio.sleep(due - time.monotonic())
                due += pause
            writer.write(request)
            body = await _body(reader)
            if b"\nprobe_success 1" not in body:
                raise RuntimeError("the exporter's probe failed:\n" + body.decode())
        writer.close()


async def _body(reader: asyncio.StreamReader) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if b"content-length:" in head:
        return await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
    parts = []
    while size := int(await reader.readline(), 16):
        parts.append(await reader.readexactly(size))
        await reader.readline()
    await reader.readline()
    return b"".join(parts)


@contextlib.contextmanager
def exporter(targets: Targets) -> Iterator[Exporter]:
    """Run the exporter with modules that look at the same as our checks."""
    with tempfile.TemporaryDirectory(prefix="prober-bench-") as name:
        modules = Path(name) / "blackbox.yml"
        modules.write_text(_MODULES.format(ca=targets.ca_file))
        port = free_port()
        command = (
            program("prometheus-blackbox-exporter"),
            f"--config.file={modules}",
            f"--web.listen-address=127.0.0.1:{port}",
        )
        with process(*command) as running:
            wait_for(f"http://127.0.0.1:{port}/-/healthy")
            yield Exporter(running.pid, port)
