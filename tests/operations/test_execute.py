"""POST /operations/execute/{workflow_id}/{customer_id}"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from cs_integrations.customers.models import HealthSnapshot, Segment
from operations.models import Escalation, WorkflowExecution
from tests.clients import kept_of, record_of
from tests.factories import NOON, TODAY, CustomerFactory, HealthSnapshotFactory, StakeholderFactory
from tests.operations.executions import PATH, TIER_2, at_tier, executed
from tests.operations.factories import (
    AbsenceFactory,
    AccountSkillNeedFactory,
    AssignmentFactory,
    CsmFactory,
    CsmSkillFactory,
    SkillFactory,
    WorkflowDefinitionFactory,
    WorkflowExecutionFactory,
    WorkflowStepFactory,
)

pytestmark = pytest.mark.django_db


def executed_for(customer):
    return WorkflowExecution.objects.get(customer=customer)


# --- begin ---------------------------------------------------------------------------------


def test_it_gives_the_specified_example(api, customer, senior):
    answer = api.send(PATH, TIER_2)

    assert answer.status_code == 202
    assert list(answer.json().items()) == [
        ("execution_id", executed().public_id),
        ("sla_target", "4h"),
        ("current_status", "in_progress"),
    ]
    assert answer["Location"].endswith(f"/operations/executions/{executed().public_id}")
    assert api.get(answer["Location"]).status_code == 200


def test_automated_steps_run_and_the_first_one_of_a_person_is_open(api, customer, senior):
    api.send(PATH, TIER_2)

    automated, *human = executed().steps.order_by("position")
    assert automated.result == {
        "health_score": 76,
        "zone": "yellow",
        "measured_date": TODAY.isoformat(),
    }
    assert [step.status for step in (automated, *human)] == ["done", "open", "pending", "pending"]


def test_it_stores_what_the_service_level_promises(api, customer, senior):
    api.send(PATH, TIER_2)

    execution = executed()
    assert (execution.tier, execution.due_at) == (2, NOON + timedelta(hours=4))
    assert execution.escalates_at == NOON + timedelta(minutes=192)
    assert execution.parameters == {"channel": "call"}
    escalation = Escalation.objects.get()
    assert (escalation.tier, escalation.due_at) == (2, execution.due_at)


@pytest.mark.usefixtures("customer", "senior")
@pytest.mark.parametrize(
    ("tier", "text", "escalations"), [(1, "24h", 0), (2, "4h", 1), (3, "1h", 1), (4, "15m", 1)]
)
def test_each_tier_has_its_service_level(api, tier, text, escalations):
    assert api.send(PATH, at_tier(tier)).json()["sla_target"] == text
    assert Escalation.objects.count() == escalations


@pytest.mark.parametrize("body", [{}, {"parameters": {}}])
def test_without_a_tier_the_workflow_has_its_own(api, customer, senior, body):
    answer = api.send(PATH + "?explain=true", body)

    assert executed().tier == 2
    assert "No tier was sent" in " ".join(answer.json()["explanation"]["reasons"])


def test_a_mid_market_account_is_served_in_its_business_hours(api, customer, senior):
    customer.segment, customer.timezone = Segment.MID_MARKET, "America/New_York"
    customer.save()

    api.send(PATH, TIER_2)

    # Noon UTC is 8 in New York: the clock starts an hour later.
    assert executed().due_at == NOON + timedelta(hours=5)


def test_an_execution_keeps_its_steps_when_the_playbook_changes(api, customer, senior):
    workflow = WorkflowDefinitionFactory(public_id="wf_7")
    WorkflowStepFactory(workflow=workflow, name="Ring them up")
    api.send("/operations/execute/wf_7/cust_123", TIER_2)

    workflow.steps.update(name="Write to them")

    assert executed().steps.get().name == "Ring them up"


def test_a_workflow_without_steps_is_complete_at_once(api, customer, senior):
    WorkflowDefinitionFactory(public_id="wf_7")

    answer = api.send("/operations/execute/wf_7/cust_123", TIER_2)

    assert answer.json()["current_status"] == "completed"
    assert Escalation.objects.get().resolved_at == NOON


# --- who takes it --------------------------------------------------------------------------


def test_skill_decides_among_the_free(api, customer):
    CsmFactory(code="csm_other")
    skilled = CsmSkillFactory(csm=CsmFactory(code="csm_skilled"))
    AccountSkillNeedFactory(customer=customer, skill=skilled.skill)

    api.send(PATH, TIER_2)

    assert executed().assignee.code == "csm_skilled"


def test_of_equals_the_accounts_own_lead_takes_it(api, customer):
    CsmFactory(code="csm_a")
    AssignmentFactory(customer=customer, csm=CsmFactory(code="csm_b"))

    api.send(PATH, TIER_2)

    assert executed().assignee.code == "csm_b"


@pytest.mark.parametrize(
    ("end_date", "assignee"),
    [(TODAY + timedelta(days=60), "csm_b"), (TODAY, "csm_a")],
    ids=["leads for 60 days more", "leads no more"],
)
def test_a_lead_counts_until_the_assignment_ends(api, customer, end_date, assignee):
    CsmFactory(code="csm_a")
    AssignmentFactory(customer=customer, csm=CsmFactory(code="csm_b"), end_date=end_date)

    api.send(PATH, TIER_2)

    assert executed().assignee.code == assignee


def test_free_hours_decide_among_the_equally_skilled(api, customer):
    busy, idle = CsmFactory(code="csm_a"), CsmFactory(code="csm_b")
    WorkflowExecutionFactory.create_batch(3, assignee=busy)

    api.send(PATH, TIER_2)

    assert executed_for(customer).assignee == idle


def test_past_success_with_the_segment_decides_too(api, customer):
    good, bad = CsmFactory(code="csm_b"), CsmFactory(code="csm_a")
    other = CustomerFactory(segment=Segment.ENTERPRISE)
    for csm, status in ((good, "completed"), (bad, "failed")):
        WorkflowExecutionFactory(ended=True, status=status, assignee=csm, customer=other)

    api.send(PATH, TIER_2)

    assert executed_for(customer).assignee == good


def test_a_red_customer_with_an_executive_sponsor_goes_to_a_senior(api, customer, senior):
    """ITP T5.2: priority critical, senior CSM."""
    skilled = CsmSkillFactory(csm=CsmFactory(code="csm_skilled"))
    AccountSkillNeedFactory(customer=customer, skill=skilled.skill)
    StakeholderFactory(customer=customer, sponsor=True)
    HealthSnapshot.objects.update(score=45)

    answer = api.send(PATH + "?explain=true", TIER_2)

    assert (executed().priority, executed().assignee) == ("critical", senior)
    explanation = answer.json()["explanation"]
    assert explanation["steps"]["assignee"] == "csm_senior"
    assert "The customer's health is red (45.00)." in explanation["reasons"]


def test_a_sudden_drop_is_pressing_even_in_the_yellow_zone(api, customer, senior):
    HealthSnapshotFactory(
        customer=customer, measured_date=TODAY - timedelta(days=20), score=Decimal(97)
    )

    api.send(PATH, TIER_2)

    assert executed().priority == "high"


@pytest.mark.parametrize(
    ("reason", "spoil"),
    [
        ("absent today", lambda csm: AbsenceFactory(csm=csm)),
        (
            "has left",
            lambda csm: type(csm).objects.update(active_to=TODAY - timedelta(days=1)),
        ),
        ("not here yet", lambda csm: type(csm).objects.update(active_from=date(2026, 6, 16))),
        (
            "carries ten already",
            lambda csm: WorkflowExecutionFactory.create_batch(10, assignee=csm),
        ),
    ],
)
def test_when_nobody_is_free_it_awaits_a_person(api, customer, senior, reason, spoil):
    spoil(senior)

    answer = api.send(PATH + "?explain=true", TIER_2)

    assert answer.json()["current_status"] == "awaiting_human", reason
    assert executed_for(customer).assignee is None
    assert "No CSM is free." in answer.json()["explanation"]["reasons"]


def test_a_person_is_missing_for_the_first_step_so_it_is_queued(api, customer):
    workflow = WorkflowDefinitionFactory(public_id="wf_7")
    WorkflowStepFactory(workflow=workflow)

    answer = api.send("/operations/execute/wf_7/cust_123", TIER_2)

    assert answer.json()["current_status"] == "queued"
    assert executed().started_at is None


def test_the_twenty_first_is_queued_not_refused(api, customer, senior):
    WorkflowExecutionFactory.create_batch(20)

    answer = api.send(PATH + "?explain=true", TIER_2)

    assert answer.status_code == 202
    assert answer.json()["current_status"] == "queued"
    assert "At most 20 executions run" in " ".join(answer.json()["explanation"]["reasons"])
    assert not executed_for(customer).steps.exclude(status="pending").exists()


# --- the trail -----------------------------------------------------------------------------


def test_the_record_names_both_objects_and_keeps_no_parameter(api, customer, senior):
    workflow = WorkflowDefinitionFactory(
        public_id="wf_7", param_schema={"remark": {"type": "string"}}
    )
    WorkflowStepFactory(workflow=workflow)

    answer = api.send(
        "/operations/execute/wf_7/cust_123?explain=true",
        {"parameters": {"remark": "Carla is ill"}},
    )

    record = record_of(answer)
    assert record.operation == "operations_execute"
    assert record.customer_id == "cust_123"
    assert record.object_ids == ["wf_7", "cust_123", answer.json()["execution_id"]]
    request, response = kept_of(answer)
    assert request.keys() == {"parameters"}
    assert request["parameters"].startswith("sha256:")
    assert response["body"]["explanation"].startswith("sha256:")
    assert executed().parameters == {"remark": "Carla is ill"}


def test_the_explanation_shows_how_the_choice_fell(api, customer, senior):
    AccountSkillNeedFactory(customer=customer, skill=SkillFactory())

    explanation = api.send(PATH + "?explain=true", TIER_2).json()["explanation"]

    assert explanation["rule_id"] == "operations.workflow_execution"
    inputs = explanation["inputs"]
    assert (inputs["health_score"], inputs["requested_tier"]) == (76, 2)
    assert inputs["skill_needs"] == {"enterprise_complexity": 1}
    assert explanation["steps"]["candidates"]["csm_senior"] == {
        "skill_cover": 0,
        "free_capacity": 1,
        "past_success": None,
        "total": 0.375,
    }
    assert explanation["steps"]["due_at"] == datetime(2026, 6, 15, 16, tzinfo=UTC).isoformat()
    assert "No finished execution with this segment yet: csm_senior." in explanation["reasons"]
