"""Objects by their public id."""

from typing import TypeVar

from django.db.models import Model, QuerySet

from cs_integrations.database.identifiers import is_public_id
from cs_integrations.refusals import InvalidMember, UnknownObject

Row = TypeVar("Row", bound=Model)


def find(rows: QuerySet[Row], public_id: str) -> Row:
    """Return the object that a path names.

    :raises UnknownObject: the id is malformed or names nothing
    """
    found = _first(rows, public_id)
    if found is None:
        raise UnknownObject(f"There is no {_kind(rows)} with this id.")
    return found


def find_in_body(rows: QuerySet[Row], public_id: str, *, pointer: str) -> Row:
    """Return the object that a member of the body names.

    :raises InvalidMember: the id names nothing
    """
    found = _first(rows, public_id)
    if found is None:
        raise InvalidMember(
            f"There is no {_kind(rows)} with this id.", pointer=pointer, rule="exists"
        )
    return found


def _first(rows: QuerySet[Row], public_id: str) -> Row | None:
    # A malformed id may hold what PostgreSQL refuses, so it never gets there.
    prefix: str = rows.model.ID_PREFIX  # type: ignore[attr-defined]
    if not is_public_id(public_id, prefix):
        return None
    return rows.filter(public_id=public_id).first()


def _kind(rows: QuerySet[Row]) -> str:
    return str(rows.model._meta.verbose_name)  # noqa: SLF001 - Django's documented model API
