"""Forecasts that are refused; nothing of them is stored."""

import pytest

from cs_integrations.customers.models import Customer
from finance.models import ForecastAdjustment
from tests.clients import problem_of
from tests.factories import CustomerFactory
from tests.finance.factories import ContractFactory
from tests.finance.submissions import BODY, PATH, body

pytestmark = pytest.mark.django_db


def test_without_a_forecast_there_is_nothing_to_read(api, customer):
    answer = api.read(PATH)

    assert problem_of(answer) == (404, "not-found", [])
    assert answer.json()["detail"] == "There is no forecast for this customer."


@pytest.mark.parametrize("customer_id", ["cust_404", "cust_", "ctr_123", "cust_%00", "cust_1-2"])
@pytest.mark.parametrize("method", ["read", "send"])
def test_an_unknown_customer_is_not_found(api, customer, method, customer_id):
    sent = () if method == "read" else (BODY,)

    answer = getattr(api, method)(f"/finance/forecast/{customer_id}", *sent)

    assert problem_of(answer) == (404, "not-found", [])
    assert answer.json()["detail"] == "There is no customer with this id."


def test_a_deleted_customer_is_not_found(send, customer):
    Customer.objects.update(status=Customer.Status.DELETED)

    assert send().status_code == 404
    assert not ForecastAdjustment.objects.exists()


@pytest.mark.parametrize("trait", ["ended", "future", "superseded", "terminated", None])
def test_without_a_running_contract_there_is_nothing_to_renew(send, trait):
    customer = CustomerFactory(public_id="cust_123")
    if trait == "superseded":
        successor = ContractFactory(customer=customer, ended=True)
        ContractFactory(customer=customer, superseded=True, superseded_by=successor)
    elif trait:
        ContractFactory(customer=customer, **{trait: True})

    answer = send()

    assert problem_of(answer) == (409, "conflict", [])
    assert "nothing to renew" in answer.json()["detail"]
    assert not ForecastAdjustment.objects.exists()


@pytest.mark.parametrize(
    ("changes", "pointer", "rule"),
    [
        ({"renewal_probability": None}, "/renewal_probability", "required"),
        ({"renewal_probability": 1.01}, "/renewal_probability", "range"),
        ({"renewal_probability": -0.01}, "/renewal_probability", "range"),
        ({"renewal_probability": "0.94"}, "/renewal_probability", "not_a_number"),
        ({"renewal_probability": True}, "/renewal_probability", "not_a_number"),
        ({"confidence_interval": None}, "/confidence_interval", "required"),
        ({"confidence_interval": 0.9}, "/confidence_interval", "not_a_list"),
        ({"confidence_interval": [0.88]}, "/confidence_interval", "min_length"),
        ({"confidence_interval": [0.8, 0.9, 0.97]}, "/confidence_interval", "max_length"),
        ({"confidence_interval": [0.88, 1.2]}, "/confidence_interval/1", "range"),
        ({"confidence_interval": [0.97, 0.88]}, "/confidence_interval", "ordered"),
        ({"confidence_interval": [0.95, 0.97]}, "/confidence_interval", "ordered"),
        ({"confidence_interval": [0.80, 0.90]}, "/confidence_interval", "ordered"),
        ({"scenarios": {"expansion": "75k"}}, "/scenarios/expansion", "money"),
        ({"scenarios": {"expansion": 75_000}}, "/scenarios/expansion", "not_text"),
        ({"scenarios": {"expansion": "$1001m"}}, "/scenarios/expansion", "range"),
        ({"scenarios": {"windfall": "$75k"}}, "/scenarios/windfall", "unknown_member"),
        ({"evidence": 1}, "/evidence", "not_text"),
        ({"evidence": "x" * 501}, "/evidence", "max_length"),
        ({"period": "x" * 41}, "/period", "max_length"),
        ({"forecast": 1}, "/forecast", "unknown_member"),
    ],
)
def test_a_broken_rule_is_named_and_nothing_is_stored(send, customer, changes, pointer, rule):
    answer = send(body(**changes))

    assert problem_of(answer) == (400, "validation-error", [(pointer, rule)])
    assert not ForecastAdjustment.objects.exists()


def test_each_broken_rule_is_named(send, customer):
    status, _, errors = problem_of(send({"confidence_interval": [2, 3], "evidence": None}))

    assert status == 400
    assert {pointer for pointer, _ in errors} == {
        "/renewal_probability",
        "/confidence_interval/0",
        "/confidence_interval/1",
        "/evidence",
    }


def test_a_refused_forecast_leaves_the_current_one_in_force(api, submit, send, customer):
    current = submit()

    assert send(body(confidence_interval=[0.95, 0.97])).status_code == 400

    assert api.read(PATH).json() == current
