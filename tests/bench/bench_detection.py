"""How fast and how truly outages are found: see detection/README.md. Takes `--repeats`, `--seed`, `--json FILE`."""

from __future__ import annotations

import sys

from bench.detection.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
