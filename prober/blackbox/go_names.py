"""How the exporter writes what a certificate and a handshake say: its forms of names, serials, versions, suites."""

from __future__ import annotations

from checks.core.presented import NameParts

_ORDER = (
    ("2.5.4.6", "C"),
    ("2.5.4.8", "ST"),
    ("2.5.4.7", "L"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.17", "POSTALCODE"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.3", "CN"),
    ("2.5.4.5", "SERIALNUMBER"),
)
_SINGLE = {"CN", "SERIALNUMBER"}  # of several the last one counts
_KNOWN = {oid for oid, _ in _ORDER}
_ESCAPED = frozenset(',+"\\<>;')
_PRINTABLE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 '()+,-./:=?")
_PRINTABLE_STRING, _UTF8_STRING = 0x13, 0x0C
_VERSIONS = {"TLSv1": "TLS 1.0", "TLSv1.1": "TLS 1.1", "TLSv1.2": "TLS 1.2", "TLSv1.3": "TLS 1.3"}
_CIPHERS = {
    "AES128": "AES_128",
    "AES256": "AES_256",
    "CAMELLIA128": "CAMELLIA_128",
    "CAMELLIA256": "CAMELLIA_256",
}
_EXCHANGES = ("ECDHE-ECDSA", "ECDHE-RSA", "DHE-RSA")


def name_text(name: NameParts) -> str:
    """Return a distinguished name: known parts grouped in a fixed order, the last first; unknown ones as hex."""
    parts = [f"{oid}=#{_der(value).hex()}" for oid, value in name if oid not in _KNOWN]
    for oid, short in _ORDER:
        values = [value for each, value in name if each == oid]
        values = values[-1:] if short in _SINGLE else values
        if any(values):
            parts.append("+".join(f"{short}={_escaped(value)}" for value in values))
    return ",".join(reversed(parts))


def serial_text(number: int) -> str:
    """Return a serial number as whole bytes in lower case hex, so that a leading zero stays."""
    return abs(number).to_bytes((abs(number).bit_length() + 7) // 8, "big").hex()


def version_text(openssl_name: str) -> str:
    """Return the protocol version."""
    return _VERSIONS.get(openssl_name, "unknown")


def cipher_text(openssl_name: str) -> str:
    """Return the suite's registered name."""
    if openssl_name.startswith("TLS_"):
        return openssl_name
    exchange = next((each for each in _EXCHANGES if openssl_name.startswith(f"{each}-")), None)
    rest = openssl_name.removeprefix(f"{exchange}-") if exchange else openssl_name
    return f"TLS_{(exchange or 'RSA').replace('-', '_')}_WITH_{_bulk(rest)}"


def _bulk(rest: str) -> str:
    if rest == "DES-CBC3-SHA":
        return "3DES_EDE_CBC_SHA"
    if rest == "CHACHA20-POLY1305":
        return "CHACHA20_POLY1305_SHA256"
    cipher, _, mode = rest.partition("-")
    known = _CIPHERS.get(cipher, cipher)
    return f"{known}_{mode.replace('-', '_')}" if mode.startswith(("GCM", "CCM")) else f"{known}_CBC_{mode}"


def _escaped(value: str) -> str:
    last = len(value) - 1
    return "".join(
        f"\\{sign}"
        if sign in _ESCAPED or (sign == " " and at in (0, last)) or (sign == "#" and at == 0)
        else sign
        for at, sign in enumerate(value)
    )


def _der(text: str) -> bytes:
    data = text.encode()
    tag = _PRINTABLE_STRING if set(text) <= _PRINTABLE else _UTF8_STRING
    if len(data) < 128:
        return bytes((tag, len(data))) + data
    length = len(data).to_bytes((len(data).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + data
