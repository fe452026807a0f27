"""A mail as bytes: the same each time, readable in every language, and closed to forged headers."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.notify.message import Attachment, BadAddress, Mail, composed, wired

MAIL = Mail(
    sender="reports@provider.example",
    sender_name="Provider",
    recipient="sla@acme.example",
    subject="SLA-Bericht für März 2026: Müllers Läden",
    text="Guten Tag\n2026年3月\n",
    attachments=[
        Attachment("gold.pdf", "application/pdf", bytes(range(256)) * 40),
        Attachment("gold.html", "text/html; charset=utf-8", "<p>Zürich\n</p>".encode()),
    ],
    key="monthly sla@acme.example 1234",
    at_us=1_775_001_600_000_000,
)


def parsed(data: bytes) -> EmailMessage:
    """Return a mail as its reader sees it."""
    found = message_from_bytes(data, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def test_what_goes_in_comes_out() -> None:
    found = parsed(composed(MAIL))
    assert found["From"] == "Provider <reports@provider.example>"
    assert found["To"] == "sla@acme.example"
    assert found["Subject"] == MAIL.subject
    assert found["Date"] == "Wed, 01 Apr 2026 00:00:00 +0000"
    assert found["Auto-Submitted"] == "auto-generated"
    body = found.get_body()
    assert body is not None
    assert body.get_content().splitlines() == MAIL.text.splitlines()
    files = {part.get_filename(): part for part in found.iter_attachments()}
    assert files["gold.pdf"].get_content() == bytes(range(256)) * 40
    assert files["gold.pdf"].get_content_type() == "application/pdf"
    assert files["gold.html"].get_content_type() == "text/html"
    assert files["gold.html"].get_payload(decode=True) == "<p>Zürich\n</p>".encode()


def test_the_wire_sees_ascii_in_short_lines_that_end_as_the_standard_says() -> None:
    data = composed(replace(MAIL, text="x" * 5000 + "ü" * 5000, subject="长" * 190))
    assert data.isascii()
    assert max(map(len, data.split(b"\r\n"))) <= 998
    assert b"\n" not in data.replace(b"\r\n", b"")


def test_the_same_mail_is_the_same_bytes_and_another_key_another_identity() -> None:
    data = composed(MAIL)
    assert composed(replace(MAIL)) == data
    other = parsed(composed(replace(MAIL, key="monthly sla@acme.example 1235")))
    assert other["Message-ID"] != parsed(data)["Message-ID"]
    assert parsed(data)["Message-ID"].endswith("@provider.example>")


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=60))
def test_no_text_becomes_a_header(subject: str, name: str, file: str) -> None:
    attachments = [Attachment(file, "text/plain", b"x")]
    forged = "\r\nBcc: all@example.org\r\n\r\n"
    data = composed(
        replace(MAIL, subject=subject + forged, sender_name=name + forged, attachments=attachments)
    )
    found = parsed(data)
    assert found["Bcc"] is None
    assert sorted(found.keys()) == sorted(
        ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"]
    )
    assert (
        composed(replace(MAIL, subject=subject + forged, sender_name=name + forged, attachments=attachments))
        == data
    )


def test_domains_are_written_in_ascii() -> None:
    assert wired("büro@müller.example") == "büro@xn--mller-kva.example"
    assert parsed(composed(replace(MAIL, recipient="a@müller.example")))["To"] == "a@xn--mller-kva.example"
    with pytest.raises(BadAddress, match="no name of a domain"):
        wired("a@" + "x" * 64 + ".example")


def test_an_address_with_other_letters_stays_whole() -> None:
    data = composed(replace(MAIL, recipient="büro@acme.example"))
    assert "To: büro@acme.example".encode() in data
