"""What a plain YAML scalar means: the core schema of YAML 1.2, nothing else.

`yes` stays text, `012` is 12, `0o17` is 15, `1:30` and dates are text.
"""

from __future__ import annotations

import math
import re

MAX_NUMBER_CHARACTERS = 40  # enough for 128 bits; longer digits are a mistake or an attack

_WORDS: dict[str, object] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_NUMBER_STARTS = frozenset("+-.0123456789")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def core_scalar(text: str) -> object:
    """Return None, a bool, an int, a float or the text itself; ValueError for a number we do not hold."""
    if text[:1] not in _NUMBER_STARTS:
        return _WORDS.get(text, text)
    if _NOT_FINITE.fullmatch(text):
        raise ValueError("not a finite number")
    if not (integer := _INTEGER.fullmatch(text)) and not (based := _BASED.fullmatch(text)):
        return _float(text) if _FLOAT.fullmatch(text) else text
    if len(text) > MAX_NUMBER_CHARACTERS:
        raise ValueError("too many digits")
    return int(text) if integer else int(text, 0) if based else text


def _float(text: str) -> float:
    number = float(text) if len(text) <= MAX_NUMBER_CHARACTERS else math.inf
    if not math.isfinite(number):
        raise ValueError("too many digits")
    return number
