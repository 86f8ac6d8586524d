from decimal import Decimal

import pytest
import time_machine

from tests.factories import (
    NOON,
    CustomerFactory,
    HealthSnapshotFactory,
    MilestoneFactory,
    StakeholderFactory,
)
from tests.marketing.triggers import PHASES, SPECIFIED


@pytest.fixture
def noon():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def catalogue(db):
    for code, phase in PHASES.items():
        MilestoneFactory(code=code, phase=phase)


@pytest.fixture
def harbor(noon, catalogue):
    """A customer with one willing marketing contact and a computed health of 76."""
    customer = CustomerFactory(public_id="cust_9", name="Harbor")
    StakeholderFactory(customer=customer)
    HealthSnapshotFactory(customer=customer, score=Decimal(76))
    return customer


@pytest.fixture
def tell(api, harbor):
    """Send a trigger for the customer; return the answer with its reasons."""

    def send(path="/marketing/triggers/cust_9", **body):
        return api.send(f"{path}?explain=true", body or SPECIFIED)

    return send
