"""What product offers to the other domains, for many customers at once."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Count, Sum

from cs_integrations.customers.queries import running_subscriptions, still
from cs_integrations.exchange import ContractedUse
from product import rules
from product.models import Feature, FeatureEntitlement, FeatureUsageDaily, ProductTicket
from product.rules import PARAMETERS, ProductParameters


def customers_of(*, public_ids: Collection[str]) -> Mapping[str, str]:
    """Return the customers of the tickets among these ids; offered to the trail."""
    numbers = [rules.ticket_number(name) for name in public_ids]
    tickets = ProductTicket.objects.filter(number__in=[number for number in numbers if number])
    return {
        ticket.public_id: ticket.customer.public_id for ticket in tickets.select_related("customer")
    }


def weak_core_features(
    *,
    customer_ids: Collection[int],
    at: datetime,
    parameters: ProductParameters = PARAMETERS,
) -> Mapping[int, tuple[str, ...]]:
    """Return each customer's little used core features.

    A customer that owns no core feature is absent.
    """
    on = at.date()
    entitlements = list(
        FeatureEntitlement.objects.filter(
            still("feature__retired_date", on),
            still("ended_date", on),
            customer_id__in=customer_ids,
            feature__kind=Feature.Kind.CORE,
        )
        .select_related("feature")
        .order_by("customer_id", "feature_id", "enabled_date", "pk")
        .distinct("customer_id", "feature_id")
    )
    start = rules.window_start(on=on, days=parameters.use_window_days)
    users = _daily_users(entitlements, start, on)
    subscriptions = running_subscriptions(customer_ids=customer_ids, on=on)
    owned: defaultdict[int, list[rules.CoreFeatureUse]] = defaultdict(list)
    for item in entitlements:
        subscription = subscriptions.get(item.customer_id)
        owned[item.customer_id].append(
            rules.CoreFeatureUse(
                slug=item.feature.slug,
                enabled_date=item.enabled_date,
                users=users[item.customer_id, item.feature_id],
                licensed_users=None if subscription is None else subscription.seats,
            )
        )
    return {
        customer_id: rules.weak_core_features(features=features, on=on, parameters=parameters)
        for customer_id, features in owned.items()
    }


def contracted_uses(
    *, customer_ids: Collection[int], month: date
) -> Mapping[int, tuple[ContractedUse, ...]]:
    """Return the use of contracted quantities in a month.

    An entitlement counts when it ran on a day of the month, the later of two for the same
    feature; one without a recorded day in the month has no figure.
    """
    start, end = rules.month_span(month)
    entitlements = list(
        FeatureEntitlement.objects.filter(
            still("ended_date", start),
            customer_id__in=customer_ids,
            contracted_qty__isnull=False,
            enabled_date__lte=end,
        )
        .select_related("feature")
        .order_by("customer_id", "feature__slug", "-enabled_date", "-pk")
        .distinct("customer_id", "feature__slug")
    )
    users = _daily_users(entitlements, start, end)
    uses: defaultdict[int, list[ContractedUse]] = defaultdict(list)
    for item in entitlements:
        used = rules.mean_daily_users(users[item.customer_id, item.feature_id])
        if used is not None and item.contracted_qty is not None:
            uses[item.customer_id].append(
                ContractedUse(
                    feature_slug=item.feature.slug,
                    used=used,
                    contracted=Decimal(item.contracted_qty),
                )
            )
    return {customer_id: tuple(found) for customer_id, found in uses.items()}


def _daily_users(
    entitlements: Collection[FeatureEntitlement], start: date, end: date
) -> defaultdict[tuple[int, int], rules.DailyUsers]:
    """Return the daily users in ``[start, end]`` by customer and feature, none where unrecorded."""
    rows = (
        FeatureUsageDaily.objects.filter(
            feature_id__in={item.feature_id for item in entitlements},
            customer_id__in={item.customer_id for item in entitlements},
            used_date__range=(start, end),
        )
        .values("customer_id", "feature_id")
        .annotate(user_days=Sum("users"), recorded_days=Count("pk"))
        .values_list("customer_id", "feature_id", "user_days", "recorded_days")
    )
    found: defaultdict[tuple[int, int], rules.DailyUsers] = defaultdict(rules.DailyUsers)
    for customer_id, feature_id, user_days, recorded_days in rows:
        found[customer_id, feature_id] = rules.DailyUsers(
            user_days=user_days, recorded_days=recorded_days
        )
    return found
