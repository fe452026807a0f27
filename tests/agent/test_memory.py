"""Memory is given back only where it can be had again: pages of files that nobody has written to."""

from __future__ import annotations

import subprocess
import sys

from support.commands import ROOT, environment

from prober.agent.memory import clean_files

SMAPS = """\
55aa00000000-55aa00001000 r--p 00000000 fe:00 1 /usr/lib/a.so
Rss:                   4 kB
Anonymous:             0 kB
VmFlags: rd mr mw me
55aa00001000-55aa00003000 r-xp 00001000 fe:00 1 /usr/lib/a b.so (deleted)
Rss:                   8 kB
Anonymous:             0 kB
55aa00003000-55aa00004000 r--p 00003000 fe:00 1 /usr/lib/relocated.so
Anonymous:             4 kB
55aa00004000-55aa00005000 rw-p 00004000 fe:00 1 /usr/lib/a.so
Anonymous:             0 kB
55aa00005000-55aa00006000 r--s 00004000 fe:00 1 /usr/share/shared
Anonymous:             0 kB
55aa00006000-55aa00007000 r-xp 00000000 00:00 0 [vdso]
Anonymous:             0 kB
55aa00007000-55aa00008000 r-xp 00000000 00:00 0
Anonymous:             0 kB
"""


def test_only_clean_private_pages_of_files_are_chosen() -> None:
    assert list(clean_files(SMAPS.splitlines())) == [
        (0x55AA00000000, 0x55AA00001000),
        (0x55AA00001000, 0x55AA00003000),
    ]


def test_a_process_goes_on_as_before_with_less() -> None:
    script = (
        "import json, ssl, sqlite3, zlib\n"
        "import cryptography.hazmat.bindings._rust\n"
        "from prober.agent.health import resident_bytes\n"
        "from prober.agent.memory import give_back\n"
        "before = resident_bytes()\n"
        "give_back()\n"
        "after = resident_bytes()\n"
        "ssl.create_default_context()\n"
        "sqlite3.connect(':memory:').execute('SELECT 1').fetchall()\n"
        "assert zlib.decompress(zlib.compress(b'a' * 1000)) == b'a' * 1000\n"
        "print(json.dumps([before, after]))\n"
    )
    done = subprocess.run(
        (sys.executable, "-c", script),
        cwd=ROOT, env=environment(), capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    before, after = (int(each) for each in done.stdout.strip("[]\n").split(", "))
    assert after < before - 4_000_000
