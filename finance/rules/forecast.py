"""Forecast adjustment: the submitted renewal probability weighed against the model's.

Source: spec, Forecast Adjustment API; ITP T2.2; docs/rules/finance.md.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from cs_integrations.api.formats import half_up, money, parse_money
from cs_integrations.customers.health import HEALTH, Zone, renewal_probability, zone
from finance.rules.parameters import PARAMETERS, FinanceParameters


class Scenario(StrEnum):
    """A money case beside the base forecast."""

    EXPANSION = "expansion"
    CONTRACTION = "contraction"
    CHURN = "churn"
    FLAT_RENEWAL = "flat_renewal"


# The others lower the base forecast or repeat it; the renewal probability already says so.
POSITIVE_SCENARIOS = frozenset({Scenario.EXPANSION})


class ForecastStatus(StrEnum):
    """Whether a forecast counts in totals."""

    ACCEPTED = "accepted"
    NEEDS_REVIEW = "needs_review"  # stored and shown, but left out of totals


class ScenarioError(ValueError):
    """A scenario cannot be read; ``rule`` is ``choice``, ``money`` or ``max_value``."""

    def __init__(self, detail: str, *, name: str, rule: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self.name = name
        self.rule = rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What a caller submits; the interval is a 95% one with 0 <= low <= p <= high <= 1."""

    probability: Decimal
    interval_low: Decimal
    interval_high: Decimal
    scenarios: Mapping[str, str]  # money as submitted, by scenario name
    evidence: str = ""
    period: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthFact:
    """A customer's latest computed score and the one a trend window earlier, 0 to 100."""

    score: Decimal
    earlier_score: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The adjusted forecast; money in US dollars, probabilities 0 to 1.

    ``model_probability`` is None without computed health, ``expansion_value`` and
    ``risk_adjusted_value`` where a positive scenario meets an unknown readiness.
    """

    model_probability: Decimal | None
    blended_probability: Decimal  # at full precision, for totals
    shown_probability: Decimal  # rounded as answers show it
    expansion_probability: Decimal | None
    renewal_value: Decimal
    expansion_value: Decimal | None
    risk_adjusted_value: Decimal | None
    status: ForecastStatus
    reasons: tuple[str, ...] = ()


def interval_is_ordered(*, probability: Decimal, low: Decimal, high: Decimal) -> bool:
    """Say whether ``0 <= low <= probability <= high <= 1``."""
    return 0 <= low <= probability <= high <= 1


def parse_scenarios(
    *, scenarios: Mapping[str, str], parameters: FinanceParameters = PARAMETERS
) -> dict[Scenario, Decimal]:
    """Return the scenarios' amounts in US dollars.

    :raises ScenarioError: an unknown name, text that is not money, or an amount over the limit
    """
    return {
        _scenario(name): _amount(name, text, parameters.scenario_limit)
        for name, text in scenarios.items()
    }


def model_probability(*, health: HealthFact) -> Decimal:
    """Return the renewal probability, 0 to 1, that the customer's health implies.

    Without an earlier score no trend is assumed.
    """
    if health.earlier_score is None:
        return renewal_probability(health.score)
    return renewal_probability(health.score, change_90d=health.score - health.earlier_score)


def blended_probability(
    *, submission: Submission, model: Decimal, parameters: FinanceParameters = PARAMETERS
) -> Decimal:
    """Return the mean of submitted and model probability, weighed by inverse variance.

    The narrower the submitted interval, the more the submitted value weighs; an interval
    tighter than the least deviation counts as that wide.
    """
    width = submission.interval_high - submission.interval_low
    deviation = max(width / parameters.interval_deviations, parameters.least_deviation)
    submitted_weight = 1 / deviation**2
    model_weight = 1 / parameters.model_deviation**2
    weighted = submission.probability * submitted_weight + model * model_weight
    return weighted / (submitted_weight + model_weight)


def expansion_probability(
    *, readiness: Decimal, parameters: FinanceParameters = PARAMETERS
) -> Decimal:
    """Return the probability 0 to 1 that an expansion comes true, by readiness 0 to 100."""
    return readiness / 100 * parameters.expansion_conversion


def adjust_forecast(
    *,
    submission: Submission,
    health: HealthFact | None,
    annual_value: Decimal,
    readiness: Decimal | None,
    parameters: FinanceParameters = PARAMETERS,
) -> Forecast:
    """Return the forecast that follows from a submission and the stored facts.

    ``risk-adjusted value = p * annual value + positive scenarios * expansion probability``.

    :raises ScenarioError: a scenario cannot be read
    """
    model = None if health is None else model_probability(health=health)
    blended = submission.probability
    if model is not None:
        blended = blended_probability(submission=submission, model=model, parameters=parameters)
    chance = None
    if readiness is not None:
        chance = expansion_probability(readiness=readiness, parameters=parameters)
    renewal_value = blended * annual_value
    expansion_value = _expansion_value(submission, chance, parameters)
    status = _status(submission, model, parameters)
    return Forecast(
        model_probability=model,
        blended_probability=blended,
        shown_probability=shown_probability(blended, parameters),
        expansion_probability=chance,
        renewal_value=renewal_value,
        expansion_value=expansion_value,
        risk_adjusted_value=None if expansion_value is None else renewal_value + expansion_value,
        status=status,
        reasons=(
            *_model_reasons(health, submission, parameters),
            *_value_reasons(expansion_value, status, parameters),
        ),
    )


def shown_probability(value: Decimal, parameters: FinanceParameters = PARAMETERS) -> Decimal:
    """Return a probability rounded as answers show it."""
    return half_up(value, parameters.probability_step)


def submission_fingerprint(*, submission: Submission) -> str:
    """Return a digest that is equal for equal bodies, however their numbers are written.

    0.94 and 0.940 are the same, and so is another order of scenarios; "$75k" and "$75,000"
    are not, because the answer repeats the scenarios as they were submitted.
    """
    numbers = (submission.probability, submission.interval_low, submission.interval_high)
    body = {
        "numbers": [str(number.normalize()) for number in numbers],
        "scenarios": dict(submission.scenarios),
        "evidence": submission.evidence,
        "period": submission.period,
    }
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def is_natural_repeat(
    *,
    fingerprint: str,
    submitted_at: datetime,
    current_fingerprint: str,
    current_since: datetime,
    parameters: FinanceParameters = PARAMETERS,
) -> bool:
    """Say whether a submission only repeats the customer's current forecast.

    The same body within the repeat window. A forecast that another one has superseded is no
    longer repeated: sending its body again is a new decision.
    """
    window = timedelta(hours=parameters.repeat_window_hours)
    return fingerprint == current_fingerprint and submitted_at - current_since < window


def _scenario(name: str) -> Scenario:
    try:
        return Scenario(name)
    except ValueError:
        detail = f"Unknown scenario; allowed are {', '.join(Scenario)}."
        raise ScenarioError(detail, name=name, rule="unknown_member") from None


def _amount(name: str, text: str, limit: Decimal) -> Decimal:
    try:
        amount = parse_money(text)
    except ValueError:
        detail = 'Not an amount of money, such as "$75k" or "$12,500".'
        raise ScenarioError(detail, name=name, rule="money") from None
    if amount > limit:
        raise ScenarioError(f"Above the limit of {money(limit)}.", name=name, rule="range")
    return amount


def _expansion_value(
    submission: Submission, chance: Decimal | None, parameters: FinanceParameters
) -> Decimal | None:
    amounts = parse_scenarios(scenarios=submission.scenarios, parameters=parameters)
    positive = sum((amounts.get(name, Decimal(0)) for name in POSITIVE_SCENARIOS), Decimal(0))
    if not positive:
        return Decimal(0)
    return None if chance is None else positive * chance


def _status(
    submission: Submission, model: Decimal | None, parameters: FinanceParameters
) -> ForecastStatus:
    if model is None or submission.evidence.strip():
        return ForecastStatus.ACCEPTED
    is_far_off = abs(submission.probability - model) > parameters.review_difference
    return ForecastStatus.NEEDS_REVIEW if is_far_off else ForecastStatus.ACCEPTED


def _model_reasons(
    health: HealthFact | None, submission: Submission, parameters: FinanceParameters
) -> tuple[str, ...]:
    if health is None:
        return ("The customer has no computed health, so the submitted value stands.",)
    sentences = []
    if health.earlier_score is None:
        sentences.append(
            f"No computed health is {parameters.trend_window_days} days old,"
            " so no trend is assumed."
        )
    else:
        trend = (health.score - health.earlier_score) / HEALTH.trend_divisor
        if trend > 0 and zone(health.score) is Zone.RED:
            sentences.append("In the red zone a rise of health does not count.")
        elif abs(trend) > HEALTH.trend_limit:
            sentences.append(f"The trend counts as {HEALTH.trend_limit} points at most.")
    least_width = parameters.least_deviation * parameters.interval_deviations
    if submission.interval_high - submission.interval_low < least_width:
        sentences.append(f"An interval narrower than {least_width} counts as that wide.")
    return tuple(sentences)


def _value_reasons(
    expansion_value: Decimal | None, status: ForecastStatus, parameters: FinanceParameters
) -> tuple[str, ...]:
    sentences = []
    if expansion_value is None:
        sentences.append("Expansion readiness is unknown, so no value is put on the scenario.")
    if status == ForecastStatus.NEEDS_REVIEW:
        sentences.append(
            f"The submitted probability is more than {parameters.review_difference} from the"
            " model's and no evidence is given, so it counts in no total until reviewed."
        )
    return tuple(sentences)
