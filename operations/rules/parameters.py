"""Every constant of the operations rules, with its unit, source and standing.

docs/rules/operations.md repeats this table for readers; a test holds the two together.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from cs_integrations.parameters import DOC, parameter


class Segment(StrEnum):
    """Size class of an account; the codes of ``customers.Segment``."""

    ENTERPRISE = "enterprise"
    MID_MARKET = "mid_market"
    SMALL_BUSINESS = "small_business"


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationsParameters:
    """Constants of workflow execution and of the capacity forecast.

    Percentages are in points (85 means 85%), shares and weights run from 0 to 1.
    """

    # Service levels
    lowest_tier: int = parameter(1, unit="tier", source="EPA levels", standing=DOC)
    highest_tier: int = parameter(4, unit="tier", source="our extension of the EPA levels")
    escalation_from_tier: int = parameter(
        2, unit="tier", source="EPA levels: tier 1 is automated", standing=DOC
    )
    tier_1_sla_minutes: int = parameter(1440, unit="minutes", source="security incident ladder, P4")
    tier_2_sla_minutes: int = parameter(
        240, unit="minutes", source="spec, Workflow Execution API", standing=DOC
    )
    tier_3_sla_minutes: int = parameter(60, unit="minutes", source="security incident ladder, P2")
    tier_4_sla_minutes: int = parameter(15, unit="minutes", source="security incident ladder, P1")
    business_day_start_hour: int = parameter(9, unit="hour of the local day", source="office hours")
    business_day_end_hour: int = parameter(17, unit="hour of the local day", source="office hours")
    business_days_a_week: int = parameter(5, unit="days from Monday", source="office hours")
    queue_escalation_share: Decimal = parameter(
        Decimal("0.8"), unit="share of the SLA", source="usual practice"
    )

    # Execution
    running_limit: int = parameter(
        20, unit="executions", source="operations map, workflow_concurrent_20", standing=DOC
    )
    retry_limit: int = parameter(3, unit="retries", source="MK API retry policy", standing=DOC)
    retry_first_seconds: int = parameter(
        1, unit="seconds", source="MK API retry policy", standing=DOC
    )
    retry_growth: int = parameter(2, unit="factor", source="MK API retry policy", standing=DOC)
    retry_longest_seconds: int = parameter(
        60, unit="seconds", source="MK API retry policy", standing=DOC
    )
    longest_text: int = parameter(500, unit="characters", source="bound of a text parameter")

    # Routing
    executive_levels: tuple[str, ...] = parameter(
        ("c_level", "vp"), unit="stakeholder levels", source="HSF, executive relation"
    )
    sudden_drop_points: Decimal = parameter(
        Decimal(20), unit="points", source="AD/trend-analysis, sudden drop", standing=DOC
    )
    sudden_drop_days: int = parameter(
        30, unit="days", source="MK, high risk: drop in 30 days", standing=DOC
    )
    open_execution_limit: int = parameter(
        10, unit="executions a CSM", source="house rule: when a CSM is free"
    )
    skilled_from_level: int = parameter(3, unit="level 1-5", source="usual practice")
    skill_cover_weight: Decimal = parameter(
        Decimal("0.5"), unit="share", source="operations map names the criterion"
    )
    free_capacity_weight: Decimal = parameter(
        Decimal("0.3"), unit="share", source="operations map names the criterion"
    )
    past_success_weight: Decimal = parameter(
        Decimal("0.2"), unit="share", source="operations map names the criterion"
    )
    past_success_days: int = parameter(365, unit="days", source="usual practice: one year")

    # Capacity
    period_days: tuple[int, ...] = parameter(
        (30, 60, 90, 180), unit="days", source="spec sample next_90d and its neighbors"
    )
    default_period_days: int = parameter(
        90, unit="days", source="spec, Capacity Forecast API", standing=DOC
    )
    month_days: int = parameter(30, unit="days a month", source="period of 90 days is 3 months")
    enterprise_hours: Decimal = parameter(
        Decimal(12), unit="hours a month", source="benchmark: 10 accounts a CSM"
    )
    mid_market_hours: Decimal = parameter(
        Decimal(4), unit="hours a month", source="benchmark: 30 accounts a CSM"
    )
    small_business_hours: Decimal = parameter(
        Decimal("0.8"), unit="hours a month", source="benchmark: 150 accounts a CSM"
    )
    green_factor: Decimal = parameter(Decimal("1.0"), unit="factor", source="usual practice")
    yellow_factor: Decimal = parameter(Decimal("1.4"), unit="factor", source="usual practice")
    red_factor: Decimal = parameter(Decimal("2.0"), unit="factor", source="usual practice")
    unknown_health_factor: Decimal = parameter(
        Decimal("1.0"), unit="factor", source="house rule: account without health"
    )
    enterprise_onboarding_hours: Decimal = parameter(
        Decimal(40), unit="hours a won deal", source="usual practice"
    )
    mid_market_onboarding_hours: Decimal = parameter(
        Decimal(16), unit="hours a won deal", source="usual practice"
    )
    small_business_onboarding_hours: Decimal = parameter(
        Decimal(4), unit="hours a won deal", source="usual practice"
    )
    productive_hours: Decimal = parameter(
        Decimal(120), unit="hours a full-time month", source="usual practice"
    )
    absence_share: Decimal = parameter(
        Decimal("0.08"), unit="share of working time", source="usual practice"
    )
    skill_gap_above_pct: Decimal = parameter(
        Decimal(85), unit="%", source="operations map, 85% optimum", standing=DOC
    )
    urgent_from_pct: Decimal = parameter(Decimal(95), unit="%", source="usual practice")
    urgent_pool_from_pct: Decimal = parameter(
        Decimal(100), unit="%", source="a pool that is fully used"
    )
    planned_from_pct: Decimal = parameter(
        Decimal(85), unit="%", source="operations map, 85% optimum", standing=DOC
    )
    monitor_from_pct: Decimal = parameter(Decimal(80), unit="%", source="usual practice")


PARAMETERS = OperationsParameters()
