"""A request for a workflow: begin it, or repeat or escalate the one that is active.

Locks are taken in one order: the customer's row, then the turn to decide on slots and CSMs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cs_integrations.customers.models import Customer
from cs_integrations.customers.queries import known_customers
from cs_integrations.explanation import Outcome
from cs_integrations.lookup import find
from cs_integrations.refusals import InvalidMember, StateConflict
from operations import queries, rules
from operations.actions.progress import (
    advance,
    assigned_csm,
    enter_tier,
    find_assignee,
    open_if_escalated,
    rise,
    route,
    take_turn,
)
from operations.models import Escalation, ExecutionStep, WorkflowDefinition, WorkflowExecution
from operations.rules import PARAMETERS, OperationsParameters, RepeatDecision


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """What became of a request: the execution, what was decided, and why."""

    execution: WorkflowExecution
    decision: RepeatDecision
    inputs: Mapping[str, Any]
    steps: Mapping[str, Any]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """What is asked for: a workflow for a customer at a tier."""

    workflow: WorkflowDefinition
    customer: Customer
    tier: int
    values: Mapping[str, Any]  # checked, without the tier
    at: datetime
    parameters: OperationsParameters


def execute_workflow(
    *,
    workflow_id: str,
    customer_id: str,
    given: Mapping[str, Any],
    at: datetime,
    parameters: OperationsParameters = PARAMETERS,
) -> Outcome:
    """Begin a workflow for a customer, or repeat or escalate the one that is active.

    ``given`` are the caller's parameters, ``escalation_tier`` among them.

    :raises UnknownObject: there is no such workflow or customer
    :raises InvalidMember: a parameter is unknown, missing or out of its bounds
    :raises StateConflict: the workflow is out of use, or was asked for at a higher tier
    """
    workflow = find(WorkflowDefinition.objects.all(), workflow_id)
    # The row lock puts two requests for one customer in an order.
    customer = find(known_customers().select_for_update(no_key=True), customer_id)
    checked = _check(workflow, given, parameters)
    order = _Order(
        workflow=workflow,
        customer=customer,
        tier=checked.tier,
        values=checked.values,
        at=at,
        parameters=parameters,
    )
    turn = _take(order)
    if turn.decision is RepeatDecision.REFUSE:
        raise StateConflict(
            "The workflow is active for this customer and was asked for at tier"
            f" {turn.execution.requested_tier}; a lower tier cannot be asked for."
        )
    return queries.execution_outcome(
        execution=turn.execution,
        inputs={"requested_tier": checked.tier, **turn.inputs},
        steps={"decision": turn.decision, **turn.steps},
        reasons=(*checked.reasons, *turn.reasons),
        replayed=turn.decision is RepeatDecision.REUSE,
    )


def start_workflow(*, code: str, customer_id: int, tier: int, at: datetime) -> str:
    """Start a workflow by its code for another domain; return the execution's public id.

    An active execution of the pair is reused, and escalated when ``tier`` is higher.

    :raises StateConflict: no such workflow is in use, or it needs parameters of its own
    """
    workflow = WorkflowDefinition.objects.filter(code=code).first()
    if workflow is None:
        raise StateConflict(f"There is no workflow {code}.")
    customer = Customer.objects.select_for_update(no_key=True).get(pk=customer_id)
    checked = rules.check_parameters(
        given={}, schema=workflow.param_schema, default_tier=workflow.default_tier
    )
    if checked.faults:
        raise StateConflict(f"The workflow {code} needs parameters of its own.")
    order = _Order(
        workflow=workflow,
        customer=customer,
        tier=tier,
        values=checked.values,
        at=at,
        parameters=PARAMETERS,
    )
    return _take(order).execution.public_id


def _check(
    workflow: WorkflowDefinition, given: Mapping[str, Any], parameters: OperationsParameters
) -> rules.CheckedParameters:
    checked = rules.check_parameters(
        given=given,
        schema=workflow.param_schema,
        default_tier=workflow.default_tier,
        parameters=parameters,
    )
    for fault in checked.faults:
        raise InvalidMember(fault.detail, pointer=fault.pointer, rule=fault.rule)
    return checked


def _take(order: _Order) -> _Turn:
    """Start, repeat or escalate, whichever the pair's active execution makes of the order."""
    if not order.workflow.is_active:
        raise StateConflict("The workflow is out of use.")
    take_turn()
    execution = (
        queries.active_executions().filter(workflow=order.workflow, customer=order.customer).first()
    )
    if execution is None:
        return _start(order)
    risen = rise(execution, order.at, order.parameters)
    decision = rules.repeat_decision(
        active_tier=execution.tier,
        asked_tier=execution.requested_tier,
        requested_tier=order.tier,
    )
    if decision is RepeatDecision.ESCALATE:
        return _escalate(execution, order, risen)
    if order.tier > execution.requested_tier:
        _note_request(execution, order.tier)
    reasons = [*risen, "The workflow is active for this customer already."]
    if execution.parameters != order.values:
        reasons.append("The parameters it began with hold; those sent now are not used.")
    return _Turn(
        execution=execution, decision=decision, inputs={}, steps={}, reasons=tuple(reasons)
    )


def _start(order: _Order) -> _Turn:
    situation, routing = route(order.customer, order.at, order.parameters)
    schedule = rules.tier_schedule(
        tier=order.tier,
        at=order.at,
        segment=rules.Segment(order.customer.segment),
        timezone=order.customer.timezone,
        parameters=order.parameters,
    )
    running = queries.running_executions()
    execution = WorkflowExecution.objects.create(
        workflow=order.workflow,
        workflow_version=order.workflow.version,
        customer=order.customer,
        status=WorkflowExecution.Status.QUEUED,
        parameters=dict(order.values),
        tier=schedule.tier,
        requested_tier=schedule.tier,
        priority=situation.urgency.priority.value,
        assignee=assigned_csm(routing),
        requested_at=order.at,
        tier_started_at=schedule.started_at,
        sla_target=schedule.sla_target,
        due_at=schedule.due_at,
        escalates_at=schedule.escalates_at,
    )
    _copy_steps(execution)
    open_if_escalated(execution, Escalation.Cause.REQUESTED, order.at, order.parameters)
    state = advance(execution, order.at, order.parameters)
    return _Turn(
        execution=execution,
        decision=RepeatDecision.START,
        inputs={**_situation_facts(situation), "running_executions": running},
        steps=_routing_steps(routing),
        reasons=(*schedule.reasons, *routing.reasons, *state.reasons),
    )


def _escalate(execution: WorkflowExecution, order: _Order, risen: tuple[str, ...]) -> _Turn:
    before = execution.tier
    schedule = rules.tier_schedule(
        tier=order.tier,
        at=order.at,
        segment=queries.stored_segment(execution),
        timezone=order.customer.timezone,
        promised=execution.due_at,
        parameters=order.parameters,
    )
    enter_tier(execution, schedule, Escalation.Cause.REQUESTED, order.parameters)
    _note_request(execution, order.tier)
    found = find_assignee(execution, order.at, order.parameters)
    state = advance(execution, order.at, order.parameters)
    raised = f"The active execution was escalated from tier {before} to {order.tier}."
    return _Turn(
        execution=execution,
        decision=RepeatDecision.ESCALATE,
        inputs={},
        steps={"escalated_from": before},
        reasons=(*risen, raised, *schedule.reasons, *found, *state.reasons),
    )


def _note_request(execution: WorkflowExecution, tier: int) -> None:
    execution.requested_tier = tier
    execution.save(update_fields=["requested_tier"])


def _copy_steps(execution: WorkflowExecution) -> None:
    """Copy the playbook's steps, so that a later version of it changes no past."""
    ExecutionStep.objects.bulk_create(
        ExecutionStep(
            execution=execution,
            position=step.position,
            kind=step.kind,
            action=step.action,
            name=step.name,
        )
        for step in execution.workflow.steps.order_by("position")
    )


def _situation_facts(situation: queries.Situation) -> dict[str, Any]:
    return {
        "health_score": situation.score,
        "highest_score": situation.highest_score,
        "has_executive_sponsor": situation.has_executive_sponsor,
        "skill_needs": situation.skill_needs,
    }


def _routing_steps(routing: rules.Routing) -> dict[str, Any]:
    return {
        "candidates": {
            score.code: {
                "skill_cover": score.skill_cover,
                "free_capacity": score.free_capacity,
                "past_success": score.past_success,
                "total": score.total,
            }
            for score in routing.scores
        }
    }
