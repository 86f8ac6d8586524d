"""What finance reads: contracts and all that hangs on them, forecasts, payments."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from cs_integrations import exchange
from cs_integrations.api.formats import money, percent
from cs_integrations.customers.queries import known_customers
from cs_integrations.exchange import ContractStanding
from cs_integrations.explanation import Explanation, Outcome
from cs_integrations.lookup import find
from cs_integrations.refusals import UnknownObject
from finance import rules
from finance.models import (
    AttributionEntry,
    AttributionPolicy,
    Commitment,
    Contract,
    CsCostMonthly,
    Delivery,
    ForecastAdjustment,
    Payment,
)
from finance.rules import PARAMETERS, FinanceParameters

REALIZATION_RULE = "finance.value_realization"
FORECAST_RULE = "finance.forecast_adjustment"
RULE_VERSION = "1"


def realization(
    *, contract_id: str, at: datetime, parameters: FinanceParameters = PARAMETERS
) -> Outcome:
    """Return what a contract has delivered, leaves unused and is heading for.

    :raises UnknownObject: there is no such contract
    """
    as_of = at.date()
    contract = find(known_contracts(), contract_id)
    facts = _contract_facts(contract, as_of)
    result = rules.value_realization(facts=facts, as_of=as_of, parameters=parameters)
    delivered = result.delivery.percentage
    return Outcome(
        body={
            "delivery_vs_commit": None if delivered is None else percent(delivered),
            "utilization_gaps": [gap.code for gap in result.utilization.gaps],
            "roi_trajectory": result.roi.text,
        },
        explanation=_realization_explanation(contract, facts, result, as_of),
        customer_id=contract.customer.public_id,
    )


def current_forecast(*, customer_id: str) -> Outcome:
    """Return the forecast that is in force for a customer.

    :raises UnknownObject: there is no such customer, or no forecast was submitted for it
    """
    customer = find(known_customers(), customer_id)
    current = active_forecasts().filter(customer=customer).first()
    if current is None:
        raise UnknownObject("There is no forecast for this customer.")
    return forecast_outcome(adjustment=current, customer_id=customer.public_id)


def forecast_outcome(
    *, adjustment: ForecastAdjustment, customer_id: str, replayed: bool = False
) -> Outcome:
    """Return a stored forecast as an answer; nothing of it is computed again."""
    value = adjustment.risk_adjusted_value
    return Outcome(
        body={
            "forecast_id": adjustment.public_id,
            "customer_id": customer_id,
            "renewal_probability": rules.shown_probability(adjustment.blended_probability),
            "confidence_interval": [adjustment.interval_low, adjustment.interval_high],
            "scenarios": adjustment.scenarios,
            "risk_adjusted_value": None if value is None else money(value),
            "status": adjustment.status,
        },
        explanation=_forecast_explanation(adjustment),
        location_id=customer_id,
        replayed=replayed,
        customer_id=customer_id,
    )


def active_forecasts() -> QuerySet[ForecastAdjustment]:
    """Return the forecasts that no later one has superseded, one a customer at most."""
    return ForecastAdjustment.objects.filter(superseded_at__isnull=True).select_related("contract")


def known_contracts() -> QuerySet[Contract]:
    """Return the contracts that requests may name: those of the customers they may name."""
    return Contract.objects.filter(customer__in=known_customers()).select_related("customer")


def current_contracts(*, customer_ids: Collection[int], as_of: date) -> dict[int, Contract]:
    """Return each customer's running contract; of several, the one that started last."""
    rows = (
        Contract.objects.filter(
            customer_id__in=customer_ids,
            status=Contract.Status.ACTIVE,
            start_date__lte=as_of,
            end_date__gte=as_of,
        )
        .order_by("customer_id", "-start_date")
        .distinct("customer_id")
    )
    return {contract.customer_id: contract for contract in rows}


def customers_of(*, public_ids: Collection[str]) -> Mapping[str, str]:
    """Return the customers of the contracts among these ids; offered to the trail."""
    contracts = Contract.objects.filter(public_id__in=public_ids)
    return dict(contracts.values_list("public_id", "customer__public_id"))


def contract_standings(
    *, customer_ids: Collection[int], at: datetime
) -> Mapping[int, ContractStanding]:
    """Return where each customer stands with its current contract; offered to the other domains."""
    as_of = at.date()
    contracts = current_contracts(customer_ids=customer_ids, as_of=as_of)
    commitments = _commitments([contract.pk for contract in contracts.values()], as_of)
    realized = _realized_values(customer_ids, as_of)
    fees = _fees_paid(customer_ids, as_of)
    payments = _payments(customer_ids)
    return {
        customer_id: ContractStanding(
            contract_id=contract.public_id,
            annual_value=contract.annual_value,
            renewal_date=contract.end_date,
            delivery_pct=rules.delivery_vs_commit(
                term=_term(contract), commitments=commitments[contract.pk], as_of=as_of
            ).percentage,
            realized_value=realized.get(customer_id, Decimal(0)),
            fees_paid=fees.get(customer_id, Decimal(0)),
            has_payment_trouble=rules.payment_standing(
                payments=payments[customer_id], as_of=as_of
            ).has_trouble,
        )
        for customer_id, contract in contracts.items()
    }


def _contract_facts(contract: Contract, as_of: date) -> rules.ContractFacts:
    term = _term(contract)
    return rules.ContractFacts(
        term=term,
        commitments=_commitments([contract.pk], as_of)[contract.pk],
        uses=_uses(contract, rules.use_month(term=term, as_of=as_of)),
        outcomes=[
            rules.OutcomeFact(
                kind=rules.OutcomeKind(entry.kind),
                occurred_date=entry.occurred_date,
                amount=entry.amount,
                share=entry.share,
            )
            for entry in AttributionEntry.objects.filter(contract=contract)
        ],
        costs=[
            rules.CostFact(
                month=cost.month,
                hours=cost.hours,
                hourly_rate=cost.hourly_rate,
                tool_cost=cost.tool_cost,
            )
            for cost in CsCostMonthly.objects.filter(contract=contract)
        ],
        policies=[
            rules.PolicyFact(
                kind=rules.OutcomeKind(policy.kind),
                share=policy.share,
                valid_from=policy.valid_from,
            )
            for policy in AttributionPolicy.objects.all()
        ],
    )


def _term(contract: Contract) -> rules.ContractTerm:
    return rules.ContractTerm(
        start_date=contract.start_date,
        end_date=contract.end_date,
        closed_date=contract.closed_date,
    )


def _commitments(
    contract_ids: Collection[int], as_of: date
) -> defaultdict[int, list[rules.CommitmentFact]]:
    delivered = Sum("deliveries__value", filter=Q(deliveries__delivered_date__lte=as_of))
    rows = (
        Commitment.objects.filter(contract_id__in=contract_ids)
        .annotate(delivered_value=Coalesce(delivered, Decimal(0)))
        .order_by("pk")
    )
    facts: defaultdict[int, list[rules.CommitmentFact]] = defaultdict(list)
    for row in rows:
        facts[row.contract_id].append(
            rules.CommitmentFact(
                outcome=row.outcome,
                accrual=rules.Accrual(row.accrual),
                start_date=row.start_date,
                due_date=row.due_date,
                committed_value=row.committed_value,
                delivered_value=row.delivered_value,
            )
        )
    return facts


def _uses(contract: Contract, month: date | None) -> list[rules.UseFact]:
    if month is None:
        return []
    uses = exchange.contracted_uses.call(customer_ids=[contract.customer_id], month=month)
    return [
        rules.UseFact(feature_slug=use.feature_slug, used=use.used, contracted=use.contracted)
        for use in uses.get(contract.customer_id, ())
    ]


def _realized_values(customer_ids: Collection[int], as_of: date) -> dict[int, Decimal]:
    rows = (
        Delivery.objects.filter(
            commitment__contract__customer_id__in=customer_ids, delivered_date__lte=as_of
        )
        .values("commitment__contract__customer_id")
        .annotate(total=Sum("value"))
        .values_list("commitment__contract__customer_id", "total")
    )
    return dict(rows)


def _fees_paid(customer_ids: Collection[int], as_of: date) -> dict[int, Decimal]:
    rows = (
        Payment.objects.filter(customer_id__in=customer_ids, paid_date__lte=as_of)
        .values("customer_id")
        .annotate(total=Sum("amount"))
        .values_list("customer_id", "total")
    )
    return dict(rows)


def _payments(customer_ids: Collection[int]) -> defaultdict[int, list[rules.PaymentFact]]:
    facts: defaultdict[int, list[rules.PaymentFact]] = defaultdict(list)
    for row in Payment.objects.filter(customer_id__in=customer_ids):
        facts[row.customer_id].append(
            rules.PaymentFact(
                due_date=row.due_date,
                paid_date=row.paid_date,
                disputed_date=row.disputed_date,
                settled_date=row.settled_date,
            )
        )
    return facts


def _realization_explanation(
    contract: Contract,
    facts: rules.ContractFacts,
    result: rules.ValueRealization,
    as_of: date,
) -> Explanation:
    return Explanation(
        rule_id=REALIZATION_RULE,
        rule_version=RULE_VERSION,
        inputs={
            "contract_id": contract.public_id,
            "as_of": as_of,
            "start_date": contract.start_date,
            "end_date": contract.end_date,
            "closed_date": contract.closed_date,
            "status": contract.status,
            "months_with_cost": len(facts.costs),
            "use_month": rules.use_month(term=facts.term, as_of=as_of),
        },
        steps=_realization_steps(result),
        sample_size=result.roi.outcomes_counted,
        reasons=result.reasons,
    )


def _realization_steps(result: rules.ValueRealization) -> dict[str, Any]:
    delivery, roi = result.delivery, result.roi
    return {
        "due_value": delivery.due_value,
        "counted_value": delivery.counted_value,
        "commitments": [
            {
                "outcome": standing.outcome,
                "delivered": standing.delivered_value,
                "counted": standing.counted_value,
                "due": standing.due_value,
            }
            for standing in delivery.commitments
        ],
        "features_measured": result.utilization.features_measured,
        "features_under_threshold": {
            gap.feature_slug: gap.utilization_pct for gap in result.utilization.gaps
        },
        "outcome_to_date": roi.outcome.to_date,
        "outcome_monthly": roi.outcome.monthly,
        "cost_to_date": roi.cost.to_date,
        "cost_monthly": roi.cost.monthly,
        "months_left": roi.months_left,
        "days_observed": roi.days_observed,
        "is_low_confidence": roi.is_low_confidence,
    }


def _forecast_explanation(adjustment: ForecastAdjustment) -> Explanation:
    return Explanation(
        rule_id=FORECAST_RULE,
        rule_version=RULE_VERSION,
        inputs={
            "submitted_probability": adjustment.submitted_probability,
            "confidence_interval": [adjustment.interval_low, adjustment.interval_high],
            "scenarios": adjustment.scenarios,
            "has_evidence": bool(adjustment.evidence.strip()),
            "contract_id": adjustment.contract.public_id,
            "health_score": adjustment.health_score,
            "earlier_health_score": adjustment.earlier_health_score,
            "expansion_readiness": adjustment.readiness,
            "annual_value": adjustment.annual_value,
        },
        steps={
            "model_probability": adjustment.model_probability,
            "blended_probability": adjustment.blended_probability,
            "expansion_probability": adjustment.expansion_probability,
            "risk_adjusted_value": adjustment.risk_adjusted_value,
            "effective_from": adjustment.effective_from,
        },
        reasons=tuple(adjustment.reasons),
    )
