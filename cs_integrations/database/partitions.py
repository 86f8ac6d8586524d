"""SQL for tables that are partitioned by the month of their UUIDv7 key."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

from cs_integrations.database.identifiers import first_request_id
from cs_integrations.database.roles import APPLICATION_ROLE


def months(first: date, count: int) -> Iterator[date]:
    """Yield the first days of ``count`` months, beginning with the month of ``first``."""
    for number in range(count):
        year, month = divmod(first.year * 12 + first.month - 1 + number, 12)
        yield date(year, month + 1, 1)


def partition_name(table: str, month: date) -> str:
    """Return the name of a month's partition, e.g. ``audit_record_2026_11``."""
    return f"{table}_{month:%Y_%m}"


def create_month(table: str, month: date) -> str:
    """Return SQL that adds a month's partition, guarded like its parent."""
    start, end = months(month, 2)
    name = partition_name(table, month)
    return (
        f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF {table}"
        f" FOR VALUES FROM ('{_bound(start)}') TO ('{_bound(end)}');"
        f" {guard_partition(name)}"
    )


def create_default(table: str) -> str:
    """Return SQL that adds the partition for months that nobody made: no record is lost."""
    name = f"{table}_default"
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


def _bound(month: date) -> str:
    return str(first_request_id(datetime(month.year, month.month, 1, tzinfo=UTC)))
