"""The parameters a workflow accepts, and the check of those a caller sends. Pure.

A workflow declares each parameter as ``{"type": "string", "enum": ["call", "mail"]}``;
the members are those of :class:`Declaration`. ``escalation_tier`` belongs to every workflow.
Source: spec, Workflow Execution API; operations map (dynamic parameter injection).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from operations.rules.parameters import PARAMETERS, OperationsParameters

TIER = "escalation_tier"
UNSTORABLE = frozenset(chr(code) for code in (0, *range(0xD800, 0xE000)))  # NUL, lone surrogates


class ValueType(StrEnum):
    """What a parameter may hold."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"


class Fault(StrEnum):
    """The rule that a parameter breaks."""

    UNKNOWN = "unknown_member"
    REQUIRED = "required"
    NOT_TEXT = "not_text"
    NOT_WHOLE = "not_whole"
    NOT_A_NUMBER = "not_a_number"
    NOT_A_BOOLEAN = "not_a_boolean"
    RANGE = "range"
    LENGTH = "max_length"
    CHOICE = "unknown_code"
    TEXT = "text"


_WRONG_TYPE = MappingProxyType(
    {
        ValueType.STRING: Fault.NOT_TEXT,
        ValueType.INTEGER: Fault.NOT_WHOLE,
        ValueType.NUMBER: Fault.NOT_A_NUMBER,
        ValueType.BOOLEAN: Fault.NOT_A_BOOLEAN,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """One parameter of a workflow; bounds are inclusive, None and empty mean unbounded."""

    type: ValueType
    required: bool = False
    default: Any = None  # None: left out of the execution when the caller leaves it out
    minimum: Decimal | None = None  # of integers and numbers
    maximum: Decimal | None = None
    max_length: int | None = None  # of strings; None: the longest text
    enum: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterFault:
    """Why one parameter is refused."""

    pointer: str  # JSON pointer in the request body
    rule: Fault
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedParameters:
    """The tier and the parameters of an execution, or what is wrong with them."""

    tier: int
    values: Mapping[str, Any] = field(default_factory=dict)  # without the tier
    faults: tuple[ParameterFault, ...] = ()
    reasons: tuple[str, ...] = ()


def declarations(*, schema: Any) -> Mapping[str, Declaration]:
    """Return the parameters that a stored schema declares.

    :raises ValueError: the schema is not one; the message names the parameter
    """
    if not isinstance(schema, Mapping):
        raise ValueError("the parameters are declared in an object")  # noqa: TRY004
    result = {}
    for name, raw in schema.items():
        if name == TIER:
            raise ValueError(f"{TIER}: every workflow has it, it is not declared")
        try:
            result[name] = _declaration(raw)
        except (TypeError, ValueError, ArithmeticError) as error:
            raise ValueError(f"{name}: {error}") from error
    return result


def check_parameters(
    *,
    given: Mapping[str, Any],
    schema: Mapping[str, Any],
    default_tier: int,
    parameters: OperationsParameters = PARAMETERS,
) -> CheckedParameters:
    """Check the caller's parameters against the workflow's schema.

    The result holds every fault, in the caller's order, then the missing parameters. An
    absent tier is the workflow's default. A whole number may be written 2 or 2.0.

    :raises ValueError: the stored schema itself is not sound
    """
    declared = {TIER: _tier(default_tier, parameters), **declarations(schema=schema)}
    faults = [_checked(name, value, declared, parameters) for name, value in given.items()]
    faults += [
        _fault(name, Fault.REQUIRED, f"The workflow needs {name}.")
        for name, declaration in declared.items()
        if declaration.required and name not in given
    ]
    found = tuple(fault for fault in faults if fault is not None)
    if found:
        return CheckedParameters(tier=default_tier, faults=found)
    values = {
        name: _plain(given.get(name, declaration.default), declaration.type)
        for name, declaration in declared.items()
        if name in given or declaration.default is not None
    }
    tier = values.pop(TIER)
    told = () if TIER in given else (f"No tier was sent; the workflow's own is {tier}.",)
    return CheckedParameters(tier=tier, values=values, reasons=told)


def _tier(default: int, parameters: OperationsParameters) -> Declaration:
    return Declaration(
        type=ValueType.INTEGER,
        default=default,
        minimum=Decimal(parameters.lowest_tier),
        maximum=Decimal(parameters.highest_tier),
    )


def _declaration(raw: Any) -> Declaration:
    if not isinstance(raw, Mapping):
        raise TypeError("a declaration is an object")
    kind = ValueType(raw.get("type", ""))
    known = {
        **raw,
        "type": kind,
        "required": _flag(raw.get("required", False)),
        "minimum": _bound(raw.get("minimum")),
        "maximum": _bound(raw.get("maximum")),
        "max_length": _length(raw.get("max_length")),
        "enum": _choices(raw.get("enum", []), kind),
    }
    result = Declaration(**known)  # refuses a member that it does not have
    if result.default is not None:
        broken = _broken_rule(result.default, result, PARAMETERS)
        if broken:
            raise ValueError(f"its default is refused: {broken[1]}")
    return result


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("required is true or false")
    return value


def _bound(value: Any) -> Decimal | None:
    if value is None:
        return None
    if not _is_of_type(value, ValueType.NUMBER):
        raise TypeError("a bound is a finite number")
    return Decimal(str(value))


def _length(value: Any) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise TypeError("its max_length is a whole number from 1")
    return value


def _choices(values: Any, kind: ValueType) -> tuple[Any, ...]:
    if not isinstance(values, list | tuple):
        raise TypeError("its enum is not a list")
    if not all(_is_of_type(value, kind) for value in values):
        raise TypeError(f"its enum holds a value that is not of type {kind}")
    return tuple(values)


def _checked(
    name: str,
    value: Any,
    declared: Mapping[str, Declaration],
    parameters: OperationsParameters,
) -> ParameterFault | None:
    if name not in declared:
        allowed = ", ".join(sorted(declared))
        return _fault(name, Fault.UNKNOWN, f"The workflow has no such parameter; it has {allowed}.")
    broken = _broken_rule(value, declared[name], parameters)
    return _fault(name, *broken) if broken else None


def _broken_rule(
    value: Any, declaration: Declaration, parameters: OperationsParameters
) -> tuple[Fault, str] | None:
    if not _is_of_type(value, declaration.type):
        return _WRONG_TYPE[declaration.type], f"This must be of type {declaration.type}."
    if declaration.enum and value not in declaration.enum:
        return Fault.CHOICE, f"This must be one of {', '.join(map(str, declaration.enum))}."
    if declaration.type is ValueType.STRING:
        return _broken_text_rule(value, declaration.max_length, parameters)
    if declaration.minimum is not None and value < declaration.minimum:
        return Fault.RANGE, f"This must be at least {declaration.minimum}."
    if declaration.maximum is not None and value > declaration.maximum:
        return Fault.RANGE, f"This must be at most {declaration.maximum}."
    return None


def _broken_text_rule(
    text: str, max_length: int | None, parameters: OperationsParameters
) -> tuple[Fault, str] | None:
    longest = parameters.longest_text if max_length is None else max_length
    if len(text) > longest:
        return Fault.LENGTH, f"This must have at most {longest} characters."
    if not UNSTORABLE.isdisjoint(text):
        return Fault.TEXT, "This holds a NUL or half of a character, which cannot be stored."
    return None


def _is_of_type(value: Any, wanted: ValueType) -> bool:
    if wanted is ValueType.STRING:
        return isinstance(value, str)
    if wanted is ValueType.BOOLEAN or isinstance(value, bool):
        return wanted is ValueType.BOOLEAN and isinstance(value, bool)
    if isinstance(value, int):
        return True
    if not isinstance(value, float | Decimal) or not math.isfinite(value):
        return False
    return wanted is ValueType.NUMBER or value == int(value)


def _plain(value: Any, wanted: ValueType) -> Any:
    if wanted is ValueType.INTEGER:
        return int(value)
    return float(value) if isinstance(value, Decimal) else value


def _fault(name: str, rule: Fault, detail: str) -> ParameterFault:
    # A name may hold half a character, which no answer can carry.
    printable = name.encode(errors="backslashreplace").decode()
    escaped = printable.replace("~", "~0").replace("/", "~1")
    return ParameterFault(pointer=f"/parameters/{escaped}", rule=rule, detail=detail)
