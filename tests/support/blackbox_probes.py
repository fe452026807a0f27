"""One run of a drop-in prober in tests, and three helpers that look at its metrics by name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from checks.core.check import run_once
from checks.core.reactor import Reactor
from checks.core.resolver_config import ResolverConfig
from checks.core.watch import Place
from prober.blackbox.exposition import render
from prober.blackbox.guard import Gate, Guard, Rules
from prober.blackbox.make import make
from prober.blackbox.modules import Module, read
from prober.blackbox.sight import Sight

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run saw, its exposition, and the samples in it."""

    sight: Sight
    text: str
    samples: Mapping[tuple[str, Labels], float]

    @property
    def success(self) -> bool:
        """Whether the probe succeeded."""
        return self.sight.success

    def value(self, name: str, **labels: str) -> float:
        """Return the value of the sample with exactly these labels."""
        return self.samples[name, tuple(sorted(labels.items()))]

    def has(self, name: str) -> bool:
        """Say whether there is any sample of that name."""
        return any(each == name for each, _ in self.samples)

    def labels(self, name: str) -> list[dict[str, str]]:
        """Return the labels of every sample of that name."""
        return [dict(labels) for each, labels in self.samples if each == name]

    def said(self, words: str) -> bool:
        """Say whether some line of the log has these words."""
        return any(words in line.logfmt() for line in self.sight.log)


def gate_of(host: str, *configured: str) -> Gate:
    """Return what the guard makes of a run against a host, where only these hosts are configured."""
    guard = Guard(Rules(configured=configured))
    return guard.gate(host, guard.judge(host))


def module(prober: str, **options: object) -> Module:
    """Return a module with these options in the prober's block."""
    block = {"prober": prober, prober: options}
    return read(json.dumps({"modules": {"under_test": block}}, ensure_ascii=False), "blackbox.yml").modules[
        "under_test"
    ]


async def run_probe(
    under_test: Module,
    target: str,
    *,
    hostname: str | None = None,
    timeout_us: int = 5_000_000,
    resolver: ResolverConfig | None = None,
    refuses: Callable[[str], str | None] | None = None,
    gate: Gate | None = None,
) -> Ran:
    """Run a module against a target once, on a reactor of its own; `gate` is the guard's, in place of `refuses`."""
    import asyncio

    reactor = Reactor(asyncio.get_running_loop())
    try:
        refuses = refuses if gate is None else gate.refuses
        place = Place(reactor=reactor, timeout_us=timeout_us, resolver=resolver, refuses=refuses)
        probe = make(under_test, target, hostname)
        if gate is not None:
            probe.found = gate.found
        sight = probe.sight(await run_once(probe, place))
    finally:
        reactor.close()
    text = render(sight)
    return Ran(sight, text, samples_of(text))


def samples_of(text: str) -> dict[tuple[str, Labels], float]:
    """Read an exposition: name and labels, and the value."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
