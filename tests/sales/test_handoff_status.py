"""GET /sales/handoff/status/{customer_id}"""

from datetime import timedelta
from decimal import Decimal

import pytest

from cs_integrations.customers.models import Stakeholder
from sales.models import Deal, HandoffItem, HandoffPackage, SuccessPlan
from tests.clients import problem_of, record_of
from tests.factories import NOON, TODAY, CustomerFactory, StakeholderFactory
from tests.sales.factories import CLOSED, DealFactory, SuccessPlanFactory, full_package
from tests.sales.neighbors import contract_of, csm

pytestmark = pytest.mark.django_db

PATH = "/sales/handoff/status/cust_103"
WAITING = {
    "deal_id": "deal_123",
    "status": "open",
    "due_at": "2026-06-18T09:00:00+00:00",
    "completed_at": None,
    "completeness": "100%",
    "knowledge_gaps": [],
    "success_plan_id": "sp_456",
    "pipeline_sync": "confirmed",
    "quality_score": 100,
}


@pytest.fixture
def deal():
    customer = CustomerFactory(public_id="cust_103")
    contract = contract_of(customer)
    deal = DealFactory(public_id="deal_123", customer=customer, contract_id=contract.public_id)
    StakeholderFactory(customer=customer, sponsor=True, is_decision_maker=True)
    SuccessPlanFactory(public_id="sp_456", customer=customer)
    full_package(deal)
    csm("csm_mid")
    return deal


def test_a_full_package_waits_for_its_completion(api, deal):
    answer = api.read(PATH)

    assert answer.status_code == 200
    assert list(answer.json().items()) == list(WAITING.items())


def test_gaps_lower_completeness_and_quality(api, deal):
    HandoffItem.objects.filter(code__in=("deal_narrative", "customer_context")).delete()

    assert api.read(PATH).json() == {
        **WAITING,
        "completeness": "75%",
        "knowledge_gaps": ["customer_context", "deal_narrative"],
        "quality_score": 75,
    }


def test_lateness_lowers_quality(api, deal):
    Deal.objects.update(closed_at=NOON - timedelta(days=8, hours=1))

    # Two started days late: (30 * 100 + 25 * 80) / 55.
    assert api.read(PATH).json()["quality_score"] == 91


def test_a_complete_handoff_keeps_its_plan_and_has_no_gaps(api, deal):
    completed_at = CLOSED + timedelta(days=2)
    HandoffPackage.objects.update(
        status="complete",
        completed_at=completed_at,
        completed_sync="confirmed",
        accuracy=90,
        follow_up=80,
    )
    SuccessPlan.objects.update(deal=deal, status="active")
    SuccessPlanFactory(customer=deal.customer)
    Stakeholder.objects.update(left_date=TODAY)

    assert api.read(PATH).json() == {
        **WAITING,
        "status": "complete",
        "completed_at": completed_at.isoformat(),
        "quality_score": 94,  # 30 + 25 + .25 * 90 + .20 * 80 = 93.5
    }


def test_the_sync_is_that_of_now(api, deal):
    Deal.objects.update(crm_amount=Decimal(1))

    assert api.read(PATH).json()["pipeline_sync"] == "conflict"


def test_the_latest_won_deal_counts(api, deal):
    DealFactory(customer=deal.customer, closed_at=CLOSED - timedelta(days=90))
    DealFactory(customer=deal.customer, public_id="deal_124", closed_at=NOON)
    DealFactory(customer=deal.customer, stage=Deal.Stage.CLOSED_LOST, closed_at=NOON)

    answer = api.read(PATH).json()

    assert (answer["deal_id"], answer["status"]) == ("deal_124", "open")
    assert answer["completeness"] == "0%"


def test_it_explains_what_is_left_out(api, deal):
    SuccessPlan.objects.all().delete()

    explanation = api.read(f"{PATH}?explain=true").json()["explanation"]

    assert explanation["rule_id"] == "sales.handoff"
    assert explanation["steps"]["timeliness"] is None
    assert explanation["reasons"] == [
        "The handoff was not completed yet.",
        "The customer has no success plan yet.",
        "The success plan is not approved.",
        "timeliness is not known and left out.",
        "accuracy is not known and left out.",
        "follow_up is not known and left out.",
    ]


def test_a_customer_without_a_won_deal_has_no_handoff(api):
    DealFactory(
        customer=CustomerFactory(public_id="cust_103"),
        stage=Deal.Stage.CLOSED_LOST,
        closed_at=NOON,
    )

    assert problem_of(api.read(PATH)) == (404, "not-found", [])


@pytest.mark.parametrize("customer_id", ["cust_404", "deal_123", "cust_1-2"])
def test_an_unknown_customer_is_not_found(api, deal, customer_id):
    assert problem_of(api.read(f"/sales/handoff/status/{customer_id}")) == (404, "not-found", [])


def test_the_trail_names_the_customer(api, deal):
    record = record_of(api.read(PATH))

    assert record.customer_id == "cust_103"
    assert record.object_ids == ["cust_103", "deal_123", "sp_456"]
    assert record.operation == "sales_handoff_status"
