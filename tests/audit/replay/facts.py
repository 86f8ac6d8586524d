"""The facts of all domains, put back to what they were."""

from django.db import connection, transaction

_TABLES = """
SELECT quote_ident(tablename) FROM pg_tables
WHERE schemaname = 'public' AND tablename NOT LIKE 'audit\\_%' AND tablename <> 'django_migrations'
ORDER BY tablename
"""

Facts = dict[str, bytes]  # the rows of each table, as COPY writes them


def tables() -> list[str]:
    """Return every table that is not the trail's own."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        return [name for (name,) in cursor.fetchall()]


def taken() -> Facts:
    """Return all rows of all these tables."""
    rows = {}
    with connection.cursor() as cursor:
        for table in tables():
            with cursor.copy(f"COPY (SELECT * FROM {table} ORDER BY 1) TO STDOUT") as copy:
                rows[table] = b"".join(bytes(part) for part in copy)
    return rows


def put_back(facts: Facts) -> None:
    """Make the tables hold these rows and no others; sequences go on from where they are."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # TRUNCATE takes no pending checks
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute(f"TRUNCATE {', '.join(facts)}")
        for table, rows in facts.items():
            with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                copy.write(rows)
