"""Rate limits per client and domain, and per address where there is no client yet."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest
from django_ratelimit.core import get_usage
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from cs_integrations.api.context import LimitState, context_of

if TYPE_CHECKING:
    from rest_framework.views import APIView

WINDOW_S = 60
ADDRESS_POLICY = "cs-address"


class ClientThrottle(BaseThrottle):
    """Count one request of the client to the view's domain; runs after the scope was checked."""

    def allow_request(self, request: Request, view: "APIView") -> bool:
        """Count the request; refuse it when the limit is passed.

        Replay has a pace of its own and takes nothing from the client's limit.
        """
        context = context_of(request)
        if context.replay is not None:
            return True
        # The counter wants Django's request.
        context.limit = client_usage(request._request, is_counted=True)  # noqa: SLF001
        if context.limit is None:
            return False
        self._wait_s = context.limit.resets_in_s
        return not context.limit.is_exceeded

    def wait(self) -> float:
        return float(self._wait_s)


def client_usage(request: HttpRequest, *, is_counted: bool = False) -> LimitState | None:
    """Return where the client stands in the request's domain; None without one of the two."""
    context = context_of(request)
    if context.client is None or context.domain not in settings.RATE_LIMITS:
        return None
    return _usage(
        request,
        policy=f"cs-{context.domain}",
        key=f"client:{context.client.pk}",
        limit=context.client.rate_limits.get(context.domain, settings.RATE_LIMITS[context.domain]),
        is_counted=is_counted,
    )


def charge_address(request: HttpRequest) -> None:
    """Count a token call or a failed login of the caller's address.

    :raises Throttled: the address has made too many
    """
    context = context_of(request)
    context.limit = address_usage(request, is_counted=True)
    if context.limit.is_exceeded:
        raise Throttled(wait=context.limit.resets_in_s)


def address_usage(request: HttpRequest, *, is_counted: bool = False) -> LimitState:
    """Return where the caller's address stands; count this request if asked to."""
    return _usage(
        request,
        policy=ADDRESS_POLICY,
        key=f"address:{context_of(request).address}",
        limit=settings.ADDRESS_RATE_LIMIT,
        is_counted=is_counted,
    )


def _usage(
    request: HttpRequest, *, policy: str, key: str, limit: int, is_counted: bool
) -> LimitState:
    # The library joins group, rate, key and window without a separator, so ours bring their own:
    # group "cs-d1" with 10/m and group "cs-d" with 110/m must not share a counter.
    usage = get_usage(
        request,
        group=f"{policy}|",
        key=lambda _group, _request: f"|{key}|",
        rate=(limit, WINDOW_S),
        increment=is_counted,
    )
    if usage is None or usage["time_left"] < 0:  # no counter could be read or written
        return LimitState(policy, limit, limit, WINDOW_S, is_exceeded=False)
    return LimitState(
        policy=policy,
        limit=limit,
        remaining=max(0, limit - usage["count"]),
        resets_in_s=max(1, usage["time_left"]),
        is_exceeded=usage["count"] > limit,
    )
