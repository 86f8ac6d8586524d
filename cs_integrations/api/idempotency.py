"""``Idempotency-Key``: the same client, key and request have one effect and one answer.

A lock on the key is tried, not awaited: a duplicate that waited would hold a thread. The
answer is stored in the transaction of its effect, so after a crash there are both or neither.
"""

import hashlib
from contextlib import suppress
from datetime import timedelta
from typing import cast

from django.db import connection
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from cs_integrations.api import problems
from cs_integrations.api.context import IdempotencyOutcome, RequestContext, context_of
from cs_integrations.clients.models import IdempotencyRecord

HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"
MAX_KEY_LENGTH = 255
KEPT_FOR = timedelta(hours=24)


class StoredAnswer(Exception):
    """The key was answered before; ``response`` is that answer."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__()
        self.response = response


def note(request: Request) -> None:
    """Let the record name the key of a request that may be refused before it is claimed."""
    if request.method == "POST":
        with suppress(problems.ProblemException):  # begin refuses a malformed one
            context_of(request).idempotency_key = _key(request)


def begin(request: Request) -> None:
    """Claim the request's key, if it has one, until the transaction ends.

    :raises StoredAnswer: the same request was answered before
    :raises ProblemException: the key is malformed (400), its twin is running (409), or it
        belongs to another request (422)
    """
    context = context_of(request)
    if request.method != "POST" or context.client is None:
        return
    key = _key(request)
    if not key:
        return
    context.idempotency_key = key
    if not _is_rehearsed(context):  # it has no twin, and would hold the lock to its very end
        _lock(request, f"{context.client.pk}|{key}")
    record = IdempotencyRecord.objects.filter(
        application_id=context.client.pk,
        key=_stored_key(context),
        created_at__gt=context.acting_at - KEPT_FOR,
    ).first()
    if record is None:
        context.idempotency_outcome = IdempotencyOutcome.NEW
    elif bytes(record.fingerprint) == _fingerprint(request):
        context.idempotency_outcome = IdempotencyOutcome.REPLAYED
        raise StoredAnswer(_stored_response(record))
    else:
        context.idempotency_outcome = IdempotencyOutcome.MISMATCH
        raise problems.ProblemException(
            problems.KEY_REUSED, "This Idempotency-Key was used for another request."
        )


def remember(request: Request, response: Response) -> None:
    """Store a successful answer under the request's key, once it is rendered."""
    if context_of(request).idempotency_outcome is IdempotencyOutcome.NEW:
        response.add_post_render_callback(lambda rendered: _store(request, rendered))


def _key(request: Request) -> str:
    """Return the key, bare or quoted (the draft standard's form); empty when there is none."""
    raw = request.headers.get(HEADER)
    if raw is None:
        return ""
    key = raw.strip()
    is_quoted = len(key) > 1 and key[0] == key[-1] == '"'
    if is_quoted:
        key = key[1:-1]
    is_one_key = key and not (is_quoted and '"' in key)
    if not is_one_key or len(key) > MAX_KEY_LENGTH or not (key.isascii() and key.isprintable()):
        raise problems.invalid_parameter(
            HEADER,
            rule="format",
            detail=f"{HEADER} must be 1 to {MAX_KEY_LENGTH} printable ASCII characters,"
            " without quotes inside its quotes.",
        )
    return key


def _stored_key(context: RequestContext) -> str:
    """Return the key to store under; a rehearsal shares none with what really happened."""
    if context.replay is None or not context.replay.is_rehearsal:
        return context.idempotency_key
    name = f"{context.replay.batch}|{context.idempotency_key}"
    return f"rehearsal-{hashlib.sha256(name.encode()).hexdigest()}"


def _is_rehearsed(context: RequestContext) -> bool:
    return context.replay is not None and context.replay.is_rehearsal


def _lock(request: Request, name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        is_obtained = cast("tuple[bool]", cursor.fetchone())[0]
    if not is_obtained:
        context_of(request).idempotency_outcome = IdempotencyOutcome.CONFLICT
        raise problems.ProblemException(
            problems.CONFLICT,
            "A request with this Idempotency-Key is still running.",
            headers={"Retry-After": str(problems.RETRY_AFTER_DUPLICATE_S)},
        )


def _fingerprint(request: Request) -> bytes:
    django_request = request._request  # noqa: SLF001 - the body as it came
    digest = hashlib.sha256()
    for part in (
        (django_request.method or "").encode(),
        django_request.path.encode(),
        django_request.META.get("QUERY_STRING", "").encode(),
        django_request.body,
    ):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()


def _stored_response(record: IdempotencyRecord) -> HttpResponse:
    response = HttpResponse(
        bytes(record.body), status=record.status, content_type=record.content_type
    )
    response[REPLAYED_HEADER] = "true"
    if record.location:
        response["Location"] = record.location
    return response


def _store(request: Request, response: Response) -> None:
    context = context_of(request)
    if context.client is None:
        return
    IdempotencyRecord.objects.update_or_create(
        application_id=context.client.pk,
        key=_stored_key(context),
        defaults={
            "fingerprint": _fingerprint(request),
            "request_id": context.request_id,
            "status": response.status_code,
            "body": response.content,
            "content_type": response["Content-Type"],
            "location": response.get("Location", ""),
            "created_at": context.acting_at,
        },
    )
