"""Records of any time, written as the service writes them."""

import time
from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from audit import canonical, data_keys, envelopes, keys
from audit.envelopes import Envelope
from audit.kept import BodyRow
from audit.models import AuditBatch
from audit.proof import sealing
from audit.recording import Prepared, insert
from cs_integrations.database import partitions
from cs_integrations.database.identifiers import new_request_id

SEALED_WITHIN_S = 300  # transaction ids are the whole server's: others' may have to end first
_EMPTY = {canonical.TEXT: "", canonical.TEXTS: [], canonical.BYTES: b"", canonical.FLAG: False}


def values(*, at: datetime, **changes: Any) -> dict[str, Any]:
    """Return the columns of a plain record of this time."""
    empty = {name: _EMPTY.get(kind, 0) for name, kind in canonical.COLUMNS.items()}
    plain = {
        "record_format": canonical.FORMAT,
        "id": new_request_id(at),
        "received_at": at,
        "answered_at": at + timedelta(milliseconds=20),
        "status": 200,
        "decision": "allowed",
        "method": "GET",
        "path": "/v1/cs-integrations/sales/expansion/cust_1",
        "limit_remaining": None,
        "replay_of": None,
        "mac_key": keys.mac_key_id(),
    }
    return empty | plain | changes


def written(*, at: datetime, body: BodyRow | None = None, **changes: Any) -> UUID:
    """Insert a record, and its body; return the id."""
    columns = values(at=at, **changes)
    if body is not None:
        columns["body_sha256"] = body.sha256
    insert(Prepared(columns, body))
    return columns["id"]


def written_with_exact_request(*, at: datetime, client_id: str, **changes: Any) -> UUID:
    """Insert a record with the exact request, encrypted with the client's key of the month."""
    record_id = new_request_id(at)
    key = data_keys.current(client_id=client_id, at=at)
    sent = Envelope(
        target="/v1/x", content_type="application/json", accept="", idempotency_key="", body=b"{}"
    )
    body = BodyRow(
        request=b'{"period":"2001-Q1"}',
        response=b"{}",
        sealed_request=envelopes.seal(sent, record_id=record_id, key=key.secret),
        data_key=key.id,
        omitted="",
    )
    return written(at=at, body=body, id=record_id, client_id=client_id, method="POST", **changes)


def make_month(month: date) -> None:
    """Make the partitions of a month, as the owner."""
    with connection.cursor() as cursor:
        for table in ("audit_record", "audit_body"):
            cursor.execute("SELECT to_regclass(%s)", [partitions.partition_name(table, month)])
            if cursor.fetchone() == (None,):
                cursor.execute(partitions.create_month(table, month))


def seal_all(ids: Collection[UUID]) -> None:
    """Seal until batches hold these records, which are committed."""
    waiting = {record_id.bytes for record_id in ids}
    newest = AuditBatch.objects.order_by("-number").first()
    looked_at = newest.number if newest else 0
    deadline = time.monotonic() + SEALED_WITHIN_S
    while waiting:
        sealing.seal(at=timezone.now())
        for batch in AuditBatch.objects.filter(number__gt=looked_at).order_by("number"):
            leaves = bytes(batch.leaves)
            waiting -= {leaves[place : place + 16] for place in range(0, len(leaves), 48)}
            looked_at = batch.number
        assert time.monotonic() < deadline, f"{len(waiting)} records were not sealed in time"
        if waiting:
            time.sleep(0.1)


def leaves(table: str = "audit_record") -> dict[UUID, tuple[bytes, str]]:
    """Return canonical bytes with MAC and xact of each record that is in this table."""
    query = f"SELECT record.xact, {canonical.SELECTED} FROM {table} AS record"
    rows = [(row[:12], row[12:]) for row in canonical.copied(query)]
    return {canonical.record_id(leaf): (leaf, xact.hex()) for xact, leaf in rows}
