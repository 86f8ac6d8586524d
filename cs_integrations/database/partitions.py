"""Tables that are partitioned by the month of their UUIDv7 key: their months, and SQL for them."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from cs_integrations.database.identifiers import first_request_id
from cs_integrations.database.roles import APPLICATION_ROLE

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME_SHIFT = 80  # bits of a UUIDv7 that follow its milliseconds
_LAST_MONTH = date(9999, 12, 1)  # whose end no date can name


def months(first: date, count: int) -> Iterator[date]:
    """Yield the first days of ``count`` months, beginning with the month of ``first``."""
    for number in range(count):
        year, month = divmod(first.year * 12 + first.month - 1 + number, 12)
        yield date(year, month + 1, 1)


def start_of(month: date) -> datetime:
    """Return the first moment of a month, in UTC."""
    return datetime(month.year, month.month, 1, tzinfo=UTC)


def end_of(month: date) -> datetime:
    """Return the first moment after a month, in UTC."""
    _, following = months(month, 2)
    return start_of(following)


def bounds(month: date) -> tuple[UUID, UUID]:
    """Return the smallest id of a month, and the smallest one after it."""
    return first_request_id(start_of(month)), first_request_id(end_of(month))


def month_of(record_id: UUID) -> date | None:
    """Return the month whose partition takes this id; None if no partition can."""
    try:
        at = _EPOCH + timedelta(milliseconds=record_id.int >> _TIME_SHIFT)
    except OverflowError:
        return None
    month = at.date().replace(day=1)
    if month >= _LAST_MONTH:
        return None
    start, _ = bounds(month)
    # An id of a month's first moment that is no UUIDv7 may lie before it.
    return month if record_id >= start else (month - timedelta(days=1)).replace(day=1)


def partition_name(table: str, month: date) -> str:
    """Return the name of a month's partition, e.g. ``audit_record_2026_11``."""
    return f"{table}_{month:%Y_%m}"


def default_name(table: str) -> str:
    """Return the name of the partition for what falls outside the months."""
    return f"{table}_default"


def create_month(table: str, month: date) -> str:
    """Return SQL that adds a month's partition, guarded like its parent.

    For one transaction. The partition is made first and attached then: unlike ``PARTITION OF``
    this lets reads and inserts in the other months go on. It fails on a check if the default
    partition holds rows of the month.
    """
    start, end = bounds(month)
    name = partition_name(table, month)
    return (
        f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL); {guard_partition(name)}"
        f" ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{start}') TO ('{end}');"
    )


def create_default(table: str) -> str:
    """Return SQL that adds the partition for months that nobody made: no record is lost."""
    name = default_name(table)
    return (
        f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF {table} DEFAULT; {guard_partition(name)}"
    )


def guard_partition(name: str) -> str:
    """Return SQL that closes a partition to all but reads and inserts through its parent.

    Row triggers come down from the parent, truncate triggers and grants do not.
    """
    return (
        f"REVOKE ALL ON {name} FROM {APPLICATION_ROLE};"
        f" DROP TRIGGER IF EXISTS only_grows_truncate ON {name};"
        f" CREATE TRIGGER only_grows_truncate BEFORE TRUNCATE ON {name}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows();"
    )
