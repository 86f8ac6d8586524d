"""What sales writes, inside the request's transaction."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from cs_integrations.customers.queries import latest_health
from cs_integrations.explanation import Outcome
from cs_integrations.lookup import find
from cs_integrations.refusals import InvalidMember, Refusal, StateConflict
from sales import rules
from sales.models import BaselineKpi, Deal, HandoffPackage, SuccessPlan
from sales.queries import (
    HandoffReading,
    completed_handoff,
    handoff_outcome,
    known_deals,
    read_handoff,
    repeated_outcome,
)
from sales.rules import PARAMETERS, SalesParameters, Verdict

PLAN_POINTER = "/success_plan_id"


def complete_handoff(
    *,
    deal_id: str,
    success_plan_id: str,
    baseline_kpis: Mapping[str, Decimal],
    at: datetime,
    parameters: SalesParameters = PARAMETERS,
) -> Outcome:
    """Judge the handoff of a won deal; if nothing is missing, fix its plan and its baselines.

    An incomplete handoff fixes nothing and may be sent again. A complete one answers the same
    request with its first answer.

    :raises UnknownObject: there is no such deal
    :raises InvalidMember: the plan is unknown, or of another customer
    :raises StateConflict: the deal is not closed-won, the plan was fixed by another deal's
        handoff, or this handoff is complete with another plan or other baselines
    """
    # The row locks put two handoffs of one deal, or with one plan, in an order.
    deal = find(known_deals().select_for_update(of=("self",), no_key=True), deal_id)
    plans = SuccessPlan.objects.select_for_update(no_key=True)
    plan = plans.filter(public_id=success_plan_id).first()
    judgment = _judge(deal, plan, baseline_kpis)
    if plan is None or judgment.verdict not in (Verdict.ACCEPTED, Verdict.REPEATED):
        raise _refusal(judgment)
    package, _ = HandoffPackage.objects.get_or_create(deal=deal)
    if judgment.verdict is Verdict.REPEATED:
        return repeated_outcome(deal=deal, plan=plan, baseline_kpis=baseline_kpis, package=package)
    reading = read_handoff(
        deal=deal,
        customer_id=plan.customer_id,
        is_plan_approved=plan.status in SuccessPlan.APPROVED_STATUSES,
        at=at,
        parameters=parameters,
    )
    if reading.transition.is_complete:
        _complete(package, reading, plan.customer_id, at)
        _fix(plan, deal, baseline_kpis, at)
    else:
        package.status = HandoffPackage.Status.IN_TRANSITION
        package.save(update_fields=["status", "updated_at"])
    return handoff_outcome(
        deal=deal,
        plan=plan,
        baseline_kpis=baseline_kpis,
        reading=reading,
        day_zero_health=package.day_zero_health,
    )


def _judge(
    deal: Deal, plan: SuccessPlan | None, baseline_kpis: Mapping[str, Decimal]
) -> rules.Judgment:
    return rules.judge_request(
        deal=rules.DealFacts(
            deal_id=deal.public_id,
            customer_id=deal.customer_id,
            is_won=deal.stage == Deal.Stage.CLOSED_WON,
        ),
        plan=None if plan is None else _plan_facts(plan),
        baseline_kpis=baseline_kpis,
        completed=completed_handoff(deal=deal),
    )


def _plan_facts(plan: SuccessPlan) -> rules.PlanFacts:
    return rules.PlanFacts(
        plan_id=plan.public_id,
        customer_id=plan.customer_id,
        bound_deal_id=plan.deal.public_id if plan.deal else None,
    )


def _refusal(judgment: rules.Judgment) -> Refusal:
    match judgment.verdict:
        case Verdict.PLAN_UNKNOWN:
            return InvalidMember(judgment.detail, pointer=PLAN_POINTER, rule="exists")
        case Verdict.PLAN_OF_ANOTHER_CUSTOMER:
            return InvalidMember(judgment.detail, pointer=PLAN_POINTER, rule="consistent")
        case _:
            return StateConflict(judgment.detail)


def _complete(
    package: HandoffPackage, reading: HandoffReading, customer_id: int, at: datetime
) -> None:
    health = latest_health(customer_ids=[customer_id], on=at.date()).get(customer_id)
    package.status = HandoffPackage.Status.COMPLETE
    package.completed_at = at
    package.completed_sync = reading.pipeline.state.value
    package.day_zero_health = health.score if health else None
    package.save(
        update_fields=[
            "status",
            "completed_at",
            "completed_sync",
            "day_zero_health",
            "updated_at",
        ]
    )


def _fix(plan: SuccessPlan, deal: Deal, baseline_kpis: Mapping[str, Decimal], at: datetime) -> None:
    """Bind the plan to the deal, start it, and freeze its baselines."""
    plan.deal = deal
    plan.status = SuccessPlan.Status.ACTIVE
    plan.save(update_fields=["deal", "status", "updated_at"])
    BaselineKpi.objects.bulk_create(
        BaselineKpi(plan=plan, name=name, value=value, frozen_at=at)
        for name, value in baseline_kpis.items()
    )
