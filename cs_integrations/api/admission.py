"""The first look at a request: its id, its clock reading, its address and its body."""

import sys

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.utils import timezone

from cs_integrations.api import problems
from cs_integrations.api.context import RequestContext, attach
from cs_integrations.database.identifiers import new_request_id

MAX_LENGTH_DIGITS = 18
MAX_ADDRESS_LENGTH = 45  # an IPv6 address with an embedded IPv4 one


def admit(request: HttpRequest) -> RequestContext:
    """Give the request its context: the id and the one clock reading of its whole way."""
    received_at = timezone.now()
    context = RequestContext(
        request_id=new_request_id(received_at),
        received_at=received_at,
        address=client_address(request),
    )
    attach(request, context)
    return context


def read_body(request: HttpRequest) -> HttpResponse | None:
    """Read the bounded body, once and for all readers; return the refusal of a bad one."""
    # Django takes a chunked body for an empty one, and would answer a question nobody asked.
    if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
        return problems.problem_response(
            request,
            problems.LENGTH_REQUIRED,
            "Send a Content-Length; chunked bodies are not taken.",
        )
    declared = request.META.get("CONTENT_LENGTH") or "0"
    if not (declared.isascii() and declared.isdigit()):
        return problems.problem_response(
            request, problems.VALIDATION, "Content-Length is not a number."
        )
    length = int(declared) if len(declared) <= MAX_LENGTH_DIGITS else sys.maxsize
    if length > settings.MAX_BODY_BYTES:
        return problems.problem_response(
            request,
            problems.PAYLOAD_TOO_LARGE,
            f"The body is larger than {settings.MAX_BODY_BYTES // 1024} KB.",
        )
    try:
        is_whole = len(request.body) >= length
    except UnreadablePostError:
        is_whole = False
    if not is_whole:
        return problems.problem_response(
            request, problems.VALIDATION, "The body ended before its Content-Length."
        )
    return None


def client_address(request: HttpRequest) -> str:
    """Return the caller's address.

    Each proxy appends what it saw, so with N trusted proxies it is the Nth from the right of
    ``X-Forwarded-For``; anything further left is the caller's own claim.
    """
    trusted = settings.TRUSTED_PROXY_COUNT
    forwarded = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    if trusted and len(forwarded) >= trusted and forwarded[-trusted]:
        return str(forwarded[-trusted][:MAX_ADDRESS_LENGTH])
    return str(request.META.get("REMOTE_ADDR", "")[:MAX_ADDRESS_LENGTH])
