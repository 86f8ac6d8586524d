"""What decides today whether recorded requests can be sent again."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings

from audit.kept import API_PREFIX, AUDIT_DOMAIN
from audit.models import AuditRecord, ReplayItem, ReplayMode
from audit.proof import verification
from audit.proof.verification import ProofState
from audit.replay import requests
from audit.replay.obstacles import Obstacle
from audit.replay.requests import KeptRequest, Original
from cs_integrations.api.context import FIRST_ERROR_STATUS, IdempotencyOutcome
from cs_integrations.clients.models import Application

# Answers that rested on the moment and not on the request and the facts.
MOMENTARY = frozenset({401, 429, 503})
_SOUND = frozenset({ProofState.SEALED, ProofState.UNSEALED})
_DOMAINS = frozenset(settings.RATE_LIMITS)

_Sent = tuple[str, str, str]  # client, key and path: the body may have been mended meanwhile


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What decides about a chunk of records, gathered in a constant number of queries."""

    mode: ReplayMode
    again: bool
    originals: Mapping[UUID, Original]
    broken: Collection[UUID]  # records that do not pass their proof
    kept: Mapping[UUID, KeptRequest]
    scopes: Mapping[str, frozenset[str]]  # today's, of the clients that are active
    replayed: Collection[UUID]  # records that succeeded in an earlier replay
    answered: Collection[_Sent]  # keyed requests that were answered with success

    @classmethod
    def gathered(
        cls,
        ids: Sequence[UUID],
        *,
        mode: ReplayMode,
        again: bool,
        proven: Mapping[UUID, bytes] | None = None,
    ) -> "Facts":
        """Look at records; ``proven`` are leaf hashes that were proved a moment ago.

        Without them each record is verified against the batch that sealed it.
        """
        originals = requests.originals(ids)
        records = [original.record for original in originals.values()]
        return cls(
            mode=mode,
            again=again,
            originals=originals,
            broken=_broken(ids) if proven is None else _differing(originals, proven),
            kept=requests.kept_requests(ids),
            scopes=_scopes({record["client_id"] for record in records}),
            replayed=_replayed(ids),
            answered=_answered(records),
        )

    def obstacle(self, record: Mapping[str, Any]) -> Obstacle | None:
        """Return the first reason against this record, None when it can run."""
        return (
            self._of_its_kind(record)
            or self._of_its_answer(record)
            or requests.missing_form(record, self.kept.get(record["id"]))
            or self._of_its_client(record)
        )

    def _of_its_kind(self, record: Mapping[str, Any]) -> Obstacle | None:
        if record["id"] in self.broken:
            return Obstacle.PROOF_BROKEN
        if record["replay_of"] is not None:
            return Obstacle.IS_REPLAY
        if record["domain"] == AUDIT_DOMAIN:
            return Obstacle.READS_TRAIL
        is_call = record["client_id"] and record["operation"] and record["domain"] in _DOMAINS
        return None if is_call and record["path"].startswith(API_PREFIX) else Obstacle.NOT_A_REQUEST

    def _of_its_answer(self, record: Mapping[str, Any]) -> Obstacle | None:
        if self.mode is not ReplayMode.EXECUTE:
            return Obstacle.MOMENTARY if _is_momentary(record) else None
        if self.again:
            return None
        if record["status"] < FIRST_ERROR_STATUS:
            return Obstacle.SUCCEEDED
        if record["id"] in self.replayed:
            return Obstacle.REPLAYED
        return Obstacle.SUCCEEDED_LATER if _sent(record) in self.answered else None

    def _of_its_client(self, record: Mapping[str, Any]) -> Obstacle | None:
        scopes = self.scopes.get(record["client_id"])
        if scopes is None:
            return Obstacle.CLIENT_GONE
        needed = record["scope_needed"]
        was_held = needed in record["scopes_held"].split()
        is_held = needed in scopes
        if self.mode is ReplayMode.EXECUTE:
            return None if is_held else Obstacle.SCOPE_LOST
        if was_held == is_held:
            return None
        return Obstacle.SCOPE_LOST if was_held else Obstacle.SCOPE_GIVEN


def _broken(ids: Sequence[UUID]) -> frozenset[UUID]:
    states = verification.verify_records(ids)
    return frozenset(record_id for record_id in ids if states[record_id] not in _SOUND)


def _differing(originals: Mapping[UUID, Original], proven: Mapping[UUID, bytes]) -> frozenset[UUID]:
    return frozenset(
        record_id
        for record_id, original in originals.items()
        if proven.get(record_id) != original.leaf_hash
    )


def _scopes(client_ids: Collection[str]) -> Mapping[str, frozenset[str]]:
    clients = Application.objects.filter(client_id__in=client_ids, is_active=True)
    return {client.client_id: frozenset(client.scopes) for client in clients}


def _replayed(ids: Sequence[UUID]) -> frozenset[UUID]:
    done = ReplayItem.objects.filter(
        record_id__in=ids, state=ReplayItem.State.DONE, batch__mode=ReplayMode.EXECUTE
    )
    return frozenset(done.values_list("record_id", flat=True))


def _answered(records: Sequence[Mapping[str, Any]]) -> frozenset[_Sent]:
    """Return those of the failed requests that succeeded when they were sent again."""
    keys = {
        record["idempotency_key"]
        for record in records
        if record["idempotency_key"] and record["status"] >= FIRST_ERROR_STATUS
    }
    if not keys:
        return frozenset()
    found = AuditRecord.objects.filter(idempotency_key__in=keys, status__lt=FIRST_ERROR_STATUS)
    columns = ("client_id", "idempotency_key", "path")
    return frozenset(_sent(record) for record in found.values(*columns))


def _sent(record: Mapping[str, Any]) -> _Sent:
    """Return what two attempts at one keyed request have in common."""
    return record["client_id"], record["idempotency_key"], record["path"]


def _is_momentary(record: Mapping[str, Any]) -> bool:
    return (
        record["status"] in MOMENTARY
        or record["idempotency_outcome"] == IdempotencyOutcome.CONFLICT
    )
