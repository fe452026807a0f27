"""Types of single values in `blackbox.yml`: read as Go and the exporter take them, faults in our words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from checks.core.patterns import compiled
from checks.core.schema import Section, unusable
from checks.core.values import Secret
from prober.config.foreign import Plain

FOLDER = "folder"
"""Key of the validation context: where relative file names start."""
MAX_LIST = 1_000  # entries of one list or mapping
MAX_BYTES_LIMIT = 2**63 - 2  # the exporter's own clamp

_TRUE = frozenset({"y", "yes", "on", "true"})
_FALSE = frozenset({"n", "no", "off", "false"})
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9_]{0,17}|0x[0-9a-fA-F]{1,15}|0o?[0-7]{1,20})")
_DURATION = re.compile(r"[-+]?(?:([0-9]{1,12}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})(ns|us|µs|μs|ms|s|m|h))+")
_DURATION_PART = re.compile(r"([0-9.]+)(ns|us|µs|μs|ms|s|m|h)")
_UNITS_NS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_SIZE = re.compile(r"([-+]?)((?:[0-9]{1,12}(?:\.[0-9]{0,9})?(?:[KMGTPE]i?)?B)+)")
_SIZE_PART = re.compile(r"([0-9.]+)([KMGTPE]?)i?B")
_POWERS = {letter: 1024**power for power, letter in enumerate(["", *"KMGTPE"])}


class Block(Section):
    """A block of the file: unknown keys are errors, a key without a value is as good as absent."""

    @model_validator(mode="before")
    @classmethod
    def _without_nothing(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        known = {field.alias or name for name, field in cls.model_fields.items()}
        return {key: each for key, each in value.items() if each is not None or key not in known}


def _text(value: object) -> object:
    return str(value) if isinstance(value, Plain) else value


def _truth(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = value.lower() if isinstance(value, str) else ""
    if word in _TRUE | _FALSE and (isinstance(value, Plain) or word not in ("true", "false")):
        return word in _TRUE
    raise PydanticCustomError("bool_type", "expected true or false")


def maybe_truth(value: object) -> bool | None:
    """Return a truth value, None for anything that is not one."""
    try:
        return _truth(value)
    except PydanticCustomError:
        return None


def _whole(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, Plain) and _INTEGER.fullmatch(value):
        text = value.replace("_", "")
        octal = len(text.lstrip("+-")) > 1 and text.lstrip("+-").isdigit() and text.lstrip("+-")[0] == "0"
        return int(text, 8) if octal else int(text, 0)
    raise PydanticCustomError("int_type", "expected a whole number")


def _duration_us(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value  # micro-seconds: only from our own code, a file gives text
    if value == "0" and not isinstance(value, Plain):
        return 0
    if not isinstance(value, str) or not _DURATION.fullmatch(value):
        raise unusable("expected a duration such as 5s or 1m30s", "a unit is needed: 5 is written 5s")
    total = sum(round(float(count) * _UNITS_NS[unit]) for count, unit in _DURATION_PART.findall(value))
    if total > 2**63 - 1:
        raise unusable("a duration is at most 292 years")
    return (-total if value.startswith("-") else total) // 1000


def _size(value: object) -> int:
    """Read a size as the exporter does: powers of 1024 whatever the unit's name, negative and largest ones clamped."""
    if isinstance(value, int) and not isinstance(value, bool):
        size = value
    elif value == "0":
        return 0
    elif isinstance(value, str) and (match := _SIZE.fullmatch(value)):
        size = sum(int(float(count) * _POWERS[letter]) for count, letter in _SIZE_PART.findall(match[2]))
        size = -size if match[1] == "-" else size
    else:
        raise unusable("expected a size such as 1MB", "a unit is needed: 10 is written 10B")
    return MAX_BYTES_LIMIT if size < 0 or size > MAX_BYTES_LIMIT else size


def _pattern(text: str) -> str:
    compiled(text)
    return text


def _place(name: str, info: ValidationInfo) -> str:
    if "\0" in name:
        raise unusable("expected the path of a file")
    folder = (info.context or {}).get(FOLDER) if name else None
    return str(Path(str(folder)) / name) if folder else name


def _family(text: str) -> str:
    if text not in ("", "ip4", "ip6"):
        raise unusable("expected ip4 or ip6", "the exporter took anything else for ip4")
    return text or "ip6"


def _secret(value: object) -> object:
    return None if value == "" else _text(value)


Text = Annotated[str, BeforeValidator(_text)]
Truth = Annotated[bool, BeforeValidator(_truth)]
Whole = Annotated[int, BeforeValidator(_whole)]
DurationUs = Annotated[int, BeforeValidator(_duration_us)]
SizeLimit = Annotated[int, BeforeValidator(_size)]
Pattern = Annotated[Text, AfterValidator(_pattern)]
"""A regular expression (RE2), compiled once to see that it can be."""
FileName = Annotated[Text, AfterValidator(_place)]
"""A file; a relative name starts where the module file lies."""
Family = Annotated[Text, AfterValidator(_family)]
SecretText = Annotated[Secret, BeforeValidator(_text)]
MaybeSecret = Annotated[Secret | None, BeforeValidator(_secret)]
"""A secret, None where it is absent or empty."""
