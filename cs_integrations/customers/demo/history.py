"""What the demo customers did so far: health day by day, use of the limits, milestones. Pure."""

import calendar
import math
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from random import Random
from typing import NamedTuple

from cs_integrations.customers.demo.roster import Account, Trait
from cs_integrations.customers.health import Zone
from cs_integrations.customers.models import UsageMonthly

SETTLED_DAYS = 35  # a steady account kept its health for so long
FULL_MONTHS = 6  # of use before the running month
_MEMORY = 0.8  # share of a day's deviation that the day before it had too
_LEAVING_SCORE = Decimal(42)  # of a customer on the day it left
_FLOOR, _CEILING = 30_00, 99_00  # hundredths of a point; a computed score is never below 30
_MILESTONE_DAYS = {  # usual days after the start; research comes before it
    "research_complete": -14,
    "kickoff_complete": 5,
    "success_plan_approved": 9,
    "implementation_complete": 24,
    "users_trained": 33,
    "first_value_achieved": 41,
    "user_adoption_reached": 78,
    "adoption_complete": 104,
    "advanced_adoption": 150,
    "roi_demonstrated": 190,
    "expansion_identified": 230,
}
_LAST_MILESTONE = {
    Zone.GREEN: "roi_demonstrated",
    Zone.YELLOW: "user_adoption_reached",
    Zone.RED: "first_value_achieved",
}


class HealthRow(NamedTuple):
    """A computed snapshot without its customer, in the order of the table's columns."""

    measured_date: date
    score: Decimal
    usage: Decimal
    engagement: Decimal
    business: Decimal
    relationship: Decimal
    recorded_at: datetime


class UsageRow(NamedTuple):
    """A month's use of one limit without its customer, in the order of the table's columns."""

    month: date
    metric: str
    used: int
    limit: int | None


def health(*, account: Account, as_of: date, days: int, random: Random) -> Iterator[HealthRow]:
    """Yield the account's health of each of the last ``days`` days, newest first.

    The newest score is the account's own, or low on the day a customer left; the further
    back, the nearer to where it came from. The weighted dimension scores round to the score.
    """
    leans = [random.uniform(-1, 1) for _ in range(3)]
    last = account.churned_date or as_of
    length = min(days - (as_of - last).days, (last - account.started_date).days + 1)
    for days_back, hundredths in enumerate(_scores(account, length, random)):
        measured = last - timedelta(days=days_back)
        recorded_at = datetime.combine(measured, time(), UTC)
        dimensions = _dimensions(hundredths, leans)
        yield HealthRow(measured, _points(hundredths), *dimensions, recorded_at)


def usage(*, account: Account, mails: int | None, as_of: date, random: Random) -> list[UsageRow]:
    """Return the use of seats and mails in six full months and the running one, oldest first.

    ``mails`` is the plan's monthly limit, None for unlimited. Seats in use are a level, mails
    of the running month are those sent so far.
    """
    seat_share, mail_share = _shares(account, random)
    last = account.churned_date or as_of
    rows: list[UsageRow] = []
    for months_back in range(FULL_MONTHS, -1, -1):
        month = _month(as_of, months_back)
        if not account.started_date.replace(day=1) <= month <= last:
            continue
        trend = 1 - _monthly_growth(account) * months_back
        seats = _whole(seat_share * trend * account.seats, account)
        sent = mail_share * trend * _season(account, month) * (mails or 9_000 * account.seats)
        if month == as_of.replace(day=1):
            sent *= as_of.day / calendar.monthrange(as_of.year, as_of.month)[1]
        rows += (
            UsageRow(month, UsageMonthly.Metric.SEATS.value, seats, account.seats),
            UsageRow(month, UsageMonthly.Metric.MAIL_VOLUME.value, round(sent), mails),
        )
    return rows


def milestones(*, account: Account, as_of: date, random: Random) -> list[tuple[str, date]]:
    """Return the milestones that the account reached, by code, with their days."""
    delay_days = random.randrange(4)
    last = account.churned_date or as_of
    reached: list[tuple[str, date]] = []
    final = _LAST_MILESTONE.get(account.zone or Zone.RED, "")
    if account.expansion_ready:
        final = "expansion_identified"
    for code, days_after_start in _MILESTONE_DAYS.items():
        reached.append((code, account.started_date + timedelta(days=days_after_start + delay_days)))
        if code == final:
            break
    years = (last - account.started_date).days // 365
    if years:
        reached.append(("renewal_achieved", account.started_date + timedelta(days=365)))
    if Trait.STEADY in account.traits:
        reached.append(("health_improvement", as_of - timedelta(days=SETTLED_DAYS)))
    if account.zone is Zone.GREEN and years > 1:
        reached.append(("reference_given", account.started_date + timedelta(days=420)))
        reached.append(("expansion_delivered", account.started_date + timedelta(days=480)))
    return [(code, day) for code, day in reached if day <= last]


def _scores(account: Account, length: int, random: Random) -> Iterator[int]:
    """Yield so many daily scores in hundredths of a point, newest first."""
    origin, pace_days = random.uniform(*_origin(account)), random.uniform(25, 60)
    is_steady = Trait.STEADY in account.traits
    jitter, settled_days = (0.35, SETTLED_DAYS) if is_steady else (0.5, 0)
    now = float(account.score or _LEAVING_SCORE)
    deviation = 0.0
    for days_back in range(length):
        past = 1 - math.exp(-max(0, days_back - settled_days) / pace_days)
        hundredths = round(100 * (now + origin * past + deviation))
        yield max(_FLOOR, min(_CEILING, hundredths))
        deviation = _MEMORY * deviation + random.uniform(-jitter, jitter)


def _origin(account: Account) -> tuple[float, float]:
    """Return the range of points by which the account's health once differed from today's."""
    if not account.is_active or account.churn_risk:
        return 12, 28
    if Trait.STEADY in account.traits:
        return -9, -5
    return {Zone.GREEN: (-8.0, 2.0), Zone.YELLOW: (-8.0, 10.0)}.get(
        account.zone or Zone.RED, (2.0, 12.0)
    )


def _dimensions(
    hundredths: int, leans: Sequence[float]
) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """Return usage, engagement, business and relationship whose weighted sum is the score.

    Three lean away from the score, usage makes up for them (65/35 of the lean at most).
    """
    room = min(12_00, 100_00 - hundredths, hundredths - _FLOOR) / 1.9
    engagement, business, relationship = (hundredths + round(room * lean) for lean in leans)
    rest = 25 * engagement + 25 * business + 15 * relationship
    use = round((100 * hundredths - rest) / 35)
    return _points(use), _points(engagement), _points(business), _points(relationship)


@cache
def _points(hundredths: int) -> Decimal:
    return Decimal(hundredths).scaleb(-2)


def _shares(account: Account, random: Random) -> tuple[float, float]:
    """Return the shares of seats and of mails in use today."""
    drawn = random.random()
    if account.at_limits:
        return 0.92 + 0.06 * drawn, 0.80 + 0.10 * drawn
    if account.zone is Zone.YELLOW:
        return 0.62 + 0.12 * drawn, 0.50 + 0.15 * drawn
    if account.zone is Zone.GREEN:
        return 0.45 + 0.12 * drawn, 0.35 + 0.15 * drawn
    return 0.35 + 0.20 * drawn, 0.25 + 0.20 * drawn


def _monthly_growth(account: Account) -> float:
    """Return the share of today's use that came on in each month; negative where it falls."""
    if account.at_limits:
        return 0.01
    return 0.0 if account.zone in (Zone.GREEN, Zone.YELLOW) else -0.05


def _whole(seats: float, account: Account) -> int:
    """Round seats in use so that a small account stays on its side of the capacity bands."""
    return min(account.seats, math.ceil(seats) if account.at_limits else math.floor(seats))


def _season(account: Account, month: date) -> float:
    """Return the factor of a month's mails; e-commerce peaks in the fourth quarter."""
    if account.industry != "ecommerce":
        return 1.0
    return 1.1 if month.month >= 10 else 0.95  # noqa: PLR2004 - October


def _month(day: date, months_back: int) -> date:
    index = day.year * 12 + day.month - 1 - months_back
    return date(index // 12, index % 12 + 1, 1)
