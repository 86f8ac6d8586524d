"""POST /operations/execute/{workflow_id}/{customer_id}: its automated steps"""

from datetime import timedelta

import pytest

from operations.models import Escalation, ExecutionStep
from tests.factories import NOON, TODAY, CustomerFactory
from tests.operations.executions import TIER_2, at_tier, executed
from tests.operations.factories import (
    AssignmentFactory,
    CsmFactory,
    WorkflowDefinitionFactory,
    WorkflowStepFactory,
)

pytestmark = pytest.mark.django_db


def test_an_alert_makes_automated_work_an_escalation(api, customer, senior):
    api.send("/operations/execute/wf_102/cust_123", at_tier(1))

    escalation = Escalation.objects.get()
    assert (escalation.tier, escalation.cause) == (1, "alert")
    alert = executed().steps.get(action="raise_alert")
    assert (alert.status, alert.result["escalation_tier"]) == ("done", 1)


def test_an_alert_of_an_escalation_opens_no_second_one(api, customer, senior):
    api.send("/operations/execute/wf_102/cust_123", TIER_2)

    assert Escalation.objects.get().cause == "requested"


def test_the_team_that_is_told_is_the_accounts_own(api, customer, senior):
    AssignmentFactory(
        customer=customer,
        csm=CsmFactory(code="csm_lead"),
        end_date=TODAY + timedelta(days=60),
    )
    AssignmentFactory(customer=customer, csm=CsmFactory(code="csm_past"), end_date=TODAY)
    AssignmentFactory(csm=CsmFactory(code="csm_stranger"))

    api.send("/operations/execute/wf_101/cust_123", TIER_2)

    told = set(executed().steps.get(action="notify_team").result["csm_codes"])
    assert told == {"csm_lead", executed().assignee.code}


def test_a_step_that_fails_is_planned_again_and_says_why(api, customer):
    answer = api.send("/operations/execute/wf_101/cust_123", TIER_2)

    step = executed().steps.get(action="notify_team")
    assert answer.json()["current_status"] == "in_progress"
    assert (step.status, step.failures, step.retry_at) == ("open", 1, NOON + timedelta(seconds=1))
    assert step.result == {"failure": "Nobody looks after this customer, so nobody can be told."}


def test_an_action_that_nothing_performs_is_no_success(api, customer, senior):
    workflow = WorkflowDefinitionFactory(public_id="wf_7")
    WorkflowStepFactory(workflow=workflow, kind="auto", action="do_magic")

    api.send("/operations/execute/wf_7/cust_123", TIER_2)

    step = ExecutionStep.objects.get()
    assert (step.status, step.result) == (
        "open",
        {"failure": "There is no automated action do_magic."},
    )


@pytest.mark.usefixtures("customer", "senior")
@pytest.mark.parametrize(
    ("workflow_id", "action", "result"),
    [
        ("wf_104", "record_weak_features", {"features": []}),
        ("wf_105", "record_readiness", {"readiness_score": None}),
        ("wf_106", "record_contract", {"contract_id": None}),
    ],
)
def test_what_other_domains_know_is_recorded(api, workflow_id, action, result):
    api.send(f"/operations/execute/{workflow_id}/cust_123", TIER_2)

    step = executed().steps.get(action=action)
    assert (step.status, step.result) == ("done", result)


def test_without_computed_health_the_record_says_so(api, senior):
    CustomerFactory(public_id="cust_1")

    answer = api.send("/operations/execute/wf_123/cust_1?explain=true", TIER_2)

    assert executed().steps.get(action="record_health").result == {"health_score": None}
    assert "no computed health" in " ".join(answer.json()["explanation"]["reasons"])
