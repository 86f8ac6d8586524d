"""What is known of a feature's use: loads the facts of every customer that may use it."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Count, OuterRef, QuerySet, Subquery, Sum

from cs_integrations.api.formats import percent
from cs_integrations.customers.models import Customer
from cs_integrations.customers.queries import (
    HealthReading,
    latest_health,
    running_subscriptions,
    still,
)
from cs_integrations.explanation import Explanation, Outcome
from cs_integrations.lookup import find
from product import rules
from product.models import (
    Feature,
    FeatureEntitlement,
    FeatureRating,
    FeatureUsageDaily,
    TrainingRecord,
)
from product.rules import PARAMETERS, ProductParameters

ADOPTION_RULE = "product.adoption"
RULE_VERSION = "1"


class _WindowUse(NamedTuple):
    """One customer's use of a feature, summed over the use window."""

    uses: int = 0
    errors: int = 0
    successes: int = 0
    integration_failures: int = 0
    user_days: int = 0
    recorded_days: int = 0


def adoption(
    *, feature_id: str, at: datetime, parameters: ProductParameters = PARAMETERS
) -> Outcome:
    """Return how widely a feature is used, whether use goes with health, and what hinders it.

    :raises UnknownObject: there is no such feature
    """
    feature = find(Feature.objects.all(), feature_id)
    as_of = at.date()
    on = rules.observation_day(as_of=as_of, retired_date=feature.retired_date)
    customers = _customer_uses(feature, on, parameters)
    insights = rules.adoption_insights(customers=customers, on=on, parameters=parameters)
    rate, correlation = insights.overall.rate, insights.health_correlation.value
    return Outcome(
        body={
            "adoption_rate": None if rate is None else percent(rate),
            "health_correlation": correlation,
            "barriers": list(insights.barriers),
            "recommendations": list(insights.recommendations),
        },
        explanation=_adoption_explanation(feature, as_of, on, insights, parameters),
    )


def _customer_uses(
    feature: Feature, on: date, parameters: ProductParameters
) -> list[rules.CustomerUse]:
    """Load every active customer with a running entitlement, in six queries however many."""
    entitlements = list(_entitled_customers(feature, on))
    customer_ids = [item.customer_id for item in entitlements]
    start = rules.window_start(on=on, days=parameters.use_window_days)
    uses = _window_uses(feature, start, on)
    subscriptions = running_subscriptions(customer_ids=customer_ids, on=on)
    healths = latest_health(customer_ids=customer_ids, on=on)
    trainings = _latest_trainings(feature, on)
    ratings = _latest_ratings(feature, on, parameters)
    customers = []
    for item in entitlements:
        use = uses.get(item.customer_id, _WindowUse())
        subscription = subscriptions.get(item.customer_id)
        customers.append(
            rules.CustomerUse(
                segment=item.customer.segment,
                enabled_date=item.enabled_date,
                first_use_date=item.first_use_date,
                uses=use.uses,
                errors=use.errors,
                successes=use.successes,
                integration_failures=use.integration_failures,
                users=rules.DailyUsers(user_days=use.user_days, recorded_days=use.recorded_days),
                licensed_users=None if subscription is None else subscription.seats,
                health=_current_health(healths.get(item.customer_id)),
                training_pct=trainings.get(item.customer_id),
                rating=ratings.get(item.customer_id),
            )
        )
    return customers


def _entitled_customers(feature: Feature, on: date) -> QuerySet[FeatureEntitlement, Any]:
    """Return the running entitlement of each active customer, with the customer's first use.

    Of several the one that began first counts.
    """
    first_use = (
        FeatureUsageDaily.objects.filter(
            feature=feature, customer_id=OuterRef("customer_id"), used_date__lte=on, uses__gt=0
        )
        .order_by("used_date")
        .values("used_date")[:1]
    )
    return (
        FeatureEntitlement.objects.filter(
            still("ended_date", on), feature=feature, customer__status=Customer.Status.ACTIVE
        )
        .select_related("customer")
        .annotate(first_use_date=Subquery(first_use))
        .order_by("customer_id", "enabled_date", "pk")
        .distinct("customer_id")
    )


def _window_uses(feature: Feature, start: date, end: date) -> dict[int, _WindowUse]:
    rows = (
        FeatureUsageDaily.objects.filter(feature=feature, used_date__range=(start, end))
        .values("customer_id")
        .annotate(
            use_sum=Sum("uses"),
            error_sum=Sum("errors"),
            success_sum=Sum("successes"),
            failure_sum=Sum("integration_failures"),
            user_days=Sum("users"),
            recorded_days=Count("pk"),
        )
        .values_list(
            "customer_id",
            "use_sum",
            "error_sum",
            "success_sum",
            "failure_sum",
            "user_days",
            "recorded_days",
        )
    )
    return {customer_id: _WindowUse(*sums) for customer_id, *sums in rows}


def _latest_trainings(feature: Feature, on: date) -> dict[int, Decimal]:
    rows = (
        TrainingRecord.objects.filter(feature=feature, recorded_at__lt=_end_of(on))
        .order_by("customer_id", "-recorded_at", "-pk")
        .distinct("customer_id")
    )
    return {row.customer_id: row.completed_pct for row in rows}


def _latest_ratings(
    feature: Feature, on: date, parameters: ProductParameters
) -> dict[int, Decimal]:
    end = _end_of(on)
    rows = (
        FeatureRating.objects.filter(
            feature=feature,
            rated_at__gte=end - timedelta(days=parameters.rating_window_days),
            rated_at__lt=end,
        )
        .order_by("customer_id", "-rated_at", "-pk")
        .distinct("customer_id")
    )
    return {row.customer_id: row.rating for row in rows}


def _end_of(day: date) -> datetime:
    """Return the first moment after a day, in UTC."""
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def _current_health(reading: HealthReading | None) -> rules.CurrentHealth | None:
    if reading is None:
        return None
    return rules.CurrentHealth(
        score=reading.score,
        engagement=reading.engagement,
        business=reading.business,
        relationship=reading.relationship,
    )


def _adoption_explanation(
    feature: Feature,
    as_of: date,
    on: date,
    insights: rules.AdoptionInsights,
    parameters: ProductParameters,
) -> Explanation:
    reasons = insights.reasons
    if feature.retired_date is not None and feature.retired_date <= as_of:
        reasons += (f"The feature was retired on {feature.retired_date}: its last days are shown.",)
    return Explanation(
        rule_id=ADOPTION_RULE,
        rule_version=RULE_VERSION,
        inputs={
            "feature_id": feature.public_id,
            "feature_slug": feature.slug,
            "as_of": as_of,
            "observed_on": on,
            "window_start": rules.window_start(on=on, days=parameters.use_window_days),
            "retired_date": feature.retired_date,
        },
        steps=_adoption_steps(insights),
        sample_size=insights.health_correlation.sample_size,
        reasons=reasons,
    )


def _adoption_steps(insights: rules.AdoptionInsights) -> Mapping[str, Any]:
    without_usage = insights.correlation_without_usage
    return {
        "eligible": insights.overall.eligible,
        "adopted": insights.overall.adopted,
        "segments": {
            segment: {"eligible": part.eligible, "adopted": part.adopted, "rate": part.rate}
            for segment, part in insights.segments
        },
        "correlation_interval": insights.health_correlation.interval,
        "correlation_without_usage": without_usage.value,
        "correlation_without_usage_interval": without_usage.interval,
        "correlation_without_usage_size": without_usage.sample_size,
        "tests": [
            {
                "barrier": check.barrier,
                "measure": check.measure,
                "value": check.value,
                "limit": check.limit,
                "sample_size": check.sample_size,
                "shortfall": check.shortfall,
            }
            for check in insights.checks
        ],
    }
