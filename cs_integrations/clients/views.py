"""The OAuth2 endpoints: token, revocation (RFC 7009), introspection (RFC 7662).

Errors here are those of RFC 6749. Only the client-credentials grant exists.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_plus

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from oauth2_provider.models import AccessToken
from oauth2_provider.oauth2_backends import OAuthLibCore
from oauth2_provider.views.mixins import OAuthLibMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cs_integrations.api import problems
from cs_integrations.api.authentication import REALM, principal
from cs_integrations.api.context import Decision, context_of
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
# What oauthlib leaves unsaid.
_DESCRIPTIONS = {
    "invalid_client": "Client authentication failed.",
    "invalid_scope": "The client does not have a scope that was asked for.",
}
FORM_TYPE = "application/x-www-form-urlencoded"
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
CHALLENGE = {"WWW-Authenticate": f'Basic realm="{REALM}"'}
_OAUTH_ERROR = {"$ref": f"#/components/schemas/{OAUTH_ERROR}"}
_REFUSALS = (
    problems.VALIDATION,
    problems.NOT_ACCEPTABLE,
    problems.LENGTH_REQUIRED,
    problems.PAYLOAD_TOO_LARGE,
    problems.RATE_LIMIT,
    problems.UNAVAILABLE,
    problems.INTERNAL,
)
_EXTENSIONS = {"x-refusals": [refusal.slug for refusal in _REFUSALS]}


class FormCore(OAuthLibCore):  # type: ignore[misc]
    """The toolkit's reader of forms, held to two rules that it leaves out."""

    def extract_body(self, request: HttpRequest) -> list[tuple[str, str]]:
        """Return the members that have a value: one without counts as omitted (RFC 6749, 3.2).

        A wrong ``token_type_hint`` may not keep a token from being found (RFC 7009, 2.1), and
        there is one type here.
        """
        members: list[tuple[str, str]] = super().extract_body(request)
        return [(name, value) for name, value in members if value and name != "token_type_hint"]


class OAuthView(OAuthLibMixin, APIView):  # type: ignore[misc]
    """A form POST of a client that authenticates itself."""

    oauthlib_backend_class = FormCore
    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    http_method_names = ("post",)

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
        django_request = request._request  # noqa: SLF001 - the toolkit reads the same one
        if django_request.content_type != FORM_TYPE:
            return oauth_error("invalid_request", f"Send {FORM_TYPE}.")
        if django_request.META.get("QUERY_STRING"):
            return oauth_error("invalid_request", "Send parameters in the body, not in the URL.")
        try:
            form = django_request.POST
        except (BadRequest, SuspiciousOperation):
            return oauth_error("invalid_request", "The form cannot be read.")
        if any(len(values) > 1 for _, values in form.lists()):
            return oauth_error("invalid_request", "A parameter is repeated.")
        # The toolkit looks ids and tokens up as they come; PostgreSQL refuses NUL.
        basic = _basic_credentials(django_request)
        if basic is None:
            return _unproven()
        if "\x00" in basic or any("\x00" in value for pair in form.items() for value in pair):
            return oauth_error("invalid_request", "A parameter contains a NUL character.")
        return {name: str(value) for name, value in form.items()}

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
        _, _, body, status = self.create_token_response(request._request)  # noqa: SLF001
        if status == HTTPStatus.OK:
            raw = json.loads(body)["access_token"]
            token = AccessToken.objects.select_related("application").get(
                token_checksum=_checksum(raw)
            )
            _note_client(request, token.application)
        return _oauth_response(body, status)

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
        client = self.client(request)
        if client is None:
            return _unproven()
        _note_client(request, client)
        _, _, body, status = self.create_revocation_response(request._request)  # noqa: SLF001
        return _oauth_response(body or "", status)

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
            return _unproven()
        _note_client(request, client)
        if not form.get("token"):
            return oauth_error("invalid_request", "The parameter token is missing.")
        token = AccessToken.objects.filter(
            token_checksum=_checksum(form["token"]),
            application=client,
            expires__gt=context_of(request).received_at,
        ).first()
        return Response(_description(token, client), headers=NO_STORE)

    setattr(post, OPERATION_ID, "token_introspect")


def oauth_error(error: str, description: str, *, status: int = 400) -> Response:
    """Return an error of RFC 6749, 5.2."""
    return Response(
        {"error": error, "error_description": description},
        status=status,
        headers=_oauth_headers(status),
    )


def _unproven() -> Response:
    return oauth_error("invalid_client", "Client authentication failed.", status=401)


def _basic_credentials(request: HttpRequest) -> str | None:
    """Return HTTP Basic credentials as text, empty when none were sent, None when unreadable."""
    scheme, _, encoded = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return unquote_plus(base64.b64decode(encoded).decode())
    except ValueError:  # of base64, of characters outside ASCII, or of UTF-8
        return None


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


def _oauth_response(body: str, status: int) -> HttpResponse:
    if status >= HTTPStatus.BAD_REQUEST:
        members = json.loads(body)
        members.setdefault("error_description", _DESCRIPTIONS.get(members["error"], ""))
        body = json.dumps(members)
    return HttpResponse(
        body, status=status, content_type="application/json", headers=_oauth_headers(status)
    )


def _oauth_headers(status: int) -> dict[str, str]:
    return NO_STORE | (CHALLENGE if status == HTTPStatus.UNAUTHORIZED else {})


def _note_client(request: Request, application: Application) -> None:
    """Let the audit record name the client that proved itself."""
    context = context_of(request)
    context.decision = Decision.ALLOWED
    context.client = principal(application, application.scopes)


def _checksum(raw_token: str) -> str:
    return hashlib.sha256(raw_token.encode()).hexdigest()
