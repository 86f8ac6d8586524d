"""Campaigns and what hangs on them. Each factory is valid with no arguments."""

from datetime import timedelta
from decimal import Decimal

import factory
from factory.django import DjangoModelFactory

from cs_integrations.customers.health import zone
from marketing.models import (
    Campaign,
    CampaignEnrollment,
    EngagementEvent,
    ExpansionLead,
    Message,
    RevenueEvent,
    Touchpoint,
    TriggerEvent,
)
from marketing.rules import (
    RULE_VERSION,
    CampaignKind,
    EngagementKind,
    HealthSignal,
    RevenueKind,
    SequenceCode,
    request_fingerprint,
)
from tests.factories import NOON, CustomerFactory, StakeholderFactory

STARTED_AT = NOON - timedelta(days=60)


class CampaignFactory(DjangoModelFactory[Campaign]):
    class Meta:
        model = Campaign

    class Params:
        completed = factory.Trait(
            status=Campaign.Status.COMPLETED, ended_at=STARTED_AT + timedelta(days=30)
        )

    public_id = factory.Sequence(lambda number: f"camp_{9000 + number}")
    kind = CampaignKind.LIFECYCLE.value
    started_at = STARTED_AT


class CampaignEnrollmentFactory(DjangoModelFactory[CampaignEnrollment]):
    """A running enrollment; with ``finished`` it is ended and measured."""

    class Meta:
        model = CampaignEnrollment

    class Params:
        finished = factory.Trait(
            ended_at=factory.LazyAttribute(lambda row: row.started_at + timedelta(days=30)),
            health_after=Decimal(80),
        )

    campaign = factory.SubFactory(CampaignFactory)
    customer = factory.SubFactory(CustomerFactory)
    sequence = SequenceCode.ONBOARDING_NURTURE.value
    health_at_start = Decimal(70)
    zone_at_start = factory.LazyAttribute(lambda row: zone(row.health_at_start).value)
    started_at = factory.SelfAttribute("campaign.started_at")


class EngagementEventFactory(DjangoModelFactory[EngagementEvent]):
    class Meta:
        model = EngagementEvent

    enrollment = factory.SubFactory(CampaignEnrollmentFactory)
    kind = EngagementKind.OPEN.value
    occurred_at = factory.LazyAttribute(lambda row: row.enrollment.started_at + timedelta(days=1))


class MessageFactory(DjangoModelFactory[Message]):
    class Meta:
        model = Message

    enrollment = factory.SubFactory(CampaignEnrollmentFactory)
    stakeholder = factory.SubFactory(
        StakeholderFactory, customer=factory.SelfAttribute("..enrollment.customer")
    )
    step = factory.Sequence(lambda number: number + 1)
    sent_at = NOON - timedelta(days=1)


class TouchpointFactory(DjangoModelFactory[Touchpoint]):
    class Meta:
        model = Touchpoint

    customer = factory.SubFactory(CustomerFactory)
    owner = Touchpoint.Owner.MARKETING
    channel = Touchpoint.Channel.MAIL
    occurred_at = NOON - timedelta(days=40)


class RevenueEventFactory(DjangoModelFactory[RevenueEvent]):
    class Meta:
        model = RevenueEvent

    customer = factory.SubFactory(CustomerFactory)
    kind = RevenueKind.EXPANSION.value
    amount = Decimal(1_000)
    closed_at = NOON - timedelta(days=30)


class TriggerEventFactory(DjangoModelFactory[TriggerEvent]):
    class Meta:
        model = TriggerEvent

    customer = factory.SubFactory(CustomerFactory)
    received_at = NOON
    health_score = Decimal(75)
    fingerprint = factory.LazyAttribute(
        lambda row: request_fingerprint(signal=HealthSignal(health_score=row.health_score))
    )
    rule_version = RULE_VERSION
    effective_category = "monitor"


class ExpansionLeadFactory(DjangoModelFactory[ExpansionLead]):
    class Meta:
        model = ExpansionLead

    trigger = factory.SubFactory(TriggerEventFactory)
    customer = factory.SelfAttribute("trigger.customer")
    score_label = "CS-qualified"
    lifecycle = "Expansion"
    readiness = Decimal(92)
    opened_at = NOON
