"""The JSON Schema and the reference page say what the models say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.configs import COMPLETE

from checks.core.check import KINDS, load_kinds
from prober.config.document import render
from prober.config.schema import DIALECT, json_schema, plain_schema

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def fields(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every key that the schema knows."""
    for name, block in [("top", schema), *schema["$defs"].items()]:
        for key, field in block.get("properties", {}).items():
            yield f"{name}.{key}", field


def test_the_schema_is_json_of_the_named_dialect_and_closed() -> None:
    schema = json_schema()
    assert schema["$schema"] == DIALECT
    assert json.loads(json.dumps(schema)) == schema
    assert schema["additionalProperties"] is False


def test_every_reference_inside_the_schema_leads_somewhere() -> None:
    schema = json_schema()
    names = [part.split('"')[0] for part in json.dumps(schema).split('"#/$defs/')[1:]]
    assert names
    assert set(names) <= set(schema["$defs"])


def test_a_probe_takes_exactly_one_kind() -> None:
    probe = json_schema()["$defs"]["Probe"]
    assert probe["oneOf"] == [{"required": [kind]} for kind in sorted(load_kinds())]
    assert set(KINDS) <= set(probe["properties"])


def test_secrets_may_come_from_files() -> None:
    region = plain_schema()["$defs"]["RegionBlock"]["properties"]
    assert region["token_file"]["anyOf"][1]["type"] == "array"
    assert "title_file" not in region


def test_durations_are_shown_as_people_write_them() -> None:
    assert plain_schema()["$defs"]["AgentsBlock"]["properties"]["max_lag"]["default"] == "50ms"


def test_a_reference_to_the_environment_may_stand_for_a_number() -> None:
    field = json_schema()["$defs"]["AgentsBlock"]["properties"]["max_in_flight"]
    assert {"$ref": "#/$defs/Reference"} in field["anyOf"]


def test_every_key_of_the_example_is_in_the_schema() -> None:
    known = {path.rpartition(".")[2] for path, _ in fields(json_schema())}
    assert {"probes", "canaries", "up_when", "credits", "max_per_month", "behind_proxy", "announced"} <= known
    assert "shop-gold" in COMPLETE


def test_every_key_says_what_it_means() -> None:
    silent = [
        path for path, field in fields(plain_schema()) if "$ref" not in field and not field.get("description")
    ]
    assert silent == []


def test_the_reference_page_is_the_one_the_models_give() -> None:
    if PAGE.read_text() != render():
        pytest.fail("run: python -m prober.config.document > docs/configuration.md")
