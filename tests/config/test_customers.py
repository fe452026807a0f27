"""Customers: their brand, language and addresses; a logo is looked at when the configuration is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.configs import faults_of, loaded

from prober.config import load_text
from prober.config.brand import MAX_LOGO_BYTES, LogoError, read_logo
from prober.config.faults import ConfigError

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 20
SVG = b'<?xml version="1.0"?>\n<!-- ours -->\n<svg xmlns="http://www.w3.org/2000/svg"/>'


def customer(text: str) -> str:
    """Return a configuration with one customer."""
    return f"customers:\n  - {{name: acme, {text}}}\n"


def test_a_customer_has_a_brand_a_language_and_addresses() -> None:
    text = 'brand: {name: Acme, colour: "#1A6B3C", footer: Confidential}, language: de, email: [sla@acme.example]'
    (found,) = loaded(customer(text)).customers
    assert found.brand is not None
    assert (found.brand.name, found.brand.colour, found.brand.footer) == ("Acme", "#1a6b3c", "Confidential")
    assert (found.language, found.email) == ("de", ("sla@acme.example",))


@pytest.mark.parametrize("language", ["en", "de", "zh", "zh-Hans", "pt-BR", "zh-Hant-TW"])
def test_languages_are_tags(language: str) -> None:
    assert loaded(customer(f"language: {language}")).customers[0].language == language


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("brand: {colour: '#12345'}", "brand.colour: expected a colour such as #1a6b3c"),
        ("brand: {colour: red}", "brand.colour: expected a colour"),
        ("brand: {color: '#123456'}", "brand.color: unknown key (did you mean 'colour'?)"),
        ("language: German", "language: expected a language such as en, de or zh"),
        ("email: [acme.example]", "email.0: expected an e-mail address"),
        ("email: ['a b@acme.example']", "email.0: expected an e-mail address"),
        ("email: ['a@localhost']", "email.0: expected an e-mail address"),
        ('email: ["a@acme.example\\nBcc: b@acme.example"]', "email.0: expected an e-mail address"),
        ("email: ['Acme <a@acme.example>']", "email.0: expected an e-mail address"),
        ("email: ['a@b@acme.example']", "email.0: expected an e-mail address"),
        ("brand: {logo: missing.png}", "brand.logo: cannot read the file: no such file or directory"),
    ],
)
def test_what_is_wrong_is_said(text: str, fault: str) -> None:
    (found,) = faults_of(customer(text))
    assert f": customers.0.{fault}" in found


@pytest.mark.parametrize(
    ("data", "media"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0JFIF", "image/jpeg"),
        (SVG, "image/svg+xml"),
        (b"<svg/>", "image/svg+xml"),
    ],
)
def test_pictures_are_known_by_their_first_bytes(tmp_path: Path, data: bytes, media: str) -> None:
    (tmp_path / "logo").write_bytes(data)
    found = read_logo(tmp_path / "logo")
    assert (found.data, found.media) == (data, media)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "not a PNG, JPEG or SVG picture"),
        (b"GIF89a", "not a PNG, JPEG or SVG picture"),
        (b"<html><svg>", "not a PNG, JPEG or SVG picture"),
        (b"<svg><script>alert(1)</script></svg>", "an SVG with scripts"),
        (b'<svg onload="alert(1)">', "an SVG with scripts"),
        (b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "b">]><svg>', "not a PNG, JPEG or SVG picture"),
        (PNG + b"x" * MAX_LOGO_BYTES, "the file is over 256 KiB"),
    ],
)
def test_what_is_no_logo_is_said(tmp_path: Path, data: bytes, problem: str) -> None:
    (tmp_path / "logo").write_bytes(data)
    with pytest.raises(LogoError, match=problem):
        read_logo(tmp_path / "logo")


def test_a_logo_is_taken_up_to_its_limit_and_lies_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(PNG + b"x" * (MAX_LOGO_BYTES - len(PNG)))
    config = load_text(customer("brand: {logo: logo.png}"), str(tmp_path / "probes.yaml"), {})
    assert config.customers[0].brand is not None
    (tmp_path / "logo.png").write_bytes(PNG + b"x" * (MAX_LOGO_BYTES - len(PNG) + 1))
    with pytest.raises(ConfigError, match=r"customers\.0\.brand\.logo: the file is over 256 KiB"):
        load_text(customer("brand: {logo: logo.png}"), str(tmp_path / "probes.yaml"), {})
