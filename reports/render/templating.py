"""How templates are read, for reports and pages alike: escaped, strict, never looked at again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


def environment(folder: Path) -> Environment:
    """Return an environment over a folder of templates; the library is loaded now, not at a start."""
    from jinja2 import Environment as Made  # a tenth of a second that a start need not pay
    from jinja2 import FileSystemLoader, StrictUndefined

    return Made(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
