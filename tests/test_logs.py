"""Log lines: constant fields, one line an event, no secret, people on a terminal and programs elsewhere."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from prober import logs


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root, raising = logging.getLogger(), logging.raiseExceptions
    before = (root.level, root.handlers[:])
    yield
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    logging.raiseExceptions = raising
    logging.captureWarnings(False)
    for name in ("prober", "checks", "reports"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def log_to(stream: io.StringIO, format: str = "json", level: str = "info") -> logging.Logger:
    """Configure logging to a stream and return a logger of the product."""
    logs.configure(format, level, stream)
    return logging.getLogger("prober.hub")


def json_of(message: str, **extra: Any) -> dict[str, Any]:  # Any: JSON
    """Return the JSON line of one event."""
    stream = io.StringIO()
    log_to(stream).info(message, extra=extra)
    found: dict[str, Any] = json.loads(stream.getvalue())
    return found


def test_a_json_line_has_constant_fields_then_those_of_the_event() -> None:
    found = json_of("started", probes=3, digest="d1")
    assert list(found) == ["time", "level", "logger", "event", "probes", "digest"]
    assert (found["level"], found["logger"], found["event"]) == ("info", "prober.hub", "started")
    assert found["time"].endswith("Z")


def test_a_field_cannot_take_the_place_of_a_constant_one() -> None:
    found = json_of("started", level="gold", event="wedding")
    assert (found["level"], found["event"], found["level_"], found["event_"]) == (
        "info",
        "started",
        "gold",
        "wedding",
    )


@pytest.mark.parametrize("name", ["token", "agent_token", "password", "authorization", "api_key", "Cookie"])
def test_a_field_that_is_secret_by_its_name_is_hidden(name: str) -> None:
    assert json_of("x", **{name: "hunter2"})[name] == "***"
    assert json_of("x", request={name: "hunter2"})["request"] == {name: "***"}


@pytest.mark.parametrize("name", ["tokens_left_over", "secretary", "passwordless"])
def test_a_field_that_only_sounds_so_is_shown(name: str) -> None:
    assert json_of("x", **{name: 3})[name] == 3


def test_credentials_within_texts_are_blanked_everywhere() -> None:
    text = "GET https://ann:hunter2@a.example/ with Authorization: Bearer hunter2hunter2"
    stream = io.StringIO()
    log = log_to(stream)
    try:
        raise ValueError(text)
    except ValueError:
        log.exception(text, extra={"url": text, "urls": [text]})
    assert "hunter2" not in stream.getvalue()
    assert stream.getvalue().count("https://***@a.example/") >= 4


def test_one_event_is_one_line_whatever_it_holds() -> None:
    stream = io.StringIO()
    log_to(stream).info("a\nb", extra={"detail": "c\r\nd\x1b[2J"})
    assert stream.getvalue().count("\n") == 1
    stream = io.StringIO()
    log_to(stream, "human").info("a\nb", extra={"detail": "c\r\nd\x1b[2J"})
    assert stream.getvalue().count("\n") == 1
    assert not {"\r", "\x1b"} & set(stream.getvalue())


def test_a_person_reads_time_level_event_and_fields_and_lists_below() -> None:
    stream = io.StringIO()
    log_to(stream, "human").warning(
        "not accepted", extra={"count": 2, "why": "two words", "faults": ("a", "b")}
    )
    first, *rest = stream.getvalue().splitlines()
    assert first[8:] == ' warning  not accepted  count=2  why="two words"'
    assert rest == ["    a", "    b"]


def test_a_traceback_follows_the_event() -> None:
    stream = io.StringIO()
    log_to(stream, "human").error("failed", exc_info=ValueError("why"))
    assert stream.getvalue().splitlines()[-1] == "    ValueError: why"
    stream = io.StringIO()
    log_to(stream).error("failed", exc_info=ValueError("why"))
    assert json.loads(stream.getvalue())["exception"].endswith("ValueError: why")


def test_auto_is_for_people_on_a_terminal_and_json_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal, pipe = Terminal(), io.StringIO()
    log_to(terminal, "auto").info("started")
    log_to(pipe, "auto").info("started")
    assert "\x1b[32minfo" in terminal.getvalue()
    assert json.loads(pipe.getvalue())["event"] == "started"


def test_no_color_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    terminal = Terminal()
    log_to(terminal, "auto").info("started")
    assert "\x1b" not in terminal.getvalue()


def test_levels_hold_for_us_and_libraries_are_heard_from_warnings_up() -> None:
    stream = io.StringIO()
    log_to(stream, level="debug").debug("ours")
    logging.getLogger("aiohttp.access").info("theirs")
    logging.getLogger("aiohttp.access").warning("their warning")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["ours", "their warning"]


def test_values_are_bounded() -> None:
    found = json_of(
        "x", text="y" * (logs.MAX_TEXT + 1), exact="y" * logs.MAX_TEXT, items=range(3), many=[0] * 51
    )
    assert (len(found["text"]), len(found["exact"])) == (logs.MAX_TEXT + 3, logs.MAX_TEXT)
    assert (len(found["many"]), found["many"][-1]) == (logs.MAX_ITEMS + 1, "and 1 more")


def test_text_that_utf_8_cannot_hold_is_logged_all_the_same() -> None:
    assert json_of("x", host="a\udc80b")["host"] == "a?b"


def test_a_stream_that_is_gone_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    log = log_to(stream)
    stream.close()
    log.info("started")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("format", "level"), [("xml", "info"), ("json", "loud")])
def test_an_unknown_format_or_level_is_an_error(format: str, level: str) -> None:
    with pytest.raises(ValueError, match="unknown log format or level"):
        logs.configure(format, level, io.StringIO())
