"""What a whole month must show before it is dropped: that each row is sealed and unchanged."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from django.db import connection

from audit import keys
from audit.models import AuditBatch
from audit.proof import batches, matching, merkle
from audit.proof.matching import Group
from cs_integrations.database import partitions

_BODY_SHA256 = slice(54, 86)  # in a leaf that has one
_HAS_BODY = (32).to_bytes(4, "big")  # the length before it
_HAS_BODY_AT = slice(50, 54)
_COUNT_BODIES = "SELECT count(*) FROM audit_body WHERE id >= %s AND id < %s"


class NotProved(Exception):
    """The month's rows are not all sealed and unchanged; the message says which are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthProof:
    """What a tombstone states of a month's rows.

    ``digest`` is SHA-256 over id (16 bytes) and hash (32) of each row in the order of ids: the
    leaf hash of a record, the SHA-256 of a body. ``roots`` is SHA-256 over number (eight bytes)
    and root of each of the ``batches`` that hold records of the month, in their order.
    """

    records: int
    digest: bytes
    batches: int
    roots: bytes


def prove_records(month: date) -> MonthProof:
    """Compare each record of the month with its sealed leaf, both ways.

    Runs in a transaction; constant memory. Leaves the transaction's planner settings changed.

    :raises NotProved: some are not sealed, altered or removed, or a batch is broken
    """
    reading = _read(month, with_bodies=False)
    return reading.proof()


def prove_bodies(month: date) -> MonthProof:
    """Compare each body of the month with its record, both ways, and the records with the seal.

    Runs in a transaction; constant memory. Leaves the transaction's planner settings changed.

    :raises NotProved: some are not sealed, altered, removed or inserted, or a batch is broken
    """
    reading = _read(month, with_bodies=True)
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_BODIES, partitions.bounds(month))
        (stored,) = cursor.fetchone() or (0,)
    if stored != reading.count:
        raise NotProved(f"{stored - reading.count:,} bodies belong to no record")
    return reading.proof()


@dataclass(slots=True)
class _Reading:
    """A month as far as it was read: what its rows add up to, and what is wrong with them."""

    month: date
    with_bodies: bool
    expected: dict[bytes, bytes] = field(default_factory=dict)  # leaf hashes that are still due
    roots: dict[int, bytes] = field(default_factory=dict)  # by the numbers of batches
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    count: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    first_wrong: dict[str, UUID] = field(default_factory=dict)

    def take_batch(self, batch: AuditBatch, listed: list[tuple[bytes, bytes]]) -> None:
        """Expect those of a batch's records that are of the month."""
        trusted = keys.public_keys()
        fault = batches.statement_fault(batch, trusted) or batches.leaves_fault(batch, listed)
        if fault:
            raise NotProved(f"batch {batch.number} is broken: {fault}")
        low, end = (bound.bytes for bound in partitions.bounds(self.month))
        of_month = {
            record_id: leaf_hash for record_id, leaf_hash in listed if low <= record_id < end
        }
        if of_month:
            self.expected |= of_month
            self.roots[batch.number] = bytes(batch.root)

    def take_row(self, row: matching.Row) -> None:
        record_id, leaf_hash = row.leaf[matching.ID], merkle.leaf_hash(row.leaf)
        sealed = self.expected.pop(record_id, None)
        if sealed is None:
            self.note("not sealed", record_id)
        elif sealed != leaf_hash:
            self.note("altered", record_id)
        elif row.body_state != matching.FITS:
            is_missing = row.body_state == matching.MISSING
            self.note("without its body" if is_missing else "with an altered body", record_id)
        if not self.with_bodies:
            self.add(record_id, leaf_hash)
        elif row.leaf[_HAS_BODY_AT] == _HAS_BODY:
            self.add(record_id, row.leaf[_BODY_SHA256])

    def add(self, record_id: bytes, hashed: bytes) -> None:
        self.digest.update(record_id + hashed)
        self.count += 1

    def note(self, what: str, record_id: bytes) -> None:
        self.wrong[what] += 1
        self.first_wrong.setdefault(what, UUID(bytes=record_id))

    def proof(self) -> MonthProof:
        roots = hashlib.sha256()
        for number, root in sorted(self.roots.items()):
            roots.update(number.to_bytes(8, "big") + root)
        return MonthProof(
            records=self.count,
            digest=self.digest.digest(),
            batches=len(self.roots),
            roots=roots.digest(),
        )


def _read(month: date, *, with_bodies: bool) -> _Reading:
    low, end = partitions.bounds(month)
    high = matching.before(end)
    matching.prepare()
    reading = _Reading(month, with_bodies)
    _check_statements()
    for group in matching.groups(low, high):
        listed = matching.listed_in(group)
        _read_group(reading, group, listed, last=high)
    for record_id in sorted(reading.expected):
        reading.note("removed", record_id)
    if reading.wrong:
        raise NotProved(
            ", ".join(
                f"{count:,} {what} (first {reading.first_wrong[what]})"
                for what, count in reading.wrong.items()
            )
        )
    return reading


def _check_statements() -> None:
    """Check what all batches state of themselves: their ids decide which of them are read."""
    trusted = keys.public_keys()
    for batch in AuditBatch.objects.defer("leaves").iterator(chunk_size=500):
        fault = batches.statement_fault(batch, trusted)
        if fault:
            raise NotProved(f"batch {batch.number} is broken: {fault}")


def _read_group(
    reading: _Reading,
    group: Group,
    listed: Mapping[int, list[tuple[bytes, bytes]]],
    *,
    last: UUID,
) -> None:
    for batch in group.batches:
        reading.take_batch(batch, listed[batch.number])
    if group.high is not None:
        last = matching.before(group.high)
    for row in matching.rows(group.low, last, with_bodies=reading.with_bodies):
        reading.take_row(matching.Row.parsed(row))
