"""What product tells the other domains: weak core features and contracted use."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cs_integrations import exchange
from cs_integrations.exchange import ContractedUse
from product.models import Feature
from tests.factories import NOON, TODAY, CustomerFactory, SubscriptionFactory
from tests.product.factories import (
    FeatureEntitlementFactory,
    FeatureFactory,
    FeatureUsageDailyFactory,
)

pytestmark = pytest.mark.django_db

JUNE = date(2026, 6, 15)


def weak(*customers, at=NOON):
    """Return the answers in the customers' order, None for one that is absent."""
    found = exchange.weak_core_features.call(customer_ids=[item.pk for item in customers], at=at)
    return [found.get(item.pk) for item in customers]


def contracted(*customers, month=JUNE):
    found = exchange.contracted_uses.call(customer_ids=[item.pk for item in customers], month=month)
    return [found.get(item.pk) for item in customers]


@pytest.fixture
def customer():
    """A customer of 20 seats."""
    return SubscriptionFactory(seats=20).customer


@pytest.fixture
def own(customer):
    """Return a way to give the customer a feature that so many people use on a day."""

    def give(users, *, slug="templates", facts=None, **entitlement):
        feature = FeatureFactory(slug=slug, **(facts or {}))
        FeatureEntitlementFactory(customer=customer, feature=feature, **entitlement)
        FeatureUsageDailyFactory(customer=customer, feature=feature, uses=50, users=users)
        return feature

    return give


# --- weak core features --------------------------------------------------------------------


def test_core_features_under_30_percent_come_weakest_first(customer, own):
    own(5, slug="templates")
    own(6, slug="unified_inbox")
    own(1, slug="contact_import_export")

    assert weak(customer) == [("contact_import_export", "templates")]


def test_an_entitlement_with_a_planned_end_is_still_owned(customer, own):
    own(5, ended_date=TODAY + timedelta(days=60))

    assert weak(customer) == [("templates",)]


def test_more_use_makes_a_feature_strong(customer, own):
    feature = own(5)
    assert weak(customer) == [("templates",)]

    FeatureUsageDailyFactory(customer=customer, feature=feature, used_date=TODAY, users=7)

    assert weak(customer) == [()]


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"facts": {"kind": Feature.Kind.ADVANCED}}, id="advanced"),
        pytest.param({"facts": {"retired_date": TODAY}}, id="retired"),
        pytest.param({"ended_date": TODAY}, id="ended"),
    ],
)
def test_features_that_are_no_owned_core_features_do_not_count(customer, own, given):
    own(1, **given)

    assert weak(customer) == [None]


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"enabled_date": TODAY - timedelta(days=13)}, id="too new"),
        pytest.param({"enabled_date": TODAY + timedelta(days=1)}, id="agreed for tomorrow"),
    ],
)
def test_new_features_are_not_weak_yet(customer, own, given):
    own(1, **given)

    assert weak(customer) == [()]


def test_unrecorded_use_and_unknown_seats_are_not_weak(customer, own):
    FeatureEntitlementFactory(customer=customer)
    without_subscription = FeatureEntitlementFactory().customer

    assert weak(customer, without_subscription, CustomerFactory()) == [(), (), None]


def test_use_before_the_window_is_not_seen(customer, own):
    own(1)

    assert weak(customer, at=NOON + timedelta(days=26)) == [("templates",)]
    assert weak(customer, at=NOON + timedelta(days=27)) == [()]


# --- contracted use ------------------------------------------------------------------------


def test_contracted_use_is_the_mean_of_the_recorded_days(customer, own):
    feature = own(44, slug="feature_x", contracted_qty=100)
    FeatureUsageDailyFactory(
        customer=customer, feature=feature, used_date=date(2026, 6, 1), uses=50, users=46
    )

    assert contracted(customer) == [(ContractedUse("feature_x", Decimal(45), Decimal(100)),)]


def test_other_months_have_figures_of_their_own(customer, own):
    feature = own(6, contracted_qty=100)
    FeatureUsageDailyFactory(
        customer=customer, feature=feature, used_date=date(2026, 5, 31), users=4
    )

    ((june,),), ((may,),) = contracted(customer), contracted(customer, month=date(2026, 5, 9))

    assert (june.used, may.used) == (6, 4)


def test_without_quantity_or_recorded_day_there_is_no_figure(customer, own):
    own(6)
    FeatureEntitlementFactory(customer=customer, contracted_qty=10)

    assert contracted(customer) == [None]


@pytest.mark.parametrize(
    ("days", "is_counted"),
    [
        ({"enabled_date": date(2026, 6, 30)}, True),
        ({"enabled_date": date(2026, 7, 1)}, False),
        ({"ended_date": date(2026, 6, 2)}, True),
        ({"ended_date": date(2026, 6, 1)}, False),  # the first day without it
    ],
)
def test_an_entitlement_counts_in_the_months_that_it_ran_in(customer, own, days, is_counted):
    own(6, contracted_qty=10, **days)

    assert (contracted(customer) != [None]) is is_counted


def test_of_two_entitlements_in_a_month_the_later_counts(customer, own):
    feature = own(6, contracted_qty=10, ended_date=date(2026, 6, 10))
    FeatureEntitlementFactory(
        customer=customer, feature=feature, enabled_date=date(2026, 6, 10), contracted_qty=40
    )

    ((use,),) = contracted(customer)

    assert use.contracted == 40


# --- many customers ------------------------------------------------------------------------


@pytest.mark.parametrize("ask", [weak, contracted])
def test_many_customers_cost_no_more_queries_than_one(ask):
    many = [
        FeatureEntitlementFactory(contracted_qty=10, customer=SubscriptionFactory().customer)
        for _ in range(5)
    ]
    for item in many:
        FeatureUsageDailyFactory(customer=item.customer, feature=item.feature)
    customers = [item.customer for item in many]

    with CaptureQueriesContext(connection) as for_one:
        ask(customers[0])
    with CaptureQueriesContext(connection) as for_all:
        assert None not in ask(*customers)

    assert len(for_all) == len(for_one)
