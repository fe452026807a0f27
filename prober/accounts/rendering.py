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
    """Return the files of one format by name; `folder` has further catalogues.

    Raises `catalogue.LanguageError` for a language that is not there, `MissingExtra` for a format that is not.
    """
    words = load_words(language, folder)
    made = FORMATS[name].render(reports, words, audience=audience)
    if isinstance(made, dict):
        return made
    return {file_stem(reports) + FORMATS[name].suffix: made}


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
    """Return a name for a file that holds these reports: contract or customer, and period."""
    if not reports:
        return "report"
    contracts = {report.contract for report in reports}
    first = reports[0]
    what = first.contract if len(contracts) == 1 else first.customer or "contracts"
    parts = [what, first.period.label]
    if len(contracts) == 1 and first.customer:
        parts.insert(1, first.customer)
    return _ODD.sub("-", "-".join(parts)).strip("-.") or "report"
