"""Many writers, one sealer beside them, then a verification: an honest trail raises no alarm.

    python bench/honest_writers.py [--records 1000000] [--writers 16] [--every 2s]

Records are written as the service writes them, in transactions of random length, some undone.
Prints the rate, the longest time a record waited for its seal, and what verification says.
Exit code 1 on any alarm.
"""

# ruff: noqa: E402 - the settings are named before Django is imported

import argparse
import os
import re
import subprocess
import sys
import time
from multiprocessing import get_context
from pathlib import Path
from random import Random
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cs_integrations.settings")

import django
from django.db import connection, transaction
from django.utils import timezone

MAX_IN_TRANSACTION = 20
LONGEST_PAUSE_S = 0.05
UNDONE = 0.02  # of the transactions


def write(number: int, count: int) -> int:
    """Write records until ``count`` are committed; return how many those are."""
    django.setup()
    from tests.audit import records, tampering  # noqa: PLC0415 - the settings are set up by now

    random = Random(number)  # noqa: S311 - lengths to try, not secrets
    written = 0
    while written < count:
        length = min(random.randint(1, MAX_IN_TRANSACTION), count - written)
        with transaction.atomic():
            for place in range(length):
                body = tampering.kept_body(place) if place % 2 else None
                records.written(at=timezone.now(), body=body, client_name=f"writer {number}")
            if random.random() < UNDONE:
                transaction.set_rollback(True)
                continue
            if random.random() < UNDONE:
                time.sleep(random.random() * LONGEST_PAUSE_S)
        written += length
    connection.close()
    return written


def _wait_until_sealing() -> None:
    """Wait for the sealer's first batch: its start is not what is measured."""
    from tests.audit import records, seals  # noqa: PLC0415 - the settings are set up by now

    before = seals.newest_number()
    records.written(at=timezone.now())
    seals.eventually(lambda: seals.newest_number() > before)
    connection.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--writers", type=int, default=16)
    parser.add_argument("--every", default="2s")
    given = parser.parse_args()
    django.setup()
    from audit import keys  # noqa: PLC0415 - the settings are set up by now
    from audit.proof import sealing, verification  # noqa: PLC0415

    connection.ensure_connection()
    connection.close()  # nothing is shared with the writers
    sealer = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "manage.py", "audit_seal", "--every", given.every],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    _wait_until_sealing()
    share = given.records // given.writers
    start = time.monotonic()
    with get_context("spawn").Pool(given.writers) as pool:
        written = sum(pool.starmap(write, [(number, share) for number in range(given.writers)]))
    took_s = time.monotonic() - start
    print(f"wrote   {written:,} records by {given.writers} processes: {written / took_s:,.0f}/s")
    time.sleep(float(given.every.rstrip("s")) + 1)
    sealer.terminate()
    said, _ = sealer.communicate()
    waits_s = [float(wait) for wait in re.findall(r"waited ([\d.]+) s", said)][1:]
    sealing.seal(at=timezone.now())
    waits_s.sort()
    print(
        f"sealed  {len(waits_s)} times at --every {given.every}; the oldest record waited"
        f" {median(waits_s):.1f} s (median), {max(waits_s):.1f} s (longest)"
    )
    start = time.monotonic()
    report = verification.verify(trusted=keys.public_keys())
    took_s = time.monotonic() - start
    alarms = sum(report.counts.values())
    seen = report.records + report.unsealed
    print(f"verify  {seen:,} records in {took_s:.1f} s: {seen / took_s:,.0f}/s")
    print(f"alarms  {alarms}; {report.unsealed:,} not sealed")
    for finding in report.findings[:20]:
        print(finding)
    return 1 if alarms or report.unsealed else 0


if __name__ == "__main__":
    sys.exit(main())
