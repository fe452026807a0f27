"""How the tests run: coroutine tests need no plugin. No shared fixtures live here.

Pytest is set up for `--import-mode=importlib` with `pythonpath = [".", "tests"]`: the root so that the
packages are found before the folders of the same names below tests/, tests/ so that helpers are imported
as `from support.x import y`. Coroutine fixtures are not supported; use async context managers in the test.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# No test is timed, least of all by example: a busy machine must not look like a fault. What else the profile of this
# environment says (a check of a clean clone runs the same examples each time) stays.
settings.register_profile(
    "untimed", parent=settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("untimed")

# A hung test is a failed test. Far above what any test needs, so a loaded machine does not reach it.
TEST_DEADLINE_SECONDS = 120


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run `async def test_...` on a fresh event loop; leave every other test to pytest."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(_within_deadline(pyfuncitem.obj, {name: pyfuncitem.funcargs[name] for name in wanted}))
    return True


async def _within_deadline(test: Any, arguments: dict[str, Any]) -> None:  # Any: fixtures are of any type
    async with asyncio.timeout(TEST_DEADLINE_SECONDS):
        await test(**arguments)
