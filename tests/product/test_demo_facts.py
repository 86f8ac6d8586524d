"""What the demo portfolio shows beside the specification's examples."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.db import transaction

from cs_integrations import exchange
from cs_integrations.customers.demo import build_portfolio
from cs_integrations.customers.models import Customer
from product import demo
from product.models import (
    FeatureEntitlement,
    FeatureRating,
    FeatureUsageDaily,
    Feedback,
    ProductTicket,
    TrainingRecord,
)

pytestmark = pytest.mark.django_db

SEEDED = date(2026, 11, 23)
NOON = datetime.combine(SEEDED, time(12), UTC)


@pytest.fixture(scope="module", autouse=True)
def _portfolio(django_db_setup, django_db_blocker):
    """Make the facts once: these tests only look at them."""
    with django_db_blocker.unblock(), transaction.atomic():
        demo.build(portfolio=build_portfolio(as_of=SEEDED, random_seed=1, days=180))
        yield
        transaction.set_rollback(True)


@pytest.fixture
def later(time_machine):
    """Return a way to let days pass after the seeding."""
    time_machine.move_to(NOON, tick=False)
    return lambda days: time_machine.move_to(NOON + timedelta(days=days), tick=False)


@pytest.fixture
def read(later, client_with):
    """Return a call with a token of the day."""
    return lambda path: client_with("cs-product.read").read(path).json()


@pytest.mark.parametrize("days_later", [0, 14])
def test_30_of_44_settled_accounts_have_adopted_the_warm_up(read, later, days_later):
    later(days_later)

    steps = read("/product/adoption/feat_101?explain=true")["explanation"]["steps"]

    assert (steps["eligible"], steps["adopted"]) == (44, 30)
    friction = steps["tests"][0]
    assert (friction["barrier"], friction["sample_size"]) == ("onboarding_friction", 11)
    assert friction["value"] == pytest.approx(400 / 11)


def test_the_examples_feedback_is_the_first_of_its_feature(read):
    assert not Feedback.objects.filter(feature__public_id="feat_101").exists()


@pytest.mark.parametrize(
    ("feature_id", "barriers"),
    [
        pytest.param("feat_112", ["usage_dropoff"], id="A/B tests"),
        pytest.param("feat_114", ["low_value_perceived"], id="lead scoring"),
        pytest.param("feat_116", ["technical_issues"], id="CRM integration"),
        pytest.param("feat_117", ["technical_issues"], id="API access, 12% errors"),
        pytest.param("feat_118", ["low_awareness"], id="webhooks"),
        pytest.param("feat_119", ["training_gap"], id="workflow automation"),
    ],
)
def test_every_barrier_has_a_feature(read, feature_id, barriers):
    assert read(f"/product/adoption/{feature_id}")["barriers"] == barriers


def test_a_little_used_feature_asks_for_a_campaign_and_feedback(read):
    answer = read("/product/adoption/feat_112")

    assert answer["adoption_rate"] == "26%"
    assert answer["recommendations"][-2:] == ["adoption_campaign", "feedback_request"]


@pytest.mark.parametrize("days_later", [0, 14])
def test_the_example_customer_uses_its_core_features_well(days_later):
    customers = dict(Customer.objects.values_list("public_id", "pk"))

    weak = exchange.weak_core_features.call(
        customer_ids=customers.values(), at=NOON + timedelta(days=days_later)
    )

    assert weak[customers["cust_123"]] == ()
    assert 5 < sum(bool(slugs) for slugs in weak.values()) < 25


def test_feature_x_is_sold_to_one_customer():
    owners = FeatureEntitlement.objects.filter(feature__slug="feature_x")

    assert [owner.customer.public_id for owner in owners] == ["cust_102"]


def test_tickets_come_from_the_rules(read):
    for ticket in ProductTicket.objects.all():
        status = read(f"/product/feedback/status/{ticket.public_id}")
        assert status["feedback_count"] == ticket.feedback.count() > 0
        assert status["priority"] == ticket.priority
    # Four customers reported the same feature: it outranks what one says of another.
    api_tickets = ProductTicket.objects.filter(feature__slug="api_access")
    assert {ticket.priority for ticket in api_tickets} == {"P1"}
    assert Feedback.objects.filter(ticket__in=api_tickets).latest("pk").reporters == 4


def test_no_fact_lies_after_the_seeding_day():
    day = datetime.combine(SEEDED, time(), UTC)

    assert FeatureUsageDaily.objects.latest("used_date").used_date == SEEDED - timedelta(days=1)
    assert not TrainingRecord.objects.filter(recorded_at__gt=day).exists()
    assert not FeatureRating.objects.filter(rated_at__gt=day).exists()
    assert not Feedback.objects.filter(submitted_at__gt=day).exists()
    assert not ProductTicket.objects.filter(changed_at__gt=day).exists()
    # But one that is agreed for tomorrow: the newest account's warm-up.
    (coming,) = FeatureEntitlement.objects.filter(enabled_date__gt=SEEDED)
    assert (coming.feature.public_id, coming.enabled_date.day) == ("feat_101", 24)


def test_90_days_of_use_are_known():
    days = FeatureUsageDaily.objects.exclude(feature__slug="feature_x").dates("used_date", "day")

    assert len(days) == 90
    assert FeatureUsageDaily.objects.count() > 60_000
