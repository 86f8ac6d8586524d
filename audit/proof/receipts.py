"""Receipts: the proof that one record was sealed, to be checked without the trail.

A receipt holds the leaf hash, its path to the root of its batch, and the signed checkpoint
that states the root. ``examples/verify_receipt.py`` checks one by itself.
"""

import base64
import binascii
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit import months
from audit.models import AuditBatch
from audit.proof import batches, matching, merkle
from audit.proof.batches import Position
from audit.proof.checkpoints import MalformedCheckpoint, SignedCheckpoint

FORMAT: Final = "cs-integrations audit receipt v1"
CACHED_BATCHES = 8  # about 3 MB each


class NoReceipt(Exception):
    """There is no proof of this record; the message says why."""


class MalformedReceipt(ValueError):
    """Not a receipt of this format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The proof that a record stands at ``index`` (from 0) of a sealed batch."""

    record_id: UUID
    leaf_hash: bytes
    index: int
    path: tuple[bytes, ...]
    signed: SignedCheckpoint

    def as_json(self) -> dict[str, Any]:
        """Return the receipt as JSON values; under 1.5 KB for the largest batch."""
        return {
            "format": FORMAT,
            "record_id": str(self.record_id),
            "leaf_hash": _text(self.leaf_hash),
            "index": self.index,
            "path": [_text(sibling) for sibling in self.path],
            "checkpoint": self.signed.text,
            "signature": _text(self.signed.signature),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the receipt that :meth:`as_json` wrote.

        :raises MalformedReceipt: it is none
        """
        try:
            if values["format"] != FORMAT:
                raise MalformedReceipt(f"its format is not {FORMAT!r}")
            return cls(
                record_id=UUID(values["record_id"]),
                leaf_hash=_bytes(values["leaf_hash"]),
                index=int(values["index"]),
                path=tuple(_bytes(sibling) for sibling in values["path"]),
                signed=SignedCheckpoint(values["checkpoint"], _bytes(values["signature"])),
            )
        except (KeyError, TypeError, AttributeError, binascii.Error) as error:
            raise MalformedReceipt(f"it is no receipt: {error!r}") from error
        except ValueError as error:
            raise MalformedReceipt(str(error)) from error

    def fault(self, leaf: bytes | None, trusted: Mapping[str, Ed25519PublicKey]) -> str:
        """Say why the receipt does not prove a leaf (None: its leaf hash); "" if it does."""
        if leaf is not None and merkle.leaf_hash(leaf) != self.leaf_hash:
            return "the record is not the one that the receipt is for"
        if leaf is not None and leaf[matching.ID] != self.record_id.bytes:
            return "the receipt names another record"
        if not self.signed.is_signed_by(trusted):
            return "its checkpoint is not signed by a trusted key"
        try:
            stated = self.signed.statement()
        except MalformedCheckpoint as error:
            return str(error)
        root = merkle.root_from_path(self.leaf_hash, self.index, stated.records, self.path)
        return "" if root == stated.root else "its path does not lead to the signed root"


@dataclass(frozen=True, slots=True)
class _Tree:
    """A batch with what its receipts are made of."""

    batch: AuditBatch
    places: Mapping[bytes, int]
    levels: Sequence[Sequence[bytes]]

    def receipt(self, record_id: UUID) -> Receipt | None:
        index = self.places.get(record_id.bytes)
        if index is None:
            return None
        return Receipt(
            record_id=record_id,
            leaf_hash=self.levels[0][index],
            index=index,
            path=tuple(merkle.path(self.levels, index)),
            signed=batches.signed_checkpoint(self.batch),
        )


class Receipts:
    """Makes receipts, and remembers the trees of the last batches: neighbors share them."""

    def __init__(self) -> None:
        self._trees: OrderedDict[int, _Tree] = OrderedDict()

    def of(self, places: Sequence[Position]) -> list[Receipt | None]:
        """Return the receipts of records at these places (xact and id), None where unsealed.

        Made for a few thousand records that lie close together, such as a page of an export
        in the order of ids. Whether the records are as they were sealed is not looked at.
        """
        receipts: dict[UUID, Receipt] = {}
        self._collect(receipts, places, batches.holding(places))
        missing = [place for place in places if place[1] not in receipts]
        if missing:  # sealed after a restore, or not sealed
            ids = [record_id for _, record_id in missing]
            self._collect(receipts, missing, batches.spanning(ids))
        return [receipts.get(record_id) for _, record_id in places]

    def _collect(
        self, receipts: dict[UUID, Receipt], places: Sequence[Position], numbers: set[int]
    ) -> None:
        for number in sorted(numbers):
            tree = self._tree(number)
            for _, record_id in places:
                if record_id in receipts:
                    continue
                receipt = tree.receipt(record_id)
                if receipt is not None:
                    receipts[record_id] = receipt

    def _tree(self, number: int) -> _Tree:
        tree = self._trees.pop(number, None)
        if tree is None:
            batch = AuditBatch.objects.get(number=number)
            listed = batches.entries(bytes(batch.leaves))
            places = {record_id: index for index, (record_id, _) in enumerate(listed)}
            tree = _Tree(batch, places, merkle.levels([leaf_hash for _, leaf_hash in listed]))
        self._trees[number] = tree
        if len(self._trees) > CACHED_BATCHES:
            self._trees.popitem(last=False)
        return tree


def receipt_of(record_id: UUID, *, trusted: Mapping[str, Ed25519PublicKey]) -> Receipt:
    """Return the receipt of one record, after checking that it proves the record as stored.

    :raises NoReceipt: there is no such record, it is not sealed yet, or it is not as sealed
    """
    with months.in_place():
        row = next(iter(list(matching.rows_of([record_id]))), None)
        if row is None:
            raise NoReceipt(f"there is no record {record_id}")
        (receipt,) = Receipts().of([(row.xact, record_id)])
    if receipt is None:
        raise NoReceipt(f"the record {record_id} is not sealed yet; run audit_seal, or wait for it")
    fault = receipt.fault(row.leaf, trusted)
    if fault:
        raise NoReceipt(f"the record {record_id} cannot be proven: {fault}")
    return receipt


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
