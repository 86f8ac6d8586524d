"""What a record may say of a request beside its body.

Of path, query and method a record holds the words that this service knows, and ids; whatever
else a caller writes there is masked, since it may be a secret in the wrong place.

The trail stores no Authorization or Cookie header and no token form. But a caller may put its
token into a user agent or an idempotency key as well, and there it must not stay: the secrets
that a request presents are masked wherever else in it they turn up.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote, unquote_plus

from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, QueryDict
from django.urls import ResolverMatch, URLResolver, get_resolver

from cs_integrations.api import problems
from cs_integrations.api.context import ADMIN_PREFIX, Decision
from cs_integrations.api.schema import KNOWN_CODES

UNKNOWN = "(unknown)"
UNDECLARED = "(undeclared)"
METHODS = frozenset({
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT",
})  # fmt: skip
ADMIN_PARAMETERS = ("q", "p", "o")  # search, page, order
ADMIN_LOOKUPS = ("", "__exact", "__gte", "__lt", "__isnull")  # what filters of lists append
# Path parameters that are the key of a row: a number.
_NUMBERED = ("object_id", "content_type_id", "id")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TICKET = re.compile(r"PROD-[0-9]{1,18}")
_PUBLIC_ID = re.compile(r"([a-z]+)_[0-9A-Za-z]{1,60}")
_NUMBER = re.compile(r"[0-9]{1,19}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9:.]{2,15}(Z|[+-][0-9:]{4,5})?)?")
_STATUS_CLASS = re.compile(r"[1-5]xx")
_WORD = re.compile(r"[A-Za-z0-9._-]+")
_TRACE = re.compile(r"[0-9a-f-]{1,64}")

MASK = "(secret)"
SHORTEST_SECRET = 8  # shorter ones would mask ordinary words
SECRET_FIELDS = ("client_secret", "token", "access_token", "refresh_token", "password")


def recorded_path(path: str, route_match: ResolverMatch | None) -> str:
    """Return the path with each part that is neither a word of a route nor an id masked."""
    kwargs = route_match.kwargs if route_match is not None else {}
    numbers = {str(kwargs[name]) for name in _NUMBERED if name in kwargs}
    return "/".join(_segment(segment, numbers) for segment in path.split("/"))


def recorded_query(parameters: QueryDict, *, path: str, declared: Iterable[str]) -> str:
    """Return the declared parameters, each with its value where that is an id or a known code."""
    names = {*declared, *(_admin_parameters() if path.startswith(ADMIN_PREFIX) else ())}
    return "&".join(
        f"{name}={quote(_parameter(value), safe='(),')}" if name in names else UNDECLARED
        for name, values in parameters.lists()
        for value in values
    )


def is_recorded_whole(request: HttpRequest, *, declared: Iterable[str]) -> bool:
    """Say whether path and query are recorded as they came."""
    path = recorded_path(request.path_info, request.resolver_match)
    query = recorded_query(request.GET, path=request.path_info, declared=declared)
    return UNKNOWN not in path and UNKNOWN not in query and UNDECLARED not in query


def recorded_method(method: str) -> str:
    """Return the method, if it is one of HTTP's."""
    return method if method in METHODS else UNKNOWN


def recorded_ids(named: Mapping[str, str]) -> list[str]:
    """Return the public ids among the objects of a request, each once."""
    return list(dict.fromkeys(value for value in named.values() if is_id(value)))


def recorded_id(named: Mapping[str, str], name: str) -> str:
    """Return the public id of one of the objects; empty when there is none."""
    value = named.get(name, "")
    return value if is_id(value) else ""


def recorded_address(address: str) -> str:
    """Return the address, if it is one: a forwarded one is whatever the caller wrote."""
    try:
        return str(ip_address(address))
    except ValueError:
        return ""


def recorded_trace(traceparent: str) -> str:
    """Return the trace's id, if it could be one (W3C Trace Context: hexadecimal digits)."""
    return traceparent if _TRACE.fullmatch(traceparent) else ""


def is_id(text: str) -> bool:
    """Say whether the text looks like the id of an object here, of a ticket or of a request."""
    public_id = _PUBLIC_ID.fullmatch(text)
    if public_id is not None:
        return public_id[1] in _id_prefixes()
    return bool(_TICKET.fullmatch(text) or _UUID.fullmatch(text))


def _segment(segment: str, numbers: set[str]) -> str:
    is_number = segment in numbers and _NUMBER.fullmatch(segment)
    is_known = segment in _route_words(get_resolver()) or segment in problems.BY_SLUG
    return segment if is_number or is_known or is_id(segment) else UNKNOWN


def _parameter(value: str) -> str:
    """Return the value, or each part of a list, if it is known."""
    return ",".join(part if _is_known(part) else UNKNOWN for part in value.split(","))


def _is_known(value: str) -> bool:
    is_code = value in _QUERY_CODES or value in KNOWN_CODES or value in problems.BY_SLUG
    patterns = (_NUMBER, _MOMENT, _STATUS_CLASS)
    return is_code or is_id(value) or any(pattern.fullmatch(value) for pattern in patterns)


_QUERY_CODES = frozenset({
    "", "true", "false", "admin", "auth", "audit", *settings.RATE_LIMITS, *Decision,
})  # fmt: skip


@cache
def _admin_parameters() -> frozenset[str]:
    """Return the names that the admin's lists take: of searching and paging, and of filters."""
    filtered = {
        name
        for model_admin in admin.site._registry.values()  # noqa: SLF001 - has no public name
        for name in model_admin.list_filter
        if isinstance(name, str)
    }
    lookups = {f"{name}{lookup}" for name in filtered for lookup in ADMIN_LOOKUPS}
    return frozenset({*ADMIN_PARAMETERS, *lookups})


@cache
def _id_prefixes() -> frozenset[str]:
    return frozenset(getattr(model, "ID_PREFIX", "") for model in apps.get_models())


@cache
def _route_words(resolver: URLResolver) -> frozenset[str]:
    """Return the fixed words of all routes, and the empty one between two slashes."""
    labels = (config.label for config in apps.get_app_configs())  # pages of the admin
    return frozenset({"", *labels, *_words(resolver.url_patterns)})


def _words(patterns: Iterable[Any]) -> Iterator[str]:
    for pattern in patterns:
        yield from (word for word in str(pattern.pattern).split("/") if _WORD.fullmatch(word))
        if isinstance(pattern, URLResolver):
            yield from _words(pattern.url_patterns)


def presented_secrets(request: HttpRequest) -> Sequence[str]:
    """Return the credentials in the request's headers, cookies and form, longest first."""
    found = {
        secret
        for secret in (*_from_header(request), *request.COOKIES.values(), *_from_form(request))
        if len(secret) >= SHORTEST_SECRET
    }
    return sorted(found | {quote(secret, safe="") for secret in found}, key=len, reverse=True)


def masked(text: str, secrets: Sequence[str]) -> str:
    """Return the text without the secrets."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text


def masked_members(value: Any, secrets: Sequence[str]) -> Any:
    """Return JSON values with the secrets masked in each text; names and structure stay."""
    match value:
        case str():
            return masked(value, secrets)
        case dict():
            return {name: masked_members(inner, secrets) for name, inner in value.items()}
        case list():
            return [masked_members(inner, secrets) for inner in value]
        case _:
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
