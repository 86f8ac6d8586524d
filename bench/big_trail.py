"""A large trail: how long the usual questions take, and how much memory an export.

    python bench/big_trail.py [--records 10000000] [--exported 1000000] [--keep]

Fills a database of its own on the embedded server with twelve months of records, of which those
of the last days are authenticated and sealed as the service does it, and the others only look
like it: for them the database is measured and not the proof. Prints what each question of the
API and the admin takes in the database (planning and execution), then exports the sealed ones in
a fresh process. Exit code 1 when a question takes 20 ms or an export 150 MB.
"""

# ruff: noqa: E402 - the settings are named before Django is imported

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cs_integrations.settings")

import django

django.setup()

from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from audit import canonical, keys
from audit.models import AuditBatch, AuditRecord
from audit.proof import sealing
from audit.reading import exporting, paging
from audit.reading.exporting import Format
from audit.reading.filters import RecordFilter
from cs_integrations.database import partitions, roles
from tests.audit import records

DATABASE = "cs_integrations_big_trail"
MAX_QUESTION_MS, MAX_EXPORT_MB = 20, 150
MONTHS, CLIENTS, CUSTOMERS = 12, 40, 2000
DOMAINS = ("marketing", "sales", "product", "finance", "operations")
REPEATS = 5
UNHURRIED = "SET statement_timeout = 0; SET synchronous_commit = off"
COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_TRAILER = b"\xff\xff"
LINE = "{:<46}{:>12}"

# An id is made as identifiers.new_request_id makes it: milliseconds, version, chance.
FILL = """
INSERT INTO audit_record (
    record_format, id, received_at, answered_at, body_sha256, status, request_bytes,
    request_sha256, response_bytes, response_sha256, is_streamed, client_id, client_name,
    staff_user, scopes_held, scope_needed, decision, domain, operation, route, method, path,
    query, customer_id, object_ids, problem_type, limit_policy, limit_remaining,
    idempotency_key, idempotency_outcome, address, user_agent, client_request_id, traceparent,
    code_version, replay_batch, replay_mode, replay_operator, mac_key, mac)
SELECT 1,
    (lpad(to_hex(milliseconds), 12, '0') || '7' || substr(chance, 1, 3) || 'a'
     || substr(chance, 4, 15))::uuid,
    to_timestamp(milliseconds / 1000.0), to_timestamp((milliseconds + 12) / 1000.0), '',
    status, 180, sha256(chance::bytea), 420, sha256(path::bytea), false,
    'client_' || client, 'Client ' || client, '', 'cs-' || domain || '.read',
    'cs-' || domain || '.read', 'allowed', domain, domain || '_question',
    'v1/cs-integrations/' || domain || '/question/<str:customer_id>', method, path, '',
    'cust_' || customer, ARRAY['cust_' || customer, 'deal_' || customer * 7 + n %% 7],
    CASE status WHEN 404 THEN 'not-found' WHEN 429 THEN 'rate-limit' WHEN 400
        THEN 'validation-error' WHEN 503 THEN 'unavailable' ELSE '' END,
    'cs-' || domain, 17,
    CASE method WHEN 'POST' THEN 'key-' || n ELSE '' END,
    CASE method WHEN 'POST' THEN 'new' ELSE '' END,
    '10.0.' || client || '.7', 'python-requests/2.32', '', '', '0.1.0', '', '', '', %(key)s,
    decode(repeat('00', 32), 'hex')
FROM (
    SELECT n, client, customer, domain, method, milliseconds, chance,
        '/v1/cs-integrations/' || domain || '/question/cust_' || customer AS path,
        CASE WHEN luck < 0.03 THEN 404 WHEN luck < 0.045 THEN 429 WHEN luck < 0.05 THEN 400
            WHEN luck < 0.051 THEN 503 WHEN method = 'POST' THEN 201 ELSE 200 END AS status
    FROM (
        SELECT n, (%(clients)s * random() ^ 2)::int AS client,
            (%(customers)s * random())::int AS customer, random() AS luck, md5(n::text) AS chance,
            (ARRAY['marketing', 'sales', 'product', 'finance', 'operations'])[n %% 5 + 1] AS domain,
            CASE WHEN n %% 4 = 0 THEN 'POST' ELSE 'GET' END AS method,
            %(start)s + (n - %(first)s) * (%(end)s - %(start)s) / %(count)s AS milliseconds
        FROM generate_series(%(first)s, %(first)s + %(count)s - 1) AS n
    ) AS drawn
) AS made
"""


@contextmanager
def own_database(*, is_kept: bool) -> Iterator[None]:
    """Work in a fresh database of the same server, dropped at the end unless it is kept."""
    served = connection.settings_dict["NAME"]
    as_owner(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
    as_owner(f"CREATE DATABASE {DATABASE}")
    use(DATABASE)
    try:
        call_command("migrate", verbosity=0)
        yield
    finally:
        use(served)
        if not is_kept:
            as_owner(f"DROP DATABASE {DATABASE} WITH (FORCE)")


def use(name: str) -> None:
    connection.close()
    connection.settings_dict["NAME"] = name


def as_owner(*statements: str) -> None:
    with roles.as_owner(connection), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def seal_some(count: int, *, until: datetime) -> datetime:
    """Add records of the last days as the service would, and seal them; return their first time."""
    start = until - timedelta(days=20)
    step = (until - start) / count
    random = Random(1)  # noqa: S311 - invented facts
    with connection.cursor() as cursor:
        cursor.execute(UNHURRIED)
        columns = ", ".join(canonical.LEAF_NAMES)
        with cursor.copy(f"COPY audit_record ({columns}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(COPY_HEADER)
            for number in range(count):
                copy.write(one_row(start + number * step, random))
            copy.write(COPY_TRAILER)
    while not AuditBatch.objects.filter(total__gte=count).exists():
        sealing.seal(at=timezone.now())
    return start


def one_row(at: datetime, random: Random) -> bytes:
    customer, client = f"cust_{random.randrange(CUSTOMERS)}", random.randrange(CLIENTS)
    domain = random.choice(DOMAINS)
    packed = canonical.packed(
        records.values(
            at=at, client_id=f"client_{client}", client_name=f"Client {client}",
            scopes_held="cs-sales.read", scope_needed="cs-sales.read", domain=domain,
            operation=f"{domain}_question", customer_id=customer, object_ids=[customer],
            route="v1/cs-integrations/sales/expansion/<str:customer_id>",
            path=f"/v1/cs-integrations/sales/expansion/{customer}", address="10.0.1.7",
            user_agent="python-requests/2.32", request_sha256=bytes(32),
            response_sha256=random.randbytes(32), response_bytes=420, code_version="0.1.0",
        )
    )  # fmt: skip
    return len(canonical.LEAF_NAMES).to_bytes(2) + canonical.leaf(packed, keys.mac(packed))


def fill(count: int, *, months: list[date]) -> None:
    """Add the bulk of the records, a month at a time, oldest first."""
    first = 1
    for number, month in enumerate(months):
        share = count * (number + 1) // len(months) - count * number // len(months)
        (following,) = list(partitions.months(month, 2))[1:]
        with connection.cursor() as cursor:
            cursor.execute(UNHURRIED)
            cursor.execute(
                FILL,
                {
                    "clients": CLIENTS, "customers": CUSTOMERS, "first": first, "count": share,
                    "start": milliseconds(month), "end": milliseconds(following),
                    "key": keys.mac_key_id(),
                },
            )  # fmt: skip
        first += share


def milliseconds(day: date) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


@contextmanager
def without_indexes() -> Iterator[None]:
    """Build the indexes after the records: in one go, as dense as after years of maintenance."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, replace(indexdef, ' ON ONLY ', ' ON ') FROM pg_indexes"
            " WHERE tablename = 'audit_record' AND indexname <> 'audit_record_pkey'"
        )
        found = cursor.fetchall()
    as_owner(*(f"DROP INDEX {name}" for name, _ in found))
    yield
    as_owner("SET maintenance_work_mem = '512MB'", *(text for _, text in found))
    as_owner("VACUUM ANALYZE audit_record")


def questions(month: date) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield what is asked of the trail, by name, as the code asks it."""
    everything = AuditRecord.objects.defer("mac", "xact")
    some = everything.filter(idempotency_key__gt="key-5").order_by("id")[1000]
    (following,) = list(partitions.months(month, 2))[1:]
    in_month = {"from": month.isoformat(), "to": (following - timedelta(days=1)).isoformat()}

    def newest(**parameters: str) -> Callable[[], Any]:
        matching = RecordFilter.from_parameters(parameters).matching(everything)
        return lambda: matching.order_by("-id")[: paging.DEFAULT_LIMIT + 1]

    yield "one record by id", lambda: everything.filter(pk=some.pk)
    yield "the newest 50", newest()
    yield (
        "50 before a cursor, in the middle",
        lambda: everything.filter(id__lt=some.pk).order_by("-id")[: paging.DEFAULT_LIMIT + 1],
    )
    yield "the newest 50 of a client in a month", newest(client_id="client_7", **in_month)
    yield "the newest 50 of a client", newest(client_id="client_7")
    yield "the newest 50 of a customer", newest(customer_id="cust_77")
    yield "the newest 50 refusals", newest(status="4xx")
    yield "the newest 50 faults of ours", newest(status="5xx")
    yield "the newest 50 of a problem type", newest(problem_type="rate-limit")
    yield "one idempotency key", newest(idempotency_key=some.idempotency_key)
    yield "replays of a batch", newest(replay_batch="nightly")
    yield "the newest 50 of a domain", newest(domain="finance")
    yield (
        "an object's id, in the admin",
        lambda: everything.filter(object_ids__contains=[some.object_ids[-1]]).order_by("-id")[
            : paging.DEFAULT_LIMIT + 1
        ],
    )


def time_in_database(query: Any) -> float:
    """Return the median of planning and execution together, in ms."""
    taken = []
    for _ in range(REPEATS):
        sql, parameters = query.query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", parameters)
            (plan,) = cursor.fetchone()[0]
        taken.append(plan["Planning Time"] + plan["Execution Time"])
    return statistics.median(taken)


def ask(month: date) -> bool:
    """Print the time of each question; say whether all were answered in time."""
    slowest = 0.0
    for name, question in questions(month):
        taken = time_in_database(question())
        slowest = max(slowest, taken)
        print(LINE.format(name, f"{taken:.2f} ms"))
    return slowest < MAX_QUESTION_MS


def export_apart(start: datetime) -> bool:
    """Export in a process of its own; say whether that stayed small."""
    command = [sys.executable, __file__, "--only-export", start.isoformat()]
    begun = time.monotonic()
    run = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    count, megabytes = run.stdout.split()
    taken = time.monotonic() - begun
    print(LINE.format(f"export of {int(count):,}", f"{float(megabytes):.0f} MB"))
    print(LINE.format("", f"{taken:.0f} s"))
    return float(megabytes) < MAX_EXPORT_MB


def only_export(start: datetime) -> None:
    use(DATABASE)
    counts: list[int] = []
    stream = exporting.export(
        RecordFilter(start=start), form=Format.NDJSON, at=timezone.now(), on_records=counts.append
    )
    with Path(os.devnull).open("wb") as nowhere:
        nowhere.writelines(stream)
    print(sum(counts), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def measure(count: int, exported: int) -> bool:
    now = timezone.now()
    past = date(now.year, now.month, 1)
    months = list(partitions.months(date(past.year - 1, past.month, 1), MONTHS))
    as_owner(*(partitions.create_month("audit_record", month) for month in months))
    begun = time.monotonic()
    start = seal_some(exported, until=now)
    print(LINE.format(f"{exported:,} written and sealed", f"{time.monotonic() - begun:.0f} s"))
    with without_indexes():
        fill(count - exported, months=months)
    print(LINE.format(f"{count:,} in the trail", f"{time.monotonic() - begun:.0f} s"))
    is_fast = ask(months[-3])
    return export_apart(start) and is_fast


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=10_000_000)
    parser.add_argument("--exported", type=int, default=1_000_000, help="of them, sealed")
    parser.add_argument("--keep", action="store_true", help="leave the database")
    parser.add_argument("--only-export", type=datetime.fromisoformat, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only_export:
        only_export(options.only_export)
        return 0
    with own_database(is_kept=options.keep):
        return 0 if measure(options.records, options.exported) else 1


if __name__ == "__main__":
    sys.exit(main())
