"""Service levels: how long a tier may take, on which clock, and when waiting ends. Pure.

Source: spec, Workflow Execution API (tier 2 is 4h); EPA (segment conditions).
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from operations.rules.parameters import PARAMETERS, OperationsParameters, Segment

ONE_DAY = timedelta(days=1)


class Clock(StrEnum):
    """Which hours count toward a service level."""

    ROUND_THE_CLOCK = "round_the_clock"
    BUSINESS_HOURS = "business_hours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """When a span of counted time has passed."""

    due_at: datetime  # UTC
    clock: Clock
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TierSchedule:
    """What one tier promises from the moment it begins."""

    tier: int
    started_at: datetime  # UTC
    sla_target: timedelta
    clock: Clock
    due_at: datetime  # UTC
    escalates_at: datetime | None  # UTC; None at the highest tier
    reasons: tuple[str, ...] = ()


def sla_target(*, tier: int, parameters: OperationsParameters = PARAMETERS) -> timedelta:
    """Return the time in which a tier must be worked off.

    :raises ValueError: there is no such tier
    Source: spec, Workflow Execution API (tier 2: 4h); the other tiers by the incident ladder.
    """
    minutes = {
        1: parameters.tier_1_sla_minutes,
        2: parameters.tier_2_sla_minutes,
        3: parameters.tier_3_sla_minutes,
        4: parameters.tier_4_sla_minutes,
    }.get(tier)
    if minutes is None:
        raise ValueError(f"no escalation tier {tier}")
    return timedelta(minutes=minutes)


def segment_clock(*, segment: Segment) -> Clock:
    """Return the clock of a segment.

    Mid-market accounts are served in business hours; enterprise accounts at any hour;
    small ones at any hour too, because automation serves them. Source: EPA conditions.
    """
    return Clock.BUSINESS_HOURS if segment is Segment.MID_MARKET else Clock.ROUND_THE_CLOCK


def deadline(
    *,
    at: datetime,
    span: timedelta,
    segment: Segment,
    timezone: str,
    parameters: OperationsParameters = PARAMETERS,
) -> Deadline:
    """Return when ``span`` has passed on the segment's clock.

    ``at`` is aware; ``timezone`` is the customer's IANA name. Real time passes inside a
    business day, so a change of clocks neither shortens nor lengthens the span.
    """
    start = at.astimezone(UTC)
    counted = segment_clock(segment=segment)
    if counted is Clock.ROUND_THE_CLOCK:
        return Deadline(due_at=start + span, clock=counted)
    zone = _zone(timezone)
    if zone is None:
        reasons = (f"The time zone {timezone!r} is unknown; business hours are read in UTC.",)
        return Deadline(
            due_at=_in_business_hours(start, span, UTC, parameters), clock=counted, reasons=reasons
        )
    return Deadline(due_at=_in_business_hours(start, span, zone, parameters), clock=counted)


def tier_schedule(
    *,
    tier: int,
    at: datetime,
    segment: Segment,
    timezone: str,
    promised: datetime | None = None,
    parameters: OperationsParameters = PARAMETERS,
) -> TierSchedule:
    """Return what a tier promises when it begins ``at``.

    ``promised`` is the due time of the tier before: escalating never buys time, so the
    earlier of the two holds. Whoever still waits at 80% of the SLA goes a tier up.

    :raises ValueError: there is no such tier
    """
    target = sla_target(tier=tier, parameters=parameters)
    due = deadline(at=at, span=target, segment=segment, timezone=timezone, parameters=parameters)
    waited = timedelta(minutes=float(parameters.queue_escalation_share * _minutes(target)))
    escalation = deadline(
        at=at, span=waited, segment=segment, timezone=timezone, parameters=parameters
    )
    result = TierSchedule(
        tier=tier,
        started_at=at.astimezone(UTC),
        sla_target=target,
        clock=due.clock,
        due_at=due.due_at,
        escalates_at=escalation.due_at if tier < parameters.highest_tier else None,
        reasons=due.reasons,
    )
    if promised is None or promised >= result.due_at:
        return result
    kept = f"The due time of tier {tier} would be later; the one already promised is kept."
    return replace(result, due_at=promised.astimezone(UTC), reasons=(*result.reasons, kept))


def is_overdue(*, due_at: datetime, finished_at: datetime | None, at: datetime) -> bool:
    """Say whether the service level is missed: not finished by the due time itself."""
    return (finished_at or at) > due_at


def _in_business_hours(
    start: datetime, span: timedelta, zone: tzinfo, parameters: OperationsParameters
) -> datetime:
    day = start.astimezone(zone).date()
    remaining = span
    while True:
        opening = datetime.combine(day, time(parameters.business_day_start_hour), zone)
        closing = datetime.combine(day, time(parameters.business_day_end_hour), zone)
        # In UTC: the difference of two local times ignores a change of clocks between them.
        begin, end = max(start, opening.astimezone(UTC)), closing.astimezone(UTC)
        if day.weekday() < parameters.business_days_a_week and begin < end:
            if remaining <= end - begin:
                return begin + remaining
            remaining -= end - begin
        day += ONE_DAY


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones is an OSError
        return None


def _minutes(span: timedelta) -> int:
    return span // timedelta(minutes=1)
