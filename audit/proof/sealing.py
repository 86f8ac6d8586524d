"""Sealing: committed records, in a final order, under signed checkpoints.

docs/decisions/0007-sealing-after-commit.md says why in the order of transactions, and what a
restored database needs.
"""

import logging
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from audit import canonical, keys, months
from audit.models import AuditBatch
from audit.owner import as_owner
from audit.proof import batches, checkpoints, matching, merkle
from audit.proof.batches import Position
from audit.proof.checkpoints import NOTHING_BEFORE, Checkpoint

logger = logging.getLogger(__name__)

BATCH_LIMIT = 8_192
STATEMENT_TIMEOUT_MS = 120_000  # one batch; the limit for requests is too short for cold disks
_LOCK = 0x5EA1_5EA1  # this database's advisory lock of the one sealer
_LAST_UUID = UUID(int=2**128 - 1)
_START: Position = (-1, UUID(int=0))
_LEAF_AT = 12  # after the field of eight bytes with the xact
_xact = struct.Struct("!q").unpack_from
_ANSWERED_AT = slice(42, 50)  # in the leaf: format, id and received_at come before

_NEXT_PLACE = """
SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint + audit_xact_offset()
"""
# What is below the snapshot's xmin is committed and seen by this very statement, or gone.
_FINAL = f"""
SELECT record.xact, {canonical.SELECTED} FROM audit_record AS record
WHERE (record.xact, record.id) > (%s, %s)
  AND record.xact < pg_snapshot_xmin(pg_current_snapshot())::text::bigint + audit_xact_offset()
ORDER BY record.xact, record.id LIMIT %s
"""
_COLUMNS = (
    "number", "records", "total", "root", "previous", "sealed_at", "key_id", "checkpoint",
    "signature", "leaves", "first_id", "last_id", "end_xact", "end_id",
)  # fmt: skip
_INSERT = (
    f"INSERT INTO audit_batch ({', '.join(_COLUMNS)}) VALUES ({', '.join(['%s'] * len(_COLUMNS))})"
)


class AlreadySealing(Exception):
    """Another sealer is at work."""


class SealingRefused(Exception):
    """Sealing on would make the trail worse; a person has to look first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """What one run did: the numbers of its batches, and the records that it refused.

    ``lag`` is the age of the oldest record it sealed, from its answer to the seal; None when
    there was nothing to seal.
    """

    batches: Sequence[int]
    records: int
    forged: Sequence[UUID]
    lag: timedelta | None


@contextmanager
def only_sealer() -> Iterator[None]:
    """Be the one sealer of this database inside the block; may be nested.

    :raises AlreadySealing: somebody else is
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        if cursor.fetchone() != (True,):
            raise AlreadySealing("another sealer is at work")
    try:
        yield
    finally:
        if connection.is_usable():  # a lost connection has lost its lock
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def seal(*, at: datetime, limit: int = BATCH_LIMIT) -> Sealed:
    """Seal every record that is final, at most ``limit`` in a batch and a transaction.

    A record whose MAC does not fit is passed over, logged and reported. ``at`` becomes the
    checkpoints' time.

    :raises AlreadySealing: somebody else is sealing
    :raises SealingRefused: the last batch is not ours, or the server counts transactions anew
    """
    run = _Run(at)
    with only_sealer():
        newest = batches.newest()
        _check_signature(newest)
        _check_count(newest)
        position: Position | None = _end(newest)
        while position is not None:
            with transaction.atomic():
                months.keep_in_place()
                _set_up()
                newest, position = _seal_next(run, newest, position, limit)
    return run.outcome()


def seal_after_restore(*, at: datetime, limit: int = BATCH_LIMIT) -> Sealed:
    """Seal each record that no batch holds, and let later ones count on from there.

    For a database that was restored into a server whose transaction ids are lower than those of
    its records. Works as the owner and keeps writers waiting while it runs.

    :raises AlreadySealing: somebody else is sealing
    :raises SealingRefused: the last batch is not ours
    """
    run = _Run(at)
    with as_owner(), only_sealer(), transaction.atomic():
        _set_up()
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE audit_record IN SHARE MODE")
        newest = batches.newest()
        _check_signature(newest)
        entries, offset = [], newest.end_xact if newest else 0
        for xact, leaf in matching.unlisted():
            found = run.entry(leaf)
            if found is not None:
                entries.append(found)
                offset = max(offset, xact)
        for start in range(0, len(entries), limit):
            part = entries[start : start + limit]
            newest = _write(run, newest, part, end=(offset, _LAST_UUID))
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE OR REPLACE FUNCTION audit_xact_offset() RETURNS bigint"
                f" LANGUAGE sql STABLE AS 'SELECT {offset:d}::bigint'"
            )
    return run.outcome()


class _Run:
    """What one run has done so far."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.key = keys.signing_key()
        self.key_id = keys.key_id_of(self.key.public_key())
        self.batches: list[int] = []
        self.records = 0
        self.forged: list[UUID] = []
        self.oldest = b""  # the binary form of a time sorts like the time

    def entry(self, leaf: bytes) -> tuple[bytes, bytes] | None:
        """Return the id and leaf hash of a record; None, and an alarm, if its MAC does not fit."""
        if not matching.mac_fits(leaf):
            record_id = canonical.record_id(leaf)
            self.forged.append(record_id)
            logger.error("ALARM audit record not sealed, its MAC does not fit id=%s", record_id)
            return None
        answered_at = leaf[_ANSWERED_AT]
        self.oldest = min(self.oldest or answered_at, answered_at)
        return leaf[matching.ID], merkle.leaf_hash(leaf)

    def outcome(self) -> Sealed:
        oldest = canonical.COLUMNS["answered_at"].unpack(self.oldest) if self.oldest else None
        return Sealed(
            batches=tuple(self.batches),
            records=self.records,
            forged=tuple(self.forged),
            lag=None if oldest is None else self.at - oldest,
        )


def _seal_next(
    run: _Run, newest: AuditBatch | None, position: Position, limit: int
) -> tuple[AuditBatch | None, Position | None]:
    """Seal what comes after a place; return the newest batch and the next place, if any."""
    entries, count, place = [], 0, position
    for count, row in enumerate(canonical.copied(_FINAL, [*position, limit]), start=1):  # noqa: B007
        leaf = row[_LEAF_AT:]
        place = (_xact(row, 4)[0], canonical.record_id(leaf))
        found = run.entry(leaf)
        if found is not None:
            entries.append(found)
    if entries:
        newest = _write(run, newest, entries, end=place)
    return newest, place if count == limit else None


def _write(
    run: _Run, before: AuditBatch | None, entries: Sequence[tuple[bytes, bytes]], *, end: Position
) -> AuditBatch:
    """Write a batch of these entries; ``end`` is the place up to which all were looked at."""
    ids = [record_id for record_id, _ in entries]
    checkpoint = Checkpoint(
        batch=before.number + 1 if before else 1,
        records=len(entries),
        total=len(entries) + (before.total if before else 0),
        root=merkle.root([leaf_hash for _, leaf_hash in entries]),
        previous=checkpoints.digest(before.checkpoint) if before else NOTHING_BEFORE,
        first_id=UUID(bytes=min(ids)),
        last_id=UUID(bytes=max(ids)),
        end_xact=end[0],
        end_id=end[1],
        sealed_at=run.at,
        key_id=run.key_id,
    )
    signed = checkpoints.signed(checkpoint, run.key)
    batch = batches.made(signed, b"".join(batches.entry(*listed) for listed in entries))
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [getattr(batch, name) for name in _COLUMNS])
    run.batches.append(batch.number)
    run.records += batch.records
    return batch


def _end(newest: AuditBatch | None) -> Position:
    return (newest.end_xact, newest.end_id) if newest else _START


def _check_signature(newest: AuditBatch | None) -> None:
    """Refuse to put a new checkpoint on top of one that somebody else made."""
    fault = batches.statement_fault(newest, keys.public_keys()) if newest else ""
    if newest and fault:
        raise SealingRefused(f"batch {newest.number} cannot be continued: {fault}")


def _check_count(newest: AuditBatch | None) -> None:
    """Refuse to go on in a server whose transaction ids were passed already."""
    with connection.cursor() as cursor:
        cursor.execute(_NEXT_PLACE)
        (following,) = cursor.fetchone()
    if newest and newest.end_xact >= following:
        raise SealingRefused(
            "this server counts transactions anew (a restored database?);"
            " run audit_seal --after-restore"
        )


def _set_up() -> None:
    """Set up the open transaction for reading the index of xact and id in its order."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SET LOCAL statement_timeout = {STATEMENT_TIMEOUT_MS};"
            " SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off"
        )
