"""Load a configuration: file and environment in, `Config` or every fault out.

Here: the order of the steps. Not here: any step.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from checks.core.check import KINDS

from .brand import check_logos
from .config import Config
from .contract_limits import Contracts
from .delivery_names import check_delivery_files
from .faults import ConfigError, Fault
from .messages import report, typed_instead
from .model import Document, document_model
from .names import Names
from .presets import fill
from .resolve import resolve
from .secret_files import SecretFiles
from .settings import overlay, read_settings
from .yaml_nodes import MAX_FILE_BYTES, compose, decode
from .yaml_values import Tree


def load(path: Path, environ: Mapping[str, str]) -> Config:
    """Load a file; ConfigError with every fault if it cannot be read or used."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        message = f"cannot read the file: {(error.strerror or 'error').lower()}"
        hint = "name it with --config" if isinstance(error, FileNotFoundError) else ""
        raise ConfigError([_whole(str(path), message, hint)]) from None
    return load_text(decode(data, str(path)), str(path), environ)


def load_text(text: str, name: str, environ: Mapping[str, str]) -> Config:
    """Load a text as if it stood in the file `name`; ConfigError with every fault if it cannot be used."""
    with _collector_paused():
        return _load_text(text, name, environ)


@contextmanager
def _collector_paused() -> Iterator[None]:
    # Loading makes many objects and next to no garbage cycles: with 1,000 probes the collector's walks
    # over them were 0.15 to 0.3 s of 0.4 to 0.5 s of CPU.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _load_text(text: str, name: str, environ: Mapping[str, str]) -> Config:
    settings = read_settings(environ)
    tree = Tree(compose(text, name), name, environ)
    overlay(tree, settings)
    plain = tree.plain()
    if not isinstance(plain, dict):
        raise ConfigError(
            [*tree.faults, _whole(name, "expected a mapping of sections", "start with probes:")]
        )
    model = document_model()
    folder = Path(name).parent
    fill(plain)
    SecretFiles(tree, folder).fill(plain, model)
    document = _validate(plain, tree, model)
    Names(tree, plain, KINDS).check()
    check_logos(tree, plain, folder)
    check_delivery_files(tree, plain, folder)
    if document is not None:
        Contracts(tree, document).check()
    if tree.faults or document is None:
        raise ConfigError(tree.faults)
    return resolve(document, folder)


def _validate(plain: dict[str, Any], tree: Tree, model: type[Document]) -> Document | None:
    """Validate; texts from outside are tried once more as the numbers that they were wanted as."""
    try:
        return model.model_validate(plain)
    except ValidationError as error:
        changes = typed_instead(error, tree)
        if not changes:
            report(error, tree, model)
            return None
    for path, value in changes:
        _set(plain, path, value)
    try:
        return model.model_validate(plain)
    except ValidationError as error:
        report(error, tree, model)
        return None


def _set(
    plain: Any, path: tuple[str | int, ...], value: object
) -> None:  # Any: dicts and lists, as the path says
    for part in path[:-1]:
        plain = plain[part]
    plain[path[-1]] = value


def _whole(file: str, message: str, hint: str = "") -> Fault:
    return Fault(file=file, line=0, column=0, path="", message=message, hint=hint)
