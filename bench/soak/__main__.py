"""Run the soak on a database of its own; exit with 1 if a rule was broken."""

import argparse
import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

import django
from django.core.management import call_command


def main() -> int:
    """Make a database, load the demo, make the calls, and print the account."""
    arguments = _arguments()
    _own_database(arguments.data)
    django.setup()
    # They hold models, which need the settings.
    from bench.soak import checks, report, running  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    call_command("seed", light=True)
    run = running.run(
        requests=arguments.requests,
        callers=arguments.callers,
        seed=arguments.seed,
        kill_every_s=arguments.kill_every,
        tell=lambda line: print(line, file=sys.stderr),
    )
    account = checks.examine(run)
    for line in report.lines(run, account):
        print(line)
    return 1 if account.broken else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--callers", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kill-every", type=float, default=1.5, help="seconds; 0: no kills")
    parser.add_argument("--data", type=Path, help="keep the database in this new folder")
    return parser.parse_args()


def _own_database(folder: Path | None) -> None:
    """Point the settings at an empty embedded database, which goes when the process ends."""
    if folder is None:
        folder = Path(tempfile.mkdtemp(prefix="soak-"))
        # Registered before the server's own end, so it comes after it.
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "cs_integrations.settings",
        "CS_DATA_DIR": str(folder),
        "DATABASE_URL": "",
        "DATABASE_OWNER_URL": "",
        "REDIS_URL": "",
    }


if __name__ == "__main__":
    sys.exit(main())
