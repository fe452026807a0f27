"""How many epochs are remembered: so many of each agent, and nobody's at the cost of others."""

from __future__ import annotations

import pytest
from support.scripted_agent import Chain, new_chain

from prober.hub import chains as chains_module
from prober.hub.chains import MAX_ASIDE, MAX_EPOCHS, Chains, Fate
from prober.store.base import Receipt
from prober.wire import SpoolState


def many(agent: str, epochs: int) -> list[Receipt]:
    return [Receipt(agent=agent, epoch=epoch, sequence=1, hash=b"h" * 32) for epoch in range(1, epochs + 1)]


def test_of_too_many_epochs_of_an_agent_the_one_that_moved_longest_ago_is_forgotten() -> None:
    chains = Chains()
    chains.restore(many("a", MAX_EPOCHS))
    chain = Chain("a", new_chain().key, epoch=1, sequence=1, previous=b"h" * 32)
    moved = chain.batch()
    chains.on_record(chains.advance(moved, b"i" * 32))
    chains.advance(Chain("a", chain.key, epoch=MAX_EPOCHS + 1).batch(), b"j" * 32)
    epochs = [position.epoch for position in chains.positions("a")]
    assert (epochs[0], epochs[1], len(epochs)) == (1, 3, MAX_EPOCHS - 1)


def test_a_complete_epoch_is_forgotten_before_one_of_which_more_may_come() -> None:
    chains, key = Chains(), new_chain().key
    chains.restore(many("a", MAX_EPOCHS))
    chain = Chain("a", key, epoch=MAX_EPOCHS + 1, previous=b"h" * 32, previous_epoch=5)
    chains.on_record(chains.advance(chain.batch(), b"j" * 32))
    epochs = [position.epoch for position in chains.positions("a")]
    assert epochs == [1, 2, 3, 4, *range(6, MAX_EPOCHS + 2)]


def test_many_epochs_of_one_agent_cost_no_other_its_chains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chains_module, "MAX_CHAINS", 10)
    chains = Chains()
    chains.restore([*many("b", 2), *many("a", MAX_EPOCHS + 5), *many("c", 3)])
    assert [len(chains.positions(agent)) for agent in ("a", "b", "c")] == [5, 2, 3]
    for epoch in range(1, MAX_ASIDE + 5):
        chains.put_aside("a", epoch)
    assert [len(chains.positions(agent)) for agent in ("a", "b", "c")] == [5, 2, 3]


def test_what_one_agent_has_aside_costs_no_other_its_notes() -> None:
    """After something was put aside an agent goes on in a new epoch, which names an end that is not on record."""
    chains, chain = Chains(), new_chain("a")
    taken = chain.batch()
    chains.on_record(chains.advance(taken, b"h" * 32))
    quiet = SpoolState(batches=0, results=0, bytes=0, oldest_us=0)
    after = Chain(
        "a", chain.key, epoch=chain.epoch + 1, previous=b"x" * 32, previous_epoch=chain.epoch, spool=quiet
    ).batch()
    assert chains.judge(after, b"i" * 32).fate is Fate.BROKEN
    chains.put_aside("a", taken.epoch)
    for epoch in range(MAX_ASIDE * 20):
        chains.put_aside("other", epoch)
    assert chains.judge(after, b"i" * 32).fate is Fate.NEXT
