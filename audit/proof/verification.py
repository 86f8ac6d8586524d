"""Verification: the trail against its signed checkpoints, record by record."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import connection, transaction

from audit import canonical, keys, months
from audit.models import AuditBatch
from audit.proof import batches, checkpoints, matching, merkle
from audit.proof.checkpoints import NOTHING_BEFORE, SignedCheckpoint
from audit.proof.dropped import DroppedMonths
from audit.proof.findings import Finding, Kind, Report
from audit.proof.matching import FIRST_ID, LAST_ID, Group, Row

Trusted = Mapping[str, Ed25519PublicKey]  # by key id
Entries = Sequence[tuple[bytes, bytes]]  # id and leaf hash
_UNPROVEN = b""  # no leaf hash: brings each record of a broken batch up for a closer look
_RECORDS_OF_BATCH = f"""
SELECT {canonical.SELECTED} FROM audit_record AS record
WHERE (record.xact, record.id) > (%s, %s) AND (record.xact, record.id) <= (%s, %s)
ORDER BY record.xact, record.id
"""
_BODY_KINDS = {matching.MISSING: Kind.BODY_REMOVED, matching.DIFFERS: Kind.BODY_ALTERED}


class ProofState(StrEnum):
    """How far a record can be trusted."""

    SEALED = "sealed"  # proven by a signed checkpoint, its body too if it is still kept
    UNSEALED = "unsealed"  # waits for sealing; its MAC fits
    BROKEN = "broken"  # altered, forged or inserted, or its batch or body is
    UNKNOWN = "unknown"  # there is no such record


def verify(
    *,
    trusted: Trusted,
    low: UUID = FIRST_ID,
    high: UUID = LAST_ID,
    with_bodies: bool = True,
    with_macs: bool = True,
    kept: Collection[SignedCheckpoint] = (),
) -> Report:
    """Verify the records with ids from ``low`` to ``high`` and the batches that hold them.

    ``kept`` are checkpoints from a second place. Without ``with_macs`` records that are not
    sealed yet are counted, not checked. Streams in constant memory, from one snapshot if no
    transaction is open.
    """
    with _snapshot():
        verification = _Verification(trusted, low, high, with_macs=with_macs)
        verification.check_chain()
        verification.check_kept(kept)
        for group in matching.groups(low, high):
            verification.check_group(group, with_bodies=with_bodies)
        verification.finish()
    return verification.report


def verify_records(ids: Collection[UUID]) -> Mapping[UUID, ProofState]:
    """Return the proof state of some records, up to about 10,000.

    Loads only the batches that hold them, and trusts the keys of the settings.
    """
    trusted = keys.public_keys()
    states = dict.fromkeys(ids, ProofState.UNKNOWN)
    with months.in_place():
        rows = list(matching.rows_of(ids))
        end = _end()
        expected = _expected(rows, trusted)
        dropped = DroppedMonths(trusted)
    for row in rows:
        states[row.id] = _state(row, expected.get(row.id.bytes), end, dropped)
    return states


def _expected(rows: Sequence[Row], trusted: Trusted) -> dict[bytes, bytes]:
    """Return the leaf hashes that sound batches hold for these records."""
    wanted = {row.id.bytes for row in rows}
    found: dict[bytes, bytes] = {}
    numbers = batches.holding([(row.xact, row.id) for row in rows])
    _add_proven(found, wanted, numbers, trusted)
    missing = [UUID(bytes=record_id) for record_id in wanted - found.keys()]
    if missing:
        _add_proven(found, wanted, batches.spanning(missing) - numbers, trusted)
    return found


def _add_proven(
    found: dict[bytes, bytes], wanted: set[bytes], numbers: Collection[int], trusted: Trusted
) -> None:
    by_number = AuditBatch.objects.defer("leaves").in_bulk(numbers)
    for number, leaves in batches.leaves_of(numbers):
        batch, listed = by_number[number], batches.entries(leaves)
        is_sound = not (
            batches.statement_fault(batch, trusted) or batches.leaves_fault(batch, listed)
        )
        found.update(
            (record_id, leaf_hash if is_sound else _UNPROVEN)
            for record_id, leaf_hash in listed
            if record_id in wanted
        )


def _state(
    row: Row, expected: bytes | None, end: batches.Position, dropped: DroppedMonths
) -> ProofState:
    is_body_lost = row.body_state == matching.DIFFERS or (
        row.body_state == matching.MISSING and not dropped.may_lack_body(row.id)
    )
    if is_body_lost:
        return ProofState.BROKEN
    if expected is not None:
        is_proven = expected == merkle.leaf_hash(row.leaf)
        return ProofState.SEALED if is_proven else ProofState.BROKEN
    is_waiting = (row.xact, row.id) > end and matching.mac_fits(row.leaf)
    return ProofState.UNSEALED if is_waiting else ProofState.BROKEN


def _end() -> batches.Position:
    """Return the place up to which records were sealed."""
    newest = batches.newest()
    return (newest.end_xact, newest.end_id) if newest else (-1, FIRST_ID)


@contextmanager
def _snapshot() -> Iterator[None]:
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        if is_outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        months.keep_in_place()
        matching.prepare()
        yield


class _Verification:
    """One run over a range of ids."""

    def __init__(self, trusted: Trusted, low: UUID, high: UUID, *, with_macs: bool) -> None:
        self.report = Report()
        self.trusted, self.low, self.high = trusted, low, high
        self.with_macs = with_macs
        self.end = _end()
        self.dropped = DroppedMonths(trusted)
        self.faulty: set[int] = set()  # batches whose checkpoint proves nothing
        self.expected: dict[bytes, bytes] = {}  # leaf hashes of records not met yet
        self.unproven: dict[bytes, tuple[bytes, int]] = {}  # leaf hash and batch
        self.active: list[tuple[AuditBatch, Entries]] = []
        for finding in self.dropped.findings:
            self.report.add(finding)

    @property
    def is_whole(self) -> bool:
        return (self.low, self.high) == (FIRST_ID, LAST_ID)

    def check_chain(self) -> None:
        """Check each batch's statement, and its link to the batch before."""
        before: AuditBatch | None = None
        # All of them, whatever the range: their ids, which say where to look, are checked here.
        in_order = AuditBatch.objects.defer("leaves").order_by("number")
        for batch in in_order.iterator(chunk_size=500):
            self.report.batches += 1
            fault = batches.statement_fault(batch, self.trusted)
            if fault:
                self.faulty.add(batch.number)
            for detail in filter(None, (fault, self._link_fault(before, batch))):
                self.report.add(Finding(kind=Kind.BATCH, batch=batch.number, detail=detail))
            before = batch

    def _link_fault(self, before: AuditBatch | None, batch: AuditBatch) -> str:
        number = before.number if before else 0
        if batch.number != number + 1:
            return f"the batches before it, from {number + 1} on, are missing"
        previous = checkpoints.digest(before.checkpoint) if before else NOTHING_BEFORE
        if bytes(batch.previous) != previous:
            return "it does not continue the checkpoint before it"
        if batch.total != batch.records + (before.total if before else 0):
            return "its total does not continue the batch before it"
        return ""

    def check_kept(self, kept: Collection[SignedCheckpoint]) -> None:
        """Check that the trail still has the checkpoints that were kept elsewhere."""
        for note in kept:
            number = note.statement().batch
            if not note.is_signed_by(self.trusted):
                detail = "the checkpoint given for it is not signed by a trusted key"
                self.report.add(Finding(kind=Kind.BATCH, batch=number, detail=detail))
                continue
            found = AuditBatch.objects.defer("leaves").filter(number=number).first()
            if found is None:
                detail = "was kept elsewhere, and is not in the trail: its end was cut off"
                self.report.add(Finding(kind=Kind.TRUNCATED, batch=number, detail=detail))
            elif found.checkpoint != note.text:
                detail = "is another one than was kept elsewhere: the trail was sealed anew"
                self.report.add(Finding(kind=Kind.TRUNCATED, batch=number, detail=detail))

    def check_group(self, group: Group, *, with_bodies: bool) -> None:
        """Check the records of a piece of the range against their leaves."""
        listed = matching.listed_in(group)
        for batch in group.batches:
            self._expect(batch, listed.get(batch.number, []))
        last = self.high if group.high is None else matching.before(group.high)
        waiting = len(self.expected)
        for row, leaf_hash in matching.mismatches(
            matching.rows(group.low, last, with_bodies=with_bodies), self.expected
        ):
            self._judge(Row.parsed(row), leaf_hash)
        left = sorted(found for found in self.expected if found <= last.bytes)
        self.report.records += waiting - len(self.expected)
        if left:
            self._miss(left)
        self.active = [(batch, entries) for batch, entries in self.active if batch.last_id > last]

    def _expect(self, batch: AuditBatch, listed: Entries) -> None:
        fault = batches.leaves_fault(batch, listed)
        if fault:
            listed = self._mended(batch, listed, fault)
        is_inside = self.low <= batch.first_id and batch.last_id <= self.high
        of_range = (
            listed
            if is_inside
            else [pair for pair in listed if self.low.bytes <= pair[0] <= self.high.bytes]
        )
        if batch.number in self.faulty:
            self.unproven.update((found, (value, batch.number)) for found, value in of_range)
            of_range = [(record_id, _UNPROVEN) for record_id, _ in of_range]
        self.expected.update(of_range)
        self.active.append((batch, of_range))

    def _mended(self, batch: AuditBatch, listed: Entries, fault: str) -> Entries:
        """Return the list that leads to the signed root, if the records still give it."""
        stored = self._stored_entries(batch)
        if merkle.root([leaf_hash for _, leaf_hash in stored]) != bytes(batch.root):
            self.faulty.add(batch.number)
            self.report.add(Finding(kind=Kind.BATCH, batch=batch.number, detail=fault))
            return listed
        moved = [
            UUID(bytes=record_id)
            for place, (record_id, leaf_hash) in enumerate(stored)
            if place >= len(listed) or listed[place] != (record_id, leaf_hash)
        ]
        detail = f"{fault}, but its records still do"
        self.report.add(Finding(kind=Kind.BATCH, batch=batch.number, detail=detail))
        for record_id in moved:
            self.report.add(
                Finding(
                    kind=Kind.REORDERED,
                    record_id=record_id,
                    batch=batch.number,
                    detail="its entry in the list of leaves was changed",
                )
            )
        return stored

    def _stored_entries(self, batch: AuditBatch) -> Entries:
        before = AuditBatch.objects.filter(number=batch.number - 1)
        start = before.values_list("end_xact", "end_id").first() or (-1, FIRST_ID)
        place = [*start, batch.end_xact, batch.end_id]
        return [
            (leaf[matching.ID], merkle.leaf_hash(leaf))
            for leaf in canonical.copied(_RECORDS_OF_BATCH, place)
            if matching.mac_fits(leaf)
        ]

    def _judge(self, row: Row, expected: bytes | None) -> None:
        if expected is None:
            kind, detail = self._fault_of_unlisted(row)
        elif expected == _UNPROVEN:
            kind, detail = self._fault_of_unproven(row)
        elif expected != merkle.leaf_hash(row.leaf):
            kind, detail = Kind.ALTERED, "it is not the record that was sealed"
        else:
            kind, detail = None, ""
        if kind is None:
            self._judge_body(row)
        else:
            self._find(kind, row.id, detail)

    def _fault_of_unproven(self, row: Row) -> tuple[Kind | None, str]:
        """Judge a record of a broken batch: by what the batch lists, and by its MAC."""
        leaf_hash, number = self.unproven.pop(row.id.bytes)
        if leaf_hash != merkle.leaf_hash(row.leaf):
            return Kind.ALTERED, f"it is not the record that batch {number} lists"
        if self.with_macs and not matching.mac_fits(row.leaf):
            return Kind.ALTERED, f"its MAC does not fit, and batch {number} proves nothing"
        return None, ""

    def _fault_of_unlisted(self, row: Row) -> tuple[Kind | None, str]:
        self.report.unsealed += 1
        if not self.with_macs:
            self.report.unchecked += 1
        elif not matching.mac_fits(row.leaf):
            return Kind.FORGED, "no batch holds it, and its MAC does not fit"
        if (row.xact, row.id) <= self.end:
            return Kind.INSERTED, "no batch holds it, though sealing has passed its place"
        return None, ""

    def _judge_body(self, row: Row) -> None:
        kind = _BODY_KINDS.get(row.body_state)
        if kind is None or (kind is Kind.BODY_REMOVED and self.dropped.may_lack_body(row.id)):
            return
        if kind is Kind.BODY_ALTERED and not canonical.unpacked(row.leaf)["body_sha256"]:
            kind = Kind.BODY_INSERTED
        self._find(kind, row.id, "its body is not what the record says")

    def _miss(self, missing: Sequence[bytes]) -> None:
        """Judge leaves whose records are not there, in the order of ids."""
        numbers = {
            record_id: batch.number for batch, listed in self.active for record_id, _ in listed
        }
        for record_id in missing:
            leaf_hash = self.expected.pop(record_id)
            if leaf_hash == _UNPROVEN:
                leaf_hash, _ = self.unproven.pop(record_id)
            if self.dropped.takes(record_id, leaf_hash):
                self.report.dropped += 1
                continue
            finding = Finding(
                kind=Kind.REMOVED,
                record_id=UUID(bytes=record_id),
                batch=numbers[record_id],
                detail="it was sealed and is gone",
            )
            self.report.add(finding)

    def _find(self, kind: Kind, record_id: UUID, detail: str) -> None:
        self.report.add(Finding(kind=kind, record_id=record_id, detail=detail))

    def finish(self) -> None:
        """Add what can be said only at the end."""
        if self.is_whole:
            for finding in self.dropped.differing():
                self.report.add(finding)
        if self.report.unchecked:
            self.report.notes.append(
                f"{self.report.unchecked:,} records are not sealed yet;"
                " without the master key their MACs were not checked"
            )
