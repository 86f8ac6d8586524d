"""The permission table: who may call what. Adding an operation means adding its row.

Each row runs with its own scope, with every other one, and with every kind of bad token. Two
sweeps, over the routes and over the OpenAPI document, fail when an operation has no row and
when a row has no operation.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, resolve

from cs_integrations.clients.scopes import SCOPES
from tests.clients import API, HubClient, issue_token, problem_of, record_of
from tests.contract import document

UNKNOWN_RECORD = "00000000-0000-7000-8000-000000000000"
FORECAST = {"renewal_probability": 0.94, "confidence_interval": [0.88, 0.97]}
FEEDBACK = {"customer_id": "cust_789", "feature_id": "feat_101", "impact_score": 9}


@dataclass(frozen=True)
class Row:
    """One operation; ``scope`` is what it needs, "" when any client may call it."""

    operation: str
    method: str
    path: str
    scope: str
    body: dict[str, Any] = field(default_factory=dict, hash=False)

    def call(self, *, token: str = "", **headers: str) -> Any:
        client = HubClient(token=token)
        if self.method == "GET":
            return client.read(self.path, **headers)
        return client.send(self.path, self.body, **headers)

    @property
    def route(self) -> tuple[str, str]:
        return self.method, resolve(API + self.path.split("?")[0]).route


TABLE = (
    Row(
        "marketing_trigger", "POST", "/marketing/triggers/cust_1", "cs-marketing.write",
        {"health_score": 75, "risk_category": "monitor", "milestones": ["adoption_complete"]},
    ),
    Row("marketing_performance", "GET", "/marketing/performance/camp_1", "cs-marketing.read"),
    Row("marketing_campaign", "GET", "/marketing/campaigns/camp_1", "cs-marketing.read"),
    Row(
        "sales_handoff_complete", "POST", "/sales/handoff/complete/deal_1", "cs-sales.write",
        {"success_plan_id": "sp_1", "baseline_kpis": {"nps_target": 8.5}},
    ),
    Row("sales_expansion", "GET", "/sales/expansion/cust_1", "cs-sales.read"),
    Row("sales_handoff_status", "GET", "/sales/handoff/status/cust_1", "cs-sales.read"),
    Row("product_adoption", "GET", "/product/adoption/feat_1", "cs-product.read"),
    Row("product_feedback_submit", "POST", "/product/feedback", "cs-product.write", FEEDBACK),
    Row("product_feedback_status", "GET", "/product/feedback/status/PROD-1", "cs-product.read"),
    Row("finance_realization", "GET", "/finance/realization/ctr_1", "cs-finance.read"),
    Row("finance_forecast", "GET", "/finance/forecast/cust_1", "cs-finance.read"),
    Row(
        "finance_forecast_adjust", "POST", "/finance/forecast/cust_1", "cs-finance.write", FORECAST
    ),
    Row(
        "operations_execute", "POST", "/operations/execute/wf_1/cust_1", "cs-operations.write",
        {"parameters": {"escalation_tier": 2}},
    ),
    Row("operations_execution", "GET", "/operations/executions/exec_1", "cs-operations.read"),
    Row(
        "operations_capacity", "GET", "/operations/capacity/forecast?period=next_90d",
        "cs-operations.read",
    ),
    Row("audit_record", "GET", f"/audit/{UNKNOWN_RECORD}", ""),
    Row("audit_records", "GET", "/audit/?status=404", ""),
    Row("audit_export", "GET", f"/audit/export?ids={UNKNOWN_RECORD}", ""),
)  # fmt: skip
SCOPED = tuple(row for row in TABLE if row.scope)

# What a client reaches with its id and secret, before it has a token.
WITH_CREDENTIALS = {
    ("POST", "auth/token"): "token_issue",
    ("POST", "auth/revoke"): "token_revoke",
    ("POST", "auth/introspect"): "token_introspect",
}
# What anybody may read.
PUBLIC = {
    "",
    ".well-known/oauth-authorization-server",
    "openapi/cs-cross-domain-v1.json",
    "docs/",
    "docs/redoc/",
    "errors/",
    "errors/<slug:slug>",
    "healthz",
    "readyz",
}
GARBAGE = (
    "Bearer garbage",
    "Bearer",
    "Bearer two words",
    "Bearer \xe9\xff",
    "Basic {token}",
    "Token {token}",
    "{token}",
    "Bearer {checksum}",
    "Bearer {token}\x00",
)

pytestmark = pytest.mark.django_db
each_row = pytest.mark.parametrize("row", TABLE, ids=lambda row: row.operation)
each_scoped_row = pytest.mark.parametrize("row", SCOPED, ids=lambda row: row.operation)


class TestWithItsScope:
    @each_row
    def test_a_client_is_let_through(self, row):
        scopes = [row.scope] if row.scope else []
        response = row.call(token=issue_token(scopes).raw)

        assert response.status_code not in (401, 403, 405), response.content
        assert record_of(response).decision == "allowed"
        assert record_of(response).scope_needed == row.scope

    @each_scoped_row
    def test_the_audit_record_names_the_operation(self, row):
        response = row.call(token=issue_token([row.scope]).raw)

        assert record_of(response).operation == row.operation
        assert record_of(response).domain == row.scope.removeprefix("cs-").split(".")[0]


class TestWithoutItsScope:
    @each_scoped_row
    def test_any_other_one_is_refused_and_all_the_others_together(self, row):
        others = [scope for scope in SCOPES if scope != row.scope]

        for scopes in ([scope] for scope in others):
            assert_scope_refused(row, row.call(token=issue_token(scopes).raw))
        assert_scope_refused(row, row.call(token=issue_token(others).raw))

    @each_scoped_row
    def test_a_client_without_scopes_is_refused(self, row):
        assert_scope_refused(row, row.call(token=issue_token([]).raw))

    @each_scoped_row
    def test_the_token_decides_and_not_what_the_client_was_given_since(self, row):
        issued = issue_token([])
        issued.application.scopes = list(SCOPES)
        issued.application.save()

        assert_scope_refused(row, row.call(token=issued.raw))


class TestWithoutAValidToken:
    @each_row
    def test_nobody_is_let_through(self, row):
        response = row.call()

        assert problem_of(response)[:2] == (401, "unauthorized")
        assert response["WWW-Authenticate"] == 'Bearer realm="cs-integrations"'
        assert record_of(response).decision == "unauthenticated"

    @each_row
    def test_an_expired_token_is_refused(self, row):
        assert_token_refused(row.call(token=issue_token(SCOPES, expires_in=timedelta(0)).raw))

    @each_row
    def test_a_revoked_token_is_refused(self, row):
        issued = issue_token(SCOPES)
        issued.row.revoke()

        assert_token_refused(row.call(token=issued.raw))

    @each_row
    def test_a_token_of_an_inactive_client_is_refused(self, row):
        assert_token_refused(row.call(token=issue_token(SCOPES, is_active=False).raw))

    @each_row
    def test_a_token_of_a_deleted_client_is_refused(self, row):
        issued = issue_token(SCOPES)
        issued.application.delete()

        assert_token_refused(row.call(token=issued.raw))

    @each_row
    def test_garbage_is_refused(self, row):
        issued = issue_token(SCOPES)

        for garbage in GARBAGE:
            header = garbage.format(token=issued.raw, checksum=issued.row.token_checksum)
            assert_token_refused(row.call(Authorization=header))

    @each_row
    def test_a_token_in_the_query_is_no_token(self, row):
        joiner = "&" if "?" in row.path else "?"
        path = f"{row.path}{joiner}access_token={issue_token(SCOPES).raw}"

        response = Row(row.operation, row.method, path, row.scope, row.body).call()

        assert response.status_code == 401

    def test_a_signed_in_administrator_is_not_a_client(self, admin_user):
        browser = HubClient()
        browser.force_login(admin_user)

        answers = {row.operation: browser.generic(row.method, API + row.path) for row in TABLE}

        assert {answer.status_code for answer in answers.values()} == {401}


class TestAuditRecords:
    def test_a_client_reads_its_own_and_no_others(self, client_with):
        alice, bob = client_with("cs-finance.read"), client_with("cs-finance.read")
        request_id = alice.read("/finance/forecast/cust_1")["X-Request-ID"]

        assert alice.read(f"/audit/{request_id}").status_code == 200
        assert problem_of(bob.read(f"/audit/{request_id}"))[:2] == (404, "not-found")

    def test_another_clients_record_looks_like_none_at_all(self, client_with):
        alice, bob = client_with("cs-finance.read"), client_with()
        request_id = alice.read("/finance/forecast/cust_1")["X-Request-ID"]

        others = bob.read(f"/audit/{request_id}").json()
        nobodys = bob.read(f"/audit/{UNKNOWN_RECORD}").json()

        assert (others["detail"], others["title"]) == (nobodys["detail"], nobodys["title"])

    def test_the_scope_shows_all_of_them(self, client_with):
        request_id = client_with("cs-finance.read").read("/finance/forecast/cust_1")["X-Request-ID"]

        assert client_with("cs-audit.read").read(f"/audit/{request_id}").status_code == 200

    def test_no_other_scope_does(self, client_with):
        request_id = client_with("cs-finance.read").read("/finance/forecast/cust_1")["X-Request-ID"]
        others = [scope for scope in SCOPES if scope != "cs-audit.read"]

        assert client_with(*others).read(f"/audit/{request_id}").status_code == 404


class TestTheTable:
    def test_has_a_row_for_each_route_and_a_route_for_each_row(self):
        rows = {row.route for row in TABLE} | set(WITH_CREDENTIALS)

        assert rows == {call for call in routed_calls() if call[1].startswith(("v1/", "auth/"))}

    def test_has_a_row_for_each_documented_operation_with_its_scope(self):
        documented = {
            described["operationId"]: described.get("security")
            for item in document()["paths"].values()
            for described in item.values()
        }
        rows = {row.operation: [{"oauth2": [row.scope] if row.scope else []}] for row in TABLE}
        without_token = dict.fromkeys(WITH_CREDENTIALS.values())

        assert documented == rows | without_token

    def test_names_each_row_after_the_operation_that_it_calls(self, client_with):
        operations = {row.operation: operation_at(row) for row in TABLE}

        assert operations == {name: name for name in operations}

    def test_leaves_no_other_route_but_the_public_ones_and_the_admin(self):
        others = {
            route for _, route in routed_calls() if not route.startswith(("v1/", "auth/", "admin/"))
        }

        assert others == PUBLIC

    def test_knows_every_scope(self):
        # cs-audit.read opens no route of its own: it shows more of the same ones.
        assert {row.scope for row in SCOPED} | {"cs-audit.read"} == set(SCOPES)

    @pytest.mark.parametrize("route", [route for route in sorted(PUBLIC) if "<" not in route])
    def test_the_public_routes_need_no_token(self, client, route):
        assert client.get(f"/{route}").status_code == 200


class TestTheAdmin:
    def test_sends_a_stranger_to_the_login(self, client):
        assert client.get("/admin/")["Location"].startswith("/admin/login/")

    def test_is_closed_to_an_api_token(self, api):
        assert api.get("/admin/")["Location"].startswith("/admin/login/")


def assert_scope_refused(row: Row, response: Any) -> None:
    assert problem_of(response)[:2] == (403, "forbidden")
    assert response.json()["required_scope"] == row.scope
    assert row.scope in response.json()["detail"]
    assert record_of(response).decision == "scope_refused"


def assert_token_refused(response: Any) -> None:
    assert problem_of(response)[:2] == (401, "unauthorized")
    assert response["WWW-Authenticate"] == 'Bearer realm="cs-integrations", error="invalid_token"'


def routed_calls() -> Iterator[tuple[str, str]]:
    """Yield (method, route) of everything in the URL conf; "" where a view takes any method."""
    for route, callback in _callbacks(get_resolver(), ""):
        view_class = getattr(callback, "cls", getattr(callback, "view_class", None))
        named = getattr(callback, "actions", None) or [
            name for name in ("get", "post", "put", "patch", "delete") if hasattr(view_class, name)
        ]
        for method in set(named) - {"head"} or {""}:
            yield method.upper(), route


def operation_at(row: Row) -> str:
    """Return the operation id of the view method that answers the row's call."""
    callback = resolve(API + row.path.split("?")[0]).func
    handler = getattr(callback.cls, callback.actions[row.method.lower()])
    return str(getattr(handler, "hub_operation_id", ""))


def _callbacks(resolver: URLResolver, prefix: str) -> Iterator[tuple[str, Any]]:
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield route, entry.callback
        else:
            yield from _callbacks(entry, route)
