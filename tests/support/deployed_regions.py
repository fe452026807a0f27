"""`deploy/regions` on loopback: its files in a folder, its hub and its agents as processes, asked how they fare.

Addresses and ports are the only things that are changed, the paces of the probes apart.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from support.deployed import PROBER, Held, held
from support.ports import free_port, serving

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
REGIONS = ("fra", "iad", "sin")
WAIT_SECONDS = 40.0
POLL_SECONDS = 0.1
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "regions" / "compose.yaml").read_text(encoding="utf-8"))


def image_variable(name: str) -> str:
    """Return what the image sets a variable to."""
    found = re.search(rf"\b{name}=(\S+)", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
    assert found is not None
    return found[1]


def mounts(service: str) -> dict[str, str]:
    """Return where in its container a service of the compose file finds which file or volume."""
    settings = COMPOSE["services"][service]
    bound = dict(reversed(text.split(":")[:2]) for text in settings["volumes"])
    kept = {f"/run/secrets/{name}": COMPOSE["secrets"][name]["file"] for name in settings.get("secrets", [])}
    return bound | kept


@dataclass(slots=True)
class Place:
    """A copy of the folder, in which secrets were made, and the ports that are used for it."""

    folder: Path
    agents_port: int = field(default_factory=free_port)
    public_port: int = field(default_factory=free_port)
    internal_port: int = field(default_factory=free_port)

    @property
    def hub(self) -> str:
        """Where agents reach the hub."""
        return f"https://localhost:{self.agents_port}"

    @property
    def internal(self) -> str:
        """The internal listener."""
        return f"http://127.0.0.1:{self.internal_port}"

    @property
    def hub_variables(self) -> dict[str, str]:
        """What `hub.env` says."""
        lines = (self.folder / "secrets" / "hub.env").read_text(encoding="utf-8").split()
        return dict(line.split("=", 1) for line in lines)

    def configure(self, target: tuple[str, int], more: Mapping[str, str] | None = None) -> None:
        """Write the configuration of the hub: the shipped one, on loopback, watching a target once a second."""
        text = (DEPLOY / "regions" / "probes.yaml").read_text(encoding="utf-8")
        watched = (
            f'probes:\n  - name: example-web\n    tcp: {{address: "{target[0]}:{target[1]}"}}\n\nservices:'
        )
        text = re.sub(r"^probes:.*^services:", watched, text, flags=re.MULTILINE | re.DOTALL)
        ours = {
            "0.0.0.0:8443": f"127.0.0.1:{self.agents_port}",
            "127.0.0.1:8080": f"127.0.0.1:{self.public_port}",
            "127.0.0.1:8081": f"127.0.0.1:{self.internal_port}",
            "interval: 30s": "interval: 1s",
            **(more or {}),
        }
        for shipped, own in ours.items():
            assert shipped in text, shipped
            text = text.replace(shipped, own)
        (self.folder / "probes.yaml").write_text(text, encoding="utf-8")

    async def regions(self, session: aiohttp.ClientSession) -> Any:  # Any: JSON
        """Return how regions fare; nothing while nobody answers."""
        with contextlib.suppress(aiohttp.ClientError, OSError):
            async with session.get(f"{self.internal}/api/v1/regions") as answer:
                return await answer.json()
        return {"regions": [], "troubles": []}

    async def until(self, holds: Callable[[Any], bool], *programs: Held) -> Any:  # Any: JSON
        """Wait until something holds of the regions; returns them. Raises AssertionError with the logs."""
        shown: Any = None
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
            try:
                async with asyncio.timeout(WAIT_SECONDS):
                    while not holds(shown := await self.regions(session)):  # noqa: ASYNC110  # only asking tells
                        await asyncio.sleep(POLL_SECONDS)
            except TimeoutError:
                logs = "\n".join(f"--- {each.path.name}\n{each.log[-3000:]}" for each in programs)
                raise AssertionError(f"{shown}\n{logs}") from None
        return shown


def copy(folder: Path) -> Path:
    """Put `deploy/regions` below a folder, as it is shipped; returns where it lies."""
    made = folder / "deploy" / "regions"
    shutil.copytree(DEPLOY / "regions", made, ignore=shutil.ignore_patterns("secrets"))
    return made


@contextlib.asynccontextmanager
async def target() -> AsyncIterator[tuple[str, int]]:
    """Listen where the probe of the configuration connects to."""

    async def take(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with serving(take) as address:
        yield address


@contextlib.asynccontextmanager
async def by_hand(
    place: Place, region: str, log: str = "", hub: str = "", **variables: str
) -> AsyncIterator[Held]:
    """Run an agent of a region with the token that was made for it, until the end of the block."""
    secrets = place.folder / "secrets"
    given = {
        "PROBER_AGENT_HUB": hub or place.hub,
        "PROBER_AGENT_REGION": region,
        "PROBER_AGENT_CA_FILE": str(secrets / "ca.pem"),
        "PROBER_AGENT_TOKEN_FILE": str(secrets / f"{region}.token"),
        "PROBER_AGENT_SPOOL": str(place.folder / f"spool-{log or region}"),
        **variables,
    }
    async with held(
        place.folder / f"{log or region}.log", *PROBER, "agent", folder=place.folder, environ=given
    ) as agent:
        yield agent


def agents(shown: Any) -> list[Any]:  # Any: JSON
    """Return the agents of all regions."""
    return [agent for region in shown["regions"] for agent in region["agents"]]


def up(shown: Any) -> list[str]:  # Any: JSON
    """Return the regions of which an agent is linked."""
    return [region["name"] for region in shown["regions"] if any(agent["up"] for agent in region["agents"])]


def seeing(shown: Any) -> list[str]:  # Any: JSON
    """Return the regions that see their probe up."""
    return [
        region["name"]
        for region in shown["regions"]
        if region["probes"] and all(probe["state"] == "up" for probe in region["probes"])
    ]
