"""The finance rules: what was delivered, what goes unused, what it returns, what will renew.

Pure functions on frozen values: numbers in, answer out, together with the numbers behind the
answer and a sentence for everything that is null, capped or left out.

Source: spec, Value Realization API and Forecast Adjustment API; docs/rules/finance.md.
"""

from finance.rules.contracts import ContractTerm, use_month
from finance.rules.delivery import (
    Accrual,
    CommitmentFact,
    CommitmentStanding,
    DeliveryStanding,
    accrued_value,
    delivery_vs_commit,
)
from finance.rules.forecast import (
    POSITIVE_SCENARIOS,
    Forecast,
    ForecastStatus,
    HealthFact,
    Scenario,
    ScenarioError,
    Submission,
    adjust_forecast,
    blended_probability,
    expansion_probability,
    interval_is_ordered,
    is_natural_repeat,
    model_probability,
    parse_scenarios,
    shown_probability,
    submission_fingerprint,
)
from finance.rules.parameters import PARAMETERS, FinanceParameters
from finance.rules.payments import PaymentFact, PaymentStanding, payment_standing
from finance.rules.realization import ContractFacts, ValueRealization, value_realization
from finance.rules.roi import (
    CostFact,
    OutcomeFact,
    OutcomeKind,
    Pace,
    PolicyFact,
    RoiTrajectory,
    credited_value,
    cs_cost,
    months_left,
    roi_trajectory,
    share_in_force,
)
from finance.rules.utilization import UseFact, UtilizationGap, UtilizationGaps, utilization_gaps

__all__ = [
    "PARAMETERS",
    "POSITIVE_SCENARIOS",
    "Accrual",
    "CommitmentFact",
    "CommitmentStanding",
    "ContractFacts",
    "ContractTerm",
    "CostFact",
    "DeliveryStanding",
    "FinanceParameters",
    "Forecast",
    "ForecastStatus",
    "HealthFact",
    "OutcomeFact",
    "OutcomeKind",
    "Pace",
    "PaymentFact",
    "PaymentStanding",
    "PolicyFact",
    "RoiTrajectory",
    "Scenario",
    "ScenarioError",
    "Submission",
    "UseFact",
    "UtilizationGap",
    "UtilizationGaps",
    "ValueRealization",
    "accrued_value",
    "adjust_forecast",
    "blended_probability",
    "credited_value",
    "cs_cost",
    "delivery_vs_commit",
    "expansion_probability",
    "interval_is_ordered",
    "is_natural_repeat",
    "model_probability",
    "months_left",
    "parse_scenarios",
    "payment_standing",
    "roi_trajectory",
    "share_in_force",
    "shown_probability",
    "submission_fingerprint",
    "use_month",
    "utilization_gaps",
    "value_realization",
]
