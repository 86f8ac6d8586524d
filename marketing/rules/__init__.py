"""The rules of marketing: pure functions on frozen values.

No Django, no clock, no I/O; docs/rules/marketing.md says the same in plain words.

* ``parameters``: every constant, with unit and source
* ``signals``: what a trigger says about risk and falling health
* ``sequences``: which sequences fit
* ``enrollment``: which of them start, run already or are held back; repeats
* ``impact``: the expected change of health
* ``revenue``: what a campaign earned, and the share of customer success
* ``correlation``: engagement against health
"""

from marketing.rules.correlation import (
    CorrelationMeasure,
    EngagementCounts,
    EngagementKind,
    Participant,
    engagement_points,
    measure_correlation,
)
from marketing.rules.enrollment import (
    Contact,
    EnrollmentPlan,
    Reuse,
    is_natural_repeat,
    is_running,
    plan_enrollments,
    request_fingerprint,
)
from marketing.rules.impact import (
    FinishedSample,
    ImpactEstimate,
    SequenceImpact,
    estimate_impact,
)
from marketing.rules.parameters import (
    CAMPAIGN_RULE_ID,
    PARAMETERS,
    PERFORMANCE_RULE_ID,
    RULE_VERSION,
    TRIGGER_RULE_ID,
    MarketingParameters,
)
from marketing.rules.revenue import (
    Enrolled,
    RevenueClaim,
    RevenueFact,
    RevenueKind,
    RevenueMeasure,
    ShareBasis,
    claiming_enrollments,
    cs_share,
    measure_revenue,
    revenue_weight,
)
from marketing.rules.sequences import (
    CAMPAIGN_KINDS,
    CampaignKind,
    Match,
    ReachedMilestone,
    SequenceChoice,
    SequenceCode,
    Suppressed,
    SuppressionReason,
    TriggerFacts,
    choose_sequences,
    full_months,
)
from marketing.rules.signals import (
    CategoryReading,
    DatedScore,
    DropSign,
    HealthFall,
    HealthSignal,
    StatedRisk,
    measure_fall,
    read_category,
)

__all__ = [
    "CAMPAIGN_KINDS",
    "CAMPAIGN_RULE_ID",
    "PARAMETERS",
    "PERFORMANCE_RULE_ID",
    "RULE_VERSION",
    "TRIGGER_RULE_ID",
    "CampaignKind",
    "CategoryReading",
    "Contact",
    "CorrelationMeasure",
    "DatedScore",
    "DropSign",
    "EngagementCounts",
    "EngagementKind",
    "Enrolled",
    "EnrollmentPlan",
    "FinishedSample",
    "HealthFall",
    "HealthSignal",
    "ImpactEstimate",
    "MarketingParameters",
    "Match",
    "Participant",
    "ReachedMilestone",
    "Reuse",
    "RevenueClaim",
    "RevenueFact",
    "RevenueKind",
    "RevenueMeasure",
    "SequenceChoice",
    "SequenceCode",
    "SequenceImpact",
    "ShareBasis",
    "StatedRisk",
    "Suppressed",
    "SuppressionReason",
    "TriggerFacts",
    "choose_sequences",
    "claiming_enrollments",
    "cs_share",
    "engagement_points",
    "estimate_impact",
    "full_months",
    "is_natural_repeat",
    "is_running",
    "measure_correlation",
    "measure_fall",
    "measure_revenue",
    "plan_enrollments",
    "read_category",
    "request_fingerprint",
    "revenue_weight",
]
