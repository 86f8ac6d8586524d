"""The OpenAPI document says what the service does, and the service does what it says."""

import json
import re
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from drf_spectacular.drainage import GENERATOR_STATS
from openapi_schema_validator import OAS30Validator
from openapi_spec_validator import OpenAPIV30SpecValidator

from cs_integrations.clients.scopes import SCOPES
from cs_integrations.clients.urls import urlpatterns as oauth_routes
from examples import tour
from tests.clients import API
from tests.contract import document
from tests.test_permissions import routed_calls

OPENAPI = "/openapi/cs-cross-domain-v1.json"
CALLS = json.loads((settings.BASE_DIR / "examples" / "calls.json").read_text())["calls"]
PROBLEM_STATUSES = {"400", "401", "403", "406", "411", "413", "429", "500", "503"}
POST_PROBLEM_STATUSES = PROBLEM_STATUSES | {"409", "415", "422"}
OAUTH_STATUSES = {"200", "400", "401", "406", "411", "413", "429", "500", "503"}
STREAMED = {"audit_export"}  # has no room for reasons
COMMON_HEADERS = {
    "X-Request-ID",
    "X-Audit-Trail",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-RateLimit-Window",
    "RateLimit",
    "RateLimit-Policy",
}


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, described)
        for path, item in document()["paths"].items()
        for method, described in item.items()
    ]


API_OPERATIONS = [entry for entry in operations() if not entry[1].startswith("/auth/")]
OAUTH_OPERATIONS = [entry for entry in operations() if entry[1].startswith("/auth/")]


def named(entries):
    ids = [described["operationId"] for _, _, described in entries]
    return pytest.mark.parametrize(("method", "path", "described"), entries, ids=ids)


def operation_of(call: dict[str, Any]) -> dict[str, Any]:
    """Return the operation that a call of the specification is an example of."""
    wanted = call["path"].split("?")[0]
    for method, path, described in API_OPERATIONS:
        if method == call["method"].lower() and re.fullmatch(
            re.sub(r"{\w+}", "[^/]+", path), wanted
        ):
            return described
    raise AssertionError(f"{call['name']} is not in the document")


class TestTheDocument:
    def test_is_generated_without_a_warning(self, tmp_path):
        errors = StringIO()

        call_command(
            "spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "api.yaml"),
            stderr=errors,
        )  # fmt: skip

        assert errors.getvalue() == ""
        assert not GENERATOR_STATS

    def test_is_sound_openapi_3_0(self):
        assert document()["openapi"].startswith("3.0.")
        assert not list(OpenAPIV30SpecValidator(document()).iter_errors())

    def test_is_served_where_the_specification_says(self, client, db):
        response = client.get(OPENAPI)

        assert response.status_code == 200
        assert response["Content-Type"].split(";")[0] in {
            "application/json",
            "application/vnd.oai.openapi+json",
        }
        assert json.loads(response.content) == json.loads(json.dumps(document()))

    def test_is_served_as_plain_json_to_whoever_asks_for_it(self, client, db):
        response = client.get(OPENAPI, headers={"Accept": "application/json"})

        assert response["Content-Type"].split(";")[0] == "application/json"

    def test_has_the_routes_and_the_routes_have_it(self):
        documented = {(method.upper(), path) for method, path, _ in operations()}
        served = {
            (method, "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route))
            for method, route in routed_calls()
            if route.startswith(("v1/", "auth/"))
        }

        assert documented == {(method, path.removeprefix(API)) for method, path in served}

    def test_holds_the_ten_calls_of_the_specification(self):
        assert len(CALLS) == 10
        assert len({operation_of(call)["operationId"] for call in CALLS}) == 10

    def test_closes_every_object_of_the_api(self):
        open_objects = [
            name
            for name, schema in document()["components"]["schemas"].items()
            if schema.get("type") == "object"
            and "properties" in schema
            and schema.get("additionalProperties") is not False
        ]

        assert open_objects == []


class TestTheSpecificationsFrame:
    def test_is_its_base_url(self):
        specified, this_one = (server["url"] for server in document()["servers"])
        assert specified == "https://api.penguinmails.com/v1/cs-integrations"
        assert this_one == "/v1/cs-integrations"

    def test_is_its_security_scheme(self):
        scheme = document()["components"]["securitySchemes"]["oauth2"]

        assert scheme["type"] == "oauth2"
        assert scheme["flows"] == {
            "clientCredentials": {"tokenUrl": "/auth/token", "scopes": SCOPES}
        }

    def test_is_its_scope_texts(self):
        text = document()["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]

        assert {name: text["scopes"][name] for name in list(text["scopes"])[:3]} == {
            "cs-marketing.read": "Marketing integration read",
            "cs-marketing.write": "Marketing campaign triggers",
            "cs-sales.read": "Sales pipeline visibility",
        }

    def test_gives_each_domain_two_scopes(self):
        domains = ("marketing", "sales", "product", "finance", "operations")

        assert set(SCOPES) == {
            *(f"cs-{domain}.{verb}" for domain in domains for verb in ("read", "write")),
            "cs-audit.read",
        }

    def test_is_its_rate_limit_problem(self):
        problem = operation_of(CALLS[0])["responses"]["429"]["content"]["application/problem+json"]

        assert list(problem["example"].items())[:4] == [
            ("type", "https://api.penguinmails.com/errors/rate-limit"),
            ("title", "Rate limit exceeded"),
            ("detail", "Retry after 60s"),
            ("instance", "/v1/cs-integrations/marketing/triggers/cust_123"),
        ]


class TestEachOperation:
    @named(operations())
    def test_has_a_name_a_summary_and_a_description(self, method, path, described):
        assert re.fullmatch(r"[a-z]+(_[a-z]+)+", described["operationId"])
        assert len(described["summary"]) > 10
        assert described["description"].endswith(".")
        assert described["tags"]

    def test_has_a_name_of_its_own(self):
        names = [described["operationId"] for _, _, described in operations()]

        assert len(set(names)) == len(names)

    @named(API_OPERATIONS)
    def test_needs_the_scope_of_its_domain_and_verb(self, method, path, described):
        domain = path.split("/")[1]
        verb = "read" if method == "get" else "write"
        scopes = [] if domain == "audit" else [f"cs-{domain}.{verb}"]

        assert described["security"] == [{"oauth2": scopes}]
        assert described["tags"] == [domain]

    @named(API_OPERATIONS)
    def test_foresees_every_problem(self, method, path, described):
        expected = POST_PROBLEM_STATUSES if method == "post" else PROBLEM_STATUSES
        if "{" in path:
            expected = expected | {"404"}

        refusals = {status for status in described["responses"] if status >= "400"}

        assert expected <= refusals <= expected | {"409"}
        for status in refusals:
            content = described["responses"][status]["content"]
            assert list(content) == ["application/problem+json"]
            body = content["application/problem+json"]
            assert body["schema"] == {"$ref": "#/components/schemas/Problem"}
            assert body["example"]["status"] == int(status)

    @named(API_OPERATIONS)
    def test_succeeds_in_exactly_one_way(self, method, path, described):
        successes = [status for status in described["responses"] if status < "400"]

        assert len(successes) == 1
        assert successes[0] in ({"200"} if method == "get" else {"200", "201", "202"})

    @named(operations())
    def test_answers_with_the_common_headers_every_time(self, method, path, described):
        for status, response in described["responses"].items():
            assert set(response["headers"]) >= COMMON_HEADERS, status

    @named(operations())
    def test_says_which_other_headers_come_with_which_status(self, method, path, described):
        for status, response in described["responses"].items():
            headers = set(response["headers"])
            assert ("Retry-After" in headers) == (status in {"409", "429", "503"}), status
            assert ("WWW-Authenticate" in headers) == (status == "401"), status
            assert ("Location" in headers) == (status in {"201", "202"}), status

    @named([entry for entry in API_OPERATIONS if entry[0] == "post"])
    def test_that_writes_takes_an_idempotency_key_and_a_json_object(self, method, path, described):
        keys = [given for given in described["parameters"] if given["name"] == "Idempotency-Key"]

        assert [(key["in"], key.get("required", False)) for key in keys] == [("header", False)]
        assert list(described["requestBody"]["content"]) == ["application/json"]
        assert bool(described["requestBody"].get("required")) is needs_members(described)
        answer = next(r for status, r in described["responses"].items() if status < "300")
        assert "Idempotent-Replayed" in answer["headers"]

    @named([row for row in API_OPERATIONS if row[1] != "/audit/export"])  # it streams
    def test_can_be_asked_for_its_reasons(self, method, path, described):
        parameters = {(given["in"], given["name"]): given for given in described["parameters"]}

        if described["operationId"] in STREAMED:
            assert ("query", "explain") not in parameters
        else:
            assert parameters["query", "explain"]["schema"]["type"] == "boolean"

    @named(OAUTH_OPERATIONS)
    def test_of_oauth_takes_a_form_and_answers_in_oauths_own_errors(self, method, path, described):
        assert list(described["requestBody"]["content"]) == ["application/x-www-form-urlencoded"]
        assert set(described["responses"]) == OAUTH_STATUSES
        for status in ("400", "401"):
            schema = described["responses"][status]["content"]["application/json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/OAuthError"}
        assert described["servers"] == [{"url": "https://api.penguinmails.com"}, {"url": "/"}]
        assert not described.get("security")

    def test_of_oauth_is_one_of_three(self):
        assert len(OAUTH_OPERATIONS) == len(oauth_routes) == 3


class TestTheSpecificationsExamples:
    @pytest.mark.parametrize("call", CALLS, ids=lambda call: call["name"])
    def test_are_shown_as_requests(self, call):
        described = operation_of(call)

        assert str(call["status"]) in described["responses"]
        if "body" not in call:
            assert "requestBody" not in described
            return
        content = described["requestBody"]["content"]["application/json"]
        assert content["examples"]["specification"]["value"] == call["body"]
        assert violations(content["schema"], call["body"]) == []

    @pytest.mark.parametrize("call", CALLS, ids=lambda call: call["name"])
    def test_are_shown_as_answers_where_it_has_one(self, call):
        content = operation_of(call)["responses"][str(call["status"])]["content"]
        shown = content["application/json"].get("examples", {}).get("specification")

        # The specification is silent on the answer to a forecast.
        assert (shown is None) is (call["name"] == "forecast adjustment")
        if shown:
            assert tour.differences(call["answer"], shown["value"]) == []
            assert violations(content["application/json"]["schema"], shown["value"]) == []

    @pytest.mark.parametrize("call", CALLS, ids=lambda call: call["name"])
    def test_have_the_documented_members_in_their_order(self, call):
        content = operation_of(call)["responses"][str(call["status"])]["content"]
        name = content["application/json"]["schema"]["$ref"].rsplit("/", 1)[-1]
        members = list(document()["components"]["schemas"][name]["properties"])

        assert [member for member in members if member != "explanation"] == list(call["answer"])


class TestTheDocumentationPages:
    @pytest.fixture(params=["/docs/", "/docs/redoc/"])
    def page(self, request, client, db):
        response = client.get(request.param)
        assert response.status_code == 200
        return response.content.decode()

    def test_show_the_document(self, page):
        assert OPENAPI in page.replace("\\u002D", "-")

    def test_load_nothing_from_elsewhere(self, page):
        addresses = re.findall(r"""(?:src|href|url)\s*[=:]\s*["']([^"']+)["']""", page)

        assert addresses
        assert [address for address in addresses if not address.startswith("/")] == []

    def test_let_their_scripts_load_nothing_from_elsewhere(self, page):
        policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page).group(1)
        rules = dict(rule.split(" ", 1) for rule in policy.split("; "))

        assert rules["default-src"] == "'self'"
        for kind in ("script-src", "style-src", "img-src", "font-src"):
            assert "http" not in rules[kind]
            assert "*" not in rules[kind]
        assert "validator.swagger.io" not in page

    def test_refer_to_files_that_are_there(self, page, client):
        files = set(re.findall(r"/static/[^\"'?]+", page))

        assert files
        for file in files:
            response = client.get(file)
            response.close()
            assert response.status_code == 200, file


def needs_members(described: dict[str, Any]) -> bool:
    """Say whether a body without any member would be refused."""
    schema = described["requestBody"]["content"]["application/json"]["schema"]
    return bool(violations(schema, {}))


def violations(schema: dict[str, Any], value: Any) -> list[str]:
    """Return how the value breaks a schema of the document."""
    whole = {**schema, "components": document()["components"]}
    return [error.message for error in OAS30Validator(whole).iter_errors(value)]
