"""Which models and which secrets may stand at a place of the configuration.

Here: walking pydantic models by type, for suggestions and for `*_file` keys. Not here: values.
"""

from __future__ import annotations

import types
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from checks.core.values import Secret

_WRAPPERS = (Union, types.UnionType, Annotated)
_Type = Any  # an annotation: a class, a union, a generic alias; typing has no common name for them


def _origin(annotation: _Type) -> _Type:
    return get_origin(annotation)


@cache
def fields_of(model: type[BaseModel]) -> tuple[tuple[str, _Type], ...]:
    """Return each key of a model with its annotation."""
    return tuple((field.alias or name, field.annotation) for name, field in model.model_fields.items())


def models_in(annotation: _Type) -> list[type[BaseModel]]:
    """Return the models that a value of this annotation may be, not looking into lists or mappings."""
    if _origin(annotation) in _WRAPPERS:
        return [model for part in get_args(annotation) for model in models_in(part)]
    return [annotation] if isinstance(annotation, type) and issubclass(annotation, BaseModel) else []


def step(annotation: _Type, part: str | int) -> list[_Type]:
    """Return the annotations that may stand one key or index below."""
    origin = _origin(annotation)
    if origin in _WRAPPERS:
        return [found for argument in get_args(annotation) for found in step(argument, part)]
    arguments = [argument for argument in get_args(annotation) if argument is not Ellipsis]
    if origin in (list, tuple, set, frozenset):
        return arguments[:1] if isinstance(part, int) else []
    if arguments and len(arguments) == 2:
        return arguments[1:]
    return [kind for model in models_in(annotation) for key, kind in fields_of(model) if key == part]


def models_at(root: type[BaseModel], path: tuple[str | int, ...]) -> list[type[BaseModel]]:
    """Return the models that may stand at a path."""
    here: list[_Type] = [root]
    for part in path:
        here = [below for annotation in here for below in step(annotation, part)]
    return [model for annotation in here for model in models_in(annotation)]


@cache
def secret_keys(model: type[BaseModel]) -> frozenset[str]:
    """Return the keys of a model that hold a secret or a list of them."""
    return frozenset(key for key, annotation in fields_of(model) if _is_secret(annotation))


def _is_secret(annotation: _Type) -> bool:
    if annotation is Secret:
        return True
    if _origin(annotation) in (*_WRAPPERS, list, tuple):
        return any(_is_secret(argument) for argument in get_args(annotation))
    return False


@cache
def holds_secrets(model: type[BaseModel]) -> bool:
    """Tell whether a secret can stand anywhere in a model."""
    return bool(secret_keys(model)) or any(
        holds_secrets(below) for _, annotation in fields_of(model) for below in models_within(annotation)
    )


def models_within(annotation: _Type) -> list[type[BaseModel]]:
    """Return the models anywhere inside an annotation, lists and mappings included."""
    if found := models_in(annotation):
        return found
    return [model for argument in get_args(annotation) for model in models_within(argument)]


def secret_steps(annotation: _Type, part: str | int) -> list[_Type]:
    """Return what may stand one step below, as far as it can hold secrets."""
    return [below for below in step(annotation, part) if any(map(holds_secrets, models_within(below)))]
