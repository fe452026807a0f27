"""The ways to TLS for `starttls:`: what is said in the clear until the handshake can begin.

Text protocols come from `text_protocols.py`; here are those of bytes, where only the way to TLS is known.
"""

from __future__ import annotations

from typing import Literal

from .dialogue import Talk
from .failures import Code, Stop
from .quote import quoted
from .text_protocols import FTP, IMAP, POP3, Part, Protocol, read_bytes, smtp

StartTlsName = Literal["smtp", "imap", "pop3", "ftp", "ldap", "postgres", "mysql"]

_POSTGRES_ASKS = bytes.fromhex("00000008 04d2162f")  # length, and the number that stands for "TLS, please"
_LDAP_ASKS = bytes.fromhex("301d 020101 7718 8016") + b"1.3.6.1.4.1.1466.20037"
_LDAP_MESSAGE, _LDAP_ANSWER, _LDAP_ENUMERATED = 0x30, 0x78, 0x0A
_MYSQL_MAX = 4096  # bytes of the greeting
_MYSQL_TLS, _MYSQL_41, _MYSQL_SECURE = 0x0800, 0x0200, 0x8000  # capability flags


async def _postgres(talk: Talk) -> None:
    await talk.link.send(_POSTGRES_ASKS)
    answer = await read_bytes(talk, 1)
    if answer == b"N":
        raise Stop(Code.TLS_MISSING, "the target does not offer TLS")
    if answer != b"S":
        raise Stop(Code.DIALOGUE_MISMATCH, f"expected S or N, the target said {quoted(answer)}")


async def _ldap(talk: Talk) -> None:
    await talk.link.send(_LDAP_ASKS)
    message = await _element(talk, _LDAP_MESSAGE)
    at = message.find(bytes([_LDAP_ANSWER]), 3)
    result = message.find(bytes([_LDAP_ENUMERATED, 1]), at)
    if at < 0 or result < 0 or result + 2 >= len(message):
        raise Stop(Code.DIALOGUE_MISMATCH, f"no answer of LDAP: {quoted(message)}")
    if message[result + 2]:
        raise Stop(Code.TLS_MISSING, f"the target refuses StartTLS with result {message[result + 2]}")


async def _element(talk: Talk, tag: int) -> bytes:
    """Return the content of a BER element of at most 64 KiB."""
    first, length = await read_bytes(talk, 2)
    if first != tag:
        raise Stop(Code.DIALOGUE_MISMATCH, f"no message of LDAP: it begins with byte {first}")
    if length >= 0x80:
        octets = length & 0x7F
        if not 0 < octets <= 4:
            raise Stop(Code.DIALOGUE_MISMATCH, "a message of LDAP with a length that cannot be")
        length = int.from_bytes(await read_bytes(talk, octets), "big")
    if length > 8192:
        raise Stop(Code.DIALOGUE_LIMIT, f"a message of {length} bytes")
    return await read_bytes(talk, length)


async def _mysql(talk: Talk) -> None:
    size = int.from_bytes((await read_bytes(talk, 4))[:3], "little")
    if not 0 < size <= _MYSQL_MAX:
        raise Stop(Code.DIALOGUE_MISMATCH, f"no greeting of MySQL: a packet of {size} bytes")
    greeting = await read_bytes(talk, size)
    if greeting[0] == 0xFF:
        raise Stop(Code.DIALOGUE_MISMATCH, f"the target said {quoted(greeting[3:])}")
    _, ended, rest = greeting[1:].partition(b"\0")
    if greeting[0] != 10 or not ended or len(rest) < 15:
        raise Stop(Code.DIALOGUE_MISMATCH, f"no greeting of MySQL: {quoted(greeting)}")
    if not int.from_bytes(rest[13:15], "little") & _MYSQL_TLS:
        raise Stop(Code.TLS_MISSING, "the target does not offer TLS")
    flags = (_MYSQL_TLS | _MYSQL_41 | _MYSQL_SECURE).to_bytes(4, "little")
    await talk.link.send(b"\x20\0\0\x01" + flags + (2**24).to_bytes(4, "little") + b"\x21" + bytes(23))


PROTOCOLS: dict[StartTlsName, Protocol] = {
    "smtp": smtp(),
    "imap": IMAP,
    "pop3": POP3,
    "ftp": FTP,
    "ldap": Protocol(name="ldap", port=389, upgrade=Part("StartTLS", _ldap)),
    "postgres": Protocol(name="postgres", port=5432, upgrade=Part("SSLRequest", _postgres)),
    "mysql": Protocol(name="mysql", port=3306, upgrade=Part("SSLRequest", _mysql)),
}
"""By the name that stands in a configuration."""
