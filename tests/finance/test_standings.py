"""The contract standings that finance offers to the other domains."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cs_integrations import exchange
from cs_integrations.exchange import ContractStanding
from finance.models import Delivery
from tests.factories import NOON, TODAY, CustomerFactory
from tests.finance.factories import (
    CommitmentFactory,
    ContractFactory,
    DeliveryFactory,
    PaymentFactory,
)

pytestmark = pytest.mark.django_db

D = Decimal


@pytest.fixture
def contract():
    """312,000 of 312,000 delivered for 96,000 of fees."""
    contract = ContractFactory(public_id="ctr_123")
    DeliveryFactory(
        commitment__contract=contract, commitment__committed_value=312_000, value=312_000
    )
    PaymentFactory(customer=contract.customer, amount=96_000)
    return contract


def standings(*customers, at=NOON):
    return exchange.contract_standings.call(
        customer_ids=[customer.pk for customer in customers], at=at
    )


def standing(customer, at=NOON):
    return standings(customer, at=at)[customer.pk]


def test_it_says_where_a_customer_stands(contract):
    assert standings(contract.customer) == {
        contract.customer_id: ContractStanding(
            contract_id="ctr_123",
            annual_value=D(120_000),
            renewal_date=TODAY + timedelta(days=365),
            delivery_pct=D(100),
            realized_value=D(312_000),
            fees_paid=D(96_000),
            has_payment_trouble=False,
        )
    }


def test_a_new_contract_stands_with_nothing_yet():
    contract = ContractFactory()

    found = standing(contract.customer)

    assert found.delivery_pct is None
    assert (found.realized_value, found.fees_paid, found.has_payment_trouble) == (0, 0, False)


@pytest.mark.parametrize("trait", ["ended", "future", "terminated"])
def test_without_a_running_contract_there_is_no_standing(trait):
    contract = ContractFactory(**{trait: True})

    assert standings(contract.customer) == {}


def test_the_first_and_the_last_day_of_a_contract_count(contract):
    first = NOON.replace(year=2025, month=6, day=1)
    last = NOON + timedelta(days=365)

    assert standing(contract.customer, at=first)
    assert standing(contract.customer, at=last)
    assert standings(contract.customer, at=first - timedelta(days=1)) == {}
    assert standings(contract.customer, at=last + timedelta(days=1)) == {}


def test_of_several_contracts_the_last_to_start_is_the_current_one(contract):
    newer = ContractFactory(customer=contract.customer, start_date=TODAY)
    ContractFactory(customer=contract.customer, superseded=True, superseded_by=newer)

    assert standing(contract.customer).contract_id == newer.public_id


def test_value_and_fees_are_those_of_all_contracts(contract):
    earlier = ContractFactory(customer=contract.customer, ended=True)
    DeliveryFactory(commitment__contract=earlier, value=88_000)
    DeliveryFactory(commitment=CommitmentFactory(), value=1)  # another customer's
    PaymentFactory(customer=contract.customer, amount=4_000, due_date=TODAY - timedelta(days=400))

    found = standing(contract.customer)

    assert (found.realized_value, found.fees_paid) == (400_000, 100_000)
    assert found.delivery_pct == 100


def test_what_lies_in_the_future_does_not_count_yet(contract):
    Delivery.objects.update(delivered_date=TODAY + timedelta(days=1))
    PaymentFactory(
        customer=contract.customer,
        due_date=TODAY + timedelta(days=2),
        paid_date=TODAY + timedelta(days=1),
    )

    found = standing(contract.customer)

    assert (found.delivery_pct, found.realized_value, found.fees_paid) == (0, 0, 96_000)


@pytest.mark.parametrize(
    ("payment", "has_trouble"),
    [
        pytest.param({"due": 50, "paid": 49}, True, id="paid a day late"),
        pytest.param({"due": 50, "paid": 50}, False, id="paid on the day"),
        pytest.param({"due": 1}, True, id="overdue since yesterday"),
        pytest.param({"due": 0}, False, id="due today"),
        pytest.param({"due": 300}, True, id="unpaid for long"),
        pytest.param({"due": 200, "paid": 91}, False, id="late long ago"),
        pytest.param({"due": 200, "paid": 90}, True, id="paid late in the window"),
        pytest.param({"due": 50, "paid": 50, "disputed": 40}, True, id="disputed"),
        pytest.param(
            {"due": 200, "paid": 200, "disputed": 190, "settled": 91}, False, id="settled long ago"
        ),
    ],
)
def test_payment_trouble_is_that_of_the_last_90_days(contract, payment, has_trouble):
    days = {f"{name}_date": TODAY - timedelta(days=days_ago) for name, days_ago in payment.items()}
    PaymentFactory(customer=contract.customer, **({"paid_date": None} | days))

    assert standing(contract.customer).has_payment_trouble is has_trouble


def test_trouble_of_one_customer_is_not_anothers(contract):
    PaymentFactory(due_date=TODAY - timedelta(days=5), paid_date=None)

    assert standing(contract.customer).has_payment_trouble is False


def test_a_hundred_customers_cost_as_many_queries_as_one():
    customers = [ContractFactory().customer for _ in range(4)]
    idle = CustomerFactory()

    with CaptureQueriesContext(connection) as one:
        standings(customers[0])
    with CaptureQueriesContext(connection) as many:
        found = standings(*customers, idle)

    assert len(many) == len(one)
    assert found.keys() == {customer.pk for customer in customers}
