"""What finance writes, inside the request's transaction."""

from datetime import datetime, timedelta

from cs_integrations import exchange
from cs_integrations.customers.models import Customer
from cs_integrations.customers.queries import known_customers, latest_health
from cs_integrations.explanation import Outcome
from cs_integrations.lookup import find
from cs_integrations.refusals import InvalidMember, StateConflict
from finance import rules
from finance.models import Contract, ForecastAdjustment
from finance.queries import active_forecasts, current_contracts, forecast_outcome
from finance.rules import PARAMETERS, FinanceParameters


def adjust_forecast(
    *,
    customer_id: str,
    submission: rules.Submission,
    at: datetime,
    parameters: FinanceParameters = PARAMETERS,
) -> Outcome:
    """Store a submitted renewal forecast, blended with the model's, as the one in force.

    The same submission within the repeat window answers the stored forecast again.

    :raises UnknownObject: there is no such customer
    :raises StateConflict: the customer has no contract, so there is nothing to renew
    :raises InvalidMember: the interval is not ordered, or a scenario cannot be read
    """
    _check(submission, parameters)
    # The row lock puts two submissions for one customer in an order; with no_key the customer's
    # other facts may be written meanwhile.
    customer = find(known_customers().select_for_update(no_key=True), customer_id)
    contract = current_contracts(customer_ids=[customer.pk], as_of=at.date()).get(customer.pk)
    if contract is None:
        raise StateConflict("The customer has no contract, so there is nothing to renew.")
    current = active_forecasts().filter(customer=customer).first()
    if current is not None:
        if _is_repeat(submission, current, at, parameters):
            return forecast_outcome(
                adjustment=current, customer_id=customer.public_id, replayed=True
            )
        current.superseded_at = at
        current.save(update_fields=["superseded_at"])
    adjustment = _store(
        customer=customer,
        contract=contract,
        submission=submission,
        at=at,
        parameters=parameters,
    )
    return forecast_outcome(adjustment=adjustment, customer_id=customer.public_id)


def _check(submission: rules.Submission, parameters: FinanceParameters) -> None:
    if not rules.interval_is_ordered(
        probability=submission.probability,
        low=submission.interval_low,
        high=submission.interval_high,
    ):
        raise InvalidMember(
            "The interval must hold the probability: 0 <= low <= renewal_probability <= high <= 1.",
            pointer="/confidence_interval",
            rule="ordered",
        )
    try:
        rules.parse_scenarios(scenarios=submission.scenarios, parameters=parameters)
    except rules.ScenarioError as error:
        raise InvalidMember(
            error.detail, pointer=f"/scenarios/{error.name}", rule=error.rule
        ) from error


def _is_repeat(
    submission: rules.Submission,
    current: ForecastAdjustment,
    at: datetime,
    parameters: FinanceParameters,
) -> bool:
    return rules.is_natural_repeat(
        fingerprint=rules.submission_fingerprint(submission=submission),
        submitted_at=at,
        current_fingerprint=current.fingerprint,
        current_since=current.effective_from,
        parameters=parameters,
    )


def _store(
    *,
    customer: Customer,
    contract: Contract,
    submission: rules.Submission,
    at: datetime,
    parameters: FinanceParameters,
) -> ForecastAdjustment:
    health = _health(customer, at, parameters)
    ready = exchange.expansion_readiness.call(customer_ids=[customer.pk], at=at)
    readiness = ready.get(customer.pk)
    forecast = rules.adjust_forecast(
        submission=submission,
        health=health,
        annual_value=contract.annual_value,
        readiness=readiness,
        parameters=parameters,
    )
    adjustment = ForecastAdjustment.objects.create(
        customer=customer,
        contract=contract,
        submitted_probability=submission.probability,
        interval_low=submission.interval_low,
        interval_high=submission.interval_high,
        scenarios=dict(submission.scenarios),
        evidence=submission.evidence,
        period=submission.period,
        health_score=None if health is None else health.score,
        earlier_health_score=None if health is None else health.earlier_score,
        readiness=readiness,
        model_probability=forecast.model_probability,
        blended_probability=forecast.blended_probability,
        expansion_probability=forecast.expansion_probability,
        annual_value=contract.annual_value,
        risk_adjusted_value=forecast.risk_adjusted_value,
        status=forecast.status.value,
        reasons=list(forecast.reasons),
        fingerprint=rules.submission_fingerprint(submission=submission),
        effective_from=at,
    )
    # Answer what the database holds: it rounds to its columns' places.
    adjustment.refresh_from_db(from_queryset=active_forecasts())
    return adjustment


def _health(
    customer: Customer, at: datetime, parameters: FinanceParameters
) -> rules.HealthFact | None:
    today = at.date()
    latest = latest_health(customer_ids=[customer.pk], on=today).get(customer.pk)
    if latest is None:
        return None
    before = today - timedelta(days=parameters.trend_window_days)
    earlier = latest_health(customer_ids=[customer.pk], on=before).get(customer.pk)
    return rules.HealthFact(
        score=latest.score, earlier_score=None if earlier is None else earlier.score
    )
