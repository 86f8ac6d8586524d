"""Deals, and what a handoff holds."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, QuerySet

from cs_integrations import exchange
from cs_integrations.customers.models import Customer, Stakeholder
from cs_integrations.customers.queries import still
from cs_integrations.exchange import ContractStanding, ExpectedDeal
from cs_integrations.explanation import Explanation, Outcome
from sales import rules
from sales.models import Deal, HandoffItem, HandoffPackage, SuccessPlan
from sales.rules import HANDOFF_RULE_ID, PARAMETERS, RULE_VERSION, SalesParameters


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffReading:
    """How far a handoff is, and the facts that say so."""

    named_decision_makers: int  # present ones, as the sponsors
    sponsors: int
    standing: ContractStanding | None  # None: no contract in force
    is_owner_csm: bool
    transition: rules.Transition
    pipeline: rules.PipelineReading


def known_deals() -> QuerySet[Deal]:
    """Return the deals that requests may name: all but those of deleted customers."""
    deals = Deal.objects.exclude(customer__status=Customer.Status.DELETED)
    return deals.select_related("customer")


def customers_of(*, public_ids: Collection[str]) -> Mapping[str, str]:
    """Return the customers of the deals among these ids that have one; offered to the trail."""
    deals = Deal.objects.filter(public_id__in=public_ids, customer__isnull=False)
    return dict(deals.values_list("public_id", "customer__public_id"))


def expected_deals(*, start: date, end: date) -> Collection[ExpectedDeal]:
    """Return the open deals expected to close in ``[start, end]``; offered to other domains."""
    rows = (
        known_deals()
        .filter(closed_at__isnull=True, expected_close_date__range=(start, end))
        .order_by("expected_close_date", "pk")
        .values_list("segment", "close_probability")
    )
    return [
        ExpectedDeal(segment=segment, close_probability=probability)
        for segment, probability in rows
    ]


def completed_handoff(*, deal: Deal) -> rules.CompletedHandoff | None:
    """Return the plan and the KPIs that a complete handoff fixed; None until it is complete."""
    plan = SuccessPlan.objects.filter(
        deal=deal, deal__handoff__status=HandoffPackage.Status.COMPLETE
    ).first()
    if plan is None:
        return None
    return rules.CompletedHandoff(
        plan_id=plan.public_id,
        baseline_kpis=dict(plan.baseline_kpis.order_by("pk").values_list("name", "value")),
    )


def read_handoff(
    *,
    deal: Deal,
    customer_id: int,
    is_plan_approved: bool,
    at: datetime,
    parameters: SalesParameters = PARAMETERS,
) -> HandoffReading:
    """Return how far a deal's handoff is; ``customer_id`` is the key of the deal's customer."""
    people = _people(customer_id, at.date())
    standing = exchange.contract_standings.call(customer_ids=[customer_id], at=at).get(customer_id)
    is_owner_csm = deal.crm_owner in exchange.active_csms.call(on=at.date())
    return HandoffReading(
        **people,
        standing=standing,
        is_owner_csm=is_owner_csm,
        transition=rules.assess_transition(
            items=_items(deal),
            **people,
            is_won=deal.stage == Deal.Stage.CLOSED_WON,
            is_plan_approved=is_plan_approved,
            parameters=parameters,
        ),
        pipeline=rules.pipeline_sync(
            crm=rules.CrmCopy(
                is_won=deal.crm_stage == Deal.Stage.CLOSED_WON,
                amount=deal.crm_amount,
                is_owner_csm=is_owner_csm,
            ),
            deal_contract_id=deal.contract_id,
            current_contract=_contract_amount(standing),
            parameters=parameters,
        ),
    )


def handoff_outcome(
    *,
    deal: Deal,
    plan: SuccessPlan,
    baseline_kpis: Mapping[str, Decimal],
    reading: HandoffReading,
    day_zero_health: Decimal | None,
) -> Outcome:
    """Return a handoff as it was just judged; ``day_zero_health`` is what was recorded of it."""
    transition, pipeline, standing = reading.transition, reading.pipeline, reading.standing
    reasons = (*transition.reasons, *pipeline.reasons)
    if transition.is_complete and day_zero_health is None:
        reasons = (*reasons, "No health was measured yet, so day zero has none.")
    return Outcome(
        body=_body(is_complete=transition.is_complete, gaps=transition.gaps, sync=pipeline.state),
        explanation=_explanation(
            deal,
            plan,
            baseline_kpis,
            inputs={
                "named_decision_makers": reading.named_decision_makers,
                "sponsors": reading.sponsors,
                "contract_in_force": standing.contract_id if standing else None,
                "contract_amount": standing.annual_value if standing else None,
            },
            steps={
                "gaps": {gap.code: gap.reason for gap in transition.gaps},
                "is_owner_csm": reading.is_owner_csm,
                "amount_difference_pct": pipeline.difference_pct,
                "day_zero_health": day_zero_health,
            },
            reasons=reasons,
        ),
        customer_id=deal.customer.public_id if deal.customer else "",
    )


def repeated_outcome(
    *,
    deal: Deal,
    plan: SuccessPlan,
    baseline_kpis: Mapping[str, Decimal],
    package: HandoffPackage,
) -> Outcome:
    """Return the answer that a complete handoff got; nothing of it is computed again."""
    return Outcome(
        body=_body(is_complete=True, gaps=(), sync=rules.PipelineSync(package.completed_sync)),
        explanation=_explanation(
            deal,
            plan,
            baseline_kpis,
            inputs={"completed_at": package.completed_at},
            steps={"day_zero_health": package.day_zero_health},
            reasons=("The handoff was complete before: this is the answer it got then.",),
        ),
        replayed=True,
        customer_id=deal.customer.public_id if deal.customer else "",
    )


def _people(customer_id: int, on: date) -> dict[str, int]:
    """Count the present stakeholders that a package must know of, by the rule's names."""
    return Stakeholder.objects.filter(still("left_date", on), customer_id=customer_id).aggregate(
        named_decision_makers=Count("pk", filter=Q(is_decision_maker=True) & ~Q(name="")),
        sponsors=Count("pk", filter=Q(is_sponsor=True)),
    )


def _items(deal: Deal) -> list[rules.HandoffItemFacts]:
    return [
        rules.HandoffItemFacts(
            code=rules.HandoffItemCode(item.code),
            content=item.content,
            is_verified=item.verified_at is not None,
        )
        for item in HandoffItem.objects.filter(package__deal=deal).order_by("pk")
    ]


def _contract_amount(standing: ContractStanding | None) -> rules.ContractAmount | None:
    if standing is None:
        return None
    return rules.ContractAmount(
        contract_id=standing.contract_id, annual_value=standing.annual_value
    )


def _body(
    *, is_complete: bool, gaps: Collection[rules.KnowledgeGap], sync: rules.PipelineSync
) -> dict[str, Any]:
    return {
        "transition_complete": is_complete,
        "knowledge_gaps": [gap.code for gap in gaps],
        "pipeline_sync": sync,
    }


def _explanation(
    deal: Deal,
    plan: SuccessPlan,
    baseline_kpis: Mapping[str, Decimal],
    *,
    inputs: Mapping[str, Any],
    steps: Mapping[str, Any],
    reasons: tuple[str, ...],
) -> Explanation:
    return Explanation(
        rule_id=HANDOFF_RULE_ID,
        rule_version=RULE_VERSION,
        inputs={
            "deal_id": deal.public_id,
            "stage": deal.stage,
            "contract_id": deal.contract_id or None,
            "crm_stage": deal.crm_stage or None,
            "crm_amount": deal.crm_amount,
            "crm_owner": deal.crm_owner or None,
            "success_plan_id": plan.public_id,
            "plan_status": plan.status,
            "baseline_kpis": baseline_kpis,
            **inputs,
        },
        steps=steps,
        reasons=reasons,
    )
