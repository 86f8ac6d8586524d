"""What a health trigger says: the risk band that applies and how far health has fallen.

Source: spec, Health Trigger API; docs/rules/marketing.md, "Risk category" and "Falling health".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from cs_integrations.customers.health import RiskCategory, risk_category
from marketing.rules.parameters import PARAMETERS, MarketingParameters

BEST_FIRST: tuple[RiskCategory, ...] = tuple(RiskCategory)


class StatedRisk(StrEnum):
    """The words a caller may send as ``risk_category``: the four bands and three levels."""

    HEALTHY = "healthy"
    MONITOR = "monitor"
    AT_RISK = "at_risk"
    CRITICAL = "critical"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


MEANINGS: Mapping[StatedRisk, tuple[RiskCategory, ...]] = {
    StatedRisk.HEALTHY: (RiskCategory.HEALTHY,),
    StatedRisk.MONITOR: (RiskCategory.MONITOR,),
    StatedRisk.AT_RISK: (RiskCategory.AT_RISK,),
    StatedRisk.CRITICAL: (RiskCategory.CRITICAL,),
    StatedRisk.LOW: (RiskCategory.HEALTHY, RiskCategory.MONITOR),
    StatedRisk.MEDIUM: (RiskCategory.AT_RISK,),
    StatedRisk.HIGH: (RiskCategory.CRITICAL,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSignal:
    """What a caller sends with a trigger."""

    health_score: Decimal  # 0 to 100, in hundredths
    stated: StatedRisk | None = None  # None: the caller sent no word
    milestones: tuple[str, ...] = ()  # codes, each once


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryReading:
    """The stated risk beside the one the score implies."""

    stated: RiskCategory | None  # None: the caller sent no word
    implied: RiskCategory
    effective: RiskCategory  # the worse of the two
    bands_better: int  # how many bands the stated one is better than the score; negative: worse
    is_consistent: bool


def read_category(
    *,
    health_score: Decimal,
    stated: StatedRisk | None = None,
    parameters: MarketingParameters = PARAMETERS,
) -> CategoryReading:
    """Return the effective risk category of a score from 0 to 100 and the caller's word.

    A caller may know worse than the score does, but may not call a customer better by more
    than ``better_bands_allowed`` bands; such a reading is not consistent and is to be refused.
    ``low`` means healthy or monitor, whichever is nearer to the score.
    """
    implied = risk_category(health_score)
    place = BEST_FIRST.index(implied)
    if stated is None:
        return CategoryReading(
            stated=None, implied=implied, effective=implied, bands_better=0, is_consistent=True
        )
    stated_place = min(
        (BEST_FIRST.index(meaning) for meaning in MEANINGS[stated]),
        key=lambda candidate: abs(candidate - place),
    )
    return CategoryReading(
        stated=BEST_FIRST[stated_place],
        implied=implied,
        effective=BEST_FIRST[max(place, stated_place)],
        bands_better=place - stated_place,
        is_consistent=place - stated_place <= parameters.better_bands_allowed,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedScore:
    """A computed health score, 0 to 100, and its day."""

    measured_date: date
    score: Decimal


class DropSign(StrEnum):
    """Ways in which health can have fallen."""

    SUDDEN = "sudden_drop"
    MONTHLY = "monthly_drop"
    TREND = "falling_trend"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthFall:
    """How far a trigger's score lies under the computed ones; None where none is known."""

    sudden_points: Decimal | None = None  # under the highest score of the trailing 30 days
    monthly_points: Decimal | None = None  # under the last score of the previous calendar month
    trend_pct: Decimal | None = None  # of the earliest score of the trailing 90 days
    signs: tuple[DropSign, ...] = ()
    is_stale: bool = False  # a computed score is newer than the trigger's, so nothing is compared


def measure_fall(
    *,
    health_score: Decimal,
    measured_date: date,
    scores: Iterable[DatedScore],
    parameters: MarketingParameters = PARAMETERS,
) -> HealthFall:
    """Compare a trigger's score with the computed series, given in any order.

    Negative numbers are a rise. A drop must pass its threshold; a trend must reach it.
    Source: MK and AD/trend-analysis (20 points in 30 days), HOI and TPL (15 points since the
    previous month), CS/automation/framework (trend down 20%).
    """
    series = sorted(scores, key=lambda item: item.measured_date)
    if series and series[-1].measured_date > measured_date:
        return HealthFall(is_stale=True)
    recent_from = measured_date - timedelta(days=parameters.sudden_drop_days)
    recent = [item.score for item in series if item.measured_date >= recent_from]
    month_end = measured_date.replace(day=1) - timedelta(days=1)
    previous_month = [
        item.score for item in series if month_end.replace(day=1) <= item.measured_date <= month_end
    ]
    trend_from = measured_date - timedelta(days=parameters.trend_days)
    trend = [item.score for item in series if item.measured_date >= trend_from]
    sudden = max(recent) - health_score if recent else None
    monthly = previous_month[-1] - health_score if previous_month else None
    fall_pct = 100 * (trend[0] - health_score) / trend[0] if trend and trend[0] > 0 else None
    return HealthFall(
        sudden_points=sudden,
        monthly_points=monthly,
        trend_pct=fall_pct,
        signs=_signs(sudden=sudden, monthly=monthly, fall_pct=fall_pct, parameters=parameters),
    )


def _signs(
    *,
    sudden: Decimal | None,
    monthly: Decimal | None,
    fall_pct: Decimal | None,
    parameters: MarketingParameters,
) -> tuple[DropSign, ...]:
    fired = (
        (DropSign.SUDDEN, sudden is not None and sudden > parameters.sudden_drop_over),
        (DropSign.MONTHLY, monthly is not None and monthly > parameters.monthly_drop_over),
        (DropSign.TREND, fall_pct is not None and fall_pct >= parameters.trend_fall_from),
    )
    return tuple(sign for sign, has_fired in fired if has_fired)
