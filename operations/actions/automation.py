"""What automated steps do. Each does its work and returns what the step keeps as its result.

A step names its action by code; docs/rules/operations.md lists them. An action that cannot do
its work says so by ``AutomationFailed``; the step is then tried again by the retry rule.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from cs_integrations import exchange
from cs_integrations.customers.health import zone
from cs_integrations.customers.queries import latest_health, still
from operations.actions.escalations import open_escalation
from operations.models import Assignment, Escalation, WorkflowExecution

Result = Mapping[str, Any]


class AutomationFailed(Exception):
    """An automated step could not do its work; the message says why."""


def perform(*, action: str, execution: WorkflowExecution, at: datetime) -> Result:
    """Do what a step's action means for an execution.

    :raises AutomationFailed: there is no such action, or it could not do its work
    """
    if action not in ACTIONS:
        raise AutomationFailed(f"There is no automated action {action}.")
    return ACTIONS[action](execution, at)


def raise_alert(execution: WorkflowExecution, at: datetime) -> Result:
    """Open an escalation, so that an execution at tier 1 is seen by people too."""
    escalation = open_escalation(execution=execution, cause=Escalation.Cause.ALERT, at=at)
    return {
        "escalation_tier": escalation.tier,
        "priority": escalation.priority,
        "due_at": escalation.due_at,
    }


def notify_team(execution: WorkflowExecution, at: datetime) -> Result:
    """Name the CSMs who are concerned: the assignee and the account's current team."""
    team = Assignment.objects.filter(
        still("end_date", at.date()), customer=execution.customer, start_date__lte=at.date()
    )
    codes = set(team.values_list("csm__code", flat=True))
    if execution.assignee is not None:
        codes.add(execution.assignee.code)
    if not codes:
        raise AutomationFailed("Nobody looks after this customer, so nobody can be told.")
    return {"csm_codes": sorted(codes)}


def record_health(execution: WorkflowExecution, at: datetime) -> Result:
    """Keep the customer's latest computed health, against which the outcome is judged."""
    customer_id = execution.customer_id
    health = latest_health(customer_ids=[customer_id], on=at.date()).get(customer_id)
    if health is None:
        return {"health_score": None}
    return {
        "health_score": health.score,
        "zone": zone(health.score),
        "measured_date": health.measured_date,
    }


def record_contract(execution: WorkflowExecution, at: datetime) -> Result:
    """Keep where the customer stands with its contract."""
    customer_id = execution.customer_id
    standing = exchange.contract_standings.call(customer_ids=[customer_id], at=at).get(customer_id)
    if standing is None:
        return {"contract_id": None}
    return {
        "contract_id": standing.contract_id,
        "renewal_date": standing.renewal_date,
        "annual_value": standing.annual_value,
        "delivery_pct": standing.delivery_pct,
    }


def record_readiness(execution: WorkflowExecution, at: datetime) -> Result:
    """Keep how ready the customer is to expand, 0 to 100; null when too little is known."""
    customer_id = execution.customer_id
    readiness = exchange.expansion_readiness.call(customer_ids=[customer_id], at=at)
    return {"readiness_score": readiness.get(customer_id)}


def record_weak_features(execution: WorkflowExecution, at: datetime) -> Result:
    """Keep the core features that the customer owns and uses too little."""
    customer_id = execution.customer_id
    weak = exchange.weak_core_features.call(customer_ids=[customer_id], at=at)
    return {"features": weak.get(customer_id, ())}


ACTIONS: Mapping[str, Callable[[WorkflowExecution, datetime], Result]] = MappingProxyType(
    {
        action.__name__: action
        for action in (
            raise_alert,
            notify_team,
            record_health,
            record_contract,
            record_readiness,
            record_weak_features,
        )
    }
)
