"""The months of the trail's tables: made ahead of time, or afterwards if nobody did.

A record of a month that nobody made is not lost: it falls into the default partition, and
:func:`empty_default` moves it on.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from audit.owner import briefly_waiting
from cs_integrations.database import partitions

RECORDS = "audit_record"
BODIES = "audit_body"
TABLES = (RECORDS, BODIES)
MONTHS_AHEAD = 36  # this month among them
_LEAST_ID = UUID(int=0)
_PARTITIONS = """
SELECT child.relname FROM pg_inherits
JOIN pg_class AS child ON child.oid = inhrelid
WHERE inhparent = to_regclass(%s)
"""


def make_missing(trail: BaseDatabaseWrapper, *, today: date, is_dry_run: bool = False) -> list[str]:
    """Make the partitions of this month and of those ahead that are not there yet.

    A month whose records lie in the default partition is passed over. Returns the names of
    what was made, or would be. Waits for locks as long as the connection's settings say.
    """
    made = []
    for table in TABLES:
        present = _partitions(trail, table)
        if not present:
            continue  # the trail is not migrated
        for month in partitions.months(today, MONTHS_AHEAD):
            name = partitions.partition_name(table, month)
            if name not in present and (is_dry_run or _is_made(trail, table, month)):
                made.append(name)
    return made


def present(table: str) -> list[date]:
    """Return the months that have a partition, in order."""
    prefix = f"{table}_"
    default = partitions.default_name(table)
    return sorted(
        datetime.strptime(name.removeprefix(prefix), "%Y_%m").replace(tzinfo=UTC).date()
        for name in _partitions(connection, table)
        if name != default
    )


def waiting(table: str) -> list[date]:
    """Return the months of the records in the default partition, in order.

    Leaves out ids that are later than any month, which no service makes.
    """
    found: list[date] = []
    lowest = _LEAST_ID
    query = f"SELECT id FROM {partitions.default_name(table)} WHERE id >= %s ORDER BY id LIMIT 1"
    with connection.cursor() as cursor:
        while True:
            cursor.execute(query, [lowest])
            row = cursor.fetchone()
            month = partitions.month_of(row[0]) if row else None
            if month is None:
                return found
            found.append(month)
            _, lowest = partitions.bounds(month)


def empty_default(table: str, *, months: Collection[date]) -> int:
    """Move the records of these months out of the default partition; return how many moved.

    One transaction under the owner's role, in which nobody else reads or writes the table: a
    new default partition takes the place of the old one, the missing months are made, and all
    records are inserted again, their columns unchanged and ``xact`` among them.

    :raises TrailBusy: the table was not had in time
    """
    default = partitions.default_name(table)
    emptied = f"{default}_emptied"
    with briefly_waiting(), connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DETACH PARTITION {default}")
        cursor.execute(f"ALTER TABLE {default} RENAME TO {emptied}")
        cursor.execute(partitions.create_default(table))
        for month in months:
            cursor.execute(partitions.create_month(table, month))
        cursor.execute(f"INSERT INTO {table} SELECT * FROM {emptied}")
        moved = int(cursor.rowcount)
        cursor.execute(f"SELECT count(*) FROM {default}")
        (left,) = cursor.fetchone() or (0,)
        cursor.execute(f"DROP TABLE {emptied}")
    return moved - int(left)


def keep_in_place() -> None:
    """Let no month be moved or dropped until the transaction that is open ends.

    For whoever must see all records; to be called before the transaction's first query. COPY
    looks for rows as of before it waits for a table: it would see records that were moved
    meanwhile neither where they were nor where they are.
    """
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE ONLY audit_record, ONLY audit_body IN ACCESS SHARE MODE")


@contextmanager
def in_place() -> Iterator[None]:
    """Be in a transaction that sees every record, each where it is."""
    with transaction.atomic():
        keep_in_place()
        yield


def after_migrate(*, using: str, **_kwargs: Any) -> None:
    """Receive ``post_migrate``."""
    make_missing(connections[using], today=datetime.now(UTC).date())


def _partitions(trail: BaseDatabaseWrapper, table: str) -> set[str]:
    with trail.cursor() as cursor:
        cursor.execute(_PARTITIONS, [table])
        return {name for (name,) in cursor.fetchall()}


def _is_made(trail: BaseDatabaseWrapper, table: str, month: date) -> bool:
    try:
        with transaction.atomic(using=trail.alias), trail.cursor() as cursor:
            cursor.execute(partitions.create_month(table, month))
    except IntegrityError:  # the default partition holds records of this month
        return False
    return True
