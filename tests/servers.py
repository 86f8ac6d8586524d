"""The service as production runs it: gunicorn in a process of its own, on the test database."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from urllib.parse import quote, urlsplit

import psutil
from django.conf import settings
from django.db import connection
from django.http import HttpResponse

from tests import contract

START_TIMEOUT_S = 60


def database_url() -> str:
    """Return the address of the database that the tests are using."""
    login = connection.settings_dict
    host, port = quote(login["HOST"], safe=""), login["PORT"]
    user, password = quote(login["USER"]), quote(login["PASSWORD"] or "")
    return f"postgresql://{user}:{password}@{host}:{port}/{login['NAME']}"


@dataclass
class Server:
    port: int
    master: "subprocess.Popen[bytes]"

    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.master.pid).children()

    def request(self, method: str, path: str, *, body: bytes | None = None, **headers: str):
        """Send one request over a connection of its own; return status, headers and body.

        :raises OSError, HTTPException: the server went away before it answered
        """
        caller = HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            caller.request(method, path, body=body, headers=headers)
            answer = caller.getresponse()
            content = answer.read()
            received = HttpResponse(content, status=answer.status, headers=dict(answer.headers))
            contract.check(method, urlsplit(path).path, received)
            return answer.status, answer.headers, content
        finally:
            caller.close()


@contextmanager
def serving(**environment: str) -> Iterator[Server]:
    """Run the service until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "--config",
        "gunicorn.conf.py",
    ]
    variables = {**os.environ, "DATABASE_URL": database_url(), "PORT": str(port), **environment}
    master = subprocess.Popen(  # noqa: S603 - our own command
        [*command, "cs_integrations.wsgi"], cwd=settings.BASE_DIR, env=variables
    )
    server = Server(port, master)
    try:
        _wait_until_ready(server)
        yield server
    finally:
        master.terminate()
        master.wait(timeout=30)


def _wait_until_ready(server: Server) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            if server.request("GET", "/readyz")[0] == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("the server did not become ready")
