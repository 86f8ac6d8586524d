"""What is known of the request being served: filled on its way in, recorded on its way out."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import HttpRequest

if TYPE_CHECKING:
    from rest_framework.request import Request

_ATTRIBUTE = "hub_context"


class Decision(StrEnum):
    """What was decided about the caller. Append only."""

    PUBLIC = "public"  # nobody had to be known
    STAFF = "staff"  # a signed-in user of the admin
    ALLOWED = "allowed"  # a client with the scope
    UNAUTHENTICATED = "unauthenticated"
    SCOPE_REFUSED = "scope_refused"
    THROTTLED = "throttled"


class IdempotencyOutcome(StrEnum):
    """What became of an ``Idempotency-Key``. Append only."""

    NEW = "new"
    REPLAYED = "replayed"
    CONFLICT = "conflict"  # a twin is running
    MISMATCH = "mismatch"  # the key belongs to another request


@dataclass(frozen=True, slots=True)
class ClientPrincipal:
    """The OAuth2 client behind a bearer token: what ``request.user`` is in the API."""

    pk: int
    client_id: str
    name: str
    scopes: frozenset[str]  # of the token
    rate_limits: dict[str, int]  # overrides, requests a minute by domain
    is_authenticated: bool = True
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class LimitState:
    """One rate limit after this request was counted, or only looked at."""

    policy: str  # e.g. cs-marketing
    limit: int  # requests a window
    remaining: int
    resets_in_s: int  # at least 1
    is_exceeded: bool


@dataclass(slots=True, kw_only=True)
class RequestContext:
    """Facts of one request. ``received_at`` is its only reading of the clock."""

    request_id: UUID
    received_at: datetime
    address: str
    client: ClientPrincipal | None = None
    domain: str = ""
    operation: str = ""
    scope_needed: str = ""
    decision: Decision = Decision.PUBLIC
    limit: LimitState | None = None
    idempotency_key: str = ""
    idempotency_outcome: IdempotencyOutcome | None = None
    problem_type: str = ""
    declared_parameters: tuple[str, ...] = ()  # query parameters that the view knows
    objects: dict[str, str] = field(default_factory=dict)  # public ids by their name in the route
    kept_request: Any = None  # what the trail may keep of the request's body
    kept_response: bytes = b""  # what the trail may keep of the answer's body


def attach(request: HttpRequest, context: RequestContext) -> None:
    """Give the request its context."""
    setattr(request, _ATTRIBUTE, context)


def context_of(request: "HttpRequest | Request") -> RequestContext:
    """Return the context of a request, Django's or the REST framework's."""
    django_request = getattr(request, "_request", request)
    context: RequestContext = getattr(django_request, _ATTRIBUTE)
    return context
