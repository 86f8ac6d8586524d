"""What marketing writes, inside the request's transaction."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import F, QuerySet

from cs_integrations import exchange
from cs_integrations.customers.models import Customer, CustomerMilestone, HealthSnapshot, Milestone
from cs_integrations.customers.queries import health_near, known_customers, milestone_phases
from cs_integrations.explanation import Outcome, plain
from cs_integrations.lookup import find
from cs_integrations.refusals import InvalidMember
from marketing import rules
from marketing.models import Campaign, CampaignEnrollment, ExpansionLead, TriggerEvent
from marketing.queries import (
    contacts,
    finished_samples,
    first_equal_trigger,
    running_sequences,
    trigger_facts,
    trigger_outcome,
)
from marketing.rules import PARAMETERS, MarketingParameters

STALE = "A newer computed score is known, so falling health was not looked for."
NO_READINESS = "Expansion readiness is not known, so expansion was not looked at."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decision:
    """What a trigger does, with all that it was decided from."""

    facts: rules.TriggerFacts
    people: Collection[rules.Contact]
    running: Mapping[rules.SequenceCode, Campaign]
    choice: rules.SequenceChoice
    plan: rules.EnrollmentPlan
    estimate: rules.ImpactEstimate


def trigger(
    *,
    customer_id: str,
    signal: rules.HealthSignal,
    at: datetime,
    parameters: MarketingParameters = PARAMETERS,
) -> Outcome:
    """Start the sequences that a customer's health calls for, and what comes with them.

    The same trigger within the repeat window answers as it did the first time.

    :raises UnknownObject: there is no such customer
    :raises InvalidMember: an unknown milestone, or a category too good for the score
    """
    phases = milestone_phases()
    category = _check(signal, phases, parameters)
    # The row lock puts two triggers for one customer in an order.
    customer = find(known_customers().select_for_update(no_key=True), customer_id)
    earlier = first_equal_trigger(customer=customer, signal=signal, at=at, parameters=parameters)
    if earlier is not None:
        return trigger_outcome(event=earlier, replayed=True)
    settle_enrollments(at=at, customer=customer, parameters=parameters)
    facts = trigger_facts(
        customer=customer,
        signal=signal,
        category=category,
        phases=phases,
        at=at,
        parameters=parameters,
    )
    decision = _decide(customer, facts, at, parameters)
    _remember(customer, signal, at)
    event = _record(customer, signal, decision, at, parameters)
    if decision.choice.creates_lead and facts.readiness is not None:
        _open_lead(event, facts.readiness, parameters)
    return trigger_outcome(event=event)


def settle_enrollments(
    *,
    at: datetime,
    customer: Customer | None = None,
    parameters: MarketingParameters = PARAMETERS,
) -> int:
    """End the enrollments that have run their time and measure what they did for health.

    Of one customer, or of all. A campaign that a trigger started is completed with its last
    enrollment. Returns how many enrollments were measured.
    """
    run_time = timedelta(days=parameters.sequence_days)
    rows = CampaignEnrollment.objects.all()
    if customer is not None:
        rows = rows.filter(customer=customer)
    due = rows.filter(ended_at__isnull=True, started_at__lte=at - run_time)
    campaign_ids = set(due.values_list("campaign_id", flat=True))
    due.update(ended_at=F("started_at") + run_time)
    still_running = CampaignEnrollment.objects.filter(ended_at__isnull=True).values("campaign")
    Campaign.objects.filter(
        pk__in=campaign_ids, status=Campaign.Status.ACTIVE, triggers__isnull=False
    ).exclude(pk__in=still_running).update(status=Campaign.Status.COMPLETED, ended_at=at)
    return _measure(rows.filter(ended_at__isnull=False), at, parameters)


def _measure(
    rows: QuerySet[CampaignEnrollment], at: datetime, parameters: MarketingParameters
) -> int:
    span = timedelta(days=parameters.measure_after_days)
    waiting = list(rows.filter(health_after__isnull=True, started_at__lte=at - span))
    scores = health_near(
        points={(row.customer_id, (row.started_at + span).date()) for row in waiting},
        tolerance_days=parameters.measure_tolerance_days,
    )
    for row in waiting:
        row.health_after = scores.get((row.customer_id, (row.started_at + span).date()))
    measured = [row for row in waiting if row.health_after is not None]
    CampaignEnrollment.objects.bulk_update(measured, ["health_after"])
    return len(measured)


def _check(
    signal: rules.HealthSignal, phases: Mapping[str, str], parameters: MarketingParameters
) -> rules.CategoryReading:
    for position, code in enumerate(signal.milestones):
        if code not in phases:
            raise InvalidMember(
                f"Must be one of: {', '.join(phases)}.",
                pointer=f"/milestones/{position}",
                rule="unknown_code",
            )
    category = rules.read_category(
        health_score=signal.health_score, stated=signal.stated, parameters=parameters
    )
    if not category.is_consistent:
        raise InvalidMember(
            f"A score of {signal.health_score} is {category.implied}; it may be called better"
            f" by {parameters.better_bands_allowed} band at most.",
            pointer="/risk_category",
            rule="consistent",
        )
    return category


def _remember(customer: Customer, signal: rules.HealthSignal, at: datetime) -> None:
    """Store what the caller said beside what was computed; it decides nothing elsewhere."""
    HealthSnapshot.objects.create(
        customer=customer,
        measured_date=at.date(),
        source=HealthSnapshot.Source.API_TRIGGER,
        score=signal.health_score,
        recorded_at=at,
    )
    reached = Milestone.objects.filter(code__in=signal.milestones)
    CustomerMilestone.objects.bulk_create(
        [
            CustomerMilestone(
                customer=customer,
                milestone=milestone,
                achieved_date=at.date(),
                source=HealthSnapshot.Source.API_TRIGGER.value,
            )
            for milestone in reached
        ],
        ignore_conflicts=True,  # reached before: the first day stands
    )


def _decide(
    customer: Customer,
    facts: rules.TriggerFacts,
    at: datetime,
    parameters: MarketingParameters,
) -> _Decision:
    choice = rules.choose_sequences(facts=facts, parameters=parameters)
    running = running_sequences(customer=customer)
    people = contacts(customer=customer, at=at, parameters=parameters)
    plan = rules.plan_enrollments(
        choice=choice,
        contacts=people,
        active={code: campaign.public_id for code, campaign in running.items()},
        parameters=parameters,
    )
    estimate = rules.estimate_impact(
        health_score=facts.health_score,
        sequences=plan.listed,
        samples=finished_samples(sequences=plan.listed, started_in=choice.zone),
        parameters=parameters,
    )
    return _Decision(
        facts=facts, people=people, running=running, choice=choice, plan=plan, estimate=estimate
    )


def _record(
    customer: Customer,
    signal: rules.HealthSignal,
    decision: _Decision,
    at: datetime,
    parameters: MarketingParameters,
) -> TriggerEvent:
    """Start the campaign and the workflow, and store the trigger with what came of it."""
    facts, plan, estimate = decision.facts, decision.plan, decision.estimate
    event = TriggerEvent.objects.create(
        customer=customer,
        received_at=at,
        fingerprint=rules.request_fingerprint(signal=signal),
        rule_version=rules.RULE_VERSION,
        health_score=signal.health_score,
        stated_category=signal.stated or "",
        effective_category=facts.category.value,
        milestones=list(signal.milestones),
        is_stale=facts.fall.is_stale,
        facts=_known(facts, decision.people, parameters),
        matched=plain([asdict(match) for match in decision.choice.matches]),
        suppressed=plain([asdict(item) for item in plan.suppressed]),
        impact=_impact(estimate),
        reasons=_reasons(facts, plan, estimate),
        execution_id=_start_workflow(customer, decision.choice, at),
        campaign=_campaign(customer, decision, at),
        triggered_sequences=plain(plan.listed),
        estimated_impact=estimate.text,
    )
    # Answer what the database holds: JSON gets another order there, and repeats answer from it.
    return TriggerEvent.objects.select_related("campaign", "customer").get(pk=event.pk)


def _campaign(customer: Customer, decision: _Decision, at: datetime) -> Campaign | None:
    """Start the campaign of what is new; else return the one of the first reused sequence."""
    plan = decision.plan
    if plan.campaign_kind is None:
        return decision.running[plan.reused[0].sequence] if plan.reused else None
    campaign = Campaign.objects.create(kind=plan.campaign_kind.value, started_at=at)
    CampaignEnrollment.objects.bulk_create(
        CampaignEnrollment(
            campaign=campaign,
            customer=customer,
            sequence=code.value,
            health_at_start=decision.facts.health_score,
            zone_at_start=decision.choice.zone.value,
            started_at=at,
        )
        for code in plan.started
    )
    return campaign


def _start_workflow(customer: Customer, choice: rules.SequenceChoice, at: datetime) -> str:
    if choice.workflow is None:
        return ""
    return exchange.start_workflow.call(
        code=choice.workflow, customer_id=customer.pk, tier=choice.workflow_tier, at=at
    )


def _open_lead(event: TriggerEvent, readiness: Decimal, parameters: MarketingParameters) -> None:
    """Mark the customer as qualified for expansion; an open lead stays as it is."""
    open_leads = ExpansionLead.objects.filter(customer_id=event.customer_id, closed_at__isnull=True)
    if open_leads.exists():
        return
    ExpansionLead.objects.create(
        customer_id=event.customer_id,
        trigger=event,
        score_label=parameters.lead_score_label,
        lifecycle=parameters.lead_lifecycle,
        readiness=readiness,
        opened_at=event.received_at,
    )


def _known(
    facts: rules.TriggerFacts,
    people: Collection[rules.Contact],
    parameters: MarketingParameters,
) -> dict[str, Any]:
    """Return the stored facts behind the answer, as the explanation names them."""
    known: dict[str, Any] = plain(
        {
            "readiness": facts.readiness,
            "highest_open_tier": facts.highest_open_tier,
            "weak_core_features": facts.weak_core_features,
            "churned_months": facts.churned_months,
            "falling_health": asdict(facts.fall),
            "contacts": len(people),
            "contacts_opted_out": sum(person.is_opted_out for person in people),
            "contacts_at_message_cap": sum(
                person.messages_sent >= parameters.message_cap for person in people
            ),
        }
    )
    return known


def _impact(estimate: rules.ImpactEstimate) -> dict[str, Any]:
    impact: dict[str, Any] = plain(
        {
            "sequences": [asdict(item) for item in estimate.impacts],
            "leading": estimate.leading.sequence if estimate.leading else None,
            "cap_pct": estimate.cap_pct,
            "value_pct": estimate.value_pct,
            "sample_size": estimate.leading.size if estimate.leading else None,
        }
    )
    return impact


def _reasons(
    facts: rules.TriggerFacts, plan: rules.EnrollmentPlan, estimate: rules.ImpactEstimate
) -> list[str]:
    reasons = [*plan.reasons, *estimate.reasons]
    if facts.fall.is_stale:
        reasons.append(STALE)
    if facts.readiness is None and facts.churned_months is None:
        reasons.append(NO_READINESS)
    return reasons
