"""One item of a batch: looked at once more, sent for good, and settled with its effect."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from django.utils import timezone

from audit.models import AuditBody, ReplayItem, ReplayMode
from audit.recording import Prepared
from audit.replay import requests
from audit.replay.calling import call
from audit.replay.examination import Facts
from audit.replay.obstacles import NEEDLESS, Obstacle
from audit.replay.requests import NotReplayable
from audit.replay.results import ItemResult
from cs_integrations.api.context import FIRST_ERROR_STATUS, IdempotencyOutcome, Replay

ANSWERED_BEFORE = "its Idempotency-Key was answered before; nothing ran"


class AlreadySettled(RuntimeError):
    """Somebody else settled the item: this transaction must come to nothing."""


class NotSettled(RuntimeError):
    """A request was sent and no transaction of it was kept; the item is pending still."""


def send(item: ReplayItem, *, proven: bytes, again: bool) -> ItemResult:
    """Send one pending item of an executing batch, if nothing speaks against it now.

    ``proven`` is the leaf hash under which its record passed its proof when the run began.

    :raises NotSettled: neither effect nor record could be kept
    """
    facts = Facts.gathered(
        [item.record_id], mode=ReplayMode.EXECUTE, again=again, proven={item.record_id: proven}
    )
    original = facts.originals.get(item.record_id)
    obstacle = Obstacle.PROOF_BROKEN if original is None else facts.obstacle(original.record)
    if original is None or obstacle is not None:
        return _unsent(item, obstacle or Obstacle.PROOF_BROKEN)
    record = original.record
    try:
        body = AuditBody.objects.filter(pk=item.record_id).first()
        envelope = requests.original_request(record, body)
    except NotReplayable as refusal:
        return _unsent(item, refusal.reason)
    key = _key(item, envelope.idempotency_key, record, again=again)
    call(
        replace(envelope, idempotency_key=key),
        method=record["method"],
        replay=_replay(item, record, again=again),
    )
    item.refresh_from_db()
    if item.state == ReplayItem.State.PENDING:
        raise NotSettled(f"the replay of {item.record_id} could not be recorded")
    return result_of(item)


def result_of(item: ReplayItem) -> ItemResult:
    """Return what became of a settled item."""
    return ItemResult(
        record_id=item.record_id,
        operation=item.operation,
        lane=item.lane,
        original_status=item.original_status,
        status=item.status,
        request_id=item.request_id,
        state=ReplayItem.State(item.state),
        reason=item.reason,
    )


def _replay(item: ReplayItem, record: Mapping[str, Any], *, again: bool) -> Replay:
    return Replay(
        record_id=item.record_id,
        received_at=record["received_at"],
        client_id=record["client_id"],
        batch=item.batch.name,
        mode=ReplayMode.EXECUTE.value,
        operator=item.batch.operator,
        is_rehearsal=False,
        settle=partial(_settle, item, again=again),
    )


def _key(item: ReplayItem, own: str, record: Mapping[str, Any], *, again: bool) -> str:
    """Return the Idempotency-Key to send: the request's own, or its record's id.

    What succeeded is run again under a new key, the same for all that shared one.
    """
    key = own or str(item.record_id)
    if not again or record["status"] >= FIRST_ERROR_STATUS:
        return key
    digest = hashlib.sha256(f"{record['client_id']}|{key}".encode()).hexdigest()
    return f"{item.batch.name}-{digest}"


def _settle(item: ReplayItem, prepared: Prepared, *, again: bool) -> None:
    """Settle the item in the transaction of its effect and its record."""
    values = prepared.values
    is_done = values["status"] < FIRST_ERROR_STATUS
    is_stored = values["idempotency_outcome"] == IdempotencyOutcome.REPLAYED
    _update(
        item,
        state=ReplayItem.State.DONE if is_done else ReplayItem.State.FAILED,
        reason=ANSWERED_BEFORE if is_stored else values["problem_type"],
        status=values["status"],
        request_id=values["id"],
        is_final=is_done and not again,
        settled_at=values["answered_at"],
    )


def _unsent(item: ReplayItem, obstacle: Obstacle) -> ItemResult:
    """Settle an item that is not sent."""
    is_needless = obstacle in NEEDLESS
    state = ReplayItem.State.SKIPPED if is_needless else ReplayItem.State.REFUSED
    _update(item, state=state, reason=obstacle.value, settled_at=timezone.now())
    item.refresh_from_db()
    return result_of(item)


def _update(item: ReplayItem, **columns: Any) -> None:
    """Settle the item, once.

    :raises AlreadySettled: it is not pending any more
    """
    pending = ReplayItem.objects.filter(pk=item.pk, state=ReplayItem.State.PENDING)
    if pending.update(**columns) != 1:
        raise AlreadySettled(f"item {item.pk} was settled by somebody else")
