"""The messages of a gRPC health check: written to the letter, read strictly, whatever comes."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.core.grpc_message import (
    MAX_MESSAGE_BYTES,
    Malformed,
    decode_answer,
    encode_request,
    read_status,
    read_words,
    serving_name,
    status_name,
    status_of_http,
    timeout_text,
)


def framed(message: bytes, flag: int = 0) -> bytes:
    return bytes([flag]) + len(message).to_bytes(4, "big") + message


@pytest.mark.parametrize(
    ("service", "message"),
    [
        ("", b""),
        ("shop", b"\x0a\x04shop"),
        ("x" * 127, b"\x0a\x7f" + b"x" * 127),
        ("x" * 128, b"\x0a\x80\x01" + b"x" * 128),
        ("\u20ac", b"\x0a\x03\xe2\x82\xac"),
    ],
)
def test_a_request_is_written_to_the_letter(service: str, message: bytes) -> None:
    """The real library's own bytes are held against it in the end-to-end tests."""
    assert encode_request(service) == framed(message)


@pytest.mark.parametrize(
    ("message", "state"), [(b"", 0), (b"\x08\x01", 1), (b"\x08\x03", 3), (b"\x08\xc8\x01", 200)]
)
def test_an_answer_gives_its_state(message: bytes, state: int) -> None:
    assert decode_answer(framed(message)) == state


def test_unknown_fields_are_skipped_and_the_last_state_counts() -> None:
    unknown = b"\x10\x96\x01" + b"\x1a\x02hi" + b"\x25\x00\x00\x00\x00" + b"\x29" + bytes(8)
    assert decode_answer(framed(unknown + b"\x08\x02" + unknown + b"\x08\x01" + b"\x0a\x01x")) == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no message"),
        (b"\0\0\0", "cut short"),
        (framed(b"\x08\x01")[:-1], "cut short"),
        (framed(b"\x08\x01") * 2, "more than one"),
        (framed(b"\x08\x01", 1), "compressed"),
        (b"\0" + (MAX_MESSAGE_BYTES + 1).to_bytes(4, "big"), "limit"),
        (framed(b"\x08"), "no end"),
        (framed(b"\x08" + b"\xff" * 11), "no end"),
        (framed(b"\x00\x01"), "without a number"),
        (framed(b"\x0b\x0c"), "wire type 3"),
        (framed(b"\x12\x05abc"), "cut short"),
        (framed(b"\x15\x00\x00"), "cut short"),
    ],
)
def test_a_broken_answer_is_malformed(data: bytes, words: str) -> None:
    with pytest.raises(Malformed, match=words):
        decode_answer(data)


def test_the_longest_message_is_read() -> None:
    padding = b"\x12" + b"\xf8\xff\x03" + bytes(MAX_MESSAGE_BYTES - 8)
    message = (padding + b"\x08\x01\x08\x01")[:MAX_MESSAGE_BYTES]
    assert len(message) == MAX_MESSAGE_BYTES
    assert decode_answer(framed(message)) == 1


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.binary(max_size=40).map(framed) | st.binary(max_size=40))
def test_any_bytes_are_read_or_malformed(data: bytes) -> None:
    with suppress(Malformed):
        assert decode_answer(data) >= 0


@pytest.mark.parametrize(("text", "number"), [(b"0", 0), (b" 14 ", 14), (b"99", 99)])
def test_a_status_is_a_number(text: bytes, number: int) -> None:
    assert read_status(text) == number


@pytest.mark.parametrize("text", [b"", b"OK", b"-1", b"1" * 10, b"\xb2"])
def test_a_status_that_is_no_number_is_malformed(text: bytes) -> None:
    with pytest.raises(Malformed):
        read_status(text)


def test_names_are_those_of_the_protocol() -> None:
    assert [status_name(number) for number in (0, 5, 12, 14, 16, 17)] == [
        "OK", "NOT_FOUND", "UNIMPLEMENTED", "UNAVAILABLE", "UNAUTHENTICATED", "17",
    ]  # fmt: skip
    assert [serving_name(number) for number in range(5)] == [
        "UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN", "4",
    ]  # fmt: skip
    assert [status_of_http(status) for status in (401, 404, 503, 418)] == [16, 12, 14, 2]


@pytest.mark.parametrize(
    ("left_us", "text"),
    [(0, "1u"), (5_000_000, "5000000u"), (10**8 - 1, "99999999u"), (10**8, "100000m"), (10**15, "99999999m")],
)
def test_a_timeout_has_at_most_eight_digits(left_us: int, text: str) -> None:
    assert timeout_text(left_us) == text


def test_words_are_unquoted_whatever_they_are() -> None:
    assert read_words(b"no such%20service %E2%82%AC %zz %ff") == "no such service \u20ac %zz \ufffd"
