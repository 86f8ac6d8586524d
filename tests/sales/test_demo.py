"""The demo portfolio gives the specification's sales examples by the rules, on any day."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from cs_integrations import exchange
from cs_integrations.customers.models import Customer
from sales.models import Deal, HandoffPackage, WhiteSpaceItem

pytestmark = pytest.mark.django_db

DAYS = [date(2026, 11, 23), date(2024, 2, 29), date(2026, 1, 31), date(2026, 12, 31)]
HANDOFF = {"success_plan_id": "sp_456", "baseline_kpis": {"nps_target": 8.5}}


@pytest.fixture
def seeded(time_machine):
    """Seed as of a day, then let days pass."""

    def seed(as_of, *, days_later=0):
        call_command("seed", light=True, as_of=as_of, stdout=StringIO())
        noon = datetime.combine(as_of, time(12), UTC)
        time_machine.move_to(noon + timedelta(days=days_later), tick=False)
        return noon + timedelta(days=days_later)

    return seed


@pytest.fixture
def hand_over(client_with):
    """Return a call with a token of the day: the clock moved since the test began."""
    return lambda deal_id, body: (
        client_with("cs-sales.write").send(f"/sales/handoff/complete/{deal_id}", body).json()
    )


@pytest.mark.parametrize("days_later", [0, 14])
@pytest.mark.parametrize("as_of", DAYS, ids=str)
def test_it_gives_the_specified_examples(seeded, client_with, hand_over, as_of, days_later):
    seeded(as_of, days_later=days_later)

    assert hand_over("deal_123", HANDOFF) == {
        "transition_complete": True,
        "knowledge_gaps": [],
        "pipeline_sync": "confirmed",
    }
    assert client_with("cs-sales.read").read("/sales/expansion/cust_123").json() == {
        "readiness_score": 92,
        "value_portfolio": ["3x_roi_demonstrated"],
        "white_space": "$150k_annualized",
    }


@pytest.mark.parametrize("days_later", [0, 14])
def test_twelve_green_accounts_and_the_example_are_ready(seeded, days_later):
    at = seeded(DAYS[0], days_later=days_later)
    names = dict(Customer.objects.values_list("pk", "public_id"))

    scores = exchange.expansion_readiness.call(customer_ids=list(names), at=at)

    ready = {names[pk] for pk, score in scores.items() if score is not None and score > 80}
    assert "cust_123" in ready
    assert len(ready) == 13


@pytest.mark.parametrize("days_later", [0, 14])
def test_four_open_deals_are_expected_in_the_next_90_days(seeded, days_later):
    start = seeded(DAYS[0], days_later=days_later).date()

    deals = exchange.expected_deals.call(start=start, end=start + timedelta(days=90))

    assert sorted((deal.segment, str(deal.close_probability)) for deal in deals) == [
        ("enterprise", "0.900"),
        ("mid_market", "0.500"),
        ("small_business", "0.500"),
        ("small_business", "0.500"),
    ]


def test_60_deals_and_their_handoffs(seeded):
    seeded(DAYS[0])

    stages = Counter(Deal.objects.values_list("stage", flat=True))
    assert stages[Deal.Stage.CLOSED_WON] == 45
    assert stages[Deal.Stage.CLOSED_LOST] == 9
    assert stages.total() == 60
    assert Counter(HandoffPackage.objects.values_list("status", flat=True)) == {
        HandoffPackage.Status.COMPLETE: 40,
        HandoffPackage.Status.OPEN: 3,
        HandoffPackage.Status.IN_TRANSITION: 2,
    }


def test_handoffs_with_gaps_and_with_another_amount_say_so(seeded, hand_over):
    seeded(DAYS[0])
    kpis = {"baseline_kpis": {"csat_target": 4.2}}

    assert hand_over("deal_117", {"success_plan_id": "sp_117", **kpis}) == {
        "transition_complete": False,
        "knowledge_gaps": ["deal_narrative", "expansion_potential"],
        "pipeline_sync": "confirmed",
    }
    assert hand_over("deal_113", {"success_plan_id": "sp_113", **kpis}) == {
        "transition_complete": True,
        "knowledge_gaps": [],
        "pipeline_sync": "conflict",
    }


def test_quotes_of_enterprise_accounts_are_40_to_200_thousand_a_year(seeded):
    seeded(DAYS[0])
    totals = Counter()
    for item in WhiteSpaceItem.objects.filter(kind="quoted", is_owned=False):
        totals[item.customer_id] += 12 * item.monthly_value

    assert len(totals) == 8
    assert all(40_000 <= total <= 200_000 for total in totals.values())


def test_no_fact_lies_after_the_seeding_day(seeded):
    day = datetime.combine(DAYS[0], time(), UTC)
    seeded(DAYS[0])

    assert not Deal.objects.filter(closed_at__gt=day).exists()
    assert not HandoffPackage.objects.filter(completed_at__gt=day).exists()
    assert not HandoffPackage.objects.filter(items__verified_at__gt=day).exists()
