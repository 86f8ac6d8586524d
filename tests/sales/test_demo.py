"""The demo portfolio gives the specification's sales examples by the rules, on any day."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import transaction

from cs_integrations import exchange
from cs_integrations.customers.demo.portfolio import build_portfolio
from cs_integrations.customers.models import Customer
from sales import demo
from sales.models import (
    BaselineKpi,
    Deal,
    EvidenceItem,
    HandoffPackage,
    Opportunity,
    SuccessPlan,
    WhiteSpaceItem,
)

pytestmark = pytest.mark.django_db

DAYS = [date(2026, 11, 23), date(2024, 2, 29), date(2026, 1, 31), date(2026, 12, 31)]
HANDOFF = {"success_plan_id": "sp_456", "baseline_kpis": {"nps_target": 8.5}}


@pytest.fixture
def seed():
    """Seed all domains as of a day, as the command does."""

    def seed(as_of):
        call_command("seed", light=True, as_of=as_of, stdout=StringIO())

    return seed


@pytest.fixture
def later(time_machine):
    """Return moments of the seeding day and of two weeks on; each undoes what was done at it."""

    def later(as_of):
        for days in (0, 14):
            noon = datetime.combine(as_of, time(12), UTC) + timedelta(days=days)
            time_machine.move_to(noon, tick=False)
            begin = transaction.savepoint()
            yield noon
            transaction.savepoint_rollback(begin)

    return later


@pytest.fixture
def hand_over(client_with):
    """Return a call with a token of the day: the clock moved since the test began."""
    return lambda deal_id, body: (
        client_with("cs-sales.write").send(f"/sales/handoff/complete/{deal_id}", body).json()
    )


@pytest.mark.parametrize("as_of", DAYS, ids=str)
def test_it_gives_the_specified_examples(seed, later, client_with, hand_over, as_of):
    seed(as_of)

    for _ in later(as_of):
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


def test_twelve_green_accounts_and_the_example_are_ready(seed, later):
    seed(DAYS[0])
    names = dict(Customer.objects.values_list("pk", "public_id"))

    for at in later(DAYS[0]):
        scores = exchange.expansion_readiness.call(customer_ids=list(names), at=at)

        ready = {names[pk] for pk, score in scores.items() if score is not None and score > 80}
        assert "cust_123" in ready
        assert len(ready) == 13


def test_handoffs_with_gaps_and_with_another_amount_say_so(seed, later, hand_over):
    seed(DAYS[0])
    kpis = {"baseline_kpis": {"csat_target": 4.2}}

    for _ in later(DAYS[0]):
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


@pytest.fixture
def sales_facts():
    """Write the customers and the facts of sales alone."""
    portfolio = build_portfolio(as_of=DAYS[0], random_seed=1, days=1)
    demo.build(portfolio=portfolio)
    return portfolio


def test_four_open_deals_are_expected_in_the_next_90_days(sales_facts, later):
    for at in later(DAYS[0]):
        start, end = at.date(), at.date() + timedelta(days=90)

        deals = exchange.expected_deals.call(start=start, end=end)

        assert sorted((deal.segment, str(deal.close_probability)) for deal in deals) == [
            ("enterprise", "0.900"),
            ("mid_market", "0.500"),
            ("small_business", "0.500"),
            ("small_business", "0.500"),
        ]


def test_60_deals_and_their_handoffs(sales_facts):
    stages = Counter(Deal.objects.values_list("stage", flat=True))
    assert stages[Deal.Stage.CLOSED_WON] == 45
    assert stages[Deal.Stage.CLOSED_LOST] == 9
    assert stages.total() == 60
    assert Counter(HandoffPackage.objects.values_list("status", flat=True)) == {
        HandoffPackage.Status.COMPLETE: 40,
        HandoffPackage.Status.OPEN: 3,
        HandoffPackage.Status.IN_TRANSITION: 2,
    }


def test_quotes_of_enterprise_accounts_are_40_to_200_thousand_a_year(sales_facts):
    totals = Counter()
    for item in WhiteSpaceItem.objects.filter(kind="quoted", is_owned=False):
        totals[item.customer_id] += 12 * item.monthly_value

    assert len(totals) == 8
    assert all(40_000 <= total <= 200_000 for total in totals.values())


def test_no_fact_lies_after_the_seeding_day(sales_facts):
    assert not Deal.objects.filter(closed_at__gt=sales_facts.at).exists()
    assert not HandoffPackage.objects.filter(completed_at__gt=sales_facts.at).exists()
    assert not HandoffPackage.objects.filter(items__verified_at__gt=sales_facts.at).exists()


def test_it_is_the_same_for_the_same_day_and_seed(sales_facts):
    def facts():
        return [
            list(Deal.objects.order_by("public_id").values_list("public_id", "closed_at")),
            list(EvidenceItem.objects.order_by("pk").values_list("code", "achieved_date")),
            list(WhiteSpaceItem.objects.order_by("pk").values_list("name", "monthly_value")),
        ]

    first = facts()
    for model in (Opportunity, EvidenceItem, BaselineKpi, SuccessPlan, WhiteSpaceItem):
        model.objects.all().delete()
    HandoffPackage.objects.all().delete()
    Deal.objects.all().delete()
    demo.build(portfolio=sales_facts)

    assert facts() == first
