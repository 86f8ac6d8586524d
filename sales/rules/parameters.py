"""The constants of the sales rules. Pure.

docs/rules/sales.md repeats this table; a test keeps the two equal.
"""

from dataclasses import dataclass
from decimal import Decimal

from cs_integrations.parameters import DOC, parameter

HANDOFF_RULE_ID = "sales.handoff"
EXPANSION_RULE_ID = "sales.expansion"
RULE_VERSION = "1"

FULL_SCORE = Decimal(100)  # every score and every factor ends here

_HSF_POINTS = "HSF: a metric scores 100, 70 or 30"
_HANDOFF_QUALITY = "operations/coordination-implementation.md"
_SCALE = "the scale of the measure"
_WEIGHT = "usual practice; the documents name the factors, not their weights"


@dataclass(frozen=True, slots=True)
class Range:
    """The values a KPI may take, ends included."""

    low: Decimal
    high: Decimal

    def __str__(self) -> str:
        return f"{self.low} to {self.high}"

    def __contains__(self, value: Decimal) -> bool:
        return value.is_finite() and self.low <= value <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesParameters:
    """Constants of the handoff and expansion rules; percentages are in points."""

    # --- handoff ---------------------------------------------------------------------------
    decision_makers_needed: int = parameter(
        1, unit="stakeholders", source="usual practice: the champion map names who decides"
    )
    sponsors_needed: int = parameter(
        1, unit="stakeholders", source="usual practice: an executive relationship is a sponsor"
    )
    sync_tolerance_pct: Decimal = parameter(
        Decimal(1), unit="% of the contract's amount", source="usual practice: rounding in the CRM"
    )
    handoff_deadline_days: int = parameter(
        7, unit="days after close", source="CS/onboarding: kick-off is days 0 to 7", standing=DOC
    )
    completeness_weight: Decimal = parameter(
        Decimal("0.30"), unit="share", source=_HANDOFF_QUALITY, standing=DOC
    )
    timeliness_weight: Decimal = parameter(
        Decimal("0.25"), unit="share", source=_HANDOFF_QUALITY, standing=DOC
    )
    accuracy_weight: Decimal = parameter(
        Decimal("0.25"), unit="share", source=_HANDOFF_QUALITY, standing=DOC
    )
    follow_up_weight: Decimal = parameter(
        Decimal("0.20"), unit="share", source=_HANDOFF_QUALITY, standing=DOC
    )
    quality_goal: Decimal = parameter(
        Decimal(95), unit="points", source=_HANDOFF_QUALITY, standing=DOC
    )
    late_points_per_day: Decimal = parameter(
        Decimal(10), unit="points a started day", source="usual practice"
    )

    # --- baseline KPIs: one field for each name that a handoff may fix -----------------------
    nps_target: Range = parameter(Range(Decimal(0), Decimal(10)), unit="NPS answer", source=_SCALE)
    csat_target: Range = parameter(Range(Decimal(1), Decimal(5)), unit="CSAT answer", source=_SCALE)
    adoption_target: Range = parameter(Range(Decimal(0), Decimal(100)), unit="%", source=_SCALE)
    health_target: Range = parameter(Range(Decimal(0), Decimal(100)), unit="points", source=_SCALE)
    roi_target: Range = parameter(
        Range(Decimal(0), Decimal(50)), unit="multiple of fees", source=_SCALE
    )
    time_to_value_days: Range = parameter(
        Range(Decimal(1), Decimal(365)), unit="days", source=_SCALE
    )
    active_users_target: Range = parameter(Range(Decimal(0), Decimal(100)), unit="%", source=_SCALE)
    renewal_target: Range = parameter(
        Range(Decimal(0), Decimal(1)), unit="probability", source=_SCALE
    )
    kpi_decimal_places: int = parameter(
        4, unit="decimal places", source="the precision that baselines are stored with"
    )

    # --- readiness: weights, points and bands ------------------------------------------------
    value_weight: Decimal = parameter(Decimal("0.25"), unit="share", source=_WEIGHT)
    health_weight: Decimal = parameter(Decimal("0.25"), unit="share", source=_WEIGHT)
    capacity_weight: Decimal = parameter(Decimal("0.25"), unit="share", source=_WEIGHT)
    executive_weight: Decimal = parameter(Decimal("0.15"), unit="share", source=_WEIGHT)
    timing_weight: Decimal = parameter(Decimal("0.10"), unit="share", source=_WEIGHT)
    min_known_factors: int = parameter(3, unit="factors", source="usual practice")

    points_high: Decimal = parameter(Decimal(100), unit="points", source=_HSF_POINTS, standing=DOC)
    points_middle: Decimal = parameter(Decimal(70), unit="points", source=_HSF_POINTS, standing=DOC)
    points_low: Decimal = parameter(Decimal(30), unit="points", source=_HSF_POINTS, standing=DOC)

    delivery_high_pct: Decimal = parameter(
        Decimal(100), unit="% of commitment", source="HSF ROI bands", standing=DOC
    )
    delivery_middle_pct: Decimal = parameter(
        Decimal(80), unit="% of commitment", source="HSF ROI bands", standing=DOC
    )

    capacity_full_pct: Decimal = parameter(
        Decimal(85), unit="% of limit", source="HOI: 85% volume qualifies", standing=DOC
    )
    capacity_full_months: int = parameter(
        2, unit="months running", source="HOI: for two months", standing=DOC
    )
    capacity_high_pct: Decimal = parameter(
        Decimal(80), unit="% of limit", source="HOI: 80% of the limit", standing=DOC
    )
    capacity_middle_pct: Decimal = parameter(
        Decimal(60), unit="% of limit", source="as the HSF budget-use band"
    )
    capacity_full_points: Decimal = parameter(Decimal(100), unit="points", source="usual practice")
    capacity_high_points: Decimal = parameter(Decimal(85), unit="points", source="usual practice")
    capacity_middle_points: Decimal = parameter(Decimal(60), unit="points", source="usual practice")
    capacity_low_points: Decimal = parameter(Decimal(30), unit="points", source="usual practice")
    growth_above_pct: Decimal = parameter(
        Decimal(20), unit="% month on month", source="EPA: more than 20% growth", standing=DOC
    )
    growth_points: Decimal = parameter(Decimal(10), unit="points", source="usual practice")
    usage_max_age_months: int = parameter(
        2, unit="months before the current one", source="usual practice: older use says nothing"
    )

    promoter_from: int = parameter(9, unit="NPS answer", source="HSF, HOI", standing=DOC)
    passive_from: int = parameter(7, unit="NPS answer", source="HSF, HOI", standing=DOC)

    timing_best_from_days: int = parameter(
        60, unit="days to renewal", source="EPA renewal plan 90/60/30"
    )
    timing_best_to_days: int = parameter(120, unit="days to renewal", source="usual practice")
    timing_early_to_days: int = parameter(270, unit="days to renewal", source="usual practice")
    timing_best_points: Decimal = parameter(Decimal(100), unit="points", source="usual practice")
    timing_early_points: Decimal = parameter(Decimal(70), unit="points", source="usual practice")
    timing_close_points: Decimal = parameter(Decimal(50), unit="points", source="usual practice")
    timing_far_points: Decimal = parameter(Decimal(40), unit="points", source="usual practice")

    # --- readiness: gates and threshold --------------------------------------------------------
    red_zone_cap: Decimal = parameter(
        Decimal(40), unit="points", source="HSF: no expansion in the red zone; the cap is ours"
    )
    escalation_cap: Decimal = parameter(Decimal(50), unit="points", source="usual practice")
    escalation_from_tier: int = parameter(3, unit="tier", source="EPA: tier 3 is leadership")
    payment_cap: Decimal = parameter(
        Decimal(60), unit="points", source="HOI budget criterion; the cap is ours"
    )
    act_above: Decimal = parameter(
        Decimal(80), unit="points", source="ITP T1.2; CS/automation/framework.md", standing=DOC
    )

    # --- value portfolio -----------------------------------------------------------------------
    roi_demonstrated_from: Decimal = parameter(
        Decimal(2), unit="multiple of fees", source="usual practice"
    )
    roi_target_reached_pct: Decimal = parameter(
        Decimal(100), unit="% of target", source="HSF ROI of target", standing=DOC
    )
    sustained_health_from: Decimal = parameter(
        Decimal(80), unit="points", source="HSF green zone", standing=DOC
    )
    sustained_health_days: int = parameter(
        90, unit="days", source="HSF trends over 7, 30 and 90 days", standing=DOC
    )
    sustained_min_measurements: int = parameter(
        13, unit="measurements", source="usual practice: one a week over 90 days"
    )

    # --- white space -----------------------------------------------------------------------------
    quoted_segment: str = parameter(
        "enterprise", unit="segment", source="the price list has no enterprise prices"
    )


PARAMETERS = SalesParameters()
