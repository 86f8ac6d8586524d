"""GET /sales/expansion/{customer_id}"""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cs_integrations import exchange
from cs_integrations.customers.models import (
    Customer,
    HealthSnapshot,
    Stakeholder,
    Subscription,
    UsageMonthly,
)
from finance.models import Contract, Delivery, Payment
from sales.models import BaselineKpi, EvidenceItem, SuccessPlan, WhiteSpaceItem
from tests.clients import kept_of, problem_of, record_of
from tests.factories import (
    NOON,
    TODAY,
    CustomerFactory,
    CustomerMilestoneFactory,
    HealthSnapshotFactory,
    PlanFactory,
    StakeholderFactory,
    SubscriptionFactory,
    UsageMonthlyFactory,
)
from tests.sales.factories import (
    BaselineKpiFactory,
    DealFactory,
    EvidenceItemFactory,
    WhiteSpaceItemFactory,
)
from tests.sales.neighbors import contract_of, escalation, pay

pytestmark = pytest.mark.django_db

PATH = "/sales/expansion/cust_123"
APRIL, MAY = date(2026, 4, 1), date(2026, 5, 1)
UNLIMITED = {"mails_per_month": None, "seats": None, "workspaces": None}


@pytest.fixture
def customer():
    """The specification's example: 25 + 19 + 25 + 12.75 + 10 = 91.75 points."""
    customer = CustomerFactory(public_id="cust_123", segment="enterprise")
    contract_of(customer)
    plan = PlanFactory(code="enterprise", rank=99, monthly_price=0, **UNLIMITED)
    SubscriptionFactory(customer=customer, plan=plan, seats=100, monthly_price=10_000)
    for month in (APRIL, MAY):
        UsageMonthlyFactory(customer=customer, month=month, used=92, limit=None)
    HealthSnapshotFactory(customer=customer, score=Decimal(76))
    StakeholderFactory(customer=customer, sponsor=True)
    BaselineKpiFactory(plan__customer=customer)
    EvidenceItemFactory(customer=customer)
    WhiteSpaceItemFactory(customer=customer)
    return customer


@pytest.fixture
def read(api):
    def read(path=PATH):
        answer = api.read(path)
        assert answer.status_code == 200, answer.content
        return answer.json()

    return read


@pytest.fixture
def explained(read):
    return lambda: read(f"{PATH}?explain=true")["explanation"]


def test_it_gives_the_specified_example(api, customer):
    answer = api.read(PATH)

    assert answer.status_code == 200
    assert list(answer.json().items()) == [
        ("readiness_score", 92),
        ("value_portfolio", ["3x_roi_demonstrated"]),
        ("white_space", "$150k_annualized"),
    ]


# --- readiness -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "score"),
    [
        pytest.param(lambda: HealthSnapshot.objects.update(score=88), 95, id="better health"),
        pytest.param(lambda: Delivery.objects.update(value=311_000), 84, id="less delivered"),
        pytest.param(lambda: UsageMonthly.objects.update(used=79), 82, id="seats to spare"),
        pytest.param(
            lambda: UsageMonthly.objects.filter(month=APRIL).update(used=84),
            88,
            id="at the limit for one month only",
        ),
        pytest.param(lambda: Subscription.objects.update(seats=200), 74, id="more seats bought"),
        pytest.param(lambda: Stakeholder.objects.update(nps=10), 94, id="happier sponsor"),
        pytest.param(
            lambda: Stakeholder.objects.update(left_date=TODAY + timedelta(days=60)),
            92,
            id="the sponsor will leave",
        ),
        pytest.param(
            lambda: Subscription.objects.update(ended_date=TODAY + timedelta(days=60)),
            92,
            id="the subscription will end",
        ),
        pytest.param(
            lambda: Stakeholder.objects.update(left_date=TODAY), 84, id="the sponsor left"
        ),
        pytest.param(
            lambda: Contract.objects.update(end_date=TODAY + timedelta(days=121)),
            89,
            id="renewal too far away",
        ),
    ],
)
def test_readiness_follows_the_facts(read, customer, change, score):
    change()

    assert read()["readiness_score"] == score


def turn_red(customer):
    HealthSnapshot.objects.filter(customer=customer).update(score=Decimal("59.9"))


def pay_late(customer):
    pay(customer, 1, due=TODAY - timedelta(days=50), paid=TODAY)


def escalate_to_leadership(customer):
    escalation(customer, 3)


@pytest.mark.parametrize(
    ("close", "gate", "cap"),
    [
        (turn_red, "red_zone", 40),
        (escalate_to_leadership, "open_escalation", 50),
        (pay_late, "payment_trouble", 60),
    ],
)
def test_a_closed_gate_caps_readiness_and_says_so(read, customer, close, gate, cap):
    close(customer)

    answer = read(f"{PATH}?explain=true")

    assert answer["readiness_score"] == cap
    assert answer["explanation"]["steps"]["gates"] == {gate: cap}
    assert f"Gate {gate} caps readiness at {cap}." in answer["explanation"]["reasons"]


def test_a_low_escalation_closes_no_gate(read, customer):
    escalation(customer, 2)

    assert read()["readiness_score"] == 92


def test_a_score_sent_with_a_trigger_moves_nothing(read, customer):
    HealthSnapshotFactory(
        customer=customer, source=HealthSnapshot.Source.API_TRIGGER, score=Decimal(20)
    )

    assert read()["readiness_score"] == 92


def test_the_running_month_is_not_over(read, customer):
    UsageMonthlyFactory(customer=customer, month=date(2026, 6, 1), used=1, limit=None)

    assert read()["readiness_score"] == 92


def test_too_few_facts_give_no_score_and_a_reason(read, explained):
    CustomerFactory(public_id="cust_123")

    assert read() == {
        "readiness_score": None,
        "value_portfolio": [],
        "white_space": "$0_annualized",
    }
    reasons = explained()["reasons"]
    assert "Readiness needs 3 known factors, 0 are." in reasons
    assert "Factor health is not known." in reasons
    assert "No fees or no deliveries: no return is known." in reasons
    assert "Without a running subscription there is nothing to expand." in reasons


def test_a_churned_customer_has_nothing_to_expand(read, explained, customer):
    Customer.objects.update(status="churned", churned_date=TODAY)

    assert read() == {"readiness_score": 0, "value_portfolio": [], "white_space": "$0_annualized"}
    assert "The customer has churned." in explained()["reasons"]


# --- proof of value --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "portfolio"),
    [
        pytest.param(
            lambda: Payment.objects.update(amount=78_000), ["4x_roi_demonstrated"], id="3.99 -> 4"
        ),
        pytest.param(lambda: Payment.objects.update(amount=160_000), [], id="less than twofold"),
        pytest.param(lambda: Payment.objects.all().delete(), [], id="no fees"),
        pytest.param(
            lambda: BaselineKpi.objects.update(value=Decimal("3.25")),
            ["achieved_roi_target", "3x_roi_demonstrated"],
            id="target reached",
        ),
        pytest.param(
            lambda: EvidenceItem.objects.update(code="customer_testimonial"),
            ["3x_roi_demonstrated", "customer_testimonial"],
            id="a testimonial, older than today's measurement",
        ),
        pytest.param(
            lambda: EvidenceItem.objects.update(
                code="milestone", milestone_code="advanced_adoption"
            ),
            ["3x_roi_demonstrated", "milestone_advanced_adoption"],
            id="a milestone row",
        ),
        pytest.param(
            lambda: CustomerMilestoneFactory(customer=Customer.objects.get()),
            ["3x_roi_demonstrated"],
            id="a milestone without a row proves nothing",
        ),
    ],
)
def test_the_portfolio_follows_the_facts(read, customer, change, portfolio):
    change()

    assert read()["value_portfolio"] == portfolio


@pytest.mark.parametrize(
    ("days", "score", "is_sustained"), [(91, 80, True), (91, 79, False), (89, 80, False)]
)
def test_health_is_sustained_over_90_measured_days(read, customer, days, score, is_sustained):
    for days_ago in range(1, days):
        HealthSnapshotFactory(
            customer=customer, measured_date=TODAY - timedelta(days=days_ago), score=score
        )
    HealthSnapshot.objects.filter(measured_date=TODAY).update(score=90)

    assert ("health_sustained_90d" in read()["value_portfolio"]) is is_sustained


def test_the_target_of_a_closed_plan_does_not_count(read, customer):
    BaselineKpi.objects.update(value=1)
    SuccessPlan.objects.update(status=SuccessPlan.Status.CLOSED)

    assert read()["value_portfolio"] == ["3x_roi_demonstrated"]


# --- white space -----------------------------------------------------------------------------


def test_owned_items_are_not_open(read, customer):
    WhiteSpaceItem.objects.update(is_owned=True)

    assert read()["white_space"] == "$0_annualized"


def test_the_list_price_of_an_add_on_does_not_count_for_enterprise(read, customer):
    WhiteSpaceItemFactory(customer=customer, kind=WhiteSpaceItem.Kind.ADD_ON)

    assert read()["white_space"] == "$150k_annualized"


def test_other_accounts_are_priced_by_the_list(read, explained):
    customer = CustomerFactory(public_id="cust_123")
    professional = PlanFactory(code="professional", rank=2, monthly_price=149, workspaces=10)
    PlanFactory(code="business", rank=3, monthly_price=399)
    PlanFactory(code="enterprise", rank=4, monthly_price=0, **UNLIMITED)
    subscription = SubscriptionFactory(
        customer=customer,
        plan=professional,
        seats=5,
        eligible_users=7,
        workspaces=1,
        business_units=2,
        monthly_price=149,
    )
    WhiteSpaceItemFactory(customer=customer, kind=WhiteSpaceItem.Kind.ADD_ON, monthly_value=99)

    assert read()["white_space"] == "$4.8k_annualized"
    assert list(explained()["steps"]["white_space"].values()) == [
        12 * (399 - 149),
        12 * 15 * 2,
        12 * 20,
        {WhiteSpaceItem.objects.get().name: 12 * 99},
        4_788,
    ]

    subscription.plan = PlanFactory(code="business")
    subscription.monthly_price = Decimal(399)
    subscription.save()

    # The next plan has no list price, and workspaces are unlimited.
    assert explained()["steps"]["white_space"]["total"] == 12 * (15 * 2 + 99)
    assert "No higher tier has a list price." in explained()["reasons"]


# --- refusals, reasons, trail -------------------------------------------------------------------


@pytest.mark.parametrize("customer_id", ["cust_404", "cust_", "deal_123", "cust_1-2", "123"])
def test_an_unknown_customer_is_not_found(api, customer, customer_id):
    assert problem_of(api.read(f"/sales/expansion/{customer_id}")) == (404, "not-found", [])


def test_a_deleted_customer_is_not_found(api, customer):
    Customer.objects.update(status="deleted")

    assert problem_of(api.read(PATH)) == (404, "not-found", [])


def test_writing_rights_do_not_read(client_with, customer):
    assert problem_of(client_with("cs-sales.write").read(PATH))[:2] == (403, "forbidden")


def test_it_explains_every_factor(explained, customer):
    explanation = explained()

    assert explanation["rule_id"] == "sales.expansion"
    assert explanation["sample_size"] == 1  # health measurements in 90 days
    assert explanation["steps"]["factors"] == {
        "value": {"points": 100, "weight": 0.25},
        "health": {"points": 76, "weight": 0.25},
        "capacity": {"points": 100, "weight": 0.25},
        "executive": {"points": 85, "weight": 0.15},
        "timing": {"points": 100, "weight": 0.1},
    }
    assert explanation["steps"]["weighted_mean"] == 91.75
    assert explanation["steps"]["is_ready"] is True
    assert explanation["steps"]["roi_multiple"] == 3.25
    assert explanation["steps"]["white_space"]["items"] == {
        WhiteSpaceItem.objects.get().name: 150_000
    }
    assert explanation["inputs"]["sponsors"] == [{"level": "c_level", "nps": 8}]
    assert explanation["inputs"]["days_to_renewal"] == 110
    assert explanation["reasons"] == ["The account has quoted prices: only quoted items count."]


def test_the_trail_names_the_customer(api, customer):
    answer = api.read(PATH)

    record = record_of(answer)
    assert record.object_ids == ["cust_123"]
    assert (record.operation, record.scope_needed) == ("sales_expansion", "cs-sales.read")
    assert record.customer_id == "cust_123"
    assert kept_of(answer)[1]["body"] == answer.json()


# --- what sales offers to the other domains ---------------------------------------------------


def test_readiness_of_many_customers_takes_as_many_queries_as_of_one(customer):
    others = CustomerFactory.create_batch(5)
    ids = [customer.pk, *(other.pk for other in others)]

    with CaptureQueriesContext(connection) as for_one:
        alone = exchange.expansion_readiness.call(customer_ids=[customer.pk], at=NOON)
    with CaptureQueriesContext(connection) as for_six:
        together = exchange.expansion_readiness.call(customer_ids=ids, at=NOON)

    assert len(for_six) == len(for_one)
    assert alone == {customer.pk: Decimal(92)}
    assert together == alone | {other.pk: None for other in others}


def test_expected_deals_are_the_open_ones_that_close_in_the_period(db):
    start, end = TODAY, TODAY + timedelta(days=90)
    for days in (-1, 0, 90, 91):
        DealFactory(
            open=True, expected_close_date=start + timedelta(days=days), segment="enterprise"
        )
    DealFactory(expected_close_date=TODAY)  # won

    deals = exchange.expected_deals.call(start=start, end=end)

    assert [(deal.segment, deal.close_probability) for deal in deals] == [
        ("enterprise", Decimal("0.5"))
    ] * 2
