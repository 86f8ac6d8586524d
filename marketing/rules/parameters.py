"""Every constant of the marketing rules, with its unit, source and standing.

Percentages are in points (15 means 15%), shares are 0 to 1, scores 0 to 100 points.
docs/rules/marketing.md repeats this table for readers; a test holds the two together.
"""

from dataclasses import dataclass
from decimal import Decimal

from cs_integrations.parameters import DOC, parameter

TRIGGER_RULE_ID = "marketing.health_trigger"
PERFORMANCE_RULE_ID = "marketing.campaign_performance"
CAMPAIGN_RULE_ID = "marketing.campaign"
RULE_VERSION = "1"  # changes whenever the same facts could give another answer


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketingParameters:
    """Constants of the health trigger and of campaign performance."""

    # The trigger's own values
    milestones_max: int = parameter(20, unit="codes", source="usual bound of a list")
    better_bands_allowed: int = parameter(1, unit="bands", source="usual practice")

    # Falling health
    sudden_drop_over: Decimal = parameter(
        Decimal(20), unit="points", source="MK high risk; AD/trend-analysis", standing=DOC
    )
    sudden_drop_days: int = parameter(30, unit="days", source="MK high risk", standing=DOC)
    monthly_drop_over: Decimal = parameter(
        Decimal(15), unit="points", source="HOI; TPL", standing=DOC
    )
    trend_fall_from: Decimal = parameter(
        Decimal(20), unit="percent", source="CS/automation/framework", standing=DOC
    )
    trend_days: int = parameter(90, unit="days", source="longest trend window of HSF")

    # Choice of sequences
    readiness_over: Decimal = parameter(Decimal(80), unit="points", source="ITP T1.2", standing=DOC)
    blocking_tier_from: int = parameter(3, unit="tier", source="leadership tier of EPA")
    winback_mid_from: int = parameter(3, unit="months", source="TPL win-back", standing=DOC)
    winback_long_from: int = parameter(6, unit="months", source="TPL win-back", standing=DOC)
    rescue_workflow: str = parameter(
        "wf_executive_escalation",
        unit="workflow code",
        source="CS/automation/framework",
        standing=DOC,
    )
    rescue_tier: int = parameter(3, unit="tier", source="EPA leadership level", standing=DOC)
    lead_score_label: str = parameter("CS-qualified", unit="text", source="ITP T1.2", standing=DOC)
    lead_lifecycle: str = parameter("Expansion", unit="text", source="ITP T1.2", standing=DOC)

    # Enrollment
    message_cap: int = parameter(
        3, unit="messages a contact", source="MK frequency cap", standing=DOC
    )
    message_days: int = parameter(7, unit="days", source="MK frequency cap", standing=DOC)
    sequence_days: int = parameter(30, unit="days", source="usual length of a nurture sequence")
    repeat_hours: int = parameter(24, unit="hours", source="usual life of an idempotency key")

    # Estimated impact
    measure_after_days: int = parameter(30, unit="days", source="usual practice")
    measure_tolerance_days: int = parameter(
        3, unit="days", source="a long weekend without measurements"
    )
    prior_uplift_pct: Decimal = parameter(
        Decimal(15), unit="percent", source="HEX; INT/api-integration", standing=DOC
    )
    winback_prior_pct: Decimal = parameter(
        Decimal(0), unit="percent", source="win-back is measured by reactivation"
    )
    prior_strength: Decimal = parameter(
        Decimal(5), unit="enrollments", source="usual practice for small samples"
    )

    # Revenue and attribution
    revenue_days: int = parameter(90, unit="days", source="a quarter; usual practice")
    touch_days: int = parameter(90, unit="days", source="a quarter; usual practice")
    growth_weight: Decimal = parameter(Decimal(1), unit="share", source="new money counts in full")
    cs_driven_share: Decimal = parameter(
        Decimal("0.60"), unit="share", source="ITP T4.1", standing=DOC
    )
    untouched_share: Decimal = parameter(
        Decimal(0), unit="share", source="no claim without a touchpoint"
    )

    # Engagement and correlation
    open_points: Decimal = parameter(
        Decimal(5), unit="points", source="features/leads/lead-scoring", standing=DOC
    )
    click_points: Decimal = parameter(
        Decimal(10), unit="points", source="features/leads/lead-scoring", standing=DOC
    )
    reply_points: Decimal = parameter(
        Decimal(15), unit="points", source="features/leads/lead-scoring", standing=DOC
    )
    bounce_points: Decimal = parameter(
        Decimal(-10), unit="points", source="features/leads/lead-scoring", standing=DOC
    )
    unsubscribed_points: Decimal = parameter(
        Decimal(0), unit="points", source="exposure ended; total, not an addend"
    )
    correlation_min_size: int = parameter(10, unit="participants", source="usual practice")
    interval_z: Decimal = parameter(
        Decimal("1.96"), unit="standard errors", source="95% of a normal distribution"
    )


PARAMETERS = MarketingParameters()
