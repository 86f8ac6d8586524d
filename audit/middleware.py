"""The outermost layer: one record for each answer, committed before the answer leaves."""

import logging
from collections.abc import Callable

from django.conf import settings
from django.db import Error, IntegrityError, connection, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from audit import recording
from cs_integrations.api import admission, headers, problems
from cs_integrations.api.context import Decision, RequestContext, context_of

logger = logging.getLogger(__name__)

READING = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
ADMIN_PREFIX = "/admin/"
EXEMPT_PATHS = frozenset({"/healthz", "/readyz"})
EXEMPT_PREFIXES = (settings.STATIC_URL,)
FIRST_ERROR_STATUS = 400


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
        if _is_exempt(request.path_info):
            return self.get_response(request)
        refusal = admission.read_body(request)
        if refusal is not None:
            response: HttpResponseBase = _recorded(request, refusal)
        elif _is_writing(request):
            response = self._in_transaction(request, context)
        else:
            response = _recorded(request, self._served(request, context))
        headers.write(request, response)
        return response

    def _served(self, request: HttpRequest, context: RequestContext) -> HttpResponse:
        response = self.get_response(request)
        if request.path_info.startswith(ADMIN_PREFIX):
            context.domain = "admin"
            context.decision = Decision.STAFF
        return response

    def _in_transaction(self, request: HttpRequest, context: RequestContext) -> HttpResponseBase:
        response: HttpResponse | None = None
        try:
            with transaction.atomic():
                response = self._served(request, context)
                is_kept = response.status_code < FIRST_ERROR_STATUS
                if is_kept:
                    recording.write(request, response)
                else:
                    transaction.set_rollback(True)
        except Error as error:
            return _after_failure(request, response, error)
        return response if is_kept else _recorded(request, response)


def _is_exempt(path: str) -> bool:
    return path in EXEMPT_PATHS or path.startswith(EXEMPT_PREFIXES)


def _is_writing(request: HttpRequest) -> bool:
    """Say whether the request may write; in the admin a GET does (sessions, messages)."""
    return request.method not in READING or request.path_info.startswith(ADMIN_PREFIX)


def _after_failure(
    request: HttpRequest, response: HttpResponse | None, error: Error
) -> HttpResponseBase:
    """Answer for a transaction that failed, at COMMIT perhaps.

    If the record turns out to be there, the commit did happen and its answer is the true one.
    """
    connection.close_if_unusable_or_obsolete()
    context_of(request).kept_response = b""  # of the answer that is not sent
    failure = problems.database_problem(request, error)
    try:
        recording.write(request, failure)
    except IntegrityError as record_error:
        if response is None or not recording.is_written(request):
            return _unrecordable(request, record_error)
        return response
    except Error as record_error:
        return _unrecordable(request, record_error)
    return failure


def _recorded(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Record an answer that has no work beside it, in a transaction of its own."""
    try:
        recording.write(request, response)
    except Error as error:
        return _unrecordable(request, error)
    return response


def _unrecordable(request: HttpRequest, error: Error) -> HttpResponse:
    response = problems.database_problem(request, error)
    logger.error(
        "ALARM audit record not written request_id=%s method=%s error=%s",
        context_of(request).request_id,
        request.method,
        type(error).__name__,
    )
    return response
