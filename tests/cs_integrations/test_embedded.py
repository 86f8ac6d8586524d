"""The embedded server stops with the last process that uses it, however that process ends."""

import os
import subprocess
import sys

import psutil
import pytest
from django.conf import settings

KILL_ITSELF = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"


@pytest.fixture
def manage(tmp_path):
    """Run a command on a data folder of its own, as a process of its own."""
    environment = {**os.environ, "CS_DATA_DIR": str(tmp_path / "data"), "DATABASE_URL": ""}

    def run(*arguments: str) -> int:
        finished = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "manage.py", *arguments],
            cwd=settings.BASE_DIR,
            env=environment,
            capture_output=True,
            check=False,
            timeout=120,
        )
        return finished.returncode

    yield run
    run("check")


def servers(folder):
    return [
        process
        for process in psutil.process_iter(["name", "cmdline"])
        if process.info["name"] == "postgres"
        and str(folder) in " ".join(process.info["cmdline"] or ())
    ]


def test_it_outlives_a_killed_process_but_not_the_next_that_ends(manage, tmp_path):
    assert manage("check") == 0
    assert servers(tmp_path) == []

    assert manage("shell", "--command", KILL_ITSELF) != 0
    assert servers(tmp_path) != []

    assert manage("check") == 0
    assert servers(tmp_path) == []
