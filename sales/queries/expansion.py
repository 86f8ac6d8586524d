"""What speaks for selling more to a customer, and how much is open."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, Min

from cs_integrations import exchange
from cs_integrations.api.formats import annualized
from cs_integrations.customers.models import (
    Customer,
    HealthSnapshot,
    Plan,
    Stakeholder,
    Subscription,
)
from cs_integrations.customers.queries import (
    HealthReading,
    UsageReading,
    known_customers,
    latest_health,
    lowest_health,
    monthly_usage,
    running_subscriptions,
    still,
)
from cs_integrations.exchange import ContractStanding
from cs_integrations.explanation import Explanation, Outcome
from cs_integrations.lookup import find
from sales import rules
from sales.models import BaselineKpi, EvidenceItem, SuccessPlan, WhiteSpaceItem
from sales.rules import EXPANSION_RULE_ID, PARAMETERS, RULE_VERSION, SalesParameters


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerFacts:
    """What readiness, portfolio and white space of one customer rest on together."""

    standing: ContractStanding | None  # None: no contract in force
    subscription: Subscription | None  # None: none is running
    limits: tuple[rules.LimitUse, ...]
    readiness: rules.ReadinessFacts


def expansion(
    *, customer_id: str, at: datetime, parameters: SalesParameters = PARAMETERS
) -> Outcome:
    """Return how ready a customer is to buy more, with which proof, and how much is open.

    :raises UnknownObject: there is no such customer
    """
    as_of = at.date()
    customer = find(known_customers(), customer_id)
    facts = _customer_facts([customer], at, parameters)[customer.pk]
    proof = _portfolio_facts(customer, facts.standing, as_of, parameters)
    readiness = rules.expansion_readiness(facts=facts.readiness, parameters=parameters)
    portfolio = rules.value_portfolio(facts=proof, as_of=as_of, parameters=parameters)
    white_space = rules.open_white_space(
        segment=customer.segment,
        subscription=_subscription_facts(facts.subscription),
        items=_open_items(customer),
        limits=facts.limits,
        parameters=parameters,
    )
    return Outcome(
        body={
            "readiness_score": readiness.score,
            "value_portfolio": [item.code for item in portfolio.items],
            "white_space": annualized(white_space.total),
        },
        explanation=Explanation(
            rule_id=EXPANSION_RULE_ID,
            rule_version=RULE_VERSION,
            inputs=_expansion_inputs(customer, facts, proof, as_of),
            steps=_expansion_steps(readiness, facts, portfolio, white_space, parameters),
            sample_size=None if proof.health is None else proof.health.measurements,
            reasons=(*readiness.reasons, *portfolio.reasons, *white_space.reasons),
        ),
        customer_id=customer.public_id,
    )


def expansion_readiness(
    *, customer_ids: Collection[int], at: datetime
) -> Mapping[int, Decimal | None]:
    """Return the readiness score of each customer; offered to the other domains."""
    customers = list(known_customers().filter(pk__in=customer_ids))
    return {
        customer_id: rules.expansion_readiness(facts=facts.readiness).score
        for customer_id, facts in _customer_facts(customers, at, PARAMETERS).items()
    }


def _customer_facts(
    customers: Collection[Customer], at: datetime, parameters: SalesParameters
) -> dict[int, CustomerFacts]:
    as_of = at.date()
    ids = [customer.pk for customer in customers]
    since = rules.oldest_use_needed(as_of=as_of, parameters=parameters)
    usage = monthly_usage(customer_ids=ids, since=since)
    standings = exchange.contract_standings.call(customer_ids=ids, at=at)
    escalations = exchange.highest_open_escalations.call(customer_ids=ids)
    # What a churned customer left open is not running.
    active_ids = [customer.pk for customer in customers if not _is_churned(customer)]
    subscriptions = running_subscriptions(customer_ids=active_ids, on=as_of)
    health = latest_health(customer_ids=ids, on=as_of)
    sponsors = _sponsors(ids, as_of)
    return {
        customer.pk: _facts_of(
            customer,
            as_of=as_of,
            standing=standings.get(customer.pk),
            subscription=subscriptions.get(customer.pk),
            usage=usage.get(customer.pk, ()),
            health=health.get(customer.pk),
            sponsors=sponsors.get(customer.pk),
            highest_open_escalation=escalations.get(customer.pk),
            parameters=parameters,
        )
        for customer in customers
    }


def _facts_of(
    customer: Customer,
    *,
    as_of: date,
    standing: ContractStanding | None,
    subscription: Subscription | None,
    usage: Collection[UsageReading],
    health: HealthReading | None,
    sponsors: tuple[rules.Sponsor, ...] | None,
    highest_open_escalation: int | None,
    parameters: SalesParameters,
) -> CustomerFacts:
    limits = rules.limit_uses(
        uses=_monthly_uses(usage),
        subscribed_seats=subscription.seats if subscription else None,
        as_of=as_of,
        parameters=parameters,
    )
    readiness = rules.ReadinessFacts(
        is_churned=_is_churned(customer),
        delivery_pct=standing.delivery_pct if standing else None,
        health=health.score if health else None,
        capacity=rules.capacity_score(limits=limits, parameters=parameters),
        sponsors=sponsors,
        days_to_renewal=(standing.renewal_date - as_of).days if standing else None,
        has_payment_trouble=standing is not None and standing.has_payment_trouble,
        highest_open_escalation=highest_open_escalation,
    )
    return CustomerFacts(
        standing=standing, subscription=subscription, limits=limits, readiness=readiness
    )


def _is_churned(customer: Customer) -> bool:
    return customer.status == Customer.Status.CHURNED


def _monthly_uses(readings: Collection[UsageReading]) -> list[rules.MonthlyUse]:
    return [
        rules.MonthlyUse(
            month=reading.month,
            metric=rules.UsageMetric(reading.metric),
            used=reading.used,
            limit=reading.limit,
        )
        for reading in readings
    ]


def _sponsors(customer_ids: Collection[int], on: date) -> dict[int, tuple[rules.Sponsor, ...]]:
    """Return the present sponsors of each customer with any stakeholder, past ones counted."""
    sponsors: defaultdict[int, list[rules.Sponsor]] = defaultdict(list)
    rows = Stakeholder.objects.filter(customer_id__in=customer_ids).annotate(
        is_present=ExpressionWrapper(still("left_date", on), output_field=BooleanField())
    )
    for person in rows.order_by("pk"):
        known = sponsors[person.customer_id]
        if person.is_sponsor and person.is_present:
            known.append(rules.Sponsor(level=rules.SponsorLevel(person.level), nps=person.nps))
    return {customer_id: tuple(known) for customer_id, known in sponsors.items()}


def _portfolio_facts(
    customer: Customer,
    standing: ContractStanding | None,
    as_of: date,
    parameters: SalesParameters,
) -> rules.PortfolioFacts:
    return rules.PortfolioFacts(
        is_churned=_is_churned(customer),
        realized_value=standing.realized_value if standing else None,
        fees_paid=standing.fees_paid if standing else None,
        roi_target=_roi_target(customer),
        health=_health_history(customer, as_of, parameters),
        evidence=tuple(
            rules.Evidence(
                code=rules.EvidenceCode(row.code),
                achieved_date=row.achieved_date,
                milestone_code=row.milestone_code,
            )
            for row in EvidenceItem.objects.filter(customer=customer).order_by("pk")
        ),
    )


def _roi_target(customer: Customer) -> Decimal | None:
    """Return the return that the customer's active plan aims for, the newest of several."""
    return (
        BaselineKpi.objects.filter(
            plan__customer=customer,
            plan__status=SuccessPlan.Status.ACTIVE,
            name=BaselineKpi.Name.ROI_TARGET,
        )
        .order_by("-frozen_at", "-pk")
        .values_list("value", flat=True)
        .first()
    )


def _health_history(
    customer: Customer, as_of: date, parameters: SalesParameters
) -> rules.HealthHistory | None:
    start = as_of - timedelta(days=parameters.sustained_health_days)
    lowest = lowest_health(customer_ids=[customer.pk], start=start, end=as_of).get(customer.pk)
    if lowest is None:
        return None
    computed = HealthSnapshot.objects.filter(
        customer=customer, source=HealthSnapshot.Source.COMPUTED
    )
    first = computed.aggregate(day=Min("measured_date"))["day"]
    return rules.HealthHistory(
        lowest=lowest.score, measurements=lowest.measurements, first_measured_date=first
    )


def _open_items(customer: Customer) -> list[rules.OpenItem]:
    return [
        rules.OpenItem(
            name=item.name,
            kind=rules.ItemKind(item.kind),
            monthly_value=item.monthly_value,
            fit_rule=rules.FitRule(item.fit_rule),
            is_owned=item.is_owned,
        )
        for item in WhiteSpaceItem.objects.filter(customer=customer).order_by("name")
    ]


def _subscription_facts(subscription: Subscription | None) -> rules.SubscriptionFacts | None:
    if subscription is None:
        return None
    plan = subscription.plan
    higher = Plan.objects.filter(rank__gt=plan.rank).order_by("rank").first()
    return rules.SubscriptionFacts(
        monthly_price=subscription.monthly_price,
        # A price of 0 on the list means that each contract has its own.
        next_tier_price=(higher.monthly_price or None) if higher else None,
        seat_price=plan.seat_price,
        seats=subscription.seats,
        plan_seats=plan.seats,
        eligible_users=subscription.eligible_users,
        workspace_price=plan.workspace_price,
        workspaces=subscription.workspaces,
        plan_workspaces=plan.workspaces,
        business_units=subscription.business_units,
    )


def _expansion_inputs(
    customer: Customer, facts: CustomerFacts, proof: rules.PortfolioFacts, as_of: date
) -> dict[str, Any]:
    readiness, standing, history = facts.readiness, facts.standing, proof.health
    subscription = facts.subscription
    sponsors = readiness.sponsors
    return {
        "customer_id": customer.public_id,
        "as_of": as_of,
        "segment": customer.segment,
        "status": customer.status,
        "plan": subscription.plan.code if subscription else None,
        "contract_id": standing.contract_id if standing else None,
        "delivery_pct": readiness.delivery_pct,
        "health_score": readiness.health,
        "sponsors": None
        if sponsors is None
        else [{"level": sponsor.level, "nps": sponsor.nps} for sponsor in sponsors],
        "days_to_renewal": readiness.days_to_renewal,
        "has_payment_trouble": readiness.has_payment_trouble,
        "highest_open_escalation": readiness.highest_open_escalation,
        "realized_value": proof.realized_value,
        "fees_paid": proof.fees_paid,
        "roi_target": proof.roi_target,
        "lowest_health_90d": history.lowest if history else None,
        "first_measured_date": history.first_measured_date if history else None,
        "evidence_rows": len(proof.evidence),
    }


def _expansion_steps(
    readiness: rules.Readiness,
    facts: CustomerFacts,
    portfolio: rules.Portfolio,
    white_space: rules.WhiteSpace,
    parameters: SalesParameters,
) -> dict[str, Any]:
    return {
        "limits": {limit.metric: _limit_step(limit) for limit in facts.limits},
        "factors": {
            item.factor: {"points": item.points, "weight": item.weight}
            for item in readiness.factors
        },
        "weighted_mean": readiness.weighted_mean,
        "gates": {gate.gate: gate.cap for gate in readiness.gates},
        "is_ready": rules.is_ready(score=readiness.score, parameters=parameters),
        "roi_multiple": portfolio.roi_multiple,
        "evidence_dates": {item.code: item.evidence_date for item in portfolio.items},
        "white_space": {
            "tier": white_space.tier,
            "seats": white_space.seats,
            "workspaces": white_space.workspaces,
            "items": dict(white_space.items),
            "total": white_space.total,
        },
    }


def _limit_step(limit: rules.LimitUse) -> dict[str, Any]:
    return {
        "used": limit.used,
        "limit": limit.limit,
        "pct": limit.pct,
        "months_at_full": limit.months_at_full,
        "growth_pct": limit.growth_pct,
    }
