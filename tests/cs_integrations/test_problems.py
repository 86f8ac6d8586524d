"""Every place an error can be born, and the one shape it is answered in."""

import re
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import IntegrityError, OperationalError
from django.test import Client
from openapi_schema_validator import OAS30Validator

from audit import recording
from audit.models import AuditRecord
from cs_integrations.api import problems
from tests.clients import API, HubClient, problem_of, record_of
from tests.contract import document
from tests.cs_integrations.faulty_urls import CANARY, FAULTS

FORECAST = f"{API}/finance/forecast/cust_1"
PAGES = ("/", "/errors/", "/errors/conflict", "/docs/", "/docs/redoc/", "/healthz", "/readyz",
         "/openapi/cs-cross-domain-v1.json", "/.well-known/oauth-authorization-server")  # fmt: skip

pytestmark = pytest.mark.django_db


def assert_problem(response: Any, slug: str, **headers: str) -> dict[str, Any]:
    """Assert that the answer is this problem and valid; return its members."""
    problem_type = problems.BY_SLUG[slug]
    assert response.status_code == problem_type.status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    schema = document()["components"]["schemas"]["Problem"]
    assert not list(OAS30Validator(schema).iter_errors(body))
    assert (body["type"], body["title"]) == (problem_type.uri, problem_type.title)
    assert body["status"] == response.status_code
    assert body["request_id"] == response.headers.get("X-Request-ID", body["request_id"])
    for name, value in headers.items():
        assert response[name] == value
    return body


class TestTheShape:
    def test_is_the_specifications_four_members_then_two(self, api):
        response = api.read("/finance/forecast/cust_404")

        assert response.json() == {
            "type": "https://api.penguinmails.com/errors/not-found",
            "title": "Not found",
            "detail": "There is no customer with this id.",
            "instance": "/v1/cs-integrations/finance/forecast/cust_404",
            "status": 404,
            "request_id": response["X-Request-ID"],
        }
        assert list(response.json())[:4] == ["type", "title", "detail", "instance"]

    def test_is_told_apart_by_the_schema(self):
        schema = document()["components"]["schemas"]["Problem"]

        assert list(OAS30Validator(schema).iter_errors({"detail": "Not found."}))
        assert schema["additionalProperties"] is False


class TestAPathThatIsNotRouted:
    @pytest.mark.parametrize(
        "path",
        [
            "/nowhere",
            "/%00",
            "/%ff%fe",
            "/v1",
            "/v1/cs-integrations",
            f"{API}/",
            f"{API}/finance",
            f"{API}/finance/nothing",
            f"{FORECAST}/",
            f"{FORECAST}%2Fextra",
            f"{API}/finance/forecast/..%2F..%2Fauth/token",
            f"{API}/finance/../finance/forecast/cust_1",
            f"{API}/finance/forecast/",
            f"{API}/" + "x" * 2000,
            "/auth/",
            "/errors/%00",
            "/errors/conflict/",
            "/static/nothing.css",
            "/static/../manage.py",
            "/metrics",
            "/Healthz",
            "/favicon.ico",
        ],
    )
    @pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
    def test_is_not_found(self, api, method, path):
        body = assert_problem(api.generic(method, path, "{}", "application/json"), "not-found")

        assert body["instance"].startswith("/")

    @pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "BREW"])
    def test_is_not_found_with_any_method(self, client, method):
        assert_problem(client.generic(method, "/nowhere"), "not-found")

    def test_may_look_like_a_page_of_a_problem_type(self, client):
        assert_problem(client.get("/errors/no-such-type"), "not-found")

    def test_tells_head_so_without_a_body(self, client):
        response = client.head("/nowhere")

        assert response.status_code == 404
        assert response["Content-Type"] == "application/problem+json"
        assert response.content == b""


class TestAnIdThatNamesNothing:
    @pytest.mark.parametrize(
        "customer_id",
        ["cust_404", "404", "%00", "cust_%00", "cust_1%20", "camp_1", "%2e%2e", "%ff", "cust_é",
         "cust_" + "1" * 2000, "cust_1;--", "{customer_id}"],
    )  # fmt: skip
    @pytest.mark.parametrize("method", ["get", "post"])
    def test_is_not_found_and_says_which_object(self, api, method, customer_id):
        path = f"{API}/finance/forecast/{customer_id}"
        sound = {"renewal_probability": 0.9, "confidence_interval": [0.8, 0.95]}

        response = api.get(path) if method == "get" else api.send(path.removeprefix(API), sound)

        assert "customer" in assert_problem(response, "not-found")["detail"]


class TestAMethodThatAPathDoesNotTake:
    @pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
    def test_is_refused_before_the_token_is_looked_at(self, client, method):
        response = client.generic(method, FORECAST)

        assert_problem(response, "method-not-allowed", Allow="GET, HEAD, POST")
        assert record_of(response).status == 405

    @pytest.mark.parametrize(
        ("method", "path", "allow"),
        [
            ("POST", f"{API}/finance/realization/ctr_1", "GET, HEAD"),
            ("POST", f"{API}/audit/x", "GET, HEAD"),
            ("GET", "/auth/token", "POST"),
            ("HEAD", "/auth/token", "POST"),
            ("OPTIONS", "/auth/revoke", "POST"),
            ("GET", "/auth/introspect", "POST"),
        ],
    )
    def test_is_told_what_the_path_does_take(self, api, method, path, allow):
        response = api.generic(method, path)

        assert response.status_code == 405
        assert sorted(response["Allow"].split(", ")) == sorted(allow.split(", "))

    @pytest.mark.parametrize("path", PAGES)
    @pytest.mark.parametrize("method", ["POST", "DELETE"])
    def test_is_refused_by_pages_too(self, path, method):
        response = Client(enforce_csrf_checks=True).generic(method, path, "{}", "application/json")

        assert "GET" in response["Allow"]
        assert_problem(response, "method-not-allowed")

    def test_reads_may_be_heads(self, api):
        full, head = api.get("/errors/"), api.head("/errors/")

        assert (head.status_code, head.content) == (200, b"")
        assert head["Content-Length"] == str(len(full.content))


class TestAMediaTypeThatIsNotServed:
    @pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*", "x"])
    def test_is_not_acceptable(self, api, accept):
        response = api.get(FORECAST, headers={"Accept": accept})

        assert_problem(response, "not-acceptable")
        assert record_of(response).status == 406

    @pytest.mark.parametrize(
        "accept", ["application/json", "*/*", "application/*", "text/html, application/json;q=0.1"]
    )
    def test_is_served_when_json_is_admitted(self, api, accept):
        assert api.get(FORECAST, headers={"Accept": accept}).status_code == 404

    def test_may_not_choose_how_json_is_set(self, api):
        answer = api.get(FORECAST, headers={"Accept": "application/json; indent=4"})
        token = api.post("/auth/token", headers={"Accept": "application/json; indent=4"})

        assert b"\n" not in answer.content + token.content

    def test_the_token_endpoint_says_so_too(self, client):
        response = client.post("/auth/token", headers={"Accept": "text/html"})

        assert_problem(response, "not-acceptable")

    def test_a_format_in_the_query_is_an_unknown_parameter(self, api):
        response = api.get(f"{FORECAST}?format=xml")

        assert problem_of(response) == (400, "validation-error", [("format", "unknown")])


class TestAQuery:
    @pytest.mark.parametrize(
        ("query", "named", "rule"),
        [
            ("limit=1", "limit", "unknown"),
            ("Explain=true", "Explain", "unknown"),
            ("%00=1", "\\x00", "text"),
            ("%ff=1", "\\ufffd", "unknown"),
            ("explain=yes", "explain", "boolean"),
            ("explain=", "explain", "boolean"),
            ("explain=%00", "explain", "text"),
            ("explain=true&explain=false", "explain", "boolean"),
            ("=", "", "unknown"),
        ],
    )
    def test_that_the_operation_does_not_know_is_refused(self, api, query, named, rule):
        response = api.get(f"{FORECAST}?{query}")

        assert problem_of(response) == (400, "validation-error", [(named, rule)])
        assert_problem(response, "validation-error")

    def test_with_a_thousand_parameters_is_refused(self, api):
        response = api.get(f"{FORECAST}?" + "&".join(f"p{number}=1" for number in range(1001)))

        assert problem_of(response) == (400, "validation-error", [("", "count")])
        assert record_of(response).status == 400

    @pytest.mark.parametrize("path", ["/", "/nowhere", "/auth/token", "/errors/"])
    def test_with_nul_is_refused_wherever_it_goes(self, client, path):
        response = client.generic("POST" if "auth" in path else "GET", f"{path}?a=1&b=x%00")

        assert problem_of(response) == (400, "validation-error", [("b", "text")])
        assert record_of(response).status == 400

    @pytest.mark.parametrize(
        "page", ["audit/auditrecord/?domain=%00", "customers/customer/?status__exact=%00"]
    )
    def test_of_the_admin_with_nul_is_refused_in_html(self, admin_client, page):
        response = admin_client.get(f"/admin/{page}")

        assert response.status_code == 400
        assert response["Content-Type"].startswith("text/html")
        assert record_of(response).status == 400


class TestAContentLength:
    @pytest.mark.parametrize(("length", "rule"), [("x", "format"), ("3", "length")])
    def test_that_is_wrong_is_named(self, api, length, rule):
        sent = {"wsgi.input": BytesIO(b"{}"), "CONTENT_LENGTH": length}

        response = api.generic("POST", FORECAST, b"{}", "application/json", **sent)

        assert problem_of(response) == (400, "validation-error", [("Content-Length", rule)])


class TestAContentType:
    @pytest.mark.parametrize("charset", ["hex", "rot13", "undefined", "utf-16"])
    def test_says_nothing_of_the_query(self, api, charset):
        content_type = f"application/json; charset={charset}"

        response = api.generic("GET", f"{FORECAST}?explain=é", content_type=content_type)

        assert problem_of(response) == (400, "validation-error", [("explain", "boolean")])

    @pytest.mark.parametrize("charset", ["hex", "utf-16", "latin-1", "no-such"])
    def test_of_a_body_other_than_utf_8_is_not_supported(self, api, charset):
        content_type = f"application/json; charset={charset}"

        response = api.generic("POST", FORECAST, b"{}", content_type)

        assert_problem(response, "unsupported-media-type")

    @pytest.mark.parametrize("parameter", ["x*=foo''x", "charset*0*=a''b"])
    def test_that_cannot_be_read_is_named(self, api, parameter):
        content_type = f"application/json; {parameter}"

        response = api.generic("POST", FORECAST, b"{}", content_type)

        assert problem_of(response) == (400, "validation-error", [("Content-Type", "format")])
        assert record_of(response).status == 400


class TestAHostThatIsNotOurs:
    @pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:x", "a b", "", "\x00", "é"])
    @pytest.mark.parametrize("path", [FORECAST, "/", "/nowhere", "/auth/token"])
    def test_is_refused(self, client, path, host):
        response = client.generic(
            "POST" if path.startswith("/auth") else "GET", path, HTTP_HOST=host
        )

        if host:
            body = assert_problem(response, "validation-error")
            assert host not in body["detail"]
            assert [error["parameter"] for error in body["errors"]] == ["Host"]
            assert record_of(response).status == 400
        assert response.status_code < 500

    def test_fills_no_log(self, client, caplog):
        client.get("/", HTTP_HOST="evil.example")

        assert not caplog.records


@pytest.mark.parametrize("error", [ValueError, RecursionError, OperationalError, IntegrityError])
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_answer_that_cannot_be_recorded_is_unavailable(api, monkeypatch, caplog, method, error):
    def fail(_request, _response):
        raise error(CANARY)

    monkeypatch.setattr(recording, "write", fail)

    response = getattr(api, method)("/nowhere")

    assert_problem(response, "unavailable", **{"Retry-After": "5"})
    assert "ALARM audit record not written" in caplog.text
    assert error.__name__ in caplog.text


@pytest.fixture
def faulty(settings):
    settings.ROOT_URLCONF = "tests.cs_integrations.faulty_urls"


@pytest.mark.usefixtures("faulty")
class TestAViewThatFails:
    EXPECTED = {
        "APIException": "internal",
        "Http404": "not-found",
        "PermissionDenied": "forbidden",
        "SuspiciousOperation": "validation-error",
        "BadRequest": "validation-error",
        "OperationalError": "unavailable",
        "InterfaceError": "unavailable",
        "DataError": "unavailable",
        "IntegrityError": "conflict",
    }

    @pytest.mark.parametrize("method", ["get", "post"])
    @pytest.mark.parametrize("fault", FAULTS)
    def test_in_the_api_is_a_problem_without_a_word_of_its_message(self, api, method, fault):
        path = f"/faulty/api/{fault}"
        response = api.get(path) if method == "get" else api.post(path, {}, "application/json")

        assert_problem(response, self.EXPECTED.get(fault, "internal"))
        assert CANARY not in response.content.decode()
        assert record_of(response).status == response.status_code

    @pytest.mark.parametrize("method", ["get", "post"])
    @pytest.mark.parametrize("fault", FAULTS)
    def test_outside_the_api_is_one_too(self, method, fault):
        response = getattr(HubClient(), method)(f"/faulty/page/{fault}")

        assert_problem(response, self.EXPECTED.get(fault, "internal"))
        assert CANARY not in response.content.decode()
        assert record_of(response).status == response.status_code

    def test_because_of_the_database_may_be_asked_again(self, api):
        for path in ("/faulty/api/OperationalError", "/faulty/page/OperationalError"):
            assert_problem(api.get(path), "unavailable", **{"Retry-After": "5"})

    def test_is_logged_with_its_cause(self, api, caplog):
        api.get("/faulty/api/ZeroDivisionError")

        assert CANARY in caplog.text

    def test_because_of_the_database_is_logged_without_its_message(self, api, caplog):
        response = api.get("/faulty/api/OperationalError")

        assert response["X-Request-ID"] in caplog.text
        assert CANARY not in caplog.text

    def test_to_name_its_domain_refuses_everyone(self, api):
        body = assert_problem(api.get("/nobodys"), "forbidden")

        assert body["required_scope"] == ""


class TestTheAdmin:
    def test_answers_people_in_html(self, admin_client):
        response = admin_client.get("/admin/no/such/page")

        assert response.status_code == 404
        assert response["Content-Type"].startswith("text/html")
        assert "Not found" in response.content.decode()

    def test_refuses_a_forged_form_in_html(self):
        browser = Client(enforce_csrf_checks=True)

        response = browser.post("/admin/login/", {"username": "alice", "password": "x"})

        assert response.status_code == 403
        assert response["Content-Type"].startswith("text/html")
        assert record_of(response).status == 403

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_survives_what_the_database_cannot_hold(self, method):
        browser = HubClient(HTTP_COOKIE="sessionid=a%00b; csrftoken=\x00")

        for path in ("/admin/%00", "/admin/login/?next=%00", "/admin/\xff"):
            assert getattr(browser, method)(path).status_code < 500


class TestTheCatalogue:
    def test_says_the_same_as_the_documentation(self):
        text = (settings.BASE_DIR / "docs" / "errors.md").read_text()
        rows = re.findall(
            r"^\| `([a-z-]+)` \| (\d{3}) \| (.+?) \| (.+?) \| (.+?) \|$", text, re.MULTILINE
        )

        assert [(slug, int(status), *texts) for slug, status, *texts in rows] == [
            (entry.slug, entry.status.value, entry.title, entry.meaning, entry.remedy)
            for entry in problems.CATALOGUE
        ]

    def test_says_the_same_as_the_openapi_document(self):
        listed = document()["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]

        assert listed == [entry.uri for entry in problems.CATALOGUE]

    def test_names_each_slug_title_and_status_once(self):
        for name in ("slug", "title", "status"):
            values = [getattr(entry, name) for entry in problems.CATALOGUE]
            assert len(set(values)) == len(values), name

    def test_documents_the_rules_that_the_parser_refuses_by(self):
        source = (settings.BASE_DIR / "cs_integrations" / "api" / "parsing.py").read_text()
        text = (settings.BASE_DIR / "docs" / "errors.md").read_text()
        used = set(re.findall(r'rule="(\w+)"|_Refused\("(\w+)"', source))
        rules = {first or second for first, second in used}

        assert len(rules) > 5
        assert all(f"| `{rule}` |" in text for rule in rules)

    @pytest.mark.parametrize("entry", problems.CATALOGUE, ids=lambda entry: entry.slug)
    def test_gives_each_type_a_page_where_its_uri_leads(self, client, entry):
        page = client.get(urlsplit(entry.uri).path)

        text = page.content.decode()
        assert page.status_code == 200
        assert page["Content-Type"].startswith("text/html")
        assert all(part in text for part in (entry.title, entry.uri, str(entry.status.value)))

    def test_is_listed_on_one_page(self, client):
        text = client.get("/errors/").content.decode()

        assert all(f'href="/errors/{entry.slug}"' in text for entry in problems.CATALOGUE)


class TestARefusalIsRecorded:
    def test_once_with_its_type(self, api):
        before = AuditRecord.objects.count()

        response = api.get("/nowhere")

        assert AuditRecord.objects.count() == before + 1
        assert record_of(response).problem_type == "not-found"
