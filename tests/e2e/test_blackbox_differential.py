"""The Debian blackbox exporter and ours, with the same modules, on the same misbehaving targets: they must agree.

Every sample that is no time is compared by name, labels and value, every phase by presence and by whether it is 0.
What differs must stand on the short list of reasons; the figures are printed.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from bench.rig import Missing, process, program, wait_for
from e2e.blackbox_differential.cases import CASES, SLOW, Case
from e2e.blackbox_differential.compare import EVERYWHERE, Difference, differences, read, reason_of
from e2e.blackbox_differential.targets import SLOW_US, Places, targets
from support.daemons import Daemon, daemon
from support.ports import free_port
from yarl import URL

TIMEOUT = "1s"
AT_ONCE = 4
ATTEMPTS = 5
Texts = dict[str, str]
Statuses = dict[tuple[str, str], tuple[int, bool | None]]
EDGES = (
    ("/probe", ""), ("/probe?target={http}/", ""), ("/probe?module=http_plain", ""),
    ("/probe?module=nobody&target={http}/", ""), ("/probe?module=http_plain&target=", ""),
    ("/probe?module=http_plain&target={http}/", "soon"), ("/probe?module=http_plain&target={http}/", "0"),
    ("/probe?module=http_plain&target={http}/", "1e1"), ("/probe?module=http_plain&target={http}/", "10"),
    ("/probe?module=http_hang&target={http}/hang", "0.8"), ("/probe?module=http_plain&target={http}/503", "2"),
    ("/probe?module=http_host_header&target={http}/echo&hostname=other.test", ""),
    ("/probe?module=http_host_header&target={http}/echo&hostname=shop.test", ""),
    ("/probe?module=tcp_connect&target={https_address}&hostname=localhost", ""),  # TLS is newer than 0.23
    ("/probe?module=http_https&target=https://{https_address}/&hostname=localhost", ""),
    ("/probe?module=http_plain&target={http}%2F", ""),
    ("/probe?module=http_plain&target={http}/&module=http_503&target={http}/503&extra=1", ""),
)  # fmt: skip

# Differences that single cases may have, by the reason that they name.
NAMED: dict[str, Callable[[Difference], bool]] = {
    "upper case scheme": lambda found: True,  # 0.23 takes HTTP:// for a host called HTTP
    "a head over 64 KiB": lambda found: True,  # theirs reads up to 10 MB of it
    "407 of a proxy": lambda found: found.name.startswith(
        "probe_http_"
    ),  # theirs takes it for the target's answer
}


def filled(value: Any, places: Places) -> Any:  # Any: as in blackbox.yml
    """Return options or a target with the names of places filled in."""
    if isinstance(value, str):
        for name, place in places.items():
            value = value.replace("{" + name + "}", place)
        return value
    if isinstance(value, dict):
        return {key: filled(each, places) for key, each in value.items()}
    return [filled(each, places) for each in value] if isinstance(value, list) else value


def module_file(folder: Path, places: Places) -> Path:
    """Write the one blackbox.yml (JSON is YAML) that both sides read."""
    modules = {
        case.name: {"prober": case.prober, "timeout": TIMEOUT}
        | ({case.prober: filled(case.options, places)} if case.options else {})
        for case in CASES
    }
    file = folder / "blackbox.yml"
    file.write_text(json.dumps({"modules": modules}))
    return file


async def ask(session: aiohttp.ClientSession, address: str, case: Case, places: Places) -> str:
    """Return the exposition of one case; asks again where we say that the machine kept us waiting (503)."""
    query = {"module": case.name, "target": filled(case.target, places)}
    for _ in range(ATTEMPTS):
        async with session.get(f"{address}/probe", params=query) as answer:
            text = await answer.text()
            if "agent_stalled" not in text:
                break
    assert answer.status == 200, (case.name, address, text)
    return text


async def ask_all(address: str, places: Places) -> Texts:
    """Return the exposition of every case, a few at once."""
    turn = asyncio.Semaphore(AT_ONCE)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:

        async def one(case: Case) -> tuple[str, str]:
            async with turn:
                return case.name, await ask(session, address, case, places)

        return dict(await asyncio.gather(*map(one, CASES)))


async def statuses(address: str, places: Places) -> Statuses:
    """Return what is answered to requests about the edges of the surface: the status, and whether a probe passed."""
    found: Statuses = {}
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
        for path, header in EDGES:
            headers = {"X-Prometheus-Scrape-Timeout-Seconds": header} if header else {}
            async with session.get(
                URL(f"{address}{filled(path, places)}", encoded=True), headers=headers
            ) as answer:
                text = await answer.text()
            passed = "\nprobe_success 1\n" in text if "\nprobe_success " in text else None
            found[path, header] = (answer.status, passed)
    return found


async def measures(running: Daemon) -> bool:
    """Say whether the daemon's worker has started."""
    return await running.code("/probe?module=icmp_loopback&target=127.0.0.1") == 200


async def both(folder: Path) -> tuple[Texts, Texts]:
    """Run both sides on the same targets; theirs first. What they say to odd requests has to be the same at once."""
    async with targets() as places:
        file = module_file(folder, places)
        listen = f"127.0.0.1:{free_port()}"
        with process(
            program("prometheus-blackbox-exporter"), f"--config.file={file}", f"--web.listen-address={listen}"
        ):
            await asyncio.to_thread(wait_for, f"http://{listen}/-/healthy")
            theirs = await ask_all(f"http://{listen}", places)
            refused = await statuses(f"http://{listen}", places)
        configuration = f'blackbox: {{file: "{file}", allow: ["*"], private: true}}\n'
        async with daemon(folder, configuration) as running:
            await running.until(measures)
            ours = await ask_all(running.internal, places)
            assert await statuses(running.internal, places) == refused
            return theirs, ours


def in_common(text: str, other: str) -> list[str]:
    """Return the samples and type lines of an exposition that the other has as well, without values, in order."""
    there = set(map(_key, other.splitlines()))
    return [key for key in map(_key, text.splitlines()) if key in there]


def _key(line: str) -> str:
    return " ".join(line.split(" ")[:3]) if line.startswith("#") else line.rpartition(" ")[0]


def waits(text: str) -> set[str]:
    """Return the phases of an HTTP run that lasted as long as a slow target waits."""
    return {
        dict(labels)["phase"]
        for (name, labels), value in read(text).items()
        if name == "probe_http_duration_seconds" and value >= SLOW_US / 1e6
    }


def judged(theirs: Texts, ours: Texts) -> tuple[Counter[str], int, list[str]]:
    """Return differences by reason, the number of samples compared, and the differences without a reason."""
    reasons: Counter[str] = Counter()
    bare: list[str] = []
    compared = 0
    for case in CASES:
        left, right = read(theirs[case.name]), read(ours[case.name])
        compared += len(left.keys() | right.keys())
        allowed = {**EVERYWHERE, **{reason: NAMED[reason] for reason in case.reasons}}
        for found in differences(case.prober, left, right):
            if (reason := reason_of(found, allowed)) is not None:
                reasons[reason] += 1
            else:
                pairs = ",".join(f"{key}={value}" for key, value in found.labels)
                bare.append(f"{case.name}: {found.name}{{{pairs}}}: theirs {found.theirs}, ours {found.ours}")
    return reasons, compared, bare


def test_the_exporter_and_we_agree_on_every_target(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        program("prometheus-blackbox-exporter")
    except Missing as problem:
        pytest.skip(str(problem))
    theirs, ours = asyncio.run(both(tmp_path))
    reasons, compared, bare = judged(theirs, ours)
    with capsys.disabled():
        print(
            f"\n{len(CASES)} cases, {compared} samples compared, {reasons.total()} differ for a known reason:"
        )
        for reason, count in reasons.most_common():
            print(f"  {count:4}  {reason}")
        print(f"  {len(bare):4}  without a reason")
    assert not bare, "\n".join(bare)
    for (
        case
    ) in CASES:  # what both sides have stands in the same order, and every family has its two lines ahead
        assert in_common(theirs[case.name], ours[case.name]) == in_common(ours[case.name], theirs[case.name])
    for name, phase in SLOW.items():  # the waiting is in the same phase, and in no other
        for side in (theirs, ours):
            assert waits(side[name]) == {phase}, (name, side is ours)
