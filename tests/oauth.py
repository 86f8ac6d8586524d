"""How tests call the token endpoints: as a client with its id and secret."""

import base64
import json
from io import StringIO
from typing import Any
from urllib.parse import quote

from django.core.management import call_command

from tests.clients import HubClient

TOKEN, REVOKE, INTROSPECT = "/auth/token", "/auth/revoke", "/auth/introspect"
ENDPOINTS = (TOKEN, REVOKE, INTROSPECT)
FORM = "application/x-www-form-urlencoded"
OWN_SCOPES = ("cs-finance.read", "cs-finance.write", "cs-sales.read")


def make_client(name: str = "Ledger", scopes: tuple[str, ...] = OWN_SCOPES) -> dict[str, Any]:
    """Make a client as an operator does; return its id and secret."""
    printed = StringIO()
    call_command("create_client", name, scopes=" ".join(scopes), stdout=printed)
    made: dict[str, Any] = json.loads(printed.getvalue())
    return made


def basic(client_id: str, secret: str) -> dict[str, str]:
    pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def error_of(response: Any) -> tuple[int, str]:
    """Return status and error code; the answer is one of RFC 6749 and may not be cached."""
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    assert set(response.json()) <= {"error", "error_description"}
    if response.status_code == 401:
        assert response["WWW-Authenticate"].startswith("Basic ")
    return response.status_code, response.json()["error"]


class Caller:
    """One client at the three endpoints, with its credentials in the form."""

    def __init__(self, made: dict[str, Any]) -> None:
        self.client_id, self.secret = made["client_id"], made["client_secret"]
        self.http = HubClient()

    @property
    def credentials(self) -> dict[str, str]:
        return {"client_id": self.client_id, "client_secret": self.secret}

    def post(self, path: str, *, form: dict[str, Any] | None = None, **headers: str) -> Any:
        body = "&".join(f"{quote(n)}={quote(str(v), safe='')}" for n, v in (form or {}).items())
        return self.http.post(path, body, content_type=FORM, headers=headers)

    def token(self, **changes: Any) -> Any:
        form = {"grant_type": "client_credentials", **self.credentials, **changes}
        return self.post(TOKEN, form={name: v for name, v in form.items() if v is not None})

    def raw_token(self, **changes: Any) -> str:
        return str(self.token(**changes).json()["access_token"])

    def revoke(self, token: str, **changes: Any) -> Any:
        return self.post(REVOKE, form={"token": token, **self.credentials, **changes})

    def introspect(self, token: str, **changes: Any) -> Any:
        return self.post(INTROSPECT, form={"token": token, **self.credentials, **changes})
