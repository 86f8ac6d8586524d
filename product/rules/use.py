"""How much a customer uses a feature: windows, depth, weak core features, contracted use. Pure.

A day is recorded when the product reports it for the customer, also with zero uses.
Source: spec, Adoption Insights API; docs/rules/product.md.
"""

import calendar
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from product.rules.parameters import PARAMETERS, ProductParameters

FULL_DEPTH = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyUsers:
    """Daily users of one feature at one customer, summed over the recorded days of a period."""

    user_days: int = 0  # sum of the users of each recorded day
    recorded_days: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentHealth:
    """The latest computed health of a customer, 0 to 100; dimensions may be unknown."""

    score: Decimal
    engagement: Decimal | None = None
    business: Decimal | None = None
    relationship: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerUse:
    """An active customer's running entitlement to one feature, and what it did with it.

    Counts are over the use window, the 28 days that end with the observation day.
    """

    segment: str
    enabled_date: date
    first_use_date: date | None = None  # first day ever with a use, None: never used
    uses: int = 0
    errors: int = 0  # uses that failed
    successes: int = 0  # uses that reached their outcome
    integration_failures: int = 0
    users: DailyUsers = field(default_factory=DailyUsers)
    licensed_users: int | None = None  # seats of the running subscription
    health: CurrentHealth | None = None
    training_pct: Decimal | None = None  # latest training record of this feature
    rating: Decimal | None = None  # latest rating in the rating window, 1 to 5


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreFeatureUse:
    """A core feature that one customer owns, and its use over the use window."""

    slug: str
    enabled_date: date
    users: DailyUsers
    licensed_users: int | None  # seats of the running subscription, None without one


def share(part: int, whole: int) -> Decimal | None:
    """Return ``part`` of ``whole`` in percentage points, or None when ``whole`` is 0."""
    return Decimal(part * 100) / whole if whole else None


def window_start(*, on: date, days: int) -> date:
    """Return the first day of a window of ``days`` days that ends with the day ``on``."""
    return on - timedelta(days=days - 1)


def month_span(month: date) -> tuple[date, date]:
    """Return the first and the last day of the month that holds ``month``."""
    last = calendar.monthrange(month.year, month.month)[1]
    return month.replace(day=1), month.replace(day=last)


def observation_day(*, as_of: date, retired_date: date | None) -> date:
    """Return the last day that counts: ``as_of``, or the day before the feature was retired."""
    if retired_date is None:
        return as_of
    return min(as_of, retired_date - timedelta(days=1))


def has_settled(
    *, enabled_date: date, on: date, parameters: ProductParameters = PARAMETERS
) -> bool:
    """Say whether an entitlement is old enough for its use to be judged."""
    return (on - enabled_date).days >= parameters.eligible_after_days


def mean_daily_users(users: DailyUsers) -> Decimal | None:
    """Return the mean number of users a recorded day, or None when no day was recorded.

    This is "used" in the contracted use of a month: a partly recorded month reads the
    same as a full one. Source: spec, Value Realization API (``utilization_gaps``).
    """
    if not users.recorded_days:
        return None
    return Decimal(users.user_days) / users.recorded_days


def adoption_depth(*, users: DailyUsers, licensed_users: int | None) -> Decimal | None:
    """Return the feature's mean daily users as a percentage of the licensed users, 0 to 100.

    None when no day was recorded or nobody is licensed. Capped at 100: a customer that cut
    seats may have had more users than it has seats today.
    """
    mean = mean_daily_users(users)
    if mean is None or not licensed_users:
        return None
    return min(FULL_DEPTH, mean * 100 / licensed_users)


def weak_core_features(
    *,
    features: Iterable[CoreFeatureUse],
    on: date,
    parameters: ProductParameters = PARAMETERS,
) -> tuple[str, ...]:
    """Return the slugs of one customer's core features whose depth is under 30%, weakest first.

    Features entitled for less than 14 days and features of unknown depth are left out;
    equal depths are in the order of their slugs. Source: ITP T3.1.
    """
    weak = []
    for feature in features:
        depth = adoption_depth(users=feature.users, licensed_users=feature.licensed_users)
        settled = has_settled(enabled_date=feature.enabled_date, on=on, parameters=parameters)
        if settled and depth is not None and depth < parameters.weak_core_feature_below:
            weak.append((depth, feature.slug))
    return tuple(slug for _, slug in sorted(weak))
