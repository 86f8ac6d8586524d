"""The constants of the product rules, each with its unit, its source and its standing."""

from dataclasses import dataclass
from decimal import Decimal

from cs_integrations.parameters import DOC, parameter


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductParameters:
    """Constants of adoption insights, feedback priority and roadmap position.

    Percentages are in points (60 means 60%); part scores are 0 to 100 points.
    """

    # Adoption
    eligible_after_days: int = parameter(
        14, unit="days entitled", source="usual practice: two weeks to begin"
    )
    use_window_days: int = parameter(28, unit="days", source="usual practice: four whole weeks")
    adopted_uses_per_week: Decimal = parameter(
        Decimal(5), unit="uses a week", source="MK velocity threshold", standing=DOC
    )
    low_adoption_below: Decimal = parameter(
        Decimal(30), unit="% of eligible customers", source="ITP T3.1", standing=DOC
    )
    weak_core_feature_below: Decimal = parameter(
        Decimal(30), unit="% of licensed users", source="ITP T3.1; EPA license use", standing=DOC
    )

    # Correlation of adoption depth with health
    correlation_min_customers: int = parameter(
        10, unit="customers", source="usual practice; at 10, r must pass .63 for p < .05"
    )
    correlation_step: Decimal = parameter(
        Decimal("0.01"), unit="correlation", source="spec, Adoption Insights API", standing=DOC
    )
    interval_z: Decimal = parameter(
        Decimal("1.96"), unit="standard deviations", source="95% Fisher interval"
    )

    # Barriers
    onboarding_cohort_from_days: int = parameter(
        14, unit="days entitled", source="usual practice: first use has had its time"
    )
    onboarding_cohort_to_days: int = parameter(
        90, unit="days entitled", source="as long as the onboarding stage"
    )
    first_use_within_days: int = parameter(
        14, unit="days after enabling", source="usual practice: two weeks to begin"
    )
    first_use_share_min: Decimal = parameter(
        Decimal(60), unit="% of the cohort", source="usual practice, below the 70-85% targets"
    )
    awareness_share_min: Decimal = parameter(
        Decimal(50), unit="% of eligible customers", source="documented discovery rate is 45%"
    )
    training_completion_min: Decimal = parameter(
        Decimal(70), unit="% completed", source="HSF training band", standing=DOC
    )
    error_rate_max: Decimal = parameter(
        Decimal(10), unit="% of uses", source="business/analytics/overview.md calls 12% problematic"
    )
    integration_failure_share_max: Decimal = parameter(
        Decimal(10), unit="% of eligible customers", source="usual practice, as the error rate"
    )
    silent_share_max: Decimal = parameter(
        Decimal(40), unit="% of former users", source="usual practice"
    )
    success_rate_min: Decimal = parameter(
        Decimal(80), unit="% of uses", source="MK success threshold", standing=DOC
    )
    rating_min: Decimal = parameter(
        Decimal("3.5"), unit="rating 1 to 5", source="usual practice, below the 4.0 gate"
    )
    rating_lowest: Decimal = parameter(Decimal(1), unit="rating", source="rating scale 1 to 5")
    rating_window_days: int = parameter(90, unit="days", source="usual practice: one quarter")

    # Feedback priority
    impact_weight: Decimal = parameter(Decimal("0.40"), unit="share", source="usual practice")
    tier_weight: Decimal = parameter(Decimal("0.20"), unit="share", source="usual practice")
    prevalence_weight: Decimal = parameter(Decimal("0.20"), unit="share", source="usual practice")
    risk_weight: Decimal = parameter(Decimal("0.20"), unit="share", source="usual practice")
    impact_points_each: Decimal = parameter(
        Decimal(10), unit="points an impact step", source="impact is 1 to 10"
    )
    enterprise_points: Decimal = parameter(Decimal(100), unit="points", source="usual practice")
    mid_market_points: Decimal = parameter(Decimal(70), unit="points", source="usual practice")
    small_business_points: Decimal = parameter(Decimal(40), unit="points", source="usual practice")
    prevalence_window_days: int = parameter(90, unit="days", source="usual practice: one quarter")
    prevalence_few_from: int = parameter(2, unit="customers", source="usual practice")
    prevalence_many_from: int = parameter(4, unit="customers", source="usual practice")
    prevalence_most_from: int = parameter(10, unit="customers", source="usual practice")
    prevalence_one_points: Decimal = parameter(Decimal(20), unit="points", source="usual practice")
    prevalence_few_points: Decimal = parameter(Decimal(50), unit="points", source="usual practice")
    prevalence_many_points: Decimal = parameter(Decimal(80), unit="points", source="usual practice")
    prevalence_most_points: Decimal = parameter(
        Decimal(100), unit="points", source="usual practice"
    )
    red_points: Decimal = parameter(Decimal(100), unit="points", source="usual practice")
    yellow_points: Decimal = parameter(Decimal(70), unit="points", source="usual practice")
    green_points: Decimal = parameter(Decimal(40), unit="points", source="usual practice")
    score_step: Decimal = parameter(Decimal("0.01"), unit="points", source="usual practice")
    p0_from: Decimal = parameter(Decimal(85), unit="points", source="usual practice")
    p1_from: Decimal = parameter(Decimal(65), unit="points", source="usual practice")
    p2_from: Decimal = parameter(Decimal(45), unit="points", source="usual practice")
    repeat_window_hours: int = parameter(
        24, unit="hours", source="usual practice, as idempotency keys"
    )

    # Roadmap
    p0_quarters_ahead: int = parameter(0, unit="quarters", source="act within 90 days")
    p1_quarters_ahead: int = parameter(1, unit="quarters", source="act within 90 days")
    p2_quarters_ahead: int = parameter(2, unit="quarters", source="usual practice")


PARAMETERS = ProductParameters()
