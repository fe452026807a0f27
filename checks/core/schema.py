"""The base of every options model: frozen, unknown keys are errors, input never echoed in errors."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError


class Section(BaseModel):
    """A block of options; each field's docstring is its documentation."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
        serialize_by_alias=True,
    )


def unusable(message: str, hint: str = "") -> PydanticCustomError:
    """Return an error to raise in a validator; message and hint reach the operator as they are, so no secrets."""
    return PydanticCustomError("unusable", "{what}", {"what": message, "hint": hint})
