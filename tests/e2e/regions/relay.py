"""A process that holds packets back: reads them from a TUN device, writes each back after so many milliseconds.

Run as `python relay.py MILLISECONDS [JITTER]` in the router's namespace; it ends when its standard input does. Stands
alone: it imports nothing of the project. Packets overtake each other when there is jitter.
"""

from __future__ import annotations

import fcntl
import heapq
import os
import random
import select
import struct
import sys
import time

DEVICE = b"delay"
TUNSETIFF = 0x400454CA  # from <linux/if_tun.h>
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
PACKET_BYTES = 65_536
MOST_WAITING = 10_000  # packets; what comes on top is lost, as on any line


def device() -> int:
    """Make the device; it goes with the process."""
    opened = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(opened, TUNSETIFF, struct.pack("16sH", DEVICE, IFF_TUN | IFF_NO_PI))
    return opened


def relay(tun: int, delay_seconds: float, jitter_seconds: float) -> None:
    """Hold packets back until standard input ends."""
    waiting: list[tuple[float, int, bytes]] = []
    serial = 0
    while True:
        timeout = max(waiting[0][0] - time.monotonic(), 0) if waiting else None
        readable, _, _ = select.select([tun, sys.stdin], [], [], timeout)
        if sys.stdin in readable:
            return
        if tun in readable:
            packet, serial = os.read(tun, PACKET_BYTES), serial + 1
            due = time.monotonic() + delay_seconds + random.uniform(0, jitter_seconds)
            if len(waiting) < MOST_WAITING:
                heapq.heappush(waiting, (due, serial, packet))
        while waiting and waiting[0][0] <= time.monotonic():
            os.write(tun, heapq.heappop(waiting)[2])


def main() -> None:
    """Say `ready` once the device is there, then relay."""
    tun = device()
    print("ready", flush=True)
    milliseconds = [float(text) for text in sys.argv[1:]]
    relay(tun, milliseconds[0] / 1000, (milliseconds[1] if len(milliseconds) > 1 else 0) / 1000)


if __name__ == "__main__":
    main()
