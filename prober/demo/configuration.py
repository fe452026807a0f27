"""The demo's `probes.yaml`, as text, for the ports in use. Pure: nothing is opened or read here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from . import names
from .script import FRANKFURT, SINGAPORE, VIRGINIA, Service

Addresses = Mapping[Service, tuple[str, int]]

REGIONS = (("fra", "Frankfurt", FRANKFURT), ("iad", "Virginia", VIRGINIA), ("sin", "Singapore", SINGAPORE))

# A run and its retry, both timed out, fit in an interval (1.5 + 0.5 + 1.5 < 4 s), so that no slot is missed.
_PROBES = """\
defaults:
  interval: 4s
  timeout: 1500ms
  regions: all
  down_when: majority
  recheck: 1s
  confirm: {{retries: 1, after: 500ms}}
probes:
  - name: shop-web
    title: Web shop
    http:
      url: http://{shop_web}/
      expect: {{status: 2xx, body: {{contains: Basket}}, warn_within: 400ms}}
  - name: shop-cache
    title: Basket store
    tcp:
      address: "{shop_cache}"
      dialogue: [{{send: "PING\\r\\n"}}, {{expect: "^[+]PONG"}}]
  - name: catalogue
    title: Catalogue
    http:
      url: http://{catalogue}/
      expect: {{status: 2xx, body: {{contains: In stock}}}}
  - name: checkout
    title: Checkout
    http:
      url: https://{checkout}/
      tls: {{ca_file: {ca_file}}}
      expect: {{status: 2xx, certificate_days: 14}}
  - name: api
    title: Public API
    http:
      url: http://{api}/health
      expect: {{status: 200, json: {{"$.status": ok}}}}
  - name: mirror-europe
    title: Mirror in Europe
    http:
      url: http://{mirror_europe}/
      expect: {{status: 2xx}}
  - name: mirror-asia
    title: Mirror in Asia
    http:
      url: http://{mirror_asia}/
      expect: {{status: 2xx}}
  - name: mail
    title: Mail
    tcp:
      address: "{mail}"
      dialogue:
        - {{expect: "^220 "}}
        - {{send: "EHLO prober\\r\\n"}}
        - {{expect: "^250[ -]"}}
        - {{send: "QUIT\\r\\n"}}
  - name: names
    title: Names
    dns:
      name: {name}
      type: A
      server: "{names}"
      expect: {{any: ["{address}"]}}
services:
  - {{name: shop, title: Web shop, group: Commerce, probes: [shop-web, shop-cache], up_when: all}}
  - {{name: catalogue, title: Catalogue, group: Commerce, probes: [catalogue]}}
  - {{name: checkout, title: Checkout, group: Commerce, probes: [checkout]}}
  - {{name: api, title: Public API, group: Platform, probes: [api]}}
  - {{name: downloads, title: Downloads, group: Platform, probes: [mirror-europe, mirror-asia], up_when: all}}
  - {{name: names, title: Name service, group: Platform, probes: [names]}}
  - {{name: mail, title: Mail, group: Communication, probes: [mail]}}
"""


def configuration(folder: Path, ca_file: Path, addresses: Addresses, *, with_sources: bool) -> str:
    """Write a complete `probes.yaml`; the store goes to `folder`.

    `with_sources=False` leaves the regions' source addresses out, for systems where only 127.0.0.1 can be
    bound; the failure of one region alone cannot show there.
    """
    places = {service.name.lower(): f"{host}:{port}" for service, (host, port) in addresses.items()}
    probes = _PROBES.format(ca_file=_quoted(ca_file), name=names.NAME, address=names.ADDRESS, **places)
    database = json.dumps(f"sqlite:///{folder.resolve() / 'prober.db'}")
    return "\n".join(
        [
            "regions:",
            *(_region(region, with_sources) for region in REGIONS),
            probes,
            f"store: {{url: {database}}}\n",
        ]
    )


def _region(region: tuple[str, str, str], with_source: bool) -> str:
    name, title, address = region
    source = f', source_address: "{address}"' if with_source else ""
    return f"  {name}: {{title: {title}, local: true{source}}}"


def _quoted(path: Path) -> str:
    return json.dumps(str(path.resolve()))  # a JSON string is a YAML string, whatever the path holds
