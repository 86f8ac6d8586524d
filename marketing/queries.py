"""What marketing reads: campaigns, who is enrolled, what they did and earned, past triggers."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Avg, Count, F, IntegerField, Max, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from cs_integrations import exchange
from cs_integrations.api.formats import money, percent
from cs_integrations.customers.health import Zone, zone
from cs_integrations.customers.models import Customer
from cs_integrations.customers.queries import health_series, reachable_contacts
from cs_integrations.explanation import Explanation, Outcome, sole
from cs_integrations.lookup import find
from marketing import rules
from marketing.models import (
    Campaign,
    CampaignEnrollment,
    EngagementEvent,
    Message,
    RevenueEvent,
    Touchpoint,
    TriggerEvent,
)
from marketing.rules import PARAMETERS, MarketingParameters


def performance(
    *, campaign_id: str, at: datetime, parameters: MarketingParameters = PARAMETERS
) -> Outcome:
    """Return what a campaign earned, the share of Customer Success, and whether health followed.

    :raises UnknownObject: there is no such campaign
    """
    campaign = find(Campaign.objects.all(), campaign_id)
    own = list(campaign.enrollments.order_by("pk").annotate(whose=F("customer__public_id")))
    revenue = rules.measure_revenue(
        campaign_id=campaign.pk,
        revenues=_revenues(own, at, parameters),
        enrollments=_claimants(own, parameters),
        parameters=parameters,
    )
    correlation = rules.measure_correlation(
        participants=_participants(campaign, own, at),
        campaign_started_at=campaign.started_at,
        at=at,
        parameters=parameters,
    )
    return Outcome(
        body={
            "attribution_to_cs": percent(revenue.attribution_pct),
            "health_correlation": correlation.coefficient,
            "revenue_impact": money(revenue.revenue_impact),
        },
        explanation=_performance_explanation(campaign, own, revenue, correlation, at),
        customer_id=sole(row.whose for row in own),
    )


def campaign_standing(*, campaign_id: str) -> Outcome:
    """Return where a campaign stands.

    :raises UnknownObject: there is no such campaign
    """
    campaign = find(Campaign.objects.all(), campaign_id)
    rows = campaign.enrollments.values("sequence").annotate(
        size=Count("pk"),
        running=Count("pk", filter=Q(ended_at__isnull=True)),
        first_customer=Min("customer__public_id"),
        last_customer=Max("customer__public_id"),
    )
    counts = {row["sequence"]: row["size"] for row in rows}
    running = sum(row["running"] for row in rows)
    enrolled = sum(counts.values())
    sequences = [code.value for code in rules.SequenceCode if code.value in counts]
    return Outcome(
        body={
            "campaign_id": campaign.public_id,
            "status": campaign.status,
            "kind": campaign.kind,
            "sequences": sequences,
            "started_at": campaign.started_at,
            "enrollments": enrolled,
        },
        explanation=Explanation(
            rule_id=rules.CAMPAIGN_RULE_ID,
            rule_version=rules.RULE_VERSION,
            inputs={"campaign_id": campaign.public_id, "ended_at": campaign.ended_at},
            steps={
                "enrollments_by_sequence": {code: counts[code] for code in sequences},
                "running": running,
                "ended": enrolled - running,
            },
            sample_size=enrolled,
        ),
        customer_id=sole(row[end] for row in rows for end in ("first_customer", "last_customer")),
    )


def first_equal_trigger(
    *,
    customer: Customer,
    signal: rules.HealthSignal,
    at: datetime,
    parameters: MarketingParameters = PARAMETERS,
) -> TriggerEvent | None:
    """Return the stored trigger that this one repeats, if it does."""
    newest = (
        TriggerEvent.objects.filter(
            customer=customer, fingerprint=rules.request_fingerprint(signal=signal)
        )
        .select_related("campaign", "customer")
        .order_by(F("received_at").desc())
        .first()
    )
    if newest is None:
        return None
    is_repeat = rules.is_natural_repeat(first_at=newest.received_at, at=at, parameters=parameters)
    return newest if is_repeat else None


def trigger_facts(
    *,
    customer: Customer,
    signal: rules.HealthSignal,
    category: rules.CategoryReading,
    phases: Mapping[str, str],
    at: datetime,
    parameters: MarketingParameters = PARAMETERS,
) -> rules.TriggerFacts:
    """Return what the choice of sequences looks at: the signal beside what is known."""
    ids = [customer.pk]
    return rules.TriggerFacts(
        health_score=signal.health_score,
        category=category.effective,
        fall=_fall(customer, signal, at.date(), parameters),
        milestones=tuple(rules.ReachedMilestone(code, phases[code]) for code in signal.milestones),
        readiness=exchange.expansion_readiness.call(customer_ids=ids, at=at).get(customer.pk),
        highest_open_tier=exchange.highest_open_escalations.call(customer_ids=ids).get(customer.pk),
        weak_core_features=exchange.weak_core_features.call(customer_ids=ids, at=at).get(
            customer.pk, ()
        ),
        churned_months=(
            rules.full_months(start=customer.churned_date, end=at.date())
            if customer.status == Customer.Status.CHURNED and customer.churned_date
            else None
        ),
    )


def running_sequences(*, customer: Customer) -> dict[rules.SequenceCode, Campaign]:
    """Return the campaign of each sequence that runs for a customer."""
    rows = CampaignEnrollment.objects.filter(
        customer=customer, ended_at__isnull=True
    ).select_related("campaign")
    return {rules.SequenceCode(row.sequence): row.campaign for row in rows}


def contacts(
    *, customer: Customer, at: datetime, parameters: MarketingParameters = PARAMETERS
) -> list[rules.Contact]:
    """Return the marketing contacts with the messages of the trailing week."""
    people = reachable_contacts(customer_id=customer.pk, on=at.date())
    sent = dict(
        Message.objects.filter(
            stakeholder_id__in=[person.stakeholder_id for person in people],
            sent_at__gt=at - timedelta(days=parameters.message_days),
        )
        .values("stakeholder_id")
        .annotate(size=Count("pk"))
        .values_list("stakeholder_id", "size")
    )
    return [
        rules.Contact(
            stakeholder_id=person.stakeholder_id,
            is_opted_out=person.has_opted_out,
            messages_sent=sent.get(person.stakeholder_id, 0),
        )
        for person in people
    ]


def finished_samples(
    *, sequences: Collection[rules.SequenceCode], started_in: Zone
) -> dict[rules.SequenceCode, rules.FinishedSample]:
    """Return the measured history of each sequence among enrollments that began in a zone."""
    start, after = F("health_at_start"), F("health_after")
    rows = (
        CampaignEnrollment.objects.filter(
            sequence__in=[code.value for code in sequences],
            zone_at_start=started_in.value,
            ended_at__isnull=False,
            health_after__isnull=False,
            health_at_start__gt=0,
        )
        .values("sequence")
        .annotate(size=Count("pk"), mean_change_pct=Avg(100 * (after - start) / start))
        .values_list("sequence", "size", "mean_change_pct")
    )
    return {
        rules.SequenceCode(code): rules.FinishedSample(size=size, mean_change_pct=mean)
        for code, size, mean in rows
    }


def trigger_outcome(*, event: TriggerEvent, replayed: bool = False) -> Outcome:
    """Return a stored trigger as an answer; nothing of it is decided again."""
    campaign_id = event.campaign.public_id if event.campaign else None
    return Outcome(
        body={
            "campaign_id": campaign_id,
            "triggered_sequences": event.triggered_sequences,
            "estimated_impact": event.estimated_impact,
        },
        explanation=Explanation(
            rule_id=rules.TRIGGER_RULE_ID,
            rule_version=event.rule_version,
            inputs={
                "health_score": event.health_score,
                "risk_category": event.stated_category or None,
                "milestones": event.milestones,
                "received_at": event.received_at,
                **event.facts,
            },
            steps={
                "zone": zone(event.health_score),
                "effective_category": event.effective_category,
                "is_stale": event.is_stale,
                "matched": event.matched,
                "suppressed": event.suppressed,
                "impact": event.impact,
                "workflow_execution": event.execution_id or None,
            },
            sample_size=event.impact.get("sample_size"),
            reasons=tuple(event.reasons),
        ),
        location_id=campaign_id or "",
        replayed=replayed,
        customer_id=event.customer.public_id,
    )


def _fall(
    customer: Customer, signal: rules.HealthSignal, today: date, parameters: MarketingParameters
) -> rules.HealthFall:
    # Up to the end of time: a score that is newer than the trigger makes the trigger stale.
    series = health_series(
        customer_id=customer.pk,
        start=today - timedelta(days=parameters.trend_days),
        end=date.max,
    )
    return rules.measure_fall(
        health_score=signal.health_score,
        measured_date=today,
        scores=[
            rules.DatedScore(measured_date=reading.measured_date, score=reading.score)
            for reading in series
        ],
        parameters=parameters,
    )


def _participants(
    campaign: Campaign, own: Collection[CampaignEnrollment], at: datetime
) -> list[rules.Participant]:
    counts: defaultdict[int, dict[str, int]] = defaultdict(dict)
    events = EngagementEvent.objects.filter(enrollment__campaign=campaign, occurred_at__lte=at)
    for enrollment_id, kind, size in (
        events.values("enrollment_id", "kind")
        .annotate(size=Count("pk"))
        .values_list("enrollment_id", "kind", "size")
    ):
        counts[enrollment_id][kind] = size
    kinds = rules.EngagementKind
    return [
        rules.Participant(
            engagement=rules.EngagementCounts(
                opens=counts[row.pk].get(kinds.OPEN, 0),
                clicks=counts[row.pk].get(kinds.CLICK, 0),
                replies=counts[row.pk].get(kinds.REPLY, 0),
                bounces=counts[row.pk].get(kinds.BOUNCE, 0),
                unsubscribes=counts[row.pk].get(kinds.UNSUBSCRIBE, 0),
            ),
            health_change=row.health_after - row.health_at_start,
        )
        for row in own
        if row.health_after is not None
    ]


def _revenues(
    own: Collection[CampaignEnrollment], at: datetime, parameters: MarketingParameters
) -> list[rules.RevenueFact]:
    """Return what closed for the enrolled customers while any of them could claim it."""
    if not own:
        return []
    first = min(row.started_at for row in own)
    last = max(row.started_at for row in own) + timedelta(days=parameters.revenue_days)
    touches = Touchpoint.objects.filter(
        customer=OuterRef("customer"),
        occurred_at__lt=OuterRef("closed_at"),
        occurred_at__gte=OuterRef("closed_at") - timedelta(days=parameters.touch_days),
    )
    by_cs = touches.filter(owner=Touchpoint.Owner.CUSTOMER_SUCCESS)
    rows = (
        RevenueEvent.objects.filter(
            customer__in={row.customer_id for row in own},
            closed_at__gt=first,
            closed_at__lte=min(last, at),
        )
        .annotate(cs_touches=_count(by_cs), all_touches=_count(touches))
        .order_by("pk")
    )
    return [
        rules.RevenueFact(
            revenue_id=row.pk,
            customer_id=row.customer_id,
            kind=rules.RevenueKind(row.kind),
            amount=row.amount,
            closed_at=row.closed_at,
            is_cs_driven=row.is_cs_driven,
            is_refunded=row.refunded_at is not None and row.refunded_at <= at,
            cs_touches=row.cs_touches,
            all_touches=row.all_touches,
        )
        for row in rows
    ]


def _count(touches: QuerySet[Touchpoint]) -> Coalesce:
    counted = touches.order_by().values("customer").annotate(size=Count("pk")).values("size")
    return Coalesce(Subquery(counted), 0, output_field=IntegerField())


def _claimants(
    own: Collection[CampaignEnrollment], parameters: MarketingParameters
) -> list[rules.Enrolled]:
    """Return the enrollments of every campaign that could claim what the own ones claim."""
    if not own:
        return []
    window = timedelta(days=parameters.revenue_days)
    rows = CampaignEnrollment.objects.filter(
        customer__in={row.customer_id for row in own},
        started_at__gte=min(row.started_at for row in own) - window,
        started_at__lte=max(row.started_at for row in own) + window,
    ).order_by("pk")
    return [
        rules.Enrolled(
            enrollment_id=row.pk,
            campaign_id=row.campaign_id,
            customer_id=row.customer_id,
            started_at=row.started_at,
            health_at_start=row.health_at_start,
        )
        for row in rows
    ]


def _performance_explanation(
    campaign: Campaign,
    own: Collection[CampaignEnrollment],
    revenue: rules.RevenueMeasure,
    correlation: rules.CorrelationMeasure,
    at: datetime,
) -> Explanation:
    steps: dict[str, Any] = {
        "enrollments": len(own),
        "claims": [
            {
                "revenue_event": claim.revenue_id,
                "amount": claim.amount,
                "weight": claim.weight,
                "cs_share": claim.cs_share,
                "basis": claim.basis,
            }
            for claim in revenue.claims
        ],
        "revenue_impact": revenue.revenue_impact,
        "cs_amount": revenue.cs_amount,
        "attribution_pct": revenue.attribution_pct,
        "measured": correlation.sample_size,
        "correlation_interval": correlation.interval,
    }
    return Explanation(
        rule_id=rules.PERFORMANCE_RULE_ID,
        rule_version=rules.RULE_VERSION,
        inputs={
            "campaign_id": campaign.public_id,
            "kind": campaign.kind,
            "started_at": campaign.started_at,
            "at": at,
        },
        steps=steps,
        sample_size=correlation.sample_size,
        reasons=revenue.reasons + correlation.reasons,
    )
