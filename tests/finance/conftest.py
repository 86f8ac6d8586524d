from datetime import date, timedelta

import pytest

from tests.factories import (
    NOON,
    TODAY,
    CustomerFactory,
    HealthSnapshotFactory,
    PlanFactory,
    StakeholderFactory,
    SubscriptionFactory,
    UsageMonthlyFactory,
)
from tests.finance.factories import ContractFactory, DeliveryFactory
from tests.finance.submissions import BODY, PATH


@pytest.fixture(autouse=True)
def _noon(time_machine):
    """All facts of these tests are told as of one day."""
    time_machine.move_to(NOON, tick=False)


# --- a customer whose renewal is forecast


@pytest.fixture
def customer():
    """Steady health of 88; readiness 25 + 22 + 25 + 12.75 + 7 = 91.75 points, so 92."""
    customer = CustomerFactory(public_id="cust_123")
    contract = ContractFactory(customer=customer, end_date=TODAY + timedelta(days=165))
    DeliveryFactory(commitment__contract=contract)
    for days_ago in (0, 90):
        HealthSnapshotFactory(customer=customer, measured_date=TODAY - timedelta(days=days_ago))
    SubscriptionFactory(customer=customer, plan=PlanFactory(mails_per_month=None), seats=15)
    for month in (date(2026, 4, 1), date(2026, 5, 1)):
        UsageMonthlyFactory(customer=customer, month=month, used=14)
    StakeholderFactory(customer=customer, sponsor=True)
    return customer


@pytest.fixture
def send(api):
    return lambda sent=BODY, **headers: api.send(PATH, sent, **headers)


@pytest.fixture
def submit(api):
    """Submit a body and return the answer's members."""

    def submit(sent=BODY, path=PATH):
        answer = api.send(path, sent)
        assert answer.status_code == 201, answer.content
        return answer.json()

    return submit


@pytest.fixture
def explained(submit):
    return lambda sent=BODY: submit(sent, f"{PATH}?explain=true")["explanation"]
