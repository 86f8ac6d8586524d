"""The life of a workflow execution: begin, repeat, advance, retry, wait. Pure.

Source: spec, Workflow Execution API; operations map (workflow_concurrent_20); MK retry policy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from operations.rules.deadlines import TierSchedule, tier_schedule
from operations.rules.parameters import PARAMETERS, OperationsParameters, Segment


class ExecutionStatus(StrEnum):
    """Where an execution stands."""

    QUEUED = "queued"  # not begun: too many run, or its first step has nobody
    IN_PROGRESS = "in_progress"  # assigned and a step open
    AWAITING_HUMAN = "awaiting_human"  # begun, and the next human step has no assignee
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


RUNNING_STATUSES = frozenset({ExecutionStatus.IN_PROGRESS, ExecutionStatus.AWAITING_HUMAN})
ACTIVE_STATUSES = RUNNING_STATUSES | {ExecutionStatus.QUEUED}
WAITING_STATUSES = frozenset({ExecutionStatus.QUEUED, ExecutionStatus.AWAITING_HUMAN})
FINISHED_STATUSES = frozenset(ExecutionStatus) - ACTIVE_STATUSES


class StepKind(StrEnum):
    """Who does a step."""

    AUTO = "auto"
    HUMAN = "human"


class StepStatus(StrEnum):
    """Where a step stands."""

    PENDING = "pending"
    OPEN = "open"
    DONE = "done"
    FAILED = "failed"


class RepeatDecision(StrEnum):
    """What a request means for the pair of workflow and customer."""

    START = "start"
    REUSE = "reuse"
    ESCALATE = "escalate"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepState:
    """One step of an execution, as far as the execution's status depends on it."""

    kind: StepKind
    status: StepStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionState:
    """The status of an execution, the step it stands at, and why it waits."""

    status: ExecutionStatus
    next_index: int | None  # of the steps, from 0; None when no step is left to do
    reasons: tuple[str, ...] = ()


def repeat_decision(
    *, active_tier: int | None, asked_tier: int | None, requested_tier: int
) -> RepeatDecision:
    """Decide on a request for a workflow that may already be active for the customer.

    ``active_tier`` is the tier of the active execution, ``asked_tier`` the highest that a
    caller asked for; both are None when there is none. Waiting raises the first, not the
    second. Above the active tier the execution escalates; below what was asked for the
    request is refused (409); between the two it means the same execution.
    """
    if active_tier is None or asked_tier is None:
        return RepeatDecision.START
    if requested_tier > active_tier:
        return RepeatDecision.ESCALATE
    return RepeatDecision.REFUSE if requested_tier < asked_tier else RepeatDecision.REUSE


def has_free_slot(*, running: int, parameters: OperationsParameters = PARAMETERS) -> bool:
    """Say whether one more execution may run; ``running`` counts ``RUNNING_STATUSES``."""
    return running < parameters.running_limit


def execution_state(
    *,
    steps: Sequence[StepState],
    is_admitted: bool,
    has_assignee: bool,
    parameters: OperationsParameters = PARAMETERS,
) -> ExecutionState:
    """Return the status that follows from the steps, which are in their order.

    ``is_admitted`` says that the execution holds one of the running slots. A cancelled
    execution stays cancelled and is not asked about.
    """
    failed = next((n for n, step in enumerate(steps) if step.status is StepStatus.FAILED), None)
    if failed is not None:
        reason = f"Step {failed + 1} failed after {parameters.retry_limit} retries."
        return ExecutionState(status=ExecutionStatus.FAILED, next_index=None, reasons=(reason,))
    index = next((n for n, step in enumerate(steps) if step.status is not StepStatus.DONE), None)
    if index is None:
        return ExecutionState(status=ExecutionStatus.COMPLETED, next_index=None)
    if not is_admitted:
        full = (f"At most {parameters.running_limit} executions run at a time.",)
        return ExecutionState(status=ExecutionStatus.QUEUED, next_index=index, reasons=full)
    if has_assignee or steps[index].kind is StepKind.AUTO:
        return ExecutionState(status=ExecutionStatus.IN_PROGRESS, next_index=index)
    waiting = ExecutionStatus.AWAITING_HUMAN if index else ExecutionStatus.QUEUED
    nobody = (f"Step {index + 1} needs a person and nobody is assigned.",)
    return ExecutionState(status=waiting, next_index=index, reasons=nobody)


def retry_delay(
    *, failures: int, parameters: OperationsParameters = PARAMETERS
) -> timedelta | None:
    """Return the wait before a failed step is tried again: 1, 2, then 4 seconds.

    ``failures`` counts the failed tries so far, >= 1. None means that the retries are used
    up and the step has failed for good. Source: MK API retry policy.
    """
    if failures > parameters.retry_limit:
        return None
    seconds = parameters.retry_first_seconds * parameters.retry_growth ** (failures - 1)
    return timedelta(seconds=min(seconds, parameters.retry_longest_seconds))


def opens_escalation(*, tier: int, parameters: OperationsParameters = PARAMETERS) -> bool:
    """Say whether an execution at this tier is an escalation; tier 1 is automated work."""
    return tier >= parameters.escalation_from_tier


def due_escalations(
    *,
    status: ExecutionStatus,
    current: TierSchedule,
    segment: Segment,
    timezone: str,
    at: datetime,
    parameters: OperationsParameters = PARAMETERS,
) -> tuple[TierSchedule, ...]:
    """Return the tiers an execution has risen through by waiting, in order.

    Each begins at the moment the one before gave up waiting, not when somebody looked, so
    the answer does not depend on how often one looks. Empty while nothing is due, and for
    an execution that does not wait.
    """
    risen: list[TierSchedule] = []
    while (
        status in WAITING_STATUSES
        and current.escalates_at is not None
        and current.escalates_at <= at
    ):
        current = tier_schedule(
            tier=current.tier + 1,
            at=current.escalates_at,
            segment=segment,
            timezone=timezone,
            promised=current.due_at,
            parameters=parameters,
        )
        risen.append(current)
    return tuple(risen)
