"""docs/checks.md is made from the kinds, and lacks none of them, nor any option, phase or code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from checks.core.check import COMMON_CODES, KINDS, load_kinds
from checks.core.code_words import MEANINGS
from checks.core.failures import Code
from prober.config.checks_document import render

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "checks.md"
load_kinds()


def section(kind: str) -> str:
    """Return what the page says of a kind, and of the blocks that several have."""
    text = PAGE.read_text(encoding="utf-8")
    own = re.search(rf"^## `{kind}`$.*?(?=^## )", text, re.M | re.S)
    shared = re.search(r"^## Blocks of several kinds$.*?(?=^## )", text, re.M | re.S)
    assert own is not None
    assert shared is not None
    return own[0] + shared[0]


def models(annotation: Any) -> Iterator[type[BaseModel]]:  # Any: an annotation
    """Yield the models that an annotation names, however deep."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models(inner)


def options(model: type[BaseModel], seen: set[type[BaseModel]]) -> Iterator[str]:
    """Yield the names of all options of a model and of those inside it, as a file has them."""
    if model in seen:
        return
    seen.add(model)
    for name, field in model.model_fields.items():
        yield field.alias or name
        for inner in models(field.annotation):
            yield from options(inner, seen)


def test_the_page_is_what_the_program_says() -> None:
    if PAGE.read_text(encoding="utf-8") != render():
        pytest.fail("run: python -m prober.config.checks_document > docs/checks.md")


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_option_phase_and_code_of_a_kind_is_there(kind: str) -> None:
    text, check = section(kind), KINDS[kind]
    wanted = {*options(check.options_type, set()), *check.phases, *(code.value for code in check.codes)}
    assert [name for name in sorted(wanted) if f"`{name}`" not in text] == []


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_option_of_a_kind_has_a_meaning(kind: str) -> None:
    rows = [line for line in section(kind).splitlines() if line.startswith("| `")]
    assert [row for row in rows if row.rstrip().endswith("|  |")] == []


def test_every_code_is_explained_and_belongs_to_a_kind() -> None:
    claimed = COMMON_CODES.union(*(check.codes for check in KINDS.values()))
    assert set(MEANINGS) == set(Code)
    assert set(Code) - claimed == set()


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_has_an_example_that_a_test_runs(kind: str) -> None:
    assert (ROOT / "docs" / "examples" / f"{kind}.yaml").is_file()
    test = (ROOT / "tests" / "examples" / f"test_{kind}.py").read_text(encoding="utf-8")
    assert "def test_" in test
    assert "example" in test
