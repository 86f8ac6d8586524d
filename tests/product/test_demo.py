"""The demo portfolio gives the specification's product examples by the rules, on any day."""

from datetime import UTC, date, datetime, time, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import transaction

from cs_integrations import exchange
from cs_integrations.api.formats import percent
from cs_integrations.customers.demo import build_portfolio
from cs_integrations.customers.models import Customer
from product import demo
from product.models import FeatureEntitlement, FeatureUsageDaily, Feedback, ProductTicket

pytestmark = pytest.mark.django_db

DAYS = [
    date(2026, 11, 23),
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
def examples(client_with, time_machine):
    """Return both answers some days after seeding, with a token of that day; leave no trace."""

    def ask(as_of, days_later):
        noon = datetime.combine(as_of, time(12), UTC)
        time_machine.move_to(noon + timedelta(days=days_later), tick=False)
        with transaction.atomic():
            client = client_with("cs-product.read", "cs-product.write")
            before = client.read("/product/adoption/feat_101").json()
            feedback = client.send("/product/feedback", FEEDBACK)
            after = client.read("/product/adoption/feat_101").json()
            transaction.set_rollback(True)
        assert before == after  # feedback moves no adoption
        return before, feedback

    return ask


@pytest.mark.parametrize("as_of", DAYS, ids=str)
def test_it_gives_the_specified_examples_for_14_days(examples, as_of):
    call_command("seed", light=True, as_of=as_of, stdout=StringIO())
    for days_later in (0, 7, 14):
        adoption, feedback = examples(as_of, days_later)

        assert 0 < adoption.pop("health_correlation") < 1
        assert adoption == {
            "adoption_rate": "68%",
            "barriers": ["onboarding_friction"],
            "recommendations": ["targeted_tutorial"],
        }
        assert feedback.status_code == 201
        answer = feedback.json()
        assert answer.pop("ticket_id").startswith("PROD-")
        assert answer == {"priority": "P1", "roadmap_position": "Q2_target"}


@pytest.mark.parametrize("as_of", DAYS, ids=str)
def test_feature_x_is_used_to_45_percent_in_the_running_month_and_three_before(as_of):
    demo.build(portfolio=build_portfolio(as_of=as_of, random_seed=1, days=100))
    owner = Customer.objects.get(public_id="cust_102").pk
    month = as_of if as_of.day > 1 else as_of - timedelta(days=1)  # nothing is recorded yet
    for _ in range(4 if as_of.day > 1 else 3):
        (use,) = exchange.contracted_uses.call(customer_ids=[owner], month=month)[owner]
        assert (use.feature_slug, use.contracted) == ("feature_x", 100)
        assert percent(use.used * 100 / use.contracted) == "45%"
        month = month.replace(day=1) - timedelta(days=1)


def test_the_same_day_and_seed_give_the_same_facts():
    def told():
        with transaction.atomic():
            demo.build(portfolio=build_portfolio(as_of=DAYS[0], random_seed=1, days=100))
            facts = [
                list(rows.objects.order_by("pk").values_list(*names))
                for rows, *names in (
                    (FeatureUsageDaily, "customer__public_id", "feature__slug", "uses", "errors"),
                    (FeatureEntitlement, "customer__public_id", "feature__slug", "enabled_date"),
                    (Feedback, "evidence", "priority_score"),
                    (ProductTicket, "customer__public_id", "status", "priority"),
                )
            ]
            transaction.set_rollback(True)
        return facts

    assert told() == told()
