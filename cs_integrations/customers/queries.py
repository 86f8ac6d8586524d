"""Facts about customers that several domains read, for many customers in one query each.

Customers travel as primary keys. Health means ``computed`` snapshots only: what a caller
sent with a trigger decides nothing here. A customer without facts is absent from the answer.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection
from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    IntegerField,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)

from cs_integrations.customers.models import (
    ContactConsent,
    Customer,
    HealthSnapshot,
    Milestone,
    Stakeholder,
    Subscription,
    UsageMonthly,
)

_LEVEL_RANK = Case(
    When(level=Stakeholder.Level.C_LEVEL, then=Value(0)),
    When(level=Stakeholder.Level.VP, then=Value(1)),
    default=Value(2),
    output_field=IntegerField(),
)
# One index probe for each point; measured on the earlier of two equally near days.
_NEAREST = """
    SELECT point.customer_id, point.day, nearest.score
    FROM unnest(%s::bigint[], %s::date[]) AS point (customer_id, day)
    CROSS JOIN LATERAL (
        SELECT score
        FROM customers_healthsnapshot AS snapshot
        WHERE snapshot.customer_id = point.customer_id
          AND snapshot.source = 'computed'
          AND snapshot.measured_date BETWEEN point.day - %s AND point.day + %s
        ORDER BY abs(snapshot.measured_date - point.day), snapshot.measured_date
        LIMIT 1
    ) AS nearest
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReading:
    """One computed health measurement; points from 0 to 100.

    The four dimension scores are None where only the total is known.
    """

    measured_date: date
    score: Decimal
    usage: Decimal | None
    engagement: Decimal | None
    business: Decimal | None
    relationship: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LowestHealth:
    """The lowest score of a period, and how much of the period it rests on."""

    score: Decimal  # 0 to 100 points
    first_measured: date  # a later day than the period's start: the history is shorter
    measurements: int  # >= 1


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReading:
    """Use of one plan limit in one month."""

    month: date  # the month's first day
    metric: str  # a value of UsageMonthly.Metric
    used: int
    limit: int | None  # None: unlimited


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutiveStanding:
    """The best current sponsor of a customer: highest level, then best answer."""

    level: str  # a value of Stakeholder.Level
    nps: int | None  # latest answer, 0 to 10; None: never asked or not answered


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachableContact:
    """A marketing contact who still works at the customer."""

    stakeholder_id: int
    name: str
    has_opted_out: bool  # of mail


def still(field: str, on: date) -> Q:
    """Return the condition that something has not ended by a day.

    ``field`` holds the first day without it. A planned end lies ahead; null means that no
    end is known.
    """
    return Q(**{f"{field}__isnull": True}) | Q(**{f"{field}__gt": on})


def known_customers() -> QuerySet[Customer]:
    """Return the customers that requests may name: all but the deleted ones."""
    return Customer.objects.exclude(status=Customer.Status.DELETED)


def latest_health(*, customer_ids: Collection[int] | None, on: date) -> dict[int, HealthReading]:
    """Return each customer's latest computed health on or before a day.

    ``customer_ids`` None means every active customer. The cost is one index probe a
    customer, however long the history is.
    """
    customers = (
        Customer.objects.filter(status=Customer.Status.ACTIVE)
        if customer_ids is None
        else Customer.objects.filter(pk__in=customer_ids)
    )
    latest = (
        _computed()
        .filter(customer_id=OuterRef("pk"), measured_date__lte=on)
        .order_by(F("measured_date").desc())
    )
    newest_ids = customers.annotate(newest=Subquery(latest.values("pk")[:1])).values("newest")
    return {
        row.customer_id: _reading(row) for row in HealthSnapshot.objects.filter(pk__in=newest_ids)
    }


def health_series(*, customer_id: int, start: date, end: date) -> list[HealthReading]:
    """Return a customer's computed health in ``[start, end]``, oldest first."""
    rows = _computed().filter(customer_id=customer_id, measured_date__range=(start, end))
    return [_reading(row) for row in rows.order_by("measured_date")]


def lowest_health(
    *, customer_ids: Collection[int], start: date, end: date
) -> dict[int, LowestHealth]:
    """Return each customer's lowest computed score in ``[start, end]``."""
    rows = (
        _computed()
        .filter(customer_id__in=customer_ids, measured_date__range=(start, end))
        .values("customer_id")
        .annotate(
            lowest=Min("score"), first_measured=Min("measured_date"), measurements=Count("pk")
        )
        .values_list("customer_id", "lowest", "first_measured", "measurements")
    )
    return {
        customer_id: LowestHealth(
            score=lowest, first_measured=first_measured, measurements=measurements
        )
        for customer_id, lowest, first_measured, measurements in rows
    }


def health_near(
    *, points: Collection[tuple[int, date]], tolerance_days: int
) -> dict[tuple[int, date], Decimal]:
    """Return the computed score nearest to each (customer, day), at most so many days away.

    Of two equally near days the earlier counts. A point with no measurement near it is absent.
    """
    if not points:
        return {}
    wanted = sorted(set(points))
    with connection.cursor() as cursor:
        cursor.execute(
            _NEAREST,
            [
                [customer_id for customer_id, _ in wanted],
                [day for _, day in wanted],
                tolerance_days,
                tolerance_days,
            ],
        )
        return {(customer_id, day): score for customer_id, day, score in cursor.fetchall()}


def monthly_usage(
    *, customer_ids: Collection[int], since: date
) -> dict[int, tuple[UsageReading, ...]]:
    """Return each customer's use of its plan limits from the month of ``since``, oldest first.

    The last month may still be running: its use is what was used so far.
    """
    usage: defaultdict[int, list[UsageReading]] = defaultdict(list)
    rows = UsageMonthly.objects.filter(
        customer_id__in=customer_ids, month__gte=since.replace(day=1)
    ).order_by("customer_id", "month", "metric")
    for row in rows:
        usage[row.customer_id].append(
            UsageReading(month=row.month, metric=row.metric, used=row.used, limit=row.limit)
        )
    return {customer_id: tuple(readings) for customer_id, readings in usage.items()}


def executive_standing(*, customer_ids: Collection[int], on: date) -> dict[int, ExecutiveStanding]:
    """Return the best sponsor on a day of each customer that has one."""
    sponsors = (
        Stakeholder.objects.filter(
            still("left_date", on), customer_id__in=customer_ids, is_sponsor=True
        )
        .order_by("customer_id", _LEVEL_RANK, F("nps").desc(nulls_last=True), "pk")
        .distinct("customer_id")
    )
    return {
        sponsor.customer_id: ExecutiveStanding(level=sponsor.level, nps=sponsor.nps)
        for sponsor in sponsors
    }


def running_subscriptions(*, customer_ids: Collection[int], on: date) -> dict[int, Subscription]:
    """Return the subscription that runs on a day for each customer that has one, its plan loaded.

    Of several the one that started last counts.
    """
    rows = (
        Subscription.objects.filter(
            still("ended_date", on), customer_id__in=customer_ids, started_date__lte=on
        )
        .select_related("plan")
        .order_by("started_date", "pk")
    )
    return {subscription.customer_id: subscription for subscription in rows}


def reachable_contacts(*, customer_id: int, on: date) -> tuple[ReachableContact, ...]:
    """Return the marketing contacts on a day, those who opted out of mail marked."""
    opted_out = ContactConsent.objects.filter(
        stakeholder=OuterRef("pk"), channel="email", opted_out_at__isnull=False
    )
    rows = (
        Stakeholder.objects.filter(
            still("left_date", on), customer_id=customer_id, is_marketing_contact=True
        )
        .annotate(has_opted_out=Exists(opted_out))
        .order_by("pk")
        .values_list("pk", "name", "has_opted_out")
    )
    return tuple(
        ReachableContact(stakeholder_id=pk, name=name, has_opted_out=has_opted_out)
        for pk, name, has_opted_out in rows
    )


def milestone_phases() -> Mapping[str, str]:
    """Return the milestone catalogue: the phase of each code, by code."""
    return dict(Milestone.objects.order_by("code").values_list("code", "phase"))


def _computed() -> QuerySet[HealthSnapshot]:
    return HealthSnapshot.objects.filter(source=HealthSnapshot.Source.COMPUTED)


def _reading(row: HealthSnapshot) -> HealthReading:
    return HealthReading(
        measured_date=row.measured_date,
        score=row.score,
        usage=row.usage,
        engagement=row.engagement,
        business=row.business,
        relationship=row.relationship,
    )
