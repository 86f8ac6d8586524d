"""Reading the trail: one record with its proof, or a page of those that a filter matches."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from audit import keys
from audit.models import AuditBody, AuditRecord
from audit.proof.receipts import NoReceipt, receipt_of
from audit.proof.verification import verify_records
from audit.reading import paging
from audit.reading.filters import RecordFilter
from cs_integrations.explanation import Explanation, Outcome
from cs_integrations.refusals import UnknownObject

RECORD_RULE, RECORDS_RULE = "audit.record", "audit.records"
RULE_VERSION = "1"


def record(
    *, request_id: str, client_id: str, may_see_all: bool, with_proof: bool = False
) -> Outcome:
    """Return one record with what is kept of its bodies: any with ``may_see_all``, else one's own.

    :raises UnknownObject: there is no such record, or it is another client's
    """
    visible = readable(client_id=client_id, may_see_all=may_see_all)
    found = visible.filter(pk=_uuid(request_id)).first()
    if found is None:
        raise UnknownObject("There is no audit record with this id.")
    body = AuditBody.objects.filter(pk=found.pk).first()
    return Outcome(
        body={**_wire(found), **_kept(body), **(_proof(found.pk) if with_proof else {})},
        explanation=Explanation(rule_id=RECORD_RULE, rule_version=RULE_VERSION),
    )


def records(
    *,
    selection: RecordFilter,
    client_id: str,
    may_see_all: bool,
    after: UUID | None = None,
    limit: int = paging.DEFAULT_LIMIT,
) -> Outcome:
    """Return a page of the records that match, newest first."""
    visible = readable(client_id=client_id, may_see_all=may_see_all)
    page = paging.page(selection.matching(visible), after=after, limit=limit)
    return Outcome(
        body={
            "records": [_wire(found) for found in page.records],
            "next_cursor": page.next_cursor,
        },
        explanation=Explanation(
            rule_id=RECORDS_RULE, rule_version=RULE_VERSION, inputs=selection.as_parameters()
        ),
    )


def readable(*, client_id: str, may_see_all: bool) -> QuerySet[AuditRecord]:
    """Return the records that a client may read, without the columns that prove them."""
    visible: QuerySet[AuditRecord] = AuditRecord.objects.defer("mac", "xact")
    return visible if may_see_all else visible.filter(client_id=client_id)


def _uuid(text: str) -> UUID:
    try:
        found = UUID(text)
    except ValueError:
        found = None
    if found is None or str(found) != text:  # other spellings are not the id's
        raise UnknownObject("There is no audit record with this id.")
    return found


def _proof(record_id: UUID) -> Mapping[str, Any]:
    """Return whether the record can be trusted, and the receipt that shows it to others."""
    state = verify_records([record_id])[record_id]
    try:
        receipt = receipt_of(record_id, trusted=keys.public_keys()).as_json()
    except NoReceipt:
        receipt = None
    return {"proof": state.value, "receipt": receipt}


def _kept(body: AuditBody | None) -> Mapping[str, Any]:
    if body is None:
        return {"kept_request": "", "kept_response": "", "omitted": ""}
    return {
        "kept_request": bytes(body.request).decode(errors="replace"),
        "kept_response": bytes(body.response).decode(errors="replace"),
        "omitted": body.omitted,
    }


def _wire(found: AuditRecord) -> Mapping[str, Any]:
    return {
        "request_id": str(found.id),
        "received_at": found.received_at,
        "answered_at": found.answered_at,
        "client_id": found.client_id,
        "client_name": found.client_name,
        "staff_user": found.staff_user,
        "scopes_held": found.scopes_held.split(),
        "scope_needed": found.scope_needed,
        "decision": found.decision,
        "domain": found.domain,
        "operation": found.operation,
        "route": found.route,
        "method": found.method,
        "path": found.path,
        "query": found.query,
        "customer_id": found.customer_id,
        "object_ids": found.object_ids,
        "request_bytes": found.request_bytes,
        "request_sha256": bytes(found.request_sha256).hex(),
        "response_bytes": found.response_bytes,
        "response_sha256": bytes(found.response_sha256).hex(),
        "is_streamed": found.is_streamed,
        "status": found.status,
        "problem_type": found.problem_type,
        "limit_policy": found.limit_policy,
        "limit_remaining": found.limit_remaining,
        "idempotency_key": found.idempotency_key,
        "idempotency_outcome": found.idempotency_outcome,
        "address": found.address,
        "user_agent": found.user_agent,
        "client_request_id": found.client_request_id,
        "traceparent": found.traceparent,
        "code_version": found.code_version,
        "replay_of": str(found.replay_of) if found.replay_of else None,
        "replay_batch": found.replay_batch,
        "replay_mode": found.replay_mode,
        "replay_operator": found.replay_operator,
        "record_format": found.record_format,
        "body_sha256": bytes(found.body_sha256).hex(),
        "key_id": found.mac_key,
    }
