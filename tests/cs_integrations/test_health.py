"""Health zones, bands, the score and the renewal curve."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs_integrations.customers.health import (
    HEALTH,
    RiskCategory,
    Zone,
    health_score,
    renewal_probability,
    risk_category,
    score_without_usage,
    zone,
)

POINTS = st.decimals(min_value=0, max_value=100, places=2)
CHANGES = st.decimals(min_value=-100, max_value=100, places=2)
THOUSANDTH = Decimal("0.001")


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        ("100", Zone.GREEN),
        ("80", Zone.GREEN),  # the edge belongs to the better zone
        ("79.99", Zone.YELLOW),
        ("65", Zone.YELLOW),  # T1.1
        ("60", Zone.YELLOW),
        ("59.99", Zone.RED),
        ("45", Zone.RED),  # T2.2
        ("0", Zone.RED),
    ],
)
def test_zones_at_their_edges(score: str, expected: Zone) -> None:
    assert zone(Decimal(score)) is expected


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        ("100", RiskCategory.HEALTHY),
        ("80", RiskCategory.HEALTHY),
        ("79.99", RiskCategory.MONITOR),
        ("75", RiskCategory.MONITOR),  # specification, Health Trigger API
        ("70", RiskCategory.MONITOR),
        ("69.99", RiskCategory.AT_RISK),
        ("50", RiskCategory.AT_RISK),
        ("49.99", RiskCategory.CRITICAL),
        ("0", RiskCategory.CRITICAL),
    ],
)
def test_risk_bands_at_their_edges(score: str, expected: RiskCategory) -> None:
    assert risk_category(Decimal(score)) is expected


def test_risk_bands_are_written_best_first() -> None:
    assert list(RiskCategory) == ["healthy", "monitor", "at_risk", "critical"]


def test_the_weights_add_up_to_one() -> None:
    weights = (
        HEALTH.usage_weight,
        HEALTH.engagement_weight,
        HEALTH.business_weight,
        HEALTH.relationship_weight,
    )
    assert sum(weights) == 1


def test_the_score_is_the_weighted_sum() -> None:
    score = health_score(
        usage=Decimal(100), engagement=Decimal(70), business=Decimal(30), relationship=Decimal(70)
    )
    assert score == Decimal("35.00") + Decimal("17.50") + Decimal("7.50") + Decimal("10.50")


def test_the_score_without_usage_is_renormalized() -> None:
    score = score_without_usage(
        engagement=Decimal(100), business=Decimal(70), relationship=Decimal(30)
    )
    assert score.quantize(THOUSANDTH) == Decimal("72.308")  # (25 + 17.5 + 4.5) / 0.65


@given(POINTS)
def test_equal_dimensions_give_their_own_score(points: Decimal) -> None:
    with_usage = health_score(usage=points, engagement=points, business=points, relationship=points)
    without = score_without_usage(engagement=points, business=points, relationship=points)
    assert with_usage == points
    assert abs(without - points) < Decimal("1E-20")


@given(POINTS, POINTS, POINTS, POINTS)
def test_the_score_lies_between_its_dimensions(
    usage: Decimal, engagement: Decimal, business: Decimal, relationship: Decimal
) -> None:
    dimensions = (usage, engagement, business, relationship)
    score = health_score(
        usage=usage, engagement=engagement, business=business, relationship=relationship
    )
    assert min(dimensions) <= score <= max(dimensions)


@pytest.mark.parametrize(
    ("score", "probability"),
    [
        ("45", "0.278"),  # T2.2: under 0.30
        ("60", "0.601"),
        ("75", "0.855"),
        ("85", "0.936"),  # a published sample has .92
        ("88", "0.950"),  # a published sample has .95
        ("92", "0.965"),
    ],
)
def test_the_renewal_curve_gives_the_published_values(score: str, probability: str) -> None:
    assert renewal_probability(Decimal(score)).quantize(THOUSANDTH) == Decimal(probability)


@given(CHANGES)
def test_a_red_45_never_renews_with_30_percent(change: Decimal) -> None:
    assert renewal_probability(Decimal(45), change_90d=change) < Decimal("0.30")


@given(POINTS, CHANGES)
def test_the_renewal_probability_is_a_probability(score: Decimal, change: Decimal) -> None:
    assert 0 < renewal_probability(score, change_90d=change) < 1


@given(POINTS, POINTS, CHANGES)
def test_better_health_never_renews_less(first: Decimal, second: Decimal, change: Decimal) -> None:
    low, high = sorted((first, second))
    assert renewal_probability(low, change_90d=change) <= renewal_probability(
        high, change_90d=change
    )


@given(POINTS, CHANGES, CHANGES)
def test_a_better_trend_never_renews_less(score: Decimal, first: Decimal, second: Decimal) -> None:
    low, high = sorted((first, second))
    assert renewal_probability(score, change_90d=low) <= renewal_probability(score, change_90d=high)


@pytest.mark.parametrize(
    ("score", "change", "as_if"),
    [
        ("75", "8", "77"),  # a quarter of the change counts
        ("75", "-8", "73"),
        ("75", "40", "80"),  # five points at most
        ("75", "-40", "70"),
        ("50", "40", "50"),  # in the red zone a rise does not count
        ("50", "-40", "45"),
    ],
)
def test_the_trend_moves_the_score(score: str, change: str, as_if: str) -> None:
    moved = renewal_probability(Decimal(score), change_90d=Decimal(change))
    assert moved == renewal_probability(Decimal(as_if))


def test_another_set_of_constants_is_honored() -> None:
    strict = replace(HEALTH, green_from=Decimal(90), monitor_from=Decimal(76))
    assert zone(Decimal(85), strict) is Zone.YELLOW
    assert risk_category(Decimal(75), strict) is RiskCategory.AT_RISK
