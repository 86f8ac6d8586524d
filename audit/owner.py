"""Work that only the owner of the trail may do: making and dropping months, holds, erasing."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction

from cs_integrations.database import roles

# Requests wait behind a lock that waits. Theirs is 5 s: they must outlast ours.
LOCK_TIMEOUT_MS = 2_000
_NOT_HAD_IN_TIME = frozenset({"55P03", "40P01"})  # lock_not_available, deadlock_detected
_IS_OWNER = """
SELECT pg_has_role(current_user, relowner, 'USAGE') FROM pg_class
WHERE oid = 'audit_record'::regclass
"""


class Refused(Exception):
    """The work was not done; the message says why, for the operator."""


class NotTheOwner(Refused):
    """The login of ``DATABASE_OWNER_URL`` does not own the trail, or cannot log in."""


class TrailBusy(Refused):
    """Others are using the tables, and were not made to wait."""


@contextmanager
def as_owner() -> Iterator[None]:
    """Work as the owner of the trail inside the block.

    :raises NotTheOwner: the configured login is not
    """
    with roles.as_owner(connection):
        login = connection.settings_dict["USER"]
        try:
            with connection.cursor() as cursor:
                cursor.execute(_IS_OWNER)
                (is_owner,) = cursor.fetchone() or (False,)
        except OperationalError as error:
            raise NotTheOwner(f"{login} of DATABASE_OWNER_URL cannot log in: {error}") from error
        if not is_owner:
            raise NotTheOwner(f"{login} does not own the trail; set DATABASE_OWNER_URL")
        yield


@contextmanager
def briefly_waiting() -> Iterator[None]:
    """Open a transaction that waits two seconds at most for each of its locks.

    :raises TrailBusy: one was not had; nothing was changed
    """
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
            yield
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") in _NOT_HAD_IN_TIME:
            raise TrailBusy(
                "the trail is in use, by an export or a long transaction; nothing was changed,"
                " try again"
            ) from error
        raise
