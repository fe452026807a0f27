"""The `services` and `customers` sections: what people know, and who it was promised to."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from checks.core.schema import Section

from .contract_terms import Amount
from .maintenance import MAX_MEMBERS, MaintenanceBlock
from .terms import Name, Prose, Quorum, Title, UpWhen, wrong

__all__ = ["MAX_MEMBERS", "BrandBlock", "CustomerBlock", "MaintenanceBlock", "ServiceBlock"]

MAX_EMAILS = 20
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?")
_EMAIL = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[^\s@<>,;:\"()\[\]\\.]+(\.[^\s@<>,;:\"()\[\]\\.]+)+")


class ServiceBlock(Section):
    """What customers know by name: some probes, composed."""

    name: Name
    """The name that contracts, pages and metrics use; never change it, the history hangs on it."""
    title: Title | None = None
    """The name that people see; the service's name if absent."""
    description: Prose | None = None
    """A sentence for the status page."""
    group: Title | None = None
    """The heading under which the status page shows it."""
    probes: Annotated[tuple[str, ...], Field(min_length=1, max_length=MAX_MEMBERS)]
    """The probes that it is made of."""
    up_when: UpWhen = Quorum("all")
    """How many of its probes must be up: `all`, `any`, a count, or `2 of 3`."""


def _colour(text: str) -> str:
    if not _COLOUR.fullmatch(text):
        raise wrong("expected a colour such as #1a6b3c", "# and six hexadecimal digits, in quotes")
    return text.lower()


def _language(text: str) -> str:
    if not _LANGUAGE.fullmatch(text):
        raise wrong("expected a language such as en, de or zh")
    return text


def _email(text: str) -> str:
    if len(text) > 254 or not text.isprintable() or not _EMAIL.fullmatch(text):
        raise wrong("expected an e-mail address such as reports@acme.example")
    return text


EmailAddress = Annotated[str, AfterValidator(_email)]
LanguageTag = Annotated[str, AfterValidator(_language)]


class BrandBlock(Section):
    """How a customer's reports look."""

    name: Title | None = None
    """Who the report is from, beside the logo."""
    logo: Annotated[str, StringConstraints(min_length=1, max_length=1_000)] | None = None
    """A PNG, JPEG or SVG file of at most 256 KiB; relative to this file."""
    colour: Annotated[str, AfterValidator(_colour)] | None = None
    """The colour of headings and lines, such as `"#1a6b3c"`."""
    footer: Prose | None = None
    """What stands at the foot of each page."""


class CustomerBlock(Section):
    """Somebody a contract was made with."""

    name: Name
    """The name that contracts use."""
    title: Title | None = None
    """The name that reports print; the customer's name if absent."""
    fee: Amount | None = None
    """What the customer pays for one window of a contract; credits are a share of it."""
    brand: BrandBlock | None = None
    """How reports for this customer look."""
    language: LanguageTag | None = None
    """The language of reports for this customer, such as `en`, `de` or `zh`; English if absent."""
    email: Annotated[tuple[EmailAddress, ...], Field(max_length=MAX_EMAILS)] = ()
    """Who gets closed reports by e-mail."""
