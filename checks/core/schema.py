"""The base of every options model: frozen, unknown keys are errors, input never echoed in errors."""

from __future__ import annotations

import os

# We use no plugins of pydantic; looking for them reads the metadata of everything installed, at every start.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError


class Section(BaseModel):
    """A block of options; the text below a field is its documentation, read when a schema is rendered."""

    model_config = ConfigDict(
        frozen=True,
        defer_build=True,  # what is part of another model is built with it, what is not used not at all
        extra="forbid",
        hide_input_in_errors=True,
        serialize_by_alias=True,
    )


def unusable(message: str, hint: str = "") -> PydanticCustomError:
    """Return an error to raise in a validator; message and hint reach the operator as they are, so no secrets."""
    return PydanticCustomError("unusable", "{what}", {"what": message, "hint": hint})
