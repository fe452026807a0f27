"""A hub and three regions as `deploy/` and `docs/regions.md` say, run as processes on loopback."""

from __future__ import annotations

import hashlib
import re
import shutil
import stat
import subprocess
import sys
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path

import pytest
from bench.rig import Missing, process, program
from support.commands import environment, prober_beside
from support.deployed import PROBER, Held, can_contain, contained, held
from support.deployed_regions import (
    COMPOSE,
    DEPLOY,
    REGIONS,
    ROOT,
    Place,
    agents,
    by_hand,
    copy,
    image_variable,
    mounts,
    seeing,
    target,
    up,
)
from support.documents import blocks
from support.ports import free_port

README = DEPLOY / "README.md"
GUIDE = ROOT / "docs" / "regions.md"
DEADLINE_SECONDS = 60


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make certificates and tokens as the README says; gives the folder with them."""
    if shutil.which("openssl") is None:
        pytest.skip("missing component: openssl (hint: make e2e as root on Debian installs it)")
    folder = copy(tmp_path_factory.mktemp("made"))
    (commands,) = blocks(README, "Certificates and tokens")
    done = subprocess.run(
        ["sh", "-eu"],
        input=commands,
        cwd=folder.parent.parent,
        env=environment({"HUB": "localhost"}),
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "secrets/hub.pem: OK" in done.stdout
    return folder


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Place:
    """Return a copy of that folder, with ports of its own."""
    folder = copy(tmp_path)
    shutil.copytree(made / "secrets", folder / "secrets")
    return Place(folder)


def test_the_secrets_are_for_their_owner_and_the_hub_is_given_hashes_only(place: Place) -> None:
    secrets = place.folder / "secrets"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [secrets, *secrets.iterdir()]}
    assert modes["secrets"] == 0o700
    private = ["ca.key", "hub.key", *(f"{region}.token" for region in REGIONS)]
    assert [modes[name] for name in private] == [0o600] * len(private)
    for region in REGIONS:
        token = (secrets / f"{region}.token").read_text().strip()
        assert (
            place.hub_variables[f"{region.upper()}_TOKEN_SHA256"]
            == hashlib.sha256(token.encode()).hexdigest()
        )


def with_settings_of(place: Place, service: str, writable: Path) -> dict[str, str]:
    """Return the variables of a service of the compose file, with this machine's paths and ports in them."""
    paths = {inside: str(place.folder / file) for inside, file in mounts(service).items() if "/" in file}
    places = {
        "0.0.0.0:8080": f"127.0.0.1:{place.public_port}",
        "https://hub:8443": place.hub,
        "/var/lib/prober/": f"{writable}/",
        **paths,
    }
    settings = dict(COMPOSE["services"][service]["environment"])
    if service == "hub":
        settings |= place.hub_variables | {"PROBER_STORE__URL": image_variable("PROBER_STORE__URL")}
    else:
        settings["PROBER_AGENT_SPOOL"] = str(writable)  # in the image it is the folder that there is
    for shipped, own in places.items():
        settings = {name: text.replace(shipped, own) for name, text in settings.items()}
    return settings


async def start(running: AsyncExitStack, place: Place, service: str) -> Held:
    """Run a service of the compose file: contained, with one folder to write in."""
    writable = place.folder / f"volume-{service}"
    writable.mkdir()
    command = COMPOSE["services"][service].get("command") or [
        "run", "--config", str(place.folder / "probes.yaml")
    ]  # fmt: skip
    settings = with_settings_of(place, service, writable)
    log = place.folder / f"{service}.log"
    inside = contained(writable, *PROBER, *command)
    return await running.enter_async_context(held(log, *inside, folder=place.folder, environ=settings))


async def test_the_regions_of_the_compose_file_report_from_a_root_that_is_read_only(place: Place) -> None:
    if not can_contain():
        pytest.skip("missing: the right to make a mount namespace (hint: run make e2e as root)")
    async with target() as address, AsyncExitStack() as running:
        place.configure(address)
        programs = [await start(running, place, service) for service in ("hub", *REGIONS)]
        shown = await place.until(lambda now: seeing(now) == up(now) == list(REGIONS), *programs)
        assert [region["standing"] for region in shown["regions"]] == ["sound"] * len(REGIONS)
        named = [str(agent["name"]) for agent in agents(shown)]
        assert all(re.fullmatch(r"(fra|iad|sin)-[0-9a-f]{8}", name) for name in named)
        said = await prober_beside("regions", "--url", place.internal)
        assert said.code == 0, said.out + said.err
        assert all(f"{region}-" in said.out for region in REGIONS)
        for agent in programs[1:]:
            assert await agent.stop() == 0
            assert [line for line in troubles(agent) if "nobody listens there" not in line] == []
        assert {path.name for path in (place.folder / "volume-fra").iterdir()} >= {"agent.key", "spool.db"}


def troubles(program: Held) -> list[str]:
    """Return the lines of its log that are not only for information."""
    return [line for line in program.log.splitlines() if '"level":"info"' not in line]


def shell(place: Place, command: str) -> tuple[str, ...]:
    """Return how a line of a document is run: `prober` is this environment's, names and ports are loopback's."""
    for shown, own in {
        "hub.example.net:8443": f"localhost:{place.agents_port}",
        "prober ": f"exec {sys.executable} -m prober ",
    }.items():
        command = command.replace(shown, own)
    return "sh", "-euc", command


async def test_the_three_regions_of_the_guide_report(place: Place) -> None:
    """Its commands as they stand; what is copied to a machine is copied to a folder."""
    _, hub_command, given, agent_command = blocks(GUIDE, "Three regions in five minutes")
    files = re.findall(r"secrets/(\S+)", given)
    async with target() as address, AsyncExitStack() as running:
        place.configure(address)
        programs = []
        for region in REGIONS:
            folder = place.folder / f"machine-{region}"
            folder.mkdir()
            for name in files:
                shutil.copy(place.folder / "secrets" / name.replace("fra", region), folder)
            command = shell(place, agent_command.replace("fra", region))
            programs.append(await running.enter_async_context(held(folder / "log", *command, folder=folder)))
        hub = held(place.folder / "hub.log", *shell(place, hub_command), folder=place.folder)
        programs.append(await running.enter_async_context(hub))
        await place.until(lambda now: seeing(now) == list(REGIONS), *programs)
        assert all('"connected to the hub"' in agent.log for agent in programs[:-1])


async def test_a_token_is_replaced_without_a_gap(place: Place) -> None:
    """Old and new are good at the same time; the old one ends its link when it is taken out, and opens none."""
    new = "f" * 64
    both = [place.hub_variables["FRA_TOKEN_SHA256"], hashlib.sha256(new.encode()).hexdigest()]
    (place.folder / "new.token").write_text(new + "\n")
    (place.folder / "new.token").chmod(0o600)
    shipped = '"${FRA_TOKEN_SHA256}"'
    async with target() as address, AsyncExitStack() as running:
        place.configure(address, {shipped: str(both)})
        hub = await running.enter_async_context(run_hub(place))
        old = await running.enter_async_context(by_hand(place, "fra", "old"))
        token = str(place.folder / "new.token")
        renewed = await running.enter_async_context(
            by_hand(place, "fra", "renewed", PROBER_AGENT_TOKEN_FILE=token)
        )
        await place.until(lambda now: sum(agent["up"] for agent in agents(now)) == 2, hub, old, renewed)
        place.configure(address, {shipped: str(both[1:])})
        hub.reload()
        shown = await place.until(
            lambda now: sum(agent["up"] for agent in agents(now)) == 1, hub, old, renewed
        )
        linked = next(agent["fingerprint"] for agent in agents(shown) if agent["up"])
        assert str(linked) in renewed.log
        await place.until(lambda _now: "does not know this token" in old.log, hub, old)
        assert '"lost the hub"' not in renewed.log


def run_hub(place: Place) -> AbstractAsyncContextManager[Held]:
    command = (*PROBER, "run", "--config", str(place.folder / "probes.yaml"))
    return held(place.folder / "hub.log", *command, folder=place.folder, environ=place.hub_variables)


def nginx_configuration(place: Place, port: int) -> Path:
    """Return a configuration of nginx around what the README shows."""
    (shown,) = blocks(README, "Behind a reverse proxy", "nginx")
    location = shown.replace("127.0.0.1:8443", f"127.0.0.1:{place.agents_port}")
    path, secrets = place.folder / "nginx.conf", place.folder / "secrets"
    path.write_text(f"""
        worker_processes 1; pid {place.folder}/nginx.pid; error_log {place.folder}/nginx.log;
        events {{ worker_connections 64; }}
        http {{ access_log off; client_body_temp_path {place.folder}/body; proxy_temp_path {place.folder}/proxy;
          server {{ listen 127.0.0.1:{port} ssl; server_name localhost;
            ssl_certificate {secrets}/hub.pem; ssl_certificate_key {secrets}/hub.key;
            {location} }} }}
    """)
    return path


async def test_nginx_carries_links_as_the_readme_shows(place: Place) -> None:
    try:
        nginx = program("nginx")
    except Missing as problem:
        pytest.skip(str(problem))
    (listen,) = blocks(README, "Behind a reverse proxy", "yaml")
    behind = re.search(r"agents: (.+)", listen)
    assert behind is not None
    port = free_port()
    async with target() as address, AsyncExitStack() as running:
        own = behind[1].replace("8443", str(place.agents_port))
        direct = f'{{address: "127.0.0.1:{place.agents_port}", certificate: secrets/hub.pem, key: secrets/hub.key}}'
        place.configure(address, {direct: own})
        hub = await running.enter_async_context(run_hub(place))
        running.enter_context(
            process(nginx, "-c", str(nginx_configuration(place, port)), "-g", "daemon off;")
        )
        agent = await running.enter_async_context(by_hand(place, "fra", hub=f"https://localhost:{port}"))
        await place.until(lambda now: seeing(now) == ["fra"], hub, agent)
