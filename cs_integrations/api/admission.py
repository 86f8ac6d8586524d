"""The first look at a request: its id, its clock reading, its address, its body and its query."""

import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.conf import settings
from django.core.exceptions import TooManyFieldsSent
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.utils import timezone

from cs_integrations.api import problems, views
from cs_integrations.api.context import RequestContext, attach
from cs_integrations.database.identifiers import new_request_id

MAX_LENGTH_DIGITS = 18
MAX_ADDRESS_LENGTH = 45  # an IPv6 address with an embedded IPv4 one
MAX_NAME_SHOWN = 60
BODY_TIMEOUT_S = 10  # for the whole body, at most 256 KB
_LENGTH = "Content-Length"
# No header can make this key: a server prefixes those with HTTP_.
REPLAY = "hub.replay"


def admit(request: HttpRequest) -> RequestContext:
    """Give the request its context: the id and the one clock reading of its whole way."""
    received_at = timezone.now()
    context = RequestContext(
        request_id=new_request_id(received_at),
        received_at=received_at,
        address=client_address(request),
        replay=request.META.get(REPLAY),
    )
    attach(request, context)
    return context


def check(request: HttpRequest) -> HttpResponse | None:
    """Read the body, once and for all readers, and return the refusal of a malformed request."""
    try:
        _read_body(request)
        _check_content_type(request)
        _check_query(request)
    except problems.ProblemException as refusal:
        return views.refused(request, refusal)
    return None


def _read_body(request: HttpRequest) -> None:
    length = _declared_length(request)
    started = time.monotonic()
    try:
        with _deadline(request, length):
            is_whole = len(request.body) >= length
    except UnreadablePostError:
        is_whole = False
    if is_whole:
        return
    if time.monotonic() - started >= BODY_TIMEOUT_S:
        raise problems.invalid_parameter(
            _LENGTH, rule="timeout", detail="The body did not arrive in time."
        )
    raise problems.invalid_parameter(
        _LENGTH, rule="length", detail=f"The body ended before its {_LENGTH}."
    )


def _declared_length(request: HttpRequest) -> int:
    # Django takes a chunked body for an empty one, and would answer a question nobody asked.
    if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
        raise problems.ProblemException(
            problems.LENGTH_REQUIRED, f"Send a {_LENGTH}; chunked bodies are not taken."
        )
    declared = request.META.get("CONTENT_LENGTH") or "0"
    if not (declared.isascii() and declared.isdigit()):
        raise problems.invalid_parameter(
            _LENGTH, rule="format", detail=f"{_LENGTH} is not a number."
        )
    length = int(declared) if len(declared) <= MAX_LENGTH_DIGITS else sys.maxsize
    if length > settings.MAX_BODY_BYTES:
        raise problems.ProblemException(
            problems.PAYLOAD_TOO_LARGE,
            f"The body is larger than {settings.MAX_BODY_BYTES // 1024} KB.",
        )
    return length


@contextmanager
def _deadline(request: HttpRequest, length: int) -> Iterator[None]:
    """End the caller's sending when its body takes too long, or it would hold a thread for ever.

    A timeout of the socket would not do: one byte now and then would start it again.
    """
    caller: socket.socket | None = request.META.get("gunicorn.socket")
    if caller is None or not length:
        yield
        return
    timer = threading.Timer(BODY_TIMEOUT_S, _stop_receiving, [caller])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _stop_receiving(caller: socket.socket) -> None:
    with suppress(OSError):  # the caller is gone already
        caller.shutdown(socket.SHUT_RD)


def _check_content_type(request: HttpRequest) -> None:
    if request.content_type is None:
        raise problems.invalid_parameter(
            "Content-Type", rule="format", detail="The Content-Type cannot be read."
        )


def _check_query(request: HttpRequest) -> None:
    """Refuse what no view could use: PostgreSQL holds no NUL, and Django counts to 1,000."""
    try:
        parameters = list(request.GET.lists())
    except TooManyFieldsSent:
        raise problems.invalid_parameter(
            "", rule="count", detail="The query has too many parameters."
        ) from None
    for name, values in parameters:
        if any("\x00" in text for text in (name, *values)):
            raise problems.invalid_parameter(
                name[:MAX_NAME_SHOWN].encode("unicode_escape").decode("ascii"),
                rule="text",
                detail="A parameter must not contain NUL characters.",
            )


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
