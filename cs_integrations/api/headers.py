"""The headers that every answer carries."""

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from cs_integrations.api.context import context_of
from cs_integrations.api.throttling import WINDOW_S, address_usage, client_usage


def write(request: HttpRequest, response: HttpResponseBase) -> None:
    """Add the request id, the address of the audit record, and the state of the limit.

    Where no client was counted, the limit is that of the caller's address.
    ``RateLimit`` and ``RateLimit-Policy`` follow draft-ietf-httpapi-ratelimit-headers-10.
    """
    context = context_of(request)
    response["X-Request-ID"] = str(context.request_id)
    response["X-Audit-Trail"] = (
        f"{settings.PUBLIC_URL}{settings.API_BASE}/audit/{context.request_id}"
    )
    limit = context.limit or client_usage(request) or address_usage(request)
    response["X-RateLimit-Limit"] = str(limit.limit)
    response["X-RateLimit-Remaining"] = str(limit.remaining)
    response["X-RateLimit-Reset"] = str(limit.resets_in_s)
    response["X-RateLimit-Window"] = str(WINDOW_S)
    response["RateLimit-Policy"] = f'"{limit.policy}";q={limit.limit};w={WINDOW_S}'
    response["RateLimit"] = f'"{limit.policy}";r={limit.remaining};t={limit.resets_in_s}'
