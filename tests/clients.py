"""How tests call the API: through the whole stack, every answer held against the document."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from secrets import token_urlsafe
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken

from audit.models import AuditBody, AuditRecord
from cs_integrations.clients.models import Application
from tests import contract

API = "/v1/cs-integrations"


@dataclass(frozen=True)
class IssuedToken:
    raw: str
    row: AccessToken
    application: Application


def issue_token(
    scopes: Sequence[str] = (), *, expires_in: timedelta = timedelta(hours=1), **application: Any
) -> IssuedToken:
    """Make a client and a token of its own, as the token endpoint would store it."""
    owner = Application.objects.create(
        name=application.pop("name", "Reporting"),
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
        scopes=list(scopes),
        **application,
    )
    raw = token_urlsafe(30)
    row = AccessToken(
        application=owner, scope=" ".join(scopes), expires=timezone.now() + expires_in
    )
    row._raw_token = raw
    row.save()
    assert row.token_checksum == hashlib.sha256(raw.encode()).hexdigest()
    return IssuedToken(raw, row, owner)


class HubClient(Client):
    """A caller of the API. Paths are relative to the base unless they are absolute routes."""

    def __init__(self, *, token: str = "", **defaults: Any) -> None:
        super().__init__(raise_request_exception=False, **defaults)
        if token:
            self.defaults["HTTP_AUTHORIZATION"] = f"Bearer {token}"

    def request(self, **environ: Any) -> Any:
        response = super().request(**environ)
        contract.check(environ["REQUEST_METHOD"], environ["PATH_INFO"], response)
        return response

    def read(self, path: str, **headers: str) -> Any:
        return self.get(API + path, headers=headers)

    def send(self, path: str, body: Any, **headers: str) -> Any:
        """POST a JSON body; bytes go out as they are."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.post(API + path, raw, content_type="application/json", headers=headers)


def record_of(response: HttpResponse) -> AuditRecord:
    """Return the audit record of the request that got this answer."""
    return AuditRecord.objects.get(pk=response["X-Request-ID"])


def kept_of(response: HttpResponse) -> tuple[Any, Any]:
    """Return what the trail keeps in plain or hashed form of the request and of the answer."""
    row = AuditBody.objects.get(pk=response["X-Request-ID"])
    kept = [json.loads(bytes(form)) if form else None for form in (row.request, row.response)]
    return kept[0], kept[1]


def problem_of(response: Any) -> tuple[int, str, list[tuple[str, str]]]:
    """Return status, problem slug, and the (pointer or parameter, rule) of each error."""
    body = response.json()
    errors = [
        (error.get("pointer", error.get("parameter")), error["rule"])
        for error in body.get("errors", ())
    ]
    return response.status_code, body["type"].rsplit("/", 1)[-1], errors
