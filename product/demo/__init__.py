"""The product demo facts. docs/rules/product.md says how the specified numbers come about."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random

from django.db import transaction

from cs_integrations.customers.demo import Portfolio
from cs_integrations.customers.models import Plan
from cs_integrations.database.copying import copy_rows
from product import rules
from product.actions import submit_feedback
from product.demo.catalogue import FEATURES, PLANS, VOICES, WARMUP, Voice
from product.demo.use import Grant, UseRow, days_of_use, grants
from product.models import (
    Feature,
    FeatureEntitlement,
    FeatureRating,
    FeatureUsageDaily,
    ProductTicket,
    RoadmapItem,
    TrainingRecord,
)
from product.rules import Quarter

OLDEST_FEATURE_DAYS = 2000  # before any account began
TRAINED_AFTER_DAYS = 30
LATEST_RATING_DAYS, RATING_SPREAD_DAYS = 5, 60
DEMO_LIFE_DAYS = 14  # for so long the examples' answers hold
SECOND_QUARTER = 2
TENTH, HUNDREDTH = Decimal("0.1"), Decimal("0.01")


@transaction.atomic
def build(*, portfolio: Portfolio) -> str:
    """Write the features, their use, training and ratings, the roadmap and the feedback."""
    random = portfolio.rng("product")
    features = _write_features(portfolio)
    given = grants(portfolio=portfolio, features=features, random=random)
    FeatureEntitlement.objects.bulk_create(
        FeatureEntitlement(
            customer_id=grant.customer_id,
            feature_id=grant.feature_id,
            enabled_date=grant.enabled_date,
            contracted_qty=grant.contracted_qty,
        )
        for grant in given
    )
    days = copy_rows(
        FeatureUsageDaily,
        UseRow._fields,
        (
            row
            for grant in given
            for row in days_of_use(portfolio=portfolio, grant=grant, random=random)
        ),
    )
    _write_training(portfolio, given, random)
    _write_ratings(portfolio, given, random)
    _write_roadmap(portfolio, features)
    _write_feedback(portfolio, features)
    return f"{len(features)} features, {days:,} days of use, {len(VOICES)} pieces of feedback"


def _write_features(portfolio: Portfolio) -> Mapping[str, Feature]:
    """Write the features and return them by slug."""
    plans = {plan.code: plan for plan in Plan.objects.all()}
    oldest = portfolio.as_of - timedelta(days=OLDEST_FEATURE_DAYS)
    features = Feature.objects.bulk_create(
        Feature(
            public_id=facts.public_id,
            slug=facts.slug,
            name=facts.name,
            kind=facts.kind,
            min_plan=plans.get(facts.plan_code),
            released_date=oldest + timedelta(days=10 * place),
        )
        for place, facts in enumerate(FEATURES)
    )
    return {feature.slug: feature for feature in features}


def _write_training(portfolio: Portfolio, given: Sequence[Grant], random: Random) -> None:
    """Write how far two customers of three had got a month after a feature was enabled."""
    records = []
    for place, grant in enumerate(given):
        recorded_at = _morning(grant.enabled_date + timedelta(days=TRAINED_AFTER_DAYS))
        completed_pct = _drawn(random.gauss(grant.facts.training_pct, 8), HUNDREDTH, 0, 100)
        if place % 3 and recorded_at < portfolio.at:
            records.append(
                TrainingRecord(
                    customer_id=grant.customer_id,
                    feature_id=grant.feature_id,
                    completed_pct=completed_pct,
                    recorded_at=recorded_at,
                )
            )
    TrainingRecord.objects.bulk_create(records)


def _write_ratings(portfolio: Portfolio, given: Sequence[Grant], random: Random) -> None:
    """Write the rating of every second customer of a feature, in the last two months."""
    ratings = []
    for place, grant in enumerate(given):
        days_ago = LATEST_RATING_DAYS + random.randrange(RATING_SPREAD_DAYS)
        rated_date = portfolio.as_of - timedelta(days=days_ago)
        rating = _drawn(random.gauss(grant.facts.rating, 0.4), TENTH, 1, 5)
        if place % 2 and rated_date > grant.enabled_date:
            ratings.append(
                FeatureRating(
                    customer_id=grant.customer_id,
                    feature_id=grant.feature_id,
                    rating=rating,
                    rated_at=_morning(rated_date),
                )
            )
    FeatureRating.objects.bulk_create(ratings)


def _write_roadmap(portfolio: Portfolio, features: Mapping[str, Feature]) -> None:
    """Write what is planned; the warm-up for the next second quarter that is not over too soon."""
    warmup = next(feature for feature in features.values() if feature.public_id == WARMUP)
    last_needed = Quarter.of(portfolio.as_of + timedelta(days=DEMO_LIFE_DAYS))
    is_over = last_needed.number > SECOND_QUARTER
    items = [(warmup, "Guided warm-up", Quarter(last_needed.year + is_over, SECOND_QUARTER))]
    this_quarter = Quarter.of(portfolio.as_of)
    items += [
        (features[plan.slug], plan.title, this_quarter.ahead(plan.quarters_ahead)) for plan in PLANS
    ]
    RoadmapItem.objects.bulk_create(
        RoadmapItem(feature=feature, title=title, year=quarter.year, quarter=quarter.number)
        for feature, title, quarter in items
    )


def _write_feedback(portfolio: Portfolio, features: Mapping[str, Feature]) -> None:
    """Submit what the customers said, on the days they said it: the rules make its tickets."""
    for voice in VOICES:
        said_at = portfolio.at - timedelta(days=voice.days_ago) + timedelta(hours=14)
        outcome = submit_feedback(
            customer_id=voice.customer_id,
            feature_id=features[voice.slug].public_id,
            submission=rules.Submission(
                impact_score=voice.impact,
                evidence=voice.evidence,
                kind=voice.kind,
                category=voice.category,
                description=voice.description,
            ),
            at=said_at,
        )
        if voice.status != ProductTicket.Status.OPEN:
            _answer(outcome.location_id, voice, said_at + voice.answered_after)


def _answer(ticket_id: str, voice: Voice, answered_at: datetime) -> None:
    is_closed = voice.status in (ProductTicket.Status.DELIVERED, ProductTicket.Status.DECLINED)
    ProductTicket.objects.filter(number=rules.ticket_number(ticket_id) or 0).update(
        status=voice.status,
        changed_at=answered_at,
        closed_at=answered_at if is_closed else None,
    )


def _morning(day: date) -> datetime:
    return datetime.combine(day, time(9), UTC)


def _drawn(value: float, step: Decimal, low: int, high: int) -> Decimal:
    return Decimal(max(float(low), min(float(high), value))).quantize(step)
