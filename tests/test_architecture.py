"""The rules of the tree that no type checker sees: import arrows, places of third-party packages, sizes.

Each finder reads one file's source, and is itself tried on a planted fault: none can pass by finding nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("checks", "reports", "prober")

FILE_LIMIT = 400  # lines
FUNCTION_LIMIT = 60  # lines, decorators not counted

# The two leaves know neither each other nor the trunk: checks <- prober -> reports.
FORBIDDEN = {"checks": {"reports", "prober"}, "reports": {"checks", "prober"}, "prober": set[str]()}

# Reports compute from what they are given; whoever calls them does the reading and the sending.
NO_IO = {"asyncio", "socket", "ssl", "subprocess", "threading", "urllib", "http"}

# Where each third-party package (or one like it) may be imported; nowhere else, so that it can be replaced.
CONFINED: dict[str, tuple[str, ...]] = {
    "aiosqlite": ("prober/store/", "prober/agent/"),
    "sqlite3": ("prober/store/", "prober/agent/"),
    "prometheus_client": ("prober/metrics/",),
    "aiohttp": ("prober/web/", "prober/site/", "prober/demo/", "prober/notify/", "prober/maintenance/"),
    "OpenSSL": ("checks/core/", "prober/demo/"),
    "cryptography": ("checks/core/", "prober/demo/", "prober/agent/"),
    "dns": ("checks/",),
    "httptools": ("checks/",),
    "h2": ("checks/core/",),
    "wsproto": ("checks/", "prober/agent/"),
    "re2": ("checks/core/",),
    "brotli": ("checks/core/",),
    "aioquic": ("checks/core/",),
    "cel": ("checks/core/",),
    "jsonpath": ("checks/",),
    "yaml": ("prober/config/",),
    "jinja2": ("prober/site/", "reports/render/"),
    "typst": ("reports/render/",),
    "xlsxwriter": ("reports/render/",),
    "icalendar": ("prober/maintenance/",),
    "recurring_ical_events": ("prober/maintenance/",),
    "dateutil": ("prober/maintenance/",),
    "aiosmtplib": ("prober/notify/",),
    "rich": ("prober/cli/", "reports/render/"),
    "pydantic": ("checks/", "prober/config/", "prober/blackbox/"),
    "pydantic_settings": ("prober/config/",),
}


def sources() -> list[str]:
    """Return every module of the product, as a path from the root."""
    return sorted(
        path.relative_to(ROOT).as_posix() for name in PACKAGES for path in (ROOT / name).rglob("*.py")
    )


def imports(source: str) -> Iterator[tuple[str, int]]:
    """Yield the first part of each imported name and its line; those inside functions and type blocks too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((alias.name.partition(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0], node.lineno


def wrong_arrows(path: str, source: str) -> list[str]:
    """Name the imports of one module that run against the arrows."""
    package = path.partition("/")[0]
    banned = FORBIDDEN[package] | (NO_IO if package == "reports" else set()) | {"tests", "support"}
    return [f"{path}:{line}: imports {name}" for name, line in imports(source) if name in banned]


def strays(path: str, source: str) -> list[str]:
    """Name the imports of a confined package outside its place."""
    found = [(name, line) for name, line in imports(source) if name in CONFINED]
    return [f"{path}:{line}: imports {name}" for name, line in found if not path.startswith(CONFINED[name])]


def oversized(path: str, source: str) -> list[str]:
    """Name what is over a limit of length: the file itself, or a function in it."""
    lines = source.count("\n")
    found = [f"{path}: {lines} lines"] if lines > FILE_LIMIT else []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            found += (
                [f"{path}:{node.lineno}: {node.name} has {length} lines"] if length > FUNCTION_LIMIT else []
            )
    return found


@pytest.mark.parametrize("rule", [wrong_arrows, strays, oversized])
def test_every_module_keeps_the_rule(rule) -> None:
    assert [
        fault for path in sources() for fault in rule(path, (ROOT / path).read_text(encoding="utf-8"))
    ] == []


def test_no_test_file_is_over_the_limit() -> None:
    paths = sorted((ROOT / "tests").rglob("*.py"))
    lengths = {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8").count("\n") for path in paths
    }
    assert {name: lines for name, lines in lengths.items() if lines > FILE_LIMIT} == {}


def test_tests_are_no_package() -> None:
    """A `tests/checks/__init__.py` alone would make `import checks` find the tests instead of the product."""
    assert sorted((ROOT / "tests").rglob("__init__.py")) == []


def test_every_package_is_there_and_typed() -> None:
    """All the rules above hold for an empty tree as well."""
    assert {path.partition("/")[0] for path in sources()} == set(PACKAGES)
    assert [name for name in PACKAGES if not (ROOT / name / "py.typed").is_file()] == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("checks/http.py", "import reports.finding\n"),
        ("checks/http.py", "def late():\n    from prober.config import load\n"),
        ("reports/finding.py", "import json, checks\n"),
        ("reports/finding.py", "if TYPE_CHECKING:\n    from prober.store.base import Store\n"),
        ("reports/finding.py", "import asyncio\n"),
        ("prober/daemon.py", "from support.servers import Server\n"),
    ],
)
def test_a_planted_arrow_is_found(path: str, source: str) -> None:
    assert len(wrong_arrows(path, source)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("prober/daemon.py", "import checks.core\nfrom reports import finding\n"),
        ("checks/http.py", "from . import core\nfrom checks.core.result import Result\nimport asyncio\n"),
        ("prober/store/sqlite.py", "import aiosqlite\nimport sqlite3\n"),
    ],
)
def test_an_allowed_import_is_left_alone(path: str, source: str) -> None:
    assert wrong_arrows(path, source) + strays(path, source) == []


def test_a_planted_stray_is_found() -> None:
    assert strays("prober/hub/ingest.py", "import os\nimport aiosqlite\n") == [
        "prober/hub/ingest.py:2: imports aiosqlite"
    ]


def test_a_planted_oversize_is_found_one_line_over_the_limit() -> None:
    at_limit = "def long():\n" + "    pass\n" * (FUNCTION_LIMIT - 1)
    assert oversized("prober/a.py", at_limit) == []
    assert oversized("prober/a.py", at_limit + "    pass\n") == [
        f"prober/a.py:1: long has {FUNCTION_LIMIT + 1} lines"
    ]
    assert oversized("prober/a.py", "x = 1\n" * FILE_LIMIT) == []
    assert oversized("prober/a.py", "x = 1\n" * (FILE_LIMIT + 1)) == [f"prober/a.py: {FILE_LIMIT + 1} lines"]
