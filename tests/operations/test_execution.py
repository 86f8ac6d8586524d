"""GET /operations/executions/{execution_id}"""

from datetime import timedelta

import pytest

from operations.models import Escalation, WorkflowExecution
from tests.clients import problem_of, record_of
from tests.factories import NOON, CustomerFactory
from tests.operations.factories import (
    EARLIER,
    ExecutionStepFactory,
    WorkflowExecutionFactory,
)

pytestmark = pytest.mark.django_db

PATH = "/operations/executions/exec_567"


@pytest.fixture
def execution():
    execution = WorkflowExecutionFactory(
        public_id="exec_567", workflow__public_id="wf_7", assignee__code="csm_senior"
    )
    ExecutionStepFactory(
        execution=execution,
        position=2,
        name="Call them",
        status="open",
    )
    ExecutionStepFactory(
        execution=execution,
        position=1,
        kind="auto",
        name="Raise an alert",
        status="done",
        finished_at=EARLIER,
    )
    return execution


def test_it_says_where_the_execution_stands(api, execution):
    answer = api.read(PATH)

    assert answer.status_code == 200
    assert list(answer.json().items()) == [
        ("execution_id", "exec_567"),
        ("workflow_id", "wf_7"),
        ("customer_id", execution.customer.public_id),
        ("current_status", "in_progress"),
        ("escalation_tier", 2),
        ("sla_target", "4h"),
        ("due_at", "2026-06-15T15:00:00+00:00"),
        ("assignee", "csm_senior"),
        (
            "steps",
            [
                {"name": "Raise an alert", "kind": "auto", "status": "done"},
                {"name": "Call them", "kind": "human", "status": "open"},
            ],
        ),
    ]


def test_it_follows_the_stored_facts(api, execution):
    WorkflowExecution.objects.update(status="completed", finished_at=NOON)

    assert api.read(PATH).json()["current_status"] == "completed"


def test_the_tiers_risen_by_waiting_are_shown_and_nothing_is_written(api):
    WorkflowExecutionFactory(
        public_id="exec_567", waiting=True, escalates_at=NOON - timedelta(minutes=1)
    )

    answer = api.read(PATH + "?explain=true").json()

    assert (answer["escalation_tier"], answer["sla_target"]) == (3, "1h")
    assert answer["due_at"] == (NOON + timedelta(minutes=59)).isoformat()
    assert answer["assignee"] is None
    assert answer["explanation"]["inputs"]["stored_tier"] == 2
    assert answer["explanation"]["reasons"] == [
        "It waited for 80% of tier 2's time and rose to 3.",
        "Nobody is assigned.",
    ]
    assert WorkflowExecution.objects.get().tier == 2
    assert not Escalation.objects.exists()


def test_who_is_assigned_rises_no_more(api, execution):
    WorkflowExecution.objects.update(escalates_at=NOON - timedelta(minutes=1))

    assert api.read(PATH).json()["escalation_tier"] == 2


@pytest.mark.parametrize(
    ("finished_at", "due_at", "is_overdue", "reason"),
    [
        (None, NOON + timedelta(seconds=1), False, "time is left"),
        (None, NOON - timedelta(seconds=1), True, "it is still open"),
        (NOON - timedelta(hours=1), NOON - timedelta(minutes=1), False, "it ended in time"),
    ],
)
def test_the_explanation_says_whether_it_is_late(api, finished_at, due_at, is_overdue, reason):
    status = "completed" if finished_at else "in_progress"
    WorkflowExecutionFactory(
        public_id="exec_567", status=status, finished_at=finished_at, due_at=due_at
    )

    steps = api.read(PATH + "?explain=true").json()["explanation"]["steps"]

    assert steps["is_overdue"] is is_overdue, reason


def test_the_explanation_counts_failed_tries(api, execution):
    execution.steps.filter(position=2).update(failures=2)

    steps = api.read(PATH + "?explain=true").json()["explanation"]["steps"]

    assert steps["failures"] == {"Call them": 2}


@pytest.mark.parametrize("execution_id", ["exec_404", "exec_", "wf_7", "exec_5-67", "exec_%00"])
def test_an_unknown_execution_is_not_found(api, execution, execution_id):
    answer = api.read(f"/operations/executions/{execution_id}")

    assert problem_of(answer) == (404, "not-found", [])
    assert answer.json()["detail"] == "There is no execution with this id."


def test_the_execution_of_a_deleted_customer_is_not_found(api):
    WorkflowExecutionFactory(public_id="exec_567", customer=CustomerFactory(deleted=True))

    assert problem_of(api.read(PATH)) == (404, "not-found", [])


def test_the_record_names_the_execution(api, execution):
    record = record_of(api.read(PATH))

    assert record.operation == "operations_execution"
    assert record.customer_id == execution.customer.public_id
    assert record.object_ids == ["exec_567", "wf_7", execution.customer.public_id]
