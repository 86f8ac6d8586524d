"""Escalations: the open one of an execution is what people see."""

from datetime import datetime

from operations.models import Escalation, WorkflowExecution


def open_escalation(
    *, execution: WorkflowExecution, cause: Escalation.Cause, at: datetime
) -> Escalation:
    """Return the execution's open escalation; open one at its present tier if it has none."""
    escalation, _ = Escalation.objects.get_or_create(
        execution=execution,
        resolved_at=None,
        defaults={
            "customer": execution.customer,
            "tier": execution.tier,
            "priority": execution.priority,
            "cause": cause,
            "opened_at": at,
            "due_at": execution.due_at,
        },
    )
    return escalation


def resolve_escalation(*, execution: WorkflowExecution, at: datetime) -> None:
    """Resolve the execution's open escalation, if it has one, and note a missed due time."""
    current = Escalation.objects.filter(execution=execution, resolved_at__isnull=True)
    current.filter(due_at__lt=at, breached_at__isnull=True).update(breached_at=at)
    current.update(resolved_at=at)
