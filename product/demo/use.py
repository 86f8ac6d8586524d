"""Who may use which feature, and how: entitlements and the use of each day. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import cycle
from random import Random
from typing import NamedTuple

from cs_integrations.customers.demo import Account, Portfolio
from cs_integrations.customers.demo.names import contract_id
from cs_integrations.customers.models import Segment
from product.demo.catalogue import (
    CONTRACTED,
    FEATURE_X,
    FEATURES,
    WARMUP,
    FeatureFacts,
    Pace,
)
from product.models import Feature

MOST_DAYS, FEWEST_DAYS = 90, 60  # of daily use
MONTHS_OF_FEATURE_X = 3  # full ones, before the running month
FEATURE_X_CONTRACT, FEATURE_X_BOUGHT = "ctr_123", 100
# The mean of any run of days from a month's first is 45.0 to 45.4.
FEATURE_X_USERS = (45, 45, 46, 44)
KEEN_CUSTOMER, KEEN_DEPTH = "cust_123", 0.65  # uses every core feature well
# The warm-up came 40 to 70 days ago to every fourth: in the cohort's 14 to 90 for two weeks.
LATE_FROM_DAYS, LATE_STEP_DAYS, EVERY_NTH_LATE = 40, 3, 4
QUICK_STARTERS = 4  # of those, used it within 14 days
QUICK_AFTER_DAYS, SLOW_AFTER_DAYS = 3, 18
SILENT_DAYS = 45
_PLAN_RANKS = {"starter": 1, "professional": 2, "business": 3, "enterprise": 4}


class UseRow(NamedTuple):
    """A day's use, in the order of the table's columns."""

    customer_id: int
    feature_id: int
    used_date: date
    uses: int
    users: int
    errors: int
    successes: int
    integration_failures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """An account's right to use a feature, and the way it does."""

    account: Account
    customer_id: int
    feature_id: int
    facts: FeatureFacts
    enabled_date: date
    pace: Pace
    depth: float  # share of the seats that use it on a day, where the pace is daily
    first_use_date: date  # no use before it
    weekday: int  # 0 to 6, of a weekly connection failure; -1: none
    contracted_qty: int | None = None  # daily users


class _Owner(NamedTuple):
    account: Account
    customer_id: int
    depth: float


def grants(*, portfolio: Portfolio, features: Mapping[str, Feature], random: Random) -> list[Grant]:
    """Return every entitlement of the demo, feature by feature.

    Depth follows health, (score - 30) / 70, with a lean of the account's own (sd 0.20).
    Nothing is enabled yet at the account that has no health.
    """
    leans = {public_id: random.gauss(0, 0.20) for public_id in portfolio.accounts}
    found: list[Grant] = []
    for facts in FEATURES:
        owners = [
            _Owner(account, customer.pk, _depth(account, leans[account.public_id], random))
            for account, customer in portfolio.active()
            if _owns(account, facts)
        ]
        owners.sort(key=lambda owner: (owner.account.public_id != KEEN_CUSTOMER, -owner.depth))
        found += _of_feature(facts, features[facts.slug].pk, owners, portfolio.as_of, random)
    return found


def days_of_use(*, portfolio: Portfolio, grant: Grant, random: Random) -> Iterator[UseRow]:
    """Yield each recorded day of a grant, with its use or with zeros, up to yesterday."""
    yesterday = portfolio.as_of - timedelta(days=1)
    start = max(grant.enabled_date, _history_start(portfolio, grant.facts.slug))
    for days in range((yesterday - start).days + 1):
        day = start + timedelta(days=days)
        users, uses = _day(grant, day, portfolio.as_of, random)
        errors = int(uses * grant.facts.error_pct / 100 + random.random())
        yield UseRow(
            grant.customer_id,
            grant.feature_id,
            day,
            uses,
            users,
            min(errors, uses),
            uses - min(errors, uses),
            int(day.weekday() == grant.weekday),
        )


def _day(grant: Grant, day: date, as_of: date, random: Random) -> tuple[int, int]:
    """Return a day's users and uses."""
    if grant.pace is Pace.NEVER or day < grant.first_use_date:
        return 0, 0
    if grant.facts.slug == FEATURE_X:
        users = FEATURE_X_USERS[(day.day - 1) % len(FEATURE_X_USERS)]
        return users, 3 * users
    if grant.pace is Pace.DAILY:
        seats = grant.account.seats
        users = min(seats, max(1, int(seats * grant.depth + random.random())))
        return users, users * (2 + int(3 * random.random()))
    is_over = grant.pace is Pace.STOPPED and (as_of - day).days <= SILENT_DAYS
    return (0, 0) if is_over or day.toordinal() % 4 else (1, 2)


def _history_start(portfolio: Portfolio, slug: str) -> date:
    if slug == FEATURE_X:
        month = portfolio.as_of.year * 12 + portfolio.as_of.month - 1 - MONTHS_OF_FEATURE_X
        return date(month // 12, month % 12 + 1, 1)
    return portfolio.as_of - timedelta(days=max(FEWEST_DAYS, min(MOST_DAYS, portfolio.days)))


def _owns(account: Account, facts: FeatureFacts) -> bool:
    if account.no_health:
        return False
    if facts.slug == FEATURE_X:
        return contract_id(account.public_id) == FEATURE_X_CONTRACT
    return _PLAN_RANKS[account.plan_code] >= _PLAN_RANKS[facts.plan_code]


def _depth(account: Account, lean: float, random: Random) -> float:
    drawn = (float(account.score or 0) - 30) / 70 + lean + random.gauss(0, 0.05)
    lowest = KEEN_DEPTH if account.public_id == KEEN_CUSTOMER else 0.0
    return max(lowest, min(1.0, drawn))


def _of_feature(
    facts: FeatureFacts, feature_id: int, owners: Sequence[_Owner], as_of: date, random: Random
) -> list[Grant]:
    """Return the grants of one feature; ``owners`` come deepest first."""
    settled = [owner for owner in owners if not owner.account.short_history]
    late = settled[2::EVERY_NTH_LATE] if facts.public_id == WARMUP else []
    adopters = settled[: round(len(settled) * facts.adopted_pct / 100)]
    other_paces = cycle(facts.other_paces)
    found = []
    for place, owner in enumerate(owners):
        account = owner.account
        pace = Pace.DAILY if owner in adopters or account.short_history else next(other_paces)
        enabled_date = first_use_date = _enabled(account, facts, as_of, random)
        if owner in late:
            position = late.index(owner)
            enabled_date = as_of - timedelta(days=LATE_FROM_DAYS + LATE_STEP_DAYS * position)
            is_quick = position < QUICK_STARTERS
            wait_days = QUICK_AFTER_DAYS if is_quick else SLOW_AFTER_DAYS
            first_use_date = enabled_date + timedelta(days=wait_days)
            pace = Pace.NOW_AND_THEN if pace is Pace.STOPPED else pace
        found.append(
            Grant(
                account=account,
                customer_id=owner.customer_id,
                feature_id=feature_id,
                facts=facts,
                enabled_date=enabled_date,
                pace=pace,
                depth=owner.depth,
                first_use_date=first_use_date,
                weekday=place if place < facts.failing_accounts else -1,
                contracted_qty=_contracted(account, facts),
            )
        )
    return found


def _enabled(account: Account, facts: FeatureFacts, as_of: date, random: Random) -> date:
    """Return the day from which an account may use a feature, within its first weeks."""
    drawn = random.randrange(3, 30)
    if not account.short_history:
        return account.started_date + timedelta(days=drawn)
    if facts.public_id == WARMUP:
        # Its domains are ready tomorrow: for the next 14 days it stays too new to count.
        return as_of + timedelta(days=1)
    return account.started_date + timedelta(days=2)


def _contracted(account: Account, facts: FeatureFacts) -> int | None:
    """Return the daily users that a contract fixes; one contract fixes those of one feature."""
    if facts.slug == FEATURE_X:
        return FEATURE_X_BOUGHT
    is_fixed = facts.slug == CONTRACTED and account.segment == Segment.ENTERPRISE
    if is_fixed and contract_id(account.public_id) != FEATURE_X_CONTRACT:
        return account.seats // 2
    return None
