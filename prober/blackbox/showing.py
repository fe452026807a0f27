"""Modules as people read them: YAML that could be read back, every secret replaced by `<secret>`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import BaseModel

from checks.core.http_url import shown_query
from checks.core.values import Secret
from prober.config.foreign import to_yaml

from .modules import Module

SECRET = "<secret>"
_CREDENTIALS = re.compile(r"//[^/?#\s]*@")
_TARGET = re.compile(r"((?:[A-Za-z][A-Za-z0-9+.-]*://)?)([^/?#]*@)?([^?#]*)(\?[^#]*)?.*")
_TELLING = re.compile(r"authorization|cookie|token|secret|password|passwd|api[-_]?key|credential", re.I)
_SIZES = frozenset({"body_size_limit"})
_HEADERS = frozenset({"headers", "http_headers", "endpoint_params", "metadata"})


def module_yaml(module: Module) -> str:
    """Return a module as YAML."""
    return to_yaml(_plain(module))


def modules_yaml(modules: Mapping[str, Module]) -> str:
    """Return the whole file as YAML, without comments."""
    return to_yaml({"modules": {name: _plain(module) for name, module in modules.items()}})


def without_credentials(text: str) -> str:
    """Blank user and password of every URL in a text."""
    return _CREDENTIALS.sub(f"//{SECRET}@", text)


def shown_target(target: str) -> str:
    """Return a caller's target for people: credentials, the values of a query and a fragment left out."""
    match = _TARGET.fullmatch(target)
    if match is None:  # by its type only: the expression fits every line
        return SECRET
    scheme, credentials, rest, query = match.groups()
    hidden = f"{SECRET}@" if credentials else ""
    asked = f"?{shown_query(query[1:])}" if query else ""
    return without_credentials(f"{scheme}{hidden}{rest}{asked}")


def _plain(value: object) -> object:
    if isinstance(value, Secret):
        return SECRET
    if isinstance(value, BaseModel):
        return _block(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return without_credentials(value) if isinstance(value, str) else value


def _block(block: BaseModel) -> dict[str, object]:
    shown: dict[str, object] = {}
    for name, field in type(block).model_fields.items():
        if name not in block.model_fields_set:
            continue
        value = getattr(block, name)
        if name == "timeout_us":
            shown[field.alias or name] = _duration(value)
        elif name in _SIZES:
            shown[name] = f"{value}B" if value else "0"
        elif name in _HEADERS and isinstance(value, dict):
            shown[name] = {
                key: _hidden(_plain(each)) if _TELLING.search(key) else _plain(each)
                for key, each in value.items()
            }
        else:
            shown[name] = _plain(value)
    return shown


def _hidden(shown: object) -> object:
    """Replace every text in a plain value."""
    if isinstance(shown, dict):
        return {key: _hidden(each) for key, each in shown.items()}
    return [SECRET for _ in shown] if isinstance(shown, list) else SECRET


def _duration(us: int) -> str:
    seconds, rest = divmod(abs(us), 1_000_000)
    text = f"{seconds}.{rest:06}".rstrip("0").rstrip(".") + "s"
    return f"-{text}" if us < 0 else text
