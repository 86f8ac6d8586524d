"""The OAuth2 client behind a bearer token.

The toolkit's own class answers ``(None, token)`` for a client-credentials token, and much of
Django breaks on a user that is None; here the principal is always a client.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime

from oauth2_provider.models import AccessToken
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.request import Request

from cs_integrations.api.context import ClientPrincipal, context_of
from cs_integrations.clients.models import Application

REALM = "cs-integrations"


class BearerAuthentication(BaseAuthentication):
    """Take a token from the ``Authorization`` header, and from nowhere else (RFC 9700, 4.3.2)."""

    def authenticate(self, request: Request) -> tuple[ClientPrincipal, AccessToken | None]:
        """Return the client and its token; a replayed request has a client only.

        :raises NotAuthenticated: there is no bearer token
        :raises AuthenticationFailed: the token is unknown, expired or revoked
        """
        context = context_of(request)
        if context.replay is not None:
            context.client = _replayed_client(context.replay.client_id)
            return context.client, None
        token = _live_token(_bearer(request), at=context.received_at)
        if token is None:
            raise AuthenticationFailed("The access token is unknown, expired or revoked.")
        # A scope taken from the client is gone from its live tokens at once.
        scopes = frozenset(token.scope.split()) & frozenset(token.application.scopes)
        context.client = principal(token.application, scopes)
        return context.client, token

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401; it names an error only when a token was sent."""
        challenge = f'Bearer realm="{REALM}"'
        if get_authorization_header(request):
            challenge += ', error="invalid_token"'
        return challenge


def principal(application: Application, scopes: Iterable[str]) -> ClientPrincipal:
    """Return the client as the rest of the API knows it."""
    return ClientPrincipal(
        pk=application.pk,
        client_id=application.client_id,
        name=application.name,
        scopes=frozenset(scopes),
        rate_limits=application.rate_limits,
    )


def _replayed_client(client_id: str) -> ClientPrincipal:
    """Return the client of a replayed request with the scopes that it has today."""
    application = Application.objects.filter(client_id=client_id, is_active=True).first()
    if application is None:
        raise AuthenticationFailed("The client was revoked.")
    return principal(application, application.scopes)


def _bearer(request: Request) -> bytes:
    parts = get_authorization_header(request).split()
    if not parts:
        raise NotAuthenticated("An access token is required.")
    if len(parts) != 2 or parts[0].lower() != b"bearer":  # noqa: PLR2004 - scheme and token
        raise AuthenticationFailed("The Authorization header is not of the form 'Bearer <token>'.")
    return parts[1]


def _live_token(raw: bytes, *, at: datetime) -> AccessToken | None:
    checksum = hashlib.sha256(raw).hexdigest()
    return (
        AccessToken.objects.select_related("application")
        .filter(token_checksum=checksum, expires__gt=at, application__is_active=True)
        .first()
    )
