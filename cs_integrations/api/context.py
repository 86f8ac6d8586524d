"""What is known of the request being served: filled on its way in, recorded on its way out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import HttpRequest

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.serializers import BaseSerializer

_ATTRIBUTE = "hub_context"
FIRST_ERROR_STATUS = 400
ADMIN_PREFIX = "/admin/"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A request that an operator repeats from the trail; it carries no token.

    A rehearsal has the clock and the public ids of the original, sees no stored answers of
    ``Idempotency-Key``, and leaves nothing behind. ``settle`` takes what was recorded, in the
    transaction of the record; in a rehearsal nothing was, and it takes what would have been.
    """

    record_id: UUID  # of the original
    received_at: datetime  # of the original
    client_id: str
    batch: str
    mode: str
    operator: str
    is_rehearsal: bool
    settle: Callable[[Any], None]


@dataclass(slots=True, kw_only=True)
class RequestContext:
    """Facts of one request. ``received_at`` is its only reading of the clock."""

    request_id: UUID
    received_at: datetime
    address: str
    replay: Replay | None = None
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
    objects: dict[str, str] = field(default_factory=dict)  # public ids by their name on the wire
    customer_id: str = ""  # whom the request is about, as far as it came to be known
    request_shape: "type[BaseSerializer[Any]] | None" = None  # says what may be kept of the body
    request_members: Any = None  # the body as parsed
    answer_shape: "type[BaseSerializer[Any]] | None" = None  # says what may be kept of the answer
    keeps_answer: bool = False

    @property
    def acting_at(self) -> datetime:
        """The time that the rules work with: the original's in a rehearsal."""
        if self.replay is not None and self.replay.is_rehearsal:
            return self.replay.received_at
        return self.received_at

    @property
    def identity(self) -> UUID:
        """The request id that new public ids are drawn from: the original's in a rehearsal."""
        if self.replay is not None and self.replay.is_rehearsal:
            return self.replay.record_id
        return self.request_id


def attach(request: HttpRequest, context: RequestContext) -> None:
    """Give the request its context."""
    setattr(request, _ATTRIBUTE, context)


def context_of(request: "HttpRequest | Request") -> RequestContext:
    """Return the context of a request, Django's or the REST framework's."""
    django_request = getattr(request, "_request", request)
    context: RequestContext = getattr(django_request, _ATTRIBUTE)
    return context
