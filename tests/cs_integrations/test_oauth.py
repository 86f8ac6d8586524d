"""Tokens: who gets one, with which scopes, for how long; and what the endpoints never tell.

The errors here are those of RFC 6749, 5.2, not problems.
"""

import base64
import json
import logging
from datetime import timedelta
from io import StringIO
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from django.core.management import call_command
from django.db import connection
from django.urls import get_resolver
from django.utils import timezone
from oauth2_provider.models import AccessToken

from cs_integrations.clients.models import Application
from cs_integrations.clients.scopes import SCOPES
from tests.clients import HubClient, issue_token, problem_of, record_of

TOKEN, REVOKE, INTROSPECT = "/auth/token", "/auth/revoke", "/auth/introspect"
ENDPOINTS = (TOKEN, REVOKE, INTROSPECT)
FORM = "application/x-www-form-urlencoded"
OWN_SCOPES = ("cs-finance.read", "cs-finance.write", "cs-sales.read")
FORECAST = "/finance/forecast/cust_1"

pytestmark = pytest.mark.django_db


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


@pytest.fixture
def ledger():
    return Caller(make_client())


@pytest.fixture
def stranger():
    return Caller(make_client("Stranger"))


class TestATokenIsIssued:
    def test_for_credentials_in_the_form(self, ledger):
        answer = ledger.token()

        assert answer.status_code == 200
        assert set(answer.json()) == {"access_token", "expires_in", "token_type", "scope"}
        assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("Bearer", 3600)
        assert answer["Cache-Control"] == "no-store"
        assert answer["Pragma"] == "no-cache"

    def test_for_basic_credentials(self, ledger):
        answer = ledger.post(
            TOKEN,
            form={"grant_type": "client_credentials"},
            **basic(ledger.client_id, ledger.secret),
        )

        assert answer.status_code == 200

    def test_that_opens_what_its_scopes_say(self, ledger):
        caller = HubClient(token=ledger.raw_token(scope="cs-finance.read"))

        assert caller.read(FORECAST).status_code == 404
        assert caller.read("/sales/expansion/cust_1").status_code == 403

    def test_for_one_hour(self, ledger, time_machine):
        time_machine.move_to("2026-06-15T12:00:00Z", tick=False)
        caller = HubClient(token=ledger.raw_token())

        time_machine.move_to("2026-06-15T12:59:59Z", tick=False)
        assert caller.read(FORECAST).status_code == 404
        time_machine.move_to("2026-06-15T13:00:00Z", tick=False)
        assert problem_of(caller.read(FORECAST))[:2] == (401, "unauthorized")

    def test_and_the_trail_says_to_whom(self, ledger):
        record = record_of(ledger.token())

        assert record.operation == "token_issue"
        assert record.objects_named == {"issued_to": ledger.client_id}

    def test_without_a_refresh_token(self, ledger):
        assert "refresh_token" not in ledger.token().json()


class TestScopes:
    def test_are_all_of_the_clients_own_when_none_is_asked_for(self, ledger):
        assert set(ledger.token().json()["scope"].split()) == set(OWN_SCOPES)

    def test_are_all_of_the_clients_own_when_the_parameter_is_empty(self, ledger):
        assert set(ledger.token(scope="").json()["scope"].split()) == set(OWN_SCOPES)

    def test_may_be_fewer(self, ledger):
        assert ledger.token(scope="cs-sales.read").json()["scope"] == "cs-sales.read"

    @pytest.mark.parametrize(
        "scope",
        [
            "cs-marketing.read",
            "cs-finance.read cs-marketing.read",
            "__all__",
            "cs-finance",
            "cs-finance.*",
            "CS-FINANCE.READ",
            "read write",
            "openid",
            "é",
            '"',
        ],
    )
    def test_may_not_be_more(self, ledger, scope):
        assert error_of(ledger.token(scope=scope)) == (400, "invalid_scope")
        assert not AccessToken.objects.exists()

    def test_of_a_new_client_are_none_and_open_nothing(self):
        fresh = Caller(make_client("Fresh", scopes=()))

        answer = fresh.token()

        assert (answer.status_code, answer.json()["scope"]) == (200, "")
        caller = HubClient(token=answer.json()["access_token"])
        for path in (FORECAST, "/sales/expansion/cust_1"):
            assert problem_of(caller.read(path))[:2] == (403, "forbidden")

    def test_of_a_new_client_may_not_be_asked_for(self):
        fresh = Caller(make_client("Fresh", scopes=()))

        assert all(error_of(fresh.token(scope=one)) == (400, "invalid_scope") for one in SCOPES)

    def test_taken_from_the_client_are_not_issued_again(self, ledger):
        Application.objects.filter(client_id=ledger.client_id).update(scopes=["cs-sales.read"])

        assert ledger.token().json()["scope"] == "cs-sales.read"
        assert error_of(ledger.token(scope="cs-finance.read")) == (400, "invalid_scope")


class TestCredentials:
    @pytest.mark.parametrize(
        "changes",
        [
            {"client_secret": "wrong"},
            {"client_secret": ""},
            {"client_secret": None},
            {"client_id": "nobody"},
            {"client_id": ""},
            {"client_id": None},
            {"client_id": None, "client_secret": None},
            {"client_id": "x" * 5000},
        ],
    )
    def test_that_prove_nothing_are_refused(self, ledger, changes):
        assert error_of(ledger.token(**changes)) == (401, "invalid_client")
        assert not AccessToken.objects.exists()

    @pytest.mark.parametrize(
        "header",
        ["Basic", "Basic !!!", "Basic bm9jb2xvbg==", "Basic /////w==", "Basic \xe9\xff", "Basic Og=="],
    )
    def test_that_cannot_be_read_are_refused(self, ledger, header):
        answer = ledger.post(
            TOKEN, form={"grant_type": "client_credentials"}, Authorization=header
        )

        assert error_of(answer) == (401, "invalid_client")

    def test_of_an_inactive_client_are_refused(self, ledger):
        Application.objects.update(is_active=False)

        for answer in (ledger.token(), ledger.introspect("x"), ledger.revoke("x")):
            assert error_of(answer) == (401, "invalid_client")

    def test_are_the_clients_own(self, ledger, stranger):
        assert error_of(ledger.token(client_secret=stranger.secret)) == (401, "invalid_client")

    @pytest.mark.parametrize("path", ENDPOINTS)
    def test_with_nul_are_malformed(self, ledger, path):
        form = {"grant_type": "client_credentials", "token": "x"}

        in_form = ledger.post(path, form={**form, "client_id": "a\x00b", "client_secret": "c"})
        in_header = ledger.post(path, form=form, **basic("a\x00b", "c"))
        bare = base64.b64encode(b"a\x00b:c").decode()
        unquoted = ledger.post(path, form=form, Authorization=f"Basic {bare}")

        assert {error_of(answer) for answer in (in_form, in_header, unquoted)} == {
            (400, "invalid_request")
        }

    @pytest.mark.parametrize("path", ENDPOINTS)
    def test_in_the_url_are_malformed(self, ledger, path):
        query = "&".join(f"{name}={value}" for name, value in ledger.credentials.items())

        answer = ledger.post(
            f"{path}?{query}", form={"grant_type": "client_credentials", "token": "x"}
        )

        assert error_of(answer) == (400, "invalid_request")
        assert ledger.secret not in record_of(answer).query

    @pytest.mark.parametrize("path", ENDPOINTS)
    def test_are_not_a_bearer_token(self, path):
        caller = HubClient(token=issue_token(SCOPES).raw)

        answer = caller.post(
            path, "grant_type=client_credentials&token=x", content_type=FORM
        )

        assert error_of(answer) == (401, "invalid_client")


class TestGrantTypes:
    @pytest.mark.parametrize(
        "grant_type",
        [
            "authorization_code",
            "password",
            "refresh_token",
            "implicit",
            "urn:ietf:params:oauth:grant-type:device_code",
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "Client_Credentials",
            "unknown",
            "é",
        ],
    )
    def test_but_one_are_unsupported(self, ledger, grant_type):
        answer = ledger.token(
            grant_type=grant_type, code="x", username="u", password="p", refresh_token="r",
            device_code="d", redirect_uri="https://example.org",
        )  # fmt: skip

        assert error_of(answer) == (400, "unsupported_grant_type")
        assert not AccessToken.objects.exists()

    @pytest.mark.parametrize("grant_type", [None, ""])
    def test_must_be_named(self, ledger, grant_type):
        assert error_of(ledger.token(grant_type=grant_type)) == (400, "invalid_request")


class TestAForm:
    @pytest.mark.parametrize("path", ENDPOINTS)
    @pytest.mark.parametrize(
        ("body", "content_type"),
        [
            ('{"grant_type": "client_credentials", "token": "x"}', "application/json"),
            ("grant_type=client_credentials&token=x", "text/plain"),
            ("grant_type=client_credentials&token=x", ""),
            ('--x\r\nContent-Disposition: form-data; name="token"\r\n\r\nx\r\n--x--\r\n',
             "multipart/form-data; boundary=x"),
            ("grant_type=client_credentials&token=x", f"{FORM}; charset=utf-16"),
            ("grant_type=client_credentials&token=x&token=y", FORM),
            ("grant_type=client_credentials&grant_type=client_credentials&token=x", FORM),
            ("grant_type=client_credentials&token=x&scope=a&scope=b", FORM),
            ("grant_type=client_credentials&token=a%00b", FORM),
            ("grant_type=client_credentials&token=x&a%00=b", FORM),
            ("token=x&" + "&".join(f"p{number}=1" for number in range(1001)), FORM),
        ],
    )  # fmt: skip
    def test_that_is_none_is_refused(self, ledger, path, body, content_type):
        headers = basic(ledger.client_id, ledger.secret)

        answer = ledger.http.generic("POST", path, body, content_type=content_type, headers=headers)

        assert error_of(answer) == (400, "invalid_request")

    @pytest.mark.parametrize("path", ENDPOINTS)
    @pytest.mark.parametrize("body", ["", "&&==", "%zz=%", "\x00", "é=é", "a" * 200_000])
    def test_of_garbage_is_an_error_of_the_caller(self, ledger, path, body):
        answer = ledger.http.generic("POST", path, body.encode(), content_type=FORM)

        assert answer.status_code in (400, 401)
        error_of(answer)

    @pytest.mark.parametrize("path", ENDPOINTS)
    def test_may_say_that_it_is_utf_8(self, ledger, path):
        answer = ledger.http.generic(
            "POST", path, "grant_type=client_credentials&token=x",
            content_type=f"{FORM}; charset=UTF-8", headers=basic(ledger.client_id, ledger.secret),
        )  # fmt: skip

        assert answer.status_code == 200

    @pytest.mark.parametrize("path", ENDPOINTS)
    @pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
    def test_is_posted(self, ledger, path, method):
        answer = ledger.http.generic(method, path)

        assert (answer.status_code, answer["Allow"]) == (405, "POST")

    @pytest.mark.parametrize("path", ENDPOINTS)
    def test_has_a_size_and_a_length(self, ledger, path):
        large = ledger.http.generic("POST", path, b"a" * 262_145, content_type=FORM)
        chunked = ledger.http.generic(
            "POST", path, b"a=b", content_type=FORM, HTTP_TRANSFER_ENCODING="chunked"
        )

        assert problem_of(large)[:2] == (413, "payload-too-large")
        assert problem_of(chunked)[:2] == (411, "length-required")


class TestWhatIsStored:
    def test_of_a_token_is_its_hash_alone(self, ledger):
        raw = ledger.raw_token()

        assert AccessToken.objects.count() == 1
        assert raw not in everything_in_the_database()

    def test_of_a_secret_is_its_hash_alone(self, ledger):
        assert ledger.secret not in everything_in_the_database()
        stored = Application.objects.get(client_id=ledger.client_id).client_secret
        assert stored.startswith("keyed_sha256$")

    def test_the_stored_hash_opens_nothing(self, ledger):
        ledger.token()
        stored = Application.objects.get(client_id=ledger.client_id).client_secret
        token = AccessToken.objects.get()

        assert error_of(ledger.token(client_secret=stored)) == (401, "invalid_client")
        for value in filter(None, (token.token, token.token_checksum)):
            assert HubClient(token=value).read(FORECAST).status_code == 401

    def test_the_log_and_the_trail_hold_no_secret_whatever_happens(self, ledger, caplog):
        caplog.set_level(logging.DEBUG)
        raw = ledger.raw_token()
        wrong = "wrong-" + ledger.secret[:40]
        encoded = basic(ledger.client_id, wrong)["Authorization"].removeprefix("Basic ")

        ledger.token(client_secret=wrong)
        ledger.token(scope=raw)
        ledger.token(grant_type=raw)
        ledger.post(TOKEN, form={"grant_type": "client_credentials"}, Authorization=f"Basic {encoded}")
        ledger.introspect(raw)
        ledger.introspect(raw, client_secret=wrong)
        ledger.revoke(raw, client_secret=wrong)
        ledger.revoke(raw)

        secrets = (raw, ledger.secret, wrong, encoded)
        assert not [secret for secret in secrets if secret in caplog.text]
        assert not [secret for secret in secrets if secret in everything_in_the_database()]


class TestRevocation:
    def test_works_at_once(self, ledger):
        raw = ledger.raw_token()
        caller = HubClient(token=raw)
        assert caller.read(FORECAST).status_code == 404

        answer = ledger.revoke(raw)

        assert (answer.status_code, answer.content) == (200, b"")
        assert problem_of(caller.read(FORECAST))[:2] == (401, "unauthorized")

    def test_of_one_token_leaves_the_others(self, ledger):
        first, second = ledger.raw_token(), ledger.raw_token()

        ledger.revoke(first)

        assert HubClient(token=second).read(FORECAST).status_code == 404

    def test_of_another_clients_token_changes_nothing_and_says_nothing(self, ledger, stranger):
        raw = ledger.raw_token()

        answer = stranger.revoke(raw)

        assert (answer.status_code, answer.content) == (200, b"")
        assert HubClient(token=raw).read(FORECAST).status_code == 404

    @pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense", ""])
    def test_takes_any_hint(self, ledger, hint):
        raw = ledger.raw_token()

        assert ledger.revoke(raw, token_type_hint=hint).status_code == 200
        assert HubClient(token=raw).read(FORECAST).status_code == 401

    def test_of_an_unknown_token_is_no_error(self, ledger):
        assert ledger.revoke("nobody-knows-it").status_code == 200

    def test_needs_the_clients_credentials(self, ledger):
        raw = ledger.raw_token()

        wrong = ledger.revoke(raw, client_secret="wrong")
        nameless = ledger.post(REVOKE, form={"token": raw})
        secretless = ledger.post(REVOKE, form={"token": raw, "client_id": ledger.client_id})

        assert {error_of(answer) for answer in (wrong, nameless, secretless)} == {
            (401, "invalid_client")
        }
        assert HubClient(token=raw).read(FORECAST).status_code == 404

    def test_needs_a_token(self, ledger):
        assert error_of(ledger.post(REVOKE, form=ledger.credentials)) == (400, "invalid_request")


class TestIntrospection:
    def test_describes_the_clients_own_token(self, ledger, time_machine):
        time_machine.move_to("2026-06-15T12:00:00Z", tick=False)
        raw = ledger.raw_token(scope="cs-sales.read")

        answer = ledger.introspect(raw)

        assert answer.json() == {
            "active": True,
            "scope": "cs-sales.read",
            "client_id": ledger.client_id,
            "token_type": "Bearer",
            "exp": int((timezone.now() + timedelta(hours=1)).timestamp()),
        }
        assert answer["Cache-Control"] == "no-store"

    def test_says_no_more_than_inactive_of_any_other(self, ledger, stranger, time_machine):
        time_machine.move_to("2026-06-15T12:00:00Z", tick=False)
        expired = ledger.raw_token()
        time_machine.move_to("2026-06-15T13:00:00Z", tick=False)
        foreign, revoked = stranger.raw_token(), ledger.raw_token()
        ledger.revoke(revoked)

        for token in (expired, foreign, revoked, "nobody-knows-it", "é"):
            answer = ledger.introspect(token)
            assert (answer.status_code, answer.json()) == (200, {"active": False})

    def test_needs_the_clients_credentials(self, ledger):
        raw = ledger.raw_token()

        wrong = ledger.introspect(raw, client_secret="wrong")
        nameless = ledger.post(INTROSPECT, form={"token": raw})

        assert {error_of(wrong), error_of(nameless)} == {(401, "invalid_client")}

    def test_needs_a_token(self, ledger):
        assert error_of(ledger.post(INTROSPECT, form=ledger.credentials)) == (
            400, "invalid_request"
        )  # fmt: skip


class TestMetadata:
    @pytest.fixture
    def metadata(self, client):
        answer = client.get("/.well-known/oauth-authorization-server")
        assert answer["Content-Type"] == "application/json"
        return answer.json()

    def test_names_the_one_grant_and_the_scopes(self, metadata):
        assert metadata["grant_types_supported"] == ["client_credentials"]
        assert metadata["response_types_supported"] == []
        assert metadata["scopes_supported"] == sorted(SCOPES)

    def test_gives_addresses_on_the_public_url_that_answer(self, metadata, settings, client):
        assert metadata["issuer"] == settings.PUBLIC_URL
        endpoints = {name: url for name, url in metadata.items() if name.endswith("_endpoint")}
        assert endpoints == {
            "token_endpoint": f"{settings.PUBLIC_URL}/auth/token",
            "revocation_endpoint": f"{settings.PUBLIC_URL}/auth/revoke",
            "introspection_endpoint": f"{settings.PUBLIC_URL}/auth/introspect",
        }
        for url in endpoints.values():
            assert client.get(urlsplit(url).path).status_code == 405

    def test_ignores_the_host_that_the_caller_names(self, client, settings):
        settings.ALLOWED_HOSTS = ["*"]

        answer = client.get("/.well-known/oauth-authorization-server", HTTP_HOST="evil.example")

        assert "evil.example" not in answer.content.decode()


class TestNoOtherRouteOfTheToolkit:
    @pytest.mark.parametrize(
        "path",
        [
            "/auth/authorize/", "/auth/authorize", "/auth/token/", "/auth/revoke_token/",
            "/auth/introspect/", "/auth/device-authorization", "/auth/device", "/auth/device/",
            "/auth/applications/", "/auth/applications/register/", "/auth/authorized_tokens/",
            "/auth/userinfo/", "/auth/logout/", "/auth/register", "/auth/.well-known/jwks.json",
            "/.well-known/openid-configuration", "/.well-known/openid-configuration/",
            "/.well-known/jwks.json", "/.well-known/oauth-protected-resource", "/o/token/",
        ],
    )  # fmt: skip
    def test_is_mounted(self, admin_client, path):
        assert admin_client.get(path).status_code == 404
        assert admin_client.post(path).status_code == 404

    def test_has_a_name(self):
        resolver = next(
            entry for entry in get_resolver().url_patterns if str(entry.pattern) == "auth/"
        )

        assert {entry.name for entry in resolver.url_patterns} == {
            "token", "revoke-token", "introspect"
        }  # fmt: skip


@pytest.mark.django_db(transaction=True)
class TestAStandardClient:
    def test_gets_a_token_and_uses_it(self, live_server, monkeypatch):
        from oauthlib.oauth2 import BackendApplicationClient  # noqa: PLC0415
        from requests_oauthlib import OAuth2Session  # noqa: PLC0415

        monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")  # the test server speaks HTTP
        made = make_client()
        session = OAuth2Session(
            client=BackendApplicationClient(client_id=made["client_id"], scope=["cs-finance.read"])
        )

        token = session.fetch_token(
            f"{live_server.url}{TOKEN}", client_secret=made["client_secret"]
        )
        answer = session.get(f"{live_server.url}/v1/cs-integrations{FORECAST}", timeout=10)
        session.close()

        assert token["scope"] == ["cs-finance.read"]
        assert answer.status_code == 404
        assert answer.json()["detail"] == "There is no customer with this id."


def everything_in_the_database() -> str:
    """Return the text of every row of every table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind IN ('r', 'p') AND NOT relispartition"
        )
        tables = [name for (name,) in cursor.fetchall()]
        texts = []
        for table in tables:
            cursor.execute(f'SELECT coalesce(string_agg(t::text, chr(10)), \'\') FROM "{table}" AS t')
            texts.append(cursor.fetchone()[0])
    return "\n".join(texts)
