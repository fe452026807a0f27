"""The agent reads `body_file` of the http check at each run; other `*_file` keys are read with the configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from prober.config import load_text
from prober.config.faults import ConfigError
from prober.config.schema import json_schema

PROBE = """\
probes:
  - name: shop-web
    http: {url: "https://shop.example/", method: POST, %s}
"""


def test_the_path_of_a_body_stays_a_path() -> None:
    config = load_text(PROBE % "body_file: /does/not/exist", "probes.yaml", {})
    assert config.probes[0].options.body_file == Path("/does/not/exist")


def test_the_file_of_another_secret_is_read_at_once() -> None:
    secret = 'auth: {oauth2: {token_url: "https://id.example/", client_id: me, client_secret_file: /does/not/exist}}'
    with pytest.raises(ConfigError, match="cannot read the file"):
        load_text(PROBE % secret, "probes.yaml", {})


def test_the_schema_says_so() -> None:
    described = [
        block["properties"]["body_file"]["description"]
        for block in json_schema()["$defs"].values()
        if {"body_file", "redirects"} <= set(block.get("properties", {}))
    ]
    assert any("read anew for each run" in each for each in described)
