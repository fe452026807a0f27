"""Reports as files: names that say what is inside, archives of several, and the reader's language."""

from __future__ import annotations

import io
import zipfile

import msgspec
import pytest
from support.configs import COMPLETE, loaded
from support.report_samples import SAMPLES

from prober.accounts.rendering import ZIP, file_of, file_stem, files_of, language_of, packed
from reports.catalogue import LanguageError


def test_a_file_is_named_after_contract_customer_and_period() -> None:
    report = SAMPLES["backed"]()
    other = msgspec.structs.replace(report, contract="other")
    alone = msgspec.structs.replace(report, customer=None)
    odd = msgspec.structs.replace(alone, contract="../../etc/passwd", period=report.period)
    assert file_stem([report]) == f"{report.contract}-{report.customer}-2026-03"
    assert file_stem([alone]) == f"{report.contract}-2026-03"
    assert file_stem([report, other]) == f"{report.customer}-2026-03"
    assert file_stem([alone, msgspec.structs.replace(other, customer=None)]) == "contracts-2026-03"
    of_another = msgspec.structs.replace(other, customer="zeta")
    assert file_stem([report, of_another]) == file_stem([report, alone, other]) == "contracts-2026-03"
    assert file_stem([report, alone]) == f"{report.contract}-2026-03"
    assert file_stem([odd]) == "etc-passwd-2026-03"
    assert file_stem([]) == "report"


def test_one_file_stays_one_and_several_are_packed() -> None:
    report = SAMPLES["backed"]()
    single, several = (file_of(name, [report], "en", "customer") for name in ("md", "csv"))
    assert (single.name, single.media_type) == (
        f"{file_stem([report])}.md",
        "text/markdown; charset=utf-8",
    )
    assert (several.name, several.media_type) == (f"{file_stem([report])}-csv.zip", ZIP)
    with zipfile.ZipFile(io.BytesIO(several.data)) as archive:
        inside = {name: archive.read(name) for name in archive.namelist()}
    assert inside == files_of("csv", [report], "en", "customer")


def test_files_of_different_contracts_have_different_names() -> None:
    report = SAMPLES["backed"]()
    other = msgspec.structs.replace(report, contract="other")
    one, two = (files_of("csv", [each], "en", "customer") for each in (report, other))
    assert list(two) == [
        f"other-{report.customer}-2026-03-{name}.csv" for name in ("summary", "outages", "days")
    ]
    assert one.keys().isdisjoint(two)


def test_the_same_files_make_the_same_archive() -> None:
    files = {"a.csv": b"1,2\r\n", "b.csv": b"x" * 10_000}
    assert packed(files) == packed(dict(files))


def test_reports_are_written_in_the_customers_language() -> None:
    text = COMPLETE.replace('title: Acme GmbH, fee: "1200.00 EUR"', "title: Acme GmbH, language: de")
    assert language_of(loaded(text), "acme") == "de"
    assert language_of(loaded(COMPLETE), "acme") == "en"
    assert language_of(loaded(text), None) == "en"


def test_a_language_without_a_catalogue_is_an_error() -> None:
    with pytest.raises(LanguageError, match="'xx'"):
        file_of("md", [SAMPLES["backed"]()], "xx", "customer")
