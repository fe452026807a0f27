"""References to the environment, secrets in files, PROBER_ variables; none of their contents is ever shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.configs import WEB, faults_of, loaded

from prober.config import ConfigError, load
from prober.config.faults import without_credentials
from prober.config.interpolate import interpolate
from prober.config.settings import config_path

LONG = "s3cr3t-value-that-nobody-may-see"


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("${A}", "one"),
        ("x${A}y${B:-two}", "xoneytwo"),
        ("${EMPTY:-other}", "other"),
        ("${EMPTY}", ""),
        ("${B:-}", ""),
        ("$${A}", "${A}"),
        ("$$A", "$A"),
        ("^220$", "^220$"),
        ("$.status", "$.status"),
        ("${B:-$$x}", "$$x"),
        ("${NESTED}", "${A}"),
    ],
)
def test_references_are_filled_in_once(text: str, filled: str) -> None:
    assert interpolate(text, {"A": "one", "EMPTY": "", "NESTED": "${A}"}).text == filled


@pytest.mark.parametrize("text", ["${", "${}", "${A", "${A:default}", "${1A}", "${A:-x"])
def test_a_malformed_reference_is_a_fault(text: str) -> None:
    found = faults_of(f"page: {{title: '{text}'}}\n", {"A": "x"})
    assert len(found) == 1
    assert "1:15: page.title: a reference that is not like ${NAME}" in found[0]


def test_a_missing_variable_is_one_fault_with_a_hint() -> None:
    text = WEB.replace("name: web", "name: web, interval: '${EVERY}'")
    assert faults_of(text) == [
        "probes.yaml:2:27: probes.0.interval: the environment variable EVERY is not set "
        "(set it, or give a default: ${EVERY:-default})"
    ]


def test_a_variable_can_be_a_number_or_a_truth_value_where_one_is_wanted() -> None:
    text = "agents: {max_in_flight: ${N:-7}}\nblackbox: {private: ${P}}\npage: {title: ${T}}\n".replace(
        ": $", ": '$"
    ).replace("}}", "}'}")
    assert "max_in_flight: expected a whole number" in faults_of(text, {"P": "true", "T": "12"})[0]
    plain = "agents:\n  max_in_flight: ${N:-7}\nblackbox:\n  private: ${P}\npage:\n  title: ${T}\n"
    config = loaded(plain, {"P": "true", "T": "012"})
    assert config.agents.max_in_flight == 7
    assert config.blackbox is not None
    assert config.blackbox.private
    assert config.page.title == "012"


def test_keys_are_not_filled_in() -> None:
    assert "unknown key" in faults_of("${A}: 1\n", {"A": "probes"})[0]


@pytest.mark.parametrize(
    "text",
    [
        "page: {url: '${SECRET}'}\n",
        "log: {level: '${SECRET}'}\n",
        "listen: {public: '${SECRET}'}\n",
        "regions: {fra: {local: true, source_address: '${SECRET}'}}\n",
        "regions: {fra: {local: true, token: '${SECRET}'}}\n",
        "probes: [{name: '${SECRET}', tcp: {address: 'x:1'}}]\n",
        "probes: [{name: web, regions: ['${SECRET}'], tcp: {address: 'x:1'}}]\n",
        "probes: [{name: web, tcp: {address: 'x:1', banana: '${SECRET}'}}]\n",
        "probes: [{name: web, interval: '${SECRET}', tcp: '${SECRET}'}]\n",
        "probes: [{name: web, http: {url: '${SECRET}'}}]\n",
        "probes: [{name: web, dns: {name: x.example, type: '${SECRET}'}}]\n",
        "services: [{name: s, probes: ['${SECRET}'], up_when: '${SECRET}'}]\n",
        "services: [{name: s, probes: ['${SECRET}', '${SECRET}']}]\n",
        "contracts: [{name: c, service: '${SECRET}', claim: '${SECRET}', method: '${SECRET}'}]\n",
        "'${SECRET}'\n",
    ],
)
def test_no_fault_shows_what_came_from_the_environment(text: str) -> None:
    secret = "s3cr3t !/ that nobody may see"
    found = faults_of(text, {"SECRET": secret})
    assert found
    assert not [line for line in found if "s3cr3t" in line.lower() or "nobody" in line]


def test_no_suggestion_gives_away_what_came_from_the_environment() -> None:
    contract = "contracts: [{name: c, service: s, claim: '99%', window: '${X}'}]\n"
    assert "did you mean" not in str(faults_of(contract, {"X": "mont"}))
    for text in ("log: {level: '${X}'}\n", WEB + "services: [{name: s, probes: ['${X}']}]\n"):
        assert "did you mean" not in str(faults_of(text, {"X": "warnin"}) + faults_of(text, {"X": "wbe"}))


def test_credentials_are_blanked_in_every_message() -> None:
    assert without_credentials("no host in https://bob:hunter2@/x") == "no host in https://***@/x"


def test_credentials_in_a_url_are_blanked_in_faults() -> None:
    found = faults_of("probes: [{name: web, http: {url: 'https://bob:hunter2@x.example:99999/'}}]\n")
    assert "hunter2" not in str(found)


def test_a_token_from_the_environment_is_kept_only_as_its_hash() -> None:
    config = loaded("regions: {iad: {token: '${T}'}}\n" + WEB, {"T": LONG})
    assert len(config.regions[0].token_sha256[0]) == 64
    assert LONG not in repr(config)


def write(folder: Path, text: str, **secrets: bytes) -> Path:
    """Write a configuration and the files beside it."""
    for name, content in secrets.items():
        (folder / name).write_bytes(content)
    path = folder / "probes.yaml"
    path.write_text(text + WEB)
    return path


def test_a_secret_file_stands_for_the_secret_less_one_newline(tmp_path: Path) -> None:
    direct = loaded(f"regions: {{iad: {{token: [{LONG}, {LONG}2]}}}}\n" + WEB).regions
    text = "regions: {iad: {token_file: [old, new]}}\n"
    path = write(tmp_path, text, old=LONG.encode() + b"\n", new=LONG.encode() + b"2")
    assert load(path, {}).regions == direct
    path = write(tmp_path, text, old=LONG.encode() + b"\n\n", new=LONG.encode() + b"2")
    assert load(path, {}).regions != direct


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "1:29: regions.iad.token_file: cannot read the file: no such file or directory"),
        (b"", "the file is empty"),
        (b"\n", "the file is empty"),
        (b"\xff" * 20, "the file is not UTF-8 text"),
        (b"x" * 65_537, "the file is over 64KiB"),
        (b"short", "regions.iad.token: a token has at least 16 characters"),
    ],
)
def test_an_unusable_secret_file_is_one_fault(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = write(
        tmp_path, "regions: {iad: {token_file: tok}}\n", **({} if content is None else {"tok": content})
    )
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert len(caught.value.faults) == 1
    assert words in str(caught.value)


def test_a_secret_and_its_file_together_are_a_fault(tmp_path: Path) -> None:
    path = write(tmp_path, f"regions: {{iad: {{token: {LONG}, token_file: tok}}}}\n", tok=LONG.encode())
    with pytest.raises(ConfigError, match="both token and token_file"):
        load(path, {})


def test_file_keys_work_only_where_a_secret_may_stand(tmp_path: Path) -> None:
    found = faults_of("page: {title_file: x}\n")
    assert "page.title_file: unknown key" in found[0]


def test_variables_of_the_environment_win_over_the_file() -> None:
    environ = {
        "PROBER_LISTEN__PUBLIC": "[::1]:9000",
        "PROBER_AGENTS__MAX_IN_FLIGHT": "9",
        "PROBER_LOG__LEVEL": "debug",
        "PROBER_AGENT_TOKEN": LONG,
        "PROBER_UNKNOWN": "x",
        "prober_page__title": "Lower",
    }
    config = loaded("listen: {public: '127.0.0.1:1', internal: '127.0.0.1:2'}\n" + WEB, environ)
    assert (str(config.listen.public), str(config.listen.internal)) == ("[::1]:9000", "127.0.0.1:2")
    assert (config.agents.max_in_flight, config.log.level) == (9, "debug")


def test_a_bad_variable_is_named_and_not_shown() -> None:
    found = faults_of(WEB, {"PROBER_LOG__LEVEL": "s3cr3t", "PROBER_STORE__URL": "postgres://u:s3cr3t@h/d"})
    assert [line.split(":")[0] for line in found] == [
        "environment PROBER_LOG__LEVEL",
        "environment PROBER_STORE__URL",
    ]
    assert "s3cr3t" not in str(found)
    assert "JSON object" in faults_of(WEB, {"PROBER_LOG": "{broken"})[0]


def test_the_environment_names_the_file() -> None:
    assert config_path({}) == Path("probes.yaml")
    assert config_path({"PROBER_CONFIG": "/etc/prober/p.yaml"}) == Path("/etc/prober/p.yaml")
