"""Reading the trail."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from audit.models import AuditBody, AuditRecord
from cs_integrations.explanation import Explanation, Outcome
from cs_integrations.refusals import UnknownObject

RULE_ID = "audit.record"
RULE_VERSION = "1"


def record(*, request_id: str, client_id: str, may_see_all: bool) -> Outcome:
    """Return one record: any with ``may_see_all``, else the client's own.

    :raises UnknownObject: there is no such record, or it is another client's
    """
    found = AuditRecord.objects.filter(pk=_uuid(request_id)).first()
    if found is None or not (may_see_all or found.client_id == client_id):
        raise UnknownObject("There is no audit record with this id.")
    body = AuditBody.objects.filter(pk=found.pk).first()
    return Outcome(
        body=_wire(found, body),
        explanation=Explanation(rule_id=RULE_ID, rule_version=RULE_VERSION),
    )


def _uuid(text: str) -> UUID:
    try:
        found = UUID(text)
    except ValueError:
        found = None
    if found is None or str(found) != text:  # other spellings are not the id's
        raise UnknownObject("There is no audit record with this id.")
    return found


def _wire(found: AuditRecord, body: AuditBody | None) -> Mapping[str, Any]:
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
        "objects": found.objects_named,
        "request_bytes": found.request_bytes,
        "request_sha256": bytes(found.request_sha256).hex(),
        "response_bytes": found.response_bytes,
        "response_sha256": bytes(found.response_sha256).hex(),
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
        "kept_request": bytes(body.request).decode(errors="replace") if body else "",
        "kept_response": bytes(body.response).decode(errors="replace") if body else "",
    }
