"""The demo portfolio gives the specification's product examples by the rules, on any day."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from cs_integrations import exchange
from cs_integrations.api.formats import percent
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

SOME_DAY = date(2026, 11, 23)
DAYS = [
    SOME_DAY,
    date(2024, 2, 29),
    date(2026, 1, 31),
    date(2026, 3, 1),
    date(2026, 6, 20),  # the second quarter ends within the 14 days
    date(2026, 12, 31),
]
FEEDBACK = {
    "customer_id": "cust_789",
    "feature_id": "feat_101",
    "impact_score": 9,
    "evidence": "usage_screenshot_url",
}


@pytest.fixture
def seeded(time_machine):
    """Make customers and product facts as of a day, then let days pass."""

    def seed(as_of, *, days_later=0):
        portfolio = build_portfolio(as_of=as_of, random_seed=1, days=100)
        demo.build(portfolio=portfolio)
        noon = datetime.combine(as_of, time(12), UTC)
        time_machine.move_to(noon + timedelta(days=days_later), tick=False)
        return noon + timedelta(days=days_later)

    return seed


@pytest.fixture
def read(client_with):
    """Return a call with a token of the day: the clock moved since the test began."""
    return lambda path: client_with("cs-product.read").read(path).json()


def keys_by_id():
    return dict(Customer.objects.values_list("public_id", "pk"))


@pytest.mark.parametrize("days_later", [0, 7, 14])
@pytest.mark.parametrize("as_of", DAYS, ids=str)
def test_it_gives_the_specified_examples(seeded, client_with, read, as_of, days_later):
    seeded(as_of, days_later=days_later)

    adoption = read("/product/adoption/feat_101")
    feedback = client_with("cs-product.write").send("/product/feedback", FEEDBACK)

    correlation = adoption.pop("health_correlation")
    assert adoption == {
        "adoption_rate": "68%",
        "barriers": ["onboarding_friction"],
        "recommendations": ["targeted_tutorial"],
    }
    assert 0 < correlation < 1
    assert feedback.status_code == 201
    assert feedback.json() == {
        "ticket_id": f"PROD-{ProductTicket.objects.latest('number').number}",
        "priority": "P1",
        "roadmap_position": "Q2_target",
    }
    assert read("/product/adoption/feat_101") == {**adoption, "health_correlation": correlation}


@pytest.mark.parametrize("days_later", [0, 14])
def test_30_of_44_settled_accounts_have_adopted_the_warm_up(seeded, read, days_later):
    seeded(SOME_DAY, days_later=days_later)

    steps = read("/product/adoption/feat_101?explain=true")["explanation"]["steps"]

    assert (steps["eligible"], steps["adopted"]) == (44, 30)
    friction = steps["tests"][0]
    assert (friction["barrier"], friction["sample_size"]) == ("onboarding_friction", 11)
    assert friction["value"] == pytest.approx(400 / 11)


def test_the_feedback_is_the_first_of_its_feature(seeded, client_with):
    seeded(SOME_DAY)

    answer = client_with("cs-product.write").send("/product/feedback?explain=true", FEEDBACK)

    explanation = answer.json()["explanation"]
    assert explanation["inputs"]["customers_reporting"] == 1
    assert explanation["steps"]["priority_score"] == 74
    assert explanation["steps"]["position_basis"] == "roadmap_item"


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
def test_every_barrier_has_a_feature(seeded, read, feature_id, barriers):
    seeded(SOME_DAY)

    assert read(f"/product/adoption/{feature_id}")["barriers"] == barriers


def test_a_little_used_feature_asks_for_a_campaign_and_feedback(seeded, read):
    seeded(SOME_DAY)

    answer = read("/product/adoption/feat_112")

    assert answer["adoption_rate"] == "26%"
    assert answer["recommendations"][-2:] == ["adoption_campaign", "feedback_request"]


@pytest.mark.parametrize("days_later", [0, 14])
def test_the_example_customer_uses_its_core_features_well(seeded, days_later):
    at = seeded(SOME_DAY, days_later=days_later)
    customers = keys_by_id()

    weak = exchange.weak_core_features.call(customer_ids=customers.values(), at=at)

    assert weak[customers["cust_123"]] == ()
    assert 5 < sum(bool(slugs) for slugs in weak.values()) < 25


@pytest.mark.parametrize("as_of", DAYS, ids=str)
def test_feature_x_is_used_to_45_percent_in_every_month(seeded, as_of):
    seeded(as_of)
    customers = keys_by_id()
    month, months = as_of - timedelta(days=1), []

    for _ in range(4 if as_of.day > 1 else 3):
        uses = exchange.contracted_uses.call(customer_ids=customers.values(), month=month)
        months.append(uses[customers["cust_102"]])
        month = month.replace(day=1) - timedelta(days=1)

    assert len(months) >= 3
    for (use,) in months:
        assert use.feature_slug == "feature_x"
        assert use.contracted == 100
        assert percent(use.used * 100 / use.contracted) == "45%"


def test_feature_x_is_sold_to_one_customer(seeded):
    seeded(SOME_DAY)

    owners = FeatureEntitlement.objects.filter(feature__slug="feature_x")

    assert [owner.customer.public_id for owner in owners] == ["cust_102"]


def test_tickets_come_from_the_rules(seeded, read):
    seeded(SOME_DAY)

    for ticket in ProductTicket.objects.all():
        status = read(f"/product/feedback/status/{ticket.public_id}")
        assert status["feedback_count"] == ticket.feedback.count() > 0
        assert status["priority"] == ticket.priority
    # Four customers reported the same feature: it outranks what one says of another.
    api_tickets = ProductTicket.objects.filter(feature__slug="api_access")
    assert {ticket.priority for ticket in api_tickets} == {"P1"}
    assert Feedback.objects.filter(ticket__in=api_tickets).latest("pk").reporters == 4


def test_no_fact_lies_after_the_seeding_day(seeded):
    seeded(SOME_DAY)
    day = datetime.combine(SOME_DAY, time(), UTC)

    assert FeatureUsageDaily.objects.latest("used_date").used_date == SOME_DAY - timedelta(days=1)
    assert not TrainingRecord.objects.filter(recorded_at__gt=day).exists()
    assert not FeatureRating.objects.filter(rated_at__gt=day).exists()
    assert not Feedback.objects.filter(submitted_at__gt=day).exists()
    assert not ProductTicket.objects.filter(changed_at__gt=day).exists()
    # But one that is agreed for tomorrow: the newest account's warm-up.
    (coming,) = FeatureEntitlement.objects.filter(enabled_date__gt=SOME_DAY)
    assert (coming.feature.public_id, coming.enabled_date.day) == ("feat_101", 24)


def test_the_same_day_and_seed_give_the_same_facts(seeded):
    def told():
        with transaction.atomic():
            seeded(SOME_DAY)
            facts = [
                list(
                    FeatureUsageDaily.objects.order_by("pk").values_list(
                        "customer__public_id", "feature__slug", "used_date", "uses", "errors"
                    )
                ),
                list(
                    FeatureEntitlement.objects.order_by("pk").values_list(
                        "customer__public_id", "feature__slug", "enabled_date"
                    )
                ),
                list(Feedback.objects.order_by("pk").values_list("evidence", "priority_score")),
            ]
            transaction.set_rollback(True)
        return facts

    assert told() == told()


def test_light_and_full_histories_are_both_90_days(seeded):
    seeded(SOME_DAY)

    days = FeatureUsageDaily.objects.exclude(feature__slug="feature_x").dates("used_date", "day")

    assert len(days) == 90
    assert Decimal(FeatureUsageDaily.objects.count()) > 60_000
