"""The `mail` and `reports` sections: what is taken, and every fault with its place and a hint."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.certs import Certificates
from support.configs import faults_of, loaded

from prober.config import load_text
from prober.config.faults import ConfigError

BASE = """\
probes: [{name: web, tcp: {address: "x.example:1"}}]
services: [{name: shop, probes: [web]}]
contracts: [{name: gold, service: shop, claim: "99.9%", customers: [acme]}]
customers: [{name: acme, email: [sla@acme.example]}, {name: beta}, {name: old, language: fr}]
"""
MAIL = "mail: {server: 'smtp.example:587', from: reports@provider.example}\n"


def deliver(*rows: str, mail: str = MAIL, more: str = "") -> str:
    """Return a configuration with these deliveries."""
    listed = "".join(f"    - {{{row}}}\n" for row in rows)
    return f"{BASE}{mail}reports:\n  deliver:\n{listed}{more}"


def test_a_delivery_needs_little() -> None:
    (found,) = loaded(deliver("name: monthly, contracts: all, folder: reports", mail="")).reports.deliver
    assert (found.contracts, found.customers, found.formats, found.revisions) == (
        "all",
        None,
        ("pdf",),
        "all",
    )
    assert (found.reader, found.to, found.customer_email, found.language) == ("provider", (), False, None)
    (found,) = loaded(deliver("name: monthly, customers: [acme, beta], customer_email: true")).reports.deliver
    assert (found.customers, found.reader) == (("acme", "beta"), "customer")


def test_without_the_sections_nothing_is_delivered() -> None:
    config = loaded(BASE)
    assert (config.reports.deliver, config.mail) == ((), None)


def test_a_mail_server_is_encrypted_unless_told_otherwise() -> None:
    found = loaded(BASE + MAIL).mail
    assert found is not None
    assert (str(found.server), found.from_, found.tls, found.timeout_us) == (
        "smtp.example:587", "reports@provider.example", "starttls", 60_000_000,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (
            "name: d",
            "reports.deliver.0: neither contracts nor customers (write contracts: all, or customers: all)",
        ),
        (
            "name: d, contracts: all",
            "reports.deliver.0: nowhere to deliver to (add to, customer_email: true, or folder)",
        ),
        (
            "name: d, contracts: [gild], folder: x",
            "reports.deliver.0.contracts.0: no contract is named 'gild' (did you",
        ),
        (
            "name: d, customers: [acne], folder: x",
            "reports.deliver.0.customers.0: no customer is named 'acne' (did you",
        ),
        (
            "name: d, customers: [acme, acme], folder: x",
            "reports.deliver.0.customers.1: the customer 'acme' is named tw",
        ),
        (
            "name: d, customers: [], folder: x",
            "reports.deliver.0.customers: the list is empty (write all, or name one)",
        ),
        (
            "name: d, customers: every, folder: x",
            "reports.deliver.0.customers: expected all, or a list of names",
        ),
        (
            "name: d, contracts: all, folder: x, formats: [pfd]",
            "expected 'json', 'html', 'pdf', 'csv', 'xlsx', 'md' or",
        ),
        ("name: d, contracts: all, folder: x, formats: []", "reports.deliver.0.formats: needs at least 1"),
        (
            "name: d, contracts: all, folder: x, formats: [md, md]",
            "reports.deliver.0.formats.1: the format 'md' is name",
        ),
        (
            "name: d, contracts: all, customer_email: true",
            "customer_email needs customers (write customers: all, or nam",
        ),
        (
            "name: d, customers: [beta], customer_email: true",
            "customer_email: none of the customers has an email",
        ),
        (
            "name: d, customers: [acme], customer_email: true, audience: provider",
            "reports.deliver.0: what is internal would go to customers (leave audience out, or send it with",
        ),
        (
            "name: d, contracts: all, folder: x, language: dd",
            "reports.deliver.0.language: there is no catalogue for 'dd'",
        ),
        (
            "name: d, customers: [old], folder: x",
            "customers: the customer 'old' reads 'fr': there is no catalogue for it",
        ),
        (
            "name: d, contracts: all, to: [SLA@acme.example]",
            "to.0: this is an address of the customer 'acme', who would",
        ),
        (
            "name: d, customers: [beta], to: [sla@acme.example]",
            "to.0: this is an address of the customer 'acme', who",
        ),
        (
            "name: d, customers: all, language: en, to: [sla@acme.example]",
            "to.0: this is an address of the customer",
        ),
        (
            "name: d, customers: [acme], to: [sla@acme.example], audience: provider",
            "to.0: this is an address of a customer, who would get what is internal (leave audience out)",
        ),
        ("name: d, contracts: all, to: [boss]", "reports.deliver.0.to.0: expected an e-mail address"),
        (
            "name: d, contracts: all, fodler: x",
            "reports.deliver.0.fodler: unknown key (did you mean 'folder'?)",
        ),
        ("name: D, contracts: all, folder: x", "reports.deliver.0.name: not a name"),
    ],
)
def test_what_is_wrong_with_a_delivery_is_said(row: str, fault: str) -> None:
    found = faults_of(deliver(row))
    assert any(fault in each for each in found), found
    assert all(each.startswith("probes.yaml:8:") for each in found)


def test_an_own_address_of_the_only_customer_is_taken() -> None:
    assert faults_of(deliver("name: d, customers: [acme], to: [sla@acme.example]")) == []


def test_a_customer_whose_language_is_not_there_may_get_another() -> None:
    assert faults_of(deliver("name: d, customers: [old], folder: x, language: en")) == []


def test_mails_need_a_mail_server() -> None:
    (found,) = faults_of(deliver("name: d, contracts: all, to: [boss@provider.example]", mail=""))
    assert "reports.deliver.0.to: there is no mail server (add a mail section)" in found
    (found,) = faults_of(deliver("name: d, customers: [acme], customer_email: true", mail=""))
    assert "reports.deliver.0.customer_email: there is no mail server" in found


def test_two_deliveries_have_two_names() -> None:
    (found,) = faults_of(deliver(*["name: d, contracts: all, folder: x"] * 2))
    assert found.startswith(
        "probes.yaml:9:14: reports.deliver.1.name: the name 'd' is taken (first on line 8)"
    )


@pytest.mark.parametrize(
    ("mail", "fault"),
    [
        (
            "server: smtp.example, from: a@b.example",
            "mail.server: expected a mail server and its port (such as smtp.ex",
        ),
        ("server: 'smtp.example:0', from: a@b.example", "mail.server: port 0 cannot be reached"),
        ("from: a@b.example", "mail.server: required, but missing"),
        ("server: 'x.example:25'", "mail.from: required, but missing"),
        ("server: 'x.example:25', from: Boss", "mail.from: expected an e-mail address"),
        (
            "server: 'x.example:25', from: a@b.example, username: u",
            "username and password belong together (add password)",
        ),
        (
            "server: 'x.example:25', from: a@b.example, password: p",
            "username and password belong together (add username)",
        ),
        (
            "server: 'x.example:25', from: a@b.example, tls: none, username: u, password: geheim",
            "mail: the password would go over the network in clear (use tls: starttls or implicit)",
        ),
        (
            "server: 'x.example:25', from: a@b.example, tls: ssl",
            "mail.tls: expected 'starttls', 'implicit' or 'none'",
        ),
        ("server: 'x.example:25', from: a@b.example, timeout: 0s", "mail.timeout: must be at least 1s"),
        (
            "server: 'x.example:25', from: a@b.example, ca_file: no.pem",
            "mail.ca_file: cannot read the file: no such file",
        ),
        (
            "server: 'x.example:25', from: a@b.example, tls: none, ca_file: /dev/null",
            "ca_file is of no use without TLS",
        ),
    ],
)
def test_what_is_wrong_with_a_mail_server_is_said_without_its_password(mail: str, fault: str) -> None:
    found = faults_of(f"mail: {{{mail}}}\n")
    assert any(fault in each for each in found), found
    assert "geheim" not in "".join(found)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_server_on_this_machine_may_be_spoken_to_in_clear(host: str) -> None:
    text = f"mail: {{server: '{host}:25', from: a@b.example, tls: none, username: u, password: p}}\n"
    assert faults_of(text) == []


def test_certificates_must_be_some(tmp_path: Path) -> None:
    text = "mail: {server: 'x.example:25', from: a@b.example, ca_file: ca.pem}\n"
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(ConfigError, match=r"mail\.ca_file: the file holds no certificates in PEM"):
        load_text(text, str(tmp_path / "probes.yaml"), {})
    (tmp_path / "ca.pem").write_bytes(Certificates(tmp_path).ca_file.read_bytes())
    load_text(text, str(tmp_path / "probes.yaml"), {})


def test_a_password_may_be_in_a_file_and_never_shows(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("geheim\n")
    text = "mail: {server: 'x.example:25', from: a@b.example, username: u, password_file: secret}\n"
    config = load_text(text, str(tmp_path / "probes.yaml"), {})
    assert config.mail is not None
    assert config.mail.password is not None
    assert config.mail.password.reveal() == "geheim"
    assert "geheim" not in repr(config) + config.mail.model_dump_json()


def test_further_languages_are_read_from_their_folder(tmp_path: Path) -> None:
    text = deliver("name: d, customers: [old], folder: x", more="  languages: words\n")
    with pytest.raises(ConfigError, match=r"reports\.languages: not a folder"):
        load_text(text, str(tmp_path / "probes.yaml"), {})
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "fr.json").write_text('{"finding.backed": "Prouvé {"}')
    load_text(text, str(tmp_path / "probes.yaml"), {})
    (tmp_path / "words" / "fr.json").write_text('{"finding.backed": "Prouvé {by}"}')
    with pytest.raises(
        ConfigError, match=r"reports\.languages: .*fr\.json: finding\.backed has other placeholders"
    ):
        load_text(text, str(tmp_path / "probes.yaml"), {})
