"""The `mail` and `reports` sections: where closed reports are sent, and by which mail server.

Here: the shape, and what cannot be together in one block. Not here: names, files and languages (`delivery_names`), nor
sending (`prober.accounts.courier`).
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    PlainSerializer,
    PlainValidator,
    StrictBool,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
    model_validator,
)

from checks.core.schema import Section
from checks.core.values import DurationUs, Secret, at_least, at_most

from .services import EmailAddress, LanguageTag
from .terms import Address, ListenAddress, Name, Title, wrong

ALL = "all"
MAX_DELIVERIES = 1_000
MAX_CHOSEN = 10_000
MAX_RECIPIENTS = 50
MAX_FORMATS = 7
FileName = Annotated[str, StringConstraints(min_length=1, max_length=1_000)]


def _is_near(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _server(value: object, read: ValidatorFunctionWrapHandler) -> Address:
    try:
        address: Address = read(value)
    except ValidationError:
        raise wrong("expected a mail server and its port", "such as smtp.example:587") from None
    if not address.port:
        raise wrong("port 0 cannot be reached", "587 with starttls, 465 with implicit TLS")
    return address


class MailBlock(Section):
    """The mail server that takes what is sent, and who it is from."""

    server: Annotated[
        ListenAddress,
        WrapValidator(_server),
        WithJsonSchema({"type": "string", "examples": ["smtp.example:587"]}),
    ]
    """The server and its port: 587 is usual with `starttls`, 465 with `implicit`."""
    from_: EmailAddress = Field(alias="from")
    """The address that mails come from."""
    from_name: Title | None = None
    """The name that stands beside it; recipients of every customer see it."""
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    """`starttls`: encrypted after the greeting, or not at all sent; `implicit`: from the first byte; `none`: never."""
    username: Title | None = None
    """Who we are for the server; nobody in particular if absent."""
    password: Secret | None = None
    """The password of that user."""
    timeout_us: Annotated[DurationUs, at_least("1s"), at_most("15m")] = Field(
        default=60_000_000, alias="timeout"
    )
    """How long one mail may take, from the connection to the server's last word."""
    ca_file: FileName | None = None
    """Certificates in PEM that the server's must follow from, beside those that this machine trusts; relative to this
    file."""

    @model_validator(mode="after")
    def _safe(self) -> MailBlock:
        if (self.username is None) != (self.password is None):
            missing = "password" if self.password is None else "username"
            raise wrong("username and password belong together", f"add {missing}")
        if self.tls == "none" and self.password is not None and not _is_near(self.server.host):
            raise wrong("the password would go over the network in clear", "use tls: starttls or implicit")
        if self.tls == "none" and self.ca_file is not None:
            raise wrong("ca_file is of no use without TLS")
        return self


def _chosen(value: object) -> Any:  # Any: `all`, or the names
    if value == ALL:
        return ALL
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise wrong("expected all, or a list of names")
    if not value:
        raise wrong("the list is empty", "write all, or name one")
    if len(value) > MAX_CHOSEN:
        raise wrong(f"at most {MAX_CHOSEN} names")
    return tuple(value)


Chosen = Annotated[
    Literal["all"] | tuple[str, ...],
    PlainValidator(_chosen),
    PlainSerializer(lambda chosen: chosen if chosen == ALL else list(chosen), when_used="json"),
    WithJsonSchema(
        {"anyOf": [{"const": "all"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
    ),
]
Format = Literal["json", "html", "pdf", "csv", "xlsx", "md", "terminal"]


class DeliverBlock(Section):
    """Closed reports that are sent as they come: which ones, in which form, and where to."""

    name: Name
    """The name of this delivery; what was sent is remembered by it and by where it went."""
    contracts: Chosen | None = None
    """`all`, or a list of contracts. Without `customers` it is the provider's own view of them that is sent."""
    customers: Chosen | None = None
    """`all`, or a list of customers: each one's own reports, of all their contracts or those in `contracts`."""
    formats: Annotated[tuple[Format, ...], Field(min_length=1, max_length=MAX_FORMATS)] = ("pdf",)
    """The files of each report: `pdf`, `html`, `xlsx`, `csv`, `json`, `md`, `terminal`."""
    language: LanguageTag | None = None
    """The language of mails and files; the customer's if absent, else English."""
    audience: Literal["customer", "provider"] | None = None
    """Whether what is internal is left out (`customer`) or not. `customer` if `customers` are named, else
    `provider`."""
    to: Annotated[tuple[EmailAddress, ...], Field(max_length=MAX_RECIPIENTS)] = ()
    """Addresses that get every report of this delivery, each in a mail of its own."""
    customer_email: StrictBool = False
    """Whether each customer's `email` addresses get that customer's reports."""
    folder: FileName | None = None
    """A folder that the files are put into; relative to this file."""
    revisions: Literal["all", "first"] = "all"
    """`first`: later revisions of what was closed are not sent."""

    @property
    def reader(self) -> Literal["customer", "provider"]:
        """For whom the files are written."""
        return self.audience or ("customer" if self.customers is not None else "provider")

    @model_validator(mode="after")
    def _whole(self) -> DeliverBlock:
        if self.contracts is None and self.customers is None:
            raise wrong("neither contracts nor customers", "write contracts: all, or customers: all")
        if not self.to and not self.customer_email and self.folder is None:
            raise wrong("nowhere to deliver to", "add to, customer_email: true, or folder")
        if self.customer_email and self.customers is None:
            raise wrong("customer_email needs customers", "write customers: all, or name them")
        if self.customer_email and self.reader == "provider":
            raise wrong(
                "what is internal would go to customers", "leave audience out, or send it with to or folder"
            )
        return self


class ReportsBlock(Section):
    """Reports of periods that are over."""

    deliver: Annotated[tuple[DeliverBlock, ...], Field(max_length=MAX_DELIVERIES)] = ()
    """What is sent when a period is closed."""
    languages: FileName | None = None
    """A folder with further message catalogues, `CODE.json`; relative to this file."""
