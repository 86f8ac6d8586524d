"""Writing one record: which facts, in which form, with one statement for record and body."""

import hashlib
import string
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import TooManyFieldsSent
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone

from audit import canonical, keys, redaction
from audit.kept import BodyRow, body_row
from audit.models import AuditRecord
from cs_integrations.api.context import RequestContext, context_of

MAX_PATH_LENGTH = 1024
MAX_HEADER_LENGTH = 256
_ID_CHARACTERS = frozenset(string.ascii_letters + string.digits + "._-")

# Text that the caller wrote. What the service found out itself is never masked: a caller who
# presents its own id as a secret must not vanish from its record.
OF_THE_CALLER = ("idempotency_key", "user_agent", "client_request_id", "traceparent")

_INSERT_RECORD = (
    f"INSERT INTO audit_record ({', '.join(canonical.LEAF_NAMES)})"
    f" VALUES ({', '.join(['%s'] * len(canonical.LEAF_NAMES))})"
)
_INSERT_BODY = (
    "INSERT INTO audit_body (id, request, response, sealed_request, data_key, omitted)"
    " VALUES (%s, %s, %s, %s, %s, %s)"
)
# One statement: the record never stands without the body it was written with.
_INSERT_BOTH = f"WITH record AS ({_INSERT_RECORD}) {_INSERT_BODY}"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A record that is ready to be written."""

    values: dict[str, Any]  # the columns of canonical.COLUMNS
    body: BodyRow | None


def write(request: HttpRequest, response: HttpResponseBase) -> None:
    """Record this request and the answer it is about to get.

    Runs in whatever transaction is open: together with the effect, or on its own. A replayed
    request settles its item there too; a rehearsal writes nothing.

    :raises IntegrityError: the record was written before, so its transaction did commit
    :raises DatabaseError: the record cannot be written
    """
    context = context_of(request)
    prepared = _prepared(request, response, context)
    if context.replay is None:
        insert(prepared)
    elif context.replay.is_rehearsal:
        context.replay.settle(prepared)
    else:
        with transaction.atomic(savepoint=False):
            insert(prepared)
            context.replay.settle(prepared)


def insert(prepared: Prepared) -> None:
    """Insert a record with its MAC, and its body.

    :raises IntegrityError: there is a record with this id
    :raises DatabaseError: the record cannot be written
    """
    values, body = prepared.values, prepared.body
    mac = keys.mac(canonical.packed(values))
    record = [*(values[name] for name in canonical.NAMES), mac]
    with connection.cursor() as cursor:
        if body is None:
            cursor.execute(_INSERT_RECORD, record)
        else:
            kept = (body.request, body.response, body.sealed_request, body.data_key, body.omitted)
            cursor.execute(_INSERT_BOTH, [*record, values["id"], *kept])


def is_written(request: HttpRequest) -> bool:
    """Say whether the record of this request is in the trail."""
    return AuditRecord.objects.filter(pk=context_of(request).request_id).exists()


def _prepared(
    request: HttpRequest, response: HttpResponseBase, context: RequestContext
) -> Prepared:
    secrets = redaction.presented_secrets(request)
    body = body_row(request, response, context, secrets=secrets)
    values = _values(request, response, context, answered_at=timezone.now())
    for name in OF_THE_CALLER:
        values[name] = redaction.masked(values[name], secrets)
    values["body_sha256"] = b"" if body is None else body.sha256
    return Prepared(values, body)


def _values(
    request: HttpRequest,
    response: HttpResponseBase,
    context: RequestContext,
    *,
    answered_at: datetime,
) -> dict[str, Any]:
    client = context.client
    received = getattr(request, "_body", b"")
    is_streamed = isinstance(response, StreamingHttpResponse)
    sent = b"" if is_streamed else getattr(response, "content", b"")
    limit = context.limit
    replay = context.replay
    return {
        "record_format": canonical.FORMAT,
        "id": context.request_id,
        "received_at": context.received_at,
        "answered_at": answered_at,
        "client_id": client.client_id if client else "",
        "client_name": client.name if client else "",
        "staff_user": _staff_user(request),
        "scopes_held": " ".join(sorted(client.scopes)) if client else "",
        "scope_needed": context.scope_needed,
        "decision": context.decision.value,
        "domain": context.domain,
        "operation": context.operation,
        "route": request.resolver_match.route if request.resolver_match else "",
        "method": redaction.recorded_method(request.method or ""),
        "path": _path(request),
        "query": _query(request),
        "customer_id": context.customer_id or redaction.recorded_id(context.objects, "customer_id"),
        "object_ids": redaction.recorded_ids(context.objects),
        "request_bytes": len(received),
        "request_sha256": hashlib.sha256(received).digest(),
        "response_bytes": len(sent),
        "response_sha256": hashlib.sha256(sent).digest(),
        "is_streamed": is_streamed,
        "status": response.status_code,
        "problem_type": context.problem_type,
        "limit_policy": limit.policy if limit else "",
        "limit_remaining": limit.remaining if limit else None,
        "idempotency_key": context.idempotency_key,
        "idempotency_outcome": context.idempotency_outcome or "",
        "address": redaction.recorded_address(context.address),
        "user_agent": _printable(request.META.get("HTTP_USER_AGENT", "")),
        "client_request_id": _token(request.META.get("HTTP_X_REQUEST_ID", "")),
        "traceparent": redaction.recorded_trace(request.META.get("HTTP_TRACEPARENT", "")),
        "code_version": settings.VERSION,
        "replay_of": replay.record_id if replay else None,
        "replay_batch": replay.batch if replay else "",
        "replay_mode": replay.mode if replay else "",
        "replay_operator": replay.operator if replay else "",
        "mac_key": keys.mac_key_id(),
    }


def _staff_user(request: HttpRequest) -> str:
    """Return the signed-in user of the admin; never loads a session that nobody opened."""
    loaded = getattr(request, "_cached_user", None)
    return loaded.get_username() if loaded is not None and loaded.is_authenticated else ""


def _path(request: HttpRequest) -> str:
    path: str = redaction.recorded_path(request.path_info, request.resolver_match)
    return path[:MAX_PATH_LENGTH]


def _query(request: HttpRequest) -> str:
    declared = context_of(request).declared_parameters
    try:
        query = redaction.recorded_query(request.GET, path=request.path_info, declared=declared)
    except TooManyFieldsSent:  # which is why the answer is a 400
        return "(too many)"
    return query[:MAX_PATH_LENGTH]


def _printable(text: str) -> str:
    return text[:MAX_HEADER_LENGTH].encode("unicode_escape").decode("ascii")


def _token(text: str) -> str:
    """Return a caller's own id if it looks like one, else nothing."""
    return text if len(text) <= 64 and set(text) <= _ID_CHARACTERS else ""  # noqa: PLR2004
