"""What a replay would do: which requests run, in what order, and why the others do not."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from audit.models import AuditRecord, ReplayMode
from audit.reading.filters import RecordFilter
from audit.replay import lanes
from audit.replay.examination import Facts
from audit.replay.obstacles import Obstacle

CHUNK = 10_000  # records looked at together: bounds memory, and keeps the queries few
READING = frozenset({"GET", "HEAD"})


class Effects(StrEnum):
    """What sending a request again could change."""

    READ = "read"
    KEYED_WRITE = "keyed write"  # with an Idempotency-Key of its own
    UNKEYED_WRITE = "unkeyed write"  # the record's id will be its key


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedItem:
    """One request of a plan; ``obstacle`` is empty when it can run."""

    record_id: UUID
    position: int  # in the order of arrival, from 0
    received_at: datetime
    lane: str  # the public id of the customer whose order it keeps; empty: about none
    operation: str
    method: str
    path: str
    original_status: int
    effects: Effects
    duration: timedelta  # of the original
    leaf_hash: bytes
    obstacle: Obstacle | str

    @property
    def can_run(self) -> bool:
        return not self.obstacle


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would run, reviewed by its hash before it does."""

    items: tuple[PlannedItem, ...]
    mode: ReplayMode
    again: bool
    limit: int | None
    made_at: datetime

    @property
    def hash(self) -> str:
        """SHA-256 over mode, options and, of each item, record, leaf and obstacle.

        Whatever changes between review and run changes it.
        """
        head = {"mode": self.mode.value, "again": self.again, "limit": self.limit}
        digest = hashlib.sha256(json.dumps(head, sort_keys=True).encode())
        for item in self.items:
            digest.update(item.record_id.bytes + item.leaf_hash)
            digest.update(f"{item.lane}|{item.obstacle}\n".encode())
        return digest.hexdigest()

    @property
    def runnable(self) -> tuple[PlannedItem, ...]:
        return tuple(item for item in self.items if item.can_run)

    @property
    def by_operation(self) -> Mapping[str, int]:
        """How many will run of each operation, the most frequent first."""
        return dict(Counter(item.operation for item in self.runnable).most_common())

    @property
    def by_effects(self) -> Mapping[Effects, int]:
        """How many will run of each class of effects."""
        counts = Counter(item.effects for item in self.runnable)
        return {effects: counts[effects] for effects in Effects if counts[effects]}

    @property
    def by_obstacle(self) -> Mapping[str, int]:
        """How many will not run for each reason, the most frequent first."""
        counts = Counter(str(item.obstacle) for item in self.items if not item.can_run)
        return dict(counts.most_common())

    def estimated_time(self, *, parallel: int, rate: float | None) -> timedelta:
        """Return how long it takes if each request takes as long as the original did.

        Bounded below by the longest lane, by the work shared among ``parallel`` lanes, and by
        the pace of ``rate`` requests a second.
        """
        by_lane: defaultdict[str, timedelta] = defaultdict(timedelta)
        for item in self.runnable:
            by_lane[item.lane] += item.duration
        shared = sum(by_lane.values(), timedelta()) / parallel
        paced = timedelta(seconds=len(self.runnable) / rate) if rate else timedelta()
        return max([shared, paced, *by_lane.values()])


def make_plan(
    *,
    selection: RecordFilter,
    mode: ReplayMode,
    limit: int | None = None,
    again: bool = False,
    at: datetime,
) -> Plan:
    """Plan the replay of the records that a filter selects, the oldest ``limit`` of them.

    The queries are as many for ten thousand records as for one.
    """
    records: QuerySet[AuditRecord] = selection.matching(AuditRecord.objects.all())
    ids = list(records.order_by("id").values_list("id", flat=True)[:limit])
    items = [item for chunk in _chunks(ids) for item in examined(chunk, mode=mode, again=again)]
    items.sort(key=lambda item: (item.received_at, item.record_id))
    numbered = tuple(replace(item, position=place) for place, item in enumerate(items))
    return Plan(items=numbered, mode=mode, again=again, limit=limit, made_at=at)


def examined(
    ids: Sequence[UUID], *, mode: ReplayMode, again: bool = False
) -> Iterator[PlannedItem]:
    """Yield what can be said today of replaying these records; positions are all zero."""
    facts = Facts.gathered(ids, mode=mode, again=again)
    by_lane = lanes.of({original.id: original.record for original in facts.originals.values()})
    for record_id, original in facts.originals.items():
        record = original.record
        yield PlannedItem(
            record_id=record_id,
            position=0,
            received_at=record["received_at"],
            lane=by_lane[record_id],
            operation=record["operation"],
            method=record["method"],
            path=record["path"],
            original_status=record["status"],
            effects=_effects(record),
            duration=record["answered_at"] - record["received_at"],
            leaf_hash=original.leaf_hash,
            obstacle=facts.obstacle(record) or "",
        )


def _effects(record: Mapping[str, Any]) -> Effects:
    if record["method"] in READING:
        return Effects.READ
    return Effects.KEYED_WRITE if record["idempotency_key"] else Effects.UNKEYED_WRITE


def _chunks(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]
