"""What the hub and its `/probe` worker tell each other, in msgpack over a socket pair."""

from __future__ import annotations

import msgspec

from .guard import Rules
from .sight import Line


class Load(msgspec.Struct, frozen=True, tag=True):
    """Use this module file, secrets in the clear, and these rules from now on."""

    name: str
    text: str
    rules: Rules


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The file is loaded: questions are answered at once from here on."""


class Ask(msgspec.Struct, frozen=True, tag=True):
    """Run a module once against a target. `timeout_us` is the whole run's."""

    number: int
    module: str
    target: str
    hostname: str
    timeout_us: int


class Told(msgspec.Struct, frozen=True, tag=True):
    """How a run went. `void`: own trouble, `code: words`; then `success` and the metrics mean nothing."""

    number: int
    success: bool
    metrics: str
    log: tuple[Line, ...] = ()
    void: str | None = None


Message = Load | Ready | Ask | Told
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Message)


def encode(message: Message) -> bytes:
    """Return the bytes of a message."""
    return _encoder.encode(message)


def decode(data: bytes) -> Message:
    """Return the message; raises msgspec.MsgspecError for anything else."""
    message: Message = _decoder.decode(data)
    return message
