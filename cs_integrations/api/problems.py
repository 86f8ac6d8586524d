"""RFC 9457 problems: the catalogue, the shape, and the one handler of the API's exceptions.

Every refusal outside ``/admin/`` and outside the OAuth errors of RFC 6749 is one of these.
Clients branch on ``type``; a published type is never renamed or reused.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.db import Error, IntegrityError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from rest_framework import exceptions
from rest_framework.exceptions import ErrorDetail

from cs_integrations.api.context import Decision, RequestContext, context_of
from cs_integrations.refusals import (
    InvalidMember,
    InvalidParameter,
    StateConflict,
    UnknownObject,
)

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
# What the audit trail keeps of a problem, and of each entry of its errors. The texts, and the
# pointers too, may repeat what the caller sent.
KEPT_MEMBERS = ("type", "status", "required_scope")
KEPT_ERROR_MEMBERS = ("rule",)
RETRY_AFTER_OUTAGE_S = 5
RETRY_AFTER_DUPLICATE_S = 1
FIRST_FAULT_STATUS = 500  # from here on the fault is ours, and its message not the caller's


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One entry of the catalogue; ``meaning`` and ``remedy`` are shown at ``/errors/<slug>``."""

    slug: str
    title: str
    status: HTTPStatus
    meaning: str
    remedy: str

    @property
    def uri(self) -> str:
        return f"{settings.SPECIFIED_HOST}/errors/{self.slug}"


VALIDATION = ProblemType(
    "validation-error",
    "Invalid request",
    HTTPStatus.BAD_REQUEST,
    "The request breaks a rule of its format, or names an object that does not exist.",
    "Each entry of `errors` names the member (`pointer`) or parameter and the rule it breaks.",
)
UNAUTHORIZED = ProblemType(
    "unauthorized",
    "Authentication required",
    HTTPStatus.UNAUTHORIZED,
    "There is no bearer token, or it is unknown, expired or revoked.",
    "Get a token from /auth/token and send it as `Authorization: Bearer …`.",
)
FORBIDDEN = ProblemType(
    "forbidden",
    "Scope missing",
    HTTPStatus.FORBIDDEN,
    "The token does not hold the scope that this operation needs.",
    "Ask for the scope named in `required_scope`; scopes are given per client.",
)
NOT_FOUND = ProblemType(
    "not-found",
    "Not found",
    HTTPStatus.NOT_FOUND,
    "The path names an object or a route that does not exist.",
    "Check the id in the path; `detail` says which object is unknown.",
)
METHOD_NOT_ALLOWED = ProblemType(
    "method-not-allowed",
    "Method not allowed",
    HTTPStatus.METHOD_NOT_ALLOWED,
    "The path exists but does not take this method.",
    "Use one of the methods in the `Allow` header.",
)
NOT_ACCEPTABLE = ProblemType(
    "not-acceptable",
    "Not acceptable",
    HTTPStatus.NOT_ACCEPTABLE,
    "The `Accept` header admits no media type that is served here.",
    "Accept `application/json`.",
)
CONFLICT = ProblemType(
    "conflict",
    "Conflict with the current state",
    HTTPStatus.CONFLICT,
    "The request is sound, but the state of the object, or a request still running with the"
    " same key, does not allow it.",
    "Read the object again; with `Retry-After`, send the same request again after that time.",
)
LENGTH_REQUIRED = ProblemType(
    "length-required",
    "Length required",
    HTTPStatus.LENGTH_REQUIRED,
    "The body was sent in chunks, without a length.",
    "Send a `Content-Length` header.",
)
PAYLOAD_TOO_LARGE = ProblemType(
    "payload-too-large",
    "Body too large",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "The body is larger than 256 KB.",
    "Send a smaller body.",
)
UNSUPPORTED_MEDIA_TYPE = ProblemType(
    "unsupported-media-type",
    "Unsupported media type",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "The body is not of a media type that this operation takes.",
    "Send `Content-Type: application/json`.",
)
KEY_REUSED = ProblemType(
    "idempotency-key-reused",
    "Idempotency key reused",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "The `Idempotency-Key` was used before for another request.",
    "Use a fresh key for each request, and the same key only to repeat it unchanged.",
)
RATE_LIMIT = ProblemType(
    "rate-limit",
    "Rate limit exceeded",
    HTTPStatus.TOO_MANY_REQUESTS,
    "The client has made as many requests to this domain as its limit allows in a minute.",
    "Wait for the seconds in `Retry-After`; `X-RateLimit-Remaining` says what is left.",
)
INTERNAL = ProblemType(
    "internal",
    "Internal error",
    HTTPStatus.INTERNAL_SERVER_ERROR,
    "A fault of ours. Nothing of the request was kept but its audit record.",
    "Report the `request_id`; the audit record behind it holds the circumstances.",
)
UNAVAILABLE = ProblemType(
    "unavailable",
    "Temporarily unavailable",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "A store that the answer depends on could not be reached. `detail` says if anything"
    " may have been kept.",
    "Send the request again after `Retry-After`, with the same `Idempotency-Key`.",
)

CATALOGUE: tuple[ProblemType, ...] = (
    VALIDATION,
    UNAUTHORIZED,
    FORBIDDEN,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    NOT_ACCEPTABLE,
    CONFLICT,
    LENGTH_REQUIRED,
    PAYLOAD_TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    KEY_REUSED,
    RATE_LIMIT,
    INTERNAL,
    UNAVAILABLE,
)
BY_SLUG = {problem_type.slug: problem_type for problem_type in CATALOGUE}
BY_STATUS = {problem_type.status.value: problem_type for problem_type in CATALOGUE}


class ProblemException(exceptions.APIException):
    """Raised where the API itself refuses; carries the finished parts of the problem."""

    def __init__(
        self,
        problem_type: ProblemType,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status_code = problem_type.status
        self.problem_type = problem_type
        self.text = detail
        self.headers = headers or {}
        self.members = members or {}


def invalid_parameter(name: str, *, rule: str, detail: str) -> ProblemException:
    """Return the refusal of a query parameter or header."""
    error = {"parameter": name, "rule": rule, "detail": detail}
    return ProblemException(VALIDATION, detail, members={"errors": [error]})


def problem_response(
    request: HttpRequest,
    problem_type: ProblemType,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    members: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """Return the problem as an answer to this request."""
    context = context_of(request)
    context.problem_type = problem_type.slug
    response = JsonResponse(
        {
            "type": problem_type.uri,
            "title": problem_type.title,
            "detail": detail,
            "instance": request.path,
            "status": problem_type.status.value,
            "request_id": str(context.request_id),
            **(members or {}),
        },
        status=problem_type.status,
        content_type=MEDIA_TYPE,
    )
    # A refusal of the outermost middleware passes no other that would add it.
    response["Content-Length"] = str(len(response.content))
    for name, value in (headers or {}).items():
        response[name] = value
    return response


def exception_handler(exc: Exception, handler_context: Mapping[str, Any]) -> HttpResponseBase:
    """Return the problem for any exception that leaves an API view.

    What nobody anticipated is logged and becomes ``internal`` without a word about itself.
    """
    request: HttpRequest = handler_context["request"]._request  # noqa: SLF001
    return problem_for(request, exc)


def problem_for(request: HttpRequest, exc: Exception) -> HttpResponse:
    """Return the problem that an exception means."""
    match exc:
        case ProblemException():
            return problem_response(
                request, exc.problem_type, exc.text, headers=exc.headers, members=exc.members
            )
        case UnknownObject():
            return problem_response(request, NOT_FOUND, exc.detail)
        case StateConflict():
            return problem_response(request, CONFLICT, exc.detail)
        case InvalidMember():
            error = {"pointer": exc.pointer, "rule": exc.rule, "detail": exc.detail}
            return problem_response(request, VALIDATION, exc.detail, members={"errors": [error]})
        case InvalidParameter():
            return problem_for(
                request, invalid_parameter(exc.name, rule=exc.rule, detail=exc.detail)
            )
        case exceptions.ValidationError():
            return _invalid(request, exc)
        case exceptions.APIException():
            return _framework_problem(request, exc, context_of(request))
        case Http404():
            return problem_response(request, NOT_FOUND, "There is nothing at this path.")
        case PermissionDenied():
            return problem_response(request, FORBIDDEN, "This request is not allowed.")
        case BadRequest() | SuspiciousOperation():
            return problem_response(request, VALIDATION, "The request is malformed.")
        case Error():
            return database_problem(request, exc)
        case _:
            return _unforeseen(request, exc)


def _unforeseen(request: HttpRequest, exc: Exception) -> HttpResponse:
    logger.error("unhandled exception", exc_info=exc)
    return problem_response(request, INTERNAL, "The request could not be completed.")


def database_problem(request: HttpRequest, exc: Error) -> HttpResponse:
    """Return a conflict where the database refused a row, else that a store is unavailable."""
    logger.error(
        "database refused request_id=%s: %s", context_of(request).request_id, type(exc).__name__
    )
    if isinstance(exc, IntegrityError):
        return problem_response(
            request, CONFLICT, "The change conflicts with another one; nothing was kept."
        )
    return unavailable(request)


def unavailable(
    request: HttpRequest, detail: str = "The database did not take the request; nothing was kept."
) -> HttpResponse:
    """Return that a store is unavailable and the request may be sent again."""
    return problem_response(
        request, UNAVAILABLE, detail, headers={"Retry-After": str(RETRY_AFTER_OUTAGE_S)}
    )


def _framework_problem(
    request: HttpRequest, exc: exceptions.APIException, context: RequestContext
) -> HttpResponse:
    match exc:
        case exceptions.ParseError():
            error = {
                "pointer": getattr(exc, "pointer", ""),
                "rule": str(getattr(exc.detail, "code", "json")),
                "detail": str(exc.detail),
            }
            return problem_response(
                request, VALIDATION, str(exc.detail), members={"errors": [error]}
            )
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            context.decision = Decision.UNAUTHENTICATED
            challenge = getattr(exc, "auth_header", "Bearer")
            return problem_response(
                request, UNAUTHORIZED, str(exc.detail), headers={"WWW-Authenticate": challenge}
            )
        case exceptions.Throttled():
            context.decision = Decision.THROTTLED
            seconds = max(1, int(getattr(exc, "wait", None) or 1))
            return problem_response(
                request,
                RATE_LIMIT,
                f"Retry after {seconds}s",
                headers={"Retry-After": str(seconds)},
            )
        case exceptions.MethodNotAllowed():
            return problem_response(request, METHOD_NOT_ALLOWED, str(exc.detail))
        case _ if exc.status_code in BY_STATUS and exc.status_code < FIRST_FAULT_STATUS:
            return problem_response(request, BY_STATUS[exc.status_code], str(exc.detail))
        case _:
            return _unforeseen(request, exc)


def _invalid(request: HttpRequest, exc: exceptions.ValidationError) -> HttpResponse:
    errors = list(_flattened(exc.detail, ""))
    first = errors[0]
    detail = f"{first['pointer'] or 'The body'}: {first['detail']}"
    if len(errors) > 1:
        detail += f" And {len(errors) - 1} more."
    return problem_response(request, VALIDATION, detail, members={"errors": errors})


def _flattened(detail: Any, pointer: str) -> Iterator[dict[str, str]]:
    """Yield one entry for each broken rule, with the JSON pointer (RFC 6901) of its member."""
    if isinstance(detail, ErrorDetail):
        yield {"pointer": pointer, "rule": str(detail.code), "detail": str(detail)}
    elif isinstance(detail, Mapping):
        for name, inner in detail.items():
            step = "" if name == "non_field_errors" else pointer_step(name)
            yield from _flattened(inner, pointer + step)
    elif isinstance(detail, Sequence):
        for position, inner in enumerate(detail):
            is_leaf = isinstance(inner, ErrorDetail)
            yield from _flattened(inner, pointer if is_leaf else f"{pointer}/{position}")


def pointer_step(name: str | int) -> str:
    """Return one step of a JSON pointer (RFC 6901): the way into a member or a list entry."""
    return "/" + str(name).replace("~", "~0").replace("/", "~1")
