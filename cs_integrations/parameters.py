"""Named constants of the rules, each with its unit and its source.

A domain keeps its constants in one frozen dataclass whose fields are made by
:func:`parameter`; a rule takes that value as an argument and never reads a global.
"""

from dataclasses import dataclass, field, fields
from typing import Any

DOC = "DOC"  # a published document gives the number
PROPOSED = "PROPOSED"  # ours, by usual practice in the field; adjustable


@dataclass(frozen=True, slots=True)
class ParameterNote:
    """What a reader of the docs or the admin is told about one constant."""

    name: str
    default: object
    unit: str
    source: str
    standing: str  # DOC or PROPOSED


def parameter(default: Any, *, unit: str, source: str, standing: str = PROPOSED) -> Any:
    """Return a dataclass field that carries the constant's unit, source and standing."""
    return field(default=default, metadata={"unit": unit, "source": source, "standing": standing})


def describe(parameters: Any) -> list[ParameterNote]:
    """Return the notes of every constant in a domain's parameters, in their written order."""
    return [
        ParameterNote(
            name=item.name,
            default=getattr(parameters, item.name),
            unit=item.metadata["unit"],
            source=item.metadata["source"],
            standing=item.metadata["standing"],
        )
        for item in fields(parameters)
    ]
