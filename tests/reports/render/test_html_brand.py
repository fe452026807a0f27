"""A customer's colour and logo: used where they are safe and can be read, never trusted."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.render import brand

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("#ffffff", "#000000", 21.0), ("#777777", "#ffffff", 4.48), ("#767676", "#ffffff", 4.54)],
)
def test_contrast_is_that_of_the_guidelines(one: str, other: str, expected: float) -> None:
    """The two greys are the well-known last and first on either side of 4.5."""
    assert brand.contrast(one, other) == pytest.approx(expected, abs=0.005)
    assert brand.contrast(other, one) == brand.contrast(one, other)


@given(
    st.integers(0, 0xFFFFFF),
    st.sampled_from([(brand.PAPER, brand.INK), (brand.NIGHT_PAPER, brand.NIGHT_INK)]),
)
def test_any_colour_becomes_one_that_can_be_read(colour: int, page: tuple[str, str]) -> None:
    found = brand.readable(f"#{colour:06x}", *page)
    assert brand.contrast(found, page[0]) >= brand.READABLE


def test_a_colour_that_can_be_read_is_kept() -> None:
    assert brand.readable("#1D4ED8") == "#1d4ed8"
    assert brand.readable("#fff000") != "#fff000"


@pytest.mark.parametrize(
    "text", ["red", "#12345", "#1234567", "#fff;}body{display:none", "", "url(x)", "#gggggg"]
)
def test_what_is_no_colour_is_not_used(text: str) -> None:
    assert brand.safe_colour(text) is None
    assert brand.readable(text) == brand.INK


def test_a_short_colour_is_written_out() -> None:
    assert brand.safe_colour("#1aF") == "#11aaff"


def test_a_logo_is_taken_from_its_address() -> None:
    url = "data:image/png;base64," + base64.b64encode(PNG).decode()
    found = brand.logo(url)
    assert found == brand.Logo("png", PNG)
    assert found.url == url


def test_a_logo_as_percent_encoded_text_is_taken_too() -> None:
    found = brand.logo("data:image/svg+xml;charset=utf-8,%3Csvg/%3E")
    assert found == brand.Logo("svg", b"<svg/>")
    assert found.url == "data:image/svg+xml;base64,PHN2Zy8+"


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "https://example.org/logo.png",
        "data:text/html;base64,PGI+",
        "data:image/x-icon;base64,AAAA",
        "data:image/png;base64,!!!",
        "data:image/png;base64,",
        "javascript:alert(1)",
        "data:image/png;base64," + "A" * (4 * (brand.MAX_LOGO_BYTES // 3 + 1)),
    ],
)
def test_what_is_no_image_inside_the_report_is_left_out(url: str | None) -> None:
    assert brand.logo(url) is None
