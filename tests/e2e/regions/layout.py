"""Which hosts there are, at which addresses, what is probed how often, and the hub's configuration for it."""

from __future__ import annotations

from pathlib import Path

from support.certs import Authority

REGIONS = ("fra", "iad", "sin")
TARGETS = {
    f"198.51.100.{number}": name for number, name in enumerate(("web", "api", "shop", "slow"), start=1)
}
CANARIES = ("203.0.113.1", "203.0.113.2")
HUB = "192.0.2.1"
HOSTS = {
    "hub": (HUB,),
    **{region: (f"192.0.2.{number}",) for number, region in enumerate(REGIONS, start=11)},
    "targets": tuple(TARGETS),
    "canaries": CANARIES,
}
HTTP_PORT, AGENTS_PORT = 80, 8443
PUBLIC, INTERNAL = "127.0.0.1:8080", "127.0.0.1:8081"  # each host has a loopback of its own
INTERVALS_US = {"web": 1_000_000, "api": 1_000_000, "shop": 2_000_000, "slow": 20_000_000}
QUICK_US = 2_000_000
QUICK_PROBES = tuple(name for name, interval_us in INTERVALS_US.items() if interval_us <= QUICK_US)
TOKENS = {region: f"token-of-{region}-0123456789" for region in REGIONS}
CA_FILE = "agents-ca.pem"


def write_configuration(folder: Path, probes: tuple[str, ...]) -> None:
    """Make the folder with the hub's configuration and certificates: three remote regions, some of the targets."""
    folder.mkdir()
    authority = Authority(folder, "Prober test root")
    leaf = authority.issue(HUB)
    (folder / CA_FILE).write_bytes(authority.file.read_bytes())
    canaries = ", ".join(f'"tcp://{address}:{HTTP_PORT}"' for address in CANARIES)
    (folder / "probes.yaml").write_text(
        "regions:\n"
        + "".join(f'  {name}: {{token: "{TOKENS[name]}", canaries: [{canaries}]}}\n' for name in REGIONS)
        + "defaults: {timeout: 800ms, confirm: {retries: 1, after: 300ms}, recheck: 1s}\n"
        "agents: {max_lag: 1s}\n"  # the machine is busy with several worlds: what is late by a bit is not void
        "probes:\n"
        + "".join(_probe(name, address) for address, name in TARGETS.items() if name in probes)
        + "services:\n  - {name: shop, title: Shop, probes: [web, api, shop]}\n"
        f'listen: {{public: "{PUBLIC}", internal: "{INTERNAL}", agents: {{address: "{HUB}:{AGENTS_PORT}", '
        f'certificate: "{leaf.chain_file}", key: "{leaf.key_file}"}}}}\n'
    )


def _probe(name: str, address: str) -> str:
    interval = f"{INTERVALS_US[name] // 1_000_000}s"
    return f'  - {{name: {name}, interval: {interval}, http: {{url: "http://{address}:{HTTP_PORT}/"}}}}\n'
