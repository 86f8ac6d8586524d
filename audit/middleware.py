"""The outermost layer: one record for each answer, committed before the answer leaves."""

import logging
from collections.abc import Callable

from django.conf import settings
from django.db import Error, IntegrityError, connection, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from audit import recording
from cs_integrations.api import admission, headers, problems
from cs_integrations.api.context import (
    ADMIN_PREFIX,
    FIRST_ERROR_STATUS,
    Decision,
    RequestContext,
    context_of,
)
from cs_integrations.database import identifiers

logger = logging.getLogger(__name__)

READING = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
EXEMPT_PATHS = frozenset({"/healthz", "/readyz"})
EXEMPT_PREFIXES = (settings.STATIC_URL,)
PERHAPS_KEPT = (
    "It is not known whether the request was kept; send it again with the same Idempotency-Key."
)


class Unwritable(Error):
    """The record could not even be put together; its cause says why."""


class AuditMiddleware:
    """Serve a request and record it.

    A writing request and its record share one transaction: both are kept or neither. An answer
    of 400 and above rolls the work back and is recorded on its own. When no record can be
    written the work is undone and the caller gets a 503.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        context = admission.admit(request)
        with identifiers.drawn_from(context.identity):
            return self._answered(request, context)

    def _answered(self, request: HttpRequest, context: RequestContext) -> HttpResponseBase:
        if _is_exempt(request.path_info):
            response: HttpResponseBase = self.get_response(request)
            _drop_unsent(request, response)
            return response
        refusal = admission.check(request)
        if refusal is not None:
            response = _recorded(request, refusal)
        elif _is_writing(request):
            response = self._in_transaction(request, context)
        else:
            response = _recorded(request, self._served(request, context))
        _drop_unsent(request, response)
        headers.write(request, response)
        return response

    def _served(self, request: HttpRequest, context: RequestContext) -> HttpResponse:
        response = self.get_response(request)
        if request.path_info.startswith(ADMIN_PREFIX):
            context.domain = "admin"
            context.decision = Decision.STAFF
        return response

    def _in_transaction(self, request: HttpRequest, context: RequestContext) -> HttpResponseBase:
        committing: HttpResponse | None = None
        try:
            with transaction.atomic():
                response = self._served(request, context)
                is_kept = response.status_code < FIRST_ERROR_STATUS
                if is_kept:
                    _write(request, response)
                    committing = response
                else:
                    transaction.set_rollback(True)
        except Error as error:
            return _after_failure(request, committing, error)
        return response if is_kept else _recorded(request, response)


def _is_exempt(path: str) -> bool:
    return path in EXEMPT_PATHS or path.startswith(EXEMPT_PREFIXES)


def _is_writing(request: HttpRequest) -> bool:
    """Say whether the request may write; in the admin a GET does (sessions, messages)."""
    return request.method not in READING or request.path_info.startswith(ADMIN_PREFIX)


def _after_failure(
    request: HttpRequest, committing: HttpResponse | None, error: Error
) -> HttpResponseBase:
    """Answer for a transaction that failed; ``committing`` is the answer it had, if at COMMIT.

    If the record turns out to be there, the commit did happen and its answer is the true one.
    """
    connection.close_if_unusable_or_obsolete()
    failure = problems.database_problem(request, error)
    try:
        _write(request, failure)
    except Error as record_error:
        if committing is None:
            return _unrecordable(request, record_error)
        return _after_commit(request, committing, record_error)
    return failure


def _after_commit(request: HttpRequest, committing: HttpResponse, error: Error) -> HttpResponseBase:
    """Answer for a COMMIT whose outcome was lost, and whose failure could not be recorded."""
    if not isinstance(error, IntegrityError):
        return _unrecordable(request, error, PERHAPS_KEPT)
    try:
        is_committed = recording.is_written(request)
    except Error as second_error:
        return _unrecordable(request, second_error, PERHAPS_KEPT)
    return committing if is_committed else _unrecordable(request, error)


def _recorded(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Record an answer that has no work beside it, in a transaction of its own."""
    try:
        _write(request, response)
    except Error as error:
        return _unrecordable(request, error)
    return response


def _write(request: HttpRequest, response: HttpResponse) -> None:
    """Write the record of the answer as it will be sent.

    :raises Error: it cannot be written, for whatever reason
    """
    _drop_unsent(request, response)
    try:
        recording.write(request, response)
    except Error:
        raise
    except Exception as error:
        raise Unwritable from error


def _drop_unsent(request: HttpRequest, response: HttpResponseBase) -> None:
    """Empty the answer to a HEAD, but leave its length (RFC 9110, 9.3.2)."""
    if request.method != "HEAD":
        return
    if isinstance(response, HttpResponse):
        response.headers.setdefault("Content-Length", str(len(response.content)))
        response.content = b""
    elif isinstance(response, StreamingHttpResponse):
        response.streaming_content = []


def _unrecordable(request: HttpRequest, error: Error, *detail: str) -> HttpResponse:
    logger.error(
        "ALARM audit record not written request_id=%s method=%s error=%s",
        context_of(request).request_id,
        request.method,
        type(error.__cause__ or error).__name__,
    )
    return problems.unavailable(request, *detail)
