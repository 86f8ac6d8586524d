"""Customers and what every domain knows of them. Each factory is valid with no arguments."""

from datetime import UTC, date, datetime
from decimal import Decimal

import factory
from factory.django import DjangoModelFactory

from cs_integrations.customers.models import (
    ContactConsent,
    Customer,
    CustomerMilestone,
    HealthSnapshot,
    Milestone,
    Plan,
    Segment,
    Stakeholder,
    Subscription,
    UsageMonthly,
)

TODAY = date(2026, 6, 15)
NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)


class CustomerFactory(DjangoModelFactory[Customer]):
    class Meta:
        model = Customer

    class Params:
        churned = factory.Trait(status=Customer.Status.CHURNED, churned_date=date(2026, 5, 10))
        deleted = factory.Trait(status=Customer.Status.DELETED)

    public_id = factory.Sequence(lambda number: f"cust_{9000 + number}")
    name = factory.Sequence(lambda number: f"Harbor {number}")
    segment = Segment.MID_MARKET
    industry = "saas"
    started_date = date(2025, 1, 15)


class HealthSnapshotFactory(DjangoModelFactory[HealthSnapshot]):
    class Meta:
        model = HealthSnapshot

    customer = factory.SubFactory(CustomerFactory)
    measured_date = TODAY
    score = Decimal(88)
    usage = factory.SelfAttribute("score")
    engagement = factory.SelfAttribute("score")
    business = factory.SelfAttribute("score")
    relationship = factory.SelfAttribute("score")
    recorded_at = NOON


class PlanFactory(DjangoModelFactory[Plan]):
    class Meta:
        model = Plan
        django_get_or_create = ("code",)

    code = "business"
    name = factory.LazyAttribute(lambda plan: plan.code.title())
    rank = factory.Sequence(lambda number: number + 10)
    monthly_price = Decimal(399)
    mails_per_month = 200_000
    seats = 15
    workspaces = None
    seat_price = Decimal(15)
    workspace_price = Decimal(20)


class SubscriptionFactory(DjangoModelFactory[Subscription]):
    class Meta:
        model = Subscription

    customer = factory.SubFactory(CustomerFactory)
    plan = factory.SubFactory(PlanFactory)
    seats = 15
    eligible_users = 15
    monthly_price = Decimal(399)
    started_date = date(2025, 1, 15)


class StakeholderFactory(DjangoModelFactory[Stakeholder]):
    class Meta:
        model = Stakeholder

    class Params:
        sponsor = factory.Trait(is_sponsor=True, level=Stakeholder.Level.C_LEVEL, nps=8)

    customer = factory.SubFactory(CustomerFactory)
    name = "Alice Moreau"
    role = "Head of Outreach"
    level = Stakeholder.Level.MANAGER
    is_marketing_contact = True


class ContactConsentFactory(DjangoModelFactory[ContactConsent]):
    class Meta:
        model = ContactConsent

    stakeholder = factory.SubFactory(StakeholderFactory)


class UsageMonthlyFactory(DjangoModelFactory[UsageMonthly]):
    class Meta:
        model = UsageMonthly

    customer = factory.SubFactory(CustomerFactory)
    month = date(2026, 5, 1)
    metric = UsageMonthly.Metric.SEATS
    used = 10
    limit = 15


class MilestoneFactory(DjangoModelFactory[Milestone]):
    class Meta:
        model = Milestone
        django_get_or_create = ("code",)

    code = "adoption_complete"
    phase = Milestone.Phase.ADOPTION


class CustomerMilestoneFactory(DjangoModelFactory[CustomerMilestone]):
    class Meta:
        model = CustomerMilestone

    customer = factory.SubFactory(CustomerFactory)
    milestone = factory.SubFactory(MilestoneFactory)
    achieved_date = date(2026, 3, 1)
