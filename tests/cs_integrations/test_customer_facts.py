"""Facts about customers that several domains read: what is running on a day."""

from datetime import date, timedelta

import pytest

from cs_integrations.customers.queries import (
    executive_standing,
    reachable_contacts,
    running_subscriptions,
)
from tests.factories import TODAY, CustomerFactory, StakeholderFactory, SubscriptionFactory

pytestmark = pytest.mark.django_db

ENDS = pytest.mark.parametrize(
    ("end", "is_running"),
    [
        pytest.param(None, True, id="no end is known"),
        pytest.param(TODAY + timedelta(days=60), True, id="ends in 60 days"),
        pytest.param(TODAY + timedelta(days=1), True, id="ends tomorrow"),
        pytest.param(TODAY, False, id="ended today"),
        pytest.param(TODAY - timedelta(days=1), False, id="ended yesterday"),
    ],
)


@ENDS
def test_a_subscription_runs_until_the_day_it_ends(end: date | None, is_running: bool):
    subscription = SubscriptionFactory(ended_date=end)
    key = subscription.customer_id

    found = running_subscriptions(customer_ids=[key], on=TODAY)

    assert found == ({key: subscription} if is_running else {})


def test_the_next_subscription_does_not_run_before_it_starts():
    change = TODAY + timedelta(days=60)
    customer = CustomerFactory()
    present = SubscriptionFactory(customer=customer, ended_date=change)
    following = SubscriptionFactory(customer=customer, started_date=change)

    assert running_subscriptions(customer_ids=[customer.pk], on=TODAY) == {customer.pk: present}
    assert running_subscriptions(customer_ids=[customer.pk], on=change) == {customer.pk: following}


@ENDS
def test_a_sponsor_counts_until_the_day_of_leaving(end: date | None, is_running: bool):
    key = StakeholderFactory(sponsor=True, left_date=end).customer_id

    assert (key in executive_standing(customer_ids=[key], on=TODAY)) is is_running


@ENDS
def test_a_contact_is_reachable_until_the_day_of_leaving(end: date | None, is_running: bool):
    key = StakeholderFactory(left_date=end).customer_id

    assert bool(reachable_contacts(customer_id=key, on=TODAY)) is is_running
