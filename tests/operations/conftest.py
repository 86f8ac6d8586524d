from decimal import Decimal

import pytest

from cs_integrations.customers.models import Segment
from tests.factories import NOON, CustomerFactory, HealthSnapshotFactory
from tests.operations.factories import CsmFactory


@pytest.fixture(autouse=True)
def _noon(time_machine):
    """All facts of these tests are told as of one day, a Monday."""
    time_machine.move_to(NOON, tick=False)


@pytest.fixture
def customer():
    """An enterprise account in the yellow zone, as the specification's example."""
    customer = CustomerFactory(public_id="cust_123", segment=Segment.ENTERPRISE)
    HealthSnapshotFactory(customer=customer, score=Decimal(76))
    return customer


@pytest.fixture
def senior():
    return CsmFactory(code="csm_senior", seniority="senior")
