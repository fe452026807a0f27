"""Who is let in: a new name with its key, a known name with the same key in the same region, and nobody else."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from prober import wire
from prober.agent.keys import AgentKey, fingerprint
from prober.hub import enrolment as module
from prober.hub.enrolment import KEPT_AGENTS, Enrolment, Stranger
from prober.store.base import AgentRow
from prober.wire import Challenge, Hello

S = 1_000_000
NOW = 1_790_000_000 * S
KEY, OTHER = AgentKey.make(), AgentKey.make()


def challenge(region: str = "fra", nonce: bytes = b"n" * 32) -> Challenge:
    return Challenge(wire.VERSION, wire.OLDEST, b"store", region, nonce, NOW)


def hello(to: Challenge, name: str = "fra-1", key: AgentKey = KEY, **changes: Any) -> Hello:
    signature = key.sign(wire.hello_bytes(to.nonce, to.hub, to.region, name, key.public))
    right = Hello(wire.VERSION, wire.OLDEST, name, "1.2", key.public, signature, NOW)
    return msgspec.structs.replace(right, **changes)


def known(name: str = "fra-1", key: AgentKey = KEY, region: str = "fra", seen_us: int = NOW - S) -> AgentRow:
    return AgentRow(
        name=name, region=region, key=key.public, enrolled_us=NOW - 9 * S, seen_us=seen_us, software="1.1"
    )


def refused(of: Enrolment, to: Challenge, said: Hello) -> str:
    with pytest.raises(Stranger) as problem:
        of.admit(to, said, NOW)
    return str(problem.value)


def test_a_new_agent_is_known_by_the_key_that_it_came_with() -> None:
    row = Enrolment().admit(challenge(), hello(challenge()), NOW)
    assert row == AgentRow(
        name="fra-1", region="fra", key=KEY.public, enrolled_us=NOW, seen_us=NOW, software="1.2"
    )


def test_a_known_agent_keeps_its_key_and_when_it_came_first() -> None:
    row = Enrolment([known()]).admit(challenge(), hello(challenge()), NOW)
    assert (row.enrolled_us, row.seen_us, row.software) == (NOW - 9 * S, NOW, "1.2")


def test_a_known_name_with_another_key_is_refused_with_what_to_do() -> None:
    words = refused(Enrolment([known()]), challenge(), hello(challenge(), key=OTHER))
    assert fingerprint(KEY.public) in words
    assert fingerprint(OTHER.public) in words
    assert words.endswith("let the hub forget it: prober regions forget fra-1)")


def test_a_known_name_in_another_region_is_refused_even_with_its_own_key() -> None:
    to = challenge("iad")
    assert "is known in region fra, and its token is of iad" in refused(Enrolment([known()]), to, hello(to))


def test_once_forgotten_the_name_is_free_for_another_key() -> None:
    of = Enrolment([known()])
    assert (of.forget("fra-1"), of.forget("fra-1")) == (True, False)
    assert of.admit(challenge(), hello(challenge(), key=OTHER), NOW).key == OTHER.public


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("hub", "is the hub's own"),
        ("local-1", "is the hub's own"),
        ("local-", "is the hub's own"),
        ("", "not a name"),
        ("Fra", "not a name"),
        ("a b", "not a name"),
        ("../x", "not a name"),
        ("x" * 64, "not a name"),
        ("fra\n", "not a name"),
    ],
)
def test_names_that_mean_something_else_or_nothing_are_refused(name: str, words: str) -> None:
    assert words in refused(Enrolment(), challenge(), hello(challenge(), name))


@pytest.mark.parametrize("name", ["x" * 63, "hubble", "locals", "my.agent_1", "0"])
def test_other_names_are_taken(name: str) -> None:
    assert Enrolment().admit(challenge(), hello(challenge(), name), NOW).name == name


@pytest.mark.parametrize(
    "changes",
    [
        {"signature": b""},
        {"signature": b"s" * 64},
        {"key": OTHER.public},
        {"key": b""},
        {"key": KEY.public + b"x"},
        {"agent": "fra-2"},
    ],
)
def test_a_greeting_that_was_changed_is_refused(changes: dict[str, Any]) -> None:
    assert "is not by the key" in refused(
        Enrolment(), challenge(), msgspec.structs.replace(hello(challenge()), **changes)
    )


@pytest.mark.parametrize(
    "other",
    [challenge(nonce=b"m" * 32), challenge("iad"), msgspec.structs.replace(challenge(), hub=b"another")],
)
def test_a_greeting_meant_for_another_link_region_or_hub_is_refused(other: Challenge) -> None:
    assert "is not by the key" in refused(Enrolment(), challenge(), hello(other))


def test_what_an_agent_says_it_is_is_cut_to_what_can_be_shown() -> None:
    said = hello(challenge(), software="1.0\n\x1b[31m" + "x" * 100)
    assert Enrolment().admit(challenge(), said, NOW).software == "1.0[31m" + "x" * 33


def test_a_region_has_a_limit_and_others_are_not_held_up_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_AGENTS", 2)
    of = Enrolment([known("a", AgentKey.make()), known("b", AgentKey.make())])
    assert "2 agents are known in region fra" in refused(of, challenge(), hello(challenge()))
    to = challenge("iad")
    assert of.admit(to, hello(to, "iad-1"), NOW).region == "iad"


def test_of_many_agents_those_not_seen_for_long_may_be_forgotten_and_never_the_last_ones() -> None:
    rows = [known(f"a{number}", KEY, seen_us=number) for number in range(KEPT_AGENTS + 3)]
    assert Enrolment(rows).stale(before_us=2) == ["a0", "a1"]
    assert Enrolment(rows).stale(before_us=99) == ["a0", "a1", "a2"]
    assert Enrolment(rows[3:]).stale(before_us=10**9) == []
