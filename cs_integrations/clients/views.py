"""The OAuth2 endpoints: token, revocation (RFC 7009), introspection (RFC 7662).

Errors here are those of RFC 6749. Only the client-credentials grant exists.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from oauth2_provider.models import AccessToken
from oauth2_provider.views.mixins import OAuthLibMixin
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import FormParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cs_integrations.api import problems
from cs_integrations.api.context import context_of
from cs_integrations.api.schema import OAUTH_ERROR, OPERATION_ID
from cs_integrations.api.throttling import charge_address
from cs_integrations.clients.models import Application
from cs_integrations.clients.serializers import (
    IntrospectionIn,
    IntrospectionOut,
    RevocationIn,
    TokenIn,
    TokenOut,
)

GRANT_TYPE = "client_credentials"
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_OAUTH_ERROR = {"$ref": f"#/components/schemas/{OAUTH_ERROR}"}
_REFUSALS = (
    problems.NOT_ACCEPTABLE,
    problems.LENGTH_REQUIRED,
    problems.PAYLOAD_TOO_LARGE,
    problems.RATE_LIMIT,
    problems.UNAVAILABLE,
    problems.INTERNAL,
)
_EXTENSIONS = {"x-refusals": [refusal.slug for refusal in _REFUSALS]}


class OAuthView(OAuthLibMixin, APIView):  # type: ignore[misc]
    """A form POST of a client that authenticates itself."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    parser_classes = (FormParser,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        context = context_of(request)
        context.domain = "auth"
        handler = getattr(self, (request.method or "").lower(), None)
        context.operation = getattr(handler, OPERATION_ID, "")
        super().initial(request, *args, **kwargs)
        if request.method == "POST":
            charge_address(request._request)  # noqa: SLF001 - the counter wants Django's request

    def form(self, request: Request) -> Mapping[str, str] | HttpResponse:
        """Return the form's members, or the refusal of a body that is no proper form."""
        try:
            data = request.data
        except UnsupportedMediaType:
            return oauth_error("invalid_request", "Send application/x-www-form-urlencoded.")
        # The toolkit looks ids and tokens up as they come; PostgreSQL refuses NUL.
        if any("\x00" in value for pair in data.items() for value in pair):
            return oauth_error("invalid_request", "A parameter contains a NUL character.")
        return data  # type: ignore[no-any-return]

    def client(self, request: Request) -> Application | None:
        """Return the client that the request's credentials prove, if they do."""
        core = self.get_oauthlib_core()
        uri, method, body, headers = core._extract_params(request._request)  # noqa: SLF001
        from oauthlib.common import Request as OAuthRequest  # noqa: PLC0415

        oauth_request = OAuthRequest(uri, method, body, headers)
        proven = core.server.request_validator.authenticate_client(oauth_request)
        return oauth_request.client if proven else None


class TokenView(OAuthView):
    """Issue an access token to a client."""

    @extend_schema(
        operation_id="token_issue",
        summary="Get an access token",
        request={"application/x-www-form-urlencoded": TokenIn},
        responses={200: TokenOut, 400: _OAUTH_ERROR, 401: _OAUTH_ERROR},
        extensions=_EXTENSIONS,
        auth=[],
    )
    def post(self, request: Request) -> HttpResponse:
        """Issue a token for the scopes asked for, or for all of the client's own."""
        form = self.form(request)
        if isinstance(form, HttpResponse):
            return form
        if form.get("grant_type") not in (None, "", GRANT_TYPE):
            return oauth_error("unsupported_grant_type", f"The grant type is {GRANT_TYPE}.")
        _, headers, body, status = self.create_token_response(request._request)  # noqa: SLF001
        if status == 200:  # noqa: PLR2004
            _note_client(request._request, json.loads(body)["access_token"])  # noqa: SLF001
        return _oauth_response(body, status, headers)

    setattr(post, OPERATION_ID, "token_issue")


class RevocationView(OAuthView):
    """Revoke one of the client's own tokens."""

    @extend_schema(
        operation_id="token_revoke",
        summary="Revoke an access token",
        request={"application/x-www-form-urlencoded": RevocationIn},
        responses={200: None, 400: _OAUTH_ERROR, 401: _OAUTH_ERROR},
        extensions=_EXTENSIONS,
        auth=[],
    )
    def post(self, request: Request) -> HttpResponse:
        """Revoke the token; an unknown one, or another client's, is no error (RFC 7009, 2.2)."""
        form = self.form(request)
        if isinstance(form, HttpResponse):
            return form
        _, headers, body, status = self.create_revocation_response(request._request)  # noqa: SLF001
        return _oauth_response(body or "", status, headers or {})

    setattr(post, OPERATION_ID, "token_revoke")


class IntrospectionView(OAuthView):
    """Tell a client about one of its own tokens."""

    @extend_schema(
        operation_id="token_introspect",
        summary="Inspect an access token",
        request={"application/x-www-form-urlencoded": IntrospectionIn},
        responses={200: IntrospectionOut, 400: _OAUTH_ERROR, 401: _OAUTH_ERROR},
        extensions=_EXTENSIONS,
        auth=[],
    )
    def post(self, request: Request) -> HttpResponse:
        """Describe the token; one that is not the client's own is simply not active."""
        form = self.form(request)
        if isinstance(form, HttpResponse):
            return form
        client = self.client(request)
        if client is None:
            return oauth_error("invalid_client", "Client authentication failed.", status=401)
        if not form.get("token"):
            return oauth_error("invalid_request", "The parameter token is missing.")
        checksum = hashlib.sha256(form["token"].encode()).hexdigest()
        token = AccessToken.objects.filter(
            token_checksum=checksum,
            application=client,
            expires__gt=context_of(request).received_at,
        ).first()
        return Response(_description(token, client), headers=NO_STORE)

    setattr(post, OPERATION_ID, "token_introspect")


def oauth_error(error: str, description: str, *, status: int = 400) -> Response:
    """Return an error of RFC 6749, 5.2."""
    headers = {**NO_STORE}
    if status == 401:  # noqa: PLR2004
        headers["WWW-Authenticate"] = 'Basic realm="cs-integrations"'
    return Response(
        {"error": error, "error_description": description}, status=status, headers=headers
    )


def _description(token: AccessToken | None, client: Application) -> dict[str, Any]:
    if token is None:
        return {"active": False}
    return {
        "active": True,
        "scope": token.scope,
        "client_id": client.client_id,
        "token_type": "Bearer",
        "exp": int(token.expires.timestamp()),
    }


def _oauth_response(body: str, status: int, headers: Mapping[str, str]) -> HttpResponse:
    response = HttpResponse(body, status=status, content_type="application/json")
    for name, value in {**headers, **NO_STORE}.items():
        response[name] = value
    return response


def _note_client(request: HttpRequest, raw_token: str) -> None:
    """Let the audit record name the client that got the token."""
    checksum = hashlib.sha256(raw_token.encode()).hexdigest()
    token = AccessToken.objects.select_related("application").get(token_checksum=checksum)
    context_of(request).objects["issued_to"] = token.application.client_id
