"""Who an agent is: an Ed25519 key, made at the first start and kept in the spool's folder; the hub pins it.

The file holds both halves in PEM, so that a damaged one is noticed instead of becoming another identity.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from .errors import AgentError, reason
from .files import FOLDER_HINT, private_folder, write_private

FILE_NAME = "agent.key"
PUBLIC_BYTES = 32
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
"""Of agents, for both sides; those that match `HUBS_OWN` are the hub's."""
HUBS_OWN = re.compile(r"hub|local-.*")
MAX_FILE = 4096  # bytes; ours has about 230
_NEW = "restore it from a copy; or remove it, which makes a new agent of this one"
_RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)
_END = b"-----END PRIVATE KEY-----\n"


class AgentKey:
    """An agent's key. Its private half leaves this object in signatures only."""

    __slots__ = ("_private", "public")

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public: bytes = private.public_key().public_bytes(*_RAW)
        """32 bytes."""

    def __repr__(self) -> str:
        return f"AgentKey({self.fingerprint})"

    @classmethod
    def make(cls) -> AgentKey:
        """Return a new key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def load_or_make(cls, folder: Path) -> AgentKey:
        """Return the key of a folder, made if there is none; raises `AgentError`."""
        path = folder / FILE_NAME
        private_folder(folder)
        try:
            if not path.exists():
                write_private(path, _pem(Ed25519PrivateKey.generate()), replace=False)
            return cls(_read(path))
        except OSError as error:
            raise AgentError(
                f"cannot read or make the agent's key {path}: {reason(error)}", FOLDER_HINT
            ) from None

    @property
    def fingerprint(self) -> str:
        """The first 16 hexadecimal digits of the public half's SHA-256: what people compare."""
        return fingerprint(self.public)

    def sign(self, data: bytes) -> bytes:
        """Return the signature, 64 bytes."""
        return self._private.sign(data)


def fingerprint(public: bytes) -> str:
    """Return what people compare of a key."""
    return hashlib.sha256(public).hexdigest()[:16]


def verify(public: bytes, signature: bytes, data: bytes) -> bool:
    """Say whether the signature over the data is by the owner of a public key; False for what is no key too."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def default_name(region: str, public: bytes) -> str:
    """Return the name of an agent that was given none."""
    return f"{region}-{hashlib.sha256(public).hexdigest()[:8]}"


def _pem(private: Ed25519PrivateKey) -> bytes:
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _read(path: Path) -> Ed25519PrivateKey:
    with open(path, "rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        data = file.read(MAX_FILE)
    if mode & 0o077:
        raise AgentError(
            f"others may read the agent's key {path} (its mode is {mode:04o})",
            f"chmod 600 {path}; "
            "if somebody may have copied it, remove it: a new one is made, and the hub has to forget the old one",
        )
    first, end, second = data.partition(_END)
    try:
        private = serialization.load_pem_private_key(first + end, password=None)
        public = serialization.load_pem_public_key(second)
    except Exception:  # the library names no common class; its words might quote what it read
        raise AgentError(f"the agent's key {path} is damaged", _NEW) from None
    if not isinstance(private, Ed25519PrivateKey) or private.public_key() != public:
        raise AgentError(f"the agent's key {path} is damaged or of another kind", _NEW)
    return private
