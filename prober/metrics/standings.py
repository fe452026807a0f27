"""What probes, regions and services are at the moment: one line per subject, rewritten when its state changes."""

from __future__ import annotations

from collections.abc import Mapping

from prober.hub.verdict import State, probe_subject, region_subject, service_subject
from prober.hub.view import ProbeView, View

from .text import Family, gauge, labels

_UP = "1 when up or degraded, 0 when down, absent while unknown."
_STATE = "1 for the state that it is in, 0 for the others."

FAMILIES: tuple[Family, ...] = (
    gauge("prober_probe_info", "What a probe is: its kind, its group and the labels that its configuration gives it."),
    gauge("prober_probe_up", f"Whether the probe is up by the agreement of its regions: {_UP}"),
    gauge("prober_probe_state", f"State of the probe: {_STATE}"),
    gauge("prober_region_up", f"Whether a probe is up as one region sees it, failures confirmed: {_UP}"),
    gauge("prober_service_up", f"Whether the service is up, composed of its probes: {_UP}"),
    gauge("prober_service_state", f"State of the service: {_STATE}"),
)  # fmt: skip

_UP_VALUES = {State.UP: "1", State.DEGRADED: "1", State.DOWN: "0"}


class Standings:
    """The lines of one configuration's subjects, in its order."""

    def __init__(self, view: View) -> None:
        self._info = {name: _info(name, probe) for name, probe in view.probes.items()}
        self._probes: dict[str, str] = {}
        self._probe_states: dict[str, str] = {}
        self._regions: dict[str, str] = {}
        self._services: dict[str, str] = {}
        self._service_states: dict[str, str] = {}
        for name, probe in view.probes.items():
            self._set_probe(name, probe.state)
            for region_name, region in probe.regions.items():
                self._set_region(f"{name}@{region_name}", region.state)
        for name, service in view.services.items():
            self._set_service(name, service.state)
        self._setters = {"probe": self._set_probe, "region": self._set_region, "service": self._set_service}
        self._subjects = {
            *map(probe_subject, view.probes),
            *map(service_subject, view.services),
            *(
                region_subject(name, region)
                for name, probe in view.probes.items()
                for region in probe.regions
            ),
        }

    def set(self, subject: str, state: State) -> None:
        """Show another state; subjects that the configuration does not have are left out."""
        if subject in self._subjects:
            kind, _, name = subject.partition(":")
            self._setters[kind](name, state)

    def columns(self) -> tuple[tuple[Family, Mapping[str, str]], ...]:
        """Return each family with its lines."""
        lines = (
            self._info,
            self._probes,
            self._probe_states,
            self._regions,
            self._services,
            self._service_states,
        )
        return tuple(zip(FAMILIES, lines, strict=True))

    def _set_probe(self, name: str, state: State) -> None:
        own = labels({"probe": name})
        self._probes[name] = _up("prober_probe_up", own, state)
        self._probe_states[name] = _one_hot("prober_probe_state", own, state)

    def _set_region(self, name: str, state: State) -> None:
        probe, _, region = name.rpartition("@")
        self._regions[name] = _up("prober_region_up", labels({"probe": probe, "region": region}), state)

    def _set_service(self, name: str, state: State) -> None:
        own = labels({"service": name})
        self._services[name] = _up("prober_service_up", own, state)
        self._service_states[name] = _one_hot("prober_service_state", own, state)


def _up(name: str, own: str, state: State) -> str:
    value = _UP_VALUES.get(state)
    return "" if value is None else f"{name}{{{own}}} {value}\n"


def _one_hot(name: str, own: str, state: State) -> str:
    return "".join(f'{name}{{{own},state="{each.value}"}} {int(each is state)}\n' for each in State)


def _info(name: str, shown: ProbeView) -> str:
    probe = shown.probe
    own = {"probe": name, "kind": probe.kind, **({"group": probe.group} if probe.group else {})}
    return f"prober_probe_info{{{labels({**probe.labels, **own})}}} 1\n"
