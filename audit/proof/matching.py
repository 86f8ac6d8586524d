"""Reading records in the order of their ids, each against the leaf that it was sealed with.

One pass in constant memory: batches come in groups, in the order of their first ids; the
records of a group's range are streamed past the leaf hashes of that group and of earlier
batches that reach into it.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from audit import canonical, keys
from audit.models import AuditBatch
from audit.proof import batches

GROUP_RECORDS = 32_768
MAX_GROUP_BATCHES = 4_096
FITS, MISSING, DIFFERS = range(3)  # a record's row in audit_body against its body_sha256

# A row: the field of the xact (12 bytes), that of the body's state (5), the leaf. The state is
# one byte, and zero when the body fits: just the byte that RFC 6962 puts before a leaf. So one
# hash over the rest of the row says both that the record and that its body are as sealed.
_STATE_AT = 16
LEAF_AT = 17
ID = canonical.ID_PLACE  # in a leaf
_ID_IN_ROW = slice(LEAF_AT + 10, LEAF_AT + 26)
_MAC_KEY = slice(-keys.KEY_ID_LENGTH, None)  # in the canonical bytes: their last field
_MAC_KEY_LENGTH = slice(-keys.KEY_ID_LENGTH - 4, -keys.KEY_ID_LENGTH)
_xact = struct.Struct("!q").unpack_from

_WITH_BODIES = f"""
SELECT record.xact,
    (CASE WHEN body.id IS NULL THEN (record.body_sha256 <> '')::int
     WHEN sha256({canonical.BODY_BYTES}) = record.body_sha256 THEN {FITS}
     ELSE {DIFFERS} END)::"char",
    {canonical.SELECTED}
FROM audit_record AS record LEFT JOIN audit_body AS body
    ON body.id = record.id AND body.id >= %s AND body.id <= %s
"""
_WITHOUT_BODIES = f"""
SELECT record.xact, {FITS}::"char", {canonical.SELECTED} FROM audit_record AS record
"""
_IN_RANGE = "WHERE record.id >= %s AND record.id <= %s ORDER BY record.id"
_OF_IDS = "WHERE record.id = ANY(%s::uuid[]) ORDER BY record.id"
# Both tables are read in the order of their keys and merged, month by month: anything else
# sorts or hashes whole months before the first row comes.
_PLANNING = """
SET LOCAL enable_hashjoin = off; SET LOCAL enable_nestloop = off; SET LOCAL enable_sort = off;
SET LOCAL jit = off;
SET LOCAL enable_partitionwise_join = on; SET LOCAL max_parallel_workers_per_gather = 0;
SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0
"""
FIRST_ID = UUID(int=0)
LAST_ID = UUID(int=2**128 - 1)


@dataclass(frozen=True, slots=True)
class Row:
    """A record as it is stored, with what else decides whether it is as it was sealed."""

    leaf: bytes
    xact: int
    body_state: int

    @classmethod
    def parsed(cls, row: bytes) -> "Row":
        return cls(row[LEAF_AT:], _xact(row, 4)[0], row[_STATE_AT])

    @property
    def id(self) -> UUID:
        return canonical.record_id(self.leaf)


@dataclass(slots=True)
class Group:
    """The ids from ``low`` up to, but without, ``high``; the batches that are read with them."""

    low: UUID
    high: UUID | None  # None: to the end of the range
    batches: list[AuditBatch] = field(default_factory=list)


def prepare() -> None:
    """Set up the open transaction for reading the trail from end to end."""
    with connection.cursor() as cursor:
        cursor.execute(_PLANNING)


def rows(low: UUID, high: UUID, *, with_bodies: bool) -> Iterator[bytes]:
    """Yield the records of a range of ids, both ends included, in the order of ids."""
    if with_bodies:
        return canonical.copied(_WITH_BODIES + _IN_RANGE, [low, high, low, high])
    return canonical.copied(_WITHOUT_BODIES + _IN_RANGE, [low, high])


def rows_of(ids: Iterable[UUID]) -> Iterator[Row]:
    """Yield the records with these ids."""
    wanted = sorted(ids)
    if not wanted:
        return iter(())
    parameters = [wanted[0], wanted[-1], wanted]
    return map(Row.parsed, canonical.copied(_WITH_BODIES + _OF_IDS, parameters))


def mismatches(
    rows: Iterable[bytes], expected: dict[bytes, bytes]
) -> Iterator[tuple[bytes, bytes | None]]:
    """Yield the rows that are not as expected, with the leaf hash they should have, if any.

    Takes each record that it meets out of ``expected`` (leaf hashes by id).
    """
    take = expected.pop
    for row in rows:
        leaf_hash = take(row[_ID_IN_ROW], None)
        if leaf_hash != sha256(row[_STATE_AT:]).digest():
            yield row, leaf_hash


def in_range(low: UUID, high: UUID) -> "QuerySet[AuditBatch]":
    """Return the batches that may hold records of a range of ids, without their leaves."""
    found: QuerySet[AuditBatch] = AuditBatch.objects.defer("leaves")
    if low > FIRST_ID:
        found = found.filter(last_id__gte=low)
    if high < LAST_ID:
        found = found.filter(first_id__lte=high)
    return found


def groups(low: UUID, high: UUID) -> Iterator[Group]:
    """Yield the range in pieces that fit into memory with their batches."""
    group, records = Group(low, None), 0
    by_first_id = in_range(low, high).order_by("first_id", "number")
    for batch in by_first_id.iterator(chunk_size=500):
        is_full = records >= GROUP_RECORDS or len(group.batches) >= MAX_GROUP_BATCHES
        if is_full and batch.first_id > max(group.low, group.batches[-1].first_id):
            group.high = batch.first_id
            yield group
            group, records = Group(batch.first_id, None), 0
        group.batches.append(batch)
        records += batch.records
    yield group


def listed_in(group: Group) -> Mapping[int, list[tuple[bytes, bytes]]]:
    """Return the entries of a group's batches by number."""
    numbers = [batch.number for batch in group.batches]
    return {number: batches.entries(leaves) for number, leaves in batches.leaves_of(numbers)}


def before(high: UUID) -> UUID:
    """Return the id just below this one."""
    return UUID(int=high.int - 1)


def unlisted() -> Iterator[tuple[int, bytes]]:
    """Yield xact and leaf of each record that no batch holds."""
    prepare()
    expected: dict[bytes, bytes] = {}
    for group in groups(FIRST_ID, LAST_ID):
        for listed in listed_in(group).values():
            expected.update(listed)
        last = LAST_ID if group.high is None else before(group.high)
        for row, leaf_hash in mismatches(rows(group.low, last, with_bodies=False), expected):
            if leaf_hash is None:
                parsed = Row.parsed(row)
                yield parsed.xact, parsed.leaf


def mac_fits(leaf: bytes) -> bool:
    """Say whether a record was written by somebody who holds a master key of ours."""
    written, mac = canonical.split(leaf)
    if written[_MAC_KEY_LENGTH] != keys.KEY_ID_LENGTH.to_bytes(4):
        return False
    try:
        return keys.mac_fits(written, mac, key_id=written[_MAC_KEY].decode())
    except (keys.KeyUnavailable, UnicodeDecodeError):
        return False
