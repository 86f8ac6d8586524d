"""How near a customer is to the limits of what it has bought. Pure.

Source: HOI and EPA pages (80% and 85% of the limit, growth); docs/rules/sales.md,
heading sales.expansion.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from sales.rules.parameters import FULL_SCORE, PARAMETERS, SalesParameters

_MONTHS_A_YEAR = 12


class UsageMetric(StrEnum):
    """The plan limits that use is measured against."""

    MAIL_VOLUME = "mail_volume"
    SEATS = "seats"


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthlyUse:
    """Use of one plan limit in one month."""

    month: date  # any day of it
    metric: UsageMetric
    used: int
    limit: int | None  # None: unlimited


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitUse:
    """Use of one limit in the newest recorded month, and how it came there."""

    metric: UsageMetric
    used: int
    limit: int  # > 0
    pct: Decimal  # of the limit; may pass 100
    months_at_full: int  # months running in the uses given, up to this one, in full use
    growth_pct: Decimal | None  # against the month before; None: no use then, or not recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityScore:
    """The points of the capacity factor and the limit that gave them."""

    points: Decimal  # 0 to 100
    nearest: LimitUse
    is_growing: bool


def oldest_use_needed(*, as_of: date, parameters: SalesParameters = PARAMETERS) -> date:
    """Return the first day of the oldest month that :func:`limit_uses` may have to look at.

    That is the month before the oldest allowed one, and more where full use must last longer.
    """
    months_before = max(parameters.capacity_full_months - 1, 1)
    oldest = _month_number(as_of) - parameters.usage_max_age_months - months_before
    year, month = divmod(oldest - 1, _MONTHS_A_YEAR)
    return date(year, month + 1, 1)


def limit_uses(
    *,
    uses: Collection[MonthlyUse],
    subscribed_seats: int | None,
    as_of: date,
    parameters: SalesParameters = PARAMETERS,
) -> tuple[LimitUse, ...]:
    """Return the use of each measurable limit in its newest full month, not older than allowed.

    The month that holds ``as_of`` is not over and is left out. On a plan with unlimited seats
    the seats of the subscription are the limit; another unlimited metric is left out.
    """
    newest_allowed = _month_number(as_of) - 1
    oldest_allowed = newest_allowed - (parameters.usage_max_age_months - 1)
    readings = []
    for metric in UsageMetric:
        seats = subscribed_seats if metric is UsageMetric.SEATS else None
        months = {
            _month_number(use.month): use
            for use in uses
            if use.metric is metric and _month_number(use.month) <= newest_allowed
        }
        if not months or max(months) < oldest_allowed:
            continue
        reading = _limit_use(months, unlimited_means=seats, parameters=parameters)
        if reading is not None:
            readings.append(reading)
    return tuple(readings)


def capacity_score(
    *, limits: Collection[LimitUse], parameters: SalesParameters = PARAMETERS
) -> CapacityScore | None:
    """Return the points for the limit that is nearest to being reached, None without one.

    The full points need full use for as many months running as the parameters say; strong
    growth of that limit's use adds points, up to 100.
    """
    nearest = max(limits, key=lambda limit: (limit.pct, limit.growth_pct or 0), default=None)
    if nearest is None:
        return None
    growth = nearest.growth_pct
    is_growing = growth is not None and growth > parameters.growth_above_pct
    points = _level_points(nearest, parameters)
    if is_growing:
        points = min(FULL_SCORE, points + parameters.growth_points)
    return CapacityScore(points=points, nearest=nearest, is_growing=is_growing)


def _level_points(limit: LimitUse, parameters: SalesParameters) -> Decimal:
    if limit.months_at_full >= parameters.capacity_full_months:
        return parameters.capacity_full_points
    if limit.pct >= parameters.capacity_high_pct:
        return parameters.capacity_high_points
    if limit.pct >= parameters.capacity_middle_pct:
        return parameters.capacity_middle_points
    return parameters.capacity_low_points


def _limit_use(
    months: dict[int, MonthlyUse], *, unlimited_means: int | None, parameters: SalesParameters
) -> LimitUse | None:
    newest = max(months)
    use = months[newest]
    limit = unlimited_means if use.limit is None else use.limit
    if not limit:
        return None
    months_at_full = 0
    while (month := months.get(newest - months_at_full)) is not None:
        month_limit = unlimited_means if month.limit is None else month.limit
        if not month_limit or _pct(month.used, month_limit) < parameters.capacity_full_pct:
            break
        months_at_full += 1
    before = months.get(newest - 1)
    return LimitUse(
        metric=use.metric,
        used=use.used,
        limit=limit,
        pct=_pct(use.used, limit),
        months_at_full=months_at_full,
        growth_pct=_pct(use.used - before.used, before.used) if before and before.used else None,
    )


def _pct(part: int, whole: int) -> Decimal:
    return Decimal(part) / Decimal(whole) * 100


def _month_number(day: date) -> int:
    return day.year * _MONTHS_A_YEAR + day.month
