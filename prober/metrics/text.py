"""The two text formats, Prometheus 0.0.4 and OpenMetrics 1.0: families, labels, numbers. No metric by name here.

The formats differ in the name above a counter's samples and in the mark at the end, so that one cached sample
line serves both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

END = "# EOF\n"
"""Ends an OpenMetrics exposition; a reader takes one without it for truncated."""

RATIO_DIGITS = 9
"""Decimals of a ratio: what a double still tells apart near 1."""

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


@dataclass(frozen=True, slots=True)
class Family:
    """Samples of one name. `name` is that of the samples, with `_total` for a counter."""

    name: str
    kind: str
    help: str

    def header(self, openmetrics: bool) -> str:
        """Return the lines above the samples."""
        name = self.name.removesuffix("_total") if openmetrics and self.kind == "counter" else self.name
        return f"# HELP {name} {self.help}\n# TYPE {name} {self.kind}\n"


def gauge(name: str, text: str) -> Family:
    """Declare a gauge."""
    return Family(name, "gauge", text)


def counter(name: str, text: str) -> Family:
    """Declare a counter; its name ends in `_total`."""
    return Family(name, "counter", text)


def histogram(name: str, text: str) -> Family:
    """Declare a histogram."""
    return Family(name, "histogram", text)


def escaped(value: str) -> str:
    """Return a label value as it stands between quotes; what UTF-8 cannot carry becomes a question mark."""
    return value.translate(_ESCAPES).encode("utf-8", "replace").decode("utf-8")


def labels(pairs: Mapping[str, str]) -> str:
    """Return `name="value",...` without the braces."""
    return ",".join(f'{name}="{escaped(value)}"' for name, value in pairs.items())


def seconds(us: int) -> str:
    """Return micro-seconds as seconds, as Python writes a float."""
    return repr(us / 1e6)


def ratio(value: Fraction) -> str:
    """Return a ratio truncated toward zero, so that 1 is printed for exactly 1 only."""
    whole, decimals = divmod(value.numerator * 10**RATIO_DIGITS // value.denominator, 10**RATIO_DIGITS)
    return f"{whole}.{decimals:0{RATIO_DIGITS}}"
