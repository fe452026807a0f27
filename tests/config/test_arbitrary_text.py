"""Whatever stands in the file, loading ends in a Config or a ConfigError with a fault."""

from __future__ import annotations

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.configs import COMPLETE, ENVIRON

from prober.config import ConfigError, Fault, load_text

WORDS = st.sampled_from(
    [
        "probes", "regions", "services", "name", "tcp", "http", "address", "url", "token", "token_file", "method",
        "weighted", "weights", "up_when", "2 of 3", "all", "<<", "*a", "&a ", ": ", "\n", "\n  ", "\n- ", "- ", "{",
        "}", "[", "]", ", ", "'", '"', "${A}", "${", "$$", "99.9%", "012", "0o9", "1e5", "~", "null", "!!str ", "#",
        "|\n", ">-\n", "? ", "---\n", "...\n", "%YAML 1.2\n", "\t", "\u2028", "\ud7ff", "x",
    ]
)  # fmt: skip

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | WORDS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=20,
)


def load_or_fault(text: str) -> None:
    """Load; no other exception than ConfigError may come out, and it must hold a fault."""
    try:
        faults: tuple[Fault, ...] | None = load_text(text, "probes.yaml", ENVIRON) and None
    except ConfigError as error:
        faults = error.faults
    assert faults is None or faults


@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    load_or_fault(text)


@given(st.lists(WORDS, max_size=30).map("".join))
def test_any_heap_of_words_that_mean_something(text: str) -> None:
    load_or_fault(text)


SECTIONS = [
    "regions",
    "defaults",
    "probes",
    "services",
    "contracts",
    "customers",
    "maintenance",
    "blackbox",
    "store",
    "listen",
]


@given(st.dictionaries(st.sampled_from(SECTIONS), values, max_size=6))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_any_values_in_the_sections(document: dict[str, object]) -> None:
    load_or_fault(repr_yaml(document))


@given(st.integers(min_value=0, max_value=len(COMPLETE) - 1), st.integers(min_value=0, max_value=40), WORDS)
@settings(max_examples=300)
def test_the_example_with_a_piece_replaced(start: int, length: int, word: str) -> None:
    load_or_fault(COMPLETE[:start] + word + COMPLETE[start + length :])


@given(st.randoms(use_true_random=False))
def test_the_example_with_its_values_exchanged(source: random.Random) -> None:
    lines = COMPLETE.splitlines(keepends=True)
    first, second = source.randrange(len(lines)), source.randrange(len(lines))
    lines[first], lines[second] = lines[second], lines[first]
    load_or_fault("".join(lines))


def repr_yaml(value: object) -> str:
    """Write plain values as flow YAML."""
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{repr_yaml(str(key))}: {repr_yaml(item)}" for key, item in value.items()) + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(repr_yaml, value)) + "]"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return (
        {None: "null", True: "true", False: "false"}.get(value, str(value))
        if value in (None, True, False)
        else str(value)
    )
