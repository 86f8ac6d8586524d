"""What people and the clock do to an execution after its request."""

from datetime import datetime

from cs_integrations.customers.models import Customer
from cs_integrations.lookup import find
from cs_integrations.refusals import StateConflict
from operations import queries, rules
from operations.actions.progress import (
    advance,
    find_assignee,
    rise,
    store_status,
    take_turn,
)
from operations.models import FINISHED, Escalation, ExecutionStep, WorkflowExecution
from operations.rules import PARAMETERS, OperationsParameters


def advance_execution(
    *, execution_id: str, at: datetime, parameters: OperationsParameters = PARAMETERS
) -> str:
    """Do what is due: rise a tier, find a CSM or a slot, retry a step. Return the status.

    :raises UnknownObject: there is no such execution
    """
    execution = _claim(execution_id)
    if execution.status not in FINISHED:
        rise(execution, at, parameters)
        find_assignee(execution, at, parameters)
        advance(execution, at, parameters)
    return execution.status


def finish_step(
    *, execution_id: str, at: datetime, parameters: OperationsParameters = PARAMETERS
) -> str:
    """Mark the open step of a person as done and go on; return the execution's status.

    :raises UnknownObject: there is no such execution
    :raises StateConflict: no step of a person is open
    """
    execution = _claim(execution_id)
    step = execution.steps.filter(
        status=ExecutionStep.Status.OPEN, kind=rules.StepKind.HUMAN.value
    ).first()
    if step is None or execution.status in FINISHED:
        raise StateConflict("No step of this execution is open for a person.")
    step.status = ExecutionStep.Status.DONE
    step.finished_at = at
    step.save(update_fields=["status", "finished_at"])
    advance(execution, at, parameters)
    return execution.status


def cancel_execution(*, execution_id: str, at: datetime) -> str:
    """Cancel an execution that has not finished; return its status.

    :raises UnknownObject: there is no such execution
    :raises StateConflict: it has finished
    """
    execution = _claim(execution_id)
    if execution.status in FINISHED:
        raise StateConflict("The execution has finished.")
    execution.steps.filter(retry_at__isnull=False).update(retry_at=None)
    store_status(execution, rules.ExecutionStatus.CANCELLED, at)
    return execution.status


def note_breaches(*, at: datetime) -> int:
    """Mark the open escalations that are past their due time; return how many are new."""
    return Escalation.objects.filter(
        resolved_at__isnull=True, breached_at__isnull=True, due_at__lt=at
    ).update(breached_at=at)


def _claim(execution_id: str) -> WorkflowExecution:
    """Return the execution with all locks that a change of it needs."""
    customer_id = find(queries.known_executions(), execution_id).customer_id
    Customer.objects.select_for_update(no_key=True).get(pk=customer_id)
    take_turn()
    return queries.known_executions().get(public_id=execution_id)
