"""The constants of the finance rules, each with its unit and its source."""

from dataclasses import dataclass
from decimal import Decimal

from cs_integrations.parameters import DOC, parameter


@dataclass(frozen=True, slots=True, kw_only=True)
class FinanceParameters:
    """Constants of value realization, forecast adjustment and payment trouble."""

    # --- value realization: delivery and use
    commitment_cap_pct: Decimal = parameter(
        Decimal(150), unit="percent", source="usual practice: one outcome cannot hide the others"
    )
    gap_below_pct: Decimal = parameter(
        Decimal(60), unit="percent", source="HSF low bands (core use, budget use)", standing=DOC
    )
    gaps_listed: int = parameter(10, unit="features", source="usual practice")

    # --- value realization: return
    outcome_window_days: int = parameter(
        90, unit="days", source="usual practice: one quarter of results"
    )
    cost_window_months: int = parameter(
        3, unit="months", source="set so that cost and results look back equally far"
    )
    days_in_month: Decimal = parameter(
        Decimal("30.4375"), unit="days", source="calendar: 365.25 / 12"
    )
    default_hourly_rate: Decimal = parameter(
        Decimal(75), unit="US dollars an hour", source="usual practice, loaded CSM rate"
    )
    expansion_share: Decimal = parameter(
        Decimal("0.60"), unit="share", source="ITP T4.1, CS-driven expansion", standing=DOC
    )
    unagreed_share: Decimal = parameter(
        Decimal(0), unit="share", source="no agreed policy, no credit"
    )

    # --- forecast adjustment
    trend_window_days: int = parameter(
        90, unit="days", source="HSF trends over 7, 30 and 90 days", standing=DOC
    )
    model_deviation: Decimal = parameter(
        Decimal("0.10"), unit="probability", source="usual practice, standard deviation of a rule"
    )
    interval_deviations: Decimal = parameter(
        Decimal("3.92"), unit="standard deviations", source="statistics: width of a 95% interval"
    )
    least_deviation: Decimal = parameter(
        Decimal("0.01"), unit="probability", source="usual practice: nobody is entirely certain"
    )
    review_difference: Decimal = parameter(
        Decimal("0.25"), unit="probability", source="usual practice"
    )
    expansion_conversion: Decimal = parameter(
        Decimal("0.45"), unit="probability", source="HEX qualified to upgrade 40-45%", standing=DOC
    )
    scenario_limit: Decimal = parameter(
        Decimal(1_000_000_000), unit="US dollars", source="guards against a slip of the unit"
    )
    probability_step: Decimal = parameter(
        Decimal("0.01"), unit="probability", source="the specification's two places"
    )
    repeat_window_hours: int = parameter(
        24, unit="hours", source="as long as idempotency keys are kept"
    )

    # --- payment trouble
    payment_window_days: int = parameter(
        90, unit="days", source="HOI budget criterion", standing=DOC
    )


PARAMETERS = FinanceParameters()
