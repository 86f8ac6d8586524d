"""The months of the trail's tables, made ahead of time."""

from datetime import UTC, datetime
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from cs_integrations.database import partitions

TABLES = ("audit_record", "audit_body")
MONTHS_AHEAD = 36


def make_missing(connection: BaseDatabaseWrapper) -> None:
    """Make the partitions of this month and of those ahead that are not there yet.

    Runs with each ``migrate``, so that an installation that is kept up to date never comes to
    the end of its months. What falls outside them goes to the default partition.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relid::regclass::text FROM unnest(%s::regclass[]) AS parent,"
            " pg_partition_tree(parent)",
            [list(TABLES)],
        )
        present = {name for (name,) in cursor.fetchall()}
        for table in TABLES:
            for month in partitions.months(datetime.now(UTC).date(), MONTHS_AHEAD):
                if partitions.partition_name(table, month) not in present:
                    cursor.execute(partitions.create_month(table, month))


def after_migrate(*, using: str, **_kwargs: Any) -> None:
    """Receive ``post_migrate``."""
    make_missing(connections[using])
