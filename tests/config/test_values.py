"""Durations, sizes and secrets of the configuration."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from checks.core.values import (
    MAX_DURATION_US,
    DurationUs,
    Secret,
    SecretView,
    SizeBytes,
    format_duration,
    parse_duration,
    parse_size,
)


class Sample(BaseModel):
    wait: DurationUs = 0
    size: SizeBytes = 0
    password: Secret | None = None
    tokens: list[Secret] = []


@pytest.mark.parametrize(
    ("text", "duration_us"),
    [
        ("0s", 0),
        ("1us", 1),
        ("800ms", 800_000),
        ("30s", 30_000_000),
        ("5m", 300_000_000),
        ("1h30m", 5_400_000_000),
        ("2d1ms", 172_800_001_000),
        ("90m", 5_400_000_000),
        ("36500d", MAX_DURATION_US),
    ],
)
def test_a_duration_is_read_exactly(text: str, duration_us: int) -> None:
    assert Sample.model_validate({"wait": text}).wait == duration_us


@pytest.mark.parametrize(
    "value", ["", "0", "30", 30, 30.0, True, None, "1 s", "1.5s", "-1s", "1s1h", "1m1m", "5min", "٣s", "s"]
)
def test_what_is_not_a_duration_is_refused_with_examples(value: object) -> None:
    with pytest.raises(ValidationError, match="expected a duration such as 30s, 5m or 1h30m"):
        Sample.model_validate({"wait": value})


def test_a_duration_over_a_hundred_years_is_refused() -> None:
    with pytest.raises(ValueError, match="at most"):
        parse_duration("36500d1us")


@given(st.integers(min_value=0, max_value=MAX_DURATION_US))
def test_every_duration_survives_the_way_to_text_and_back(duration_us: int) -> None:
    assert parse_duration(format_duration(duration_us)) == duration_us
    dumped = Sample(wait=format_duration(duration_us)).model_dump(mode="json")
    assert Sample.model_validate(dumped).wait == duration_us


@pytest.mark.parametrize(
    ("text", "size"), [("0B", 0), ("10MB", 10_000_000), ("64KiB", 65_536), ("1 GiB", 2**30), ("5kB", 5_000)]
)
def test_a_size_is_read_exactly(text: str, size: int) -> None:
    assert parse_size(text) == size
    assert Sample.model_validate(Sample(size=text).model_dump(mode="json")).size == size


@pytest.mark.parametrize("value", ["", "64", 64, "64K", "1.5MB", "-1B", "64kib", "9999999GiB"])
def test_what_is_not_a_size_is_refused(value: object) -> None:
    with pytest.raises(ValidationError, match="a size"):
        Sample.model_validate({"size": value})


def test_a_secret_shows_nowhere_unless_asked_for() -> None:
    sample = Sample(password="hunter2", tokens=["swordfish"])
    shown = [
        repr(sample),
        str(sample),
        sample.model_dump_json(),
        str(sample.model_dump()),
        str(sample.model_dump(mode="json")),
    ]
    shown += [f"{sample.password}", "%s" % sample.password, str(sample.model_json_schema())]  # noqa: UP031
    assert not [text for text in shown if "hunter2" in text or "swordfish" in text]
    assert sample.password is not None
    assert sample.password.reveal() == "hunter2"


def test_a_dump_for_the_agent_reveals_secrets_and_reads_back_equal() -> None:
    sample = Sample(password="hunter2", tokens=["swordfish"], wait="3s")
    assert Sample.model_validate(sample.model_dump(mode="json", context=SecretView.REVEAL)) == sample


def test_a_dump_for_digests_holds_the_hash_of_a_secret() -> None:
    secret = Secret("hunter2")
    dumped = Sample(password=secret).model_dump(mode="json", context=SecretView.DIGEST)
    assert dumped["password"] == secret.sha256() != "hunter2"


def test_secrets_compare_by_content_and_survive_copies() -> None:
    assert Secret("a") == Secret("a") == copy.deepcopy(Secret("a")) == pickle.loads(pickle.dumps(Secret("a")))
    assert Secret("a") != Secret("b")
    assert len({Secret("a"), Secret("a")}) == 1


@pytest.mark.parametrize("value", ["", 5, None, ["a"], "x" * 65_537])
def test_an_unusable_secret_is_refused_without_showing_it(value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        Sample.model_validate({"tokens": [value]})
    assert "secret" in caught.value.errors()[0]["msg"]
