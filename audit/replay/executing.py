"""Batches that run for good: stored before they begin, run lane by lane, stopped and resumed."""

import re
import signal
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Any
from uuid import UUID

from django.db import OperationalError, connection, connections, transaction
from django.utils import timezone

from audit.models import ReplayBatch, ReplayItem, ReplayMode
from audit.reading.filters import RecordFilter
from audit.replay.examination import Facts
from audit.replay.obstacles import NEEDLESS
from audit.replay.pace import Pace
from audit.replay.plan import CHUNK, Plan, PlannedItem
from audit.replay.results import ItemResult
from audit.replay.sending import send

CANCELLED = "the batch was cancelled"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# First halves of a batch's advisory locks, its id is the second: of the process that runs it,
# and of the sessions that its threads work on.
_CLAIM, _WORK = 0x5E9_1A7, 0x5E9_1A8
_ENDED = frozenset({ReplayBatch.State.FINISHED, ReplayBatch.State.CANCELLED})
_ERRORS = frozenset({ReplayItem.State.FAILED, ReplayItem.State.REFUSED})
_UNPROVEN = b""  # fits no record
STORED_TOGETHER = 2_000  # items an INSERT
OnItem = Callable[[ItemResult], None]


class BatchRefused(Exception):
    """The batch cannot be stored, run or cancelled; the text says why."""


class BatchStopped(Exception):
    """A request could not be carried out or recorded; the rest is pending and can be resumed."""


def store(
    plan: Plan,
    *,
    name: str,
    operator: str,
    selection: RecordFilter,
    options: Mapping[str, Any] | None = None,
    target: str = "",
    at: datetime,
) -> ReplayBatch:
    """Store a batch and its items before anything runs; what cannot run is settled at once.

    :raises BatchRefused: the name is malformed or taken
    """
    if not _NAME.fullmatch(name):
        raise BatchRefused("The name is 1 to 64 letters, digits, dots, dashes and underscores.")
    with transaction.atomic():
        batch, is_new = ReplayBatch.objects.get_or_create(
            name=name,
            defaults={
                "mode": plan.mode,
                "filters": selection.as_parameters(),
                "options": {"again": plan.again, "limit": plan.limit, **(options or {})},
                "plan_hash": plan.hash,
                "operator": operator,
                "target": target,
                "created_at": at,
            },
        )
        if not is_new:
            raise BatchRefused(f"There is a batch {name} already.")
        ReplayItem.objects.bulk_create(
            [_stored(batch, planned, at) for planned in plan.items], batch_size=STORED_TOGETHER
        )
    return batch


def cancel(name: str, *, at: datetime) -> ReplayBatch:
    """End a batch that is not running: what is pending never runs.

    :raises BatchRefused: there is no such batch, it is running, or it has ended
    """
    batch = found(name)
    with claimed(batch), transaction.atomic():
        pending = batch.items.filter(state=ReplayItem.State.PENDING)
        pending.update(state=ReplayItem.State.SKIPPED, reason=CANCELLED, settled_at=at)
        batch.state, batch.finished_at = ReplayBatch.State.CANCELLED, at
        batch.save(update_fields=["state", "finished_at"])
    return batch


def found(name: str) -> ReplayBatch:
    """Return a batch by its name.

    :raises BatchRefused: there is none
    """
    batch: ReplayBatch | None = ReplayBatch.objects.filter(name=name).first()
    if batch is None:
        raise BatchRefused(f"There is no batch {name}.")
    return batch


@contextmanager
def claimed(batch: ReplayBatch) -> Iterator[None]:
    """Keep a batch that has not ended to this process; a dead process has let go of it.

    :raises BatchRefused: another process has it, or it has ended
    """
    key = [_CLAIM, batch.pk]
    if not _asked("SELECT pg_try_advisory_lock(%s, %s)", key):
        raise BatchRefused(f"The batch {batch.name} is running in another process.")
    try:
        batch.refresh_from_db()
        if batch.state in _ENDED:
            raise BatchRefused(f"The batch {batch.name} is {batch.state}.")
        yield
    finally:
        _asked("SELECT pg_advisory_unlock(%s, %s)", key)


@contextmanager
def running(batch: ReplayBatch) -> Iterator[None]:
    """Claim a batch and show it as running; afterwards as finished, or stopped if items are left.

    :raises BatchRefused: another process has it, or it has ended
    """
    with claimed(batch):
        now = timezone.now()
        batch.state, batch.started_at = ReplayBatch.State.RUNNING, batch.started_at or now
        batch.save(update_fields=["state", "started_at"])
        try:
            yield
        finally:
            is_left = batch.items.filter(state=ReplayItem.State.PENDING).exists()
            batch.state = ReplayBatch.State.STOPPED if is_left else ReplayBatch.State.FINISHED
            batch.finished_at = None if is_left else timezone.now()
            batch.save(update_fields=["state", "finished_at"])


def run(
    batch: ReplayBatch,
    *,
    parallel: int = 4,
    rate: float | None = None,
    until_errors: int | None = None,
    on_item: OnItem,
) -> None:
    """Run what is pending of an executing batch: for the first time, or after it was stopped.

    Lanes run side by side, ``parallel`` at once, each in its order; ``rate`` bounds the requests
    a second over all. After ``until_errors`` failed or refused items, and on SIGTERM or SIGINT,
    requests that are under way are finished and the batch stops. ``on_item`` is called in this
    thread, once for each item that was settled.

    :raises BatchRefused: another process runs it, or it has ended
    :raises BatchStopped: a request could not be carried out or recorded; its item is pending
    """
    with running(batch):
        _outlast_former(batch)
        pending = list(batch.items.filter(state=ReplayItem.State.PENDING).order_by("position"))
        again = bool(batch.options["again"])
        for item in pending:
            item.batch = batch
        runner = _Runner(
            batch_id=batch.pk,
            lanes=_lanes(pending),
            proven=_proven(pending, again=again),
            again=again,
            pace=Pace(rate),
        )
        with _stopped_by_signals(runner.stop):
            _follow(
                runner, threads=_affordable(parallel), until_errors=until_errors, on_item=on_item
            )


def _follow(runner: "_Runner", *, threads: int, until_errors: int | None, on_item: OnItem) -> None:
    """Let the threads run, and hand on what they report."""
    errors = 0
    with ThreadPoolExecutor(threads, thread_name_prefix="replay") as pool:
        futures = [pool.submit(runner.work) for _ in range(threads)]
        try:
            for result in runner.reported(threads):
                on_item(result)
                errors += result.state in _ERRORS
                if until_errors is not None and errors >= until_errors:
                    runner.stop.set()
        finally:
            runner.stop.set()
    for future in futures:
        if (error := future.exception()) is not None:
            raise BatchStopped(f"{type(error).__name__}: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Runner:
    """What the threads of a run share."""

    batch_id: int
    lanes: SimpleQueue[list[ReplayItem]]
    proven: Mapping[UUID, bytes]  # leaf hashes of the records that passed their proof
    again: bool
    pace: Pace
    stop: threading.Event = field(default_factory=threading.Event)
    reports: SimpleQueue[ItemResult | None] = field(default_factory=SimpleQueue)

    def work(self) -> None:
        """Run lane after lane on a database connection of this thread's own."""
        try:
            with _at_work(self.batch_id):
                self._send_all()
        except BaseException:
            self.stop.set()  # the item is pending, and nothing of its lane may overtake it
            raise
        finally:
            connections.close_all()
            self.reports.put(None)

    def _send_all(self) -> None:
        for item in self._items():
            proven = self.proven.get(item.record_id, _UNPROVEN)
            self.reports.put(send(item, proven=proven, again=self.again))

    def reported(self, threads: int) -> Iterator[ItemResult]:
        """Yield results until each of the threads has ended."""
        while threads:
            result = self.reports.get()
            if result is None:
                threads -= 1
            else:
                yield result

    def _items(self) -> Iterator[ReplayItem]:
        while not self.stop.is_set():
            try:
                lane = self.lanes.get_nowait()
            except Empty:
                return
            for item in lane:
                if not self.pace.wait(self.stop):
                    return
                yield item


@contextmanager
def _at_work(batch_id: int) -> Iterator[None]:
    """Show that this thread's session works on the batch."""
    key = [_WORK, batch_id]
    _asked("SELECT pg_advisory_lock_shared(%s, %s)", key)
    try:
        yield
    finally:
        if connection.is_usable():  # the lock of a lost session is gone
            _asked("SELECT pg_advisory_unlock_shared(%s, %s)", key)


def _outlast_former(batch: ReplayBatch) -> None:
    """Wait until the last statements of a process that died are over.

    One that is being committed settles its item; one that is not is undone, and holds the
    Idempotency-Key of its request until then.

    :raises BatchRefused: they take too long
    """
    key = [_WORK, batch.pk]
    try:
        _asked("SELECT pg_advisory_lock(%s, %s)", key)
    except OperationalError as error:
        raise BatchRefused(f"A former process of {batch.name} is still ending.") from error
    _asked("SELECT pg_advisory_unlock(%s, %s)", key)


def _asked(query: str, parameters: Sequence[int]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return (cursor.fetchone() or (None,))[0]


def _stored(batch: ReplayBatch, planned: PlannedItem, at: datetime) -> ReplayItem:
    state = ReplayItem.State.PENDING
    if not planned.can_run:
        is_needless = planned.obstacle in NEEDLESS
        state = ReplayItem.State.SKIPPED if is_needless else ReplayItem.State.REFUSED
    return ReplayItem(
        batch=batch,
        position=planned.position,
        record_id=planned.record_id,
        operation=planned.operation,
        lane=planned.lane,
        state=state,
        reason=str(planned.obstacle),
        original_status=planned.original_status,
        settled_at=None if planned.can_run else at,
    )


def _lanes(pending: Sequence[ReplayItem]) -> SimpleQueue[list[ReplayItem]]:
    by_lane: defaultdict[str, list[ReplayItem]] = defaultdict(list)
    for item in pending:
        by_lane[item.lane].append(item)
    lanes: SimpleQueue[list[ReplayItem]] = SimpleQueue()
    for lane in by_lane.values():
        lanes.put(lane)
    return lanes


def _proven(pending: Sequence[ReplayItem], *, again: bool) -> Mapping[UUID, bytes]:
    """Return the leaf hashes of the records that pass their proof now."""
    proven: dict[UUID, bytes] = {}
    for start in range(0, len(pending), CHUNK):
        ids = [item.record_id for item in pending[start : start + CHUNK]]
        facts = Facts.gathered(ids, mode=ReplayMode.EXECUTE, again=again)
        proven.update(
            (record_id, original.leaf_hash)
            for record_id, original in facts.originals.items()
            if record_id not in facts.broken
        )
    return proven


def _affordable(parallel: int) -> int:
    """Return how many threads the connection pool has room for, beside this one."""
    pool = connection.settings_dict["OPTIONS"].get("pool")
    return min(parallel, pool["max_size"] - 1) if pool else parallel


@contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """Take the first SIGTERM or SIGINT for a wish to stop; a second one has its usual effect."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers
        return
    usual = {signum: signal.getsignal(signum) for signum in (signal.SIGTERM, signal.SIGINT)}

    def wish(signum: int, _frame: FrameType | None) -> None:
        stop.set()
        signal.signal(signum, usual[signal.Signals(signum)])

    for signum in usual:
        signal.signal(signum, wish)
    try:
        yield
    finally:
        for signum, handler in usual.items():
            signal.signal(signum, handler)
