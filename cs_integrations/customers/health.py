"""Health zones, risk bands, the health formula and the renewal curve. Pure.

Source: health-scoring framework (zones, weights); templates page (four bands);
docs/rules/customers.md gives each constant with its source.
"""

import math
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from cs_integrations.parameters import DOC, PROPOSED, parameter


class Zone(StrEnum):
    """Health zone of a customer."""

    GREEN = "green"  # expand
    YELLOW = "yellow"  # intervene
    RED = "red"  # retain


class RiskCategory(StrEnum):
    """Four-band risk word sent with a health trigger, best first."""

    HEALTHY = "healthy"
    MONITOR = "monitor"
    AT_RISK = "at_risk"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthParameters:
    """Constants of the health rules; scores are 0 to 100 points."""

    green_from: Decimal = parameter(Decimal(80), unit="points", source="HSF zones", standing=DOC)
    yellow_from: Decimal = parameter(Decimal(60), unit="points", source="HSF zones", standing=DOC)
    healthy_from: Decimal = parameter(
        Decimal(80), unit="points", source="TPL bands", standing=PROPOSED
    )
    monitor_from: Decimal = parameter(Decimal(70), unit="points", source="TPL bands", standing=DOC)
    at_risk_from: Decimal = parameter(Decimal(50), unit="points", source="TPL bands", standing=DOC)
    usage_weight: Decimal = parameter(
        Decimal("0.35"), unit="share", source="HSF weights", standing=DOC
    )
    engagement_weight: Decimal = parameter(
        Decimal("0.25"), unit="share", source="HSF weights", standing=DOC
    )
    business_weight: Decimal = parameter(
        Decimal("0.25"), unit="share", source="HSF weights", standing=DOC
    )
    relationship_weight: Decimal = parameter(
        Decimal("0.15"), unit="share", source="HSF weights", standing=DOC
    )
    renewal_midpoint: Decimal = parameter(
        Decimal("55.5"), unit="points", source="set so that 45 gives < 30% (ITP T2.2)"
    )
    renewal_slope: Decimal = parameter(
        Decimal(11), unit="points", source="set so that 88 gives 95% (INT/data-sync)"
    )
    trend_divisor: Decimal = parameter(
        Decimal(4), unit="points of 90-day change a point", source="usual practice"
    )
    trend_limit: Decimal = parameter(Decimal(5), unit="points", source="usual practice")


HEALTH = HealthParameters()


def zone(score: Decimal, parameters: HealthParameters = HEALTH) -> Zone:
    """Return the zone of a score, 0 to 100."""
    if score >= parameters.green_from:
        return Zone.GREEN
    return Zone.YELLOW if score >= parameters.yellow_from else Zone.RED


def risk_category(score: Decimal, parameters: HealthParameters = HEALTH) -> RiskCategory:
    """Return the risk band that a score implies."""
    if score >= parameters.healthy_from:
        return RiskCategory.HEALTHY
    if score >= parameters.monitor_from:
        return RiskCategory.MONITOR
    return RiskCategory.AT_RISK if score >= parameters.at_risk_from else RiskCategory.CRITICAL


def health_score(
    *,
    usage: Decimal,
    engagement: Decimal,
    business: Decimal,
    relationship: Decimal,
    parameters: HealthParameters = HEALTH,
) -> Decimal:
    """Return the weighted health score of the four dimension scores, each 0 to 100."""
    return (
        parameters.usage_weight * usage
        + parameters.engagement_weight * engagement
        + parameters.business_weight * business
        + parameters.relationship_weight * relationship
    )


def score_without_usage(
    *,
    engagement: Decimal,
    business: Decimal,
    relationship: Decimal,
    parameters: HealthParameters = HEALTH,
) -> Decimal:
    """Return the health score of the three dimensions that hold no feature use, renormalised."""
    weights = (
        parameters.engagement_weight + parameters.business_weight + parameters.relationship_weight
    )
    weighted = (
        parameters.engagement_weight * engagement
        + parameters.business_weight * business
        + parameters.relationship_weight * relationship
    )
    return weighted / weights


def renewal_probability(
    score: Decimal, *, change_90d: Decimal = Decimal(0), parameters: HealthParameters = HEALTH
) -> Decimal:
    """Return the probability 0 to 1 that a customer of this health renews.

    A logistic curve over the score, moved by the 90-day trend; in the red zone only a
    falling trend counts, so that a red 45 always stays under 0.30 (ITP T2.2).
    A rule with two hand-set constants, not a fitted model.
    """
    limit = parameters.trend_limit
    trend = max(-limit, min(limit, change_90d / parameters.trend_divisor))
    if zone(score, parameters) is Zone.RED:
        trend = min(trend, Decimal(0))
    exponent = (score + trend - parameters.renewal_midpoint) / parameters.renewal_slope
    return Decimal(str(1 / (1 + math.exp(-float(exponent)))))
