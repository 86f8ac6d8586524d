"""Who gets a token, with which scopes, and how the endpoints refuse.

The errors here are those of RFC 6749, 5.2, not problems.
"""

import base64

import pytest
from oauth2_provider.models import AccessToken

from cs_integrations.clients.models import Application
from cs_integrations.clients.scopes import SCOPES
from tests.clients import HubClient, issue_token, problem_of, record_of
from tests.oauth import ENDPOINTS, FORM, OWN_SCOPES, TOKEN, Caller, basic, error_of, make_client

FORECAST = "/finance/forecast/cust_1"

pytestmark = pytest.mark.django_db


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
        assert (record.client_id, record.decision) == (ledger.client_id, "allowed")

    def test_whose_record_the_client_may_read(self, ledger):
        answer = ledger.token()
        caller = HubClient(token=answer.json()["access_token"])

        assert caller.read(f"/audit/{answer['X-Request-ID']}").status_code == 200

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
        [
            "Basic",
            "Basic !!!",
            "Basic bm9jb2xvbg==",
            "Basic /////w==",
            "Basic \xe9\xff",
            "Basic Og==",
        ],
    )
    def test_that_cannot_be_read_are_refused(self, ledger, header):
        answer = ledger.post(TOKEN, form={"grant_type": "client_credentials"}, Authorization=header)

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

        answer = caller.post(path, "grant_type=client_credentials&token=x", content_type=FORM)

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
