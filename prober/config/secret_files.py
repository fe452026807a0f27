"""`password_file: PATH` wherever the models allow `password`: the file's content becomes the secret.

Here: finding such keys and reading the files. Not here: which fields are secrets (the models say so).
"""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Any

from pydantic import BaseModel

from checks.core.values import MAX_SECRET_BYTES

from .shapes import models_in, secret_keys, secret_steps
from .yaml_values import Path, Tree

_SUFFIX = "_file"


class SecretFiles:
    """Fill in the secrets that a document keeps in files; relative paths start at `folder`."""

    def __init__(self, tree: Tree, folder: FilePath) -> None:
        self._tree = tree
        self._folder = folder

    def fill(self, value: object, root: type[BaseModel]) -> None:
        """Replace every `*_file` key in place; what cannot be read becomes a fault of the tree."""
        self._fill(value, [root], ())

    # Any: annotations have no common type, see shapes
    def _fill(self, value: object, annotations: list[Any], path: Path) -> None:
        if isinstance(value, dict):
            self._fill_mapping(value, [model for kind in annotations for model in models_in(kind)], path)
            parts: list[tuple[str | int, object]] = list(value.items())
        elif isinstance(value, list):
            parts = list(enumerate(value))
        else:
            return
        for part, below in parts:
            if isinstance(below, dict | list):
                kinds = [kind for annotation in annotations for kind in secret_steps(annotation, part)]
                if kinds:
                    self._fill(below, kinds, (*path, part))

    def _fill_mapping(self, mapping: dict[str, Any], models: list[type[BaseModel]], path: Path) -> None:
        for key in sorted({key for model in models for key in secret_keys(model)}):
            file_key = key + _SUFFIX
            if file_key not in mapping or any(file_key in model.model_fields for model in models):
                continue
            if key in mapping:
                self._tree.fault(
                    (*path, file_key), f"both {key} and {file_key}", "keep one of them", at_key=True
                )
            names = mapping.pop(file_key)
            mapping[key] = self._read(names, (*path, file_key))

    def _read(self, names: object, path: Path) -> object:
        if isinstance(names, list):
            return [self._read_one(name, (*path, number)) for number, name in enumerate(names)]
        return self._read_one(names, path)

    def _read_one(self, name: object, path: Path) -> object:
        if not isinstance(name, str) or not name or "\0" in name:
            return self._refuse(path, "expected the path of a file")
        try:
            with (self._folder / name).open("rb") as file:
                content = file.read(MAX_SECRET_BYTES + 2)
        except OSError as error:
            return self._refuse(path, f"cannot read the file: {(error.strerror or 'error').lower()}")
        content = content.removesuffix(b"\n").removesuffix(b"\r")
        if len(content) > MAX_SECRET_BYTES:
            return self._refuse(path, "the file is over 64KiB")
        try:
            secret = content.decode()
        except UnicodeDecodeError:
            return self._refuse(path, "the file is not UTF-8 text")
        if not secret:
            return self._refuse(path, "the file is empty")
        self._tree.outside(self._tree.walk(path)[2], "a secret file", secret)
        return secret

    def _refuse(self, path: Path, message: str) -> str:
        self._tree.fault(path, message, "see who may read it" if "denied" in message else "")
        self._tree.mark_broken(path)
        return "unreadable"
