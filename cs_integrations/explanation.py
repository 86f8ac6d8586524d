"""An answer together with its reasons."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why an answer is what it is; shown by ``?explain=true``.

    ``inputs`` are stored facts and the request's own values; ``steps`` are the intermediate
    values in the order they were computed; ``sample_size`` is the number of observations
    behind a statistic, or None where there is no statistic; ``reasons`` are sentences, one
    for each member that is null and each thing that was suppressed or capped.
    """

    rule_id: str  # "<domain>.<rule>", the heading in docs/rules/<domain>.md
    rule_version: str  # changes whenever the same facts could give another answer
    inputs: Mapping[str, Any] = field(default_factory=dict)
    steps: Mapping[str, Any] = field(default_factory=dict)
    sample_size: int | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a query or an action returns: the specified members, in order, and the reasons.

    ``location_id`` names the resource that was created, for the ``Location`` header;
    ``replayed`` says that a natural repeat was recognised and nothing was done again.
    ``customer_id`` is the public id of the customer whom the answer is about, empty when it is
    about many or none; the trail can be searched by it.
    """

    body: Mapping[str, Any]
    explanation: Explanation
    location_id: str = ""
    replayed: bool = False
    customer_id: str = ""


def sole(public_ids: Iterable[str]) -> str:
    """Return the one id that all of these are; of several, or none, an empty text."""
    distinct = set(public_ids)
    return distinct.pop() if len(distinct) == 1 else ""


def plain(value: Any) -> Any:
    """Return the value as JSON can say it: numbers for decimals, ISO 8601 for times."""
    match value:
        case Mapping():
            return {str(plain(name)): plain(inner) for name, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(inner) for inner in value]
        case Enum():
            return value.value
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case datetime() | date():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case _:
            return value
