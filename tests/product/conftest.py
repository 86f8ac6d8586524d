from decimal import Decimal

import pytest

from cs_integrations.customers.models import Segment
from tests.factories import NOON, CustomerFactory, HealthSnapshotFactory
from tests.product.factories import FeatureFactory


@pytest.fixture(autouse=True)
def _noon(time_machine):
    """All facts of these tests are told as of one day."""
    time_machine.move_to(NOON, tick=False)


@pytest.fixture
def customer():
    """The example's customer: a yellow enterprise account."""
    customer = CustomerFactory(public_id="cust_789", segment=Segment.ENTERPRISE)
    HealthSnapshotFactory(customer=customer, score=Decimal("71.5"))
    return customer


@pytest.fixture
def feature():
    return FeatureFactory(public_id="feat_101", slug="email_warmup")


@pytest.fixture
def reported(customer, feature):
    """The example's objects, ready to be reported on."""
    return customer, feature
