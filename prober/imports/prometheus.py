"""A Prometheus scrape file: which targets go through which module of the blackbox exporter.

Jobs whose `metrics_path` is `/probe` count; the target comes to be `__param_target` by relabelling, as the exporter's
own documentation has it. Relabelling that does more is noted, not imitated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from prober.config.sources import Item, read_source

from .draft import Draft, Note, unread

_DISCOVERY = "_sd_configs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrape:
    """One target of one job. Durations as they are written, empty for Prometheus's own defaults."""

    job: str
    module: str
    target: str
    interval: str
    timeout: str
    labels: tuple[tuple[str, str], ...]
    hostname: str
    line: int


def read_scrapes(path: Path, draft: Draft) -> list[Scrape]:
    """Return the targets of a file; what cannot be followed is noted with that file's lines."""
    root = read_source(path)
    noted = Draft()
    found = list(_jobs(root, noted))
    draft.notes += [Note(note.line, note.text, str(path)) for note in noted.notes]
    return found


def _jobs(root: Item, draft: Draft) -> Iterator[Scrape]:
    defaults = root.get("global")
    interval = _text(defaults, "scrape_interval")
    timeout = _text(defaults, "scrape_timeout")
    jobs = root.get("scrape_configs")
    for job in jobs.each() if jobs is not None else ():
        if not _text(job, "metrics_path").endswith("/probe"):
            job.drop()  # scrapes something else than the exporter's probes
            continue
        yield from _targets(job, draft, interval, timeout)
        unread(draft, [job], "not carried over")


def _targets(job: Item, draft: Draft, interval: str, timeout: str) -> Iterator[Scrape]:
    name = _text(job, "job_name")
    params = job.get("params")
    modules = params.get("module") if params is not None else None
    module = modules.each()[0].text if modules is not None else "http_2xx"
    hostnames = params.get("hostname") if params is not None else None
    hostname = hostnames.each()[0].text if hostnames is not None else ""
    if params is not None and (debug := params.get("debug")) is not None:
        debug.drop()
    _relabelling(job, draft, name)
    for key in ("scheme", "scrape_protocols", "honor_labels", "honor_timestamps", "basic_auth", "tls_config",
                "authorization", "file_sd_configs", "metric_relabel_configs"):  # fmt: skip
        draft.drop(
            job.get(key), f"job {name}: {key}: concerns the exporter or its discovery, and is left behind"
        )
    for key, item in job.items():
        if key.endswith(_DISCOVERY):
            draft.drop(item, f"job {name}: {key}: discovered targets are not known here: list them as probes")
    every = _text(job, "scrape_interval") or interval
    limit = _text(job, "scrape_timeout") or timeout
    groups = job.get("static_configs")
    for group in groups.each() if groups is not None else ():
        labels, targets = group.get("labels"), group.get("targets")
        texts = tuple(labels.texts().items()) if labels is not None else ()
        for target in targets.each() if targets is not None else ():
            yield Scrape(job=name, module=module, target=target.text, interval=every, timeout=limit,
                         labels=texts, hostname=hostname, line=target.line)  # fmt: skip


def _relabelling(job: Item, draft: Draft, name: str) -> None:
    rules = job.get("relabel_configs")
    for rule in rules.each() if rules is not None else ():
        target = _text(rule, "target_label")
        sources = rule.get("source_labels")
        source = [each.text for each in sources.each()] if sources is not None else []
        plain = not any(rule.get(key) for key in ("regex", "action", "modulus", "separator"))
        known = (
            (target == "__param_target" and source == ["__address__"])
            or (target == "instance" and source in (["__param_target"], ["__address__"]))
            or (target == "__address__" and not source)
        )
        if not (plain and known):
            draft.note(
                rule,
                f"job {name}: a rule for {target or 'labels'} is not followed: check the probes it touches",
            )
        rule.drop()


def _text(item: Item | None, key: str) -> str:
    found = item.get(key) if item is not None else None
    return found.text if found is not None else ""
