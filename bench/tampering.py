"""Tamper with sealed records in every known way, a hundred times each, at random places.

    python bench/tampering.py [--times 100] [--records 2000]

Works in the database that the settings name, as its owner; each change is rolled back. Prints
how often verification named just what was done. Exit code 1 if it ever failed to.
"""

# ruff: noqa: E402 - the settings are named before Django is imported

import argparse
import os
import sys
import time
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cs_integrations.settings")

import django

django.setup()

from django.db import connection, transaction

from cs_integrations.database import roles
from tests.audit import tampering


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--records", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=20261123)
    given = parser.parse_args()
    random = Random(given.seed)  # noqa: S311 - places to try, not secrets
    sample = tampering.make_sample(given.records, in_batches_of=max(given.records // 16, 2))
    honest = tampering.verified(kept=[sample.newest])
    print(f"{len(sample.ids):,} honest records: {sum(honest.counts.values())} alarms")
    missed = 0 if honest.is_clean else 1
    with roles.as_owner(connection):
        for name, way in tampering.WAYS.items():
            found, start = 0, time.monotonic()
            for _ in range(given.times):
                found += _try(way, sample, random)
            missed += given.times - found
            each_ms = (time.monotonic() - start) / given.times * 1000
            print(f"{name:<32} found {found:>4} of {given.times}  {each_ms:6.0f} ms each")
            sys.stdout.flush()
    return 1 if missed else 0


def _try(way: tampering.Way, sample: tampering.Sample, random: Random) -> bool:
    with transaction.atomic():
        expected = way(sample, random)
        report = tampering.verified(kept=[sample.newest])
        transaction.set_rollback(True)
    return tampering.is_found(expected, report)


if __name__ == "__main__":
    sys.exit(main())
