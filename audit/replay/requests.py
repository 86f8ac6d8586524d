"""The original of a replay: its record as it is proved, and the exact request behind it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db.models import Func, IntegerField

from audit import canonical, data_keys, envelopes, months, redaction
from audit.envelopes import Envelope, EnvelopeBroken
from audit.models import AuditBody, DataKey
from audit.proof import merkle
from audit.recording import MAX_PATH_LENGTH
from audit.replay.obstacles import Obstacle

_LEAVES = f"SELECT {canonical.SELECTED} FROM audit_record AS record WHERE record.id = ANY(%s)"
# As audit.kept writes it into audit_body.omitted.
_OVER_SIZE = "exact request: over"
_HOLDS_CREDENTIALS = "exact request: holds credentials"


class NotReplayable(Exception):
    """The exact request cannot be had; ``reason`` says why."""

    def __init__(self, reason: Obstacle) -> None:
        super().__init__(str(reason))
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Original:
    """A record as it stands: its columns, and the hash of the leaf that is proved."""

    record: Mapping[str, Any]  # by the names of canonical.COLUMNS
    leaf_hash: bytes

    @property
    def id(self) -> UUID:
        found: UUID = self.record["id"]
        return found


@dataclass(frozen=True, slots=True)
class KeptRequest:
    """What is known of a request's exact form without reading it."""

    is_sealed: bool
    is_key_alive: bool
    omitted: str


def originals(ids: Collection[UUID]) -> Mapping[UUID, Original]:
    """Return the records with these ids; one that is gone is missing."""
    found = {}
    with months.in_place():
        for leaf in canonical.copied(_LEAVES, [list(ids)]):
            original = Original(canonical.unpacked(leaf), merkle.leaf_hash(leaf))
            found[original.id] = original
    return found


def kept_requests(ids: Collection[UUID]) -> Mapping[UUID, KeptRequest]:
    """Return what is kept of the exact requests of these records, in two queries."""
    length = Func("sealed_request", function="octet_length", output_field=IntegerField())
    rows = list(
        AuditBody.objects.filter(pk__in=ids)
        .annotate(sealed_bytes=length)
        .values_list("id", "sealed_bytes", "data_key", "omitted")
    )
    wanted = {data_key for _, _, data_key, _ in rows if data_key is not None}
    alive = set(
        DataKey.objects.filter(pk__in=wanted, wrapped__isnull=False).values_list("pk", flat=True)
    )
    return {
        record_id: KeptRequest(bool(sealed_bytes), data_key in alive, omitted)
        for record_id, sealed_bytes, data_key, omitted in rows
    }


def missing_form(record: Mapping[str, Any], kept: KeptRequest | None) -> Obstacle | None:
    """Say why the exact request of a record cannot be had; None when it can."""
    if kept is None and record["body_sha256"]:
        return Obstacle.PAST_TIME
    if kept is not None and kept.is_sealed:
        return None if kept.is_key_alive else Obstacle.KEY_DESTROYED
    omitted = "" if kept is None else kept.omitted
    if _OVER_SIZE in omitted:
        return Obstacle.OVER_SIZE
    if _HOLDS_CREDENTIALS in omitted:
        return Obstacle.CREDENTIALS
    return _untold(record)


def original_request(record: Mapping[str, Any], body: AuditBody | None) -> Envelope:
    """Return the exact request of a record: the sealed one, or a plain read that the record tells.

    :raises NotReplayable: it was not kept, or cannot be read any more
    :raises KeyUnavailable: no master key of the settings opens its data key
    """
    if body is not None and _sha256(body) != record["body_sha256"]:
        raise NotReplayable(Obstacle.PROOF_BROKEN)
    if body is not None and body.sealed_request:
        return _unsealed(record["id"], body)
    kept = None if body is None else KeptRequest(False, False, body.omitted)
    if (reason := missing_form(record, kept)) is not None:
        raise NotReplayable(reason)
    path, query = record["path"], record["query"]
    return Envelope(
        target=f"{path}?{query}" if query else path,
        content_type="",
        accept="",
        idempotency_key="",
        body=b"",
    )


def original_requests(records: Iterable[Mapping[str, Any]]) -> Mapping[UUID, Envelope]:
    """Return the exact requests of these records; one that cannot be had is missing."""
    wanted = {record["id"]: record for record in records}
    bodies = AuditBody.objects.in_bulk(list(wanted))
    found = {}
    for record_id, record in wanted.items():
        try:
            found[record_id] = original_request(record, bodies.get(record_id))
        except NotReplayable:
            continue
    return found


def _sha256(body: AuditBody) -> bytes:
    parts = (bytes(body.request), bytes(body.response), bytes(body.sealed_request))
    return sha256(canonical.body_bytes(*parts, body.data_key, body.omitted)).digest()


def _unsealed(record_id: UUID, body: AuditBody) -> Envelope:
    if body.data_key is None:
        raise NotReplayable(Obstacle.NEVER_KEPT)
    try:
        key = data_keys.by_id(body.data_key)
        return envelopes.opened(bytes(body.sealed_request), record_id=record_id, key=key.secret)
    except data_keys.KeyDestroyed as error:
        raise NotReplayable(Obstacle.KEY_DESTROYED) from error
    except EnvelopeBroken as error:
        raise NotReplayable(Obstacle.PROOF_BROKEN) from error


def _untold(record: Mapping[str, Any]) -> Obstacle | None:
    """Say why a record alone does not tell its request; None for a plain read, which it does."""
    path, query = record["path"], record["query"]
    if redaction.MASK in path or redaction.MASK in query:
        return Obstacle.CREDENTIALS
    is_whole = len(path) < MAX_PATH_LENGTH and len(query) < MAX_PATH_LENGTH
    return None if record["method"] == "GET" and is_whole else Obstacle.NEVER_KEPT
