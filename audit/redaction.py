"""Secrets that a request presents, masked wherever else in it they turn up.

The trail stores no Authorization or Cookie header and no token form. But a caller may put its
token into a path, a user agent or an idempotency key as well, and there it must not stay.
"""

import base64
import binascii
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TypeVar
from urllib.parse import quote, unquote_plus

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest

MASK = "(secret)"
SHORTEST_SECRET = 8  # shorter ones would mask ordinary words
SECRET_FIELDS = ("client_secret", "token", "access_token", "refresh_token", "password")

Stored = TypeVar("Stored")


def presented_secrets(request: HttpRequest) -> Sequence[str]:
    """Return the credentials in the request's headers, cookies and form, longest first."""
    found = {
        secret
        for secret in (*_from_header(request), *request.COOKIES.values(), *_from_form(request))
        if len(secret) >= SHORTEST_SECRET
    }
    return sorted(found | {quote(secret, safe="") for secret in found}, key=len, reverse=True)


def masked(value: Stored, secrets: Sequence[str]) -> Stored:
    """Return text or bytes without the secrets; anything else as it is."""
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, MASK)  # type: ignore[assignment]
    elif isinstance(value, bytes):
        for secret in secrets:
            value = value.replace(secret.encode(), MASK.encode())  # type: ignore[assignment]
    return value


def _from_header(request: HttpRequest) -> Iterator[str]:
    scheme, _, credential = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
    yield credential.strip() or scheme
    if scheme.lower() == "basic":
        with suppress(binascii.Error, UnicodeDecodeError, ValueError):
            pair = base64.b64decode(credential.strip()).decode()
            yield pair.partition(":")[2]
            yield unquote_plus(pair.partition(":")[2])


def _from_form(request: HttpRequest) -> Iterator[str]:
    if request.content_type != "application/x-www-form-urlencoded":
        return
    with suppress(BadRequest, SuspiciousOperation, LookupError, UnicodeError):
        form = request.POST
        for name in SECRET_FIELDS:
            yield from (str(value) for value in form.getlist(name))
