"""Many rows at once, through PostgreSQL's COPY."""

from collections.abc import Iterable, Sequence
from typing import Any, cast

import psycopg
from django.core.exceptions import FieldDoesNotExist
from django.db import connection, models
from psycopg import sql


def copy_rows(
    model: type[models.Model], fields: Sequence[str], rows: Iterable[Sequence[object]]
) -> int:
    """Append rows to a model's table and return how many there were.

    ``fields`` are the model's attribute names (``customer_id``, not ``customer``); each row
    holds their values in the same order, as PostgreSQL takes them (dates, ``Decimal``, text;
    JSON as text). COPY takes the fast way: no ``save()``, no signals, no validators and no
    defaults of the model, so every column without a default of the database must be named.
    Constraints of the table do hold. The rows join the transaction that is open.

    :raises django.core.exceptions.FieldDoesNotExist: a name is not a field of the model
    :raises django.db.IntegrityError: a row breaks a constraint; none is kept
    """
    statement = sql.SQL("COPY {table} ({columns}) FROM STDIN").format(
        table=sql.Identifier(model._meta.db_table),  # noqa: SLF001 - Django's documented model API
        columns=sql.SQL(", ").join([sql.Identifier(_column(model, name)) for name in fields]),
    )
    count = 0
    with connection.cursor() as wrapped, connection.wrap_database_errors:
        cursor = cast("psycopg.Cursor[Any]", wrapped)
        with cursor.copy(statement) as copy:
            for count, row in enumerate(rows, start=1):  # noqa: B007 - the last number is the count
                copy.write_row(row)
    return count


def _column(model: type[models.Model], name: str) -> str:
    field = model._meta.get_field(name)  # noqa: SLF001 - Django's documented model API
    column = getattr(field, "column", None)
    if column is None:  # a relation that is stored elsewhere
        raise FieldDoesNotExist(f"{model.__name__}.{name} has no column")
    return str(column)
