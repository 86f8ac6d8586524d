"""POST /sales/handoff/complete/{deal_id}"""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection

from cs_integrations.customers.models import Stakeholder
from sales.models import BaselineKpi, Deal, HandoffItem, HandoffPackage, SuccessPlan
from tests.clients import HubClient, issue_token, kept_of, problem_of, record_of
from tests.factories import (
    NOON,
    TODAY,
    CustomerFactory,
    HealthSnapshotFactory,
    StakeholderFactory,
)
from tests.sales.factories import (
    DealFactory,
    SuccessPlanFactory,
    full_package,
)
from tests.sales.neighbors import contract_of, csm

pytestmark = pytest.mark.django_db

PATH = "/sales/handoff/complete/deal_123"
BODY = {"success_plan_id": "sp_456", "baseline_kpis": {"nps_target": 8.5}}
COMPLETE = {"transition_complete": True, "knowledge_gaps": [], "pipeline_sync": "confirmed"}


@pytest.fixture
def deal():
    """The specification's example: won, handed over in full, CRM and contract agree."""
    customer = CustomerFactory()
    contract = contract_of(customer)
    deal = DealFactory(public_id="deal_123", customer=customer, contract_id=contract.public_id)
    StakeholderFactory(customer=customer, sponsor=True, is_decision_maker=True)
    SuccessPlanFactory(public_id="sp_456", customer=customer)
    full_package(deal)
    csm("csm_mid")
    return deal


def package_of(deal):
    return HandoffPackage.objects.get(deal=deal)


# --- completion ----------------------------------------------------------------------------


def test_it_gives_the_specified_example(api, deal):
    answer = api.send(PATH, BODY)

    assert answer.status_code == 200
    assert list(answer.json().items()) == list(COMPLETE.items())
    assert "Idempotent-Replayed" not in answer.headers


def test_it_starts_the_plan_and_freezes_the_baselines(api, deal):
    HealthSnapshotFactory(customer=deal.customer, score=Decimal("81.5"))

    api.send(PATH, BODY)

    plan = SuccessPlan.objects.get(public_id="sp_456")
    assert (plan.status, plan.deal) == (SuccessPlan.Status.ACTIVE, deal)
    assert [(kpi.name, kpi.value, kpi.frozen_at) for kpi in plan.baseline_kpis.all()] == [
        ("nps_target", Decimal("8.5"), NOON)
    ]
    package = package_of(deal)
    assert (package.status, package.completed_at) == (HandoffPackage.Status.COMPLETE, NOON)
    assert (package.completed_sync, package.day_zero_health) == ("confirmed", Decimal("81.5"))


def test_a_customer_without_health_has_none_on_day_zero(api, deal):
    answer = api.send(f"{PATH}?explain=true", BODY)

    assert package_of(deal).day_zero_health is None
    assert "No health was measured yet" in answer.json()["explanation"]["reasons"][0]


# --- gaps ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda parts: parts.delete(), id="absent"),
        pytest.param(lambda parts: parts.update(content=" \n"), id="empty"),
        pytest.param(
            lambda parts: parts.update(verified_by="", verified_at=None), id="not verified"
        ),
    ],
)
def test_a_spoilt_part_is_a_gap_and_fixes_nothing(api, deal, spoil):
    spoil(HandoffItem.objects.filter(code__in=("deal_narrative", "customer_context")))

    answer = api.send(PATH, BODY)

    assert answer.status_code == 200
    assert answer.json() == {
        "transition_complete": False,
        "knowledge_gaps": ["customer_context", "deal_narrative"],
        "pipeline_sync": "confirmed",
    }
    assert package_of(deal).status == HandoffPackage.Status.IN_TRANSITION
    plan = SuccessPlan.objects.get()
    assert (plan.status, plan.deal) == (SuccessPlan.Status.APPROVED, None)
    assert not BaselineKpi.objects.exists()


def test_a_sponsor_who_will_leave_opens_no_gap(api, deal):
    Stakeholder.objects.update(left_date=TODAY + timedelta(days=60))

    assert api.send(PATH, BODY).json()["knowledge_gaps"] == []


def test_a_sponsor_who_left_opens_a_gap(api, deal):
    Stakeholder.objects.update(left_date=TODAY)

    gaps = api.send(PATH, BODY).json()["knowledge_gaps"]

    assert gaps == ["executive_relationships", "champion_mapping"]


def test_a_deal_without_a_package_lacks_everything(api, deal):
    HandoffItem.objects.all().delete()
    HandoffPackage.objects.all().delete()

    answer = api.send(PATH, BODY)

    assert answer.json()["knowledge_gaps"] == list(HandoffItem.Code.values)
    assert package_of(deal).status == HandoffPackage.Status.IN_TRANSITION


@pytest.mark.parametrize("status", [SuccessPlan.Status.DRAFT, SuccessPlan.Status.CLOSED])
def test_a_plan_that_is_not_approved_does_not_complete(api, deal, status):
    SuccessPlan.objects.update(status=status)

    answer = api.send(f"{PATH}?explain=true", BODY).json()

    assert (answer["transition_complete"], answer["knowledge_gaps"]) == (False, [])
    assert answer["explanation"]["reasons"] == ["The success plan is not approved."]


def test_an_incomplete_handoff_may_be_sent_again_with_other_baselines(api, deal):
    HandoffItem.objects.filter(code="customer_context").update(content="")
    assert not api.send(PATH, BODY).json()["transition_complete"]
    HandoffItem.objects.filter(code="customer_context").update(content="Two brands.")

    answer = api.send(PATH, {**BODY, "baseline_kpis": {"csat_target": 4.2}})

    assert answer.json() == COMPLETE
    assert BaselineKpi.objects.get().name == "csat_target"


# --- pipeline ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "sync"),
    [
        ({"crm_amount": Decimal(121_200)}, "confirmed"),  # 1% more
        ({"crm_amount": Decimal(121_201)}, "conflict"),
        ({"crm_amount": None}, "conflict"),
        ({"crm_owner": "rep_9"}, "conflict"),
        ({"crm_stage": Deal.Stage.NEGOTIATION}, "conflict"),
        ({"contract_id": "ctr_9"}, "conflict"),
        ({"contract_id": ""}, "pending"),
    ],
)
def test_the_pipeline_follows_the_crms_copy_and_does_not_decide(api, deal, change, sync):
    Deal.objects.update(**change)

    assert api.send(PATH, BODY).json() == {**COMPLETE, "pipeline_sync": sync}


# --- repeats -------------------------------------------------------------------------------


def test_the_same_request_again_gets_the_first_answer(api, deal, time_machine):
    first = api.send(PATH, BODY)
    Deal.objects.update(crm_owner="rep_9")
    HandoffItem.objects.all().delete()
    time_machine.move_to(NOON + timedelta(minutes=40), tick=False)

    again = api.send(PATH, {**BODY, "baseline_kpis": {"nps_target": 8.50}})

    assert (again.status_code, again.json()) == (200, first.json())
    assert again["Idempotent-Replayed"] == "true"
    assert BaselineKpi.objects.count() == 1
    assert package_of(deal).completed_at == NOON


def test_a_repeat_explains_that_it_is_one(api, deal):
    api.send(PATH, BODY)

    explanation = api.send(f"{PATH}?explain=true", BODY).json()["explanation"]

    assert explanation["inputs"]["completed_at"] == "2026-06-15T12:00:00+00:00"
    assert "answer it got then" in explanation["reasons"][0]


def test_an_idempotency_key_acts_once(api, deal):
    headers = {"Idempotency-Key": "handoff-1"}
    first = api.send(PATH, BODY, **headers)
    again = api.send(PATH, BODY, **headers)

    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"
    assert BaselineKpi.objects.count() == 1


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({**BODY, "baseline_kpis": {"nps_target": 9}}, id="another value"),
        pytest.param(
            {**BODY, "baseline_kpis": {"nps_target": 8.5, "csat_target": 4}}, id="one KPI more"
        ),
        pytest.param({**BODY, "success_plan_id": "sp_789"}, id="another plan"),
    ],
)
def test_baselines_are_frozen_after_completion(api, deal, body):
    SuccessPlanFactory(public_id="sp_789", customer=deal.customer)
    api.send(PATH, BODY)

    assert problem_of(api.send(PATH, body)) == (409, "conflict", [])
    assert BaselineKpi.objects.get().value == Decimal("8.5")
    assert SuccessPlan.objects.get(public_id="sp_789").deal is None


@pytest.mark.django_db(transaction=True)
def test_of_parallel_calls_one_hands_over_and_the_others_repeat_its_answer(deal):
    token = issue_token(["cs-sales.write"]).raw
    together = threading.Barrier(4)

    def send(_number):
        client = HubClient(token=token)
        together.wait(timeout=30)
        try:
            return client.send(PATH, BODY)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(send, range(4)))

    assert [answer.json() for answer in answers] == [COMPLETE] * 4
    assert sum("Idempotent-Replayed" not in answer for answer in answers) == 1
    assert BaselineKpi.objects.count() == 1


# --- refusals ------------------------------------------------------------------------------


@pytest.mark.parametrize("deal_id", ["deal_404", "deal_", "sp_456", "deal_12-3", "deal_%00"])
def test_an_unknown_deal_is_not_found(api, deal, deal_id):
    answer = api.send(f"/sales/handoff/complete/{deal_id}", BODY)

    assert problem_of(answer) == (404, "not-found", [])


def test_the_deal_of_a_deleted_customer_is_not_found(api, deal):
    deal.customer.status = "deleted"
    deal.customer.save()

    assert problem_of(api.send(PATH, BODY)) == (404, "not-found", [])


def test_an_open_deal_is_not_handed_over(api, deal):
    Deal.objects.update(stage=Deal.Stage.NEGOTIATION, closed_at=None)

    # Even with a plan that does not exist: the state of the deal comes first.
    answer = api.send(PATH, {**BODY, "success_plan_id": "sp_404"})

    assert problem_of(answer) == (409, "conflict", [])


def test_an_unknown_plan_is_refused_by_name(api, deal):
    answer = api.send(PATH, {**BODY, "success_plan_id": "sp_404"})

    assert problem_of(answer) == (400, "validation-error", [("/success_plan_id", "exists")])


def test_a_plan_of_another_customer_is_refused(api, deal):
    SuccessPlanFactory(public_id="sp_789")

    answer = api.send(PATH, {**BODY, "success_plan_id": "sp_789"})

    assert problem_of(answer) == (400, "validation-error", [("/success_plan_id", "consistent")])


def test_a_plan_that_completed_another_deal_is_refused(api, deal):
    other = DealFactory(customer=deal.customer)
    SuccessPlan.objects.update(deal=other)

    assert problem_of(api.send(PATH, BODY)) == (409, "conflict", [])


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"baseline_kpis": {}}, [("/baseline_kpis", "required")]),
        ({"baseline_kpis": {"wishes": 1}}, [("/baseline_kpis/wishes", "unknown_member")]),
        ({"baseline_kpis": {"nps_target": 10.01}}, [("/baseline_kpis/nps_target", "range")]),
        ({"baseline_kpis": {"nps_target": "8.5"}}, [("/baseline_kpis/nps_target", "not_a_number")]),
        ({"baseline_kpis": {"nps_target": True}}, [("/baseline_kpis/nps_target", "not_a_number")]),
        (
            {"baseline_kpis": {"renewal_target": 0.97123}},
            [("/baseline_kpis/renewal_target", "precision")],
        ),
        (
            {"baseline_kpis": {"csat_target": 0, "health_target": 101}},
            [("/baseline_kpis/csat_target", "range"), ("/baseline_kpis/health_target", "range")],
        ),
        ({"baseline_kpis": [8.5]}, [("/baseline_kpis", "invalid")]),
        ({"success_plan_id": "plan_456"}, [("/success_plan_id", "pattern")]),
        ({"success_plan_id": 456}, [("/success_plan_id", "not_text")]),
        ({"notes": "call Jane"}, [("/notes", "unknown_member")]),
    ],
)
def test_a_broken_body_is_refused_with_its_pointer(api, deal, change, errors):
    answer = api.send(PATH, {**BODY, **change})

    assert problem_of(answer) == (400, "validation-error", errors)


def test_both_members_are_needed(api, deal):
    assert problem_of(api.send(PATH, {})) == (
        400,
        "validation-error",
        [("/success_plan_id", "required"), ("/baseline_kpis", "required")],
    )


def test_nothing_is_stored_after_a_refusal(api, deal):
    SuccessPlanFactory(public_id="sp_789")
    api.send(PATH, {**BODY, "success_plan_id": "sp_789"})
    api.send(PATH, {**BODY, "baseline_kpis": {"nps_target": 11}})

    assert package_of(deal).status == HandoffPackage.Status.OPEN
    assert not BaselineKpi.objects.exists()


def test_reading_rights_do_not_hand_over(client_with, deal):
    answer = client_with("cs-sales.read").send(PATH, BODY)

    assert problem_of(answer)[:2] == (403, "forbidden")
    assert package_of(deal).status == HandoffPackage.Status.OPEN


# --- reasons and trail -----------------------------------------------------------------------


def test_it_explains_gaps_and_conflict(api, deal):
    HandoffItem.objects.filter(code="champion_mapping").update(verified_by="", verified_at=None)
    Deal.objects.update(crm_amount=Decimal(124_800))

    explanation = api.send(f"{PATH}?explain=true", BODY).json()["explanation"]

    assert (explanation["rule_id"], explanation["sample_size"]) == ("sales.handoff", None)
    assert explanation["inputs"]["baseline_kpis"] == {"nps_target": 8.5}
    assert explanation["inputs"]["crm_amount"] == 124_800
    assert explanation["inputs"]["contract_amount"] == 120_000
    assert explanation["steps"]["gaps"] == {"champion_mapping": "unverified"}
    assert explanation["steps"]["amount_difference_pct"] == 4
    assert explanation["reasons"] == [
        "champion_mapping is not verified.",
        "The CRM's amount is not within 1% of the contract's.",
    ]


def test_the_trail_names_the_deal_and_keeps_the_request(api, deal):
    answer = api.send(PATH, BODY)

    record = record_of(answer)
    assert record.object_ids == ["deal_123", "sp_456"]
    assert (record.operation, record.scope_needed) == ("sales_handoff_complete", "cs-sales.write")
    assert record.customer_id == deal.customer.public_id
    assert kept_of(answer) == (
        BODY,
        {"headers": {"Content-Type": "application/json"}, "body": answer.json()},
    )
