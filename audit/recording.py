"""Writing one record: which facts, in which form, with one statement a table."""

import hashlib
import json
import string
from datetime import datetime
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.core.exceptions import TooManyFieldsSent
from django.db import connection
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone

from audit import redaction
from audit.models import AuditRecord
from cs_integrations.api.context import RequestContext, context_of
from cs_integrations.explanation import plain

MAX_PATH_LENGTH = 1024
MAX_HEADER_LENGTH = 256
MAX_KEPT_BODY_BYTES = 64 * 1024
_PATH_SAFE = "/:@!$&'()*+,;=~-._"
_ID_CHARACTERS = frozenset(string.ascii_letters + string.digits + "._-")

_COLUMNS = (
    "id", "received_at", "answered_at", "client_id", "client_name", "staff_user",
    "scopes_held", "scope_needed", "decision", "domain", "operation", "route", "method",
    "path", "query", "objects_named", "request_bytes", "request_sha256", "response_bytes",
    "response_sha256", "is_streamed", "status", "problem_type", "limit_policy",
    "limit_remaining", "idempotency_key", "idempotency_outcome", "address", "user_agent",
    "client_request_id", "traceparent", "code_version",
)  # fmt: skip
_INSERT_RECORD = (
    f"INSERT INTO audit_record ({', '.join(_COLUMNS)}) VALUES ({', '.join(['%s'] * len(_COLUMNS))})"
)
_INSERT_BODY = "INSERT INTO audit_body (id, request, response) VALUES (%s, %s, %s)"
# One statement: the record never stands without the body it was written with.
_INSERT_BOTH = f"WITH record AS ({_INSERT_RECORD}) {_INSERT_BODY}"


def write(request: HttpRequest, response: HttpResponseBase) -> None:
    """Insert the record of this request and the answer it is about to get.

    Runs in whatever transaction is open: together with the effect, or on its own.

    :raises IntegrityError: the record was written before, so its transaction did commit
    :raises DatabaseError: the record cannot be written
    """
    context = context_of(request)
    values = _values(request, response, context, answered_at=timezone.now())
    secrets = redaction.presented_secrets(request)
    with connection.cursor() as cursor:
        record = [redaction.masked(values[name], secrets) for name in _COLUMNS]
        if context.kept_request is None and not context.kept_response:
            cursor.execute(_INSERT_RECORD, record)
        else:
            bodies = [redaction.masked(value, secrets) for value in _bodies(context)]
            cursor.execute(_INSERT_BOTH, [*record, *bodies])


def is_written(request: HttpRequest) -> bool:
    """Say whether the record of this request is in the trail."""
    return AuditRecord.objects.filter(pk=context_of(request).request_id).exists()


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
    return {
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
        "method": _printable(request.method or "", limit=16),
        "path": _path(request),
        "query": _query(request),
        "objects_named": json.dumps(
            {name: _printable(value) for name, value in context.objects.items()}
        ),
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
        "address": _printable(context.address),
        "user_agent": _printable(request.META.get("HTTP_USER_AGENT", "")),
        "client_request_id": _token(request.META.get("HTTP_X_REQUEST_ID", "")),
        "traceparent": _token(request.META.get("HTTP_TRACEPARENT", "")),
        "code_version": settings.VERSION,
    }


def _bodies(context: RequestContext) -> list[Any]:
    kept = json.dumps(plain(context.kept_request)).encode() if context.kept_request else b""
    return [
        context.request_id,
        kept[:MAX_KEPT_BODY_BYTES],
        context.kept_response[:MAX_KEPT_BODY_BYTES],
    ]


def _staff_user(request: HttpRequest) -> str:
    """Return the signed-in user of the admin; never loads a session that nobody opened."""
    loaded = getattr(request, "_cached_user", None)
    return loaded.get_username() if loaded is not None and loaded.is_authenticated else ""


def _path(request: HttpRequest) -> str:
    # Percent-encoded it is pure ASCII: no byte a caller can send is one PostgreSQL refuses.
    return quote(request.path_info, safe=_PATH_SAFE)[:MAX_PATH_LENGTH]


def _query(request: HttpRequest) -> str:
    """Return the parameters that the view declares; others may hold secrets and are masked."""
    declared = context_of(request).declared_parameters
    try:
        parameters = list(request.GET.lists())
    except TooManyFieldsSent:  # which is why the answer is a 400
        return "(too many)"
    parts = [
        f"{name}={quote(value, safe='', errors='backslashreplace')}"
        if name in declared
        else "(undeclared)"
        for name, values in parameters
        for value in values
    ]
    return "&".join(parts)[:MAX_PATH_LENGTH]


def _printable(text: str, *, limit: int = MAX_HEADER_LENGTH) -> str:
    return text[:limit].encode("unicode_escape").decode("ascii")


def _token(text: str) -> str:
    """Return a caller's own id if it looks like one, else nothing."""
    return text if len(text) <= 64 and set(text) <= _ID_CHARACTERS else ""  # noqa: PLR2004
