"""Arguments and variables of an agent become values, or one clear fault with what to try."""

from __future__ import annotations

from pathlib import Path

import pytest

from prober.agent import options as options_module
from prober.agent.options import OptionError, default_folder, read_options
from prober.agent.spool import SpoolLimits

TOKEN = "a-token-that-nobody-sees"
GOOD = {"hub": "https://hub.example:8443", "region": "fra", "spool": "/var/spool"}
ENVIRON = {"PROBER_AGENT_TOKEN": TOKEN}


def read(given: dict[str, str], environ: dict[str, str] = ENVIRON) -> options_module.Options:
    return read_options(given, environ)


def fault(given: dict[str, str], environ: dict[str, str] = ENVIRON) -> tuple[str, str]:
    with pytest.raises(OptionError) as caught:
        read(GOOD | given, environ)
    assert TOKEN not in str(caught.value) + caught.value.hint
    return str(caught.value), caught.value.hint


def test_little_is_needed() -> None:
    options = read(GOOD)
    assert (options.hub.shown(), options.hub.token) == ("https://hub.example:8443", TOKEN)
    assert (options.region, options.name, options.folder) == ("fra", "", Path("/var/spool"))
    assert (options.limits, options.warnings) == (SpoolLimits(), ())
    assert TOKEN not in repr(options)


def test_everything_can_come_from_variables_and_arguments_win() -> None:
    environ = {
        "PROBER_AGENT_HUB": "https://hub.example",
        "PROBER_AGENT_REGION": "iad",
        "PROBER_AGENT_NAME": "iad-1",
        "PROBER_AGENT_CA_FILE": "/ca.pem",
        "PROBER_AGENT_SPOOL": "/elsewhere",
        "PROBER_AGENT_SPOOL_SIZE": "1GiB",
        "PROBER_AGENT_SPOOL_AGE": "3d",
        "PROBER_AGENT_TOKEN": TOKEN,
    }
    options = read({}, environ)
    assert (options.hub.shown(), options.hub.ca_file) == ("https://hub.example", Path("/ca.pem"))
    assert (options.region, options.name, options.folder) == ("iad", "iad-1", Path("/elsewhere"))
    assert options.limits == SpoolLimits(max_bytes=2**30, max_age_us=3 * 86_400_000_000)
    assert read({"region": "fra"}, environ).region == "fra"


def test_the_proxy_comes_from_the_environment() -> None:
    environ = ENVIRON | {"HTTPS_PROXY": "http://proxy.example:3128"}
    assert read(GOOD, environ).hub.proxy == "http://proxy.example:3128"
    assert read(GOOD, environ | {"NO_PROXY": ".example"}).hub.proxy is None


@pytest.mark.parametrize(
    ("given", "words", "hint"),
    [
        ({"hub": ""}, "--hub is missing", "PROBER_AGENT_HUB"),
        ({"hub": "hub.example"}, "--hub is not the address of a hub", "https://hub.example:8443"),
        ({"region": ""}, "--region is missing", "PROBER_AGENT_REGION"),
        ({"region": "Fra"}, "--region is not the name of a region", "lower case"),
        ({"name": "-x"}, "--name is not a name for an agent", "lower case"),
        ({"name": "hub"}, "the name hub is the hub's own", "another"),
        ({"name": "local-1"}, "the name local-1 is the hub's own", "another"),
        ({"spool_size": "much"}, "--spool-size: expected a size", "4MiB"),
        ({"spool_age": "7"}, "--spool-age: expected a duration", "1m"),
        ({"spool_size": "3MiB"}, "--spool-size 3MiB is too little", "4MiB"),
        ({"spool_age": "59s"}, "--spool-age 59s is too little", "1m"),
        ({"token_file": "/nowhere/token"}, "--token-file /nowhere/token: no such file", "read it"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_try(given: dict[str, str], words: str, hint: str) -> None:
    problem, tried = fault(given)
    assert problem.startswith(words)
    assert hint in tried


def test_limits_at_the_least_are_taken() -> None:
    limits = read(GOOD | {"spool_size": "4MiB", "spool_age": "1m"}).limits
    assert limits == SpoolLimits(max_bytes=4 * 2**20, max_age_us=60_000_000)


# --- the token ---


def test_a_token_file_wins_and_its_line_end_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("another-token\r\n")
    path.chmod(0o640)
    options = read(GOOD | {"token_file": str(path)})
    assert (options.hub.token, options.warnings) == ("another-token", ())


def test_a_token_file_that_all_may_read_is_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("another-token")
    path.chmod(0o644)
    (warning,) = read(GOOD | {"token_file": str(path)}).warnings
    assert warning == f"every user of this machine may read the token in {path}: chmod o= {path}"


@pytest.mark.parametrize("environ", [{}, {"PROBER_AGENT_TOKEN": " \n"}])
def test_no_token_is_said(environ: dict[str, str]) -> None:
    assert fault({}, environ)[0] == "no token is given"


@pytest.mark.parametrize(("size", "is_good"), [(0, False), (1, True), (1024, True), (1025, False)])
def test_a_token_has_a_size(tmp_path: Path, size: int, is_good: bool) -> None:
    path = tmp_path / "token"
    path.write_text("t" * size)
    path.chmod(0o600)
    if is_good:
        assert read(GOOD | {"token_file": str(path)}).hub.token == "t" * size
    else:
        assert fault({"token_file": str(path)})[0] in (f"the file {path} is empty", "the token is not one")


@pytest.mark.parametrize("token", ["two words", "two\nlines", "tökén", "nul\0"])
def test_a_token_that_no_header_can_carry_is_refused(token: str) -> None:
    assert fault({}, {"PROBER_AGENT_TOKEN": token})[0] == "the token is not one"


@pytest.mark.parametrize(
    ("hub", "is_clear"),
    [
        ("http://127.0.0.1:8443", False),
        ("http://[::1]:8443", False),
        ("http://localhost:8443", False),
        ("https://192.0.2.1", False),
        ("http://192.0.2.1:8443", True),
        ("ws://hub.example", True),
    ],
)
def test_a_token_travels_in_the_clear_only_when_that_is_wanted(hub: str, is_clear: bool) -> None:
    for wanted in ("1", "yes"):
        warnings = read(GOOD | {"hub": hub, "plain": wanted}).warnings
        assert [warning[:45] for warning in warnings] == [
            "the token and all results travel in the clear"
        ] * is_clear
        assert bool(read(GOOD | {"hub": hub}, ENVIRON | {"PROBER_AGENT_PLAIN": wanted}).warnings) is is_clear
    for unwanted in ({}, {"plain": "0"}):
        if is_clear:
            problem, hint = fault({"hub": hub} | unwanted)
            assert problem.startswith("the token and all results would travel in the clear to http://")
            assert "or --plain ($PROBER_AGENT_PLAIN=1)" in hint
        else:
            assert read(GOOD | {"hub": hub} | unwanted).warnings == ()


def test_a_variable_that_wants_neither_is_a_fault() -> None:
    environ = ENVIRON | {"PROBER_AGENT_PLAIN": "perhaps"}
    assert fault({"hub": "http://192.0.2.1"}, environ)[0] == "$PROBER_AGENT_PLAIN is neither yes nor no"


def test_a_variable_that_is_none_of_ours_is_warned_of_with_the_one_that_was_meant() -> None:
    environ = ENVIRON | {
        "PROBER_AGENT_CAFILE": "/ca.pem",
        "PROBER_AGENT_X": "1",
        "PROBER_AGENT_LOG_LEVEL": "info",
    }
    assert read(GOOD, environ).warnings == (
        "there is no variable PROBER_AGENT_CAFILE: did you mean PROBER_AGENT_CA_FILE?",
        "there is no variable PROBER_AGENT_X",
    )


# --- where results wait ---


def test_results_wait_in_the_system_s_place_if_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(options_module, "DEFAULT_FOLDER", tmp_path / "prober-agent")
    assert default_folder("fra") == Path("prober-agent-fra")
    (tmp_path / "prober-agent").mkdir()
    assert default_folder("fra") == tmp_path / "prober-agent"
