"""The `regions` section: where checks run from, and who may report from there."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, StrictBool, model_validator

from checks.core.schema import Section
from checks.core.values import Secret

from .terms import Canary, IpAddress, Title, wrong

MIN_TOKEN_CHARACTERS = 16
MAX_TOKENS = 4  # the old and the new one while rotating, and a margin
MAX_CANARIES = 8


def _long_enough(token: Secret) -> Secret:
    if len(token.reveal()) < MIN_TOKEN_CHARACTERS:
        raise wrong(
            f"a token has at least {MIN_TOKEN_CHARACTERS} characters", "make one with: openssl rand -hex 32"
        )
    return token


Token = Annotated[Secret, AfterValidator(_long_enough)]


def _sha256(text: str) -> str:
    if not re.fullmatch("[0-9a-f]{64}", text):
        raise wrong("expected the SHA-256 of a token: 64 digits, 0-9 and a-f")
    return text


TokenHash = Annotated[str, AfterValidator(_sha256)]


class RegionBlock(Section):
    """One region, named by its key."""

    title: Title | None = None
    """The name that people see; the region's name if absent."""
    local: StrictBool = False
    """Checks run on this machine, in the daemon's own agent; no token is needed."""
    source_address: IpAddress | None = None
    """The address that checks of this region are sent from; the system chooses if absent."""
    canaries: Annotated[tuple[Canary, ...], Field(max_length=MAX_CANARIES)] = ()
    """Control targets outside your services. While none can be reached the region has no network, and its
    failures are void."""
    token: Token | Annotated[list[Token], Field(min_length=1, max_length=MAX_TOKENS)] | None = None
    """The secret that the region's agent shows to the hub; a list while rotating."""
    token_sha256: (
        TokenHash | Annotated[list[TokenHash], Field(min_length=1, max_length=MAX_TOKENS)] | None
    ) = None
    """The SHA-256 of the token in lower case hexadecimal, if the token itself should not be in this file."""

    @model_validator(mode="after")
    def _one_way_in(self) -> RegionBlock:
        has_token = self.token is not None or self.token_sha256 is not None
        if self.local and has_token:
            raise wrong("a local region takes no token", "remove the token, or local")
        if not self.local and not has_token:
            raise wrong(
                "neither local nor a token: nothing could report from here", "add local: true, or a token"
            )
        return self

    def token_hashes(self) -> tuple[str, ...]:
        """Return the SHA-256 of every accepted token, in hexadecimal."""
        tokens = self.token if isinstance(self.token, list) else [self.token] if self.token else []
        given = self.token_sha256
        hashes = given if isinstance(given, list) else [given] if given else []
        return tuple(dict.fromkeys([*(token.sha256() for token in tokens), *hashes]))
