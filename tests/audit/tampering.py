"""What somebody with every right on the database might do to the trail, and what must be found.

Each way is tried inside a transaction that is rolled back; ``bench/tampering.py`` tries each a
hundred times at random places.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection
from django.utils import timezone

from audit import canonical, keys
from audit.kept import BodyRow
from audit.models import AuditBatch
from audit.proof import batches, checkpoints, merkle, sealing
from audit.proof.checkpoints import Checkpoint, SignedCheckpoint
from audit.proof.findings import Kind, Report
from audit.proof.verification import verify
from audit.recording import Prepared, insert
from cs_integrations.database import partitions, roles
from cs_integrations.database.identifiers import first_request_id
from tests.audit import records

MONTH = date(2002, 5, 1)
START = datetime(2002, 5, 3, tzinfo=UTC)
LOW = first_request_id(datetime(2002, 5, 1, tzinfo=UTC))
HIGH = first_request_id(datetime(2002, 6, 1, tzinfo=UTC))
PARTITION = partitions.partition_name("audit_record", MONTH)


def _listed(batch: AuditBatch) -> list[bytes]:
    return [record_id for record_id, _ in batches.entries(batch.leaves)]


@dataclass(frozen=True)
class Sample:
    """Sealed records of a month of their own, the last of them in batches of their own."""

    ids: Sequence[UUID]
    with_body: Sequence[UUID]
    numbers: Sequence[int]
    newest: SignedCheckpoint  # kept outside the database


def make_sample(count: int, *, in_batches_of: int) -> Sample:
    """Write and seal records, every second with a body."""
    with roles.as_owner(connection):
        records.make_month(MONTH)
    ids, with_body = [], []
    for number in range(count):
        at = START + timedelta(seconds=number)
        body = kept_body(number) if number % 2 else None
        ids.append(
            records.written(
                at=at,
                body=body,
                path=f"/v1/cs-integrations/sales/expansion/cust_{number}",
                object_ids=[f"cust_{number}"],
                status=200 + number % 2,
            )
        )
        if body:
            with_body.append(ids[-1])
    first = (batches.newest() or AuditBatch(number=0)).number + 1
    made = AuditBatch.objects.filter(number__gte=first).order_by("number")
    deadline = time.monotonic() + records.SEALED_WITHIN_S
    sealed: set[UUID] = set()
    while not sealed >= set(ids):
        assert time.monotonic() < deadline, "an older transaction holds sealing back"
        sealing.seal(at=timezone.now(), limit=in_batches_of)
        sealed = {UUID(bytes=found) for batch in made.all() for found in _listed(batch)}
    newest = batches.newest()
    return Sample(
        ids=ids,
        with_body=with_body,
        numbers=[batch.number for batch in made],
        newest=batches.signed_checkpoint(newest),
    )


def kept_body(number: int) -> BodyRow:
    answer = b'{"probability": %d}' % number
    return BodyRow(request=b"{}", response=answer, sealed_request=b"", data_key=None, omitted="")


def verified(*, kept: Sequence[SignedCheckpoint] = (), **options: object) -> Report:
    """Verify the sample's month."""
    trusted = keys.public_keys()
    return verify(trusted=trusted, low=LOW, high=HIGH, kept=kept, **options)


Found = Mapping[UUID, Kind] | Kind  # records with what is said of them, or a word on batches
Way = Callable[[Sample, Random], Found]


def is_found(expected: Found, report: Report) -> bool:
    """Say whether a report names just what was done."""
    if isinstance(expected, Kind):
        return report.counts[expected] > 0
    named = {found.record_id: found.kind for found in report.findings if found.record_id}
    return named == expected


def execute(statement: str, parameters: Sequence[object] = ()) -> None:
    """Change the trail with its triggers off."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement, parameters)
        assert cursor.rowcount != 0, "nothing was changed"


def _edit(assignment: str) -> Way:
    def way(sample: Sample, random: Random) -> Found:
        record_id = random.choice(sample.ids)
        execute(f"UPDATE audit_record SET {assignment} WHERE id = %s", [record_id])
        return {record_id: Kind.ALTERED}

    return way


def edit_body(sample: Sample, random: Random) -> Found:
    record_id = random.choice(sample.with_body)
    column = random.choice(["request", "response", "sealed_request"])
    execute(f"UPDATE audit_body SET {column} = {column} || ' '::bytea WHERE id = %s", [record_id])
    return {record_id: Kind.BODY_ALTERED}


def delete_record(sample: Sample, random: Random) -> Found:
    record_id = random.choice(sample.ids)
    execute("DELETE FROM audit_record WHERE id = %s", [record_id])
    return {record_id: Kind.REMOVED}


def delete_body(sample: Sample, random: Random) -> Found:
    record_id = random.choice(sample.with_body)
    execute("DELETE FROM audit_body WHERE id = %s", [record_id])
    return {record_id: Kind.BODY_REMOVED}


def insert_body(sample: Sample, random: Random) -> Found:
    record_id = random.choice(sorted(set(sample.ids) - set(sample.with_body)))
    execute(
        "INSERT INTO audit_body (id, request, response, sealed_request, omitted)"
        " VALUES (%s, '', 'forged', '', '')",
        [record_id],
    )
    return {record_id: Kind.BODY_INSERTED}


def insert_forged(sample: Sample, random: Random) -> Found:
    """Insert a copy of a record under a new id, at the place of the old one."""
    copied = random.choice(sample.ids)
    forged = first_request_id(START + timedelta(milliseconds=random.randrange(10**6)))
    chosen = ", ".join("%s" if name == "id" else name for name in (*canonical.LEAF_NAMES, "xact"))
    names = ", ".join((*canonical.LEAF_NAMES, "xact"))
    execute(
        f"INSERT INTO audit_record ({names}) SELECT {chosen} FROM audit_record WHERE id = %s",
        [forged, copied],
    )
    return {forged: Kind.FORGED}


def insert_with_the_key(sample: Sample, random: Random) -> Found:
    """Insert a record with a MAC that fits into what was sealed already."""
    at = START + timedelta(milliseconds=random.randrange(10**6))
    columns = records.values(at=at)
    insert(Prepared(columns, None))
    place = "(SELECT xact FROM audit_record WHERE id = %s)"
    copied = random.choice(sample.ids[:-1])
    execute(f"UPDATE audit_record SET xact = {place} WHERE id = %s", [copied, columns["id"]])
    return {columns["id"]: Kind.INSERTED}


def swap_contents(sample: Sample, random: Random) -> Found:
    first, second = random.sample(sample.ids, 2)
    names = ", ".join(name for name in canonical.LEAF_NAMES if name != "id")
    chosen = ", ".join(f"other.{name}" for name in canonical.LEAF_NAMES if name != "id")
    execute(
        f"UPDATE audit_record AS record SET ({names}) = (SELECT {chosen} FROM audit_record AS other"
        " WHERE other.id IN (%s, %s) AND other.id <> record.id) WHERE record.id IN (%s, %s)",
        [first, second, first, second],
    )
    return {first: Kind.ALTERED, second: Kind.ALTERED}


def cut_off_the_tail(sample: Sample, random: Random) -> Found:
    """Remove the newest batches with all of their records."""
    number = random.choice(sample.numbers)
    gone = AuditBatch.objects.filter(number__gte=number)
    ids = [UUID(bytes=found) for batch in gone for found, _ in batches.entries(batch.leaves)]
    execute("DELETE FROM audit_record WHERE id = ANY(%s)", [ids])
    execute("DELETE FROM audit_batch WHERE number >= %s", [number])
    return Kind.TRUNCATED


def chain_anew(sample: Sample, random: Random) -> Found:
    """Alter a record and seal everything from there on again, with a key of one's own."""
    record_id = random.choice(sample.ids)
    execute("UPDATE audit_record SET status = 299 WHERE id = %s", [record_id])
    with connection.cursor() as cursor:
        cursor.execute("SELECT xact FROM audit_record WHERE id = %s", [record_id])
        xact = cursor.fetchone()[0]
    query = f"SELECT {canonical.SELECTED} FROM audit_record AS record WHERE id = %s"
    (leaf,) = canonical.copied(query, [record_id])
    key = Ed25519PrivateKey.generate()
    previous = None
    first = min(batches.holding([(xact, record_id)]))
    for batch in AuditBatch.objects.filter(number__gte=first).order_by("number"):
        previous = _sealed_again(batch, {record_id.bytes: merkle.leaf_hash(leaf)}, key, previous)
    return {record_id: Kind.ALTERED}


def _sealed_again(
    batch: AuditBatch,
    changed: Mapping[bytes, bytes],
    key: Ed25519PrivateKey,
    previous: bytes | None,
) -> bytes:
    listed = [
        (found, changed.get(found, leaf_hash)) for found, leaf_hash in batches.entries(batch.leaves)
    ]
    signed = checkpoints.signed(
        Checkpoint(
            batch=batch.number,
            records=batch.records,
            total=batch.total,
            root=merkle.root([leaf_hash for _, leaf_hash in listed]),
            previous=previous or bytes(batch.previous),
            first_id=batch.first_id,
            last_id=batch.last_id,
            end_xact=batch.end_xact,
            end_id=batch.end_id,
            sealed_at=batch.sealed_at,
            key_id=keys.key_id_of(key.public_key()),
        ),
        key,
    )
    stated = signed.statement()
    execute(
        "UPDATE audit_batch SET root = %s, previous = %s, key_id = %s, checkpoint = %s,"
        " signature = %s, leaves = %s WHERE number = %s",
        [
            stated.root,
            stated.previous,
            stated.key_id,
            signed.text,
            signed.signature,
            b"".join(batches.entry(*pair) for pair in listed),
            batch.number,
        ],
    )
    return checkpoints.digest(signed.text)


def drop_partition(sample: Sample, random: Random) -> Found:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {PARTITION}")
        ids = [record_id for (record_id,) in cursor.fetchall()]
    execute(f"DROP TABLE {PARTITION}")
    return dict.fromkeys(ids, Kind.REMOVED)


def swap_signatures(sample: Sample, random: Random) -> Found:
    first, second = random.sample(sample.numbers, 2)
    execute(
        "UPDATE audit_batch AS batch SET (signature, key_id) = (SELECT other.signature,"
        " other.key_id FROM audit_batch AS other WHERE other.number IN (%s, %s)"
        " AND other.number <> batch.number) WHERE batch.number IN (%s, %s)",
        [first, second, first, second],
    )
    return Kind.BATCH


def name_another_key(sample: Sample, random: Random) -> Found:
    number = random.choice(sample.numbers)
    key_id = random.randbytes(8).hex()
    execute("UPDATE audit_batch SET key_id = %s WHERE number = %s", [key_id, number])
    return Kind.BATCH


def hide_a_batch(sample: Sample, random: Random) -> Found:
    """Let a batch state ids where nobody looks for it."""
    number = random.choice(sample.numbers)
    nowhere = [UUID(int=0), UUID(int=1), number]
    execute("UPDATE audit_batch SET first_id = %s, last_id = %s WHERE number = %s", nowhere)
    return Kind.BATCH


def reorder_leaves(sample: Sample, random: Random) -> Found:
    batch = AuditBatch.objects.get(number=random.choice(sample.numbers))
    listed = batches.entries(batch.leaves)
    first, second = random.sample(range(len(listed)), 2)
    listed[first], listed[second] = listed[second], listed[first]
    leaves = b"".join(batches.entry(*pair) for pair in listed)
    execute("UPDATE audit_batch SET leaves = %s WHERE number = %s", [leaves, batch.number])
    moved = [UUID(bytes=listed[place][0]) for place in (first, second)]
    return {record_id: Kind.REORDERED for record_id in moved if LOW <= record_id < HIGH}


def forge_unsealed(sample: Sample, random: Random) -> Found:
    """Insert a record that sealing has not come to, without the master key."""
    at = START + timedelta(milliseconds=random.randrange(10**6))
    columns = records.values(at=at, status=204)
    insert(Prepared(columns, None))
    execute("UPDATE audit_record SET status = 200 WHERE id = %s", [columns["id"]])
    return {columns["id"]: Kind.FORGED}


WAYS: Mapping[str, Way] = {
    "edit a short field": _edit("status = status + 1"),
    "edit a text": _edit("path = path || '/'"),
    "edit a time": _edit("answered_at = answered_at + interval '1 microsecond'"),
    "edit the objects": _edit("object_ids = object_ids || 'deal_1'::text"),
    "edit the MAC": _edit("mac = sha256(mac)"),
    "edit a body": edit_body,
    "delete a record": delete_record,
    "delete a body": delete_body,
    "insert a body": insert_body,
    "insert a forged record": insert_forged,
    "insert a record with the key": insert_with_the_key,
    "swap two records": swap_contents,
    "cut off the tail": cut_off_the_tail,
    "chain anew under another key": chain_anew,
    "drop a partition": drop_partition,
    "swap signatures": swap_signatures,
    "name another key": name_another_key,
    "hide a batch": hide_a_batch,
    "reorder a list of leaves": reorder_leaves,
    "forge an unsealed record": forge_unsealed,
}
