"""Reports as files: names, languages and formats, the same for the command line, the API and deliveries.

Here: which files a format has and what they are called. Not here: which reports (`accounts`), what is in them
(`reports.render`), nor where they go.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from prober.config import Config
from reports.document import ContractReport
from reports.render import FORMATS
from reports.render.speaker import Audience
from reports.words import load as load_words

ENGLISH = "en"
ZIP = "application/zip"
_ODD = re.compile(r"[^A-Za-z0-9._-]+")
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the first that an archive can state: the same files make the same bytes


@dataclass(frozen=True, slots=True)
class File:
    """One file to send: its name, its media type, its bytes."""

    name: str
    media_type: str
    data: bytes


def language_of(config: Config, customer: str | None) -> str:
    """Return the language that a customer's reports are written in."""
    for block in config.customers:
        if block.name == customer and block.language:
            return block.language
    return ENGLISH


def files_of(
    name: str,
    reports: Sequence[ContractReport],
    language: str,
    audience: Audience,
    folder: Path | None = None,
) -> Mapping[str, bytes]:
    """Return the files of one format by name, which all begin with `file_stem`; `folder` has further catalogues.

    Raises `catalogue.LanguageError` for a language that is not there, `MissingExtra` for a format that is not.
    """
    words = load_words(language, folder)
    made = FORMATS[name].render(reports, words, audience=audience)
    stem = file_stem(reports)
    if isinstance(made, dict):
        return {f"{stem}-{each}": data for each, data in made.items()}
    return {stem + FORMATS[name].suffix: made}


def file_of(
    name: str,
    reports: Sequence[ContractReport],
    language: str,
    audience: Audience,
    folder: Path | None = None,
) -> File:
    """Return one format as one file: several are packed. Raises as `files_of`."""
    files = files_of(name, reports, language, audience, folder)
    if len(files) == 1:
        ((own, data),) = files.items()
        return File(own, FORMATS[name].media_type, data)
    return File(f"{file_stem(reports)}-{name}.zip", ZIP, packed(files))


def packed(files: Mapping[str, bytes]) -> bytes:
    """Return files as a ZIP archive, the same bytes for the same files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def file_stem(reports: Sequence[ContractReport]) -> str:
    """Return a name for a file that holds these reports: contract or customer, and period.

    It bears a contract or a customer only if every report in it is of that one.
    """
    if not reports:
        return "report"
    contracts, customers = {each.contract for each in reports}, {each.customer for each in reports}
    first = reports[0]
    customer = first.customer if len(customers) == 1 else None
    if len(contracts) == 1:
        parts = [first.contract, *([customer] if customer else []), first.period.label]
    else:
        parts = [customer or "contracts", first.period.label]
    return _ODD.sub("-", "-".join(parts)).strip("-.") or "report"
