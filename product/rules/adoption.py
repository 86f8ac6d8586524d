"""How widely a feature is used and whether its use goes with customer health. Pure.

Source: spec, Adoption Insights API; XD/product-integration-map.md; ITP T3.1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from cs_integrations.customers.health import score_without_usage
from product.rules.barriers import (
    Barrier,
    BarrierCheck,
    Recommendation,
    barrier_checks,
    barriers_by_shortfall,
    recommendations,
)
from product.rules.correlation import Correlation, correlation
from product.rules.parameters import PARAMETERS, ProductParameters
from product.rules.use import CurrentHealth, CustomerUse, adoption_depth, has_settled, share

DAYS_A_WEEK = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptionRate:
    """Customers that could use a feature and those that do."""

    eligible: int
    adopted: int
    rate: Decimal | None  # %, None when nobody is eligible


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptionInsights:
    """The answer of the Adoption Insights API and everything behind it."""

    overall: AdoptionRate
    segments: tuple[tuple[str, AdoptionRate], ...]  # segments with eligible customers, by name
    health_correlation: Correlation
    correlation_without_usage: Correlation  # against health without its usage dimension
    checks: tuple[BarrierCheck, ...]
    barriers: tuple[Barrier, ...]
    recommendations: tuple[Recommendation, ...]
    reasons: tuple[str, ...]


def eligible_customers(
    *,
    customers: Sequence[CustomerUse],
    on: date,
    parameters: ProductParameters = PARAMETERS,
) -> tuple[CustomerUse, ...]:
    """Return the customers that have been entitled for at least 14 days on the day ``on``."""
    return tuple(
        customer
        for customer in customers
        if has_settled(enabled_date=customer.enabled_date, on=on, parameters=parameters)
    )


def has_adopted(*, uses: int, parameters: ProductParameters = PARAMETERS) -> bool:
    """Say whether the uses in the window reach 5 a week: at least 20 in 28 days.

    Source: MK velocity threshold.
    """
    return uses * DAYS_A_WEEK >= parameters.adopted_uses_per_week * parameters.use_window_days


def adoption_rate(
    *, customers: Sequence[CustomerUse], parameters: ProductParameters = PARAMETERS
) -> AdoptionRate:
    """Return the share of the eligible customers that have adopted the feature."""
    adopted = sum(has_adopted(uses=item.uses, parameters=parameters) for item in customers)
    return AdoptionRate(
        eligible=len(customers), adopted=adopted, rate=share(adopted, len(customers))
    )


def adoption_insights(
    *,
    customers: Sequence[CustomerUse],
    on: date,
    parameters: ProductParameters = PARAMETERS,
) -> AdoptionInsights:
    """Return rate, correlation, barriers and recommendations of one feature.

    ``customers`` are the active customers with a running entitlement; ``on`` is the
    observation day (see ``observation_day``).
    """
    eligible = eligible_customers(customers=customers, on=on, parameters=parameters)
    overall = adoption_rate(customers=eligible, parameters=parameters)
    with_health, without_usage = _correlations(eligible, parameters)
    checks = barrier_checks(customers=eligible, on=on, parameters=parameters)
    barriers = barriers_by_shortfall(checks)
    return AdoptionInsights(
        overall=overall,
        segments=_by_segment(eligible, parameters),
        health_correlation=with_health,
        correlation_without_usage=without_usage,
        checks=checks,
        barriers=barriers,
        recommendations=recommendations(
            barriers=barriers, rate=overall.rate, parameters=parameters
        ),
        reasons=_reasons(overall, with_health, checks, parameters),
    )


def health_without_usage(health: CurrentHealth) -> Decimal | None:
    """Return the health score without its usage dimension, None when a dimension is unknown."""
    if health.engagement is None or health.business is None or health.relationship is None:
        return None
    return score_without_usage(
        engagement=health.engagement,
        business=health.business,
        relationship=health.relationship,
    )


def _by_segment(
    eligible: Sequence[CustomerUse], parameters: ProductParameters
) -> tuple[tuple[str, AdoptionRate], ...]:
    groups: dict[str, list[CustomerUse]] = {}
    for customer in eligible:
        groups.setdefault(customer.segment, []).append(customer)
    return tuple(
        (segment, adoption_rate(customers=groups[segment], parameters=parameters))
        for segment in sorted(groups)
    )


def _correlations(
    eligible: Sequence[CustomerUse], parameters: ProductParameters
) -> tuple[Correlation, Correlation]:
    with_health, without_usage = [], []
    for customer in eligible:
        depth = adoption_depth(users=customer.users, licensed_users=customer.licensed_users)
        if depth is None or customer.health is None:
            continue
        with_health.append((depth, customer.health.score))
        rest = health_without_usage(customer.health)
        if rest is not None:
            without_usage.append((depth, rest))
    return (
        correlation(pairs=with_health, parameters=parameters),
        correlation(pairs=without_usage, parameters=parameters),
    )


def _reasons(
    overall: AdoptionRate,
    with_health: Correlation,
    checks: Sequence[BarrierCheck],
    parameters: ProductParameters,
) -> tuple[str, ...]:
    reasons = []
    if overall.rate is None:
        reasons.append(
            "adoption_rate is null: no active customer has been entitled to the feature for "
            f"{parameters.eligible_after_days} days."
        )
    if with_health.value is None:
        reasons.append(f"health_correlation is null: {with_health.reason}.")
    reasons.extend(
        f"{check.barrier} was not tested by {check.measure}: there was nothing to measure."
        for check in checks
        if check.value is None
    )
    return tuple(reasons)
