"""States of probes, regions and services as gauges."""

from __future__ import annotations

import pytest
from support.exposing import config_of, view_of
from support.samples import samples_of, value

from prober.hub.verdict import State
from prober.metrics import Exposition

UP = {State.UP: 1, State.DEGRADED: 1, State.DOWN: 0, State.UNKNOWN: None}
SUBJECTS = {
    "probe:web": ("prober_probe_up", {"probe": "web"}),
    "region:web@iad": ("prober_region_up", {"probe": "web", "region": "iad"}),
    "service:shop": ("prober_service_up", {"service": "shop"}),
}


def exposition() -> Exposition:
    view = view_of(config_of({"web": "http", "db": "tcp"}))
    made = Exposition(view, None)
    made.restructure(view)
    return made


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("state", State)
def test_up_is_one_for_degraded_too_and_absent_while_unknown(subject: str, state: State) -> None:
    made = exposition()
    made.state(subject, State.DOWN)
    made.state(subject, state)
    name, labels = SUBJECTS[subject]
    assert value(made, name, **labels) == UP[state]


@pytest.mark.parametrize("state", State)
def test_exactly_one_state_of_a_probe_and_of_a_service_is_one(state: State) -> None:
    made = exposition()
    made.state("probe:web", state)
    made.state("service:shop", state)
    for name, labels in (
        ("prober_probe_state", {"probe": "web"}),
        ("prober_service_state", {"service": "shop"}),
    ):
        assert {each: value(made, name, **labels, state=each) for each in State} == {
            each: int(each is state) for each in State
        }


def test_a_change_shows_for_its_subject_only() -> None:
    made = exposition()
    before = samples_of(made)
    made.state("probe:web", State.UP)
    changed = {
        labels
        for (name, labels), at in samples_of(made).items()
        if before.get((name, labels)) != at and not name.startswith("prober_hub")
    }
    assert {dict(labels)["probe"] for labels in changed} == {"web"}


def test_what_is_known_already_shows_from_the_start() -> None:
    """After a restart the hub restores its standings before the first result comes."""
    view = view_of(config_of({"web": "http"}))
    view.probes["web"].state = State.DOWN
    view.probes["web"].regions["iad"].state = State.DOWN
    view.services["shop"].state = State.DOWN
    made = Exposition(view, None)
    made.restructure(view)
    assert [value(made, name, **labels) for name, labels in SUBJECTS.values()] == [0, 0, 0]
