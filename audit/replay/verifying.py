"""Recorded requests, rehearsed against today's code and compared; nothing of it stays.

All of them run in one transaction that is rolled back, since later answers rest on earlier
effects. What is to be kept of them waits in a file without a name and is written when that
transaction is gone.
"""

import pickle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from tempfile import TemporaryFile
from typing import IO
from uuid import UUID

from django.db import Error, transaction
from django.utils import timezone

from audit import recording
from audit.models import AuditBody, ReplayBatch, ReplayItem, ReplayMode
from audit.reading.filters import RecordFilter
from audit.recording import Prepared
from audit.replay import comparing, executing, requests
from audit.replay.calling import call
from audit.replay.comparing import Answer
from audit.replay.executing import OnItem
from audit.replay.obstacles import Obstacle
from audit.replay.plan import Plan, PlannedItem
from audit.replay.renaming import Renames
from audit.replay.requests import NotReplayable, Original
from audit.replay.results import ItemResult
from cs_integrations.api.context import FIRST_ERROR_STATUS, IdempotencyOutcome, Replay

CHUNK = 100  # originals that are in memory at once
UNAVAILABLE_STATUS = 503
STORED_TOGETHER = 1_000  # items an UPDATE
_REST_ON_A_KEY = frozenset({IdempotencyOutcome.REPLAYED, IdempotencyOutcome.MISMATCH})
_SETTLED = (
    "state", "reason", "status", "request_id", "differences", "settled_at",
)  # fmt: skip


class VerifyEnded(Exception):
    """The database did not carry the rehearsal to its end; nothing of it was kept."""


def verify(
    plan: Plan,
    *,
    name: str,
    operator: str,
    selection: RecordFilter,
    ignore: frozenset[str] = frozenset(),
    on_item: OnItem,
    at: datetime,
) -> ReplayBatch:
    """Rehearse what the plan says can run, and store the batch with its records and items.

    ``on_item`` is called for each item of the plan, during the rehearsal. A process that dies
    leaves nothing.

    :raises BatchRefused: the name is malformed or taken
    :raises VerifyEnded: a lock was not free, or a statement took longer than its time limit
    """

    def stored() -> ReplayBatch:
        return executing.store(
            plan,
            name=name,
            operator=operator,
            selection=selection,
            options={"ignore": sorted(ignore)},
            at=at,
        )

    with TemporaryFile() as kept:
        with _rolled_back():
            stored()  # the name is refused before anything runs, and kept to this transaction
            rehearsal = _Rehearsal(batch=name, operator=operator, ignore=ignore)
            for result, prepared in rehearsal.run(plan):
                pickle.dump((result, prepared), kept)
                on_item(result)
        kept.seek(0)
        with transaction.atomic():
            batch = stored()
            _keep(batch, kept, started_at=at)
    return batch


@contextmanager
def _rolled_back() -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
            transaction.set_rollback(True)
    except Error as error:
        raise VerifyEnded(_ended(f"{type(error).__name__}: {error}".strip())) from error


def _ended(what: str) -> str:
    return (
        f"{what}. Nothing was kept. A lock of live traffic or the time limit of a statement"
        " stops a rehearsal: run it on a restored copy, or in a quiet hour."
    )


def _keep(batch: ReplayBatch, kept: IO[bytes], *, started_at: datetime) -> None:
    """Insert the records of the rehearsal and settle its items."""
    items = {item.record_id: item for item in batch.items.all()}
    settled = []
    for result, prepared in _kept(kept):
        if prepared is not None:
            recording.insert(prepared)
        item = items[result.record_id]
        if item.state == ReplayItem.State.PENDING:
            item.state, item.reason = result.state, result.reason
            item.status, item.request_id = result.status, result.request_id
            item.differences = [asdict(difference) for difference in result.differences]
            item.settled_at = timezone.now()
            settled.append(item)
    ReplayItem.objects.bulk_update(settled, _SETTLED, batch_size=STORED_TOGETHER)
    batch.state = ReplayBatch.State.FINISHED
    batch.started_at, batch.finished_at = started_at, timezone.now()
    batch.save(update_fields=["state", "started_at", "finished_at"])


def _kept(file: IO[bytes]) -> Iterator[tuple[ItemResult, Prepared | None]]:
    while True:
        try:
            yield pickle.load(file)  # noqa: S301 - written above, and nobody else can open it
        except EOFError:
            return


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rehearsal:
    """One run through a plan, with what its later requests need to know of earlier ones."""

    batch: str
    operator: str
    ignore: frozenset[str]
    renames: Renames = field(default_factory=Renames)
    keys: set[tuple[str, str]] = field(default_factory=set)  # clients and keys answered here

    def run(self, plan: Plan) -> Iterator[tuple[ItemResult, Prepared | None]]:
        """Yield each item's result, and its record if it was sent."""
        for start in range(0, len(plan.items), CHUNK):
            chunk = plan.items[start : start + CHUNK]
            ids = [item.record_id for item in chunk if item.can_run]
            originals = requests.originals(ids)
            bodies = AuditBody.objects.in_bulk(ids)
            for item in chunk:
                yield self._result(item, originals, bodies)

    def _result(
        self,
        item: PlannedItem,
        originals: Mapping[UUID, Original],
        bodies: Mapping[UUID, AuditBody],
    ) -> tuple[ItemResult, Prepared | None]:
        if not item.can_run:
            return comparing.unsent(item, item.obstacle), None
        original = originals.get(item.record_id)
        if original is None or original.leaf_hash != item.leaf_hash:
            return comparing.unsent(item, Obstacle.PROOF_BROKEN), None
        try:
            return self._rehearsed(item, original, bodies.get(item.record_id))
        except NotReplayable as refusal:
            return comparing.unsent(item, refusal.reason), None

    def _rehearsed(
        self, item: PlannedItem, original: Original, body: AuditBody | None
    ) -> tuple[ItemResult, Prepared | None]:
        record = original.record
        envelope = requests.original_request(record, body)
        key = (record["client_id"], record["idempotency_key"])
        if record["idempotency_outcome"] in _REST_ON_A_KEY and key not in self.keys:
            return comparing.unsent(item, Obstacle.KEY_OF_ANOTHER), None
        if record["idempotency_outcome"] == IdempotencyOutcome.NEW:
            self.keys.add(key)
        then = comparing.recorded_answer(record, body)
        prepared: list[Prepared] = []
        answered = call(
            self.renames.sent(envelope),
            method=item.method,
            replay=Replay(
                record_id=item.record_id,
                received_at=item.received_at,
                client_id=record["client_id"],
                batch=self.batch,
                mode=ReplayMode.VERIFY.value,
                operator=self.operator,
                is_rehearsal=True,
                settle=prepared.append,
            ),
        )
        now = _fresh_answer(item, prepared)
        shape = answered.context.answer_shape
        if now.status < FIRST_ERROR_STATUS:
            names = comparing.varying(shape)
            self.renames.learn(then.form, now.form, names=names, request=envelope)
        found = comparing.differences(
            then, now, shape=shape, ignore=self.ignore, renames=self.renames
        )
        request_id = prepared[-1].values["id"]
        result = comparing.compared(item, status=now.status, found=found, request_id=request_id)
        return result, prepared[-1]


def _fresh_answer(item: PlannedItem, prepared: list[Prepared]) -> Answer:
    """Return what was answered now.

    :raises VerifyEnded: the database did not answer
    """
    if not prepared or prepared[-1].values["status"] == UNAVAILABLE_STATUS:
        raise VerifyEnded(_ended(f"The database did not take the replay of {item.record_id}"))
    values, body = prepared[-1].values, prepared[-1].body
    return Answer(
        status=values["status"],
        problem_type=values["problem_type"],
        form=b"" if body is None else body.response,
        sha256=values["response_sha256"],
        mac_key=values["mac_key"],
    )
