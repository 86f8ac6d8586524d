"""How an execution goes on: its tier, its CSM, its steps, its status.

Callers hold the customer's row and the turn (``take_turn``), so that no two of them count the
running slots or a CSM's open executions at once.
"""

from datetime import datetime

from django.db import connection, transaction

from cs_integrations.customers.models import Customer
from cs_integrations.explanation import plain
from operations import queries, rules
from operations.actions.automation import AutomationFailed, perform
from operations.actions.escalations import open_escalation, resolve_escalation
from operations.models import RUNNING, Csm, Escalation, ExecutionStep, WorkflowExecution
from operations.rules import OperationsParameters

_TAKE_TURN = "SELECT pg_advisory_xact_lock(hashtextextended('operations.assignment', 0))"


def take_turn() -> None:
    """Wait until no other transaction decides on slots and CSMs; hold the turn to the end."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_TURN)


def rise(
    execution: WorkflowExecution, at: datetime, parameters: OperationsParameters
) -> tuple[str, ...]:
    """Store the tiers that the execution rose by waiting; say which."""
    told: list[str] = []
    due = rules.due_escalations(
        status=rules.ExecutionStatus(execution.status),
        current=queries.stored_schedule(execution),
        segment=queries.stored_segment(execution),
        timezone=execution.customer.timezone,
        at=at,
        parameters=parameters,
    )
    for schedule in due:
        told.append(f"Nobody took it for 80% of the time; it rose to tier {schedule.tier}.")
        told += schedule.reasons
        enter_tier(execution, schedule, Escalation.Cause.WAITED, parameters)
    return tuple(told)


def enter_tier(
    execution: WorkflowExecution,
    schedule: rules.TierSchedule,
    cause: Escalation.Cause,
    parameters: OperationsParameters,
) -> None:
    """Begin a tier: the escalation of the one before is resolved, the next one opened."""
    execution.tier = schedule.tier
    execution.tier_started_at = schedule.started_at
    execution.sla_target = schedule.sla_target
    execution.due_at = schedule.due_at
    execution.escalates_at = schedule.escalates_at
    execution.save(
        update_fields=["tier", "tier_started_at", "sla_target", "due_at", "escalates_at"]
    )
    resolve_escalation(execution=execution, at=schedule.started_at)
    open_if_escalated(execution, cause, schedule.started_at, parameters)


def open_if_escalated(
    execution: WorkflowExecution,
    cause: Escalation.Cause,
    at: datetime,
    parameters: OperationsParameters,
) -> None:
    """Open an escalation if the execution's tier is one."""
    if rules.opens_escalation(tier=execution.tier, parameters=parameters):
        open_escalation(execution=execution, cause=cause, at=at)


def find_assignee(
    execution: WorkflowExecution, at: datetime, parameters: OperationsParameters
) -> tuple[str, ...]:
    """Assign whoever is free now, if nobody is assigned; say why the choice fell as it did."""
    if execution.assignee is not None:
        return ()
    _, routing = route(execution.customer, at, parameters)
    execution.assignee = assigned_csm(routing)
    execution.save(update_fields=["assignee"])
    return routing.reasons


def route(
    customer: Customer, at: datetime, parameters: OperationsParameters
) -> tuple[queries.Situation, rules.Routing]:
    """Return how pressing the customer is and who takes its execution, None when nobody is free."""
    day = at.date()
    found = queries.situations(customer_ids=[customer.pk], on=day, parameters=parameters)
    situation = found[customer.pk]
    routing = rules.route_execution(
        urgency=situation.urgency,
        candidates=queries.candidates(customer=customer, on=day, parameters=parameters),
        needs=situation.skill_needs,
        parameters=parameters,
    )
    return situation, routing


def assigned_csm(routing: rules.Routing) -> Csm | None:
    """Return the CSM that the routing chose; None when nobody is free."""
    return Csm.objects.get(code=routing.csm_code) if routing.csm_code else None


def advance(
    execution: WorkflowExecution, at: datetime, parameters: OperationsParameters
) -> rules.ExecutionState:
    """Do the steps that can be done now, in their order, and store the status that follows.

    Automated steps run; the first step of a person is opened if somebody is assigned.
    """
    steps = list(execution.steps.order_by("position"))
    is_admitted = execution.status in RUNNING or rules.has_free_slot(
        running=queries.running_executions(), parameters=parameters
    )
    while True:
        state = rules.execution_state(
            steps=[
                rules.StepState(
                    kind=rules.StepKind(step.kind), status=rules.StepStatus(step.status)
                )
                for step in steps
            ],
            is_admitted=is_admitted,
            has_assignee=execution.assignee is not None,
            parameters=parameters,
        )
        if state.next_index is None or state.status is not rules.ExecutionStatus.IN_PROGRESS:
            break
        if not _has_ended(steps[state.next_index], execution, at, parameters):
            break
    store_status(execution, state.status, at)
    return state


def store_status(execution: WorkflowExecution, status: rules.ExecutionStatus, at: datetime) -> None:
    """Store the status with the times that belong to it; an end resolves the escalation."""
    execution.status = WorkflowExecution.Status(status.value)
    is_finished = status in rules.FINISHED_STATUSES
    has_begun = status not in (rules.ExecutionStatus.QUEUED, rules.ExecutionStatus.CANCELLED)
    if has_begun and execution.started_at is None:
        execution.started_at = at
    execution.finished_at = at if is_finished else None
    execution.save(update_fields=["status", "started_at", "finished_at"])
    if is_finished:
        resolve_escalation(execution=execution, at=at)


def _has_ended(
    step: ExecutionStep,
    execution: WorkflowExecution,
    at: datetime,
    parameters: OperationsParameters,
) -> bool:
    """Open the step, and do it if it is automated; say whether it is done or has failed."""
    if step.retry_at is not None and step.retry_at > at:
        return False
    step.opened_at = step.opened_at or at
    step.status = ExecutionStep.Status.OPEN
    if step.kind == rules.StepKind.AUTO:
        _perform(step, execution, at, parameters)
    step.save()
    return step.status != ExecutionStep.Status.OPEN


def _perform(
    step: ExecutionStep,
    execution: WorkflowExecution,
    at: datetime,
    parameters: OperationsParameters,
) -> None:
    step.retry_at = None
    try:
        with transaction.atomic():  # a step that fails leaves nothing half done
            result = perform(action=step.action, execution=execution, at=at)
    except AutomationFailed as failure:
        step.failures += 1
        step.result = {"failure": str(failure)}
        delay = rules.retry_delay(failures=step.failures, parameters=parameters)
        if delay is None:
            step.status = ExecutionStep.Status.FAILED
            step.finished_at = at
        else:
            step.retry_at = at + delay
        return
    step.result = plain(result)
    step.status = ExecutionStep.Status.DONE
    step.finished_at = at
