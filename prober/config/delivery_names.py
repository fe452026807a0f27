"""What deliveries of reports name, and what cannot work: customers, servers, languages and files that are not there.

Works on plain values and trusts nothing about them, as `names` does, which does the looking up. Not here: the shape of
the sections (`delivery`).
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from .faults import did_you_mean, quote
from .yaml_values import Path, Tree

if TYPE_CHECKING:
    from .names import Names

_Mapping = dict[str, Any]  # Any: whatever the file holds
_EXTRAS = {"pdf": "typst", "xlsx": "xlsxwriter"}
"""Formats that need an extra of the same name, and the module that comes with it."""


def check_delivery(names: Names, document: _Mapping) -> None:
    """Find fault with names in deliveries that are none, and with deliveries that would reach nobody or too many."""
    customers = {str(row.get("name")): (path, row) for path, row in names.rows("customers")}
    has_mail = isinstance(document.get("mail"), dict)
    taken: dict[str, Path] = {}
    for path, row in _rows(document):
        names.each((*path, "contracts"), row.get("contracts"), "contract", _contracts(names))
        names.each((*path, "customers"), row.get("customers"), "customer", names.customers)
        _check_twice(names.tree, path, row, taken)
        _check_mail(names.tree, path, row, has_mail)
        chosen = [customers[name] for name in _customers(row, list(customers)) if name in customers]
        _check_addresses(names.tree, path, row, chosen, list(customers.values()))


def check_delivery_files(tree: Tree, document: object, folder: FilePath) -> None:
    """Find fault with certificates, catalogues and formats that deliveries need and that are not there."""
    if not isinstance(document, dict):
        return
    _check_certificates(tree, document.get("mail"), folder)
    rows = list(_rows(document))
    if not rows:
        return
    known = _languages(tree, document, folder)
    customers = {
        row.get("name"): row.get("language")
        for row in _list(document.get("customers"))
        if isinstance(row, dict)
    }
    for path, row in rows:
        _check_formats(tree, path, row)
        if known is not None:
            _check_languages(tree, path, row, customers, known)


def _rows(document: _Mapping) -> Iterator[tuple[Path, _Mapping]]:
    reports = document.get("reports")
    for number, row in enumerate(_list(reports.get("deliver") if isinstance(reports, dict) else None)):
        if isinstance(row, dict):
            yield ("reports", "deliver", number), row


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _contracts(names: Names) -> list[str]:
    return list(
        dict.fromkeys(row["name"] for _, row in names.rows("contracts") if isinstance(row.get("name"), str))
    )


def _customers(row: _Mapping, known: list[str]) -> list[str]:
    chosen = row.get("customers")
    return known if chosen == "all" else [name for name in _list(chosen) if isinstance(name, str)]


def _check_twice(tree: Tree, path: Path, row: _Mapping, taken: dict[str, Path]) -> None:
    """What was sent is remembered by the name: two deliveries of one name would take each other's for done."""
    name, place = row.get("name"), (*path, "name")
    if not isinstance(name, str) or tree.is_broken(place):
        return
    if name in taken:
        line = tree.walk(taken[name])[2].start_mark.line + 1
        tree.fault(place, f"the name {quote(name)} is taken", f"first on line {line}")
    taken.setdefault(name, place)


def _check_mail(tree: Tree, path: Path, row: _Mapping, has_mail: bool) -> None:
    if has_mail:
        return
    for key in ("to", "customer_email"):
        if row.get(key):
            tree.fault((*path, key), "there is no mail server", "add a mail section", at_key=True)
            return


def _check_addresses(
    tree: Tree,
    path: Path,
    row: _Mapping,
    chosen: list[tuple[Path, _Mapping]],
    customers: list[tuple[Path, _Mapping]],
) -> None:
    """No customer's address may get what is another's; and where customers are written to, one must have an address."""
    if row.get("customer_email") is True and chosen and not any(each.get("email") for _, each in chosen):
        tree.fault((*path, "customer_email"), "none of the customers has an email", "", at_key=True)
    own = {place for place, _ in chosen}
    for number, address in enumerate(_list(row.get("to"))):
        owners = [(place, each) for place, each in customers if _has(each, address)]
        if owners and (len(own) != 1 or any(place not in own for place, _ in owners)):
            name = str(owners[0][1].get("name"))
            tree.fault(
                (*path, "to", number),
                f"this is an address of the customer {quote(name)}, who would get reports that are not theirs",
                "use customer_email: true, or a delivery of its own",
            )
        elif owners and row.get("audience") == "provider":
            place = (*path, "to", number)
            tree.fault(
                place,
                "this is an address of a customer, who would get what is internal",
                "leave audience out",
            )


def _has(customer: _Mapping, address: object) -> bool:
    return isinstance(address, str) and any(
        isinstance(each, str) and each.casefold() == address.casefold()
        for each in _list(customer.get("email"))
    )


def _check_certificates(tree: Tree, mail: object, folder: FilePath) -> None:
    name = mail.get("ca_file") if isinstance(mail, dict) else None
    if not isinstance(name, str) or not name:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(folder / name)
    except ssl.SSLError:
        tree.fault(("mail", "ca_file"), "the file holds no certificates in PEM")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not the path of a file"
        tree.fault(("mail", "ca_file"), f"cannot read the file: {(reason or 'error').lower()}")


def _check_formats(tree: Tree, path: Path, row: _Mapping) -> None:
    for number, name in enumerate(_list(row.get("formats"))):
        if name in _EXTRAS and find_spec(_EXTRAS[name]) is None:
            hint = f"pip install 'uptime-prober[{name}]'"
            tree.fault((*path, "formats", number), f"{name} needs a package that is not installed", hint)
        if name in _list(row.get("formats"))[:number]:
            tree.fault((*path, "formats", number), f"the format {quote(str(name))} is named twice")
    if row.get("formats") is None and find_spec(_EXTRAS["pdf"]) is None:
        hint = "pip install 'uptime-prober[pdf]', or set formats"
        tree.fault((*path, "name"), "pdf, the usual format, needs a package that is not installed", hint)


def _languages(tree: Tree, document: _Mapping, folder: FilePath) -> list[str] | None:
    """Return the languages there are; None, and a fault, if a folder of further ones cannot be used."""
    from reports import catalogue

    name = document["reports"].get("languages")
    extra = folder / name if isinstance(name, str) and name and "\0" not in name else None
    if extra is not None and not extra.is_dir():
        tree.fault(("reports", "languages"), "not a folder", "catalogues are files CODE.json in it")
        return None
    known = catalogue.languages(extra)
    try:
        for language in known if extra is not None else ():
            catalogue.messages(language, extra)
    except catalogue.LanguageError as problem:
        tree.fault(("reports", "languages"), str(problem).partition(" (hint")[0], problem.hint)
        return None
    return known


def _check_languages(
    tree: Tree, path: Path, row: _Mapping, customers: dict[Any, Any], known: list[str]
) -> None:
    language = row.get("language")
    if isinstance(language, str):
        if language not in known:
            _fault(tree, (*path, "language"), "", language, known)
        return
    for name in _customers(row, [str(name) for name in customers]):
        theirs = customers.get(name)
        if isinstance(theirs, str) and theirs not in known:
            _fault(
                tree,
                (*path, "customers"),
                f"the customer {quote(name)} reads {quote(theirs)}: ",
                theirs,
                known,
            )
            return


def _fault(tree: Tree, path: Path, whose: str, language: str, known: list[str]) -> None:
    hint = did_you_mean(language, known) or f"there are: {', '.join(known)}"
    message = "there is no catalogue for it" if whose else f"there is no catalogue for {quote(language)}"
    tree.fault(path, whose + message, hint)
