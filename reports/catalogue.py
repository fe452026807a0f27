"""Message catalogues: one flat JSON file of texts a language, which anyone can add or change in a folder of their own.

A key that a language lacks falls back to English; a text whose `{placeholders}` differ from the English ones is an
error, as a value would go missing in the report. Not here: how numbers and dates are written (`words`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).parent / "languages"
BASE = "en"
"""The language that all others fall back to, key by key."""
MAX_BYTES = 1_000_000  # of one catalogue

PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_NAME = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")

FREE = {
    "format.date": {"day", "month", "month_name", "year"},
    "format.day_short": {"day", "month", "month_short"},
    "format.month": {"month", "month_name", "year"},
}
"""Messages that may choose among placeholders: languages differ in what a date has."""


class LanguageError(Exception):
    """A catalogue that cannot be used: what is wrong, where, and what to try."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message} (hint: {hint})")
        self.hint = hint


def languages(folder: Path | None = None) -> list[str]:
    """Return the languages there are, those of an extra folder included."""
    places = [FOLDER] if folder is None else [FOLDER, folder]
    return sorted(
        {path.stem for place in places for path in place.glob("*.json") if _NAME.fullmatch(path.stem)}
    )


def messages(language: str, folder: Path | None = None) -> dict[str, str]:
    """Return every message in a language: of the extra folder first, then ours, then English.

    `de-AT` falls back to `de` before English. Raises `LanguageError`.
    """
    if language not in languages(folder):
        known = ", ".join(languages(folder))
        raise LanguageError(f"there is no catalogue for the language {language!r}", f"there are: {known}")
    base = _read(FOLDER / f"{BASE}.json")
    found = dict(base)
    for name in _chain(language):
        found |= _own(name, folder, base)
    return found


def missing(language: str, folder: Path | None = None) -> list[str]:
    """Return the keys that a language takes from English because it lacks them."""
    base = _read(FOLDER / f"{BASE}.json")
    held = {key for name in _chain(language) for key in _own(name, folder, base)}
    return [] if language == BASE else [key for key in base if key not in held]


def faults(texts: Mapping[str, str], base: Mapping[str, str]) -> list[str]:
    """Name the keys that nothing asks for, and the texts whose placeholders differ from the English ones."""
    found = [f"unknown key {key}" for key in texts if key not in base]
    for key in [key for key in texts if key in base]:
        has, wants = set(PLACEHOLDER.findall(texts[key])), set(PLACEHOLDER.findall(base[key]))
        right = has <= FREE[key] if key in FREE else has == wants
        if not right:
            names = ", ".join(f"{{{name}}}" for name in sorted(FREE.get(key, wants))) or "none"
            found.append(f"{key} has other placeholders than {names}")
    return found


def _chain(language: str) -> list[str]:
    """Return the catalogues to lay over English, the most general first."""
    parts = language.split("-")
    names = ["-".join(parts[: length + 1]) for length in range(len(parts))]
    return [name for name in names if name != BASE or language == BASE]


def _own(name: str, folder: Path | None, base: Mapping[str, str]) -> dict[str, str]:
    """Return what a language says itself; nothing if it has no catalogue."""
    found: dict[str, str] = {}
    for place in [FOLDER] if folder is None else [FOLDER, folder]:
        path = place / f"{name}.json"
        if not path.is_file():
            continue
        texts = _read(path)
        if wrong := faults(texts, base):
            raise LanguageError(
                f"{path}: {'; '.join(wrong[:3])}", f"{len(wrong)} in all; compare with {BASE}.json"
            )
        found |= texts
    return found


def _read(path: Path) -> dict[str, str]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise LanguageError(f"{path} is too large", f"a catalogue has at most {MAX_BYTES} bytes")
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        problem = f"{path} cannot be read as a catalogue: {error}"
        raise LanguageError(problem, "it is one JSON object of texts, in UTF-8") from None
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        raise LanguageError(f"{path} is not a catalogue", "it is one JSON object whose values are all texts")
    return found
