"""What keeps eligible customers from a feature, and what to do about it. Pure.

Source: spec, Adoption Insights API; XD/product-integration-map.md (drop-off analysis);
docs/rules/product.md gives each test with its limit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from product.rules.parameters import PARAMETERS, ProductParameters
from product.rules.use import CustomerUse, share, window_start

NO_SHORTFALL = Decimal(0)
NOTHING = Decimal(0)
EVERYTHING = Decimal(100)


class Barrier(StrEnum):
    """An obstacle to adoption; equal shortfalls are listed in this order."""

    ONBOARDING_FRICTION = "onboarding_friction"
    LOW_AWARENESS = "low_awareness"
    TRAINING_GAP = "training_gap"
    TECHNICAL_ISSUES = "technical_issues"
    USAGE_DROPOFF = "usage_dropoff"
    LOW_VALUE_PERCEIVED = "low_value_perceived"


class Recommendation(StrEnum):
    """What Customer Success should do next."""

    TARGETED_TUTORIAL = "targeted_tutorial"
    FEATURE_DISCOVERY = "feature_discovery"
    TRAINING_CONTENT = "training_content"
    ENGINEERING_REVIEW = "engineering_review"
    SUCCESS_CHECK_IN = "success_check_in"
    WORKFLOW_OPTIMIZATION = "workflow_optimization"
    ADOPTION_CAMPAIGN = "adoption_campaign"
    FEEDBACK_REQUEST = "feedback_request"


REMEDIES: Mapping[Barrier, Recommendation] = {
    Barrier.ONBOARDING_FRICTION: Recommendation.TARGETED_TUTORIAL,
    Barrier.LOW_AWARENESS: Recommendation.FEATURE_DISCOVERY,
    Barrier.TRAINING_GAP: Recommendation.TRAINING_CONTENT,
    Barrier.TECHNICAL_ISSUES: Recommendation.ENGINEERING_REVIEW,
    Barrier.USAGE_DROPOFF: Recommendation.SUCCESS_CHECK_IN,
    Barrier.LOW_VALUE_PERCEIVED: Recommendation.WORKFLOW_OPTIMIZATION,
}
LOW_ADOPTION_REMEDIES = (Recommendation.ADOPTION_CAMPAIGN, Recommendation.FEEDBACK_REQUEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class BarrierCheck:
    """One test of one barrier: what was measured, the limit, and how far beyond it.

    ``shortfall`` is the share 0 to 1 of the way from the limit to the worst possible value,
    which makes shares of customers, error rates and ratings comparable; 0: did not fire.
    """

    barrier: Barrier
    measure: str
    value: Decimal | None  # None: there was nothing to measure
    limit: Decimal
    sample_size: int  # customers, or uses for the two rates of uses
    shortfall: Decimal

    @property
    def fired(self) -> bool:
        return self.shortfall > 0


def barrier_checks(
    *, customers: Sequence[CustomerUse], on: date, parameters: ProductParameters = PARAMETERS
) -> tuple[BarrierCheck, ...]:
    """Return every barrier test of the eligible customers, fired or not, in table order."""
    return (
        _onboarding_check(customers, on, parameters),
        _awareness_check(customers, parameters),
        _training_check(customers, parameters),
        *_technical_checks(customers, parameters),
        _dropoff_check(customers, on, parameters),
        *_value_checks(customers, parameters),
    )


def barriers_by_shortfall(checks: Sequence[BarrierCheck]) -> tuple[Barrier, ...]:
    """Return the barriers that fired, largest shortfall first.

    A barrier with two tests counts with the larger of its shortfalls.
    """
    largest: dict[Barrier, Decimal] = {}
    for check in checks:
        if check.fired:
            largest[check.barrier] = max(check.shortfall, largest.get(check.barrier, NO_SHORTFALL))
    order = list(Barrier)
    return tuple(sorted(largest, key=lambda barrier: (-largest[barrier], order.index(barrier))))


def recommendations(
    *,
    barriers: Sequence[Barrier],
    rate: Decimal | None,
    parameters: ProductParameters = PARAMETERS,
) -> tuple[Recommendation, ...]:
    """Return the remedy of each barrier, in the barriers' order.

    An overall rate under 30% adds an adoption campaign and a feedback request (ITP T3.1).
    """
    remedies = tuple(REMEDIES[barrier] for barrier in barriers)
    if rate is not None and rate < parameters.low_adoption_below:
        return remedies + LOW_ADOPTION_REMEDIES
    return remedies


def _onboarding_check(
    customers: Sequence[CustomerUse], on: date, parameters: ProductParameters
) -> BarrierCheck:
    oldest, youngest = parameters.onboarding_cohort_to_days, parameters.onboarding_cohort_from_days
    cohort = [
        customer
        for customer in customers
        if youngest <= (on - customer.enabled_date).days <= oldest
    ]
    begun = sum(
        customer.first_use_date is not None
        and (customer.first_use_date - customer.enabled_date).days
        <= parameters.first_use_within_days
        for customer in cohort
    )
    return _check(
        Barrier.ONBOARDING_FRICTION,
        "first_use_share",
        share(begun, len(cohort)),
        limit=parameters.first_use_share_min,
        worst=NOTHING,
        sample_size=len(cohort),
    )


def _awareness_check(
    customers: Sequence[CustomerUse], parameters: ProductParameters
) -> BarrierCheck:
    opened = sum(customer.first_use_date is not None for customer in customers)
    return _check(
        Barrier.LOW_AWARENESS,
        "ever_opened_share",
        share(opened, len(customers)),
        limit=parameters.awareness_share_min,
        worst=NOTHING,
        sample_size=len(customers),
    )


def _training_check(
    customers: Sequence[CustomerUse], parameters: ProductParameters
) -> BarrierCheck:
    completed = [item.training_pct for item in customers if item.training_pct is not None]
    return _check(
        Barrier.TRAINING_GAP,
        "training_completion",
        _mean(completed),
        limit=parameters.training_completion_min,
        worst=NOTHING,
        sample_size=len(completed),
    )


def _technical_checks(
    customers: Sequence[CustomerUse], parameters: ProductParameters
) -> tuple[BarrierCheck, BarrierCheck]:
    uses = sum(customer.uses for customer in customers)
    errors = sum(customer.errors for customer in customers)
    failing = sum(customer.integration_failures > 0 for customer in customers)
    return (
        _check(
            Barrier.TECHNICAL_ISSUES,
            "error_rate",
            share(errors, uses),
            limit=parameters.error_rate_max,
            worst=EVERYTHING,
            sample_size=uses,
        ),
        _check(
            Barrier.TECHNICAL_ISSUES,
            "integration_failure_share",
            share(failing, len(customers)),
            limit=parameters.integration_failure_share_max,
            worst=EVERYTHING,
            sample_size=len(customers),
        ),
    )


def _dropoff_check(
    customers: Sequence[CustomerUse], on: date, parameters: ProductParameters
) -> BarrierCheck:
    start = window_start(on=on, days=parameters.use_window_days)
    former = [
        customer
        for customer in customers
        if customer.first_use_date is not None and customer.first_use_date < start
    ]
    silent = sum(customer.uses == 0 for customer in former)
    return _check(
        Barrier.USAGE_DROPOFF,
        "silent_share",
        share(silent, len(former)),
        limit=parameters.silent_share_max,
        worst=EVERYTHING,
        sample_size=len(former),
    )


def _value_checks(
    customers: Sequence[CustomerUse], parameters: ProductParameters
) -> tuple[BarrierCheck, BarrierCheck]:
    uses = sum(customer.uses for customer in customers)
    successes = sum(customer.successes for customer in customers)
    ratings = [customer.rating for customer in customers if customer.rating is not None]
    return (
        _check(
            Barrier.LOW_VALUE_PERCEIVED,
            "success_rate",
            share(successes, uses),
            limit=parameters.success_rate_min,
            worst=NOTHING,
            sample_size=uses,
        ),
        _check(
            Barrier.LOW_VALUE_PERCEIVED,
            "mean_rating",
            _mean(ratings),
            limit=parameters.rating_min,
            worst=parameters.rating_lowest,
            sample_size=len(ratings),
        ),
    )


def _mean(values: Sequence[Decimal]) -> Decimal | None:
    return sum(values, Decimal(0)) / len(values) if values else None


def _check(
    barrier: Barrier,
    measure: str,
    value: Decimal | None,
    *,
    limit: Decimal,
    worst: Decimal,
    sample_size: int,
) -> BarrierCheck:
    """Measure the way from the limit towards the worst value; on the good side it is 0."""
    shortfall = NO_SHORTFALL
    if value is not None and limit != worst:
        shortfall = max(NO_SHORTFALL, (value - limit) / (worst - limit))
    return BarrierCheck(
        barrier=barrier,
        measure=measure,
        value=value,
        limit=limit,
        sample_size=sample_size,
        shortfall=shortfall,
    )
