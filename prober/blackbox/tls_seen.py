"""TLS of the drop-in: a module's TLS block as our own options, the handshake, and what the metrics tell of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from checks.core.failures import Code, Stop
from checks.core.link import Link
from checks.core.local import local_trouble
from checks.core.presented import Leaf, Presented, presented
from checks.core.tls import Handshake, TlsOptions, layer_for
from checks.core.watch import Watch

from .go_names import cipher_text, name_text, serial_text, version_text
from .sight import TlsSeen

if TYPE_CHECKING:
    from .modules import TlsConfig

_Version = Literal["1.0", "1.1", "1.2", "1.3"]
_NOTHING = Presented(Leaf(""), 0, None)
_VERSIONS = {"TLS10": "1.0", "TLS11": "1.1", "TLS12": "1.2", "TLS13": "1.3"}


async def secure(
    watch: Watch, link: Link, config: TlsConfig, host: str, protocols: tuple[bytes, ...] = ()
) -> TlsSeen:
    """Shake hands on an open link. Raises `Stop`, for a target that is not trusted as for a failed handshake."""
    options = tls_options(config)
    layer = layer_for(options, host, protocols)
    await link.start_tls(layer)
    layer.judge(watch)
    if watch.failed:
        raise Stop(Code.TLS_UNTRUSTED, "nothing is said to a target that is not trusted")
    return tls_seen(layer, options)


def tls_seen(handshake: Handshake, options: TlsOptions) -> TlsSeen:
    """Return what the metrics show of a completed handshake with a target that was accepted."""
    version, cipher = handshake.agreed
    shown = presented(handshake, options) or _NOTHING
    leaf = shown.leaf
    return TlsSeen(
        version=version_text(version),
        cipher=cipher_text(cipher),
        earliest_expiry=shown.earliest_expiry,
        last_chain_expiry=shown.last_expiry,
        fingerprint=leaf.sha256,
        subject=name_text(leaf.subject),
        issuer=name_text(leaf.issuer),
        names=",".join(leaf.dns_names),
        serial=serial_text(leaf.serial) if leaf.serial is not None else "",
    )


def tls_options(config: TlsConfig) -> TlsOptions:
    """Return a module's TLS block as our own options. Raises `Stop` when text in it cannot be made a file."""
    ca_file = _material(config, config.ca, config.ca_file)
    certificate = _material(config, config.cert, config.cert_file)
    key = _material(config, config.key.reveal() if config.key is not None else None, config.key_file)
    newest = cast("_Version | None", _VERSIONS.get(config.max_version))
    oldest = _VERSIONS.get(config.min_version, "1.2")
    return TlsOptions(
        verify=not config.insecure_skip_verify,
        ca_file=ca_file,
        certificate=certificate,
        key=key,
        server_name=config.server_name or None,
        min_version=cast("_Version", min(oldest, newest) if newest and not config.min_version else oldest),
        max_version=newest,
    )


def _material(config: TlsConfig, text: str | None, file: str | None) -> Path | None:
    if not text:
        return Path(file) if file else None
    try:
        return config.file_of(text)
    except OSError as error:
        code, words = local_trouble(error) or (Code.AGENT_FILE, (error.strerror or "").lower())
        raise Stop(code, f"cannot hold a certificate of the module in memory: {words}") from None
