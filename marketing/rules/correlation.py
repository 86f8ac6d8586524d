"""Whether engagement with a campaign goes along with better health.

Source: spec, Campaign Performance API; features/leads/lead-scoring (points);
docs/rules/marketing.md, "Health correlation".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from cs_integrations.api.formats import half_up
from cs_integrations.statistics import fisher_interval, pearson
from marketing.rules.parameters import PARAMETERS, MarketingParameters

HUNDREDTH = Decimal("0.01")


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
    pairs = [
        (
            engagement_points(engagement=person.engagement, parameters=parameters),
            person.health_change,
        )
        for person in people
    ]
    coefficient = pearson(pairs=pairs)
    gap = _gap(pairs, coefficient, age=at - campaign_started_at, parameters=parameters)
    if coefficient is None or gap:
        reason = f"health_correlation is null because {gap}."
        return CorrelationMeasure(
            coefficient=None, interval=None, sample_size=len(people), reasons=(reason,)
        )
    interval = fisher_interval(
        coefficient=coefficient, sample_size=len(people), z=parameters.interval_z
    )
    return CorrelationMeasure(
        coefficient=half_up(coefficient, HUNDREDTH),
        interval=interval and (half_up(interval[0], HUNDREDTH), half_up(interval[1], HUNDREDTH)),
        sample_size=len(people),
    )


def _gap(
    pairs: Sequence[tuple[Decimal, Decimal]],
    coefficient: Decimal | None,
    *,
    age: timedelta,
    parameters: MarketingParameters,
) -> str:
    if age < timedelta(days=parameters.measure_after_days):
        return f"the campaign is younger than {parameters.measure_after_days} days"
    if len(pairs) < parameters.correlation_min_size:
        return f"only {len(pairs)} of at least {parameters.correlation_min_size} are measured"
    if len({points for points, _ in pairs}) == 1:
        return "all participants engaged alike"
    return "" if coefficient is not None else "health changed alike for all participants"
