"""Who gets which closed report, what is due, and how deliveries stand: both sides of every boundary."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.measured import APRIL, CONFIG, DAY_US, HOUR_US, MARCH, MAY, MINUTE_US, us

from prober.accounts.schedule import (
    GIVE_UP_US,
    LONGEST_US,
    MOST_ATTEMPTS,
    MOST_KNOWN,
    YOUNG_US,
    Sent,
    Target,
    by_customer,
    is_for,
    jobs,
    pause_us,
    standings,
    targets_of,
)
from prober.accounts.terms import contracts_of
from prober.config import Config, load_text
from prober.store.base import ClosedRow, DeliveryRow

MAIL = "mail: {server: 'smtp.example:587', from: reports@provider.example}\n"
CLOSED_US = APRIL + HOUR_US


def config(*deliveries: str) -> Config:
    """Return the configuration with these deliveries."""
    rows = "".join(f"    - {{{row}}}\n" for row in deliveries)
    return load_text(f"{CONFIG}{MAIL}reports:\n  deliver:\n{rows}", "probes.yaml", {})


def one(text: str) -> Target:
    """Return the only target of a delivery."""
    (target,) = targets_of(config(f"name: d, {text}"))
    return target


def row(contract: str = "gold", customer: str = "acme", revision: int = 1, **changes: int) -> ClosedRow:
    """Return a closed report of March, or of another time."""
    values = {"from_us": MARCH, "to_us": APRIL, "made_us": CLOSED_US + revision} | changes
    return ClosedRow(
        contract=contract, customer=customer, revision=revision, supersedes="", reason="watermark", body=b"",
        digest=f"{contract}.{customer}.{values['to_us']}.{revision}", **values,
    )  # fmt: skip


ALL = [row(), row(customer="beta"), row(customer=""), row("silver", "beta"), row("silver", "")]


def said(
    target: Target, state: str, attempts: int = 1, at_us: int = CLOSED_US, of: ClosedRow = ALL[0]
) -> Sent:
    """Return that a delivery has this state."""
    known = DeliveryRow(
        target=target.key, digest=of.digest, at_us=at_us, attempts=attempts, state=state, error=""
    )
    return {(target.key, of.digest): known}


def due(target: Target, rows: Sequence[ClosedRow], sent: Sent, now_us: int) -> list[str]:
    """Return the digests of what is due."""
    return [job.row.digest for job in jobs([target], by_customer(rows), sent, now_us)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("contracts: all, folder: x", [("gold", ""), ("silver", "")]),
        ("contracts: [silver], folder: x", [("silver", "")]),
        ("contracts: [gold], audience: customer, to: [boss@provider.example]", [("gold", "")]),
        ("customers: all, folder: x", [("gold", "acme"), ("gold", "beta"), ("silver", "beta")]),
        ("customers: [beta], folder: x", [("gold", "beta"), ("silver", "beta")]),
        ("customers: [beta], contracts: [silver], folder: x", [("silver", "beta")]),
        ("customers: all, contracts: [gold], folder: x", [("gold", "acme"), ("gold", "beta")]),
        ("customers: [acme], customer_email: true", [("gold", "acme")]),
        ("customers: [beta], customer_email: true", [("gold", "beta"), ("silver", "beta")]),
    ],
)
def test_a_target_gets_what_was_chosen(text: str, wanted: list[tuple[str, str]]) -> None:
    assert [(each.contract, each.customer) for each in ALL if is_for(one(text), each)] == wanted


def test_each_customer_is_written_to_at_their_own_addresses_only() -> None:
    found = targets_of(
        config("name: d, customers: all, customer_email: true, to: [boss@provider.example], folder: x")
    )
    assert [(each.key, sorted(each.customers)) for each in found] == [
        ("d mail:boss@provider.example", ["acme", "beta"]),
        ("d mail:sla@acme.example", ["acme"]),
        ("d mail:ops@beta.example", ["beta"]),
        ("d folder:x", ["acme", "beta"]),
    ]


def test_a_customer_who_is_gone_from_the_configuration_gets_nothing() -> None:
    assert not is_for(one("customers: all, folder: x"), row(customer="former"))


def test_one_address_of_two_customers_gets_the_reports_of_both() -> None:
    text = CONFIG.replace("ops@beta.example", "sla@acme.example")
    text += MAIL + "reports: {deliver: [{name: d, customers: all, customer_email: true}]}\n"
    (target,) = targets_of(load_text(text, "probes.yaml", {}))
    assert target.customers == {"acme", "beta"}


def test_pauses_grow_from_a_minute_to_six_hours_and_end_after_a_week() -> None:
    pauses = [pause_us(attempts) for attempts in range(1, MOST_ATTEMPTS)]
    assert pauses[:4] == [MINUTE_US, 2 * MINUTE_US, 4 * MINUTE_US, 8 * MINUTE_US]
    assert all(before <= after for before, after in pairwise(pauses))
    assert (pauses[-1], pause_us(10**9), pause_us(0)) == (LONGEST_US, LONGEST_US, 0)
    assert GIVE_UP_US <= sum(pauses) < GIVE_UP_US + LONGEST_US


@pytest.mark.parametrize(
    ("state", "attempts", "after_us", "is_due"),
    [
        ("waiting", 1, MINUTE_US - 1, False),
        ("waiting", 1, MINUTE_US, True),
        ("waiting", 3, 4 * MINUTE_US - 1, False),
        ("waiting", 3, 4 * MINUTE_US, True),
        ("waiting", 1, -1, True),  # a clock that was set back
        ("done", 1, DAY_US, False),
        ("failed", 1, DAY_US, False),
    ],
)
def test_what_failed_is_tried_again_after_its_pause(
    state: str, attempts: int, after_us: int, is_due: bool
) -> None:
    target = one("customers: [acme], folder: x")
    found = due(target, ALL, said(target, state, attempts), CLOSED_US + after_us)
    assert found == ([ALL[0].digest] if is_due else [])


def test_a_new_delivery_brings_no_flood_of_old_months() -> None:
    target = one("customers: [acme], folder: x")
    assert due(target, ALL, {}, APRIL + YOUNG_US - 1) == [ALL[0].digest]
    assert due(target, ALL, {}, APRIL + YOUNG_US) == []


def test_who_has_a_report_gets_every_later_revision_however_old_it_is() -> None:
    target = one("customers: [acme], folder: x")
    second, third = row(revision=2, made_us=APRIL + 80 * DAY_US), row(revision=3, made_us=APRIL + 90 * DAY_US)
    now_us = APRIL + 90 * DAY_US
    assert due(target, [*ALL, second], said(target, "done"), now_us) == [second.digest]
    assert due(target, [*ALL, second, third], said(target, "done"), now_us) == [third.digest]
    assert due(target, [*ALL, second, third], said(target, "failed"), now_us) == []
    first_only = one("customers: [acme], folder: x, revisions: first")
    assert due(first_only, [*ALL, second], said(first_only, "done"), now_us) == []


def test_of_what_was_never_sent_only_the_newest_revision_is() -> None:
    second = row(revision=2)
    for text, digest in (("", second.digest), (", revisions: first", ALL[0].digest)):
        target = one(f"customers: [acme], folder: x{text}")
        assert due(target, [*ALL, second], {}, CLOSED_US + DAY_US) == [digest]


def test_what_was_tried_least_comes_first() -> None:
    target = one("customers: all, folder: x")
    sent = said(target, "waiting", 5)
    assert due(target, ALL, sent, CLOSED_US + DAY_US) == [ALL[1].digest, ALL[3].digest, ALL[0].digest]


def test_where_the_store_tells_no_more_of_old_deliveries_nothing_is_sent_twice() -> None:
    target = one("customers: [acme], folder: x")
    old, new = row(made_us=CLOSED_US), row(contract="silver", made_us=CLOSED_US + 1)
    known = [
        DeliveryRow(target="other", digest=str(k), at_us=CLOSED_US + k, attempts=1, state="done", error="")
        for k in range(MOST_KNOWN)
    ]
    sent = {(each.target, each.digest): each for each in known}
    assert due(target, [old, new], sent, CLOSED_US + DAY_US) == [new.digest]
    del sent["other", "0"]
    assert due(target, [old, new], sent, CLOSED_US + DAY_US) == [old.digest, new.digest]


@given(st.lists(st.sampled_from(["acme", "beta", ""]), min_size=1, max_size=6), st.booleans())
def test_nobody_ever_gets_what_is_another_s(customers: list[str], to_folder: bool) -> None:
    rows = [row(contract=f"c{place}", customer=name) for place, name in enumerate(customers)]
    extra = ", folder: x" if to_folder else ""
    for target in targets_of(config(f"name: d, customers: all, customer_email: true{extra}")):
        for job in jobs([target], by_customer(rows), {}, CLOSED_US + DAY_US):
            assert job.row.customer in target.customers
            assert target.kind == "folder" or len(target.customers) == 1


def test_standings_tell_the_worst_the_last_and_what_comes_next() -> None:
    made = config("name: d, customers: [beta], folder: x")
    contracts = contracts_of(made)
    (target,) = targets_of(made)

    def standing(*deliveries: DeliveryRow, now_us: int = CLOSED_US + DAY_US):  # type: ignore[no-untyped-def]
        (found,) = standings(made, contracts, ALL, deliveries, now_us)
        return found

    def of(place: int, state: str, at_us: int = CLOSED_US, attempts: int = 1, error: str = "") -> DeliveryRow:
        return DeliveryRow(
            target=target.key,
            digest=ALL[place].digest,
            at_us=at_us,
            attempts=attempts,
            state=state,
            error=error,
        )

    found = standing()
    assert (found.state, found.delivered, found.waiting, found.last) == ("waiting", 0, 2, None)
    assert found.next_us == CLOSED_US + DAY_US
    found = standing(of(1, "done"), of(3, "done", CLOSED_US + 5))
    assert (found.state, found.delivered, found.waiting) == ("delivered", 2, 0)
    assert (found.last.contract, found.last.period, found.last.at_us) == ("silver", "2026-03", CLOSED_US + 5)
    assert found.next_us == MAY
    found = standing(of(1, "done"), of(3, "waiting", CLOSED_US + DAY_US, 2, "full"))
    assert (found.state, found.error, found.next_us) == (
        "waiting",
        "full",
        CLOSED_US + DAY_US + 2 * MINUTE_US,
    )
    found = standing(of(1, "failed", error="550 no"), of(3, "waiting", error="full"))
    assert (found.state, found.failed, found.waiting, found.error) == ("failed", 1, 1, "550 no")
    found = standing(now_us=us("2026-08-01T00:00"))
    assert (found.state, found.waiting, found.next_us) == ("nothing", 0, us("2026-09-01T00:00"))
