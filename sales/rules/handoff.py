"""The handoff of a won deal from sales to Customer Success. Pure.

Source: spec, Handoff Completion API; sales integration map (package and transfer items).
docs/rules/sales.md, heading sales.handoff.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from sales.rules.parameters import PARAMETERS, SalesParameters


class HandoffItemCode(StrEnum):
    """What a handoff holds: four package items, then four transfer items."""

    CUSTOMER_CONTEXT = "customer_context"
    EXECUTIVE_RELATIONSHIPS = "executive_relationships"
    SUCCESS_CRITERIA = "success_criteria"
    BASELINE_METRICS = "baseline_metrics"
    DEAL_NARRATIVE = "deal_narrative"
    CHAMPION_MAPPING = "champion_mapping"
    IMPLEMENTATION_NOTES = "implementation_notes"
    EXPANSION_POTENTIAL = "expansion_potential"


class GapReason(StrEnum):
    """Why an item counts as a knowledge gap."""

    ABSENT = "absent"
    EMPTY = "empty"
    UNVERIFIED = "unverified"
    NO_DECISION_MAKER = "no_decision_maker"
    NO_SPONSOR = "no_sponsor"


class Kpi(StrEnum):
    """The baseline KPIs that a handoff may fix; each has its range in the parameters."""

    NPS_TARGET = "nps_target"
    CSAT_TARGET = "csat_target"
    ADOPTION_TARGET = "adoption_target"
    HEALTH_TARGET = "health_target"
    ROI_TARGET = "roi_target"
    TIME_TO_VALUE_DAYS = "time_to_value_days"
    ACTIVE_USERS_TARGET = "active_users_target"
    RENEWAL_TARGET = "renewal_target"


class Verdict(StrEnum):
    """What becomes of a request to complete a handoff."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"  # the same request after completion: the first answer again
    DEAL_NOT_WON = "deal_not_won"
    PLAN_UNKNOWN = "plan_unknown"
    PLAN_OF_ANOTHER_CUSTOMER = "plan_of_another_customer"
    PLAN_BOUND_TO_ANOTHER_DEAL = "plan_bound_to_another_deal"
    BASELINES_FROZEN = "baselines_frozen"


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiFault:
    """Why a baseline KPI is refused; ``name`` is empty when no KPI was sent at all."""

    name: str
    rule: str  # required, unknown_member, range or precision
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DealFacts:
    """The deal that is handed over."""

    deal_id: str
    customer_id: int | None  # a prospect's deal has no customer yet
    is_won: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFacts:
    """The success plan that the request names."""

    plan_id: str
    customer_id: int
    bound_deal_id: str | None  # the deal whose handoff this plan completed


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletedHandoff:
    """What an earlier request fixed."""

    plan_id: str
    baseline_kpis: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgment:
    """The verdict on a request; ``detail`` is a sentence for the caller of a refused one."""

    verdict: Verdict
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffItemFacts:
    """One item of the package as sales left it."""

    code: HandoffItemCode
    content: str
    is_verified: bool  # somebody on the Customer Success side has read and confirmed it


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeGap:
    """An item that Customer Success does not have, and why."""

    code: HandoffItemCode
    reason: GapReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """Whether the handoff is complete; ``reasons`` says what stands in the way."""

    is_complete: bool
    gaps: tuple[KnowledgeGap, ...]  # in the order of HandoffItemCode
    reasons: tuple[str, ...]


def kpi_faults(
    *, baseline_kpis: Mapping[str, Decimal], parameters: SalesParameters = PARAMETERS
) -> tuple[KpiFault, ...]:
    """Return what is wrong with the KPIs of a request, in the request's order.

    At least one KPI is needed; each name must be in :class:`Kpi`, each value finite, inside
    its range and no finer than baselines are stored.
    """
    if not baseline_kpis:
        return (KpiFault(name="", rule="required", detail="At least one baseline KPI is needed."),)
    faults = (_kpi_fault(name, value, parameters) for name, value in baseline_kpis.items())
    return tuple(fault for fault in faults if fault)


def _kpi_fault(name: str, value: Decimal, parameters: SalesParameters) -> KpiFault | None:
    if name not in set(Kpi):
        allowed = ", ".join(Kpi)
        return KpiFault(
            name=name, rule="unknown_member", detail=f"Unknown KPI; known are {allowed}."
        )
    bounds = getattr(parameters, name)
    if value not in bounds:
        return KpiFault(name=name, rule="range", detail=f"Must be from {bounds}.")
    places = parameters.kpi_decimal_places
    if value != round(value, places):
        detail = f"Must have at most {places} decimal places."
        return KpiFault(name=name, rule="precision", detail=detail)
    return None


def judge_request(
    *,
    deal: DealFacts,
    plan: PlanFacts | None,
    baseline_kpis: Mapping[str, Decimal],
    completed: CompletedHandoff | None,
) -> Judgment:
    """Return whether a request to complete a handoff may go on.

    ``plan`` is None when no plan has the named id; ``completed`` is None until the handoff
    is complete. After that the baselines are frozen: the same plan and KPIs are a repeat,
    anything else is refused.
    """
    if not deal.is_won:
        detail = "Only a closed-won deal can be handed over."
        return Judgment(verdict=Verdict.DEAL_NOT_WON, detail=detail)
    if plan is None:
        detail = "No success plan has this id."
        return Judgment(verdict=Verdict.PLAN_UNKNOWN, detail=detail)
    refusal = _plan_refusal(deal, plan)
    if refusal is not None or completed is None:
        return refusal or Judgment(verdict=Verdict.ACCEPTED)
    if completed.plan_id == plan.plan_id and dict(completed.baseline_kpis) == dict(baseline_kpis):
        return Judgment(verdict=Verdict.REPEATED)
    detail = "The handoff is complete: its success plan and baseline KPIs are frozen."
    return Judgment(verdict=Verdict.BASELINES_FROZEN, detail=detail)


def _plan_refusal(deal: DealFacts, plan: PlanFacts) -> Judgment | None:
    if plan.customer_id != deal.customer_id:
        detail = "The success plan belongs to another customer than the deal."
        return Judgment(verdict=Verdict.PLAN_OF_ANOTHER_CUSTOMER, detail=detail)
    if plan.bound_deal_id not in (None, deal.deal_id):
        detail = "The success plan was fixed by the handoff of another deal."
        return Judgment(verdict=Verdict.PLAN_BOUND_TO_ANOTHER_DEAL, detail=detail)
    return None


def assess_transition(
    *,
    items: Collection[HandoffItemFacts],
    named_decision_makers: int,
    sponsors: int,
    is_won: bool,
    is_plan_approved: bool,
    parameters: SalesParameters = PARAMETERS,
) -> Transition:
    """Return whether the handoff is complete, and every knowledge gap that is left.

    Strict, since no knowledge may be lost: all eight items, a closed-won deal and an approved
    plan. ``named_decision_makers`` and ``sponsors`` count the customer's present stakeholders.
    """
    by_code = {item.code: item for item in items}
    shortages: dict[HandoffItemCode, GapReason] = {}
    if named_decision_makers < parameters.decision_makers_needed:
        shortages[HandoffItemCode.CHAMPION_MAPPING] = GapReason.NO_DECISION_MAKER
    if sponsors < parameters.sponsors_needed:
        shortages[HandoffItemCode.EXECUTIVE_RELATIONSHIPS] = GapReason.NO_SPONSOR
    whys = {code: _item_gap(by_code.get(code)) or shortages.get(code) for code in HandoffItemCode}
    gaps = tuple(KnowledgeGap(code=code, reason=why) for code, why in whys.items() if why)
    return Transition(
        is_complete=not gaps and is_won and is_plan_approved,
        gaps=gaps,
        reasons=_transition_reasons(gaps, is_won=is_won, is_plan_approved=is_plan_approved),
    )


def _item_gap(item: HandoffItemFacts | None) -> GapReason | None:
    if item is None:
        return GapReason.ABSENT
    if not item.content.strip():
        return GapReason.EMPTY
    return None if item.is_verified else GapReason.UNVERIFIED


def _transition_reasons(
    gaps: Collection[KnowledgeGap], *, is_won: bool, is_plan_approved: bool
) -> tuple[str, ...]:
    sentences = {
        GapReason.ABSENT: "{} is not in the package.",
        GapReason.EMPTY: "{} is empty.",
        GapReason.UNVERIFIED: "{} is not verified.",
        GapReason.NO_DECISION_MAKER: "{} names no decision maker.",
        GapReason.NO_SPONSOR: "{} has no sponsor.",
    }
    reasons = [sentences[gap.reason].format(gap.code) for gap in gaps]
    if not is_won:
        reasons.append("The deal is not closed-won.")
    if not is_plan_approved:
        reasons.append("The success plan is not approved.")
    return tuple(reasons)
