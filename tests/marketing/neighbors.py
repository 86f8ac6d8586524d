"""What the other domains know of a customer, as rows of their own tables."""

from datetime import date, timedelta

from cs_integrations.customers.models import Customer
from operations.models import Escalation
from tests.factories import TODAY, StakeholderFactory, SubscriptionFactory, UsageMonthlyFactory
from tests.finance.factories import CommitmentFactory, ContractFactory, DeliveryFactory
from tests.operations.factories import EscalationFactory
from tests.product.factories import (
    FeatureEntitlementFactory,
    FeatureFactory,
    FeatureUsageDailyFactory,
)


def make_ready(customer: Customer) -> None:
    """Give a customer all that expansion readiness wants; with a health of 76 that is 92 points."""
    contract = ContractFactory(
        customer=customer,
        start_date=TODAY - timedelta(days=255),
        end_date=TODAY + timedelta(days=110),
    )
    DeliveryFactory(
        commitment=CommitmentFactory(contract=contract, due_date=TODAY - timedelta(days=60)),
        delivered_date=TODAY - timedelta(days=70),
    )
    SubscriptionFactory(customer=customer, plan__seats=None, plan__mails_per_month=None, seats=100)
    for month in (date(2026, 4, 1), date(2026, 5, 1)):
        UsageMonthlyFactory(customer=customer, month=month, used=92, limit=None)
    StakeholderFactory(customer=customer, sponsor=True, is_marketing_contact=False)


def neglect_feature(customer: Customer, slug: str) -> None:
    """Let one user of fifteen use a core feature that the customer owns."""
    SubscriptionFactory(customer=customer)
    feature = FeatureFactory(slug=slug)
    FeatureEntitlementFactory(customer=customer, feature=feature)
    FeatureUsageDailyFactory(customer=customer, feature=feature, users=1)


def escalate(customer: Customer, *, tier: int) -> Escalation:
    """Open an escalation of a tier."""
    escalation: Escalation = EscalationFactory(execution__customer=customer, execution__tier=tier)
    return escalation
