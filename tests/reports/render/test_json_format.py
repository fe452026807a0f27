"""The document as JSON: what is written is read back, its shape is published, and its digest shows a change."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from support.json_schema import faults
from support.report_making import number
from support.report_samples import SAMPLES, broken_month, sample

from reports.document import ContractReport, schema
from reports.render import FORMATS
from reports.render.json_format import canonical, digest, is_intact, read, without_internal
from reports.words import load

PUBLISHED = Path(__file__).resolve().parents[3] / "docs" / "report.schema.json"
EN = load("en")


def sealed(report: ContractReport) -> ContractReport:
    """Return a report that states its own digest."""
    provenance = msgspec.structs.replace(report.provenance, digest=digest(report))
    return msgspec.structs.replace(report, provenance=provenance)


def test_the_published_schema_is_that_of_the_document() -> None:
    assert json.loads(PUBLISHED.read_text(encoding="utf-8")) == schema(), (
        "docs/report.schema.json is not of this document: write reports.document.schema() there, indented by 2"
    )


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_fits_the_schema_and_is_read_back(name: str) -> None:
    report = SAMPLES[name]()
    found = schema()
    assert list(faults(json.loads(canonical(report)), {"$ref": found["$ref"]}, found["$defs"])) == []
    assert read(canonical(report)) == report
    assert read(FORMATS["json"].render([report], EN, audience="provider")) == report  # type: ignore[arg-type]


def test_one_report_is_an_object_and_several_are_a_list() -> None:
    one = json.loads(FORMATS["json"].render([sample()], EN, audience="customer"))  # type: ignore[arg-type]
    two = json.loads(FORMATS["json"].render([sample(), sample()], EN, audience="customer"))  # type: ignore[arg-type]
    assert one["contract"] == "shop-gold"
    assert two == [one, one]
    assert json.loads(FORMATS["json"].render([], EN, audience="customer")) == []  # type: ignore[arg-type]


def test_the_names_that_scripts_rely_on_are_there() -> None:
    found = json.loads(canonical(broken_month()))
    names = "contract customer period method claim finding availability down_seconds coverage excluded credit outages"
    assert set(f"{names} assumptions provenance".split()) <= set(found)
    assert set(found["availability"]["lowest"]) == {"num", "den", "text"}
    assert set(found["down_seconds"]["lowest"]) == {"num", "den"}
    assert {"from", "to", "seconds"} <= set(found["period"])


def test_the_canonical_form_has_sorted_keys() -> None:
    body = canonical(sample())
    assert (
        body
        == json.dumps(json.loads(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    )


def test_a_digest_does_not_cover_itself_and_covers_the_rest() -> None:
    report = sample()
    assert digest(sealed(report)) == digest(report)
    assert digest(msgspec.structs.replace(report, finding="broken")) != digest(report)


def test_both_copies_bear_the_same_digest_and_can_be_checked() -> None:
    report = sealed(broken_month())
    assert is_intact(canonical(report))
    assert is_intact(FORMATS["json"].render([report], EN, audience="customer"))  # type: ignore[arg-type]
    assert without_internal(report) != report


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'"x"', b'{"provenance": {"digest": 1}}', b"null"])
def test_what_is_no_report_is_neither_intact_nor_read(body: bytes) -> None:
    assert not is_intact(body)
    with pytest.raises(ValueError, match="not a report"):
        read(body)


def test_a_changed_document_is_not_intact() -> None:
    body = canonical(sealed(sample()))
    assert not is_intact(body.replace(b'"finding":"backed"', b'"finding":"broken"', 1))


def test_a_document_of_before_a_field_came_can_still_be_read_and_checked() -> None:
    found = json.loads(canonical(sample()))
    del found["imported"], found["provenance"]["digest"]
    older = read(json.dumps(found).encode())
    assert older.imported.used is False
    bare = json.loads(canonical(without_internal(sample())))
    del bare["imported"], bare["provenance"]["digest"]
    import hashlib

    stated = hashlib.sha256(
        json.dumps(bare, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    )
    found["provenance"]["digest"] = stated.hexdigest()
    assert is_intact(json.dumps(found).encode())


def test_a_document_of_a_later_version_is_refused() -> None:
    with pytest.raises(ValueError, match="version 9"):
        read(canonical(sample(version="9")))


def test_exact_numbers_are_kept_however_long() -> None:
    long = number(10**30 + 1)
    assert read(canonical(sample(eligible_seconds=long))).eligible_seconds == long
