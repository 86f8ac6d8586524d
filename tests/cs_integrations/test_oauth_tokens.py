"""What becomes of a token: how it is stored, revoked and described; and what is published."""

import logging
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.urls import get_resolver
from django.utils import timezone
from oauth2_provider.models import AccessToken

from cs_integrations.clients.models import Application
from cs_integrations.clients.scopes import SCOPES
from tests.clients import HubClient, problem_of
from tests.oauth import INTROSPECT, REVOKE, TOKEN, Caller, basic, error_of, make_client

FORECAST = "/finance/forecast/cust_1"

pytestmark = pytest.mark.django_db


@pytest.fixture
def ledger():
    return Caller(make_client())


@pytest.fixture
def stranger():
    return Caller(make_client("Stranger"))


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
        ledger.post(
            TOKEN, form={"grant_type": "client_credentials"}, Authorization=f"Basic {encoded}"
        )
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

    def test_of_a_scope_from_the_client_reaches_its_live_tokens(self, ledger):
        caller = HubClient(token=ledger.raw_token())
        assert caller.read(FORECAST).status_code == 404

        Application.objects.update(scopes=["cs-sales.read"])

        assert problem_of(caller.read(FORECAST))[:2] == (403, "forbidden")

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
            cursor.execute(
                f"SELECT coalesce(string_agg(t::text, chr(10)), '') FROM \"{table}\" AS t"
            )
            texts.append(cursor.fetchone()[0])
    return "\n".join(texts)
