"""The heartbeat kind: what may be configured, and that nobody looks at it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from support.looks import USUAL, tidy_reactor

from checks.core.check import KINDS, load_kinds, run_once
from checks.core.failures import Code
from checks.core.result import Outcome
from checks.heartbeat import HeartbeatCheck, HeartbeatOptions

TOKEN = "0123456789abcdef"


def options(**fields: object) -> HeartbeatOptions:
    return HeartbeatOptions.model_validate({"token": TOKEN, "period": "1h"} | fields)


def test_it_is_a_kind_that_is_called() -> None:
    assert load_kinds()["heartbeat"].passive
    assert [kind for kind, check in KINDS.items() if check.passive] == ["heartbeat"]


def test_what_is_left_out_has_a_default() -> None:
    assert options().grace_us == 60_000_000
    assert options().max_runtime_us is None
    assert options().methods == ("GET", "HEAD", "POST")


@pytest.mark.parametrize(
    ("fields", "holds"),
    [
        ({"token": "a" * 16}, True),
        ({"token": "a" * 15}, False),
        ({"token": "a" * 128}, True),
        ({"token": "a" * 129}, False),
        ({"token": "Az09_-" * 4}, True),
        ({"token": "a/b" * 8}, False),
        ({"token": "a" * 15 + "\n"}, False),
        ({"period": "1s"}, True),
        ({"period": "999ms"}, False),
        ({"period": "92d"}, True),
        ({"period": "93d"}, False),
        ({"grace": "0s"}, True),
        ({"grace": "93d"}, False),
        ({"max_runtime": "999ms"}, False),
        ({"max_runtime": "1s"}, True),
        ({"methods": ["POST"]}, True),
        ({"methods": []}, False),
        ({"methods": ["PUT"]}, False),
        ({"cron": "0 * * * *"}, False),
    ],
)
def test_options_stay_within_their_bounds(fields: dict[str, object], holds: bool) -> None:
    if holds:
        options(**fields)
    else:
        with pytest.raises(ValidationError):
            options(**fields)


def test_the_target_shows_the_rhythm_and_not_the_token() -> None:
    assert HeartbeatCheck(options(grace="5m")).target == "called every 1h, 5m grace"


async def test_looking_at_it_says_nothing_about_the_job() -> None:
    with tidy_reactor() as reactor:
        result = await run_once(HeartbeatCheck(options()), USUAL.place(reactor))
    assert result.outcome is Outcome.VOID
    assert [failure.code for failure in result.failures] == [Code.AGENT_UNSUPPORTED]
