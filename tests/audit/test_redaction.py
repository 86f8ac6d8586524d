"""What a record may say of a request's path, query, method and headers."""

import pytest
from django.http import QueryDict
from django.urls import resolve

from audit import redaction
from tests.clients import API

REQUEST_ID = "019a8d2e-7c00-7000-8000-000000000000"


def recorded_path(path):
    return redaction.recorded_path(path, resolve(path))


def recorded_query(query, *, path=f"{API}/operations/capacity/forecast", declared=("period",)):
    return redaction.recorded_query(QueryDict(query), path=path, declared=declared)


class TestAPath:
    @pytest.mark.parametrize(
        "path",
        [
            "/",
            f"{API}/finance/forecast/cust_123",
            f"{API}/operations/execute/wf_1/cust_123",
            f"{API}/product/feedback/status/PROD-1234",
            f"{API}/audit/{REQUEST_ID}",
            "/errors/rate-limit",
            "/admin/sales/",
            "/admin/sales/deal/17/change/",
            f"/admin/audit/auditrecord/{REQUEST_ID}/change/",
            "/openapi/cs-cross-domain-v1.json",
            "/.well-known/oauth-authorization-server",
        ],
    )
    def test_of_known_words_and_ids_is_recorded_as_it_came(self, path):
        assert recorded_path(path) == path

    @pytest.mark.parametrize(
        ("path", "recorded"),
        [
            (f"{API}/finance/forecast/hunter2", f"{API}/finance/forecast/(unknown)"),
            (f"{API}/finance/forecast/hunter_2", f"{API}/finance/forecast/(unknown)"),
            (f"{API}/finance/forecast/4929123412341234", f"{API}/finance/forecast/(unknown)"),
            ("/errors/hunter2", "/errors/(unknown)"),
            ("/admin/hunter2/", "/admin/(unknown)/"),
            ("/admin/4929123412341234/", "/admin/(unknown)/"),
            ("/admin/sales/deal/hunter2/change/", "/admin/sales/deal/(unknown)/change/"),
        ],
    )
    def test_masks_what_is_neither(self, path, recorded):
        assert recorded_path(path) == recorded

    @pytest.mark.parametrize(
        ("path", "recorded"),
        [
            ("/hunter2", "/(unknown)"),
            (f"{API}/finance/forcast/cust_123", f"{API}/finance/(unknown)/cust_123"),
            ("/\x00/caf\u00e9//x", "/(unknown)/(unknown)//(unknown)"),
        ],
    )
    def test_that_leads_nowhere_is_masked_alike(self, path, recorded):
        assert redaction.recorded_path(path, None) == recorded


class TestAQuery:
    @pytest.mark.parametrize(
        "query",
        [
            "period=next_90d",
            "period=",
            "period=true",
            "period=17",
            "period=cust_123",
            "period=4xx",
            "period=finance",
            "period=rate-limit",
            "period=operations_capacity",
            "period=2026-11-23",
            "period=2026-11-23T21%3A30%3A00Z",
            "period=next_90d&period=next_30d",
        ],
    )
    def test_of_codes_ids_numbers_and_times_is_recorded_as_it_came(self, query):
        assert recorded_query(query) == query

    def test_masks_other_values_and_undeclared_names(self):
        assert recorded_query("period=hunter2&hunter2=next_90d") == "period=(unknown)&(undeclared)"

    def test_of_a_search_in_the_admin_shows_ids_only(self):
        admin = {"path": "/admin/sales/deal/", "declared": ()}

        assert recorded_query("q=deal_123&p=2", **admin) == "q=deal_123&p=2"
        assert recorded_query("q=Jane+Doe&e=1", **admin) == "q=(unknown)&(undeclared)"


@pytest.mark.parametrize(("method", "recorded"), [("GET", "GET"), ("HUNTER2", "(unknown)")])
def test_a_method_is_one_of_http(method, recorded):
    assert redaction.recorded_method(method) == recorded


@pytest.mark.parametrize(
    ("address", "recorded"),
    [("192.0.2.7", "192.0.2.7"), ("2001:DB8::7", "2001:db8::7"), ("hunter2", ""), ("", "")],
)
def test_an_address_is_one(address, recorded):
    assert redaction.recorded_address(address) == recorded


@pytest.mark.parametrize(("given", "recorded"), [("00-aa-bb-01", "00-aa-bb-01"), ("hunter2", "")])
def test_a_trace_is_hexadecimal(given, recorded):
    assert redaction.recorded_trace(given) == recorded


@pytest.mark.parametrize(
    "text",
    ["hunter2", "hunter_2", "cust_", "cust_1 ", "cust_\u0661", "cust_" + "1" * 99, "PROD-x", ""],
)
def test_what_is_no_id_of_ours_is_not_listed_among_the_objects(text):
    named = {"customer_id": text, "deal_id": "deal_1", "plan": "deal_1"}

    assert redaction.recorded_ids(named) == ["deal_1"]
    assert redaction.recorded_id(named, "customer_id") == ""
