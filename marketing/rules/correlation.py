"""Whether engagement with a campaign goes along with better health.

Source: spec, Campaign Performance API; features/leads/lead-scoring (points);
docs/rules/marketing.md, "Health correlation".
"""

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from cs_integrations.api.formats import half_up
from marketing.rules.parameters import PARAMETERS, MarketingParameters

HUNDREDTH = Decimal("0.01")
FISHER_LOSS = 3  # Fisher's standard error is 1 / sqrt(n - 3)


class EngagementKind(StrEnum):
    """What a participant did with a campaign's mails."""

    OPEN = "open"
    CLICK = "click"
    REPLY = "reply"
    BOUNCE = "bounce"
    UNSUBSCRIBE = "unsubscribe"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngagementCounts:
    """A participant's engagement events by kind."""

    opens: int = 0
    clicks: int = 0
    replies: int = 0
    bounces: int = 0
    unsubscribes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """An enrollment whose health was measured at its start and 30 days later."""

    engagement: EngagementCounts
    health_change: Decimal  # points, -100 to 100


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrelationMeasure:
    """Pearson's r with its 95% interval, or the reason why there is none."""

    coefficient: Decimal | None  # -1 to 1, two places
    interval: tuple[Decimal, Decimal] | None  # two places
    sample_size: int
    reasons: tuple[str, ...] = ()


def engagement_points(
    *, engagement: EngagementCounts, parameters: MarketingParameters = PARAMETERS
) -> Decimal:
    """Return a participant's engagement in points; it can be negative by bounces.

    Whoever unsubscribed was not reached any more: the total becomes ``unsubscribed_points``.
    """
    if engagement.unsubscribes:
        return parameters.unsubscribed_points
    return (
        engagement.opens * parameters.open_points
        + engagement.clicks * parameters.click_points
        + engagement.replies * parameters.reply_points
        + engagement.bounces * parameters.bounce_points
    )


def measure_correlation(
    *,
    participants: Iterable[Participant],
    campaign_started_at: datetime,
    at: datetime,
    parameters: MarketingParameters = PARAMETERS,
) -> CorrelationMeasure:
    """Return Pearson's r between engagement points and the change of health.

    None, with a reason, for a campaign younger than ``measure_after_days``, fewer than
    ``correlation_min_size`` measured participants, or a side that does not vary.
    """
    people = tuple(participants)
    points = [
        float(engagement_points(engagement=person.engagement, parameters=parameters))
        for person in people
    ]
    changes = [float(person.health_change) for person in people]
    gap = _gap(points, changes, age=at - campaign_started_at, parameters=parameters)
    if gap:
        reason = f"health_correlation is null because {gap}."
        return CorrelationMeasure(
            coefficient=None, interval=None, sample_size=len(people), reasons=(reason,)
        )
    # Rounding errors of the sums can carry r past 1 by one unit in the last place.
    coefficient = max(-1.0, min(1.0, statistics.correlation(points, changes)))
    return CorrelationMeasure(
        coefficient=_two_places(coefficient),
        interval=fisher_interval(
            coefficient=coefficient, sample_size=len(people), parameters=parameters
        ),
        sample_size=len(people),
    )


def fisher_interval(
    *, coefficient: float, sample_size: int, parameters: MarketingParameters = PARAMETERS
) -> tuple[Decimal, Decimal]:
    """Return the 95% interval of a correlation, two places; ``sample_size`` is above 3.

    A perfect correlation has no width: the transform is infinite there.
    """
    if abs(coefficient) == 1:
        return _two_places(coefficient), _two_places(coefficient)
    center = math.atanh(coefficient)
    half_width = float(parameters.interval_z) / math.sqrt(sample_size - FISHER_LOSS)
    return (
        _two_places(math.tanh(center - half_width)),
        _two_places(math.tanh(center + half_width)),
    )


def _gap(
    points: list[float],
    changes: list[float],
    *,
    age: timedelta,
    parameters: MarketingParameters,
) -> str:
    if age < timedelta(days=parameters.measure_after_days):
        return f"the campaign is younger than {parameters.measure_after_days} days"
    if len(points) < parameters.correlation_min_size:
        return f"only {len(points)} of at least {parameters.correlation_min_size} are measured"
    if len(set(points)) == 1:
        return "all participants engaged alike"
    if len(set(changes)) == 1:
        return "health changed alike for all participants"
    return ""


def _two_places(value: float) -> Decimal:
    rounded = half_up(Decimal(str(value)), HUNDREDTH)
    return abs(rounded) if rounded == 0 else rounded  # no "-0.00" on the wire
