"""The `unix` check: connect to a socket in the file system, on demand with TLS, and hold a dialogue."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from .core.check import Check, Options
from .core.dialogue import MAX_UNUSED_BYTES, Talk, make_ready
from .core.dialogue_steps import MAX_STEPS, Step, check_references
from .core.failures import Code, codes_of
from .core.link import Link
from .core.schema import unusable
from .core.thresholds import ConnectionLimits, check_limits
from .core.tls import TlsOptions, layer_for
from .core.unix_link import MAX_PATH_BYTES, connect_unix
from .core.values import SizeBytes
from .core.watch import Watch


class UnixOptions(Options):
    """A stream socket in the file system of the region's machine."""

    path: str
    """Absolute path of the socket."""
    tls: TlsOptions | None = None
    """Speak TLS, from the first byte or from a `starttls` step on: a block of TLS options, which needs a
    `server_name` unless `verify` is false (default: no TLS)."""
    dialogue: Annotated[tuple[Step, ...], Field(max_length=MAX_STEPS)] = ()
    """What to say and what to expect, step by step, as in `tcp`."""
    dialogue_limit: Annotated[SizeBytes, Field(ge=1, le=MAX_UNUSED_BYTES)] = MAX_UNUSED_BYTES
    """Bytes that may come without a match before the dialogue is broken off (`dialogue_limit`); at most 64KiB."""
    expect: ConnectionLimits = ConnectionLimits()
    """Limits on the time and on the certificate's days."""

    @field_validator("tls", mode="before")
    @classmethod
    def _in_short(cls, value: object) -> object:
        if isinstance(value, bool):
            return {} if value else None  # the former is told below what it lacks
        return value

    @field_validator("path")
    @classmethod
    def _usable(cls, value: str) -> str:
        if not value.startswith("/") or "\0" in value:
            raise unusable("the path is not absolute", "write /run/service.sock")
        if len(value.encode()) > MAX_PATH_BYTES:
            raise unusable(f"the path of a socket is at most {MAX_PATH_BYTES} bytes")
        return value

    @model_validator(mode="after")
    def _fits(self) -> UnixOptions:
        starts = sum(step.starttls is not None for step in self.dialogue)
        if starts > 1:
            raise unusable("the dialogue has more than one starttls step", "TLS within TLS is not spoken")
        if starts and self.tls is None:
            raise unusable("a starttls step needs tls", "tls: {server_name: db.example}")
        if self.tls is not None and self.tls.verify and self.tls.server_name is None:
            raise unusable("tls needs a server_name: a path is no name", "tls: {server_name: db.example}")
        check_references(self.dialogue)
        check_limits(self, speaks_tls=self.tls is not None)
        return self


class UnixCheck(Check[UnixOptions], kind="unix"):
    """Connects to a socket in the file system; says and hears what the dialogue says; closes."""

    phases = ("connect", "tls", "dialogue")
    codes = codes_of("connect", "tls", "connection", "dialogue") | {
        Code.CONNECT_MISSING,
        Code.TIMEOUT_SEND,
    }
    schemes = ("unix",)

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        """Return the options for `unix:/path` or `unix:///path`."""
        return {"path": "/" + url.partition(":")[2].lstrip("/")}

    def prepare(self) -> None:
        """Make the steps ready once."""
        options = self.options
        starts = any(step.starttls is not None for step in options.dialogue)
        self._tls_at_once = options.tls is not None and not starts
        self._acts = make_ready(options.dialogue, self._change_to_tls)

    @property
    def target(self) -> str:
        """The path."""
        return self.options.path

    async def look(self, watch: Watch) -> None:
        """Connect and talk; the link is closed on every way out."""
        link = await connect_unix(watch, self.options.path)
        try:
            if self._tls_at_once and not await self._change_to_tls(watch, link, False):
                return
            if self._acts and not await Talk(watch, link, self.options.dialogue_limit).hold(self._acts):
                return
        finally:
            link.close()
        self.options.expect.judge_time(watch)

    async def _change_to_tls(self, watch: Watch, link: Link, open_line: bool) -> bool:
        tls = self.options.tls or TlsOptions()
        layer = layer_for(tls, tls.server_name or "unix")
        await link.start_tls(layer, open_line=open_line)
        self.options.expect.judge_certificate(watch, layer.judge(watch))
        return not watch.failed
