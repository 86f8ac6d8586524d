"""POST /operations/execute/{workflow_id}/{customer_id}"""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from audit.models import AuditBody
from cs_integrations.customers.models import HealthSnapshot, Segment
from operations.models import Escalation, ExecutionStep, WorkflowDefinition, WorkflowExecution
from tests.clients import HubClient, issue_token, problem_of, record_of
from tests.factories import (
    NOON,
    TODAY,
    CustomerFactory,
    HealthSnapshotFactory,
    StakeholderFactory,
)
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

PATH = "/operations/execute/wf_123/cust_123"
TIER_2 = {"parameters": {"escalation_tier": 2}}


@pytest.fixture
def customer():
    """An enterprise account in the yellow zone, as the specification's example."""
    customer = CustomerFactory(public_id="cust_123", segment=Segment.ENTERPRISE)
    HealthSnapshotFactory(customer=customer, score=Decimal(76))
    return customer


@pytest.fixture
def senior():
    return CsmFactory(code="csm_senior", seniority="senior")


def executed():
    return WorkflowExecution.objects.get()


def executed_for(customer):
    return WorkflowExecution.objects.get(customer=customer)


def at_tier(tier):
    return {"parameters": {"escalation_tier": tier}}


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


# --- automated steps -----------------------------------------------------------------------


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
    AssignmentFactory(customer=customer, csm=CsmFactory(code="csm_lead"))
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


# --- repeats -------------------------------------------------------------------------------


def test_the_same_tier_answers_with_the_active_execution(api, customer, senior):
    first = api.send(PATH, TIER_2)

    again = api.send(PATH + "?explain=true", TIER_2)

    assert again.status_code == 202
    assert again["Idempotent-Replayed"] == "true"
    assert again["Location"] == first["Location"]
    assert first.json().items() < again.json().items()
    assert again.json()["explanation"]["steps"]["decision"] == "reuse"
    assert WorkflowExecution.objects.count() == 1
    assert Escalation.objects.count() == 1


def test_other_parameters_of_a_repeat_are_not_used_and_it_says_so(api, customer, senior):
    api.send(PATH, TIER_2)

    again = api.send(
        PATH + "?explain=true", {"parameters": {"escalation_tier": 2, "channel": "mail"}}
    )

    assert "those sent now are not used" in " ".join(again.json()["explanation"]["reasons"])
    assert executed().parameters == {"channel": "call"}


def test_a_higher_tier_escalates_the_active_execution(api, customer, senior):
    first = api.send(PATH, TIER_2).json()

    raised = api.send(PATH + "?explain=true", at_tier(3))

    assert raised.json()["execution_id"] == first["execution_id"]
    assert raised.json()["sla_target"] == "1h"
    assert "Idempotent-Replayed" not in raised
    assert raised.json()["explanation"]["steps"]["escalated_from"] == 2
    assert executed().due_at == NOON + timedelta(hours=1)
    past, present = Escalation.objects.order_by("pk")
    assert (past.tier, past.resolved_at) == (2, NOON)
    assert (present.tier, present.resolved_at) == (3, None)


def test_escalating_never_buys_time(api, customer, senior, time_machine):
    api.send(PATH, TIER_2)
    time_machine.move_to(NOON + timedelta(minutes=210), tick=False)

    token = issue_token(["cs-operations.write"]).raw
    HubClient(token=token).send(PATH, at_tier(3))

    assert executed().due_at == NOON + timedelta(hours=4)


def test_a_lower_tier_is_refused(api, customer, senior):
    api.send(PATH, at_tier(3))

    answer = api.send(PATH, TIER_2)

    assert problem_of(answer) == (409, "conflict", [])
    assert "at tier 3" in answer.json()["detail"]
    assert executed().tier == 3


def test_what_waited_too_long_has_risen_when_it_is_asked_for_again(api, customer, time_machine):
    api.send(PATH, TIER_2)
    time_machine.move_to(NOON + timedelta(minutes=193), tick=False)

    late = HubClient(token=issue_token(["cs-operations.write"]).raw)
    assert problem_of(late.send(PATH, TIER_2))[0] == 409
    assert executed().tier == 2  # nothing is kept of a refused request

    assert late.send(PATH, at_tier(3))["Idempotent-Replayed"] == "true"
    assert executed().tier == 3
    assert [(row.tier, row.cause) for row in Escalation.objects.order_by("pk")] == [
        (2, "requested"),
        (3, "waited"),
    ]


def test_a_finished_execution_does_not_stop_the_next(api, customer, senior):
    workflow = WorkflowDefinition.objects.get(public_id="wf_123")
    WorkflowExecutionFactory(ended=True, workflow=workflow, customer=customer)

    answer = api.send(PATH, TIER_2)

    assert "Idempotent-Replayed" not in answer
    assert WorkflowExecution.objects.count() == 2


def test_a_key_repeats_the_answer_and_acts_once(api, customer, senior):
    first = api.send(PATH, TIER_2, **{"Idempotency-Key": "k-1"})
    WorkflowExecution.objects.update(status="cancelled", finished_at=NOON)

    again = api.send(PATH, TIER_2, **{"Idempotency-Key": "k-1"})

    assert again.content == first.content
    assert again["Location"] == first["Location"]
    assert WorkflowExecution.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_parallel_calls_one_begins_and_the_others_repeat_its_answer(customer, senior):
    token = issue_token(["cs-operations.write"]).raw
    together = threading.Barrier(4)

    def send(_number):
        client = HubClient(token=token)
        together.wait(timeout=30)
        try:
            return client.send(PATH, TIER_2)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(send, range(4)))

    assert {answer.json()["execution_id"] for answer in answers} == {executed().public_id}
    assert sum("Idempotent-Replayed" not in answer for answer in answers) == 1


@pytest.mark.django_db(transaction=True)
def test_parallel_calls_never_overload_a_csm(senior):
    WorkflowExecutionFactory.create_batch(8, assignee=senior)
    customers = CustomerFactory.create_batch(4)
    token = issue_token(["cs-operations.write"]).raw
    together = threading.Barrier(4)

    def send(customer):
        client = HubClient(token=token)
        together.wait(timeout=30)
        try:
            return client.send(f"/operations/execute/wf_123/{customer.public_id}", TIER_2)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        statuses = [answer.json()["current_status"] for answer in pool.map(send, customers)]

    assert sorted(statuses) == ["awaiting_human"] * 2 + ["in_progress"] * 2


# --- refusals ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("wf_404/cust_123", "workflow"),
        ("wf_/cust_123", "workflow"),
        ("wf_retention_recovery/cust_123", "workflow"),
        ("wf_123%00/cust_123", "workflow"),
        ("wf_123/cust_404", "customer"),
        ("wf_123/wf_123", "customer"),
    ],
)
def test_an_unknown_object_is_not_found_and_named(api, customer, path, kind):
    answer = api.send(f"/operations/execute/{path}", TIER_2)

    assert problem_of(answer) == (404, "not-found", [])
    assert answer.json()["detail"] == f"There is no {kind} with this id."


def test_a_deleted_customer_is_not_found(api):
    CustomerFactory(public_id="cust_123", deleted=True)

    assert problem_of(api.send(PATH, TIER_2))[0] == 404


def test_a_workflow_out_of_use_is_refused(api, customer, senior):
    WorkflowDefinition.objects.filter(public_id="wf_123").update(is_active=False)

    answer = api.send(PATH, TIER_2)

    assert problem_of(answer) == (409, "conflict", [])
    assert answer.json()["detail"] == "The workflow is out of use."


@pytest.mark.usefixtures("customer", "senior")
@pytest.mark.parametrize(
    ("body", "pointer", "rule"),
    [
        ({"parameters": 2}, "/parameters", "not_an_object"),
        ({"parameters": None}, "/parameters", "null"),
        ({"parameters": {str(n): n for n in range(31)}}, "/parameters", "max_length"),
        ({"tier": 2}, "/tier", "unknown_member"),
        (at_tier(0), "/parameters/escalation_tier", "minimum"),
        (at_tier(5), "/parameters/escalation_tier", "maximum"),
        (at_tier("2"), "/parameters/escalation_tier", "type"),
        (at_tier(True), "/parameters/escalation_tier", "type"),
        (at_tier(2.5), "/parameters/escalation_tier", "type"),
        (at_tier(None), "/parameters/escalation_tier", "type"),
        ({"parameters": {"a/b": 1}}, "/parameters/a~1b", "unknown"),
        ({"parameters": {"channel": "pigeon"}}, "/parameters/channel", "enum"),
    ],
)
def test_a_member_that_breaks_a_rule_is_named(api, body, pointer, rule):
    answer = api.send(PATH, body)

    assert problem_of(answer) == (400, "validation-error", [(pointer, rule)])
    assert not WorkflowExecution.objects.exists()


def test_a_parameter_that_the_workflow_needs_must_be_sent(api, customer, senior):
    WorkflowDefinitionFactory(
        public_id="wf_7",
        param_schema={"goal": {"type": "string", "required": True}},
    )

    answer = api.send("/operations/execute/wf_7/cust_123", TIER_2)

    assert problem_of(answer) == (400, "validation-error", [("/parameters/goal", "required")])


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
    assert record.objects_named == {"workflow_id": "wf_7", "customer_id": "cust_123"}
    body = AuditBody.objects.get(pk=record.pk)
    assert b"Carla" not in bytes(body.request) + bytes(body.response)
    assert b"remark" in bytes(body.response)
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
