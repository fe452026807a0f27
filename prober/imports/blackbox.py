"""The blackbox exporter: modules of its `blackbox.yml`, and targets of a Prometheus file, to probes.

A module says how, a scrape job says what: a probe is made for each pair. What a module's keys become is told by
`blackbox_options.py`. `/probe` itself answers from the same file unchanged, without any import.
"""

from __future__ import annotations

from pathlib import Path

from checks.core.values import format_duration, parse_duration
from prober.blackbox.modules import Module, load_modules
from prober.config.sources import Item, read_source

from .blackbox_options import options_of
from .draft import Draft
from .prometheus import Scrape, read_scrapes

_INTERVAL, _TIMEOUT = "1m", "10s"  # Prometheus's own


def read_blackbox(file: Path, targets: Path | None, draft: Draft) -> None:
    """Read both files into the draft; ConfigError if one of them cannot be read."""
    modules = load_modules(file).modules
    root = read_source(file)
    below = root.get("modules")
    items = dict(below.items()) if below is not None else {}
    if targets is None:
        draft.note(
            1,
            "no targets: name the prometheus.yml that has them with --targets; modules alone make no probes",
        )
        return
    used: set[str] = set()
    for scrape in read_scrapes(targets, draft):
        module = modules.get(scrape.module)
        if module is None:
            draft.note(1, f"job {scrape.job}: no module {scrape.module}, so {scrape.target} is left out")
            continue
        first = scrape.module not in used
        used.add(scrape.module)
        _add(scrape, module, items[scrape.module], draft, notes=first)
    for name in modules.keys() - used:
        draft.note(items[name], f"module {name}: no target uses it, so it makes no probe")


def _add(scrape: Scrape, module: Module, item: Item, draft: Draft, *, notes: bool) -> None:
    kind, options = options_of(scrape, module, item, draft, notes=notes)
    if not kind:
        return
    timeout = _shorter(module.timeout_us, scrape.timeout or _TIMEOUT)
    labels = {key: draft.plain(value) for key, value in scrape.labels if key not in ("job", "instance")}
    draft.add(
        item.line,
        f"{scrape.job} {scrape.target}",
        kind,
        options,
        group=scrape.job,
        interval=scrape.interval or _INTERVAL,
        timeout=timeout,
        labels=labels,
        confirm={"retries": 0},  # the exporter has none
    )


def _shorter(module_us: int, scrape: str) -> str:
    """Return the timeout that holds: the module's, but never longer than Prometheus waits."""
    try:
        scrape_us = parse_duration(scrape)
    except ValueError:  # is told when the probe is checked
        return scrape
    return format_duration(min(module_us, scrape_us)) if module_us > 0 else scrape
