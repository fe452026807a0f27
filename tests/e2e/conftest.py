"""Rules of the end-to-end tests: each skips when its component is missing; `--no-skips` makes that a failure.

`make e2e` on a developer's machine lets tests skip; the whole check of a clean clone passes `--no-skips`.
"""

from __future__ import annotations

import pytest

_HERE = "tests/e2e/"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--no-skips`."""
    parser.addoption("--no-skips", action="store_true", help="fail when an end-to-end test was skipped")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder `e2e`, so that none slips into the tests that need only Python."""
    for item in items:
        if item.nodeid.startswith(_HERE):
            item.add_marker(pytest.mark.e2e)


def _skipped(reporter: pytest.TerminalReporter) -> list[str]:
    """Return the names of what was skipped, whole modules included."""
    return sorted({report.nodeid for report in reporter.stats.get("skipped", [])})


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Turn a run that would have passed with skips into a failed one, if asked to."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and session.config.getoption("--no-skips", default=False) and _skipped(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say why a run failed that shows no failed test."""
    names = _skipped(terminalreporter)
    if names and config.getoption("--no-skips", default=False):
        terminalreporter.write_line(f"failed: {len(names)} skipped under --no-skips", red=True)
