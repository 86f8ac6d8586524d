"""POST /operations/execute/{workflow_id}/{customer_id}: repeats"""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from operations.models import Escalation, WorkflowDefinition, WorkflowExecution
from tests.clients import HubClient, issue_token, problem_of
from tests.factories import NOON, CustomerFactory
from tests.operations.executions import PATH, TIER_2, at_tier, executed
from tests.operations.factories import WorkflowExecutionFactory

pytestmark = pytest.mark.django_db


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
    assert late.send(PATH, TIER_2)["Idempotent-Replayed"] == "true"  # waiting is no refusal
    assert executed().tier == 3
    assert problem_of(late.send(PATH, at_tier(1)))[0] == 409

    assert late.send(PATH, at_tier(3))["Idempotent-Replayed"] == "true"
    assert problem_of(late.send(PATH, TIER_2))[0] == 409  # tier 3 was asked for now
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
