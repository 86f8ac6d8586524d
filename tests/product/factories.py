"""Features, their use and what customers say. Each factory is valid with no arguments."""

from datetime import date, timedelta
from decimal import Decimal

import factory
from factory.django import DjangoModelFactory

from product.models import (
    Feature,
    FeatureEntitlement,
    FeatureRating,
    FeatureUsageDaily,
    Feedback,
    Priority,
    ProductTicket,
    RoadmapItem,
    TrainingRecord,
)
from product.rules import RoadmapBasis
from tests.factories import NOON, TODAY, CustomerFactory


class FeatureFactory(DjangoModelFactory[Feature]):
    class Meta:
        model = Feature

    class Params:
        retired = factory.Trait(retired_date=date(2026, 6, 1))

    public_id = factory.Sequence(lambda number: f"feat_{9000 + number}")
    slug = factory.Sequence(lambda number: f"inbox_rotation_{number}")
    name = "Inbox rotation"
    kind = Feature.Kind.CORE
    released_date = date(2024, 1, 15)


class FeatureEntitlementFactory(DjangoModelFactory[FeatureEntitlement]):
    class Meta:
        model = FeatureEntitlement

    customer = factory.SubFactory(CustomerFactory)
    feature = factory.SubFactory(FeatureFactory)
    enabled_date = TODAY - timedelta(days=200)


class FeatureUsageDailyFactory(DjangoModelFactory[FeatureUsageDaily]):
    class Meta:
        model = FeatureUsageDaily

    customer = factory.SubFactory(CustomerFactory)
    feature = factory.SubFactory(FeatureFactory)
    used_date = TODAY - timedelta(days=1)
    uses = 40
    users = 6
    errors = 1
    successes = 38


class TrainingRecordFactory(DjangoModelFactory[TrainingRecord]):
    class Meta:
        model = TrainingRecord

    customer = factory.SubFactory(CustomerFactory)
    feature = factory.SubFactory(FeatureFactory)
    completed_pct = Decimal(90)
    recorded_at = NOON - timedelta(days=30)


class FeatureRatingFactory(DjangoModelFactory[FeatureRating]):
    class Meta:
        model = FeatureRating

    customer = factory.SubFactory(CustomerFactory)
    feature = factory.SubFactory(FeatureFactory)
    rating = Decimal("4.5")
    rated_at = NOON - timedelta(days=30)


class RoadmapItemFactory(DjangoModelFactory[RoadmapItem]):
    class Meta:
        model = RoadmapItem

    feature = factory.SubFactory(FeatureFactory)
    title = "Faster rotation"
    year = 2026
    quarter = 4


class ProductTicketFactory(DjangoModelFactory[ProductTicket]):
    """An open P1 ticket without its feedback."""

    class Meta:
        model = ProductTicket

    class Params:
        delivered = factory.Trait(status=ProductTicket.Status.DELIVERED, closed_at=NOON)

    customer = factory.SubFactory(CustomerFactory)
    feature = factory.SubFactory(FeatureFactory)
    priority = Priority.P1
    priority_score = Decimal(74)
    target_date = date(2026, 9, 30)
    opened_at = NOON - timedelta(days=10)
    changed_at = factory.SelfAttribute("opened_at")


class FeedbackFactory(DjangoModelFactory[Feedback]):
    """The specification's example as it was stored ten days ago, with its ticket."""

    class Meta:
        model = Feedback

    customer = factory.SubFactory(CustomerFactory)
    feature = factory.SubFactory(FeatureFactory)
    ticket = factory.SubFactory(
        ProductTicketFactory,
        customer=factory.SelfAttribute("..customer"),
        feature=factory.SelfAttribute("..feature"),
    )
    impact_score = 9
    evidence = "usage_screenshot_url"
    segment = factory.SelfAttribute("customer.segment")
    reporters = 1
    health_score = Decimal(72)
    impact_points = Decimal(90)
    tier_points = Decimal(100)
    prevalence_points = Decimal(20)
    risk_points = Decimal(70)
    priority_score = Decimal(74)
    answered_priority = factory.SelfAttribute("ticket.priority")
    answered_score = factory.SelfAttribute("ticket.priority_score")
    answered_position = "Q3_target"
    answered_basis = RoadmapBasis.PRIORITY.value
    submitted_at = NOON - timedelta(days=10)
