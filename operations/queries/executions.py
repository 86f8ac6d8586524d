"""Executions: where one stands, who has open escalations, what is due."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Max, Q, QuerySet

from cs_integrations.api.formats import duration
from cs_integrations.customers.models import Customer
from cs_integrations.explanation import Explanation, Outcome
from cs_integrations.lookup import find
from operations import rules
from operations.models import ACTIVE, RUNNING, WAITING, Escalation, WorkflowExecution
from operations.rules import PARAMETERS, OperationsParameters

EXECUTION_RULE = "operations.workflow_execution"
RULE_VERSION = "1"


def execution_status(
    *, execution_id: str, at: datetime, parameters: OperationsParameters = PARAMETERS
) -> Outcome:
    """Return where an execution stands now, with the tiers it rose by waiting.

    :raises UnknownObject: there is no such execution
    """
    execution = find(known_executions(), execution_id)
    stored = stored_schedule(execution)
    risen = rules.due_escalations(
        status=rules.ExecutionStatus(execution.status),
        current=stored,
        segment=stored_segment(execution),
        timezone=execution.customer.timezone,
        at=at,
        parameters=parameters,
    )
    current = risen[-1] if risen else stored
    steps = list(execution.steps.order_by("position"))
    return Outcome(
        body={
            "execution_id": execution.public_id,
            "workflow_id": execution.workflow.public_id,
            "customer_id": execution.customer.public_id,
            "current_status": execution.status,
            "escalation_tier": current.tier,
            "sla_target": duration(current.sla_target),
            "due_at": current.due_at,
            "assignee": execution.assignee.code if execution.assignee else None,
            "steps": [
                {"name": step.name, "kind": step.kind, "status": step.status} for step in steps
            ],
        },
        explanation=_explanation(
            execution,
            inputs={"requested_at": execution.requested_at, "stored_tier": stored.tier, "at": at},
            steps={
                "tier": current.tier,
                "clock": current.clock,
                "tier_started_at": current.started_at,
                "escalates_at": current.escalates_at,
                "is_overdue": rules.is_overdue(
                    due_at=current.due_at, finished_at=execution.finished_at, at=at
                ),
                "failures": {step.name: step.failures for step in steps if step.failures},
            },
            reasons=_status_reasons(execution, risen, stored),
        ),
        location_id=execution.public_id,
        customer_id=execution.customer.public_id,
    )


def execution_outcome(
    *,
    execution: WorkflowExecution,
    inputs: Mapping[str, Any],
    steps: Mapping[str, Any],
    reasons: tuple[str, ...],
    replayed: bool,
) -> Outcome:
    """Return an execution as the answer to the request that began, repeated or escalated it."""
    return Outcome(
        body={
            "execution_id": execution.public_id,
            "sla_target": duration(execution.sla_target),
            "current_status": execution.status,
        },
        explanation=_explanation(
            execution,
            inputs=inputs,
            steps={
                **steps,
                "clock": rules.segment_clock(segment=stored_segment(execution)),
                "due_at": execution.due_at,
                "escalates_at": execution.escalates_at,
                "assignee": execution.assignee.code if execution.assignee else None,
            },
            reasons=reasons,
        ),
        location_id=execution.public_id,
        replayed=replayed,
        customer_id=execution.customer.public_id,
    )


def known_executions() -> QuerySet[WorkflowExecution]:
    """Return the executions that requests may name: all but those of deleted customers."""
    return WorkflowExecution.objects.select_related("workflow", "customer", "assignee").exclude(
        customer__status=Customer.Status.DELETED
    )


def active_executions() -> QuerySet[WorkflowExecution]:
    """Return the executions that have not finished, one a pair of workflow and customer."""
    return known_executions().filter(status__in=ACTIVE)


def running_executions() -> int:
    """Return how many executions hold a running slot."""
    return WorkflowExecution.objects.filter(status__in=RUNNING).count()


def due_executions(*, at: datetime) -> list[str]:
    """Return the public ids of the executions that wait or have a retry due, most urgent first."""
    rows = (
        WorkflowExecution.objects.filter(
            Q(status__in=WAITING) | Q(status__in=RUNNING, steps__retry_at__lte=at)
        )
        .order_by("-tier", "requested_at", "pk")
        .values_list("public_id", flat=True)
    )
    return list(dict.fromkeys(rows))


def customers_of(*, public_ids: Collection[str]) -> Mapping[str, str]:
    """Return the customers of the executions among these ids; offered to the trail."""
    executions = WorkflowExecution.objects.filter(public_id__in=public_ids)
    return dict(executions.values_list("public_id", "customer__public_id"))


def highest_open_escalations(*, customer_ids: Collection[int]) -> Mapping[int, int]:
    """Return the highest tier of each customer's open escalations; offered to other domains."""
    rows = (
        Escalation.objects.filter(customer_id__in=customer_ids, resolved_at__isnull=True)
        .values("customer_id")
        .annotate(highest=Max("tier"))
        .values_list("customer_id", "highest")
    )
    return dict(rows)


def stored_schedule(execution: WorkflowExecution) -> rules.TierSchedule:
    """Return what the execution's present tier promises, as it was stored."""
    return rules.TierSchedule(
        tier=execution.tier,
        started_at=execution.tier_started_at,
        sla_target=execution.sla_target,
        clock=rules.segment_clock(segment=stored_segment(execution)),
        due_at=execution.due_at,
        escalates_at=execution.escalates_at,
    )


def stored_segment(execution: WorkflowExecution) -> rules.Segment:
    """Return the segment of the execution's customer."""
    return rules.Segment(execution.customer.segment)


def _explanation(
    execution: WorkflowExecution,
    *,
    inputs: Mapping[str, Any],
    steps: Mapping[str, Any],
    reasons: tuple[str, ...],
) -> Explanation:
    # The values of the parameters stay out: they may be a person's words.
    return Explanation(
        rule_id=EXECUTION_RULE,
        rule_version=RULE_VERSION,
        inputs={
            "workflow": execution.workflow.code,
            "workflow_version": execution.workflow_version,
            "segment": execution.customer.segment,
            "timezone": execution.customer.timezone,
            "parameters": sorted(execution.parameters),
            **inputs,
        },
        steps={"tier": execution.tier, "priority": execution.priority, **steps},
        reasons=reasons,
    )


def _status_reasons(
    execution: WorkflowExecution, risen: tuple[rules.TierSchedule, ...], stored: rules.TierSchedule
) -> tuple[str, ...]:
    reasons = []
    for before, after in zip((stored, *risen), risen, strict=False):
        reasons.append(f"It waited for 80% of tier {before.tier}'s time and rose to {after.tier}.")
        reasons += after.reasons
    if execution.assignee is None:
        reasons.append("Nobody is assigned.")
    return tuple(reasons)
