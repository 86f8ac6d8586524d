"""Which records: one set of filters for the API, the commands and the admin.

The conditions are such that the indexes of ``audit/migrations/0001_trail.py`` serve them; domain
and operation have none, for few values would be rare enough. Time is a range of ids, since an id
begins with its millisecond: that also leaves whole months unread.
"""

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from audit.models import AuditRecord
from cs_integrations.api import problems
from cs_integrations.api.context import FIRST_ERROR_STATUS
from cs_integrations.database.identifiers import first_request_id, is_public_id
from cs_integrations.refusals import InvalidParameter

MAX_IDS = 1000
MAX_TEXT_LENGTH = 255
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)  # ids begin there
_STATUS = re.compile(r"[1-5](xx|[0-9]{2})")


class InvalidFilter(InvalidParameter):
    """A filter that is unknown or breaks its rule; ``name`` is the parameter's."""

    def __init__(self, name: str, rule: str, detail: str) -> None:
        super().__init__(detail, name=name, rule=rule)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A filter as callers write it, and the way to and from its value."""

    name: str
    attribute: str  # of RecordFilter
    description: str
    read: Callable[[str, str], Any]  # of name and text; raises InvalidFilter
    write: Callable[[Any], str] = str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFilter:
    """What records have to have; what is not set does not matter.

    ``start`` is inclusive and ``end`` is not, both to the millisecond.
    """

    start: datetime | None = None
    end: datetime | None = None
    ids: tuple[UUID, ...] = ()
    client_id: str = ""
    domain: str = ""
    operation: str = ""
    status: str = ""  # "404", or "4xx" for all of a class
    problem_type: str = ""  # the slug
    customer_id: str = ""
    idempotency_key: str = ""
    replay_batch: str = ""
    replay_of: UUID | None = None

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, str]) -> "RecordFilter":
        """Return the filter that the texts name.

        :raises InvalidFilter: a name is unknown, or a text breaks its rule
        """
        values: dict[str, Any] = {}
        for name, text in parameters.items():
            parameter = _BY_NAME.get(name)
            if parameter is None:
                raise InvalidFilter(name, "unknown", f"There is no filter {name[:60]!a}.")
            values[parameter.attribute] = parameter.read(name, text)
        found = cls(**values)
        if found.start is not None and found.end is not None and found.start >= found.end:
            raise InvalidFilter("to", "order", "to must lie after from.")
        return found

    def as_parameters(self) -> dict[str, str]:
        """Return the texts that :meth:`from_parameters` reads this filter from."""
        return {
            parameter.name: parameter.write(getattr(self, parameter.attribute))
            for parameter in PARAMETERS
            if getattr(self, parameter.attribute) not in _NOT_SET
        }

    def matching(self, records: QuerySet[AuditRecord]) -> QuerySet[AuditRecord]:
        """Return those of the records that have what this filter asks for."""
        conditions = Q()
        if self.start is not None:
            conditions &= Q(id__gte=first_request_id(self.start))
        if self.end is not None:
            conditions &= Q(id__lt=first_request_id(self.end))
        if self.ids:
            conditions &= Q(id__in=self.ids)
        for name in _EQUAL:
            value = getattr(self, name)
            if value not in _NOT_SET:
                conditions &= Q((name, value))
        return records.filter(conditions & self._status_condition())

    def _status_condition(self) -> Q:
        condition = Q()
        if self.problem_type:
            condition = Q(status__gte=FIRST_ERROR_STATUS)  # for the index of refusals
        if self.status.endswith("xx"):
            first = int(self.status[0]) * 100
            condition &= Q(status__gte=first, status__lt=first + 100)
        elif self.status:
            condition &= Q(status=int(self.status))
        return condition


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Let a command take every filter as an option of its name, ``--client-id`` and so on."""
    group = parser.add_argument_group("filters")
    for parameter in PARAMETERS:
        group.add_argument(
            f"--{parameter.name.replace('_', '-')}",
            dest=_DESTINATION + parameter.name,
            metavar="VALUE",
            help=parameter.description.replace("%", "%%"),
        )


def from_arguments(options: Mapping[str, Any]) -> RecordFilter:
    """Return the filter that a command's options name.

    :raises InvalidFilter: a text breaks its rule
    """
    given = {parameter.name: options.get(_DESTINATION + parameter.name) for parameter in PARAMETERS}
    return RecordFilter.from_parameters(
        {name: text for name, text in given.items() if text is not None}
    )


def _text(name: str, text: str) -> str:
    if not text or len(text) > MAX_TEXT_LENGTH or not text.isprintable():
        raise InvalidFilter(
            name, "text", f"{name} must be 1 to {MAX_TEXT_LENGTH} printable characters."
        )
    return text


def _start(name: str, text: str) -> datetime:
    return _moment(name, text, whole_day=timedelta(0))


def _end(name: str, text: str) -> datetime:
    return _moment(name, text, whole_day=timedelta(days=1))


def _moment(name: str, text: str, *, whole_day: timedelta) -> datetime:
    """Return an instant to the millisecond; a day stands for its first moment and more."""
    try:
        day = _day(text)
        at = _instant(text) if day is None else day + whole_day
    except (ValueError, OverflowError):
        at = None
    if at is None or at < EARLIEST:
        raise InvalidFilter(
            name,
            "time",
            f"{name} must be an ISO 8601 day or instant, such as 2026-11-23 or"
            " 2026-11-23T09:30:00Z, not before 1970. In a URL, write + as %2B.",
        )
    return at


def _day(text: str) -> datetime | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _uuid(name: str, text: str) -> UUID:
    try:
        found = UUID(text)
    except ValueError:
        found = None
    if found is None or str(found) != text.lower():
        raise InvalidFilter(name, "uuid", f"{name} must be a request id (a UUID).")
    return found


def _uuids(name: str, text: str) -> tuple[UUID, ...]:
    parts = text.split(",")
    if len(parts) > MAX_IDS:
        raise InvalidFilter(name, "max_length", f"{name} takes {MAX_IDS} ids at most.")
    return tuple(dict.fromkeys(_uuid(name, part.strip()) for part in parts))


def _status(name: str, text: str) -> str:
    if not _STATUS.fullmatch(text):
        raise InvalidFilter(name, "status", f"{name} must be a status such as 404, or 4xx.")
    return text


def _problem_type(name: str, text: str) -> str:
    for slug, problem_type in problems.BY_SLUG.items():
        if text in (slug, problem_type.uri):
            return slug
    known = ", ".join(problems.BY_SLUG)
    raise InvalidFilter(name, "unknown_code", f"{name} must be one of: {known}.")


def _customer_id(name: str, text: str) -> str:
    if not is_public_id(text, "cust"):
        raise InvalidFilter(name, "pattern", f"{name} must be a customer's id, such as cust_123.")
    return text


def _written_time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _written_ids(ids: Sequence[UUID]) -> str:
    return ",".join(str(found) for found in ids)


PARAMETERS: tuple[Parameter, ...] = (
    Parameter(
        name="from",
        attribute="start",
        description="Received at this ISO 8601 instant or later; a day begins at 00:00 UTC.",
        read=_start,
        write=_written_time,
    ),
    Parameter(
        name="to",
        attribute="end",
        description="Received before this ISO 8601 instant; of a day, until its end in UTC.",
        read=_end,
        write=_written_time,
    ),
    Parameter(
        name="ids",
        attribute="ids",
        description=f"Request ids, up to {MAX_IDS}, with commas between them.",
        read=_uuids,
        write=_written_ids,
    ),
    Parameter(
        name="client_id",
        attribute="client_id",
        description="The OAuth2 client that made the request.",
        read=_text,
    ),
    Parameter(
        name="domain",
        attribute="domain",
        description="The domain that answered, such as finance.",
        read=_text,
    ),
    Parameter(
        name="operation",
        attribute="operation",
        description="The operation's id in the OpenAPI document, such as finance_realization.",
        read=_text,
    ),
    Parameter(
        name="status",
        attribute="status",
        description="The answer's status, such as 404; 4xx for all of that class.",
        read=_status,
    ),
    Parameter(
        name="problem_type",
        attribute="problem_type",
        description="The type of the problem that was answered: its URI, or the end of it.",
        read=_problem_type,
    ),
    Parameter(
        name="customer_id",
        attribute="customer_id",
        description="The customer that the request was about.",
        read=_customer_id,
    ),
    Parameter(
        name="idempotency_key",
        attribute="idempotency_key",
        description="The Idempotency-Key that was sent, without its quotes.",
        read=_text,
    ),
    Parameter(
        name="replay_batch",
        attribute="replay_batch",
        description="The name of the replay that the request was part of.",
        read=_text,
    ),
    Parameter(
        name="replay_of",
        attribute="replay_of",
        description="The request id of the original that was replayed.",
        read=_uuid,
    ),
)
NAMES = tuple(parameter.name for parameter in PARAMETERS)
_BY_NAME = {parameter.name: parameter for parameter in PARAMETERS}
_EQUAL = (
    "client_id", "domain", "operation", "problem_type", "customer_id", "idempotency_key",
    "replay_batch", "replay_of",
)  # fmt: skip
_NOT_SET = (None, "", ())
_DESTINATION = "filter_"  # keeps --from and --status apart from a command's own options
