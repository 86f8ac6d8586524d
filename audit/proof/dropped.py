"""The months that retention dropped: what may be missing, and whether it was what is missing."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.models import Tombstone
from audit.months import BODIES, RECORDS
from audit.proof.findings import Finding, Kind
from audit.proof.tombstones import MalformedTombstone, Statement
from cs_integrations.database import partitions


@dataclass(slots=True)
class _Month:
    """The leaves of a dropped month, added up in the order of ids."""

    statement: Statement
    records: int = 0
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def is_as_stated(self) -> bool:
        proof = self.statement.proof
        return (self.records, self.digest.digest()) == (proof.records, proof.digest)


class DroppedMonths:
    """The tombstones that a trusted key signed, and the leaves that are missing under them."""

    def __init__(self, trusted: Mapping[str, Ed25519PublicKey]) -> None:
        self.findings: list[Finding] = []
        self._records: dict[date, _Month] = {}
        self._bodies: set[date] = set()
        for stored in Tombstone.objects.order_by("id"):
            statement = _trusted_statement(stored, trusted)
            if statement is None:
                detail = f"of {stored.table_name} {stored.month:%Y-%m} is not signed as it stands"
                self.findings.append(Finding(kind=Kind.TOMBSTONE, detail=detail))
            elif statement.table == RECORDS:
                self._records[statement.month] = _Month(statement)
            elif statement.table == BODIES:
                self._bodies.add(statement.month)

    def may_lack_body(self, record_id: UUID) -> bool:
        """Say whether the body of this record was dropped with its month."""
        month = partitions.month_of(record_id)
        return month in self._bodies or month in self._records

    def takes(self, record_id: bytes, leaf_hash: bytes) -> bool:
        """Say whether a missing record was dropped with its month, and add it up.

        Must be called in the order of ids.
        """
        named = partitions.month_of(UUID(bytes=record_id))
        month = self._records.get(named) if named else None
        if month is None:
            return False
        month.records += 1
        month.digest.update(record_id + leaf_hash)
        return True

    def differing(self) -> list[Finding]:
        """Return the months whose leaves are not those that the tombstone states.

        To be asked when all leaves were passed through :meth:`takes`.
        """
        return [
            Finding(
                kind=Kind.TOMBSTONE,
                detail=f"of {RECORDS} {month:%Y-%m} states other records than were sealed",
            )
            for month, added_up in self._records.items()
            if not added_up.is_as_stated()
        ]


def _trusted_statement(
    stored: Tombstone, trusted: Mapping[str, Ed25519PublicKey]
) -> Statement | None:
    try:
        statement = Statement.parsed(stored.text)
        trusted[statement.key_id].verify(bytes(stored.signature), stored.text.encode())
    except (MalformedTombstone, KeyError, InvalidSignature):
        return None
    is_of_this_row = (statement.table, statement.month) == (stored.table_name, stored.month)
    return statement if is_of_this_row else None
