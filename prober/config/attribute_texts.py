"""The texts below the fields of a model: its documentation.

Read from the source when a schema is rendered, which is seldom; pydantic's own way reads it at every start.
"""

from __future__ import annotations

import ast
import inspect
import sys
from functools import cache


def field_texts(model: type) -> dict[str, str]:
    """Return the text of each field that has one, of the model and of those it is derived from."""
    texts: dict[str, str] = {}
    for base in reversed(model.__mro__):
        texts |= _texts_of_module(base.__module__).get(base.__qualname__, {})
    return texts


@cache
def _texts_of_module(name: str) -> dict[str, dict[str, str]]:
    try:
        tree = ast.parse(inspect.getsource(sys.modules[name]))
    except (OSError, TypeError):  # built in, or installed without its source
        return {}
    return {node.name: _texts(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def _texts(node: ast.ClassDef) -> dict[str, str]:
    found = {}
    for field, below in zip(node.body, node.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            match below:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    found[field.target.id] = inspect.cleandoc(text)
    return found
