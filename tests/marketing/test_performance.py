"""GET /marketing/performance/{campaign_id}, through the whole stack on hand-made facts."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine

from marketing.models import Campaign, Touchpoint
from tests.clients import problem_of, record_of
from tests.factories import NOON, CustomerFactory
from tests.marketing.factories import (
    STARTED_AT,
    CampaignEnrollmentFactory,
    CampaignFactory,
    EngagementEventFactory,
    RevenueEventFactory,
    TouchpointFactory,
)

CLOSED_AT = STARTED_AT + timedelta(days=20)


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def campaign(db):
    """Twelve measured participants; the more they opened, the more health they gained."""
    campaign = CampaignFactory(public_id="camp_9", completed=True)
    for opens in range(12):
        enrollment = CampaignEnrollmentFactory(
            campaign=campaign,
            finished=True,
            health_after=Decimal(70 + opens + (opens % 3)),
        )
        EngagementEventFactory.create_batch(opens, enrollment=enrollment)
    return campaign


@pytest.fixture
def read(api, campaign):
    def get():
        response = api.read("/marketing/performance/camp_9?explain=true")
        assert response.status_code == 200, response.content
        return response.json()

    return get


def participant(campaign, number=0):
    return campaign.enrollments.order_by("pk")[number].customer


def touch(customer, *, cs, others, before=CLOSED_AT):
    owners = [Touchpoint.Owner.CUSTOMER_SUCCESS] * cs + [Touchpoint.Owner.SALES] * others
    for days, owner in enumerate(owners, start=1):
        TouchpointFactory(customer=customer, owner=owner, occurred_at=before - timedelta(days=days))


def sell(customer, amount, **facts):
    return RevenueEventFactory(
        customer=customer, amount=Decimal(amount), **({"closed_at": CLOSED_AT} | facts)
    )


class TestTheSpecificationsExample:
    def test_is_answered_member_for_member(self, api, campaign):
        sell(participant(campaign, 0), 5_000, is_cs_driven=True)
        sell(participant(campaign, 1), 7_500, kind="upsell")
        touch(participant(campaign, 1), cs=3, others=7)

        body = api.read("/marketing/performance/camp_9").json()

        assert list(body) == ["attribution_to_cs", "health_correlation", "revenue_impact"]
        assert body["attribution_to_cs"] == "42%"
        assert body["revenue_impact"] == "$12,500"

    @pytest.mark.usefixtures("campaign")
    def test_is_recorded_with_the_object_it_names(self, api):
        record = record_of(api.read("/marketing/performance/camp_9"))

        assert record.object_ids == ["camp_9"]
        assert record.operation == "marketing_performance"

    def test_explains_itself(self, read, campaign):
        sell(participant(campaign), 5_000, is_cs_driven=True)

        explanation = read()["explanation"]

        assert explanation["rule_id"] == "marketing.campaign_performance"
        assert explanation["sample_size"] == 12
        assert explanation["steps"]["cs_amount"] == 3_000
        assert explanation["steps"]["claims"][0]["basis"] == "cs_driven"
        low, high = explanation["steps"]["correlation_interval"]
        assert low < read()["health_correlation"] < high


class TestRevenue:
    def test_nothing_sold_is_zero(self, read):
        body = read()

        assert (body["attribution_to_cs"], body["revenue_impact"]) == ("0%", "$0")
        assert (
            "No revenue closed in the window after an enrollment."
            in (body["explanation"]["reasons"])
        )

    @pytest.mark.parametrize(
        ("closed_after", "expected"),
        [
            (timedelta(0), "$0"),
            (timedelta(seconds=1), "$1,000"),
            (timedelta(days=60), "$1,000"),
            (timedelta(days=60, seconds=1), "$0"),  # has not closed yet
        ],
    )
    def test_counts_what_closed_after_the_enrollment(self, read, campaign, closed_after, expected):
        sell(participant(campaign), 1_000, closed_at=STARTED_AT + closed_after)

        assert read()["revenue_impact"] == expected

    @pytest.mark.parametrize(("days", "expected"), [(90, "$1,000"), (91, "$0")])
    def test_counts_ninety_days(self, client_with, campaign, days, expected):
        sell(participant(campaign), 1_000, closed_at=STARTED_AT + timedelta(days=days))

        with time_machine.travel(NOON + timedelta(days=60), tick=False):
            later = client_with("cs-marketing.read")
            body = later.read("/marketing/performance/camp_9").json()

        assert body["revenue_impact"] == expected

    @pytest.mark.usefixtures("campaign")
    def test_of_another_customer_does_not_count(self, read):
        sell(CustomerFactory(), 1_000)

        assert read()["revenue_impact"] == "$0"

    def test_a_refund_takes_the_amount_back(self, read, campaign):
        sale = sell(participant(campaign), 1_000)
        sell(participant(campaign, 1), 400)
        assert read()["revenue_impact"] == "$1,400"

        sale.refunded_at = NOON - timedelta(days=1)
        sale.save()

        body = read()
        assert body["revenue_impact"] == "$400"
        assert "was refunded" in " ".join(body["explanation"]["reasons"])

    def test_claimed_by_two_campaigns_is_divided(self, read, campaign):
        customer = participant(campaign)
        sell(customer, 1_000)
        CampaignEnrollmentFactory(customer=customer, sequence="renewal_prep")

        body = read()

        assert body["revenue_impact"] == "$500"
        assert "divided among 2 enrollments" in " ".join(body["explanation"]["reasons"])

    def test_a_renewal_in_doubt_counts_with_the_loss_it_avoided(self, read, campaign):
        """At 70 points the curve gives 79% renewal, so 21% of 10,000."""
        sell(participant(campaign), 10_000, kind="renewal")

        assert read()["revenue_impact"] == "$2,111"

    def test_a_renewal_that_was_safe_does_not_count(self, read, campaign):
        safe = CampaignEnrollmentFactory(campaign=campaign, health_at_start=Decimal(85))
        sell(safe.customer, 10_000, kind="renewal")

        assert read()["revenue_impact"] == "$0"


class TestAttribution:
    def test_rises_with_the_touchpoints_of_customer_success(self, read, campaign):
        customer = participant(campaign)
        sell(customer, 1_000)
        touch(customer, cs=1, others=3)
        assert read()["attribution_to_cs"] == "25%"

        touch(customer, cs=2, others=0, before=CLOSED_AT - timedelta(hours=1))

        assert read()["attribution_to_cs"] == "50%"

    def test_sees_ninety_days_before_the_close(self, read, campaign):
        customer = participant(campaign)
        sell(customer, 1_000)
        touch(customer, cs=1, others=0)
        for moment in (CLOSED_AT, CLOSED_AT - timedelta(days=90, seconds=1)):
            TouchpointFactory(customer=customer, occurred_at=moment)

        assert read()["attribution_to_cs"] == "100%"

    def test_is_nothing_without_a_touchpoint(self, read, campaign):
        sell(participant(campaign), 1_000)

        body = read()

        assert body["attribution_to_cs"] == "0%"
        assert body["explanation"]["steps"]["claims"][0]["basis"] == "no_touchpoints"


class TestHealthCorrelation:
    def test_is_strong_where_health_follows_engagement(self, read):
        assert read()["health_correlation"] == 0.98

    def test_weakens_when_an_eager_participant_falls(self, read, campaign):
        before = read()["health_correlation"]
        last = campaign.enrollments.order_by("pk").last()
        last.health_after = Decimal(60)
        last.save()

        assert read()["health_correlation"] < before

    def test_counts_no_engagement_after_an_unsubscription(self, read, campaign):
        before = read()["health_correlation"]
        last = campaign.enrollments.order_by("pk").last()
        EngagementEventFactory(enrollment=last, kind="unsubscribe")

        assert read()["health_correlation"] < before

    def test_is_null_with_a_reason_for_too_few(self, read, campaign):
        measured = campaign.enrollments.order_by("pk")
        measured.filter(pk__in=[row.pk for row in measured[:3]]).update(health_after=None)

        body = read()

        assert body["health_correlation"] is None
        assert body["explanation"]["sample_size"] == 9
        assert "only 9 of at least 10 are measured" in " ".join(body["explanation"]["reasons"])

    def test_is_null_with_a_reason_for_a_young_campaign(self, read, campaign):
        campaign.started_at = NOON - timedelta(days=29)
        campaign.status, campaign.ended_at = Campaign.Status.ACTIVE, None
        campaign.save()

        body = read()

        assert body["health_correlation"] is None
        assert "younger than 30 days" in " ".join(body["explanation"]["reasons"])

    def test_of_an_empty_campaign_is_null(self, api):
        empty = CampaignFactory()

        body = api.read(f"/marketing/performance/{empty.public_id}").json()

        assert list(body.values()) == ["0%", None, "$0"]


@pytest.mark.parametrize("campaign_id", ["camp_404", "camp_", "cust_1", "camp_9%00"])
def test_an_unknown_campaign_is_not_found(api, db, campaign_id):
    response = api.read(f"/marketing/performance/{campaign_id}")

    assert problem_of(response)[:2] == (404, "not-found")
    assert response.json()["detail"] == "There is no campaign with this id."
