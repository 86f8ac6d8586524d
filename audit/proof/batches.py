"""Reading what was sealed: batches, their lists of leaves, and which batch holds a record."""

import struct
from collections.abc import Collection, Iterator, Mapping, Sequence
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import connection

from audit import canonical
from audit.models import AuditBatch
from audit.proof import merkle
from audit.proof.checkpoints import MalformedCheckpoint, SignedCheckpoint

Position = tuple[int, UUID]  # xact and id of a record: the order of sealing
_ENTRY = struct.Struct("16s32s")  # id and leaf hash
_NUMBER = struct.Struct("!q").unpack_from
_LEAVES_AT = 16  # after the number's field and the length of the leaves
# The first batch whose end is not before the record is the one that took it.
_HOLDING = """
SELECT DISTINCT (
    SELECT number FROM audit_batch WHERE (end_xact, end_id) >= (place.xact, place.id)
    ORDER BY end_xact, end_id LIMIT 1
) FROM unnest(%s::bigint[], %s::uuid[]) AS place (xact, id)
"""
_SPANNING = """
SELECT DISTINCT number FROM audit_batch, unnest(%s::uuid[]) AS wanted (id)
WHERE first_id <= wanted.id AND last_id >= wanted.id
"""


def newest() -> AuditBatch | None:
    """Return the last batch, without its leaves."""
    found: AuditBatch | None = AuditBatch.objects.defer("leaves").order_by("-number").first()
    return found


def signed_checkpoint(batch: AuditBatch) -> SignedCheckpoint:
    """Return the checkpoint that a batch was sealed with."""
    return SignedCheckpoint(text=batch.checkpoint, signature=bytes(batch.signature))


def entry(record_id: bytes, leaf_hash: bytes) -> bytes:
    """Return one entry of a list of leaves."""
    return _ENTRY.pack(record_id, leaf_hash)


def entries(leaves: bytes) -> list[tuple[bytes, bytes]]:
    """Return the ids (16 bytes) and leaf hashes of a list of leaves, in the order of sealing."""
    whole = len(leaves) - len(leaves) % _ENTRY.size
    return list(_ENTRY.iter_unpack(leaves[:whole]))


def leaves_of(numbers: Collection[int]) -> Iterator[tuple[int, bytes]]:
    """Yield the numbers of batches with their lists of leaves."""
    query = "SELECT number, leaves FROM audit_batch WHERE number = ANY(%s) ORDER BY number"
    for row in canonical.copied(query, [list(numbers)]):
        yield _NUMBER(row, 4)[0], row[_LEAVES_AT:]


def made(signed: SignedCheckpoint, leaves: bytes) -> AuditBatch:
    """Return the batch of a checkpoint: its columns say again what the text states."""
    stated = signed.statement()
    return AuditBatch(
        number=stated.batch,
        records=stated.records,
        total=stated.total,
        root=stated.root,
        previous=stated.previous,
        sealed_at=stated.sealed_at,
        key_id=stated.key_id,
        checkpoint=signed.text,
        signature=signed.signature,
        leaves=leaves,
        first_id=stated.first_id,
        last_id=stated.last_id,
        end_xact=stated.end_xact,
        end_id=stated.end_id,
    )


def statement_fault(batch: AuditBatch, trusted: Mapping[str, Ed25519PublicKey]) -> str:
    """Say what is wrong with a batch's checkpoint, its signature or its columns; "" if nothing."""
    signed = signed_checkpoint(batch)
    try:
        stated = signed.statement()
    except MalformedCheckpoint as error:
        return f"its checkpoint is malformed: {error}"
    if stated.key_id not in trusted:
        return f"its checkpoint names the key {stated.key_id}, which is not trusted"
    if not signed.is_signed_by(trusted):
        return "its signature does not fit its checkpoint"
    columns = {
        "batch": batch.number,
        "records": batch.records,
        "total": batch.total,
        "root": bytes(batch.root),
        "previous": bytes(batch.previous),
        "first_id": batch.first_id,
        "last_id": batch.last_id,
        "end_xact": batch.end_xact,
        "end_id": batch.end_id,
        "sealed_at": batch.sealed_at,
        "key_id": batch.key_id,
    }
    differing = [name for name, value in columns.items() if getattr(stated, name) != value]
    return f"its columns differ from its checkpoint: {', '.join(differing)}" if differing else ""


def leaves_fault(batch: AuditBatch, listed: Sequence[tuple[bytes, bytes]]) -> str:
    """Say what is wrong with the list of leaves of a batch; "" if it leads to the root."""
    if len(listed) != batch.records:
        return f"its list has {len(listed)} leaves instead of {batch.records}"
    if merkle.root([leaf_hash for _, leaf_hash in listed]) != bytes(batch.root):
        return "its list of leaves does not lead to its root"
    if len(dict(listed)) != len(listed):
        return "its list names a record twice"
    ids = [record_id for record_id, _ in listed]
    if (min(ids), max(ids)) != (batch.first_id.bytes, batch.last_id.bytes):
        return "its list is not of the ids that it states"
    return ""


def holding(positions: Collection[Position]) -> set[int]:
    """Return the numbers of the batches that took, or passed over, records at these places."""
    xacts, ids = [xact for xact, _ in positions], [record_id for _, record_id in positions]
    with connection.cursor() as cursor:
        cursor.execute(_HOLDING, [xacts, ids])
        return {number for (number,) in cursor.fetchall() if number is not None}


def spanning(ids: Collection[UUID]) -> set[int]:
    """Return the numbers of the batches whose range of ids includes one of these.

    Finds a record that was sealed out of its place too (after a restore); slower.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SPANNING, [list(ids)])
        return {number for (number,) in cursor.fetchall()}
