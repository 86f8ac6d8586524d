"""How far the handoff of a customer's latest won deal is, and how good."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from cs_integrations.api.formats import half_up, percent
from cs_integrations.customers.models import Customer
from cs_integrations.customers.queries import known_customers
from cs_integrations.explanation import Explanation, Outcome
from cs_integrations.lookup import find
from cs_integrations.refusals import UnknownObject
from sales import rules
from sales.models import Deal, HandoffPackage, SuccessPlan
from sales.queries.handoff import HandoffReading, read_handoff
from sales.rules import HANDOFF_RULE_ID, PARAMETERS, RULE_VERSION, SalesParameters


def handoff_status(
    *, customer_id: str, at: datetime, parameters: SalesParameters = PARAMETERS
) -> Outcome:
    """Return how far the handoff of a customer's latest won deal is, and its quality.

    :raises UnknownObject: there is no such customer, or no deal with it was won
    """
    customer = find(known_customers(), customer_id)
    deal = _latest_won_deal(customer)
    package = getattr(deal, "handoff", None) or HandoffPackage(deal=deal)
    plan = _plan(deal, customer)
    reading = read_handoff(
        deal=deal,
        customer_id=customer.pk,
        is_plan_approved=plan is not None and plan.status in SuccessPlan.APPROVED_STATUSES,
        at=at,
        parameters=parameters,
    )
    # What was complete once was handed over; people may leave after it.
    gaps = () if package.completed_at else reading.transition.gaps
    quality = _quality(package, len(gaps), at, parameters)
    return Outcome(
        body={
            "deal_id": deal.public_id,
            "status": package.status,
            "due_at": rules.handoff_deadline(closed_at=deal.won_at, parameters=parameters),
            "completed_at": package.completed_at,
            "completeness": percent(quality.completeness),
            "knowledge_gaps": [gap.code for gap in gaps],
            "success_plan_id": plan.public_id if plan else None,
            "pipeline_sync": reading.pipeline.state,
            "quality_score": half_up(quality.score),
        },
        explanation=Explanation(
            rule_id=HANDOFF_RULE_ID,
            rule_version=RULE_VERSION,
            inputs=_inputs(package, plan, reading),
            steps=_steps(gaps, quality, reading),
            reasons=_reasons(package, plan, reading, quality),
        ),
        customer_id=customer.public_id,
    )


def _latest_won_deal(customer: Customer) -> Deal:
    deal = (
        Deal.objects.filter(customer=customer, stage=Deal.Stage.CLOSED_WON)
        .select_related("handoff")
        .order_by("-closed_at", "-pk")
        .first()
    )
    if deal is None:
        raise UnknownObject("No deal with this customer was won.")
    return deal


def _quality(
    package: HandoffPackage, gap_count: int, at: datetime, parameters: SalesParameters
) -> rules.HandoffQuality:
    return rules.handoff_quality(
        gap_count=gap_count,
        timeliness=rules.timeliness_points(
            closed_at=package.deal.won_at,
            completed_at=package.completed_at,
            at=at,
            parameters=parameters,
        ),
        accuracy=package.accuracy,
        follow_up=package.follow_up,
        parameters=parameters,
    )


def _plan(deal: Deal, customer: Customer) -> SuccessPlan | None:
    """Return the plan that the handoff fixed; until then the customer's newest free one."""
    plans = SuccessPlan.objects.filter(customer=customer)
    fixed = plans.filter(deal=deal).first()
    return fixed or plans.filter(deal=None).order_by("-created_at", "-pk").first()


def _inputs(
    package: HandoffPackage, plan: SuccessPlan | None, reading: HandoffReading
) -> dict[str, Any]:
    deal, standing = package.deal, reading.standing
    return {
        "closed_at": deal.closed_at,
        "contract_id": deal.contract_id or None,
        "contract_in_force": standing.contract_id if standing else None,
        "contract_amount": standing.annual_value if standing else None,
        "crm_amount": deal.crm_amount,
        "crm_owner": deal.crm_owner or None,
        "plan_status": plan.status if plan else None,
        "accuracy": package.accuracy,
        "follow_up": package.follow_up,
    }


def _steps(
    gaps: Collection[rules.KnowledgeGap], quality: rules.HandoffQuality, reading: HandoffReading
) -> dict[str, Any]:
    return {
        "gaps": {gap.code: gap.reason for gap in gaps},
        "amount_difference_pct": reading.pipeline.difference_pct,
        "completeness": quality.completeness,
        "timeliness": quality.timeliness,
        "quality": quality.score,
        "meets_goal": quality.meets_goal,
    }


def _reasons(
    package: HandoffPackage,
    plan: SuccessPlan | None,
    reading: HandoffReading,
    quality: rules.HandoffQuality,
) -> tuple[str, ...]:
    if package.completed_at:
        return (*reading.pipeline.reasons, *quality.reasons)
    without_plan = () if plan else ("The customer has no success plan yet.",)
    return (
        "The handoff was not completed yet.",
        *without_plan,
        *reading.transition.reasons,
        *reading.pipeline.reasons,
        *quality.reasons,
    )
