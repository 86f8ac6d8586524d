"""What verification found wrong, and what it looked at."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

MAX_KEPT = 10_000  # findings with their details; all are counted


class Kind(StrEnum):
    """What happened to a record, a body or a batch."""

    ALTERED = "altered"  # a sealed record is not what was sealed
    REMOVED = "removed"  # a sealed record is gone
    INSERTED = "inserted"  # a record stands where sealing had passed, and no batch holds it
    FORGED = "forged"  # a record that is not proven has a MAC that does not fit
    REORDERED = "reordered"  # a sealed record's entry was moved or changed in its batch's list
    BODY_ALTERED = "body altered"
    BODY_REMOVED = "body removed"
    BODY_INSERTED = "body inserted"
    BATCH = "batch"  # a batch's checkpoint, signature, chain or list of leaves is wrong
    TRUNCATED = "truncated"  # a checkpoint kept elsewhere is not in the trail
    TOMBSTONE = "tombstone"  # the note of a dropped month is not to be trusted
    RECEIPT = "receipt"  # a line of an export is not proven by its receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong: with a record, or with a batch, or with neither."""

    kind: Kind
    record_id: UUID | None = None
    batch: int | None = None
    detail: str = ""

    def __str__(self) -> str:
        subject = self.record_id or ("" if self.batch is None else f"batch {self.batch}")
        return f"{self.kind.upper()} {subject} {self.detail}".replace("  ", " ").rstrip()

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind.value,
            "record_id": None if self.record_id is None else str(self.record_id),
            "batch": self.batch,
            "detail": self.detail,
        }


@dataclass(slots=True)
class Report:
    """The outcome of one verification; grows while it runs.

    ``records`` counts sealed records that are there, ``unsealed`` those that no batch holds,
    ``unchecked`` those of them whose MAC was not checked, ``dropped`` the sealed records of
    months that retention dropped.
    """

    batches: int = 0
    records: int = 0
    unsealed: int = 0
    unchecked: int = 0
    dropped: int = 0
    findings: list[Finding] = field(default_factory=list)
    counts: Counter[Kind] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not self.counts

    def add(self, finding: Finding) -> None:
        """Count a finding, and keep its details as long as there are not too many."""
        self.counts[finding.kind] += 1
        if len(self.findings) < MAX_KEPT:
            self.findings.append(finding)

    def about(self, record_id: UUID) -> list[Kind]:
        """Return what was found about one record."""
        return [found.kind for found in self.findings if found.record_id == record_id]

    def as_json(self) -> Mapping[str, Any]:
        return {
            "clean": self.is_clean,
            "batches": self.batches,
            "records": self.records,
            "unsealed": self.unsealed,
            "unchecked": self.unchecked,
            "dropped": self.dropped,
            "counts": {kind.value: count for kind, count in self.counts.items()},
            "findings": [found.as_json() for found in self.findings],
            "notes": self.notes,
        }
