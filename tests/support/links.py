"""Links of an agent to whatever answers, for tests: addresses, open links, and the trouble there was instead."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from prober.agent.dial import HubAddress, LinkError
from prober.agent.link import Link, open_link

TOKEN = "a-token-of-a-region"


def address(url: str, ca_file: Path | None = None, proxy: str | None = None, **environ: str) -> HubAddress:
    given = environ | ({"http_proxy": proxy, "https_proxy": proxy} if proxy is not None else {})
    return HubAddress.of(url, TOKEN, ca_file, given)


@contextlib.asynccontextmanager
async def opened(hub: HubAddress, silence_seconds: float = 5.0) -> AsyncIterator[Link]:
    made = await open_link(hub, silence_seconds)
    try:
        yield made
    finally:
        await made.close()


async def trouble(hub: HubAddress) -> LinkError:
    with pytest.raises(LinkError) as caught:
        await open_link(hub)
    assert TOKEN not in repr(caught.value) + str(caught.value) + caught.value.hint
    return caught.value
