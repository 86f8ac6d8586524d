"""Two roles: an owner that migrates, and the application's, which serves and owns nothing.

A superuser or a table's owner passes every guard of the audit trail, so requests are never
served as one. Connections start with ``role=cs_application``; ``migrate`` and retention
switch to the owner with :func:`as_owner`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper

APPLICATION_ROLE = "cs_application"
STATEMENT_TIMEOUT_MS = 10_000
LOCK_TIMEOUT_MS = 5_000
IDLE_IN_TRANSACTION_TIMEOUT_MS = 15_000

CREATE_ROLE = f"""
DO $$
BEGIN
    CREATE ROLE {APPLICATION_ROLE} NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;  -- another database of this server, or another process, was first
END
$$
"""

_DEFAULT_PRIVILEGES = f"""
GRANT USAGE ON SCHEMA public TO {APPLICATION_ROLE};
ALTER DEFAULT PRIVILEGES IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {APPLICATION_ROLE};
ALTER DEFAULT PRIVILEGES IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO {APPLICATION_ROLE}
"""


def serving_options() -> str:
    """Return the start-up options of a connection that serves requests."""
    return (
        f"-c role={APPLICATION_ROLE}"
        f" -c statement_timeout={STATEMENT_TIMEOUT_MS}"
        f" -c lock_timeout={LOCK_TIMEOUT_MS}"
        f" -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_TIMEOUT_MS}"
    )


def use_owner(connection: BaseDatabaseWrapper) -> dict[str, Any]:
    """Let the connection log in as the owner from now on; return its settings of before."""
    before = dict(connection.settings_dict)
    _reconnect(connection, before | _owner_login() | {"OPTIONS": _owner_options(before)})
    return before


def use_application(connection: BaseDatabaseWrapper) -> dict[str, Any]:
    """Let the connection serve as the application from now on; return its settings of before."""
    before = dict(connection.settings_dict)
    options = {**before["OPTIONS"], "options": serving_options()}
    _reconnect(connection, before | {"OPTIONS": options})
    return before


def use_settings(connection: BaseDatabaseWrapper, settings_dict: dict[str, Any]) -> None:
    """Let the connection use these settings from now on, but stay on its database."""
    _reconnect(connection, settings_dict | {"NAME": connection.settings_dict["NAME"]})


@contextmanager
def as_owner(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Work as the owner inside the block."""
    before = use_owner(connection)
    try:
        yield
    finally:
        use_settings(connection, before)


def ensure_roles(connection: BaseDatabaseWrapper, *, login: str) -> None:
    """Create the application's role and let ``login`` take it; safe to repeat.

    Runs before the first migration, so that every table is born with the right privileges.
    """
    with connection.cursor() as cursor:
        cursor.execute(CREATE_ROLE)
        cursor.execute(_DEFAULT_PRIVILEGES)
        cursor.execute(
            "SELECT rolsuper OR pg_has_role(oid, %s, 'MEMBER') FROM pg_roles WHERE rolname = %s",
            [APPLICATION_ROLE, login],
        )
        found = cursor.fetchone()
        if found and not found[0]:
            cursor.execute(f"GRANT {APPLICATION_ROLE} TO {connection.ops.quote_name(login)}")


def _owner_login() -> dict[str, Any]:
    login: dict[str, Any] = settings.DATABASE_OWNER_LOGIN
    return login


def _owner_options(before: dict[str, Any]) -> dict[str, Any]:
    serving_only = {"options", "pool"}
    return {name: value for name, value in before["OPTIONS"].items() if name not in serving_only}


def _reconnect(connection: BaseDatabaseWrapper, settings_dict: dict[str, Any]) -> None:
    connection.close()
    if connection.settings_dict["OPTIONS"].get("pool"):
        connection.close_pool()  # type: ignore[attr-defined]
    connection.settings_dict.clear()
    connection.settings_dict.update(settings_dict)
